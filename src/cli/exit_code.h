#pragma once

/*
 * Exit codes: one table
 *
 * What a script may rely on. `weft run` returns its program's own status, where that is a
 * program's business and not ours.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Name, number, in few words, in full. */
// clang-format off
#define EXIT_CODE_MAP(X)                                                                        \
	X(EXIT_DONE,         0, "done", "done; also when there was nothing to do")              \
	X(EXIT_FAILED,       1, "failed", "failed; nothing else is said of why but the message") \
	X(EXIT_USAGE,        2, "wrong usage", "the command line is wrong")                     \
	X(EXIT_FINDINGS,     3, "findings or differences",                                      \
	  "there are findings or differences, or the answer is no")                             \
	X(EXIT_DENIED,       4, "not permitted", "not permitted")                               \
	X(EXIT_GUARDED,      5, "guarded", "refused by a guard; the message names the flag")    \
	X(EXIT_TIMED_OUT,    6, "timed out",                                                    \
	  "timed out waiting; what was asked for may still happen")                             \
	X(EXIT_UNREACHABLE,  7, "unreachable", "the control plane cannot be reached")           \
	X(EXIT_NOT_RUN,    126, "cannot be executed",                                           \
	  "weft run: the program cannot be executed")                                           \
	X(EXIT_NO_PROGRAM, 127, "not found", "weft run: the program was not found")             \
	X(EXIT_SIGNALLED,  128, "ended by signal N (128 + N)",                                  \
	  "weft run: the program ended by signal N (128 + N)")                                  \
	X(EXIT_INTERRUPTED, 130, "interrupted", "interrupted by Ctrl-C")
// clang-format on

enum exit_code {
#define X(name, number, short_text, text) name = (number),
	EXIT_CODE_MAP(X)
#undef X
};

struct exit_text {
	int code;
	const char *name; /* in few words */
	const char *text;
};
/* By number; `count` of them. */
extern const struct exit_text exit_texts[];
extern const size_t exit_text_count;

/* The codes that a command may end with beside 0, 1 and 2, which all may. */
#define EXITS_FINDINGS (1u << 0)
#define EXITS_REMOTE   (1u << 1) /* asks the control plane */
#define EXITS_WAIT     (1u << 2)
#define EXITS_GUARD    (1u << 3)
#define EXITS_PROGRAM  (1u << 4)
#define EXITS_WATCH    (1u << 5)

bool exit_is_of(int code, uint32_t exits);
