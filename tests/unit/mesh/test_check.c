#include "mesh/check.h"

#include "fixture.h"

/* All findings, one a line: severity, condition and reason, and the diag. */
static void assert_findings(const char *text, const char *expected)
{
	struct fixture f = { 0 };
	struct buf out = BUF_INIT(0);
	struct findings found;

	fixture_one(&f, text);
	found = check_documents(document_index_new(&f.documents, &f.pool), &f.pool);
	for (uint32_t i = 0; i < found.count; i++) {
		const struct finding *finding = &found.items[i];
		struct diag d = DIAG_INIT;

		finding_diag(finding, &d);
		buf_printf(&out, "%s %s %s %d ", finding->severity == FINDING_ERROR ? "E" : "W",
			   finding->condition ? finding->condition : "-",
			   finding->reason ? finding->reason : "-", finding->parent_index);
		diag_format(&d, &out);
		buf_append_char(&out, '\n');
		diag_fini(&d);
	}
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	fixture_fini(&f);
}

#define SERVICE(name, port)                                                \
	"---\n{apiVersion: v1, kind: Service, metadata: {name: " name "}," \
	" spec: {selector: {app: x}, ports: [" port "]}}\n"
#define WORKLOAD                                                                   \
	"---\n{apiVersion: weft.dev/v1alpha1, kind: Workload, metadata: {name: x," \
	" labels: {app: x}}, spec: {address: 10.0.0.1, serviceAccount: x,"         \
	" ports: [{port: 80, name: web}]}}\n"
#define HTTP "{port: 80, name: http}"
#define ROUTE(name, parent, rules)                                         \
	"---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n" \
	"metadata: {name: " name "}\nspec:\n  parentRefs:\n"               \
	"  - {group: \"\", kind: Service, " parent "}\n  rules:\n" rules
#define TO_A "  - backendRefs: [{name: a, port: 80}]\n"

TEST(documents_that_fit_together_have_no_findings)
{
	assert_findings(ROUTE("r", "name: a, port: 80", TO_A) SERVICE("a", HTTP) WORKLOAD, "");
	assert_findings(ROUTE("r", "name: a, sectionName: http", TO_A) SERVICE("a", HTTP) WORKLOAD,
			"");
}

TEST(a_backend_that_does_not_exist_is_an_error_where_it_is_named)
{
	assert_findings(
		ROUTE("r", "name: aa", "  - backendRefs: [{name: ab, port: 80}]\n")
			SERVICE("aa", HTTP) WORKLOAD,
		"E ResolvedRefs BackendNotFound -1 a.yaml:9:26: spec.rules[0].backendRefs[0].name: "
		"there is no Service default/ab in HTTPRoute default/r (did you mean \"aa\"?) "
		"[WEFT1101]\n");
}

TEST(a_parent_that_does_not_exist_is_an_error)
{
	assert_findings(ROUTE("r", "name: reviews", TO_A) SERVICE("a", HTTP) WORKLOAD,
			"E Accepted NoMatchingParent 0 a.yaml:7:38: spec.parentRefs[0].name: there "
			"is no Service default/reviews in HTTPRoute default/r [WEFT1102]\n");
}

TEST(a_port_that_the_service_lacks_is_an_error_with_those_it_has)
{
	assert_findings(
		ROUTE("r", "name: a, port: 81", TO_A) SERVICE("a", HTTP) WORKLOAD,
		"E Accepted NoMatchingParent 0 a.yaml:7:47: spec.parentRefs[0].port: Service "
		"default/a has no port 81 in HTTPRoute default/r (it has 80 (http)) "
		"[WEFT1103]\n");
	assert_findings(ROUTE("r", "name: a", "  - backendRefs: [{name: a, port: 9}]\n")
				SERVICE("a", HTTP) WORKLOAD,
			"E ResolvedRefs BackendNotFound -1 a.yaml:9:35: "
			"spec.rules[0].backendRefs[0].port: Service default/a has no port 9 in "
			"HTTPRoute default/r (it has 80 (http)) [WEFT1103]\n");
}

TEST(a_route_on_a_tcp_port_names_the_flag)
{
	assert_findings(
		ROUTE("r", "name: a, port: 80", "  - {}\n") SERVICE("a", "{port: 80}") WORKLOAD,
		"E Accepted UnsupportedValue 0 a.yaml:7:47: spec.parentRefs[0].port: port 80 "
		"of Service default/a is tcp, and an HTTPRoute needs http in HTTPRoute "
		"default/r (start it with weft run --port 80/http, or write appProtocol: http "
		"in Service default/a) [WEFT1104]\n"
		"W - - -1 a.yaml:9:5: spec.rules[0]: the rule has no backendRefs and no "
		"RequestRedirect: every request is answered with 500 in HTTPRoute default/r "
		"[WEFT1109]\n");
	assert_findings(
		ROUTE("r", "name: a, port: 80", "  - backendRefs: [{name: b, port: 80}]\n")
			SERVICE("a", HTTP) SERVICE("b", "{port: 80, appProtocol: tcp}") WORKLOAD,
		"E ResolvedRefs UnsupportedProtocol -1 a.yaml:9:35: "
		"spec.rules[0].backendRefs[0].port: port 80 of Service default/b is tcp, and an "
		"HTTPRoute needs http in HTTPRoute default/r (if it is HTTP, start it "
		"with weft run --port 80/http, or write appProtocol: http in Service default/b) "
		"[WEFT1104]\n");
}

TEST(a_route_without_a_port_leaves_tcp_ports_alone)
{
	assert_findings(ROUTE("r", "name: a", TO_A)
				SERVICE("a", HTTP ", {port: 81, name: data, targetPort: 80}")
					WORKLOAD,
			"");
}

TEST(the_older_of_two_routes_with_the_same_match_wins)
{
	assert_findings(
		ROUTE("r1", "name: a", "  - name: main\n    backendRefs: [{name: a, port: 80}]\n")
			ROUTE("r2", "name: a, port: 80",
			      "  - matches: [{path: {value: /x}}, {path: {value: /}}]\n"
			      "    backendRefs: [{name: a, port: 80}]\n") SERVICE("a", HTTP)
				WORKLOAD,
		"W Conflicted OlderRouteWins 0 a.yaml:19:36: spec.rules[0].matches[1]: never "
		"reached: rule main of the older HTTPRoute default/r1 takes the same requests "
		"in HTTPRoute default/r2 [WEFT1105]\n");
}

TEST(a_match_that_stands_twice_in_a_route_is_reported_once)
{
	assert_findings(
		ROUTE("r", "name: a", TO_A TO_A)
			SERVICE("a", HTTP ", {port: 81, name: http-b, targetPort: 80}") WORKLOAD,
		"W - - 0 a.yaml:10:5: spec.rules[1]: never reached: rules[0] takes the same "
		"requests in HTTPRoute default/r [WEFT1105]\n");
}

TEST(weights_that_are_all_zero_are_a_warning)
{
	assert_findings(
		ROUTE("r", "name: a", "  - backendRefs: [{name: a, port: 80, weight: 0}]\n")
			SERVICE("a", HTTP) WORKLOAD,
		"W - - -1 a.yaml:9:18: spec.rules[0].backendRefs: all weights are zero: every "
		"request is answered with 500 in HTTPRoute default/r [WEFT1106]\n");
}

TEST(a_service_that_nothing_serves_is_a_warning)
{
	assert_findings(SERVICE("a", HTTP),
			"W - - -1 a.yaml:2:71: spec.selector: no workload has the labels of the "
			"selector in Service default/a [WEFT1107]\n");
	assert_findings(
		"{apiVersion: v1, kind: Service, metadata: {name: a},"
		" spec: {ports: [{port: 80}]}}\n",
		"W - - -1 a.yaml:1:60: spec: the Service has no selector: nothing serves it in "
		"Service default/a [WEFT1107]\n");
}

TEST(a_target_port_that_no_workload_has_is_a_warning)
{
	assert_findings(
		SERVICE("a", "{port: 80, targetPort: 8080}") WORKLOAD,
		"W - - -1 a.yaml:2:112: spec.ports[0].targetPort: Workload default/x has no "
		"port 8080 in Service default/a [WEFT1108]\n");
	assert_findings(SERVICE("a", "{port: 80, targetPort: web}") WORKLOAD, "");
	assert_findings(
		SERVICE("a", "{port: 80, targetPort: nope}") WORKLOAD,
		"W - - -1 a.yaml:2:112: spec.ports[0].targetPort: Workload default/x has no "
		"port named nope in Service default/a [WEFT1108]\n");
}
