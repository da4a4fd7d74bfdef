#include "base/crash.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "base/macro.h"
#include "base/state.h"

#define STACK_BYTES    (64 * 1024)
#define DUMP_BYTES_MAX (256 * 1024)
#define DUMP_SECONDS   2
#define HEAD_WAIT_MS   1000
#define FRAMES_MAX     64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* From the linker: where the program's own code lies. */
extern const char __executable_start[];
extern const char etext[];

static const struct {
	int number;
	const char *name;
	bool is_fault; /* by an instruction: a sanitizer's own business */
} signals[] = {
	{ SIGABRT, "SIGABRT", false }, { SIGSEGV, "SIGSEGV", true }, { SIGBUS, "SIGBUS", true },
	{ SIGFPE, "SIGFPE", true },    { SIGILL, "SIGILL", true },
};

static const char *program_name = "?";
static _Atomic int crashed_thread; /* the first; others wait for its end */

static _Thread_local struct {
	void (*on_dump)(const void *object, struct dump *d);
	const void *object;
	void *stack;
} here;

/*
 * In the handler: nothing but what may be called there
 */

static const char *signal_name(int number)
{
	for (size_t i = 0; i < array_count(signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	return NULL;
}

/* Whether standard error takes a line. A log that nobody reads any more must not keep the
 * process from ending: who supervises it waits for that. */
static bool is_read(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	int r;

	do {
		r = poll(&p, 1, HEAD_WAIT_MS);
	} while (r < 0 && errno == EINTR);
	return r == 1;
}

static void print_head(int number, const siginfo_t *info, int thread)
{
	char name[17] = "", memory[1024];
	struct dump d;

	prctl(PR_GET_NAME, name);
	dump_to_fd(&d, STDERR_FILENO, sizeof(memory), memory, sizeof(memory));
	dump_line(&d, "crash");
	dump_word(&d, "signal", signal_name(number));
	dump_word(&d, "program", program_name);
	dump_word(&d, "version", WEFT_VERSION);
	dump_str(&d, "thread", str_from(name));
	dump_number(&d, "pid", (uint64_t)getpid());
	dump_number(&d, "tid", (uint64_t)thread);
	dump_signed(&d, "code", info->si_code);
	if (info->si_code > 0)
		dump_hex(&d, "address", (uintptr_t)info->si_addr);
	else
		dump_number(&d, "sender", (uint64_t)info->si_pid);
	dump_end(&d);
}

struct backtrace {
	struct dump *dump;
	unsigned count;
};

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *user)
{
	struct backtrace *b = user;
	uintptr_t address = _Unwind_GetIP(context);
	uintptr_t start = (uintptr_t)__executable_start;

	if (address == 0 || b->count++ == FRAMES_MAX)
		return _URC_END_OF_STACK;
	dump_line(b->dump, "at");
	if (address >= start && address < (uintptr_t)etext)
		dump_hex(b->dump, program_name, address - start);
	else
		dump_hex(b->dump, "elsewhere", address);
	return _URC_NO_REASON;
}

/* A process of its own from here on. What it prints is there when a second fault ends it. */
static void no_return print_rest(void)
{
	char memory[1024];
	struct dump d;
	struct backtrace b = { .dump = &d };
	sigset_t none;

	for (size_t i = 0; i < array_count(signals); i++)
		signal(signals[i].number, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	alarm(DUMP_SECONDS);

	dump_to_fd(&d, STDERR_FILENO, DUMP_BYTES_MAX, memory, sizeof(memory));
	dump_enter(&d);
	_Unwind_Backtrace(on_frame, &b);
	dump_leave(&d);
	if (here.on_dump)
		here.on_dump(here.object, &d);
	state_trace_dump(&d);
	dump_line(&d, "crash done");
	dump_end(&d);
	_exit(0);
}

static void print_rest_in_child(void)
{
	static const char failed[] = "crash the dump ended by a fault of its own\n";
	pid_t child = _Fork();
	int status = -1;

	if (child == 0)
		print_rest();
	while (child > 0 && waitpid(child, &status, __WALL) < 0 && errno == EINTR)
		continue;
	if (status != 0 && is_read() && write(STDERR_FILENO, failed, sizeof(failed) - 1) < 0)
		return;
}

static void on_crash(int number, siginfo_t *info, unused_arg void *context)
{
	int thread = (int)syscall(SYS_gettid), first = 0;

	if (atomic_compare_exchange_strong(&crashed_thread, &first, thread)) {
		if (is_read()) {
			print_head(number, info, thread);
			print_rest_in_child();
		}
	} else if (first != thread) {
		for (;;)
			pause();
	}
	/* It waits until the handler returns, and then finds the registers of the fault. */
	signal(number, SIG_DFL);
	syscall(SYS_tgkill, getpid(), thread, number);
}

/*
 * Outside
 */

void crash_watch(const char *program)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	program_name = program;
	action.sa_sigaction = on_crash;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < array_count(signals); i++)
		if (!SANITIZED || !signals[i].is_fault)
			sigaction(signals[i].number, &action, NULL);
}

/* Pages that are touched by a crash alone; without them the thread's own stack has to do. */
static void *stack_map(void)
{
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	return stack == MAP_FAILED ? NULL : stack;
}

void crash_watch_thread(void (*on_dump)(const void *object, struct dump *d), const void *object)
{
	here.on_dump = on_dump;
	here.object = object;
	/* A sanitizer gave the thread one already, and takes it back at its end. */
	if (SANITIZED || here.stack)
		return;
	here.stack = stack_map();
	if (here.stack)
		sigaltstack(&(stack_t){ .ss_sp = here.stack, .ss_size = STACK_BYTES }, NULL);
}

void crash_unwatch_thread(void)
{
	here.on_dump = NULL;
	if (!here.stack)
		return;
	sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
	munmap(here.stack, STACK_BYTES);
	here.stack = NULL;
}
