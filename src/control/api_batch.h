#pragma once

/*
 * Inside the API: a change of many objects under construction
 *
 *	batch_init ─▶ batch_write, batch_delete … ─▶ batch_run: state_apply, one answer ─▶
 *batch_fini
 *
 * What is wrong with one object is told by its place in the request, also when it shows only
 * beside the others.
 */

#include "base/map.h"
#include "control/api_request.h"

/* Objects of one request. */
#define BATCH_OBJECTS_MAX 10000

struct batch {
	struct api_request *q;
	struct state_write *writes; /* each document in a pool of its own, as the state wants it */
	const struct node **items;  /* what of the request each write is; NULL: of the store */
	size_t count;
	size_t capacity;
	struct map seen;      /* "KIND NS/NAME": the same object twice is refused */
	struct node *objects; /* of the answer: what happens to each */
	bool registers;       /* Services are only created */
};

void batch_init(struct batch *b, struct api_request *q);
void batch_fini(struct batch *b);

/* A document to be written; `item` is where it stands in the request, or NULL. */
must_check int batch_write(struct batch *b, const struct node *tree, const struct node *item,
			   struct diag *d);
/* An object to be deleted, that exists. */
must_check int batch_delete(struct batch *b, const struct state_object *o, const struct node *item,
			    struct diag *d);

/* Tells the problem of an item (NULL: of the whole) in `d`, by its place in the request. */
int batch_blame(struct batch *b, const struct node *item, const struct diag *problem,
		struct diag *d);

/* Makes the change, unless `r`, which is how it went so far, is a failure with its problem in
 * `d`. Answers in any case. */
void batch_run(struct batch *b, struct state_change *change, int r, struct diag *d);
