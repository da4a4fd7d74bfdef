"""Go programs that others wrote, built from the modules that their owners publish.

Each is built in a throw-away module of its own, so that nothing of it comes into the tree, and
kept under a name that holds the versions, since building takes a minute. A test that asks for
one is skipped where Go or the module proxy is missing.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "build-judges"
BUILD_SECONDS_MAX = 1500


def go(folder, *arguments, optional=False):
    """Output of a go command; None where it fails and may."""
    done = subprocess.run(["go", *arguments], cwd=folder, capture_output=True, check=False,
                          timeout=BUILD_SECONDS_MAX, env=dict(os.environ, GOFLAGS="-mod=mod"))
    if optional and done.returncode != 0:
        return None
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def new_module(folder, modules):
    """A module that requires others, given as name to version; skips where they are not."""
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    (folder / "go.mod").write_text("module example.test/judge\n\ngo 1.22\n")
    for name, version in modules.items():
        if go(folder, "list", "-m", f"{name}@{version}", optional=True) is None:
            pytest.skip(f"the module proxy does not serve {name}@{version}")
    go(folder, "get", *(f"{name}@{version}" for name, version in modules.items()))


def kept(name, modules):
    """Where what is made of these versions stays."""
    KEPT.mkdir(exist_ok=True)
    return KEPT / "-".join([name, *modules.values()])


def program(name, module, version, package):
    """The path of a program: `package` of the module at that version."""
    path = kept(name, {module: version})
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="weft-go-") as folder:
            new_module(Path(folder), {module: version})
            # Named with its version, so that what it needs besides the module's root is found.
            go(folder, "get", f"{module}/{package}@{version}", optional=True)
            go(folder, "build", "-o", "program", f"{module}/{package}")
            shutil.move(Path(folder) / "program", path)
    return path
