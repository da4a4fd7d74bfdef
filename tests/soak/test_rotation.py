"""Certificates of five minutes under load: each is renewed twice, and no request fails."""

from harness.load import Load
from harness.program import wait_until
from harness.weft import Control

RATE = 100
RENEWALS = 2
GUARD_SECONDS = 1200


def serials(member):
    """Of the certificates that a proxy shows."""
    found = member.admin().json("/certs")["certificates"]
    return {c["serial_number"] for entry in found for c in entry.get("cert_chain", [])[:1]}


def test_certificates_are_renewed_under_load_and_no_request_fails(world):
    control, port = Control(world, flags=["--certificate-lifetime", "5m"]), world.port()
    members = [control.nginx("web", port, f"location / {{ return 200 {text}; }}") for text in "ab"]
    client, address = control.client("client", f"web:{port}")
    seen = {id(member): serials(member) for member in (*members, client)}

    def renewed():
        for member in (*members, client):
            seen[id(member)] |= serials(member)
        return all(len(numbers) > RENEWALS for numbers in seen.values())

    with Load(address, rate=RATE, threads=8, until_stopped=True, seconds=GUARD_SECONDS) as load:
        wait_until(renewed, "two renewals of each certificate", GUARD_SECONDS)
    result = load.result()
    assert (result.failures, result.errors) == (0, [])
    assert set(result.statuses) == {200}
