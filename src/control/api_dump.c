/*
 * GET /weft/v1/dump: what the control plane works on, as it stands
 *
 * For root and the control plane's own user: it tells of every proxy.
 */

#include "base/mem.h"
#include "control/api_request.h"

#define DUMP_BYTES (1024 * 1024)

void api_inside(const struct api *a, struct dump *d)
{
	dump_line(d, "control");
	dump_number(d, "connections", a->connection_count);
	dump_number(d, "requests", a->counters.requests);
	dump_number(d, "refused", a->counters.refused);
	dump_enter(d);
	loop_dump(a->options.loop, d);
	chunk_stock_dump(a->options.chunks, d);
	state_dump(a->options.state, d);
	proxies_dump(a->options.proxies, d);
	dump_leave(d);
}

void api_dump(struct api_request *q)
{
	char *memory;
	struct dump d;

	if (!api_may_write(q->uid)) {
		q->api->counters.refused++;
		api_refuse(q, 403, "only root and the user of the control plane may look inside",
			   "run the command as that user");
		return;
	}
	memory = mem_alloc(DUMP_BYTES);
	dump_to_memory(&d, memory, DUMP_BYTES);
	api_inside(q->api, &d);
	dump_end(&d);
	api_answer_text(q, 200, STR("text/plain; charset=UTF-8"), dump_text(&d));
	mem_free(memory);
}
