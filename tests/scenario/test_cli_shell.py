"""Completion in real shells, and the manual as troff reads it."""

import subprocess

import pytest
from harness.program import wait_until
from harness.weft import Control, program
from harness.world import BUILD

SERVICES = """\
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: a}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: ratings, namespace: shop}
spec: {selector: {app: b}, ports: [{port: 80}]}
"""

# What is typed, and the words that may stand for the last.
TYPED = {
    "weft ro": ["rollback"],
    "weft proxy ": ["status"],
    "weft control b": ["backup"],
    "weft stat --by ": ["service", "version", "peer"],
    "weft stat --by=v": ["version"],
    "weft get --no-h": ["--no-headers"],
    "weft get s": ["service"],
    "weft get service/": ["reviews"],
    "weft get svc r": ["reviews"],
    "weft get svc -n shop r": ["ratings"],
    "weft get svc --namespace=shop r": ["ratings"],
    "weft stat -w r": ["reviews"],
    "weft get svc -n ": ["default", "shop"],
    "weft rollback ": ["1"],
    "weft completion ": ["bash", "zsh", "fish"],
    "weft help exit": ["exit-codes"],
    "weft nonsense ": [],
}

# How each is asked what it offers for "$LINE"; the candidates are lines of the output.
ASKED = {
    "bash": """
source <(weft completion bash)
COMP_LINE=$LINE COMP_POINT=${#LINE}
_weft weft
printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { : }
_files() { print :files }
_describe() { for one in ${(P)2}; do print -r -- ${one%%:*}; done }
source <(weft completion zsh)
words=("${(@s: :)LINE}")
CURRENT=${#words}
_weft
""",
    "fish": """
weft completion fish | source
complete -C "$LINE" | string replace -r '\\t.*' ''
""",
}


@pytest.fixture(name="control")
def control_of(world):
    control = Control(world)
    control.apply(SERVICES)
    control.env["PATH"] = f"{BUILD}:{control.env['PATH']}"
    return control


def offered(control, shell, line):
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = control.world.run([shell, *flags, "-c", ASKED[shell]], env=dict(control.env, LINE=line))
    assert done.stderr == ""
    return done.stdout.split()


def tail_of(shell, word, line):
    """What a shell writes of a word: bash, the part behind = alone."""
    last = line.split(" ")[-1]
    return word if shell == "bash" or "=" not in last else f"{last.split('=')[0]}={word}"


@pytest.mark.parametrize("shell", ASKED)
def test_shells_offer_what_may_stand_there(control, shell):
    for line, words in TYPED.items():
        wanted = [tail_of(shell, word, line) for word in words]
        if line.endswith("service/"):
            wanted = ["service/reviews"]
        # Names that do not come in time are left out: on a busy machine it is asked again.
        wait_until(lambda: sorted(offered(control, shell, line)) == sorted(wanted),
                   f"{wanted} for {line!r}")


def test_files_are_left_to_the_shell(control):
    for words in (["apply", "-f", ""], ["control", "--state", ""], ["run", "--", "py"],
                  ["control", "backup", ""]):
        assert control.done("__complete", "--", *words) == ":files\n", words
    assert offered(control, "zsh", "weft apply -f ") == [":files"]
    control.world.path("canary.yaml", "")
    assert "canary.yaml" in offered(control, "fish", "weft apply -f ca")


def test_where_nobody_answers_there_are_no_names_and_no_noise(control):
    control.program.kill()
    for words in (["get", "svc", ""], ["stat", ""], ["rollback", ""], ["get", "-n", ""]):
        done = control.weft("__complete", "--", *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words
    assert "service\t" in control.done("__complete", "--", "get", "")
    control.env["WEFT_ADDR"] = "nonsense"
    assert control.weft("__complete", "--", "stat", "").stderr == ""


def test_pages_are_what_troff_wants(world):
    done = world.run([program("weft"), "man", "--into", world.path("share")])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pages = sorted(world.path("share/man/man1").iterdir())
    assert {"weft.1", "weft-apply.1", "weft-proxy-status.1"} <= {page.name for page in pages}
    for page in pages:
        read = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-Kutf8", "-P-cbou", page],
                              capture_output=True, text=True, check=True)
        assert read.stderr == "", page.name
        assert "NAME" in read.stdout and "EXIT STATUS" in read.stdout
