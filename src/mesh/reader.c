#include "mesh/field.h"

#include "base/mem.h"

#define SHOWN_BYTES_MAX 60

static int error_of(enum code code)
{
	if (code == CODE_UNSUPPORTED)
		return ERR_UNSUPPORTED;
	return code == CODE_LIMIT ? ERR_LIMIT : ERR_CONFIG;
}

static char *text_format(const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);

	buf_vprintf(&text, format, args);
	return buf_take_text(&text);
}

int reader_fail(struct reader *r, const struct node *n, enum code code, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = text_format(format, args);
	va_end(args);
	node_fail(r->diag, n, error_of(code), "%s", text);
	diag_code(r->diag, code_text(code)->name);
	mem_free(text);
	return error_of(code);
}

int reader_fail_key(struct reader *r, const struct node *n, enum code code, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = text_format(format, args);
	va_end(args);
	node_fail_key(r->diag, n, error_of(code), "%s", text);
	diag_code(r->diag, code_text(code)->name);
	mem_free(text);
	return error_of(code);
}

int reader_wrong_type(struct reader *r, int error)
{
	diag_code(r->diag, code_text(CODE_WRONG_TYPE)->name);
	return error;
}

struct str reader_shown(struct str text)
{
	return str_slice(text, 0, SHOWN_BYTES_MAX);
}

int reader_check_format(struct reader *r, const struct format *format, const struct node *n,
			struct str text)
{
	if (text.len > format->len_max)
		return reader_fail(r, n, CODE_LIMIT, "%zu bytes are more than the %u of %s",
				   text.len, format->len_max, format->expected);
	if (!format->valid(text))
		return reader_fail(r, n, CODE_BAD_VALUE, "\"%.*s\" is not %s",
				   STR_ARGS(reader_shown(text)), format->expected);
	return 0;
}
