#include "net/sni.h"

#include <string.h>

#include "base/mem.h"

#include "test.h"
#include "tls_couple.h"

/* A ClientHello under construction: bytes and the places where lengths go. */
struct builder {
	uint8_t bytes[20000];
	size_t len;
};

static void put(struct builder *b, size_t number, size_t bytes)
{
	while (bytes-- > 0)
		b->bytes[b->len++] = (uint8_t)(number >> 8 * bytes);
}

static void put_text(struct builder *b, struct str s)
{
	memcpy(b->bytes + b->len, s.ptr, s.len);
	b->len += s.len;
}

/* Writes into the `bytes` length bytes at `at` how much stands behind them. */
static void close_vector(struct builder *b, size_t at, size_t bytes)
{
	size_t len = b->len - at - bytes;

	for (size_t i = 0; i < bytes; i++)
		b->bytes[at + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
}

static size_t open_vector(struct builder *b, size_t bytes)
{
	put(b, 0, bytes);
	return b->len - bytes;
}

static void put_sni(struct builder *b, struct str name)
{
	size_t extension, list, text;

	put(b, 0, 2);
	extension = open_vector(b, 2);
	list = open_vector(b, 2);
	put(b, 0, 1);
	text = open_vector(b, 2);
	put_text(b, name);
	close_vector(b, text, 2);
	close_vector(b, list, 2);
	close_vector(b, extension, 2);
}

static void put_alpn(struct builder *b, const struct str *names, size_t count)
{
	size_t extension, list;

	put(b, 16, 2);
	extension = open_vector(b, 2);
	list = open_vector(b, 2);
	for (size_t i = 0; i < count; i++) {
		size_t text = open_vector(b, 1);

		put_text(b, names[i]);
		close_vector(b, text, 1);
	}
	close_vector(b, list, 2);
	close_vector(b, extension, 2);
}

/* Everything up to the extensions; returns where their length stands. */
static size_t begin_hello(struct builder *b)
{
	b->len = 0;
	put(b, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		put(b, (size_t)i, 1);
	put(b, 0, 1); /* session id */
	put(b, 2, 2); /* cipher suites */
	put(b, 0x1301, 2);
	put(b, 0x0100, 2); /* compression: null */
	return open_vector(b, 2);
}

/* The message in records of at most record_len bytes. */
static struct builder in_records(const struct builder *body, size_t record_len)
{
	struct builder message = { .len = 0 }, out = { .len = 0 };

	put(&message, 1, 1);
	put(&message, body->len, 3);
	put_text(&message, str_of((const char *)body->bytes, body->len));
	for (size_t at = 0; at < message.len; at += record_len) {
		size_t n = min_of(record_len, message.len - at);

		put(&out, 0x160301, 3);
		put(&out, n, 2);
		put_text(&out, str_of((const char *)message.bytes + at, n));
	}
	return out;
}

static struct str text_of(const struct builder *b)
{
	return str_of((const char *)b->bytes, b->len);
}

static struct builder hello_with_names(size_t record_len)
{
	struct str alpn[] = { STR("h2"), STR("http/1.1") };
	struct builder b;
	size_t extensions = begin_hello(&b);

	put(&b, 0x0a0a, 2); /* an unknown extension */
	put(&b, 1, 2);
	put(&b, 0, 1);
	put_sni(&b, STR("Cart.Shop"));
	put_alpn(&b, alpn, 2);
	close_vector(&b, extensions, 2);
	return in_records(&b, record_len);
}

TEST(the_hello_of_a_real_client_is_read_at_its_last_byte)
{
	struct tls_couple t;
	struct str alpn[] = { STR("h2"), STR("weft") };
	struct client_hello hello;
	struct peer looker;
	struct str in;

	tls_couple_init(&t);
	t.client_side.options.alpn = alpn;
	t.client_side.options.alpn_count = 2;
	t.client_side.sni = STR("cart.shop");
	tls_couple_start(&t);
	conn_close(t.server.conn); /* and with it its lower end */
	world_turn(&t.world, 2);

	struct conn *a, *b;

	memory_conn_pair(t.world.loop, &t.world.chunks, NULL, &a, &b);
	peer_use(&looker, b);
	looker.act.consume_none = true;
	a = tls_conn_new_take(a,
			      &(struct tls_conn_options){ .context = t.client_side.context,
							  .sni = STR("cart.shop") },
			      &peer_handler);
	peer_use(&t.client, a);
	world_turn(&t.world, 2);
	in = conn_input(b);
	for (size_t len = 0; len < in.len; len++)
		assert_int_equal(client_hello_read(str_slice(in, 0, len), &hello), HELLO_MORE);
	assert_int_equal(client_hello_read(in, &hello), HELLO_TLS);
	assert_str_equal(hello.sni, "cart.shop");
	assert_int_equal(hello.alpn_count, 2);
	assert_str_equal(hello.alpn[0], "h2");
	assert_str_equal(hello.alpn[1], "weft");
	assert_ptr_equal(conn_input(b).ptr, in.ptr); /* nothing was consumed */
	conn_close(b);
	world_turn(&t.world, 2);
	peer_fini(&looker);
	tls_couple_fini(&t);
}

TEST(a_hello_split_over_records_is_one_hello)
{
	static const size_t record_lens[] = { 1, 3, 4, 5, 50, 16384 };
	struct client_hello hello;

	for (size_t i = 0; i < array_count(record_lens); i++) {
		struct builder b = hello_with_names(record_lens[i]);

		for (size_t len = 0; len < b.len; len++)
			assert_int_equal(client_hello_read(str_slice(text_of(&b), 0, len), &hello),
					 HELLO_MORE);
		assert_int_equal(client_hello_read(text_of(&b), &hello), HELLO_TLS);
		assert_str_equal(hello.sni, "cart.shop");
		assert_str_equal(hello.alpn[1], "http/1.1");
	}
}

TEST(a_hello_without_names_has_none)
{
	struct client_hello hello;
	struct builder b, records;

	close_vector(&b, begin_hello(&b), 2);
	records = in_records(&b, 16384);
	assert_int_equal(client_hello_read(text_of(&records), &hello), HELLO_TLS);
	assert_str_equal(hello.sni, "");
	assert_int_equal(hello.alpn_count, 0);

	b.len -= 2; /* no extensions at all, as in TLS 1.2 */
	records = in_records(&b, 16384);
	assert_int_equal(client_hello_read(text_of(&records), &hello), HELLO_TLS);
}

TEST(other_protocols_are_told_by_their_first_byte)
{
	struct client_hello hello;

	assert_int_equal(client_hello_read(STR_EMPTY, &hello), HELLO_MORE);
	assert_int_equal(client_hello_read(STR("G"), &hello), HELLO_NOT_TLS);
	assert_int_equal(client_hello_read(STR("GET / HTTP/1.1\r\n"), &hello), HELLO_NOT_TLS);
	assert_int_equal(client_hello_read(STR("PRI * HTTP/2.0"), &hello), HELLO_NOT_TLS);
	assert_int_equal(client_hello_read(STR("\x16\x02"), &hello), HELLO_NOT_TLS);
	assert_int_equal(client_hello_read(STR("\x16\x03"), &hello), HELLO_MORE);
}

static enum hello_result read_body(struct builder *b)
{
	struct builder records = in_records(b, 16384);
	struct client_hello hello;

	return client_hello_read(text_of(&records), &hello);
}

TEST(a_hello_with_wrong_lengths_is_refused)
{
	struct builder good = hello_with_names(16384);
	struct client_hello hello;

	/* Every length byte off by one, from the message's to the last name's. */
	for (size_t i = 5; i < good.len; i++) {
		struct builder b = good;
		enum hello_result r;

		b.bytes[i] ^= 0x80;
		r = client_hello_read(text_of(&b), &hello); /* under the sanitizers */
		assert_true(r != HELLO_NOT_TLS);
	}
}

TEST(doubtful_names_are_refused)
{
	struct str empty[] = { STR("") }, one[] = { STR("h2") };
	char long_name[256];
	struct builder b;
	size_t extensions;

	extensions = begin_hello(&b);
	put_sni(&b, STR("a\0b"));
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);

	extensions = begin_hello(&b);
	put_sni(&b, STR(""));
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);

	memset(long_name, 'n', sizeof(long_name));
	extensions = begin_hello(&b);
	put_sni(&b, str_of(long_name, 256));
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);

	extensions = begin_hello(&b);
	put_sni(&b, STR("one"));
	put_sni(&b, STR("two"));
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);

	extensions = begin_hello(&b);
	put_alpn(&b, empty, 1);
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);

	extensions = begin_hello(&b);
	put_alpn(&b, one, 1);
	put_alpn(&b, one, 1);
	close_vector(&b, extensions, 2);
	assert_int_equal(read_body(&b), HELLO_BROKEN);
}

TEST(more_protocols_than_fit_are_left_out)
{
	struct str names[40];
	struct client_hello hello;
	struct builder b, records;
	size_t extensions = begin_hello(&b);

	for (size_t i = 0; i < array_count(names); i++)
		names[i] = STR("protocol-of-30-bytes-in-length");
	put_alpn(&b, names, array_count(names));
	close_vector(&b, extensions, 2);
	records = in_records(&b, 16384);
	assert_int_equal(client_hello_read(text_of(&records), &hello), HELLO_TLS);
	assert_int_equal(hello.alpn_count, HELLO_ALPN_BYTES_MAX / 30);
}

TEST(a_hello_beyond_the_limit_is_refused_and_not_waited_for)
{
	struct client_hello hello;
	static char input[HELLO_BYTES_MAX + 1];

	/* Its length says so. */
	assert_int_equal(client_hello_read(STR("\x16\x03\x01\x40\x00\x01\x00\x40\x00"), &hello),
			 HELLO_BROKEN);
	/* Many small records. */
	for (size_t i = 0; i + 6 <= sizeof(input); i += 6)
		memcpy(input + i, "\x16\x03\x01\x00\x01\x01", 6);
	assert_int_equal(client_hello_read(str_of(input, sizeof(input)), &hello), HELLO_BROKEN);
	/* Another record, another message, an empty record. */
	assert_int_equal(client_hello_read(STR("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), &hello),
			 HELLO_BROKEN);
	assert_int_equal(client_hello_read(STR("\x16\x03\x01\x00\x00"), &hello), HELLO_BROKEN);
	assert_int_equal(
		client_hello_read(STR("\x16\x03\x01\x00\x01\x01\x17\x03\x01\x00\x01\x01"), &hello),
		HELLO_BROKEN);
}
