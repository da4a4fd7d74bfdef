/*
 * Several workers and a main thread that never stops changing things
 *
 * Real sockets, real threads: clients ask without pause while routes, endpoints and listeners
 * are replaced. Every answer must be whole. The thread sanitizer watches.
 */

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crew.h"
#include "model/yaml.h"

#define WORKERS             2
#define CLIENTS             4
#define REQUESTS            150

/* Twenty years: these workers go by the clock of the machine. */
#define CERTIFICATE_SECONDS (20LL * 365 * 86400)

static struct crew crew;
static struct test_cert *ca;
static uint16_t ports_behind[2];

static void turn(void)
{
	crew_turn(&crew, DURATION_MS(1));
}

static void apply(enum part_kind kind, const char *yaml)
{
	crew_apply(&crew, kind, yaml);
}

static uint16_t port_of_listener(const char *name)
{
	return address_port(crew_address(&crew, name));
}

#define LISTENER(name, socket, rest)                                                       \
	"{name: " name ", address: {socket_address: {address: 127.0.0.1, port_value: 0}}," \
	" filter_chains: [{" socket "filters: [{name: http, typed_config: {" HCM_TYPE      \
	", stat_prefix: " name ", http_filters: [" ROUTER "], " rest "}}]}]}"
#define FINE                                                                           \
	"route_config: {virtual_hosts: [{name: all, domains: ['*'], routes: [{match: " \
	"{prefix: '/'}, direct_response: {status: 200, body: {inline_string: fine}}}]}]}"
#define TLS(context, more)                                                                 \
	"transport_socket: {name: tls, typed_config: {'@type': "                           \
	"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3." context ", " more \
	"common_tls_context: {tls_certificate_sds_secret_configs: [{name: default}], "     \
	"validation_context_sds_secret_config: {name: ROOTCA}}}}, "
#define SERVER_TLS TLS("DownstreamTlsContext", "require_client_certificate: true, ")
#define CLIENT_TLS TLS("UpstreamTlsContext", "")

/* Two endpoints, with and without TLS. */
static const char *const behind[] = {
	LISTENER("behind0", "", FINE),
	LISTENER("behind1", "", FINE),
};
static const char *const behind_tls[] = {
	LISTENER("behind0", SERVER_TLS, FINE),
	LISTENER("behind1", SERVER_TLS, FINE),
};
static const char web[] =
	LISTENER("web", "", "rds: {route_config_name: routes, config_source: {ads: {}}}");
static void apply_routes(unsigned host, unsigned cluster)
{
	char *yaml =
		mem_printf("{name: routes, virtual_hosts: [{name: h%u, domains: ['*'], routes: ["
			   "{match: {prefix: '/'}, route: {cluster: c%u}}]}]}",
			   host, cluster);

	apply(PART_ROUTES, yaml);
	mem_free(yaml);
}

/* One endpoint, the other one, or both. */
static void apply_cluster(unsigned number, unsigned endpoints, const char *more)
{
	struct buf yaml = BUF_INIT(0);

	buf_printf(&yaml,
		   "{name: c%u, type: STATIC, %s load_assignment: {cluster_name: c, endpoints: ["
		   "{lb_endpoints: [",
		   number, more);
	for (unsigned i = 0; i < 2; i++)
		if (endpoints & 1u << i)
			buf_printf(&yaml,
				   "{endpoint: {address: {socket_address: {address: 127.0.0.1, "
				   "port_value: %u}}}},",
				   ports_behind[i]);
	buf_append_str(&yaml, STR("]}]}}"));
	buf_append_char(&yaml, 0);
	apply(PART_CLUSTER, buf_str(&yaml).ptr);
	buf_fini(&yaml);
}

/* An identity that is good today; the next one each time. */
static void apply_secrets(unsigned version)
{
	char text[16];
	struct test_cert *leaf = test_cert_new(&(struct test_cert_options){
		.issuer = ca,
		.name = "leaf",
		.sans = "URI:spiffe://weft.local/ns/shop/sa/cart",
		.not_after_seconds = CERTIFICATE_SECONDS,
	});

	snprintf(text, sizeof(text), "%u", version);
	secrets_apply(&crew.resources, leaf, ca, text);
	test_cert_free(leaf);
}

struct client {
	pthread_t thread;
	uint16_t port;
	int good;
	_Atomic bool done;
};

static bool ask(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
	char answer[4096];
	size_t len = 0;

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return false;
	while (len < sizeof(answer) - 1) {
		ssize_t n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		answer[len] = 0;
		if (strstr(answer, "\r\n\r\nfine"))
			return strncmp(answer, "HTTP/1.1 200", 12) == 0;
	}
	return false;
}

static void *client_main(void *user)
{
	struct client *c = user;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(c->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < REQUESTS; i += 5) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
			for (int k = 0; k < 5; k++)
				c->good += ask(fd);
		close(fd);
	}
	c->done = true;
	return NULL;
}

static bool all_done(const struct client *clients)
{
	for (int i = 0; i < CLIENTS; i++)
		if (!clients[i].done)
			return false;
	return true;
}

struct changes {
	const char *const *behind;
	const char *cluster; /* more fields of the clusters */
	unsigned rounds;     /* of routes, between two changes of anything else */
	bool tls;
};

static void change(const struct changes *c, unsigned n)
{
	apply_routes(n, n % 2);
	turn();
	if (n % c->rounds != 0)
		return;
	n /= c->rounds;
	if (c->tls && n % 2)
		apply_secrets(n);
	else
		apply_cluster(n / 2 % 2, n % 3 + 1, c->cluster);
	turn();
}

static void begin(const struct changes *c)
{
	crew_init(&crew, WORKERS);
	assert_int_equal(worker_group_start(&crew.group), 0);
	if (c->tls)
		apply_secrets(0);
	for (int i = 0; i < 2; i++)
		apply(PART_LISTENER, c->behind[i]);
	ports_behind[0] = port_of_listener("behind0");
	ports_behind[1] = port_of_listener("behind1");
	apply_cluster(0, 3, c->cluster);
	apply_cluster(1, 3, c->cluster);
	apply_routes(0, 0);
	apply(PART_LISTENER, web);
	while (crew.snapshots.served < crew.snapshots.current->number)
		turn();
}

static void ask_while_everything_changes(const struct changes *c)
{
	struct client clients[CLIENTS] = { 0 };
	uint16_t port;

	begin(c);
	port = port_of_listener("web");
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].port = port;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]),
				 0);
	}
	for (unsigned n = 0; !all_done(clients); n++)
		change(c, n);
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		assert_int_equal(clients[i].good, REQUESTS);
	}
	crew_fini(&crew);
}

TEST(requests_are_answered_while_everything_changes)
{
	ask_while_everything_changes(
		&(struct changes){ .behind = behind, .cluster = "", .rounds = 1 });
}

/* So few may be open that idle ones go from worker to worker all the time. */
#define FEW "circuit_breakers: {thresholds: [{max_connections: 3}]}, "

TEST(requests_are_answered_while_connections_change_hands)
{
	ask_while_everything_changes(
		&(struct changes){ .behind = behind, .cluster = FEW, .rounds = 8 });
}

TEST(requests_are_answered_while_identities_change)
{
	ca = test_cert_new(&(struct test_cert_options){
		.name = "ca", .ca = true, .not_after_seconds = CERTIFICATE_SECONDS });
	ask_while_everything_changes(&(struct changes){
		.behind = behind_tls, .cluster = FEW CLIENT_TLS, .rounds = 8, .tls = true });
	ca = test_cert_free(ca);
}
