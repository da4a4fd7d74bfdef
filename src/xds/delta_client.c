#include "xds/delta_client.h"

#include <assert.h>

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb.h"
#include "xds/wire.h"

/* Names in one change of interest; the first request of a stream carries all. */
#define NAMES_PER_REQUEST     500
/* What a NACK says at most. */
#define DETAIL_BYTES          4096
#define DETAIL_RESOURCES      16
/* Answers that wait for a server that does not read them. */
#define REPLIES_BYTES_MAX     (1024 * 1024)

#define GRPC_INVALID_ARGUMENT 3

struct delta_name {
	bool wanted;   /* by name */
	bool sent;     /* the server knows it on this stream */
	bool refetch;  /* dropped and wanted again: the server must forget it first */
	char *version; /* held; NULL when none */
};

/* One response, taken apart; all slices point into the message. */
struct response {
	struct str system_version;
	struct str type_url;
	struct str nonce;
	struct str bytes;
};

static struct delta_name *name_find(const struct delta_client_type *t, struct str name)
{
	return map_get(&t->names, name);
}

static struct delta_name *name_obtain(struct delta_client_type *t, struct str name)
{
	struct delta_name *n = name_find(t, name);

	if (!n) {
		n = mem_new(struct delta_name);
		map_set(&t->names, name, n);
	}
	return n;
}

static void name_drop(struct delta_client_type *t, struct str name)
{
	struct delta_name *n = map_remove(&t->names, name);

	if (n)
		mem_free(n->version);
	mem_free(n);
}

static void name_set_version(struct delta_name *n, struct str version)
{
	mem_free(n->version);
	n->version = version.len ? mem_strdup_str(version) : NULL;
}

void delta_client_init(struct delta_client *c, struct str node,
		       const struct delta_client_callbacks *callbacks, void *user)
{
	*c = (struct delta_client){ .callbacks = callbacks, .user = user, .node = node };
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		map_init(&c->types[i].names);
		buf_init(&c->types[i].replies, 0);
	}
}

void delta_client_fini(struct delta_client *c)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		struct delta_client_type *t = &c->types[i];

		map_for_each (entry, &t->names)
			name_drop(t, entry->key);
		map_fini(&t->names);
		buf_fini(&t->replies);
	}
}

void delta_client_subscribe(struct delta_client *c, enum xds_type type, struct str name)
{
	struct delta_client_type *t = &c->types[type];
	struct delta_name *n = name_obtain(t, name);

	if (n->wanted)
		return;
	n->wanted = true;
	t->changes++;
}

void delta_client_unsubscribe(struct delta_client *c, enum xds_type type, struct str name)
{
	struct delta_client_type *t = &c->types[type];
	struct delta_name *n = name_find(t, name);

	if (!n || !n->wanted)
		return;
	n->wanted = false;
	t->changes++;
	if (t->wildcard)
		return;
	n->refetch = n->sent;
	name_set_version(n, STR_EMPTY);
}

void delta_client_subscribe_all(struct delta_client *c, enum xds_type type)
{
	struct delta_client_type *t = &c->types[type];

	if (t->wildcard)
		return;
	t->wildcard = true;
	t->changes++;
}

void delta_client_hold(struct delta_client *c, enum xds_type type, struct str name,
		       struct str version)
{
	struct delta_client_type *t = &c->types[type];
	struct delta_name *n = name_find(t, name);

	if (t->first_sent || !(t->wildcard || (n && n->wanted)) || (n && n->version))
		return;
	name_set_version(name_obtain(t, name), version);
}

struct str delta_client_held(const struct delta_client *c, enum xds_type type, struct str name)
{
	const struct delta_name *n = name_find(&c->types[type], name);

	return n ? str_from(n->version) : STR_EMPTY;
}

/* Over all types: what a walk costs. */
static inline size_t names_count(const struct delta_client *c)
{
	size_t count = 0;

	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		count += c->types[i].names.count;
	return count;
}

void delta_client_stream_opened(struct delta_client *c)
{
	assert(!c->stream_open);
	c->stream_open = true;
	c->node_sent = false;
}

void delta_client_stream_closed(struct delta_client *c)
{
	c->stream_open = false;
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		struct delta_client_type *t = &c->types[i];

		t->first_sent = t->wildcard_sent = false;
		buf_clear(&t->replies);
		map_for_each (entry, &t->names) {
			struct delta_name *n = entry->value;

			n->sent = n->refetch = false;
			if (!n->wanted && !n->version)
				name_drop(t, entry->key);
		}
	}
}

static void request_begin(struct delta_client *c, enum xds_type type, struct buf *out)
{
	buf_clear(out);
	if (!c->node_sent)
		pb_write_bytes(out, REQUEST_NODE, c->node);
	c->node_sent = true;
	pb_write_bytes(out, REQUEST_TYPE_URL, xds_types[type].url);
}

/* The first request of a type on a stream: all that is wanted, and what is held of it. */
static bool write_first(struct delta_client *c, enum xds_type type, struct buf *out)
{
	struct delta_client_type *t = &c->types[type];
	bool any = t->wildcard;

	map_for_each (entry, &t->names)
		any |= ((struct delta_name *)entry->value)->wanted;
	if (!any)
		return false;
	request_begin(c, type, out);
	any = false;
	map_for_each (entry, &t->names) {
		struct delta_name *n = entry->value;

		if (!n->wanted)
			continue;
		n->sent = any = true;
		pb_write_bytes(out, REQUEST_SUBSCRIBE, entry->key);
	}
	/* Only "all" is the empty request, which every server understands; "all, and these" needs
	 * the star. */
	if (t->wildcard && (any || !xds_types[type].wildcard_by_default))
		pb_write_bytes(out, REQUEST_SUBSCRIBE, STR("*"));
	map_for_each (entry, &t->names) {
		struct delta_name *n = entry->value;
		size_t mark;

		if (!n->version || !(n->wanted || t->wildcard))
			continue;
		mark = pb_begin(out, REQUEST_INITIAL_VERSIONS);
		pb_write_bytes(out, 1, entry->key);
		pb_write_bytes(out, 2, str_from(n->version));
		pb_finish(out, mark);
	}
	t->first_sent = true;
	t->wildcard_sent = t->wildcard;
	t->changes = 0;
	return true;
}

/* Ends interest: these go before new interest, so that a name dropped and wanted again is two
 * messages. */
static bool write_unsubscribe(struct delta_client *c, enum xds_type type, struct buf *out)
{
	struct delta_client_type *t = &c->types[type];
	unsigned count = 0;

	map_for_each (entry, &t->names) {
		struct delta_name *n = entry->value;

		if (count == NAMES_PER_REQUEST)
			break;
		if (n->sent && (!n->wanted || n->refetch)) {
			if (!count++)
				request_begin(c, type, out);
			pb_write_bytes(out, REQUEST_UNSUBSCRIBE, entry->key);
			n->sent = n->refetch = false;
		}
		if (!n->wanted && !n->version)
			name_drop(t, entry->key);
	}
	return count > 0;
}

/* "All" goes before a name is given up that it covers: the server then knows that what it sent
 * under the name is still held. */
static bool write_star(struct delta_client *c, enum xds_type type, struct buf *out)
{
	struct delta_client_type *t = &c->types[type];

	if (!t->wildcard || t->wildcard_sent)
		return false;
	request_begin(c, type, out);
	pb_write_bytes(out, REQUEST_SUBSCRIBE, STR("*"));
	t->wildcard_sent = true;
	return true;
}

static bool write_subscribe(struct delta_client *c, enum xds_type type, struct buf *out)
{
	struct delta_client_type *t = &c->types[type];
	unsigned count = 0;

	map_for_each (entry, &t->names) {
		struct delta_name *n = entry->value;

		if (count == NAMES_PER_REQUEST)
			break;
		if (!n->wanted || n->sent)
			continue;
		if (!count++)
			request_begin(c, type, out);
		pb_write_bytes(out, REQUEST_SUBSCRIBE, entry->key);
		n->sent = true;
	}
	return count > 0;
}

static bool write_reply(struct delta_client_type *t, struct buf *out)
{
	struct pb_cursor cursor = pb_cursor_of(buf_str(&t->replies));
	struct pb_field field;

	if (!buf_len(&t->replies))
		return false;
	if (pb_next(&cursor, &field) != PB_FIELD)
		assert(!"replies are written by this file");
	buf_clear(out);
	buf_append_str(out, field.bytes);
	buf_consume(&t->replies, (const char *)cursor.at - buf_str(&t->replies).ptr);
	return true;
}

bool delta_client_next(struct delta_client *c, struct buf *out)
{
	debug_check(names_count(c) * 4, delta_client_check(c));
	if (!c->stream_open)
		return false;
	for (unsigned type = 0; type < XDS_TYPE_COUNT; type++) {
		struct delta_client_type *t = &c->types[type];

		if (write_reply(t, out))
			return true;
		if (!t->first_sent) {
			if (write_first(c, type, out))
				return true;
			continue;
		}
		if (!t->changes)
			continue;
		if (write_star(c, type, out) || write_unsubscribe(c, type, out) ||
		    write_subscribe(c, type, out))
			return true;
		t->changes = 0;
	}
	return false;
}

static int response_parse(struct str message, struct response *ret_response)
{
	struct response r = { .bytes = message };
	struct pb_cursor cursor = pb_cursor_of(message);
	struct pb_field f;
	enum pb_next next;

	while ((next = pb_next(&cursor, &f)) == PB_FIELD) {
		if (f.wire != PB_BYTES)
			continue;
		if (f.number == RESPONSE_SYSTEM_VERSION)
			r.system_version = f.bytes;
		else if (f.number == RESPONSE_TYPE_URL)
			r.type_url = f.bytes;
		else if (f.number == RESPONSE_NONCE)
			r.nonce = f.bytes;
	}
	if (next == PB_MALFORMED)
		return ERR_PROTO;
	*ret_response = r;
	return 0;
}

/* ret_any_url is empty for a heartbeat, which carries no resource. */
static int resource_parse(struct str bytes, struct xds_resource *ret_resource,
			  struct str *ret_any_url)
{
	struct pb_cursor cursor = pb_cursor_of(bytes);
	struct pb_cursor any = { 0 };
	struct pb_field f;
	enum pb_next next;

	*ret_any_url = STR_EMPTY;
	while ((next = pb_next(&cursor, &f)) == PB_FIELD) {
		if (f.wire != PB_BYTES)
			continue;
		if (f.number == RESOURCE_VERSION)
			ret_resource->version = f.bytes;
		else if (f.number == RESOURCE_NAME)
			ret_resource->name = f.bytes;
		else if (f.number == RESOURCE_ANY)
			any = pb_cursor_of(f.bytes);
	}
	if (next == PB_MALFORMED)
		return ERR_PROTO;
	while ((next = pb_next(&any, &f)) == PB_FIELD) {
		if (f.number == ANY_TYPE_URL && f.wire == PB_BYTES)
			*ret_any_url = f.bytes;
		else if (f.number == ANY_VALUE && f.wire == PB_BYTES)
			ret_resource->bytes = f.bytes;
	}
	return next == PB_MALFORMED ? ERR_PROTO : 0;
}

/* The name that stands in field `f` of a response, resource or removal; empty for others. */
static int field_name(const struct pb_field *f, enum xds_type type, struct str *ret_name,
		      struct diag *d)
{
	struct xds_resource r = { .type = type };
	struct str url;

	*ret_name = STR_EMPTY;
	if (f->wire != PB_BYTES)
		return 0;
	if (f->number == RESPONSE_REMOVED)
		*ret_name = f->bytes;
	if (f->number != RESPONSE_RESOURCES)
		return 0;
	if (resource_parse(f->bytes, &r, &url) < 0)
		return diag_fail(d, ERR_PROTO, "a resource does not parse");
	if (!r.name.len || r.name.len > XDS_NAME_BYTES_MAX)
		return diag_fail(d, ERR_PROTO, "a resource has no name, or one that is too long");
	if (url.len && !str_eq(url, xds_types[type].url))
		return diag_fail(d, ERR_PROTO, "%.*s: is a %.*s in a response of %s",
				 STR_ARGS(r.name), STR_ARGS(url), xds_types[type].short_name);
	*ret_name = r.name;
	return 0;
}

/* What makes the whole response unusable: types that do not agree, a name that stands twice. */
static int envelope_check(const struct response *response, enum xds_type type, struct diag *d)
{
	struct pb_cursor cursor = pb_cursor_of(response->bytes);
	struct map seen;
	struct pb_field f;
	struct str name;
	int r = 0;

	map_init(&seen);
	while (r == 0 && pb_next(&cursor, &f) == PB_FIELD) {
		r = field_name(&f, type, &name, d);
		if (r == 0 && name.len && map_set(&seen, name, &seen))
			r = diag_fail(d, ERR_PROTO, "%.*s: stands twice in one response",
				      STR_ARGS(name));
	}
	map_fini(&seen);
	return r;
}

static void detail_add(struct buf *detail, unsigned count, struct str name, const struct diag *d)
{
	if (count > DETAIL_RESOURCES)
		return;
	buf_printf(detail, "%s%.*s: %s%s%s", count > 1 ? "\n" : "", STR_ARGS(name),
		   d->path ? d->path : "", d->path ? ": " : "",
		   d->text ? d->text : err_text(d->error));
}

/* Or is it the answer to interest that has ended since? A name that was given up for "all" is
 * still held: the server hears of "all" first. */
static bool is_asked_for(const struct delta_client_type *t, const struct delta_name *n)
{
	if (t->wildcard_sent)
		return true;
	return n && n->sent && !n->refetch && (n->wanted || t->wildcard);
}

/* Returns true when the resource was refused; its reason is in *d. */
static bool resource_take(struct delta_client *c, struct xds_resource *resource, struct diag *d)
{
	struct delta_client_type *t = &c->types[resource->type];
	struct delta_name *n = name_find(t, resource->name);

	if (!is_asked_for(t, n))
		return false;
	c->stats.resources++;
	if (n && n->version && str_eq(str_from(n->version), resource->version)) {
		c->stats.unchanged++;
		return false;
	}
	if (c->callbacks->on_resource(c->user, resource, d) < 0)
		return true;
	name_set_version(name_obtain(t, resource->name), resource->version);
	return false;
}

static void removal_take(struct delta_client *c, enum xds_type type, struct str name)
{
	struct delta_client_type *t = &c->types[type];
	struct delta_name *n = name_find(t, name);

	if (!n)
		return;
	name_set_version(n, STR_EMPTY);
	if (c->callbacks->on_removed)
		c->callbacks->on_removed(c->user, type, name);
	if (!n->wanted && !n->sent)
		name_drop(t, name);
}

/* Gives every resource and removal to the callbacks; returns the number refused. */
static unsigned response_apply(struct delta_client *c, enum xds_type type,
			       const struct response *response, struct buf *detail)
{
	struct pb_cursor cursor = pb_cursor_of(response->bytes);
	struct pb_field f;
	unsigned refused = 0;

	while (pb_next(&cursor, &f) == PB_FIELD) {
		struct xds_resource resource = { .type = type };
		struct diag d = DIAG_INIT;
		struct str url;

		if (f.number == RESPONSE_REMOVED && f.wire == PB_BYTES)
			removal_take(c, type, f.bytes);
		if (f.number != RESPONSE_RESOURCES || f.wire != PB_BYTES)
			continue;
		if (resource_parse(f.bytes, &resource, &url) < 0 || !url.len)
			continue; /* a heartbeat: it has a version and no body */
		if (resource_take(c, &resource, &d))
			detail_add(detail, ++refused, resource.name, &d);
		diag_fini(&d);
	}
	if (refused > DETAIL_RESOURCES)
		buf_printf(detail, "\nand %u more", refused - DETAIL_RESOURCES);
	if (c->callbacks->on_commit)
		c->callbacks->on_commit(c->user, type, response->system_version);
	return refused;
}

static void reply_queue(struct delta_client *c, enum xds_type type, struct str nonce,
			struct str detail)
{
	struct delta_client_type *t = &c->types[type];
	size_t mark = pb_begin(&t->replies, 1);
	size_t status;

	pb_write_bytes(&t->replies, REQUEST_TYPE_URL, xds_types[type].url);
	pb_write_bytes(&t->replies, REQUEST_NONCE, nonce);
	if (detail.len) {
		status = pb_begin(&t->replies, REQUEST_ERROR_DETAIL);
		pb_write_varint(&t->replies, STATUS_CODE, GRPC_INVALID_ARGUMENT);
		pb_write_bytes(&t->replies, STATUS_MESSAGE, detail);
		pb_finish(&t->replies, status);
		c->stats.nacks++;
	} else {
		c->stats.acks++;
	}
	pb_finish(&t->replies, mark);
}

int delta_client_receive(struct delta_client *c, struct str message)
{
	struct buf detail = BUF_INIT(DETAIL_BYTES);
	struct diag d = DIAG_INIT;
	struct response response = { 0 };
	enum xds_type type;
	int r;

	r = response_parse(message, &response);
	if (r < 0)
		return r;
	c->stats.responses++;
	type = xds_type_of(response.type_url);
	if (type == XDS_TYPE_COUNT || !c->types[type].first_sent)
		return 0; /* of a type that was not asked for: other types share the stream */
	if (buf_len(&c->types[type].replies) > REPLIES_BYTES_MAX)
		return ERR_LIMIT;
	if (envelope_check(&response, type, &d) < 0)
		buf_append_str(&detail, str_from(d.text));
	else if (response_apply(c, type, &response, &detail) && !buf_len(&detail))
		buf_append_str(&detail, STR("refused"));
	reply_queue(c, type, response.nonce, buf_str(&detail));
	diag_fini(&d);
	buf_fini(&detail);
	return 0;
}

/*
 * Looking inside
 */

void delta_client_check(const struct delta_client *c)
{
	assert(c->callbacks);
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		const struct delta_client_type *t = &c->types[i];

		map_check(&t->names);
		assert(!t->wildcard_sent || t->wildcard);
		assert(!t->first_sent || c->stream_open);
		map_for_each (entry, &t->names) {
			const struct delta_name *n = entry->value;

			assert(!n->sent || c->stream_open);
			assert(!n->version || n->version[0]);
		}
	}
}

void delta_client_dump(const struct delta_client *c, struct dump *d)
{
	dump_line(d, "xds");
	dump_number(d, "responses", c->stats.responses);
	dump_number(d, "acks", c->stats.acks);
	dump_number(d, "nacks", c->stats.nacks);
	dump_flag(d, "stream_open", c->stream_open);
	dump_enter(d);
	for (unsigned i = 0; i < XDS_TYPE_COUNT && !dump_is_full(d); i++) {
		const struct delta_client_type *t = &c->types[i];

		if (!t->names.count && !t->wildcard)
			continue;
		dump_line(d, xds_types[i].short_name);
		dump_number(d, "names", t->names.count);
		dump_number(d, "changes", t->changes);
		dump_number(d, "replies", buf_len(&t->replies));
		dump_flag(d, "all", t->wildcard);
		dump_enter(d);
		map_for_each (entry, &t->names) {
			const struct delta_name *n = entry->value;

			if (dump_is_full(d))
				break;
			dump_line(d, "name");
			dump_str(d, "is", entry->key);
			dump_word(d, "version", n->version ? n->version : "none");
			dump_flag(d, "wanted", n->wanted);
			dump_flag(d, "sent", n->sent);
			dump_flag(d, "refetch", n->refetch);
		}
		dump_leave(d);
	}
	dump_leave(d);
}
