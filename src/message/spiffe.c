/*
 * The SPIFFE ID standard, section 2, as code. Percent-encoding is not part of it, so every
 * ID has one spelling and identities may be compared as bytes.
 */

#include "message/spiffe.h"

#include "base/error.h"

#define TRUST_DOMAIN_BYTES_MAX 255
#define DNS_LABEL_BYTES_MAX    63

static const struct str scheme = STR_INIT("spiffe://");

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_trust_domain_char(char c)
{
	return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-';
}

static bool is_segment_char(char c)
{
	return is_trust_domain_char(c) || (c >= 'A' && c <= 'Z');
}

bool spiffe_trust_domain_valid(struct str name)
{
	if (name.len == 0 || name.len > TRUST_DOMAIN_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_trust_domain_char(name.ptr[i]))
			return false;
	return true;
}

static bool segment_is_valid(struct str s)
{
	if (s.len == 0 || str_eq(s, STR(".")) || str_eq(s, STR("..")))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_segment_char(s.ptr[i]))
			return false;
	return true;
}

/* The next "/segment" off the front of *rest. */
static bool take_segment(struct str *rest, struct str *ret_segment)
{
	size_t end;

	if (rest->len == 0 || rest->ptr[0] != '/')
		return false;
	end = str_find(*rest, 1, '/');
	*ret_segment = str_slice(*rest, 1, end);
	*rest = str_slice(*rest, end, rest->len);
	return segment_is_valid(*ret_segment);
}

/* Sets name_space and account where the path is /ns/N/sa/A. */
static void read_workload_path(struct spiffe_id *id)
{
	struct str rest = id->path, ns, name_space, sa, account;

	if (!take_segment(&rest, &ns) || !take_segment(&rest, &name_space) ||
	    !take_segment(&rest, &sa) || !take_segment(&rest, &account) || rest.len)
		return;
	if (!str_eq(ns, STR("ns")) || !str_eq(sa, STR("sa")))
		return;
	id->name_space = name_space;
	id->account = account;
}

int spiffe_id_parse(struct str text, struct spiffe_id *ret_id)
{
	struct spiffe_id id = { 0 };
	struct str rest, segment;
	size_t slash;

	if (text.len > SPIFFE_ID_BYTES_MAX)
		return ERR_LIMIT;
	if (!str_has_prefix(text, scheme))
		return ERR_SYNTAX;

	slash = str_find(text, scheme.len, '/');
	id.trust_domain = str_slice(text, scheme.len, slash);
	id.path = str_slice(text, slash, text.len);
	if (!spiffe_trust_domain_valid(id.trust_domain))
		return ERR_SYNTAX;

	for (rest = id.path; rest.len;)
		if (!take_segment(&rest, &segment))
			return ERR_SYNTAX;

	read_workload_path(&id);
	*ret_id = id;
	return 0;
}

bool name_is_dns_label(struct str name)
{
	if (name.len == 0 || name.len > DNS_LABEL_BYTES_MAX)
		return false;
	if (name.ptr[0] == '-' || name.ptr[name.len - 1] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_lower_or_digit(name.ptr[i]) && name.ptr[i] != '-')
			return false;
	return true;
}
