#pragma once

/*
 * Files of access logs, of one worker
 *
 * Lines are gathered in a buffer per file and leave in one write, when they are many or a
 * second old. A file is opened for appending, so that lines of several workers do not mix.
 * What cannot be written is dropped and counted: a full disk stops no request.
 */

#include "model/access_log.h"
#include "proxy/worker.h"

#define LOG_BUFFER_BYTES   (64 * 1024)
#define LOG_FLUSH_INTERVAL DURATION_SECONDS(1)

struct log_files;

struct log_files *log_files_new(struct worker *w);
/* Writes what is buffered. Accepts NULL; returns NULL. */
struct log_files *log_files_free(struct log_files *f);
/* Closes the files, which were renamed meanwhile; the next line opens them anew. */
void log_files_reopen(struct log_files *f);

/* The buffer that a line for this log is to be appended to, and then the announcement that it
 * was. */
struct buf *log_files_buffer(struct log_files *f, const struct access_log *l);
void log_files_written(struct log_files *f, const struct access_log *l);
