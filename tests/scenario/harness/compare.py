"""The same requests through two proxies: what came back, and what the server behind was sent.

An outcome is a dictionary: status, header fields without regard to case and order, body,
interim answers, or that the connection ended. What each proxy names in its own way is left out
(echo.comparable()), in the answer and in what the server was sent.
"""

import hashlib
import json
from dataclasses import dataclass

from .echo import comparable
from .http1 import Closed, RawClient

SHORT_BYTES = 4096


@dataclass
class Request:
    name: str
    data: bytes
    method: str = "GET"


def request(name, method="GET", path="/", headers=(), body=None, host="test", version="1.1"):
    """One message; `headers` are lines, `body` is bytes, or a list of bytes for chunks."""
    lines = [f"{method} {path} HTTP/{version}", *([f"Host: {host}"] if host else []), *headers]
    data = b""
    if isinstance(body, list):
        lines.append("Transfer-Encoding: chunked")
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in body) + b"0\r\n\r\n"
    elif body is not None:
        lines.append(f"Content-Length: {len(body)}")
        data = body
    return Request(name, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data, method)


def raw(name, text, method="GET"):
    return Request(name, text.replace("\n", "\r\n").encode("latin-1"), method)


def outcome(client, wanted):
    """Sends one request and says what came of it."""
    client.send(wanted.data)
    interim = []
    try:
        while (answer := client.response(wanted.method)).status < 200:
            interim.append(answer.status)
    except Closed as end:
        return {"closed": True, "received": end.received[:SHORT_BYTES].decode("latin-1")}
    except ConnectionResetError:
        return {"closed": True, "received": ""}
    return {"status": answer.status, "headers": comparable(answer.headers),
            "body": text_of(answer.body), "trailers": comparable(answer.trailers),
            **({"interim": interim} if interim else {})}


def alone(address, wanted):
    """The outcome of a request on a connection of its own."""
    with RawClient(address) as client:
        return outcome(client, wanted)


def text_of(body):
    if len(body) <= SHORT_BYTES:
        return body.decode("latin-1")
    return f"{len(body)} bytes, {hashlib.sha256(body).hexdigest()}"


def differences(requests, ours, theirs):
    """In words: each request whose outcomes are not the same."""
    return [f"{wanted.name}:\n  weft-proxy {json.dumps(ours[wanted.name], sort_keys=True)}"
            f"\n  Envoy      {json.dumps(theirs[wanted.name], sort_keys=True)}"
            for wanted in requests if ours[wanted.name] != theirs[wanted.name]]
