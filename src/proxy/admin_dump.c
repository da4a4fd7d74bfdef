/*
 * /dump: what every thread works on
 *
 * Connections, pools and loops belong to the workers, so each worker is sent a task that
 * prints its own into memory of its own; the main thread prints what it owns and answers when
 * the last part is back. The client may have left by then. Each part is bounded and says where
 * it was cut; so is the number of dumps at a time.
 */

#include <assert.h>

#include "base/mem.h"
#include "proxy/admin.h"
#include "proxy/proxy.h"

#define PART_BYTES (256 * 1024)
#define DUMPS_MAX  2

struct dump_part {
	struct task task;
	struct dump_page *page;
	const struct worker *worker;
	char *memory;
	size_t len;
};

struct dump_page {
	struct proxy *proxy;
	struct stream *stream; /* NULL: the client left */
	uint32_t missing;
	uint32_t count;
	struct dump_part parts[]; /* the main thread's, then those of the workers */
};

static void on_data(struct stream *s, struct str data, bool end)
{
	(void)s;
	(void)data;
	(void)end;
}

static void on_closed(struct stream *s, enum stream_reset reason)
{
	struct dump_page *page = s->user;

	(void)reason;
	if (page)
		page->stream = NULL;
}

/* While the answer is in the making. */
static const struct stream_handler waiting_handler = { .on_data = on_data, .on_closed = on_closed };

static void answer(struct dump_page *page)
{
	struct stream *s = page->stream;
	struct buf out = BUF_INIT(0);

	for (uint32_t i = 0; i < page->count; i++)
		buf_append(&out, page->parts[i].memory, page->parts[i].len);
	s->user = NULL;
	stream_reply(s, 200, STR("text/plain; charset=UTF-8"), buf_str(&out));
	buf_fini(&out);
	if (!s->is.recv_ended)
		stream_reset(s, false);
}

static void page_end(struct dump_page *page)
{
	if (page->stream)
		answer(page);
	for (uint32_t i = 0; i < page->count; i++)
		mem_free(page->parts[i].memory);
	page->proxy->dumps--;
	mem_free(page);
}

static void part_arrived(struct task *t)
{
	struct dump_page *page = container_of(t, struct dump_part, task)->page;

	assert(page->missing > 0);
	if (--page->missing == 0)
		page_end(page);
}

/* On the worker's thread, or on the main one for its own part. */
static void part_write(struct dump_part *p)
{
	struct dump d;

	dump_to_memory(&d, p->memory, PART_BYTES);
	if (p->worker)
		worker_dump(p->worker, &d);
	else
		proxy_dump(p->page->proxy, &d);
	dump_end(&d);
	p->len = dump_text(&d).len;
}

static void part_asked(struct task *t)
{
	struct dump_part *p = container_of(t, struct dump_part, task);

	part_write(p);
	loop_post(p->page->proxy->loop, &p->task, part_arrived);
}

static struct dump_page *page_new(struct proxy *proxy, struct stream *s)
{
	uint32_t count = proxy->workers.count + 1;
	struct dump_page *page = mem_zalloc(sizeof(*page) + count * sizeof(struct dump_part));

	page->proxy = proxy;
	page->stream = s;
	page->count = page->missing = count;
	for (uint32_t i = 0; i < count; i++) {
		page->parts[i].page = page;
		page->parts[i].memory = mem_alloc(PART_BYTES);
		if (i > 0)
			page->parts[i].worker = proxy->workers.workers[i - 1];
	}
	return page;
}

void admin_dump(struct admin_request *r)
{
	struct proxy *p = r->proxy;
	struct dump_page *page;

	if (p->dumps == DUMPS_MAX) {
		r->status = 503;
		buf_append_str(r->out, STR("other dumps are under way; try again\n"));
		return;
	}
	p->dumps++;
	page = page_new(p, r->stream);
	r->later = true;
	r->stream->handler = &waiting_handler;
	r->stream->user = page;
	for (uint32_t i = 0; i < p->workers.count; i++)
		loop_post(p->workers.workers[i]->loop, &page->parts[i + 1].task, part_asked);
	part_write(&page->parts[0]);
	part_arrived(&page->parts[0].task);
}
