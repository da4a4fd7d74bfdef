#include "proxy/deadlines.h"

static struct instant first_of(const struct deadlines *d)
{
	struct instant first = { INT64_MAX };

	for (int i = 0; i < DEADLINE_COUNT; i++)
		if (d->at[i].ns && d->at[i].ns < first.ns)
			first = d->at[i];
	return first;
}

static void arm(struct deadlines *d)
{
	struct instant first = first_of(d);

	if (first.ns != INT64_MAX)
		timer_start(d->loop, &d->timer, instant_since(first, loop_now(d->loop)));
}

/* One deadline for each call: what its handler does may stop or move the others. */
static void timer_due(struct timer *t)
{
	struct deadlines *d = container_of(t, struct deadlines, timer);
	struct instant first = first_of(d);

	if (first.ns > loop_now(d->loop).ns) {
		arm(d);
		return;
	}
	for (int i = 0; i < DEADLINE_COUNT; i++) {
		if (d->at[i].ns != first.ns)
			continue;
		d->at[i].ns = 0;
		arm(d);
		d->on_due(d->user, i);
		return;
	}
}

void deadlines_init(struct deadlines *d, struct loop *l)
{
	*d = (struct deadlines){ .loop = l };
	timer_init(&d->timer, timer_due);
}

void deadlines_fini(struct deadlines *d)
{
	timer_stop(&d->timer);
}

void deadline_start(struct deadlines *d, enum deadline which, struct duration after)
{
	struct instant at = instant_after(loop_now(d->loop), after);

	d->at[which] = at;
	if (unlikely(!timer_is_running(&d->timer) || at.ns < d->timer.due.ns))
		timer_start(d->loop, &d->timer, after);
}
