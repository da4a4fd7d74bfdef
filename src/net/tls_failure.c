/*
 * The words for what goes wrong in TLS. They are our own, so that logs and counters do not
 * change with the release of a library.
 */

#include <assert.h>
#include <stdio.h>

#include "net/tls_private.h"

static const char *const names[] = {
#define X(id, name, text) [id] = name,
	TLS_FAILURE_MAP(X)
#undef X
};

static const char *const texts[] = {
#define X(id, name, text) [id] = text,
	TLS_FAILURE_MAP(X)
#undef X
};

/* RFC 8446 §6, and what TLS 1.2 had besides. */
// clang-format off
static const char *const alerts[] = {
	[0] = "close notify",
	[10] = "unexpected message",
	[20] = "bad record mac",
	[22] = "record overflow",
	[30] = "decompression failure",
	[40] = "handshake failure",
	[42] = "bad certificate",
	[43] = "unsupported certificate",
	[44] = "certificate revoked",
	[45] = "certificate expired",
	[46] = "certificate unknown",
	[47] = "illegal parameter",
	[48] = "unknown ca",
	[49] = "access denied",
	[50] = "decode error",
	[51] = "decrypt error",
	[70] = "protocol version",
	[71] = "insufficient security",
	[80] = "internal error",
	[86] = "inappropriate fallback",
	[90] = "user canceled",
	[100] = "no renegotiation",
	[109] = "missing extension",
	[110] = "unsupported extension",
	[112] = "unrecognized name",
	[113] = "bad certificate status response",
	[115] = "unknown psk identity",
	[116] = "certificate required",
	[120] = "no application protocol",
};
// clang-format on

const char *tls_failure_name(enum tls_failure f)
{
	assert(f < TLS_FAILURE_COUNT);
	return names[f];
}

const char *tls_failure_text(enum tls_failure f)
{
	assert(f < TLS_FAILURE_COUNT);
	return texts[f];
}

const char *tls_alert_text(int alert)
{
	if (alert < 0 || alert >= (int)array_count(alerts) || !alerts[alert])
		return "unknown alert";
	return alerts[alert];
}

void tls_set_failure(struct tls_info *info, enum tls_failure f, const char *detail)
{
	if (info->failure != TLS_FAILURE_NONE)
		return;
	info->failure = f;
	snprintf(info->failure_text, sizeof(info->failure_text), "%s%s%s", texts[f],
		 detail ? ": " : "", detail ? detail : "");
}
