#pragma once

/*
 * Signing requests for tests, of every kind of key
 */

#include <openssl/evp.h>

/* A request as PEM for mem_free(). The key is freed. `signer` NULL: signed by its own key. */
char *test_csr_take(EVP_PKEY *key, EVP_PKEY *signer);
/* A P-256 key whose curve is spelled out instead of named. */
EVP_PKEY *test_explicit_curve_key(void);
