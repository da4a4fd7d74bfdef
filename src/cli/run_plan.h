#pragma once

/*
 * What `weft run` is asked to do: its arguments, read
 *
 * The plan is filled in two steps: names, ports and upstreams from the arguments; descriptors
 * and mesh ports when the sockets are open (run_sockets.h).
 */

#include <stdint.h>

#include "base/diag.h"
#include "base/pool.h"
#include "base/setting.h"
#include "cli/output.h"
#include "mesh/port_name.h"
#include "message/address.h"

#define RUN_PORTS_MAX     16  /* of a Workload */
#define RUN_UPSTREAMS_MAX 200 /* with the ports and the admin socket what a child is passed */

struct run_settings {
	struct namespace_settings in;
	setting_text service;
	setting_text version;
	setting_text name;
	setting_list port;
	setting_list upstream;
	setting_text address;
	setting_text mesh_address;
	setting_text proxy;
	setting_text run;
	setting_text proxy_log;
	setting_text proxy_log_level;
};
extern const struct setting run_table[];

/* --port P[/PROTOCOL]: the program's port, and the mesh port in front of it. */
struct run_port {
	uint32_t number;
	enum port_protocol protocol;
	struct address program; /* where the program listens */
	struct address mesh;    /* where the proxy takes mutual TLS; port 0 until it is open */
	int fd;
};

/* --upstream NAME[.NAMESPACE]:PORT=ADDRESS:PORT */
struct run_upstream {
	struct str name;
	struct str name_space;
	uint32_t port;
	struct address address; /* where the program finds it */
	int fd;
};

struct run_plan {
	struct str name_space;
	struct str service;
	struct str version;  /* may be empty */
	struct str workload; /* "reviews-v1-x7k2p" */
	struct address address;
	struct run_port *ports;
	uint32_t port_count;
	struct run_upstream *upstreams;
	uint32_t upstream_count;

	/* From here on set by who runs the plan. */
	struct str trust_domain;
	struct str xds_address;
	struct str socket; /* of the control plane: a path */
	struct str dir;    /* private: bootstrap, admin socket, identity */
	int admin_fd;
	struct pool pool;
};

struct random;

/*
 * Reads the settings. ERR_CONFIG with a sentence that names the flag and says what to write.
 * run_plan_fini() also after a failure.
 */
must_check int run_plan_read(const struct run_settings *s, struct random *random,
			     struct run_plan *ret_plan, struct diag *d);
void run_plan_fini(struct run_plan *p);
