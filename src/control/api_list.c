/*
 * Lists of objects, whole or page by page
 *
 * As in Kubernetes: `limit` asks for a page, whose metadata.continue leads to the next one. All
 * pages together are the list as it stood at the first. Nothing is kept for that: the token
 * says which state of the kind the first page was of and which object was its last, and where
 * the kind has changed since the token has expired (410). The answer has a fresh one, for who
 * would rather go on behind that object than begin anew.
 */

#include "control/api_request.h"

#include "base/error.h"
#include "codec/base64.h"
#include "codec/node.h"

#define LIMIT_MAX       10000
#define TOKEN_BYTES_MAX 1024

/* Where a page begins. Its text: "START CHANGES KIND SCOPE/NAMESPACE/NAME" in Base64. */
struct token {
	uint64_t start; /* of the control plane, for counts begin anew with it */
	uint64_t changes;
	struct str kind;
	struct str scope; /* the namespace that is listed; empty: all */
	struct str name_space;
	struct str name; /* of the last object of the page before; empty: none */
};

/* A page under construction. */
struct listing {
	struct api_request *q;
	const struct kind_path *path;
	uint64_t limit; /* 0: none */
	struct token after;
	struct node *items;
	const struct document *last;
	uint32_t remaining;
};

static struct token token_now(const struct listing *l)
{
	const struct api *a = l->q->api;

	return (struct token){
		.start = (uint64_t)a->started.ns,
		.changes = state_changes(a->options.state, l->path->kind->id),
		.kind = str_from(l->path->kind->name),
		.scope = l->path->name_space,
	};
}

static struct str token_write(const struct listing *l, struct str name_space, struct str name)
{
	const struct token t = token_now(l);
	struct buf plain = BUF_INIT(0), text = BUF_INIT(0);
	struct str copy;

	buf_printf(&plain, "%llu %llu %.*s %.*s/%.*s/%.*s", (unsigned long long)t.start,
		   (unsigned long long)t.changes, STR_ARGS(t.kind), STR_ARGS(t.scope),
		   STR_ARGS(name_space), STR_ARGS(name));
	base64_encode(buf_str(&plain), BASE64_URL, &text);
	copy = pool_strdup(&l->q->pool, buf_str(&text));
	buf_fini(&plain);
	buf_fini(&text);
	return copy;
}

static bool token_parse(struct str plain, struct token *ret_token)
{
	struct str start, changes;

	if (!str_split(&plain, ' ', &start) || !str_split(&plain, ' ', &changes) ||
	    !str_split(&plain, ' ', &ret_token->kind) ||
	    !str_split(&plain, '/', &ret_token->scope) ||
	    !str_split(&plain, '/', &ret_token->name_space))
		return false;
	ret_token->name = plain;
	return plain.len > 0 && str_to_u64(start, UINT64_MAX, &ret_token->start) == 0 &&
	       str_to_u64(changes, UINT64_MAX, &ret_token->changes) == 0;
}

/* False: refused and answered. */
static bool token_read(struct listing *l)
{
	struct str text = api_parameter(l->q, API_CONTINUE);
	const struct token now = token_now(l);
	struct buf plain = BUF_INIT(TOKEN_BYTES_MAX);
	bool is_token = base64_decode(text, BASE64_URL, &plain) == 0 &&
			token_parse(pool_strdup(&l->q->pool, buf_str(&plain)), &l->after);

	buf_fini(&plain);
	if (is_token && str_eq(l->after.kind, now.kind) && str_eq(l->after.scope, now.scope))
		return true;
	api_refuse(l->q, 400,
		   is_token ? "continue= is of another list"
			    : "continue= is not what a page before said",
		   "take it from metadata.continue, and leave the path as it was");
	return false;
}

static bool token_holds(const struct listing *l)
{
	const struct token now = token_now(l);

	return l->after.start == now.start && l->after.changes == now.changes;
}

static void answer_expired(const struct listing *l)
{
	struct api_request *q = l->q;
	struct diag d = DIAG_INIT;
	struct node *body;

	diag_fail(&d, ERR_CONFLICT, "the list has changed since its first page");
	diag_hint(&d,
		  "begin anew, or take metadata.continue of this answer to go on in the list as "
		  "it is now");
	body = api_status_node(q, 410, &d);
	api_add_text(q, api_add_map(q, body, "metadata"), "continue",
		     token_write(l, l->after.name_space, l->after.name));
	api_answer(q, 410, body);
	diag_fini(&d);
}

/* Is the object behind the last one of the page before? */
static bool is_behind(const struct listing *l, const struct document *doc)
{
	int order = str_cmp(doc->name_space, l->after.name_space);

	return order > 0 || (order == 0 && str_cmp(doc->name, l->after.name) > 0);
}

static void list_one(struct listing *l, const struct document *doc)
{
	if (l->path->name_space.len && !str_eq(l->path->name_space, doc->name_space))
		return;
	if (l->after.name.len && !is_behind(l, doc))
		return;
	if (l->limit && l->items->count == l->limit) {
		l->remaining++;
		return;
	}
	l->last = doc;
	node_list_add(l->items, api_object_node(l->q, doc->user));
}

static void answer_page(struct listing *l)
{
	struct api_request *q = l->q;
	const struct state *state = q->api->options.state;
	struct documents all = document_index_kind(state_index(state), l->path->kind->id);
	struct node *body = api_map(q);
	struct node *metadata;

	api_add_text(q, body, "kind", STR("List"));
	api_add_text(q, body, "apiVersion", STR("v1"));
	metadata = api_add_map(q, body, "metadata");
	api_add_text(q, metadata, "resourceVersion",
		     pool_printf(&q->pool, "%llu", (unsigned long long)state_revision(state)));
	l->items = api_add_list(q, body, "items");
	for (uint32_t i = 0; i < all.count; i++)
		list_one(l, all.items[i]);
	if (l->remaining) {
		api_add_text(q, metadata, "continue",
			     token_write(l, l->last->name_space, l->last->name));
		api_add_number(q, metadata, "remainingItemCount", l->remaining);
	}
	api_answer(q, 200, body);
}

void api_list(struct api_request *q, const struct kind_path *path)
{
	struct listing l = { .q = q, .path = path };
	struct str limit = api_parameter(q, API_LIMIT);

	if (limit.len && str_to_u64(limit, LIMIT_MAX, &l.limit) < 0)
		api_refuse(q, 400, "limit= is a number up to 10000", NULL);
	else if (!api_parameter(q, API_CONTINUE).len)
		answer_page(&l);
	else if (token_read(&l) && token_holds(&l))
		answer_page(&l);
	else if (!q->answered)
		answer_expired(&l);
}
