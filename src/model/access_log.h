#pragma once

/*
 * Access logs, compiled from AccessLog
 *
 * A format, text or JSON, is compiled into a list of tokens. A token is a piece of the line
 * (text, a bracket, a key) or one of Envoy's command operators, which stands for a fact of
 * the request. access_log_write() walks the list and asks the caller for each fact, so how a
 * line looks is known here and what is true of the request only there.
 *
 *	"%REQ(:METHOD)% took %DURATION%\n"
 *	    operator REQ ":method" │ text " took " │ operator DURATION │ text "\n"
 */

#include "base/time.h"
#include "model/part.h"

/* Envoy's command operators that we can answer. `argument` says what stands in brackets. */
// clang-format off
#define LOG_OPERATOR_MAP(X)                                                                       \
	X(LOG_REQ, "REQ", HEADER,                                                                 \
	  "A header of the request; `NAME?OTHER` takes the other one where the first "            \
	  "is missing.")                                                                          \
	X(LOG_RESP, "RESP", HEADER,                                                               \
	  "A header of the response, in the same way.")                                           \
	X(LOG_TRAILER, "TRAILER", HEADER,                                                         \
	  "A trailer of the response, in the same way.")                                          \
	X(LOG_START_TIME, "START_TIME", TIME,                                                     \
	  "When it began; the argument is a format of strftime, with `%3f`, `%6f` and"            \
	  " `%9f` for parts of a second.")                                                        \
	X(LOG_PROTOCOL, "PROTOCOL", NOTHING,                                                      \
	  "`HTTP/1.0`, `HTTP/1.1` or `HTTP/2`, of the client.")                                   \
	X(LOG_UPSTREAM_PROTOCOL, "UPSTREAM_PROTOCOL", NOTHING,                                    \
	  "The same, of the endpoint.")                                                           \
	X(LOG_RESPONSE_CODE, "RESPONSE_CODE", NOTHING,                                            \
	  "Status of the response; 0 where there was none.")                                      \
	X(LOG_RESPONSE_CODE_DETAILS, "RESPONSE_CODE_DETAILS", NOTHING,                            \
	  "Why it is this status: `via_upstream`, or the details of a reason above.")             \
	X(LOG_RESPONSE_FLAGS, "RESPONSE_FLAGS", NOTHING,                                          \
	  "Flags of the reasons above; `-` where all went well.")                                 \
	X(LOG_RESPONSE_FLAGS_LONG, "RESPONSE_FLAGS_LONG", NOTHING,                                \
	  "The same flags by their long names.")                                                  \
	X(LOG_CONNECTION_TERMINATION_DETAILS, "CONNECTION_TERMINATION_DETAILS", NOTHING,          \
	  "Why a connection without HTTP ended.")                                                 \
	X(LOG_BYTES_RECEIVED, "BYTES_RECEIVED", NOTHING,                                          \
	  "Bytes of the body received from the client; of a TCP connection all.")                 \
	X(LOG_BYTES_SENT, "BYTES_SENT", NOTHING,                                                  \
	  "Bytes of the body sent to the client; of a TCP connection all.")                       \
	X(LOG_DURATION, "DURATION", NOTHING,                                                      \
	  "Milliseconds from the beginning to the end.")                                          \
	X(LOG_REQUEST_DURATION, "REQUEST_DURATION", NOTHING,                                      \
	  "Milliseconds from the beginning until the request was in.")                            \
	X(LOG_REQUEST_TX_DURATION, "REQUEST_TX_DURATION", NOTHING,                                \
	  "The same.")                                                                            \
	X(LOG_RESPONSE_DURATION, "RESPONSE_DURATION", NOTHING,                                    \
	  "Milliseconds from the beginning to the first byte of the response.")                   \
	X(LOG_RESPONSE_TX_DURATION, "RESPONSE_TX_DURATION", NOTHING,                              \
	  "Milliseconds from the first byte of the response to the end.")                         \
	X(LOG_ROUTE_NAME, "ROUTE_NAME", NOTHING,                                                  \
	  "Name of the route.")                                                                   \
	X(LOG_VIRTUAL_CLUSTER_NAME, "VIRTUAL_CLUSTER_NAME", NOTHING,                              \
	  "Always empty: virtual clusters are not served.")                                       \
	X(LOG_UPSTREAM_HOST, "UPSTREAM_HOST", NOTHING,                                            \
	  "Address of the endpoint.")                                                             \
	X(LOG_UPSTREAM_HOST_NAME, "UPSTREAM_HOST_NAME", NOTHING,                                  \
	  "Hostname of the endpoint, else its address.")                                          \
	X(LOG_UPSTREAM_CLUSTER, "UPSTREAM_CLUSTER", NOTHING,                                      \
	  "Name of the cluster.")                                                                 \
	X(LOG_UPSTREAM_LOCAL_ADDRESS, "UPSTREAM_LOCAL_ADDRESS", NOTHING,                          \
	  "The proxy's own address on the connection to the endpoint.")                           \
	X(LOG_UPSTREAM_REMOTE_ADDRESS, "UPSTREAM_REMOTE_ADDRESS", NOTHING,                        \
	  "Address of the endpoint.")                                                             \
	X(LOG_UPSTREAM_TRANSPORT_FAILURE_REASON, "UPSTREAM_TRANSPORT_FAILURE_REASON", NOTHING,    \
	  "Why the connection to the endpoint failed.")                                           \
	X(LOG_UPSTREAM_REQUEST_ATTEMPT_COUNT, "UPSTREAM_REQUEST_ATTEMPT_COUNT", NOTHING,          \
	  "Attempts made.")                                                                       \
	X(LOG_UPSTREAM_PEER_URI_SAN, "UPSTREAM_PEER_URI_SAN", NOTHING,                            \
	  "Identity of the endpoint: the URI in its certificate.")                                \
	X(LOG_UPSTREAM_TLS_VERSION, "UPSTREAM_TLS_VERSION", NOTHING,                              \
	  "Version of TLS to the endpoint.")                                                      \
	X(LOG_DOWNSTREAM_LOCAL_ADDRESS, "DOWNSTREAM_LOCAL_ADDRESS", NOTHING,                      \
	  "Address that the client connected to.")                                                \
	X(LOG_DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT, "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", NOTHING, \
	  "The same without the port.")                                                           \
	X(LOG_DOWNSTREAM_LOCAL_PORT, "DOWNSTREAM_LOCAL_PORT", NOTHING,                            \
	  "Port that the client connected to.")                                                   \
	X(LOG_DOWNSTREAM_REMOTE_ADDRESS, "DOWNSTREAM_REMOTE_ADDRESS", NOTHING,                    \
	  "Address of the client: from x-forwarded-for, unless use_remote_address is "            \
	  "set.")                                                                                 \
	X(LOG_DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT, "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", NOTHING, \
	  "The same without the port.")                                                           \
	X(LOG_DOWNSTREAM_REMOTE_PORT, "DOWNSTREAM_REMOTE_PORT", NOTHING,                          \
	  "Port of the connection's other end.")                                                  \
	X(LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS, "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", NOTHING,      \
	  "Address of the connection's other end.")                                               \
	X(LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT, "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", NOTHING, \
	  "The same without the port.")                                                           \
	X(LOG_DOWNSTREAM_PEER_URI_SAN, "DOWNSTREAM_PEER_URI_SAN", NOTHING,                        \
	  "Identity of the client: the URIs in its certificate.")                                 \
	X(LOG_DOWNSTREAM_PEER_DNS_SAN, "DOWNSTREAM_PEER_DNS_SAN", NOTHING,                        \
	  "The DNS names in the client's certificate.")                                           \
	X(LOG_DOWNSTREAM_PEER_SUBJECT, "DOWNSTREAM_PEER_SUBJECT", NOTHING,                        \
	  "Subject of the client's certificate.")                                                 \
	X(LOG_DOWNSTREAM_PEER_ISSUER, "DOWNSTREAM_PEER_ISSUER", NOTHING,                          \
	  "Issuer of the client's certificate.")                                                  \
	X(LOG_DOWNSTREAM_PEER_SERIAL, "DOWNSTREAM_PEER_SERIAL", NOTHING,                          \
	  "Serial number of the client's certificate.")                                           \
	X(LOG_DOWNSTREAM_LOCAL_URI_SAN, "DOWNSTREAM_LOCAL_URI_SAN", NOTHING,                      \
	  "The proxy's own identity: the URIs in the certificate that it showed.")                \
	X(LOG_DOWNSTREAM_TLS_VERSION, "DOWNSTREAM_TLS_VERSION", NOTHING,                          \
	  "Version of TLS from the client.")                                                      \
	X(LOG_DOWNSTREAM_TLS_CIPHER, "DOWNSTREAM_TLS_CIPHER", NOTHING,                            \
	  "Cipher suite from the client.")                                                        \
	X(LOG_DOWNSTREAM_TRANSPORT_FAILURE_REASON, "DOWNSTREAM_TRANSPORT_FAILURE_REASON", NOTHING, \
	  "Why the TLS handshake with the client failed.")                                        \
	X(LOG_REQUESTED_SERVER_NAME, "REQUESTED_SERVER_NAME", NOTHING,                            \
	  "Server name that the client asked for in TLS.")                                        \
	X(LOG_FILTER_CHAIN_NAME, "FILTER_CHAIN_NAME", NOTHING,                                    \
	  "Name of the filter chain.")                                                            \
	X(LOG_CONNECTION_ID, "CONNECTION_ID", NOTHING,                                            \
	  "Number of the client's connection.")                                                   \
	X(LOG_STREAM_ID, "STREAM_ID", NOTHING,                                                    \
	  "The request's x-request-id.")                                                          \
	X(LOG_HOSTNAME, "HOSTNAME", NOTHING,                                                      \
	  "Name of the machine.")
// clang-format on

enum log_operator {
#define X(id, name, argument, text) id,
	LOG_OPERATOR_MAP(X)
#undef X
		LOG_OPERATOR_COUNT,
};

enum log_token_kind {
	LOG_TOKEN_TEXT,     /* as it stands (inside of a JSON string: escaped) */
	LOG_TOKEN_OPERATOR, /* the fact, as text */
	/* JSON only */
	LOG_TOKEN_VALUE,        /* the fact, as a JSON value: a number stays one, none is null */
	LOG_TOKEN_STRING_BEGIN, /* until STRING_END: one JSON string of several tokens */
	LOG_TOKEN_STRING_END,
	LOG_TOKEN_LITERAL, /* a JSON value as it stands */
	LOG_TOKEN_KEY,     /* before a member's value */
	LOG_TOKEN_OBJECT_BEGIN,
	LOG_TOKEN_OBJECT_END,
	LOG_TOKEN_LIST_BEGIN,
	LOG_TOKEN_LIST_END,
};

struct log_token {
	enum log_token_kind kind;
	enum log_operator operator;
	struct str text; /* of TEXT, LITERAL, KEY; lower-case name of a header; format of a time */
	uint16_t id;     /* enum header_id of that name */
	struct str alternative; /* the header to take when the first is missing; may be empty */
	uint16_t alternative_id;
	uint32_t length_max; /* of the fact, in bytes; 0: whole */
};

enum log_value_kind { LOG_VALUE_NONE, LOG_VALUE_TEXT, LOG_VALUE_NUMBER, LOG_VALUE_TIME };

struct log_value {
	enum log_value_kind kind;
	struct str text; /* lives until the next call */
	uint64_t number;
	struct wall_time time;
};

enum access_log_sink { ACCESS_LOG_FILE, ACCESS_LOG_STDOUT, ACCESS_LOG_STDERR };

struct access_log {
	enum access_log_sink sink;
	struct str path; /* of ACCESS_LOG_FILE */
	bool json;
	/* Leave out what has no value: "" instead of "-"; in JSON no member, no empty object. */
	bool omit_empty;
	struct log_token *tokens;
	uint32_t token_count;
};

/*
 * Appends one line. `lookup` answers for one token whose kind is OPERATOR or VALUE; a header
 * is looked up by the token's names. No response flags are "-" also in JSON, so `lookup` says
 * that itself. Escapes JSON; in text, what a peer sent is passed
 * through with control characters replaced by "?", so that nobody forges a line.
 */
typedef struct log_value access_log_lookup(const struct log_token *t, void *user);
void access_log_write(const struct access_log *l, access_log_lookup *lookup, void *user,
		      struct buf *out);

struct access_log_list {
	struct access_log **items;
	uint32_t count;
};

/* Compiles a repeated AccessLog field. */
struct compile;
must_check int access_logs_compile(struct compile *c, const struct pb_message *m, unsigned field,
				   struct access_log_list *ret_logs);
