#include "model/filters.h"

#include "model/compile.h"

static int router_compile(struct compile *c, const struct pb_message *m, void *object)
{
	struct filter_settings *f = object;
	struct router_settings *router = pool_new(c->pool, struct router_settings);

	router->suppress_envoy_headers = pb_bool(m, PB_Router_suppress_envoy_headers);
	f->kind = FILTER_ROUTER;
	f->config = router;
	return 0;
}

/* Every HTTP filter that there is. */
static const struct extension filters[] = {
	{ &pb_Router, "envoy.filters.http.router", router_compile },
};

/*
 * What guards something is never left out, even where the configuration calls it optional:
 * without it everything would pass. Each is a segment of the filter's name or of its type. The
 * last ones may hide any other filter.
 */
static const char *const guards[] = {
	"rbac",
	"jwt_authn",
	"ext_authz",
	"ratelimit",
	"local_ratelimit",
	"rate_limit_quota",
	"oauth2",
	"basic_auth",
	"api_key_auth",
	"csrf",
	"ext_proc",
	"authn",
	"gcp_authn",
	"lua",
	"wasm",
	"golang",
	"dynamic_modules",
	"composite",
	"TypedStruct",
};

static bool names_guard(struct str name)
{
	struct str segment;

	while (str_split(&name, '.', &segment))
		for (size_t i = 0; i < array_count(guards); i++)
			if (str_eq(segment, str_from(guards[i])))
				return true;
	return false;
}

static bool may_be_left_out(const struct pb_message *m)
{
	return pb_bool(m, PB_HttpFilter_is_optional) &&
	       !names_guard(pb_text(m, PB_HttpFilter_name)) &&
	       !names_guard(pb_text(pb_sub(m, PB_HttpFilter_typed_config), PB_Any_type_url));
}

static int filter_compile(struct compile *c, const struct pb_message *m,
			  const struct extension *row, struct filter_settings **ret_filter)
{
	struct filter_settings *f = pool_new(c->pool, struct filter_settings);
	struct pb_message *config;
	int r;

	f->name = pb_text(m, PB_HttpFilter_name);
	f->disabled = pb_bool(m, PB_HttpFilter_disabled);
	r = compile_any(c, m, PB_HttpFilter_typed_config, &config);
	if (r < 0)
		return r;
	r = row->compile(c, config, f);
	if (r < 0)
		return r;
	*ret_filter = f;
	return 0;
}

/* The router answers the request: what stood behind it would never see one. */
static int check_order(struct compile *c, const struct pb_message *m, unsigned field,
		       const struct filter_list *list)
{
	for (uint32_t i = 0; i + 1 < list->count; i++)
		if (list->items[i]->kind == FILTER_ROUTER)
			return pb_fail_field(c->d, m, field, ERR_CONFIG,
					     "\"%.*s\" stands behind the router, which must be the "
					     "last filter",
					     STR_ARGS(list->items[i + 1]->name));
	if (list->count == 0 || list->items[list->count - 1]->kind != FILTER_ROUTER)
		return pb_fail_field(c->d, m, field, ERR_CONFIG,
				     "the last filter must be the router");
	if (list->items[list->count - 1]->disabled)
		return pb_fail_field(c->d, m, field, ERR_CONFIG, "the router cannot be disabled");
	return 0;
}

int filters_compile(struct compile *c, const struct pb_message *m, unsigned field,
		    struct filter_list *ret_filters)
{
	uint32_t count = pb_count(m, field);
	struct filter_list list = { .items = pool_new_array(c->pool, struct filter_settings *,
							    count) };
	int r;

	for (uint32_t i = 0; i < count; i++) {
		const struct pb_message *filter = pb_sub_at(m, field, i);
		const struct extension *row = compile_extension(filters, array_count(filters),
								filter, PB_HttpFilter_typed_config);

		if (!row && may_be_left_out(filter)) {
			compile_warn(c, filter, "is optional and not supported: left out");
			continue;
		}
		if (!row)
			return compile_unsupported(c, filter, PB_HttpFilter_name,
						   PB_HttpFilter_typed_config, "HTTP filter");
		r = filter_compile(c, filter, row, &list.items[list.count++]);
		if (r < 0)
			return r;
	}
	r = check_order(c, m, field, &list);
	if (r < 0)
		return r;
	*ret_filters = list;
	return 0;
}
