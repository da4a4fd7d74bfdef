#pragma once

/*
 * Functions that nobody may call
 *
 * Force-included into every C file. Each poisoned name has overflowed a buffer or hidden an
 * error in somebody's proxy; what to use instead stands beside it. The headers that declare
 * them come first, so that poisoning does not break the system's own declarations.
 */

#ifndef __cplusplus
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang's fortified headers make these two macros, and a macro cannot be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat    /* text_append() */
#pragma GCC poison sprintf vsprintf /* snprintf(), text_printf() */
#pragma GCC poison strtok           /* str_split() */
#pragma GCC poison atoi atol atoll  /* str_to_u64() */
#endif
