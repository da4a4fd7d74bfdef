/*
 * TLS records around a handshake message around a ClientHello (RFC 8446 §4.1.2, §5.1). Each
 * layer is a cursor that the one below may not leave.
 */

#include "net/sni.h"

#include <stdbool.h>
#include <string.h>

#define RECORD_HEAD_BYTES     5
#define RECORD_HANDSHAKE      22
#define RECORD_BODY_BYTES_MAX 16384
#define MESSAGE_HEAD_BYTES    4
#define MESSAGE_CLIENT_HELLO  1
#define RANDOM_BYTES          32
#define EXTENSION_SERVER_NAME 0
#define EXTENSION_ALPN        16
#define NAME_TYPE_HOST        0

/* Bytes left; after an overrun `broken` is set and every read gives zero or nothing. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool broken;
};

static struct cursor take(struct cursor *c, size_t len)
{
	struct cursor part = { c->at, len, false };

	if (c->broken || len > c->left) {
		c->broken = true;
		return (struct cursor){ NULL, 0, true };
	}
	c->at += len;
	c->left -= len;
	return part;
}

/* A big-endian number of one to three bytes. */
static size_t take_number(struct cursor *c, size_t bytes)
{
	struct cursor part = take(c, bytes);
	size_t number = 0;

	for (size_t i = 0; i < part.left; i++)
		number = number << 8 | part.at[i];
	return number;
}

/* A vector with its length before it. */
static struct cursor take_vector(struct cursor *c, size_t length_bytes)
{
	return take(c, take_number(c, length_bytes));
}

static bool read_server_name(struct cursor extension, struct client_hello *hello)
{
	struct cursor list = take_vector(&extension, 2);
	struct cursor name;
	size_t type = take_number(&list, 1);

	name = take_vector(&list, 2);
	if (name.broken || type != NAME_TYPE_HOST || name.left == 0 ||
	    name.left > HELLO_SNI_BYTES_MAX || memchr(name.at, 0, name.left))
		return false;
	for (size_t i = 0; i < name.left; i++)
		hello->sni_bytes[i] = char_lower((char)name.at[i]);
	hello->sni = str_of(hello->sni_bytes, name.left);
	return true;
}

static bool read_alpn(struct cursor extension, struct client_hello *hello)
{
	struct cursor list = take_vector(&extension, 2);
	size_t used = 0;

	if (list.broken || list.left == 0)
		return false;
	while (list.left > 0) {
		struct cursor name = take_vector(&list, 1);

		if (name.broken || name.left == 0)
			return false;
		if (hello->alpn_count == HELLO_ALPN_COUNT_MAX ||
		    name.left > sizeof(hello->alpn_bytes) - used)
			continue;
		memcpy(hello->alpn_bytes + used, name.at, name.left);
		hello->alpn[hello->alpn_count++] = str_of(hello->alpn_bytes + used, name.left);
		used += name.left;
	}
	return true;
}

/* Each of the two may come once. */
static bool read_extensions(struct cursor extensions, struct client_hello *hello)
{
	while (extensions.left > 0 && !extensions.broken) {
		size_t type = take_number(&extensions, 2);
		struct cursor body = take_vector(&extensions, 2);

		if (body.broken)
			return false;
		if (type == EXTENSION_SERVER_NAME &&
		    (hello->sni.len > 0 || !read_server_name(body, hello)))
			return false;
		if (type == EXTENSION_ALPN && (hello->alpn_count > 0 || !read_alpn(body, hello)))
			return false;
	}
	return !extensions.broken;
}

static bool read_hello(struct cursor body, struct client_hello *hello)
{
	struct cursor extensions;

	take(&body, 2 + RANDOM_BYTES); /* legacy_version, random */
	take_vector(&body, 1);         /* legacy_session_id */
	take_vector(&body, 2);         /* cipher_suites */
	take_vector(&body, 1);         /* legacy_compression_methods */
	if (body.broken)
		return false;
	if (body.left == 0) /* TLS 1.2 may come without extensions */
		return true;
	extensions = take_vector(&body, 2);
	return !extensions.broken && body.left == 0 && read_extensions(extensions, hello);
}

/*
 * Joins the bodies of the records into `message`, until it holds the whole hello. MORE, TLS
 * (complete) or a refusal.
 */
static enum hello_result join_records(struct cursor input, uint8_t *message, size_t *ret_len)
{
	size_t have = 0, want = MESSAGE_HEAD_BYTES;

	while (have < want) {
		struct cursor head = take(&input, RECORD_HEAD_BYTES);
		size_t body_len, part_len;

		if (head.broken)
			return HELLO_MORE;
		if (head.at[0] != RECORD_HANDSHAKE || head.at[1] != 3)
			return HELLO_BROKEN;
		take(&head, 3);
		body_len = take_number(&head, 2);
		if (body_len == 0 || body_len > RECORD_BODY_BYTES_MAX)
			return HELLO_BROKEN;
		part_len = body_len < input.left ? body_len : input.left;
		memcpy(message + have, take(&input, part_len).at, part_len);
		have += part_len;
		if (have >= MESSAGE_HEAD_BYTES) {
			if (message[0] != MESSAGE_CLIENT_HELLO)
				return HELLO_BROKEN;
			want = MESSAGE_HEAD_BYTES +
			       ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
		}
		if (want > HELLO_BYTES_MAX)
			return HELLO_BROKEN;
		if (have < want && part_len < body_len)
			return HELLO_MORE;
	}
	*ret_len = want;
	return HELLO_TLS;
}

/* What can be told from the first bytes: a handshake record of TLS 1.x with a ClientHello. */
static bool may_be_tls(struct str input)
{
	const uint8_t *b = (const uint8_t *)input.ptr;

	if (input.len > 0 && b[0] != RECORD_HANDSHAKE)
		return false;
	if (input.len > 1 && b[1] != 3)
		return false;
	return true;
}

enum hello_result client_hello_read(struct str input, struct client_hello *ret_hello)
{
	uint8_t message[HELLO_BYTES_MAX];
	struct str looked_at = str_slice(input, 0, HELLO_BYTES_MAX);
	struct cursor cursor = { (const uint8_t *)looked_at.ptr, looked_at.len, false };
	size_t len = 0;
	enum hello_result r;

	if (!may_be_tls(input))
		return HELLO_NOT_TLS;
	r = join_records(cursor, message, &len);
	if (r == HELLO_MORE && input.len >= HELLO_BYTES_MAX)
		return HELLO_BROKEN;
	if (r != HELLO_TLS)
		return r;

	cursor = (struct cursor){ message + MESSAGE_HEAD_BYTES, len - MESSAGE_HEAD_BYTES, false };
	*ret_hello = (struct client_hello){ 0 };
	return read_hello(cursor, ret_hello) ? HELLO_TLS : HELLO_BROKEN;
}
