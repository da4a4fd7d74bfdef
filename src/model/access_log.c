#include "model/access_log.h"

#include "model/access_log_format.h"
#include "model/compile.h"

#define ACCESS_LOGS_MAX  16
#define FORMAT_BYTES_MAX 65536

/* Envoy's own, for logs that name no format. */
#define FORMAT_ABSENT                                                                      \
	"[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" " \
	"%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "       \
	"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" "                \
	"\"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" "             \
	"\"%UPSTREAM_HOST%\"\n"

/* A SubstitutionFormatString field; absent is Envoy's format. */
static int format_read(struct compile *c, const struct pb_message *m, unsigned field,
		       struct access_log *log)
{
	const struct pb_message *format = pb_sub(m, field);
	struct str text;
	int r;

	if (!format)
		return access_log_text_format(c, m, field, STR(FORMAT_ABSENT), log);
	log->omit_empty = pb_bool(format, PB_SubstitutionFormatString_omit_empty_values);
	if (pb_has(format, PB_SubstitutionFormatString_json_format))
		return access_log_json_format(c, format, PB_SubstitutionFormatString_json_format,
					      log);
	if (pb_has(format, PB_SubstitutionFormatString_text_format))
		return access_log_text_format(
			c, format, PB_SubstitutionFormatString_text_format,
			pb_text(format, PB_SubstitutionFormatString_text_format), log);
	r = compile_data(c, format, PB_SubstitutionFormatString_text_format_source,
			 FORMAT_BYTES_MAX, &text);
	if (r < 0)
		return r;
	return access_log_text_format(c, format, PB_SubstitutionFormatString_text_format_source,
				      text, log);
}

static int file_compile(struct compile *c, const struct pb_message *m, void *object)
{
	struct access_log *log = object;

	log->path = pb_text(m, PB_FileAccessLog_path);
	if (str_eq(log->path, STR("/dev/stdout")))
		log->sink = ACCESS_LOG_STDOUT;
	if (str_eq(log->path, STR("/dev/stderr")))
		log->sink = ACCESS_LOG_STDERR;
	if (pb_has(m, PB_FileAccessLog_format))
		return access_log_text_format(c, m, PB_FileAccessLog_format,
					      pb_text(m, PB_FileAccessLog_format), log);
	if (pb_has(m, PB_FileAccessLog_json_format))
		return access_log_json_format(c, m, PB_FileAccessLog_json_format, log);
	if (pb_has(m, PB_FileAccessLog_typed_json_format))
		return access_log_json_format(c, m, PB_FileAccessLog_typed_json_format, log);
	return format_read(c, m, PB_FileAccessLog_log_format, log);
}

static int stdout_compile(struct compile *c, const struct pb_message *m, void *object)
{
	struct access_log *log = object;

	log->sink = ACCESS_LOG_STDOUT;
	return format_read(c, m, PB_StdoutAccessLog_log_format, log);
}

static int stderr_compile(struct compile *c, const struct pb_message *m, void *object)
{
	struct access_log *log = object;

	log->sink = ACCESS_LOG_STDERR;
	return format_read(c, m, PB_StderrAccessLog_log_format, log);
}

static const struct extension loggers[] = {
	{ &pb_FileAccessLog, "envoy.access_loggers.file", file_compile },
	{ &pb_StdoutAccessLog, "envoy.access_loggers.stdout", stdout_compile },
	{ &pb_StderrAccessLog, "envoy.access_loggers.stderr", stderr_compile },
};

/* Envoy's other loggers. A line that is not written changes nothing of what is served, so a
 * control plane that asks for one is not refused for it. */
static const char *const loggers_left_out[] = {
	"envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig",
	"envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
	"envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig",
	"envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
	"envoy.extensions.access_loggers.wasm.v3.WasmAccessLog",
};

static bool may_be_left_out(const struct pb_message *m)
{
	struct str url = pb_text(pb_sub(m, PB_AccessLog_typed_config), PB_Any_type_url);
	struct str type = str_slice(url, str_find(url, 0, '/') + 1, url.len);

	for (size_t i = 0; i < array_count(loggers_left_out); i++)
		if (str_eq(type, str_from(loggers_left_out[i])))
			return true;
	return false;
}

/* Adds a logger to the list, or leaves one out with a warning. */
static int log_compile(struct compile *c, const struct pb_message *m, struct access_log_list *logs)
{
	const struct extension *row =
		compile_extension(loggers, array_count(loggers), m, PB_AccessLog_typed_config);
	struct access_log *log = pool_new(c->pool, struct access_log);
	struct pb_message *config;
	int r;

	if (!row && may_be_left_out(m)) {
		compile_warn(c, m, "is of a type that is not supported: nothing is logged there");
		return 0;
	}
	if (!row)
		return compile_unsupported(c, m, PB_AccessLog_name, PB_AccessLog_typed_config,
					   "access log");
	r = compile_any(c, m, PB_AccessLog_typed_config, &config);
	if (r < 0)
		return r;
	r = row->compile(c, config, log);
	if (r < 0)
		return r;
	logs->items[logs->count++] = log;
	return 0;
}

int access_logs_compile(struct compile *c, const struct pb_message *m, unsigned field,
			struct access_log_list *ret_logs)
{
	uint32_t count = pb_count(m, field);

	if (count > ACCESS_LOGS_MAX)
		return pb_fail_field(c->d, m, field, ERR_LIMIT, "has more than %d entries",
				     ACCESS_LOGS_MAX);
	ret_logs->items = pool_new_array(c->pool, struct access_log *, count);
	ret_logs->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		int r = log_compile(c, pb_sub_at(m, field, i), ret_logs);

		if (r < 0)
			return r;
	}
	return 0;
}
