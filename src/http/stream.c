#include "http/stream.h"

#include <assert.h>

static const char *const reset_texts[] = {
#define X(name, text) [name] = (text),
	STREAM_RESET_MAP(X)
#undef X
};

const char *stream_reset_text(enum stream_reset r)
{
	return (size_t)r < array_count(reset_texts) ? reset_texts[r] : "unknown";
}

enum send_result stream_reply(struct stream *s, uint16_t status, struct str content_type,
			      struct str body)
{
	struct iovec iov = { (void *)body.ptr, body.len };
	enum send_result sent;
	struct headers h;

	headers_init(&h, &s->pool);
	h.status = status;
	if (content_type.len)
		headers_add(&h, HEADER_CONTENT_TYPE, content_type);
	if (status != 204 && status != 304)
		headers_add(&h, HEADER_CONTENT_LENGTH, pool_printf(&s->pool, "%zu", body.len));
	sent = stream_send_headers(s, &h, body.len == 0);
	return body.len == 0 || sent == SEND_CLOSED ? sent : stream_send_data(s, &iov, 1, true);
}

/*
 * Looking inside
 */

void stream_check(const struct stream *s)
{
	assert(s->ops);
	assert(s->loop);
	assert(!s->is.send_ended || s->is.send_started || s->is.closed);
}

void stream_dump(const struct stream *s, int64_t id, struct dump *d)
{
	dump_line(d, "stream");
	if (id)
		dump_signed(d, "id", id);
	dump_number(d, "received", s->bytes_received);
	dump_number(d, "sent", s->bytes_sent);
	dump_flag(d, "recv_ended", s->is.recv_ended);
	dump_flag(d, "send_started", s->is.send_started);
	dump_flag(d, "send_ended", s->is.send_ended);
	dump_flag(d, "paused", s->is.paused);
	dump_flag(d, "closed", s->is.closed);
	if (!s->handler || !s->handler->dump || s->is.closed)
		return;
	dump_enter(d);
	s->handler->dump(s, d);
	dump_leave(d);
}
