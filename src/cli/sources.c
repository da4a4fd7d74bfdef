#include "cli/sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"

#define FILES_MAX 1000

void sources_init(struct sources *s)
{
	*s = (struct sources){ 0 };
	pool_init(&s->pool, 64 * 1024);
}

void sources_fini(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		mem_free(s->items[i].name);
		buf_fini(&s->items[i].text);
	}
	mem_free(s->items);
	pool_fini(&s->pool);
}

static struct source *add(struct sources *s, const char *name)
{
	s->items = mem_realloc(s->items, (s->count + 1) * sizeof(*s->items));
	s->items[s->count] = (struct source){ .name = mem_strdup(name) };
	return &s->items[s->count++];
}

static int fail_read(struct diag *d, int error, const char *path)
{
	if (error == ERR_LIMIT)
		return diag_fail(d, error, "%s is larger than %u MiB", path,
				 SOURCE_BYTES_MAX / (1024 * 1024));
	return diag_fail(d, error, "cannot read %s: %s", path, err_text(error));
}

static int parse(struct sources *s, const struct source *source, struct str name_space,
		 struct diag *d)
{
	struct document_options options = {
		.default_namespace = name_space,
		.file = source->name,
	};
	uint32_t before = s->documents.count;
	int r = documents_parse(buf_str(&source->text), &options, &s->pool, &s->documents, d);

	if (r < 0)
		diag_file(d, source->name);
	else if (s->documents.count == before)
		r = diag_fail(d, ERR_CONFIG, "%s holds no document", source->name);
	return r;
}

static int file_add(struct sources *s, const char *path, struct str name_space, struct diag *d)
{
	bool standard_input = str_eq(str_from(path), STR("-"));
	struct source *source = add(s, standard_input ? "standard input" : path);
	int r;

	if (standard_input)
		r = file_read_fd(STDIN_FILENO, SOURCE_BYTES_MAX, &source->text);
	else
		r = file_read(path, SOURCE_BYTES_MAX, &source->text);
	return r < 0 ? fail_read(d, r, source->name) : parse(s, source, name_space, d);
}

static int is_document_name(const struct dirent *entry)
{
	static const struct str endings[] = {
		STR_INIT(".yaml"),
		STR_INIT(".yml"),
		STR_INIT(".json"),
	};
	struct str name = str_from(entry->d_name);

	for (size_t i = 0; i < array_count(endings); i++)
		if (name.ptr[0] != '.' && str_has_suffix(name, endings[i]))
			return 1;
	return 0;
}

static int dir_add(struct sources *s, const char *path, struct str name_space, struct diag *d)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_document_name, alphasort);
	int r = 0;

	if (count < 0)
		return fail_read(d, -errno, path);
	if (count == 0)
		r = diag_fail(d, ERR_CONFIG, "%s holds no *.yaml, *.yml or *.json", path);
	if (count > FILES_MAX)
		r = diag_fail(d, ERR_LIMIT, "%s holds more than %d files", path, FILES_MAX);
	for (int i = 0; i < count; i++) {
		char *file = mem_printf("%s/%s", path, entries[i]->d_name);

		if (r == 0)
			r = file_add(s, file, name_space, d);
		mem_free(file);
		free(entries[i]);
	}
	free(entries);
	return r;
}

int sources_read(struct sources *s, const struct setting_texts *paths, struct str name_space,
		 struct diag *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < paths->count; i++) {
		const char *path = paths->items[i];
		struct stat status;

		if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
			r = dir_add(s, path, name_space, d);
		else
			r = file_add(s, path, name_space, d);
	}
	return r;
}

void sources_list(const struct sources *s, struct buf *out)
{
	buf_append_str(out, STR("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":["));
	for (uint32_t i = 0; i < s->documents.count; i++) {
		if (i)
			buf_append_char(out, ',');
		json_write(s->documents.items[i]->root, out);
	}
	buf_append_str(out, STR("]}"));
}

/*
 * From the control plane's words to a place in a file
 */

/* "… in HTTPRoute shop/reviews": what is wrong between documents is said of one. */
static const struct document *by_title(const struct sources *s, struct str text)
{
	const struct document *found = NULL;

	for (uint32_t i = 0; !found && i < s->documents.count; i++) {
		struct buf ending = BUF_INIT(0);

		buf_append_str(&ending, STR(" in "));
		document_title(s->documents.items[i], &ending);
		if (str_has_suffix(text, buf_str(&ending)))
			found = s->documents.items[i];
		buf_fini(&ending);
	}
	return found;
}

void sources_locate(const struct sources *s, struct diag *d)
{
	struct str path = str_from(d->path);
	const struct document *doc;
	char *whole;

	if (d->file || !d->text)
		return;
	documents_place(&s->documents, path, d);
	doc = d->file ? NULL : by_title(s, str_from(d->text));
	for (uint32_t i = 0; doc && i < s->documents.count; i++) {
		if (s->documents.items[i] != doc)
			continue;
		whole = mem_printf("items[%u]%s%.*s", i, path.len ? "." : "", STR_ARGS(path));
		documents_place(&s->documents, str_from(whole), d);
		mem_free(whole);
	}
}

int sources_problem(const struct sources *s, const struct cli *c, const struct diag *d)
{
	struct str text = STR_EMPTY;

	for (size_t i = 0; d->file && i < s->count; i++)
		if (str_eq(str_from(d->file), str_from(s->items[i].name)))
			text = buf_str(&s->items[i].text);
	return cli_problem(c, d, text);
}
