#include "cli/demo_facts.h"

#include "cli/demo_shop.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/tree.h"

static const struct table_column columns[] = {
	{ "NAME", false, false },   { "READY", true, false }, { "RPS", true, false },
	{ "SUCCESS", true, false }, { "P50", true, false },   { "P99", true, false },
	{ "MTLS", true, false },    { NULL, false, false },
};

/* The services in the order of the shop, each once. */
static const char *service_at(size_t i)
{
	static const char *const names[SHOP_SERVICE_COUNT] = {
		"web", "catalog", "reviews", "ratings", "cart", "checkout", "payments",
	};

	return names[i];
}

static const struct node *row_of(const struct node *stat, const char *service)
{
	node_for_each (row, node_get(stat, STR("rows")))
		if (str_eq(answer_text(row, "service"), str_from(service)))
			return row;
	return NULL;
}

static void add_share(struct table *t, const struct node *row, const char *name, double good)
{
	bool counted = answer_count(row, "requests") > 0;
	double share = answer_real(row, name);
	struct buf text = BUF_INIT(0);

	percent_text(share, counted, &text);
	table_add_style(t,
			!counted       ? STYLE_DIM
			: share < good ? STYLE_RED
				       : STYLE_GREEN,
			"%.*s", STR_ARGS(buf_str(&text)));
	buf_fini(&text);
}

/* When the load is over, the window of the control plane goes on without it. */
static double rate_of(const struct demo_facts *f, const struct node *row)
{
	if (f->load_seconds > 0)
		return (double)answer_count(row, "requests") / f->load_seconds;
	return answer_real(row, "rps");
}

static void add_service(struct table *t, const struct demo_facts *f, const char *service)
{
	const struct node *row = row_of(f->services, service);

	table_add(t, "%s", service);
	if (!row) {
		for (size_t i = 1; i < array_count(columns) - 1; i++)
			table_add_style(t, STYLE_DIM, "-");
		return;
	}
	table_add(t, "%llu/%llu", (unsigned long long)answer_count(row, "ready"),
		  (unsigned long long)answer_count(row, "of"));
	table_add(t, "%.1f", rate_of(f, row));
	add_share(t, row, "success", 1);
	table_add(t, "%.1fms", answer_real(row, "p50Ms"));
	table_add(t, "%.1fms", answer_real(row, "p99Ms"));
	add_share(t, row, "mtlsShare", 1);
}

static void draw_services(const struct demo_screen *s, const struct demo_facts *f, struct buf *out)
{
	struct table_options options = { .terminal = s->terminal };
	struct table t;

	table_init(&t, columns);
	for (size_t i = 0; i < SHOP_SERVICE_COUNT; i++)
		add_service(&t, f, service_at(i));
	table_write(&t, &options, out);
	table_fini(&t);
}

/*
 * The split
 */

static uint64_t requests_of(const struct node *versions, const char *version)
{
	node_for_each (row, node_get(versions, STR("rows")))
		if (str_eq(answer_text(row, "service"), STR(SHOP_CANARY)) &&
		    str_eq(answer_text(row, "version"), str_from(version)))
			return answer_count(row, "requests");
	return 0;
}

/* What the HTTPRoute asks for: "90/10". */
static void draw_weights(const struct demo_facts *f, struct buf *out)
{
	bool first = true;

	buf_append_str(out, STR("HTTPRoute "));
	node_for_each (backend, node_at(f->route, "spec.rules[0].backendRefs")) {
		struct str weight = answer_text(backend, "weight");

		buf_printf(out, "%s%.*s", first ? "" : "/",
			   STR_ARGS(weight.len ? weight : STR("1")));
		first = false;
	}
}

static void draw_split(const struct demo_screen *s, const struct demo_facts *f, struct buf *out)
{
	uint64_t v1 = requests_of(f->versions, "v1"), v2 = requests_of(f->versions, "v2");
	struct buf text = BUF_INIT(0);

	if (v1 + v2 == 0)
		return;
	buf_printf(&text, "reviews   v1 %.1f%%   v2 %.1f%%   ",
		   100.0 * (double)v1 / (double)(v1 + v2), 100.0 * (double)v2 / (double)(v1 + v2));
	terminal_style(s->terminal, STYLE_BOLD, buf_str(&text), out);
	buf_append_str(out, f->load_seconds > 0 ? STR("of all requests; ")
						: STR("of the last minute; "));
	draw_weights(f, out);
	buf_append_char(out, '\n');
	buf_fini(&text);
}

/*
 * The rest of the screen
 */

static void draw_head(const struct demo_screen *s, const struct demo_facts *f, struct buf *out)
{
	terminal_style(s->terminal, STYLE_BOLD, STR("weft demo " WEFT_VERSION), out);
	buf_printf(out,
		   "   %d services, %d workloads, each behind a proxy of its own"
		   "   ready in %.1fs\n",
		   SHOP_SERVICE_COUNT, SHOP_WORKLOAD_COUNT, f->startup_seconds);
}

static void draw_totals(const struct demo_screen *s, const struct demo_facts *f, struct buf *out)
{
	bool counted = answer_count(f->status, "requests.requests") > 0;

	terminal_mark(s->terminal, f->load_failures ? MARK_FAIL : MARK_OK, out);
	buf_printf(out, " %llu pages asked for, %llu failed   ",
		   (unsigned long long)f->load_requests, (unsigned long long)f->load_failures);
	terminal_mark(s->terminal,
		      counted && answer_real(f->status, "requests.mtlsShare") < 1 ? MARK_WARN
										  : MARK_OK,
		      out);
	buf_append_char(out, ' ');
	percent_text(answer_real(f->status, "requests.mtlsShare"), counted, out);
	buf_printf(out, " of requests over mutual TLS   revision %llu\n",
		   (unsigned long long)answer_count(f->status, "revision"));
	if (s->note) {
		terminal_mark(s->terminal, MARK_WARN, out);
		buf_printf(out, " %s\n", s->note);
	}
}

static void draw_try(const struct demo_screen *s, struct buf *out)
{
	buf_append_str(out, STR("Shop   "));
	buf_printf(out, "http://127.0.0.1:%u\n\nTry, in another terminal\n", s->shop_port);
	buf_printf(out, "  export WEFT_ADDR=%s\n", s->socket);
	buf_printf(out, "  %s stat reviews --by version\n", s->weft);
	buf_printf(out, "  %s apply -f %s   shifts the canary\n", s->weft, s->half);
	buf_printf(out, "  %s rollback 1   and back\n", s->weft);
	buf_printf(out, "  %s proxy status\n", s->weft);
	buf_append_str(out, STR("Ctrl-C ends it and leaves nothing behind.\n"));
}

void demo_draw(const struct demo_screen *s, const struct demo_facts *f, struct buf *out)
{
	draw_head(s, f, out);
	draw_totals(s, f, out);
	buf_append_char(out, '\n');
	draw_services(s, f, out);
	buf_append_char(out, '\n');
	draw_split(s, f, out);
	if (f->load_seconds > 0)
		return; /* there is nothing left to try */
	buf_append_char(out, '\n');
	draw_try(s, out);
}

/*
 * The summary
 */

static void add_summary(struct pool *pool, struct node *list, const char *service,
			const struct node *row)
{
	struct node *n = tree_map(pool, list, NULL);

	tree_text(pool, n, "name", str_from(service));
	tree_number(pool, n, "requests", (int64_t)answer_count(row, "requests"));
	tree_number(pool, n, "failures", (int64_t)answer_count(row, "failures"));
	tree_real(pool, n, "p50_ms", answer_real(row, "p50Ms"), 2);
	tree_real(pool, n, "p99_ms", answer_real(row, "p99Ms"), 2);
	tree_real(pool, n, "mtls_share", answer_real(row, "mtlsShare"), 4);
}

struct node *demo_summary(const struct demo_facts *f, struct pool *pool)
{
	static const char *const versions[] = { "v1", "v2" };
	struct node *root = node_new(pool, NODE_MAP);
	struct node *services, *reviews;

	tree_real(pool, root, "startup_seconds", f->startup_seconds, 2);
	services = tree_list(pool, root, "services");
	for (size_t i = 0; i < SHOP_SERVICE_COUNT; i++)
		add_summary(pool, services, service_at(i), row_of(f->services, service_at(i)));
	reviews = tree_list(pool, root, "reviews");
	for (size_t i = 0; i < array_count(versions); i++) {
		struct node *n = tree_map(pool, reviews, NULL);

		tree_text(pool, n, "version", str_from(versions[i]));
		tree_number(pool, n, "requests", (int64_t)requests_of(f->versions, versions[i]));
	}
	return root;
}

uint64_t demo_failures(const struct demo_facts *f)
{
	uint64_t failures = f->load_failures;

	node_for_each (row, node_get(f->services, STR("rows")))
		failures += answer_count(row, "failures");
	return failures;
}
