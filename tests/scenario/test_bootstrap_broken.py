"""Broken bootstrap files: the exact message, the exit code, and nothing was begun."""

from harness.weft import program
from harness.world import ROOT

FILES = ROOT / "tests/data/bootstrap"
LISTENER = "static_resources.listeners[0]"
FILTER = f"{LISTENER}.filter_chains[0].filters[0].typed_config"
ROUTES = f"{FILTER}.route_config.virtual_hosts[1].routes"

# File, what stands there, what is put in its place, and the message after the file's name.
BROKEN = [
    ("tcp", "static_resources:", "static_resource:",
     '10:1: static_resource: unknown name "static_resource"'
     ' (did you mean "static_resources"?)'),
    ("http", "codec_type: AUTO", "codec_typ: AUTO",
     f'21:11: {FILTER}.codec_typ: unknown name "codec_typ" (did you mean "codec_type"?)'),
    ("http", "timeout: 5s", "timeout: 5",
     f'97:28: {ROUTES}[6].route.timeout: expected a duration as "1.5s", found number'),
    ("tcp", "idle_timeout: 60s", "idle_timeout: soon",
     f'21:25: {FILTER}.idle_timeout: "soon" is no duration: write seconds, as "1.5s"'),
    ("http", "connect_timeout: 1s", "connect_timeout: -1s",
     "104:22: static_resources.clusters[0].connect_timeout: must not be negative"),
    ("http", '{prefix: "/split"}', '{safe_regex: {regex: "/sp.*"}}',
     f"87:25: {ROUTES}[5].match.safe_regex: is not supported by this version"),
    ("http", "type: STATIC", "type: STRICT_DNS",
     "103:11: static_resources.clusters[0].type: STRICT_DNS is not supported by this version"),
    ("http", "lb_policy: ROUND_ROBIN", "lb_policy: ROUNDROBIN",
     '105:16: static_resources.clusters[0].lb_policy: "ROUNDROBIN" is no value of'
     ' envoy.config.cluster.v3.Cluster.LbPolicy (did you mean "ROUND_ROBIN"?)'),
    ("http", "port_value: 10000", "port_value: 100000",
     f"14:64: {LISTENER}.address.socket_address.port_value: is more than 65535"),
    ("tcp", "address: 127.0.0.1, port_value: 10020", "address: localhost, port_value: 10020",
     f'13:41: {LISTENER}.address.socket_address.address: "localhost" is not an IP address:'
     " names are not resolved yet"),
    ("http", "{cluster: second, timeout: 2s}", "{cluster: secnd, timeout: 2s}",
     f'72:34: {ROUTES}[2].route.cluster: cluster "secnd" does not exist'),
    ("http", "- name: second\n    type", "- name: first\n    type",
     '114:5: static_resources.clusters[1]: the name "first" is there twice'),
    ("http", "weight: 100", "weight: many",
     f"91:45: {ROUTES}[5].route.weighted_clusters.clusters[0].weight: many is no whole number"),
    ("tcp", "max_connect_attempts: 2", "max_connect_attempts: 0",
     f"22:33: {FILTER}.max_connect_attempts: must be at least 1"),
    ("tcp", "port_value: 10021", "port_value: 10021, port_value: 3",
     '50:88: duplicate key "port_value": it stands at line 50, column 69 already'),
    ("http", "          codec_type", "\t  codec_type",
     "21:1: found a tab character that violates indentation while scanning a plain scalar"
     " that began at line 20"),
    ("tls", "exact: \"spiffe", "regex: \"spiffe",
     f"64:27: {LISTENER}.filter_chains[1].transport_socket.typed_config.common_tls_context"
     ".validation_context.match_typed_subject_alt_names[0].matcher.regex:"
     ' unknown name "regex"'),
    ("tls", "node:", "node:",   # as it stands: its certificates are not there
     "112:26: static_resources.secrets[0].tls_certificate.certificate_chain:"
     " cannot read certs/proxy.pem: No such file or directory"),
]


def test_broken_bootstrap_files_are_explained_where_they_stand_and_begin_nothing(world):
    for name, there, instead, message in BROKEN:
        text = (FILES / f"{name}.yaml").read_text()
        assert there in text
        world.path(f"{name}.yaml", text.replace(there, instead, 1))
        for flags in ([], ["--mode", "validate"]):
            done = world.run([program("weft-proxy"), "-c", f"{name}.yaml", *flags])
            expected = f"weft-proxy: {name}.yaml:{message}\n"
            assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)
    left = sorted(path.name for path in world.dir.iterdir())
    assert left == ["http.yaml", "tcp.yaml", "tls.yaml", "tmp"]
