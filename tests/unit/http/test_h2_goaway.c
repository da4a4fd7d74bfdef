#include "http/h2_goaway.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define DATA                   \
	"\0\0\x05\0\0\0\0\0\1" \
	"\7\7\7\7\7"
#define EMPTY  "\0\0\0\4\1\0\0\0\0"
#define SHORT  "\0\0\2\7\0\0\0\0\0"
#define GOAWAY "\0\0\x0b\7\0\0\0\0\0"

#define SENT                                                                            \
	PREFACE EMPTY GOAWAY "\x7f\xff\xff\xff"                                         \
			     "\0\0\0\1bye" DATA SHORT "\xff\xff" DATA GOAWAY "\1\2\3\4" \
			     "\0\0\0\1bye" DATA
#define PASSED                                                                      \
	PREFACE EMPTY GOAWAY "\0\0\0\0"                                             \
			     "\0\0\0\1bye" DATA SHORT "\0\0" DATA GOAWAY "\0\0\0\0" \
			     "\0\0\0\1bye" DATA

TEST(the_stream_of_a_goaway_is_cleared_and_nothing_else)
{
	for (size_t piece = 1; piece <= sizeof(SENT); piece++) {
		char bytes[] = SENT;
		struct h2_goaway g;

		h2_goaway_init(&g);
		for (size_t at = 0; at < sizeof(bytes) - 1; at += piece)
			h2_goaway_pass(&g, bytes + at, min_of(piece, sizeof(bytes) - 1 - at));
		assert_memory_equal(bytes, PASSED, sizeof(bytes));
	}
}
