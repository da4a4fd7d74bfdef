#pragma once

/*
 * Unit tests
 *
 * TEST(retries_never_exceed_their_share) { … }: the name is the claim. Tests register
 * themselves; test_main.c runs those whose name contains the word given as argument.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

void test_register(const char *file, const char *name, void (*function)(void **state));

#define TEST(name)                                                     \
	static void test_##name(void **);                              \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		test_register(__FILE__, #name, test_##name);           \
	}                                                              \
	static void test_##name(__attribute__((unused)) void **cmocka_state)

/* Compares a str with a terminated text, printing both when they differ. */
#define assert_str_equal(s, text) test_assert_str((s), (text), __FILE__, __LINE__)
void test_assert_str(struct str s, const char *text, const char *file, int line);
