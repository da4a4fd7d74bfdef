#include "control/certificates.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "identity/csr.h"
#include "net/socket_conn.h"
#include "net/tls.h"

#include "proto/weft.pb.h"

#define CALLER_TEXT_BYTES    320
#define VALIDITY_SECONDS_MAX (10LL * 365 * 24 * 3600) /* clamped below; keeps arithmetic safe */

static const struct {
	const char *name;
	enum grpc_status status;
} refusals[CERTIFICATES_REFUSAL_COUNT] = {
#define X(id, name, status) [id] = { name, status },
	CERTIFICATES_REFUSAL_MAP(X)
#undef X
};

const char *certificates_refusal_name(enum certificates_refusal r)
{
	assert(r < CERTIFICATES_REFUSAL_COUNT);
	return refusals[r].name;
}

/*
 * The caller
 */

static void read_unix_caller(const struct conn *conn, struct certificates_caller *caller)
{
	struct socket_peer peer;
	uint32_t count;

	if (socket_conn_peer(conn, &peer) < 0)
		return;
	caller->pid = peer.pid;
	caller->uid = peer.uid;
	caller->groups[caller->group_count++] = peer.gid;
	/* Of a caller with more groups than these, none but the first counts. */
	if (socket_peer_groups(socket_conn_fd(conn), caller->groups + 1,
			       CERTIFICATES_GROUPS_MAX - 1, &count) == 0)
		caller->group_count += count;
	caller->proof = CERTIFICATES_PROOF_UNIX;
}

void certificates_caller_of(const struct conn *conn, struct certificates_caller *ret_caller)
{
	*ret_caller = (struct certificates_caller){ .proof = CERTIFICATES_PROOF_NONE };
	if (!conn)
		return;
	if (!conn->tls) {
		read_unix_caller(conn, ret_caller);
	} else if (conn->tls->mutual && conn->tls->peer) {
		ret_caller->spiffe_id = certificate_spiffe_id(conn->tls->peer);
		ret_caller->proof = CERTIFICATES_PROOF_TLS;
	}
}

/* For the log: who asked, without spaces. */
static void describe_caller(const struct certificates_caller *caller, char *ret_text)
{
	switch (caller->proof) {
	case CERTIFICATES_PROOF_UNIX:
		snprintf(ret_text, CALLER_TEXT_BYTES, "uid=%u pid=%d", caller->uid, caller->pid);
		break;
	case CERTIFICATES_PROOF_TLS:
		snprintf(ret_text, CALLER_TEXT_BYTES, "caller=%s", log_quote(caller->spiffe_id));
		break;
	case CERTIFICATES_PROOF_NONE:
		snprintf(ret_text, CALLER_TEXT_BYTES, "caller=unknown");
		break;
	}
}

/*
 * One request on its way
 */

struct asking {
	struct certificates *certificates;
	struct grpc_call *call;
	struct pool pool;
	struct diag d;
	struct certificates_caller caller;
	struct str csr_pem;
	struct str wanted;
	struct duration validity;
	struct str id;
	enum certificates_refusal refusal;
};

static bool refuse(struct asking *a, enum certificates_refusal refusal)
{
	a->refusal = refusal;
	return false;
}

static bool refuse_because(struct asking *a, enum certificates_refusal refusal, const char *text)
{
	diag_fail(&a->d, ERR_DENIED, "%s", text);
	return refuse(a, refusal);
}

/*
 * Reading
 */

static bool read_impersonated(struct asking *a, const struct pb_message *value)
{
	if (!pb_has(value, PB_Value_string_value))
		return refuse_because(a, CERTIFICATES_MALFORMED,
				      "metadata.ImpersonatedIdentity must be a text");
	a->wanted = pb_text(value, PB_Value_string_value);
	return true;
}

/* Sent empty by clients that do not mean it. */
static bool read_signer(struct asking *a, const struct pb_message *value)
{
	if (pb_has(value, PB_Value_string_value) && pb_text(value, PB_Value_string_value).len == 0)
		return true;
	return refuse_because(a, CERTIFICATES_UNSUPPORTED,
			      "metadata.CertSigner is not supported: there is one authority");
}

static const struct {
	const char *name;
	bool (*read)(struct asking *a, const struct pb_message *value);
} metadata_fields[] = {
	{ "ImpersonatedIdentity", read_impersonated },
	{ "CertSigner", read_signer },
};

static bool read_field(struct asking *a, struct str name, const struct pb_message *value)
{
	for (size_t i = 0; i < array_count(metadata_fields); i++)
		if (str_eq(name, str_from(metadata_fields[i].name)))
			return metadata_fields[i].read(a, value);
	diag_fail(&a->d, ERR_DENIED, "metadata field %s is not known", log_quote(name));
	return refuse(a, CERTIFICATES_UNSUPPORTED);
}

static bool read_metadata(struct asking *a, const struct pb_message *metadata)
{
	for (uint32_t i = 0; i < pb_count(metadata, PB_Struct_fields); i++) {
		const struct pb_message *entry = pb_sub_at(metadata, PB_Struct_fields, i);

		if (!read_field(a, pb_text(entry, PB_Struct_FieldsEntry_key),
				pb_sub(entry, PB_Struct_FieldsEntry_value)))
			return false;
	}
	return true;
}

static bool read_validity(struct asking *a, int64_t seconds)
{
	if (seconds < 0)
		return refuse_because(a, CERTIFICATES_MALFORMED,
				      "validity_duration must not be negative");
	a->validity = DURATION_SECONDS(min_of(seconds, (int64_t)VALIDITY_SECONDS_MAX));
	return true;
}

static bool read_request(struct asking *a, struct str request)
{
	struct pb_message *m;

	if (pb_decode(&pb_IstioCertificateRequest, request, &a->pool, &m, NULL, &a->d) < 0)
		return refuse(a, CERTIFICATES_MALFORMED);
	a->csr_pem = pb_text(m, PB_IstioCertificateRequest_csr);
	return read_validity(a, pb_number(m, PB_IstioCertificateRequest_validity_duration)) &&
	       read_metadata(a, pb_sub(m, PB_IstioCertificateRequest_metadata));
}

/*
 * Answering
 */

static bool sign(struct asking *a, struct ca_certificate *ret_certificate)
{
	cleanup(key_freep) struct key *key = NULL;
	const struct certificates *c = a->certificates;
	struct ca_request request = {
		.spiffe_id = a->id,
		.validity = a->validity,
		.now = loop_wall_now(c->loop),
	};
	int r = csr_read(a->csr_pem, &key, &a->d);

	if (r < 0)
		return refuse(a,
			      r == ERR_UNSUPPORTED ? CERTIFICATES_BAD_KEY : CERTIFICATES_BAD_CSR);
	request.key = key;
	if (ca_sign(c->ca, &request, &a->pool, ret_certificate, &a->d) < 0)
		return refuse(a, CERTIFICATES_CANNOT_SIGN);
	return true;
}

static void answer(struct asking *a, const struct ca_certificate *certificate)
{
	struct pb_message *m = pb_new(&pb_IstioCertificateResponse, &a->pool);
	struct buf message = BUF_INIT(0);

	pb_add_text(m, PB_IstioCertificateResponse_cert_chain, certificate->leaf_pem);
	pb_add_text(m, PB_IstioCertificateResponse_cert_chain, certificate->issuing_pem);
	pb_add_text(m, PB_IstioCertificateResponse_cert_chain, certificate->root_pem);
	pb_encode(m, &message);
	grpc_reply(a->call, buf_str(&message));
	buf_fini(&message);
}

static void log_issued(const struct asking *a, const struct ca_certificate *certificate)
{
	char caller[CALLER_TEXT_BYTES];
	struct buf until = BUF_INIT(0);

	describe_caller(&a->caller, caller);
	wall_time_format(certificate->not_after, &until);
	log_info("certificate.issued", "spiffe_id=%.*s serial=%.*s not_after=%.*s %s",
		 STR_ARGS(a->id), STR_ARGS(certificate->serial), STR_ARGS(buf_str(&until)), caller);
	buf_fini(&until);
}

static void log_refused(const struct asking *a)
{
	char caller[CALLER_TEXT_BYTES];

	describe_caller(&a->caller, caller);
	log_warn("certificate.refused", "reason=%s wanted=%s %s text=%s", refusals[a->refusal].name,
		 log_quote(a->wanted), caller, log_quote(str_from(a->d.text)));
}

void certificates_serve(struct certificates *c, struct grpc_call *call, struct str request)
{
	struct asking a = { .certificates = c, .call = call, .pool = POOL_INIT(0) };
	struct ca_certificate certificate;

	certificates_caller_of(grpc_call_conn(call), &a.caller);
	if (read_request(&a, request) &&
	    certificates_decide(c, &a.caller, a.wanted, &a.id, &a.refusal, &a.d) &&
	    sign(&a, &certificate)) {
		counter_add(&c->counters.issued, 1);
		log_issued(&a, &certificate);
		answer(&a, &certificate);
	} else {
		counter_add(&c->counters.refused[a.refusal], 1);
		log_refused(&a);
		grpc_finish(call, refusals[a.refusal].status, str_from(a.d.text));
	}
	diag_fini(&a.d);
	pool_fini(&a.pool);
}
