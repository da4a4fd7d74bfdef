#include "model/access_log_format.h"

#include <math.h>

#include "base/mem.h"
#include "message/headers.h"

enum argument { NOTHING, HEADER, TIME };

static const struct {
	const char *name;
	enum argument argument;
} operators[LOG_OPERATOR_COUNT] = {
#define X(id, name, argument, text) [id] = { name, argument },
	LOG_OPERATOR_MAP(X)
#undef X
};

/* A format in the making. Failures point at one field of one message. */
struct maker {
	struct compile *c;
	const struct pb_message *m;
	unsigned field;
	struct log_token *tokens; /* on the heap while it grows */
	uint32_t count;
	uint32_t capacity;
};

static int token_add(struct maker *k, struct log_token token)
{
	if (k->count == LOG_TOKENS_MAX)
		return pb_fail_field(k->c->d, k->m, k->field, ERR_LIMIT, "has more than %d parts",
				     LOG_TOKENS_MAX);
	if (k->count == k->capacity) {
		k->capacity = k->capacity ? k->capacity * 2 : 16;
		k->tokens = mem_realloc(k->tokens, k->capacity * sizeof(*k->tokens));
	}
	k->tokens[k->count++] = token;
	return 0;
}

static int mark_add(struct maker *k, enum log_token_kind kind)
{
	return token_add(k, (struct log_token){ .kind = kind });
}

static void maker_finish(struct maker *k, struct access_log *log)
{
	log->token_count = k->count;
	log->tokens = pool_new_array(k->c->pool, struct log_token, k->count);
	if (k->count > 0)
		memcpy(log->tokens, k->tokens, k->count * sizeof(*k->tokens));
	k->tokens = mem_free(k->tokens);
}

/* Commands: %NAME%, %NAME(ARGUMENT)%, %NAME(ARGUMENT):LENGTH% */

struct command {
	struct str whole; /* as written, percent signs included */
	struct str name;
	struct str argument;
	bool has_argument;
	struct str length;
	bool has_length;
};

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a command off the front of *rest, which begins with "%". */
static bool command_take(struct str *rest, struct command *ret_command)
{
	struct command k = { 0 };
	size_t at = 1, end;

	while (at < rest->len && is_name_char(rest->ptr[at]))
		at++;
	k.name = str_slice(*rest, 1, at);
	if (at < rest->len && rest->ptr[at] == '(') {
		end = str_find(*rest, at, ')');
		if (end == rest->len)
			return false;
		k.has_argument = true;
		k.argument = str_slice(*rest, at + 1, end);
		at = end + 1;
	}
	if (at < rest->len && rest->ptr[at] == ':') {
		end = str_find(*rest, at, '%');
		k.has_length = true;
		k.length = str_slice(*rest, at + 1, end);
		at = end;
	}
	if (k.name.len == 0 || at >= rest->len || rest->ptr[at] != '%')
		return false;
	k.whole = str_slice(*rest, 0, at + 1);
	*rest = str_slice(*rest, at + 1, rest->len);
	*ret_command = k;
	return true;
}

static int operator_unknown(struct maker *k, struct str name)
{
	const char *names[LOG_OPERATOR_COUNT + 1] = { NULL };
	const char *nearest;
	int r;

	for (size_t i = 0; i < LOG_OPERATOR_COUNT; i++)
		names[i] = operators[i].name;
	r = pb_fail_field(k->c->d, k->m, k->field, ERR_UNSUPPORTED, "%%%.*s%% is not supported",
			  STR_ARGS(name));
	nearest = str_nearest(name, names);
	if (nearest)
		diag_hint(k->c->d, "did you mean %%%s%%?", nearest);
	return r;
}

/* "X" or "X?Y": the first header that is there. */
static int header_argument(struct maker *k, const struct command *command, struct log_token *token)
{
	size_t mark = str_find(command->argument, 0, '?');
	struct str first = str_slice(command->argument, 0, mark);
	struct str second = str_slice(command->argument, mark + 1, command->argument.len);

	if (first.len == 0 || !compile_is_header_value(command->argument) ||
	    (mark < command->argument.len && second.len == 0))
		return pb_fail_field(k->c->d, k->m, k->field, ERR_CONFIG,
				     "%.*s needs the name of a header in brackets",
				     STR_ARGS(command->whole));
	token->text = compile_lower(k->c, first);
	token->id = (uint16_t)header_id_of(token->text);
	token->alternative = compile_lower(k->c, second);
	token->alternative_id = (uint16_t)header_id_of(token->alternative);
	return 0;
}

static int argument_read(struct maker *k, const struct command *command, struct log_token *token)
{
	switch (operators[token->operator].argument) {
	case HEADER:
		return header_argument(k, command, token);
	case TIME:
		token->text = command->argument;
		if (!access_log_time_valid(command->argument))
			return pb_fail_field(k->c->d, k->m, k->field, ERR_UNSUPPORTED,
					     "%.*s holds a conversion that is not supported",
					     STR_ARGS(command->whole));
		return 0;
	case NOTHING:
		break;
	}
	if (command->has_argument)
		return pb_fail_field(k->c->d, k->m, k->field, ERR_CONFIG,
				     "%.*s: %.*s takes nothing in brackets",
				     STR_ARGS(command->whole), STR_ARGS(command->name));
	return 0;
}

static int length_read(struct maker *k, const struct command *command, struct log_token *token)
{
	uint64_t length;

	if (!command->has_length)
		return 0;
	if (str_to_u64(command->length, UINT32_MAX, &length) < 0 || length == 0)
		return pb_fail_field(k->c->d, k->m, k->field, ERR_CONFIG,
				     "%.*s: \"%.*s\" is not a length", STR_ARGS(command->whole),
				     STR_ARGS(command->length));
	token->length_max = (uint32_t)length;
	return 0;
}

static int command_add(struct maker *k, const struct command *command)
{
	struct log_token token = { .kind = LOG_TOKEN_OPERATOR };
	size_t i = 0;
	int r;

	while (i < LOG_OPERATOR_COUNT && !str_eq(command->name, str_from(operators[i].name)))
		i++;
	if (i == LOG_OPERATOR_COUNT)
		return operator_unknown(k, command->name);
	token.operator=(enum log_operator) i;
	r = argument_read(k, command, &token);
	if (r < 0)
		return r;
	r = length_read(k, command, &token);
	if (r < 0)
		return r;
	return token_add(k, token);
}

/* Inside of a JSON string the text is escaped now, once. */
static int text_add(struct maker *k, struct str text, bool json)
{
	struct buf escaped = BUF_INIT(0);

	if (text.len == 0)
		return 0;
	if (json) {
		json_write_escaped(text, &escaped);
		text = pool_strdup(k->c->pool, buf_str(&escaped));
		buf_fini(&escaped);
	}
	return token_add(k, (struct log_token){ .kind = LOG_TOKEN_TEXT, .text = text });
}

static int format_parse(struct maker *k, struct str format, bool json)
{
	struct str rest = format;

	while (rest.len > 0) {
		size_t percent = str_find(rest, 0, '%');
		struct command command;
		int r = text_add(k, str_slice(rest, 0, percent), json);

		if (r < 0)
			return r;
		rest = str_slice(rest, percent, rest.len);
		if (rest.len == 0)
			break;
		if (str_has_prefix(rest, STR("%%"))) {
			r = text_add(k, STR("%"), json);
			rest = str_slice(rest, 2, rest.len);
		} else if (command_take(&rest, &command)) {
			r = command_add(k, &command);
		} else {
			r = pb_fail_field(k->c->d, k->m, k->field, ERR_CONFIG,
					  "\"%.*s\" at byte %zu begins no command such as "
					  "%%PROTOCOL%%; write %%%% for a percent sign",
					  STR_ARGS(str_slice(rest, 0, 20)), format.len - rest.len);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int access_log_text_format(struct compile *c, const struct pb_message *m, unsigned field,
			   struct str format, struct access_log *log)
{
	struct maker k = { .c = c, .m = m, .field = field };
	int r = format_parse(&k, format, false);

	if (r == 0)
		maker_finish(&k, log);
	mem_free(k.tokens);
	return r;
}

/* JSON */

static int json_value(struct maker *k, const struct pb_message *value);

/* One operator alone keeps its type; several parts are one string. */
static int json_string(struct maker *k, struct str text)
{
	uint32_t first = k->count + 1;
	int r = mark_add(k, LOG_TOKEN_STRING_BEGIN);

	if (r == 0)
		r = format_parse(k, text, true);
	if (r < 0)
		return r;
	if (k->count == first + 1 && k->tokens[first].kind == LOG_TOKEN_OPERATOR) {
		k->tokens[first - 1] = k->tokens[first];
		k->tokens[first - 1].kind = LOG_TOKEN_VALUE;
		k->count--;
		return 0;
	}
	return mark_add(k, LOG_TOKEN_STRING_END);
}

/* As short as it can be read back; whole numbers without a point. */
static int json_number(struct maker *k, double number)
{
	struct str text;

	if (!isfinite(number))
		return pb_fail_field(k->c->d, k->m, k->field, ERR_CONFIG,
				     "holds a number that JSON cannot write");
	if (number == floor(number) && fabs(number) < 1e15)
		text = pool_printf(k->c->pool, "%.0f", number);
	else
		text = pool_printf(k->c->pool, "%.17g", number);
	return token_add(k, (struct log_token){ .kind = LOG_TOKEN_LITERAL, .text = text });
}

static int json_literal(struct maker *k, struct str text)
{
	return token_add(k, (struct log_token){ .kind = LOG_TOKEN_LITERAL, .text = text });
}

static int json_key(struct maker *k, struct str key)
{
	struct buf quoted = BUF_INIT(0);
	struct str text;

	json_write_text(key, &quoted);
	text = pool_strdup(k->c->pool, buf_str(&quoted));
	buf_fini(&quoted);
	return token_add(k, (struct log_token){ .kind = LOG_TOKEN_KEY, .text = text });
}

static int json_object(struct maker *k, const struct pb_message *object)
{
	int r = mark_add(k, LOG_TOKEN_OBJECT_BEGIN);

	for (uint32_t i = 0; r == 0 && i < pb_count(object, PB_Struct_fields); i++) {
		const struct pb_message *entry = pb_sub_at(object, PB_Struct_fields, i);

		r = json_key(k, pb_text(entry, PB_Struct_FieldsEntry_key));
		if (r == 0)
			r = json_value(k, pb_sub(entry, PB_Struct_FieldsEntry_value));
	}
	return r < 0 ? r : mark_add(k, LOG_TOKEN_OBJECT_END);
}

static int json_list(struct maker *k, const struct pb_message *list)
{
	int r = mark_add(k, LOG_TOKEN_LIST_BEGIN);

	for (uint32_t i = 0; r == 0 && i < pb_count(list, PB_ListValue_values); i++)
		r = json_value(k, pb_sub_at(list, PB_ListValue_values, i));
	return r < 0 ? r : mark_add(k, LOG_TOKEN_LIST_END);
}

static int json_value(struct maker *k, const struct pb_message *value)
{
	switch (pb_which(value, "kind")) {
	case PB_Value_string_value:
		return json_string(k, pb_text(value, PB_Value_string_value));
	case PB_Value_number_value:
		return json_number(k, pb_real(value, PB_Value_number_value));
	case PB_Value_bool_value:
		return json_literal(k, pb_bool(value, PB_Value_bool_value) ? STR("true")
									   : STR("false"));
	case PB_Value_struct_value:
		return json_object(k, pb_sub(value, PB_Value_struct_value));
	case PB_Value_list_value:
		return json_list(k, pb_sub(value, PB_Value_list_value));
	default:
		return json_literal(k, STR("null"));
	}
}

int access_log_json_format(struct compile *c, const struct pb_message *m, unsigned field,
			   struct access_log *log)
{
	struct maker k = { .c = c, .m = m, .field = field };
	int r = json_object(&k, pb_sub(m, field));

	if (r == 0)
		maker_finish(&k, log);
	mem_free(k.tokens);
	log->json = true;
	return r;
}
