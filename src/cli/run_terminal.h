#pragma once

/*
 * The terminal belongs to the program
 *
 * The program runs in a process group of its own, so that signals reach it and not its proxy.
 * On a terminal that group must be the one in front, as a shell does it: Ctrl-C and Ctrl-Z then
 * go to the program alone. When it is stopped, so are we, and the shell gets its prompt back;
 * when we are continued, so is the program.
 */

#include <stdbool.h>
#include <sys/types.h>

struct run_terminal {
	pid_t group;    /* the program's; 0: none yet */
	pid_t ours;     /* that had the terminal before */
	bool is_shared; /* there is a terminal, and we are in front */
};

/* Looks whether there is a terminal to be handed on. */
void run_terminal_init(struct run_terminal *t);
/* Puts the program's group in front. */
void run_terminal_give(struct run_terminal *t, pid_t group);
/* The program is stopped: stops us, until somebody continues us. Call on SIGCHLD. */
void run_terminal_check_stopped(struct run_terminal *t);
/* Takes it back at the program's end. */
void run_terminal_take(struct run_terminal *t);
