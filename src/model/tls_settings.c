/*
 * Everything in a TLS context decides who is let in or believed, so nothing is skipped. What
 * was not understood was refused when the message was decoded; here is refused what is
 * understood and would not protect: names to compare without an anchor to trust, a client
 * certificate that is asked for and never verified.
 */

#include "model/tls_settings.h"

#include "model/compile.h"
#include "net/tls.h"

#define VERSION_MIN_ABSENT  TLS_VERSION_1_2
#define VERSION_MAX_ABSENT  TLS_VERSION_1_3

/* Longest protocol name and longest list (RFC 7301 §3.1). */
#define ALPN_NAME_BYTES_MAX 255
#define ALPN_BYTES_MAX      65535

static int versions_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	static const uint16_t versions[] = {
		[PB_TlsParameters_TlsProtocol_TLS_AUTO] = 0,
		[PB_TlsParameters_TlsProtocol_TLSv1_2] = TLS_VERSION_1_2,
		[PB_TlsParameters_TlsProtocol_TLSv1_3] = TLS_VERSION_1_3,
	};
	const struct pb_message *p = pb_sub(m, PB_CommonTlsContext_tls_params);

	t->version_min = versions[pb_number(p, PB_TlsParameters_tls_minimum_protocol_version)];
	t->version_max = versions[pb_number(p, PB_TlsParameters_tls_maximum_protocol_version)];
	if (!t->version_min)
		t->version_min = VERSION_MIN_ABSENT;
	if (!t->version_max)
		t->version_max = VERSION_MAX_ABSENT;
	if (t->version_min > t->version_max)
		return pb_fail_field(c->d, p, PB_TlsParameters_tls_maximum_protocol_version,
				     ERR_CONFIG, "is older than tls_minimum_protocol_version");
	return 0;
}

static int alpn_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	size_t total = 0;

	t->alpn_count = pb_count(m, PB_CommonTlsContext_alpn_protocols);
	t->alpn = pool_new_array(c->pool, struct str, t->alpn_count);
	for (uint32_t i = 0; i < t->alpn_count; i++) {
		t->alpn[i] = pb_text_at(m, PB_CommonTlsContext_alpn_protocols, i);
		total += t->alpn[i].len + 1;
		if (t->alpn[i].len == 0 || t->alpn[i].len > ALPN_NAME_BYTES_MAX ||
		    total > ALPN_BYTES_MAX)
			return compile_fail_at(c, m, PB_CommonTlsContext_alpn_protocols, i,
					       "must have 1 to %d bytes", ALPN_NAME_BYTES_MAX);
	}
	return 0;
}

/* A secret by name: from the proxy's own identity, the bootstrap, or the control plane. */
static int secret_read(struct compile *c, const struct pb_message *m, struct str *ret_name)
{
	*ret_name = pb_text(m, PB_SdsSecretConfig_name);
	if (!pb_has(m, PB_SdsSecretConfig_sds_config))
		return 0;
	return compile_ads(c, m, PB_SdsSecretConfig_sds_config);
}

/* Certificates or a key, from wherever they are. An empty text is no way to say "none". */
static int pem_read(struct compile *c, const struct pb_message *m, unsigned field,
		    struct str *ret_pem)
{
	int r = compile_data(c, m, field, TLS_PEM_BYTES_MAX, ret_pem);

	if (r < 0)
		return r;
	if (pb_has(m, field) && ret_pem->len == 0)
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "is empty");
	return 0;
}

int tls_pem_check(struct compile *c, const struct pb_message *m, const struct tls_settings *t)
{
	/* As a client: a server could not be made before its certificate is there. */
	const struct tls_options options = {
		.role = TLS_CLIENT,
		.certificate_pem = t->certificate_pem,
		.key_pem = t->key_pem,
		.trust_pem = t->trust_pem,
		.verify = t->trust_pem.len > 0 ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE,
		.version_min = t->version_min,
		.version_max = t->version_max,
	};
	struct tls_context *context;
	struct diag reason = DIAG_INIT;
	int r;

	if (t->certificate_pem.len == 0 && t->trust_pem.len == 0)
		return 0;
	r = tls_context_new(&options, &context, &reason);
	if (r == 0)
		tls_context_unref(context);
	else
		(void)pb_fail(c->d, m, ERR_CONFIG, "%s", reason.text ? reason.text : err_text(r));
	diag_fini(&reason);
	return r < 0 ? ERR_CONFIG : 0;
}

int tls_certificate_compile(struct compile *c, const struct pb_message *m,
			    struct str *ret_certificate, struct str *ret_key)
{
	int r;

	if (!pb_has(m, PB_TlsCertificate_certificate_chain))
		return pb_fail_field(c->d, m, PB_TlsCertificate_certificate_chain, ERR_CONFIG,
				     "is missing");
	if (!pb_has(m, PB_TlsCertificate_private_key))
		return pb_fail_field(c->d, m, PB_TlsCertificate_private_key, ERR_CONFIG,
				     "is missing");
	r = pem_read(c, m, PB_TlsCertificate_certificate_chain, ret_certificate);
	if (r < 0)
		return r;
	return pem_read(c, m, PB_TlsCertificate_private_key, ret_key);
}

int tls_trust_compile(struct compile *c, const struct pb_message *m, struct str *ret_trust)
{
	return pem_read(c, m, PB_CertificateValidationContext_trusted_ca, ret_trust);
}

static int own_certificate_read(struct compile *c, const struct pb_message *m,
				struct tls_settings *t)
{
	bool inline_one = pb_count(m, PB_CommonTlsContext_tls_certificates) > 0;
	bool by_name = pb_count(m, PB_CommonTlsContext_tls_certificate_sds_secret_configs) > 0;

	if (inline_one && by_name)
		return pb_fail_field(
			c->d, m, PB_CommonTlsContext_tls_certificates, ERR_CONFIG,
			"stands beside tls_certificate_sds_secret_configs: only one of "
			"them may be set");
	if (by_name)
		return secret_read(
			c, pb_sub_at(m, PB_CommonTlsContext_tls_certificate_sds_secret_configs, 0),
			&t->certificate_secret);
	if (inline_one)
		return tls_certificate_compile(
			c, pb_sub_at(m, PB_CommonTlsContext_tls_certificates, 0),
			&t->certificate_pem, &t->key_pem);
	if (t->downstream)
		return pb_fail_field(c->d, m, PB_CommonTlsContext_tls_certificates, ERR_CONFIG,
				     "a server needs a certificate: set tls_certificates or "
				     "tls_certificate_sds_secret_configs");
	return 0;
}

static int san_read(struct compile *c, const struct pb_message *m, struct san_match *ret_san)
{
	static const struct {
		int64_t number;
		enum san_type type;
	} types[] = {
		{ PB_SubjectAltNameMatcher_SanType_URI, SAN_URI },
		{ PB_SubjectAltNameMatcher_SanType_DNS, SAN_DNS },
		{ PB_SubjectAltNameMatcher_SanType_IP_ADDRESS, SAN_IP },
	};
	int64_t number = pb_number(m, PB_SubjectAltNameMatcher_san_type);

	for (size_t i = 0; i < array_count(types); i++) {
		if (types[i].number != number)
			continue;
		ret_san->type = types[i].type;
		return compile_text_match(c, pb_sub(m, PB_SubjectAltNameMatcher_matcher),
					  &ret_san->text);
	}
	return pb_fail_field(c->d, m, PB_SubjectAltNameMatcher_san_type, ERR_UNSUPPORTED,
			     "%s is not supported yet",
			     pb_enum_name(m, PB_SubjectAltNameMatcher_san_type));
}

/* The checks of a CertificateValidationContext, whose anchor is its own or a secret. */
static int validation_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	int r;

	r = tls_trust_compile(c, m, &t->trust_pem);
	if (r < 0)
		return r;
	t->san_count = pb_count(m, PB_CertificateValidationContext_match_typed_subject_alt_names);
	t->sans = pool_new_array(c->pool, struct san_match, t->san_count);
	for (uint32_t i = 0; i < t->san_count; i++) {
		r = san_read(
			c,
			pb_sub_at(m, PB_CertificateValidationContext_match_typed_subject_alt_names,
				  i),
			&t->sans[i]);
		if (r < 0)
			return r;
	}
	if (t->san_count > 0 && t->trust_pem.len == 0 && t->trust_secret.len == 0)
		return pb_fail_field(c->d, m,
				     PB_CertificateValidationContext_match_typed_subject_alt_names,
				     ERR_CONFIG,
				     "needs trusted_ca: a name in a certificate that nobody "
				     "vouches for means nothing");
	return 0;
}

static int combined_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	const struct pb_message *checks = pb_sub(
		m,
		PB_CommonTlsContext_CombinedCertificateValidationContext_default_validation_context);
	const struct pb_message *secret = pb_sub(
		m,
		PB_CommonTlsContext_CombinedCertificateValidationContext_validation_context_sds_secret_config);
	int r;

	if (pb_has(checks, PB_CertificateValidationContext_trusted_ca))
		return pb_fail_field(c->d, checks, PB_CertificateValidationContext_trusted_ca,
				     ERR_UNSUPPORTED,
				     "stands beside a secret: merging the two is not supported");
	r = secret_read(c, secret, &t->trust_secret);
	return r < 0 ? r : validation_read(c, checks, t);
}

static int trust_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	const struct pb_message *checks = pb_sub(m, PB_CommonTlsContext_validation_context);
	const struct pb_message *secret =
		pb_sub(m, PB_CommonTlsContext_validation_context_sds_secret_config);
	const struct pb_message *both = pb_sub(m, PB_CommonTlsContext_combined_validation_context);
	int r = 0;

	if (secret)
		r = secret_read(c, secret, &t->trust_secret);
	else if (both)
		r = combined_read(c, both, t);
	else if (checks)
		r = validation_read(c, checks, t);
	t->verify_peer = t->trust_secret.len > 0 || t->trust_pem.len > 0;
	return r;
}

static int common_read(struct compile *c, const struct pb_message *m, struct tls_settings *t)
{
	int r;

	r = versions_read(c, m, t);
	if (r < 0)
		return r;
	r = alpn_read(c, m, t);
	if (r < 0)
		return r;
	r = own_certificate_read(c, m, t);
	if (r < 0)
		return r;
	r = trust_read(c, m, t);
	if (r < 0)
		return r;
	return tls_pem_check(c, m, t);
}

static int downstream_read(struct compile *c, const struct pb_message *m, void *object)
{
	struct tls_settings *t = object;
	int r;

	t->downstream = true;
	if (!pb_has(m, PB_DownstreamTlsContext_common_tls_context))
		return pb_fail_field(c->d, m, PB_DownstreamTlsContext_common_tls_context,
				     ERR_CONFIG, "is missing");
	r = common_read(c, pb_sub(m, PB_DownstreamTlsContext_common_tls_context), t);
	if (r < 0)
		return r;
	t->require_client_certificate =
		pb_wrapped_bool(m, PB_DownstreamTlsContext_require_client_certificate, false);
	if (t->require_client_certificate && !t->verify_peer)
		return pb_fail_field(c->d, m, PB_DownstreamTlsContext_require_client_certificate,
				     ERR_CONFIG,
				     "needs a validation context with trusted_ca: without one any "
				     "certificate would do");
	return 0;
}

static int upstream_read(struct compile *c, const struct pb_message *m, void *object)
{
	struct tls_settings *t = object;
	int r;

	t->sni = pb_text(m, PB_UpstreamTlsContext_sni);
	r = common_read(c, pb_sub(m, PB_UpstreamTlsContext_common_tls_context), t);
	if (r < 0)
		return r;
	if (!t->verify_peer)
		compile_warn(
			c, m,
			"the certificate of the endpoint is not verified: no trusted_ca is set");
	return 0;
}

static int raw_buffer_read(struct compile *c, const struct pb_message *m, void *object)
{
	(void)c;
	(void)m;
	(void)object;
	return 0;
}

static const struct extension downstream_sockets[] = {
	{ &pb_DownstreamTlsContext, "envoy.transport_sockets.tls", downstream_read },
	{ &pb_RawBuffer, "envoy.transport_sockets.raw_buffer", raw_buffer_read },
};

static const struct extension upstream_sockets[] = {
	{ &pb_UpstreamTlsContext, "envoy.transport_sockets.tls", upstream_read },
	{ &pb_RawBuffer, "envoy.transport_sockets.raw_buffer", raw_buffer_read },
};

static int socket_compile(struct compile *c, const struct pb_message *socket,
			  const struct extension *row, struct tls_settings **ret_tls)
{
	struct tls_settings *t = pool_new(c->pool, struct tls_settings);
	struct pb_message *config;
	int r;

	if (!row)
		return compile_unsupported(c, socket, PB_TransportSocket_name,
					   PB_TransportSocket_typed_config, "transport socket");
	r = compile_any(c, socket, PB_TransportSocket_typed_config, &config);
	if (r < 0)
		return r;
	r = row->compile(c, config, t);
	if (r < 0)
		return r;
	*ret_tls = row->type == &pb_RawBuffer ? NULL : t;
	return 0;
}

int tls_downstream_compile(struct compile *c, const struct pb_message *m, unsigned field,
			   struct tls_settings **ret_tls)
{
	const struct pb_message *socket = pb_sub(m, field);

	*ret_tls = NULL;
	if (!socket)
		return 0;
	return socket_compile(c, socket,
			      compile_extension(downstream_sockets, array_count(downstream_sockets),
						socket, PB_TransportSocket_typed_config),
			      ret_tls);
}

int tls_upstream_compile(struct compile *c, const struct pb_message *m, unsigned field,
			 struct tls_settings **ret_tls)
{
	const struct pb_message *socket = pb_sub(m, field);

	*ret_tls = NULL;
	if (!socket)
		return 0;
	return socket_compile(c, socket,
			      compile_extension(upstream_sockets, array_count(upstream_sockets),
						socket, PB_TransportSocket_typed_config),
			      ret_tls);
}
