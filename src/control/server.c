#include "control/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/place.h"
#include "control/api.h"
#include "control/certificates.h"
#include "control/rpc.h"
#include "control/telemetry.h"
#include "event/signal.h"
#include "message/telemetry_names.h"
#include "net/socket.h"

#define CHUNKS_KEPT  256
/* What is open may end by itself for so long after SIGTERM. */
#define STOP_TIMEOUT DURATION_SECONDS(5)

// clang-format off
const struct setting control_settings_table[] = {
	SETTING(struct control_settings, state, text, NULL, "DIR",
	        "Directory of the store (default: /var/lib/weft, or the user's own)."),
	SETTING(struct control_settings, run, text, NULL, "DIR",
	        "Directory of control.sock (default: /run/weft, or the user's own)."),
	SETTING(struct control_settings, listen, text, "127.0.0.1:15012", "ADDRESS:PORT",
	        "Where proxies connect by mutual TLS; port 0: any."),
	SETTING(struct control_settings, trust_domain, text, NULL, "NAME",
	        "Trust domain, fixed at the first start (default weft.local)."),
	SETTING(struct control_settings, certificate_lifetime, duration, "24h", "DURATION",
	        "Lifetime of certificates; renewed at half of it."),
	SETTING(struct control_settings, workload_grace, duration, "10s", "DURATION",
	        "How long a Workload stays when its proxy is lost."),
	{ 0 }
};
// clang-format on

struct control {
	const struct control_settings *settings;
	struct loop *loop;
	struct chunk_stock chunks;
	struct random random;
	struct signal_source signals;
	struct store *store;
	struct ca *ca;
	struct ca_own ca_own;
	struct identity *identity;
	struct certificates certificates;
	struct proxies *proxies;
	struct state *state;
	struct telemetry *telemetry;
	struct api *api;
	struct rpc rpc;
	struct grpc_service unix_service, tcp_service;
	struct address socket_address;
	int socket_fd;
	int listen_fd;
	char *xds_address;
	struct pool pool;
	bool announced;
};

/*
 * gRPC services
 */

static void on_xds_begin(struct grpc_call *call, unused_arg const struct headers *h)
{
	const struct control *c = grpc_call_service_user(call);

	proxies_accept(c->proxies, call);
}

static void on_certificate(struct grpc_call *call, struct str request)
{
	struct control *c = grpc_call_service_user(call);

	certificates_serve(&c->certificates, call, request);
}

static void on_export(struct grpc_call *call, struct str request)
{
	const struct control *c = grpc_call_service_user(call);

	telemetry_export(c->telemetry, call, request);
}

/* The first row is the only one of the Unix socket. */
static const struct grpc_method methods[] = {
	{
		.path = STR_INIT(CERTIFICATES_PATH),
		.on_unary = on_certificate,
		.message_bytes_max = CERTIFICATES_REQUEST_BYTES,
	},
	{
		.path = STR_INIT(XDS_METHOD_PATH),
		.on_begin = on_xds_begin,
		.message_bytes_max = XDS_REQUEST_BYTES_MAX,
	},
	{
		.path = STR_INIT(TELEMETRY_EXPORT_PATH),
		.on_unary = on_export,
		.message_bytes_max = 4 * 1024 * 1024,
	},
};

/*
 * Identity
 */

static const struct mesh_config *present_config(void *user)
{
	return state_mesh_config(((struct control *)user)->state);
}

static void announce(struct control *c)
{
	if (c->announced)
		return;
	c->announced = true;
	printf("ready socket=%s xds=%s trust_domain=%.*s revision=%llu\n",
	       address_text(&c->socket_address) + strlen("unix:"), c->xds_address,
	       STR_ARGS(ca_trust_domain(c->ca)), (unsigned long long)state_revision(c->state));
	fflush(stdout);
	log_info("control.ready", "socket=%s xds=%s", address_text(&c->socket_address),
		 c->xds_address);
}

static void on_svid(void *user, struct svid *svid)
{
	static const struct str alpn[] = { STR_INIT("h2") };
	struct control *c = user;
	struct svid_tls_options options = { .role = TLS_SERVER, .alpn = alpn, .alpn_count = 1 };
	struct tls_context *context = NULL;
	struct diag d = DIAG_INIT;

	if (svid_tls_context(svid, &options, &context, &d) < 0) {
		log_error("control.tls_failed", "reason=%s", log_quote(str_from(d.text)));
		diag_fini(&d);
		return;
	}
	rpc_set_context(&c->rpc, context);
	tls_context_unref(context);
	announce(c);
}

static const struct identity_callbacks identity_callbacks = { .on_svid = on_svid };

/*
 * Starting
 */

static int directory_make(const char *path, mode_t mode, struct diag *d)
{
	int r = dir_make(path, mode);

	if (r == ERR_DENIED)
		return diag_fail(d, r,
				 "the directory %s must be ours, no symbolic link, and writable "
				 "for nobody else",
				 path);
	return r < 0 ? diag_fail(d, r, "cannot use the directory %s: %s", path, err_text(r)) : 0;
}

static int directories_make(struct control *c, char **ret_state, char **ret_run, struct diag *d)
{
	mode_t run_mode = geteuid() == 0 ? 0755 : 0700;
	int r;

	*ret_state = c->settings->state ? mem_strdup(c->settings->state) : place_dir(PLACE_STATE);
	*ret_run = c->settings->run ? mem_strdup(c->settings->run) : place_dir(PLACE_RUN);
	r = directory_make(*ret_state, 0700, d);
	/* Other users' programs fetch certificates from the socket in it. */
	return r < 0 ? r : directory_make(*ret_run, run_mode, d);
}

static int ca_start(struct control *c, struct diag *d)
{
	struct ca_options options = {
		.facts = ca_facts_of(c->store),
		.trust_domain = str_from(c->settings->trust_domain),
		.validity_max = c->settings->certificate_lifetime,
	};

	return ca_new(&options, loop_wall_now(c->loop), &c->ca, d);
}

static int state_start(struct control *c, struct diag *d)
{
	struct proxies_options options = { .loop = c->loop, .grace = c->settings->workload_grace };
	struct state_options state_options = {
		.trust_domain = ca_trust_domain(c->ca),
		.is_live = proxies_is_live,
	};
	int r;

	c->proxies = proxies_new(&options);
	state_options.user = c->proxies;
	r = state_new(c->loop, c->store, &state_options, &c->state, d);
	if (r < 0)
		return r;
	proxies_start(c->proxies, c->state);
	c->telemetry = telemetry_new(c->loop, c->proxies);
	return 0;
}

static int socket_open(struct control *c, const char *run_dir, struct diag *d)
{
	struct socket_listen_options options = { .unix_mode = geteuid() == 0 ? 0666 : 0600 };
	struct str path = pool_printf(&c->pool, "%s/control.sock", run_dir);
	int r;

	r = address_from_unix(path, &c->socket_address);
	if (r == 0)
		r = socket_listen(&c->socket_address, &options, &c->socket_fd);
	if (r == -EADDRINUSE)
		return diag_fail(d, r, "another control plane is listening on %.*s",
				 STR_ARGS(path));
	if (r < 0)
		return diag_fail(d, r, "cannot listen on %.*s: %s", STR_ARGS(path), err_text(r));
	return 0;
}

static int port_open(struct control *c, struct diag *d)
{
	struct address address, bound, peer;
	const char *text = c->settings->listen;
	int r;

	r = address_parse(str_from(text), &address);
	if (r < 0)
		return diag_fail(d, ERR_CONFIG, "--listen %s is not ADDRESS:PORT", text);
	r = socket_listen(&address, NULL, &c->listen_fd);
	if (r < 0)
		return diag_fail(d, r, "cannot listen on %s: %s", text, err_text(r));
	socket_addresses(c->listen_fd, &bound, &peer);
	c->xds_address = mem_strdup(address_text(&bound));
	return 0;
}

static int identity_start(struct control *c, struct diag *d)
{
	struct buf id = BUF_INIT(0);
	struct identity_options options = {
		.loop = c->loop,
		.chunks = &c->chunks,
		.random = &c->random,
		.sign = ca_sign_own,
		.sign_user = &c->ca_own,
	};
	int r;

	svid_control_id(ca_trust_domain(c->ca), &id);
	c->ca_own = (struct ca_own){ .ca = c->ca, .loop = c->loop };
	options.spiffe_id = buf_str(&id);
	r = identity_new(&options, &identity_callbacks, c, &c->identity, d);
	buf_fini(&id);
	return r;
}

static int serve_start(struct control *c, struct diag *d)
{
	struct api_options options = {
		.loop = c->loop,
		.chunks = &c->chunks,
		.state = c->state,
		.store = c->store,
		.proxies = c->proxies,
		.telemetry = c->telemetry,
		.grpc = &c->unix_service,
		.xds_address = str_from(c->xds_address),
		.certificates = &c->certificates,
		.rpc = &c->rpc,
		.identity = c->identity,
	};
	int r;

	c->unix_service = (struct grpc_service){ methods, 1, c };
	c->tcp_service = (struct grpc_service){ methods, array_count(methods), c };
	c->certificates = (struct certificates){
		.ca = c->ca,
		.loop = c->loop,
		.mesh_config = present_config,
		.user = c,
		.own_user = geteuid(),
	};
	c->rpc = (struct rpc){ .loop = c->loop, .chunks = &c->chunks, .service = &c->tcp_service };
	r = rpc_start(&c->rpc, c->listen_fd);
	if (r == 0)
		r = api_new(&options, c->socket_fd, &c->api);
	if (r < 0)
		return diag_fail(d, r, "cannot serve: %s", err_text(r));
	return 0;
}

static int start(struct control *c, struct diag *d)
{
	char *state_dir = NULL, *run_dir = NULL;
	int r;

	r = directories_make(c, &state_dir, &run_dir, d);
	if (r == 0)
		r = socket_open(c, run_dir, d);
	if (r == 0)
		r = store_open(pool_printf(&c->pool, "%s/weft.db", state_dir).ptr, &c->store, d);
	if (r == 0)
		r = ca_start(c, d);
	if (r == 0)
		r = state_start(c, d);
	if (r == 0)
		r = port_open(c, d);
	/* Its first certificate comes with the first turn of the loop: the service is there then.
	 */
	if (r == 0)
		r = identity_start(c, d);
	if (r == 0)
		r = serve_start(c, d);
	mem_free(state_dir);
	mem_free(run_dir);
	return r;
}

/*
 * Stopping
 */

static bool is_idle(const struct control *c)
{
	return (!c->api || api_is_idle(c->api)) && c->rpc.connection_count == 0;
}

static void on_signal(struct signal_source *s, int number)
{
	struct control *c = container_of(s, struct control, signals);

	log_info("control.stopping", "signal=%d", number);
	loop_stop(c->loop);
}

/* Turns until nothing is open, or the time is over. */
static void wait_idle(struct control *c, struct duration time)
{
	struct instant limit = instant_after(loop_now(c->loop), time);

	do {
		if (loop_turn(c->loop, DURATION_MS(is_idle(c) ? 0 : 50)) < 0)
			return;
	} while (!is_idle(c) && loop_now(c->loop).ns < limit.ns);
}

/* Streams end with a status, so that proxies know that this is no failure of the network. */
static void stop(struct control *c)
{
	if (c->proxies)
		proxies_close(c->proxies);
	if (loop_turn(c->loop, DURATION_NS(0)) < 0)
		return;
	if (c->api)
		api_close(c->api);
	rpc_close(&c->rpc);
	wait_idle(c, STOP_TIMEOUT);
	if (c->api)
		api_abort(c->api);
	wait_idle(c, DURATION_SECONDS(1));
}

static void release(struct control *c)
{
	identity_free(c->identity);
	api_free(c->api);
	rpc_fini(&c->rpc);
	telemetry_free(c->telemetry);
	proxies_free(c->proxies);
	state_free(c->state);
	ca_free(c->ca);
	store_close(c->store);
	if (c->socket_fd >= 0)
		close(c->socket_fd);
	if (c->socket_fd >= 0)
		socket_remove_file(&c->socket_address);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	mem_free(c->xds_address);
	pool_fini(&c->pool);
}

static void dump_crashed(const void *api, struct dump *d)
{
	api_inside(api, d);
}

static int serve(struct control *c)
{
	int r;

	crash_watch_thread(dump_crashed, c->api);
	r = loop_run(c->loop);
	crash_watch_thread(NULL, NULL);
	return r;
}

int control_run(const struct control_settings *settings, struct diag *d)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct control c = { .settings = settings, .socket_fd = -1, .listen_fd = -1 };
	int r;

	log_set_component("control");
	random_init_from_kernel(&c.random);
	chunk_stock_init(&c.chunks, CHUNKS_KEPT);
	r = loop_new(&c.loop);
	if (r < 0)
		return diag_fail(d, r, "cannot make an event loop: %s", err_text(r));
	r = signal_source_start(c.loop, &c.signals, signals, array_count(signals), on_signal);
	if (r == 0)
		r = start(&c, d);
	if (r == 0)
		r = serve(&c);
	stop(&c);
	signal_source_stop(&c.signals);
	release(&c);
	if (loop_turn(c.loop, DURATION_NS(0)) == 0)
		loop_free(c.loop);
	chunk_stock_fini(&c.chunks);
	if (r < 0)
		diag_fail(d, r, "the control plane failed: %s", err_text(r));
	return r;
}
