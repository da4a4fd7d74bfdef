#pragma once

/*
 * Inside of resources: entries, what parts need, and the states built from them
 */

#include "proxy/resources.h"

struct resource {
	struct resources *set;
	enum part_kind kind;
	char *name;
	struct part *active;
	struct part *staged;
	struct instant staged_since;
	struct instant unwanted_since;
	uint32_t wanted;
	bool missing;  /* whoever was asked says that it does not exist */
	bool reported; /* on_want() said so last */
	struct list in_staged;
	struct list in_unwanted;
	struct list in_reports;
	struct list in_dirty;
	/* Of listeners, routes, clusters while active. */
	struct shared *state;
	uint32_t slot; /* SLOT_NONE without a state */
	/* Of listeners that bind to their address. */
	struct port *port;
	uint32_t port_slot;
};

typedef void part_need(void *user, enum part_kind kind, struct str name);

/* Calls `need` for every name that a part refers to, as often as it does. */
void part_for_each_need(struct part *p, part_need *need, void *user);

/* Marks the states that contain this part. */
void resource_mark_dirty(struct resource *e);
/* Builds the state of a dirty entry anew and puts it into the next snapshot. A socket that
 * cannot be opened is reported in `d`. */
void resource_rebuild(struct resource *e, struct diag *d);
/* The entry loses its state, slot and port. */
void resource_drop_state(struct resource *e);
