/*
 * One row per kind of resource: its type, its size, how it is compiled. Everything around that
 * is the same for all: the bytes are copied into the part's pool, decoded into a scratch pool,
 * compiled, and the scratch is dropped.
 */

#include "model/part.h"

#include <assert.h>

#include "base/mem.h"
#include "model/cluster.h"
#include "model/compile.h"
#include "model/endpoints.h"
#include "model/listener.h"
#include "model/routes.h"
#include "model/secret.h"

#define RESOURCE_BYTES_MAX (16 << 20)
#define TYPE_URL_PREFIX    "type.googleapis.com/"

struct kind {
	const char *text;
	struct str type_url;
	const struct pb_desc *type;
	size_t size;
	int (*compile)(struct compile *c, const struct pb_message *m, struct part *p);
};

static int endpoints_part(struct compile *c, const struct pb_message *m, struct part *p)
{
	(void)m;
	return endpoints_read(c, p->raw, endpoint_set_of(p));
}

// clang-format off
static const struct kind kinds[PART_KIND_COUNT] = {
	[PART_LISTENER] = {
		"listener", STR_INIT(TYPE_URL_PREFIX "envoy.config.listener.v3.Listener"),
		&pb_Listener, sizeof(struct listener), listener_compile,
	},
	[PART_ROUTES] = {
		"routes", STR_INIT(TYPE_URL_PREFIX "envoy.config.route.v3.RouteConfiguration"),
		&pb_RouteConfiguration, sizeof(struct route_table), routes_compile,
	},
	[PART_CLUSTER] = {
		"cluster", STR_INIT(TYPE_URL_PREFIX "envoy.config.cluster.v3.Cluster"),
		&pb_Cluster, sizeof(struct cluster), cluster_compile,
	},
	/* Read by hand, without a tree of messages. */
	[PART_ENDPOINTS] = {
		"endpoints",
		STR_INIT(TYPE_URL_PREFIX "envoy.config.endpoint.v3.ClusterLoadAssignment"),
		NULL, sizeof(struct endpoint_set), endpoints_part,
	},
	[PART_SECRET] = {
		"secret",
		STR_INIT(TYPE_URL_PREFIX "envoy.extensions.transport_sockets.tls.v3.Secret"),
		&pb_Secret, sizeof(struct secret), secret_compile,
	},
};
// clang-format on

static_assert(offsetof(struct listener, part) == 0 && offsetof(struct route_table, part) == 0 &&
		      offsetof(struct cluster, part) == 0 &&
		      offsetof(struct endpoint_set, part) == 0 &&
		      offsetof(struct secret, part) == 0,
	      "a part begins its object, so that it can be made before its kind is known");

struct str part_type_url(enum part_kind kind)
{
	assert(kind < PART_KIND_COUNT);
	return kinds[kind].type_url;
}

enum part_kind part_kind_of(struct str type_url)
{
	enum part_kind kind = 0;

	while (kind < PART_KIND_COUNT && !str_eq(kinds[kind].type_url, type_url))
		kind++;
	return kind;
}

const char *part_kind_text(enum part_kind kind)
{
	assert(kind < PART_KIND_COUNT);
	return kinds[kind].text;
}

/* The part lies in the pool that it owns. */
static struct part *part_new(enum part_kind kind, struct str bytes, struct str version)
{
	struct pool pool;
	struct part *p;

	pool_init(&pool, 0);
	p = pool_zalloc(&pool, kinds[kind].size);
	p->kind = kind;
	p->refs = 1;
	p->raw = pool_strdup(&pool, bytes);
	p->version = pool_strdup(&pool, version);
	p->pool = pool;
	return p;
}

static struct part *part_free(struct part *p)
{
	struct pool pool;

	if (p->on_free)
		p->on_free(p);
	pool = p->pool;
	pool_fini(&pool);
	return NULL;
}

static int part_fill(struct part *p, struct pool *scratch, struct diag *d)
{
	struct compile c = { .pool = &p->pool, .scratch = scratch, .report = &p->report, .d = d };
	const struct kind *kind = &kinds[p->kind];
	struct pb_message *m = NULL;
	int r;

	if (kind->type) {
		r = pb_decode(kind->type, p->raw, scratch, &m, &p->report, d);
		if (r < 0)
			return r;
	}
	r = kind->compile(&c, m, p);
	if (r < 0)
		return r;
	if (p->name.len == 0)
		return diag_fail(d, ERR_CONFIG, "a resource needs a name");
	return 0;
}

int part_compile(enum part_kind kind, struct str bytes, struct str version, struct part **ret_part,
		 struct diag *d)
{
	struct pool scratch;
	struct part *p;
	int r;

	assert(kind < PART_KIND_COUNT);
	if (bytes.len > RESOURCE_BYTES_MAX)
		return diag_fail(d, ERR_LIMIT, "a resource has at most %d bytes",
				 RESOURCE_BYTES_MAX);
	p = part_new(kind, bytes, version);
	pool_init(&scratch, 0);
	r = part_fill(p, &scratch, d);
	pool_fini(&scratch);
	if (r < 0) {
		part_free(p);
		return r;
	}
	*ret_part = p;
	return 0;
}

struct part *part_ref(struct part *p)
{
	assert(p->refs > 0);
	p->refs++;
	return p;
}

struct part *part_unref(struct part *p)
{
	if (!p)
		return NULL;
	assert(p->refs > 0);
	if (--p->refs == 0)
		part_free(p);
	return NULL;
}

struct node *part_dump(const struct part *p, struct pool *pool)
{
	const struct pb_desc *type = pb_desc_by_type_url(kinds[p->kind].type_url);
	struct pb_message *m;
	struct diag d = DIAG_INIT;
	struct node *n;

	/* It was decoded before: what fails now is memory that was overwritten. */
	if (pb_decode(type, p->raw, pool, &m, NULL, &d) < 0)
		n = node_new(pool, NODE_NULL);
	else
		n = pb_to_node(m, pool);
	diag_fini(&d);
	return n;
}
