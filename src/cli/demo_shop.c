#include "cli/demo_shop.h"

#include "base/buf.h"

const struct shop_workload shop_workloads[SHOP_WORKLOAD_COUNT] = {
	{ .service = "web", .host = 1, .calls = { "catalog", "reviews", "cart", "checkout" } },
	{ .service = "catalog", .host = 2 },
	{ .service = "reviews", .version = "v1", .host = 3, .calls = { "ratings" } },
	{ .service = "reviews", .version = "v2", .host = 4, .calls = { "ratings" } },
	{ .service = "ratings", .host = 5 },
	{ .service = "cart", .host = 6, .calls = { "catalog" } },
	{ .service = "checkout", .host = 7, .calls = { "cart", "payments" } },
	{ .service = "payments", .host = 8 },
};

void shop_route(unsigned v1_percent, unsigned v2_percent, struct buf *out)
{
	buf_printf(out,
		   "apiVersion: gateway.networking.k8s.io/v1\n"
		   "kind: HTTPRoute\n"
		   "metadata:\n"
		   "  name: reviews\n"
		   "  namespace: default\n"
		   "spec:\n"
		   "  parentRefs:\n"
		   "  - {group: \"\", kind: Service, name: reviews}\n"
		   "  rules:\n"
		   "  - name: split\n"
		   "    backendRefs:\n"
		   "    - {name: reviews-v1, port: %d, weight: %u}\n"
		   "    - {name: reviews-v2, port: %d, weight: %u}\n",
		   SHOP_PORT, v1_percent, SHOP_PORT, v2_percent);
}
