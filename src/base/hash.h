#pragma once

/*
 * Hashes for tables (not for signatures)
 *
 * hash_bytes() is SipHash-1-3 under a key drawn at the start of the process: for every
 * table whose keys a peer can choose. hash_fnv1a64() is fixed: the same bytes give the same
 * number in every process and release.
 */

#include <stdint.h>

#include "base/str.h"

uint64_t hash_bytes(struct str s);
uint64_t hash_fnv1a64(struct str s);

/* SipHash-1-3 under a given key, for those who need the same numbers twice. */
uint64_t hash_bytes_keyed(struct str s, uint64_t k0, uint64_t k1);
