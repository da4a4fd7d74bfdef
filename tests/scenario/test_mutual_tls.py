"""Between two proxies nothing can be read, and nobody is let in who is not who he should be."""

import secrets
import ssl

import pytest
from harness import capture
from harness.capture import Capture
from harness.certs import Authority
from harness.echo import Echo
from harness.http1 import Closed, RawClient, connect, exchange
from harness.program import wait_until
from harness.weft import Control

MESH = "spiffe://weft.local/ns/default/sa/"
HOST = "127.77.0.1"   # of the first program in the mesh
EXCHANGES = 20


class Bank:
    """A program `bank` in the mesh, and `teller`, who calls it."""

    def __init__(self, world):
        self.world = world
        # Who is gone stays an endpoint, so that another can take the place.
        self.control = Control(world, flags=["--workload-grace", "1h"])
        self.port = world.port()
        self.member = self.control.nginx("bank", self.port, "location / { return 200 money; }")
        self.mesh_port = self.control.mesh_port(HOST)
        self.teller, self.address = self.control.client("teller", f"bank:{self.port}")
        self.authority = self.control.authority()

    def listener_count(self, name):
        return self.member.admin().counter(f"listener.inbound/default/bank_{self.port}.{name}")

    def cluster_count(self, name):
        return self.teller.admin().counter(
            f"cluster.bank.default.svc.weft.local:{self.port}.{name}")


def words(count):
    return [secrets.token_hex(12) for _ in range(count)]


@pytest.mark.skipif(not capture.allowed(), reason="needs CAP_NET_RAW")
def test_a_capture_between_two_proxies_holds_no_plaintext(world):
    control = Control(world)
    port = world.port()
    path, header, body, answer, reply = secret = words(5)
    control.nginx("bank", port,
                  f"add_header x-reply {reply}; location / {{ return 200 {answer}; }}")
    _, address = control.client("teller", f"bank:{port}")
    mesh_port = control.mesh_port(HOST)
    with Capture() as captured, RawClient(address) as client:
        for _ in range(EXCHANGES):
            got = client.request("GET", f"/{path}", [("X-Header", header)], body.encode())
            assert (got.header("x-reply"), got.text()) == (reply, answer)
    ends = {port, address[1]}
    for word in secret:
        found = captured.ports_with(word.encode())
        assert ends <= {end for pair in found for end in pair}, "the capture sees both ends"
        assert all(ends & set(pair) and mesh_port not in pair for pair in found)
    between = b"".join(b"".join(parts.values()) for pair, parts in captured.segments.items()
                       if mesh_port in pair)
    assert len(between) > EXCHANGES * sum(map(len, secret))
    for word in (b"HTTP/1", b"GET ", b"X-Header", b"Host:", b"nginx", b"spiffe"):
        assert word not in between


def call(address, context):
    """What a client of its own gets from a mesh port: a status, or None for a refusal."""
    try:
        with RawClient(context.wrap_socket(connect(address))) as client:
            return client.request("GET", "/").status
    except (ssl.SSLError, ConnectionError, Closed):
        return None


def context_of(certificate=None):
    """A client that takes any server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    if certificate:
        context.load_cert_chain(certificate.cert, certificate.key)
    return context


def test_a_client_must_prove_that_it_is_of_the_mesh(world):
    bank = Bank(world)
    other = Authority(world.path("other"), "other")
    strangers = [
        (None, "fail_verify_no_cert", "no client certificate"),
        (other.issue("forged", uri=[MESH + "teller"]), "fail_verify_error",
         "certificate verify failed"),
        (bank.authority.issue("foreign", uri=["spiffe://weft.example/ns/default/sa/teller"]),
         "fail_verify_san", "san mismatch: spiffe://weft.example"),
        (bank.authority.issue("bare", dns=["teller"]), "fail_verify_san", "san mismatch: teller"),
    ]
    for certificate, counter, reason in strangers:
        before = bank.listener_count(f"ssl.{counter}")
        assert call((HOST, bank.mesh_port), context_of(certificate)) is None
        wait_until(lambda c=counter, b=before: bank.listener_count(f"ssl.{c}") == b + 1, counter)
        bank.member.run.wait_log(reason)
    assert bank.listener_count("downstream_cx_total") == len(strangers) + 1
    known = bank.authority.issue("known", uri=[MESH + "anybody"])
    assert call((HOST, bank.mesh_port), context_of(known)) == 200


def test_a_server_must_prove_that_it_is_the_service(world):
    bank = Bank(world)
    bank.member.run.kill_group()
    other = Authority(world.path("other"), "other")
    thieves = [
        (bank.authority.issue("thief", uri=[MESH + "thief"]), "fail_verify_san",
         f"san mismatch: {MESH}thief"),
        (bank.authority.issue("foreign", uri=["spiffe://weft.example/ns/default/sa/bank"]),
         "fail_verify_san", "san mismatch: spiffe://weft.example"),
        (other.issue("forged", uri=[MESH + "bank"]), "fail_verify_error",
         "certificate verify failed"),
    ]
    for certificate, counter, reason in thieves:
        before = bank.cluster_count(f"ssl.{counter}")
        with_thief(bank, certificate, 503)
        assert bank.cluster_count(f"ssl.{counter}") > before
        bank.teller.run.wait_log(reason)
    with_thief(bank, bank.authority.issue("owner", uri=[MESH + "bank"]), 200)


def with_thief(bank, certificate, status):
    """Another server at the bank's mesh port: what a caller in the mesh gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.set_alpn_protocols(["http/1.1"])
    server = Echo(bank.world, "thief", port=bank.mesh_port, context=context, host=HOST)
    assert exchange(bank.address).status == status
    server.close()
    assert (len(server.served) > 0) == (status == 200)


def own_metric(control, name):
    text = exchange(str(control.address), path="/metrics").text()
    return int(next(line for line in text.splitlines() if line.startswith(name + " ")).split()[-1])


def test_what_the_control_plane_refuses_is_counted(world):
    control = Control(world)
    assert own_metric(control, "weft_control_certificates_issued_total") == 0
    assert call(("127.0.0.1", control.port), context_of()) is None
    wait_until(lambda: own_metric(control, "weft_control_rpc_handshakes_failed_total") == 1,
               "a handshake without a certificate is counted")
    assert own_metric(control, "weft_control_rpc_connections_accepted_total") == 1
    message = world.path("empty.grpc")
    message.write_bytes(bytes(5))
    asked = world.run(["curl", "-s", "--http2-prior-knowledge", "--unix-socket",
                       str(control.address), "-H", "content-type: application/grpc", "-H",
                       "te: trailers", "--data-binary", f"@{message}",
                       "http://weft/istio.v1.auth.IstioCertificateService/CreateCertificate"])
    assert asked.returncode == 0, asked.stderr
    refused = "weft_control_certificates_refused_total"
    assert own_metric(control, refused + '{reason="malformed"}') == 1
    assert own_metric(control, refused + '{reason="not_granted"}') == 0
    port = world.port()
    control.nginx("bank", port, "location / { return 200 money; }")
    assert own_metric(control, "weft_control_certificates_issued_total") == 1
    assert own_metric(control, "weft_control_own_certificates_total") == 1
