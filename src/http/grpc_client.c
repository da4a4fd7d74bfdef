/*
 * gRPC, client side
 */

#include "http/grpc_private.h"

static struct grpc_call *call_of(const struct stream *s)
{
	return s->user;
}

static void end_with_status(struct grpc_call *call, const struct headers *h)
{
	struct stream *s = call->s;
	enum grpc_status status;
	struct str text = STR_EMPTY;

	if (!grpc_status_read(h, &s->pool, &status, &text)) {
		status = grpc_status_of_http(call->client.http_status);
		text = pool_printf(&s->pool, "no grpc-status with HTTP status %d",
				   call->client.http_status);
	} else if (status == GRPC_OK && buf_len(&call->in) > 0 && !call->paused) {
		status = GRPC_INTERNAL;
		text = STR("the last message is cut");
	}
	call->recv_ended = true;
	grpc_call_end(call, status, text);
	grpc_call_leave_stream(call);
	/* The server is done; what we would still send is for nobody. */
	if (!s->is.send_ended)
		stream_reset(s, false);
}

static bool is_grpc(const struct headers *h)
{
	const struct header *type = headers_get(h, HEADER_CONTENT_TYPE);

	return type && str_has_prefix(type->value, STR("application/grpc"));
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct grpc_call *call = call_of(s);

	call->client.http_status = h->status;
	if (end || (headers_get(h, HEADER_GRPC_STATUS) && h->status != 200)) {
		end_with_status(call, h);
		return;
	}
	if (h->status != 200) {
		grpc_call_abort(call, grpc_status_of_http(h->status),
				pool_printf(&s->pool, "HTTP status %d", h->status));
		return;
	}
	if (!is_grpc(h)) {
		grpc_call_abort(call, GRPC_UNKNOWN, STR("the answer is not gRPC"));
		return;
	}
	if (call->handler && call->handler->on_headers)
		call->handler->on_headers(call, h);
}

static void on_data(struct stream *s, struct str data, bool end)
{
	struct grpc_call *call = call_of(s);
	struct headers none;

	grpc_call_receive(call, data);
	/* Unless a message made the user leave. */
	if (!end || call->s != s)
		return;
	headers_init(&none, &s->pool);
	end_with_status(call, &none);
}

static void on_trailers(struct stream *s, struct headers *trailers)
{
	end_with_status(call_of(s), trailers);
}

static void on_sent(struct stream *s)
{
	grpc_call_sent(call_of(s));
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	struct grpc_call *call = call_of(s);

	call->s = NULL;
	grpc_call_end(call, grpc_status_of_reset(reason, s->reset_code),
		      str_from(stream_reset_text(reason)));
}

static const struct stream_handler client_stream_handler = {
	.on_headers = on_headers,
	.on_data = on_data,
	.on_trailers = on_trailers,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

static void on_deadline(struct timer *t)
{
	grpc_call_abort(container_of(t, struct grpc_call, deadline), GRPC_DEADLINE_EXCEEDED,
			STR("no answer in time"));
}

static void write_head(struct pool *pool, const struct grpc_call_options *o, struct headers *h)
{
	headers_init(h, pool);
	h->method = STR("POST");
	h->method_id = METHOD_POST;
	h->scheme = STR("http");
	h->authority = o->authority;
	h->path = o->path;
	headers_add(h, HEADER_TE, STR("trailers"));
	headers_add(h, HEADER_CONTENT_TYPE, STR("application/grpc"));
	headers_add(h, HEADER_USER_AGENT,
		    o->user_agent.len ? o->user_agent : STR("weft/" WEFT_VERSION));
	if (o->timeout.ns > 0)
		headers_add(h, HEADER_GRPC_TIMEOUT, grpc_timeout_text(pool, o->timeout));
	for (size_t i = 0; i < o->metadata_count; i++)
		headers_add_named(h, o->metadata[i].name, o->metadata[i].value);
}

struct grpc_call *grpc_call_begin(struct http_client_conn *hc,
				  const struct grpc_call_options *options,
				  const struct grpc_call_handler *handler, void *user)
{
	struct stream *s = http_client_conn_begin(hc, &client_stream_handler, NULL);
	struct grpc_call *call;
	struct headers h;

	if (!s)
		return NULL;
	call = grpc_call_new(s->loop, options->message_bytes_max);
	call->s = s;
	call->handler = handler;
	call->user = user;
	s->user = call;
	write_head(&s->pool, options, &h);
	if (s->conn && s->conn->tls)
		h.scheme = STR("https");
	grpc_call_set_deadline(call, options->timeout, on_deadline);
	stream_send_headers(s, &h, false);
	return call;
}

void grpc_send_end(struct grpc_call *call)
{
	if (!call->ending && call->s && !call->s->is.send_ended)
		stream_send_data(call->s, NULL, 0, true);
}

static void on_unary_message(struct grpc_call *call, struct str message)
{
	if (++call->client.message_count > 1)
		grpc_call_abort(call, GRPC_INTERNAL, STR("more than one answer"));
	else if (message.len && buf_append_str(&call->client.message, message) < 0)
		grpc_call_abort(call, GRPC_RESOURCE_EXHAUSTED, STR("the answer is too large"));
}

static void on_unary_closed(struct grpc_call *call, enum grpc_status status, struct str text)
{
	struct grpc_answer answer = { .status = status, .text = text };

	if (status == GRPC_OK && call->client.message_count == 0) {
		answer.status = GRPC_INTERNAL;
		answer.text = STR("no answer came with the status");
	}
	if (answer.status == GRPC_OK)
		answer.message = buf_str(&call->client.message);
	call->client.on_answer(call, &answer);
}

static const struct grpc_call_handler unary_handler = {
	.on_message = on_unary_message,
	.on_closed = on_unary_closed,
};

struct grpc_call *
grpc_unary(struct http_client_conn *hc, const struct grpc_call_options *options, struct str request,
	   void (*on_answer)(struct grpc_call *call, const struct grpc_answer *answer), void *user)
{
	struct grpc_call *call = grpc_call_begin(hc, options, &unary_handler, user);

	if (!call)
		return NULL;
	call->client.on_answer = on_answer;
	grpc_send(call, request);
	grpc_send_end(call);
	return call;
}
