#!/usr/bin/python3
"""The documents are true: links lead somewhere, named files exist, commands are covered.

A command is a line of a fenced `sh` block. tests/docs-commands.txt names for each the lane
that runs it (`LANE: COMMAND`), so that no page shows what nothing proves.
"""

import re
from pathlib import PurePosixPath

from tree import ROOT, files, finish, text

ARCHITECTURE = "docs/architecture.md"
WALKS = ("A request", "A change", "An identity", "A fact about a request")
COMMANDS = "tests/docs-commands.txt"
LANES = ("test", "test-conformance", "soak", "bench", "lint", "by-hand")

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.S | re.M)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"`((?:src|tests|tools|docs|proto|deploy|bench|ui)/[\w./-]+)`")


def commands(content):
    for block in BLOCK.findall(content):
        for line in block.replace("\\\n", " ").splitlines():
            line = " ".join(line.split())
            if line and not line.startswith("#"):
                yield line


def covered():
    rows = {}
    for number, line in enumerate(text(COMMANDS).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            lane, _, command = line.partition(": ")
            rows[command.strip()] = (number, lane)
    return rows


def link_problems(name, content):
    for target in LINK.findall(content):
        if "://" in target or target.startswith("mailto:"):
            continue
        path = ROOT / PurePosixPath(name).parent / target
        if not path.exists():
            yield f"{name}: the link to {target} leads nowhere"


def named_problems(name, content):
    for number, line in enumerate(content.splitlines(), 1):
        for path in NAMED.findall(line):
            if not (ROOT / path).exists():
                yield f"{name}:{number}: there is no {path}"


def walk_problems():
    """Each step of the four walks names the file to read."""
    walk = None
    for number, line in enumerate(text(ARCHITECTURE).splitlines(), 1):
        if line.startswith("## "):
            walk = line[3:]
        elif walk in WALKS and line.startswith("|") and not line.startswith("| ---"):
            if "| Step |" not in line and not NAMED.search(line.split("|")[2]):
                yield f"{ARCHITECTURE}:{number}: this step names no file"


def main():
    rows, used, problems = covered(), set(), list(walk_problems())
    pages = [n for n in files("*.md") if not n.startswith(("tests/", "proto/"))]
    for name in pages:
        content = text(name)
        problems += link_problems(name, content)
        problems += named_problems(name, content)
        for command in commands(content):
            used.add(command)
            if command not in rows:
                problems.append(f"{name}: `{command}` is not in {COMMANDS}")
    for command, (number, lane) in rows.items():
        if command not in used:
            problems.append(f"{COMMANDS}:{number}: no page shows `{command}`")
        if lane not in LANES:
            problems.append(f"{COMMANDS}:{number}: {lane} is none of {', '.join(LANES)}")
    finish(problems, f"{len(pages)} pages, {len(used)} commands in them")


main()
