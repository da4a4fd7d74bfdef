#pragma once

/*
 * What runs on a port, by what is declared
 *
 * appProtocol decides, then the name of the port up to the first hyphen ("http-admin" is
 * "http"). Undeclared is TCP. What is declared and not served yet is refused by name.
 */

#include <stdint.h>

#include "base/macro.h"
#include "base/str.h"

enum port_protocol { PROTOCOL_TCP, PROTOCOL_HTTP };

enum protocol_origin { PROTOCOL_UNDECLARED, PROTOCOL_BY_APP_PROTOCOL, PROTOCOL_BY_PORT_NAME };

/* A port by number, or by the name that the workload gives it. */
struct port_target {
	uint32_t number; /* 0: by name */
	struct str name;
};

/* "tcp", "http" */
const char *port_protocol_text(enum port_protocol protocol);

/*
 * Looks a word up: "http", "kubernetes.io/h2c", "redis". ERR_NOT_FOUND for a word that declares
 * nothing, ERR_UNSUPPORTED for what this version does not serve.
 */
must_check int port_protocol_of(struct str word, enum port_protocol *ret_protocol);
