/*
 * weft run: a program in the mesh
 *
 * Explicit mode: the program listens on an address of its own and finds each service it calls at
 * an address that --upstream names. Its proxy takes mutual TLS for it on a port of its own and
 * carries its calls; nothing is captured, and no right is needed that the caller lacks.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/run_documents.h"
#include "cli/run_registrar.h"
#include "cli/run_sockets.h"
#include "cli/run_supervisor.h"

/* A run under way. */
struct run {
	const struct invocation *in;
	const struct run_settings *settings;
	struct run_plan plan;
	struct remote remote;
	struct janitor janitor;
	struct diag diag;
	char *proxy;
	int log_fd;
};

/* What the control plane is: its trust domain, where proxies connect. */
static int control_ask(struct run *x)
{
	struct remote_request request = { .path = STR("/weft/v1/info") };
	struct node *info;
	int r = remote_open(&x->remote, x->in->cli, &x->diag);

	if (r == 0)
		r = remote_try(&x->remote, &request, &info, &x->diag);
	if (r < 0)
		return r;
	x->plan.trust_domain = answer_text(info, "trustDomain");
	x->plan.xds_address = answer_text(info, "xdsAddress");
	x->plan.socket = str_from(x->remote.socket);
	return 0;
}

/* The directory of the control plane's socket, where it is ours; else the user's own. */
static struct str run_parent(struct run *x)
{
	struct str socket = str_from(x->remote.socket);
	struct stat status;
	struct str dir;
	char *own;

	if (x->settings->run)
		return str_from(x->settings->run);
	while (socket.len > 1 && socket.ptr[socket.len - 1] != '/')
		socket.len--;
	dir = pool_strdup(&x->plan.pool, str_slice(socket, 0, max_of(socket.len - 1, (size_t)1)));
	if (stat(dir.ptr, &status) == 0 && status.st_uid == geteuid() && access(dir.ptr, W_OK) == 0)
		return dir;
	own = place_dir(PLACE_RUN);
	dir = pool_strdup(&x->plan.pool, str_from(own));
	mem_free(own);
	return dir;
}

static int dir_create(struct run *x)
{
	struct str parent = run_parent(x);
	char *dir = mem_printf("%.*s/run-XXXXXX", STR_ARGS(parent));
	int r = 0;

	if (access(parent.ptr, F_OK) < 0)
		r = dir_make(parent.ptr, geteuid() == 0 ? 0755 : 0700);
	if (r == 0 && !mkdtemp(dir))
		r = -errno;
	if (r == 0)
		r = janitor_start(&x->janitor, dir);
	if (r < 0) {
		diag_fail(&x->diag, r, "cannot make a directory in %.*s: %s", STR_ARGS(parent),
			  err_text(r));
		diag_hint(&x->diag, "name one that is yours by --run DIR");
	} else {
		x->plan.dir = pool_strdup(&x->plan.pool, str_from(dir));
	}
	mem_free(dir);
	return r;
}

static int bootstrap_write(struct run *x)
{
	char *path = mem_printf("%.*s/bootstrap.json", STR_ARGS(x->plan.dir));
	struct buf text = BUF_INIT(0);
	int r;

	run_bootstrap(&x->plan, &text);
	r = file_write_atomic(path, buf_str(&text), 0600);
	if (r < 0)
		diag_fail(&x->diag, r, "cannot write %s: %s", path, err_text(r));
	buf_fini(&text);
	mem_free(path);
	return r;
}

static int log_open(struct run *x)
{
	const char *path = x->settings->proxy_log;
	int r;

	if (!path)
		return 0;
	x->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (x->log_fd >= 0)
		return 0;
	r = -errno;
	return diag_fail(&x->diag, r, "--proxy-log: cannot open %s: %s", path, err_text(r));
}

/* The one beside us, so that a tree that is not installed runs its own. */
static char *proxy_path(const struct run_settings *s)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	char *beside;

	if (s->proxy)
		return mem_strdup(s->proxy);
	while (len > 0 && self[len - 1] != '/')
		len--;
	if (len <= 0)
		return mem_strdup("weft-proxy");
	beside = mem_printf("%.*sweft-proxy", (int)len, self);
	if (access(beside, X_OK) == 0)
		return beside;
	mem_free(beside);
	return mem_strdup("weft-proxy");
}

static void say_begin(const struct run *x)
{
	const struct run_plan *p = &x->plan;

	cli_say(x->in->cli,
		"weft: %.*s/%.*s, explicit mode: it calls others at its --upstream addresses, and "
		"nothing is captured",
		STR_ARGS(p->name_space), STR_ARGS(p->workload));
}

static int prepare(struct run *x)
{
	int r = control_ask(x);

	if (r == 0)
		r = log_open(x);
	if (r == 0)
		r = dir_create(x);
	if (r == 0)
		r = run_sockets_open(&x->plan, &x->diag);
	if (r == 0)
		r = bootstrap_write(x);
	if (r == 0)
		r = run_register(&x->remote, &x->plan, &x->diag);
	return r;
}

static int supervise(struct run *x)
{
	struct run_job job = {
		.cli = x->in->cli,
		.plan = &x->plan,
		.remote = &x->remote,
		.janitor = &x->janitor,
		.program = x->in->program,
		.proxy = x->proxy,
		.log_level = x->settings->proxy_log_level,
		.log_fd = x->log_fd,
	};

	say_begin(x);
	return run_supervise(&job);
}

static int read_plan(struct run *x)
{
	struct random random;

	random_init_from_kernel(&random);
	if (run_plan_read(x->settings, &random, &x->plan, &x->diag) == 0)
		return EXIT_DONE;
	diag_hint(&x->diag, "see: weft help run");
	(void)cli_problem(x->in->cli, &x->diag, STR_EMPTY);
	return EXIT_USAGE;
}

static int run(const struct invocation *in)
{
	struct run x = { .in = in, .settings = in->settings, .log_fd = -1 };
	int code = read_plan(&x);

	log_set_component("run");
	if (code == EXIT_DONE && (!in->program || !in->program[0])) {
		code = cli_usage(in->cli, "run", "the program is missing: weft run … -- CMD");
	} else if (code == EXIT_DONE) {
		x.proxy = proxy_path(x.settings);
		code = prepare(&x) < 0 ? cli_problem(in->cli, &x.diag, STR_EMPTY) : supervise(&x);
	}
	run_sockets_close(&x.plan);
	remote_close(&x.remote);
	janitor_finish(&x.janitor);
	run_plan_fini(&x.plan);
	if (x.log_fd >= 0)
		close(x.log_fd);
	diag_fini(&x.diag);
	mem_free(x.proxy);
	return code;
}

const struct command run_command = {
	.name = "run",
	.summary = "Run a program in the mesh, behind a proxy of its own",
	.usage = "--service NAME [--port PORT[/http|/tcp]]... [flags] -- CMD [ARGUMENT...]",
	.examples = {
		{ "weft run --service hi --port 8000/http -- python3 -m http.server",
		  "a server" },
		{ "weft run --service me --upstream hi:8000=127.0.0.1:9000 -- bash",
		  "a client of hi" },
		{ "weft run --service hi --version v2 --port 9080/http -- ./hi-v2",
		  "one of several versions" },
	},
	.settings = run_table,
	.settings_size = sizeof(struct run_settings),
	.notes = "The program keeps its user, directory, environment and terminal. Signals are\n"
		 "passed on to it, and its exit status is returned.",
	.see_also = "weft status, weft proxy status",
	.takes_program = true,
	.first = true,
	.exits = EXITS_REMOTE | EXITS_PROGRAM,
	.run = run,
};
