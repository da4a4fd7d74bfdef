"""An HTTP/2 client that sends any frames, right or wrong, and tells what came of them."""

import socket
import struct

import hpack
from hyperframe.frame import (ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame,
                              SettingsFrame)

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


class Peer:
    """A connection. What comes is kept: `answers` has the status of each stream, `resets` the
    code of each stream that was reset, `goaway` the code that the connection ended with."""

    def __init__(self, address, greet=True):
        self.socket = socket.create_connection(address, timeout=GUARD_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.decoder = hpack.Decoder()
        self.answers, self.resets, self.ended, self.settings = {}, {}, set(), {}
        self.goaway = None
        self.closed = False
        self.received = b""
        if greet:
            self.send(PREFACE + SettingsFrame(0).serialize())
            self.until(lambda: self.settings)

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
            fields = dict(self.decoder.decode(f.data))
            self.answers.setdefault(f.stream_id, fields.get(":status"))
        elif kind == "RstStreamFrame":
            self.resets[f.stream_id] = CODES[f.error_code]
        elif kind == "GoAwayFrame":
            self.goaway = CODES[f.error_code]
        elif kind == "PingFrame" and "ACK" not in f.flags:
            self.send(PingFrame(0, f.opaque_data).serialize())
        if "END_STREAM" in f.flags or kind == "RstStreamFrame":
            self.ended.add(f.stream_id)

    def outcome(self, stream=None):
        """What came of the frames sent: how the connection ended, or what came of the stream
        where it did not, or "ignored". A good request shows that the connection goes on."""
        self.send(headers(PROBE, GOOD))
        self.until(lambda: PROBE in self.ended and (stream is None or stream in self.ended))
        if self.closed or self.goaway:
            return f"connection {self.goaway}"
        if self.answers.get(PROBE) != "200":
            return f"probe {self.answers.get(PROBE)} {self.resets.get(PROBE)}"
        if stream in self.answers:
            return f"answer {self.answers[stream]}"
        return f"stream {self.resets[stream]}" if stream in self.resets else "ignored"
