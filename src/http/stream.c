#include "http/stream.h"

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
