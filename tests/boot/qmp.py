#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""QMP: the protocol, its errors and events, and every command's answer."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from guest import (TOP, cached, check, done, emulator, free_port, note, run,
                   scratch)
from qmpclient import Emulator, Qmp, connect

PC = ["-M", "q35", "-cpu", "max", "-m", "64", "-smp", "2"]
IDLE = ["-M", "none"]


# ------------------------------------------------------------- the protocol

def handshake():
    with scratch() as folder:
        path = os.path.join(folder, "q")
        child = subprocess.Popen(
            [emulator(), *IDLE, "-nographic", "-qmp",
             "unix:%s,server=on,wait=off" % path], stdin=subprocess.DEVNULL)
        q = connect(path)
        version = q.greeting["QMP"]["version"]
        check(version["qemu"]["major"] >= 4 and "anole" in version["package"],
              "the greeting tells the version")
        check(q.greeting["QMP"]["capabilities"] == [], "and capabilities")
        kind, text = q.error("query-status")
        check(kind == "CommandNotFound" and "qmp_capabilities" in text,
              "commands are refused before the negotiation")
        kind, text = q.error("qmp_capabilities", enable=["oob"])
        check("oob" in text, "what was not offered is refused")
        check(q.run("qmp_capabilities") == {}, "negotiation")
        kind, text = q.error("qmp_capabilities")
        check(kind == "CommandNotFound" and "already" in text, "only once")
        q.close()
        q = connect(path)
        check("QMP" in q.greeting, "the next client is greeted")
        check(q.error("query-status")[0] == "CommandNotFound",
              "and has to negotiate itself")
        q.run("qmp_capabilities")
        check(q.run("quit") == {}, "quit is answered")
        check(q.event("SHUTDOWN") == {"guest": False,
                                      "reason": "host-qmp-quit"}, "SHUTDOWN")
        check(child.wait(30) == 0, "and the emulator ends")
        check(not os.path.exists(path), "the socket is gone")


def ask(q, data):
    """The answer to bytes."""
    q.write(data)
    return q.answer()


# Input, what the error has to say (None: none), the id of the answer.
INPUT = [
    (b'{"execute": "query-name"}', None, None),
    (b'{"execute": "query-name", "id": {"a": [1, null]}}', None,
     {"a": [1, None]}),
    (b'{"execute": "query-name", "id": null}', None, None),
    (b'\n\n {"execute"\n:\t"query-name"\r\n}', None, None),
    (b'{"execute": "query-name"}\r\n', None, None),
    (b'{"execute": "query\\u002dname"}', None, None),
    (b'{}', "lacks member 'execute'", None),
    (b'{"id": 7}', "lacks member 'execute'", 7),
    (b'[]', "must be a JSON object", None),
    (b'"x"\n', "must be a JSON object", None),
    (b'42\n', "must be a JSON object", None),
    (b'hello\n', "JSON", None),
    (b'}', "JSON", None),
    (b'{"execute": "stop}\n', "JSON", None),
    (b'{"execute": stop}', "JSON", None),
    (b'{"execute": "a", "execute": "b"}', 'two "execute"', None),
    (b'{"execute": 7}', "must be a string", None),
    (b'{"execute": "query-name", "arguments": []}', "must be an object", None),
    (b'{"execute": "query-name", "argument": {}}', "did you mean 'arguments'",
     None),
    (b'{"execute": "query-nam"}', "did you mean query-name?", None),
    (b'{"execute": "query-name", "arguments": {"x": 1}}',
     "'x' is unexpected", None),
    (b'{"execute": "\xc3\x28"}', "UTF-8", None),
    (b'{"execute": "\\ud800"}', "JSON", None),
    (b'{"execute": "\\u0000"}', "JSON", None),
    (b'{"execute": "a", "id": 1e999}', "JSON", None),
    (b'{"execute": "a", "id": 01}', "JSON", None),
    (b'{"execute": "a",}', "JSON", None),
    (b'[' * 300 + b'\n', "deep", None),
    (b'{"a":' * 300 + b'1' + b'}' * 300 + b'\n', "deep", None),
    (b'{"execute": "half \xff{"execute": "query-name"}', None, None),
    (b'{"execute": "query-name", "id": "' + b'x' * 100000 + b'"}', None,
     "x" * 100000),
]


def broken_input():
    with Emulator(IDLE) as e:
        for data, wrong, number in INPUT:
            got = ask(e.qmp, data)
            good = (wrong in got["error"]["desc"] if wrong and "error" in got
                    else "return" in got and not wrong)
            if not check(good and got.get("id") == number, ascii(data[:60])):
                note(repr(got)[:500])
        check(e.qmp.run("query-name") == {}, "after all that it is in step")
        e.qmp.write(b'{"execute": "query-name", "id": "')
        for _ in range(17):
            e.qmp.write(b"y" * (1 << 20))
        got = ask(e.qmp, b'"}')
        check("longer than" in got["error"]["desc"], "17 MiB are too much")
        check(e.qmp.run("query-name") == {}, "and it is in step again")
        for c in b'{"execute": "query-name"}':
            e.qmp.write(bytes([c]))
        check(e.qmp.answer() == {"return": {}}, "byte by byte")


def deaf_client():
    """One that never reads blocks nobody else, and not the machine."""
    with scratch() as folder:
        deaf = os.path.join(folder, "deaf")
        with Emulator([*PC, "-S", "-qmp",
                       "unix:%s,server=on,wait=off" % deaf]) as e:
            q = connect(deaf)
            q.run("qmp_capabilities")
            q.sock.settimeout(None)
            q.sock.setblocking(False)
            ask_again = b'{"execute": "query-qmp-schema"}' * 100
            sent = 0
            try:
                while sent < 64 << 20:
                    sent += q.sock.send(ask_again)
            except BlockingIOError:
                pass
            check(sent < 64 << 20, "a deaf client cannot send for ever")
            check(e.qmp.run("query-status")["status"] == "prelaunch",
                  "others are served")
            e.qmp.run("cont")
            e.qmp.run("stop")
            check(e.qmp.event("STOP") is not None, "the machine runs")
            q.close()
            again = connect(deaf)
            check("QMP" in again.greeting, "the next client there is greeted")
            again.close()


# --------------------------------------------------------------- the schema

def schema():
    with Emulator([*PC, "-S", "-vga", "std",
                   "-device", "virtio-balloon-pci"]) as e:
        s, q = e.qmp.schema, e.qmp
        check(s.complete(), "the schema's types are those that it uses")
        commands = {n for n, r in s.rows.items()
                    if r["meta-type"] == "command"}
        events = {n for n, r in s.rows.items() if r["meta-type"] == "event"}
        check({c["name"] for c in q.run("query-commands")} == commands,
              "query-commands says the same")
        check({c["name"] for c in q.run("query-events")} == events,
              "query-events says the same")
        for name in sorted(commands):
            if name.startswith("query-") and not any(
                    "default" not in m for m in
                    s.rows[s.rows[name]["arg-type"]]["members"]):
                check(q.run(name) is not None, name)
        for name in sorted(commands):
            for member in s.rows[s.rows[name]["arg-type"]]["members"]:
                if "default" not in member:
                    check("'%s' is missing" % member["name"]
                          in q.error(name)[1], "%s needs %s" % (
                              name, member["name"]))
                    break
            got = q.error(name, **{"no-such": 1})
            check("no-such" in got[1] or "missing" in got[1]
                  or name == "qmp_capabilities", "%s takes no others" % name)
    page = os.path.join(TOP, "docs", "qmp.md")
    status, text, _ = run([sys.executable,
                           os.path.join(TOP, "scripts", "qmpgen.py"),
                           os.path.join(TOP, "monitor", "qmp.schema"), "doc"])
    with open(page, encoding="utf-8") as f:
        check(status == 0 and f.read() == text.encode("latin-1").decode(),
              "docs/qmp.md is what scripts/qmpgen.py prints")


ERRORS = [
    ("screendump", {}, "GenericError", "'filename' is missing"),
    ("screendump", {"filename": 3}, "GenericError", "expected: string"),
    ("screendump", {"filename": "x", "frmat": "png"}, "GenericError",
     "did you mean 'format'"),
    ("screendump", {"filename": "x", "format": "gif"}, "GenericError",
     "ppm, png"),
    ("send-key", {"keys": [{"type": "qcode", "data": "a"}, 7]},
     "GenericError", "keys[1]"),
    ("send-key", {"keys": [{"type": "qcode"}]}, "GenericError",
     "'keys[0].data' is missing"),
    ("send-key", {"keys": [{"type": "qcode", "data": "ctlr"}]},
     "GenericError", "did you mean"),
    ("pmemsave", {"val": -1, "size": 1, "filename": "x"}, "GenericError",
     "too small"),
    ("pmemsave", {"val": 0, "size": 1 << 64, "filename": "x"},
     "GenericError", "integer"),
    ("set_link", {"name": "nothing", "up": True}, "DeviceNotFound",
     "nothing"),
    ("device-list-properties", {"typename": "nothing"}, "DeviceNotFound",
     "nothing"),
    ("qom-get", {"path": "/nowhere", "property": "x"}, "DeviceNotFound",
     "/nowhere"),
    ("chardev-remove", {"id": "qmp0"}, "GenericError", "busy"),
    ("chardev-remove", {"id": "nothing"}, "GenericError", "not found"),
    ("netdev_del", {"id": "nothing"}, "DeviceNotFound", "nothing"),
    ("object-del", {"id": "nothing"}, "GenericError", "not found"),
    ("closefd", {"fdname": "nothing"}, "GenericError", "not found"),
    ("getfd", {"fdname": "x"}, "GenericError", "SCM_RIGHTS"),
    ("no-such-command", {}, "CommandNotFound", "no-such-command"),
]


def errors():
    with Emulator([*PC, "-S"]) as e:
        for command, arguments, kind, text in ERRORS:
            got = e.qmp.error(command, **arguments)
            if not check(got[0] == kind and text in got[1],
                         "%s %s" % (command, arguments)):
                note(repr(got))


# --------------------------------------------------------------- the machine

def life():
    with Emulator([*PC, "-S", "-name", "guest=a,debug-threads=on", "-uuid",
                   "123E4567-E89B-12D3-A456-426614174000", "-vga", "std"]) \
            as e, scratch() as folder:
        q = e.qmp
        check(q.run("query-name") == {"name": "a"}, "-name")
        check(q.run("query-uuid")["UUID"]
              == "123e4567-e89b-12d3-a456-426614174000", "-uuid")
        check(q.run("query-status")["status"] == "prelaunch", "-S")
        q.run("cont")
        check(q.event("RESUME") is not None
              and q.run("query-status")["running"], "cont")
        q.run("stop")
        check(q.event("STOP") is not None
              and q.run("query-status")["status"] == "paused", "stop")
        q.run("system_reset")
        check(q.event("RESET") == {"guest": False,
                                   "reason": "host-qmp-system-reset"},
              "system_reset")
        q.run("cont")
        cpus = q.run("query-cpus-fast")
        check(len(cpus) == 2 and all(os.path.exists(
            "/proc/%d/task/%d" % (e.child.pid, c["thread-id"]))
            for c in cpus), "query-cpus-fast tells the threads")
        listed = q.run("qom-list", path=cpus[0]["qom-path"])
        features = [p["name"] for p in listed if p["type"] == "bool"]
        check({"sse2", "avx2", "svm"} <= set(features), "features of a CPU")
        check(q.run("qom-get", path=cpus[0]["qom-path"], property="sse2")
              is True, "qom-get of one")
        check(q.run("qom-get", path=cpus[0]["qom-path"], property="avx512f")
              is False, "and of one that is not there")
        picture = os.path.join(folder, "s")
        q.run("screendump", filename=picture, format="png")
        with open(picture, "rb") as f:
            check(f.read(4) == b"\x89PNG", "screendump to PNG")
        q.run("screendump", filename=picture)
        with open(picture, "rb") as f:
            check(f.read(2) == b"P6", "and to PPM")
        q.run("send-key", keys=[{"type": "qcode", "data": "ctrl"},
                                {"type": "number", "data": 30}])
        q.run("pmemsave", val=0xfffffff0, size=16, filename=picture)
        check(os.path.getsize(picture) == 16, "pmemsave")
        check(q.run("human-monitor-command",
                    **{"command-line": "info status"})
              == "VM status: running\r\n".replace("\r", ""),
              "human-monitor-command")
        check("slot" in q.run("query-pci")[0]["devices"][0], "query-pci")
        q.run("system_powerdown")
        check(q.event("POWERDOWN") is not None, "system_powerdown")
        q.run("quit")
        check(e.child.wait(30) == 0, "quit")


def guest_events():
    """What a guest does: it switches itself off."""
    off = ["-M", "virt", "-cpu", "cortex-a57", "-kernel",
           cached("bare", "off.elf")]
    if not os.path.exists(off[-1]):
        note("no %s: the guest's events are not tested" % off[-1])
        return
    wanted = {"guest": True, "reason": "guest-shutdown"}
    with Emulator([*off, "-S", "-no-shutdown"]) as e:
        q = e.qmp
        q.run("cont")
        check(q.event("SHUTDOWN") == wanted, "SHUTDOWN by the guest")
        check(q.event("STOP") is not None
              and q.run("query-status")["status"] == "shutdown",
              "-no-shutdown pauses then")
        check("Resetting" in q.error("cont")[1], "it cannot go on")
        q.run("system_reset")
        check(q.event("RESET") is not None, "until it is reset")
        q.run("set-action", shutdown="poweroff")
        q.run("cont")
        check(q.event("SHUTDOWN") == wanted and e.child.wait(30) == 0,
              "set-action shutdown=poweroff ends it")


def on_signal():
    with Emulator(PC) as e:
        e.child.send_signal(signal.SIGTERM)
        check(e.qmp.event("SHUTDOWN") == {"guest": False,
                                          "reason": "host-signal"}, "SIGTERM")
        check(e.child.wait(30) == 0, "ends it")


# ------------------------------------------------------------ host resources

def descriptors(q):
    read, write = os.pipe()
    check(q.run("getfd", fds=[write], fdname="pipe") == {}, "getfd")
    check(q.run("closefd", fdname="pipe") == {}, "closefd")
    os.close(write)
    check(os.read(read, 1) == b"", "closed it")
    first = q.run("add-fd", fds=[read], opaque="a")
    again = q.run("add-fd", fds=[read], **{"fdset-id": first["fdset-id"]})
    check(q.run("query-fdsets") == [{
        "fdset-id": first["fdset-id"], "fds": [
            {"fd": first["fd"], "opaque": "a"}, {"fd": again["fd"]}]}],
        "add-fd, query-fdsets")
    q.run("remove-fd", **{"fdset-id": first["fdset-id"], "fd": again["fd"]})
    q.run("remove-fd", **{"fdset-id": first["fdset-id"]})
    check(q.run("query-fdsets") == [], "remove-fd")
    os.close(read)


def chardevs(q, folder):
    made = q.run("chardev-add", id="c0", backend={"type": "pty", "data": {}})
    check(os.path.exists(made["pty"]), "chardev-add of a pty")
    path = os.path.join(folder, "c1")
    q.run("chardev-add", id="c1", backend={"type": "socket", "data": {
        "addr": {"type": "unix", "data": {"path": path}}}})
    found = {c["label"]: c for c in q.run("query-chardev")}
    check(found["c0"]["filename"] == "pty:" + made["pty"]
          and not found["c1"]["frontend-open"], "query-chardev")
    one, other = socket.socketpair()
    q.run("getfd", fds=[other.fileno()], fdname="s")
    q.run("chardev-add", id="c2", backend={"type": "socket", "data": {
        "addr": {"type": "fd", "data": {"str": "s"}}, "server": False}})
    other.close()
    for name in "c0", "c1", "c2":
        q.run("chardev-remove", id=name)
    check(one.recv(1) == b"" and not os.path.exists(path), "chardev-remove")
    check("while the machine exists" in q.error(
        "chardev-add", id="c3", backend={"type": "socket", "data": {
            "wait": True, "addr": {"type": "unix", "data": {"path": path}}}}
    )[1], "a backend that waits is refused")


def hosts():
    with Emulator([*PC, "-S", "-netdev", "user,id=n0", "-device",
                   "e1000,netdev=n0,id=e0"]) as e, scratch() as folder:
        q = e.qmp
        descriptors(q)
        chardevs(q, folder)
        q.run("netdev_add", type="user", id="n1", hostfwd=[
            {"str": "tcp:127.0.0.1:%d-:22" % free_port()}])
        check("card" in q.error("netdev_del", id="n0")[1],
              "a network with a card stays")
        q.run("netdev_del", id="n1")
        q.run("set_link", name="e0", up=False)
        q.run("set_link", name="n0", up=True)
        q.run("object-add", **{"qom-type": "rng-random", "id": "r0",
                               "filename": "/dev/urandom"})
        check({"name": "r0", "type": "child<rng-random>"}
              in q.run("qom-list", path="/objects"), "object-add")
        q.run("object-del", id="r0")
        check(q.run("qom-get", path="/machine/peripheral/e0",
                    property="netdev") == "n0", "qom-get of a device")
        check(q.run("qom-set", path="/machine/peripheral/e0",
                    property="netdev", value="n0") == {}, "qom-set to the same")
        check("made already" in q.error(
            "qom-set", path="/machine/peripheral/e0", property="netdev",
            value="n1")[1], "qom-set to another")
        types = {t["name"] for t in q.run("qom-list-types")}
        check({"tcg-accel", "e1000", "max-x86_64-cpu", "none-machine"}
              <= types, "qom-list-types")
        for name in sorted(types & {"e1000", "virtio-blk-pci", "VGA"}):
            listed = q.run("device-list-properties", typename=name)
            check(any(p["name"] == "addr" for p in listed), name)


def hot_plug():
    """Without a guest a reset lets go what was asked for."""
    with Emulator([*PC, "-S", "-device", "pcie-root-port,id=rp0"]) as e:
        q = e.qmp
        hot = {m["name"] for m in q.run("query-machines")
               if m["hotpluggable-cpus"]}
        check(hot == {"pc", "q35"}, "machines whose CPUs come and go")
        check("did you mean" in q.error("device_add", driver="e1001")[1],
              "device_add of what there is not")
        check("no option" in q.error("device_add", driver="e1000", id="e1",
                                     bus="rp0", mac_="x")[1]
              and q.error("device_del", id="e1")[0] == "DeviceNotFound",
              "device_add with a wrong property adds nothing")
        q.run("device_add", driver="e1000", id="e1", bus="rp0")
        check({"name": "e1", "type": "child<e1000>"}
              in q.run("qom-list", path="/machine/peripheral"), "device_add")
        q.run("device_del", id="/machine/peripheral/e1")
        q.run("system_reset")
        check(q.event("DEVICE_DELETED") == {
            "device": "e1", "path": "/machine/peripheral/e1"},
            "device_del, DEVICE_DELETED")


def expand(q, model, **props):
    """The features of a model."""
    name = {"name": model, "props": props} if props else {"name": model}
    return q.run("query-cpu-model-expansion", type="full",
                 model=name)["model"]["props"]


def cpu_models():
    """What a model is made of, whatever CPU runs."""
    with Emulator([*PC, "-S"]) as e:
        q = e.qmp
        check(all(m["name"] == "host" or expand(q, m["name"])
                  for m in q.run("query-cpu-definitions")),
              "all models but the host's can be expanded")
        check(expand(q, "max")["avx2"] and not expand(q, "pentium")["avx2"],
              "max has AVX2, pentium has not")
        less = expand(q, "max", avx=False)
        check(not less["avx2"] and less["sse2"],
              "what needs a feature goes with it")
        for model, word in (({"name": "maxx"}, "maxx"),
                            ({"name": "max", "props": {"avxx": True}}, "avxx"),
                            ({"name": "max", "props": {"avx": "on"}}, "true"),
                            ({"name": "max", "props": 7}, "object")):
            check(word in q.error("query-cpu-model-expansion", type="static",
                                  model=model)[1], "and not %r" % model)
    with Emulator(["-M", "virt", "-S"]) as e:
        check(expand(e.qmp, "max")["lse"]
              and not expand(e.qmp, "cortex-a57")["lse"], "models of ARM")


def clock_and_dog():
    """Events that are at most one a second."""
    with Emulator(PC + ["-S", "-device", "ib700"]) as e:
        e.qmp.run("watchdog-set-action", action="none")
        check("did you mean" in e.qmp.error("watchdog-set-action",
                                            action="rest")[1],
              "watchdog-set-action")


def threads():
    """Threads for disks: by -object, object-add, and who uses them."""
    with scratch() as folder:
        disk = os.path.join(folder, "d.img")
        with open(disk, "wb") as f:
            f.truncate(1 << 20)
        with Emulator(PC + ["-S", "-object", "iothread,id=t0", "-drive",
                            "file=%s,if=none,id=d0,format=raw" % disk,
                            "-drive", "file=%s,if=none,id=d1,snapshot=on,"
                            "format=raw,locking=off" % disk, "-device",
                            "pcie-root-port,id=rp,slot=1", "-device",
                            "virtio-blk-pci,id=v0,drive=d0,iothread=t0"]) as e:
            e.qmp.run("object-add", **{"qom-type": "iothread", "id": "t1"})
            rows = e.qmp.run("query-iothreads")
            check([r["id"] for r in rows] == ["t0", "t1"]
                  and all(os.path.exists("/proc/%d/task/%d" % (
                      e.child.pid, r["thread-id"])) for r in rows),
                  "query-iothreads: they are threads of the process")
            check("in use" in e.qmp.error("object-del", id="t0")[1],
                  "object-del of one that is used")
            e.qmp.run("object-del", id="t1")
            check(len(e.qmp.run("query-iothreads")) == 1, "object-del")
            wrong = e.qmp.error("device_add", driver="virtio-blk-pci",
                                id="v1", drive="d1", bus="rp",
                                iothread="t7")[1]
            check("-object iothread,id=t7" in wrong,
                  "a thread that is not there") or note(wrong)


# -------------------------------------------------------------------- options

def several():
    """Monitors on TCP, by -mon, pretty, and the human one, all at once."""
    with scratch() as folder:
        path = [os.path.join(folder, n) for n in "abc"]
        port = free_port()
        with Emulator([*PC, "-S", "-qmp",
                       "tcp:127.0.0.1:%d,server=on,wait=off" % port,
                       "-chardev", "socket,id=a,path=%s,server=on,wait=off"
                       % path[0], "-mon", "chardev=a,mode=control,pretty=on",
                       "-qmp-pretty", "unix:%s,server=on,wait=off" % path[1],
                       "-monitor", "unix:%s,server=on,wait=off" % path[2]]) \
                as e:
            tcp = Qmp(socket.create_connection(("127.0.0.1", port), 60))
            tcp.negotiate()
            for p in path[:2]:
                s = socket.socket(socket.AF_UNIX)
                s.connect(p)
                text = b""
                while text.count(b"\n") < 3:
                    text += s.recv(4096)
                check(text.startswith(b'{\n    "QMP": {'), "pretty=on")
                s.close()
            hmp = socket.socket(socket.AF_UNIX)
            hmp.connect(path[2])
            hmp.sendall(b"cont\nstop\n")
            check(tcp.event("STOP") is not None
                  and e.qmp.event("STOP") is not None,
                  "an event goes to every client")
            tcp.close()
            hmp.close()


def passed_socket():
    """-chardev socket,fd=: what libvirt does."""
    with scratch() as folder:
        path = os.path.join(folder, "q")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        q_socket = socket.socket(socket.AF_UNIX)
        q_socket.connect(path)
        child = subprocess.Popen(
            [emulator(), *IDLE, "-nographic", "-nodefaults", "-chardev",
             "socket,id=m,fd=%d,server=on,wait=off" % listener.fileno(),
             "-mon", "chardev=m,mode=control"],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)
        listener.close()
        q = Qmp(q_socket).negotiate()
        check(q.run("query-status")["status"] == "prelaunch"
              or q.run("query-status")["running"], "a socket that is open")
        q.run("quit")
        child.wait(30)
        q.close()


def daemon():
    with scratch() as folder:
        path, pidfile = os.path.join(folder, "q"), os.path.join(folder, "pid")
        status, _, errors_said = run(
            [emulator(), "-S", "-no-user-config", "-nodefaults", "-nographic",
             "-machine", "none,accel=kvm:tcg", "-qmp",
             "unix:%s,server=on,wait=off" % path, "-pidfile", pidfile,
             "-daemonize"])
        check(status == 0, "-daemonize: the parent ends with 0")
        q = Qmp(connected(path)).negotiate()
        with open(pidfile, encoding="ascii") as f:
            pid = int(f.read())
        check(os.readlink("/proc/%d/fd/0" % pid) == "/dev/null",
              "the daemon has left the terminal")
        q.run("quit")
        q.event("SHUTDOWN")
        check(q.read() is None, "it ends")
        limit = time.monotonic() + 30
        while os.path.exists(pidfile) and time.monotonic() < limit:
            time.sleep(0.01)
        check(not os.path.exists(pidfile), "the pidfile is gone")
        q.close()
        status, _, errors_said = run(
            [emulator(), "-M", "none", "-nodefaults", "-daemonize", "-drive",
             "file=%s/none,format=raw" % folder])
        check(status == 1 and "no such file" in errors_said,
              "what is wrong is said before the parent ends")


def connected(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)                     # it listens when the parent has ended
    return s


def stdio():
    child = subprocess.Popen([emulator(), *IDLE, "-nographic", "-nodefaults",
                              "-qmp", "stdio"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    child.stdin.write(b'{"execute": "qmp_capabilities"}\n'
                      b'{"execute": "query-kvm"}\n{"execute": "quit"}\n')
    child.stdin.flush()
    lines = [json.loads(line) for line in child.stdout]
    check([list(x)[-1] for x in lines]
          == ["QMP", "return", "return", "return", "data"],
          "QMP on standard input and output")
    child.wait(30)


def wrong_options():
    for options, text in [
            (["-mon", "chardev=x,mode=control"], 'no chardev "x"'),
            (["-chardev", "null,id=x", "-mon", "x,mode=json"],
             "readline or control"),
            (["-chardev", "null,id=x", "-mon", "x,pretty=on"],
             "mode=control"),
            (["-chardev", "socket,id=x,fd=0,server=on"], "no open socket"),
            (["-uuid", "xyz"], "32 hexadecimal digits"),
            (["-name", "a,gest=b"], 'did you mean "guest"')]:
        status, _, said = run([emulator(), *IDLE, "-nodefaults", *options])
        if not check(status == 1 and text in said, " ".join(options)):
            note(said)


for test in (handshake, broken_input, deaf_client, schema, errors, life,
             guest_events, on_signal, hosts, hot_plug, cpu_models,
             clock_and_dog, threads, several, passed_socket, daemon, stdio,
             wrong_options):
    note(test.__name__)
    test()
done()
