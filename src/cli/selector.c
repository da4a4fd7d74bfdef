#include "cli/selector.h"

#include "base/error.h"

struct term {
	struct str key;
	struct str value;
	bool has_value;
	bool negated;
};

static struct term term_read(struct str text)
{
	size_t equals = str_find(text, 0, '=');
	struct term t = { .has_value = equals < text.len };
	struct str key = str_slice(text, 0, equals);

	if (!t.has_value) {
		t.negated = str_has_prefix(key, STR("!"));
		t.key = str_slice(key, t.negated, key.len);
		return t;
	}
	t.negated = str_has_suffix(key, STR("!"));
	t.key = str_slice(key, 0, key.len - t.negated);
	t.value = str_slice(text, equals + 1, text.len);
	if (!t.negated && str_has_prefix(t.value, STR("=")))
		t.value = str_slice(t.value, 1, t.value.len);
	return t;
}

int selector_check(struct str selector, struct diag *d)
{
	struct str text;

	while (str_split(&selector, ',', &text)) {
		if (term_read(str_trim(text)).key.len)
			continue;
		diag_fail(d, ERR_CONFIG, "-l: \"%.*s\" names no label", STR_ARGS(text));
		diag_hint(d, "for example -l app=web,version!=v2");
		return ERR_CONFIG;
	}
	return 0;
}

static bool term_fits(const struct term *t, const struct node *labels)
{
	const struct node *label = node_get(labels, t->key);
	bool fits = label && (!t->has_value || str_eq(label->text, t->value));

	return fits != t->negated;
}

bool selector_fits(struct str selector, const struct node *labels)
{
	struct str text;

	while (str_split(&selector, ',', &text)) {
		struct term t = term_read(str_trim(text));

		if (!term_fits(&t, labels))
			return false;
	}
	return true;
}
