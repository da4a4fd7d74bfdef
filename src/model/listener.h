#pragma once

/*
 * Listeners, compiled from Listener
 */

#include "base/time.h"
#include "message/address.h"
#include "model/access_log.h"
#include "model/filters.h"
#include "model/http_settings.h"
#include "model/routes.h"
#include "model/tls_settings.h"

struct http_manager {
	struct str stat_prefix;
	enum { HTTP_MANAGER_AUTO, HTTP_MANAGER_HTTP1, HTTP_MANAGER_HTTP2 } codec;
	struct route_table *inline_routes; /* or by name: */
	struct str routes_name;
	struct filter_settings **filters; /* in order; the last is the router */
	uint32_t filter_count;
	struct access_log **access_logs;
	uint32_t access_log_count;
	struct duration stream_idle_timeout;     /* 5 min */
	struct duration request_timeout;         /* 0: none */
	struct duration request_headers_timeout; /* 0: none */
	struct duration max_stream_duration;     /* 0: none */
	struct duration drain_timeout;           /* 0: as long as the codec needs */
	struct duration delayed_close_timeout;   /* 1 s; 0: none */
	struct duration idle_timeout;            /* of connections: 1 h */
	uint32_t headers_bytes_max;              /* 60 KiB */
	uint32_t headers_count_max;              /* 100 */
	uint32_t requests_per_connection_max;    /* 0: none */
	struct http2_settings http2;
	enum { HOST_PORT_KEEP, HOST_PORT_STRIP_OWN, HOST_PORT_STRIP } host_port;
	bool use_remote_address;
	bool skip_xff_append;
	bool request_id_in_response;
	bool reject_escaped_slashes; /* %2F, %5C in the path: 400 */
	bool generate_request_id;    /* true */
	bool preserve_external_request_id;
	bool trailers_enabled;
	bool http10_accepted;
	struct str http10_host; /* of requests of HTTP/1.0 without Host; empty: they are refused */
	bool normalize_path;
	bool merge_slashes;
	uint32_t xff_num_trusted_hops;
	struct str server_name; /* "envoy" in Envoy; ours says "weft" where not set */
	enum {
		SERVER_HEADER_OVERWRITE,
		SERVER_HEADER_APPEND_IF_ABSENT,
		SERVER_HEADER_PASS_THROUGH
	} server_header;
	enum {
		XFCC_SANITIZE,
		XFCC_FORWARD_ONLY,
		XFCC_APPEND_FORWARD,
		XFCC_SANITIZE_SET,
		XFCC_ALWAYS_FORWARD_ONLY
	} forward_client_certificate;
	bool xfcc_subject, xfcc_uri, xfcc_dns, xfcc_cert, xfcc_chain;
};

struct tcp_proxy {
	struct str stat_prefix;
	struct weighted_cluster *clusters; /* at least one */
	uint32_t cluster_count;
	uint64_t weight_total;
	struct duration idle_timeout;  /* 1 h */
	uint32_t connect_attempts_max; /* 1 */
	struct access_log **access_logs;
	uint32_t access_log_count;
};

struct ip_range {
	struct address prefix; /* port 0, bits behind the prefix 0 */
	uint8_t prefix_bits;
};

enum source_type { SOURCE_ANY, SOURCE_SAME_IP_OR_LOOPBACK, SOURCE_EXTERNAL };

/* Most chains of one listener. */
#define FILTER_CHAINS_MAX 4096

/* An empty list, 0 or "" takes anything. */
struct filter_chain {
	struct str name;
	struct {
		uint32_t destination_port; /* 0: any */
		struct str *server_names;  /* lower case; ".example.com" for "*.example.com" */
		uint32_t server_name_count;
		struct str transport_protocol; /* "", "tls", "raw_buffer" */
		struct str *application_protocols;
		uint32_t application_protocol_count;
		struct ip_range *destination_ranges;
		uint32_t destination_range_count;
		struct ip_range *direct_source_ranges; /* the peer of the socket */
		uint32_t direct_source_range_count;
		enum source_type source_type;
		struct ip_range *source_ranges;
		uint32_t source_range_count;
		uint16_t *source_ports;
		uint32_t source_port_count;
	} match;
	struct tls_settings *tls;          /* NULL: plaintext */
	struct duration transport_timeout; /* of the handshake: 15 s */
	/* one of them */
	struct http_manager *http;
	struct tcp_proxy *tcp;
};

enum traffic_direction { TRAFFIC_UNSPECIFIED, TRAFFIC_INBOUND, TRAFFIC_OUTBOUND };

struct listener {
	struct part part;
	struct str stat_prefix; /* or the address */
	struct address address;
	bool bind_to_port;
	enum traffic_direction direction;
	bool needs_tls_inspector;        /* asked for, or needed by the match of a chain */
	bool needs_http_inspector;       /* clear text: "http/1.0", "http/1.1", "h2c" as ALPN */
	struct duration inspect_timeout; /* 15 s; continue_on_timeout false */
	bool continue_on_inspect_timeout;
	uint32_t buffer_limit_bytes; /* 1 MiB */
	struct filter_chain *chains;
	uint32_t chain_count;
	struct filter_chain *default_chain;
	struct access_log **access_logs;
	uint32_t access_log_count;
	/* References in all chains, for warming and slots. */
	struct cluster_ref **clusters;
	uint32_t cluster_count;
	struct str *route_names;
	uint32_t route_name_count;
	/* From the listener's metadata under "weft.dev", for telemetry. */
	struct str service;
	struct str service_namespace;
	struct str service_version;
};

static inline struct listener *listener_of(struct part *p)
{
	return container_of(p, struct listener, part);
}

/* What is known of a connection when its filter chain is chosen. */
struct chain_input {
	const struct address *local; /* the original destination, where restored */
	const struct address *peer;
	struct str server_name; /* lower case; "" */
	bool tls;
	const struct str *application_protocols;
	uint32_t application_protocol_count;
};

/*
 * By Envoy's order of precedence: destination port, destination address, server name,
 * transport, ALPN, address of the socket's peer, source type, source address, source port.
 * Each step keeps the chains with the most specific match and never goes back. NULL: none
 * matches and there is no default chain.
 */
struct filter_chain *listener_chain(const struct listener *l, const struct chain_input *input);

/* Compiles a Listener. */
struct compile;
must_check int listener_compile(struct compile *c, const struct pb_message *m, struct part *p);
/* Compile a HttpConnectionManager and a TcpProxy. */
must_check int http_manager_compile(struct compile *c, const struct pb_message *m,
				    struct http_manager **ret_http);
must_check int tcp_proxy_compile(struct compile *c, const struct pb_message *m,
				 struct tcp_proxy **ret_tcp);
/* Compiles a FilterChainMatch into chain->match. */
must_check int chain_match_compile(struct compile *c, const struct pb_message *m,
				   struct filter_chain *chain);
/* The first two chains that some connection would match equally; false when there are none. */
bool chains_overlap(const struct filter_chain *chains, uint32_t count, uint32_t *ret_a,
		    uint32_t *ret_b);
