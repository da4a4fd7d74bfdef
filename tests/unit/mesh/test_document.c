#include "mesh/document.h"

#include "fixture.h"

static const char reviews[] =
	"apiVersion: gateway.networking.k8s.io/v1\n"
	"kind: HTTPRoute\n"
	"metadata: {name: reviews, namespace: shop, labels: {team: b, app: a}}\n"
	"spec:\n"
	"  parentRefs:\n"
	"  - {group: \"\", kind: Service, name: reviews, port: 9080}\n"
	"  rules:\n"
	"  - name: testers\n"
	"    matches:\n"
	"    - headers:\n"
	"      - {name: x-tester, value: \"true\"}\n"
	"      queryParams:\n"
	"      - {name: v, value: \"2\"}\n"
	"      method: GET\n"
	"    backendRefs:\n"
	"    - {name: reviews-v2, port: 9080}\n"
	"  - name: main\n"
	"    matches:\n"
	"    - path: {type: PathPrefix, value: /a/}\n"
	"    - path: {type: Exact, value: /b/}\n"
	"    timeouts: {request: 2s, backendRequest: 500ms}\n"
	"    retry: {attempts: 2, codes: [502, 503, 504], backoff: 1500ms}\n"
	"    filters:\n"
	"    - type: RequestHeaderModifier\n"
	"      requestHeaderModifier:\n"
	"        set: [{name: x-a, value: b}]\n"
	"        add: []\n"
	"        remove: [x-c]\n"
	"    backendRefs:\n"
	"    - {name: reviews-v1, port: 9080, weight: 90}\n"
	"    - {name: reviews-v2, port: 9080, weight: 10, namespace: other}\n";

TEST(an_http_route_is_read_with_its_defaults)
{
	struct fixture f = { 0 };
	struct document *doc = fixture_one(&f, reviews);
	const struct http_route *route = doc->http_route;
	const struct route_rule *testers = &route->rules[0];
	const struct route_rule *main_rule = &route->rules[1];

	assert_int_equal(doc->kind->id, KIND_HTTP_ROUTE);
	assert_str_equal(doc->name_space, "shop");
	assert_str_equal(*text_map_get(&doc->labels, STR("app")), "a");
	assert_int_equal(route->parent_count, 1);
	assert_str_equal(route->parents[0].name_space, "shop");
	assert_int_equal(route->parents[0].port, 9080);

	assert_str_equal(testers->matches[0].path->value, "/");
	assert_int_equal(testers->matches[0].path->type, ROUTE_PATH_PREFIX);
	assert_str_equal(testers->matches[0].headers[0].value, "true");
	assert_str_equal(testers->matches[0].queries[0].name, "v");
	assert_str_equal(testers->matches[0].method, "GET");
	assert_int_equal(testers->backends[0].weight, 1);
	assert_null(testers->timeouts);

	assert_str_equal(main_rule->matches[0].path->value, "/a");
	assert_str_equal(main_rule->matches[1].path->value, "/b/");
	assert_true(main_rule->timeouts->backend_request.ns == 500000000);
	assert_int_equal(main_rule->retry->codes[2], 504);
	assert_int_equal(main_rule->filters[0].type, ROUTE_FILTER_REQUEST_HEADERS);
	assert_str_equal(main_rule->filters[0].request_headers->remove[0], "x-c");
	assert_str_equal(main_rule->backends[1].name_space, "other");
	fixture_fini(&f);
}

TEST(a_rule_without_matches_takes_every_request)
{
	struct fixture f = { 0 };
	struct document *doc =
		fixture_one(&f, "apiVersion: gateway.networking.k8s.io/v1\n"
				"kind: HTTPRoute\n"
				"metadata: {name: a}\n"
				"spec:\n"
				"  parentRefs: [{group: \"\", kind: Service, name: a}]\n"
				"  rules: [{backendRefs: [{name: a, port: 1}]}]\n");
	const struct route_rule *rule = &doc->http_route->rules[0];

	assert_str_equal(doc->name_space, "default");
	assert_int_equal(rule->match_count, 1);
	assert_int_equal(rule->matches[0].path->type, ROUTE_PATH_PREFIX);
	assert_str_equal(rule->matches[0].path->value, "/");
	assert_ptr_equal(rule->matches[0].node, rule->node);
	fixture_fini(&f);
}

TEST(a_service_says_what_its_ports_speak)
{
	struct fixture f = { 0 };
	struct document *doc =
		fixture_one(&f, "apiVersion: v1\n"
				"kind: Service\n"
				"metadata: {name: reviews-v1, namespace: shop}\n"
				"spec:\n"
				"  selector: {version: v1, app: reviews}\n"
				"  ports:\n"
				"  - {name: web, port: 80, targetPort: 8080, appProtocol: http}\n"
				"  - {name: http-admin, port: 81, targetPort: admin}\n"
				"  - {name: data, port: 82}\n"
				"  - {name: redis, port: 83}\n");
	const struct service *s = doc->service;

	assert_int_equal(s->port_count, 4);
	assert_int_equal(s->ports[0].protocol, PROTOCOL_HTTP);
	assert_int_equal(s->ports[0].protocol_origin, PROTOCOL_BY_APP_PROTOCOL);
	assert_int_equal(s->ports[0].target.number, 8080);
	assert_int_equal(s->ports[1].protocol, PROTOCOL_HTTP);
	assert_int_equal(s->ports[1].protocol_origin, PROTOCOL_BY_PORT_NAME);
	assert_str_equal(s->ports[1].target.name, "admin");
	assert_int_equal(s->ports[2].protocol, PROTOCOL_TCP);
	assert_int_equal(s->ports[2].protocol_origin, PROTOCOL_UNDECLARED);
	assert_int_equal(s->ports[2].target.number, 82);
	assert_int_equal(s->ports[3].protocol_origin, PROTOCOL_BY_PORT_NAME);
	assert_str_equal(s->selector.items[0].key, "app");
	assert_str_equal(service_account_default(s, doc->name), "reviews");
	assert_ptr_equal(service_port_by_number(s, 82), &s->ports[2]);
	assert_null(service_port_by_number(s, 99));
	fixture_fini(&f);
}

TEST(a_workload_is_read)
{
	struct fixture f = { 0 };
	struct document *doc = fixture_one(
		&f, "apiVersion: weft.dev/v1alpha1\n"
		    "kind: Workload\n"
		    "metadata: {name: reviews-v1-vm7, labels: {app: reviews}}\n"
		    "spec:\n"
		    "  address: 127.77.1.2\n"
		    "  serviceAccount: reviews\n"
		    "  ports: [{name: http, port: 9080, meshPort: 15006, protocol: http}]\n"
		    "  locality: {region: eu-west, zone: a}\n");
	const struct workload *w = doc->workload;
	struct port_target by_name = { .name = STR("http") };
	struct port_target by_number = { .number = 9080 };

	assert_string_equal(address_text(&w->address), "127.77.1.2:0");
	assert_ptr_equal(workload_port_for(w, &by_name), &w->ports[0]);
	assert_ptr_equal(workload_port_for(w, &by_number), &w->ports[0]);
	assert_int_equal(w->ports[0].mesh_port, 15006);
	assert_int_equal(w->ports[0].protocol, PROTOCOL_HTTP);
	assert_str_equal(w->locality->zone, "a");
	fixture_fini(&f);
}

TEST(a_mesh_config_grants_identities_and_names_who_serves)
{
	struct fixture f = { 0 };
	struct document *doc = fixture_one(
		&f, "apiVersion: weft.dev/v1alpha1\n"
		    "kind: MeshConfig\n"
		    "metadata: {name: default}\n"
		    "spec:\n"
		    "  localIdentities:\n"
		    "  - {uids: [1000], namespaces: [shop], accounts: [\"*\"]}\n"
		    "  serving:\n"
		    "  - {namespace: shop, service: reviews, accounts: [reviews, canary]}\n");
	const struct mesh_config *m = doc->mesh_config;
	struct service empty = { 0 };

	assert_str_equal(doc->name_space, "");
	assert_true(local_identity_grants(&m->local_identities[0], STR("shop"), STR("x")));
	assert_false(local_identity_grants(&m->local_identities[0], STR("bank"), STR("x")));
	assert_true(mesh_config_may_serve(m, STR("shop"), STR("reviews"), &empty, STR("canary")));
	assert_false(mesh_config_may_serve(m, STR("shop"), STR("reviews"), &empty, STR("web")));
	assert_true(mesh_config_may_serve(m, STR("shop"), STR("web"), &empty, STR("web")));
	assert_int_equal(m->virtual_addresses->ip4.prefix_bits, 16);
	assert_string_equal(address_text(&m->virtual_addresses->ip4.base), "240.240.0.0:0");
	assert_int_equal(mesh_config_default()->virtual_addresses->ip6.prefix_bits, 64);
	fixture_fini(&f);
}

TEST(lists_and_several_documents_are_opened)
{
	struct fixture f = { 0 };
	struct document *last =
		fixture_one(&f, "apiVersion: v1\nkind: List\nitems:\n"
				"- {apiVersion: v1, kind: Service, metadata: {name: a},"
				" spec: {ports: [{port: 1}]}}\n"
				"- {apiVersion: v1, kind: Service, metadata: {name: b},"
				" spec: {ports: [{port: 1}]}}\n"
				"---\n# nothing\n---\n"
				"{apiVersion: v1, kind: Service, metadata: {name: c},"
				" spec: {ports: [{port: 1}]}}\n");

	assert_int_equal(f.documents.count, 3);
	assert_str_equal(last->name, "c");
	assert_str_equal(f.documents.items[1]->name, "b");
	fixture_fini(&f);
}

TEST(what_the_control_plane_writes_is_accepted_and_not_kept)
{
	struct fixture f = { 0 };
	struct buf out = BUF_INIT(0);
	struct document *doc =
		fixture_one(&f, "apiVersion: v1\nkind: Service\n"
				"metadata: {name: a, uid: x, generation: 3, resourceVersion: \"7\","
				" creationTimestamp: null}\n"
				"spec: {ports: [{port: 1}], selector: {}}\n"
				"status: {anything: [1]}\n");

	assert_str_equal(doc->resource_version, "7");
	document_canonical_json(doc, &out);
	assert_str_equal(buf_str(&out),
			 "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"a\","
			 "\"namespace\":\"default\"},\"spec\":{\"ports\":[{\"port\":1}]}}");
	buf_fini(&out);
	fixture_fini(&f);
}

TEST(equal_documents_have_equal_bytes)
{
	struct fixture first = { 0 };
	struct fixture second = { 0 };
	struct buf a = BUF_INIT(0);
	struct buf b = BUF_INIT(0);
	struct buf yaml = BUF_INIT(0);
	struct document *doc = fixture_one(&first, reviews);

	document_canonical_json(doc, &a);
	assert_true(str_has_prefix(buf_str(&a),
				   STR("{\"apiVersion\":\"gateway.networking.k8s.io/v1\","
				       "\"kind\":\"HTTPRoute\",\"metadata\":{\"name\":\"reviews\","
				       "\"namespace\":\"shop\",\"labels\":{\"app\":\"a\","
				       "\"team\":\"b\"}},\"spec\":{\"parentRefs\":[{\"group\":")));

	/* Through YAML and back, from other spellings of the same. */
	yaml_write(document_canonical(doc, &first.pool), &yaml);
	buf_append_char(&yaml, 0);
	doc = fixture_one(&second, buf_str(&yaml).ptr);
	document_canonical_json(doc, &b);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));

	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&yaml);
	fixture_fini(&first);
	fixture_fini(&second);
}

TEST(the_api_finds_kinds_by_path_and_people_by_word)
{
	static const struct {
		const char *path;
		enum kind_id kind;
		const char *name_space;
		const char *name;
		bool status;
	} rows[] = {
		{ "/api/v1/services", KIND_SERVICE, "", "", false },
		{ "/api/v1/namespaces/shop/services", KIND_SERVICE, "shop", "", false },
		{ "/api/v1/namespaces/shop/services/a", KIND_SERVICE, "shop", "a", false },
		{ "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a.b/status",
		  KIND_HTTP_ROUTE, "shop", "a.b", true },
		{ "/apis/weft.dev/v1alpha1/meshconfigs/default", KIND_MESH_CONFIG, "", "default",
		  false },
		{ "/apis/weft.dev/v1alpha1/workloads", KIND_WORKLOAD, "", "", false },
	};
	static const char *const wrong[] = {
		"",
		"/",
		"/api/v1",
		"/api/v1/services/a",
		"/api/v1/services/",
		"/api/v1/pods",
		"/api/v1/namespaces/Shop/services",
		"/api/v1/namespaces/shop/services/a/b",
		"/api/v1/namespaces/shop/services/a/status/x",
		"/api/v1/namespaces/shop",
		"/apis/weft.dev/v1alpha1/namespaces/shop/meshconfigs/default",
		"/api/v1/namespaces/shop/services/..",
		"/api/v1services",
		"/apis/v1/services",
	};
	struct buf out = BUF_INIT(0);
	struct kind_path p;

	for (size_t i = 0; i < array_count(rows); i++) {
		assert_int_equal(kind_path_parse(str_from(rows[i].path), &p), 0);
		assert_int_equal(p.kind->id, rows[i].kind);
		assert_str_equal(p.name_space, rows[i].name_space);
		assert_str_equal(p.name, rows[i].name);
		assert_int_equal(p.status, rows[i].status);
		buf_clear(&out);
		kind_path_format(&p, &out);
		assert_str_equal(buf_str(&out), rows[i].path);
	}
	buf_fini(&out);
	for (size_t i = 0; i < array_count(wrong); i++)
		assert_int_equal(kind_path_parse(str_from(wrong[i]), &p), ERR_NOT_FOUND);
	assert_int_equal(kind_by_word(STR("Route"))->id, KIND_HTTP_ROUTE);
	assert_int_equal(kind_by_word(STR("svc"))->id, KIND_SERVICE);
	assert_null(kind_by_word(STR("pods")));
}

TEST(every_kind_has_a_schema_without_what_is_refused)
{
	struct pool pool = POOL_INIT(0);

	for (int i = 0; i < KIND_COUNT; i++) {
		struct node *schema = kind_schema(kind_of((enum kind_id)i), &pool);

		assert_non_null(node_at(schema, "properties.spec.properties"));
		assert_non_null(node_at(schema, "properties.kind.const"));
	}

	struct node *route = kind_schema(kind_of(KIND_HTTP_ROUTE), &pool);
	struct node *rule = node_at(route, "properties.spec.properties.rules.items.properties");

	assert_str_equal(node_at(rule, "backendRefs.items.properties.weight.default")->text, "1");
	assert_null(node_at(rule, "sessionPersistence"));
	assert_null(node_at(rule, "matches.items.properties.path.properties.type.enum[2]"));
	pool_fini(&pool);
}

TEST(help_lists_the_fields_of_an_object)
{
	const struct kind *route = kind_of(KIND_HTTP_ROUTE);
	struct buf out = BUF_INIT(0);

	assert_int_equal(kind_help(route, STR("spec.rules.timeouts"), &out), 0);
	assert_str_equal(buf_str(&out),
			 "HTTPRoute.spec.rules.timeouts: How long it may take.\n"
			 "\n"
			 "  request         duration\n"
			 "                  For a request with all its tries; 0s: none.\n"
			 "  backendRequest  duration\n"
			 "                  For one try; 0s: none.\n");
	assert_int_equal(kind_help(route, STR("spec.rules.name"), &out), ERR_NOT_FOUND);
	assert_int_equal(kind_help(route, STR("spec.x"), &out), ERR_NOT_FOUND);
	buf_clear(&out);
	assert_int_equal(kind_help(route, STR_EMPTY, &out), 0);
	assert_true(str_has_prefix(buf_str(&out), STR("HTTPRoute: Where the HTTP requests")));
	buf_fini(&out);
}

static void assert_place(const struct documents *documents, const char *path, uint32_t line,
			 uint32_t column)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, ERR_CONFIG, "x");
	documents_place(documents, str_from(path), &d);
	assert_int_equal(d.at.line, line);
	assert_int_equal(d.at.column, column);
	assert_int_equal(d.file != NULL, line > 0);
	diag_fini(&d);
}

TEST(a_path_of_the_api_leads_to_the_place_in_the_file)
{
	struct fixture f = { 0 };

	fixture_one(&f, "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port:"
			" 1}]}}\n---\n");
	fixture_one(&f, reviews);
	assert_place(&f.documents, "items[1].spec.rules[1].backendRefs[0].port", 30, 32);
	assert_place(&f.documents, "items[1].spec.rules[0].timeouts", 8, 5);
	assert_place(&f.documents, "items[1]", 1, 1);
	assert_place(&f.documents, "items[0].spec.ports[7]", 1, 68);
	assert_place(&f.documents, "items[2].spec", 0, 0);
	assert_place(&f.documents, "spec", 0, 0);
	fixture_fini(&f);
}

TEST(a_document_does_not_point_to_the_options_it_was_read_with)
{
	char *name = mem_strdup("borrowed");
	const struct document_options options = { .default_namespace = str_from(name) };
	struct pool pool = POOL_INIT(0);
	struct documents documents = { 0 };
	struct diag d = DIAG_INIT;

	assert_int_equal(documents_parse(STR("{apiVersion: v1, kind: Service, metadata: {name: a},"
					     " spec: {ports: [{port: 80}]}}"),
					 &options, &pool, &documents, &d),
			 0);
	memset(name, 'x', strlen(name));
	mem_free(name);
	assert_str_equal(documents.items[0]->name_space, "borrowed");
	pool_fini(&pool);
}
