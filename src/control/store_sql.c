#include "control/store_private.h"

/*
 * The schema
 *
 * numbers    one row: the last number of everything that is counted
 * revisions  what people applied: who, when, why, how much
 * objects    as they are now; created and revision are numbers
 * past       each version of each applied object: (revision) → json, NULL json: deleted
 * facts      name → value
 * resting    virtual addresses that are not to be given away yet, and whose they were
 */
const char store_schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE numbers (id INTEGER PRIMARY KEY CHECK (id = 0), last INTEGER NOT NULL);"
	"INSERT INTO numbers VALUES (0, 0);"
	"CREATE TABLE revisions (revision INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
	"  actor TEXT NOT NULL, message TEXT NOT NULL, created INTEGER NOT NULL,"
	"  changed INTEGER NOT NULL, deleted INTEGER NOT NULL);"
	"CREATE TABLE objects (kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
	"  json TEXT NOT NULL, origin INTEGER NOT NULL, created INTEGER NOT NULL,"
	"  revision INTEGER NOT NULL, changed_at INTEGER NOT NULL, virtual_address TEXT NOT NULL,"
	"  PRIMARY KEY (kind, namespace, name)) WITHOUT ROWID;"
	"CREATE TABLE past (kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,"
	"  revision INTEGER NOT NULL, json TEXT, created INTEGER NOT NULL,"
	"  PRIMARY KEY (kind, namespace, name, revision)) WITHOUT ROWID;"
	"CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE resting (virtual_address TEXT PRIMARY KEY, since INTEGER NOT NULL,"
	"  namespace TEXT NOT NULL, name TEXT NOT NULL) WITHOUT ROWID;"
	"PRAGMA user_version = 2;"
	"COMMIT;";

const char *const store_sql[STORE_SQL_COUNT] = {
	[STORE_FACT_GET] = "SELECT value FROM facts WHERE name = ?1",
	[STORE_FACT_SET] = "INSERT INTO facts VALUES (?1, ?2)"
			   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	[STORE_REVISION] = "SELECT coalesce(max(revision), 0) FROM revisions",
	[STORE_NUMBER_NEXT] = "UPDATE numbers SET last = last + 1 RETURNING last",
	[STORE_REVISION_ADD] = "INSERT INTO revisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[STORE_OBJECT_EACH] = "SELECT kind, namespace, name, json, origin, created, revision,"
			      " changed_at, virtual_address FROM objects ORDER BY created",
	[STORE_OBJECT_GET] = "SELECT created, origin, virtual_address, json FROM objects"
			     " WHERE kind = ?1 AND namespace = ?2 AND name = ?3",
	[STORE_OBJECT_SET] = "INSERT INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
			     " ON CONFLICT (kind, namespace, name) DO UPDATE SET"
			     " json = excluded.json, origin = excluded.origin,"
			     " revision = excluded.revision, changed_at = excluded.changed_at,"
			     " virtual_address = excluded.virtual_address",
	[STORE_OBJECT_DELETE] = "DELETE FROM objects"
				" WHERE kind = ?1 AND namespace = ?2 AND name = ?3",
	[STORE_PAST_ADD] = "INSERT INTO past VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	/* What was registered stood there since the last that is known of the object. */
	[STORE_PAST_KEEP] = "INSERT INTO past SELECT ?1, ?2, ?3, coalesce(max(revision) + 1, 0),"
			    " ?5, ?6 FROM past WHERE kind = ?1 AND namespace = ?2 AND name = ?3"
			    " HAVING coalesce(max(revision) + 1, 0) < ?4",
	/* Up to the oldest revision that is kept, only the newest version of each object counts,
	 * and none where that is a deletion. */
	[STORE_PAST_PRUNE] = "DELETE FROM past WHERE revision < (SELECT max(revision)"
			     " FROM past AS q WHERE q.kind = past.kind"
			     " AND q.namespace = past.namespace AND q.name = past.name"
			     " AND q.revision <= ?1)",
	[STORE_PAST_PRUNE_GONE] = "DELETE FROM past WHERE json IS NULL AND revision <= ?1",
	[STORE_REVISION_PRUNE] = "DELETE FROM revisions WHERE revision < ?1",
	[STORE_HISTORY] = "SELECT revision, at, actor, message, created, changed, deleted"
			  " FROM revisions ORDER BY revision DESC LIMIT ?1",
	/* Of each object the newest version at or before the revision, unless that is a deletion.
	 */
	[STORE_AT_REVISION] = "SELECT kind, namespace, name, json, 0, created, revision, 0, ''"
			      " FROM past AS p WHERE json IS NOT NULL AND revision ="
			      " (SELECT max(revision) FROM past AS q WHERE q.kind = p.kind"
			      "  AND q.namespace = p.namespace AND q.name = p.name"
			      "  AND q.revision <= ?1) ORDER BY created",
	[STORE_REVISION_KNOWN] = "SELECT 1 FROM revisions WHERE revision = ?1",
	[STORE_ADDRESS_REST_SET] = "INSERT OR REPLACE INTO resting VALUES (?1, ?2, ?3, ?4)",
	[STORE_ADDRESS_RESTING] = "SELECT 1 FROM resting WHERE virtual_address = ?1"
				  " AND since >= ?2 AND (namespace <> ?3 OR name <> ?4)",
	[STORE_ADDRESS_OF] = "SELECT virtual_address FROM resting WHERE since >= ?1"
			     " AND namespace = ?2 AND name = ?3 ORDER BY since DESC LIMIT 1",
	[STORE_ADDRESS_WAKE] = "DELETE FROM resting WHERE virtual_address = ?1",
	[STORE_ADDRESS_FORGET] = "DELETE FROM resting WHERE since < ?1",
};
