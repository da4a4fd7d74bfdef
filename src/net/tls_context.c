/*
 * Building a context: PEM text and options into an SSL_CTX
 */

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "net/tls_private.h"

#define CHAIN_COUNT_MAX  16
#define ANCHOR_COUNT_MAX 1024
#define ALPN_BYTES_MAX   255

/* AES-128 first, as the peers of a mesh do: it is the fastest, and strong enough. */
#define CIPHERS_1_3                                      \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_1_2                                                  \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* The first list needs OpenSSL 3.5. */
#define GROUPS_HYBRID  "X25519MLKEM768:X25519:P-256:P-384"
#define GROUPS_CLASSIC "X25519:P-256:P-384"

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static void x509_freep(X509 **x)
{
	X509_free(*x);
}

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static BIO *open_text(struct str text)
{
	return BIO_new_mem_buf(text.ptr ? text.ptr : "", (int)text.len);
}

/* The reason of OpenSSL's newest error, or a word when it has none. */
static const char *reason_text(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "unreadable";
}

static int fail(struct diag *d, const char *what)
{
	return diag_fail(d, ERR_CONFIG, "%s", what);
}

/* A key with a passphrase is refused; without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *memory unused_arg, int size unused_arg, int writing unused_arg,
			 void *user unused_arg)
{
	return -1;
}

/* At the end of the text PEM_read says "no start line"; everything else is damage. */
static bool at_end_of_pem(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int use_leaf(struct tls_context *context, X509 *leaf, struct diag *d)
{
	if (SSL_CTX_use_certificate(context->ssl_ctx, leaf) != 1)
		return diag_fail(d, ERR_CONFIG, "certificate cannot be used: %s", reason_text());
	if (certificate_from_x509(leaf, &context->certificate) < 0)
		return fail(d, "certificate has malformed names");
	return 0;
}

static int use_chain(struct tls_context *context, struct str pem, struct diag *d)
{
	cleanup(bio_freep) BIO *in = open_text(pem);

	for (int i = 0; i <= CHAIN_COUNT_MAX; i++) {
		cleanup(x509_freep) X509 *x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
		int r = 0;

		if (!x && i > 0 && at_end_of_pem())
			return 0;
		if (!x)
			return fail(d, i == 0 ? "certificate is not PEM"
					      : "certificate chain is damaged");
		if (i == 0)
			r = use_leaf(context, x, d);
		else if (SSL_CTX_add1_chain_cert(context->ssl_ctx, x) != 1)
			r = fail(d, "certificate chain cannot be used");
		if (r < 0)
			return r;
	}
	return fail(d, "certificate chain is too long");
}

static int use_key(struct tls_context *context, struct str pem, struct diag *d)
{
	cleanup(bio_freep) BIO *in = open_text(pem);
	cleanup(key_freep) EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);

	if (!key)
		return fail(d, "private key is not PEM, or has a passphrase");
	if (SSL_CTX_use_PrivateKey(context->ssl_ctx, key) != 1 ||
	    SSL_CTX_check_private_key(context->ssl_ctx) != 1)
		return fail(d, "private key does not belong to the certificate");
	return 0;
}

static int use_identity(struct tls_context *context, const struct tls_options *o, struct diag *d)
{
	int r;

	if (o->certificate_pem.len == 0 && o->key_pem.len == 0)
		return o->role == TLS_SERVER ? fail(d, "a server needs a certificate") : 0;
	r = use_chain(context, o->certificate_pem, d);
	if (r < 0)
		return r;
	return use_key(context, o->key_pem, d);
}

static int add_anchor(struct tls_context *context, X509 *x, struct diag *d)
{
	if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl_ctx), x) != 1)
		return fail(d, "trust anchor cannot be used");
	if (context->role == TLS_SERVER && SSL_CTX_add_client_CA(context->ssl_ctx, x) != 1)
		return fail(d, "trust anchor cannot be announced");
	if (certificate_from_x509(x, &context->anchors[context->anchor_count]) < 0)
		return fail(d, "trust anchor has malformed names");
	context->anchor_count++;
	return 0;
}

/* How many objects the text holds at most. */
static size_t pem_count(struct str pem)
{
	static const struct str mark = STR_INIT("-----BEGIN");
	size_t count = 0;

	for (size_t i = 0; i + mark.len <= pem.len; i++)
		count += memcmp(pem.ptr + i, mark.ptr, mark.len) == 0;
	return count;
}

static int use_anchors(struct tls_context *context, struct str pem, struct diag *d)
{
	cleanup(bio_freep) BIO *in = open_text(pem);
	size_t count_max = min_of(pem_count(pem), (size_t)ANCHOR_COUNT_MAX);

	context->anchors = pool_new_array(&context->pool, struct certificate *, count_max);
	for (;;) {
		cleanup(x509_freep) X509 *x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
		int r;

		if (!x && context->anchor_count > 0 && at_end_of_pem())
			return 0;
		if (!x)
			return fail(d, context->anchor_count == 0 ? "trust bundle is not PEM"
								  : "trust bundle is damaged");
		if (context->anchor_count == count_max)
			return fail(d, "trust bundle has too many certificates");
		r = add_anchor(context, x, d);
		if (r < 0)
			return r;
	}
}

static int use_trust(struct tls_context *context, const struct tls_options *o, struct diag *d)
{
	int mode = SSL_VERIFY_PEER;

	context->verify = o->verify;
	SSL_CTX_set_cert_verify_callback(context->ssl_ctx, tls_verify_peer, context);
	if (o->verify == TLS_VERIFY_NONE)
		return o->san_count > 0 || o->trust_domain.len > 0
			       ? fail(d, "names cannot be checked without a trust anchor")
			       : 0;
	if (o->trust_pem.len == 0)
		return fail(d, "verification needs a trust anchor");
	if (o->verify == TLS_VERIFY_OPTIONAL && o->role == TLS_CLIENT)
		return fail(d, "a server always shows a certificate: it cannot be optional");

	if (o->verify == TLS_VERIFY_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context->ssl_ctx, mode, NULL);
	/* An intermediate in the bundle is an anchor as good as a root: as in Envoy. */
	X509_STORE_set_flags(SSL_CTX_get_cert_store(context->ssl_ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return use_anchors(context, o->trust_pem, d);
}

static void copy_names(struct tls_context *context, const struct tls_options *o)
{
	struct pool *p = &context->pool;

	context->trust_domain = pool_strdup(p, o->trust_domain);
	context->san_count = o->san_count;
	context->sans = pool_new_array(p, struct tls_san_matcher, o->san_count);
	for (uint32_t i = 0; i < o->san_count; i++) {
		struct tls_san_matcher *m = &context->sans[i];

		*m = o->sans[i];
		m->text.value = pool_strdup(p, m->text.value);
		m->text.ignore_case |= m->type == TLS_SAN_DNS;
	}
}

/* RFC 7301 §3.2: the server picks. Without a common protocol both go on without ALPN. */
static int select_alpn(SSL *ssl unused_arg, const unsigned char **ret_protocol,
		       unsigned char *ret_len, const unsigned char *offered, unsigned offered_len,
		       void *arg)
{
	const struct tls_context *context = arg;
	unsigned char *protocol;

	if (SSL_select_next_proto(&protocol, ret_len, context->alpn, context->alpn_len, offered,
				  offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_protocol = protocol;
	return SSL_TLSEXT_ERR_OK;
}

static int use_alpn(struct tls_context *context, const struct tls_options *o, struct diag *d)
{
	size_t len = 0;

	for (uint32_t i = 0; i < o->alpn_count; i++) {
		if (o->alpn[i].len == 0 || o->alpn[i].len > ALPN_BYTES_MAX)
			return fail(d, "a protocol name has 1 to 255 bytes");
		len += 1 + o->alpn[i].len;
	}
	if (len == 0)
		return 0;
	if (len > UINT16_MAX)
		return fail(d, "too many protocol names");

	context->alpn = pool_alloc(&context->pool, len);
	for (uint32_t i = 0; i < o->alpn_count; i++) {
		context->alpn[context->alpn_len++] = (uint8_t)o->alpn[i].len;
		memcpy(context->alpn + context->alpn_len, o->alpn[i].ptr, o->alpn[i].len);
		context->alpn_len += (uint32_t)o->alpn[i].len;
	}
	if (o->role == TLS_SERVER)
		SSL_CTX_set_alpn_select_cb(context->ssl_ctx, select_alpn, context);
	else if (SSL_CTX_set_alpn_protos(context->ssl_ctx, context->alpn, context->alpn_len) != 0)
		return fail(d, "protocol names cannot be used");
	return 0;
}

/* Acknowledged whatever it is: which chain serves a name was decided before (net/sni.h). */
static int accept_sni(SSL *ssl, int *alert unused_arg, void *arg unused_arg)
{
	struct tls_conn *t = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	mem_free(t->sni);
	t->sni = mem_strdup(name);
	t->info.sni = str_from(t->sni);
	return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Clients: asked when the server wants to see our certificate. */
static int on_certificate_wanted(SSL *ssl, void *arg unused_arg)
{
	struct tls_conn *t = SSL_get_app_data(ssl);

	t->certificate_shown = t->context->certificate != NULL;
	return 1;
}

static int use_versions(struct tls_context *context, const struct tls_options *o, struct diag *d)
{
	uint16_t min = o->version_min ? o->version_min : TLS_VERSION_1_3;
	uint16_t max = o->version_max ? o->version_max : TLS_VERSION_1_3;

	if (min < TLS_VERSION_1_2 || max > TLS_VERSION_1_3 || min > max)
		return fail(d, "TLS versions are 1.2 and 1.3, the lowest first");
	if (SSL_CTX_set_min_proto_version(context->ssl_ctx, min) != 1 ||
	    SSL_CTX_set_max_proto_version(context->ssl_ctx, max) != 1)
		return fail(d, "TLS versions cannot be set");
	return 0;
}

static int use_algorithms(struct tls_context *context, struct diag *d)
{
	SSL_CTX *c = context->ssl_ctx;

	SSL_CTX_set_security_level(c, 2);
	if (SSL_CTX_set_ciphersuites(c, CIPHERS_1_3) != 1 ||
	    SSL_CTX_set_cipher_list(c, CIPHERS_1_2) != 1)
		return fail(d, "ciphers cannot be set");
	if (SSL_CTX_set1_groups_list(c, GROUPS_HYBRID) != 1 &&
	    SSL_CTX_set1_groups_list(c, GROUPS_CLASSIC) != 1)
		return fail(d, "key exchange groups cannot be set");
	return 0;
}

/* See tls.h: no resumption, so neither sessions nor tickets; and what else is never wanted. */
static void set_modes(struct tls_context *context)
{
	SSL_CTX *c = context->ssl_ctx;

	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* Idle connections keep no record buffers; chains are sent as they were given. */
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(c, 0);
	if (context->role == TLS_SERVER)
		SSL_CTX_set_tlsext_servername_callback(c, accept_sni);
	else
		SSL_CTX_set_cert_cb(c, on_certificate_wanted, NULL);
}

static int build(struct tls_context *context, const struct tls_options *o, struct diag *d)
{
	int r;

	set_modes(context);
	copy_names(context, o);
	r = use_versions(context, o, d);
	if (r == 0)
		r = use_algorithms(context, d);
	if (r == 0)
		r = use_identity(context, o, d);
	if (r == 0)
		r = use_trust(context, o, d);
	if (r == 0)
		r = use_alpn(context, o, d);
	return r;
}

int tls_context_new(const struct tls_options *options, struct tls_context **ret_context,
		    struct diag *d)
{
	cleanup(tls_context_unrefp) struct tls_context *context = mem_new(struct tls_context);
	struct diag unused = DIAG_INIT;
	int r;

	atomic_init(&context->refs, 1);
	pool_init(&context->pool, 0);
	context->role = options->role;
	context->ssl_ctx = SSL_CTX_new(options->role == TLS_SERVER ? TLS_server_method()
								   : TLS_client_method());
	if (!context->ssl_ctx)
		return ERR_UNAVAILABLE;

	ERR_clear_error();
	r = build(context, options, d ? d : &unused);
	ERR_clear_error();
	diag_fini(&unused);
	if (r < 0)
		return r;
	*ret_context = TAKE(context);
	return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
	return context;
}

struct tls_context *tls_context_unref(struct tls_context *context)
{
	if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	SSL_CTX_free(context->ssl_ctx);
	certificate_free(context->certificate);
	for (uint32_t i = 0; i < context->anchor_count; i++)
		certificate_free(context->anchors[i]);
	pool_fini(&context->pool);
	return mem_free(context);
}

const struct certificate *tls_context_certificate(const struct tls_context *context)
{
	return context->certificate;
}

uint32_t tls_context_anchor_count(const struct tls_context *context)
{
	return context->anchor_count;
}

const struct certificate *tls_context_anchor(const struct tls_context *context, uint32_t index)
{
	return index < context->anchor_count ? context->anchors[index] : NULL;
}
