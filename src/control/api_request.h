#pragma once

/*
 * Inside the API: one request
 */

#include <sys/types.h>

#include "control/api.h"

/* Most bytes of a request's body. */
#define API_BODY_BYTES_MAX (8 * 1024 * 1024)

struct api {
	struct api_options options;
	struct acceptor acceptor;
	struct list connections; /* struct api_connection */
	uint32_t connection_count;
	struct wall_time started;
	uint64_t requests;
	uint64_t refused;
};

struct api_request {
	struct api *api;
	struct stream *stream;
	struct headers *headers;
	struct str path;  /* without query */
	struct str query; /* behind '?' */
	struct buf body;
	uid_t uid; /* of the caller */
	struct pool pool;
};

/* A parameter of the query, decoded, in the request's pool; empty when absent. */
struct str api_parameter(struct api_request *q, const char *name);
bool api_flag(struct api_request *q, const char *name); /* "true" */

/* Answers; exactly one of them is called for a request. */
void api_answer(struct api_request *q, uint16_t status, const struct node *body);
void api_answer_text(struct api_request *q, uint16_t status, struct str type, struct str body);
/* The problem in `d`, with the status that its error means. */
void api_answer_problem(struct api_request *q, const struct diag *d);

/* Building answers. Text is borrowed or in the request's pool. */
void api_add_text(struct api_request *q, struct node *map, const char *name, struct str value);
void api_add_number(struct api_request *q, struct node *map, const char *name, int64_t value);
void api_add_bool(struct api_request *q, struct node *map, const char *name, bool value);
struct node *api_add_map(struct api_request *q, struct node *map, const char *name);
struct node *api_add_list(struct api_request *q, struct node *map, const char *name);
struct node *api_map(struct api_request *q);
void api_add_time(struct api_request *q, struct node *map, const char *name, struct wall_time t);
/* A fraction or a latency: three decimals. */
void api_add_real(struct api_request *q, struct node *map, const char *name, double value);

/* An object as the API shows it: canonical, with metadata and status. */
struct node *api_object_node(struct api_request *q, const struct state_object *o);

/* The signals of the whole mesh over the last minute, as `requests` of a map. */
void api_add_requests(struct api_request *q, struct node *body);

/* The handlers. */
void api_object_get(struct api_request *q);
void api_object_put(struct api_request *q);
void api_object_delete(struct api_request *q);
void api_apply(struct api_request *q);
void api_register(struct api_request *q);
void api_history(struct api_request *q);
void api_revision(struct api_request *q);
void api_rollback(struct api_request *q);
void api_backup(struct api_request *q);
void api_info(struct api_request *q);
void api_status(struct api_request *q);
void api_proxies(struct api_request *q);
void api_stat(struct api_request *q);
void api_metrics(struct api_request *q);
void api_healthz(struct api_request *q);
