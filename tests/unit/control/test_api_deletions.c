/* POST /apply that deletes: one transaction with what it writes, or without. */

#include "control/api.h"

#include "house.h"

#define SERVICE_PATH(name)  "/api/v1/namespaces/shop/services/" name
#define WORKLOAD_PATH(name) "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/" name
#define ROUTE_PATH          "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/reviews"

#define CHANGE(items, deletions) \
	"{\"kind\":\"List\",\"items\":[" items "],\"deletions\":[" deletions "]}"
#define QUOTED(path) "\"" path "\""

static void assert_change(struct house *h, const char *revision, const char *previous,
			  const char *created, const char *deleted)
{
	assert_int_equal(h->status, 200);
	assert_string_equal(house_text(h, "revision"), revision);
	assert_string_equal(house_text(h, "previous"), previous);
	assert_string_equal(house_text(h, "created"), created);
	assert_string_equal(house_text(h, "deleted"), deleted);
}

TEST(what_is_written_and_deleted_together_is_one_revision)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("a") "," SERVICE_JSON("b"));
	house_ask(
		&h, "POST", "/apply",
		CHANGE(SERVICE_JSON("c"), QUOTED(SERVICE_PATH("a")) "," QUOTED(SERVICE_PATH("b"))));
	assert_change(&h, "2", "1", "1", "2");
	assert_string_equal(house_text(&h, "objects[0].action"), "created");
	assert_string_equal(house_text(&h, "objects[1].name"), "a");
	assert_string_equal(house_text(&h, "objects[1].action"), "deleted");
	house_ask(&h, "GET", "/weft/v1/history?limit=1", NULL);
	assert_string_equal(house_text(&h, "revisions[0].message"), "apply");
	assert_string_equal(house_text(&h, "revisions[0].deleted"), "2");
	house_ask(&h, "POST", "/apply",
		  "{\"kind\":\"List\",\"deletions\":[" QUOTED(SERVICE_PATH("c")) "]}");
	assert_change(&h, "3", "2", "0", "1");
	house_ask(&h, "GET", "/weft/v1/history?limit=1", NULL);
	assert_string_equal(house_text(&h, "revisions[0].message"), "delete");
	house_ask(&h, "POST", "/weft/v1/rollback?to=1", NULL);
	assert_change(&h, "4", "3", "2", "0");
	house_close(&h);
}

TEST(where_one_object_cannot_go_none_does)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("a"));
	house_ask(
		&h, "POST", "/apply",
		CHANGE(SERVICE_JSON("c"), QUOTED(SERVICE_PATH("a")) "," QUOTED(SERVICE_PATH("b"))));
	assert_int_equal(h.status, 404);
	assert_string_equal(house_text(&h, "message"), "there is no Service shop/b");
	assert_string_equal(house_text(&h, "details.path"), "deletions[1]");
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("a"), NULL), 200);
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("c"), NULL), 404);
	house_ask(
		&h, "POST", "/apply?ignoreMissing=true&dryRun=true",
		CHANGE(SERVICE_JSON("c"), QUOTED(SERVICE_PATH("a")) "," QUOTED(SERVICE_PATH("b"))));
	assert_change(&h, "1", "1", "1", "1");
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("a"), NULL), 200);
	house_ask(
		&h, "POST", "/apply?ignoreMissing=true",
		CHANGE(SERVICE_JSON("c"), QUOTED(SERVICE_PATH("a")) "," QUOTED(SERVICE_PATH("b"))));
	assert_change(&h, "2", "1", "1", "1");
	assert_null(house_text(&h, "objects[2].name"));
	house_close(&h);
}

TEST(a_deletion_names_an_object_and_nothing_else)
{
	static const char *const wrong[] = {
		"7",
		"{}",
		QUOTED("Service shop/a"),
		QUOTED("/api/v1/namespaces/shop/services"),
		QUOTED("/api/v1/namespaces/shop/pods/a"),
		QUOTED(SERVICE_PATH("a/status")),
		QUOTED(SERVICE_PATH("a?dryRun=true")),
	};
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("a"));
	for (size_t i = 0; i < array_count(wrong); i++) {
		char body[160];

		snprintf(body, sizeof(body), "{\"kind\":\"List\",\"deletions\":[%s]}", wrong[i]);
		house_ask(&h, "POST", "/apply", body);
		assert_int_equal(h.status, 422);
		assert_string_equal(house_text(&h, "message"),
				    "a deletion is the path of an object, as "
				    "/api/v1/namespaces/NAMESPACE/services/NAME");
		assert_string_equal(house_text(&h, "details.path"), "deletions[0]");
	}
	house_ask(&h, "POST", "/apply", CHANGE(SERVICE_JSON("a"), QUOTED(SERVICE_PATH("a"))));
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "message"), "Service shop/a stands twice");
	assert_string_equal(house_text(&h, "details.path"), "deletions[0]");
	/* Programs do not. */
	house_ask(&h, "POST", "/weft/v1/register",
		  CHANGE(SERVICE_JSON("b"), QUOTED(SERVICE_PATH("a"))));
	assert_string_equal(house_text(&h, "message"), "unknown field \"deletions\" in a List");
	house_ask(&h, "GET", "/weft/v1/info", NULL);
	assert_string_equal(house_text(&h, "revision"), "1");
	house_close(&h);
}

TEST(a_route_that_needs_what_goes_with_its_apply_is_refused_and_an_older_one_told)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews") "," SERVICE_JSON("b"));
	house_ask(&h, "POST", "/apply", CHANGE(ROUTE_JSON("b"), QUOTED(SERVICE_PATH("b"))));
	assert_int_equal(h.status, 422);
	assert_string_equal(house_text(&h, "details.code"), "WEFT1101");
	assert_string_equal(house_text(&h, "details.path"),
			    "items[0].spec.rules[0].backendRefs[0].name");
	house_apply(&h, ROUTE_JSON("b"));
	house_ask(&h, "POST", "/apply", CHANGE("", QUOTED(SERVICE_PATH("b"))));
	assert_change(&h, "3", "2", "0", "1");
	assert_string_equal(house_text(&h, "warnings[0].document"), "HTTPRoute shop/reviews");
	assert_string_equal(house_text(&h, "warnings[0].text"), "there is no Service shop/b");
	/* With the route it would have been none; and what is known is not told again. */
	house_apply(&h, SERVICE_JSON("c"));
	house_ask(&h, "POST", "/apply", CHANGE("", QUOTED(SERVICE_PATH("c"))));
	assert_null(house_text(&h, "warnings[0].text"));
	house_ask(&h, "POST", "/apply",
		  CHANGE("", QUOTED(SERVICE_PATH("reviews")) "," QUOTED(ROUTE_PATH)));
	assert_change(&h, "6", "5", "0", "2");
	assert_null(house_text(&h, "warnings[0].text"));
	house_close(&h);
}

TEST(what_was_registered_goes_without_a_revision_alone_and_beside_others)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_register(&h, WORKLOAD_JSON("one", "reviews", "1", "Ready") "," WORKLOAD_JSON(
				   "two", "reviews", "2", "Ready"));
	house_ask(&h, "POST", "/apply", CHANGE("", QUOTED(WORKLOAD_PATH("one"))));
	assert_change(&h, "1", "1", "0", "1");
	assert_int_equal(house_ask(&h, "GET", WORKLOAD_PATH("one"), NULL), 404);
	house_ask(&h, "POST", "/apply",
		  CHANGE("", QUOTED(WORKLOAD_PATH("two")) "," QUOTED(SERVICE_PATH("reviews"))));
	assert_change(&h, "2", "1", "0", "2");
	house_ask(&h, "GET", "/weft/v1/history?limit=1", NULL);
	assert_string_equal(house_text(&h, "revisions[0].deleted"), "1");
	/* No rollback makes a workload that nobody runs. */
	house_restart(&h);
	house_ask(&h, "POST", "/weft/v1/rollback?to=1", NULL);
	assert_change(&h, "3", "2", "1", "0");
	assert_int_equal(house_ask(&h, "GET", WORKLOAD_PATH("two"), NULL), 404);
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("reviews"), NULL), 200);
	house_close(&h);
}

TEST(a_deletion_that_the_store_does_not_take_deletes_nothing)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("a") "," SERVICE_JSON("b"));
	house_break_store(&h, true);
	house_ask(&h, "POST", "/apply",
		  CHANGE("", QUOTED(SERVICE_PATH("a")) "," QUOTED(SERVICE_PATH("b"))));
	assert_int_equal(h.status, 500);
	house_break_store(&h, false);
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("a"), NULL), 200);
	house_restart(&h);
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("a"), NULL), 200);
	assert_int_equal(house_ask(&h, "GET", SERVICE_PATH("b"), NULL), 200);
	house_close(&h);
}
