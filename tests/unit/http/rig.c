#include "rig.h"

#include "test.h"

void rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	assert_int_equal(loop_new(&r->loop), 0);
	loop_set_clock(r->loop, (struct instant){ 1000000000 },
		       (struct wall_time){ 1700000000000000000 });
	chunk_stock_init(&r->chunks, 4);
}

void rig_fini(struct rig *r)
{
	rig_turn(r);
	chunk_stock_fini(&r->chunks);
	loop_free(r->loop);
}

void rig_turn(struct rig *r)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(loop_turn(r->loop, DURATION_NS(0)), 0);
}

void rig_advance(struct rig *r, struct duration by)
{
	loop_advance(r->loop, by);
	rig_turn(r);
}

static void peer_on_data(struct conn *c)
{
	struct peer *p = c->user;
	struct str input = conn_input(c);

	assert_int_equal(buf_append_str(&p->got, input), 0);
	conn_consume(c, input.len);
}

static void peer_on_eof(struct conn *c)
{
	((struct peer *)c->user)->eof = true;
}

static void peer_on_closed(struct conn *c)
{
	struct peer *p = c->user;

	p->conn = NULL;
	p->error = c->error;
}

static const struct conn_handler peer_handler = {
	.on_data = peer_on_data,
	.on_eof = peer_on_eof,
	.on_closed = peer_on_closed,
};

void peer_init(struct peer *p, struct rig *r, struct conn *c)
{
	*p = (struct peer){ .rig = r, .conn = c };
	memory_conn_use(c, &peer_handler, p);
}

void peer_fini(struct peer *p)
{
	if (p->conn)
		conn_close(p->conn);
	rig_turn(p->rig);
	buf_fini(&p->got);
}

void peer_say(struct peer *p, struct str text)
{
	assert_non_null(p->conn);
	conn_send_str(p->conn, text);
	rig_turn(p->rig);
}

void peer_say_slowly(struct peer *p, struct str text)
{
	for (size_t i = 0; i < text.len && p->conn; i++)
		peer_say(p, str_slice(text, i, i + 1));
}

void peer_expect_at(struct peer *p, const char *text, const char *file, int line)
{
	test_assert_str(buf_str(&p->got), text, file, line);
	buf_clear(&p->got);
}

static struct notes *notes_of(const struct stream *s)
{
	return s->user;
}

static void note_headers(struct buf *log, const char *what, const struct headers *h, bool end)
{
	if (h->status)
		buf_printf(log, "%s %d", what, h->status);
	else
		buf_printf(log, "%s %.*s %.*s %.*s", what, STR_ARGS(h->method),
			   STR_ARGS(h->authority), STR_ARGS(h->path));
	headers_for_each (field, h)
		buf_printf(log, " %.*s=%.*s", STR_ARGS(field->name), STR_ARGS(field->value));
	buf_printf(log, end ? " end\n" : "\n");
}

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct notes *n = notes_of(s);

	note_headers(&n->log, "headers", h, end);
	if (n->on_headers)
		n->on_headers(s, h, end);
}

static void on_interim(struct stream *s, struct headers *h)
{
	note_headers(&notes_of(s)->log, "interim", h, false);
}

static void on_data(struct stream *s, struct str data, bool end)
{
	struct notes *n = notes_of(s);

	if (data.len > 40)
		buf_printf(&n->log, "data %zu bytes%s\n", data.len, end ? " end" : "");
	else
		buf_printf(&n->log, "data %.*s%s\n", STR_ARGS(data), end ? " end" : "");
	if (n->on_data)
		n->on_data(s, data, end);
}

static void on_trailers(struct stream *s, struct headers *trailers)
{
	struct buf *log = &notes_of(s)->log;

	buf_printf(log, "trailers");
	headers_for_each (field, trailers)
		buf_printf(log, " %.*s=%.*s", STR_ARGS(field->name), STR_ARGS(field->value));
	buf_printf(log, "\n");
}

static void on_sent(struct stream *s)
{
	buf_printf(&notes_of(s)->log, "sent\n");
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	struct notes *n = notes_of(s);

	buf_printf(&n->log, "closed: %s\n", stream_reset_text(reason));
	n->stream = NULL;
	if (n->on_closed)
		n->on_closed(s);
}

const struct stream_handler notes_handler = {
	.on_headers = on_headers,
	.on_interim = on_interim,
	.on_data = on_data,
	.on_trailers = on_trailers,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

void notes_init(struct notes *n)
{
	*n = (struct notes){ 0 };
}

void notes_fini(struct notes *n)
{
	buf_fini(&n->log);
}

void notes_expect_at(struct notes *n, const char *text, const char *file, int line)
{
	test_assert_str(buf_str(&n->log), text, file, line);
	buf_clear(&n->log);
}
