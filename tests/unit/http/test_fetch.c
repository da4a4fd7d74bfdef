#include "http/fetch.h"

#include <errno.h>
#include <unistd.h>

#include "../net/certs.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "net/socket_conn.h"
#include "net/tls.h"
#include "rig.h"
#include "test.h"

#define TURNS_MAX 2000

/* A server and a client of the same loop, over real sockets. */
struct fetch_rig {
	struct rig rig;
	struct acceptor acceptor;
	int fd;
	struct address address;
	struct tls_context *server_tls; /* NULL: clear text */
	enum http_codec codec;          /* of the last request, as the server saw it */
	struct buf log;
	bool done;
	bool silent;                 /* the server never answers */
	struct http_server_conn *hc; /* the last one; NULL: closed */
};

static struct fetch_rig *the;

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	buf_printf(&the->log, "%.*s %.*s %.*s", STR_ARGS(h->method), STR_ARGS(h->path),
		   STR_ARGS(h->authority));
	headers_for_each (field, h)
		if (str_has_prefix(field->name, STR("x-")))
			buf_printf(&the->log, " %.*s=%.*s", STR_ARGS(field->name),
				   STR_ARGS(field->value));
	buf_printf(&the->log, "\n");
	if (end && !the->silent)
		stream_reply(s, 200, STR("text/plain"), STR("hello"));
}

static void on_data(struct stream *s, struct str data, bool end)
{
	buf_append_str(&the->log, data);
	if (end)
		stream_reply(s, 201, STR_EMPTY, STR_EMPTY);
}

static void on_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_closed = on_stream_closed,
};

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	the->codec = http_server_conn_codec(hc);
	the->hc = hc;
	s->handler = &stream_handler;
}

static void on_server_closed(struct http_server_conn *hc)
{
	if (the->hc == hc)
		the->hc = NULL;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_closed,
};

static const struct http_server_options server_options = { 0 };

static void on_open(struct conn *c)
{
	http_server_conn_open_take(c, &server_options, &server_handler, NULL);
}

static void on_conn_closed(unused_arg struct conn *c)
{
}

static const struct conn_handler conn_handler = {
	.on_open = on_open,
	.on_closed = on_conn_closed,
};

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct fetch_rig *r = container_of(a, struct fetch_rig, acceptor);
	struct conn *c = socket_conn_new_take(r->rig.loop, &r->rig.chunks, fd, peer, &conn_handler);

	if (r->server_tls)
		tls_conn_new_take(c, &(struct tls_conn_options){ .context = r->server_tls },
				  &conn_handler);
	else
		on_open(c);
}

static void fetch_rig_init(struct fetch_rig *r, const char *address)
{
	struct address where, peer;

	*r = (struct fetch_rig){ 0 };
	the = r;
	rig_init(&r->rig);
	loop_set_clock(r->rig.loop, (struct instant){ 1000000000 },
		       (struct wall_time){ TEST_WALL_SECONDS * 1000000000 });
	assert_int_equal(address_parse(str_from(address), &where), 0);
	assert_int_equal(socket_listen(&where, NULL, &r->fd), 0);
	socket_addresses(r->fd, &r->address, &peer);
	assert_int_equal(acceptor_start(r->rig.loop, &r->acceptor, r->fd, on_accept), 0);
}

static void fetch_rig_fini(struct fetch_rig *r)
{
	acceptor_stop(&r->acceptor);
	close(r->fd);
	if (r->hc)
		http_server_conn_close(r->hc);
	rig_turn(&r->rig);
	rig_advance(&r->rig, DURATION_SECONDS(2));
	tls_context_unref(r->server_tls);
	buf_fini(&r->log);
	rig_fini(&r->rig);
}

static void on_done(unused_arg struct http_fetch *f, const struct http_fetch_result *result)
{
	the->done = true;
	if (result->error)
		buf_printf(&the->log, "error: %s\n", result->detail);
	else
		buf_printf(&the->log, "%d %.*s\n", result->status, STR_ARGS(result->body));
}

/* Real sockets: turns until it is done. */
static void fetch(struct fetch_rig *r, struct http_fetch_options o)
{
	o.address = &r->address;
	o.on_done = on_done;
	r->done = false;
	http_fetch_start(r->rig.loop, &r->rig.chunks, &o);
	assert_false(r->done);
	for (int i = 0; i < TURNS_MAX && !r->done; i++)
		assert_int_equal(loop_turn(r->rig.loop, DURATION_MS(5)), 0);
	assert_true(r->done);
	rig_turn(&r->rig);
}

static void expect(struct fetch_rig *r, const char *text)
{
	assert_str_equal(buf_str(&r->log), text);
	buf_clear(&r->log);
}

TEST(fetch_asks_over_tcp)
{
	struct fetch_rig r;
	const struct http_fetch_field field = { STR_INIT("x-a"), STR_INIT("b") };
	char authority[64];

	fetch_rig_init(&r, "127.0.0.1:0");
	fetch(&r, (struct http_fetch_options){ 0 });
	snprintf(authority, sizeof(authority), "GET / %s\n200 hello\n", address_text(&r.address));
	expect(&r, authority);
	fetch(&r, (struct http_fetch_options){
			  .method = STR_INIT("PUT"),
			  .path = STR_INIT("/x?y"),
			  .authority = STR_INIT("shop"),
			  .fields = &field,
			  .field_count = 1,
			  .body = STR_INIT("body"),
		  });
	expect(&r, "PUT /x?y shop x-a=b\nbody201 \n");
	assert_int_equal(r.codec, HTTP_CODEC_HTTP1);
	fetch_rig_fini(&r);
}

TEST(fetch_asks_over_a_unix_socket_and_http2)
{
	struct fetch_rig r;

	fetch_rig_init(&r, "unix:@weft-test-fetch");
	fetch(&r, (struct http_fetch_options){ .codec = HTTP_CODEC_HTTP2 });
	expect(&r, "GET / localhost\n200 hello\n");
	assert_int_equal(r.codec, HTTP_CODEC_HTTP2);
	fetch_rig_fini(&r);
}

static struct tls_context *context(enum tls_role role, const struct test_cert *ca,
				   const struct test_cert *leaf)
{
	const struct str alpn[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	struct tls_context *c;

	assert_int_equal(tls_context_new(
				 &(struct tls_options){
					 .role = role,
					 .certificate_pem = str_from(leaf->chain_pem),
					 .key_pem = str_from(leaf->key_pem),
					 .trust_pem = str_from(ca->pem),
					 .verify = TLS_VERIFY_REQUIRED,
					 .alpn = alpn,
					 .alpn_count = 2,
				 },
				 &c, NULL),
			 0);
	return c;
}

TEST(fetch_speaks_what_tls_agreed_on)
{
	struct test_cert *ca = test_ca_new("root"), *other = test_ca_new("other");
	struct test_cert *leaf = test_svid_new(ca, "spiffe://a/ns/b/sa/c");
	struct tls_context *good = context(TLS_CLIENT, ca, leaf);
	struct tls_context *distrustful = context(TLS_CLIENT, other, leaf);
	struct fetch_rig r;

	fetch_rig_init(&r, "127.0.0.1:0");
	r.server_tls = context(TLS_SERVER, ca, leaf);
	fetch(&r, (struct http_fetch_options){ .tls = good, .authority = STR_INIT("a") });
	expect(&r, "GET / a\n200 hello\n");
	assert_int_equal(r.codec, HTTP_CODEC_HTTP2);
	fetch(&r, (struct http_fetch_options){ .tls = distrustful });
	assert_true(str_has_prefix(buf_str(&r.log), STR("error: certificate verify failed")));
	fetch_rig_fini(&r);
	tls_context_unref(good);
	tls_context_unref(distrustful);
	test_cert_free(leaf);
	test_cert_free(other);
	test_cert_free(ca);
}

TEST(fetch_fails_with_a_reason)
{
	struct fetch_rig r;

	fetch_rig_init(&r, "127.0.0.1:0");
	fetch(&r, (struct http_fetch_options){ .body_bytes_max = 4, .authority = STR_INIT("a") });
	expect(&r, "GET / a\nerror: a configured limit was reached\n");
	acceptor_stop(&r.acceptor);
	close(r.fd);
	fetch(&r, (struct http_fetch_options){ 0 });
	expect(&r, "error: Connection refused\n");
	r.fd = -1;
	fetch_rig_fini(&r);
}

TEST(fetch_does_not_wait_for_ever)
{
	struct fetch_rig r;

	fetch_rig_init(&r, "127.0.0.1:0");
	r.silent = true;
	http_fetch_start(r.rig.loop, &r.rig.chunks,
			 &(struct http_fetch_options){ .address = &r.address,
						       .authority = STR_INIT("a"),
						       .timeout = DURATION_SECONDS(5),
						       .on_done = on_done });
	for (int i = 0; i < TURNS_MAX && buf_len(&r.log) == 0; i++)
		assert_int_equal(loop_turn(r.rig.loop, DURATION_MS(5)), 0);
	rig_advance(&r.rig, DURATION_SECONDS(5));
	expect(&r, "GET / a\nerror: no answer in time\n");
	fetch_rig_fini(&r);
}

TEST(fetch_can_be_cancelled)
{
	struct fetch_rig r;
	struct http_fetch *f;

	fetch_rig_init(&r, "127.0.0.1:0");
	f = http_fetch_start(
		r.rig.loop, &r.rig.chunks,
		&(struct http_fetch_options){ .address = &r.address, .on_done = on_done });
	http_fetch_cancel(f);
	rig_turn(&r.rig);
	assert_false(r.done);
	fetch_rig_fini(&r);
}
