"""Certificates for scenarios, made by the openssl command: P-256, a day long."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass
class Certificate:
    cert: Path
    key: Path


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments[0]}: {done.stderr}")
    return done.stdout


def alternative_names(uri, dns, ip):
    names = [f"URI:{u}" for u in uri] + [f"DNS:{d}" for d in dns] + [f"IP:{i}" for i in ip]
    return f"subjectAltName={','.join(names)}\n" if names else ""


class Authority:
    """A certificate authority with a self-signed root in a directory."""

    def __init__(self, directory, name="root"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.chain = ""   # what goes with each leaf
        self.cert = self.directory / f"{name}.pem"
        self.key = self.directory / f"{name}.key"
        openssl("req", "-x509", *P256, "-days", "1", "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.cert,
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    @classmethod
    def of_pem(cls, directory, name, pem):
        """One whose key and certificate are there already, as one text; not a root, so that its
        certificate goes with each leaf."""
        self = cls.__new__(cls)
        self.directory, self.name = Path(directory), name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.cert = self.key = self.directory / f"{name}.pem"
        self.cert.write_text(pem)
        self.chain = openssl("x509", "-in", self.cert)
        return self

    def issue(self, name, uri=(), dns=(), ip=(), days=1):
        """A leaf for server and client use. uri, dns and ip are lists of names."""
        base = self.directory / f"{self.name}-{name}"
        cert, key, request, extensions = (Path(f"{base}.{s}") for s in ("pem", "key", "csr",
                                                                        "ext"))
        extensions.write_text("basicConstraints=critical,CA:FALSE\n"
                              "keyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n"
                              + alternative_names(uri, dns, ip))
        openssl("req", "-new", *P256, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", cert)
        cert.write_text(cert.read_text() + self.chain)
        return Certificate(cert, key)
