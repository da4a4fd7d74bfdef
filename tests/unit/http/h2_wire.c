#include "h2_wire.h"

#include "test.h"

#define FRAME_HEAD_BYTES 9

static const char *const names[] = { "DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
				     "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
				     "WINDOW_UPDATE", "CONTINUATION" };

static void put(struct buf *out, uint32_t value, int bytes)
{
	while (bytes-- > 0)
		assert_int_equal(buf_append_char(out, (char)(value >> (8 * bytes))), 0);
}

static uint32_t get(struct str s, size_t at, int bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | (uint8_t)s.ptr[at + (size_t)i];
	return value;
}

void wire_frame(struct buf *out, enum h2_wire_type type, uint8_t flags, uint32_t id,
		struct str payload)
{
	put(out, (uint32_t)payload.len, 3);
	put(out, type, 1);
	put(out, flags, 1);
	put(out, id, 4);
	if (payload.len)
		assert_int_equal(buf_append_str(out, payload), 0);
}

static void put_text(struct buf *out, struct str s)
{
	assert_true(s.len < 127);
	put(out, (uint32_t)s.len, 1);
	if (s.len)
		assert_int_equal(buf_append_str(out, s), 0);
}

void wire_headers(struct buf *out, uint8_t flags, uint32_t id, const char *fields)
{
	struct str rest = str_from(fields), pair;
	struct buf block = BUF_INIT(0);

	while (str_split(&rest, ';', &pair)) {
		size_t eq = str_find(pair, 1, '=');

		put(&block, 0, 1);
		put_text(&block, str_slice(pair, 0, eq));
		put_text(&block, str_slice(pair, eq + 1, pair.len));
	}
	wire_frame(out, WIRE_HEADERS, flags | WIRE_END_HEADERS, id, buf_str(&block));
	buf_fini(&block);
}

void wire_u32(struct buf *out, enum h2_wire_type type, uint32_t id, uint32_t value)
{
	char bytes[4] = { (char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
			  (char)value };

	wire_frame(out, type, 0, id, str_of(bytes, sizeof(bytes)));
}

/* ":status" as nghttp2 writes it: an index of the static table, or a literal. */
static void describe_status(struct buf *out, struct str block)
{
	static const int indexed[] = { 200, 204, 206, 304, 400, 404, 500 };
	uint8_t first = block.len ? (uint8_t)block.ptr[0] : 0;

	if (first >= 0x88 && first < 0x88 + 7)
		buf_printf(out, " %d", indexed[first - 0x88]);
	else if (first == 0x08 || first == 0x48)
		buf_printf(out, " literal");
}

static void describe(struct buf *out, uint32_t type, uint8_t flags, uint32_t id, struct str payload)
{
	if (type >= array_count(names))
		return;
	buf_printf(out, "%s", names[type]);
	switch (type) {
	case WIRE_DATA:
	case WIRE_HEADERS:
		buf_printf(out, " %u", id);
		if (type == WIRE_DATA)
			buf_printf(out, " %zu", payload.len);
		else
			describe_status(out, payload);
		if (flags & WIRE_END_STREAM)
			buf_printf(out, " end");
		break;
	case WIRE_RST_STREAM:
		buf_printf(out, " %u %u", id, get(payload, 0, 4));
		break;
	case WIRE_GOAWAY:
		buf_printf(out, " %u %u", get(payload, 0, 4), get(payload, 4, 4));
		break;
	case WIRE_WINDOW_UPDATE:
		buf_printf(out, " %u", id);
		break;
	default:
		if (flags & WIRE_ACK)
			buf_printf(out, " ack");
		break;
	}
	buf_printf(out, "\n");
}

void wire_expect_at(struct peer *p, const char *text, const char *file, int line)
{
	struct buf lines = BUF_INIT(0);

	while (buf_len(&p->got) >= FRAME_HEAD_BYTES) {
		struct str s = buf_str(&p->got);
		uint32_t len = get(s, 0, 3);

		assert_true(s.len >= FRAME_HEAD_BYTES + len);
		describe(&lines, get(s, 3, 1), (uint8_t)get(s, 4, 1), get(s, 5, 4),
			 str_slice(s, FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + len));
		buf_consume(&p->got, FRAME_HEAD_BYTES + len);
	}
	test_assert_str(buf_str(&lines), text, file, line);
	buf_fini(&lines);
}

void wire_forget(struct peer *p)
{
	buf_clear(&p->got);
}
