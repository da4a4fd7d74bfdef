#pragma once

/*
 * A growing run of bytes with a limit
 *
 * Bytes are appended at the end and consumed at the front. A buffer is created with the
 * most it may hold; going over is ERR_LIMIT from the try-functions, and a sticky flag for
 * text builders that check once at the end. A zero limit means no limit, for text whose
 * size we decide ourselves.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/str.h"

struct buf {
	char *memory;
	size_t start; /* first unread byte */
	size_t end;   /* behind the last byte */
	size_t capacity;
	size_t limit_bytes; /* of unread bytes; 0 for none */
	bool overflowed;    /* an append was refused; stays until buf_clear() */
};

#define BUF_INIT(limit)                \
	{                              \
		.limit_bytes = (limit) \
	}

void buf_init(struct buf *b, size_t limit_bytes);
void buf_fini(struct buf *b);

/* Drops the bytes, keeps the memory. */
void buf_clear(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->memory ? b->memory + b->start : NULL, b->end - b->start };
}

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/* Each returns 0, or ERR_LIMIT with nothing appended and `overflowed` set. */
int buf_append(struct buf *b, const void *bytes, size_t len);
int buf_append_str(struct buf *b, struct str s);
int buf_append_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) printf_like(2, 3);
int buf_vprintf(struct buf *b, const char *format, va_list args) printf_like(2, 0);

/* The words of a text, a line broken where it has reached `columns`; further lines begin with
 * `indent` blanks. The first is taken to stand there already. */
void buf_append_wrapped(struct buf *b, struct str text, size_t indent, size_t columns);

/* Room for `len` more bytes at the returned place, to be claimed with buf_claim(). NULL over limit.
 */
char *buf_reserve(struct buf *b, size_t len);
void buf_claim(struct buf *b, size_t len);

/* Removes bytes from the front. */
void buf_consume(struct buf *b, size_t len);

/* Hands out the content as a terminated string for mem_free(); the buffer is empty again. */
char *buf_take_text(struct buf *b);
