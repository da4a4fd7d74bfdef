#include "cli/run_documents.h"

#include "base/error.h"
#include "mesh/document.h"
#include "model/bootstrap.h"
#include "test.h"

/* A plan as it is when the sockets are open. */
struct plan {
	struct run_plan plan;
	struct run_port ports[2];
	struct run_upstream upstreams[1];
};

static struct address address_of(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(str_from(text), &a), 0);
	return a;
}

static void plan_init(struct plan *p)
{
	*p = (struct plan){
		.plan = {
			.name_space = STR("shop"),
			.service = STR("reviews"),
			.version = STR("v2"),
			.workload = STR("reviews-v2-x7k2p"),
			.port_count = 2,
			.upstream_count = 1,
			.trust_domain = STR("weft.local"),
			.xds_address = STR("0.0.0.0:15012"),
			.socket = STR("/run/weft/control.sock"),
			.dir = STR("/run/weft/run-abc"),
		},
		.ports = {
			{ .number = 9080, .protocol = PROTOCOL_HTTP },
			{ .number = 9090, .protocol = PROTOCOL_TCP },
		},
		.upstreams = {
			{ .name = STR("ratings"), .name_space = STR("shop"), .port = 9080 },
		},
	};
	p->ports[0].program = address_of("127.77.1.3:9080");
	p->ports[0].mesh = address_of("127.77.1.4:40001");
	p->ports[1].program = address_of("127.77.1.3:9090");
	p->ports[1].mesh = address_of("127.77.1.4:40002");
	p->upstreams[0].address = address_of("127.77.1.3:9101");
	p->plan.address = address_of("127.77.1.3:0");
	p->plan.ports = p->ports;
	p->plan.upstreams = p->upstreams;
}

static struct bootstrap *bootstrap_of(const struct run_plan *p)
{
	struct buf text = BUF_INIT(0), problem = BUF_INIT(0);
	struct bootstrap *b = NULL;
	struct diag d = DIAG_INIT;

	run_bootstrap(p, &text);
	if (bootstrap_parse("bootstrap.json", buf_str(&text), &b, &d) < 0) {
		diag_format(&d, &problem);
		fail_msg("%.*s\n%.*s", STR_ARGS(buf_str(&problem)), STR_ARGS(buf_str(&text)));
	}
	assert_int_equal(b->warnings, 0);
	buf_fini(&text);
	return b;
}

TEST(the_bootstrap_is_what_a_proxy_reads)
{
	struct bootstrap *b;
	struct plan p;

	plan_init(&p);
	b = bootstrap_of(&p.plan);
	assert_str_equal(b->node_id, "shop/reviews-v2-x7k2p");
	assert_str_equal(b->service, "reviews");
	assert_str_equal(b->service_version, "v2");
	assert_str_equal(b->ads_cluster, "weft-control");
	assert_string_equal(address_text(&b->admin), "unix:/run/weft/run-abc/admin.sock");
	assert_str_equal(b->identity.spiffe_id, "spiffe://weft.local/ns/shop/sa/reviews");
	assert_string_equal(address_text(&b->identity.address), "unix:/run/weft/control.sock");
	assert_str_equal(b->identity.directory, "/run/weft/run-abc/identity");
	assert_int_equal(b->clusters.count, 3);
	assert_str_equal(b->clusters.items[0]->name, "local/9080");
	assert_str_equal(b->clusters.items[1]->name, "local/9090");
	bootstrap_free(b);
}

TEST(each_socket_is_bound_to_its_listener_by_name)
{
	static const struct {
		const char *listener;
		const char *address;
		const char *descriptor;
	} expected[] = {
		{ "inbound/shop/reviews:9080", "127.77.1.4:40001", "mesh-9080" },
		{ "inbound/shop/reviews:9090", "127.77.1.4:40002", "mesh-9090" },
		{ "ratings.shop.svc.weft.local:9080", "127.77.1.3:9101", "upstream-0" },
	};
	struct bootstrap *b;
	struct plan p;

	plan_init(&p);
	b = bootstrap_of(&p.plan);
	assert_int_equal(b->binding_count, array_count(expected));
	for (size_t i = 0; i < array_count(expected); i++) {
		assert_str_equal(b->bindings[i].listener_name, expected[i].listener);
		assert_string_equal(address_text(&b->bindings[i].address), expected[i].address);
		assert_str_equal(b->bindings[i].inherited_name, expected[i].descriptor);
	}
	bootstrap_free(b);
}

TEST(a_program_without_ports_has_a_bootstrap_too)
{
	struct bootstrap *b;
	struct plan p;

	plan_init(&p);
	p.plan.port_count = p.plan.upstream_count = 0;
	p.plan.version = STR("");
	p.plan.xds_address = STR("[::]:15012");
	b = bootstrap_of(&p.plan);
	assert_int_equal(b->clusters.count, 1);
	assert_int_equal(b->binding_count, 0);
	bootstrap_free(b);
}

static void documents_of(const struct run_plan *p, bool ready, struct pool *pool,
			 struct documents *documents)
{
	struct document_options options = { 0 };
	struct buf text = BUF_INIT(0), problem = BUF_INIT(0);
	struct diag d = DIAG_INIT;

	run_registration(p, ready, &text);
	if (documents_parse(pool_strdup(pool, buf_str(&text)), &options, pool, documents, &d) < 0) {
		diag_format(&d, &problem);
		fail_msg("%.*s", STR_ARGS(buf_str(&problem)));
	}
	buf_fini(&text);
}

TEST(a_registration_is_valid_documents)
{
	struct documents documents = { 0 };
	struct pool pool = POOL_INIT(0);
	const struct workload *w;
	struct plan p;

	plan_init(&p);
	documents_of(&p.plan, false, &pool, &documents);
	assert_int_equal(documents.count, 3);
	assert_str_equal(documents.items[0]->name, "reviews");
	assert_int_equal(documents.items[0]->service->selector.count, 1);
	assert_int_equal(documents.items[0]->service->ports[0].protocol, PROTOCOL_HTTP);
	assert_int_equal(documents.items[0]->service->ports[1].protocol, PROTOCOL_TCP);
	assert_str_equal(documents.items[1]->name, "reviews-v2");
	assert_int_equal(documents.items[1]->service->selector.count, 2);
	w = documents.items[2]->workload;
	assert_str_equal(w->account, "reviews");
	assert_int_equal(w->readiness, WORKLOAD_STARTING);
	assert_string_equal(address_text(&w->address), "127.77.1.4:0");
	assert_int_equal(w->ports[0].mesh_port, 40001);
	pool_fini(&pool);
}

TEST(a_program_without_ports_registers_no_service)
{
	struct documents documents = { 0 };
	struct pool pool = POOL_INIT(0);
	struct plan p;

	plan_init(&p);
	p.plan.port_count = 0;
	documents_of(&p.plan, true, &pool, &documents);
	assert_int_equal(documents.count, 1);
	assert_int_equal(documents.items[0]->workload->readiness, WORKLOAD_READY);
	assert_string_equal(address_text(&documents.items[0]->workload->address), "127.77.1.3:0");
	pool_fini(&pool);
}
