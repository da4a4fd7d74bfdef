"""The world of one scenario: a private directory, the programs in it, and a clean end.

A world starts real programs, each in its own process group and with a mark in its
environment, waits for conditions instead of for time, and at the end stops what it started.
Then nothing may be left: no process that bears the mark, no listening port that was given
out, no named network namespace, no file in the temporary directory, no sanitizer's report.
The directory has a short name, since the path of a Unix socket must stay under 107 bytes.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from .ports import PortBook
from .program import POLL_SECONDS, Program, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent.parent
BUILD = Path(os.environ.get("WEFT_BUILD", ROOT / "build"))
MARK = "WEFT_SCENARIO"
RUN_GUARD_SECONDS = 60
LEAVE_SECONDS = 5  # for what was told to end and is on its way out


class World:
    def __init__(self, leave_seconds=LEAVE_SECONDS):
        self.leave_seconds = leave_seconds
        self.mark = uuid.uuid4().hex
        self.dir = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))
        self.tmp = self.dir / "tmp"
        self.tmp.mkdir()
        self.ports = PortBook()
        self.programs = []
        self.closers = []
        self.left_allowed = []
        self.namespaces = named_namespaces()

    def env(self, **more):
        """What programs see: nothing of the caller's but the path."""
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.dir),
               "TMPDIR": str(self.tmp), "XDG_RUNTIME_DIR": str(self.dir / "run"),
               "XDG_STATE_HOME": str(self.dir / "state"), MARK: self.mark}
        for tool in ("ASAN", "UBSAN", "TSAN"):
            options = os.environ.get(f"{tool}_OPTIONS", "")
            env[f"{tool}_OPTIONS"] = f"{options}:log_path={self.dir}/sanitizer".lstrip(":")
        env.update({key: str(value) for key, value in more.items()})
        return env

    def port(self):
        """A free TCP port of this world alone, until its end."""
        return self.ports.take()

    def path(self, name, content=None):
        """A path in the private directory, written where there is content."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_text(content)
        return path

    def start(self, name, arguments, env=None, stdin=None, cwd=None):
        """Starts a program; a name that is used already gets a number."""
        used = [p.name for p in self.programs]
        unique = name if name not in used else f"{name}-{len(used)}"
        program = Program(unique, arguments, env or self.env(), cwd or self.dir,
                          self.dir / f"{unique}.log", stdin)
        self.programs.append(program)
        return program

    def run(self, arguments, env=None, guard=RUN_GUARD_SECONDS, stdin=None):
        """Runs a program to its end; .returncode, .stdout and .stderr as text."""
        return subprocess.run([str(a) for a in arguments], env=env or self.env(), cwd=self.dir,
                              input=stdin or "", capture_output=True, text=True, timeout=guard,
                              check=False)

    def closing(self, thing):
        """Calls thing.close() at the end of the world, and returns the thing."""
        self.closers.append(thing)
        return thing

    def allow_left(self, pattern):
        """Names files in the temporary directory that a killed program may leave."""
        self.left_allowed.append(pattern)

    # The end

    def stop(self):
        """Ends everything, the newest first, and says what would not end."""
        for thing in reversed(self.closers):
            thing.close()
        stubborn = []
        for program in reversed(self.programs):
            program.signal(signal.SIGTERM)
        for program in reversed(self.programs):
            try:
                program.wait()
            except AssertionError as error:
                stubborn.append(str(error))
                program.kill_group()
        return stubborn

    def left(self):
        """What should not be there after stop(), in words; left processes are ended."""
        problems = []
        for pid, words in self.lasting_processes():
            problems.append(f"process {pid} is left: {words}")
            end_process(pid)
        problems += [f"port {p} is still listened on" for p in self.ports.busy()]
        problems += [f"namespace {n} is left" for n in named_namespaces() - self.namespaces]
        for path in sorted(self.tmp.rglob("*")):
            if not any(path.match(pattern) for pattern in self.left_allowed):
                problems.append(f"file {path.relative_to(self.dir)} is left")
        return problems + self.sanitizer_reports()

    def sanitizer_reports(self):
        return [path.read_text(errors="replace") for path in sorted(self.dir.glob("sanitizer.*"))]

    def close(self):
        self.ports.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # Processes

    def marked_processes(self):
        """pid and command line of every process that descends from this world: by the mark, or
        by the session, since some programs write over their environment."""
        mark = f"{MARK}={self.mark}".encode()
        sessions = {program.pid for program in self.programs}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = fields_of(entry.name)
                if fields[0] not in "ZX" and (
                        int(fields[3]) in sessions
                        or mark in (entry / "environ").read_bytes().split(b"\0")):
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    yield int(entry.name), words.decode(errors="replace").strip()
            except (OSError, IndexError):
                continue

    def lasting_processes(self):
        """Those that do not end by themselves soon: one may be on its way out."""
        end = time.monotonic() + self.leave_seconds
        while (found := list(self.marked_processes())) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        return found

    def descendants(self, program):
        """The processes below a program: pid to command line."""
        return {pid: words for pid, words in self.marked_processes()
                if program.pid in ancestors(pid)}


def fields_of(pid):
    """What /proc/PID/stat says after the name: state, parent, group, session, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def ancestors(pid):
    """The parents of a process, nearest first."""
    found = []
    while pid > 1:
        try:
            pid = int(fields_of(pid)[1])
        except OSError:
            break
        found.append(pid)
    return found


def end_process(pid):
    """Kills a process and waits until it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: not running(pid), f"the end of process {pid}")


def running(pid):
    try:
        return fields_of(pid)[0] not in "ZX"
    except OSError:
        return False


def named_namespaces():
    path = Path("/run/netns")
    return set(os.listdir(path)) if path.is_dir() else set()
