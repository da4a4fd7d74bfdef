#include "base/error.h"

#include <string.h>

const char *err_text(int code)
{
	switch (code) {
	case 0:
		return "no error";
// clang-format off
#define X(name, text) case name: return text;
		ERR_MAP(X)
#undef X
	// clang-format on
	default:
		return code < 0 && code > ERR_FIRST ? strerrordesc_np(-code) ?: "unknown error"
						    : "unknown error";
	}
}
