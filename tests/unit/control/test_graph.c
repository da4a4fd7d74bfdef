/* Services, Workloads and the MeshConfig as resources: listeners, clusters, endpoints. */

#include "control/state.h"

#include <stdio.h>

#include "base/mem.h"
#include "codec/pb_message.h"
#include "proto/weft.pb.h"

#include "house.h"

#define REVIEWS "reviews.shop.svc.weft.local:9080"

static const struct pb_desc *const types[XDS_TYPE_COUNT] = {
	[XDS_CLUSTER] = &pb_Cluster,
	[XDS_ENDPOINTS] = &pb_ClusterLoadAssignment,
	[XDS_LISTENER] = &pb_Listener,
	[XDS_ROUTES] = &pb_RouteConfiguration,
};

/* A resource as JSON in the house's pool; NULL: it is not there. */
static struct node *resource(struct house *h, enum xds_type type, const char *name)
{
	struct delta_content content;
	struct pb_message *message;
	struct pb_cursor cursor;
	struct pb_field f;
	struct str bytes = STR_EMPTY;

	if (!graph_lookup(state_graph(h->state), type, str_from(name), STR("shop"), &content))
		return NULL;
	cursor = pb_cursor_of(content.any);
	while (pb_next(&cursor, &f) == PB_FIELD)
		if (f.number == 2)
			bytes = f.bytes;
	assert_int_equal(pb_decode(types[type], bytes, &h->pool, &message, NULL, NULL), 0);
	return pb_to_node(message, &h->pool);
}

static void assert_part(const struct node *n, const char *path, const char *expected)
{
	struct buf text = BUF_INIT(0);
	const struct node *part = node_at(n, path);

	if (part)
		json_write(part, &text);
	assert_str_equal(buf_str(&text), expected);
	buf_fini(&text);
}

static bool offers(struct house *h, enum xds_type type, const char *name)
{
	return resource(h, type, name) != NULL;
}

static void assert_sans(struct house *h, const char *expected)
{
	struct buf sans = BUF_INIT(0);
	const struct node *list = node_at(
		resource(h, XDS_CLUSTER, REVIEWS),
		"transport_socket.typed_config.common_tls_context.combined_validation_context."
		"default_validation_context.match_typed_subject_alt_names");

	node_for_each (san, list)
		buf_printf(&sans, "%.*s ", STR_ARGS(node_at(san, "matcher.exact")->text));
	assert_str_equal(buf_str(&sans), expected);
	buf_fini(&sans);
}

TEST(a_tcp_port_has_a_listener_that_passes_bytes_and_no_routes)
{
	struct node *listener;
	struct house h;

	house_open(&h);
	house_apply(&h, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"db\","
			"\"namespace\":\"shop\"},\"spec\":{\"ports\":[{\"port\":5432}]}}");
	listener = resource(&h, XDS_LISTENER, "db.shop.svc.weft.local:5432");
	assert_part(listener, "bind_to_port", "false");
	assert_part(listener, "filter_chains[0].filters[0].name",
		    "\"envoy.filters.network.tcp_proxy\"");
	assert_part(listener, "filter_chains[0].filters[0].typed_config.cluster",
		    "\"db.shop.svc.weft.local:5432\"");
	assert_false(offers(&h, XDS_ROUTES, "db.shop.svc.weft.local:5432"));
	assert_true(offers(&h, XDS_CLUSTER, "db.shop.svc.weft.local:5432"));
	assert_true(offers(&h, XDS_ENDPOINTS, "db.shop.svc.weft.local:5432"));
	house_close(&h);
}

TEST(a_port_that_becomes_tcp_loses_its_routes)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	assert_true(offers(&h, XDS_ROUTES, REVIEWS));
	house_apply(&h, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			"\"reviews\",\"namespace\":\"shop\"},\"spec\":{\"ports\":[{\"name\":\"a\","
			"\"port\":9080},{\"name\":\"b\",\"port\":9081}]}}");
	assert_false(offers(&h, XDS_ROUTES, REVIEWS));
	assert_true(offers(&h, XDS_LISTENER, "reviews.shop.svc.weft.local:9081"));
	house_close(&h);
}

#define SERVING(accounts)                                                                       \
	"{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"MeshConfig\",\"metadata\":{\"name\":" \
	"\"default\"},\"spec\":{\"serving\":[{\"namespace\":\"shop\",\"service\":\"reviews\","  \
	"\"accounts\":[" accounts "]}]}}"

TEST(who_may_serve_is_declared_and_becomes_the_names_that_a_client_takes)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	/* By the selector's app label… */
	assert_sans(&h, "spiffe://weft.local/ns/shop/sa/reviews ");
	/* …or as the MeshConfig says; a new one is compiled everywhere at once. */
	house_apply(&h, SERVING("\"a\",\"b\""));
	assert_sans(&h, "spiffe://weft.local/ns/shop/sa/a spiffe://weft.local/ns/shop/sa/b ");
	house_ask(&h, "DELETE", "/apis/weft.dev/v1alpha1/meshconfigs/default", NULL);
	assert_sans(&h, "spiffe://weft.local/ns/shop/sa/reviews ");
	house_close(&h);
}

TEST(endpoints_come_and_go_with_what_the_mesh_config_says_of_their_account)
{
	struct house h;

	house_open(&h);
	house_register(&h,
		       SERVICE_JSON("reviews") "," WORKLOAD_JSON("r-1", "reviews", "1", "Ready"));
	house_restart(&h); /* within the grace time it takes requests */
	assert_part(resource(&h, XDS_ENDPOINTS, REVIEWS),
		    "endpoints[0].lb_endpoints[0].endpoint.address.socket_address",
		    "{\"address\":\"127.77.0.1\",\"port_value\":15006}");
	house_apply(&h, SERVING("\"others\""));
	assert_part(resource(&h, XDS_ENDPOINTS, REVIEWS), "endpoints", "");
	house_apply(&h, SERVING("\"reviews\""));
	assert_part(resource(&h, XDS_ENDPOINTS, REVIEWS),
		    "endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value",
		    "15006");
	house_close(&h);
}

TEST(an_endpoint_that_is_not_ready_is_none)
{
	struct house h;

	house_open(&h);
	house_register(
		&h, SERVICE_JSON("reviews") "," WORKLOAD_JSON("r-1", "reviews", "1", "Starting"));
	house_restart(&h);
	assert_part(resource(&h, XDS_ENDPOINTS, REVIEWS), "endpoints", "");
	house_register(&h, WORKLOAD_JSON("r-1", "reviews", "1", "Ready"));
	assert_part(resource(&h, XDS_ENDPOINTS, REVIEWS),
		    "endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value",
		    "15006");
	house_close(&h);
}

TEST(a_class_speaks_http_when_all_of_it_does)
{
	const char *filter = "filter_chains[0].filters[0].name";
	struct house h;

	house_open(&h);
	house_register(&h, WORKLOAD_JSON("r-1", "reviews", "1", "Ready"));
	assert_part(resource(&h, XDS_LISTENER, "inbound/shop/reviews:9080"), filter,
		    "\"envoy.filters.network.http_connection_manager\"");
	house_register(&h, "{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"Workload\","
			   "\"metadata\":{\"name\":\"r-2\",\"namespace\":\"shop\",\"labels\":{"
			   "\"app\":\"reviews\"}},\"spec\":{\"address\":\"127.77.0.2\","
			   "\"serviceAccount\":\"reviews\",\"ports\":[{\"port\":9080,\"meshPort\":"
			   "15006,\"protocol\":\"tcp\"}]}}");
	assert_part(resource(&h, XDS_LISTENER, "inbound/shop/reviews:9080"), filter,
		    "\"envoy.filters.network.tcp_proxy\"");
	house_ask(&h, "DELETE", "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/r-2", NULL);
	assert_part(resource(&h, XDS_LISTENER, "inbound/shop/reviews:9080"), filter,
		    "\"envoy.filters.network.http_connection_manager\"");
	house_close(&h);
}

TEST(the_trust_domain_cannot_be_changed_by_a_document)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/apply",
		  "{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"MeshConfig\",\"metadata\":{"
		  "\"name\":\"default\"},\"spec\":{\"trustDomain\":\"other.test\"}}");
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "message"),
			    "the trust domain is weft.local since the first start and cannot "
			    "become other.test");
	assert_string_equal(house_text(&h, "details.hint"),
			    "leave trustDomain out, or start a new mesh");
	house_ask(&h, "POST", "/apply",
		  "{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"MeshConfig\",\"metadata\":{"
		  "\"name\":\"default\"},\"spec\":{\"trustDomain\":\"weft.local\"}}");
	assert_int_equal(h.status, 200);
	house_close(&h);
}

/* Services s-FROM … s-TO, without commas at the ends. */
static char *services(unsigned from, unsigned to)
{
	struct buf items = BUF_INIT(0);

	for (unsigned i = from; i <= to; i++)
		buf_printf(&items,
			   "%s{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			   "\"s-%u\"},\"spec\":{\"ports\":[{\"port\":1}]}}",
			   i > from ? "," : "", i);
	return buf_take_text(&items);
}

TEST(when_no_virtual_address_is_left_the_service_is_refused_and_takes_none)
{
	char *all = services(1, 14), *more = services(15, 15);
	char *both = mem_printf(LIST_JSON("%s,%s"), more, SERVICE_JSON("other"));
	struct house h;

	house_open(&h);
	house_apply(&h,
		    "{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"MeshConfig\",\"metadata\":"
		    "{\"name\":\"default\"},\"spec\":{\"virtualAddresses\":{\"ipv4\":"
		    "\"240.250.0.0/28\"}}}");
	house_apply(&h, all);
	house_ask(&h, "POST", "/apply", both);
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "message"),
			    "no virtual address is left for Service default/s-15");
	assert_string_equal(house_text(&h, "details.path"), "items[0]");
	/* One goes, and its address rests: still none. */
	house_ask(&h, "DELETE", "/api/v1/namespaces/default/services/s-7", NULL);
	assert_int_equal(house_ask(&h, "POST", "/apply", more), 422);
	loop_advance(h.loop, DURATION_SECONDS(8 * 24 * 3600));
	assert_int_equal(house_ask(&h, "POST", "/apply", more), 200);
	mem_free(all);
	mem_free(more);
	mem_free(both);
	house_close(&h);
}

TEST(addresses_of_a_change_that_fails_are_free_again)
{
	struct house h;
	char address[32];

	house_open(&h);
	house_ask(&h, "POST", "/apply?dryRun=true", SERVICE_JSON("reviews"));
	house_ask(&h, "POST", "/apply", LIST_JSON(SERVICE_JSON("reviews") "," ROUTE_JSON("none")));
	assert_int_equal(h.status, 422);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services/reviews", NULL);
	snprintf(address, sizeof(address), "%s", house_text(&h, "status.virtualAddress"));
	assert_string_equal(address, "240.240.237.16");
	assert_part(resource(&h, XDS_LISTENER, REVIEWS), "address.socket_address.address",
		    "\"240.240.237.16\"");
	house_close(&h);
}
