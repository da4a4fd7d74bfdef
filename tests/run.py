#!/usr/bin/python3
"""Runs a lane of tests: tests/run.py LANE [WORD...]

A lane is a list of steps; with words, only steps whose name contains one of them run. The
output of each step goes to build-logs/LANE/ and is shown when the step fails. The last line
is `N passed, N failed, N skipped`; the exit status says whether any failed.
"""

import json
import re
import shutil
import signal
import sys
import time

from lane.result import ROOT, Result
from lane.step import build, check, fuzz, pytests, script, unit

LOGS = ROOT / "build-logs"
SHOWN_LINES_MAX = 400

# The layers whose tests run threads.
THREADED = ("event", "net", "http", "xds", "proxy", "control")

LANES = {
    "test": [
        check("format"),
        check("layers"),
        check("limits"),
        check("words"),
        check("docs"),
        check("proto"),
        build("build"),
        check("headers"),
        check("install"),
        unit("build"),
        pytests("checks by pytest", "tests/checks", "build", 600, needs=("build build",)),
        build("build-release", "programs"),
        build("build-clang"),
        build("build-asan"),
        unit("build-asan"),
        build("build-tsan", *(f"test:{layer}" for layer in THREADED)),
        unit("build-tsan", layers=THREADED),
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
        fuzz("build-fuzz", LOGS / "fuzz"),
        pytests("soak", "tests/soak", "build", 7200, needs=("build build",)),
        script("fresh systems", "tools/test-fresh.sh", 14400),
    ],
    "bench": [
        build("build-release", "programs"),
        script("bench", "bench/run.py", 7200, shown=True),
    ],
    "lint": [
        check("format"),
        build("build-release", "programs"),
        build("build-clang"),
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
        (LOGS / f"{self.name}.json").write_text(json.dumps(
            {"passed": total.passed, "failed": total.failed, "skipped": total.skipped}))
        print(total.line(), flush=True)
        return total.failed == 0

    def run_step(self, step):
        log = self.logs / (re.sub(r"[^a-z0-9]+", "-", step.name.lower()) + ".log")
        log.touch()
        started = time.monotonic()
        broken = [n for n in step.needs if n in self.results and self.results[n].failed]
        if broken:
            result = Result(failed=1, notes=["not run, because this failed: " + broken[0]])
        else:
            result = step.run(log)
        self.results[step.name] = result
        report(step, result, log, time.monotonic() - started)
        return result


def report(step, result, log, seconds):
    word = "FAIL" if result.failed else "ok"
    print(f"{word:4} {step.name:28} {seconds:7.1f} s  {result.line()}", flush=True)
    for note in result.notes:
        print("     " + note)
    if result.failed:
        for line in log.read_text(errors="replace").splitlines()[-SHOWN_LINES_MAX:]:
            print("     | " + line)
    sys.stdout.flush()


def main(arguments):
    if not arguments or arguments[0] not in LANES:
        sys.exit("usage: tests/run.py LANE [WORD...]; lanes: " + ", ".join(LANES))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    sys.exit(0 if Lane(arguments[0], arguments[1:]).run() else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
