#pragma once

/*
 * The keeper: accepted resources on disk, for a start without a control plane
 *
 * What the proxy serves lies in DIR/resources.kept (0600), beside its key and chain and private
 * as they are. The bytes are xds/kept.h's; a file is replaced in one step (written beside,
 * fsync, rename, fsync of the directory), so that whatever ends the process leaves the former
 * one or the new one.
 *
 *	keeper_note ──1 s──▶ is anything warming? ──no──▶ write ──▶ rest 1 s per 4 MiB written
 *	                          └──yes: 1 s more, 15 times at most
 *
 * So changes that come together are one write, a mesh in turmoil costs a bounded share of the
 * main thread and of the disk, and workers never wait. What was accepted within the last second
 * before a crash may be missing: then the file says what was served before it.
 *
 * Kept are active parts; where none is active yet, the one that warms; and names that are known
 * not to exist. Not kept are the bootstrap's own and secrets: where any resource carries a
 * private key inside, nothing is kept at all, and said once.
 *
 * A file is used whole or not at all: every resource in it passes model/ as if it had been
 * received just now. One that is not used stays where it is until the next write replaces it: a
 * release that is taken back finds what it wrote.
 */

#include "event/loop.h"
#include "proxy/resources.h"
#include "xds/kept.h"

#define KEEPER_FILE          "resources.kept"
#define KEEPER_DELAY         DURATION_SECONDS(1)
#define KEEPER_REST_BYTES    (4 * 1024 * 1024) /* one more second for each of these */
#define KEEPER_POSTPONED_MAX 15

struct keeper;

struct keeper_options {
	struct loop *loop;
	struct resources *resources;
	struct str dir;          /* copied */
	struct kept_owner owner; /* its texts outlive the keeper */
};

struct keeper_stats {
	uint64_t used; /* resources that came from the file */
	uint64_t writes;
	uint64_t writes_failed;
};

struct keeper *keeper_new(const struct keeper_options *options);
/* What was noted and not written is lost: keeper_flush() first. Accepts NULL; returns NULL. */
struct keeper *keeper_free(struct keeper *k);

/*
 * Reads the file and applies what is in it. False: there is none, or it is of no use, which is
 * logged in one line with the reason.
 */
bool keeper_use(struct keeper *k);

/* What the proxy serves has changed: it is written soon. */
void keeper_note(struct keeper *k);
/* Writes now what was noted: before an end in order. */
void keeper_flush(struct keeper *k);

struct keeper_stats keeper_stats(const struct keeper *k);
