#include "rig.h"

#include <errno.h>

#include "base/mem.h"
#include "model/fixture.h"
#include "model/yaml.h"
#include "net/certs.h"
#include "net/memory_conn.h"
#include "proxy/downstream.h"

#define TURNS_MAX 200

static struct rig *current;

/*
 * Peers
 */

static void on_data(struct conn *c)
{
	struct peer *p = c->user;
	struct str input = conn_input(c);

	buf_append_str(&p->heard, input);
	conn_consume(c, input.len);
}

static void on_eof(struct conn *c)
{
	((struct peer *)c->user)->eof = true;
}

static void on_closed(struct conn *c)
{
	struct peer *p = c->user;

	p->conn = NULL;
	p->closed = true;
}

static const struct conn_handler peer_handler = {
	.on_data = on_data,
	.on_eof = on_eof,
	.on_closed = on_closed,
};

static struct conn *with_tls(struct peer *p, struct tls_context *context)
{
	struct tls_conn_options o = { .context = context };
	struct conn *c = tls_conn_new_take(p->conn, &o, &peer_handler);

	c->user = p;
	return c;
}

static bool has_port(const uint16_t *ports, uint16_t port)
{
	for (int i = 0; i < 8; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static struct conn *dial(struct worker *w, const struct address *to)
{
	struct rig *r = current;
	struct peer *p = &r->dialled[r->dialled_count];
	struct memory_conn_options o = { .connecting = true };
	struct conn *ours;

	assert_true(r->dialled_count < RIG_PEERS_MAX);
	r->dialled_count++;
	memory_conn_pair(r->loop, &w->chunks, &o, &ours, &p->conn);
	p->rig = r;
	p->far = ours;
	p->port = address_port(to);
	p->connecting = true;
	memory_conn_use(p->conn, &peer_handler, p);
	if (r->dialled_tls)
		p->conn = with_tls(p, r->dialled_tls);
	return ours;
}

/* What was dialled gets through, or does not. */
static bool establish(struct rig *r)
{
	bool did = false;

	for (uint32_t i = 0; i < r->dialled_count; i++) {
		struct peer *p = &r->dialled[i];

		if (!p->connecting || has_port(r->silent, p->port))
			continue;
		p->connecting = false;
		did = true;
		if (!p->closed)
			memory_conn_establish(p->far,
					      has_port(r->refused, p->port) ? -ECONNREFUSED : 0);
	}
	return did;
}

void rig_run(struct rig *r)
{
	int quiet = 0;

	for (int i = 0; i < TURNS_MAX && quiet < 8; i++) {
		quiet = establish(r) ? 0 : quiet + 1;
		assert_int_equal(loop_turn(r->loop, DURATION_NS(0)), 0);
	}
}

void rig_pass(struct rig *r, int64_t ms)
{
	int64_t step = ms > 100 ? ms / 20 : ms;

	rig_run(r);
	for (; ms > 0; ms -= step) {
		loop_advance(r->loop, DURATION_MS(min_of(step, ms)));
		rig_run(r);
	}
}

struct peer *rig_client_of(struct rig *r, uint32_t worker, const char *listener)
{
	struct worker *w = r->group.workers[worker];
	struct peer *p = &r->clients[r->client_count];
	uint32_t slot = slots_find(&r->resources.listener_slots, str_from(listener));

	assert_true(r->client_count < RIG_PEERS_MAX);
	r->client_count++;
	memory_conn_pair(r->loop, &w->chunks, NULL, &p->conn, &p->far);
	p->rig = r;
	memory_conn_use(p->conn, &peer_handler, p);
	assert_int_equal(address_parse(STR("10.1.2.3:4567"), &p->far->peer), 0);
	assert_int_equal(address_parse(STR("127.0.0.1:80"), &p->far->local), 0);
	downstream_open_take(w, slot, p->far);
	return p;
}

struct peer *rig_client(struct rig *r, const char *listener)
{
	return rig_client_of(r, 0, listener);
}

struct peer *rig_tls_client(struct rig *r, const char *listener, struct tls_context *context)
{
	struct peer *p = rig_client(r, listener);

	p->conn = with_tls(p, context);
	rig_run(r);
	return p;
}

struct peer *rig_dialled(struct rig *r, uint32_t n)
{
	if (n >= r->dialled_count)
		fail_msg("only %u connections were opened", r->dialled_count);
	return &r->dialled[n];
}

void peer_say_bytes(struct peer *p, struct str bytes)
{
	assert_non_null(p->conn);
	conn_send_str(p->conn, bytes);
}

void peer_say(struct peer *p, const char *text)
{
	peer_say_bytes(p, str_from(text));
}

void peer_finish(struct peer *p)
{
	conn_shut_write(p->conn);
}

void peer_close(struct peer *p)
{
	if (p->conn)
		conn_close(p->conn);
}

bool peer_is_left(const struct peer *p)
{
	return p->closed || p->eof;
}

const char *peer_heard(struct peer *p)
{
	static char texts[4][8192];
	static int next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "%.*s", STR_ARGS(buf_str(&p->heard)));
	buf_clear(&p->heard);
	return text;
}

/*
 * Resources
 */

void rig_apply(struct rig *r, enum part_kind kind, const char *yaml)
{
	struct part *p = compiled(kind, yaml);
	struct resource_change change = { .kind = kind, .name = p->name, .part = p };
	struct diag d = DIAG_INIT;

	if (resources_apply(&r->resources, &change, 1, 0, &d) < 0)
		fail_msg("%s", d.text);
	part_unref(p);
	diag_fini(&d);
	rig_run(r);
}

void rig_remove(struct rig *r, enum part_kind kind, const char *name)
{
	struct resource_change change = { .kind = kind, .name = str_from(name) };
	struct diag d = DIAG_INIT;

	assert_int_equal(resources_apply(&r->resources, &change, 1, 0, &d), 0);
	rig_run(r);
}

void rig_cluster(struct rig *r, const char *name, const char *ports, const char *more)
{
	struct buf yaml = BUF_INIT(0);
	struct str rest = str_from(ports), port;

	buf_printf(&yaml,
		   "{name: %s, type: STATIC, connect_timeout: 1s, %s\n"
		   " load_assignment: {cluster_name: %s, endpoints: [{lb_endpoints: [",
		   name, more, name);
	while (str_split(&rest, ' ', &port))
		buf_printf(&yaml,
			   "{endpoint: {address: {socket_address: {address: 127.0.0.1, "
			   "port_value: %.*s}}}},",
			   STR_ARGS(port));
	buf_append_str(&yaml, STR("]}]}}"));
	buf_append_char(&yaml, 0);
	rig_apply(r, PART_CLUSTER, buf_str(&yaml).ptr);
	buf_fini(&yaml);
}

void rig_http(struct rig *r, const char *name, const char *routes, const char *manager,
	      const char *listener)
{
	char *yaml = mem_printf(
		"{name: %s, address: {socket_address: {address: 127.0.0.1, port_value: 80}},\n"
		" bind_to_port: false, %s\n"
		" filter_chains: [{filters: [{name: http, typed_config: {" HCM_TYPE
		", stat_prefix: %s, %s\n"
		" http_filters: [" ROUTER "],\n"
		" route_config: {virtual_hosts: [{name: all, domains: ['*'], routes: [\n%s\n"
		"]}]}}}]}]}",
		name, listener, name, manager, routes);

	rig_apply(r, PART_LISTENER, yaml);
	mem_free(yaml);
}

/*
 * Counters
 */

static int64_t count(struct rig *r, enum stat_kind kind, const char *name, uint32_t row)
{
	struct stat_scope *s = map_get(&r->stats.scopes[kind], str_from(name));

	assert_non_null(s);
	return stat_scope_value(s, row);
}

int64_t rig_http_count(struct rig *r, const char *prefix, enum stat_http row)
{
	return count(r, STAT_HTTP, prefix, row);
}

int64_t rig_cluster_count(struct rig *r, const char *name, enum stat_cluster row)
{
	return count(r, STAT_CLUSTER, name, row);
}

void check_contains(const char *text, const char *word, const char *file, int line)
{
	if (strstr(text, word))
		return;
	print_error("\"%s\" is not in:\n%s\n", word, text);
	_fail(file, line);
}

/*
 * The whole
 */

static void on_served(struct snapshots *s, uint64_t number)
{
	resources_served(&container_of(s, struct rig, snapshots)->resources, number);
}

static void rig_group(struct rig *r, uint32_t count)
{
	struct worker_group_options o = {
		.count = count,
		.seed = 42,
		.main_loop = r->loop,
		.one_loop = r->loop,
		.domain = &r->domain,
		.stats = &r->stats,
		.metrics = &r->metrics,
		.limits = {
			.held_max = 2,
			.hold_timeout = WORKER_HOLD_TIMEOUT,
			.connections_max = 1000,
			.endpoint_idle_max = 1000,
			.drain_time = DURATION_SECONDS(10),
		},
	};

	assert_int_equal(worker_group_init(&r->group, &o), 0);
	r->group.dial = dial;
	r->worker = r->group.workers[0];
}

void rig_init_workers(struct rig *r, uint32_t count)
{
	memset(r, 0, sizeof(*r));
	current = r;
	assert_int_equal(loop_new(&r->loop), 0);
	/* The moment at which the tests' certificates are good. */
	loop_set_clock(r->loop, (struct instant){ 1000000000000 },
		       (struct wall_time){ TEST_WALL_SECONDS * 1000000000 });
	shared_domain_init(&r->domain, count);
	stats_init(&r->stats, count);
	metrics_init(&r->metrics, count);
	rig_group(r, count);
	snapshots_init(&r->snapshots, r->loop, &r->domain, r->group.readers);
	r->snapshots.on_served = on_served;
	resources_init(&r->resources, &(struct resources_options){
					      .loop = r->loop,
					      .domain = &r->domain,
					      .stats = &r->stats,
					      .snapshots = &r->snapshots,
				      });
	r->resources.wildcard[PART_LISTENER] = true;
	r->resources.wildcard[PART_CLUSTER] = true;
	snapshots_publish(&r->snapshots);
	rig_run(r);
}

void rig_init(struct rig *r)
{
	rig_init_workers(r, 1);
}

void rig_fini(struct rig *r)
{
	worker_group_stop(&r->group);
	rig_run(r);
	for (uint32_t i = 0; i < r->client_count; i++)
		peer_close(&r->clients[i]);
	for (uint32_t i = 0; i < r->dialled_count; i++)
		peer_close(&r->dialled[i]);
	rig_pass(r, 60000);
	resources_close(&r->resources);
	rig_run(r);
	snapshots_fini(&r->snapshots);
	shared_domain_collect(&r->domain);
	assert_int_equal(r->domain.retired_count, 0);
	resources_fini(&r->resources);
	worker_group_fini(&r->group);
	metrics_fini(&r->metrics);
	stats_fini(&r->stats);
	loop_free(r->loop);
	for (uint32_t i = 0; i < RIG_PEERS_MAX; i++) {
		buf_fini(&r->clients[i].heard);
		buf_fini(&r->dialled[i].heard);
	}
}
