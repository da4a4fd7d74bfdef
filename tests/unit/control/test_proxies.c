/*
 * The life of proxies and of their Workloads, with a clock moved by hand: who is let in, what
 * happens to those that are lost, and what is said of it.
 */

#include "control/proxies.h"

#include "guest.h"

#define REVIEWS   "reviews.shop.svc.weft.local:9080"
#define WORKLOADS "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/"
#define GRACE     DURATION_SECONDS(10)
#define GATHER    DURATION_MS(100)

static void pass(struct house *h, struct duration time)
{
	loop_advance(h->loop, time);
	house_turns(h, 30);
}

/* The grace time and what is done afterwards. */
static void pass_grace(struct house *h)
{
	pass(h, GRACE);
	pass(h, GATHER);
}

static bool exists(struct house *h, const char *name)
{
	return state_get(h->state, KIND_WORKLOAD, STR("shop"), str_from(name)) != NULL;
}

static const struct proxy *proxy_named(struct house *h, const char *id)
{
	return proxies_find(h->proxies, str_from(id));
}

static bool takes_requests(struct house *h, const char *name)
{
	const struct state_object *o =
		state_get(h->state, KIND_WORKLOAD, STR("shop"), str_from(name));

	return o && proxies_is_live(h->proxies, o->document);
}

/* A registered Workload with its proxy. */
static void guest_of(struct guest *g, struct house *h, const char *node)
{
	guest_enter(g, h, node, SPIFFE("reviews"));
	assert_true(guest_is_up(g));
}

#define RS(name) WORKLOAD_JSON(name, "reviews", "1", "Ready")

TEST(a_workload_takes_requests_from_when_its_proxy_is_there)
{
	struct guest client = { 0 }, server = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1") "," WORKLOAD_JSON(
				   "web-1", "web", "2", "Ready"));
	guest_enter(&client, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&client, XDS_ENDPOINTS, REVIEWS);
	assert_str_equal(buf_str(&client.seen), "+EDS " REVIEWS " ");
	assert_false(takes_requests(&h, "reviews-1"));
	guest_of(&server, &h, "shop/reviews-1");
	assert_true(takes_requests(&h, "reviews-1"));
	assert_str_equal(buf_str(&client.seen), "+EDS " REVIEWS " +EDS " REVIEWS " ");
	house_ask(&h, "GET", "/weft/v1/proxies", NULL);
	assert_string_equal(house_text(&h, "proxies[0].name"), "shop/reviews-1");
	assert_string_equal(house_text(&h, "proxies[0].state"), "up");
	assert_string_equal(house_text(&h, "proxies[0].version"), "1.2.3");
	guest_leave(&client);
	guest_leave(&server);
	house_close(&h);
}

TEST(who_is_not_the_workloads_account_is_refused_with_the_reason)
{
	static const struct {
		const char *node, *identity, *reason;
	} cases[] = {
		{ "shop/reviews-1", SPIFFE("web"),
		  "PERMISSION_DENIED: Workload shop/reviews-1 belongs to account reviews, not to "
		  "shop/web" },
		{ "shop/reviews-1", "spiffe://weft.local/ns/other/sa/reviews",
		  "PERMISSION_DENIED: Workload shop/reviews-1 belongs to account reviews, not to "
		  "other/reviews" },
		{ "shop/reviews-1", "spiffe://elsewhere/ns/shop/sa/reviews",
		  "PERMISSION_DENIED: trust domain elsewhere is not ours" },
		{ "shop/reviews-9", SPIFFE("reviews"),
		  "PERMISSION_DENIED: there is no Workload shop/reviews-9" },
		{ "reviews-1", SPIFFE("reviews"),
		  "PERMISSION_DENIED: node id \"reviews-1\" is not NAMESPACE/WORKLOAD" },
		{ "shop/reviews-1", "https://weft.local/",
		  "PERMISSION_DENIED: the certificate carries no SPIFFE ID" },
	};
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	for (size_t i = 0; i < array_count(cases); i++) {
		struct guest g = { 0 };

		guest_enter(&g, &h, cases[i].node, cases[i].identity);
		assert_false(guest_is_up(&g));
		assert_string_equal(g.down, cases[i].reason);
		guest_leave(&g);
	}
	house_close(&h);
}

TEST(without_mutual_tls_nobody_is_let_in)
{
	struct guest g = { .no_tls = true };
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	guest_enter(&g, &h, "shop/reviews-1", SPIFFE("reviews"));
	assert_string_equal(g.down, "PERMISSION_DENIED: xDS needs mutual TLS with an SVID");
	guest_leave(&g);
	house_close(&h);
}

TEST(a_lost_proxy_keeps_its_workload_for_the_grace_time_and_not_longer)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1"));
	guest_of(&g, &h, "shop/reviews-1");
	g.server_is_away = true;
	guest_cut(&g);
	house_ask(&h, "GET", "/weft/v1/proxies", NULL);
	assert_string_equal(house_text(&h, "proxies[0].state"), "lost");
	pass(&h, DURATION_MS(9999));
	pass(&h, GATHER);
	assert_true(takes_requests(&h, "reviews-1"));
	pass(&h, DURATION_MS(1));
	pass(&h, GATHER);
	assert_false(exists(&h, "reviews-1"));
	assert_null(proxy_named(&h, "shop/reviews-1"));
	house_ask(&h, "GET", "/weft/v1/history", NULL);
	assert_null(house_text(&h, "revisions[0].revision"));
	guest_leave(&g);
	house_close(&h);
}

TEST(a_proxy_that_comes_back_in_time_changes_nothing)
{
	struct guest g = { 0 }, client = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1") "," WORKLOAD_JSON(
				   "web-1", "web", "2", "Ready"));
	guest_of(&g, &h, "shop/reviews-1");
	guest_enter(&client, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&client, XDS_ENDPOINTS, REVIEWS);
	buf_clear(&client.seen);
	guest_cut(&g);
	pass(&h, DURATION_SECONDS(5));
	assert_int_equal(proxy_named(&h, "shop/reviews-1")->state, PROXY_UP);
	pass_grace(&h);
	assert_true(takes_requests(&h, "reviews-1"));
	assert_str_equal(buf_str(&client.seen), "");
	guest_leave(&g);
	guest_leave(&client);
	house_close(&h);
}

TEST(a_proxy_that_never_comes_is_withdrawn_after_the_grace_time)
{
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	pass_grace(&h);
	assert_false(exists(&h, "reviews-1"));
	house_close(&h);
}

TEST(what_a_person_applied_is_not_deleted_and_takes_requests_again)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews") "," RS("reviews-1"));
	guest_of(&g, &h, "shop/reviews-1");
	assert_true(takes_requests(&h, "reviews-1"));
	g.server_is_away = true;
	guest_cut(&g);
	pass_grace(&h);
	assert_true(exists(&h, "reviews-1"));
	assert_false(takes_requests(&h, "reviews-1"));
	g.server_is_away = false;
	pass(&h, DURATION_SECONDS(40));
	assert_true(takes_requests(&h, "reviews-1"));
	guest_leave(&g);
	house_close(&h);
}

TEST(after_a_restart_every_workload_has_the_whole_grace_time)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1") "," RS("reviews-2"));
	pass(&h, DURATION_SECONDS(9));
	house_restart(&h);
	assert_true(takes_requests(&h, "reviews-1"));
	pass(&h, DURATION_SECONDS(9));
	guest_of(&g, &h, "shop/reviews-1");
	pass(&h, DURATION_SECONDS(1));
	pass(&h, GATHER);
	assert_true(takes_requests(&h, "reviews-1"));
	assert_false(exists(&h, "reviews-2"));
	guest_leave(&g);
	house_close(&h);
}

/* Five endpoints of one Service with their proxies, and so many of them lost. */
static void lose(struct house *h, struct guest *guests, unsigned lost)
{
	static const char *const nodes[] = { "shop/reviews-1", "shop/reviews-2", "shop/reviews-3",
					     "shop/reviews-4", "shop/reviews-5" };

	house_open(h);
	house_register(h, SERVICE_JSON("reviews") "," RS("reviews-1") "," RS("reviews-2") "," RS(
				  "reviews-3") "," RS("reviews-4") "," RS("reviews-5"));
	for (unsigned i = 0; i < 5; i++) {
		guests[i] = (struct guest){ 0 };
		guest_of(&guests[i], h, nodes[i]);
	}
	for (unsigned i = 0; i < lost; i++) {
		guests[i].server_is_away = true;
		guest_cut(&guests[i]);
	}
	pass_grace(h);
}

static void all_leave(struct guest *guests, struct house *h)
{
	for (unsigned i = 0; i < 5; i++)
		guest_leave(&guests[i]);
	house_close(h);
}

TEST(one_lost_endpoint_of_many_is_withdrawn)
{
	struct guest guests[5];
	struct house h;

	lose(&h, guests, 1);
	assert_false(exists(&h, "reviews-1"));
	assert_true(exists(&h, "reviews-2"));
	all_leave(guests, &h);
}

TEST(many_endpoints_lost_at_once_are_kept_and_that_is_a_finding)
{
	struct guest guests[5];
	struct house h;

	lose(&h, guests, 2);
	pass_grace(&h);
	assert_true(takes_requests(&h, "reviews-1"));
	assert_true(takes_requests(&h, "reviews-2"));
	house_ask(&h, "GET", "/weft/v1/status", NULL);
	assert_string_equal(house_text(&h, "findings[0].code"), "WEFT1201");
	assert_string_equal(house_text(&h, "findings[0].document"), "Workload shop/reviews-1");
	assert_string_equal(house_text(&h, "findings[1].document"), "Workload shop/reviews-2");
	/* One comes back: then the other is one alone, and goes. */
	guests[0].server_is_away = false;
	pass(&h, DURATION_SECONDS(40));
	pass_grace(&h);
	assert_true(takes_requests(&h, "reviews-1"));
	assert_false(exists(&h, "reviews-2"));
	house_ask(&h, "GET", "/weft/v1/status", NULL);
	assert_null(house_text(&h, "findings[0].code"));
	all_leave(guests, &h);
}

TEST(both_endpoints_of_a_service_of_two_are_withdrawn)
{
	struct guest a = { 0 }, b = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1") "," RS("reviews-2"));
	guest_of(&a, &h, "shop/reviews-1");
	guest_of(&b, &h, "shop/reviews-2");
	a.server_is_away = b.server_is_away = true;
	guest_cut(&a);
	guest_cut(&b);
	pass_grace(&h);
	assert_false(exists(&h, "reviews-1"));
	assert_false(exists(&h, "reviews-2"));
	guest_leave(&a);
	guest_leave(&b);
	house_close(&h);
}

TEST(those_that_are_lost_together_go_in_one_change)
{
	struct guest client = { 0 }, a = { 0 }, b = { 0 };
	struct house h;
	uint64_t built;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1") "," RS(
				   "reviews-2") "," WORKLOAD_JSON("web-1", "web", "2", "Ready"));
	guest_enter(&client, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&client, XDS_ENDPOINTS, REVIEWS);
	guest_of(&a, &h, "shop/reviews-1");
	guest_of(&b, &h, "shop/reviews-2");
	buf_clear(&client.seen);
	a.server_is_away = b.server_is_away = true;
	guest_cut(&a);
	pass(&h, DURATION_MS(50));
	guest_cut(&b);
	built = state_graph(h.state)->built;
	pass(&h, GRACE);
	pass(&h, GATHER);
	assert_str_equal(buf_str(&client.seen), "+EDS " REVIEWS " ");
	assert_int_equal(state_graph(h.state)->built, built + 4);
	guest_leave(&a);
	guest_leave(&b);
	guest_leave(&client);
	house_close(&h);
}

TEST(a_withdrawal_that_the_store_does_not_take_is_tried_again)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	guest_of(&g, &h, "shop/reviews-1");
	g.server_is_away = true;
	guest_cut(&g);
	pass(&h, GRACE);
	house_break_store(&h, true);
	pass(&h, GATHER);
	assert_true(exists(&h, "reviews-1"));
	pass_grace(&h);
	assert_true(exists(&h, "reviews-1"));
	house_break_store(&h, false);
	pass_grace(&h);
	assert_false(exists(&h, "reviews-1"));
	guest_leave(&g);
	house_close(&h);
}

TEST(a_second_stream_takes_the_node_over)
{
	struct guest first = { 0 }, second = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	guest_of(&first, &h, "shop/reviews-1");
	guest_of(&second, &h, "shop/reviews-1");
	assert_string_equal(first.down, "ABORTED: another stream took this node over");
	assert_int_equal(proxy_named(&h, "shop/reviews-1")->state, PROXY_UP);
	first.server_is_away = true;
	guest_leave(&first);
	assert_int_equal(proxy_named(&h, "shop/reviews-1")->state, PROXY_UP);
	pass_grace(&h);
	assert_true(takes_requests(&h, "reviews-1"));
	guest_leave(&second);
	house_close(&h);
}

TEST(a_stream_ends_when_its_workload_is_deleted)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, RS("reviews-1"));
	guest_of(&g, &h, "shop/reviews-1");
	house_ask(&h, "DELETE", WORKLOADS "reviews-1", NULL);
	house_turns(&h, 30);
	assert_string_equal(g.down, "NOT_FOUND: the Workload was deleted");
	assert_null(proxy_named(&h, "shop/reviews-1"));
	/* It may come back when the program registers again. */
	house_register(&h, RS("reviews-1"));
	pass(&h, DURATION_SECONDS(2));
	assert_true(guest_is_up(&g));
	guest_leave(&g);
	house_close(&h);
}

TEST(a_stream_ends_when_its_workload_gets_another_account)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," RS("reviews-1"));
	guest_of(&g, &h, "shop/reviews-1");
	house_register(&h, WORKLOAD_JSON("reviews-1", "ratings", "1", "Ready"));
	house_turns(&h, 30);
	assert_string_equal(g.down,
			    "PERMISSION_DENIED: the Workload belongs to another account now");
	assert_int_equal(proxy_named(&h, "shop/reviews-1")->state, PROXY_LOST);
	pass(&h, DURATION_SECONDS(2));
	assert_string_equal(g.down, "PERMISSION_DENIED: Workload shop/reviews-1 belongs to account "
				    "ratings, not to shop/reviews");
	guest_leave(&g);
	house_close(&h);
}

TEST(an_object_is_programmed_when_those_who_want_it_serve_it)
{
	struct guest g = { 0 };
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews") "," SERVICE_JSON("ratings"));
	house_register(&h, WORKLOAD_JSON("web-1", "web", "2", "Ready"));
	guest_enter(&g, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&g, XDS_LISTENER, REVIEWS);
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/reviews", NULL);
	assert_string_equal(house_text(&h, "status.programmed.ready"), "0");
	assert_string_equal(house_text(&h, "status.programmed.of"), "1");
	assert_string_equal(house_text(&h, "status.conditions[2].reason"), "Pending");
	assert_int_equal(guest_report(&g, &(struct guest_report){ .revision = 1 }), GRPC_OK);
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/reviews", NULL);
	assert_string_equal(house_text(&h, "status.programmed.ready"), "1");
	assert_string_equal(house_text(&h, "status.conditions[2].status"), "True");
	/* Nobody wants the other. */
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/ratings", NULL);
	assert_string_equal(house_text(&h, "status.programmed.of"), "0");
	/* A report that does not say which revision takes nothing back. */
	assert_int_equal(guest_report(&g, &(struct guest_report){ .no_revision = true }), GRPC_OK);
	house_ask(&h, "GET", "/weft/v1/status", NULL);
	assert_string_equal(house_text(&h, "proxies.programmed"), "1");
	guest_leave(&g);
	house_close(&h);
}

TEST(what_a_proxy_refuses_is_told_until_it_has_something_better)
{
	struct guest g = { .refuse = REVIEWS };
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_register(&h, WORKLOAD_JSON("web-1", "web", "2", "Ready"));
	guest_enter(&g, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&g, XDS_LISTENER, REVIEWS);
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/reviews", NULL);
	assert_string_equal(house_text(&h, "status.conditions[2].reason"), "Refused");
	assert_string_equal(house_text(&h, "status.conditions[2].message"),
			    "proxy shop/web-1: " REVIEWS ": not to my taste");
	house_ask(&h, "GET", "/weft/v1/proxies", NULL);
	assert_string_equal(house_text(&h, "proxies[0].refusals[0].type"), "LDS");
	assert_string_equal(house_text(&h, "proxies[0].refusals[0].name"), REVIEWS);
	assert_string_equal(house_text(&h, "proxies[0].programmed"), "false");
	/* It wants it no more: then there is nothing to tell. */
	xds_client_unsubscribe(g.client, XDS_LISTENER, STR(REVIEWS));
	house_turns(&h, 30);
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/reviews", NULL);
	assert_string_equal(house_text(&h, "status.conditions[2].reason"), "Programmed");
	house_ask(&h, "GET", "/weft/v1/proxies", NULL);
	assert_null(house_text(&h, "proxies[0].refusals[0].type"));
	guest_leave(&g);
	house_close(&h);
}
