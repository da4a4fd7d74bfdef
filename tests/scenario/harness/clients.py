"""Real clients: curl for one request, wrk for many, redis-cli."""

import re
from dataclasses import dataclass

from .servers import program

CURL_GUARD_SECONDS = 60


@dataclass
class CurlResult:
    exit_status: int
    status: int      # 0 when no response came
    body: str
    error: str


def curl(world, url, *flags):
    """One request; curl's own exit status tells connection errors apart."""
    done = world.run([program("curl"), "-sS", "--max-time", CURL_GUARD_SECONDS,
                      "-w", "\n%{http_code}", *flags, url], guard=CURL_GUARD_SECONDS * 2)
    body, _, status = done.stdout.rpartition("\n")
    return CurlResult(done.returncode, int(status or 0), body, done.stderr)


@dataclass
class WrkResult:
    requests: int
    bad_statuses: int     # other than 2xx and 3xx
    socket_errors: int
    output: str


def wrk(world, url, seconds=5, connections=8, flags=(), wrap=()):
    """A burst of GETs over kept connections, for a bounded time."""
    done = world.run([*wrap, program("wrk"), "-t", 1, "-c", connections, "-d", f"{seconds}s",
                      *flags, url], guard=seconds * 10 + CURL_GUARD_SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"wrk ended with {done.returncode}: {done.stderr}")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                       done.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    total = re.search(r"(\d+) requests in", done.stdout)
    return WrkResult(int(total[1]), int(bad[1]) if bad else 0,
                     sum(map(int, errors.groups())) if errors else 0, done.stdout)


def redis_cli(world, port, *words):
    """The answer to one command."""
    done = world.run([program("redis-cli"), "-p", port, *words])
    if done.returncode != 0:
        raise AssertionError(f"redis-cli ended with {done.returncode}: {done.stderr}")
    return done.stdout.strip()
