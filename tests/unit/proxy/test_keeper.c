/*
 * What the keeper writes, when, and what the next process makes of it
 */

#include "rig.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "net/certs.h"
#include "proxy/keeper.h"

#define ENDPOINTS(name, port)                                                        \
	"{cluster_name: " name ", endpoints: [{lb_endpoints: [{endpoint: {address: " \
	"{socket_address: {address: 127.0.0.1, port_value: " port "}}}}]}]}"
#define CLUSTER(name) "{name: " name ", type: EDS, eds_cluster_config: {eds_config: {ads: {}}}}"
#define ROUTES(name, cluster)                                           \
	"{name: " name ", virtual_hosts: [{name: all, domains: ['*'], " \
	"routes: [{match: {prefix: '/'}, route: {cluster: " cluster "}}]}]}"

static const struct kept_owner owner = { STR_INIT("shop/web-1"),
					 STR_INIT("spiffe://weft.local/ns/shop/sa/web") };

/* A proxy with a keeper; one after another in the same directory. */
struct place {
	struct rig r;
	char base[64];
	char *dir;
	char *file;
	struct keeper *keeper;
};

static void on_want(unused_arg void *user, unused_arg enum part_kind kind,
		    unused_arg struct str name, unused_arg bool wanted)
{
}

static void on_applied(unused_arg void *user, unused_arg uint64_t revision)
{
}

static void on_changed(void *user)
{
	keeper_note(((struct place *)user)->keeper);
}

static const struct resources_handler handler = {
	.on_want = on_want,
	.on_applied = on_applied,
	.on_changed = on_changed,
};

static void process_begin(struct place *p, const struct kept_owner *o)
{
	rig_init(&p->r);
	resources_want(&p->r.resources, PART_ROUTES, STR("routes"));
	resources_want(&p->r.resources, PART_ROUTES, STR("more"));
	p->keeper = keeper_new(&(struct keeper_options){
		.loop = p->r.loop,
		.resources = &p->r.resources,
		.dir = str_from(p->dir),
		.owner = *o,
	});
}

/* From now on changes are noted. */
static void process_watch(struct place *p)
{
	resources_set_handler(&p->r.resources, &handler, p);
}

static void process_end(struct place *p)
{
	resources_set_handler(&p->r.resources, NULL, NULL);
	p->keeper = keeper_free(p->keeper);
	rig_fini(&p->r);
}

static void place_init(struct place *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->base, sizeof(p->base), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(p->base));
	p->dir = mem_printf("%s/id", p->base);
	p->file = mem_printf("%s/" KEEPER_FILE, p->dir);
}

static void place_fini(struct place *p)
{
	unlink(p->file);
	rmdir(p->dir);
	assert_int_equal(rmdir(p->base), 0);
	mem_free(p->dir);
	mem_free(p->file);
}

static void serve(struct place *p, const char *port)
{
	char endpoints[256];

	snprintf(endpoints, sizeof(endpoints), ENDPOINTS("one", "%s"), port);
	rig_apply(&p->r, PART_ROUTES, ROUTES("routes", "one"));
	rig_apply(&p->r, PART_CLUSTER, CLUSTER("one"));
	rig_apply(&p->r, PART_ENDPOINTS, endpoints);
}

/* What is in the file: "routes one@ …", or the reason for which it is refused. */
static const char *content(const struct place *p)
{
	static char text[512];
	struct buf file = BUF_INIT(0), out = BUF_INIT(0);
	struct kept_resource r;
	struct kept k;

	if (file_read(p->file, KEPT_BYTES_MAX, &file) < 0)
		return "none";
	assert_int_equal(kept_open(buf_str(&file), &owner, &k, NULL), 0);
	while (kept_next(&k, &r))
		buf_printf(&out, "%s%s %.*s%s", buf_len(&out) ? ", " : "",
			   xds_types[r.type].short_name, STR_ARGS(r.name), r.bytes.len ? "" : "!");
	snprintf(text, sizeof(text), "%.*s", STR_ARGS(buf_str(&out)));
	buf_fini(&out);
	buf_fini(&file);
	return text;
}

static struct resource *entry_of(struct place *p, enum part_kind kind, const char *name)
{
	return map_get(&p->r.resources.by_name[kind], str_from(name));
}

TEST(what_is_served_is_written_once_for_changes_that_come_together)
{
	struct place p;
	struct stat st;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	rig_pass(&p.r, 900);
	assert_string_equal(content(&p), "none");
	rig_pass(&p.r, 200);
	assert_string_equal(content(&p), "RDS routes, CDS one, EDS one");
	assert_int_equal(keeper_stats(p.keeper).writes, 1);
	assert_int_equal(stat(p.file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	rig_pass(&p.r, 60000);
	assert_int_equal(keeper_stats(p.keeper).writes, 1);
	process_end(&p);
	place_fini(&p);
}

TEST(however_often_something_changes_it_is_written_once_a_second)
{
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	for (int i = 0; i < 50; i++) {
		serve(&p, i % 2 ? "1001" : "1002");
		rig_pass(&p.r, 100);
	}
	assert_in_range(keeper_stats(p.keeper).writes, 4, 5);
	process_end(&p);
	place_fini(&p);
}

TEST(the_next_process_serves_what_was_kept_and_says_so)
{
	struct part *cluster;
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	rig_remove(&p.r, PART_CLUSTER, "absent");
	rig_apply(&p.r, PART_ROUTES, ROUTES("more", "absent"));
	rig_remove(&p.r, PART_CLUSTER, "absent");
	rig_pass(&p.r, 2000);
	process_end(&p);

	process_begin(&p, &owner);
	assert_true(keeper_use(p.keeper));
	/* At once: nothing waits for what is known to be there, or not to be. */
	assert_int_equal(p.r.resources.staged_count, 0);
	assert_true(resource_is_missing(entry_of(&p, PART_CLUSTER, "absent")));
	assert_non_null(resource_active(entry_of(&p, PART_ENDPOINTS, "one")));
	cluster = resource_active(entry_of(&p, PART_CLUSTER, "one"));
	assert_true(cluster->kept);
	assert_int_equal(keeper_stats(p.keeper).used, 5);
	/* A fresh one takes its place. */
	rig_apply(&p.r, PART_CLUSTER, CLUSTER("one"));
	assert_false(resource_active(entry_of(&p, PART_CLUSTER, "one"))->kept);
	process_end(&p);
	place_fini(&p);
}

/* place_fini() finds whatever stays. */
TEST(what_a_crash_left_half_written_is_gone_with_the_next_process)
{
	struct place p;
	char *half;

	place_init(&p);
	half = mem_printf("%s.aB3xyz", p.file);
	assert_int_equal(dir_make_private(p.dir), 0);
	assert_int_equal(file_write_atomic(half, STR("WEFTKE"), 0600), 0);
	process_begin(&p, &owner);
	assert_int_equal(access(half, F_OK), -1);
	process_end(&p);
	mem_free(half);
	place_fini(&p);
}

TEST(what_another_one_kept_is_not_served)
{
	const struct kept_owner other = { STR_INIT("shop/web-1"),
					  STR_INIT("spiffe://other.local/ns/shop/sa/web") };
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	rig_pass(&p.r, 2000);
	process_end(&p);

	process_begin(&p, &other);
	assert_false(keeper_use(p.keeper));
	assert_null(entry_of(&p, PART_CLUSTER, "one"));
	assert_int_equal(keeper_stats(p.keeper).used, 0);
	process_end(&p);
	assert_string_equal(content(&p), "RDS routes, CDS one, EDS one");
	place_fini(&p);
}

/* As after an upgrade to a release that understands less: all of it is refused. */
TEST(one_resource_that_does_not_compile_refuses_the_whole_file)
{
	struct buf file = BUF_INIT(0);
	struct kept_resource r = { .type = XDS_ENDPOINTS, .name = STR_INIT("one") };
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	r.bytes = STR("\x0a\x03one");
	kept_begin(&file, &owner, 3);
	kept_add(&file, &r);
	r.name = STR("two");
	kept_add(&file, &r);
	assert_int_equal(kept_finish(&file), 0);
	assert_int_equal(dir_make_private(p.dir), 0);
	assert_int_equal(file_write_atomic(p.file, buf_str(&file), 0600), 0);
	assert_false(keeper_use(p.keeper));
	assert_null(entry_of(&p, PART_ENDPOINTS, "one"));
	assert_int_equal(p.r.resources.revision_received, 0);
	process_end(&p);
	buf_fini(&file);
	place_fini(&p);
}

TEST(what_warms_is_waited_for_and_kept_when_that_takes_too_long)
{
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	rig_pass(&p.r, 2000);
	/* It waits 15 s for endpoints that do not come. */
	rig_apply(&p.r, PART_CLUSTER, CLUSTER("two"));
	rig_apply(&p.r, PART_ENDPOINTS, ENDPOINTS("one", "1002"));
	rig_pass(&p.r, 10000);
	assert_int_equal(keeper_stats(p.keeper).writes, 1);
	rig_pass(&p.r, 10000);
	assert_string_equal(content(&p), "RDS routes, CDS one, CDS two, EDS one");
	process_end(&p);
	place_fini(&p);
}

TEST(an_end_in_order_writes_what_was_noted)
{
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	keeper_flush(p.keeper);
	assert_string_equal(content(&p), "none");
	serve(&p, "1001");
	keeper_flush(p.keeper);
	assert_string_equal(content(&p), "RDS routes, CDS one, EDS one");
	rig_pass(&p.r, 5000);
	assert_int_equal(keeper_stats(p.keeper).writes, 1);
	process_end(&p);
	place_fini(&p);
}

/* A cluster with the key inside, and not by the name of a secret. */
static char *cluster_with_key(void)
{
	struct test_cert *root = test_ca_new("root");
	struct test_cert *leaf = test_svid_new(root, "spiffe://weft.local/ns/shop/sa/web");
	struct buf yaml = BUF_INIT(0);

	buf_append_str(&yaml,
		       STR("{name: keyed, type: STATIC, load_assignment: {cluster_name: keyed},"
			   " transport_socket: {name: tls, typed_config: {'@type': "
			   "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
			   "UpstreamTlsContext, common_tls_context: {tls_certificates: ["
			   "{certificate_chain: {inline_string: \""));
	for (const char *c = leaf->chain_pem; *c; c++)
		buf_append_str(&yaml, *c == '\n' ? STR("\\n") : str_of(c, 1));
	buf_append_str(&yaml, STR("\"}, private_key: {inline_string: \""));
	for (const char *c = leaf->key_pem; *c; c++)
		buf_append_str(&yaml, *c == '\n' ? STR("\\n") : str_of(c, 1));
	buf_append_str(&yaml, STR("\"}}]}}}}"));
	test_cert_free(leaf);
	test_cert_free(root);
	return buf_take_text(&yaml);
}

TEST(a_private_key_never_goes_to_disk_and_nothing_out_of_date_stays_there)
{
	char *keyed = cluster_with_key();
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	rig_pass(&p.r, 2000);
	assert_string_equal(content(&p), "RDS routes, CDS one, EDS one");
	rig_apply(&p.r, PART_CLUSTER, keyed);
	rig_pass(&p.r, 2000);
	assert_string_equal(content(&p), "none");
	rig_remove(&p.r, PART_CLUSTER, "keyed");
	rig_pass(&p.r, 2000);
	assert_string_equal(content(&p), "RDS routes, CDS one, EDS one");
	process_end(&p);
	place_fini(&p);
	mem_free(keyed);
}

#ifdef WEFT_FAULTS
TEST(whichever_call_fails_the_file_is_the_former_or_the_new_one_and_it_is_tried_again)
{
	struct place p;
	bool delivered = true;
	unsigned nth;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	keeper_flush(p.keeper);
	for (nth = 1; delivered; nth++) {
		const char *now;

		rig_apply(&p.r, PART_ROUTES,
			  nth % 2 ? ROUTES("more", "one") : ROUTES("routes", "one"));
		if (nth % 2 == 0)
			rig_remove(&p.r, PART_ROUTES, "more");
		fault_arm(nth, -EIO);
		keeper_flush(p.keeper);
		delivered = fault_delivered();
		fault_arm(0, 0);
		now = content(&p);
		assert_non_null(strstr(now, "RDS routes"));
		rig_apply(&p.r, PART_ENDPOINTS, ENDPOINTS("one", "1003"));
		rig_pass(&p.r, 16000);
		assert_int_equal(strstr(content(&p), "RDS more,") != NULL, nth % 2);
	}
	assert_true(nth > 6);
	assert_int_equal(keeper_stats(p.keeper).writes_failed, nth - 2);
	process_end(&p);
	place_fini(&p);
}

TEST(a_file_that_cannot_be_read_is_not_used)
{
	bool delivered = true;
	struct place p;

	place_init(&p);
	process_begin(&p, &owner);
	process_watch(&p);
	serve(&p, "1001");
	keeper_flush(p.keeper);
	process_end(&p);
	for (unsigned nth = 1; delivered; nth++) {
		bool used;

		process_begin(&p, &owner);
		fault_arm(nth, -EIO);
		used = keeper_use(p.keeper);
		delivered = fault_delivered();
		fault_arm(0, 0);
		assert_int_equal(used, !delivered);
		assert_int_equal(entry_of(&p, PART_CLUSTER, "one") != NULL, used);
		process_end(&p);
	}
	place_fini(&p);
}
#endif
