#include "cli/run_ready.h"

#include "net/socket_conn.h"

#define AGAIN   DURATION_MS(50)
#define TIMEOUT DURATION_SECONDS(5)

static void on_open(struct conn *c)
{
	struct run_ready *r = c->user;

	r->accepted = true;
	conn_close(c);
}

static void on_closed(struct conn *c)
{
	struct run_ready *r = c->user;

	if (!r)
		return;
	r->conn = NULL;
	r->next += r->accepted;
	timer_start(r->loop, &r->again, r->accepted ? DURATION_NS(0) : AGAIN);
}

static const struct conn_handler handler = { .on_open = on_open, .on_closed = on_closed };

static void on_due(struct timer *t)
{
	struct run_ready *r = container_of(t, struct run_ready, again);
	struct socket_connect_options options = { .timeout = TIMEOUT };

	if (r->next == r->plan->port_count) {
		r->on_ready(r);
		return;
	}
	options.peer = &r->plan->ports[r->next].program;
	r->accepted = false;
	r->conn = socket_conn_connect(r->loop, r->chunks, &options, &handler);
	r->conn->user = r;
}

void run_ready_start(struct run_ready *r, struct loop *loop, struct chunk_stock *chunks,
		     const struct run_plan *plan, void (*on_ready)(struct run_ready *r))
{
	*r = (struct run_ready){
		.loop = loop, .chunks = chunks, .plan = plan, .on_ready = on_ready
	};
	timer_init(&r->again, on_due);
	timer_start(loop, &r->again, DURATION_NS(0));
}

void run_ready_stop(struct run_ready *r)
{
	timer_stop(&r->again);
	if (!r->conn)
		return;
	r->conn->user = NULL;
	conn_close(r->conn);
	r->conn = NULL;
}
