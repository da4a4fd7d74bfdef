"""Weft's own programs in a scenario: a proxy from a file, a control plane, programs in a mesh.

    control = Control(world)
    web = control.nginx("web", port, "location / { return 200 a; }", version="v1")
    address = control.client("shopper", "web", port)
    control.apply(documents)
"""

import contextlib
import itertools
import json
import os
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from . import servers
from .admin import Admin
from .certs import Authority
from .http1 import answers
from .program import GUARD_SECONDS, Program, wait_until
from .world import BUILD


def program(name):
    path = BUILD / name
    if not path.exists():
        raise AssertionError(f"{path} is not built")
    return path


def weft_proxy(world, config, admin=None, name="weft-proxy", flags=()):
    """Starts weft-proxy with a bootstrap file; `admin` is its admin address, waited for."""
    started = world.start(name, [program("weft-proxy"), "-c", config, *flags])
    if admin:
        started.wait_ready(Admin(admin).ready, "ready")
    return started


def weft(world, *arguments, env=None, stdin=None, guard=GUARD_SECONDS):
    """Runs one command to its end."""
    return world.run([program("weft"), *arguments], env=env, stdin=stdin, guard=guard)


@dataclass
class Member:
    """A program in the mesh: the supervisor `weft run` with its proxy and the program itself."""

    run: Program
    world: object
    place: Path = None   # once it was found: a proxy that follows another has the same

    def processes(self, word):
        """The pids below `weft run` whose command line contains a word."""
        return [pid for pid, words in self.world.descendants(self.run).items() if word in words]

    def proxy_pid(self):
        return self.processes("weft-proxy")[0]

    def is_followed(self, before):
        """Whether its proxy is another one; one that crashed has a child for a moment."""
        pids = self.processes("weft-proxy")
        return pids and before not in pids

    def directory(self):
        """The run files of its proxy."""
        if not self.place:
            words = Path(f"/proc/{self.proxy_pid()}/cmdline").read_bytes().decode().split("\0")
            self.place = Path(words[words.index("-c") + 1]).parent
        return self.place

    def admin(self):
        return Admin(self.directory() / "admin.sock")

    def kill(self, word=""):
        """SIGKILL to all of it at once, or to those whose command line contains a word."""
        pids = self.processes(word)
        if not word:
            pids = [self.run.pid, *pids]
        for pid in pids:
            # Those below `weft run` end with it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Control:
    """A control plane with a state of its own, and commands that talk to it."""

    def __init__(self, world, flags=()):
        self.world = world
        self.flags = flags
        self.state = world.path("c/state")
        self.rundir = world.path("c/run")
        self.address = self.rundir / "control.sock"
        self.env = world.env(WEFT_ADDR=self.address)
        self.port = world.port()   # the same after a restart
        self.hosts = itertools.count(1)
        self.start()

    def start(self):
        """Starts it, also anew on the same state after it has ended."""
        self.program = self.world.start(
            "control", [program("weft"), "control", "--state", self.state, "--run",
                        self.rundir, "--listen", f"127.0.0.1:{self.port}", *self.flags])
        self.program.wait_ready(lambda: self.weft("status").returncode == 0, "answering")

    def weft(self, *arguments, stdin=None, guard=GUARD_SECONDS):
        """Runs one command against this control plane."""
        return weft(self.world, *arguments, env=self.env, stdin=stdin, guard=guard)

    def done(self, *arguments, stdin=None):
        """The same for a command that must succeed; returns its output."""
        done = self.weft(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise AssertionError(f"weft {' '.join(map(str, arguments))} ended with "
                                 f"{done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.done(*arguments, "-o", "json"))

    def apply(self, documents):
        """Applies YAML text."""
        return self.done("apply", "-f", self.world.path("apply.yaml", documents))

    def weft_run(self, command, service, ports=(), namespace=None, version=None, address=None,
                 upstreams=(), name=None, flags=()):
        """Starts a program in the mesh; `upstreams` are NAME:PORT=ADDRESS:PORT."""
        words = ["--service", service]
        for flag, value in (("-n", namespace), ("--version", version), ("--address", address)):
            words += [flag, value] if value else []
        for port in ports:
            words += ["--port", port]
        for upstream in upstreams:
            words += ["--upstream", upstream]
        return self.world.start(name or f"run-{service}", [
            program("weft"), "run", *words, *flags, "--", *command], env=self.env)

    def nginx(self, service, port, server, version=None, flags=()):
        """An nginx in the mesh, at an address of its own; waits until it is an endpoint."""
        def command(address, name):
            config = servers.nginx_config(self.world, name, f"{address}:{port}", server)
            return servers.nginx_command(config)
        return self.member(service, port, command, version, flags)

    def slow_server(self, service, port, text, milliseconds=50, version=None):
        """A program that takes its time for each answer."""
        path = Path(__file__).with_name("slow_server.py")
        return self.member(service, port, lambda address, _: [
            "/usr/bin/python3", path, address, port, milliseconds, text], version)

    def member(self, service, port, command, version=None, flags=(), protocol="http"):
        """A program with one port, started by command(address, name)."""
        n = next(self.hosts)
        address = f"127.77.{n >> 8}.{n & 255}"
        name = f"{service}-{version or 'any'}-{n}"
        run = self.weft_run(command(address, name), service, [f"{port}/{protocol}"],
                            version=version, address=address, name=name, flags=flags)
        run.wait_ready(lambda: self.is_ready(address), "ready in the mesh")
        return Member(run, self.world)

    def is_ready(self, address):
        """Whether the Workload at an address takes requests."""
        return any(w["spec"]["address"] == address and w["spec"].get("readiness") == "Ready"
                   for w in self.workloads())

    def all_ready(self):
        return all(w["spec"].get("readiness") == "Ready" for w in self.workloads())

    def workloads(self):
        return self.json("get", "workloads", "-A")["items"]

    def mesh_port(self, address):
        """Where the proxy in front of the program at an address takes mutual TLS."""
        found = [w["spec"] for w in self.workloads() if w["spec"]["address"] == address]
        return found[0]["ports"][0]["meshPort"]

    def client(self, service, *targets, flags=(), answers=answers):
        """A program in the mesh that calls others; `targets` are NAME:PORT. Returns it and the
        addresses where it finds them, each of which answers (HTTP, where nothing is said)."""
        local = [self.world.port() for _ in targets]
        run = self.weft_run(["sleep", "1000000"], service, flags=flags, upstreams=[
            f"{target}=127.0.0.1:{port}" for target, port in zip(targets, local)])
        addresses = [("127.0.0.1", port) for port in local]
        for address in addresses:
            run.wait_ready(lambda a=address: answers(a), "reaching others")
        return Member(run, self.world), *addresses

    def authority(self):
        """The mesh's own authority, for certificates that it would not give: from its store."""
        with contextlib.closing(sqlite3.connect(self.state / "weft.db")) as db:
            rows = db.execute("SELECT value FROM facts WHERE name = 'ca.issuing'").fetchall()
        return Authority.of_pem(self.world.path("stolen"), "issuing", rows[0][0])

    def wait_output(self, word, *arguments, guard=GUARD_SECONDS):
        """Waits until the output of a command contains a word."""
        return wait_until(lambda: word in self.weft(*arguments).stdout,
                          f"{word!r} in weft {' '.join(map(str, arguments))}", guard)
