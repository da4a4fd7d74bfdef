#include "proxy/reasons.h"

#include <assert.h>

// clang-format off
#define X(id, word_, status_, flag_, details_, scope_, counter_, retry_, text_, when_) \
	[id] = {                                                                \
		.word = word_,                                                  \
		.status = status_,                                              \
		.flag = FLAG_##flag_,                                           \
		.scope = REASON_COUNTS_##scope_,                                \
		.counter = counter_,                                            \
		.retry = RETRY_##retry_,                                        \
		.details = STR_INIT(details_),                                  \
		.text = STR_INIT(text_),                                        \
	},
static const struct reason_row rows[REASON_COUNT] = { REASON_MAP(X) };
#undef X

static const struct {
	const char *text;
	const char *long_text;
} flags[RESPONSE_FLAG_COUNT] = {
	[FLAG_NONE] = { "-", "-" },
#define X(id, text, long_text) [id] = { text, long_text },
	RESPONSE_FLAG_MAP(X)
#undef X
};

/* [reset][has the response begun?] */
static const uint8_t of_reset[][2] = {
	[STREAM_RESET_NONE]     = { REASON_UPSTREAM_CLOSED,   REASON_AFTER_CLOSED },
	[STREAM_RESET_LOCAL]    = { REASON_LOCAL_CLOSED,      REASON_LOCAL_CLOSED },
	[STREAM_RESET_PEER]     = { REASON_UPSTREAM_RESET,    REASON_AFTER_RESET },
	[STREAM_RESET_REFUSED]  = { REASON_UPSTREAM_REFUSED,  REASON_AFTER_RESET },
	[STREAM_RESET_CLOSED]   = { REASON_UPSTREAM_CLOSED,   REASON_AFTER_CLOSED },
	[STREAM_RESET_PROTOCOL] = { REASON_UPSTREAM_PROTOCOL, REASON_AFTER_PROTOCOL },
	[STREAM_RESET_LIMIT]    = { REASON_UPSTREAM_PROTOCOL, REASON_AFTER_PROTOCOL },
	[STREAM_RESET_CONNECT]  = { REASON_CONNECT,           REASON_AFTER_CLOSED },
};

static const uint8_t of_fault[] = {
	[HTTP_FAULT_NONE]            = REASON_CLIENT_CLOSED,
	[HTTP_FAULT_CODEC]           = REASON_CODEC,
	[HTTP_FAULT_CODING]          = REASON_CODING,
	[HTTP_FAULT_OLD_VERSION]     = REASON_OLD_VERSION,
	[HTTP_FAULT_MESSAGE]         = REASON_MESSAGE,
	[HTTP_FAULT_HOST_MISSING]    = REASON_HOST_MISSING,
	[HTTP_FAULT_CODING_LENGTH]   = REASON_CODING_LENGTH,
	[HTTP_FAULT_CHARACTERS]      = REASON_CHARACTERS,
	[HTTP_FAULT_HEAD_LARGE]      = REASON_HEAD_LARGE,
	[HTTP_FAULT_HEAD_MANY]       = REASON_HEAD_MANY,
	[HTTP_FAULT_HEADERS_LARGE]   = REASON_HEADERS_LARGE,
	[HTTP_FAULT_HEADERS_MANY]    = REASON_HEADERS_LARGE,
	[HTTP_FAULT_HEADERS_TIMEOUT] = REASON_HEADERS_TIMEOUT,
	[HTTP_FAULT_IDLE]            = REASON_CONNECTION_IDLE,
	[HTTP_FAULT_UPGRADE]         = REASON_UPGRADE,
	[HTTP_FAULT_FLOOD]           = REASON_FLOOD,
};
// clang-format on

const char *response_flag_text(enum response_flag f)
{
	assert(f < RESPONSE_FLAG_COUNT);
	return flags[f].text;
}

const char *response_flag_long_text(enum response_flag f)
{
	assert(f < RESPONSE_FLAG_COUNT);
	return flags[f].long_text;
}

const struct reason_row *reason_row(enum reason r)
{
	assert(r < REASON_COUNT);
	return &rows[r];
}

enum reason reason_of_reset(enum stream_reset reset, bool response_started)
{
	assert(reset < array_count(of_reset));
	return of_reset[reset][response_started];
}

enum reason reason_of_fault(enum http_fault fault)
{
	assert(fault < array_count(of_fault));
	return of_fault[fault];
}
