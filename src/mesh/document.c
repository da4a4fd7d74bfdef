#include "mesh/document.h"

#include "base/map.h"
#include "base/mem.h"
#include "mesh/envelope.h"

/* Kinds that are decided and not there yet: refused as such, not as misspelt. */
static const char *const later_kinds[] = {
	"AuthenticationPolicy",
	"AuthorizationPolicy",
	"BackendTLSPolicy",
	"Canary",
	"FaultInjection",
	"GRPCRoute",
	"Gateway",
	"GatewayClass",
	"ListenerSet",
	"MeshPeer",
	"RateLimitPolicy",
	"ReferenceGrant",
	"ServiceExport",
	"TCPRoute",
	"TLSRoute",
	"TelemetryPolicy",
	"TrafficPolicy",
	"UDPRoute",
	"XBackend",
	"XBackendTrafficPolicy",
	"XMesh",
};

static int fail_version(struct reader *r, const struct node *api_version, const struct kind *k)
{
	struct buf own = BUF_INIT(0);
	int code;

	kind_api_version(k, &own);
	code = reader_fail(r, api_version, CODE_UNKNOWN_KIND, "%s is not of apiVersion \"%.*s\"",
			   k->name, STR_ARGS(reader_shown(api_version->text)));
	diag_hint(r->diag, "write apiVersion: %.*s", STR_ARGS(buf_str(&own)));
	buf_fini(&own);
	return code;
}

static int fail_kind(struct reader *r, const struct node *kind)
{
	const char *names[KIND_COUNT + 1] = { NULL };
	const char *nearest;
	int code;

	for (size_t i = 0; i < array_count(later_kinds); i++)
		if (str_eq(kind->text, str_from(later_kinds[i])))
			return reader_fail(r, kind, CODE_UNSUPPORTED,
					   "the kind %s is not supported by this version",
					   later_kinds[i]);
	for (size_t i = 0; i < KIND_COUNT; i++)
		names[i] = kind_of((enum kind_id)i)->name;
	code = reader_fail(r, kind, CODE_UNKNOWN_KIND, "unknown kind \"%.*s\"",
			   STR_ARGS(reader_shown(kind->text)));
	nearest = str_nearest(kind->text, names);
	if (nearest)
		diag_hint(r->diag, "did you mean \"%s\"?", nearest);
	else
		diag_hint(r->diag, "kinds: Service, Workload, HTTPRoute, MeshConfig");
	return code;
}

static int find_kind(struct reader *r, const struct node *root)
{
	static const struct {
		struct str name;
	} needed[] = { { STR_INIT("apiVersion") }, { STR_INIT("kind") } };
	const struct node *found[2];

	if (root->kind != NODE_MAP)
		return reader_fail(r, root, CODE_WRONG_TYPE,
				   "a document is a mapping with apiVersion, kind, metadata and "
				   "spec, and this is a %s",
				   node_kind_text(root->kind));
	for (size_t i = 0; i < array_count(needed); i++) {
		found[i] = node_get(root, needed[i].name);
		if (!found[i])
			return reader_fail(r, root, CODE_FIELD_MISSING, "\"%.*s\" is missing",
					   STR_ARGS(needed[i].name));
		if (found[i]->kind != NODE_TEXT)
			return reader_fail(r, found[i], CODE_WRONG_TYPE,
					   "expected text, found a %s",
					   node_kind_text(found[i]->kind));
	}
	r->kind = kind_find(found[0]->text, found[1]->text);
	if (r->kind)
		return 0;
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (str_eq(found[1]->text, str_from(kind_of((enum kind_id)i)->name)))
			return fail_version(r, found[0], kind_of((enum kind_id)i));
	return fail_kind(r, found[1]);
}

int metadata_check(struct reader *r, void *value)
{
	struct metadata *m = value;
	const struct node *name = node_get(m->node, STR("name"));
	int code;

	code = reader_check_format(r, r->kind->name_format, name, m->name);
	if (code < 0)
		return code;
	if (r->kind->only_name && !str_eq(m->name, str_from(r->kind->only_name)))
		return reader_fail(r, name, CODE_BAD_VALUE,
				   "there is one %s, and its name is \"%s\"", r->kind->name,
				   r->kind->only_name);
	if (!r->kind->namespaced && m->name_space.len)
		return reader_fail_key(r, node_get(m->node, STR("namespace")), CODE_EXCLUSIVE,
				       "%s holds for the whole mesh and has no namespace",
				       r->kind->name);
	if (r->kind->namespaced && !m->name_space.len)
		m->name_space = r->name_space;
	r->name_space = m->name_space;
	return 0;
}

static void title_format(const struct kind *k, struct str name_space, struct str name,
			 struct buf *out)
{
	buf_printf(out, "%s ", k->name);
	if (name_space.len)
		buf_printf(out, "%.*s/", STR_ARGS(name_space));
	buf_append_str(out, name);
}

void document_title(const struct document *doc, struct buf *out)
{
	title_format(doc->kind, doc->name_space, doc->name, out);
}

/* The namespace as far as it can be told of a document that was not read. */
static struct str title_namespace(const struct reader *r, const struct node *root)
{
	const struct node *written = node_at(root, "metadata.namespace");

	if (!r->kind->namespaced)
		return STR_EMPTY;
	return written && written->kind == NODE_TEXT ? written->text : r->name_space;
}

/* What the reader found, in the caller's diag, with the document named. */
static int report(const struct reader *r, const struct node *root, const char *file, struct diag *d)
{
	const struct diag *found = r->diag;
	const struct node *name = node_at(root, "metadata.name");
	struct buf title = BUF_INIT(0);

	if (r->kind && name && name->kind == NODE_TEXT && name->text.len)
		title_format(r->kind, title_namespace(r, root), reader_shown(name->text), &title);
	if (buf_len(&title))
		diag_fail(d, found->error, "%s in %.*s", found->text, STR_ARGS(buf_str(&title)));
	else
		diag_fail(d, found->error, "%s", found->text);
	diag_at(d, found->at);
	diag_code(d, found->code);
	if (found->path)
		diag_path(d, str_from(found->path));
	if (found->hint)
		diag_hint(d, "%s", found->hint);
	if (file)
		diag_file(d, file);
	buf_fini(&title);
	return found->error;
}

static struct document *document_of(const struct reader *r, const struct envelope *e,
				    struct node *root, const char *file)
{
	struct document *doc = pool_new(r->pool, struct document);

	doc->kind = r->kind;
	doc->name_space = e->metadata->name_space;
	doc->name = e->metadata->name;
	doc->labels = e->metadata->labels;
	doc->annotations = e->metadata->annotations;
	doc->resource_version = e->metadata->resource_version;
	doc->file = file;
	doc->root = root;
	doc->spec = e->spec;
	return doc;
}

/* A namespace that was left out, into the tree: so that the tree says all that it means. */
static void namespace_write(const struct envelope *e, struct pool *pool)
{
	struct node *metadata = (struct node *)e->metadata->node;

	if (e->metadata->name_space.len && !node_get(metadata, STR("namespace")))
		node_map_add(metadata, STR("namespace"),
			     node_new_text(pool, pool_strdup(pool, e->metadata->name_space)));
}

int document_parse(struct node *root, const struct document_options *options, struct pool *pool,
		   struct document **ret_document, struct diag *d)
{
	struct diag found = DIAG_INIT;
	struct reader r = { .pool = pool, .diag = &found, .name_space = STR("default") };
	const char *file = options ? options->file : NULL;
	struct envelope e = { 0 };
	int code;

	/* The document outlives who asked for it. */
	if (options && options->default_namespace.len)
		r.name_space = pool_strdup(pool, options->default_namespace);
	code = find_kind(&r, root);
	if (code == 0)
		code = object_read(&r, r.kind->object, root, &e);
	if (code == 0) {
		namespace_write(&e, pool);
		*ret_document = document_of(&r, &e, root, file);
	} else {
		code = report(&r, root, file, d);
	}
	diag_fini(&found);
	return code;
}

struct node *document_canonical(const struct document *doc, struct pool *pool)
{
	return object_canonical(doc->kind->object, doc->root, pool);
}

void document_canonical_json(const struct document *doc, struct buf *out)
{
	struct pool pool = POOL_INIT(0);

	json_write(document_canonical(doc, &pool), out);
	pool_fini(&pool);
}

static void documents_add(struct documents *documents, struct document *doc, struct pool *pool)
{
	uint32_t count = documents->count;

	/* The array is full when the count is a power of two. */
	if ((count & (count - 1)) == 0) {
		struct document **items =
			pool_new_array(pool, struct document *, count ? count * 2 : 1);

		if (count)
			memcpy(items, documents->items, count * sizeof(items[0]));
		documents->items = items;
	}
	documents->items[documents->count++] = doc;
}

static int fail_twice(const struct document *doc, const struct document *earlier, struct diag *d)
{
	struct buf title = BUF_INIT(0);

	document_title(doc, &title);
	node_fail(d, doc->root, ERR_CONFIG, "%.*s stands at %s%sline %u already",
		  STR_ARGS(buf_str(&title)), earlier->file ? earlier->file : "",
		  earlier->file ? ", " : "", earlier->root->at.line);
	diag_code(d, code_text(CODE_OBJECT_TWICE)->name);
	if (doc->file)
		diag_file(d, doc->file);
	buf_fini(&title);
	return ERR_CONFIG;
}

static int check_twice(const struct documents *documents, struct diag *d)
{
	struct buf title = BUF_INIT(0);
	struct map seen;
	int code = 0;

	map_init(&seen);
	for (uint32_t i = 0; code == 0 && i < documents->count; i++) {
		const struct document *earlier;

		buf_clear(&title);
		document_title(documents->items[i], &title);
		earlier = map_set(&seen, buf_str(&title), documents->items[i]);
		if (earlier)
			code = fail_twice(documents->items[i], earlier, d);
	}
	map_fini(&seen);
	buf_fini(&title);
	return code;
}

static int read_one(struct node *root, const struct document_options *options, struct pool *pool,
		    struct documents *documents, struct diag *d)
{
	struct document *doc;
	int code = document_parse(root, options, pool, &doc, d);

	if (code == 0)
		documents_add(documents, doc, pool);
	return code;
}

static bool is_list(const struct node *root)
{
	const struct node *kind = node_get(root, STR("kind"));

	return kind && kind->kind == NODE_TEXT && str_eq(kind->text, STR("List"));
}

static int read_list(struct node *root, const struct document_options *options, struct pool *pool,
		     struct documents *documents, struct diag *d)
{
	const struct node *items = node_get(root, STR("items"));
	int code;

	if (!items || items->kind != NODE_LIST) {
		code = node_fail(d, items ? items : root, ERR_CONFIG,
				 "a List has the documents in \"items\", a list");
		diag_code(d, code_text(CODE_FIELD_MISSING)->name);
		if (options && options->file)
			diag_file(d, options->file);
		return code;
	}
	node_for_each (item, items) {
		code = read_one(item, options, pool, documents, d);
		if (code < 0)
			return code;
	}
	return 0;
}

static int read_root(struct node *root, const struct document_options *options, struct pool *pool,
		     struct documents *documents, struct diag *d)
{
	if (is_list(root))
		return read_list(root, options, pool, documents, d);
	return read_one(root, options, pool, documents, d);
}

int documents_read(struct node *root, const struct document_options *options, struct pool *pool,
		   struct documents *documents, struct diag *d)
{
	int code = read_root(root, options, pool, documents, d);

	return code < 0 ? code : check_twice(documents, d);
}

/* The readers of text know no codes. */
static int fail_text(int error, const struct document_options *options, struct diag *d)
{
	enum code code = error == ERR_LIMIT    ? CODE_LIMIT
			 : error == ERR_CONFIG ? CODE_AMBIGUOUS_TEXT
					       : CODE_SYNTAX;

	diag_code(d, code_text(code)->name);
	if (options && options->file)
		diag_file(d, options->file);
	return error;
}

static bool is_json(const struct document_options *options)
{
	return options && options->file && str_has_suffix(str_from(options->file), STR(".json"));
}

static int parse_text(struct str text, const struct document_options *options, struct pool *pool,
		      struct node_documents *ret_roots, struct diag *d)
{
	int code;

	if (!is_json(options))
		return yaml_parse(text, NULL, pool, ret_roots, d);
	ret_roots->items = pool_new(pool, struct node *);
	code = json_parse(text, NULL, pool, &ret_roots->items[0], d);
	ret_roots->count = code == 0;
	return code;
}

int documents_parse(struct str text, const struct document_options *options, struct pool *pool,
		    struct documents *documents, struct diag *d)
{
	struct node_documents roots = { 0 };
	int code;

	code = parse_text(text, options, pool, &roots, d);
	if (code < 0)
		return fail_text(code, options, d);
	for (size_t i = 0; i < roots.count; i++) {
		code = read_root(roots.items[i], options, pool, documents, d);
		if (code < 0)
			return code;
	}
	return check_twice(documents, d);
}

/* The deepest node that the path leads to. */
static const struct node *deepest(const struct node *root, struct str path)
{
	const struct node *found = NULL;

	while (!found) {
		char *text = mem_strdup_str(path);

		found = node_at(root, text);
		mem_free(text);
		do {
			path.len -= path.len > 0;
		} while (path.len && path.ptr[path.len] != '.' && path.ptr[path.len] != '[');
	}
	return found;
}

void documents_place(const struct documents *documents, struct str path, struct diag *d)
{
	static const struct str items = STR_INIT("items[");
	size_t end = str_find(path, 0, ']');
	const struct document *doc;
	uint64_t index;

	if (!str_has_prefix(path, items) || end == path.len || documents->count == 0 ||
	    str_to_u64(str_slice(path, items.len, end), documents->count - 1, &index) < 0)
		return;
	doc = documents->items[index];
	path = str_slice(path, end + 1, path.len);
	diag_at(d, deepest(doc->root, path)->at);
	if (doc->file)
		diag_file(d, doc->file);
}
