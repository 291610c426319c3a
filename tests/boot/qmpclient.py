# SPDX-License-Identifier: MIT
"""A QMP client that checks every answer against the emulator's own schema.

    with Emulator(["-M", "none"]) as e:
        status = e.qmp.run("query-status")["status"]
"""

import array
import json
import os
import socket
import subprocess
import tempfile
import time

from guest import check, emulator, note


class QmpError(Exception):
    """An error reply: its class and text."""

    def __init__(self, error):
        super().__init__(error["desc"])
        self.kind, self.desc = error["class"], error["desc"]


class Schema:
    """What query-qmp-schema answers, by name."""

    PYTHON = {"string": str, "boolean": bool, "int": int, "number": (int, float),
              "null": type(None), "object": dict, "array": list}

    def __init__(self, rows):
        self.rows = {row["name"]: row for row in rows}
        assert len(self.rows) == len(rows), "a name is there twice"

    def named(self, row):
        """The names of types that a row uses."""
        keys = ("arg-type", "ret-type", "element-type", "type")
        for inner in [row, *row.get("members", []), *row.get("variants", [])]:
            if isinstance(inner, dict):
                yield from (inner[k] for k in keys if k in inner)

    def complete(self):
        """All types that are named are there, and all are named."""
        used = {name for row in self.rows.values() for name in self.named(row)}
        types = {name for name, row in self.rows.items()
                 if row["meta-type"] not in ("command", "event")}
        return used == types

    def fits(self, name, value):
        """None if the value is of the type; else what is wrong with it."""
        row = self.rows[name]
        return getattr(self, row["meta-type"])(row, value)

    def builtin(self, row, value):
        wanted = row["json-type"]
        if wanted == "value":
            return None
        good = isinstance(value, self.PYTHON[wanted]) and not (
            wanted == "int" and isinstance(value, bool))
        return None if good else "%r is no %s" % (value, wanted)

    def enum(self, row, value):
        return None if value in row["values"] else "%r is not in %s" % (
            value, row["name"])

    def array(self, row, value):
        if not isinstance(value, list):
            return "%r is no array" % value
        return next(filter(None, (self.fits(row["element-type"], v)
                                  for v in value)), None)

    def alternate(self, row, value):
        wrong = [self.fits(m["type"], value) for m in row["members"]]
        return None if None in wrong else wrong[0]

    def members(self, row, value):
        found = {m["name"]: m for m in row["members"]}
        if "tag" in row:
            word = value.get(row["tag"])
            case = [v["type"] for v in row["variants"] if v["case"] == word]
            found.update(self.members(self.rows[case[0]], value) if case
                         else {})
        return found

    def object(self, row, value):
        if not isinstance(value, dict):
            return "%r is no object" % value
        members = self.members(row, value)
        for name in value:
            if name not in members:
                return "%s has no member %s" % (row["name"], name)
        for name, member in members.items():
            if name not in value:
                if "default" not in member:
                    return "%s of %s is missing" % (name, row["name"])
                continue
            wrong = self.fits(member["type"], value[name])
            if wrong:
                return "%s: %s" % (name, wrong)
        return None


class Qmp:
    """A connection."""

    def __init__(self, sock, timeout=60):
        sock.settimeout(timeout)
        self.sock, self.file = sock, sock.makefile("rb")
        self.events, self.schema, self.wrong, self.last = [], None, [], 0
        self.greeting = self.read()

    def read(self):
        """The next object, one line; None at the end."""
        line = self.file.readline()
        return json.loads(line) if line else None

    def write(self, data):
        self.sock.sendall(data)

    def send(self, command, fds=(), **arguments):
        """Gives a command, without waiting; its id."""
        self.last += 1
        request = {"execute": command, "id": self.last}
        if arguments:
            request["arguments"] = arguments
        data = json.dumps(request).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))] if fds else []
        self.sock.sendmsg([data], rights)
        return self.last

    def answer(self):
        """The next object that is no event."""
        while True:
            got = self.read()
            if got is None or "event" not in got:
                return got
            self.take_event(got)

    def take_event(self, got):
        self.events.append(got)
        if self.schema:
            self.note_wrong(got["event"], self.schema.fits(
                self.schema.rows[got["event"]]["arg-type"],
                got.get("data", {})))

    def note_wrong(self, what, wrong):
        if wrong:
            self.wrong.append("%s: %s" % (what, wrong))

    def run(self, command, fds=(), **arguments):
        """What a command returns; raises QmpError."""
        number = self.send(command, fds, **arguments)
        got = self.answer()
        if got.get("id") != number:
            self.wrong.append("%s: id %r, not %r" % (
                command, got.get("id"), number))
        if "error" in got:
            raise QmpError(got["error"])
        if self.schema:
            row = self.schema.rows[command]
            self.note_wrong(command, self.schema.fits(row["ret-type"],
                                                      got["return"]))
        return got["return"]

    def negotiate(self):
        self.run("qmp_capabilities")
        self.schema = Schema(self.run("query-qmp-schema"))
        return self

    def event(self, name, timeout=60):
        """Waits for an event; its data ({}: none), or None if in vain."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            for at, got in enumerate(self.events):
                if got["event"] == name:
                    del self.events[:at + 1]
                    return got.get("data", {})
            got = self.read()
            if got is None:
                return None
            self.take_event(got)
        return None

    def error(self, command, **arguments):
        """The error that a command ends with: (class, text)."""
        try:
            self.run(command, **arguments)
        except QmpError as e:
            return e.kind, e.desc
        return None, "no error"

    def close(self):
        self.file.close()
        self.sock.close()


def connect(path, timeout=60):
    """Connects to a Unix socket that may not be there yet."""
    limit = time.monotonic() + timeout
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
            return Qmp(sock)
        except OSError:
            sock.close()
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)


class Emulator:
    """An emulator with a QMP socket, negotiated, for `with`."""

    def __init__(self, options, program=None):
        self.folder = tempfile.TemporaryDirectory(prefix="anole-qmp-")
        self.path = os.path.join(self.folder.name, "q")
        self.command = [program or emulator(), *options, "-nographic",
                        "-nodefaults", "-qmp",
                        "unix:%s,server=on,wait=off" % self.path]
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.qmp = connect(self.path).negotiate()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.child.poll() is None:
            self.child.terminate()
        output = self.child.communicate()[0].decode("latin-1")
        self.qmp.close()
        self.folder.cleanup()
        for text in self.qmp.wrong:
            note(text)
        check(not self.qmp.wrong, "all answers were as the schema says (%s)"
              % " ".join(self.command[1:3]))
        if kind:
            note(output)
