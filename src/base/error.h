#pragma once

/*
 * Error codes
 *
 * A function that can fail returns 0 or a negative code: -errno for the system's, one of
 * these for ours. An expected outcome ("need more bytes") is not an error and travels as an
 * enum instead.
 */

// clang-format off
#define ERR_MAP(X)                                                        \
	X(ERR_PROTO,       "peer broke the protocol")                     \
	X(ERR_LIMIT,       "a configured limit was reached")              \
	X(ERR_CONFIG,      "configuration is invalid")                    \
	X(ERR_SYNTAX,      "text does not parse")                         \
	X(ERR_CLOSED,      "the connection was closed")                   \
	X(ERR_CANCELED,    "the operation was canceled")                  \
	X(ERR_TIMEOUT,     "no answer in time")                           \
	X(ERR_TLS,         "TLS failed")                                  \
	X(ERR_DENIED,      "not permitted")                               \
	X(ERR_NOT_FOUND,   "does not exist")                              \
	X(ERR_EXISTS,      "exists already")                              \
	X(ERR_CONFLICT,    "somebody else changed it first")              \
	X(ERR_UNAVAILABLE, "not available now")                           \
	X(ERR_UNSUPPORTED, "not supported by this version")               \
	X(ERR_CORRUPT,     "stored data is damaged")                      \
	X(ERR_INTERNAL,    "a bug in this program")
// clang-format on

enum error {
	ERR_FIRST = -20000,
#define X(name, text) name,
	ERR_MAP(X)
#undef X
};

/* A short English text for any code of ours or the system's. Static; never NULL. */
const char *err_text(int code);
