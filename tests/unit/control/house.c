#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "control/proxies.h"
#include "control/store_private.h"
#include "http/fetch.h"

#define TURNS_MAX 10000

static uid_t peer_uid;
static const struct house *peer_house;

static int peer_of(int fd, struct socket_peer *ret_peer)
{
	int r = socket_peer_of(fd, ret_peer);

	if (peer_house->peer_error)
		return peer_house->peer_error;
	ret_peer->uid = peer_uid;
	return r;
}

void house_peer_is(uid_t uid)
{
	peer_uid = uid;
}

void house_turns(struct house *h, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(loop_turn(h->loop, DURATION_NS(0)), 0);
}

static void serve(struct house *h)
{
	struct proxies_options proxies_options = { .loop = h->loop };
	struct state_options options = {
		.trust_domain = STR("weft.local"),
		.is_live = proxies_is_live,
	};
	struct api_options api_options = {
		.loop = h->loop,
		.chunks = &h->chunks,
		.grpc = &h->grpc,
		.xds_address = STR("127.0.0.1:15012"),
		.peer_of = peer_of,
		.certificates = &h->certificates,
		.rpc = &h->rpc,
	};
	struct diag d = DIAG_INIT;

	assert_int_equal(store_open(h->db, &h->store, &d), 0);
	h->proxies = proxies_new(&proxies_options);
	options.user = h->proxies;
	assert_int_equal(state_new(h->loop, h->store, &options, &h->state, &d), 0);
	proxies_start(h->proxies, h->state);
	h->telemetry = telemetry_new(h->loop, h->proxies);
	api_options.state = h->state;
	api_options.store = h->store;
	api_options.proxies = h->proxies;
	api_options.telemetry = h->telemetry;
	assert_int_equal(address_from_unix(str_from(h->socket), &h->address), 0);
	assert_int_equal(socket_listen(&h->address, NULL, &h->listening_fd), 0);
	assert_int_equal(api_new(&api_options, h->listening_fd, &h->api), 0);
}

static void shut(struct house *h)
{
	proxies_close(h->proxies);
	house_turns(h, 4);
	api_close(h->api);
	house_turns(h, 4);
	assert_true(api_is_idle(h->api));
	h->api = api_free(h->api);
	close(h->listening_fd);
	socket_remove_file(&h->address);
	h->telemetry = telemetry_free(h->telemetry);
	h->proxies = proxies_free(h->proxies);
	h->state = state_free(h->state);
	h->store = store_close(h->store);
}

void house_open(struct house *h)
{
	/* 2026-11-26T08:00:00Z */
	const struct wall_time now = { INT64_C(1795680000) * 1000000000 };

	memset(h, 0, sizeof(*h));
	peer_house = h;
	peer_uid = 0;
	snprintf(h->dir, sizeof(h->dir), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->db, sizeof(h->db), "%s/weft.db", h->dir);
	snprintf(h->socket, sizeof(h->socket), "%s/control.sock", h->dir);
	assert_int_equal(loop_new(&h->loop), 0);
	loop_set_clock(h->loop, (struct instant){ 1000 * INT64_C(1000000000) }, now);
	chunk_stock_init(&h->chunks, 16);
	pool_init(&h->pool, 0);
	serve(h);
}

static void forget_answer(struct house *h)
{
	h->body = mem_free(h->body);
	h->allow = mem_free(h->allow);
	h->json = NULL;
	pool_reset(&h->pool);
}

void house_close(struct house *h)
{
	static const char *const files[] = { "weft.db", "weft.db-wal", "weft.db-shm",
					     "weft.db.lock" };
	char path[96];

	shut(h);
	forget_answer(h);
	pool_fini(&h->pool);
	loop_free(h->loop);
	chunk_stock_fini(&h->chunks);
	for (size_t i = 0; i < array_count(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", h->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(h->dir), 0);
}

void house_restart(struct house *h)
{
	shut(h);
	serve(h);
}

void house_break_store(struct house *h, bool broken)
{
	assert_int_equal(
		store_exec(h->store, broken ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0"),
		0);
}

/*
 * Asking
 */

static void on_done(struct http_fetch *f, const struct http_fetch_result *result)
{
	struct house *h = http_fetch_user(f);
	struct diag d = DIAG_INIT;
	const struct header *allow;

	if (result->error)
		fail_msg("no answer: %s", err_text(result->error));
	h->status = result->status;
	h->body = mem_strdup_str(result->body);
	allow = headers_get_named(result->headers, STR("allow"));
	h->allow = allow ? mem_strdup_str(allow->value) : NULL;
	if (json_parse(result->body, NULL, &h->pool, &h->json, &d) < 0)
		h->json = NULL;
	diag_fini(&d);
}

uint16_t house_ask(struct house *h, const char *method, const char *path, const char *body)
{
	const struct http_fetch_options options = {
		.address = &h->address,
		.codec = HTTP_CODEC_HTTP1,
		.method = str_from(method),
		.path = str_from(path),
		.authority = STR("weft"),
		.body = str_from(body),
		.on_done = on_done,
		.user = h,
	};

	forget_answer(h);
	h->status = 0;
	http_fetch_start(h->loop, &h->chunks, &options);
	for (unsigned i = 0; !h->status && i < TURNS_MAX; i++)
		assert_int_equal(loop_turn(h->loop, DURATION_NS(0)), 0);
	assert_int_not_equal(h->status, 0);
	house_turns(h, 4);
	return h->status;
}

const char *house_text(struct house *h, const char *path)
{
	const struct node *n = node_at(h->json, path);

	if (!n)
		return NULL;
	if (n->kind == NODE_BOOL)
		return n->boolean ? "true" : "false";
	return pool_strdup(&h->pool, n->text).ptr;
}

static void post_list(struct house *h, const char *path, const char *items)
{
	char *body = mem_printf("{\"kind\":\"List\",\"items\":[%s]}", items);

	if (house_ask(h, "POST", path, body) != 200)
		fail_msg("%s", h->body);
	mem_free(body);
}

void house_apply(struct house *h, const char *items)
{
	post_list(h, "/apply", items);
}

void house_register(struct house *h, const char *items)
{
	post_list(h, "/weft/v1/register", items);
}
