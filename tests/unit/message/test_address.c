#include "message/address.h"

#include <string.h>

#include "base/error.h"

#include "test.h"

static struct address parsed(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(str_from(text), &a), 0);
	return a;
}

TEST(addresses_come_back_as_they_were_written)
{
	static const char *const texts[] = { "127.0.0.1:80",     "[::1]:8080",
					     "0.0.0.0:0",        "[2001:db8::1]:65535",
					     "unix:/run/x.sock", "unix:@abstract" };

	for (size_t i = 0; i < array_count(texts); i++) {
		struct address a = parsed(texts[i]);

		assert_string_equal(address_text(&a), texts[i]);
	}
}

TEST(what_is_no_address_is_refused)
{
	static const char *const texts[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"::1:80",
		"[127.0.0.1]:80",
		"[::1]",
		"[::1:80",
		"name:80",
		"01.2.3.4:80",
		"1.2.3:80",
		"[]:80",
		"[fe80::1%lo]:80",
		"unix:",
		":80",
	};
	struct address a;

	for (size_t i = 0; i < array_count(texts); i++)
		assert_int_equal(address_parse(str_from(texts[i]), &a), ERR_SYNTAX);
	assert_int_equal(address_from_unix(STR("a\0b"), &a), ERR_SYNTAX);
}

TEST(a_unix_path_may_have_107_bytes)
{
	char path[109];
	struct address a;

	memset(path, 'p', sizeof(path));
	assert_int_equal(address_from_unix(str_of(path, 107), &a), 0);
	assert_int_equal(address_from_unix(str_of(path, 108), &a), ERR_LIMIT);
}

TEST(the_port_is_apart_from_the_ip)
{
	struct address a = parsed("[::1]:443"), u = parsed("unix:/x");
	struct buf b = BUF_INIT(0);

	assert_int_equal(address_port(&a), 443);
	address_set_port(&a, 444);
	address_format_ip(&a, &b);
	assert_str_equal(buf_str(&b), "::1");
	buf_clear(&b);
	address_format(&a, &b);
	assert_str_equal(buf_str(&b), "[::1]:444");
	buf_clear(&b);
	address_format_ip(&u, &b);
	assert_str_equal(buf_str(&b), "/x");
	assert_int_equal(address_port(&u), 0);
	buf_fini(&b);
}

TEST(equal_addresses_have_equal_parts)
{
	struct address a = parsed("10.0.0.1:1"), b = parsed("10.0.0.1:1"), c = parsed("10.0.0.1:2");
	struct address u = parsed("unix:@a"), v = parsed("unix:/a"), none = { 0 };

	assert_true(address_eq(&a, &b));
	assert_false(address_eq(&a, &c));
	assert_false(address_eq(&a, &u));
	assert_false(address_eq(&u, &v));
	assert_true(address_eq(&u, &u));
	assert_false(address_eq(&a, &none));
	assert_true(address_eq(&none, &none));
	assert_string_equal(address_text(&none), "");
}

TEST(loopback_is_127_8_and_1_and_unix)
{
	struct address a = parsed("127.8.9.1:1"), b = parsed("[::1]:1"), c = parsed("128.0.0.1:1"),
		       u = parsed("unix:/a");

	assert_true(address_is_loopback(&a));
	assert_true(address_is_loopback(&b));
	assert_true(address_is_loopback(&u));
	assert_false(address_is_loopback(&c));
}
