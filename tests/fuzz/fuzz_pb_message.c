#include "fuzz.h"

/*
 * A line "b NAME" or "j NAME" (binary, JSON), then the message. Whatever is accepted encodes
 * canonically: what was encoded decodes, and encodes to the same bytes. Its JSON form is JSON
 * and is read again without harm. What is refused says why.
 */

#include <assert.h>

#include "codec/pb_message.h"

static int read_input(bool json, const struct pb_desc *desc, struct str input, struct pool *pool,
		      struct pb_message **ret_message, struct diag *d)
{
	struct pb_report report = { 0 };
	struct node *root;

	if (!json)
		return pb_decode(desc, input, pool, ret_message, &report, d);
	if (json_parse(input, NULL, pool, &root, d) < 0)
		return d->error;
	return pb_from_node(desc, root, pool, ret_message, &report, d);
}

static void check_binary(const struct pb_message *m, struct pool *pool)
{
	struct buf first = BUF_INIT(0);
	struct buf second = BUF_INIT(0);
	struct pb_message *again = NULL;
	struct diag d = DIAG_INIT;
	int error;

	pb_encode(m, &first);
	error = pb_decode(m->desc, buf_str(&first), pool, &again, NULL, &d);
	assert(error == 0);
	pb_encode(again, &second);
	assert(str_eq(buf_str(&first), buf_str(&second)));
	buf_fini(&first);
	buf_fini(&second);
	diag_fini(&d);
}

/* Secrets are not in the JSON form, nor what an Any of unknown type holds: no comparison. */
static void check_json(const struct pb_message *m, struct pool *pool)
{
	const struct node_limits limits = { .depth_max = 1000000, .nodes_max = 10000000 };
	struct buf text = BUF_INIT(0);
	struct node *root = NULL;
	struct pb_message *again;
	int error;

	json_write(pb_to_node(m, pool), &text);
	error = json_parse(buf_str(&text), &limits, pool, &root, NULL);
	/* A text with a NUL is fine in binary alone. */
	if (error == 0 && pb_from_node(m->desc, root, pool, &again, NULL, NULL) == 0)
		check_binary(again, pool);
	buf_fini(&text);
}

static void check(bool json, const struct pb_desc *desc, struct str input)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct pb_message *m = NULL;
	int error = read_input(json, desc, input, &pool, &m, &d);

	if (error < 0) {
		assert(d.error == error && d.text);
	} else {
		check_binary(m, &pool);
		check_json(m, &pool);
	}
	diag_fini(&d);
	pool_fini(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of((const char *)data, size);
	size_t end = str_find(input, 0, '\n');
	const struct pb_desc *desc = pb_desc_by_name(str_slice(input, 2, end));

	if (end >= 2 && end < size && desc)
		check(data[0] == 'j', desc, str_slice(input, end + 1, size));
	return 0;
}
