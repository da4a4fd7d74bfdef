#!/usr/bin/python3
"""proto/ means the same to its generator as to protoc.

Both read every file; messages, fields, oneofs, enums and all our options are compared. The
build takes all of them, and docs/reference/bootstrap.md says what they say.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from descriptor_set import DescriptorSet
from proto_files import sources
from tree import ROOT, finish, text

sys.path.insert(0, str(ROOT / "proto"))
import reference  # noqa: E402
import schema  # noqa: E402

# Numbers of our options in weft/options.proto.
CLASSES = {1: "OPEN", 2: "DEGRADE", 3: "SEMANTIC", 4: "CLOSED"}
FIELD_OPTIONS = {50001: "(weft.class)", 50002: "(weft.limit)", 50003: "(weft.text)",
                 50004: "(weft.required)", 50005: "(weft.unsupported)", 50006: "(weft.max)",
                 50007: "(weft.sensitive)"}
MESSAGE_OPTIONS = {50001: "(weft.unknown)", 50002: "(weft.about)", 50003: "(weft.c_name)",
                   50004: "(weft.unsupported_message)"}
ONEOF_OPTIONS = {50001: "(weft.one_required)"}
ENUM_VALUE_OPTIONS = {50001: "(weft.unsupported_value)"}
KINDS = {**schema.FIELD_OPTIONS, **schema.MESSAGE_OPTIONS, **schema.ONEOF_OPTIONS,
         **schema.ENUM_VALUE_OPTIONS}


def by_protoc(names):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        subprocess.run(["protoc", "-I", "proto", f"--descriptor_set_out={out}", *names],
                       cwd=ROOT, check=True)
        return DescriptorSet(out.read_bytes())


def option_value(name, raw):
    kind = KINDS[name]
    if kind == "class":
        return CLASSES[raw]
    if kind == "text":
        return raw.decode()
    return bool(raw) if kind == "bool" else raw


def named(options, names):
    return {names[n]: option_value(names[n], raw) for n, raw in options.items() if n in names}


def ours_only(options):
    """Without those that are not ours; the text of an entry's fields is not written."""
    return {name: value for name, value in options.items()
            if name.startswith("(weft.") and value != ""}


def ours_field(field):
    return (field.name, field.number, field.type,
            field.type_name if field.target else "", field.repeated, field.json_name,
            field.oneof.name if field.oneof else None, field.optional,
            ours_only(field.options))


def theirs_field(field):
    return (field.name, field.number, field.type, field.type_name, field.repeated,
            field.json_name, field.oneof, field.optional, named(field.options, FIELD_OPTIONS))


def ours_message(m):
    return (sorted((ours_field(f) for f in m.fields), key=lambda row: row[1]),
            {oneof.name: ours_only(oneof.options) for oneof in m.oneofs},
            ours_only(m.options), m.entry)


def theirs_message(m):
    return ([theirs_field(m.fields[number]) for number in sorted(m.fields)],
            {name: named(options, ONEOF_OPTIONS) for name, options in m.oneofs.items()},
            named(m.options, MESSAGE_OPTIONS), m.entry)


def ours_enum(e):
    return {value.name: (value.number, ours_only(value.options)) for value in e.values}


def theirs_enum(e):
    return {name: (number, named(e.options[name], ENUM_VALUE_OPTIONS))
            for name, number in e.values.items()}


def differences(what, ours, theirs):
    for name in sorted(set(ours) | set(theirs)):
        if name not in theirs:
            yield f"{what} {name}: protoc does not see it"
        elif name not in ours:
            yield f"{what} {name}: the generator does not see it"
        elif ours[name] != theirs[name]:
            yield f"{what} {name}: the generator reads {ours[name]}, protoc {theirs[name]}"


def not_built(names):
    build = text("proto/meson.build")
    for name in names:
        if f"'{name.removeprefix('proto/')}'" not in build:
            yield f"{name}: proto/meson.build does not name it"


def page_problems(parsed):
    page = str(reference.PAGE.relative_to(ROOT))
    if text(page) != reference.page(parsed):
        yield f"{page}: is not up to date: proto/reference.py > {page}"
    for m in parsed.messages():
        for field in reference.served_fields(m) if reference.has_section(m) else []:
            if not field.options.get("(weft.text)"):
                yield f"{m.full_name}.{field.name}: is served and has no text"


def main():
    names = sources()
    parsed = schema.load([str(ROOT / name) for name in names])
    protoc = by_protoc(names)
    ours = {m.full_name: ours_message(m) for m in parsed.messages()}
    theirs = {name: theirs_message(m) for name, m in protoc.messages.items()}
    problems = list(not_built(names))
    problems += page_problems(parsed)
    problems += differences("message", ours, theirs)
    problems += differences("enum", {e.full_name: ours_enum(e) for e in parsed.enums()},
                            {name: theirs_enum(e) for name, e in protoc.enums.items()})
    finish(problems, f"{len(names)} files, {len(ours)} messages are as protoc reads them")


main()
