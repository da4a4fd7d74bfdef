#include "base/mem.h"
#include "control/telemetry_private.h"

/* direction, service, namespace, version, peer, tls */
#define LABEL_COUNT 6

struct slot {
	int64_t number; /* of TELEMETRY_SLOT since the origin of the clock */
	struct telemetry_sums sums;
};

struct series {
	struct str labels[LABEL_COUNT]; /* into the map's key */
	struct telemetry_sums total;
	int64_t newest;     /* number of the slot that was written last */
	struct slot *slots; /* a ring; NULL when nothing in it is young enough */
};

struct telemetry *telemetry_new(struct loop *loop, struct proxies *proxies)
{
	struct telemetry *t = mem_new(struct telemetry);

	t->loop = loop;
	t->proxies = proxies;
	t->started = loop_now(loop);
	map_init(&t->series);
	return t;
}

static void series_free(struct series *s)
{
	mem_free(s->slots);
	mem_free(s);
}

struct telemetry *telemetry_free(struct telemetry *t)
{
	if (!t)
		return NULL;
	map_for_each (entry, &t->series)
		series_free(entry->value);
	map_fini(&t->series);
	mem_free(t);
	return NULL;
}

static int64_t slot_number(const struct telemetry *t)
{
	return loop_now(t->loop).ns / TELEMETRY_SLOT.ns;
}

static void labels_split(struct series *s, struct str key)
{
	size_t from = 0;

	for (unsigned i = 0; i < LABEL_COUNT; i++) {
		size_t to = str_find(key, from, '\n');

		s->labels[i] = str_slice(key, from, to);
		from = to + 1;
	}
}

static struct series *series_new(struct telemetry *t, struct str key)
{
	struct series *s = mem_new(struct series);

	map_set(&t->series, key, s);
	labels_split(s, container_of(t->series.in_order.prev, struct map_entry, in_order)->key);
	return s;
}

/* The series that takes what has none of its own. */
static struct series *other_series(struct telemetry *t, struct str direction)
{
	struct buf key = BUF_INIT(0);
	struct series *s;

	buf_printf(&key, "%.*s\n" TELEMETRY_OTHER "\n\n\n\n", STR_ARGS(direction));
	s = map_get(&t->series, buf_str(&key));
	if (!s)
		s = series_new(t, buf_str(&key));
	buf_fini(&key);
	return s;
}

static bool is_silent(const struct telemetry *t, const struct series *s)
{
	return s->newest + TELEMETRY_SLOT_COUNT <= slot_number(t);
}

/* Silent series make room; what they counted in all stays counted. */
static void make_room(struct telemetry *t)
{
	if (t->swept == slot_number(t))
		return;
	t->swept = slot_number(t);
	map_for_each (entry, &t->series) {
		struct series *s = entry->value;
		struct series *other;

		if (!is_silent(t, s) || str_eq(s->labels[1], STR(TELEMETRY_OTHER)))
			continue;
		other = other_series(t, s->labels[0]);
		telemetry_sums_add(&other->total, &s->total);
		series_free(s);
		map_remove(&t->series, entry->key);
	}
}

struct series *telemetry_series(struct telemetry *t, struct str key)
{
	struct series *s = map_get(&t->series, key);

	if (s)
		return s;
	if (t->series.count >= TELEMETRY_SERIES_MAX)
		make_room(t);
	if (t->series.count >= TELEMETRY_SERIES_MAX)
		return other_series(t, str_slice(key, 0, str_find(key, 0, '\n')));
	return series_new(t, key);
}

static struct telemetry_sums *slot_now(struct telemetry *t, struct series *s)
{
	int64_t number = slot_number(t);
	struct slot *slot;

	if (!s->slots)
		s->slots = mem_new_array(struct slot, TELEMETRY_SLOT_COUNT);
	slot = &s->slots[number % TELEMETRY_SLOT_COUNT];
	if (slot->number != number)
		*slot = (struct slot){ .number = number };
	s->newest = number;
	return &slot->sums;
}

void telemetry_add(struct telemetry *t, struct series *s, const struct telemetry_sums *more)
{
	telemetry_sums_add(&s->total, more);
	telemetry_sums_add(slot_now(t, s), more);
}

/*
 * Reading
 */

void telemetry_sums_add(struct telemetry_sums *sums, const struct telemetry_sums *more)
{
	for (unsigned i = 0; i < TELEMETRY_CLASS_COUNT; i++)
		sums->classes[i] += more->classes[i];
	sums->retries += more->retries;
	for (unsigned i = 0; i <= HISTOGRAM_BOUND_COUNT; i++)
		sums->duration.buckets[i] += more->duration.buckets[i];
	sums->duration.sum_us += more->duration.sum_us;
}

static struct telemetry_sums series_sums(const struct telemetry *t, const struct series *s,
					 struct duration window)
{
	struct telemetry_sums sums = { 0 };
	int64_t first = (loop_now(t->loop).ns - window.ns) / TELEMETRY_SLOT.ns;

	if (window.ns == 0)
		return s->total;
	for (unsigned i = 0; s->slots && i < TELEMETRY_SLOT_COUNT; i++)
		if (s->slots[i].number > first)
			telemetry_sums_add(&sums, &s->slots[i].sums);
	return sums;
}

void telemetry_each(const struct telemetry *t, struct duration window,
		    void (*on_series)(void *user, const struct telemetry_labels *labels,
				      const struct telemetry_sums *sums),
		    void *user)
{
	map_for_each (entry, &t->series) {
		const struct series *s = entry->value;
		const struct telemetry_sums sums = series_sums(t, s, window);
		const struct telemetry_labels labels = {
			.direction = s->labels[0],
			.service = s->labels[1],
			.name_space = s->labels[2],
			.version = s->labels[3],
			.peer = s->labels[4],
			.tls = s->labels[5],
		};

		on_series(user, &labels, &sums);
	}
}

struct duration telemetry_covered(const struct telemetry *t, struct duration window)
{
	struct instant now = loop_now(t->loop);
	struct duration age = instant_since(now, t->started);
	int64_t first;

	if (window.ns == 0)
		return age;
	/* Whole slots behind the window's beginning, and what has passed of the present one. */
	first = (now.ns - window.ns) / TELEMETRY_SLOT.ns + 1;
	return DURATION_NS(min_of(age.ns, now.ns - first * TELEMETRY_SLOT.ns));
}

struct telemetry_counters telemetry_counters(const struct telemetry *t)
{
	struct telemetry_counters counters = t->counters;

	counters.series = t->series.count;
	return counters;
}
