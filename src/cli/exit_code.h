#pragma once

/*
 * Exit codes: one table
 *
 * What a script may rely on. `weft run` returns its program's own status, where that is a
 * program's business and not ours.
 */

// clang-format off
#define EXIT_CODE_MAP(X)                                                                     \
	X(EXIT_DONE,         0, "done; also when there was nothing to do")                   \
	X(EXIT_FAILED,       1, "failed; nothing else is said of why but the message")       \
	X(EXIT_USAGE,        2, "the command line is wrong")                                 \
	X(EXIT_FINDINGS,     3, "there are findings or differences, or the answer is no")    \
	X(EXIT_DENIED,       4, "not permitted")                                             \
	X(EXIT_GUARDED,      5, "refused by a guard; the message names the flag")            \
	X(EXIT_TIMED_OUT,    6, "timed out waiting; what was asked for may still happen")    \
	X(EXIT_UNREACHABLE,  7, "the control plane cannot be reached")                       \
	X(EXIT_NOT_RUN,    126, "weft run: the program cannot be executed")                  \
	X(EXIT_NO_PROGRAM, 127, "weft run: the program was not found")                       \
	X(EXIT_SIGNALLED,  128, "weft run: the program ended by signal N (128 + N)")         \
	X(EXIT_INTERRUPTED, 130, "interrupted by Ctrl-C")
// clang-format on

enum exit_code {
#define X(name, number, text) name = (number),
	EXIT_CODE_MAP(X)
#undef X
};
