#pragma once

/*
 * One call of CreateCertificate
 *
 * Over one connection that is made for it and closed after it: certificates are asked for a
 * few times a day.
 */

#include "base/time.h"
#include "identity/source.h"
#include "net/conn.h"

struct certificate_request;

/* What it came to. Borrowed for the callback; `grant` may be emptied. */
struct certificate_answer {
	struct identity_grant *grant; /* NULL: refused or failed */
	const char *reason;           /* then: one sentence */
};

struct certificate_request_options {
	struct str csr_pem;
	struct str spiffe_id;
	struct duration validity; /* 0: not said */
	struct duration timeout;  /* of everything, connecting included */
};

/*
 * Takes the connection, connecting or open. on_answer comes exactly once, never from inside
 * this function; drop the pointer there. Options are copied.
 */
struct certificate_request *certificate_request_begin_take(
	struct conn *c, const struct certificate_request_options *options,
	void (*on_answer)(void *user, const struct certificate_answer *answer), void *user);

/* No answer is wanted any more. Accepts NULL; returns NULL. */
struct certificate_request *certificate_request_cancel(struct certificate_request *q);

/* The text of an answer, for the `grant`: leaf first, the last one holds the anchors. */
must_check int certificate_response_read(struct str message, struct identity_grant *ret_grant,
					 struct diag *d);
