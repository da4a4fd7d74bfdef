#pragma once

/*
 * Looking inside: x_check() and x_dump()
 *
 * Each central structure has two functions of one form, at the end of its file:
 *
 *	void x_check(const struct x *x);                   walks it, one condition per assert()
 *	void x_dump(const struct x *x, struct dump *d);    prints it, one line per object
 *
 * x_check() is called by debug_check() after each change. Debug builds (-Dfaults=true) compile
 * that in; elsewhere it is nothing, and the functions are called by tests alone. A walk over
 * many objects after each of many changes would be quadratic, so walks are paid for: each
 * change brings a few steps, and a walk that costs more than were saved waits for a later
 * change. What is small is always walked.
 *
 *	debug_check(u->ready_count, upstream_check(u));
 *
 * x_dump() writes into a struct dump, which takes no memory, calls nothing that is not
 * async-signal-safe, and stops at its limit; so the same function serves the admin endpoint
 * and the crash handler. A dump never asserts: it is read when something is wrong. Text of
 * peers (paths, header fields) is not dumped, names of resources and addresses are.
 *
 *	worker index=0 downstreams=2
 *	  downstream id=7 state=serving listener="web"
 *	    ...
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"

struct map;

struct dump {
	/* May be read. */
	bool cut; /* something did not fit */
	/* private */
	char *memory;
	size_t size;
	size_t len;
	size_t left; /* bytes that may still come, over all */
	int fd;      /* where full lines go; -1: they stay in memory */
	unsigned depth;
	bool in_line;
};

/* Into memory, which then holds dump_text(): what does not fit is cut off. */
void dump_to_memory(struct dump *d, char *memory, size_t size);
/* Line by line to a descriptor, at most `bytes_max` of them; the memory is for one line. */
void dump_to_fd(struct dump *d, int fd, size_t bytes_max, char *memory, size_t size);
/* Ends the last line, and says so when something was cut. */
void dump_end(struct dump *d);
struct str dump_text(const struct dump *d);
/* Nothing more will be taken: walks may stop. */
bool dump_is_full(const struct dump *d);

/* Begins the line of an object, at the present depth. */
void dump_line(struct dump *d, const char *name);
/* Fields of the line. */
void dump_number(struct dump *d, const char *name, uint64_t value);
void dump_signed(struct dump *d, const char *name, int64_t value);
void dump_hex(struct dump *d, const char *name, uint64_t value);
void dump_word(struct dump *d, const char *name, const char *word); /* NULL: "?" */
void dump_str(struct dump *d, const char *name, struct str value);  /* quoted, at most 128 */
void dump_flag(struct dump *d, const char *name, bool is_set);      /* only when it is set */

/* The lines that follow belong to the object of this line, until dump_leave(). */
void dump_enter(struct dump *d);
void dump_leave(struct dump *d);

/* Nodes of a list; entries of a map: walked to the end, so for debug builds and dumps. */
void list_check(const struct list *l);
size_t list_count(const struct list *l);
void map_check(const struct map *m);

#ifdef WEFT_FAULTS
/* May a walk of so many steps be taken now? Each question brings some. Per thread. */
bool debug_check_pays(size_t steps);
#define debug_check(steps, call)             \
	do {                                 \
		if (debug_check_pays(steps)) \
			call;                \
	} while (0)
#else
/* Compiled, so that it stays right, and never run. */
#define debug_check(steps, call)       \
	do {                           \
		if (false) {           \
			(void)(steps); \
			call;          \
		}                      \
	} while (0)
#endif
