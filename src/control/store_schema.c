/*
 * The schema of a store: made, known, migrated or refused
 *
 *	no tables ─▶ made        ours ─▶ taken        newer ─▶ refused by name
 *	older ─▶ a copy beside it (PATH.schema-N) ─▶ step by step to ours, each a transaction
 *
 * A migration that fails leaves the store as it was.
 */

#include "control/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

static int number_read(struct store *s, const char *sql, int *ret_number, struct diag *d)
{
	sqlite3_stmt *statement = NULL;
	bool found = false;
	int r = store_error(sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL));

	if (r == 0)
		r = store_step(statement, &found);
	if (r == 0)
		*ret_number = found ? sqlite3_column_int(statement, 0) : 0;
	sqlite3_finalize(statement);
	return r < 0 ? store_fail(s, r, d, "cannot read the store") : 0;
}

/* 1 → 2: whose an address was that rests. Builds of schema 1 had it at last, and not at first. */
static int rest_owners_add(struct store *s, struct diag *d)
{
	int known = 0;
	int r = number_read(
		s, "SELECT count(*) FROM pragma_table_info('resting') WHERE name = 'namespace'",
		&known, d);

	if (r < 0 || known)
		return r;
	r = store_exec(s, "ALTER TABLE resting ADD COLUMN namespace TEXT NOT NULL DEFAULT '';"
			  "ALTER TABLE resting ADD COLUMN name TEXT NOT NULL DEFAULT '';");
	return r < 0 ? store_fail(s, r, d, "cannot migrate the store") : 0;
}

/* From each schema to the next. */
static int (*const steps[STORE_SCHEMA_VERSION])(struct store *s, struct diag *d) = {
	[1] = rest_owners_add,
};

static int step_from(struct store *s, int version, struct diag *d)
{
	char *done = mem_printf("PRAGMA user_version = %d; COMMIT", version + 1);
	int r = store_exec(s, "BEGIN IMMEDIATE");

	if (r < 0) {
		mem_free(done);
		return store_fail(s, r, d, "cannot migrate the store");
	}
	r = steps[version](s, d);
	if (r == 0) {
		r = store_exec(s, done);
		if (r < 0)
			store_fail(s, r, d, "cannot migrate the store");
	}
	if (r < 0)
		/* What failed is told; that the rollback of it may fail too changes nothing. */
		(void)store_exec(s, "ROLLBACK");
	mem_free(done);
	return r;
}

/* A copy that a migration before left half done is no copy: it has its name when it is whole. */
static int copy_keep(struct store *s, int version, struct diag *d)
{
	char *path = mem_printf("%s.schema-%d", s->path, version);
	char *half = mem_printf("%s.new", path);
	int r;

	unlink(half);
	r = store_backup(s, half, d);
	if (r == 0 && rename(half, path) < 0)
		r = diag_fail(d, -errno, "cannot keep a copy at %s: %s", path, err_text(-errno));
	if (r == 0)
		log_info("store.migrating", "from=%d to=%d copy=%s", version, STORE_SCHEMA_VERSION,
			 path);
	mem_free(half);
	mem_free(path);
	return r;
}

static int migrate(struct store *s, int version, struct diag *d)
{
	int r = copy_keep(s, version, d);

	for (; r == 0 && version < STORE_SCHEMA_VERSION; version++)
		r = step_from(s, version, d);
	return r;
}

int store_schema_open(struct store *s, struct diag *d)
{
	int version = 0, tables = 0, r;

	r = number_read(s, "PRAGMA user_version", &version, d);
	if (r == 0)
		r = number_read(s, "SELECT count(*) FROM sqlite_schema", &tables, d);
	if (r < 0)
		return r;
	if (version > STORE_SCHEMA_VERSION)
		return diag_fail(d, ERR_UNSUPPORTED,
				 "the store has schema %d, and this version of weft knows up to %d",
				 version, STORE_SCHEMA_VERSION);
	if (version == STORE_SCHEMA_VERSION)
		return 0;
	if (version > 0)
		return migrate(s, version, d);
	if (tables)
		return diag_fail(d, ERR_CORRUPT, "the file is a database of something else");
	r = store_exec(s, store_schema);
	return r < 0 ? store_fail(s, r, d, "cannot make the tables of the store") : 0;
}
