#include "mesh/port_name.h"

#include <stdbool.h>

#include "base/error.h"

static const struct {
	struct str word;
	enum port_protocol protocol;
	bool unsupported;
} words[] = {
	{ STR_INIT("http"), PROTOCOL_HTTP },
	{ STR_INIT("tcp"), PROTOCOL_TCP },
	/* Opaque to us: TLS of the program's own, and what servers speak over TCP. */
	{ STR_INIT("https"), PROTOCOL_TCP },
	{ STR_INIT("tls"), PROTOCOL_TCP },
	{ STR_INIT("amqp"), PROTOCOL_TCP },
	{ STR_INIT("kafka"), PROTOCOL_TCP },
	{ STR_INIT("mongo"), PROTOCOL_TCP },
	{ STR_INIT("mongodb"), PROTOCOL_TCP },
	{ STR_INIT("mysql"), PROTOCOL_TCP },
	{ STR_INIT("postgres"), PROTOCOL_TCP },
	{ STR_INIT("postgresql"), PROTOCOL_TCP },
	{ STR_INIT("redis"), PROTOCOL_TCP },
	{ STR_INIT("ssh"), PROTOCOL_TCP },
	/* To come. */
	{ STR_INIT("grpc"), PROTOCOL_HTTP, true },
	{ STR_INIT("h2c"), PROTOCOL_HTTP, true },
	{ STR_INIT("http2"), PROTOCOL_HTTP, true },
	{ STR_INIT("kubernetes.io/h2c"), PROTOCOL_HTTP, true },
	{ STR_INIT("kubernetes.io/ws"), PROTOCOL_HTTP, true },
	{ STR_INIT("kubernetes.io/wss"), PROTOCOL_HTTP, true },
	{ STR_INIT("udp"), PROTOCOL_TCP, true },
};

const char *port_protocol_text(enum port_protocol protocol)
{
	return protocol == PROTOCOL_HTTP ? "http" : "tcp";
}

int port_protocol_of(struct str word, enum port_protocol *ret_protocol)
{
	for (size_t i = 0; i < array_count(words); i++) {
		if (!str_eq_nocase(word, words[i].word))
			continue;
		if (words[i].unsupported)
			return ERR_UNSUPPORTED;
		*ret_protocol = words[i].protocol;
		return 0;
	}
	return ERR_NOT_FOUND;
}
