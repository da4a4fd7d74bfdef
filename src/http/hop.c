#include "http/hop.h"

#include "codec/http1_scan.h"

#define BIT(id) (1ull << (id))

/* Always taken out; TE is looked at. */
#define HOP_BY_HOP                                                                        \
	(BIT(HEADER_CONNECTION) | BIT(HEADER_KEEP_ALIVE) | BIT(HEADER_PROXY_CONNECTION) | \
	 BIT(HEADER_TRANSFER_ENCODING) | BIT(HEADER_UPGRADE) | BIT(HEADER_HTTP2_SETTINGS))

#define NOTED     (HOP_BY_HOP | BIT(HEADER_TE))

/* What Connection may name in vain. */
#define PROTECTED (BIT(HEADER_HOST) | BIT(HEADER_CONTENT_LENGTH) | BIT(HEADER_TE))

static void strip_nominated(struct headers *h, struct str list)
{
	struct str name;

	while (str_split(&list, ',', &name)) {
		enum header_id id;

		name = str_trim(name);
		if (name.len == 0)
			continue;
		id = header_id_of(name);
		if (id == HEADER_OTHER || !(PROTECTED & BIT(id)))
			headers_remove_named(h, name);
	}
}

static void reduce_te(struct header *field)
{
	struct str rest = field->value, part;

	while (str_split(&rest, ',', &part)) {
		if (!str_eq_nocase(str_trim(part), STR("trailers")))
			continue;
		field->value = STR("trailers");
		return;
	}
	field->id = HEADER_REMOVED;
}

/* "keep-alive" and "close" name no field that would not go anyway. */
static bool names_fields(struct str connection)
{
	return !http1_word_is(connection, "keep-alive", 10) &&
	       !str_eq_nocase(connection, STR("close"));
}

void http_strip_hop_by_hop(struct headers *h)
{
	for (struct header *field = h->items, *end = field + h->count; field != end; field++) {
		if (field->id >= HEADER_ID_COUNT || likely(!(NOTED >> field->id & 1)))
			continue;
		if (field->id == HEADER_TE) {
			reduce_te(field);
			continue;
		}
		if (field->id == HEADER_CONNECTION && names_fields(field->value))
			strip_nominated(h, field->value);
		field->id = HEADER_REMOVED;
	}
}
