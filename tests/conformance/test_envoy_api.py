"""proto/ agrees with the interfaces that it is a subset of.

A Go program, built here from the modules that their owners publish, writes the descriptors of
Envoy's API (the release that the other tests run), of Istio's certificate service and of OTLP.
Each of our messages, fields and enum values must be there with the same number, type, label
and JSON name; and a message of ours must know every field of theirs, so that what is new is
classed before anybody sends it. Skipped where the modules are not to be had.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from golang import go, kept, new_module

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/checks"))
from descriptor_set import DescriptorSet  # noqa: E402
from proto_files import sources  # noqa: E402

ENVOY = "github.com/envoyproxy/go-control-plane/envoy"
MODULES = {
    ENVOY: "v1.40.0",
    "istio.io/api": "v1.32.0",
    "go.opentelemetry.io/proto/otlp": "v1.11.0",
}
PACKAGES = ["istio.io/api/security/v1alpha1",
            "go.opentelemetry.io/proto/otlp/collector/metrics/v1"]

MAIN = '''package main

import (
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

%s
)

func main() {
	var set descriptorpb.FileDescriptorSet
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
		return true
	})
	bytes, err := proto.Marshal(&set)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(bytes); err != nil {
		panic(err)
	}
}
'''


def envoy_packages(folder):
    """The package of each v3 folder of Envoy's module."""
    where = Path(go(folder, "list", "-m", "-f", "{{.Dir}}", ENVOY).decode().strip())
    found = {path.parent.relative_to(where) for path in where.rglob("*.pb.go")}
    return sorted(f"{ENVOY}/{path}" for path in found if path.name == "v3")


def write_descriptors(folder, out):
    new_module(folder, MODULES)
    imports = "\n".join(f'\t_ "{name}"' for name in envoy_packages(folder) + PACKAGES)
    (folder / "main.go").write_text(MAIN % imports)
    go(folder, "mod", "tidy")
    go(folder, "build", "-o", "descriptors", ".")
    out.write_bytes(subprocess.run([folder / "descriptors"], check=True,
                                   capture_output=True).stdout)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Kept beside the build, since making them takes a minute."""
    path = kept("envoy-api", MODULES)
    if not path.exists():
        out = tmp_path_factory.mktemp("descriptors") / "set"
        write_descriptors(out.parent, out)
        shutil.move(out, path)
    return DescriptorSet(path.read_bytes())


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    out = tmp_path_factory.mktemp("ours") / "set"
    subprocess.run(["protoc", "-I", "proto", f"--descriptor_set_out={out}", *sources()],
                   cwd=ROOT, check=True)
    return DescriptorSet(out.read_bytes())


UNSUPPORTED_MESSAGE = 50004


def read(message):
    """What of a message goes over the wire or into JSON."""
    return {f.number: (f.name, f.type, f.type_name, f.repeated, f.json_name, f.oneof, f.optional)
            for f in message.fields.values()}


def test_messages_are_known_upstream(ours, theirs):
    missing = [name for name in ours.messages if name not in theirs.messages]
    assert not missing


def test_fields_are_as_upstream(ours, theirs):
    wrong = []
    for name, message in ours.messages.items():
        upstream = read(theirs.messages[name]) if name in theirs.messages else {}
        for number, field in read(message).items():
            if upstream.get(number) != field:
                wrong.append((name, field, upstream.get(number)))
    assert not wrong


def test_no_field_of_theirs_is_unknown(ours, theirs):
    unknown = []
    for name, message in ours.messages.items():
        if UNSUPPORTED_MESSAGE in message.options or name not in theirs.messages:
            continue
        for number, field in theirs.messages[name].fields.items():
            if number not in message.fields:
                unknown.append(f"{name}.{field.name} = {number}")
    assert not unknown


def test_enums_are_as_upstream(ours, theirs):
    wrong = [(name, e.values, theirs.enums[name].values if name in theirs.enums else None)
             for name, e in ours.enums.items()
             if name not in theirs.enums or theirs.enums[name].values != e.values]
    assert not wrong
