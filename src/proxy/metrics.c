#include "proxy/metrics.h"

#include "base/mem.h"

#define CACHE_LINE 64

static void labels_copy(struct series_labels *to, const struct series_labels *from, char **memory)
{
	struct str *texts[] = { &to->service, &to->service_namespace, &to->version, &to->peer };
	size_t len = 1;
	char *at;

	*to = *from;
	for (size_t i = 0; i < array_count(texts); i++)
		len += texts[i]->len;
	*memory = at = mem_alloc(len);
	for (size_t i = 0; i < array_count(texts); i++) {
		if (texts[i]->len)
			memcpy(at, texts[i]->ptr, texts[i]->len);
		texts[i]->ptr = at;
		at += texts[i]->len;
	}
}

static struct request_series *series_new(struct metrics *m, const struct series_labels *labels)
{
	struct request_series *s = mem_new(struct request_series);
	char *text;

	labels_copy(&s->labels, labels, &text);
	s->key = text;
	s->metrics = m;
	s->block_bytes = (sizeof(struct request_cells) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	s->blocks = mem_zalloc_aligned(m->worker_count, s->block_bytes, CACHE_LINE);
	list_push_back(&m->series, &s->in_metrics);
	return s;
}

static void series_free(struct request_series *s)
{
	list_remove(&s->in_metrics);
	mem_free(s->blocks);
	mem_free(s->key);
	mem_free(s);
}

/* The labels as one key; lengths keep apart what separators could not. */
static void key_write(const struct series_labels *l, struct buf *out)
{
	buf_printf(out, "%d %d %zu %zu %zu ", l->direction, l->tls, l->service.len,
		   l->service_namespace.len, l->version.len);
	buf_append_str(out, l->service);
	buf_append_str(out, l->service_namespace);
	buf_append_str(out, l->version);
	buf_append_str(out, l->peer);
}

void metrics_init(struct metrics *m, uint32_t worker_count)
{
	struct series_labels none = { 0 };

	*m = (struct metrics){ .worker_count = worker_count };
	pthread_mutex_init(&m->lock, NULL);
	map_init(&m->by_key);
	list_init(&m->series);
	m->overflow = series_new(m, &none);
	m->overflow->overflow = true;
	m->overflow->refs = 1;
}

void metrics_fini(struct metrics *m)
{
	if (!m->series.next)
		return;
	while (!list_is_empty(&m->series))
		series_free(list_first(&m->series, struct request_series, in_metrics));
	map_fini(&m->by_key);
	pthread_mutex_destroy(&m->lock);
}

struct request_series *request_series_get(struct metrics *m, const struct series_labels *labels)
{
	struct buf key = BUF_INIT(0);
	struct request_series *s;

	key_write(labels, &key);
	pthread_mutex_lock(&m->lock);
	s = map_get(&m->by_key, buf_str(&key));
	if (!s && m->by_key.count >= SERIES_MAX)
		s = m->overflow;
	if (!s) {
		s = series_new(m, labels);
		map_set(&m->by_key, buf_str(&key), s);
	}
	s->refs++;
	pthread_mutex_unlock(&m->lock);
	buf_fini(&key);
	return s;
}

struct request_series *request_series_unref(struct request_series *s, struct instant now)
{
	if (!s)
		return NULL;
	pthread_mutex_lock(&s->metrics->lock);
	s->refs--;
	s->idle_since = now;
	pthread_mutex_unlock(&s->metrics->lock);
	return NULL;
}

enum metric_class metric_class_of(uint16_t status)
{
	return status >= 100 && status < 600 ? (enum metric_class)(status / 100) : METRIC_NONE;
}

static void sample_fill(const struct request_series *s, struct series_sample *sample)
{
	*sample = (struct series_sample){ .labels = s->labels, .overflow = s->overflow };
	for (uint32_t w = 0; w < s->metrics->worker_count; w++) {
		const struct request_cells *cells = request_series_cells(s, w);

		for (int i = 0; i < METRIC_CLASS_COUNT; i++)
			sample->classes[i] += counter_read(&cells->classes[i]);
		sample->retries += counter_read(&cells->retries);
		histogram_merge(&cells->duration, &sample->duration);
	}
}

static bool has_left(const struct request_series *s, struct instant now)
{
	return s->refs == 0 && instant_after(s->idle_since, SERIES_IDLE).ns <= now.ns;
}

void metrics_read(struct metrics *m, struct instant now,
		  void (*on_series)(void *user, const struct series_sample *sample), void *user)
{
	struct series_sample sample;

	pthread_mutex_lock(&m->lock);
	list_for_each_safe (node, &m->series) {
		struct request_series *s = container_of(node, struct request_series, in_metrics);

		sample_fill(s, &sample);
		on_series(user, &sample);
		if (has_left(s, now)) {
			struct buf key = BUF_INIT(0);

			key_write(&s->labels, &key);
			map_remove(&m->by_key, buf_str(&key));
			buf_fini(&key);
			series_free(s);
		}
	}
	pthread_mutex_unlock(&m->lock);
}
