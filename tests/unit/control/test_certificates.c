/* The certificate service: what is answered over which connection, and what is refused. */

#include "control/certificates.h"

#include <unistd.h>

#include <openssl/ec.h>

#include "base/error.h"
#include "base/mem.h"
#include "control/rpc.h"
#include "http/client.h"
#include "identity/csr.h"
#include "identity/source.h"
#include "identity/svid.h"
#include "net/certificate.h"
#include "net/socket.h"
#include "net/socket_conn.h"

#include "csrs.h"
#include "office.h"
#include "proto/weft.pb.h"
#include "test.h"

#define WEB  "spiffe://weft.local/ns/shop/sa/web"
#define CART "spiffe://weft.local/ns/shop/sa/cart"
#define HOUR DURATION_SECONDS(3600)

/* One call by hand. */
struct call {
	struct office *office;
	struct http_client_conn *http;
	struct buf request;
	bool answered;
	enum grpc_status status;
	char *text;
	char *chain[4];
	uint32_t chain_count;
};

static void keep_chain(struct call *c, struct str message)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *m;

	assert_int_equal(pb_decode(&pb_IstioCertificateResponse, message, &pool, &m, NULL, NULL),
			 0);
	c->chain_count = pb_count(m, PB_IstioCertificateResponse_cert_chain);
	assert_true(c->chain_count <= array_count(c->chain));
	for (uint32_t i = 0; i < c->chain_count; i++)
		c->chain[i] =
			mem_strdup_str(pb_text_at(m, PB_IstioCertificateResponse_cert_chain, i));
	pool_fini(&pool);
}

static void on_answer(struct grpc_call *call, const struct grpc_answer *a)
{
	struct call *c = grpc_call_user(call);

	c->answered = true;
	c->status = a->status;
	c->text = mem_strdup_str(a->text);
	if (a->status == GRPC_OK)
		keep_chain(c, a->message);
	if (c->http)
		http_client_conn_close(c->http);
}

static void on_ready(struct http_client_conn *hc)
{
	const struct grpc_call_options options = { .path = STR(CERTIFICATES_PATH),
						   .authority = STR("control.weft") };
	struct call *c = http_client_conn_user(hc);

	assert_non_null(grpc_unary(hc, &options, buf_str(&c->request), on_answer, c));
}

static void on_closed(struct http_client_conn *hc, unused_arg int error)
{
	struct call *c = http_client_conn_user(hc);

	c->http = NULL;
}

static const struct http_client_handler client_handler = {
	.on_ready = on_ready,
	.on_closed = on_closed,
};

static const struct http_client_options client_options = { .codec = HTTP_CODEC_HTTP2 };

/* Sends what `request` holds. */
static void call_over_take(struct call *c, struct conn *conn)
{
	c->http = http_client_conn_open_take(conn, &client_options, &client_handler, c);
	office_turn(c->office);
	assert_true(c->answered);
	office_turn(c->office);
	assert_null(c->http);
}

static void call_fini(struct call *c)
{
	buf_fini(&c->request);
	mem_free(c->text);
	for (uint32_t i = 0; i < c->chain_count; i++)
		mem_free(c->chain[i]);
}

/* What to ask for; texts may be NULL: not there. */
struct wish {
	const char *csr; /* NULL: a good one */
	const char *wanted;
	const char *field; /* of the metadata, with `value` as its text */
	const char *value;
	int64_t seconds;
};

static void add_field(struct pb_message *metadata, const char *name, const char *value)
{
	struct pb_message *v = pb_add_entry(metadata, PB_Struct_fields, str_from(name));

	if (value)
		pb_set_text(v, PB_Value_string_value, str_from(value));
	else
		pb_set_bool(v, PB_Value_bool_value, true);
}

static void good_csr(struct buf *out)
{
	struct key *key;

	assert_int_equal(key_new(&key), 0);
	/* The name in it is nobody's business. */
	assert_int_equal(csr_append(key, STR(CART), out), 0);
	key_free(key);
}

static void write_wish(struct call *c, const struct wish *w)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *m = pb_new(&pb_IstioCertificateRequest, &pool);
	struct pb_message *metadata = pb_add_message(m, PB_IstioCertificateRequest_metadata);
	struct buf csr = BUF_INIT(0);

	if (w->csr)
		buf_append_str(&csr, str_from(w->csr));
	else
		good_csr(&csr);
	pb_set_text(m, PB_IstioCertificateRequest_csr, buf_str(&csr));
	pb_set_number(m, PB_IstioCertificateRequest_validity_duration, w->seconds);
	if (w->wanted)
		add_field(metadata, "ImpersonatedIdentity", w->wanted);
	if (w->field)
		add_field(metadata, w->field, w->value);
	pb_encode(m, &c->request);
	buf_fini(&csr);
	pool_fini(&pool);
}

static void ask(struct office *o, struct call *c, struct conn *conn, const struct wish *w)
{
	*c = (struct call){ .office = o };
	write_wish(c, w);
	call_over_take(c, conn);
}

static void refused(const struct wish *w, enum certificates_refusal refusal,
		    enum grpc_status status, const char *text)
{
	struct office o;
	struct call c;

	office_init(&o);
	ask(&o, &c, office_connect_unix(&o), w);
	assert_string_equal(c.text, text);
	assert_int_equal(c.status, status);
	assert_int_equal(counter_read(&o.certificates.counters.refused[refusal]), 1);
	assert_int_equal(counter_read(&o.certificates.counters.issued), 0);
	assert_int_equal(ca_issued_count(o.certificates.ca), 0);
	call_fini(&c);
	office_fini(&o);
}

TEST(the_answer_is_the_leaf_its_issuer_and_the_root)
{
	struct certificate *leaf;
	struct office o;
	struct call c;

	office_init(&o);
	ask(&o, &c, office_connect_unix(&o), &(struct wish){ .wanted = WEB, .seconds = 3600 });
	assert_string_equal(c.text, "");
	assert_int_equal(c.status, GRPC_OK);
	assert_int_equal(c.chain_count, 3);
	assert_str_equal(ca_root_pem(o.certificates.ca), c.chain[2]);
	assert_int_equal(certificate_read(str_from(c.chain[0]), &leaf), 0);
	assert_str_equal(certificate_spiffe_id(leaf), WEB);
	assert_int_equal(leaf->not_after.ns, loop_wall_now(o.world.loop).ns + HOUR.ns);
	assert_int_equal(counter_read(&o.certificates.counters.issued), 1);
	certificate_free(leaf);
	call_fini(&c);
	office_fini(&o);
}

TEST(fields_that_clients_send_empty_are_no_wishes)
{
	struct office o;
	struct call c;

	office_init(&o);
	ask(&o, &c, office_connect_unix(&o),
	    &(struct wish){ .wanted = WEB, .field = "CertSigner", .value = "" });
	assert_int_equal(c.status, GRPC_OK);
	call_fini(&c);
	office_fini(&o);
}

TEST(what_is_not_understood_is_refused)
{
	refused(&(struct wish){ .wanted = WEB, .field = "CertSigner", .value = "vault" },
		CERTIFICATES_UNSUPPORTED, GRPC_INVALID_ARGUMENT,
		"metadata.CertSigner is not supported: there is one authority");
	refused(&(struct wish){ .wanted = WEB, .field = "Restrict", .value = "yes" },
		CERTIFICATES_UNSUPPORTED, GRPC_INVALID_ARGUMENT,
		"metadata field \"Restrict\" is not known");
	refused(&(struct wish){ .field = "ImpersonatedIdentity" }, CERTIFICATES_MALFORMED,
		GRPC_INVALID_ARGUMENT, "metadata.ImpersonatedIdentity must be a text");
	refused(&(struct wish){ .wanted = WEB, .seconds = -1 }, CERTIFICATES_MALFORMED,
		GRPC_INVALID_ARGUMENT, "validity_duration must not be negative");
}

TEST(a_bad_request_is_refused_with_what_is_bad)
{
	refused(&(struct wish){ .wanted = WEB, .csr = "csr" }, CERTIFICATES_BAD_CSR,
		GRPC_INVALID_ARGUMENT, "the CSR is not PKCS#10 in PEM");
	refused(&(struct wish){ .seconds = 60 }, CERTIFICATES_NO_IDENTITY, GRPC_INVALID_ARGUMENT,
		"metadata.ImpersonatedIdentity must name the SPIFFE ID that is wanted");
	refused(&(struct wish){ .wanted = "web" }, CERTIFICATES_BAD_IDENTITY, GRPC_INVALID_ARGUMENT,
		"metadata.ImpersonatedIdentity must have the form "
		"spiffe://weft.local/ns/NAMESPACE/sa/ACCOUNT");
	refused(&(struct wish){ .wanted = "spiffe://other/ns/shop/sa/web" },
		CERTIFICATES_TRUST_DOMAIN, GRPC_PERMISSION_DENIED,
		"the trust domain is \"weft.local\", not \"other\"");
}

TEST(a_key_of_another_kind_is_refused)
{
	char *csr = test_csr_take(EVP_EC_gen("P-521"), NULL);

	refused(&(struct wish){ .wanted = WEB, .csr = csr }, CERTIFICATES_BAD_KEY,
		GRPC_INVALID_ARGUMENT,
		"the key of the CSR must be P-256, P-384, or RSA of 2048 to 8192 bits");
	mem_free(csr);
}

TEST(bytes_that_are_no_request_are_refused)
{
	struct office o;
	struct call c;

	office_init(&o);
	c = (struct call){ .office = &o };
	buf_append_str(&c.request, STR("\xff\xff"));
	call_over_take(&c, office_connect_unix(&o));
	assert_int_equal(c.status, GRPC_INVALID_ARGUMENT);
	assert_int_equal(counter_read(&o.certificates.counters.refused[CERTIFICATES_MALFORMED]), 1);
	call_fini(&c);
	office_fini(&o);
}

TEST(a_connection_that_proves_nothing_gets_nothing)
{
	struct office o;
	struct call c;

	office_init(&o);
	ask(&o, &c, office_connect_memory(&o), &(struct wish){ .wanted = WEB });
	assert_int_equal(c.status, GRPC_PERMISSION_DENIED);
	assert_string_equal(c.text, "the connection does not say who asks");
	call_fini(&c);
	office_fini(&o);
}

TEST(when_it_cannot_sign_it_says_unavailable)
{
	struct office o;
	struct call c;

	office_init(&o);
	o.facts.fail_set = ERR_UNAVAILABLE;
	loop_advance(o.world.loop, DURATION_SECONDS(8 * 86400));
	ask(&o, &c, office_connect_unix(&o), &(struct wish){ .wanted = WEB });
	assert_int_equal(c.status, GRPC_UNAVAILABLE);
	assert_int_equal(counter_read(&o.certificates.counters.refused[CERTIFICATES_CANNOT_SIGN]),
			 1);
	call_fini(&c);
	office_fini(&o);
}

TEST(the_caller_of_a_socket_is_this_process_with_its_groups)
{
	struct certificates_caller caller;
	struct office o;
	struct conn *c;
	gid_t groups[CERTIFICATES_GROUPS_MAX];
	int count = getgroups(CERTIFICATES_GROUPS_MAX, groups);

	office_init(&o);
	c = office_connect_unix(&o);
	certificates_caller_of(c, &caller);
	assert_int_equal(caller.proof, CERTIFICATES_PROOF_UNIX);
	assert_int_equal(caller.uid, geteuid());
	assert_int_equal(caller.pid, getpid());
	assert_int_equal(caller.group_count, count + 1);
	assert_int_equal(caller.groups[0], getegid());
	certificates_caller_of(NULL, &caller);
	assert_int_equal(caller.proof, CERTIFICATES_PROOF_NONE);
	c->handler = &peer_handler;
	c->user = &(struct peer){ .conn = c };
	conn_close(c);
	office_fini(&o);
}

/*
 * Identities from the service
 */

struct client {
	struct office *office;
	struct random random;
	struct identity_options options;
	struct identity *identity;
	/* For connections over TLS: what the service shows. */
	struct tls_context *server;
	bool has_svid;
	uint32_t svids;
	char *reason;
};

static void on_svid(void *user, unused_arg struct svid *s)
{
	struct client *k = user;

	k->svids++;
	k->has_svid = true;
}

static void on_failure(void *user, const char *reason)
{
	struct client *k = user;

	mem_free(k->reason);
	k->reason = mem_strdup(reason);
}

static const struct identity_callbacks callbacks = { .on_svid = on_svid, .on_failure = on_failure };

static struct conn *connect_unix(void *user)
{
	return office_connect_unix(((struct client *)user)->office);
}

/* First over the socket, then over TLS with what that gave. */
static struct conn *connect_either(void *user)
{
	struct client *k = user;
	struct svid *s = identity_svid(k->identity);
	struct tls_context *context;
	struct conn *c;

	if (!s)
		return connect_unix(user);
	assert_int_equal(svid_control_client_context(s, &context, NULL), 0);
	c = office_connect_tls(k->office, k->server, context);
	tls_context_unref(context);
	return c;
}

static void client_init(struct client *k, struct office *o, const char *id)
{
	*k = (struct client){ .office = o };
	random_init(&k->random, 7);
	k->options = (struct identity_options){
		.loop = o->world.loop,
		.chunks = &o->world.chunks,
		.random = &k->random,
		.spiffe_id = str_from(id),
		.connect = connect_unix,
	};
}

static void client_begin(struct client *k)
{
	assert_int_equal(identity_new(&k->options, &callbacks, k, &k->identity, NULL), 0);
	office_turn(k->office);
}

static void client_fini(struct client *k)
{
	identity_free(k->identity);
	office_turn(k->office);
	tls_context_unref(k->server);
	mem_free(k->reason);
}

/* The context of the service, by its own identity signed directly. */
static struct tls_context *server_context(struct office *o)
{
	static const struct str h2 = STR_INIT("h2");
	const struct svid_tls_options options = { .role = TLS_SERVER,
						  .alpn = &h2,
						  .alpn_count = 1 };
	struct ca_own own = { .ca = o->certificates.ca, .loop = o->world.loop };
	struct tls_context *context;
	struct client k;

	client_init(&k, o, "spiffe://weft.local/ns/weft-system/sa/control");
	k.options.connect = NULL;
	k.options.sign = ca_sign_own;
	k.options.sign_user = &own;
	client_begin(&k);
	assert_int_equal(k.svids, 1);
	assert_int_equal(svid_tls_context(identity_svid(k.identity), &options, &context, NULL), 0);
	client_fini(&k);
	return context;
}

TEST(an_identity_is_obtained_over_the_socket)
{
	struct office o;
	struct client k;

	office_init(&o);
	client_init(&k, &o, WEB);
	client_begin(&k);
	assert_int_equal(k.svids, 1);
	assert_str_equal(identity_svid(k.identity)->id_text, WEB);
	client_fini(&k);
	office_fini(&o);
}

TEST(an_identity_renews_itself_over_tls)
{
	struct office o;
	struct client k;
	char *serial;

	office_init(&o);
	client_init(&k, &o, WEB);
	k.server = server_context(&o);
	k.options.connect = connect_either;
	client_begin(&k);
	assert_int_equal(k.svids, 1);
	serial = mem_strdup_str(identity_svid(k.identity)->serial);
	identity_renew(k.identity);
	office_turn(&o);
	assert_int_equal(k.svids, 2);
	assert_false(str_eq(identity_svid(k.identity)->serial, str_from(serial)));
	assert_int_equal(counter_read(&o.certificates.counters.issued), 2);
	mem_free(serial);
	client_fini(&k);
	office_fini(&o);
}

TEST(over_tls_another_identity_is_refused_and_none_is_its_own)
{
	struct tls_context *context;
	struct office o;
	struct client k;
	struct call c;

	office_init(&o);
	client_init(&k, &o, WEB);
	k.server = server_context(&o);
	client_begin(&k);
	assert_int_equal(svid_control_client_context(identity_svid(k.identity), &context, NULL), 0);

	ask(&o, &c, office_connect_tls(&o, k.server, context), &(struct wish){ .wanted = CART });
	assert_int_equal(c.status, GRPC_PERMISSION_DENIED);
	assert_string_equal(c.text,
			    "over TLS an identity can renew itself alone, and this one is " WEB);
	call_fini(&c);

	ask(&o, &c, office_connect_tls(&o, k.server, context), &(struct wish){ 0 });
	assert_int_equal(c.status, GRPC_OK);
	call_fini(&c);
	tls_context_unref(context);
	client_fini(&k);
	office_fini(&o);
}

TEST(a_server_that_is_not_the_control_plane_gets_no_request)
{
	static const struct str h2 = STR_INIT("h2");
	const struct svid_tls_options options = { .role = TLS_SERVER,
						  .alpn = &h2,
						  .alpn_count = 1 };
	struct office o;
	struct client k;

	office_init(&o);
	client_init(&k, &o, WEB);
	k.options.connect = connect_either;
	client_begin(&k);
	assert_int_equal(svid_tls_context(identity_svid(k.identity), &options, &k.server, NULL), 0);
	identity_renew(k.identity);
	office_turn(&o);
	assert_int_equal(k.svids, 1);
	assert_non_null(strstr(k.reason, "san mismatch: " WEB));
	assert_int_equal(counter_read(&o.certificates.counters.issued), 1);
	client_fini(&k);
	office_fini(&o);
}

/*
 * Over the addresses of a machine
 */

struct door {
	struct acceptor acceptor;
	struct office *office;
};

static void on_accept(struct acceptor *a, int fd, const struct address *peer)
{
	struct door *d = container_of(a, struct door, acceptor);
	struct office *o = d->office;

	office_serve_take(o, socket_conn_new_take(o->world.loop, &o->world.chunks, fd, peer, NULL));
}

TEST(what_control_sock_gave_is_renewed_over_tcp_by_the_next_process)
{
	char dir[] = "/tmp/weft-test-XXXXXX";
	char *path, *file;
	struct address local, any, tcp;
	struct office o;
	struct client first, second;
	struct door door = { .office = &o };
	struct rpc rpc;
	struct tls_context *server;
	int local_fd, tcp_fd;

	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/control.sock", dir);
	file = mem_printf("%s/" SVID_FILE, dir);
	office_init(&o);
	assert_int_equal(address_from_unix(str_from(path), &local), 0);
	assert_int_equal(socket_listen(&local, NULL, &local_fd), 0);
	assert_int_equal(acceptor_start(o.world.loop, &door.acceptor, local_fd, on_accept), 0);
	assert_int_equal(address_parse(STR("127.0.0.1:0"), &any), 0);
	assert_int_equal(socket_listen(&any, NULL, &tcp_fd), 0);
	socket_addresses(tcp_fd, &tcp, NULL);
	rpc = (struct rpc){
		.loop = o.world.loop,
		.chunks = &o.world.chunks,
		.service = &o.service,
	};
	assert_int_equal(rpc_start(&rpc, tcp_fd), 0);
	server = server_context(&o);
	rpc_set_context(&rpc, server);

	client_init(&first, &o, WEB);
	first.options.connect = NULL;
	first.options.address = local;
	first.options.dir = str_from(dir);
	client_begin(&first);
	world_until(&o.world, &first.has_svid);
	client_fini(&first);

	client_init(&second, &o, WEB);
	second.options.connect = NULL;
	second.options.address = tcp;
	second.options.dir = str_from(dir);
	client_begin(&second);
	assert_int_equal(second.svids, 1);
	assert_int_equal(counter_read(&o.certificates.counters.issued), 1);
	second.has_svid = false;
	identity_renew(second.identity);
	world_until(&o.world, &second.has_svid);
	assert_int_equal(counter_read(&o.certificates.counters.issued), 2);
	client_fini(&second);

	acceptor_stop(&door.acceptor);
	rpc_close(&rpc);
	while (rpc.connection_count > 0 || o.open > 0)
		assert_int_equal(loop_turn(o.world.loop, DURATION_SECONDS(10)), 0);
	rpc_fini(&rpc);
	tls_context_unref(server);
	close(local_fd);
	close(tcp_fd);
	unlink(path);
	unlink(file);
	assert_int_equal(rmdir(dir), 0);
	office_fini(&o);
	mem_free(path);
	mem_free(file);
}
