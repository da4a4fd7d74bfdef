"""One bootstrap file under Envoy and under weft-proxy: TCP, a hundred conversations.

Each conversation goes over the port and over the Unix socket: bytes of all amounts both ways,
servers that speak first, ends of one side alone, of both, and by force.
"""

from harness import servers
from harness.admin import Admin
from harness.clients import redis_cli
from harness.conversations import COMMANDS, converse, serve, unanswered
from harness.program import wait_until
from harness.servers import Scripted
from harness.weft import weft_proxy
from harness.world import ROOT

FILE = ROOT / "tests/data/bootstrap/tcp.yaml"
COUNTED = [f"tcp.{listener}.downstream_cx_{name}" for listener in ("tcp", "local")
           for name in ("total", "rx_bytes_total", "tx_bytes_total")]
BEHIND = ("echo", "other")   # the clusters


class Run:
    """One program with the file; `behind` are the ports of its two clusters."""

    def __init__(self, world, start, behind):
        self.socket = world.path(f"run/{world.port()}.sock")
        ports = {10020: world.port(), 10021: behind[0], 10022: behind[1], 10029: world.port()}
        text = FILE.read_text().replace("run/tcp.sock", str(self.socket))
        for port, own in ports.items():
            text = text.replace(f"port_value: {port}}}", f"port_value: {own}}}")
        config = world.path(f"{start.__name__}-{ports[10020]}.yaml", text)
        self.admin = Admin(("127.0.0.1", ports[10029]))
        self.program = start(world, config, self.admin.address)
        self.port = ports[10020]

    def addresses(self):
        return ("127.0.0.1", self.port), self.socket

    def conversations(self):
        return {(command, n): converse(address, command)
                for n, address in enumerate(self.addresses()) for command in COMMANDS}

    def counts(self):
        wait_until(lambda: self.sum("cx_active") == 0, "the end of all connections")
        stats = self.admin.stats()
        return [*[(name, stats.get(name)) for name in COUNTED], self.sum("cx_total")]

    def sum(self, name):
        return sum(self.admin.counter(f"cluster.{cluster}.upstream_{name}") for cluster in BEHIND)


def test_tcp_is_the_same_under_envoy_and_weft_proxy(world):
    behind = [Scripted(world, serve), Scripted(world, serve)]
    ports = [server.port for server in behind]
    theirs, ours = Run(world, servers.envoy, ports), Run(world, weft_proxy, ports)
    assert len(COMMANDS) * 2 >= 100
    assert ours.conversations() == theirs.conversations()
    for server in behind:
        server.close()
    assert [unanswered(a) for a in ours.addresses()] == [b"", b""]
    assert [unanswered(a) for a in theirs.addresses()] == [b"", b""]
    assert ours.counts() == theirs.counts()


def test_a_real_redis_is_reached_through_envoy_and_weft_proxy(world):
    _, port = servers.redis(world)
    answers = []
    for start in (servers.envoy, weft_proxy):
        run = Run(world, start, [port, port])
        answers.append([redis_cli(world, run.port, *words) for words in (
            ("PING",), ("SET", "key", "x" * 10000), ("GET", "key"), ("GET", "none"),
            ("RPUSH", "list", *"abcdefghij"), ("LRANGE", "list", "0", "-1"), ("DEL", "list"))])
    assert answers[0] == answers[1]
