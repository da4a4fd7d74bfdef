/*
 * Documents with a mistake: exactly what a person is told
 */

#include "fixture.h"

#define SERVICE "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n"
#define ROUTE                                                         \
	"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n" \
	"metadata: {name: a}\nspec:\n"                                \
	"  parentRefs: [{group: \"\", kind: Service, name: a}]\n"     \
	"  rules:\n"

TEST(an_unknown_field_comes_with_the_nearest_one)
{
	assert_refused(ROUTE "  - backendRefs: [{name: a, port: 80}]\n"
			     "    timout: {request: 2s}\n",
		       ERR_CONFIG,
		       "a.yaml:8:5: spec.rules[0].timout: unknown field \"timout\" in HTTPRoute "
		       "default/a (did you mean \"timeouts\"?) [WEFT1002]");
}

TEST(a_field_at_the_wrong_level_comes_with_the_right_one)
{
	assert_refused(
		ROUTE "  - backendRefs: [{name: a, port: 80}]\n"
		      "  timeouts: {request: 2s}\n",
		ERR_CONFIG,
		"a.yaml:8:3: spec.timeouts: unknown field \"timeouts\" in HTTPRoute default/a "
		"(it belongs in spec.rules[]) [WEFT1002]");
}

TEST(an_unknown_field_that_is_near_to_nothing_comes_with_all)
{
	assert_refused(SERVICE "  ports: [{port: 80, speed: 3}]\n", ERR_CONFIG,
		       "a.yaml:5:22: spec.ports[0].speed: unknown field \"speed\" in Service "
		       "default/a (fields here: name, port, targetPort, protocol, appProtocol) "
		       "[WEFT1002]");
}

TEST(a_missing_field_is_named)
{
	assert_refused(SERVICE "  ports:\n  - name: http\n", ERR_CONFIG,
		       "a.yaml:6:5: spec.ports[0]: \"port\" is missing in Service default/a "
		       "[WEFT1003]");
	assert_refused("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", ERR_CONFIG,
		       "a.yaml:1:1: \"spec\" is missing in Service default/a [WEFT1003]");
	assert_refused("kind: Service\n", ERR_CONFIG,
		       "a.yaml:1:1: \"apiVersion\" is missing [WEFT1003]");
	assert_refused(
		SERVICE "  ports: []\n", ERR_CONFIG,
		"a.yaml:5:10: spec.ports: ports needs at least one entry in Service default/a "
		"[WEFT1003]");
}

TEST(a_value_of_the_wrong_kind_comes_with_how_to_write_it)
{
	assert_refused(
		SERVICE "  ports: [{port: \"80\"}]\n", ERR_CONFIG,
		"a.yaml:5:18: spec.ports[0].port: expected a number, found the text \"80\" in "
		"Service default/a (write 80 without quotes) [WEFT1004]");
	assert_refused("apiVersion: v1\nkind: Service\nmetadata: {name: 12}\n", ERR_CONFIG,
		       "a.yaml:3:18: metadata.name: expected text, found the number 12 (write "
		       "\"12\") [WEFT1004]");
	assert_refused(SERVICE "  ports: {port: 80}\n", ERR_CONFIG,
		       "a.yaml:5:10: spec.ports: expected a list, found a mapping in Service "
		       "default/a [WEFT1004]");
	assert_refused(
		SERVICE "  ports:\n", ERR_CONFIG,
		"a.yaml:5:9: spec.ports: expected a list, found nothing in Service default/a "
		"[WEFT1004]");
	assert_refused(
		ROUTE "  - timeouts: {request: 2}\n", ERR_CONFIG,
		"a.yaml:7:25: spec.rules[0].timeouts.request: a duration needs a unit, found "
		"2 in HTTPRoute default/a (write 2s for seconds, 2ms for milliseconds) "
		"[WEFT1004]");
	assert_refused(
		"- 1\n", ERR_CONFIG,
		"a.yaml:1:1: a document is a mapping with apiVersion, kind, metadata and spec, "
		"and this is a list [WEFT1004]");
}

TEST(a_word_that_is_no_choice_comes_with_the_choices)
{
	assert_refused(
		ROUTE "  - matches: [{path: {type: Prefix, value: /}}]\n", ERR_CONFIG,
		"a.yaml:7:29: spec.rules[0].matches[0].path.type: type is none of PathPrefix, "
		"Exact: \"Prefix\" in HTTPRoute default/a [WEFT1005]");
	assert_refused(
		ROUTE "  - matches: [{path: {type: exact, value: /}}]\n", ERR_CONFIG,
		"a.yaml:7:29: spec.rules[0].matches[0].path.type: type is none of PathPrefix, "
		"Exact: \"exact\" in HTTPRoute default/a (did you mean \"Exact\"?) [WEFT1005]");
	assert_refused(
		ROUTE "  - filters:\n"
		      "    - {type: RequestRedirect, requestRedirect: {statusCode: 300}}\n",
		ERR_CONFIG,
		"a.yaml:8:61: spec.rules[0].filters[0].requestRedirect.statusCode: statusCode "
		"is none of 301, 302, 303, 307, 308: 300 in HTTPRoute default/a [WEFT1005]");
}

TEST(a_value_that_is_not_allowed_comes_with_the_rule)
{
	assert_refused("apiVersion: v1\nkind: Service\nmetadata: {name: Reviews}\nspec: {}\n",
		       ERR_CONFIG,
		       "a.yaml:3:18: metadata.name: \"Reviews\" is not a DNS label (lower-case "
		       "letters, digits and -, at most 63) in Service default/Reviews [WEFT1006]");
	assert_refused(SERVICE "  ports: [{port: 70000}]\n", ERR_CONFIG,
		       "a.yaml:5:18: spec.ports[0].port: 70000 is more than 65535 in Service "
		       "default/a [WEFT1006]");
	assert_refused(SERVICE "  ports: [{port: 0}]\n", ERR_CONFIG,
		       "a.yaml:5:18: spec.ports[0].port: 0 is less than 1 in Service default/a "
		       "[WEFT1006]");
	assert_refused(
		ROUTE "  - matches: [{path: {value: /a/../b}}]\n", ERR_CONFIG,
		"a.yaml:7:30: spec.rules[0].matches[0].path.value: \"/a/../b\" is not a path "
		"(begins with /, without //, /./, /../ or %2F) in HTTPRoute default/a "
		"[WEFT1006]");
	assert_refused(ROUTE "  - timeouts: {request: 1.5s}\n", ERR_CONFIG,
		       "a.yaml:7:25: spec.rules[0].timeouts.request: \"1.5s\" is not a duration "
		       "(whole numbers with h, m, s or ms: 1h30m, 500ms) in HTTPRoute default/a "
		       "[WEFT1006]");
	assert_refused("apiVersion: weft.dev/v1alpha1\nkind: MeshConfig\n"
		       "metadata: {name: other}\nspec: {}\n",
		       ERR_CONFIG,
		       "a.yaml:3:18: metadata.name: there is one MeshConfig, and its name is "
		       "\"default\" in MeshConfig other [WEFT1006]");
}

TEST(what_later_versions_bring_is_refused_by_name)
{
	assert_refused(ROUTE "  - matches: [{path: {type: RegularExpression, value: /}}]\n",
		       ERR_UNSUPPORTED,
		       "a.yaml:7:29: spec.rules[0].matches[0].path.type: type RegularExpression is "
		       "not supported by this version in HTTPRoute default/a (write Exact or "
		       "PathPrefix; regular expressions come with a later version) [WEFT1008]");
	assert_refused(ROUTE "  - filters: [{type: RequestMirror}]\n", ERR_UNSUPPORTED,
		       "a.yaml:7:22: spec.rules[0].filters[0].type: type RequestMirror is not "
		       "supported by this version in HTTPRoute default/a (mirroring comes with a "
		       "later version) [WEFT1008]");
	assert_refused(
		ROUTE "  - sessionPersistence: {}\n", ERR_UNSUPPORTED,
		"a.yaml:7:5: spec.rules[0].sessionPersistence: sessionPersistence is not "
		"supported by this version in HTTPRoute default/a (requests are balanced one "
		"by one) [WEFT1008]");
	assert_refused("apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\n",
		       ERR_UNSUPPORTED,
		       "a.yaml:2:7: kind: the kind GRPCRoute is not supported by this version "
		       "[WEFT1008]");
	assert_refused(SERVICE "  ports: [{port: 80, appProtocol: grpc}]\n", ERR_UNSUPPORTED,
		       "a.yaml:5:35: spec.ports[0].appProtocol: the protocol grpc is not supported "
		       "by this version in Service default/a (write appProtocol: http, or "
		       "appProtocol: tcp to pass it through) [WEFT1008]");
}

TEST(a_parent_that_is_a_gateway_by_default_is_explained)
{
	assert_refused(
		"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
		"metadata: {name: a}\nspec:\n  parentRefs:\n  - name: reviews\n"
		"  rules: [{}]\n",
		ERR_UNSUPPORTED,
		"a.yaml:6:5: spec.parentRefs[0]: the parent is a Gateway of group "
		"gateway.networking.k8s.io, and only Services are supported by this version in "
		"HTTPRoute default/a (write group: \"\" and kind: Service) [WEFT1008]");
}

TEST(an_unknown_kind_comes_with_the_nearest_one)
{
	assert_refused("apiVersion: v1\nkind: Servise\n", ERR_CONFIG,
		       "a.yaml:2:7: kind: unknown kind \"Servise\" (did you mean \"Service\"?) "
		       "[WEFT1009]");
	assert_refused("apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\n",
		       ERR_CONFIG,
		       "a.yaml:1:13: apiVersion: HTTPRoute is not of apiVersion "
		       "\"gateway.networking.k8s.io/v1beta1\" (write apiVersion: "
		       "gateway.networking.k8s.io/v1) [WEFT1009]");
}

TEST(the_same_twice_is_refused_with_the_first_place)
{
	assert_refused(SERVICE "  ports:\n  - {name: a, port: 80}\n  - {name: b, port: 80}\n",
		       ERR_CONFIG,
		       "a.yaml:7:21: spec.ports[1].port: port \"80\" stands at line 6 already in "
		       "Service default/a [WEFT1010]");
	assert_refused(ROUTE "  - {name: one}\n  - {name: two}\n  - {name: one}\n", ERR_CONFIG,
		       "a.yaml:9:12: spec.rules[2].name: name \"one\" stands at line 7 already in "
		       "HTTPRoute default/a [WEFT1010]");
	assert_refused(
		ROUTE "  - matches:\n    - headers:\n      - {name: a, value: b}\n"
		      "      - {name: A, value: c}\n",
		ERR_CONFIG,
		"a.yaml:10:9: spec.rules[0].matches[0].headers[1]: header \"A\" stands at line "
		"9 already in HTTPRoute default/a [WEFT1010]");
	assert_refused(SERVICE "  ports: [{port: 80}]\n---\n" SERVICE "  ports: [{port: 81}]\n",
		       ERR_CONFIG,
		       "a.yaml:7:1: Service default/a stands at a.yaml, line 1 already [WEFT1013]");
}

TEST(fields_that_exclude_each_other_are_refused)
{
	assert_refused(ROUTE "  - filters:\n"
			     "    - {type: RequestRedirect, requestRedirect: {hostname: b}}\n"
			     "    backendRefs: [{name: a, port: 80}]\n",
		       ERR_CONFIG,
		       "a.yaml:9:5: spec.rules[0].backendRefs: backendRefs do not go together with "
		       "RequestRedirect in HTTPRoute default/a [WEFT1011]");
	assert_refused(
		ROUTE "  - timeouts: {request: 1s, backendRequest: 2s}\n", ERR_CONFIG,
		"a.yaml:7:45: spec.rules[0].timeouts.backendRequest: backendRequest is longer "
		"than request in HTTPRoute default/a [WEFT1011]");
	assert_refused(
		ROUTE "  - filters:\n"
		      "    - {type: URLRewrite, requestRedirect: {hostname: b}}\n",
		ERR_CONFIG,
		"a.yaml:8:26: spec.rules[0].filters[0].requestRedirect: requestRedirect does "
		"not go together with type URLRewrite in HTTPRoute default/a [WEFT1011]");
	assert_refused(
		"apiVersion: weft.dev/v1alpha1\nkind: MeshConfig\n"
		"metadata: {name: default, namespace: shop}\nspec: {}\n",
		ERR_CONFIG,
		"a.yaml:3:27: metadata.namespace: MeshConfig holds for the whole mesh and has "
		"no namespace in MeshConfig default [WEFT1011]");
}

TEST(text_that_does_not_parse_or_is_ambiguous_has_a_code_too)
{
	assert_refused(
		"a: [\n", ERR_SYNTAX,
		"a.yaml:2:1: did not find expected node content while parsing a flow node that "
		"began at line 2 [WEFT1001]");
	assert_refused("kind: no\n", ERR_CONFIG,
		       "a.yaml:1:7: no without quotes means different things to different YAML "
		       "readers (write false, or \"no\" for the text) [WEFT1012]");
	assert_refused("kind: a\nkind: b\n", ERR_CONFIG,
		       "a.yaml:2:1: duplicate key \"kind\": it stands at line 1, column 1 already "
		       "[WEFT1012]");
}

TEST(headers_that_frame_a_message_are_not_edited)
{
	assert_refused(
		ROUTE "  - filters:\n"
		      "    - type: RequestHeaderModifier\n"
		      "      requestHeaderModifier: {set: [{name: Host, value: b}]}\n",
		ERR_CONFIG,
		"a.yaml:9:44: spec.rules[0].filters[0].requestHeaderModifier.set[0].name: the "
		"header Host cannot be edited in HTTPRoute default/a (use the filter "
		"URLRewrite with hostname) [WEFT1006]");
	assert_refused(
		ROUTE "  - filters:\n"
		      "    - type: ResponseHeaderModifier\n"
		      "      responseHeaderModifier: {remove: [x, Content-Length]}\n",
		ERR_CONFIG,
		"a.yaml:9:44: spec.rules[0].filters[0].responseHeaderModifier.remove[1]: the "
		"header Content-Length cannot be edited in HTTPRoute default/a (it belongs to "
		"the connection) [WEFT1006]");
}

TEST(a_rewrite_of_a_prefix_needs_one_prefix)
{
	assert_refused(ROUTE "  - matches: [{path: {value: /a}}, {path: {value: /b}}]\n"
			     "    filters:\n"
			     "    - type: URLRewrite\n"
			     "      urlRewrite:\n"
			     "        path: {type: ReplacePrefixMatch, replacePrefixMatch: /c}\n",
		       ERR_CONFIG,
		       "a.yaml:11:15: spec.rules[0].filters[0].urlRewrite.path: ReplacePrefixMatch "
		       "needs exactly one match in the rule, and that of type PathPrefix in "
		       "HTTPRoute default/a [WEFT1011]");
}

TEST(an_item_of_a_list_is_named_by_its_place)
{
	assert_refused(
		"apiVersion: v1\nkind: List\nitems:\n"
		"- {apiVersion: v1, kind: Service, metadata: {name: a},"
		" spec: {ports: [{port: 1}]}}\n"
		"- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {prts: []}}\n",
		ERR_CONFIG,
		"a.yaml:5:63: items[1].spec.prts: unknown field \"prts\" in Service default/b "
		"(did you mean \"ports\"?) [WEFT1002]");
}
