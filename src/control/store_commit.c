#include "control/store_private.h"

#include "base/error.h"

static void object_read(sqlite3_stmt *statement, struct store_object *ret_object)
{
	struct str kind = store_column_str(statement, 0);

	*ret_object = (struct store_object){
		.kind = kind_by_word(kind) ? kind_by_word(kind)->id : KIND_COUNT,
		.name_space = store_column_str(statement, 1),
		.name = store_column_str(statement, 2),
		.json = store_column_str(statement, 3),
		.origin = (enum state_origin)sqlite3_column_int(statement, 4),
		.created = (uint64_t)sqlite3_column_int64(statement, 5),
		.revision = (uint64_t)sqlite3_column_int64(statement, 6),
		.changed_at = { sqlite3_column_int64(statement, 7) },
		.virtual_address = store_column_str(statement, 8),
	};
}

static int each_object(sqlite3_stmt *statement,
		       int (*on_object)(void *user, const struct store_object *o), void *user)
{
	struct store_object object;
	bool found;
	int r;

	while ((r = store_step(statement, &found)) == 0 && found) {
		object_read(statement, &object);
		/* Of a kind that only a newer version knows: not ours to lose, nor to serve. */
		if (object.kind == KIND_COUNT)
			r = ERR_UNSUPPORTED;
		else
			r = on_object(user, &object);
		if (r)
			break;
	}
	sqlite3_reset(statement);
	return r;
}

int store_each(struct store *s, int (*on_object)(void *user, const struct store_object *o),
	       void *user)
{
	return each_object(store_statement(s, STORE_OBJECT_EACH), on_object, user);
}

int store_at_revision(struct store *s, uint64_t revision,
		      int (*on_object)(void *user, const struct store_object *o), void *user)
{
	sqlite3_stmt *statement = store_statement(s, STORE_REVISION_KNOWN);
	bool known;
	int r;

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)revision);
	r = store_step(statement, &known);
	sqlite3_reset(statement);
	if (r == 0 && !known && revision != 0)
		r = ERR_NOT_FOUND;
	if (r < 0)
		return r;
	statement = store_statement(s, STORE_AT_REVISION);
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)revision);
	return each_object(statement, on_object, user);
}

int store_history(struct store *s, uint32_t count_max,
		  int (*on_row)(void *user, const struct store_revision_row *row), void *user)
{
	sqlite3_stmt *statement = store_statement(s, STORE_HISTORY);
	bool found;
	int r;

	sqlite3_bind_int64(statement, 1, count_max);
	while ((r = store_step(statement, &found)) == 0 && found) {
		const struct store_revision_row row = {
			.revision = (uint64_t)sqlite3_column_int64(statement, 0),
			.at = { sqlite3_column_int64(statement, 1) },
			.actor = store_column_str(statement, 2),
			.message = store_column_str(statement, 3),
			.created = (uint32_t)sqlite3_column_int(statement, 4),
			.changed = (uint32_t)sqlite3_column_int(statement, 5),
			.deleted = (uint32_t)sqlite3_column_int(statement, 6),
		};

		r = on_row(user, &row);
		if (r)
			break;
	}
	sqlite3_reset(statement);
	return r;
}

static int number_next(struct store *s, uint64_t *ret_number)
{
	sqlite3_stmt *statement = store_statement(s, STORE_NUMBER_NEXT);
	bool found = false;
	int r = store_step(statement, &found);

	if (r < 0 || !found)
		return r < 0 ? r : ERR_CORRUPT;
	*ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

static void bind_key(sqlite3_stmt *statement, const struct store_write *w)
{
	store_bind_str(statement, 1, str_from(kind_of(w->kind)->name));
	store_bind_str(statement, 2, w->name_space);
	store_bind_str(statement, 3, w->name);
}

/* One transaction under way. */
struct transaction {
	struct store *store;
	const struct store_commit *commit;
	uint64_t revision;
	uint32_t created, changed, deleted;
};

static int past_add(struct transaction *t, const struct store_write *w, uint64_t created)
{
	sqlite3_stmt *statement;

	if (t->commit->origin != STATE_APPLIED)
		return 0;
	statement = store_statement(t->store, STORE_PAST_ADD);
	bind_key(statement, w);
	sqlite3_bind_int64(statement, 4, (sqlite3_int64)t->revision);
	if (w->json.len)
		store_bind_str(statement, 5, w->json);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)created);
	return store_step_done(statement);
}

/* The address that an object has is put to rest when it goes. */
static int address_rest(struct transaction *t, const struct store_write *w, struct str address)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_ADDRESS_FORGET);
	int r;

	sqlite3_bind_int64(statement, 1, t->commit->at.ns - STORE_ADDRESS_REST.ns);
	r = store_step_done(statement);
	if (r < 0)
		return r;
	statement = store_statement(t->store, STORE_ADDRESS_REST_SET);
	store_bind_str(statement, 1, address);
	sqlite3_bind_int64(statement, 2, t->commit->at.ns);
	store_bind_str(statement, 3, w->name_space);
	store_bind_str(statement, 4, w->name);
	return store_step_done(statement);
}

static int address_wake(struct transaction *t, const struct store_write *w)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_ADDRESS_WAKE);

	store_bind_str(statement, 1, w->virtual_address);
	return store_step_done(statement);
}

/* What was registered becomes a person's: the history keeps what it was. */
static int past_keep(struct transaction *t, const struct store_write *w, uint64_t created,
		     struct str json)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_PAST_KEEP);

	bind_key(statement, w);
	sqlite3_bind_int64(statement, 4, (sqlite3_int64)t->revision);
	store_bind_str(statement, 5, json);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)created);
	return store_step_done(statement);
}

/* Saves what the history or the virtual addresses need of an object that is about to change. */
static int object_leave(struct transaction *t, const struct store_write *w, sqlite3_stmt *found)
{
	enum state_origin origin = (enum state_origin)sqlite3_column_int(found, 1);

	if (!w->json.len && sqlite3_column_bytes(found, 2))
		return address_rest(t, w, store_column_str(found, 2));
	if (w->json.len && origin == STATE_REGISTERED && t->commit->origin == STATE_APPLIED)
		return past_keep(t, w, (uint64_t)sqlite3_column_int64(found, 0),
				 store_column_str(found, 3));
	return 0;
}

/* What the store has of an object before a write. */
struct known {
	uint64_t created; /* 0: it is not there */
	enum state_origin origin;
};

static int object_known(struct transaction *t, const struct store_write *w, struct known *ret_known)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_OBJECT_GET);
	bool found = false;
	int r;

	*ret_known = (struct known){ 0 };
	bind_key(statement, w);
	r = store_step(statement, &found);
	if (found) {
		ret_known->created = (uint64_t)sqlite3_column_int64(statement, 0);
		ret_known->origin = (enum state_origin)sqlite3_column_int(statement, 1);
		r = object_leave(t, w, statement);
	}
	sqlite3_reset(statement);
	return r;
}

/* What a program registered is no part of the revisions, and so is its end. */
static int object_delete(struct transaction *t, const struct store_write *w,
			 const struct known *known)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_OBJECT_DELETE);
	int r;

	bind_key(statement, w);
	r = store_step_done(statement);
	if (r < 0 || known->origin != STATE_APPLIED)
		return r;
	t->deleted++;
	return past_add(t, w, known->created);
}

static int object_set(struct transaction *t, const struct store_write *w, uint64_t created)
{
	sqlite3_stmt *statement = store_statement(t->store, STORE_OBJECT_SET);
	int r;

	bind_key(statement, w);
	store_bind_str(statement, 4, w->json);
	sqlite3_bind_int(statement, 5, t->commit->origin);
	sqlite3_bind_int64(statement, 6, (sqlite3_int64)created);
	sqlite3_bind_int64(statement, 7, (sqlite3_int64)t->revision);
	sqlite3_bind_int64(statement, 8, t->commit->at.ns);
	store_bind_str(statement, 9, w->virtual_address);
	r = store_step_done(statement);
	return r < 0 ? r : past_add(t, w, created);
}

static int write_one(struct transaction *t, const struct store_write *w, uint64_t *ret_created)
{
	struct known known;
	int r;

	r = object_known(t, w, &known);
	if (r < 0)
		return r;
	*ret_created = known.created;
	if (!w->json.len)
		return known.created ? object_delete(t, w, &known) : ERR_NOT_FOUND;
	if (known.created) {
		t->changed++;
	} else {
		r = number_next(t->store, ret_created);
		if (r == 0 && w->virtual_address.len)
			r = address_wake(t, w);
		if (r < 0)
			return r;
		t->created++;
	}
	return object_set(t, w, *ret_created);
}

static int revision_add(struct transaction *t)
{
	sqlite3_stmt *statement;

	if (t->commit->origin != STATE_APPLIED)
		return 0;
	statement = store_statement(t->store, STORE_REVISION_ADD);
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)t->revision);
	sqlite3_bind_int64(statement, 2, t->commit->at.ns);
	store_bind_str(statement, 3, t->commit->actor);
	store_bind_str(statement, 4, t->commit->message);
	sqlite3_bind_int64(statement, 5, t->created);
	sqlite3_bind_int64(statement, 6, t->changed);
	sqlite3_bind_int64(statement, 7, t->deleted);
	return store_step_done(statement);
}

static int prune_by(struct transaction *t, enum store_sql which, uint64_t oldest)
{
	sqlite3_stmt *statement = store_statement(t->store, which);

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)oldest);
	return store_step_done(statement);
}

/* Forgets what is too old; some revisions at a time, since it looks at all of the past. */
static int history_prune(struct transaction *t)
{
	uint64_t kept = t->store->revisions_kept;
	uint64_t oldest = t->revision - kept;
	int r;

	if (t->commit->origin != STATE_APPLIED || t->revision <= kept ||
	    t->revision % (kept / 100 + 1))
		return 0;
	r = prune_by(t, STORE_PAST_PRUNE, oldest);
	if (r == 0)
		r = prune_by(t, STORE_PAST_PRUNE_GONE, oldest);
	return r < 0 ? r : prune_by(t, STORE_REVISION_PRUNE, oldest);
}

static int transact(struct transaction *t, uint64_t *ret_created)
{
	int r;

	if (t->commit->origin == STATE_APPLIED) {
		r = store_revision(t->store, &t->revision);
		t->revision++;
	} else {
		r = number_next(t->store, &t->revision);
	}
	for (size_t i = 0; r == 0 && i < t->commit->write_count; i++)
		r = write_one(t, &t->commit->writes[i], &ret_created[i]);
	if (r == 0)
		r = revision_add(t);
	return r < 0 ? r : history_prune(t);
}

int store_commit(struct store *s, const struct store_commit *commit, uint64_t *ret_revision,
		 uint64_t *ret_created)
{
	struct transaction t = { .store = s, .commit = commit };
	int r;

	r = store_exec(s, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = transact(&t, ret_created);
	if (r == 0)
		r = store_exec(s, "COMMIT");
	if (r < 0) {
		/* What failed is told; that the rollback of it may fail too changes nothing. */
		(void)store_exec(s, "ROLLBACK");
		return r;
	}
	*ret_revision = t.revision;
	return 0;
}

static void bind_owner(sqlite3_stmt *statement, int index, const struct store_owner *owner)
{
	store_bind_str(statement, index, owner->name_space);
	store_bind_str(statement, index + 1, owner->name);
}

int store_address_is_resting(struct store *s, struct str address, const struct store_owner *owner,
			     struct wall_time now, bool *ret_resting)
{
	sqlite3_stmt *statement = store_statement(s, STORE_ADDRESS_RESTING);
	int r;

	store_bind_str(statement, 1, address);
	sqlite3_bind_int64(statement, 2, now.ns - STORE_ADDRESS_REST.ns);
	bind_owner(statement, 3, owner);
	r = store_step(statement, ret_resting);
	sqlite3_reset(statement);
	return r;
}

int store_address_of(struct store *s, const struct store_owner *owner, struct wall_time now,
		     struct pool *pool, struct str *ret_address)
{
	sqlite3_stmt *statement = store_statement(s, STORE_ADDRESS_OF);
	bool found;
	int r;

	sqlite3_bind_int64(statement, 1, now.ns - STORE_ADDRESS_REST.ns);
	bind_owner(statement, 2, owner);
	r = store_step(statement, &found);
	if (r < 0 || !found)
		return r < 0 ? r : ERR_NOT_FOUND;
	*ret_address = pool_strdup(pool, store_column_str(statement, 0));
	sqlite3_reset(statement);
	return 0;
}
