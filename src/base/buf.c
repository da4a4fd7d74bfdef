#include "base/buf.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

#define CAPACITY_MIN 64

void buf_init(struct buf *b, size_t limit_bytes)
{
	*b = (struct buf)BUF_INIT(limit_bytes);
}

void buf_fini(struct buf *b)
{
	mem_free(b->memory);
	*b = (struct buf)BUF_INIT(b->limit_bytes);
}

void buf_clear(struct buf *b)
{
	b->start = b->end = 0;
	b->overflowed = false;
}

/* Moves the unread bytes to the front, into larger memory when they fill more than half. */
static void make_room(struct buf *b, size_t needed)
{
	size_t used = buf_len(b);

	if (b->memory && b->start && needed <= b->capacity / 2) {
		memmove(b->memory, b->memory + b->start, used);
	} else {
		size_t doubled = b->capacity ? b->capacity * 2 : CAPACITY_MIN;
		size_t capacity = max_of(needed, doubled);
		char *memory = mem_alloc(capacity);

		if (b->memory)
			memcpy(memory, b->memory + b->start, used);
		mem_free(b->memory);
		b->memory = memory;
		b->capacity = capacity;
	}
	b->start = 0;
	b->end = used;
}

char *buf_reserve(struct buf *b, size_t len)
{
	size_t needed;

	if (__builtin_add_overflow(buf_len(b), len, &needed) ||
	    (b->limit_bytes && needed > b->limit_bytes)) {
		b->overflowed = true;
		return NULL;
	}
	if (!b->memory || b->capacity - b->end < len)
		make_room(b, needed);
	return b->memory + b->end;
}

void buf_claim(struct buf *b, size_t len)
{
	assert(len <= b->capacity - b->end);
	b->end += len;
}

int buf_append(struct buf *b, const void *bytes, size_t len)
{
	char *room = buf_reserve(b, len);

	if (!room)
		return ERR_LIMIT;
	if (len)
		memcpy(room, bytes, len);
	b->end += len;
	return 0;
}

int buf_append_str(struct buf *b, struct str s)
{
	return buf_append(b, s.ptr, s.len);
}

int buf_append_char(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

int buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	size_t room = b->capacity - b->end;

	va_copy(again, args);

	int len = vsnprintf(room ? b->memory + b->end : NULL, room, format, args);

	assert(len >= 0);

	/* One byte more than the text, for the terminator that vsnprintf() insists on. */
	bool fits = buf_len(b) + (size_t)len <= (b->limit_bytes ? b->limit_bytes : SIZE_MAX);

	if (fits && (size_t)len >= room) {
		make_room(b, buf_len(b) + (size_t)len + 1);
		vsnprintf(b->memory + b->end, (size_t)len + 1, format, again);
	}
	va_end(again);
	if (!fits) {
		b->overflowed = true;
		return ERR_LIMIT;
	}
	b->end += (size_t)len;
	return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);

	int r = buf_vprintf(b, format, args);

	va_end(args);
	return r;
}

void buf_consume(struct buf *b, size_t len)
{
	assert(len <= buf_len(b));
	b->start += len;
	if (b->start == b->end)
		b->start = b->end = 0;
}

char *buf_take_text(struct buf *b)
{
	size_t len = buf_len(b);
	char *text;

	if (b->start || b->capacity == len)
		make_room(b, len + 1);
	text = TAKE(b->memory);
	text[len] = '\0';
	*b = (struct buf)BUF_INIT(b->limit_bytes);
	return text;
}

void buf_append_wrapped(struct buf *b, struct str text, size_t indent, size_t columns)
{
	size_t used = indent;
	struct str word;

	while (str_split(&text, ' ', &word)) {
		if (used > indent && used + 1 + word.len > columns) {
			buf_printf(b, "\n%*s", (int)indent, "");
			used = indent;
		} else if (used > indent) {
			buf_append_char(b, ' ');
			used++;
		}
		buf_append_str(b, word);
		used += word.len;
	}
}
