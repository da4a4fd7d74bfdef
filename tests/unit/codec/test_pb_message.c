#include "test.h"

#include "base/mem.h"
#include "base/pool.h"
#include "codec/pb_message_read.h"
#include "codec/pb_registry.h"
#include "proto/weft.pb.h"

struct fixture {
	struct pool pool;
	struct diag d;
	struct pb_report report;
	struct buf bytes;
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
	buf_fini(&f->bytes);
}

static void fixture_again(struct fixture *f)
{
	fixture_fini(f);
	fixture_init(f);
}

static int decode(struct fixture *f, const struct pb_desc *desc)
{
	return pb_decode(desc, buf_str(&f->bytes), &f->pool, &f->m, &f->report, &f->d);
}

/* The message is refused with this error at this path. */
static void assert_refused(struct fixture *f, const struct pb_desc *desc, int error,
			   const char *path, const char *text)
{
	assert_int_equal(decode(f, desc), error);
	assert_str_equal(str_from(f->d.path), path);
	assert_str_equal(str_from(f->d.text), text);
}

TEST(every_descriptor_is_found_by_its_name)
{
	for (size_t i = 0; i < pb_registry_count; i++) {
		struct str name = str_from(pb_registry[i]->name);

		assert_ptr_equal(pb_desc_by_name(name), pb_registry[i]);
	}
	assert_null(pb_desc_by_name(STR("envoy.config.listener.v3.Listene")));
	assert_null(pb_desc_by_name(STR("")));
	assert_ptr_equal(
		pb_desc_by_type_url(STR("type.googleapis.com/envoy.config.cluster.v3.Cluster")),
		&pb_Cluster);
	assert_null(pb_desc_by_type_url(STR("envoy.config.cluster.v3.Cluster")));
}

TEST(fields_of_every_descriptor_ascend_and_are_described)
{
	for (size_t i = 0; i < pb_registry_count; i++) {
		const struct pb_desc *desc = pb_registry[i];

		for (unsigned k = 0; k < desc->field_count; k++) {
			const struct pb_field_desc *field = &desc->fields[k];

			assert_true(k == 0 || desc->fields[k - 1].number < field->number);
			assert_true(field->unsupported || field->text);
			assert_true(field->type != PB_TYPE_MESSAGE || field->message);
			assert_true(field->type != PB_TYPE_ENUM || field->enumeration);
		}
	}
}

static void build_request(struct pb_message *m)
{
	struct pb_message *node = pb_add_message(m, PB_DeltaDiscoveryRequest_node);
	struct pb_message *entry;

	pb_set_text(node, PB_Node_id, STR("shop/reviews-1"));
	pb_set_text(m, PB_DeltaDiscoveryRequest_type_url, STR("t"));
	pb_add_text(m, PB_DeltaDiscoveryRequest_resource_names_subscribe, STR("a"));
	pb_add_text(m, PB_DeltaDiscoveryRequest_resource_names_subscribe, STR("b"));
	entry = pb_add_message(m, PB_DeltaDiscoveryRequest_initial_resource_versions);
	pb_set_text(entry, 0, STR("z"));
	pb_set_text(entry, 1, STR("1"));
	entry = pb_add_message(m, PB_DeltaDiscoveryRequest_initial_resource_versions);
	pb_set_text(entry, 0, STR("a"));
	pb_set_text(entry, 1, STR("2"));
}

TEST(what_was_encoded_decodes_the_same)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_DeltaDiscoveryRequest, &f.pool);
	build_request(f.m);
	pb_encode(f.m, &f.bytes);
	assert_int_equal(decode(&f, &pb_DeltaDiscoveryRequest), 0);
	assert_str_equal(pb_text(pb_sub(f.m, PB_DeltaDiscoveryRequest_node), PB_Node_id),
			 "shop/reviews-1");
	assert_int_equal(pb_count(f.m, PB_DeltaDiscoveryRequest_resource_names_subscribe), 2);
	assert_str_equal(pb_text_at(f.m, PB_DeltaDiscoveryRequest_resource_names_subscribe, 1),
			 "b");
	assert_str_equal(
		pb_text(pb_sub_at(f.m, PB_DeltaDiscoveryRequest_initial_resource_versions, 0), 0),
		"a");
	assert_str_equal(
		pb_text(pb_entry(f.m, PB_DeltaDiscoveryRequest_initial_resource_versions, STR("z")),
			1),
		"1");
	assert_false(pb_has(f.m, PB_DeltaDiscoveryRequest_error_detail));
	fixture_fini(&f);
}

TEST(every_truncation_of_a_message_is_shorter_or_refused)
{
	struct fixture f;
	struct buf again = BUF_INIT(0);

	fixture_init(&f);
	f.m = pb_new(&pb_DeltaDiscoveryRequest, &f.pool);
	build_request(f.m);
	pb_encode(f.m, &f.bytes);
	for (size_t len = 0; len < buf_len(&f.bytes); len++) {
		struct pool pool = POOL_INIT(0);
		char *copy = mem_alloc(len + 1);
		struct pb_message *m;

		memcpy(copy, buf_str(&f.bytes).ptr, len);
		if (pb_decode(&pb_DeltaDiscoveryRequest, str_of(copy, len), &pool, &m, NULL,
			      NULL) == 0) {
			buf_clear(&again);
			pb_encode(m, &again);
			assert_int_equal(buf_len(&again), len);
		}
		mem_free(copy);
		pool_fini(&pool);
	}
	buf_fini(&again);
	fixture_fini(&f);
}

TEST(defaults_are_left_out_but_not_in_a_oneof)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_SocketAddress, &f.pool);
	pb_set_text(f.m, PB_SocketAddress_address, STR("::1"));
	pb_set_number(f.m, PB_SocketAddress_protocol, 0);
	pb_set_number(f.m, PB_SocketAddress_port_value, 0);
	pb_encode(f.m, &f.bytes);
	assert_true(str_eq(buf_str(&f.bytes), STR("\x12\x03::1\x18\x00")));
	assert_int_equal(decode(&f, &pb_SocketAddress), 0);
	assert_true(pb_has(f.m, PB_SocketAddress_port_value));
	assert_false(pb_has(f.m, PB_SocketAddress_protocol));
	assert_int_equal(pb_which(f.m, "port_specifier"), PB_SocketAddress_port_value);
	fixture_fini(&f);
}

TEST(unknown_numbers_go_by_the_class_of_the_message)
{
	struct fixture f;

	fixture_init(&f);
	pb_write_varint(&f.bytes, 1000, 1);
	assert_refused(&f, &pb_StringMatcher, ERR_UNSUPPORTED, "",
		       "field number 1000 is unknown to this version");
	fixture_again(&f);
	pb_write_varint(&f.bytes, 1000, 1);
	assert_int_equal(decode(&f, &pb_Node), 0);
	assert_int_equal(f.report.ignored, 1);
	fixture_again(&f);
	pb_write_varint(&f.bytes, 1000, 1);
	assert_int_equal(decode(&f, &pb_Cluster_LeastRequestLbConfig), 0);
	assert_int_equal(f.report.warnings, 1);
	assert_str_equal(str_from(f.report.first_warning),
			 "field number 1000 is unknown to this version");
	fixture_fini(&f);
}

/* What decoding enforces */

static void write_text(struct buf *out, uint32_t number, const char *text)
{
	pb_write_bytes(out, number, str_from(text));
}

TEST(a_closed_message_takes_no_field_twice)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 1, "a");
	write_text(&f.bytes, 1, "a");
	assert_refused(&f, &pb_StringMatcher, ERR_PROTO, "exact", "stands twice");
	fixture_again(&f);
	write_text(&f.bytes, 1, "a");
	write_text(&f.bytes, 2, "b");
	assert_refused(&f, &pb_StringMatcher, ERR_PROTO, "prefix",
		       "stands beside exact, which excludes it");
	fixture_again(&f);
	pb_write_bool(&f.bytes, 6, false);
	pb_write_bool(&f.bytes, 6, true);
	write_text(&f.bytes, 1, "a");
	assert_refused(&f, &pb_StringMatcher, ERR_PROTO, "ignore_case", "stands twice");
	fixture_fini(&f);
}

TEST(a_field_of_class_closed_is_not_taken_twice_in_an_open_message)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 24, "");
	write_text(&f.bytes, 24, "");
	assert_refused(&f, &pb_Cluster, ERR_PROTO, "transport_socket", "stands twice");
	fixture_fini(&f);
}

TEST(elsewhere_the_last_scalar_wins_and_messages_merge)
{
	struct fixture f;
	size_t mark;

	fixture_init(&f);
	write_text(&f.bytes, 1, "first");
	write_text(&f.bytes, 1, "second");
	for (unsigned i = 1; i <= 2; i++) {
		mark = pb_begin(&f.bytes, 4);
		write_text(&f.bytes, i, i == 1 ? "region" : "zone");
		pb_finish(&f.bytes, mark);
	}
	assert_int_equal(decode(&f, &pb_Node), 0);
	assert_str_equal(pb_text(f.m, PB_Node_id), "second");
	assert_str_equal(pb_text(pb_sub(f.m, PB_Node_locality), PB_Locality_region), "region");
	assert_str_equal(pb_text(pb_sub(f.m, PB_Node_locality), PB_Locality_zone), "zone");
	fixture_fini(&f);
}

TEST(the_last_member_of_an_open_oneof_wins)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 3, "text");
	pb_write_bool(&f.bytes, 4, true);
	assert_int_equal(decode(&f, &pb_Value), 0);
	assert_int_equal(pb_which(f.m, "kind"), PB_Value_bool_value);
	assert_false(pb_has(f.m, PB_Value_string_value));
	assert_true(pb_bool(f.m, PB_Value_bool_value));
	fixture_fini(&f);
}

TEST(of_map_entries_with_one_key_the_last_stays)
{
	struct fixture f;

	fixture_init(&f);
	for (unsigned i = 0; i < 3; i++) {
		size_t mark = pb_begin(&f.bytes, 5);

		write_text(&f.bytes, 1, i == 1 ? "a" : "b");
		write_text(&f.bytes, 2, i == 0 ? "old" : "new");
		pb_finish(&f.bytes, mark);
	}
	assert_int_equal(decode(&f, &pb_DeltaDiscoveryRequest), 0);
	assert_int_equal(pb_count(f.m, PB_DeltaDiscoveryRequest_initial_resource_versions), 2);
	assert_str_equal(
		pb_text(pb_entry(f.m, PB_DeltaDiscoveryRequest_initial_resource_versions, STR("b")),
			1),
		"new");
	fixture_fini(&f);
}

TEST(a_map_entry_may_leave_out_key_and_value)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 1, "");
	assert_int_equal(decode(&f, &pb_Struct), 0);
	assert_non_null(pb_entry(f.m, PB_Struct_fields, STR("")));
	assert_non_null(pb_sub(pb_entry(f.m, PB_Struct_fields, STR("")), 1));
	fixture_fini(&f);
}

TEST(what_is_required_is_missed)
{
	struct fixture f;
	size_t mark;

	fixture_init(&f);
	assert_refused(&f, &pb_SocketAddress, ERR_CONFIG, "address", "is missing");
	fixture_again(&f);
	mark = pb_begin(&f.bytes, 3);
	pb_finish(&f.bytes, pb_begin(&f.bytes, 3));
	pb_finish(&f.bytes, mark);
	assert_refused(&f, &pb_Listener, ERR_CONFIG, "filter_chains[0].filters[0].name",
		       "is missing");
	fixture_again(&f);
	write_text(&f.bytes, 2, "::1");
	assert_refused(&f, &pb_SocketAddress, ERR_CONFIG, "", "needs one of its port_specifier");
	fixture_fini(&f);
}

TEST(unsupported_fields_go_by_their_class)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 4, "suffix");
	assert_refused(&f, &pb_FilterChainMatch, ERR_UNSUPPORTED, "address_suffix",
		       "is not supported by this version");
	fixture_again(&f);
	write_text(&f.bytes, 4, "");
	assert_int_equal(decode(&f, &pb_FilterChainMatch), 0);
	fixture_again(&f);
	pb_write_bool(&f.bytes, 16, true);
	assert_int_equal(decode(&f, &pb_Bootstrap), 0);
	assert_int_equal(f.report.ignored, 1);
	fixture_again(&f);
	write_text(&f.bytes, 1, "c");
	write_text(&f.bytes, 8, "");
	assert_int_equal(decode(&f, &pb_Cluster), 0);
	assert_str_equal(str_from(f.report.first_warning),
			 "health_checks: is not supported by this version");
	assert_false(pb_has(f.m, PB_Cluster_health_checks));
	fixture_fini(&f);
}

TEST(enum_values_unknown_or_unsupported_go_by_the_class_of_the_field)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 1, "c");
	pb_write_varint(&f.bytes, 2, PB_Cluster_DiscoveryType_STRICT_DNS);
	assert_refused(&f, &pb_Cluster, ERR_UNSUPPORTED, "type",
		       "STRICT_DNS is not supported by this version");
	fixture_again(&f);
	write_text(&f.bytes, 1, "c");
	pb_write_varint(&f.bytes, 6, 99);
	assert_refused(&f, &pb_Cluster, ERR_UNSUPPORTED, "lb_policy",
		       "99 is no value of envoy.config.cluster.v3.Cluster.LbPolicy");
	fixture_again(&f);
	pb_write_varint(&f.bytes, 2, 7);
	assert_int_equal(decode(&f, &pb_Sum), 0);
	assert_int_equal(f.report.ignored, 1);
	assert_false(pb_has(f.m, PB_Sum_aggregation_temporality));
	fixture_fini(&f);
}

TEST(numbers_that_do_not_fit_are_refused)
{
	struct fixture f;

	fixture_init(&f);
	pb_write_varint(&f.bytes, 3, UINT64_C(1) << 32);
	assert_refused(&f, &pb_SocketAddress, ERR_PROTO, "port_value", "is out of range");
	fixture_again(&f);
	pb_write_varint(&f.bytes, 3, 65536);
	assert_refused(&f, &pb_SocketAddress, ERR_CONFIG, "port_value", "is more than 65535");
	fixture_again(&f);
	pb_write_fixed32(&f.bytes, 3, 1);
	assert_refused(&f, &pb_SocketAddress, ERR_PROTO, "port_value", "has wire type 5");
	fixture_again(&f);
	pb_write_varint(&f.bytes, 1, 2);
	assert_refused(&f, &pb_BoolValue, ERR_PROTO, "value", "is out of range");
	fixture_fini(&f);
}

TEST(wrapped_numbers_keep_the_maximum_of_their_field)
{
	struct fixture f;
	size_t mark;

	fixture_init(&f);
	mark = pb_begin(&f.bytes, 8);
	pb_write_varint(&f.bytes, 1, 65536);
	pb_finish(&f.bytes, mark);
	assert_refused(&f, &pb_FilterChainMatch, ERR_CONFIG, "destination_port",
		       "is more than 65535");
	fixture_fini(&f);
}

TEST(durations_out_of_range_are_refused)
{
	static const int64_t seconds[] = { 315576000001, -315576000001, 1, -1, 0 };
	static const int64_t nanos[] = { 0, 0, -1, 1, 1000000000 };
	struct fixture f;

	for (unsigned i = 0; i < 5; i++) {
		fixture_init(&f);
		pb_write_varint(&f.bytes, 1, (uint64_t)seconds[i]);
		pb_write_varint(&f.bytes, 2, (uint64_t)nanos[i]);
		assert_refused(&f, &pb_Duration, ERR_CONFIG, "",
			       "is out of the range of a duration");
		fixture_fini(&f);
	}
}

TEST(texts_are_utf8_without_nul_and_not_too_long)
{
	struct fixture f;

	fixture_init(&f);
	write_text(&f.bytes, 1, "\xff");
	assert_refused(&f, &pb_Cluster, ERR_PROTO, "name", "is not UTF-8");
	fixture_again(&f);
	pb_write_bytes(&f.bytes, 1, STR("a\0b"));
	assert_refused(&f, &pb_Cluster, ERR_PROTO, "name", "holds a NUL");
	fixture_again(&f);

	char *text = mem_zalloc(4098);

	memset(text, 'a', 4097);
	write_text(&f.bytes, 1, text);
	assert_refused(&f, &pb_Cluster, ERR_LIMIT, "name", "longer than 4096 bytes");
	mem_free(text);
	fixture_fini(&f);
}

TEST(lists_have_a_limit)
{
	struct fixture f;

	fixture_init(&f);
	for (unsigned i = 0; i < 2; i++)
		write_text(&f.bytes, 2, "");
	assert_refused(&f, &pb_CommonTlsContext, ERR_LIMIT, "tls_certificates",
		       "more than 1 entries");
	fixture_again(&f);
	for (unsigned i = 0; i <= 100000; i++)
		write_text(&f.bytes, 3, "");
	assert_refused(&f, &pb_DeltaDiscoveryRequest, ERR_LIMIT, "resource_names_subscribe",
		       "more than 100000 entries");
	fixture_again(&f);

	size_t mark = pb_begin(&f.bytes, 7);

	for (unsigned i = 0; i <= 1000; i++)
		pb_append_varint(&f.bytes, 500);
	pb_finish(&f.bytes, mark);
	assert_refused(&f, &pb_RetryPolicy, ERR_LIMIT, "retriable_status_codes",
		       "more than 1000 entries");
	fixture_fini(&f);
}

TEST(messages_nest_only_so_deep)
{
	struct fixture f;
	struct buf inner = BUF_INIT(0);

	fixture_init(&f);
	for (unsigned depth = 1; depth <= 33; depth++) {
		struct buf outer = BUF_INIT(0);
		int expected = depth <= 16 ? 0 : ERR_LIMIT;

		/* A list in a value: two messages a level. */
		assert_int_equal(
			pb_decode(&pb_ListValue, buf_str(&inner), &f.pool, &f.m, NULL, NULL),
			expected);

		size_t value = pb_begin(&outer, 1);
		size_t list = pb_begin(&outer, 6);

		buf_append_str(&outer, buf_str(&inner));
		pb_finish(&outer, list);
		pb_finish(&outer, value);
		buf_fini(&inner);
		inner = outer;
	}
	buf_fini(&inner);
	fixture_fini(&f);
}

TEST(the_tree_of_a_message_has_a_limit_of_memory)
{
	struct fixture f;

	fixture_init(&f);

	struct pb_reader r = pb_reader_of(&f.pool, NULL, &f.d);
	struct pb_message *m = pb_new(&pb_Listener, &f.pool);
	const struct pb_place place = { .m = m };

	assert_int_equal(pb_reader_room(&r, &place, m, PB_Listener_filter_chains), 0);
	r.pool_bytes_before = f.pool.used_bytes - PB_MEMORY_MAX - 1;
	assert_int_equal(pb_reader_room(&r, &place, m, PB_Listener_filter_chains), ERR_LIMIT);
	fixture_fini(&f);
}

TEST(packed_and_unpacked_numbers_are_read_alike)
{
	struct fixture f;
	size_t mark;

	fixture_init(&f);
	pb_write_varint(&f.bytes, 7, 500);
	mark = pb_begin(&f.bytes, 7);
	pb_append_varint(&f.bytes, 502);
	pb_append_varint(&f.bytes, 503);
	pb_finish(&f.bytes, mark);
	assert_int_equal(decode(&f, &pb_RetryPolicy), 0);
	assert_int_equal(pb_count(f.m, PB_RetryPolicy_retriable_status_codes), 3);
	assert_int_equal(pb_number_at(f.m, PB_RetryPolicy_retriable_status_codes, 2), 503);
	fixture_again(&f);
	pb_write_bytes(&f.bytes, 7, STR("\x80"));
	assert_refused(&f, &pb_RetryPolicy, ERR_PROTO, "retriable_status_codes",
		       "ends within a number");
	fixture_fini(&f);
}

TEST(optional_numbers_are_written_even_when_zero)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_HistogramDataPoint, &f.pool);
	pb_set_real(f.m, PB_HistogramDataPoint_sum, 0);
	pb_add_number(f.m, PB_HistogramDataPoint_bucket_counts, 0);
	pb_add_real(f.m, PB_HistogramDataPoint_explicit_bounds, 0.5);
	pb_encode(f.m, &f.bytes);
	assert_int_equal(decode(&f, &pb_HistogramDataPoint), 0);
	assert_true(pb_has(f.m, PB_HistogramDataPoint_sum));
	assert_false(pb_has(f.m, PB_HistogramDataPoint_min));
	assert_int_equal(pb_count(f.m, PB_HistogramDataPoint_bucket_counts), 1);
	assert_true(pb_real_at(f.m, PB_HistogramDataPoint_explicit_bounds, 0) == 0.5);
	fixture_fini(&f);
}

/* Accessors */

TEST(absent_and_null_read_as_what_absent_means)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_Cluster, &f.pool);
	for (const struct pb_message *m = f.m;; m = NULL) {
		assert_false(pb_has(m, PB_Cluster_name));
		assert_str_equal(pb_text(m, PB_Cluster_name), "");
		assert_int_equal(pb_number(m, PB_Cluster_lb_policy), 0);
		assert_null(pb_sub(m, PB_Cluster_metadata));
		assert_int_equal(pb_count(m, PB_Cluster_health_checks), 0);
		assert_int_equal(pb_which(m, "lb_config"), -1);
		assert_int_equal(pb_wrapped(m, PB_Cluster_per_connection_buffer_limit_bytes, 7), 7);
		assert_int_equal(pb_duration(m, PB_Cluster_connect_timeout, DURATION_SECONDS(5)).ns,
				 5000000000);
		if (!m)
			break;
	}
	fixture_fini(&f);
}

TEST(wrappers_and_durations_come_back)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_Listener, &f.pool);
	pb_set_wrapped(f.m, PB_Listener_per_connection_buffer_limit_bytes, 0);
	pb_set_wrapped_bool(f.m, PB_Listener_bind_to_port, false);
	pb_set_duration(f.m, PB_Listener_listener_filters_timeout, DURATION_MS(-1500));
	pb_encode(f.m, &f.bytes);
	assert_int_equal(decode(&f, &pb_Listener), 0);
	assert_int_equal(pb_wrapped(f.m, PB_Listener_per_connection_buffer_limit_bytes, 7), 0);
	assert_false(pb_wrapped_bool(f.m, PB_Listener_bind_to_port, true));
	assert_true(
		pb_duration(f.m, PB_Listener_listener_filters_timeout, DURATION_SECONDS(5)).ns ==
		-1500000000);
	fixture_fini(&f);
}

TEST(setting_a_member_of_a_oneof_clears_the_others)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_DataSource, &f.pool);
	pb_set_text(f.m, PB_DataSource_filename, STR("a"));
	pb_set_text(f.m, PB_DataSource_inline_string, STR("b"));
	assert_int_equal(pb_which(f.m, "specifier"), PB_DataSource_inline_string);
	assert_false(pb_has(f.m, PB_DataSource_filename));
	fixture_fini(&f);
}

TEST(enum_names_are_known)
{
	struct fixture f;

	fixture_init(&f);
	f.m = pb_new(&pb_Cluster, &f.pool);
	pb_set_number(f.m, PB_Cluster_lb_policy, PB_Cluster_LbPolicy_LEAST_REQUEST);
	assert_string_equal(pb_enum_name(f.m, PB_Cluster_lb_policy), "LEAST_REQUEST");
	pb_set_number(f.m, PB_Cluster_lb_policy, 99);
	assert_null(pb_enum_name(f.m, PB_Cluster_lb_policy));
	fixture_fini(&f);
}

/* Any */

static struct pb_message *listener_with_router(struct fixture *f)
{
	struct pb_message *listener = pb_new(&pb_Listener, &f->pool);
	struct pb_message *chain = pb_add_message(listener, PB_Listener_filter_chains);
	struct pb_message *filter = pb_add_message(chain, PB_FilterChain_filters);
	struct pb_message *router = pb_new(&pb_Router, &f->pool);

	pb_set_text(filter, PB_Filter_name, STR("router"));
	pb_set_bool(router, PB_Router_suppress_envoy_headers, true);
	pb_set_any(filter, PB_Filter_typed_config, router);
	return listener;
}

static struct pb_message *typed_config(const struct pb_message *listener)
{
	struct pb_message *chain = pb_sub_at(listener, PB_Listener_filter_chains, 0);

	return pb_sub(pb_sub_at(chain, PB_FilterChain_filters, 0), PB_Filter_typed_config);
}

TEST(an_any_opens_as_what_it_is)
{
	struct fixture f;
	struct pb_message *router = NULL;

	fixture_init(&f);
	pb_encode(listener_with_router(&f), &f.bytes);
	assert_int_equal(decode(&f, &pb_Listener), 0);
	assert_str_equal(pb_text(typed_config(f.m), PB_Any_type_url),
			 "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router");
	assert_int_equal(pb_open_any(typed_config(f.m), &f.pool, &router, NULL, &f.d), 0);
	assert_ptr_equal(router->desc, &pb_Router);
	assert_true(pb_bool(router, PB_Router_suppress_envoy_headers));
	assert_int_equal(
		pb_fail_field(&f.d, router, PB_Router_suppress_envoy_headers, ERR_CONFIG, "wrong"),
		ERR_CONFIG);
	assert_string_equal(f.d.path,
			    "filter_chains[0].filters[0].typed_config.suppress_envoy_headers");
	assert_int_equal(pb_open_any(NULL, &f.pool, &router, NULL, NULL), 0);
	assert_null(router);
	fixture_fini(&f);
}

TEST(an_any_of_unknown_type_is_refused_by_name_when_opened)
{
	struct fixture f;
	struct pb_message *content = NULL;

	fixture_init(&f);
	f.m = pb_new(&pb_Any, &f.pool);
	pb_set_text(f.m, PB_Any_type_url, STR("type.googleapis.com/envoy.Lua"));
	assert_int_equal(pb_open_any(f.m, &f.pool, &content, NULL, &f.d), ERR_UNSUPPORTED);
	assert_string_equal(f.d.text,
			    "type \"type.googleapis.com/envoy.Lua\" is not known to this version");
	diag_fini(&f.d);
	pb_set_text(f.m, PB_Any_type_url,
		    STR("x/envoy.extensions.filters.listener.original_dst.v3.OriginalDst"));
	assert_int_equal(pb_open_any(f.m, &f.pool, &content, NULL, &f.d), ERR_UNSUPPORTED);
	assert_string_equal(f.d.text, "envoy.extensions.filters.listener.original_dst.v3."
				      "OriginalDst is not supported by this version");
	assert_null(content);
	fixture_fini(&f);
}
