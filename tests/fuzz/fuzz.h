#pragma once

/*
 * Fuzz harnesses
 *
 * A harness is one file, fuzz_NAME.c, with this one function. It parses the input as its
 * parser would from a peer, checks what must hold for any input (abort() by assert when it
 * does not), and leaves nothing allocated. Returns 0.
 */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
