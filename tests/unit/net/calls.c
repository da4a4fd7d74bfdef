#include "calls.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

_Thread_local struct calls calls;

ssize_t __real_recv(int fd, void *memory, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *memory, size_t len, int flags);
ssize_t __real_send(int fd, const void *memory, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *memory, size_t len, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
int __real_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

ssize_t __wrap_recv(int fd, void *memory, size_t len, int flags)
{
	ssize_t n = __real_recv(fd, memory, len, flags);

	calls.recv++;
	calls.recv_again += n < 0 && errno == EAGAIN;
	return n;
}

ssize_t __wrap_send(int fd, const void *memory, size_t len, int flags)
{
	calls.send++;
	return __real_send(fd, memory, len, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	calls.send++;
	return __real_sendmsg(fd, m, flags);
}

int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	calls.epoll_ctl++;
	return __real_epoll_ctl(epoll_fd, op, fd, event);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	calls.accept++;
	return __real_accept4(fd, address, len, flags);
}
