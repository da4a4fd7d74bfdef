"""The demo: seven services that call each other over mutual TLS, and nothing left behind."""

import json
import os
import re
import shutil
import signal

from harness.clients import curl
from harness.program import wait_until
from harness.weft import Control, program

SERVICES = ["web", "catalog", "reviews", "ratings", "cart", "checkout", "payments"]


def start(world, *flags):
    demo = world.start("demo", [program("weft"), "demo", *flags])
    demo.wait_log("leaves nothing behind")
    return demo


def address(demo):
    return re.search(r"export WEFT_ADDR=(\S+)", demo.log())[1]


def versions(commands):
    rows = commands.json("stat", "reviews", "--by", "version")["rows"]
    return {row["version"] for row in rows if row["requests"]}


def test_the_demo_ends_by_itself_with_a_summary(world):
    done = world.run([program("weft"), "demo", "--for", "5s", "-o", "json"], guard=120)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert [s["name"] for s in summary["services"]] == SERVICES
    for service in summary["services"]:
        assert service["requests"] > 0 and service["failures"] == 0
        assert service["mtls_share"] == 1
        assert 0 < service["p50_ms"] <= service["p99_ms"]
    v1, v2 = (version["requests"] for version in summary["reviews"])
    assert v1 > v2 > 0
    print(f"the demo was ready in {summary['startup_seconds']} s")


def test_the_demo_takes_the_commands_that_it_names(world):
    demo = start(world)
    commands = Control.__new__(Control)
    commands.world, commands.env = world, world.env(WEFT_ADDR=address(demo))
    half = re.search(r"apply -f (\S+)", demo.log())[1]
    assert "90 → 50" in commands.done("apply", "-f", half)
    assert "50 → 90" in commands.done("rollback", "1")
    wait_until(lambda: versions(commands) == {"v1", "v2"}, "requests to both versions")
    assert "web" in commands.done("proxy", "status")
    shop = re.search(r"http://127.0.0.1:\d+", demo.log())[0]
    page = curl(world, shop + "/")
    assert page.status == 200 and "The weavers" in page.body
    assert "is paid" in curl(world, shop + "/checkout", "-X", "POST").body
    demo.signal(signal.SIGINT)
    assert demo.wait() == 0
    assert not os.path.exists(address(demo))


def test_a_killed_demo_leaves_nothing(world):
    demo = start(world)
    assert len(world.descendants(demo)) > 20
    demo.kill()
    wait_until(lambda: not list(world.marked_processes()), "its processes to end")
    assert list(world.tmp.iterdir()) == []


def test_a_demo_that_cannot_begin_says_why(world):
    alone = world.path("alone/weft")
    shutil.copy(program("weft"), alone)
    done = world.run([alone, "demo", "--for", "1s"], env=world.env(PATH="/nowhere"), guard=120)
    assert done.returncode == 1
    assert "ended before its time (exit status 1)" in done.stderr
    assert "error: cannot run weft-proxy" in done.stderr
    assert list(world.tmp.iterdir()) == []
