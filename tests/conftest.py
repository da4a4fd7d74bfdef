"""Fixtures of all tests under pytest: each gets a world of its own (scenario/harness/world.py)."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "scenario"))

from harness.certs import Authority  # noqa: E402
from harness.world import World  # noqa: E402

TEST_GUARD_SECONDS = 600
LOG_LINES_SHOWN = 60


@pytest.fixture
def world(request):
    """Programs, ports and files of one test; fails the test when anything is left."""
    w = World()
    request.node.world = w
    try:
        yield w
    finally:
        try:
            problems = w.stop() + w.left()
        finally:
            logs = logs_of(w)
            w.close()
    if problems:
        print(logs)
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def authority(world):
    """A certificate authority in the world's directory."""
    return Authority(world.path("ca"), "root")


@pytest.fixture(autouse=True)
def hang_guard(request):
    """No test runs for ever."""
    def expired(*_):
        raise AssertionError(f"no end within {TEST_GUARD_SECONDS} s")

    signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_GUARD_SECONDS)
    yield
    signal.alarm(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Puts the programs' output beside a failure."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "world", None)
    if report.when == "call" and report.failed and world:
        report.sections.append(("programs", logs_of(world)))


def logs_of(world):
    parts = []
    for program in world.programs:
        lines = program.log().splitlines() if program.output.exists() else []
        status = "running" if program.running() else f"ended with {program.process.returncode}"
        parts.append(f"--- {program.name}: {' '.join(program.arguments)} ({status})")
        parts += lines[-LOG_LINES_SHOWN:]
    return "\n".join(parts)
