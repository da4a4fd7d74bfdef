#include "cli/sources.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "test.h"

/* A directory with files in it. */
struct folder {
	char path[32];
	struct sources sources;
	struct diag diag;
};

static void folder_init(struct folder *f)
{
	*f = (struct folder){ .path = "/tmp/weft-test-XXXXXX" };
	assert_non_null(mkdtemp(f->path));
	sources_init(&f->sources);
}

static char *folder_add(struct folder *f, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", f->path, name);

	assert_int_equal(file_write_atomic(path, str_from(text), 0600), 0);
	return path;
}

static void folder_fini(struct folder *f)
{
	sources_fini(&f->sources);
	diag_fini(&f->diag);
	assert_int_equal(rmdir(f->path), 0);
}

static int folder_read(struct folder *f, char *path)
{
	struct setting_texts paths = { &path, 1 };

	return sources_read(&f->sources, &paths, STR("shop"), &f->diag);
}

#define SERVICE(name)                                                                        \
	"{apiVersion: v1, kind: Service, metadata: {name: " name "}, spec: {ports: [{port: " \
	"80}]}}\n"

TEST(a_directory_is_read_by_name_and_only_documents)
{
	struct buf list = BUF_INIT(0);
	struct folder f;

	folder_init(&f);

	char *b = folder_add(&f, "b.yml", SERVICE("bb"));
	char *a = folder_add(&f, "a.yaml", SERVICE("aa"));
	char *other = folder_add(&f, "notes.txt", "not: a document");

	assert_int_equal(folder_read(&f, f.path), 0);
	assert_int_equal(f.sources.documents.count, 2);
	assert_str_equal(f.sources.documents.items[0]->name, "aa");
	assert_str_equal(f.sources.documents.items[1]->name_space, "shop");
	sources_list(&f.sources, &list);
	assert_str_equal(str_slice(buf_str(&list), 0, 47),
			 "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{\"api");
	buf_fini(&list);
	unlink(a);
	unlink(b);
	unlink(other);
	mem_free(a);
	mem_free(b);
	mem_free(other);
	folder_fini(&f);
}

TEST(a_problem_of_the_control_plane_is_shown_where_the_person_wrote_it)
{
	struct folder f;

	folder_init(&f);

	char *path = folder_add(&f, "a.yaml", SERVICE("aa") "---\n" SERVICE("bb"));

	assert_int_equal(folder_read(&f, path), 0);
	diag_fail(&f.diag, ERR_CONFIG, "no such port");
	diag_path(&f.diag, STR("items[1].spec.ports[0].port"));
	sources_locate(&f.sources, &f.diag);
	assert_string_equal(f.diag.file, path);
	assert_int_equal(f.diag.at.line, 3);
	assert_int_equal(f.diag.at.column, 77);
	unlink(path);
	mem_free(path);
	folder_fini(&f);
}

TEST(a_problem_between_documents_is_found_by_the_title_of_one)
{
	struct folder f;

	folder_init(&f);

	char *path = folder_add(&f, "a.yaml", SERVICE("aa") "---\n" SERVICE("bb"));

	assert_int_equal(folder_read(&f, path), 0);
	diag_fail(&f.diag, ERR_CONFIG, "something is wrong in Service shop/bb");
	diag_path(&f.diag, STR("spec.ports"));
	sources_locate(&f.sources, &f.diag);
	assert_string_equal(f.diag.file, path);
	assert_int_equal(f.diag.at.line, 3);
	unlink(path);
	mem_free(path);
	folder_fini(&f);
}

TEST(what_cannot_be_read_is_named)
{
	struct folder f;
	char missing[] = "/nowhere/x.yaml";

	folder_init(&f);
	assert_int_equal(folder_read(&f, missing), -2);
	assert_string_equal(f.diag.text, "cannot read /nowhere/x.yaml: No such file or directory");
	folder_fini(&f);
	folder_init(&f);
	assert_int_equal(folder_read(&f, f.path), ERR_CONFIG);
	assert_non_null(strstr(f.diag.text, "holds no *.yaml, *.yml or *.json"));
	folder_fini(&f);
}
