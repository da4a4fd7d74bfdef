/* Who is let in, who is not, and what both sides learn about it. */

#include <string.h>

#include "base/mem.h"

#include "test.h"
#include "tls_couple.h"

/* Runs to the end of the handshake, with what `change` did to the couple. */
static void run(struct tls_couple *t)
{
	tls_couple_start(t);
	tls_couple_settle(t);
}

static void assert_open(struct tls_couple *t)
{
	assert_string_equal(t->client.trace, "o");
	assert_string_equal(t->server.trace, "o");
}

/* The side that refused, with its words, and the alert that the other one got. */
static void assert_refused(const struct peer *who, const struct tls_info *info,
			   enum tls_failure failure, const char *text)
{
	assert_null(who->conn);
	assert_int_equal(who->error, ERR_TLS);
	assert_string_equal(info->failure_text, text);
	assert_int_equal(info->failure, failure);
}

TEST(two_workloads_of_a_mesh_meet_by_mutual_tls)
{
	struct tls_couple t;
	const struct tls_info *seen;

	tls_couple_init(&t);
	run(&t);
	assert_open(&t);

	seen = t.server.conn->tls;
	assert_true(seen->established && seen->mutual);
	assert_int_equal(seen->version, TLS_VERSION_1_3);
	assert_string_equal(seen->version_text, "TLSv1.3");
	assert_string_equal(seen->cipher, "TLS_AES_128_GCM_SHA256");
	assert_str_equal(certificate_spiffe_id(seen->peer), "spiffe://weft.local/ns/shop/sa/web");
	assert_int_equal(seen->peer->not_after.ns / 1000000000, TEST_WALL_SECONDS + 86400);
	assert_int_equal(seen->failure, TLS_FAILURE_NONE);
	assert_int_equal(seen->alpn.len, 0);

	seen = t.client.conn->tls;
	assert_true(seen->established && seen->mutual);
	assert_str_equal(seen->peer->uri_sans[0], "spiffe://weft.local/ns/shop/sa/cart");
	tls_couple_fini(&t);
}

TEST(a_handshake_survives_every_split_into_bytes)
{
	struct tls_couple t;

	tls_couple_init(&t);
	t.memory.step_bytes = 1;
	run(&t);
	assert_open(&t);
	conn_send_str(t.client.conn, STR("ping"));
	world_turn(&t.world, 100);
	assert_str_equal(buf_str(&t.server.received), "ping");
	tls_couple_fini(&t);
}

TEST(a_handshake_gets_through_a_peer_with_little_room)
{
	struct tls_couple t;

	tls_couple_init(&t);
	t.memory.capacity_bytes = 50;
	run(&t);
	assert_open(&t);
	tls_couple_fini(&t);
}

TEST(a_client_without_certificate_is_refused)
{
	struct tls_couple t;

	tls_couple_init(&t);
	tls_side_identity(&t.client_side, NULL);
	run(&t);
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_NO_CERTIFICATE,
		       "no client certificate");
	assert_null(t.server_info.peer);
	/* With TLS 1.3 the client is done before it hears of it. */
	assert_string_equal(t.client.trace, "oc");
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_ALERT,
		       "alert from the peer: certificate required");
	assert_false(t.client_info.mutual);
	tls_couple_fini(&t);
}

TEST(an_optional_certificate_may_be_missing_but_not_be_bad)
{
	struct tls_couple t;
	struct test_cert *other, *stranger;

	tls_couple_init(&t);
	t.server_side.options.verify = TLS_VERIFY_OPTIONAL;
	tls_side_identity(&t.client_side, NULL);
	run(&t);
	assert_open(&t);
	assert_false(t.server.conn->tls->mutual);
	assert_null(t.server.conn->tls->peer);
	tls_couple_fini(&t);

	tls_couple_init(&t);
	other = test_ca_new("other");
	stranger = test_svid_new(other, "spiffe://weft.local/ns/shop/sa/web");
	t.server_side.options.verify = TLS_VERIFY_OPTIONAL;
	tls_side_identity(&t.client_side, stranger);
	run(&t);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_VERIFY);
	test_cert_free(stranger);
	test_cert_free(other);
	tls_couple_fini(&t);
}

TEST(a_client_of_another_authority_is_refused)
{
	struct tls_couple t;
	struct test_cert *other, *stranger;

	tls_couple_init(&t);
	other = test_ca_new("other");
	stranger = test_svid_new(other, "spiffe://weft.local/ns/shop/sa/web");
	tls_side_identity(&t.client_side, stranger);
	run(&t);
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_VERIFY,
		       "certificate verify failed: unable to get local issuer certificate");
	assert_str_equal(t.server_info.sni, "");
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_ALERT,
		       "alert from the peer: unknown ca");
	test_cert_free(stranger);
	test_cert_free(other);
	tls_couple_fini(&t);
}

TEST(a_server_of_another_authority_is_refused)
{
	struct tls_couple t;
	struct test_cert *other, *stranger;

	tls_couple_init(&t);
	other = test_ca_new("other");
	stranger = test_svid_new(other, "spiffe://weft.local/ns/shop/sa/cart");
	tls_side_identity(&t.server_side, stranger);
	run(&t);
	assert_string_equal(t.client.trace, "c");
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_VERIFY,
		       "certificate verify failed: unable to get local issuer certificate");
	assert_string_equal(t.server.trace, "c");
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_ALERT,
		       "alert from the peer: unknown ca");
	test_cert_free(stranger);
	test_cert_free(other);
	tls_couple_fini(&t);
}

TEST(a_server_whose_name_is_not_the_service_is_refused)
{
	struct tls_couple t;
	struct tls_san_matcher wanted = {
		TLS_SAN_URI,
		{ TEXT_MATCH_EXACT, false, STR("spiffe://weft.local/ns/shop/sa/reviews") },
	};

	tls_couple_init(&t);
	t.client_side.options.sans = &wanted;
	t.client_side.options.san_count = 1;
	run(&t);
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_SAN,
		       "san mismatch: spiffe://weft.local/ns/shop/sa/cart");
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_ALERT,
		       "alert from the peer: bad certificate");
	tls_couple_fini(&t);
}

/* One of two must match, and each kind of pattern can. */
static bool san_matches(enum tls_san_type type, enum text_match_kind kind, const char *value)
{
	struct tls_couple t;
	struct test_cert *named;
	struct tls_san_matcher wanted[2] = {
		{ TLS_SAN_URI, { TEXT_MATCH_EXACT, false, STR("spiffe://nobody") } },
		{ type, { kind, false, str_from(value) } },
	};
	bool open;

	tls_couple_init(&t);
	named = test_cert_new(
		&(struct test_cert_options){ .issuer = t.ca,
					     .sans = "URI:spiffe://weft.local/ns/shop/sa/"
						     "cart,DNS:Cart.example,DNS:*.shop.example,"
						     "IP:10.0.0.1" });
	tls_side_identity(&t.server_side, named);
	t.client_side.options.sans = wanted;
	t.client_side.options.san_count = 2;
	run(&t);
	open = t.client.conn != NULL;
	assert_int_equal(t.client_info.failure, open ? TLS_FAILURE_NONE : TLS_FAILURE_SAN);
	test_cert_free(named);
	tls_couple_fini(&t);
	return open;
}

TEST(names_match_by_type_and_pattern)
{
	assert_true(
		san_matches(TLS_SAN_URI, TEXT_MATCH_EXACT, "spiffe://weft.local/ns/shop/sa/cart"));
	assert_true(san_matches(TLS_SAN_URI, TEXT_MATCH_PREFIX, "spiffe://weft.local/ns/shop/"));
	assert_true(san_matches(TLS_SAN_URI, TEXT_MATCH_SUFFIX, "/sa/cart"));
	assert_true(san_matches(TLS_SAN_URI, TEXT_MATCH_CONTAINS, "/ns/shop/"));
	assert_true(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "cart.EXAMPLE"));
	assert_true(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "a.Shop.example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "a.b.shop.example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "shop.example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, ".shop.example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_PREFIX, "a.shop.example"));
	assert_true(san_matches(TLS_SAN_IP, TEXT_MATCH_EXACT, "10.0.0.1"));
	assert_false(san_matches(TLS_SAN_URI, TEXT_MATCH_EXACT, "Cart.example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "example"));
	assert_false(san_matches(TLS_SAN_DNS, TEXT_MATCH_EXACT, "10.0.0.1"));
}

TEST(a_workload_of_another_trust_domain_is_refused)
{
	struct tls_couple t;
	struct test_cert *foreign;

	tls_couple_init(&t);
	foreign = test_svid_new(t.ca, "spiffe://other.mesh/ns/shop/sa/web");
	tls_side_identity(&t.client_side, foreign);
	run(&t);
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_TRUST_DOMAIN,
		       "trust domain mismatch: spiffe://other.mesh/ns/shop/sa/web");
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_ALERT,
		       "alert from the peer: bad certificate");
	test_cert_free(foreign);
	tls_couple_fini(&t);
}

static void assert_not_svid(struct test_cert_options o)
{
	struct tls_couple t;
	struct test_cert *c;

	tls_couple_init(&t);
	o.issuer = t.ca;
	c = test_cert_new(&o);
	tls_side_identity(&t.client_side, c);
	run(&t);
	assert_null(t.server.conn);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_NOT_SVID);
	test_cert_free(c);
	tls_couple_fini(&t);
}

TEST(a_certificate_that_is_no_svid_has_no_identity)
{
	assert_not_svid((struct test_cert_options){ .name = "web", .sans = "DNS:web" });
	assert_not_svid((struct test_cert_options){ .name = "web" });
	assert_not_svid((struct test_cert_options){
		.sans = "URI:spiffe://weft.local/a,URI:spiffe://weft.local/b" });
	assert_not_svid((struct test_cert_options){ .sans = "URI:https://weft.local/a" });
	assert_not_svid((struct test_cert_options){ .sans = "URI:spiffe://weft.local" });
}

TEST(a_certificate_authority_is_no_workload)
{
	struct tls_couple t;
	struct test_cert *c;

	tls_couple_init(&t);
	c = test_cert_new(&(struct test_cert_options){
		.issuer = t.ca, .ca = true, .sans = "URI:spiffe://weft.local/ns/shop/sa/web" });
	tls_side_identity(&t.client_side, c);
	run(&t);
	assert_null(t.server.conn);
	assert_true(t.server_info.failure == TLS_FAILURE_NOT_SVID ||
		    t.server_info.failure == TLS_FAILURE_VERIFY);
	test_cert_free(c);
	tls_couple_fini(&t);
}

TEST(certificates_are_judged_by_the_clock_of_the_loop)
{
	struct tls_couple t;

	tls_couple_init(&t);
	loop_advance(t.world.loop, DURATION_SECONDS(86400 + 1));
	run(&t);
	assert_refused(&t.client, &t.client_info, TLS_FAILURE_VERIFY,
		       "certificate verify failed: certificate has expired");
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_ALERT,
		       "alert from the peer: certificate expired");
	tls_couple_fini(&t);

	tls_couple_init(&t);
	loop_advance(t.world.loop, DURATION_SECONDS(86400 - 1));
	run(&t);
	assert_open(&t);
	tls_couple_fini(&t);
}

TEST(a_certificate_of_tomorrow_is_refused)
{
	struct tls_couple t;
	struct test_cert *c;

	tls_couple_init(&t);
	c = test_cert_new(&(struct test_cert_options){
		.issuer = t.ca,
		.sans = "URI:spiffe://weft.local/ns/shop/sa/web",
		.not_before_seconds = 3600,
	});
	tls_side_identity(&t.client_side, c);
	run(&t);
	assert_refused(&t.server, &t.server_info, TLS_FAILURE_VERIFY,
		       "certificate verify failed: certificate is not yet valid");
	test_cert_free(c);
	tls_couple_fini(&t);
}

TEST(a_certificate_for_servers_only_is_no_client)
{
	struct tls_couple t;
	struct test_cert *c;

	tls_couple_init(&t);
	c = test_cert_new(&(struct test_cert_options){
		.issuer = t.ca,
		.sans = "URI:spiffe://weft.local/ns/shop/sa/web",
		.extended_usage = "serverAuth",
	});
	tls_side_identity(&t.client_side, c);
	run(&t);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_VERIFY);
	test_cert_free(c);
	tls_couple_fini(&t);
}

TEST(a_chain_is_followed_to_its_anchor)
{
	struct tls_couple t;
	struct test_cert *root = test_ca_new("root"), *issuing, *leaf;

	issuing = test_cert_new(
		&(struct test_cert_options){ .issuer = root, .name = "issuing", .ca = true });
	leaf = test_svid_new(issuing, "spiffe://weft.local/ns/shop/sa/web");

	/* The root, and the intermediate alone: an anchor too. */
	for (int i = 0; i < 2; i++) {
		tls_couple_init(&t);
		tls_side_identity(&t.client_side, leaf);
		tls_side_trust(&t.server_side, i == 0 ? root : issuing);
		run(&t);
		assert_open(&t);
		tls_couple_fini(&t);
	}
	test_cert_free(leaf);
	test_cert_free(issuing);
	test_cert_free(root);
}

TEST(the_servers_order_of_protocols_wins)
{
	struct tls_couple t;
	struct str offered[] = { STR("http/1.1"), STR("h2") },
		   accepted[] = { STR("h2"), STR("http/1.1") };

	tls_couple_init(&t);
	t.client_side.options.alpn = offered;
	t.client_side.options.alpn_count = 2;
	t.server_side.options.alpn = accepted;
	t.server_side.options.alpn_count = 2;
	t.client_side.sni = STR("cart.shop");
	run(&t);
	assert_open(&t);
	assert_str_equal(t.client.conn->tls->alpn, "h2");
	assert_str_equal(t.server.conn->tls->alpn, "h2");
	assert_str_equal(t.server.conn->tls->sni, "cart.shop");
	assert_str_equal(t.client.conn->tls->sni, "cart.shop");
	tls_couple_fini(&t);
}

TEST(without_a_common_protocol_none_is_agreed_on)
{
	struct tls_couple t;
	struct str offered[] = { STR("spdy") }, accepted[] = { STR("h2") };

	tls_couple_init(&t);
	t.client_side.options.alpn = offered;
	t.client_side.options.alpn_count = 1;
	t.server_side.options.alpn = accepted;
	t.server_side.options.alpn_count = 1;
	run(&t);
	assert_open(&t);
	assert_str_equal(t.client.conn->tls->alpn, "");
	tls_couple_fini(&t);
}

TEST(tls_1_2_is_spoken_only_where_it_is_allowed)
{
	struct tls_couple t;

	tls_couple_init(&t);
	t.client_side.options.version_min = t.client_side.options.version_max = TLS_VERSION_1_2;
	run(&t);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_PROTOCOL);
	assert_int_equal(t.client_info.failure, TLS_FAILURE_ALERT);
	assert_string_equal(t.client_info.failure_text, "alert from the peer: protocol version");
	tls_couple_fini(&t);

	tls_couple_init(&t);
	t.client_side.options.version_min = t.client_side.options.version_max = TLS_VERSION_1_2;
	t.server_side.options.version_min = TLS_VERSION_1_2;
	run(&t);
	assert_open(&t);
	assert_string_equal(t.server.conn->tls->version_text, "TLSv1.2");
	assert_true(t.server.conn->tls->mutual);
	assert_true(t.client.conn->tls->mutual);
	tls_couple_fini(&t);
}

TEST(a_client_knows_whether_its_certificate_was_asked_for)
{
	struct tls_couple t;

	tls_couple_init(&t);
	t.server_side.options.verify = TLS_VERIFY_NONE;
	t.server_side.options.trust_domain = STR_EMPTY;
	run(&t);
	assert_open(&t);
	assert_false(t.client.conn->tls->mutual);
	assert_false(t.server.conn->tls->mutual);
	tls_couple_fini(&t);
}

TEST(a_silent_peer_is_left_after_the_handshake_timeout)
{
	struct tls_couple t;
	struct peer silent;

	tls_couple_init(&t);
	tls_couple_start(&t);
	/* The client goes; in its place somebody who says nothing. */
	memory_conn_set_capacity(t.client_lower, 0);
	memory_conn_set_capacity(t.server_lower, 0);
	world_turn(&t.world, 2);
	loop_advance(t.world.loop, DURATION_MS(14999));
	world_turn(&t.world, 2);
	assert_non_null(t.server.conn);
	loop_advance(t.world.loop, DURATION_MS(1));
	world_turn(&t.world, 2);
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server.error, ERR_TIMEOUT);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_TIMEOUT);
	assert_string_equal(t.server_info.failure_text, "handshake timed out");
	(void)silent;
	tls_couple_fini(&t);
}

TEST(a_peer_that_leaves_during_the_handshake_is_named_so)
{
	struct tls_couple t;

	tls_couple_init(&t);
	tls_couple_start(&t);
	t.client.conn->handler = &peer_handler;
	conn_close(t.client.conn);
	world_turn(&t.world, 3);
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server_info.failure, TLS_FAILURE_CONNECTION);
	tls_couple_fini(&t);

	tls_couple_init(&t);
	tls_couple_start(&t);
	memory_conn_break(t.server_lower, -110);
	world_turn(&t.world, 3);
	assert_int_equal(t.server.error, -110);
	assert_int_equal(t.server_info.failure, TLS_FAILURE_CONNECTION);
	tls_couple_fini(&t);
}

TEST(what_is_not_tls_is_a_protocol_error)
{
	struct tls_couple t;
	struct peer plain;

	tls_couple_init(&t);
	tls_couple_start(&t);
	conn_close(t.client.conn);
	world_turn(&t.world, 1);
	if (t.server.conn)
		conn_close(t.server.conn);
	world_turn(&t.world, 1);

	struct conn *a, *b;

	memory_conn_pair(t.world.loop, &t.world.chunks, NULL, &a, &b);
	peer_use(&plain, a);
	conn_send_str(a, STR("GET / HTTP/1.1\r\n\r\n"));
	b = tls_conn_new_take(b, &(struct tls_conn_options){ .context = t.server_side.context },
			      t.server.conn ? t.server.conn->handler : &peer_handler);
	peer_use(&t.server, b);
	world_turn(&t.world, 1);
	assert_string_equal(t.server.trace, "c");
	assert_int_equal(t.server.error, ERR_TLS);
	conn_close(a);
	world_turn(&t.world, 1);
	peer_fini(&plain);
	tls_couple_fini(&t);
}

TEST(tls_begins_with_what_was_looked_at_before)
{
	struct tls_couple t;

	tls_couple_init(&t);
	tls_couple_start(&t);
	/* The server's lower end had been somebody else's, who left the hello unread. */
	struct conn *a, *b;
	struct peer client, looker;

	memory_conn_pair(t.world.loop, &t.world.chunks, NULL, &a, &b);
	peer_use(&looker, b);
	looker.act.consume_none = true;
	a = tls_conn_new_take(a, &(struct tls_conn_options){ .context = t.client_side.context },
			      &peer_handler);
	peer_use(&client, a);
	world_turn(&t.world, 2);
	assert_true(conn_input(b).len > 100);
	conn_pause(b);

	struct peer server;

	b = tls_conn_new_take(b, &(struct tls_conn_options){ .context = t.server_side.context },
			      &peer_handler);
	peer_use(&server, b);
	world_turn(&t.world, 3);
	assert_string_equal(client.trace, "o");
	assert_string_equal(server.trace, "o");
	conn_close(client.conn);
	conn_close(server.conn);
	world_turn(&t.world, 2);
	peer_fini(&looker);
	tls_couple_fini(&t);
}

TEST(the_peers_certificate_can_be_forwarded)
{
	struct tls_couple t;
	struct buf pem = BUF_INIT(0);
	uint8_t hash[32] = { 0 }, zero[32] = { 0 };

	tls_couple_init(&t);
	run(&t);
	assert_true(tls_peer_pem(t.server.conn, &pem));
	assert_str_equal(buf_str(&pem), t.client_cert->pem);
	assert_true(tls_peer_sha256(t.server.conn, hash));
	assert_memory_not_equal(hash, zero, 32);
	assert_false(tls_peer_pem(t.client_lower, &pem));
	buf_fini(&pem);
	tls_couple_fini(&t);
}
