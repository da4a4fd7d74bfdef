"""Reads .proto files: a small parser of the part of proto3 that our subset uses.

A file becomes File, Message, Field, Oneof, Enum objects with names resolved and options
checked. What the parser does not know, it refuses with FILE:LINE, so that nothing that stands
in a .proto is silently without effect. Services, extensions of our own and groups are not
part of the subset (weft/options.proto is read by protoc alone).
"""

import re

SCALARS = {
    'bool', 'int32', 'int64', 'uint32', 'uint64', 'sfixed64', 'fixed64', 'float', 'double',
    'string', 'bytes',
}
INTEGERS = {'int32', 'int64', 'uint32', 'uint64', 'sfixed64', 'fixed64'}
MAP_KEYS = {'string', 'bool', 'int32', 'int64', 'uint32', 'uint64'}
WRAPPED_INTEGERS = {'google.protobuf.%s' % name for name in (
    'UInt32Value', 'UInt64Value', 'Int32Value', 'Int64Value')}
CLASSES = ('OPEN', 'DEGRADE', 'SEMANTIC', 'CLOSED')
NUMBER_MAX = (1 << 29) - 1

# Option name → how its value is written.
FIELD_OPTIONS = {
    '(weft.class)': 'class', '(weft.limit)': 'number', '(weft.text)': 'text',
    '(weft.required)': 'bool', '(weft.unsupported)': 'bool', '(weft.max)': 'number',
    '(weft.sensitive)': 'bool', 'json_name': 'text', 'deprecated': 'bool',
}
MESSAGE_OPTIONS = {
    '(weft.unknown)': 'class', '(weft.about)': 'text', '(weft.c_name)': 'text',
    '(weft.unsupported_message)': 'bool', 'deprecated': 'bool',
}
ONEOF_OPTIONS = {'(weft.one_required)': 'bool'}
ENUM_OPTIONS = {'deprecated': 'bool'}
ENUM_VALUE_OPTIONS = {'(weft.unsupported_value)': 'bool', 'deprecated': 'bool'}


class SchemaError(Exception):
    """What is wrong and where: "FILE:LINE: text"."""

    def __init__(self, place, text):
        super().__init__('%s:%d: %s' % (place[0], place[1], text))


class Field:
    """A field as declared; type_name is resolved to full names by Schema.resolve()."""

    def __init__(self, name, number, type_name, place):
        self.name = name
        self.number = number
        self.type = type_name  # scalar name, 'message' or 'enum'
        self.type_name = type_name  # as written, then the full name
        self.place = place
        self.repeated = False
        self.optional = False  # proto3 `optional`
        self.map = False
        self.oneof = None
        self.options = {}
        self.target = None  # Message or Enum

    @property
    def json_name(self):
        return self.options.get('json_name', json_name(self.name))

    @property
    def presence(self):
        """Zero differs from absent."""
        return not self.repeated and (
            self.optional or self.oneof is not None or self.type == 'message')


class Oneof:
    def __init__(self, name, place):
        self.name = name
        self.place = place
        self.options = {}


class Message:
    def __init__(self, name, parent, place):
        self.name = name
        self.parent = parent  # Message or None
        self.place = place
        self.full_name = None
        self.fields = []
        self.oneofs = []
        self.messages = []
        self.enums = []
        self.reserved_numbers = []  # of (first, last)
        self.reserved_names = set()
        self.options = {}
        self.entry = False  # synthetic entry of a map

    @property
    def unknown_class(self):
        if '(weft.unknown)' in self.options:
            return self.options['(weft.unknown)']
        return self.parent.unknown_class if self.parent else None

    @property
    def unsupported(self):
        return self.options.get('(weft.unsupported_message)', False)

    @property
    def c_name(self):
        if '(weft.c_name)' in self.options:
            return self.options['(weft.c_name)']
        return (self.parent.c_name + '_' if self.parent else '') + self.name


class EnumValue:
    def __init__(self, name, number, place):
        self.name = name
        self.number = number
        self.place = place
        self.options = {}


class Enum:
    def __init__(self, name, parent, place):
        self.name = name
        self.parent = parent
        self.place = place
        self.full_name = None
        self.values = []
        self.options = {}

    @property
    def c_name(self):
        return (self.parent.c_name + '_' if self.parent else '') + self.name


class File:
    def __init__(self, path):
        self.path = path
        self.package = ''
        self.imports = []
        self.messages = []
        self.enums = []


def json_name(name):
    """lowerCamelCase, by protobuf's rule: an underscore raises the letter behind it."""
    return re.sub('_+(.?)', lambda m: m.group(1).upper(), name)


TOKEN = re.compile(r'''
    (?P<space>[ \t\r\n]+ | //[^\n]* | /\*.*?\*/)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<absolute>\.[A-Za-z_][A-Za-z0-9_.]*)
  | (?P<number>-?(?:0[xX][0-9A-Fa-f]+|[0-9]+))
  | (?P<text>"(?:[^"\\\n]|\\["\\n])*")
  | (?P<mark>[{}()\[\]<>=;,])
''', re.VERBOSE | re.DOTALL)


class Tokens:
    """The tokens of one file, taken one after the other."""

    def __init__(self, path, text):
        self.path = path
        self.items = []
        self.at = 0
        line = 1
        i = 0
        while i < len(text):
            m = TOKEN.match(text, i)
            if not m:
                raise SchemaError((path, line), 'cannot read %r' % text[i:i + 10])
            if m.lastgroup != 'space':
                self.items.append((m.lastgroup, m.group(), line))
            line += m.group().count('\n')
            i = m.end()
        self.items.append(('end', 'end of file', line))

    @property
    def place(self):
        return (self.path, self.items[self.at][2])

    def fail(self, text):
        raise SchemaError(self.place, text)

    def peek(self):
        return self.items[self.at][1]

    def more(self):
        return self.items[self.at][0] != 'end'

    def take(self):
        token = self.items[self.at]
        self.at += token[0] != 'end'
        return token[1]

    def take_if(self, text):
        if self.items[self.at][0] != 'text' and self.peek() == text:
            self.at += 1
            return True
        return False

    def expect(self, text):
        if not self.take_if(text):
            self.fail('expected "%s", found "%s"' % (text, self.peek()))

    def kind(self, kind, what):
        if self.items[self.at][0] != kind:
            self.fail('expected %s, found "%s"' % (what, self.peek()))
        return self.take()

    def word(self, what='a name'):
        word = self.kind('name', what)
        if '.' in word:
            self.fail('expected %s without dots, found "%s"' % (what, word))
        return word

    def type_name(self):
        if self.items[self.at][0] == 'absolute':
            return self.take()
        return self.kind('name', 'a type')

    def number(self):
        return int(self.kind('number', 'a number'), 0)

    def text(self):
        """One or more adjacent strings."""
        parts = [self.kind('text', 'a text in quotes')]
        while self.items[self.at][0] == 'text':
            parts.append(self.take())
        return ''.join(re.sub(r'\\(.)', lambda m: '\n' if m.group(1) == 'n' else m.group(1),
                              part[1:-1]) for part in parts)


class Parser:
    def __init__(self, path, text):
        self.t = Tokens(path, text)
        self.file = File(path)

    def parse(self):
        t = self.t
        t.expect('syntax')
        t.expect('=')
        if t.text() != 'proto3':
            t.fail('only proto3 is read')
        t.expect(';')
        readers = {'package': self.package, 'import': self.import_, 'message': self.message_top,
                   'enum': self.enum_top}
        while t.more():
            word = t.peek()
            if word not in readers:
                t.fail('"%s" is not part of the subset that is read here' % word)
            t.take()
            readers[word]()
        return self.file

    def package(self):
        self.file.package = self.t.kind('name', 'a package')
        self.t.expect(';')

    def import_(self):
        self.file.imports.append((self.t.text(), self.t.place))
        self.t.expect(';')

    def message_top(self):
        self.file.messages.append(self.message(None))

    def enum_top(self):
        self.file.enums.append(self.enum(None))

    def option_value(self, known, options):
        """name = value of an option, the name being next."""
        t = self.t
        place = t.place
        if t.take_if('('):
            name = '(%s)' % t.kind('name', 'an option')
            t.expect(')')
        else:
            name = t.word('an option')
        if name not in known:
            raise SchemaError(place, 'unknown option "%s"' % name)
        if name in options:
            raise SchemaError(place, 'option "%s" stands twice' % name)
        t.expect('=')
        options[name] = getattr(self, 'value_' + known[name])()

    def value_class(self):
        word = self.t.word('a class')
        if word not in CLASSES:
            self.t.fail('"%s" is no class: expected one of %s' % (word, ', '.join(CLASSES)))
        return word

    def value_number(self):
        return self.t.number()

    def value_text(self):
        return self.t.text()

    def value_bool(self):
        word = self.t.word('true or false')
        if word not in ('true', 'false'):
            self.t.fail('expected true or false, found "%s"' % word)
        return word == 'true'

    def option_line(self, known, options):
        self.option_value(known, options)
        self.t.expect(';')

    def option_list(self, known, options):
        t = self.t
        if t.take_if('['):
            self.option_value(known, options)
            while t.take_if(','):
                self.option_value(known, options)
            t.expect(']')
        t.expect(';')

    def message(self, parent):
        t = self.t
        place = t.place
        m = Message(t.word('the name of a message'), parent, place)
        t.expect('{')
        while not t.take_if('}'):
            if t.take_if('option'):
                self.option_line(MESSAGE_OPTIONS, m.options)
            elif t.take_if('message'):
                m.messages.append(self.message(m))
            elif t.take_if('enum'):
                m.enums.append(self.enum(m))
            elif t.take_if('oneof'):
                self.oneof(m)
            elif t.take_if('reserved'):
                self.reserved(m)
            else:
                m.fields.append(self.field(m, None))
        return m

    def oneof(self, m):
        t = self.t
        place = t.place
        oneof = Oneof(t.word('the name of a oneof'), place)
        m.oneofs.append(oneof)
        t.expect('{')
        while not t.take_if('}'):
            if t.take_if('option'):
                self.option_line(ONEOF_OPTIONS, oneof.options)
            else:
                m.fields.append(self.field(m, oneof))

    def field(self, m, oneof):
        t = self.t
        place = t.place
        repeated = t.take_if('repeated')
        optional = not repeated and t.take_if('optional')
        if t.peek() == 'map':
            return self.map_field(m, place, repeated or optional or oneof)
        type_name = t.type_name()
        name = t.word('the name of a field')
        t.expect('=')
        field = Field(name, t.number(), type_name, place)
        field.repeated = repeated
        field.optional = optional
        field.oneof = oneof
        if oneof and (repeated or optional):
            raise SchemaError(place, 'a member of a oneof is neither repeated nor optional')
        self.option_list(FIELD_OPTIONS, field.options)
        return field

    def map_field(self, m, place, labelled):
        t = self.t
        t.expect('map')
        t.expect('<')
        key = t.word('the type of the key')
        t.expect(',')
        value = t.type_name()
        t.expect('>')
        if labelled:
            raise SchemaError(place, 'a map has no label and is in no oneof')
        if key not in MAP_KEYS:
            raise SchemaError(place, '"%s" cannot be the key of a map' % key)
        name = t.word('the name of a field')
        t.expect('=')
        camel = json_name(name)
        entry = Message(camel[0].upper() + camel[1:] + 'Entry', m, place)
        entry.entry = True
        for entry_field in (Field('key', 1, key, place), Field('value', 2, value, place)):
            entry_field.options['(weft.text)'] = ''
            entry.fields.append(entry_field)
        m.messages.append(entry)
        field = Field(name, t.number(), entry.name, place)
        field.repeated = True
        field.map = True
        self.option_list(FIELD_OPTIONS, field.options)
        return field

    def reserved(self, m):
        t = self.t
        while True:
            if t.items[t.at][0] == 'text':
                m.reserved_names.add(t.text())
            else:
                first = last = t.number()
                if t.take_if('to'):
                    last = NUMBER_MAX if t.take_if('max') else t.number()
                m.reserved_numbers.append((first, last))
            if not t.take_if(','):
                break
        t.expect(';')

    def enum(self, parent):
        t = self.t
        place = t.place
        e = Enum(t.word('the name of an enum'), parent, place)
        t.expect('{')
        while not t.take_if('}'):
            if t.take_if('option'):
                self.option_line(ENUM_OPTIONS, e.options)
                continue
            place = t.place
            name = t.word('the name of a value')
            t.expect('=')
            value = EnumValue(name, t.number(), place)
            self.option_list(ENUM_VALUE_OPTIONS, value.options)
            e.values.append(value)
        return e


class Schema:
    """All files together, with types resolved and everything checked."""

    def __init__(self, files):
        self.files = files
        self.types = {}  # full name → Message or Enum
        for file in files:
            for item in file.messages + file.enums:
                self.declare(file, item, file.package)
        for file in files:
            for m in file.messages:
                self.resolve(m)
        for m in self.messages():
            check_message(m)
        for e in self.enums():
            check_enum(e)

    def messages(self):
        return [t for t in self.types.values() if isinstance(t, Message)]

    def enums(self):
        return [t for t in self.types.values() if isinstance(t, Enum)]

    def declare(self, file, item, scope):
        item.full_name = scope + '.' + item.name if scope else item.name
        if item.full_name in self.types:
            other = self.types[item.full_name].place
            raise SchemaError(item.place, '"%s" is declared at %s:%d already'
                              % (item.full_name, other[0], other[1]))
        self.types[item.full_name] = item
        if isinstance(item, Message):
            for inner in item.messages + item.enums:
                self.declare(file, inner, item.full_name)

    def resolve(self, m):
        for field in m.fields:
            if field.type in SCALARS:
                continue
            target = self.find(field.type_name, m.full_name)
            if not target:
                raise SchemaError(field.place, 'unknown type "%s"' % field.type_name)
            field.target = target
            field.type_name = target.full_name
            field.type = 'message' if isinstance(target, Message) else 'enum'
        for inner in m.messages:
            self.resolve(inner)

    def find(self, name, scope):
        """By protobuf's rule: the innermost scope that knows the name's first part."""
        if name.startswith('.'):
            return self.types.get(name[1:])
        while True:
            full_name = scope + '.' + name if scope else name
            if full_name in self.types:
                return self.types[full_name]
            if not scope:
                return None
            scope = scope.rpartition('.')[0]


def check_message(m):
    if m.unknown_class is None:
        raise SchemaError(m.place, 'message "%s" needs option (weft.unknown)' % m.name)
    if not m.entry and not m.parent and not m.options.get('(weft.about)'):
        raise SchemaError(m.place, 'message "%s" needs option (weft.about)' % m.name)
    if m.unsupported and m.fields:
        raise SchemaError(m.place, 'an unsupported message has no fields')
    check_unique(m.fields, 'number')
    check_unique(m.fields, 'name')
    check_unique(m.fields, 'json_name')
    for field in m.fields:
        check_number(m, field)
        check_options(m, field)


def check_unique(fields, attribute):
    seen = {}
    for field in fields:
        value = getattr(field, attribute)
        if value in seen:
            raise SchemaError(field.place, 'field "%s": %s %s is taken by "%s"' % (
                field.name, attribute, value, seen[value].name))
        seen[value] = field


def check_number(m, field):
    if not 1 <= field.number <= NUMBER_MAX or 19000 <= field.number <= 19999:
        raise SchemaError(field.place, 'field number %d is out of range' % field.number)
    for first, last in m.reserved_numbers:
        if first <= field.number <= last:
            raise SchemaError(field.place, 'field number %d is reserved' % field.number)
    if field.name in m.reserved_names:
        raise SchemaError(field.place, 'field name "%s" is reserved' % field.name)


def has_unsupported_content(field):
    if field.type != 'message':
        return False
    if field.map:
        return has_unsupported_content(field.target.fields[1])
    return field.target.unsupported


def check_options(m, field):
    options = field.options
    integer = field.type in INTEGERS or field.type_name in WRAPPED_INTEGERS
    if '(weft.max)' in options and not integer:
        raise SchemaError(field.place, '(weft.max) is for integers')
    if '(weft.limit)' in options and not (field.repeated or field.type in ('string', 'bytes')):
        raise SchemaError(field.place, '(weft.limit) is for lists and texts')
    if options.get('(weft.unsupported)'):
        for name in ('(weft.text)', '(weft.required)', '(weft.max)', '(weft.limit)'):
            if name in options:
                raise SchemaError(field.place, 'an unsupported field has no %s' % name)
    elif '(weft.text)' not in options:
        raise SchemaError(field.place, 'field "%s" needs (weft.text) or (weft.unsupported)'
                          % field.name)
    elif not m.entry and has_unsupported_content(field):
        raise SchemaError(field.place, 'field "%s" is supported, but its message is not'
                          % field.name)


def check_enum(e):
    if not e.values or e.values[0].number != 0:
        raise SchemaError(e.place, 'the first value of enum "%s" is not 0' % e.name)
    seen = {}
    for value in e.values:
        for key in (value.name, value.number):
            if key in seen:
                raise SchemaError(value.place, '%s stands twice in enum "%s"' % (key, e.name))
            seen[key] = True


def load(paths):
    """The Schema of these files. SchemaError where they are not valid."""
    files = []
    for path in paths:
        with open(path, encoding='utf-8') as f:
            files.append(Parser(path, f.read()).parse())
    return Schema(files)
