"""What goes over the loopback interface, by TCP port: is there plaintext in it?

A packet socket on `lo` (needs CAP_NET_RAW) sees every byte between two local programs. Each
direction of each connection is put together by sequence number, so that a word which falls
on the border of two segments is found too. A packet that the kernel dropped is an error.
"""

import select
import socket
import struct
import threading

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_OUTGOING = 4
FRAME_BYTES_MAX = 128 * 1024
RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024
ETHERNET_BYTES = 14
IPV4, IPV6, TCP = 0x0800, 0x86DD, 6


def allowed():
    """Whether this process may capture."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)).close()
        return True
    except PermissionError:
        return False


class Capture:
    """Use as a context: what the ports exchange inside the block is kept, of all ports where
    none is named."""

    def __init__(self, *ports):
        self.ports = set(ports)
        self.segments = {}   # (source, destination) -> {sequence: bytes}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        self.socket.bind(("lo", ETH_P_ALL))
        self.stop_read, self.stop_write = socket.socketpair()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop_write.send(b"x")
        self.thread.join()
        counts = self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        for s in (self.socket, self.stop_read, self.stop_write):
            s.close()
        dropped = struct.unpack("II", counts)[1]
        if dropped:
            raise AssertionError(f"the capture missed {dropped} packets")

    def streams(self):
        """The bytes of each direction of each connection."""
        return [b"".join(parts[n] for n in sorted(parts)) for parts in self.segments.values()]

    def size(self):
        return sum(map(len, self.streams()))

    def contains(self, word):
        return any(word in stream for stream in self.streams())

    def ports_with(self, word):
        """The pairs of ports (lower, higher) of the connections in which a word is found."""
        return {tuple(sorted(ports)) for ports, parts in self.segments.items()
                if word in b"".join(parts[n] for n in sorted(parts))}

    # Thread

    def work(self):
        while True:
            ready, _, _ = select.select([self.socket, self.stop_read], [], [])
            if self.socket in ready:
                frame, where = self.socket.recvfrom(FRAME_BYTES_MAX)
                if where[2] == PACKET_OUTGOING:  # the same frame comes in again
                    self.keep(frame)
            elif self.stop_read in ready:
                return

    def keep(self, frame):
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == IPV4 and frame[ETHERNET_BYTES + 9] == TCP:
            start = ETHERNET_BYTES + (frame[ETHERNET_BYTES] & 15) * 4
            end = ETHERNET_BYTES + struct.unpack_from("!H", frame, ETHERNET_BYTES + 2)[0]
        elif kind == IPV6 and frame[ETHERNET_BYTES + 6] == TCP:
            start = ETHERNET_BYTES + 40
            end = start + struct.unpack_from("!H", frame, ETHERNET_BYTES + 4)[0]
        else:
            return
        source, destination, sequence = struct.unpack_from("!HHI", frame, start)
        payload = frame[start + (frame[start + 12] >> 4) * 4:end]
        wanted = not self.ports or not self.ports.isdisjoint((source, destination))
        if payload and wanted:
            self.segments.setdefault((source, destination), {})[sequence] = payload
