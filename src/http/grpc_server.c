/*
 * gRPC, server side
 *
 * A call's stream may still have bytes to send when the call is finished; from then on it is
 * left to itself.
 */

#include "http/grpc_private.h"

static struct grpc_call *call_of(const struct stream *s)
{
	return s->user;
}

bool grpc_request_is(const struct headers *h)
{
	const struct header *type = headers_get(h, HEADER_CONTENT_TYPE);
	struct str prefix = STR("application/grpc");

	if (!type || !str_has_prefix(type->value, prefix))
		return false;
	return type->value.len == prefix.len || type->value.ptr[prefix.len] == '+' ||
	       type->value.ptr[prefix.len] == ';';
}

static void begin_head(struct pool *pool, struct headers *h)
{
	headers_init(h, pool);
	h->status = 200;
	headers_add(h, HEADER_CONTENT_TYPE, STR("application/grpc"));
}

void grpc_send_head(struct grpc_call *call)
{
	struct headers h;

	if (call->server.head_sent)
		return;
	call->server.head_sent = true;
	begin_head(&call->s->pool, &h);
	stream_send_headers(call->s, &h, false);
}

static void send_status(struct grpc_call *call, enum grpc_status status, struct str text)
{
	struct stream *s = call->s;
	struct headers h;

	if (!call->server.head_sent) {
		begin_head(&s->pool, &h);
		grpc_status_write(&h, status, text);
		stream_send_headers(s, &h, true);
		return;
	}
	headers_init(&h, &s->pool);
	grpc_status_write(&h, status, text);
	stream_send_trailers(s, &h);
}

void grpc_finish(struct grpc_call *call, enum grpc_status status, struct str text)
{
	struct stream *s = call->s;

	if (call->ending)
		return;
	grpc_call_be_deaf(call);
	if (s) {
		send_status(call, status, text);
		grpc_call_leave_stream(call);
		if (!s->is.recv_ended)
			stream_reset(s, false);
	}
	grpc_call_end(call, status, text);
}

void grpc_reply(struct grpc_call *call, struct str message)
{
	grpc_send(call, message);
	grpc_finish(call, GRPC_OK, STR_EMPTY);
}

void *grpc_call_service_user(const struct grpc_call *call)
{
	return call->server.service->user;
}

const struct grpc_method *grpc_call_method(const struct grpc_call *call)
{
	return call->server.method;
}

void grpc_accept(struct grpc_call *call, const struct grpc_call_handler *handler, void *user)
{
	call->handler = handler;
	call->user = user;
}

static void on_unary_message(struct grpc_call *call, struct str message)
{
	if (++call->server.message_count > 1)
		grpc_finish(call, GRPC_INTERNAL, STR("more than one request"));
	else if (message.len && buf_append_str(&call->server.request, message) < 0)
		grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, STR("the request is too large"));
}

static void on_unary_half_close(struct grpc_call *call)
{
	if (call->server.message_count == 0)
		grpc_finish(call, GRPC_INTERNAL, STR("no request came"));
	else
		call->server.method->on_unary(call, buf_str(&call->server.request));
}

/* Until the method accepts it with a handler of its own, which is told of its end. */
static const struct grpc_call_handler unary_handler = {
	.on_message = on_unary_message,
	.on_half_close = on_unary_half_close,
};

static void on_data(struct stream *s, struct str data, bool end)
{
	struct grpc_call *call = call_of(s);

	grpc_call_receive(call, data);
	if (end && call->s == s)
		grpc_call_receive_ended(call);
}

static void on_trailers(struct stream *s, unused_arg struct headers *trailers)
{
	grpc_call_receive_ended(call_of(s));
}

static void on_sent(struct stream *s)
{
	grpc_call_sent(call_of(s));
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	struct grpc_call *call = call_of(s);

	call->s = NULL;
	grpc_call_be_deaf(call);
	grpc_call_end(call, GRPC_CANCELLED, str_from(stream_reset_text(reason)));
}

static const struct stream_handler server_stream_handler = {
	.on_data = on_data,
	.on_trailers = on_trailers,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

static const struct grpc_method *find_method(const struct grpc_service *service, struct str path)
{
	for (size_t i = 0; i < service->method_count; i++)
		if (str_eq(service->methods[i].path, path))
			return &service->methods[i];
	return NULL;
}

static bool is_identity(const struct headers *h)
{
	const struct header *encoding = headers_get(h, HEADER_GRPC_ENCODING);

	return !encoding || str_eq(encoding->value, STR("identity"));
}

static void on_deadline(struct timer *t)
{
	grpc_finish(container_of(t, struct grpc_call, deadline), GRPC_DEADLINE_EXCEEDED,
		    STR("the time of the call is over"));
}

/* False: the client's timeout does not parse. */
static bool set_deadline(struct grpc_call *call, const struct headers *h)
{
	const struct header *field = headers_get(h, HEADER_GRPC_TIMEOUT);
	struct duration timeout = { 0 }, max = call->server.method->timeout_max;

	if (field && grpc_timeout_parse(field->value, &timeout) < 0)
		return false;
	/* A timeout of nothing is over at once. */
	if (field && timeout.ns == 0)
		timeout = DURATION_NS(1);
	if (max.ns > 0 && (timeout.ns == 0 || timeout.ns > max.ns))
		timeout = max;
	grpc_call_set_deadline(call, timeout, on_deadline);
	return true;
}

static void begin(struct grpc_call *call, const struct headers *h)
{
	const struct grpc_method *m = call->server.method;

	if (!m) {
		grpc_finish(call, GRPC_UNIMPLEMENTED,
			    pool_printf(&call->s->pool, "unknown method %.*s", STR_ARGS(h->path)));
		return;
	}
	if (!is_identity(h)) {
		grpc_finish(call, GRPC_UNIMPLEMENTED, STR("messages must not be compressed"));
		return;
	}
	if (!set_deadline(call, h)) {
		grpc_finish(call, GRPC_INTERNAL, STR("grpc-timeout is invalid"));
		return;
	}
	if (m->on_unary)
		call->handler = &unary_handler;
	else
		m->on_begin(call, h);
}

void grpc_serve_take(const struct grpc_service *service, struct stream *s, struct headers *h,
		     bool end)
{
	const struct grpc_method *m = find_method(service, h->path);
	struct grpc_call *call;

	call = grpc_call_new(s->loop, m ? m->message_bytes_max : 0);
	call->s = s;
	call->server.service = service;
	call->server.method = m;
	s->handler = &server_stream_handler;
	s->user = call;
	if (!grpc_request_is(h) || h->method_id != METHOD_POST) {
		grpc_call_leave_stream(call);
		stream_reply(s, 415, STR("text/plain"), STR("not a gRPC request\n"));
		if (!s->is.recv_ended)
			stream_reset(s, false);
		grpc_call_end(call, GRPC_UNKNOWN, STR("not a gRPC request"));
		return;
	}
	begin(call, h);
	if (end && call->s == s)
		grpc_call_receive_ended(call);
}
