# SPDX-License-Identifier: MIT
"""What the style tests need to know of C: files, functions, file data.

This is no parser. It blanks comments, strings and preprocessor lines, keeping
every character's place, and then follows braces and parentheses; that is
enough for code that is laid out as docs/style.md says.
"""

import os
import re

FOLDERS = ["include", "util", "tcg", "target", "accel", "softmmu", "hw",
           "block", "chardev", "net", "ui", "migration", "monitor", "gdbstub",
           "tests"]
BLANKED = re.compile(
    r"/\*.*?\*/|//(?:\\\n|[^\n])*"
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)(?=\s|;|\{|,|\)|$)", re.S)
CONTROL = {"if", "for", "while", "switch"}


def files(top, *endings):
    """Paths below `top`, from there, of the sources with these endings."""
    found = []
    for folder in FOLDERS:
        for where, folders, names in os.walk(os.path.join(top, folder)):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            found += [os.path.relpath(os.path.join(where, name), top)
                      for name in sorted(names) if name.endswith(endings)]
    return found


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def blank(match):
    """Spaces for the text matched; strings keep their quotes."""
    text = match[0]
    inside = re.sub(r"[^\n]", " ", text)
    if text[0] in "\"'" and len(text) > 1:
        return text[0] + inside[1:-1] + text[0]
    return inside


def strip(text):
    """The text with comments, strings and directives blanked."""
    text = DIRECTIVE.sub(blank, BLANKED.sub(blank, text))
    return ATTRIBUTE.sub(blank, text)


class Function:
    def __init__(self, name, head, body, end, params, depth):
        self.name = name            # identifier before the parameters
        self.head = head            # first line of the declaration
        self.body = body            # line of the opening brace
        self.end = end              # line of the closing one
        self.params = params        # how many
        self.depth = depth          # deepest nesting of control braces
        self.deepest = 0            # the line of that

    def length(self):
        """Lines between the braces; one line for `{ return x; }`."""
        return max(self.end - self.body - 1, 1)


class Datum:
    """A declaration of data at file scope, or static in a function."""

    def __init__(self, text, line, inside):
        self.text, self.line, self.inside = text, line, inside


def matching_open(text, close):
    """The place of the parenthesis that text[close] closes."""
    depth = 0
    for at in range(close, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            return at
    return 0


def split_params(text):
    """How many parameters `text`, from between the parentheses, declares."""
    depth, count = 0, 1
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        count += c == "," and depth == 0
    return 0 if text.strip() in ("", "void") else count


class Source:
    """One C file, taken apart."""

    def __init__(self, text):
        self.lines = text.split("\n")
        self.code = strip(text)
        self.functions, self.data = [], []
        self.in_data = set()        # lines inside a file-scope initialiser
        self.scan()

    def line(self, at):
        return self.code.count("\n", 0, at) + 1

    def scan(self):
        """Walks the file at brace depth 0."""
        at = start = 0
        parens = 0
        while at < len(self.code):
            c = self.code[at]
            parens += (c == "(") - (c == ")")
            if c == "{":
                at, start = self.block(start, at, parens)
                continue
            if c == ";" and not parens:
                self.datum(start, at)
                start = at + 1
            at += 1

    def block(self, start, opening, parens):
        """A brace at depth 0: a function, or data or a type.

        Returns where to go on, and where the declaration in hand begins.
        """
        end = self.close(opening)
        head = self.code[start:opening].rstrip()
        params = head.endswith(")") and matching_open(head, len(head) - 1)
        words = re.findall(r"\w+", head[:params] if params else "")
        is_row = re.match(r"\{\s*[.\[}]", self.code[opening:end + 1])
        if not parens and len(words) > 1 and "=" not in head:
            self.function(words[-1], start, opening, end,
                          split_params(head[params + 1:-1]))
            return end + 1, end + 1
        if "=" in head or (params and is_row):
            self.in_data.update(range(self.line(opening), self.line(end) + 1))
        return end + 1, start

    def close(self, opening):
        """The place of the brace that closes the one at `opening`."""
        depth = 0
        for at in range(opening, len(self.code)):
            depth += (self.code[at] == "{") - (self.code[at] == "}")
            if not depth:
                return at
        return len(self.code) - 1

    def first(self, start):
        """The place of the first word at or after `start`."""
        return start + len(self.code[start:]) - len(self.code[start:].lstrip())

    def function(self, name, start, opening, end, params):
        f = Function(name, self.line(self.first(start)), self.line(opening),
                     self.line(end), params, 0)
        stack = []
        for at in range(opening + 1, end):
            if self.code[at] == "{":
                stack.append(self.is_control(opening, at))
                if sum(stack) > f.depth:
                    f.depth, f.deepest = sum(stack), self.line(at)
            elif self.code[at] == "}" and stack:
                stack.pop()
        self.functions.append(f)
        body = self.code[opening:end]
        for m in re.finditer(r"(?<=[;{}:])\s*(static\b[^;{]*)", body):
            self.data.append(Datum(m[1], self.line(opening + m.start(1)),
                                   name))

    def is_control(self, start, at):
        """Does the brace at `at` hold statements (rather than values)?"""
        before = self.code[start:at].rstrip()
        word = re.search(r"(\w+)$", before)
        if word:
            return word[1] in ("else", "do")
        if before[-1] != ")":
            return before[-1] in ";:}{("
        lead = before[:matching_open(before, len(before) - 1)].rstrip()
        word = re.search(r"(\w+)$", lead)
        return bool(word) and word[1] not in ("return", "sizeof", "case")

    def datum(self, start, end):
        start = self.first(start)
        text = self.code[start:end]
        if text.strip():
            self.data.append(Datum(text, self.line(start), None))


def is_mutable(datum):
    """Is it a variable that can change?"""
    # What is initialised, or how big it is, is no matter.
    text = re.sub(r"\{.*\}", " ", datum.text, flags=re.S).split("=")[0]
    text = re.sub(r"\[[^]]*\]", " ", text)
    if re.match(r"\s*(typedef|extern|_Static_assert|static_assert)\b", text):
        return False
    if "(" in text and not re.match(r"[^(]*\(\s*\*\s*\w+\s*\)", text):
        return False                    # a prototype or a macro's row
    if not re.search(r"\w+[\s*]+\w+\s*$|\)", text):
        return False                    # no type and name: a macro, a tag
    if re.match(r"\s*(struct|union|enum)\s+\w+\s*$", text):
        return False
    tail = text.rsplit("*", 1)[-1] if "*" in text else text
    return not re.search(r"\bconst\b", tail)


def name_of(datum):
    """The name that a declaration of data declares."""
    text = re.sub(r"\{.*\}", " ", datum.text, flags=re.S).split("=")[0]
    text = re.sub(r"\[[^]]*\]", " ", text)
    m = re.match(r"[^(]*\(\s*\*\s*(\w+)", text) or re.search(r"(\w+)\s*$", text)
    return m[1] if m else text.strip()
