#include "cli/run_supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/run_documents.h"
#include "cli/run_ready.h"
#include "cli/run_registrar.h"
#include "cli/run_sockets.h"
#include "cli/run_terminal.h"
#include "event/child.h"
#include "event/signal.h"

#define BACK_OFF_FIRST DURATION_MS(100)
#define BACK_OFF_LAST  DURATION_SECONDS(5)
/* A proxy that ran for so long has not failed to start. */
#define PROXY_SETTLED  DURATION_SECONDS(10)
/* The program is gone; what its proxy still has in hand may end. */
#define DRAIN_TIME     "2s"
#define DRAIN_KILL     DURATION_SECONDS(4)

struct supervisor {
	const struct run_job *job;
	struct loop *loop;
	struct signal_source signals;
	struct run_registrar registrar;
	struct run_terminal terminal;
	struct run_ready ready;

	struct {
		struct child child;
		struct timer again;
		struct duration back_off;
		struct instant started;
		struct timer kill;
	} proxy;

	struct {
		struct child child;
		int pending_signal; /* passed on when the Workload is withdrawn */
		bool ended;
		int status;
	} program;
};

/*
 * The proxy
 */

/* Ours with LISTEN_FDS, LISTEN_FDNAMES; for mem_free(), as are the two last ones. */
static char **environment_make(size_t count, struct str names)
{
	size_t kept = 0, all = 0;
	char **copy;

	while (environ[all])
		all++;
	copy = mem_new_array(char *, all + 3);
	for (size_t i = 0; i < all; i++)
		if (!str_has_prefix(str_from(environ[i]), STR("LISTEN_")))
			copy[kept++] = environ[i];
	copy[kept++] = mem_printf("LISTEN_FDS=%zu", count);
	copy[kept] = mem_printf("LISTEN_FDNAMES=%.*s", STR_ARGS(names));
	return copy;
}

static void environment_free(char **copy)
{
	size_t count = 0;

	while (copy[count])
		count++;
	mem_free(copy[count - 1]);
	mem_free(copy[count - 2]);
	mem_free(copy);
}

static void on_proxy_exit(struct child *c, int status);

static int proxy_exec(struct supervisor *s, struct child_options *options, char **argv)
{
	const struct run_job *job = s->job;
	struct child_fd fds[RUN_SOCKETS_MAX + 1];
	struct buf names = BUF_INIT(0);
	char **environment;
	int r;

	options->path = job->proxy;
	options->argv = argv;
	options->fds = fds;
	options->fd_count = run_sockets_pass(job->plan, fds, &names);
	environment = environment_make(options->fd_count, buf_str(&names));
	options->environment = environment;
	if (job->log_fd >= 0)
		fds[options->fd_count++] = (struct child_fd){ job->log_fd, STDERR_FILENO };
	r = child_start(s->loop, &s->proxy.child, options, on_proxy_exit);
	environment_free(environment);
	buf_fini(&names);
	return r;
}

static int proxy_start(struct supervisor *s)
{
	char *file = mem_printf("%.*s/bootstrap.json", STR_ARGS(s->job->plan->dir));
	char *level = mem_strdup(s->job->log_level);
	char name[] = "weft-proxy", c[] = "-c", concurrency[] = "--concurrency=1";
	char drain[] = "--drain-time=" DRAIN_TIME, log[] = "--log-level";
	char *argv[] = { name, c, file, concurrency, drain, log, level, NULL };
	struct child_options options = { .own_group = true, .death_signal = SIGKILL };
	int r = proxy_exec(s, &options, argv);

	s->proxy.started = time_monotonic_now();
	mem_free(level);
	mem_free(file);
	return r;
}

static void proxy_restart_later(struct supervisor *s)
{
	struct duration ran = instant_since(time_monotonic_now(), s->proxy.started);

	if (ran.ns > PROXY_SETTLED.ns)
		s->proxy.back_off = DURATION_NS(0);
	timer_start(s->loop, &s->proxy.again, s->proxy.back_off);
	s->proxy.back_off.ns = s->proxy.back_off.ns
				       ? min_of(s->proxy.back_off.ns * 2, BACK_OFF_LAST.ns)
				       : BACK_OFF_FIRST.ns;
}

static void on_proxy_exit(struct child *c, int status)
{
	struct supervisor *s = container_of(c, struct supervisor, proxy.child);

	if (s->program.ended) {
		loop_stop(s->loop);
		return;
	}
	log_warn("run.proxy_ended", "status=%d signal=%d again_ms=%lld",
		 WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		 WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		 (long long)(s->proxy.back_off.ns / 1000000));
	proxy_restart_later(s);
}

static void on_proxy_again(struct timer *t)
{
	struct supervisor *s = container_of(t, struct supervisor, proxy.again);
	int r = proxy_start(s);

	if (r == 0)
		return;
	log_error("run.proxy_failed", "reason=%s", log_quote(str_from(err_text(r))));
	proxy_restart_later(s);
}

static void on_proxy_kill(struct timer *t)
{
	struct supervisor *s = container_of(t, struct supervisor, proxy.kill);

	if (child_signal(&s->proxy.child, SIGKILL) < 0)
		loop_stop(s->loop);
}

static void proxy_end(struct supervisor *s)
{
	timer_stop(&s->proxy.again);
	if (child_signal(&s->proxy.child, SIGTERM) < 0)
		loop_stop(s->loop);
	else
		timer_start(s->loop, &s->proxy.kill, DRAIN_KILL);
}

/*
 * The program
 */

static void on_program_exit(struct child *c, int status)
{
	struct supervisor *s = container_of(c, struct supervisor, program.child);

	janitor_forget(s->job->janitor, s->terminal.group);
	run_terminal_take(&s->terminal);
	run_ready_stop(&s->ready);
	s->program.ended = true;
	s->program.status = status;
	s->program.pending_signal = 0;
	run_registrar_withdraw(&s->registrar);
}

static int program_start(struct supervisor *s)
{
	struct child_options options = {
		.path = s->job->program[0],
		.argv = s->job->program,
		.own_group = true,
		.death_signal = SIGTERM,
	};
	int r = child_start(s->loop, &s->program.child, &options, on_program_exit);

	if (r < 0)
		return r;
	janitor_watch(s->job->janitor, s->program.child.pid);
	run_terminal_give(&s->terminal, s->program.child.pid);
	return 0;
}

static void program_signal(struct supervisor *s, int number)
{
	/* The process alone and not its group: what it does with its children is its business.
	 * Its number is not used again before on_program_exit(). */
	if (s->program.child.pid && kill(s->program.child.pid, number) < 0)
		log_warn("run.signal_failed", "signal=%d reason=\"%s\"", number, err_text(-errno));
}

static void on_ready(struct run_ready *ready)
{
	struct supervisor *s = container_of(ready, struct supervisor, ready);

	run_registrar_set_ready(&s->registrar);
}

static void on_withdrawn(struct run_registrar *r)
{
	struct supervisor *s = container_of(r, struct supervisor, registrar);

	if (s->program.ended) {
		proxy_end(s);
		return;
	}
	program_signal(s, s->program.pending_signal);
	s->program.pending_signal = 0;
	run_registrar_keep(r);
}

/*
 * Signals
 */

static void on_signal(struct signal_source *source, int number)
{
	struct supervisor *s = container_of(source, struct supervisor, signals);

	if (number == SIGCHLD) {
		run_terminal_check_stopped(&s->terminal);
	} else if (number == SIGTERM && !s->program.ended && !s->program.pending_signal) {
		s->program.pending_signal = SIGTERM;
		run_registrar_withdraw(&s->registrar);
	} else {
		/* Also a second SIGTERM: somebody is impatient. */
		program_signal(s, number);
	}
}

static const int passed_signals[] = {
	SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD,
};

/*
 * The whole
 */

/* Nothing came of it. Signals that come from now on find nobody to be passed on to. */
static void give_up(struct supervisor *s)
{
	signal_source_stop(&s->signals);
	run_withdraw(s->job->remote, s->job->plan);
}

static int fail_program(struct supervisor *s, int error)
{
	const char *program = s->job->program[0];

	give_up(s);
	if (error == -ENOENT)
		return cli_fail(s->job->cli, EXIT_NO_PROGRAM,
				strchr(program, '/') ? NULL : "it is searched in PATH",
				"the program %s was not found", program);
	if (error == -EACCES)
		return cli_fail(s->job->cli, EXIT_NOT_RUN, "is it executable? chmod +x",
				"not permitted to run %s", program);
	return cli_fail(s->job->cli, EXIT_NOT_RUN, NULL, "cannot run %s: %s", program,
			err_text(error));
}

static int fail_proxy(struct supervisor *s, int error)
{
	give_up(s);
	return cli_fail(s->job->cli, EXIT_FAILED, "name it by --proxy PATH", "cannot run %s: %s",
			s->job->proxy, err_text(error));
}

/* EXIT_DONE: both run. */
static int start(struct supervisor *s)
{
	int r = signal_source_start(s->loop, &s->signals, passed_signals,
				    array_count(passed_signals), on_signal);

	if (r < 0)
		return cli_fail(s->job->cli, EXIT_FAILED, NULL, "cannot watch signals: %s",
				err_text(r));
	r = proxy_start(s);
	if (r < 0)
		return fail_proxy(s, r);
	r = program_start(s);
	return r < 0 ? fail_program(s, r) : EXIT_DONE;
}

static int exit_code(const struct supervisor *s)
{
	int status = s->program.status;

	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNALLED + WTERMSIG(status);
}

static void release(struct supervisor *s)
{
	run_registrar_stop(&s->registrar);
	run_ready_stop(&s->ready);
	timer_stop(&s->proxy.again);
	timer_stop(&s->proxy.kill);
	/* Only after a failed start does it still run. */
	if (child_signal(&s->proxy.child, SIGKILL) == 0)
		waitpid(s->proxy.child.pid, NULL, 0);
	child_forget(&s->proxy.child);
	signal_source_stop(&s->signals);
	/* Connections that were closed just now leave at the end of a turn. */
	if (loop_turn(s->loop, DURATION_NS(0)) < 0)
		log_error("run.loop_failed", "");
}

int run_supervise(const struct run_job *job)
{
	struct supervisor s = { .job = job, .loop = job->remote->loop };
	int code;
	int r;

	timer_init(&s.proxy.again, on_proxy_again);
	timer_init(&s.proxy.kill, on_proxy_kill);
	run_terminal_init(&s.terminal);
	code = start(&s);
	if (code == EXIT_DONE) {
		run_registrar_start(&s.registrar, job->remote, job->plan, on_withdrawn);
		run_ready_start(&s.ready, s.loop, &job->remote->chunks, job->plan, on_ready);
		r = loop_run(s.loop);
		code = r < 0 ? cli_fail(job->cli, EXIT_FAILED, NULL, "the event loop failed: %s",
					err_text(r))
			     : exit_code(&s);
	}
	release(&s);
	return code;
}
