"""A network of its own for programs that listen on all interfaces: only loopback is in it."""

import os


class Namespace:
    """Programs started with .wrap before their arguments see nothing but each other."""

    def __init__(self, world):
        own_user = [] if os.getuid() == 0 else ["--map-root-user"]
        self.holder = world.start("namespace", [
            "unshare", *own_user, "--net", "sh", "-c",
            "ip link set lo up && echo up && exec sleep 1000000"])
        self.holder.wait_log("up")
        enter_user = ["--user", "--preserve-credentials"] if own_user else []
        self.wrap = ["nsenter", "--target", str(self.holder.pid), *enter_user, "--net"]
