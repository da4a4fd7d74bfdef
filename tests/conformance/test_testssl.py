"""Our TLS ports, judged by testssl.sh: protocols, ciphers, keys, known weaknesses."""

import json

from harness import servers
from harness.weft import Control

GUARD_SECONDS = 500
GRAVE = ("HIGH", "CRITICAL", "FATAL")
LOOKED_AT_MIN = 60   # findings of every gravity, so that a judge that sees nothing is noticed

# What it says of every mesh, since it knows the web only.
NOT_OF_THE_WEB = {
    "cert_trust",              # an identity is a URI; it looks for a name
    "cert_chain_of_trust",     # our root is in no browser
    "cert_expirationStatus",   # leaves live for hours, and are renewed at half of that
    "cert_notAfter",
    "cert_revocation",         # so they are not revoked
}


def findings(world, name, address):
    """Each finding's gravity, by what was looked at."""
    report = world.path(f"{name}.json")
    done = world.run([
        servers.program("testssl"), "--quiet", "--color", "0", "--warnings", "off", "--nodns",
        "none", "--openssl-timeout", "60", "--protocols", "--std", "--fs", "--server-defaults",
        "--server-preference", "--vulnerable", "--jsonfile", report, address],
        guard=GUARD_SECONDS)
    assert report.exists(), done.stdout + done.stderr
    return {row["id"]: (row["severity"], row["finding"])
            for row in json.loads(report.read_text())}


def judge(world, name, address):
    found = findings(world, name, address)
    assert len(found) >= LOOKED_AT_MIN
    assert found["TLS1_3"][0] == "OK"
    for old in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        assert found[old] == ("OK" if old[0] == "S" else "INFO", "not offered")
    assert {k: v for k, v in found.items()
            if v[0] in GRAVE and k not in NOT_OF_THE_WEB} == {}


def test_nothing_grave_is_found_at_the_control_plane(world):
    control = Control(world)
    judge(world, "xds", control.program.log().split("xds=")[1].split()[0])


def test_nothing_grave_is_found_at_an_inbound_port(world):
    control = Control(world)
    control.nginx("bank", world.port(), "location / { return 200 money; }")
    judge(world, "mesh", f"127.77.0.1:{control.mesh_port('127.77.0.1')}")
