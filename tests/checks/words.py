#!/usr/bin/python3
"""No leftovers: what is not there is refused by name, not promised in a comment."""

import re

from tree import files, finish, text

LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
OWN = "tests/checks/words.py"
TEXT = ("*.c", "*.h", "*.cc", "*.py", "*.sh", "*.md", "*.build", "*.proto", "*.yaml",
        "*.json", "*.txt", "Makefile", ".ci/run")


def main():
    names = [n for n in files(*TEXT) if n != OWN and not n.startswith("tests/fuzz/corpus/")]
    problems = [f"{name}:{number}: {found[0]}"
                for name in names
                for number, line in enumerate(text(name).splitlines(), 1)
                if (found := LEFTOVER.search(line))]
    finish(problems, f"{len(names)} files hold no leftovers")


main()
