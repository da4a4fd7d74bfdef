#!/usr/bin/python3
"""No file includes a header of a higher layer, nor what its layer keeps out of.

The order is that of src/meson.build. Headers of libraries that one file or folder hides
from the rest of the tree are listed here as well.
"""

import re

from tree import files, finish, layers, text

# Layers that stand side by side and know nothing of each other.
STRANGERS = [
    ("proxy", "mesh"),
    ("proxy", "control"),
    ("proxy", "cli"),
]

# Has no test binary: its files are the programs' own main().
UNTESTED = ("main",)

# Layers that know no descriptor of a peer and no loop, and the headers they may use all the
# same: model/ describes TLS contexts and reads the files that a configuration names.
PURE = {"codec": (), "rules": (), "model": ("net/tls.h", "net/certificate.h", "fcntl.h")}
IO_HEADERS = re.compile(r"(event/|net/|sys/(socket|epoll|uio|un)\.h|fcntl\.h|poll\.h)")

# A library's header: the only places that may include it.
HIDDEN = {
    "nghttp2/nghttp2.h": "src/http/h2_nghttp2",
    "sqlite3.h": "src/control/store",
    "yaml.h": "src/codec/yaml",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')


def problems_of(name, order):
    own = name.split("/")[1]
    for number, line in enumerate(text(name).splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            what = problem_of(name, own, found[1] == '"', found[2], order)
            if what:
                yield f"{name}:{number}: {what}"


def problem_of(name, own, ours, header, order):
    other = header.split("/")[0]
    if header in HIDDEN and not name.startswith(HIDDEN[header]):
        return f"<{header}> is for {HIDDEN[header]} alone"
    if own in PURE and IO_HEADERS.match(header) and header not in PURE[own]:
        return f"{own} does no I/O, so it cannot use {header}"
    if not ours or other == own:
        return None
    if "/" not in header:
        return f'"{header}" is not a path from src/'
    if (own, other) in STRANGERS or (other, own) in STRANGERS:
        return f"{own} and {other} know nothing of each other"
    if other in order and order.index(other) > order.index(own):
        return f"{own} stands below {other}"
    return None


def untested(order):
    """Layers without a test binary that links them whole."""
    for layer in order:
        tests = f"tests/unit/{layer}/meson.build"
        if layer not in UNTESTED and not (files(tests) and "link_whole:" in text(tests)):
            yield f"{tests}: no test binary links {layer} and all below it whole"


def main():
    order = layers()
    problems = list(untested(order))
    names = [n for n in files("src/*.c", "src/*.h", "src/*.cc") if n.count("/") > 1]
    for name in names:
        if name.split("/")[1] in order:
            problems += problems_of(name, order)
    finish(problems, f"{len(names)} files of {len(order)} layers include downwards only")


main()
