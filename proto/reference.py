#!/usr/bin/env python3
"""Writes docs/reference/bootstrap.md: what weft-proxy understands of Envoy's API.

The page is made from the .proto files alone. It walks from the bootstrap and from the
resources of xDS along the fields that are served, then names what an extension's typed_config
may hold. tests/checks/proto.py compares it with the committed page.
"""

import sys
from pathlib import Path

import schema

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs/reference/bootstrap.md'

TOP = '''# Envoy's configuration, as weft-proxy reads it

Made from `proto/` by `proto/reference.py`. `weft-proxy -c FILE` takes an Envoy v3 bootstrap as
YAML or JSON, and the same messages from a control plane over xDS. Fields have Envoy's names and
meanings; this page says which of them are served, and what happens to the others. `weft-proxy
--mode validate -c FILE` checks a file and names the place of what it refuses.

- **served**: the field stands in a table below, and so do the words that it may have. Limits are
  upper ones: bytes of a text, entries of a list, the largest number.
- **ignored**: it changes nothing of what is served.
- **ignored with a warning**: it is left out, and the log says so.
- **refused**: the file, or the resource, is not taken.

The last line of a message says what becomes of a field that comes over xDS and that no Envoy known
here has; in a file, an unknown name is always an error. Resources come over `ads` with delta gRPC
alone. The name of an extension is free: the type in its `typed_config` decides.
'''

PARTS = (
    ('The bootstrap and what it leads to', ('envoy.config.bootstrap.v3.Bootstrap',)),
    ('Further resources of xDS', (
        'envoy.config.listener.v3.Listener', 'envoy.config.route.v3.RouteConfiguration',
        'envoy.config.cluster.v3.Cluster', 'envoy.config.endpoint.v3.ClusterLoadAssignment')),
)

SIMPLE = {
    'google.protobuf.Duration': 'duration', 'google.protobuf.Any': 'typed extension',
    'google.protobuf.Struct': 'free structure', 'google.protobuf.Value': 'any value',
    'google.protobuf.BoolValue': 'bool', 'google.protobuf.UInt32Value': 'uint32',
    'google.protobuf.UInt64Value': 'uint64', 'google.protobuf.DoubleValue': 'double',
    'google.protobuf.StringValue': 'string', 'google.protobuf.Int64Value': 'int64',
    'google.protobuf.Empty': 'empty', 'google.protobuf.Timestamp': 'time',
}
LEFT_OUT = (('OPEN', 'Ignored'), ('DEGRADE', 'Ignored with a warning'), ('SEMANTIC', 'Refused'))
REST = {'OPEN': 'ignored', 'DEGRADE': 'ignored with a warning', 'SEMANTIC': 'refused'}


def class_of(m, field=None):
    name = (field and field.options.get('(weft.class)')) or m.unknown_class
    return 'SEMANTIC' if name == 'CLOSED' else name


def is_served(field):
    return not field.options.get('(weft.unsupported)')


def served_fields(m):
    return [field for field in m.fields if is_served(field)]


def has_section(m):
    return (isinstance(m, schema.Message) and not m.entry and not m.unsupported
            and m.full_name.startswith('envoy.'))


def short_name(m):
    """Without the package: Cluster.EdsClusterConfig."""
    return (short_name(m.parent) + '.' if m.parent else '') + m.name


def anchor(name):
    return name.lower().replace('.', '')


def words(enum):
    return ', '.join('`%s`' % value.name for value in enum.values
                     if not value.options.get('(weft.unsupported_value)'))


def type_text(field):
    if field.map:
        key, value = field.target.fields
        return 'map of %s to %s' % (type_text(key), type_text(value))
    if field.type == 'enum':
        text = words(field.target)
    elif field.type != 'message':
        text = field.type
    elif has_section(field.target):
        text = '[%s](#%s)' % (short_name(field.target), anchor(field.target.full_name))
    else:
        text = SIMPLE.get(field.target.full_name, field.target.name)
    return 'list of ' + text if field.repeated else text


def members(m, oneof):
    return [f for f in served_fields(m) if f.oneof is oneof]


def is_required(m, field):
    alone = field.oneof and field.oneof.options.get('(weft.one_required)')
    return field.options.get('(weft.required)') or (
        alone and members(m, field.oneof) == [field])


def limits(m, field):
    rows = ['required'] if is_required(m, field) else []
    if '(weft.limit)' in field.options:
        rows.append('%d %s' % (field.options['(weft.limit)'],
                               'entries' if field.repeated or field.map else 'bytes'))
    if '(weft.max)' in field.options:
        rows.append('up to %d' % field.options['(weft.max)'])
    return ', '.join(rows)


def cell(text):
    return text.replace('|', '\\|').replace('\n', ' ')


def section(m):
    yield '\n### %s\n' % m.full_name
    if m.options.get('(weft.about)'):
        yield m.options['(weft.about)'] + '\n'
    if served_fields(m):
        yield '| Field | Type | Limits | |\n| --- | --- | --- | --- |'
    for field in served_fields(m):
        yield '| `%s` | %s | %s | %s |' % (field.name, cell(type_text(field)), limits(m, field),
                                            cell(field.options.get('(weft.text)', '')))
    yield from notes(m)


def notes(m):
    rows = []
    for oneof in m.oneofs:
        names = ['`%s`' % field.name for field in members(m, oneof)]
        needed = oneof.options.get('(weft.one_required)')
        if len(names) > 1:
            rows.append('%s of %s.' % ('Exactly one' if needed else 'At most one',
                                       ', '.join(names)))
    for name, title in LEFT_OUT:
        names = ['`%s`' % f.name for f in m.fields
                 if not is_served(f) and class_of(m, f) == name]
        if names:
            rows.append('%s: %s.' % (title, ', '.join(names)))
    rows.append('Not known at all: %s.' % REST[class_of(m)])
    yield ('\n' if served_fields(m) else '') + '\n'.join('- ' + row for row in rows)


def reach(m, seen):
    """The message and those that its served fields lead to, each once."""
    if m.full_name in seen or not (has_section(m) or m.entry):
        return
    seen.add(m.full_name)
    if not m.entry:
        yield m
    for field in served_fields(m):
        if field.type == 'message':
            yield from reach(field.target, seen)


def page(parsed):
    seen, lines = set(), [TOP.rstrip('\n')]
    parts = {field.target for m in parsed.messages() for field in m.fields}
    extensions = sorted(m.full_name for m in parsed.messages()
                        if m.full_name.startswith('envoy.extensions.') and m not in parts)
    for title, roots in (*PARTS, ('What typed_config may hold', extensions)):
        found = [m for root in roots for m in reach(parsed.types[root], seen)]
        if found:
            lines.append('\n## %s' % title)
        for m in found:
            lines.extend(section(m))
    return '\n'.join(lines) + '\n'


def made():
    names = sorted(str(path) for path in (ROOT / 'proto').rglob('*.proto')
                   if path.name not in ('options.proto', 'descriptor.proto'))
    return page(schema.load(names))


if __name__ == '__main__':
    sys.stdout.write(made())
