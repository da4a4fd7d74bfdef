#pragma once

/*
 * System calls on sockets, with fault points
 *
 * Each returns its result, or -errno; EINTR is tried again. Nothing else is done here.
 */

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/macro.h"

/* The expression is a system call that answers -1 and errno. */
#define sys_retry(name, call)                                  \
	({                                                     \
		ssize_t result_ = fault_point(name);           \
		if (likely(result_ == 0)) {                    \
			do                                     \
				result_ = (call);              \
			while (result_ < 0 && errno == EINTR); \
			if (result_ < 0)                       \
				result_ = -errno;              \
		}                                              \
		result_;                                       \
	})

static inline ssize_t sys_recv(int fd, void *memory, size_t len)
{
	return sys_retry("recv", recv(fd, memory, len, 0));
}

static inline ssize_t sys_send(int fd, const struct iovec *iov, int iov_count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)iov_count };

	if (iov_count == 1)
		return sys_retry("send", send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL));
	return sys_retry("send", sendmsg(fd, &m, MSG_NOSIGNAL));
}
