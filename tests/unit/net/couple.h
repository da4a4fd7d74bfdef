#pragma once

/*
 * Two peers with a connection in memory between them
 */

#include "net/memory_conn.h"

#include "peer.h"

struct couple {
	struct world world;
	struct peer a, b;
};

static inline void couple_init(struct couple *t, const struct memory_conn_options *options)
{
	struct conn *a, *b;

	world_init(&t->world);
	memory_conn_pair(t->world.loop, &t->world.chunks, options, &a, &b);
	peer_use(&t->a, a);
	peer_use(&t->b, b);
}

static inline void couple_fini(struct couple *t)
{
	if (t->a.conn)
		conn_close(t->a.conn);
	if (t->b.conn)
		conn_close(t->b.conn);
	world_turn(&t->world, 2);
	peer_fini(&t->a);
	peer_fini(&t->b);
	world_fini(&t->world);
}
