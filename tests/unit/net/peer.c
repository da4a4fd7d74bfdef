#include "peer.h"

#include <string.h>

#include "base/mem.h"

#include "test.h"

static void note(struct peer *p, char letter)
{
	size_t len = strlen(p->trace);

	if (letter == 'd' && len > 0 && p->trace[len - 1] == 'd')
		return;
	assert_true(len + 1 < PEER_TRACE_MAX);
	p->trace[len] = letter;
}

static void send_text(struct peer *p, const char **text)
{
	const char *t = *text;

	*text = NULL;
	if (t)
		conn_send_str(p->conn, str_from(t));
}

static void on_open(struct conn *c)
{
	struct peer *p = c->user;

	note(p, 'o');
	send_text(p, &p->act.send_in_open);
	if (p->act.close_in_open)
		conn_close(c);
}

void peer_consume(struct peer *p)
{
	struct str in = conn_input(p->conn);

	if (in.len <= p->act.leave_bytes)
		return;
	in.len -= p->act.leave_bytes;
	buf_append_str(&p->received, in);
	conn_consume(p->conn, in.len);
}

static void on_data(struct conn *c)
{
	struct peer *p = c->user;

	assert_ptr_equal(p->conn, c);
	assert_true(conn_input(c).len > 0);
	p->data_calls++;
	note(p, 'd');
	if (!p->act.consume_none)
		peer_consume(p);
	send_text(p, &p->act.send_in_data);
	if (p->act.pause_in_data)
		conn_pause(c);
	if (p->act.close_in_data)
		conn_close(c);
}

static void on_eof(struct conn *c)
{
	note(c->user, 'e');
}

static void on_sent(struct conn *c)
{
	struct peer *p = c->user;

	p->sent_calls++;
	note(p, 's');
}

static void on_closed(struct conn *c)
{
	struct peer *p = c->user;

	note(p, 'c');
	p->error = c->error;
	p->conn = NULL;
}

const struct conn_handler peer_handler = {
	.on_open = on_open,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

const struct conn_handler peer_handler_without_eof = {
	.on_open = on_open,
	.on_data = on_data,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

void peer_use(struct peer *p, struct conn *c)
{
	*p = (struct peer){ .conn = c };
	c->handler = &peer_handler;
	c->user = p;
}

void peer_fini(struct peer *p)
{
	buf_fini(&p->received);
}

void world_init(struct world *w)
{
	w->live_bytes = mem_live_bytes();
	assert_int_equal(loop_new(&w->loop), 0);
	/* 2026-01-01T00:00:00Z */
	loop_set_clock(w->loop, (struct instant){ 1000000000 },
		       (struct wall_time){ 1767225600LL * 1000000000 });
	chunk_stock_init(&w->chunks, 16);
}

void world_fini(struct world *w)
{
	world_turn(w, 4);
	loop_free(w->loop);
	chunk_stock_fini(&w->chunks);
	assert_int_equal(mem_live_bytes(), w->live_bytes);
}

void world_turn(struct world *w, int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(loop_turn(w->loop, DURATION_MS(0)), 0);
}

void world_until(struct world *w, const bool *flag)
{
	for (int i = 0; i < 100000 && !*flag; i++)
		assert_int_equal(loop_turn(w->loop, DURATION_SECONDS(10)), 0);
	assert_true(*flag);
}

char *pattern_bytes(size_t len)
{
	char *bytes = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('!' + (i * 7 + i / 251) % 90);
	bytes[len] = '\0';
	return bytes;
}
