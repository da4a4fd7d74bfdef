#pragma once

/*
 * The rows of all commands, each defined in the file of its name
 */

#include "cli/command.h"

extern const struct command apply_command;
extern const struct command certificate_command;
extern const struct command complete_command;
extern const struct command completion_command;
extern const struct command control_backup_command;
extern const struct command control_command;
extern const struct command delete_command;
extern const struct command demo_command;
extern const struct command demo_load_command;
extern const struct command demo_service_command;
extern const struct command diff_command;
extern const struct command get_command;
extern const struct command help_command;
extern const struct command history_command;
extern const struct command man_command;
extern const struct command proxy_status_command;
extern const struct command rollback_command;
extern const struct command run_command;
extern const struct command stat_command;
extern const struct command status_command;
extern const struct command version_command;
extern const struct command wait_command;
