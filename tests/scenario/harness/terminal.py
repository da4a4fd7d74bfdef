"""A program at a terminal of its own: what it draws, and what is typed."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from .program import GUARD_SECONDS

INTERRUPT = "\x03"


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """Starts a program; ends with the world."""

    def __init__(self, world, arguments, env, rows=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.text = ""
        self.process = subprocess.Popen(
            [str(a) for a in arguments], env=dict(env, TERM="xterm"), cwd=world.dir, stdin=slave,
            stdout=slave, stderr=slave, preexec_fn=take_terminal)
        os.close(slave)
        world.closing(self)

    def read(self, seconds):
        """What comes within so long; empty when nothing does or the program has ended."""
        if not select.select([self.master], [], [], seconds)[0]:
            return ""
        try:
            return os.read(self.master, 65536).decode(errors="replace")
        except OSError:   # nobody has the other end any more
            return ""

    def wait(self, word, guard=GUARD_SECONDS):
        """Reads until a word was drawn; what came until then is returned and forgotten."""
        end = time.monotonic() + guard
        while word not in self.text:
            if time.monotonic() > end:
                raise AssertionError(f"no {word!r} within {guard} s:\n{self.text}")
            self.text += self.read(1)
        before, after = self.text.split(word, 1)
        self.text = after
        return before + word

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, guard=GUARD_SECONDS):
        """The exit status."""
        return self.process.wait(guard)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
