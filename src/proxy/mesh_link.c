#include "proxy/mesh_link.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/grpc.h"
#include "identity/source.h"
#include "message/telemetry_names.h"
#include "net/socket_conn.h"
#include "proxy/otlp.h"

#define REPORT_INTERVAL    DURATION_SECONDS(1)
#define REPORT_TIMEOUT     DURATION_SECONDS(10)
#define CONNECT_TIMEOUT    DURATION_SECONDS(5)
/* On one machine an attempt to connect to nobody costs a system call: a control plane that is
 * back is to find its proxies soon. */
#define LOCAL_BACKOFF_MAX  DURATION_SECONDS(1)

/* Names that src/identity serves. */
#define SECRET_CERTIFICATE STR("default")
#define SECRET_TRUST       STR("ROOTCA")

/* Fields of envoy.config.core.v3.Node that the proxy adds by itself. */
enum {
	NODE_USER_AGENT_NAME = 6,
	NODE_USER_AGENT_VERSION = 7,
	NODE_CLIENT_FEATURES = 10,
};

/* See mesh_link.h. */
enum beginning { WAITING, FRESH, KEPT, REFUSED };

struct mesh_link {
	struct mesh_link_options options;
	const struct cluster *control; /* NULL: there is no control plane */
	struct identity *identity;     /* NULL: none is configured */
	struct xds_client *xds;
	bool xds_started;
	enum beginning beginning;
	struct keeper *keeper; /* NULL: nothing is kept */
	struct timer grace;    /* while WAITING for an answer, where something may be kept */
	uint32_t endpoint_next;

	/* Of the response that is being read. */
	struct resource_change *staged;
	size_t staged_count;
	size_t staged_capacity;

	struct timer report_timer;
	struct grpc_call *report_call;
	bool report_again; /* the revision changed while a report was under way */
	bool report_failing;
	struct buf report;
	struct wall_time started;
	uint64_t reports_sent;
	uint64_t reports_failed;
	uint64_t refused;

	void (*on_stopped)(void *user); /* set: the link is stopping */
	void *stopped_user;
};

static const enum xds_type xds_types_of[PART_KIND_COUNT] = {
	[PART_LISTENER] = XDS_LISTENER,   [PART_ROUTES] = XDS_ROUTES, [PART_CLUSTER] = XDS_CLUSTER,
	[PART_ENDPOINTS] = XDS_ENDPOINTS, [PART_SECRET] = XDS_SECRET,
};

static const enum part_kind part_kinds_of[XDS_TYPE_COUNT] = {
	[XDS_LISTENER] = PART_LISTENER,   [XDS_ROUTES] = PART_ROUTES, [XDS_CLUSTER] = PART_CLUSTER,
	[XDS_ENDPOINTS] = PART_ENDPOINTS, [XDS_SECRET] = PART_SECRET,
};

/* Applies changes whose parts are ours; a socket that does not open is told and retried by
 * whoever configured it. */
static void apply(struct mesh_link *l, struct resource_change *changes, size_t count,
		  uint64_t revision)
{
	struct diag d = DIAG_INIT;

	if (resources_apply(l->options.resources, changes, count, revision, &d) < 0)
		log_error("resources.apply_failed", "reason=%s", log_quote(str_from(d.text)));
	for (size_t i = 0; i < count; i++)
		part_unref(changes[i].part);
	diag_fini(&d);
}

/*
 * Identity
 */

static void on_svid(void *user, struct svid *svid)
{
	struct mesh_link *l = user;
	struct resource_change changes[] = {
		{
			.kind = PART_SECRET,
			.name = SECRET_CERTIFICATE,
			.part = resources_secret_new(SECRET_CERTIFICATE, svid->serial,
						     svid->chain_pem, svid->key_pem, STR_EMPTY),
		},
		{
			.kind = PART_SECRET,
			.name = SECRET_TRUST,
			.part = resources_secret_new(SECRET_TRUST, svid->serial, STR_EMPTY,
						     STR_EMPTY, svid->trust_pem),
		},
	};

	apply(l, changes, array_count(changes), 0);
	if (!l->xds)
		return;
	if (l->xds_started) {
		/* The stream was let in by the certificate that is being replaced. */
		xds_client_reconnect(l->xds);
		return;
	}
	l->xds_started = true;
	xds_client_start(l->xds);
}

static const struct identity_callbacks identity_callbacks = { .on_svid = on_svid };

static int identity_make(struct mesh_link *l, struct diag *d)
{
	const struct bootstrap_identity *b = &l->options.bootstrap->identity;
	struct identity_options options = {
		.loop = l->options.loop,
		.chunks = l->options.chunks,
		.random = l->options.random,
		.spiffe_id = b->spiffe_id,
		.address = b->address,
		.dir = b->directory,
	};

	return identity_new(&options, &identity_callbacks, l, &l->identity, d);
}

/*
 * xDS
 */

static struct conn *on_connect(void *user)
{
	struct mesh_link *l = user;
	const struct endpoint_set *endpoints = l->control->static_endpoints;
	struct socket_connect_options options = {
		.peer = &endpoints->items[l->endpoint_next++ % endpoints->count].address,
		.timeout = CONNECT_TIMEOUT,
	};
	struct tls_slot slot = { 0 };
	struct tls_conn_options tls = { 0 };
	struct diag d = DIAG_INIT;
	struct conn *conn = NULL;
	int r;

	if (l->options.connect)
		return l->options.connect(l->options.connect_user);
	r = tls_slot_fill(&slot, l->control->tls, NULL, &l->options.resources->secrets, &d);
	if (r == 0 && !slot.missing)
		conn = socket_conn_connect(l->options.loop, l->options.chunks, &options, NULL);
	else
		log_warn("xds.no_tls", "reason=%s", log_quote(str_from(d.text)));
	if (conn && slot.context) {
		tls.context = slot.context;
		tls.sni = l->control->tls->sni;
		conn = tls_conn_new_take(conn, &tls, NULL);
	}
	tls_slot_clear(&slot);
	diag_fini(&d);
	return conn;
}

/* What was kept of a name is held, if anything was. */
static void hold(struct mesh_link *l, enum xds_type type, struct str name)
{
	const struct resource *e =
		map_get(&l->options.resources->by_name[part_kinds_of[type]], name);
	const struct part *part = e ? resource_staged(e) ?: resource_active(e) : NULL;

	if (part && part->kept)
		xds_client_hold(l->xds, type, name, part->version);
}

static void stage(struct mesh_link *l, enum xds_type type, struct str name, struct part *part)
{
	if (l->staged_count == l->staged_capacity) {
		l->staged_capacity = l->staged_capacity ? l->staged_capacity * 2 : 16;
		l->staged = mem_realloc(l->staged, l->staged_capacity * sizeof(*l->staged));
	}
	l->staged[l->staged_count++] = (struct resource_change){
		.kind = part_kinds_of[type],
		.name = part ? part->name : name,
		.part = part,
	};
}

static int on_resource(void *user, const struct xds_resource *r, struct diag *d)
{
	struct mesh_link *l = user;
	struct part *part = NULL;
	int e;

	e = resource_compile(part_kinds_of[r->type], r->name, r->bytes, r->version, &part, d);
	if (e == 0) {
		stage(l, r->type, r->name, part);
		return 0;
	}
	l->refused++;
	log_warn("xds.refused", "type=%s name=%s reason=%s", xds_types[r->type].short_name,
		 log_quote(r->name), log_quote(str_from(d->text)));
	return e;
}

static void on_removed(void *user, enum xds_type type, struct str name)
{
	stage(user, type, name, NULL);
}

static void on_commit(void *user, unused_arg enum xds_type type, struct str system_version)
{
	struct mesh_link *l = user;
	size_t count = l->staged_count;
	uint64_t revision;

	/* A foreign control plane may say anything here; then there is no revision to report. */
	if (str_to_u64(system_version, UINT64_MAX, &revision) < 0)
		revision = 0;
	l->staged_count = 0;
	apply(l, l->staged, count, revision);
}

/* What is wanted is subscribed to by now or will be: see on_want(). Of kinds that are received
 * whole all is wanted. */
static void hold_all(struct mesh_link *l)
{
	for (int type = 0; type < XDS_TYPE_COUNT; type++)
		map_for_each (entry, &l->options.resources->by_name[part_kinds_of[type]])
			hold(l, type, entry->key);
}

/* No control plane answers. */
static void use_kept(struct mesh_link *l)
{
	timer_stop(&l->grace);
	if (l->beginning != WAITING || !keeper_use(l->keeper))
		return;
	l->beginning = KEPT;
	hold_all(l);
}

static void on_grace_over(struct timer *t)
{
	use_kept(container_of(t, struct mesh_link, grace));
}

/* The first attempt came to nothing. */
static void attempt_failed(struct mesh_link *l, const struct xds_down *down)
{
	bool refused =
		down->status == GRPC_PERMISSION_DENIED || down->status == GRPC_UNAUTHENTICATED;

	if (!timer_is_running(&l->grace))
		return;
	if (!down->connected) {
		use_kept(l);
	} else if (refused) {
		timer_stop(&l->grace);
		l->beginning = REFUSED;
	}
}

static void on_up(void *user)
{
	struct mesh_link *l = user;

	timer_stop(&l->grace);
	l->beginning = FRESH;
	log_info("xds.up", "server=%s",
		 address_text(&l->control->static_endpoints->items[0].address));
}

static void on_down(void *user, const struct xds_down *down)
{
	struct mesh_link *l = user;
	/* We ended it, for good or with the certificate that it was let in by, or the control plane
	 * did, as when the workload left the mesh. */
	bool in_order =
		l->on_stopped || down->replaced ||
		(down->was_up && (down->status == GRPC_OK || down->status == GRPC_NOT_FOUND));

	log_write(in_order ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "xds.down", "reason=%s",
		  log_quote(str_from(down->reason)));
	attempt_failed(l, down);
}

/* Both have ended. */
static void stopped_check(void *user)
{
	struct mesh_link *l = user;
	void (*on_stopped)(void *user) = l->on_stopped;

	if (!on_stopped || !mesh_link_is_idle(l))
		return;
	l->on_stopped = NULL;
	on_stopped(l->stopped_user);
}

static const struct xds_client_callbacks xds_callbacks = {
	.delta = {
		.on_resource = on_resource,
		.on_removed = on_removed,
		.on_commit = on_commit,
	},
	.connect = on_connect,
	.on_up = on_up,
	.on_down = on_down,
	.on_stopped = stopped_check,
};

static const struct cluster *cluster_find(const struct bootstrap *b, struct str name)
{
	for (uint32_t i = 0; i < b->clusters.count; i++)
		if (str_eq(b->clusters.items[i]->name, name))
			return cluster_of(b->clusters.items[i]);
	return NULL;
}

static bool all_local(const struct endpoint_set *endpoints)
{
	for (uint32_t i = 0; i < endpoints->count; i++)
		if (!address_is_loopback(&endpoints->items[i].address))
			return false;
	return true;
}

static int xds_make(struct mesh_link *l, struct diag *d)
{
	const struct bootstrap *b = l->options.bootstrap;
	struct xds_client_options options = { .authority = b->ads_cluster };
	struct buf node = BUF_INIT(0);

	l->control = cluster_find(b, b->ads_cluster);
	if (!l->control || !l->control->static_endpoints || !l->control->static_endpoints->count)
		return diag_fail(d, ERR_CONFIG,
				 "the cluster \"%.*s\" of ads_config needs a static endpoint",
				 STR_ARGS(b->ads_cluster));
	if (b->node)
		pb_encode(b->node, &node);
	pb_write_bytes(&node, NODE_USER_AGENT_NAME, STR("weft"));
	pb_write_bytes(&node, NODE_USER_AGENT_VERSION, STR(WEFT_VERSION));
	pb_write_bytes(&node, NODE_CLIENT_FEATURES, STR("weft.eds_cache"));
	pb_write_bytes(&node, NODE_CLIENT_FEATURES, STR("weft.proxy"));
	options.node = buf_str(&node);
	if (all_local(l->control->static_endpoints))
		options.unreached_max = LOCAL_BACKOFF_MAX;
	l->xds = xds_client_new(l->options.loop, l->options.random, &options, &xds_callbacks, l);
	buf_fini(&node);
	if (b->lds_wildcard)
		xds_client_subscribe_all(l->xds, XDS_LISTENER);
	if (b->cds_wildcard)
		xds_client_subscribe_all(l->xds, XDS_CLUSTER);
	l->options.resources->wildcard[PART_LISTENER] = b->lds_wildcard;
	l->options.resources->wildcard[PART_CLUSTER] = b->cds_wildcard;
	return 0;
}

/*
 * Reports
 */

static void report_send(struct mesh_link *l);

static void on_report_answer(struct grpc_call *call, const struct grpc_answer *answer)
{
	struct mesh_link *l = grpc_call_user(call);
	bool failed = answer->status != GRPC_OK;

	l->report_call = NULL;
	if (l->on_stopped) {
		stopped_check(l);
		return;
	}
	if (failed)
		l->reports_failed++;
	else
		l->reports_sent++;
	if (failed && !l->report_failing)
		log_warn("otlp.failed", "status=%s reason=%s", grpc_status_text(answer->status),
			 log_quote(answer->text));
	l->report_failing = failed;
	if (l->report_again && !failed)
		report_send(l);
}

static void report_send(struct mesh_link *l)
{
	const struct grpc_call_options options = {
		.path = STR_INIT(TELEMETRY_EXPORT_PATH),
		.authority = l->options.bootstrap->ads_cluster,
		.timeout = REPORT_TIMEOUT,
	};
	const struct otlp_report report = {
		.bootstrap = l->options.bootstrap,
		.metrics = l->options.metrics,
		.revision = l->options.resources->revision_applied,
		.unchanged = xds_client_stats(l->xds).delta.unchanged,
		.now = loop_now(l->options.loop),
		.wall_now = loop_wall_now(l->options.loop),
		.started = l->started,
	};
	struct http_client_conn *connection = xds_client_connection(l->xds);

	l->report_again = l->report_call != NULL;
	if (l->report_call || !connection || !xds_client_is_up(l->xds))
		return;
	otlp_encode(&report, &l->report);
	l->report_call = grpc_unary(connection, &options, buf_str(&l->report), on_report_answer, l);
}

static void on_report_due(struct timer *t)
{
	struct mesh_link *l = container_of(t, struct mesh_link, report_timer);

	timer_start(l->options.loop, t, REPORT_INTERVAL);
	report_send(l);
}

/*
 * Resources
 */

static bool is_own_secret(const struct mesh_link *l, enum part_kind kind, struct str name)
{
	return l->options.bootstrap->identity.spiffe_id.len && kind == PART_SECRET &&
	       (str_eq(name, SECRET_CERTIFICATE) || str_eq(name, SECRET_TRUST));
}

static void on_want(void *user, enum part_kind kind, struct str name, bool wanted)
{
	struct mesh_link *l = user;
	struct resource_change absent = { .kind = kind, .name = name };

	if (is_own_secret(l, kind, name))
		return;
	if (!l->xds) {
		if (wanted)
			apply(l, &absent, 1, 0);
		return;
	}
	if (!wanted) {
		xds_client_unsubscribe(l->xds, xds_types_of[kind], name);
		return;
	}
	xds_client_subscribe(l->xds, xds_types_of[kind], name);
	hold(l, xds_types_of[kind], name);
}

/* The control plane learns at once what is served, not at the next second. */
static void on_applied(void *user, unused_arg uint64_t revision)
{
	struct mesh_link *l = user;

	if (l->xds)
		report_send(l);
}

/* What was only kept is in the file already. */
static void on_changed(void *user)
{
	struct mesh_link *l = user;

	if (l->keeper && l->beginning == FRESH)
		keeper_note(l->keeper);
}

static const struct resources_handler resources_handler = {
	.on_want = on_want,
	.on_applied = on_applied,
	.on_changed = on_changed,
};

/* Beside the key, where that is kept. */
static void keeper_make(struct mesh_link *l)
{
	const struct bootstrap *b = l->options.bootstrap;

	if (!l->xds || !b->identity.directory.len)
		return;
	l->keeper = keeper_new(&(struct keeper_options){
		.loop = l->options.loop,
		.resources = l->options.resources,
		.dir = b->identity.directory,
		.owner = { .node_id = b->node_id, .spiffe_id = b->identity.spiffe_id },
	});
}

int mesh_link_new(const struct mesh_link_options *options, struct mesh_link **ret_link,
		  struct diag *d)
{
	struct mesh_link *l = mem_new(struct mesh_link);
	int r = 0;

	l->options = *options;
	l->started = loop_wall_now(options->loop);
	timer_init(&l->report_timer, on_report_due);
	timer_init(&l->grace, on_grace_over);
	if (options->bootstrap->ads_cluster.len)
		r = xds_make(l, d);
	if (r == 0 && options->bootstrap->identity.spiffe_id.len)
		r = identity_make(l, d);
	if (r < 0) {
		mesh_link_free(l);
		return r;
	}
	keeper_make(l);
	*ret_link = l;
	return 0;
}

void mesh_link_start(struct mesh_link *l)
{
	resources_set_handler(l->options.resources, &resources_handler, l);
	if (l->identity) {
		/* Kept also while no cluster and no listener names them: the link itself does. */
		resources_want(l->options.resources, PART_SECRET, SECRET_CERTIFICATE);
		resources_want(l->options.resources, PART_SECRET, SECRET_TRUST);
	}
	if (!l->xds)
		return;
	timer_start(l->options.loop, &l->report_timer, REPORT_INTERVAL);
	if (l->keeper)
		timer_start(l->options.loop, &l->grace, MESH_LINK_GRACE);
	/* With an identity of our own the first SVID starts it. */
	if (l->identity)
		return;
	l->xds_started = true;
	xds_client_start(l->xds);
}

void mesh_link_stop(struct mesh_link *l, void (*on_stopped)(void *user), void *user)
{
	l->on_stopped = on_stopped;
	l->stopped_user = user;
	timer_stop(&l->report_timer);
	timer_stop(&l->grace);
	if (l->keeper)
		keeper_flush(l->keeper);
	l->identity = identity_free(l->identity);
	if (l->report_call)
		grpc_cancel(l->report_call);
	if (l->xds && l->xds_started)
		xds_client_stop(l->xds);
	stopped_check(l);
}

bool mesh_link_is_idle(const struct mesh_link *l)
{
	return !l->report_call && (!l->xds || xds_client_is_idle(l->xds));
}

struct mesh_link *mesh_link_free(struct mesh_link *l)
{
	if (!l)
		return NULL;
	assert(mesh_link_is_idle(l));
	timer_stop(&l->report_timer);
	timer_stop(&l->grace);
	keeper_free(l->keeper);
	identity_free(l->identity);
	xds_client_free(l->xds);
	mem_free(l->staged);
	buf_fini(&l->report);
	mem_free(l);
	return NULL;
}

bool mesh_link_is_ready(const struct mesh_link *l)
{
	if (l->options.bootstrap->identity.spiffe_id.len &&
	    (!l->identity || !identity_svid(l->identity)))
		return false;
	return !l->xds || l->beginning == FRESH || l->beginning == KEPT;
}

struct mesh_link_stats mesh_link_stats(const struct mesh_link *l)
{
	struct mesh_link_stats stats = {
		.reports_sent = l->reports_sent,
		.reports_failed = l->reports_failed,
		.refused = l->refused,
	};

	if (l->xds) {
		stats.connected = xds_client_is_up(l->xds);
		stats.xds = xds_client_stats(l->xds);
	}
	if (l->keeper)
		stats.kept = keeper_stats(l->keeper);
	return stats;
}

/*
 * Looking inside
 */

void mesh_link_check(const struct mesh_link *l)
{
	assert(l->staged_count <= l->staged_capacity);
	if (l->xds)
		xds_client_check(l->xds);
}

void mesh_link_dump(const struct mesh_link *l, struct dump *d)
{
	dump_line(d, "link");
	dump_number(d, "staged", l->staged_count);
	dump_flag(d, "ready", mesh_link_is_ready(l));
	dump_flag(d, "identity", l->identity != NULL);
	dump_enter(d);
	if (l->xds)
		xds_client_dump(l->xds, d);
	dump_leave(d);
}
