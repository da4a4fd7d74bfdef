#pragma once

/*
 * Kinds of documents: one table
 *
 * A row names a kind for documents, for the API's paths and for people, and points at the
 * table of its fields. Everything else (reading, defaults, canonical form, differences, JSON
 * Schema, help) is derived from those tables.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/pool.h"
#include "base/str.h"

struct format;
struct node;
struct object;

enum kind_id { KIND_SERVICE, KIND_WORKLOAD, KIND_HTTP_ROUTE, KIND_MESH_CONFIG, KIND_COUNT };

struct kind {
	enum kind_id id;
	const char *name;     /* "HTTPRoute" */
	const char *plural;   /* "httproutes": in paths */
	const char *group;    /* "gateway.networking.k8s.io"; "" for core */
	const char *version;  /* "v1" */
	const char *words[6]; /* for the command line: "httproute", "route", …; ends with NULL */
	bool namespaced;
	const char *only_name;            /* there is one object, of this name; NULL: any */
	const struct format *name_format; /* of metadata.name */
	const struct object *object;      /* of the whole document */
	const char *text;
};

const struct kind *kind_of(enum kind_id id);

/* "gateway.networking.k8s.io/v1", "v1". */
void kind_api_version(const struct kind *k, struct buf *out);
/* By apiVersion and kind of a document; NULL when unknown. */
const struct kind *kind_find(struct str api_version, struct str name);
/* By what a person types: name, plural or short, in any case. NULL when unknown. */
const struct kind *kind_by_word(struct str word);

/*
 * The API's paths:
 *
 *	/api/v1/namespaces/NS/services/NAME
 *	/apis/gateway.networking.k8s.io/v1/namespaces/NS/httproutes[/NAME][/status]
 *	/apis/weft.dev/v1alpha1/meshconfigs/NAME
 */
struct kind_path {
	const struct kind *kind;
	struct str name_space; /* empty: all namespaces, or a kind without */
	struct str name;       /* empty: a list */
	bool status;           /* …/status */
};

/* Without query. ERR_NOT_FOUND when it is none of ours; names are checked, text is borrowed. */
must_check int kind_path_parse(struct str path, struct kind_path *ret_path);
void kind_path_format(const struct kind_path *p, struct buf *out);

/* JSON Schema (2020-12) of the whole document. */
struct node *kind_schema(const struct kind *k, struct pool *pool);

/*
 * Help from the tables: the fields of the object at a path ("", "spec.rules.matches"), each with
 * type, default and text. ERR_NOT_FOUND when the path leads to no object.
 */
must_check int kind_help(const struct kind *k, struct str path, struct buf *out);
