#pragma once

/*
 * OpenSSL's objects, for the files that make and read certificates
 *
 * Cleanups, PEM in and out. Included by .c files of identity and of the authority in control
 * alone: no other header shows a type of OpenSSL (src/net keeps its own in net/tls_private.h).
 */

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "identity/key.h"

struct key {
	EVP_PKEY *pkey; /* private, or public alone */
};

/* Takes the key. */
struct key *key_new_take(EVP_PKEY *pkey);

static inline void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static inline void pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static inline void x509_freep(X509 **x)
{
	X509_free(*x);
}

static inline void x509_name_freep(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static inline void x509_stack_freep(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

/* A reader of the text, which must outlive it. */
BIO *pem_open(struct str text);

/* For every reader of keys: refuses those with a passphrase, for which OpenSSL would ask on the
 * terminal. */
int pem_no_passphrase(char *memory, int size, int writing, void *user);

/*
 * All certificates of a text, in order; *ret_stack is the caller's. ERR_SYNTAX when there is
 * none or one is damaged, ERR_LIMIT when there are more than count_max.
 */
must_check int pem_read_certificates(struct str text, int count_max, STACK_OF(X509) * *ret_stack);

/* Appends a certificate as PEM. */
void pem_append_certificate(X509 *x, struct buf *out);
