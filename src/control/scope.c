#include "control/scope.h"

#include <limits.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb_message.h"
#include "control/build.h"
#include "message/address.h"
#include "proto/weft.pb.h"

struct binding {
	char *listener;
	struct address address;
	bool has_address;
	struct interest interest; /* in the routes of that name */
};

struct scope {
	struct interests *interests; /* NULL: not followed */
	struct binding *items;
	uint32_t count;
	char *secrets; /* directory; NULL: those of the bootstrap */
	/* The resource that this client gets differently, made last. */
	struct buf any;
	char version[GRAPH_VERSION_LEN + 1];
};

/*
 * Reading
 */

static const struct pb_message *member(const struct pb_message *object, const char *name)
{
	const struct pb_message *entry = pb_entry(object, PB_Struct_fields, str_from(name));

	return pb_sub(entry, PB_Struct_FieldsEntry_value);
}

static int address_read(struct str text, struct address *ret_address)
{
	int r = address_parse(text, ret_address);

	if (r == 0 && (ret_address->any.sa_family == AF_UNIX || !address_port(ret_address)))
		return ERR_CONFIG;
	return r;
}

static struct binding *binding_find(struct scope *s, struct str name)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (str_eq(str_from(s->items[i].listener), name))
			return &s->items[i];
	return NULL;
}

/* Appends one. */
static int binding_read(struct scope *s, const struct pb_message *value, struct diag *d)
{
	struct binding *b = &s->items[s->count];
	const struct pb_message *object = pb_sub(value, PB_Value_struct_value);
	struct str listener = pb_text(member(object, "listener"), PB_Value_string_value);
	const struct pb_message *address = member(object, "address");

	if (!listener.len || listener.len > XDS_NAME_BYTES_MAX)
		return diag_fail(
			d, ERR_CONFIG,
			"node.metadata: weft.dev.bindings[%u].listener must be a name such "
			"as reviews.shop.svc.weft.local:9080",
			s->count);
	if (binding_find(s, listener))
		return diag_fail(d, ERR_CONFIG, "node.metadata: weft.dev.bindings has %.*s twice",
				 STR_ARGS(listener));
	if (address && address_read(pb_text(address, PB_Value_string_value), &b->address) < 0)
		return diag_fail(d, ERR_CONFIG,
				 "node.metadata: weft.dev.bindings[%u].address must be an IP "
				 "address and a port such as 127.0.0.1:9080",
				 s->count);
	b->has_address = address != NULL;
	b->listener = mem_strdup_str(listener);
	s->count++;
	return 0;
}

static int secrets_read(struct scope *s, const struct pb_message *value, struct diag *d)
{
	struct str dir = pb_text(value, PB_Value_string_value);

	if (!value)
		return 0;
	if (!dir.len || dir.len > PATH_MAX || dir.ptr[0] != '/' || memchr(dir.ptr, 0, dir.len))
		return diag_fail(d, ERR_CONFIG,
				 "node.metadata: weft.dev.secrets must be a directory's whole path "
				 "such as /run/weft/edge");
	s->secrets = mem_strdup_str(dir);
	return 0;
}

static int bindings_read(struct scope *s, const struct pb_message *value, struct diag *d)
{
	const struct pb_message *list = pb_sub(value, PB_Value_list_value);
	uint32_t count = pb_count(list, PB_ListValue_values);
	int r = 0;

	if (value && !list)
		return diag_fail(d, ERR_CONFIG,
				 "node.metadata: weft.dev.bindings must be a list of listeners and "
				 "addresses");
	if (count > SCOPE_BINDINGS_MAX)
		return diag_fail(d, ERR_LIMIT, "node.metadata: more than %d weft.dev.bindings",
				 SCOPE_BINDINGS_MAX);
	if (!count)
		return 0;
	s->items = mem_new_array(struct binding, count);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = binding_read(s, pb_sub_at(list, PB_ListValue_values, i), d);
	return r;
}

int scope_read(const struct pb_message *node, struct scope **ret_scope, struct diag *d)
{
	const struct pb_message *value = member(pb_sub(node, PB_Node_metadata), "weft.dev");
	const struct pb_message *facts = pb_sub(value, PB_Value_struct_value);
	struct scope *s;
	int r;

	*ret_scope = NULL;
	if (!value)
		return 0;
	if (!facts)
		return diag_fail(d, ERR_CONFIG,
				 "node.metadata: weft.dev must be a mapping, with bindings");
	s = mem_new(struct scope);
	r = bindings_read(s, member(facts, "bindings"), d);
	if (r == 0)
		r = secrets_read(s, member(facts, "secrets"), d);
	if (r < 0) {
		scope_free(s);
		return r;
	}
	*ret_scope = s;
	return 0;
}

struct scope *scope_free(struct scope *s)
{
	if (!s)
		return NULL;
	for (uint32_t i = 0; i < s->count; i++) {
		struct binding *b = &s->items[i];

		if (s->interests)
			interest_end(s->interests, XDS_ROUTES, str_from(b->listener), &b->interest);
		mem_free(b->listener);
	}
	buf_fini(&s->any);
	mem_free(s->secrets);
	mem_free(s->items);
	mem_free(s);
	return NULL;
}

/*
 * Listing
 */

void scope_follow(struct scope *s, struct interests *interests, struct delta_stream *stream)
{
	s->interests = interests;
	for (uint32_t i = 0; i < s->count; i++) {
		struct binding *b = &s->items[i];

		b->interest.stream = stream;
		if (!build_name_is_inbound(str_from(b->listener)))
			interest_begin(interests, XDS_ROUTES, str_from(b->listener), &b->interest);
	}
}

static void on_cluster(void *stream, struct str name)
{
	delta_stream_offer(stream, XDS_CLUSTER, name);
}

void scope_list(const struct scope *s, const struct graph *g, struct str client_namespace,
		struct delta_stream *stream, enum xds_type type)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct str name = str_from(s->items[i].listener);

		if (type == XDS_LISTENER)
			delta_stream_offer(stream, XDS_LISTENER, name);
		/* Where an inbound listener leads is in the client's own bootstrap. */
		if (type == XDS_CLUSTER && !build_name_is_inbound(name))
			graph_reach(g, name, client_namespace, on_cluster, stream);
	}
}

/*
 * What this client gets differently
 */

static void open_at(struct pb_message *listener, const struct address *a)
{
	struct buf ip = BUF_INIT(0);

	address_format_ip(a, &ip);
	build_bind(listener, pool_strdup(listener->pool, buf_str(&ip)), address_port(a));
	buf_fini(&ip);
}

static void from_files(enum xds_type type, struct pb_message *m, struct str directory)
{
	if (type == XDS_CLUSTER)
		build_secret_files(pb_sub(m, PB_Cluster_transport_socket), directory);
	for (uint32_t i = 0; type == XDS_LISTENER && i < pb_count(m, PB_Listener_filter_chains);
	     i++) {
		struct pb_message *chain = pb_sub_at(m, PB_Listener_filter_chains, i);
		struct pb_message *socket = pb_sub(chain, PB_FilterChain_transport_socket);

		if (socket)
			build_secret_files(socket, directory);
	}
}

void scope_content(struct scope *s, enum xds_type type, struct str name,
		   struct delta_content *content)
{
	const struct binding *b = type == XDS_LISTENER ? binding_find(s, name) : NULL;
	bool opens = b && b->has_address;
	bool has_secrets = s->secrets && (type == XDS_CLUSTER || type == XDS_LISTENER);
	struct pool pool = POOL_INIT(4096);
	struct pb_message *any, *m;
	struct diag d = DIAG_INIT;

	if (!opens && !has_secrets)
		return;
	/* What the graph holds has passed the model check: it decodes. */
	if (pb_decode(&pb_Any, content->any, &pool, &any, NULL, &d) < 0 ||
	    pb_open_any(any, &pool, &m, NULL, &d) < 0)
		abort();
	if (opens)
		open_at(m, &b->address);
	if (has_secrets)
		from_files(type, m, str_from(s->secrets));
	buf_clear(&s->any);
	graph_any(type, m, &s->any);
	graph_version(buf_str(&s->any), s->version);
	*content = (struct delta_content){ str_from(s->version), buf_str(&s->any) };
	pool_fini(&pool);
}
