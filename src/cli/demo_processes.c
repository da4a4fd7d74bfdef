#include "cli/demo_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "net/socket.h"

#define ARGUMENTS_MAX  48
#define LOG_BYTES_MAX  (1024 * 1024)
#define LOG_LINES      12
#define NETWORKS_TRIED 64
#define PORTS_TRIED    100

/*
 * Command lines
 */

struct arguments {
	char *items[ARGUMENTS_MAX + 1];
	size_t count;
	struct pool *pool;
};

static void add(struct arguments *a, const char *format, ...) printf_like(2, 3);

static void add(struct arguments *a, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	if (a->count < ARGUMENTS_MAX)
		a->items[a->count++] = buf_take_text(&text);
	buf_fini(&text);
}

static void arguments_fini(struct arguments *a)
{
	for (size_t i = 0; i < a->count; i++)
		mem_free(a->items[i]);
}

struct str demo_address(const struct demo_place *place, const struct shop_workload *w,
			struct pool *pool)
{
	return pool_printf(pool, "127.77.%u.%u", place->network, w->host);
}

static void control_arguments(struct arguments *a, const struct demo_place *place)
{
	add(a, "control");
	add(a, "--state=%s/s", place->dir);
	add(a, "--run=%s/r", place->dir);
	add(a, "--listen=127.0.0.1:0");
	add(a, "--trust-domain=demo.internal");
}

static void run_arguments(struct arguments *a, const char *service, const char *address)
{
	add(a, "run");
	add(a, "--quiet");
	add(a, "-n");
	add(a, "default");
	add(a, "--service=%s", service);
	add(a, "--address=%s", address);
}

static void workload_arguments(struct arguments *a, const struct demo_place *place,
			       const struct shop_workload *w)
{
	const char *address = demo_address(place, w, a->pool).ptr;

	run_arguments(a, w->service, address);
	if (w->version)
		add(a, "--version=%s", w->version);
	add(a, "--port=%d/http", SHOP_PORT);
	for (int i = 0; i < SHOP_CALLS_MAX && w->calls[i]; i++)
		add(a, "--upstream=%s:%d=%s:%d", w->calls[i], SHOP_PORT, address,
		    SHOP_UPSTREAM_PORT + i);
	add(a, "--");
	add(a, "%s", place->weft);
	add(a, "demo-service");
	add(a, "--service=%s", w->service);
	add(a, "--version=%s", w->version ? w->version : "");
	add(a, "--listen=%s:%d", address, SHOP_PORT);
	for (int i = 0; i < SHOP_CALLS_MAX && w->calls[i]; i++)
		add(a, "--upstream=%s=%s:%d", w->calls[i], address, SHOP_UPSTREAM_PORT + i);
}

/* The people's browsers and the load come in by the same way: the binding of this workload. */
static void load_arguments(struct arguments *a, const struct demo_place *place)
{
	run_arguments(a, "shop", "127.0.0.1");
	add(a, "--upstream=%s:%d=127.0.0.1:%u", SHOP_FRONT, SHOP_PORT, place->shop_port);
	add(a, "--");
	add(a, "%s", place->weft);
	add(a, "demo-load");
	add(a, "--target=127.0.0.1:%u", place->shop_port);
	add(a, "--rate=%llu", (unsigned long long)place->rate);
}

static void name_set(struct demo_process *p)
{
	const struct shop_workload *w = p->workload;

	if (p->role != DEMO_WORKLOAD)
		p->name = mem_strdup(p->role == DEMO_CONTROL ? "control" : "shop");
	else if (w->version)
		p->name = mem_printf("%s-%s", w->service, w->version);
	else
		p->name = mem_strdup(w->service);
}

/*
 * Starting
 */

static char *log_path(const struct demo_process *p, const struct demo_place *place)
{
	return mem_printf("%s/%s.log", place->dir, p->name);
}

static int log_open(const struct demo_process *p, const struct demo_place *place)
{
	char *path = log_path(p, place);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = -errno;
	mem_free(path);
	return fd;
}

static void on_exit_of_child(struct child *c, int status)
{
	struct demo_process *p = container_of(c, struct demo_process, child);

	p->ended = true;
	p->status = status;
	p->on_end(p);
}

static int start(struct loop *loop, struct demo_process *p, struct arguments *a, int output,
		 int log_fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct child_fd fds[] = {
		{ null, STDIN_FILENO },
		{ output >= 0 ? output : log_fd, STDOUT_FILENO },
		{ log_fd, STDERR_FILENO },
	};
	struct child_options options = {
		.path = a->items[0],
		.argv = a->items,
		.fds = fds,
		.fd_count = array_count(fds),
		.own_group = true,
		.death_signal = SIGKILL,
	};
	int r = null < 0 ? -errno : child_start(loop, &p->child, &options, on_exit_of_child);

	if (null >= 0)
		close(null);
	return r;
}

int demo_process_start(struct loop *loop, struct demo_process *p, const struct demo_place *place,
		       int output, struct diag *d)
{
	struct pool pool = POOL_INIT(0);
	struct arguments a = { .pool = &pool };
	int log_fd, r;

	name_set(p);
	log_fd = log_open(p, place);
	if (log_fd < 0)
		return diag_fail(d, log_fd, "cannot write in %s: %s", place->dir, err_text(log_fd));
	add(&a, "%s", place->weft);
	if (p->role == DEMO_CONTROL)
		control_arguments(&a, place);
	else if (p->role == DEMO_LOAD)
		load_arguments(&a, place);
	else
		workload_arguments(&a, place, p->workload);
	r = start(loop, p, &a, output, log_fd);
	close(log_fd);
	arguments_fini(&a);
	pool_fini(&pool);
	return r < 0 ? diag_fail(d, r, "cannot start %s: %s", place->weft, err_text(r)) : 0;
}

void demo_process_signal(struct demo_process *p, int number)
{
	/* To the process alone: a `weft run` passes it on. */
	if (p->child.pid && kill(p->child.pid, number) < 0)
		p->ended = errno == ESRCH;
}

void demo_process_fini(struct demo_process *p)
{
	child_forget(&p->child);
	p->name = mem_free(p->name);
}

void demo_process_log(const struct demo_process *p, const struct demo_place *place, struct buf *out)
{
	struct buf text = BUF_INIT(0);
	char *path = log_path(p, place);
	struct str tail;
	size_t start;
	int lines = 0;

	if (file_read(path, LOG_BYTES_MAX, &text) == 0) {
		tail = buf_str(&text);
		start = tail.len;
		while (start > 0 && lines <= LOG_LINES)
			lines += tail.ptr[--start] == '\n';
		buf_append_str(out, str_slice(tail, start + (start > 0), tail.len));
	}
	buf_fini(&text);
	mem_free(path);
}

/*
 * What is free
 *
 * Between the probe and the program that binds for good some time passes, in which another
 * demo would find the same place free. So a place is taken by a name first: an abstract Unix
 * socket that stays open until this process ends, however it ends.
 */

static bool can_listen(const char *ip, uint16_t port)
{
	struct address a;
	int fd;

	if (address_from_ip(str_from(ip), port, &a) < 0 || socket_listen(&a, NULL, &fd) < 0)
		return false;
	close(fd);
	return true;
}

/* The descriptor that holds the name, or -1 when another demo has it. */
static int name_take(const char *kind, unsigned number)
{
	char *name = mem_printf("@weft-demo/%s/%u", kind, number);
	struct address a;
	int fd;

	if (address_from_unix(str_from(name), &a) < 0 || socket_listen(&a, NULL, &fd) < 0)
		fd = -1;
	mem_free(name);
	return fd;
}

static bool take(const char *kind, unsigned number, bool (*is_free)(unsigned number))
{
	int fd = name_take(kind, number);

	if (fd < 0)
		return false;
	if (is_free(number))
		return true;
	close(fd);
	return false;
}

static bool network_is_free(unsigned network)
{
	char *ip = mem_printf("127.77.%u.1", network);
	bool is_free = can_listen(ip, SHOP_PORT) && can_listen(ip, SHOP_UPSTREAM_PORT);

	mem_free(ip);
	return is_free;
}

uint8_t demo_take_network(uint64_t random)
{
	for (uint64_t i = 0; i < NETWORKS_TRIED; i++) {
		uint8_t network = (uint8_t)((random + i) % 250 + 1);

		if (take("network", network, network_is_free))
			return network;
	}
	return 0;
}

static bool port_is_free(unsigned port)
{
	return can_listen("127.0.0.1", (uint16_t)port);
}

uint16_t demo_take_port(uint16_t first)
{
	for (uint16_t port = first; port < first + PORTS_TRIED; port++)
		if (take("port", port, port_is_free))
			return port;
	return 0;
}
