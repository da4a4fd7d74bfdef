#pragma once

/*
 * What the proxy reports: one OTLP metrics request
 *
 * Names and attributes are those of message/telemetry_names.h. Cumulative numbers, so a report
 * that is lost costs nothing but its second.
 */

#include "base/buf.h"
#include "base/time.h"
#include "model/bootstrap.h"
#include "proxy/metrics.h"

struct otlp_report {
	const struct bootstrap *bootstrap; /* whose proxy this is */
	struct metrics *metrics;
	uint64_t revision;  /* that all workers serve */
	uint64_t unchanged; /* resources received unchanged */
	struct instant now;
	struct wall_time wall_now;
	struct wall_time started;
};

/* An encoded ExportMetricsServiceRequest; *out is cleared first. */
void otlp_encode(const struct otlp_report *report, struct buf *out);
