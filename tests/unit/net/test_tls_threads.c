/* A context is decided once and used by every worker. */

#include <pthread.h>

#include "net/memory_conn.h"

#include "certs.h"
#include "peer.h"
#include "test.h"

#include "net/tls.h"

#define THREADS    3
#define HANDSHAKES 10

struct shared {
	struct tls_context *client;
	struct tls_context *server;
};

struct worker {
	const struct shared *shared;
	pthread_t thread;
	int established;
};

static struct tls_context *context_new(enum tls_role role, const struct test_cert *c,
				       const struct test_cert *ca)
{
	struct tls_context *context;
	struct tls_options o = {
		.role = role,
		.certificate_pem = str_from(c->chain_pem),
		.key_pem = str_from(c->key_pem),
		.trust_pem = str_from(ca->pem),
		.verify = TLS_VERIFY_REQUIRED,
		.trust_domain = STR("weft.local"),
	};

	assert_int_equal(tls_context_new(&o, &context, NULL), 0);
	return context;
}

/* No assertions here: cmocka's belong to the main thread. */
static bool meet(struct loop *l, struct chunk_stock *chunks, const struct shared *shared)
{
	struct conn *a, *b;
	struct peer client, server;
	bool established;

	memory_conn_pair(l, chunks, NULL, &a, &b);
	a = tls_conn_new_take(a, &(struct tls_conn_options){ .context = shared->client },
			      &peer_handler);
	peer_use(&client, a);
	b = tls_conn_new_take(b, &(struct tls_conn_options){ .context = shared->server },
			      &peer_handler);
	peer_use(&server, b);
	for (int i = 0; i < 4; i++)
		if (loop_turn(l, DURATION_MS(0)) < 0)
			return false;
	established = a->tls->mutual && b->tls->mutual;
	conn_close(a);
	conn_close(b);
	return loop_turn(l, DURATION_MS(0)) == 0 && established;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct chunk_stock chunks;
	struct loop *l;

	if (loop_new(&l) < 0)
		return NULL;
	loop_set_clock(l, (struct instant){ 0 },
		       (struct wall_time){ TEST_WALL_SECONDS * 1000000000 });
	chunk_stock_init(&chunks, 4);
	for (int i = 0; i < HANDSHAKES; i++) {
		struct shared own = { tls_context_ref(w->shared->client),
				      tls_context_ref(w->shared->server) };

		w->established += meet(l, &chunks, &own);
		tls_context_unref(own.client);
		tls_context_unref(own.server);
	}
	loop_free(l);
	chunk_stock_fini(&chunks);
	return NULL;
}

TEST(threads_share_a_context)
{
	struct test_cert *ca = test_ca_new("ca"),
			 *c = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/web");
	struct shared shared = { context_new(TLS_CLIENT, c, ca), context_new(TLS_SERVER, c, ca) };
	struct worker workers[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++) {
		workers[i].shared = &shared;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].established, HANDSHAKES);
	}
	assert_null(tls_context_unref(shared.client));
	assert_null(tls_context_unref(shared.server));
	test_cert_free(c);
	test_cert_free(ca);
}
