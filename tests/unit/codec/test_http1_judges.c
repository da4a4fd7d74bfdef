/*
 * What others judge a parser by: the cases of llhttp and of http_desync_guardian
 *
 * They are read where they lie ($WEFT_SHARED, or ../shared beside the checkout) and skipped
 * where they are not. Where we are stricter, or mean something else, the case stands in a
 * table with the reason; a case that is listed and no longer differs is an error too.
 */

#include "codec/http1.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "codec/node.h"
#include "test.h"

static const struct http1_limits limits = { .count_max = 200, .bytes_max = 256 * 1024 };

/* How an input was taken. */
struct verdict {
	unsigned messages; /* complete ones */
	bool refused;
	enum http1_fault fault;
};

struct deviation {
	const char *file;
	const char *name;
	bool refused; /* by us */
	const char *why;
};

/* What one message needs while it is read. */
struct message {
	struct pool pool;
	struct headers h;
	struct http1_head head;
};

/* Host is missing in most cases, and is not what they are about: it is put in. */
static bool add_host(struct buf *input, size_t at)
{
	struct str rest = str_slice(buf_str(input), at, buf_len(input));
	struct str host = STR("Host: judge\r\n");
	size_t line = str_find(rest, rest.len > 2 && rest.ptr[0] == '\r' ? 2 : 0, '\n') + 1;
	size_t len = rest.len;

	if (line > len || !buf_reserve(input, host.len))
		return false;
	buf_claim(input, host.len);
	memmove(input->memory + input->start + at + line + host.len,
		input->memory + input->start + at + line, len - line);
	memcpy(input->memory + input->start + at + line, host.ptr, host.len);
	return true;
}

/* The body behind a head. False: refused, or not complete. */
static bool read_body(const struct message *m, struct str *rest, struct verdict *v)
{
	struct http1_chunked c = { 0 };
	struct http1_reader r = { 0 };
	struct http1_head trailers;
	enum http1_chunked_event event;
	struct headers h;
	struct str data;

	if (m->head.body == HTTP1_BODY_NONE)
		return true;
	if (m->head.body == HTTP1_BODY_CLOSE)
		return false;
	if (m->head.body == HTTP1_BODY_LENGTH) {
		if (rest->len < m->head.length)
			return false;
		*rest = str_slice(*rest, m->head.length, rest->len);
		return true;
	}
	while ((event = http1_chunked_next(&c, rest, &data)) == HTTP1_CHUNKED_DATA)
		;
	v->refused = event == HTTP1_CHUNKED_BAD;
	v->fault = c.fault;
	if (event != HTTP1_CHUNKED_TRAILERS || rest->len == 0)
		return false;
	headers_init(&h, (struct pool *)&m->pool);
	switch (http1_read_trailers(&r, &limits, *rest, &h, &trailers)) {
	case HTTP1_DONE:
		*rest = str_slice(*rest, trailers.len, rest->len);
		return true;
	case HTTP1_BAD:
		v->refused = true;
		v->fault = trailers.fault;
		return false;
	default:
		return false;
	}
}

static enum http1_result read_head(struct message *m, struct str input, bool response, bool to_head)
{
	struct http1_reader r = { 0 };

	return response ? http1_read_response(&r, &limits, input,
					      to_head ? METHOD_HEAD : METHOD_GET, &m->h, &m->head)
			: http1_read_request(&r, &limits, input, &m->h, &m->head);
}

/* Without line ends in front. */
static struct str str_trim_lines(struct str s)
{
	while (s.len && (s.ptr[0] == '\r' || s.ptr[0] == '\n'))
		s = str_slice(s, 1, s.len);
	return s;
}

/* One message at the front; returns whether more may follow. */
static bool judge_message(struct buf *input, size_t *at, bool response, bool to_head,
			  struct verdict *v)
{
	struct message m = { 0 };
	enum http1_result result;
	struct str rest;
	bool go_on = false;

	pool_init(&m.pool, 0);
	headers_init(&m.h, &m.pool);
	result = read_head(&m, str_slice(buf_str(input), *at, buf_len(input)), response, to_head);
	if (result == HTTP1_BAD && m.head.fault == HTTP1_FAULT_HOST_MISSING && add_host(input, *at))
		result = read_head(&m, str_slice(buf_str(input), *at, buf_len(input)), response,
				   to_head);
	v->refused = result == HTTP1_BAD;
	v->fault = m.head.fault;
	if (result == HTTP1_DONE) {
		rest = str_slice(buf_str(input), *at + m.head.len, buf_len(input));
		if (read_body(&m, &rest, v)) {
			v->messages++;
			*at = buf_len(input) - rest.len;
			go_on = !m.head.upgrade && m.h.method_id != METHOD_CONNECT &&
				m.h.status != 101 && m.head.keep_alive;
			/* What follows a last message is dropped with the connection. */
			v->refused = !m.head.keep_alive && !m.head.upgrade &&
				     m.h.method_id != METHOD_CONNECT &&
				     str_trim_lines(rest).len > 0;
		}
	}
	pool_fini(&m.pool);
	return go_on;
}

static struct verdict judge(struct str text, bool response, bool to_head)
{
	struct buf input = BUF_INIT(0);
	struct verdict v = { 0 };
	size_t at = 0;

	assert_int_equal(buf_append_str(&input, text), 0);
	while (at < buf_len(&input) && judge_message(&input, &at, response, to_head, &v))
		;
	buf_fini(&input);
	return v;
}

static const struct deviation *find_deviation(const struct deviation *table, size_t count,
					      const char *file, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].file, file) == 0 && str_eq(name, str_from(table[i].name)))
			return &table[i];
	return NULL;
}

/* The files of a folder of the shared data. False: it is not there. */
static bool open_data(const char *folder, DIR **ret_dir, char *path, size_t path_size)
{
	const char *shared = getenv("WEFT_SHARED");

	snprintf(path, path_size, "%s/data/http1/%s",
		 shared ? shared : WEFT_SOURCE_DIR "/../shared", folder);
	*ret_dir = opendir(path);
	if (!*ret_dir)
		print_message("skipped: %s is not there; set WEFT_SHARED\n", path);
	return *ret_dir != NULL;
}

static void read_file(const char *folder, const char *name, struct buf *out)
{
	char path[4096];
	FILE *f;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	do {
		char *place = buf_reserve(out, 65536);

		len = fread(place, 1, 65536, f);
		buf_claim(out, len);
	} while (len > 0);
	fclose(f);
}

/*
 * llhttp: sections of Markdown, each with a line of meta data, a block of input and the log
 * that its parser gives
 */

struct llhttp_case {
	struct str name;
	struct str meta;
	struct str input;
	struct str log;
};

/* What stands between two texts, and moves *rest behind it. Empty: not there. */
static struct str between(struct str *rest, const char *begin, const char *end)
{
	const char *from = memmem(rest->ptr, rest->len, begin, strlen(begin)), *to;
	struct str s;

	if (!from)
		return STR_EMPTY;
	from += strlen(begin);
	to = memmem(from, (size_t)(rest->ptr + rest->len - from), end, strlen(end));
	if (!to)
		return STR_EMPTY;
	s = str_of(from, (size_t)(to - from));
	*rest = str_of(to + strlen(end), (size_t)(rest->ptr + rest->len - to) - strlen(end));
	return s;
}

static bool contains(struct str s, const char *text)
{
	return memmem(s.ptr, s.len, text, strlen(text)) != NULL;
}

/* The last heading in front of a place. */
static struct str heading(struct str text)
{
	struct str rest = text, line, found = STR_EMPTY;

	while (str_split(&rest, '\n', &line))
		if (str_has_prefix(line, STR("#")))
			found = line;
	while (found.len && (found.ptr[0] == '#' || found.ptr[0] == ' '))
		found = str_slice(found, 1, found.len);
	return found;
}

static bool next_case(struct str *rest, struct llhttp_case *c)
{
	struct str before = *rest;

	c->meta = between(rest, "<!-- meta=", "-->");
	if (!c->meta.len)
		return false;
	c->name = heading(str_slice(before, 0, (size_t)(c->meta.ptr - before.ptr)));
	c->input = between(rest, "```http\n", "```");
	c->log = between(rest, "```log\n", "```");
	return c->input.len > 0;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Line ends are CR LF, a backslash takes one away, and escapes are what they say. */
static void unescape(struct str in, struct buf *out)
{
	static const char names[] = "rntf", bytes[] = "\r\n\t\f";

	if (str_has_suffix(in, STR("\n")))
		in.len--;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i], next = i + 1 < in.len ? in.ptr[i + 1] : '\0';
		const char *name = next ? strchr(names, next) : NULL;

		if (c == '\n') {
			buf_append_str(out, STR("\r\n"));
		} else if (c == '\\' && next == '\n') {
			i++;
		} else if (c == '\\' && name) {
			buf_append_char(out, bytes[name - names]);
			i++;
		} else if (c == '\\' && next == 'x' && i + 3 < in.len) {
			buf_append_char(out, (char)(hex_digit(in.ptr[i + 2]) * 16 +
						    hex_digit(in.ptr[i + 3])));
			i += 3;
		} else {
			buf_append_char(out, c);
		}
	}
}

/* Errors that are none: a pause, and an upgrade that is left to the user. */
static bool llhttp_refuses(struct str log)
{
	struct str line;

	while (str_split(&log, '\n', &line))
		if (contains(line, "error code=") && !contains(line, "error code=21") &&
		    !contains(line, "error code=22"))
			return true;
	return false;
}

static unsigned llhttp_messages(struct str log)
{
	struct str line;
	unsigned n = 0;

	while (str_split(&log, '\n', &line))
		n += str_has_suffix(line, STR("message complete"));
	return n;
}

// clang-format off
static const struct deviation llhttp_deviations[] = {
	{ "request-sample.md", "No HTTP version", true, "HTTP/0.9 is not spoken" },
	{ "request-method.md", "M-SEARCH request", true, "the target * belongs to OPTIONS" },
	{ "request-method.md", "SOURCE request with ICE", true, "another protocol" },
	{ "request-method.md", "OPTIONS request with RTSP", true, "another protocol" },
	{ "request-method.md", "ANNOUNCE request with RTSP", true, "another protocol" },
	{ "request-invalid.md", "HTTP protocol and ANNOUNCE method", false,
	  "any token is a method" },
	{ "request-invalid.md", "Invalid method", false, "any token is a method" },
	{ "request-uri.md", "Fragment in URI", true, "a fragment is never sent" },
	{ "request-uri.md", "`host:port` and basic auth", true, "no user in an authority" },
	{ "request-content-length.md", "Content-Length reset when no body is received", false,
	  "the body is waited for" },
	{ "request-transfer-encoding.md", "POST with `chunked` as last transfer-encoding", true,
	  "codings other than chunked, and a fragment" },
	{ "request-transfer-encoding.md",
	  "POST with `chunked` as last transfer-encoding (multiple headers)", true,
	  "codings other than chunked, and a fragment" },
	{ "response-sample.md", "RTSP response", true, "another protocol" },
	{ "response-sample.md", "ICE response", true, "another protocol" },
	{ "response-sample.md", "HTTP version 0.9", true, "HTTP/0.9 is not spoken" },
	{ "response-sample.md", "Response starting with CRLF", true,
	  "RFC 9112 bears an empty line in front of requests alone" },
	{ "response-pipelining.md", "Should parse multiple events", true,
	  "an empty line in front of a response" },
	{ "response-transfer-encoding.md", "`chunked` before other transfer-encoding", true,
	  "codings other than chunked" },
	{ "response-transfer-encoding.md",
	  "multiple transfer-encoding where chunked is not the last one", true,
	  "codings other than chunked" },
	{ "response-transfer-encoding.md",
	  "`chunkedchunked` transfer-encoding does not enable chunked enconding", true,
	  "codings other than chunked" },
	{ "response-connection.md", "HTTP 101 response with Upgrade and Content-Length header",
	  true, "RFC 9110 forbids a length in 1xx" },
	{ "response-connection.md", "HTTP 101 response with Upgrade and Transfer-Encoding header",
	  true, "RFC 9112 forbids a coding in 1xx" },
	{ "response-connection.md", "HTTP 304 with Content-Length", true,
	  "an empty line in front of a response" },
	{ "response-connection.md", "HTTP 100 first, then 400", true,
	  "an empty line in front of a response" },
};
// clang-format on

static unsigned judge_llhttp_case(const char *file, const struct llhttp_case *c, bool *used)
{
	const struct deviation *d =
		find_deviation(llhttp_deviations, array_count(llhttp_deviations), file, c->name);
	bool lenient = contains(c->meta, "lenient");
	bool refuses = llhttp_refuses(c->log) || lenient;
	struct buf input = BUF_INIT(0);
	struct verdict v;
	unsigned wrong = 0;

	unescape(c->input, &input);
	v = judge(buf_str(&input), contains(c->meta, "\"response"), contains(c->meta, "skipBody"));
	if (d)
		used[d - llhttp_deviations] = true;
	if (d ? v.refused != d->refused : v.refused != refuses)
		wrong = 1;
	if (!d && !refuses && v.messages != llhttp_messages(c->log))
		wrong = 1;
	if (wrong)
		print_error("{ \"%s\", \"%.*s\", %s, \"%s\" }, we: %u, llhttp: %u%s\n", file,
			    STR_ARGS(c->name), v.refused ? "true" : "false",
			    http1_fault_text(v.fault), v.messages, llhttp_messages(c->log),
			    refuses ? " refused" : "");
	buf_fini(&input);
	return wrong;
}

TEST(llhttp_cases_are_taken_as_they_should)
{
	bool used[array_count(llhttp_deviations) + 1] = { 0 };
	unsigned wrong = 0, count = 0;
	struct dirent *entry;
	char folder[2048];
	DIR *dir;

	if (!open_data("llhttp", &dir, folder, sizeof(folder)))
		return;
	while ((entry = readdir(dir))) {
		struct buf text = BUF_INIT(0);
		struct llhttp_case c;
		struct str rest;

		if (!str_has_suffix(str_from(entry->d_name), STR(".md")) ||
		    strcmp(entry->d_name, "url.md") == 0)
			continue;
		read_file(folder, entry->d_name, &text);
		for (rest = buf_str(&text); next_case(&rest, &c); count++)
			wrong += judge_llhttp_case(entry->d_name, &c, used);
		buf_fini(&text);
	}
	closedir(dir);
	for (size_t i = 0; i < array_count(llhttp_deviations); i++)
		if (!used[i]) {
			print_error("no case is named %s\n", llhttp_deviations[i].name);
			wrong++;
		}
	assert_true(count > 200);
	assert_int_equal(wrong, 0);
}

/*
 * http_desync_guardian: requests in YAML, with a tier from Compliant to Severe
 */

#define TOKEN   "a name is a token, whatever the field"
#define CONTROL "no control byte in any value"
#define VERSION "HTTP/1.1 and HTTP/1.0 are all there is"
#define SPACE   "one space between the parts of a request line"
#define CODING  "codings other than chunked are for no hop of ours"
#define BODY    "GET and HEAD may have a body, and its frame is beyond doubt"

// clang-format off
static const struct deviation desync_deviations[] = {
	{ "acceptable.yaml", "No TE/CL headers, some others are non-compliant", true, TOKEN },
	{ "acceptable.yaml", "TE and some others are non-compliant", true, TOKEN },
	{ "acceptable.yaml", "A non-essential header with a non-printable character (x01)", true,
	  TOKEN },
	{ "acceptable.yaml", "CL and some others are non-compliant", true, TOKEN },
	{ "acceptable.yaml", "Non-RFC, but OK HTTP/0.9", true, VERSION },
	{ "acceptable.yaml", "Empty version, which means HTTP/0.9", true, VERSION },
	{ "acceptable.yaml", "Unknown but OK HTTP/1.2", true, VERSION },
	{ "uri-specific-test-cases.yaml", "Extra spaces in version", true, SPACE },
	{ "uri-specific-test-cases.yaml", "[space] in URI", true, SPACE },
	{ "rfc-compliant.yaml", "Different Transfer-Encoding headers", true, CODING },
	{ "rfc-compliant.yaml", "Different Transfer-Encoding headers combined", true, CODING },
	{ "rfc-compliant.yaml", "Transfer-Encoding with a param: chunked;custom_param", true,
	  CODING },
	{ "rfc-compliant.yaml", "Compliant URL", true, "a fragment is never sent" },
	{ "rfc-compliant.yaml", "International in URI", true, "a target is ASCII" },
	{ "rfc-compliant.yaml", "Empty URI", true, "a target is not empty" },
	{ "bad-header-characters.yaml", "Some-Header\\x01", true, TOKEN },
	{ "bad-header-characters.yaml", "\\x01Some-Header", true, TOKEN },
	{ "bad-header-characters.yaml", "Some-Header: \\x01value", true, CONTROL },
	{ "bad-header-characters.yaml", "Some-Header: value\\x01", true, CONTROL },
	{ "more-compliant-tests.yaml", "Correct TE OK", true, CODING },
	{ "more-compliant-tests.yaml", "Transfer-Encoding: identity and chunked OK", true, CODING },
	{ "more-compliant-tests.yaml", "Multiple transfer encoding headers in a single request OK",
	  true, CODING },
	{ "more-compliant-tests.yaml", "TE with custom parameters OK", true, CODING },
	{ "ambiguous.yaml", "Get with a body and Content-Length", false, BODY },
	{ "ambiguous.yaml", "Get with a body and Transfer-Encoding", false, BODY },
	{ "ambiguous.yaml", "Head with a body and Content-Length", false, BODY },
	{ "ambiguous.yaml", "Head with a body and Transfer-Encoding", false, BODY },
	{ "real-life-test-cases.yaml", "Has a CL in GET", false, BODY },
	{ "real-life-test-cases.yaml", "Has a TE in GET", false, BODY },
};
// clang-format on

static struct str text_of(const struct node *n, const char *key)
{
	const struct node *value = node_get(n, str_from(key));

	return value ? value->text : STR_EMPTY;
}

/* The YAML reader knows no U+0000, so the cases' are carried through it as U+2400. */
static void hide_nuls(struct str in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (str_has_prefix(str_slice(in, i, in.len), STR("\\x00")) &&
		    (i == 0 || in.ptr[i - 1] != '\\')) {
			buf_append_str(out, STR("\\u2400"));
			i += 3;
		} else {
			buf_append_char(out, in.ptr[i]);
		}
	}
}

static void show_nuls(struct buf *b)
{
	char *p;

	while ((p = memmem(b->memory + b->start, buf_len(b), "\xe2\x90\x80", 3))) {
		*p = '\0';
		memmove(p + 1, p + 3, (size_t)(b->memory + b->end - p) - 3);
		b->end -= 2;
	}
}

static void write_request(const struct node *n, struct buf *out)
{
	buf_printf(out, "%.*s %.*s %.*s\r\n", STR_ARGS(text_of(n, "method")),
		   STR_ARGS(text_of(n, "uri")), STR_ARGS(text_of(n, "version")));
	node_for_each (field, node_get(n, STR("headers"))) {
		buf_append_str(out, text_of(field, "name"));
		buf_append_str(out, STR(": "));
		buf_append_str(out, text_of(field, "value"));
		buf_append_str(out, STR("\r\n"));
	}
	buf_append_str(out, STR("\r\n"));
}

static unsigned judge_desync_case(const char *file, const struct node *n, bool *used)
{
	struct str name = text_of(n, "name");
	struct str tier = text_of(node_get(n, STR("expected")), "tier");
	const struct deviation *d =
		find_deviation(desync_deviations, array_count(desync_deviations), file, name);
	bool refuses = str_eq(tier, STR("Ambiguous")) || str_eq(tier, STR("Severe"));
	struct buf input = BUF_INIT(0);
	struct verdict v;

	write_request(n, &input);
	show_nuls(&input);
	v = judge(buf_str(&input), false, false);
	buf_fini(&input);
	if (d)
		used[d - desync_deviations] = true;
	if (d ? v.refused == d->refused : v.refused == refuses)
		return 0;
	print_error("{ \"%s\", \"%.*s\", %s, \"%s\" } is %.*s\n", file, STR_ARGS(name),
		    v.refused ? "true" : "false", http1_fault_text(v.fault), STR_ARGS(tier));
	return 1;
}

static unsigned judge_desync_file(const char *file, struct str text, bool *used,
				  unsigned *ret_count)
{
	struct pool pool = POOL_INIT(0);
	struct node_documents documents;
	struct diag d = DIAG_INIT;
	struct buf hidden = BUF_INIT(0);
	unsigned wrong = 0;

	hide_nuls(text, &hidden);
	if (yaml_parse(buf_str(&hidden), NULL, &pool, &documents, &d) < 0) {
		print_error("%s:%u: %s\n", file, d.at.line, d.text);
		wrong++;
	} else {
		for (size_t i = 0; i < documents.count; i++)
			node_for_each (n, documents.items[i]) {
				wrong += judge_desync_case(file, n, used);
				++*ret_count;
			}
	}
	diag_fini(&d);
	pool_fini(&pool);
	buf_fini(&hidden);
	return wrong;
}

TEST(desync_cases_are_taken_as_they_should)
{
	bool used[array_count(desync_deviations) + 1] = { 0 };
	unsigned wrong = 0, count = 0;
	struct dirent *entry;
	char folder[2048];
	DIR *dir;

	if (!open_data("desync", &dir, folder, sizeof(folder)))
		return;
	while ((entry = readdir(dir))) {
		struct buf text = BUF_INIT(0);

		if (!str_has_suffix(str_from(entry->d_name), STR(".yaml")))
			continue;
		read_file(folder, entry->d_name, &text);
		wrong += judge_desync_file(entry->d_name, buf_str(&text), used, &count);
		buf_fini(&text);
	}
	closedir(dir);
	for (size_t i = 0; i < array_count(desync_deviations); i++)
		if (!used[i]) {
			print_error("no case is named %s\n", desync_deviations[i].name);
			wrong++;
		}
	assert_true(count > 100);
	assert_int_equal(wrong, 0);
}
