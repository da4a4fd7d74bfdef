/* The file of kept resources is read back whole or not at all. */

#include "xds/kept.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb.h"

#include "test.h"

#define ID "spiffe://weft.local/ns/shop/sa/web"

static const struct kept_owner owner = { STR_INIT("shop/web-1"), STR_INIT(ID) };

static const struct kept_resource resources[] = {
	{ XDS_LISTENER, STR_INIT("inbound"), STR_INIT("v1"), STR_INIT("a listener") },
	{ XDS_CLUSTER, STR_INIT("reviews"), STR_INIT("v2"), STR_INIT("a cluster") },
	{ XDS_CLUSTER, STR_INIT("gone"), STR_INIT(""), STR_INIT("") },
	{ XDS_ENDPOINTS, STR_INIT("reviews"), STR_INIT("v3"), STR_INIT("\0\xff") },
};

static void write_all(struct buf *file)
{
	buf_init(file, 0);
	kept_begin(file, &owner, 42);
	for (size_t i = 0; i < array_count(resources); i++)
		kept_add(file, &resources[i]);
	assert_int_equal(kept_finish(file), 0);
}

static void assert_refused(struct str file, const struct kept_owner *o, int error, const char *text)
{
	/* Of its own size exactly, so that the sanitizer sees a read beyond it. */
	char *copy = mem_strdup_str(file);
	struct kept k = { .count = 77 };
	struct diag d = DIAG_INIT;

	assert_int_equal(kept_open(str_of(copy, file.len), o, &k, &d), error);
	assert_string_equal(d.text, text);
	assert_int_equal(k.count, 77);
	diag_fini(&d);
	mem_free(copy);
}

TEST(what_was_kept_is_read_back)
{
	struct kept_resource r;
	struct buf file;
	struct kept k;

	write_all(&file);
	assert_int_equal(kept_open(buf_str(&file), &owner, &k, NULL), 0);
	assert_int_equal(k.revision, 42);
	assert_int_equal(k.count, array_count(resources));
	for (size_t i = 0; i < array_count(resources); i++) {
		assert_true(kept_next(&k, &r));
		assert_int_equal(r.type, resources[i].type);
		assert_true(str_eq(r.name, resources[i].name));
		assert_true(str_eq(r.version, resources[i].version));
		assert_true(str_eq(r.bytes, resources[i].bytes));
	}
	assert_false(kept_next(&k, &r));
	buf_fini(&file);
}

TEST(nothing_may_be_kept_too)
{
	struct buf file = BUF_INIT(0);
	struct kept_resource r;
	struct kept k;

	kept_begin(&file, &(struct kept_owner){ 0 }, 0);
	assert_int_equal(kept_finish(&file), 0);
	assert_int_equal(kept_open(buf_str(&file), &(struct kept_owner){ 0 }, &k, NULL), 0);
	assert_int_equal(k.count, 0);
	assert_false(kept_next(&k, &r));
	buf_fini(&file);
}

TEST(a_file_that_is_cut_off_anywhere_is_refused)
{
	struct diag d;
	struct buf file;
	struct kept k;

	write_all(&file);
	for (size_t len = 0; len < buf_len(&file); len++) {
		char *copy = mem_strdup_str(str_slice(buf_str(&file), 0, len));

		diag_init(&d);
		assert_int_equal(kept_open(str_of(copy, len), &owner, &k, &d), ERR_CORRUPT);
		diag_fini(&d);
		mem_free(copy);
	}
	buf_fini(&file);
}

TEST(a_file_with_any_bit_turned_is_refused)
{
	struct buf file;
	struct kept k;

	write_all(&file);
	for (size_t i = 0; i < buf_len(&file) * 8; i++) {
		char *byte = file.memory + file.start + i / 8;

		*byte = (char)(*byte ^ 1 << i % 8);
		assert_true(kept_open(buf_str(&file), &owner, &k, NULL) < 0);
		*byte = (char)(*byte ^ 1 << i % 8);
	}
	assert_int_equal(kept_open(buf_str(&file), &owner, &k, NULL), 0);
	buf_append_char(&file, 0);
	assert_refused(buf_str(&file), &owner, ERR_CORRUPT,
		       "its checksum is wrong: it is damaged or cut off");
	buf_fini(&file);
}

TEST(what_another_one_kept_is_refused_by_name)
{
	const struct kept_owner other_node = { STR_INIT("shop/web-2"), STR_INIT(ID) };
	const struct kept_owner other_domain = { STR_INIT("shop/web-1"),
						 STR_INIT("spiffe://other.local/ns/shop/sa/web") };
	struct buf file;

	write_all(&file);
	assert_refused(buf_str(&file), &other_node, ERR_CONFLICT,
		       "it was kept for the node \"shop/web-1\"");
	assert_refused(buf_str(&file), &other_domain, ERR_CONFLICT,
		       "it was kept for the identity \"" ID "\"");
	buf_fini(&file);
}

TEST(another_format_is_refused_by_its_number)
{
	struct buf file;

	write_all(&file);
	file.memory[file.start + 8] = KEPT_FORMAT + 1;
	assert_refused(buf_str(&file), &owner, ERR_UNSUPPORTED, "its format is 2, and 1 is known");
	buf_fini(&file);
	assert_refused(STR("key: value\nmore: of it\n"), &owner, ERR_CORRUPT,
		       "it is not a file of kept resources");
}

/* Bodies that kept_add() never writes, under a right checksum. */

static void write_resource(struct buf *out, struct str url, const char *name)
{
	size_t mark = pb_begin(out, 4);

	pb_write_bytes(out, 1, url);
	pb_write_bytes(out, 2, str_from(name));
	pb_finish(out, mark);
}

static void add_secret(struct buf *out)
{
	write_resource(out, xds_types[XDS_SECRET].url, "default");
}

static void add_unknown_type(struct buf *out)
{
	write_resource(out, STR("type.googleapis.com/what.Ever"), "a");
}

static void add_twice(struct buf *out)
{
	write_resource(out, xds_types[XDS_CLUSTER].url, "a");
	write_resource(out, xds_types[XDS_CLUSTER].url, "a");
}

static void add_without_name(struct buf *out)
{
	write_resource(out, xds_types[XDS_CLUSTER].url, "");
}

static void add_unknown_field(struct buf *out)
{
	pb_write_varint(out, 9, 1);
}

static void add_wrong_wire(struct buf *out)
{
	pb_write_varint(out, 4, 1);
}

static void add_half_a_field(struct buf *out)
{
	buf_append_str(out, STR("\x22\x05xx"));
}

static void add_unknown_field_inside(struct buf *out)
{
	size_t mark = pb_begin(out, 4);

	pb_write_bytes(out, 1, xds_types[XDS_CLUSTER].url);
	pb_write_bytes(out, 2, STR("a"));
	pb_write_bytes(out, 5, STR("b"));
	pb_finish(out, mark);
}

TEST(content_that_is_never_written_is_refused)
{
	static void (*const bodies[])(struct buf * out) = {
		add_secret,        add_unknown_type, add_twice,        add_without_name,
		add_unknown_field, add_wrong_wire,   add_half_a_field, add_unknown_field_inside,
	};

	for (size_t i = 0; i < array_count(bodies); i++) {
		struct buf file = BUF_INIT(0);

		kept_begin(&file, &owner, 1);
		bodies[i](&file);
		assert_int_equal(kept_finish(&file), 0);
		assert_refused(buf_str(&file), &owner, ERR_CORRUPT, "its content does not parse");
		buf_fini(&file);
	}
}

TEST(what_is_too_large_to_be_kept_is_said)
{
	struct kept_resource large = resources[0];
	struct buf file = BUF_INIT(0);

	large.bytes.len = KEPT_BYTES_MAX / 2;
	large.bytes.ptr = mem_new_array(char, large.bytes.len);
	kept_begin(&file, &owner, 1);
	kept_add(&file, &large);
	kept_add(&file, &large);
	kept_add(&file, &resources[1]);
	assert_int_equal(kept_finish(&file), ERR_LIMIT);
	mem_free((char *)large.bytes.ptr);
	buf_fini(&file);
}
