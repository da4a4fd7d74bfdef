/* What programs register and what people apply; history, rollback and backup over the API. */

#include "control/api.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "control/store.h"

#include "house.h"

#define SERVICES       "/api/v1/namespaces/shop/services/"
#define WORKLOADS      "/apis/weft.dev/v1alpha1/namespaces/shop/workloads/"

#define READY(name)    WORKLOAD_JSON(name, "reviews", "1", "Ready")
#define STARTING(name) WORKLOAD_JSON(name, "reviews", "1", "Starting")

/* "reviews" of another port. */
#define OTHER_SERVICE                                                                       \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"reviews\","   \
	"\"namespace\":\"shop\"},\"spec\":{\"selector\":{\"app\":\"reviews\"},\"ports\":[{" \
	"\"name\":\"http\",\"port\":80,\"appProtocol\":\"http\"}]}}"

TEST(a_program_registers_its_workload_and_services_that_are_absent)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/weft/v1/register",
		  LIST_JSON(SERVICE_JSON("reviews") "," STARTING("reviews-1")));
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "created"), "2");
	assert_string_equal(house_text(&h, "revision"), "0");
	assert_string_equal(house_text(&h, "previous"), "0");
	/* It says so again, with what has changed; the Service is not its own any more. */
	house_ask(&h, "POST", "/weft/v1/register", LIST_JSON(OTHER_SERVICE "," READY("reviews-1")));
	assert_string_equal(house_text(&h, "created"), "0");
	assert_string_equal(house_text(&h, "changed"), "1");
	assert_string_equal(house_text(&h, "unchanged"), "1");
	assert_string_equal(house_text(&h, "objects[0].action"), "unchanged");
	assert_string_equal(house_text(&h, "objects[1].action"), "changed");
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	assert_string_equal(house_text(&h, "spec.ports[0].port"), "9080");
	assert_string_equal(house_text(&h, "status.origin"), "registered");
	/* The beat of a program that has nothing new. */
	house_ask(&h, "POST", "/weft/v1/register", LIST_JSON(OTHER_SERVICE "," READY("reviews-1")));
	assert_string_equal(house_text(&h, "unchanged"), "2");
	house_ask(&h, "GET", "/weft/v1/history", NULL);
	assert_answer(&h, 200, "{\"revisions\":[]}");
	/* It goes without a revision, too. */
	house_ask(&h, "DELETE", WORKLOADS "reviews-1", NULL);
	assert_string_equal(house_text(&h, "revision"), "0");
	assert_int_equal(house_ask(&h, "GET", WORKLOADS "reviews-1", NULL), 404);
	house_close(&h);
}

TEST(a_program_registers_nothing_else)
{
	struct house h;

	house_open(&h);
	house_ask(&h, "POST", "/weft/v1/register",
		  LIST_JSON(READY("reviews-1") ",{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":"
					       "\"MeshConfig\",\"metadata\":{\"name\":\"default\"},"
					       "\"spec\":{}}"));
	assert_answer(&h, 422,
		      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":"
		      "422,\"reason\":\"Invalid\",\"message\":\"a program registers Services and "
		      "Workloads, and no MeshConfig\",\"details\":{\"path\":\"items[1]\",\"hint\":"
		      "\"apply it\"}}");
	assert_int_equal(house_ask(&h, "GET", WORKLOADS "reviews-1", NULL), 404);
	house_close(&h);
}

TEST(what_a_person_applies_over_a_registration_is_the_persons)
{
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews"));
	/* Also when it is the same. */
	house_ask(&h, "POST", "/apply", SERVICE_JSON("reviews"));
	assert_string_equal(house_text(&h, "revision"), "1");
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	assert_string_equal(house_text(&h, "status.origin"), "applied");
	house_close(&h);
}

TEST(a_rollback_brings_back_and_takes_away)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews") "," SERVICE_JSON("old"));
	house_ask(&h, "DELETE", SERVICES "old", NULL);
	house_apply(&h, OTHER_SERVICE "," SERVICE_JSON("new"));
	house_ask(&h, "POST", "/weft/v1/rollback?to=1&dryRun=true", NULL);
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "revision"), "3");
	house_ask(&h, "POST", "/weft/v1/rollback?to=1", NULL);
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "revision"), "4");
	assert_string_equal(house_text(&h, "previous"), "3");
	assert_string_equal(house_text(&h, "created"), "1");
	assert_string_equal(house_text(&h, "changed"), "1");
	assert_string_equal(house_text(&h, "deleted"), "1");
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	assert_string_equal(house_text(&h, "spec.ports[0].port"), "9080");
	assert_int_equal(house_ask(&h, "GET", SERVICES "old", NULL), 200);
	assert_int_equal(house_ask(&h, "GET", SERVICES "new", NULL), 404);
	/* And back again; to what is, there is nothing to do. */
	house_ask(&h, "POST", "/weft/v1/rollback?to=3", NULL);
	assert_int_equal(house_ask(&h, "GET", SERVICES "new", NULL), 200);
	assert_int_equal(house_ask(&h, "GET", SERVICES "old", NULL), 404);
	house_ask(&h, "POST", "/weft/v1/rollback?to=5", NULL);
	assert_string_equal(house_text(&h, "revision"), "5");
	assert_string_equal(house_text(&h, "unchanged"), "2");
	house_ask(&h, "GET", "/weft/v1/revisions/1", NULL);
	assert_string_equal(house_text(&h, "items[0].metadata.name"), "reviews");
	assert_string_equal(house_text(&h, "items[1].metadata.name"), "old");
	assert_null(house_text(&h, "items[2].metadata.name"));
	house_ask(&h, "POST", "/weft/v1/rollback?to=0", NULL);
	house_ask(&h, "GET", "/api/v1/services", NULL);
	assert_null(house_text(&h, "items[0].metadata.name"));
	house_close(&h);
}

TEST(a_service_that_a_rollback_brings_back_has_its_address_again)
{
	char address[32];
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	snprintf(address, sizeof(address), "%s", house_text(&h, "status.virtualAddress"));
	house_ask(&h, "DELETE", SERVICES "reviews", NULL);
	house_restart(&h);
	house_ask(&h, "POST", "/weft/v1/rollback?to=1", NULL);
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	assert_string_equal(house_text(&h, "status.virtualAddress"), address);
	house_close(&h);
}

TEST(no_rollback_takes_away_what_programs_registered)
{
	struct house h;

	house_open(&h);
	house_register(&h, SERVICE_JSON("reviews") "," READY("reviews-1"));
	house_apply(&h, SERVICE_JSON("other"));
	/* Left alone… */
	house_ask(&h, "POST", "/weft/v1/rollback?to=0", NULL);
	assert_string_equal(house_text(&h, "deleted"), "1");
	assert_int_equal(house_ask(&h, "GET", SERVICES "reviews", NULL), 200);
	assert_int_equal(house_ask(&h, "GET", WORKLOADS "reviews-1", NULL), 200);
	/* …and given back as it was, where a person had taken it over. */
	house_apply(&h, OTHER_SERVICE);
	house_ask(&h, "POST", "/weft/v1/rollback?to=2", NULL);
	house_ask(&h, "GET", SERVICES "reviews", NULL);
	assert_string_equal(house_text(&h, "spec.ports[0].port"), "9080");
	/* A Workload that a person wrote once and its program wrote since is the program's. */
	house_apply(&h, STARTING("reviews-1"));
	house_register(&h, READY("reviews-1"));
	house_ask(&h, "POST", "/weft/v1/rollback?to=5", NULL);
	assert_int_equal(h.status, 200);
	house_ask(&h, "GET", WORKLOADS "reviews-1", NULL);
	assert_string_equal(house_text(&h, "spec.readiness"), "Ready");
	house_ask(&h, "POST", "/weft/v1/rollback?to=0", NULL);
	assert_int_equal(house_ask(&h, "GET", WORKLOADS "reviews-1", NULL), 200);
	house_close(&h);
}

TEST(history_tells_who_changed_how_much_newest_first)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("a") "," SERVICE_JSON("b"));
	house_ask(&h, "DELETE", SERVICES "a", NULL);
	house_ask(&h, "GET", "/weft/v1/history", NULL);
	assert_answer(&h, 200,
		      "{\"revisions\":[{\"revision\":2,\"time\":\"2026-11-26T08:00:00.000Z\","
		      "\"actor\":\"root\",\"message\":\"delete\",\"created\":0,\"changed\":0,"
		      "\"deleted\":1},{\"revision\":1,\"time\":\"2026-11-26T08:00:00.000Z\","
		      "\"actor\":\"root\",\"message\":\"apply\",\"created\":2,\"changed\":0,"
		      "\"deleted\":0}]}");
	house_ask(&h, "GET", "/weft/v1/history?limit=1", NULL);
	assert_string_equal(house_text(&h, "revisions[0].revision"), "2");
	assert_null(house_text(&h, "revisions[1].revision"));
	house_close(&h);
}

TEST(what_was_acknowledged_is_there_after_a_restart)
{
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_register(&h, READY("reviews-1"));
	house_restart(&h);
	house_ask(&h, "GET", "/weft/v1/info", NULL);
	assert_string_equal(house_text(&h, "version"), WEFT_VERSION);
	assert_string_equal(house_text(&h, "trustDomain"), "weft.local");
	assert_string_equal(house_text(&h, "revision"), "1");
	assert_string_equal(house_text(&h, "xdsAddress"), "127.0.0.1:15012");
	assert_string_equal(house_text(&h, "socket") + strlen("unix:"), h.socket);
	assert_string_equal(house_text(&h, "startedAt"), "2026-11-26T08:00:00.000Z");
	assert_int_equal(house_ask(&h, "GET", SERVICES "reviews", NULL), 200);
	assert_int_equal(house_ask(&h, "GET", WORKLOADS "reviews-1", NULL), 200);
	house_close(&h);
}

TEST(a_backup_is_a_store_of_its_own)
{
	struct diag d = DIAG_INIT;
	struct store *copy;
	uint64_t revision;
	char *path, *request, *lock;
	struct house h;

	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	path = mem_printf("%s/copy", h.dir);
	lock = mem_printf("%s/copy.lock", h.dir);
	request = mem_printf("/weft/v1/backup?path=%s", path);
	house_ask(&h, "POST", request, NULL);
	assert_int_equal(h.status, 200);
	assert_string_equal(house_text(&h, "path"), path);
	assert_string_equal(house_text(&h, "revision"), "1");
	house_ask(&h, "POST", request, NULL);
	assert_int_equal(h.status, 409);
	assert_string_equal(house_text(&h, "reason"), "AlreadyExists");
	assert_int_equal(store_open(path, &copy, &d), 0);
	assert_int_equal(store_revision(copy, &revision), 0);
	assert_int_equal(revision, 1);
	store_close(copy);
	unlink(path);
	unlink(lock);
	mem_free(path);
	mem_free(lock);
	mem_free(request);
	house_close(&h);
}
