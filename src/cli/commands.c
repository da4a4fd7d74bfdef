#include "cli/commands.h"

// clang-format off
const struct command *const commands[] = {
	/* start */
	&demo_command,
	&control_command,
	&control_backup_command,
	&run_command,
	&certificate_command,
	/* see */
	&status_command,
	&stat_command,
	&get_command,
	&proxy_status_command,
	&wait_command,
	&history_command,
	/* change */
	&apply_command,
	&diff_command,
	&delete_command,
	&rollback_command,
	/* meta */
	&completion_command,
	&man_command,
	&version_command,
	&help_command,
	/* for our own use */
	&complete_command,
	&demo_service_command,
	&demo_load_command,
	NULL,
};
// clang-format on
