#pragma once

/*
 * One request, one answer
 *
 * A small client for programs that ask a server something: the command line, tests. It
 * connects, asks, gives the answer and closes. Everything runs on the loop; the body is kept
 * up to a limit, or handed on piece by piece.
 */

#include "event/loop.h"
#include "http/client.h"
#include "message/address.h"

struct http_fetch;
struct tls_context;

struct http_fetch_field {
	struct str name;
	struct str value;
};

/* What came of it. Borrowed for the callback. */
struct http_fetch_result {
	int error; /* 0: a whole answer came; ERR_TIMEOUT, ERR_LIMIT (the body), ERR_TLS, … */
	const char *detail;            /* of an error: why the handshake failed, or err_text() */
	uint16_t status;               /* 0: no head came */
	const struct headers *headers; /* NULL: no head came */
	struct str body;
};

/* All text is copied. */
struct http_fetch_options {
	const struct address *address;
	struct tls_context *tls; /* NULL: clear text */
	struct str sni;
	enum http_codec codec; /* AUTO: ALPN, else HTTP/1 */

	struct str method;    /* empty: GET */
	struct str path;      /* empty: "/" */
	struct str authority; /* empty: the address, or "localhost" for a Unix socket */
	const struct http_fetch_field *fields;
	size_t field_count;
	struct str body;

	uint32_t body_bytes_max; /* of the answer; 0: 16 MiB */
	struct duration timeout; /* of the whole; 0: 30 s; DURATION_FOREVER: none */

	/* Both may be NULL. With on_data the body is not kept, and has no limit. */
	void (*on_head)(struct http_fetch *f, const struct headers *h);
	void (*on_data)(struct http_fetch *f, struct str data);
	/* The last callback, exactly once; never from within http_fetch_start(). */
	void (*on_done)(struct http_fetch *f, const struct http_fetch_result *result);
	void *user;
};

struct http_fetch *http_fetch_start(struct loop *l, struct chunk_stock *chunks,
				    const struct http_fetch_options *options);
void *http_fetch_user(const struct http_fetch *f);
/* on_done does not come. Also inside callbacks. */
void http_fetch_cancel(struct http_fetch *f);
