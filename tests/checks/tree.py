"""What the checks share: the files of the tree, and how a check ends."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def files(*patterns):
    """The files of the tree that match, known to git or new but not ignored."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
                         cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = sorted(set(filter(None, out.split("\0"))))
    return [name for name in names if (ROOT / name).is_file()]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def layers():
    """The layers, lowest first, as src/meson.build orders them."""
    names = []
    for line in text("src/meson.build").splitlines():
        if line.strip().startswith("subdir('"):
            names.append(line.split("'")[1])
    return names


def finish(problems, done):
    """Prints the problems, each `FILE:LINE: what`, and ends the check."""
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(done)
