#!/usr/bin/python3
"""Measures Weft beside nginx and Envoy and prints one table: bench/run.py [WORD...]

With words, only the parts whose name contains one of them run. The numbers are also written to
build-logs/bench-table.json. The programs are those of build-release, stripped where a size is told.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("WEFT_BUILD", str(ROOT / "build-release"))
sys.path[:0] = [str(ROOT / "tests/scenario"), str(Path(__file__).parent)]

import measure  # noqa: E402
from harness import servers  # noqa: E402
from harness.weft import program  # noqa: E402
from harness.world import World  # noqa: E402
from peers import Envoy, Nginx, NginxAlone, Weft  # noqa: E402

BEHIND = "location / { return 200 'hello\\n'; }"
MEGABYTE = 1024 * 1024


@dataclass
class Row:
    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float = 0
    ratio: float = 0


def compare(what, unit, ours, peers, ratios=None):
    """A row for each peer; `peers` is name -> value."""
    return [Row(what, unit, ours, name, value, (ratios or {}).get(name, ours / value))
            for name, value in peers.items()]


def http1(world, behind):
    peers = [kind(world, behind, wrap=measure.pinned(0)).ready() for kind in (Weft, Nginx, Envoy)]
    found = measure.rounds(peers)
    rows = []
    for n, (what, unit) in enumerate((("HTTP/1 requests", "1/s"),
                                      ("processor time per request", "us"))):
        values = {name: [numbers[n] for numbers in taken] for name, taken in found.items()}
        ours = values.pop(Weft.name)
        rows += compare(what, unit, statistics.median(ours),
                        {name: statistics.median(v) for name, v in values.items()},
                        {name: measure.ratio(ours, v) for name, v in values.items()})
    return rows


def instructions(world, behind):
    ours = measure.instructions(world, Weft, behind)
    return compare("user instructions per request", "", ours,
                   {Nginx.name: measure.instructions(world, NginxAlone, behind)})


def memory(world, behind):
    found = {kind.name: measure.memory(kind(world, behind).ready())
             for kind in (Weft, Nginx, Envoy)}
    ours = found.pop(Weft.name)
    rows = []
    for n, what in enumerate(("resident memory, idle", "private memory, idle")):
        rows += compare(what, "MB", ours[n] / MEGABYTE,
                        {name: sizes[n] / MEGABYTE for name, sizes in found.items()})
    return rows


def mesh_memory(world, _behind):
    member, control = measure.mesh_memory(world)
    rows = []
    for what, sizes in (("proxy in the mesh", member), ("control plane of three", control)):
        rows += [Row(f"{kind} memory, {what}", "MB", size / MEGABYTE)
                 for kind, size in zip(("resident", "private"), sizes)]
    return rows


def starts(world, behind):
    found = measure.starts(world, (Weft, Nginx, Envoy), behind)
    ours = found.pop(Weft.name)
    return compare("start to first connection", "ms", ours * 1000,
                   {name: seconds * 1000 for name, seconds in found.items()})


def stripped_bytes(world, path):
    copy = world.path("stripped")
    subprocess.run(["strip", "-o", str(copy), str(path)], check=True)
    return copy.stat().st_size / MEGABYTE


def sizes(world, _behind):
    rows = compare("size of weft-proxy", "MB", stripped_bytes(world, Weft.binary()), {
        kind.name: stripped_bytes(world, kind.binary()) for kind in (Nginx, Envoy)})
    return [*rows, Row("size of weft", "MB", stripped_bytes(world, program("weft")))]


def effect(world, _behind):
    """Changes of a canary under load: from `weft apply` to the first answer that shows it."""
    seconds = measure.effects(world)
    return [Row("apply to effect, median", "ms", statistics.median(seconds) * 1000),
            Row("apply to effect, longest", "ms", max(seconds) * 1000)]


def demo(world, _behind):
    done = world.run([program("weft"), "demo", "--for", "2s", "-o", "json"], guard=120)
    return [Row("demo ready", "s", json.loads(done.stdout)["startup_seconds"])]


PARTS = (sizes, starts, demo, effect, memory, mesh_memory, http1, instructions)


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def table(rows):
    lines = [("", "", "Weft", "", "theirs", "ratio")]
    for row in rows:
        known = bool(row.peer)
        lines.append((row.what, row.unit, number(row.ours), row.peer,
                      number(row.theirs) if known else "", f"{row.ratio:.2f}" if known else ""))
    widths = [max(len(line[n]) for line in lines) for n in range(6)]
    return "\n".join("  ".join(
        (word.ljust if n in (0, 1, 3) else word.rjust)(width)
        for n, (word, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def run(part):
    world = World()
    try:
        _, behind = servers.nginx(world, BEHIND, name="behind", wrap=measure.pinned(1))
        return part(world, behind)
    finally:
        problems = world.stop() + world.left()
        world.close()
        if problems:
            sys.exit("\n".join(problems))


def main(words):
    rows = []
    for part in PARTS:
        if not words or any(word in part.__name__ for word in words):
            rows += run(part)
    logs = ROOT / "build-logs"
    logs.mkdir(exist_ok=True)
    (logs / "bench-table.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
