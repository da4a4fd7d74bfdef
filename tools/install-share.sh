#!/bin/sh
#
# tools/install-share.sh WEFT DATADIR
#
# Run by `meson install`: man pages and completions, which the program makes from its own tables.

set -eu

exec "$1" man --into "$MESON_INSTALL_DESTDIR_PREFIX/$2"
