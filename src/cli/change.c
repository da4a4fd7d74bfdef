#include "cli/change.h"

#include "base/error.h"
#include "cli/object_ref.h"

#define PAUSE_FIRST       DURATION_MS(10)
#define PAUSE_LAST        DURATION_MS(250)
#define PROGRESS_AFTER    DURATION_MS(300)
/* Changed objects whose own status is asked for; of more, the proxies' all in all. */
#define OBJECTS_ASKED_MAX 16

// clang-format off
const struct setting change_table[] = {
	OUTPUT_SETTINGS(struct change_settings, output),
	SETTING(struct change_settings, dry_run, flag, NULL, NULL,
	        "Validate and show the plan; change nothing."),
	SETTING(struct change_settings, wait, flag, "true", NULL,
	        "Wait until the proxies serve it; --no-wait does not."),
	SETTING(struct change_settings, timeout, duration, "30s", "DURATION",
	        "How long to wait for them; then the exit code is 6."),
	{ 0 }
};

static const struct {
	const char *action;
	const char *sign;
	enum style style;
} actions[] = {
	{ "created", "+", STYLE_GREEN },
	{ "changed", "~", STYLE_YELLOW },
	{ "deleted", "-", STYLE_RED },
};
// clang-format on

/*
 * The plan
 */

static uint32_t paths_width(const struct node *differences)
{
	uint32_t width = 0;

	node_for_each (difference, differences)
		width = max_of(width, text_columns(answer_text(difference, "path")));
	return width;
}

static void put_differences(const struct terminal *t, const struct node *list, struct buf *out)
{
	uint32_t width = paths_width(list);

	node_for_each (difference, list) {
		struct str path = answer_text(difference, "path");

		buf_printf(out, "    %.*s%*s  ", STR_ARGS(path), (int)(width - text_columns(path)),
			   "");
		buf_append_str(out, answer_text(difference, "before"));
		buf_append_str(out, t->utf8 ? STR(" → ") : STR(" -> "));
		buf_append_str(out, answer_text(difference, "after"));
		buf_append_char(out, '\n');
	}
}

static void put_title(const struct node *object, struct buf *out)
{
	struct str name_space = answer_text(object, "namespace");

	buf_printf(out, " %.*s %.*s%s%.*s\n", STR_ARGS(answer_text(object, "kind")),
		   STR_ARGS(name_space), name_space.len ? "/" : "",
		   STR_ARGS(answer_text(object, "name")));
}

static void put_object(const struct terminal *t, const struct node *object, struct buf *out)
{
	struct str action = answer_text(object, "action");

	for (size_t i = 0; i < array_count(actions); i++) {
		if (!str_eq(action, str_from(actions[i].action)))
			continue;
		terminal_style(t, actions[i].style, str_from(actions[i].sign), out);
		put_title(object, out);
		put_differences(t, node_get(object, STR("differences")), out);
	}
}

static bool is_change(const struct node *body)
{
	for (size_t i = 0; i < array_count(actions); i++)
		if (answer_count(body, actions[i].action) > 0)
			return true;
	return false;
}

/* What is registered is no part of the revisions. */
static bool made_revision(const struct node *body)
{
	return answer_count(body, "revision") != answer_count(body, "previous");
}

/* "Revision 419: 1 created, 2 changed" */
static void put_summary(const struct node *body, struct buf *out)
{
	const char *before = "";

	if (answer_flag(body, "dryRun"))
		before = "Would be";
	else if (!made_revision(body))
		before = "No revision";

	if (!is_change(body)) {
		buf_printf(out, "Revision %llu: nothing to change\n",
			   (unsigned long long)answer_count(body, "revision"));
		return;
	}
	if (!*before)
		buf_printf(out, "Revision %llu",
			   (unsigned long long)answer_count(body, "revision"));
	buf_append_str(out, str_from(before));
	buf_append_char(out, ':');
	for (size_t i = 0, shown = 0; i < array_count(actions); i++) {
		uint64_t count = answer_count(body, actions[i].action);

		if (count > 0)
			buf_printf(out, "%s %llu %s", shown++ ? "," : "", (unsigned long long)count,
				   actions[i].action);
	}
	buf_append_char(out, '\n');
}

static void put_warnings(const struct terminal *t, const struct node *list, struct buf *out)
{
	node_for_each (warning, list) {
		terminal_mark(t, MARK_WARN, out);
		buf_printf(out, " %.*s  %.*s: %.*s\n", STR_ARGS(answer_text(warning, "code")),
			   STR_ARGS(answer_text(warning, "document")),
			   STR_ARGS(answer_text(warning, "text")));
		if (answer_text(warning, "hint").len)
			buf_printf(out, "    %.*s\n", STR_ARGS(answer_text(warning, "hint")));
	}
}

void change_plan(const struct terminal *t, const struct node *body, struct buf *out)
{
	put_summary(body, out);
	node_for_each (object, node_get(body, STR("objects")))
		put_object(t, object, out);
	put_warnings(t, node_get(body, STR("warnings")), out);
}

/*
 * Waiting for the proxies
 */

/* Steps are told to people; scripts get the result and the exit code. */
static bool is_told(const struct change *c)
{
	return (c->output == OUTPUT_TABLE || c->output == OUTPUT_WIDE) && !c->cli->look.quiet;
}

static struct duration since(const struct change *c)
{
	return instant_since(time_monotonic_now(), c->began);
}

static void put_step(const struct change *c, enum mark mark, const char *name, const char *format,
		     ...) printf_like(4, 5);

static void put_step(const struct change *c, enum mark mark, const char *name, const char *format,
		     ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	if (!is_told(c))
		return;
	terminal_mark(&c->cli->out, mark, &text);
	buf_printf(&text, " %-10s  ", name);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	short_duration(since(c), &text);
	buf_append_char(&text, '\n');
	cli_out(c->cli, &text);
	buf_fini(&text);
}

/* What keeps the proxies that are behind from it, on standard error. */
static void say_behind(const struct change *c)
{
	struct remote_request request = { .path = STR("/weft/v1/proxies") };
	struct node *body;

	if (remote_call(c->remote, &request, &body) != EXIT_DONE)
		return;
	node_for_each (proxy, node_get(body, STR("proxies"))) {
		const struct node *refusal = node_at(proxy, "refusals[0]");

		if (answer_flag(proxy, "programmed") ||
		    !str_eq(answer_text(proxy, "state"), STR("up")))
			continue;
		if (refusal)
			cli_say(c->cli, "  %.*s refused %.*s %.*s: %.*s",
				STR_ARGS(answer_text(proxy, "name")),
				STR_ARGS(answer_text(refusal, "type")),
				STR_ARGS(answer_text(refusal, "name")),
				STR_ARGS(answer_text(refusal, "reason")));
		else
			cli_say(c->cli, "  %.*s is behind", STR_ARGS(answer_text(proxy, "name")));
	}
}

/* How far the proxies are: of those that a change concerns, how many serve it. */
struct progress {
	uint64_t ready;
	uint64_t of;
};

static int mesh_progress(const struct change *c, struct progress *ret_progress)
{
	struct remote_request request = { .path = STR("/weft/v1/status") };
	struct node *body;
	int code = remote_call(c->remote, &request, &body);

	if (code)
		return code;
	ret_progress->of = answer_count(body, "proxies.up");
	ret_progress->ready = answer_count(body, "proxies.programmed");
	return EXIT_DONE;
}

static int object_progress(const struct change *c, const struct node *object,
			   struct progress *ret_progress)
{
	struct object_ref ref = {
		.kind = kind_by_word(answer_text(object, "kind")),
		.name_space = answer_text(object, "namespace"),
		.name = answer_text(object, "name"),
	};
	struct remote_request request = { 0 };
	struct buf path = BUF_INIT(0);
	struct node *body;
	int code;

	object_ref_path(&ref, &path);
	request.path = buf_str(&path);
	code = remote_call(c->remote, &request, &body);
	buf_fini(&path);
	if (code)
		return code;
	ret_progress->of = answer_count(body, "status.programmed.of");
	ret_progress->ready = answer_count(body, "status.programmed.ready");
	return EXIT_DONE;
}

/* Few objects are asked for one by one: a proxy that lags behind with something else is not
 * their business. What was deleted can only be asked of all proxies. */
static bool is_asked_by_object(const struct node *objects)
{
	uint32_t count = 0;

	node_for_each (object, objects) {
		struct str action = answer_text(object, "action");

		if (str_eq(action, STR("deleted")) || !kind_by_word(answer_text(object, "kind")))
			return false;
		count += !str_eq(action, STR("unchanged"));
	}
	return count <= OBJECTS_ASKED_MAX;
}

/* The most proxies that an object concerns, less the most that one still lacks. */
static int progress_of(const struct change *c, const struct node *body,
		       struct progress *ret_progress)
{
	const struct node *objects = node_get(body, STR("objects"));
	struct progress all = { 0 };
	uint64_t missing = 0;

	if (!is_asked_by_object(objects))
		return mesh_progress(c, ret_progress);
	node_for_each (object, objects) {
		struct progress one;
		int code;

		if (str_eq(answer_text(object, "action"), STR("unchanged")))
			continue;
		code = object_progress(c, object, &one);
		if (code)
			return code;
		all.of = max_of(all.of, one.of);
		missing = max_of(missing, one.of > one.ready ? one.of - one.ready : 0);
	}
	all.ready = all.of - missing;
	*ret_progress = all;
	return EXIT_DONE;
}

/* A line that is written over, for who sits at a terminal and waits longer than a moment. */
static void put_progress(const struct change *c, const struct progress *p)
{
	static const char *const signs[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };
	struct duration waited = since(c);
	struct buf text = BUF_INIT(0);

	if (!c->cli->err.is_tty || !is_told(c) || waited.ns < PROGRESS_AFTER.ns)
		return;
	buf_printf(&text, "\r%s programmed  %llu of %llu proxies, ",
		   c->cli->err.utf8
			   ? signs[(size_t)(waited.ns / PAUSE_LAST.ns) % array_count(signs)]
			   : "-",
		   (unsigned long long)p->ready, (unsigned long long)p->of);
	short_duration(waited, &text);
	buf_append_str(&text, STR("\033[K"));
	cli_err(c->cli, &text);
	buf_fini(&text);
}

static void clear_progress(const struct change *c)
{
	struct buf text = BUF_INIT(0);

	if (!c->cli->err.is_tty || !is_told(c))
		return;
	buf_append_str(&text, STR("\r\033[K"));
	cli_err(c->cli, &text);
	buf_fini(&text);
}

static int wait_programmed(const struct change *c, const struct node *body)
{
	struct duration pause = PAUSE_FIRST;
	struct progress p = { 0 };

	for (;;) {
		int code = progress_of(c, body, &p);

		if (code) {
			clear_progress(c);
			return code;
		}
		put_progress(c, &p);
		if (p.ready >= p.of || since(c).ns >= c->settings->timeout.ns)
			break;
		remote_pause(c->remote, pause);
		pause.ns = min_of(pause.ns * 2, PAUSE_LAST.ns);
	}
	clear_progress(c);
	put_step(c, p.ready >= p.of ? MARK_OK : MARK_WARN, "programmed",
		 p.ready >= p.of ? "%llu of %llu proxies, " : "%llu of %llu proxies after ",
		 (unsigned long long)p.ready, (unsigned long long)p.of);
	if (p.ready >= p.of)
		return EXIT_DONE;
	say_behind(c);
	return EXIT_TIMED_OUT;
}

/*
 * The course of a change
 */

int change_begin(struct change *c)
{
	c->began = time_monotonic_now();
	return output_read(c->cli, &c->settings->output, &c->output);
}

/* "httproute/shop/reviews", a line for each that changed. */
static void put_names(const struct node *body, struct buf *out)
{
	node_for_each (object, node_get(body, STR("objects"))) {
		struct object_ref ref = {
			.kind = kind_by_word(answer_text(object, "kind")),
			.name_space = answer_text(object, "namespace"),
			.name = answer_text(object, "name"),
		};

		if (!ref.kind || str_eq(answer_text(object, "action"), STR("unchanged")))
			continue;
		object_ref_name(&ref, out);
		buf_append_char(out, '\n');
	}
}

void change_show(const struct cli *c, const struct output_settings *s, struct node *body,
		 struct pool *pool)
{
	struct output_tree tree = { .body = body, .schema = "change/v1", .rows = "objects" };
	struct buf text = BUF_INIT(0);
	enum output output;

	if (output_read(c, s, &output) != EXIT_DONE)
		return;
	if (output == OUTPUT_JSON || output == OUTPUT_YAML)
		output_tree(c, s, &tree, pool, &text);
	else if (output == OUTPUT_NAME)
		put_names(body, &text);
	else if (!c->look.quiet)
		change_plan(&c->out, body, &text);
	cli_out(c, &text);
	buf_fini(&text);
}

int change_finish(struct change *c, struct node *body)
{
	struct buf text = BUF_INIT(0);
	int code = EXIT_DONE;

	change_show(c->cli, &c->settings->output, body, &c->remote->pool);
	if (answer_flag(body, "dryRun") || !is_change(body))
		return EXIT_DONE;
	if (is_told(c))
		buf_append_char(&text, '\n');
	cli_out(c->cli, &text);
	put_step(c, MARK_OK, "stored", "");
	if (c->settings->wait)
		code = wait_programmed(c, body);
	if (is_told(c) && made_revision(body))
		buf_printf(&text, "Undo with: weft rollback %llu\n",
			   (unsigned long long)answer_count(body, "previous"));
	cli_out(c->cli, &text);
	buf_fini(&text);
	return code;
}
