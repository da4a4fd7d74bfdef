"""What dies under load costs no request: the control plane, a program, a program with its proxy."""

import time

from harness.clients import curl
from harness.load import Load
from harness.program import wait_until
from harness.weft import Control

RATE = 100
OUTAGE_SECONDS = 5   # half a minute in soak

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec:
  parentRefs: [{{group: "", kind: Service, name: web}}]
  rules:
  - backendRefs: [{{name: web, port: {port}}}]
    filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-route, value: {mark}}}]}}
"""


def documents(control):
    """What people and programs wrote, without what became of it."""
    items = control.json("get", "all", "-A")["items"]
    return sorted((i["kind"], i["metadata"]["name"], str(i["spec"])) for i in items)


def all_programmed(control):
    proxies = control.json("proxy", "status")["proxies"]
    return proxies and all(p["state"] == "up" and p["programmed"] for p in proxies) and proxies


def control_plane_gone(world, seconds):
    """Kills the control plane under load and starts it again; used by the soak too."""
    control, port = Control(world), world.port()
    members = [control.nginx("web", port, f"location / {{ return 200 {text}; }}") for text in "ab"]
    control.apply(ROUTE.format(port=port, mark="before"))
    client, address = control.client("client", f"web:{port}")
    wait_until(control.all_ready, "all to be ready")
    before = documents(control)
    with Load(address, rate=RATE, threads=4, until_stopped=True) as load:
        wait_until(lambda: load.result().requests > RATE, "a load that runs")
        control.program.kill()
        assert control.weft("status").returncode == 7
        sent = load.result().requests
        time.sleep(seconds)
        assert load.result().requests > sent
        control.start()
        wait_until(lambda: all_programmed(control), "all proxies programmed")
        assert documents(control) == before
        control.apply(ROUTE.format(port=port, mark="after"))
        assert "x-route: after" in curl(world, f"http://127.0.0.1:{address[1]}/", "-i").body
    assert (load.result().failures, load.result().errors) == (0, [])
    assert [p["unchanged"] for p in all_programmed(control)] == [0, 0, 0]
    for member in (*members, client):
        assert member.admin().counter("control_plane.connected_state") == 1
        assert member.admin().counter("weft.xds_resources_unchanged") == 0


def test_the_control_plane_is_killed_and_nothing_is_lost(world):
    control_plane_gone(world, OUTAGE_SECONDS)


class Pair:
    """A program in two copies under a load of GETs, some of which are always on their way."""

    def __init__(self, world):
        self.control, self.port = Control(world), world.port()
        self.doomed, self.other = (self.control.slow_server("web", self.port, text)
                                   for text in ("doomed", "other"))
        _, self.address = self.control.client("client", f"web:{self.port}")

    def lose(self, kill):
        """The load, with the moment in its middle at which `kill` is called."""
        with Load(self.address, rate=2 * RATE, threads=16, until_stopped=True,
                  tag=lambda status, headers, body: body.decode()) as load:
            wait_until(lambda: load.result().tags["doomed"] > RATE, "a load on both")
            kill()
            done = load.result().tags["other"]
            wait_until(lambda: load.result().tags["other"] > done + 4 * RATE, "a load on one")
        return load


def expect_no_failure(load):
    result = load.result()
    assert (result.failures, result.errors) == (0, [])
    assert set(result.statuses) == {200}


def test_an_endpoint_dies_with_its_proxy_and_no_get_fails(world):
    pair = Pair(world)
    expect_no_failure(pair.lose(lambda: pair.doomed.kill()))


def test_an_endpoint_dies_without_its_proxy_and_no_get_fails(world):
    pair = Pair(world)
    load = pair.lose(lambda: pair.doomed.kill("slow_server"))
    expect_no_failure(load)
    assert pair.doomed.run.wait() == 128 + 9
