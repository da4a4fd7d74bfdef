/*
 * The link to the control plane at the beginning and at the end: when what an earlier process kept
 * is used, and when not
 */

#include "rig.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "identity/svid.h"
#include "model/fixture.h"
#include "net/certs.h"
#include "net/memory_conn.h"
#include "proxy/mesh_link.h"
#include "xds/server.h"

#define ID "spiffe://weft.local/ns/shop/sa/web"
#define CLUSTER(timeout)                                                            \
	"{name: one, type: STATIC, connect_timeout: " timeout ", load_assignment: " \
	"{cluster_name: one}}"

/* How the control plane takes a connection. */
enum control { NOBODY, SILENT, ANSWERS };

struct place {
	struct rig r;
	struct random random;
	struct bootstrap *bootstrap;
	struct mesh_link *link;
	char base[64];
	char *dir;
	char *file;
	bool stopped;

	enum control control;
	bool refuses;
	const char *version; /* of the only resource, cluster "one" */
	const char *yaml;
	struct xds_server server;
	struct grpc_service service;
	struct http_server_conn *server_conn;
	struct conn *silent;
	struct pool pool;
	struct buf any;
};

/*
 * The control plane
 */

static int on_node(struct delta_stream *s, unused_arg struct str node, struct diag *d)
{
	const struct place *p = xds_stream_of(s)->server->user;

	return p->refuses ? diag_fail(d, ERR_DENIED, "not you") : 0;
}

static bool on_lookup(struct delta_stream *s, enum xds_type type, struct str name,
		      struct delta_content *ret_content)
{
	struct place *p = xds_stream_of(s)->server->user;

	if (type != XDS_CLUSTER || !str_eq(name, STR("one")))
		return false;
	buf_clear(&p->any);
	pb_write_bytes(&p->any, 1, xds_types[XDS_CLUSTER].url);
	pb_write_bytes(&p->any, 2, encoded(&p->pool, PART_CLUSTER, p->yaml));
	*ret_content = (struct delta_content){ str_from(p->version), buf_str(&p->any) };
	return true;
}

static void on_list(unused_arg struct delta_stream *s, unused_arg enum xds_type type)
{
}

static uint64_t revision(unused_arg struct delta_stream *s)
{
	return 9;
}

static void on_stream_closed(unused_arg struct xds_stream *s)
{
}

static const struct xds_server_callbacks server_callbacks = {
	.source = { .on_node = on_node,
		    .on_lookup = on_lookup,
		    .on_list = on_list,
		    .revision = revision },
	.on_closed = on_stream_closed,
};

static void on_begin(struct grpc_call *call, unused_arg const struct headers *h)
{
	xds_server_accept(&((struct place *)grpc_call_service_user(call))->server, call);
}

static const struct grpc_method methods[] = {
	{ .path = STR_INIT(XDS_METHOD_PATH), .on_begin = on_begin },
};

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct place *p = http_server_conn_user(http_server_conn_of(s));

	grpc_serve_take(&p->service, s, h, end);
}

static void on_http_closed(unused_arg struct stream *s, unused_arg enum stream_reset r)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_http_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_server_conn_closed(struct http_server_conn *hc)
{
	((struct place *)http_server_conn_user(hc))->server_conn = NULL;
}

static const struct http_server_handler http_handler = {
	.on_stream = on_stream,
	.on_closed = on_server_conn_closed,
};

static void on_silent_closed(struct conn *c)
{
	((struct place *)c->user)->silent = NULL;
}

static void on_silent_data(struct conn *c)
{
	conn_consume(c, conn_input(c).len);
}

static const struct conn_handler silent_handler = {
	.on_data = on_silent_data,
	.on_closed = on_silent_closed,
};

static struct conn *on_connect(void *user)
{
	static const struct http_server_options options = { .codec = HTTP_CODEC_HTTP2 };
	struct place *p = user;
	struct memory_conn_options how = { .connecting = p->control == NOBODY };
	struct conn *near, *far;

	memory_conn_pair(p->r.loop, &p->r.worker->chunks, &how, &near, &far);
	if (p->control == ANSWERS) {
		p->server_conn = http_server_conn_open_take(far, &options, &http_handler, p);
		return near;
	}
	memory_conn_use(far, &silent_handler, p);
	p->silent = far;
	if (p->control == NOBODY)
		memory_conn_establish(near, -ECONNREFUSED);
	return near;
}

/*
 * The proxy
 */

static void save_svid(const char *dir)
{
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	const struct svid_parts parts = { str_from(leaf->key_pem), str_from(leaf->chain_pem),
					  str_from(root->pem) };
	struct svid *s;

	assert_int_equal(svid_new(&parts, STR(ID),
				  (struct wall_time){ TEST_WALL_SECONDS * 1000000000 }, &s, NULL),
			 0);
	assert_int_equal(svid_save(s, dir), 0);
	svid_unref(s);
	test_cert_free(leaf);
	test_cert_free(root);
}

/* What the process before this one kept: cluster "one" in version 1. */
static void save_resources(struct place *p)
{
	const struct kept_owner owner = { STR_INIT("shop/web-1"), STR_INIT(ID) };
	const struct kept_resource r = {
		.type = XDS_CLUSTER,
		.name = STR_INIT("one"),
		.version = STR_INIT("1"),
		.bytes = encoded(&p->pool, PART_CLUSTER, CLUSTER("1s")),
	};
	struct buf file = BUF_INIT(0);

	kept_begin(&file, &owner, 7);
	kept_add(&file, &r);
	assert_int_equal(kept_finish(&file), 0);
	assert_int_equal(file_write_atomic(p->file, buf_str(&file), 0600), 0);
	buf_fini(&file);
}

static void make_bootstrap(struct place *p)
{
	struct buf yaml = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	buf_printf(&yaml,
		   "node: {id: shop/web-1, metadata: {weft.dev: {service: web, identity: {"
		   "spiffeId: '" ID "', certificateSocket: 'unix:%s/nobody', directory: '%s'}}}}\n"
		   "dynamic_resources: {ads_config: {api_type: DELTA_GRPC, "
		   "transport_api_version: V3, "
		   "grpc_services: [{envoy_grpc: {cluster_name: control}}]}}\n"
		   "static_resources: {clusters: [{name: control, type: STATIC, "
		   "load_assignment: {cluster_name: control, endpoints: [{lb_endpoints: ["
		   "{endpoint: {address: {socket_address: {address: 127.0.0.1, "
		   "port_value: 9}}}}]}]}}]}\n",
		   p->dir, p->dir);
	if (bootstrap_parse("b.yaml", buf_str(&yaml), &p->bootstrap, &d) < 0)
		fail_msg("%s: %s", d.path ? d.path : "", d.text);
	buf_fini(&yaml);
}

static void place_init(struct place *p, enum control control)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->base, sizeof(p->base), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(p->base));
	p->dir = mem_printf("%s/id", p->base);
	p->file = mem_printf("%s/" KEEPER_FILE, p->dir);
	p->control = control;
	p->version = "1";
	p->yaml = CLUSTER("1s");
	rig_init(&p->r);
	p->r.resources.wildcard[PART_LISTENER] = p->r.resources.wildcard[PART_CLUSTER] = false;
	random_init(&p->random, 1);
	p->service = (struct grpc_service){ methods, array_count(methods), p };
	xds_server_init(&p->server, p->r.loop, &server_callbacks, p);
	save_svid(p->dir);
	save_resources(p);
	make_bootstrap(p);
}

static void link_begin(struct place *p)
{
	struct diag d = DIAG_INIT;
	const struct mesh_link_options options = {
		.loop = p->r.loop,
		.chunks = &p->r.worker->chunks,
		.random = &p->random,
		.bootstrap = p->bootstrap,
		.resources = &p->r.resources,
		.metrics = &p->r.metrics,
		.connect = on_connect,
		.connect_user = p,
	};

	if (mesh_link_new(&options, &p->link, &d) < 0)
		fail_msg("%s", d.text);
	resources_want(&p->r.resources, PART_CLUSTER, STR("one"));
	mesh_link_start(p->link);
	/* Timers that start timers are due a turn later. */
	for (int i = 0; i < 5; i++)
		rig_pass(&p->r, 1);
}

static void on_stopped(void *user)
{
	((struct place *)user)->stopped = true;
}

static void link_end(struct place *p)
{
	mesh_link_stop(p->link, on_stopped, p);
	rig_run(&p->r);
	if (!p->stopped)
		rig_pass(&p->r, 600);
	assert_true(p->stopped);
	resources_set_handler(&p->r.resources, NULL, NULL);
	p->link = mesh_link_free(p->link);
}

static void place_fini(struct place *p)
{
	char *key = mem_printf("%s/" SVID_FILE, p->dir);

	link_end(p);
	if (p->server_conn)
		http_server_conn_close(p->server_conn);
	if (p->silent)
		conn_close(p->silent);
	rig_run(&p->r);
	xds_server_fini(&p->server);
	rig_fini(&p->r);
	bootstrap_free(p->bootstrap);
	pool_fini(&p->pool);
	buf_fini(&p->any);
	unlink(p->file);
	unlink(key);
	assert_int_equal(rmdir(p->dir), 0);
	assert_int_equal(rmdir(p->base), 0);
	mem_free(key);
	mem_free(p->dir);
	mem_free(p->file);
}

/* "none", "kept 1", "fresh 2". */
static const char *served(struct place *p)
{
	static char text[64];
	struct resource *e = map_get(&p->r.resources.by_name[PART_CLUSTER], STR("one"));
	struct part *part = e ? resource_active(e) : NULL;

	if (!part)
		return "none";
	snprintf(text, sizeof(text), "%s %.*s", part->kept ? "kept" : "fresh",
		 STR_ARGS(part->version));
	return text;
}

TEST(where_nobody_listens_what_was_kept_serves_at_once)
{
	struct place p;

	place_init(&p, NOBODY);
	link_begin(&p);
	assert_string_equal(served(&p), "kept 1");
	assert_true(mesh_link_is_ready(p.link));
	assert_int_equal(p.r.resources.revision_received, 7);
	assert_int_equal(mesh_link_stats(p.link).kept.used, 1);
	place_fini(&p);
}

TEST(an_answer_is_waited_for_a_second_and_no_longer)
{
	struct place p;

	place_init(&p, SILENT);
	link_begin(&p);
	rig_pass(&p.r, 900);
	assert_string_equal(served(&p), "none");
	assert_false(mesh_link_is_ready(p.link));
	rig_pass(&p.r, 200);
	assert_string_equal(served(&p), "kept 1");
	place_fini(&p);
}

TEST(a_control_plane_that_answers_is_asked_for_everything)
{
	struct place p;

	place_init(&p, ANSWERS);
	link_begin(&p);
	assert_string_equal(served(&p), "fresh 1");
	p.control = NOBODY;
	http_server_conn_close(p.server_conn);
	rig_pass(&p.r, 20000);
	assert_string_equal(served(&p), "fresh 1");
	assert_int_equal(mesh_link_stats(p.link).kept.used, 0);
	place_fini(&p);
}

TEST(a_refusal_is_an_answer_and_nothing_kept_is_used)
{
	struct place p;

	place_init(&p, ANSWERS);
	p.refuses = true;
	link_begin(&p);
	rig_pass(&p.r, 3000);
	p.control = NOBODY;
	rig_pass(&p.r, 20000);
	assert_string_equal(served(&p), "none");
	assert_false(mesh_link_is_ready(p.link));
	p.refuses = false;
	p.control = ANSWERS;
	rig_pass(&p.r, 20000);
	assert_string_equal(served(&p), "fresh 1");
	place_fini(&p);
}

TEST(what_was_kept_is_not_sent_again_and_an_answer_replaces_it)
{
	struct place p;

	place_init(&p, NOBODY);
	link_begin(&p);
	p.control = ANSWERS;
	rig_pass(&p.r, 2000);
	assert_true(mesh_link_stats(p.link).connected);
	assert_string_equal(served(&p), "kept 1");
	assert_int_equal(mesh_link_stats(p.link).xds.delta.resources, 0);
	p.version = "2";
	p.yaml = CLUSTER("2s");
	xds_server_changed(&p.server, XDS_CLUSTER, STR("one"));
	rig_pass(&p.r, 2000);
	assert_string_equal(served(&p), "fresh 2");
	assert_int_equal(mesh_link_stats(p.link).xds.delta.unchanged, 0);
	assert_int_equal(mesh_link_stats(p.link).kept.writes, 1);
	place_fini(&p);
}

TEST(without_anything_kept_the_control_plane_is_waited_for)
{
	struct place p;

	place_init(&p, NOBODY);
	assert_int_equal(unlink(p.file), 0);
	link_begin(&p);
	rig_pass(&p.r, 3000);
	assert_false(mesh_link_is_ready(p.link));
	p.control = ANSWERS;
	rig_pass(&p.r, 2000);
	assert_string_equal(served(&p), "fresh 1");
	assert_true(mesh_link_is_ready(p.link));
	place_fini(&p);
}

TEST(a_control_plane_on_this_machine_that_is_back_is_found_within_a_second)
{
	struct place p;

	place_init(&p, NOBODY);
	link_begin(&p);
	rig_pass(&p.r, 60000);
	p.control = ANSWERS;
	rig_pass(&p.r, 1000);
	assert_true(mesh_link_stats(p.link).connected);
	place_fini(&p);
}
