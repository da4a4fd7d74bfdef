"""A real Envoy as a member of the mesh: docs/howto/envoy.md, with addresses of a scenario's own."""

import re

from . import servers
from .admin import Admin
from .world import ROOT

PAGE = ROOT / "docs/howto/envoy.md"
ACCOUNT = "edge"
# What stands in the page, each of which has another address in a scenario.
HELLO, MESH, PROGRAM, ADMIN, CONTROL = (
    '"127.77.2.9:8000"', '"127.77.2.9:9443"', "address: 127.77.2.9, port_value: 9000",
    "address: 127.77.2.9, port_value: 9901", "address: 127.77.2.1, port_value: 15012")

WORKLOAD = """
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata:
  name: {name}
  labels: {{app: edge}}
spec:
  address: 127.0.0.1
  serviceAccount: edge
  ports:
  - {{port: 9000, meshPort: {mesh}, protocol: http}}
"""


def bootstrap_of_the_page(page=PAGE):
    return re.search(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M)[1]


def page_script(home, page=PAGE):
    """The blocks of a page, in order, in a shell that stops at the first failure."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.S | re.M)
    assert len(blocks) >= 6
    # `wait` returns the status of a program that a signal ended.
    steps = [re.sub(r"wait (%.*)", r"{ wait \1 || true; }", block) for block in blocks]
    return f"set -eum\ncd {home}\n" + "\n".join(
        f"echo '== block {i}'\n{step}" for i, step in enumerate(steps, 1))


class MeshEnvoy:
    """An Envoy that calls service:port of a Control, and takes mutual TLS for a program."""

    def __init__(self, control, service, port, name="edge-1"):
        self.control, self.world = control, control.world
        self.address, self.mesh, self.program, self.admin_address = (
            ("127.0.0.1", self.world.port()) for _ in range(4))
        control.apply(WORKLOAD.format(name=name, mesh=self.mesh[1]))
        self.identity = self.world.path(f"{name}-identity")
        self.certify()
        self.config = self.world.path(f"{name}.yaml", self.bootstrap(name, service, port))
        self.admin = Admin(self.admin_address)
        self.process = servers.envoy(self.world, self.config, self.admin_address, name)

    def certify(self):
        self.control.done("certificate", ACCOUNT, "--dir", self.identity)

    def bootstrap(self, name, service, port):
        text = bootstrap_of_the_page().replace("MESH/edge", str(self.identity))
        own = {HELLO: '"127.0.0.1:%d"' % self.address[1], MESH: '"127.0.0.1:%d"' % self.mesh[1],
               PROGRAM: at(self.program), ADMIN: at(self.admin_address),
               CONTROL: at(("127.0.0.1", self.control.port)), "default/edge-1": f"default/{name}",
               "hello.default.svc.weft.local:8000": f"{service}.default.svc.weft.local:{port}"}
        for word, instead in own.items():
            assert word in text
            text = text.replace(word, instead)
        return text

    def rejected(self):
        """The statistics of refused updates that are not 0, among those of all kinds of them."""
        counts = {name: value for name, value in self.admin.stats().items()
                  if name.endswith("update_rejected")}
        assert len(counts) >= 4
        return {name: value for name, value in counts.items() if value}

    def updates(self):
        """How often each kind of resource was updated."""
        return {name: value for name, value in self.admin.stats().items()
                if name.endswith(("update_success", ".version"))}

    def clusters(self):
        """The names of the clusters that came from the control plane."""
        dump = self.admin.json("/config_dump?resource=dynamic_active_clusters")
        return sorted(c["cluster"]["name"] for c in dump.get("configs", []))


def at(address):
    return "address: %s, port_value: %d" % address


def path_of_binary():
    return servers.envoy_binary().parent
