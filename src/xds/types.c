#include "xds/types.h"

#define TYPE_URL(name) STR_INIT("type.googleapis.com/" name)

// clang-format off
const struct xds_type_info xds_types[XDS_TYPE_COUNT] = {
	[XDS_CLUSTER]   = { TYPE_URL("envoy.config.cluster.v3.Cluster"), "CDS", true },
	[XDS_ENDPOINTS] = { TYPE_URL("envoy.config.endpoint.v3.ClusterLoadAssignment"), "EDS", false },
	[XDS_LISTENER]  = { TYPE_URL("envoy.config.listener.v3.Listener"), "LDS", true },
	[XDS_ROUTES]    = { TYPE_URL("envoy.config.route.v3.RouteConfiguration"), "RDS", false },
	[XDS_SECRET]    = { TYPE_URL("envoy.extensions.transport_sockets.tls.v3.Secret"), "SDS", false },
};
// clang-format on

enum xds_type xds_type_of(struct str url)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		if (str_eq(xds_types[i].url, url))
			return (enum xds_type)i;
	return XDS_TYPE_COUNT;
}
