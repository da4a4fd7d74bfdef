#pragma once

/*
 * A whole data path in one thread, over connections in memory
 *
 * One worker, the resources and the snapshots stand on one loop whose clocks the test moves.
 * Clients and endpoints are peers: the test says what they send and reads what they heard.
 * Nothing waits and nothing sleeps.
 *
 *	rig_apply(&r, PART_CLUSTER, yaml); …
 *	client = rig_client(&r, "web");
 *	peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
 *	rig_run(&r);
 *	endpoint = rig_dialled(&r, 0);
 */

#include "test.h"

#include "net/conn.h"
#include "net/tls.h"
#include "proxy/resources.h"
#include "proxy/worker.h"

#define RIG_PEERS_MAX 64

struct rig;

struct peer {
	struct rig *rig;
	struct conn *conn; /* NULL once it is closed */
	struct conn *far;  /* the proxy's end, for setting its difficulties */
	struct buf heard;
	uint16_t port; /* that was dialled */
	bool connecting;
	bool eof;
	bool closed;
};

struct rig {
	struct loop *loop;
	struct shared_domain domain;
	struct stats stats;
	struct metrics metrics;
	struct worker_group group;
	struct snapshots snapshots;
	struct resources resources;
	struct worker *worker;
	struct peer clients[RIG_PEERS_MAX];
	uint32_t client_count;
	struct peer dialled[RIG_PEERS_MAX];
	uint32_t dialled_count;
	/* Ports to which connections are refused, or never get through. */
	uint16_t refused[8];
	uint16_t silent[8];
	/* Not NULL: what is dialled speaks TLS, as a server with this context. */
	struct tls_context *dialled_tls;
};

void rig_init(struct rig *r);
/* With several workers, all on the one loop; `worker` is the first. */
void rig_init_workers(struct rig *r, uint32_t count);
/* Everything ends; fails when an object is still held. */
void rig_fini(struct rig *r);

/* Work is done until there is none. */
void rig_run(struct rig *r);
/* Time passes, in steps, and the work that comes with it is done. */
void rig_pass(struct rig *r, int64_t ms);

/* Compiles and applies one resource. */
void rig_apply(struct rig *r, enum part_kind kind, const char *yaml);
void rig_remove(struct rig *r, enum part_kind kind, const char *name);
/* A static cluster with endpoints on these ports of 127.0.0.1; `more` are further fields. */
void rig_cluster(struct rig *r, const char *name, const char *ports, const char *more);
/* A listener with one HTTP connection manager: its virtual host's routes, further fields of the
 * manager, further fields of the listener (each may be ""). */
void rig_http(struct rig *r, const char *name, const char *routes, const char *manager,
	      const char *listener);

struct peer *rig_client(struct rig *r, const char *listener);
/* Of that worker. */
struct peer *rig_client_of(struct rig *r, uint32_t worker, const char *listener);
struct peer *rig_tls_client(struct rig *r, const char *listener, struct tls_context *context);
/* The nth connection that the proxy opened. Fails when there is none. */
struct peer *rig_dialled(struct rig *r, uint32_t n);

void peer_say(struct peer *p, const char *text);
void peer_say_bytes(struct peer *p, struct str bytes);
void peer_finish(struct peer *p); /* no more will be said */
void peer_close(struct peer *p);
/* The proxy says no more. */
bool peer_is_left(const struct peer *p);
/* What was heard since the last time, terminated; valid until the next call for this peer. */
const char *peer_heard(struct peer *p);

int64_t rig_http_count(struct rig *r, const char *prefix, enum stat_http row);
int64_t rig_cluster_count(struct rig *r, const char *name, enum stat_cluster row);

/* Does the text contain it? Prints both when it does not. */
#define assert_contains(text, word) check_contains((text), (word), __FILE__, __LINE__)
void check_contains(const char *text, const char *word, const char *file, int line);
