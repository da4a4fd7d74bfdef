#include "mesh/workload.h"

#include "mesh/kinds.h"

#define PORTS_MAX 16

static const struct choice protocols[] = {
	[PROTOCOL_TCP] = { "tcp" },
	[PROTOCOL_HTTP] = { "http" },
	{ 0 },
};

static const struct field port_fields[] = {
	FIELD(struct workload_port, name, text, "name", .format = &format_port_name,
	      .text = "Name that a Service's targetPort may use."),
	FIELD(struct workload_port, port, count, "port", .required = true, .min = 1,
	      .max = UINT16_MAX, .text = "Port that the program listens on."),
	FIELD(struct workload_port, mesh_port, count, "meshPort", .min = 1, .max = UINT16_MAX,
	      .text = "Port where its proxy takes mutual TLS for it."),
	FIELD(struct workload_port, protocol, choice, "protocol", .choices = protocols,
	      .default_text = "tcp", .text = "What the program speaks there."),
	{ 0 },
};

static const struct object port_object = {
	.size = sizeof(struct workload_port),
	.fields = port_fields,
};

static const struct field locality_fields[] = {
	FIELD(struct workload_locality, region, text, "region", .required = true,
	      .format = &format_locality, .text = "Region."),
	FIELD(struct workload_locality, zone, text, "zone", .format = &format_locality,
	      .text = "Zone within the region."),
	FIELD(struct workload_locality, sub_zone, text, "subZone", .format = &format_locality,
	      .text = "Part of the zone."),
	{ 0 },
};

static const struct object locality_object = {
	.size = sizeof(struct workload_locality),
	.fields = locality_fields,
};

static const struct choice readiness_words[] = {
	[WORKLOAD_READY] = { "Ready" },
	[WORKLOAD_STARTING] = { "Starting" },
	{ 0 },
};

static const struct field workload_fields[] = {
	FIELD(struct workload, address, ip, "address", .required = true,
	      .text = "Address of the workload."),
	FIELD(struct workload, account, text, "serviceAccount", .required = true,
	      .format = &format_dns_label,
	      .text = "Account of its identity: spiffe://TRUSTDOMAIN/ns/NAMESPACE/sa/ACCOUNT."),
	FIELD_OBJECTS(struct workload, ports, port_count, port_object, "ports",
		      .entries_max = PORTS_MAX, .key = "port", .unique = true,
		      .text = "Ports of the program."),
	FIELD(struct workload, readiness, choice, "readiness", .choices = readiness_words,
	      .default_text = "Ready",
	      .text = "Starting: registered, but it takes no requests yet."),
	FIELD_OBJECT(struct workload, locality, locality_object, "locality",
		     .text = "Where it runs."),
	FIELD_UNSUPPORTED("health", "a workload is ready while its proxy says so"),
	FIELD_UNSUPPORTED("weight", "workloads share alike"),
	{ 0 },
};

static int workload_check(struct reader *r, void *value)
{
	const struct workload *w = value;

	for (uint32_t i = 0; i < w->port_count; i++) {
		const struct workload_port *p = &w->ports[i];
		struct port_target target = { .name = p->name };
		const struct workload_port *same = p->name.len ? workload_port_for(w, &target) : p;

		if (same != p)
			return reader_fail(r, node_get(p->node, STR("name")), CODE_TWICE_IN_LIST,
					   "name \"%.*s\" stands at line %u already",
					   STR_ARGS(p->name), same->node->at.line);
	}
	return 0;
}

const struct object workload_object = {
	.size = sizeof(struct workload),
	.fields = workload_fields,
	.check = workload_check,
};

const struct workload_port *workload_port_for(const struct workload *w,
					      const struct port_target *target)
{
	for (uint32_t i = 0; i < w->port_count; i++) {
		const struct workload_port *p = &w->ports[i];

		if (target->number ? p->port == target->number : str_eq(p->name, target->name))
			return p;
	}
	return NULL;
}
