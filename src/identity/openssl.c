#include "identity/openssl.h"

#include <assert.h>

#include <openssl/err.h>
#include <openssl/pem.h>

BIO *pem_open(struct str text)
{
	return BIO_new_mem_buf(text.ptr ? text.ptr : "", (int)text.len);
}

int pem_no_passphrase(char *memory unused_arg, int size unused_arg, int writing unused_arg,
		      void *user unused_arg)
{
	return -1;
}

/* At the end of the text the reader says "no start line"; everything else is damage. */
static bool at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int read_into(BIO *in, int count_max, STACK_OF(X509) * stack)
{
	for (;;) {
		X509 *x = PEM_read_bio_X509(in, NULL, pem_no_passphrase, NULL);

		if (!x)
			return sk_X509_num(stack) > 0 && at_end() ? 0 : ERR_SYNTAX;
		if (sk_X509_num(stack) == count_max) {
			X509_free(x);
			return ERR_LIMIT;
		}
		if (sk_X509_push(stack, x) <= 0)
			abort();
	}
}

int pem_read_certificates(struct str text, int count_max, STACK_OF(X509) * *ret_stack)
{
	cleanup(bio_freep) BIO *in = pem_open(text);
	cleanup(x509_stack_freep) STACK_OF(X509) *stack = sk_X509_new_null();
	int r;

	ERR_clear_error();
	r = in && stack ? read_into(in, count_max, stack) : ERR_UNAVAILABLE;
	ERR_clear_error();
	if (r < 0)
		return r;
	*ret_stack = TAKE(stack);
	return 0;
}

void pem_append_certificate(X509 *x, struct buf *out)
{
	cleanup(bio_freep) BIO *b = BIO_new(BIO_s_mem());
	char *bytes;

	/* Into memory this fails for want of memory alone. */
	if (!b || PEM_write_bio_X509(b, x) != 1)
		abort();

	long len = BIO_get_mem_data(b, &bytes);

	buf_append(out, bytes, (size_t)len);
}
