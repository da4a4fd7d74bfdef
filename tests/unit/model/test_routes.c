#include "fixture.h"

#include "model/routes.h"

/* One virtual host "*" with one route, given by the lines behind its match. */
#define ROUTE_MATCHING(match, lines) \
	"name: r\n"                  \
	"virtual_hosts:\n"           \
	"- name: all\n"              \
	"  domains: ['*']\n"         \
	"  routes:\n"                \
	"  - match: {" match "}\n" lines

#define ROUTE(lines)    ROUTE_MATCHING("prefix: /", lines)
#define MATCH(match)    ROUTE_MATCHING(match, "    route: {cluster: a}\n")
#define AT              "virtual_hosts[0].routes[0]."
#define HOSTS(lines)    "name: r\nvirtual_hosts:\n" lines
#define HOST(n, domain) "- {name: " n ", domains: [" domain "]}\n"

static struct route_table *table(const char *yaml)
{
	return route_table_of(compiled(PART_ROUTES, yaml));
}

static struct route *first_route(struct route_table *t)
{
	return &t->hosts[0].routes[0];
}

TEST(a_route_without_settings_means_what_it_means_in_envoy)
{
	struct route_table *t = table(ROUTE("    route: {cluster: a}\n"));
	struct route *r = first_route(t);

	assert_str_equal(t->part.name, "r");
	assert_str_equal(t->part.version, "7");
	assert_int_equal(r->action, ROUTE_FORWARD);
	assert_int_equal(r->path.kind, PATH_MATCH_PREFIX);
	assert_false(r->path.ignore_case);
	assert_false(r->grpc_only);
	assert_int_equal(r->fraction_per_million, 1000000);
	assert_int_equal(r->forward.timeout.ns, DURATION_SECONDS(15).ns);
	assert_int_equal(r->forward.idle_timeout.ns, -1);
	assert_int_equal(r->forward.max_stream_duration.ns, -1);
	assert_int_equal(r->forward.cluster_not_found_status, 503);
	assert_int_equal(r->forward.priority, 0);
	assert_null(r->forward.retry);
	assert_int_equal(r->forward.cluster_count, 1);
	assert_int_equal(r->forward.weight_total, 1);
	assert_str_equal(r->forward.clusters[0].cluster.name, "a");
	part_unref(&t->part);
}

TEST(each_setting_of_a_forwarding_route_is_taken_over)
{
	struct route_table *t =
		table(ROUTE("    name: one\n"
			    "    route:\n"
			    "      cluster: a\n"
			    "      timeout: 0s\n"
			    "      idle_timeout: 1.5s\n"
			    "      max_stream_duration: {max_stream_duration: 60s}\n"
			    "      priority: HIGH\n"
			    "      cluster_not_found_response_code: NOT_FOUND\n"
			    "      prefix_rewrite: /x\n"
			    "      host_rewrite_literal: h.example\n"
			    "      append_x_forwarded_host: true\n"));
	struct route *r = first_route(t);

	assert_str_equal(r->name, "one");
	assert_int_equal(r->forward.timeout.ns, 0);
	assert_int_equal(r->forward.idle_timeout.ns, DURATION_MS(1500).ns);
	assert_int_equal(r->forward.max_stream_duration.ns, DURATION_SECONDS(60).ns);
	assert_int_equal(r->forward.priority, 1);
	assert_int_equal(r->forward.cluster_not_found_status, 404);
	assert_str_equal(r->forward.prefix_rewrite, "/x");
	assert_str_equal(r->forward.host_rewrite, "h.example");
	assert_true(r->forward.append_x_forwarded_host);
	assert_false(r->forward.auto_host_rewrite);
	part_unref(&t->part);
}

TEST(weighted_clusters_are_taken_over_with_their_headers)
{
	struct route_table *t =
		table(ROUTE("    route:\n"
			    "      weighted_clusters:\n"
			    "        clusters:\n"
			    "        - {name: a, weight: 90}\n"
			    "        - {name: b}\n"
			    "        - name: c\n"
			    "          weight: 10\n"
			    "          request_headers_to_add: [{header: {key: X-To, value: c}}]\n"
			    "          response_headers_to_remove: [X-From]\n"));
	struct route *r = first_route(t);

	assert_int_equal(r->forward.cluster_count, 3);
	assert_int_equal(r->forward.weight_total, 100);
	assert_int_equal(r->forward.clusters[0].weight, 90);
	assert_int_equal(r->forward.clusters[1].weight, 0);
	assert_str_equal(r->forward.clusters[2].request.add[0].name, "x-to");
	assert_str_equal(r->forward.clusters[2].response.remove[0], "x-from");
	part_unref(&t->part);
}

TEST(all_clusters_of_a_table_are_gathered)
{
	struct route_table *t = table(HOSTS(
		"- name: a\n"
		"  domains: [a]\n"
		"  routes:\n"
		"  - {match: {path: /1}, route: {cluster: one}}\n"
		"  - {match: {path: /2}, redirect: {path_redirect: /1}}\n"
		"- name: b\n"
		"  domains: [b]\n"
		"  routes:\n"
		"  - match: {prefix: /}\n"
		"    route: {weighted_clusters: {clusters: [{name: two, weight: 1}, {name: one, "
		"weight: 1}]}}\n"));

	assert_int_equal(t->cluster_count, 3);
	assert_str_equal(t->clusters[0]->name, "one");
	assert_str_equal(t->clusters[1]->name, "two");
	assert_str_equal(t->clusters[2]->name, "one");
	assert_ptr_equal(t->clusters[0], &t->hosts[0].routes[0].forward.clusters[0].cluster);
	part_unref(&t->part);
}

TEST(redirects_are_taken_over)
{
	struct route_table *t = table(ROUTE("    redirect:\n"
					    "      https_redirect: true\n"
					    "      host_redirect: h.example\n"
					    "      port_redirect: 8443\n"
					    "      prefix_rewrite: /new\n"
					    "      strip_query: true\n"
					    "      response_code: TEMPORARY_REDIRECT\n"));
	struct route *r = first_route(t);

	assert_int_equal(r->action, ROUTE_REDIRECT);
	assert_true(r->redirect.https_redirect);
	assert_str_equal(r->redirect.host, "h.example");
	assert_int_equal(r->redirect.port, 8443);
	assert_str_equal(r->redirect.prefix_rewrite, "/new");
	assert_true(r->redirect.strip_query);
	assert_int_equal(r->redirect.status, 307);
	assert_int_equal(r->forward.cluster_count, 0);
	part_unref(&t->part);
}

TEST(a_redirect_is_permanent_where_nothing_is_said)
{
	struct route_table *t = table(ROUTE("    redirect: {path_redirect: /x}\n"));

	assert_int_equal(first_route(t)->redirect.status, 301);
	assert_str_equal(first_route(t)->redirect.path, "/x");
	part_unref(&t->part);
}

TEST(direct_responses_are_taken_over)
{
	struct route_table *t =
		table(ROUTE("    direct_response: {status: 418, body: {inline_string: tea}}\n"));

	assert_int_equal(first_route(t)->action, ROUTE_DIRECT_RESPONSE);
	assert_int_equal(first_route(t)->direct.status, 418);
	assert_str_equal(first_route(t)->direct.body, "tea");
	part_unref(&t->part);
}

TEST(the_body_of_a_direct_response_may_be_bytes)
{
	struct route_table *t =
		table(ROUTE("    direct_response: {status: 200, body: {inline_bytes: AAE=}}\n"));

	assert_int_equal(first_route(t)->direct.body.len, 2);
	assert_int_equal(first_route(t)->direct.body.ptr[1], 1);
	part_unref(&t->part);
}

TEST(paths_are_compiled_by_kind)
{
	static const struct {
		const char *yaml;
		enum path_match_kind kind;
		bool ignore_case;
		const char *value;
	} rows[] = {
		{ MATCH("prefix: /a"), PATH_MATCH_PREFIX, false, "/a" },
		{ MATCH("prefix: ''"), PATH_MATCH_PREFIX, false, "" },
		{ MATCH("path: /a, case_sensitive: false"), PATH_MATCH_EXACT, true, "/a" },
		{ MATCH("path_separated_prefix: /a/b"), PATH_MATCH_SEPARATED_PREFIX, false,
		  "/a/b" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct route_table *t = table(rows[i].yaml);
		struct path_match path = first_route(t)->path;

		assert_int_equal(path.kind, rows[i].kind);
		assert_int_equal(path.ignore_case, rows[i].ignore_case);
		assert_str_equal(path.value, rows[i].value);
		part_unref(&t->part);
	}
}

#define HEADER(condition) MATCH("prefix: /, headers: [{name: X-A, " condition "}]")

TEST(headers_are_compiled_by_kind)
{
	static const struct {
		const char *yaml;
		enum header_match_kind kind;
		enum text_match_kind text;
		const char *value;
	} rows[] = {
		{ HEADER("exact_match: v"), HEADER_MATCH_TEXT, TEXT_MATCH_EXACT, "v" },
		{ HEADER("exact_match: ''"), HEADER_MATCH_TEXT, TEXT_MATCH_PREFIX, "" },
		{ HEADER("prefix_match: v"), HEADER_MATCH_TEXT, TEXT_MATCH_PREFIX, "v" },
		{ HEADER("suffix_match: v"), HEADER_MATCH_TEXT, TEXT_MATCH_SUFFIX, "v" },
		{ HEADER("contains_match: v"), HEADER_MATCH_TEXT, TEXT_MATCH_CONTAINS, "v" },
		{ HEADER("string_match: {exact: ''}"), HEADER_MATCH_TEXT, TEXT_MATCH_EXACT, "" },
		{ HEADER("string_match: {suffix: v}"), HEADER_MATCH_TEXT, TEXT_MATCH_SUFFIX, "v" },
		{ HEADER("range_match: {start: 1, end: 2}"), HEADER_MATCH_RANGE, 0, "" },
		{ HEADER("present_match: true"), HEADER_MATCH_PRESENT, 0, "" },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct route_table *t = table(rows[i].yaml);
		struct header_match *h = &first_route(t)->headers[0];

		assert_int_equal(first_route(t)->header_count, 1);
		assert_str_equal(h->name, "x-a");
		assert_int_equal(h->id, HEADER_OTHER);
		assert_int_equal(h->kind, rows[i].kind);
		assert_int_equal(h->text.kind, rows[i].text);
		assert_str_equal(h->text.value, rows[i].value);
		part_unref(&t->part);
	}
}

TEST(what_a_header_match_adds_is_taken_over)
{
	struct route_table *t = table(MATCH(
		"prefix: /, headers: [{name: Host, string_match: {contains: Foo, ignore_case: "
		"true}, invert_match: true, treat_missing_header_as_empty: true}, {name: x, "
		"present_match: false}, {name: x}, {name: x-n, range_match: {start: -5, end: 7}}, "
		"{name: ':method', exact_match: GET}]"));
	struct header_match *h = first_route(t)->headers;

	assert_int_equal(first_route(t)->header_count, 5);
	assert_int_equal(h[0].id, HEADER_HOST);
	assert_true(h[0].text.ignore_case && h[0].invert && h[0].missing_is_empty);
	assert_int_equal(h[1].kind, HEADER_MATCH_PRESENT);
	assert_false(h[1].present);
	assert_int_equal(h[2].kind, HEADER_MATCH_PRESENT);
	assert_true(h[2].present);
	assert_int_equal(h[3].range_start, -5);
	assert_int_equal(h[3].range_end, 7);
	assert_str_equal(h[4].name, ":method");
	part_unref(&t->part);
}

TEST(queries_are_compiled)
{
	struct route_table *t = table(MATCH(
		"prefix: /, query_parameters: [{name: q, string_match: {prefix: v}}, {name: p, "
		"present_match: true}, {name: r, present_match: false}, {name: s}]"));
	struct query_match *q = first_route(t)->queries;

	assert_int_equal(first_route(t)->query_count, 4);
	assert_int_equal(q[0].kind, QUERY_MATCH_TEXT);
	assert_int_equal(q[0].text.kind, TEXT_MATCH_PREFIX);
	assert_str_equal(q[1].name, "p");
	assert_true(q[1].kind == QUERY_MATCH_PRESENT && q[1].present);
	assert_true(q[2].kind == QUERY_MATCH_PRESENT && !q[2].present);
	assert_true(q[3].kind == QUERY_MATCH_PRESENT && q[3].present);
	part_unref(&t->part);
}

TEST(fractions_are_counted_in_millionths)
{
	static const struct {
		const char *yaml;
		uint32_t per_million;
	} rows[] = {
		{ MATCH("prefix: /, runtime_fraction: {default_value: {numerator: 10}}"), 100000 },
		{ MATCH("prefix: /, runtime_fraction: {default_value: {numerator: 5, denominator: "
			"TEN_THOUSAND}, runtime_key: k}"),
		  500 },
		{ MATCH("prefix: /, runtime_fraction: {default_value: {numerator: 3, denominator: "
			"MILLION}}"),
		  3 },
		{ MATCH("prefix: /, runtime_fraction: {default_value: {numerator: 101}}"),
		  1000000 },
		{ MATCH("prefix: /, runtime_fraction: {default_value: {}}"), 0 },
	};

	for (size_t i = 0; i < array_count(rows); i++) {
		struct route_table *t = table(rows[i].yaml);

		assert_int_equal(first_route(t)->fraction_per_million, rows[i].per_million);
		part_unref(&t->part);
	}
}

TEST(a_host_hands_its_settings_to_its_routes)
{
	struct route_table *t = table(HOSTS(
		"- name: a\n"
		"  domains: [a]\n"
		"  require_tls: EXTERNAL_ONLY\n"
		"  include_request_attempt_count: true\n"
		"  request_headers_to_remove: [x-r]\n"
		"  response_headers_to_add: [{header: {key: x-h, value: v}}]\n"
		"  retry_policy: {retry_on: 5xx}\n"
		"  routes:\n"
		"  - {match: {path: /1}, route: {cluster: a}}\n"
		"  - {match: {path: /2}, route: {cluster: a, retry_policy: {retry_on: reset}}}\n"));
	struct virtual_host *v = &t->hosts[0];

	assert_false(v->require_tls_all);
	assert_true(v->require_tls_external);
	assert_true(v->include_attempt_count);
	assert_int_equal(v->request.remove_count, 1);
	assert_int_equal(v->response.add_count, 1);
	assert_int_equal(v->routes[0].forward.retry->retry_on, RETRY_ON_5XX);
	assert_int_equal(v->routes[1].forward.retry->retry_on, RETRY_ON_RESET);
	part_unref(&t->part);
}

TEST(a_compiled_table_finds_its_hosts)
{
	struct route_table *t = table(
		HOSTS(HOST("a", "A.Example, '*.a.example'") HOST("b", "'a.*'") HOST("c", "'*'")));

	assert_str_equal(route_table_host(t, STR("a.example"))->name, "a");
	assert_str_equal(route_table_host(t, STR("x.a.example"))->name, "a");
	assert_str_equal(route_table_host(t, STR("a.net"))->name, "b");
	assert_str_equal(route_table_host(t, STR("z"))->name, "c");
	part_unref(&t->part);
}

TEST(a_table_hands_its_settings_over)
{
	struct route_table *t = table("name: r\n"
				      "ignore_port_in_host_matching: true\n"
				      "validate_clusters: false\n"
				      "request_headers_to_add: [{header: {key: x-t, value: v}}]\n"
				      "response_headers_to_remove: [server]\n");

	assert_true(t->ignore_port_in_host);
	assert_int_equal(t->host_count, 0);
	assert_int_equal(t->request.add_count, 1);
	assert_str_equal(t->response.remove[0], "server");
	assert_null(route_table_host(t, STR("a")));
	part_unref(&t->part);
}

// clang-format off
static const struct refusal bad_tables[] = {
	{ "virtual_hosts: []\n", "a resource needs a name" },
	{ HOSTS(HOST("a", "")), "virtual_hosts[0].domains: is missing" },
	{ HOSTS("- {domains: [a]}\n"), "virtual_hosts[0].name: is missing" },
	{ HOSTS(HOST("a", "a") HOST("b", "b, A")),
	  "virtual_hosts[1].domains[1]: \"A\" is there twice" },
	{ HOSTS(HOST("a", "'*'") HOST("b", "'*'")),
	  "virtual_hosts[1].domains[0]: \"*\" is there twice" },
	{ HOSTS(HOST("a", "'a.*.b'")),
	  "virtual_hosts[0].domains[0]: \"a.*.b\" is not a domain: expected a host, "
	  "\"*.example.com\", \"example.*\" or \"*\"" },
	{ HOSTS(HOST("a", "'*.a.*'")),
	  "virtual_hosts[0].domains[0]: \"*.a.*\" is not a domain: expected a host, "
	  "\"*.example.com\", \"example.*\" or \"*\"" },
	{ HOSTS(HOST("a", "''")),
	  "virtual_hosts[0].domains[0]: \"\" is not a domain: expected a host, "
	  "\"*.example.com\", \"example.*\" or \"*\"" },
	{ "name: r\nvhds: {}\n", "vhds: is not supported by this version" },
};
// clang-format on

TEST(what_no_table_may_say_is_refused)
{
	assert_all_refused(PART_ROUTES, bad_tables);
}

// clang-format off
static const struct refusal bad_matches[] = {
	{ MATCH(""), AT "match: needs one of its path_specifier" },
	{ MATCH("safe_regex: {regex: a}"),
	  AT "match.safe_regex: is not supported by this version" },
	{ MATCH("connect_matcher: {}"),
	  AT "match.connect_matcher: is not supported by this version" },
	{ MATCH("path: '/a?b'"),
	  AT "match.path: must hold no query and no fragment: they are not part of the path" },
	{ MATCH("prefix: '/a#b'"),
	  AT "match.prefix: must hold no query and no fragment: they are not part of the "
	  "path" },
	{ MATCH("path_separated_prefix: /a/"), AT "match.path_separated_prefix: must begin "
	  "with a slash and not end with one" },
	{ MATCH("path_separated_prefix: a"),
	  AT "match.path_separated_prefix: must begin with a slash and not end with one" },
	{ HEADER("safe_regex_match: {regex: a}"),
	  AT "match.headers[0].safe_regex_match: is not supported by this version" },
	{ HEADER("string_match: {safe_regex: {regex: a}}"),
	  AT "match.headers[0].string_match.safe_regex: is not supported by this version" },
	{ HEADER("string_match: {prefix: ''}"),
	  AT "match.headers[0].string_match.prefix: must not be empty: it would match "
	  "anything" },
	{ HEADER("string_match: {}"),
	  AT "match.headers[0].string_match: needs one of its match_pattern" },
	{ MATCH("prefix: /, headers: [{name: 'a b'}]"),
	  AT "match.headers[0].name: \"a b\" is not a header name" },
	{ MATCH("prefix: /, headers: [{name: ':status'}]"),
	  AT "match.headers[0].name: \":status\" is not a header name" },
	{ MATCH("prefix: /, headers: [{exact_match: a}]"),
	  AT "match.headers[0].name: is missing" },
	{ MATCH("prefix: /, query_parameters: [{name: q, string_match: {contains: ''}}]"),
	  AT "match.query_parameters[0].string_match.contains: must not be empty: it would "
	  "match anything" },
	{ MATCH("prefix: /, runtime_fraction: {runtime_key: k}"),
	  AT "match.runtime_fraction.default_value: is missing" },
	{ MATCH("prefix: /, dynamic_metadata: [{}]"),
	  AT "match.dynamic_metadata: is not supported by this version" },
};
// clang-format on

TEST(what_no_match_may_say_is_refused)
{
	assert_all_refused(PART_ROUTES, bad_matches);
}

// clang-format off
static const struct refusal bad_routes[] = {
	{ HOSTS("- {name: a, domains: [a], routes: [{route: {cluster: a}}]}\n"),
	  AT "match: is missing" },
	{ ROUTE(""), "virtual_hosts[0].routes[0]: needs one of its action" },
	{ ROUTE("    non_forwarding_action: {}\n"),
	  AT "non_forwarding_action: is not supported by this version" },
	{ ROUTE("    route: {}\n"), AT "route: needs one of its cluster_specifier" },
	{ ROUTE("    route: {cluster: ''}\n"), AT "route.cluster: must not be empty" },
	{ ROUTE("    route: {cluster_header: x}\n"),
	  AT "route.cluster_header: is not supported by this version" },
	{ ROUTE("    route: {cluster: a, timeout: -1s}\n"),
	  AT "route.timeout: must not be negative" },
	{ ROUTE("    route: {cluster: a, host_rewrite_literal: \"a\\nb\"}\n"),
	  AT "route.host_rewrite_literal: holds a control character" },
	{ ROUTE("    route: {cluster: a, regex_rewrite: {}}\n"),
	  AT "route.regex_rewrite: is not supported by this version" },
	{ ROUTE("    route: {weighted_clusters: {clusters: []}}\n"),
	  AT "route.weighted_clusters.clusters: is missing" },
	{ ROUTE("    route: {weighted_clusters: {clusters: [{name: a}]}}\n"), AT
	  "route.weighted_clusters.clusters: the sum of the weights must be between 1 and "
	  "4294967295" },
	{ ROUTE("    route: {weighted_clusters: {clusters: [{name: a, weight: 4294967295}, "
	  "{name: b, weight: 1}]}}\n"),
	  AT
	  "route.weighted_clusters.clusters: the sum of the weights must be between 1 and "
	  "4294967295" },
	{ ROUTE("    route: {weighted_clusters: {clusters: [{weight: 1}]}}\n"),
	  AT "route.weighted_clusters.clusters[0].name: is missing" },
	{ ROUTE("    direct_response: {}\n"), AT "direct_response.status: is missing" },
	{ ROUTE("    direct_response: {status: 100}\n"),
	  AT "direct_response.status: must be between 200 and 599" },
	{ ROUTE("    direct_response: {status: 200, body: {filename: /nonexistent/x}}\n"),
	  AT
	  "direct_response.body: cannot read /nonexistent/x: No such file or directory" },
	{ ROUTE("    direct_response: {status: 200, body: {environment_variable: X}}\n"), AT
	  "direct_response.body.environment_variable: is not supported by this version" },
	{ ROUTE("    redirect: {host_redirect: \"a\\rb\"}\n"),
	  AT "redirect.host_redirect: holds a control character" },
	{ ROUTE("    redirect: {port_redirect: 65536}\n"),
	  AT "redirect.port_redirect: is more than 65535" },
	{ ROUTE("    route: {cluster: a}\n    typed_per_filter_config: {x: {}}\n"),
	  AT "typed_per_filter_config: is not supported by this version" },
};
// clang-format on

TEST(what_no_route_may_do_is_refused)
{
	assert_all_refused(PART_ROUTES, bad_routes);
}

TEST(the_body_of_a_direct_response_has_a_limit)
{
	static const char head[] =
		ROUTE("    direct_response: {status: 200, body: {inline_string: ");
	char yaml[sizeof(head) + 5000];

	snprintf(yaml, sizeof(yaml), "%s'%0*d'}}\n", head, 4096, 0);
	assert_refused(PART_ROUTES, yaml, "");
	snprintf(yaml, sizeof(yaml), "%s'%0*d'}}\n", head, 4097, 0);
	assert_refused(PART_ROUTES, yaml, AT "direct_response.body: is longer than 4096 bytes");
}
