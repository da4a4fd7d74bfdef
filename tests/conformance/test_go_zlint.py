"""The certificates of our authority, judged by zlint.

What the RFCs ask for holds. The rest of its rules are those of the public web's authorities:
the ones that a private authority breaks are listed, each with why.
"""

import contextlib
import json
import sqlite3

import golang
from harness.weft import Control

MODULE, VERSION = "github.com/zmap/zlint/v3", "v3.7.3"
WEB = "CABF_BR,CABF_CS_BR,CABF_EV,CABF_SMIME_BR,Apple,Chrome,ETSI_ESI,Mozilla"
BAD = ("warn", "error", "fatal")
PASSED_MIN = 50   # of the rules of RFCs, so that a judge that looks at nothing is noticed

NOT_OF_THE_WEB = {
    # An identity is a URI (SPIFFE); the web knows names and addresses only.
    "e_ext_san_uniform_resource_identifier_present",
    # Issuers come with each chain and roots from our control plane, nothing is revoked: leaves
    # live for hours.
    "e_sub_cert_aia_missing", "w_sub_cert_aia_does_not_contain_issuing_ca_url",
    "w_sub_ca_aia_missing", "e_sub_ca_crl_distribution_points_missing",
    # There are no policies to choose from.
    "e_sub_cert_cert_policy_empty", "e_sub_cert_certificate_policies_missing",
    "e_sub_ca_certificate_policies_missing", "e_invalid_ca_certificate_policies",
    # An authority of a mesh is no company.
    "e_ca_country_name_missing", "e_ca_organization_name_missing",
    # RFC 5280 asks for it in leaves too (4.2.1.2).
    "w_ext_subject_key_identifier_not_recommended_subscriber",
}


def judged(world, certificate, *flags):
    """The rules that were looked at, by name."""
    done = world.run([golang.program("zlint", MODULE, VERSION, "cmd/zlint"), *flags, certificate])
    assert done.returncode == 0, done.stderr
    return {name: rule["result"] for name, rule in json.loads(done.stdout).items()}


def certificates(control):
    """The PEM texts of root, issuing authority and a leaf."""
    with contextlib.closing(sqlite3.connect(control.state / "weft.db")) as db:
        texts = dict(db.execute("SELECT name, value FROM facts WHERE name LIKE 'ca.%'"))
    bank = control.nginx("bank", control.world.port(), "location / { return 200 money; }")
    texts["leaf"] = (bank.directory() / "identity/svid.pem").read_text()
    begin = "-----BEGIN CERTIFICATE-----"
    for name, text in texts.items():
        text = text if isinstance(text, str) else text.decode()
        body = text.split(begin)[1].split("-----END")[0]
        yield name, control.world.path(f"{name}.pem", f"{begin}{body}-----END CERTIFICATE-----\n")


def test_zlint_finds_nothing_but_that_this_is_not_the_web(world):
    found = dict(certificates(Control(world)))
    assert set(found) == {"ca.root", "ca.issuing", "leaf"}
    for name, certificate in found.items():
        rfc = judged(world, certificate, "-excludeSources", WEB)
        assert {rule for rule, result in rfc.items() if result in BAD} == set(), name
        assert list(rfc.values()).count("pass") >= PASSED_MIN
        every = judged(world, certificate)
        assert {r for r, result in every.items() if result in BAD} <= NOT_OF_THE_WEB, name
