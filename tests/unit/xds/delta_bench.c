#include "delta_bench.h"

#include "base/error.h"
#include "base/mem.h"

static const char *const shorts[XDS_TYPE_COUNT] = { "cds", "eds", "lds", "rds", "sds" };

static struct item *item_find(struct bench *b, enum xds_type type, struct str name)
{
	for (unsigned i = 0; i < b->item_count; i++)
		if (b->items[i].type == type && str_eq(name, str_from(b->items[i].name)))
			return &b->items[i];
	return NULL;
}

void set(struct bench *b, enum xds_type type, const char *name, const char *version)
{
	struct item *item = item_find(b, type, str_from(name));

	if (!item) {
		assert_true(b->item_count < ITEMS_MAX);
		item = &b->items[b->item_count++];
		item->type = type;
		snprintf(item->name, sizeof(item->name), "%s", name);
	}
	snprintf(item->version, sizeof(item->version), "%s", version);
	b->revision++;
	delta_stream_relist(&b->server, type);
	delta_stream_changed(&b->server, type, str_from(name));
}

static int on_node(struct delta_stream *s, struct str node, struct diag *d)
{
	struct bench *b = s->user;

	if (str_eq(node, STR("stranger")))
		return diag_fail(d, ERR_DENIED, "who are you");
	s->eds_cache = b->eds_cache;
	return 0;
}

static bool on_lookup(struct delta_stream *s, enum xds_type type, struct str name,
		      struct delta_content *ret_content)
{
	struct bench *b = s->user;
	struct item *item = item_find(b, type, name);

	if (!item || !item->version[0])
		return false;
	buf_clear(&b->any);
	pb_write_bytes(&b->any, 1, xds_types[type].url);
	pb_write_bytes(&b->any, 2, str_from(item->version));
	*ret_content = (struct delta_content){ str_from(item->version), buf_str(&b->any) };
	return true;
}

static void on_list(struct delta_stream *s, enum xds_type type)
{
	struct bench *b = s->user;
	struct str rest = type == XDS_CLUSTER ? str_from(b->all) : STR_EMPTY;
	struct str name;

	while (str_split(&rest, ' ', &name))
		delta_stream_offer(s, type, name);
	for (unsigned i = 0; i < b->item_count && !(type == XDS_CLUSTER && b->all); i++)
		if (b->items[i].type == type && b->items[i].version[0])
			delta_stream_offer(s, type, str_from(b->items[i].name));
}

static void on_answer(struct delta_stream *s, unused_arg enum xds_type type, struct str name,
		      struct str version, bool accepted, struct str reason)
{
	struct bench *b = s->user;

	buf_printf(&b->answers, "%.*s@%.*s:%s ", STR_ARGS(name), STR_ARGS(version),
		   accepted ? "ok" : "bad");
	assert_true(accepted || reason.len > 0);
}

static uint64_t revision(struct delta_stream *s)
{
	return ((struct bench *)s->user)->revision;
}

static const struct delta_source source = {
	.on_node = on_node,
	.on_lookup = on_lookup,
	.on_list = on_list,
	.on_answer = on_answer,
	.revision = revision,
};

static int on_resource(void *user, const struct xds_resource *r, struct diag *d)
{
	struct bench *b = user;

	assert_true(str_eq(r->bytes, r->version));
	if (b->refuse && str_eq(r->name, str_from(b->refuse)))
		return diag_fail(d, ERR_CONFIG, "no good");
	buf_printf(&b->seen, "+%s/%.*s@%.*s ", shorts[r->type], STR_ARGS(r->name),
		   STR_ARGS(r->version));
	return 0;
}

static void on_removed(void *user, enum xds_type type, struct str name)
{
	buf_printf(&((struct bench *)user)->seen, "-%s/%.*s ", shorts[type], STR_ARGS(name));
}

static void on_commit(void *user, unused_arg enum xds_type type, unused_arg struct str version)
{
	buf_append_char(&((struct bench *)user)->seen, '|');
}

static const struct delta_client_callbacks callbacks = {
	.on_resource = on_resource,
	.on_removed = on_removed,
	.on_commit = on_commit,
};

void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->eds_cache = true;
	delta_stream_init(&b->server, &source, b);
	delta_client_init(&b->client, STR("node"), &callbacks, b);
}

void bench_fini(struct bench *b)
{
	delta_stream_fini(&b->server);
	delta_client_fini(&b->client);
	buf_fini(&b->any);
	buf_fini(&b->seen);
	buf_fini(&b->answers);
	assert_int_equal(mem_live_bytes(), 0);
}

void wire_open(struct bench *b)
{
	delta_client_stream_opened(&b->client);
	b->wire_up = true;
}

void wire_cut(struct bench *b)
{
	delta_client_stream_closed(&b->client);
	delta_stream_fini(&b->server);
	delta_stream_init(&b->server, &source, b);
	b->wire_up = false;
}

void server_take(struct bench *b, struct str request)
{
	struct diag d = DIAG_INIT;

	assert_int_equal(delta_stream_receive(&b->server, request, &d), 0);
	diag_fini(&d);
}

void settle(struct bench *b)
{
	struct buf message = BUF_INIT(0);
	bool moved = true;

	while (moved) {
		moved = false;
		while (delta_client_next(&b->client, &message)) {
			server_take(b, buf_str(&message));
			b->requests++;
			moved = true;
		}
		while (delta_stream_next(&b->server, &message)) {
			assert_int_equal(delta_client_receive(&b->client, buf_str(&message)), 0);
			b->responses++;
			moved = true;
		}
	}
	buf_fini(&message);
}

void assert_text_then_clear(struct buf *text, const char *expected, int line)
{
	test_assert_str(buf_str(text), expected, __FILE__, line);
	buf_clear(text);
}

void request_write(struct buf *out, enum xds_type type, const char *subscribe,
		   const char *unsubscribe, const char *nonce)
{
	buf_clear(out);
	pb_write_bytes(out, 1, STR("node"));
	pb_write_bytes(out, 2, xds_types[type].url);
	if (subscribe)
		pb_write_bytes(out, 3, str_from(subscribe));
	if (unsubscribe)
		pb_write_bytes(out, 4, str_from(unsubscribe));
	if (nonce)
		pb_write_bytes(out, 6, str_from(nonce));
}

void initial_version_write(struct buf *out, const char *name, const char *version)
{
	size_t mark = pb_begin(out, 5);

	pb_write_bytes(out, 1, str_from(name));
	pb_write_bytes(out, 2, str_from(version));
	pb_finish(out, mark);
}

void answer_write(struct buf *out, enum xds_type type, unsigned nonce, bool accepted)
{
	char text[16];
	size_t mark;

	snprintf(text, sizeof(text), "%u", nonce);
	request_write(out, type, NULL, NULL, text);
	if (accepted)
		return;
	mark = pb_begin(out, 7);
	pb_write_varint(out, 1, 3);
	pb_write_bytes(out, 2, STR("no good"));
	pb_finish(out, mark);
}
