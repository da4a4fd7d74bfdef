#pragma once

/*
 * HTTP/1 messages, strict (RFC 9112)
 *
 * Reading. The head of a message is parsed in place: what comes out is slices into the input
 * (message/headers.h). A parser attempt walks the input once. When the head is not complete,
 * the reader remembers how far it has searched for the blank line and tries again only when
 * that line is there, or when the input has doubled, so that faults show early and one byte
 * at a time still costs linear time.
 *
 * What decides where a message ends must be beyond doubt, because the next hop may read a
 * doubtful message differently: two lengths, length and coding together, a coding that is
 * not exactly "chunked", a bare CR or LF, a folded line, control bytes, space around names,
 * a Host that is missing, repeated or invalid, a name like Content_Length that some servers
 * take for the real one: each is a fault with a name. Nothing is repaired.
 *
 * What a head loses by being read: `Host` becomes h->authority (the authority of an absolute
 * target wins, RFC 9112 §3.2.2), `Transfer-Encoding` becomes the framing. `Content-Length`
 * stays. Fields of this connection alone (Connection and what it names) stay too: they are
 * removed by http/hop.h when a message is passed on.
 *
 * Writing. A head is written flat into memory of the caller. Lines that stand unchanged as
 * they were received are recognised, and whole runs of them are copied at once: for the few
 * hundred bytes of a head this costs fewer instructions, in here and in the kernel, than a
 * vector over its parts. Bodies are never copied: chunk framing is a prefix and a suffix.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "message/headers.h"

// clang-format off
#define HTTP1_FAULT_MAP(X)                                                              \
	X(HTTP1_FAULT_NONE,            "no fault")                                      \
	X(HTTP1_FAULT_METHOD,          "the method is not a token")                     \
	X(HTTP1_FAULT_TARGET,          "the request target is invalid")                 \
	X(HTTP1_FAULT_VERSION,         "the version is neither HTTP/1.1 nor HTTP/1.0")  \
	X(HTTP1_FAULT_STATUS,          "the status line is invalid")                    \
	X(HTTP1_FAULT_LINE_END,        "a line does not end with CR LF")                \
	X(HTTP1_FAULT_NAME,            "a field name is not a token")                   \
	X(HTTP1_FAULT_NAME_LIKE,       "a field name that may be taken for framing")    \
	X(HTTP1_FAULT_VALUE,           "a field value contains a control byte")         \
	X(HTTP1_FAULT_FOLD,            "a field is folded over lines")                  \
	X(HTTP1_FAULT_HOST_MISSING,    "Host is missing")                               \
	X(HTTP1_FAULT_HOST_REPEATED,   "Host is repeated")                              \
	X(HTTP1_FAULT_HOST,            "Host is invalid")                               \
	X(HTTP1_FAULT_LENGTH,          "Content-Length is not a number")                \
	X(HTTP1_FAULT_LENGTH_REPEATED, "Content-Length is repeated")                    \
	X(HTTP1_FAULT_CODING,          "Transfer-Encoding is not exactly chunked")      \
	X(HTTP1_FAULT_CODING_LENGTH,   "Transfer-Encoding and Content-Length together") \
	X(HTTP1_FAULT_CODING_VERSION,  "Transfer-Encoding in HTTP/1.0")                 \
	X(HTTP1_FAULT_NO_BODY,         "a length or coding where there is no body")     \
	X(HTTP1_FAULT_CHUNK_SIZE,      "a chunk size is invalid")                       \
	X(HTTP1_FAULT_CHUNK_EXTENSION, "a chunk extension is invalid")                  \
	X(HTTP1_FAULT_CHUNK_LARGE,     "chunk extensions are over the limit")           \
	X(HTTP1_FAULT_CHUNK_END,       "a chunk is longer than its size")               \
	X(HTTP1_FAULT_TRAILER,         "a trailer that belongs in the head")            \
	X(HTTP1_FAULT_BYTES,           "the fields are over the limit of bytes")        \
	X(HTTP1_FAULT_COUNT,           "the fields are over the limit of their number")
// clang-format on

enum http1_fault {
#define X(name, text) name,
	HTTP1_FAULT_MAP(X)
#undef X
};

/* "Host is missing" */
const char *http1_fault_text(enum http1_fault fault);

enum http1_result {
	HTTP1_DONE,
	HTTP1_MORE, /* more bytes are needed; nothing was consumed */
	HTTP1_BAD,  /* head->fault says why */
};

/* How the body ends. */
enum http1_body {
	HTTP1_BODY_NONE,
	HTTP1_BODY_LENGTH,
	HTTP1_BODY_CHUNKED,
	HTTP1_BODY_CLOSE, /* responses only: with the connection */
};

struct http1_limits {
	uint32_t count_max; /* fields, without Host and Transfer-Encoding */
	uint32_t bytes_max; /* of the whole head, or of the trailers */
	/* The authority of a request of HTTP/1.0 that names none; empty: it is refused. What is
	 * read without an authority could not be passed on as HTTP/1.1. */
	struct str default_host;
};

/* Progress on one head; zero it for each. */
struct http1_reader {
	size_t searched; /* bytes in which no blank line ends */
	size_t tried;    /* length of the input at the last attempt; 0: none */
};

struct http1_head {
	enum http1_fault fault;
	size_t len; /* of the head, blank line included: to be consumed */
	enum http1_body body;
	uint64_t length;      /* HTTP1_BODY_LENGTH: more than 0 */
	bool keep_alive;      /* the sender lets the connection live on */
	bool upgrade;         /* Upgrade, named by Connection */
	bool expect_continue; /* Expect: 100-continue in HTTP/1.1 */
};

/*
 * `input` starts with the head. DONE: `h` is filled, in slices of the input (and, for an
 * absolute target without a path, of h->pool). Otherwise `h` is not to be used. `h` is
 * cleared first; its scheme is set only where the target names it. `limits` are held before
 * anything that a peer sends can grow.
 */
enum http1_result http1_read_request(struct http1_reader *r, const struct http1_limits *limits,
				     struct str input, struct headers *h,
				     struct http1_head *ret_head);

/* `request` is the method of the request that is answered: a response to HEAD has no body. */
enum http1_result http1_read_response(struct http1_reader *r, const struct http1_limits *limits,
				      struct str input, enum method request, struct headers *h,
				      struct http1_head *ret_head);

/*
 * The trailers behind the last chunk, with their blank line. Fields that frame or route a
 * message are a fault there; ret_head has `fault` and `len` only.
 */
enum http1_result http1_read_trailers(struct http1_reader *r, const struct http1_limits *limits,
				      struct str input, struct headers *h,
				      struct http1_head *ret_head);

/* A host, with a port or without, as in Host and :authority. Not empty, no user. */
bool http1_host_is_valid(struct str host);

/*
 * Chunked bodies
 *
 * http1_chunked_next() takes bytes off the front of *input and gives one event. Extensions
 * are checked and dropped: at most 1 KiB a line and 16 KiB a message.
 */

enum http1_chunked_event {
	HTTP1_CHUNKED_MORE,     /* the input is used up */
	HTTP1_CHUNKED_DATA,     /* *ret_data is a piece of the body, not empty */
	HTTP1_CHUNKED_TRAILERS, /* go on with http1_read_trailers() */
	HTTP1_CHUNKED_BAD,      /* c->fault says why */
};

struct http1_chunked {
	uint8_t state; /* zero: at the start of a body */
	uint8_t digits;
	enum http1_fault fault;
	uint16_t line_bytes;      /* of extensions in this line */
	uint32_t extension_bytes; /* of all of them */
	uint64_t left;            /* of the chunk */
};

enum http1_chunked_event http1_chunked_next(struct http1_chunked *c, struct str *input,
					    struct str *ret_data);

/* The line in front of a chunk of `len` bytes (not 0), for at most HTTP1_CHUNK_LINE_MAX. */
#define HTTP1_CHUNK_LINE_MAX 18
size_t http1_write_chunk_line(char *out, uint64_t len);
/* Behind each chunk, and at the end of the body (without trailers). */
#define HTTP1_CHUNK_END  STR("\r\n")
#define HTTP1_CHUNK_LAST STR("0\r\n\r\n")

/*
 * Heads
 */

/* What the writer adds to the fields, or leaves out. */
enum http1_add {
	HTTP1_ADD_CHUNKED = 1 << 0,     /* transfer-encoding: chunked */
	HTTP1_ADD_LENGTH_ZERO = 1 << 1, /* content-length: 0 */
	HTTP1_ADD_CLOSE = 1 << 2,       /* connection: close */
	HTTP1_ADD_KEEP_ALIVE = 1 << 3,  /* connection: keep-alive, for HTTP/1.0 */
	HTTP1_DROP_LENGTH = 1 << 4,     /* leaves content-length out */
};

/*
 * A request when h->status is 0, else a response; always as HTTP/1.1. Returns its length; 0
 * when the head cannot be written: a name, value, method, target or status that would not
 * survive the wire; or more than `room` when it does not fit: so much room is enough.
 */
size_t http1_write_head(const struct headers *h, unsigned add, char *out, size_t room);

/* "0", the trailers, the blank line: the same for the end of a chunked body. Framing fields
 * among them are left out. */
size_t http1_write_trailers(const struct headers *trailers, char *out, size_t room);
