#pragma once

/*
 * Formats of access logs: text or JSON, into tokens
 */

#include "model/access_log.h"
#include "model/compile.h"

/* Most tokens of one format. */
#define LOG_TOKENS_MAX 4096

/* A format is a text field of `m`, for messages. */
must_check int access_log_text_format(struct compile *c, const struct pb_message *m, unsigned field,
				      struct str format, struct access_log *log);
/* A field that holds a Struct. */
must_check int access_log_json_format(struct compile *c, const struct pb_message *m, unsigned field,
				      struct access_log *log);

/* Is it a format that access_log_time() writes? */
bool access_log_time_valid(struct str format);
/* By the format, or by Envoy's own where it is empty. */
void access_log_time(struct str format, struct wall_time t, struct buf *out);
