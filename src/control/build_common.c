#include "control/build.h"
#include "control/build_tls.h"

#include <assert.h>

#include "proto/weft.pb.h"

struct str build_port_name(struct pool *pool, struct str service, struct str name_space,
			   struct str trust_domain, uint16_t port)
{
	return pool_printf(pool, "%.*s.%.*s.svc.%.*s:%u", STR_ARGS(service), STR_ARGS(name_space),
			   STR_ARGS(trust_domain), port);
}

#define INBOUND "inbound/"

bool build_name_is_inbound(struct str name)
{
	return str_has_prefix(name, STR(INBOUND));
}

struct str build_inbound_name(struct pool *pool, struct str service, struct str name_space,
			      uint16_t port)
{
	return pool_printf(pool, INBOUND "%.*s/%.*s:%u", STR_ARGS(name_space), STR_ARGS(service),
			   port);
}

void build_facts(struct pb_message *owner, unsigned metadata_field, const struct build_fact *facts,
		 size_t count)
{
	struct pb_message *metadata = pb_add_message(owner, metadata_field);
	struct pb_message *entry = pb_add_message(metadata, PB_Metadata_filter_metadata);
	struct pb_message *fields;

	pb_set_text(entry, PB_Metadata_FilterMetadataEntry_key, STR("weft.dev"));
	fields = pb_add_message(entry, PB_Metadata_FilterMetadataEntry_value);
	for (size_t i = 0; i < count; i++) {
		struct pb_message *pair;

		if (!facts[i].value.len)
			continue;
		pair = pb_add_message(fields, PB_Struct_fields);
		pb_set_text(pair, PB_Struct_FieldsEntry_key, str_from(facts[i].name));
		pb_set_text(pb_add_message(pair, PB_Struct_FieldsEntry_value),
			    PB_Value_string_value, facts[i].value);
	}
}

void build_address(struct pb_message *address, struct str ip, uint16_t port)
{
	struct pb_message *socket = pb_add_message(address, PB_Address_socket_address);

	pb_set_text(socket, PB_SocketAddress_address, ip);
	pb_set_number(socket, PB_SocketAddress_port_value, port);
}

void build_ads_source(struct pb_message *config_source)
{
	pb_add_message(config_source, PB_ConfigSource_ads);
	pb_set_number(config_source, PB_ConfigSource_resource_api_version, PB_ApiVersion_V3);
}

/* The generated names of this message are longer than a line. */
#define COMBINED(field) PB_CommonTlsContext_CombinedCertificateValidationContext_##field

/* Certificate and trust by the names that src/identity serves; TLS 1.3 and nothing older. */
static void common_context(struct pb_message *common, const struct build_tls *tls)
{
	struct pb_message *params = pb_add_message(common, PB_CommonTlsContext_tls_params);
	struct pb_message *sds, *combined, *validation, *san, *matcher;

	pb_set_number(params, PB_TlsParameters_tls_minimum_protocol_version,
		      PB_TlsParameters_TlsProtocol_TLSv1_3);
	pb_set_number(params, PB_TlsParameters_tls_maximum_protocol_version,
		      PB_TlsParameters_TlsProtocol_TLSv1_3);
	sds = pb_add_message(common, PB_CommonTlsContext_tls_certificate_sds_secret_configs);
	pb_set_text(sds, PB_SdsSecretConfig_name, STR("default"));
	for (size_t i = 0; i < tls->alpn_count; i++)
		pb_add_text(common, PB_CommonTlsContext_alpn_protocols, tls->alpn[i]);

	combined = pb_add_message(common, PB_CommonTlsContext_combined_validation_context);
	validation = pb_add_message(combined, COMBINED(default_validation_context));
	for (uint32_t i = 0; i < tls->san_count; i++) {
		san = pb_add_message(validation,
				     PB_CertificateValidationContext_match_typed_subject_alt_names);
		pb_set_number(san, PB_SubjectAltNameMatcher_san_type,
			      PB_SubjectAltNameMatcher_SanType_URI);
		matcher = pb_add_message(san, PB_SubjectAltNameMatcher_matcher);
		pb_set_text(matcher,
			    tls->san_prefix ? PB_StringMatcher_prefix : PB_StringMatcher_exact,
			    tls->sans[i]);
	}
	sds = pb_add_message(combined, COMBINED(validation_context_sds_secret_config));
	pb_set_text(sds, PB_SdsSecretConfig_name, STR("ROOTCA"));
}

void build_upstream_tls(struct pb_message *transport_socket, const struct build_tls *tls)
{
	struct pb_message *context = pb_new(&pb_UpstreamTlsContext, transport_socket->pool);

	common_context(pb_add_message(context, PB_UpstreamTlsContext_common_tls_context), tls);
	pb_set_text(context, PB_UpstreamTlsContext_sni, tls->sni);
	pb_set_text(transport_socket, PB_TransportSocket_name, STR("envoy.transport_sockets.tls"));
	pb_set_any(transport_socket, PB_TransportSocket_typed_config, context);
}

void build_downstream_tls(struct pb_message *transport_socket, const struct build_tls *tls)
{
	struct pb_message *context = pb_new(&pb_DownstreamTlsContext, transport_socket->pool);

	common_context(pb_add_message(context, PB_DownstreamTlsContext_common_tls_context), tls);
	pb_set_wrapped_bool(context, PB_DownstreamTlsContext_require_client_certificate, true);
	pb_set_text(transport_socket, PB_TransportSocket_name, STR("envoy.transport_sockets.tls"));
	pb_set_any(transport_socket, PB_TransportSocket_typed_config, context);
}

static void set_file(struct pb_message *sds, struct str directory)
{
	struct pb_message *source = pb_add_message(sds, PB_SdsSecretConfig_sds_config);
	struct pb_message *file = pb_add_message(source, PB_ConfigSource_path_config_source);

	pb_set_text(file, PB_PathConfigSource_path,
		    pool_printf(sds->pool, "%.*s/%.*s.json", STR_ARGS(directory),
				STR_ARGS(pb_text(sds, PB_SdsSecretConfig_name))));
	pb_set_number(source, PB_ConfigSource_resource_api_version, PB_ApiVersion_V3);
}

void build_secret_files(struct pb_message *transport_socket, struct str directory)
{
	struct pb_message *context = NULL, *common, *combined;
	struct diag d = DIAG_INIT;
	int r = pb_open_any(pb_sub(transport_socket, PB_TransportSocket_typed_config),
			    transport_socket->pool, &context, NULL, &d);

	assert(r == 0 && context); /* it was built above */
	common = pb_sub(context, context->desc == &pb_UpstreamTlsContext
					 ? PB_UpstreamTlsContext_common_tls_context
					 : PB_DownstreamTlsContext_common_tls_context);
	set_file(pb_sub_at(common, PB_CommonTlsContext_tls_certificate_sds_secret_configs, 0),
		 directory);
	combined = pb_sub(common, PB_CommonTlsContext_combined_validation_context);
	set_file(pb_sub(combined, COMBINED(validation_context_sds_secret_config)), directory);
	transport_socket->slots[PB_TransportSocket_typed_config].count = 0;
	pb_set_any(transport_socket, PB_TransportSocket_typed_config, context);
}
