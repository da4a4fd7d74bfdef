/*
 * Documents in, resources out: the state with a real store, its compile graph and its history.
 */

#include "control/state.h"
#include "control/store_private.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "codec/node.h"
#include "codec/pb_message.h"
#include "proto/weft.pb.h"

#include "test.h"

struct mesh {
	char dir[32];
	char path[64];
	struct loop *loop;
	struct store *store;
	struct state *state;
	struct state_watch watch;
	struct buf told;  /* "cds a lds b " of the last change */
	const char *dead; /* a Workload that takes no requests */
	struct diag diag;
};

static bool is_live(void *user, const struct document *workload)
{
	const struct mesh *m = user;

	return !m->dead || !str_eq(workload->name, str_from(m->dead));
}

static void on_resource(struct state_watch *w, enum xds_type type, struct str name)
{
	struct mesh *m = container_of(w, struct mesh, watch);

	buf_printf(&m->told, "%s %.*s\n", xds_types[type].short_name, STR_ARGS(name));
}

static void state_open(struct mesh *m)
{
	struct state_options options = {
		.trust_domain = STR("weft.local"),
		.is_live = is_live,
		.user = m,
	};

	assert_int_equal(store_open(m->path, &m->store, &m->diag), 0);
	assert_int_equal(state_new(m->loop, m->store, &options, &m->state, &m->diag), 0);
	m->watch.on_resource = on_resource;
	state_watch_add(m->state, &m->watch);
}

static void state_shut(struct mesh *m)
{
	state_watch_remove(&m->watch);
	m->state = state_free(m->state);
	m->store = store_close(m->store);
}

static void mesh_open(struct mesh *m)
{
	memset(m, 0, sizeof(*m));
	snprintf(m->dir, sizeof(m->dir), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	snprintf(m->path, sizeof(m->path), "%s/weft.db", m->dir);
	assert_int_equal(loop_new(&m->loop), 0);
	loop_set_clock(m->loop, (struct instant){ 0 }, (struct wall_time){ 0 });
	state_open(m);
}

static void mesh_close(struct mesh *m)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	char file[96];

	state_shut(m);
	loop_free(m->loop);
	for (size_t i = 0; i < array_count(suffixes); i++) {
		snprintf(file, sizeof(file), "%s%s", m->path, suffixes[i]);
		unlink(file);
	}
	assert_int_equal(rmdir(m->dir), 0);
	buf_fini(&m->told);
	diag_fini(&m->diag);
}

#define WRITES_MAX 16

struct request {
	struct state_write writes[WRITES_MAX];
	struct pool pools[WRITES_MAX];
	struct state_change change;
	struct state_result result;
	bool create_only;
};

/* One document per entry of the YAML stream; "kind/ns/name" after "-" deletes. */
static void request_documents(struct request *q, const char *yaml)
{
	struct pool scratch = POOL_INIT(0);
	struct node_documents documents;
	struct diag d = DIAG_INIT;

	assert_int_equal(yaml_parse(str_from(yaml), NULL, &scratch, &documents, &d), 0);
	for (size_t i = 0; i < documents.count; i++) {
		struct state_write *w = &q->writes[q->change.write_count];
		int r;

		w->pool = &q->pools[q->change.write_count++];
		w->create_only = q->create_only;
		pool_init(w->pool, 0);
		r = document_parse(node_copy(w->pool, documents.items[i]),
				   &(struct document_options){ 0 }, w->pool, &w->document, &d);
		if (r < 0)
			fail_msg("%s", d.text);
	}
	q->change.writes = q->writes;
	pool_fini(&scratch);
}

static int run(struct mesh *m, struct request *q)
{
	int r;

	buf_clear(&m->told);
	diag_fini(&m->diag);
	diag_init(&m->diag);
	r = state_apply(m->state, &q->change, &q->result, &m->diag);
	for (size_t i = 0; i < q->change.write_count; i++)
		if (q->writes[i].pool)
			pool_fini(q->writes[i].pool);
	return r;
}

static int apply_as(struct mesh *m, const char *yaml, struct request *q)
{
	q->change.actor = STR("root");
	q->change.message = STR("test");
	request_documents(q, yaml);
	return run(m, q);
}

static int apply(struct mesh *m, const char *yaml)
{
	struct request q = { 0 };

	return apply_as(m, yaml, &q);
}

static int delete (struct mesh *m, enum kind_id kind, const char *name)
{
	struct request q = { 0 };

	q.writes[0] = (struct state_write){
		.kind = kind,
		.name_space = STR("shop"),
		.name = str_from(name),
	};
	q.change = (struct state_change){ .writes = q.writes, .write_count = 1 };
	return run(m, &q);
}

#define SERVICE(name)                                                                  \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: shop}\n" \
	"spec: {selector: {app: " name                                                 \
	"}, ports: [{name: http, port: 9080, appProtocol: http}]}\n"

#define WORKLOAD(name, app, octet)                                                           \
	"apiVersion: weft.dev/v1alpha1\nkind: Workload\n"                                    \
	"metadata: {name: " name ", namespace: shop, labels: {app: " app ", version: v1}}\n" \
	"spec: {address: 127.77.0." octet ", serviceAccount: " app ",\n"                     \
	"  ports: [{name: http, port: 9080, meshPort: 15006, protocol: http}]}\n"

#define ROUTE(weights)                                                                     \
	"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"                      \
	"metadata: {name: reviews, namespace: shop}\n"                                     \
	"spec:\n  parentRefs: [{group: \"\", kind: Service, name: reviews, port: 9080}]\n" \
	"  rules: [{backendRefs: [" weights "]}]\n"

#define LARGE_SERVICE                                                                      \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"app-%u\","   \
	"\"namespace\":\"shop\"},\"spec\":{\"selector\":{\"app\":\"app-%u\"},\"ports\":[{" \
	"\"name\":\"http\",\"port\":9080,\"appProtocol\":\"http\"}]}}"

#define LARGE_WORKLOAD                                                                            \
	"{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"Workload\",\"metadata\":{\"name\":"     \
	"\"w-%u\",\"namespace\":\"shop\",\"labels\":{\"app\":\"app-%u\"}},\"spec\":{\"address\":" \
	"\"10.0.%u.%u\",\"serviceAccount\":\"app-%u\",\"ports\":[{\"name\":\"http\",\"port\":"    \
	"9080,\"meshPort\":15006,\"protocol\":\"http\"}]}}"

static bool lookup(struct mesh *m, enum xds_type type, const char *name, struct str *ret_value)
{
	struct delta_content content;
	struct pb_cursor cursor;
	struct pb_field f;

	if (!graph_lookup(state_graph(m->state), type, str_from(name), STR("shop"), &content))
		return false;
	cursor = pb_cursor_of(content.any);
	while (pb_next(&cursor, &f) == PB_FIELD)
		if (f.number == 2)
			*ret_value = f.bytes;
	return true;
}

#define REVIEWS "reviews.shop.svc.weft.local:9080"

static uint32_t endpoint_count(struct mesh *m)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *cla;
	struct diag d = DIAG_INIT;
	struct str bytes;
	uint32_t count = 0;

	assert_true(lookup(m, XDS_ENDPOINTS, REVIEWS, &bytes));
	assert_int_equal(pb_decode(&pb_ClusterLoadAssignment, bytes, &pool, &cla, NULL, &d), 0);
	for (uint32_t i = 0; i < pb_count(cla, PB_ClusterLoadAssignment_endpoints); i++)
		count += pb_count(pb_sub_at(cla, PB_ClusterLoadAssignment_endpoints, i),
				  PB_LocalityLbEndpoints_lb_endpoints);
	pool_fini(&pool);
	return count;
}

TEST(a_service_becomes_four_resources_of_its_name)
{
	struct mesh m;
	struct str bytes;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_true(lookup(&m, XDS_CLUSTER, REVIEWS, &bytes));
	assert_true(lookup(&m, XDS_ENDPOINTS, REVIEWS, &bytes));
	assert_true(lookup(&m, XDS_LISTENER, REVIEWS, &bytes));
	assert_true(lookup(&m, XDS_ROUTES, REVIEWS, &bytes));
	assert_str_equal(buf_str(&m.told),
			 "CDS " REVIEWS "\nEDS " REVIEWS "\nLDS " REVIEWS "\nRDS " REVIEWS "\n");
	assert_int_equal(state_revision(m.state), 1);
	mesh_close(&m);
}

TEST(a_workload_changes_endpoints_and_its_inbound_listener_only)
{
	struct mesh m;
	struct str bytes;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_int_equal(endpoint_count(&m), 0);
	assert_int_equal(apply(&m, WORKLOAD("reviews-1", "reviews", "1")), 0);
	assert_str_equal(buf_str(&m.told), "LDS inbound/shop/reviews:9080\nEDS " REVIEWS "\n");
	assert_int_equal(endpoint_count(&m), 1);
	assert_int_equal(apply(&m, WORKLOAD("reviews-2", "reviews", "2")), 0);
	assert_str_equal(buf_str(&m.told), "EDS " REVIEWS "\n");
	assert_int_equal(endpoint_count(&m), 2);
	assert_true(lookup(&m, XDS_LISTENER, "inbound/shop/reviews:9080", &bytes));
	assert_int_equal(delete (&m, KIND_WORKLOAD, "reviews-1"), 0);
	assert_int_equal(delete (&m, KIND_WORKLOAD, "reviews-2"), 0);
	assert_int_equal(endpoint_count(&m), 0);
	assert_false(lookup(&m, XDS_LISTENER, "inbound/shop/reviews:9080", &bytes));
	mesh_close(&m);
}

TEST(a_workload_of_an_account_that_may_not_serve_is_no_endpoint)
{
	struct mesh m;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_int_equal(apply(&m,
			       "apiVersion: weft.dev/v1alpha1\nkind: Workload\n"
			       "metadata: {name: evil, namespace: shop, labels: {app: reviews}}\n"
			       "spec: {address: 127.77.0.9, serviceAccount: evil,\n"
			       "  ports: [{port: 9080, meshPort: 15006, protocol: http}]}\n"),
			 0);
	assert_int_equal(endpoint_count(&m), 0);
	mesh_close(&m);
}

TEST(a_route_changes_the_routes_of_its_parent_only)
{
	struct mesh m;
	struct pool pool = POOL_INIT(0);
	struct pb_message *config, *route, *clusters;
	struct diag d = DIAG_INIT;
	struct str bytes;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews") "---\n" SERVICE("reviews-v1") "---\n" SERVICE(
					   "reviews-v2")),
			 0);
	assert_int_equal(apply(&m, ROUTE("{name: reviews-v1, port: 9080, weight: 90},"
					 "{name: reviews-v2, port: 9080, weight: 10}")),
			 0);
	assert_str_equal(buf_str(&m.told), "RDS " REVIEWS "\n");
	assert_true(lookup(&m, XDS_ROUTES, REVIEWS, &bytes));
	assert_int_equal(pb_decode(&pb_RouteConfiguration, bytes, &pool, &config, NULL, &d), 0);
	route = pb_sub_at(pb_sub_at(config, PB_RouteConfiguration_virtual_hosts, 0),
			  PB_VirtualHost_routes, 0);
	clusters = pb_sub(pb_sub(route, PB_Route_route), PB_RouteAction_weighted_clusters);
	assert_int_equal(pb_count(clusters, PB_WeightedCluster_clusters), 2);
	assert_str_equal(pb_text(pb_sub_at(clusters, PB_WeightedCluster_clusters, 0),
				 PB_WeightedCluster_ClusterWeight_name),
			 "reviews-v1.shop.svc.weft.local:9080");
	pool_fini(&pool);
	mesh_close(&m);
}

TEST(the_same_document_again_changes_nothing)
{
	struct mesh m;
	struct request q = { 0 };

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_int_equal(apply_as(&m, SERVICE("reviews"), &q), 0);
	assert_int_equal(q.result.unchanged, 1);
	assert_int_equal(q.result.revision, 0);
	assert_int_equal(state_revision(m.state), 1);
	assert_str_equal(buf_str(&m.told), "");
	mesh_close(&m);
}

TEST(a_route_to_what_does_not_exist_is_refused_and_nothing_changes)
{
	struct mesh m;
	struct request q = { 0 };

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_true(apply(&m, ROUTE("{name: reviews-v9, port: 9080}")) < 0);
	assert_string_equal(m.diag.code, "WEFT1101");
	assert_int_equal(state_revision(m.state), 1);
	assert_null(state_get(m.state, KIND_HTTP_ROUTE, STR("shop"), STR("reviews")));
	q.change.allow_dangling = true;
	assert_int_equal(apply_as(&m, ROUTE("{name: reviews-v9, port: 9080}"), &q), 0);
	assert_int_equal(q.result.findings.count, 1);
	mesh_close(&m);
}

TEST(a_dry_run_says_everything_and_does_nothing)
{
	struct mesh m;
	struct request q = { .change.dry_run = true };
	struct str bytes;

	mesh_open(&m);
	assert_int_equal(apply_as(&m, SERVICE("reviews"), &q), 0);
	assert_int_equal(q.result.created, 1);
	assert_int_equal(q.result.revision, 0);
	assert_int_equal(state_revision(m.state), 0);
	assert_false(lookup(&m, XDS_CLUSTER, REVIEWS, &bytes));
	mesh_close(&m);
}

TEST(everything_is_there_after_a_restart)
{
	struct mesh m;
	struct delta_content before, after;
	struct str version;
	char text[GRAPH_VERSION_LEN + 1];

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews") "---\n" WORKLOAD("r-1", "reviews", "1")), 0);
	assert_true(graph_lookup(state_graph(m.state), XDS_ENDPOINTS, STR(REVIEWS), STR("shop"),
				 &before));
	snprintf(text, sizeof(text), "%.*s", STR_ARGS(before.version));
	state_shut(&m);
	state_open(&m);
	assert_int_equal(state_revision(m.state), 1);
	assert_int_equal(endpoint_count(&m), 1);
	assert_true(graph_lookup(state_graph(m.state), XDS_ENDPOINTS, STR(REVIEWS), STR("shop"),
				 &after));
	version = after.version;
	/* The version is the hash of the bytes: what a proxy holds need not be sent again. */
	assert_str_equal(version, text);
	mesh_close(&m);
}

TEST(a_row_that_contradicts_its_document_is_damage)
{
	static const char *const damages[] = {
		"UPDATE objects SET name = 'other'",     "UPDATE objects SET namespace = 'other'",
		"UPDATE objects SET kind = 'HTTPRoute'", "UPDATE objects SET revision = 2",
		"UPDATE objects SET revision = -1",
	};
	struct state_options options = { .trust_domain = STR("weft.local"), .is_live = is_live };

	for (size_t i = 0; i < array_count(damages); i++) {
		struct state *state = NULL;
		struct mesh m;

		mesh_open(&m);
		options.user = &m;
		assert_int_equal(apply(&m, SERVICE("reviews")), 0);
		assert_int_equal(store_exec(m.store, "SAVEPOINT whole"), 0);
		assert_int_equal(store_exec(m.store, damages[i]), 0);
		assert_int_equal(state_new(m.loop, m.store, &options, &state, &m.diag),
				 ERR_CORRUPT);
		assert_non_null(strstr(m.diag.text, "the store is damaged"));
		assert_int_equal(store_exec(m.store, "ROLLBACK TO whole; RELEASE whole"), 0);
		mesh_close(&m);
	}
}

TEST(what_is_not_live_is_no_endpoint_until_it_is)
{
	struct mesh m;

	mesh_open(&m);
	m.dead = "r-1";
	assert_int_equal(apply(&m, SERVICE("reviews") "---\n" WORKLOAD("r-1", "reviews", "1")), 0);
	assert_int_equal(endpoint_count(&m), 0);
	m.dead = NULL;
	buf_clear(&m.told);
	state_live_changed(m.state, state_get(m.state, KIND_WORKLOAD, STR("shop"), STR("r-1")));
	assert_str_equal(buf_str(&m.told), "EDS " REVIEWS "\n");
	assert_int_equal(endpoint_count(&m), 1);
	mesh_close(&m);
}

TEST(a_service_keeps_its_address_and_two_have_different_ones)
{
	struct mesh m;
	char address[32];
	const struct state_object *a, *b;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews") "---\n" SERVICE("ratings")), 0);
	a = state_get(m.state, KIND_SERVICE, STR("shop"), STR("reviews"));
	b = state_get(m.state, KIND_SERVICE, STR("shop"), STR("ratings"));
	assert_true(str_has_prefix(str_from(a->virtual_address), STR("240.240.")));
	assert_string_not_equal(a->virtual_address, b->virtual_address);
	snprintf(address, sizeof(address), "%s", a->virtual_address);
	assert_int_equal(apply(&m, "apiVersion: v1\nkind: Service\n"
				   "metadata: {name: reviews, namespace: shop}\n"
				   "spec: {selector: {app: other}, ports: [{port: 1}]}\n"),
			 0);
	a = state_get(m.state, KIND_SERVICE, STR("shop"), STR("reviews"));
	assert_string_equal(a->virtual_address, address);
	/* Deleted and made again it has its own again. */
	assert_int_equal(delete (&m, KIND_SERVICE, "reviews"), 0);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	a = state_get(m.state, KIND_SERVICE, STR("shop"), STR("reviews"));
	assert_string_equal(a->virtual_address, address);
	mesh_close(&m);
}

TEST(a_change_of_an_older_version_is_a_conflict)
{
	struct mesh m;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_int_equal(apply(&m, "apiVersion: v1\nkind: Service\n"
				   "metadata: {name: reviews, namespace: shop, "
				   "resourceVersion: \"7\"}\n"
				   "spec: {selector: {app: x}, ports: [{port: 1}]}\n"),
			 ERR_CONFLICT);
	mesh_close(&m);
}

TEST(a_registration_makes_no_revision_and_changes_no_existing_service)
{
	struct mesh m;
	struct request q = { .change = { .origin = STATE_REGISTERED }, .create_only = true };
	const struct state_object *o;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews")), 0);
	assert_int_equal(apply_as(&m,
				  "apiVersion: v1\nkind: Service\n"
				  "metadata: {name: reviews, namespace: shop}\n"
				  "spec: {selector: {app: z}, ports: [{port: 1}]}\n"
				  "---\n" SERVICE("ratings"),
				  &q),
			 0);
	assert_int_equal(q.result.created, 1);
	assert_int_equal(q.result.unchanged, 1);
	assert_int_equal(state_revision(m.state), 1);
	o = state_get(m.state, KIND_SERVICE, STR("shop"), STR("reviews"));
	assert_int_equal(o->document->service->ports[0].port, 9080);
	mesh_close(&m);
}

TEST(a_route_of_another_namespace_is_for_its_clients_only)
{
	struct mesh m;
	struct delta_content producer, consumer;

	mesh_open(&m);
	assert_int_equal(apply(&m, SERVICE("reviews") "---\n" SERVICE("reviews-v1")), 0);
	assert_int_equal(apply(&m, "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
				   "metadata: {name: mine, namespace: batch}\nspec:\n"
				   "  parentRefs: [{group: \"\", kind: Service, name: reviews, "
				   "namespace: shop, port: 9080}]\n"
				   "  rules: [{timeouts: {request: 1s}, backendRefs: "
				   "[{name: reviews-v1, namespace: shop, port: 9080}]}]\n"),
			 0);
	assert_str_equal(buf_str(&m.told), "RDS " REVIEWS "\n");
	assert_true(graph_lookup(state_graph(m.state), XDS_ROUTES, STR(REVIEWS), STR("shop"),
				 &producer));
	assert_true(graph_lookup(state_graph(m.state), XDS_ROUTES, STR(REVIEWS), STR("batch"),
				 &consumer));
	assert_false(str_eq(producer.version, consumer.version));
	mesh_close(&m);
}

#define LARGE_SERVICES  2000
#define LARGE_WORKLOADS 5000

/* Everything of a large mesh in one change. */
static void apply_large(struct mesh *m)
{
	size_t count = LARGE_SERVICES + LARGE_WORKLOADS;
	struct state_write *writes = mem_new_array(struct state_write, count);
	struct pool *pools = mem_new_array(struct pool, count);
	struct state_change change = { .writes = writes, .write_count = count };
	struct state_result result;

	for (size_t i = 0; i < count; i++) {
		bool is_service = i < LARGE_SERVICES;
		unsigned n = (unsigned)(is_service ? i : i - LARGE_SERVICES);
		unsigned app = n % LARGE_SERVICES;
		char *text = is_service ? mem_printf(LARGE_SERVICE, app, app)
					: mem_printf(LARGE_WORKLOAD, n, app, n / 250, n % 250, app);
		struct node *root;

		writes[i].pool = &pools[i];
		assert_int_equal(json_parse(str_from(text), NULL, &pools[i], &root, &m->diag), 0);
		assert_int_equal(document_parse(root, &(struct document_options){ 0 }, &pools[i],
						&writes[i].document, &m->diag),
				 0);
		mem_free(text);
	}
	assert_int_equal(state_apply(m->state, &change, &result, &m->diag), 0);
	for (size_t i = 0; i < count; i++)
		pool_fini(&pools[i]);
	mem_free(writes);
	mem_free(pools);
}

TEST(in_a_large_mesh_a_change_builds_what_it_touches_and_tells_what_differs)
{
	struct mesh m;
	uint64_t built;

	mesh_open(&m);
	apply_large(&m);
	built = state_graph(m.state)->built;
	/* Four of each Service, and the inbound listener of each class of workloads. */
	assert_int_equal(built, LARGE_SERVICES * 4 + LARGE_SERVICES);
	assert_int_equal(state_graph(m.state)->changed, built);
	/* One Workload more: its Service and its class, of which the endpoints differ. */
	assert_int_equal(apply(&m, WORKLOAD("one-more", "app-7", "1")), 0);
	assert_int_equal(state_graph(m.state)->built, built + 5);
	assert_str_equal(buf_str(&m.told), "EDS app-7.shop.svc.weft.local:9080\n");
	/* The same again: nothing. */
	assert_int_equal(apply(&m, WORKLOAD("one-more", "app-7", "1")), 0);
	assert_int_equal(state_graph(m.state)->built, built + 5);
	mesh_close(&m);
}
