#include "fuzz.h"

/*
 * Requests to the API: "METHOD TARGET", a new line, the body. "!" in front: by somebody who may
 * not write. Whatever comes is answered once, with JSON where it should be, and when it was an
 * error nothing has changed. Each input has a mesh of its own.
 */

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "codec/node.h"
#include "control/api_request.h"
#include "control/telemetry.h"

struct bench {
	struct loop *loop;
	struct api api;
	struct conn conn;
	struct stream stream;
	struct headers headers;
	struct buf answer;
	uint16_t status;
	unsigned answers;
};

static enum send_result send_headers(struct stream *s, const struct headers *h, bool end)
{
	struct bench *b = container_of(s, struct bench, stream);

	assert(!end || buf_len(&b->answer) == 0);
	b->status = h->status;
	b->answers++;
	return SEND_DONE;
}

static enum send_result send_data(struct stream *s, const struct iovec *iov, int iov_count,
				  bool end)
{
	struct bench *b = container_of(s, struct bench, stream);

	assert(end);
	for (int i = 0; i < iov_count; i++)
		buf_append(&b->answer, iov[i].iov_base, iov[i].iov_len);
	return SEND_DONE;
}

static const struct stream_ops stream_ops = {
	.send_headers = send_headers,
	.send_data = send_data,
};

/* One request; the answer is in the bench. */
static void ask(struct bench *b, struct str method, struct str target, struct str body, uid_t uid)
{
	struct api_request q = { .api = &b->api, .stream = &b->stream, .uid = uid };

	pool_init(&b->stream.pool, 0);
	headers_init(&b->headers, &b->stream.pool);
	b->headers.method = method;
	b->headers.path = target;
	b->answers = 0;
	buf_clear(&b->answer);
	q.headers = &b->headers;
	buf_append_str(&q.body, body);
	if (api_route_request(&q))
		q.route->serve(&q);
	assert(q.answered);
	assert(b->answers == 1);
	buf_fini(&q.body);
	pool_fini(&q.pool);
	pool_fini(&b->stream.pool);
}

#define DOCUMENTS                                                                                  \
	"{\"kind\":\"List\",\"items\":["                                                           \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"a\"},\"spec\":{"     \
	"\"selector\":{\"app\":\"a\"},\"ports\":[{\"name\":\"http\",\"port\":80,"                  \
	"\"appProtocol\":\"http\"}]}},"                                                            \
	"{\"apiVersion\":\"weft.dev/v1alpha1\",\"kind\":\"Workload\",\"metadata\":{\"name\":"      \
	"\"w\",\"labels\":{\"app\":\"a\"}},\"spec\":{\"address\":\"10.0.0.1\",\"serviceAccount\":" \
	"\"a\",\"ports\":[{\"port\":80,\"meshPort\":15006,\"protocol\":\"http\"}]}},"              \
	"{\"apiVersion\":\"gateway.networking.k8s.io/v1\",\"kind\":\"HTTPRoute\",\"metadata\":{"   \
	"\"name\":\"r\"},\"spec\":{\"parentRefs\":[{\"group\":\"\",\"kind\":\"Service\",\"name\":" \
	"\"a\"}],\"rules\":[{\"backendRefs\":[{\"name\":\"a\",\"port\":80}]}]}}]}"

static void begin(struct bench *b)
{
	struct api_options *o = &b->api.options;
	struct state_options options = {
		.trust_domain = STR("weft.local"),
		.is_live = proxies_is_live,
	};

	*b = (struct bench){ .stream = { .ops = &stream_ops } };
	if (loop_new(&b->loop) < 0 || store_open(STORE_MEMORY, &o->store, NULL) < 0)
		abort();
	loop_set_clock(b->loop, (struct instant){ 0 }, (struct wall_time){ 0 });
	b->stream.conn = &b->conn;
	o->loop = b->loop;
	o->proxies = proxies_new(&(struct proxies_options){ .loop = b->loop });
	options.user = o->proxies;
	if (state_new(b->loop, o->store, &options, &o->state, NULL) < 0)
		abort();
	proxies_start(o->proxies, o->state);
	o->telemetry = telemetry_new(b->loop, o->proxies);
	ask(b, STR("POST"), STR("/apply"), STR(DOCUMENTS), 0);
	assert(b->status == 200);
}

static void end(struct bench *b)
{
	telemetry_free(b->api.options.telemetry);
	proxies_free(b->api.options.proxies);
	state_free(b->api.options.state);
	store_close(b->api.options.store);
	if (loop_turn(b->loop, DURATION_NS(0)) == 0)
		loop_free(b->loop);
	buf_fini(&b->answer);
}

static void check_answer(const struct bench *b, struct str target)
{
	struct pool pool = POOL_INIT(0);
	struct node *root;

	assert(b->status >= 200 && b->status < 600);
	if (!str_eq(target, STR("/healthz")) && !str_eq(target, STR("/metrics")))
		assert(json_parse(buf_str(&b->answer), NULL, &pool, &root, NULL) == 0);
	pool_fini(&pool);
}

/* The mesh goes on, whatever was asked: everything is shown, and taken away again. */
static void check_mesh(struct bench *b)
{
	static const char *const lists[] = {
		"/api/v1/services",
		"/apis/weft.dev/v1alpha1/workloads",
		"/apis/gateway.networking.k8s.io/v1/httproutes",
		"/apis/weft.dev/v1alpha1/meshconfigs",
		"/weft/v1/status",
		"/weft/v1/history",
	};

	for (size_t i = 0; i < array_count(lists); i++) {
		ask(b, STR("GET"), str_from(lists[i]), STR_EMPTY, 0);
		assert(b->status == 200);
	}
	ask(b, STR("POST"), STR("/weft/v1/rollback?to=0"), STR_EMPTY, 0);
	assert(b->status == 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of((const char *)data, size);
	uid_t uid = size && data[0] == '!' ? 4711 : 0;
	struct str line, method, target, body;
	uint64_t before = mem_live_bytes();
	uint64_t revision;
	struct bench b;
	size_t space;

	input = str_slice(input, uid ? 1 : 0, input.len);
	line = str_slice(input, 0, str_find(input, 0, '\n'));
	body = str_slice(input, line.len + 1, input.len);
	space = str_find(line, 0, ' ');
	method = str_slice(line, 0, space);
	target = str_slice(line, space + 1, line.len);
	/* It would write files wherever the input says. */
	if (str_has_prefix(target, STR("/weft/v1/backup")) || body.len > API_BODY_BYTES_MAX)
		return 0;
	log_set_level(LOG_LEVEL_ERROR);
	begin(&b);
	revision = state_revision(b.api.options.state);
	ask(&b, method, target, body, uid);
	check_answer(&b, target);
	if (b.status / 100 != 2 || uid)
		assert(state_revision(b.api.options.state) == revision);
	check_mesh(&b);
	end(&b);
	assert(mem_live_bytes() == before);
	return 0;
}
