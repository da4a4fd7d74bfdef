"""Broken documents: the exact message, the exit code, and nothing changed."""

import pytest
from harness.weft import Control, weft

GOOD = """\
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec:
  selector: {app: reviews}
  ports: [{port: 9080, appProtocol: http}]
---
apiVersion: v1
kind: Service
metadata: {name: ledger}
spec:
  selector: {app: ledger}
  ports: [{port: 5432}]
"""

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews}
spec:
  parentRefs: [{group: "", kind: Service, name: %s}]
  rules:
"""


def route(rule, parent="reviews"):
    return ROUTE % parent + rule


def service(name="x", port=1, more=""):
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: " \
           f"{{{more}ports: [{{port: {port}}}]}}\n"


# Each with what is printed; the file is called doc.yaml.
BROKEN = {
    "a field that is misspelt": (
        route("  - backendRefs: [{name: reviews, port: 9080}]\n    timout: {request: 2s}\n"), """\
error: unknown field "timout" in HTTPRoute default/reviews            [WEFT1002]
 --> doc.yaml:8:5
  |
8 |     timout: {request: 2s}
  |     ^^^^^^ did you mean "timeouts"?
  |
nothing was changed.   more: weft help WEFT1002
"""),
    "a backend that does not exist": (
        route("  - backendRefs: [{name: reviws, port: 9080}]\n"), """\
error: there is no Service default/reviws in HTTPRoute default/reviews [WEFT1101]
 --> doc.yaml:7:26
  |
7 |   - backendRefs: [{name: reviws, port: 9080}]
  |                          ^^^^^^ did you mean "reviews"?
  |
nothing was changed.   more: weft help WEFT1101
"""),
    "a parent that does not exist": (
        route("  - backendRefs: [{name: reviews, port: 9080}]\n", "review"), """\
error: there is no Service default/review in HTTPRoute default/reviews [WEFT1102]
 --> doc.yaml:5:49
  |
5 |   parentRefs: [{group: "", kind: Service, name: review}]
  |                                                 ^^^^^^ did you mean "reviews"?
  |
nothing was changed.   more: weft help WEFT1102
"""),
    "a port that the Service does not have": (
        route("  - backendRefs: [{name: reviews, port: 80}]\n"), """\
error: Service default/reviews has no port 80 in HTTPRoute default/reviews [WEFT1103]
 --> doc.yaml:7:41
  |
7 |   - backendRefs: [{name: reviews, port: 80}]
  |                                         ^^ it has 9080
  |
nothing was changed.   more: weft help WEFT1103
"""),
    "text where a number is": (
        route("  - backendRefs: [{name: reviews, port: 9080, weight: many}]\n"), """\
error: expected a number, found the text "many" in HTTPRoute default/reviews [WEFT1004]
 --> doc.yaml:7:55
  |
7 |   - backendRefs: [{name: reviews, port: 9080, weight: many}]
  |                                                       ^^^^
  |
nothing was changed.   more: weft help WEFT1004
"""),
    "a word that is no choice": (
        route("  - matches: [{path: {type: Regex, value: /a}}]\n"), """\
error: type is none of PathPrefix, Exact: "Regex" in HTTPRoute default/reviews [WEFT1005]
 --> doc.yaml:7:29
  |
7 |   - matches: [{path: {type: Regex, value: /a}}]
  |                             ^^^^^
  |
nothing was changed.   more: weft help WEFT1005
"""),
    "a tab": (
        "apiVersion: v1\nkind: Service\nmetadata:\n\tname: x\n", """\
error: a tab indents this line: YAML indents with spaces              [WEFT1001]
 --> doc.yaml:4:1
  |
4 | \tname: x
  | ^
  |
nothing was changed.   more: weft help WEFT1001
"""),
    "a field that is missing": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {}\n", """\
error: "ports" is missing in Service default/x                        [WEFT1003]
 --> doc.yaml:4:7
  |
4 | spec: {}
  |       ^
  |
nothing was changed.   more: weft help WEFT1003
"""),
    "an unknown kind": (
        service().replace("Service", "Servise"), """\
error: unknown kind "Servise"                                         [WEFT1009]
 --> doc.yaml:2:7
  |
2 | kind: Servise
  |       ^^^^^^^ did you mean "Service"?
  |
nothing was changed.   more: weft help WEFT1009
"""),
    "a number that is too large": (
        service(port=70000), """\
error: 70000 is more than 65535 in Service default/x                  [WEFT1006]
 --> doc.yaml:4:23
  |
4 | spec: {ports: [{port: 70000}]}
  |                       ^^^^^
  |
nothing was changed.   more: weft help WEFT1006
"""),
    "the same object twice": (
        service() + "---\n" + service(), """\
error: Service default/x stands at doc.yaml, line 1 already           [WEFT1013]
 --> doc.yaml:6:1
  |
6 | apiVersion: v1
  | ^^^^^^^^^^
  |
nothing was changed.   more: weft help WEFT1013
"""),
    "a key twice": (
        service("x, name: y"), """\
error: duplicate key "name": it stands at line 3, column 12 already   [WEFT1012]
 --> doc.yaml:3:21
  |
3 | metadata: {name: x, name: y}
  |                     ^^^^
  |
nothing was changed.   more: weft help WEFT1012
"""),
    "a word that YAML readers take differently": (
        service(more="selector: {tier: no}, "), """\
error: no without quotes means different things to different YAML readers [WEFT1012]
 --> doc.yaml:4:25
  |
4 | spec: {selector: {tier: no}, ports: [{port: 1}]}
  |                         ^^ write false, or "no" for the text
  |
nothing was changed.   more: weft help WEFT1012
"""),
    "no document": ("# nothing\n", """\
error: doc.yaml holds no document
nothing was changed.
"""),
    "another trust domain": (
        "apiVersion: weft.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\n"
        "spec: {trustDomain: other.local}\n", """\
error: the trust domain is weft.local since the first start and cannot become other.local
   leave trustDomain out, or start a new mesh
nothing was changed.
"""),
}


def test_broken_documents_are_explained_where_they_stand_and_change_nothing(world):
    control = Control(world)
    control.apply(GOOD)
    before = control.done("get", "all", "-o", "yaml")
    for text, message in BROKEN.values():
        world.path("doc.yaml", text)
        for command in (["apply", "-f", "doc.yaml"], ["apply", "-f", "doc.yaml", "--dry-run"]):
            done = control.weft(*command)
            assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    assert control.done("get", "all", "-o", "yaml") == before
    assert control.json("history")["revisions"][0]["revision"] == 1


def test_a_good_document_beside_a_broken_one_is_not_applied(world):
    control = Control(world)
    world.path("docs/a.yaml", service("first"))
    world.path("docs/b.yaml", service("second", port=0))
    done = control.weft("apply", "-f", "docs")
    assert done.returncode == 1
    assert "docs/b.yaml:4:23" in done.stderr
    assert control.json("get", "services")["items"] == []


def test_documents_come_from_standard_input(world):
    control = Control(world)
    assert "+ Service shop/x" in control.done("apply", "-n", "shop", "-f", "-",
                                              stdin=service())
    done = control.weft("apply", "-f", "-", stdin=service(port=0))
    assert done.returncode == 1
    assert "standard input:4:23" in done.stderr


@pytest.mark.parametrize("arguments, message", [
    (["apply", "-f", "nowhere.yaml"],
     "error: cannot read nowhere.yaml: No such file or directory\nnothing was changed.\n"),
    (["get", "httproute/nothing"],
     "error: there is no HTTPRoute default/nothing\n"),
    (["rollback", "7"],
     "error: there is no revision 7\n"),
])
def test_what_is_not_there_is_named(world, arguments, message):
    done = Control(world).weft(*arguments)
    assert (done.returncode, done.stderr) == (1, message)


def test_without_a_control_plane_the_exit_code_is_7(world):
    env = world.env(WEFT_ADDR=world.path("nobody.sock"))
    done = weft(world, "status", env=env)
    assert done.returncode == 7
    assert done.stderr == (
        f"error: no control plane answers at {world.path('nobody.sock')} (No such file or "
        "directory)\n   start one with weft control, or name its socket in WEFT_ADDR\n")


def test_a_long_list_is_shown_whole(world):
    control = Control(world)
    names = [f"s{i:04}" for i in range(1003)]
    control.apply("---\n".join(f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
                               "spec: {ports: [{port: 80}]}\n" for name in names))
    shown = control.done("get", "services", "-o", "name").split()
    assert shown == [f"service/{name}" for name in names]
