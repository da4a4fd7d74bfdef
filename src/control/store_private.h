#pragma once

/*
 * Inside the store: the statements
 */

#include <sqlite3.h>

#include "control/store.h"

#define STORE_SCHEMA_VERSION 2

/* A virtual address is not given to another Service for so long after its last one went. */
#define STORE_ADDRESS_REST   DURATION_SECONDS(7 * 24 * 3600)

enum store_sql {
	STORE_FACT_GET,
	STORE_FACT_SET,
	STORE_REVISION,
	STORE_NUMBER_NEXT,
	STORE_REVISION_ADD,
	STORE_OBJECT_EACH,
	STORE_OBJECT_GET,
	STORE_OBJECT_SET,
	STORE_OBJECT_DELETE,
	STORE_PAST_ADD,
	STORE_PAST_KEEP,
	STORE_PAST_PRUNE,
	STORE_PAST_PRUNE_GONE,
	STORE_REVISION_PRUNE,
	STORE_HISTORY,
	STORE_AT_REVISION,
	STORE_REVISION_KNOWN,
	STORE_ADDRESS_REST_SET,
	STORE_ADDRESS_RESTING,
	STORE_ADDRESS_OF,
	STORE_ADDRESS_WAKE,
	STORE_ADDRESS_FORGET,
	STORE_SQL_COUNT,
};

struct store {
	sqlite3 *db;
	char *path;
	int lock_fd;
	uint64_t revisions_kept;
	sqlite3_stmt *statements[STORE_SQL_COUNT];
};

extern const char *const store_sql[STORE_SQL_COUNT];
extern const char store_schema[];

/* Reset and without bindings. */
sqlite3_stmt *store_statement(struct store *s, enum store_sql which);
void store_bind_str(sqlite3_stmt *statement, int index, struct str value);
struct str store_column_str(sqlite3_stmt *statement, int column);
/* The next row, or none and the statement is reset. */
int store_step(sqlite3_stmt *statement, bool *ret_row);
/* Runs a statement that returns nothing of interest. */
int store_step_done(sqlite3_stmt *statement);
int store_exec(struct store *s, const char *sql);
int store_error(int sqlite_code);
/* The schema of the file is ours now: made, or migrated with a copy kept. */
int store_schema_open(struct store *s, struct diag *d);
int store_fail(struct store *s, int code, struct diag *d, const char *doing);
