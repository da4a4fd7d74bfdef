#pragma once

/*
 * What tests of connections share: a loop with a clock that stands still, a pair of
 * connections in memory, a scripted peer on one end, and a near side that writes down what
 * it is told.
 */

#include "base/buf.h"
#include "event/loop.h"
#include "http/client.h"
#include "http/server.h"
#include "net/memory_conn.h"

struct rig {
	struct loop *loop;
	struct chunk_stock chunks;
};

void rig_init(struct rig *r);
/* Everything must be closed. */
void rig_fini(struct rig *r);
/* Turns until nothing moves any more. */
void rig_turn(struct rig *r);
void rig_advance(struct rig *r, struct duration by);

/* The other end of a connection: sends text, and keeps what comes. */
struct peer {
	struct rig *rig;
	struct conn *conn; /* NULL: closed */
	struct buf got;
	bool eof;
	int error;
};

void peer_init(struct peer *p, struct rig *r, struct conn *c);
void peer_fini(struct peer *p);
/* Sends and turns. */
void peer_say(struct peer *p, struct str text);
/* Byte by byte, a turn for each. */
void peer_say_slowly(struct peer *p, struct str text);
/* What came since the last call must be this text. */
#define peer_expect(p, text) peer_expect_at((p), (text), __FILE__, __LINE__)
void peer_expect_at(struct peer *p, const char *text, const char *file, int line);

/* A near side that writes a line for each callback into `log`. */
struct notes {
	struct buf log;
	struct stream *stream; /* the last one begun; NULL once it is closed */
	/* What to do in the callbacks; may be NULL. */
	void (*on_headers)(struct stream *s, struct headers *h, bool end);
	void (*on_data)(struct stream *s, struct str data, bool end);
	void (*on_closed)(struct stream *s);
	void *user;
};

extern const struct stream_handler notes_handler;

void notes_init(struct notes *n);
void notes_fini(struct notes *n);
#define notes_expect(n, text) notes_expect_at((n), (text), __FILE__, __LINE__)
void notes_expect_at(struct notes *n, const char *text, const char *file, int line);
