/*
 * The server connection around its codec: which one it is, its timer, its end
 *
 * One timer serves all waits. It is not moved when a request begins or ends: it may come up
 * too early, finds how long the present phase has lasted, and is started again for the rest.
 */

#include "http/server.h"

#include <assert.h>

#include "base/mem.h"
#include "http/conn_private.h"
#include "net/tls.h"

#define PREFACE            STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

/* While draining, an idle connection may still serve a request that is on its way. */
#define DRAIN_IDLE_TIMEOUT DURATION_SECONDS(1)
#define DROP_TIMEOUT       DURATION_SECONDS(5)
/* Without any progress. */
#define SENDING_TIMEOUT    DURATION_SECONDS(30)

/* HTTP/2 ends its drain itself, after a time that may be longer. */
static struct duration drain_idle_time(const struct http_server_conn *hc)
{
	return hc->codec == HTTP_CODEC_HTTP2
		       ? DURATION_NS(DRAIN_IDLE_TIMEOUT.ns + hc->options->drain_timeout.ns)
		       : DRAIN_IDLE_TIMEOUT;
}

/* 0: none. */
static struct duration phase_time(const struct http_server_conn *hc)
{
	switch (hc->phase) {
	case HTTP_PHASE_IDLE:
		return hc->draining ? drain_idle_time(hc) : hc->options->idle_timeout;
	case HTTP_PHASE_HEAD:
		return hc->options->headers_timeout;
	case HTTP_PHASE_DROP:
		return DROP_TIMEOUT;
	case HTTP_PHASE_SENDING:
		return SENDING_TIMEOUT;
	default:
		return DURATION_NS(0);
	}
}

static void start_timer(struct http_server_conn *hc, struct duration after)
{
	hc->due = instant_after(loop_now(hc->conn->loop), after);
	timer_start(hc->conn->loop, &hc->timer, after);
}

void http_server_conn_phase(struct http_server_conn *hc, enum http_phase phase)
{
	struct duration time;

	hc->phase = phase;
	hc->since = loop_now(hc->conn->loop);
	time = phase_time(hc);
	if (time.ns > 0 &&
	    (!timer_is_running(&hc->timer) || instant_after(hc->since, time).ns < hc->due.ns))
		start_timer(hc, time);
}

static void on_due(struct timer *t)
{
	struct http_server_conn *hc = container_of(t, struct http_server_conn, timer);
	struct duration time = phase_time(hc);
	struct duration left;

	if (!hc->conn || hc->conn->state != CONN_OPEN || time.ns == 0)
		return;
	left.ns = time.ns - instant_since(loop_now(hc->conn->loop), hc->since).ns;
	if (left.ns > 0) {
		start_timer(hc, left);
		return;
	}
	if (hc->phase == HTTP_PHASE_SENDING && hc->conn->bytes_sent > hc->sent_before) {
		hc->sent_before = hc->conn->bytes_sent;
		http_server_conn_phase(hc, HTTP_PHASE_SENDING);
		return;
	}
	if (hc->ops)
		hc->ops->on_timeout(hc);
	else
		conn_close(hc->conn);
}

static void on_reap(struct deferred *d)
{
	mem_free(container_of(d, struct http_server_conn, reap));
}

void http_server_conn_gone(struct conn *c)
{
	struct http_server_conn *hc = c->user;

	timer_stop(&hc->timer);
	defer_cancel(&hc->reap);
	if (hc->ops)
		hc->ops->gone(hc);
	hc->handler->on_closed(hc);
	hc->conn = NULL;
	loop_reap(c->loop, &hc->reap, on_reap);
}

static void choose(struct http_server_conn *hc, enum http_codec codec)
{
	hc->codec = codec;
	hc->ops = codec == HTTP_CODEC_HTTP2 ? &http_h2_server_codec : &http_h1_server_codec;
	hc->ops->start(hc);
	if (hc->draining)
		hc->ops->drain(hc);
}

/* Clear text: HTTP/2 begins with its preface, and HTTP/1 with nothing of the kind. */
static void sniff(struct conn *c)
{
	struct http_server_conn *hc = c->user;
	struct str input = conn_input(c);
	size_t len = min_of(input.len, PREFACE.len);

	bool h2 = str_eq(str_slice(input, 0, len), str_slice(PREFACE, 0, len));

	if (h2 && len < PREFACE.len) {
		if (hc->phase != HTTP_PHASE_HEAD)
			http_server_conn_phase(hc, HTTP_PHASE_HEAD);
		return;
	}
	choose(hc, h2 ? HTTP_CODEC_HTTP2 : HTTP_CODEC_HTTP1);
	c->handler->on_data(c);
}

static const struct conn_handler sniff_handler = {
	.on_data = sniff,
	.on_closed = http_server_conn_gone,
};

static enum http_codec codec_at_once(const struct conn *c, enum http_codec wanted)
{
	if (wanted != HTTP_CODEC_AUTO || !c->tls)
		return wanted;
	return str_eq(c->tls->alpn, STR("h2")) ? HTTP_CODEC_HTTP2 : HTTP_CODEC_HTTP1;
}

/* Input that was there before us brings no event. */
static void on_first_look(struct deferred *d)
{
	struct http_server_conn *hc = container_of(d, struct http_server_conn, reap);

	if (hc->conn && hc->conn->state == CONN_OPEN && hc->conn->in)
		hc->conn->handler->on_data(hc->conn);
}

struct http_server_conn *http_server_conn_open_take(struct conn *c,
						    const struct http_server_options *options,
						    const struct http_server_handler *handler,
						    void *user)
{
	struct http_server_conn *hc = mem_new(struct http_server_conn);
	uint32_t head = options->headers_bytes_max ? options->headers_bytes_max
						   : HTTP_HEADERS_BYTES_DEFAULT;
	enum http_codec codec = codec_at_once(c, options->codec);

	/* One that ended already is told at the end of the turn. */
	assert(c->state != CONN_CONNECTING);
	hc->conn = c;
	hc->options = options;
	hc->handler = handler;
	hc->user = user;
	timer_init(&hc->timer, on_due);
	c->user = hc;
	c->handler = &sniff_handler;
	c->limits.input_bytes_max = max_of(head, (uint32_t)CHUNK_BYTES);
	http_server_conn_phase(hc, HTTP_PHASE_IDLE);
	if (codec != HTTP_CODEC_AUTO)
		choose(hc, codec);
	if (c->in)
		defer(c->loop, &hc->reap, on_first_look);
	return hc;
}

void *http_server_conn_user(const struct http_server_conn *hc)
{
	return hc->user;
}

struct conn *http_server_conn_transport(const struct http_server_conn *hc)
{
	return hc->conn;
}

enum http_codec http_server_conn_codec(const struct http_server_conn *hc)
{
	return hc->codec;
}

const char *http_server_conn_fault_detail(const struct http_server_conn *hc)
{
	return hc->fault_detail ? hc->fault_detail : "";
}

struct http_server_conn *http_server_conn_of(const struct stream *s)
{
	struct http_server_conn *hc = http_h1_server_of(s);

	return hc ? hc : http_h2_server_of(s);
}

void http_server_conn_drain(struct http_server_conn *hc)
{
	if (hc->draining || !hc->conn || hc->conn->state != CONN_OPEN)
		return;
	hc->draining = true;
	/* The phase has another time now. */
	http_server_conn_phase(hc, hc->phase);
	if (hc->ops)
		hc->ops->drain(hc);
}

void http_server_conn_close(struct http_server_conn *hc)
{
	if (hc->conn)
		conn_close(hc->conn);
}

/*
 * Looking inside
 */

static const char *const phase_names[] = {
	[HTTP_PHASE_IDLE] = "idle", [HTTP_PHASE_HEAD] = "head",       [HTTP_PHASE_BUSY] = "busy",
	[HTTP_PHASE_DROP] = "drop", [HTTP_PHASE_SENDING] = "sending",
};

void http_server_conn_check(const struct http_server_conn *hc)
{
	assert(hc->options);
	assert(hc->handler);
	assert(hc->phase < array_count(phase_names));
	assert(hc->conn || !timer_is_running(&hc->timer));
	assert(!hc->conn || hc->conn->user == hc || hc->h2);
	assert(!hc->h2 || hc->codec == HTTP_CODEC_HTTP2);
	if (hc->conn)
		conn_check(hc->conn);
	if (hc->h2)
		h2_check(hc->h2);
	else if (hc->codec == HTTP_CODEC_HTTP1)
		h1_check(&hc->h1);
}

void http_server_conn_dump(const struct http_server_conn *hc, struct dump *d)
{
	dump_line(d, "http_server");
	dump_word(d, "phase", phase_names[hc->phase]);
	dump_flag(d, "draining", hc->draining);
	dump_flag(d, "gone", !hc->conn);
	dump_enter(d);
	if (hc->conn)
		conn_dump(hc->conn, d);
	if (hc->h2)
		h2_dump(hc->h2, d);
	else if (hc->codec == HTTP_CODEC_HTTP1)
		h1_dump(&hc->h1, d);
	dump_leave(d);
}
