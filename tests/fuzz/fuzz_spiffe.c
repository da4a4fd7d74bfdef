#include "fuzz.h"

/* A SPIFFE ID that is accepted is the sum of its parts, and its parts are valid by themselves. */

#include <assert.h>

#include "base/buf.h"
#include "message/spiffe.h"

static void check_workload(const struct spiffe_id *id)
{
	struct buf path = BUF_INIT(0);

	assert(id->account.len > 0);
	buf_printf(&path, "/ns/%.*s/sa/%.*s", STR_ARGS(id->name_space), STR_ARGS(id->account));
	assert(str_eq(buf_str(&path), id->path));
	buf_fini(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_of((const char *)data, size);
	struct buf again = BUF_INIT(0);
	struct spiffe_id id;

	if (spiffe_id_parse(text, &id) < 0)
		return 0;
	assert(size <= SPIFFE_ID_BYTES_MAX);
	assert(spiffe_trust_domain_valid(id.trust_domain));
	assert(id.path.len != 1);
	buf_printf(&again, "spiffe://%.*s%.*s", STR_ARGS(id.trust_domain), STR_ARGS(id.path));
	assert(str_eq(buf_str(&again), text));
	if (id.name_space.len > 0)
		check_workload(&id);
	else
		assert(id.account.len == 0);
	buf_fini(&again);
	return 0;
}
