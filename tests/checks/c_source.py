"""A C file as tokens, and the functions in it: length, parameters, nesting.

This is no compiler: comments, literals and preprocessor lines are blanked, and what is left
is read as words and signs. A function is a `{` at file level after a parameter list. Nesting
counts the control statements around a statement; `else if` goes no deeper than its `if`.
"""

import re
from dataclasses import dataclass

BLANKED = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.S | re.M)
TOKEN = re.compile(r"[A-Za-z_]\w*|\d\w*|[^\s\w]")
LOOP = re.compile(r"(if|for|while|switch|\w*for_each\w*)$")
LIBRARY = re.compile(r"(nghttp2|sqlite3|yaml)_|(SSL|X509|BIO)(_|$)")
PAIRS = {"(": ")", "{": "}", "[": "]"}


@dataclass
class Token:
    text: str
    line: int


@dataclass
class Function:
    name: str
    line: int
    length: int
    parameters: int
    nesting: int
    callback: bool  # its signature is a library's, not ours


def tokens(source):
    # A literal leaves a word in its place, so that `{ "a" }` is not empty.
    def blank(found):
        keep = "0" if found[0][0] in "\"'" else ""
        return keep + "\n" * found[0].count("\n")

    result, line = [], 1
    for number, row in enumerate(BLANKED.sub(blank, source).split("\n"), 1):
        line = number
        result += [Token(found[0], line) for found in TOKEN.finditer(row)]
    return result


def closing(ts, i):
    """The index of the sign that closes the one at i."""
    depth, opener, closer = 0, ts[i].text, PAIRS[ts[i].text]
    for j in range(i, len(ts)):
        if ts[j].text == opener:
            depth += 1
        elif ts[j].text == closer:
            depth -= 1
            if depth == 0:
                return j
    return len(ts) - 1


def opening(ts, i):
    """The index of the parenthesis that the one at i closes."""
    depth = 0
    for j in range(i, -1, -1):
        if ts[j].text == ")":
            depth += 1
        elif ts[j].text == "(":
            depth -= 1
            if depth == 0:
                return j
    return 0


def functions(source):
    ts = tokens(source)
    found, i = [], 0
    while i < len(ts):
        if ts[i].text != "{":
            i += 1
            continue
        end = closing(ts, i)
        if ts[i - 1].text == ")":
            found.append(function_at(ts, i, end))
        i = end + 1
    return found


def function_at(ts, brace, end):
    last = brace - 1
    first = opening(ts, last)
    while ts[first - 1].text in ("__attribute__", "(") and ts[first - 2].text == ")":
        last = first - 2
        first = opening(ts, last)
    name = ts[first - 1]
    title = name.text
    if title.isupper():
        title += "(" + "".join(t.text for t in ts[first + 1:last]) + ")"
    return Function(title, name.line, ts[end].line - name.line + 1,
                    parameters(ts[first + 1:last]), nesting(ts, brace + 1, end),
                    any(LIBRARY.match(t.text) for t in ts[first + 1:last]))


def parameters(ts):
    if not ts or [t.text for t in ts] == ["void"]:
        return 0
    depth, count = 0, 1
    for t in ts:
        depth += (t.text in "([{") - (t.text in ")]}")
        count += t.text == "," and depth == 0
    return count


def nesting(ts, i, end):
    """The deepest nesting of the statements in [i, end)."""
    deepest = 0
    while i < end:
        i, depth = statement(ts, i, end)
        deepest = max(deepest, depth)
    return deepest


def statement(ts, i, end):
    """One statement from i: the index after it, and how deep it goes."""
    word = ts[i].text
    if word == "{":
        close = closing(ts, i)
        return close + 1, nesting(ts, i + 1, close)
    if word in ("else", "do"):
        return branch(ts, i + 1, end, word)
    if LOOP.match(word) and i + 1 < end and ts[i + 1].text == "(":
        after = closing(ts, i + 1) + 1
        if after < end and ts[after].text != ";":
            return branch(ts, after, end, word)
        return after + 1, 0
    return simple(ts, i, end), 0


def branch(ts, i, end, word):
    after, depth = statement(ts, i, end)
    is_else_if = word == "else" and ts[i].text == "if"
    return after, depth + (0 if is_else_if else 1)


def simple(ts, i, end):
    """Past a declaration or an expression, initialisers included, or past a label."""
    while i < end and ts[i].text not in ";:":
        i = closing(ts, i) if ts[i].text in PAIRS else i
        if ts[i].text == "?":
            return past_semicolon(ts, i, end)
        i += 1
    return i + 1


def past_semicolon(ts, i, end):
    while i < end and ts[i].text != ";":
        i = closing(ts, i) if ts[i].text in PAIRS else i
        i += 1
    return i + 1
