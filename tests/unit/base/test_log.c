#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"

/* The log goes into a pipe between capture_start() and capture_end(). */
static int capture_fds[2];

static void capture_start(bool json)
{
	assert_int_equal(pipe2(capture_fds, O_CLOEXEC | O_NONBLOCK), 0);
	log_set_fd(capture_fds[1]);
	log_set_json(json);
}

/* What was written, without `skip` bytes in front: the time. */
static struct str capture_end(size_t skip)
{
	static char text[65536];
	ssize_t n = read(capture_fds[0], text, sizeof(text));

	log_set_fd(STDERR_FILENO);
	log_set_json(false);
	close(capture_fds[0]);
	close(capture_fds[1]);
	assert_true(n >= 0);
	return str_slice(str_of(text, (size_t)n), skip, (size_t)n);
}

/* "2026-11-27T08:23:16.123Z " and {"time":"…", */
#define TEXT_TIME_LEN 25
#define JSON_TIME_LEN 35

TEST(an_event_is_one_line_of_text)
{
	capture_start(false);
	log_warn("tls.handshake_failed", "peer=%s reason=\"%s\"", "10.0.0.1", "no certificate");
	assert_str_equal(capture_end(TEXT_TIME_LEN),
			 "warn tls.handshake_failed peer=10.0.0.1 reason=\"no certificate\"\n");
}

TEST(an_event_may_have_no_fields)
{
	capture_start(false);
	log_info("control.started", "");
	assert_str_equal(capture_end(TEXT_TIME_LEN), "info control.started\n");
	capture_start(true);
	log_info("control.started", "");
	assert_str_equal(capture_end(JSON_TIME_LEN),
			 "\"level\":\"info\",\"event\":\"control.started\"}\n");
}

TEST(fields_are_members_in_json)
{
	capture_start(true);
	log_error("a.b", "peer=10.0.0.1:80 reason=\"it \\\"broke\\\"\" empty= n=3 and the rest");
	assert_str_equal(capture_end(JSON_TIME_LEN),
			 "\"level\":\"error\",\"event\":\"a.b\",\"peer\":\"10.0.0.1:80\","
			 "\"reason\":\"it \\\"broke\\\"\",\"empty\":\"\",\"n\":\"3\","
			 "\"text\":\"and the rest\"}\n");
}

TEST(broken_fields_still_give_json)
{
	capture_start(true);
	log_error("a.b", "x=\"open \\u12 \\q \n y=\x01");
	assert_str_equal(capture_end(JSON_TIME_LEN),
			 "\"level\":\"error\",\"event\":\"a.b\","
			 "\"x\":\"open \\\\u12 \\\\q \\n y=\\u0001\"}\n");
}

TEST(a_line_break_in_a_field_does_not_end_the_line)
{
	capture_start(false);
	log_error("a.b", "x=%s", "one\ntwo\x1b[31m");
	assert_str_equal(capture_end(TEXT_TIME_LEN), "error a.b x=one\\u000atwo\\u001b[31m\n");
}

TEST(events_below_the_level_are_not_written)
{
	capture_start(false);
	log_debug("a.b", "x=1");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("a.b", "x=1");
	log_set_level(LOG_LEVEL_DEBUG);
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
	log_debug("a.b", "x=2");
	log_set_level(LOG_LEVEL_INFO);
	assert_str_equal(capture_end(TEXT_TIME_LEN), "debug a.b x=2\n");
}

TEST(the_component_stands_in_each_line)
{
	capture_start(false);
	log_set_component("proxy");
	log_info("a.b", "x=1");
	log_set_component(NULL);
	assert_str_equal(capture_end(TEXT_TIME_LEN), "info a.b component=proxy x=1\n");
}

TEST(endless_fields_are_cut_and_the_line_still_ends)
{
	static char long_text[20000];

	memset(long_text, 'a', sizeof(long_text) - 1);
	capture_start(true);
	log_info("a.b", "x=%s", long_text);

	struct str line = capture_end(JSON_TIME_LEN);

	assert_true(line.len < 5000);
	assert_true(str_has_suffix(line, STR("aaa\"}\n")));
}

TEST(logging_keeps_errno)
{
	capture_start(false);
	errno = ENOENT;
	log_info("a.b", "x=1");
	assert_int_equal(errno, ENOENT);
	capture_end(0);
}

TEST(quoted_text_of_a_peer_cannot_leave_its_quotes)
{
	assert_string_equal(log_quote(STR("plain")), "\"plain\"");
	assert_string_equal(log_quote(STR_EMPTY), "\"\"");
	assert_string_equal(log_quote(STR("a\"b\\c\n\r\t")), "\"a\\\"b\\\\c\\n\\r\\t\"");
	assert_string_equal(log_quote(str_of("\0\x1b\x7f", 3)), "\"\\u0000\\u001b\\u007f\"");
	assert_string_equal(log_quote(STR("\xff\xc3")), "\"\\u00ff\\u00c3\"");
	/* CSI of C1, which terminals obey; and a letter of the same length. */
	assert_string_equal(log_quote(STR("\xc2\x9b \xc3\xa4")), "\"\\u009b \xc3\xa4\"");
}

TEST(quoted_text_is_cut_at_256_bytes)
{
	char text[300];

	memset(text, 1, sizeof(text));
	assert_int_equal(strlen(log_quote(str_of(text, 256))), 256 * 6 + 2);
	assert_int_equal(strlen(log_quote(str_of(text, 257))), 256 * 6 + 5);
}

TEST(eight_quotes_live_at_once)
{
	const char *quotes[8];
	char letter[2] = "a";

	for (int i = 0; i < 8; i++, letter[0]++)
		quotes[i] = log_quote(str_from(letter));
	assert_string_equal(quotes[0], "\"a\"");
	assert_string_equal(quotes[7], "\"h\"");
}

TEST(levels_have_names_and_back)
{
	enum log_level level;

	assert_int_equal(log_level_parse(STR("warn"), &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "debug");
	assert_int_equal(log_level_parse(STR("loud"), &level), ERR_SYNTAX);
}
