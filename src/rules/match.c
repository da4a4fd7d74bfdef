#include "rules/match.h"

static bool is_named(const struct header_match *m, const struct header *field)
{
	if (m->id != HEADER_OTHER)
		return field->id == m->id;
	return field->id == HEADER_OTHER && str_eq_nocase(field->name, m->name);
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

/* The condition, not yet inverted, on one value. */
static bool value_match(const struct header_match *m, struct str value)
{
	switch (m->kind) {
	case HEADER_MATCH_PRESENT:
		return m->present;
	case HEADER_MATCH_TEXT:
		return text_match(&m->text, value);
	case HEADER_MATCH_RANGE:
		return in_range(m, value);
	}
	return false;
}

/* A missing field satisfies no condition on its value, and no inverted one either. */
static bool missing_match(const struct header_match *m)
{
	if (m->missing_is_empty)
		return value_match(m, STR_EMPTY) != m->invert;
	return m->kind == HEADER_MATCH_PRESENT && m->present == m->invert;
}

bool header_match(const struct header_match *m, const struct headers *h)
{
	const struct str *pseudo = pseudo_field(m, h);
	bool found = false, matched = false;

	if (pseudo) {
		found = pseudo->len > 0;
		matched = value_match(m, *pseudo);
	} else {
		for (uint32_t i = 0; i < h->count && !matched; i++) {
			if (!is_named(m, &h->items[i]))
				continue;
			found = true;
			matched = value_match(m, h->items[i].value);
		}
	}
	return found ? matched != m->invert : missing_match(m);
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
