#pragma once

/*
 * An exchange in Weft's own metrics, and in those of a cluster
 */

#include "proxy/exchange.h"

/* Counts what it came to, in the series of the client (inbound) or of the endpoint. */
void exchange_metrics_record(struct exchange *x);

/* Counts an answer of a cluster, or ours in its place. */
void exchange_metrics_answer(struct counter *cells, uint16_t status);
