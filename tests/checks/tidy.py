#!/usr/bin/python3
"""clang-tidy finds nothing (.clang-tidy says what is asked). Needs build-clang/."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import ROOT, files, finish


def compiled():
    """The C files of the tree that clang compiles."""
    entries = json.loads((ROOT / "build-clang/compile_commands.json").read_text())
    build = ROOT / "build-clang"
    names = {os.path.relpath((build / e["file"]).resolve(), ROOT) for e in entries}
    return sorted(names & set(files("*.c")))


def problems_of(name):
    out = subprocess.run(["clang-tidy", "-p", "build-clang", "--quiet", name], cwd=ROOT,
                         capture_output=True, text=True, check=False).stdout
    return re.findall(r"^(?:\S+: (?:warning|error):.*)$", out, re.M)


def main():
    names = compiled()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = {p.replace(f"{ROOT}/", "") for found in pool.map(problems_of, names)
                    for p in found}
    finish(sorted(problems), f"clang-tidy is content with {len(names)} files")


main()
