#!/usr/bin/python3
"""Every header compiles alone, as the first thing in a file."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import ROOT, files, finish

FLAGS = ["-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
         '-DWEFT_VERSION="0"', "-Isrc", "-Ibuild", "-Ibuild/src", "-Itests/unit", "-include",
         "base/poison.h", "-x", "c", "-"]


def problem_of(name):
    source = f'#include "{name.removeprefix("src/")}"\n'
    if not name.startswith("src/"):
        source = f'#include "{ROOT / name}"\n'
    done = subprocess.run(["gcc", *FLAGS], cwd=ROOT, input=source, capture_output=True,
                          text=True, check=False)
    return None if done.returncode == 0 else f"{name}: does not compile alone\n{done.stderr}"


def main():
    names = files("src/*.h", "tests/*.h")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [p for p in pool.map(problem_of, names) if p]
    finish(problems, f"{len(names)} headers compile alone")


main()
