#include "model/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

/* Of what is wrong; names in it are cut. */
#define MESSAGE_BYTES_MAX 512

int compile_fail_at(struct compile *c, const struct pb_message *m, unsigned field, uint32_t index,
		    const char *format, ...)
{
	char text[MESSAGE_BYTES_MAX];
	va_list args;
	char *path;

	if (c->d->error)
		return ERR_CONFIG;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)pb_fail_field(c->d, m, field, ERR_CONFIG, "%s", text);
	path = mem_printf("%s[%u]", c->d->path, index);
	mem_free(c->d->path);
	c->d->path = path;
	return ERR_CONFIG;
}

void compile_warn(struct compile *c, const struct pb_message *m, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	if (c->report->warnings++ > 0)
		return;
	pb_path(m, &text);
	if (buf_len(&text) > 0)
		buf_append_str(&text, STR(": "));
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	snprintf(c->report->first_warning, sizeof(c->report->first_warning), "%.*s",
		 STR_ARGS(buf_str(&text)));
	buf_fini(&text);
}

struct str compile_lower(struct compile *c, struct str s)
{
	char *copy = pool_alloc(c->pool, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = char_lower(s.ptr[i]);
	copy[s.len] = '\0';
	return str_of(copy, s.len);
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool compile_is_header_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char(s.ptr[i]))
			return false;
	return s.len > 0;
}

bool compile_is_header_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

int compile_duration(struct compile *c, const struct pb_message *m, unsigned field,
		     struct duration absent, struct duration *ret_duration)
{
	struct duration d = pb_duration(m, field, absent);

	if (pb_has(m, field) && d.ns < 0)
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "must not be negative");
	*ret_duration = d;
	return 0;
}

static int socket_address(struct compile *c, const struct pb_message *m,
			  struct address *ret_address)
{
	struct str ip = pb_text(m, PB_SocketAddress_address);

	if (address_from_ip(ip, (uint16_t)pb_number(m, PB_SocketAddress_port_value), ret_address) <
	    0)
		return pb_fail_field(c->d, m, PB_SocketAddress_address, ERR_CONFIG,
				     "\"%.*s\" is not an IP address: names are not resolved yet",
				     STR_ARGS(ip));
	return 0;
}

static int pipe_address(struct compile *c, const struct pb_message *m, struct address *ret_address)
{
	struct str path = pb_text(m, PB_Pipe_path);

	if (address_from_unix(path, ret_address) < 0)
		return pb_fail_field(c->d, m, PB_Pipe_path, ERR_LIMIT,
				     "the path of a Unix socket has at most 107 bytes");
	return 0;
}

int compile_address(struct compile *c, const struct pb_message *m, unsigned field,
		    struct address *ret_address)
{
	const struct pb_message *address = pb_sub(m, field);
	const struct pb_message *ip = pb_sub(address, PB_Address_socket_address);

	if (!address)
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "is missing");
	if (ip)
		return socket_address(c, ip, ret_address);
	return pipe_address(c, pb_sub(address, PB_Address_pipe), ret_address);
}

/* Reads from fd until its end; -EFBIG when that is not reached within `size` bytes. */
static int read_whole(int fd, char *memory, size_t size, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = fault_point("compile.read");

		if (n == 0)
			n = read(fd, memory + len, size - len);
		else
			errno = (int)-n;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			*ret_len = len;
			return 0;
		}
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
	}
}

/* Only a regular file: a pipe would let whoever compiles wait. */
static int file_open(const char *name, int *ret_fd)
{
	struct stat status;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	*ret_fd = fd;
	return 0;
}

static int file_read(struct compile *c, struct str path, size_t bytes_max, struct str *ret_data)
{
	struct str name = pool_strdup(c->scratch, path);
	char *memory;
	size_t len = 0;
	int fd = -1, r;

	r = file_open(name.ptr, &fd);
	if (r < 0)
		return r;
	memory = mem_alloc(bytes_max + 1);
	r = read_whole(fd, memory, bytes_max + 1, &len);
	close(fd);
	if (r == 0)
		*ret_data = pool_strdup(c->pool, str_of(memory, len));
	mem_free(memory);
	return r;
}

int compile_data(struct compile *c, const struct pb_message *m, unsigned field, size_t bytes_max,
		 struct str *ret_data)
{
	const struct pb_message *source = pb_sub(m, field);
	struct str path = pb_text(source, PB_DataSource_filename);
	struct str data = pb_text(source, PB_DataSource_inline_string);
	int r;

	if (source && pb_has(source, PB_DataSource_filename)) {
		r = file_read(c, path, bytes_max, &data);
		if (r == -EFBIG)
			return pb_fail_field(c->d, m, field, ERR_LIMIT,
					     "%.*s is longer than %zu bytes", STR_ARGS(path),
					     bytes_max);
		if (r == -EINVAL)
			return pb_fail_field(c->d, m, field, ERR_CONFIG,
					     "%.*s is not a regular file", STR_ARGS(path));
		if (r < 0)
			return pb_fail_field(c->d, m, field, r, "cannot read %.*s: %s",
					     STR_ARGS(path), err_text(r));
	} else if (source && pb_has(source, PB_DataSource_inline_bytes)) {
		data = pb_text(source, PB_DataSource_inline_bytes);
	}
	if (data.len > bytes_max)
		return pb_fail_field(c->d, m, field, ERR_LIMIT, "is longer than %zu bytes",
				     bytes_max);
	*ret_data = data;
	return 0;
}

int compile_text_match(struct compile *c, const struct pb_message *m, struct text_match *ret_match)
{
	static const struct {
		unsigned field;
		enum text_match_kind kind;
	} kinds[] = {
		{ PB_StringMatcher_exact, TEXT_MATCH_EXACT },
		{ PB_StringMatcher_prefix, TEXT_MATCH_PREFIX },
		{ PB_StringMatcher_suffix, TEXT_MATCH_SUFFIX },
		{ PB_StringMatcher_contains, TEXT_MATCH_CONTAINS },
	};

	for (size_t i = 0; i < array_count(kinds); i++) {
		struct str value = pb_text(m, kinds[i].field);

		if (!pb_has(m, kinds[i].field))
			continue;
		if (value.len == 0 && kinds[i].kind != TEXT_MATCH_EXACT)
			return pb_fail_field(c->d, m, kinds[i].field, ERR_CONFIG,
					     "must not be empty: it would match anything");
		*ret_match = (struct text_match){ .kind = kinds[i].kind,
						  .ignore_case =
							  pb_bool(m, PB_StringMatcher_ignore_case),
						  .value = value };
		return 0;
	}
	return pb_fail(c->d, m, ERR_CONFIG, "says nothing to match");
}

int compile_ads(struct compile *c, const struct pb_message *m, unsigned field)
{
	if (!pb_has(pb_sub(m, field), PB_ConfigSource_ads))
		return pb_fail_field(c->d, m, field, ERR_UNSUPPORTED,
				     "only `ads: {}` is supported as a source");
	return 0;
}

struct str compile_fact(const struct pb_message *metadata, const char *key)
{
	const struct pb_message *reader =
		pb_entry(metadata, PB_Metadata_filter_metadata, STR("weft.dev"));
	const struct pb_message *facts = pb_sub(reader, PB_Metadata_FilterMetadataEntry_value);
	const struct pb_message *fact = pb_entry(facts, PB_Struct_fields, str_from(key));

	return pb_text(pb_sub(fact, PB_Struct_FieldsEntry_value), PB_Value_string_value);
}

const struct pb_desc *compile_any_type(const struct pb_message *m, unsigned field)
{
	return pb_desc_by_type_url(pb_text(pb_sub(m, field), PB_Any_type_url));
}

int compile_any(struct compile *c, const struct pb_message *m, unsigned field,
		struct pb_message **ret_message)
{
	if (!pb_has(m, field))
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "is missing");
	return pb_open_any(pb_sub(m, field), c->scratch, ret_message, c->report, c->d);
}

const struct extension *compile_extension(const struct extension *table, size_t count,
					  const struct pb_message *m, unsigned field)
{
	const struct pb_desc *type = compile_any_type(m, field);

	for (size_t i = 0; i < count; i++)
		if (type && table[i].type == type)
			return &table[i];
	return NULL;
}

int compile_unsupported(struct compile *c, const struct pb_message *m, unsigned name,
			unsigned config, const char *what)
{
	struct str type = pb_text(pb_sub(m, config), PB_Any_type_url);
	size_t slash = str_find(type, 0, '/');

	if (type.len == 0)
		return pb_fail_field(c->d, m, config, ERR_CONFIG,
				     "is missing: its \"@type\" says which %s it is", what);
	return pb_fail_field(
		c->d, m, config, ERR_UNSUPPORTED, "%s \"%.*s\" of type %.*s is not supported", what,
		STR_ARGS(pb_text(m, name)), STR_ARGS(str_slice(type, slash + 1, type.len)));
}
