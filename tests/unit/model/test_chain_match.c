#include "fixture.h"

#include "base/mem.h"
#include "model/listener.h"
#include "yaml.h"

#define CHAIN_FOR(match) "- filter_chain_match: {" match "}\n  filters: [" TCP("cluster: a") "]\n"
#define CHAINS(lines)    "name: l\n" ADDRESS "filter_chains:\n" lines
#define PAIR(a, b)       CHAINS(CHAIN_FOR(a) CHAIN_FOR(b))
#define AT               "filter_chains[0].filter_chain_match."
#define OVERLAP          "filter_chains[1]: matches the same connections as filter_chains[0]"

// clang-format off
static const struct refusal match_of_a_chain_refused[] = {
	{ CHAINS(CHAIN_FOR("destination_port: 0")),
	  AT "destination_port: must be between 1 and 65535" },
	{ CHAINS(CHAIN_FOR("destination_port: 65536")),
	  AT "destination_port: is more than 65535" },
	{ CHAINS(CHAIN_FOR("prefix_ranges: [{address_prefix: a.example, prefix_len: 8}]")),
	  AT "prefix_ranges[0].address_prefix: \"a.example\" is not an IP address" },
	{ CHAINS(CHAIN_FOR("prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 33}]")),
	  AT "prefix_ranges[0].prefix_len: must be at most 32 for IPv4" },
	{ CHAINS(CHAIN_FOR(
		  "source_prefix_ranges: [{address_prefix: '::', prefix_len: 129}]")),
	  AT "source_prefix_ranges[0].prefix_len: is more than 128" },
	{ CHAINS(CHAIN_FOR("server_names: [a.example, 'w*.example']")),
	  AT "server_names[1]: \"w*.example\": a \"*\" can only be the whole first label" },
	{ CHAINS(CHAIN_FOR("server_names: ['*']")),
	  AT "server_names[0]: \"*\": a \"*\" can only be the whole first label" },
	{ CHAINS(CHAIN_FOR("server_names: ['*.']")),
	  AT "server_names[0]: \"*.\": a \"*\" can only be the whole first label" },
	{ CHAINS(CHAIN_FOR("server_names: ['.example']")),
	  AT "server_names[0]: \".example\" is not a server name" },
	{ CHAINS(CHAIN_FOR("server_names: ['']")),
	  AT "server_names[0]: \"\" is not a server name" },
	{ CHAINS(CHAIN_FOR("transport_protocol: quic")),
	  AT "transport_protocol: \"quic\" is not supported: expected \"tls\" or "
	  "\"raw_buffer\"" },
	{ CHAINS(CHAIN_FOR("source_ports: [0]")),
	  AT "source_ports[0]: must be between 1 and 65535" },
	{ CHAINS(CHAIN_FOR("address_suffix: x")),
	  AT "address_suffix: is not supported by this version" },
};
// clang-format on

TEST(what_no_match_of_a_chain_may_say_is_refused)
{
	assert_all_refused(PART_LISTENER, match_of_a_chain_refused);
}

TEST(chains_that_match_the_same_connections_are_refused)
{
	static const char *const rows[] = {
		PAIR("", ""),
		PAIR("destination_port: 80", "destination_port: 80"),
		PAIR("server_names: [a.example, b.example]",
		     "server_names: [c.example, B.example]"),
		PAIR("server_names: ['*.a.example']", "server_names: ['*.A.example']"),
		PAIR("application_protocols: [h2, x]", "application_protocols: [z, h2]"),
		PAIR("transport_protocol: tls", "transport_protocol: tls"),
		PAIR("source_ports: [1, 2]", "source_ports: [2, 3]"),
		PAIR("source_type: EXTERNAL", "source_type: EXTERNAL"),
		/* Bits behind the prefix do not matter. */
		PAIR("prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 8}]",
		     "prefix_ranges: [{address_prefix: 10.2.0.0, prefix_len: 8}]"),
		PAIR("source_prefix_ranges: [{address_prefix: 'fd00::1', prefix_len: 127}]",
		     "source_prefix_ranges: [{address_prefix: 'fd00::', prefix_len: 127}]"),
		PAIR("server_names: [a.example], application_protocols: [h2]",
		     "server_names: [a.example], application_protocols: [h2, http/1.1]"),
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_refused(PART_LISTENER, rows[i], OVERLAP);
}

TEST(chains_of_which_one_is_more_specific_do_not_overlap)
{
	static const char *const rows[] = {
		PAIR("", "destination_port: 80"),
		PAIR("destination_port: 81", "destination_port: 80"),
		PAIR("server_names: [a.example]", "server_names: ['*.example']"),
		PAIR("server_names: [a.example]", ""),
		PAIR("prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]",
		     "prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 9}]"),
		PAIR("server_names: [a.example], application_protocols: [h2]",
		     "server_names: [a.example], application_protocols: [http/1.1]"),
		PAIR("source_ports: [1]", "source_ports: [2]"),
		PAIR("source_type: EXTERNAL", "source_type: SAME_IP_OR_LOOPBACK"),
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_refused(PART_LISTENER, rows[i], "");
}

TEST(entries_of_all_matches_have_a_limit)
{
	struct buf yaml = BUF_INIT(0);
	char *text;

	buf_printf(&yaml, "name: l\n" ADDRESS "filter_chains:\n"
			  "- filters: [" TCP(
				  "cluster: a") "]\n"
						"  filter_chain_match: {server_names: [a.example");
	for (int i = 0; i < 16384; i++)
		buf_printf(&yaml, ", a%d.example", i);
	buf_printf(&yaml, "]}\n");
	text = buf_take_text(&yaml);
	assert_refused(PART_LISTENER, text,
		       "filter_chains: the matches of the chains have more than 16384 entries");
	mem_free(text);
}

TEST(the_number_of_chains_has_a_limit)
{
	struct buf yaml = BUF_INIT(0);
	char *text;

	buf_printf(&yaml, "name: l\n" ADDRESS "filter_chains:\n");
	for (int i = 0; i <= FILTER_CHAINS_MAX; i++)
		buf_printf(&yaml, "- {}\n");
	text = buf_take_text(&yaml);
	assert_refused(PART_LISTENER, text, "filter_chains: has more than 4096 entries");
	mem_free(text);
}
