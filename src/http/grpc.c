/*
 * Calls and their messages
 *
 * Messages are cut out of the stream's bytes in place; only what is not whole yet, or waits
 * for a paused user, is kept. The user may end, cancel or pause the call in every callback:
 * nothing is freed before the reap, and the loop over the messages looks each time.
 */

#include "http/grpc.h"

#include <assert.h>

#include "base/mem.h"
#include "http/grpc_private.h"

/* An idle call keeps no more than this for messages to come. */
#define IDLE_BYTES_MAX 65536

struct grpc_call *grpc_call_new(struct loop *l, uint32_t message_bytes_max)
{
	struct grpc_call *call = mem_new(struct grpc_call);

	call->loop = l;
	call->message_bytes_max =
		message_bytes_max ? message_bytes_max : GRPC_MESSAGE_BYTES_DEFAULT;
	buf_init(&call->in, 0);
	return call;
}

void *grpc_call_user(const struct grpc_call *call)
{
	return call->user;
}

struct loop *grpc_call_loop(const struct grpc_call *call)
{
	return call->loop;
}

struct conn *grpc_call_conn(const struct grpc_call *call)
{
	return call->s ? call->s->conn : NULL;
}

static void on_reap(struct deferred *d)
{
	struct grpc_call *call = container_of(d, struct grpc_call, over);

	timer_stop(&call->deadline);
	defer_cancel(&call->more);
	buf_fini(&call->in);
	buf_fini(&call->client.message);
	buf_fini(&call->server.request);
	mem_free(call->text);
	mem_free(call);
}

static void on_over(struct deferred *d)
{
	struct grpc_call *call = container_of(d, struct grpc_call, over);

	timer_stop(&call->deadline);
	if (call->handler && call->handler->on_closed)
		call->handler->on_closed(call, call->status, str_from(call->text));
	grpc_call_leave_stream(call);
	loop_reap(call->loop, d, on_reap);
}

/* A paused user gets its messages before it learns of the end. */
static void check_over(struct grpc_call *call)
{
	if (call->ending && !(call->paused && buf_len(&call->in) > 0))
		defer(call->loop, &call->over, on_over);
}

void grpc_call_end(struct grpc_call *call, enum grpc_status status, struct str text)
{
	if (call->ending)
		return;
	call->ending = true;
	call->status = status;
	call->text = text.len ? mem_strdup_str(text) : NULL;
	check_over(call);
}

/* Streams outlive calls that have no more interest in them. */
static void on_orphan_headers(unused_arg struct stream *s, unused_arg struct headers *h,
			      unused_arg bool end)
{
}

static void on_orphan_data(unused_arg struct stream *s, unused_arg struct str data,
			   unused_arg bool end)
{
}

static void on_orphan_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler orphan_handler = {
	.on_headers = on_orphan_headers,
	.on_data = on_orphan_data,
	.on_closed = on_orphan_closed,
};

void grpc_call_leave_stream(struct grpc_call *call)
{
	struct stream *s = TAKE(call->s);

	if (!s)
		return;
	s->handler = &orphan_handler;
	s->user = NULL;
	if (s->is.paused)
		stream_resume(s);
}

void grpc_call_be_deaf(struct grpc_call *call)
{
	call->deaf = true;
	buf_clear(&call->in);
}

void grpc_call_abort(struct grpc_call *call, enum grpc_status status, struct str text)
{
	struct stream *s = call->s;

	if (call->ending)
		return;
	grpc_call_be_deaf(call);
	grpc_call_leave_stream(call);
	if (s)
		stream_reset(s, false);
	grpc_call_end(call, status, text);
}

void grpc_cancel(struct grpc_call *call)
{
	/* What a paused user has not taken it does not want any more. */
	if (call->ending) {
		grpc_call_be_deaf(call);
		check_over(call);
		return;
	}
	grpc_call_abort(call, GRPC_CANCELLED, STR("cancelled by this side"));
}

/* Broken framing or a broken limit. */
static void refuse(struct grpc_call *call, enum grpc_status status, struct str text)
{
	if (call->server.service)
		grpc_finish(call, status, text);
	else
		grpc_call_abort(call, status, text);
}

enum cut { CUT_MESSAGE, CUT_MORE, CUT_REFUSED };

/* The first message of `bytes`. */
static enum cut cut_message(struct grpc_call *call, struct str bytes, struct str *ret_message)
{
	const uint8_t *p = (const uint8_t *)bytes.ptr;
	uint32_t len;

	if (bytes.len < GRPC_PREFIX_BYTES)
		return CUT_MORE;
	len = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	if (p[0] != 0) {
		refuse(call, GRPC_INTERNAL,
		       p[0] == 1 ? STR("a message is compressed without agreement")
				 : STR("the flag of a message is invalid"));
		return CUT_REFUSED;
	}
	if (len > call->message_bytes_max) {
		refuse(call, GRPC_RESOURCE_EXHAUSTED, STR("a message is over the limit"));
		return CUT_REFUSED;
	}
	if (bytes.len - GRPC_PREFIX_BYTES < len)
		return CUT_MORE;
	*ret_message = str_slice(bytes, GRPC_PREFIX_BYTES, GRPC_PREFIX_BYTES + len);
	return CUT_MESSAGE;
}

/* Tells the messages at the front of `bytes`; returns how many bytes are done with. */
static size_t tell_messages(struct grpc_call *call, struct str bytes)
{
	size_t done = 0;
	struct str message;

	while (!call->paused && !call->deaf &&
	       cut_message(call, str_slice(bytes, done, bytes.len), &message) == CUT_MESSAGE) {
		done += GRPC_PREFIX_BYTES + message.len;
		if (call->handler && call->handler->on_message)
			call->handler->on_message(call, message);
	}
	return done;
}

/* Nothing more comes, and the user has taken all: a server answers now. */
static void after_messages(struct grpc_call *call)
{
	check_over(call);
	if (!call->recv_ended || call->paused || call->deaf || call->half_close_told)
		return;
	call->half_close_told = true;
	if (!call->server.service)
		return;
	if (buf_len(&call->in) > 0)
		refuse(call, GRPC_INTERNAL, STR("the last message is cut"));
	else if (call->handler && call->handler->on_half_close)
		call->handler->on_half_close(call);
}

/* A large message leaves no large buffer behind. */
static void shrink(struct buf *b)
{
	if (buf_len(b) == 0 && b->capacity > IDLE_BYTES_MAX)
		buf_fini(b);
}

static void tell_waiting(struct grpc_call *call)
{
	size_t done = tell_messages(call, buf_str(&call->in));

	if (!call->deaf)
		buf_consume(&call->in, done);
	shrink(&call->in);
}

/* Limited by the window while the user is paused, else by one message. */
static void keep(struct grpc_call *call, struct str bytes)
{
	int r = bytes.len ? buf_append_str(&call->in, bytes) : 0;

	assert(r == 0);
}

void grpc_call_receive(struct grpc_call *call, struct str data)
{
	size_t done;

	if (call->deaf)
		return;
	if (buf_len(&call->in) > 0) {
		keep(call, data);
		tell_waiting(call);
		return;
	}
	done = tell_messages(call, data);
	if (!call->deaf)
		keep(call, str_slice(data, done, data.len));
}

void grpc_call_receive_ended(struct grpc_call *call)
{
	call->recv_ended = true;
	after_messages(call);
}

void grpc_pause(struct grpc_call *call)
{
	call->paused = true;
	if (call->s)
		stream_pause(call->s);
}

static void on_more(struct deferred *d)
{
	struct grpc_call *call = container_of(d, struct grpc_call, more);

	if (call->paused || call->deaf)
		return;
	tell_waiting(call);
	after_messages(call);
}

void grpc_resume(struct grpc_call *call)
{
	call->paused = false;
	if (call->s)
		stream_resume(call->s);
	defer(call->loop, &call->more, on_more);
}

enum send_result grpc_send(struct grpc_call *call, struct str message)
{
	uint32_t len = (uint32_t)message.len;
	char prefix[GRPC_PREFIX_BYTES] = { 0, (char)(len >> 24), (char)(len >> 16),
					   (char)(len >> 8), (char)len };
	struct iovec iov[2] = { { prefix, sizeof(prefix) }, { (void *)message.ptr, message.len } };
	enum send_result sent;

	assert(message.len <= UINT32_MAX);
	if (call->ending || !call->s || call->s->is.send_ended)
		return SEND_CLOSED;
	if (call->server.service)
		grpc_send_head(call);
	sent = stream_send_data(call->s, iov, 2, false);
	if (sent == SEND_QUEUED)
		call->blocked = true;
	return sent;
}

bool grpc_call_is_blocked(const struct grpc_call *call)
{
	return call->blocked;
}

void grpc_call_sent(struct grpc_call *call)
{
	call->blocked = false;
	if (!call->ending && call->handler && call->handler->on_sent)
		call->handler->on_sent(call);
}

void grpc_call_set_deadline(struct grpc_call *call, struct duration timeout,
			    void (*on_due)(struct timer *t))
{
	timer_init(&call->deadline, on_due);
	if (timeout.ns > 0 && timeout.ns != DURATION_FOREVER.ns)
		timer_start(call->loop, &call->deadline, timeout);
}
