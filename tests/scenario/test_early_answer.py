"""Answers that come before the request is there: the client gets them, however much it sends.

A large POST is answered by a direct response, or because there is no route, in cleartext and
over TLS, to curl and to a client that reads nothing before it has sent all.
"""

import copy
import json
import socket
import ssl

import pytest
from harness.admin import Admin
from harness.certs import Authority
from harness.clients import curl
from harness.http2 import HCM, place, socket as transport
from harness.weft import weft_proxy

BODY_BYTES = 8_000_000
STATUSES = {"/413": 413, "/403": 403, "/none": 404}
GUARD_SECONDS = 60


class Proxy:
    """Answers by itself, with TLS or without; `fields` go into the connection manager."""

    def __init__(self, world, secure, **fields):
        self.world = world
        self.authority = Authority(world.path("ca"), "root") if secure else None
        self.port = world.port()
        self.address = ("127.0.0.1", self.port)
        self.url = f"{'https' if secure else 'http'}://localhost:{self.port}"
        self.admin = Admin(str(world.path("admin.sock")))
        config = world.path("early.yaml", json.dumps(self.bootstrap(fields)))
        self.program = weft_proxy(world, config, self.admin.address)

    def bootstrap(self, fields):
        manager = copy.deepcopy(HCM) | fields
        manager["route_config"]["virtual_hosts"][0]["routes"] = [
            {"match": {"prefix": path}, "direct_response": {"status": status, "body": {
                "inline_string": f"status {status}"}}}
            for path, status in STATUSES.items() if status != 404]
        chain = {"filters": [{"name": "hcm", "typed_config": manager}]}
        if self.authority:
            own = self.authority.issue("proxy", dns=["localhost"])
            chain |= transport("DownstreamTlsContext", {"common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [{
                    "certificate_chain": {"filename": str(own.cert)},
                    "private_key": {"filename": str(own.key)}}]}})
        return {"admin": {"address": {"pipe": {"path": self.admin.address}}},
                "static_resources": {"listeners": [{
                    "name": "web", "address": place(self.port), "filter_chains": [chain]}]}}

    def connected(self):
        plain = socket.create_connection(self.address, GUARD_SECONDS)
        if not self.authority:
            return plain
        context = ssl.create_default_context(cafile=str(self.authority.cert))
        return context.wrap_socket(plain, server_hostname="localhost")


def all_sent_first(proxy, path):
    """What a client gets that reads nothing before all of its request is out."""
    with proxy.connected() as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
                       .encode() + bytes(BODY_BYTES))
        answer = b""
        while part := client.recv(65536):
            answer += part
    return answer.decode()


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
def test_a_client_that_sends_all_before_it_reads_gets_the_answer(world, secure):
    proxy = Proxy(world, secure)
    for path, status in STATUSES.items():
        answer = all_sent_first(proxy, path)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert "connection: close" in answer
        assert status == 404 or answer.endswith(f"status {status}")
    assert proxy.admin.counter("http.web.downstream_cx_delayed_close_timeout") == 0


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
def test_curl_gets_the_answer_to_a_large_post(world, secure):
    proxy = Proxy(world, secure)
    body = world.path("body")
    body.write_bytes(bytes(BODY_BYTES))
    flags = ["--http1.1", "--data-binary", f"@{body}", "-H", "Expect:"]
    if secure:
        flags += ["--cacert", proxy.authority.cert]
    for path, status in STATUSES.items():
        got = curl(world, proxy.url + path, *flags)
        assert (got.exit_status, got.status, got.error) == (0, status, "")
        assert status == 404 or got.body == f"status {status}"


def test_a_short_rest_is_read_and_the_connection_lives_on(world):
    proxy = Proxy(world, secure=False)
    with proxy.connected() as client:
        for _ in range(3):
            client.sendall(b"POST /403 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            client.sendall(b"hello")
            answer = b""
            while not answer.endswith(b"status 403"):
                answer += client.recv(65536)
            assert b"connection: close" not in answer
    assert proxy.admin.counter("http.web.downstream_cx_total") == 1
