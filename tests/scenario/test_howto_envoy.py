"""docs/howto/envoy.md, run as it stands: its bootstrap, and every command block in one shell."""

from harness.envoy import bootstrap_of_the_page, page_script, path_of_binary
from harness.world import BUILD

GUARD_SECONDS = 240


def test_the_page_on_envoy_works_as_it_stands(world):
    home = world.path("home/envoy.yaml", bootstrap_of_the_page()).parent
    path = world.path("page.sh", page_script(home))
    done = world.run(["bash", path], guard=GUARD_SECONDS,
                     env=world.env(PATH=f"{BUILD}:{path_of_binary()}:/usr/bin:/bin"))
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    rows = done.stdout.splitlines()
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0])
              for line in rows if line.split()[:1] and line.split()[0].isdigit()
              and " hello from v" in line}
    assert sum(counts.values()) == 100 and counts["hello from v1"] > counts["hello from v2"] > 0
    rejected = [line for line in rows if "update_rejected" in line]
    assert len(rejected) >= 4 and all(line.endswith(": 0") for line in rejected), told
    row = next(line.split() for line in rows if line.startswith("edge-1"))
    assert row[:3] == ["edge-1", "up", "1.40.0"] and row[5] == "yes"
