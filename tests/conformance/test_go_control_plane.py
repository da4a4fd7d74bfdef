"""weft-proxy under a foreign control plane: the test driver of go-control-plane.

The driver serves delta ADS, changes every resource three times, and sends waves of requests
through all listeners after each change. It would also make listeners with scoped routes, which
Weft refuses, and others with secrets over ADS, which it does not take yet: there are none.
"""

import golang
from harness.admin import Admin
from harness.namespace import Namespace
from harness.program import wait_until
from harness.weft import program

MODULE, VERSION = "github.com/envoyproxy/go-control-plane", "v0.14.0"
DRIVER_GUARD_SECONDS = 300
MESSAGE = "hello"
UPDATES = 3
WAVES = 15   # of which one must be without a failure: the first come before the change does

# Ports in a network of their own.
XDS, GATEWAY, UPSTREAM, ACCESS_LOGS, BASE = 18000, 18001, 18080, 18090, 9000

BOOTSTRAP = """
admin: {{address: {{pipe: {{path: {admin}}}}}}}
node: {{cluster: test-cluster, id: test-id}}
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services:
    - envoy_grpc: {{cluster_name: xds_cluster}}
  lds_config: {{ads: {{}}, resource_api_version: V3}}
  cds_config: {{ads: {{}}, resource_api_version: V3}}
static_resources:
  clusters:
  - {{name: xds_cluster, connect_timeout: 1s, http2_protocol_options: {{}},
     load_assignment: {{cluster_name: xds_cluster, endpoints: [{{lb_endpoints: [{{endpoint:
       {{address: {{socket_address: {{address: 127.0.0.1, port_value: 18000}}}}}}}}]}}]}}}}
  - {{name: als_cluster, connect_timeout: 1s, http2_protocol_options: {{}},
     load_assignment: {{cluster_name: als_cluster, endpoints: [{{lb_endpoints: [{{endpoint:
       {{address: {{socket_address: {{address: 127.0.0.1, port_value: 18090}}}}}}}}]}}]}}}}
"""


def test_every_change_of_a_foreign_control_plane_is_served(world):
    own = Namespace(world)
    world.start("upstream", [
        *own.wrap, golang.program("control-plane-upstream", MODULE, VERSION, "internal/upstream"),
        f"-upstream={UPSTREAM}", f"-message={MESSAGE}"])
    judge = world.start("driver", [
        *own.wrap, golang.program("control-plane-test", MODULE, VERSION, "pkg/test/main"),
        "-xds=delta-ads", "-debug", f"-message={MESSAGE}", f"-u={UPDATES}", f"-r={WAVES}",
        "-delay=200ms", "-scopedhttp=0", f"-port={XDS}", f"-gateway={GATEWAY}",
        f"-upstream={UPSTREAM}", f"-als={ACCESS_LOGS}", f"-base={BASE}"])
    admin = Admin(str(world.path("admin.sock")))
    proxy = world.start("weft-proxy", [
        *own.wrap, program("weft-proxy"), "-c",
        world.path("proxy.yaml", BOOTSTRAP.format(admin=admin.address))])
    judge.wait_log(f"update snapshot v{UPDATES - 1}", DRIVER_GUARD_SECONDS)
    wait_until(lambda: clusters_of(admin) == {f"cluster-v{UPDATES - 1}-{n}" for n in range(4)},
               "the last clusters alone")
    assert judge.wait(DRIVER_GUARD_SECONDS) == 0
    assert "passed!" in judge.log()
    assert "xds.refused" not in proxy.log()
    assert [n for n, v in admin.stats().items() if n.endswith("update_rejected") and v] == []


def clusters_of(admin):
    """The names of the clusters that came from the control plane."""
    lines = admin.get("/clusters").text().splitlines()
    return {line.split("::")[0] for line in lines if line.startswith("cluster-")}
