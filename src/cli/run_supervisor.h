#pragma once

/*
 * The supervisor: a proxy and a program, for as long as the program runs
 *
 *	registered (Starting) ─▶ proxy and program started ─▶ program accepts: Ready
 *	        ┌───────────────────────────────────────────────────┘
 *	        ▼
 *	program ends ─▶ Workload withdrawn ─▶ proxy drained ─▶ the program's exit status
 *
 * A proxy that ends is started again on the same sockets: at once, then after a time that
 * doubles. Signals go on to the program alone. SIGTERM first withdraws the Workload, so that no
 * client's proxy chooses it any more, and is passed on when that is done; when the program goes
 * on nevertheless, the next beat registers it again.
 */

#include "cli/cli.h"
#include "cli/janitor.h"
#include "cli/remote.h"
#include "cli/run_plan.h"

struct run_job {
	const struct cli *cli;
	struct run_plan *plan;
	struct remote *remote;
	struct janitor *janitor;
	char *const *program; /* its words, ends with NULL */
	const char *proxy;    /* path of weft-proxy */
	const char *log_level;
	int log_fd; /* of the proxy's log; -1: standard error */
};

/* Registered, sockets open, bootstrap written. Returns the exit code of `weft run`. */
int run_supervise(const struct run_job *job);
