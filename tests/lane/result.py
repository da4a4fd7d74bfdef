"""What a step of a lane found: counts, and lines that say what failed or was skipped.

A skipped test counts as failed unless tests/skips.txt names it with a reason.
"""

import fnmatch
import json
import re
import xml.etree.ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


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

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def one(ok, note=None):
    """The result of a single test."""
    return Result(passed=1) if ok else Result(failed=1, notes=[note] if note else [])


def nothing():
    return Result(notes=["nothing here yet"])


def skips_allowed():
    rows = (line.split(None, 1) for line in (ROOT / "tests/skips.txt").read_text().splitlines()
            if line.strip() and not line.startswith("#"))
    return [row[0] for row in rows if len(row) == 2]


def skip(name):
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in skips_allowed()):
        return Result(skipped=1, notes=["skipped: " + name])
    return Result(failed=1, notes=["skipped, and not named in tests/skips.txt: " + name])


def of_meson(build, log, status):
    """Counts the tests that each program of a Meson run printed (log: testlog.json)."""
    total = Result()
    if log.exists():
        for line in log.read_text().splitlines():
            total.add(of_program(build, json.loads(line)))
    if status != 0 and total.failed == 0:
        total.add(one(False, f"meson test in {build} ended with {status}"))
    return total


def of_program(build, test):
    """The cmocka tests of one program; where it printed none, the program is the test."""
    where = f"{build}/{test['name'].split(' / ')[-1]}"
    out, err = test.get("stdout") or "", test.get("stderr") or ""
    passed = set(re.findall(r"^\[       OK \] (\S+)$", out, re.M))
    skipped = set(re.findall(r"^\[  SKIPPED \] (\S+)$", out + "\n" + err, re.M))
    total = Result()
    for name in re.findall(r"^\[ RUN      \] (\S+)", out, re.M):
        if name in passed:
            total.passed += 1
        elif name in skipped:
            total.add(skip(f"{where}::{name}"))
        else:
            total.add(one(False, f"failed: {where}::{name}"))
    if test["result"] != "OK" and total.failed == 0:
        total.add(one(False, f"failed: {where}: {test['result']}"))
    elif total.passed + total.failed + total.skipped == 0:
        total.passed = 1
    return total


def of_pytest(folder, report, status):
    """Counts the cases of a JUnit report."""
    total = Result()
    if report.exists():
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}::{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                total.add(one(False, "failed: " + name))
            elif case.find("skipped") is not None:
                total.add(skip(name))
            else:
                total.passed += 1
            total.notes += told(case)
    if status != 0 and total.failed == 0:
        total.add(one(False, f"pytest of {folder} ended with {status}"))
    return total


def told(case):
    """What a test wants to be read by people: record_property("told", ...)."""
    return [f"{case.get('name')}: {p.get('value')}" for p in case.iter("property")
            if p.get("name") == "told"]
