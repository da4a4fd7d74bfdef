/*
 * Filters: order, verdicts, bodies. The filters are the test's own, put into the chain of a
 * listener that has none.
 */

#include "rig.h"

#include "base/mem.h"
#include "proxy/exchange.h"
#include "proxy/listener_state.h"

#define POST     "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabcdef"
#define GET      "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

static struct rig r;
static struct peer *client;

/* What the filters saw, in order, and the exchange that waits. */
static char seen[256];
static struct exchange *waiting;

struct test_config {
	char letter;
	enum verdict on_request;
	enum verdict on_response;
	bool upper_case;
	bool keeps_data; /* until the end */
};

struct test_state {
	int calls;
};

static void note(const struct test_config *c, const char *what)
{
	size_t len = strlen(seen);

	snprintf(seen + len, sizeof(seen) - len, "%c%s ", c->letter, what);
}

static enum verdict on_request(const void *config, void *state, struct exchange *x,
			       struct headers *h)
{
	const struct test_config *c = config;

	(void)h;
	note(c, "request");
	((struct test_state *)state)->calls++;
	if (c->on_request == VERDICT_STOP)
		exchange_reply(x, &(struct reply){ .reason = REASON_DENIED, .text = STR("no") });
	if (c->on_request == VERDICT_WAIT)
		waiting = x;
	return c->on_request;
}

static enum verdict on_response(const void *config, void *state, struct exchange *x,
				struct headers *h)
{
	const struct test_config *c = config;

	note(c, "response");
	assert_int_equal(((struct test_state *)state)->calls++, 1);
	headers_add_named(h, STR("x-seen"), STR("yes"));
	if (c->on_response == VERDICT_WAIT)
		waiting = x;
	return c->on_response;
}

static enum verdict on_data(const void *config, void *state, struct exchange *x, struct buf *data,
			    enum direction direction, bool end)
{
	const struct test_config *c = config;

	(void)state;
	(void)x;
	(void)direction;
	if (c->keeps_data && !end)
		return VERDICT_WAIT;
	for (size_t i = data->start; c->upper_case && i < data->end; i++)
		if (data->memory[i] >= 'a' && data->memory[i] <= 'z')
			data->memory[i] -= 'a' - 'A';
	return VERDICT_CONTINUE;
}

static void on_end(const void *config, void *state, struct exchange *x)
{
	(void)state;
	(void)x;
	note(config, "end");
}

static const struct filter_ops looking = {
	.name = "looking",
	.state_size = sizeof(struct test_state),
	.on_request = on_request,
	.on_response = on_response,
	.on_end = on_end,
};

static const struct filter_ops changing = {
	.name = "changing",
	.state_size = sizeof(struct test_state),
	.on_data = on_data,
};

static void begin(const struct filter_ops *ops, const struct test_config *configs, uint32_t count)
{
	struct listener_state *l;
	struct filter_stack *filters;

	seen[0] = 0;
	waiting = NULL;
	rig_init(&r);
	rig_cluster(&r, "one", "1001", "");
	rig_http(&r, "web", "{match: {prefix: '/'}, route: {cluster: one}}", "", "");
	l = worker_listener_at(r.worker, slots_find(&r.resources.listener_slots, STR("web")));
	filters = &l->chains[0].http->filters;
	mem_free(filters->items);
	filters->items = mem_new_array(struct filter_entry, count);
	filters->count = count;
	for (uint32_t i = 0; i < count; i++)
		filters->items[i] = (struct filter_entry){ ops, &configs[i], i * 16 };
	filters->state_bytes = count * 16;
	filters->sees_data = ops->on_data != NULL;
	client = rig_client(&r, "web");
}

TEST(requests_run_forward_and_responses_back)
{
	static const struct test_config configs[] = { { .letter = 'a' }, { .letter = 'b' } };

	begin(&looking, configs, 2);
	peer_say(client, GET);
	rig_run(&r);
	assert_string_equal(seen, "arequest brequest ");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_string_equal(seen, "arequest brequest bresponse aresponse aend bend ");
	assert_contains(peer_heard(client), "x-seen: yes\r\nx-seen: yes\r\n");
	rig_fini(&r);
}

TEST(a_filter_that_stops_answers_and_nobody_behind_it_sees_the_request)
{
	static const struct test_config configs[] = { { .letter = 'a', .on_request = VERDICT_STOP },
						      { .letter = 'b' } };

	begin(&looking, configs, 2);
	peer_say(client, GET);
	rig_run(&r);
	assert_string_equal(seen, "arequest aend bend ");
	assert_contains(peer_heard(client), "HTTP/1.1 403");
	assert_int_equal(r.dialled_count, 0);
	assert_int_equal(rig_http_count(&r, "web", HTTP_RQ_FILTER_DENIED), 1);
	rig_fini(&r);
}

TEST(a_request_waits_for_its_filter_with_its_body)
{
	static const struct test_config configs[] = { { .letter = 'a', .on_request = VERDICT_WAIT },
						      { .letter = 'b' } };

	begin(&looking, configs, 2);
	peer_say(client, POST);
	rig_run(&r);
	assert_string_equal(seen, "arequest ");
	assert_int_equal(r.dialled_count, 0);
	exchange_continue(waiting);
	rig_run(&r);
	assert_string_equal(seen, "arequest brequest ");
	assert_contains(peer_heard(rig_dialled(&r, 0)), "\r\n\r\nabcdef");
	rig_fini(&r);
}

TEST(a_client_may_leave_while_its_filter_waits)
{
	static const struct test_config configs[] = { { .letter = 'a',
							.on_request = VERDICT_WAIT } };

	begin(&looking, configs, 1);
	peer_say(client, GET);
	rig_run(&r);
	worker_group_stop(&r.group);
	rig_run(&r);
	assert_string_equal(seen, "arequest aend ");
	rig_fini(&r);
}

TEST(a_response_waits_for_its_filter_with_its_body)
{
	static const struct test_config configs[] = {
		{ .letter = 'a' }, { .letter = 'b', .on_response = VERDICT_WAIT }
	};

	begin(&looking, configs, 2);
	peer_say(client, GET);
	rig_run(&r);
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_string_equal(peer_heard(client), "");
	exchange_continue(waiting);
	rig_run(&r);
	assert_contains(peer_heard(client), "hello");
	assert_string_equal(seen, "arequest brequest bresponse aresponse aend bend ");
	rig_fini(&r);
}

TEST(bodies_pass_through_filters_both_ways)
{
	static const struct test_config configs[] = { { .letter = 'a', .upper_case = true } };

	begin(&changing, configs, 1);
	peer_say(client, POST);
	rig_run(&r);
	assert_contains(peer_heard(rig_dialled(&r, 0)), "\r\n\r\nABCDEF");
	peer_say(rig_dialled(&r, 0), OK_HELLO);
	rig_run(&r);
	assert_contains(peer_heard(client), "HELLO");
	rig_fini(&r);
}

TEST(a_filter_may_keep_a_body_until_its_end)
{
	static const struct test_config configs[] = { { .letter = 'a', .keeps_data = true } };

	begin(&changing, configs, 1);
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc");
	rig_run(&r);
	assert_null(strstr(peer_heard(rig_dialled(&r, 0)), "abc"));
	peer_say(client, "def");
	rig_run(&r);
	assert_string_equal(peer_heard(rig_dialled(&r, 0)), "abcdef");
	rig_fini(&r);
}

TEST(a_body_that_a_filter_keeps_has_a_limit)
{
	static const struct test_config configs[] = { { .letter = 'a', .keeps_data = true } };
	static char block[64 * 1024];

	memset(block, 'x', sizeof(block));
	begin(&changing, configs, 1);
	peer_say(client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		peer_say_bytes(client, str_of(block, sizeof(block)));
		rig_run(&r);
	}
	assert_contains(peer_heard(client), "HTTP/1.1 413");
	rig_fini(&r);
}
