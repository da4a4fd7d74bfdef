#!/usr/bin/python3
"""clang-format leaves every C file as it is; other text ends its lines cleanly."""

import subprocess

from tree import ROOT, files, finish, text

TOOL = ROOT / ".venv-format/bin/clang-format"
TEXT = ("*.md", "*.py", "*.sh", "*.build", "*.txt", "*.proto", "*.yaml", "Makefile")


def c_problems(names):
    out = subprocess.run([TOOL, "--dry-run", *names], cwd=ROOT, capture_output=True,
                         text=True, check=True).stderr
    return [line.replace(" warning:", "") for line in out.splitlines() if " warning: " in line]


def text_problems(name):
    content = text(name)
    if content and not content.endswith("\n"):
        yield f"{name}: no newline at the end of the file"
    for number, line in enumerate(content.splitlines(), 1):
        if line != line.rstrip():
            yield f"{name}:{number}: space at the end of the line"


def main():
    sources = files("*.c", "*.h", "*.cc")
    problems = c_problems(sources) if sources else []
    others = [name for name in files(*TEXT) if not name.startswith("tests/fuzz/corpus/")]
    for name in others:
        problems += text_problems(name)
    finish(problems, f"{len(sources)} C files and {len(others)} others are formatted")


main()
