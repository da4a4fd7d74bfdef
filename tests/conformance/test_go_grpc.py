"""gRPC's interoperability suite in Go."""

import golang
import interop
import pytest

MODULE, VERSION = "google.golang.org/grpc", "v1.85.0"


def program(name):
    return golang.program(f"grpc-interop-{name}", MODULE, VERSION, f"interop/{name}")


class Go:
    behind_name = "localhost"

    def __init__(self, authority=None):
        self.authority = authority

    def server(self, port):
        command = [program("server"), f"-port={port}"]
        if not self.authority:
            return command
        own = self.authority.issue("server", dns=[self.behind_name])
        return [*command, "-use_tls", f"-tls_cert_file={own.cert}", f"-tls_key_file={own.key}"]

    def client(self, flags):
        tls = ["use_tls", "use_test_ca", f"ca_file={self.authority.cert}",
               "server_host_override=localhost"] if self.authority else []
        return [program("client"), *(f"-{flag}" for flag in flags + tls)]


@pytest.mark.parametrize("secure", [False, True], ids=["cleartext", "tls"])
def test_all_cases_pass(world, request, secure):
    interop.judge(world, Go(request.getfixturevalue("authority") if secure else None))
