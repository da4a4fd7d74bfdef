#pragma once

/*
 * Inside the compile graph: what one owner emits
 */

#include "codec/pb_message.h"
#include "control/graph.h"

struct graph_emit {
	const struct graph_input *input;
	struct pool *pool; /* of this computation */
	/* Takes a built message; the name is copied. */
	void (*on_resource)(struct graph_emit *e, enum xds_type type, struct str name,
			    const struct pb_message *message);
};

/* All resources of a Service that exists. */
void graph_emit_service(struct graph_emit *e, const struct document *service);
/* The inbound listeners of the workloads with that `app` label. */
void graph_emit_inbound(struct graph_emit *e, struct str name_space, struct str app);
