#include "control/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"
#include "control/store_private.h"

#include "test.h"

/* A store in a directory of its own. */
struct place {
	char dir[32];
	char path[64];
	struct store *store;
};

static void place_open(struct place *p)
{
	struct diag d = DIAG_INIT;

	snprintf(p->dir, sizeof(p->dir), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/weft.db", p->dir);
	assert_int_equal(store_open(p->path, &p->store, &d), 0);
}

static void place_reopen(struct place *p)
{
	struct diag d = DIAG_INIT;

	store_close(p->store);
	assert_int_equal(store_open(p->path, &p->store, &d), 0);
}

/* What a migration keeps. */
static void copy_path(const struct place *p, char *path, size_t size)
{
	snprintf(path, size, "%s.schema-1", p->path);
}

static void place_close(struct place *p)
{
	char file[96];
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };

	store_close(p->store);
	for (size_t i = 0; i < array_count(suffixes); i++) {
		snprintf(file, sizeof(file), "%s%s", p->path, suffixes[i]);
		unlink(file);
	}
	snprintf(file, sizeof(file), "%s/copy.db", p->dir);
	unlink(file);
	copy_path(p, file, sizeof(file));
	unlink(file);
	assert_int_equal(rmdir(p->dir), 0);
}

static int write_one(struct place *p, const char *name, const char *json, enum state_origin origin,
		     uint64_t *ret_revision)
{
	const struct store_write write = {
		.kind = KIND_HTTP_ROUTE,
		.name_space = STR("shop"),
		.name = str_from(name),
		.json = str_from(json),
	};
	const struct store_commit commit = {
		.writes = &write,
		.write_count = 1,
		.origin = origin,
		.at = { 1000 },
		.actor = STR("root"),
		.message = STR("test"),
	};
	uint64_t created;

	return store_commit(p->store, &commit, ret_revision, &created);
}

/* Objects as "name=json name=json ". */
static int collect(void *user, const struct store_object *o)
{
	buf_printf(user, "%.*s=%.*s ", STR_ARGS(o->name), STR_ARGS(o->json));
	return 0;
}

static void assert_objects(struct place *p, const char *expected)
{
	struct buf text = BUF_INIT(0);

	assert_int_equal(store_each(p->store, collect, &text), 0);
	assert_str_equal(buf_str(&text), expected);
	buf_fini(&text);
}

static void assert_past(struct place *p, uint64_t revision, const char *expected)
{
	struct buf text = BUF_INIT(0);

	assert_int_equal(store_at_revision(p->store, revision, collect, &text), 0);
	assert_str_equal(buf_str(&text), expected);
	buf_fini(&text);
}

TEST(what_was_committed_is_there_after_opening_again)
{
	struct place p;
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(revision, 1);
	assert_int_equal(write_one(&p, "b", "{2}", STATE_APPLIED, &revision), 0);
	assert_int_equal(revision, 2);
	place_reopen(&p);
	assert_objects(&p, "a={1} b={2} ");
	assert_int_equal(store_revision(p.store, &revision), 0);
	assert_int_equal(revision, 2);
	place_close(&p);
}

TEST(every_revision_can_be_read_as_it_stood)
{
	struct place p;
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "b", "{2}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "a", "{3}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "b", "", STATE_APPLIED, &revision), 0);
	assert_past(&p, 0, "");
	assert_past(&p, 1, "a={1} ");
	assert_past(&p, 2, "a={1} b={2} ");
	assert_past(&p, 3, "a={3} b={2} ");
	assert_past(&p, 4, "a={3} ");
	assert_objects(&p, "a={3} ");
	assert_int_equal(store_at_revision(p.store, 5, collect, NULL), ERR_NOT_FOUND);
	place_close(&p);
}

TEST(what_weft_run_registers_makes_no_revision)
{
	struct place p;
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_REGISTERED, &revision), 0);
	assert_int_equal(store_revision(p.store, &revision), 0);
	assert_int_equal(revision, 0);
	assert_objects(&p, "a={1} ");
	assert_past(&p, 0, "");
	place_close(&p);
}

TEST(a_commit_that_fails_changes_nothing)
{
	struct place p;
	uint64_t revision, created[2];
	const struct store_write writes[] = {
		{ .kind = KIND_SERVICE,
		  .name_space = STR("n"),
		  .name = STR("new"),
		  .json = STR("{}") },
		{ .kind = KIND_SERVICE, .name_space = STR("n"), .name = STR("absent") },
	};
	const struct store_commit commit = { .writes = writes, .write_count = 2 };

	place_open(&p);
	assert_int_equal(store_commit(p.store, &commit, &revision, created), ERR_NOT_FOUND);
	assert_objects(&p, "");
	assert_int_equal(store_revision(p.store, &revision), 0);
	assert_int_equal(revision, 0);
	place_close(&p);
}

static int count_row(void *user, const struct store_revision_row *row)
{
	buf_printf(user, "%llu:%u/%u/%u ", (unsigned long long)row->revision, row->created,
		   row->changed, row->deleted);
	return 0;
}

TEST(history_is_newest_first_and_counts)
{
	struct place p;
	struct buf text = BUF_INIT(0);
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "a", "{2}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "a", "", STATE_APPLIED, &revision), 0);
	assert_int_equal(store_history(p.store, 2, count_row, &text), 0);
	assert_str_equal(buf_str(&text), "3:0/0/1 2:0/1/0 ");
	buf_fini(&text);
	place_close(&p);
}

TEST(facts_are_kept_and_replaced)
{
	struct place p;
	struct pool pool = POOL_INIT(0);
	struct str value;

	place_open(&p);
	assert_int_equal(store_fact_get(p.store, "ca.root", &pool, &value), ERR_NOT_FOUND);
	assert_int_equal(store_fact_set(p.store, "ca.root", STR("one")), 0);
	assert_int_equal(store_fact_set(p.store, "ca.root", STR("two")), 0);
	place_reopen(&p);
	assert_int_equal(store_fact_get(p.store, "ca.root", &pool, &value), 0);
	assert_str_equal(value, "two");
	pool_fini(&pool);
	place_close(&p);
}

static void assert_resting(struct place *p, const struct store_owner *owner, int64_t now_ns,
			   bool expected)
{
	bool resting = !expected;

	assert_int_equal(store_address_is_resting(p->store, STR("240.240.0.7"), owner,
						  (struct wall_time){ now_ns }, &resting),
			 0);
	assert_int_equal(resting, expected);
}

TEST(an_address_rests_for_seven_days)
{
	struct place p;
	uint64_t revision, created;
	struct store_write write = {
		.kind = KIND_SERVICE,
		.name_space = STR("shop"),
		.name = STR("web"),
		.json = STR("{}"),
		.virtual_address = STR("240.240.0.7"),
	};
	struct store_commit commit = { .writes = &write, .write_count = 1, .at = { 0 } };
	const int64_t day = INT64_C(86400) * 1000000000;

	const struct store_owner own = { STR("shop"), STR("web") };
	const struct store_owner other = { STR("shop"), STR("api") };
	struct pool pool = POOL_INIT(0);
	struct str had;

	place_open(&p);
	assert_int_equal(store_commit(p.store, &commit, &revision, &created), 0);
	assert_resting(&p, &other, 0, false);
	write.json = STR_EMPTY;
	assert_int_equal(store_commit(p.store, &commit, &revision, &created), 0);
	assert_resting(&p, &other, 6 * day, true);
	assert_resting(&p, &other, 8 * day, false);
	/* Whose it was has it again. */
	assert_resting(&p, &own, 6 * day, false);
	assert_int_equal(
		store_address_of(p.store, &own, (struct wall_time){ 6 * day }, &pool, &had), 0);
	assert_str_equal(had, "240.240.0.7");
	assert_int_equal(
		store_address_of(p.store, &own, (struct wall_time){ 8 * day }, &pool, &had),
		ERR_NOT_FOUND);
	assert_int_equal(
		store_address_of(p.store, &other, (struct wall_time){ 6 * day }, &pool, &had),
		ERR_NOT_FOUND);
	/* And it rests no more. */
	write.json = STR("{}");
	assert_int_equal(store_commit(p.store, &commit, &revision, &created), 0);
	assert_int_equal(
		store_address_of(p.store, &own, (struct wall_time){ 6 * day }, &pool, &had),
		ERR_NOT_FOUND);
	pool_fini(&pool);
	place_close(&p);
}

TEST(a_backup_opens_as_a_store)
{
	struct place p;
	struct diag d = DIAG_INIT;
	struct store *copy;
	char path[96];
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	snprintf(path, sizeof(path), "%s/copy.db", p.dir);
	assert_int_equal(store_backup(p.store, path, &d), 0);
	assert_int_equal(store_open(path, &copy, &d), 0);
	assert_int_equal(store_revision(copy, &revision), 0);
	assert_int_equal(revision, 1);
	store_close(copy);
	snprintf(path, sizeof(path), "%s/copy.db-wal", p.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/copy.db-shm", p.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/copy.db.lock", p.dir);
	unlink(path);
	place_close(&p);
}

TEST(a_backup_writes_over_nothing)
{
	struct place p;
	struct diag d = DIAG_INIT;
	struct diag e = DIAG_INIT;
	char path[96];

	place_open(&p);
	assert_int_equal(store_backup(p.store, p.path, &d), ERR_EXISTS);
	snprintf(path, sizeof(path), "%s/none/copy.db", p.dir);
	assert_int_equal(store_backup(p.store, path, &e), ERR_CONFIG);
	diag_fini(&d);
	diag_fini(&e);
	place_close(&p);
}

TEST(one_process_has_a_store_open)
{
	struct place p;
	struct diag d = DIAG_INIT;
	struct store *second;

	place_open(&p);
	assert_int_equal(store_open(p.path, &second, &d), ERR_CONFLICT);
	assert_string_equal(d.text, "another control plane has this store open");
	assert_string_equal(d.file, p.path);
	diag_fini(&d);
	place_reopen(&p);
	place_close(&p);
}

TEST(a_newer_schema_is_refused_by_name)
{
	struct place p;
	struct diag d = DIAG_INIT;
	struct store *store;

	place_open(&p);
	assert_int_equal(store_exec(p.store, "PRAGMA user_version = 3"), 0);
	p.store = store_close(p.store);
	assert_int_equal(store_open(p.path, &store, &d), ERR_UNSUPPORTED);
	assert_string_equal(d.text, "the store has schema 3, and this version of weft knows up "
				    "to 2");
	diag_fini(&d);
	place_close(&p);
}

/*
 * Older schemas
 */

/* As the first and the last build of schema 1 had it. */
#define RESTING_FIRST                                                                     \
	"DROP TABLE resting;"                                                             \
	"CREATE TABLE resting (virtual_address TEXT PRIMARY KEY, since INTEGER NOT NULL)" \
	"  WITHOUT ROWID;"                                                                \
	"INSERT INTO resting VALUES ('240.240.0.7', 0);"                                  \
	"PRAGMA user_version = 1"
#define RESTING_LAST                                                    \
	"INSERT INTO resting VALUES ('240.240.0.7', 0, 'shop', 'web');" \
	"PRAGMA user_version = 1"

static const struct store_owner web = { STR_INIT("shop"), STR_INIT("web") };
static const struct store_owner api = { STR_INIT("shop"), STR_INIT("api") };

/* A store with one object, made old; it is closed. */
static void place_open_old(struct place *p, const char *sql)
{
	uint64_t revision;

	place_open(p);
	assert_int_equal(write_one(p, "a", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(store_exec(p->store, sql), 0);
	p->store = store_close(p->store);
}

/* PRAGMA user_version, and how many objects are there. */
static void assert_file(const char *path, int version, int objects)
{
	sqlite3 *db;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT user_version, (SELECT count(*) FROM objects)"
					    " FROM pragma_user_version",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), version);
	assert_int_equal(sqlite3_column_int(s, 1), objects);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

TEST(a_store_of_an_older_schema_is_migrated_and_a_copy_is_kept)
{
	static const char *const olds[] = { RESTING_FIRST, RESTING_LAST };

	for (size_t i = 0; i < array_count(olds); i++) {
		struct place p;
		char copy[96];

		place_open_old(&p, olds[i]);
		copy_path(&p, copy, sizeof(copy));
		assert_int_not_equal(access(copy, F_OK), 0);
		place_reopen(&p);
		assert_objects(&p, "a={1} ");
		assert_past(&p, 1, "a={1} ");
		assert_resting(&p, &api, 1, true);
		/* The first build did not know whose it was: it rests for everybody. */
		assert_resting(&p, &web, 1, i == 0);
		assert_file(copy, 1, 1);
		place_reopen(&p);
		p.store = store_close(p.store);
		assert_file(p.path, STORE_SCHEMA_VERSION, 1);
		place_close(&p);
	}
}

TEST(a_copy_that_an_earlier_migration_left_does_not_stand_in_the_way)
{
	struct place p;
	char copy[96], half[104];
	FILE *f;

	place_open_old(&p, RESTING_FIRST);
	copy_path(&p, copy, sizeof(copy));
	snprintf(half, sizeof(half), "%s.new", copy);
	for (unsigned i = 0; i < 2; i++) {
		f = fopen(i ? half : copy, "w");
		assert_non_null(f);
		fputs("half of it", f);
		fclose(f);
	}
	place_reopen(&p);
	assert_file(copy, 1, 1);
	assert_int_not_equal(access(half, F_OK), 0);
	place_close(&p);
}

TEST(a_copy_that_cannot_be_kept_migrates_nothing)
{
	struct place p;
	struct diag d = DIAG_INIT;
	char copy[96];

	place_open_old(&p, RESTING_FIRST);
	copy_path(&p, copy, sizeof(copy));
	assert_int_equal(mkdir(copy, 0700), 0);
	assert_true(store_open(p.path, &p.store, &d) < 0);
	assert_non_null(strstr(d.text, "cannot keep a copy at "));
	diag_fini(&d);
	assert_int_equal(rmdir(copy), 0);
	assert_file(p.path, 1, 1);
	snprintf(copy, sizeof(copy), "%s.schema-1.new", p.path);
	assert_int_equal(unlink(copy), 0);
	place_close(&p);
}

#ifdef WEFT_FAULTS
TEST(a_migration_that_fails_anywhere_leaves_the_store_as_it_was)
{
	struct place p;
	unsigned n;

	place_open_old(&p, RESTING_FIRST);
	for (n = 1;; n++) {
		struct diag d = DIAG_INIT;
		int r;

		fault_arm(n, -EIO);
		r = store_open(p.path, &p.store, &d);
		if (!fault_delivered())
			break;
		fault_arm(0, 0);
		assert_int_equal(r, -EIO);
		assert_non_null(d.text);
		diag_fini(&d);
		assert_file(p.path, 1, 1);
		p.store = NULL;
	}
	fault_arm(0, 0);
	assert_true(n > 5);
	assert_objects(&p, "a={1} ");
	place_close(&p);
}

/* Everything that is read, one after the other. */
static int read_all(struct place *p, struct pool *pool)
{
	struct buf text = BUF_INIT(0);
	struct str value;
	uint64_t revision;
	bool resting;
	int r = store_revision(p->store, &revision);

	if (r == 0)
		r = store_each(p->store, collect, &text);
	if (r == 0)
		r = store_at_revision(p->store, 1, collect, &text);
	if (r == 0)
		r = store_history(p->store, 10, count_row, &text);
	if (r == 0)
		r = store_fact_get(p->store, "ca.root", pool, &value);
	if (r == 0)
		r = store_address_is_resting(p->store, STR("240.240.0.7"), &api,
					     (struct wall_time){ 1 }, &resting);
	if (r == 0)
		r = store_address_of(p->store, &web, (struct wall_time){ 1 }, pool, &value);
	buf_fini(&text);
	return r;
}

TEST(a_read_that_fails_anywhere_is_told_and_the_next_one_works)
{
	struct place p;
	struct pool pool = POOL_INIT(0);
	uint64_t revision;
	unsigned n;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(store_fact_set(p.store, "ca.root", STR("one")), 0);
	assert_int_equal(
		store_exec(p.store, "INSERT INTO resting VALUES ('240.240.0.7', 0, 'shop', 'web')"),
		0);
	for (n = 1;; n++) {
		int r;

		fault_arm(n, -EIO);
		r = read_all(&p, &pool);
		if (!fault_delivered())
			break;
		fault_arm(0, 0);
		assert_int_equal(r, -EIO);
		assert_int_equal(read_all(&p, &pool), 0);
	}
	fault_arm(0, 0);
	assert_true(n > 10);
	pool_fini(&pool);
	place_close(&p);
}
#endif

TEST(a_database_of_something_else_is_refused)
{
	struct place p;
	struct diag d = DIAG_INIT;

	place_open(&p);
	assert_int_equal(store_exec(p.store, "PRAGMA user_version = 0"), 0);
	p.store = store_close(p.store);
	assert_int_equal(store_open(p.path, &p.store, &d), ERR_CORRUPT);
	assert_string_equal(d.text, "the file is a database of something else");
	p.store = NULL;
	diag_fini(&d);
	place_close(&p);
}

TEST(an_object_of_a_kind_that_only_a_newer_version_knows_is_refused)
{
	struct place p;
	struct buf text = BUF_INIT(0);

	place_open(&p);
	assert_int_equal(store_exec(p.store, "INSERT INTO objects VALUES ('Gateway', 'shop', 'g',"
					     " '{}', 0, 1, 1, 0, '')"),
			 0);
	assert_int_equal(store_each(p.store, collect, &text), ERR_UNSUPPORTED);
	buf_fini(&text);
	place_close(&p);
}

TEST(what_was_registered_and_is_applied_over_stays_in_the_history)
{
	struct place p;
	uint64_t revision;

	place_open(&p);
	assert_int_equal(write_one(&p, "other", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "web", "{r}", STATE_REGISTERED, &revision), 0);
	assert_int_equal(write_one(&p, "other", "{2}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "web", "{a}", STATE_APPLIED, &revision), 0);
	assert_past(&p, 3, "other={2} web={a} ");
	assert_past(&p, 2, "other={2} web={r} ");
	assert_past(&p, 1, "other={1} web={r} ");
	/* Gone, registered anew, and applied over once more. */
	assert_int_equal(write_one(&p, "web", "", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "other", "{5}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "web", "{r2}", STATE_REGISTERED, &revision), 0);
	assert_int_equal(write_one(&p, "web", "{a2}", STATE_APPLIED, &revision), 0);
	assert_past(&p, 4, "other={2} ");
	assert_past(&p, 5, "other={5} web={r2} ");
	assert_past(&p, 6, "other={5} web={a2} ");
	assert_past(&p, 2, "other={2} web={r} ");
	place_close(&p);
}

TEST(history_is_kept_for_so_many_revisions_and_not_more)
{
	struct place p;
	struct buf text = BUF_INIT(0);
	uint64_t revision;
	char json[16];

	place_open(&p);
	p.store->revisions_kept = 5;
	assert_int_equal(write_one(&p, "old", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "gone", "{1}", STATE_APPLIED, &revision), 0);
	assert_int_equal(write_one(&p, "gone", "", STATE_APPLIED, &revision), 0);
	for (unsigned i = 4; i <= 10; i++) {
		snprintf(json, sizeof(json), "{%u}", i);
		assert_int_equal(write_one(&p, "a", json, STATE_APPLIED, &revision), 0);
	}
	assert_int_equal(revision, 10);
	assert_int_equal(store_at_revision(p.store, 4, collect, &text), ERR_NOT_FOUND);
	assert_past(&p, 5, "old={1} a={5} ");
	assert_past(&p, 9, "old={1} a={9} ");
	assert_past(&p, 10, "old={1} a={10} ");
	assert_objects(&p, "old={1} a={10} ");
	buf_fini(&text);
	place_close(&p);
}

#ifdef WEFT_FAULTS
TEST(a_write_that_fails_anywhere_changes_nothing)
{
	struct place p;
	uint64_t revision = 0;
	int r = -EIO;
	unsigned n;

	place_open(&p);
	assert_int_equal(write_one(&p, "a", "{1}", STATE_APPLIED, &revision), 0);
	for (n = 1; r < 0; n++) {
		fault_arm(n, -EIO);
		r = write_one(&p, "a", "{2}", STATE_APPLIED, &revision);
		if (!fault_delivered())
			break;
		fault_arm(0, 0);
		assert_int_equal(r, -EIO);
		assert_objects(&p, "a={1} ");
		assert_int_equal(store_revision(p.store, &revision), 0);
		assert_int_equal(revision, 1);
	}
	fault_arm(0, 0);
	assert_true(n > 4);
	assert_int_equal(r, 0);
	assert_objects(&p, "a={2} ");
	assert_past(&p, 1, "a={1} ");
	place_close(&p);
}
#endif

TEST(what_is_no_store_is_refused)
{
	struct place p;
	struct diag d = DIAG_INIT;
	struct store *store;
	FILE *f;

	place_open(&p);
	store_close(p.store);
	p.store = NULL;
	f = fopen(p.path, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < 100; i++)
		fputs("this is not a database at all, by no means", f);
	fclose(f);
	assert_true(store_open(p.path, &store, &d) < 0);
	assert_string_equal(d.file, p.path);
	diag_fini(&d);
	place_close(&p);
}
