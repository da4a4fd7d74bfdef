#include "control/store_private.h"

#include <assert.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"

/* Another process that writes (a backup, a second start) is waited for this long. */
#define BUSY_TIMEOUT_MS 5000

int store_fail(struct store *s, int code, struct diag *d, const char *doing)
{
	return diag_fail(d, code, "%s: %s", doing, sqlite3_errmsg(s->db));
}

int store_error(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_UNAVAILABLE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

int store_exec(struct store *s, const char *sql)
{
	int r = fault_point("store.exec");

	return r < 0 ? r : store_error(sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

sqlite3_stmt *store_statement(struct store *s, enum store_sql which)
{
	sqlite3_stmt *statement = s->statements[which];

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return statement;
}

void store_bind_str(sqlite3_stmt *statement, int index, struct str value)
{
	sqlite3_bind_text(statement, index, value.ptr ? value.ptr : "", (int)value.len,
			  SQLITE_TRANSIENT);
}

struct str store_column_str(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return str_of(text, (size_t)sqlite3_column_bytes(statement, column));
}

int store_step(sqlite3_stmt *statement, bool *ret_row)
{
	int r = fault_point("store.step");

	if (r == 0) {
		int code = sqlite3_step(statement);

		*ret_row = code == SQLITE_ROW;
		if (code == SQLITE_ROW)
			return 0;
		r = store_error(code);
	}
	sqlite3_reset(statement);
	return r;
}

int store_step_done(sqlite3_stmt *statement)
{
	bool row;
	int r = store_step(statement, &row);

	sqlite3_reset(statement);
	return r;
}

static int prepare_all(struct store *s, struct diag *d)
{
	for (unsigned i = 0; i < STORE_SQL_COUNT; i++)
		if (sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->statements[i], NULL) != SQLITE_OK)
			return store_fail(s, ERR_CORRUPT, d,
					  "the store has not the tables it should");
	return 0;
}

static int settings_make(struct store *s, struct diag *d)
{
	int r;

	sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	r = store_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
			  "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
	if (r < 0)
		return store_fail(s, r, d, "cannot open the store");
	return 0;
}

/* Two that write to one store would each serve half of the mesh. */
static int lock_take(struct store *s, struct diag *d)
{
	char *path;
	int r = 0;

	s->lock_fd = -1;
	if (strcmp(s->path, STORE_MEMORY) == 0)
		return 0;
	path = mem_printf("%s.lock", s->path);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		r = diag_fail(d, -errno, "cannot open %s: %s", path, err_text(-errno));
	else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		r = diag_fail(d, ERR_CONFLICT, "another control plane has this store open");
	mem_free(path);
	return r;
}

static int database_open(struct store *s, struct diag *d)
{
	int r = sqlite3_open_v2(s->path, &s->db,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
					SQLITE_OPEN_EXRESCODE,
				NULL);

	return r == SQLITE_OK ? 0 : store_fail(s, store_error(r), d, "cannot open the store");
}

int store_open(const char *path, struct store **ret_store, struct diag *d)
{
	struct store *s = mem_new(struct store);
	mode_t mask = umask(0077); /* the file, its journal and its shared memory are ours alone */
	int r;

	s->path = mem_strdup(path);
	s->revisions_kept = STORE_REVISIONS_KEPT;
	r = lock_take(s, d);
	if (r == 0)
		r = database_open(s, d);
	if (r == 0)
		r = settings_make(s, d);
	if (r == 0)
		r = store_schema_open(s, d);
	if (r == 0)
		r = prepare_all(s, d);
	umask(mask);
	if (r < 0) {
		diag_file(d, path);
		store_close(s);
		return r;
	}
	*ret_store = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	for (unsigned i = 0; i < STORE_SQL_COUNT; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	mem_free(s->path);
	mem_free(s);
	return NULL;
}

int store_fact_get(struct store *s, const char *name, struct pool *pool, struct str *ret_value)
{
	sqlite3_stmt *statement = store_statement(s, STORE_FACT_GET);
	bool found;
	int r;

	store_bind_str(statement, 1, str_from(name));
	r = store_step(statement, &found);
	if (r < 0 || !found)
		return r < 0 ? r : ERR_NOT_FOUND;
	*ret_value = pool_strdup(pool, store_column_str(statement, 0));
	sqlite3_reset(statement);
	return 0;
}

int store_fact_set(struct store *s, const char *name, struct str value)
{
	sqlite3_stmt *statement = store_statement(s, STORE_FACT_SET);

	store_bind_str(statement, 1, str_from(name));
	store_bind_str(statement, 2, value);
	return store_step_done(statement);
}

int store_revision(struct store *s, uint64_t *ret_applied)
{
	sqlite3_stmt *statement = store_statement(s, STORE_REVISION);
	bool found;
	int r = store_step(statement, &found);

	if (r < 0)
		return r;
	*ret_applied = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

static int copy_to(struct store *s, const char *path, struct diag *d)
{
	sqlite3 *copy = NULL;
	sqlite3_backup *backup;
	int r;

	r = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE, NULL);
	backup = r == SQLITE_OK ? sqlite3_backup_init(copy, "main", s->db, "main") : NULL;
	if (backup) {
		sqlite3_backup_step(backup, -1);
		r = sqlite3_backup_finish(backup);
	} else {
		r = r == SQLITE_OK ? SQLITE_ERROR : r;
	}
	if (r != SQLITE_OK)
		diag_fail(d, store_error(r), "cannot write the backup %s: %s", path,
			  copy ? sqlite3_errmsg(copy) : sqlite3_errstr(r));
	sqlite3_close(copy);
	return store_error(r);
}

int store_backup(struct store *s, const char *path, struct diag *d)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0 && errno == EEXIST)
		return diag_fail(d, ERR_EXISTS, "there is a file %s already", path);
	if (fd < 0)
		return diag_fail(d, ERR_CONFIG, "cannot write the backup %s: %s", path,
				 err_text(-errno));
	close(fd);
	r = copy_to(s, path, d);
	if (r < 0)
		unlink(path);
	return r;
}

/*
 * Looking inside
 */

void store_check(const struct store *s)
{
	assert(s->db);
	assert(s->revisions_kept > 0);
	/* A statement that was left in the middle holds its read transaction, and the log grows. */
	for (int i = 0; i < STORE_SQL_COUNT; i++)
		assert(!s->statements[i] || !sqlite3_stmt_busy(s->statements[i]));
	assert(sqlite3_get_autocommit(s->db));
}

void store_dump(const struct store *s, struct dump *d)
{
	unsigned prepared = 0, busy = 0;

	for (int i = 0; i < STORE_SQL_COUNT; i++) {
		prepared += s->statements[i] != NULL;
		busy += s->statements[i] && sqlite3_stmt_busy(s->statements[i]);
	}
	dump_line(d, "store");
	dump_str(d, "path", str_from(s->path));
	dump_number(d, "statements", prepared);
	dump_number(d, "busy", busy);
	dump_flag(d, "in_transaction", !sqlite3_get_autocommit(s->db));
}
