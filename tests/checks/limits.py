#!/usr/bin/python3
"""The sizes that the style allows: of functions, files, lines, parameters and nesting.

Tables are exempt: what stands between `clang-format off` and `clang-format on` counts
neither for the length of its file nor for that of its lines. A line that is one word cannot
be broken, and the parameters of a library's callback are not ours to count.
"""

import re

from c_source import functions
from tree import files, finish, text

FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
NESTING_MAX = 4
FILE_LINES_MAX = 1000
LINE_COLUMNS_MAX = 100
TAB_COLUMNS = 8

ONE_WORD = re.compile(r"\s*(#define \w+\s+)?\S+")
TABLE = re.compile(r"clang-format off.*?clang-format on", re.S)


def function_problems(name, source):
    for f in functions(source):
        where = f"{name}:{f.line}: {f.name}"
        if f.length > FUNCTION_LINES_MAX:
            yield f"{where} has {f.length} lines, more than {FUNCTION_LINES_MAX}"
        if f.parameters > PARAMETERS_MAX and not f.callback:
            yield f"{where} has {f.parameters} parameters, more than {PARAMETERS_MAX}"
        if f.nesting > NESTING_MAX:
            yield f"{where} nests {f.nesting} deep, more than {NESTING_MAX}"


def file_problems(name, source):
    blanked = TABLE.sub(lambda found: "\n" * found[0].count("\n"), source)
    tables = sum(found[0].count("\n") for found in TABLE.finditer(source))
    lines = source.count("\n") - tables
    if lines > FILE_LINES_MAX:
        yield f"{name}: {lines} lines, more than {FILE_LINES_MAX}"
    for number, line in enumerate(blanked.splitlines(), 1):
        columns = len(line.expandtabs(TAB_COLUMNS))
        if columns > LINE_COLUMNS_MAX and not ONE_WORD.fullmatch(line):
            yield f"{name}:{number}: {columns} columns, more than {LINE_COLUMNS_MAX}"


def main():
    problems, count = [], 0
    c_files = files("*.c", "*.h", "*.cc")
    for name in c_files:
        source = text(name)
        count += len(functions(source))
        problems += function_problems(name, source)
        problems += file_problems(name, source)
    for name in files("*.py", "*.sh", "Makefile"):
        problems += file_problems(name, text(name))
    finish(problems, f"{count} functions in {len(c_files)} files are within the limits")


if __name__ == "__main__":
    main()
