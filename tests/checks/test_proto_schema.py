"""The generator of the protobuf tables says what is wrong with a .proto, and where."""

import subprocess
import sys

import pytest

from tree import ROOT

sys.path.insert(0, str(ROOT / "proto"))
import schema  # noqa: E402

HEAD = 'syntax = "proto3";\npackage a.v1;\n'
MESSAGE = 'message M {\n  option (weft.unknown) = OPEN;\n  option (weft.about) = "M.";\n'
TEXT = '[(weft.text) = "T."]'


def parse(tmp_path, text):
    path = tmp_path / "a.proto"
    path.write_text(text)
    return schema.load([str(path)])


@pytest.mark.parametrize("line,body,expected", [
    (7, f"string a = 1 {TEXT};\n  string b = 1 {TEXT};", 'field "b": number 1 is taken by "a"'),
    (7, f"string a_b = 1 {TEXT};\n  string aB = 2 {TEXT};",
     'field "aB": json_name aB is taken by "a_b"'),
    (6, "string a = 1;", 'field "a" needs (weft.text) or (weft.unsupported)'),
    (6, f"string a = 0 {TEXT};", "field number 0 is out of range"),
    (6, f"string a = 19000 {TEXT};", "field number 19000 is out of range"),
    (6, f"Missing a = 1 {TEXT};", 'unknown type "Missing"'),
    (6, 'string a = 1 [(weft.texts) = "T."];', 'unknown option "(weft.texts)"'),
    (6, 'string a = 1 [(weft.class) = SEMANTICS];',
     '"SEMANTICS" is no class: expected one of OPEN, DEGRADE, SEMANTIC, CLOSED'),
    (6, 'string a = 1 [(weft.unsupported) = true, (weft.text) = "T."];',
     "an unsupported field has no (weft.text)"),
    (6, 'string a = 1 [(weft.max) = 3, (weft.text) = "T."];', "(weft.max) is for integers"),
    (6, 'bool a = 1 [(weft.limit) = 3, (weft.text) = "T."];',
     "(weft.limit) is for lists and texts"),
    (7, f"reserved 2 to 4;\n  string a = 3 {TEXT};", "field number 3 is reserved"),
    (6, f"map<double, string> a = 1 {TEXT};", '"double" cannot be the key of a map'),
    (6, f"oneof o {{ repeated string a = 1 {TEXT}; }}",
     "a member of a oneof is neither repeated nor optional"),
    (6, "enum E { A = 1; }", 'the first value of enum "E" is not 0'),
    (6, "string a = x;", 'expected a number, found "x"'),
    (6, "extensions 100 to 200;", 'expected the name of a field, found "100"'),
])
def test_what_is_wrong_is_said_with_its_line(tmp_path, line, body, expected):
    with pytest.raises(schema.SchemaError) as error:
        parse(tmp_path, HEAD + MESSAGE + "  " + body + "\n}\n")
    assert str(error.value) == f"{tmp_path}/a.proto:{line}: {expected}"


def test_a_message_must_say_what_an_unknown_number_means(tmp_path):
    with pytest.raises(schema.SchemaError, match=r'a.proto:3: message "M" needs .*unknown'):
        parse(tmp_path, HEAD + 'message M {\n  option (weft.about) = "M.";\n}\n')


@pytest.mark.parametrize("text", ["service S {}", "extend M { string a = 1; }", 'option x = "y";'])
def test_what_is_not_of_the_subset_is_refused(tmp_path, text):
    with pytest.raises(schema.SchemaError, match="is not part of the subset"):
        parse(tmp_path, HEAD + text)


def test_names_resolve_from_the_inside_out(tmp_path):
    parsed = parse(tmp_path, HEAD + MESSAGE + f"  message N {{ N n = 1 {TEXT}; }}\n"
                   f"  N a = 1 {TEXT};\n  .a.v1.N b = 2 {TEXT};\n  a.v1.N c = 3 {TEXT};\n}}\n"
                   + MESSAGE.replace("M {", "N {") + "}\n")
    fields = {f.name: f.type_name for f in parsed.types["a.v1.M"].fields}
    assert fields == {"a": "a.v1.M.N", "b": "a.v1.N", "c": "a.v1.N"}
    assert parsed.types["a.v1.M.N"].fields[0].type_name == "a.v1.M.N"


def generate(tmp_path, text):
    path = tmp_path / "a.proto"
    path.write_text(text)
    return subprocess.run([sys.executable, ROOT / "proto/generate.py", tmp_path / "o.h",
                           tmp_path / "o.c", path], capture_output=True, text=True, check=False)


def test_two_messages_of_one_name_in_c_are_an_error(tmp_path):
    done = generate(tmp_path, HEAD + MESSAGE + f"  message N {{ string a = 1 {TEXT}; }}\n}}\n"
                    + MESSAGE.replace("M {", "M_N {") + "}\n")
    assert done.returncode == 1
    assert 'a.proto:8: "M_N" would be pb_M_N in C, as at' in done.stderr
    assert "set (weft.c_name)" in done.stderr
    assert not (tmp_path / "o.h").exists()


def test_equal_input_gives_equal_output(tmp_path):
    text = HEAD + MESSAGE + f"  string b = 2 {TEXT};\n  string a = 1 {TEXT};\n}}\n"
    assert generate(tmp_path, text).returncode == 0
    first = (tmp_path / "o.h").read_text(), (tmp_path / "o.c").read_text()
    assert generate(tmp_path, text).returncode == 0
    assert first == ((tmp_path / "o.h").read_text(), (tmp_path / "o.c").read_text())
    assert first[0].index("PB_M_a, /* 1 */") < first[0].index("PB_M_b, /* 2 */")
