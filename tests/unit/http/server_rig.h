#pragma once

/*
 * What tests of servers share: a connection of ours with its near side, and the client as a
 * scripted peer
 */

#include "http/server.h"
#include "rig.h"
#include "test.h"

struct server {
	struct rig rig;
	struct peer client;
	struct buf out; /* what the client says next, where a test puts it together */
	struct notes notes;
	struct http_server_conn *hc; /* NULL: closed */
	struct http_server_options options;
};

/* options: NULL for none. */
void server_init(struct server *v, const struct http_server_options *options);
void server_fini(struct server *v);

/* What a near side may do: answer at the head of the request, or at its end. */
void reply_hello(struct stream *s, struct headers *h, bool end);
void reply_at_end(struct stream *s, struct str data, bool end);

#define HELLO "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
#define HELLO_CLOSE                                                            \
	"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n" \
	"connection: close\r\n\r\nhello"

/* A head of nothing but a status, for the last stream. */
void answer(struct server *v, uint16_t status, bool end);
enum send_result send_text(struct stream *s, const char *text, bool end);
