#pragma once

/*
 * Interest: which streams of a server want a name
 *
 * A server with thousands of streams must not ask each of them whether it cares about a change.
 * Each entry of a stream (one name of one type) stands in the list of its topic here as well;
 * a topic is there as long as anybody is interested. Whoever else has to know about a name for the
 * sake of a stream begins an interest of its own.
 */

#include "base/list.h"
#include "base/map.h"
#include "xds/types.h"

struct delta_stream;
struct topic;

struct interests {
	struct map topics[XDS_TYPE_COUNT]; /* of struct topic */
};

/* Embedded in what is known of one name on one stream. */
struct interest {
	struct list in_topic;
	struct topic *topic;
	struct delta_stream *stream;
};

void interests_init(struct interests *all);
/* Nobody may be interested in anything any more. */
void interests_fini(struct interests *all);

void interest_begin(struct interests *all, enum xds_type type, struct str name,
		    struct interest *interest);
/* Accepts zeroed memory. */
void interest_end(struct interests *all, enum xds_type type, struct str name,
		  struct interest *interest);

/* Calls for each interest in the name; interests must not come or go meanwhile. */
void interests_each(const struct interests *all, enum xds_type type, struct str name,
		    void (*on_stream)(void *user, struct delta_stream *s), void *user);
