#include "cli/object_ref.h"

#include "base/error.h"
#include "mesh/format.h"

struct parser {
	struct object_refs refs;
	struct pool *pool;
	struct str name_space;
	bool any_namespace; /* a name may be of all of them */
	struct diag *diag;
};

static int fail_kind(struct diag *d, struct str word)
{
	const char *names[KIND_COUNT + 1] = { NULL };
	const char *nearest;

	for (unsigned i = 0; i < KIND_COUNT; i++)
		names[i] = kind_of((enum kind_id)i)->words[0];
	nearest = str_nearest(word, names);
	diag_fail(d, ERR_CONFIG, "there is no kind \"%.*s\"", STR_ARGS(word));
	if (nearest)
		diag_hint(d, "did you mean %s?", nearest);
	else
		diag_hint(d, "kinds stand in front of names: service/%.*s; see: weft help kinds",
			  STR_ARGS(word));
	return ERR_CONFIG;
}

static int check_name(const struct parser *p, const struct object_ref *ref)
{
	const struct format *format = ref->kind->name_format;
	struct diag *d = p->diag;

	if (ref->name_space.len && !format_fits(&format_dns_label, ref->name_space))
		return diag_fail(d, ERR_CONFIG, "namespace \"%.*s\" is not %s",
				 STR_ARGS(ref->name_space), format_dns_label.expected);
	if (!ref->name.len)
		return 0;
	if (format && !format_fits(format, ref->name))
		return diag_fail(d, ERR_CONFIG, "name \"%.*s\" is not %s", STR_ARGS(ref->name),
				 format->expected);
	if (ref->kind->namespaced && !ref->name_space.len && !p->any_namespace)
		return diag_fail(d, ERR_CONFIG, "which namespace is %s %.*s of? name it by -n",
				 ref->kind->name, STR_ARGS(ref->name));
	return 0;
}

static void add(struct parser *p, const struct kind *kind, struct str name)
{
	size_t slash = str_find(name, 0, '/');
	size_t dot = str_find(name, 0, '.');
	struct object_ref *ref = &p->refs.items[p->refs.count++];

	*ref = (struct object_ref){ .kind = kind, .name = name };
	if (!kind->namespaced)
		return;
	ref->name_space = p->name_space;
	if (slash < name.len) {
		ref->name_space = str_slice(name, 0, slash);
		ref->name = str_slice(name, slash + 1, name.len);
	} else if (dot < name.len && kind->name_format == kind_of(KIND_SERVICE)->name_format) {
		/* Names of this kind hold no dots. */
		ref->name_space = str_slice(name, dot + 1, name.len);
		ref->name = str_slice(name, 0, dot);
	}
}

/* KIND/NAME; false when the part before the slash is no kind. */
static bool add_typed(struct parser *p, struct str word)
{
	size_t slash = str_find(word, 0, '/');
	const struct kind *kind = kind_by_word(str_slice(word, 0, slash));

	if (slash >= word.len || !kind)
		return false;
	add(p, kind, str_slice(word, slash + 1, word.len));
	return true;
}

static void add_all(struct parser *p)
{
	for (unsigned i = 0; i < KIND_COUNT; i++)
		add(p, kind_of((enum kind_id)i), STR_EMPTY);
}

/* Names behind a kind, up to the end. */
static void add_names(struct parser *p, const struct kind *kind, char *const *words, size_t count)
{
	if (!count)
		add(p, kind, STR_EMPTY);
	for (size_t i = 0; i < count; i++)
		if (!add_typed(p, str_from(words[i])))
			add(p, kind, str_from(words[i]));
}

int object_refs_parse(char *const *words, size_t count, struct str name_space, struct pool *pool,
		      struct object_refs *ret_refs, struct diag *d)
{
	struct parser p = { .pool = pool, .name_space = name_space, .diag = d };
	size_t i = 0;

	p.refs.items = pool_new_array(pool, struct object_ref, count + KIND_COUNT);
	while (i < count && add_typed(&p, str_from(words[i])))
		i++;
	if (i < count && str_eq(str_from(words[i]), STR("all"))) {
		if (i + 1 < count)
			return diag_fail(d, ERR_CONFIG, "\"all\" takes no names");
		add_all(&p);
	} else if (i < count) {
		struct str word = str_from(words[i]);
		const struct kind *kind = kind_by_word(word);

		if (!kind)
			return fail_kind(d, str_slice(word, 0, str_find(word, 0, '/')));
		add_names(&p, kind, words + i + 1, count - i - 1);
	}
	for (i = 0; i < p.refs.count; i++) {
		int r = check_name(&p, &p.refs.items[i]);

		if (r < 0)
			return r;
	}
	*ret_refs = p.refs;
	return 0;
}

int object_name_parse(const struct kind *kind, struct str word, struct str name_space,
		      struct object_ref *ret_ref, struct diag *d)
{
	struct object_ref ref;
	struct parser p = {
		.refs = { .items = &ref },
		.name_space = name_space,
		.any_namespace = true,
		.diag = d,
	};
	size_t slash = str_find(word, 0, '/');
	int r;

	/* A namespace may be called like a kind: then the kind stands in front. */
	if (slash < word.len && kind_by_word(str_slice(word, 0, slash)) == kind)
		word = str_slice(word, slash + 1, word.len);
	add(&p, kind, word);
	r = check_name(&p, &ref);
	if (r < 0)
		return r;
	*ret_ref = ref;
	return 0;
}

void object_ref_path(const struct object_ref *ref, struct buf *out)
{
	struct kind_path path = {
		.kind = ref->kind,
		.name_space = ref->name_space,
		.name = ref->name,
	};

	kind_path_format(&path, out);
}

void object_ref_title(const struct object_ref *ref, struct buf *out)
{
	buf_printf(out, "%s %.*s%s%.*s", ref->kind->name, STR_ARGS(ref->name_space),
		   ref->name_space.len ? "/" : "", STR_ARGS(ref->name));
}

void object_ref_name(const struct object_ref *ref, struct buf *out)
{
	buf_printf(out, "%s/%.*s%s%.*s", ref->kind->words[0], STR_ARGS(ref->name_space),
		   ref->name_space.len ? "/" : "", STR_ARGS(ref->name));
}
