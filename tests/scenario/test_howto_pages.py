"""docs/howto/edge.md and operate.md, run as they stand: every command block in one shell.

Only their addresses are others, so that two runs on one machine do not meet.
"""

import os

from harness.envoy import bootstrap_of_the_page, page_script
from harness.world import BUILD, ROOT

GUARD_SECONDS = 240


NET = f"127.{78 + os.getpid() // 250 % 100}.{os.getpid() % 250}."


def own_addresses(text, written):
    assert written in text
    return text.replace(written, NET)


def run_page(world, name, home, net):
    script = page_script(home, ROOT / "docs/howto" / name)
    path = world.path("page.sh", own_addresses(script, net))
    done = world.run(["bash", path], guard=GUARD_SECONDS,
                     env=world.env(PATH=f"{BUILD}:/usr/bin:/bin"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_on_an_edge_works_as_it_stands(world):
    page = ROOT / "docs/howto/edge.md"
    bootstrap = own_addresses(bootstrap_of_the_page(page), "127.77.3.")
    home = world.path("home/edge.yaml", bootstrap).parent
    told = run_page(world, page.name, home, "127.77.3.")
    assert told.count("hello") == 2 and "301 https://shop.example:8443/a" in told
    log = (home / "edge/proxy.log").read_text()
    assert log.count("proxy.drained") == 2 and "proxy.drain_timeout" not in log
    assert '"path":"/"' in (home / "edge/access.log").read_text()


def test_the_page_on_operating_works_as_it_stands(world):
    home = world.path("home/keep", "").parent
    told = run_page(world, "operate.md", home, "127.77.4.")
    assert told.count("hello\n") == 2
    rows = [line.split() for line in told.splitlines() if line.startswith(("hello-", "me-"))]
    assert [row[1] for row in rows] == ["up", "up"]
    assert 'weft_control_proxies{state="up"} 2' in told
