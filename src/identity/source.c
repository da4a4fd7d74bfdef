#include "identity/source.h"

#include <assert.h>
#include <errno.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/state.h"
#include "identity/csr.h"
#include "identity/request.h"
#include "net/socket_conn.h"

/* The wall clock may jump and the monotonic one stands still in sleep: so it is looked at now
 * and then, however far away the renewal is. */
#define LOOK_INTERVAL DURATION_SECONDS(60)
#define RENEW_MIN     DURATION_SECONDS(1)

/*
 *	          the time to renew, or nothing held
 *	 RESTING ────────────────────────────────────▶ ASKING
 *	    ▲                                            │
 *	    └────────────── answered, or failed ─────────┘
 */
enum state { RESTING, ASKING };

static const struct state_row states[] = {
	[RESTING] = { "resting", STATE_TO(ASKING) },
	[ASKING] = { "asking", STATE_TO(RESTING) },
};

struct identity {
	const struct identity_callbacks *callbacks;
	void *user;
	struct identity_options options; /* its texts are below */
	char *id_text;
	char *dir; /* NULL: not kept */

	enum state state;
	struct svid *svid; /* NULL: none yet; may have ended */
	bool announced;    /* on_svid was called for it */
	struct wall_time due;
	struct timer timer;                  /* runs while RESTING */
	struct key *key;                     /* that a certificate is asked for */
	struct certificate_request *request; /* while ASKING over a connection */
	struct duration backoff;
	char *failure; /* the last one since the last success, or NULL */
	struct identity_stats stats;
};

/* Whoever moves has no request under way. */
static void move(struct identity *i, enum state to)
{
	assert(!i->request);
	state_move(states, i->state, to);
}

/*
 * When to ask
 */

/* 10 % more or less, so that the proxies of a mesh that began together spread. */
static struct duration jittered(struct identity *i, struct duration d)
{
	int64_t spread = d.ns / 5;

	return DURATION_NS(d.ns - d.ns / 10 +
			   (int64_t)random_below(i->options.random, (uint64_t)spread + 1));
}

/* Rests until then; the timer looks at the clock in between. */
static void rest(struct identity *i)
{
	int64_t left = i->due.ns - loop_wall_now(i->options.loop).ns;

	left = max_of(left, (int64_t)0);
	timer_start(i->options.loop, &i->timer, DURATION_NS(min_of(left, LOOK_INTERVAL.ns)));
}

static void rest_for(struct identity *i, struct duration d)
{
	i->due = (struct wall_time){ loop_wall_now(i->options.loop).ns + d.ns };
	rest(i);
}

/* Until half of `life`, which ends with the certificate, is over. */
static void rest_until_half(struct identity *i, int64_t life_ns)
{
	struct duration half = jittered(i, DURATION_NS(life_ns / 2));
	int64_t left = i->svid->not_after.ns - half.ns - loop_wall_now(i->options.loop).ns;

	rest_for(i, DURATION_NS(max_of(left, RENEW_MIN.ns)));
}

/*
 * What it came to. Both end with a callback, in which the identity may be freed.
 */

static void fail(struct identity *i, const char *reason)
{
	struct duration wait = jittered(i, i->backoff);

	i->key = key_free(i->key);
	i->stats.failed++;
	mem_free(i->failure);
	i->failure = mem_strdup(reason);
	i->backoff.ns = min_of(i->backoff.ns * 2, IDENTITY_RETRY_LAST.ns);
	rest_for(i, wait);
	log_warn("identity.failed", "spiffe_id=%s have=%s retry_ms=%lld reason=%s", i->id_text,
		 identity_svid(i) ? "yes" : "no", (long long)(wait.ns / DURATION_MS(1).ns),
		 log_quote(str_from(i->failure)));
	if (i->callbacks->on_failure)
		i->callbacks->on_failure(i->user, i->failure);
}

static void save(struct identity *i)
{
	int r = i->dir ? svid_save(i->svid, i->dir) : 0;

	if (r == 0)
		return;
	i->stats.saves_failed++;
	log_warn("identity.save_failed", "dir=%s reason=\"%s\"", i->dir, err_text(r));
}

static void log_svid(const struct identity *i, const char *event)
{
	struct buf until = BUF_INIT(0);

	wall_time_format(i->svid->not_after, &until);
	log_info(event, "spiffe_id=%s serial=%.*s not_after=%.*s", i->id_text,
		 STR_ARGS(i->svid->serial), STR_ARGS(buf_str(&until)));
	buf_fini(&until);
}

static void announce(struct identity *i)
{
	i->announced = true;
	i->callbacks->on_svid(i->user, i->svid);
}

static void serve_take(struct identity *i, struct svid *s)
{
	svid_unref(i->svid);
	i->svid = s;
	i->key = key_free(i->key);
	i->stats.granted++;
	i->failure = mem_free(i->failure);
	i->backoff = IDENTITY_RETRY_FIRST;
	save(i);
	log_svid(i, "identity.issued");
	/* Of what is left, not of the whole: it may have been dated back. */
	rest_until_half(i, s->not_after.ns - loop_wall_now(i->options.loop).ns);
	announce(i);
}

static void granted(struct identity *i, const struct identity_grant *grant)
{
	cleanup(key_wipe) struct buf key = BUF_INIT(0);
	struct svid_parts parts = { .chain_pem = buf_str(&grant->chain_pem),
				    .trust_pem = buf_str(&grant->trust_pem) };
	struct diag d = DIAG_INIT;
	struct svid *s;

	key_append_pem(i->key, &key);
	parts.key_pem = buf_str(&key);
	if (svid_new(&parts, str_from(i->id_text), loop_wall_now(i->options.loop), &s, &d) < 0)
		fail(i, d.text);
	else
		serve_take(i, s);
	diag_fini(&d);
}

/*
 * Asking
 */

static void on_answer(void *user, const struct certificate_answer *a)
{
	struct identity *i = user;

	i->request = NULL;
	move(i, RESTING);
	if (a->grant)
		granted(i, a->grant);
	else
		fail(i, a->reason);
}

static struct conn *connect_plain(struct identity *i)
{
	const struct socket_connect_options options = { .peer = &i->options.address };

	return socket_conn_connect(i->options.loop, i->options.chunks, &options, NULL);
}

/* Over TLS by what we are now: NULL with the reason in `d` when that is nothing. */
static struct conn *connect_tls(struct identity *i, struct diag *d)
{
	struct svid *s = identity_svid(i);
	struct tls_context *context;
	struct conn *c;

	if (!s) {
		diag_fail(d, ERR_UNAVAILABLE,
			  "a first certificate is given on the control plane's own machine, over "
			  "its Unix socket: at %s only a valid one can be renewed",
			  address_text(&i->options.address));
		return NULL;
	}
	if (svid_control_client_context(s, &context, d) < 0)
		return NULL;
	c = tls_conn_new_take(connect_plain(i), &(struct tls_conn_options){ .context = context },
			      NULL);
	tls_context_unref(context);
	return c;
}

static struct conn *make_connection(struct identity *i, struct diag *d)
{
	struct conn *c;

	if (i->options.connect) {
		c = i->options.connect(i->user);
		if (!c)
			diag_fail(d, ERR_UNAVAILABLE, "no connection to the control plane");
		return c;
	}
	return i->options.address.any.sa_family == AF_UNIX ? connect_plain(i) : connect_tls(i, d);
}

static int ask_over_connection(struct identity *i, struct str csr_pem, struct diag *d)
{
	struct conn *c = make_connection(i, d);

	if (!c)
		return d->error;
	i->request = certificate_request_begin_take(c,
						    &(struct certificate_request_options){
							    .csr_pem = csr_pem,
							    .spiffe_id = str_from(i->id_text),
							    .validity = i->options.validity,
							    .timeout = IDENTITY_CALL_TIMEOUT,
						    },
						    on_answer, i);
	return 0;
}

static int make_csr(struct identity *i, struct buf *csr, struct diag *d)
{
	int r = key_new(&i->key);

	if (r == 0)
		r = csr_append(i->key, str_from(i->id_text), csr);
	return r < 0 ? diag_fail(d, r, "no key could be made: %s", err_text(r)) : 0;
}

static void ask_signer(struct identity *i, struct str csr_pem)
{
	struct identity_grant grant = { 0 };
	struct diag d = DIAG_INIT;
	int r = i->options.sign(i->options.sign_user, csr_pem, i->options.validity, &grant, &d);

	move(i, RESTING);
	if (r < 0)
		fail(i, d.text ? d.text : err_text(r));
	else
		granted(i, &grant);
	diag_fini(&d);
	buf_fini(&grant.chain_pem);
	buf_fini(&grant.trust_pem);
}

static void ask(struct identity *i)
{
	struct buf csr = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	int r;

	timer_stop(&i->timer);
	move(i, ASKING);
	r = make_csr(i, &csr, &d);
	if (r == 0 && !i->options.sign)
		r = ask_over_connection(i, buf_str(&csr), &d);
	if (r < 0) {
		move(i, RESTING);
		fail(i, d.text);
	} else if (i->options.sign) {
		ask_signer(i, buf_str(&csr));
	}
	diag_fini(&d);
	buf_fini(&csr);
}

static void on_due(struct timer *t)
{
	struct identity *i = container_of(t, struct identity, timer);

	if (i->svid && !i->announced) {
		rest_until_half(i, i->svid->not_after.ns - i->svid->not_before.ns);
		announce(i);
	} else if (loop_wall_now(i->options.loop).ns < i->due.ns) {
		rest(i);
	} else {
		ask(i);
	}
}

/*
 * Beginning and end
 */

static int check_options(const struct identity_options *o, struct diag *d)
{
	struct spiffe_id id;

	if (spiffe_id_parse(o->spiffe_id, &id) < 0 || id.path.len == 0)
		return diag_fail(d, ERR_CONFIG, "\"%.*s\" is not the SPIFFE ID of a workload",
				 STR_ARGS(o->spiffe_id));
	if (!o->sign && !o->connect && o->address.len == 0)
		return diag_fail(d, ERR_CONFIG, "no control plane to ask for a certificate");
	return 0;
}

/* A saved SVID is taken; one that is of no use any more is not, and said so. */
static int load(struct identity *i, struct diag *d)
{
	struct diag why = DIAG_INIT;
	int r = svid_load(i->dir, str_from(i->id_text), loop_wall_now(i->options.loop), &i->svid,
			  &why);

	if (r == 0) {
		i->stats.loaded = true;
		log_svid(i, "identity.loaded");
	} else if (r == ERR_DENIED) {
		r = diag_fail(d, r, "%s", why.text);
	} else {
		if (r != -ENOENT)
			log_info("identity.not_loaded", "dir=%s reason=%s", i->dir,
				 log_quote(str_from(why.text)));
		r = 0;
	}
	diag_fini(&why);
	return r;
}

int identity_new(const struct identity_options *options, const struct identity_callbacks *callbacks,
		 void *user, struct identity **ret_identity, struct diag *d)
{
	int r = check_options(options, d);
	struct identity *i;

	if (r < 0)
		return r;
	i = mem_new(struct identity);
	i->callbacks = callbacks;
	i->user = user;
	i->options = *options;
	i->id_text = mem_strdup_str(options->spiffe_id);
	i->dir = options->dir.len > 0 ? mem_strdup_str(options->dir) : NULL;
	i->backoff = IDENTITY_RETRY_FIRST;
	timer_init(&i->timer, on_due);
	if (i->dir)
		r = load(i, d);
	if (r < 0) {
		identity_free(i);
		return r;
	}
	rest_for(i, DURATION_NS(0));
	*ret_identity = i;
	return 0;
}

struct identity *identity_free(struct identity *i)
{
	if (!i)
		return NULL;
	timer_stop(&i->timer);
	certificate_request_cancel(i->request);
	key_free(i->key);
	svid_unref(i->svid);
	mem_free(i->failure);
	mem_free(i->id_text);
	mem_free(i->dir);
	return mem_free(i);
}

struct svid *identity_svid(const struct identity *i)
{
	return i->svid && svid_is_valid_at(i->svid, loop_wall_now(i->options.loop)) ? i->svid
										    : NULL;
}

struct str identity_spiffe_id(const struct identity *i)
{
	return str_from(i->id_text);
}

struct identity_stats identity_stats(const struct identity *i)
{
	return i->stats;
}

const char *identity_failure(const struct identity *i)
{
	return i->failure ? i->failure : "";
}

void identity_renew(struct identity *i)
{
	if (i->state == RESTING)
		rest_for(i, DURATION_NS(0));
}
