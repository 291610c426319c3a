#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tables and documentation of QMP from its schema.

usage: qmpgen.py SCHEMA table|doc

The schema is lines:

    == Title                    a section of the documentation
    # text                      documentation of what comes next
    enum Name: word word ...    one of some words; may go on in more lines
    struct Name [: Base]        an object, with the members of Base first
    union Name on member        an object; `member` (an enum) says which branch
    alternate Name              one of some types of different kinds
    command name [(Type)] [-> Type]     arguments: members, or those of Type
    event NAME [limited]        data: members; at most one a second

followed, indented, by

    name: type    text          a member; `name?` may be left out
    | word: Type                a branch of a union
    | type                      a type of an alternate
    ...                         other members may follow

A type is a name or [name], an array.
"""

import re
import sys

# Types that are there: kind, smallest, largest.
BUILTIN = {
    "str": ("STRING",), "bool": ("BOOL",), "number": ("NUMBER",),
    "null": ("NULL",), "any": ("ANY",),
    "int": ("INT", "INT64_MIN", "INT64_MAX"),
    "u64": ("INT", "0", "UINT64_MAX"), "size": ("INT", "0", "UINT64_MAX"),
    "u32": ("INT", "0", "UINT32_MAX"), "u16": ("INT", "0", "UINT16_MAX"),
    "u8": ("INT", "0", "UINT8_MAX"),
}
MEMBER = re.compile(r"([\w-]+)(\??):\s*(\[?[\w-]+\]?)(?:\s+(.*))?$")
BRANCH = re.compile(r"\|\s*([\w-]+)(?::\s*([\w-]+))?$")
HEAD = re.compile(r"(enum|struct|union|alternate|command|event)\s+([\w-]+)"
                  r"(.*)$")


class Thing:
    """A type, command or event."""

    def __init__(self, kind, name, rest, doc, line):
        self.kind, self.name, self.doc, self.line = kind, name, doc, line
        self.members = []       # (name, optional, type, text)
        self.branches = []      # (word, type)
        self.words = []
        self.base = self.tag = self.boxed = self.returns = None
        self.limited = rest == "limited"
        self.open = False
        m = re.match(r"\((\w+)\)", rest)
        self.boxed = m and m[1]
        m = re.search(r"->\s*(\[?\w+\]?)$", rest)
        self.returns = m and m[1]
        if kind == "struct" and rest:
            self.base = rest.lstrip(": ")
        if kind == "union":
            self.tag = rest.split()[-1]
        if kind == "enum":
            self.words = rest.lstrip(":").split()


class Schema:
    def __init__(self, path):
        self.path = path
        self.things, self.sections = [], []
        self.read()
        self.types = {t.name: t for t in self.things
                      if t.kind not in ("command", "event")}
        self.check()

    def wrong(self, line, text):
        sys.exit("%s:%d: %s" % (self.path, line, text))

    def read(self):
        doc, now = [], None
        for n, line in enumerate(open(self.path, encoding="utf-8"), 1):
            text = line.strip()
            if text.startswith("=="):
                self.sections.append((text.strip("= "), [], []))
                doc = self.sections[-1][1]
            elif text.startswith("#"):
                doc.append(text[2:])
            elif not text:
                doc = []                # what is above is a section's
            elif line[0] == " ":
                self.inside(now, text, n)
            else:
                m = HEAD.match(text) or self.wrong(n, "not understood")
                now = Thing(m[1], m[2], m[3].strip(), "\n".join(doc), n)
                doc = []
                self.things.append(now)
                self.sections[-1][2].append(now)

    def inside(self, thing, text, n):
        member, branch = MEMBER.match(text), BRANCH.match(text)
        if thing.kind == "enum":
            thing.words += text.split()
        elif text == "...":
            thing.open = True
        elif branch and thing.kind in ("union", "alternate"):
            thing.branches.append((branch[1], branch[2]))
        elif member:
            thing.members.append((member[1], bool(member[2]), member[3],
                                  member[4] or ""))
        else:
            self.wrong(n, "not understood")

    def check(self):
        """Every type that is named is there; every type is used."""
        used = set()
        for t in self.things:
            named = [m[2] for m in t.members] + [b[1] for b in t.branches]
            if t.kind == "alternate":
                named = [b[0] for b in t.branches]
            named += [t.base, t.boxed, t.returns]
            for name in filter(None, named):
                bare = name.strip("[]")
                used.add(bare)
                if bare not in self.types and bare not in BUILTIN:
                    self.wrong(t.line, "there is no type %s" % bare)
            if t.kind == "union":
                self.check_union(t)
        for t in self.types.values():
            if t.name not in used:
                self.wrong(t.line, "nothing uses %s" % t.name)

    def check_union(self, t):
        tag = [m[2] for m in self.all_members(t) if m[0] == t.tag]
        words = self.types[tag[0]].words if tag else []
        for word, _ in t.branches:
            if word not in words:
                self.wrong(t.line, "%s is no value of %s" % (word, t.tag))

    def all_members(self, t):
        base = self.all_members(self.types[t.base]) if t.base else []
        return base + t.members


# ---- C ---------------------------------------------------------------------

def c_name(name):
    return re.sub(r"\W", "_", name)


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class Table:
    """Writes the tables of monitor/qmp_schema.h."""

    def __init__(self, schema):
        self.schema = schema
        self.arrays = set()

    def ref(self, name):
        if not name:
            return "&type_empty"
        if name[0] == "[":
            self.arrays.add(name.strip("[]"))
            return "&array_" + c_name(name.strip("[]"))
        return "&type_" + c_name(name)

    def members(self, name, members):
        if not members:
            return "NULL"
        print("static const SchemaMember members_%s[] = {" % name)
        for m, optional, kind, text in members:
            print("    { %s, %s, %s }," % (
                quoted(m), self.ref(kind), "true" if optional else "false"))
        print("    { NULL, NULL, false }\n};")
        return "members_" + name

    def branches(self, t):
        if not t.branches:
            return "NULL"
        name = "branches_" + c_name(t.name)
        print("static const SchemaBranch %s[] = {" % name)
        for word, kind in t.branches:
            if t.kind == "alternate":
                word, kind = "", word
            print("    { %s, %s }," % (quoted(word), self.ref(kind)))
        print("    { NULL, NULL }\n};")
        return name

    def type(self, t):
        name = c_name(t.name)
        words = "NULL"
        if t.words:
            words = "words_" + name
            print("static const char *const %s[] = {" % words)
            for word in t.words:
                print("    %s," % quoted(word))
            print("    NULL\n};")
        members = self.members(name, self.schema.all_members(t))
        branches = self.branches(t)
        kind = {"enum": "ENUM", "alternate": "ALTERNATE"}.get(t.kind, "OBJECT")
        print("static const SchemaType type_%s = {\n    .name = %s, .kind = "
              "SCHEMA_%s, .words = %s,\n    .members = %s, .tag = %s, "
              ".branches = %s,\n};" % (
                  name, quoted(t.name), kind, words, members,
                  quoted(t.tag) if t.tag else "NULL", branches))

    def arguments(self, t):
        """The type of a command's or event's arguments."""
        if t.boxed:
            return self.ref(t.boxed)
        if not t.members:
            return "&type_empty"
        name = "arguments_" + c_name(t.name)
        members = self.members(name, t.members)
        print("static const SchemaType type_%s = {\n    .name = %s, .kind = "
              "SCHEMA_OBJECT, .members = %s, .open = %s,\n};" % (
                  name, quoted(t.name + "-arg"), members,
                  "true" if t.open else "false"))
        return "&type_" + name

    def declare(self):
        print("/* Made by scripts/qmpgen.py from monitor/qmp.schema. */\n"
              "#include \"monitor/qmp_schema.h\"\n")
        for name in list(BUILTIN) + list(self.schema.types) + ["empty"]:
            print("static const SchemaType type_%s __attribute__((unused));"
                  % c_name(name))
        for t in self.schema.things:
            for kind in [m[2] for m in t.members] + [t.returns or ""]:
                if kind.startswith("["):
                    self.arrays.add(kind.strip("[]"))
        for name in sorted(self.arrays):
            print("static const SchemaType array_%s;" % c_name(name))

    def builtins(self):
        print("static const SchemaType type_empty = { .name = \"empty\", "
              ".kind = SCHEMA_OBJECT };")
        for name, row in BUILTIN.items():
            limits = ", .min = %s, .max = %s" % row[1:] if row[1:] else ""
            print("static const SchemaType type_%s = { .name = \"%s\", .kind "
                  "= SCHEMA_%s%s };" % (name, name, row[0], limits))
        for name in sorted(self.arrays):
            print("static const SchemaType array_%s = {\n    .name = \"[%s]\","
                  " .kind = SCHEMA_ARRAY, .element = &type_%s,\n};" % (
                      c_name(name), name, c_name(name)))

    def list(self, kind, row):
        rows = [(t, self.arguments(t)) for t in self.schema.things
                if t.kind == kind]
        rows.sort(key=lambda pair: pair[0].name)
        print("const Schema%s schema_%ss[] = {" % (kind.capitalize(), kind))
        for t, arguments in rows:
            print("    { %s, %s, %s }," % (quoted(t.name), arguments, row(t)))
        print("    { NULL, NULL, %s }\n};" % (
            "NULL, NULL" if kind == "command" else "false"))

    def write(self):
        self.declare()
        self.builtins()
        for t in self.schema.types.values():
            self.type(t)
        for t in self.schema.things:
            if t.kind == "command":
                print("QmpRun qmp_%s;" % c_name(t.name))
        self.list("command", lambda t: "%s, qmp_%s" % (
            self.ref(t.returns), c_name(t.name)))
        self.list("event", lambda t: "true" if t.limited else "false")


# ---- documentation ---------------------------------------------------------

def doc_type(name):
    bare = name.strip("[]")
    text = bare if bare in BUILTIN else "[%s](#%s)" % (bare, bare.lower())
    return "array of " + text if name[0] == "[" else text


def doc_thing(schema, t):
    print("\n### %s\n" % t.name)
    if t.doc:
        print(t.doc)
    if t.words:
        print("\nOne of %s." % ", ".join("`%s`" % w for w in t.words))
    if t.kind == "alternate":
        print("\nEither %s." % ", or ".join(doc_type(b[0])
                                            for b in t.branches))
    if t.boxed:
        print("\nArguments: those of %s." % doc_type(t.boxed))
    members = schema.all_members(t)
    if members:
        print("\n| %s | type | |\n|---|---|---|" % (
            {"command": "argument"}.get(t.kind, "member")))
        for name, optional, kind, text in members:
            print("| `%s`%s | %s | %s |" % (
                name, " (optional)" if optional else "", doc_type(kind), text))
    if t.open:
        print("\nOther members may follow.")
    if t.branches and t.kind == "union":
        print("\nWith `%s` being" % t.tag)
        for word, kind in t.branches:
            print("- `%s`: the members of %s" % (word, doc_type(kind)))
    if t.returns:
        print("\nReturns %s." % doc_type(t.returns))
    if t.limited:
        print("\nAt most one a second is sent; the last is never lost.")


def doc(schema):
    print("# QMP, the monitor for programs\n\nPrinted from `monitor/qmp.schema`"
          " by `scripts/qmpgen.py`.\n")
    for kind in "command", "event":
        names = sorted(t.name for t in schema.things if t.kind == kind)
        print("%ss: %s\n" % (kind.capitalize(), ", ".join(
            "[%s](#%s)" % (n, n.lower()) for n in names)))
    for title, text, things in schema.sections:
        print("## %s" % title)
        if text:
            print("\n" + "\n".join(text))
        for t in things:
            doc_thing(schema, t)
        print(end="" if title == schema.sections[-1][0] else "\n")


def main():
    schema = Schema(sys.argv[1])
    if sys.argv[2] == "doc":
        doc(schema)
    else:
        Table(schema).write()


main()
