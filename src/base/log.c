#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

/* A line is built on the stack and written by one write(2), so lines of threads and of
 * processes that share standard error do not mix. Fields behind the limit are cut. */
#define FIELDS_BYTES_MAX 4096
#define QUOTE_BYTES_MAX  256
#define QUOTE_COUNT      8

static struct {
	enum log_level level;
	bool json;
	const char *component;
	int fd;
} settings = { .level = LOG_LEVEL_INFO, .fd = STDERR_FILENO };

const char *const log_level_words[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
	NULL,
};

void log_set_level(enum log_level level)
{
	settings.level = level;
}

void log_set_json(bool json)
{
	settings.json = json;
}

void log_set_component(const char *name)
{
	settings.component = name;
}

void log_set_fd(int fd)
{
	settings.fd = fd;
}

bool log_enabled(enum log_level level)
{
	return level >= settings.level;
}

const char *log_level_name(enum log_level level)
{
	return log_level_words[level];
}

int log_level_parse(struct str name, enum log_level *ret_level)
{
	for (size_t i = 0; log_level_words[i]; i++)
		if (str_eq(name, str_from(log_level_words[i]))) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	return ERR_SYNTAX;
}

/*
 * Appends the character at the front of s as it may stand in quotes, in JSON and in a
 * terminal: printable ASCII and well-formed UTF-8 as they are, the rest as escapes of JSON.
 * C1 control characters are escaped too, since terminals obey them. Returns its length.
 */
static size_t escape_char(struct buf *out, struct str s)
{
	static const char named[] = "\"\\\n\r\t";
	static const char letters[] = "\"\\nrt";
	unsigned char byte = (unsigned char)*s.ptr;
	const char *found = byte ? strchr(named, byte) : NULL;
	size_t len = str_utf8_len(s);

	if (found) {
		buf_printf(out, "\\%c", letters[found - named]);
		return 1;
	}
	if (len == 2 && byte == 0xc2 && (unsigned char)s.ptr[1] < 0xa0) {
		buf_printf(out, "\\u%04x", (unsigned char)s.ptr[1]);
		return 2;
	}
	if (len == 0 || byte < 0x20 || byte == 0x7f) {
		buf_printf(out, "\\u%04x", byte);
		return 1;
	}
	buf_append(out, s.ptr, len);
	return len;
}

static void escape_text(struct buf *out, struct str s)
{
	while (s.len) {
		size_t len = escape_char(out, s);

		s = str_slice(s, len, s.len);
	}
}

const char *log_quote(struct str s)
{
	/* The longest escape of a byte has six, and two quotes, "..." and a terminator. */
	static _Thread_local char texts[QUOTE_COUNT][QUOTE_BYTES_MAX * 6 + 6];
	static _Thread_local unsigned next;
	char *text = texts[next++ % QUOTE_COUNT];
	struct buf quoted = BUF_INIT(0);
	bool cut = s.len > QUOTE_BYTES_MAX;

	buf_append_char(&quoted, '"');
	escape_text(&quoted, str_slice(s, 0, QUOTE_BYTES_MAX));
	buf_append_str(&quoted, cut ? STR("...\"") : STR("\""));
	memcpy(text, quoted.memory, buf_len(&quoted));
	text[buf_len(&quoted)] = '\0';
	buf_fini(&quoted);
	return text;
}

/* In text, fields stand as the caller wrote them, but one event is always one line. */
static void put_fields_text(struct buf *line, struct str fields)
{
	for (size_t i = 0; i < fields.len; i++) {
		unsigned char byte = (unsigned char)fields.ptr[i];

		if (byte < 0x20 || byte == 0x7f)
			buf_printf(line, "\\u%04x", byte);
		else
			buf_append_char(line, (char)byte);
	}
}

static bool is_escape(struct str s)
{
	uint64_t code;

	if (s.len < 2 || s.ptr[0] != '\\')
		return false;
	/* Half a surrogate pair is not text. */
	if (s.ptr[1] == 'u')
		return s.len >= 6 && str_hex_to_u64(str_slice(s, 2, 6), 0xffff, &code) == 0 &&
		       (code < 0xd800 || code > 0xdfff);
	return strchr("\"\\/bfnrt", s.ptr[1]) && s.ptr[1];
}

/* Takes a value, "quoted" or up to the next space, and appends it as a JSON string. */
static void put_value_json(struct buf *line, struct str *fields)
{
	bool quoted = fields->len && *fields->ptr == '"';
	char end = quoted ? '"' : ' ';
	struct str s = quoted ? str_slice(*fields, 1, fields->len) : *fields;

	buf_append_char(line, '"');
	while (s.len && *s.ptr != end) {
		size_t len = 2;

		if (quoted && is_escape(s))
			buf_append(line, s.ptr, len);
		else
			len = escape_char(line, s);
		s = str_slice(s, len, s.len);
	}
	buf_append_char(line, '"');
	*fields = quoted ? str_slice(s, 1, s.len) : s;
}

static bool is_key_char(char c)
{
	return c == '_' || c == '.' || c == '-' || (c >= '0' && c <= '9') ||
	       (char_lower(c) >= 'a' && char_lower(c) <= 'z');
}

/* Takes `key=`; empty where there is none. */
static struct str take_key(struct str *fields)
{
	size_t len = 0;

	while (len < fields->len && is_key_char(fields->ptr[len]))
		len++;
	if (len == 0 || len == fields->len || fields->ptr[len] != '=')
		return STR_EMPTY;

	struct str key = str_slice(*fields, 0, len);

	*fields = str_slice(*fields, len + 1, fields->len);
	return key;
}

/* key=value key="value" as members of the object; from the first word without a key on, the
 * rest is one member "text". */
static void put_fields_json(struct buf *line, struct str fields)
{
	for (fields = str_trim(fields); fields.len; fields = str_trim(fields)) {
		struct str key = take_key(&fields);

		if (key.len == 0) {
			buf_append_str(line, STR(",\"text\":\""));
			escape_text(line, fields);
			buf_append_char(line, '"');
			return;
		}
		buf_printf(line, ",\"%.*s\":", STR_ARGS(key));
		put_value_json(line, &fields);
	}
}

static void put_line_text(struct buf *line, enum log_level level, const char *event,
			  struct str fields)
{
	wall_time_format(time_wall_now(), line);
	buf_printf(line, " %s %s", log_level_words[level], event);
	if (settings.component)
		buf_printf(line, " component=%s", settings.component);
	if (fields.len)
		buf_append_char(line, ' ');
	put_fields_text(line, fields);
	buf_append_char(line, '\n');
}

static void put_line_json(struct buf *line, enum log_level level, const char *event,
			  struct str fields)
{
	buf_append_str(line, STR("{\"time\":\""));
	wall_time_format(time_wall_now(), line);
	buf_printf(line, "\",\"level\":\"%s\",\"event\":\"%s\"", log_level_words[level], event);
	if (settings.component)
		buf_printf(line, ",\"component\":\"%s\"", settings.component);
	put_fields_json(line, fields);
	buf_append_str(line, STR("}\n"));
}

/* A log that cannot be written is lost: there is nobody to tell. */
static void write_all(struct str line)
{
	while (line.len) {
		ssize_t n = write(settings.fd, line.ptr, line.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line = str_slice(line, (size_t)n, line.len);
	}
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
	char fields[FIELDS_BYTES_MAX];
	struct buf line = BUF_INIT(0);
	int saved_errno = errno;
	va_list args;

	if (!log_enabled(level))
		return;

	va_start(args, format);

	int len = vsnprintf(fields, sizeof(fields), format, args);

	va_end(args);

	struct str s = str_of(fields, (size_t)max_of(len, 0));

	s.len = min_of(s.len, sizeof(fields) - 1);
	if (settings.json)
		put_line_json(&line, level, event, s);
	else
		put_line_text(&line, level, event, s);
	write_all(buf_str(&line));
	buf_fini(&line);
	errno = saved_errno;
}
