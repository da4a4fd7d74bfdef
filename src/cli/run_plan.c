#include "cli/run_plan.h"

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "mesh/format.h"

#define SUFFIX_LEN      5
#define ADDRESS_EXAMPLE "127.0.0.1:9080"

// clang-format off
const struct setting run_table[] = {
	SETTING_TABLE(struct run_settings, in, namespace_table),
	SETTING(struct run_settings, service, text, NULL, "NAME",
	        "Service that the program serves, and account of its identity."),
	SETTING(struct run_settings, version, text, NULL, "VERSION",
	        "Version of the program; a Service NAME-VERSION selects it alone."),
	SETTING(struct run_settings, port, list, NULL, "PORT[/http|/tcp]",
	        "Port that the program listens on; tcp when not said. Repeatable."),
	SETTING(struct run_settings, address, text, "127.0.0.1", "IP",
	        "Address that the program listens on."),
	SETTING(struct run_settings, upstream, list, NULL, "NAME:PORT=ADDRESS:PORT",
	        "Service (NAME or NAME.NAMESPACE) that it calls, and where it finds it."),
	SETTING(struct run_settings, mesh_address, text, NULL, "IP",
	        "Address where others reach it by mutual TLS (default: --address)."),
	SETTING(struct run_settings, name, text, NULL, "WORKLOAD",
	        "Name of the Workload (default: with a random end)."),
	SETTING(struct run_settings, run, text, NULL, "DIR",
	        "Directory of run files (default: that of the control plane, if ours)."),
	SETTING(struct run_settings, proxy, text, NULL, "PATH",
	        "The program weft-proxy (default: beside weft, else by PATH)."),
	SETTING(struct run_settings, proxy_log, text, NULL, "FILE",
	        "Where the proxy's log goes (default: standard error)."),
	SETTING_CHOICE(struct run_settings, proxy_log_level, 0, "warn", "LEVEL", log_level_words,
	               "Log of the proxy from this level on"),
	{ 0 }
};
// clang-format on

/*
 * Names
 */

static int label_read(struct str text, const char *flag, struct diag *d)
{
	if (format_fits(&format_dns_label, text))
		return 0;
	return diag_fail(d, ERR_CONFIG, "%s: \"%.*s\" is not %s", flag, STR_ARGS(text),
			 format_dns_label.expected);
}

/* Services NAME-VERSION and the Workload's name are made of them. */
static int version_check(const struct run_plan *p, struct diag *d)
{
	struct buf name = BUF_INIT(0);
	bool fits;

	buf_printf(&name, "%.*s-%.*s", STR_ARGS(p->service), STR_ARGS(p->version));
	fits = format_fits(&format_dns_label, buf_str(&name));
	buf_fini(&name);
	if (fits)
		return 0;
	diag_fail(d, ERR_CONFIG, "--version: \"%.*s\" cannot end the name of a Service",
		  STR_ARGS(p->version));
	diag_hint(d, "lower-case letters, digits and hyphens, with the service's name 63 at most");
	return ERR_CONFIG;
}

/* A random end of letters and digits that are not taken for each other. */
static void workload_name(struct run_plan *p, struct random *random)
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	char suffix[SUFFIX_LEN];
	struct str stem = p->service;

	for (size_t i = 0; i < SUFFIX_LEN; i++)
		suffix[i] = alphabet[random_below(random, sizeof(alphabet) - 1)];
	if (p->version.len)
		stem = pool_printf(&p->pool, "%.*s-%.*s", STR_ARGS(p->service),
				   STR_ARGS(p->version));
	stem = str_slice(stem, 0, 63 - SUFFIX_LEN - 1);
	p->workload = pool_printf(&p->pool, "%.*s-%.*s", STR_ARGS(stem), SUFFIX_LEN, suffix);
}

static int names_read(struct run_plan *p, const struct run_settings *s, struct random *random,
		      struct diag *d)
{
	int r;

	if (!s->service)
		return diag_fail(d, ERR_CONFIG, "--service NAME is missing");
	p->service = pool_strdup(&p->pool, str_from(s->service));
	p->version = pool_strdup(&p->pool, str_from(s->version));
	p->name_space = pool_strdup(&p->pool, namespace_of(&s->in));
	r = label_read(p->service, "--service", d);
	if (r == 0)
		r = label_read(p->name_space, "--namespace", d);
	if (r == 0 && p->version.len)
		r = version_check(p, d);
	if (r == 0 && s->name)
		r = label_read(str_from(s->name), "--name", d);
	if (r < 0)
		return r;
	workload_name(p, random);
	if (s->name)
		p->workload = pool_strdup(&p->pool, str_from(s->name));
	return 0;
}

/*
 * Ports
 */

static int ip_read(const char *text, const char *flag, struct address *ret_address, struct diag *d)
{
	if (address_from_ip(str_from(text), 0, ret_address) == 0)
		return 0;
	return diag_fail(d, ERR_CONFIG, "%s: \"%s\" is not an IP address such as 127.77.1.1", flag,
			 text);
}

static int fail_port(struct diag *d, const char *text)
{
	diag_fail(d, ERR_CONFIG, "--port: \"%s\" is not PORT, PORT/http or PORT/tcp", text);
	diag_hint(d, "for a program that speaks HTTP on port 8080: --port 8080/http");
	return ERR_CONFIG;
}

static int protocol_read(const char *text, struct str word, enum port_protocol *ret_protocol,
			 struct diag *d)
{
	int r = port_protocol_of(word, ret_protocol);

	if (r == ERR_UNSUPPORTED) {
		diag_fail(d, r, "--port: this version does not serve \"%.*s\"", STR_ARGS(word));
		diag_hint(d, "write PORT/http, or PORT/tcp to pass its bytes on");
		return r;
	}
	return r < 0 ? fail_port(d, text) : 0;
}

static int port_read(struct run_plan *p, const char *text, struct diag *d)
{
	struct run_port *port = &p->ports[p->port_count];
	struct str whole = str_from(text);
	size_t slash = str_find(whole, 0, '/');
	uint64_t number;
	int r;

	if (str_to_u64(str_slice(whole, 0, slash), UINT16_MAX, &number) < 0 || number == 0)
		return fail_port(d, text);
	*port = (struct run_port){ .number = (uint32_t)number, .fd = -1 };
	if (slash < whole.len) {
		r = protocol_read(text, str_slice(whole, slash + 1, whole.len), &port->protocol, d);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < p->port_count; i++)
		if (p->ports[i].number == port->number)
			return diag_fail(d, ERR_CONFIG, "--port: %u stands twice", port->number);
	p->port_count++;
	return 0;
}

static int ports_read(struct run_plan *p, const struct run_settings *s, struct diag *d)
{
	const char *mesh = s->mesh_address ? s->mesh_address : s->address;
	struct address mesh_address;
	int r;

	r = ip_read(s->address, "--address", &p->address, d);
	if (r == 0)
		r = ip_read(mesh, "--mesh-address", &mesh_address, d);
	if (r == 0 && s->port.count > RUN_PORTS_MAX)
		r = diag_fail(d, ERR_LIMIT, "--port: more than %d ports", RUN_PORTS_MAX);
	if (r < 0)
		return r;
	p->ports = pool_new_array(&p->pool, struct run_port, s->port.count);
	for (size_t i = 0; i < s->port.count; i++) {
		struct run_port *port = &p->ports[i];

		r = port_read(p, s->port.items[i], d);
		if (r < 0)
			return r;
		port->program = p->address;
		address_set_port(&port->program, (uint16_t)port->number);
		port->mesh = mesh_address;
	}
	return 0;
}

/*
 * Upstreams
 */

static int fail_upstream(struct diag *d, const char *text, const char *why)
{
	diag_fail(d, ERR_CONFIG, "--upstream: \"%s\" %s", text, why);
	diag_hint(d, "write NAME:PORT=ADDRESS:PORT, such as reviews:9080=" ADDRESS_EXAMPLE);
	return ERR_CONFIG;
}

/* "reviews", "reviews.shop" */
static bool upstream_name(struct run_plan *p, struct str name, struct run_upstream *u)
{
	size_t dot = str_find(name, 0, '.');

	u->name = str_slice(name, 0, dot);
	u->name_space = dot < name.len ? str_slice(name, dot + 1, name.len) : p->name_space;
	return format_fits(&format_dns_label, u->name) &&
	       format_fits(&format_dns_label, u->name_space);
}

static int upstream_read(struct run_plan *p, const char *text, struct diag *d)
{
	struct run_upstream *u = &p->upstreams[p->upstream_count];
	struct str whole = pool_strdup(&p->pool, str_from(text));
	size_t equals = str_find(whole, 0, '=');
	size_t colon = str_find(whole, 0, ':');
	uint64_t number;

	*u = (struct run_upstream){ .fd = -1 };
	if (equals == whole.len)
		return fail_upstream(d, text, "lacks =ADDRESS:PORT");
	if (colon > equals)
		return fail_upstream(d, text, "lacks the port of the service");
	if (!upstream_name(p, str_slice(whole, 0, colon), u))
		return fail_upstream(d, text, "does not begin with the name of a service");
	if (str_to_u64(str_slice(whole, colon + 1, equals), UINT16_MAX, &number) < 0 || !number)
		return fail_upstream(d, text, "has no port number behind the name");
	u->port = (uint32_t)number;
	if (address_parse(str_slice(whole, equals + 1, whole.len), &u->address) < 0 ||
	    u->address.any.sa_family == AF_UNIX || !address_port(&u->address))
		return fail_upstream(d, text, "does not end with an address and a port");
	for (uint32_t i = 0; i < p->upstream_count; i++)
		if (address_eq(&p->upstreams[i].address, &u->address))
			return fail_upstream(d, text, "has the address of another upstream");
	p->upstream_count++;
	return 0;
}

static int upstreams_read(struct run_plan *p, const struct run_settings *s, struct diag *d)
{
	int r = 0;

	if (s->upstream.count > RUN_UPSTREAMS_MAX)
		return diag_fail(d, ERR_LIMIT, "--upstream: more than %d", RUN_UPSTREAMS_MAX);
	p->upstreams = pool_new_array(&p->pool, struct run_upstream, s->upstream.count);
	for (size_t i = 0; r == 0 && i < s->upstream.count; i++)
		r = upstream_read(p, s->upstream.items[i], d);
	return r;
}

int run_plan_read(const struct run_settings *s, struct random *random, struct run_plan *ret_plan,
		  struct diag *d)
{
	struct run_plan *p = ret_plan;
	int r;

	*p = (struct run_plan){ .admin_fd = -1 };
	pool_init(&p->pool, 0);
	r = names_read(p, s, random, d);
	if (r == 0)
		r = ports_read(p, s, d);
	if (r == 0)
		r = upstreams_read(p, s, d);
	return r;
}

void run_plan_fini(struct run_plan *p)
{
	pool_fini(&p->pool);
}
