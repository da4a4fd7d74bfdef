#include "mesh/kind.h"

#include <assert.h>

#include "mesh/envelope.h"
#include "mesh/kinds.h"

static const struct field metadata_fields[] = {
	FIELD(struct metadata, name, text, "name", .required = true, .text = "Name of the object."),
	FIELD(struct metadata, name_space, text, "namespace", .format = &format_dns_label,
	      .text = "Namespace; that of the command, else \"default\", where not set."),
	FIELD(struct metadata, labels, text_map, "labels", .format = &format_label_value,
	      .entries_max = 128, .text = "What selectors look at."),
	FIELD(struct metadata, annotations, text_map, "annotations", .format = &format_annotation,
	      .entries_max = 128, .text = "Notes; none has a meaning for the mesh."),
	FIELD(struct metadata, resource_version, text, "resourceVersion", .format = &format_any,
	      .passing = true,
	      .text = "Version that the object must have for the write to happen."),
	FIELD_READ_ONLY("uid",
			"Identity of the object over its life; written by the control plane."),
	FIELD_READ_ONLY("generation", "Counts changes of spec; written by the control plane."),
	FIELD_READ_ONLY("creationTimestamp", "Time of creation; written by the control plane."),
	FIELD_READ_ONLY("managedFields", "Written by Kubernetes."),
	FIELD_READ_ONLY("selfLink", "Written by Kubernetes."),
	FIELD_UNSUPPORTED("generateName", "write name"),
	FIELD_UNSUPPORTED("ownerReferences", "no object owns another"),
	FIELD_UNSUPPORTED("finalizers", "objects are deleted at once"),
	FIELD_UNSUPPORTED("deletionTimestamp", "objects are deleted at once"),
	FIELD_UNSUPPORTED("deletionGracePeriodSeconds", "objects are deleted at once"),
	{ 0 },
};

static const struct object metadata_object = {
	.size = sizeof(struct metadata),
	.fields = metadata_fields,
	.check = metadata_check,
};

#define ENVELOPE_FIELDS(spec_)                                                                   \
	{                                                                                        \
		FIELD(struct envelope, api_version, text, "apiVersion", .required = true,        \
		      .text = "Group and version of the kind."),                                 \
			FIELD(struct envelope, kind, text, "kind", .required = true,             \
			      .text = "Kind of the document."),                                  \
			FIELD_OBJECT(struct envelope, metadata, metadata_object, "metadata",     \
				     .required = true, .text = "Name, namespace and labels."),   \
			{ .name = "spec",                                                        \
			  .type = &field_object,                                                 \
			  .offset = offsetof(struct envelope, spec),                             \
			  .object = &(spec_),                                                    \
			  .required = true,                                                      \
			  .text = "What is wanted." },                                           \
			FIELD_READ_ONLY("status",                                                \
					"What has become of it; written by the control plane."), \
			{ 0 },                                                                   \
	}
#define ENVELOPE(fields_)                                             \
	{                                                             \
		.size = sizeof(struct envelope), .fields = (fields_), \
	}

static const struct field service_fields[] = ENVELOPE_FIELDS(service_object);
static const struct field workload_fields[] = ENVELOPE_FIELDS(workload_object);
static const struct field http_route_fields[] = ENVELOPE_FIELDS(http_route_object);
static const struct field mesh_config_fields[] = ENVELOPE_FIELDS(mesh_config_object);

static const struct object service_document = ENVELOPE(service_fields);
static const struct object workload_document = ENVELOPE(workload_fields);
static const struct object http_route_document = ENVELOPE(http_route_fields);
static const struct object mesh_config_document = ENVELOPE(mesh_config_fields);

static const struct kind kinds[KIND_COUNT] = {
	[KIND_SERVICE] = {
		.id = KIND_SERVICE,
		.name = "Service",
		.plural = "services",
		.group = "",
		.version = "v1",
		.words = { "service", "services", "svc" },
		.namespaced = true,
		.name_format = &format_dns_label,
		.object = &service_document,
		.text = "A name that clients call, and the labels of the workloads that serve it.",
	},
	[KIND_WORKLOAD] = {
		.id = KIND_WORKLOAD,
		.name = "Workload",
		.plural = "workloads",
		.group = "weft.dev",
		.version = "v1alpha1",
		.words = { "workload", "workloads", "wl" },
		.namespaced = true,
		.name_format = &format_dns_label,
		.object = &workload_document,
		.text = "A running program behind its proxy; `weft run` writes it.",
	},
	[KIND_HTTP_ROUTE] = {
		.id = KIND_HTTP_ROUTE,
		.name = "HTTPRoute",
		.plural = "httproutes",
		.group = "gateway.networking.k8s.io",
		.version = "v1",
		.words = { "httproute", "httproutes", "route", "routes" },
		.namespaced = true,
		.name_format = &format_dns_name,
		.object = &http_route_document,
		.text = "Where the HTTP requests to a Service go: splits, timeouts, retries.",
	},
	[KIND_MESH_CONFIG] = {
		.id = KIND_MESH_CONFIG,
		.name = "MeshConfig",
		.plural = "meshconfigs",
		.group = "weft.dev",
		.version = "v1alpha1",
		.words = { "meshconfig", "meshconfigs", "mc" },
		.only_name = "default",
		.name_format = &format_dns_label,
		.object = &mesh_config_document,
		.text = "What holds for the whole mesh.",
	},
};

const struct kind *kind_of(enum kind_id id)
{
	assert(id < KIND_COUNT);
	return &kinds[id];
}

void kind_api_version(const struct kind *k, struct buf *out)
{
	if (k->group[0])
		buf_printf(out, "%s/", k->group);
	buf_append_str(out, str_from(k->version));
}

const struct kind *kind_find(struct str api_version, struct str name)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct buf own = BUF_INIT(0);
		bool same;

		kind_api_version(&kinds[i], &own);
		same = str_eq(buf_str(&own), api_version) && str_eq(str_from(kinds[i].name), name);
		buf_fini(&own);
		if (same)
			return &kinds[i];
	}
	return NULL;
}

const struct kind *kind_by_word(struct str word)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		for (size_t k = 0; kinds[i].words[k]; k++)
			if (str_eq_nocase(word, str_from(kinds[i].words[k])))
				return &kinds[i];
	return NULL;
}

/* "/api/v1" or "/apis/GROUP/VERSION" in front of the path. */
static void path_prefix(const struct kind *k, struct buf *out)
{
	buf_printf(out, k->group[0] ? "/apis/" : "/api/");
	kind_api_version(k, out);
}

void kind_path_format(const struct kind_path *p, struct buf *out)
{
	path_prefix(p->kind, out);
	if (p->name_space.len)
		buf_printf(out, "/namespaces/%.*s", STR_ARGS(p->name_space));
	buf_printf(out, "/%s", p->kind->plural);
	if (p->name.len)
		buf_printf(out, "/%.*s", STR_ARGS(p->name));
	if (p->status)
		buf_append_str(out, STR("/status"));
}

/* Behind the prefix: [/namespaces/NS]/PLURAL[/NAME[/status]]. */
static bool path_rest(const struct kind *k, struct str rest, struct kind_path *p)
{
	struct str part = STR_EMPTY;

	*p = (struct kind_path){ .kind = k };
	if (!str_split(&rest, '/', &part) || part.len || !str_split(&rest, '/', &part))
		return false;
	if (k->namespaced && str_eq(part, STR("namespaces"))) {
		if (!str_split(&rest, '/', &p->name_space) ||
		    !format_fits(&format_dns_label, p->name_space) || !str_split(&rest, '/', &part))
			return false;
	}
	if (!str_eq(part, str_from(k->plural)))
		return false;
	if (!str_split(&rest, '/', &p->name))
		return true;
	if (!format_fits(k->name_format, p->name) || (k->namespaced && !p->name_space.len))
		return false;
	if (!str_split(&rest, '/', &part))
		return true;
	p->status = str_eq(part, STR("status"));
	return p->status && !str_split(&rest, '/', &part);
}

int kind_path_parse(struct str path, struct kind_path *ret_path)
{
	if (str_has_suffix(path, STR("/")))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct buf prefix = BUF_INIT(0);
		struct kind_path p;
		bool found;

		path_prefix(&kinds[i], &prefix);
		found = str_has_prefix(path, buf_str(&prefix)) &&
			path_rest(&kinds[i], str_slice(path, buf_len(&prefix), path.len), &p);
		buf_fini(&prefix);
		if (!found)
			continue;
		*ret_path = p;
		return 0;
	}
	return ERR_NOT_FOUND;
}

struct node *kind_schema(const struct kind *k, struct pool *pool)
{
	struct node *schema = node_new(pool, NODE_MAP);
	struct node *object = object_schema(k->object, pool);
	struct node *properties = node_get(object, STR("properties"));
	struct buf version = BUF_INIT(0);

	kind_api_version(k, &version);
	schema_set(schema, STR("$schema"), "https://json-schema.org/draft/2020-12/schema", pool);
	schema_set(schema, STR("title"), k->name, pool);
	schema_set(schema, STR("description"), k->text, pool);
	node_map_add(node_get(properties, STR("apiVersion")), STR("const"),
		     node_new_text(pool, pool_strdup(pool, buf_str(&version))));
	schema_set(node_get(properties, STR("kind")), STR("const"), k->name, pool);
	buf_fini(&version);
	while (object->first) {
		struct node *member = object->first;

		node_remove(member);
		node_map_add(schema, member->key, member);
	}
	return schema;
}
