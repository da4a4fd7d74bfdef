#include "fuzz.h"

/*
 * A signing request is taken or refused with a sentence, as the text that it is and as the
 * bytes inside of it. Who can read it again gets the same answer.
 */

#include <assert.h>

#include "codec/base64.h"
#include "identity/csr.h"

static int read(struct str pem)
{
	struct diag d = DIAG_INIT;
	struct key *k = NULL;
	int r = csr_read(pem, &k, &d);

	assert((r == 0) == (k != NULL));
	assert((r == 0) == (d.text == NULL));
	key_free(k);
	diag_fini(&d);
	return r;
}

/* As PEM, so that the fuzzer need not find base64. */
static void wrap(struct str der, struct buf *out)
{
	struct buf body = BUF_INIT(0);
	struct str rest;

	base64_encode(der, BASE64_STANDARD, &body);
	buf_append_str(out, STR("-----BEGIN CERTIFICATE REQUEST-----\n"));
	for (rest = buf_str(&body); rest.len > 0; rest = str_slice(rest, 64, rest.len)) {
		buf_append_str(out, str_slice(rest, 0, 64));
		buf_append_char(out, '\n');
	}
	buf_append_str(out, STR("-----END CERTIFICATE REQUEST-----\n"));
	buf_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_of((const char *)data, size);
	struct buf pem = BUF_INIT(0);
	int r = read(input);

	assert(read(input) == r);
	wrap(input, &pem);
	read(buf_str(&pem));
	buf_fini(&pem);
	return 0;
}
