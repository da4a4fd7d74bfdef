"""What commands show: fields, names, and views that are drawn again and again."""

import json
import signal

from harness.program import wait_until
from harness.terminal import INTERRUPT, Terminal
from harness.weft import Control, program

SERVICES = """\
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{name: w, port: 80, appProtocol: http}, {name: x, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {selector: {app: b}, ports: [{port: 80}]}
"""


def lines(started):
    """The whole lines of its output so far."""
    return started.log().split("\n")[:-1]


def start_watch(control, *arguments):
    return control.world.start("watch", [program("weft"), *arguments, "-w", "--interval", "100ms"],
                               env=control.env)


def test_fields_are_picked_in_their_place(world):
    control = Control(world)
    control.apply(SERVICES)
    fields = "json=metadata.name,spec.ports.port"
    assert json.loads(control.done("get", "svc", "-A", "-o", fields)) == \
        {"kind": "List", "apiVersion": "v1", "items": [
            {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}, {"port": 81}]}},
            {"metadata": {"name": "b"}, "spec": {"ports": [{"port": 80}]}}]}
    assert json.loads(control.done("get", "svc/a", "-o", "json=metadata.name")) == \
        {"metadata": {"name": "a"}}
    assert json.loads(control.done("history", "-o", "json=revision")) == \
        {"schema": "history/v1", "revisions": [{"revision": 1}]}
    assert json.loads(control.done("status", "-o", "json=documents.Service,revision")) == \
        {"schema": "status/v1", "documents": {"Service": 2}, "revision": 1}
    done = control.weft("get", "svc", "-o", "json=metadata.nam")
    assert done.returncode == 0
    assert done.stderr == 'warning: there is no field "metadata.nam" in the result\n'
    assert json.loads(done.stdout)["items"] == [{"metadata": {"nam": None}}]


def test_names_are_what_other_commands_take(world):
    control = Control(world)
    done = control.weft("apply", "-f", "-", "-o", "name", stdin=SERVICES)
    assert done.stdout == "service/default/a\nservice/shop/b\n"
    names = control.done("get", "all", "-A", "-o", "name").split()
    assert names == ["service/default/a", "service/shop/b"]
    assert control.done("get", *names, "--no-headers").count("\n") == 2
    assert "\nb " in control.done("get", "svc", "b.shop")
    control.done("delete", *names)
    assert control.done("get", "all", "-A", "-o", "name") == ""


def test_labels_select(world):
    control = Control(world)
    control.apply(SERVICES.replace("{name: a}", "{name: a, labels: {team: blue}}"))
    def selected(selector):
        return control.done("get", "svc", "-A", "-l", selector, "-o", "name").split()
    assert selected("team=blue") == ["service/default/a"]
    assert selected("team!=blue") == selected("!team") == ["service/shop/b"]
    assert control.weft("get", "svc", "-l", "=blue").returncode == 2


def test_services_are_named_in_every_form_to_stat(world):
    control = Control(world)
    control.apply(SERVICES)
    for word in ("a", "service/a", "svc/a", "default/a", "b.shop", "shop/b", "svc/shop/b"):
        assert control.json("stat", word)["rows"] == []
    done = control.weft("stat", "c")
    assert (done.returncode, done.stderr) == (1, "error: there is no Service default/c\n")
    done = control.weft("proxy", "status", "web-1")
    assert (done.returncode, done.stderr) == (1, "error: there is no Workload default/web-1\n")


def test_a_watch_in_a_pipe_is_a_json_object_a_line(world):
    control = Control(world)
    watches = [start_watch(control, *words) for words in (
        ["get", "svc", "-A", "-o", "json=metadata.name"], ["stat"], ["status"],
        ["proxy", "status", "-A"])]
    for watch in watches:
        watch.wait_ready(lambda w=watch: len(lines(w)) >= 2, "two lines")
    assert json.loads(lines(watches[0])[0])["items"] == []
    control.apply(SERVICES)
    watches[0].wait_log('"b"')
    for watch, schema in zip(watches[1:], ("stat/v1", "status/v1", "proxy-status/v1")):
        assert {json.loads(line)["schema"] for line in lines(watch)} == {schema}
    for watch in watches:
        watch.signal(signal.SIGINT)
        assert watch.wait() == 130


def test_a_watch_outlives_the_control_plane(world):
    control = Control(world)
    watch = start_watch(control, "status", "-o", "json=revision")
    watch.wait_log('"revision"')
    control.program.kill()
    watch.wait_log("trying again")
    control.start()
    control.apply(SERVICES)
    watch.wait_log('"revision":1')
    text = watch.log()
    assert text.count(f"no control plane answers at {control.address}") == 1
    assert text.count("the control plane answers again\n") == 1
    watch.signal(signal.SIGINT)
    assert watch.wait() == 130


def test_who_is_not_there_at_first_is_not_waited_for(world):
    control = Control(world)
    control.program.kill()
    done = control.weft("status", "-w")
    assert done.returncode == 7
    assert done.stderr.startswith("error: no control plane answers at ")


def test_a_watch_ends_with_what_it_waits_for(world):
    control = Control(world)
    watch = start_watch(control, "status", "--fail-on", "warning")
    watch.wait_log('"findings":[]')
    control.apply(SERVICES)   # no workload serves them: a finding
    assert watch.wait() == 3


def test_a_terminal_is_drawn_anew_and_says_who_is_away(world):
    control = Control(world)
    control.apply(SERVICES)
    terminal = Terminal(world, [program("weft"), "get", "svc", "-w", "--interval", "100ms"],
                        control.env)
    first = terminal.wait("80/http")
    assert "\033[2J" in first and "\033[H" in first
    assert "\033[H" in terminal.wait("80/http")
    control.program.kill()
    away = terminal.wait("trying again")
    assert "80/http" in away   # the last picture stays
    control.start()
    wait_until(lambda: "trying again" not in terminal.wait("\033[J"), "the picture alone")
    terminal.type(INTERRUPT)
    assert terminal.end() == 130


def test_calls_are_told_to_who_asks(world):
    control = Control(world)
    done = control.weft("get", "svc", "-v")
    assert "GET /api/v1/namespaces/default/services" in done.stderr
    assert "GET" not in control.weft("get", "svc").stderr


def test_mistakes_name_the_way_out(world):
    control = Control(world)
    world.path("a.yaml", SERVICES)
    for words, hint in {
            ("get", "svc", "--jq", ".items"): "pick fields by -o json=FIELD,FIELD",
            ("get", "svc", "--template", "x"): "pick fields by -o json=FIELD,FIELD",
            ("get", "svc", "--namespce", "x"): "did you mean --namespace?",
            ("get", "-namespace", "x"): "did you mean --namespace?",
            ("get", "svc", "-o", "jsno"): "did you mean json?",
            ("get", "reviews"): "service/reviews",
            ("apply", "a.yaml"): "did you mean -f a.yaml?",
            ("aplly",): "did you mean weft apply?",
            ("proxy",): "see: weft help proxy",
            ("proxy", "stat"): "did you mean weft proxy status?",
            ("help", "exit-code"): "did you mean weft help exit-codes?",
            ("-n", "shop", "get", "svc"): "flags of a command stand behind it"}.items():
        done = control.weft(*words)
        assert done.returncode == 2, words
        assert hint in done.stderr, words


def start_wait(control, *arguments):
    return control.world.start("wait", [program("weft"), "wait", *arguments], env=control.env)


def test_a_script_waits_for_what_it_needs(world):
    control = Control(world)
    created = start_wait(control, "svc/a", "svc/b.shop", "--for", "created")
    programmed = start_wait(control, "svc/a")
    control.apply(SERVICES)
    assert (created.wait(), programmed.wait()) == (0, 0)
    assert created.log() == "service/default/a is created\nservice/shop/b is created\n"
    deleted = start_wait(control, "svc/a", "--for", "deleted")
    control.done("delete", "svc/a")
    assert deleted.wait() == 0
    done = control.weft("wait", "svc/a", "--timeout", "0s")
    assert (done.returncode, done.stderr) == \
        (6, "error: service/default/a is not programmed in time\n")


def test_a_control_plane_that_hangs_does_not_stretch_the_waiting(world):
    control = Control(world)
    control.program.signal(signal.SIGSTOP)
    try:
        done = control.weft("wait", "svc/a", "--timeout", "0s", guard=20)
    finally:
        control.program.signal(signal.SIGCONT)
    assert done.returncode == 6 and "did not answer in time" in done.stderr


def test_a_service_is_ready_when_a_workload_serves_it(world):
    control = Control(world)
    ready = start_wait(control, "service/web", "--for", "ready")
    control.nginx("web", world.port(), "location / { return 200 a; }")
    assert ready.wait() == 0
    assert ready.log() == "service/default/web is ready\n"
