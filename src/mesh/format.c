#include "mesh/format.h"

#include "message/spiffe.h"

#define LABEL     "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
#define LABEL_KEY "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return char_lower(c) >= 'a' && char_lower(c) <= 'z';
}

static bool is_word(char c)
{
	return is_letter(c) || is_digit(c);
}

/* Every byte is a letter, a digit or in `also`. */
static bool all_of(struct str s, const char *also)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_word(s.ptr[i]) && !(s.ptr[i] && strchr(also, s.ptr[i])))
			return false;
	return true;
}

static bool ends_are_words(struct str s)
{
	return s.len > 0 && is_word(s.ptr[0]) && is_word(s.ptr[s.len - 1]);
}

static bool any_valid(struct str s)
{
	(void)s;
	return true;
}

static bool dns_name_valid(struct str s)
{
	struct str rest = s;
	struct str label;

	if (s.len == 0 || s.ptr[s.len - 1] == '.')
		return false;
	while (str_split(&rest, '.', &label))
		if (!name_is_dns_label(label))
			return false;
	return true;
}

static bool name_or_star_valid(struct str s)
{
	return str_eq(s, STR("*")) || name_is_dns_label(s);
}

static bool hostname_valid(struct str s)
{
	return dns_name_valid(str_has_prefix(s, STR("*.")) ? str_slice(s, 2, s.len) : s);
}

static bool group_valid(struct str s)
{
	return s.len == 0 || dns_name_valid(s);
}

static bool kind_valid(struct str s)
{
	return s.len > 0 && is_letter(s.ptr[0]) && ends_are_words(s) && all_of(s, "-");
}

static bool port_name_valid(struct str s)
{
	bool letter = false;

	for (size_t i = 0; i < s.len; i++) {
		letter = letter || is_letter(s.ptr[i]);
		if (s.ptr[i] != char_lower(s.ptr[i]))
			return false;
		if (s.ptr[i] == '-' && i > 0 && s.ptr[i - 1] == '-')
			return false;
	}
	return letter && ends_are_words(s) && all_of(s, "-");
}

static bool label_value_valid(struct str s)
{
	return s.len == 0 || (s.len <= 63 && ends_are_words(s) && all_of(s, "-_."));
}

static bool label_key_valid(struct str s)
{
	size_t slash = str_find(s, 0, '/');
	struct str name = slash < s.len ? str_slice(s, slash + 1, s.len) : s;

	if (slash < s.len && !dns_name_valid(str_slice(s, 0, slash)))
		return false;
	return name.len > 0 && label_value_valid(name);
}

static bool token_valid(struct str s)
{
	return s.len > 0 && all_of(s, "!#$%&'*+-.^_`|~");
}

/* RFC 9110 §5.5: no control characters but tabs, no white space at the ends. */
static bool header_value_valid(struct str s)
{
	struct str inside = str_trim(s);

	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	return inside.len == s.len;
}

static bool not_empty(struct str s)
{
	return s.len > 0 && header_value_valid(s);
}

static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.len <= s.len; i++)
		if (str_has_prefix(str_slice(s, i, s.len), part))
			return true;
	return false;
}

/* What a URI's path may hold as it stands, RFC 3986 §3.3. */
static bool path_chars_valid(struct str s)
{
	return all_of(s, "/-._~!$&'()*+,;=:@%");
}

static bool path_valid(struct str s)
{
	static const struct str refused[] = { STR_INIT("//"), STR_INIT("/./"), STR_INIT("/../"),
					      STR_INIT("%2f"), STR_INIT("%2F") };

	if (s.len == 0 || s.ptr[0] != '/' || !path_chars_valid(s))
		return false;
	for (size_t i = 0; i < array_count(refused); i++)
		if (contains(s, refused[i]))
			return false;
	return !str_has_suffix(s, STR("/.")) && !str_has_suffix(s, STR("/.."));
}

static bool path_edit_valid(struct str s)
{
	return path_chars_valid(s);
}

static bool user_valid(struct str s)
{
	return s.len > 0 && s.ptr[0] != '-' && all_of(s, "-_.$@");
}

static bool app_protocol_valid(struct str s)
{
	return s.len > 0 && all_of(s, "-_./");
}

// clang-format off
const struct format format_any = { "text", NULL, 4096, any_valid };
const struct format format_dns_label = {
	"a DNS label (lower-case letters, digits and -, at most 63)", "^" LABEL "$", 63,
	name_is_dns_label
};
const struct format format_dns_name = {
	"a DNS name (lower-case letters, digits, - and ., at most 253)",
	"^" LABEL "(\\." LABEL ")*$", 253, dns_name_valid
};
const struct format format_name_or_star = {
	"a DNS label (lower-case letters, digits and -, at most 63) or \"*\"",
	"^(\\*|" LABEL ")$", 63, name_or_star_valid
};
const struct format format_hostname = {
	"a host name (lower-case letters, digits, - and .; may begin with \"*.\")",
	"^(\\*\\.)?" LABEL "(\\." LABEL ")*$", 253, hostname_valid
};
const struct format format_group = {
	"an API group (a DNS name, or \"\" for Services)", "^(" LABEL "(\\." LABEL ")*)?$", 253,
	group_valid
};
const struct format format_kind = {
	"a kind (letters, digits and -)", "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", 63, kind_valid
};
const struct format format_port_name = {
	"a port name (lower-case letters, digits and single -, with a letter, at most 15)",
	"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 15, port_name_valid
};
const struct format format_label_key = {
	"a label key (letters, digits, -, _ and ., at most 63, with an optional \"DNS name/\")",
	"^(" LABEL "(\\." LABEL ")*/)?" LABEL_KEY "$", 317, label_key_valid
};
const struct format format_label_value = {
	"a label value (letters, digits, -, _ and ., at most 63)", "^(" LABEL_KEY ")?$", 63,
	label_value_valid
};
const struct format format_annotation = { "text", NULL, 256 * 1024, any_valid };
const struct format format_header_name = {
	"a header name (letters, digits and !#$%&'*+-.^_`|~)", "^[-A-Za-z0-9!#$%&'*+.^_`|~]+$", 256,
	token_valid
};
const struct format format_header_value = {
	"a header value (without control characters or spaces at the ends)", NULL, 4096, not_empty
};
const struct format format_query_name = {
	"the name of a query parameter (letters, digits and !#$%&'*+-.^_`|~)",
	"^[-A-Za-z0-9!#$%&'*+.^_`|~]+$", 256, token_valid
};
const struct format format_query_value = {
	"the value of a query parameter, decoded", NULL, 1024, not_empty
};
const struct format format_path = {
	"a path (begins with /, without //, /./, /../ or %2F)", "^/", 1024, path_valid
};
const struct format format_path_edit = {
	"a path (letters, digits and /-._~!$&'()*+,;=:@%)", "^[-A-Za-z0-9/._~!$&'()*+,;=:@%]*$", 1024,
	path_edit_valid
};
const struct format format_trust_domain = {
	"a trust domain (lower-case letters, digits, -, _ and .)", "^[a-z0-9._-]+$", 255,
	spiffe_trust_domain_valid
};
const struct format format_user = {
	"the name of a user or group of the system", "^[A-Za-z0-9_.$@][-A-Za-z0-9_.$@]*$", 255,
	user_valid
};
const struct format format_app_protocol = {
	"a protocol (http, tcp, kubernetes.io/h2c)", "^[-A-Za-z0-9_./]+$", 253, app_protocol_valid
};
const struct format format_locality = {
	"a region or zone (letters, digits, -, _ and ., at most 63)", "^" LABEL_KEY "$", 63,
	label_value_valid
};
// clang-format on

bool format_fits(const struct format *f, struct str text)
{
	return text.len <= f->len_max && f->valid(text);
}
