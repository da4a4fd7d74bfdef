"""A weft-proxy that speaks HTTP/2 on both sides, in cleartext or over TLS."""

import json

from .admin import Admin
from .weft import program

TYPES = "type.googleapis.com/envoy.extensions"
TLS = f"{TYPES}.transport_sockets.tls.v3"
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
HTTP2 = {"typed_extension_protocol_options": {OPTIONS: {
    "@type": f"type.googleapis.com/{OPTIONS}",
    "explicit_http_config": {"http2_protocol_options": {}}}}}
HCM = {
    "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "web",
    "http_filters": [{"name": "router", "typed_config": {
        "@type": f"{TYPES}.filters.http.router.v3.Router"}}],
    "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
        {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s"}}]}]}}


class Http2Proxy:
    """One listener, one route without a time limit, one cluster. With an authority, both sides
    are TLS: the proxy is `localhost`, and so must be the server behind, or what `behind_name`
    says. With `http1` that speaks HTTP/1.1 in cleartext. `wrap` stands before the command,
    `flags` behind it."""

    def __init__(self, world, upstream_port, authority=None, http1=False, wrap=(),
                 behind_name="localhost", flags=()):
        self.world = world
        self.authority = authority
        self.behind_name = behind_name
        self.certificate = authority and authority.issue("proxy", dns=["localhost"])
        self.port = world.port()
        self.address = ("127.0.0.1", self.port)
        self.admin = Admin(str(world.path("admin.sock")))
        behind = {} if http1 else {**HTTP2, **self.upstream_tls()}
        config = self.bootstrap(upstream_port, behind)
        path = world.path("http2.yaml", json.dumps(config))
        self.program = world.start("weft-proxy", [*wrap, program("weft-proxy"), "-c", path,
                                                 *flags])
        self.program.wait_ready(self.admin.ready, "ready")

    def bootstrap(self, upstream_port, behind):
        return {
            "admin": {"address": {"pipe": {"path": self.admin.address}}},
            "static_resources": {
                "listeners": [{"name": "web", "address": place(self.port), "filter_chains": [
                    {"filters": [{"name": "hcm", "typed_config": HCM}],
                     **self.downstream_tls()}]}],
                "clusters": [{"name": "app", "type": "STATIC", "connect_timeout": "5s",
                              "load_assignment": {"cluster_name": "app", "endpoints": [
                                  {"lb_endpoints": [{"endpoint": {
                                      "address": place(upstream_port)}}]}]},
                              **behind}]}}

    def downstream_tls(self):
        if not self.authority:
            return {}
        return socket("DownstreamTlsContext", {"common_tls_context": {
            "alpn_protocols": ["h2"], "tls_certificates": [{
                "certificate_chain": {"filename": str(self.certificate.cert)},
                "private_key": {"filename": str(self.certificate.key)}}]}})

    def upstream_tls(self):
        if not self.authority:
            return {}
        return socket("UpstreamTlsContext", {"sni": self.behind_name, "common_tls_context": {
            "alpn_protocols": ["h2"], "validation_context": {
                "trusted_ca": {"filename": str(self.authority.cert)},
                "match_typed_subject_alt_names": [
                    {"san_type": "DNS", "matcher": {"exact": self.behind_name}}]}}})


def place(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def socket(kind, fields):
    return {"transport_socket": {"name": "envoy.transport_sockets.tls",
                                 "typed_config": {"@type": f"{TLS}.{kind}", **fields}}}
