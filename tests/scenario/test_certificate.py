"""weft certificate: an identity as files, by the rules of the certificate service."""

import json
import stat

from harness.certs import openssl
from harness.weft import Control, weft

PEM = ("chain.pem", "key.pem", "root.pem")
SECRETS = ("ROOTCA.json", "default.json")
ID = "spiffe://weft.local/ns/shop/sa/web"


def certify(control, directory, *flags):
    return control.weft("certificate", "-n", "shop", "web", "--dir", directory, *flags)


def test_a_certificate_is_written_with_its_key_and_root(world):
    control, directory = Control(world), world.path("web")
    done = certify(control, directory)
    assert done.returncode == 0, done.stderr
    assert f"{directory} holds key.pem, chain.pem and root.pem of {ID}, until 20" in done.stderr
    assert sorted(p.name for p in directory.iterdir()) == sorted(SECRETS + PEM)
    assert [stat.S_IMODE((directory / f).stat().st_mode) for f in SECRETS + PEM] == [0o600] * 5
    chain, key, root = (directory / name for name in PEM)
    assert ID in openssl("x509", "-in", chain, "-noout", "-ext", "subjectAltName")
    openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", chain, chain)
    assert openssl("x509", "-in", chain, "-noout", "-pubkey") == openssl("pkey", "-in", key,
                                                                         "-pubout")
    trust, own = (json.loads((directory / name).read_text())["resources"][0] for name in SECRETS)
    assert trust["validation_context"]["trusted_ca"]["inline_string"] == root.read_text()
    assert own["tls_certificate"]["private_key"]["inline_string"] == key.read_text()
    assert own["tls_certificate"]["certificate_chain"]["inline_string"] == chain.read_text()
    before = key.read_text()
    assert certify(control, directory).returncode == 0
    assert key.read_text() != before


def test_a_certificate_that_cannot_be_given_or_kept_says_why(world):
    control, open_to_others = Control(world), world.path("open")
    open_to_others.mkdir()
    open_to_others.chmod(0o777)
    done = certify(control, open_to_others)
    assert done.returncode != 0 and list(open_to_others.iterdir()) == []
    assert "is another user's or open to others" in done.stderr
    for words in (("certificate", "web"), ("certificate", "--dir", open_to_others)):
        assert control.weft(*words).returncode == 2
    done = control.weft("certificate", "-n", "weft-system", "No_Account", "--dir", "x")
    assert done.returncode != 0 and "no certificate was given" in done.stderr
    away = weft(world, "certificate", "web", "--dir", world.path("x"),
                env=world.env(WEFT_ADDR=world.path("nobody.sock")))
    assert away.returncode == 7 and not world.path("x").exists()


def test_a_directory_that_is_there_keeps_its_mode_and_what_is_in_it(world):
    control, directory = Control(world), world.path("etc")
    directory.mkdir()
    directory.chmod(0o755)
    world.path("etc/other", "of somebody else")
    assert certify(control, directory).returncode == 0
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert sorted(p.name for p in directory.iterdir()) == sorted((*SECRETS, *PEM, "other"))
    assert [stat.S_IMODE((directory / f).stat().st_mode) for f in SECRETS + PEM] == [0o600] * 5
    assert certify(control, world.path("new")).returncode == 0
    assert stat.S_IMODE(world.path("new").stat().st_mode) == 0o700
