/* What proxies report: differences, restarts, limits, and who may say what. */

#include "control/telemetry.h"

#include "base/mem.h"

#include "guest.h"

/* The clock of the house when it opens: 2026-11-26T08:00:00Z. */
#define NOW_NS    (INT64_C(1795680000) * 1000000000)
#define SECOND_NS INT64_C(1000000000)

#define RS(name)  WORKLOAD_JSON(name, "reviews", "1", "Ready")

#define IN(count)                                                                            \
	{                                                                                    \
		.direction = "inbound", .service = "reviews", .version = "v1",               \
		.peer = SPIFFE("web"), .tls = "mutual", .class = "2xx", .requests = (count), \
		.fast = (count)                                                              \
	}

static void enter(struct guest *g, struct house *h)
{
	house_open(h);
	house_register(h, SERVICE_JSON("reviews") "," RS("reviews-1"));
	guest_enter(g, h, "shop/reviews-1", SPIFFE("reviews"));
}

static void leave(struct guest *g, struct house *h)
{
	guest_leave(g);
	house_close(h);
}

/* A report of one sample by the process that began at that time. */
static void report_since(struct guest *g, struct sample sample, int64_t started_ns)
{
	const struct guest_report r = {
		.revision = 1,
		.started_ns = started_ns,
		.samples = &sample,
		.sample_count = 1,
	};

	assert_int_equal(guest_report(g, &r), GRPC_OK);
}

static void report(struct guest *g, struct sample sample)
{
	report_since(g, sample, NOW_NS);
}

static const char *stat_of(struct house *h, const char *query, const char *path)
{
	char *url = mem_printf("/weft/v1/stat?%s", query);

	house_ask(h, "GET", url, NULL);
	mem_free(url);
	return house_text(h, path);
}

#define assert_stat(h, query, path, expected)                       \
	do {                                                        \
		const char *text = stat_of((h), (query), (path));   \
		if (!text)                                          \
			fail_msg("no %s in %s", (path), (h)->body); \
		assert_string_equal(text, (expected));              \
	} while (0)

TEST(what_grew_since_the_last_report_is_counted)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	report(&g, (struct sample)IN(100));
	assert_stat(&h, "window=all", "rows[0].requests", "100");
	report(&g, (struct sample)IN(100));
	assert_stat(&h, "window=all", "rows[0].requests", "100");
	report(&g, (struct sample)IN(130));
	house_ask(&h, "GET", "/weft/v1/stat?window=all", NULL);
	assert_string_equal(house_text(&h, "rows[0].namespace"), "shop");
	assert_string_equal(house_text(&h, "rows[0].service"), "reviews");
	assert_string_equal(house_text(&h, "rows[0].requests"), "130");
	assert_string_equal(house_text(&h, "rows[0].failures"), "0");
	assert_string_equal(house_text(&h, "rows[0].success"), "1.000");
	assert_string_equal(house_text(&h, "rows[0].mtlsShare"), "1.000");
	assert_string_equal(house_text(&h, "rows[0].ready"), "1");
	assert_string_equal(house_text(&h, "rows[0].of"), "1");
	leave(&g, &h);
}

TEST(answers_are_told_apart_by_their_class)
{
	struct guest g = { 0 };
	struct sample sample = IN(60);
	struct house h;

	enter(&g, &h);
	report(&g, sample);
	sample.class = "5xx";
	sample.requests = 30;
	sample.fast = 0;
	sample.retries = 7;
	report(&g, sample);
	sample.class = "none";
	sample.requests = 10;
	report(&g, sample);
	house_ask(&h, "GET", "/weft/v1/stat", NULL);
	assert_string_equal(house_text(&h, "rows[0].requests"), "100");
	assert_string_equal(house_text(&h, "rows[0].failures"), "40");
	assert_string_equal(house_text(&h, "rows[0].success"), "0.600");
	assert_string_equal(house_text(&h, "rows[0].retries"), "7");
	house_ask(&h, "GET", "/weft/v1/status", NULL);
	assert_string_equal(house_text(&h, "requests.failures"), "40");
	leave(&g, &h);
}

TEST(a_process_that_starts_anew_counts_on)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	report(&g, (struct sample)IN(100));
	/* More than before already, and yet all of it is new. */
	report_since(&g, (struct sample)IN(120), NOW_NS + SECOND_NS);
	assert_stat(&h, "window=all", "rows[0].requests", "220");
	/* A counter that shrinks without a word began anew, too. */
	report_since(&g, (struct sample)IN(5), NOW_NS + SECOND_NS);
	assert_stat(&h, "window=all", "rows[0].requests", "225");
	leave(&g, &h);
}

TEST(what_was_counted_before_we_knew_of_it_is_not_counted)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	/* The process is an hour old: the control plane was restarted, say. */
	report_since(&g, (struct sample)IN(1000000), NOW_NS - 3600 * SECOND_NS);
	assert_null(stat_of(&h, "window=all", "rows[0].requests"));
	report_since(&g, (struct sample)IN(1000003), NOW_NS - 3600 * SECOND_NS);
	assert_stat(&h, "window=all", "rows[0].requests", "3");
	leave(&g, &h);
}

TEST(a_window_forgets_what_is_older)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	report(&g, (struct sample)IN(100));
	loop_advance(h.loop, DURATION_SECONDS(30));
	report(&g, (struct sample)IN(160));
	assert_stat(&h, "window=10s", "rows[0].requests", "60");
	assert_stat(&h, "window=1m", "rows[0].requests", "160");
	assert_stat(&h, "window=1m", "windowSeconds", "30.000");
	assert_stat(&h, "window=1m", "rows[0].rps", "5.333");
	loop_advance(h.loop, DURATION_SECONDS(301));
	assert_stat(&h, "window=5m", "rows[0].requests", "0");
	assert_stat(&h, "window=all", "rows[0].requests", "160");
	assert_stat(&h, "window=all", "windowSeconds", "331.000");
	/* The ring has gone round: an old slot is not taken for a new one. */
	report(&g, (struct sample)IN(161));
	assert_stat(&h, "window=5m", "rows[0].requests", "1");
	leave(&g, &h);
}

TEST(rows_are_split_by_version_and_by_peer)
{
	struct guest g = { 0 };
	struct sample other = IN(10);
	struct house h;

	enter(&g, &h);
	report(&g, (struct sample)IN(30));
	other.peer = SPIFFE("ads");
	other.tls = "none";
	report(&g, other);
	assert_stat(&h, "by=version", "rows[0].version", "v1");
	assert_stat(&h, "by=version", "rows[0].requests", "40");
	assert_stat(&h, "by=version", "rows[0].mtlsShare", "0.750");
	assert_stat(&h, "by=version", "rows[0].of", "1");
	assert_stat(&h, "by=peer", "rows[0].peer", SPIFFE("web"));
	assert_stat(&h, "by=peer", "rows[0].requests", "30");
	assert_stat(&h, "by=peer", "rows[1].peer", SPIFFE("ads"));
	leave(&g, &h);
}

TEST(nobody_reports_for_somebody_else)
{
	struct guest g = { 0 }, other = { 0 };
	struct sample inbound = IN(10);
	struct house h;

	enter(&g, &h);
	house_register(&h, WORKLOAD_JSON("web-1", "web", "2", "Ready"));
	guest_enter(&other, &h, "shop/web-1", SPIFFE("web"));
	/* In another's name: refused whole. */
	assert_int_equal(guest_report(&other, &(struct guest_report){ .instance = "shop/reviews-1",
								      .revision = 99 }),
			 GRPC_PERMISSION_DENIED);
	assert_int_equal(guest_report(&other, &(struct guest_report){ .instance = "shop/nobody" }),
			 GRPC_PERMISSION_DENIED);
	assert_int_equal(proxies_find(h.proxies, STR("shop/reviews-1"))->revision_served, 0);
	/* Requests to another's service: dropped. */
	report(&other, inbound);
	assert_null(stat_of(&h, "window=all", "rows[0].requests"));
	inbound.service = "web";
	inbound.name_space = "other";
	report(&other, inbound);
	assert_null(stat_of(&h, "window=all", "rows[0].requests"));
	inbound.name_space = "shop";
	report(&other, inbound);
	assert_stat(&h, "window=all", "rows[0].service", "web");
	house_ask(&h, "GET", "/metrics", NULL);
	assert_non_null(strstr(h.body, "weft_control_telemetry_reports_refused_total 2\n"));
	guest_leave(&other);
	leave(&g, &h);
}

TEST(points_that_make_no_sense_are_dropped_and_counted)
{
	struct guest g = { 0 };
	struct sample sample = IN(10);
	struct guest_report foreign = { .revision = 1,
					.started_ns = NOW_NS,
					.samples = &sample,
					.sample_count = 1,
					.foreign_bounds = true };
	char *large = mem_alloc(1001);
	struct house h;

	enter(&g, &h);
	/* Of a histogram with other bounds the requests count, the latencies do not. */
	assert_int_equal(guest_report(&g, &foreign), GRPC_OK);
	assert_stat(&h, "window=all", "rows[0].requests", "10");
	assert_stat(&h, "window=all", "rows[0].p50Ms", "0.000");
	sample.fast = 0;
	sample.peer = "two\nlines";
	report(&g, sample);
	memset(large, 'x', 1000);
	large[1000] = '\0';
	sample.peer = large;
	report(&g, sample);
	sample.peer = SPIFFE("web");
	sample.direction = "sideways";
	report(&g, sample);
	sample.direction = "inbound";
	sample.requests = -1;
	report(&g, sample);
	assert_stat(&h, "window=all", "rows[0].requests", "10");
	house_ask(&h, "GET", "/metrics", NULL);
	assert_non_null(strstr(h.body, "weft_control_telemetry_points_dropped_total 4\n"));
	mem_free(large);
	leave(&g, &h);
}

/* One report of `count` series with one request each; peers are numbered from `first`. */
static void report_many(struct guest *g, unsigned first, unsigned count)
{
	struct sample *samples = mem_new_array(struct sample, count);
	char(*peers)[16] = mem_alloc(count * sizeof(*peers));
	const struct guest_report r = {
		.revision = 1, .started_ns = NOW_NS, .samples = samples, .sample_count = count
	};

	for (unsigned i = 0; i < count; i++) {
		snprintf(peers[i], sizeof(peers[i]), "peer-%u", first + i);
		samples[i] = (struct sample)IN(1);
		samples[i].fast = 0;
		samples[i].peer = peers[i];
	}
	assert_int_equal(guest_report(g, &r), GRPC_OK);
	mem_free(samples);
	mem_free(peers);
}

TEST(a_proxy_has_so_many_series_and_not_more)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	report_many(&g, 0, TELEMETRY_PROXY_SERIES_MAX + 5);
	assert_stat(&h, "window=all", "rows[0].requests", "1000");
	house_ask(&h, "GET", "/metrics", NULL);
	assert_non_null(strstr(h.body, "weft_control_telemetry_points_dropped_total 5\n"));
	leave(&g, &h);
}

TEST(where_there_is_no_room_requests_are_counted_together_and_silent_series_make_room)
{
	unsigned proxies = TELEMETRY_SERIES_MAX / TELEMETRY_PROXY_SERIES_MAX;
	struct guest *guests = mem_new_array(struct guest, proxies + 1);
	struct house h;

	house_open(&h);
	for (unsigned i = 0; i <= proxies; i++) {
		char *node = mem_printf("shop/reviews-%u", i);
		char *workload =
			mem_printf(WORKLOAD_JSON("reviews-%u", "reviews", "1", "Ready"), i);

		house_register(&h, workload);
		guest_enter(&guests[i], &h, node, SPIFFE("reviews"));
		report_many(&guests[i], i * 1000, i < proxies ? 1000 : 10);
		guests[i].node_id = NULL;
		mem_free(node);
		mem_free(workload);
	}
	assert_stat(&h, "window=all", "rows[0].requests", "10000");
	assert_stat(&h, "window=all", "rows[1].service", TELEMETRY_OTHER);
	assert_stat(&h, "window=all", "rows[1].requests", "10");
	/* After five silent minutes a new series finds room; what was counted stays counted. */
	loop_advance(h.loop, DURATION_SECONDS(301));
	guests[0].node_id = "shop/reviews-0";
	report_since(&guests[0], (struct sample)IN(1), NOW_NS + SECOND_NS);
	assert_stat(&h, "window=5m", "rows[1].requests", "1");
	assert_stat(&h, "window=all", "rows[0].service", TELEMETRY_OTHER);
	assert_stat(&h, "window=all", "rows[0].requests", "10010");
	for (unsigned i = 0; i <= proxies; i++)
		guest_leave(&guests[i]);
	mem_free(guests);
	house_close(&h);
}

TEST(what_a_proxy_reported_goes_with_it)
{
	struct guest g = { 0 };
	struct house h;

	enter(&g, &h);
	report(&g, (struct sample)IN(100));
	house_ask(&h, "DELETE", "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/reviews-1",
		  NULL);
	assert_null(proxies_find(h.proxies, STR("shop/reviews-1")));
	/* The totals stay; when the same process comes again it is counted from where it is. */
	house_register(&h, RS("reviews-1"));
	loop_advance(h.loop, DURATION_SECONDS(2));
	house_turns(&h, 30);
	report_since(&g, (struct sample)IN(150), NOW_NS - 3600 * SECOND_NS);
	assert_stat(&h, "window=all", "rows[0].requests", "100");
	report_since(&g, (struct sample)IN(151), NOW_NS - 3600 * SECOND_NS);
	assert_stat(&h, "window=all", "rows[0].requests", "101");
	leave(&g, &h);
}
