#pragma once

/*
 * Keys
 *
 * Our own are P-256 and made where they are used. A key read from a request holds its public
 * half alone, and only kinds that are worth a certificate are taken: P-256, P-384 and RSA of
 * 2048 to 8192 bits.
 */

#include <stddef.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

#define KEY_PEM_BYTES_MAX 16384

/* OpenSSL's own inside; see identity/openssl.h. */
struct key;

/* A new private key. ERR_UNAVAILABLE when the system's random generator fails. */
must_check int key_new(struct key **ret_key);
/* A private key from PEM, without a passphrase. ERR_SYNTAX. */
must_check int key_read(struct str pem, struct key **ret_key);
/* Accepts NULL; returns NULL. */
struct key *key_free(struct key *k);
DEFINE_CLEANUP(struct key *, key_free)

/* Appends the private key as PEM (PKCS#8). Whoever holds the text wipes it: key_wipe(). */
void key_append_pem(const struct key *k, struct buf *out);

/* Frees a buffer that held a key so that nothing of it stays in memory. */
void key_wipe(struct buf *b);
