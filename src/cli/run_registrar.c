#include "cli/run_registrar.h"

#include "base/log.h"
#include "cli/run_documents.h"

#define BEAT             DURATION_SECONDS(10)
#define AGAIN            DURATION_SECONDS(1)
#define WITHDRAW_TIMEOUT DURATION_SECONDS(2)
#define REGISTER_PATH    STR("/weft/v1/register")

int run_register(struct remote *remote, const struct run_plan *plan, struct diag *d)
{
	struct remote_request request = { .method = METHOD_POST, .path = REGISTER_PATH };
	struct buf body = BUF_INIT(0);
	struct node *answer;
	int r;

	run_registration(plan, false, &body);
	request.body = buf_str(&body);
	r = remote_try(remote, &request, &answer, d);
	buf_fini(&body);
	return r;
}

void run_withdraw(struct remote *remote, const struct run_plan *plan)
{
	struct remote_request request = { .method = METHOD_DELETE, .timeout = WITHDRAW_TIMEOUT };
	struct buf path = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *answer;

	run_workload_path(plan, &path);
	request.path = buf_str(&path);
	if (remote_try(remote, &request, &answer, &d) < 0)
		log_warn("run.withdraw_failed", "reason=%s", log_quote(str_from(d.text)));
	buf_fini(&path);
	diag_fini(&d);
}

static void ask(struct run_registrar *r);

static void outcome_note(struct run_registrar *r, const struct http_fetch_result *result)
{
	struct pool pool = POOL_INIT(0);
	struct diag d = DIAG_INIT;
	struct node *body;
	int error = remote_read(r->remote, result, &pool, &body, &d);

	if (error == ERR_NOT_FOUND && r->withdrawing)
		error = 0; /* it was gone already */
	if (error < 0 && !r->failing)
		log_warn("run.register_failed", "reason=%s", log_quote(str_from(d.text)));
	if (error == 0 && r->failing)
		log_info("run.registered", "");
	r->failing = error < 0;
	diag_fini(&d);
	pool_fini(&pool);
}

static void on_registered(struct http_fetch *f, const struct http_fetch_result *result)
{
	struct run_registrar *r = http_fetch_user(f);

	r->fetch = NULL;
	outcome_note(r, result);
	if (r->changed || r->withdrawing)
		ask(r);
	else
		timer_start(r->remote->loop, &r->timer, r->failing ? AGAIN : BEAT);
}

static void on_withdrawn(struct http_fetch *f, const struct http_fetch_result *result)
{
	struct run_registrar *r = http_fetch_user(f);

	r->fetch = NULL;
	outcome_note(r, result);
	r->on_withdrawn(r);
}

static void ask(struct run_registrar *r)
{
	struct remote_request request = { .method = METHOD_POST, .path = REGISTER_PATH };
	struct buf text = BUF_INIT(0);

	r->changed = false;
	timer_stop(&r->timer);
	if (r->withdrawing) {
		run_workload_path(r->plan, &text);
		request.method = METHOD_DELETE;
		request.path = buf_str(&text);
		request.timeout = WITHDRAW_TIMEOUT;
		r->fetch = remote_start(r->remote, &request, on_withdrawn, r);
	} else {
		run_registration(r->plan, r->ready, &text);
		request.body = buf_str(&text);
		r->fetch = remote_start(r->remote, &request, on_registered, r);
	}
	buf_fini(&text);
}

static void on_due(struct timer *t)
{
	struct run_registrar *r = container_of(t, struct run_registrar, timer);

	if (!r->fetch)
		ask(r);
}

void run_registrar_start(struct run_registrar *r, struct remote *remote,
			 const struct run_plan *plan,
			 void (*on_withdrawn_callback)(struct run_registrar *r))
{
	*r = (struct run_registrar){ .remote = remote,
				     .plan = plan,
				     .on_withdrawn = on_withdrawn_callback };
	timer_init(&r->timer, on_due);
	timer_start(remote->loop, &r->timer, BEAT);
}

static void ask_or_wait(struct run_registrar *r)
{
	r->changed = true;
	if (!r->fetch)
		ask(r);
}

void run_registrar_set_ready(struct run_registrar *r)
{
	r->ready = true;
	if (!r->withdrawing)
		ask_or_wait(r);
}

void run_registrar_keep(struct run_registrar *r)
{
	r->withdrawing = false;
	timer_start(r->remote->loop, &r->timer, BEAT);
}

void run_registrar_withdraw(struct run_registrar *r)
{
	r->withdrawing = true;
	ask_or_wait(r);
}

void run_registrar_stop(struct run_registrar *r)
{
	timer_stop(&r->timer);
	if (r->fetch)
		http_fetch_cancel(r->fetch);
	r->fetch = NULL;
}
