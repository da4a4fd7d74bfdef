#include "fixture.h"

#include "codec/node.h"
#include "codec/pb_message.h"

/* 0, or the code with the problem in d. */
static int encode(struct pool *pool, enum part_kind kind, const char *yaml, struct str *ret_bytes,
		  struct diag *d)
{
	const struct pb_desc *type = pb_desc_by_type_url(part_type_url(kind));
	struct node_documents documents;
	struct buf bytes = BUF_INIT(0);
	struct pb_message *m;
	int r;

	r = yaml_parse(str_from(yaml), NULL, pool, &documents, d);
	if (r < 0)
		return r;
	assert_int_equal(documents.count, 1);
	r = pb_from_node(type, documents.items[0], pool, &m, NULL, d);
	if (r < 0)
		return r;
	pb_encode(m, &bytes);
	*ret_bytes = pool_strdup(pool, buf_str(&bytes));
	buf_fini(&bytes);
	return 0;
}

static int compile(enum part_kind kind, const char *yaml, struct part **ret_part, struct diag *d)
{
	struct pool pool;
	struct str bytes;
	int r;

	pool_init(&pool, 0);
	r = encode(&pool, kind, yaml, &bytes, d);
	if (r == 0)
		r = part_compile(kind, bytes, STR("7"), ret_part, d);
	pool_fini(&pool);
	return r;
}

struct str encoded(struct pool *pool, enum part_kind kind, const char *yaml)
{
	struct diag d = DIAG_INIT;
	struct str bytes = STR_EMPTY;

	if (encode(pool, kind, yaml, &bytes, &d) < 0)
		fail_msg("%s: %s", d.path ? d.path : "", d.text);
	return bytes;
}

struct part *compiled(enum part_kind kind, const char *yaml)
{
	struct diag d = DIAG_INIT;
	struct part *p = NULL;

	if (compile(kind, yaml, &p, &d) < 0)
		fail_msg("%s: %s", d.path ? d.path : "", d.text);
	return p;
}

void check_refused(enum part_kind kind, const char *yaml, const char *problem, const char *file,
		   int line)
{
	struct diag d = DIAG_INIT;
	struct buf text = BUF_INIT(0);
	struct part *p = NULL;
	int r = compile(kind, yaml, &p, &d);

	d.at = (struct position){ 0 };
	if (r < 0)
		diag_format(&d, &text);
	if (!str_eq(buf_str(&text), str_from(problem))) {
		print_error("expected: %s\n     got: %.*s\n", problem, STR_ARGS(buf_str(&text)));
		_fail(file, line);
	}
	buf_fini(&text);
	diag_fini(&d);
	part_unref(p);
}

void check_all_refused(enum part_kind kind, const struct refusal *rows, size_t count,
		       const char *file, int line)
{
	for (size_t i = 0; i < count; i++)
		check_refused(kind, rows[i].yaml, rows[i].problem, file, line);
}
