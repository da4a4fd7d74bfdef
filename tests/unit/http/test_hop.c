#include "http/hop.h"

#include "base/buf.h"
#include "test.h"

/* "name: value" pairs, semicolons between them, before and after. */
static void assert_stripped(const char *before, const char *after)
{
	struct pool pool = POOL_INIT(0);
	struct str rest = str_from(before), pair, name;
	struct buf left = BUF_INIT(0);
	struct headers h;

	headers_init(&h, &pool);
	while (str_split(&rest, ';', &pair)) {
		str_split(&pair, ':', &name);
		headers_add_named(&h, str_trim(name), str_trim(pair));
	}
	http_strip_hop_by_hop(&h);
	headers_for_each (field, &h)
		buf_printf(&left, "%.*s:%.*s;", STR_ARGS(field->name), STR_ARGS(field->value));
	assert_str_equal(buf_str(&left), after);
	buf_fini(&left);
	pool_fini(&pool);
}

TEST(fields_of_the_hop_are_taken_out)
{
	assert_stripped("a:b;Connection:keep-alive;Keep-Alive:timeout=5;Proxy-Connection:x;"
			"Transfer-Encoding:chunked;Upgrade:h2c;HTTP2-Settings:AA;c:d",
			"a:b;c:d;");
}

TEST(fields_that_connection_names_are_taken_out)
{
	assert_stripped(
		"X-One:1;Connection:close, x-one , Cookie,,X-Two;x-two:2;cookie:c;X-Three:3",
		"X-Three:3;");
	assert_stripped("Connection:a;Connection:b;a:1;b:2;c:3", "c:3;");
}

TEST(framing_cannot_be_named_away)
{
	assert_stripped("Connection:host, content-length, te;Content-Length:5;TE:trailers",
			"Content-Length:5;TE:trailers;");
}

TEST(te_keeps_trailers_alone)
{
	assert_stripped("TE:gzip, trailersx", "");
	assert_stripped("TE:gzip, trailers", "TE:trailers;");
	assert_stripped("te:deflate", "");
}
