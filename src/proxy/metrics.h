#pragma once

/*
 * Weft's own request metrics
 *
 * Requests by direction, own service and version, the peer's service or identity, class of the
 * answer and mutual TLS, with a latency histogram. A series is found once per connection
 * (inbound: the peer is the connection's) or once per endpoint (outbound), under a lock; on
 * the request path it is a pointer. Every worker has cells of its own in each series.
 *
 * The number of series is bounded: beyond SERIES_MAX requests are counted in one overflow
 * series. A series that nobody refers to and that did not change for SERIES_IDLE leaves.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "base/time.h"

#define SERIES_MAX  10000
#define SERIES_IDLE DURATION_SECONDS(600)

enum metric_direction { METRIC_INBOUND, METRIC_OUTBOUND };
enum metric_tls { METRIC_PLAINTEXT, METRIC_TLS, METRIC_MUTUAL_TLS, METRIC_TLS_COUNT };

/* What a request came to: no answer at all, or the class of its status. */
enum metric_class {
	METRIC_NONE,
	METRIC_1XX,
	METRIC_2XX,
	METRIC_3XX,
	METRIC_4XX,
	METRIC_5XX,
	METRIC_CLASS_COUNT,
};

/* Text is borrowed for the call; what is unknown is empty. */
struct series_labels {
	enum metric_direction direction;
	enum metric_tls tls;
	struct str service; /* the one that is called */
	struct str service_namespace;
	struct str version;
	struct str peer; /* inbound: the SPIFFE ID of the caller; outbound: empty */
};

struct request_cells {
	struct counter classes[METRIC_CLASS_COUNT];
	struct counter retries;
	struct histogram duration;
};

struct metrics;

struct request_series {
	/* Immutable; owned. */
	struct series_labels labels;
	bool overflow;
	/* private */
	struct metrics *metrics;
	struct list in_metrics;
	char *key;
	uint32_t refs; /* under the lock */
	struct instant idle_since;
	char *blocks;
	size_t block_bytes;
};

struct metrics {
	uint32_t worker_count;
	/* Of the program behind inbound listeners, whose bytes are the same for all versions of a
	 * service. Borrowed; set before the first series. */
	struct str own_version;
	/* under the lock */
	pthread_mutex_t lock;
	struct map by_key;
	struct list series;
	struct request_series *overflow;
};

void metrics_init(struct metrics *m, uint32_t worker_count);
void metrics_fini(struct metrics *m);

/* Any thread. One reference. Never NULL. */
struct request_series *request_series_get(struct metrics *m, const struct series_labels *labels);
/* `now`: for its idle time. Accepts NULL; returns NULL. */
struct request_series *request_series_unref(struct request_series *s, struct instant now);

static inline struct request_cells *request_series_cells(const struct request_series *s,
							 uint32_t worker)
{
	return (struct request_cells *)(void *)(s->blocks + worker * s->block_bytes);
}

enum metric_class metric_class_of(uint16_t status);

/* Reading: for export. A copy of the sums over workers. */
struct series_sample {
	struct series_labels labels; /* lives until on_series returns */
	bool overflow;
	uint64_t classes[METRIC_CLASS_COUNT];
	uint64_t retries;
	struct histogram_data duration;
};

/* Calls on_series for each; sweeps out what has been idle. Main thread. */
void metrics_read(struct metrics *m, struct instant now,
		  void (*on_series)(void *user, const struct series_sample *sample), void *user);
