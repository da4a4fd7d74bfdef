"""A service in two versions and routes that share its requests between them.

Each route marks its answers (x-shares), so that the moment of its effect is seen.
"""

import time

from .program import wait_until
from .weft import Control

NINETY, FIFTY = (90, 10), (50, 50)


def route(port, shares):
    v1, v2 = shares
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: reviews}}
spec:
  parentRefs: [{{group: "", kind: Service, name: reviews, port: {port}}}]
  rules:
  - filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-shares, value: "{v1}-{v2}"}}]}}
    backendRefs:
    - {{name: reviews-v1, port: {port}, weight: {v1}}}
    - {{name: reviews-v2, port: {port}, weight: {v2}}}
"""


class Shop:
    """`reviews` in two versions."""

    def __init__(self, world):
        self.world = world
        self.port = world.port()
        self.control = Control(world)
        for version in ("v1", "v2"):
            self.control.nginx("reviews", self.port, f"location / {{ return 200 {version}; }}",
                               version)

    def apply(self, shares):
        """Applies the route; returns the output and the moment at which it was asked for."""
        began = time.monotonic()
        return self.control.apply(route(self.port, shares)), began


def shares_of(status, headers, body):
    return headers["x-shares"], body.decode()


def effect(load, mark, began):
    """Seconds from a moment until the load saw an answer with the mark."""
    return wait_until(lambda: load.first_after(began, lambda tag: tag[0] == mark),
                      f"an answer of {mark}") - began
