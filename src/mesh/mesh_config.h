#pragma once

/*
 * MeshConfig (weft.dev/v1alpha1): what holds for the whole mesh
 *
 * One object, named "default". Without one, mesh_config_default() holds.
 */

#include <stdbool.h>

#include "codec/node.h"
#include "mesh/service.h"
#include "message/address.h"

struct address_range {
	struct address base; /* port 0, bits behind the prefix zero; len 0: not set */
	uint8_t prefix_bits;
};

struct mesh_virtual_addresses {
	const struct node *node;
	struct address_range ip4;
	struct address_range ip6;
};

/*
 * Who on the control plane's own machine may be given which identity. A rule applies to a
 * caller who is named by user, number or group; it grants each of the accounts in each of the
 * namespaces. "*" stands for every name.
 */
struct local_identity_rule {
	const struct node *node;
	struct str *users;
	uint32_t user_count;
	uint32_t *uids;
	uint32_t uid_count;
	struct str *groups;
	uint32_t group_count;
	struct str *namespaces;
	uint32_t namespace_count;
	struct str *accounts;
	uint32_t account_count;
};

/* Which accounts may serve a Service, instead of the one that is derived from its name. */
struct serving_rule {
	const struct node *node;
	struct str name_space;
	struct str service;
	struct str *accounts;
	uint32_t account_count;
};

struct mesh_config {
	const struct node *node;
	struct str trust_domain; /* empty, or what it must be: it is fixed at the first start */
	struct mesh_virtual_addresses *virtual_addresses; /* never NULL */
	struct local_identity_rule *local_identities;
	uint32_t local_identity_count;
	struct serving_rule *serving;
	uint32_t serving_count;
};

/* What holds where nobody wrote a MeshConfig. Lives as long as the program. */
const struct mesh_config *mesh_config_default(void);

/* Is `account` of `name_space` granted by the rule (whose callers the caller of this checks)? */
bool local_identity_grants(const struct local_identity_rule *rule, struct str name_space,
			   struct str account);

/* The rule for that Service, or NULL. */
const struct serving_rule *mesh_config_serving(const struct mesh_config *m, struct str name_space,
					       struct str service);

/* The account that serves a Service where no rule says otherwise: the `app` label of its
 * selector, else the Service's name. */
struct str service_account_default(const struct service *s, struct str service_name);

/* May `account` (of the Service's namespace) serve it? By the rule, else by the default. */
bool mesh_config_may_serve(const struct mesh_config *m, struct str name_space,
			   struct str service_name, const struct service *s, struct str account);
