/*
 * May this peer talk to us?
 *
 * First the chain, by OpenSSL: signatures, times by the loop's clock, purpose. Then the names:
 * the trust domain where one is configured, and the list of subject alternative names. The
 * verdict of the names reaches the peer as bad_certificate, that of the chain as the alert
 * that OpenSSL has for it.
 */

#include <openssl/x509_vfy.h>

#include "message/spiffe.h"
#include "net/tls_private.h"

#define NS_PER_SECOND 1000000000

struct names {
	const struct str *items;
	uint32_t count;
};

static struct names names_of_type(const struct certificate *c, enum tls_san_type type)
{
	switch (type) {
	case TLS_SAN_URI:
		return (struct names){ c->uri_sans, c->uri_san_count };
	case TLS_SAN_DNS:
		return (struct names){ c->dns_sans, c->dns_san_count };
	case TLS_SAN_IP:
		return (struct names){ c->ip_sans, c->ip_san_count };
	}
	return (struct names){ 0 };
}

/*
 * An exact DNS name also matches a certificate's wildcard, which stands for one whole label
 * at the left (RFC 6125 §6.4.3).
 */
static bool wildcard_accepts(const struct tls_san_matcher *m, struct str san)
{
	struct str wanted = m->text.value;
	size_t dot = str_find(wanted, 0, '.');

	return m->type == TLS_SAN_DNS && m->text.kind == TEXT_MATCH_EXACT &&
	       str_has_prefix(san, STR("*.")) && dot > 0 &&
	       str_eq_nocase(str_slice(wanted, dot, wanted.len), str_slice(san, 1, san.len));
}

static bool matcher_accepts(const struct tls_san_matcher *m, const struct certificate *peer)
{
	struct names names = names_of_type(peer, m->type);

	for (uint32_t i = 0; i < names.count; i++)
		if (text_match(&m->text, names.items[i]) || wildcard_accepts(m, names.items[i]))
			return true;
	return false;
}

static bool sans_accept(const struct tls_context *context, const struct certificate *peer)
{
	for (uint32_t i = 0; i < context->san_count; i++)
		if (matcher_accepts(&context->sans[i], peer))
			return true;
	return context->san_count == 0;
}

/* X509-SVID §2, §4.1: one URI name, a SPIFFE ID with a path, on a certificate that signs none. */
static enum tls_failure check_svid(struct str trust_domain, const struct certificate *peer)
{
	struct spiffe_id id;

	if (spiffe_id_parse(certificate_spiffe_id(peer), &id) < 0 || id.path.len == 0 ||
	    peer->is_ca)
		return TLS_FAILURE_NOT_SVID;
	return str_eq(id.trust_domain, trust_domain) ? TLS_FAILURE_NONE : TLS_FAILURE_TRUST_DOMAIN;
}

static enum tls_failure check_names(const struct tls_context *context,
				    const struct certificate *peer)
{
	enum tls_failure f = TLS_FAILURE_NONE;

	if (context->trust_domain.len > 0)
		f = check_svid(context->trust_domain, peer);
	if (f == TLS_FAILURE_NONE && !sans_accept(context, peer))
		f = TLS_FAILURE_SAN;
	return f;
}

/* The names that the peer showed, for whoever reads the log. */
static const char *shown_name(const struct certificate *peer)
{
	if (peer->uri_san_count > 0)
		return peer->uri_sans[0].ptr;
	if (peer->dns_san_count > 0)
		return peer->dns_sans[0].ptr;
	return peer->subject.ptr;
}

static bool chain_is_good(X509_STORE_CTX *store, struct tls_conn *t)
{
	int64_t now = loop_wall_now(t->conn.loop).ns / NS_PER_SECOND;

	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(store), (time_t)now);
	if (X509_verify_cert(store) > 0)
		return true;
	tls_set_failure(&t->info, TLS_FAILURE_VERIFY,
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
	return false;
}

int tls_verify_peer(X509_STORE_CTX *store, void *arg)
{
	const struct tls_context *context = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_conn *t = SSL_get_app_data(ssl);
	enum tls_failure f;

	t->info.peer = t->peer = certificate_free(t->peer);
	if (certificate_from_x509(X509_STORE_CTX_get0_cert(store), &t->peer) < 0 &&
	    context->verify != TLS_VERIFY_NONE) {
		tls_set_failure(&t->info, TLS_FAILURE_VERIFY, "certificate has malformed names");
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	t->info.peer = t->peer;
	if (context->verify == TLS_VERIFY_NONE)
		return 1;
	if (!chain_is_good(store, t))
		return 0;

	f = check_names(context, t->peer);
	if (f == TLS_FAILURE_NONE)
		return 1;
	tls_set_failure(&t->info, f, shown_name(t->peer));
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}
