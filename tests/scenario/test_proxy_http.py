"""weft-proxy with a real nginx behind it: what it logs, counts and tells, and how it ends."""

import json
import os
import signal
import sys

from harness import servers
from harness.admin import Admin
from harness.clients import curl, wrk
from harness.http1 import RawClient, answers, exchange
from harness.load import Load
from harness.program import listens, wait_until
from harness.weft import program, weft_proxy

TYPES = "type.googleapis.com/envoy.extensions"

CONFIG = """
node: {{id: node-1, cluster: test}}
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
          access_log:
          - name: file
            typed_config:
              "@type": {types}.access_loggers.file.v3.FileAccessLog
              path: {log}
              log_format:
                json_format:
                  path: "%REQ(:PATH)%"
                  status: "%RESPONSE_CODE%"
                  flags: "%RESPONSE_FLAGS%"
                  details: "%RESPONSE_CODE_DETAILS%"
                  host: "%UPSTREAM_HOST%"
                  cluster: "%UPSTREAM_CLUSTER%"
                  id: "%REQ(X-REQUEST-ID)%"
                  length: "%RESP(CONTENT-LENGTH)%"
                  bytes: "%BYTES_SENT%"
                  duration: "%DURATION%"
                  attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"
          http_filters:
          - name: router
            typed_config:
              "@type": {types}.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: /dead}}
                route: {{cluster: dead}}
              - match: {{prefix: /app}}
                route: {{cluster: app}}
  clusters:
  - name: app
    type: STATIC
    lb_policy: LEAST_REQUEST
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {app}}}}}}}
  - name: dead
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: dead
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {dead}}}}}}}
"""

NGINX = """
client_max_body_size 10m;
location /app { return 200 'from nginx\\n'; }
location /app/file { alias FILE; }
"""


class Setting:
    """nginx and the places of a proxy in front of it."""

    def __init__(self, world, **places):
        self.world = world
        self.file = world.path("large", "x" * 3_000_000)
        _, app = servers.nginx(world, NGINX.replace("FILE", str(self.file)))
        self.ports = {"admin": world.port(), "listen": world.port(), "app": app,
                      "dead": world.port(), **places}
        self.log = world.path("access.log")
        self.config = world.path("proxy.yaml", CONFIG.format(types=TYPES, log=self.log,
                                                                  **self.ports))
        self.admin = Admin(("127.0.0.1", self.ports["admin"]))
        self.address = ("127.0.0.1", self.ports["listen"])
        self.url = f"http://127.0.0.1:{self.ports['listen']}"

    def start(self, *flags):
        return weft_proxy(self.world, self.config, self.admin.address, flags=flags)

    def logged(self, count):
        """The lines of the access log, when there are so many."""
        def lines():
            text = self.log.read_text() if self.log.exists() else ""
            return [json.loads(line) for line in text.splitlines()]
        wait_until(lambda: len(lines()) >= count, f"{count} lines in the access log")
        return lines()


def test_a_post_that_nginx_refuses_early_gets_its_answer(world):
    setting = Setting(world)
    setting.start()
    body = world.path("body", "x" * 12_000_000)
    for _ in range(3):
        got = curl(world, setting.url + "/app", "--data-binary", f"@{body}", "-H", "Expect:")
        assert (got.exit_status, got.status) == (0, 413)
    assert [(line["status"], line["details"]) for line in setting.logged(3)] == [
        (413, "via_upstream")] * 3


def test_curl_gets_what_nginx_says(world):
    setting = Setting(world)
    setting.start("--concurrency", "2")
    assert curl(world, setting.url + "/app").body == "from nginx\n"
    large = curl(world, setting.url + "/app/file", "-o", world.path("got"))
    assert large.status == 200
    assert world.path("got").read_bytes() == setting.file.read_bytes()
    posted = curl(world, setting.url + "/app", "-X", "POST", "--data-binary", f"@{setting.file}",
                  "-H", "Expect: 100-continue")
    assert posted.status == 200
    assert curl(world, setting.url + "/app", "--http2-prior-knowledge").body == "from nginx\n"
    burst = wrk(world, setting.url + "/app", seconds=2, connections=32)
    assert burst.requests > 100 and burst.bad_statuses == 0 and burst.socket_errors == 0
    stats = setting.admin.stats()
    assert stats["http.web.downstream_rq_5xx"] == 0
    assert stats["cluster.app.upstream_cx_total"] <= 2 * 40
    # wrk leaves at its time with a request under way on each of its connections.
    unread = stats["cluster.app.upstream_rq_200"] - stats["http.web.downstream_rq_2xx"]
    assert 0 <= unread <= 32


def test_the_access_log_tells_why(world):
    setting = Setting(world)
    proxy = setting.start()
    for path in ("/app?x=1", "/nowhere", "/dead"):
        exchange(setting.address, path=path)
    with RawClient(setting.address) as client:
        client.send("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n").response()
    lines = {line["path"]: line for line in setting.logged(4)}
    app = lines["/app?x=1"]
    assert (app["status"], app["flags"], app["details"]) == (200, "-", "via_upstream")
    assert app["host"] == f"127.0.0.1:{setting.ports['app']}" and app["cluster"] == "app"
    assert app["length"] == "11" and app["bytes"] == 11 and app["attempts"] == 1
    assert len(app["id"]) == 36
    none = lines["/nowhere"]
    assert (none["status"], none["flags"], none["details"]) == (404, "NR", "route_not_found")
    dead = lines["/dead"]
    assert (dead["status"], dead["flags"]) == (503, "UF")
    assert dead["details"].startswith("upstream_reset_before_response_started{")
    bad = lines[None]
    assert (bad["status"], bad["flags"], bad["details"]) == (400, "DPE", "http1.codec_error")
    # Renamed and told so, it goes on in a new file.
    setting.log.rename(world.path("access.old"))
    proxy.signal(signal.SIGUSR1)
    wait_until(lambda: exchange(setting.address, path="/app") and setting.log.exists(),
               "a new access log")


def test_admin_shows_and_changes(world):
    setting = Setting(world)
    proxy = setting.start("--concurrency", "1")
    exchange(setting.address, path="/app")
    admin = setting.admin
    assert admin.get("/ready").text() == "LIVE\n"
    info = admin.json("/server_info")
    assert info["state"] == "LIVE" and info["node"]["id"] == "node-1" and info["concurrency"] == 1
    assert admin.counter("cluster.app.upstream_rq_total") == 1
    filtered = admin.get("/stats?filter=cluster.app").text().splitlines()
    assert filtered and all(line.startswith("cluster.app.") for line in filtered)
    as_json = admin.json("/stats?format=json&filter=http.web.downstream_rq_total")["stats"]
    assert as_json == [{"name": "http.web.downstream_rq_total", "value": 1}]
    text = admin.get("/stats/prometheus").text()
    assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="app"} 1\n' in text
    assert 'envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="app",le="+Inf"} 1\n' in text
    assert "# TYPE weft_requests_total counter\n" in text
    clusters = admin.get("/clusters").text()
    assert f"app::127.0.0.1:{setting.ports['app']}::cx_active::1\n" in clusters
    assert admin.get("/listeners").text() == f"web::127.0.0.1:{setting.ports['listen']}\n"
    dump = admin.json("/config_dump")["configs"]
    listeners = next(c for c in dump if c["@type"].endswith("ListenersConfigDump"))
    assert listeners["static_listeners"][0]["listener"]["name"] == "web"
    assert admin.json("/certs") == {"certificates": []}
    assert int(admin.json("/memory")["allocated"]) > 0
    inside = admin.get("/dump").text()
    assert inside.startswith("main state=live workers=1 ")
    assert "\nworker index=0 downstreams=" in inside
    assert '\n  port listener="web" address="127.0.0.1:' in inside
    assert '\n  cluster name="app" ' in inside
    assert f'\n    upstream address="127.0.0.1:{setting.ports["app"]}" ' in inside
    assert admin.get("/nothing").status == 404
    for path in ("/quitquitquit", "/drain_listeners", "/logging?level=debug"):
        assert admin.get(path).status == 405
    assert admin.post("/ready").status == 405
    assert admin.post("/logging?level=debug").text() == "level: debug\n"
    assert admin.post("/quitquitquit").status == 200
    assert proxy.wait() == 0


def test_it_drains_what_runs_and_ends(world):
    setting = Setting(world, app=world.port())
    release = []

    def slow(connection, _):
        wire = RawClient(connection)
        while wire.line():
            pass
        wait_until(lambda: release, "leave to answer")
        wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate")

    servers.Scripted(world, slow, port=setting.ports["app"])
    proxy = setting.start()
    with RawClient(setting.address) as client, RawClient(setting.address) as idle:
        client.send("GET /app HTTP/1.1\r\nhost: x\r\n\r\n")
        setting.admin.wait_counter("cluster.app.upstream_rq_active", 1)
        proxy.signal(signal.SIGTERM)
        wait_until(lambda: setting.admin.get("/ready").text() == "DRAINING\n", "draining")
        assert setting.admin.get("/ready").status == 503
        wait_until(lambda: not listens(setting.ports["listen"]), "nobody else is let in")
        assert idle.closed()
        release.append(True)
        answer = client.response()
        assert answer.text() == "late" and answer.header("connection") == "close"
        assert client.closed()
    assert proxy.wait() == 0


def test_a_second_signal_does_not_wait(world):
    setting = Setting(world, app=world.port())
    servers.Scripted(world, lambda connection, _: connection.recv(1) and connection.recv(100000)
                     and connection.recv(1), port=setting.ports["app"])
    proxy = setting.start()
    with RawClient(setting.address) as client:
        client.send("GET /app HTTP/1.1\r\nhost: x\r\n\r\n")
        setting.admin.wait_counter("cluster.app.upstream_rq_active", 1)
        proxy.signal(signal.SIGTERM)
        proxy.wait_log("proxy.drains")
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        assert client.closed()


SUPERVISOR = """
import os, signal, socket, subprocess, sys, time

listener, admin = (socket.create_server(("127.0.0.1", int(p))) for p in sys.argv[1:3])
for number, kept in ((3, listener), (4, admin)):
    if kept.fileno() != number:
        os.dup2(kept.fileno(), number)
env = {**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:admin"}
start = lambda: subprocess.Popen(sys.argv[3:], env=env, pass_fds=(3, 4))
generations = [start()]

def replace(*_):
    generations.append(start())

def end(*_):
    for process in generations:
        process.terminate()

signal.signal(signal.SIGUSR2, replace)
signal.signal(signal.SIGTERM, end)
while any(process.poll() is None for process in generations):
    time.sleep(0.02)
"""


def test_a_successor_takes_the_sockets_over_without_a_failed_request(world):
    setting = Setting(world)
    supervisor = world.start("supervisor", [
        sys.executable, "-c", SUPERVISOR, setting.ports["listen"], setting.ports["admin"],
        program("weft-proxy"), "-c", setting.config, "--concurrency", "2"])
    supervisor.wait_ready(setting.admin.ready, "ready")

    def generations():
        return sorted(pid for pid, words in world.descendants(supervisor).items()
                      if "weft-proxy" in words)

    first = generations()[0]
    with Load(setting.address, threads=4, until_stopped=True, path="/app") as load:
        for count in (2, 3):
            wait_until(lambda: load.result().requests > 200 * count, "load")
            supervisor.signal(signal.SIGUSR2)
            wait_until(lambda: len(generations()) == 2, "the successor")
            wait_until(lambda: supervisor.log().count("proxy.live") == count, "live")
            os.kill(generations()[0], signal.SIGTERM)
            wait_until(lambda: len(generations()) == 1, "the end of the predecessor")
        seen = load.result().requests
        wait_until(lambda: load.result().requests > seen + 200, "load")
    result = load.result()
    assert result.failures == 0, result.errors
    assert first not in generations()


BROKEN = [
    ("node: {id: node-1, cluster: test}\nstatic_resorces: {}\n",
     "static_resorces"),
    ("static_resources: {listeners: [{name: a}]}\n", "address"),
    ("static_resources: {clusters: [{name: a, type: STATIC, connect_timeout: soon}]}\n",
     "connect_timeout"),
    ("a: [\n", ""),
]


def test_a_broken_file_is_refused_with_its_place(world):
    for text, word in BROKEN:
        path = world.path("broken.yaml", text)
        for flags in ([], ["--mode", "validate"]):
            done = world.run([program("weft-proxy"), "-c", path, *flags])
            assert done.returncode == 1, text
            assert done.stderr.startswith(f"weft-proxy: {path}:"), done.stderr
            assert word in done.stderr
    good = world.run([program("weft-proxy"), "-c", Setting(world).config, "--mode", "validate"])
    assert good.returncode == 0 and good.stdout.endswith(": OK\n")


def test_an_address_in_use_is_told(world):
    setting = Setting(world)
    setting.start()
    again = world.run([program("weft-proxy"), "-c", setting.config])
    assert again.returncode == 1
    assert f"cannot listen on 127.0.0.1:{setting.ports['listen']}" in again.stderr
    assert answers(setting.address, "/app")
