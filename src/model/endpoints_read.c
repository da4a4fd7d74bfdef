/*
 * The short way to an endpoint set: each function reads one message and answers false as soon
 * as something is unusual.
 */

#include "codec/pb.h"
#include "model/endpoint_builder.h"

#define NAME_BYTES_MAX 4096

/* The fields of a message, one after the other. */
struct fields {
	struct pb_cursor c;
	struct pb_field field;
	uint32_t lists; /* bit per number that may come several times */
	uint32_t seen;
	bool odd;
};

static struct fields fields_of(struct str bytes, uint32_t lists)
{
	return (struct fields){ .c = pb_cursor_of(bytes), .lists = lists };
}

/* False at the end, and with `odd` set when the next one is unusual. */
static bool fields_next(struct fields *f)
{
	enum pb_next found = pb_next(&f->c, &f->field);
	uint32_t bit;

	if (found == PB_END)
		return false;
	f->odd = true;
	if (found == PB_MALFORMED || f->field.number > 31)
		return false;
	bit = 1u << f->field.number;
	if ((f->seen & bit) && !(f->lists & bit))
		return false;
	f->odd = false;
	f->seen |= bit;
	return true;
}

static bool has(const struct fields *f, uint32_t number)
{
	return f->seen & 1u << number;
}

static bool read_text(const struct fields *f, struct str *ret_text)
{
	*ret_text = f->field.bytes;
	return f->field.wire == PB_BYTES && f->field.bytes.len <= NAME_BYTES_MAX &&
	       str_find(f->field.bytes, 0, '\0') == f->field.bytes.len &&
	       str_is_utf8(f->field.bytes);
}

static bool skip_text(const struct fields *f)
{
	struct str text;

	return read_text(f, &text);
}

static bool read_number(const struct fields *f, uint64_t max, uint64_t *ret_number)
{
	*ret_number = f->field.value;
	return f->field.wire == PB_VARINT && f->field.value <= max;
}

/* A UInt32Value. */
static bool read_wrapped(const struct fields *f, uint64_t *ret_number)
{
	struct fields inner = fields_of(f->field.bytes, 0);

	if (f->field.wire != PB_BYTES)
		return false;
	*ret_number = 0;
	while (fields_next(&inner))
		if (inner.field.number != 1 || !read_number(&inner, UINT32_MAX, ret_number))
			return false;
	return !inner.odd;
}

static bool read_socket_address(struct str bytes, struct address *ret_address)
{
	struct fields f = fields_of(bytes, 0);
	struct str ip = STR_EMPTY;
	uint64_t port = 0, protocol = 0;

	while (fields_next(&f)) {
		bool good = false;

		switch (f.field.number) {
		case 1:
			good = read_number(&f, PB_SocketAddress_Protocol_TCP, &protocol);
			break;
		case 2:
			good = read_text(&f, &ip);
			break;
		case 3:
			good = read_number(&f, 65535, &port);
			break;
		}
		if (!good)
			return false;
	}
	return !f.odd && has(&f, 3) && address_from_ip(ip, (uint16_t)port, ret_address) == 0;
}

static bool read_pipe(struct str bytes, struct address *ret_address)
{
	struct fields f = fields_of(bytes, 0);
	struct str path = STR_EMPTY;

	while (fields_next(&f))
		if (f.field.number != 1 || !read_text(&f, &path))
			return false;
	return !f.odd && path.len > 0 && address_from_unix(path, ret_address) == 0;
}

static bool read_address(struct str bytes, struct address *ret_address)
{
	struct fields f = fields_of(bytes, 0);
	bool good = false;

	while (fields_next(&f)) {
		if (good || f.field.wire != PB_BYTES)
			return false; /* two addresses in one */
		if (f.field.number == 1)
			good = read_socket_address(f.field.bytes, ret_address);
		else if (f.field.number == 2)
			good = read_pipe(f.field.bytes, ret_address);
		if (!good)
			return false;
	}
	return !f.odd && good;
}

/* A Value that is a text. */
static bool read_value(const struct fields *f, struct str *ret_text)
{
	struct fields value = fields_of(f->field.bytes, 0);

	if (f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&value))
		if (value.field.number != 3 || !read_text(&value, ret_text))
			return false;
	return !value.odd && has(&value, 3);
}

/* An entry of a Struct; `e` is NULL when its facts are not for us. */
static bool read_fact(const struct fields *f, struct endpoint *e)
{
	struct fields entry = fields_of(f->field.bytes, 0);
	struct str key = STR_EMPTY, value = STR_EMPTY;

	if (f->field.number != 1 || f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&entry)) {
		bool good = entry.field.number == 1   ? read_text(&entry, &key)
			    : entry.field.number == 2 ? read_value(&entry, &value)
						      : false;

		if (!good)
			return false;
	}
	if (entry.odd || !has(&entry, 2))
		return false;
	for (size_t i = 0; e && i < ENDPOINT_FACT_COUNT; i++)
		if (str_eq(key, str_from(endpoint_fact_key(i))))
			*endpoint_fact(e, i) = value;
	return true;
}

/* A reader's entry of Metadata. Its key stands before its facts, or it is left to the long way. */
static bool read_reader(const struct fields *f, struct endpoint *e, bool *ours_seen)
{
	struct fields entry = fields_of(f->field.bytes, 0);
	struct str key = STR_EMPTY;

	if (f->field.number != 1 || f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&entry)) {
		struct fields list = fields_of(entry.field.bytes, 1u << 1);
		bool ours = str_eq(key, STR("weft.dev"));

		if (entry.field.number == 1) {
			if (has(&entry, 2) || !read_text(&entry, &key))
				return false;
			continue;
		}
		if (entry.field.number != 2 || entry.field.wire != PB_BYTES || (ours && *ours_seen))
			return false;
		*ours_seen = *ours_seen || ours;
		while (fields_next(&list))
			if (!read_fact(&list, ours ? e : NULL))
				return false;
		if (list.odd)
			return false;
	}
	return !entry.odd && has(&entry, 2);
}

static bool read_metadata(const struct fields *f, struct endpoint *e)
{
	struct fields readers = fields_of(f->field.bytes, 1u << 1);
	bool ours_seen = false;

	if (f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&readers))
		if (!read_reader(&readers, e, &ours_seen))
			return false;
	return !readers.odd;
}

static bool read_endpoint(struct str bytes, struct endpoint *e)
{
	struct fields f = fields_of(bytes, 0);

	while (fields_next(&f)) {
		bool good = false;

		switch (f.field.number) {
		case 1:
			good = f.field.wire == PB_BYTES && read_address(f.field.bytes, &e->address);
			break;
		case 3:
			good = read_text(&f, &e->hostname);
			break;
		case 5:
			good = skip_text(&f);
			break;
		}
		if (!good)
			return false;
	}
	return !f.odd && has(&f, 1);
}

static bool read_lb_endpoint(struct str bytes, struct endpoint *e)
{
	struct fields f = fields_of(bytes, 0);
	uint64_t number = 0;

	while (fields_next(&f)) {
		bool good = false;

		switch (f.field.number) {
		case 1:
			good = f.field.wire == PB_BYTES && read_endpoint(f.field.bytes, e);
			break;
		case 2:
			good = read_number(&f, INT32_MAX, &number) &&
			       endpoint_health_of((int64_t)number, &e->health);
			break;
		case 3:
			good = read_metadata(&f, e);
			break;
		case 4:
			good = read_wrapped(&f, &number) && number > 0;
			e->weight = (uint32_t)number;
			break;
		}
		if (!good)
			return false;
	}
	return !f.odd && has(&f, 1);
}

static bool skip_locality(const struct fields *f)
{
	struct fields names = fields_of(f->field.bytes, 0);

	if (f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&names))
		if (names.field.number > 3 || !skip_text(&names))
			return false;
	return !names.odd;
}

static bool read_locality(struct str bytes, struct endpoint_builder *b)
{
	struct fields f = fields_of(bytes, 1u << 2);
	uint32_t first = b->count;
	uint64_t priority = 0, weight;

	while (fields_next(&f)) {
		bool good = false;

		switch (f.field.number) {
		case 1:
			good = skip_locality(&f);
			break;
		case 2:
			good = f.field.wire == PB_BYTES && b->count < ENDPOINTS_MAX &&
			       read_lb_endpoint(f.field.bytes, endpoint_builder_add(b));
			break;
		case 3:
			good = read_wrapped(&f, &weight);
			break;
		case 5:
			good = read_number(&f, ENDPOINT_PRIORITY_MAX, &priority);
			break;
		case 9:
			good = read_metadata(&f, NULL);
			break;
		}
		if (!good)
			return false;
	}
	for (uint32_t i = first; i < b->count; i++)
		b->items[i].priority = (uint8_t)priority;
	return !f.odd;
}

static bool read_policy(const struct fields *f, struct endpoint_set *set)
{
	struct fields policy = fields_of(f->field.bytes, 0);
	uint64_t number = 0;

	if (f->field.wire != PB_BYTES)
		return false;
	while (fields_next(&policy)) {
		if (policy.field.number != 3 || !read_wrapped(&policy, &number) || number == 0)
			return false;
		set->overprovisioning_percent = (uint32_t)number;
	}
	return !policy.odd;
}

static bool read_assignment(struct str bytes, struct endpoint_builder *b, struct endpoint_set *set)
{
	struct fields f = fields_of(bytes, 1u << 2);
	uint32_t localities = 0;

	while (fields_next(&f)) {
		bool good = false;

		switch (f.field.number) {
		case 1:
			good = read_text(&f, &set->part.name);
			break;
		case 2:
			good = f.field.wire == PB_BYTES && localities++ < ENDPOINTS_MAX &&
			       read_locality(f.field.bytes, b);
			break;
		case 4:
			good = read_policy(&f, set);
			break;
		}
		if (!good)
			return false;
	}
	return !f.odd && set->part.name.len > 0;
}

int endpoints_read(struct compile *c, struct str bytes, struct endpoint_set *set)
{
	struct endpoint_builder b = { 0 };
	struct pb_message *m;
	int r;

	set->overprovisioning_percent = OVERPROVISIONING_ABSENT;
	if (read_assignment(bytes, &b, set)) {
		endpoint_builder_finish(&b, c, set);
		return 0;
	}
	endpoint_builder_fini(&b);
	r = pb_decode(&pb_ClusterLoadAssignment, bytes, c->scratch, &m, c->report, c->d);
	return r < 0 ? r : endpoints_compile(c, m, set);
}
