#include "fixture.h"

int fixture_read(struct fixture *f, const char *text)
{
	struct document_options options = { .file = "a.yaml" };

	return documents_parse(str_from(text), &options, &f->pool, &f->documents, &f->diag);
}

void fixture_fini(struct fixture *f)
{
	diag_fini(&f->diag);
	pool_fini(&f->pool);
	f->documents = (struct documents){ 0 };
}

struct document *fixture_one(struct fixture *f, const char *text)
{
	if (fixture_read(f, text) < 0) {
		struct buf out = BUF_INIT(0);

		diag_format(&f->diag, &out);
		print_error("%.*s\n", STR_ARGS(buf_str(&out)));
		buf_fini(&out);
		fail();
	}
	assert_true(f->documents.count > 0);
	return f->documents.items[f->documents.count - 1];
}

void assert_refused(const char *text, int error, const char *message)
{
	struct fixture f = { 0 };
	struct buf out = BUF_INIT(0);
	int code = fixture_read(&f, text);

	diag_format(&f.diag, &out);
	assert_str_equal(buf_str(&out), message);
	assert_int_equal(code, error);
	buf_fini(&out);
	fixture_fini(&f);
}
