#pragma once

/*
 * Both sides of delta xDS against each other, message by message, without a wire
 *
 * The server's content is a table; what each side's user saw is text.
 */

#include "xds/delta_client.h"
#include "xds/delta_server.h"

#include "base/pool.h"
#include "codec/pb.h"

#include "test.h"

#define ITEMS_MAX 64

/* The server's content: a table. version "" means that it does not exist. */
struct item {
	enum xds_type type;
	char name[32];
	char version[16];
};

struct bench {
	struct delta_stream server;
	struct delta_client client;
	struct item items[ITEMS_MAX];
	unsigned item_count;
	struct buf any;
	bool eds_cache;
	const char *all; /* names of clusters that "all" means, as "a b"; NULL: those that exist */
	uint64_t revision;
	/* What the client's user saw, as text: "+cds/a@1 -eds/b |" with | for a commit. */
	struct buf seen;
	const char *refuse; /* a resource of this name is refused */
	/* What the server's user saw: "a@1:ok b@2:bad". */
	struct buf answers;
	unsigned responses;
	unsigned requests;
	bool wire_up;
};

void bench_init(struct bench *b);
/* Nothing of it is left. */
void bench_fini(struct bench *b);

/* Content that is new or different; version "": gone. */
void set(struct bench *b, enum xds_type type, const char *name, const char *version);

void wire_open(struct bench *b);
void wire_cut(struct bench *b);

void server_take(struct bench *b, struct str request);
/* Moves messages both ways until both are silent. */
void settle(struct bench *b);

/* Requests and their answers, written by hand; NULL: not there. */
void request_write(struct buf *out, enum xds_type type, const char *subscribe,
		   const char *unsubscribe, const char *nonce);
void answer_write(struct buf *out, enum xds_type type, unsigned nonce, bool accepted);
void initial_version_write(struct buf *out, const char *name, const char *version);

void assert_text_then_clear(struct buf *text, const char *expected, int line);
#define assert_seen(b, text)    assert_text_then_clear(&(b)->seen, text, __LINE__)
#define assert_answers(b, text) assert_text_then_clear(&(b)->answers, text, __LINE__)
