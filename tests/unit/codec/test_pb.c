#include "test.h"

#include "codec/pb.h"

static struct pb_cursor cursor_of(const char *bytes, size_t len)
{
	return pb_cursor_of(str_of(bytes, len));
}

/* The outcome of reading the first field. */
static enum pb_next first_of(const char *bytes, size_t len, struct pb_field *field)
{
	struct pb_cursor c = cursor_of(bytes, len);

	return pb_next(&c, field);
}

#define FIRST(bytes, field) first_of((bytes), sizeof(bytes) - 1, (field))

TEST(pb_reads_each_wire_type)
{
	static const char bytes[] = "\x08\x96\x01"
				    "\x11\x01\x02\x03\x04\x05\x06\x07\x08"
				    "\x1a\x02hi"
				    "\x25\x78\x56\x34\x12";
	struct pb_cursor c = cursor_of(bytes, sizeof(bytes) - 1);
	struct pb_field f;

	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.number, 1);
	assert_int_equal(f.wire, PB_VARINT);
	assert_int_equal(f.value, 150);
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.wire, PB_FIXED64);
	assert_true(f.value == UINT64_C(0x0807060504030201));
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.number, 3);
	assert_str_equal(f.bytes, "hi");
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.wire, PB_FIXED32);
	assert_int_equal(f.value, 0x12345678);
	assert_int_equal(pb_next(&c, &f), PB_END);
}

TEST(pb_knows_every_truncation_of_a_field)
{
	static const char *const fields[] = { "\x08\x96\x01",
					      "\x11"
					      "12345678",
					      "\x1a\x03"
					      "abc",
					      "\x25"
					      "1234",
					      "\xf8\xff\xff\xff\x0f\x01" };
	static const size_t sizes[] = { 3, 9, 5, 5, 6 };
	struct pb_field f;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t len = 1; len < sizes[i]; len++)
			assert_int_equal(first_of(fields[i], len, &f), PB_MALFORMED);
		assert_int_equal(first_of(fields[i], sizes[i], &f), PB_FIELD);
	}
}

TEST(pb_refuses_what_no_encoder_writes)
{
	struct pb_field f;

	assert_int_equal(FIRST("\x00\x01", &f), PB_MALFORMED);                 /* number 0 */
	assert_int_equal(FIRST("\x0b\x0c", &f), PB_MALFORMED);                 /* a group */
	assert_int_equal(FIRST("\x0e\x01", &f), PB_MALFORMED);                 /* wire type 6 */
	assert_int_equal(FIRST("\x80\x80\x80\x80\x10\x01", &f), PB_MALFORMED); /* 2^29 */
	assert_int_equal(FIRST("\x0a\x05"
			       "abcd",
			       &f),
			 PB_MALFORMED); /* too short */
	/* 65 bits, and eleven bytes. */
	assert_int_equal(FIRST("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", &f), PB_MALFORMED);
	assert_int_equal(FIRST("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", &f),
			 PB_MALFORMED);
	assert_int_equal(FIRST("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &f), PB_MALFORMED);
}

TEST(pb_reads_the_largest_varint)
{
	struct pb_field f;

	assert_int_equal(FIRST("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &f), PB_FIELD);
	assert_true(f.value == UINT64_MAX);
}

TEST(pb_writes_what_it_reads)
{
	struct buf b = BUF_INIT(0);
	struct pb_cursor c;
	struct pb_field f;

	pb_write_varint(&b, 1, UINT64_MAX);
	pb_write_bool(&b, 2, true);
	pb_write_fixed64(&b, 3, 42);
	pb_write_double(&b, 4, 1.5);
	pb_write_bytes(&b, 536870911, STR("text"));
	pb_write_fixed32(&b, 5, 7);
	c = pb_cursor_of(buf_str(&b));
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_true(f.value == UINT64_MAX);
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.value, 1);
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.value, 42);
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_true(f.value == UINT64_C(0x3ff8000000000000));
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.number, 536870911);
	assert_str_equal(f.bytes, "text");
	assert_int_equal(pb_next(&c, &f), PB_FIELD);
	assert_int_equal(f.value, 7);
	assert_int_equal(pb_next(&c, &f), PB_END);
	buf_fini(&b);
}

TEST(pb_nests_messages_of_any_length_minimally)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384 };
	static char content[16384];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct buf b = BUF_INIT(0);
		struct pb_field f;
		size_t mark;

		buf_append_char(&b, 'x');
		buf_consume(&b, 1);
		mark = pb_begin(&b, 1);
		buf_append(&b, content, lengths[i]);
		pb_finish(&b, mark);
		pb_write_bool(&b, 2, true);

		struct pb_cursor c = pb_cursor_of(buf_str(&b));

		assert_int_equal(pb_next(&c, &f), PB_FIELD);
		assert_int_equal(f.bytes.len, lengths[i]);
		assert_int_equal((const char *)c.at - buf_str(&b).ptr,
				 1 +
					 (lengths[i] < 128     ? 1
					  : lengths[i] < 16384 ? 2
							       : 3) +
					 lengths[i]);
		assert_int_equal(pb_next(&c, &f), PB_FIELD);
		assert_int_equal(f.number, 2);
		buf_fini(&b);
	}
}

TEST(pb_finish_leaves_a_full_buffer_alone)
{
	struct buf b = BUF_INIT(130);
	char content[128] = { 0 };
	size_t mark = pb_begin(&b, 1);

	assert_int_equal(buf_append(&b, content, sizeof(content)), 0);
	pb_finish(&b, mark);
	assert_true(b.overflowed);
	buf_fini(&b);
}

TEST(pb_packed_runs_end_where_they_should)
{
	struct pb_cursor c = cursor_of("\x01\xac\x02\x80", 4);
	uint64_t value;

	assert_true(pb_read_varint(&c, &value));
	assert_int_equal(value, 1);
	assert_true(pb_read_varint(&c, &value));
	assert_int_equal(value, 300);
	assert_false(pb_read_varint(&c, &value));
	c = cursor_of("\x01\x00\x00\x00\x02", 5);
	assert_true(pb_read_fixed32(&c, &value));
	assert_int_equal(value, 1);
	assert_false(pb_read_fixed32(&c, &value));
	assert_false(pb_read_fixed64(&c, &value));
}
