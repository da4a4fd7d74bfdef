#!/usr/bin/python3
"""Runs a lane of tests: tests/run.py LANE [WORD...]

A lane is a list of steps; with words, only steps whose name contains one of them run. The
output of each step goes to build-logs/LANE/ and is shown when the step fails. The last line
is `N passed, N failed, N skipped`; the exit status says whether any failed. The time limits
are guards against hanging, some ten times of what the step takes.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build-logs"
PYTHON = "/usr/bin/python3"
PYTEST = "/usr/bin/pytest-3"
SHOWN_LINES_MAX = 400
THREADED = ("event", "net", "http", "xds", "proxy", "control")
FUZZ_SECONDS = 60

sys.path.insert(0, str(ROOT / "tools"))
import build as builds  # noqa: E402


@dataclass
class Result:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes


@dataclass
class Step:
    name: str
    run: object  # called with the Lane and the step's log file, returns a Result
    needs: tuple = ()


# Skips


def skips_allowed():
    rows = (line.split(None, 1) for line in (ROOT / "tests/skips.txt").read_text().splitlines()
            if line.strip() and not line.startswith("#"))
    return [row[0] for row in rows if len(row) == 2]


def skip(name):
    """A skipped test counts as failed unless tests/skips.txt gives the reason."""
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in skips_allowed()):
        return Result(skipped=1, notes=["skipped: " + name])
    return Result(failed=1, notes=["skipped, and not named in tests/skips.txt: " + name])


# Commands


def environment(**more):
    env = dict(os.environ, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
    env["ASAN_OPTIONS"] = "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    env["TSAN_OPTIONS"] = "second_deadlock_stack=1:halt_on_error=0"
    env.update(more)
    return env


def command(arguments, log, limit, **env):
    """Runs a command in its own process group; its output is appended to the log."""
    with open(log, "ab") as out:
        out.write(("$ " + shlex.join(map(str, arguments)) + "\n").encode())
        out.flush()
        child = subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, env=environment(**env),
                                 start_new_session=True)
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            out.write(f"\nrun.py: no end after {limit} s, killed\n".encode())
            return 124
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()


def one(ok):
    return Result(passed=1) if ok else Result(failed=1)


# Steps


def check(script):
    def run(lane, log):
        return one(command([PYTHON, f"tests/checks/{script}.py"], log, 300) == 0)
    return Step(f"check {script}", run)


def build(name, targets=()):
    def run(lane, log):
        return one(command([PYTHON, "tools/build.py", name, *targets], log, 3000) == 0)
    return Step(f"build {name}", run)


def unit(name, layers=None, limit=1800):
    """The unit tests and replayed corpora of a build, each cmocka test counted."""
    def run(lane, log):
        wanted = unit_names(name, layers)
        if not wanted:
            return Result(notes=["nothing to run yet"])
        results = ROOT / name / "meson-logs/testlog.json"
        results.unlink(missing_ok=True)
        status = command(fixed_addresses() + ["meson", "test", "-C", name, "--no-rebuild",
                         "--print-errorlogs", "-t", "10", *wanted], log, limit)
        return unit_results(name, results, status)
    return Step(f"unit tests in {name}", run, needs=(f"build {name}",))


def fixed_addresses():
    """The sanitizers of older compilers do not bear the kernel's widest randomisation."""
    tool = ["setarch", os.uname().machine, "-R"]
    works = shutil.which("setarch") and subprocess.run(tool + ["true"], check=False,
                                                       stderr=subprocess.DEVNULL).returncode == 0
    return tool if works else []


def unit_names(name, layers):
    out = subprocess.run(["meson", "introspect", str(ROOT / name), "--tests"], check=True,
                         capture_output=True, text=True).stdout
    names = [test["name"] for test in json.loads(out)]
    return [n for n in names if layers is None or n in layers]


def unit_results(name, results, status):
    total = Result()
    if results.exists():
        for line in results.read_text().splitlines():
            total.add(unit_result(name, json.loads(line)))
    if status != 0 and total.failed == 0:
        total.add(Result(failed=1, notes=[f"meson test in {name} ended with {status}"]))
    return total


def unit_result(name, test):
    """Counts what one test program printed; the program itself where it printed no tests."""
    where = f"{name}/{test['name'].split(' / ')[-1]}"
    out, err = test.get("stdout") or "", test.get("stderr") or ""
    both = out + "\n" + err
    total = Result()
    for started in re.findall(r"^\[ RUN      \] (\S+)", out, re.M):
        if re.search(rf"^\[       OK \] {re.escape(started)}$", out, re.M):
            total.add(Result(passed=1))
        elif re.search(rf"^\[  SKIPPED \] {re.escape(started)}$", both, re.M):
            total.add(skip(f"{where}::{started}"))
        else:
            total.add(Result(failed=1, notes=[f"failed: {where}::{started}"]))
    if test["result"] != "OK" and total.failed == 0:
        total.add(Result(failed=1, notes=[f"failed: {where}: {test['result']}"]))
    elif total.passed + total.failed + total.skipped == 0:
        total.passed = 1
    return total


def pytests(title, folder, build_name, limit, needs=()):
    """The pytest tests below a folder, run against the programs of a build."""
    def run(lane, log):
        if not list((ROOT / folder).rglob("test_*.py")):
            return Result(notes=["nothing here yet"])
        report = log.with_suffix(".xml")
        report.unlink(missing_ok=True)
        status = command([PYTEST, "-p", "no:cacheprovider", "-q", "--durations=10",
                          f"--junitxml={report}", folder], log, limit,
                         WEFT_BUILD=str(ROOT / build_name))
        return pytest_results(folder, report, status)
    return Step(title, run, needs=needs)


def pytest_results(folder, report, status):
    total = Result()
    if report.exists():
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}::{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                total.add(Result(failed=1, notes=["failed: " + name]))
            elif case.find("skipped") is not None:
                total.add(skip(name))
            else:
                total.passed += 1
    if status != 0 and total.failed == 0:
        total.add(Result(failed=1, notes=[f"pytest of {folder} ended with {status}"]))
    return total


def fuzz(lane, log):
    """Each fuzzer for a minute; what it finds new stays out of the tree's corpus."""
    total = Result()
    for program in sorted((ROOT / "build-fuzz/tests/fuzz").glob("fuzz_*")):
        if program.is_file() and os.access(program, os.X_OK):
            total.add(fuzz_one(program, log))
    return total


def fuzz_one(program, log):
    name = program.name.removeprefix("fuzz_")
    found = LOGS / "soak" / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    status = command([program, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10",
                      "-rss_limit_mb=2048", f"-artifact_prefix={found}/", "-print_final_stats=1",
                      found, ROOT / "tests/fuzz/corpus" / name], log, FUZZ_SECONDS * 10)
    return Result(passed=1) if status == 0 else Result(failed=1, notes=[f"failed: fuzz {name}"])


def script(title, path, limit):
    """A script that judges by its exit status, or nothing where it does not exist yet."""
    def run(lane, log):
        if not (ROOT / path).exists():
            return Result(notes=["nothing here yet"])
        return one(command([ROOT / path], log, limit) == 0)
    return Step(title, run)


LANES = {
    "test": [
        check("format"),
        check("layers"),
        check("limits"),
        check("words"),
        check("docs"),
        build("build"),
        check("headers"),
        unit("build"),
        build("build-clang"),
        build("build-asan"),
        unit("build-asan"),
        build("build-tsan"),
        unit("build-tsan", layers=THREADED),
        pytests("checks of the checks", "tests/checks", "build", 600),
        pytests("scenarios", "tests/scenario", "build", 3600, needs=("build build",)),
        pytests("scenarios under ASan", "tests/scenario", "build-asan", 3600,
                needs=("build build-asan",)),
    ],
    "conformance": [
        build("build"),
        pytests("conformance", "tests/conformance", "build", 3600, needs=("build build",)),
    ],
    "soak": [
        build("build"),
        build("build-fuzz"),
        Step("fuzzers", fuzz, needs=("build build-fuzz",)),
        pytests("soak", "tests/soak", "build", 7200, needs=("build build",)),
    ],
    "bench": [
        build("build-release", ["programs"]),
        script("bench", "bench/run.py", 7200),
    ],
    "lint": [
        check("format"),
        build("build"),
        check("tidy"),
    ],
}


class Lane:
    def __init__(self, name, words):
        self.name = name
        self.steps = [s for s in LANES[name] if not words or any(w in s.name for w in words)]
        self.results = {}
        self.logs = LOGS / name
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)

    def run(self):
        total = Result()
        for step in self.steps:
            total.add(self.run_step(step))
        line = f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped"
        (LOGS / f"{self.name}.json").write_text(json.dumps(
            {"passed": total.passed, "failed": total.failed, "skipped": total.skipped}))
        print(line, flush=True)
        return total.failed == 0

    def run_step(self, step):
        log = self.logs / (re.sub(r"[^a-z0-9]+", "-", step.name.lower()) + ".log")
        log.touch()
        started = time.monotonic()
        broken = [n for n in step.needs if n in self.results and self.results[n].failed]
        if broken:
            result = Result(failed=1, notes=["not run, because this failed: " + broken[0]])
        else:
            result = step.run(self, log)
        self.results[step.name] = result
        self.report(step, result, log, time.monotonic() - started)
        return result

    def report(self, step, result, log, seconds):
        word = "FAIL" if result.failed else "ok"
        print(f"{word:4} {step.name:34} {result.passed:5} passed"
              + (f", {result.failed} failed" if result.failed else "")
              + (f", {result.skipped} skipped" if result.skipped else "")
              + f"  {seconds:6.1f} s", flush=True)
        for note in result.notes:
            print("     " + note)
        if result.failed:
            lines = log.read_text(errors="replace").splitlines()
            for line in lines[-SHOWN_LINES_MAX:]:
                print("     | " + line)
        sys.stdout.flush()


def main(arguments):
    if not arguments or arguments[0] not in LANES:
        sys.exit("usage: tests/run.py LANE [WORD...]; lanes: " + ", ".join(LANES))
    lane = Lane(arguments[0], arguments[1:])
    sys.exit(0 if lane.run() else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
