/*
 * Rollback: the documents of an earlier revision, as a new one
 */

#include "control/api_batch.h"

#include "base/error.h"
#include "codec/node.h"

struct rollback {
	struct batch batch;
	struct diag *diag;
};

/* What a program has registered since is the program's: it is left as it is. */
static bool is_registered(const struct state_object *o)
{
	return o && o->origin == STATE_REGISTERED;
}

static int on_past(void *user, const struct store_object *past)
{
	struct rollback *rollback = user;
	struct api_request *q = rollback->batch.q;
	struct node *root;
	int r;

	if (is_registered(
		    state_get(q->api->options.state, past->kind, past->name_space, past->name)))
		return 0;
	r = json_parse(past->json, NULL, &q->pool, &root, rollback->diag);
	return r < 0 ? r : batch_write(&rollback->batch, root, NULL, rollback->diag);
}

/* An applied object that was not there at that revision goes. */
static void on_present(void *user, const struct state_object *o)
{
	struct rollback *rollback = user;
	struct diag ignored = DIAG_INIT;

	/* One that was there stands in the batch already. */
	if (!is_registered(o) && batch_delete(&rollback->batch, o, NULL, &ignored) < 0)
		diag_fini(&ignored);
}

static int rollback_read(struct rollback *rollback, uint64_t revision, struct diag *d)
{
	struct api_request *q = rollback->batch.q;
	int r = store_at_revision(q->api->options.store, revision, on_past, rollback);

	if (r == ERR_NOT_FOUND)
		return diag_fail(d, r, "there is no revision %llu", (unsigned long long)revision);
	if (r < 0)
		return diag_fail(d, r, "cannot read revision %llu: %s",
				 (unsigned long long)revision, err_text(r));
	state_each(q->api->options.state, KIND_COUNT, on_present, rollback);
	return 0;
}

void api_rollback(struct api_request *q)
{
	struct state_change change = { .origin = STATE_APPLIED, .allow_dangling = true };
	struct diag d = DIAG_INIT;
	struct rollback rollback = { .diag = &d };
	uint64_t to = 0;
	int r;

	batch_init(&rollback.batch, q);
	r = str_to_u64(api_parameter(q, API_TO), INT64_MAX, &to);
	if (r < 0)
		diag_fail(&d, ERR_SYNTAX, "to= must be the number of a revision");
	else
		r = rollback_read(&rollback, to, &d);
	change.message = pool_printf(&q->pool, "rollback to %llu", (unsigned long long)to);
	batch_run(&rollback.batch, &change, r, &d);
	batch_fini(&rollback.batch);
	diag_fini(&d);
}
