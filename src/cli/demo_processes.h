#pragma once

/*
 * The processes of the demo: control plane, a `weft run` for each workload, and the load
 *
 * Each has a group of its own, so that Ctrl-C is ours to act on, and is killed when we are. What
 * they print goes to a file of their name in the demo's directory.
 */

#include "base/diag.h"
#include "base/pool.h"
#include "cli/demo_shop.h"
#include "event/child.h"

struct demo_place {
	const char *weft;   /* path of this program */
	const char *dir;    /* private, short */
	const char *socket; /* DIR/r/control.sock */
	uint8_t network;    /* the N of 127.77.N.M */
	uint16_t shop_port; /* at 127.0.0.1 */
	uint64_t rate;
};

enum demo_role { DEMO_CONTROL, DEMO_WORKLOAD, DEMO_LOAD };

struct demo_process {
	struct child child;
	enum demo_role role;
	const struct shop_workload *workload; /* of DEMO_WORKLOAD */
	char *name;                           /* "reviews-v1" */
	bool ended;
	int status;
	void (*on_end)(struct demo_process *p);
	void *user;
};

/* A workload's address: "127.77.3.1". */
struct str demo_address(const struct demo_place *place, const struct shop_workload *w,
			struct pool *pool);

/* Starts it. `output` receives its standard output; -1: its file. on_end is set before. */
must_check int demo_process_start(struct loop *loop, struct demo_process *p,
				  const struct demo_place *place, int output, struct diag *d);
/* Accepts what has not been started or has ended. */
void demo_process_signal(struct demo_process *p, int number);
void demo_process_fini(struct demo_process *p);
/* The last lines of its file. */
void demo_process_log(const struct demo_process *p, const struct demo_place *place,
		      struct buf *out);

/* A network whose addresses are free on this machine, and the first free port from `first` on
 * at 127.0.0.1; no other demo takes them until this process ends. 0: none. */
uint8_t demo_take_network(uint64_t random);
uint16_t demo_take_port(uint16_t first);
