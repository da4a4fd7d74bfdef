#include "mesh/attach.h"

#include "fixture.h"

/* The routes of Service a, port 80, for clients of a namespace: "r1[0.1] …", "!" when never
 * reached. */
static void assert_order(struct fixture *f, const char *client, const char *expected)
{
	const struct document_index *x = document_index_new(&f->documents, &f->pool);
	const struct document *service =
		document_index_get(x, KIND_SERVICE, STR("default"), STR("a"));
	struct attached_matches matches =
		attach_routes(x, service, &service->service->ports[0], str_from(client), &f->pool);
	struct buf out = BUF_INIT(0);

	for (uint32_t i = 0; i < matches.count; i++) {
		const struct attached_match *m = &matches.items[i];

		buf_printf(&out, "%s%.*s[%u.%u]%s", i ? " " : "", STR_ARGS(m->route->name),
			   m->rule_index, m->match_index, m->taken_by ? "!" : "");
	}
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
}

#define SERVICE                                                \
	"{apiVersion: v1, kind: Service, metadata: {name: a}," \
	" spec: {ports: [{port: 80, name: http}, {port: 81, name: http-b}]}}\n"
#define ROUTE(ns, name, port, rules)                                              \
	"---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"        \
	"metadata: {name: " name ", namespace: " ns "}\nspec:\n  parentRefs:\n"   \
	"  - {group: \"\", kind: Service, name: a, namespace: default" port "}\n" \
	"  rules: " rules "\n"

TEST(the_most_specific_match_is_tried_first)
{
	struct fixture f = { 0 };

	fixture_one(&f,
		    SERVICE ROUTE("default", "r", "",
				  "[{matches: [{}, {path: {value: /abc}}, {path: {value: /ab}}]},"
				  " {matches: [{path: {type: Exact, value: /a}}, {method: GET},"
				  "  {headers: [{name: x, value: v}]},"
				  "  {headers: [{name: x, value: v}, {name: z, value: v}]},"
				  "  {queryParams: [{name: x, value: v}]}]}]"));
	assert_order(&f, "default", "r[1.0] r[0.1] r[0.2] r[1.1] r[1.3] r[1.2] r[1.4] r[0.0]");
	fixture_fini(&f);
}

TEST(ties_go_to_the_older_route_then_to_the_name)
{
	struct fixture f = { 0 };

	fixture_one(&f, SERVICE ROUTE("default", "r3", "", "[{matches: [{path: {value: /a}}]}]")
				ROUTE("default", "r2", "", "[{matches: [{path: {value: /b}}]}]")
					ROUTE("default", "r1", "",
					      "[{matches: [{path: {value: /a}}]}]"));
	assert_order(&f, "default", "r1[0.0] r2[0.0] r3[0.0]!");
	f.documents.items[1]->created = 7;
	f.documents.items[2]->created = 5;
	assert_order(&f, "default", "r2[0.0] r3[0.0] r1[0.0]!");
	fixture_fini(&f);
}

TEST(the_same_match_in_another_spelling_is_the_same)
{
	struct fixture f = { 0 };

	fixture_one(&f,
		    SERVICE ROUTE("default", "r", "",
				  "[{matches: [{path: {value: /a/}, headers: [{name: B, value: v},"
				  " {name: c, value: z}]}]},"
				  " {matches: [{path: {value: /a}, headers: [{name: c, value: z},"
				  " {name: b, value: v}]}]}]"));
	assert_order(&f, "default", "r[0.0] r[1.0]!");
	fixture_fini(&f);
}

TEST(a_consumer_route_replaces_the_producers_for_its_namespace)
{
	struct fixture f = { 0 };

	fixture_one(&f, SERVICE ROUTE("default", "producer", "", "[{}]")
				ROUTE("shop", "consumer", "", "[{}]"));
	assert_order(&f, "default", "producer[0.0]");
	assert_order(&f, "shop", "consumer[0.0]");
	assert_order(&f, "bank", "producer[0.0]");
	fixture_fini(&f);
}

TEST(a_route_holds_on_the_port_that_it_names)
{
	struct fixture f = { 0 };

	fixture_one(&f, SERVICE ROUTE("default", "all", "", "[{}]")
				ROUTE("default", "by-name", ", sectionName: http",
				      "[{}]") ROUTE("default", "by-port", ", port: 80", "[{}]")
					ROUTE("default", "other", ", port: 81", "[{}]")
						ROUTE("default", "neither",
						      ", port: 80, sectionName: http-b", "[{}]"));
	assert_order(&f, "default", "all[0.0] by-name[0.0]! by-port[0.0]!");
	fixture_fini(&f);
}
