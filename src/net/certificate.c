#include "net/certificate.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/mem.h"
#include "net/tls_private.h"

#define NS_PER_SECOND  1000000000
#define NAME_BYTES_MAX 4096

static void general_names_freep(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static int read_serial(X509 *x, struct certificate *c)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *text = number ? BN_bn2hex(number) : NULL;
	struct str copy = STR_EMPTY;

	if (text) {
		copy = pool_strdup(&c->pool, str_from(text));
		for (size_t i = 0; i < copy.len; i++)
			((char *)copy.ptr)[i] = char_lower(copy.ptr[i]);
	}
	OPENSSL_free(text);
	BN_free(number);
	c->serial = copy;
	return text ? 0 : ERR_SYNTAX;
}

static int read_name(const X509_NAME *name, struct certificate *c, struct str *ret_text)
{
	cleanup(bio_freep) BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!out || X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) < 0)
		return ERR_SYNTAX;
	len = BIO_get_mem_data(out, &text);
	if (len > NAME_BYTES_MAX)
		return ERR_LIMIT;
	*ret_text = pool_strdup(&c->pool, str_of(text, (size_t)len));
	return 0;
}

static int read_time(const ASN1_TIME *t, struct wall_time *ret_time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return ERR_SYNTAX;
	/* Years far away saturate: 292 years fit. */
	int64_t seconds = timegm(&tm);

	seconds = min_of(seconds, INT64_MAX / NS_PER_SECOND);
	seconds = max_of(seconds, INT64_MIN / NS_PER_SECOND);
	ret_time->ns = seconds * NS_PER_SECOND;
	return 0;
}

/* One kind of a certificate's names; `capacity` is the number of its names of all kinds. */
struct names {
	struct str *items;
	uint32_t count;
	uint32_t capacity;
};

/* ERR_LIMIT for too many; names with a zero byte are an attack, never a name. */
static int add_name(struct certificate *c, struct names *names, struct str text)
{
	if (memchr(text.ptr, 0, text.len))
		return ERR_SYNTAX;
	if (names->count == names->capacity)
		return ERR_LIMIT;
	if (!names->items)
		names->items = pool_new_array(&c->pool, struct str, names->capacity);
	names->items[names->count++] = pool_strdup(&c->pool, text);
	return 0;
}

static struct str string_of(const ASN1_STRING *s)
{
	return str_of((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static int add_ip(struct certificate *c, struct names *ips, struct str bytes)
{
	char text[INET6_ADDRSTRLEN];

	if (bytes.len != 4 && bytes.len != 16)
		return ERR_SYNTAX;
	inet_ntop(bytes.len == 4 ? AF_INET : AF_INET6, bytes.ptr, text, sizeof(text));
	return add_name(c, ips, str_from(text));
}

static int read_sans(X509 *x, struct certificate *c)
{
	cleanup(general_names_freep) GENERAL_NAMES *names =
		X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	uint32_t capacity =
		names ? (uint32_t)min_of(sk_GENERAL_NAME_num(names), CERTIFICATE_NAMES_MAX) : 0;
	struct names uris = { .capacity = capacity }, dns = uris, ips = uris;
	int r = 0;

	if (!names && X509_get_ext_by_NID(x, NID_subject_alt_name, -1) >= 0)
		return ERR_SYNTAX;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && r == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_URI)
			r = add_name(c, &uris, string_of(name->d.uniformResourceIdentifier));
		else if (name->type == GEN_DNS)
			r = add_name(c, &dns, string_of(name->d.dNSName));
		else if (name->type == GEN_IPADD)
			r = add_ip(c, &ips, string_of(name->d.iPAddress));
	}
	c->uri_sans = uris.items;
	c->uri_san_count = uris.count;
	c->dns_sans = dns.items;
	c->dns_san_count = dns.count;
	c->ip_sans = ips.items;
	c->ip_san_count = ips.count;
	return r;
}

static bool may_sign_certificates(X509 *x)
{
	uint32_t flags = X509_get_extension_flags(x);

	return (flags & EXFLAG_CA) ||
	       ((flags & EXFLAG_KUSAGE) && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN));
}

int certificate_from_x509(X509 *x, struct certificate **ret_certificate)
{
	cleanup(certificate_freep) struct certificate *c = mem_new(struct certificate);
	int r;

	pool_init(&c->pool, 1024);
	r = read_serial(x, c);
	if (r == 0)
		r = read_name(X509_get_subject_name(x), c, &c->subject);
	if (r == 0)
		r = read_name(X509_get_issuer_name(x), c, &c->issuer);
	if (r == 0)
		r = read_time(X509_get0_notBefore(x), &c->not_before);
	if (r == 0)
		r = read_time(X509_get0_notAfter(x), &c->not_after);
	if (r == 0)
		r = read_sans(x, c);
	if (r < 0)
		return r;

	c->is_ca = may_sign_certificates(x);
	*ret_certificate = TAKE(c);
	return 0;
}

int certificate_read(struct str pem, struct certificate **ret_certificate)
{
	cleanup(bio_freep) BIO *in = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
	X509 *x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	int r = x ? certificate_from_x509(x, ret_certificate) : ERR_SYNTAX;

	X509_free(x);
	return r;
}

struct certificate *certificate_free(struct certificate *c)
{
	if (c)
		pool_fini(&c->pool);
	return mem_free(c);
}

struct str certificate_spiffe_id(const struct certificate *c)
{
	return c->uri_san_count == 1 ? c->uri_sans[0] : STR_EMPTY;
}
