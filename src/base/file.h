#pragma once

/*
 * Whole files and private directories
 *
 * What a crash, a full disk or another user may do to a file is handled here once: a file is
 * read up to a limit, replaced in one step, and kept in a directory that nobody else can
 * write to.
 */

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

/*
 * Appends the content of a file (or pipe). -errno, or ERR_LIMIT when it holds more than
 * limit_bytes or than the buffer may; *out is unchanged then.
 */
must_check int file_read(const char *path, size_t limit_bytes, struct buf *out);

/* The same from an open descriptor, up to its end: for standard input. */
must_check int file_read_fd(int fd, size_t limit_bytes, struct buf *out);

/*
 * Creates or replaces a file: at any moment, also after a power cut, the path holds the old
 * content or the new one, and on return the new one is on the disk. On -errno the path holds
 * either, whole. A crash in between may leave a file PATH.XXXXXX behind.
 */
must_check int file_write_atomic(const char *path, struct str bytes, mode_t mode);

/* Removes what crashes in the middle of file_write_atomic() left behind. Nobody may be writing
 * `path` meanwhile. */
void file_remove_unfinished(const char *path);

/*
 * Sees to it that a directory exists that only we can write to; missing parents are created
 * with 0700. One that exists must be ours, no symbolic link, and not writable by others:
 * otherwise ERR_DENIED. Permissions beyond `mode` are taken from it. A new one has `mode`,
 * whatever the umask.
 */
must_check int dir_make(const char *path, mode_t mode);

/*
 * For the beginning of main(): opens /dev/null where standard input, output or error are
 * closed. Otherwise a connection or the store would get such a number, and with it what is
 * printed and logged. Output that was closed still fails, with EBADF.
 */
must_check int file_standard_streams(void);

/* dir_make() with 0700. */
must_check int dir_make_private(const char *path);
