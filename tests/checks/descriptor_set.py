"""Reads what `protoc --descriptor_set_out` writes: messages, fields and enums by full name.

A decoder of the wire format in a few lines, so that neither our own code nor a library stands
between protoc and the comparison. Options are kept as numbers and raw values, since protoc
knows the names of ours only from weft/options.proto.
"""

import struct
from dataclasses import dataclass, field

TYPES = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 6: "fixed64",
         7: "fixed32", 8: "bool", 9: "string", 11: "message", 12: "bytes", 13: "uint32",
         14: "enum", 15: "sfixed32", 16: "sfixed64", 17: "sint32", 18: "sint64"}
REPEATED = 3
MAP_ENTRY = 7


@dataclass
class Field:
    name: str
    number: int
    type: str
    type_name: str
    repeated: bool
    json_name: str
    oneof: str  # None where it is in none
    optional: bool
    options: dict


@dataclass
class Message:
    full_name: str
    fields: dict = field(default_factory=dict)  # by number
    oneofs: dict = field(default_factory=dict)  # name → options
    options: dict = field(default_factory=dict)

    @property
    def entry(self):
        return self.options.get(MAP_ENTRY) == 1


@dataclass
class Enum:
    full_name: str
    values: dict = field(default_factory=dict)  # name → number
    options: dict = field(default_factory=dict)  # name → options of the value


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def items(data):
    """(number, value) of each field: an int, or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif wire == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield tag >> 3, value


def all_of(data, number):
    return [value for n, value in items(data) if n == number]


def last_of(data, number, default=None):
    values = all_of(data, number)
    return values[-1] if values else default


def text_of(data, number):
    return last_of(data, number, b"").decode()


def signed32(value):
    value &= 0xffffffff
    return value - (1 << 32) if value & 0x80000000 else value


def read_field(data, oneofs):
    index = last_of(data, 9)
    optional = last_of(data, 17) == 1
    return Field(
        name=text_of(data, 1), number=last_of(data, 3), type=TYPES[last_of(data, 5)],
        type_name=text_of(data, 6).lstrip("."), repeated=last_of(data, 4) == REPEATED,
        json_name=text_of(data, 10), oneof=oneofs[index] if index is not None and not optional
        else None, optional=optional, options=dict(items(last_of(data, 8, b""))))


class DescriptorSet:
    def __init__(self, data):
        self.messages = {}
        self.enums = {}
        for file in all_of(data, 1):
            package = text_of(file, 2)
            for message in all_of(file, 4):
                self.read_message(message, package)
            for enum in all_of(file, 5):
                self.read_enum(enum, package)

    def read_message(self, data, scope):
        message = Message(f"{scope}.{text_of(data, 1)}" if scope else text_of(data, 1))
        names = [text_of(oneof, 1) for oneof in all_of(data, 8)]
        message.options = dict(items(last_of(data, 7, b"")))
        for each in all_of(data, 2):
            read = read_field(each, names)
            message.fields[read.number] = read
        used = {read.oneof for read in message.fields.values()}
        for name, oneof in zip(names, all_of(data, 8)):
            if name in used:
                message.oneofs[name] = dict(items(last_of(oneof, 2, b"")))
        self.messages[message.full_name] = message
        for nested in all_of(data, 3):
            self.read_message(nested, message.full_name)
        for enum in all_of(data, 4):
            self.read_enum(enum, message.full_name)

    def read_enum(self, data, scope):
        enum = Enum(f"{scope}.{text_of(data, 1)}" if scope else text_of(data, 1))
        for value in all_of(data, 2):
            name = text_of(value, 1)
            enum.values[name] = signed32(last_of(value, 2, 0))
            enum.options[name] = dict(items(last_of(value, 3, b"")))
        self.enums[enum.full_name] = enum
