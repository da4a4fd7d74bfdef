/*
 * A chain's match has nine levels. At each level every chain still in question is scored: how
 * specifically does it name what the connection has there. The best score stays, the others
 * are out, also when a later level then leaves nothing: that is Envoy's rule, and it makes the
 * choice independent of the order in which chains are written.
 */

#include "model/listener.h"

#define NO_MATCH         (-1)

/* More specific than any suffix of a server name can be long. */
#define SCORE_EXACT_NAME (1 << 20)

/* The bytes of an IP address; empty for anything else. */
static struct str ip_bytes(const struct address *a)
{
	if (a->len && a->any.sa_family == AF_INET)
		return str_of((const char *)&a->ip4.sin_addr, sizeof(a->ip4.sin_addr));
	if (a->len && a->any.sa_family == AF_INET6)
		return str_of((const char *)&a->ip6.sin6_addr, sizeof(a->ip6.sin6_addr));
	return STR_EMPTY;
}

static bool range_holds(const struct ip_range *range, const struct address *a)
{
	struct str ip = ip_bytes(a), prefix = ip_bytes(&range->prefix);
	size_t whole = range->prefix_bits / 8;
	unsigned rest = range->prefix_bits % 8;

	if (ip.len == 0 || ip.len != prefix.len)
		return false;
	if (memcmp(ip.ptr, prefix.ptr, whole) != 0)
		return false;
	return rest == 0 || (uint8_t)(ip.ptr[whole] ^ prefix.ptr[whole]) >> (8 - rest) == 0;
}

static int score_ranges(const struct ip_range *ranges, uint32_t count, const struct address *a)
{
	int best = NO_MATCH;

	if (count == 0)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (range_holds(&ranges[i], a))
			best = max_of(best, ranges[i].prefix_bits + 1);
	return best;
}

static int score_destination_port(const struct filter_chain *c, const struct chain_input *input)
{
	if (c->match.destination_port == 0)
		return 0;
	return c->match.destination_port == address_port(input->local) ? 1 : NO_MATCH;
}

static int score_destination(const struct filter_chain *c, const struct chain_input *input)
{
	return score_ranges(c->match.destination_ranges, c->match.destination_range_count,
			    input->local);
}

static int score_server_name(const struct filter_chain *c, const struct chain_input *input)
{
	int best = NO_MATCH;

	if (c->match.server_name_count == 0)
		return 0;
	for (uint32_t i = 0; i < c->match.server_name_count; i++) {
		struct str name = c->match.server_names[i];

		if (str_eq(name, input->server_name))
			return SCORE_EXACT_NAME;
		if (name.ptr[0] == '.' && input->server_name.len > name.len &&
		    str_has_suffix(input->server_name, name))
			best = max_of(best, (int)name.len);
	}
	return best;
}

static int score_transport(const struct filter_chain *c, const struct chain_input *input)
{
	if (c->match.transport_protocol.len == 0)
		return 0;
	return str_eq(c->match.transport_protocol, input->tls ? STR("tls") : STR("raw_buffer"))
		       ? 1
		       : NO_MATCH;
}

/* The client's order decides: what it names first is most specific. */
static int score_application_protocol(const struct filter_chain *c, const struct chain_input *input)
{
	uint32_t wanted = input->application_protocol_count;

	if (c->match.application_protocol_count == 0)
		return 0;
	for (uint32_t i = 0; i < wanted; i++)
		for (uint32_t j = 0; j < c->match.application_protocol_count; j++)
			if (str_eq(input->application_protocols[i],
				   c->match.application_protocols[j]))
				return (int)(wanted - i);
	return NO_MATCH;
}

static int score_direct_source(const struct filter_chain *c, const struct chain_input *input)
{
	return score_ranges(c->match.direct_source_ranges, c->match.direct_source_range_count,
			    input->peer);
}

/* What Envoy takes for one: 127.0.0.1 and ::1, not the rest of 127.0.0.0/8. */
static bool is_loopback(struct str ip)
{
	static const uint8_t ip4[] = { 127, 0, 0, 1 };

	if (ip.len == sizeof(ip4))
		return memcmp(ip.ptr, ip4, sizeof(ip4)) == 0;
	return ip.len == sizeof(in6addr_loopback) &&
	       memcmp(ip.ptr, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

static bool is_same_ip_or_loopback(const struct chain_input *input)
{
	struct str local = ip_bytes(input->local), peer = ip_bytes(input->peer);

	/* A Unix socket is of this machine. */
	return peer.len == 0 || is_loopback(peer) || str_eq(local, peer);
}

static int score_source_type(const struct filter_chain *c, const struct chain_input *input)
{
	bool wants_local = c->match.source_type == SOURCE_SAME_IP_OR_LOOPBACK;

	if (c->match.source_type == SOURCE_ANY)
		return 0;
	return is_same_ip_or_loopback(input) == wants_local ? 1 : NO_MATCH;
}

static int score_source(const struct filter_chain *c, const struct chain_input *input)
{
	return score_ranges(c->match.source_ranges, c->match.source_range_count, input->peer);
}

static int score_source_port(const struct filter_chain *c, const struct chain_input *input)
{
	if (c->match.source_port_count == 0)
		return 0;
	for (uint32_t i = 0; i < c->match.source_port_count; i++)
		if (c->match.source_ports[i] == address_port(input->peer))
			return 1;
	return NO_MATCH;
}

typedef int level_score(const struct filter_chain *c, const struct chain_input *input);

static level_score *const levels[] = {
	score_destination_port,     score_destination,   score_server_name, score_transport,
	score_application_protocol, score_direct_source, score_source_type, score_source,
	score_source_port,
};

struct filter_chain *listener_chain(const struct listener *l, const struct chain_input *input)
{
	uint16_t left[FILTER_CHAINS_MAX]; /* chains still in question */
	uint32_t count = l->chain_count;

	for (uint32_t i = 0; i < count; i++)
		left[i] = (uint16_t)i;
	for (size_t level = 0; level < array_count(levels); level++) {
		uint32_t kept = 0;
		int best = 0;

		for (uint32_t i = 0; i < count; i++) {
			int score = levels[level](&l->chains[left[i]], input);

			if (score > best) {
				best = score;
				kept = 0;
			}
			if (score == best)
				left[kept++] = left[i];
		}
		count = kept;
	}
	return count > 0 ? &l->chains[left[0]] : l->default_chain;
}
