#pragma once

/*
 * Codes of what can be wrong with a document
 *
 * A code is for searching and for `weft help WEFTnnnn`; numbers are never used again.
 *
 *	10xx  one document by itself
 *	11xx  documents together
 *	12xx  the mesh as it runs
 */

#include "base/macro.h"
#include "base/str.h"

// clang-format off
#define CODE_MAP(X)                                                                              \
	X(CODE_SYNTAX, "WEFT1001", "the text does not parse",                                    \
	  "Mend the YAML or JSON at the place shown. YAML indents with spaces, never with tabs.") \
	X(CODE_UNKNOWN_FIELD, "WEFT1002", "unknown field",                                       \
	  "Check the spelling and the level of indentation; `weft help KIND` lists the fields.") \
	X(CODE_FIELD_MISSING, "WEFT1003", "a required field is missing",                         \
	  "Add the field that the message names.")                                               \
	X(CODE_WRONG_TYPE, "WEFT1004", "a value of the wrong kind",                              \
	  "Write the kind of value that the message names: text in quotes, numbers without.")    \
	X(CODE_NO_SUCH_CHOICE, "WEFT1005", "a word that is not one of the choices",              \
	  "Write one of the words that the message lists, in that spelling.")                    \
	X(CODE_BAD_VALUE, "WEFT1006", "a value that is not allowed",                             \
	  "Write a value of the form or range that the message names.")                          \
	X(CODE_LIMIT, "WEFT1007", "too many or too large",                                       \
	  "Stay within the limit that the message names, or split the document.")                \
	X(CODE_UNSUPPORTED, "WEFT1008", "not supported by this version",                         \
	  "Leave it out, or use what the message names instead.")                                \
	X(CODE_UNKNOWN_KIND, "WEFT1009", "unknown kind of document",                             \
	  "Check apiVersion and kind; `weft help kinds` lists them.")                            \
	X(CODE_TWICE_IN_LIST, "WEFT1010", "the same twice in one list",                          \
	  "Names and keys within a list must differ: remove one, or rename it.")                 \
	X(CODE_EXCLUSIVE, "WEFT1011", "fields that do not go together",                          \
	  "Keep one of the fields that the message names.")                                      \
	X(CODE_AMBIGUOUS_TEXT, "WEFT1012", "a text that readers take differently",               \
	  "Leave one reading: each key once, words like no or 010 in quotes, no tags or <<.")    \
	X(CODE_OBJECT_TWICE, "WEFT1013", "the same object twice",                                \
	  "Keep one of the two documents, or give one another name.")                            \
	X(CODE_NO_BACKEND, "WEFT1101", "a backend that does not exist",                          \
	  "Apply the Service in the same command, or correct its name or namespace.")            \
	X(CODE_NO_PARENT, "WEFT1102", "a parent that does not exist",                            \
	  "Apply the Service in the same command, or correct its name or namespace.")            \
	X(CODE_NO_PORT, "WEFT1103", "a port that the Service does not have",                     \
	  "Use a port number from the Service's spec.ports.")                                    \
	X(CODE_PORT_NOT_HTTP, "WEFT1104", "an HTTP route on a port that is not HTTP",            \
	  "Declare the port: weft run --port PORT/http, or appProtocol: http in the Service.")   \
	X(CODE_CONFLICTED, "WEFT1105", "a match that an older route has taken",                  \
	  "Make the match differ, or remove it from one of the routes; the older one is used.")  \
	X(CODE_WEIGHTS_ZERO, "WEFT1106", "all weights are zero",                                 \
	  "Give at least one backend a weight from 1; every request is answered with 500.")      \
	X(CODE_SELECTS_NOTHING, "WEFT1107", "a Service that selects no workload",                \
	  "Start a workload with these labels, or correct the selector.")                        \
	X(CODE_NO_TARGET_PORT, "WEFT1108", "a workload that lacks the target port",              \
	  "Let targetPort name a port that the workload has.")                                   \
	X(CODE_NO_BACKENDS, "WEFT1109", "a rule that sends requests nowhere",                    \
	  "Give the rule backendRefs, or a filter RequestRedirect.")                             \
	X(CODE_ENDPOINTS_KEPT, "WEFT1201", "lost endpoints that are kept",                       \
	  "See whether their machines reach the control plane; delete Workloads that are gone.")
// clang-format on

enum code {
#define X(code, name, title, fix) code,
	CODE_MAP(X)
#undef X
		CODE_COUNT,
};

struct code_text {
	const char *name; /* "WEFT1002" */
	const char *title;
	const char *fix;
};

const struct code_text *code_text(enum code code);
/* NULL for a name that is none. */
const struct code_text *code_find(struct str name);
