#pragma once

/*
 * The HTTP connection manager: one client's HTTP connection
 */

#include "proxy/downstream.h"

/* d->chain is chosen and d->conn open. Ends with downstream_closed(). */
void http_manager_open(struct downstream *d);
/* Finishes what runs: GOAWAY, Connection: close. */
void http_manager_drain(struct downstream *d);
