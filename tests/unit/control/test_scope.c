/*
 * What "all" means for a proxy that is not Weft's: the listeners that its bootstrap binds and the
 * clusters that these lead to.
 */

#include "control/scope.h"

#include "guest.h"

#include "codec/pb_message.h"
#include "control/proxies.h"
#include "proto/weft.pb.h"

#define NAME(service) service ".shop.svc.weft.local:9080"
#define WORKLOADS     "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/"
#define ROUTES        "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/"
#define NODE(bindings)                                                                        \
	"{\"id\":\"shop/edge-1\",\"user_agent_name\":\"envoy\",\"user_agent_build_version\":" \
	"{\"version\":{\"major_number\":1,\"minor_number\":40}},\"metadata\":{\"weft.dev\":{" \
	"\"bindings\":[" bindings "]}}}"
#define BINDING(listener, address) "{\"listener\":\"" listener "\",\"address\":\"" address "\"}"

#define EDGE                       WORKLOAD_JSON("edge-1", "edge", "9", "Ready")
#define REVIEWS                    NODE(BINDING(NAME("reviews"), "127.0.0.1:9080"))

/* A house with three Services, and a foreign proxy in it that takes all. */
static void enter(struct guest *g, struct house *h, const char *node)
{
	house_open(h);
	house_apply(h, SERVICE_JSON("reviews") "," SERVICE_JSON("ratings") "," SERVICE_JSON(
			       "details") "," EDGE);
	*g = (struct guest){ .node = node };
	guest_enter(g, h, "shop/edge-1", SPIFFE("edge"));
}

static void leave(struct guest *g, struct house *h)
{
	guest_leave(g);
	house_close(h);
}

static void assert_seen(struct guest *g, const char *expected)
{
	assert_str_equal(buf_str(&g->seen), expected);
	buf_clear(&g->seen);
}

/* Where the listener that came last is opened. */
static void assert_bound(const struct guest *g, const char *ip, int64_t port, bool bound)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	const struct pb_message *socket;
	struct pb_message *l;

	assert_int_equal(pb_decode(&pb_Listener, buf_str(&g->bytes), &pool, &l, NULL, &d), 0);
	socket = pb_sub(pb_sub(l, PB_Listener_address), PB_Address_socket_address);
	assert_str_equal(pb_text(socket, PB_SocketAddress_address), ip);
	assert_int_equal(pb_number(socket, PB_SocketAddress_port_value), port);
	assert_int_equal(pb_wrapped_bool(l, PB_Listener_bind_to_port, true), bound);
	pool_fini(&pool);
}

TEST(all_is_what_the_bindings_name_and_where_they_lead)
{
	struct guest g;
	struct house h;

	enter(&g, &h, REVIEWS);
	guest_want_all(&g, XDS_CLUSTER);
	guest_want_all(&g, XDS_LISTENER);
	assert_seen(&g, "+CDS " NAME("reviews") " +LDS " NAME("reviews") " ");
	assert_bound(&g, "127.0.0.1", 9080, true);
	leave(&g, &h);
}

TEST(a_binding_without_an_address_is_the_listener_of_everybody)
{
	const struct state_object *reviews;
	struct guest g;
	struct house h;

	enter(&g, &h, NODE("{\"listener\":\"" NAME("reviews") "\"}"));
	reviews = state_get(h.state, KIND_SERVICE, STR("shop"), STR("reviews"));
	guest_want_all(&g, XDS_LISTENER);
	assert_seen(&g, "+LDS " NAME("reviews") " ");
	assert_bound(&g, reviews->virtual_address, 9080, false);
	leave(&g, &h);
}

static void assert_has(const struct guest *g, const char *word)
{
	struct str bytes = buf_str(&g->bytes);

	assert_non_null(memmem(bytes.ptr, bytes.len, word, strlen(word)));
}

TEST(secrets_are_read_from_the_directory_that_the_bootstrap_names)
{
	struct guest g;
	struct house h;

	enter(&g, &h,
	      "{\"id\":\"shop/edge-1\",\"metadata\":{\"weft.dev\":{\"secrets\":\"/run/edge\","
	      "\"bindings\":[" BINDING(NAME("reviews"), "127.0.0.1:1") "," BINDING(
		      "inbound/shop/edge:9080", "127.0.0.1:2") "]}}}");
	guest_want_all(&g, XDS_CLUSTER);
	assert_seen(&g, "+CDS " NAME("reviews") " ");
	assert_has(&g, "/run/edge/default.json");
	assert_has(&g, "/run/edge/ROOTCA.json");
	guest_want_all(&g, XDS_LISTENER);
	assert_seen(&g, "+LDS " NAME("reviews") " +LDS inbound/shop/edge:9080 ");
	assert_has(&g, "/run/edge/default.json");
	assert_has(&g, "/run/edge/ROOTCA.json");
	leave(&g, &h);
}

TEST(an_inbound_listener_is_bound_and_leads_to_no_cluster_of_the_mesh)
{
	struct guest g;
	struct house h;

	enter(&g, &h, NODE(BINDING("inbound/shop/edge:9080", "[::1]:15006")));
	guest_want_all(&g, XDS_CLUSTER);
	guest_want_all(&g, XDS_LISTENER);
	assert_seen(&g, "+LDS inbound/shop/edge:9080 ");
	assert_bound(&g, "::1", 15006, true);
	leave(&g, &h);
}

TEST(clusters_follow_the_routes)
{
	struct guest g;
	struct house h;

	enter(&g, &h, REVIEWS);
	guest_want_all(&g, XDS_CLUSTER);
	guest_want(&g, XDS_ROUTES, NAME("reviews"));
	assert_seen(&g, "+CDS " NAME("reviews") " +RDS " NAME("reviews") " ");
	house_apply(&h, ROUTE_JSON("ratings"));
	house_turns(&h, 30);
	assert_seen(&g,
		    "+CDS " NAME("ratings") " +RDS " NAME("reviews") " -CDS " NAME("reviews") " ");
	house_ask(&h, "DELETE", ROUTES "reviews", NULL);
	house_turns(&h, 30);
	assert_seen(&g,
		    "+CDS " NAME("reviews") " +RDS " NAME("reviews") " -CDS " NAME("ratings") " ");
	leave(&g, &h);
}

TEST(a_destination_that_comes_later_is_pushed_when_it_comes)
{
	struct guest g;
	struct house h;

	enter(&g, &h, NODE(BINDING(NAME("late"), "127.0.0.1:9080")));
	guest_want_all(&g, XDS_CLUSTER);
	guest_want_all(&g, XDS_LISTENER);
	assert_seen(&g, "");
	house_apply(&h, SERVICE_JSON("late"));
	house_turns(&h, 30);
	assert_seen(&g, "+CDS " NAME("late") " +LDS " NAME("late") " ");
	house_ask(&h, "DELETE", "/api/v1/namespaces/shop/services/late", NULL);
	house_turns(&h, 30);
	assert_seen(&g, "-LDS " NAME("late") " -CDS " NAME("late") " ");
	leave(&g, &h);
}

TEST(who_does_not_ask_for_endpoints_gets_its_routes_after_a_while)
{
	struct guest g;
	struct house h;

	enter(&g, &h, REVIEWS);
	guest_want_all(&g, XDS_CLUSTER);
	guest_want(&g, XDS_ENDPOINTS, NAME("details"));
	buf_clear(&g.seen);
	guest_want(&g, XDS_ROUTES, NAME("reviews"));
	assert_seen(&g, "");
	loop_advance(h.loop, XDS_WARM_TIMEOUT);
	house_turns(&h, 30);
	assert_seen(&g, "+RDS " NAME("reviews") " ");
	leave(&g, &h);
}

TEST(what_a_foreign_proxy_acknowledged_counts_as_served)
{
	const struct proxy *p;
	struct guest g;
	struct house h;

	enter(&g, &h, REVIEWS);
	p = proxies_find(h.proxies, STR("shop/edge-1"));
	guest_want_all(&g, XDS_CLUSTER);
	guest_want_all(&g, XDS_LISTENER);
	assert_string_equal(p->version, "1.40.0");
	assert_true(proxy_is_programmed(p));
	assert_int_equal(proxy_served(p), state_revision(h.state));
	g.refuse = NAME("ratings");
	house_apply(&h, ROUTE_JSON("ratings"));
	house_turns(&h, 30);
	assert_false(proxy_is_programmed(p));
	assert_int_equal(proxy_served(p), 0);
	leave(&g, &h);
}

TEST(after_a_reconnect_nothing_unchanged_is_sent_again)
{
	struct guest g;
	struct house h;

	enter(&g, &h, REVIEWS);
	guest_want_all(&g, XDS_CLUSTER);
	guest_want_all(&g, XDS_LISTENER);
	guest_cut(&g);
	buf_clear(&g.seen);
	loop_advance(h.loop, DURATION_SECONDS(2));
	house_turns(&h, 30);
	assert_true(guest_is_up(&g));
	assert_seen(&g, "-SDS none ");
	leave(&g, &h);
}

TEST(all_is_nothing_without_bindings_and_for_a_proxy_of_wefts)
{
	static const char *const nodes[] = { "{\"id\":\"shop/edge-1\"}", NULL };

	for (size_t i = 0; i < array_count(nodes); i++) {
		struct guest g;
		struct house h;

		enter(&g, &h, nodes[i]);
		guest_want_all(&g, XDS_CLUSTER);
		guest_want_all(&g, XDS_LISTENER);
		assert_true(guest_is_up(&g));
		assert_seen(&g, "");
		leave(&g, &h);
	}
}

TEST(bindings_that_cannot_be_understood_end_the_stream_with_their_path)
{
	static const struct {
		const char *node, *reason;
	} cases[] = {
		{ NODE("{\"address\":\"127.0.0.1:1\"}"),
		  "INVALID_ARGUMENT: node.metadata: weft.dev.bindings[0].listener must be a name "
		  "such as reviews.shop.svc.weft.local:9080" },
		{ NODE(BINDING("a", "127.0.0.1:1") "," BINDING("b", "localhost:1")),
		  "INVALID_ARGUMENT: node.metadata: weft.dev.bindings[1].address must be an IP "
		  "address and a port such as 127.0.0.1:9080" },
		{ NODE(BINDING("a", "unix:/run/a")),
		  "INVALID_ARGUMENT: node.metadata: weft.dev.bindings[0].address must be an IP "
		  "address and a port such as 127.0.0.1:9080" },
		{ NODE(BINDING("a", "127.0.0.1:1") "," BINDING("a", "127.0.0.1:2")),
		  "INVALID_ARGUMENT: node.metadata: weft.dev.bindings has a twice" },
		{ "{\"id\":\"shop/edge-1\",\"metadata\":{\"weft.dev\":{\"secrets\":\"here\"}}}",
		  "INVALID_ARGUMENT: node.metadata: weft.dev.secrets must be a directory's whole "
		  "path such as /run/weft/edge" },
		{ "{\"id\":\"shop/edge-1\",\"metadata\":{\"weft.dev\":{\"bindings\":\"a\"}}}",
		  "INVALID_ARGUMENT: node.metadata: weft.dev.bindings must be a list of listeners "
		  "and addresses" },
		{ "{\"id\":\"shop/edge-1\",\"metadata\":{\"weft.dev\":\"a\"}}",
		  "INVALID_ARGUMENT: node.metadata: weft.dev must be a mapping, with bindings" },
	};

	for (size_t i = 0; i < array_count(cases); i++) {
		struct guest g;
		struct house h;

		enter(&g, &h, cases[i].node);
		assert_false(guest_is_up(&g));
		assert_string_equal(g.down, cases[i].reason);
		leave(&g, &h);
	}
}

TEST(a_stream_that_was_taken_over_leaves_no_interest_behind)
{
	struct guest first, second = { .node = REVIEWS };
	struct house h;

	enter(&first, &h, REVIEWS);
	guest_want_all(&first, XDS_CLUSTER);
	guest_enter(&second, &h, "shop/edge-1", SPIFFE("edge"));
	guest_want_all(&second, XDS_CLUSTER);
	first.server_is_away = true;
	house_apply(&h, ROUTE_JSON("ratings"));
	house_turns(&h, 30);
	assert_true(proxies_find(h.proxies, STR("shop/edge-1"))->state == PROXY_UP);
	guest_leave(&first);
	house_ask(&h, "DELETE", WORKLOADS "edge-1", NULL);
	house_apply(&h, ROUTE_JSON("details"));
	house_turns(&h, 30);
	leave(&second, &h);
}
