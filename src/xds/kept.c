#include "xds/kept.h"

#include <assert.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/map.h"
#include "codec/pb.h"

#define HEAD_BYTES     12
#define CHECKSUM_BYTES 8
#define KEY_0          0x7765667420786473u
#define KEY_1          0x206b657074207631u

enum kept_field {
	KEPT_NODE_ID = 1,
	KEPT_SPIFFE_ID = 2,
	KEPT_REVISION = 3,
	KEPT_RESOURCE = 4,
};

enum resource_field {
	RESOURCE_TYPE_URL = 1,
	RESOURCE_NAME = 2,
	RESOURCE_VERSION = 3,
	RESOURCE_BYTES = 4,
};

static const struct str magic = STR_INIT("WEFTKEPT");

/*
 * Writing
 */

void kept_begin(struct buf *out, const struct kept_owner *owner, uint64_t revision)
{
	assert(buf_len(out) == 0);
	out->limit_bytes = KEPT_BYTES_MAX;
	buf_append_str(out, magic);
	pb_append_fixed32(out, KEPT_FORMAT);
	pb_write_bytes(out, KEPT_NODE_ID, owner->node_id);
	pb_write_bytes(out, KEPT_SPIFFE_ID, owner->spiffe_id);
	pb_write_varint(out, KEPT_REVISION, revision);
}

void kept_add(struct buf *out, const struct kept_resource *r)
{
	struct buf head = BUF_INIT(0);
	uint64_t len;

	assert(r->type < XDS_TYPE_COUNT && r->type != XDS_SECRET);
	if (out->overflowed)
		return;
	pb_write_bytes(&head, RESOURCE_TYPE_URL, xds_types[r->type].url);
	pb_write_bytes(&head, RESOURCE_NAME, r->name);
	pb_write_bytes(&head, RESOURCE_VERSION, r->version);
	len = buf_len(&head);
	if (r->bytes.len) {
		pb_append_varint(&head, RESOURCE_BYTES << 3 | PB_BYTES);
		pb_append_varint(&head, r->bytes.len);
		len = buf_len(&head) + r->bytes.len;
	}
	/* In pieces: the length is known, so that nothing large has to be shifted. */
	pb_append_varint(out, KEPT_RESOURCE << 3 | PB_BYTES);
	pb_append_varint(out, len);
	buf_append_str(out, buf_str(&head));
	buf_append_str(out, r->bytes);
	buf_fini(&head);
}

static uint64_t checksum(struct str s)
{
	return hash_bytes_keyed(s, KEY_0, KEY_1);
}

int kept_finish(struct buf *out)
{
	pb_append_fixed64(out, checksum(buf_str(out)));
	return out->overflowed ? ERR_LIMIT : 0;
}

/*
 * Reading
 */

static int resource_set(struct kept_resource *r, const struct pb_field *f)
{
	struct str *texts[] = {
		[RESOURCE_NAME] = &r->name,
		[RESOURCE_VERSION] = &r->version,
		[RESOURCE_BYTES] = &r->bytes,
	};

	if (f->wire != PB_BYTES)
		return ERR_CORRUPT;
	if (f->number == RESOURCE_TYPE_URL)
		r->type = xds_type_of(f->bytes);
	else if (f->number < array_count(texts))
		*texts[f->number] = f->bytes;
	else
		return ERR_CORRUPT;
	return 0;
}

static int resource_read(struct str bytes, struct kept_resource *ret_resource)
{
	struct kept_resource r = { .type = XDS_TYPE_COUNT };
	struct pb_cursor cursor = pb_cursor_of(bytes);
	enum pb_next next;
	struct pb_field f;

	while ((next = pb_next(&cursor, &f)) == PB_FIELD)
		if (resource_set(&r, &f) < 0)
			return ERR_CORRUPT;
	if (next == PB_MALFORMED || r.type == XDS_TYPE_COUNT || r.type == XDS_SECRET)
		return ERR_CORRUPT;
	if (!r.name.len || r.name.len > XDS_NAME_BYTES_MAX)
		return ERR_CORRUPT;
	*ret_resource = r;
	return 0;
}

/* What one field of the body adds; `seen` are the names of each type. */
static int field_take(struct kept *k, struct kept_owner *owner, struct map *seen,
		      const struct pb_field *f)
{
	struct kept_resource r;

	if (f->number == KEPT_REVISION && f->wire == PB_VARINT) {
		k->revision = f->value;
		return 0;
	}
	if (f->wire != PB_BYTES)
		return ERR_CORRUPT;
	if (f->number == KEPT_NODE_ID || f->number == KEPT_SPIFFE_ID) {
		*(f->number == KEPT_NODE_ID ? &owner->node_id : &owner->spiffe_id) = f->bytes;
		return 0;
	}
	if (f->number != KEPT_RESOURCE || resource_read(f->bytes, &r) < 0)
		return ERR_CORRUPT;
	if (++k->count > KEPT_RESOURCES_MAX || map_set(&seen[r.type], r.name, k))
		return ERR_CORRUPT;
	return 0;
}

static int body_check(struct kept *k, struct kept_owner *ret_owner)
{
	struct pb_cursor cursor = pb_cursor_of(k->body);
	struct map seen[XDS_TYPE_COUNT];
	enum pb_next next = PB_END;
	struct pb_field f;
	int r = 0;

	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		map_init(&seen[i]);
	while (r == 0 && (next = pb_next(&cursor, &f)) == PB_FIELD)
		r = field_take(k, ret_owner, seen, &f);
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		map_fini(&seen[i]);
	return next == PB_MALFORMED ? ERR_CORRUPT : r;
}

/* Format, length and checksum; *ret_body is what they enclose. */
static int envelope_check(struct str file, struct str *ret_body, struct diag *d)
{
	struct pb_cursor number;
	uint64_t value = 0;

	if (file.len < HEAD_BYTES || !str_has_prefix(file, magic))
		return diag_fail(d, ERR_CORRUPT, "it is not a file of kept resources");
	number = pb_cursor_of(str_slice(file, magic.len, HEAD_BYTES));
	(void)pb_read_fixed32(&number, &value);
	if (value != KEPT_FORMAT)
		return diag_fail(d, ERR_UNSUPPORTED, "its format is %u, and %u is known",
				 (unsigned)value, KEPT_FORMAT);
	if (file.len < HEAD_BYTES + CHECKSUM_BYTES || file.len > KEPT_BYTES_MAX)
		return diag_fail(d, ERR_CORRUPT, "its length is wrong");
	number = pb_cursor_of(str_slice(file, file.len - CHECKSUM_BYTES, file.len));
	(void)pb_read_fixed64(&number, &value);
	if (value != checksum(str_slice(file, 0, file.len - CHECKSUM_BYTES)))
		return diag_fail(d, ERR_CORRUPT, "its checksum is wrong: it is damaged or cut off");
	*ret_body = str_slice(file, HEAD_BYTES, file.len - CHECKSUM_BYTES);
	return 0;
}

static int owner_check(const struct kept_owner *found, const struct kept_owner *wanted,
		       struct diag *d)
{
	if (!str_eq(found->spiffe_id, wanted->spiffe_id))
		return diag_fail(d, ERR_CONFLICT, "it was kept for the identity \"%.*s\"",
				 STR_ARGS(found->spiffe_id));
	if (!str_eq(found->node_id, wanted->node_id))
		return diag_fail(d, ERR_CONFLICT, "it was kept for the node \"%.*s\"",
				 STR_ARGS(found->node_id));
	return 0;
}

int kept_open(struct str file, const struct kept_owner *owner, struct kept *ret_kept,
	      struct diag *d)
{
	struct kept_owner found = { 0 };
	struct kept k = { 0 };
	int r = envelope_check(file, &k.body, d);

	if (r < 0)
		return r;
	if (body_check(&k, &found) < 0)
		return diag_fail(d, ERR_CORRUPT, "its content does not parse");
	r = owner_check(&found, owner, d);
	if (r < 0)
		return r;
	*ret_kept = k;
	return 0;
}

bool kept_next(struct kept *k, struct kept_resource *ret_resource)
{
	struct pb_cursor cursor = pb_cursor_of(k->body);
	bool found = false;
	struct pb_field f;

	while (!found && pb_next(&cursor, &f) == PB_FIELD)
		found = f.number == KEPT_RESOURCE && resource_read(f.bytes, ret_resource) == 0;
	k->body = str_of((const char *)cursor.at, (size_t)(cursor.end - cursor.at));
	return found;
}
