"""Changes from the command line: the plan, the wait, the way back, the forms of results."""

import json
import re
import sqlite3

from harness.weft import Control

SERVICES = """\
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, appProtocol: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {selector: {app: b}, ports: [{port: 80, appProtocol: http}]}
"""

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules:
  - name: main
    backendRefs:
    - {name: a, port: 80, weight: %d}
    - {name: b, port: 80, weight: %d}
"""


def timeless(text):
    """Times are what they are."""
    return re.sub(r"\d+(\.\d+)?m?s$", "TIME", text, flags=re.M)


def test_a_change_is_shown_stored_waited_for_and_undone(world):
    control = Control(world)
    control.apply(SERVICES + "---\n" + ROUTE % (90, 10))
    out = control.apply(ROUTE % (75, 25))
    assert timeless(out) == """\
Revision 2: 1 changed
~ HTTPRoute default/a
    rules[main].backendRefs[a].weight  90 → 75
    rules[main].backendRefs[b].weight  10 → 25

✔ stored      TIME
✔ programmed  0 of 0 proxies, TIME
Undo with: weft rollback 1
"""
    assert control.apply(ROUTE % (75, 25)) == "Revision 2: nothing to change\n"
    assert "75 → 90" in control.done("rollback", "1")
    assert "weight: 90" in control.done("get", "route/a", "-o", "yaml")


def test_a_dry_run_shows_the_plan_and_changes_nothing(world):
    control = Control(world)
    world.path("a.yaml", SERVICES)
    out = control.done("apply", "-f", "a.yaml", "--dry-run")
    assert out.startswith("Would be: 2 created\n+ Service default/a\n+ Service default/b\n")
    assert control.json("history")["revisions"] == []


def test_differences_end_with_3(world):
    control = Control(world)
    control.apply(SERVICES)
    control.apply(ROUTE % (90, 10))
    control.apply(ROUTE % (50, 50))
    world.path("same.yaml", ROUTE % (50, 50))
    world.path("other.yaml", ROUTE % (1, 1))
    assert control.weft("diff", "-f", "same.yaml").returncode == 0
    done = control.weft("diff", "-f", "other.yaml")
    assert done.returncode == 3
    assert "rules[main].backendRefs[a].weight  50 → 1\n" in done.stdout
    done = control.weft("diff", "1", "2")
    assert (done.returncode, done.stdout) == (
        3, "Revision 2: 1 created\n+ HTTPRoute default/a\n")
    done = control.weft("diff", "2")
    assert done.returncode == 3
    assert "90 → 50" in done.stdout
    assert control.weft("diff", "2", "2").returncode == 0


def test_what_is_deleted_comes_back_by_a_rollback(world):
    control = Control(world)
    control.apply(SERVICES + "---\n" + ROUTE % (90, 10))
    assert control.done("delete", "httproute/a", "--dry-run") == \
        "Would be: 1 deleted\n- HTTPRoute default/a\n"
    out = control.done("delete", "route", "a", "svc/b")
    assert out.startswith("Revision 2: 2 deleted\n- HTTPRoute default/a\n- Service default/b\n")
    assert out.endswith("Undo with: weft rollback 1\n")
    assert control.weft("delete", "route/a").returncode == 1
    assert control.weft("delete", "route/a", "--ignore-missing").returncode == 0
    control.done("rollback", "1")
    assert control.done("get", "all", "-o", "name") == "service/a\nservice/b\nhttproute/a\n"
    world.path("b.yaml", SERVICES)
    control.done("delete", "-f", "b.yaml", "--quiet")
    assert control.done("get", "svc", "-o", "name") == ""


def test_what_is_deleted_together_is_one_revision_or_none(world):
    control = Control(world)
    control.apply(SERVICES + "---\n" + ROUTE % (90, 10))
    world.path("services.yaml", SERVICES)
    done = control.weft("delete", "route/a", "svc/none", "-f", "services.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: there is no Service default/none" in done.stderr
    assert len(control.json("get", "all")["items"]) == 3
    out = control.done("delete", "route/a", "svc/none", "-f", "services.yaml", "--ignore-missing")
    assert out.startswith("Revision 2: 3 deleted\n")
    assert out.count("Undo with:") == 1 and out.endswith("Undo with: weft rollback 1\n")
    rows = control.json("history")["revisions"]
    assert [(row["revision"], row["message"], row["deleted"]) for row in rows] == \
        [(2, "delete", 3), (1, "apply", 0)]
    assert control.weft("diff", "1", "2").stdout.startswith("Revision 2: 3 deleted\n")
    assert control.done("rollback", "1").startswith("Revision 3: 3 created\n")


def test_a_deletion_tells_who_still_refers_to_what_is_gone(world):
    control = Control(world)
    control.apply(SERVICES + "---\n" + ROUTE % (90, 10))
    out = control.done("delete", "svc/b")
    assert "WEFT1101  HTTPRoute default/a: there is no Service default/b" in out
    # What was wrong before is not told again.
    control.apply(SERVICES.replace("name: b", "name: c"))
    assert "WEFT" not in control.done("delete", "svc/c")


def test_results_are_json_and_yaml_for_scripts(world):
    control = Control(world)
    control.apply(SERVICES)
    assert control.json("history")["schema"] == "history/v1"
    assert control.json("status")["schema"] == "status/v1"
    assert control.json("stat")["rows"] == []
    assert control.json("proxy", "status") == {"schema": "proxy-status/v1", "proxies": []}
    assert control.json("version")["client"] == control.json("version")["control"]
    assert control.json("get", "svc/a")["metadata"]["name"] == "a"
    assert len(control.json("get", "svc")["items"]) == 2
    done = control.weft("apply", "-f", "-", "-o", "json", stdin=ROUTE % (1, 1))
    change = json.loads(done.stdout)
    assert (change["schema"], change["revision"], change["previous"], change["created"]) == \
        ("change/v1", 2, 1, 1)
    assert control.done("get", "svc/a", "-o", "yaml").startswith("apiVersion: v1\n")


def test_there_is_no_colour_in_a_pipe_and_no_sign_in_a_c_locale(world):
    control = Control(world)
    for arguments in (["status"], ["get", "all"], ["help"], ["status", "--nonsense"]):
        done = control.weft(*arguments)
        assert "\033" not in done.stdout + done.stderr
    control.env["LC_ALL"] = "C"
    assert control.done("status").isascii()
    assert control.apply(SERVICES).isascii()
    control.env["CLICOLOR_FORCE"] = "1"
    assert "\033[" in control.done("status")
    assert "\033" not in control.done("status", "--color", "never")


def test_a_backup_holds_every_document(world):
    control = Control(world)
    control.apply(SERVICES)
    world.path("copy").mkdir()
    control.done("control", "backup", "copy/weft.db")
    other = world.start("other", control.program.arguments[:2] + [
        "--state", world.path("copy"), "--run", world.path("o"), "--listen", "127.0.0.1:0"])
    other.wait_log("ready socket=")
    control.env["WEFT_ADDR"] = str(world.path("o/control.sock"))
    assert control.done("get", "svc", "-o", "name") == "service/a\nservice/b\n"


def test_a_store_of_another_version_is_migrated_or_refused(world):
    control = Control(world)
    control.apply(SERVICES)
    database = control.state / "weft.db"
    control.program.terminate()
    with sqlite3.connect(database) as db:
        # As the first builds wrote it.
        db.executescript("DROP TABLE resting; CREATE TABLE resting (virtual_address TEXT PRIMARY "
                         "KEY, since INTEGER NOT NULL) WITHOUT ROWID; PRAGMA user_version = 1;")
    db.close()
    control.start()
    assert control.done("get", "svc", "-o", "name") == "service/a\nservice/b\n"
    control.done("delete", "svc/a")
    control.done("rollback", "1")
    control.program.terminate()
    with sqlite3.connect(f"{database}.schema-1") as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*) FROM objects").fetchone() == (2,)
    copy.close()
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    done = control.weft("control", "--state", control.state, "--run", control.rundir)
    assert done.returncode != 0
    assert "the store has schema 99, and this version of weft knows up to " in done.stderr
