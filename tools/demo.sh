#!/bin/bash
#
# tools/demo.sh [FLAG...]
#
# Runs `build/weft demo`. Without a terminal it would run for ever unseen, so there it ends
# after 30 seconds and prints its summary, unless a --for says otherwise.

set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -x build/weft ]]; then
	echo "demo: nothing here yet: this tree does not build weft"
	exit 0
fi
if [[ " $* " != *" --for"* && ! ( -t 0 && -t 1 ) ]]; then
	set -- --for 30s "$@"
fi
exec build/weft demo "$@"
