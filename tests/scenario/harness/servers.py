"""Real servers behind or beside a proxy, and a server that plays a script byte by byte."""

import os
import shutil
import socket
import threading

from .http1 import answers
from .program import listens

NGINX = """
{user}
daemon off;
error_log stderr warn;
pid {dir}/nginx.pid;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen {listen};
        {server}
    }}
}}
"""


def program(name):
    """The path of an installed program, also of those in sbin."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise AssertionError(f"{name} is not installed: run make test")
    return path


def nginx_config(world, name, listen, server):
    """The configuration file of an nginx; for one that another program starts."""
    directory = world.path(name)
    directory.mkdir()
    return world.path(f"{name}/nginx.conf", NGINX.format(
        dir=directory, listen=listen, server=server, user=nginx_user()))


def nginx_user():
    """Started by root, its workers stay root: they must read the world's directory."""
    return "user root;" if os.getuid() == 0 else ""


def nginx_command(config):
    return [program("nginx"), "-e", "stderr", "-c", config]


def nginx(world, server="location / { return 200 'hello\\n'; }", port=None, name="nginx",
          wrap=()):
    """Starts nginx with the given text in its server block; returns (program, port)."""
    port = port or world.port()
    config = nginx_config(world, name, f"127.0.0.1:{port}", server)
    started = world.start(name, [*wrap, *nginx_command(config)])
    started.wait_ready(lambda: listens(port), "listening")
    return started, port


def redis(world, port=None):
    """Starts redis without persistence; returns (program, port)."""
    port = port or world.port()
    directory = world.path(f"redis-{port}")
    directory.mkdir()
    started = world.start("redis", [program("redis-server"), "--port", port, "--bind",
                                    "127.0.0.1", "--dir", directory, "--save", "",
                                    "--appendonly", "no"])
    started.wait_ready(lambda: listens(port), "listening")
    return started, port


def envoy_binary():
    from .world import ROOT

    found = sorted((ROOT / ".venv-envoy").glob("lib/python*/site-packages/envoy/_bin/envoy"))
    if not found:
        raise AssertionError("Envoy is not installed: run tools/need.sh envoy")
    return found[0]


def envoy(world, config, ready=None, name="envoy"):
    """Starts Envoy with a bootstrap file; `ready` is its admin address, waited for."""
    started = world.start(name, [envoy_binary(), "-c", config, "--disable-hot-restart",
                                 "--concurrency", "1", "-l", "warning",
                                 "--file-flush-interval-msec", "10"])
    if ready:
        started.wait_ready(lambda: answers(ready, "/ready"), "ready")
    return started


class Scripted:
    """A server whose every connection is handled by `script(socket, number)` in a thread.

    What the script raises is kept in .errors; the scenario ends with a failure if there is
    any. `seen` collects what scripts want to remember.
    """

    def __init__(self, world, script, host="127.0.0.1", port=0):
        self.script = script
        self.errors = []
        self.seen = []
        self.connections = []
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        world.closing(self)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            threading.Thread(target=self.handle, daemon=True,
                             args=(connection, len(self.connections))).start()

    def handle(self, connection, number):
        try:
            with connection:
                self.script(connection, number)
        except (ConnectionError, OSError):
            pass
        except Exception as error:  # a script is a test's own code: nothing else to expect
            self.errors.append(error)

    def close(self):
        """Ends it, open connections too; done at the end of the world at the latest."""
        for s in (self.listener, *self.connections):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                pass
        self.listener.close()
        self.thread.join()
        if self.errors:
            raise self.errors[0]
