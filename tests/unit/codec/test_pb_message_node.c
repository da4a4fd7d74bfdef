#include "test.h"

#include "proto/weft.pb.h"

struct fixture {
	struct pool pool;
	struct diag d;
	struct pb_report report;
	struct buf out;
	struct pb_message *m;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .pool = POOL_INIT(0) };
}

static void fixture_fini(struct fixture *f)
{
	pool_fini(&f->pool);
	diag_fini(&f->d);
	buf_fini(&f->out);
}

/* YAML, since that is what people write. */
static int read(struct fixture *f, const struct pb_desc *desc, const char *yaml)
{
	struct node_documents documents;
	int error = yaml_parse(str_from(yaml), NULL, &f->pool, &documents, &f->d);

	assert_int_equal(error, 0);
	assert_int_equal(documents.count, 1);
	return pb_from_node(desc, documents.items[0], &f->pool, &f->m, &f->report, &f->d);
}

static void assert_json(struct fixture *f, const char *json)
{
	buf_clear(&f->out);
	json_write(pb_to_node(f->m, &f->pool), &f->out);
	assert_str_equal(buf_str(&f->out), json);
}

/* The whole message: "LINE:COLUMN: PATH: TEXT (HINT)". */
static void assert_refused(const struct pb_desc *desc, const char *yaml, const char *text)
{
	struct fixture f;

	fixture_init(&f);
	assert_true(read(&f, desc, yaml) < 0);
	diag_format(&f.d, &f.out);
	assert_str_equal(buf_str(&f.out), text);
	fixture_fini(&f);
}

#define LUA "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"

TEST(both_names_of_a_field_are_read)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_Cluster,
			      "name: a\nconnectTimeout: 0.25s\nalt_stat_name: b\ntype: EDS\n"
			      "perConnectionBufferLimitBytes: 5\nmetadata: null\n"),
			 0);
	assert_json(&f, "{\"name\":\"a\",\"type\":\"EDS\",\"connect_timeout\":\"0.25s\","
			"\"per_connection_buffer_limit_bytes\":5,\"alt_stat_name\":\"b\"}");
	fixture_fini(&f);
}

TEST(an_unknown_name_is_an_error_with_its_place_and_the_nearest_name)
{
	assert_refused(&pb_Bootstrap, "static_resources:\n  clusters:\n  - nam: a\n",
		       "3:5: static_resources.clusters[0].nam: unknown name \"nam\" "
		       "(did you mean \"name\"?)");
	assert_refused(&pb_Cluster, "name: a\nconnectTimout: 1s\n",
		       "2:1: connectTimout: unknown name \"connectTimout\" "
		       "(did you mean \"connectTimeout\"?)");
	assert_refused(&pb_Cluster, "name: a\nzzzzzzzz: 1s\n",
		       "2:1: zzzzzzzz: unknown name \"zzzzzzzz\"");
}

TEST(a_value_of_the_wrong_kind_is_an_error)
{
	assert_refused(&pb_Cluster, "name: 1\n",
		       "1:7: name: expected text, found number (write it in quotes)");
	assert_refused(&pb_Cluster, "name: [a]\n", "1:7: name: expected text, found list");
	assert_refused(&pb_Cluster, "health: 1\n", "1:1: health: unknown name \"health\"");
	assert_refused(&pb_Listener, "name: a\nfilter_chains: {}\n",
		       "2:16: filter_chains: expected a list, found mapping");
	assert_refused(&pb_Listener, "bind_to_port: 1\n",
		       "1:15: bind_to_port: expected true or false, found number");
	assert_refused(&pb_SocketAddress, "address: a\nport_value: 1.5\n",
		       "2:13: port_value: 1.5 is no whole number");
	assert_refused(&pb_SocketAddress, "address: a\nport_value: -1\n",
		       "2:13: port_value: -1 is out of range");
	assert_refused(&pb_SocketAddress, "address: a\nport_value: 65536\n",
		       "2:13: port_value: is more than 65535");
	assert_refused(
		&pb_Cluster, "name: a\nconnect_timeout: 250ms\n",
		"2:18: connect_timeout: \"250ms\" is no duration: write seconds, as \"1.5s\"");
	assert_refused(&pb_DataSource, "inline_bytes: '*'\n", "1:15: inline_bytes: is no base64");
	assert_refused(&pb_Listener, "[]\n", "1:1: expected a mapping, found list");
}

TEST(enums_are_read_by_name_and_by_number)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_Cluster, "name: a\nlb_policy: 1\n"), 0);
	assert_int_equal(pb_number(f.m, PB_Cluster_lb_policy), PB_Cluster_LbPolicy_LEAST_REQUEST);
	fixture_fini(&f);
	assert_refused(&pb_Cluster, "lb_policy: least_request\n",
		       "1:12: lb_policy: \"least_request\" is no value of "
		       "envoy.config.cluster.v3.Cluster.LbPolicy (did you mean "
		       "\"LEAST_REQUEST\"?)");
	assert_refused(&pb_Cluster, "type: STRICT_DNS\n",
		       "1:7: type: STRICT_DNS is not supported by this version");
}

TEST(what_is_missing_is_said_at_its_message)
{
	assert_refused(&pb_Listener, "name: a\naddress:\n  socket_address:\n    port_value: 1\n",
		       "4:5: address.socket_address.address: is missing");
	assert_refused(&pb_Listener, "name: a\naddress: {}\n",
		       "2:10: address: needs one of its address");
}

TEST(two_members_of_a_oneof_exclude_each_other)
{
	assert_refused(&pb_DataSource, "filename: a\ninline_string: b\n",
		       "2:1: inline_string: stands beside filename, which excludes it");
	assert_refused(&pb_DataSource, "inline_string: a\ninlineString: b\n",
		       "2:1: inlineString: stands twice, as inline_string and as inlineString");
}

TEST(an_unsupported_field_goes_by_its_class)
{
	struct fixture f;

	assert_refused(&pb_Listener, "name: a\nuse_original_dst: true\n",
		       "2:1: use_original_dst: is not supported by this version");
	fixture_init(&f);
	assert_int_equal(
		read(&f, &pb_Cluster,
		     "name: a\nhealth_checks: [{timeout: 1s}]\ntrack_timeout_budgets: true\n"
		     "filters: []\nconnection_pool_per_downstream_connection: false\n"),
		0);
	assert_int_equal(f.report.warnings, 1);
	assert_int_equal(f.report.ignored, 1);
	assert_string_equal(f.report.first_warning,
			    "health_checks: is not supported by this version");
	fixture_fini(&f);
}

TEST(an_any_is_encoded_and_opens_with_its_places)
{
	struct fixture f;
	struct pb_message *router;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_HttpFilter,
			      "name: r\ntyped_config:\n"
			      "  '@type': "
			      "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n"
			      "  suppress_envoy_headers: true\n"),
			 0);

	struct pb_message *any = pb_sub(f.m, PB_HttpFilter_typed_config);

	assert_str_equal(pb_text(any, PB_Any_value), "\x20\x01");
	assert_int_equal(pb_open_any(any, &f.pool, &router, NULL, NULL), 0);
	assert_int_equal(pb_fail(&f.d, router, ERR_CONFIG, "wrong"), ERR_CONFIG);
	diag_format(&f.d, &f.out);
	assert_str_equal(buf_str(&f.out), "3:3: typed_config: wrong");
	assert_json(&f, "{\"name\":\"r\",\"typed_config\":{\"@type\":\"type.googleapis.com/"
			"envoy.extensions.filters.http.router.v3.Router\","
			"\"suppress_envoy_headers\":true}}");
	fixture_fini(&f);
	assert_refused(
		&pb_HttpFilter,
		"name: r\ntyped_config:\n"
		"  '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n"
		"  supress_envoy_headers: true\n",
		"4:3: typed_config.supress_envoy_headers: unknown name \"supress_envoy_headers\" "
		"(did you mean \"suppress_envoy_headers\"?)");
}

TEST(an_any_needs_a_type_of_the_right_form)
{
	assert_refused(&pb_HttpFilter, "name: r\ntyped_config: {a: 1}\n",
		       "2:15: typed_config: needs \"@type\"");
	assert_refused(&pb_HttpFilter, "name: r\ntyped_config: {'@type': Router}\n",
		       "2:25: typed_config.@type: expected a type as \"type.googleapis.com/NAME\"");
	assert_refused(&pb_HttpFilter, "name: r\ntyped_config: 1\n",
		       "2:15: typed_config: expected a mapping with \"@type\", found number");
}

TEST(an_any_of_unknown_type_is_kept_by_name_until_it_is_opened)
{
	struct fixture f;
	struct pb_message *content = NULL;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_HttpFilter,
			      "name: r\nis_optional: true\n"
			      "typed_config: {'@type': " LUA ", inline_code: x}\n"),
			 0);
	assert_int_equal(
		pb_open_any(pb_sub(f.m, PB_HttpFilter_typed_config), &f.pool, &content, NULL, &f.d),
		ERR_UNSUPPORTED);
	diag_format(&f.d, &f.out);
	assert_str_equal(buf_str(&f.out),
			 "3:15: typed_config: type \"" LUA "\" is not known to this version");
	fixture_fini(&f);
}

TEST(wellknown_types_in_an_any_stand_under_value)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_Any,
			      "{'@type': type.googleapis.com/google.protobuf.Duration, value: 2s}"),
			 0);
	assert_str_equal(pb_text(f.m, PB_Any_value), "\x08\x02");
	assert_json(&f, "{\"@type\":\"type.googleapis.com/google.protobuf.Duration\","
			"\"value\":\"2s\"}");
	fixture_fini(&f);
}

TEST(maps_are_objects_sorted_by_key)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(
		read(&f, &pb_Node, "metadata: {z: 1.5, a: [true, null, x], \"b.c\": {d: {}}}\n"),
		0);
	assert_json(&f, "{\"metadata\":{\"a\":[true,null,\"x\"],\"b.c\":{\"d\":{}},\"z\":1.5}}");
	fixture_fini(&f);
	assert_refused(&pb_Cluster,
		       "name: a\ntypedExtensionProtocolOptions:\n  e.x: {'@type': "
		       "type.googleapis.com/envoy.extensions.upstreams.http.v3."
		       "HttpProtocolOptions}\n",
		       "3:8: typed_extension_protocol_options[\"e.x\"]: needs one of its "
		       "upstream_protocol_options");
}

TEST(numbers_of_64_bits_are_texts_in_json)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(
		read(&f, &pb_IstioCertificateRequest, "csr: x\nvalidity_duration: '86400'\n"), 0);
	assert_json(&f, "{\"csr\":\"x\",\"validity_duration\":\"86400\"}");
	fixture_fini(&f);
}

TEST(secrets_are_redacted)
{
	struct fixture f;

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_Secret,
			      "name: s\ntls_certificate:\n"
			      "  certificate_chain: {inline_string: PUBLIC}\n"
			      "  private_key: {inline_bytes: U0VDUkVU}\n"),
			 0);
	assert_json(&f, "{\"name\":\"s\",\"tls_certificate\":{"
			"\"certificate_chain\":{\"inline_string\":\"PUBLIC\"},"
			"\"private_key\":{\"inline_bytes\":\"[redacted]\"}}}");
	fixture_fini(&f);
}

TEST(nodes_nest_only_so_deep)
{
	struct fixture f;
	struct buf yaml = BUF_INIT(0);

	fixture_init(&f);
	for (unsigned i = 0; i < 20; i++)
		buf_append_char(&yaml, '[');
	for (unsigned i = 0; i < 20; i++)
		buf_append_char(&yaml, ']');
	buf_append_char(&yaml, '\0');
	assert_int_equal(read(&f, &pb_ListValue, buf_str(&yaml).ptr), ERR_LIMIT);
	assert_string_equal(f.d.text, "nested deeper than 32 messages");
	buf_fini(&yaml);
	fixture_fini(&f);
}

static const char bootstrap[] =
	"{\"node\": {\"id\": \"n\", \"metadata\": {\"a\": [1, \"b\", null]}},"
	" \"static_resources\": {\"listeners\": [{\"name\": \"l\", \"address\": {"
	"\"socket_address\": {\"address\": \"::1\", \"port_value\": 80}},"
	" \"filter_chains\": [{\"filters\": [{\"name\": \"f\", \"typed_config\": {\"@type\":"
	" \"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\","
	" \"stat_prefix\": \"s\", \"cluster\": \"c\", \"idle_timeout\": \"1.5s\"}}]}]}]}}";

TEST(every_truncation_of_a_document_is_refused)
{
	for (size_t len = 0; len < sizeof(bootstrap); len++) {
		struct fixture f;
		struct node *root;
		int error;

		fixture_init(&f);
		error = json_parse(str_of(bootstrap, len), NULL, &f.pool, &root, &f.d);
		if (error == 0)
			error = pb_from_node(&pb_Bootstrap, root, &f.pool, &f.m, NULL, &f.d);
		assert_true((error == 0) == (len == sizeof(bootstrap) - 1));
		fixture_fini(&f);
	}
}

TEST(what_was_read_reads_again_from_its_own_json)
{
	struct fixture f;
	struct buf first = BUF_INIT(0), second = BUF_INIT(0);

	fixture_init(&f);
	assert_int_equal(read(&f, &pb_Bootstrap, bootstrap), 0);
	pb_encode(f.m, &first);
	json_write(pb_to_node(f.m, &f.pool), &f.out);
	buf_append_char(&f.out, '\0');
	assert_int_equal(read(&f, &pb_Bootstrap, buf_str(&f.out).ptr), 0);
	pb_encode(f.m, &second);
	assert_true(str_eq(buf_str(&first), buf_str(&second)));
	buf_fini(&first);
	buf_fini(&second);
	fixture_fini(&f);
}
