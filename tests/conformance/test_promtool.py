"""What we tell Prometheus, judged by its own tool."""

import re
import subprocess

from harness import servers
from harness.http1 import exchange
from harness.weft import Control

# Proxies tell Envoy's counters under Envoy's names, as Envoy does: without help, and a counter
# without a suffix of its own. What was made for Envoy reads them.
ENVOY_WAYS = re.compile(r'envoy_\w+ (no help text|counter metrics should have "_total" suffix|'
                        r'non-counter metrics should not have "_total" suffix|'
                        r'metric names should not contain abbreviated units)')


def findings(text):
    done = subprocess.run([servers.program("promtool"), "check", "metrics"], input=text,
                          capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr   # 3: read, with findings
    return [line for line in (done.stdout + done.stderr).splitlines() if line]


def test_promtool_takes_the_metrics_of_both_planes(world):
    control = Control(world)
    port = world.port()
    bank = control.nginx("bank", port, "location / { return 200 money; }")
    _, address = control.client("teller", f"bank:{port}")
    assert exchange(address).status == 200
    ours = exchange(str(control.address), path="/metrics").text()
    assert "weft_control_revision" in ours
    assert findings(ours) == []
    proxies = bank.admin().get("/stats/prometheus").text()
    assert "envoy_cluster_upstream_rq_total" in proxies
    assert [line for line in findings(proxies) if not ENVOY_WAYS.fullmatch(line)] == []
