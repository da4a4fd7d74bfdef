#include "xds/client.h"

#include <assert.h>

#include "base/mem.h"

#define MESSAGE_BYTES_MAX (64 * 1024 * 1024)
#define BACKOFF_FIRST     DURATION_MS(200)
/* Less than what a control plane that is back waits for its proxies before it gives up their
 * Workloads (10 s), jitter and a handshake included: a long outage must not end with none. */
#define BACKOFF_LAST      DURATION_SECONDS(5)

struct xds_client {
	struct loop *loop;
	struct random *random;
	const struct xds_client_callbacks *callbacks;
	void *user;
	struct delta_client delta;
	char *node;
	char *authority;
	uint32_t message_bytes_max;
	struct duration unreached_max;

	struct http_client_conn *connection;
	struct grpc_call *call;
	bool started;
	bool stream_was_begun; /* on the present connection */
	bool up;               /* the server has taken this stream */
	bool reconnect;        /* at once, when the present connection is gone */
	struct instant began;  /* the stream */
	struct timer retry;
	struct timer stop; /* the server takes too long to end the stream */
	struct duration backoff;
	struct deferred pump;
	struct buf message;
	uint64_t connects;
	uint64_t failures;
};

static void connection_make(struct xds_client *c);

static void on_retry_due(struct timer *t)
{
	connection_make(container_of(t, struct xds_client, retry));
}

/* Waits for a part of the back-off, never less than a quarter, and grows it. */
static void retry_later(struct xds_client *c)
{
	struct duration last = c->stream_was_begun ? BACKOFF_LAST : c->unreached_max;
	int64_t least, base;

	/* What grew while somebody refused is shorter again when nobody is there. */
	c->backoff.ns = base = min_of(c->backoff.ns, last.ns);
	least = base / 4;
	c->backoff.ns = min_of(base * 8 / 5, last.ns);
	timer_start(c->loop, &c->retry,
		    DURATION_NS(least +
				(int64_t)random_below(c->random, (uint64_t)(base - least + 1))));
}

static void stream_down(struct xds_client *c, const char *reason, enum grpc_status status)
{
	const struct xds_down down = {
		.reason = reason,
		.connected = c->stream_was_begun,
		.was_up = c->up,
		.replaced = c->reconnect,
		.status = status,
	};

	c->up = false;
	/* Where nothing has changed a foreign server says nothing; that it lasted says enough. */
	if (c->stream_was_begun && instant_since(loop_now(c->loop), c->began).ns >= BACKOFF_LAST.ns)
		c->backoff = BACKOFF_FIRST;
	if (c->delta.stream_open)
		delta_client_stream_closed(&c->delta);
	if (!c->reconnect)
		c->failures++;
	if (c->callbacks->on_down && (down.was_up || !c->reconnect))
		c->callbacks->on_down(c->user, &down);
}

/* Sends what there is to say until the connection is full. */
static void on_pump(struct deferred *d)
{
	struct xds_client *c = container_of(d, struct xds_client, pump);

	while (c->call && c->started && !grpc_call_is_blocked(c->call) &&
	       delta_client_next(&c->delta, &c->message))
		grpc_send(c->call, buf_str(&c->message));
}

static void pump_soon(struct xds_client *c)
{
	if (c->call)
		defer(c->loop, &c->pump, on_pump);
}

/* A server that has nothing new to say may send its head with the first change. */
static void on_call_headers(struct grpc_call *call, unused_arg const struct headers *h)
{
	struct xds_client *c = grpc_call_user(call);

	c->up = true;
	c->backoff = BACKOFF_FIRST;
	if (c->callbacks->on_up)
		c->callbacks->on_up(c->user);
}

static void on_call_message(struct grpc_call *call, struct str message)
{
	struct xds_client *c = grpc_call_user(call);

	if (delta_client_receive(&c->delta, message) < 0) {
		grpc_cancel(call);
		return;
	}
	pump_soon(c);
}

static void on_call_sent(struct grpc_call *call)
{
	pump_soon(grpc_call_user(call));
}

/* The call and its connection end in either order; the next attempt begins after both. */
static void attempt_over(struct xds_client *c)
{
	if (c->call || c->connection)
		return;
	if (!c->started) {
		timer_stop(&c->stop);
		if (c->callbacks->on_stopped)
			c->callbacks->on_stopped(c->user);
		return;
	}
	if (c->reconnect) {
		c->reconnect = false;
		timer_start(c->loop, &c->retry, DURATION_NS(0));
		return;
	}
	retry_later(c);
}

static void on_call_closed(struct grpc_call *call, enum grpc_status status, struct str text)
{
	struct xds_client *c = grpc_call_user(call);
	char reason[256];

	c->call = NULL;
	snprintf(reason, sizeof(reason), "%s: %.*s", grpc_status_text(status), STR_ARGS(text));
	stream_down(c, reason, status);
	if (c->connection)
		http_client_conn_close(c->connection);
	attempt_over(c);
}

static const struct grpc_call_handler call_handler = {
	.on_headers = on_call_headers,
	.on_message = on_call_message,
	.on_sent = on_call_sent,
	.on_closed = on_call_closed,
};

static void on_ready(struct http_client_conn *hc)
{
	struct xds_client *c = http_client_conn_user(hc);
	const struct grpc_call_options options = {
		.path = STR(XDS_METHOD_PATH),
		.authority = str_from(c->authority),
		.message_bytes_max = c->message_bytes_max,
	};

	c->call = grpc_call_begin(hc, &options, &call_handler, c);
	if (!c->call) {
		http_client_conn_close(hc);
		return;
	}
	c->stream_was_begun = true;
	c->began = loop_now(c->loop);
	delta_client_stream_opened(&c->delta);
	pump_soon(c);
}

/* The server is leaving: the stream goes to another connection, nothing held is lost. */
static void on_draining(struct http_client_conn *hc)
{
	struct xds_client *c = http_client_conn_user(hc);

	if (c->call)
		grpc_cancel(c->call);
}

static void on_connection_closed(struct http_client_conn *hc, int error)
{
	struct xds_client *c = http_client_conn_user(hc);

	c->connection = NULL;
	if (!c->stream_was_begun)
		stream_down(c, err_text(error), GRPC_UNAVAILABLE);
	attempt_over(c);
}

static const struct http_client_handler connection_handler = {
	.on_ready = on_ready,
	.on_draining = on_draining,
	.on_closed = on_connection_closed,
};

static const struct http_client_options connection_options = {
	.codec = HTTP_CODEC_HTTP2,
	.stream_window_bytes = 4 * 1024 * 1024,
	.connection_window_bytes = 16 * 1024 * 1024,
	.ping_interval = { 30000000000 },
	.ping_timeout = { 20000000000 },
};

static void connection_make(struct xds_client *c)
{
	struct conn *conn = c->callbacks->connect(c->user);

	c->stream_was_begun = false;
	if (!conn) {
		retry_later(c);
		return;
	}
	c->connects++;
	c->connection =
		http_client_conn_open_take(conn, &connection_options, &connection_handler, c);
}

static void end_now(struct xds_client *c)
{
	if (c->call)
		grpc_cancel(c->call);
	else if (c->connection)
		http_client_conn_close(c->connection);
}

static void on_stop_due(struct timer *t)
{
	end_now(container_of(t, struct xds_client, stop));
}

struct xds_client *xds_client_new(struct loop *loop, struct random *random,
				  const struct xds_client_options *options,
				  const struct xds_client_callbacks *callbacks, void *user)
{
	struct xds_client *c = mem_new(struct xds_client);

	c->loop = loop;
	c->random = random;
	c->callbacks = callbacks;
	c->user = user;
	c->node = mem_strdup_str(options->node);
	c->authority = mem_strdup_str(options->authority);
	c->message_bytes_max = options->message_bytes_max ?: MESSAGE_BYTES_MAX;
	c->backoff = BACKOFF_FIRST;
	c->unreached_max = options->unreached_max.ns ? options->unreached_max : BACKOFF_LAST;
	timer_init(&c->retry, on_retry_due);
	timer_init(&c->stop, on_stop_due);
	delta_client_init(&c->delta, str_of(c->node, options->node.len), &callbacks->delta, user);
	return c;
}

bool xds_client_is_idle(const struct xds_client *c)
{
	return !c->connection && !c->call;
}

struct xds_client *xds_client_free(struct xds_client *c)
{
	if (!c)
		return NULL;
	assert(xds_client_is_idle(c));
	timer_stop(&c->retry);
	timer_stop(&c->stop);
	defer_cancel(&c->pump);
	delta_client_fini(&c->delta);
	buf_fini(&c->message);
	mem_free(c->node);
	mem_free(c->authority);
	mem_free(c);
	return NULL;
}

void xds_client_start(struct xds_client *c)
{
	assert(!c->started);
	c->started = true;
	timer_start(c->loop, &c->retry, DURATION_NS(0));
}

void xds_client_stop(struct xds_client *c)
{
	c->started = false;
	timer_stop(&c->retry);
	if (!c->call) {
		end_now(c);
		return;
	}
	grpc_send_end(c->call);
	timer_start(c->loop, &c->stop, XDS_STOP_TIME);
}

void xds_client_reconnect(struct xds_client *c)
{
	if (!c->started)
		return;
	if (!c->connection) {
		timer_start(c->loop, &c->retry, DURATION_NS(0));
		return;
	}
	c->reconnect = true;
	end_now(c);
}

void xds_client_subscribe(struct xds_client *c, enum xds_type type, struct str name)
{
	delta_client_subscribe(&c->delta, type, name);
	pump_soon(c);
}

void xds_client_unsubscribe(struct xds_client *c, enum xds_type type, struct str name)
{
	delta_client_unsubscribe(&c->delta, type, name);
	pump_soon(c);
}

void xds_client_subscribe_all(struct xds_client *c, enum xds_type type)
{
	delta_client_subscribe_all(&c->delta, type);
	pump_soon(c);
}

void xds_client_hold(struct xds_client *c, enum xds_type type, struct str name, struct str version)
{
	delta_client_hold(&c->delta, type, name, version);
}

struct http_client_conn *xds_client_connection(const struct xds_client *c)
{
	return c->call ? c->connection : NULL;
}

bool xds_client_is_up(const struct xds_client *c)
{
	return c->up;
}

struct xds_client_stats xds_client_stats(const struct xds_client *c)
{
	return (struct xds_client_stats){
		.delta = c->delta.stats,
		.connects = c->connects,
		.failures = c->failures,
	};
}

/*
 * Looking inside
 */

void xds_client_check(const struct xds_client *c)
{
	assert(!c->call || c->connection);
	assert(!c->up || c->call);
	assert(c->started || !timer_is_running(&c->retry));
	delta_client_check(&c->delta);
	if (c->connection)
		http_client_conn_check(c->connection);
}

void xds_client_dump(const struct xds_client *c, struct dump *d)
{
	dump_line(d, "xds_client");
	dump_number(d, "connects", c->connects);
	dump_number(d, "failures", c->failures);
	dump_signed(d, "backoff_ms", c->backoff.ns / 1000000);
	dump_flag(d, "started", c->started);
	dump_flag(d, "up", c->up);
	dump_flag(d, "retry_waits", timer_is_running(&c->retry));
	dump_enter(d);
	if (c->connection)
		http_client_conn_dump(c->connection, d);
	delta_client_dump(&c->delta, d);
	dump_leave(d);
}
