/*
 * The connection: handshake, records up and down, and its ends
 *
 * OpenSSL asks for bytes through a BIO that takes them from the lower connection's input, as
 * many as it needs for the record at hand: what it does not need yet stays there, under the
 * lower one's limit, so a paused user stops the peer by way of the socket. What OpenSSL
 * writes is gathered in `out` and goes down in one conn_send() when the call is over. That
 * BIO takes everything, so OpenSSL never waits to write (no SSL_ERROR_WANT_WRITE): what the
 * lower one cannot send at once it queues, and our user hears SEND_QUEUED.
 *
 * The lower connection is paused whenever this one does not want bytes. `run` is the one
 * place that moves: it is called for lower bytes, for the lower end of input, and after a
 * resume, when bytes may be inside OpenSSL with no lower event to come.
 */

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "net/tls_private.h"

#define RECORD_BYTES    16384
#define OUT_IOV_MAX     64
/* Far below what AES-GCM allows under one key, 2^24.5 records (RFC 8446 §5.5). */
#define KEY_RECORDS_MAX (1u << 23)
/* An error reason at or above this is an alert that the peer sent. */
#define ALERT_REASON    SSL_AD_REASON_OFFSET

static struct tls_conn *tls_conn_of(const struct conn *c)
{
	return container_of((struct conn *)c, struct tls_conn, conn);
}

static int bio_read(BIO *b, char *memory, int len)
{
	struct tls_conn *t = BIO_get_data(b);
	struct str input = t->lower ? conn_input(t->lower) : STR_EMPTY;
	int n = (int)min_of(input.len, (size_t)len);

	BIO_clear_retry_flags(b);
	if (n <= 0) {
		/* Also at the end of input: what that means is decided in read_ended(). */
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(memory, input.ptr, (size_t)n);
	conn_consume(t->lower, (size_t)n);
	return n;
}

static int bio_write(BIO *b, const char *bytes, int len)
{
	struct tls_conn *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	chunk_queue_append_bytes(&t->out, t->conn.chunks, bytes, (size_t)len);
	t->records_sent++;
	return len;
}

static long bio_ctrl(BIO *b unused_arg, int command, long number unused_arg,
		     void *pointer unused_arg)
{
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft");
	assert(bio_method);
	BIO_meth_set_read(bio_method, bio_read);
	BIO_meth_set_write(bio_method, bio_write);
	BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static BIO *make_bio(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_bio_method);
	return BIO_new(bio_method);
}

/*
 * Before every call whose outcome SSL_get_error() is asked about: it looks for errors left by
 * anybody on this thread. To look first is cheaper than to clear the whole queue each time.
 */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* What OpenSSL wrote goes down. */
static enum send_result flush(struct tls_conn *t)
{
	enum send_result result = SEND_DONE;

	while (t->out.len > 0 && t->lower) {
		struct iovec iov[OUT_IOV_MAX];
		int iov_count = chunk_queue_front(&t->out, iov, OUT_IOV_MAX);
		size_t len = iov_len(iov, iov_count);

		result = conn_send(t->lower, iov, iov_count);
		chunk_queue_consume(&t->out, len);
	}
	return t->lower ? result : SEND_CLOSED;
}

/* The same, and on_sent will tell when it is gone. */
static enum send_result flush_for_user(struct tls_conn *t)
{
	enum send_result result = flush(t);

	t->conn.send_queued |= result == SEND_QUEUED;
	return result;
}

/* The connection fails; the alert that OpenSSL wrote for the peer, if any, goes first. */
static void fail(struct tls_conn *t, int error, enum tls_failure f, const char *detail)
{
	tls_set_failure(&t->info, f, detail);
	t->broken = true;
	flush(t);
	conn_fail(&t->conn, error);
}

/* OpenSSL gave up: why? What the verification said stands already. */
static void fail_by_openssl(struct tls_conn *t)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_REASON(e);

	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		fail(t, ERR_TLS, TLS_FAILURE_PROTOCOL, ERR_reason_error_string(e));
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		fail(t, ERR_TLS, TLS_FAILURE_NO_CERTIFICATE, NULL);
	else if (reason >= ALERT_REASON)
		fail(t, ERR_TLS, TLS_FAILURE_ALERT, tls_alert_text(reason - ALERT_REASON));
	else
		fail(t, ERR_TLS, TLS_FAILURE_PROTOCOL, ERR_reason_error_string(e));
	ERR_clear_error();
}

static void read_facts(struct tls_conn *t)
{
	struct tls_info *info = &t->info;
	const unsigned char *alpn;
	unsigned alpn_len;

	SSL_get0_alpn_selected(t->ssl, &alpn, &alpn_len);
	info->alpn = str_of((const char *)alpn, alpn_len);
	info->version = (uint16_t)SSL_version(t->ssl);
	info->version_text = SSL_get_version(t->ssl);
	info->cipher = SSL_get_cipher_name(t->ssl);
	info->mutual = info->peer && t->context->verify != TLS_VERIFY_NONE &&
		       (t->context->role == TLS_SERVER || t->certificate_shown);
	info->established = true;
}

static void established(struct tls_conn *t)
{
	timer_stop(&t->timeout);
	read_facts(t);
	t->conn.local = t->lower->local;
	t->conn.peer = t->lower->peer;
	conn_opened(&t->conn);
}

static void handshake(struct tls_conn *t)
{
	int r;

	forget_errors();
	r = SSL_do_handshake(t->ssl);
	if (r != 1 && SSL_get_error(t->ssl, r) != SSL_ERROR_WANT_READ) {
		fail_by_openssl(t);
		return;
	}
	flush(t);
	if (r == 1)
		established(t);
	else if (t->lower->eof_received)
		fail(t, ERR_TLS, TLS_FAILURE_CONNECTION, NULL);
}

/* No more bytes below, and none held by OpenSSL. */
static bool is_drained(const struct tls_conn *t)
{
	return !t->lower->in && SSL_pending(t->ssl) == 0;
}

/* One record, or a part of it, to the user. False: nothing more for now. */
static bool read_record(struct tls_conn *t)
{
	struct conn *c = &t->conn;
	size_t room_len, n = 0;
	char *room = conn_room(c, &room_len);
	int r;

	if (room_len == 0)
		return false; /* consuming calls read_more */
	forget_errors();
	r = SSL_read_ex(t->ssl, room, room_len, &n);
	conn_received(c, n);
	if (r == 1) {
		conn_deliver(c);
		return true;
	}
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return !is_drained(t);
	case SSL_ERROR_ZERO_RETURN:
		conn_ended(c);
		return false;
	default:
		fail_by_openssl(t);
		return false;
	}
}

/* The lower end of input without a close_notify before it. */
static void check_truncated(struct tls_conn *t)
{
	if (conn_may_read(&t->conn) && !t->conn.input_full && t->lower->eof_received)
		fail(t, ERR_TLS, TLS_FAILURE_TRUNCATED, NULL);
}

static void pass_pause_down(struct tls_conn *t)
{
	struct conn *c = &t->conn;

	/* With input that is full the lower one fills up too, and still notices a failed write. */
	if (c->read_paused)
		conn_pause(t->lower);
	else
		conn_resume(t->lower);
}

static void run(struct tls_conn *t)
{
	struct conn *c = &t->conn;

	if (c->state == CONN_CONNECTING && t->lower->state == CONN_OPEN)
		handshake(t);
	while (conn_may_read(c) && !is_drained(t) && read_record(t))
		;
	if (c->state != CONN_OPEN)
		return;
	flush(t);
	if (is_drained(t))
		check_truncated(t);
	if (c->state == CONN_OPEN)
		pass_pause_down(t);
}

static void on_more(struct deferred *d)
{
	struct tls_conn *t = container_of(d, struct tls_conn, more);

	conn_deliver_again(&t->conn);
	if (t->conn.state != CONN_CLOSED)
		run(t);
}

static void lower_event(struct conn *lower)
{
	run(lower->user);
}

static void lower_sent(struct conn *lower)
{
	struct tls_conn *t = lower->user;

	if (t->conn.send_queued)
		conn_queue_sent(&t->conn);
}

static void lower_closed(struct conn *lower)
{
	struct tls_conn *t = lower->user;

	t->lower = NULL;
	if (timer_is_running(&t->timeout)) /* so it was in the handshake */
		tls_set_failure(&t->info, TLS_FAILURE_CONNECTION, err_text(lower->error));
	conn_fail(&t->conn, lower->error ? lower->error : ERR_CLOSED);
}

static void start_handshake(struct tls_conn *t);

static void lower_opened(struct conn *lower)
{
	start_handshake(lower->user);
	run(lower->user);
}

static const struct conn_handler lower_handler = {
	.on_open = lower_opened,
	.on_data = lower_event,
	.on_eof = lower_event,
	.on_sent = lower_sent,
	.on_closed = lower_closed,
};

static void forget(struct conn *lower unused_arg)
{
}

/* For a lower connection that ends after the one above it. */
static const struct conn_handler let_go_handler = { .on_closed = forget };

static int write_bytes(struct tls_conn *t, const void *bytes, size_t len)
{
	size_t n;

	if (len == 0)
		return 0;
	if (t->records_sent >= KEY_RECORDS_MAX && tls_conn_update_keys(&t->conn, false) == 0)
		t->records_sent = 0;
	forget_errors();
	return SSL_write_ex(t->ssl, bytes, len, &n) == 1 && n == len ? 0 : ERR_TLS;
}

static int write_gathered(struct tls_conn *t, struct chunk *gather)
{
	uint32_t len = gather->end;

	gather->end = 0;
	return write_bytes(t, gather->data, len);
}

/* Short parts share a record: a head and a small body are one. */
static int write_parts(struct tls_conn *t, const struct iovec *iov, int iov_count)
{
	struct chunk *gather = chunk_new(t->conn.chunks, CHUNK_BYTES);
	int r = 0;

	for (int i = 0; i < iov_count && r == 0; i++) {
		size_t len = iov[i].iov_len;

		if (gather->end + len > RECORD_BYTES)
			r = write_gathered(t, gather);
		if (r < 0)
			break;
		if (len > RECORD_BYTES) {
			r = write_bytes(t, iov[i].iov_base, len);
			continue;
		}
		memcpy(gather->data + gather->end, iov[i].iov_base, len);
		gather->end += (uint32_t)len;
	}
	if (r == 0)
		r = write_gathered(t, gather);
	chunk_unref(gather);
	return r;
}

static int write_vector(struct tls_conn *t, const struct iovec *iov, int iov_count)
{
	return iov_count == 1 ? write_bytes(t, iov->iov_base, iov->iov_len)
			      : write_parts(t, iov, iov_count);
}

static enum send_result tls_send(struct conn *c, const struct iovec *iov, int iov_count)
{
	struct tls_conn *t = tls_conn_of(c);

	if (t->broken || !t->lower || t->lower->state != CONN_OPEN || t->lower->write_shut)
		return SEND_CLOSED;
	if (write_vector(t, iov, iov_count) < 0) {
		fail_by_openssl(t);
		return SEND_CLOSED;
	}
	c->bytes_sent += iov_len(iov, iov_count);
	return flush_for_user(t);
}

/* close_notify and FIN: the peer may go on sending (RFC 8446 §6.1). */
static void tls_shut_write(struct conn *c)
{
	struct tls_conn *t = tls_conn_of(c);

	if (t->broken || !t->lower)
		return;
	forget_errors();
	SSL_shutdown(t->ssl);
	flush_for_user(t);
	conn_shut_write(t->lower);
}

static void tls_read_more(struct conn *c)
{
	defer(c->loop, &tls_conn_of(c)->more, on_more);
}

/* Nothing was dropped, so the end is true: the peer may be told. */
static bool may_say_goodbye(const struct tls_conn *t)
{
	return t->info.established && !t->broken && !t->conn.write_shut &&
	       t->lower->state == CONN_OPEN && !t->lower->send_queued;
}

static void tls_close(struct conn *c, bool reset)
{
	struct tls_conn *t = tls_conn_of(c);
	struct conn *lower = t->lower;

	timer_stop(&t->timeout);
	defer_cancel(&t->more);
	if (!lower)
		return;
	if (!reset && c->loop && may_say_goodbye(t)) {
		forget_errors();
		SSL_shutdown(t->ssl);
		flush(t);
	}
	t->lower = NULL;
	lower->handler = &let_go_handler;
	lower->user = NULL;
	if (!lower->loop)
		conn_discard(lower);
	else if (reset)
		conn_reset(lower);
	else
		conn_close(lower);
}

static void tls_free(struct conn *c)
{
	struct tls_conn *t = tls_conn_of(c);

	chunk_queue_clear(&t->out);
	SSL_free(t->ssl);
	certificate_free(t->peer);
	tls_context_unref(t->context);
	mem_free(t->sni);
	mem_free(t);
}

static int tls_detach(struct conn *c)
{
	struct tls_conn *t = tls_conn_of(c);
	int r;

	if (SSL_has_pending(t->ssl))
		return ERR_CONFLICT;
	r = conn_detach(t->lower);
	if (r < 0)
		return r;
	defer_cancel(&t->more);
	c->loop = NULL;
	c->chunks = NULL;
	return 0;
}

static int tls_attach(struct conn *c, struct loop *l)
{
	return conn_attach(tls_conn_of(c)->lower, l, c->chunks);
}

static void tls_check(const struct conn *c)
{
	const struct tls_conn *t = tls_conn_of(c);

	assert(t->context);
	chunk_queue_check(&t->out);
	assert(!t->lower || t->lower->user == t);
	assert(!t->lower || t->lower->loop == c->loop);
	assert(c->state == CONN_CLOSED || t->lower);
	assert(c->state != CONN_CLOSED || !timer_is_running(&t->timeout));
	assert(c->state != CONN_OPEN || t->info.established);
}

static void tls_dump(const struct conn *c, struct dump *d)
{
	const struct tls_conn *t = tls_conn_of(c);

	dump_word(d, "role", t->context->role == TLS_SERVER ? "server" : "client");
	dump_word(d, "version", t->info.version_text ? t->info.version_text : "none");
	dump_str(d, "sni", t->info.sni);
	dump_str(d, "alpn", t->info.alpn);
	dump_number(d, "records", t->records_sent);
	dump_flag(d, "mutual", t->info.mutual);
	dump_flag(d, "broken", t->broken);
	if (t->info.failure != TLS_FAILURE_NONE)
		dump_str(d, "failure", str_from(t->info.failure_text));
	if (!t->lower)
		return;
	dump_enter(d);
	conn_dump(t->lower, d);
	dump_leave(d);
}

static const struct conn_ops tls_conn_ops = {
	.name = "tls",
	.send = tls_send,
	.shut_write = tls_shut_write,
	.read_more = tls_read_more,
	.close = tls_close,
	.free = tls_free,
	.detach = tls_detach,
	.attach = tls_attach,
	.check = tls_check,
	.dump = tls_dump,
};

static void on_timeout(struct timer *timer)
{
	fail(container_of(timer, struct tls_conn, timeout), ERR_TIMEOUT, TLS_FAILURE_TIMEOUT, NULL);
}

static void start_handshake(struct tls_conn *t)
{
	timer_start(t->conn.loop, &t->timeout, t->handshake_timeout);
}

static int make_ssl(struct tls_conn *t)
{
	BIO *bio;

	t->ssl = SSL_new(t->context->ssl_ctx);
	bio = t->ssl ? make_bio() : NULL;
	if (!bio)
		return ERR_UNAVAILABLE;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);

	if (t->context->role == TLS_SERVER) {
		SSL_set_accept_state(t->ssl);
		return 0;
	}
	SSL_set_connect_state(t->ssl);
	if (t->sni && SSL_set_tlsext_host_name(t->ssl, t->sni) != 1)
		return ERR_CONFIG;
	return 0;
}

struct conn *tls_conn_new_take(struct conn *lower, const struct tls_conn_options *options,
			       const struct conn_handler *handler)
{
	struct tls_conn *t = mem_new(struct tls_conn);
	struct conn *c = &t->conn;
	int r;

	c->ops = &tls_conn_ops;
	c->handler = handler;
	c->loop = lower->loop;
	c->chunks = lower->chunks;
	c->local = lower->local;
	c->peer = lower->peer;
	c->tls = &t->info;
	t->context = tls_context_ref(options->context);
	t->handshake_timeout =
		options->handshake_timeout.ns ? options->handshake_timeout : TLS_HANDSHAKE_TIMEOUT;
	if (options->sni.len > 0 && t->context->role == TLS_CLIENT)
		t->sni = mem_strdup_str(options->sni);
	t->info.sni = str_from(t->sni);
	timer_init(&t->timeout, on_timeout);
	t->lower = lower;
	lower->handler = &lower_handler;
	lower->user = t;

	r = make_ssl(t);
	if (r < 0 || lower->state == CONN_CLOSED) {
		if (r < 0)
			fail(t, r, TLS_FAILURE_PROTOCOL, "out of memory or a bad server name");
		return c; /* on_closed of the lower one follows */
	}
	conn_resume(lower);
	if (lower->state == CONN_OPEN) {
		start_handshake(t);
		defer(c->loop, &t->more, on_more);
	}
	return c;
}

int tls_conn_update_keys(struct conn *c, bool ask_peer)
{
	struct tls_conn *t = tls_conn_of(c);

	if (c->ops != &tls_conn_ops || c->state != CONN_OPEN || t->broken ||
	    t->info.version != TLS_VERSION_1_3)
		return ERR_UNSUPPORTED;
	/* Takes effect with the next record that is sent. */
	return SSL_key_update(t->ssl, ask_peer ? SSL_KEY_UPDATE_REQUESTED
					       : SSL_KEY_UPDATE_NOT_REQUESTED) == 1
		       ? 0
		       : ERR_TLS;
}

static X509 *peer_of(const struct conn *c)
{
	return c->ops == &tls_conn_ops ? SSL_get0_peer_certificate(tls_conn_of(c)->ssl) : NULL;
}

bool tls_peer_pem(const struct conn *c, struct buf *out)
{
	X509 *x = peer_of(c);
	BIO *b = x ? BIO_new(BIO_s_mem()) : NULL;
	char *text;
	bool written = b && PEM_write_bio_X509(b, x) == 1;

	if (written) {
		long len = BIO_get_mem_data(b, &text);

		buf_append(out, text, (size_t)len);
	}
	BIO_free(b);
	return written;
}

bool tls_peer_sha256(const struct conn *c, uint8_t ret_hash[32])
{
	X509 *x = peer_of(c);
	unsigned len = 32;

	return x && X509_digest(x, EVP_sha256(), ret_hash, &len) == 1;
}
