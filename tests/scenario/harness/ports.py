"""Free ports without races.

A port is taken from a range that the kernel does not use for outgoing connections, so none
is lost between the choice and the use. An abstract Unix socket reserves it among all
scenarios of this machine; the reservation dies with its holder.
"""

import random
import socket

FIRST, LAST = 20000, 29999


class PortBook:
    def __init__(self):
        self.held = {}

    def take(self):
        for port in random.sample(range(FIRST, LAST + 1), LAST - FIRST + 1):
            lock = reserve(port)
            if lock and bindable(port):
                self.held[port] = lock
                return port
            if lock:
                lock.close()
        raise AssertionError("no free port")

    def busy(self):
        """The ports given out that cannot be bound now."""
        return [port for port in self.held if not bindable(port)]

    def close(self):
        for lock in self.held.values():
            lock.close()
        self.held = {}


def reserve(port):
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(f"\0weft-port-{port}")
        return lock
    except OSError:
        lock.close()
        return None


def bindable(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
