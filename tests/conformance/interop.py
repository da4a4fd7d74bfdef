"""gRPC's own interoperability suite, which each of its stacks has as a server and a client, with
weft-proxy between the two."""

from harness.http2 import Http2Proxy
from harness.namespace import Namespace

GUARD_SECONDS = 120
SERVER_PORT = 10000   # in a network of its own, since the servers listen on all interfaces
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
    """Server and proxy, both with TLS or both without. A stack has `authority`, `behind_name`,
    and the commands `server()` and `client(flags)`."""

    def __init__(self, world, stack):
        self.world, self.stack = world, stack
        self.own = Namespace(world)
        self.proxy = Http2Proxy(world, SERVER_PORT, stack.authority, wrap=self.own.wrap,
                                behind_name=stack.behind_name)
        server = world.start("server", [*self.own.wrap, *stack.server(SERVER_PORT)])
        server.wait_ready(lambda: self.client("empty_unary").returncode == 0, "serving")

    def client(self, case):
        return self.world.run([*self.own.wrap, *self.stack.client(
            ["server_host=127.0.0.1", f"server_port={self.proxy.port}", f"test_case={case}",
             f"soak_iterations={SOAK_ITERATIONS}",
             f"soak_per_iteration_max_acceptable_latency_ms={LATENCY_MAX_MS}",
             f"soak_overall_timeout_seconds={LATENCY_MAX_MS // 1000}"])], guard=GUARD_SECONDS)


def judge(world, stack):
    """Every case passes, and went through the proxy."""
    between = Between(world, stack)
    done = {case: between.client(case) for case in CASES}
    failed = {case: d.stdout + d.stderr for case, d in done.items() if d.returncode != 0}
    assert {c: text for c, text in failed.items() if RACED.get(c, text + "?") not in text} == {}
    assert between.proxy.admin.counter("cluster.app.upstream_rq_total") > SOAK_ITERATIONS
