/*
 * Instructions of the HTTP/1 codec: `measure_http1 WHAT COUNT` does the same work COUNT times.
 * bench/instructions.sh runs it under callgrind with two counts and divides the difference.
 */

#include <stdio.h>
#include <string.h>

#include "codec/http1.h"

static const struct http1_limits limits = { .count_max = 100, .bytes_max = 60 * 1024 };

static const struct str request = STR_INIT("GET /api/v1/products/1234/reviews?limit=20 HTTP/1.1\r\n"
					   "Host: reviews.shop.svc.weft.local:8080\r\n"
					   "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
					   "Accept: application/json\r\n"
					   "Accept-Encoding: gzip, deflate\r\n"
					   "X-Request-Id: 7f0c2b1e-6a0e-4b57-9d2e-0b1d6c7f3a11\r\n"
					   "Connection: keep-alive\r\n"
					   "\r\n");

static const struct str response = STR_INIT("HTTP/1.1 200 OK\r\n"
					    "Server: nginx/1.22.1\r\n"
					    "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
					    "Content-Type: application/json\r\n"
					    "Content-Length: 1024\r\n"
					    "Last-Modified: Mon, 23 Nov 2026 09:00:00 GMT\r\n"
					    "Connection: keep-alive\r\n"
					    "ETag: \"654321-400\"\r\n"
					    "Accept-Ranges: bytes\r\n"
					    "\r\n");

struct work {
	struct pool pool;
	struct headers h;
	struct http1_head head;
	char out[2048];
};

static size_t read_request(struct work *w)
{
	struct http1_reader r = { 0 };

	return http1_read_request(&r, &limits, request, &w->h, &w->head) == HTTP1_DONE;
}

static size_t read_response(struct work *w)
{
	struct http1_reader r = { 0 };

	return http1_read_response(&r, &limits, response, METHOD_GET, &w->h, &w->head) ==
	       HTTP1_DONE;
}

/* Writes what was read last, with a field added and one removed. */
static size_t write_head(struct work *w)
{
	headers_remove(&w->h, HEADER_CONNECTION);
	headers_add(&w->h, HEADER_X_FORWARDED_PROTO, STR("http"));
	return http1_write_head(&w->h, 0, w->out, sizeof(w->out)) > 0;
}

static size_t pass_request(struct work *w)
{
	return read_request(w) && write_head(w);
}

static size_t pass_response(struct work *w)
{
	return read_response(w) && write_head(w);
}

static const struct {
	const char *name;
	size_t (*run)(struct work *w);
} works[] = {
	{ "read-request", read_request },
	{ "read-response", read_response },
	{ "pass-request", pass_request },
	{ "pass-response", pass_response },
};

int main(int argc, char **argv)
{
	static struct work w;
	uint64_t count;

	if (argc != 3 || str_to_u64(str_from(argv[2]), 100000000, &count) < 0)
		return 2;
	headers_init(&w.h, &w.pool);
	for (size_t i = 0; i < array_count(works); i++) {
		if (strcmp(works[i].name, argv[1]) != 0)
			continue;
		for (uint64_t n = 0; n < count; n++)
			if (!works[i].run(&w))
				return 1;
		pool_fini(&w.pool);
		return 0;
	}
	return 2;
}
