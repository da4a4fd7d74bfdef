/*
 * Streams of HTTP/1 and their recycling
 *
 * A thread keeps a small stock of streams whose pools keep one block, so that in steady
 * state an exchange takes nothing from the heap. The stock is bounded, belongs to the thread
 * and goes with it; a stream never outlives its thread. Under AddressSanitizer it is empty,
 * so that a use after the end is seen.
 */

#include "http/h1.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

#define POOL_BLOCK_BYTES 4096

#if defined(__SANITIZE_ADDRESS__)
#define STOCK_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STOCK_MAX 0
#endif
#endif
#ifndef STOCK_MAX
#define STOCK_MAX 32
#endif

static _Thread_local struct {
	struct h1_stream *first;
	int count;
	bool watched; /* the end of the thread frees it */
} stock;

static pthread_key_t stock_key;
static pthread_once_t stock_once = PTHREAD_ONCE_INIT;

static void destroy(struct h1_stream *x)
{
	pool_fini(&x->s.pool);
	mem_free(x);
}

static void stock_on_thread_end(void *unused)
{
	(void)unused;
	while (stock.first) {
		struct h1_stream *x = stock.first;

		stock.first = x->next;
		destroy(x);
	}
	stock.count = 0;
}

static void stock_key_make(void)
{
	/* Without a key the last streams of a thread stay behind, no more. */
	(void)pthread_key_create(&stock_key, stock_on_thread_end);
}

static void stock_watch(void)
{
	pthread_once(&stock_once, stock_key_make);
	pthread_setspecific(stock_key, &stock);
	stock.watched = true;
}

static struct h1_stream *take_from_stock(void)
{
	struct h1_stream *x = stock.first;

	if (!x)
		return NULL;
	stock.first = x->next;
	stock.count--;
	return x;
}

struct h1_stream *h1_stream_new(struct h1 *h)
{
	struct h1_stream *x = take_from_stock();

	if (!x) {
		x = mem_new(struct h1_stream);
		pool_init(&x->s.pool, POOL_BLOCK_BYTES);
	}
	x->h1 = h;
	x->s.ops = h->role->stream_ops;
	x->s.conn = h->conn;
	x->s.loop = h->conn->loop;
	headers_init(&x->head, &x->s.pool);
	headers_init(&x->trailers, &x->s.pool);
	return x;
}

/* Zeroes all but the pool, and the fields, which are made anew. */
static void forget(struct h1_stream *x)
{
	struct pool pool = x->s.pool;

	memset(x, 0, offsetof(struct h1_stream, head));
	x->s.pool = pool;
}

void h1_stream_free(struct h1_stream *x)
{
	chunk_unref(x->head_chunk);
	chunk_unref(x->trailers_chunk);
	if (stock.count >= STOCK_MAX) {
		destroy(x);
		return;
	}
	if (!stock.watched)
		stock_watch();
	pool_reset(&x->s.pool);
	forget(x);
	x->next = stock.first;
	stock.first = x;
	stock.count++;
}

static void on_reap(struct deferred *d)
{
	h1_stream_free(container_of(d, struct h1_stream, over));
}

static void on_over(struct deferred *d)
{
	struct h1_stream *x = container_of(d, struct h1_stream, over);
	struct h1 *h = x->h1;

	if (x->s.handler)
		x->s.handler->on_closed(&x->s, x->reason);
	loop_reap(x->s.loop, &x->over, on_reap);
	if (!h)
		return;
	assert(h->stream == x);
	h->stream = NULL;
	h->role->on_over(h);
}

void h1_stream_over(struct h1_stream *x, enum stream_reset reason)
{
	if (x->s.is.closed)
		return;
	x->s.is.closed = true;
	x->reason = reason;
	defer(x->s.loop, &x->over, on_over);
}

void h1_check_over(struct h1_stream *x)
{
	if (x->s.is.recv_ended && x->s.is.send_ended)
		h1_stream_over(x, STREAM_RESET_NONE);
}

void h1_gone(struct h1 *h)
{
	struct h1_stream *x = h->stream;

	defer_cancel(&h->flush);
	defer_cancel(&h->again);
	h->held = chunk_unref(h->held);
	h->conn = NULL;
	if (!x)
		return;
	h->stream = NULL;
	x->h1 = NULL;
	x->s.conn = NULL;
	if (!x->s.is.closed) {
		x->s.is.closed = true;
		x->reason = STREAM_RESET_CLOSED;
	}
	defer_cancel(&x->over);
	on_over(&x->over);
}

void h1_pause(struct stream *s)
{
	struct h1_stream *x = h1_stream_of(s);

	if (s->is.closed || s->is.paused)
		return;
	s->is.paused = true;
	if (!s->is.recv_ended)
		conn_pause(x->h1->conn);
}

static void on_again(struct deferred *d)
{
	struct h1 *h = container_of(d, struct h1, again);

	h->role->run(h);
}

void h1_resume(struct stream *s)
{
	struct h1_stream *x = h1_stream_of(s);
	struct conn *c;

	if (s->is.closed || !s->is.paused)
		return;
	s->is.paused = false;
	c = x->h1->conn;
	conn_resume(c);
	if (c->eof_received)
		defer(c->loop, &x->h1->again, on_again);
}

/*
 * Looking inside
 */

static const char *const recv_names[] = {
	[H1_RECV_HEAD] = "head",
	[H1_RECV_BODY] = "body",
	[H1_RECV_TRAILERS] = "trailers",
	[H1_RECV_END] = "end",
};

static const char *const send_names[] = {
	[H1_SEND_HEAD] = "head",   [H1_SEND_LENGTH] = "length", [H1_SEND_CHUNKED] = "chunked",
	[H1_SEND_CLOSE] = "close", [H1_SEND_NONE] = "none",     [H1_SEND_END] = "end",
};

void h1_check(const struct h1 *h)
{
	assert(h->role);
	assert(h->recv <= H1_RECV_END);
	if (h->held)
		chunk_check(h->held);
	if (!h->stream)
		return;
	stream_check(&h->stream->s);
	assert(h->stream->h1 == h);
	assert(h->stream->send <= H1_SEND_END);
	assert(h->stream->interims <= H1_INTERIMS_MAX + 1); /* the one too many was counted */
}

void h1_dump(const struct h1 *h, struct dump *d)
{
	dump_line(d, "http1");
	dump_word(d, "receives", recv_names[h->recv]);
	if (h->stream)
		dump_word(d, "sends", send_names[h->stream->send]);
	if (h->left)
		dump_number(d, "left", h->left);
	dump_flag(d, "keep_alive", h->keep_alive);
	dump_flag(d, "dropping", h->dropping);
	dump_flag(d, "head_held", h->held != NULL);
	if (!h->stream)
		return;
	dump_enter(d);
	stream_dump(&h->stream->s, 0, d);
	dump_leave(d);
}
