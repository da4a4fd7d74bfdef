#pragma once

/*
 * What weft-proxy counts and logs, as one page of Markdown: docs/reference/telemetry.md
 *
 * The names stand in the tables of stats.h, reasons.h and model/access_log.h; their texts are
 * there too, and compiled in here alone.
 */

#include "base/buf.h"

void telemetry_page(struct buf *out);
