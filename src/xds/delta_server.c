#include "xds/delta_server.h"

#include <assert.h>

#include "base/error.h"
#include "base/mem.h"
#include "codec/pb.h"
#include "xds/wire.h"

#define NAMES_MAX_DEFAULT 100000

/* What is known of one name of one type on one stream. */
struct delta_entry {
	struct list in_dirty;
	struct interest interest;
	enum xds_type type;
	struct str name; /* the key of the map */
	bool named;      /* subscribed by name */
	bool by_all;     /* covered by "all" */
	bool listed;     /* while "all" is listed: it is still part of it */
	bool warm;       /* a cluster whose endpoints are not waited for (any more) */
	bool force;      /* must be answered whatever the client has */
	bool alone;      /* in a response of its own, to learn whether it is the culprit */
	bool told_absent;
	char *held;       /* version that the client acknowledged or came with */
	char *flying;     /* version sent and not answered yet */
	char *parked;     /* version that the client refused */
	uint64_t born;    /* the last nonce when it came to be */
	uint64_t nonce;   /* of the last response that carried it */
	uint64_t gone_to; /* what was sent up to this nonce was taken away since */
	uint64_t left_to; /* after this nonce it was left, and wanted again since */
	uint32_t carried; /* by so many responses that were not answered yet */
	bool unsure;      /* the client may have kept something from before it left */
};

/* A response without an answer: what it carried. */
struct delta_response {
	struct list in_flight;
	uint64_t nonce;
	size_t count;
	struct {
		char *name;
		char *version;
	} * items;
};

/* Collects one response while it is written. */
struct batch {
	struct delta_stream *stream;
	enum xds_type type;
	struct buf *out;
	struct delta_response *response;
	size_t removed_count;
};

static void text_set(char **text, struct str value)
{
	mem_free(*text);
	*text = value.len ? mem_strdup_str(value) : NULL;
}

static bool text_is(const char *text, struct str value)
{
	return text && str_eq(str_from(text), value);
}

void delta_stream_init(struct delta_stream *s, const struct delta_source *source, void *user)
{
	*s = (struct delta_stream){ .source = source, .user = user };
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		map_init(&s->types[i].names);
		list_init(&s->types[i].dirty);
		list_init(&s->types[i].in_flight);
	}
}

static void response_free(struct delta_response *r)
{
	list_remove(&r->in_flight);
	for (size_t i = 0; i < r->count; i++) {
		mem_free(r->items[i].name);
		mem_free(r->items[i].version);
	}
	mem_free(r->items);
	mem_free(r);
}

static void entry_clean(struct delta_stream_type *t, struct delta_entry *e)
{
	if (list_is_linked(&e->in_dirty)) {
		list_remove(&e->in_dirty);
		t->dirty_count--;
	}
}

static void entry_unpark(struct delta_stream_type *t, struct delta_entry *e)
{
	if (!e->parked)
		return;
	e->parked = mem_free(e->parked);
	t->parked_count--;
}

static void entry_drop(struct delta_stream_type *t, struct delta_entry *e)
{
	struct interests *interests = e->interest.stream->interests;

	entry_clean(t, e);
	entry_unpark(t, e);
	if (interests)
		interest_end(interests, e->type, e->name, &e->interest);
	mem_free(e->held);
	mem_free(e->flying);
	map_remove(&t->names, e->name);
	mem_free(e);
}

void delta_stream_fini(struct delta_stream *s)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		struct delta_stream_type *t = &s->types[i];

		if (!t->names.in_order.next)
			continue;
		map_for_each (entry, &t->names)
			entry_drop(t, entry->value);
		map_fini(&t->names);
		list_for_each_safe (node, &t->in_flight)
			response_free(container_of(node, struct delta_response, in_flight));
	}
}

static struct delta_entry *entry_find(const struct delta_stream_type *t, struct str name)
{
	return map_get(&t->names, name);
}

static struct delta_entry *entry_obtain(struct delta_stream *s, enum xds_type type, struct str name)
{
	struct delta_stream_type *t = &s->types[type];
	struct delta_entry *e = entry_find(t, name);

	if (e)
		return e;
	e = mem_new(struct delta_entry);
	e->born = s->nonce_last;
	map_set(&t->names, name, e);
	e->name = container_of(t->names.in_order.prev, struct map_entry, in_order)->key;
	e->type = type;
	e->interest.stream = s;
	if (s->interests)
		interest_begin(s->interests, type, e->name, &e->interest);
	return e;
}

static void entry_mark(struct delta_stream_type *t, struct delta_entry *e)
{
	if (list_is_linked(&e->in_dirty))
		return;
	list_push_back(&t->dirty, &e->in_dirty);
	t->dirty_count++;
}

static bool entry_wanted(const struct delta_entry *e)
{
	return e->named || e->by_all;
}

void delta_stream_offer(struct delta_stream *s, enum xds_type type, struct str name)
{
	struct delta_entry *e = entry_obtain(s, type, name);

	e->listed = true;
	if (e->by_all)
		return;
	e->by_all = true;
	entry_mark(&s->types[type], e);
}

void delta_stream_relist(struct delta_stream *s, enum xds_type type)
{
	struct delta_stream_type *t = &s->types[type];

	t->list_stale = t->wildcard;
}

/* Asks what "all" means; what it means no longer is taken from the client. */
static void list_again(struct delta_stream *s, enum xds_type type)
{
	struct delta_stream_type *t = &s->types[type];

	if (!t->list_stale)
		return;
	t->list_stale = false;
	map_for_each (entry, &t->names)
		((struct delta_entry *)entry->value)->listed = false;
	if (s->source->on_list)
		s->source->on_list(s, type);
	map_for_each (entry, &t->names) {
		struct delta_entry *e = entry->value;

		if (!e->by_all || e->listed)
			continue;
		e->by_all = false;
		if (!e->named)
			entry_mark(t, e);
	}
}

bool delta_stream_wants(const struct delta_stream *s, enum xds_type type, struct str name)
{
	const struct delta_entry *e = entry_find(&s->types[type], name);

	return e && entry_wanted(e);
}

void delta_stream_changed(struct delta_stream *s, enum xds_type type, struct str name)
{
	struct delta_stream_type *t = &s->types[type];
	struct delta_entry *e = entry_find(t, name);

	if (type == XDS_LISTENER || type == XDS_ROUTES)
		delta_stream_relist(s, XDS_CLUSTER);
	if (e && entry_wanted(e))
		entry_mark(t, e);
}

/* Interest begins anew: it is open what the client has of what was sent before. */
static void entry_forget(struct delta_stream *s, struct delta_entry *e)
{
	e->left_to = s->nonce_last;
	text_set(&e->held, STR_EMPTY);
	text_set(&e->flying, STR_EMPTY);
}

/* The entry of a name that the client sent. */
static int entry_of_client(struct delta_stream *s, enum xds_type type, struct str name,
			   struct delta_entry **ret_entry, struct diag *d)
{
	const struct delta_stream_type *t = &s->types[type];
	size_t names_max = s->names_max ? s->names_max : NAMES_MAX_DEFAULT;

	if (!name.len || name.len > XDS_NAME_BYTES_MAX)
		return diag_fail(d, ERR_PROTO, "a name is empty or longer than %d bytes",
				 XDS_NAME_BYTES_MAX);
	if (t->names.count >= names_max && !entry_find(t, name))
		return diag_fail(d, ERR_LIMIT, "more than %zu names of %s", names_max,
				 xds_types[type].short_name);
	*ret_entry = entry_obtain(s, type, name);
	return 0;
}

static void follow_all(struct delta_stream *s, enum xds_type type)
{
	struct delta_stream_type *t = &s->types[type];

	t->wildcard = true;
	t->list_stale = true;
	/* What was sent under a name that was given up since may be kept under "all"; if it is no
	 * part of that, it is taken away when "all" is listed. */
	map_for_each (entry, &t->names) {
		struct delta_entry *e = entry->value;

		if (entry_wanted(e))
			continue;
		e->by_all = true;
		entry_mark(t, e);
	}
}

static int subscribe(struct delta_stream *s, enum xds_type type, struct str name, struct diag *d)
{
	struct delta_entry *e = NULL;
	int r;

	if (str_eq(name, STR("*"))) {
		follow_all(s, type);
		return 0;
	}
	r = entry_of_client(s, type, name, &e, d);
	if (r < 0)
		return r;
	if (!entry_wanted(e))
		entry_forget(s, e);
	e->force = true;
	e->named = true;
	entry_mark(&s->types[type], e);
	return 0;
}

/* Nobody wants it any more; while it is on its way it is remembered until the answer. */
static void entry_leave(struct delta_stream_type *t, struct delta_entry *e)
{
	if (!e->carried) {
		entry_drop(t, e);
		return;
	}
	entry_clean(t, e);
	entry_unpark(t, e);
	e->force = e->alone = false;
}

static void unsubscribe_all(struct delta_stream_type *t)
{
	t->wildcard = t->list_stale = false;
	map_for_each (entry, &t->names) {
		struct delta_entry *e = entry->value;

		e->by_all = false;
		if (!e->named)
			entry_leave(t, e);
	}
}

static void unsubscribe(struct delta_stream *s, enum xds_type type, struct str name)
{
	struct delta_stream_type *t = &s->types[type];
	struct delta_entry *e = entry_find(t, name);

	if (str_eq(name, STR("*"))) {
		unsubscribe_all(t);
		return;
	}
	if (!e || !e->named)
		return;
	e->named = false;
	if (!t->wildcard) {
		entry_leave(t, e);
		return;
	}
	/* Still covered by "all", or not: the client cannot know, so it is told. */
	e->force = true;
	entry_mark(t, e);
}

static int initial_version(struct delta_stream *s, enum xds_type type, struct str pair,
			   struct diag *d)
{
	struct delta_stream_type *t = &s->types[type];
	struct pb_cursor cursor = pb_cursor_of(pair);
	struct str name = STR_EMPTY, version = STR_EMPTY;
	struct delta_entry *e = NULL;
	struct pb_field f;
	int r;

	while (pb_next(&cursor, &f) == PB_FIELD) {
		if (f.number == 1 && f.wire == PB_BYTES)
			name = f.bytes;
		else if (f.number == 2 && f.wire == PB_BYTES)
			version = f.bytes;
	}
	if (!version.len)
		return 0; /* it holds nothing of that name */
	r = entry_of_client(s, type, name, &e, d);
	if (r < 0)
		return r;
	text_set(&e->held, version);
	/* What the client holds need not be sent again, only looked at; what it holds and does
	 * not want (no "all", no name) must be taken from it. */
	e->force = false;
	entry_mark(t, e);
	return 0;
}

/* The entry that an answer speaks of, unless the client has lost it or left it since. */
static struct delta_entry *entry_answered(struct delta_stream_type *t,
					  const struct delta_response *r, size_t item)
{
	struct delta_entry *e = entry_find(t, str_from(r->items[item].name));

	if (!e || r->nonce <= e->born)
		return NULL;
	assert(e->carried > 0);
	e->carried--;
	/* One that is still to be taken from the client stays until it is. */
	if (!entry_wanted(e) && !list_is_linked(&e->in_dirty)) {
		if (!e->carried)
			entry_drop(t, e);
		return NULL;
	}
	if (r->nonce <= e->gone_to)
		return NULL;
	e->unsure |= r->nonce <= e->left_to;
	return r->nonce > e->left_to ? e : NULL;
}

/* Nothing of it is on its way any more, unless it was sent again since. */
static void entry_landed(struct delta_entry *e, const struct delta_response *r)
{
	if (e->nonce == r->nonce)
		text_set(&e->flying, STR_EMPTY);
}

static void answer_accepted(struct delta_stream *s, enum xds_type type, struct delta_response *r)
{
	struct delta_stream_type *t = &s->types[type];

	for (size_t i = 0; i < r->count; i++) {
		struct str version = str_from(r->items[i].version);
		struct delta_entry *e = entry_answered(t, r, i);

		if (!e)
			continue;
		text_set(&e->held, version);
		entry_landed(e, r);
		entry_unpark(t, e);
		e->alone = false;
		if (s->source->on_answer)
			s->source->on_answer(s, type, e->name, version, true, STR_EMPTY);
	}
}

/* Several were refused as one: which of them is to blame shows when each goes alone. */
static void take_apart(struct delta_stream_type *t, struct delta_entry *e,
		       const struct delta_response *r)
{
	if (e->nonce != r->nonce)
		return; /* newer content is on its way */
	e->alone = e->force = true;
	entry_mark(t, e);
}

static void answer_refused(struct delta_stream *s, enum xds_type type, struct delta_response *r,
			   struct str reason)
{
	struct delta_stream_type *t = &s->types[type];

	for (size_t i = 0; i < r->count; i++) {
		struct str version = str_from(r->items[i].version);
		struct delta_entry *e = entry_answered(t, r, i);

		if (!e)
			continue;
		entry_landed(e, r);
		if (r->count > 1) {
			take_apart(t, e, r);
			continue;
		}
		entry_unpark(t, e);
		text_set(&e->parked, version);
		t->parked_count++;
		e->alone = false;
		if (s->source->on_answer)
			s->source->on_answer(s, type, e->name, version, false, reason);
	}
}

static struct str status_message(struct str status)
{
	struct pb_cursor cursor = pb_cursor_of(status);
	struct pb_field f;

	while (pb_next(&cursor, &f) == PB_FIELD)
		if (f.number == STATUS_MESSAGE && f.wire == PB_BYTES)
			return f.bytes;
	return STR("refused without a reason");
}

static void answer_take(struct delta_stream *s, enum xds_type type, struct str nonce, bool refused,
			struct str status)
{
	struct delta_stream_type *t = &s->types[type];
	uint64_t number;

	if (str_to_u64(nonce, UINT64_MAX, &number) < 0)
		return;
	list_for_each_safe (node, &t->in_flight) {
		struct delta_response *r = container_of(node, struct delta_response, in_flight);

		if (r->nonce != number)
			continue;
		if (refused)
			answer_refused(s, type, r, status_message(status));
		else
			answer_accepted(s, type, r);
		response_free(r);
		t->in_flight_count--;
		return;
	}
}

/* The fields of a request that stand alone; repeated ones are walked again where they matter. */
struct request {
	struct str bytes;
	struct str node;
	struct str type_url;
	struct str nonce;
	struct str status;
	bool refused;
	bool names_any; /* a subscribe stands in it */
};

static int request_parse(struct str message, struct request *ret_request, struct diag *d)
{
	struct request r = { .bytes = message };
	struct pb_cursor cursor = pb_cursor_of(message);
	struct pb_field f;
	enum pb_next next;

	while ((next = pb_next(&cursor, &f)) == PB_FIELD) {
		if (f.wire != PB_BYTES)
			continue;
		if (f.number == REQUEST_NODE)
			r.node = f.bytes;
		else if (f.number == REQUEST_TYPE_URL)
			r.type_url = f.bytes;
		else if (f.number == REQUEST_NONCE)
			r.nonce = f.bytes;
		else if (f.number == REQUEST_SUBSCRIBE)
			r.names_any = true;
		if (f.number == REQUEST_ERROR_DETAIL) {
			r.status = f.bytes;
			r.refused = true;
		}
	}
	if (next == PB_MALFORMED)
		return diag_fail(d, ERR_PROTO, "the request does not parse");
	*ret_request = r;
	return 0;
}

/* Subscribes first, then unsubscribes, then the versions that the client holds. */
static int interest_take(struct delta_stream *s, enum xds_type type, const struct request *request,
			 struct diag *d)
{
	static const uint32_t order[] = { REQUEST_SUBSCRIBE, REQUEST_UNSUBSCRIBE,
					  REQUEST_INITIAL_VERSIONS };
	bool first = !s->types[type].asked;
	struct pb_field f;
	int r;

	s->types[type].asked = true;
	if (first && !request->names_any && xds_types[type].wildcard_by_default) {
		r = subscribe(s, type, STR("*"), d);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < array_count(order); i++) {
		struct pb_cursor cursor = pb_cursor_of(request->bytes);

		while (pb_next(&cursor, &f) == PB_FIELD) {
			if (f.number != order[i] || f.wire != PB_BYTES)
				continue;
			r = 0;
			if (f.number == REQUEST_SUBSCRIBE)
				r = subscribe(s, type, f.bytes, d);
			else if (f.number == REQUEST_UNSUBSCRIBE)
				unsubscribe(s, type, f.bytes);
			else if (first)
				r = initial_version(s, type, f.bytes, d);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int delta_stream_receive(struct delta_stream *s, struct str message, struct diag *d)
{
	struct request request = { 0 };
	enum xds_type type;
	int r;

	r = request_parse(message, &request, d);
	if (r < 0)
		return r;
	if (!s->node_seen) {
		if (!request.node.len)
			return diag_fail(d, ERR_PROTO, "the first request carries no node");
		r = s->source->on_node(s, request.node, d);
		if (r < 0)
			return r;
		s->node_seen = true;
	}
	type = xds_type_of(request.type_url);
	if (type == XDS_TYPE_COUNT)
		return 0; /* unknown types are not answered: other types share the stream */
	if (request.nonce.len)
		answer_take(s, type, request.nonce, request.refused, request.status);
	return interest_take(s, type, &request, d);
}

/* The response begins with its first entry. */
static void batch_begin(struct batch *b)
{
	struct delta_stream *s = b->stream;
	char text[24];
	int len;

	if (b->response)
		return;
	b->response = mem_new(struct delta_response);
	b->response->nonce = ++s->nonce_last;
	buf_clear(b->out);
	s->revision_sent = s->source->revision(s);
	len = snprintf(text, sizeof(text), "%llu", (unsigned long long)s->revision_sent);
	pb_write_bytes(b->out, RESPONSE_SYSTEM_VERSION, str_of(text, (size_t)len));
	pb_write_bytes(b->out, RESPONSE_TYPE_URL, xds_types[b->type].url);
	len = snprintf(text, sizeof(text), "%llu", (unsigned long long)b->response->nonce);
	pb_write_bytes(b->out, RESPONSE_NONCE, str_of(text, (size_t)len));
}

static void batch_add(struct batch *b, struct delta_entry *e, const struct delta_content *content)
{
	struct delta_response *r;
	size_t mark;

	batch_begin(b);
	mark = pb_begin(b->out, RESPONSE_RESOURCES);
	pb_write_bytes(b->out, RESOURCE_VERSION, content->version);
	pb_write_bytes(b->out, RESOURCE_ANY, content->any);
	pb_write_bytes(b->out, RESOURCE_NAME, e->name);
	pb_finish(b->out, mark);

	r = b->response;
	if ((r->count & (r->count - 1)) == 0)
		r->items = mem_realloc(r->items, (r->count ? r->count * 2 : 1) * sizeof(*r->items));
	r->items[r->count].name = mem_strdup_str(e->name);
	r->items[r->count++].version = mem_strdup_str(content->version);
}

static void batch_remove(struct batch *b, struct str name)
{
	batch_begin(b);
	pb_write_bytes(b->out, RESPONSE_REMOVED, name);
	b->removed_count++;
}

/* Envoy warms a changed cluster only with an endpoint response that follows it. */
static void endpoints_follow(struct delta_stream *s, enum xds_type type, struct str name)
{
	struct delta_stream_type *t = &s->types[XDS_ENDPOINTS];
	struct delta_entry *e = NULL;

	if (type != XDS_CLUSTER || s->eds_cache)
		return;
	e = entry_find(t, name);
	if (!e || !entry_wanted(e))
		return;
	e->force = true;
	entry_mark(t, e);
}

enum entry_outcome { ENTRY_DONE, ENTRY_LATER, ENTRY_BATCH_FULL };

static enum entry_outcome entry_remove(struct batch *b, struct delta_entry *e, bool removals)
{
	struct delta_stream_type *t = &b->stream->types[b->type];
	bool last = b->type == XDS_CLUSTER || b->type == XDS_ENDPOINTS;
	bool has_it = e->held || e->flying || e->parked || e->carried || e->unsure;

	if (!e->force && (!has_it || e->told_absent)) {
		entry_clean(t, e);
		if (!entry_wanted(e))
			entry_drop(t, e);
		return ENTRY_DONE;
	}
	/* What others may still point to is taken away after they have changed. */
	if (last && has_it && !removals)
		return ENTRY_LATER;
	if (b->response && buf_len(b->out) + e->name.len > DELTA_RESPONSE_BYTES)
		return ENTRY_BATCH_FULL;
	batch_remove(b, e->name);
	entry_clean(t, e);
	entry_unpark(t, e);
	text_set(&e->held, STR_EMPTY);
	text_set(&e->flying, STR_EMPTY);
	e->force = e->alone = e->unsure = false;
	e->told_absent = true;
	e->gone_to = b->response->nonce;
	if (!entry_wanted(e))
		entry_drop(t, e);
	return ENTRY_DONE;
}

static enum entry_outcome entry_send(struct batch *b, struct delta_entry *e,
				     const struct delta_content *content)
{
	struct delta_stream_type *t = &b->stream->types[b->type];
	const char *newest = e->flying ? e->flying : e->held;

	if (!e->force &&
	    (text_is(newest, content->version) || text_is(e->parked, content->version))) {
		/* What it refused is not what it should have any more. */
		if (!text_is(e->parked, content->version))
			entry_unpark(t, e);
		entry_clean(t, e);
		return ENTRY_DONE;
	}
	if (b->response && (e->alone || buf_len(b->out) + content->any.len > DELTA_RESPONSE_BYTES))
		return ENTRY_BATCH_FULL;
	batch_add(b, e, content);
	entry_clean(t, e);
	entry_unpark(t, e);
	text_set(&e->flying, content->version);
	e->nonce = b->response->nonce;
	e->carried++;
	e->told_absent = e->force = e->unsure = e->warm = false;
	endpoints_follow(b->stream, b->type, e->name);
	return e->alone ? ENTRY_BATCH_FULL : ENTRY_DONE;
}

static bool batch_fill(struct batch *b, bool removals)
{
	struct delta_stream *s = b->stream;
	struct delta_stream_type *t = &s->types[b->type];

	list_for_each_safe (node, &t->dirty) {
		struct delta_entry *e = container_of(node, struct delta_entry, in_dirty);
		struct delta_content content;
		enum entry_outcome outcome;

		if (entry_wanted(e) && s->source->on_lookup(s, b->type, e->name, &content))
			outcome = entry_send(b, e, &content);
		else
			outcome = entry_remove(b, e, removals);
		if (outcome == ENTRY_BATCH_FULL)
			break;
	}
	if (!b->response)
		return false;
	list_push_back(&t->in_flight, &b->response->in_flight);
	t->in_flight_count++;
	return true;
}

/* A client that takes all clusters uses one only when it has endpoints of it, which it asks for
 * by name when it has taken the cluster. */
static bool is_cold(const struct delta_stream *s, const struct delta_entry *cluster)
{
	const struct delta_entry *e = entry_find(&s->types[XDS_ENDPOINTS], cluster->name);

	if (cluster->warm || !cluster->by_all || !cluster->held)
		return false;
	return !e || !entry_wanted(e) || e->flying || list_is_linked(&e->in_dirty);
}

bool delta_stream_is_warming(const struct delta_stream *s)
{
	const struct delta_stream_type *clusters = &s->types[XDS_CLUSTER];

	if (!clusters->wildcard || !s->types[XDS_ENDPOINTS].asked ||
	    !(s->types[XDS_LISTENER].dirty_count || s->types[XDS_ROUTES].dirty_count))
		return false;
	map_for_each (entry, &clusters->names)
		if (is_cold(s, entry->value))
			return true;
	return false;
}

void delta_stream_wait_no_longer(struct delta_stream *s)
{
	map_for_each (entry, &s->types[XDS_CLUSTER].names)
		((struct delta_entry *)entry->value)->warm |= is_cold(s, entry->value);
}

/* Routes to clusters that the client takes as "all" wait until it can use them. A client that
 * names its clusters learns the names from the routes: there waiting would be a deadlock. */
static bool must_wait(const struct delta_stream *s, enum xds_type type)
{
	const struct delta_stream_type *clusters = &s->types[XDS_CLUSTER];

	if (type != XDS_ROUTES && type != XDS_LISTENER)
		return false;
	return clusters->wildcard && (clusters->in_flight_count > 0 || delta_stream_is_warming(s));
}

/* Is a listener or a route on its way that may still point to what is to be removed? */
static bool pointers_pending(const struct delta_stream *s)
{
	const struct delta_stream_type *listeners = &s->types[XDS_LISTENER];
	const struct delta_stream_type *routes = &s->types[XDS_ROUTES];

	return listeners->dirty_count || listeners->in_flight_count || routes->dirty_count ||
	       routes->in_flight_count;
}

/* Over all types: what a walk costs. */
static inline size_t names_count(const struct delta_stream *s)
{
	size_t count = 0;

	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		count += s->types[i].names.count;
	return count;
}

bool delta_stream_next(struct delta_stream *s, struct buf *out)
{
	debug_check(names_count(s) * 4, delta_stream_check(s));
	for (unsigned type = 0; type < XDS_TYPE_COUNT; type++)
		list_again(s, type);
	/* Pass 0 sends what is new, pass 1 takes away what nothing points to any more. */
	for (unsigned pass = 0; pass < 2; pass++) {
		if (pass == 1 && pointers_pending(s))
			break;
		for (unsigned type = 0; type < XDS_TYPE_COUNT; type++) {
			struct batch b = { .stream = s, .type = type, .out = out };

			if (!s->types[type].dirty_count || must_wait(s, type) ||
			    s->types[type].in_flight_count >= DELTA_IN_FLIGHT_MAX)
				continue;
			if (batch_fill(&b, pass == 1))
				return true;
		}
	}
	return false;
}

bool delta_stream_refuses(const struct delta_stream *s, enum xds_type type, struct str name)
{
	const struct delta_entry *e = entry_find(&s->types[type], name);

	return e && e->parked;
}

bool delta_stream_is_settled(const struct delta_stream *s)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		if (s->types[i].dirty_count || s->types[i].in_flight_count ||
		    s->types[i].parked_count || s->types[i].list_stale)
			return false;
	return true;
}

uint32_t delta_stream_parked(const struct delta_stream *s)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		count += s->types[i].parked_count;
	return count;
}

/*
 * Looking inside
 */

static uint32_t entries_check(const struct delta_stream *s, enum xds_type type)
{
	uint32_t parked = 0;

	map_for_each (item, &s->types[type].names) {
		const struct delta_entry *e = item->value;

		assert(e->type == type);
		assert(e->interest.stream == s);
		assert(str_eq(e->name, item->key));
		assert(e->nonce <= s->nonce_last);
		assert(e->gone_to <= s->nonce_last);
		parked += e->parked != NULL;
	}
	return parked;
}

void delta_stream_check(const struct delta_stream *s)
{
	assert(s->source);
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		const struct delta_stream_type *t = &s->types[i];

		map_check(&t->names);
		list_check(&t->dirty);
		list_check(&t->in_flight);
		assert(list_count(&t->dirty) == t->dirty_count);
		assert(list_count(&t->in_flight) == t->in_flight_count);
		assert(t->in_flight_count <= DELTA_IN_FLIGHT_MAX);
		assert(entries_check(s, i) == t->parked_count);
		list_for_each (node, &t->in_flight)
			assert(container_of(node, struct delta_response, in_flight)->nonce <=
			       s->nonce_last);
	}
}

void delta_stream_dump(const struct delta_stream *s, struct dump *d)
{
	dump_line(d, "xds");
	dump_number(d, "nonce", s->nonce_last);
	dump_number(d, "revision_sent", s->revision_sent);
	dump_flag(d, "node_seen", s->node_seen);
	dump_flag(d, "eds_cache", s->eds_cache);
	dump_enter(d);
	for (unsigned i = 0; i < XDS_TYPE_COUNT && !dump_is_full(d); i++) {
		const struct delta_stream_type *t = &s->types[i];

		if (!t->asked)
			continue;
		dump_line(d, xds_types[i].short_name);
		dump_number(d, "names", t->names.count);
		dump_number(d, "dirty", t->dirty_count);
		dump_number(d, "in_flight", t->in_flight_count);
		dump_number(d, "parked", t->parked_count);
		dump_flag(d, "all", t->wildcard);
	}
	dump_leave(d);
}
