#include "message/text_match.h"

static bool part_eq(const struct text_match *m, struct str part)
{
	return m->ignore_case ? str_eq_nocase(part, m->value) : str_eq(part, m->value);
}

static bool contains(const struct text_match *m, struct str s)
{
	for (size_t i = 0; i + m->value.len <= s.len; i++)
		if (part_eq(m, str_slice(s, i, i + m->value.len)))
			return true;
	return false;
}

bool text_match(const struct text_match *m, struct str s)
{
	if (s.len < m->value.len)
		return false;

	switch (m->kind) {
	case TEXT_MATCH_EXACT:
		return part_eq(m, s);
	case TEXT_MATCH_PREFIX:
		return part_eq(m, str_slice(s, 0, m->value.len));
	case TEXT_MATCH_SUFFIX:
		return part_eq(m, str_slice(s, s.len - m->value.len, s.len));
	case TEXT_MATCH_CONTAINS:
		return contains(m, s);
	}
	return false;
}
