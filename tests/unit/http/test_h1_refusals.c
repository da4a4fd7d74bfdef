#include "server_rig.h"

static const struct {
	const char *text;
	uint16_t status;
	enum http_fault fault;
	const char *detail;
} refused[] = {
	{ "GET / HTTP/1.1\r\n\r\n", 400, HTTP_FAULT_HOST_MISSING, "Host is missing" },
	{ "GET / HTTP/1.0\r\n\r\n", 400, HTTP_FAULT_HOST_MISSING, "Host is missing" },
	{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\n\r\n", 501, HTTP_FAULT_CODING,
	  "Transfer-Encoding is not exactly chunked" },
	{ "GET / HTTP/1.1\nHost: a\n\n", 400, HTTP_FAULT_CODEC, "a line does not end with CR LF" },
	{ "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 403, HTTP_FAULT_UPGRADE,
	  "CONNECT is not allowed" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 403,
	  HTTP_FAULT_UPGRADE, "upgrades are not allowed" },
	{ "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", 431, HTTP_FAULT_HEAD_MANY,
	  "the fields are over the limit of their number" },
};

TEST(what_is_wrong_is_answered_and_the_connection_ends)
{
	for (size_t i = 0; i < array_count(refused); i++) {
		struct server v;
		char text[256];

		server_init(&v, &(struct http_server_options){ .headers_count_max = 2 });
		peer_say(&v.client, str_from(refused[i].text));
		snprintf(text, sizeof(text),
			 "HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n"
			 "connection: close\r\n\r\n%s\n",
			 refused[i].status, status_text(refused[i].status).ptr,
			 strlen(refused[i].detail) + 1, refused[i].detail);
		peer_expect(&v.client, text);
		snprintf(text, sizeof(text), "fault %d %d: %s\n", refused[i].fault,
			 refused[i].status, refused[i].detail);
		notes_expect(&v.notes, text);
		assert_true(v.client.eof);
		server_fini(&v);
	}
}

#define OLD_REFUSED                                                                           \
	"HTTP/1.1 426 Upgrade Required\r\ncontent-type: text/plain\r\ncontent-length: 25\r\n" \
	"upgrade: HTTP/1.1\r\nconnection: upgrade, close\r\n\r\nHTTP/1.0 is not accepted\n"

TEST(an_old_version_is_refused_where_it_is_not_accepted)
{
	static const struct {
		const char *request, *answer;
	} requests[] = {
		{ "GET / HTTP/1.0\r\n\r\n", OLD_REFUSED },
		{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n", OLD_REFUSED },
		{ "GET / HTTP/1.0\r\nHost: a\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HELLO },
	};

	for (size_t i = 0; i < array_count(requests); i++) {
		struct server v;

		server_init(&v, &(struct http_server_options){ .http10_refused = true });
		v.notes.on_headers = reply_hello;
		peer_say(&v.client, str_from(requests[i].request));
		assert_true(str_has_prefix(buf_str(&v.client.got), str_from(requests[i].answer)));
		server_fini(&v);
	}
}

TEST(an_old_request_gets_the_default_host)
{
	struct server v;

	server_init(&v, &(struct http_server_options){ .default_host = STR("d") });
	peer_say(&v.client, STR("GET / HTTP/1.0\r\n\r\n"));
	notes_expect(&v.notes, "headers GET d / end\n");
	server_fini(&v);
}

TEST(a_large_head_is_refused)
{
	struct server v;
	char text[300];

	server_init(&v, &(struct http_server_options){ .headers_bytes_max = 200 });
	memset(text, 'a', sizeof(text));
	peer_say(&v.client, STR("GET / HTTP/1.1\r\nHost: a\r\nX: "));
	peer_say(&v.client, str_of(text, sizeof(text)));
	notes_expect(&v.notes, "fault 14 431: the fields are over the limit of bytes\n");
	assert_true(v.client.eof);
	server_fini(&v);
}
