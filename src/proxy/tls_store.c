#include "proxy/tls_store.h"

#include "base/mem.h"

/* A secret that the settings name, or NULL. *ret_missing is set where it is named but absent. */
static struct part *secret_of_name(const struct tls_secrets *secrets, struct str name,
				   bool *ret_missing)
{
	struct part *p;

	if (name.len == 0)
		return NULL;
	p = secrets->find(secrets->user, name);
	if (!p)
		*ret_missing = true;
	return p;
}

static struct str pem_or(struct part *secret, struct str from_secret, struct str inlined)
{
	return secret ? from_secret : inlined;
}

static enum tls_verify verify_of(const struct tls_settings *s)
{
	if (!s->verify_peer)
		return TLS_VERIFY_NONE;
	if (s->downstream && !s->require_client_certificate)
		return TLS_VERIFY_OPTIONAL;
	return TLS_VERIFY_REQUIRED;
}

// clang-format off
static const enum tls_san_type san_types[] = {
	[SAN_URI] = TLS_SAN_URI,
	[SAN_DNS] = TLS_SAN_DNS,
	[SAN_IP]  = TLS_SAN_IP,
};
// clang-format on

static int context_make(struct tls_slot *slot, struct diag *d)
{
	const struct tls_settings *s = slot->settings;
	struct secret *certificate = slot->certificate ? secret_of(slot->certificate) : NULL;
	struct secret *trust = slot->trust ? secret_of(slot->trust) : NULL;
	cleanup(mem_freep) struct tls_san_matcher *sans =
		mem_new_array(struct tls_san_matcher, s->san_count);
	struct tls_options o = {
		.role = s->downstream ? TLS_SERVER : TLS_CLIENT,
		.verify = verify_of(s),
		.version_min = s->version_min,
		.version_max = s->version_max,
		.alpn = s->alpn_count ? s->alpn : slot->alpn,
		.alpn_count = s->alpn_count ? s->alpn_count : slot->alpn_count,
		.sans = sans,
		.san_count = s->san_count,
	};

	for (uint32_t i = 0; i < s->san_count; i++)
		sans[i] = (struct tls_san_matcher){ san_types[s->sans[i].type], s->sans[i].text };
	o.certificate_pem =
		pem_or(slot->certificate, certificate ? certificate->certificate_pem : STR_EMPTY,
		       s->certificate_pem);
	o.key_pem = pem_or(slot->certificate, certificate ? certificate->key_pem : STR_EMPTY,
			   s->key_pem);
	o.trust_pem = pem_or(slot->trust, trust ? trust->trust_pem : STR_EMPTY, s->trust_pem);
	return tls_context_new(&o, &slot->context, d);
}

static bool is_same(const struct tls_slot *a, const struct tls_slot *b)
{
	return a->settings == b->settings && a->certificate == b->certificate &&
	       a->trust == b->trust;
}

/* Rather the certificate of a moment ago than none, as long as it is for the same settings. */
static int keep_before(struct tls_slot *slot, const struct tls_slot *before, int error)
{
	if (before && before->context && before->settings == slot->settings)
		slot->context = tls_context_ref(before->context);
	else
		slot->missing = true;
	return error;
}

int tls_slot_fill(struct tls_slot *slot, const struct tls_settings *settings,
		  const struct tls_slot *before, const struct tls_secrets *secrets, struct diag *d)
{
	int r;

	slot->settings = settings;
	if (!settings)
		return 0;
	slot->certificate = secret_of_name(secrets, settings->certificate_secret, &slot->missing);
	slot->trust = secret_of_name(secrets, settings->trust_secret, &slot->missing);
	if (slot->certificate)
		part_ref(slot->certificate);
	if (slot->trust)
		part_ref(slot->trust);
	if (slot->missing)
		return 0;
	if (before && before->context && is_same(slot, before)) {
		slot->context = tls_context_ref(before->context);
		return 0;
	}
	r = context_make(slot, d);
	return r < 0 ? keep_before(slot, before, r) : 0;
}

void tls_slot_clear(struct tls_slot *slot)
{
	tls_context_unref(slot->context);
	part_unref(slot->certificate);
	part_unref(slot->trust);
	*slot = (struct tls_slot){ 0 };
}

bool tls_settings_use(const struct tls_settings *settings, struct str secret_name)
{
	return settings && (str_eq(settings->certificate_secret, secret_name) ||
			    str_eq(settings->trust_secret, secret_name));
}
