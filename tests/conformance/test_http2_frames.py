"""HTTP/2 as RFC 9113 has it, case by case: what weft-proxy makes of frames that are wrong.

Each case sends frames on a connection of its own, and a good request after them. It names all
outcomes that the standard allows; behind the proxy nothing of a malformed request arrives.
"""

from threading import Event

import pytest
from frames import (GOOD, PREFACE, Peer, block, continuation, data, frame, headers)
from harness.echo import LARGE, Echo
from harness.http1 import Closed
from harness.http2 import Http2Proxy
from harness.servers import Scripted
from hyperframe.frame import (PingFrame, PriorityFrame, RstStreamFrame, SettingsFrame,
                              WindowUpdateFrame)

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 1, 1, 4, 8, 32

MALFORMED = {"stream PROTOCOL_ERROR", "answer 400", "connection PROTOCOL_ERROR"}
PROTOCOL, SIZE, FLOW, COMPRESSION = (
    {f"connection {c}_ERROR"} for c in ("PROTOCOL", "FRAME_SIZE", "FLOW_CONTROL", "COMPRESSION"))
CLOSED = {"stream STREAM_CLOSED", "connection STREAM_CLOSED"}
IGNORED = {"ignored"}
SERVED = {"answer 200"}


def fields(*more, **pseudo):
    """A request's; a pseudo-header field that is None is left out."""
    values = {":method": "GET", ":scheme": "http", ":authority": "test", ":path": "/bad",
              **{f":{name}": value for name, value in pseudo.items()}}
    return [(n, v) for n, v in values.items() if v is not None] + list(more)


def post(*more):
    return headers(1, fields(*more, method="POST"), end=False)


def head(*more, **pseudo):
    return headers(1, fields(*more, **pseudo))


# What a request may not be (8.1-8.3): NAME: FRAMES.
MALFORMED_REQUESTS = {
    "no method": head(method=None),
    "no scheme": head(scheme=None),
    "no path": head(path=None),
    "an empty path": head(path=""),
    "a path that does not begin with a slash": head(path="bad"),
    "an asterisk for another method than OPTIONS": head(path="*"),
    "a method twice": head((":method", "GET")),
    "a path twice": head((":path", "/bad")),
    "an authority twice": head((":authority", "test")),
    "an unknown pseudo-header": head((":other", "x")),
    "a pseudo-header of responses": head((":status", "200")),
    "a pseudo-header behind a field": headers(1, [("a", "b"), *fields()]),
    "a pseudo-header in trailers": post() + headers(1, [(":path", "/bad")]),
    "trailers that do not end the stream": post() + headers(1, [("a", "b")], end=False),
    "a name with a capital": head(("Accept", "x")),
    "an empty name": head(("", "x")),
    "a name with a space": head(("a b", "x")),
    "a name with a colon": head(("a:b", "x")),
    "a name with a control character": head((b"a\x01", "x")),
    "a name with a byte above ASCII": head((b"a\xe4", "x")),
    "a value with CR": head(("a", "x\ry")),
    "a value with LF": head(("a", "x\ny")),
    "a value with NUL": head(("a", "x\0y")),
    "a path with a space": head(path="/bad x"),
    "a path with a control character": head(path="/bad\x7f"),
    "a value with a space in front": head(("a", " x")),
    "a value with a space behind": head(("a", "x ")),
    "a value with a tab behind": head(("a", "x\t")),
    "a method that is no token": head(method="GET x"),
    "an empty method": head(method=""),
    "an empty scheme": head(scheme=""),
    "a scheme with a space": head(scheme="ht tp"),
    "a host that is not the authority": head(("host", "other")),
    "two hosts": head(("host", "test"), ("host", "test"), authority=None),
    "user information in the authority": head(authority="user@test"),
    "an authority with a space": head(authority="te st"),
    "connection": head(("connection", "close")),
    "keep-alive": head(("keep-alive", "timeout=5")),
    "proxy-connection": head(("proxy-connection", "close")),
    "transfer-encoding": post(("transfer-encoding", "chunked")) + data(1, b"0\r\n\r\n"),
    "upgrade": head(("upgrade", "h2c")),
    "te other than trailers": head(("te", "gzip")),
    "te with more than trailers": head(("te", "trailers, gzip")),
    "a length that is no number": post(("content-length", "x")) + data(1, b"abc"),
    "an empty length": post(("content-length", "")) + data(1, b"abc"),
    "a length beyond all": post(("content-length", "9" * 30)) + data(1, b"abc"),
    "a length and trailers alone": post(("content-length", "5")) + headers(1, [("a", "b")]),
    "a capital in trailers": post() + headers(1, [("A", "b")]),
    "a length with a sign": post(("content-length", "+3")) + data(1, b"abc"),
    "two lengths": post(("content-length", "3"), ("content-length", "4")) + data(1, b"abc"),
    "less than its length": post(("content-length", "5")) + data(1, b"abc"),
    "more than its length": post(("content-length", "2")) + data(1, b"abc"),
    "a length and no content": headers(1, fields(("content-length", "5"), method="POST")),
    "CONNECT with a path": head(method="CONNECT"),
    "CONNECT without authority": headers(1, [(":method", "CONNECT")]),
}

# Connections, streams and frames (3.4-6.10): NAME: (FRAMES, STREAM, OUTCOMES).
FRAMES = {
    "a good request": (head(), 1, SERVED),
    "te: trailers": (head(("te", "trailers")), 1, SERVED),
    "trailers": (post() + data(1, b"abc", end=False) + headers(1, [("a", "b")]), 1, SERVED),
    "content as long as said": (post(("content-length", "3")) + data(1, b"abc"), 1, SERVED),
    "DATA in pieces": (post(("content-length", "3")) + b"".join(
        data(1, b"a", end=False) for _ in range(3)) + data(1, b""), 1, SERVED),
    "DATA with padding": (post(("content-length", "3")) + frame(
        DATA, PADDED | END_STREAM, 1, b"\x04abc" + bytes(4)), 1, SERVED),
    "DATA of padding alone": (post() + frame(DATA, PADDED, 1, b"\x00") + data(1, b""), 1, SERVED),
    "HEADERS with a priority": (frame(HEADERS, PRIORITY_FLAG | END_HEADERS | END_STREAM, 1,
                                      b"\x80\0\0\x05\xff" + block(fields())), 1, SERVED),
    "PRIORITY between head and content": (
        post() + PriorityFrame(1, depends_on=0).serialize() + data(1, b""), 1, SERVED),
    "SETTINGS of nothing": (SettingsFrame(0).serialize(), None, IGNORED),
    "a smaller table": (SettingsFrame(0, {1: 0}).serialize() + head(), 1, SERVED),
    "the largest frame and window": (
        SettingsFrame(0, {4: (1 << 31) - 1, 5: (1 << 24) - 1}).serialize() + head(), 1, SERVED),
    "PING acknowledged unasked": (frame(PING, ACK, 0, bytes(8)), None, IGNORED),
    "SETTINGS acknowledged unasked": (frame(SETTINGS, ACK, 0), None, IGNORED | PROTOCOL),
    "a host that is the authority": (head(("host", "test")), 1, SERVED),
    "a host alone": (head(("host", "test"), authority=None), 1, SERVED),
    "a table's size of 0": (frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                  b"\x20" + block(fields())), 1, SERVED),
    "fields of the static table": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86" + block(
            [(":authority", "test")])), 1, SERVED),
    "a field put into the table and used": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x41\x04test")
        + frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x82\x84\x86\xbe"), 3, SERVED),
    "a text in Huffman's code": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1,
              b"\x82\x84\x86\x01\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
        1, SERVED),
    "a cookie in pieces": (head(("cookie", "a=1"), ("cookie", "b=2")), 1, SERVED),
    "OPTIONS of all": (head(method="OPTIONS", path="*"), 1, SERVED | {"answer 404"}),
    "CONNECT": (headers(1, [(":method", "CONNECT"), (":authority", "test:80")]), 1,
                {"answer 403", "answer 404", "answer 405"}),
    "padding": (frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1,
                      b"\x03" + block(fields()) + bytes(3)), 1, SERVED),
    "a block in pieces": (headers(1, [], complete=False) + b"".join(
        continuation(1, block([f])) for f in fields()) + continuation(1, b"", True), 1, SERVED),
    "a frame of an unknown kind": (frame(0xfa, 0xff, 0, b"12345678"), None, IGNORED),
    "an unknown kind on a stream": (post() + frame(0xfa, 0xff, 1) + data(1, b""), 1, SERVED),
    "flags that mean nothing": (frame(PING, 0xfe, 0, bytes(8)), None, IGNORED),
    "the reserved bit": (frame(PING, 0, 0x80000000, bytes(8)), None, IGNORED),
    "an unknown setting": (frame(SETTINGS, 0, 0, b"\xff\xff\0\0\0\1"), None, IGNORED),
    "PRIORITY of an idle stream": (PriorityFrame(77, depends_on=0).serialize(), None, IGNORED),
    "WINDOW_UPDATE of a stream that ended": (
        head() + WindowUpdateFrame(1, 5).serialize(), 1, SERVED),
    "RST_STREAM twice": (post() + RstStreamFrame(1, 8).serialize() * 2, None,
                         IGNORED | {"connection STREAM_CLOSED"}),

    "an unknown kind within a block": (
        headers(1, fields(), complete=False) + frame(0xfa, 0, 1), None, PROTOCOL),
    "DATA on stream 0": (frame(DATA, 0, 0, b"x"), None, PROTOCOL),
    "HEADERS on stream 0": (frame(HEADERS, END_HEADERS, 0, block(fields())), None, PROTOCOL),
    "PRIORITY that depends on itself": (
        PriorityFrame(1, depends_on=1).serialize(), None,
        IGNORED | PROTOCOL | {"stream PROTOCOL_ERROR"}),
    "HEADERS that depend on themselves": (
        frame(HEADERS, PRIORITY_FLAG | END_HEADERS | END_STREAM, 1,
              b"\0\0\0\x01\xff" + block(fields())), 1,
        SERVED | PROTOCOL | {"stream PROTOCOL_ERROR"}),
    "PRIORITY within a block": (
        headers(1, fields(), complete=False) + PriorityFrame(1, depends_on=0).serialize(), None,
        PROTOCOL),
    "RST_STREAM within a block": (
        headers(1, fields(), complete=False) + RstStreamFrame(1, 8).serialize(), None, PROTOCOL),
    "HEADERS of its own within a block": (
        headers(1, fields(), complete=False) + headers(1, fields()), None, PROTOCOL),
    "CONTINUATION of an idle stream": (continuation(7, block(fields()), True), None, PROTOCOL),
    "CONTINUATION behind DATA": (
        post() + data(1, b"x", end=False) + continuation(1, b"", True), None, PROTOCOL),
    "PRIORITY on stream 0": (frame(PRIORITY, 0, 0, bytes(5)), None, PROTOCOL),
    "RST_STREAM on stream 0": (frame(RST_STREAM, 0, 0, bytes(4)), None, PROTOCOL),
    "CONTINUATION on stream 0": (frame(9, END_HEADERS, 0), None, PROTOCOL),
    "HEADERS on an even stream": (headers(2, fields()), None, PROTOCOL),
    # Skipped is closed (5.1.1), and what comes for a closed stream may be of before its end.
    "a stream below the last": (headers(5, fields()) + headers(3, fields()), None,
                                PROTOCOL | IGNORED | {"connection STREAM_CLOSED"}),
    "DATA on an idle stream": (data(1, b"x"), None, PROTOCOL | {"connection STREAM_CLOSED"}),
    "RST_STREAM on an idle stream": (RstStreamFrame(1, 8).serialize(), None, PROTOCOL),
    "WINDOW_UPDATE on an idle stream": (WindowUpdateFrame(1, 1).serialize(), None, PROTOCOL),
    "CONTINUATION without HEADERS": (continuation(1, b"", True), None, PROTOCOL),
    "DATA within a block": (
        headers(1, fields(), complete=False) + data(1, b"x"), None, PROTOCOL),
    "HEADERS of another stream within a block": (
        headers(1, fields(), complete=False) + headers(3, GOOD), None, PROTOCOL),
    "CONTINUATION of another stream": (
        headers(1, fields(), complete=False) + continuation(3, b"", True), None, PROTOCOL),
    "CONTINUATION behind the end of a block": (
        head() + continuation(1, b"", True), None, PROTOCOL),
    "PUSH_PROMISE of a client": (
        post() + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(fields())), None,
        PROTOCOL),
    "HEADERS with more padding than frame": (
        frame(HEADERS, PADDED | END_HEADERS, 1, b"\xff" + block(fields())), None,
        PROTOCOL | SIZE),
    "HEADERS too short for their padding": (frame(HEADERS, PADDED | END_HEADERS, 1), None,
                                            PROTOCOL | SIZE),
    "HEADERS too short for their priority": (
        frame(HEADERS, PRIORITY_FLAG | END_HEADERS, 1, b"\0\0"), None, PROTOCOL | SIZE),
    "DATA too short for its padding": (post() + frame(DATA, PADDED, 1), None, PROTOCOL | SIZE),
    "DATA with more padding than frame": (
        post() + frame(DATA, PADDED, 1, b"\x05abcd"), None, PROTOCOL),
    "PING on a stream": (frame(PING, 0, 1, bytes(8)), None, PROTOCOL),
    "SETTINGS on a stream": (frame(SETTINGS, 0, 1), None, PROTOCOL),
    "GOAWAY on a stream": (frame(GOAWAY, 0, 1, bytes(8)), None, PROTOCOL),
    "WINDOW_UPDATE of nothing": (frame(WINDOW_UPDATE, 0, 0, bytes(4)), None, PROTOCOL),
    "WINDOW_UPDATE of nothing on a stream": (
        post() + frame(WINDOW_UPDATE, 0, 1, bytes(4)), 1,
        PROTOCOL | {"stream PROTOCOL_ERROR"}),
    "ENABLE_PUSH of 2": (SettingsFrame(0, {2: 2}).serialize(), None, PROTOCOL),
    "MAX_FRAME_SIZE too small": (SettingsFrame(0, {5: 16383}).serialize(), None, PROTOCOL),
    "MAX_FRAME_SIZE too large": (SettingsFrame(0, {5: 1 << 24}).serialize(), None, PROTOCOL),

    "INITIAL_WINDOW_SIZE too large": (
        SettingsFrame(0, {4: 1 << 31}).serialize(), None, FLOW),
    "a window beyond its largest": (
        frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), None, FLOW),
    "a stream's window beyond its largest": (
        post() + frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff"), 1,
        FLOW | {"stream FLOW_CONTROL_ERROR"}),
    "windows beyond their largest by a setting": (
        post() + frame(WINDOW_UPDATE, 0, 1, b"\x00\x00\xff\xff")
        + SettingsFrame(0, {4: (1 << 31) - 1}).serialize(), 1,
        FLOW | {"stream FLOW_CONTROL_ERROR"}),

    "a frame that is too long": (
        post() + frame(DATA, END_STREAM, 1, bytes(16385)), None, SIZE),
    "PING of 7 bytes": (frame(PING, 0, 0, bytes(7)), None, SIZE),
    "SETTINGS of 5 bytes": (frame(SETTINGS, 0, 0, bytes(5)), None, SIZE),
    "SETTINGS acknowledged with content": (frame(SETTINGS, ACK, 0, bytes(6)), None, SIZE),
    "RST_STREAM of 3 bytes": (post() + frame(RST_STREAM, 0, 1, bytes(3)), None, SIZE),
    "WINDOW_UPDATE of 3 bytes": (frame(WINDOW_UPDATE, 0, 0, bytes(3)), None, SIZE),
    "PRIORITY of 4 bytes": (post() + frame(PRIORITY, 0, 1, bytes(4)), 1,
                            SIZE | {"stream FRAME_SIZE_ERROR"}),
    "HEADERS that are too long": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields(("a", "b" * 17000)))), None,
        SIZE),
    "SETTINGS that are too long": (frame(SETTINGS, 0, 0, bytes(16386)), None, SIZE),
    "GOAWAY of 7 bytes": (frame(GOAWAY, 0, 0, bytes(7)), None, SIZE),

    "an index that is not in the table": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\x80\x01"), None, COMPRESSION),
    "index 0": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"), None, COMPRESSION),
    "a text longer than the block": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x05ab"), None, COMPRESSION),
    "a table larger than allowed": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe2\xff\x03" + block(fields())),
        None, COMPRESSION),
    "a table's size behind a field": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields()) + b"\x20"), None,
        COMPRESSION),
    "an integer without end": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" + b"\xff" * 20 + b"\x7f"), None,
        COMPRESSION),
    "a field that is cut": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields()) + b"\x40"), None,
        COMPRESSION),
    "a name of an index that is not there": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x7f\x10\x01x"), None, COMPRESSION),
    "padding of a whole byte in Huffman's code": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x01\x82\x1f\xff"), None,
        COMPRESSION),
    "the end itself in Huffman's code": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x84\x86\x01\x84\xff\xff\xff\xff"),
        None, COMPRESSION),
    "a text in Huffman's code that ends wrong": (
        frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x81\x00\x01a"), None, COMPRESSION),

    "DATA behind the end of a stream": (head() + data(1, b"x"), None, CLOSED | IGNORED),
    "HEADERS behind the end of a stream": (head() + head(), None, CLOSED),
    "HEADERS behind a reset": (post() + RstStreamFrame(1, 8).serialize() + head(), None,
                               CLOSED | IGNORED | PROTOCOL),
    "PRIORITY behind a reset": (
        post() + RstStreamFrame(1, 8).serialize() + PriorityFrame(1, depends_on=0).serialize(),
        None, IGNORED),
    "WINDOW_UPDATE behind a reset": (
        post() + RstStreamFrame(1, 8).serialize() + WindowUpdateFrame(1, 5).serialize(), None,
        IGNORED),
    "DATA behind a reset": (post() + RstStreamFrame(1, 8).serialize() + data(1, b"x"), None,
                            CLOSED | IGNORED),
}

# What costs the sender nothing, many times: NAME: (FRAMES BEFORE, THE NTH OF MANY, OUTCOMES).
CALM = {"connection ENHANCE_YOUR_CALM"}
ENDED = CALM | {"connection None"}   # also without a word, since it is in the midst of a block
FLOODS = {
    "PING": (b"", lambda _: PingFrame(0, bytes(8)).serialize(), CALM),
    "SETTINGS": (b"", lambda _: SettingsFrame(0, {3: 100}).serialize(), CALM),
    "DATA without content": (post(), lambda _: data(1, b"", end=False), CALM),
    "PRIORITY": (b"", lambda n: PriorityFrame(2 * n + 1, depends_on=0).serialize(), CALM),
    "unknown frames": (b"", lambda _: frame(0xfa, 0, 0), CALM),
    "streams that are reset": (b"", lambda n: headers(2 * n + 1, fields(), end=False)
                               + RstStreamFrame(2 * n + 1, 8).serialize(), CALM),
    # Many at once are also more streams than allowed.
    "malformed requests": (b"", lambda n: headers(2 * n + 1, fields(path=None)),
                           CALM | PROTOCOL),
    "CONTINUATION": (headers(1, fields(), complete=False),
                     lambda _: continuation(1, block([("a", "b" * 1000)])),
                     ENDED),
    "CONTINUATION without content": (headers(1, fields(), complete=False),
                                     lambda _: continuation(1, b""),
                                     ENDED),
}
FLOOD_PARTS, FLOOD_PART = 200, 1000
WINDOW_FRAMES = 4096   # 64 MiB
WINDOW_BYTES = 65535   # of a connection, until it is updated


class Behind(Echo):
    """Bears requests that are cut off."""

    def converse(self, connection, number):
        try:
            super().converse(connection, number)
        except Closed:
            pass


class Setting:
    def __init__(self, world):
        self.behind = Behind(world, "behind")
        self.proxy = Http2Proxy(world, self.behind.port, http1=True)

    def outcome(self, sent, stream):
        with Peer(self.proxy.address) as peer:
            peer.send(sent)
            return peer.outcome(stream)


def test_a_malformed_request_is_refused_and_not_passed_on(world):
    setting = Setting(world)
    found = {name: setting.outcome(sent, 1) for name, sent in MALFORMED_REQUESTS.items()}
    assert {name: o for name, o in found.items() if o not in MALFORMED} == {}
    assert setting.behind.served.count("/bad") == 0
    assert set(setting.behind.served) == {"/good"}


def test_frames_have_the_outcome_that_the_standard_names(world):
    setting = Setting(world)
    found = {name: setting.outcome(sent, stream) for name, (sent, stream, _) in FRAMES.items()}
    assert {name: o for name, o in found.items() if o not in FRAMES[name][2]} == {}
    assert setting.proxy.program.running()


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection_alone(world, name):
    setting = Setting(world)
    before, one, outcomes = FLOODS[name]
    with Peer(setting.proxy.address) as other, Peer(setting.proxy.address) as peer:
        peer.send(before)
        for part in range(FLOOD_PARTS):
            if not peer.send(b"".join(one(part * FLOOD_PART + n) for n in range(FLOOD_PART))):
                break
        peer.until(lambda: peer.goaway)
        assert f"connection {peer.goaway}" in outcomes
        assert other.outcome() == "ignored"


def test_what_is_no_preface_is_no_http2(world):
    setting = Setting(world)
    for sent in (PREFACE[:-1] + b"x" + SettingsFrame(0).serialize(),
                 PREFACE + PingFrame(0, bytes(8)).serialize()):
        with Peer(setting.proxy.address, greet=False) as peer:
            peer.send(sent)
            peer.until(lambda: False)
            assert peer.goaway in ("PROTOCOL_ERROR", None)
    assert setting.behind.served == []


def test_content_beyond_the_window_is_an_error(world):
    """The server behind reads nothing of it, so no more is granted than buffers hold."""
    over = Event()
    behind = Scripted(world, lambda *_: over.wait())
    proxy = Http2Proxy(world, behind.port, http1=True)
    with Peer(proxy.address) as peer:
        peer.send(post())
        for _ in range(WINDOW_FRAMES):
            if not peer.send(data(1, bytes(16384), end=False)):
                break
        peer.until(lambda: peer.goaway or 1 in peer.resets)
        assert "FLOW_CONTROL_ERROR" in (peer.goaway, peer.resets.get(1))
    over.set()


def test_content_keeps_to_the_window_of_its_stream(world):
    """By a setting, byte for byte by updates, and below nothing by another setting."""
    setting = Setting(world)
    with Peer(setting.proxy.address, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 3}) as peer:
        peer.send(head(("x-want", "large")))
        peer.until(lambda: len(peer.content.get(1, b"")) == 3)
        peer.send(WindowUpdateFrame(1, 1).serialize())
        peer.until(lambda: len(peer.content[1]) == 4)
        peer.send(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: 0}).serialize()
                  + WindowUpdateFrame(1, 3).serialize())
        peer.ping()
        assert len(peer.content[1]) == 4
        peer.send(WindowUpdateFrame(1, 2).serialize())
        peer.until(lambda: len(peer.content[1]) == 6)
        peer.send(SettingsFrame(0, {SettingsFrame.INITIAL_WINDOW_SIZE: len(LARGE)}).serialize()
                  + WindowUpdateFrame(0, len(LARGE)).serialize())
        peer.until(lambda: 1 in peer.ended)
        assert peer.content[1] == LARGE


def test_content_keeps_to_the_window_of_the_connection(world):
    setting = Setting(world)
    with Peer(setting.proxy.address, settings={
            SettingsFrame.INITIAL_WINDOW_SIZE: len(LARGE)}) as peer:
        peer.send(b"".join(headers(n, fields(("x-want", "large"))) for n in (1, 3)))
        peer.until(lambda: sum(map(len, peer.content.values())) == WINDOW_BYTES)
        peer.ping()
        assert sum(map(len, peer.content.values())) == WINDOW_BYTES
        peer.send(WindowUpdateFrame(0, 2 * len(LARGE)).serialize())
        peer.until(lambda: {1, 3} <= peer.ended)
        assert peer.content == {1: LARGE, 3: LARGE}


def test_more_streams_than_allowed_are_refused(world):
    over = Event()
    behind = Scripted(world, lambda *_: over.wait())
    proxy = Http2Proxy(world, behind.port, http1=True)
    with Peer(proxy.address) as peer:
        allowed = peer.settings[SettingsFrame.MAX_CONCURRENT_STREAMS]
        last = 2 * allowed + 1
        peer.send(b"".join(headers(n, GOOD) for n in range(1, last + 1, 2)))
        peer.until(lambda: peer.goaway or last in peer.resets)
        assert "PROTOCOL_ERROR" == peer.goaway or peer.resets == {last: "REFUSED_STREAM"}
    over.set()


def test_a_head_that_is_too_large_is_431_and_the_connection_goes_on(world):
    setting = Setting(world)
    many = [(f"a{n}", "b" * 100) for n in range(90)]
    wide = [(f"a{n}", "b" * 7000) for n in range(10)]
    assert setting.outcome(head(*many), 1) == "answer 200"
    assert setting.outcome(head(*[(f"a{n}", "") for n in range(101)]), 1) == "answer 431"
    whole = block(fields(*wide))
    parts = [whole[n:n + 16000] for n in range(0, len(whole), 16000)]
    sent = frame(HEADERS, END_STREAM, 1, parts[0]) + b"".join(
        continuation(1, part, part is parts[-1]) for part in parts[1:])
    assert setting.outcome(sent, 1) == "answer 431"
    assert set(setting.behind.served) == {"/bad", "/good"}
