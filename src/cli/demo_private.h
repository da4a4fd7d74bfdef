#pragma once

/*
 * Inside the demo: what its files share
 *
 *	demo_meanwhile.c   what arrives while a step waits, and the waiting itself
 *	demo_up.c          from the directory to the load
 *	demo_watch.c       the screen, the last numbers, the summary
 *	demo.c             the course, the end, the command
 */

#include "base/random.h"
#include "cli/demo_facts.h"
#include "cli/demo_processes.h"
#include "cli/janitor.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "event/signal.h"

/* The control plane, the workloads in the order of the shop, the load. */
#define DEMO_PROCESS_COUNT (SHOP_WORKLOAD_COUNT + 2)
#define DEMO_LOAD_INDEX    (DEMO_PROCESS_COUNT - 1)

struct demo_settings {
	setting_duration time_limit; /* --for */
	setting_text output;
	setting_count rate;
};

struct demo {
	const struct cli *cli;
	const struct demo_settings *settings;
	struct remote remote;
	struct signal_source signals;
	struct janitor janitor;
	struct demo_place place;
	struct demo_process processes[DEMO_PROCESS_COUNT];
	struct demo_facts facts;
	struct pool pool;
	struct diag diag;
	const char *weft_shown; /* as the person called us */
	char *half;             /* a file */
	char *note;
	struct instant began;
	struct instant ready;
	bool json;
	bool is_up;
	bool ending;
	unsigned interrupts;
	const struct demo_process *failed; /* ended before its time */

	struct {
		struct watch watch;
		int fd;
		struct buf line;
	} load;
};

static inline double demo_seconds(struct instant later, struct instant earlier)
{
	return (double)instant_since(later, earlier).ns / 1e9;
}

/* Callbacks: they note what happened; steps look at it. */
void demo_on_signal(struct signal_source *source, int number);
void demo_on_process_end(struct demo_process *p);
void demo_on_load_ready(struct watch *w, uint32_t events);

/* Turns the loop for so long. False: interrupted, or something has ended that must not. */
bool demo_pause(struct demo *d, struct duration time);
/* Until the condition holds. False: as above, or it takes too long (then the sentence is in
 * d->diag). Answers of before are forgotten. */
bool demo_wait(struct demo *d, bool (*holds)(struct demo *d), const char *what);
/* Asks the control plane; the answer is good until the pool of the remote is reset. NULL: none. */
struct node *demo_ask(struct demo *d, struct str path);
/* A finished step, as a line for the person. */
void demo_say(struct demo *d, const char *name, const char *format, ...) printf_like(3, 4);
/* Requests that the proxies of the front service have told of. */
uint64_t demo_front_requests(const struct node *stat);

/* From nothing to a shop under load. False: see d->diag, d->failed and d->interrupts. */
bool demo_bring_up(struct demo *d, const char *weft);

/* Shows the shop until it is time to stop. */
void demo_watch(struct demo *d);
/* The load has ended: waits until everything has been told. */
void demo_settle(struct demo *d);
/* The last picture, or the one object; an exit code. */
int demo_summarize(struct demo *d);
/* The last lines that the processes printed: of the one that failed, or of all. */
void demo_say_logs(const struct demo *d);
