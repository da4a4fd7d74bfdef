#include "base/dump.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/map.h"

#define STR_BYTES_MAX   128
#define DEPTH_MAX       16
/* A list that leads in a circle past its head must not hold a dump. */
#define LIST_COUNT_MAX  1000000
/* Steps that each change brings, and that may be saved. */
#define STEPS_PER_CHECK 64
#define STEPS_SAVED_MAX (1u << 16)

/*
 * Writing
 */

void dump_to_memory(struct dump *d, char *memory, size_t size)
{
	*d = (struct dump){ .memory = memory, .size = size, .left = size, .fd = -1 };
}

void dump_to_fd(struct dump *d, int fd, size_t bytes_max, char *memory, size_t size)
{
	*d = (struct dump){ .memory = memory, .size = size, .left = bytes_max, .fd = fd };
}

/* A descriptor that takes nothing is given up: there is nobody to tell. */
static void flush(struct dump *d)
{
	size_t at = 0;

	while (d->fd >= 0 && at < d->len) {
		ssize_t n = write(d->fd, d->memory + at, d->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (d->fd >= 0)
		d->len = 0;
}

static void put(struct dump *d, const char *bytes, size_t len)
{
	size_t room = min_of(d->size - d->len, d->left);

	if (len > room)
		d->cut = true;
	len = min_of(len, room);
	memcpy(d->memory + d->len, bytes, len);
	d->len += len;
	d->left -= len;
}

static void put_text(struct dump *d, const char *text)
{
	put(d, text, strlen(text));
}

static void put_number(struct dump *d, uint64_t value, unsigned base)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	put(d, digits + at, sizeof(digits) - at);
}

static void put_name(struct dump *d, const char *name)
{
	put(d, " ", 1);
	put_text(d, name);
	put(d, "=", 1);
}

static void end_line(struct dump *d)
{
	if (d->in_line)
		put(d, "\n", 1);
	d->in_line = false;
	flush(d);
}

void dump_end(struct dump *d)
{
	static const struct str note = STR_INIT("\n... cut: the dump is at its limit\n");

	end_line(d);
	if (!d->cut)
		return;
	if (d->len + note.len > d->size)
		d->len = d->size > note.len ? d->size - note.len : 0;
	d->left = note.len;
	put(d, note.ptr, note.len);
	flush(d);
}

struct str dump_text(const struct dump *d)
{
	return str_of(d->memory, d->len);
}

bool dump_is_full(const struct dump *d)
{
	return d->cut || d->left == 0;
}

void dump_line(struct dump *d, const char *name)
{
	end_line(d);
	for (unsigned i = 0; i < d->depth; i++)
		put(d, "  ", 2);
	put_text(d, name);
	d->in_line = true;
}

void dump_number(struct dump *d, const char *name, uint64_t value)
{
	put_name(d, name);
	put_number(d, value, 10);
}

void dump_signed(struct dump *d, const char *name, int64_t value)
{
	put_name(d, name);
	if (value < 0)
		put(d, "-", 1);
	put_number(d, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void dump_hex(struct dump *d, const char *name, uint64_t value)
{
	put_name(d, name);
	put(d, "0x", 2);
	put_number(d, value, 16);
}

void dump_word(struct dump *d, const char *name, const char *word)
{
	put_name(d, name);
	put_text(d, word ? word : "?");
}

void dump_str(struct dump *d, const char *name, struct str value)
{
	put_name(d, name);
	put(d, "\"", 1);
	for (size_t i = 0; i < value.len && i < STR_BYTES_MAX; i++) {
		char c = value.ptr[i];

		put(d, c < ' ' || c == 0x7f || c == '"' || c == '\\' ? "?" : &c, 1);
	}
	put_text(d, value.len > STR_BYTES_MAX ? "...\"" : "\"");
}

void dump_flag(struct dump *d, const char *name, bool is_set)
{
	if (!is_set)
		return;
	put(d, " ", 1);
	put_text(d, name);
}

void dump_enter(struct dump *d)
{
	if (d->depth < DEPTH_MAX)
		d->depth++;
}

void dump_leave(struct dump *d)
{
	if (d->depth > 0)
		d->depth--;
}

/*
 * Walking
 */

void list_check(const struct list *l)
{
	assert(l->next);
	list_for_each (node, l) {
		assert(node->next->prev == node);
		assert(node->prev->next == node);
	}
}

size_t list_count(const struct list *l)
{
	size_t count = 0;

	for (const struct list *n = l->next; n && n != l && count < LIST_COUNT_MAX; n = n->next)
		count++;
	return count;
}

void map_check(const struct map *m)
{
	size_t in_order = 0, in_chains = 0;

	map_for_each (entry, m) {
		assert(entry->value);
		assert(entry->hash == hash_bytes(entry->key));
		in_order++;
	}
	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct map_entry *e = m->buckets[i]; e; e = e->chain) {
			assert((e->hash & (m->bucket_count - 1)) == i);
			in_chains++;
		}
	assert(in_order == m->count);
	assert(in_chains == m->count);
}

#ifdef WEFT_FAULTS
bool debug_check_pays(size_t steps)
{
	static _Thread_local size_t saved;

	/* What is larger than can be saved is walked when all that can be is there. */
	steps = min_of(steps, (size_t)STEPS_SAVED_MAX);
	saved = min_of(saved + STEPS_PER_CHECK, (size_t)STEPS_SAVED_MAX);
	if (steps > saved)
		return false;
	saved -= steps;
	return true;
}
#endif
