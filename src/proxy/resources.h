#pragma once

/*
 * Resources: from what arrives to what is served
 *
 * The set of compiled parts by kind and name. Whoever brings parts (the bootstrap file, an
 * xDS client, the identity) hands over a set of changes as one transaction. A part is first
 * staged; it becomes active when what it needs is there, and then one snapshot is published
 * with all that became active together:
 *
 *	          apply                  ready, or waited long enough
 *	(none) ─────────▶ staged ────────────────────────────────────▶ active ──▶ snapshot
 *
 *	secret, endpoints   at once
 *	cluster             endpoints and secrets are there, or 15 s passed
 *	routes              each cluster is active or known not to exist, or 1 s passed
 *	listener            route tables, clusters, secrets are there, or 15 s passed
 *
 * Until then the active part of the same name goes on serving. A part names others; those
 * names are wanted, and whoever can fetch them is told (on_want). A name that nobody wants any
 * more is kept a while, so that streams of older snapshots find it, and then dropped.
 *
 * Revisions: a change carries the revision it came with. A revision is applied when nothing
 * that came with it or before is staged any more and all workers serve the snapshot with it.
 * Main thread only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/loop.h"
#include "model/part.h"
#include "proxy/ports.h"
#include "proxy/slots.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"
#include "proxy/tls_store.h"

#define RESOURCE_WAIT_LONG  DURATION_SECONDS(15)
#define RESOURCE_WAIT_SHORT DURATION_SECONDS(1)
#define RESOURCE_LINGER     DURATION_SECONDS(10)

/* Snapshots on their way to the workers that are told apart for revisions. */
#define RESOURCE_CLEAN_MAX  32

struct resource_change {
	enum part_kind kind;
	struct str name;
	struct part *part; /* a reference is taken; NULL: removed, or known not to exist */
};

struct resources_handler {
	/* Somebody needs this name, or nobody does any more. Names that the bootstrap holds are not
	 * reported. May call resources_apply(). */
	void (*on_want)(void *user, enum part_kind kind, struct str name, bool wanted);
	/* All workers serve everything up to this revision. */
	void (*on_applied)(void *user, uint64_t revision);
	/* Other parts are active than before, secrets aside, or a name is known not to exist. May
	 * be NULL. */
	void (*on_changed)(void *user);
};

struct resource;

struct resources {
	struct map by_name[PART_KIND_COUNT]; /* struct resource */
	/* Counts, for admin and telemetry. */
	uint64_t revision_received;
	uint64_t revision_applied;
	uint32_t staged_count;
	/* Kinds that are received whole: parts that nobody names are kept. */
	bool wildcard[PART_KIND_COUNT];

	/* private */
	struct loop *loop;
	struct shared_domain *domain;
	struct stats *stats;
	struct snapshots *snapshots;
	struct slots cluster_slots;
	struct slots route_slots;
	struct slots listener_slots;
	struct slots port_slots;
	struct tls_secrets secrets;
	struct inherited *inherited;
	const struct resources_handler *handler;
	void *handler_user;
	bool changed;         /* since on_changed() */
	struct list staged;   /* struct resource */
	struct list unwanted; /* struct resource, the longest unwanted first */
	struct list reports;  /* struct resource whose wanting changed */
	struct timer timer;
	struct deferred report;
	struct list dirty; /* struct resource whose state must be built anew */
	/* Which snapshots carry which revisions whole, oldest first. */
	struct {
		uint64_t number;
		uint64_t revision;
	} clean[RESOURCE_CLEAN_MAX];
	uint32_t clean_count;
};

struct resources_options {
	struct loop *loop;
	struct shared_domain *domain;
	struct stats *stats;
	struct snapshots *snapshots;
	struct inherited *inherited; /* descriptors for listeners by their names; may be NULL */
};

void resources_init(struct resources *r, const struct resources_options *options);
/* Drops everything; no last snapshot is published. States that snapshots still refer to stay:
 * resources_fini() comes after snapshots_fini() and shared_domain_fini(). */
void resources_close(struct resources *r);
void resources_fini(struct resources *r);
/* May be called at any time; what is wanted already is reported at once. */
void resources_set_handler(struct resources *r, const struct resources_handler *handler,
			   void *user);

/*
 * Applies a set of changes at once and publishes what becomes active. A listening socket that
 * cannot be opened is ERR of the system in `d` (the first one); everything else is applied all
 * the same. `revision` 0: none came with it.
 */
must_check int resources_apply(struct resources *r, const struct resource_change *changes,
			       size_t count, uint64_t revision, struct diag *d);

/* A name that is needed by itself: the listener of a binding, a destination on demand. Each
 * want is given back with unwant. */
void resources_want(struct resources *r, enum part_kind kind, struct str name);
void resources_unwant(struct resources *r, enum part_kind kind, struct str name);

/* A socket for a binding: it leads to the listener of that name, which is wanted from now on
 * until resources_close(). Served from the next resources_apply() on, which may bring nothing. */
must_check int resources_bind(struct resources *r, struct str listener_name,
			      const struct address *address, int inherited_fd, struct diag *d);

/* part_compile() of what somebody sent or kept under a name, which must be its own. */
must_check int resource_compile(enum part_kind kind, struct str name, struct str bytes,
				struct str version, struct part **ret_part, struct diag *d);

/* A secret that is not received but made here: by src/identity. Empty text: not contained. */
struct part *resources_secret_new(struct str name, struct str version, struct str certificate_pem,
				  struct str key_pem, struct str trust_pem);

/* For admin: the active and the staged part of an entry; NULL where there is none. */
struct part *resource_active(const struct resource *e);
struct part *resource_staged(const struct resource *e);
struct str resource_name(const struct resource *e);
/* Is it known that there is none of that name? */
bool resource_is_missing(const struct resource *e);
/* The listener, cluster or route state in use; NULL for other kinds. */
struct shared *resource_state(const struct resource *e);

/* To be called from the handler of the snapshots. */
void resources_served(struct resources *r, uint64_t number);
