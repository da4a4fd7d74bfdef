"""weft-proxy with several workers before one nginx: what they share, and what they hand on."""

import pytest

from harness import servers
from harness.admin import Admin
from harness.http1 import exchange
from harness.load import Load
from harness.program import wait_until
from harness.weft import weft_proxy

TYPES = "type.googleapis.com/envoy.extensions"

CONFIG = """
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
static_resources:
  listeners:
  - name: web
    address: {{socket_address: {{address: 127.0.0.1, port_value: {listen}}}}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": {types}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          http_filters:
          - name: router
            typed_config:
              "@type": {types}.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: app}}
  clusters:
  - name: app
    type: STATIC
    circuit_breakers: {{thresholds: [{{max_connections: {limit}}}]}}
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {app}}}}}}}
"""

NGINX = """
location / { return 200 '$connection'; }
location /status { stub_status; }
"""


class Setting:
    def __init__(self, world, workers, limit):
        _, self.app = servers.nginx(world, NGINX)
        ports = {"admin": world.port(), "listen": world.port(), "app": self.app}
        config = world.path("proxy.yaml", CONFIG.format(types=TYPES, limit=limit, **ports))
        self.admin = Admin(("127.0.0.1", ports["admin"]))
        self.address = ("127.0.0.1", ports["listen"])
        weft_proxy(world, config, self.admin.address, flags=("--concurrency", str(workers)))

    def count(self, name):
        return self.admin.counter(f"cluster.app.{name}")

    def accepted(self):
        """Connections that nginx took so far, with the one that asks."""
        words = exchange(("127.0.0.1", self.app), path="/status").text().split()
        return int(words[words.index("requests") + 1])


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_use_each_others_connections_and_no_request_fails(world, workers):
    limit = workers + 1
    setting = Setting(world, workers, limit)
    before = setting.accepted()
    with Load(setting.address, threads=8, until_stopped=True,
              tag=lambda status, headers, body: body) as load:
        wait_until(lambda: setting.count("upstream_cx_handed_over") >= 10, "connections move")
    result = load.result()
    assert (result.failures, result.errors) == (0, [])
    # Each worker may open one beyond the limit, and overshoot it by one; nothing is opened anew.
    opened = setting.count("upstream_cx_total")
    assert len(result.tags) <= opened <= limit + 2 * workers
    assert setting.accepted() - before - 1 == opened
