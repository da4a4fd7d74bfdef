#include "base/dump.h"

#include <unistd.h>

#include "base/list.h"
#include "base/map.h"
#include "in_child.h"

TEST(a_dump_is_lines_of_fields_indented_by_what_belongs_to_what)
{
	char memory[512];
	struct dump d;

	dump_to_memory(&d, memory, sizeof(memory));
	dump_line(&d, "worker");
	dump_number(&d, "index", 0);
	dump_number(&d, "most", UINT64_MAX);
	dump_enter(&d);
	dump_line(&d, "conn");
	dump_word(&d, "state", "open");
	dump_word(&d, "next", NULL);
	dump_str(&d, "name", STR("a \"b\"\n\\"));
	dump_flag(&d, "paused", true);
	dump_flag(&d, "eof", false);
	dump_leave(&d);
	dump_line(&d, "last");
	dump_signed(&d, "error", -104);
	dump_signed(&d, "least", INT64_MIN);
	dump_hex(&d, "address", 0xbeef);
	dump_end(&d);
	assert_str_equal(dump_text(&d), "worker index=0 most=18446744073709551615\n"
					"  conn state=open next=? name=\"a ?b???\" paused\n"
					"last error=-104 least=-9223372036854775808 "
					"address=0xbeef\n");
	assert_false(d.cut);
}

TEST(a_dump_ends_at_its_limit_and_says_so)
{
	char memory[100];

	for (size_t size = 40; size < sizeof(memory); size++) {
		struct dump d;

		dump_to_memory(&d, memory, size);
		for (int i = 0; i < 30; i++) {
			dump_line(&d, "item");
			dump_number(&d, "i", (uint64_t)i);
		}
		dump_end(&d);
		assert_true(d.cut);
		assert_true(dump_is_full(&d));
		assert_true(dump_text(&d).len <= size);
		assert_true(str_has_suffix(dump_text(&d), STR("at its limit\n")));
	}
}

TEST(a_dump_to_a_descriptor_needs_memory_for_one_line_alone)
{
	char memory[64], text[512];
	int fds[2];
	struct dump d;

	assert_int_equal(pipe(fds), 0);
	dump_to_fd(&d, fds[1], sizeof(text), memory, sizeof(memory));
	for (int i = 0; i < 8; i++) {
		dump_line(&d, "a line of some length");
		dump_number(&d, "i", (uint64_t)i);
	}
	dump_end(&d);
	assert_false(d.cut);
	assert_int_equal(read(fds[0], text, sizeof(text)),
			 8 * strlen("a line of some length i=0\n"));
	close(fds[0]);
	close(fds[1]);
}

TEST(a_long_text_is_cut_in_a_dump)
{
	char memory[512], name[300];
	struct dump d;

	memset(name, 'n', sizeof(name));
	dump_to_memory(&d, memory, sizeof(memory));
	dump_line(&d, "x");
	dump_str(&d, "name", str_of(name, sizeof(name)));
	dump_end(&d);
	assert_int_equal(dump_text(&d).len, strlen("x name=\"...\"\n") + 128);
}

TEST(a_list_whose_links_disagree_is_found)
{
	struct list head, a, b;

	list_init(&head);
	list_push_back(&head, &a);
	list_push_back(&head, &b);
	list_check(&head);
	assert_int_equal(list_count(&head), 2);
	b.prev = &head;
	assert_aborts(list_check, &head);
}

TEST(a_map_whose_count_is_wrong_is_found)
{
	struct map m;

	map_init(&m);
	map_check(&m);
	for (int i = 0; i < 40; i++) {
		char name[2] = { (char)('A' + i), '\0' };

		map_set(&m, str_from(name), &m);
		map_check(&m);
	}
	m.count--;
	assert_aborts(map_check, &m);
	m.count++;
	map_first(&m)->hash++;
	assert_aborts(map_check, &m);
	map_first(&m)->hash--;
	map_fini(&m);
}

#ifdef WEFT_FAULTS
TEST(walks_that_cost_more_than_changes_brought_wait)
{
	unsigned walked = 0;

	for (int i = 0; i < 100000; i++)
		debug_check(1000000, walked++);
	/* Each costs all that can be saved: as many changes as bring that. */
	assert_in_range(walked, 90, 110);
	walked = 0;
	for (int i = 0; i < 100; i++)
		debug_check(10, walked++);
	assert_int_equal(walked, 100);
}
#endif
