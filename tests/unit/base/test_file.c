#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/place.h"

/* A directory of the test's own; its few known entries are removed at the end. */
struct scratch {
	char dir[64];
	char path[96];
};

static struct scratch scratch_make(const char *name)
{
	struct scratch s = { .dir = "/tmp/weft-test-XXXXXX" };

	assert_non_null(mkdtemp(s.dir));
	snprintf(s.path, sizeof(s.path), "%s/%s", s.dir, name);
	return s;
}

static int entry_count(const char *dir)
{
	DIR *d = opendir(dir);
	int count = -2; /* "." and ".." */

	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void scratch_remove(struct scratch *s)
{
	remove(s->path);
	assert_int_equal(rmdir(s->dir), 0);
}

static void assert_content(const char *path, const char *expected)
{
	struct buf b = BUF_INIT(0);

	assert_int_equal(file_read(path, 1000, &b), 0);
	assert_str_equal(buf_str(&b), expected);
	buf_fini(&b);
}

TEST(a_file_is_written_read_and_replaced_with_its_mode)
{
	struct scratch s = scratch_make("key.pem");
	struct stat st;

	assert_int_equal(file_write_atomic(s.path, STR("first"), 0600), 0);
	assert_content(s.path, "first");
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_write_atomic(s.path, STR("second"), 0644), 0);
	assert_content(s.path, "second");
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(entry_count(s.dir), 1);
	scratch_remove(&s);
}

TEST(a_file_larger_than_the_limit_is_refused_and_the_buffer_unchanged)
{
	struct scratch s = scratch_make("big");
	struct buf b = BUF_INIT(0), small = BUF_INIT(8);

	assert_int_equal(file_write_atomic(s.path, STR("1234567890"), 0600), 0);
	buf_append_str(&b, STR("before:"));
	assert_int_equal(file_read(s.path, 9, &b), ERR_LIMIT);
	assert_str_equal(buf_str(&b), "before:");
	assert_int_equal(file_read(s.path, 10, &b), 0);
	assert_str_equal(buf_str(&b), "before:1234567890");
	assert_int_equal(file_read(s.path, 10, &small), ERR_LIMIT);
	assert_int_equal(buf_len(&small), 0);
	buf_fini(&b);
	buf_fini(&small);
	scratch_remove(&s);
}

TEST(what_cannot_be_read_or_written_says_why)
{
	struct buf b = BUF_INIT(0);

	assert_int_equal(file_read("/nonexistent/file", 10, &b), -ENOENT);
	assert_int_equal(file_read("/", 10, &b), -EISDIR);
	assert_int_equal(file_write_atomic("/nonexistent/file", STR("x"), 0600), -ENOENT);
	buf_fini(&b);
}

TEST(a_pipe_is_read_to_its_end)
{
	struct buf b = BUF_INIT(0);
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	close(fds[1]);
	assert_int_equal(file_read_fd(fds[0], 100, &b), 0);
	assert_str_equal(buf_str(&b), "abc");
	close(fds[0]);
	buf_fini(&b);
}

#ifdef WEFT_FAULTS
TEST(a_write_that_fails_anywhere_leaves_old_or_new_content_and_no_litter)
{
	struct scratch s = scratch_make("state");
	struct buf b = BUF_INIT(0);
	unsigned nth = 1;

	for (;; nth++) {
		assert_int_equal(file_write_atomic(s.path, STR("old"), 0600), 0);
		fault_arm(nth, -EIO);

		int r = file_write_atomic(s.path, STR("new"), 0600);

		if (!fault_delivered())
			break;
		fault_arm(0, 0);
		assert_int_equal(r, -EIO);
		assert_int_equal(entry_count(s.dir), 1);
		buf_clear(&b);
		assert_int_equal(file_read(s.path, 10, &b), 0);
		assert_true(str_eq(buf_str(&b), STR("old")) || str_eq(buf_str(&b), STR("new")));
	}
	fault_arm(0, 0);
	assert_true(nth > 5);
	buf_fini(&b);
	scratch_remove(&s);
}
#endif

static void touch(const struct scratch *s, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	assert_int_equal(file_write_atomic(path, STR("x"), 0600), 0);
}

TEST(what_crashes_left_half_written_is_removed_and_nothing_else)
{
	static const char *const stay[] = { "file",         "file.txt",    "file.abcde",
					    "file.abcdefg", "file.abc-ef", "file2.abcdef",
					    "fil.abcdefg",  ".abcdef",     "fileXabcdef" };
	static const char *const go[] = { "file.abcdef", "file.Zz0189" };
	struct scratch s = scratch_make("file");
	char path[256];

	for (size_t i = 0; i < array_count(stay); i++)
		touch(&s, stay[i]);
	for (size_t i = 0; i < array_count(go); i++)
		touch(&s, go[i]);
	file_remove_unfinished(s.path);
	assert_int_equal(entry_count(s.dir), array_count(stay));
	for (size_t i = 0; i < array_count(stay); i++) {
		snprintf(path, sizeof(path), "%s/%s", s.dir, stay[i]);
		assert_int_equal(unlink(path), 0);
	}
	scratch_remove(&s);
	file_remove_unfinished(s.path);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

TEST(a_private_directory_is_made_with_its_parents_and_may_exist_already)
{
	struct scratch s = scratch_make("a");
	char deep[128];

	snprintf(deep, sizeof(deep), "%s/b", s.path);
	assert_int_equal(dir_make_private(deep), 0);
	assert_int_equal(mode_of(deep), 0700);
	assert_int_equal(mode_of(s.path), 0700);
	assert_int_equal(dir_make_private(deep), 0);
	assert_int_equal(rmdir(deep), 0);
	scratch_remove(&s);
}

TEST(a_directory_that_others_may_read_is_closed_to_them)
{
	struct scratch s = scratch_make("a");

	assert_int_equal(mkdir(s.path, 0700), 0);
	assert_int_equal(chmod(s.path, 0755), 0);
	assert_int_equal(dir_make(s.path, 0755), 0);
	assert_int_equal(mode_of(s.path), 0755);
	assert_int_equal(dir_make_private(s.path), 0);
	assert_int_equal(mode_of(s.path), 0700);
	scratch_remove(&s);
}

TEST(a_new_directory_has_its_mode_whatever_the_umask)
{
	struct scratch s = scratch_make("a");
	mode_t before = umask(077);

	assert_int_equal(dir_make(s.path, 0755), 0);
	umask(before);
	assert_int_equal(mode_of(s.path), 0755);
	scratch_remove(&s);
}

TEST(a_directory_that_others_may_write_to_is_refused)
{
	struct scratch s = scratch_make("a");

	assert_int_equal(mkdir(s.path, 0700), 0);
	assert_int_equal(chmod(s.path, 0770), 0);
	assert_int_equal(dir_make_private(s.path), ERR_DENIED);
	assert_int_equal(chmod(s.path, 01777), 0);
	assert_int_equal(dir_make_private(s.path), ERR_DENIED);
	scratch_remove(&s);
}

TEST(a_symbolic_link_or_a_file_is_no_private_directory)
{
	struct scratch s = scratch_make("a");

	char with_slash[128];

	snprintf(with_slash, sizeof(with_slash), "%s//", s.path);
	assert_int_equal(symlink(s.dir, s.path), 0);
	assert_int_equal(dir_make_private(s.path), ERR_DENIED);
	assert_int_equal(dir_make_private(with_slash), ERR_DENIED);
	assert_int_equal(unlink(s.path), 0);
	assert_int_equal(file_write_atomic(s.path, STR("x"), 0600), 0);
	assert_int_equal(dir_make_private(s.path), ERR_DENIED);
	scratch_remove(&s);
}

TEST(a_directory_of_another_user_is_refused)
{
	struct scratch s = scratch_make("a");

	/* Only root can give a directory away. */
	if (geteuid() == 0) {
		assert_int_equal(mkdir(s.path, 0700), 0);
		assert_int_equal(chown(s.path, 12345, 12345), 0);
		assert_int_equal(dir_make_private(s.path), ERR_DENIED);
	} else {
		assert_int_equal(dir_make_private("/proc"), ERR_DENIED);
	}
	scratch_remove(&s);
}

static void assert_place(enum place place, struct place_environment e, const char *expected)
{
	char *dir = place_dir_in(place, &e);

	assert_string_equal(dir, expected);
	mem_free(dir);
}

TEST(root_has_the_places_of_the_system)
{
	struct place_environment e = { 0, "/run/user/0", "/x", "/root" };

	assert_place(PLACE_RUN, e, "/run/weft");
	assert_place(PLACE_STATE, e, "/var/lib/weft");
}

TEST(a_user_has_the_xdg_directories)
{
	struct place_environment e = { 7, "/run/user/7", "/s", "/home/u" };

	assert_place(PLACE_RUN, e, "/run/user/7/weft");
	assert_place(PLACE_STATE, e, "/s/weft");
	e.state_home = NULL;
	assert_place(PLACE_STATE, e, "/home/u/.local/state/weft");
}

TEST(a_user_without_directories_has_one_under_tmp)
{
	struct place_environment e = { 7, NULL, NULL, NULL };
	struct place_environment relative = { 7, "run", "state", "home" };

	assert_place(PLACE_RUN, e, "/tmp/weft-7");
	assert_place(PLACE_STATE, e, "/tmp/weft-7");
	assert_place(PLACE_RUN, relative, "/tmp/weft-7");
	assert_place(PLACE_STATE, relative, "/tmp/weft-7");
}

TEST(the_places_of_this_process_are_absolute)
{
	cleanup(mem_freep) char *run = place_dir(PLACE_RUN);
	cleanup(mem_freep) char *state = place_dir(PLACE_STATE);

	assert_int_equal(run[0], '/');
	assert_int_equal(state[0], '/');
}

TEST(standard_descriptors_that_were_closed_are_given_to_nothing)
{
	int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO);
	int other, r, read_len, write_len, write_error;
	char byte = 'x';

	/* Nothing is printed, so nothing is asserted, before they are back. */
	fflush(stdout);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	r = file_standard_streams();
	other = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	read_len = (int)read(STDIN_FILENO, &byte, 1);
	write_len = (int)write(STDOUT_FILENO, &byte, 1);
	write_error = errno;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close(in);
	close(out);
	close(other);

	assert_int_equal(r, 0);
	assert_true(other > STDERR_FILENO);
	assert_int_equal(read_len, 0);
	assert_int_equal(write_len, -1);
	assert_int_equal(write_error, EBADF);
}
