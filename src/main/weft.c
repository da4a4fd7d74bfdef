/*
 * weft: everything but the data plane
 */

#include "base/crash.h"
#include "base/file.h"
#include "cli/command.h"

int main(int argc, char **argv)
{
	if (file_standard_streams() < 0)
		return 1;
	crash_watch("weft");
	crash_watch_thread(NULL, NULL);
	return command_line_run(argc, argv);
}
