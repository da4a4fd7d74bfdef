#pragma once

/*
 * What the pools of several workers share of an endpoint
 *
 * Room. An endpoint has room for so many idle connections over all workers. An upstream takes
 * one more when more of its connections are idle than it has room for, and gives room back when
 * it has fewer connections than that; so a request that comes and goes touches nothing shared,
 * and one busy worker alone may fill all the room.
 *
 * Asking. An upstream that lacks a connection asks another worker for one before it opens its
 * own, where that is worth it: where a handshake would be needed, or where the breaker of
 * connections stands at its limit. One ask is out at a time, and the request waits for it no
 * longer than POOL_ASK_WAIT.
 *
 *	asker: pool_ask() ──task──▶ giver: is one to spare? detached ──task──▶ asker: attached
 *	   │ POOL_ASK_WAIT
 *	   └──▶ opens its own; what still arrives is one more idle connection
 *
 * The giver answers only when both stand on the same state of the cluster, with a connection
 * that was made under it; the asker ends what arrives when its own state changed meanwhile. So
 * no connection made with an older secret or other settings is used again. The giver keeps what
 * it used lately, except that at the limit of the breaker it gives all but its last: whoever
 * has none may open one beyond the limit, and must not come to that by giving.
 *
 * Who may have one to give is a set of bits beside the endpoint's counts, a hint and no more.
 *
 * Private to pool.c and pool_share.c.
 */

#include "proxy/pool.h"

#define POOL_ASK_WAIT  DURATION_MS(1)
/* After an answer of no, and while requests wait at the limit of the breaker. */
#define POOL_ASK_AGAIN DURATION_MS(10)
/* Unused for so long, a connection is to spare. */
#define POOL_SPARE_AGE DURATION_SECONDS(1)

/* One more idle connection? False: the endpoint has no room for it. */
bool pool_room_take(struct upstream *u);
/* Gives back what is more than there are connections. */
void pool_room_trim(struct upstream *u);

void pool_share_init(struct upstream *u);
/* No more is asked; an answer that is under way is ended when it comes. */
void pool_share_stop(struct upstream *u);

/* Asks another worker for a connection that fits. False: nobody was asked. */
bool pool_ask(struct upstream *u, const struct pool_request *r);
/* Is an ask out whose answer is waited for? */
bool pool_is_asking(const struct upstream *u);
/* Requests wait at the limit of the breaker: looks again after a while. */
void pool_ask_later(struct upstream *u);

/*
 * Of pool.c
 */

/* The connection left its loop and leaves the pool; its counts stay up. */
void pool_conn_leave(struct upstream_conn *uc);
/* One that came from another worker: serves who waits, or is idle since when it was. `fits` is
 * false when it must end instead. */
void pool_conn_enter(struct upstream *u, struct upstream_conn *uc, bool fits);
/* Opens or asks for what the waiting requests lack, as at first. */
void pool_look_again(struct upstream *u);
/* Does the connection fit the request? */
bool pool_conn_fits(const struct upstream_conn *uc, const struct pool_request *r);
