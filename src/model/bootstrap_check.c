#include "model/bootstrap_check.h"

#include "base/map.h"
#include "base/mem.h"

struct checker {
	const struct bootstrap *b;
	const struct node *root;
	struct diag *d;
};

static const struct node *resource_node(const struct checker *k, const char *list, uint32_t i)
{
	char *path = mem_printf("static_resources.%s[%u]", list, i);
	const struct node *n = node_at(k->root, path);

	mem_free(path);
	return n ? n : k->root;
}

static const struct node *find_key(const struct node *n, struct str key, struct str name)
{
	if (n->kind == NODE_TEXT && str_eq(n->key, key) && str_eq(n->text, name))
		return n;
	node_for_each (child, n) {
		const struct node *found = find_key(child, key, name);

		if (found)
			return found;
	}
	return NULL;
}

/* Where in a resource something is named; the resource itself when that is not found. */
static const struct node *reference(const struct node *resource, struct str name)
{
	static const char *const keys[] = { "cluster", "route_config_name", "routeConfigName",
					    "name" };

	for (size_t i = 0; i < array_count(keys); i++) {
		const struct node *n = find_key(resource, str_from(keys[i]), name);

		if (n)
			return n;
	}
	return resource;
}

static int fail_missing(const struct checker *k, const struct node *resource, const char *what,
			struct str name)
{
	return node_fail(k->d, reference(resource, name), ERR_CONFIG, "%s \"%.*s\" does not exist",
			 what, STR_ARGS(name));
}

static int fail_needs_ads(const struct checker *k, const struct node *n, const char *what,
			  struct str name)
{
	return node_fail(k->d, n, ERR_CONFIG,
			 "%s \"%.*s\" come from a control plane: dynamic_resources.ads_config is "
			 "missing",
			 what, STR_ARGS(name));
}

static struct part *find(const struct part_list *list, struct str name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i]->name, name))
			return list->items[i];
	return NULL;
}

/* Names of one kind are unique. */
static int check_names(const struct checker *k, const struct part_list *list, const char *list_name)
{
	struct map seen;
	int r = 0;

	map_init(&seen);
	for (uint32_t i = 0; i < list->count && r == 0; i++)
		if (map_set(&seen, list->items[i]->name, list->items[i]))
			r = node_fail(k->d, resource_node(k, list_name, i), ERR_CONFIG,
				      "the name \"%.*s\" is there twice",
				      STR_ARGS(list->items[i]->name));
	map_fini(&seen);
	return r;
}

static int check_addresses(const struct checker *k)
{
	const struct part_list *list = &k->b->listeners;
	struct map seen;
	int r = 0;

	map_init(&seen);
	for (uint32_t i = 0; i < list->count && r == 0; i++) {
		const struct listener *l = listener_of(list->items[i]);
		const char *text = address_text(&l->address);
		bool any_port = l->address.any.sa_family != AF_UNIX && !address_port(&l->address);

		if (l->bind_to_port && !any_port && map_set(&seen, str_from(text), list->items[i]))
			r = node_fail(k->d, resource_node(k, "listeners", i), ERR_CONFIG,
				      "another listener has the address %s already", text);
	}
	map_fini(&seen);
	return r;
}

/* Secrets: the proxy's own, one of the file, or one of the control plane. */
static int check_secret(const struct checker *k, const struct node *resource, struct str name,
			bool certificate)
{
	const struct part *p = find(&k->b->secrets, name);
	const struct secret *s = p ? secret_of((struct part *)p) : NULL;

	if (name.len == 0 || str_eq(name, STR("default")) || str_eq(name, STR("ROOTCA")))
		return 0;
	if (!s && k->b->ads_cluster.len > 0)
		return 0;
	if (!s)
		return fail_missing(k, resource, "secret", name);
	if (certificate ? s->certificate_pem.len == 0 : s->trust_pem.len == 0)
		return node_fail(k->d, reference(resource, name), ERR_CONFIG,
				 "secret \"%.*s\" holds no %s", STR_ARGS(name),
				 certificate ? "certificate" : "trusted_ca");
	return 0;
}

static int check_tls(const struct checker *k, const struct node *resource,
		     const struct tls_settings *t)
{
	int r;

	if (!t)
		return 0;
	r = check_secret(k, resource, t->certificate_secret, true);
	return r < 0 ? r : check_secret(k, resource, t->trust_secret, false);
}

static int check_listener(const struct checker *k, const struct listener *l, const struct node *n)
{
	bool dynamic = k->b->ads_cluster.len > 0;

	for (uint32_t i = 0; i < l->cluster_count && !dynamic; i++)
		if (!find(&k->b->clusters, l->clusters[i]->name))
			return fail_missing(k, n, "cluster", l->clusters[i]->name);
	if (l->route_name_count > 0 && !dynamic)
		return fail_needs_ads(k, reference(n, l->route_names[0]), "routes",
				      l->route_names[0]);
	for (uint32_t i = 0; i < l->chain_count; i++) {
		int r = check_tls(k, n, l->chains[i].tls);

		if (r < 0)
			return r;
	}
	return l->default_chain ? check_tls(k, n, l->default_chain->tls) : 0;
}

static int check_cluster(const struct checker *k, const struct cluster *c, const struct node *n)
{
	if (c->type == CLUSTER_EDS && k->b->ads_cluster.len == 0)
		return fail_needs_ads(k, n, "endpoints", c->endpoints_name);
	return check_tls(k, n, c->tls);
}

/* The way to the control plane cannot come from the control plane. */
static int check_ads(const struct checker *k)
{
	struct str name = k->b->ads_cluster;
	const struct part *p = find(&k->b->clusters, name);
	const struct node *n = node_at(k->root, "dynamic_resources.ads_config");

	if (name.len == 0)
		return 0;
	if (!n)
		n = k->root;
	if (!p)
		return node_fail(k->d, n, ERR_CONFIG, "cluster \"%.*s\" does not exist",
				 STR_ARGS(name));
	if (cluster_of((struct part *)p)->type != CLUSTER_STATIC)
		return node_fail(k->d, n, ERR_CONFIG,
				 "cluster \"%.*s\" leads to the control plane: it must be STATIC",
				 STR_ARGS(name));
	return 0;
}

int bootstrap_check(const struct bootstrap *b, const struct node *root, struct diag *d)
{
	const struct checker k = { .b = b, .root = root, .d = d };
	int r;

	r = check_names(&k, &b->secrets, "secrets");
	if (r < 0)
		return r;
	r = check_names(&k, &b->clusters, "clusters");
	if (r < 0)
		return r;
	r = check_names(&k, &b->listeners, "listeners");
	if (r < 0)
		return r;
	r = check_addresses(&k);
	if (r < 0)
		return r;
	r = check_ads(&k);
	for (uint32_t i = 0; r == 0 && i < b->clusters.count; i++)
		r = check_cluster(&k, cluster_of(b->clusters.items[i]),
				  resource_node(&k, "clusters", i));
	for (uint32_t i = 0; r == 0 && i < b->listeners.count; i++)
		r = check_listener(&k, listener_of(b->listeners.items[i]),
				   resource_node(&k, "listeners", i));
	return r;
}
