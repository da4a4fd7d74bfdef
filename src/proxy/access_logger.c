#include "proxy/access_logger.h"

#include <unistd.h>

#include "net/tls.h"
#include "proxy/log_files.h"
#include "proxy/tcp_proxy.h"

/* What the operators ask about: one of the two, and the client's connection. */
struct facts {
	const struct exchange *x;
	const struct tcp_session *tcp;
	const struct downstream *client;
	enum reason reason;
	uint32_t flags;
	uint16_t status;
	struct str details;
	uint64_t bytes_received, bytes_sent;
	struct wall_time wall_since;
	struct instant since;
	struct instant now;
	char text[512]; /* of the fact that was asked for last */
};

typedef struct log_value fact(struct facts *f, const struct log_token *t);

static const struct log_value none = { .kind = LOG_VALUE_NONE };

static struct log_value text_or_none(struct str s)
{
	return s.len ? (struct log_value){ .kind = LOG_VALUE_TEXT, .text = s } : none;
}

static struct log_value number(uint64_t n)
{
	return (struct log_value){ .kind = LOG_VALUE_NUMBER, .number = n };
}

static struct log_value milliseconds(struct instant from, struct instant to)
{
	if (from.ns == 0 || to.ns == 0)
		return none;
	return number((uint64_t)(instant_since(to, from).ns / 1000000));
}

/* Into f->text. */
static struct log_value written(struct facts *f, const struct buf *b)
{
	size_t len = min_of(buf_len(b), sizeof(f->text));

	if (len)
		memcpy(f->text, buf_str(b).ptr, len);
	return text_or_none(str_of(f->text, len));
}

static struct log_value address_value(struct facts *f, const struct address *a, bool with_port)
{
	struct buf b = BUF_INIT(0);
	struct log_value v;

	if (!a || a->len == 0)
		return none;
	if (with_port)
		address_format(a, &b);
	else
		address_format_ip(a, &b);
	v = written(f, &b);
	buf_fini(&b);
	return v;
}

/*
 * Heads
 */

static struct str pseudo_field(const struct headers *h, struct str name, char *scratch)
{
	if (str_eq(name, STR(":method")))
		return h->method;
	if (str_eq(name, STR(":path")))
		return h->path;
	if (str_eq(name, STR(":authority")))
		return h->authority;
	if (str_eq(name, STR(":scheme")))
		return h->scheme;
	if (str_eq(name, STR(":status")) && h->status)
		return str_of(scratch, (size_t)snprintf(scratch, 8, "%u", h->status));
	return STR_EMPTY;
}

static struct str field(const struct headers *h, struct str name, uint16_t id, char *scratch)
{
	const struct header *found;

	if (!h || name.len == 0)
		return STR_EMPTY;
	if (name.ptr[0] == ':')
		return pseudo_field(h, name, scratch);
	if (id == HEADER_HOST)
		return h->authority;
	found = id != HEADER_OTHER ? headers_get(h, id) : headers_get_named(h, name);
	return found ? found->value : STR_EMPTY;
}

static struct log_value field_value(struct facts *f, const struct headers *h,
				    const struct log_token *t)
{
	struct str value = field(h, t->text, t->id, f->text);

	if (value.len == 0)
		value = field(h, t->alternative, t->alternative_id, f->text);
	return text_or_none(value);
}

static struct log_value req(struct facts *f, const struct log_token *t)
{
	return f->x ? field_value(f, f->x->request, t) : none;
}

static struct log_value resp(struct facts *f, const struct log_token *t)
{
	return f->x ? field_value(f, f->x->logged_response, t) : none;
}

static struct log_value trailer(struct facts *f, const struct log_token *t)
{
	return f->x ? field_value(f, f->x->logged_trailers, t) : none;
}

/*
 * Times
 */

static struct log_value start_time(struct facts *f, const struct log_token *t)
{
	(void)t;
	return (struct log_value){ .kind = LOG_VALUE_TIME, .time = f->wall_since };
}

static struct log_value duration(struct facts *f, const struct log_token *t)
{
	(void)t;
	return milliseconds(f->since, f->now);
}

static struct log_value request_duration(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x ? milliseconds(f->since, f->x->request_end_at) : none;
}

static struct log_value response_duration(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x ? milliseconds(f->since, f->x->response_begin_at) : none;
}

static struct log_value response_tx_duration(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x ? milliseconds(f->x->response_begin_at, f->now) : none;
}

/*
 * The outcome
 */

static struct log_value protocol_value(uint8_t version)
{
	switch (version) {
	case 10:
		return text_or_none(STR("HTTP/1.0"));
	case 11:
		return text_or_none(STR("HTTP/1.1"));
	case 20:
		return text_or_none(STR("HTTP/2"));
	default:
		return none;
	}
}

static struct log_value protocol(struct facts *f, const struct log_token *t)
{
	(void)t;
	return protocol_value(f->x && f->x->request ? f->x->request->version : 0);
}

static struct log_value upstream_protocol(struct facts *f, const struct log_token *t)
{
	(void)t;
	return protocol_value(f->x ? f->x->upstream_protocol : 0);
}

static struct log_value response_code(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(f->status);
}

static struct log_value response_code_details(struct facts *f, const struct log_token *t)
{
	(void)t;
	return text_or_none(f->x || f->status ? f->details : STR_EMPTY);
}

static struct log_value flags_value(struct facts *f, const char *(*name)(enum response_flag))
{
	struct buf b = BUF_INIT(0);
	struct log_value v;

	for (int i = FLAG_NONE + 1; i < RESPONSE_FLAG_COUNT; i++)
		if (f->flags & response_flag_bit(i))
			buf_printf(&b, "%s%s", buf_len(&b) ? "," : "", name(i));
	v = buf_len(&b) ? written(f, &b) : text_or_none(STR("-"));
	buf_fini(&b);
	return v;
}

static struct log_value response_flags(struct facts *f, const struct log_token *t)
{
	(void)t;
	return flags_value(f, response_flag_text);
}

static struct log_value response_flags_long(struct facts *f, const struct log_token *t)
{
	(void)t;
	return flags_value(f, response_flag_long_text);
}

static struct log_value connection_details(struct facts *f, const struct log_token *t)
{
	(void)t;
	return text_or_none(f->x ? STR_EMPTY : f->details);
}

static struct log_value bytes_received(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(f->bytes_received);
}

static struct log_value bytes_sent(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(f->bytes_sent);
}

static struct log_value route_name(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x && f->x->route ? text_or_none(f->x->route->name) : none;
}

static struct log_value nothing(struct facts *f, const struct log_token *t)
{
	(void)f;
	(void)t;
	return none;
}

/*
 * Upstream
 */

static const struct upstream *upstream_of(const struct facts *f)
{
	return f->x ? f->x->last_upstream : f->tcp ? f->tcp->upstream : NULL;
}

static struct log_value upstream_host(struct facts *f, const struct log_token *t)
{
	const struct upstream *u = upstream_of(f);

	(void)t;
	return u ? address_value(f, &u->host->address, true) : none;
}

static struct log_value upstream_host_name(struct facts *f, const struct log_token *t)
{
	const struct upstream *u = upstream_of(f);

	if (u && u->endpoint->hostname.len)
		return text_or_none(u->endpoint->hostname);
	return upstream_host(f, t);
}

static struct log_value upstream_cluster(struct facts *f, const struct log_token *t)
{
	(void)t;
	if (f->tcp)
		return text_or_none(f->tcp->target->cluster.name);
	return f->x ? text_or_none(f->x->upstream_cluster) : none;
}

static struct log_value upstream_local_address(struct facts *f, const struct log_token *t)
{
	(void)t;
	if (f->tcp)
		return f->tcp->up ? address_value(f, &f->tcp->up->local, true) : none;
	return f->x ? address_value(f, f->x->upstream_local, true) : none;
}

static struct log_value upstream_failure(struct facts *f, const struct log_token *t)
{
	(void)t;
	if (f->tcp)
		return text_or_none(str_from(f->tcp->transport_failure));
	return f->x ? text_or_none(f->x->transport_failure) : none;
}

static struct log_value upstream_attempts(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(f->x ? f->x->attempts : f->tcp ? f->tcp->attempts : 0);
}

static struct log_value upstream_peer_uri_san(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x ? text_or_none(f->x->upstream_peer) : none;
}

static struct log_value upstream_tls_version(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->x ? text_or_none(str_from(f->x->upstream_tls_version)) : none;
}

/*
 * Downstream
 */

static const struct tls_info *tls_of(const struct facts *f)
{
	return f->client->conn ? f->client->conn->tls : NULL;
}

static const struct certificate *peer_of(const struct facts *f)
{
	const struct tls_info *tls = tls_of(f);

	return tls ? tls->peer : NULL;
}

static struct log_value local_address(struct facts *f, const struct log_token *t)
{
	(void)t;
	return address_value(f, &f->client->conn->local, true);
}

static struct log_value local_address_without_port(struct facts *f, const struct log_token *t)
{
	(void)t;
	return address_value(f, &f->client->conn->local, false);
}

static struct log_value local_port(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(address_port(&f->client->conn->local));
}

static struct log_value direct_remote_address(struct facts *f, const struct log_token *t)
{
	(void)t;
	return address_value(f, &f->client->conn->peer, true);
}

static struct log_value direct_remote_address_without_port(struct facts *f,
							   const struct log_token *t)
{
	(void)t;
	return address_value(f, &f->client->conn->peer, false);
}

/* Without use_remote_address, the nearest trusted entry of x-forwarded-for is the client. */
static struct str forwarded_client(const struct facts *f)
{
	const struct header *xff;
	struct str rest, part, found = STR_EMPTY;
	uint32_t entries = 0, wanted;

	if (!f->x || !f->x->request || f->x->http->manager->use_remote_address)
		return STR_EMPTY;
	xff = headers_get(f->x->request, HEADER_X_FORWARDED_FOR);
	if (!xff)
		return STR_EMPTY;
	for (rest = xff->value; str_split(&rest, ',', &part);)
		entries++;
	wanted = f->x->http->manager->xff_num_trusted_hops;
	if (entries <= wanted)
		return STR_EMPTY;
	wanted = entries - 1 - wanted;
	rest = xff->value;
	for (uint32_t i = 0; i <= wanted && str_split(&rest, ',', &part); i++)
		found = str_trim(part);
	return found;
}

static struct log_value remote_address(struct facts *f, const struct log_token *t)
{
	struct str client = forwarded_client(f);

	if (client.len == 0)
		return direct_remote_address(f, t);
	snprintf(f->text, sizeof(f->text), "%.*s:0", STR_ARGS(client));
	return text_or_none(str_from(f->text));
}

static struct log_value remote_address_without_port(struct facts *f, const struct log_token *t)
{
	struct str client = forwarded_client(f);

	return client.len ? text_or_none(client) : direct_remote_address_without_port(f, t);
}

static struct log_value remote_port(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(address_port(&f->client->conn->peer));
}

static struct log_value names_value(struct facts *f, const struct str *names, uint32_t count)
{
	struct buf b = BUF_INIT(0);
	struct log_value v;

	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_append_char(&b, ',');
		buf_append_str(&b, names[i]);
	}
	v = written(f, &b);
	buf_fini(&b);
	return v;
}

static struct log_value peer_uri_san(struct facts *f, const struct log_token *t)
{
	const struct certificate *c = peer_of(f);

	(void)t;
	return c ? names_value(f, c->uri_sans, c->uri_san_count) : none;
}

static struct log_value peer_dns_san(struct facts *f, const struct log_token *t)
{
	const struct certificate *c = peer_of(f);

	(void)t;
	return c ? names_value(f, c->dns_sans, c->dns_san_count) : none;
}

static struct log_value peer_subject(struct facts *f, const struct log_token *t)
{
	const struct certificate *c = peer_of(f);

	(void)t;
	return c ? text_or_none(c->subject) : none;
}

static struct log_value peer_issuer(struct facts *f, const struct log_token *t)
{
	const struct certificate *c = peer_of(f);

	(void)t;
	return c ? text_or_none(c->issuer) : none;
}

static struct log_value peer_serial(struct facts *f, const struct log_token *t)
{
	const struct certificate *c = peer_of(f);

	(void)t;
	return c ? text_or_none(c->serial) : none;
}

static struct log_value local_uri_san(struct facts *f, const struct log_token *t)
{
	const struct tls_context *context = f->client->chain ? f->client->chain->tls.context : NULL;
	const struct certificate *c = context ? tls_context_certificate(context) : NULL;

	(void)t;
	return c ? names_value(f, c->uri_sans, c->uri_san_count) : none;
}

static struct log_value tls_version(struct facts *f, const struct log_token *t)
{
	const struct tls_info *tls = tls_of(f);

	(void)t;
	return tls ? text_or_none(str_from(tls->version_text)) : none;
}

static struct log_value tls_cipher(struct facts *f, const struct log_token *t)
{
	const struct tls_info *tls = tls_of(f);

	(void)t;
	return tls ? text_or_none(str_from(tls->cipher)) : none;
}

static struct log_value downstream_failure(struct facts *f, const struct log_token *t)
{
	const struct tls_info *tls = tls_of(f);

	(void)t;
	return tls && tls->failure ? text_or_none(str_from(tls->failure_text)) : none;
}

static struct log_value server_name(struct facts *f, const struct log_token *t)
{
	const struct tls_info *tls = tls_of(f);

	(void)t;
	return text_or_none(tls && tls->sni.len ? tls->sni : f->client->server_name);
}

static struct log_value chain_name(struct facts *f, const struct log_token *t)
{
	(void)t;
	return f->client->chain ? text_or_none(f->client->chain->chain->name) : none;
}

static struct log_value connection_id(struct facts *f, const struct log_token *t)
{
	(void)t;
	return number(f->client->id);
}

static struct log_value stream_id(struct facts *f, const struct log_token *t)
{
	const struct header *id =
		f->x && f->x->request ? headers_get(f->x->request, HEADER_X_REQUEST_ID) : NULL;

	(void)t;
	return id ? text_or_none(id->value) : none;
}

static struct log_value hostname(struct facts *f, const struct log_token *t)
{
	(void)t;
	if (gethostname(f->text, sizeof(f->text)) < 0)
		return none;
	f->text[sizeof(f->text) - 1] = 0;
	return text_or_none(str_from(f->text));
}

// clang-format off
static fact *const facts[LOG_OPERATOR_COUNT] = {
	[LOG_REQ]                                = req,
	[LOG_RESP]                               = resp,
	[LOG_TRAILER]                            = trailer,
	[LOG_START_TIME]                         = start_time,
	[LOG_PROTOCOL]                           = protocol,
	[LOG_UPSTREAM_PROTOCOL]                  = upstream_protocol,
	[LOG_RESPONSE_CODE]                      = response_code,
	[LOG_RESPONSE_CODE_DETAILS]              = response_code_details,
	[LOG_RESPONSE_FLAGS]                     = response_flags,
	[LOG_RESPONSE_FLAGS_LONG]                = response_flags_long,
	[LOG_CONNECTION_TERMINATION_DETAILS]     = connection_details,
	[LOG_BYTES_RECEIVED]                     = bytes_received,
	[LOG_BYTES_SENT]                         = bytes_sent,
	[LOG_DURATION]                           = duration,
	[LOG_REQUEST_DURATION]                   = request_duration,
	[LOG_REQUEST_TX_DURATION]                = request_duration,
	[LOG_RESPONSE_DURATION]                  = response_duration,
	[LOG_RESPONSE_TX_DURATION]               = response_tx_duration,
	[LOG_ROUTE_NAME]                         = route_name,
	[LOG_VIRTUAL_CLUSTER_NAME]               = nothing,
	[LOG_UPSTREAM_HOST]                      = upstream_host,
	[LOG_UPSTREAM_HOST_NAME]                 = upstream_host_name,
	[LOG_UPSTREAM_CLUSTER]                   = upstream_cluster,
	[LOG_UPSTREAM_LOCAL_ADDRESS]             = upstream_local_address,
	[LOG_UPSTREAM_REMOTE_ADDRESS]            = upstream_host,
	[LOG_UPSTREAM_TRANSPORT_FAILURE_REASON]  = upstream_failure,
	[LOG_UPSTREAM_REQUEST_ATTEMPT_COUNT]     = upstream_attempts,
	[LOG_UPSTREAM_PEER_URI_SAN]              = upstream_peer_uri_san,
	[LOG_UPSTREAM_TLS_VERSION]               = upstream_tls_version,
	[LOG_DOWNSTREAM_LOCAL_ADDRESS]           = local_address,
	[LOG_DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT] = local_address_without_port,
	[LOG_DOWNSTREAM_LOCAL_PORT]              = local_port,
	[LOG_DOWNSTREAM_REMOTE_ADDRESS]          = remote_address,
	[LOG_DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT] = remote_address_without_port,
	[LOG_DOWNSTREAM_REMOTE_PORT]             = remote_port,
	[LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS]   = direct_remote_address,
	[LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT] = direct_remote_address_without_port,
	[LOG_DOWNSTREAM_PEER_URI_SAN]            = peer_uri_san,
	[LOG_DOWNSTREAM_PEER_DNS_SAN]            = peer_dns_san,
	[LOG_DOWNSTREAM_PEER_SUBJECT]            = peer_subject,
	[LOG_DOWNSTREAM_PEER_ISSUER]             = peer_issuer,
	[LOG_DOWNSTREAM_PEER_SERIAL]             = peer_serial,
	[LOG_DOWNSTREAM_LOCAL_URI_SAN]           = local_uri_san,
	[LOG_DOWNSTREAM_TLS_VERSION]             = tls_version,
	[LOG_DOWNSTREAM_TLS_CIPHER]              = tls_cipher,
	[LOG_DOWNSTREAM_TRANSPORT_FAILURE_REASON] = downstream_failure,
	[LOG_REQUESTED_SERVER_NAME]              = server_name,
	[LOG_FILTER_CHAIN_NAME]                  = chain_name,
	[LOG_CONNECTION_ID]                      = connection_id,
	[LOG_STREAM_ID]                          = stream_id,
	[LOG_HOSTNAME]                           = hostname,
};
// clang-format on

static struct log_value lookup(const struct log_token *t, void *user)
{
	return facts[t->operator]? facts[t->operator](user, t) : none;
}

static void write_all(struct facts *f, struct access_log *const *logs, uint32_t count)
{
	struct log_files *files = f->client->worker->logs;

	for (uint32_t i = 0; i < count; i++) {
		access_log_write(logs[i], lookup, f, log_files_buffer(files, logs[i]));
		log_files_written(files, logs[i]);
	}
}

/* The wall clock at a moment of the monotonic one. */
static struct wall_time wall_at(const struct loop *l, struct instant at)
{
	return (struct wall_time){ loop_wall_now(l).ns - instant_since(loop_now(l), at).ns };
}

void access_logger_exchange(struct exchange *x)
{
	const struct http_manager *m = x->http->manager;
	struct loop *l = x->worker->loop;
	struct facts f = {
		.x = x,
		.client = x->client,
		.reason = x->reason,
		.flags = x->flags,
		.status = x->status,
		.details = x->details.len ? x->details : reason_row(x->reason)->details,
		.bytes_received = x->bytes_received,
		.bytes_sent = x->bytes_sent,
		.since = x->since,
		.now = loop_now(l),
	};

	f.wall_since = wall_at(l, x->since);
	write_all(&f, m->access_logs, m->access_log_count);
}

void access_logger_fault(struct downstream *d, enum reason reason, uint16_t status,
			 struct str detail)
{
	const struct http_manager *m = d->http.state->manager;
	const struct reason_row *row = reason_row(reason);
	struct loop *l = d->worker->loop;
	struct facts f = {
		.client = d,
		.reason = reason,
		.flags = response_flag_bit(row->flag),
		.status = status,
		.details = row->details,
		.since = loop_now(l),
		.now = loop_now(l),
		.wall_since = loop_wall_now(l),
	};

	(void)detail;
	write_all(&f, m->access_logs, m->access_log_count);
}

void access_logger_tcp(struct tcp_session *t)
{
	struct downstream *d = t->client;
	struct loop *l = d->worker->loop;
	struct facts f = {
		.tcp = t,
		.client = d,
		.reason = t->reason,
		.flags = t->flags,
		.details = reason_row(t->reason)->details,
		.bytes_received = t->bytes_received,
		.bytes_sent = t->bytes_sent,
		.since = d->since,
		.now = loop_now(l),
		.wall_since = d->wall_since,
	};

	write_all(&f, t->settings->access_logs, t->settings->access_log_count);
}

void access_logger_connection(struct downstream *d)
{
	const struct listener *listener = d->listener->listener;
	struct loop *l = d->worker->loop;
	const struct reason_row *row = reason_row(d->reason);
	struct facts f = {
		.tcp = d->tcp,
		.client = d,
		.reason = d->reason,
		.flags = response_flag_bit(row->flag),
		.details = row->details,
		.bytes_received = d->conn->bytes_received,
		.bytes_sent = d->conn->bytes_sent,
		.since = d->since,
		.now = loop_now(l),
		.wall_since = d->wall_since,
	};

	write_all(&f, listener->access_logs, listener->access_log_count);
}
