#include "cli/run_terminal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

void run_terminal_init(struct run_terminal *t)
{
	sigset_t set;

	*t = (struct run_terminal){ .ours = getpgrp() };
	t->is_shared = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == t->ours;
	/* Taking the terminal back from the background would stop us. Blocked, not ignored:
	 * children begin with an empty mask. */
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	if (t->is_shared)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

void run_terminal_give(struct run_terminal *t, pid_t group)
{
	t->group = group;
	if (!t->is_shared || tcsetpgrp(STDIN_FILENO, group) < 0)
		return;
	/* It may have asked for the terminal a moment too early, and stand still since. */
	kill(-group, SIGCONT);
}

void run_terminal_check_stopped(struct run_terminal *t)
{
	siginfo_t info = { 0 };

	if (!t->is_shared || !t->group ||
	    waitid(P_PID, (id_t)t->group, &info, WSTOPPED | WNOHANG) < 0 || !info.si_pid)
		return;
	if (tcsetpgrp(STDIN_FILENO, t->ours) < 0)
		return;
	kill(getpid(), SIGSTOP);
	run_terminal_give(t, t->group);
}

void run_terminal_take(struct run_terminal *t)
{
	t->group = 0;
	if (t->is_shared && tcsetpgrp(STDIN_FILENO, t->ours) < 0)
		t->is_shared = false;
}
