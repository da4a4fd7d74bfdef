#pragma once

/*
 * The sockets of a `weft run`, opened by the supervisor
 *
 * They live as long as the supervisor: a proxy that crashes or is replaced starts on the same
 * ones, and what connects meanwhile waits in their backlogs.
 */

#include "cli/run_plan.h"
#include "event/child.h"

/* Opens a mesh port for each port (its number goes into the plan), each upstream's address and
 * the admin socket in the plan's directory. -errno with a sentence in `d`. */
must_check int run_sockets_open(struct run_plan *p, struct diag *d);
void run_sockets_close(struct run_plan *p);

/* How the proxy is given them: descriptors from 3 on, with their names in the order of
 * LISTEN_FDNAMES. Returns their count. */
#define RUN_SOCKETS_MAX (RUN_PORTS_MAX + RUN_UPSTREAMS_MAX + 1)
size_t run_sockets_pass(const struct run_plan *p, struct child_fd *ret_fds, struct buf *names);
