#include "identity/request.h"

#include "base/error.h"
#include "base/mem.h"
#include "http/grpc.h"
#include "identity/csr.h"
#include "net/tls.h"

#include "proto/weft.pb.h"

#define REASON_BYTES 512

static const struct str method_path =
	STR_INIT("/istio.v1.auth.IstioCertificateService/CreateCertificate");
/* Nobody routes by it: the connection leads to one server. */
static const struct str authority = STR_INIT("control.weft");

/* Lives until both its connection and its call are gone, in whichever order. */
struct certificate_request {
	struct conn *transport; /* until it is closed */
	struct http_client_conn *http;
	struct grpc_call *call;
	struct buf message;
	struct duration timeout;
	struct timer timer;
	/* NULL: the answer was given, or is not wanted any more. */
	void (*on_answer)(void *user, const struct certificate_answer *answer);
	void *user;
};

/*
 * The two messages
 */

static void write_message(struct certificate_request *q,
			  const struct certificate_request_options *o)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *m = pb_new(&pb_IstioCertificateRequest, &pool);
	struct pb_message *metadata = pb_add_message(m, PB_IstioCertificateRequest_metadata);
	struct pb_message *identity =
		pb_add_entry(metadata, PB_Struct_fields, STR("ImpersonatedIdentity"));

	pb_set_text(m, PB_IstioCertificateRequest_csr, o->csr_pem);
	pb_set_number(m, PB_IstioCertificateRequest_validity_duration,
		      o->validity.ns / DURATION_SECONDS(1).ns);
	pb_set_text(identity, PB_Value_string_value, o->spiffe_id);
	pb_encode(m, &q->message);
	pool_fini(&pool);
}

static void append_line(struct buf *out, struct str pem)
{
	buf_append_str(out, pem);
	if (!str_has_suffix(pem, STR("\n")))
		buf_append_char(out, '\n');
}

static int read_chain(const struct pb_message *m, struct identity_grant *grant, struct diag *d)
{
	uint32_t count = pb_count(m, PB_IstioCertificateResponse_cert_chain);

	if (count < 2)
		return diag_fail(d, ERR_PROTO,
				 "the authority answered with %u certificates: it must be a leaf "
				 "and a trust anchor at least",
				 count);
	for (uint32_t i = 0; i < count; i++)
		append_line(i + 1 < count ? &grant->chain_pem : &grant->trust_pem,
			    pb_text_at(m, PB_IstioCertificateResponse_cert_chain, i));
	return 0;
}

static int fail_unreadable(struct diag *d, const struct diag *why)
{
	struct buf text = BUF_INIT(0);
	int r;

	diag_format(why, &text);
	r = diag_fail(d, why->error, "the answer of the authority cannot be read: %.*s",
		      STR_ARGS(buf_str(&text)));
	buf_fini(&text);
	return r;
}

int certificate_response_read(struct str message, struct identity_grant *ret_grant, struct diag *d)
{
	struct pool pool = POOL_INIT(0);
	struct diag why = DIAG_INIT;
	struct pb_message *m;
	int r = pb_decode(&pb_IstioCertificateResponse, message, &pool, &m, NULL, &why);

	r = r == 0 ? read_chain(m, ret_grant, d) : fail_unreadable(d, &why);
	diag_fini(&why);
	pool_fini(&pool);
	return r;
}

/*
 * The call
 */

static void free_if_over(struct certificate_request *q)
{
	if (q->http || q->call)
		return;
	buf_fini(&q->message);
	mem_free(q);
}

/* Gives the answer, once, and lets the connection go. */
static void answer(struct certificate_request *q, const struct certificate_answer *a)
{
	void (*on_answer)(void *, const struct certificate_answer *) = TAKE(q->on_answer);

	timer_stop(&q->timer);
	if (on_answer)
		on_answer(q->user, a);
	if (q->http)
		http_client_conn_close(q->http);
}

static void answer_failure(struct certificate_request *q, const char *reason)
{
	answer(q, &(struct certificate_answer){ .reason = reason });
}

static void answer_grant(struct certificate_request *q, struct str message)
{
	struct identity_grant grant = { 0 };
	struct diag d = DIAG_INIT;

	if (certificate_response_read(message, &grant, &d) < 0)
		answer_failure(q, d.text);
	else
		answer(q, &(struct certificate_answer){ .grant = &grant });
	diag_fini(&d);
	buf_fini(&grant.chain_pem);
	buf_fini(&grant.trust_pem);
}

static void answer_status(struct certificate_request *q, const struct grpc_answer *a)
{
	char reason[REASON_BYTES];

	snprintf(reason, sizeof(reason), "%s: %.*s", grpc_status_text(a->status),
		 STR_ARGS(a->text));
	answer_failure(q, reason);
}

static void on_unary_answer(struct grpc_call *call, const struct grpc_answer *a)
{
	struct certificate_request *q = grpc_call_user(call);

	q->call = NULL;
	if (a->status == GRPC_OK)
		answer_grant(q, a->message);
	else
		answer_status(q, a);
	free_if_over(q);
}

static void on_ready(struct http_client_conn *hc)
{
	struct certificate_request *q = http_client_conn_user(hc);
	const struct grpc_call_options options = {
		.path = method_path,
		.authority = authority,
		.timeout = q->timeout,
		.message_bytes_max = SVID_PEM_BYTES_MAX,
	};

	if (!q->on_answer)
		return;
	q->call = grpc_unary(hc, &options, buf_str(&q->message), on_unary_answer, q);
	if (!q->call)
		answer_failure(q, "the connection to the control plane takes no call");
}

/* Why the connection ended before there was an answer; TLS says it best. */
static void describe_end(const struct certificate_request *q, int error, char *ret_reason)
{
	const struct tls_info *tls = q->transport->tls;

	snprintf(ret_reason, REASON_BYTES, "connection to the control plane at %s: %s",
		 address_text(&q->transport->peer),
		 tls && tls->failure ? tls->failure_text
				     : (error ? err_text(error) : err_text(ERR_CLOSED)));
}

static void on_connection_closed(struct http_client_conn *hc, int error)
{
	struct certificate_request *q = http_client_conn_user(hc);
	char reason[REASON_BYTES];

	q->http = NULL;
	if (q->on_answer) {
		describe_end(q, error, reason);
		answer_failure(q, reason);
	}
	free_if_over(q);
}

static const struct http_client_handler connection_handler = {
	.on_ready = on_ready,
	.on_closed = on_connection_closed,
};

static const struct http_client_options connection_options = {
	.codec = HTTP_CODEC_HTTP2,
};

static void on_timeout(struct timer *t)
{
	answer_failure(container_of(t, struct certificate_request, timer),
		       "no answer from the control plane in time");
}

struct certificate_request *certificate_request_begin_take(
	struct conn *c, const struct certificate_request_options *options,
	void (*on_answer)(void *user, const struct certificate_answer *answer), void *user)
{
	struct certificate_request *q = mem_new(struct certificate_request);

	q->transport = c;
	q->timeout = options->timeout;
	q->on_answer = on_answer;
	q->user = user;
	write_message(q, options);
	timer_init(&q->timer, on_timeout);
	timer_start(c->loop, &q->timer, options->timeout);
	q->http = http_client_conn_open_take(c, &connection_options, &connection_handler, q);
	return q;
}

struct certificate_request *certificate_request_cancel(struct certificate_request *q)
{
	if (q) {
		q->on_answer = NULL;
		answer_failure(q, NULL);
	}
	return NULL;
}
