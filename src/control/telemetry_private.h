#pragma once

/*
 * Between telemetry.c, which keeps series, and telemetry_report.c, which reads reports
 */

#include "control/telemetry.h"

struct telemetry {
	struct loop *loop;
	struct proxies *proxies;
	struct instant started;
	struct map series; /* labels joined by \n → struct series */
	int64_t swept;     /* slot of the last search for silent series */
	struct telemetry_counters counters;
};

struct series;

/* The series of these labels, or of "(other)". */
struct series *telemetry_series(struct telemetry *t, struct str key);
/* Adds to the present slot and to the total. */
void telemetry_add(struct telemetry *t, struct series *s, const struct telemetry_sums *more);
