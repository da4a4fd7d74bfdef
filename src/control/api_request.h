#pragma once

/*
 * Inside the API: one request
 *
 *	on_headers ─▶ api_route_request: path, method, caller, parameters ─▶ refused at once
 *	                     │
 *	                     ▼ the body, where the route takes one
 *	               route->serve: exactly one answer
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
	struct timer sweep; /* of connections that do not move */
	struct wall_time started;
	struct {
		uint64_t requests;
		uint64_t refused;             /* writes by others than root and the own user */
		uint64_t connections_refused; /* over a limit */
		uint64_t connections_stalled; /* closed, for they did not move */
	} counters;
};

struct api_request {
	struct api *api;
	struct stream *stream;
	const struct api_route *route;
	struct headers *headers;
	struct str path;  /* without query */
	struct str query; /* behind '?' */
	struct buf body;
	uid_t uid; /* of the caller */
	bool answered;
	struct str allow; /* of a 405: the methods that the path takes */
	struct pool pool;
};

/* Parameters of the query that a route takes. */
enum api_parameter {
	API_DRY_RUN,
	API_ALLOW_DANGLING,
	API_IGNORE_MISSING,
	API_NAMESPACE,
	API_TO,
	API_LIMIT,
	API_CONTINUE,
	API_PATH,
	API_WINDOW,
	API_BY,
	API_PARAMETER_COUNT,
};

struct api_route {
	const char *method;
	struct str path; /* a prefix where it ends in "/" */
	void (*serve)(struct api_request *q);
	bool writes;
	bool takes_body;
	unsigned parameters; /* set of 1 << enum api_parameter */
};

/*
 * Finds the route and checks all that the head says: method, caller, parameters. False: the
 * request was refused and is answered.
 */
bool api_route_request(struct api_request *q);
/* May this user write? */
bool api_may_write(uid_t uid);

/* A parameter, decoded, in the request's pool; empty when absent. */
struct str api_parameter(struct api_request *q, enum api_parameter which);
bool api_flag(struct api_request *q, enum api_parameter which); /* "true" */

/* Answers; exactly one of them is called for a request. */
void api_answer(struct api_request *q, uint16_t status, const struct node *body);
void api_answer_text(struct api_request *q, uint16_t status, struct str type, struct str body);
/* The problem in `d`, with the status that its error means. */
void api_answer_problem(struct api_request *q, const struct diag *d);
/* The same with the status given. */
void api_answer_status(struct api_request *q, uint16_t status, const struct diag *d);
/* Its body, to be added to. */
struct node *api_status_node(struct api_request *q, uint16_t status, const struct diag *d);
/* A problem in one sentence; `hint` may be NULL. */
void api_refuse(struct api_request *q, uint16_t status, const char *text, const char *hint);

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

/* ERR_NOT_FOUND: "there is no Service shop/web". */
int api_fail_absent(const struct kind_path *path, struct diag *d);

/* Who changes something: for history. */
struct str api_actor(struct api_request *q);

/* An object as the API shows it: canonical, with metadata and status. */
struct node *api_object_node(struct api_request *q, const struct state_object *o);

/* The objects of a kind and perhaps a namespace, or a page of them. */
void api_list(struct api_request *q, const struct kind_path *path);

/* The signals of the whole mesh over the last minute, as `requests` of a map. */
void api_add_requests(struct api_request *q, struct node *body);

struct proxy_counts {
	uint32_t up, of, programmed;
	uint32_t kept; /* lost for longer than the grace time */
};
struct proxy_counts api_count_proxies(const struct api_request *q);
uint32_t api_count_documents(const struct api_request *q, enum kind_id kind);

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
void api_dump(struct api_request *q);
void api_stat(struct api_request *q);
void api_metrics(struct api_request *q);
void api_healthz(struct api_request *q);
