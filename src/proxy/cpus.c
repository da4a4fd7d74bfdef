#include "proxy/cpus.h"

#include <sched.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/macro.h"

#define FILE_BYTES_MAX 4096
#define CGROUP_ROOT    "/sys/fs/cgroup"

static uint32_t cpus_by_affinity(void)
{
	cpu_set_t set;
	int n;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n > 0 ? (uint32_t)n : 1;
}

/* "max 100000" or "150000 100000": quota and period. 0: none. */
static uint32_t quota_in(const char *path)
{
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	uint64_t quota, period;
	struct str rest, part;
	uint32_t cpus = 0;

	if (file_read(path, FILE_BYTES_MAX, &text) == 0) {
		rest = str_trim(buf_str(&text));
		while (rest.len && rest.ptr[rest.len - 1] == '\n')
			rest.len--;
		if (str_split(&rest, ' ', &part) && str_to_u64(part, INT64_MAX, &quota) == 0 &&
		    str_to_u64(rest, INT64_MAX, &period) == 0 && period > 0)
			cpus = (uint32_t)((quota + period - 1) / period);
	}
	buf_fini(&text);
	return cpus;
}

/* The own cgroup of version 2: the line "0::/path". */
static uint32_t quota_of_own_cgroup(void)
{
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	struct str rest, line;
	char path[FILE_BYTES_MAX];
	uint32_t cpus = 0;

	if (file_read("/proc/self/cgroup", FILE_BYTES_MAX, &text) == 0) {
		rest = buf_str(&text);
		while (cpus == 0 && str_split(&rest, '\n', &line)) {
			if (!str_has_prefix(line, STR("0::")))
				continue;
			snprintf(path, sizeof(path), CGROUP_ROOT "%.*s/cpu.max",
				 STR_ARGS(str_slice(line, 3, line.len)));
			cpus = quota_in(path);
		}
	}
	buf_fini(&text);
	return cpus;
}

uint32_t cpus_allowed(void)
{
	uint32_t cpus = cpus_by_affinity();
	uint32_t quota = quota_of_own_cgroup();

	/* Inside a container the own cgroup is the root of what is seen. */
	if (quota == 0)
		quota = quota_in(CGROUP_ROOT "/cpu.max");
	return quota ? min_of(cpus, quota) : cpus;
}
