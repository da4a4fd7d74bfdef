#!/usr/bin/python3
"""The builds of this tree, and one command for each: tools/build.py NAME [TARGET...]

A target is one of Meson's, or test:NAME for the program of a test, where there is one.
A build that was set up with other options, or by hand, is set up anew. ccache is used
where it is installed.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Name: compiler, Meson options. The name is the directory. Sanitizers change what a compiler
# can prove and so what it warns of; warnings are errors in the builds without them.
SANITIZED = ["-Dbuildtype=debug", "-Doptimization=1", "-Dwerror=false"]
BUILDS = {
    "build": ("gcc", ["-Dbuildtype=debugoptimized"]),
    "build-release": ("gcc", ["-Dbuildtype=release", "-Doptimization=2", "-Db_lto=true",
                              "-Dtests=false"]),
    "build-clang": ("clang", ["-Dbuildtype=debugoptimized"]),
    "build-asan": ("gcc", [*SANITIZED, "-Dfaults=true", "-Db_sanitize=address,undefined"]),
    "build-tsan": ("gcc", [*SANITIZED, "-Db_sanitize=thread"]),
    "build-fuzz": ("clang", [*SANITIZED, "-Dfuzzers=true", "-Dtests=false",
                             "-Db_sanitize=address,undefined", "-Db_lundef=false"]),
}


def options_of(name, extra):
    compiler, options = BUILDS[name]
    if shutil.which("ccache"):
        compiler = "ccache " + compiler
    return {"CC": compiler, "options": options + extra}


def set_up(name, extra=()):
    """Brings the build directory into being; quick when it is there as wanted."""
    directory = ROOT / name
    wanted = options_of(name, list(extra))
    mark = directory / "weft-options.json"
    if mark.exists() and json.loads(mark.read_text()) == wanted:
        return
    if directory.exists():
        shutil.rmtree(directory)
    env = dict(os.environ, CC=wanted["CC"], CCACHE_BASEDIR=str(ROOT), CCACHE_NOHASHDIR="1")
    subprocess.run(["meson", "setup", str(directory), str(ROOT)] + wanted["options"],
                   env=env, check=True)
    mark.write_text(json.dumps(wanted))


def programs_of_tests(name, tests):
    """The programs of the Meson tests with these names, as targets; unknown names give none."""
    out = subprocess.run(["meson", "introspect", str(ROOT / name), "--tests"], check=True,
                         capture_output=True, text=True).stdout
    return [os.path.relpath(test["cmd"][0], ROOT / name) for test in json.loads(out)
            if test["name"] in tests]


def build(name, targets=()):
    tests = [t.removeprefix("test:") for t in targets if t.startswith("test:")]
    wanted = [t for t in targets if not t.startswith("test:")]
    if tests:
        wanted += programs_of_tests(name, tests)
    env = dict(os.environ, CCACHE_BASEDIR=str(ROOT), CCACHE_NOHASHDIR="1")
    subprocess.run(["ninja", "-C", str(ROOT / name)] + wanted, env=env, check=True)


def main(arguments):
    extra = [a for a in arguments if a.startswith("-D")]
    names = [a for a in arguments if not a.startswith("-D")]
    if not names or names[0] not in BUILDS:
        sys.exit("usage: tools/build.py NAME [-DOPTION=VALUE...] [TARGET...]; names: "
                 + ", ".join(BUILDS))
    try:
        set_up(names[0], extra)
        build(names[0], names[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
