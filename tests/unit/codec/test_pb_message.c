#include "test.h"

#include "base/mem.h"
#include "base/pool.h"
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
