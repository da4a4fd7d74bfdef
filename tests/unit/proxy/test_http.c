/*
 * Requests through the whole data path, between scripted peers
 */

#include "rig.h"

#include <errno.h>

#include "net/memory_conn.h"

#define GET           "GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
#define OK_HELLO      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
#define TO_ONE        "{match: {prefix: '/'}, route: {cluster: one}}"
#define TO_ONE_(more) "{match: {prefix: '/'}, route: {cluster: one, " more "}}"

static struct rig r;

static void begin(const char *ports, const char *routes)
{
	rig_init(&r);
	rig_cluster(&r, "one", ports, "");
	rig_http(&r, "web", routes, "", "");
}

TEST(a_request_goes_to_the_endpoint_and_its_answer_back)
{
	struct peer *client, *endpoint;
	const char *text;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Kept: As Is\r\n"
			 "Connection: x-hop\r\nx-hop: gone\r\n\r\n");
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	text = peer_heard(endpoint);
	assert_contains(text, "GET /a?b=c HTTP/1.1\r\n");
	assert_contains(text, "ost: shop\r\n");
	assert_contains(text, "X-Kept: As Is\r\n");
	assert_contains(text, "x-forwarded-proto: http\r\n");
	assert_contains(text, "x-request-id: ");
	assert_null(strstr(text, "x-hop"));

	peer_say(endpoint, OK_HELLO);
	rig_run(&r);
	text = peer_heard(client);
	assert_contains(text, "HTTP/1.1 200 OK\r\n");
	assert_contains(text, "server: weft\r\n");
	assert_contains(text, "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
	assert_contains(text, "\r\n\r\nhello");
	assert_false(client->closed);
	rig_fini(&r);
}

TEST(a_connection_to_the_endpoint_is_used_again)
{
	struct peer *client;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	for (int i = 0; i < 5; i++) {
		peer_say(client, GET);
		rig_run(&r);
		peer_say(rig_dialled(&r, 0), OK_HELLO);
		rig_run(&r);
		assert_contains(peer_heard(client), "hello");
	}
	assert_int_equal(r.dialled_count, 1);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_TOTAL), 5);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_ACTIVE), 0);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_200), 5);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_2XX), 5);
	rig_fini(&r);
}

TEST(requests_at_once_get_a_connection_each)
{
	struct peer *clients[3];

	begin("1001", TO_ONE);
	for (int i = 0; i < 3; i++) {
		clients[i] = rig_client(&r, "web");
		peer_say(clients[i], GET);
	}
	rig_run(&r);
	assert_int_equal(r.dialled_count, 3);
	for (int i = 0; i < 3; i++)
		peer_say(rig_dialled(&r, i), OK_HELLO);
	rig_run(&r);
	for (int i = 0; i < 3; i++)
		assert_contains(peer_heard(clients[i]), "hello");
	/* The one used last is used next. */
	peer_say(clients[0], GET);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 3);
	assert_contains(peer_heard(rig_dialled(&r, 2)), "GET /a");
	rig_fini(&r);
}

TEST(pipelined_requests_are_answered_in_order)
{
	struct peer *client;
	const char *text;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	text = peer_heard(rig_dialled(&r, 0));
	assert_contains(text, "GET /1");
	assert_null(strstr(text, "GET /2"));
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET /2");
	rig_fini(&r);
}

TEST(a_body_is_passed_on_while_it_arrives)
{
	struct peer *client, *endpoint;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n01234");
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	assert_contains(peer_heard(endpoint), "\r\n\r\n01234");
	peer_say(client, "56789");
	rig_run(&r);
	assert_string_equal(peer_heard(endpoint), "56789");
	peer_say(endpoint, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "3\r\nabc\r\n");
	peer_say(endpoint, "0\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "0\r\n\r\n");
	rig_fini(&r);
}

TEST(a_body_waits_for_the_connection)
{
	struct peer *client;

	begin("1001", TO_ONE);
	r.silent[0] = 1001;
	client = rig_client(&r, "web");
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
			 "3\r\nabc\r\n");
	rig_run(&r);
	peer_say(client, "3\r\ndef\r\n0\r\n\r\n");
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, 0)), "");
	r.silent[0] = 0;
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "6\r\nabcdef\r\n0\r\n\r\n");
	rig_fini(&r);
}

TEST(an_early_answer_ends_the_request)
{
	struct peer *client, *endpoint;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n01");
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	peer_say(endpoint, "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 413");
	/* A request that is not whole cannot be followed by another. */
	assert_true(peer_is_left(endpoint));
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_EARLY_RESPONSE), 1);
	/* The client's connection goes on behind the rest of the request. */
	peer_say(client, "23456789" GET);
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 1)), "GET /a");
	rig_fini(&r);
}

TEST(a_slow_client_slows_the_endpoint)
{
	static char block[64 * 1024];
	struct peer *client, *endpoint;
	size_t total = 0;

	memset(block, 'x', sizeof(block));
	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	memory_conn_set_capacity(client->conn, 0);
	peer_say(endpoint, "HTTP/1.1 200 OK\r\ncontent-length: 6553600\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		peer_say_bytes(endpoint, str_of(block, sizeof(block)));
		rig_run(&r);
	}
	/* What was read from the endpoint is not more than the buffers on the way hold. */
	assert_true(endpoint->far->bytes_received < 512 * 1024);
	memory_conn_set_capacity(client->conn, 1 << 20);
	for (int i = 0; i < 50 && total < 6553600; i++) {
		rig_run(&r);
		total += buf_len(&client->heard);
		buf_clear(&client->heard);
	}
	assert_true(total > 6553600);
	rig_fini(&r);
}

TEST(a_slow_endpoint_slows_the_client)
{
	static char block[64 * 1024];
	struct peer *client, *endpoint;

	memset(block, 'x', sizeof(block));
	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6553600\r\n\r\n");
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	memory_conn_set_capacity(endpoint->conn, 0);
	for (int i = 0; i < 100; i++) {
		peer_say_bytes(client, str_of(block, sizeof(block)));
		rig_run(&r);
	}
	assert_true(client->far->bytes_received < 512 * 1024);
	memory_conn_set_capacity(endpoint->conn, 1 << 20);
	for (int i = 0; i < 100; i++) {
		rig_run(&r);
		buf_clear(&endpoint->heard);
	}
	assert_true(client->far->bytes_received > 6553600);
	rig_fini(&r);
}

TEST(a_response_without_length_ends_with_its_connection)
{
	struct peer *client, *endpoint;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	peer_say(endpoint, "HTTP/1.0 200 OK\r\n\r\nbytes");
	rig_run(&r);
	peer_close(endpoint);
	rig_run(&r);
	assert_contains(peer_heard(client), "5\r\nbytes\r\n0\r\n\r\n");
	rig_fini(&r);
}

TEST(a_response_that_breaks_off_breaks_the_clients_connection)
{
	struct peer *client, *endpoint;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	peer_say(endpoint, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
	rig_run(&r);
	peer_close(endpoint);
	rig_run(&r);
	assert_contains(peer_heard(client), "half");
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(a_client_that_leaves_takes_its_request_along)
{
	struct peer *client;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	memory_conn_break(client->conn, -ECONNRESET);
	rig_run(&r);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_ACTIVE), 0);
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_RQ_CANCELLED), 1);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_ACTIVE), 0);
	rig_fini(&r);
}

TEST(head_has_no_body_and_keeps_its_length)
{
	struct peer *client;
	const char *text;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
	rig_run(&r);
	text = peer_heard(client);
	assert_contains(text, "content-length: 5\r\n");
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	rig_fini(&r);
}

TEST(a_hint_is_passed_on_before_the_answer)
{
	struct peer *client;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "103 Early Hints\r\nlink: </a.css>\r\n");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "200 OK");
	rig_fini(&r);
}

TEST(routes_answer_redirect_and_rewrite)
{
	struct peer *client;

	begin("1001",
	      "{match: {path: /direct}, direct_response: {status: 418, body: {inline_string: "
	      "tea}}},"
	      "{match: {prefix: /old/}, redirect: {prefix_rewrite: /new/, response_code: FOUND}},"
	      "{match: {prefix: /safe}, redirect: {https_redirect: true, port_redirect: 8443}},"
	      "{match: {prefix: /in/}, route: {cluster: one, prefix_rewrite: /out/, "
	      "host_rewrite_literal: other}},"
	      "{match: {prefix: /lost}, route: {cluster: nowhere}}");
	rig_remove(&r, PART_CLUSTER, "nowhere");
	client = rig_client(&r, "web");
	peer_say(client, "GET /direct HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 418");
	peer_say(client, "GET /old/a?b HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "location: http://x/new/a?b\r\n");
	peer_say(client, "GET /safe HTTP/1.1\r\nhost: x:80\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "location: https://x:8443/safe\r\n");
	peer_say(client, "GET /lost HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 503");
	peer_say(client, "GET /none HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 404");
	peer_say(client, "GET /in/a HTTP/1.1\r\nhost: x\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET /out/a HTTP/1.1\r\n");
	rig_fini(&r);
}

TEST(weights_split_requests)
{
	int hits[2] = { 0 };
	struct peer *client;

	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_cluster(&r, "two", "1002", "");
	rig_http(&r, "web",
		 "{match: {prefix: '/'}, route: {weighted_clusters: {clusters: ["
		 "{name: one, weight: 90}, {name: two, weight: 10}]}}}",
		 "", "");
	client = rig_client(&r, "web");
	for (int i = 0; i < 500; i++) {
		peer_say(client, GET);
		rig_run(&r);
		for (uint32_t k = 0; k < r.dialled_count; k++) {
			if (buf_len(&r.dialled[k].heard) == 0)
				continue;
			hits[r.dialled[k].port - 1001]++;
			buf_clear(&r.dialled[k].heard);
			peer_say(&r.dialled[k], OK_HELLO);
		}
		rig_run(&r);
		buf_clear(&client->heard);
	}
	assert_int_equal(hits[0] + hits[1], 500);
	assert_in_range(hits[1], 30, 70);
	rig_fini(&r);
}

TEST(headers_are_changed_as_the_route_says)
{
	struct peer *client;
	const char *text;

	begin("1001", "{match: {prefix: '/'}, route: {cluster: one},"
		      " request_headers_to_add: [{header: {key: x-a, value: '1'}}],"
		      " request_headers_to_remove: [x-gone],"
		      " response_headers_to_add: [{header: {key: x-b, value: '2'}, "
		      "append_action: OVERWRITE_IF_EXISTS_OR_ADD}],"
		      " response_headers_to_remove: [x-powered-by]}");
	client = rig_client(&r, "web");
	peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\nX-Gone: yes\r\n\r\n");
	rig_run(&r);
	text = peer_heard(rig_dialled(&r, 0));
	assert_contains(text, "x-a: 1\r\n");
	assert_null(strstr(text, "Gone"));
	peer_say(rig_dialled(&r, 0),
		 "HTTP/1.1 200 OK\r\nX-B: old\r\nX-Powered-By: c\r\ncontent-length: 0\r\n\r\n");
	rig_run(&r);
	text = peer_heard(client);
	assert_contains(text, "x-b: 2\r\n");
	assert_null(strstr(text, "old"));
	assert_null(strstr(text, "Powered"));
	rig_fini(&r);
}

TEST(at_the_edge_the_client_is_named_and_controls_are_taken)
{
	struct peer *client;
	const char *text;

	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "use_remote_address: true, normalize_path: true,", "");
	client = rig_client(&r, "web");
	peer_say(client, "GET /a/../b HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 1.1.1.1\r\n"
			 "x-forwarded-proto: https\r\nx-request-id: mine\r\n"
			 "x-envoy-retry-on: 5xx\r\n\r\n");
	rig_run(&r);
	text = peer_heard(rig_dialled(&r, 0));
	assert_contains(text, "GET /b HTTP/1.1\r\n");
	assert_contains(text, "x-forwarded-for: 1.1.1.1,10.1.2.3\r\n");
	assert_contains(text, "x-forwarded-proto: http\r\n");
	assert_null(strstr(text, "mine"));
	assert_null(strstr(text, "x-envoy-retry-on"));
	rig_fini(&r);
}

static const struct {
	const char *settings, *field;
	bool kept;
} envoy_fields[] = {
	{ "", "x-envoy-retry-on: 5xx", false },
	{ "", "X-Envoy-Upstream-RQ-Timeout-Ms: 1", false },
	{ "", "x-envoy-expected-rq-timeout-ms: 1", false },
	{ "", "x-envoy-internal: true", false },
	{ "", "x-envoy-retry-ons: 5xx", true },
	{ "", "x-envoy-attempt-count: 7", true },
	{ "", "x-envoy-original-path: /b", true },
	{ "use_remote_address: true,", "x-envoy-attempt-count: 7", false },
	{ "use_remote_address: true,", "x-envoy-original-path: /b", false },
	{ "use_remote_address: true,", "x-envoy-: 1", true },
};

TEST(what_steers_envoy_is_said_by_no_client)
{
	for (size_t i = 0; i < array_count(envoy_fields); i++) {
		struct peer *client;

		rig_init(&r);
		rig_cluster(&r, "one", "1001", "");
		rig_http(&r, "web", TO_ONE, envoy_fields[i].settings, "");
		client = rig_client(&r, "web");
		peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\n");
		peer_say(client, envoy_fields[i].field);
		peer_say(client, "\r\n\r\n");
		rig_run(&r);
		assert_int_equal(strstr(peer_heard(rig_dialled(&r, 0)), envoy_fields[i].field) !=
					 NULL,
				 envoy_fields[i].kept);
		rig_fini(&r);
	}
}

TEST(a_malformed_request_is_refused_and_counted)
{
	struct peer *client;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say(client,
		 "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n");
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 400");
	rig_pass(&r, 2000);
	assert_true(peer_is_left(client));
	assert_int_equal(r.dialled_count, 0);
	assert_int_equal(rig_http_count(&r, "web", HTTP_CX_PROTOCOL_ERROR), 1);
	rig_fini(&r);
}

TEST(http2_clients_share_a_connection_with_http1_endpoints_behind)
{
	/* The preface, empty SETTINGS, and GET / as stream 1 in literal fields. */
	static const char bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				    "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
				    "\x00\x00\x06\x01\x05\x00\x00\x00\x01"
				    "\x82\x84\x86\x41\x01x";
	struct peer *client;

	begin("1001", TO_ONE);
	client = rig_client(&r, "web");
	peer_say_bytes(client, str_of(bytes, sizeof(bytes) - 1));
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET / HTTP/1.1\r\n");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_true(memmem(buf_str(&client->heard).ptr, buf_len(&client->heard), "hello", 5));
	assert_int_equal(rig_http_count(&r, "web", HTTP_CX_HTTP2_TOTAL), 1);
	rig_fini(&r);
}
