#pragma once

/*
 * Access logs: what an exchange came to, as lines
 *
 * The format is compiled (model/access_log.h); here stand the answers to its questions.
 */

#include "proxy/exchange.h"

struct tcp_session;

void access_logger_exchange(struct exchange *x);
/* A request that was refused before it became an exchange. */
void access_logger_fault(struct downstream *d, enum reason reason, uint16_t status,
			 struct str detail);
void access_logger_tcp(struct tcp_session *t);
/* The connection as a whole, in the logs of its listener. */
void access_logger_connection(struct downstream *d);
