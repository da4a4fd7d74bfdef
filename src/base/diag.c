#include "base/diag.h"

#include <assert.h>
#include <stdarg.h>

#include "base/mem.h"

void diag_init(struct diag *d)
{
	*d = (struct diag)DIAG_INIT;
}

void diag_fini(struct diag *d)
{
	mem_free(d->file);
	mem_free(d->path);
	mem_free(d->text);
	mem_free(d->hint);
	diag_init(d);
}

static printf_like(1, 0) char *format_text(const char *format, va_list args)
{
	struct buf text = BUF_INIT(0);

	buf_vprintf(&text, format, args);
	return buf_take_text(&text);
}

int diag_fail(struct diag *d, int error, const char *format, ...)
{
	assert(error < 0);
	if (d && !d->error) {
		va_list args;

		va_start(args, format);
		d->text = format_text(format, args);
		va_end(args);
		d->error = error;
	}
	return error;
}

void diag_at(struct diag *d, struct position at)
{
	if (d && !d->at.line)
		d->at = at;
}

void diag_file(struct diag *d, const char *file)
{
	if (d && !d->file)
		d->file = mem_strdup(file);
}

void diag_path(struct diag *d, struct str path)
{
	if (d && !d->path)
		d->path = mem_strdup_str(path);
}

void diag_code(struct diag *d, const char *code)
{
	if (d && !d->code)
		d->code = code;
}

void diag_hint(struct diag *d, const char *format, ...)
{
	if (!d || d->hint)
		return;

	va_list args;

	va_start(args, format);
	d->hint = format_text(format, args);
	va_end(args);
}

void diag_format(const struct diag *d, struct buf *out)
{
	if (d->file)
		buf_printf(out, "%s:", d->file);
	if (d->at.line)
		buf_printf(out, "%u:", d->at.line);
	if (d->at.line && d->at.column)
		buf_printf(out, "%u:", d->at.column);
	if (buf_len(out) && (d->file || d->at.line))
		buf_append_char(out, ' ');
	if (d->path)
		buf_printf(out, "%s: ", d->path);
	buf_append_str(out, str_from(d->text ? d->text : err_text(d->error)));
	if (d->hint)
		buf_printf(out, " (%s)", d->hint);
	if (d->code)
		buf_printf(out, " [%s]", d->code);
}
