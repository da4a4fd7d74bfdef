"""Answers that end in their midst: the client gets what there was, and no proper end."""

import json
import socket
import ssl

from harness.admin import Admin
from harness.certs import Authority
from harness.http2 import HCM, place, socket as transport
from harness.program import wait_until
from harness.servers import Scripted
from harness.weft import weft_proxy

HEAD = b"HTTP/1.1 200 OK\r\nx-from: behind\r\n"
GUARD_SECONDS = 60

# What the server sends before it closes without a close_notify, and what the client gets of it.
CUT = {
    "until close": (HEAD + b"\r\nhello", b"5\r\nhello\r\n"),
    "until close, nothing yet": (HEAD + b"\r\n", b""),
    "length": (HEAD + b"content-length: 9\r\n\r\nhello", b"hello"),
    "chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", b"5\r\nhello\r\n"),
}


class Server(Scripted):
    """Answers each connection once, over TLS, and closes the socket beneath."""

    def __init__(self, world):
        authority = Authority(world.path("ca"), "root")
        own = authority.issue("server", dns=["localhost"])
        self.ca = authority.cert
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(own.cert, own.key)
        self.answer = b""
        super().__init__(world, self.converse)

    def converse(self, plain, _number):
        with self.context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(self.answer)


def bootstrap(admin, listen, server, ca):
    return {
        "admin": {"address": {"pipe": {"path": admin}}},
        "static_resources": {
            "listeners": [{"name": "web", "address": place(listen), "filter_chains": [
                {"filters": [{"name": "hcm", "typed_config": {**HCM, "http_protocol_options": {
                    "accept_http_10": True}, "access_log": [{
                        "name": "out", "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.access_loggers."
                                     "stream.v3.StdoutAccessLog",
                            "log_format": {"json_format": {
                                "flags": "%RESPONSE_FLAGS%", "status": "%RESPONSE_CODE%",
                                "details": "%RESPONSE_CODE_DETAILS%"}}}}]}}]}]}],
            "clusters": [{"name": "app", "type": "STATIC", "load_assignment": {
                "cluster_name": "app", "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": place(server)}}]}]},
                **transport("UpstreamTlsContext", {"sni": "localhost", "common_tls_context": {
                    "validation_context": {"trusted_ca": {"filename": str(ca)}}}})}]}}


def received(port, request):
    """All that comes, and whether the connection was reset."""
    with socket.create_connection(("127.0.0.1", port), GUARD_SECONDS) as client:
        client.sendall(request)
        got = b""
        try:
            while part := client.recv(65536):
                got += part
        except ConnectionResetError:
            return got, True
        return got, False


def test_what_came_before_a_cut_reaches_the_client(world):
    server = Server(world)
    port, admin = world.port(), Admin(str(world.path("admin.sock")))
    config = bootstrap(admin.address, port, server.port, server.ca)
    proxy = weft_proxy(world, world.path("cut.yaml", json.dumps(config)), admin.address)
    for what, (answer, body) in CUT.items():
        server.answer = answer
        got, _ = received(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head, _, rest = got.partition(b"\r\n\r\n")
        assert (what, b"x-from: behind" in head, rest) == (what, True, body)
    assert received(port, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")[1]

    def logged():
        rows = [json.loads(line) for line in proxy.log().splitlines() if line.startswith("{")]
        return rows if len(rows) > len(CUT) else None
    rows = wait_until(logged, "the access log")
    assert {(row["flags"], row["status"], row["details"]) for row in rows} == {
        ("UC", 200, "upstream_reset_after_response_started{connection_termination}")}
    assert admin.counter("http.web.downstream_rq_tx_reset") == len(CUT) + 1
