#include "proxy/inspect.h"

#include "http/server.h"

#define PREFACE        "PRI * HTTP/2.0\r\n"
#define LINE_BYTES_MAX 8192

static const struct str name_h2c = STR_INIT("h2c");
static const struct str name_http11 = STR_INIT("http/1.1");
static const struct str name_http10 = STR_INIT("http/1.0");

/* The version at the end of the first line; NULL: no HTTP. */
static const struct str *version_of(struct str line)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (str_has_suffix(line, STR(" HTTP/1.1")))
		return &name_http11;
	if (str_has_suffix(line, STR(" HTTP/1.0")))
		return &name_http10;
	return NULL;
}

static enum inspect_result inspect_http(struct str input, struct inspection *ret_seen)
{
	struct str preface = STR(PREFACE);
	size_t common = min_of(input.len, preface.len), end;
	const struct str *name;

	if (memcmp(input.ptr, preface.ptr, common) == 0) {
		if (common < preface.len)
			return INSPECT_MORE;
		ret_seen->protocols = &name_h2c;
		ret_seen->protocol_count = 1;
		return INSPECT_KNOWN;
	}
	end = str_find(input, 0, '\n');
	if (end == input.len && input.len < LINE_BYTES_MAX)
		return INSPECT_MORE;
	name = version_of(str_slice(input, 0, end));
	ret_seen->protocols = name;
	ret_seen->protocol_count = name != NULL;
	return INSPECT_KNOWN;
}

enum inspect_result inspect(struct str input, bool for_tls, bool for_http,
			    struct inspection *ret_seen)
{
	ret_seen->tls = false;
	ret_seen->protocols = NULL;
	ret_seen->protocol_count = 0;
	if (for_tls) {
		switch (client_hello_read(input, &ret_seen->hello)) {
		case HELLO_MORE:
			return INSPECT_MORE;
		case HELLO_BROKEN:
			return INSPECT_BROKEN;
		case HELLO_TLS:
			ret_seen->tls = true;
			ret_seen->protocols = ret_seen->hello.alpn;
			ret_seen->protocol_count = ret_seen->hello.alpn_count;
			return INSPECT_KNOWN;
		default:
			break;
		}
	}
	return for_http ? inspect_http(input, ret_seen) : INSPECT_KNOWN;
}
