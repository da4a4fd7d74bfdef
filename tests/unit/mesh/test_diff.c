#include "fixture.h"

static void assert_diff(const char *before, const char *after, const char *expected)
{
	struct fixture a = { 0 };
	struct fixture b = { 0 };
	struct buf out = BUF_INIT(0);
	struct differences found =
		document_diff(fixture_one(&a, before), fixture_one(&b, after), &a.pool);

	for (uint32_t i = 0; i < found.count; i++) {
		buf_printf(&out, "%.*s: ", STR_ARGS(found.items[i].path));
		difference_value(found.items[i].before, &out);
		buf_append_str(&out, STR(" > "));
		difference_value(found.items[i].after, &out);
		buf_append_char(&out, '\n');
	}
	assert_str_equal(buf_str(&out), expected);
	buf_fini(&out);
	fixture_fini(&a);
	fixture_fini(&b);
}

#define ROUTE                                                         \
	"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n" \
	"metadata: {name: a}\nspec:\n"                                \
	"  parentRefs: [{group: \"\", kind: Service, name: a}]\n"

TEST(a_shifted_weight_is_named_by_rule_and_backend)
{
	assert_diff(ROUTE "  rules:\n  - name: main\n    backendRefs:\n"
			  "    - {name: a-v1, port: 80, weight: 90}\n"
			  "    - {name: a-v2, port: 80, weight: 10}\n",
		    ROUTE "  rules:\n  - name: main\n    backendRefs:\n"
			  "    - {name: a-v1, port: 80, weight: 75}\n"
			  "    - {name: a-v2, port: 80}\n",
		    "rules[main].backendRefs[a-v1].weight: 90 > 75\n"
		    "rules[main].backendRefs[a-v2].weight: 10 > -\n");
}

TEST(added_and_removed_entries_are_shown_whole)
{
	assert_diff(ROUTE "  rules:\n  - {name: a}\n  - {name: b, timeouts: {request: 1s}}\n",
		    ROUTE "  rules:\n  - {name: c, retry: {codes: [503]}}\n  - {name: a}\n",
		    "rules[b]: {\"name\":\"b\",\"timeouts\":{\"request\":\"1s\"}} > -\n"
		    "rules[c]: - > {\"name\":\"c\",\"retry\":{\"codes\":[503]}}\n");
}

TEST(another_order_is_a_difference)
{
	assert_diff(ROUTE "  rules: [{name: a}, {name: b}]\n",
		    ROUTE "  rules: [{name: b}, {name: a}]\n",
		    "rules (order): [\"a\",\"b\"] > [\"b\",\"a\"]\n");
}

TEST(entries_without_names_are_paired_by_place)
{
	assert_diff(ROUTE "  rules: [{timeouts: {request: 1s}}, {}]\n",
		    ROUTE "  rules: [{timeouts: {request: 2s}}]\n",
		    "rules[0].timeouts.request: 1s > 2s\n"
		    "rules[1]: {} > -\n");
}

TEST(labels_and_lists_of_values_have_differences)
{
	assert_diff("apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {x: \"1\", w: b}}\n"
		    "spec: {ports: [{port: 80}]}\n",
		    "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {x: \"2\", z: c}}\n"
		    "spec: {ports: [{port: 80, name: \"http\"}], selector: {app: a}}\n",
		    "metadata.labels.w: b > -\n"
		    "metadata.labels.x: 1 > 2\n"
		    "metadata.labels.z: - > c\n"
		    "selector: - > {\"app\":\"a\"}\n"
		    "ports[80].name: - > http\n");
}

TEST(other_spellings_of_the_same_are_no_difference)
{
	assert_diff(ROUTE
		    "  rules: [{timeouts: {request: 1500ms}, filters: []}]\n  hostnames: []\n",
		    "metadata: {namespace: default, name: a, uid: x}\nkind: HTTPRoute\n"
		    "apiVersion: gateway.networking.k8s.io/v1\n"
		    "spec:\n  rules: [{timeouts: {request: 1s500ms}}]\n"
		    "  parentRefs: [{name: a, kind: Service, group: \"\"}]\n",
		    "");
}
