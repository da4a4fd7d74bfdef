/*
 * HTTPRoutes as they are compiled: every feature becomes the Envoy routes that mean the same.
 * All of it passed the model check, without which nothing is offered.
 */

#include "control/state.h"

#include "base/mem.h"
#include "codec/pb_message.h"
#include "proto/weft.pb.h"

#include "house.h"

#define REVIEWS "reviews.shop.svc.weft.local:9080"

static struct node *routes_of(struct house *h, const char *clients, struct pool *pool)
{
	struct delta_content content;
	struct pb_message *config;
	struct pb_cursor cursor;
	struct pb_field f;
	struct str bytes = STR_EMPTY;

	assert_true(graph_lookup(state_graph(h->state), XDS_ROUTES, STR(REVIEWS), str_from(clients),
				 &content));
	cursor = pb_cursor_of(content.any);
	while (pb_next(&cursor, &f) == PB_FIELD)
		if (f.number == 2)
			bytes = f.bytes;
	assert_int_equal(pb_decode(&pb_RouteConfiguration, bytes, pool, &config, NULL, NULL), 0);
	return node_at(pb_to_node(config, pool), "virtual_hosts[0].routes");
}

static void assert_json(const struct node *n, const char *expected)
{
	struct buf text = BUF_INIT(0);

	json_write(n, &text);
	assert_str_equal(buf_str(&text), expected);
	buf_fini(&text);
}

/* The rules (JSON) of an HTTPRoute become these routes, of which only some parts are shown. */
static void assert_parts(const char *rules, const char *const *paths, const char *expected)
{
	char *document = mem_printf(
		"{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":\"HTTPRoute\","
		"\"metadata\":{\"name\":\"r\",\"namespace\":\"shop\"},\"spec\":{\"parentRefs\":[{"
		"\"group\":\"\",\"kind\":\"Service\",\"name\":\"reviews\"}],\"rules\":[%s]}}",
		rules);
	char *items = mem_printf("%s,%s,%s", SERVICE_JSON("reviews"), SERVICE_JSON("v1"), document);
	struct buf parts = BUF_INIT(0);
	struct pool pool = POOL_INIT(0);
	struct house h;

	house_open(&h);
	house_apply(&h, items);
	node_for_each (route, routes_of(&h, "shop", &pool)) {
		for (size_t i = 0; paths[i]; i++) {
			const struct node *n = node_at(route, paths[i]);

			if (n)
				json_write(n, &parts);
		}
		buf_append_char(&parts, '\n');
	}
	assert_str_equal(buf_str(&parts), expected);
	buf_fini(&parts);
	pool_fini(&pool);
	mem_free(items);
	mem_free(document);
	house_close(&h);
}

#define PARTS(...)  ((const char *const[]){ __VA_ARGS__, NULL })
#define TO_V1       "\"backendRefs\":[{\"name\":\"v1\",\"port\":9080}]"
#define CLUSTER_V1  "\"v1.shop.svc.weft.local:9080\""

#define MATCH(json) "\"matches\":[{" json "}]"
#define PREFIX(p)   "\"path\":{\"type\":\"PathPrefix\",\"value\":\"" p "\"}"
#define EXACT(p)    "\"path\":{\"type\":\"Exact\",\"value\":\"" p "\"}"

TEST(without_a_route_everything_goes_to_the_ports_own_cluster)
{
	struct pool pool = POOL_INIT(0);
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	assert_json(node_at(routes_of(&h, "shop", &pool), "[0].match"), "{\"prefix\":\"/\"}");
	assert_json(node_at(routes_of(&h, "shop", &pool), "[0].route.cluster"), "\"" REVIEWS "\"");
	pool_fini(&pool);
	house_close(&h);
}

TEST(a_match_is_path_headers_parameters_and_method)
{
	assert_parts("{" TO_V1 "}", PARTS("match"), "{\"prefix\":\"/\"}\n");
	assert_parts("{" MATCH(EXACT("/a")) "," TO_V1 "}", PARTS("match"), "{\"path\":\"/a\"}\n");
	assert_parts("{" MATCH(PREFIX("/a/")) "," TO_V1 "}", PARTS("match"),
		     "{\"path_separated_prefix\":\"/a\"}\n");
	assert_parts("{" MATCH(PREFIX("/a") ",\"headers\":[{\"name\":\"X-A\",\"value\":\"1\"}],"
					    "\"queryParams\":[{\"name\":\"q\",\"value\":\"2\"}],"
					    "\"method\":\"GET\"") "," TO_V1 "}",
		     PARTS("match"),
		     "{\"headers\":[{\"name\":\"X-A\",\"string_match\":{\"exact\":\"1\"}},"
		     "{\"name\":\":method\",\"string_match\":{\"exact\":\"GET\"}}],"
		     "\"query_parameters\":[{\"name\":\"q\",\"string_match\":{\"exact\":\"2\"}}],"
		     "\"path_separated_prefix\":\"/a\"}\n");
}

TEST(matches_are_tried_from_the_most_special_and_a_taken_one_is_left_out)
{
	assert_parts(
		"{" MATCH(PREFIX("/")) "," TO_V1 "},{" MATCH(PREFIX("/a/b")) "," TO_V1 "},{" MATCH(
			EXACT("/a")) "," TO_V1 "},{" MATCH(PREFIX("/")) "," TO_V1 "}",
		PARTS("name", "match"),
		"\"shop/r#2\"{\"path\":\"/a\"}\n"
		"\"shop/r#1\"{\"path_separated_prefix\":\"/a/b\"}\n"
		"\"shop/r#0\"{\"prefix\":\"/\"}\n");
	assert_parts("{\"name\":\"main\"," TO_V1 "}", PARTS("name"), "\"shop/r#main\"\n");
}

TEST(backends_are_weighted_and_those_of_no_weight_left_out)
{
	assert_parts("{\"backendRefs\":[{\"name\":\"v1\",\"port\":9080,\"weight\":90},{\"name\":"
		     "\"reviews\",\"port\":9080,\"weight\":10},{\"name\":\"v1\",\"port\":9080,"
		     "\"weight\":0}]}",
		     PARTS("route.weighted_clusters.clusters"),
		     "[{\"name\":" CLUSTER_V1 ",\"weight\":90},{\"name\":\"" REVIEWS
		     "\",\"weight\":10}]\n");
	assert_parts("{\"backendRefs\":[{\"name\":\"v1\",\"port\":9080,\"weight\":0}]}",
		     PARTS("direct_response"), "{\"status\":500}\n");
	assert_parts("{}", PARTS("direct_response"), "{\"status\":500}\n");
}

TEST(headers_are_edited_by_rule_and_by_backend)
{
	assert_parts(
		"{" TO_V1 ",\"filters\":[{\"type\":\"RequestHeaderModifier\","
		"\"requestHeaderModifier\":{\"set\":[{\"name\":\"a\",\"value\":\"b\"}],"
		"\"add\":[{\"name\":\"c\",\"value\":\"d\"}],\"remove\":[\"e\"]}},{\"type\":"
		"\"ResponseHeaderModifier\",\"responseHeaderModifier\":{\"remove\":[\"f\"]}}]}",
		PARTS("request_headers_to_add", "request_headers_to_remove",
		      "response_headers_to_remove"),
		"[{\"header\":{\"key\":\"a\",\"value\":\"b\"},\"append_action\":"
		"\"OVERWRITE_IF_EXISTS_OR_ADD\"},{\"header\":{\"key\":\"c\",\"value\":\"d\"}}]"
		"[\"e\"][\"f\"]\n");
	assert_parts(
		"{\"backendRefs\":[{\"name\":\"v1\",\"port\":9080,\"filters\":[{\"type\":"
		"\"RequestHeaderModifier\",\"requestHeaderModifier\":{\"remove\":[\"g\"]}}]}]}",
		PARTS("route.weighted_clusters.clusters[0].request_headers_to_remove"),
		"[\"g\"]\n");
}

TEST(times_and_retries_are_written_out)
{
	assert_parts("{" TO_V1 "}",
		     PARTS("route.timeout", "route.retry_policy.retry_on",
			   "route.retry_policy.num_retries"),
		     "\"0s\"\"connect-failure,refused-stream,reset-before-request\"2\n");
	assert_parts("{" TO_V1 ",\"timeouts\":{\"request\":\"3s\",\"backendRequest\":\"1s\"},"
		     "\"retry\":{\"codes\":[500,503],\"attempts\":4,\"backoff\":\"100ms\"}}",
		     PARTS("route.timeout", "route.retry_policy.per_try_timeout",
			   "route.retry_policy.retry_on", "route.retry_policy.num_retries",
			   "route.retry_policy.retriable_status_codes",
			   "route.retry_policy.retry_back_off"),
		     "\"3s\"\"1s\"\"connect-failure,refused-stream,reset-before-request,"
		     "retriable-status-codes\"4[500,503]{\"base_interval\":\"0.1s\","
		     "\"max_interval\":\"1s\"}\n");
	/* 0s is no limit. */
	assert_parts("{" TO_V1 ",\"timeouts\":{\"request\":\"0s\"}}", PARTS("route.timeout"),
		     "\"0s\"\n");
}

#define REDIRECT(json) "\"filters\":[{\"type\":\"RequestRedirect\",\"requestRedirect\":{" json "}}]"

TEST(a_redirect_changes_what_it_names)
{
	assert_parts(
		"{" REDIRECT("\"scheme\":\"https\",\"hostname\":\"x.test\",\"port\":8443,"
			     "\"statusCode\":308,\"path\":{\"type\":\"ReplaceFullPath\","
			     "\"replaceFullPath\":\"/new\"}") "}",
		PARTS("redirect"),
		"{\"host_redirect\":\"x.test\",\"path_redirect\":\"/new\",\"response_code\":"
		"\"PERMANENT_REDIRECT\",\"scheme_redirect\":\"https\",\"port_redirect\":8443}\n");
	assert_parts("{" REDIRECT("\"hostname\":\"x.test\"") "}", PARTS("redirect"),
		     "{\"host_redirect\":\"x.test\",\"response_code\":\"FOUND\"}\n");
}

#define REPLACE(prefix) \
	"\"path\":{\"type\":\"ReplacePrefixMatch\",\"replacePrefixMatch\":\"" prefix "\"}"
#define REWRITE(json) "\"filters\":[{\"type\":\"URLRewrite\",\"urlRewrite\":{" json "}}]"

/* How a prefix that is replaced becomes match and replacement, for rewrites and for redirects. */
static void assert_replaced(const char *match, const char *replacement, const char *expected)
{
	char *rewrite = mem_printf("{\"matches\":[{\"path\":{\"type\":\"PathPrefix\",\"value\":"
				   "\"%s\"}}]," TO_V1 "," REWRITE(REPLACE("%s")) "}",
				   match, replacement);
	char *redirect = mem_printf("{\"matches\":[{\"path\":{\"type\":\"PathPrefix\",\"value\":"
				    "\"%s\"}}]," REDIRECT(REPLACE("%s")) "}",
				    match, replacement);

	assert_parts(rewrite, PARTS("match", "route.prefix_rewrite"), expected);
	assert_parts(redirect, PARTS("match", "redirect.prefix_rewrite"), expected);
	mem_free(rewrite);
	mem_free(redirect);
}

TEST(a_prefix_is_replaced_by_whole_segments_with_one_slash_between)
{
	assert_replaced("/a", "/x", "{\"path_separated_prefix\":\"/a\"}\"/x\"\n");
	assert_replaced("/a/", "/x/", "{\"path_separated_prefix\":\"/a\"}\"/x\"\n");
	/* /b becomes /x/b, not /xb. */
	assert_replaced("/", "/x", "{\"prefix\":\"/\"}\"/x/\"\n");
	/* /a/b becomes /b, not //b. */
	assert_replaced("/a", "/", "{\"path\":\"/a\"}\"/\"\n{\"prefix\":\"/a/\"}\"/\"\n");
	assert_replaced("/a", "", "{\"path\":\"/a\"}\"/\"\n{\"prefix\":\"/a/\"}\"/\"\n");
	assert_replaced("/", "/", "{\"prefix\":\"/\"}\"/\"\n");
}

TEST(a_rewrite_changes_host_and_path)
{
	assert_parts("{" TO_V1 "," REWRITE("\"hostname\":\"x.test\"") "}",
		     PARTS("route.host_rewrite_literal"), "\"x.test\"\n");
	assert_parts(
		"{" MATCH(EXACT("/a")) "," TO_V1 "," REWRITE(
			"\"path\":{\"type\":\"ReplaceFullPath\",\"replaceFullPath\":\"/b\"}") "}",
		PARTS("match", "route.prefix_rewrite"), "{\"path\":\"/a\"}\"/b\"\n");
}

TEST(routes_of_another_namespace_replace_the_own_for_its_clients_until_they_go)
{
	struct pool pool = POOL_INIT(0);
	struct house h;

	house_open(&h);
	house_apply(
		&h,
		SERVICE_JSON("reviews") "," SERVICE_JSON(
			"v1") ","
			      "{\"apiVersion\":\"gateway.networking.k8s.io/"
			      "v1\",\"kind\":\"HTTPRoute\","
			      "\"metadata\":{\"name\":\"mine\",\"namespace\":\"batch\"},\"spec\":{"
			      "\"parentRefs\":[{\"group\":\"\",\"kind\":\"Service\",\"namespace\":"
			      "\"shop\","
			      "\"name\":\"reviews\"}],\"rules\":[{\"backendRefs\":[{\"namespace\":"
			      "\"shop\","
			      "\"name\":\"v1\",\"port\":9080}]}]}}");
	assert_json(node_at(routes_of(&h, "batch", &pool), "[0].name"), "\"batch/mine#0\"");
	assert_json(node_at(routes_of(&h, "shop", &pool), "[0].name"), "\"default\"");
	house_ask(&h, "DELETE",
		  "/apis/gateway.networking.k8s.io/v1/namespaces/batch/httproutes/mine", NULL);
	assert_json(node_at(routes_of(&h, "batch", &pool), "[0].name"), "\"default\"");
	pool_fini(&pool);
	house_close(&h);
}
