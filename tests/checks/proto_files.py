"""The .proto files that the tables are generated from."""

from tree import files

# What protoc alone reads: our options, and what it needs to accept them.
NO_INPUT = ("proto/weft/options.proto", "proto/google/protobuf/descriptor.proto")


def sources():
    return [name for name in files("proto/*.proto") if name not in NO_INPUT]
