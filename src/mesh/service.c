#include "mesh/service.h"

#include "mesh/kinds.h"

#define PORTS_MAX     64
#define SELECTORS_MAX 64

static const struct choice transports[] = {
	{ "TCP" },
	{ "UDP", "only TCP is carried" },
	{ "SCTP", "only TCP is carried" },
	{ 0 },
};

static const struct choice types[] = {
	{ "ClusterIP" },
	{ "NodePort", "only ClusterIP, a service inside the mesh" },
	{ "LoadBalancer", "only ClusterIP, a service inside the mesh" },
	{ "ExternalName", "only ClusterIP, a service inside the mesh" },
	{ 0 },
};

static const struct choice affinities[] = {
	{ "None" },
	{ "ClientIP", "requests are balanced one by one" },
	{ 0 },
};

static const struct choice traffic_policies[] = {
	{ "Cluster" },
	{ "Local", "every endpoint is used" },
	{ 0 },
};

static const struct field port_fields[] = {
	FIELD(struct service_port, name, text, "name", .format = &format_port_name,
	      .text = "Name of the port; required where there are several. Up to the first hyphen "
		      "it declares the protocol, unless appProtocol does."),
	FIELD(struct service_port, port, count, "port", .required = true, .min = 1,
	      .max = UINT16_MAX, .text = "Port that clients call."),
	FIELD(struct service_port, target, port_target, "targetPort",
	      .text = "Port of the workload, by number or by its name there; the same where not "
		      "set."),
	FIELD(struct service_port, transport, text, "protocol", .choices = transports,
	      .default_text = "TCP", .text = "Transport."),
	FIELD(struct service_port, app_protocol, text, "appProtocol",
	      .format = &format_app_protocol,
	      .text = "What is spoken on the port: http, or tcp. Undeclared is tcp."),
	FIELD_UNSUPPORTED("nodePort", "only ClusterIP, a service inside the mesh"),
	{ 0 },
};

static int fail_protocol(struct reader *r, const struct node *n, int error, struct str word)
{
	int code;

	if (error == ERR_NOT_FOUND)
		code = reader_fail(r, n, CODE_UNSUPPORTED, "the protocol %.*s is not known",
				   STR_ARGS(word));
	else
		code = reader_fail(r, n, CODE_UNSUPPORTED,
				   "the protocol %.*s is not supported by this version",
				   STR_ARGS(word));
	diag_hint(r->diag, "write appProtocol: http, or appProtocol: tcp to pass it through");
	return code;
}

static int read_protocol(struct reader *r, struct service_port *p)
{
	struct str word = str_slice(p->name, 0, str_find(p->name, 0, '-'));
	int error;

	if (p->app_protocol.len) {
		error = port_protocol_of(p->app_protocol, &p->protocol);
		if (error < 0)
			return fail_protocol(r, node_get(p->node, STR("appProtocol")), error,
					     p->app_protocol);
		p->protocol_origin = PROTOCOL_BY_APP_PROTOCOL;
		return 0;
	}
	error = port_protocol_of(word, &p->protocol);
	if (error == ERR_UNSUPPORTED)
		return fail_protocol(r, node_get(p->node, STR("name")), error, word);
	if (error == 0)
		p->protocol_origin = PROTOCOL_BY_PORT_NAME;
	return 0;
}

static int port_check(struct reader *r, void *value)
{
	struct service_port *p = value;

	if (!p->target.number && !p->target.name.len)
		p->target.number = p->port;
	return read_protocol(r, p);
}

static const struct object port_object = {
	.size = sizeof(struct service_port),
	.fields = port_fields,
	.check = port_check,
};

static const struct field service_fields[] = {
	FIELD(struct service, selector, text_map, "selector", .format = &format_label_value,
	      .entries_max = SELECTORS_MAX,
	      .text = "Labels that a workload must have to serve; without any, nothing serves."),
	FIELD_OBJECTS(struct service, ports, port_count, port_object, "ports", .required = true,
		      .entries_max = PORTS_MAX, .key = "port", .unique = true,
		      .text = "Ports of the service."),
	FIELD(struct service, type, text, "type", .choices = types, .default_text = "ClusterIP",
	      .text = "ClusterIP: a service inside the mesh."),
	FIELD(struct service, session_affinity, text, "sessionAffinity", .choices = affinities,
	      .default_text = "None", .text = "None: requests are balanced one by one."),
	FIELD(struct service, traffic_policy, text, "internalTrafficPolicy",
	      .choices = traffic_policies, .default_text = "Cluster",
	      .text = "Cluster: every endpoint is used."),
	FIELD_UNSUPPORTED("clusterIP", "leave it out: the virtual address is allocated"),
	FIELD_UNSUPPORTED("clusterIPs", "leave it out: the virtual address is allocated"),
	FIELD_UNSUPPORTED("externalIPs", "only ClusterIP, a service inside the mesh"),
	FIELD_UNSUPPORTED("externalName", "only ClusterIP, a service inside the mesh"),
	FIELD_UNSUPPORTED("externalTrafficPolicy", "only ClusterIP, a service inside the mesh"),
	FIELD_UNSUPPORTED("ipFamilies", "leave it out: the virtual address is allocated"),
	FIELD_UNSUPPORTED("ipFamilyPolicy", "leave it out: the virtual address is allocated"),
	FIELD_UNSUPPORTED("loadBalancerIP", "only ClusterIP, a service inside the mesh"),
	FIELD_UNSUPPORTED("publishNotReadyAddresses", "only workloads that are ready serve"),
	FIELD_UNSUPPORTED("sessionAffinityConfig", "requests are balanced one by one"),
	FIELD_UNSUPPORTED("trafficDistribution", "every endpoint is used"),
	{ 0 },
};

/* Names are needed to tell several ports apart. */
static int service_check(struct reader *r, void *value)
{
	const struct service *s = value;

	if (s->port_count == 1)
		return 0;
	for (uint32_t i = 0; i < s->port_count; i++) {
		const struct service_port *p = &s->ports[i];
		const struct service_port *same = service_port_by_name(s, p->name);

		if (!p->name.len)
			return reader_fail(r, p->node, CODE_FIELD_MISSING,
					   "\"name\" is missing: a Service with several ports "
					   "names each");
		if (same != p)
			return reader_fail(r, node_get(p->node, STR("name")), CODE_TWICE_IN_LIST,
					   "name \"%.*s\" stands at line %u already",
					   STR_ARGS(p->name), same->node->at.line);
	}
	return 0;
}

const struct object service_object = {
	.size = sizeof(struct service),
	.fields = service_fields,
	.check = service_check,
};

const struct service_port *service_port_by_number(const struct service *s, uint32_t port)
{
	for (uint32_t i = 0; i < s->port_count; i++)
		if (s->ports[i].port == port)
			return &s->ports[i];
	return NULL;
}

const struct service_port *service_port_by_name(const struct service *s, struct str name)
{
	for (uint32_t i = 0; i < s->port_count; i++)
		if (str_eq(s->ports[i].name, name))
			return &s->ports[i];
	return NULL;
}
