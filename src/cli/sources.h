#pragma once

/*
 * Documents from files: -f FILE, -f DIR, -f -
 *
 * Files are read and validated here, with the same code as in the control plane, and their
 * texts are kept: a problem that only the control plane sees comes back with the path of its
 * document (`items[3].spec.rules[0]`) and is shown in the file that the person wrote.
 */

#include "base/setting.h"
#include "cli/cli.h"
#include "mesh/document.h"

#define SOURCE_BYTES_MAX (8u * 1024 * 1024)

struct source {
	char *name; /* as the person may open it; "standard input" for - */
	struct buf text;
};

struct sources {
	struct source *items;
	size_t count;
	struct documents documents; /* of all files, in order */
	struct pool pool;
};

void sources_init(struct sources *s);
void sources_fini(struct sources *s);

/*
 * Reads what -f names: of a directory its *.yaml, *.yml and *.json by name. ERR_CONFIG and so on
 * with the problem in `d`: print it with sources_problem().
 */
must_check int sources_read(struct sources *s, const struct setting_texts *paths,
			    struct str name_space, struct diag *d);

/* The documents as the body of POST /apply: {"kind": "List", "items": […]}. */
void sources_list(const struct sources *s, struct buf *out);

/* Gives a problem of the control plane its file and place, where its path or its text lead to a
 * document of ours. */
void sources_locate(const struct sources *s, struct diag *d);
/* Prints a problem with its excerpt; an exit code. */
int sources_problem(const struct sources *s, const struct cli *c, const struct diag *d);
