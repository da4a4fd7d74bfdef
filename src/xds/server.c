#include "xds/server.h"

#include <assert.h>

#include "base/error.h"
#include "base/mem.h"

#define STREAMS_MAX 20000

void xds_server_init(struct xds_server *s, struct loop *loop,
		     const struct xds_server_callbacks *callbacks, void *user)
{
	*s = (struct xds_server){
		.loop = loop,
		.callbacks = callbacks,
		.user = user,
		.streams_max = STREAMS_MAX,
	};
	list_init(&s->streams);
	interests_init(&s->interests);
}

void xds_server_fini(struct xds_server *s)
{
	assert(s->stream_count == 0);
	interests_fini(&s->interests);
}

static void on_pump(struct deferred *d)
{
	struct xds_stream *s = container_of(d, struct xds_stream, pump);

	while (!grpc_call_is_blocked(s->call) && delta_stream_next(&s->delta, &s->message)) {
		s->messages_sent++;
		if (grpc_send(s->call, buf_str(&s->message)) == SEND_CLOSED)
			return;
	}
	if (!delta_stream_is_warming(&s->delta))
		timer_stop(&s->warm_wait);
	else if (!timer_is_running(&s->warm_wait))
		timer_start(s->server->loop, &s->warm_wait, XDS_WARM_TIMEOUT);
}

static void pump_soon(struct xds_stream *s)
{
	defer(s->server->loop, &s->pump, on_pump);
}

/* What a refused request means in gRPC. */
static enum grpc_status status_of(int error)
{
	if (error == ERR_DENIED)
		return GRPC_PERMISSION_DENIED;
	return error == ERR_LIMIT ? GRPC_RESOURCE_EXHAUSTED : GRPC_INVALID_ARGUMENT;
}

static void on_message(struct grpc_call *call, struct str message)
{
	struct xds_stream *s = grpc_call_user(call);
	struct diag d = DIAG_INIT;
	int r = delta_stream_receive(&s->delta, message, &d);

	if (s->delta.node_seen)
		timer_stop(&s->node_wait);
	if (r < 0) {
		grpc_finish(call, status_of(r), str_from(d.text));
	} else {
		/* Who has everything already is sent nothing, and is to know that all is well. */
		grpc_send_head(call);
		pump_soon(s);
	}
	diag_fini(&d);
}

/* Who says nothing would take the place of others. */
static void on_node_missing(struct timer *t)
{
	struct xds_stream *s = container_of(t, struct xds_stream, node_wait);

	grpc_finish(s->call, GRPC_DEADLINE_EXCEEDED, STR("no first request came"));
}

static void on_warm_over(struct timer *t)
{
	struct xds_stream *s = container_of(t, struct xds_stream, warm_wait);

	delta_stream_wait_no_longer(&s->delta);
	pump_soon(s);
}

static void on_half_close(struct grpc_call *call)
{
	grpc_finish(call, GRPC_OK, STR_EMPTY);
}

static void on_sent(struct grpc_call *call)
{
	pump_soon(grpc_call_user(call));
}

static void on_closed(struct grpc_call *call, unused_arg enum grpc_status status,
		      unused_arg struct str text)
{
	struct xds_stream *s = grpc_call_user(call);

	s->call = NULL;
	defer_cancel(&s->pump);
	timer_stop(&s->node_wait);
	timer_stop(&s->warm_wait);
	list_remove(&s->in_server);
	s->server->stream_count--;
	s->server->callbacks->on_closed(s);
	delta_stream_fini(&s->delta);
	buf_fini(&s->message);
	mem_free(s);
}

static const struct grpc_call_handler call_handler = {
	.on_message = on_message,
	.on_half_close = on_half_close,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

void xds_server_accept(struct xds_server *server, struct grpc_call *call)
{
	struct xds_stream *s;

	if (server->stream_count >= server->streams_max) {
		grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, STR("too many xDS streams"));
		return;
	}
	s = mem_new(struct xds_stream);
	s->server = server;
	s->call = call;
	s->opened = loop_now(server->loop);
	timer_init(&s->warm_wait, on_warm_over);
	timer_init(&s->node_wait, on_node_missing);
	timer_start(server->loop, &s->node_wait, XDS_NODE_TIMEOUT);
	delta_stream_init(&s->delta, &server->callbacks->source, s);
	s->delta.interests = &server->interests;
	list_push_back(&server->streams, &s->in_server);
	server->stream_count++;
	grpc_accept(call, &call_handler, s);
}

void xds_server_close(struct xds_server *server)
{
	list_for_each_safe (node, &server->streams) {
		struct xds_stream *s = container_of(node, struct xds_stream, in_server);

		grpc_finish(s->call, GRPC_UNAVAILABLE, STR("the control plane is stopping"));
	}
}

struct changed {
	enum xds_type type;
	struct str name;
};

static void on_interested(void *user, struct delta_stream *delta)
{
	const struct changed *c = user;
	struct xds_stream *s = xds_stream_of(delta);

	delta_stream_changed(delta, c->type, c->name);
	pump_soon(s);
}

void xds_server_changed(struct xds_server *server, enum xds_type type, struct str name)
{
	struct changed c = { type, name };

	interests_each(&server->interests, type, name, on_interested, &c);
}
