"""Java programs that others wrote: their archives, as Maven's registry serves them by name.

They are kept under a name that holds the version. A test that asks for some is skipped where
Maven is missing or gets no answer.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from golang import kept

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
GUARD_SECONDS = 1500
REFUSED = ("Could not resolve", "Could not transfer", "Could not find")
PROJECT = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example.test</groupId><artifactId>judge</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>
  </dependency></dependencies>
</project>
"""
# A program runs for some seconds: starting soon is worth more than running fast.
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def archives(group, artifact, version):
    """The folder with an archive and all that it needs."""
    path = kept(artifact, {artifact: version})
    if path.exists():
        return path
    if not shutil.which("mvn"):
        pytest.skip("Maven is not installed")
    with tempfile.TemporaryDirectory(prefix="weft-java-") as folder:
        (Path(folder) / "pom.xml").write_text(PROJECT.format(group, artifact, version))
        done = subprocess.run(["mvn", "-B", "-q", f"{PLUGIN}:copy-dependencies",
                               f"-DoutputDirectory={folder}/jars"], cwd=folder, text=True,
                              capture_output=True, check=False, timeout=GUARD_SECONDS)
        if any(word in done.stdout for word in REFUSED):
            pytest.skip(f"Maven does not get {artifact} {version}")
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.move(Path(folder) / "jars", path)
    return path


def command(folder, name):
    """Before the arguments of the class with that name."""
    return ["java", *QUICK, "-cp", f"{folder}/*", name]
