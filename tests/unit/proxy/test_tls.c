/*
 * TLS on both sides of the data path, with secrets that come, change and are missing
 */

#include "crew.h"
#include "rig.h"

#include "net/certs.h"

#define CLIENT_ID "spiffe://weft.local/ns/shop/sa/web"
#define OWN_ID    "spiffe://weft.local/ns/shop/sa/cart"

#define GET       "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define OK_HELLO  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

#define TLS_TYPE(name)                        \
	"name: tls, typed_config: {'@type': " \
	"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3." name
#define COMMON                                                                         \
	"common_tls_context: {tls_certificate_sds_secret_configs: [{name: default}], " \
	"combined_validation_context: {default_validation_context: {"                  \
	"match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: '"
#define COMMON_END "'}}]}, validation_context_sds_secret_config: {name: ROOTCA}}}}"

#define LISTENER                                                                                  \
	"{name: web, address: {socket_address: {address: 127.0.0.1, port_value: 80}},"            \
	" bind_to_port: false, filter_chains: [{transport_socket: {" TLS_TYPE(                    \
		"DownstreamTlsContext") ", require_client_certificate: true, " COMMON CLIENT_ID   \
		COMMON_END "}, filters: [{name: http, typed_config: {'@type': "                   \
					"type.googleapis.com/"                                    \
					"envoy.extensions.filters.network.http_connection_"       \
					"manager.v3.HttpConnectionManager,"                       \
					" stat_prefix: web, forward_client_cert_details: "        \
					"SANITIZE_SET,"                                           \
					" set_current_client_cert_details: {uri: true},"          \
					" http_filters: [{name: router, typed_config: {'@type': " \
					"type.googleapis.com/"                                    \
					"envoy.extensions.filters.http.router.v3.Router}}],"      \
					" route_config: {virtual_hosts: [{name: all, domains: "   \
					"['*'], routes: ["                                        \
					"{match: {prefix: '/'}, route: {cluster: one}}]}]}}}]}]}"

static struct rig r;
static struct test_cert *ca, *own, *client_cert;

static struct tls_context *context(enum tls_role role, const struct test_cert *c,
				   const struct test_cert *trusted)
{
	struct tls_context *result;
	struct tls_options o = {
		.role = role,
		.verify = TLS_VERIFY_REQUIRED,
		.certificate_pem = str_from(c ? c->chain_pem : NULL),
		.key_pem = str_from(c ? c->key_pem : NULL),
		.trust_pem = str_from(trusted->pem),
	};

	assert_int_equal(tls_context_new(&o, &result, NULL), 0);
	return result;
}

static void apply_secrets(const struct test_cert *leaf, const char *version)
{
	secrets_apply(&r.resources, leaf, ca, version);
	rig_run(&r);
}

static void begin(const char *cluster_tls)
{
	ca = test_ca_new("ca");
	own = test_svid_new(ca, OWN_ID);
	client_cert = test_svid_new(ca, CLIENT_ID);
	rig_init(&r);
	rig_cluster(&r, "one", "1001", cluster_tls);
	rig_apply(&r, PART_LISTENER, LISTENER);
}

static void end(void)
{
	rig_fini(&r);
	ca = test_cert_free(ca);
	own = test_cert_free(own);
	client_cert = test_cert_free(client_cert);
}

static int64_t listener_count(enum stat_listener row)
{
	struct stat_scope *s = map_get(&r.stats.scopes[STAT_LISTENER], STR("127.0.0.1_80"));

	return s ? stat_scope_value(s, row) : 0;
}

TEST(a_client_with_its_name_is_let_in_and_named_to_the_program)
{
	struct tls_context *c;
	struct peer *client;
	const char *text;

	begin("");
	apply_secrets(own, "1");
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	peer_say(client, "GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-client-cert: lie\r\n\r\n");
	rig_run(&r);
	text = peer_heard(rig_dialled(&r, 0));
	assert_contains(text, "x-forwarded-client-cert: By=" OWN_ID ";Hash=");
	assert_contains(text, ";URI=" CLIENT_ID "\r\n");
	assert_contains(text, "x-forwarded-proto: https\r\n");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	assert_int_equal(listener_count(LISTENER_TLS_HANDSHAKE), 1);
	assert_int_equal(rig_http_count(&r, "web", HTTP_CX_SSL_TOTAL), 1);
	tls_context_unref(c);
	end();
}

TEST(a_client_without_certificate_is_refused)
{
	struct tls_context *c;
	struct peer *client;

	begin("");
	apply_secrets(own, "1");
	c = context(TLS_CLIENT, NULL, ca);
	client = rig_tls_client(&r, "web", c);
	assert_true(peer_is_left(client));
	assert_int_equal(listener_count(LISTENER_TLS_FAIL_NO_CERT), 1);
	assert_int_equal(r.dialled_count, 0);
	tls_context_unref(c);
	end();
}

TEST(a_client_with_another_name_or_authority_is_refused)
{
	struct test_cert *other_ca = test_ca_new("other");
	struct test_cert *other = test_svid_new(other_ca, CLIENT_ID);
	struct test_cert *named = NULL;
	struct tls_context *c;

	begin("");
	apply_secrets(own, "1");
	named = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/thief");
	c = context(TLS_CLIENT, named, ca);
	rig_tls_client(&r, "web", c);
	assert_int_equal(listener_count(LISTENER_TLS_FAIL_SAN), 1);
	tls_context_unref(c);
	c = context(TLS_CLIENT, other, ca);
	rig_tls_client(&r, "web", c);
	assert_int_equal(listener_count(LISTENER_TLS_FAIL_ERROR), 1);
	tls_context_unref(c);
	test_cert_free(named);
	test_cert_free(other);
	test_cert_free(other_ca);
	end();
}

TEST(clear_text_is_never_served_where_tls_is_configured)
{
	struct peer *client;

	begin("");
	apply_secrets(own, "1");
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	assert_true(peer_is_left(client));
	assert_null(strstr(peer_heard(client), "HTTP/1.1"));
	end();
}

TEST(without_its_secrets_a_listener_refuses)
{
	struct peer *client;

	begin("");
	rig_pass(&r, 15100);
	client = rig_client(&r, "web");
	peer_say(client, GET);
	rig_run(&r);
	assert_true(peer_is_left(client));
	assert_string_equal(peer_heard(client), "");
	assert_int_equal(listener_count(LISTENER_NO_SECRETS), 1);
	end();
}

TEST(a_rotated_certificate_serves_the_next_connection)
{
	struct test_cert *renewed;
	struct tls_context *c;
	struct peer *before, *after;

	begin("");
	apply_secrets(own, "1");
	renewed = test_svid_new(ca, OWN_ID);
	c = context(TLS_CLIENT, client_cert, ca);
	before = rig_tls_client(&r, "web", c);
	apply_secrets(renewed, "2");
	after = rig_tls_client(&r, "web", c);
	assert_false(str_eq(before->conn->tls->peer->serial, after->conn->tls->peer->serial));
	/* The connection of before goes on. */
	peer_say(before, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(before), "hello");
	tls_context_unref(c);
	test_cert_free(renewed);
	end();
}

TEST(a_secret_that_does_not_fit_leaves_the_old_one_in_use)
{
	struct test_cert *broken;
	struct tls_context *c;
	struct peer *client;
	char *key;

	begin("");
	apply_secrets(own, "1");
	broken = test_svid_new(ca, OWN_ID);
	key = broken->key_pem;
	broken->key_pem = own->key_pem;
	apply_secrets(broken, "2");
	broken->key_pem = key;
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	assert_true(client->conn && client->conn->tls->established);
	tls_context_unref(c);
	test_cert_free(broken);
	end();
}

TEST(http_ends_before_the_peers_certificate_does)
{
	struct tls_context *c;
	struct peer *client;

	begin("");
	apply_secrets(own, "1");
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	peer_say(client, GET);
	rig_run(&r);
	rig_pass(&r, 3600 * 1000);
	peer_say(client, GET);
	rig_pass(&r, 1000);
	/* The route's timeout ended the first request; the connection goes on. */
	assert_false(peer_is_left(client));
	tls_context_unref(c);
	end();
}

#define CLUSTER_TLS(id)                                                                          \
	"transport_socket: {" TLS_TYPE("UpstreamTlsContext") ", sni: one, " COMMON id COMMON_END \
							     "},"

TEST(an_endpoint_with_its_name_gets_the_request)
{
	struct test_cert *server;
	struct tls_context *c;
	struct peer *client, *endpoint;

	begin(CLUSTER_TLS("spiffe://weft.local/ns/shop/sa/db"));
	server = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/db");
	apply_secrets(own, "1");
	r.dialled_tls = context(TLS_SERVER, server, ca);
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	peer_say(client, GET);
	rig_run(&r);
	endpoint = rig_dialled(&r, 0);
	assert_contains(peer_heard(endpoint), "GET / HTTP/1.1\r\n");
	assert_str_equal(certificate_spiffe_id(endpoint->conn->tls->peer), OWN_ID);
	assert_str_equal(endpoint->conn->tls->sni, "one");
	peer_say(endpoint, OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_TLS_HANDSHAKE), 1);
	tls_context_unref(c);
	r.dialled_tls = tls_context_unref(r.dialled_tls);
	test_cert_free(server);
	end();
}

TEST(a_cluster_that_may_speak_http2_offers_it)
{
	struct str offered[] = { STR_INIT("http/1.1") };
	struct tls_options o = { .role = TLS_SERVER, .verify = TLS_VERIFY_REQUIRED };
	struct test_cert *server;
	struct tls_context *c;
	struct peer *client;

	begin(CLUSTER_TLS("spiffe://weft.local/ns/shop/sa/db") "typed_extension_protocol_options: {"
							       "envoy.extensions.upstreams.http.v3."
							       "HttpProtocolOptions: {'@type': "
							       "type.googleapis.com/"
							       "envoy.extensions.upstreams.http.v3."
							       "HttpProtocolOptions, "
							       "auto_config: {}}},");
	server = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/db");
	apply_secrets(own, "1");
	o.certificate_pem = str_from(server->chain_pem);
	o.key_pem = str_from(server->key_pem);
	o.trust_pem = str_from(ca->pem);
	o.alpn = offered;
	o.alpn_count = 1;
	assert_int_equal(tls_context_new(&o, &r.dialled_tls, NULL), 0);
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	peer_say(client, GET);
	rig_run(&r);
	assert_str_equal(rig_dialled(&r, 0)->conn->tls->alpn, "http/1.1");
	assert_contains(peer_heard(rig_dialled(&r, 0)), "GET / HTTP/1.1\r\n");
	tls_context_unref(c);
	r.dialled_tls = tls_context_unref(r.dialled_tls);
	test_cert_free(server);
	end();
}

TEST(an_endpoint_with_another_name_gets_nothing)
{
	struct test_cert *server;
	struct tls_context *c;
	struct peer *client;

	begin(CLUSTER_TLS("spiffe://weft.local/ns/shop/sa/db"));
	server = test_svid_new(ca, "spiffe://weft.local/ns/shop/sa/thief");
	apply_secrets(own, "1");
	r.dialled_tls = context(TLS_SERVER, server, ca);
	c = context(TLS_CLIENT, client_cert, ca);
	client = rig_tls_client(&r, "web", c);
	peer_say(client, GET);
	rig_run(&r);
	assert_contains(peer_heard(client), "HTTP/1.1 503");
	assert_string_equal(peer_heard(rig_dialled(&r, 0)), "");
	assert_int_equal(rig_cluster_count(&r, "one", CLUSTER_TLS_FAIL_SAN), 1);
	tls_context_unref(c);
	r.dialled_tls = tls_context_unref(r.dialled_tls);
	test_cert_free(server);
	end();
}
