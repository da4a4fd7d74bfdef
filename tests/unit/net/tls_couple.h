#pragma once

/*
 * A TLS client and a TLS server with a connection in memory between them
 */

#include "net/memory_conn.h"
#include "net/tls.h"

#include "certs.h"
#include "peer.h"

/* What the tests change before tls_couple_start(). */
struct tls_side {
	struct tls_options options;
	struct str sni;
	struct tls_context *context;
};

struct tls_couple {
	struct world world;
	struct memory_conn_options memory;
	struct test_cert *ca;
	struct test_cert *client_cert; /* spiffe://weft.local/ns/shop/sa/web */
	struct test_cert *server_cert; /* spiffe://weft.local/ns/shop/sa/cart */
	struct tls_side client_side, server_side;

	struct conn *client_lower, *server_lower;
	struct peer client, server;
	/* Copied when the connection closed. */
	struct tls_info client_info, server_info;
};

/* Mutual TLS of two workloads of one mesh; nothing is connected yet. */
void tls_couple_init(struct tls_couple *t);
/* The certificates that a side shows and trusts. */
void tls_side_identity(struct tls_side *s, const struct test_cert *c);
void tls_side_trust(struct tls_side *s, const struct test_cert *ca);

/* Builds the contexts and both connections; no turn is made. */
void tls_couple_start(struct tls_couple *t);
/* The same over connections that the test made. */
void tls_couple_start_over(struct tls_couple *t, struct conn *client, struct conn *server);
/* Turns until both are open or closed, and a little longer. */
void tls_couple_settle(struct tls_couple *t);
void tls_couple_fini(struct tls_couple *t);
