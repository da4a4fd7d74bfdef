#pragma once

/*
 * What the demo shows: numbers from the control plane, as a screen and as one object
 */

#include "base/buf.h"
#include "cli/terminal.h"
#include "codec/node.h"

struct demo_facts {
	const struct node *services; /* GET /weft/v1/stat?by=service */
	const struct node *versions; /* by=version */
	const struct node *status;   /* GET /weft/v1/status */
	const struct node *route;    /* the HTTPRoute of reviews; NULL: there is none */
	uint64_t load_requests;      /* counted by the load itself */
	uint64_t load_failures;
	double startup_seconds;
	double load_seconds; /* how long the load ran; 0: it runs, and rates are the services' own
			      */
};

struct demo_screen {
	const struct terminal *terminal;
	const char *weft;   /* how the person calls it */
	const char *socket; /* WEFT_ADDR */
	const char *half;   /* a file that shifts the canary */
	uint16_t shop_port;
	const char *note; /* something that ended; may be NULL */
};

/* One picture; lines end with a line feed. */
void demo_draw(const struct demo_screen *s, const struct demo_facts *f, struct buf *out);

/* {"startup_seconds": 3.1, "services": […], "reviews": […]} */
struct node *demo_summary(const struct demo_facts *f, struct pool *pool);

/* Requests that failed, counted by the load or by a proxy of a service. */
uint64_t demo_failures(const struct demo_facts *f);
