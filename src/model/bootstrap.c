/*
 * A bootstrap is read into a tree of messages, and each static resource is then compiled from
 * its bytes, as if it had come over xDS. What is wrong inside one is reported with its path
 * in the resource; here the path is put behind the resource's own and looked up in the file,
 * so that the person gets a line.
 */

#include "model/bootstrap.h"

#include <stdio.h>

#include "base/mem.h"
#include "codec/node.h"
#include "model/bootstrap_check.h"
#include "model/bootstrap_facts.h"
#include "model/compile.h"

struct loader {
	struct bootstrap *b;
	struct node *root;
	struct pool *scratch; /* nodes and messages of the file */
	struct pb_report report;
	struct diag *d;
};

/* Places */

/* "static_resources" as "staticResources", which may stand in the file too. */
static char *camel_case(const char *path)
{
	char *copy = mem_strdup(path), *to = copy;

	for (const char *from = path; *from; from++) {
		bool next = *from == '_' && from[1] >= 'a' && from[1] <= 'z';

		*to++ = next ? (char)(*++from - 'a' + 'A') : *from;
	}
	*to = '\0';
	return copy;
}

/* The deepest node on the way to `path`. */
static const struct node *locate(const struct node *root, char *path)
{
	for (size_t len = strlen(path); len > 0; len--) {
		const struct node *n;

		if (path[len] != '\0' && path[len] != '.' && path[len] != '[')
			continue;
		path[len] = '\0';
		n = node_at(root, path);
		if (n)
			return n;
	}
	return NULL;
}

static void place_in_file(struct loader *l)
{
	char *path, *camel;
	const struct node *n;

	if (l->d->at.line > 0 || !l->d->path)
		return;
	path = mem_strdup(l->d->path);
	camel = camel_case(l->d->path);
	n = locate(l->root, path);
	if (!n)
		n = locate(l->root, camel);
	if (n)
		diag_at(l->d, n->at);
	mem_free(path);
	mem_free(camel);
}

/* Puts `prefix` before the path of what just failed. */
static int place_below(struct loader *l, const char *prefix, int error)
{
	char *path = mem_printf("%s%s%s", prefix, l->d->path && l->d->path[0] != '[' ? "." : "",
				l->d->path ? l->d->path : "");

	mem_free(l->d->path);
	l->d->path = path;
	place_in_file(l);
	return error;
}

/* Static resources */

/* What compiling tolerated; what reading did is in the report already. */
static void warnings_take(struct loader *l, const struct part *p, const char *prefix)
{
	char *first;

	if (p->report.warnings > 0 && l->report.warnings == 0) {
		first = mem_printf("%s.%s", prefix, p->report.first_warning);
		snprintf(l->report.first_warning, sizeof(l->report.first_warning), "%s", first);
		mem_free(first);
	}
	l->report.warnings += p->report.warnings;
}

static int resource_compile(struct loader *l, const struct pb_message *m, enum part_kind kind,
			    struct part **ret_part)
{
	struct buf bytes = BUF_INIT(0), prefix = BUF_INIT(0);
	char *text;
	int r;

	pb_encode(m, &bytes);
	r = part_compile(kind, buf_str(&bytes), STR_EMPTY, ret_part, l->d);
	buf_fini(&bytes);
	pb_path(m, &prefix);
	text = buf_take_text(&prefix);
	if (r < 0) {
		r = place_below(l, text, r);
	} else {
		(*ret_part)->from_bootstrap = true;
		warnings_take(l, *ret_part, text);
	}
	mem_free(text);
	return r;
}

static int resources_read(struct loader *l, const struct pb_message *m, unsigned field,
			  enum part_kind kind, struct part_list *list)
{
	uint32_t count = pb_count(m, field);

	list->items = pool_new_array(&l->b->pool, struct part *, count);
	for (uint32_t i = 0; i < count; i++) {
		int r = resource_compile(l, pb_sub_at(m, field, i), kind,
					 &list->items[list->count]);

		if (r < 0)
			return r;
		list->count++;
	}
	return 0;
}

static int static_resources_read(struct loader *l, const struct pb_message *m)
{
	const struct pb_message *s = pb_sub(m, PB_Bootstrap_static_resources);
	int r;

	r = resources_read(l, s, PB_Bootstrap_StaticResources_secrets, PART_SECRET, &l->b->secrets);
	if (r < 0)
		return r;
	r = resources_read(l, s, PB_Bootstrap_StaticResources_clusters, PART_CLUSTER,
			   &l->b->clusters);
	if (r < 0)
		return r;
	return resources_read(l, s, PB_Bootstrap_StaticResources_listeners, PART_LISTENER,
			      &l->b->listeners);
}

/* Control plane */

static int ads_read(struct loader *l, const struct pb_message *m)
{
	int64_t type = pb_number(m, PB_ApiConfigSource_api_type);
	const struct pb_message *service, *grpc;

	if (type != PB_ApiConfigSource_ApiType_DELTA_GRPC &&
	    type != PB_ApiConfigSource_ApiType_AGGREGATED_DELTA_GRPC)
		return pb_fail_field(l->d, m, PB_ApiConfigSource_api_type, ERR_UNSUPPORTED,
				     "must be DELTA_GRPC");
	if (pb_count(m, PB_ApiConfigSource_grpc_services) != 1)
		return pb_fail_field(l->d, m, PB_ApiConfigSource_grpc_services, ERR_CONFIG,
				     "needs one service");
	service = pb_sub_at(m, PB_ApiConfigSource_grpc_services, 0);
	grpc = pb_sub(service, PB_GrpcService_envoy_grpc);
	l->b->ads_cluster =
		pool_strdup(&l->b->pool, pb_text(grpc, PB_GrpcService_EnvoyGrpc_cluster_name));
	return 0;
}

static int wildcard_read(struct loader *l, const struct pb_message *m, unsigned field,
			 bool *ret_wildcard)
{
	struct compile c = { .d = l->d };

	if (!pb_has(m, field))
		return 0;
	if (l->b->ads_cluster.len == 0)
		return pb_fail_field(l->d, m, field, ERR_CONFIG,
				     "needs dynamic_resources.ads_config");
	*ret_wildcard = true;
	return compile_ads(&c, m, field);
}

static int dynamic_resources_read(struct loader *l, const struct pb_message *m)
{
	const struct pb_message *dynamic = pb_sub(m, PB_Bootstrap_dynamic_resources);
	int r;

	if (pb_has(dynamic, PB_Bootstrap_DynamicResources_ads_config)) {
		r = ads_read(l, pb_sub(dynamic, PB_Bootstrap_DynamicResources_ads_config));
		if (r < 0)
			return r;
	}
	r = wildcard_read(l, dynamic, PB_Bootstrap_DynamicResources_lds_config,
			  &l->b->lds_wildcard);
	if (r < 0)
		return r;
	return wildcard_read(l, dynamic, PB_Bootstrap_DynamicResources_cds_config,
			     &l->b->cds_wildcard);
}

/* Node and admin */

/* A copy that outlives the file. */
static int node_keep(struct loader *l, const struct pb_message *m)
{
	const struct pb_message *node = pb_sub(m, PB_Bootstrap_node);
	struct buf bytes = BUF_INIT(0);
	struct str kept;
	int r;

	if (!node)
		return 0;
	pb_encode(node, &bytes);
	kept = pool_strdup(&l->b->pool, buf_str(&bytes));
	buf_fini(&bytes);
	r = pb_decode(&pb_Node, kept, &l->b->pool, &l->b->node, NULL, l->d);
	if (r < 0)
		return place_below(l, "node", r);
	l->b->node_id = pb_text(l->b->node, PB_Node_id);
	l->b->node_cluster = pb_text(l->b->node, PB_Node_cluster);
	return 0;
}

static int admin_read(struct loader *l, const struct pb_message *m)
{
	const struct pb_message *admin = pb_sub(m, PB_Bootstrap_admin);
	struct compile c = { .d = l->d };

	if (!pb_has(admin, PB_Admin_address))
		return 0;
	return compile_address(&c, admin, PB_Admin_address, &l->b->admin);
}

/* The file */

/* By the name of the file; without a known one, by its first character. */
static bool is_json(const char *file, struct str text)
{
	struct str name = str_from(file);
	size_t i = 0;

	if (str_has_suffix(name, STR(".json")))
		return true;
	if (str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml")))
		return false;
	while (i < text.len && strchr(" \t\r\n", text.ptr[i]) && text.ptr[i])
		i++;
	return i < text.len && text.ptr[i] == '{';
}

static int tree_read(struct loader *l, const char *file, struct str text)
{
	struct node_documents documents;
	int r;

	if (is_json(file, text))
		return json_parse(text, NULL, l->scratch, &l->root, l->d);
	r = yaml_parse(text, NULL, l->scratch, &documents, l->d);
	if (r < 0)
		return r;
	if (documents.count == 0)
		return diag_fail(l->d, ERR_CONFIG, "the file is empty");
	if (documents.count > 1)
		return node_fail(l->d, documents.items[1], ERR_CONFIG,
				 "a second document begins here: a bootstrap is one document");
	l->root = documents.items[0];
	return 0;
}

static int load(struct loader *l, const char *file, struct str text)
{
	struct pb_message *m;
	int r;

	r = tree_read(l, file, text);
	if (r < 0)
		return r;
	r = pb_from_node(&pb_Bootstrap, l->root, l->scratch, &m, &l->report, l->d);
	if (r < 0)
		return r;
	r = node_keep(l, m);
	if (r < 0)
		return r;
	r = admin_read(l, m);
	if (r < 0)
		return r;
	r = dynamic_resources_read(l, m);
	if (r < 0)
		return r;
	r = bootstrap_facts_read(l->b, l->root, l->d);
	if (r < 0)
		return r;
	r = static_resources_read(l, m);
	if (r < 0)
		return r;
	return bootstrap_check(l->b, l->root, l->d);
}

int bootstrap_parse(const char *file, struct str text, struct bootstrap **ret_bootstrap,
		    struct diag *d)
{
	struct bootstrap *b = mem_new(struct bootstrap);
	struct pool scratch;
	struct loader l = { .b = b, .scratch = &scratch, .d = d };
	int r;

	pool_init(&b->pool, 0);
	pool_init(&scratch, 0);
	r = load(&l, file, text);
	if (r < 0) {
		place_in_file(&l);
		diag_file(d, file);
		bootstrap_free(b);
	} else {
		b->warnings = l.report.warnings;
		memcpy(b->first_warning, l.report.first_warning, sizeof(b->first_warning));
		*ret_bootstrap = b;
	}
	pool_fini(&scratch);
	return r;
}

static void parts_unref(struct part_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		part_unref(list->items[i]);
	list->count = 0;
}

struct bootstrap *bootstrap_free(struct bootstrap *b)
{
	if (!b)
		return NULL;
	parts_unref(&b->listeners);
	parts_unref(&b->clusters);
	parts_unref(&b->secrets);
	pool_fini(&b->pool);
	return mem_free(b);
}
