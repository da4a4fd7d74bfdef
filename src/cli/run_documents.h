#pragma once

/*
 * What `weft run` tells the control plane, and its proxy
 */

#include "base/buf.h"
#include "cli/run_plan.h"

/*
 * The body of POST /weft/v1/register: the Workload, and the Services NAME (every version) and
 * NAME-VERSION, which the control plane creates where they are absent and never changes.
 */
void run_registration(const struct run_plan *p, bool ready, struct buf *out);

/* "/apis/weft.dev/v1alpha1/namespaces/NS/workloads/NAME" */
void run_workload_path(const struct run_plan *p, struct buf *out);

/*
 * The bootstrap of weft-proxy, JSON: who it is, a static cluster `local/PORT` for each port of
 * the program, the control plane as the cluster of delta ADS, and the bindings: which Listener
 * runs on which inherited socket (model/bootstrap.h).
 */
void run_bootstrap(const struct run_plan *p, struct buf *out);

/* Names under which the sockets are passed: "mesh-9080", "upstream-0", "admin". */
#define RUN_ADMIN_NAME "admin"
struct str run_port_name(struct pool *pool, const struct run_port *port);
struct str run_upstream_name(struct pool *pool, uint32_t index);

/* An address without its port. */
struct str run_ip_text(struct pool *pool, const struct address *a);
