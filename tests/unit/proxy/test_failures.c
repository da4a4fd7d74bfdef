/*
 * What the proxy answers when things go wrong, and what it tries first
 */

#include "rig.h"

#include <errno.h>

#include "net/memory_conn.h"
#include "proxy/reasons.h"
#include "proxy/upstream.h"

#define GET       "GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
#define POST      "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
#define OK_HELLO  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
#define ERROR_503 "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy"
#define TO_ONE    "{match: {prefix: '/'}, route: {cluster: one}}"

static struct rig r;
static struct peer *client;

static void begin_with(const char *ports, const char *cluster, const char *routes,
		       const char *listener)
{
	rig_init(&r);
	rig_cluster(&r, "one", ports, cluster);
	rig_http(&r, "web", routes, "", listener);
	client = rig_client(&r, "web");
}

static void begin(const char *ports)
{
	begin_with(ports, "", TO_ONE, "");
}

static void say(const char *text)
{
	peer_say(client, text);
	rig_run(&r);
}

/* The client got the local reply of this reason. */
static void assert_replied(enum reason reason)
{
	const struct reason_row *row = reason_row(reason);
	const char *text = peer_heard(client);
	char line[64];

	snprintf(line, sizeof(line), "HTTP/1.1 %u ", row->status);
	assert_contains(text, line);
	if (row->text.len)
		assert_contains(text, row->text.ptr);
}

static int64_t cluster_count(enum stat_cluster row)
{
	return rig_cluster_count(&r, "one", row);
}

TEST(without_a_route_404)
{
	begin_with("1001", "", "{match: {path: /x}, route: {cluster: one}}", "");
	say(GET);
	assert_replied(REASON_NO_ROUTE);
	assert_int_equal(rig_http_count(&r, "web", HTTP_NO_ROUTE), 1);
	rig_fini(&r);
}

TEST(without_the_cluster_503)
{
	begin("1001");
	rig_remove(&r, PART_CLUSTER, "one");
	say(GET);
	assert_replied(REASON_NO_CLUSTER);
	assert_int_equal(rig_http_count(&r, "web", HTTP_NO_CLUSTER), 1);
	rig_fini(&r);
}

TEST(without_endpoints_503)
{
	begin("");
	say(GET);
	assert_replied(REASON_NO_HEALTHY);
	assert_int_equal(cluster_count(CLUSTER_CX_NONE_HEALTHY), 1);
	rig_fini(&r);
}

TEST(a_retry_without_endpoints_is_counted_once)
{
	begin_with("1001", "",
		   "{match: {prefix: '/'}, route: {cluster: one, retry_policy: {retry_on: "
		   "connect-failure}}}",
		   "");
	r.refused[0] = 1001;
	say(GET);
	assert_int_equal(cluster_count(CLUSTER_RQ_RETRY), 1);
	rig_cluster(&r, "one", "", "");
	rig_pass(&r, 1000);
	assert_replied(REASON_NO_HEALTHY);
	assert_int_equal(cluster_count(CLUSTER_CX_NONE_HEALTHY), 1);
	rig_fini(&r);
}

TEST(a_refused_connection_is_503_when_there_is_no_other_endpoint)
{
	begin("1001");
	r.refused[0] = 1001;
	say(GET);
	assert_replied(REASON_CONNECT);
	assert_int_equal(r.dialled_count, 1);
	assert_int_equal(cluster_count(CLUSTER_CX_CONNECT_FAIL), 1);
	rig_fini(&r);
}

TEST(a_connection_that_does_not_open_in_time_is_503)
{
	begin("1001");
	r.silent[0] = 1001;
	say(GET);
	rig_pass(&r, 999);
	assert_string_equal(peer_heard(client), "");
	rig_pass(&r, 2);
	assert_replied(REASON_CONNECT_TIMEOUT);
	assert_int_equal(cluster_count(CLUSTER_CX_CONNECT_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(a_post_that_reached_nobody_goes_to_the_other_endpoint)
{
	begin("1001 1002");
	r.refused[0] = 1001;
	for (int i = 0; i < 4; i++) {
		uint32_t last;

		say(POST);
		last = r.dialled_count - 1;
		for (uint32_t k = 0; k < r.dialled_count; k++)
			if (buf_len(&r.dialled[k].heard))
				last = k;
		assert_int_equal(rig_dialled(&r, last)->port, 1002);
		assert_contains(peer_heard(rig_dialled(&r, last)), "\r\n\r\nabc");
		peer_say(rig_dialled(&r, last), OK_HELLO);
		rig_run(&r);
		assert_contains(peer_heard(client), "hello");
	}
	assert_true(cluster_count(CLUSTER_RQ_RETRY_IMPLICIT) > 0);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_5XX), 0);
	rig_fini(&r);
}

TEST(a_get_whose_endpoint_died_goes_to_the_other_one)
{
	struct peer *dead;

	begin("1001 1002");
	say(GET);
	dead = rig_dialled(&r, 0);
	assert_contains(peer_heard(dead), "GET /a");
	peer_close(dead);
	rig_run(&r);
	assert_int_not_equal(rig_dialled(&r, 1)->port, dead->port);
	assert_contains(peer_heard(rig_dialled(&r, 1)), "GET /a");
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	rig_fini(&r);
}

static int dials_to(uint16_t port)
{
	int n = 0;

	for (uint32_t i = 0; i < r.dialled_count; i++)
		n += r.dialled[i].port == port;
	return n;
}

static void answer_all(int requests)
{
	for (int i = 0; i < requests; i++) {
		say(GET);
		for (uint32_t k = 0; k < r.dialled_count; k++) {
			if (buf_len(&r.dialled[k].heard) == 0)
				continue;
			buf_clear(&r.dialled[k].heard);
			peer_say(&r.dialled[k], OK_HELLO);
		}
		rig_run(&r);
		assert_contains(peer_heard(client), "hello");
	}
}

TEST(a_dead_endpoint_is_left_alone_for_a_while)
{
	begin("1001 1002");
	r.refused[0] = 1001;
	answer_all(10);
	assert_int_equal(dials_to(1001), 1);
	rig_pass(&r, 1100);
	answer_all(10);
	assert_int_equal(dials_to(1001), 2);
	rig_pass(&r, 1100);
	answer_all(10);
	assert_int_equal(dials_to(1001), 2);
	/* It is back. */
	r.refused[0] = 0;
	rig_pass(&r, 1100);
	answer_all(10);
	assert_int_equal(dials_to(1001), 3);
	rig_fini(&r);
}

TEST(suspects_are_better_than_nobody)
{
	begin("1001");
	r.refused[0] = 1001;
	say(GET);
	assert_replied(REASON_CONNECT);
	r.refused[0] = 0;
	answer_all(1);
	rig_fini(&r);
}

TEST(a_post_that_was_sent_is_not_sent_twice)
{
	begin("1001 1002");
	say(POST);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "abc");
	peer_close(rig_dialled(&r, 0));
	rig_run(&r);
	assert_replied(REASON_UPSTREAM_CLOSED);
	assert_int_equal(r.dialled_count, 1);
	rig_fini(&r);
}

TEST(a_request_that_kills_its_endpoints_kills_two_at_most)
{
	const char *text;

	begin("1001 1002 1003 1004");
	say(GET);
	for (uint32_t i = 0; i < r.dialled_count; i++) {
		peer_close(rig_dialled(&r, i));
		rig_run(&r);
	}
	text = peer_heard(client);
	assert_contains(text, "HTTP/1.1 503 ");
	assert_contains(text, REASON_RESET "retried and the latest reset reason: "
					   "connection termination");
	assert_int_equal(r.dialled_count, 2);
	assert_int_equal(cluster_count(CLUSTER_RQ_503), 1);
	rig_fini(&r);
}

TEST(a_kept_connection_that_ended_meanwhile_costs_a_new_one)
{
	struct peer *kept;

	begin("1001");
	say(GET);
	kept = rig_dialled(&r, 0);
	peer_say(kept, OK_HELLO);
	rig_run(&r);
	buf_clear(&client->heard);
	/* It breaks as the next request is sent on it. */
	peer_say(client, GET);
	memory_conn_break(kept->conn, -ECONNRESET);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 2);
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	rig_fini(&r);
}

TEST(a_response_that_is_none_is_502)
{
	begin("1001");
	say(POST);
	peer_say(rig_dialled(&r, 0), "SSH-2.0-OpenSSH\r\n\r\n");
	rig_run(&r);
	assert_replied(REASON_UPSTREAM_PROTOCOL);
	assert_int_equal(cluster_count(CLUSTER_CX_PROTOCOL_ERROR), 1);
	rig_fini(&r);
}

/*
 * The route's policy
 */

#define RETRYING(more) "{match: {prefix: '/'}, route: {cluster: one, retry_policy: {" more "}}}"

TEST(a_policy_repeats_answers_with_backoff)
{
	begin_with("1001", "", RETRYING("retry_on: 5xx, num_retries: 2"), "");
	say(POST);
	peer_say(rig_dialled(&r, 0), ERROR_503);
	rig_pass(&r, 100);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "abc");
	peer_say(rig_dialled(&r, r.dialled_count - 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	assert_int_equal(cluster_count(CLUSTER_RQ_RETRY), 1);
	assert_int_equal(cluster_count(CLUSTER_RQ_RETRY_SUCCESS), 1);
	rig_fini(&r);
}

TEST(the_last_answer_is_the_clients_when_the_policy_is_used_up)
{
	begin_with("1001", "", RETRYING("retry_on: 5xx, num_retries: 1"), "");
	say(GET);
	for (int i = 0; i < 2; i++) {
		peer_say(rig_dialled(&r, r.dialled_count - 1), ERROR_503);
		rig_pass(&r, 100);
	}
	assert_contains(peer_heard(client), "busy");
	assert_int_equal(cluster_count(CLUSTER_RQ_RETRY_LIMIT), 1);
	rig_fini(&r);
}

TEST(retries_stop_at_the_breaker)
{
	begin_with("1001", "circuit_breakers: {thresholds: [{max_retries: 0}]},",
		   RETRYING("retry_on: 5xx, num_retries: 3"), "");
	say(GET);
	peer_say(rig_dialled(&r, 0), ERROR_503);
	rig_pass(&r, 200);
	assert_contains(peer_heard(client), "busy");
	assert_int_equal(cluster_count(CLUSTER_RQ_RETRY_OVERFLOW), 1);
	rig_fini(&r);
}

TEST(an_attempt_that_takes_too_long_is_repeated)
{
	begin_with("1001 1002", "",
		   RETRYING("retry_on: gateway-error, num_retries: 1, per_try_timeout: 1s"), "");
	say(GET);
	rig_pass(&r, 1100);
	rig_pass(&r, 100);
	assert_int_equal(cluster_count(CLUSTER_RQ_TRY_TIMEOUT), 1);
	assert_int_equal(r.dialled_count, 2);
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	rig_fini(&r);
}

TEST(attempts_that_all_take_too_long_are_504)
{
	begin_with("1001", "", RETRYING("num_retries: 0, per_try_timeout: 1s"), "");
	say(GET);
	rig_pass(&r, 1100);
	assert_replied(REASON_TRY_TIMEOUT);
	rig_fini(&r);
}

/*
 * Breakers
 */

TEST(requests_beyond_the_breaker_are_refused)
{
	struct peer *second;

	begin_with("1001", "circuit_breakers: {thresholds: [{max_requests: 1}]},", TO_ONE, "");
	say(GET);
	second = rig_client(&r, "web");
	peer_say(second, GET);
	rig_run(&r);
	assert_contains(peer_heard(second), "HTTP/1.1 503");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	peer_say(second, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(second), "hello");
	rig_fini(&r);
}

TEST(waiting_requests_beyond_the_breaker_are_refused)
{
	struct peer *second;

	begin_with("1001", "circuit_breakers: {thresholds: [{max_pending_requests: 1}]},", TO_ONE,
		   "");
	r.silent[0] = 1001;
	say(GET);
	second = rig_client(&r, "web");
	peer_say(second, GET);
	rig_run(&r);
	assert_contains(peer_heard(second), "overflow");
	assert_int_equal(cluster_count(CLUSTER_RQ_PENDING_OVERFLOW), 1);
	assert_int_equal(cluster_count(CLUSTER_RQ_PENDING_ACTIVE), 1);
	rig_fini(&r);
}

TEST(beyond_the_connections_a_request_waits_for_one)
{
	struct peer *second;

	begin_with("1001", "circuit_breakers: {thresholds: [{max_connections: 1}]},", TO_ONE, "");
	say(GET);
	second = rig_client(&r, "web");
	peer_say(second, GET);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 1);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(second), "hello");
	assert_int_equal(r.dialled_count, 1);
	rig_fini(&r);
}

/*
 * Time
 */

TEST(an_answer_that_does_not_come_is_504)
{
	begin("1001");
	say(GET);
	rig_pass(&r, 14900);
	assert_string_equal(peer_heard(client), "");
	rig_pass(&r, 200);
	assert_replied(REASON_RESPONSE_TIMEOUT);
	assert_true(peer_is_left(rig_dialled(&r, 0)));
	assert_int_equal(cluster_count(CLUSTER_RQ_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(an_answer_that_does_not_end_in_time_breaks_off)
{
	begin("1001");
	say(GET);
	peer_say(rig_dialled(&r, 0), "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
	rig_pass(&r, 15100);
	assert_contains(peer_heard(client), "half");
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(a_request_that_stands_still_is_408)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "stream_idle_timeout: 2s,", "");
	client = rig_client(&r, "web");
	say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc");
	rig_pass(&r, 1500);
	say("def");
	rig_pass(&r, 1500);
	assert_string_equal(peer_heard(client), "");
	rig_pass(&r, 600);
	assert_replied(REASON_IDLE_REQUEST);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_IDLE_TIMEOUT), 1);
	rig_fini(&r);
}

TEST(a_route_says_how_long_its_streams_may_stand_still)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web",
		 "{match: {prefix: '/'}, route: {cluster: one, timeout: 0s, idle_timeout: 2s}}",
		 "stream_idle_timeout: 60s,", "");
	client = rig_client(&r, "web");
	say(GET);
	peer_say(rig_dialled(&r, 0), "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha");
	rig_pass(&r, 1500);
	peer_say(rig_dialled(&r, 0), "lf");
	rig_pass(&r, 1500);
	assert_false(peer_is_left(client));
	rig_pass(&r, 600);
	assert_contains(peer_heard(client), "half");
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(an_answer_that_stands_still_is_504)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "stream_idle_timeout: 2s,", "");
	client = rig_client(&r, "web");
	say(GET);
	rig_pass(&r, 2100);
	assert_replied(REASON_IDLE_RESPONSE);
	rig_fini(&r);
}

TEST(a_request_must_be_complete_in_time)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "request_timeout: 3s,", "");
	client = rig_client(&r, "web");
	say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc");
	rig_pass(&r, 3100);
	assert_replied(REASON_REQUEST_TIMEOUT);
	rig_fini(&r);
}

TEST(an_exchange_has_a_longest_duration)
{
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "common_http_protocol_options: {max_stream_duration: 4s},", "");
	client = rig_client(&r, "web");
	say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc");
	rig_pass(&r, 4100);
	assert_replied(REASON_MAX_DURATION);
	rig_fini(&r);
}

/*
 * A dead program behind a live proxy
 */

#define INBOUND "traffic_direction: INBOUND,"

TEST(an_inbound_proxy_ends_the_stream_when_its_program_is_dead)
{
	begin_with("1001", "", TO_ONE, INBOUND);
	r.refused[0] = 1001;
	say(GET);
	assert_string_equal(peer_heard(client), "");
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(an_inbound_proxy_ends_the_stream_when_its_program_dies)
{
	begin_with("1001", "", TO_ONE, INBOUND);
	say(POST);
	peer_close(rig_dialled(&r, 0));
	rig_run(&r);
	assert_string_equal(peer_heard(client), "");
	assert_true(peer_is_left(client));
	rig_fini(&r);
}

TEST(what_the_program_answers_is_passed_on_whatever_it_is)
{
	begin_with("1001", "", TO_ONE, INBOUND);
	say(GET);
	peer_say(rig_dialled(&r, 0), ERROR_503);
	rig_run(&r);
	assert_contains(peer_heard(client), "busy");
	rig_fini(&r);
}

/* Two proxies in a row: the caller's sees a closed connection, and asks another endpoint. */
TEST(a_dead_program_is_a_reset_that_the_callers_proxy_repeats)
{
	struct peer *mesh;

	begin("1001 1002");
	say(GET);
	mesh = rig_dialled(&r, 0);
	peer_finish(mesh);
	rig_run(&r);
	assert_int_equal(r.dialled_count, 2);
	peer_say(rig_dialled(&r, 1), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	rig_fini(&r);
}

/*
 * gRPC
 */

TEST(a_grpc_client_gets_a_grpc_status)
{
	const char *text;

	begin("");
	say("POST /a.B/C HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\n"
	    "content-length: 0\r\n\r\n");
	text = peer_heard(client);
	assert_contains(text, "HTTP/1.1 200 OK");
	assert_contains(text, "grpc-status: 14\r\n");
	assert_contains(text, "grpc-message: no healthy upstream\r\n");
	rig_fini(&r);
}

TEST(nothing_is_counted_as_active_when_all_is_over)
{
	begin_with("1001 1002", "", RETRYING("retry_on: 5xx, num_retries: 5"), "");
	for (int i = 0; i < 3; i++) {
		say(GET);
		peer_say(rig_dialled(&r, r.dialled_count - 1), ERROR_503);
		rig_pass(&r, 50);
		memory_conn_break(client->conn, -ECONNRESET);
		rig_run(&r);
		client = rig_client(&r, "web");
	}
	rig_pass(&r, 1000);
	assert_int_equal(cluster_count(CLUSTER_RQ_ACTIVE), 0);
	assert_int_equal(cluster_count(CLUSTER_RQ_PENDING_ACTIVE), 0);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_ACTIVE), 0);
	for (int which = 0; which < BREAKER_COUNT; which++) {
		const struct cluster_state *c = r.worker->clusters[0]->state;

		if (which != BREAKER_CONNECTIONS)
			assert_int_equal(breaker_value(c->breakers, 0, which), 0);
	}
	rig_fini(&r);
}
