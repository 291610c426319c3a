#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The monitor beside the console, and consoles in other places."""

import os
import re
import socket

from guest import (Guest, bare, check, done, free_port, is_anole, make_raw,
                   note, read_until, scratch, type_until_echoed, unix_connect)

READY = r"^echo is ready\n"

# A monitor command and what its answer has to match.
COMMANDS = [
    ("info status", r"running"),
    ("info registers", r"PC=0*4008010|pc +0x0*4008010"),
    ("info registers", r"X00=[0-9a-f]{16}|x0 +0x[0-9a-f]"),
    ("info mtree", r"0*9000000-0*9000fff.*(pl011|uart)"),
    ("info qtree", r"pl011"),
    ("x/4i 0x40080100", r"(0x0*400801[0-9a-f]{2}:.*\n){4}"),
    ("x /2xw 0x40080100", r"40080100: 0xb9401822 0x3727ffe2"),
    ("xp /4xw 0x40000000", r"0*40000000:( 0x[0-9a-f]{8}){4}"),
    ("stop", r""),
    ("info status", r"paused"),
    ("cont", r""),
    ("info status", r"running"),
    ("nonsense", r"(?i)unknown command|no command|nonsense"),
]
ANOLE_COMMANDS = [("x/4i $pc", r"(0x0*400801[0-9a-f]{2}:.*\n){4}"),
                  ("info jit", r"(?i)block"),
                  ("help", r"info")]


def ask(g, command):
    """A command's answer, without its echo; None if no prompt follows."""
    before = g.at
    g.send(command)
    if not g.expect(r"\n\((qemu|anole)\) "):
        return None
    lines = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "",
                   g.output[before:g.match.start() + 1]).split("\n")
    return "\n".join(lines[1:])


def monitor_on_the_mux():
    with Guest(bare("echo")) as g:
        check(g.expect(READY), "a guest") or done()
        g.write("\x01c")
        check(g.expect(r"\((qemu|anole)\) "), "Ctrl-A c gives a prompt")
        for command, wanted in COMMANDS + ANOLE_COMMANDS * is_anole():
            answer = ask(g, command)
            if not check(answer is not None and re.search(wanted, answer),
                         command):
                note("answer: %r" % answer)
        g.write("\x01c")
        g.write("back")
        check(g.expect("back"), "Ctrl-A c gives the console back")
        g.write("\x01\x01")
        check(g.expect("\x01"), "Ctrl-A Ctrl-A sends one")
        g.write("\x01x")
        check(g.wait() == 0, "Ctrl-A x ends the emulator")
    with Guest(bare("echo")) as g:
        g.expect(READY)
        g.write("\x01c")
        g.send("quit")
        check(g.wait() == 0, "and so does quit")


def serial_file(folder):
    path = os.path.join(folder, "text")
    with Guest(bare("hello", "-serial", "file:" + path,
                    "-monitor", "none")) as g:
        check(g.wait() == 0, "-serial file: the guest ends")
    with open(path, "rb") as f:
        check(f.read() == b"Hello from the bare machine\n",
              "-serial file: has the text")


def serial_unix(folder):
    path = os.path.join(folder, "serial")
    with Guest(bare("echo", "-serial", "unix:%s,server=on,wait=on" % path,
                    "-monitor", "none")) as g:
        with unix_connect(path) as s:
            check(b"echo is ready\n" in read_until(s, b"ready\n"),
                  "-serial unix: carries the text")
            check(type_until_echoed(s, b"typed"), "-serial unix: input")
        with unix_connect(path) as s:
            check(type_until_echoed(s, b"again"),
                  "-serial unix: another client after the first")
            s.sendall(b"q")
            check(g.wait() == 0, "-serial unix: the guest ends")


def serial_tcp():
    port = free_port()
    with Guest(bare("echo", "-serial", "tcp:127.0.0.1:%d,server=on,wait=off"
                    % port, "-monitor", "stdio")) as g:
        check(g.expect(r"\((qemu|anole)\) "), "-monitor stdio: a prompt")
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            check(type_until_echoed(s, b"typed"), "-serial tcp: input")
        g.send("quit")
        check(g.wait() == 0, "-monitor stdio: quit")


def serial_pty():
    with Guest(bare("echo", "-serial", "pty", "-monitor", "none")) as g:
        found = g.expect(r"(/dev/pts/\d+)\b.*\n")
        if not check(found, "-serial pty: the name is printed"):
            return
        fd = os.open(found[1], os.O_RDWR | os.O_NOCTTY)
        make_raw(fd)
        with os.fdopen(fd, "r+b", buffering=0) as f:
            check(type_until_echoed(f, b"typed"),
                  "-serial pty: the guest echoes")
            f.write(b"q")
            check(g.wait() == 0, "-serial pty: the guest ends")


def monitors_elsewhere(folder):
    path, port = os.path.join(folder, "monitor"), free_port()
    for where, connect in (
            ("unix:%s,server=on,wait=off" % path,
             lambda: unix_connect(path)),
            ("tcp:127.0.0.1:%d,server=on,wait=off" % port,
             lambda: socket.create_connection(("127.0.0.1", port), 60))):
        kind = "-monitor " + where.split(":")[0]
        with Guest(bare("echo", "-monitor", where)) as g:
            check(g.expect(READY), kind + ": a guest")
            with connect() as s:
                check(b") " in read_until(s, b") "), kind + ": a prompt")
                s.sendall(b"info status\n")
                check(b"running" in read_until(s, b"running"),
                      kind + ": an answer")
                s.sendall(b"quit\n")
                check(g.wait() == 0, kind + ": quit")


monitor_on_the_mux()
with scratch() as place:
    serial_file(place)
    serial_unix(place)
    serial_tcp()
    serial_pty()
    monitors_elsewhere(place)
done()
