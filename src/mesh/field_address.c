/*
 * Fields that hold ports, addresses and ranges of addresses
 */

#include "mesh/field.h"

#include <assert.h>

static int port_target_read(struct reader *r, const struct field *f unused_arg,
			    const struct node *n, void *ret_value)
{
	struct port_target *target = ret_value;
	uint64_t number;
	int code;

	if (n->kind == NODE_TEXT) {
		code = reader_check_format(r, &format_port_name, n, n->text);
		if (code < 0)
			return code;
		*target = (struct port_target){ .name = n->text };
		return 0;
	}
	if (n->kind != NODE_NUMBER)
		return reader_fail(r, n, CODE_WRONG_TYPE,
				   "expected a port number or name, found a %s",
				   node_kind_text(n->kind));
	code = str_to_u64(n->text, UINT16_MAX, &number);
	if (code < 0 || number == 0)
		return reader_fail(r, n, CODE_BAD_VALUE, "%.*s is not a port (1 to 65535)",
				   STR_ARGS(reader_shown(n->text)));
	*target = (struct port_target){ .number = (uint32_t)number };
	return 0;
}

static void port_target_schema(const struct field *f unused_arg, struct node *schema,
			       struct pool *pool)
{
	struct node *either = node_new(pool, NODE_LIST);
	struct node *number = node_new(pool, NODE_MAP);
	struct node *name = node_new(pool, NODE_MAP);

	schema_set(number, STR("type"), "integer", pool);
	node_map_add(number, STR("minimum"), node_new_number(pool, 1));
	node_map_add(number, STR("maximum"), node_new_number(pool, UINT16_MAX));
	schema_set(name, STR("type"), "string", pool);
	schema_set(name, STR("pattern"), format_port_name.pattern, pool);
	node_list_add(either, number);
	node_list_add(either, name);
	node_map_add(schema, STR("oneOf"), either);
}

const struct field_type field_port_target = {
	.name = "port number or name",
	.read = port_target_read,
	.schema = port_target_schema,
};

static int ip_read(struct reader *r, const struct field *f unused_arg, const struct node *n,
		   void *ret_value)
{
	struct str text;
	int code;

	code = node_read_text(n, &text, r->diag);
	if (code < 0)
		return reader_wrong_type(r, code);
	if (address_from_ip(text, 0, ret_value) < 0)
		return reader_fail(r, n, CODE_BAD_VALUE,
				   "\"%.*s\" is not an IP address (10.0.3.17, fd00::1)",
				   STR_ARGS(reader_shown(text)));
	return 0;
}

static struct node *address_node(const struct address *a, int prefix_bits, struct pool *pool)
{
	struct buf text = BUF_INIT(0);
	struct node *n;

	address_format_ip(a, &text);
	if (prefix_bits >= 0)
		buf_printf(&text, "/%d", prefix_bits);
	n = node_new_text(pool, pool_strdup(pool, buf_str(&text)));
	buf_fini(&text);
	return n;
}

static struct node *ip_canonical(const struct field *f unused_arg, const struct node *n,
				 struct pool *pool)
{
	struct address a;

	if (address_from_ip(n->text, 0, &a) < 0)
		assert(!"it was read as an address before");
	return address_node(&a, -1, pool);
}

static void string_schema(const struct field *f, struct node *schema, struct pool *pool)
{
	schema_set(schema, STR("type"), "string", pool);
	if (f->default_text)
		schema_set(schema, STR("default"), f->default_text, pool);
}

const struct field_type field_ip = {
	.name = "IP address",
	.read = ip_read,
	.canonical = ip_canonical,
	.schema = string_schema,
};

static bool host_bits_are_zero(const struct address *a, uint32_t prefix_bits)
{
	const uint8_t *bytes = a->any.sa_family == AF_INET ? (const uint8_t *)&a->ip4.sin_addr
							   : a->ip6.sin6_addr.s6_addr;
	uint32_t bits = a->any.sa_family == AF_INET ? 32 : 128;

	for (uint32_t i = prefix_bits; i < bits; i++)
		if (bytes[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

static bool range_parse(struct str text, struct address_range *ret_range)
{
	size_t slash = str_find(text, 0, '/');
	struct address_range range = { 0 };
	uint64_t bits;

	if (slash == text.len || address_from_ip(str_slice(text, 0, slash), 0, &range.base) < 0)
		return false;
	if (str_to_u64(str_slice(text, slash + 1, text.len),
		       range.base.any.sa_family == AF_INET ? 32 : 128, &bits) < 0)
		return false;
	range.prefix_bits = (uint8_t)bits;
	if (!host_bits_are_zero(&range.base, range.prefix_bits))
		return false;
	*ret_range = range;
	return true;
}

static int range_read(struct reader *r, const struct field *f unused_arg, const struct node *n,
		      void *ret_value)
{
	struct str text;
	int code;

	code = node_read_text(n, &text, r->diag);
	if (code < 0)
		return reader_wrong_type(r, code);
	if (!range_parse(text, ret_value))
		return reader_fail(
			r, n, CODE_BAD_VALUE,
			"\"%.*s\" is not a range of addresses (240.240.0.0/16, with zeros "
			"behind the prefix)",
			STR_ARGS(reader_shown(text)));
	return 0;
}

static int range_fill(struct reader *r unused_arg, const struct field *f,
		      const struct node *parent unused_arg, void *ret_value)
{
	if (f->default_text && !range_parse(str_from(f->default_text), ret_value))
		assert(!"the default is no range");
	return 0;
}

static struct node *range_canonical(const struct field *f unused_arg, const struct node *n,
				    struct pool *pool)
{
	struct address_range range;

	if (!range_parse(n->text, &range))
		assert(!"it was read as a range before");
	return address_node(&range.base, range.prefix_bits, pool);
}

const struct field_type field_range = {
	.name = "range of addresses",
	.read = range_read,
	.fill = range_fill,
	.canonical = range_canonical,
	.schema = string_schema,
};
