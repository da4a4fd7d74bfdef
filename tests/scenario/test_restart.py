"""A proxy that starts while no control plane answers serves what the one before it kept."""

import os
import signal

from harness.clients import curl
from harness.http1 import answers
from harness.program import wait_until
from harness.weft import Control
from test_survival import ROUTE, all_programmed


def sources(member):
    """Of the dynamic resources of a proxy, by kind and name: where they came from."""
    found = {}
    for dump in member.admin().get("/config_dump").json()["configs"]:
        for entries in (v for k, v in dump.items() if k.startswith("dynamic")):
            for entry in entries:
                entry = entry.get("active_state", entry)
                kind, body = next((k, v) for k, v in entry.items() if isinstance(v, dict))
                found[kind, body.get("name") or body["cluster_name"]] = entry["source"]
    return found


def counter(member, name):
    return member.admin().counter(f"weft.{name}")


class Mesh:
    """A server and a client, whose proxies have both kept what they serve."""

    def __init__(self, world):
        self.world, self.control = world, Control(world)
        port = world.port()
        verbose = ["--proxy-log-level", "info"]
        self.server = self.control.nginx("web", port, "location / { return 200 a; }", flags=verbose)
        self.client, self.address = self.control.client("client", f"web:{port}", flags=verbose)
        self.members = (self.server, self.client)
        self.port = port
        self.route("before")

    def route(self, mark):
        self.control.apply(ROUTE.format(port=self.port, mark=mark))
        wait_until(lambda: self.mark() == mark, f"the route with {mark}")

    def mark(self):
        """What the route in effect sets, or None."""
        head = curl(self.world, f"http://127.0.0.1:{self.address[1]}/", "-i").body
        marks = [line[9:] for line in head.splitlines() if line.startswith("x-route: ")]
        return marks[0] if marks else None

    def file(self, member):
        return member.directory() / "identity" / "resources.kept"

    def wait_kept(self):
        for member in self.members:
            wait_until(lambda m=member: self.file(m).exists(), "a kept file")
        wait_until(lambda: b"before" in self.file(self.client).read_bytes(), "the route in it")

    def restart_proxies(self, *members):
        """kill -9; whoever supervises them starts others on the same sockets."""
        for member in members:
            before = member.proxy_pid()
            os.kill(before, signal.SIGKILL)
            wait_until(lambda m=member, b=before: m.is_followed(b) and m.admin().ready(),
                       "a proxy that follows")


def test_proxies_start_without_a_control_plane_and_serve(world):
    mesh = Mesh(world)
    mesh.wait_kept()
    for member in mesh.members:
        assert mesh.file(member).stat().st_mode & 0o7777 == 0o600
        assert b"PRIVATE KEY" not in mesh.file(member).read_bytes()
    mesh.control.program.kill()
    mesh.restart_proxies(*mesh.members)
    assert [mesh.mark() for _ in range(20)] == ["before"] * 20
    for member in mesh.members:
        found = sources(member)
        assert {s for (kind, _), s in found.items() if kind != "secret"} == {"kept"}
        assert {s for (kind, _), s in found.items() if kind == "secret"} == {"identity"}
        assert counter(member, "kept_resources_used") >= len(found) - 2
        assert "identity.loaded" in member.run.log() and "kept.used" in member.run.log()
    assert "::source::kept" in mesh.client.admin().get("/clusters").text()

    mesh.control.start()
    wait_until(lambda: all_programmed(mesh.control), "all proxies programmed")
    mesh.route("after")
    assert "control_plane" in sources(mesh.client).values()
    for member in mesh.members:
        assert counter(member, "xds_resources_unchanged") == 0
    assert [p["unchanged"] for p in all_programmed(mesh.control)] == [0, 0]


def test_a_damaged_file_is_refused_and_the_control_plane_is_waited_for(world):
    mesh = Mesh(world)
    mesh.wait_kept()
    mesh.control.program.kill()
    kept, proxy = mesh.file(mesh.client), mesh.client.proxy_pid()
    os.kill(proxy, signal.SIGSTOP)   # it writes no more
    kept.write_bytes(kept.read_bytes()[:-1])
    os.kill(proxy, signal.SIGKILL)
    mesh.client.run.wait_log("kept.refused")
    assert 'reason="its checksum is wrong: it is damaged or cut off"' in mesh.client.run.log()
    assert not mesh.client.admin().ready()
    mesh.control.start()
    wait_until(lambda: answers(mesh.address), "an answer")
    assert mesh.mark() == "before"
    assert set(sources(mesh.client).values()) == {"control_plane", "identity"}
    mesh.wait_kept()


def test_a_proxy_that_ends_in_order_says_so_to_the_control_plane(world):
    mesh = Mesh(world)
    mesh.server.run.wait_log("xds.up")
    os.kill(mesh.server.proxy_pid(), signal.SIGTERM)
    mesh.server.run.wait_log("xds.down")
    assert mesh.client.run.terminate() == 128 + signal.SIGTERM
    ends = (mesh.server, "OK: "), (mesh.client, "NOT_FOUND: the Workload was deleted")
    for member, reason in ends:
        downs = [line for line in member.run.log().splitlines() if "xds.down" in line]
        assert [" info " in line and f'reason="{reason}"' in line for line in downs] == [True]
