/*
 * A field that comes once is matched where it lies. One that comes several times is seen
 * through a cursor as if it were joined by ",", so that no request makes us copy.
 */

#include "rules/match.h"

/* Walks the fields of one name as one text. */
struct joined {
	const struct header_match *match;
	const struct header *at; /* the field being read; NULL behind the last */
	const struct header *end;
	size_t offset;
};

static bool is_named(const struct header_match *m, const struct header *field)
{
	if (m->id != HEADER_OTHER)
		return field->id == m->id;
	return field->id == HEADER_OTHER && str_eq_nocase(field->name, m->name);
}

static const struct header *field_next(const struct header_match *m, const struct header *at,
				       const struct header *end)
{
	for (; at < end; at++)
		if (is_named(m, at))
			return at;
	return NULL;
}

/* The next byte, or -1 at the end. */
static int joined_next(struct joined *j)
{
	if (!j->at)
		return -1;
	if (j->offset < j->at->value.len)
		return (unsigned char)j->at->value.ptr[j->offset++];
	j->at = field_next(j->match, j->at + 1, j->end);
	j->offset = 0;
	return j->at ? ',' : -1;
}

/* Does the rest begin with the pattern; with `whole`, is it the pattern? */
static bool joined_has_prefix(struct joined j, const struct text_match *m, bool whole)
{
	for (size_t i = 0; i < m->value.len; i++) {
		int c = joined_next(&j);

		if (c < 0)
			return false;
		if (m->ignore_case ? char_lower((char)c) != char_lower(m->value.ptr[i])
				   : (char)c != m->value.ptr[i])
			return false;
	}
	return !whole || joined_next(&j) < 0;
}

static bool joined_match(struct joined j, const struct text_match *m)
{
	switch (m->kind) {
	case TEXT_MATCH_EXACT:
		return joined_has_prefix(j, m, true);
	case TEXT_MATCH_PREFIX:
		return joined_has_prefix(j, m, false);
	case TEXT_MATCH_SUFFIX:
	case TEXT_MATCH_CONTAINS:
		break;
	}
	do {
		if (joined_has_prefix(j, m, m->kind == TEXT_MATCH_SUFFIX))
			return true;
	} while (joined_next(&j) >= 0);
	return false;
}

/* A decimal number as Envoy reads it: spaces around it and a sign are allowed. */
static bool number_read(struct str s, int64_t *ret_number)
{
	bool negative;
	uint64_t value;

	s = str_trim(s);
	negative = s.len > 0 && s.ptr[0] == '-';
	if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'))
		s = str_slice(s, 1, s.len);
	if (str_to_u64(s, (uint64_t)INT64_MAX + (negative ? 1 : 0), &value) < 0)
		return false;
	*ret_number = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

static bool in_range(const struct header_match *m, struct str value)
{
	int64_t number;

	return number_read(value, &number) && number >= m->range_start && number < m->range_end;
}

/* Where Envoy keeps what it calls ":name"; NULL when the name is of an ordinary field. */
static const struct str *pseudo_field(const struct header_match *m, const struct headers *h)
{
	static const struct str none = STR_EMPTY;

	if (m->id == HEADER_HOST)
		return &h->authority;
	if (m->name.len == 0 || m->name.ptr[0] != ':')
		return NULL;
	if (str_eq(m->name, STR(":authority")))
		return &h->authority;
	if (str_eq(m->name, STR(":path")))
		return &h->path;
	if (str_eq(m->name, STR(":method")))
		return &h->method;
	if (str_eq(m->name, STR(":scheme")))
		return &h->scheme;
	return &none;
}

static bool value_match(const struct header_match *m, struct str value)
{
	switch (m->kind) {
	case HEADER_MATCH_PRESENT:
		return m->present != m->invert;
	case HEADER_MATCH_TEXT:
		return text_match(&m->text, value) != m->invert;
	case HEADER_MATCH_RANGE:
		return in_range(m, value) != m->invert;
	}
	return false;
}

static bool values_match(const struct header_match *m, struct joined j)
{
	switch (m->kind) {
	case HEADER_MATCH_PRESENT:
		return m->present != m->invert;
	case HEADER_MATCH_TEXT:
		return joined_match(j, &m->text) != m->invert;
	case HEADER_MATCH_RANGE:
		return m->invert; /* "1,2" is no number */
	}
	return false;
}

/* A missing field satisfies no condition on its value, and no inverted one either. */
static bool missing_match(const struct header_match *m)
{
	if (m->missing_is_empty)
		return value_match(m, STR_EMPTY);
	return m->kind == HEADER_MATCH_PRESENT && m->present == m->invert;
}

bool header_match(const struct header_match *m, const struct headers *h)
{
	const struct header *end = h->count ? h->items + h->count : h->items;
	const struct str *pseudo = pseudo_field(m, h);
	const struct header *first;

	if (pseudo)
		return pseudo->len > 0 ? value_match(m, *pseudo) : missing_match(m);

	first = field_next(m, h->items, end);
	if (!first)
		return missing_match(m);
	if (m->kind == HEADER_MATCH_PRESENT || !field_next(m, first + 1, end))
		return value_match(m, first->value);
	return values_match(m, (struct joined){ .match = m, .at = first, .end = end });
}

bool query_match(const struct query_match *m, struct str query)
{
	struct str parameter;

	while (str_split(&query, '&', &parameter)) {
		size_t equals = str_find(parameter, 0, '=');

		if (!str_eq(str_slice(parameter, 0, equals), m->name))
			continue;
		if (m->kind == QUERY_MATCH_PRESENT)
			return m->present;
		return text_match(&m->text, str_slice(parameter, equals + 1, parameter.len));
	}
	return m->kind == QUERY_MATCH_PRESENT && !m->present;
}

bool path_match(const struct path_match *m, struct str path)
{
	struct text_match text = { .kind = TEXT_MATCH_PREFIX,
				   .ignore_case = m->ignore_case,
				   .value = m->value };

	switch (m->kind) {
	case PATH_MATCH_EXACT:
		text.kind = TEXT_MATCH_EXACT;
		return text_match(&text, path);
	case PATH_MATCH_PREFIX:
		return text_match(&text, path);
	case PATH_MATCH_SEPARATED_PREFIX:
		return text_match(&text, path) &&
		       (path.len == m->value.len || path.ptr[m->value.len] == '/');
	}
	return false;
}
