#include "identity/key.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "base/mem.h"
#include "identity/openssl.h"

struct key *key_new_take(EVP_PKEY *pkey)
{
	struct key *k = mem_new(struct key);

	assert(pkey);
	k->pkey = pkey;
	return k;
}

int key_new(struct key **ret_key)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	ERR_clear_error();
	if (!pkey)
		return ERR_UNAVAILABLE;
	*ret_key = key_new_take(pkey);
	return 0;
}

int key_read(struct str pem, struct key **ret_key)
{
	cleanup(bio_freep) BIO *in = pem_open(pem);
	EVP_PKEY *pkey = in ? PEM_read_bio_PrivateKey(in, NULL, pem_no_passphrase, NULL) : NULL;

	ERR_clear_error();
	if (!pkey)
		return ERR_SYNTAX;
	*ret_key = key_new_take(pkey);
	return 0;
}

struct key *key_free(struct key *k)
{
	if (k)
		EVP_PKEY_free(k->pkey);
	return mem_free(k);
}

void key_append_pem(const struct key *k, struct buf *out)
{
	/* Secure memory is wiped when it is freed. */
	cleanup(bio_freep) BIO *b = BIO_new(BIO_s_secmem());
	char *bytes;

	if (!b || PEM_write_bio_PKCS8PrivateKey(b, k->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		abort();

	long len = BIO_get_mem_data(b, &bytes);

	buf_append(out, bytes, (size_t)len);
}

void key_wipe(struct buf *b)
{
	if (b->memory)
		OPENSSL_cleanse(b->memory, b->capacity);
	buf_fini(b);
}
