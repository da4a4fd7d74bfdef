/* The API over a real Unix socket, with a real store: requests, answers, errors to the byte. */

#include "control/api.h"

#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#include "house.h"

#define STATUS(code, reason, message, details)                                             \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":" code \
	",\"reason\":\"" reason "\",\"message\":\"" message "\",\"details\":{" details "}}"

#define SHOP "/api/v1/namespaces/shop/services/"

static const struct {
	const char *method, *path, *body;
	uint16_t status;
	const char *answer;
} wrong[] = {
	{ "GET", "/nowhere", NULL, 404, STATUS("404", "NotFound", "there is no such path", "") },
	{ "POST", "/healthz", NULL, 405,
	  STATUS("405", "MethodNotAllowed", "this path takes GET", "") },
	{ "POST", "/apply?dryrun=true", "{}", 400,
	  STATUS("400", "BadRequest", "this request takes no parameter \\\"dryrun\\\"",
		 "\"hint\":\"did you mean \\\"dryRun\\\"?\"") },
	{ "POST", "/apply?dryRun=1", "{}", 400,
	  STATUS("400", "BadRequest", "the parameter \\\"dryRun\\\" is true or false", "") },
	{ "POST", "/apply?dryRun", "{}", 400,
	  STATUS("400", "BadRequest", "the parameter \\\"dryRun\\\" is true or false", "") },
	{ "POST", "/apply?dryRun=true&dryRun=false", "{}", 400,
	  STATUS("400", "BadRequest", "the parameter \\\"dryRun\\\" stands twice", "") },
	{ "POST", "/apply?dryRun=%zz", "{}", 400,
	  STATUS("400", "BadRequest",
		 "the parameter \\\"dryRun\\\" is not encoded as a part of a URL", "") },
	{ "POST", "/apply?namespace=a%2Fb", "{}", 400,
	  STATUS("400", "BadRequest", "namespace= is not the name of a namespace", "") },
	{ "GET", "/healthz", "body", 400,
	  STATUS("400", "BadRequest", "this request takes no body", "") },
	{ "POST", "/apply", "nonsense", 400,
	  STATUS("400", "BadRequest", "expected a value, found 'n'", "\"line\":1,\"column\":1") },
	{ "POST", "/apply", "[]", 422,
	  STATUS("422", "Invalid",
		 "a document is a mapping with apiVersion, kind, metadata and spec, "
		 "and this is a list",
		 "\"code\":\"WEFT1004\",\"line\":1,\"column\":1") },
	{ "GET", "/api/v1/namespaces/shop/pods/x", NULL, 404,
	  STATUS("404", "NotFound", "there is no such kind of object", "") },
	{ "GET", SHOP "reviews", NULL, 404,
	  STATUS("404", "NotFound", "there is no Service shop/reviews", "") },
	{ "DELETE", SHOP "reviews", NULL, 404,
	  STATUS("404", "NotFound", "there is no Service shop/reviews", "") },
	{ "DELETE", "/apis/weft.dev/v1alpha1/meshconfigs/default", NULL, 404,
	  STATUS("404", "NotFound", "there is no MeshConfig default", "") },
	{ "DELETE", SHOP "reviews/status", NULL, 405,
	  STATUS("405", "MethodNotAllowed", "status is written by the control plane alone", "") },
	{ "PUT", "/api/v1/namespaces/shop/services", "{}", 405,
	  STATUS("405", "MethodNotAllowed", "a list is read here; POST /apply takes many documents",
		 "") },
	{ "PUT", SHOP "ratings", SERVICE_JSON("reviews"), 422,
	  STATUS("422", "Invalid", "the document is not the object of the path", "") },
	{ "GET", "/api/v1/services?limit=-1", NULL, 400,
	  STATUS("400", "BadRequest", "limit= is a number up to 10000", "") },
	{ "GET", "/api/v1/services?limit=10001", NULL, 400,
	  STATUS("400", "BadRequest", "limit= is a number up to 10000", "") },
	{ "GET", SHOP "reviews?limit=1", NULL, 400,
	  STATUS("400", "BadRequest", "one object has no pages", "") },
	{ "GET", "/api/v1/services?continue=reviews", NULL, 400,
	  STATUS("400", "BadRequest", "continue= is not what a page before said",
		 "\"hint\":\"take it from metadata.continue, and leave the path as it was\"") },
	{ "GET", "/weft/v1/history?limit=many", NULL, 400,
	  STATUS("400", "BadRequest", "limit= is a number up to 10000", "") },
	{ "GET", "/weft/v1/revisions/last", NULL, 404,
	  STATUS("404", "NotFound", "a revision is a number", "") },
	{ "GET", "/weft/v1/revisions/7", NULL, 404,
	  STATUS("404", "NotFound", "there is no revision 7", "") },
	{ "POST", "/weft/v1/rollback", NULL, 400,
	  STATUS("400", "BadRequest", "to= must be the number of a revision", "") },
	{ "POST", "/weft/v1/rollback?to=7", NULL, 404,
	  STATUS("404", "NotFound", "there is no revision 7", "") },
	{ "POST", "/weft/v1/backup?path=relative", NULL, 400,
	  STATUS("400", "BadRequest", "path= must be an absolute path", "") },
	{ "POST", "/weft/v1/backup?path=/tmp/a%00b", NULL, 400,
	  STATUS("400", "BadRequest", "path= must be an absolute path", "") },
	{ "GET", "/weft/v1/stat?window=6m", NULL, 422,
	  STATUS("422", "Invalid", "window is a duration from 5s to 5m, or all", "") },
	{ "GET", "/weft/v1/stat?window=4s", NULL, 422,
	  STATUS("422", "Invalid", "window is a duration from 5s to 5m, or all", "") },
	{ "GET", "/weft/v1/stat?by=colour", NULL, 422,
	  STATUS("422", "Invalid", "by is service, version or peer", "") },
};

TEST(what_is_asked_wrongly_is_told_exactly)
{
	struct house h;

	house_open(&h);
	for (size_t i = 0; i < array_count(wrong); i++) {
		char *expected = mem_printf("%s\n", wrong[i].answer);

		house_ask(&h, wrong[i].method, wrong[i].path, wrong[i].body);
		assert_string_equal(h.body, expected);
		assert_int_equal(h.status, wrong[i].status);
		mem_free(expected);
	}
	house_close(&h);
}

TEST(a_path_names_the_methods_that_it_takes)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "PATCH", SHOP "reviews", NULL);
	assert_int_equal(h.status, 405);
	assert_string_equal(h.allow, "GET, PUT, DELETE");
	house_ask(&h, "HEAD", "/healthz", NULL);
	assert_int_equal(h.status, 200);
	assert_string_equal(h.body, "");
	house_close(&h);
}

TEST(what_is_applied_is_answered_with_the_plan_and_its_revision)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/apply",
		  LIST_JSON(SERVICE_JSON("reviews") "," SERVICE_JSON("ratings")));
	assert_answer(&h, 200,
		      "{\"kind\":\"Change\",\"dryRun\":false,\"revision\":1,\"previous\":0,"
		      "\"created\":2,\"changed\":0,\"deleted\":0,\"unchanged\":0,\"warnings\":["
		      "{\"document\":\"Service shop/ratings\",\"code\":\"WEFT1107\","
		      "\"text\":\"no workload has the labels of the selector\"},"
		      "{\"document\":\"Service shop/reviews\",\"code\":\"WEFT1107\","
		      "\"text\":\"no workload has the labels of the selector\"}],\"objects\":["
		      "{\"kind\":\"Service\",\"namespace\":\"shop\",\"name\":\"reviews\","
		      "\"action\":\"created\",\"differences\":[]},"
		      "{\"kind\":\"Service\",\"namespace\":\"shop\",\"name\":\"ratings\","
		      "\"action\":\"created\",\"differences\":[]}]}");
	/* One document needs no list. */
	house_ask(&h, "POST", "/apply",
		  "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"reviews\","
		  "\"namespace\":\"shop\"},\"spec\":{\"selector\":{\"app\":\"critics\"},"
		  "\"ports\":[{\"name\":\"http\",\"port\":9080,\"appProtocol\":\"http\"}]}}");
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "revision"), "2");
	assert_string_equal(house_text(&h, "previous"), "1");
	assert_string_equal(house_text(&h, "objects[0].action"), "changed");
	assert_string_equal(house_text(&h, "objects[0].differences[0].path"), "selector.app");
	assert_string_equal(house_text(&h, "objects[0].differences[0].before"), "reviews");
	assert_string_equal(house_text(&h, "objects[0].differences[0].after"), "critics");
	house_close(&h);
}

TEST(an_error_in_a_list_is_told_by_its_place_there)
{
	struct house h;

	house_open(&h);
	/* In one document… */
	house_ask(&h, "POST", "/apply",
		  LIST_JSON(SERVICE_JSON("a") "," SERVICE_JSON("b") "," SERVICE_JSON(
			  "c") ","
			       "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			       "\"d\"},\"spec\":{\"selctor\":{},\"ports\":[{\"port\":1}]}}"));
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "details.code"), "WEFT1002");
	assert_string_equal(house_text(&h, "details.path"), "items[3].spec.selctor");
	assert_string_equal(house_text(&h, "details.hint"), "did you mean \"selector\"?");
	/* …and in one beside the others. */
	house_ask(&h, "POST", "/apply",
		  LIST_JSON(SERVICE_JSON("reviews") "," ROUTE_JSON("reviews-v9")));
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "details.code"), "WEFT1101");
	assert_string_equal(house_text(&h, "details.path"),
			    "items[1].spec.rules[0].backendRefs[0].name");
	/* The same twice. */
	house_ask(&h, "POST", "/apply", LIST_JSON(SERVICE_JSON("a") "," SERVICE_JSON("a")));
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "message"), "Service shop/a stands twice");
	assert_string_equal(house_text(&h, "details.path"), "items[1]");
	/* Alone, it has the path of the document. */
	house_ask(&h, "POST", "/apply", ROUTE_JSON("reviews-v9"));
	assert_string_equal(house_text(&h, "details.path"), "spec.parentRefs[0].name");
	house_ask(&h, "GET", "/weft/v1/info", NULL);
	assert_string_equal(house_text(&h, "revision"), "0");
	house_close(&h);
}

TEST(a_list_is_read_strictly)
{
	static const struct {
		const char *body, *code, *message;
	} cases[] = {
		{ "{\"kind\":\"List\"}", "WEFT1003",
		  "a List has the documents in \"items\", a list" },
		{ "{\"kind\":\"List\",\"items\":{}}", "WEFT1003",
		  "a List has the documents in \"items\", a list" },
		{ "{\"kind\":\"List\",\"items\":[],\"dryRun\":true}", "WEFT1002",
		  "unknown field \"dryRun\" in a List" },
		{ "{\"items\":[]}", "WEFT1003", NULL },
		{ "{\"kind\":\"List\",\"deletions\":\"all\"}", "WEFT1003",
		  "\"deletions\" is a list of the paths of objects" },
		{ "{\"kind\":\"List\",\"deletion\":[]}", "WEFT1002",
		  "unknown field \"deletion\" in a List" },
	};
	struct house h;

	house_open(&h);
	for (size_t i = 0; i < array_count(cases); i++) {
		house_ask(&h, "POST", "/apply", cases[i].body);
		assert_int_equal(h.status, 422);
		if (cases[i].message)
			assert_string_equal(house_text(&h, "message"), cases[i].message);
		assert_string_equal(house_text(&h, "details.code"), cases[i].code);
	}
	house_ask(&h, "POST", "/apply", "{\"kind\":\"List\",\"items\":[]}");
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "revision"), "0");
	house_close(&h);
}

TEST(a_dry_run_says_all_and_changes_nothing)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/apply?dryRun=true", SERVICE_JSON("reviews"));
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "dryRun"), "true");
	assert_string_equal(house_text(&h, "created"), "1");
	assert_string_equal(house_text(&h, "revision"), "0");
	assert_string_equal(house_text(&h, "warnings[0].code"), "WEFT1107");
	house_ask(&h, "PUT", SHOP "reviews?dryRun=true", SERVICE_JSON("reviews"));
	assert_answer(&h, 201, SERVICE_JSON("reviews"));
	assert_int_equal(house_ask(&h, "GET", SHOP "reviews", NULL), 404);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "DELETE", SHOP "reviews?dryRun=true", NULL);
	assert_answer(&h, 200,
		      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Success\","
		      "\"revision\":0}");
	assert_int_equal(house_ask(&h, "GET", SHOP "reviews", NULL), 200);
	/* A dry run that would fail fails. */
	assert_int_equal(house_ask(&h, "POST", "/apply?dryRun=true", ROUTE_JSON("none")), 422);
	house_close(&h);
}

TEST(a_reference_to_nothing_can_be_allowed_and_is_told)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "POST", "/apply?allowDangling=true", ROUTE_JSON("later"));
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "warnings[0].text"), "there is no Service shop/later");
	house_ask(&h, "GET",
		  "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/reviews", NULL);
	assert_string_equal(house_text(&h, "status.parents[0].conditions[1].type"), "ResolvedRefs");
	assert_string_equal(house_text(&h, "status.parents[0].conditions[1].status"), "False");
	assert_string_equal(house_text(&h, "status.parents[0].conditions[1].reason"),
			    "BackendNotFound");
	house_ask(&h, "GET", "/weft/v1/status", NULL);
	assert_string_equal(house_text(&h, "findings[1].severity"), "error");
	assert_string_equal(house_text(&h, "findings[1].document"), "HTTPRoute shop/reviews");
	/* It heals when the Service appears. */
	house_apply(&h, SERVICE_JSON("later"));
	house_ask(&h, "GET",
		  "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/reviews", NULL);
	assert_string_equal(house_text(&h, "status.parents[0].conditions[1].status"), "True");
	house_close(&h);
}

TEST(an_object_is_shown_with_its_status)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "GET", SHOP "reviews", NULL);
	assert_answer(&h, 200,
		      "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
		      "\"reviews\",\"namespace\":\"shop\",\"resourceVersion\":\"1\"},\"spec\":{"
		      "\"selector\":{\"app\":\"reviews\"},\"ports\":[{\"name\":\"http\",\"port\":"
		      "9080,\"appProtocol\":\"http\"}]},\"status\":{\"conditions\":["
		      "{\"type\":\"Accepted\",\"status\":\"True\",\"reason\":\"Accepted\"},"
		      "{\"type\":\"ResolvedRefs\",\"status\":\"True\",\"reason\":\"ResolvedRefs\"},"
		      "{\"type\":\"Programmed\",\"status\":\"True\",\"reason\":\"Programmed\","
		      "\"message\":\"0 of 0 proxies\"}],\"programmed\":{\"ready\":0,\"of\":0,"
		      "\"revision\":1},\"origin\":\"applied\",\"virtualAddress\":\"240.240.237.16\""
		      "}}");
	/* What was got can be put back: it is the same. */
	{
		char *got = mem_strdup(h.body);

		house_ask(&h, "POST", "/apply", got);
		assert_string_equal(house_text(&h, "unchanged"), "1");
		mem_free(got);
	}
	house_close(&h);
}

TEST(objects_are_listed_by_kind_and_namespace)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("b") "," SERVICE_JSON(
				"a") ","
				     "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{"
				     "\"name\":\"c\"},"
				     "\"spec\":{\"ports\":[{\"port\":1}]}}");
	house_ask(&h, "GET", "/api/v1/services", NULL);
	assert_string_equal(house_text(&h, "kind"), "List");
	assert_string_equal(house_text(&h, "metadata.resourceVersion"), "1");
	assert_string_equal(house_text(&h, "items[0].metadata.namespace"), "default");
	assert_string_equal(house_text(&h, "items[1].metadata.name"), "a");
	assert_string_equal(house_text(&h, "items[2].metadata.name"), "b");
	house_ask(&h, "GET", "/api/v1/namespaces/shop/services", NULL);
	assert_string_equal(house_text(&h, "items[0].metadata.name"), "a");
	assert_null(house_text(&h, "items[2].metadata.name"));
	house_ask(&h, "GET", "/api/v1/namespaces/empty/services", NULL);
	assert_answer(&h, 200,
		      "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":"
		      "\"1\"},\"items\":[]}");
	house_close(&h);
}

TEST(an_object_is_put_and_deleted_alone)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "PUT", SHOP "reviews", SERVICE_JSON("reviews"));
	assert_int_equal(h.status, 201);
	assert_string_equal(house_text(&h, "metadata.resourceVersion"), "1");
	house_ask(&h, "PUT", SHOP "reviews", SERVICE_JSON("reviews"));
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "metadata.resourceVersion"), "1");
	house_ask(&h, "DELETE", SHOP "reviews", NULL);
	assert_string_equal(house_text(&h, "revision"), "2");
	assert_int_equal(house_ask(&h, "GET", SHOP "reviews", NULL), 404);
	house_close(&h);
}

TEST(a_change_to_an_older_version_is_a_conflict)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("ratings"));
	house_register(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "GET", SHOP "reviews", NULL);
	/* What programs registered and what people applied are counted apart, and never equal. */
	assert_string_equal(house_text(&h, "metadata.resourceVersion"), "r2");
	house_ask(&h, "POST", "/apply",
		  LIST_JSON("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			    "\"reviews\",\"namespace\":\"shop\",\"resourceVersion\":\"2\"},"
			    "\"spec\":{\"ports\":[{\"port\":1}]}}"));
	assert_answer(
		&h, 409,
		STATUS("409", "Conflict",
		       "Service shop/reviews was changed since resourceVersion 2 was read",
		       "\"path\":\"items[0]\",\"hint\":\"get it again and apply the change to "
		       "that\""));
	house_ask(&h, "POST", "/apply",
		  LIST_JSON("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			    "\"reviews\",\"namespace\":\"shop\",\"resourceVersion\":\"r2\"},"
			    "\"spec\":{\"ports\":[{\"port\":1}]}}"));
	assert_int_equal(h.status, 200);
	house_close(&h);
}

TEST(others_may_read_and_not_write)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_peer_is(geteuid() + 4711);
	assert_int_equal(house_ask(&h, "GET", SHOP "reviews", NULL), 200);
	house_ask(&h, "DELETE", SHOP "reviews", NULL);
	assert_answer(&h, 403,
		      STATUS("403", "Forbidden",
			     "only root and the user of the control plane may change things",
			     "\"hint\":\"run the command as that user\""));
	assert_int_equal(house_ask(&h, "POST", "/apply", SERVICE_JSON("reviews")), 403);
	assert_int_equal(house_ask(&h, "POST", "/weft/v1/register", SERVICE_JSON("x")), 403);
	assert_int_equal(house_ask(&h, "POST", "/weft/v1/rollback?to=0", NULL), 403);
	assert_int_equal(house_ask(&h, "POST", "/weft/v1/backup?path=/tmp/x", NULL), 403);
	house_peer_is(geteuid());
	house_ask(&h, "GET", "/metrics", NULL);
	assert_non_null(strstr(h.body, "# HELP weft_control_api_refused_total Requests to the API "
				       "that the caller had no right to.\n"
				       "# TYPE weft_control_api_refused_total counter\n"
				       "weft_control_api_refused_total 5\n"));
	house_close(&h);
}

#define NAMELESS                                                                       \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\"}," \
	"\"spec\":{\"ports\":[{\"port\":1}]}}"

TEST(a_namespace_of_the_request_outlives_it)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/apply?namespace=shop", NAMELESS);
	assert_int_equal(h.status, 200);
	house_ask(&h, "GET", "/healthz", NULL);
	house_ask(&h, "DELETE", SHOP "web", NULL);
	assert_int_equal(h.status, 200);
	house_ask(&h, "PUT", SHOP "web", NAMELESS);
	assert_int_equal(h.status, 201);
	house_ask(&h, "GET", "/healthz", NULL);
	house_ask(&h, "DELETE", SHOP "web", NULL);
	assert_int_equal(h.status, 200);
	house_close(&h);
}
