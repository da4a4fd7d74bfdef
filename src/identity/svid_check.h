#pragma once

/*
 * The rules of X.509-SVIDs, as code over OpenSSL's objects
 *
 * For svid_new() alone.
 */

#include "base/diag.h"
#include "base/time.h"
#include "identity/openssl.h"
#include "identity/svid.h"
#include "net/certificate.h"

/* What svid_new() was given, read. */
struct svid_material {
	struct key *key;
	STACK_OF(X509) * chain; /* leaf first */
	STACK_OF(X509) * anchors;
};

must_check int svid_material_read(const struct svid_parts *parts,
				  struct svid_material *ret_material, struct diag *d);
void svid_material_fini(struct svid_material *m);

/* By all rules of identity/svid.h. `leaf` is what the first certificate of the chain says. */
must_check int svid_material_check(const struct svid_material *m, const struct certificate *leaf,
				   struct str wanted_id, struct wall_time now, struct diag *d);
