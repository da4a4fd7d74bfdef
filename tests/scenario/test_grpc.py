"""gRPC through weft-proxy: a real client and a real server, in cleartext and over TLS."""

import itertools
import queue
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from harness.grpc_echo import SERVICE, GrpcClient, GrpcEcho
from harness.http2 import Http2Proxy
from harness.program import wait_until

GUARD = 60  # seconds; none of these calls takes one
LARGE = 4 * 1024 * 1024


class Setting:
    def __init__(self, world, authority=None, server_options=()):
        self.server = GrpcEcho(world, authority and authority.issue("server", dns=["localhost"]),
                               server_options)
        self.proxy = Http2Proxy(world, self.server.port, authority)
        self.client = GrpcClient(world, self.proxy.port, authority)

    def counter(self, name):
        return self.proxy.admin.counter(name)


@pytest.fixture(params=["cleartext", "tls"])
def setting(request, world):
    secure = request.param == "tls"
    return Setting(world, request.getfixturevalue("authority") if secure else None)


def failure(call):
    """The code and details that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def ask_and_hear(client):
    """A call in both directions: a function that sends a message and returns the echo, and
    the call."""
    requests = queue.SimpleQueue()
    call = client.both(iter(requests.get, None), timeout=GUARD)

    def ask(message):
        requests.put(message)
        return next(call)

    return ask, call, requests


def test_metadata_goes_both_ways_before_and_behind_the_message(setting):
    sent = [("t-text", "a, b"), ("t-text", "c"), ("t-data-bin", bytes(range(256)))]
    answer, call = setting.client.unary.with_call(b"hello", metadata=sent, timeout=GUARD)
    assert answer == b"hello"
    assert setting.server.seen == [sent]
    assert [m for m in call.initial_metadata() if m[0].startswith("t-")] == sent
    assert list(call.trailing_metadata()) == [("t-behind", "1"), ("t-behind-bin", b"\0\1\xff")]


def test_streams_arrive_whole_and_in_order(setting):
    got = list(setting.client.down(b"300 1000", timeout=GUARD))
    assert got == [bytes([n % 256]) * 1000 for n in range(300)]
    assert list(setting.client.down(b"0 0", timeout=GUARD)) == []
    assert setting.client.up(iter([b"x" * 1000] * 300), timeout=GUARD) == b"300 300000"
    assert setting.client.up(iter([]), timeout=GUARD) == b"0 0"


def test_each_message_is_passed_on_at_once(setting):
    ask, call, requests = ask_and_hear(setting.client)
    for n in range(100):
        message = b"%d" % n * (n + 1)
        assert ask(message) == message
    assert ask(b"") == b""
    requests.put(None)
    assert list(call) == [] and call.code() == grpc.StatusCode.OK


def test_messages_of_four_megabytes_pass(setting):
    large = bytes(range(256)) * (LARGE // 256)
    assert setting.client.unary(large, timeout=GUARD) == large
    ask, _, requests = ask_and_hear(setting.client)
    for _ in range(3):
        assert ask(large) == large
    requests.put(None)
    assert setting.client.up(iter([large] * 3), timeout=GUARD) == b"3 %d" % (3 * LARGE)
    assert sum(map(len, setting.client.down(b"3 %d" % LARGE, timeout=GUARD))) == 3 * LARGE


def test_every_status_arrives_with_its_details(setting):
    details = "ümläut 100% \"quoted\" \t\n☺"
    for code in grpc.StatusCode:
        if code != grpc.StatusCode.OK:
            text = f"{code.value[0]} {details}".encode()
            assert failure(lambda t=text: setting.client.status(t, timeout=GUARD)) == (
                code, details)
    unknown = setting.client.method(f"/{SERVICE}/Nothing")
    assert failure(lambda: unknown(b"", timeout=GUARD))[0] == grpc.StatusCode.UNIMPLEMENTED


def test_a_deadline_is_passed_on_and_ends_the_call_behind(setting):
    assert setting.client.unary(b"connects", timeout=GUARD)
    wait = setting.client.wait
    assert failure(lambda: wait(b"", timeout=2))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    setting.server.wait_cancelled(1)
    assert setting.server.deadlines[0] is not None


def test_a_call_that_the_client_gives_up_ends_behind(setting):
    calls = [setting.client.wait.future(b"", timeout=GUARD) for _ in range(5)]
    wait_until(lambda: len(setting.server.deadlines) == 5, "the calls at the server")
    for call in calls:
        call.cancel()
    setting.server.wait_cancelled(5)
    ask, both, requests = ask_and_hear(setting.client)
    assert ask(b"first") == b"first"
    both.cancel()
    setting.server.wait_cancelled(6)
    requests.put(None)
    assert both.code() == grpc.StatusCode.CANCELLED
    assert setting.client.unary(b"on the same connection", timeout=GUARD)
    wait_until(lambda: setting.counter("cluster.app.upstream_rq_active") == 0, "no request left")
    assert setting.counter("http.web.downstream_cx_total") == 1


def test_streams_share_a_connection_and_do_not_hold_each_other_up(setting):
    stalled = setting.client.down(b"64 1000000", timeout=GUARD)
    assert len(next(stalled)) == 1000000
    talks = [ask_and_hear(setting.client) for _ in range(20)]
    for n, (ask, _, _) in itertools.product(range(10), talks):
        assert ask(b"%d" % n) == b"%d" % n
    assert setting.counter("http.web.downstream_cx_total") == 1
    assert setting.counter("http.web.downstream_rq_active") == 21
    for _, _, requests in talks:
        requests.put(None)
    assert sum(map(len, stalled)) == 63 * 1000000


def test_a_server_that_is_gone_is_unavailable(setting):
    assert setting.client.unary(b"there", timeout=GUARD) == b"there"
    setting.server.close()
    call = lambda: setting.client.unary(b"gone", timeout=GUARD)  # noqa: E731
    assert failure(call)[0] == grpc.StatusCode.UNAVAILABLE


def test_no_call_is_lost_when_a_server_ends_its_connections_again_and_again(world):
    """By GOAWAY, in the midst of calls: what it refuses then is sent on another connection."""
    setting = Setting(world, server_options=[("grpc.max_connection_age_ms", 100)])
    message = b"x" * 5000
    with ThreadPoolExecutor(16) as callers:
        while setting.counter("cluster.app.upstream_cx_destroy") < 20:
            answers = callers.map(lambda _: setting.client.unary(message, timeout=GUARD),
                                  range(200))
            assert set(answers) == {message}
