"""Minutes of what can happen to a mesh under load, in an order of chance: no GET fails.

The order is made from a seed, which is printed: WEFT_SEED=N repeats it.
"""

import os
import random
import time

from harness.canary import FIFTY, NINETY, route
from harness.load import Load
from harness.program import wait_until
from harness.weft import Control

SECONDS = 180
RATE = 200
COPIES = 3


class Chaos:
    def __init__(self, world, dice):
        self.dice, self.port = dice, world.port()
        self.control = Control(world)
        self.copies = {version: [self.copy(version) for _ in range(COPIES)]
                       for version in ("v1", "v2")}
        self.control.apply(route(self.port, NINETY))
        self.shopper, self.address = self.control.client("shopper", f"reviews:{self.port}")
        self.done = []

    def copy(self, version):
        return self.control.slow_server("reviews", self.port, version, 5, version)

    def some(self):
        return self.dice.choice(list(self.copies)), self.dice.randrange(COPIES)

    def step(self):
        event = self.dice.choice([self.change, self.lose_control_plane, self.lose_proxy,
                                  self.lose_copy, self.lose_program, self.end_copy])
        self.done.append(event.__name__)
        event()

    def change(self):
        self.control.apply(route(self.port, self.dice.choice([NINETY, FIFTY])))

    def lose_control_plane(self):
        self.control.program.kill()
        time.sleep(self.dice.uniform(0, 3))
        self.control.start()
        # Until the proxies are back they know nothing of new copies.
        wait_until(lambda: self.shopper.admin().counter("control_plane.connected_state"),
                   "the caller's proxy to be back")

    def lose_proxy(self):
        """Of a copy; its supervisor starts another."""
        version, n = self.some()
        member = self.copies[version][n]
        before, _ = member.proxy_pid(), member.directory()
        member.kill("weft-proxy")
        wait_until(lambda: member.is_followed(before), "a new proxy")
        wait_until(lambda: member.admin().ready(), "a new proxy that is ready")

    def lose_copy(self):
        self.replace(lambda member: member.kill())

    def lose_program(self):
        self.replace(lambda member: member.kill("slow_server"))

    def end_copy(self):
        self.replace(lambda member: member.run.terminate())

    def replace(self, end):
        version, n = self.some()
        end(self.copies[version][n])
        self.copies[version][n] = self.copy(version)


def test_minutes_of_chaos_cost_no_get(world, record_property):
    seed = int(os.environ.get("WEFT_SEED", time.time_ns() % 1000000))
    record_property("told", f"WEFT_SEED={seed}")
    chaos = Chaos(world, random.Random(seed))
    end = time.monotonic() + SECONDS
    with Load(chaos.address, rate=RATE, threads=16, until_stopped=True) as load:
        while time.monotonic() < end:
            chaos.step()
            expect_no_failure(load, seed, chaos)
    expect_no_failure(load, seed, chaos)
    assert set(load.result().statuses) == {200}
    record_property("told", f"{load.result().requests} requests, {len(chaos.done)} events")


def expect_no_failure(load, seed, chaos):
    result = load.result()
    if result.failures:
        raise AssertionError(f"WEFT_SEED={seed}, after {', '.join(chaos.done)}: "
                             f"{result.failures} failed: {result.errors}")
