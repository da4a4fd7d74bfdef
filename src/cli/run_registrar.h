#pragma once

/*
 * The Workload at the control plane, kept up to date
 *
 *	          every 10 s, and at once when readiness changes
 *	  KEPT ──────────────────────────────────────────────────▶ KEPT
 *	   │                                                         │
 *	   └── withdraw ──▶ WITHDRAWING ──▶ WITHDRAWN ── keep ───────┘
 *
 * One request at a time, so that no registration that is under way comes after a withdrawal. A
 * control plane that does not answer is asked again each second: it may have lost us, and
 * learns us again. It is never a reason to stop.
 */

#include "cli/remote.h"
#include "cli/run_plan.h"

struct run_registrar {
	/* Withdrawn, or it could not be told within two seconds. */
	void (*on_withdrawn)(struct run_registrar *r);
	/* private */
	struct remote *remote;
	const struct run_plan *plan;
	struct http_fetch *fetch;
	struct timer timer;
	bool ready;       /* what is to be said */
	bool changed;     /* since the request under way began */
	bool withdrawing; /* or withdrawn */
	bool failing;     /* the last try failed: said once */
};

/* The first registration, waited for: readiness Starting. An error with a sentence in `d`. */
must_check int run_register(struct remote *remote, const struct run_plan *plan, struct diag *d);
/* Waited for too: for what fails before the registrar begins. */
void run_withdraw(struct remote *remote, const struct run_plan *plan);

/* Zero the object first. The first registration is done. */
void run_registrar_start(struct run_registrar *r, struct remote *remote,
			 const struct run_plan *plan,
			 void (*on_withdrawn)(struct run_registrar *r));
void run_registrar_set_ready(struct run_registrar *r);
/* From the next beat on it is registered again, unless it is withdrawn or stopped before. */
void run_registrar_keep(struct run_registrar *r);
void run_registrar_withdraw(struct run_registrar *r);
/* No callback follows. Accepts zeroed memory. */
void run_registrar_stop(struct run_registrar *r);
