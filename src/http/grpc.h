#pragma once

/*
 * gRPC calls, client and server
 *
 * A call is one stream of an HTTP/2 connection that carries messages: five bytes of prefix
 * (flag, length) and the message, cut into DATA frames anywhere. Both sides are the same
 * struct grpc_call and are driven alike:
 *
 *	            grpc_send*   grpc_send_end (client) or grpc_finish (server)
 *	  user   ──────────────────────────────────────────────▶  call
 *	         ◀──────────────────────────────────────────────
 *	            on_message*  on_half_close (server), on_closed (both)
 *
 * A server's call ends with grpc_finish(), which sends the status; a client's when the status
 * came. on_closed is the last callback, exactly once: the call is freed afterwards, drop the
 * pointer there. grpc_cancel() is allowed at any time, also inside callbacks, and on_closed
 * follows.
 *
 * Not here: compression (a set flag ends the call with INTERNAL, as in Envoy), retries.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "http/client.h"
#include "http/stream.h"

/* In the order of their numbers. */
// clang-format off
#define GRPC_STATUS_MAP(X)                                    \
	X(GRPC_OK,                  "OK")                     \
	X(GRPC_CANCELLED,           "CANCELLED")              \
	X(GRPC_UNKNOWN,             "UNKNOWN")                \
	X(GRPC_INVALID_ARGUMENT,    "INVALID_ARGUMENT")       \
	X(GRPC_DEADLINE_EXCEEDED,   "DEADLINE_EXCEEDED")      \
	X(GRPC_NOT_FOUND,           "NOT_FOUND")              \
	X(GRPC_ALREADY_EXISTS,      "ALREADY_EXISTS")         \
	X(GRPC_PERMISSION_DENIED,   "PERMISSION_DENIED")      \
	X(GRPC_RESOURCE_EXHAUSTED,  "RESOURCE_EXHAUSTED")     \
	X(GRPC_FAILED_PRECONDITION, "FAILED_PRECONDITION")    \
	X(GRPC_ABORTED,             "ABORTED")                \
	X(GRPC_OUT_OF_RANGE,        "OUT_OF_RANGE")           \
	X(GRPC_UNIMPLEMENTED,       "UNIMPLEMENTED")          \
	X(GRPC_INTERNAL,            "INTERNAL")               \
	X(GRPC_UNAVAILABLE,         "UNAVAILABLE")            \
	X(GRPC_DATA_LOSS,           "DATA_LOSS")              \
	X(GRPC_UNAUTHENTICATED,     "UNAUTHENTICATED")
// clang-format on

enum grpc_status {
#define X(name, text) name,
	GRPC_STATUS_MAP(X)
#undef X
		GRPC_STATUS_COUNT
};

/* "UNAVAILABLE"; "UNKNOWN" for numbers outside the table. */
const char *grpc_status_text(enum grpc_status status);

struct grpc_call;

/* All optional but on_closed. */
struct grpc_call_handler {
	/* Client: the head of the answer; not called when the answer is a status alone. */
	void (*on_headers)(struct grpc_call *call, const struct headers *h);
	/* One whole message, borrowed for the callback; may be empty. */
	void (*on_message)(struct grpc_call *call, struct str message);
	/* Server: the client has sent its last message. */
	void (*on_half_close)(struct grpc_call *call);
	/* What grpc_send() queued was taken by the connection. */
	void (*on_sent)(struct grpc_call *call);
	/*
	 * The last callback. Client: the status and text of the server, or what the failure of
	 * the stream means in gRPC. Server: what was given to grpc_finish(), CANCELLED when the
	 * client went away, DEADLINE_EXCEEDED when its time was over.
	 */
	void (*on_closed)(struct grpc_call *call, enum grpc_status status, struct str text);
};

/* Of either side. */
void *grpc_call_user(const struct grpc_call *call);
struct loop *grpc_call_loop(const struct grpc_call *call);
/* For addresses and TLS facts; NULL when it is gone. */
struct conn *grpc_call_conn(const struct grpc_call *call);

/*
 * Sends one message; the bytes are copied. SEND_QUEUED: send nothing more until on_sent.
 * SEND_CLOSED: the call is ending, the message was dropped.
 */
enum send_result grpc_send(struct grpc_call *call, struct str message);
/* Are messages still waiting? (grpc_send() would return SEND_QUEUED.) */
bool grpc_call_is_blocked(const struct grpc_call *call);

/* No on_message until grpc_resume(): the peer's flow-control window stays shut. */
void grpc_pause(struct grpc_call *call);
void grpc_resume(struct grpc_call *call);

/* Ends the call at once: RST_STREAM with CANCEL. on_closed follows with CANCELLED. */
void grpc_cancel(struct grpc_call *call);

/*
 * Client
 */

struct grpc_metadata {
	struct str name; /* lower case */
	struct str value;
};

struct grpc_call_options {
	struct str path;                      /* "/package.Service/Method"; static text */
	struct str authority;                 /* of the request; copied */
	struct str user_agent;                /* empty: "weft/VERSION" */
	struct duration timeout;              /* sent as grpc-timeout and enforced here; 0: none */
	uint32_t message_bytes_max;           /* received; 0: 4 MiB */
	const struct grpc_metadata *metadata; /* copied */
	size_t metadata_count;
};

/*
 * Begins a call: its head is sent, messages follow with grpc_send() and end with
 * grpc_send_end(). NULL when the connection takes no stream now
 * (http_client_conn_available()).
 */
struct grpc_call *grpc_call_begin(struct http_client_conn *hc,
				  const struct grpc_call_options *options,
				  const struct grpc_call_handler *handler, void *user);
/* The last message was sent. The answer may go on. */
void grpc_send_end(struct grpc_call *call);

/* What a unary call came to. Everything is borrowed for the callback. */
struct grpc_answer {
	enum grpc_status status;
	struct str text;    /* grpc-message, decoded */
	struct str message; /* when status is GRPC_OK */
};

/*
 * One request, one answer. on_answer comes exactly once, later. NULL when the connection
 * takes no stream now. The call can be cancelled with grpc_cancel().
 */
struct grpc_call *
grpc_unary(struct http_client_conn *hc, const struct grpc_call_options *options, struct str request,
	   void (*on_answer)(struct grpc_call *call, const struct grpc_answer *answer), void *user);

/*
 * Server
 */

struct grpc_method {
	struct str path; /* "/package.Service/Method" */
	/*
	 * One of the two. Unary: called with the one message, borrowed for the callback; answer
	 * with grpc_reply() or grpc_finish(), now or later. Who answers later calls
	 * grpc_accept() with an on_closed, to learn of a client that goes away meanwhile.
	 */
	void (*on_unary)(struct grpc_call *call, struct str request);
	/* Streaming: called with the head; set handler and user with grpc_accept(), or refuse
	 * with grpc_finish(). */
	void (*on_begin)(struct grpc_call *call, const struct headers *h);
	uint32_t message_bytes_max;  /* received; 0: 4 MiB */
	struct duration timeout_max; /* caps the client's grpc-timeout; 0: none of our own */
};

struct grpc_service {
	const struct grpc_method *methods;
	size_t method_count;
	void *user; /* grpc_call_service_user() */
};

/* Is this request gRPC by its content type? */
bool grpc_request_is(const struct headers *h);

/*
 * Serves a stream of an HTTP/2 server connection from its on_headers on: looks the method
 * up, and answers by itself what is no valid gRPC request (415, UNIMPLEMENTED, INTERNAL).
 * The service outlives the stream.
 */
void grpc_serve_take(const struct grpc_service *service, struct stream *s, struct headers *h,
		     bool end);

void *grpc_call_service_user(const struct grpc_call *call);
const struct grpc_method *grpc_call_method(const struct grpc_call *call);
void grpc_accept(struct grpc_call *call, const struct grpc_call_handler *handler, void *user);

/* Sends the head of a server's answer now, not with the first message: the client learns that
 * it is served. */
void grpc_send_head(struct grpc_call *call);

/* Ends a server's call with a status; `text` may be empty. Queued messages go first. */
void grpc_finish(struct grpc_call *call, enum grpc_status status, struct str text);
/* grpc_send() and grpc_finish(GRPC_OK) in one: the answer of a unary method. */
void grpc_reply(struct grpc_call *call, struct str message);
