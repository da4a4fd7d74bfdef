/*
 * Who may have which identity
 *
 * No I/O but the question to the system's users and groups, which is asked only for a rule that
 * grants the identity.
 */

#include <grp.h>
#include <pwd.h>

#include "base/error.h"
#include "base/mem.h"
#include "control/certificates.h"
#include "identity/svid.h"
#include "message/spiffe.h"

#define NAME_SERVICE_BYTES 65536

/*
 * Names of the system. A name that cannot be looked up grants nothing.
 */

static bool system_user(const char *name, uid_t *ret_uid)
{
	cleanup(mem_freep) char *memory = mem_alloc(NAME_SERVICE_BYTES);
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, memory, NAME_SERVICE_BYTES, &found) != 0 || !found)
		return false;
	*ret_uid = found->pw_uid;
	return true;
}

static bool system_group(const char *name, gid_t *ret_gid)
{
	cleanup(mem_freep) char *memory = mem_alloc(NAME_SERVICE_BYTES);
	struct group entry, *found = NULL;

	if (getgrnam_r(name, &entry, memory, NAME_SERVICE_BYTES, &found) != 0 || !found)
		return false;
	*ret_gid = found->gr_gid;
	return true;
}

static const struct certificates_names system_names = {
	.user = system_user,
	.group = system_group,
};

/*
 * Rules of MeshConfig.localIdentities
 */

static bool has_number(const struct local_identity_rule *rule, uid_t uid)
{
	for (uint32_t i = 0; i < rule->uid_count; i++)
		if (rule->uids[i] == uid)
			return true;
	return false;
}

static bool has_user(const struct local_identity_rule *rule, uid_t uid,
		     const struct certificates_names *names)
{
	for (uint32_t i = 0; i < rule->user_count; i++) {
		cleanup(mem_freep) char *name = mem_strdup_str(rule->users[i]);
		uid_t found;

		if (names->user(name, &found) && found == uid)
			return true;
	}
	return false;
}

static bool caller_has_group(const struct certificates_caller *caller, gid_t gid)
{
	for (uint32_t i = 0; i < caller->group_count; i++)
		if (caller->groups[i] == gid)
			return true;
	return false;
}

static bool has_group(const struct local_identity_rule *rule,
		      const struct certificates_caller *caller,
		      const struct certificates_names *names)
{
	for (uint32_t i = 0; i < rule->group_count; i++) {
		cleanup(mem_freep) char *name = mem_strdup_str(rule->groups[i]);
		gid_t found;

		if (names->group(name, &found) && caller_has_group(caller, found))
			return true;
	}
	return false;
}

static bool rules_grant(const struct certificates *c, const struct certificates_caller *caller,
			const struct spiffe_id *id)
{
	const struct mesh_config *m = c->mesh_config(c->user);
	const struct certificates_names *names = c->names ? c->names : &system_names;

	for (uint32_t i = 0; i < m->local_identity_count; i++) {
		const struct local_identity_rule *rule = &m->local_identities[i];

		if (local_identity_grants(rule, id->name_space, id->account) &&
		    (has_number(rule, caller->uid) || has_user(rule, caller->uid, names) ||
		     has_group(rule, caller, names)))
			return true;
	}
	return false;
}

/*
 * The decision
 */

struct verdict {
	enum certificates_refusal *refusal;
	struct diag *d;
};

static bool refuse(const struct verdict *v, enum certificates_refusal which, const char *format,
		   ...) printf_like(3, 4);

static bool refuse(const struct verdict *v, enum certificates_refusal which, const char *format,
		   ...)
{
	struct buf text = BUF_INIT(0);
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	diag_fail(v->d, ERR_DENIED, "%.*s", STR_ARGS(buf_str(&text)));
	buf_fini(&text);
	*v->refusal = which;
	return false;
}

static bool check_wanted(const struct certificates *c, struct str wanted, struct spiffe_id *ret_id,
			 const struct verdict *v)
{
	struct str trust_domain = ca_trust_domain(c->ca);

	if (spiffe_id_parse(wanted, ret_id) < 0 || !name_is_dns_label(ret_id->name_space) ||
	    !name_is_dns_label(ret_id->account))
		return refuse(v, CERTIFICATES_BAD_IDENTITY,
			      "metadata.ImpersonatedIdentity must have the form "
			      "spiffe://%.*s/ns/NAMESPACE/sa/ACCOUNT",
			      STR_ARGS(trust_domain));
	if (!str_eq(ret_id->trust_domain, trust_domain))
		return refuse(v, CERTIFICATES_TRUST_DOMAIN,
			      "the trust domain is \"%.*s\", not \"%.*s\"", STR_ARGS(trust_domain),
			      STR_ARGS(ret_id->trust_domain));
	return true;
}

static bool is_control(const struct spiffe_id *id)
{
	return str_eq(id->name_space, STR(SVID_CONTROL_NAMESPACE)) &&
	       str_eq(id->account, STR(SVID_CONTROL_ACCOUNT));
}

static bool decide_unix(const struct certificates *c, const struct certificates_caller *caller,
			struct str wanted, const struct verdict *v)
{
	struct spiffe_id id;

	if (wanted.len == 0)
		return refuse(v, CERTIFICATES_NO_IDENTITY,
			      "metadata.ImpersonatedIdentity must name the SPIFFE ID that is "
			      "wanted");
	if (!check_wanted(c, wanted, &id, v))
		return false;
	if (caller->uid == 0 || caller->uid == c->own_user)
		return true;
	if (is_control(&id))
		return refuse(v, CERTIFICATES_NOT_GRANTED,
			      "the control plane's own identity is given to root and to its own "
			      "user alone");
	if (!rules_grant(c, caller, &id))
		return refuse(v, CERTIFICATES_NOT_GRANTED,
			      "no rule of MeshConfig.localIdentities grants account \"%.*s\" in "
			      "namespace \"%.*s\" to user %u",
			      STR_ARGS(id.account), STR_ARGS(id.name_space), caller->uid);
	return true;
}

static bool decide_tls(const struct certificates *c, const struct certificates_caller *caller,
		       struct str wanted, const struct verdict *v)
{
	struct spiffe_id id;

	if (wanted.len > 0 && !str_eq(wanted, caller->spiffe_id))
		return refuse(v, CERTIFICATES_NOT_ITSELF,
			      "over TLS an identity can renew itself alone, and this one is %.*s",
			      STR_ARGS(caller->spiffe_id));
	return check_wanted(c, caller->spiffe_id, &id, v);
}

bool certificates_decide(const struct certificates *c, const struct certificates_caller *caller,
			 struct str wanted, struct str *ret_id,
			 enum certificates_refusal *ret_refusal, struct diag *d)
{
	const struct verdict v = { ret_refusal, d };
	bool granted = false;

	switch (caller->proof) {
	case CERTIFICATES_PROOF_UNIX:
		granted = decide_unix(c, caller, wanted, &v);
		break;
	case CERTIFICATES_PROOF_TLS:
		granted = decide_tls(c, caller, wanted, &v);
		break;
	case CERTIFICATES_PROOF_NONE:
		granted = refuse(&v, CERTIFICATES_UNKNOWN_CALLER,
				 "the connection does not say who asks");
		break;
	}
	if (granted)
		*ret_id = wanted.len > 0 ? wanted : caller->spiffe_id;
	return granted;
}
