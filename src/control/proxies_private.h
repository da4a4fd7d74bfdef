#pragma once

/*
 * Between proxies.c, which knows the proxies, and proxies_withdraw.c, which ends those that are
 * lost
 */

#include "control/proxies.h"

struct proxies {
	struct loop *loop;
	struct state *state;
	struct duration grace;
	struct map by_id; /* of struct proxy */
	struct xds_server server;
	struct state_watch watch;
	struct list due; /* struct proxy.in_due: their grace time is over */
	struct timer withdrawal;
	uint64_t count_last;
	struct proxies_counters counters; /* but for the streams, which the server counts */
};

/* The Workload; NULL when there is none. */
const struct state_object *proxy_object(const struct proxy *proxy);
void proxy_free(struct proxy *proxy);

void proxy_grace_init(struct proxy *proxy);
/* Gives a lost proxy its grace time. */
void proxy_grace_begin(struct proxy *proxy);
void proxy_grace_end(struct proxy *proxy);
void proxies_withdraw_init(struct proxies *p);
