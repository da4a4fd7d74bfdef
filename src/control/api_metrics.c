/*
 * /metrics: all that the control plane counts, for Prometheus
 */

#include "control/api_request.h"

#include "control/certificates.h"
#include "control/rpc.h"
#include "control/telemetry.h"
#include "identity/source.h"

/* One row per number. */
struct metric {
	const char *name; /* rows of one name stand together */
	const char *type;
	uint64_t value;
	const char *text; /* what is counted; of the first row of a name */
	/* NULL: it has none. */
	const char *label;
	const char *label_value;
};

/* A page under construction. */
struct page {
	struct buf text;
	const char *name; /* of the last row */
};

static void write_row(struct page *p, const struct metric *m)
{
	if (!p->name || strcmp(p->name, m->name) != 0)
		buf_printf(&p->text, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->text, m->name,
			   m->type);
	p->name = m->name;
	buf_append_str(&p->text, str_from(m->name));
	if (m->label)
		buf_printf(&p->text, "{%s=\"%s\"}", m->label, m->label_value);
	buf_printf(&p->text, " %llu\n", (unsigned long long)m->value);
}

static void write_rows(struct page *p, const struct metric *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		write_row(p, &rows[i]);
}

// clang-format off
static void write_mesh(struct page *p, const struct api_request *q)
{
	const struct state *state = q->api->options.state;
	const struct graph *graph = state_graph(state);
	const struct metric rows[] = {
		{ "weft_control_revision", "gauge", state_revision(state),
		  "Revision of what people applied.", NULL, NULL },
		{ "weft_control_resources_built_total", "counter", graph->built,
		  "Resources compiled.", NULL, NULL },
		{ "weft_control_resources_changed_total", "counter", graph->changed,
		  "Resources whose bytes came out different.", NULL, NULL },
	};

	buf_printf(&p->text,
		   "# HELP weft_build_info Always 1; the labels say what runs.\n"
		   "# TYPE weft_build_info gauge\n"
		   "weft_build_info{version=\"%s\",component=\"control\"} 1\n", WEFT_VERSION);
	write_rows(p, rows, array_count(rows));
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		write_row(p, &(struct metric){ "weft_control_documents", "gauge",
			  api_count_documents(q, (enum kind_id)kind), "Documents by kind.",
			  "kind", kind_of((enum kind_id)kind)->name });
}

static void write_findings(struct page *p, const struct api_request *q)
{
	const struct findings *all = state_findings(q->api->options.state);
	uint32_t errors = 0;

	for (uint32_t i = 0; i < all->count; i++)
		errors += all->items[i].severity == FINDING_ERROR;
	const struct metric rows[] = {
		{ "weft_control_findings", "gauge", errors,
		  "Findings in the documents by how grave they are.", "severity", "error" },
		{ "weft_control_findings", "gauge", all->count - errors,
		  NULL, "severity", "warning" },
	};

	write_rows(p, rows, array_count(rows));
}

static void write_proxies(struct page *p, const struct api_request *q)
{
	const struct proxy_counts counts = api_count_proxies(q);
	const struct proxies_counters counters = proxies_counters(q->api->options.proxies);
	const struct metric rows[] = {
		{ "weft_control_proxies", "gauge", counts.up,
		  "Proxies by whether they are connected.", "state", "up" },
		{ "weft_control_proxies", "gauge", counts.of - counts.up, NULL, "state", "lost" },
		{ "weft_control_proxies_programmed", "gauge", counts.programmed,
		  "Proxies whose workers serve the last revision sent to them.", NULL, NULL },
		{ "weft_control_proxies_kept", "gauge", counts.kept,
		  "Lost proxies that are kept, since many of their service were lost at once.",
		  NULL, NULL },
		{ "weft_control_workloads_withdrawn_total", "counter", counters.withdrawn,
		  "Workloads that take no requests any more, since their proxy was lost.",
		  NULL, NULL },
		{ "weft_control_xds_streams", "gauge", counters.streams,
		  "Open xDS streams.", NULL, NULL },
		{ "weft_control_xds_streams_refused_total", "counter", counters.refused,
		  "xDS streams of no Workload, or of another identity than its.", NULL, NULL },
		{ "weft_control_xds_resources_refused_total", "counter", counters.nacks,
		  "Resources that a proxy refused.", NULL, NULL },
	};

	write_rows(p, rows, array_count(rows));
}

static void write_telemetry(struct page *p, const struct api_request *q)
{
	const struct telemetry_counters t = telemetry_counters(q->api->options.telemetry);
	const struct metric rows[] = {
		{ "weft_control_telemetry_series", "gauge", t.series,
		  "Series of the mesh's traffic in memory.", NULL, NULL },
		{ "weft_control_telemetry_reports_total", "counter", t.reports,
		  "Reports of proxies that were taken.", NULL, NULL },
		{ "weft_control_telemetry_reports_refused_total", "counter", t.refused,
		  "Reports of proxies that were refused.", NULL, NULL },
		{ "weft_control_telemetry_points_dropped_total", "counter", t.dropped,
		  "Points of reports that were left out.", NULL, NULL },
	};

	write_rows(p, rows, array_count(rows));
}

static void write_api(struct page *p, const struct api *a)
{
	const struct metric rows[] = {
		{ "weft_control_api_connections", "gauge", a->connection_count,
		  "Open connections to the API.", NULL, NULL },
		{ "weft_control_api_connections_accepted_total", "counter", a->acceptor.accepted,
		  "Connections to the API, with those beyond the limit.", NULL, NULL },
		{ "weft_control_api_connections_refused_total", "counter",
		  a->counters.connections_refused, "Connections to the API beyond the limit.",
		  NULL, NULL },
		{ "weft_control_api_connections_stalled_total", "counter",
		  a->counters.connections_stalled,
		  "Connections to the API ended because the client stalled.", NULL, NULL },
		{ "weft_control_api_accept_pauses_total", "counter", a->acceptor.rests,
		  "Times that the system had no room for a connection to the API.", NULL, NULL },
		{ "weft_control_api_requests_total", "counter", a->counters.requests,
		  "Requests to the API.", NULL, NULL },
		{ "weft_control_api_refused_total", "counter", a->counters.refused,
		  "Requests to the API that the caller had no right to.", NULL, NULL },
	};

	write_rows(p, rows, array_count(rows));
}

static void write_rpc(struct page *p, const struct rpc *rpc)
{
	const struct metric rows[] = {
		{ "weft_control_rpc_connections", "gauge", rpc->connection_count,
		  "Open connections to the port of the proxies.", NULL, NULL },
		{ "weft_control_rpc_connections_accepted_total", "counter", rpc->acceptor.accepted,
		  "Connections to the port of the proxies, with those that were refused.",
		  NULL, NULL },
		{ "weft_control_rpc_connections_refused_total", "counter", rpc->refused,
		  "Connections to the port of the proxies beyond the limit or before its "
		  "certificate.", NULL, NULL },
		{ "weft_control_rpc_handshakes_failed_total", "counter", rpc->handshakes_failed,
		  "Connections to the port of the proxies that did not come to mutual TLS.",
		  NULL, NULL },
		{ "weft_control_rpc_accept_pauses_total", "counter", rpc->acceptor.rests,
		  "Times that the system had no room for a connection of a proxy.", NULL, NULL },
	};

	write_rows(p, rows, array_count(rows));
}

static void write_certificates(struct page *p, const struct certificates_counters *c)
{
	write_row(p, &(struct metric){ "weft_control_certificates_issued_total", "counter",
		  counter_read(&c->issued), "Certificates given to programs.", NULL, NULL });
	for (unsigned i = 0; i < CERTIFICATES_REFUSAL_COUNT; i++)
		write_row(p, &(struct metric){ "weft_control_certificates_refused_total",
			  "counter", counter_read(&c->refused[i]),
			  "Certificates asked for and not given, by reason.", "reason",
			  certificates_refusal_name((enum certificates_refusal)i) });
}

static void write_identity(struct page *p, const struct identity_stats *stats)
{
	const struct metric rows[] = {
		{ "weft_control_own_certificates_total", "counter", stats->granted,
		  "Certificates of the control plane itself: the first and its renewals.",
		  NULL, NULL },
		{ "weft_control_own_certificates_failed_total", "counter", stats->failed,
		  "Times that the control plane could not have a certificate of its own.",
		  NULL, NULL },
	};

	write_rows(p, rows, array_count(rows));
}
// clang-format on

void api_metrics(struct api_request *q)
{
	const struct api_options *o = &q->api->options;
	struct page p = { .text = BUF_INIT(0) };

	write_mesh(&p, q);
	write_findings(&p, q);
	write_proxies(&p, q);
	write_telemetry(&p, q);
	write_api(&p, q->api);
	if (o->rpc)
		write_rpc(&p, o->rpc);
	if (o->certificates)
		write_certificates(&p, &o->certificates->counters);
	if (o->identity) {
		const struct identity_stats stats = identity_stats(o->identity);

		write_identity(&p, &stats);
	}
	api_answer_text(q, 200, STR("text/plain; version=0.0.4"), buf_str(&p.text));
	buf_fini(&p.text);
}
