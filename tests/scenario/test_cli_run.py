"""`weft run`: what the program sees of it, what others see of the program, and what is left."""

import json
import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios

import pytest
from harness import servers
from harness.clients import curl
from harness.program import listens, wait_until
from harness.weft import Control, program, weft

# Prints what it is sent, until SIGTERM; the file tells that its handlers are there.
SIGNALS = """
import os, signal, sys
def show(number, _):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGTERM:
        sys.exit(7)
for name in "TERM INT HUP QUIT USR1 USR2 WINCH".split():
    signal.signal(getattr(signal, "SIG" + name), show)
open(sys.argv[1], "w").close()
while True:
    signal.pause()
"""


# Says whether it is in front of its terminal, and what it gets from there.
ON_TERMINAL = """
import os, signal, sys
def say(text):
    os.write(1, text.encode() + b"\\n")   # print() must not be interrupted by print()
def on_int(*_):
    say("interrupted")
    sys.exit(5)
signal.signal(signal.SIGINT, on_int)
signal.signal(signal.SIGCONT, lambda *_: say("continued"))
say(f"in front: {os.tcgetpgrp(0) == os.getpgrp()}")
while True:
    say(f"read: {sys.stdin.readline().strip()}")
"""


class Terminal:
    """A terminal with a program in front of it, as a shell starts one."""

    def __init__(self, world, arguments, env):
        self.master, slave = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [str(a) for a in arguments], env=env, cwd=world.dir, stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        os.set_blocking(self.master, False)
        world.closing(self)

    def type(self, text):
        os.write(self.master, text.encode())

    def shows(self, word):
        try:
            self.shown += os.read(self.master, 4096).decode()
        except OSError:
            pass
        return word in self.shown

    def wait_shown(self, word):
        wait_until(lambda: self.shows(word), f"{word!r} on the terminal, which shows {self.shown}")

    def stopped(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def run(world, control, *words, **more):
    return world.run([program("weft"), "run", "--quiet", *words], env=control.env, **more)


def workloads(control):
    return control.json("get", "workloads")["items"]


@pytest.mark.parametrize("script, code", [
    ("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 128 + 15),
    ("kill -KILL $$", 128 + 9),
])
def test_the_exit_status_is_the_programs(world, script, code):
    control = Control(world)
    assert run(world, control, "--service", "a", "--", "sh", "-c", script).returncode == code
    assert workloads(control) == []


def test_the_program_keeps_directory_environment_output_and_arguments(world):
    control = Control(world)
    control.env["SHOP_OPEN"] = "yes"
    done = run(world, control, "--service", "a", "--", "sh", "-c",
               'pwd; echo "$SHOP_OPEN $LISTEN_FDS $0 $1"; cat; echo err >&2', "x y", "-z",
               stdin="from standard input\n")
    assert done.stdout == f"{world.dir}\nyes  x y -z\nfrom standard input\n"
    assert done.stderr == "err\n"


def test_signals_are_passed_on(world):
    control = Control(world)
    script, ready = world.path("signals.py", SIGNALS), world.path("ready")
    started = control.weft_run([sys.executable, script, ready], "a")
    started.wait_ready(ready.exists, "its handlers are there")
    for name in ("INT", "HUP", "QUIT", "USR1", "USR2", "WINCH"):
        started.signal(getattr(signal, "SIG" + name))
        started.wait_log("SIG" + name)
    assert started.terminate() == 7
    assert "SIGTERM" in started.log()
    assert workloads(control) == []


def test_the_terminal_is_the_programs(world):
    control = Control(world)
    script = world.path("terminal.py", ON_TERMINAL)
    terminal = Terminal(world, [program("weft"), "run", "--service", "a", "--", sys.executable,
                                script], control.env)
    terminal.wait_shown("in front: True")
    terminal.type("hello\n")
    terminal.wait_shown("read: hello")
    terminal.type("\x1a")  # Ctrl-Z
    wait_until(terminal.stopped, "weft run to stop with its program")
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.wait_shown("continued")
    terminal.type("again\n")
    terminal.wait_shown("read: again")
    terminal.type("\x03")  # Ctrl-C
    terminal.wait_shown("interrupted")
    assert terminal.process.wait(60) == 5
    assert workloads(control) == []


def test_a_program_is_ready_when_it_accepts_and_gone_when_it_ends(world):
    control = Control(world)
    port = world.port()
    gate = world.path("gate")
    os.mkfifo(gate)
    config = servers.nginx_config(world, "late", f"127.77.0.1:{port}", "location / { return 200; }")
    command = " ".join(str(word) for word in servers.nginx_command(config))
    started = control.weft_run(["sh", "-c", f"read x < {gate}; exec {command}"], "late",
                               [f"{port}/http"], version="v1", address="127.77.0.1")
    control.wait_output("Starting", "get", "workloads")
    gate.write_text("go\n")
    control.wait_output("Ready", "get", "workloads")
    [workload] = workloads(control)
    assert workload["metadata"]["labels"] == {"app": "late", "version": "v1"}
    [declared] = workload["spec"]["ports"]
    assert (declared["port"], declared["protocol"]) == (port, "http")
    assert listens(declared["meshPort"], "127.77.0.1")
    assert control.done("get", "svc", "-o", "name") == "service/late\nservice/late-v1\n"
    assert started.terminate() == 0
    assert workloads(control) == []
    # Services stay: they are what others call.
    assert control.done("get", "svc", "-o", "name") == "service/late\nservice/late-v1\n"


def serve(world, control):
    """An nginx in the mesh: its `weft run`, and its port."""
    port = world.port()
    return control.nginx("hello", port, "location / { return 200 'hello'; }").run, port


def hello_route(port, rule):
    return json.dumps({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "hello"},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "hello"}],
                 "rules": [{"name": rule, "backendRefs": [{"name": "hello", "port": port}]}]}})


def test_one_program_calls_another_by_its_upstream_address(world):
    control = Control(world)
    _, port = serve(world, control)
    _, (_, here) = control.client("client", f"hello:{port}")
    answer = curl(world, f"http://127.0.0.1:{here}/")
    assert (answer.status, answer.body) == (200, "hello")
    # A change is waited for by the proxies that it concerns: the client's.
    out = control.apply(f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: hello}}
spec:
  parentRefs: [{{group: "", kind: Service, name: hello}}]
  rules: [{{matches: [{{path: {{value: /here}}}}], backendRefs: [{{name: hello, port: {port}}}]}}]
""")
    assert "programmed  1 of 1 proxies" in out
    assert curl(world, f"http://127.0.0.1:{here}/here").status == 200
    assert curl(world, f"http://127.0.0.1:{here}/there").status == 404


def test_a_change_that_no_proxy_takes_up_ends_with_6(world):
    control = Control(world)
    _, port = serve(world, control)
    client, _ = control.client("client", f"hello:{port}")
    proxy = client.proxy_pid()
    os.kill(proxy, signal.SIGSTOP)
    for rule, form in (("a", []), ("b", ["-o", "json"]), ("c", ["--quiet"])):
        done = control.weft("apply", "-f", "-", "--timeout", "100ms", *form,
                            stdin=hello_route(port, rule))
        assert done.returncode == 6
        assert "client" in done.stderr or form == ["--quiet"]
    os.kill(proxy, signal.SIGCONT)
    assert control.weft("apply", "-f", "-", stdin=hello_route(port, "d")).returncode == 0


def test_a_proxy_that_is_killed_comes_back_on_the_same_sockets(world):
    control = Control(world)
    _, port = serve(world, control)
    client, (_, here) = control.client("client", f"hello:{port}")
    for _ in range(3):
        wait_until(lambda: client.processes("weft-proxy"), "a proxy")
        os.kill(client.proxy_pid(), signal.SIGKILL)
        # What connects meanwhile waits in the backlog.
        assert curl(world, f"http://127.0.0.1:{here}/").status == 200
    assert "run.proxy_ended" in client.run.log()


def test_a_killed_supervisor_leaves_nothing(world):
    control = Control(world)
    started, port = serve(world, control)
    before = set(world.descendants(started))
    assert before
    started.kill()
    wait_until(lambda: not before & {pid for pid, _ in world.marked_processes()},
               "its processes to end")
    wait_until(lambda: not list(control.rundir.glob("run-*")), "its directory to go")
    assert not listens(port, "127.77.0.1")


def test_an_orderly_end_leaves_nothing(world):
    control = Control(world)
    started, _ = serve(world, control)
    assert started.terminate() == 0
    assert list(control.rundir.glob("run-*")) == []


def test_a_control_plane_that_forgot_a_workload_learns_it_again(world):
    control = Control(world)
    serve(world, control)
    [workload] = workloads(control)
    control.done("delete", "workload/" + workload["metadata"]["name"], "--no-wait")
    assert workloads(control) == []
    control.wait_output("Ready", "get", "workloads")


def test_what_is_in_the_way_is_named(world):
    control = Control(world)
    busy = socket.create_server(("127.0.0.1", 0))
    port = busy.getsockname()[1]
    text = world.path("text", "no program")
    cases = [
        (["--service", "a", "--", "nowhere"], 127,
         "error: the program nowhere was not found\n   it is searched in PATH\n"),
        (["--service", "a", "--", "/nowhere/x"], 127,
         "error: the program /nowhere/x was not found\n"),
        (["--service", "a", "--", str(text)], 126,
         f"error: not permitted to run {text}\n   is it executable? chmod +x\n"),
        (["--service", "a", "--upstream", f"b:80=127.0.0.1:{port}", "--", "true"], 1,
         f"error: --upstream: 127.0.0.1:{port} is in use by another program\n"
         "   name another address or port, or end that program\n"),
        (["--service", "a", "--port", "80", "--mesh-address", "192.0.2.1", "--", "true"], 1,
         "error: --mesh-address: this machine has no address 192.0.2.1:0\n"
         "   any address of 127.0.0.0/8 may be used, such as 127.77.1.1\n"),
        (["--service", "a", "--proxy", "/nowhere/weft-proxy", "--", "true"], 1,
         "error: cannot run /nowhere/weft-proxy: No such file or directory\n"
         "   name it by --proxy PATH\n"),
        (["--service", "a", "--port", "80/htp", "--", "true"], 2,
         "error: --port: \"80/htp\" is not PORT, PORT/http or PORT/tcp\n"
         "   for a program that speaks HTTP on port 8080: --port 8080/http\n"),
        (["--service", "a", "sleep", "-x"], 2,
         "error: unknown flag -x\n   the program and its flags stand behind --\n"),
    ]
    for words, code, message in cases:
        done = run(world, control, *words)
        assert (done.returncode, done.stderr) == (code, message)
        assert workloads(control) == []
    busy.close()


def test_without_a_control_plane_nothing_is_started(world):
    marker = world.path("started")
    done = weft(world, "run", "--service", "a", "--", "touch", marker,
                env=world.env(WEFT_ADDR=world.path("nobody.sock")))
    assert done.returncode == 7
    assert "error: no control plane answers at" in done.stderr
    assert not marker.exists()


def test_an_http_route_on_a_port_that_is_tcp_names_the_flag(world):
    control = Control(world)
    port = world.port()
    control.weft_run(["sleep", "1000"], "ledger", [port])
    control.wait_output("ledger", "get", "services")
    done = control.weft("apply", "-f", "-", stdin=json.dumps({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "ledger"},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "ledger"}],
                 "rules": [{"backendRefs": [{"name": "ledger", "port": port}]}]}}))
    assert done.returncode == 1
    assert "[WEFT1104]" in done.stderr
    assert f"weft run --port {port}/http" in done.stderr
