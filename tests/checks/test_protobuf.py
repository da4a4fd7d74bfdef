"""Our protobuf and Python's read and write the same.

Random messages of every type of proto/ go through both: binary to canonical binary, binary to
JSON, JSON to binary. pb_tool (tests/unit/codec) is our side.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from proto_files import sources
from tree import ROOT

sys.path.insert(0, str(ROOT / "proto"))
import schema  # noqa: E402

BUILD = Path(os.environ.get("WEFT_BUILD", ROOT / "build"))
SEED = 20260102
MESSAGES_PER_TYPE = 25
DEPTH_MAX = 5
TEXTS = ["", "a", "reviews.shop.svc", "ü\U0001f600\x01\"\\\n", "x" * 130, "y" * 20000]
INTEGERS = {"int32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-2**63, 2**63 - 1),
            "uint64": (0, 2**64 - 1), "sfixed64": (-2**63, 2**63 - 1), "fixed64": (0, 2**64 - 1)}


class Theirs:
    """The same .proto files in Python's implementation."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "set"
            subprocess.run(["protoc", "-I", "proto", "--include_imports",
                            f"--descriptor_set_out={out}", *sources()], cwd=ROOT, check=True)
            files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)

    def new(self, name, data=b""):
        descriptor = self.pool.FindMessageTypeByName(name)
        factory = getattr(message_factory, "GetMessageClass", None)
        made = factory(descriptor) if factory else (
            message_factory.MessageFactory(self.pool).GetPrototype(descriptor))
        return made.FromString(data)

    def from_json(self, name, text):
        message = self.new(name)
        json_format.Parse(text, message, descriptor_pool=self.pool)
        return message

    def to_json(self, message, proto_names):
        return json_format.MessageToJson(message, preserving_proto_field_name=proto_names,
                                         descriptor_pool=self.pool)


class Ours:
    def __init__(self):
        tool = BUILD / "tests/unit/codec/pb_tool"
        self.child = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)

    def ask(self, verb, name, data):
        """(canonical binary, JSON), or the text of the error."""
        self.child.stdin.write(f"{verb} {name} {data.hex()}\n")
        self.child.stdin.flush()
        word, *rest = self.child.stdout.readline().rstrip("\n").split(" ", 2)
        if word != "ok":
            return " ".join(rest)
        return bytes.fromhex(rest[0]), bytes.fromhex(rest[1]).decode()

    def close(self):
        self.child.stdin.close()
        assert self.child.wait() == 0


class Maker:
    """Random messages that our annotations accept."""

    def __init__(self, parsed, theirs):
        self.random = random.Random(SEED)
        self.types = {m.full_name: m for m in parsed.messages()}
        self.theirs = theirs
        self.in_any = 0  # where Python's JSON reader writes maps in any order
        self.any_types = [name for name, m in self.types.items()
                          if not m.entry and not m.unsupported and name != "google.protobuf.Value"]

    def fill(self, message, name, depth):
        special = getattr(self, "fill_" + name.replace(".", "_"), None)
        if special:
            special(message, depth)
            return
        described = self.types[name]
        chosen = self.oneof_members(described, depth)
        for field in described.fields:
            options = field.options
            if options.get("(weft.unsupported)"):
                continue
            needed = options.get("(weft.required)") or field in chosen
            if field.oneof and field not in chosen:
                continue
            if needed or self.random.random() < (0.6 if depth < 2 else 0.2):
                if needed or depth < DEPTH_MAX or field.type != "message":
                    self.fill_field(message, field, depth, needed)

    def oneof_members(self, described, depth):
        members = []
        for oneof in described.oneofs:
            served = [f for f in described.fields if f.oneof is oneof
                      and not f.options.get("(weft.unsupported)")]
            shallow = [f for f in served if f.type != "message"] or served
            if served and (oneof.options.get("(weft.one_required)")
                           or self.random.random() < 0.6):
                members.append(self.random.choice(shallow if depth >= DEPTH_MAX else served))
        return members

    def fill_field(self, message, field, depth, needed):
        if not field.repeated:
            if field.type == "message":
                sub = getattr(message, field.name)
                sub.SetInParent()
                self.fill(sub, field.type_name, depth + 1)
                self.cap(sub, field)
            else:
                setattr(message, field.name, self.scalar(field, needed))
            return
        count = self.random.randint(1 if needed else 0,
                                    1 if field.map and self.in_any else
                                    min(3, field.options.get("(weft.limit)", 3)))
        target = getattr(message, field.name)
        for _ in range(count):
            if field.map:
                self.fill_entry(target, field, depth)
            elif field.type == "message":
                self.fill(target.add(), field.type_name, depth + 1)
            else:
                target.append(self.scalar(field, False))

    def cap(self, wrapper, field):
        if "(weft.max)" in field.options:
            wrapper.value = min(wrapper.value, field.options["(weft.max)"])

    def fill_entry(self, target, field, depth):
        key, value = field.target.fields
        name = self.random.choice(["a", "weft.dev", "b c", "é", "0"])
        if value.type == "message":
            self.fill(target[name], value.type_name, depth + 1)
        else:
            target[name] = self.scalar(value, False)

    def scalar(self, field, needed):
        if field.type == "bool":
            return needed or self.random.random() < 0.5
        if field.type == "string":
            return self.text(field, needed)
        if field.type == "bytes":
            return self.random.randbytes(self.random.choice([0, 1, 2, 3, 200]))
        if field.type in ("double", "float"):
            return self.real()
        if field.type == "enum":
            return self.enum(field, needed)
        low, high = INTEGERS[field.type]
        high = min(high, field.options.get("(weft.max)", high))
        values = [v for v in (0, 1, 127, 128, 300, high, low, -1) if low <= v <= high]
        return self.random.choice([v for v in values if v or not needed])

    def text(self, field, needed):
        limit = field.options.get("(weft.limit)", 1 << 20)
        fitting = [t for t in TEXTS if len(t.encode()) <= limit and (t or not needed)]
        return self.random.choice(fitting)

    def real(self):
        return self.random.choice([0.0, 1.0, -0.0, 1.5, 1e300, 5e-324, 0.1, 1 / 3, -2.5e-7])

    def enum(self, field, needed):
        values = [v.number for v in field.target.values
                  if not v.options.get("(weft.unsupported_value)")]
        return self.random.choice([v for v in values if v or not needed])

    def fill_google_protobuf_Duration(self, message, depth):
        sign = self.random.choice([1, -1])
        message.seconds = sign * self.random.choice([0, 1, 59, 315576000000])
        message.nanos = sign * self.random.choice([0, 1, 500000000, 999999999])

    def fill_google_protobuf_Timestamp(self, message, depth):
        message.seconds = self.random.choice([0, 951782400, -62135596800, 253402300799, -1])
        message.nanos = self.random.choice([0, 1, 500000000, 999999999])

    def fill_google_protobuf_Any(self, message, depth):
        if depth >= DEPTH_MAX:
            return
        name = self.random.choice(self.any_types)
        content = self.theirs.new(name)
        self.in_any += 1
        self.fill(content, name, depth + 1)
        self.in_any -= 1
        message.type_url = "type.googleapis.com/" + name
        message.value = content.SerializeToString(deterministic=True)

    def fill_google_protobuf_Value(self, message, depth):
        kinds = ["null_value", "number_value", "string_value", "bool_value"]
        if depth < DEPTH_MAX:
            kinds += ["struct_value", "list_value"]
        kind = self.random.choice(kinds)
        field = next(f for f in self.types["google.protobuf.Value"].fields if f.name == kind)
        self.fill_field(message, field, depth, False)


@pytest.fixture(scope="module")
def theirs():
    return Theirs()


@pytest.fixture(scope="module")
def ours():
    tool = Ours()
    yield tool
    tool.close()


@pytest.fixture(scope="module")
def corpus(theirs):
    """(name, message) of every type that is implemented."""
    parsed = schema.load([str(ROOT / name) for name in sources()])
    maker = Maker(parsed, theirs)
    made = []
    for m in parsed.messages():
        if m.entry or m.unsupported:
            continue
        for _ in range(MESSAGES_PER_TYPE):
            message = theirs.new(m.full_name)
            maker.fill(message, m.full_name, 0)
            made.append((m.full_name, message))
    return made


def binary(message):
    return message.SerializeToString(deterministic=True)


def test_canonical_binary_is_the_same(ours, corpus):
    for name, message in corpus:
        answer = ours.ask("decode", name, binary(message))
        assert not isinstance(answer, str), (name, answer, message)
        assert answer[0] == binary(message), (name, message)


def test_our_json_means_the_same_to_them(ours, theirs, corpus):
    for name, message in corpus:
        text = ours.ask("decode", name, binary(message))[1]
        if '"[redacted]"' not in text:
            assert binary(theirs.from_json(name, text)) == binary(message), (name, text)


@pytest.mark.parametrize("proto_names", [True, False])
def test_their_json_means_the_same_to_us(ours, theirs, corpus, proto_names):
    for name, message in corpus:
        text = theirs.to_json(message, proto_names)
        answer = ours.ask("json", name, text.encode())
        assert not isinstance(answer, str), (name, answer, text)
        assert answer[0] == binary(message), (name, text)


def mutated(data, chance):
    data = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        change = chance.randrange(4)
        if change == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif change == 1:
            del data[at:]
        elif change == 2:
            data[at:at] = data[:at]
        else:
            data[at:at + 1] = chance.randbytes(2)
        if not data:
            break
    return bytes(data)


def test_what_we_keep_of_damaged_messages_they_accept(ours, theirs, corpus):
    chance = random.Random(SEED)
    accepted = 0
    for name, message in corpus:
        if not binary(message):
            continue
        data = mutated(binary(message), chance)
        answer = ours.ask("decode", name, data)
        if isinstance(answer, str):
            continue
        accepted += 1
        assert binary(theirs.new(name, answer[0])) == answer[0], (name, data.hex())
        again = ours.ask("decode", name, answer[0])
        assert again == answer, (name, data.hex())
    assert accepted > 0


def test_order_and_packing_of_what_comes_in_do_not_matter(ours, theirs):
    name = "opentelemetry.proto.metrics.v1.HistogramDataPoint"
    unpacked = bytes.fromhex("31" "0100000000000000" "31" "0200000000000000" "21"
                             "0300000000000000")
    assert ours.ask("decode", name, unpacked)[0] == binary(theirs.new(name, unpacked))


def test_json_numbers_are_read_alike(ours, theirs):
    name = "google.protobuf.Int64Value"
    for text in ("0", "-0", "1.0", "1e3", "-9223372036854775808", '"12"', "9223372036854775808",
                 "1.5", '"x"', '""', "true", '" 1"', "1e999"):
        answer = ours.ask("json", name, text.encode())
        try:
            expected = binary(theirs.from_json(name, text))
        except (json_format.ParseError, ValueError):
            assert isinstance(answer, str), text
        else:
            assert not isinstance(answer, str) and answer[0] == expected, (text, answer)


def test_json_that_they_refuse_we_refuse(ours, theirs):
    name = "envoy.config.core.v3.SocketAddress"
    for value in ({"address": 1}, {"portValue": -1}, {"portValue": "x"}, {"protocol": "tcp"},
                  {"portValue": 4294967296}, {"address": ["a"]}, {"port_value": {}}, "a",
                  {"portValue": 1, "namedPort": "x"}, {"no": 1}):
        text = json.dumps(value)
        with pytest.raises(json_format.ParseError):
            theirs.from_json(name, text)
        assert isinstance(ours.ask("json", name, text.encode()), str), text
