#!/usr/bin/python3
"""`make install` puts below DESTDIR and PREFIX what build/ makes, and what it put there runs."""

import subprocess
import tempfile
from pathlib import Path

from tree import ROOT, finish

# What is run of each.
PROGRAMS = {"weft": "version", "weft-proxy": "--version"}


def install(directory):
    done = subprocess.run(["make", "install", f"DESTDIR={directory}", "PREFIX=/opt/weft"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"make install: {done.stdout}{done.stderr}"]


def problem_of(program, directory):
    path = directory / "opt/weft/bin" / program
    if not path.exists():
        return f"make install: no {program} in PREFIX/bin"
    word = PROGRAMS[program]
    done = subprocess.run([path, word], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        return f"{program} {word} ended with {done.returncode}: {done.stderr}"
    return None


def main():
    built = [p for p in PROGRAMS if (ROOT / "build" / p).exists()]
    with tempfile.TemporaryDirectory() as name:
        problems = install(name)
        problems += [p for p in (problem_of(b, Path(name)) for b in built) if p]
        if not (Path(name) / "opt/weft/share/doc/weft/LICENSE").exists():
            problems.append("make install: no LICENSE")
    finish(problems, f"installed and run: {', '.join(built) or 'nothing here yet'}")


main()
