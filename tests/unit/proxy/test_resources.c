#include "rig.h"

#include "base/mem.h"
#include "model/fixture.h"
#include "model/yaml.h"
#include "proxy/cluster_state.h"
#include "proxy/listener_state.h"

static struct rig r;

/* What the handler was told, as "+kind name" and "-kind name" and "=revision". */
static char told[1024];

static void on_want(void *user, enum part_kind kind, struct str name, bool wanted)
{
	static const char *const kinds[] = { "lds", "rds", "cds", "eds", "sds" };
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s%s%s %.*s", len ? ", " : "", wanted ? "+" : "-",
		 kinds[kind], STR_ARGS(name));
}

static void on_applied(void *user, uint64_t revision)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s=%llu", len ? ", " : "",
		 (unsigned long long)revision);
}

static const struct resources_handler handler = { on_want, on_applied };

static void assert_told(const char *text)
{
	assert_string_equal(told, text);
	told[0] = 0;
}

static void begin(void)
{
	told[0] = 0;
	rig_init(&r);
	r.resources.wildcard[PART_LISTENER] = false;
	r.resources.wildcard[PART_CLUSTER] = false;
	resources_set_handler(&r.resources, &handler, NULL);
}

static void apply_at(enum part_kind kind, const char *yaml, uint64_t revision)
{
	struct part *p = compiled(kind, yaml);
	struct resource_change change = { .kind = kind, .name = p->name, .part = p };
	struct diag d = DIAG_INIT;

	assert_int_equal(resources_apply(&r.resources, &change, 1, revision, &d), 0);
	part_unref(p);
	rig_run(&r);
}

#define LISTENER_RDS(routes)                                                                     \
	"{name: l, " ADDRESS_FLOW ", bind_to_port: false, filter_chains: [{filters: ["           \
	"{name: http, typed_config: {" HCM_TYPE ", stat_prefix: s, http_filters: [" ROUTER "], " \
	"rds: {route_config_name: " routes ", config_source: {ads: {}}}}}]}]}"
#define ADDRESS_FLOW "address: {socket_address: {address: 127.0.0.1, port_value: 80}}"
#define ROUTES(name, cluster)                                           \
	"{name: " name ", virtual_hosts: [{name: all, domains: ['*'], " \
	"routes: [{match: {prefix: '/'}, route: {cluster: " cluster "}}]}]}"
#define CLUSTER_EDS(name) "{name: " name ", type: EDS, eds_cluster_config: {eds_config: {ads: {}}}}"
#define ENDPOINTS(name, port)                                                        \
	"{cluster_name: " name ", endpoints: [{lb_endpoints: [{endpoint: {address: " \
	"{socket_address: {address: 127.0.0.1, port_value: " port "}}}}]}]}"

static struct cluster_state *cluster_at(const char *name)
{
	uint32_t slot = slots_find(&r.resources.cluster_slots, str_from(name));

	return cluster_state_of(snapshot_get(r.snapshots.current, SNAPSHOT_CLUSTERS, slot));
}

static struct listener_state *listener_at(const char *name)
{
	uint32_t slot = slots_find(&r.resources.listener_slots, str_from(name));

	return slot == SLOT_NONE ? NULL
				 : listener_state_of(snapshot_get(r.snapshots.current,
								  SNAPSHOT_LISTENERS, slot));
}

TEST(a_wanted_listener_pulls_what_it_needs_and_warms)
{
	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	rig_run(&r);
	assert_told("+lds l");
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 1);
	assert_told("+rds routes");
	assert_null(listener_at("l"));
	apply_at(PART_ROUTES, ROUTES("routes", "reviews"), 2);
	assert_told("+cds reviews");
	apply_at(PART_CLUSTER, CLUSTER_EDS("reviews"), 3);
	assert_told("+eds reviews");
	assert_null(cluster_at("reviews"));
	apply_at(PART_ENDPOINTS, ENDPOINTS("reviews", "1001"), 4);
	/* All of it in one snapshot, and only now is any revision whole. */
	assert_told("=4");
	assert_non_null(listener_at("l"));
	assert_int_equal(cluster_state_host_count(cluster_at("reviews")), 1);
	rig_fini(&r);
}

TEST(what_is_known_not_to_exist_is_not_waited_for)
{
	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 0);
	apply_at(PART_ROUTES, ROUTES("routes", "reviews"), 0);
	assert_null(listener_at("l"));
	rig_remove(&r, PART_CLUSTER, "reviews");
	assert_non_null(listener_at("l"));
	rig_fini(&r);
}

TEST(routes_wait_a_second_for_a_cluster_and_a_listener_longer)
{
	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 1);
	apply_at(PART_ROUTES, ROUTES("routes", "reviews"), 2);
	rig_pass(&r, 1100);
	/* The routes are there; the listener needs no more than them. */
	assert_non_null(listener_at("l"));
	rig_fini(&r);

	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 1);
	rig_pass(&r, 14000);
	assert_null(listener_at("l"));
	assert_int_equal(r.resources.revision_applied, 0);
	rig_pass(&r, 1100);
	assert_non_null(listener_at("l"));
	assert_int_equal(r.resources.revision_applied, 1);
	rig_fini(&r);
}

TEST(an_update_waits_while_the_old_one_serves)
{
	struct listener_state *old;

	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 1);
	apply_at(PART_ROUTES, ROUTES("routes", "a"), 1);
	rig_remove(&r, PART_CLUSTER, "a");
	old = listener_at("l");
	assert_non_null(old);
	apply_at(PART_LISTENER, LISTENER_RDS("others"), 2);
	assert_ptr_equal(listener_at("l"), old);
	assert_int_equal(r.resources.staged_count, 1);
	apply_at(PART_ROUTES, ROUTES("others", "a"), 2);
	assert_ptr_not_equal(listener_at("l"), old);
	assert_int_equal(r.resources.staged_count, 0);
	rig_fini(&r);
}

TEST(an_endpoint_change_replaces_one_cluster_and_keeps_its_hosts)
{
	struct cluster_state *before;
	struct host *host;

	begin();
	resources_want(&r.resources, PART_CLUSTER, STR("a"));
	resources_want(&r.resources, PART_CLUSTER, STR("b"));
	apply_at(PART_CLUSTER, CLUSTER_EDS("a"), 0);
	apply_at(PART_CLUSTER, CLUSTER_EDS("b"), 0);
	apply_at(PART_ENDPOINTS, ENDPOINTS("a", "1001"), 0);
	apply_at(PART_ENDPOINTS, ENDPOINTS("b", "1002"), 0);
	before = cluster_at("b");
	host = cluster_at("a")->hosts[0];
	apply_at(PART_ENDPOINTS,
		 "{cluster_name: a, endpoints: [{lb_endpoints: ["
		 "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1003}}}},"
		 "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: "
		 "1001}}}}]}]}",
		 0);
	assert_ptr_equal(cluster_at("b"), before);
	assert_int_equal(cluster_state_host_count(cluster_at("a")), 2);
	assert_ptr_equal(cluster_at("a")->hosts[1], host);
	rig_fini(&r);
}

TEST(what_nobody_wants_leaves_after_a_while)
{
	begin();
	resources_want(&r.resources, PART_LISTENER, STR("l"));
	apply_at(PART_LISTENER, LISTENER_RDS("routes"), 0);
	apply_at(PART_ROUTES, ROUTES("routes", "a"), 0);
	rig_remove(&r, PART_CLUSTER, "a");
	told[0] = 0;
	resources_unwant(&r.resources, PART_LISTENER, STR("l"));
	rig_pass(&r, 9000);
	assert_told("");
	assert_non_null(listener_at("l"));
	rig_pass(&r, 1500);
	assert_told("-lds l");
	assert_null(listener_at("l"));
	rig_pass(&r, 10500);
	assert_told("-rds routes");
	rig_pass(&r, 10500);
	assert_told("-cds a");
	rig_fini(&r);
}

TEST(wanting_again_in_time_changes_nothing)
{
	begin();
	resources_want(&r.resources, PART_CLUSTER, STR("a"));
	apply_at(PART_CLUSTER, CLUSTER_EDS("a"), 0);
	apply_at(PART_ENDPOINTS, ENDPOINTS("a", "1001"), 0);
	told[0] = 0;
	resources_unwant(&r.resources, PART_CLUSTER, STR("a"));
	rig_pass(&r, 5000);
	resources_want(&r.resources, PART_CLUSTER, STR("a"));
	rig_pass(&r, 30000);
	assert_told("");
	assert_non_null(cluster_at("a"));
	rig_fini(&r);
}

TEST(a_revision_is_applied_when_the_workers_serve_it)
{
	struct part *p;
	struct resource_change change;
	struct diag d = DIAG_INIT;

	begin();
	resources_want(&r.resources, PART_CLUSTER, STR("a"));
	p = compiled(PART_CLUSTER, "{name: a, type: STATIC, load_assignment: {cluster_name: a}}");
	change = (struct resource_change){ .kind = PART_CLUSTER, .name = p->name, .part = p };
	assert_int_equal(resources_apply(&r.resources, &change, 1, 7, &d), 0);
	part_unref(p);
	assert_int_equal(r.resources.revision_applied, 0);
	rig_run(&r);
	assert_told("+cds a, =7");
	/* A change that brings nothing new is whole at once. */
	assert_int_equal(resources_apply(&r.resources, NULL, 0, 8, &d), 0);
	assert_told("=8");
	rig_fini(&r);
}

TEST(a_cluster_without_its_secrets_refuses_to_connect)
{
	struct peer *client;

	begin();
	resources_want(&r.resources, PART_CLUSTER, STR("a"));
	apply_at(PART_CLUSTER,
		 "{name: a, type: STATIC, load_assignment: {cluster_name: a, endpoints: [{"
		 "lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, "
		 "port_value: 1001}}}}]}]}, transport_socket: {name: tls, typed_config: {"
		 "'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
		 "UpstreamTlsContext, common_tls_context: {tls_certificate_sds_secret_configs: ["
		 "{name: default}], validation_context_sds_secret_config: {name: ROOTCA}}}}}",
		 0);
	assert_told("+cds a, +sds default, +sds ROOTCA");
	assert_null(cluster_at("a"));
	rig_pass(&r, 15100);
	assert_true(cluster_at("a")->tls.missing);
	r.resources.wildcard[PART_LISTENER] = true;
	rig_http(&r, "web", "{match: {prefix: '/'}, route: {cluster: a}}", "", "");
	client = rig_client(&r, "web");
	peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "503");
	assert_int_equal(r.dialled_count, 0);
	rig_fini(&r);
}

TEST(a_socket_that_cannot_be_opened_is_told)
{
	struct part *p;
	struct resource_change change;
	struct diag d = DIAG_INIT;

	begin();
	p = compiled(PART_LISTENER,
		     "{name: l, address: {socket_address: {address: 203.0.113.7, port_value: 1}}, "
		     "filter_chains: [{filters: [" HCM("") "]}]}");
	change = (struct resource_change){ .kind = PART_LISTENER, .name = p->name, .part = p };
	assert_true(resources_apply(&r.resources, &change, 1, 0, &d) < 0);
	assert_contains(d.text, "cannot listen on 203.0.113.7:1");
	diag_fini(&d);
	part_unref(p);
	rig_fini(&r);
}
