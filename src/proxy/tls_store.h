#pragma once

/*
 * TLS contexts out of settings and secrets
 *
 * A chain of a listener or a cluster says in its tls_settings what it needs; certificates and
 * anchors may be secrets by name, which arrive and are rotated on their own. A tls_slot is the
 * context made from both, together with the secrets it was made from, so that a new state of
 * the same listener takes it over unless one of them changed. While a secret is missing there
 * is no context and `missing` is set: connections are refused then, never plaintext. Main
 * thread only; the context itself is shared with workers.
 */

#include <stdbool.h>

#include "base/diag.h"
#include "model/cluster.h"
#include "model/secret.h"
#include "model/tls_settings.h"
#include "net/tls.h"

struct tls_slot {
	struct tls_context *context; /* NULL: no TLS, or missing */
	bool missing;                /* TLS is configured, but a secret is not there or is bad */
	/* Set before it is filled: what is offered where the settings offer nothing. Static. */
	const struct str *alpn;
	uint32_t alpn_count;
	/* What it was made from; references. */
	const struct tls_settings *settings;
	struct part *certificate;
	struct part *trust;
};

/* Where secrets come from: the newest part of that name, or NULL. */
struct tls_secrets {
	struct part *(*find)(void *user, struct str name);
	void *user;
};

/*
 * Fills a slot that is zeroed but for its alpn. settings may be NULL: no TLS. `before` (may be
 * NULL) is the slot of the state that is replaced. A secret that does not fit (a key of another
 * certificate) leaves `before`'s context in use, where there is one, and the reason in `d`: 0 or
 * ERR_CONFIG.
 */
must_check int tls_slot_fill(struct tls_slot *slot, const struct tls_settings *settings,
			     const struct tls_slot *before, const struct tls_secrets *secrets,
			     struct diag *d);
void tls_slot_clear(struct tls_slot *slot);

/* Does the slot depend on the secret of that name? */
bool tls_settings_use(const struct tls_settings *settings, struct str secret_name);
