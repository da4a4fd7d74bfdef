#include "facts.h"

#include "base/error.h"
#include "base/mem.h"

#include "test.h"

static uint32_t index_of(const struct facts *f, const char *name)
{
	uint32_t i = 0;

	while (i < f->count && strcmp(f->names[i], name) != 0)
		i++;
	return i;
}

char *facts_value(const struct facts *f, const char *name)
{
	uint32_t i = index_of(f, name);

	return i < f->count ? f->values[i] : NULL;
}

void facts_put(struct facts *f, const char *name, struct str value)
{
	uint32_t i = index_of(f, name);

	if (i == f->count) {
		assert_true(f->count < FACTS_MAX);
		f->names[f->count++] = mem_strdup(name);
	}
	mem_free(f->values[i]);
	f->values[i] = mem_strdup_str(value);
}

static int get(void *user, const char *name, struct pool *pool, struct str *ret_value)
{
	const char *value = facts_value(user, name);

	if (!value)
		return ERR_NOT_FOUND;
	*ret_value = pool_strdup(pool, str_from(value));
	return 0;
}

static int set(void *user, const char *name, struct str value)
{
	struct facts *f = user;

	if (f->fail_set)
		return f->fail_set;
	f->sets++;
	facts_put(f, name, value);
	return 0;
}

struct ca_facts facts_of(struct facts *f)
{
	return (struct ca_facts){ .get = get, .set = set, .user = f };
}

void facts_fini(struct facts *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		mem_free(f->names[i]);
		mem_free(f->values[i]);
	}
}
