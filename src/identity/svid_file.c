/*
 * An SVID as a file
 *
 * PEM, in the order in which other programs read it: the key, the chain with the leaf first,
 * and behind a line of text, which PEM readers skip, the anchors.
 */

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "identity/key.h"
#include "identity/svid.h"

#define FILE_BYTES_MAX (2 * SVID_PEM_BYTES_MAX + KEY_PEM_BYTES_MAX)

static const struct str chain_mark = STR_INIT("# certificate chain\n");
static const struct str trust_mark = STR_INIT("# trust anchors\n");

static char *file_path(const char *dir)
{
	return mem_printf("%s/%s", dir, SVID_FILE);
}

int svid_save(const struct svid *s, const char *dir)
{
	cleanup(mem_freep) char *path = file_path(dir);
	cleanup(key_wipe) struct buf text = BUF_INIT(0);
	int r = dir_make_private(dir);

	if (r < 0)
		return r;
	/* In one piece: growing would leave copies of the key behind. */
	buf_reserve(&text, s->memory_bytes + chain_mark.len + trust_mark.len);
	buf_append_str(&text, s->key_pem);
	buf_append_str(&text, chain_mark);
	buf_append_str(&text, s->chain_pem);
	buf_append_str(&text, trust_mark);
	buf_append_str(&text, s->trust_pem);
	return file_write_atomic(path, buf_str(&text), 0600);
}

/* Cuts the text at a mark that begins a line. */
static bool cut(struct str *rest, struct str mark, struct str *ret_before)
{
	const char *at = memmem(rest->ptr, rest->len, mark.ptr, mark.len);

	if (!at)
		return false;
	*ret_before = str_of(rest->ptr, (size_t)(at - rest->ptr));
	*rest = str_slice(*rest, ret_before->len + mark.len, rest->len);
	return true;
}

int svid_load(const char *dir, struct str wanted_id, struct wall_time now, struct svid **ret_svid,
	      struct diag *d)
{
	cleanup(mem_freep) char *path = file_path(dir);
	cleanup(key_wipe) struct buf text = BUF_INIT(0);
	struct svid_parts parts;
	int r = dir_make_private(dir);

	if (r < 0)
		return diag_fail(d, r, "%s: %s", dir,
				 r == ERR_DENIED
					 ? "the directory is another user's or open to others"
					 : err_text(r));
	/* There is a key in each. */
	file_remove_unfinished(path);
	r = file_read(path, FILE_BYTES_MAX, &text);
	if (r < 0)
		return diag_fail(d, r, "%s: %s", path, err_text(r));
	parts.trust_pem = buf_str(&text);
	if (!cut(&parts.trust_pem, chain_mark, &parts.key_pem) ||
	    !cut(&parts.trust_pem, trust_mark, &parts.chain_pem))
		return diag_fail(d, ERR_CONFIG, "%s: the file is damaged", path);
	return svid_new(&parts, wanted_id, now, ret_svid, d);
}
