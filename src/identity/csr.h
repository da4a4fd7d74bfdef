#pragma once

/*
 * Certificate signing requests (PKCS#10)
 *
 * A request proves possession of a key and says nothing else: the names in it are ignored,
 * since the identity is what the caller proves and not what it writes.
 */

#include "base/diag.h"
#include "identity/key.h"

#define CSR_BYTES_MAX 16384

/* Appends a request as PEM, signed with the key. It names the SPIFFE ID for the sake of
 * authorities that want to see it there. */
must_check int csr_append(const struct key *k, struct str spiffe_id, struct buf *out);

/*
 * The public key of a request, after its own signature was checked. The text is one PEM block.
 * ERR_LIMIT over CSR_BYTES_MAX; ERR_SYNTAX; ERR_DENIED when the signature is not by the key;
 * ERR_UNSUPPORTED for other kinds of keys. `d` has the sentence for the caller.
 */
must_check int csr_read(struct str pem, struct key **ret_key, struct diag *d);
