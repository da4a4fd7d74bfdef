"""Envoy and weft-proxy as each other's peers over mutual TLS.

Two proxies stand between client and program, each of them Envoy or ours: the near one takes
cleartext and calls the far one, which takes mutual TLS. Whoever shows a certificate of another
identity, of another authority or of yesterday is refused.
"""

import json

import pytest
from harness import servers
from harness.admin import Admin
from harness.certs import Authority
from harness.compare import alone, differences
from harness.conversations import COMMANDS, converse, serve, unanswered
from harness.echo import Echo
from harness.http2 import HCM, HTTP2, OPTIONS, TYPES, place, socket
from harness.messages import ANSWERS, MESSAGES
from harness.program import wait_until
from harness.weft import weft_proxy

SPIFFE = "spiffe://example.test/ns/shop/sa/"
TCP = {"@type": f"{TYPES}.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "tcp"}
OWN, BAD = "own", {"thief": "san", "forged": "error", "expired": "error"}

# How the near proxy calls the far one: what it offers by ALPN, and the version of its requests.
KINDS = {
    "http1": (["http/1.1"], {}),
    "http2": (["h2"], HTTP2),
    "alpn": (["h2", "http/1.1"], {"typed_extension_protocol_options": {OPTIONS: {
        "@type": f"type.googleapis.com/{OPTIONS}", "auto_config": {}}}}),
    "tcp": ([], {}),
}
REQUESTS, CLIENTS, STREAMS = 2000, 8, 8


class Certificates:
    """Of each side, by name: its own, and those that the other must refuse."""

    def __init__(self, world):
        self.ca = Authority(world.path("ca"), "root")
        other = Authority(world.path("ca"), "other")
        self.of = {side: {
            OWN: self.ca.issue(side, uri=[SPIFFE + side]),
            "thief": self.ca.issue(f"{side}-thief", uri=[SPIFFE + "thief"]),
            "forged": other.issue(side, uri=[SPIFFE + side]),
            "expired": self.ca.issue(f"{side}-expired", uri=[SPIFFE + side], days=-1),
        } for side in ("near", "far")}

    def tls(self, kind, own, peer, alpn, **more):
        """A context that shows a certificate and takes one identity."""
        return socket(kind, {**more, "common_tls_context": {
            "alpn_protocols": alpn,
            "tls_certificates": [{"certificate_chain": {"filename": str(own.cert)},
                                  "private_key": {"filename": str(own.key)}}],
            "validation_context": {
                "trusted_ca": {"filename": str(self.ca.cert)},
                "match_typed_subject_alt_names": [
                    {"san_type": "URI", "matcher": {"exact": SPIFFE + peer}}]}}})


def listener(name, port, chain):
    return {"name": name, "stat_prefix": name, "address": place(port), "filter_chains": [chain]}


def chain(kind, cluster):
    """The filter of a listener, and where it leads."""
    config = {**TCP, "cluster": cluster} if kind == "tcp" else {
        **HCM, "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}]}}
    return {"filters": [{"name": "filter", "typed_config": config}]}


def cluster(name, port, more):
    return {"name": name, "type": "STATIC", "connect_timeout": "5s", "load_assignment": {
        "cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": place(port)}}]}]}, **more}


class Between:
    """Both proxies and the two programs behind. A way through them has a kind, and the names of
    the certificates that the near and the far one show."""

    def __init__(self, world, near, far):
        self.world = world
        self.certificates = Certificates(world)
        self.web, self.tcp = Echo(world, "behind"), servers.Scripted(world, serve)
        self.far_ports = {(kind, name): world.port() for kind in ("web", "tcp")
                          for name in (OWN, *BAD)}
        self.ways = {(kind, OWN, OWN): world.port() for kind in KINDS}
        self.ways |= {way: world.port() for kind in ("alpn", "tcp") for bad in BAD
                      for way in ((kind, bad, OWN), (kind, OWN, bad))}
        self.far = self.start(far, "far", *self.far_side())
        self.near = self.start(near, "near", *self.near_side())

    def start(self, program, name, listeners, clusters):
        admin = Admin(("127.0.0.1", self.world.port()))
        config = self.world.path(f"{name}-{admin.address[1]}.yaml", json.dumps({
            "admin": {"address": place(admin.address[1])},
            "static_resources": {"listeners": listeners, "clusters": clusters}}))
        program(self.world, config, admin.address, name=f"{name}-{admin.address[1]}")
        return admin

    def far_side(self):
        c = self.certificates
        alpn = {"web": ["h2", "http/1.1"], "tcp": []}
        listeners = [listener(f"{kind}-{name}", port, {**chain(kind, kind), **c.tls(
            "DownstreamTlsContext", c.of["far"][name], "near", alpn[kind],
            require_client_certificate=True)}) for (kind, name), port in self.far_ports.items()]
        return listeners, [cluster("web", self.web.port, {}), cluster("tcp", self.tcp.port, {})]

    def near_side(self):
        c = self.certificates
        listeners, clusters = [], []
        for (kind, mine, theirs), port in self.ways.items():
            name = "-".join((kind, mine, theirs))
            alpn, options = KINDS[kind]
            listeners.append(listener(name, port, chain(kind, name)))
            to = self.far_ports["tcp" if kind == "tcp" else "web", theirs]
            clusters.append(cluster(name, to, {**options, **c.tls(
                "UpstreamTlsContext", c.of["near"][mine], "far", alpn, sni="far.example")}))
        return listeners, clusters

    def address(self, kind, mine=OWN, theirs=OWN):
        return "127.0.0.1", self.ways[kind, mine, theirs]

    def outcomes(self, kind):
        return {wanted.name: alone(self.address(kind), wanted) for wanted in MESSAGES + ANSWERS}

    def refusals(self, way):
        """What the counter of the side that must refuse says."""
        kind, mine, theirs = way
        if mine == OWN:
            return self.near.counter(f"cluster.{'-'.join(way)}.ssl.fail_verify_{BAD[theirs]}")
        name = "tcp-own" if kind == "tcp" else "web-own"
        return self.far.counter(f"listener.{name}.ssl.fail_verify_{BAD[mine]}")


ENVOY, OURS = servers.envoy, weft_proxy
PAIRS = {"envoy-calls": (ENVOY, OURS), "envoy-is-called": (OURS, ENVOY), "no-envoy": (OURS, OURS)}
PEERS = pytest.mark.parametrize("near, far", PAIRS.values(), ids=PAIRS.keys())


@PEERS
def test_messages_and_conversations_pass_as_between_two_envoys(world, near, far):
    theirs, ours = Between(world, ENVOY, ENVOY), Between(world, near, far)
    for kind in ("http1", "http2", "alpn"):
        assert differences(MESSAGES + ANSWERS, ours.outcomes(kind), theirs.outcomes(kind)) == []
    assert [converse(ours.address("tcp"), command) for command in COMMANDS] == [
        converse(theirs.address("tcp"), command) for command in COMMANDS]
    for between in (ours, theirs):
        assert between.far.counter("http.web.downstream_cx_http2_total") > 0
        assert between.far.counter("http.web.downstream_cx_http1_total") > 0


@PEERS
def test_no_request_is_lost_under_load(world, near, far):
    between = Between(world, near, far)
    for kind in ("http1", "http2", "alpn"):
        host, port = between.address(kind)
        done = world.run([servers.program("h2load"), "-n", REQUESTS, "-c", CLIENTS, "-m",
                          STREAMS, f"http://{host}:{port}/"], guard=300)
        assert f"{REQUESTS} succeeded, 0 failed, 0 errored" in done.stdout, done.stdout
        assert f"status codes: {REQUESTS} 2xx" in done.stdout


@PEERS
def test_who_shows_a_wrong_certificate_is_refused(world, near, far):
    between = Between(world, near, far)
    bad = [way for way in between.ways if way[1:] != (OWN, OWN)]
    for way in bad:
        before = between.refusals(way)
        if way[0] == "tcp":
            assert unanswered(between.address(*way)) == b"", way
        else:
            assert alone(between.address(*way), MESSAGES[0])["status"] == 503, way
        # With TLS 1.3 a client may know the end before it is counted.
        wait_until(lambda w=way, b=before: between.refusals(w) > b, f"{way} to be counted")
    assert between.web.served == []
    # Envoy calls the program before it knows who the client is, and tells it nothing.
    assert between.tcp.connections == [] or far is ENVOY
    assert alone(between.address("alpn"), MESSAGES[0])["status"] == 200
