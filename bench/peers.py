"""The proxies that are measured beside each other, each set up for the same work: HTTP/1 with
kept connections from one listener to one nginx, in one worker, without an access log."""

import string
from pathlib import Path

from harness import servers
from harness.program import listens
from harness.weft import program
from harness.world import BUILD, ROOT

FILE = Path(__file__).with_name("http1.yaml")

NGINX = """
worker_processes 1;
daemon off;
{more}
{user}
pid {dir}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    upstream behind {{
        server 127.0.0.1:{behind};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://behind; }}
    }}
}}
"""


class Peer:
    """One proxy in front of the nginx on port `behind`; `wrap` is a command to run it under."""

    name = ""

    def __init__(self, world, behind, wrap=()):
        self.world = world
        self.port, self.admin, self.behind = world.port(), world.port(), behind
        self.directory = world.path(f"{self.name}-{self.port}")
        self.directory.mkdir()
        self.arguments = [*wrap, *self.command()]

    def start(self):
        self.program = self.world.start(self.name, self.arguments)

    def ready(self, guard=60):
        """Starts it and waits until it takes connections."""
        self.start()
        self.program.wait_ready(lambda: listens(self.port), "listening", guard)
        return self

    def file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def bootstrap(self):
        text = string.Template(FILE.read_text()).substitute(
            PORT=self.port, ADMIN=self.admin, BEHIND=self.behind)
        return self.file("bootstrap.yaml", text)


class Weft(Peer):
    name = "weft-proxy"

    def command(self):
        return [program("weft-proxy"), "-c", self.bootstrap(), "--concurrency", "1",
                "--log-level", "warn"]

    @staticmethod
    def binary():
        return BUILD / "weft-proxy"


class Envoy(Peer):
    name = "Envoy"

    def command(self):
        return [self.binary(), "-c", self.bootstrap(), "--concurrency", "1",
                "--disable-hot-restart", "-l", "error"]

    @staticmethod
    def binary():
        return next((ROOT / ".venv-envoy").glob("lib/python*/site-packages/envoy/_bin/envoy"))


class Nginx(Peer):
    name = "nginx"
    more = ""

    def command(self):
        text = NGINX.format(more=self.more, user=servers.nginx_user(), dir=self.directory,
                            port=self.port, behind=self.behind)
        return servers.nginx_command(self.file("nginx.conf", text))

    @staticmethod
    def binary():
        return Path(servers.program("nginx"))


class NginxAlone(Nginx):
    """nginx as one process, so that all it does is counted."""

    more = "master_process off;"
