#include "proxy/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct log_file {
	struct list in_files;
	enum access_log_sink sink;
	char *path;
	int fd; /* -1: not open */
	struct buf lines;
};

struct log_files {
	struct worker *worker;
	struct list files;
	struct timer flush;
	/* The file of the last line, which is usually that of the next. */
	struct log_file *last;
};

static bool is_of(const struct log_file *file, const struct access_log *l)
{
	if (file->sink != l->sink)
		return false;
	return l->sink != ACCESS_LOG_FILE || str_eq(str_from(file->path), l->path);
}

static struct log_file *find_or_add(struct log_files *f, const struct access_log *l)
{
	struct log_file *file;

	if (f->last && is_of(f->last, l))
		return f->last;
	list_for_each (node, &f->files) {
		file = container_of(node, struct log_file, in_files);
		if (is_of(file, l))
			return f->last = file;
	}
	file = mem_new(struct log_file);
	file->sink = l->sink;
	file->path = mem_strdup_str(l->path);
	file->fd = -1;
	list_push_back(&f->files, &file->in_files);
	return f->last = file;
}

static int open_file(struct log_file *file)
{
	if (file->sink == ACCESS_LOG_STDOUT)
		file->fd = STDOUT_FILENO;
	else if (file->sink == ACCESS_LOG_STDERR)
		file->fd = STDERR_FILENO;
	else
		file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	return file->fd < 0 ? -errno : 0;
}

static void close_file(struct log_file *file)
{
	if (file->sink == ACCESS_LOG_FILE && file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Whole lines only: what a pipe or a disk does not take any more is left out. */
static void write_lines(struct log_files *f, struct log_file *file)
{
	struct counter *cells = f->worker->cells;
	size_t len = buf_len(&file->lines);
	ssize_t n = -1;

	if (len == 0)
		return;
	if (file->fd >= 0 || open_file(file) == 0)
		n = write(file->fd, buf_str(&file->lines).ptr, len);
	if (n > 0)
		stat_add(cells, SERVER_LOG_BYTES, (uint64_t)n);
	if (n != (ssize_t)len)
		stat_inc(cells, SERVER_LOG_DROPPED);
	buf_clear(&file->lines);
}

static void flush_due(struct timer *t)
{
	struct log_files *f = container_of(t, struct log_files, flush);

	list_for_each (node, &f->files)
		write_lines(f, container_of(node, struct log_file, in_files));
}

struct log_files *log_files_new(struct worker *w)
{
	struct log_files *f = mem_new(struct log_files);

	f->worker = w;
	list_init(&f->files);
	timer_init(&f->flush, flush_due);
	return f;
}

struct log_files *log_files_free(struct log_files *f)
{
	struct list *node;

	if (!f)
		return NULL;
	timer_stop(&f->flush);
	while ((node = list_pop_front(&f->files)) != NULL) {
		struct log_file *file = container_of(node, struct log_file, in_files);

		write_lines(f, file);
		close_file(file);
		buf_fini(&file->lines);
		mem_free(file->path);
		mem_free(file);
	}
	mem_free(f);
	return NULL;
}

void log_files_reopen(struct log_files *f)
{
	list_for_each (node, &f->files) {
		struct log_file *file = container_of(node, struct log_file, in_files);

		write_lines(f, file);
		close_file(file);
	}
}

struct buf *log_files_buffer(struct log_files *f, const struct access_log *l)
{
	return &find_or_add(f, l)->lines;
}

void log_files_written(struct log_files *f, const struct access_log *l)
{
	struct log_file *file = find_or_add(f, l);

	if (buf_len(&file->lines) >= LOG_BUFFER_BYTES)
		write_lines(f, file);
	else if (!timer_is_running(&f->flush))
		timer_start(f->worker->loop, &f->flush, LOG_FLUSH_INTERVAL);
}
