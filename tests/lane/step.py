"""The kinds of steps that a lane is made of, each a function that returns a Step.

A step runs commands, whose output goes to its log, and returns a Result. The time limits
are guards against hanging, some ten times of what the step takes.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass

from .result import ROOT, Result, nothing, of_meson, of_pytest, one

PYTHON = "/usr/bin/python3"
PYTEST = "/usr/bin/pytest-3"
FUZZ_SECONDS = 60
CLEAN_UP_SECONDS = 60
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
}


@dataclass
class Step:
    name: str
    run: object        # called with the path of the step's log, returns a Result
    needs: tuple = ()  # names of steps without which this one makes no sense


def command(arguments, log, limit, **env):
    """Runs a command in its own process group; its output is appended to the log."""
    with open(log, "ab") as out:
        out.write(("$ " + shlex.join(map(str, arguments)) + "\n").encode())
        out.flush()
        child = subprocess.Popen(
            arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **SANITIZERS, "LC_ALL": "C.UTF-8",
                 "PYTHONDONTWRITEBYTECODE": "1", **env})
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            out.write(f"\nno end after {limit} s, ended\n".encode())
            return 124
        finally:
            end_group(child)


def end_group(child):
    """Ends a command that still runs, giving it time to clean up, and what it left behind."""
    try:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGINT)
            child.wait(CLEAN_UP_SECONDS)
    except (subprocess.TimeoutExpired, ProcessLookupError):
        pass
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def check(name):
    """A script of tests/checks, which judges by its exit status."""
    return Step(f"check {name}",
                lambda log: one(command([PYTHON, f"tests/checks/{name}.py"], log, 1200) == 0))


def build(name, *targets):
    """A build of tools/build.py."""
    return Step(f"build {name}", lambda log: one(
        command([PYTHON, "tools/build.py", name, *targets], log, 3000) == 0))


def script(title, path, limit, shown=False):
    """A program that judges by its exit status, or nothing where there is none yet; `shown`
    when its output is what the step is run for."""
    def run(log):
        if not (ROOT / path).exists():
            return nothing()
        result = one(command([ROOT / path], log, limit) == 0)
        if shown and not result.failed:
            result.notes = log.read_text().splitlines()[1:]
        return result
    return Step(title, run)


def unit(name, layers=None, limit=1800):
    """The unit tests and replayed corpora of a build: all, or those of some layers."""
    def run(log):
        wanted = unit_names(name, layers)
        if not wanted:
            return nothing()
        results = ROOT / name / "meson-logs/testlog.json"
        results.unlink(missing_ok=True)
        status = command([*fixed_addresses(), "meson", "test", "-C", name, "--no-rebuild",
                          "--print-errorlogs", "-t", "10", *wanted], log, limit)
        return of_meson(name, results, status)
    return Step(f"unit tests in {name}", run, needs=(f"build {name}",))


def unit_names(name, layers):
    out = subprocess.run(["meson", "introspect", str(ROOT / name), "--tests"], check=True,
                         capture_output=True, text=True).stdout
    names = [test["name"] for test in json.loads(out)]
    return [n for n in names if layers is None or n in layers]


def fixed_addresses():
    """The sanitizers of older compilers do not bear the kernel's widest randomisation."""
    tool = ["setarch", os.uname().machine, "-R"]
    works = shutil.which("setarch") and subprocess.run(
        [*tool, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return tool if works else []


def pytests(title, folder, build_name, limit, needs=()):
    """The tests of a folder under pytest, against the programs of a build."""
    def run(log):
        if not list((ROOT / folder).rglob("test_*.py")):
            return nothing()
        report = log.with_suffix(".xml")
        status = command([*fixed_addresses(), PYTEST, "-p", "no:cacheprovider", "-q",
                          "--durations=10", f"--junitxml={report}", folder], log, limit,
                         WEFT_BUILD=str(ROOT / build_name))
        return of_pytest(folder, report, status)
    return Step(title, run, needs)


def fuzz(build_name, found):
    """Each fuzzer for a minute; what it finds stays in `found`, out of the tree."""
    def run(log):
        total = Result()
        for program in sorted((ROOT / build_name / "tests/fuzz").glob("fuzz_*")):
            if program.is_file() and os.access(program, os.X_OK):
                total.add(fuzz_one(program, found, log))
        return total
    return Step("fuzzers", run, needs=(f"build {build_name}",))


def fuzz_one(program, found, log):
    name = program.name.removeprefix("fuzz_")
    corpus = found / name
    corpus.mkdir(parents=True, exist_ok=True)
    status = command([*fixed_addresses(), program, f"-max_total_time={FUZZ_SECONDS}",
                      "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={found}/{name}-",
                      "-verbosity=0", "-print_final_stats=1", corpus,
                      ROOT / "tests/fuzz/corpus" / name], log, FUZZ_SECONDS * 10)
    return one(status == 0, f"failed: fuzzer {name}")
