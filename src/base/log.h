#pragma once

/*
 * Log
 *
 * One line per event on standard error: a stable event name, then key=value fields, as text
 * or as JSON. base, event, codec and net do not log: the layer that decides what happens
 * next logs, once.
 */

#include <stdbool.h>

#include "base/error.h"
#include "base/macro.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Process-wide; set once before threads start. Default: info, text. */
void log_set_level(enum log_level level);
void log_set_json(bool json);
/* Shown as component=NAME in each line; borrowed for the life of the process. */
void log_set_component(const char *name);
bool log_enabled(enum log_level level);
/* Where lines go; standard error by default. Borrowed. */
void log_set_fd(int fd);

/* "debug", "info", "warn", "error", and back: ERR_SYNTAX for another name. */
/* The names of the levels, for a SETTING_CHOICE; ends with NULL. */
extern const char *const log_level_words[];
const char *log_level_name(enum log_level level);
must_check int log_level_parse(struct str name, enum log_level *ret_level);

/*
 * log_warn("tls.handshake_failed", "peer=%s reason=\"%s\"", peer, err_text(r));
 * Fields are key=value with spaces between them, and written as they stand: the caller puts
 * a value with spaces in quotes, and passes text that a peer chose through log_quote(). The
 * format may be "" where the event says it all. In JSON each field is a member of the
 * object; what is no field is one member "text". Fields beyond 4 KiB are cut.
 */
void log_write(enum log_level level, const char *event, const char *format, ...) printf_like(3, 4);

#define log_debug(...)                                           \
	do {                                                     \
		if (log_enabled(LOG_LEVEL_DEBUG))                \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

/* A quoted, escaped copy of text that a peer chose, at most 256 bytes of it. Valid until the
 * eighth further call on the same thread. */
const char *log_quote(struct str s);
