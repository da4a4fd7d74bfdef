#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"

#define READ_BYTES 16384
#define UNFINISHED ".XXXXXX" /* behind the path of a file that is being written */

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int open_file(const char *path, int flags)
{
	int r = fault_point("open");

	if (r < 0)
		return r;

	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Reads once. Returns the count through *ret_count; 0 at the end. */
static int read_some(int fd, char *room, size_t size, size_t *ret_count)
{
	int r = fault_point("read");
	ssize_t n;

	if (r < 0)
		return r;
	do {
		n = read(fd, room, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_count = (size_t)n;
	return 0;
}

static int read_all(int fd, size_t limit_bytes, struct buf *content)
{
	size_t count = 0;

	do {
		char *room = buf_reserve(content, READ_BYTES);
		int r = read_some(fd, room, READ_BYTES, &count);

		if (r < 0)
			return r;
		buf_claim(content, count);
		if (buf_len(content) > limit_bytes)
			return ERR_LIMIT;
	} while (count);
	return 0;
}

int file_read_fd(int fd, size_t limit_bytes, struct buf *out)
{
	struct buf content = BUF_INIT(0);
	int r = read_all(fd, limit_bytes, &content);

	if (r == 0)
		r = buf_append_str(out, buf_str(&content));
	buf_fini(&content);
	return r;
}

int file_read(const char *path, size_t limit_bytes, struct buf *out)
{
	cleanup(closep) int fd = open_file(path, O_RDONLY);

	return fd < 0 ? fd : file_read_fd(fd, limit_bytes, out);
}

static int write_all(int fd, struct str bytes)
{
	while (bytes.len) {
		int r = fault_point("write");

		if (r < 0)
			return r;

		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = str_slice(bytes, (size_t)n, bytes.len);
	}
	return 0;
}

static int sync_fd(int fd)
{
	int r = fault_point("fsync");

	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_new(int fd, struct str bytes, mode_t mode)
{
	int r = write_all(fd, bytes);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return -errno;
	return sync_fd(fd);
}

/* "dir/name" -> "dir", "/name" -> "/", "name" -> "." */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return mem_strdup_str(str_of(path, slash == path ? 1 : (size_t)(slash - path)));
}

/* The entry of a file is in its directory: without this, a power cut undoes the rename. */
static int sync_parent(const char *path)
{
	cleanup(mem_freep) char *parent = parent_of(path);
	cleanup(closep) int fd = open_file(parent, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? fd : sync_fd(fd);
}

static int rename_file(const char *from, const char *to)
{
	int r = fault_point("rename");

	if (r < 0)
		return r;
	return rename(from, to) < 0 ? -errno : 0;
}

/* NAME.XXXXXX, as mkostemp() fills it in. */
static bool is_unfinished(const char *entry, struct str name)
{
	static const char filled_in[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *end = entry + name.len;

	return strlen(entry) == name.len + strlen(UNFINISHED) &&
	       str_has_prefix(str_from(entry), name) && *end == '.' &&
	       strspn(end + 1, filled_in) == strlen(UNFINISHED) - 1;
}

void file_remove_unfinished(const char *path)
{
	cleanup(mem_freep) char *parent = parent_of(path);
	const char *slash = strrchr(path, '/');
	struct str name = str_from(slash ? slash + 1 : path);
	DIR *dir = opendir(parent);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (is_unfinished(entry->d_name, name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int file_write_atomic(const char *path, struct str bytes, mode_t mode)
{
	cleanup(mem_freep) char *temporary = mem_printf("%s" UNFINISHED, path);
	int r = fault_point("mkostemp");

	if (r < 0)
		return r;

	cleanup(closep) int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	r = write_new(fd, bytes, mode);
	if (r == 0)
		r = rename_file(temporary, path);
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return sync_parent(path);
}

/* Whatever stands there, a missing parent shows in mkdir(). */
static int make_parents(const char *path)
{
	cleanup(mem_freep) char *parent = parent_of(path);
	struct stat st;

	if (stat(parent, &st) == 0)
		return 0;

	int r = make_parents(parent);

	if (r < 0)
		return r;
	return mkdir(parent, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Through a descriptor, so that what was checked is what is changed. */
static int check_directory(const char *path, mode_t mode, bool created)
{
	cleanup(closep) int fd = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct stat st;

	if (fd == -ELOOP || fd == -ENOTDIR)
		return ERR_DENIED;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return ERR_DENIED;

	mode_t before = st.st_mode & 07777;
	mode_t wanted = created ? mode : before & mode;

	if (before == wanted)
		return 0;
	return fchmod(fd, wanted) < 0 ? -errno : 0;
}

int dir_make(const char *path, mode_t mode)
{
	struct str name = str_from(path);

	/* "link/" would be followed, "link" is refused. */
	while (name.len > 1 && str_has_suffix(name, STR("/")))
		name.len--;

	cleanup(mem_freep) char *dir = mem_strdup_str(name);
	int r = make_parents(dir);

	if (r < 0)
		return r;

	bool created = mkdir(dir, mode & 0755) == 0;

	if (!created && errno != EEXIST)
		return -errno;
	return check_directory(dir, mode, created);
}

int dir_make_private(const char *path)
{
	return dir_make(path, 0700);
}

int file_standard_streams(void)
{
	static const int flags[] = {
		[STDIN_FILENO] = O_RDONLY,
		[STDOUT_FILENO] = O_RDONLY,
		[STDERR_FILENO] = O_WRONLY,
	};

	for (int fd = 0; fd < (int)array_count(flags); fd++)
		/* The lowest free number is the one that is missing. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) < 0)
			return -errno;
	return 0;
}
