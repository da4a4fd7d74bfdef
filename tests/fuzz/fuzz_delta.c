#include "fuzz.h"

/*
 * Delta xDS: a client and a server, with messages under way in both directions, content that
 * changes, interest that comes and goes, refusals, and a wire that breaks; and messages that
 * neither side would write. The input says what happens, a byte at a time. Then all is let
 * settle, which must come to an end, and the client holds what the server has.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "codec/pb.h"
#include "xds/delta_client.h"
#include "xds/delta_server.h"

#define NAMES      5
#define QUEUE_MAX  6
#define ROUNDS_MAX 200

struct queue {
	struct buf messages[QUEUE_MAX];
	unsigned first, count;
};

struct bench {
	struct delta_stream server;
	struct delta_client client;
	struct interests interests;
	struct buf any, scratch;
	unsigned versions[XDS_TYPE_COUNT][NAMES]; /* 0: it does not exist */
	bool wanted[XDS_TYPE_COUNT][NAMES];
	bool all[XDS_TYPE_COUNT];
	bool unlisted[XDS_TYPE_COUNT][NAMES]; /* no part of "all" */
	bool refused[NAMES];                  /* at any time */
	struct queue to_server, to_client;
	bool forged; /* messages came that the other side did not write */
	bool broken; /* the stream has to end */
	const uint8_t *data;
	size_t left;
};

static uint8_t byte(struct bench *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->data++;
}

static struct str name_of(unsigned index)
{
	static const char *const names[NAMES] = { "a", "b", "c", "d", "e" };

	return str_from(names[index]);
}

static unsigned index_of(struct str name)
{
	unsigned i = 0;

	while (i < NAMES && !str_eq(name, name_of(i)))
		i++;
	return i;
}

static struct str version_text(unsigned version, char text[16])
{
	return str_of(text, (size_t)snprintf(text, 16, "%u", version));
}

/*
 * The server's content
 */

static int on_node(unused_arg struct delta_stream *s, unused_arg struct str node,
		   unused_arg struct diag *d)
{
	s->eds_cache = true;
	return 0;
}

static bool on_lookup(struct delta_stream *s, enum xds_type type, struct str name,
		      struct delta_content *ret_content)
{
	static char text[16];
	struct bench *b = s->user;
	unsigned i = index_of(name);

	if (i == NAMES || !b->versions[type][i])
		return false;
	ret_content->version = version_text(b->versions[type][i], text);
	buf_clear(&b->any);
	pb_write_bytes(&b->any, 1, xds_types[type].url);
	pb_write_bytes(&b->any, 2, ret_content->version);
	ret_content->any = buf_str(&b->any);
	return true;
}

static void on_list(struct delta_stream *s, enum xds_type type)
{
	const struct bench *b = s->user;

	for (unsigned i = 0; i < NAMES; i++)
		if (!b->unlisted[type][i])
			delta_stream_offer(s, type, name_of(i));
}

static uint64_t revision(unused_arg struct delta_stream *s)
{
	return 1;
}

static const struct delta_source source = {
	.on_node = on_node,
	.on_lookup = on_lookup,
	.on_list = on_list,
	.revision = revision,
};

static int on_resource(void *user, const struct xds_resource *r, unused_arg struct diag *d)
{
	const struct bench *b = user;
	unsigned i = index_of(r->name);

	return i < NAMES && b->refused[i] ? -1 : 0;
}

static const struct delta_client_callbacks callbacks = { .on_resource = on_resource };

/*
 * Messages
 */

static void put(struct queue *q, struct str message)
{
	struct buf *slot = &q->messages[(q->first + q->count) % QUEUE_MAX];

	assert(q->count < QUEUE_MAX);
	buf_clear(slot);
	buf_append_str(slot, message);
	q->count++;
}

static struct str take(struct queue *q)
{
	struct buf *slot = &q->messages[q->first];

	q->first = (q->first + 1) % QUEUE_MAX;
	q->count--;
	return buf_str(slot);
}

static bool client_says(struct bench *b)
{
	if (b->to_server.count == QUEUE_MAX || !delta_client_next(&b->client, &b->scratch))
		return false;
	put(&b->to_server, buf_str(&b->scratch));
	return true;
}

static bool server_says(struct bench *b)
{
	if (b->to_client.count == QUEUE_MAX || !delta_stream_next(&b->server, &b->scratch))
		return false;
	put(&b->to_client, buf_str(&b->scratch));
	return true;
}

static void server_takes(struct bench *b, struct str message)
{
	struct diag d = DIAG_INIT;

	if (delta_stream_receive(&b->server, message, &d) < 0)
		b->broken = true;
	diag_fini(&d);
}

static bool server_hears(struct bench *b)
{
	if (!b->to_server.count)
		return false;
	server_takes(b, take(&b->to_server));
	assert(b->forged || !b->broken);
	return true;
}

static bool client_hears(struct bench *b)
{
	if (!b->to_client.count)
		return false;
	if (delta_client_receive(&b->client, take(&b->to_client)) < 0)
		assert(!"the server's messages are well-formed");
	return true;
}

static void wire_up(struct bench *b)
{
	delta_stream_init(&b->server, &source, b);
	b->server.interests = &b->interests;
	delta_client_stream_opened(&b->client);
	b->to_server.count = b->to_client.count = 0;
	b->forged = b->broken = false;
}

static void wire_down(struct bench *b)
{
	delta_client_stream_closed(&b->client);
	delta_stream_fini(&b->server);
}

static void reconnect(struct bench *b)
{
	wire_down(b);
	wire_up(b);
}

/*
 * What happens
 */

static void change_content(struct bench *b)
{
	enum xds_type type = byte(b) % XDS_TYPE_COUNT;
	unsigned i = byte(b) % NAMES;
	unsigned what = byte(b);

	b->versions[type][i] = what % 4;
	b->unlisted[type][i] = what & 4;
	delta_stream_relist(&b->server, type);
	delta_stream_changed(&b->server, type, name_of(i));
}

static void change_interest(struct bench *b, bool wanted)
{
	enum xds_type type = byte(b) % XDS_TYPE_COUNT;
	unsigned i = byte(b) % NAMES;

	b->wanted[type][i] = wanted;
	if (wanted)
		delta_client_subscribe(&b->client, type, name_of(i));
	else
		delta_client_unsubscribe(&b->client, type, name_of(i));
}

static void want(struct bench *b)
{
	change_interest(b, true);
}

static void leave(struct bench *b)
{
	change_interest(b, false);
}

static void want_all(struct bench *b)
{
	enum xds_type type = byte(b) % XDS_TYPE_COUNT;

	b->all[type] = true;
	delta_client_subscribe_all(&b->client, type);
}

static void refuse(struct bench *b)
{
	b->refused[byte(b) % NAMES] = true;
}

/* Bytes of the input as a message; what a forger says spoils the stream. */
static void forge(struct bench *b)
{
	bool to_server = byte(b) % 2;
	size_t len = min_of((size_t)byte(b), b->left);
	struct str message = str_of((const char *)b->data, len);

	b->data += len;
	b->left -= len;
	b->forged = true;
	if (to_server)
		server_takes(b, message);
	else
		(void)!delta_client_receive(&b->client, message);
}

static void step(struct bench *b)
{
	static void (*const happenings[])(struct bench * b) = {
		change_content, change_content, want, leave, want_all, refuse, reconnect, forge,
	};
	static bool (*const moves[])(struct bench * b) = {
		client_says,
		server_hears,
		server_says,
		client_hears,
	};
	unsigned what = byte(b) % (array_count(happenings) + array_count(moves));

	if (what < array_count(happenings))
		happenings[what](b);
	else
		moves[what - array_count(happenings)](b);
	if (b->broken)
		reconnect(b);
}

static void settle(struct bench *b)
{
	bool moved = true;

	for (unsigned rounds = 0; moved; rounds++) {
		assert(rounds < ROUNDS_MAX);
		moved = client_says(b);
		moved |= server_hears(b);
		moved |= server_says(b);
		moved |= client_hears(b);
		if (!moved && delta_stream_is_warming(&b->server)) {
			delta_stream_wait_no_longer(&b->server);
			moved = true;
		}
	}
}

static void check_held(const struct bench *b, enum xds_type type, unsigned i)
{
	struct str held = delta_client_held(&b->client, type, name_of(i));
	char text[16];

	if (b->refused[i] || !(b->wanted[type][i] || b->all[type]))
		return;
	if (!b->wanted[type][i] && b->unlisted[type][i])
		assert(!held.len);
	else if (b->versions[type][i])
		assert(str_eq(held, version_text(b->versions[type][i], text)));
	else
		assert(!held.len);
}

static void check_settled(struct bench *b)
{
	bool any_refused = false;

	for (unsigned type = 0; type < XDS_TYPE_COUNT; type++)
		for (unsigned i = 0; i < NAMES; i++)
			check_held(b, type, i);
	for (unsigned i = 0; i < NAMES; i++)
		any_refused |= b->refused[i];
	assert(any_refused || delta_stream_is_settled(&b->server));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t before = mem_live_bytes();
	struct bench b = { .data = data, .left = size };

	interests_init(&b.interests);
	delta_client_init(&b.client, STR("node"), &callbacks, &b);
	wire_up(&b);
	while (b.left)
		step(&b);
	if (b.forged)
		reconnect(&b);
	settle(&b);
	check_settled(&b);
	wire_down(&b);
	delta_client_fini(&b.client);
	interests_fini(&b.interests);
	for (unsigned i = 0; i < QUEUE_MAX; i++) {
		buf_fini(&b.to_server.messages[i]);
		buf_fini(&b.to_client.messages[i]);
	}
	buf_fini(&b.any);
	buf_fini(&b.scratch);
	assert(mem_live_bytes() == before);
	return 0;
}
