#pragma once

/*
 * Calls, behind http/grpc.h
 *
 *	grpc.c         calls and their messages, both sides
 *	grpc_client.c  begin, answers, unary calls
 *	grpc_server.c  finding the method, statuses
 *	grpc_text.c    what stands in header fields
 *
 * A call and its stream end apart: a call may have its status while its last bytes still
 * leave, and messages may still wait for a paused user when the stream is long gone.
 */

#include "http/grpc.h"

#define GRPC_PREFIX_BYTES          5
#define GRPC_MESSAGE_BYTES_DEFAULT (4 * 1024 * 1024)

struct grpc_call {
	struct stream *s; /* NULL: gone, or no longer of interest */
	struct loop *loop;
	const struct grpc_call_handler *handler;
	void *user;

	struct buf in; /* bytes that are no whole message yet, or wait for a paused user */
	uint32_t message_bytes_max;
	bool paused;
	bool blocked;    /* grpc_send() asked to stop */
	bool recv_ended; /* nothing follows what is in `in` */
	bool half_close_told;
	bool deaf;            /* the user wants no further message */
	struct deferred more; /* messages that wait */

	bool ending; /* status and text are known: on_closed follows */
	enum grpc_status status;
	char *text; /* owned; may be NULL */
	struct timer deadline;
	struct deferred over;

	struct {
		void (*on_answer)(struct grpc_call *call, const struct grpc_answer *answer);
		uint16_t http_status; /* of the head; 0: none came */
		uint32_t message_count;
		struct buf message;
	} client;
	struct {
		const struct grpc_service *service; /* NULL: this is a client's call */
		const struct grpc_method *method;
		bool head_sent;
		uint32_t message_count;
		struct buf request; /* of a unary method */
	} server;
};

struct grpc_call *grpc_call_new(struct loop *l, uint32_t message_bytes_max);
/* The call is at its end: on_closed follows in this turn, or when the last message was told.
 * The first status wins. */
void grpc_call_end(struct grpc_call *call, enum grpc_status status, struct str text);
/* Ends the call because of itself, and its stream. */
void grpc_call_abort(struct grpc_call *call, enum grpc_status status, struct str text);
/* From now on what the stream says is nobody's. */
void grpc_call_leave_stream(struct grpc_call *call);

/* No further message is told. */
void grpc_call_be_deaf(struct grpc_call *call);
void grpc_call_set_deadline(struct grpc_call *call, struct duration timeout,
			    void (*on_due)(struct timer *t));

/* Bytes of the stream's body. */
void grpc_call_receive(struct grpc_call *call, struct str data);
/* No byte follows. */
void grpc_call_receive_ended(struct grpc_call *call);
void grpc_call_sent(struct grpc_call *call);

/* grpc_text.c */

/* "1500m": at most eight digits and a unit. */
struct str grpc_timeout_text(struct pool *pool, struct duration timeout);
must_check int grpc_timeout_parse(struct str text, struct duration *ret_timeout);
/* What an answer without grpc-status means. */
enum grpc_status grpc_status_of_http(uint16_t status);
/* What the end of a stream means. */
enum grpc_status grpc_status_of_reset(enum stream_reset reason, uint32_t code);
/* grpc-status and grpc-message; false when the first is missing. */
bool grpc_status_read(const struct headers *h, struct pool *pool, enum grpc_status *ret_status,
		      struct str *ret_text);
void grpc_status_write(struct headers *h, enum grpc_status status, struct str text);
