"""A proxy that crashes tells what it worked on, comes back, and costs no other client anything."""

import os
import re
import signal

from harness.load import Load
from harness.program import wait_until
from harness.weft import Control, program

RATE = 100

# A sanitizer answers faults itself; an abort is ours there too.
CRASH = signal.SIGABRT if "asan" in str(program("weft-proxy")) else signal.SIGSEGV


def crash_report(text):
    """The lines from the first word of a crash to its last."""
    return text[text.index("crash signal="):text.index("crash done")].splitlines()


def test_a_proxy_that_crashes_under_load_tells_and_comes_back(world):
    control, port = Control(world), world.port()
    doomed, other = (control.slow_server("web", port, text) for text in ("doomed", "other"))
    _, address = control.client("client", f"web:{port}")
    with Load(address, rate=2 * RATE, threads=16, until_stopped=True,
              tag=lambda status, headers, body: body.decode()) as load:
        wait_until(lambda: load.result().tags["doomed"] > RATE, "a load on both")
        before = doomed.proxy_pid()
        os.kill(before, CRASH)
        wait_until(lambda: doomed.is_followed(before), "another proxy")
        done = load.result().tags["doomed"]
        wait_until(lambda: load.result().tags["doomed"] > done + RATE, "a load on both again")
    assert (load.result().failures, load.result().errors) == (0, [])
    assert set(load.result().statuses) == {200}

    lines = crash_report(doomed.run.log())
    assert re.match(rf"crash signal={CRASH.name} program=weft-proxy version=\S+ thread=", lines[0])
    assert any(line.startswith("  at weft-proxy=0x") for line in lines)
    assert any(re.match(r"(main state=live|worker index=0)", line) for line in lines)
    assert "crash signal=" not in other.run.log()


def test_a_control_plane_that_crashes_tells_what_it_worked_on(world):
    control = Control(world)
    control.program.signal(CRASH)
    assert control.program.wait() == -CRASH
    lines = crash_report(control.program.log())
    assert lines[0].startswith(f"crash signal={CRASH.name} program=weft version=")
    assert any(line.startswith("control connections=") for line in lines)
    assert any(line.startswith("    store path=") for line in lines)
