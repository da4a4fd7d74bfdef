#pragma once

/*
 * Where files go when nobody said where
 *
 * Root has /run/weft and /var/lib/weft. Everybody else has the XDG directories, and where
 * those are missing /tmp/weft-UID, which dir_make_private() then checks for its owner. Only
 * the choice is made here; nothing is created.
 */

#include <sys/types.h>

enum place {
	PLACE_RUN,   /* sockets and what may go with the next boot */
	PLACE_STATE, /* what must survive */
};

/* What the choice depends on. Texts may be NULL; relative paths are ignored. */
struct place_environment {
	uid_t user;
	const char *runtime_dir; /* XDG_RUNTIME_DIR */
	const char *state_home;  /* XDG_STATE_HOME */
	const char *home;        /* HOME */
};

/* The directory, for mem_free(). */
char *place_dir_in(enum place place, const struct place_environment *environment);

/* The same for this process; directories that it cannot write to are left aside. */
char *place_dir(enum place place);
