"""gRPC's interoperability suite in Java, whose HTTP/2 and TLS are Netty's."""

import zipfile

import interop
import java
import pytest
from harness.certs import Authority

GROUP, ARTIFACT, VERSION = "io.grpc", "grpc-interop-testing", "1.79.0"
CLASSES = "io.grpc.testing.integration.TestService"


class Java:
    """With TLS the server shows a certificate of the suite's own authority, whose key is public
    too; so the proxy gets one of the same."""

    behind_name = "waterzooi.test.google.be"

    def __init__(self, world, secure):
        self.folder = java.archives(GROUP, ARTIFACT, VERSION)
        self.authority = self.test_authority(world) if secure else None

    def test_authority(self, world):
        with zipfile.ZipFile(self.folder / f"grpc-testing-{VERSION}.jar") as archive:
            pem = b"".join(archive.read(f"certs/ca.{part}") for part in ("key", "pem"))
        return Authority.of_pem(world.path("ca"), "test", pem.decode())

    def server(self, port):
        return self.run("Server", [f"port={port}"])

    def client(self, flags):
        return self.run("Client", [*flags, "use_test_ca=true", "server_host_override=localhost"])

    def run(self, name, flags):
        tls = f"use_tls={str(bool(self.authority)).lower()}"
        return [*java.command(self.folder, CLASSES + name), *(f"--{f}" for f in [*flags, tls])]


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
def test_all_cases_pass(world, secure):
    interop.judge(world, Java(world, secure))
