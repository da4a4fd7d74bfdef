"""HTTP/1 by bytes: what is sent is exactly what was written, and what came is kept as it came.

An address is (host, port) or the path of a Unix socket.
"""

import json
import socket
from dataclasses import dataclass, field

from .program import GUARD_SECONDS

READ_BYTES = 65536


@dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list = field(default_factory=list)   # (name as received, value)
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def header(self, name):
        """The first value of a field, or None."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


class Closed(Exception):
    """The peer closed before the message was whole; .received holds what had come."""

    def __init__(self, received):
        super().__init__(f"closed after {received!r}")
        self.received = received


def connect(address, guard=GUARD_SECONDS):
    if isinstance(address, tuple):
        s = socket.create_connection(address, timeout=guard)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(guard)
    s.connect(str(address))
    return s


class RawClient:
    """One connection. Pass a connected socket (TLS, for instance) in place of an address."""

    def __init__(self, address, guard=GUARD_SECONDS):
        self.socket = address if isinstance(address, socket.socket) else connect(address, guard)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def request(self, method, path, headers=(), body=b"", host="test"):
        """Sends a plain request with Host, and Content-Length where there is a body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return self.response(method)

    def response(self, method="GET"):
        """Reads one response; a 1xx response is one of its own."""
        version, status, reason = self.line().split(" ", 2)
        r = Response(int(status), reason, version, self.fields())
        if method == "HEAD" or r.status < 200 or r.status in (204, 304):
            return r
        if "chunked" in (r.header("transfer-encoding") or "").lower():
            r.body, r.trailers = self.chunked()
        elif r.header("content-length") is not None:
            r.body = self.exactly(int(r.header("content-length")))
        else:
            r.body = self.rest()
        return r

    def chunked(self):
        """The body and the trailers of a message in chunks."""
        body = b""
        while size := int(self.line().split(";")[0], 16):
            body += self.exactly(size)
            if self.exactly(2) != b"\r\n":
                raise AssertionError("no line end after a chunk")
        return body, self.fields()

    def line(self):
        while b"\r\n" not in self.pending:
            self.more()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("latin-1")

    def fields(self):
        fields = []
        while line := self.line():
            name, value = line.split(":", 1)
            fields.append((name, value.strip()))
        return fields

    def exactly(self, size):
        while len(self.pending) < size:
            self.more()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def rest(self):
        """Everything until the peer closes."""
        try:
            while True:
                self.more()
        except Closed:
            data, self.pending = self.pending, b""
            return data

    def closed(self):
        """Whether the peer ends the connection without another byte (waits for it)."""
        try:
            self.more()
            return False
        except (Closed, ConnectionResetError):
            return True

    def more(self):
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise Closed(self.pending)
        self.pending += data


def exchange(address, method="GET", path="/", headers=(), body=b"", host="test"):
    """One request on a connection of its own."""
    with RawClient(address) as client:
        return client.request(method, path, [*headers, ("Connection", "close")], body, host)


def answers(address, path="/", status=200):
    """Whether a GET is answered with the status now; for wait_until()."""
    try:
        return exchange(address, path=path).status == status
    except (OSError, Closed, ValueError):
        return False
