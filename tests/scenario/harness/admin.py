"""The admin endpoint of a proxy, Weft's or Envoy's: a Unix socket's path, or (host, port)."""

from .http1 import answers, exchange
from .program import wait_until


class Admin:
    def __init__(self, address):
        self.address = address

    def get(self, path):
        return exchange(self.address, path=path)

    def post(self, path):
        return exchange(self.address, "POST", path)

    def json(self, path):
        return self.get(path).json()

    def ready(self):
        return answers(self.address, "/ready")

    def stats(self):
        """The `name: value` lines of /stats whose value is a number."""
        rows = (line.split(": ", 1) for line in self.get("/stats").text().splitlines())
        return {r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].lstrip("-").isdigit()}

    def counter(self, name):
        """The value of one statistic; 0 where there is none."""
        return self.stats().get(name, 0)

    def wait_counter(self, name, at_least):
        return wait_until(lambda: self.counter(name) >= at_least, f"{name} >= {at_least}")
