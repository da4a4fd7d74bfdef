#include "tls_couple.h"

#include "base/mem.h"

#include "test.h"

static struct tls_couple *current; /* where on_closed leaves the facts */

void tls_side_identity(struct tls_side *s, const struct test_cert *c)
{
	s->options.certificate_pem = str_from(c ? c->chain_pem : NULL);
	s->options.key_pem = str_from(c ? c->key_pem : NULL);
}

void tls_side_trust(struct tls_side *s, const struct test_cert *ca)
{
	s->options.trust_pem = str_from(ca->pem);
}

static void side_init(struct tls_side *s, enum tls_role role, const struct test_cert *c,
		      const struct test_cert *ca)
{
	s->options.role = role;
	s->options.verify = TLS_VERIFY_REQUIRED;
	s->options.trust_domain = STR("weft.local");
	tls_side_identity(s, c);
	tls_side_trust(s, ca);
}

void tls_couple_init(struct tls_couple *t)
{
	*t = (struct tls_couple){ 0 };
	world_init(&t->world);
	t->ca = test_ca_new("ca");
	t->client_cert = test_svid_new(t->ca, "spiffe://weft.local/ns/shop/sa/web");
	t->server_cert = test_svid_new(t->ca, "spiffe://weft.local/ns/shop/sa/cart");
	side_init(&t->client_side, TLS_CLIENT, t->client_cert, t->ca);
	side_init(&t->server_side, TLS_SERVER, t->server_cert, t->ca);
}

static void on_closed(struct conn *c)
{
	struct peer *p = c->user;

	if (p == &current->client)
		current->client_info = *c->tls;
	else
		current->server_info = *c->tls;
	peer_handler.on_closed(c);
}

static struct conn *start_side(struct tls_side *s, struct conn *lower, struct peer *p)
{
	static struct conn_handler handler;
	struct conn *c;

	handler = peer_handler;
	handler.on_closed = on_closed;
	assert_int_equal(tls_context_new(&s->options, &s->context, NULL), 0);
	c = tls_conn_new_take(lower,
			      &(struct tls_conn_options){ .context = s->context, .sni = s->sni },
			      &handler);
	peer_use(p, c);
	c->handler = &handler;
	return c;
}

void tls_couple_start_over(struct tls_couple *t, struct conn *client, struct conn *server)
{
	current = t;
	t->client_lower = client;
	t->server_lower = server;
	start_side(&t->client_side, client, &t->client);
	start_side(&t->server_side, server, &t->server);
}

void tls_couple_start(struct tls_couple *t)
{
	struct conn *client, *server;

	memory_conn_pair(t->world.loop, &t->world.chunks, &t->memory, &client, &server);
	tls_couple_start_over(t, client, server);
}

static bool is_settled(const struct peer *p)
{
	return !p->conn || p->conn->state != CONN_CONNECTING;
}

void tls_couple_settle(struct tls_couple *t)
{
	for (int i = 0; i < 20000; i++) {
		if (is_settled(&t->client) && is_settled(&t->server))
			break;
		world_turn(&t->world, 1);
	}
	assert_true(is_settled(&t->client) && is_settled(&t->server));
	world_turn(&t->world, 10);
}

void tls_couple_fini(struct tls_couple *t)
{
	if (t->client.conn)
		conn_close(t->client.conn);
	if (t->server.conn)
		conn_close(t->server.conn);
	world_turn(&t->world, 3);
	tls_context_unref(t->client_side.context);
	tls_context_unref(t->server_side.context);
	test_cert_free(t->client_cert);
	test_cert_free(t->server_cert);
	test_cert_free(t->ca);
	peer_fini(&t->client);
	peer_fini(&t->server);
	world_fini(&t->world);
}
