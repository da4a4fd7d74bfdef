#include "net/acceptor.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>

#include "net/socket.h"

/* The system has no room for another connection: trying again at once would spin. */
static bool is_exhausted(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static void accept_batch(struct acceptor *a);

static void on_more(struct deferred *d)
{
	accept_batch(container_of(d, struct acceptor, more));
}

static void on_rested(struct timer *t)
{
	struct acceptor *a = container_of(t, struct acceptor, rest);

	if (a->paused)
		return;
	if (!a->watch.loop)
		acceptor_resume(a);
	else
		accept_batch(a);
}

static void rest(struct acceptor *a)
{
	a->rests++;
	timer_start(a->loop, &a->rest, DURATION_MS(ACCEPT_REST_MS));
}

/* Other errors are of the one connection that was lost in the backlog: the next may be good. */
static void accept_batch(struct acceptor *a)
{
	uint32_t batch = a->batch_max ? a->batch_max : ACCEPT_BATCH_MAX;

	for (; a->loop && !a->paused && a->ready && !timer_is_running(&a->rest); batch--) {
		struct address peer;
		int fd, r;

		if (batch == 0) {
			defer_to_next_turn(a->loop, &a->more, on_more);
			return;
		}
		r = socket_accept(a->fd, &peer, &fd);
		if (r == 0) {
			a->accepted++;
			a->on_accept(a, fd, &peer);
		} else if (r == -EAGAIN) {
			a->ready = false;
		} else if (is_exhausted(r)) {
			rest(a);
		}
	}
}

static void on_ready(struct watch *w, uint32_t events unused_arg)
{
	struct acceptor *a = container_of(w, struct acceptor, watch);

	a->ready = true;
	accept_batch(a);
}

static int watch(struct acceptor *a)
{
	return watch_start(a->loop, &a->watch, a->fd, EPOLLIN | EPOLLEXCLUSIVE, on_ready);
}

int acceptor_start(struct loop *l, struct acceptor *a, int fd,
		   void (*on_accept)(struct acceptor *a, int fd, const struct address *peer))
{
	int r;

	assert(!a->loop);
	a->loop = l;
	a->fd = fd;
	a->on_accept = on_accept;
	timer_init(&a->rest, on_rested);
	r = watch(a);
	if (r < 0)
		a->loop = NULL;
	return r;
}

static void leave(struct acceptor *a)
{
	watch_stop(&a->watch);
	timer_stop(&a->rest);
	defer_cancel(&a->more);
	a->ready = false;
}

void acceptor_stop(struct acceptor *a)
{
	if (!a->loop)
		return;
	leave(a);
	a->loop = NULL;
}

/*
 * Leaving epoll, and not merely looking away: of the loops that share the socket, one is
 * woken for each connection, and it must be one that takes it.
 */
void acceptor_pause(struct acceptor *a)
{
	if (!a->loop || a->paused)
		return;
	leave(a);
	a->paused = true;
}

void acceptor_resume(struct acceptor *a)
{
	a->paused = false;
	if (a->loop && !a->watch.loop && watch(a) < 0)
		rest(a);
}
