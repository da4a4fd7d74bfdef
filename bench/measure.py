"""What is measured of a proxy, and how.

Numbers of one kind are taken in turns (weft-proxy, nginx, Envoy, weft-proxy, ...), and the
ratio is that of each round, so that what slows the machine for a while slows all. Instructions
are counted by callgrind at two lengths of the same work: their difference holds no start.
"""

import os
import re
import statistics
import time
from pathlib import Path

from harness.canary import FIFTY, NINETY, Shop, effect, shares_of
from harness.clients import wrk
from harness.http1 import RawClient, answers
from harness.load import Load
from harness.program import listens
from harness.servers import program

ROUNDS = 5
ROUND_SECONDS = 3
CONNECTIONS = 64
INSTRUCTION_REQUESTS = (1000, 3000)
STARTS = 15
CHANGES = 20
EFFECT_RATE = 500   # requests a second, so that an effect is seen soon
CALLGRIND_GUARD_SECONDS = 600


def pinned(core):
    """The command that keeps a program on one core, where there are several."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)])]


def processes(peer):
    """The pids of a peer: its own and those below."""
    return [peer.program.pid, *peer.world.descendants(peer.program)]


def cpu_seconds(peer):
    """What all its threads have run."""
    total = 0
    for pid in processes(peer):
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def loaded(peer, seconds=ROUND_SECONDS):
    """Requests a second and processor microseconds of the proxy per request."""
    before = cpu_seconds(peer)
    result = wrk(peer.world, f"http://127.0.0.1:{peer.port}/", seconds, CONNECTIONS,
                 wrap=pinned(1))
    used = cpu_seconds(peer) - before
    if result.bad_statuses or result.socket_errors:
        raise AssertionError(f"{peer.name} lost requests: {result.output}")
    return result.requests / seconds, used / result.requests * 1e6


def rounds(peers):
    """name -> [(requests a second, microseconds)], one for each round, in rotated order."""
    found = {peer.name: [] for peer in peers}
    for peer in peers:
        loaded(peer, 1)
    for n in range(ROUNDS):
        for peer in peers[n % len(peers):] + peers[:n % len(peers)]:
            found[peer.name].append(loaded(peer))
    return found


def ratio(ours, theirs):
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs))


def instructions(world, kind, behind):
    """User instructions for each request on one kept connection."""
    few, many = (collected(world, kind, behind, n) for n in INSTRUCTION_REQUESTS)
    return (many - few) / (INSTRUCTION_REQUESTS[1] - INSTRUCTION_REQUESTS[0])


def collected(world, kind, behind, requests):
    peer = kind(world, behind, wrap=[program("valgrind"), "--tool=callgrind",
                                     "--callgrind-out-file=/dev/null"])
    peer.ready(CALLGRIND_GUARD_SECONDS)
    with RawClient(("127.0.0.1", peer.port), CALLGRIND_GUARD_SECONDS) as client:
        for _ in range(requests):
            if client.request("GET", "/").status != 200:
                raise AssertionError(f"{peer.name} did not answer 200")
    peer.program.terminate(CALLGRIND_GUARD_SECONDS)
    return int(re.search(r"Collected : (\d+)", peer.program.log())[1])


def memory(peer):
    """Resident and private bytes of a proxy that has served and is idle."""
    for _ in range(100):
        if not answers(("127.0.0.1", peer.port)):
            raise AssertionError(f"{peer.name} does not answer")
    return memory_of(processes(peer))


def memory_of(pids):
    """Resident and private bytes, added up: a page that two share is resident in each."""
    resident = private = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {name: int(size) for name, size in re.findall(r"(\w+): +(\d+) kB", rollup)}
        resident += sizes["Rss"] * 1024
        private += (sizes["Private_Clean"] + sizes["Private_Dirty"]) * 1024
    return resident, private


def mesh_memory(world):
    """Of a proxy with its identity behind mutual TLS, and of the control plane of three."""
    shop = Shop(world)
    member, address = shop.control.client("shopper", f"reviews:{shop.port}")
    for _ in range(100):
        if not answers(address):
            raise AssertionError("the shop does not answer")
    return memory_of([member.proxy_pid()]), memory_of([shop.control.program.pid])


def start_seconds(world, kind, behind):
    """From the start of the program to the first connection taken."""
    peer = kind(world, behind)
    began = time.perf_counter()
    peer.start()
    while not listens(peer.port):
        time.sleep(0.0002)
    took = time.perf_counter() - began
    peer.program.terminate()
    return took


def starts(world, kinds, behind):
    """name -> median, taken in turns."""
    found = {kind.name: [] for kind in kinds}
    for _ in range(STARTS):
        for kind in kinds:
            found[kind.name].append(start_seconds(world, kind, behind))
    return {name: statistics.median(times) for name, times in found.items()}


def effects(world):
    """Seconds from `weft apply` to the first answer that shows it, once for each change."""
    shop = Shop(world)
    shop.apply(NINETY)
    _, address = shop.control.client("shopper", f"reviews:{shop.port}")
    found = []
    with Load(address, rate=EFFECT_RATE, threads=8, until_stopped=True, tag=shares_of) as load:
        for n in range(CHANGES):
            shares = (FIFTY, NINETY)[n % 2]
            _, began = shop.apply(shares)
            found.append(effect(load, "-".join(map(str, shares)), began))
    result = load.result()
    if result.failures:
        raise AssertionError(f"requests failed during changes: {result.errors}")
    return found
