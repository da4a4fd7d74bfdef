/*
 * weft-proxy: the data plane
 */

#include <stdio.h>
#include <errno.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/setting.h"
#include "proxy/proxy.h"
#include "proxy/telemetry_page.h"

struct settings {
	setting_text config;
	setting_count concurrency;
	setting_duration drain_time;
	setting_text log_level;
	setting_text log_format;
	setting_text mode;
	setting_flag reference;
	setting_flag version;
	setting_flag help;
};

static const char *const log_forms[] = { "text", "json", NULL };
static const char *const modes[] = { "serve", "validate", NULL };

// clang-format off
static const struct setting settings_table[] = {
	SETTING_SHORT(struct settings, config, text, 'c', NULL, "FILE",
	       "Envoy v3 bootstrap, YAML or JSON."),
	SETTING(struct settings, concurrency, count, "0", "N",
	       "Worker threads; 0 takes the CPU quota of the cgroup."),
	SETTING(struct settings, drain_time, duration, "10m", "DURATION",
	       "How long open requests may finish after SIGTERM."),
	SETTING_CHOICE(struct settings, log_level, 0, "info", "LEVEL", log_level_words,
	       "Log from this level on"),
	SETTING_CHOICE(struct settings, log_format, 0, "text", "FORMAT", log_forms,
	       "Lines of the log as"),
	SETTING_CHOICE(struct settings, mode, 0, "serve", "MODE", modes,
	       "Serve, or check the file and exit"),
	SETTING(struct settings, reference, flag, NULL, NULL,
	       "Print a page on counters, reasons and access logs, and exit."),
	SETTING(struct settings, version, flag, NULL, NULL,
	       "Print the version and exit."),
	SETTING_SHORT(struct settings, help, flag, 'h', NULL, NULL,
	       "Print this help and exit."),
	{ 0 }
};
// clang-format on

/* Not on the stack: its memory is the system's when the process ends. */
static struct proxy proxy;

static void set_up_log(const struct settings *s)
{
	enum log_level level;

	if (log_level_parse(str_from(s->log_level), &level) == 0)
		log_set_level(level);
	log_set_json(strcmp(s->log_format, "json") == 0);
	log_set_component("proxy");
}

static int print_help(void)
{
	struct buf text = BUF_INIT(0);

	buf_printf(&text, "Usage: weft-proxy -c FILE [flags]\n\n");
	settings_help(settings_table, &text);
	fwrite(buf_str(&text).ptr, 1, buf_len(&text), stdout);
	buf_fini(&text);
	return 0;
}

static int print_reference(void)
{
	struct buf text = BUF_INIT(0);

	telemetry_page(&text);
	fwrite(buf_str(&text).ptr, 1, buf_len(&text), stdout);
	buf_fini(&text);
	return 0;
}

static int validate(const struct settings *s, struct diag *d)
{
	struct bootstrap *b;
	int r = proxy_read_config(s->config, &b, d);

	if (r < 0)
		return r;
	if (b->warnings)
		printf("%s: %u warnings, the first: %s\n", s->config, b->warnings,
		       b->first_warning);
	printf("%s: OK\n", s->config);
	bootstrap_free(b);
	return 0;
}

static int serve(const struct settings *s, struct diag *d)
{
	struct proxy_options o = {
		.concurrency = (uint32_t)s->concurrency,
		.drain_time = s->drain_time,
		.config_path = s->config,
	};
	struct bootstrap *b;
	int r = proxy_read_config(s->config, &b, d);

	if (r < 0)
		return r;
	if (b->warnings)
		log_warn("config.ignored", "count=%u first=%s", b->warnings,
			 log_quote(str_from(b->first_warning)));
	r = proxy_open_take(&proxy, b, &o, d);
	if (r == 0)
		r = proxy_run(&proxy);
	proxy_close(&proxy);
	return r;
}

static int run(const struct settings *s, struct diag *d)
{
	set_up_log(s);
	if (s->help)
		return print_help();
	if (s->reference)
		return print_reference();
	if (s->version)
		return printf("weft-proxy %s\n", WEFT_VERSION) < 0 ? -EIO : 0;
	if (!s->config)
		return diag_fail(d, ERR_CONFIG, "a configuration file is needed: -c FILE");
	if (strcmp(s->mode, "validate") == 0)
		return validate(s, d);
	return serve(s, d);
}

static void print_problem(const struct diag *d, int r)
{
	struct buf text = BUF_INIT(0);

	if (d->error)
		diag_format(d, &text);
	else
		buf_append_str(&text, str_from(err_text(r)));
	fprintf(stderr, "weft-proxy: %.*s\n", STR_ARGS(buf_str(&text)));
	buf_fini(&text);
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct diag d = DIAG_INIT;
	int r;

	if (file_standard_streams() < 0)
		return 1;
	crash_watch("weft-proxy");
	crash_watch_thread(NULL, NULL);
	settings_init(settings_table, &settings);
	r = settings_parse(settings_table, &settings, argc, argv, NULL, &d);
	if (r == 0)
		r = run(&settings, &d);
	if (r < 0)
		print_problem(&d, r);
	diag_fini(&d);
	settings_fini(settings_table, &settings);
	return r < 0 ? 1 : 0;
}
