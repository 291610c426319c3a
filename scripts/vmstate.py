#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a machine's saved state and prints what is in it.

usage: vmstate.py FILE [--numbers]

docs/migration.md has the format.  Without --numbers long records are cut.
"""

import struct
import sys
import zlib

MAGIC, VERSION, PAGE = b"ANOLEVM\n", 1, 4096
KINDS = {1: "machine", 2: "ram", 3: "cpu", 4: "device", 5: "state", 6: "end"}
CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Bad(Exception):
    pass


def sections(data):
    """(kind, name, contents) of each section, checked."""
    if data[:8] != MAGIC:
        raise Bad("this is no saved state of anole")
    version, = struct.unpack_from("<I", data, 8)
    if version != VERSION:
        raise Bad("version %d" % version)
    at = 12
    while True:
        start, kind, length = at, data[at], data[at + 1]
        name = data[at + 2:at + 2 + length].decode()
        at += 2 + length
        size, = struct.unpack_from("<I", data, at)
        at += 4
        contents = data[at:at + size]
        at += size
        crc, = struct.unpack_from("<I", data, at)
        if crc != zlib.crc32(data[start:at]):
            raise Bad("section %s: wrong checksum" % name)
        at += 4
        yield KINDS[kind], name, contents
        if KINDS[kind] == "end":
            return


def records(contents):
    """(name, bytes of a number, numbers) of each record."""
    at = 0
    while at < len(contents):
        length = contents[at]
        name = contents[at + 1:at + 1 + length].decode()
        at += 1 + length
        unit, count = struct.unpack_from("<BI", contents, at)
        at += 5
        yield name, unit, struct.unpack_from("<%d%s" % (count, CODES[unit]),
                                             contents, at)
        at += unit * count


def pages(contents):
    """(offset, bytes) of each page in a section of memory."""
    offset, count, how = struct.unpack_from("<QIB", contents)
    data = (contents[13:], bytes(count * PAGE),
            contents[13:] if how != 2 else zlib.decompress(contents[13:]))[how]
    for i in range(count):
        yield offset + i * PAGE, data[i * PAGE:(i + 1) * PAGE]


def read(path):
    """All of a file: ({(kind, name): {record: numbers}}, {(name, offset):
    page}), the pages without those that are zero in the end."""
    with open(path, "rb") as f:
        data = f.read()
    state, memory = {}, {}
    for kind, name, contents in sections(data):
        if kind == "ram":
            memory.update(((name, at), p) for at, p in pages(contents))
        else:
            state[kind, name] = {r: v for r, _, v in records(contents)}
    zero = bytes(PAGE)
    return state, {k: p for k, p in memory.items() if p != zero}


def show(unit, numbers, cut):
    if unit == 1 and numbers and all(32 <= n < 127 for n in numbers):
        return repr(bytes(numbers).decode())
    words = ["%x" % n for n in numbers[:16] if cut] or \
            ["%x" % n for n in numbers]
    more = " ... (%d)" % len(numbers) if cut and len(numbers) > 16 else ""
    return " ".join(words) + more


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    for kind, name, contents in sections(data):
        if kind == "ram":
            offset, count, how = struct.unpack_from("<QIB", contents)
            print("ram %s %#x: %d pages %s" % (
                name, offset, count, ("plain", "zero", "zlib")[how]))
            continue
        print("%s %s" % (kind, name))
        for record, unit, numbers in records(contents):
            print("    %s u%d: %s" % (record, unit * 8, show(
                unit, numbers, "--numbers" not in sys.argv)))


if __name__ == "__main__":
    main()
