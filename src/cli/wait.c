/*
 * weft wait: until the mesh is as a script needs it
 *
 *	weft apply -f hello.yaml && weft wait service/hello --for ready --timeout 60s
 *
 * What is not there yet is waited for like everything else. The exit code is 6 when the time is
 * up; what was waited for may still happen.
 */

#include "base/error.h"
#include "cli/commands.h"
#include "cli/object_ref.h"
#include "cli/output.h"
#include "cli/remote.h"

#define PAUSE           DURATION_MS(100)
#define ANSWER_TIME_MIN DURATION_SECONDS(1)

struct wait_settings {
	struct namespace_settings in;
	setting_text condition;
	setting_duration timeout;
};

static const char *const conditions[] = { "created", "accepted", "programmed",
					  "ready",   "deleted",  NULL };

// clang-format off
static const struct setting table[] = {
	/* By hand: a field cannot be called "for". */
	{ .name = "for", .kind = SETTING_KIND_text, .default_text = "programmed",
	  .offset = offsetof(struct wait_settings, condition), .value_name = "CONDITION",
	  .choices = conditions, .text = "What to wait for" },
	SETTING(struct wait_settings, timeout, duration, "60s", "DURATION",
	        "How long to wait; then the exit code is 6."),
	SETTING_TABLE(struct wait_settings, in, namespace_table),
	{ 0 },
};
// clang-format on

/* An object that is waited for. */
struct waited {
	struct remote *remote;
	const struct object_ref *ref;
	struct instant end;
	struct node *object; /* NULL: it is not there */
	struct diag *diag;
	int error;
};

/* How long one answer may take: a control plane that hangs does not stretch the waiting. */
static struct duration time_left(const struct waited *w)
{
	struct duration left = instant_since(w->end, time_monotonic_now());

	if (left.ns < ANSWER_TIME_MIN.ns)
		return ANSWER_TIME_MIN;
	return left.ns < REMOTE_TIMEOUT.ns ? left : REMOTE_TIMEOUT;
}

static bool is_created(struct waited *w)
{
	return w->object;
}

static bool is_deleted(struct waited *w)
{
	return !w->object;
}

static bool all_accepted(const struct node *list)
{
	node_for_each (condition, list)
		if (str_eq(answer_text(condition, "type"), STR("Accepted")) &&
		    !str_eq(answer_text(condition, "status"), STR("True")))
			return false;
	return true;
}

static bool is_accepted(struct waited *w)
{
	if (!w->object || !all_accepted(node_at(w->object, "status.conditions")))
		return false;
	node_for_each (parent, node_at(w->object, "status.parents"))
		if (!all_accepted(node_get(parent, STR("conditions"))))
			return false;
	return true;
}

static bool is_programmed(struct waited *w)
{
	return is_accepted(w) && answer_count(w->object, "status.programmed.ready") >=
					 answer_count(w->object, "status.programmed.of");
}

static bool is_ready_workload(const struct node *workload)
{
	struct str readiness = answer_text(workload, "spec.readiness");

	return !readiness.len || str_eq(readiness, STR("Ready"));
}

static bool selects(const struct node *service, const struct node *workload)
{
	const struct node *labels = node_at(workload, "metadata.labels");
	const struct node *selector = node_at(service, "spec.selector");

	node_for_each (pair, selector) {
		const struct node *label = node_get(labels, pair->key);

		if (!label || !str_eq(label->text, pair->text))
			return false;
	}
	return selector && selector->count > 0;
}

/* A Workload by itself; of a Service, one of those that it selects. */
static bool is_ready(struct waited *w)
{
	struct object_ref all = { .kind = kind_of(KIND_WORKLOAD),
				  .name_space = w->ref->name_space };
	struct remote_request request = { 0 };
	struct buf path = BUF_INIT(0);
	struct node *body = NULL;

	if (!w->object || w->ref->kind == all.kind)
		return w->object && is_ready_workload(w->object);
	object_ref_path(&all, &path);
	request.path = buf_str(&path);
	request.timeout = time_left(w);
	w->error = remote_try(w->remote, &request, &body, w->diag);
	buf_fini(&path);
	node_for_each (workload, node_get(w->error < 0 ? NULL : body, STR("items")))
		if (selects(w->object, workload) && is_ready_workload(workload))
			return true;
	return false;
}

static bool (*const checks[])(struct waited *w) = {
	is_created, is_accepted, is_programmed, is_ready, is_deleted,
};
static_assert(array_count(checks) + 1 == array_count(conditions), "a check for each condition");

static bool (*check_of(const char *condition))(struct waited *w)
{
	size_t i = 0;

	while (!str_eq(str_from(conditions[i]), str_from(condition)))
		i++;
	return checks[i];
}

/* Looks once: 1 when it is so, 0 when not yet. */
static int look(struct waited *w, const char *condition)
{
	struct remote_request request = { 0 };
	struct buf path = BUF_INIT(0);
	bool holds;
	int r;

	object_ref_path(w->ref, &path);
	request.path = buf_str(&path);
	request.timeout = time_left(w);
	r = remote_try(w->remote, &request, &w->object, w->diag);
	buf_fini(&path);
	if (r == ERR_NOT_FOUND) {
		w->object = NULL;
		diag_fini(w->diag);
		*w->diag = (struct diag)DIAG_INIT;
	} else if (r < 0) {
		return r;
	}
	holds = check_of(condition)(w);
	return w->error < 0 ? w->error : holds;
}

static int wait_for(const struct invocation *in, struct remote *remote,
		    const struct object_ref *ref, struct instant end)
{
	const struct wait_settings *s = in->settings;
	struct diag d = DIAG_INIT;
	struct buf name = BUF_INIT(0);
	int code = EXIT_DONE, r;

	object_ref_name(ref, &name);
	for (;;) {
		struct waited w = { .remote = remote, .ref = ref, .end = end, .diag = &d };

		r = look(&w, s->condition);
		if (r != 0 || time_monotonic_now().ns >= end.ns)
			break;
		pool_reset(&remote->pool);
		remote_pause(remote, PAUSE);
	}
	if (r < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	else if (r == 0)
		code = cli_fail(in->cli, EXIT_TIMED_OUT, NULL, "%.*s is not %s in time",
				STR_ARGS(buf_str(&name)), s->condition);
	else
		cli_say(in->cli, "%.*s is %s", STR_ARGS(buf_str(&name)), s->condition);
	buf_fini(&name);
	diag_fini(&d);
	return code;
}

static int wait_all(const struct invocation *in, const struct object_refs *refs)
{
	const struct wait_settings *s = in->settings;
	struct instant end = instant_after(time_monotonic_now(), s->timeout);
	struct remote remote = { 0 };
	struct diag d = DIAG_INIT;
	int code = EXIT_DONE;

	if (remote_open(&remote, in->cli, &d) < 0)
		code = cli_problem(in->cli, &d, STR_EMPTY);
	for (size_t i = 0; code == EXIT_DONE && i < refs->count; i++)
		code = wait_for(in, &remote, &refs->items[i], end);
	remote_close(&remote);
	diag_fini(&d);
	return code;
}

static int check_refs(const struct invocation *in, const struct object_refs *refs)
{
	const struct wait_settings *s = in->settings;
	bool ready = str_eq(str_from(s->condition), STR("ready"));

	for (size_t i = 0; i < refs->count; i++) {
		const struct kind *kind = refs->items[i].kind;

		if (!refs->items[i].name.len)
			return cli_usage(in->cli, "wait", "which %s? name it: weft wait %s/NAME",
					 kind->name, kind->words[0]);
		if (ready && kind->id != KIND_SERVICE && kind->id != KIND_WORKLOAD)
			return cli_usage(in->cli, "wait",
					 "--for ready is for a Service or a Workload, not a %s",
					 kind->name);
	}
	if (!refs->count)
		return cli_usage(in->cli, "wait", "what to wait for is missing: KIND/NAME");
	return EXIT_DONE;
}

static int run(const struct invocation *in)
{
	const struct wait_settings *s = in->settings;
	struct pool pool = POOL_INIT(0);
	struct object_refs refs = { 0 };
	struct diag d = DIAG_INIT;
	int code;

	if (object_refs_parse(in->words, in->word_count, namespace_of(&s->in), &pool, &refs, &d) <
	    0)
		code = cli_misuse(in->cli, &d);
	else
		code = check_refs(in, &refs);
	if (code == EXIT_DONE)
		code = wait_all(in, &refs);
	diag_fini(&d);
	pool_fini(&pool);
	return code;
}

const struct command wait_command = {
	.name = "wait",
	.summary = "Wait until objects are as they should be",
	.usage = "KIND/NAME... [flags]",
	.examples = {
		{ "weft wait service/hello --for ready", "one of its workloads takes requests" },
		{ "weft wait httproute/reviews", "the proxies serve it" },
		{ "weft wait svc/a --for deleted --timeout 10s", "it is gone" },
	},
	.settings = table,
	.settings_size = sizeof(struct wait_settings),
	.notes = "What is not there yet is waited for. An object is programmed when every proxy\n"
		 "that wants it serves it as it stands.",
	.see_also = "weft get, weft status",
	.takes_words = true,
	.exits = EXITS_REMOTE | EXITS_WAIT,
	.words = COMPLETE_OBJECTS,
	.run = run,
};
