#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT    24

static bool is_set(const char *text)
{
	return text && *text;
}

static bool has_colors(const struct terminal_environment *e)
{
	if (is_set(e->no_color) || (e->term && str_eq(str_from(e->term), STR("dumb"))))
		return false;
	if (is_set(e->clicolor_force) && !str_eq(str_from(e->clicolor_force), STR("0")))
		return true;
	return e->is_tty;
}

static bool is_utf8(const char *locale)
{
	static const struct str endings[] = { STR_INIT("utf-8"), STR_INIT("utf8") };
	struct str name = str_from(locale);

	/* "C.UTF-8", "de_DE.utf8@euro" */
	name = str_slice(name, 0, str_find(name, 0, '@'));
	for (size_t i = 0; i < array_count(endings); i++) {
		size_t len = endings[i].len;

		if (name.len >= len &&
		    str_eq_nocase(str_slice(name, name.len - len, name.len), endings[i]))
			return true;
	}
	return false;
}

int terminal_choose(const struct terminal_environment *e, struct terminal *ret_terminal,
		    struct diag *d)
{
	struct str choice = str_from(e->choice);
	struct terminal t = {
		.is_tty = e->is_tty,
		.utf8 = is_utf8(e->locale),
		.columns = COLUMNS_DEFAULT,
		.rows = ROWS_DEFAULT,
	};

	if (str_eq(choice, STR("always")))
		t.color = true;
	else if (str_eq(choice, STR("auto")) || !choice.len)
		t.color = has_colors(e);
	else if (!str_eq(choice, STR("never")))
		return diag_fail(d, ERR_CONFIG, "--color: \"%s\" is not auto, always or never",
				 e->choice);
	*ret_terminal = t;
	return 0;
}

static const char *locale_name(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < array_count(variables); i++)
		if (is_set(getenv(variables[i])))
			return getenv(variables[i]);
	return NULL;
}

int terminal_of(int fd, const char *choice, struct terminal *ret_terminal, struct diag *d)
{
	struct terminal_environment e = {
		.choice = choice,
		.no_color = getenv("NO_COLOR"),
		.clicolor_force = getenv("CLICOLOR_FORCE"),
		.term = getenv("TERM"),
		.locale = locale_name(),
		.is_tty = isatty(fd) == 1,
	};
	struct winsize size;
	int r;

	r = terminal_choose(&e, ret_terminal, d);
	if (r == 0 && e.is_tty && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		ret_terminal->columns = size.ws_col;
		ret_terminal->rows = size.ws_row;
	}
	return r;
}

static const struct {
	const char *sign;
	const char *word;
	enum style style;
} marks[] = {
	[MARK_OK] = { "✔", "ok", STYLE_GREEN },
	[MARK_WARN] = { "▲", "warn", STYLE_YELLOW },
	[MARK_FAIL] = { "✖", "FAIL", STYLE_RED },
	[MARK_NONE] = { "○", "-", STYLE_DIM },
};

const char *terminal_mark_text(const struct terminal *t, enum mark mark)
{
	return t->utf8 ? marks[mark].sign : marks[mark].word;
}

void terminal_mark(const struct terminal *t, enum mark mark, struct buf *out)
{
	terminal_style(t, marks[mark].style, str_from(terminal_mark_text(t, mark)), out);
}

void terminal_style(const struct terminal *t, enum style style, struct str text, struct buf *out)
{
	static const char *const codes[] = {
		[STYLE_BOLD] = "1",   [STYLE_DIM] = "2",     [STYLE_RED] = "31",
		[STYLE_GREEN] = "32", [STYLE_YELLOW] = "33", [STYLE_CYAN] = "36",
	};

	if (!t->color || style == STYLE_PLAIN)
		buf_append_str(out, text);
	else
		buf_printf(out, "\033[%sm%.*s\033[0m", codes[style], STR_ARGS(text));
}

uint32_t text_columns(struct str text)
{
	uint32_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

static uint32_t lines_of(struct str text)
{
	uint32_t count = 0;
	struct str line;

	while (str_split(&text, '\n', &line))
		count++;
	return count;
}

void terminal_redraw(const struct terminal *t, struct str picture, struct buf *out)
{
	uint32_t room = t->rows > 2 ? t->rows - 2u : 1; /* the cursor stands in a line of its own */
	uint32_t count = lines_of(picture);
	struct str line;

	buf_append_str(out, STR("\033[H"));
	for (uint32_t i = 0; i < room && str_split(&picture, '\n', &line); i++)
		buf_printf(out, "%.*s\033[K\n", STR_ARGS(line));
	if (count > room)
		buf_printf(out, "and %u more lines\033[K\n", count - room);
	buf_append_str(out, STR("\033[J"));
}
