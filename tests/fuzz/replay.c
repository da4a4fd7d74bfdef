#include "fuzz.h"

/*
 * Replay of a corpus
 *
 * Stands in for libFuzzer in ordinary builds: feeds every file of a directory to the
 * harness, and for each file also every prefix up to PREFIXES_MAX bytes, since a parser that
 * bears a message must bear its beginning. Each input is copied to a block of exactly its
 * size, so that AddressSanitizer sees a read past its end.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

enum { FILE_BYTES_MAX = 1 << 20, PREFIXES_MAX = 4096, PATH_BYTES_MAX = 4096 };

static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int run_file(const char *path)
{
	static uint8_t data[FILE_BYTES_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	for (size_t prefix = 0; prefix < size && prefix < PREFIXES_MAX; prefix++)
		run_exact(data, prefix);
	run_exact(data, size);
	return 0;
}

static int run_directory(const char *name)
{
	DIR *directory = opendir(name);
	struct dirent *entry;
	int count = 0;
	int r = 0;

	if (!directory) {
		perror(name);
		return -1;
	}
	while (r == 0 && (entry = readdir(directory))) {
		char path[PATH_BYTES_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		r = run_file(path);
		count++;
	}
	closedir(directory);
	if (r == 0)
		printf("%d inputs replayed from %s\n", count, name);
	return count ? r : -1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	return run_directory(argv[1]) == 0 ? 0 : 1;
}
