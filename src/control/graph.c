#include "control/graph_owner.h"

#include <assert.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/mem.h"
#include "model/part.h"
#include "proto/weft.pb.h"

#define COMPUTE_BLOCK_BYTES (64 * 1024)

struct graph_resource {
	char *any;
	size_t any_len;
	char *clusters; /* of routes: a name a line; NULL: none */
	char version[GRAPH_VERSION_LEN + 1];
};

/* The resources that an owner emitted last: "TYPE name", to find those it no longer does. */
struct graph_owner {
	struct map emitted;
};

/* What one owner emits now. */
struct owner_change {
	struct owner_change *next;
	struct str key; /* "svc/NS/NAME", "in/NS/APP" */
	struct map emitted;
};

struct graph_change {
	struct pool pool;
	struct owner_change *owners;
	struct graph_change_item *items;
	size_t count;
	size_t capacity;
	uint64_t built;
};

/* One graph_compute(). */
struct computation {
	struct graph_emit emit; /* first: on_resource() finds the rest from it */
	const struct graph *graph;
	struct graph_change *change;
	struct owner_change *owner; /* being computed */
	struct map owners_seen;
};

static void *const present = (void *)"";

void graph_init(struct graph *g)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		map_init(&g->resources[i]);
	map_init(&g->owners);
}

static void owner_free(struct graph_owner *o)
{
	map_fini(&o->emitted);
	mem_free(o);
}

static void resource_free(struct graph_resource *r)
{
	if (!r)
		return;
	mem_free(r->any);
	mem_free(r->clusters);
	mem_free(r);
}

void graph_fini(struct graph *g)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		map_for_each (entry, &g->resources[i])
			resource_free(entry->value);
		map_fini(&g->resources[i]);
	}
	map_for_each (entry, &g->owners)
		owner_free(entry->value);
	map_fini(&g->owners);
}

void graph_version(struct str bytes, char ret_version[GRAPH_VERSION_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (EVP_Digest(bytes.ptr, bytes.len, digest, &len, EVP_sha256(), NULL) != 1)
		abort();
	for (size_t i = 0; i < GRAPH_VERSION_LEN / 2; i++) {
		ret_version[2 * i] = digits[digest[i] >> 4];
		ret_version[2 * i + 1] = digits[digest[i] & 15];
	}
	ret_version[GRAPH_VERSION_LEN] = '\0';
}

static struct graph_change_item *item_add(struct graph_change *c)
{
	if (c->count == c->capacity) {
		c->capacity = c->capacity ? c->capacity * 2 : 16;
		c->items = mem_realloc(c->items, c->capacity * sizeof(*c->items));
	}
	c->items[c->count] = (struct graph_change_item){ 0 };
	return &c->items[c->count++];
}

/* "2 reviews.shop…": the key of a resource in an owner's list. */
static struct str emitted_key(struct pool *pool, enum xds_type type, struct str name)
{
	return pool_printf(pool, "%u %.*s", type, STR_ARGS(name));
}

void graph_any(enum xds_type type, const struct pb_message *message, struct buf *out)
{
	struct buf body = BUF_INIT(0);

	pb_encode(message, &body);
	pb_write_bytes(out, 1, xds_types[type].url);
	pb_write_bytes(out, 2, buf_str(&body));
	buf_fini(&body);
}

static struct str any_of(struct pool *pool, enum xds_type type, const struct pb_message *message)
{
	struct buf any = BUF_INIT(0);
	struct str copy;

	graph_any(type, message, &any);
	copy = pool_strdup(pool, buf_str(&any));
	buf_fini(&any);
	return copy;
}

static void add_cluster(struct buf *out, struct str name)
{
	if (!name.len)
		return;
	buf_append_str(out, name);
	buf_append_char(out, '\n');
}

static void add_clusters(struct buf *out, const struct pb_message *host)
{
	for (uint32_t i = 0; i < pb_count(host, PB_VirtualHost_routes); i++) {
		const struct pb_message *action =
			pb_sub(pb_sub_at(host, PB_VirtualHost_routes, i), PB_Route_route);
		const struct pb_message *weighted =
			pb_sub(action, PB_RouteAction_weighted_clusters);

		add_cluster(out, pb_text(action, PB_RouteAction_cluster));
		for (uint32_t j = 0; j < pb_count(weighted, PB_WeightedCluster_clusters); j++)
			add_cluster(out,
				    pb_text(pb_sub_at(weighted, PB_WeightedCluster_clusters, j),
					    PB_WeightedCluster_ClusterWeight_name));
	}
}

static struct str clusters_of(struct pool *pool, const struct pb_message *routes)
{
	struct buf text = BUF_INIT(0);
	struct str copy;

	for (uint32_t i = 0; i < pb_count(routes, PB_RouteConfiguration_virtual_hosts); i++)
		add_clusters(&text, pb_sub_at(routes, PB_RouteConfiguration_virtual_hosts, i));
	copy = pool_strdup(pool, buf_str(&text));
	buf_fini(&text);
	return copy;
}

static void on_resource(struct graph_emit *e, enum xds_type type, struct str name,
			const struct pb_message *message)
{
	struct computation *c = container_of(e, struct computation, emit);
	struct pool *pool = &c->change->pool;
	struct str any = any_of(pool, type, message);
	const struct graph_resource *now = map_get(&c->graph->resources[type], name);
	char version[GRAPH_VERSION_LEN + 1];
	struct graph_change_item *item;

	c->change->built++;
	map_set(&c->owner->emitted, emitted_key(e->pool, type, name), present);
	graph_version(any, version);
	if (now && memcmp(now->version, version, sizeof(version)) == 0)
		return; /* the same bytes: nothing that depends on it can have changed */
	item = item_add(c->change);
	item->type = type;
	item->name = pool_strdup(pool, name);
	item->any = any;
	if (type == XDS_ROUTES)
		item->clusters = clusters_of(pool, message);
	memcpy(item->version, version, sizeof(version));
}

/* Takes away what the owner emitted before and does not emit now. */
static void remove_stale(struct computation *c)
{
	const struct graph_owner *before = map_get(&c->graph->owners, c->owner->key);

	if (!before)
		return;
	map_for_each (entry, &before->emitted) {
		struct graph_change_item *item;

		if (map_get(&c->owner->emitted, entry->key))
			continue;
		item = item_add(c->change);
		item->type = (enum xds_type)(entry->key.ptr[0] - '0');
		item->name =
			pool_strdup(&c->change->pool, str_slice(entry->key, 2, entry->key.len));
	}
}

/* False when this computation has dealt with the owner already. */
static bool owner_begin(struct computation *c, struct str key)
{
	struct owner_change *o;

	if (map_get(&c->owners_seen, key))
		return false;
	map_set(&c->owners_seen, key, present);
	o = pool_new(&c->change->pool, struct owner_change);
	o->key = pool_strdup(&c->change->pool, key);
	o->next = c->change->owners;
	map_init(&o->emitted);
	c->change->owners = o;
	c->owner = o;
	return true;
}

static void compute_service(struct computation *c, struct str name_space, struct str name)
{
	struct str key =
		pool_printf(c->emit.pool, "svc/%.*s/%.*s", STR_ARGS(name_space), STR_ARGS(name));
	const struct document *service;

	if (!owner_begin(c, key))
		return;
	service = document_index_get(c->emit.input->index, KIND_SERVICE, name_space, name);
	if (service)
		graph_emit_service(&c->emit, service);
	remove_stale(c);
}

static void compute_inbound(struct computation *c, const struct document *workload)
{
	const struct str *app = text_map_get(&workload->labels, STR("app"));
	struct str key;

	if (!app)
		return;
	key = pool_printf(c->emit.pool, "in/%.*s/%.*s", STR_ARGS(workload->name_space),
			  STR_ARGS(*app));
	if (!owner_begin(c, key))
		return;
	graph_emit_inbound(&c->emit, workload->name_space, *app);
	remove_stale(c);
}

static void compute_workload(struct computation *c, const struct document *workload)
{
	struct documents services =
		document_index_selecting(c->emit.input->index, workload, c->emit.pool);

	compute_inbound(c, workload);
	for (uint32_t i = 0; i < services.count; i++)
		compute_service(c, services.items[i]->name_space, services.items[i]->name);
}

static void compute_document(struct computation *c, const struct document *doc)
{
	if (!doc)
		return;
	switch (doc->kind->id) {
	case KIND_SERVICE:
		compute_service(c, doc->name_space, doc->name);
		break;
	case KIND_WORKLOAD:
		compute_workload(c, doc);
		break;
	case KIND_HTTP_ROUTE:
		for (uint32_t i = 0; i < doc->http_route->parent_count; i++)
			compute_service(c, doc->http_route->parents[i].name_space,
					doc->http_route->parents[i].name);
		break;
	case KIND_MESH_CONFIG:
	case KIND_COUNT:
		break; /* the caller sets graph_scope.all */
	}
}

static void compute_all(struct computation *c)
{
	struct documents services = document_index_kind(c->emit.input->index, KIND_SERVICE);
	struct documents workloads = document_index_kind(c->emit.input->index, KIND_WORKLOAD);

	for (uint32_t i = 0; i < services.count; i++)
		compute_service(c, services.items[i]->name_space, services.items[i]->name);
	for (uint32_t i = 0; i < workloads.count; i++)
		compute_inbound(c, workloads.items[i]);
}

static const enum part_kind part_kinds[XDS_TYPE_COUNT] = {
	[XDS_CLUSTER] = PART_CLUSTER,   [XDS_ENDPOINTS] = PART_ENDPOINTS,
	[XDS_LISTENER] = PART_LISTENER, [XDS_ROUTES] = PART_ROUTES,
	[XDS_SECRET] = PART_SECRET,
};

static struct str any_value(struct str any)
{
	struct pb_cursor cursor = pb_cursor_of(any);
	struct pb_field f;

	while (pb_next(&cursor, &f) == PB_FIELD)
		if (f.number == 2)
			return f.bytes;
	return STR_EMPTY;
}

/* Exactly what a proxy does with the resource. */
static int model_check(const struct graph_change_item *item, struct diag *d)
{
	struct part *part;
	int r;

	if (!item->any.len)
		return 0;
	r = part_compile(part_kinds[item->type], any_value(item->any), str_from(item->version),
			 &part, d);
	if (r < 0) {
		diag_hint(d, "in %s %.*s", xds_types[item->type].short_name, STR_ARGS(item->name));
		return r;
	}
	part_unref(part);
	return 0;
}

int graph_compute(const struct graph *g, const struct graph_input *input,
		  const struct graph_scope *scope, struct graph_change **ret_change, struct diag *d)
{
	struct pool scratch = POOL_INIT(COMPUTE_BLOCK_BYTES);
	struct computation c = {
		.emit = { .input = input, .pool = &scratch, .on_resource = on_resource },
		.graph = g,
		.change = mem_new(struct graph_change),
	};
	int r = 0;

	map_init(&c.owners_seen);
	pool_init(&c.change->pool, COMPUTE_BLOCK_BYTES);
	if (scope->all)
		compute_all(&c);
	for (size_t i = 0; i < scope->change_count; i++) {
		compute_document(&c, scope->changes[i].before);
		compute_document(&c, scope->changes[i].after);
	}
	map_fini(&c.owners_seen);
	pool_fini(&scratch);
	for (size_t i = 0; r == 0 && i < c.change->count; i++)
		r = model_check(&c.change->items[i], d);
	if (r < 0) {
		graph_change_free(c.change);
		return r;
	}
	*ret_change = c.change;
	return 0;
}

struct graph_change *graph_change_free(struct graph_change *c)
{
	if (!c)
		return NULL;
	for (struct owner_change *o = c->owners; o; o = o->next)
		map_fini(&o->emitted);
	mem_free(c->items);
	pool_fini(&c->pool);
	mem_free(c);
	return NULL;
}

static void item_commit(struct graph *g, const struct graph_change_item *item)
{
	struct graph_resource *r;

	if (!item->any.len) {
		resource_free(map_remove(&g->resources[item->type], item->name));
		return;
	}
	r = mem_new(struct graph_resource);
	r->any = mem_alloc(item->any.len);
	memcpy(r->any, item->any.ptr, item->any.len);
	r->any_len = item->any.len;
	if (item->clusters.len)
		r->clusters = mem_strdup_str(item->clusters);
	memcpy(r->version, item->version, sizeof(r->version));
	resource_free(map_set(&g->resources[item->type], item->name, r));
}

static void owner_commit(struct graph *g, struct owner_change *change)
{
	struct graph_owner *o = map_remove(&g->owners, change->key);

	if (o)
		owner_free(o);
	if (!change->emitted.count)
		return;
	o = mem_new(struct graph_owner);
	map_init(&o->emitted);
	map_for_each (entry, &change->emitted)
		map_set(&o->emitted, entry->key, present);
	map_set(&g->owners, change->key, o);
}

/* The name that clients use, of a name in the table. */
static struct str public_name(struct str name)
{
	size_t bar = str_find(name, 0, '|');

	return bar == name.len ? name : str_slice(name, bar + 1, name.len);
}

/* What a walk costs: each resource is looked at as an owner's and in its table. */
static inline size_t steps_of(const struct graph *g)
{
	size_t steps = g->owners.count;

	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		steps += g->resources[i].count * 8;
	return steps;
}

void graph_commit_take(struct graph *g, struct graph_change *c,
		       void (*on_changed)(void *user, enum xds_type type, struct str name),
		       void *user)
{
	for (struct owner_change *o = c->owners; o; o = o->next)
		owner_commit(g, o);
	for (size_t i = 0; i < c->count; i++)
		item_commit(g, &c->items[i]);
	g->built += c->built;
	g->changed += c->count;
	for (size_t i = 0; i < c->count && on_changed; i++)
		on_changed(user, c->items[i].type, public_name(c->items[i].name));
	graph_change_free(c);
	debug_check(steps_of(g), graph_check(g));
}

static const struct graph_resource *resource_find(const struct graph *g, enum xds_type type,
						  struct str name, struct str client_namespace)
{
	struct pool scratch = POOL_INIT(512);
	const struct graph_resource *r = NULL;

	if (type == XDS_ROUTES)
		r = map_get(&g->resources[type],
			    pool_printf(&scratch, "%.*s|%.*s", STR_ARGS(client_namespace),
					STR_ARGS(name)));
	if (!r)
		r = map_get(&g->resources[type], name);
	pool_fini(&scratch);
	return r;
}

bool graph_lookup(const struct graph *g, enum xds_type type, struct str name,
		  struct str client_namespace, struct delta_content *ret_content)
{
	const struct graph_resource *r = resource_find(g, type, name, client_namespace);

	if (!r)
		return false;
	*ret_content = (struct delta_content){ str_of(r->version, GRAPH_VERSION_LEN),
					       str_of(r->any, r->any_len) };
	return true;
}

void graph_reach(const struct graph *g, struct str destination, struct str client_namespace,
		 void (*on_cluster)(void *user, struct str name), void *user)
{
	const struct graph_resource *routes =
		resource_find(g, XDS_ROUTES, destination, client_namespace);
	struct str rest, name;

	if (!routes) {
		on_cluster(user, destination);
		return;
	}
	rest = str_from(routes->clusters);
	while (str_split(&rest, '\n', &name))
		if (name.len)
			on_cluster(user, name);
}

/*
 * Looking inside
 */

/* What an owner emitted is there: "TYPE name". */
static void emitted_check(const struct graph *g, const struct graph_owner *o)
{
	map_check(&o->emitted);
	map_for_each (entry, &o->emitted) {
		size_t space = str_find(entry->key, 0, ' ');
		uint64_t type;

		assert(str_to_u64(str_slice(entry->key, 0, space), XDS_TYPE_COUNT - 1, &type) == 0);
		assert(map_get(&g->resources[type],
			       str_slice(entry->key, space + 1, entry->key.len)));
	}
}

void graph_check(const struct graph *g)
{
	size_t emitted = 0, resources = 0;

	map_check(&g->owners);
	map_for_each (owner, &g->owners) {
		const struct graph_owner *o = owner->value;

		emitted_check(g, o);
		emitted += o->emitted.count;
	}
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		map_check(&g->resources[i]);
		resources += g->resources[i].count;
		map_for_each (entry, &g->resources[i]) {
			const struct graph_resource *r = entry->value;

			assert(r->any_len > 0);
			assert(strlen(r->version) == GRAPH_VERSION_LEN);
		}
	}
	assert(emitted >= resources);
}

void graph_dump(const struct graph *g, struct dump *d)
{
	dump_line(d, "graph");
	dump_number(d, "owners", g->owners.count);
	dump_number(d, "built", g->built);
	dump_number(d, "changed", g->changed);
	dump_enter(d);
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		map_for_each (entry, &g->resources[i]) {
			const struct graph_resource *r = entry->value;

			if (dump_is_full(d))
				break;
			dump_line(d, xds_types[i].short_name);
			dump_str(d, "name", entry->key);
			dump_word(d, "version", r->version);
			dump_number(d, "bytes", r->any_len);
		}
	dump_leave(d);
}
