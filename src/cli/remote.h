#pragma once

/*
 * The control plane, from a command's point of view
 *
 * Its API is HTTP/1 over a Unix socket (control/api.h): WEFT_ADDR names it, else it lies in
 * the run directory (base/place.h). Commands that ask, print and end use remote_call(), which
 * turns a loop of its own until the answer is there; what runs on a loop asks with
 * remote_start() and reads the outcome with remote_read().
 */

#include "cli/cli.h"
#include "codec/node.h"
#include "http/fetch.h"

#define REMOTE_TIMEOUT DURATION_SECONDS(30)

struct remote {
	const struct cli *cli;
	struct loop *loop;
	struct chunk_stock chunks;
	struct pool pool; /* answers live here until remote_close() */
	char *socket;     /* path */
	struct address address;
};

/* Where the control plane is asked for: the path of its socket (mem_free) and the address.
 * ERR_CONFIG when WEFT_ADDR is no such path. */
must_check int remote_address(char **ret_socket, struct address *ret_address, struct diag *d);

/* Nothing is asked yet. remote_close() also after a failure. */
must_check int remote_open(struct remote *r, const struct cli *c, struct diag *d);
void remote_close(struct remote *r);

struct remote_request {
	enum method method; /* 0: GET */
	struct str path;
	struct str body;         /* JSON; empty: none */
	struct duration timeout; /* 0: REMOTE_TIMEOUT */
};

/*
 * Asks and waits. 0 with the body of a 2xx answer (NULL where it is empty), or an error with the
 * sentence in `d`: ERR_UNAVAILABLE when nobody answers, ERR_DENIED, ERR_NOT_FOUND,
 * ERR_CONFLICT and ERR_CONFIG by the status, with the server's code, path and hint.
 */
must_check int remote_try(struct remote *r, const struct remote_request *q, struct node **ret_body,
			  struct diag *d);
/* The same, with the problem printed: an exit code. */
must_check int remote_call(struct remote *r, const struct remote_request *q,
			   struct node **ret_body);

/* Adds the objects of a list to `items`: page by page, as they stood at one moment; begun anew
 * where they change meanwhile. Fails as remote_try(). */
must_check int remote_list(struct remote *r, struct str path, struct node *items, struct diag *d);

/* Asks on the remote's loop, which the caller turns; on_done as in http/fetch.h. */
struct http_fetch *remote_start(struct remote *r, const struct remote_request *q,
				void (*on_done)(struct http_fetch *f,
						const struct http_fetch_result *result),
				void *user);
/* The outcome, by the rules of remote_try(). The body lives in `pool`. */
must_check int remote_read(const struct remote *r, const struct http_fetch_result *result,
			   struct pool *pool, struct node **ret_body, struct diag *d);

/* Turns the loop for so long. */
void remote_pause(struct remote *r, struct duration pause);

/* Opens, asks once, prints a problem. EXIT_DONE with the remote open; else it is closed. */
must_check int remote_ask(struct remote *r, const struct cli *c, struct str path,
			  struct node **ret_body);
