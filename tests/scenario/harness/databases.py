"""Real servers that speak no HTTP, as commands that `weft run` starts: PostgreSQL, Redis, NATS.

A server that must end and begin again while its proxy lives on is started through again().
"""

import os
import subprocess
from pathlib import Path

from .servers import program

PEOPLE = "nobody", "nogroup"   # PostgreSQL does not run as root

# Arguments: a FIFO, and a command, which is run anew for each line in the FIFO.
AGAIN = """
gate=$1
shift
trap 'kill $child; wait; exit 0' TERM
while :; do
    "$@" & child=$!
    wait $child
    read line < "$gate"
done
"""


class Again:
    """Use: `Again(world).command(...)` is the command; begin() starts it anew once it ended."""

    def __init__(self, world):
        self.gate = world.path("gate")
        os.mkfifo(self.gate)

    def command(self, words):
        return ["sh", "-c", AGAIN, "again", self.gate, *words]

    def begin(self):
        self.gate.write_text("go\n")


def redis_command(world, address, port):
    return [program("redis-server"), "--port", port, "--bind", address, "--dir", world.dir,
            "--save", "", "--appendonly", "no"]


def nats_command(address, port):
    return [program("nats-server"), "-a", address, "-p", port]


class Postgres:
    """A cluster of databases in a directory of its own."""

    def __init__(self, world):
        self.world = world
        self.bin = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
        if not self.bin:
            raise AssertionError("PostgreSQL is not installed: run make test")
        self.directory = world.path("postgres")
        self.directory.mkdir()
        self.as_user = []
        if os.getuid() == 0:
            os.chmod(world.dir, 0o711)
            subprocess.run(["chown", ":".join(PEOPLE), self.directory], check=True)
            self.as_user = ["setpriv", "--reuid", PEOPLE[0], "--regid", PEOPLE[1],
                            "--clear-groups"]
        done = world.run([*self.as_user, self.bin / "initdb", "-D", self.directory / "data", "-U",
                          "weft", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
        assert done.returncode == 0, done.stderr

    def command(self, address, port):
        settings = {"listen_addresses": address, "port": port, "fsync": "off",
                    "unix_socket_directories": self.directory}
        words = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
        return [*self.as_user, self.bin / "postgres", "-D", self.directory / "data", *words]

    def tool(self, name, address, *words):
        """A client's command line: psql, pgbench."""
        host, port = address
        return [self.bin / name, "-h", host, "-p", port, "-U", "weft", *words, "postgres"]
