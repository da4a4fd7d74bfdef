"""A bounded load over kept connections that counts every answer and every failure.

    with Load(("127.0.0.1", port), requests=2000, threads=4) as load:
        ...change something...
    result = load.result()

The load ends when it has sent what it may, when the guard is reached, or, for
`until_stopped`, when the block ends. A failure is a status of 500 or above, or a connection
that broke during a request; nothing is tried again. A connection that the server closed
between two requests (`Connection: close` or the end of the stream at an idle connection) is
opened anew, as any client does.
"""

import http.client
import select
import socket
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

GUARD_SECONDS = 300


@dataclass
class LoadResult:
    requests: int = 0
    failures: int = 0
    statuses: Counter = field(default_factory=Counter)
    tags: Counter = field(default_factory=Counter)
    errors: list = field(default_factory=list)    # the first failures, in words

    def share(self, tag):
        """The part of the answers that bore the tag."""
        total = sum(self.tags.values())
        return self.tags[tag] / total if total else 0.0


class Connection(http.client.HTTPConnection):
    """Over TCP, or over a Unix socket where the address is a path."""

    def __init__(self, address):
        host, port = address if isinstance(address, tuple) else ("localhost", 80)
        super().__init__(host, port, timeout=GUARD_SECONDS)
        self.address = address

    def connect(self):
        if isinstance(self.address, tuple):
            super().connect()
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(str(self.address))

    def stale(self):
        """Whether the server has ended this idle connection."""
        return self.sock is not None and bool(select.select([self.sock], [], [], 0)[0])


class Load:
    ERRORS_MAX = 20
    MOMENTS_MAX = 100000

    def __init__(self, address, requests=100, threads=1, rate=None, until_stopped=False,
                 method="GET", path="/", headers=None, body=None, tag=None,
                 seconds=GUARD_SECONDS):
        """`rate` is requests a second over all threads; `tag` maps (status, headers, body)
        of an answer to what is counted in result().tags; `seconds` is the guard."""
        self.address = address
        self.left = None if until_stopped else requests
        self.interval = threads / rate if rate else 0
        self.message = (method, path, body, headers or {})
        self.tag = tag
        self.lock = threading.Lock()
        self.counts = LoadResult()
        self.moments = deque(maxlen=self.MOMENTS_MAX)   # (time, tag) of each answer
        self.stopping = threading.Event()
        self.end = time.monotonic() + seconds
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        if self.left is None:
            self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        """Sends everything and returns the result."""
        with self:
            pass
        return self.result()

    def result(self):
        with self.lock:
            c = self.counts
            return LoadResult(c.requests, c.failures, Counter(c.statuses), Counter(c.tags),
                              list(c.errors))

    def since_now(self):
        """Starts the counts anew and returns those so far: one phase of a longer load."""
        before = self.result()
        with self.lock:
            self.counts = LoadResult()
        return before

    def first_after(self, began, wanted):
        """When the first answer whose tag is wanted came, after a moment of time.monotonic();
        None when none came yet."""
        with self.lock:
            return next((at for at, tag in self.moments if at > began and wanted(tag)), None)

    # Threads

    def work(self):
        connection = Connection(self.address)
        due = time.monotonic()
        while self.may_send():
            if self.interval:
                due += self.interval
                self.stopping.wait(max(0, due - time.monotonic()))
            if connection.stale():
                connection.close()
            self.one(connection)
        connection.close()

    def may_send(self):
        with self.lock:
            if self.stopping.is_set() or time.monotonic() > self.end:
                return False
            if self.left is None:
                return True
            self.left -= 1
            return self.left >= 0

    def one(self, connection):
        method, path, body, headers = self.message
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.count("broken", None, f"{type(error).__name__}: {error}")
            return
        tag = self.tag(response.status, response.headers, content) if self.tag else None
        failed = response.status >= 500
        self.count(response.status, tag, f"{response.status}: {content[:200]!r}" if failed
                   else None)

    def count(self, status, tag, error):
        with self.lock:
            c = self.counts
            c.requests += 1
            c.statuses[status] += 1
            if tag is not None:
                c.tags[tag] += 1
                self.moments.append((time.monotonic(), tag))
            if error:
                c.failures += 1
                if len(c.errors) < self.ERRORS_MAX:
                    c.errors.append(error)
