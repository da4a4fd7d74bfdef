/* Who may have which identity: every proof, every rule, every refusal. */

#include <unistd.h>

#include "control/certificates.h"

#include "base/error.h"

#include "facts.h"
#include "test.h"

#define WEB     "spiffe://weft.local/ns/shop/sa/web"
#define CONTROL "spiffe://weft.local/ns/weft-system/sa/control"

static bool alice(const char *name, uid_t *ret_uid)
{
	*ret_uid = 1001;
	return strcmp(name, "alice") == 0;
}

static bool builders(const char *name, gid_t *ret_gid)
{
	*ret_gid = 2001;
	return strcmp(name, "builders") == 0;
}

static const struct certificates_names names = { .user = alice, .group = builders };

/* alice: the shop; 1002: everything; builders: web in the shop and in the lab. */
static struct str alice_users[] = { STR_INIT("nobody-here"), STR_INIT("alice") };
static struct str builder_groups[] = { STR_INIT("builders") };
static uint32_t all_uids[] = { 1002 };
static struct str shop[] = { STR_INIT("shop") }, shop_lab[] = { STR_INIT("shop"), STR_INIT("lab") };
static struct str web[] = { STR_INIT("web") }, any[] = { STR_INIT("*") };

static struct local_identity_rule rules[] = {
	{
		.users = alice_users,
		.user_count = 2,
		.namespaces = shop,
		.namespace_count = 1,
		.accounts = any,
		.account_count = 1,
	},
	{
		.uids = all_uids,
		.uid_count = 1,
		.namespaces = any,
		.namespace_count = 1,
		.accounts = any,
		.account_count = 1,
	},
	{
		.groups = builder_groups,
		.group_count = 1,
		.namespaces = shop_lab,
		.namespace_count = 2,
		.accounts = web,
		.account_count = 1,
	},
};

static const struct mesh_config mesh = { .local_identities = rules, .local_identity_count = 3 };

static const struct mesh_config *mesh_now(void *user)
{
	return user ? user : &mesh;
}

struct stage {
	struct facts facts;
	struct certificates c;
};

static void stage_init(struct stage *s)
{
	struct ca_options options;

	*s = (struct stage){ .c = { .mesh_config = mesh_now, .own_user = 900, .names = &names } };
	options = (struct ca_options){ .facts = facts_of(&s->facts) };
	assert_int_equal(
		ca_new(&options, (struct wall_time){ 1767225600000000000LL }, &s->c.ca, NULL), 0);
}

static void stage_fini(struct stage *s)
{
	ca_free(s->c.ca);
	facts_fini(&s->facts);
}

static struct certificates_caller local(uid_t uid, gid_t group)
{
	return (struct certificates_caller){
		.proof = CERTIFICATES_PROOF_UNIX,
		.uid = uid,
		.groups = { uid, group },
		.group_count = 2,
	};
}

static struct certificates_caller remote(const char *id)
{
	return (struct certificates_caller){ .proof = CERTIFICATES_PROOF_TLS,
					     .spiffe_id = str_from(id) };
}

static void granted(const struct stage *s, struct certificates_caller caller, const char *wanted)
{
	enum certificates_refusal refusal;
	struct diag d = DIAG_INIT;
	struct str id;

	if (!certificates_decide(&s->c, &caller, str_from(wanted), &id, &refusal, &d))
		fail_msg("%s", d.text);
	assert_true(str_eq(id, wanted ? str_from(wanted) : caller.spiffe_id));
	assert_null(d.text);
}

static void refused(const struct stage *s, struct certificates_caller caller, const char *wanted,
		    enum certificates_refusal expected, const char *text)
{
	enum certificates_refusal refusal;
	struct diag d = DIAG_INIT;
	struct str id;

	assert_false(certificates_decide(&s->c, &caller, str_from(wanted), &id, &refusal, &d));
	assert_string_equal(d.text, text);
	assert_int_equal(refusal, expected);
	diag_fini(&d);
}

#define NO_RULE(account, name_space, user)                                \
	"no rule of MeshConfig.localIdentities grants account \"" account \
	"\" in namespace \"" name_space "\" to user " user

TEST(root_and_the_own_user_name_any_identity_of_the_trust_domain)
{
	struct stage s;

	stage_init(&s);
	granted(&s, local(0, 0), WEB);
	granted(&s, local(900, 900), WEB);
	granted(&s, local(900, 900), CONTROL);
	granted(&s, local(0, 0), "spiffe://weft.local/ns/lab/sa/probe");
	stage_fini(&s);
}

TEST(others_name_what_a_rule_grants_to_their_name_number_or_group)
{
	struct stage s;

	stage_init(&s);
	granted(&s, local(1001, 1001), WEB);
	granted(&s, local(1001, 1001), "spiffe://weft.local/ns/shop/sa/cart");
	granted(&s, local(1002, 1002), "spiffe://weft.local/ns/lab/sa/probe");
	granted(&s, local(1003, 2001), WEB);
	granted(&s, local(1003, 2001), "spiffe://weft.local/ns/lab/sa/web");
	stage_fini(&s);
}

TEST(what_no_rule_grants_is_refused_with_what_was_missing)
{
	struct stage s;

	stage_init(&s);
	refused(&s, local(1001, 1001), "spiffe://weft.local/ns/lab/sa/web",
		CERTIFICATES_NOT_GRANTED, NO_RULE("web", "lab", "1001"));
	refused(&s, local(1003, 2001), "spiffe://weft.local/ns/shop/sa/cart",
		CERTIFICATES_NOT_GRANTED, NO_RULE("cart", "shop", "1003"));
	refused(&s, local(1003, 1003), WEB, CERTIFICATES_NOT_GRANTED,
		NO_RULE("web", "shop", "1003"));
	stage_fini(&s);
}

TEST(the_control_planes_identity_is_not_granted_by_any_rule)
{
	struct stage s;

	stage_init(&s);
	refused(&s, local(1002, 1002), CONTROL, CERTIFICATES_NOT_GRANTED,
		"the control plane's own identity is given to root and to its own user alone");
	stage_fini(&s);
}

TEST(over_the_unix_socket_the_wanted_identity_is_named_and_well_formed)
{
	static const char form[] = "metadata.ImpersonatedIdentity must have the form "
				   "spiffe://weft.local/ns/NAMESPACE/sa/ACCOUNT";
	static const char *const bad[] = {
		"web",
		"spiffe://weft.local",
		"spiffe://weft.local/vm/web",
		"spiffe://weft.local/ns/shop/sa/web/x",
		"spiffe://weft.local/ns/Shop/sa/web",
		"spiffe://weft.local/ns/shop/sa/we_b",
		"spiffe://Weft.local/ns/shop/sa/web",
		"spiffe://weft.local/ns/shop/sa/web?",
	};
	struct stage s;

	stage_init(&s);
	refused(&s, local(0, 0), NULL, CERTIFICATES_NO_IDENTITY,
		"metadata.ImpersonatedIdentity must name the SPIFFE ID that is wanted");
	for (size_t i = 0; i < array_count(bad); i++)
		refused(&s, local(0, 0), bad[i], CERTIFICATES_BAD_IDENTITY, form);
	refused(&s, local(0, 0), "spiffe://other/ns/shop/sa/web", CERTIFICATES_TRUST_DOMAIN,
		"the trust domain is \"weft.local\", not \"other\"");
	stage_fini(&s);
}

TEST(over_tls_an_identity_renews_itself_alone)
{
	struct stage s;

	stage_init(&s);
	granted(&s, remote(WEB), NULL);
	granted(&s, remote(WEB), WEB);
	granted(&s, remote(CONTROL), NULL);
	refused(&s, remote(WEB), "spiffe://weft.local/ns/shop/sa/cart", CERTIFICATES_NOT_ITSELF,
		"over TLS an identity can renew itself alone, and this one is " WEB);
	refused(&s, remote("spiffe://other/ns/shop/sa/web"), NULL, CERTIFICATES_TRUST_DOMAIN,
		"the trust domain is \"weft.local\", not \"other\"");
	refused(&s, remote(""), NULL, CERTIFICATES_BAD_IDENTITY,
		"metadata.ImpersonatedIdentity must have the form "
		"spiffe://weft.local/ns/NAMESPACE/sa/ACCOUNT");
	stage_fini(&s);
}

TEST(who_proves_nothing_gets_nothing)
{
	struct stage s;

	stage_init(&s);
	refused(&s, (struct certificates_caller){ .proof = CERTIFICATES_PROOF_NONE }, WEB,
		CERTIFICATES_UNKNOWN_CALLER, "the connection does not say who asks");
	stage_fini(&s);
}

TEST(the_systems_own_names_are_asked_where_no_others_are_given)
{
	static struct str root_user[] = { STR_INIT("no such user"), STR_INIT("root") };
	static struct str root_group[] = { STR_INIT("no such group"), STR_INIT("root") };
	struct local_identity_rule rule = { .groups = root_group,
					    .group_count = 2,
					    .namespaces = any,
					    .namespace_count = 1,
					    .accounts = any,
					    .account_count = 1 };
	struct mesh_config m = { .local_identities = &rule, .local_identity_count = 1 };
	struct stage s;

	stage_init(&s);
	s.c.names = NULL;
	s.c.user = &m;
	granted(&s, local(1003, 0), WEB);
	refused(&s, local(1003, 1003), WEB, CERTIFICATES_NOT_GRANTED,
		NO_RULE("web", "shop", "1003"));
	rule.group_count = 0;
	rule.users = root_user;
	rule.user_count = 2;
	refused(&s, local(1003, 0), WEB, CERTIFICATES_NOT_GRANTED, NO_RULE("web", "shop", "1003"));
	stage_fini(&s);
}
