#include "control/scope.h"

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb_message.h"
#include "control/build.h"
#include "message/address.h"
#include "proto/weft.pb.h"

/* A listener as this client gets it. */
struct bound {
	char shared[GRAPH_VERSION_LEN + 1]; /* version of what it was made from; empty: none */
	char version[GRAPH_VERSION_LEN + 1];
	struct buf any;
};

struct binding {
	char *listener;
	struct address address;
	bool has_address;
	struct interest interest; /* in the routes of that name */
	struct bound bound;
};

struct scope {
	struct interests *interests; /* NULL: not followed */
	struct binding *items;
	uint32_t count;
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

int scope_read(const struct pb_message *node, struct scope **ret_scope, struct diag *d)
{
	const struct pb_message *facts =
		pb_sub(member(pb_sub(node, PB_Node_metadata), "weft.dev"), PB_Value_struct_value);
	const struct pb_message *list = pb_sub(member(facts, "bindings"), PB_Value_list_value);
	uint32_t count = pb_count(list, PB_ListValue_values);
	struct scope *s;

	*ret_scope = NULL;
	if (count > SCOPE_BINDINGS_MAX)
		return diag_fail(d, ERR_LIMIT, "node.metadata: more than %d weft.dev.bindings",
				 SCOPE_BINDINGS_MAX);
	if (!count)
		return 0;
	s = mem_new(struct scope);
	s->items = mem_new_array(struct binding, count);
	for (uint32_t i = 0; i < count; i++) {
		int r = binding_read(s, pb_sub_at(list, PB_ListValue_values, i), d);

		if (r < 0) {
			scope_free(s);
			return r;
		}
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
		buf_fini(&b->bound.any);
		mem_free(b->listener);
	}
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
 * Listeners at an address of the client's
 */

static void open_at(struct pb_message *listener, const struct address *a)
{
	struct buf ip = BUF_INIT(0);

	address_format_ip(a, &ip);
	build_bind(listener, pool_strdup(listener->pool, buf_str(&ip)), address_port(a));
	buf_fini(&ip);
}

/* What the graph holds has passed the model check: it decodes. */
static void bound_make(struct binding *b, const struct delta_content *shared)
{
	struct pool pool = POOL_INIT(4096);
	struct pb_message *any, *listener;
	struct diag d = DIAG_INIT;

	if (pb_decode(&pb_Any, shared->any, &pool, &any, NULL, &d) < 0 ||
	    pb_open_any(any, &pool, &listener, NULL, &d) < 0)
		abort();
	open_at(listener, &b->address);
	buf_clear(&b->bound.any);
	graph_any(XDS_LISTENER, listener, &b->bound.any);
	graph_version(buf_str(&b->bound.any), b->bound.version);
	memcpy(b->bound.shared, shared->version.ptr, GRAPH_VERSION_LEN);
	pool_fini(&pool);
}

void scope_content(struct scope *s, enum xds_type type, struct str name,
		   struct delta_content *content)
{
	struct binding *b = type == XDS_LISTENER ? binding_find(s, name) : NULL;

	if (!b || !b->has_address)
		return;
	if (!str_eq(str_from(b->bound.shared), content->version))
		bound_make(b, content);
	*content = (struct delta_content){ str_from(b->bound.version), buf_str(&b->bound.any) };
}
