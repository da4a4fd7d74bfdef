#pragma once

/*
 * How many system calls were made: for claims like "no call that only returns EAGAIN"
 *
 * The test binary is linked with --wrap for each of these.
 */

#include <stdint.h>

struct calls {
	uint32_t recv;
	uint32_t recv_again; /* of these, how many found nothing */
	uint32_t send;
	uint32_t epoll_ctl;
	uint32_t accept;
};

extern _Thread_local struct calls calls;
