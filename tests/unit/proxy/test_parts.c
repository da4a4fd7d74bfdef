/*
 * The small parts: breakers, deadlines, slots, counters, reasons, metrics, inspection
 */

#include "proxy/breakers.h"
#include "proxy/deadlines.h"
#include "proxy/inspect.h"
#include "proxy/metrics.h"
#include "proxy/reasons.h"
#include "proxy/slots.h"
#include "proxy/stats.h"

#include "test.h"

TEST(a_breaker_opens_at_its_limit)
{
	struct breakers *b = breakers_new();
	struct breaker_limits limits = { .requests_max = 2, .retries_max = 1 };

	assert_true(breaker_take(b, &limits, 0, BREAKER_REQUESTS));
	assert_true(breaker_take(b, &limits, 0, BREAKER_REQUESTS));
	assert_false(breaker_take(b, &limits, 0, BREAKER_REQUESTS));
	assert_true(breaker_take(b, &limits, 1, BREAKER_REQUESTS));
	breaker_take_anyway(b, 0, BREAKER_REQUESTS);
	assert_int_equal(breaker_value(b, 0, BREAKER_REQUESTS), 3);
	breaker_give(b, 0, BREAKER_REQUESTS);
	breaker_give(b, 0, BREAKER_REQUESTS);
	assert_true(breaker_take(b, &limits, 0, BREAKER_REQUESTS));
	breakers_unref(b);
}

TEST(a_retry_budget_is_a_share_of_what_runs)
{
	struct breakers *b = breakers_new();
	struct breaker_limits limits = { .requests_max = 100,
					 .retries_max = 1,
					 .retry_budget_percent = 20,
					 .retry_budget_min = 3 };

	for (int i = 0; i < 3; i++)
		assert_true(breaker_take(b, &limits, 0, BREAKER_RETRIES));
	assert_false(breaker_take(b, &limits, 0, BREAKER_RETRIES));
	for (int i = 0; i < 20; i++)
		breaker_take_anyway(b, 0, BREAKER_REQUESTS);
	assert_true(breaker_take(b, &limits, 0, BREAKER_RETRIES));
	assert_false(breaker_take(b, &limits, 0, BREAKER_RETRIES));
	breakers_unref(b);
}

struct clockwork {
	struct deadlines d;
	enum deadline fired[8];
	int count;
};

static void on_due(void *user, enum deadline which)
{
	struct clockwork *c = user;

	c->fired[c->count++] = which;
}

static void pass(struct loop *l, int64_t ms)
{
	loop_advance(l, DURATION_MS(ms));
	assert_int_equal(loop_turn(l, DURATION_NS(0)), 0);
}

TEST(deadlines_come_up_in_their_order_on_one_timer)
{
	struct clockwork c = { .count = 0 };
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	loop_set_clock(l, (struct instant){ 1000000000 }, (struct wall_time){ 0 });
	deadlines_init(&c.d, l);
	deadlines_use(&c.d, on_due, &c);
	deadline_set(&c.d, DEADLINE_ROUTE, DURATION_MS(100));
	deadline_set(&c.d, DEADLINE_IDLE, DURATION_MS(50));
	deadline_set(&c.d, DEADLINE_TRY, DURATION_MS(0));
	pass(l, 40);
	deadline_extend(&c.d, DEADLINE_IDLE, DURATION_MS(80));
	deadline_extend(&c.d, DEADLINE_MAX, DURATION_MS(1));
	pass(l, 20);
	assert_int_equal(c.count, 0);
	pass(l, 40);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.fired[0], DEADLINE_ROUTE);
	pass(l, 30);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.fired[1], DEADLINE_IDLE);
	deadline_set(&c.d, DEADLINE_ROUTE, DURATION_MS(10));
	deadlines_clear(&c.d);
	pass(l, 1000);
	assert_int_equal(c.count, 2);
	assert_false(timer_is_running(&c.d.timer));
	deadline_set(&c.d, DEADLINE_ROUTE, DURATION_MS(10));
	deadlines_fini(&c.d);
	loop_free(l);
}

TEST(a_slot_stays_with_its_name_while_anybody_refers_to_it)
{
	struct slots s;
	uint32_t a, b;

	slots_init(&s);
	a = slots_get(&s, STR("a"));
	b = slots_get(&s, STR("b"));
	assert_int_equal(slots_get(&s, STR("a")), a);
	slots_unref(&s, a);
	assert_int_equal(slots_find(&s, STR("a")), a);
	slots_unref(&s, a);
	assert_int_equal(slots_find(&s, STR("a")), SLOT_NONE);
	assert_int_equal(slots_get(&s, STR("c")), a);
	assert_str_equal(slots_name(&s, b), "b");
	for (int i = 0; i < 100; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", i);
		slots_get(&s, str_from(name));
	}
	assert_str_equal(slots_name(&s, a), "c");
	slots_fini(&s);
}

TEST(counters_are_added_up_over_workers)
{
	struct stats s;
	struct stat_scope *scope, *again;
	struct histogram_data d;

	stats_init(&s, 3);
	scope = stat_scope_get(&s, STAT_CLUSTER, STR("reviews"));
	again = stat_scope_get(&s, STAT_CLUSTER, STR("reviews"));
	assert_ptr_equal(scope, again);
	for (uint32_t w = 0; w < 3; w++) {
		stat_add(stat_scope_cells(scope, w), CLUSTER_RQ_TOTAL, w + 1);
		histogram_record(&stat_scope_times(scope, w)[CLUSTER_RQ_TIME], DURATION_MS(3));
	}
	stat_inc(stat_scope_cells(scope, 0), CLUSTER_CX_ACTIVE);
	stat_dec(stat_scope_cells(scope, 2), CLUSTER_CX_ACTIVE);
	stat_dec(stat_scope_cells(scope, 2), CLUSTER_CX_ACTIVE);
	assert_int_equal(stat_scope_value(scope, CLUSTER_RQ_TOTAL), 6);
	assert_int_equal(stat_scope_value(scope, CLUSTER_CX_ACTIVE), -1);
	stat_scope_time(scope, CLUSTER_RQ_TIME, &d);
	assert_int_equal(histogram_count(&d), 3);
	stat_scope_unref(again);
	stat_scope_unref(scope);
	stats_fini(&s);
}

TEST(every_row_of_every_table_has_a_name)
{
	for (int kind = 0; kind < STAT_KIND_COUNT; kind++) {
		const struct stat_table *t = stat_table(kind);

		for (uint32_t i = 0; i < t->row_count; i++)
			assert_non_null(t->rows[i].name);
		for (uint32_t i = 0; i < t->time_count; i++)
			assert_non_null(t->times[i]);
	}
}

TEST(every_reason_says_what_it_is)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row(i);

		assert_non_null(row->word);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(row->word, reason_row(k)->word);
		if (row->scope == REASON_COUNTS_HTTP)
			assert_true(row->counter < STAT_HTTP_COUNT);
		if (row->scope == REASON_COUNTS_CLUSTER)
			assert_true(row->counter < STAT_CLUSTER_COUNT);
	}
	for (int i = 0; i <= HTTP_FAULT_FLOOD; i++)
		assert_true(reason_of_fault(i) != REASON_NONE);
	for (int i = 0; i <= STREAM_RESET_CONNECT; i++) {
		assert_true(reason_of_reset(i, false) != REASON_NONE);
		assert_int_equal(reason_row(reason_of_reset(i, true))->retry, RETRY_NEVER);
	}
}

struct reading {
	int count;
	uint64_t ok;
	uint64_t overflow;
	bool found;
};

static void on_series(void *user, const struct series_sample *s)
{
	struct reading *r = user;

	r->count++;
	r->ok += s->classes[METRIC_2XX];
	if (s->overflow)
		r->overflow += s->classes[METRIC_2XX];
	r->found |= str_eq(s->labels.service, STR("reviews")) &&
		    str_eq(s->labels.version, STR("v2")) &&
		    str_eq(s->labels.peer, STR("spiffe://x/ns/a/sa/b"));
}

static void record(struct request_series *s, uint32_t worker)
{
	counter_add(&request_series_cells(s, worker)->classes[metric_class_of(204)], 1);
}

TEST(series_are_one_for_equal_labels)
{
	struct metrics m;
	struct series_labels labels = {
		.direction = METRIC_INBOUND,
		.tls = METRIC_MUTUAL_TLS,
		.service = STR("reviews"),
		.version = STR("v2"),
		.peer = STR("spiffe://x/ns/a/sa/b"),
	};
	struct reading reading = { 0 };
	struct request_series *a, *b, *c;

	metrics_init(&m, 2);
	a = request_series_get(&m, &labels);
	b = request_series_get(&m, &labels);
	labels.version = STR("v1");
	c = request_series_get(&m, &labels);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	record(a, 0);
	record(b, 1);
	record(c, 1);
	metrics_read(&m, (struct instant){ 1 }, on_series, &reading);
	assert_true(reading.found);
	assert_int_equal(reading.ok, 3);
	metrics_fini(&m);
}

TEST(series_are_bounded_and_idle_ones_leave)
{
	struct metrics m;
	struct reading reading = { 0 };
	struct instant start = { 1000 };

	metrics_init(&m, 1);
	for (int i = 0; i < SERIES_MAX + 5; i++) {
		char name[16];
		struct series_labels labels = { 0 };
		struct request_series *s;

		snprintf(name, sizeof(name), "s%d", i);
		labels.service = str_from(name);
		s = request_series_get(&m, &labels);
		record(s, 0);
		request_series_unref(s, start);
	}
	metrics_read(&m, start, on_series, &reading);
	assert_int_equal(reading.count, SERIES_MAX + 1);
	assert_int_equal(reading.overflow, 5);
	metrics_read(&m, instant_after(start, SERIES_IDLE), on_series, &reading);
	reading = (struct reading){ 0 };
	metrics_read(&m, instant_after(start, SERIES_IDLE), on_series, &reading);
	assert_int_equal(reading.count, 1);
	metrics_fini(&m);
}

TEST(the_first_line_tells_which_http_it_is)
{
	struct inspection seen;

	assert_int_equal(inspect(STR("PRI * H"), false, true, &seen), INSPECT_MORE);
	assert_int_equal(inspect(STR("PRI * HTTP/2.0\r\n\r\n"), false, true, &seen), INSPECT_KNOWN);
	assert_str_equal(seen.protocols[0], "h2c");
	assert_int_equal(inspect(STR("GET / HTTP/1.1"), false, true, &seen), INSPECT_MORE);
	assert_int_equal(inspect(STR("GET / HTTP/1.1\r\n"), false, true, &seen), INSPECT_KNOWN);
	assert_str_equal(seen.protocols[0], "http/1.1");
	assert_int_equal(inspect(STR("POST /x HTTP/1.0\r\n"), true, true, &seen), INSPECT_KNOWN);
	assert_str_equal(seen.protocols[0], "http/1.0");
	assert_int_equal(inspect(STR("EHLO x\r\n"), true, true, &seen), INSPECT_KNOWN);
	assert_int_equal(seen.protocol_count, 0);
	assert_false(seen.tls);
}
