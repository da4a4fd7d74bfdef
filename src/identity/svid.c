#include "identity/svid.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/mem.h"
#include "identity/svid_check.h"

/* Appends a terminated copy to the text behind *at. */
static struct str place(char **at, struct str text)
{
	struct str copy = { *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.ptr, text.len);
	(*at)[text.len] = '\0';
	*at += text.len + 1;
	return copy;
}

static struct svid *build(const struct svid_parts *parts, const struct certificate *leaf)
{
	struct svid *s = mem_new(struct svid);
	struct str id = certificate_spiffe_id(leaf);
	char *at;

	s->memory_bytes = id.len + parts->key_pem.len + parts->chain_pem.len +
			  parts->trust_pem.len + leaf->serial.len + 5;
	s->memory = at = mem_alloc(s->memory_bytes);
	s->id_text = place(&at, id);
	s->key_pem = place(&at, parts->key_pem);
	s->chain_pem = place(&at, parts->chain_pem);
	s->trust_pem = place(&at, parts->trust_pem);
	s->serial = place(&at, leaf->serial);
	assert(at == s->memory + s->memory_bytes);

	if (spiffe_id_parse(s->id_text, &s->id) < 0)
		assert(!"a checked SPIFFE ID does not parse");
	s->not_before = leaf->not_before;
	s->not_after = leaf->not_after;
	atomic_init(&s->refs, 1);
	return s;
}

static void append_all(STACK_OF(X509) * stack, struct buf *out)
{
	for (int i = 0; i < sk_X509_num(stack); i++)
		pem_append_certificate(sk_X509_value(stack, i), out);
}

/* As PEM that we wrote ourselves: what stood between the certificates is gone. */
static struct svid *build_clean(const struct svid_material *m, const struct certificate *leaf)
{
	struct buf key = BUF_INIT(0), chain = BUF_INIT(0), trust = BUF_INIT(0);
	struct svid *s;

	key_append_pem(m->key, &key);
	append_all(m->chain, &chain);
	append_all(m->anchors, &trust);
	s = build(&(struct svid_parts){ buf_str(&key), buf_str(&chain), buf_str(&trust) }, leaf);
	key_wipe(&key);
	buf_fini(&chain);
	buf_fini(&trust);
	return s;
}

int svid_new(const struct svid_parts *parts, struct str wanted_id, struct wall_time now,
	     struct svid **ret_svid, struct diag *d)
{
	cleanup(certificate_freep) struct certificate *leaf = NULL;
	cleanup(svid_material_fini) struct svid_material m = { 0 };
	int r = svid_material_read(parts, &m, d);

	if (r == 0 && certificate_read(parts->chain_pem, &leaf) < 0)
		r = diag_fail(d, ERR_CONFIG, "the certificate has malformed names");
	if (r == 0)
		r = svid_material_check(&m, leaf, wanted_id, now, d);
	if (r == 0)
		*ret_svid = build_clean(&m, leaf);
	return r;
}

struct svid *svid_ref(struct svid *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

struct svid *svid_unref(struct svid *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	OPENSSL_cleanse(s->memory, s->memory_bytes);
	mem_free(s->memory);
	return mem_free(s);
}

int svid_tls_context(const struct svid *s, const struct svid_tls_options *o,
		     struct tls_context **ret_context, struct diag *d)
{
	const struct tls_options options = {
		.role = o->role,
		.certificate_pem = s->chain_pem,
		.key_pem = s->key_pem,
		.trust_pem = s->trust_pem,
		.verify = TLS_VERIFY_REQUIRED,
		.alpn = o->alpn,
		.alpn_count = o->alpn_count,
		.sans = o->sans,
		.san_count = o->san_count,
		.trust_domain = o->trust_domain.len > 0 ? o->trust_domain : s->id.trust_domain,
	};

	return tls_context_new(&options, ret_context, d);
}

void svid_control_id(struct str trust_domain, struct buf *out)
{
	buf_printf(out, "spiffe://%.*s/ns/" SVID_CONTROL_NAMESPACE "/sa/" SVID_CONTROL_ACCOUNT,
		   STR_ARGS(trust_domain));
}

int svid_control_client_context(const struct svid *s, struct tls_context **ret_context,
				struct diag *d)
{
	static const struct str h2 = STR_INIT("h2");
	struct buf id = BUF_INIT(0);
	struct tls_san_matcher server = { .type = TLS_SAN_URI };
	int r;

	svid_control_id(s->id.trust_domain, &id);
	server.text = (struct text_match){ .kind = TEXT_MATCH_EXACT, .value = buf_str(&id) };
	r = svid_tls_context(s,
			     &(struct svid_tls_options){
				     .role = TLS_CLIENT,
				     .alpn = &h2,
				     .alpn_count = 1,
				     .sans = &server,
				     .san_count = 1,
			     },
			     ret_context, d);
	buf_fini(&id);
	return r;
}
