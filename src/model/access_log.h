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
#define LOG_OPERATOR_MAP(X)                                                     \
	X(LOG_REQ, "REQ", HEADER)                                               \
	X(LOG_RESP, "RESP", HEADER)                                             \
	X(LOG_TRAILER, "TRAILER", HEADER)                                       \
	X(LOG_START_TIME, "START_TIME", TIME)                                   \
	X(LOG_PROTOCOL, "PROTOCOL", NOTHING)                                    \
	X(LOG_UPSTREAM_PROTOCOL, "UPSTREAM_PROTOCOL", NOTHING)                  \
	X(LOG_RESPONSE_CODE, "RESPONSE_CODE", NOTHING)                          \
	X(LOG_RESPONSE_CODE_DETAILS, "RESPONSE_CODE_DETAILS", NOTHING)          \
	X(LOG_RESPONSE_FLAGS, "RESPONSE_FLAGS", NOTHING)                        \
	X(LOG_RESPONSE_FLAGS_LONG, "RESPONSE_FLAGS_LONG", NOTHING)              \
	X(LOG_CONNECTION_TERMINATION_DETAILS, "CONNECTION_TERMINATION_DETAILS", NOTHING) \
	X(LOG_BYTES_RECEIVED, "BYTES_RECEIVED", NOTHING)                        \
	X(LOG_BYTES_SENT, "BYTES_SENT", NOTHING)                                \
	X(LOG_DURATION, "DURATION", NOTHING)                                    \
	X(LOG_REQUEST_DURATION, "REQUEST_DURATION", NOTHING)                    \
	X(LOG_REQUEST_TX_DURATION, "REQUEST_TX_DURATION", NOTHING)              \
	X(LOG_RESPONSE_DURATION, "RESPONSE_DURATION", NOTHING)                  \
	X(LOG_RESPONSE_TX_DURATION, "RESPONSE_TX_DURATION", NOTHING)            \
	X(LOG_ROUTE_NAME, "ROUTE_NAME", NOTHING)                                \
	X(LOG_VIRTUAL_CLUSTER_NAME, "VIRTUAL_CLUSTER_NAME", NOTHING)            \
	X(LOG_UPSTREAM_HOST, "UPSTREAM_HOST", NOTHING)                          \
	X(LOG_UPSTREAM_HOST_NAME, "UPSTREAM_HOST_NAME", NOTHING)                \
	X(LOG_UPSTREAM_CLUSTER, "UPSTREAM_CLUSTER", NOTHING)                    \
	X(LOG_UPSTREAM_LOCAL_ADDRESS, "UPSTREAM_LOCAL_ADDRESS", NOTHING)        \
	X(LOG_UPSTREAM_REMOTE_ADDRESS, "UPSTREAM_REMOTE_ADDRESS", NOTHING)      \
	X(LOG_UPSTREAM_TRANSPORT_FAILURE_REASON, "UPSTREAM_TRANSPORT_FAILURE_REASON", NOTHING) \
	X(LOG_UPSTREAM_REQUEST_ATTEMPT_COUNT, "UPSTREAM_REQUEST_ATTEMPT_COUNT", NOTHING) \
	X(LOG_UPSTREAM_PEER_URI_SAN, "UPSTREAM_PEER_URI_SAN", NOTHING)          \
	X(LOG_UPSTREAM_TLS_VERSION, "UPSTREAM_TLS_VERSION", NOTHING)            \
	X(LOG_DOWNSTREAM_LOCAL_ADDRESS, "DOWNSTREAM_LOCAL_ADDRESS", NOTHING)    \
	X(LOG_DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,                            \
	  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", NOTHING)                     \
	X(LOG_DOWNSTREAM_LOCAL_PORT, "DOWNSTREAM_LOCAL_PORT", NOTHING)          \
	X(LOG_DOWNSTREAM_REMOTE_ADDRESS, "DOWNSTREAM_REMOTE_ADDRESS", NOTHING)  \
	X(LOG_DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,                           \
	  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", NOTHING)                    \
	X(LOG_DOWNSTREAM_REMOTE_PORT, "DOWNSTREAM_REMOTE_PORT", NOTHING)        \
	X(LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS, "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", NOTHING) \
	X(LOG_DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT,                    \
	  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", NOTHING)             \
	X(LOG_DOWNSTREAM_PEER_URI_SAN, "DOWNSTREAM_PEER_URI_SAN", NOTHING)      \
	X(LOG_DOWNSTREAM_PEER_DNS_SAN, "DOWNSTREAM_PEER_DNS_SAN", NOTHING)      \
	X(LOG_DOWNSTREAM_PEER_SUBJECT, "DOWNSTREAM_PEER_SUBJECT", NOTHING)      \
	X(LOG_DOWNSTREAM_PEER_ISSUER, "DOWNSTREAM_PEER_ISSUER", NOTHING)        \
	X(LOG_DOWNSTREAM_PEER_SERIAL, "DOWNSTREAM_PEER_SERIAL", NOTHING)        \
	X(LOG_DOWNSTREAM_LOCAL_URI_SAN, "DOWNSTREAM_LOCAL_URI_SAN", NOTHING)    \
	X(LOG_DOWNSTREAM_TLS_VERSION, "DOWNSTREAM_TLS_VERSION", NOTHING)        \
	X(LOG_DOWNSTREAM_TLS_CIPHER, "DOWNSTREAM_TLS_CIPHER", NOTHING)          \
	X(LOG_DOWNSTREAM_TRANSPORT_FAILURE_REASON,                              \
	  "DOWNSTREAM_TRANSPORT_FAILURE_REASON", NOTHING)                       \
	X(LOG_REQUESTED_SERVER_NAME, "REQUESTED_SERVER_NAME", NOTHING)          \
	X(LOG_FILTER_CHAIN_NAME, "FILTER_CHAIN_NAME", NOTHING)                  \
	X(LOG_CONNECTION_ID, "CONNECTION_ID", NOTHING)                          \
	X(LOG_STREAM_ID, "STREAM_ID", NOTHING)                                  \
	X(LOG_HOSTNAME, "HOSTNAME", NOTHING)
// clang-format on

enum log_operator {
#define X(id, name, argument) id,
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
