#pragma once

/*
 * Secrets, compiled from Secret: a certificate with its key, or a trust bundle
 */

#include "model/part.h"

struct secret {
	struct part part;
	struct str certificate_pem;
	struct str key_pem;
	struct str trust_pem;
};

static inline struct secret *secret_of(struct part *p)
{
	return container_of(p, struct secret, part);
}

/* Compiles a Secret. */
struct compile;
must_check int secret_compile(struct compile *c, const struct pb_message *m, struct part *p);
