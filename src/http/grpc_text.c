#include "codec/percent.h"
#include "http/grpc_private.h"

/* Longer texts are cut: they travel in a header field. */
#define TEXT_BYTES_MAX 2048

static const char *const status_names[] = {
#define X(name, text) [name] = (text),
	GRPC_STATUS_MAP(X)
#undef X
};

const char *grpc_status_text(enum grpc_status status)
{
	return (size_t)status < array_count(status_names) ? status_names[status] : "UNKNOWN";
}

/* From the longest, as they are tried when reading; from the shortest when writing. */
static const struct {
	char unit;
	int64_t ns;
} units[] = {
	{ 'n', 1 },
	{ 'u', 1000 },
	{ 'm', 1000000 },
	{ 'S', 1000000000 },
	{ 'M', INT64_C(60) * 1000000000 },
	{ 'H', INT64_C(3600) * 1000000000 },
};

#define TIMEOUT_DIGITS_MAX 8
#define TIMEOUT_NUMBER_MAX 99999999

struct str grpc_timeout_text(struct pool *pool, struct duration timeout)
{
	size_t i = 0;

	/* The finest unit that holds it, but not finer than milliseconds without need. */
	while (i + 1 < array_count(units) &&
	       (timeout.ns / units[i].ns > TIMEOUT_NUMBER_MAX ||
		(timeout.ns % units[i + 1].ns == 0 && units[i + 1].ns <= 1000000)))
		i++;
	return pool_printf(pool, "%lld%c",
			   (long long)min_of(timeout.ns / units[i].ns, (int64_t)TIMEOUT_NUMBER_MAX),
			   units[i].unit);
}

int grpc_timeout_parse(struct str text, struct duration *ret_timeout)
{
	uint64_t number;

	if (text.len < 2 || text.len > TIMEOUT_DIGITS_MAX + 1 ||
	    str_to_u64(str_slice(text, 0, text.len - 1), TIMEOUT_NUMBER_MAX, &number) < 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < array_count(units); i++) {
		if (units[i].unit != text.ptr[text.len - 1])
			continue;
		if (__builtin_mul_overflow((int64_t)number, units[i].ns, &ret_timeout->ns))
			*ret_timeout = DURATION_FOREVER;
		return 0;
	}
	return ERR_SYNTAX;
}

/* gRPC: "HTTP to gRPC Status Code Mapping". */
static const struct {
	uint16_t http;
	enum grpc_status status;
} of_http[] = {
	{ 400, GRPC_INTERNAL },      { 401, GRPC_UNAUTHENTICATED }, { 403, GRPC_PERMISSION_DENIED },
	{ 404, GRPC_UNIMPLEMENTED }, { 429, GRPC_UNAVAILABLE },     { 502, GRPC_UNAVAILABLE },
	{ 503, GRPC_UNAVAILABLE },   { 504, GRPC_UNAVAILABLE },
};

enum grpc_status grpc_status_of_http(uint16_t status)
{
	for (size_t i = 0; i < array_count(of_http); i++)
		if (of_http[i].http == status)
			return of_http[i].status;
	return GRPC_UNKNOWN;
}

/* The codes of RFC 9113 §7 that mean something of their own. */
static const struct {
	uint32_t code;
	enum grpc_status status;
} of_code[] = {
	{ 7, GRPC_UNAVAILABLE },         /* REFUSED_STREAM */
	{ 8, GRPC_CANCELLED },           /* CANCEL */
	{ 11, GRPC_RESOURCE_EXHAUSTED }, /* ENHANCE_YOUR_CALM */
	{ 12, GRPC_PERMISSION_DENIED },  /* INADEQUATE_SECURITY */
};

enum grpc_status grpc_status_of_reset(enum stream_reset reason, uint32_t code)
{
	switch (reason) {
	case STREAM_RESET_REFUSED:
	case STREAM_RESET_CLOSED:
	case STREAM_RESET_CONNECT:
		return GRPC_UNAVAILABLE;
	case STREAM_RESET_LIMIT:
		return GRPC_RESOURCE_EXHAUSTED;
	case STREAM_RESET_LOCAL:
		return GRPC_CANCELLED;
	default:
		break;
	}
	for (size_t i = 0; i < array_count(of_code); i++)
		if (of_code[i].code == code)
			return of_code[i].status;
	return GRPC_INTERNAL;
}

bool grpc_status_read(const struct headers *h, struct pool *pool, enum grpc_status *ret_status,
		      struct str *ret_text)
{
	const struct header *status = headers_get(h, HEADER_GRPC_STATUS);
	const struct header *text = headers_get(h, HEADER_GRPC_MESSAGE);
	uint64_t number;

	if (!status)
		return false;
	*ret_status = str_to_u64(status->value, GRPC_STATUS_COUNT - 1, &number) == 0
			      ? (enum grpc_status)number
			      : GRPC_UNKNOWN;
	*ret_text = text ? percent_decode_lenient(text->value, pool) : STR_EMPTY;
	return true;
}

void grpc_status_write(struct headers *h, enum grpc_status status, struct str text)
{
	struct buf encoded = BUF_INIT(0);

	headers_add(h, HEADER_GRPC_STATUS, pool_printf(h->pool, "%d", status));
	if (text.len == 0)
		return;
	percent_encode(str_slice(text, 0, TEXT_BYTES_MAX), PERCENT_GRPC_MESSAGE, &encoded);
	headers_add(h, HEADER_GRPC_MESSAGE, pool_strdup(h->pool, buf_str(&encoded)));
	buf_fini(&encoded);
}
