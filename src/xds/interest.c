#include "xds/interest.h"

#include <assert.h>

#include "base/mem.h"

struct topic {
	struct list interests; /* struct interest.in_topic, oldest first */
};

void interests_init(struct interests *all)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++)
		map_init(&all->topics[i]);
}

void interests_fini(struct interests *all)
{
	for (unsigned i = 0; i < XDS_TYPE_COUNT; i++) {
		assert(all->topics[i].count == 0);
		map_fini(&all->topics[i]);
	}
}

void interest_begin(struct interests *all, enum xds_type type, struct str name,
		    struct interest *interest)
{
	struct topic *topic = map_get(&all->topics[type], name);

	if (!topic) {
		topic = mem_new(struct topic);
		list_init(&topic->interests);
		map_set(&all->topics[type], name, topic);
	}
	interest->topic = topic;
	list_push_back(&topic->interests, &interest->in_topic);
}

void interest_end(struct interests *all, enum xds_type type, struct str name,
		  struct interest *interest)
{
	struct topic *topic = TAKE(interest->topic);

	if (!topic)
		return;
	list_remove(&interest->in_topic);
	if (!list_is_empty(&topic->interests))
		return;
	map_remove(&all->topics[type], name);
	mem_free(topic);
}

void interests_each(const struct interests *all, enum xds_type type, struct str name,
		    void (*on_stream)(void *user, struct delta_stream *s), void *user)
{
	const struct topic *topic = map_get(&all->topics[type], name);

	if (!topic)
		return;
	list_for_each (node, &topic->interests)
		on_stream(user, container_of(node, struct interest, in_topic)->stream);
}
