#include "test.h"

#include "base/mem.h"
#include "model/listener.h"

struct connection {
	const char *local, *peer;
	const char *server_name;
	bool tls;
	const char *application_protocols[2];
};

static struct ip_range range(const char *ip, uint8_t bits)
{
	struct ip_range r = { .prefix_bits = bits };

	assert_int_equal(address_from_ip(str_from(ip), 0, &r.prefix), 0);
	return r;
}

static const char *chosen(struct filter_chain *chains, uint32_t count, struct connection c)
{
	struct filter_chain fallback = { .name = STR("default") };
	struct listener l = { .chains = chains, .chain_count = count, .default_chain = &fallback };
	struct address local, peer;
	struct str protocols[2];
	struct chain_input input = { .local = &local,
				     .peer = &peer,
				     .server_name = str_from(c.server_name),
				     .tls = c.tls,
				     .application_protocols = protocols };

	assert_int_equal(address_parse(str_from(c.local ? c.local : "10.0.0.1:443"), &local), 0);
	assert_int_equal(address_parse(str_from(c.peer ? c.peer : "10.9.9.9:5000"), &peer), 0);
	for (int i = 0; i < 2 && c.application_protocols[i]; i++)
		protocols[input.application_protocol_count++] =
			str_from(c.application_protocols[i]);
	return listener_chain(&l, &input)->name.ptr;
}

#define CHOSEN(chains, ...) \
	chosen((chains), array_count(chains), (struct connection){ __VA_ARGS__ })

static struct filter_chain chain(const char *name)
{
	return (struct filter_chain){ .name = str_from(name) };
}

static struct filter_chain chain_for_names(const char *name, struct str *names, uint32_t count)
{
	struct filter_chain c = chain(name);

	c.match.server_names = names;
	c.match.server_name_count = count;
	return c;
}

TEST(without_chains_the_default_is_taken)
{
	assert_string_equal(chosen(NULL, 0, (struct connection){ 0 }), "default");
}

TEST(the_most_specific_server_name_is_taken)
{
	struct str names[] = { STR("www.example.com"), STR(".example.com"), STR(".com") };
	struct filter_chain chains[] = {
		chain("any"),
		chain_for_names("com", &names[2], 1),
		chain_for_names("suffix", &names[1], 1),
		chain_for_names("exact", &names[0], 1),
	};

	assert_string_equal(CHOSEN(chains, .server_name = "www.example.com"), "exact");
	assert_string_equal(CHOSEN(chains, .server_name = "api.example.com"), "suffix");
	assert_string_equal(CHOSEN(chains, .server_name = "a.b.example.com"), "suffix");
	assert_string_equal(CHOSEN(chains, .server_name = "example.com"), "com");
	assert_string_equal(CHOSEN(chains, .server_name = "example.net"), "any");
	assert_string_equal(CHOSEN(chains, .server_name = ".net"), "any");
	assert_string_equal(CHOSEN(chains, .server_name = NULL), "any");
}

TEST(a_chain_with_several_server_names_takes_each)
{
	struct str names[] = { STR("a.example"), STR(".b.example") };
	struct filter_chain chains[] = { chain_for_names("both", names, 2) };

	assert_string_equal(CHOSEN(chains, .server_name = "a.example"), "both");
	assert_string_equal(CHOSEN(chains, .server_name = "x.b.example"), "both");
	assert_string_equal(CHOSEN(chains, .server_name = "c.example"), "default");
}

TEST(an_earlier_level_decides_and_is_never_taken_back)
{
	struct str names[] = { STR("a.example"), STR("b.example") };
	struct filter_chain chains[] = {
		chain_for_names("port", &names[0], 1),
		chain_for_names("name", &names[1], 1),
	};

	chains[0].match.destination_port = 443;
	assert_string_equal(CHOSEN(chains, .server_name = "a.example"), "port");
	assert_string_equal(CHOSEN(chains, .server_name = "b.example"), "default");
	assert_string_equal(CHOSEN(chains, .local = "10.0.0.1:80", .server_name = "b.example"),
			    "name");
}

TEST(the_longest_destination_prefix_is_taken)
{
	struct ip_range wide = range("10.0.0.0", 8), narrow = range("10.1.0.0", 16),
			odd = range("10.1.128.0", 17), six = range("fd00::", 8);
	struct filter_chain chains[] = { chain("wide"), chain("narrow"), chain("odd"),
					 chain("six") };
	struct ip_range *ranges[] = { &wide, &narrow, &odd, &six };

	for (size_t i = 0; i < 4; i++) {
		chains[i].match.destination_ranges = ranges[i];
		chains[i].match.destination_range_count = 1;
	}
	assert_string_equal(CHOSEN(chains, .local = "10.0.0.1:80"), "wide");
	assert_string_equal(CHOSEN(chains, .local = "10.1.0.1:80"), "narrow");
	assert_string_equal(CHOSEN(chains, .local = "10.1.127.1:80"), "narrow");
	assert_string_equal(CHOSEN(chains, .local = "10.1.128.1:80"), "odd");
	assert_string_equal(CHOSEN(chains, .local = "[fd00::1]:80"), "six");
	assert_string_equal(CHOSEN(chains, .local = "11.0.0.1:80"), "default");
	assert_string_equal(CHOSEN(chains, .local = "unix:/run/x.sock"), "default");
}

TEST(clear_text_and_tls_are_told_apart)
{
	struct filter_chain chains[] = { chain("any"), chain("tls"), chain("raw") };

	chains[1].match.transport_protocol = STR("tls");
	chains[2].match.transport_protocol = STR("raw_buffer");
	assert_string_equal(CHOSEN(chains, .tls = true), "tls");
	assert_string_equal(CHOSEN(chains, .tls = false), "raw");
	chains[2].match.transport_protocol = STR("tls");
	assert_string_equal(CHOSEN(chains, .tls = false), "any");
}

TEST(the_protocol_that_the_client_names_first_is_taken)
{
	struct str h2 = STR("h2"), http1 = STR("http/1.1");
	struct filter_chain chains[] = { chain("http1"), chain("h2"), chain("any") };

	chains[0].match.application_protocols = &http1;
	chains[1].match.application_protocols = &h2;
	chains[0].match.application_protocol_count = chains[1].match.application_protocol_count = 1;
	assert_string_equal(CHOSEN(chains, .application_protocols = { "h2", "http/1.1" }), "h2");
	assert_string_equal(CHOSEN(chains, .application_protocols = { "http/1.1", "h2" }), "http1");
	assert_string_equal(CHOSEN(chains, .application_protocols = { "weft", "h2" }), "h2");
	assert_string_equal(CHOSEN(chains, .application_protocols = { "weft" }), "any");
	assert_string_equal(CHOSEN(chains, .tls = false), "any");
}

TEST(the_source_decides_last)
{
	struct ip_range ten = range("10.0.0.0", 8);
	uint16_t port = 5000;
	struct filter_chain chains[] = { chain("any"), chain("local"), chain("external"),
					 chain("ten"), chain("port"),  chain("direct") };

	chains[1].match.source_type = SOURCE_SAME_IP_OR_LOOPBACK;
	chains[2].match.source_type = SOURCE_EXTERNAL;
	chains[3].match.source_ranges = &ten;
	chains[3].match.source_range_count = 1;
	chains[4].match.source_ports = &port;
	chains[4].match.source_port_count = 1;
	chains[5].match.direct_source_ranges = &ten;
	chains[5].match.direct_source_range_count = 1;

	assert_string_equal(CHOSEN(chains, .peer = "10.0.0.7:1"), "direct");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "127.0.0.1:1" }),
			    "local");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "10.0.0.1:1" }),
			    "local");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "unix:@x" }), "local");
	/* As in Envoy: the rest of 127.0.0.0/8 is another machine to it. */
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "127.0.0.2:1" }),
			    "external");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "[::1]:1" }), "local");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "10.0.0.7:1" }),
			    "external");
	chains[1] = chains[2] = chain("unused");
	chains[1].match.destination_port = chains[2].match.destination_port = 1;
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "10.0.0.7:1" }), "ten");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "11.0.0.7:5000" }),
			    "port");
	assert_string_equal(chosen(chains, 5, (struct connection){ .peer = "11.0.0.7:1" }), "any");
}

TEST(the_order_of_the_chains_does_not_matter)
{
	struct str names[] = { STR("a.example"), STR(".example") };
	struct filter_chain chains[] = { chain_for_names("suffix", &names[1], 1),
					 chain_for_names("exact", &names[0], 1) };
	struct filter_chain swapped[] = { chains[1], chains[0] };

	assert_string_equal(CHOSEN(chains, .server_name = "a.example"), "exact");
	assert_string_equal(CHOSEN(swapped, .server_name = "a.example"), "exact");
}

TEST(a_listener_may_have_very_many_chains)
{
	struct filter_chain *chains = mem_new_array(struct filter_chain, FILTER_CHAINS_MAX);
	struct str *names = mem_new_array(struct str, FILTER_CHAINS_MAX);
	struct pool pool;

	pool_init(&pool, 0);
	for (uint32_t i = 0; i < FILTER_CHAINS_MAX; i++) {
		names[i] = pool_printf(&pool, "s%u.example", i);
		chains[i] = chain_for_names(names[i].ptr, &names[i], 1);
	}
	assert_string_equal(chosen(chains, FILTER_CHAINS_MAX,
				   (struct connection){ .server_name = "s4095.example" }),
			    "s4095.example");
	pool_fini(&pool);
	mem_free(names);
	mem_free(chains);
}
