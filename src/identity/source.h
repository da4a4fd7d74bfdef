#pragma once

/*
 * An identity that is always there
 *
 * Obtains an SVID, renews it and keeps it, for as long as the program runs. The key is made
 * here, anew for each certificate, and never leaves the machine.
 *
 *	               begin, or back-off over, or half of its life over
 *	  RESTING ──────────────────────────────────────────────────────▶ ASKING
 *	     ▲                                                               │
 *	     └───────────────────────────────────────────────────────────────┘
 *	        granted: rests for half of what is left, ±10 %
 *	        refused or failed: rests 1 s, 2 s, 4 s … 60 s, ±10 %
 *
 * At the start a saved SVID that is still valid is taken before anybody is asked, so that a
 * crash needs no authority. While asking fails, the present one serves until it ends. It asks
 *   - `sign`, when that is set: the control plane's own identity;
 *   - else the control plane at `address`. On a Unix socket (control.sock) the peer is the
 *     proof. Over TCP the present SVID is, in TLS: that renews, and cannot begin.
 *
 * What happens is logged here (identity.*); the callbacks are for what must follow. One loop.
 */

#include "base/diag.h"
#include "base/random.h"
#include "event/loop.h"
#include "identity/svid.h"
#include "message/address.h"
#include "net/chunk.h"

#define IDENTITY_RETRY_FIRST  DURATION_SECONDS(1)
#define IDENTITY_RETRY_LAST   DURATION_SECONDS(60)
#define IDENTITY_CALL_TIMEOUT DURATION_SECONDS(15)

struct identity;

struct identity_callbacks {
	/* A new SVID serves from now on: the first one (never from inside identity_new()) and each
	 * renewed one. Borrowed; svid_ref() it to keep it. */
	void (*on_svid)(void *user, struct svid *s);
	/* Asking failed and will be tried again. `reason` is one sentence; may be NULL. */
	void (*on_failure)(void *user, const char *reason);
};

/* What an authority answers: the certificates, leaf first, and the anchors. */
struct identity_grant {
	struct buf chain_pem;
	struct buf trust_pem;
};

struct identity_options {
	struct loop *loop;
	struct chunk_stock *chunks; /* of the loop's worker */
	struct random *random;
	struct str spiffe_id;   /* that is wanted; copied */
	struct address address; /* of the control plane, Unix or TCP; len 0: not there */
	/* Instead of it: signs at once. -errno or ERR_* with a sentence in `d`. */
	int (*sign)(void *sign_user, struct str csr_pem, struct duration validity,
		    struct identity_grant *ret_grant, struct diag *d);
	void *sign_user;
	/* A connection to the control plane instead of the one to `address`; for tests. */
	struct conn *(*connect)(void *user);
	struct str dir;           /* where it is kept; empty: nowhere; copied */
	struct duration validity; /* that is asked for; 0: as the authority likes */
};

struct identity_stats {
	uint64_t granted;
	uint64_t failed;
	uint64_t saves_failed;
	bool loaded; /* the first one came from the files */
};

/*
 * Begins. ERR_CONFIG when the options make no sense; ERR_DENIED when `dir` is not ours alone;
 * `d` (may be NULL) says what to do. The callbacks struct must outlive the identity.
 */
must_check int identity_new(const struct identity_options *options,
			    const struct identity_callbacks *callbacks, void *user,
			    struct identity **ret_identity, struct diag *d);
/* At any time, inside callbacks too; no callback follows. A call under way ends by itself in
 * the next turns of the loop. Accepts NULL; returns NULL. The files stay. */
struct identity *identity_free(struct identity *i);

/* The present one, borrowed; NULL when there is none or it has ended. */
struct svid *identity_svid(const struct identity *i);
struct str identity_spiffe_id(const struct identity *i);
struct identity_stats identity_stats(const struct identity *i);
/* Why there is none, or why it was not renewed: the last failure since the last success, else
 * "". For status pages. */
const char *identity_failure(const struct identity *i);
/* Asks now, without waiting for half life: the trust anchors changed. */
void identity_renew(struct identity *i);
