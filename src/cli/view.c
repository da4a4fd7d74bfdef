#include "cli/view.h"

#include <signal.h>
#include <unistd.h>

#include "base/error.h"

#define INTERVAL_MIN DURATION_MS(100)

// clang-format off
const struct setting watch_table[] = {
	SETTING_SHORT(struct watch_settings, watch, flag, 'w', NULL, NULL,
	              "Show it again and again, until Ctrl-C: drawn anew on a terminal, else a "
	              "line of JSON each."),
	SETTING(struct watch_settings, interval, duration, "2s", "DURATION",
	        "How long to wait in between."),
	{ 0 }
};
// clang-format on

static void put_names(struct view *v, struct buf *out)
{
	const struct node *list = v->rows ? node_get(v->body, str_from(v->rows)) : NULL;

	if (!v->rows) {
		v->ops->name(v, v->body, out);
		buf_append_char(out, '\n');
	}
	node_for_each (row, list) {
		v->ops->name(v, row, out);
		buf_append_char(out, '\n');
	}
}

static void put(struct view *v, bool one_line, struct buf *out)
{
	struct output_tree tree = {
		.body = v->body,
		.schema = v->ops->schema,
		.rows = v->rows,
		.one_line = one_line,
	};

	if (one_line || v->form == OUTPUT_JSON || v->form == OUTPUT_YAML)
		output_tree(&v->cli, v->output, &tree, &v->remote.pool, out);
	else if (v->form == OUTPUT_NAME && v->ops->name)
		put_names(v, out);
	else
		v->ops->show(v, out);
}

static int verdict(struct view *v)
{
	return v->ops->verdict ? v->ops->verdict(v) : EXIT_DONE;
}

static int show_once(struct view *v)
{
	struct buf text = BUF_INIT(0);

	put(v, false, &text);
	if (!buf_len(&text) && v->ops->empty)
		cli_say(&v->cli, "%s", v->ops->empty);
	cli_out(&v->cli, &text);
	buf_fini(&text);
	return verdict(v);
}

/*
 * Again and again
 */

/* There is nothing to put away: the picture stays as it is, and its socket closes with us. */
static void on_interrupt(unused_arg int number)
{
	_exit(EXIT_INTERRUPTED);
}

static bool is_drawn(const struct view *v)
{
	return v->cli.out.is_tty && v->form != OUTPUT_JSON && v->form != OUTPUT_YAML;
}

/* The terminal may have another size by now. */
static void draw(struct view *v, struct buf *picture, const char *trouble)
{
	struct buf text = BUF_INIT(0), out = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	if (terminal_of(STDOUT_FILENO, v->cli.look.color, &v->cli.out, &d) < 0)
		diag_fini(&d);
	buf_append_str(&text, buf_str(picture));
	if (trouble) {
		buf_append_char(&text, '\n');
		terminal_mark(&v->cli.out, MARK_WARN, &text);
		buf_printf(&text, " %s; trying again\n", trouble);
	}
	terminal_redraw(&v->cli.out, buf_str(&text), &out);
	cli_out(&v->cli, &out);
	buf_fini(&text);
	buf_fini(&out);
}

/* A watch under way. */
struct watched {
	struct view *view;
	struct buf picture; /* the last one, which stays while nobody answers */
	bool drawn;
	bool away;
};

static void show_answer(struct watched *w)
{
	struct view *v = w->view;

	buf_clear(&w->picture);
	put(v, !w->drawn && v->form != OUTPUT_YAML, &w->picture);
	if (w->drawn && !buf_len(&w->picture) && v->ops->empty)
		buf_printf(&w->picture, "%s\n", v->ops->empty);
	if (w->away && !w->drawn)
		cli_say(&v->cli, "the control plane answers again");
	w->away = false;
	if (w->drawn) {
		draw(v, &w->picture, NULL);
		return;
	}
	if (v->form == OUTPUT_YAML)
		buf_append_str(&w->picture, STR("---\n"));
	cli_out(&v->cli, &w->picture);
}

static void show_trouble(struct watched *w, const struct diag *d)
{
	if (w->drawn)
		draw(w->view, &w->picture, d->text);
	else if (!w->away)
		cli_say(&w->view->cli, "%s; trying again", d->text);
	w->away = true;
}

static int watch(struct view *v)
{
	struct watched w = { .view = v, .drawn = is_drawn(v) };
	struct buf clear = BUF_INIT(0);
	int code = EXIT_DONE;

	signal(SIGINT, on_interrupt);
	if (w.drawn)
		buf_append_str(&clear, STR("\033[2J"));
	cli_out(&v->cli, &clear);
	buf_fini(&clear);
	show_answer(&w);
	code = verdict(v);
	while (code == EXIT_DONE) {
		struct diag d = DIAG_INIT;

		remote_pause(&v->remote, v->watch->interval);
		pool_reset(&v->remote.pool);
		if (v->ops->ask(v, &d) < 0) {
			show_trouble(&w, &d);
		} else {
			show_answer(&w);
			code = verdict(v);
		}
		diag_fini(&d);
	}
	buf_fini(&w.picture);
	return code;
}

static int check(const struct view *v)
{
	if (v->watch && v->watch->interval.ns < INTERVAL_MIN.ns)
		return cli_usage(v->in->cli, v->in->command->name, "--interval is 100ms or more");
	return EXIT_DONE;
}

int view_run(struct view *v)
{
	struct diag d = DIAG_INIT;
	int code = output_read(v->in->cli, v->output, &v->form);

	if (code == EXIT_DONE)
		code = check(v);
	if (code)
		return code;
	v->cli = *v->in->cli;
	if (remote_open(&v->remote, &v->cli, &d) < 0 || v->ops->ask(v, &d) < 0)
		code = cli_problem(&v->cli, &d, STR_EMPTY);
	else if (v->watch && v->watch->watch)
		code = watch(v);
	else
		code = show_once(v);
	remote_close(&v->remote);
	diag_fini(&d);
	return code;
}
