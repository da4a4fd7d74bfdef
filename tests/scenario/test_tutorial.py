"""docs/tutorial.md, run as it stands: every command block in one shell, as a reader would."""

import re

from harness.world import BUILD, ROOT

GUARD_SECONDS = 240


def script(home):
    """The blocks of the page, in order, in a shell that stops at the first failure."""
    page = (ROOT / "docs/tutorial.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.S | re.M)
    assert len(blocks) >= 7
    # `wait` returns the status of a program that a signal ended.
    steps = [block.replace("wait %3 %2", "{ wait %3 %2 || true; }")
             .replace("wait %1", "{ wait %1 || true; }") for block in blocks]
    return f"set -eum\ncd {home}\n" + "\n".join(f"echo '== block {i}'\n{step}"
                                    for i, step in enumerate(steps, 1))


def test_the_tutorial_works_as_it_stands(world):
    path = world.path("tutorial.sh")
    home = world.path("home")
    home.mkdir(exist_ok=True)
    path.write_text(script(home))
    done = world.run(["bash", path], env=world.env(PATH=f"{BUILD}:/usr/bin:/bin"),
                     guard=GUARD_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello from v" in done.stdout
    counts = dict((line.split(maxsplit=1)[1], int(line.split()[0]))
                  for line in done.stdout.splitlines() if " hello from v" in line)
    assert sum(counts.values()) == 100 and counts["hello from v1"] > counts["hello from v2"] > 0
    assert "rules[0].backendRefs[hello-v1].weight  90 → 50" in done.stdout
    assert "Undo with: weft rollback" in done.stdout
