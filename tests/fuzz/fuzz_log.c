#include "fuzz.h"

/*
 * Whatever the fields are, a log line is one line, and in JSON one object. Text that a peer
 * chose, passed through log_quote(), is one member and adds no other.
 */

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "codec/node.h"

#define LINE_BYTES_MAX 65536

static int line_fd = -1;

static struct str line_written(char *room)
{
	ssize_t n = pread(line_fd, room, LINE_BYTES_MAX, 0);

	assert(n > 0 && room[n - 1] == '\n');
	assert(memchr(room, '\n', (size_t)n) == room + n - 1);
	assert(ftruncate(line_fd, 0) == 0 && lseek(line_fd, 0, SEEK_SET) == 0);
	return str_of(room, (size_t)n - 1);
}

/* The members of the object; 0 where our reader is stricter than JSON: it bears no name twice
 * and no U+0000. */
static uint32_t member_count(struct str line)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *root = NULL;
	uint32_t count = 0;

	if (json_parse(line, NULL, &pool, &root, &d) == 0)
		count = root->count;
	else
		assert(strstr(d.text, "duplicate") || strstr(d.text, "U+0000"));
	diag_fini(&d);
	pool_fini(&pool);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char room[LINE_BYTES_MAX];
	char *fields = mem_strdup_str(str_of((const char *)data, size));

	if (line_fd < 0) {
		line_fd = memfd_create("log", MFD_CLOEXEC);
		log_set_fd(line_fd);
	}
	log_set_json(false);
	log_info("fuzz.fields", "%s", fields);
	line_written(room);

	log_set_json(true);
	log_info("fuzz.fields", "%s", fields);
	member_count(line_written(room));

	log_info("fuzz.quoted", "peer=%s n=1", log_quote(str_of((const char *)data, size)));
	assert(member_count(line_written(room)) == (memchr(data, 0, min_of(size, 256)) ? 0 : 5));
	mem_free(fields);
	return 0;
}
