#include "proxy/telemetry_page.h"

#include "base/macro.h"
#include "model/access_log.h"
#include "proxy/reasons.h"
#include "proxy/stats.h"

static const char top[] =
	"# Counters, reasons and access logs of weft-proxy\n"
	"\n"
	"Made from the tables of the program by `weft-proxy --reference`. The admin "
	"port shows\n"
	"counters, gauges and histograms under `/stats` and, for Prometheus, under "
	"`/stats/prometheus`. Names\n"
	"are Envoy's. `cluster.NAME.upstream_rq_total` is "
	"`envoy_cluster_upstream_rq_total{envoy_cluster_name=\"NAME\"}`\n"
	"for Prometheus: dots become underscores, and what the counter is of becomes a label.\n"
	"\n"
	"## Requests by service and peer\n"
	"\n"
	"For Prometheus, and as OTLP metrics that each proxy of a mesh sends to its control "
	"plane.\n"
	"\n"
	"- `weft_requests_total`: requests, by the labels below and `code_class` (`1xx` to `5xx`, "
	"`none`\n"
	"  without an answer).\n"
	"- `weft_request_duration_seconds`: a histogram of how long they took, by the labels "
	"below.\n"
	"\n"
	"Labels: `direction` (`inbound`, `outbound`), `service_name`, `service_namespace` and\n"
	"`service_version` of the service that is called, `peer` (inbound: the SPIFFE ID of the "
	"caller), `tls`\n"
	"(`none`, `tls`, `mutual`). Beyond 10,000 combinations, further ones are counted together, "
	"with\n"
	"`otel_metric_overflow=\"true\"`.\n";

#define TABLE_TOP                 "| Name | Kind | |\n| --- | --- | --- |\n"

/*
 * Counters, gauges, histograms
 */

#define ROW(kind, name, text)     "| `" name "` | " kind " | " text " |\n"
#define COUNTER(id, name, text)   ROW("counter", name, text)
#define GAUGE(id, name, text)     ROW("gauge", name, text)
#define HISTOGRAM(id, name, text) ROW("histogram, ms", name, text)

static const struct {
	enum stat_kind kind;
	const char *title;
	const char *rows;
} scopes[] = {
	{ STAT_SERVER, "server.", STAT_SERVER_MAP(COUNTER, GAUGE) },
	{ STAT_LISTENER, "listener.ADDRESS.", STAT_LISTENER_MAP(COUNTER, GAUGE) },
	{ STAT_HTTP, "http.STAT_PREFIX.",
	  STAT_HTTP_MAP(COUNTER, GAUGE) STAT_HTTP_TIME_MAP(HISTOGRAM) },
	{ STAT_TCP, "tcp.STAT_PREFIX.", STAT_TCP_MAP(COUNTER, GAUGE) },
	{ STAT_CLUSTER, "cluster.NAME.",
	  STAT_CLUSTER_MAP(COUNTER, GAUGE) STAT_CLUSTER_STATE_MAP(GAUGE)
		  STAT_CLUSTER_TIME_MAP(HISTOGRAM) },
};

static void put_scopes(struct buf *out)
{
	buf_append_str(out,
		       STR("\n## The proxy as a whole\n\n" TABLE_TOP STAT_COMPUTED_MAP(GAUGE)));
	for (size_t i = 0; i < array_count(scopes); i++) {
		const char *label = stat_table(scopes[i].kind)->label;

		buf_printf(out, "\n## %s\n\n", scopes[i].title);
		if (label)
			buf_printf(out, "Label: `%s`.\n\n", label);
		buf_printf(out, "%s%s", TABLE_TOP, scopes[i].rows);
	}
}

/*
 * Reasons
 */

static const char reasons_top[] =
	"\n"
	"## Reasons\n"
	"\n"
	"Every answer that the proxy makes itself, and every end that is not the peers' own doing, "
	"has a\n"
	"reason. Its flag and details stand in the access log. A status of `-`: nothing can be "
	"answered any\n"
	"more, or the status is the route's.\n"
	"\n"
	"Weft tries again by itself, on another endpoint and at once, what cannot do harm twice; a "
	"route's\n"
	"retry policy may ask for more:\n"
	"\n"
	"- **unreached**: nothing was sent; every request is tried again, up to 5 times.\n"
	"- **refused**: the endpoint says that it processed nothing; the same.\n"
	"- **reset**: the endpoint may have begun; idempotent methods are tried again, once. Where "
	"the\n"
	"  connection had been kept open and ended just then, up to twice, on a new connection.\n"
	"- **timeout**: only where the policy asks for it.\n"
	"\n"
	"A request whose body could not be kept is not tried again.\n"
	"\n"
	"| Reason | Status | Flag | Details | Counter | Retry | When |\n"
	"| --- | --- | --- | --- | --- | --- | --- |\n";

static const char *const retry_words[] = {
	[RETRY_NEVER] = "-",     [RETRY_UNREACHED] = "unreached", [RETRY_REFUSED] = "refused",
	[RETRY_RESET] = "reset", [RETRY_TIMEOUT] = "timeout",
};

static const char *const when[REASON_COUNT] = {
#define X(id, word, status, flag, details, scope, counter, retry, text, when_) [id] = (when_),
	REASON_MAP(X)
#undef X
};

static void put_details(struct str details, struct buf *out)
{
	for (size_t i = 0; i < details.len; i++)
		buf_printf(out, details.ptr[i] == '|' ? "\\%c" : "%c", details.ptr[i]);
}

static void put_counter(const struct reason_row *row, struct buf *out)
{
	enum stat_kind kind = row->scope == REASON_COUNTS_HTTP ? STAT_HTTP : STAT_CLUSTER;

	if (row->scope == REASON_COUNTS_NOTHING)
		buf_append_char(out, '-');
	else
		buf_printf(out, "%s `%s`", stat_table(kind)->prefix,
			   stat_table(kind)->rows[row->counter].name);
}

static void put_reasons(struct buf *out)
{
	buf_append_str(out, STR(reasons_top));
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);

		if (!when[i][0])
			continue;
		buf_printf(out, "| %s | ", row->word);
		if (row->status)
			buf_printf(out, "%u", row->status);
		else
			buf_append_char(out, '-');
		buf_printf(out, " | %s | `", response_flag_text(row->flag));
		put_details(row->details, out);
		buf_append_str(out, STR("` | "));
		put_counter(row, out);
		buf_printf(out, " | %s | %s |\n", retry_words[row->retry], when[i]);
	}
}

static const char flags[] = "\n"
			    "## Flags\n"
			    "\n"
			    "| Flag | Long name |\n"
			    "| --- | --- |\n"
#define X(id, text, long_text) "| " text " | " long_text " |\n"
	RESPONSE_FLAG_MAP(X)
#undef X
	;

/*
 * Access logs
 */

#define ARGUMENT_NOTHING
#define ARGUMENT_HEADER "(NAME)"
#define ARGUMENT_TIME   "(FORMAT)"

static const char operators[] =
	"\n"
	"## Access logs\n"
	"\n"
	"The operators that a format may use, in text or JSON. A number behind a colon cuts a "
	"value "
	"to that many\n"
	"bytes: `%REQ(user-agent):40%`. A value that is absent is `-`, and null in JSON.\n"
	"\n"
	"| Operator | |\n"
	"| --- | --- |\n"
#define X(id, name, argument, text) "| `%" name ARGUMENT_##argument "%` | " text " |\n"
	LOG_OPERATOR_MAP(X)
#undef X
	;

void telemetry_page(struct buf *out)
{
	buf_append_str(out, STR(top));
	put_scopes(out);
	put_reasons(out);
	buf_append_str(out, STR(flags));
	buf_append_str(out, STR(operators));
}
