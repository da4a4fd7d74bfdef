/* What a program finds again after a crash. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "identity/svid.h"

#include "certs.h"
#include "test.h"

#define ID "spiffe://weft.local/ns/shop/sa/web"

static const struct wall_time now = { TEST_WALL_SECONDS * 1000000000 };

struct place {
	char base[64];
	char *dir;
	char *file;
	struct svid *svid;
};

static void place_init(struct place *p)
{
	struct test_cert *root = test_ca_new("root"), *leaf = test_svid_new(root, ID);
	const struct svid_parts parts = { str_from(leaf->key_pem), str_from(leaf->chain_pem),
					  str_from(root->pem) };

	snprintf(p->base, sizeof(p->base), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(p->base));
	p->dir = mem_printf("%s/id", p->base);
	p->file = mem_printf("%s/" SVID_FILE, p->dir);
	assert_int_equal(svid_new(&parts, STR(ID), now, &p->svid, NULL), 0);
	test_cert_free(leaf);
	test_cert_free(root);
}

static void place_fini(struct place *p)
{
	unlink(p->file);
	rmdir(p->dir);
	assert_int_equal(rmdir(p->base), 0);
	svid_unref(p->svid);
	mem_free(p->dir);
	mem_free(p->file);
}

static void load_refused(const struct place *p, struct str id, struct wall_time at, int error,
			 const char *text)
{
	struct diag d = DIAG_INIT;
	struct svid *s = NULL;

	assert_int_equal(svid_load(p->dir, id, at, &s, &d), error);
	if (!strstr(d.text, text))
		assert_string_equal(d.text, text);
	assert_null(s);
	diag_fini(&d);
}

TEST(what_is_saved_is_loaded_and_nobody_else_can_read_it)
{
	struct place p;
	struct svid *s;
	struct stat st;

	place_init(&p);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	assert_int_equal(stat(p.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(p.file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	assert_int_equal(svid_load(p.dir, STR(ID), now, &s, NULL), 0);
	assert_true(str_eq(s->id_text, p.svid->id_text));
	assert_true(str_eq(s->key_pem, p.svid->key_pem));
	assert_true(str_eq(s->chain_pem, p.svid->chain_pem));
	assert_true(str_eq(s->trust_pem, p.svid->trust_pem));
	assert_int_equal(s->not_after.ns, p.svid->not_after.ns);
	svid_unref(s);
	place_fini(&p);
}

TEST(a_key_that_a_crash_left_half_written_is_removed)
{
	struct place p;
	struct svid *s;
	char *half;

	place_init(&p);
	half = mem_printf("%s.aB3xyz", p.file);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	assert_int_equal(file_write_atomic(half, p.svid->key_pem, 0600), 0);
	assert_int_equal(svid_load(p.dir, STR(ID), now, &s, NULL), 0);
	svid_unref(s);
	assert_int_equal(access(half, F_OK), -1);
	mem_free(half);
	place_fini(&p);
}

TEST(other_programs_find_the_leaf_first_in_the_file)
{
	cleanup(certificate_freep) struct certificate *c = NULL;
	struct buf text = BUF_INIT(0);
	struct place p;

	place_init(&p);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	assert_int_equal(file_read(p.file, SVID_PEM_BYTES_MAX, &text), 0);
	assert_int_equal(certificate_read(buf_str(&text), &c), 0);
	assert_str_equal(certificate_spiffe_id(c), ID);
	buf_fini(&text);
	place_fini(&p);
}

TEST(what_is_of_no_use_is_not_loaded)
{
	struct place p;

	place_init(&p);
	load_refused(&p, STR(ID), now, -ENOENT, SVID_FILE);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	load_refused(&p, STR(ID), p.svid->not_after, ERR_CONFIG, "certificate has expired");
	load_refused(&p, STR("spiffe://weft.local/ns/shop/sa/other"), now, ERR_CONFIG,
		     "not for spiffe://weft.local/ns/shop/sa/other");
	assert_int_equal(file_write_atomic(p.file, STR("half"), 0600), 0);
	load_refused(&p, STR(ID), now, ERR_CONFIG, "the file is damaged");
	place_fini(&p);
}

TEST(a_file_cut_off_anywhere_is_not_loaded)
{
	struct buf text = BUF_INIT(0);
	struct place p;

	place_init(&p);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	assert_int_equal(file_read(p.file, SVID_PEM_BYTES_MAX, &text), 0);
	for (size_t len = 0; len + 1 < buf_len(&text); len += 13) {
		struct svid *s = NULL;
		int fd = open(p.file, O_WRONLY | O_TRUNC);

		assert_int_equal(write(fd, buf_str(&text).ptr, len), len);
		close(fd);
		assert_int_equal(svid_load(p.dir, STR(ID), now, &s, NULL), ERR_CONFIG);
	}
	buf_fini(&text);
	place_fini(&p);
}

TEST(a_directory_that_is_not_ours_alone_is_refused)
{
	struct place p;

	place_init(&p);
	assert_int_equal(mkdir(p.dir, 0700), 0);
	assert_int_equal(chmod(p.dir, 0770), 0);
	assert_int_equal(svid_save(p.svid, p.dir), ERR_DENIED);
	load_refused(&p, STR(ID), now, ERR_DENIED, "another user's or open to others");
	if (geteuid() == 0) {
		assert_int_equal(chmod(p.dir, 0700), 0);
		assert_int_equal(chown(p.dir, 65534, 65534), 0);
		assert_int_equal(svid_save(p.svid, p.dir), ERR_DENIED);
		load_refused(&p, STR(ID), now, ERR_DENIED, "another user's or open to others");
	}
	assert_int_equal(rmdir(p.dir), 0);
	assert_int_equal(symlink(p.base, p.dir), 0);
	assert_int_equal(svid_save(p.svid, p.dir), ERR_DENIED);
	assert_int_equal(unlink(p.dir), 0);
	place_fini(&p);
}

#ifdef WEFT_FAULTS
TEST(a_failed_save_leaves_the_former_one_whole)
{
	struct place p;
	unsigned nth = 1;

	place_init(&p);
	assert_int_equal(svid_save(p.svid, p.dir), 0);
	for (bool delivered = true; delivered; nth++) {
		struct svid *s;
		int r;

		fault_arm(nth, -ENOSPC);
		r = svid_save(p.svid, p.dir);
		delivered = fault_delivered();
		fault_arm(0, 0);
		assert_int_equal(r, delivered ? -ENOSPC : 0);
		assert_int_equal(svid_load(p.dir, STR(ID), now, &s, NULL), 0);
		svid_unref(s);
	}
	assert_true(nth > 4);
	place_fini(&p);
}
#endif
