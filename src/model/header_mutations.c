#include "model/header_mutations.h"

#include "message/headers.h"

/* Names that stand for parts of the request line: changing them is what rewrites are for. */
static bool is_protected(struct str name)
{
	return (name.len > 0 && name.ptr[0] == ':') || str_eq_nocase(name, STR("host"));
}

static int check_name(struct compile *c, const struct pb_message *m, unsigned field,
		      struct str name)
{
	if (is_protected(name))
		return pb_fail_field(
			c->d, m, field, ERR_CONFIG,
			"\"%.*s\" cannot be changed here: it is part of the request line",
			STR_ARGS(name));
	if (!compile_is_header_name(name))
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "\"%.*s\" is not a header name",
				     STR_ARGS(name));
	return 0;
}

/* "%%" stands for "%"; a single one begins a command. */
static int value_read(struct compile *c, const struct pb_message *m, struct str *ret_value)
{
	struct str value = pb_text(m, PB_HeaderValue_value);
	size_t len = 0;
	char *copy;

	if (!compile_is_header_value(value))
		return pb_fail_field(c->d, m, PB_HeaderValue_value, ERR_CONFIG,
				     "holds a control character");
	if (str_find(value, 0, '%') == value.len) {
		*ret_value = value;
		return 0;
	}
	copy = pool_alloc(c->pool, value.len);
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '%') {
			size_t end = str_find(value, i + 1, '%');

			if (end != i + 1 || end == value.len)
				return pb_fail_field(
					c->d, m, PB_HeaderValue_value, ERR_UNSUPPORTED,
					"commands such as \"%.*s\" are not supported in headers "
					"yet; write %%%% for a percent sign",
					STR_ARGS(str_slice(value, i, end + 1)));
			i++;
		}
		copy[len++] = value.ptr[i];
	}
	*ret_value = str_of(copy, len);
	return 0;
}

static int action_of(struct compile *c, const struct pb_message *m, int *ret_action)
{
	static const int actions[] = {
		[PB_HeaderValueOption_HeaderAppendAction_APPEND_IF_EXISTS_OR_ADD] =
			HEADER_APPEND_OR_ADD,
		[PB_HeaderValueOption_HeaderAppendAction_ADD_IF_ABSENT] = HEADER_ADD_IF_ABSENT,
		[PB_HeaderValueOption_HeaderAppendAction_OVERWRITE_IF_EXISTS_OR_ADD] =
			HEADER_OVERWRITE_OR_ADD,
		[PB_HeaderValueOption_HeaderAppendAction_OVERWRITE_IF_EXISTS] = HEADER_OVERWRITE,
	};
	int64_t number = pb_number(m, PB_HeaderValueOption_append_action);

	if (pb_has(m, PB_HeaderValueOption_append)) {
		if (number != PB_HeaderValueOption_HeaderAppendAction_APPEND_IF_EXISTS_OR_ADD)
			return pb_fail_field(c->d, m, PB_HeaderValueOption_append, ERR_CONFIG,
					     "stands beside append_action: only one may be set");
		*ret_action = pb_wrapped_bool(m, PB_HeaderValueOption_append, true)
				      ? HEADER_APPEND_OR_ADD
				      : HEADER_OVERWRITE_OR_ADD;
		return 0;
	}
	*ret_action = actions[number];
	return 0;
}

static int addition(struct compile *c, const struct pb_message *m, struct header_mutations *list)
{
	const struct pb_message *header = pb_sub(m, PB_HeaderValueOption_header);
	struct header_mutation *h = &list->add[list->add_count];
	struct str name = pb_text(header, PB_HeaderValue_key);
	int action = HEADER_APPEND_OR_ADD;
	int r;

	r = check_name(c, header, PB_HeaderValue_key, name);
	if (r < 0)
		return r;
	r = value_read(c, header, &h->value);
	if (r < 0)
		return r;
	r = action_of(c, m, &action);
	if (r < 0)
		return r;
	if (h->value.len == 0 && !pb_bool(m, PB_HeaderValueOption_keep_empty_value))
		return 0; /* Envoy leaves such a header out, whatever the action */
	h->action = action;
	h->name = compile_lower(c, name);
	h->id = (uint16_t)header_id_of(h->name);
	list->add_count++;
	return 0;
}

int header_mutations_compile(struct compile *c, const struct pb_message *m, unsigned add,
			     unsigned remove, struct header_mutations *ret_list)
{
	uint32_t add_count = pb_count(m, add), remove_count = pb_count(m, remove);
	struct header_mutations list = { 0 };
	int r;

	if (add_count > HEADER_MUTATIONS_MAX)
		return pb_fail_field(c->d, m, add, ERR_LIMIT, "has more than %d entries",
				     HEADER_MUTATIONS_MAX);
	if (remove_count > HEADER_MUTATIONS_MAX)
		return pb_fail_field(c->d, m, remove, ERR_LIMIT, "has more than %d entries",
				     HEADER_MUTATIONS_MAX);
	list.add = pool_new_array(c->pool, struct header_mutation, add_count);
	for (uint32_t i = 0; i < add_count; i++) {
		r = addition(c, pb_sub_at(m, add, i), &list);
		if (r < 0)
			return r;
	}
	list.remove = pool_new_array(c->pool, struct str, remove_count);
	for (uint32_t i = 0; i < remove_count; i++) {
		struct str name = pb_text_at(m, remove, i);

		if (is_protected(name) || !compile_is_header_name(name))
			return compile_fail_at(c, m, remove, i, "\"%.*s\" cannot be removed",
					       STR_ARGS(name));
		list.remove[list.remove_count++] = compile_lower(c, name);
	}
	*ret_list = list;
	return 0;
}
