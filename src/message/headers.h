#pragma once

/*
 * The head of a message: pseudo-fields and header fields
 *
 * A header is a slice into the connection's chunk, the stream's pool, an nghttp2 buffer that
 * the stream holds, or static text: nothing is copied that is not changed. Well-known names
 * are interned as small numbers, so that looking one up is a scan over 16-bit ids and not a
 * comparison of text. The case of a name is kept as received for HTTP/1; all comparisons are
 * without case. Duplicates stay separate and in order; trailers have the same type.
 *
 * Names of our own making are written in lower case.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"

/* Well-known field names, in order of their ids. */
// clang-format off
#define HEADER_MAP(X)                                           \
	X(HEADER_HOST, "host")                                  \
	X(HEADER_CONNECTION, "connection")                      \
	X(HEADER_CONTENT_LENGTH, "content-length")              \
	X(HEADER_CONTENT_TYPE, "content-type")                  \
	X(HEADER_TRANSFER_ENCODING, "transfer-encoding")        \
	X(HEADER_UPGRADE, "upgrade")                            \
	X(HEADER_TE, "te")                                      \
	X(HEADER_TRAILER, "trailer")                            \
	X(HEADER_KEEP_ALIVE, "keep-alive")                      \
	X(HEADER_PROXY_CONNECTION, "proxy-connection")          \
	X(HEADER_PROXY_AUTHENTICATE, "proxy-authenticate")      \
	X(HEADER_PROXY_AUTHORIZATION, "proxy-authorization")    \
	X(HEADER_EXPECT, "expect")                              \
	X(HEADER_DATE, "date")                                  \
	X(HEADER_SERVER, "server")                              \
	X(HEADER_USER_AGENT, "user-agent")                      \
	X(HEADER_ACCEPT, "accept")                              \
	X(HEADER_ACCEPT_ENCODING, "accept-encoding")            \
	X(HEADER_AUTHORIZATION, "authorization")                \
	X(HEADER_COOKIE, "cookie")                              \
	X(HEADER_LOCATION, "location")                          \
	X(HEADER_VIA, "via")                                    \
	X(HEADER_RETRY_AFTER, "retry-after")                    \
	X(HEADER_ETAG, "etag")                                  \
	X(HEADER_LAST_MODIFIED, "last-modified")                \
	X(HEADER_CONTENT_ENCODING, "content-encoding")          \
	X(HEADER_HTTP2_SETTINGS, "http2-settings")              \
	X(HEADER_X_REQUEST_ID, "x-request-id")                  \
	X(HEADER_X_FORWARDED_FOR, "x-forwarded-for")            \
	X(HEADER_X_FORWARDED_PROTO, "x-forwarded-proto")        \
	X(HEADER_X_FORWARDED_HOST, "x-forwarded-host")          \
	X(HEADER_X_FORWARDED_CLIENT_CERT, "x-forwarded-client-cert") \
	X(HEADER_X_ENVOY_UPSTREAM_SERVICE_TIME, "x-envoy-upstream-service-time") \
	X(HEADER_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, "x-envoy-expected-rq-timeout-ms") \
	X(HEADER_X_ENVOY_ATTEMPT_COUNT, "x-envoy-attempt-count") \
	X(HEADER_TRACEPARENT, "traceparent")                    \
	X(HEADER_TRACESTATE, "tracestate")                      \
	X(HEADER_GRPC_STATUS, "grpc-status")                    \
	X(HEADER_GRPC_MESSAGE, "grpc-message")                  \
	X(HEADER_GRPC_TIMEOUT, "grpc-timeout")                  \
	X(HEADER_GRPC_ENCODING, "grpc-encoding")                \
	X(HEADER_GRPC_ACCEPT_ENCODING, "grpc-accept-encoding")
// clang-format on

enum header_id {
	HEADER_OTHER = 0,
#define X(id, text) id,
	HEADER_MAP(X)
#undef X
		HEADER_ID_COUNT,
	HEADER_REMOVED = 0xffff, /* the slot is dead: skipped by everything */
};

enum method {
	METHOD_OTHER = 0, /* a valid token that is none of these */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_CONNECT,
	METHOD_OPTIONS,
	METHOD_TRACE,
	METHOD_PATCH,
};

struct header {
	struct str name;
	struct str value;
	uint16_t id; /* enum header_id */
	/* Set by the HTTP/1 codec: name, ": ", value and CRLF stand in memory one behind the
	 * other, so that the line can be passed on whole. */
	bool as_received;
};

struct headers {
	/* Requests; status is 0. The text of the method stays as received. */
	struct str method;
	struct str scheme;    /* "http", "https" */
	struct str authority; /* Host, or :authority */
	struct str path;      /* origin form with query, or "*" */
	enum method method_id;
	/* Responses; method is empty. */
	uint16_t status;
	/* "HTTP/1.0" is 10, "HTTP/1.1" is 11, HTTP/2 is 20: as received. */
	uint8_t version;

	/* The rest is read with the functions below. */
	struct header *items;
	uint32_t count; /* slots in use, dead ones included */
	uint32_t capacity;
	struct pool *pool; /* where items grow; borrowed, lives as long as the stream */
};

/* Empty, growing in `pool`. */
void headers_init(struct headers *h, struct pool *pool);
/* Drops all fields and pseudo-fields; keeps the memory and the pool. */
void headers_clear(struct headers *h);

void headers_grow(struct headers *h); /* for headers_append() */
/* Appends a field as it stands: for codecs, which know the id. */
static inline void headers_append(struct headers *h, const struct header *field)
{
	if (h->count == h->capacity)
		headers_grow(h);
	h->items[h->count++] = *field;
}

/* Appends. The bytes are borrowed for the life of the headers. Limits are the codec's. */
void headers_add(struct headers *h, enum header_id id, struct str value); /* id != HEADER_OTHER */
void headers_add_named(struct headers *h, struct str name, struct str value); /* interns name */
/* Replaces all fields of that name by one. */
void headers_set(struct headers *h, enum header_id id, struct str value);
void headers_remove(struct headers *h, enum header_id id);
void headers_remove_named(struct headers *h, struct str name);

/* The first field, or NULL. */
struct header *headers_get(const struct headers *h, enum header_id id);
struct header *headers_get_named(const struct headers *h, struct str name);
/*
 * Which well-known names are there: bit `id` of the result, found in one walk. Whoever asks for
 * several names that are usually absent looks here first.
 */
static inline uint64_t headers_ids(const struct headers *h)
{
	uint64_t ids = 0;

	_Static_assert(HEADER_ID_COUNT <= 64, "an id is a bit");
	for (uint32_t i = 0; i < h->count; i++)
		if (h->items[i].id < HEADER_ID_COUNT)
			ids |= 1ull << h->items[i].id;
	return ids;
}

static inline bool headers_ids_have(uint64_t ids, enum header_id id)
{
	return ids >> id & 1;
}

/* Number of fields of that name, and of live fields in all. */
uint32_t headers_count_of(const struct headers *h, enum header_id id);
uint32_t headers_count(const struct headers *h);

/* A deep copy into dst's pool: for retries and for what outlives the buffers. */
void headers_copy(struct headers *dst, const struct headers *src);

/*
 * Does a comma-separated list field (Connection, TE, …) contain `token`, without case, in
 * any of its fields?
 */
bool headers_list_has(const struct headers *h, enum header_id id, struct str token);

/* The id of a name in any case, HEADER_OTHER when it is not well known. */
enum header_id header_id_of(struct str name);
/* The lower-case text of an id. */
struct str header_id_text(enum header_id id);

enum method method_of(struct str text);
struct str method_text(enum method m);
/* RFC 9110 §9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE. */
bool method_is_idempotent(enum method m);

/* "OK" for 200; empty when the registry has none. */
struct str status_text(uint16_t status);

/* `field` is a struct header *; dead slots are skipped. */
#define headers_for_each(field, h)                                                         \
	for (struct header *field = (h)->items, *end_of_##field = (h)->items + (h)->count; \
	     field != end_of_##field; field++)                                             \
		if (field->id != HEADER_REMOVED)
