/*
 * x_check() and x_dump() of the control plane, and who may see them
 */

#include "house.h"

#include <unistd.h>

#include "control/proxies_private.h"
#include "control/state_private.h"
#include "in_child.h"

static struct house h;

static void begin(void)
{
	house_open(&h);
	house_apply(&h, SERVICE_JSON("reviews"));
	house_register(&h, WORKLOAD_JSON("reviews-1", "reviews", "1", "Ready"));
	state_check(h.state);
	proxies_check(h.proxies);
}

TEST(the_control_plane_is_dumped_for_its_own_user_alone)
{
	begin();
	assert_int_equal(house_ask(&h, "GET", "/weft/v1/dump", NULL), 200);
	assert_non_null(strstr(h.body, "control connections=1 "));
	assert_non_null(strstr(h.body, "\n  loop watches="));
	assert_non_null(strstr(h.body, "\n  state trust_domain="));
	assert_non_null(strstr(h.body, "\n    store path="));
	assert_non_null(strstr(h.body, "\n    graph owners="));
	assert_non_null(strstr(h.body, "\n      EDS name=\"reviews.shop.svc."));
	assert_non_null(strstr(h.body, "\n    proxy id=\"shop/reviews-1\" state=lost"));
	house_peer_is(geteuid() + 4711);
	assert_int_equal(house_ask(&h, "GET", "/weft/v1/dump", NULL), 403);
	house_peer_is(geteuid());
	house_close(&h);
}

TEST(a_state_that_contradicts_itself_is_found)
{
	struct proxy *proxy;

	begin();
	h.state->revision--;
	assert_aborts(state_check, h.state);
	h.state->revision++;
	h.state->graph.owners.count++;
	assert_aborts(graph_check, &h.state->graph);
	h.state->graph.owners.count--;
	proxy = map_first(&h.proxies->by_id)->value;
	proxy->state = PROXY_UP;
	assert_aborts(proxies_check, h.proxies);
	proxy->state = PROXY_LOST;
	house_close(&h);
}
