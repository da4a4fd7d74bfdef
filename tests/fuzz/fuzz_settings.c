#include "fuzz.h"

/* Arguments, one a line: parsing ends with all words and values in place, or with a sentence,
 * and returns all memory either way. */

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/setting.h"

struct common {
	setting_text namespace;
};

struct settings {
	struct common common;
	setting_list port;
	setting_count count;
	setting_duration wait;
	setting_flag quiet;
};

// clang-format off
static const struct setting common_table[] = {
	SETTING_SHORT(struct common, namespace, text, 'n', "default", "NAME", "A text."),
	{ 0 }
};

static const struct setting table[] = {
	SETTING_SHORT(struct settings, port, list, 'p', NULL, "P", "A list."),
	SETTING(struct settings, count, count, "1", "N", "A number."),
	SETTING(struct settings, wait, duration, "1s", "TIME", "A duration."),
	SETTING_SHORT(struct settings, quiet, flag, 'q', NULL, NULL, "A flag."),
	SETTING_TABLE(struct settings, common, common_table),
	{ 0 }
};
// clang-format on

#define ARGS_MAX 64

static int split_lines(char *text, char **ret_argv)
{
	int argc = 1;
	char *end;

	ret_argv[0] = (char *)"fuzz";
	for (; argc < ARGS_MAX; text = end + 1) {
		ret_argv[argc++] = text;
		end = strchr(text, '\n');
		if (!end)
			break;
		*end = '\0';
	}
	return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = mem_live_bytes();
	char *text = mem_strdup_str(str_of((const char *)data, size));
	char *argv[ARGS_MAX + 1];
	int argc = split_lines(text, argv);
	struct setting_words words = { 0 };
	struct settings settings;
	struct diag d = DIAG_INIT;

	settings_init(table, &settings);

	int r = settings_parse(table, &settings, argc, argv, &words, &d);

	assert((r < 0) == (d.error != 0));
	assert(r == 0 || (d.text && !words.items));
	assert(words.rest <= argc && words.count <= (size_t)argc);
	mem_free(words.items);
	diag_fini(&d);
	settings_fini(table, &settings);
	mem_free(text);
	assert(mem_live_bytes() == before);
	return 0;
}
