#include "cli/selector.h"

#include "base/error.h"
#include "test.h"

TEST(each_term_of_a_selector_must_hold)
{
	static const struct {
		const char *selector;
		bool fits;
	} cases[] = {
		{ "", true },
		{ "app=web", true },
		{ "app==web", true },
		{ "app=api", false },
		{ "app!=api", true },
		{ "app!=web", false },
		{ "app", true },
		{ "!app", false },
		{ "old", false },
		{ "!old", true },
		{ "old!=yes", true },
		{ "old=", false },
		{ "app=web,version=v1", true },
		{ "app=web, version=v2", false },
	};
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *labels;

	assert_int_equal(
		json_parse(STR("{\"app\":\"web\",\"version\":\"v1\"}"), NULL, &pool, &labels, &d),
		0);
	for (size_t i = 0; i < array_count(cases); i++) {
		struct str selector = str_from(cases[i].selector);

		assert_int_equal(selector_check(selector, &d), 0);
		if (selector_fits(selector, labels) != cases[i].fits)
			fail_msg("%s", cases[i].selector);
	}
	assert_true(selector_fits(STR("!app"), NULL));
	pool_fini(&pool);
}

TEST(a_term_without_a_label_is_refused)
{
	static const char *const wrong[] = { "=web", "!=web", "!", "app=web,,b" };

	for (size_t i = 0; i < array_count(wrong); i++) {
		struct diag d = DIAG_INIT;

		assert_int_equal(selector_check(str_from(wrong[i]), &d), ERR_CONFIG);
		assert_string_equal(d.hint, "for example -l app=web,version!=v2");
		diag_fini(&d);
	}
}
