"""Programs that speak no HTTP, in the mesh: PostgreSQL, Redis, NATS, and what ends by halves.

Client and server each have a proxy, with mutual TLS between them. The programs know nothing of
it, and their sessions are what they would be without.
"""

import re
import secrets
import signal
import subprocess

import pytest
from harness import capture
from harness.capture import Capture
from harness.conversations import unanswered
from harness.databases import Again, Postgres, nats_command, redis_command
from harness.http1 import Closed, RawClient
from harness.program import wait_until
from harness.servers import program
from harness.weft import Control

HOST = "127.77.0.1"   # of the first program in the mesh
COPY_ROWS = 60_000
PIPELINED = 20_000
LARGE_BYTES = 8_000_000


class Mesh:
    """`command(address, port)` starts the program `store`; `answers(address)` says whether its
    client, who is `teller`, reaches it."""

    def __init__(self, world, command, answers):
        self.world = world
        self.control = Control(world)
        self.port = world.port()
        self.member = self.control.member(
            "store", self.port, lambda address, _: command(address, self.port), protocol="tcp")
        self.teller, self.address = self.control.client(
            "teller", f"store:{self.port}", answers=lambda address: tried(answers, address))

    def run(self, words, **more):
        """The output of a client."""
        done = self.world.run(words, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def tried(answers, address):
    try:
        return answers(address)
    except (OSError, Closed):
        return False


# PostgreSQL


class Bank(Mesh):
    def __init__(self, world):
        self.world = world
        self.postgres = Postgres(world)
        super().__init__(world, self.postgres.command, lambda address: world.run(
            self.postgres.tool("psql", address, "-c", "SELECT 1")).returncode == 0)

    def sql(self, *statements):
        words = [w for s in statements for w in ("-c", s)]
        return self.run(self.tool("psql", "-Atq", *words)).strip()

    def tool(self, name, *words):
        return self.postgres.tool(name, self.address, *words)

    def session(self, name):
        """A psql, and what tells it one line after the other."""
        session = self.world.start(name, self.tool("psql", "-Atq"), stdin=subprocess.PIPE)

        def tell(line):
            session.process.stdin.write(line.encode() + b"\n")
            session.process.stdin.flush()
        return session, tell


def test_postgresql_serves_its_clients(world):
    bank = Bank(world)
    idle, tell = bank.session("idle")
    tell("LISTEN news; SELECT 'list' || 'ens';")
    idle.wait_log("listens")
    assert bank.sql("SELECT 6 * 7") == "42"

    rows = "".join(f"{n}\t{secrets.token_hex(40)}\n" for n in range(COPY_ROWS))
    given, got = world.path("given", rows), world.path("got")
    bank.sql("CREATE TABLE account (id int PRIMARY KEY, secret text)",
             f"\\copy account FROM {given}")
    bank.sql(f"\\copy (SELECT * FROM account ORDER BY id) TO {got}")
    assert got.read_text() == rows
    bank.run(bank.tool("pgbench", "-i", "-q"))
    assert "number of failed transactions: 0 " in bank.run(
        bank.tool("pgbench", "-c", "4", "-t", "50"))

    # A session that was silent all the time is told what it asked for.
    bank.sql("NOTIFY news, 'rain'")
    tell("SELECT 'still ' || 'here';")
    idle.wait_log("still here")
    assert 'Asynchronous notification "news" with payload "rain"' in idle.log()
    idle.process.stdin.close()
    assert idle.wait() == 0


def test_a_query_of_postgresql_is_cancelled(world):
    """Which psql does by a connection of its own."""
    bank = Bank(world)
    sleeper = world.start("sleeper", bank.tool("psql", "-Atq", "-c", "SELECT pg_sleep(100000)"))
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    wait_until(lambda: bank.sql(running) == "1", "a query under way")
    sleeper.signal(signal.SIGINT)
    assert sleeper.wait() != 0
    assert "canceling statement due to user request" in sleeper.log()
    wait_until(lambda: bank.sql(running) == "0", "the end of its session")


# Redis


class Store(Mesh):
    def __init__(self, world, wrap=lambda words: words):
        super().__init__(world, lambda address, port: wrap(redis_command(world, address, port)),
                         lambda address: self.ask(address, "PING") == "PONG")

    def ask(self, address, *words):
        """What redis-cli prints; it tells an end of the connection so too."""
        done = self.world.run([program("redis-cli"), "-p", address[1], *words])
        return done.stdout.strip() or done.stderr.strip()

    def tool(self, name, *words):
        return [program(name), "-p", self.address[1], *words]


def test_redis_serves_its_clients(world):
    store = Store(world)
    reader = world.start("subscriber", store.tool("redis-cli", "SUBSCRIBE", "news"))
    reader.wait_log("subscribe")
    commands = "".join(f"SET key:{n} value:{n}\r\n" for n in range(PIPELINED))
    done = store.run(store.tool("redis-cli", "--pipe"), stdin=commands)
    assert f"errors: 0, replies: {PIPELINED}" in done
    assert store.ask(store.address, "DBSIZE") == str(PIPELINED)
    value = secrets.token_hex(LARGE_BYTES // 2)
    done = store.run(store.tool("redis-cli", "-x", "SET", "large"), stdin=value)
    assert done.strip() == "OK"
    assert store.ask(store.address, "GET", "large") == value
    done = store.run(store.tool("redis-benchmark", "-n", "5000", "-c", "20", "-P", "8", "-q", "-t",
                                "set,get,lpush"))
    assert re.findall(r"(SET|GET|LPUSH): [0-9.]+ requests per second", done) == [
        "SET", "GET", "LPUSH"]
    assert store.ask(store.address, "PUBLISH", "news", "rain") == "1"
    reader.wait_log("rain")
    reader.terminate()


@pytest.mark.skipif(not capture.allowed(), reason="needs CAP_NET_RAW")
def test_a_capture_between_redis_and_its_client_holds_no_plaintext(world):
    store = Store(world)
    mesh_port = store.control.mesh_port(HOST)
    key, value = secrets.token_hex(12), secrets.token_hex(12)
    with Capture() as captured:
        store.ask(store.address, "SET", key, value)
        assert store.ask(store.address, "GET", key) == value
    for word in (key, value):
        pairs = captured.ports_with(word.encode())
        assert {store.address[1], store.port} <= {port for pair in pairs for port in pair}
        assert all(mesh_port not in pair for pair in pairs)
    between = b"".join(b"".join(parts.values()) for pair, parts in captured.segments.items()
                       if mesh_port in pair)
    assert len(between) > len(key + value)
    assert b"PONG" not in between and b"SET" not in between


def test_a_server_that_begins_anew_is_found_behind_its_live_proxy(world):
    again = Again(world)
    store = Store(world, again.command)
    proxies = store.member.proxy_pid(), store.teller.proxy_pid()
    for _ in range(3):
        with RawClient(store.address) as open_client:
            assert open_client.send("PING\r\n").line() == "+PONG"
            store.member.kill(f"redis-server {HOST}:")
            assert open_client.closed()
        # While there is none, a client is told so by the end of its connection.
        assert unanswered(store.address) == b""
        again.begin()
        wait_until(lambda: store.ask(store.address, "PING") == "PONG", "the new server")
    assert proxies == (store.member.proxy_pid(), store.teller.proxy_pid())


# NATS, whose server speaks first


def greeting(address):
    with RawClient(address) as client:
        return client.line().startswith("INFO {")


class Reader(RawClient):
    """A connection to NATS, after its greeting."""

    def __init__(self, address):
        super().__init__(address)
        assert self.line().startswith("INFO {")
        assert self.send('CONNECT {"verbose":false}\r\nPING\r\n').next() == "PONG"

    def next(self):
        """The next line that is no question whether we live."""
        while (line := self.line()) == "PING":
            self.send("PONG\r\n")
        return line


def test_nats_greets_and_passes_messages_on(world):
    mesh = Mesh(world, nats_command, greeting)
    content = secrets.token_bytes(500_000)
    with Reader(mesh.address) as reader, Reader(mesh.address) as writer:
        assert reader.send("SUB news 1\r\nPING\r\n").next() == "PONG"
        for n in range(10):
            writer.send(f"PUB news {len(content)}\r\n".encode() + content + b"\r\n")
            assert reader.next() == f"MSG news 1 {len(content)}"
            assert reader.exactly(len(content) + 2) == content + b"\r\n", n
        assert writer.send("PING\r\n").next() == "PONG"


# Ends by halves


def test_a_program_that_waits_for_the_end_answers_behind_it(world):
    """The client ends its direction, through both proxies and mutual TLS, and still reads."""
    def command(address, port):
        return [program("socat"), f"TCP-LISTEN:{port},bind={address},fork,reuseaddr,backlog=128",
                "SYSTEM:sha256sum"]

    def digest(address, content=b""):
        with RawClient(address) as client:
            client.send(content)
            client.half_close()
            return client.rest()

    def right(content):
        return subprocess.run(["sha256sum"], input=content, capture_output=True,
                              check=True).stdout

    mesh = Mesh(world, command, lambda address: digest(address) == right(b""))
    for size in (0, 1, 16384, LARGE_BYTES):
        content = secrets.token_bytes(size)
        assert digest(mesh.address, content) == right(content)
