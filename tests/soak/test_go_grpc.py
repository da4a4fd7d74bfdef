"""gRPC's own interoperability suite in Go, client and server, with weft-proxy between them.

In soak, not in conformance: its deadline case races with the server's own deadline, and a case
that can fail without a fault of ours has no place among those that decide.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "conformance"))

import golang  # noqa: E402
from harness.certs import Authority
from harness.http2 import Http2Proxy
from harness.namespace import Namespace

MODULE, VERSION = "google.golang.org/grpc", "v1.85.0"
CLIENT_GUARD_SECONDS = 120
SERVER_PORT = 10000   # in a network of its own
LATENCY_MAX_MS = 60000
SOAK_ITERATIONS = 300

CASES = """
empty_unary large_unary client_streaming server_streaming ping_pong empty_stream
timeout_on_sleeping_server cancel_after_begin cancel_after_first_response
status_code_and_message special_status_message custom_metadata unimplemented_method
unimplemented_service rpc_soak
""".split()

# The server's own deadline may pass first. It resets the stream then, which a proxy tells as
# UNAVAILABLE, Envoy too.
RACED = {"timeout_on_sleeping_server": "reset reason: remote reset"}


class Between:
    """Server and proxy, both with TLS or both without."""

    def __init__(self, world, secure):
        self.world = world
        self.own = Namespace(world)
        self.authority = Authority(world.path("ca"), "root") if secure else None
        self.proxy = Http2Proxy(world, SERVER_PORT, self.authority, wrap=self.own.wrap)
        server = world.start("server", [*self.own.wrap, self.program("server"),
                                        f"-port={SERVER_PORT}", *self.server_tls()])
        server.wait_ready(self.serves, "serving")

    def program(self, name):
        return golang.program(f"grpc-interop-{name}", MODULE, VERSION, f"interop/{name}")

    def server_tls(self):
        if not self.authority:
            return []
        own = self.authority.issue("server", dns=["localhost"])
        return ["-use_tls", f"-tls_cert_file={own.cert}", f"-tls_key_file={own.key}"]

    def client_tls(self):
        if not self.authority:
            return []
        return ["-use_tls", "-use_test_ca", f"-ca_file={self.authority.cert}",
                "-server_host_override=localhost"]

    def serves(self):
        return self.client("empty_unary").returncode == 0

    def client(self, case):
        return self.world.run([
            *self.own.wrap, self.program("client"), "-server_host=127.0.0.1",
            f"-server_port={self.proxy.port}", f"-test_case={case}", *self.client_tls(),
            f"-soak_iterations={SOAK_ITERATIONS}",
            f"-soak_per_iteration_max_acceptable_latency_ms={LATENCY_MAX_MS}",
            f"-soak_overall_timeout_seconds={LATENCY_MAX_MS // 1000}"],
            guard=CLIENT_GUARD_SECONDS)


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
def test_all_cases_pass(world, secure):
    between = Between(world, secure)
    done = {case: between.client(case) for case in CASES}
    failed = {case: d.stdout + d.stderr for case, d in done.items() if d.returncode != 0}
    assert {c: text for c, text in failed.items() if RACED.get(c, text + "?") not in text} == {}
    assert between.proxy.admin.counter("cluster.app.upstream_rq_total") > SOAK_ITERATIONS
