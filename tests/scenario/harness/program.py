"""A program under test: started, waited for by condition, signalled, ended."""

import os
import signal
import socket
import subprocess
import time

GUARD_SECONDS = 60  # hang guard for what takes some seconds at most
POLL_SECONDS = 0.01


def wait_until(condition, what, guard=GUARD_SECONDS):
    """Calls the condition until it returns something true, and returns that."""
    end = time.monotonic() + guard
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {guard} s: {what}")
        time.sleep(POLL_SECONDS)


class Program:
    """A process in a group of its own; its output goes to a file."""

    def __init__(self, name, arguments, env, cwd, output, stdin=None):
        self.name = name
        self.output = output
        self.arguments = [str(a) for a in arguments]
        with open(output, "ab") as out:
            self.process = subprocess.Popen(
                self.arguments, env=env, cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                stdin=stdin or subprocess.DEVNULL, start_new_session=True)
        self.pid = self.process.pid

    def log(self):
        return self.output.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def wait(self, guard=GUARD_SECONDS):
        """The exit status; negative for a signal."""
        try:
            return self.process.wait(guard)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {guard} s") from None

    def wait_ready(self, condition, what, guard=GUARD_SECONDS):
        """Waits for a condition, and gives up at once when the program has ended."""
        def ready():
            value = condition()
            if not value and not self.running():
                raise AssertionError(f"{self.name} ended with {self.process.returncode} "
                                     f"before {what}:\n{self.log()}")
            return value
        wait_until(ready, f"{self.name}: {what}", guard)
        return self

    def wait_log(self, word, guard=GUARD_SECONDS):
        return self.wait_ready(lambda: word in self.log(), f"{word!r} in its output", guard)

    def signal(self, number):
        """To the program alone."""
        if self.running():
            self.process.send_signal(number)

    def terminate(self, guard=GUARD_SECONDS):
        self.signal(signal.SIGTERM)
        return self.wait(guard)

    def kill(self):
        """SIGKILL to the program alone."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def kill_group(self):
        """SIGKILL to the program and all in its process group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.wait()


def listens(port, host="127.0.0.1"):
    """Whether something accepts a connection there now."""
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False
