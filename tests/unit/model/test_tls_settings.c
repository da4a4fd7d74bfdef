#include "fixture.h"

#include <errno.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "certs.h"
#include "model/cluster.h"
#include "model/listener.h"
#include "model/secret.h"
#include "yaml.h"

#define TLS_TYPE(name) TYPE("envoy.extensions.transport_sockets.tls.v3." name)
#define SERVER(context)                                                                 \
	"name: l\n" ADDRESS "filter_chains:\n- filters: [" TCP(                         \
		"cluster: a") "]\n"                                                     \
			      "  transport_socket: {name: t, typed_config: {" TLS_TYPE( \
				      "DownstreamTlsContext") ", " context "}}\n"
#define CLIENT(context)                                                  \
	"name: c\ntransport_socket: {name: t, typed_config: {" TLS_TYPE( \
		"UpstreamTlsContext") ", " context "}}\n"
#define OWN       "tls_certificate_sds_secret_configs: [{name: default}]"
#define URI(text) "match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: '" text "'}}]"

#define SERVER_AT "filter_chains[0].transport_socket.typed_config"
#define CLIENT_AT "transport_socket.typed_config"

static const struct tls_settings *server(struct part *p)
{
	return listener_of(p)->chains[0].tls;
}

static const struct tls_settings *client(struct part *p)
{
	return cluster_of(p)->tls;
}

TEST(a_server_without_settings_means_what_it_means_in_envoy)
{
	struct part *p = compiled(PART_LISTENER, SERVER("common_tls_context: {" OWN "}"));
	const struct tls_settings *t = server(p);

	assert_true(t->downstream);
	assert_int_equal(t->version_min, 0x0303);
	assert_int_equal(t->version_max, 0x0304);
	assert_int_equal(t->alpn_count, 0);
	assert_str_equal(t->certificate_secret, "default");
	assert_false(t->verify_peer);
	assert_false(t->require_client_certificate);
	assert_int_equal(t->san_count, 0);
	part_unref(p);
}

TEST(each_setting_of_a_server_is_taken_over)
{
	struct part *p = compiled(
		PART_LISTENER,
		SERVER("require_client_certificate: true, disable_stateless_session_resumption: "
		       "true, "
		       "common_tls_context: {" OWN ", alpn_protocols: [h2, http/1.1], tls_params: "
		       "{tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: "
		       "TLSv1_3}, combined_validation_context: {default_validation_context: "
		       "{match_typed_subject_alt_names: [{san_type: URI, matcher: {prefix: "
		       "'spiffe://weft.local/'}}, {san_type: DNS, matcher: {exact: A.example, "
		       "ignore_case: true}}, {san_type: IP_ADDRESS, matcher: {exact: 10.0.0.1}}]}, "
		       "validation_context_sds_secret_config: {name: ROOTCA}}}"));
	const struct tls_settings *t = server(p);

	assert_true(t->require_client_certificate);
	assert_true(t->verify_peer);
	assert_str_equal(t->trust_secret, "ROOTCA");
	assert_int_equal(t->version_min, 0x0304);
	assert_int_equal(t->version_max, 0x0304);
	assert_int_equal(t->alpn_count, 2);
	assert_str_equal(t->alpn[1], "http/1.1");
	assert_int_equal(t->san_count, 3);
	assert_int_equal(t->sans[0].type, SAN_URI);
	assert_int_equal(t->sans[0].text.kind, TEXT_MATCH_PREFIX);
	assert_int_equal(t->sans[1].type, SAN_DNS);
	assert_true(t->sans[1].text.ignore_case);
	assert_int_equal(t->sans[2].type, SAN_IP);
	part_unref(p);
}

TEST(each_setting_of_a_client_is_taken_over)
{
	struct part *p = compiled(PART_CLUSTER, CLIENT("sni: web.example, common_tls_context: {" OWN
						       ", tls_params: "
						       "{tls_maximum_protocol_version: TLSv1_2}, "
						       "validation_context_sds_secret_config: "
						       "{name: ROOTCA, sds_config: {ads: {}}}}"));
	const struct tls_settings *t = client(p);

	assert_false(t->downstream);
	assert_str_equal(t->sni, "web.example");
	assert_str_equal(t->certificate_secret, "default");
	assert_str_equal(t->trust_secret, "ROOTCA");
	assert_true(t->verify_peer);
	assert_int_equal(t->version_min, 0x0303);
	assert_int_equal(t->version_max, 0x0303);
	assert_int_equal(p->report.warnings, 0);
	part_unref(p);
}

/* Lines of PEM inside a YAML text. */
static char *yaml_text(const char *pem)
{
	struct buf out = BUF_INIT(0);

	json_write_text(str_from(pem), &out);
	return buf_take_text(&out);
}

static char *with_certificates(const char *format, const char *chain, const char *key,
			       const char *trust)
{
	char *a = yaml_text(chain), *b = yaml_text(key), *c = yaml_text(trust);
	struct buf out = BUF_INIT(0);
	struct str rest = str_from(format);

	while (rest.len > 0) {
		size_t at = str_find(rest, 0, '@');
		const char *text = NULL;

		buf_append_str(&out, str_slice(rest, 0, at));
		if (at + 1 < rest.len)
			text = rest.ptr[at + 1] == 'C'   ? a
			       : rest.ptr[at + 1] == 'K' ? b
			       : rest.ptr[at + 1] == 'T' ? c
							 : NULL;
		if (text)
			buf_append_str(&out, str_from(text));
		else if (at < rest.len)
			buf_append_char(&out, '@');
		rest = str_slice(rest, at + (text ? 2 : 1), rest.len);
	}
	mem_free(a);
	mem_free(b);
	mem_free(c);
	return buf_take_text(&out);
}

#define INLINE                                                                      \
	"tls_certificates: [{certificate_chain: {inline_string: @C}, private_key: " \
	"{inline_string: @K}}], validation_context: {trusted_ca: {inline_string: @T}}"

TEST(certificates_may_be_inline)
{
	struct test_cert *ca = test_ca_new("root"), *leaf = test_svid_new(ca, "spiffe://a/b");
	char *yaml = with_certificates(SERVER("common_tls_context: {" INLINE "}"), leaf->chain_pem,
				       leaf->key_pem, ca->pem);
	struct part *p = compiled(PART_LISTENER, yaml);

	assert_str_equal(server(p)->certificate_pem, leaf->chain_pem);
	assert_str_equal(server(p)->key_pem, leaf->key_pem);
	assert_str_equal(server(p)->trust_pem, ca->pem);
	assert_true(server(p)->verify_peer);
	part_unref(p);
	mem_free(yaml);
	test_cert_free(leaf);
	test_cert_free(ca);
}

TEST(a_key_must_belong_to_its_certificate)
{
	struct test_cert *ca = test_ca_new("root"), *a = test_svid_new(ca, "spiffe://a/b"),
			 *b = test_svid_new(ca, "spiffe://a/b");
	char *yaml = with_certificates(SERVER("common_tls_context: {" INLINE "}"), a->chain_pem,
				       b->key_pem, ca->pem);
	struct part *p = NULL;
	struct diag d = DIAG_INIT;
	struct pool pool;

	pool_init(&pool, 0);
	assert_int_equal(
		part_compile(PART_LISTENER, encoded(&pool, PART_LISTENER, yaml), STR_EMPTY, &p, &d),
		ERR_CONFIG);
	assert_string_equal(d.path, SERVER_AT ".common_tls_context");
	assert_non_null(strstr(d.text, "key"));
	diag_fini(&d);
	pool_fini(&pool);
	mem_free(yaml);
	test_cert_free(a);
	test_cert_free(b);
	test_cert_free(ca);
}

TEST(a_trust_anchor_must_be_one)
{
	char *yaml = with_certificates(
		SERVER("common_tls_context: {" OWN
		       ", validation_context: {trusted_ca: {inline_string: @T}}}"),
		"", "", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
	struct part *p = NULL;
	struct diag d = DIAG_INIT;
	struct pool pool;

	pool_init(&pool, 0);
	assert_int_equal(
		part_compile(PART_LISTENER, encoded(&pool, PART_LISTENER, yaml), STR_EMPTY, &p, &d),
		ERR_CONFIG);
	assert_string_equal(d.path, SERVER_AT ".common_tls_context");
	diag_fini(&d);
	pool_fini(&pool);
	mem_free(yaml);
}

TEST(certificates_may_lie_in_files)
{
	struct test_cert *ca = test_ca_new("root");
	char path[] = "/tmp/weft-test-XXXXXX", *yaml;
	int fd = mkstemp(path);
	struct part *p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, ca->pem, strlen(ca->pem)), strlen(ca->pem));
	close(fd);
	yaml = mem_printf(CLIENT("common_tls_context: {validation_context: {trusted_ca: {filename: "
				 "%s}}}"),
			  path);
	p = compiled(PART_CLUSTER, yaml);
	assert_str_equal(client(p)->trust_pem, ca->pem);
	part_unref(p);
	mem_free(yaml);

	/* An empty file is no way to switch verification off. */
	assert_int_equal(truncate(path, 0), 0);
	yaml = mem_printf(CLIENT("common_tls_context: {validation_context: {trusted_ca: {filename: "
				 "%s}}}"),
			  path);
	assert_refused(PART_CLUSTER, yaml,
		       CLIENT_AT ".common_tls_context.validation_context.trusted_ca: is empty");
	mem_free(yaml);
	unlink(path);
	test_cert_free(ca);
}

#define FROM_FILE(path) \
	CLIENT("common_tls_context: {validation_context: {trusted_ca: {filename: " path "}}}")
#define ANCHOR_AT CLIENT_AT ".common_tls_context.validation_context.trusted_ca: "

TEST(a_file_has_a_limit)
{
	char path[] = "/tmp/weft-test-XXXXXX", *yaml, *problem;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, TLS_PEM_BYTES_MAX + 1), 0);
	close(fd);
	yaml = mem_printf(FROM_FILE("%s"), path);
	problem = mem_printf(ANCHOR_AT "%s is longer than 1048576 bytes", path);
	assert_refused(PART_CLUSTER, yaml, problem);
	unlink(path);
	mem_free(problem);
	mem_free(yaml);
}

TEST(what_could_make_us_wait_is_not_read)
{
	assert_refused(PART_CLUSTER, FROM_FILE("/dev/zero"),
		       ANCHOR_AT "/dev/zero is not a regular file");
	assert_refused(PART_CLUSTER, FROM_FILE("/tmp"), ANCHOR_AT "/tmp is not a regular file");
}

#ifdef WEFT_FAULTS
TEST(a_file_that_cannot_be_read_to_its_end_is_refused)
{
	char path[] = "/tmp/weft-test-XXXXXX", *yaml, *problem;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	yaml = mem_printf(FROM_FILE("%s"), path);
	problem = mem_printf(ANCHOR_AT "cannot read %s: Input/output error", path);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fault_arm(nth, -EIO);
		assert_refused(PART_CLUSTER, yaml, problem);
		assert_true(fault_delivered());
	}
	fault_arm(0, 0);
	unlink(path);
	mem_free(problem);
	mem_free(yaml);
}
#endif

TEST(what_would_not_protect_is_refused)
{
	static const struct {
		enum part_kind kind;
		const char *yaml;
		const char *problem;
	} rows[] = {
		{ PART_LISTENER, SERVER("require_client_certificate: false"),
		  SERVER_AT ".common_tls_context: is missing" },
		{ PART_LISTENER, SERVER("common_tls_context: {}"),
		  SERVER_AT
		  ".common_tls_context.tls_certificates: a server needs a certificate: set "
		  "tls_certificates or tls_certificate_sds_secret_configs" },
		{ PART_LISTENER,
		  SERVER("require_client_certificate: true, common_tls_context: {" OWN "}"),
		  SERVER_AT
		  ".require_client_certificate: needs a validation context with trusted_ca: "
		  "without one any certificate would do" },
		{ PART_LISTENER,
		  SERVER("common_tls_context: {" OWN
			 ", validation_context: {" URI("spiffe://a/b") "}}"),
		  SERVER_AT
		  ".common_tls_context.validation_context.match_typed_subject_alt_names: "
		  "needs trusted_ca: a name in a certificate that nobody vouches for means "
		  "nothing" },
		{ PART_CLUSTER,
		  CLIENT("common_tls_context: {validation_context: {" URI("spiffe://a/b") "}}"),
		  CLIENT_AT
		  ".common_tls_context.validation_context.match_typed_subject_alt_names: "
		  "needs trusted_ca: a name in a certificate that nobody vouches for means "
		  "nothing" },
		{ PART_CLUSTER,
		  CLIENT("common_tls_context: {validation_context: {trusted_ca: {inline_string: "
			 "''}}}"),
		  CLIENT_AT ".common_tls_context.validation_context.trusted_ca: is empty" },
		{ PART_CLUSTER,
		  CLIENT("common_tls_context: {validation_context: {trusted_ca: {filename: "
			 "/nonexistent}}}"),
		  CLIENT_AT ".common_tls_context.validation_context.trusted_ca: cannot read "
			    "/nonexistent: No such file or directory" },
		{ PART_CLUSTER,
		  CLIENT("common_tls_context: {validation_context: {trust_chain_verification: "
			 "ACCEPT_UNTRUSTED}}"),
		  CLIENT_AT ".common_tls_context.validation_context.trust_chain_verification: "
			    "ACCEPT_UNTRUSTED is not supported by this version" },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_refused(rows[i].kind, rows[i].yaml, rows[i].problem);
}

// clang-format off
static const struct refusal context_refused[] = {
	{ CLIENT("common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_1}}"),
	  CLIENT_AT ".common_tls_context.tls_params.tls_minimum_protocol_version: TLSv1_1 is "
	  "not supported by this version" },
	{ CLIENT("common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_3, "
	  "tls_maximum_protocol_version: TLSv1_2}}"),
	  CLIENT_AT ".common_tls_context.tls_params.tls_maximum_protocol_version: is older "
	  "than tls_minimum_protocol_version" },
	{ CLIENT("common_tls_context: {tls_params: {cipher_suites: [x]}}"),
	  CLIENT_AT ".common_tls_context.tls_params.cipher_suites: is not supported by this "
	  "version" },
	{ CLIENT("common_tls_context: {alpn_protocols: ['']}"),
	  CLIENT_AT ".common_tls_context.alpn_protocols[0]: must have 1 to 255 bytes" },
	{ CLIENT("common_tls_context: {tls_certificates: [{private_key: {inline_string: x}}]}"),
	  CLIENT_AT ".common_tls_context.tls_certificates[0].certificate_chain: is missing" },
	{ CLIENT("common_tls_context: {tls_certificates: [{certificate_chain: {inline_string: "
	  "x}}]}"),
	  CLIENT_AT ".common_tls_context.tls_certificates[0].private_key: is missing" },
	{ CLIENT("common_tls_context: {tls_certificates: [{certificate_chain: {inline_string: "
	  "x}, private_key: {inline_string: x}}], " OWN "}"),
	  CLIENT_AT ".common_tls_context.tls_certificates: stands beside "
	  "tls_certificate_sds_secret_configs: only one of them may be set" },
	{ CLIENT("common_tls_context: {tls_certificates: [{}, {}]}"),
	  CLIENT_AT ".common_tls_context.tls_certificates[1]: more than 1 entries" },
	{ CLIENT("common_tls_context: {tls_certificate_sds_secret_configs: [{name: a, "
	  "sds_config: {path_config_source: {path: x}}}]}"),
	  CLIENT_AT ".common_tls_context.tls_certificate_sds_secret_configs[0].sds_config."
	  "path_config_source: is not supported by this version" },
	{ CLIENT("common_tls_context: {validation_context: {trusted_ca: {inline_string: x}, "
	  "match_typed_subject_alt_names: [{san_type: EMAIL, matcher: {exact: a}}]}}"),
	  CLIENT_AT ".common_tls_context.validation_context."
	  "match_typed_subject_alt_names[0].san_type: EMAIL is not supported yet" },
	{ CLIENT("common_tls_context: {validation_context: {trusted_ca: {inline_string: x}, "
	  "match_typed_subject_alt_names: [{san_type: URI, matcher: {safe_regex: {}}}]}}"),
	  CLIENT_AT ".common_tls_context.validation_context."
	  "match_typed_subject_alt_names[0].matcher.safe_regex: is not supported by this version" },
	{ CLIENT("common_tls_context: {validation_context: {crl: {inline_string: x}}}"),
	  CLIENT_AT ".common_tls_context.validation_context.crl: is not supported by this "
	  "version" },
	{ CLIENT("common_tls_context: {validation_context: {verify_certificate_hash: [x]}}"),
	  CLIENT_AT ".common_tls_context.validation_context.verify_certificate_hash: is not "
	  "supported by this version" },
	{ CLIENT("common_tls_context: {combined_validation_context: "
	  "{default_validation_context: {trusted_ca: {inline_string: x}}, "
	  "validation_context_sds_secret_config: {name: ROOTCA}}}"),
	  CLIENT_AT ".common_tls_context.combined_validation_context."
	  "default_validation_context.trusted_ca: stands beside a secret: merging the two "
	  "is not supported" },
	{ CLIENT("allow_renegotiation: true"),
	  CLIENT_AT ".allow_renegotiation: is not supported by this version" },
	{ CLIENT("common_tls_context: {key_log: {}}"),
	  CLIENT_AT ".common_tls_context.key_log: is not supported by this version" },
};
// clang-format on

TEST(what_no_tls_context_may_say_is_refused)
{
	assert_all_refused(PART_CLUSTER, context_refused);
}

/* Secrets */

TEST(a_secret_is_a_certificate_or_a_trust_anchor)
{
	struct test_cert *ca = test_ca_new("root"), *leaf = test_svid_new(ca, "spiffe://a/b");
	char *yaml =
		with_certificates("name: s\ntls_certificate: {certificate_chain: {inline_string: "
				  "@C}, private_key: {inline_string: @K}}\n",
				  leaf->chain_pem, leaf->key_pem, "");
	struct part *p = compiled(PART_SECRET, yaml);

	assert_str_equal(p->name, "s");
	assert_str_equal(secret_of(p)->certificate_pem, leaf->chain_pem);
	assert_str_equal(secret_of(p)->key_pem, leaf->key_pem);
	assert_int_equal(secret_of(p)->trust_pem.len, 0);
	part_unref(p);
	mem_free(yaml);

	yaml = with_certificates("name: s\nvalidation_context: {trusted_ca: {inline_string: @T}}\n",
				 "", "", ca->pem);
	p = compiled(PART_SECRET, yaml);
	assert_str_equal(secret_of(p)->trust_pem, ca->pem);
	part_unref(p);
	mem_free(yaml);
	test_cert_free(leaf);
	test_cert_free(ca);
}

// clang-format off
static const struct refusal secret_refused[] = {
	{ "name: s\n", "needs one of its type" },
	{ "name: s\nvalidation_context: {}\n",
	  "validation_context.trusted_ca: is missing" },
	{ "name: s\nvalidation_context: {trusted_ca: {inline_string: ''}}\n",
	  "validation_context.trusted_ca: is empty" },
	{ "name: s\nvalidation_context: {trusted_ca: {inline_string: x}, " URI("a:b") "}\n",
	  "validation_context.match_typed_subject_alt_names: is not supported in a secret: set "
	  "it in the TLS context" },
	{ "name: s\ntls_certificate: {certificate_chain: {inline_string: x}}\n",
	  "tls_certificate.private_key: is missing" },
	{ "name: s\ngeneric_secret: {secret: {inline_string: x}}\n",
	  "generic_secret: is not supported by this version" },
};
// clang-format on

TEST(what_no_secret_may_say_is_refused)
{
	assert_all_refused(PART_SECRET, secret_refused);
}
