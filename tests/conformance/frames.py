"""An HTTP/2 client that sends any frames, right or wrong, and tells what came of them."""

import socket
import struct

import hpack
from harness.program import wait_until
from harness.servers import Scripted
from hyperframe.frame import (ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame,
                              PingFrame, SettingsFrame)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GUARD_SECONDS = 60
CODES = ("NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT "
         "STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR "
         "ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED").split()
PROBE = 999   # the stream of the request that shows whether the connection goes on
GOOD = ((":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "/good"))


def block(fields):
    """A header block without a table, so that blocks can be sent in any order."""
    out = b""
    for name, value in fields:
        name, value = (t if isinstance(t, bytes) else t.encode() for t in (name, value))
        out += b"\x10" + text(name) + text(value)
    return out


def text(value):
    return hpack.hpack.encode_integer(len(value), 7) + value


def frame(kind, flags, stream, payload=b"", length=None):
    """Any frame at all; `length` instead of its own."""
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream) + payload


def headers(stream, fields, end=True, complete=True):
    f = HeadersFrame(stream, block(fields))
    f.flags |= {"END_STREAM"} if end else set()
    f.flags |= {"END_HEADERS"} if complete else set()
    return f.serialize()


def continuation(stream, data, complete=False):
    f = ContinuationFrame(stream, data)
    f.flags |= {"END_HEADERS"} if complete else set()
    return f.serialize()


def data(stream, content, end=True):
    f = DataFrame(stream, content)
    f.flags |= {"END_STREAM"} if end else set()
    return f.serialize()


class Wire:
    """A connection, of a client or of a server. What comes is kept: `heads` has the first fields
    of each stream, `content` the bytes of its DATA, `resets` the code of each stream that was
    reset, `goaway` the code that the connection ended with."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(GUARD_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.decoder = hpack.Decoder()
        self.heads, self.content, self.resets, self.ended, self.settings = {}, {}, {}, set(), {}
        self.pongs = 0
        self.goaway = None
        self.closed = False
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, content):
        """False when the connection is over."""
        try:
            self.socket.sendall(content)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def exactly(self, size):
        """Bytes that are no frames."""
        while len(self.received) < size and not self.closed:
            more = self.socket.recv(65536)
            self.closed = not more
            self.received += more
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def until(self, condition):
        """Reads until the condition is true or the connection over."""
        while not condition() and not self.closed:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            self.closed = not more
            self.received += more
            while len(self.received) >= 9:
                f, length = Frame.parse_frame_header(memoryview(self.received[:9]))
                if len(self.received) < 9 + length:
                    break
                f.parse_body(memoryview(self.received[9:9 + length]))
                self.received = self.received[9 + length:]
                self.take(f)

    def take(self, f):
        kind = type(f).__name__
        if kind == "SettingsFrame" and "ACK" not in f.flags:
            self.settings = {"seen": True, **f.settings}
            ack = SettingsFrame(0)
            ack.flags.add("ACK")
            self.send(ack.serialize())
        elif kind == "HeadersFrame":
            self.heads.setdefault(f.stream_id, dict(self.decoder.decode(f.data)))
        elif kind == "DataFrame":
            self.content[f.stream_id] = self.content.get(f.stream_id, b"") + f.data
        elif kind == "RstStreamFrame":
            self.resets[f.stream_id] = CODES[f.error_code]
        elif kind == "GoAwayFrame":
            self.goaway = CODES[f.error_code]
        elif kind == "PingFrame" and "ACK" in f.flags:
            self.pongs += 1
        elif kind == "PingFrame":
            pong = PingFrame(0, f.opaque_data)
            pong.flags.add("ACK")
            self.send(pong.serialize())
        if "END_STREAM" in f.flags or kind == "RstStreamFrame":
            self.ended.add(f.stream_id)

    def ping(self):
        """Returns when all that was sent has been read, and what it caused has come."""
        self.send(PingFrame(0, bytes(8)).serialize())
        self.until(lambda before=self.pongs: self.pongs > before)


class Peer(Wire):
    """A client."""

    def __init__(self, address, greet=True, settings=None):
        super().__init__(socket.create_connection(address, timeout=GUARD_SECONDS))
        if greet:
            self.send(PREFACE + SettingsFrame(0, settings or {}).serialize())
            self.until(lambda: self.settings)

    def outcome(self, stream=None):
        """What came of the frames sent: how the connection ended, or what came of the stream
        where it did not, or "ignored". A good request shows that the connection goes on."""
        self.send(headers(PROBE, GOOD))
        self.until(lambda: PROBE in self.ended and (stream is None or stream in self.ended))
        if self.closed or self.goaway:
            return f"connection {self.goaway}"
        if self.status(PROBE) != "200":
            return f"probe {self.status(PROBE)} {self.resets.get(PROBE)}"
        if stream in self.heads:
            return f"answer {self.status(stream)}"
        return f"stream {self.resets[stream]}" if stream in self.resets else "ignored"

    def status(self, stream):
        return self.heads.get(stream, {}).get(":status")


class Upstream(Scripted):
    """A server that answers well, and with the end of the connection; but to what asks for /bad
    with any frames: `case` gives them for the stream. So each case has a connection that nothing
    came before. `told` has what the other side said to the frames, each time they were sent,
    `bodies` the content of the requests that they answered."""

    def __init__(self, world):
        self.case = None
        self.asked = 0
        self.told, self.bodies = [], []
        super().__init__(world, self.converse)

    def converse(self, connection, _):
        wire = Wire(connection)
        wire.exactly(len(PREFACE))
        wire.send(SettingsFrame(0).serialize())
        answered = set()
        while not wire.closed:
            wire.until(lambda: wire.ended - answered)
            for stream in sorted(wire.ended - answered):
                answered.add(stream)
                if stream not in wire.resets:
                    self.answer(wire, stream)

    def answer(self, wire, stream):
        if wire.heads[stream][":path"] != "/bad":
            wire.send(GoAwayFrame(0, last_stream_id=stream).serialize()
                      + headers(stream, [(":status", "200")]))
            return
        self.asked += 1
        self.bodies.append(wire.content.get(stream, b""))
        wire.send(self.case(stream))
        # What the frames caused stands behind the first answer at the latest.
        wire.ping()
        wire.ping()
        self.told.append(outcome_of(wire, stream))

    def outcomes(self):
        """What was told since this was asked last."""
        wait_until(lambda: len(self.told) == self.asked, "what the other side says")
        told, self.told, self.asked = set(self.told), [], 0
        return told


def outcome_of(wire, stream):
    """What the other side said to the frames of a stream."""
    if wire.goaway or wire.closed:
        return f"connection {wire.goaway}"
    return f"stream {wire.resets[stream]}" if stream in wire.resets else "nothing"
