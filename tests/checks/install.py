#!/usr/bin/python3
"""`make install` puts below DESTDIR and PREFIX what build/ makes, and what it put there runs.

So do man pages, one for the program and one for each command, and the completions.
"""

import subprocess
import tempfile
from pathlib import Path

from tree import ROOT, finish

# What is run of each.
PROGRAMS = {"weft": "version", "weft-proxy": "--version"}


COMPLETIONS = ("bash-completion/completions/weft", "zsh/site-functions/_weft",
               "fish/vendor_completions.d/weft.fish")


def commands(weft):
    """The commands that help lists."""
    text = subprocess.run([weft, "help"], capture_output=True, text=True, check=True).stdout
    for line in text.split("\nTopics\n")[0].splitlines()[1:]:
        if line.startswith("  "):
            yield line.strip().split("  ")[0]


def share_problems(prefix):
    """What make install left out of share/."""
    pages = ["weft"] + [f"weft-{c.replace(' ', '-')}" for c in commands(prefix / "bin/weft")]
    wanted = [f"man/man1/{page}.1" for page in pages] + list(COMPLETIONS)
    for name in wanted:
        path = prefix / "share" / name
        if not path.exists() or not path.read_text():
            yield f"make install: no {name} in PREFIX/share"


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
        if "weft" in built and not problems:
            problems += share_problems(Path(name) / "opt/weft")
        if not (Path(name) / "opt/weft/share/doc/weft/LICENSE").exists():
            problems.append("make install: no LICENSE")
    finish(problems, f"installed and run: {', '.join(built) or 'nothing here yet'}")


main()
