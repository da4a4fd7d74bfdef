#include "server_rig.h"

static void on_stream(struct http_server_conn *hc, struct stream *s)
{
	struct server *v = http_server_conn_user(hc);

	assert_ptr_equal(http_server_conn_of(s), hc);
	v->notes.stream = s;
	s->handler = &notes_handler;
	s->user = &v->notes;
}

static void on_fault(struct http_server_conn *hc, enum http_fault fault, uint16_t status)
{
	struct server *v = http_server_conn_user(hc);

	buf_printf(&v->notes.log, "fault %d %d: %s\n", fault, status,
		   http_server_conn_fault_detail(hc));
}

static void on_closed(struct http_server_conn *hc)
{
	struct server *v = http_server_conn_user(hc);

	v->hc = NULL;
	buf_printf(&v->notes.log, "connection closed\n");
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_fault = on_fault,
	.on_closed = on_closed,
};

void server_init(struct server *v, const struct http_server_options *options)
{
	struct conn *ours, *theirs;

	rig_init(&v->rig);
	notes_init(&v->notes);
	buf_init(&v->out, 0);
	v->notes.user = v;
	v->options = options ? *options : (struct http_server_options){ 0 };
	memory_conn_pair(v->rig.loop, &v->rig.chunks, NULL, &ours, &theirs);
	peer_init(&v->client, &v->rig, theirs);
	v->hc = http_server_conn_open_take(ours, &v->options, &server_handler, v);
}

void server_fini(struct server *v)
{
	if (v->hc)
		http_server_conn_close(v->hc);
	peer_fini(&v->client);
	assert_null(v->hc);
	assert_null(v->notes.stream);
	notes_fini(&v->notes);
	buf_fini(&v->out);
	rig_fini(&v->rig);
}

void reply_hello(struct stream *s, struct headers *h, bool end)
{
	(void)h;
	(void)end;
	stream_reply(s, 200, STR("text/plain"), STR("hello"));
}

/* Answers when the request is complete. */
void reply_at_end(struct stream *s, struct str data, bool end)
{
	(void)data;
	if (end)
		reply_hello(s, NULL, true);
}

void answer(struct server *v, uint16_t status, bool end)
{
	struct headers h;

	headers_init(&h, &v->notes.stream->pool);
	h.status = status;
	stream_send_headers(v->notes.stream, &h, end);
}

enum send_result send_text(struct stream *s, const char *text, bool end)
{
	struct iovec iov = { (void *)text, strlen(text) };

	return stream_send_data(s, &iov, 1, end);
}
