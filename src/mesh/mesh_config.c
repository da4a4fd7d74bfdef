#include "mesh/mesh_config.h"

#include <assert.h>

#include "mesh/kinds.h"

#define RULES_MAX   256
#define NAMES_MAX   64

/* "weft" in hexadecimal, as a unique local prefix (RFC 4193). */
#define IP6_DEFAULT "fd77:6566:7400::/64"
#define IP4_DEFAULT "240.240.0.0/16"

static const struct field range_fields[] = {
	FIELD(struct mesh_virtual_addresses, ip4, range, "ipv4", .default_text = IP4_DEFAULT,
	      .text = "Range of the IPv4 addresses that Services are given."),
	FIELD(struct mesh_virtual_addresses, ip6, range, "ipv6", .default_text = IP6_DEFAULT,
	      .text = "Range of the IPv6 addresses that Services are given."),
	{ 0 },
};

static int range_check(struct reader *r, const struct node *parent, struct str key,
		       const struct address_range *range, int family)
{
	int host_bits = (family == AF_INET ? 32 : 128) - range->prefix_bits;

	if (range->base.any.sa_family != family)
		return reader_fail(r, node_get(parent, key), CODE_BAD_VALUE, "this is no %s range",
				   family == AF_INET ? "IPv4" : "IPv6");
	if (host_bits < 4 || (family == AF_INET && host_bits > 24))
		return reader_fail(r, node_get(parent, key), CODE_BAD_VALUE,
				   "a range of /%u is too %s", range->prefix_bits,
				   host_bits < 4 ? "small" : "large");
	return 0;
}

static int ranges_check(struct reader *r, void *value)
{
	const struct mesh_virtual_addresses *v = value;
	int code = range_check(r, v->node, STR("ipv4"), &v->ip4, AF_INET);

	return code < 0 ? code : range_check(r, v->node, STR("ipv6"), &v->ip6, AF_INET6);
}

static const struct object ranges_object = {
	.size = sizeof(struct mesh_virtual_addresses),
	.fields = range_fields,
	.check = ranges_check,
};

static const struct field local_identity_fields[] = {
	FIELD_LIST(struct local_identity_rule, users, user_count, text, "users",
		   .format = &format_user, .entries_max = NAMES_MAX,
		   .text = "Callers by the name of their user."),
	FIELD_LIST(struct local_identity_rule, uids, uid_count, count, "uids",
		   .entries_max = NAMES_MAX, .text = "Callers by the number of their user."),
	FIELD_LIST(struct local_identity_rule, groups, group_count, text, "groups",
		   .format = &format_user, .entries_max = NAMES_MAX,
		   .text = "Callers by the name of one of their groups."),
	FIELD_LIST(struct local_identity_rule, namespaces, namespace_count, text, "namespaces",
		   .required = true, .format = &format_name_or_star, .entries_max = NAMES_MAX,
		   .text = "Namespaces that they may have an identity in; \"*\" for all."),
	FIELD_LIST(struct local_identity_rule, accounts, account_count, text, "accounts",
		   .required = true, .format = &format_name_or_star, .entries_max = NAMES_MAX,
		   .text = "Accounts that they may have there; \"*\" for all."),
	{ 0 },
};

static int local_identity_check(struct reader *r, void *value)
{
	const struct local_identity_rule *rule = value;

	if (rule->user_count || rule->uid_count || rule->group_count)
		return 0;
	return reader_fail(r, rule->node, CODE_FIELD_MISSING,
			   "the rule names no caller: give it users, uids or groups");
}

static const struct object local_identity_object = {
	.size = sizeof(struct local_identity_rule),
	.fields = local_identity_fields,
	.check = local_identity_check,
};

static const struct field serving_fields[] = {
	FIELD(struct serving_rule, name_space, text, "namespace", .required = true,
	      .format = &format_dns_label, .text = "Namespace of the Service."),
	FIELD(struct serving_rule, service, text, "service", .required = true,
	      .format = &format_dns_label, .text = "Name of the Service."),
	FIELD_LIST(struct serving_rule, accounts, account_count, text, "accounts", .required = true,
		   .format = &format_dns_label, .entries_max = NAMES_MAX,
		   .text = "Accounts of that namespace that may serve it."),
	{ 0 },
};

static const struct object serving_object = {
	.size = sizeof(struct serving_rule),
	.fields = serving_fields,
};

static const struct field mesh_config_fields[] = {
	FIELD(struct mesh_config, trust_domain, text, "trustDomain", .format = &format_trust_domain,
	      .text = "Trust domain of all identities. Fixed at the first start of the control "
		      "plane; where written it must be that."),
	FIELD_OBJECT(struct mesh_config, virtual_addresses, ranges_object, "virtualAddresses",
		     .defaulted = true,
		     .text = "Addresses that stand for Services. A Service keeps the one it has."),
	FIELD_OBJECTS(struct mesh_config, local_identities, local_identity_count,
		      local_identity_object, "localIdentities", .entries_max = RULES_MAX,
		      .text = "Who on the control plane's machine may be given which identity, "
			      "beside root and its own user, who may name any."),
	FIELD_OBJECTS(struct mesh_config, serving, serving_count, serving_object, "serving",
		      .entries_max = RULES_MAX,
		      .text = "Which accounts may serve a Service, where it is not the one named "
			      "by the label app of its selector, else by its name."),
	FIELD_UNSUPPORTED("outbound", "it is about captured traffic, and nothing is captured"),
	FIELD_UNSUPPORTED("defaults", "write timeouts and retries in the routes"),
	FIELD_UNSUPPORTED("enforced", "write timeouts and retries in the routes"),
	FIELD_UNSUPPORTED("guards", "no command of this version deletes many objects at once"),
	FIELD_UNSUPPORTED("history", "every revision is kept"),
	{ 0 },
};

static int mesh_config_check(struct reader *r, void *value)
{
	const struct mesh_config *m = value;

	for (uint32_t i = 0; i < m->serving_count; i++) {
		const struct serving_rule *rule = &m->serving[i];
		const struct serving_rule *same =
			mesh_config_serving(m, rule->name_space, rule->service);

		if (same != rule)
			return reader_fail(r, rule->node, CODE_TWICE_IN_LIST,
					   "Service %.*s/%.*s stands at line %u already",
					   STR_ARGS(rule->name_space), STR_ARGS(rule->service),
					   same->node->at.line);
	}
	return 0;
}

const struct object mesh_config_object = {
	.size = sizeof(struct mesh_config),
	.fields = mesh_config_fields,
	.check = mesh_config_check,
};

static struct mesh_config config_default;

static void __attribute__((constructor)) fill_default(void)
{
	static struct mesh_virtual_addresses ranges;
	static struct node empty = { .kind = NODE_MAP };

	ranges.node = &empty;
	config_default.node = &empty;
	config_default.virtual_addresses = &ranges;
	field_for_each(f, &ranges_object) if (f->type->fill(NULL, f, &empty,
							    (char *)&ranges + f->offset) < 0)
		assert(!"the default does not read");
}

const struct mesh_config *mesh_config_default(void)
{
	return &config_default;
}

static bool names_have(const struct str *names, uint32_t count, struct str name)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_eq(names[i], name) || str_eq(names[i], STR("*")))
			return true;
	return false;
}

bool local_identity_grants(const struct local_identity_rule *rule, struct str name_space,
			   struct str account)
{
	return names_have(rule->namespaces, rule->namespace_count, name_space) &&
	       names_have(rule->accounts, rule->account_count, account);
}

const struct serving_rule *mesh_config_serving(const struct mesh_config *m, struct str name_space,
					       struct str service)
{
	for (uint32_t i = 0; i < m->serving_count; i++)
		if (str_eq(m->serving[i].name_space, name_space) &&
		    str_eq(m->serving[i].service, service))
			return &m->serving[i];
	return NULL;
}

struct str service_account_default(const struct service *s, struct str service_name)
{
	const struct str *app = text_map_get(&s->selector, STR("app"));

	return app && app->len ? *app : service_name;
}

bool mesh_config_may_serve(const struct mesh_config *m, struct str name_space,
			   struct str service_name, const struct service *s, struct str account)
{
	const struct serving_rule *rule = mesh_config_serving(m, name_space, service_name);

	if (rule)
		return names_have(rule->accounts, rule->account_count, account);
	return str_eq(service_account_default(s, service_name), account);
}
