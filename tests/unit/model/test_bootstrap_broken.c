#include "test.h"

#include <dirent.h>
#include <stdio.h>

#include "base/mem.h"
#include "model/bootstrap.h"

#define BROKEN TEST_DATA "/bootstrap/broken/"

/* The whole file, for mem_free(). */
static char *file_text(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf text = BUF_INIT(0);
	char piece[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_append(&text, piece, n);
	fclose(f);
	return buf_take_text(&text);
}

static void assert_problem(const char *name, const char *text, const char *expected)
{
	struct bootstrap *b = NULL;
	struct diag d = DIAG_INIT;
	struct buf problem = BUF_INIT(0);

	if (bootstrap_parse(name, str_from(text), &b, &d) < 0)
		diag_format(&d, &problem);
	assert_null(b);
	assert_str_equal(buf_str(&problem), expected);
	buf_fini(&problem);
	diag_fini(&d);
}

/* The first line of each file says what must be said of it: "# expect: LINE:COLUMN: …". */
static void assert_file(const char *name)
{
	struct str mark = STR("# expect: ");
	char *path = mem_printf("%s%s", BROKEN, name), *text = file_text(path), *expected;
	struct str line = str_slice(str_from(text), 0, str_find(str_from(text), 0, '\n'));

	assert_true(str_has_prefix(line, mark));
	line = str_slice(line, mark.len, line.len);
	expected = mem_printf("%s:%.*s", name, STR_ARGS(line));
	assert_problem(name, text, expected);
	mem_free(expected);
	mem_free(text);
	mem_free(path);
}

TEST(each_broken_file_is_refused_with_its_message)
{
	DIR *directory = opendir(BROKEN);
	struct dirent *entry;
	uint64_t before = mem_live_bytes();
	int count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		if (str_has_suffix(str_from(entry->d_name), STR(".yaml"))) {
			assert_file(entry->d_name);
			count++;
		}
	closedir(directory);
	assert_true(count >= 12);
	assert_int_equal(mem_live_bytes(), before);
}

TEST(a_file_that_is_no_bootstrap_is_refused)
{
	static const struct {
		const char *name, *text, *problem;
	} rows[] = {
		{ "a.yaml", "", "a.yaml: the file is empty" },
		{ "a.yaml", "# only a comment\n", "a.yaml: the file is empty" },
		{ "a.yaml", "node: {}\n---\nnode: {}\n",
		  "a.yaml:3:1: a second document begins here: a bootstrap is one document" },
		{ "a.yaml", "- a\n", "a.yaml:1:1: expected a mapping, found list" },
		{ "a.json", "{\"node\": {\"id\": 1}}",
		  "a.json:1:17: node.id: expected text, found number (write it in quotes)" },
		{ "a.json",
		  "{\"admin\": ", "a.json:1:11: expected a value, found the end of the text" },
		{ "a", "  {\"nod\": {}}",
		  "a:1:4: nod: unknown name \"nod\" (did you mean \"node\"?)" },
		{ "a", "nod: {}\n", "a:1:1: nod: unknown name \"nod\" (did you mean \"node\"?)" },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_problem(rows[i].name, rows[i].text, rows[i].problem);
}

TEST(names_in_camel_case_have_places_too)
{
	assert_problem(
		"a.json",
		"{\"staticResources\": {\"clusters\": [\n"
		"  {\"name\": \"c\", \"connectTimeout\": \"0s\"}]}}",
		"a.json:2:35: static_resources.clusters[0].connect_timeout: must be more than 0");
}

TEST(each_fact_of_a_proxy_is_checked)
{
#define BINDINGS(list)                                            \
	"node: {metadata: {weft.dev: {bindings: " list "}}}\n"    \
	"dynamic_resources: {ads_config: {api_type: DELTA_GRPC, " \
	"grpc_services: [{envoy_grpc: {cluster_name: c}}]}}\n"    \
	"static_resources: {clusters: [{name: c}]}\n"
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ BINDINGS("{}"),
		  "a.yaml:1:40: node.metadata[\"weft.dev\"].bindings: must be a list" },
		{ BINDINGS("[a]"),
		  "a.yaml:1:41: node.metadata[\"weft.dev\"].bindings[0]: must be a mapping" },
		{ BINDINGS("[{listener: a}]"),
		  "a.yaml:1:41: node.metadata[\"weft.dev\"].bindings[0]: needs \"address\"" },
		{ BINDINGS("[{address: 127.0.0.1:1}]"),
		  "a.yaml:1:41: node.metadata[\"weft.dev\"].bindings[0]: needs \"listener\"" },
		{ BINDINGS("[{listener: a, address: 127.0.0.1:1, descripter: x}]"),
		  "a.yaml:1:77: node.metadata[\"weft.dev\"].bindings[0].descripter: is unknown "
		  "(did you "
		  "mean \"descriptor\"?)" },
		{ BINDINGS("[{listener: 1, address: 127.0.0.1:1}]"),
		  "a.yaml:1:52: node.metadata[\"weft.dev\"].bindings[0].listener: expected text, "
		  "found the number 1 (write \"1\")" },
		{ BINDINGS("[{listener: '', address: 127.0.0.1:1}]"),
		  "a.yaml:1:52: node.metadata[\"weft.dev\"].bindings[0].listener: must not be "
		  "empty" },
		{ "node: {metadata: {weft.dev: {bindings: [{listener: a, address: "
		  "127.0.0.1:1}]}}}\n",
		  "a.yaml:1:40: node.metadata[\"weft.dev\"].bindings: needs "
		  "dynamic_resources.ads_config" },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_problem("a.yaml", rows[i].text, rows[i].problem);
}

TEST(what_does_not_hold_between_resources_is_refused)
{
#define EDS_CLUSTER "{name: e, type: EDS, eds_cluster_config: {eds_config: {ads: {}}}}"
#define ADS(cluster)                                              \
	"dynamic_resources: {ads_config: {api_type: DELTA_GRPC, " \
	"grpc_services: [{envoy_grpc: {cluster_name: " cluster "}}]}}\n"
#define TLS_CLUSTER(name)                                                                     \
	"static_resources: {clusters: [{name: c, transport_socket: {name: t, typed_config: {" \
	"'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."             \
	"UpstreamTlsContext, common_tls_context: {tls_certificate_sds_secret_configs: "       \
	"[{name: " name "}]}}}}]}\n"
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "static_resources: {clusters: [{name: a}, {name: a}]}\n",
		  "a.yaml:1:42: static_resources.clusters[1]: the name \"a\" is there twice" },
		{ "static_resources: {clusters: [" EDS_CLUSTER "]}\n",
		  "a.yaml:1:31: static_resources.clusters[0]: endpoints \"e\" come from a control "
		  "plane: dynamic_resources.ads_config is missing" },
		{ ADS("e") "static_resources: {clusters: [" EDS_CLUSTER "]}\n",
		  "a.yaml:1:33: dynamic_resources.ads_config: cluster \"e\" leads to the control "
		  "plane: it must be STATIC" },
		{ TLS_CLUSTER("other"),
		  "a.yaml:1:240: static_resources.clusters[0].transport_socket.typed_config."
		  "common_tls_context.tls_certificate_sds_secret_configs[0].name: secret \"other\" "
		  "does "
		  "not exist" },
		{ "dynamic_resources: {ads_config: {grpc_services: []}}\n",
		  "a.yaml:1:33: dynamic_resources.ads_config.api_type: must be DELTA_GRPC" },
		{ "dynamic_resources: {ads_config: {api_type: DELTA_GRPC}}\n",
		  "a.yaml:1:33: dynamic_resources.ads_config.grpc_services: needs one service" },
		{ "dynamic_resources: {lds_config: {ads: {}}}\n",
		  "a.yaml:1:33: dynamic_resources.lds_config: needs dynamic_resources.ads_config" },
		{ "admin: {address: {pipe: {path: ''}}}\n",
		  "a.yaml:1:25: admin.address.pipe.path: is missing" },
	};

	for (size_t i = 0; i < array_count(rows); i++)
		assert_problem("a.yaml", rows[i].text, rows[i].problem);
}
