/*
 * Protobuf for the comparison with others' implementations
 *
 * Reads lines "decode NAME HEX" and "json NAME HEX" (bytes in binary, bytes of JSON text) and
 * answers each with "ok HEX HEX" (the canonical encoding, the JSON form) or "error CODE TEXT".
 * tests/checks/test_protobuf.py drives it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb_message.h"

static bool unhex(struct str hex, struct buf *out)
{
	for (size_t i = 0; i + 1 < hex.len; i += 2) {
		uint64_t byte;

		if (str_hex_to_u64(str_slice(hex, i, i + 2), 0xff, &byte) < 0)
			return false;
		buf_append_char(out, (char)byte);
	}
	return hex.len % 2 == 0;
}

static void print_hex(struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		printf("%02x", (unsigned char)bytes.ptr[i]);
}

static int read_json(const struct pb_desc *desc, struct str text, struct pool *pool,
		     struct pb_message **ret_message, struct diag *d)
{
	struct node *root;
	int error = json_parse(text, NULL, pool, &root, d);

	return error < 0 ? error : pb_from_node(desc, root, pool, ret_message, NULL, d);
}

static void print_message(const struct pb_message *m, struct pool *pool)
{
	struct buf out = BUF_INIT(0);

	pb_encode(m, &out);
	printf("ok ");
	print_hex(buf_str(&out));
	buf_clear(&out);
	json_write(pb_to_node(m, pool), &out);
	putchar(' ');
	print_hex(buf_str(&out));
	putchar('\n');
	buf_fini(&out);
}

static void print_failure(int error, const struct diag *d)
{
	struct buf out = BUF_INIT(0);

	diag_format(d, &out);
	printf("error %d %.*s\n", error, STR_ARGS(buf_str(&out)));
	buf_fini(&out);
}

static void answer(struct str verb, const struct pb_desc *desc, struct str bytes)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct pb_message *m;
	int error;

	if (str_eq(verb, STR("json")))
		error = read_json(desc, bytes, &pool, &m, &d);
	else
		error = pb_decode(desc, bytes, &pool, &m, NULL, &d);
	if (error < 0)
		print_failure(error, &d);
	else
		print_message(m, &pool);
	diag_fini(&d);
	pool_fini(&pool);
}

static void answer_line(struct str line)
{
	struct buf bytes = BUF_INIT(0);
	struct str verb, name, hex = STR_EMPTY;
	const struct pb_desc *desc = NULL;

	if (str_split(&line, ' ', &verb) && str_split(&line, ' ', &name)) {
		str_split(&line, ' ', &hex);
		desc = pb_desc_by_name(name);
	}
	if (!desc || !unhex(hex, &bytes))
		printf("error 0 cannot read this line\n");
	else
		answer(verb, desc, buf_str(&bytes));
	buf_fini(&bytes);
}

int main(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;

	while ((len = getline(&line, &capacity, stdin)) > 0) {
		answer_line(str_of(line, (size_t)len - (line[len - 1] == '\n')));
		fflush(stdout);
	}
	free(line);
	return 0;
}
