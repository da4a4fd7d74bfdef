#pragma once

/*
 * Several workers, each with a loop of its own, and the main thread that serves them snapshots
 *
 * For what rig.h cannot show with its one loop: real threads, real sockets. The workers run as
 * threads after worker_group_start(), or the test turns their loops by hand.
 */

#include "test.h"

#include "net/certs.h"
#include "proxy/resources.h"
#include "proxy/worker.h"

struct crew {
	struct loop *loop; /* of the main thread */
	struct shared_domain domain;
	struct stats stats;
	struct metrics metrics;
	struct worker_group group;
	struct snapshots snapshots;
	struct resources resources;
};

void crew_init(struct crew *c, uint32_t worker_count);
/* Everything ends; fails when an object is still held. */
void crew_fini(struct crew *c);

/* One turn of the main thread's loop. */
void crew_turn(struct crew *c, struct duration wait);
/* Compiles and applies one resource. */
void crew_apply(struct crew *c, enum part_kind kind, const char *yaml);
/* Where the listener of that name listens. Fails when it does not. */
const struct address *crew_address(const struct crew *c, const char *name);

/* Applies the secrets `default` and ROOTCA. */
void secrets_apply(struct resources *r, const struct test_cert *leaf, const struct test_cert *ca,
		   const char *version);
