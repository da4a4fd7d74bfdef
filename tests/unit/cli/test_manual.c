#include "cli/manual.h"

#include "base/file.h"
#include "base/mem.h"
#include "test.h"

/* Pages of docs/reference, and the command that makes them. */
static const struct {
	const char *file;
	const char *command;
	void (*put)(struct buf *out);
} pages[] = {
	{ "cli.md", "weft man --form markdown", manual_reference },
	{ "documents.md", "weft man kinds --form markdown", manual_documents },
};

TEST(the_reference_is_what_the_tables_say)
{
	for (size_t i = 0; i < array_count(pages); i++) {
		char *path = mem_printf(REFERENCE_PAGES "/%s", pages[i].file);
		struct buf page = BUF_INIT(0), made = BUF_INIT(0);

		assert_int_equal(file_read(path, 1 << 20, &page), 0);
		pages[i].put(&made);
		if (!str_eq(buf_str(&page), buf_str(&made)))
			fail_msg("%s is not up to date: %s > %s", path, pages[i].command, path);
		buf_fini(&page);
		buf_fini(&made);
		mem_free(path);
	}
}

TEST(every_page_has_what_a_man_page_has)
{
	static const char *const parts[] = { ".SH NAME\n", ".SH \"USAGE\"\n", ".SH \"EXAMPLES\"\n",
					     ".SH \"EXIT STATUS\"\n", ".SH \"SEE ALSO\"\n" };

	for (size_t i = 0; commands[i]; i++) {
		struct buf page = BUF_INIT(0);
		char *text;

		if (commands[i]->hidden)
			continue;
		manual_command(&manual_roff, commands[i], &page);
		text = buf_take_text(&page);
		for (size_t p = 0; p < array_count(parts); p++)
			if (!strstr(text, parts[p]))
				fail_msg("weft %s: %s", commands[i]->name, parts[p]);
		mem_free(text);
	}
}

TEST(what_troff_takes_for_a_request_is_text)
{
	struct buf out = BUF_INIT(0);

	manual_roff.text(&out, STR(".x\n'y\na\\b -c"));
	assert_str_equal(buf_str(&out), ".PP\n\\&.x\n\\&'y\na\\eb \\-c\n");
	buf_fini(&out);
}
