"""One bootstrap file under Envoy and under weft-proxy: TLS in and out, a hundred requests.

A listener chooses its chain by server name, one with a public certificate and one that lets
in a single identity; the cluster shows its own and takes a single identity at the other end.
"""

import shutil
import ssl

from harness import servers
from harness.admin import Admin
from harness.certs import Authority
from harness.compare import differences, outcome, request
from harness.echo import Echo
from harness.http1 import RawClient, connect
from harness.messages import ANSWERS, MESSAGES
from harness.weft import weft_proxy
from harness.world import ROOT

FILE = ROOT / "tests/data/bootstrap/tls.yaml"
SPIFFE = "spiffe://example.test/ns/shop/sa/"
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

PLAIN = [request(f"public {n}", path=f"/{n}") for n in range(20)]
KEPT = [request(f"kept {n}", "POST", f"/{n}", body=b"x" * n) for n in range(40)]
REQUESTS = PLAIN + MESSAGES + ANSWERS + KEPT
HTTP2 = 10


class Certificates:
    """Those that the file names, in the directory that both programs start in."""

    def __init__(self, world):
        self.ca = Authority(world.path("ca"), "root")
        self.other = Authority(world.path("ca"), "other")
        self.directory = world.path("certs")
        self.directory.mkdir()
        shutil.copy(self.ca.cert, self.directory / "ca.pem")
        self.put("proxy", self.ca.issue("proxy", uri=[SPIFFE + "proxy"]))
        self.put("public", self.ca.issue("public", dns=["public.example"]))
        self.server = self.ca.issue("server", uri=[SPIFFE + "server"], dns=["server.example"])
        self.client = self.ca.issue("client", uri=[SPIFFE + "client"])

    def put(self, name, certificate):
        shutil.copy(certificate.cert, self.directory / f"{name}.pem")
        shutil.copy(certificate.key, self.directory / f"{name}.key")

    def of_server(self, certificate=None):
        """What the program behind shows; it asks for the proxy's certificate."""
        chosen = certificate or self.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chosen.cert, chosen.key)
        context.load_verify_locations(self.ca.cert)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def of_client(self, certificate=None, version=TLS_1_3, alpn=("http/1.1",)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca.cert)
        context.check_hostname = False
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(certificate.cert, certificate.key)
        return context


class Run:
    """One program with the file, and what it makes of all requests."""

    def __init__(self, world, start, certificates, server=None):
        self.world = world
        self.certificates = certificates
        self.behind = Echo(world, "behind", context=certificates.of_server(server))
        ports = {10010: world.port(), 10011: self.behind.port, 10019: world.port()}
        text = FILE.read_text()
        for port, own in ports.items():
            text = text.replace(f"port_value: {port}}}", f"port_value: {own}}}")
        config = world.path(f"{start.__name__}-{ports[10010]}.yaml", text)
        self.admin = Admin(("127.0.0.1", ports[10019]))
        self.program = start(world, config, self.admin.address)
        self.port = ports[10010]

    def connect(self, name, context):
        return RawClient(context.wrap_socket(connect(("127.0.0.1", self.port)),
                                             server_hostname=name))

    def alone(self, wanted, name, context):
        with self.connect(name, context) as client:
            return outcome(client, wanted)

    def outcomes(self):
        """Every request: most on connections of their own, some all on one."""
        client = self.certificates.of_client(self.certificates.client)
        public = self.certificates.of_client()
        found = {r.name: self.alone(r, "public.example", public) for r in PLAIN}
        found.update({r.name: self.alone(r, "mesh.example", client) for r in MESSAGES + ANSWERS})
        with self.connect(None, client) as kept:
            found.update({r.name: outcome(kept, r) for r in KEPT})
        return found

    def handshake(self, name, context):
        """What a client is told of a connection, or that it is refused."""
        try:
            with self.connect(name, context) as client:
                peer = client.socket.getpeercert()
                chosen = client.socket.version(), client.socket.selected_alpn_protocol()
                status = client.request("GET", "/").status
                return [*chosen, sorted(n for _, n in peer["subjectAltName"]), status]
        except (ssl.SSLError, ConnectionError):
            return "refused"

    def handshakes(self):
        c = self.certificates
        cases = {
            "public, 1.3": ("public.example", c.of_client()),
            "public, 1.2": ("public.example", c.of_client(version=TLS_1_2)),
            "public in capitals": ("PUBLIC.example", c.of_client()),
            "public, no protocol in common": ("public.example", c.of_client(alpn=("smtp",))),
            "mutual": ("mesh.example", c.of_client(c.client)),
            "mutual without a name": (None, c.of_client(c.client)),
            "mutual, second protocol": (None, c.of_client(c.client, alpn=("x", "http/1.1"))),
            "mutual, 1.2": (None, c.of_client(c.client, version=TLS_1_2)),
            "no certificate": (None, c.of_client()),
            "another identity": (None, c.of_client(c.server)),
            "another authority": (None, c.of_client(
                c.other.issue("forged", uri=[SPIFFE + "client"]))),
            "no identity": (None, c.of_client(c.ca.issue("bare"))),
            "two identities": (None, c.of_client(
                c.ca.issue("two", uri=[SPIFFE + "other", SPIFFE + "client"]))),
        }
        return {name: self.handshake(*case) for name, case in cases.items()}

    def http2(self):
        """What curl gets for some requests on one HTTP/2 connection."""
        c = self.certificates
        done = self.world.run([
            servers.program("curl"), "-sS", "--http2", "--max-time", 60, "-k",
            "--cert", c.client.cert, "--key", c.client.key,
            "-w", "\n%{http_version} %{http_code} %{num_connects}\n",
            *[f"https://127.0.0.1:{self.port}/{n}" for n in range(HTTP2)]])
        return done.stdout.replace(str(self.port), "PORT").splitlines()


def test_tls_in_and_out_is_the_same_under_envoy_and_weft_proxy(world):
    certificates = Certificates(world)
    theirs = Run(world, servers.envoy, certificates)
    ours = Run(world, weft_proxy, certificates)
    assert len(REQUESTS) + HTTP2 >= 100
    assert differences(REQUESTS, ours.outcomes(), theirs.outcomes()) == []
    assert ours.handshakes() == theirs.handshakes()
    assert ours.http2() == theirs.http2()


def test_a_server_of_another_identity_gets_no_request_from_envoy_nor_weft_proxy(world):
    c = Certificates(world)
    wrong = [c.ca.issue("thief", uri=[SPIFFE + "thief"], dns=["server.example"]),
             c.other.issue("forged", uri=[SPIFFE + "server"]),
             c.ca.issue("bare", dns=["server.example"])]
    for start in (servers.envoy, weft_proxy):
        for certificate in wrong:
            run = Run(world, start, c, certificate)
            answer = run.alone(MESSAGES[0], None, c.of_client(c.client))
            assert answer["status"] == 503, (start.__name__, certificate)
            assert run.behind.served == []
            assert run.admin.counter("cluster.secure.ssl.fail_verify_san") + run.admin.counter(
                "cluster.secure.ssl.fail_verify_error") > 0
            assert run.admin.counter("cluster.secure.upstream_rq_completed") == 1
