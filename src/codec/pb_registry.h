#pragma once

/*
 * All messages that the generated tables describe, sorted by full name
 *
 * Defined in the generated proto/weft.pb.c; searched by pb_desc_by_name(). Entries of maps
 * are left out.
 */

#include <stddef.h>

#include "codec/pb_message.h"

extern const struct pb_desc *const pb_registry[];
extern const size_t pb_registry_count;
