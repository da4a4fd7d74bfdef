"""A canary with real programs: two versions of an nginx behind Weft, curl on the other side.

A route shares requests between the versions; it is changed and changed back under load, and no
request fails. Each route marks its answers, so that the moment of the effect is seen.
"""

import re
import time

from harness import servers
from harness.canary import FIFTY, NINETY, Shop, effect, shares_of
from harness.clients import curl
from harness.load import Load
from harness.program import wait_until

REQUESTS = 2000
RATE = 100
SEEN_AFTER_CHANGE = 400


def test_curl_sees_a_canary_by_its_weights(world):
    shop = Shop(world)
    shop.apply(NINETY)
    here = world.port()
    buyer = shop.control.weft_run(
        [servers.program("curl"), "-sS", "--no-progress-meter", "-w", " %{http_code}\\n",
         f"http://127.0.0.1:{here}/[1-{REQUESTS}]"], "shopper",
        upstreams=[f"reviews:{shop.port}=127.0.0.1:{here}"])
    assert buyer.wait(guard=300) == 0
    answers = re.findall(r"^(v\d) (\d+)$", buyer.log(), re.M)
    assert len(answers) == REQUESTS and {status for _, status in answers} == {"200"}
    percent = sum(version == "v1" for version, _ in answers) / REQUESTS * 100
    assert 87 <= percent <= 93
    assert counted(shop.control) == {version: sum(v == version for v, _ in answers)
                                     for version in ("v1", "v2")}


def counted(control):
    """What the control plane was told: requests to each version, all of them by mutual TLS."""
    def rows():
        found = control.json("stat", "reviews", "--by", "version", "-t", "all")["rows"]
        return found if sum(row["requests"] for row in found) >= REQUESTS else None

    found = wait_until(rows, "all requests in weft stat")
    assert all(row["mtlsShare"] == 1 and row["failures"] == 0 for row in found)
    return {row["version"]: row["requests"] for row in found}


def test_a_change_and_its_rollback_lose_no_request(world, record_property):
    shop = Shop(world)
    shop.apply(NINETY)
    _, address = shop.control.client("shopper", f"reviews:{shop.port}")
    with Load(address, rate=RATE, threads=4, until_stopped=True, tag=shares_of) as load:
        wait_for(load, "90-10", 50)
        output, began = shop.apply(FIFTY)
        after_change(world, address, "50-50")
        fifty = wait_for(load, "50-50", SEEN_AFTER_CHANGE)
        effects = [effect(load, "50-50", began)]
        undo = re.search(r"Undo with: weft (.*)", output)[1].split()
        assert undo[0] == "rollback"
        began = time.monotonic()
        shop.control.done(*undo)
        after_change(world, address, "90-10")
        effects.append(effect(load, "90-10", began))
        load_result = load.result()
    assert load_result.failures == 0, load_result.errors
    assert set(load_result.statuses) == {200}
    assert 40 <= share(fifty, "50-50") <= 60
    record_property("told", "from apply and from rollback to effect: "
                    + ", ".join(f"{e * 1000:.0f} ms" for e in effects))


def wait_for(load, mark, count):
    """The tags seen so far, once as many answers bore the mark."""
    return wait_until(lambda: marked(load, mark) >= count and load.result().tags,
                      f"{count} answers of {mark}")


def marked(load, mark):
    return sum(n for (m, _), n in load.result().tags.items() if m == mark)


def share(tags, mark):
    """Percent of v1 among the answers with the mark."""
    return tags[mark, "v1"] / (tags[mark, "v1"] + tags[mark, "v2"]) * 100


def after_change(world, address, mark):
    """Once a command has returned, every request sees the change."""
    for _ in range(20):
        answer = curl(world, f"http://127.0.0.1:{address[1]}/", "-w",
                      "\n%{header_json}\n%{http_code}")
        assert f'"x-shares":["{mark}"]' in answer.body, answer
