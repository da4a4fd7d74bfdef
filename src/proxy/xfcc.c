#include "proxy/xfcc.h"

#include "codec/percent.h"
#include "net/tls.h"

#define XFCC_BYTES_MAX 32768

static const struct tls_info *mutual_of(const struct downstream *client)
{
	const struct tls_info *tls = client->conn->tls;

	return tls && tls->mutual && tls->peer ? tls : NULL;
}

static void add_key(struct buf *out, const char *key)
{
	if (buf_len(out) > 0)
		buf_append_char(out, ';');
	buf_append_str(out, str_from(key));
	buf_append_char(out, '=');
}

/* In quotes, because names contain commas and semicolons. */
static void add_quoted(struct buf *out, const char *key, struct str value)
{
	add_key(out, key);
	buf_append_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '"' || value.ptr[i] == '\\')
			buf_append_char(out, '\\');
		buf_append_char(out, value.ptr[i]);
	}
	buf_append_char(out, '"');
}

static void add_hash(struct buf *out, const struct conn *c)
{
	uint8_t hash[32];

	if (!tls_peer_sha256(c, hash))
		return;
	add_key(out, "Hash");
	for (size_t i = 0; i < sizeof(hash); i++)
		buf_printf(out, "%02x", hash[i]);
}

static void add_pem(struct buf *out, const char *key, const struct conn *c)
{
	struct buf pem = BUF_INIT(XFCC_BYTES_MAX);
	struct buf encoded = BUF_INIT(XFCC_BYTES_MAX);

	if (tls_peer_pem(c, &pem)) {
		percent_encode(buf_str(&pem), PERCENT_COMPONENT, &encoded);
		add_quoted(out, key, buf_str(&encoded));
	}
	buf_fini(&encoded);
	buf_fini(&pem);
}

/* Names that are the peer's word for itself, when they hold nothing that would break the list. */
static void add_names(struct buf *out, const char *key, const struct str *names, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (str_find(names[i], 0, ',') < names[i].len ||
		    str_find(names[i], 0, ';') < names[i].len) {
			add_quoted(out, key, names[i]);
			continue;
		}
		add_key(out, key);
		buf_append_str(out, names[i]);
	}
}

static void write_element(const struct http_manager *m, const struct downstream *client,
			  const struct tls_info *tls, struct buf *out)
{
	const struct certificate *own =
		client->chain->tls.context ? tls_context_certificate(client->chain->tls.context)
					   : NULL;

	if (own && own->uri_san_count)
		add_names(out, "By", own->uri_sans, own->uri_san_count);
	add_hash(out, client->conn);
	if (m->xfcc_cert)
		add_pem(out, "Cert", client->conn);
	if (m->xfcc_chain)
		add_pem(out, "Chain", client->conn);
	if (m->xfcc_subject)
		add_quoted(out, "Subject", tls->peer->subject);
	if (m->xfcc_uri)
		add_names(out, "URI", tls->peer->uri_sans, tls->peer->uri_san_count);
	if (m->xfcc_dns)
		add_names(out, "DNS", tls->peer->dns_sans, tls->peer->dns_san_count);
}

static struct str element(const struct http_manager *m, const struct downstream *client,
			  const struct tls_info *tls, struct pool *pool)
{
	struct buf text = BUF_INIT(XFCC_BYTES_MAX);
	struct str copy;

	write_element(m, client, tls, &text);
	copy = pool_strdup(pool, buf_str(&text));
	buf_fini(&text);
	return copy;
}

void xfcc_apply(const struct http_manager *m, const struct downstream *client,
		struct headers *request, struct pool *pool)
{
	const struct tls_info *tls = mutual_of(client);
	struct header *have;
	struct str own;

	if (m->forward_client_certificate == XFCC_ALWAYS_FORWARD_ONLY)
		return;
	if (!tls || m->forward_client_certificate == XFCC_SANITIZE) {
		headers_remove(request, HEADER_X_FORWARDED_CLIENT_CERT);
		return;
	}
	if (m->forward_client_certificate == XFCC_FORWARD_ONLY)
		return;
	own = element(m, client, tls, pool);
	have = headers_get(request, HEADER_X_FORWARDED_CLIENT_CERT);
	if (have && m->forward_client_certificate == XFCC_APPEND_FORWARD)
		own = pool_printf(pool, "%.*s,%.*s", STR_ARGS(have->value), STR_ARGS(own));
	headers_set(request, HEADER_X_FORWARDED_CLIENT_CERT, own);
}
