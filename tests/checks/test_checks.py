"""The scanner behind the size limits finds what it claims to find."""

from c_source import functions
from limits import file_problems, function_problems

SAMPLE = '''
/* int comment(void) { */
#define MACRO(x) \\
	do {         \\
	} while (0)

static const struct row rows[] = { { "a{", 1 }, { "b", 2 } };

struct point {
	int x;
};

__attribute__((noinline)) static int none(void)
{
	return sizeof((struct point){ 1 });
}

int many(int a, int (*b)(int, int), const char *c)
{
	int r = a ? 1 : 2;

	list_for_each(x, y)
		if (x)
			while (y)
				do {
					z();
				} while (0);
	switch (r) {
	case 1:
		if (a)
			return 1;
	default:
		break;
	}
	if (a) {
	} else if (b) {
	} else if (c) {
		r = (struct point){ .x = 1 }.x;
	}
	for (;;)
		;
	return r;
}

TEST(a_claim)
{
}
'''


def by_name():
    return {f.name: f for f in functions(SAMPLE)}


def test_functions_are_found_and_nothing_else():
    assert list(by_name()) == ["none", "many", "TEST(a_claim)"]


def test_length_runs_from_the_name_to_the_closing_brace():
    assert by_name()["none"].length == 4
    assert by_name()["TEST(a_claim)"].length == 3


def test_parameters_are_counted_outside_inner_lists():
    assert by_name()["none"].parameters == 0
    assert by_name()["many"].parameters == 3


def test_nesting_counts_statements_without_braces_and_no_else_if():
    assert by_name()["none"].nesting == 0
    assert by_name()["many"].nesting == 4


def test_each_limit_is_reported():
    body = "\n" * 70
    nest = "if (a) " * 5 + "b();"
    source = f"int f(int a, int b, int c, int d, int e, int g, int h)\n{{{body}{nest}\n}}\n"
    text = "\n".join(function_problems("x.c", source))
    assert "lines, more than" in text
    assert "7 parameters" in text
    assert "nests 5 deep" in text


def test_the_callback_of_a_library_may_have_its_parameters():
    source = "int f(nghttp2_session *s, int b, int c, int d, int e, int g, int h)\n{\n}\n"
    assert not list(function_problems("x.c", source))


def test_tables_are_exempt_from_the_limits_of_lines():
    row = "\t/* clang-format off */\n" + "x " * 60 + "\n" * 1200 + "\t/* clang-format on */\n"
    assert not list(file_problems("x.c", row))
    assert len(list(file_problems("x.c", "x " * 60 + "\n" * 1200))) == 2
    assert not list(file_problems("x.c", "x" * 120 + "\n"))
