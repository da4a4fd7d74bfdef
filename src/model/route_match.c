/*
 * Everything here decides who may reach what: a condition that is not understood must not be
 * left out. Those that we know by name only were refused when the message was decoded.
 */

#include "model/route.h"

#define FRACTION_WHOLE 1000000

static int path_checked(struct compile *c, const struct pb_message *m, unsigned field)
{
	struct str path = pb_text(m, field);

	if (str_find(path, 0, '?') < path.len || str_find(path, 0, '#') < path.len)
		return pb_fail_field(
			c->d, m, field, ERR_CONFIG,
			"must hold no query and no fragment: they are not part of the path");
	if (field != PB_RouteMatch_path_separated_prefix)
		return 0;
	if (path.len == 0 || path.ptr[0] != '/' || path.ptr[path.len - 1] == '/')
		return pb_fail_field(c->d, m, field, ERR_CONFIG,
				     "must begin with a slash and not end with one");
	return 0;
}

static int path_read(struct compile *c, const struct pb_message *m, struct path_match *ret_path)
{
	static const struct {
		unsigned field;
		enum path_match_kind kind;
	} kinds[] = {
		{ PB_RouteMatch_prefix, PATH_MATCH_PREFIX },
		{ PB_RouteMatch_path, PATH_MATCH_EXACT },
		{ PB_RouteMatch_path_separated_prefix, PATH_MATCH_SEPARATED_PREFIX },
	};

	for (size_t i = 0; i < array_count(kinds); i++) {
		int r;

		if (!pb_has(m, kinds[i].field))
			continue;
		r = path_checked(c, m, kinds[i].field);
		if (r < 0)
			return r;
		*ret_path = (struct path_match){
			.kind = kinds[i].kind,
			.ignore_case = !pb_wrapped_bool(m, PB_RouteMatch_case_sensitive, true),
			.value = pb_text(m, kinds[i].field),
		};
		return 0;
	}
	return pb_fail(c->d, m, ERR_CONFIG, "needs one of prefix, path, path_separated_prefix");
}

/* The older forms of string_match. An empty exact_match means any value, as in Envoy. */
static bool header_text_read(const struct pb_message *m, struct text_match *ret_text)
{
	static const struct {
		unsigned field;
		enum text_match_kind kind;
	} kinds[] = {
		{ PB_HeaderMatcher_exact_match, TEXT_MATCH_EXACT },
		{ PB_HeaderMatcher_prefix_match, TEXT_MATCH_PREFIX },
		{ PB_HeaderMatcher_suffix_match, TEXT_MATCH_SUFFIX },
		{ PB_HeaderMatcher_contains_match, TEXT_MATCH_CONTAINS },
	};

	for (size_t i = 0; i < array_count(kinds); i++) {
		struct str value = pb_text(m, kinds[i].field);

		if (!pb_has(m, kinds[i].field))
			continue;
		*ret_text = (struct text_match){
			.kind = value.len > 0 ? kinds[i].kind : TEXT_MATCH_PREFIX,
			.value = value,
		};
		return true;
	}
	return false;
}

static int header_condition(struct compile *c, const struct pb_message *m, struct header_match *h)
{
	const struct pb_message *range = pb_sub(m, PB_HeaderMatcher_range_match);

	if (pb_has(m, PB_HeaderMatcher_string_match)) {
		h->kind = HEADER_MATCH_TEXT;
		return compile_text_match(c, pb_sub(m, PB_HeaderMatcher_string_match), &h->text);
	}
	if (range) {
		h->kind = HEADER_MATCH_RANGE;
		h->range_start = pb_number(range, PB_Int64Range_start);
		h->range_end = pb_number(range, PB_Int64Range_end);
		return 0;
	}
	if (header_text_read(m, &h->text)) {
		h->kind = HEADER_MATCH_TEXT;
		return 0;
	}
	h->kind = HEADER_MATCH_PRESENT;
	h->present = !pb_has(m, PB_HeaderMatcher_present_match) ||
		     pb_bool(m, PB_HeaderMatcher_present_match);
	return 0;
}

static bool is_pseudo_header(struct str name)
{
	return str_eq(name, STR(":method")) || str_eq(name, STR(":path")) ||
	       str_eq(name, STR(":authority")) || str_eq(name, STR(":scheme"));
}

static int header_read(struct compile *c, const struct pb_message *m, struct header_match *h)
{
	struct str name = pb_text(m, PB_HeaderMatcher_name);

	h->name = compile_lower(c, name);
	h->id = (uint16_t)header_id_of(h->name);
	h->invert = pb_bool(m, PB_HeaderMatcher_invert_match);
	h->missing_is_empty = pb_bool(m, PB_HeaderMatcher_treat_missing_header_as_empty);
	if (!is_pseudo_header(h->name) && !compile_is_header_name(h->name))
		return pb_fail_field(c->d, m, PB_HeaderMatcher_name, ERR_CONFIG,
				     "\"%.*s\" is not a header name", STR_ARGS(name));
	return header_condition(c, m, h);
}

static int query_read(struct compile *c, const struct pb_message *m, struct query_match *q)
{
	q->name = pb_text(m, PB_QueryParameterMatcher_name);
	if (pb_has(m, PB_QueryParameterMatcher_string_match)) {
		q->kind = QUERY_MATCH_TEXT;
		return compile_text_match(c, pb_sub(m, PB_QueryParameterMatcher_string_match),
					  &q->text);
	}
	q->kind = QUERY_MATCH_PRESENT;
	q->present = !pb_has(m, PB_QueryParameterMatcher_present_match) ||
		     pb_bool(m, PB_QueryParameterMatcher_present_match);
	return 0;
}

static uint32_t fraction_read(const struct pb_message *m)
{
	static const uint32_t denominators[] = {
		[PB_FractionalPercent_DenominatorType_HUNDRED] = 100,
		[PB_FractionalPercent_DenominatorType_TEN_THOUSAND] = 10000,
		[PB_FractionalPercent_DenominatorType_MILLION] = FRACTION_WHOLE,
	};
	const struct pb_message *runtime = pb_sub(m, PB_RouteMatch_runtime_fraction);
	const struct pb_message *share = pb_sub(runtime, PB_RuntimeFractionalPercent_default_value);
	uint64_t numerator = (uint64_t)pb_number(share, PB_FractionalPercent_numerator);
	uint32_t denominator = denominators[pb_number(share, PB_FractionalPercent_denominator)];

	if (!share || numerator > denominator)
		return FRACTION_WHOLE;
	return (uint32_t)(numerator * (FRACTION_WHOLE / denominator));
}

int route_match_compile(struct compile *c, const struct pb_message *m, struct route *ret_route)
{
	int r;

	r = path_read(c, m, &ret_route->path);
	if (r < 0)
		return r;

	ret_route->header_count = pb_count(m, PB_RouteMatch_headers);
	ret_route->headers = pool_new_array(c->pool, struct header_match, ret_route->header_count);
	for (uint32_t i = 0; i < ret_route->header_count; i++) {
		r = header_read(c, pb_sub_at(m, PB_RouteMatch_headers, i), &ret_route->headers[i]);
		if (r < 0)
			return r;
	}

	ret_route->query_count = pb_count(m, PB_RouteMatch_query_parameters);
	ret_route->queries = pool_new_array(c->pool, struct query_match, ret_route->query_count);
	for (uint32_t i = 0; i < ret_route->query_count; i++) {
		r = query_read(c, pb_sub_at(m, PB_RouteMatch_query_parameters, i),
			       &ret_route->queries[i]);
		if (r < 0)
			return r;
	}
	ret_route->grpc_only = pb_has(m, PB_RouteMatch_grpc);
	ret_route->fraction_per_million = fraction_read(m);
	return 0;
}
