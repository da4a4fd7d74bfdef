/*
 * The head of a response, from the endpoint's, or our own, to what the client gets
 */

#include "http/hop.h"
#include "proxy/exchange.h"
#include "proxy/header_mutate.h"

void response_head_route(struct exchange *x, struct headers *h)
{
	/* Our own answers may come before any of these was found. */
	if (x->target)
		header_mutations_apply(&x->target->response, h);
	if (x->route)
		header_mutations_apply(&x->route->response, h);
	if (x->host)
		header_mutations_apply(&x->host->response, h);
	if (x->table)
		header_mutations_apply(&x->table->response, h);
}

static void server_name(const struct http_manager *m, struct headers *h, uint64_t ids)
{
	struct str name = m->server_name.len ? m->server_name : STR("weft");

	if (m->server_header == SERVER_HEADER_PASS_THROUGH)
		return;
	if (!headers_ids_have(ids, HEADER_SERVER))
		headers_add(h, HEADER_SERVER, name);
	else if (m->server_header == SERVER_HEADER_OVERWRITE)
		headers_set(h, HEADER_SERVER, name);
}

static void copy_for_logs(struct exchange *x, const struct headers *h)
{
	struct headers *copy = pool_new(exchange_pool(x), struct headers);

	headers_init(copy, exchange_pool(x));
	headers_copy(copy, h);
	x->logged_response = copy;
}

void response_head_finish(struct exchange *x, struct headers *h)
{
	const struct http_manager *m = x->http->manager;
	uint64_t ids = headers_ids(h);

	server_name(m, h, ids);
	if (!headers_ids_have(ids, HEADER_DATE))
		headers_add(h, HEADER_DATE, worker_date(x->worker));
	if (m->request_id_in_response) {
		const struct header *id = headers_get(x->request, HEADER_X_REQUEST_ID);

		if (id)
			headers_set(h, HEADER_X_REQUEST_ID, id->value);
	}
	if (x->http->logs_response_headers)
		copy_for_logs(x, h);
}
