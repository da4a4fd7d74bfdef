#pragma once

/*
 * The language, slightly extended
 *
 * The few macros that the whole tree uses. GNU extensions live here and nowhere
 * else: cleanup attributes, typeof and statement expressions.
 */

#include <stddef.h>

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a), nonnull(f)))
#define no_return         __attribute__((noreturn))
#define unused_arg        __attribute__((unused))

#define likely(x)         __builtin_expect(!!(x), 1)
#define unlikely(x)       __builtin_expect(!!(x), 0)

#define array_count(a)    (sizeof(a) / sizeof((a)[0]))

/* The object that holds `member` at `ptr`. */
#define container_of(ptr, type, member)                                     \
	({                                                                  \
		__typeof__(((type *)0)->member) *member_ = (ptr);           \
		(type *)(void *)((char *)member_ - offsetof(type, member)); \
	})

/*
 * Releases a local variable on every exit from its scope. `function` takes the address of
 * the variable: cleanup(listener_freep) struct listener *l = ...;
 */
#define cleanup(function) __attribute__((cleanup(function)))

/* Defines type_freep() for cleanup() from an ender that accepts NULL. */
#define DEFINE_CLEANUP(type, ender)               \
	static inline void ender##p(type *object) \
	{                                         \
		if (*object)                      \
			ender(*object);           \
	}

/* Hands a pointer on: its value, and NULL left behind for the cleanup to skip. */
#define TAKE(ptr)                               \
	({                                      \
		__typeof__(ptr) taken_ = (ptr); \
		(ptr) = NULL;                   \
		taken_;                         \
	})

#define min_of(a, b)                    \
	({                              \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		a_ < b_ ? a_ : b_;      \
	})

#define max_of(a, b)                    \
	({                              \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		a_ > b_ ? a_ : b_;      \
	})
