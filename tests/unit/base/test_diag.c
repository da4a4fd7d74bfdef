#include "test.h"

#include "base/diag.h"
#include "base/error.h"
#include "base/mem.h"

static void assert_diag(const struct diag *d, const char *expected)
{
	struct buf b = BUF_INIT(0);

	diag_format(d, &b);
	assert_str_equal(buf_str(&b), expected);
	buf_fini(&b);
}

TEST(a_problem_is_told_with_all_that_is_known)
{
	struct diag d = DIAG_INIT;

	assert_int_equal(diag_fail(&d, ERR_CONFIG, "unknown field \"%s\"", "timouts"), ERR_CONFIG);
	assert_diag(&d, "unknown field \"timouts\"");
	diag_path(&d, STR("spec.rules[0]"));
	diag_at(&d, (struct position){ 12, 5 });
	diag_file(&d, "shop.yaml");
	diag_hint(&d, "did you mean \"%s\"?", "timeouts");
	diag_code(&d, "WEFT1002");
	assert_diag(&d, "shop.yaml:12:5: spec.rules[0]: unknown field \"timouts\" "
			"(did you mean \"timeouts\"?) [WEFT1002]");
	diag_fini(&d);
}

TEST(a_position_may_be_known_in_part)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, ERR_SYNTAX, "no value");
	diag_at(&d, (struct position){ 3, 0 });
	assert_diag(&d, "3: no value");
	diag_file(&d, "a.yaml");
	assert_diag(&d, "a.yaml:3: no value");
	diag_fini(&d);
}

TEST(the_first_problem_wins)
{
	struct diag d = DIAG_INIT;

	diag_fail(&d, ERR_SYNTAX, "first");
	assert_int_equal(diag_fail(&d, ERR_LIMIT, "second"), ERR_LIMIT);
	diag_path(&d, STR("a"));
	diag_path(&d, STR("b"));
	assert_int_equal(d.error, ERR_SYNTAX);
	assert_diag(&d, "a: first");
	diag_fini(&d);
}

TEST(a_diag_returns_its_memory_and_can_be_used_again)
{
	uint64_t before = mem_live_bytes();
	struct diag d = DIAG_INIT;

	diag_fini(&d);
	diag_fail(&d, ERR_SYNTAX, "x");
	diag_hint(&d, "y");
	diag_file(&d, "z");
	diag_fini(&d);
	assert_int_equal(d.error, 0);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(nobody_has_to_listen)
{
	assert_int_equal(diag_fail(NULL, ERR_SYNTAX, "x"), ERR_SYNTAX);
	diag_at(NULL, (struct position){ 1, 1 });
	diag_file(NULL, "f");
	diag_path(NULL, STR("p"));
	diag_code(NULL, "c");
	diag_hint(NULL, "h");
}
