"""A real Envoy as a member of the mesh, driven by Weft's control plane over delta ADS.

It calls two versions of a service behind `weft run` over mutual TLS, follows a canary under load,
endpoints that come and go, and a control plane that was away; and it takes mutual TLS itself.
"""

from harness import servers
from harness.canary import FIFTY, NINETY, Shop, effect, shares_of
from harness.clients import curl
from harness.envoy import MeshEnvoy
from harness.http1 import answers
from harness.load import Load
from harness.program import wait_until

RATE = 100
ANSWERS = 300


class Edge:
    """The shop of the canary, and an Envoy in front of it."""

    def __init__(self, world):
        self.world = world
        self.shop = Shop(world)
        self.control, self.port = self.shop.control, self.shop.port
        self.shop.apply(NINETY)
        self.envoy = MeshEnvoy(self.control, "reviews", self.port)
        wait_until(lambda: answers(self.envoy.address, "/"), "an answer through Envoy")

    def load(self, tag=shares_of):
        return Load(self.envoy.address, rate=RATE, threads=4, until_stopped=True, tag=tag)

    def cluster(self, service):
        return f"{service}.default.svc.weft.local:{self.port}"

    def status(self):
        proxies = self.control.json("proxy", "status")["proxies"]
        return next(p for p in proxies if p["workload"] == "edge-1")

    def up(self):
        """How many proxies are connected: an endpoint is one whose proxy is."""
        proxies = self.control.json("proxy", "status")["proxies"]
        return sum(p["state"] == "up" for p in proxies)

    def settled(self):
        """The Envoy's row, once it has acknowledged the newest."""
        newest = self.control.json("history")["revisions"][0]["revision"]
        return wait_until(lambda: (row := self.status())["programmed"]
                          and row["served"] == newest and row, f"revision {newest} at Envoy")


def expect_no_failure(load):
    assert (load.result().failures, load.result().errors) == (0, [])
    assert set(load.result().statuses) == {200}


def marked(load, mark):
    return sum(n for (m, _), n in load.result().tags.items() if m == mark)


def test_a_canary_shifts_through_envoy_and_no_request_fails(world, record_property):
    edge = Edge(world)
    assert edge.envoy.clusters() == [edge.cluster("reviews-v1"), edge.cluster("reviews-v2")]
    with edge.load() as load:
        wait_until(lambda: marked(load, "90-10") >= ANSWERS, "answers of 90-10")
        ninety = load.result().tags
        _, began = edge.shop.apply(FIFTY)
        wait_until(lambda: marked(load, "50-50") >= ANSWERS, "answers of 50-50")
        fifty = load.result().tags
        took = effect(load, "50-50", began)
    expect_no_failure(load)
    assert 80 <= percent(ninety, "90-10") <= 97
    assert 38 <= percent(fifty, "50-50") <= 62
    row = edge.settled()
    assert (row["state"], row["refusals"]) == ("up", [])
    assert edge.envoy.rejected() == {}
    record_property("told", f"from apply to effect through Envoy: {took * 1000:.0f} ms")


def percent(tags, mark):
    """The share of v1 among the answers with the mark."""
    return tags[mark, "v1"] / (tags[mark, "v1"] + tags[mark, "v2"]) * 100


def test_a_route_gains_and_loses_a_cluster_and_no_request_fails(world):
    edge = Edge(world)
    edge.control.nginx("ratings", edge.port, "location / { return 200 ratings; }")
    wait_until(lambda: edge.up() == 4, "the proxy of ratings")
    with edge.load(lambda status, headers, body: body.decode()) as load:
        for backends in (["ratings"], ["reviews-v1", "reviews-v2"], ["ratings", "reviews-v2"],
                         ["reviews-v1"]):
            edge.control.apply(route_to(edge.port, backends))
            wanted = sorted(map(edge.cluster, backends))
            wait_until(lambda w=wanted: edge.envoy.clusters() == w, f"clusters {wanted}")
            wait_until(lambda n=load.result().requests: load.result().requests > n + RATE,
                       "more requests")
    expect_no_failure(load)
    assert set(load.result().tags) == {"v1", "v2", "ratings"}
    edge.settled()
    assert edge.envoy.rejected() == {}


def route_to(port, backends):
    refs = ", ".join(f"{{name: {name}, port: {port}}}" for name in backends)
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: reviews}}
spec:
  parentRefs: [{{group: "", kind: Service, name: reviews, port: {port}}}]
  rules: [{{backendRefs: [{refs}]}}]
"""


def test_endpoints_come_and_go_at_envoy(world):
    edge = Edge(world)
    edge.control.apply(route_to(edge.port, ["reviews-v1"]))
    with edge.load(lambda status, headers, body: body.decode()) as load:
        third = edge.control.nginx("reviews", edge.port, "location / { return 200 third; }", "v1")
        wait_until(lambda: load.result().tags["third"] > RATE, "answers of the new endpoint")
        assert third.run.terminate() == 0
        wait_until(lambda: edge.envoy.admin.counter(members(edge)) == 1, "one endpoint at Envoy")
        load.since_now()
        wait_until(lambda: load.result().requests > RATE, "answers afterwards")
        assert set(load.result().tags) == {"v1"}
    expect_no_failure(load)
    assert edge.envoy.rejected() == {}


def members(edge):
    return f"cluster.{edge.cluster('reviews-v1').replace(':', '_')}.membership_total"


def test_a_control_plane_that_comes_back_sends_envoy_nothing_it_has(world):
    edge = Edge(world)
    edge.settled()
    before = edge.envoy.updates()
    with edge.load() as load:
        edge.control.program.kill()
        wait_until(lambda: edge.envoy.admin.counter("control_plane.connected_state") == 0,
                   "Envoy without a control plane")
        edge.control.start()
        wait_until(lambda: edge.status()["programmed"], "Envoy back")
        edge.shop.apply(FIFTY)
        wait_until(lambda: marked(load, "50-50") >= RATE, "answers of 50-50")
    expect_no_failure(load)
    changed = [name for name, count in edge.envoy.updates().items() if count != before[name]]
    assert changed and all(".rds." in name for name in changed), changed
    assert edge.envoy.rejected() == {}


def test_envoy_takes_mutual_tls_for_a_program_behind_it(world):
    edge = Edge(world)
    servers.nginx(world, 'location / { return 200 "behind $http_x_forwarded_client_cert"; }',
                  edge.envoy.program[1])
    edge.control.apply(SERVICE)
    _, address = edge.control.client("shopper", "edge:9000")
    answer = curl(world, f"http://127.0.0.1:{address[1]}/")
    assert answer.status == 200
    assert "URI=spiffe://weft.local/ns/default/sa/shopper" in answer.body
    assert curl(world, f"http://127.0.0.1:{edge.envoy.mesh[1]}/").exit_status != 0
    assert edge.envoy.rejected() == {}


def test_a_certificate_is_renewed_under_load_and_no_request_fails(world):
    edge = Edge(world)
    before = serials(edge)
    assert len(before) == 1
    with edge.load() as load:
        edge.envoy.certify()
        wait_until(lambda: not serials(edge) & before, "the new certificate at Envoy")
        edge.control.apply(route_to(edge.port, ["reviews-v1"]))  # new clusters use it too
        edge.settled()
        wait_until(lambda n=load.result().requests: load.result().requests > n + RATE,
                   "more requests")
    expect_no_failure(load)
    assert edge.envoy.rejected() == {}


def serials(edge):
    """Of the certificates that Envoy uses now."""
    return {c["cert_chain"][0]["serial_number"]
            for c in edge.envoy.admin.json("/certs")["certificates"] if c.get("cert_chain")}


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: edge}
spec:
  selector: {app: edge}
  ports: [{name: http, port: 9000, appProtocol: http}]
"""
