"""HTTP/2 as RFC 9113 has it for clients: what weft-proxy makes of a server whose frames are wrong.

Each case is the answer to one request that came by HTTP/1. Nothing of a malformed answer is
passed on as if it were whole, the server is told what the standard names, and the next request
is answered well.
"""

import pytest
from frames import (GOOD, PREFACE, Peer, Upstream, Wire, block, continuation, data, frame,
                    headers)
from harness.http1 import Closed, RawClient, exchange
from harness.http2 import Http2Proxy
from harness.servers import Scripted
from hyperframe.frame import (GoAwayFrame, PingFrame, PriorityFrame, RstStreamFrame, SettingsFrame,
                              WindowUpdateFrame)

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
TURNED_AWAY = 20
OTHER = 1001   # a stream that was never opened

MALFORMED = {"stream PROTOCOL_ERROR", "connection PROTOCOL_ERROR"}
PROTOCOL, SIZE, FLOW, COMPRESSION = (
    {f"connection {c}_ERROR"} for c in ("PROTOCOL", "FRAME_SIZE", "FLOW_CONTROL", "COMPRESSION"))
NOTHING = {"nothing"}
SERVED, FAILED, CUT = {200}, {502, 503}, {502, 503, "cut"}


def fields(*more, status="200"):
    return [(":status", status), *more]


def head(n, *more, status="200", end=True):
    return headers(n, fields(*more, status=status), end)


def start(n, *more):
    return head(n, *more, end=False)


# What an answer may not be (8.1-8.3): NAME: FRAMES FOR A STREAM.
MALFORMED_ANSWERS = {
    "no status": lambda n: headers(n, [("a", "b")]),
    "a status twice": lambda n: head(n, (":status", "200")),
    "a status that is no number": lambda n: head(n, status="abc"),
    "an empty status": lambda n: head(n, status=""),
    "a status of two digits": lambda n: head(n, status="20"),
    "a status of four digits": lambda n: head(n, status="2000"),
    "a status with a sign": lambda n: head(n, status="+20"),
    "a status below 100": lambda n: head(n, status="099", end=False) + data(n, b"x"),
    "a status of 0": lambda n: head(n, status="000", end=False) + data(n, b"x"),
    "a status of 101": lambda n: head(n, status="101", end=False) + head(n),
    "a pseudo-header of requests": lambda n: head(n, (":path", "/")),
    "an unknown pseudo-header": lambda n: head(n, (":other", "x")),
    "a pseudo-header behind a field": lambda n: headers(n, [("a", "b"), *fields()]),
    "an interim answer that ends": lambda n: head(n, status="103"),
    "an interim answer and content": lambda n: head(n, status="103", end=False) + data(n, b"x"),
    "a name with a capital": lambda n: head(n, ("Server", "x")),
    "an empty name": lambda n: head(n, ("", "x")),
    "a name with a space": lambda n: head(n, ("a b", "x")),
    "a name with a colon": lambda n: head(n, ("a:b", "x")),
    "a value with CR": lambda n: head(n, ("a", "x\ry")),
    "a value with LF": lambda n: head(n, ("a", "x\ny")),
    "a value with NUL": lambda n: head(n, ("a", "x\0y")),
    "connection": lambda n: head(n, ("connection", "close")),
    "keep-alive": lambda n: head(n, ("keep-alive", "timeout=5")),
    "proxy-connection": lambda n: head(n, ("proxy-connection", "close")),
    "transfer-encoding": lambda n: start(n, ("transfer-encoding", "chunked")) + data(n, b""),
    "upgrade": lambda n: head(n, ("upgrade", "h2c")),
    "a length that is no number": lambda n: start(n, ("content-length", "x")) + data(n, b"abc"),
    "two lengths": lambda n: start(n, ("content-length", "3"), ("content-length", "4"))
    + data(n, b"abc"),
    "a length and no content": lambda n: head(n, ("content-length", "5")),
}

# What ends wrong behind a head that was right, so that it may have been passed on.
MALFORMED_CONTENT = {
    "less than its length": lambda n: start(n, ("content-length", "5")) + data(n, b"abc"),
    "more than its length": lambda n: start(n, ("content-length", "2")) + data(n, b"abc"),
    "trailers that do not end the stream": lambda n: start(n) + headers(n, [("a", "b")], False),
    "a pseudo-header in trailers": lambda n: start(n) + headers(n, fields()),
    "a capital in trailers": lambda n: start(n) + headers(n, [("A", "b")]),
}

# Connections, streams and frames: NAME: (FRAMES FOR A STREAM, OUTCOMES, WHAT THE CLIENT GETS).
FRAMES = {
    "a good answer": (head, NOTHING, SERVED),
    "content and trailers": (
        lambda n: start(n) + data(n, b"x", False) + headers(n, [("a", "b")]), NOTHING, SERVED),
    "an interim answer before": (
        lambda n: head(n, status="103", end=False) + head(n), NOTHING, SERVED),
    "padding": (lambda n: frame(HEADERS, PADDED | END_HEADERS | END_STREAM, n,
                                b"\x03" + block(fields()) + bytes(3)), NOTHING, SERVED),
    "a block in pieces": (
        lambda n: headers(n, [], complete=False) + continuation(n, block(fields()), True),
        NOTHING, SERVED),
    "a reset that asks for no more": (
        lambda n: head(n) + RstStreamFrame(n, 0).serialize(), NOTHING, SERVED),
    "WINDOW_UPDATE behind the end": (
        lambda n: head(n) + WindowUpdateFrame(n, 5).serialize(), NOTHING, SERVED),
    "an unknown kind": (lambda n: frame(0xfa, 0xff, n) + head(n), NOTHING, SERVED),
    "PRIORITY of a server": (
        lambda n: PriorityFrame(n, depends_on=0).serialize() + head(n), NOTHING, SERVED),
    "ENABLE_PUSH of 0": (lambda n: SettingsFrame(0, {2: 0}).serialize() + head(n), NOTHING,
                         SERVED),
    "a refusal": (lambda n: RstStreamFrame(n, 7).serialize(), NOTHING, FAILED),
    "a reset": (lambda n: RstStreamFrame(n, 2).serialize(), NOTHING, FAILED),
    "a reset behind the head": (
        lambda n: start(n, ("content-length", "5")) + RstStreamFrame(n, 2).serialize(), NOTHING,
        CUT),
    "GOAWAY and the answer": (
        lambda n: GoAwayFrame(0, last_stream_id=n).serialize() + head(n), {"connection None",
                                                                        "connection NO_ERROR"},
        SERVED),
    "GOAWAY instead": (
        lambda n: GoAwayFrame(0, last_stream_id=0).serialize(), {"connection None",
                                                                 "connection NO_ERROR"}, FAILED),
    "another protocol": (
        lambda n: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", PROTOCOL | SIZE, FAILED),

    "content without a head": (lambda n: data(n, b"x"), PROTOCOL | MALFORMED, FAILED),
    "HEADERS on stream 0": (
        lambda n: frame(HEADERS, END_HEADERS, 0, block(fields())), PROTOCOL, FAILED),
    "HEADERS on an even stream": (lambda n: head(2), PROTOCOL, FAILED),
    "HEADERS on an idle stream": (lambda n: head(OTHER), PROTOCOL, FAILED),
    "DATA on stream 0": (lambda n: frame(DATA, 0, 0, b"x"), PROTOCOL, FAILED),
    "DATA on an idle stream": (lambda n: data(OTHER, b"x"), PROTOCOL, FAILED),
    "RST_STREAM on an idle stream": (
        lambda n: RstStreamFrame(OTHER, 8).serialize(), PROTOCOL, FAILED),
    "WINDOW_UPDATE on an idle stream": (
        lambda n: WindowUpdateFrame(OTHER, 1).serialize(), PROTOCOL, FAILED),
    "CONTINUATION without HEADERS": (lambda n: continuation(n, b"", True), PROTOCOL, FAILED),
    "another frame within a block": (
        lambda n: headers(n, fields(), complete=False) + PingFrame(0, bytes(8)).serialize(),
        PROTOCOL, FAILED),
    "CONTINUATION behind the end of a block": (
        lambda n: start(n) + continuation(n, b"", True), PROTOCOL, CUT),
    "a promise": (lambda n: frame(PUSH_PROMISE, END_HEADERS, n, b"\0\0\0\2" + block(
        [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")])),
        PROTOCOL, FAILED),
    "ENABLE_PUSH of 1": (lambda n: SettingsFrame(0, {2: 1}).serialize(), PROTOCOL, FAILED),
    "MAX_FRAME_SIZE too small": (
        lambda n: SettingsFrame(0, {5: 16383}).serialize(), PROTOCOL, FAILED),
    "INITIAL_WINDOW_SIZE too large": (
        lambda n: SettingsFrame(0, {4: 1 << 31}).serialize(), FLOW, FAILED),
    "SETTINGS on a stream": (lambda n: frame(SETTINGS, 0, n), PROTOCOL, FAILED),
    "SETTINGS acknowledged with content": (
        lambda n: frame(SETTINGS, ACK, 0, bytes(6)), SIZE, FAILED),
    "SETTINGS of 5 bytes": (lambda n: frame(SETTINGS, 0, 0, bytes(5)), SIZE, FAILED),
    "PING on a stream": (lambda n: frame(PING, 0, n, bytes(8)), PROTOCOL, FAILED),
    "PING of 7 bytes": (lambda n: frame(PING, 0, 0, bytes(7)), SIZE, FAILED),
    "GOAWAY on a stream": (lambda n: frame(GOAWAY, 0, n, bytes(8)), PROTOCOL, FAILED),
    "a frame that is too long": (
        lambda n: start(n) + frame(DATA, END_STREAM, n, bytes(16385)), SIZE, CUT),
    "more padding than frame": (
        lambda n: start(n) + frame(DATA, PADDED, n, b"\x05abcd"), PROTOCOL, CUT),
    "WINDOW_UPDATE of nothing": (
        lambda n: frame(WINDOW_UPDATE, 0, 0, bytes(4)), PROTOCOL, FAILED),
    "WINDOW_UPDATE of nothing on the stream": (
        lambda n: frame(WINDOW_UPDATE, 0, n, bytes(4)), PROTOCOL | MALFORMED, FAILED),
    "a window beyond its largest": (
        lambda n: frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), FLOW, FAILED),
    "a stream's window beyond its largest": (
        lambda n: frame(WINDOW_UPDATE, 0, n, b"\x7f\xff\xff\xff"),
        FLOW | {"stream FLOW_CONTROL_ERROR"}, FAILED),
    "an index that is not in the table": (
        lambda n: frame(HEADERS, END_HEADERS | END_STREAM, n, b"\xff\x80\x01"), COMPRESSION,
        FAILED),
    "a table larger than allowed": (
        lambda n: frame(HEADERS, END_HEADERS | END_STREAM, n, b"\x3f\xe2\xff\x03"
                        + block(fields())), COMPRESSION, FAILED),
    "a head that is too large": (
        lambda n: headers(n, [], complete=False) + b"".join(
            continuation(n, block([(f"a{i}", "b" * 16000)])) for i in range(20))
        + continuation(n, b"", True), {"stream ENHANCE_YOUR_CALM",
                                                "connection None"}, FAILED),
    "too many fields": (lambda n: head(n, *[(f"a{i}", "b") for i in range(200)]),
                        {"stream ENHANCE_YOUR_CALM"}, FAILED),
    "too many interim answers": (
        lambda n: b"".join(head(n, status="103", end=False) for _ in range(200)),
        {"stream ENHANCE_YOUR_CALM"}, FAILED),
    "HEADERS behind the end": (
        lambda n: head(n) + head(n), NOTHING | {"connection STREAM_CLOSED",
                                                "connection PROTOCOL_ERROR"}, SERVED),
    "DATA behind the end": (
        lambda n: head(n) + data(n, b"x"), NOTHING | {"connection STREAM_CLOSED",
                                                      "connection PROTOCOL_ERROR"}, SERVED),
}

# Content where there is none: NAME: (METHOD, STATUS).
BODILESS = {"HEAD": ("HEAD", "200"), "204": ("GET", "204"), "304": ("GET", "304"),
            "HEAD answered 404": ("HEAD", "404")}
SMUGGLED = b"HTTP/1.1 200 OK\r\nx-smuggled: 1\r\nContent-Length: 0\r\n\r\n"

# What costs the server nothing, many times.
CALM = {"connection ENHANCE_YOUR_CALM"}
FLOODS = {
    "PING": PingFrame(0, bytes(8)).serialize(),
    "SETTINGS": SettingsFrame(0, {3: 100}).serialize(),
    "PRIORITY": PriorityFrame(77, depends_on=0).serialize(),
    "unknown frames": frame(0xfa, 0, 0),
}
FLOOD_FRAMES = 100_000


class Setting:
    def __init__(self, world):
        self.behind = Upstream(world)
        self.proxy = Http2Proxy(world, self.behind.port, flags=["--concurrency", "1"])

    def run(self, case):
        """What the server is told, and what the client gets."""
        self.behind.case = case
        got = self.got()
        after = exchange(self.proxy.address, path="/good").status
        return self.behind.outcomes(), got, after

    def got(self):
        with RawClient(self.proxy.address) as client:
            try:
                got = client.request("GET", "/bad").status
                while got < 200:
                    got = client.response().status
                return got
            except (Closed, ConnectionResetError):
                return "cut"


def wrong(found, allowed):
    """The cases whose outcome is none of those that are allowed."""
    return {name: outcome for name, outcome in found.items()
            if not outcome[0] <= allowed(name)[0] or outcome[1] not in allowed(name)[1]
            or outcome[2] != 200}


def test_a_malformed_answer_is_not_passed_on(world):
    setting = Setting(world)
    found = {name: setting.run(case) for name, case in MALFORMED_ANSWERS.items()}
    assert wrong(found, lambda _: (MALFORMED, FAILED)) == {}


def test_a_malformed_end_is_told_from_a_whole_answer(world):
    setting = Setting(world)
    found = {name: setting.run(case) for name, case in MALFORMED_CONTENT.items()}
    assert wrong(found, lambda _: (MALFORMED, CUT)) == {}


def test_frames_have_the_outcome_that_the_standard_names(world):
    setting = Setting(world)
    found = {name: setting.run(case) for name, (case, _, _) in FRAMES.items()}
    assert wrong(found, lambda name: FRAMES[name][1:]) == {}
    assert setting.proxy.program.running()


@pytest.mark.parametrize("refusal", [
    lambda n: RstStreamFrame(n, 7).serialize(),
    lambda _: GoAwayFrame(0, last_stream_id=0).serialize()], ids=["RST_STREAM", "GOAWAY"])
def test_a_request_that_is_refused_is_sent_again_whole(world, refusal):
    """Of any method: a server that refuses says that it has done nothing with it."""
    setting = Setting(world)
    answers = iter([refusal, lambda n: headers(n, fields(), False) + data(n, b"done")])
    setting.behind.case = lambda n: next(answers)(n)
    content = bytes(range(256)) * 40
    got = exchange(setting.proxy.address, "POST", "/bad", body=content)
    assert (got.status, got.body) == (200, b"done")
    assert setting.behind.bodies == [content, content]


def test_all_that_one_connection_turned_away_share_the_next(world):
    def serve(connection, number):
        wire = Wire(connection)
        wire.exactly(len(PREFACE))
        wire.send(SettingsFrame(0).serialize())
        wire.until(lambda: len(wire.ended) == TURNED_AWAY)
        wire.send(GoAwayFrame(0, last_stream_id=0).serialize() if number == 1
                  else b"".join(map(head, sorted(wire.ended))))
        wire.until(lambda: False)

    behind = Scripted(world, serve)
    proxy = Http2Proxy(world, behind.port, flags=["--concurrency", "1"])
    streams = set(range(1, 2 * TURNED_AWAY, 2))
    with Peer(proxy.address) as peer:
        peer.send(b"".join(headers(n, GOOD) for n in streams))
        peer.until(lambda: peer.ended >= streams)
        assert {peer.status(n) for n in streams} == {"200"}
    assert proxy.admin.counter("cluster.app.upstream_cx_total") == 2


@pytest.mark.parametrize("name", BODILESS)
def test_content_where_there_is_none_is_no_answer_of_its_own(world, name):
    """The client's connection ends, or its next answer is that to its next request."""
    setting = Setting(world)
    method, status = BODILESS[name]
    setting.behind.case = lambda n: head(n, status=status, end=False) + data(n, SMUGGLED)
    with RawClient(setting.proxy.address) as client:
        assert client.request(method, "/bad").status in {int(status), 502, 503}
        try:
            after = client.request("GET", "/good")
        except (Closed, ConnectionError):
            return
        assert (after.status, after.header("x-smuggled")) == (200, None)


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection_alone(world, name):
    setting = Setting(world)
    told, got, after = setting.run(lambda _: FLOODS[name] * FLOOD_FRAMES)
    assert told <= CALM | {"connection None"}
    assert (got in FAILED, after) == (True, 200)
