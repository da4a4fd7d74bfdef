#!/bin/sh
# Instructions of one piece of work, from callgrind at two counts:
#   bench/instructions.sh build/bench/measure_http1 read-request
set -eu
[ $# -eq 2 ] || { echo "usage: $0 PROGRAM WHAT" >&2; exit 2; }

count() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" "$3" 2>&1 |
		sed -n 's/.*Collected : //p'
}

few=$(count "$1" "$2" 1000)
many=$(count "$1" "$2" 3000)
echo "$2: $(((many - few) / 2000)) instructions"
