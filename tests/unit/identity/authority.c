#include "authority.h"

#include "base/mem.h"
#include "identity/csr.h"
#include "identity/openssl.h"

#include "proto/weft.pb.h"
#include "test.h"

struct test_cert *authority_leaf(struct authority *a, const char *id, void *key)
{
	int64_t now = loop_wall_now(a->world->loop).ns / 1000000000 - TEST_WALL_SECONDS;
	char *sans = mem_printf("URI:%s", id);
	struct test_cert *leaf = test_cert_new(&(struct test_cert_options){
		.issuer = a->root,
		.sans = sans,
		.key = key,
		.not_before_seconds = now - 60,
		.not_after_seconds = now + a->validity_seconds,
	});

	mem_free(sans);
	return leaf;
}

static void reply(struct grpc_call *call, const char *leaf, const char *anchor)
{
	struct pool pool = POOL_INIT(0);
	struct pb_message *m = pb_new(&pb_IstioCertificateResponse, &pool);
	struct buf message = BUF_INIT(0);

	pb_add_text(m, PB_IstioCertificateResponse_cert_chain, str_from(leaf));
	if (anchor)
		pb_add_text(m, PB_IstioCertificateResponse_cert_chain, str_from(anchor));
	pb_encode(m, &message);
	grpc_reply(call, buf_str(&message));
	buf_fini(&message);
	pool_fini(&pool);
}

static void grant(struct authority *a, struct grpc_call *call, struct str csr)
{
	struct key *key;
	struct test_cert *leaf;

	assert_int_equal(csr_read(csr, &key, NULL), 0);
	leaf = authority_leaf(a,
			      a->mood == AUTHORITY_NAMES_ANOTHER ? AUTHORITY_ID "2" : AUTHORITY_ID,
			      a->mood == AUTHORITY_SIGNS_ANOTHER ? NULL : key->pkey);
	reply(call, leaf->pem, a->mood == AUTHORITY_GIVES_LITTLE ? NULL : a->root->pem);
	test_cert_free(leaf);
	key_free(key);
}

static void note(struct authority *a, const struct pb_message *m)
{
	const struct pb_message *metadata = pb_sub(m, PB_IstioCertificateRequest_metadata);
	const struct pb_message *entry =
		pb_entry(metadata, PB_Struct_fields, STR("ImpersonatedIdentity"));

	a->requests++;
	mem_free(a->wanted);
	a->wanted = mem_strdup_str(
		pb_text(pb_sub(entry, PB_Struct_FieldsEntry_value), PB_Value_string_value));
	a->wanted_seconds = pb_number(m, PB_IstioCertificateRequest_validity_duration);
}

static void on_create(struct grpc_call *call, struct str request)
{
	struct authority *a = grpc_call_service_user(call);
	struct pool pool = POOL_INIT(0);
	struct pb_message *m;

	assert_int_equal(pb_decode(&pb_IstioCertificateRequest, request, &pool, &m, NULL, NULL), 0);
	note(a, m);
	switch (a->mood) {
	case AUTHORITY_REFUSES:
		grpc_finish(call, GRPC_PERMISSION_DENIED, STR("not you"));
		break;
	case AUTHORITY_TALKS_NONSENSE:
		grpc_reply(call, STR("\xff\xff"));
		break;
	case AUTHORITY_HANGS_UP:
		conn_close(grpc_call_conn(call));
		break;
	case AUTHORITY_IS_SILENT:
		break;
	default:
		grant(a, call, pb_text(m, PB_IstioCertificateRequest_csr));
	}
	pool_fini(&pool);
}

static const struct grpc_method methods[] = {
	{
		.path = STR_INIT("/istio.v1.auth.IstioCertificateService/CreateCertificate"),
		.on_unary = on_create,
	},
};

static void on_headers(struct stream *s, struct headers *h, bool end)
{
	struct authority *a = http_server_conn_user(http_server_conn_of(s));

	grpc_serve_take(&a->service, s, h, end);
}

static void on_stream_closed(unused_arg struct stream *s, unused_arg enum stream_reset reason)
{
}

static const struct stream_handler stream_handler = {
	.on_headers = on_headers,
	.on_closed = on_stream_closed,
};

static void on_stream(unused_arg struct http_server_conn *hc, struct stream *s)
{
	s->handler = &stream_handler;
}

static void on_closed(struct http_server_conn *hc)
{
	struct authority *a = http_server_conn_user(hc);

	if (a->open == hc)
		a->open = NULL;
}

static const struct http_server_handler server_handler = {
	.on_stream = on_stream,
	.on_closed = on_closed,
};

static const struct http_server_options server_options = { .codec = HTTP_CODEC_HTTP2 };

struct conn *authority_connect(struct authority *a)
{
	struct conn *near, *far;

	a->connections++;
	if (a->mood == AUTHORITY_IS_AWAY)
		return NULL;
	memory_conn_pair(a->world->loop, &a->world->chunks, &a->transport, &near, &far);
	a->open = http_server_conn_open_take(far, &server_options, &server_handler, a);
	return near;
}

void authority_init(struct authority *a, struct world *w)
{
	*a = (struct authority){
		.world = w,
		.root = test_ca_new("root"),
		.validity_seconds = 3600,
		.service = { methods, array_count(methods), a },
	};
}

void authority_fini(struct authority *a)
{
	if (a->open)
		http_server_conn_close(a->open);
	test_cert_free(a->root);
	mem_free(a->wanted);
}
