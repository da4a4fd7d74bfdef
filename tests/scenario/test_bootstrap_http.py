"""One bootstrap file under Envoy and under weft-proxy: a hundred requests, the same answers.

HTTP routing: hosts, paths, headers and query parameters choose the route; messages of all
framings go both ways; what fails behind the proxy is told in the same words.
"""

import json
import re
from collections import Counter

from harness import servers
from harness.admin import Admin
from harness.compare import alone, differences, outcome, raw, request
from harness.echo import Echo
from harness.http1 import RawClient
from harness.messages import ANSWERS, MESSAGES
from harness.program import wait_until
from harness.weft import weft_proxy
from harness.world import ROOT

FILE = ROOT / "tests/data/bootstrap/http.yaml"

ROUTES = [
    request("any host", path="/"),
    request("another host", path="/a", host="other.example"),
    request("host with a port", path="/a", host="test:8080"),
    request("host of a virtual host", path="/a", host="api.example"),
    request("host in capitals", path="/a", host="API.Example"),
    request("host of a virtual host, with a port", path="/a", host="api.example:10000"),
    request("host below a wildcard", path="/a", host="v1.api.example"),
    request("host two below a wildcard", path="/a", host="a.v1.api.example"),
    request("host that ends like a wildcard", path="/a", host="myapi.example"),
    request("path", path="/healthz"),
    request("path with a query", path="/healthz?full=1"),
    request("path of a HEAD", "HEAD", "/healthz"),
    request("path of a POST", "POST", "/healthz", body=b""),
    request("longer than the path", path="/healthz/"),
    request("path in capitals", path="/HEALTHZ"),
    request("prefix redirected", path="/old/a"),
    request("prefix redirected, alone", path="/old/"),
    request("prefix redirected, with a query", path="/old/a?b=c&d"),
    request("redirected by another host", path="/old/a", host="shop.example:81"),
    request("shorter than the prefix", path="/old"),
    request("header", path="/a", headers=["X-Canary: yes"]),
    request("header in capitals", path="/a", headers=["x-canary: YES"]),
    request("header with another value", path="/a", headers=["x-canary: no"]),
    request("header with more", path="/a", headers=["x-canary: yes!"]),
    request("header with an empty value", path="/a", headers=["x-canary:"]),
    request("header twice", path="/a", headers=["x-canary: yes", "x-canary: yes"]),
    request("query", path="/a?beta"),
    request("query with a value", path="/a?beta=1"),
    request("query among others", path="/a?x=1&beta=&y"),
    request("query that begins so", path="/a?betamax=1"),
    request("query as a value", path="/a?x=beta"),
    request("segment", path="/items"),
    request("segment and slash", path="/items/"),
    request("segment and more", path="/items/1/2?q=3"),
    request("segment and a query", path="/items?q"),
    request("longer than the segment", path="/itemsets"),
    request("segment, header replaced", path="/items/1", headers=["X-Route: mine"]),
    request("weighted", path="/split"),
    request("weighted, below", path="/split/a"),
    request("header removed", path="/a", headers=["X-Secret: 1", "X-Kept: 2"]),
    request("absolute form", path="http://api.example/a?b", host="test"),
    request("absolute form without a path", path="http://test", host="test"),
    request("double slash", path="//a//b"),
    request("dots", path="/a/./b/../c"),
    request("percent", path="/a%20b%2fc%C3%A9"),
    request("percent in the prefix", path="/%69tems"),
    request("percent for a slash", path="/items%2f1"),
    request("dots behind a prefix", path="/old/../healthz"),
    request("empty query", path="/healthz?"),
    request("query before segment", path="/items?beta"),
    request("header before query", path="/items?beta", headers=["x-canary: no"]),
    request("header twice, one of them another", path="/a", headers=["x-canary: no",
                                                                     "x-canary: yes"]),
    request("header with two values", path="/a", headers=["x-canary: yes,yes"]),
    request("brackets", path="/a?b[]=1|2"),
]

# In front of a request stand empty lines.
ROUTES += [raw("empty line", "\nGET /a HTTP/1.1\nHost: test\n\n"),
           raw("empty lines", "\n\nGET /a HTTP/1.1\nHost: test\n\n")]

FAILING = [request("failing " + manner, path="/a", headers=["x-want: " + manner])
           for manner in ("drop", "half-head", "garbage", "half-body")]
FAILING += [request("failing late", path="/a", headers=["x-want: slow", "x-canary: yes"])]

GONE = [request("nobody there", path="/a", host="api.example"),
        request("nobody there for a POST", "POST", "/a", body=b"x", host="api.example")]

REQUESTS = GONE + ROUTES + MESSAGES + ANSWERS + FAILING
KEPT = [wanted for wanted in ROUTES if wanted.method == "GET"]

# Refused by both, each in its own words.
REFUSED = [
    raw("two codings", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n"),
    raw("no host", "GET / HTTP/1.1\n\n"),
    raw("two lengths", "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab"),
    raw("length and chunks", "POST / HTTP/1.1\nHost: a\nContent-Length: 1\n"
        "Transfer-Encoding: chunked\n\n0\n\n"),
    raw("no number", "POST / HTTP/1.1\nHost: a\nContent-Length: one\n\na"),
    raw("space before the colon", "GET / HTTP/1.1\nHost: a\nX-A : 1\n\n"),
    raw("NUL", "GET / HTTP/1.1\nHost: a\nX-A: 1\0002\n\n"),
    raw("unknown coding", "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: rot13\n\n"),
    raw("old version", "GET / HTTP/1.0\nHost: a\n\n"),
    raw("old version without a host", "GET / HTTP/1.0\n\n"),
    raw("upgrade", "GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n"),
    request("too many headers", headers=[f"X-{n}: 1" for n in range(120)]),
    request("too large a head", headers=["X-Large: " + "y" * 61 * 1024]),
]

# Refused by Weft alone, with 400: Envoy passes the first two on, repaired.
STRICT = [
    raw("two hosts", "GET / HTTP/1.1\nHost: a\nHost: b\n\n"),
    raw("folded", "GET / HTTP/1.1\nHost: a\nX-A: 1\n 2\n\n"),
    raw("no version", "GET /\n\n"),
]

# Fields of the access log that must agree.
LOGGED = ("method", "path", "status", "flags", "details", "cluster")

# Statistics that must agree. Not here: attempts, of which Weft makes some of its own.
COUNTED = [f"http.web.downstream_{name}" for name in (
    "rq_total", "rq_2xx", "rq_3xx", "rq_4xx", "rq_5xx", "cx_total", "cx_protocol_error")]
COUNTED += [f"cluster.{cluster}.upstream_{name}" for cluster in ("first", "second") for name in (
    "rq_completed", "rq_2xx", "rq_4xx", "rq_5xx", "rq_503", "rq_timeout", "rq_retry",
    "cx_connect_fail")]


class Run:
    """One program with the file, and what it makes of all requests."""

    def __init__(self, world, start):
        self.world = world
        self.ports = {10000: world.port(), 10001: Echo(world, "first").port,
                      10002: world.port(), 10009: world.port()}
        self.admin = Admin(("127.0.0.1", self.ports[10009]))
        self.program = start(world, self.config(start.__name__), self.admin.address)
        self.address = ("127.0.0.1", self.ports[10000])
        self.outcomes = self.ask(GONE)
        Echo(world, "second", self.ports[10002])
        self.outcomes.update(self.ask(REQUESTS[len(GONE):]))
        with RawClient(self.address) as client:
            self.kept = {wanted.name: outcome(client, wanted) for wanted in KEPT}
        self.log = self.logged(len(self.outcomes) + len(self.kept))
        self.stats = self.admin.stats()

    def refusal(self, wanted):
        """The status and whether the connection ends."""
        answer = alone(self.address, wanted)
        return answer["status"], "close" in answer["headers"]["connection"]

    def logged_refusals(self):
        rows = self.logged(len(self.outcomes) + len(self.kept) + len(REFUSED))
        return Counter(row[2:-1] for row in rows) - Counter(row[2:-1] for row in self.log)

    def config(self, name):
        text = FILE.read_text()
        for port, own in self.ports.items():
            text = text.replace(f"port_value: {port}}}", f"port_value: {own}}}")
        return self.world.path(f"{name}.yaml", text)

    def ask(self, requests):
        return {wanted.name: alone(self.address, wanted) for wanted in requests}

    def logged(self, count):
        """The rows of the access log, once they are all there."""
        def rows():
            found = [line for line in self.program.log().splitlines() if line.startswith("{")]
            return found if len(found) >= count else None
        parsed = map(json.loads, wait_until(rows, f"{count} lines of access log"))
        return sorted(tuple(without_cause(str(row[name])) for name in LOGGED) for row in parsed)


def without_cause(details):
    """Envoy's details end with the words of its transport: "{reason|cause}"."""
    return re.sub(r"\|.*}", "}", details)


def test_http_routing_is_the_same_under_envoy_and_weft_proxy(world):
    theirs = Run(world, servers.envoy)
    ours = Run(world, weft_proxy)
    assert len(REQUESTS) >= 100
    assert differences(REQUESTS, ours.outcomes, theirs.outcomes) == []
    assert differences(KEPT, ours.kept, ours.outcomes) == []
    assert ours.log == theirs.log
    assert [(name, ours.stats.get(name, 0)) for name in COUNTED] == [
        (name, theirs.stats.get(name, 0)) for name in COUNTED]
    for wanted in REFUSED:
        assert (wanted.name, ours.refusal(wanted)) == (wanted.name, theirs.refusal(wanted))
    assert ours.logged_refusals() == theirs.logged_refusals()
    assert [ours.refusal(wanted) for wanted in STRICT] == [(400, True)] * len(STRICT)
