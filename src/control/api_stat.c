/*
 * The golden signals: requests, success, latency and mutual TLS by service
 *
 * Read from what the proxies in front of the services report (inbound): they see every request
 * that arrives, whoever sent it. `by` tells how rows are split.
 */

#include "control/api_request.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/node.h"
#include "control/telemetry.h"

#define WINDOW_DEFAULT DURATION_SECONDS(60)
#define WINDOW_MIN     TELEMETRY_SLOT
#define WINDOW_MAX     DURATION_SECONDS(300)

enum stat_by { BY_SERVICE, BY_VERSION, BY_PEER };

static const char *const by_words[] = {
	[BY_SERVICE] = "service",
	[BY_VERSION] = "version",
	[BY_PEER] = "peer",
};

struct stat_row {
	struct str name_space;
	struct str service;
	struct str split; /* version or peer */
	struct telemetry_sums sums;
	uint64_t mutual; /* requests over mutual TLS */
};

/* Rows under construction, in the order in which they were first seen. */
struct stat_table {
	struct api_request *q;
	enum stat_by by;
	struct map rows;
	struct telemetry_sums all;
	uint64_t all_mutual;
};

static uint64_t sums_requests(const struct telemetry_sums *s)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < TELEMETRY_CLASS_COUNT; i++)
		count += s->classes[i];
	return count;
}

/* No answer at all, or an answer that blames the server. */
static uint64_t sums_failures(const struct telemetry_sums *s)
{
	return s->classes[0] + s->classes[5];
}

static struct stat_row *row_obtain(struct stat_table *t, const struct telemetry_labels *labels)
{
	struct str split = STR("");
	struct stat_row *row;
	struct str key;

	if (t->by == BY_VERSION)
		split = labels->version;
	if (t->by == BY_PEER)
		split = labels->peer;
	key = pool_printf(&t->q->pool, "%.*s/%.*s/%.*s", STR_ARGS(labels->name_space),
			  STR_ARGS(labels->service), STR_ARGS(split));
	row = map_get(&t->rows, key);
	if (row)
		return row;
	row = pool_new(&t->q->pool, struct stat_row);
	row->name_space = labels->name_space;
	row->service = labels->service;
	row->split = split;
	map_set(&t->rows, key, row);
	return row;
}

static void on_series(void *user, const struct telemetry_labels *labels,
		      const struct telemetry_sums *sums)
{
	struct stat_table *t = user;
	struct stat_row *row;
	uint64_t mutual = str_eq(labels->tls, STR("mutual")) ? sums_requests(sums) : 0;

	if (!str_eq(labels->direction, STR("inbound")))
		return;
	row = row_obtain(t, labels);
	telemetry_sums_add(&row->sums, sums);
	row->mutual += mutual;
	telemetry_sums_add(&t->all, sums);
	t->all_mutual += mutual;
}

static void add_signals(struct api_request *q, struct node *n, const struct telemetry_sums *sums,
			uint64_t mutual, struct duration covered)
{
	uint64_t requests = sums_requests(sums);
	uint64_t failures = sums_failures(sums);
	double seconds = (double)covered.ns / 1e9;

	api_add_number(q, n, "requests", (int64_t)requests);
	api_add_number(q, n, "failures", (int64_t)failures);
	api_add_real(q, n, "rps", seconds > 0 ? (double)requests / seconds : 0);
	api_add_real(q, n, "success", requests ? 1 - (double)failures / (double)requests : 1);
	api_add_real(q, n, "p50Ms", histogram_quantile_ms(&sums->duration, 0.50));
	api_add_real(q, n, "p95Ms", histogram_quantile_ms(&sums->duration, 0.95));
	api_add_real(q, n, "p99Ms", histogram_quantile_ms(&sums->duration, 0.99));
	api_add_real(q, n, "mtlsShare", requests ? (double)mutual / (double)requests : 0);
	api_add_number(q, n, "retries", (int64_t)sums->retries);
}

/* The Workloads of a row, and of them those that take requests. */
static void add_ready(struct stat_table *t, struct node *n, const struct stat_row *row)
{
	struct api_request *q = t->q;
	const struct text_pair app = { STR("app"), row->service };
	struct documents workloads = document_index_labelled(state_index(q->api->options.state),
							     row->name_space, &app, &q->pool);
	uint32_t ready = 0, of = 0;

	for (uint32_t i = 0; i < workloads.count; i++) {
		const struct document *doc = workloads.items[i];
		const struct str *version = text_map_get(&doc->labels, STR("version"));

		if (t->by == BY_VERSION && !str_eq(version ? *version : STR(""), row->split))
			continue;
		of++;
		ready += proxies_is_live(q->api->options.proxies, doc);
	}
	api_add_number(q, n, "ready", ready);
	api_add_number(q, n, "of", of);
}

static void add_row(struct stat_table *t, struct node *list, const struct stat_row *row,
		    struct duration covered)
{
	struct api_request *q = t->q;
	struct node *n = api_add_map(q, list, NULL);

	api_add_text(q, n, "namespace", row->name_space);
	api_add_text(q, n, "service", row->service);
	if (t->by != BY_SERVICE)
		api_add_text(q, n, by_words[t->by], row->split);
	add_ready(t, n, row);
	add_signals(q, n, &row->sums, row->mutual, covered);
}

static int parameters_read(struct api_request *q, struct duration *ret_window, enum stat_by *ret_by,
			   struct diag *d)
{
	struct str window = api_parameter(q, API_WINDOW);
	struct str by = api_parameter(q, API_BY);

	*ret_window = WINDOW_DEFAULT;
	*ret_by = BY_SERVICE;
	if (str_eq(window, STR("all")))
		ret_window->ns = 0;
	else if (window.len && (duration_parse(window, ret_window) < 0 ||
				ret_window->ns < WINDOW_MIN.ns || ret_window->ns > WINDOW_MAX.ns))
		return diag_fail(d, ERR_CONFIG, "window is a duration from 5s to 5m, or all");
	for (size_t i = 0; by.len && i < array_count(by_words); i++) {
		if (!str_eq(by, str_from(by_words[i])))
			continue;
		*ret_by = (enum stat_by)i;
		return 0;
	}
	return by.len ? diag_fail(d, ERR_CONFIG, "by is service, version or peer") : 0;
}

void api_stat(struct api_request *q)
{
	struct stat_table table = { .q = q };
	struct diag d = DIAG_INIT;
	struct duration window, covered;
	struct node *body, *list;

	if (parameters_read(q, &window, &table.by, &d) < 0) {
		api_answer_problem(q, &d);
		diag_fini(&d);
		return;
	}
	map_init(&table.rows);
	telemetry_each(q->api->options.telemetry, window, on_series, &table);
	covered = telemetry_covered(q->api->options.telemetry, window);
	body = api_map(q);
	api_add_real(q, body, "windowSeconds", (double)covered.ns / 1e9);
	list = api_add_list(q, body, "rows");
	map_for_each (entry, &table.rows)
		add_row(&table, list, entry->value, covered);
	map_fini(&table.rows);
	api_answer(q, 200, body);
}

void api_add_requests(struct api_request *q, struct node *body)
{
	struct stat_table table = { .q = q };

	map_init(&table.rows);
	telemetry_each(q->api->options.telemetry, WINDOW_DEFAULT, on_series, &table);
	map_fini(&table.rows);
	add_signals(q, api_add_map(q, body, "requests"), &table.all, table.all_mutual,
		    telemetry_covered(q->api->options.telemetry, WINDOW_DEFAULT));
}
