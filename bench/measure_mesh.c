/*
 * The control plane with a large mesh: `measure_mesh SERVICES WORKLOADS` writes them in one
 * change, then changes one thing at a time, and tells for each how long it took and how many
 * resources were told to be different. All Services stand in one namespace, each with a route.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "codec/node.h"
#include "control/state.h"
#include "control/store.h"

#define REPEATS 50

struct mesh {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct store *store;
	struct state *state;
	struct state_watch watch;
	unsigned told;
	unsigned services;
	struct instant began;
	int64_t cpu_began_ns;
};

static void die(const char *doing, const struct diag *d)
{
	fprintf(stderr, "measure_mesh: %s: %s\n", doing, d->text ? d->text : "failed");
	exit(1);
}

static void on_resource(struct state_watch *w, enum xds_type type, struct str name)
{
	(void)type;
	(void)name;
	container_of(w, struct mesh, watch)->told++;
}

static int64_t cpu_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void begin(struct mesh *m)
{
	m->told = 0;
	m->began = time_monotonic_now();
	m->cpu_began_ns = cpu_now_ns();
}

static void report(const struct mesh *m, const char *what, unsigned times)
{
	struct duration took = instant_since(time_monotonic_now(), m->began);

	int64_t cpu_ns = cpu_now_ns() - m->cpu_began_ns;

	printf("%-28s %10.3f ms, %10.3f ms of CPU, %6u resources told\n", what,
	       (double)took.ns / 1e6 / times, (double)cpu_ns / 1e6 / times, m->told / times);
}

static void open_state(struct mesh *m)
{
	struct state_options options = { .trust_domain = STR("weft.local") };
	struct diag d = DIAG_INIT;

	if (store_open(m->path, &m->store, &d) < 0)
		die("store", &d);
	if (state_new(m->loop, m->store, &options, &m->state, &d) < 0)
		die("state", &d);
	m->watch.on_resource = on_resource;
	state_watch_add(m->state, &m->watch);
}

static void close_state(struct mesh *m)
{
	state_watch_remove(&m->watch);
	m->state = state_free(m->state);
	m->store = store_close(m->store);
}

static void write_document(struct state_write *w, const char *json)
{
	struct diag d = DIAG_INIT;
	struct node *root;

	w->pool = mem_new(struct pool);
	pool_init(w->pool, 4096);
	if (json_parse(str_from(json), NULL, w->pool, &root, &d) < 0 ||
	    document_parse(root, &(struct document_options){ 0 }, w->pool, &w->document, &d) < 0)
		die(json, &d);
}

static void service(struct state_write *w, unsigned i, unsigned port)
{
	char *json =
		mem_printf("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			   "\"service-%u\",\"namespace\":\"shop\"},\"spec\":{\"selector\":{"
			   "\"app\":\"service-%u\"},\"ports\":[{\"name\":\"http\",\"port\":%u,"
			   "\"appProtocol\":\"http\"}]}}",
			   i, i, port);

	write_document(w, json);
	mem_free(json);
}

static void workload(const struct mesh *m, struct state_write *w, unsigned i, unsigned octet)
{
	char *json = mem_printf("{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"Workload\","
				"\"metadata\":{\"name\":\"workload-%u\",\"namespace\":\"shop\","
				"\"labels\":{\"app\":\"service-%u\",\"version\":\"v1\"}},\"spec\":{"
				"\"address\":\"10.%u.%u.%u\",\"serviceAccount\":\"service-%u\","
				"\"ports\":[{\"name\":\"http\",\"port\":80,\"meshPort\":15006,"
				"\"protocol\":\"http\"}]}}",
				i, i % m->services, octet, i / 250, i % 250, i % m->services);

	write_document(w, json);
	mem_free(json);
}

static void route(struct state_write *w, unsigned i, unsigned weight)
{
	char *json =
		mem_printf("{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":"
			   "\"HTTPRoute\",\"metadata\":{\"name\":\"route-%u\",\"namespace\":"
			   "\"shop\"},\"spec\":{\"parentRefs\":[{\"group\":\"\",\"kind\":"
			   "\"Service\",\"name\":\"service-%u\"}],\"rules\":[{\"backendRefs\":[{"
			   "\"name\":\"service-%u\",\"port\":80,\"weight\":%u}]}]}}",
			   i, i, i, weight);

	write_document(w, json);
	mem_free(json);
}

static void apply(struct mesh *m, struct state_write *writes, size_t count)
{
	struct state_change change = {
		.writes = writes,
		.write_count = count,
		.origin = STATE_APPLIED,
		.actor = STR("root"),
		.message = STR("measure"),
	};
	struct state_result result;
	struct diag d = DIAG_INIT;

	if (state_apply(m->state, &change, &result, &d) < 0)
		die("apply", &d);
	for (size_t i = 0; i < count; i++) {
		pool_fini(writes[i].pool);
		mem_free(writes[i].pool);
	}
}

static void measure_all(struct mesh *m, unsigned workloads)
{
	size_t count = 0;
	struct state_write *writes =
		mem_zalloc((2 * m->services + workloads) * sizeof(struct state_write));

	for (unsigned i = 0; i < m->services; i++) {
		service(&writes[count++], i, 80);
		route(&writes[count++], i, 90);
	}
	for (unsigned i = 0; i < workloads; i++)
		workload(m, &writes[count++], i, 1);
	begin(m);
	apply(m, writes, count);
	report(m, "everything in one change", 1);
	mem_free(writes);
}

static void measure_one(struct mesh *m, const char *what, unsigned kind)
{
	begin(m);
	for (unsigned i = 0; i < REPEATS; i++) {
		struct state_write w = { 0 };

		if (kind == 0)
			workload(m, &w, 7, 2 + i);
		else if (kind == 1)
			service(&w, 7, i % 2 ? 80 : 81);
		else
			route(&w, 7, 10 + i);
		apply(m, &w, 1);
	}
	report(m, what, REPEATS);
}

static void measure_live(struct mesh *m)
{
	const struct state_object *o =
		state_get(m->state, KIND_WORKLOAD, STR("shop"), STR("workload-7"));

	begin(m);
	for (unsigned i = 0; i < REPEATS; i++)
		state_live_changed(m->state, o);
	report(m, "a proxy came back", REPEATS);
}

int main(int argc, char **argv)
{
	struct mesh m = { .services = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000 };
	unsigned workloads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5000;

	snprintf(m.dir, sizeof(m.dir), "/tmp/weft-measure-XXXXXX");
	if (!mkdtemp(m.dir) || loop_new(&m.loop) < 0)
		return 1;
	snprintf(m.path, sizeof(m.path), "%s/weft.db", m.dir);
	open_state(&m);
	measure_all(&m, workloads);
	measure_one(&m, "one Workload", 0);
	measure_one(&m, "one Service", 1);
	measure_one(&m, "one HTTPRoute", 2);
	measure_live(&m);
	close_state(&m);
	begin(&m);
	open_state(&m);
	report(&m, "start with all of it", 1);
	close_state(&m);
	loop_free(m.loop);
	printf("left in %s\n", m.dir);
	return 0;
}
