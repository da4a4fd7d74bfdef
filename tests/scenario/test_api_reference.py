"""docs/reference/api.md is true: its commands work, its tables are those of the source."""

import re

from harness.world import BUILD, ROOT

PAGE = (ROOT / "docs/reference/api.md").read_text()
GUARD_SECONDS = 120


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The cells of the rows of the tables in a text, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("---", "Method", "Name", "Reason", "Status"):
            yield cells


def routes_of_source():
    """Method and path of each route, and the parameters that it takes."""
    source = (ROOT / "src/control/api_route.c").read_text()
    names = dict(re.findall(r"\[API_(\w+)\]\s*=\s*\{ \"(\w+)\"", source))
    for method, path, bits in re.findall(
            r'\{ "([A-Z]+)",\s*STR_INIT\("([^"]+)"\),[^}]*?((?:BIT\(\w+\)[ |\n]*)+|0) \}', source):
        yield method, path, {names[bit] for bit in re.findall(r"BIT\((\w+)\)", bits)}


def routes_of_page():
    for method, paths, parameters, *_ in rows(section("Requests")):
        for path in re.findall(r"`(.*?)`", paths):
            prefix = re.sub(r"(N|…(/NAME)?)$", "", path)
            yield method, prefix, set(re.findall(r"`(.*?)`", parameters))


def by_path(routes):
    return sorted((method, path, sorted(parameters)) for method, path, parameters in routes)


def test_the_page_has_every_route_and_parameter():
    assert by_path(routes_of_page()) == by_path(routes_of_source())


def test_the_page_has_every_metric():
    source = (ROOT / "src/control/api_metrics.c").read_text()
    metrics = set(re.findall(r'"(?:# HELP )?(weft_\w+)[" ]', source))
    names = [row[0] for row in rows(section("Metrics"))]
    assert {name.strip("`") for name in names if name.startswith("`weft_")} == metrics


def test_the_page_has_every_reason_of_a_refused_certificate():
    source = (ROOT / "src/control/certificates.h").read_text()
    reasons = set(re.findall(r'X\(CERTIFICATES_\w+,\s*"(\w+)"', source))
    cells = [row[0] for row in rows(section("Metrics")) if not row[0].startswith("`weft_")]
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == reasons


def test_the_page_has_every_status():
    source = (ROOT / "src/control/api_answer.c").read_text()
    reasons = set(re.findall(r'\{ (\d+), "(\w+)" \}', source))
    reasons |= {("409", "AlreadyExists"), ("500", "InternalError")}
    assert {(row[0], row[1]) for row in rows(section("Errors"))} == reasons


def test_its_commands_work_as_they_stand(world):
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.S | re.M)
    home = world.path("home")
    home.mkdir(exist_ok=True)
    script = world.path("api.sh")
    script.write_text(f"set -eum\ncd {home}\n" +
                      "\n".join(blocks).replace("wait %1", "{ wait %1 || true; }"))
    done = world.run(["bash", script], env=world.env(PATH=f"{BUILD}:/usr/bin:/bin"),
                     guard=GUARD_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = done.stdout.splitlines()
    assert '"trustDomain":"weft.local","revision":0' in answers[0]
    assert '"resourceVersion":"1"' in answers[1] and '"virtualAddress"' in answers[1]
    assert '"kind":"List"' in answers[2] and '"name":"web"' in answers[2]
    assert '"deleted":1' in answers[3] and '"revision":2,"previous":1' in answers[3]
    assert '"created":1' in answers[4] and '"revision":3,"previous":2' in answers[4]
    assert '"message":"rollback to 1"' in answers[5]
    assert "weft_control_revision 3" in answers
