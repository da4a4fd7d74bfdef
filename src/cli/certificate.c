/*
 * weft certificate: an identity as files, for a program that has no proxy of ours
 *
 * Asks the control plane as a proxy does (src/identity): the key is made here. Any program that
 * speaks mutual TLS reads the PEM files; an Envoy watches default.json and ROOTCA.json.
 */

#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/tree.h"
#include "codec/node.h"
#include "identity/key.h"
#include "identity/source.h"

struct certificate_settings {
	struct namespace_settings in;
	setting_text dir;
};

static const struct setting table[] = {
	SETTING_TABLE(struct certificate_settings, in, namespace_table),
	SETTING(struct certificate_settings, dir, text, NULL, "DIR",
		"Where the files go; made where it is not there, and nobody else's."),
	{ 0 },
};

/* One asking. */
struct asking {
	const char *dir;
	struct remote remote;
	struct random random;
	struct diag diag;
	struct wall_time until;
	int error; /* of writing, or of the authority */
	bool over;
};

static int write_one(const char *dir, const char *name, struct str content)
{
	char *path = mem_printf("%s/%s", dir, name);
	int r = file_write_atomic(path, content, 0600);

	mem_free(path);
	return r;
}

/* A secret as Envoy reads it from a file that it watches: key and chain come in one piece. */
static int write_secret(const char *dir, const char *name,
			void (*fill)(struct pool *pool, struct node *secret, const struct svid *s),
			const struct svid *s)
{
	struct pool pool = POOL_INIT(0);
	struct node *root = node_new(&pool, NODE_MAP);
	struct node *secret = tree_map(&pool, tree_list(&pool, root, "resources"), NULL);
	cleanup(key_wipe) struct buf text = BUF_INIT(0);
	char *file = mem_printf("%s.json", name);
	int r;

	tree_text(&pool, secret, "@type",
		  STR("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"));
	tree_text(&pool, secret, "name", str_from(name));
	fill(&pool, secret, s);
	/* In one piece: growing would leave copies of the key behind. */
	buf_reserve(&text, 2 * s->memory_bytes + 1024);
	json_write_pretty(root, &text);
	r = write_one(dir, file, buf_str(&text));
	mem_free(file);
	pool_fini(&pool);
	return r;
}

static void fill_certificate(struct pool *pool, struct node *secret, const struct svid *s)
{
	struct node *n = tree_map(pool, secret, "tls_certificate");

	tree_text(pool, tree_map(pool, n, "certificate_chain"), "inline_string", s->chain_pem);
	tree_text(pool, tree_map(pool, n, "private_key"), "inline_string", s->key_pem);
}

static void fill_trust(struct pool *pool, struct node *secret, const struct svid *s)
{
	struct node *n = tree_map(pool, secret, "validation_context");

	tree_text(pool, tree_map(pool, n, "trusted_ca"), "inline_string", s->trust_pem);
}

/* One that is there is somebody's, with more in it perhaps: its mode is not ours to narrow. */
static int make_place(const char *dir)
{
	return access(dir, F_OK) == 0 ? dir_make(dir, 07755) : dir_make_private(dir);
}

static int write_all(const struct svid *s, const char *dir)
{
	int r = make_place(dir);

	if (r == 0)
		r = write_secret(dir, "default", fill_certificate, s);
	if (r == 0)
		r = write_secret(dir, "ROOTCA", fill_trust, s);

	if (r == 0)
		r = write_one(dir, "key.pem", s->key_pem);
	if (r == 0)
		r = write_one(dir, "chain.pem", s->chain_pem);
	return r < 0 ? r : write_one(dir, "root.pem", s->trust_pem);
}

static void on_svid(void *user, struct svid *s)
{
	struct asking *a = user;

	a->error = write_all(s, a->dir);
	if (a->error < 0)
		diag_fail(&a->diag, a->error, "cannot write to %s: %s", a->dir,
			  a->error == ERR_DENIED ? "it is another user's or open to others"
						 : err_text(a->error));
	a->until = s->not_after;
	a->over = true;
}

static void on_failure(void *user, const char *reason)
{
	struct asking *a = user;

	a->error = diag_fail(&a->diag, ERR_DENIED, "no certificate was given: %s", reason);
	a->over = true;
}

static const struct identity_callbacks callbacks = {
	.on_svid = on_svid,
	.on_failure = on_failure,
};

static int ask(struct asking *a, struct str spiffe_id)
{
	struct identity_options options = {
		.loop = a->remote.loop,
		.chunks = &a->remote.chunks,
		.random = &a->random,
		.spiffe_id = spiffe_id,
		.address = a->remote.address,
	};
	struct identity *identity;
	int r = identity_new(&options, &callbacks, a, &identity, &a->diag);

	if (r < 0)
		return r;
	while (r == 0 && !a->over)
		r = loop_turn(a->remote.loop, DURATION_SECONDS(1));
	identity_free(identity);
	/* What is left of the call ends. */
	for (unsigned i = 0; r == 0 && i < 4; i++)
		r = loop_turn(a->remote.loop, DURATION_NS(0));
	if (r < 0)
		return diag_fail(&a->diag, r, "waiting failed: %s", err_text(r));
	return a->error;
}

static int certify(struct asking *a, struct str name_space, struct str account,
		   struct str *ret_spiffe_id)
{
	struct remote_request request = { .path = STR("/weft/v1/info") };
	struct node *info;
	int r = remote_try(&a->remote, &request, &info, &a->diag);

	if (r < 0)
		return r;
	*ret_spiffe_id = pool_printf(&a->remote.pool, "spiffe://%.*s/ns/%.*s/sa/%.*s",
				     STR_ARGS(answer_text(info, "trustDomain")),
				     STR_ARGS(name_space), STR_ARGS(account));
	return ask(a, *ret_spiffe_id);
}

static int run(const struct invocation *in)
{
	const struct certificate_settings *s = in->settings;
	struct asking a = { .dir = s->dir };
	struct str spiffe_id = STR_EMPTY;
	struct buf until = BUF_INIT(0);
	int code = EXIT_DONE;

	if (in->word_count != 1)
		return cli_usage(in->cli, "certificate", "one account is needed");
	if (!s->dir)
		return cli_usage(in->cli, "certificate", "--dir is needed: where the files go");
	log_set_level(LOG_LEVEL_ERROR);
	random_init_from_kernel(&a.random);
	if (remote_open(&a.remote, in->cli, &a.diag) < 0 ||
	    certify(&a, namespace_of(&s->in), str_from(in->words[0]), &spiffe_id) < 0) {
		code = cli_problem(in->cli, &a.diag, STR_EMPTY);
	} else {
		wall_time_format(a.until, &until);
		cli_say(in->cli, "%s holds key.pem, chain.pem and root.pem of %.*s, until %.*s.",
			s->dir, STR_ARGS(spiffe_id), STR_ARGS(buf_str(&until)));
	}
	buf_fini(&until);
	remote_close(&a.remote);
	diag_fini(&a.diag);
	return code;
}

const struct command certificate_command = {
	.name = "certificate",
	.summary = "Write a key and its certificate to files, for a program without our proxy",
	.usage = "ACCOUNT --dir DIR [flags]",
	.examples = {
		{ "weft certificate gateway --dir /run/weft/gateway", "for a real Envoy" },
		{ "weft certificate -n shop web --dir web", "of account web in namespace shop" },
	},
	.settings = table,
	.settings_size = sizeof(struct certificate_settings),
	.notes = "Ask again when half of its life is over; the key is new each time.\n"
		 "default.json and ROOTCA.json are the same as secrets that an Envoy watches.\n"
		 "Keep all of it off disks: /run is memory. Who may have which identity:\n"
		 "MeshConfig.localIdentities.",
	.see_also = "weft run, weft proxy status",
	.takes_words = true,
	.exits = EXITS_REMOTE,
	.run = run,
};
