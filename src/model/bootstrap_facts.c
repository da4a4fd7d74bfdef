#include "model/bootstrap_facts.h"

#include "base/error.h"
#include "message/spiffe.h"

/* Names of a mapping, and whether each must be there. */
struct fact {
	const char *name;
	bool required;
};

static const struct fact mesh_facts[] = {
	{ "service", false },  { "namespace", false }, { "version", false },
	{ "workload", false }, { "identity", false },  { "bindings", false },
};

static const struct fact identity_facts[] = {
	{ "spiffeId", true },
	{ "certificateSocket", true },
	{ "directory", false },
};

static const struct fact binding_facts[] = {
	{ "listener", true },
	{ "address", true },
	{ "descriptor", false },
};

#define FACTS_MAX 8

static int names_check(const struct node *n, const struct fact *facts, size_t count, struct diag *d)
{
	const char *names[FACTS_MAX + 1] = { NULL };

	if (n->kind != NODE_MAP)
		return node_fail(d, n, ERR_CONFIG, "must be a mapping");
	for (size_t i = 0; i < count; i++) {
		names[i] = facts[i].name;
		if (facts[i].required && !node_get(n, str_from(names[i])))
			return node_fail(d, n, ERR_CONFIG, "needs \"%s\"", names[i]);
	}
	node_for_each (child, n) {
		const char *nearest = str_nearest(child->key, names);
		size_t i = 0;

		while (names[i] && !str_eq(child->key, str_from(names[i])))
			i++;
		if (names[i])
			continue;
		(void)node_fail_key(d, child, ERR_CONFIG, "is unknown");
		if (nearest)
			diag_hint(d, "did you mean \"%s\"?", nearest);
		return ERR_CONFIG;
	}
	return 0;
}

static int text_read(struct bootstrap *b, const struct node *n, const char *name,
		     struct str *ret_text, struct diag *d)
{
	const struct node *child = node_get(n, str_from(name));
	struct str text = STR_EMPTY;
	int r;

	if (!child)
		return 0;
	r = node_read_text(child, &text, d);
	if (r == 0)
		*ret_text = pool_strdup(&b->pool, text);
	return r;
}

static int identity_read(struct bootstrap *b, const struct node *n, struct diag *d)
{
	struct bootstrap_identity *identity = &b->identity;
	struct str socket = STR_EMPTY;
	struct spiffe_id id;
	int r;

	if (!n)
		return 0;
	r = names_check(n, identity_facts, array_count(identity_facts), d);
	if (r == 0)
		r = text_read(b, n, "spiffeId", &identity->spiffe_id, d);
	if (r == 0)
		r = text_read(b, n, "certificateSocket", &socket, d);
	if (r == 0)
		r = text_read(b, n, "directory", &identity->directory, d);
	if (r < 0)
		return r;
	if (spiffe_id_parse(identity->spiffe_id, &id) < 0)
		return node_fail(d, node_get(n, STR("spiffeId")), ERR_CONFIG,
				 "is no SPIFFE ID such as spiffe://weft.local/ns/shop/sa/web");
	if (address_parse(socket, &identity->address) < 0)
		return node_fail(d, node_get(n, STR("certificateSocket")), ERR_CONFIG,
				 "is no address such as unix:/run/weft/control.sock");
	return 0;
}

static int binding_text(struct bootstrap *b, const struct node *n, const char *name,
			struct str *ret_text, struct diag *d)
{
	const struct node *child = node_get(n, str_from(name));
	int r = text_read(b, n, name, ret_text, d);

	if (r == 0 && child && ret_text->len == 0)
		return node_fail(d, child, ERR_CONFIG, "must not be empty");
	return r;
}

static int binding_read(struct bootstrap *b, const struct node *n,
			struct bootstrap_binding *binding, struct diag *d)
{
	struct str address = STR_EMPTY;
	int r;

	r = names_check(n, binding_facts, array_count(binding_facts), d);
	if (r == 0)
		r = binding_text(b, n, "listener", &binding->listener_name, d);
	if (r == 0)
		r = binding_text(b, n, "address", &address, d);
	if (r == 0)
		r = binding_text(b, n, "descriptor", &binding->inherited_name, d);
	if (r < 0)
		return r;
	if (address_parse(address, &binding->address) < 0)
		return node_fail(d, node_get(n, STR("address")), ERR_CONFIG,
				 "\"%.*s\" is not an address such as 127.0.0.1:8080",
				 STR_ARGS(address));
	return 0;
}

static int bindings_read(struct bootstrap *b, const struct node *list, struct diag *d)
{
	if (!list)
		return 0;
	if (list->kind != NODE_LIST)
		return node_fail(d, list, ERR_CONFIG, "must be a list");
	b->bindings = pool_new_array(&b->pool, struct bootstrap_binding, list->count);
	node_for_each (child, list) {
		int r = binding_read(b, child, &b->bindings[b->binding_count], d);

		if (r < 0)
			return r;
		b->binding_count++;
	}
	if (b->binding_count > 0 && b->ads_cluster.len == 0)
		return node_fail(d, list, ERR_CONFIG, "needs dynamic_resources.ads_config");
	return 0;
}

int bootstrap_facts_read(struct bootstrap *b, const struct node *root, struct diag *d)
{
	const struct node *mesh = node_get(node_at(root, "node.metadata"), STR("weft.dev"));
	int r;

	if (!mesh)
		return 0;
	r = names_check(mesh, mesh_facts, array_count(mesh_facts), d);
	if (r == 0)
		r = text_read(b, mesh, "service", &b->service, d);
	if (r == 0)
		r = text_read(b, mesh, "namespace", &b->service_namespace, d);
	if (r == 0)
		r = text_read(b, mesh, "version", &b->service_version, d);
	if (r == 0)
		r = text_read(b, mesh, "workload", &b->workload, d);
	if (r == 0)
		r = identity_read(b, node_get(mesh, STR("identity")), d);
	return r < 0 ? r : bindings_read(b, node_get(mesh, STR("bindings")), d);
}
