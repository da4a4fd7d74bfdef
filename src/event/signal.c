#include "event/signal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fault.h"

/* Edge-triggered: read until nothing is left, or until the callback stopped the source. */
static void on_ready(struct watch *w, unused_arg uint32_t events)
{
	struct signal_source *s = container_of(w, struct signal_source, watch);
	struct signalfd_siginfo info;

	while (w->loop && read(w->fd, &info, sizeof(info)) == sizeof(info))
		s->on_signal(s, (int)info.ssi_signo);
}

static int open_blocked(const sigset_t *set)
{
	int r = fault_point("signalfd");

	if (r < 0)
		return r;
	r = pthread_sigmask(SIG_BLOCK, set, NULL);
	if (r)
		return -r;

	int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int signal_source_start(struct loop *l, struct signal_source *s, const int *signals,
			size_t signal_count,
			void (*on_signal)(struct signal_source *s, int signal_number))
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < signal_count; i++)
		sigaddset(&set, signals[i]);

	int fd = open_blocked(&set);

	if (fd < 0)
		return fd;
	s->on_signal = on_signal;

	int r = watch_start(l, &s->watch, fd, EPOLLIN, on_ready);

	if (r < 0)
		close(fd);
	return r;
}

void signal_source_stop(struct signal_source *s)
{
	if (!s->watch.loop)
		return;
	watch_stop(&s->watch);
	close(s->watch.fd);
}
