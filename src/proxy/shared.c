#include "proxy/shared.h"

#include <assert.h>

#include "base/mem.h"

#define CACHE_LINE 64

static bool is_held(const struct shared *s)
{
	for (uint32_t i = 0; i < s->domain->worker_count; i++)
		if (atomic_load_explicit(&s->holds[i * s->stride], memory_order_acquire))
			return true;
	return false;
}

void shared_domain_init(struct shared_domain *d, uint32_t worker_count)
{
	assert(worker_count > 0);
	*d = (struct shared_domain){ .worker_count = worker_count };
	list_init(&d->retired);
}

static void free_retired(struct shared_domain *d, struct shared *s)
{
	list_remove(&s->in_retired);
	d->retired_count--;
	s->on_free(s);
}

void shared_domain_fini(struct shared_domain *d)
{
	if (!d->retired.next)
		return;
	while (!list_is_empty(&d->retired))
		free_retired(d, list_first(&d->retired, struct shared, in_retired));
}

/* Freeing an object drops its references to others, which may retire them in turn; they are
 * appended, so one walk over the list sees them too. */
uint32_t shared_domain_collect(struct shared_domain *d)
{
	struct list *node = d->retired.next;

	while (node != &d->retired) {
		struct shared *s = container_of(node, struct shared, in_retired);
		struct list *before = node->prev;

		node = node->next;
		if (is_held(s))
			continue;
		free_retired(d, s);
		/* What was appended behind the end of the list a moment ago stands there now. */
		if (node == &d->retired)
			node = before->next;
	}
	return d->retired_count;
}

void shared_init(struct shared *s, struct shared_domain *d, enum shared_heat heat,
		 void (*on_free)(struct shared *s))
{
	uint32_t line = CACHE_LINE / sizeof(_Atomic uint32_t);

	*s = (struct shared){
		.domain = d,
		.on_free = on_free,
		.refs = 1,
		.stride = heat == SHARED_HOT ? line : 1,
	};
	if (heat == SHARED_HOT)
		s->holds = mem_zalloc_aligned(d->worker_count, CACHE_LINE, CACHE_LINE);
	else
		s->holds = mem_zalloc_array(d->worker_count, sizeof(*s->holds));
	list_init(&s->in_retired);
}

void shared_fini(struct shared *s)
{
	s->holds = mem_free(s->holds);
}

void shared_ref(struct shared *s)
{
	assert(s->refs > 0);
	s->refs++;
}

void shared_unref(struct shared *s)
{
	if (!s)
		return;
	assert(s->refs > 0);
	if (--s->refs > 0)
		return;
	list_push_back(&s->domain->retired, &s->in_retired);
	s->domain->retired_count++;
}

/*
 * Looking inside
 */

void shared_domain_check(const struct shared_domain *d)
{
	uint32_t count = 0;

	list_check(&d->retired);
	list_for_each (node, &d->retired) {
		assert(container_of(node, struct shared, in_retired)->refs == 0);
		count++;
	}
	assert(count == d->retired_count);
}

void shared_dump_fields(const struct shared *s, struct dump *d)
{
	dump_number(d, "refs", s->refs);
	for (uint32_t i = 0; i < s->domain->worker_count; i++)
		dump_number(d, "holds",
			    atomic_load_explicit(&s->holds[i * s->stride], memory_order_relaxed));
}
