#pragma once

/*
 * The store: SQLite behind functions
 *
 * Objects as canonical JSON with the number that orders them, the history of what people
 * applied, small facts under names (trust domain, keys of the CA), virtual addresses and when
 * they may be given away again. One transaction per commit (WAL, synchronous=FULL): what was
 * acknowledged survives a power cut. A schema newer than ours is refused by name, an older one is
 * migrated, with a copy of the file as it was at PATH.schema-N. One process at a time has a store
 * open: a lock beside it keeps a second control plane away.
 *
 * History is kept for the newest STORE_REVISIONS_KEPT revisions; what an object was before is
 * kept as long as one of them needs it.
 */

#include "base/diag.h"
#include "base/dump.h"
#include "base/pool.h"
#include "base/time.h"
#include "control/state.h"

struct store;

#define STORE_REVISIONS_KEPT 10000

/* A store that is nowhere but in memory: for tests. */
#define STORE_MEMORY         ":memory:"

/* Creates the file (0600) with the present schema when it is not there. ERR_CONFLICT
 * when another process has it open, ERR_UNSUPPORTED for a newer schema; a migration that fails
 * leaves the file as it was. */
must_check int store_open(const char *path, struct store **ret_store, struct diag *d);
struct store *store_close(struct store *s);

struct store_object {
	enum kind_id kind;
	struct str name_space;
	struct str name;
	struct str json;
	enum state_origin origin;
	uint64_t created;  /* grows over all objects; kept when the object is written again */
	uint64_t revision; /* of the write */
	struct wall_time changed_at;
	struct str virtual_address; /* empty unless a Service */
};

/* Every object, by `created`. A non-zero return of the callback ends it and is returned. */
must_check int store_each(struct store *s,
			  int (*on_object)(void *user, const struct store_object *o), void *user);

struct store_write {
	enum kind_id kind;
	struct str name_space;
	struct str name;
	struct str json; /* empty: delete */
	struct str virtual_address;
};

struct store_commit {
	const struct store_write *writes;
	size_t write_count;
	enum state_origin origin; /* applied: a new revision with history */
	struct wall_time at;
	struct str actor;
	struct str message;
};

/*
 * ret_revision: the new revision of applied content, or the next number of the other order.
 * ret_created (one per write) are the `created` numbers. What was registered and is applied
 * over becomes part of the history as it was, so that no rollback takes it away; what was
 * registered and is deleted is no part of it.
 */
must_check int store_commit(struct store *s, const struct store_commit *commit,
			    uint64_t *ret_revision, uint64_t *ret_created);

must_check int store_revision(struct store *s, uint64_t *ret_applied);

struct store_revision_row {
	uint64_t revision;
	struct wall_time at;
	struct str actor;
	struct str message;
	uint32_t created, changed, deleted;
};

/* Newest first. */
must_check int store_history(struct store *s, uint32_t count_max,
			     int (*on_row)(void *user, const struct store_revision_row *row),
			     void *user);
/* The applied objects as they stood at a revision. ERR_NOT_FOUND for one that is not kept. */
must_check int store_at_revision(struct store *s, uint64_t revision,
				 int (*on_object)(void *user, const struct store_object *o),
				 void *user);

/* Facts. ERR_NOT_FOUND when absent. Text is copied into the pool. */
must_check int store_fact_get(struct store *s, const char *name, struct pool *pool,
			      struct str *ret_value);
must_check int store_fact_set(struct store *s, const char *name, struct str value);

/* A consistent copy while working. ERR_EXISTS when there is something at the path. */
must_check int store_backup(struct store *s, const char *path, struct diag *d);

/* A Service by its name, for virtual addresses. */
struct store_owner {
	struct str name_space;
	struct str name;
};

/* Was this virtual address another Service's until less than seven days ago? */
must_check int store_address_is_resting(struct store *s, struct str address,
					const struct store_owner *owner, struct wall_time now,
					bool *ret_resting);
/* The address that the Service had until less than seven days ago; ERR_NOT_FOUND. In `pool`. */
must_check int store_address_of(struct store *s, const struct store_owner *owner,
				struct wall_time now, struct pool *pool, struct str *ret_address);

/* Looking inside; see base/dump.h. */
void store_check(const struct store *s); /* between its calls */
void store_dump(const struct store *s, struct dump *d);
