"""HTTP/2 peers that others wrote, in front of weft-proxy: nghttp and h2load."""

import re

import pytest
from harness import servers
from harness.http2 import Http2Proxy

REQUESTS, CLIENTS, STREAMS = 2000, 8, 16
NGINX = """
client_max_body_size 10m;
large_client_header_buffers 4 64k;
location / { return 200 'from nginx\\n'; }
location /file { alias FILE; }
"""


class Setting:
    def __init__(self, world, authority=None):
        self.world = world
        self.file = world.path("large", "x" * 1_000_000)
        _, behind = servers.nginx(world, NGINX.replace("FILE", str(self.file)))
        self.proxy = Http2Proxy(world, behind, authority, http1=True)
        self.url = f"http{'s' if authority else ''}://localhost:{self.proxy.port}"

    def h2load(self, path, *flags):
        """How many requests succeeded, and of which status."""
        done = self.world.run([
            servers.program("h2load"), "-n", REQUESTS, "-c", CLIENTS, "-m", STREAMS, *flags,
            self.url + path], guard=300)
        counts = re.search(r"requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored",
                           done.stdout)
        status = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx",
                           done.stdout)
        assert counts and status, done.stdout + done.stderr
        return [int(n) for n in (*counts.groups(), *status.groups())]

    def nghttp(self, path, *flags):
        done = self.world.run([servers.program("nghttp"), "--no-verify-peer", *flags,
                               self.url + path])
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(params=["cleartext", "tls"])
def setting(request, world):
    secure = request.param == "tls"
    return Setting(world, request.getfixturevalue("authority") if secure else None)


def test_h2load_loses_no_request(setting):
    whole = [REQUESTS, 0, 0, REQUESTS, 0, 0, 0]
    assert setting.h2load("/") == whole
    assert setting.h2load("/", "-d", setting.world.path("body", "y" * 20000)) == whole
    assert setting.h2load("/", "-w", "16", "-W", "16", "--header-table-size=0") == whole
    stats = setting.proxy.admin.stats()
    assert stats["http.web.downstream_cx_total"] == 3 * CLIENTS
    assert stats["http.web.downstream_rq_2xx"] == 3 * REQUESTS


def test_h2load_with_small_windows_gets_large_content(setting):
    assert setting.h2load("/file", "-n", 200, "-w", "14", "-W", "14")[0:3] == [200, 0, 0]


def test_nghttp_gets_an_answer_before_it_has_sent_its_body(world, setting):
    body = world.path("body")
    body.write_bytes(bytes(12_000_000))
    assert "413 Request Entity Too Large" in setting.nghttp("/", "-d", body)


def test_nghttp_gets_what_nginx_says(setting):
    assert setting.nghttp("/") == "from nginx\n"
    assert setting.nghttp("/file") == setting.file.read_text()
    assert setting.nghttp("/", "--data", setting.file) == "from nginx\n"
    assert setting.nghttp("/", "--no-content-length", "--data", setting.file) == "from nginx\n"
    assert setting.nghttp("/", "--trailer", "a: b", "--data", setting.file) == "from nginx\n"
    assert setting.nghttp("/", "--continuation") == "from nginx\n"
    assert setting.nghttp("/", "--padding", "200") == "from nginx\n"
    assert setting.nghttp("/", "--multiply", "100") == "from nginx\n" * 100
