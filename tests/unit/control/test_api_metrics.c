/* /metrics: what is counted is shown, and each family once. */

#include "control/api.h"

#include <stdio.h>

#include "base/mem.h"

#include "guest.h"

static void assert_metric(struct house *h, const char *line)
{
	char *whole = mem_printf("\n%s\n", line);

	assert_non_null(strstr(h->body, whole));
	mem_free(whole);
}

TEST(a_refused_certificate_is_told_by_its_reason_and_every_reason_is_there)
{
	struct house h;

	house_open(&h);
	counter_add(&h.certificates.counters.issued, 3);
	counter_add(&h.certificates.counters.refused[CERTIFICATES_NOT_GRANTED], 2);
	house_ask(&h, "GET", "/metrics", NULL);
	assert_metric(&h, "weft_control_certificates_issued_total 3");
	for (unsigned i = 0; i < CERTIFICATES_REFUSAL_COUNT; i++) {
		char *line = mem_printf("weft_control_certificates_refused_total{reason=\"%s\"} %d",
					certificates_refusal_name((enum certificates_refusal)i),
					i == CERTIFICATES_NOT_GRANTED ? 2 : 0);

		assert_metric(&h, line);
		mem_free(line);
	}
	house_close(&h);
}

TEST(the_port_of_the_proxies_tells_whom_it_did_not_let_in)
{
	struct house h;

	house_open(&h);
	h.rpc.connection_count = 4;
	h.rpc.handshakes_failed = 5;
	h.rpc.refused = 6;
	h.rpc.acceptor.accepted = 15;
	h.rpc.acceptor.rests = 1;
	house_ask(&h, "GET", "/metrics", NULL);
	assert_metric(&h, "weft_control_rpc_connections 4");
	assert_metric(&h, "weft_control_rpc_handshakes_failed_total 5");
	assert_metric(&h, "weft_control_rpc_connections_refused_total 6");
	assert_metric(&h, "weft_control_rpc_connections_accepted_total 15");
	assert_metric(&h, "weft_control_rpc_accept_pauses_total 1");
	house_close(&h);
}

TEST(streams_that_were_refused_and_resources_that_a_proxy_refuses_are_counted)
{
	struct guest thief = { 0 }, g = { .refuse = "web.shop.svc.weft.local:9080" };
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("web"));
	house_register(&h, WORKLOAD_JSON("web-1", "web", "1", "Ready"));
	guest_enter(&thief, &h, "shop/web-1", SPIFFE("thief"));
	guest_want(&thief, XDS_LISTENER, "web.shop.svc.weft.local:9080");
	guest_leave(&thief);
	guest_enter(&g, &h, "shop/web-1", SPIFFE("web"));
	guest_want(&g, XDS_LISTENER, "web.shop.svc.weft.local:9080");
	house_ask(&h, "GET", "/metrics", NULL);
	assert_metric(&h, "weft_control_xds_streams 1");
	assert_metric(&h, "weft_control_xds_streams_refused_total 1");
	assert_metric(&h, "weft_control_xds_resources_refused_total 1");
	guest_leave(&g);
	loop_advance(h.loop, DURATION_SECONDS(11));
	house_turns(&h, 4);
	loop_advance(h.loop, DURATION_SECONDS(1));
	house_turns(&h, 4);
	house_ask(&h, "GET", "/metrics", NULL);
	assert_metric(&h, "weft_control_xds_streams 0");
	assert_metric(&h, "weft_control_workloads_withdrawn_total 1");
	house_close(&h);
}

TEST(documents_and_findings_are_gauges)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("web"));
	house_ask(&h, "POST", "/apply?allowDangling=true", ROUTE_JSON("later"));
	house_ask(&h, "GET", "/metrics", NULL);
	assert_metric(&h, "weft_control_documents{kind=\"Service\"} 1");
	assert_metric(&h, "weft_control_documents{kind=\"HTTPRoute\"} 1");
	assert_metric(&h, "weft_control_documents{kind=\"Workload\"} 0");
	assert_metric(&h, "weft_control_findings{severity=\"error\"} 2");
	assert_metric(&h, "weft_control_findings{severity=\"warning\"} 1");
	house_close(&h);
}

/* Prometheus takes each family once, with its help and type before its rows. */
TEST(each_family_is_described_once)
{
	struct house h;
	struct str rest, line;
	struct map seen;

	house_open(&h);
	map_init(&seen);
	house_ask(&h, "GET", "/metrics", NULL);
	rest = str_from(h.body);
	while (str_split(&rest, '\n', &line)) {
		if (!str_has_prefix(line, STR("# TYPE ")))
			continue;
		line = str_slice(line, strlen("# TYPE "), line.len);
		assert_null(map_set(&seen, str_slice(line, 0, str_find(line, 0, ' ')), &h));
	}
	assert_int_equal(seen.count, 31);
	map_fini(&seen);
	house_close(&h);
}
