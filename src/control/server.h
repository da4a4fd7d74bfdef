#pragma once

/*
 * The control plane as a process
 */

#include "base/setting.h"

struct control_settings {
	setting_text state;        /* directory of the store */
	setting_text run;          /* directory of control.sock */
	setting_text listen;       /* ADDRESS:PORT for proxies; port 0: any */
	setting_text trust_domain; /* fixed at the first start */
	setting_duration certificate_lifetime;
	setting_duration workload_grace; /* how long a lost proxy keeps its Workload */
};

/* The rows of these settings; ends with { 0 }. Directories default to base/place.h's. */
extern const struct setting control_settings_table[];

/*
 * Runs until SIGTERM or SIGINT. Prints one line on standard output when it is ready:
 * "ready socket=PATH xds=ADDRESS:PORT trust_domain=NAME revision=N". Returns 0, or an error
 * with the sentence in `d`.
 */
must_check int control_run(const struct control_settings *settings, struct diag *d);
