#include "model/secret.h"

#include "model/compile.h"
#include "model/tls_settings.h"

/* Names to compare belong to the context that uses the anchor, not to the secret. */
static int trust_compile(struct compile *c, const struct pb_message *m, struct secret *s)
{
	if (pb_count(m, PB_CertificateValidationContext_match_typed_subject_alt_names) > 0)
		return pb_fail_field(
			c->d, m, PB_CertificateValidationContext_match_typed_subject_alt_names,
			ERR_UNSUPPORTED, "is not supported in a secret: set it in the TLS context");
	if (!pb_has(m, PB_CertificateValidationContext_trusted_ca))
		return pb_fail_field(c->d, m, PB_CertificateValidationContext_trusted_ca,
				     ERR_CONFIG, "is missing");
	return tls_trust_compile(c, m, &s->trust_pem);
}

int secret_compile(struct compile *c, const struct pb_message *m, struct part *p)
{
	struct secret *s = secret_of(p);
	struct tls_settings check = { 0 };
	int r;

	p->name = pb_text(m, PB_Secret_name);
	if (pb_has(m, PB_Secret_tls_certificate))
		r = tls_certificate_compile(c, pb_sub(m, PB_Secret_tls_certificate),
					    &s->certificate_pem, &s->key_pem);
	else
		r = trust_compile(c, pb_sub(m, PB_Secret_validation_context), s);
	if (r < 0)
		return r;
	check.certificate_pem = s->certificate_pem;
	check.key_pem = s->key_pem;
	check.trust_pem = s->trust_pem;
	return tls_pem_check(c, m, &check);
}
