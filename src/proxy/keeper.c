#include "proxy/keeper.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/cluster.h"
#include "model/listener.h"

struct keeper {
	struct keeper_options options;
	char *dir;
	char *path;
	struct timer timer;      /* runs while something is noted */
	struct instant earliest; /* the next write */
	unsigned postponed;
	bool complained; /* about the present reason for which nothing is written */
	struct keeper_stats stats;
};

/*
 * Writing
 */

static bool has_key(const struct tls_settings *t)
{
	return t && t->key_pem.len > 0;
}

/* A private key that came inside a resource, and not as a secret by name. */
static bool carries_key(struct part *p)
{
	const struct listener *l;

	if (p->kind == PART_CLUSTER)
		return has_key(cluster_of(p)->tls);
	if (p->kind != PART_LISTENER)
		return false;
	l = listener_of(p);
	for (uint32_t i = 0; i < l->chain_count; i++)
		if (has_key(l->chains[i].tls))
			return true;
	return l->default_chain && has_key(l->default_chain->tls);
}

static int add_part(struct buf *file, struct part *p)
{
	if (!p || p->from_bootstrap)
		return 0;
	if (carries_key(p))
		return ERR_DENIED;
	kept_add(file, &(struct kept_resource){
			       .type = xds_type_of(part_type_url(p->kind)),
			       .name = p->name,
			       .version = p->version,
			       .bytes = p->raw,
		       });
	return 0;
}

static void add_missing(struct buf *file, enum part_kind kind, struct resource *e)
{
	struct kept_resource r = { .type = xds_type_of(part_type_url(kind)),
				   .name = resource_name(e) };

	if (resource_is_missing(e) && !resource_active(e) && !resource_staged(e))
		kept_add(file, &r);
}

/* Missing names come behind the parts that name them: nobody else wants them. */
static int content(const struct keeper *k, struct buf *file)
{
	const struct resources *all = k->options.resources;
	int r = 0;

	kept_begin(file, &k->options.owner, all->revision_applied);
	for (int kind = 0; kind < PART_KIND_COUNT; kind++) {
		if (kind == PART_SECRET)
			continue;
		map_for_each (entry, &all->by_name[kind])
			if (r == 0)
				r = add_part(file, resource_active(entry->value)
							   ?: resource_staged(entry->value));
	}
	for (int kind = 0; kind < PART_KIND_COUNT; kind++) {
		if (kind == PART_SECRET)
			continue;
		map_for_each (entry, &all->by_name[kind])
			add_missing(file, kind, entry->value);
	}
	return r < 0 ? r : kept_finish(file);
}

/* Nothing can be kept, for as long as things are as they are: then nothing out of date is
 * either. */
static void give_up(struct keeper *k, int error)
{
	if (!k->complained)
		log_warn("kept.nothing", "file=%s reason=\"%s\"", k->path,
			 error == ERR_LIMIT
				 ? "the resources are too large to be kept"
				 : "a resource carries a private key, which does not go to disk");
	k->complained = true;
	if (unlink(k->path) < 0 && errno != ENOENT)
		log_error("kept.not_removed", "file=%s reason=\"%s\"", k->path, err_text(-errno));
}

static void write_failed(struct keeper *k, int error)
{
	k->stats.writes_failed++;
	if (!k->complained)
		log_warn("kept.write_failed", "file=%s reason=\"%s\"", k->path, err_text(error));
	k->complained = true;
	/* Tried again, with or without another change. */
	timer_start(k->options.loop, &k->timer,
		    DURATION_NS(KEEPER_DELAY.ns * KEEPER_POSTPONED_MAX));
}

static void write_now(struct keeper *k)
{
	struct buf file = BUF_INIT(0);
	int r = content(k, &file);
	int64_t rest = KEEPER_DELAY.ns * (int64_t)(buf_len(&file) / KEEPER_REST_BYTES);

	k->postponed = 0;
	k->earliest = instant_after(loop_now(k->options.loop), DURATION_NS(rest));
	if (r < 0) {
		give_up(k, r);
		buf_fini(&file);
		return;
	}
	r = dir_make_private(k->dir);
	if (r == 0)
		r = file_write_atomic(k->path, buf_str(&file), 0600);
	buf_fini(&file);
	if (r < 0) {
		write_failed(k, r);
		return;
	}
	k->stats.writes++;
	k->complained = false;
	log_debug("kept.written", "file=%s", k->path);
}

static void on_due(struct timer *t)
{
	struct keeper *k = container_of(t, struct keeper, timer);

	/* Half of a change on its way is worth less than what is there. */
	if (k->options.resources->staged_count > 0 && k->postponed < KEEPER_POSTPONED_MAX) {
		k->postponed++;
		timer_start(k->options.loop, t, KEEPER_DELAY);
		return;
	}
	write_now(k);
}

void keeper_note(struct keeper *k)
{
	struct duration rest = instant_since(k->earliest, loop_now(k->options.loop));

	if (!timer_is_running(&k->timer))
		timer_start(k->options.loop, &k->timer,
			    rest.ns > KEEPER_DELAY.ns ? rest : KEEPER_DELAY);
}

void keeper_flush(struct keeper *k)
{
	if (!timer_is_running(&k->timer))
		return;
	timer_stop(&k->timer);
	write_now(k);
	timer_stop(&k->timer);
}

/*
 * Using
 */

struct changes {
	struct resource_change *items; /* each part is ours */
	uint32_t count;
};

static void changes_fini(struct changes *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		part_unref(c->items[i].part);
	mem_free(c->items);
}

static int change_make(const struct kept_resource *r, struct resource_change *ret_change,
		       struct diag *d)
{
	enum part_kind kind = part_kind_of(xds_types[r->type].url);
	struct diag why = DIAG_INIT;
	struct part *part = NULL;
	int e = 0;

	if (r->bytes.len)
		e = resource_compile(kind, r->name, r->bytes, r->version, &part, &why);
	if (e < 0)
		e = diag_fail(d, e, "%s \"%.*s\": %s%s%s", part_kind_text(kind), STR_ARGS(r->name),
			      why.path ? why.path : "", why.path ? ": " : "",
			      why.text ? why.text : err_text(e));
	diag_fini(&why);
	if (e < 0)
		return e;
	if (part)
		part->kept = true;
	*ret_change = (struct resource_change){ .kind = kind, .name = r->name, .part = part };
	return 0;
}

static int changes_make(struct kept *kept, struct changes *c, struct diag *d)
{
	struct kept_resource resource;
	int r = 0;

	c->items = mem_new_array(struct resource_change, kept->count + 1);
	while (r == 0 && kept_next(kept, &resource)) {
		r = change_make(&resource, &c->items[c->count], d);
		c->count += r == 0;
	}
	return r;
}

static void apply(struct keeper *k, const struct kept *kept, const struct changes *c)
{
	struct diag d = DIAG_INIT;

	log_info("kept.used", "file=%s resources=%u revision=%llu", k->path, c->count,
		 (unsigned long long)kept->revision);
	k->stats.used += c->count;
	if (resources_apply(k->options.resources, c->items, c->count, kept->revision, &d) < 0)
		log_error("resources.apply_failed", "reason=%s", log_quote(str_from(d.text)));
	diag_fini(&d);
}

static int use(struct keeper *k, struct str file, struct diag *d)
{
	struct changes changes = { 0 };
	struct kept kept;
	int r = kept_open(file, &k->options.owner, &kept, d);

	if (r < 0)
		return r;
	r = changes_make(&kept, &changes, d);
	if (r == 0)
		apply(k, &kept, &changes);
	changes_fini(&changes);
	return r;
}

bool keeper_use(struct keeper *k)
{
	struct buf file = BUF_INIT(0);
	struct diag d = DIAG_INIT;
	int r = file_read(k->path, KEPT_BYTES_MAX, &file);

	if (r == -ENOENT)
		log_info("kept.none", "file=%s", k->path);
	else if (r < 0)
		diag_fail(&d, r, "%s", err_text(r));
	else
		r = use(k, buf_str(&file), &d);
	if (d.error)
		log_warn("kept.refused", "file=%s reason=%s", k->path, log_quote(str_from(d.text)));
	diag_fini(&d);
	buf_fini(&file);
	return r == 0;
}

/*
 * Beginning and end
 */

struct keeper *keeper_new(const struct keeper_options *options)
{
	struct keeper *k = mem_new(struct keeper);

	k->options = *options;
	k->dir = mem_strdup_str(options->dir);
	k->path = mem_printf("%s/" KEEPER_FILE, k->dir);
	timer_init(&k->timer, on_due);
	file_remove_unfinished(k->path);
	return k;
}

struct keeper *keeper_free(struct keeper *k)
{
	if (!k)
		return NULL;
	timer_stop(&k->timer);
	mem_free(k->path);
	mem_free(k->dir);
	return mem_free(k);
}

struct keeper_stats keeper_stats(const struct keeper *k)
{
	return k->stats;
}
