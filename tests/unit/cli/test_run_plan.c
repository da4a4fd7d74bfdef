#include "cli/run_plan.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "test.h"

#define WORDS_MAX 24

struct reading {
	struct run_settings settings;
	struct run_plan plan;
	struct diag diag;
	int result;
	char *words[WORDS_MAX];
};

/* "--service a --port 80/http" */
static void read_line(struct reading *x, const char *line)
{
	struct random random;
	struct str rest = str_from(line), word;
	int count = 1;

	*x = (struct reading){ 0 };
	x->words[0] = mem_strdup("run");
	while (str_split(&rest, ' ', &word))
		x->words[count++] = mem_strdup_str(word);
	settings_init(run_table, &x->settings);
	assert_int_equal(settings_parse(run_table, &x->settings, count, x->words, NULL, &x->diag),
			 0);
	random_init(&random, 7);
	x->result = run_plan_read(&x->settings, &random, &x->plan, &x->diag);
}

static void reading_fini(struct reading *x)
{
	for (size_t i = 0; i < WORDS_MAX; i++)
		mem_free(x->words[i]);
	run_plan_fini(&x->plan);
	settings_fini(run_table, &x->settings);
	diag_fini(&x->diag);
}

TEST(a_plan_has_names_ports_and_upstreams)
{
	struct reading x;

	read_line(&x, "-n shop --service reviews --version v2 --address 127.77.1.3 --port "
		      "9080/http --port 9090 --mesh-address 127.0.0.1 --upstream "
		      "ratings:9080=127.77.1.3:9101 --upstream ledger.bank:80=[::1]:81");
	assert_int_equal(x.result, 0);
	assert_str_equal(x.plan.name_space, "shop");
	assert_str_equal(str_slice(x.plan.workload, 0, 11), "reviews-v2-");
	assert_int_equal(x.plan.workload.len, 16);
	assert_int_equal(x.plan.port_count, 2);
	assert_int_equal(x.plan.ports[0].protocol, PROTOCOL_HTTP);
	assert_string_equal(address_text(&x.plan.ports[0].program), "127.77.1.3:9080");
	assert_string_equal(address_text(&x.plan.ports[0].mesh), "127.0.0.1:0");
	assert_int_equal(x.plan.ports[1].protocol, PROTOCOL_TCP);
	assert_int_equal(x.plan.upstream_count, 2);
	assert_str_equal(x.plan.upstreams[0].name, "ratings");
	assert_str_equal(x.plan.upstreams[0].name_space, "shop");
	assert_str_equal(x.plan.upstreams[1].name_space, "bank");
	assert_string_equal(address_text(&x.plan.upstreams[1].address), "[::1]:81");
	reading_fini(&x);
}

TEST(a_workload_can_be_named)
{
	struct reading x;

	read_line(&x, "--service a --name mine");
	assert_int_equal(x.result, 0);
	assert_str_equal(x.plan.workload, "mine");
	assert_str_equal(x.plan.name_space, "default");
	reading_fini(&x);
}

static void assert_refused(const char *line, const char *message)
{
	struct buf out = BUF_INIT(0);
	struct reading x;

	read_line(&x, line);
	assert_true(x.result < 0);
	diag_format(&x.diag, &out);
	assert_str_equal(buf_str(&out), message);
	buf_fini(&out);
	reading_fini(&x);
}

TEST(every_mistake_names_its_flag_and_what_to_write)
{
	assert_refused("--port 80", "--service NAME is missing");
	assert_refused("--service A_b", "--service: \"A_b\" is not a DNS label (lower-case "
					"letters, digits and -, at most 63)");
	assert_refused("--service a --version v1.2",
		       "--version: \"v1.2\" cannot end the name of a Service (lower-case letters, "
		       "digits and hyphens, with the service's name 63 at most)");
	assert_refused("--service a --port 0",
		       "--port: \"0\" is not PORT, PORT/http or PORT/tcp (for a program that "
		       "speaks HTTP on port 8080: --port 8080/http)");
	assert_refused("--service a --port 70000",
		       "--port: \"70000\" is not PORT, PORT/http or PORT/tcp (for a program that "
		       "speaks HTTP on port 8080: --port 8080/http)");
	assert_refused("--service a --port 80/htp",
		       "--port: \"80/htp\" is not PORT, PORT/http or PORT/tcp (for a program that "
		       "speaks HTTP on port 8080: --port 8080/http)");
	assert_refused("--service a --port 80/grpc",
		       "--port: this version does not serve \"grpc\" (write PORT/http, or PORT/tcp "
		       "to pass its bytes on)");
	assert_refused("--service a --port 80 --port 80/http", "--port: 80 stands twice");
	assert_refused("--service a --address localhost",
		       "--address: \"localhost\" is not an IP address such as 127.77.1.1");
	assert_refused("--service a --upstream b",
		       "--upstream: \"b\" lacks =ADDRESS:PORT (write NAME:PORT=ADDRESS:PORT, such "
		       "as reviews:9080=127.0.0.1:9080)");
	assert_refused("--service a --upstream b=127.0.0.1:1",
		       "--upstream: \"b=127.0.0.1:1\" lacks the port of the service (write "
		       "NAME:PORT=ADDRESS:PORT, such as reviews:9080=127.0.0.1:9080)");
	assert_refused("--service a --upstream b:x=127.0.0.1:1",
		       "--upstream: \"b:x=127.0.0.1:1\" has no port number behind the name (write "
		       "NAME:PORT=ADDRESS:PORT, such as reviews:9080=127.0.0.1:9080)");
	assert_refused("--service a --upstream b:1=localhost:1",
		       "--upstream: \"b:1=localhost:1\" does not end with an address and a port "
		       "(write NAME:PORT=ADDRESS:PORT, such as reviews:9080=127.0.0.1:9080)");
	assert_refused("--service a --upstream b:1=127.0.0.1:1 --upstream c:1=127.0.0.1:1",
		       "--upstream: \"c:1=127.0.0.1:1\" has the address of another upstream (write "
		       "NAME:PORT=ADDRESS:PORT, such as reviews:9080=127.0.0.1:9080)");
}
