"""One bootstrap file under Envoy and under weft-proxy: TCP, a hundred conversations.

Each conversation goes over the port and over the Unix socket: bytes of all amounts both ways,
servers that speak first, ends of one side alone, of both, and by force.
"""

import hashlib
import socket
import struct
import threading

from harness import servers
from harness.admin import Admin
from harness.clients import redis_cli
from harness.http1 import Closed, RawClient
from harness.program import wait_until
from harness.servers import Scripted
from harness.weft import weft_proxy
from harness.world import ROOT

FILE = ROOT / "tests/data/bootstrap/tcp.yaml"
GREETING = "ready"
SIZES = (0, 1, 2, 100, 4095, 4096, 16383, 16384, 65536, 1000000)
COMMANDS = [f"{verb} {size}" for verb in ("echo", "give", "both") for size in SIZES]
COMMANDS += [f"{verb} {size}" for verb in ("take", "talk") for size in SIZES[:6]]
COMMANDS += ["leave", "end", "give-and-reset 0", "wait 0", "wait 1", "wait 1000",
             "leave-after 10", "leave-after 100000"]


def pattern(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def digest(data):
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


# The program behind


def serve(connection, _):
    """Greets, reads a command, does it."""
    wire = RawClient(connection)
    wire.send(GREETING + "\r\n")
    try:
        verb, _, size = wire.line().partition(" ")
    except Closed:
        return
    VERBS[verb](wire, int(size or 0))


def echo(wire, _):
    wire.send(wire.rest())


def give(wire, size):
    wire.send(pattern(size))


def give_and_reset(wire, _):
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def take(wire, size):
    wire.send(digest(wire.exactly(size)))


def talk(wire, size):
    """Line by line, each after the other's."""
    for _ in range(size % 50):
        wire.send(wire.line().upper() + "\r\n")


def both(wire, size):
    """At once in both directions."""
    giver = threading.Thread(target=wire.send, args=(pattern(size),))
    giver.start()
    taken = wire.exactly(size)
    giver.join()
    wire.send(digest(taken))


def wait(wire, size):
    """Ends its side first, and still reads what comes."""
    wire.half_close()
    wire.exactly(size)


def nothing(_wire, _size):
    pass


VERBS = {"echo": echo, "give": give, "both": both, "take": take, "talk": talk, "wait": wait,
         "give-and-reset": give_and_reset, "end": nothing, "leave": nothing,
         "leave-after": give}


# The client


def converse(address, command):
    """What a client sees of one conversation."""
    verb, _, size = command.partition(" ")
    size = int(size or 0)
    with RawClient(address) as client:
        greeting = client.line()
        client.send(command + "\r\n")
        if verb == "talk":
            lines = [client.send(f"line {n}\r\n").line() for n in range(size % 50)]
            return greeting, lines, digest(client.rest())
        if verb == "leave":
            return greeting, "left"
        if verb == "leave-after":
            return greeting, digest(client.exactly(size))
        if verb in ("echo", "take", "both", "wait"):
            sender = threading.Thread(target=send_all, args=(client, size, verb))
            sender.start()
            received = client.rest()
            sender.join()
            return greeting, digest(received)
        try:
            return greeting, digest(client.rest())
        except ConnectionResetError:
            return greeting, digest(b"")


def send_all(client, size, verb):
    client.send(pattern(size))
    if verb == "echo":
        client.half_close()


def unanswered(address):
    """What a client sees when nobody is behind."""
    try:
        with RawClient(address) as client:
            return client.rest()
    except ConnectionError:
        return b""


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
