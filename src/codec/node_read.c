/*
 * Checked reading of scalars
 *
 * A wrong kind is refused with what was expected, what stands there, and how to write it.
 */

#include "codec/node.h"

#define SHOWN_BYTES_MAX 40

/* Longer values are cut in messages. */
static struct str shown(const struct node *n)
{
	return str_slice(n->text, 0, SHOWN_BYTES_MAX);
}

static int fail_kind(struct diag *d, const struct node *n, const char *expected)
{
	if (n->kind == NODE_NUMBER || n->kind == NODE_BOOL || n->kind == NODE_TEXT)
		return node_fail(d, n, ERR_CONFIG, "expected %s, found the %s %s%.*s%s", expected,
				 node_kind_text(n->kind), n->kind == NODE_TEXT ? "\"" : "",
				 STR_ARGS(shown(n)), n->kind == NODE_TEXT ? "\"" : "");
	if (n->kind == NODE_NULL)
		return node_fail(d, n, ERR_CONFIG, "expected %s, found nothing", expected);
	return node_fail(d, n, ERR_CONFIG, "expected %s, found a %s", expected,
			 node_kind_text(n->kind));
}

int node_read_text(const struct node *n, struct str *ret_text, struct diag *d)
{
	if (n->kind != NODE_TEXT) {
		int r = fail_kind(d, n, "text");

		if (n->kind == NODE_NUMBER || n->kind == NODE_BOOL)
			diag_hint(d, "write \"%.*s\"", STR_ARGS(shown(n)));
		return r;
	}
	*ret_text = n->text;
	return 0;
}

int node_read_u64(const struct node *n, uint64_t max, uint64_t *ret_value, struct diag *d)
{
	uint64_t value;
	int r;

	if (n->kind != NODE_NUMBER) {
		r = fail_kind(d, n, "a number");
		if (n->kind == NODE_TEXT && str_to_u64(n->text, max, &value) == 0)
			diag_hint(d, "write %.*s without quotes", STR_ARGS(shown(n)));
		return r;
	}
	r = str_to_u64(n->text, max, &value);
	if (r == ERR_LIMIT)
		return node_fail(d, n, ERR_CONFIG, "%.*s is more than %llu", STR_ARGS(shown(n)),
				 (unsigned long long)max);
	if (r < 0)
		return node_fail(d, n, ERR_CONFIG, "expected a whole number from 0, found %.*s",
				 STR_ARGS(shown(n)));
	*ret_value = value;
	return 0;
}

int node_read_bool(const struct node *n, bool *ret_value, struct diag *d)
{
	if (n->kind != NODE_BOOL)
		return fail_kind(d, n, "true or false");
	*ret_value = n->boolean;
	return 0;
}
