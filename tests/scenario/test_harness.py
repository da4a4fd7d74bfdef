"""The harness itself, with real servers: what it starts answers, and what is left is seen."""

import subprocess

import pytest
from harness import capture, servers
from harness.admin import Admin
from harness.capture import Capture
from harness.certs import openssl
from harness.clients import curl, redis_cli, wrk
from harness.http1 import RawClient, exchange
from harness.load import Load
from harness.program import wait_until
from harness.world import World

ENVOY = """
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}
"""


def test_a_real_nginx_answers_a_raw_client(world):
    _, port = servers.nginx(world)
    with RawClient(("127.0.0.1", port)) as client:
        first = client.request("GET", "/")
        assert (first.status, first.body) == (200, b"hello\n")
        head = client.request("HEAD", "/")
        assert (head.status, head.body) == (200, b"")
        bad = client.send("GET / HTTP/1.1\r\n\r\n").response()
        assert bad.status == 400
        assert client.closed()


def test_a_real_redis_answers(world):
    _, port = servers.redis(world)
    assert redis_cli(world, port, "PING") == "PONG"


def test_real_clients_report_what_came(world):
    _, port = servers.nginx(world, "location / { return 200 a; } location /no { return 503; }")
    url = f"http://127.0.0.1:{port}"
    assert curl(world, url).body == "a"
    assert curl(world, url + "/no").status == 503
    assert curl(world, "http://127.0.0.1:1/").exit_status == 7
    burst = wrk(world, url, seconds=1)
    assert burst.requests > 0 and burst.bad_statuses == 0 and burst.socket_errors == 0
    assert wrk(world, url + "/no", seconds=1).bad_statuses > 0


def test_a_real_envoy_is_ready_and_counts(world):
    port = world.port()
    config = world.path("envoy.yaml", ENVOY.format(port=port))
    servers.envoy(world, config, ready=("127.0.0.1", port))
    admin = Admin(("127.0.0.1", port))
    assert admin.ready()
    assert admin.counter("server.live") == 1
    assert admin.json("/server_info")["state"] == "LIVE"


def test_a_load_counts_every_answer(world):
    _, port = servers.nginx(world, "location / { return 200 a; } location /no { return 503; }")
    result = Load(("127.0.0.1", port), requests=200, threads=4,
                  tag=lambda status, headers, body: body.decode()).run()
    assert (result.requests, result.failures, result.share("a")) == (200, 0, 1.0)
    result = Load(("127.0.0.1", port), requests=5, path="/no").run()
    assert (result.requests, result.failures, result.statuses[503]) == (5, 5, 5)


def test_a_load_counts_a_server_that_dies_as_failures(world):
    program, port = servers.nginx(world)
    with Load(("127.0.0.1", port), until_stopped=True, rate=200) as load:
        load_until(load, lambda r: r.requests > 10)
        program.kill_group()
        load_until(load, lambda r: r.failures > 0)
    assert load.result().errors


def load_until(load, condition):
    wait_until(lambda: condition(load.result()), "the load to get there")


@pytest.mark.skipif(not capture.allowed(), reason="needs CAP_NET_RAW")
def test_a_capture_sees_plaintext_over_segment_borders(world):
    _, port = servers.nginx(world, "location / { return 200 'plain secret'; }")
    with Capture(port) as captured:
        with RawClient(("127.0.0.1", port)) as client:
            client.send("GET /se")
            client.send("same HTTP/1.1\r\nHost: test\r\n\r\n")
            assert client.response().text() == "plain secret"
    assert captured.contains(b"/sesame") and captured.contains(b"plain secret")
    assert not captured.contains(b"another word")


def test_certificates_carry_their_names_and_verify(authority):
    leaf = authority.issue("web", uri=["spiffe://weft.local/ns/shop/sa/web"], dns=["web"])
    text = openssl("x509", "-in", leaf.cert, "-noout", "-text")
    assert "URI:spiffe://weft.local/ns/shop/sa/web" in text and "DNS:web" in text
    assert "OK" in openssl("verify", "-CAfile", authority.cert, leaf.cert)


def test_a_scripted_server_plays_its_script(world):
    def script(connection, number):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)

    server = servers.Scripted(world, script)
    bodies = [exchange(("127.0.0.1", server.port)).body for _ in range(2)]
    assert bodies == [b"1", b"2"]


def test_what_a_program_leaves_behind_is_found():
    w = World(leave_seconds=0)
    try:
        w.start("leaver", ["/bin/sh", "-c", "setsid sleep 1000 & touch $TMPDIR/file"]).wait()
        problems = "\n".join(w.stop() + w.left())
        assert "sleep 1000" in problems and "tmp/file is left" in problems
        assert not list(w.marked_processes())
    finally:
        w.close()
    assert not w.dir.exists()


def test_ports_are_given_out_once(world):
    ports = {world.port() for _ in range(50)}
    assert len(ports) == 50
    with subprocess.Popen(["/bin/true"]):
        assert not world.ports.busy()
