/*
 * From nothing to a shop under load, step by step
 */

#include "cli/demo_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

#define PORT_FIRST     8080
#define DIR_LEN_MAX    64 /* paths of sockets in it stay under 107 bytes */
#define WORKLOADS_PATH STR("/apis/weft.dev/v1alpha1/namespaces/default/workloads")

/*
 * A place
 */

static bool dir_fits(const char *path)
{
	return path && path[0] == '/' && strlen(path) <= DIR_LEN_MAX && access(path, W_OK) == 0;
}

/* Keys lie in it, so it should be memory where it can be. */
static const char *dir_parent(void)
{
	const char *const places[] = { getenv("TMPDIR"), getenv("XDG_RUNTIME_DIR"), "/dev/shm" };

	for (size_t i = 0; i < array_count(places); i++)
		if (dir_fits(places[i]))
			return places[i];
	return "/tmp";
}

static bool place_make(struct demo *d, const char *weft)
{
	char *dir = mem_printf("%s/weft-demo-XXXXXX", dir_parent());
	struct random random;
	int r = 0;

	random_init_from_kernel(&random);
	if (!mkdtemp(dir))
		r = diag_fail(&d->diag, -errno, "cannot make the directory %s", dir);
	if (r == 0)
		r = janitor_start(&d->janitor, dir);
	if (r < 0)
		diag_fail(&d->diag, r, "cannot begin: %s", err_text(r));
	d->place = (struct demo_place){
		.weft = weft,
		.dir = pool_strdup(&d->pool, str_from(dir)).ptr,
		.socket = pool_printf(&d->pool, "%s/r/control.sock", dir).ptr,
		.network = demo_take_network(random_u64(&random)),
		.shop_port = demo_take_port(PORT_FIRST),
		.rate = d->settings->rate,
	};
	mem_free(dir);
	if (r == 0 && (!d->place.network || !d->place.shop_port))
		r = diag_fail(&d->diag, -EADDRINUSE, "no free ports from 127.0.0.1:%d on",
			      PORT_FIRST);
	return r == 0;
}

/* What shifts the canary. */
static bool half_write(struct demo *d)
{
	struct buf text = BUF_INIT(0);
	int r;

	d->half = mem_printf("%s/half.yaml", d->place.dir);
	shop_route(50, 50, &text);
	r = file_write_atomic(d->half, buf_str(&text), 0600);
	buf_fini(&text);
	return r < 0 ? diag_fail(&d->diag, r, "cannot write %s", d->half) == 0 : true;
}

static bool remote_begin(struct demo *d)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	setenv("WEFT_ADDR", d->place.socket, 1);
	return remote_open(&d->remote, d->cli, &d->diag) == 0 &&
	       signal_source_start(d->remote.loop, &d->signals, signals, array_count(signals),
				   demo_on_signal) == 0;
}

/*
 * Steps
 */

static bool control_answers(struct demo *d)
{
	return demo_ask(d, STR("/weft/v1/info")) != NULL;
}

static uint32_t workloads_ready(struct demo *d)
{
	const struct node *list = node_get(demo_ask(d, WORKLOADS_PATH), STR("items"));
	uint32_t count = 0;

	node_for_each (workload, list)
		count += !str_eq(answer_text(workload, "spec.readiness"), STR("Starting"));
	return count;
}

static bool proxies_programmed(struct demo *d, uint32_t count)
{
	const struct node *status = demo_ask(d, STR("/weft/v1/status"));

	return answer_count(status, "proxies.up") == count &&
	       answer_count(status, "proxies.programmed") == count;
}

static bool shop_is_up(struct demo *d)
{
	return workloads_ready(d) == SHOP_WORKLOAD_COUNT &&
	       proxies_programmed(d, SHOP_WORKLOAD_COUNT);
}

static bool load_has_answers(struct demo *d)
{
	return d->facts.load_requests > 0;
}

static bool start(struct demo *d, size_t index, enum demo_role role, int output)
{
	struct demo_process *p = &d->processes[index];

	p->role = role;
	p->workload = role == DEMO_WORKLOAD ? &shop_workloads[index - 1] : NULL;
	p->on_end = demo_on_process_end;
	p->user = d;
	return demo_process_start(d->remote.loop, p, &d->place, output, &d->diag) == 0;
}

static bool control_start(struct demo *d)
{
	if (!start(d, 0, DEMO_CONTROL, -1) || !demo_wait(d, control_answers, "the control plane"))
		return false;
	demo_say(d, "control plane", "trust domain demo.internal, a new root key");
	return true;
}

/* Before there is anybody to be split: a client that sees both versions sees the split. */
static bool route_apply(struct demo *d)
{
	struct remote_request request = {
		.method = METHOD_POST,
		.path = STR("/apply?allowDangling=true"),
	};
	struct node_documents documents;
	struct buf text = BUF_INIT(0), body = BUF_INIT(0);
	struct node *answer;
	int r;

	shop_route(90, 10, &text);
	r = yaml_parse(buf_str(&text), NULL, &d->pool, &documents, &d->diag);
	if (r == 0) {
		json_write(documents.items[0], &body);
		request.body = buf_str(&body);
		r = remote_try(&d->remote, &request, &answer, &d->diag);
	}
	buf_fini(&text);
	buf_fini(&body);
	return r == 0;
}

static bool workloads_start(struct demo *d)
{
	for (size_t i = 1; i <= SHOP_WORKLOAD_COUNT; i++)
		if (!start(d, i, DEMO_WORKLOAD, -1))
			return false;
	if (!demo_wait(d, shop_is_up, "the shop"))
		return false;
	demo_say(d, "services", "%d services, %d workloads, a proxy and an identity for each",
		 SHOP_SERVICE_COUNT, SHOP_WORKLOAD_COUNT);
	return true;
}

static bool load_start(struct demo *d)
{
	int fds[2];
	bool started;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return diag_fail(&d->diag, -errno, "cannot make a pipe") == 0;
	d->load.fd = fds[0];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	started = watch_start(d->remote.loop, &d->load.watch, fds[0], EPOLLIN,
			      demo_on_load_ready) == 0 &&
		  start(d, DEMO_LOAD_INDEX, DEMO_LOAD, fds[1]);
	close(fds[1]);
	if (!started || !demo_wait(d, load_has_answers, "the load"))
		return false;
	d->ready = time_monotonic_now();
	d->facts.startup_seconds = demo_seconds(d->ready, d->began);
	d->is_up = true;
	demo_say(d, "load", "%llu pages a second at http://127.0.0.1:%u",
		 (unsigned long long)d->place.rate, d->place.shop_port);
	return true;
}

bool demo_bring_up(struct demo *d, const char *weft)
{
	return place_make(d, weft) && half_write(d) && remote_begin(d) && control_start(d) &&
	       route_apply(d) && workloads_start(d) && load_start(d);
}
