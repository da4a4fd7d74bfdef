/*
 * The control plane as a process: it says when it is ready, keeps others out of its places, and
 * ends leaving what it should leave. Each runs in a child of the test.
 */

#include "control/server.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#include "test.h"

/* What settings point to may be written. */
static char any_port[] = "127.0.0.1:0", no_address[] = "nowhere", not_ours[] = "192.0.2.1:1";
static char no_directory[] = "/dev/null", one_test[] = "one.test", two_test[] = "two.test";

struct process {
	pid_t pid;
	FILE *out; /* what it prints: the line, then its problem */
	char line[512];
};

struct place {
	char dir[32];
	char state[64];
	char run[64];
};

static void place_init(struct place *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/weft-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
	snprintf(p->run, sizeof(p->run), "%s/run", p->dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void place_fini(struct place *p)
{
	assert_int_equal(nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static bool exists(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	bool there = access(path, F_OK) == 0;

	mem_free(path);
	return there;
}

/* In the child: never returns. */
static void run(const struct control_settings *settings)
{
	uint64_t live_bytes = mem_live_bytes();
	struct diag d = DIAG_INIT;
	int r = control_run(settings, &d);

	if (r < 0)
		printf("%s\n", d.text);
	fflush(stdout);
	diag_fini(&d);
#ifdef __SANITIZE_ADDRESS__
	/* Otherwise a thread keeps some memory for streams to come. */
	if (mem_live_bytes() != live_bytes)
		_exit(3);
#endif
	(void)live_bytes;
	_exit(r < 0 ? 1 : 0);
}

static void start_with(struct process *p, struct control_settings settings)
{
	int fds[2];

	settings.certificate_lifetime = DURATION_SECONDS(3600);
	settings.workload_grace = DURATION_SECONDS(10);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		run(&settings);
	}
	close(fds[1]);
	p->out = fdopen(fds[0], "r");
	p->line[0] = '\0';
	assert_non_null(fgets(p->line, sizeof(p->line), p->out));
}

static void start(struct process *p, const struct place *place)
{
	start_with(p, (struct control_settings){
			      .state = (char *)place->state,
			      .run = (char *)place->run,
			      .listen = any_port,
		      });
}

/* Its exit status. */
static int end(struct process *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	fclose(p->out);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int stop(struct process *p)
{
	kill(p->pid, SIGTERM);
	return end(p);
}

/* One request over the socket in the place, until the server closes; terminated. */
static void ask(const struct place *place, const char *request, char *answer, size_t size)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = 0;
	ssize_t n;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/control.sock", place->run);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while ((n = read(fd, answer + len, size - 1 - len)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	close(fd);
}

#define SERVICE                                                                            \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"reviews\"}," \
	"\"spec\":{\"ports\":[{\"port\":80}]}}"

TEST(it_says_when_it_is_ready_and_ends_in_order)
{
	struct process p;
	struct place place;
	char answer[4096], expected[256];

	place_init(&place);
	start(&p, &place);
	snprintf(expected, sizeof(expected),
		 "ready socket=%s/control.sock xds=127.0.0.1:", place.run);
	assert_memory_equal(p.line, expected, strlen(expected));
	assert_non_null(strstr(p.line, " trust_domain=weft.local revision=0\n"));
	ask(&place, "GET /healthz HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n\r\n", answer,
	    sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(stop(&p), 0);
	/* The socket is gone, the store is there. */
	assert_false(exists(place.run, "control.sock"));
	assert_true(exists(place.state, "weft.db"));
	place_fini(&place);
}

TEST(what_it_acknowledged_is_there_when_it_was_killed)
{
	struct process p;
	struct place place;
	char answer[4096];
	char *request;

	request = mem_printf("POST /apply HTTP/1.1\r\nHost: weft\r\nConnection: close\r\n"
			     "Content-Length: %zu\r\n\r\n" SERVICE,
			     strlen(SERVICE));
	place_init(&place);
	start(&p, &place);
	ask(&place, request, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	kill(p.pid, SIGKILL);
	waitpid(p.pid, NULL, 0);
	fclose(p.out);
	/* Its socket was left behind, which does not hinder the next one. */
	start(&p, &place);
	assert_non_null(strstr(p.line, " revision=1\n"));
	assert_int_equal(stop(&p), 0);
	mem_free(request);
	place_fini(&place);
}

TEST(an_open_connection_does_not_keep_it_from_ending)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct process p;
	struct place place;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	place_init(&place);
	start(&p, &place);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/control.sock", place.run);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, "GET /he", 7), 7);
	assert_int_equal(stop(&p), 0);
	close(fd);
	place_fini(&place);
}

static void assert_refused(struct control_settings settings, const char *message)
{
	struct process p;

	start_with(&p, settings);
	assert_string_equal(p.line, message);
	assert_int_equal(end(&p), 1);
}

TEST(a_second_one_is_kept_out_of_socket_and_store)
{
	struct process p;
	struct place place, other;
	struct control_settings settings = { .listen = any_port };
	char message[256];

	place_init(&place);
	place_init(&other);
	start(&p, &place);
	settings.state = other.state;
	settings.run = place.run;
	snprintf(message, sizeof(message),
		 "another control plane is listening on %s/control.sock\n", place.run);
	assert_refused(settings, message);
	settings.state = place.state;
	settings.run = other.run;
	assert_refused(settings, "another control plane has this store open\n");
	assert_false(exists(other.run, "control.sock"));
	assert_int_equal(stop(&p), 0);
	place_fini(&place);
	place_fini(&other);
}

TEST(what_it_cannot_use_is_told)
{
	struct place place;
	struct control_settings settings = { .listen = no_address };

	place_init(&place);
	settings.state = place.state;
	settings.run = place.run;
	assert_refused(settings, "--listen nowhere is not ADDRESS:PORT\n");
	settings.listen = not_ours;
	assert_refused(settings, "cannot listen on 192.0.2.1:1: Cannot assign requested address\n");
	settings.listen = any_port;
	settings.state = no_directory;
	assert_refused(settings,
		       "the directory /dev/null must be ours, no symbolic link, and writable "
		       "for nobody else\n");
	place_fini(&place);
}

TEST(the_trust_domain_stays_what_it_was_at_the_first_start)
{
	struct process p;
	struct place place;
	struct control_settings settings = { .listen = any_port, .trust_domain = one_test };

	place_init(&place);
	settings.state = place.state;
	settings.run = place.run;
	start_with(&p, settings);
	assert_non_null(strstr(p.line, " trust_domain=one.test "));
	assert_int_equal(stop(&p), 0);
	start(&p, &place);
	assert_non_null(strstr(p.line, " trust_domain=one.test "));
	assert_int_equal(stop(&p), 0);
	settings.trust_domain = two_test;
	start_with(&p, settings);
	assert_non_null(strstr(p.line, "one.test"));
	assert_int_equal(end(&p), 1);
	place_fini(&place);
}
