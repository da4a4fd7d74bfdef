"""A server that tells what it was sent, and answers in the way that the request asks for.

The body of an answer is a JSON object with the request as it arrived, less what proxies name
each in their own way (comparable()). The header `x-want` chooses another manner: see MANNERS.
So the same request through two proxies shows what each of them makes of the request, and what
each makes of the answer.
"""

import hashlib
import json
import time

from .http1 import Closed, RawClient
from .servers import Scripted

SHORT_BYTES = 100
LARGE = bytes(range(256)) * 1024
SLOW_SECONDS = 4
OWN = ("date", "server", "x-request-id")
SEVERAL = ("set-cookie",)   # fields that cannot be written as one


class Echo(Scripted):
    """Use: `Echo(world, "first").port`; `context` is an ssl.SSLContext for the server side."""

    def __init__(self, world, name, port=0, context=None, host="127.0.0.1"):
        self.name = name
        self.context = context
        self.served = []   # the target of each request, in order of arrival
        super().__init__(world, self.converse, host, port)

    def converse(self, connection, number):
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            wire = RawClient(connection)
            while request := read_request(wire):
                self.served.append(request["target"])
                manner = MANNERS.get(request["headers"].get("x-want"), echo)
                if not manner(wire, {"server": self.name, **request}):
                    break
            if self.context:
                connection.unwrap()   # the end is said, so that none can be made by others


def comparable(headers):
    """The fields in an order of their own, names in lower case, without date, server,
    x-request-id and x-envoy-*; those that came in several lines are joined (RFC 9110 5.3)."""
    joined = {}
    for name, value in headers:
        name = name.lower()
        if name not in OWN and not name.startswith("x-envoy-"):
            joined.setdefault(name, []).append(client_hidden(name, value))
    return {name: values if name in SEVERAL else ",".join(values)
            for name, values in sorted(joined.items())}


def client_hidden(name, value):
    """A client of this machine bears another address in what Envoy adds."""
    return ",".join([*value.split(",")[:-1], "client"]) if name == "x-forwarded-for" else value


def read_request(wire):
    """The next request as a dictionary, or None at the end of the connection."""
    try:
        line = wire.line()
    except (OSError, Closed):
        return None
    method, target, version = line.split(" ")
    headers = wire.fields()
    names = {name.lower(): value for name, value in headers}
    if names.get("expect", "").lower() == "100-continue":
        wire.send("HTTP/1.1 100 Continue\r\n\r\n")
    body, trailers = read_body(wire, names)
    return {"method": method, "target": target, "version": version,
            "headers": comparable(headers),
            "trailers": trailers, "chunked": "transfer-encoding" in names, **told(body)}


def read_body(wire, names):
    if names.get("transfer-encoding", "").lower() == "chunked":
        return wire.chunked()
    return wire.exactly(int(names.get("content-length", 0))), []


def told(body):
    """A body in few words."""
    if len(body) <= SHORT_BYTES:
        return {"body": body.decode("latin-1")}
    return {"body_bytes": len(body), "body_hash": hashlib.sha256(body).hexdigest()}


def answer(wire, status, body=b"", headers=(), length=None):
    """Sends a response; `length` instead of the body's, False for none."""
    length = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    if length is not False:
        lines.append(f"Content-Length: {length}")
    wire.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return True


def text_of(request):
    return json.dumps(request, sort_keys=True).encode()


# The manners: each writes an answer, and says whether the connection stays


def echo(wire, request):
    body = text_of(request)
    length = len(body)
    if request["method"] == "HEAD":
        body = b""
    return answer(wire, "200 OK", body, [("Content-Type", "application/json")], length)


def no_content(wire, _):
    return answer(wire, "204 No Content", length=False)


def not_modified(wire, _):
    return answer(wire, "304 Not Modified", headers=[("ETag", '"1"')], length=False)


def of_status(status):
    def manner(wire, request):
        return answer(wire, status, text_of(request))
    return manner


def empty(wire, _):
    return answer(wire, "200 OK")


def chunked(wire, request):
    parts = [b"a", b"bb" * 500, text_of(request)]
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in parts:
        wire.send(b"%x\r\n" % len(part) + part + b"\r\n")
    wire.send("0\r\n\r\n")
    return True


def trailers(wire, _):
    wire.send("HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n"
              "2\r\nab\r\n0\r\nx-sum: 7\r\n\r\n")
    return True


def until_close(wire, request):
    answer(wire, "200 OK", b"until the end\n" + text_of(request), length=False)
    return False


def large(wire, _):
    return answer(wire, "200 OK", LARGE)


def fields(wire, _):
    return answer(wire, "200 OK", b"x", [
        ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-Powered-By", "echo"),
        ("Vary", "Accept"), ("Vary", "Origin"), ("Cache-Control", "no-store"),
        ("X-Table", "upstream"), ("X-Empty", ""), ("X-Spaces", "a  b")])


def hop_by_hop(wire, _):
    return answer(wire, "200 OK", b"x", [
        ("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"), ("X-Kept", "1")])


def closing(wire, _):
    answer(wire, "200 OK", b"x", [("Connection", "close")])
    return False


def early_hints(wire, request):
    wire.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    return echo(wire, request)


def drop(_wire, _request):
    return False


def half_head(wire, _):
    wire.send("HTTP/1.1 200 OK\r\nContent-Le")
    return False


def half_body(wire, _):
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfifty")
    return False


def garbage(wire, _):
    wire.send("not HTTP at all\r\n\r\n")
    return False


def slow(wire, request):
    time.sleep(SLOW_SECONDS)
    return echo(wire, request)


MANNERS = {
    "204": no_content,
    "304": not_modified,
    "201": of_status("201 Created"),
    "404": of_status("404 Not Found"),
    "418": of_status("418 I'm a teapot"),
    "500": of_status("500 Internal Server Error"),
    "503": of_status("503 Service Unavailable"),
    "empty": empty,
    "chunked": chunked,
    "trailers": trailers,
    "until-close": until_close,
    "large": large,
    "fields": fields,
    "hop-by-hop": hop_by_hop,
    "closing": closing,
    "early-hints": early_hints,
    "drop": drop,
    "half-head": half_head,
    "half-body": half_body,
    "garbage": garbage,
    "slow": slow,
}
