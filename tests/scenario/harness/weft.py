"""Weft's own programs in a scenario: a proxy from a file, a control plane, programs in a mesh.

    control = Control(world)
    control.apply(documents)
    web = control.weft_run(["nginx", ...], service="web", ports=["8080/http"])
"""

import json

from .admin import Admin
from .program import GUARD_SECONDS, wait_until
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


class Control:
    """A control plane with a state of its own, and commands that talk to it."""

    def __init__(self, world, flags=()):
        self.world = world
        self.flags = flags
        self.state = world.path("c/state")
        self.rundir = world.path("c/run")
        self.address = self.rundir / "control.sock"
        self.env = world.env(WEFT_ADDR=self.address)
        self.start()

    def start(self):
        """Starts it, also anew on the same state after it has ended."""
        self.program = self.world.start(
            "control", [program("weft"), "control", "--state", self.state, "--run",
                        self.rundir, "--listen", "127.0.0.1:0", *self.flags])
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

    def weft_run(self, command, service, ports, namespace=None, version=None, address=None,
                 upstreams=(), name=None):
        """Starts a program in the mesh; `upstreams` are NAME:PORT=ADDRESS:PORT."""
        flags = ["--service", service]
        for flag, value in (("-n", namespace), ("--version", version), ("--address", address)):
            flags += [flag, value] if value else []
        for port in ports:
            flags += ["--port", port]
        for upstream in upstreams:
            flags += ["--upstream", upstream]
        return self.world.start(name or f"run-{service}", [program("weft"), "run", *flags, "--",
                                                           *command], env=self.env)

    def wait_output(self, word, *arguments, guard=GUARD_SECONDS):
        """Waits until the output of a command contains a word."""
        return wait_until(lambda: word in self.weft(*arguments).stdout,
                          f"{word!r} in weft {' '.join(map(str, arguments))}", guard)
