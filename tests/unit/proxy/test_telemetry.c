/*
 * What is told of requests: metrics and access logs
 */

#include "rig.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/memory_conn.h"
#include "proxy/metrics.h"

#define GET      "GET /a?b HTTP/1.1\r\nhost: x\r\nuser-agent: test\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-b: 1\r\n\r\nhello"
#define TO_ONE   "{match: {prefix: '/'}, name: main, route: {cluster: one}}"

static struct rig r;

struct reading {
	struct buf text;
};

static void on_series(void *user, const struct series_sample *s)
{
	struct reading *reading = user;
	uint64_t total = 0;

	for (int i = 0; i < METRIC_CLASS_COUNT; i++)
		total += s->classes[i];
	if (total == 0)
		return;
	assert_int_equal(histogram_count(&s->duration), total);
	buf_printf(&reading->text, "%s %.*s.%.*s %.*s 2xx=%llu 5xx=%llu none=%llu retries=%llu;",
		   s->labels.direction == METRIC_INBOUND ? "in" : "out",
		   STR_ARGS(s->labels.service), STR_ARGS(s->labels.service_namespace),
		   STR_ARGS(s->labels.version), (unsigned long long)s->classes[METRIC_2XX],
		   (unsigned long long)s->classes[METRIC_5XX],
		   (unsigned long long)s->classes[METRIC_NONE], (unsigned long long)s->retries);
}

static void assert_series(const char *text)
{
	struct reading reading = { .text = BUF_INIT(0) };

	metrics_read(&r.metrics, loop_now(r.loop), on_series, &reading);
	buf_append_char(&reading.text, 0);
	assert_string_equal(buf_str(&reading.text).ptr, text);
	buf_fini(&reading.text);
}

#define WEFT_METADATA(fields) "metadata: {filter_metadata: {weft.dev: {" fields "}}},"

TEST(outbound_requests_are_counted_by_service_and_version)
{
	struct peer *client;

	rig_init(&r);
	rig_apply(&r, PART_CLUSTER,
		  "{name: one, type: STATIC, " WEFT_METADATA(
			  "service: reviews, namespace: shop") "load_assignment: {cluster_name: "
							       "one, endpoints: [{lb_endpoints: ["
							       "{endpoint: {address: "
							       "{socket_address: {address: "
							       "127.0.0.1, port_value: 1001}}}, "
							       "metadata: {filter_metadata: "
							       "{weft.dev: {version: v2}}}}]}]}}");
	rig_http(&r, "web", TO_ONE, "", "");
	client = rig_client(&r, "web");
	for (int i = 0; i < 3; i++) {
		peer_say(client, GET);
		rig_run(&r);
		peer_say(rig_dialled(&r, 0), OK_HELLO);
		rig_run(&r);
	}
	assert_series("out reviews.shop v2 2xx=3 5xx=0 none=0 retries=0;");
	rig_fini(&r);
}

TEST(inbound_requests_are_counted_by_what_the_listener_is_for)
{
	struct peer *client;

	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", TO_ONE, "",
		 "traffic_direction: INBOUND," WEFT_METADATA(
			 "service: cart, namespace: shop, version: v1"));
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	/* No answer is an answer too. */
	peer_say(client, GET);
	rig_run(&r);
	memory_conn_break(rig_dialled(&r, 0)->conn, -104);
	rig_run(&r);
	if (r.dialled_count > 1)
		memory_conn_break(rig_dialled(&r, 1)->conn, -104);
	rig_run(&r);
	assert_series("in cart.shop v1 2xx=1 5xx=0 none=1 retries=1;");
	rig_fini(&r);
}

static char path[] = "/tmp/weft-test-XXXXXX";

static void begin_with_log(const char *format)
{
	char *manager;
	int fd;

	memcpy(path, "/tmp/weft-test-XXXXXX", sizeof(path));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	manager =
		mem_printf("access_log: [{name: file, typed_config: {'@type': type.googleapis.com/"
			   "envoy.extensions.access_loggers.file.v3.FileAccessLog, path: '%s',"
			   " log_format: {text_format_source: {inline_string: \"%s\\n\"}}}}],",
			   path, format);
	rig_http(&r, "web", TO_ONE, manager, "");
	mem_free(manager);
}

static void assert_logged(const char *text)
{
	struct buf content = BUF_INIT(0);

	rig_pass(&r, 1100);
	assert_int_equal(file_read(path, 1 << 20, &content), 0);
	buf_append_char(&content, 0);
	assert_string_equal(buf_str(&content).ptr, text);
	buf_fini(&content);
}

static void end(void)
{
	rig_fini(&r);
	unlink(path);
}

TEST(a_line_tells_what_was_asked_and_what_came)
{
	struct peer *client;

	begin_with_log("%START_TIME% %REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% "
		       "%REQ(USER-AGENT)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% "
		       "%RESPONSE_CODE_DETAILS% %RESP(X-B)% %BYTES_SENT% %UPSTREAM_HOST% "
		       "%UPSTREAM_CLUSTER% %ROUTE_NAME% %DOWNSTREAM_REMOTE_ADDRESS% %DURATION%");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_pass(&r, 30);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_logged("2026-01-01T00:00:00.000Z GET /a?b x test HTTP/1.1 200 - via_upstream 1 5 "
		      "127.0.0.1:1001 one main 10.1.2.3:4567 30\n");
	end();
}

TEST(a_line_tells_why_there_is_no_answer)
{
	struct peer *client;

	begin_with_log("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% "
		       "%RESPONSE_CODE_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON% "
		       "%UPSTREAM_REQUEST_ATTEMPT_COUNT%");
	r.refused[0] = 1001;
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	peer_say(client, "GET / HTTP/9\r\n\r\n");
	rig_run(&r);
	assert_logged("503 UF UpstreamConnectionFailure upstream_reset_before_response_started{"
		      "remote_connection_failure} Connection refused 1\n"
		      "400 DPE DownstreamProtocolError http1.codec_error - 0\n");
	end();
}

TEST(a_client_that_leaves_is_in_the_log)
{
	struct peer *client;

	begin_with_log("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	memory_conn_break(client->conn, -104);
	rig_run(&r);
	assert_logged("0 DC downstream_remote_disconnect\n");
	end();
}

TEST(a_log_that_cannot_be_written_stops_no_request)
{
	struct peer *client;

	begin_with_log("%RESPONSE_CODE%");
	unlink(path);
	assert_int_equal(symlink("/nonexistent/directory/file", path), 0);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_pass(&r, 1100);
	assert_contains(peer_heard(client), "hello");
	assert_int_equal(stat_scope_value(r.group.server_stats, SERVER_LOG_DROPPED), 1);
	end();
}
