#include "base/place.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static bool is_absolute(const char *path)
{
	return path && path[0] == '/';
}

static char *state_dir(const struct place_environment *e)
{
	if (is_absolute(e->state_home))
		return mem_printf("%s/weft", e->state_home);
	if (is_absolute(e->home))
		return mem_printf("%s/.local/state/weft", e->home);
	return NULL;
}

static char *run_dir(const struct place_environment *e)
{
	return is_absolute(e->runtime_dir) ? mem_printf("%s/weft", e->runtime_dir) : NULL;
}

char *place_dir_in(enum place place, const struct place_environment *e)
{
	if (e->user == 0)
		return mem_strdup(place == PLACE_RUN ? "/run/weft" : "/var/lib/weft");

	char *dir = place == PLACE_RUN ? run_dir(e) : state_dir(e);

	return dir ? dir : mem_printf("/tmp/weft-%u", (unsigned)e->user);
}

/* A session's variables may outlive the session, and a service may have a home that is not
 * there. */
static const char *writable(const char *variable)
{
	const char *path = getenv(variable);

	return path && access(path, W_OK | X_OK) == 0 ? path : NULL;
}

char *place_dir(enum place place)
{
	struct place_environment e = {
		.user = geteuid(),
		.runtime_dir = writable("XDG_RUNTIME_DIR"),
		.state_home = getenv("XDG_STATE_HOME"),
		.home = writable("HOME"),
	};

	return place_dir_in(place, &e);
}
