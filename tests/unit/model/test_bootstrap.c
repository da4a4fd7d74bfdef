#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "certs.h"
#include "model/bootstrap.h"
#include "proto/weft.pb.h"

static struct bootstrap *parsed(const char *name, const char *text)
{
	struct bootstrap *b = NULL;
	struct diag d = DIAG_INIT;
	struct buf problem = BUF_INIT(0);

	if (bootstrap_parse(name, str_from(text), &b, &d) < 0) {
		diag_format(&d, &problem);
		fail_msg("%.*s", STR_ARGS(buf_str(&problem)));
	}
	return b;
}

/* An example, with `from` replaced by `to` where `from` is given. For mem_free(). */
static char *example(const char *name, const char *from, const char *to)
{
	char *path = mem_printf("%s/bootstrap/%s", TEST_DATA, name), piece[4096], *text, *at;
	FILE *f = fopen(path, "r");
	struct buf whole = BUF_INIT(0), changed = BUF_INIT(0);
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_append(&whole, piece, n);
	fclose(f);
	mem_free(path);
	text = buf_take_text(&whole);
	if (!from)
		return text;
	for (const char *rest = text;; rest = at + strlen(from)) {
		at = strstr(rest, from);
		buf_append(&changed, rest, at ? (size_t)(at - rest) : strlen(rest));
		if (!at)
			break;
		buf_append_str(&changed, str_from(to));
	}
	mem_free(text);
	return buf_take_text(&changed);
}

static struct listener *listener_at(const struct bootstrap *b, uint32_t i)
{
	assert_true(i < b->listeners.count);
	return listener_of(b->listeners.items[i]);
}

TEST(the_http_example_is_accepted_whole)
{
	char *text = example("http.yaml", NULL, NULL);
	struct bootstrap *b = parsed("http.yaml", text);
	struct listener *l = listener_at(b, 0);
	struct http_manager *h = l->chains[0].http;

	assert_str_equal(b->node_id, "http-example");
	assert_str_equal(b->node_cluster, "example");
	assert_string_equal(address_text(&b->admin), "127.0.0.1:10009");
	assert_int_equal(b->warnings, 0);
	assert_int_equal(b->listeners.count, 1);
	assert_int_equal(b->clusters.count, 2);
	assert_int_equal(b->secrets.count, 0);
	assert_int_equal(b->ads_cluster.len, 0);
	assert_false(b->lds_wildcard || b->cds_wildcard);
	assert_int_equal(b->binding_count, 0);
	assert_true(l->part.from_bootstrap);
	assert_int_equal(l->part.version.len, 0);
	assert_int_equal(h->inline_routes->host_count, 2);
	assert_int_equal(h->inline_routes->hosts[1].route_count, 7);
	assert_int_equal(h->access_log_count, 1);
	mem_free(text);
	bootstrap_free(b);
}

/* Where a request goes in the example: the name of its route. */
static const char *route_of(const struct route_table *t, const char *host, const char *path,
			    const char *canary)
{
	struct pool pool;
	struct headers h;
	struct random random;
	struct route *r;

	pool_init(&pool, 0);
	random_init(&random, 1);
	headers_init(&h, &pool);
	h.path = str_from(path);
	if (canary)
		headers_add_named(&h, STR("x-canary"), str_from(canary));
	r = virtual_host_route(route_table_host(t, str_from(host)), &h, &random);
	pool_fini(&pool);
	return r ? r->name.ptr : "";
}

TEST(routes_of_the_http_example_are_chosen_as_written)
{
	static const struct {
		const char *host, *path, *canary, *route;
	} rows[] = {
		{ "api.example", "/healthz", NULL, "api" },
		{ "V1.api.example", "/", "yes", "api" },
		{ "shop", "/healthz", NULL, "health" },
		{ "shop", "/healthz?x=1", NULL, "health" },
		{ "shop", "/healthz/", NULL, "rest" },
		{ "shop", "/old/x", "YES", "old" },
		{ "shop", "/oldest", "YES", "canary" },
		{ "shop", "/items/7", "no", "items" },
		{ "shop", "/items", NULL, "items" },
		{ "shop", "/itemsets", NULL, "rest" },
		{ "shop", "/items?beta", NULL, "beta" },
		{ "shop", "/splits", NULL, "split" },
	};
	char *text = example("http.yaml", NULL, NULL);
	struct bootstrap *b = parsed("http.yaml", text);
	const struct route_table *t = listener_at(b, 0)->chains[0].http->inline_routes;

	mem_free(text);
	for (size_t i = 0; i < array_count(rows); i++) {
		struct str name = str_from(route_of(t, rows[i].host, rows[i].path, rows[i].canary));

		/* Slices of the resource have no terminator. */
		assert_true(str_has_prefix(name, str_from(rows[i].route)));
	}
	bootstrap_free(b);
}

static void write_file(const char *directory, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", directory, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	mem_free(path);
}

static void remove_files(const char *directory)
{
	static const char *const names[] = { "ca.pem", "proxy.pem", "proxy.key", "public.pem",
					     "public.key" };

	for (size_t i = 0; i < array_count(names); i++) {
		char *path = mem_printf("%s/%s", directory, names[i]);

		unlink(path);
		mem_free(path);
	}
	rmdir(directory);
}

TEST(the_tls_example_is_accepted_whole)
{
	struct test_cert *ca = test_ca_new("root");
	struct test_cert *leaf = test_svid_new(ca, "spiffe://example.test/ns/shop/sa/proxy");
	char directory[] = "/tmp/weft-test-XXXXXX", *with_slash, *text;
	struct bootstrap *b;
	struct listener *l;

	assert_non_null(mkdtemp(directory));
	write_file(directory, "ca.pem", ca->pem);
	write_file(directory, "proxy.pem", leaf->chain_pem);
	write_file(directory, "proxy.key", leaf->key_pem);
	write_file(directory, "public.pem", leaf->chain_pem);
	write_file(directory, "public.key", leaf->key_pem);
	with_slash = mem_printf("%s/", directory);
	text = example("tls.yaml", "certs/", with_slash);
	b = parsed("tls.yaml", text);
	l = listener_at(b, 0);
	assert_int_equal(b->secrets.count, 2);
	assert_true(l->needs_tls_inspector);
	assert_int_equal(l->chain_count, 2);
	assert_str_equal(l->chains[0].tls->certificate_pem, leaf->chain_pem);
	assert_str_equal(l->chains[1].tls->certificate_secret, "proxy");
	assert_true(l->chains[1].tls->require_client_certificate);
	assert_str_equal(cluster_of(b->clusters.items[0])->tls->trust_secret, "authority");
	bootstrap_free(b);
	mem_free(text);
	mem_free(with_slash);
	remove_files(directory);
	test_cert_free(leaf);
	test_cert_free(ca);
}

TEST(the_tcp_example_is_accepted_whole)
{
	char *text = example("tcp.yaml", NULL, NULL);
	struct bootstrap *b = parsed("tcp.yaml", text);

	assert_int_equal(b->listeners.count, 2);
	assert_int_equal(listener_at(b, 0)->chains[0].tcp->connect_attempts_max, 2);
	assert_string_equal(address_text(&listener_at(b, 1)->address), "unix:run/tcp.sock");
	assert_int_equal(listener_at(b, 1)->chains[0].tcp->weight_total, 100);
	mem_free(text);
	bootstrap_free(b);
}

TEST(the_dynamic_example_is_accepted_whole)
{
	char *text = example("dynamic.yaml", NULL, NULL);
	struct bootstrap *b = parsed("dynamic.yaml", text);

	mem_free(text); /* nothing points into the file */
	assert_str_equal(b->ads_cluster, "control");
	assert_true(b->lds_wildcard);
	assert_true(b->cds_wildcard);
	assert_str_equal(pb_text(b->node, PB_Node_id), "shop/web-1");
	assert_int_equal(b->binding_count, 1);
	assert_str_equal(b->bindings[0].listener_name, "reviews.shop.svc.weft.local:9080");
	assert_string_equal(address_text(&b->bindings[0].address), "127.0.0.1:10030");
	assert_int_equal(b->bindings[0].inherited_name.len, 0);
	assert_str_equal(listener_at(b, 0)->chains[0].http->routes_name, "named");
	assert_int_equal(cluster_of(b->clusters.items[0])->protocol, UPSTREAM_HTTP2);
	assert_int_equal(cluster_of(b->clusters.items[1])->type, CLUSTER_EDS);
	bootstrap_free(b);
}

TEST(a_bootstrap_may_be_json)
{
	struct bootstrap *b =
		parsed("a.json", "{\"node\": {\"id\": \"n\"}, \"admin\": {\"address\": "
				 "{\"pipe\": {\"path\": \"/run/a.sock\"}}}}");

	assert_str_equal(b->node_id, "n");
	assert_string_equal(address_text(&b->admin), "unix:/run/a.sock");
	bootstrap_free(b);
}

TEST(a_bootstrap_may_be_nearly_empty)
{
	struct bootstrap *b = parsed("a.yaml", "{}\n");

	assert_null(b->node);
	assert_int_equal(b->admin.len, 0);
	assert_int_equal(b->listeners.count, 0);
	bootstrap_free(b);
	assert_null(bootstrap_free(NULL));
}

TEST(inherited_descriptors_are_named)
{
	struct bootstrap *b = parsed(
		"a.yaml",
		"node: {metadata: {weft.dev: {workload: w-1, bindings: [{listener: l, address: "
		"'unix:/run/b.sock', descriptor: up-1}]}}}\n"
		"dynamic_resources: {ads_config: {api_type: AGGREGATED_DELTA_GRPC, "
		"grpc_services: [{envoy_grpc: {cluster_name: c}}]}}\n"
		"static_resources: {clusters: [{name: c}]}\n");

	assert_str_equal(b->workload, "w-1");
	assert_str_equal(b->bindings[0].inherited_name, "up-1");
	assert_string_equal(address_text(&b->bindings[0].address), "unix:/run/b.sock");
	bootstrap_free(b);
}

TEST(a_proxy_of_the_mesh_is_told_who_it_is)
{
	struct bootstrap *b =
		parsed("a.yaml", "node:\n"
				 "  metadata:\n"
				 "    weft.dev:\n"
				 "      service: web\n"
				 "      namespace: shop\n"
				 "      version: v1\n"
				 "      identity:\n"
				 "        spiffeId: spiffe://weft.local/ns/shop/sa/web\n"
				 "        certificateSocket: unix:/run/weft/control.sock\n"
				 "        directory: /run/weft/web\n");

	assert_str_equal(b->service, "web");
	assert_str_equal(b->service_namespace, "shop");
	assert_str_equal(b->service_version, "v1");
	assert_str_equal(b->identity.spiffe_id, "spiffe://weft.local/ns/shop/sa/web");
	assert_string_equal(address_text(&b->identity.address), "unix:/run/weft/control.sock");
	assert_str_equal(b->identity.directory, "/run/weft/web");
	bootstrap_free(b);
}

TEST(what_is_known_and_only_degrades_is_counted_as_a_warning)
{
	struct bootstrap *b = parsed("a.yaml", "static_resources:\n"
					       "  clusters:\n"
					       "  - name: c\n"
					       "    health_checks: [{timeout: 1s}]\n"
					       "    outlier_detection: {}\n"
					       "stats_config: {}\n");

	assert_int_equal(b->warnings, 3);
	assert_string_equal(b->first_warning,
			    "static_resources.clusters[0].health_checks: is not supported by this "
			    "version");
	bootstrap_free(b);
}

TEST(a_setting_that_is_not_served_is_a_warning)
{
	struct bootstrap *b = parsed(
		"a.yaml",
		"static_resources:\n"
		"  listeners:\n"
		"  - name: l\n"
		"    address: {socket_address: {address: 127.0.0.1, port_value: 1}}\n"
		"    filter_chains:\n"
		"    - filters:\n"
		"      - name: hcm\n"
		"        typed_config:\n"
		"          '@type': type.googleapis.com/envoy.extensions.filters.network."
		"http_connection_manager.v3.HttpConnectionManager\n"
		"          stat_prefix: web\n"
		"          add_user_agent: true\n"
		"          route_config: {}\n"
		"          http_filters:\n"
		"          - name: router\n"
		"            typed_config: {'@type': type.googleapis.com/envoy.extensions.filters."
		"http.router.v3.Router}\n");

	assert_int_equal(b->warnings, 1);
	assert_string_equal(b->first_warning,
			    "static_resources.listeners[0].filter_chains[0].filters[0]."
			    "typed_config.add_user_agent: is not supported by this version");
	bootstrap_free(b);
}

TEST(a_warning_of_a_resource_says_which)
{
	struct bootstrap *b = parsed(
		"a.yaml",
		"static_resources: {clusters: [{name: c, transport_socket: {name: t, typed_config: "
		"{'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
		"UpstreamTlsContext}}}]}\n");

	assert_int_equal(b->warnings, 1);
	assert_string_equal(b->first_warning,
			    "static_resources.clusters[0].transport_socket.typed_config: the "
			    "certificate of the endpoint is not verified: no trusted_ca is set");
	bootstrap_free(b);
}

TEST(clusters_that_a_control_plane_may_bring_are_not_missing)
{
	struct bootstrap *b = parsed(
		"a.yaml",
		"dynamic_resources: {ads_config: {api_type: DELTA_GRPC, grpc_services: "
		"[{envoy_grpc: {cluster_name: c}}]}}\n"
		"static_resources:\n"
		"  clusters: [{name: c}]\n"
		"  listeners:\n"
		"  - address: {socket_address: {address: 127.0.0.1, port_value: 1}}\n"
		"    filter_chains: [{filters: [{name: t, typed_config: {'@type': "
		"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, "
		"stat_prefix: s, cluster: elsewhere}}]}]\n");

	assert_str_equal(listener_at(b, 0)->part.name, "127.0.0.1:1");
	bootstrap_free(b);
}

TEST(reading_a_bootstrap_leaves_nothing_behind)
{
	uint64_t before = mem_live_bytes();
	char *text = example("http.yaml", NULL, NULL);

	bootstrap_free(parsed("http.yaml", text));
	mem_free(text);
	assert_int_equal(mem_live_bytes(), before);
}
