/*
 * What a chain is for, and whether two chains are for the same
 *
 * Envoy treats a match as the product of its lists: each combination of a port, a range, a
 * name … is a rule. Two chains overlap when they share a rule, that is when at each level
 * both have an entry in common or both have none. Such a listener is refused: which chain
 * takes the connection would be left to chance.
 */

#include "model/compile.h"
#include "model/listener.h"

/* A prefix with the bits behind it cleared, so that equal ranges are equal bytes. */
static void clear_behind(uint8_t *bytes, size_t len, unsigned bits)
{
	for (size_t i = 0; i < len; i++) {
		unsigned kept = bits > i * 8 ? min_of(bits - i * 8, 8) : 0;

		bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

static int range_read(struct compile *c, const struct pb_message *m, struct ip_range *ret_range)
{
	struct str prefix = pb_text(m, PB_CidrRange_address_prefix);
	uint64_t bits = pb_wrapped(m, PB_CidrRange_prefix_len, 0);
	struct ip_range range = { 0 };

	if (address_from_ip(prefix, 0, &range.prefix) < 0)
		return pb_fail_field(c->d, m, PB_CidrRange_address_prefix, ERR_CONFIG,
				     "\"%.*s\" is not an IP address", STR_ARGS(prefix));
	if (range.prefix.any.sa_family == AF_INET && bits > 32)
		return pb_fail_field(c->d, m, PB_CidrRange_prefix_len, ERR_CONFIG,
				     "must be at most 32 for IPv4");
	range.prefix_bits = (uint8_t)bits;
	if (range.prefix.any.sa_family == AF_INET)
		clear_behind((uint8_t *)&range.prefix.ip4.sin_addr, 4, range.prefix_bits);
	else
		clear_behind((uint8_t *)&range.prefix.ip6.sin6_addr, 16, range.prefix_bits);
	*ret_range = range;
	return 0;
}

static int ranges_read(struct compile *c, const struct pb_message *m, unsigned field,
		       struct ip_range **ret_ranges, uint32_t *ret_count)
{
	uint32_t count = pb_count(m, field);
	struct ip_range *ranges = pool_new_array(c->pool, struct ip_range, count);

	for (uint32_t i = 0; i < count; i++) {
		int r = range_read(c, pb_sub_at(m, field, i), &ranges[i]);

		if (r < 0)
			return r;
	}
	*ret_ranges = ranges;
	*ret_count = count;
	return 0;
}

static int server_names_read(struct compile *c, const struct pb_message *m,
			     struct filter_chain *chain)
{
	uint32_t count = pb_count(m, PB_FilterChainMatch_server_names);

	chain->match.server_names = pool_new_array(c->pool, struct str, count);
	chain->match.server_name_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct str text = pb_text_at(m, PB_FilterChainMatch_server_names, i);
		struct str name = compile_lower(c, text);

		if (str_has_prefix(name, STR("*.")))
			name = str_slice(name, 1, name.len);
		else if (name.len == 0 || name.ptr[0] == '.')
			return compile_fail_at(c, m, PB_FilterChainMatch_server_names, i,
					       "\"%.*s\" is not a server name", STR_ARGS(text));
		if (name.len < 2 || str_find(name, 0, '*') < name.len)
			return compile_fail_at(
				c, m, PB_FilterChainMatch_server_names, i,
				"\"%.*s\": a \"*\" can only be the whole first label",
				STR_ARGS(text));
		chain->match.server_names[i] = name;
	}
	return 0;
}

static int source_ports_read(struct compile *c, const struct pb_message *m,
			     struct filter_chain *chain)
{
	uint32_t count = pb_count(m, PB_FilterChainMatch_source_ports);

	chain->match.source_ports = pool_new_array(c->pool, uint16_t, count);
	chain->match.source_port_count = count;
	for (uint32_t i = 0; i < count; i++) {
		int64_t port = pb_number_at(m, PB_FilterChainMatch_source_ports, i);

		if (port < 1 || port > 65535)
			return compile_fail_at(c, m, PB_FilterChainMatch_source_ports, i,
					       "must be between 1 and 65535");
		chain->match.source_ports[i] = (uint16_t)port;
	}
	return 0;
}

static int transport_read(struct compile *c, const struct pb_message *m, struct filter_chain *chain)
{
	struct str protocol = pb_text(m, PB_FilterChainMatch_transport_protocol);

	if (protocol.len > 0 && !str_eq(protocol, STR("tls")) &&
	    !str_eq(protocol, STR("raw_buffer")))
		return pb_fail_field(
			c->d, m, PB_FilterChainMatch_transport_protocol, ERR_UNSUPPORTED,
			"\"%.*s\" is not supported: expected \"tls\" or \"raw_buffer\"",
			STR_ARGS(protocol));
	chain->match.transport_protocol = protocol;
	return 0;
}

static int destination_port_read(struct compile *c, const struct pb_message *m,
				 struct filter_chain *chain)
{
	if (!pb_has(m, PB_FilterChainMatch_destination_port))
		return 0;
	chain->match.destination_port =
		(uint32_t)pb_wrapped(m, PB_FilterChainMatch_destination_port, 0);
	if (chain->match.destination_port == 0)
		return pb_fail_field(c->d, m, PB_FilterChainMatch_destination_port, ERR_CONFIG,
				     "must be between 1 and 65535");
	return 0;
}

static void application_protocols_read(struct compile *c, const struct pb_message *m,
				       struct filter_chain *chain)
{
	uint32_t count = pb_count(m, PB_FilterChainMatch_application_protocols);

	chain->match.application_protocols = pool_new_array(c->pool, struct str, count);
	chain->match.application_protocol_count = count;
	for (uint32_t i = 0; i < count; i++)
		chain->match.application_protocols[i] =
			pb_text_at(m, PB_FilterChainMatch_application_protocols, i);
}

int chain_match_compile(struct compile *c, const struct pb_message *m, struct filter_chain *chain)
{
	static const enum source_type types[] = {
		[PB_FilterChainMatch_ConnectionSourceType_ANY] = SOURCE_ANY,
		[PB_FilterChainMatch_ConnectionSourceType_SAME_IP_OR_LOOPBACK] =
			SOURCE_SAME_IP_OR_LOOPBACK,
		[PB_FilterChainMatch_ConnectionSourceType_EXTERNAL] = SOURCE_EXTERNAL,
	};
	int r;

	chain->match.source_type = types[pb_number(m, PB_FilterChainMatch_source_type)];
	application_protocols_read(c, m, chain);
	r = destination_port_read(c, m, chain);
	if (r < 0)
		return r;
	r = server_names_read(c, m, chain);
	if (r < 0)
		return r;
	r = transport_read(c, m, chain);
	if (r < 0)
		return r;
	r = source_ports_read(c, m, chain);
	if (r < 0)
		return r;
	r = ranges_read(c, m, PB_FilterChainMatch_prefix_ranges, &chain->match.destination_ranges,
			&chain->match.destination_range_count);
	if (r < 0)
		return r;
	r = ranges_read(c, m, PB_FilterChainMatch_direct_source_prefix_ranges,
			&chain->match.direct_source_ranges,
			&chain->match.direct_source_range_count);
	if (r < 0)
		return r;
	return ranges_read(c, m, PB_FilterChainMatch_source_prefix_ranges,
			   &chain->match.source_ranges, &chain->match.source_range_count);
}

/* Overlap */

static bool texts_meet(const struct str *a, uint32_t a_count, const struct str *b, uint32_t b_count)
{
	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	for (uint32_t i = 0; i < a_count; i++)
		for (uint32_t j = 0; j < b_count; j++)
			if (str_eq(a[i], b[j]))
				return true;
	return false;
}

static bool ranges_meet(const struct ip_range *a, uint32_t a_count, const struct ip_range *b,
			uint32_t b_count)
{
	if (a_count == 0 || b_count == 0)
		return a_count == b_count;
	for (uint32_t i = 0; i < a_count; i++)
		for (uint32_t j = 0; j < b_count; j++)
			if (a[i].prefix_bits == b[j].prefix_bits &&
			    address_eq(&a[i].prefix, &b[j].prefix))
				return true;
	return false;
}

static bool ports_meet(const struct filter_chain *a, const struct filter_chain *b)
{
	if (a->match.source_port_count == 0 || b->match.source_port_count == 0)
		return a->match.source_port_count == b->match.source_port_count;
	for (uint32_t i = 0; i < a->match.source_port_count; i++)
		for (uint32_t j = 0; j < b->match.source_port_count; j++)
			if (a->match.source_ports[i] == b->match.source_ports[j])
				return true;
	return false;
}

static bool meet(const struct filter_chain *a, const struct filter_chain *b)
{
	return a->match.destination_port == b->match.destination_port &&
	       a->match.source_type == b->match.source_type &&
	       str_eq(a->match.transport_protocol, b->match.transport_protocol) &&
	       texts_meet(a->match.server_names, a->match.server_name_count, b->match.server_names,
			  b->match.server_name_count) &&
	       texts_meet(a->match.application_protocols, a->match.application_protocol_count,
			  b->match.application_protocols, b->match.application_protocol_count) &&
	       ranges_meet(a->match.destination_ranges, a->match.destination_range_count,
			   b->match.destination_ranges, b->match.destination_range_count) &&
	       ranges_meet(a->match.direct_source_ranges, a->match.direct_source_range_count,
			   b->match.direct_source_ranges, b->match.direct_source_range_count) &&
	       ranges_meet(a->match.source_ranges, a->match.source_range_count,
			   b->match.source_ranges, b->match.source_range_count) &&
	       ports_meet(a, b);
}

bool chains_overlap(const struct filter_chain *chains, uint32_t count, uint32_t *ret_a,
		    uint32_t *ret_b)
{
	for (uint32_t b = 1; b < count; b++)
		for (uint32_t a = 0; a < b; a++)
			if (meet(&chains[a], &chains[b])) {
				*ret_a = a;
				*ret_b = b;
				return true;
			}
	return false;
}
