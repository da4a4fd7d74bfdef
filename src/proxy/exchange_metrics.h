#pragma once

/*
 * An exchange in Weft's own metrics
 */

#include "proxy/exchange.h"

/* Counts what it came to, in the series of the client (inbound) or of the endpoint. */
void exchange_metrics_record(struct exchange *x);
