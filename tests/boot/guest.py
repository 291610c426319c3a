# SPDX-License-Identifier: MIT
"""Run a guest under an emulator and talk with it over its console.

    with Guest(append='guest.run="echo hello"') as g:
        check(g.expect(r"hello"), "the guest says hello")
    done()

The emulator is $ANOLE (the build sets it), else build/anole; EMULATOR=PROGRAM
in the environment puts another in its place, so that a test can be tested
against qemu-system-aarch64. A test prints TAP; skip() leaves with status 77.
"""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CACHE = os.environ.get("GUESTS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
    "anole")
READY = r"GUEST-READY (\w+)\n"          # what /init says before its command
DONE = r"GUEST-DONE rc=(\d+)\n"         # and after it

# The machines that tests, demo and benchmark have in common, by the names that
# Debian gives architectures.
MACHINES = {
    "arm64": ["-M", "virt", "-cpu", "cortex-a57", "-m", "1024"],
    "amd64": ["-M", "pc", "-cpu", "max", "-m", "1024"],
    "i386": ["-M", "pc", "-cpu", "max", "-m", "1024"],
    "mipsel": ["-M", "malta", "-cpu", "24Kf", "-m", "256"],
    "mips64el": ["-M", "malta", "-cpu", "5KEf", "-m", "1024"],
}
CONSOLES = {"arm64": "ttyAMA0", "amd64": "ttyS0", "i386": "ttyS0",
            "mipsel": "ttyS0", "mips64el": "ttyS0"}
MACHINE = MACHINES["arm64"]


def cached(*parts):
    """The path of a file that scripts/fetch.sh makes."""
    return os.path.join(CACHE, *parts)


def emulator():
    """The program under test."""
    return (os.environ.get("EMULATOR") or os.environ.get("ANOLE") or
            os.path.join(TOP, "build", "anole"))


def is_anole():
    """False if EMULATOR has put another program in anole's place.

    What only anole does is not asked of others.
    """
    return "qemu" not in name()


def name():
    """The program's name, which begins what it has to complain about."""
    return os.path.basename(emulator())


def bare(program, *extra):
    """The command that runs tests/guests/bare/PROGRAM on the bare machine."""
    return [emulator(), *MACHINE, *extra, "-nographic", "-no-reboot",
            "-kernel", cached("bare", program + ".elf")]


def named(program, arch):
    """anole is one program; its name chooses among the targets of a board."""
    several = arch in ("mipsel", "mips64el")
    if several and os.path.basename(program) == "anole":
        return "%s-system-%s" % (program, arch)
    return program


def linux(program, append="", initrd="initramfs.gz", extra=(), arch="arm64",
          machine=None):
    """The command that boots a Linux guest."""
    return [named(program, arch), *(machine or MACHINES[arch]), *extra,
            "-nographic", "-no-reboot", "-kernel", cached(arch, "kernel"),
            "-initrd", cached(arch, initrd), "-append",
            ("console=%s panic=-1 %s" % (CONSOLES[arch], append)).strip()]


def more_initrd(arch, initrd, to, files):
    """A RAM disk with more files in it: {name: contents}; programs all.

    The kernel unpacks one archive after the other (cpio, newc format).
    """
    def pad(data):
        return data + b"\0" * (-len(data) % 4)

    def entry(number, name, mode, data):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                  len(name) + 1, 0)
        head = "070701" + "".join("%08x" % field for field in fields)
        return pad(head.encode() + name.encode() + b"\0") + pad(data)

    path = cached(arch, initrd)
    if not os.path.exists(path):
        skip("no %s; scripts/fetch.sh makes it" % path)
    with open(path, "rb") as old, open(to, "wb") as new:
        shutil.copyfileobj(old, new)
        new.write(b"\0" * (-new.tell() % 4))
        for number, (name, data) in enumerate(files.items(), 1):
            new.write(entry(number, name, 0o100755, data))
        new.write(entry(0, "TRAILER!!!", 0, b""))
    return to


def compiled(source, to):
    """A static program for guests of the host's architecture; its bytes."""
    needs("cc")
    subprocess.run(["cc", "-static", "-O1", "-o", to, os.path.join(
        TOP, "tests", "guests", "user", source)], check=True)
    with open(to, "rb") as f:
        return f.read()


class Guest:
    """An emulator with a terminal of its own on standard input and output.

    All that it writes is in `output`, without carriage returns. expect()
    looks from behind the last match on.
    """

    def __init__(self, command=None, timeout=60, **boot):
        if command is None:
            command = linux(emulator(), **boot)
        program = command[0]
        if not shutil.which(program):
            skip("there is no " + program)
        for option, path in zip(command, command[1:]):
            if option in ("-kernel", "-initrd") and not os.path.exists(path):
                skip("no %s; scripts/fetch.sh makes it" % path)
        self.command, self.timeout = command, timeout
        self.output, self.at, self.match = "", 0, None
        self.commands = 0
        self.started = time.monotonic()
        self.status = None
        self.fd, slave = pty.openpty()
        make_raw(slave)
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave,
                                      stderr=slave, start_new_session=True)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def read(self, seconds):
        """Takes what the emulator has written; False at its end."""
        ready, _, _ = select.select([self.fd], [], [], max(seconds, 0))
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:                 # nobody has the other side open
            return False
        self.output += data.decode("latin-1").replace("\r", "")
        return bool(data)

    def expect(self, pattern, timeout=None):
        """Waits until the output matches; the match, or None if in vain.

        Output comes in pieces: let a pattern end with what ends the text
        wanted, \\n for a line, or it will match the first piece of it.
        """
        limit = time.monotonic() + (timeout or self.timeout)
        regex, more = re.compile(pattern, re.M), True
        while True:
            match = regex.search(self.output, self.at)
            if match:
                self.at, self.match = match.end(), match
                return match
            left = limit - time.monotonic()
            if not more or left <= 0:
                note("waited in vain for %r; last output:" % pattern)
                note(self.output[-2000:])
                return None
            more = self.read(left)

    def login(self, timeout=None):
        """Waits for the shell of a guest that has no guest.run."""
        return (self.expect(READY, timeout) and
                self.expect(r"^[~/]\S* # ", timeout))

    def shell(self, command, timeout=None):
        """Runs a command in the guest's shell: (its status, its output).

        The status is None if the shell does not come back. What is typed is
        seen too; the marks in it are broken, so that only their output counts.
        """
        self.commands += 1
        mark = "-%d-" % self.commands
        self.send('echo "BE""GIN%s"; %s; echo "E""ND%s$?-"'
                  % (mark, command, mark))
        begin = self.expect("^BEGIN%s\n" % mark, timeout)
        end = begin and self.expect(r"END%s(\d+)-\n" % mark, timeout)
        if not end:
            return None, ""
        return int(end[1]), self.output[begin.end():end.start()]

    def power_off(self, timeout=None):
        """Types poweroff; the emulator's exit status."""
        self.send("poweroff -f")
        return self.wait(timeout)

    def write(self, text):
        """Types `text` as it is."""
        os.write(self.fd, text.encode("latin-1"))

    def send(self, line):
        """Types a line."""
        self.write(line + "\r")

    def wait(self, timeout=None):
        """Waits for the emulator to end; its exit status, or None.

        A negative status is the number of the signal that ended it.
        """
        limit = time.monotonic() + (timeout or self.timeout)
        while self.read(limit - time.monotonic()):
            if time.monotonic() >= limit:
                return None
        try:
            self.status = self.child.wait(max(limit - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            return None
        return self.status

    def seconds(self):
        """Since the emulator was started."""
        return time.monotonic() - self.started

    def close(self):
        """Ends the emulator if it runs still; its exit status."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.child.poll() is not None:
                break
            self.child.send_signal(number)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                continue
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        self.status = self.child.returncode
        return self.status


def make_raw(fd):
    """No echo and no line editing: the guest does these."""
    mode = termios.tcgetattr(fd)
    mode[0] &= ~(termios.ICRNL | termios.IXON)
    mode[1] &= ~termios.OPOST
    mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(fd, termios.TCSANOW, mode)


# ---------------------------------------------------------- the host's side

def run(command, timeout=60, typed=""):
    """A program that needs no terminal: (status, output, errors).

    It reads what is typed, then the end. The status is None if it had to be
    killed.
    """
    if not shutil.which(command[0]):
        skip("there is no " + command[0])
    try:
        result = subprocess.run(command, input=typed.encode(),
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=timeout)
    except subprocess.TimeoutExpired as e:
        return (None, (e.stdout or b"").decode("latin-1"),
                (e.stderr or b"").decode("latin-1"))
    return (result.returncode, result.stdout.decode("latin-1"),
            result.stderr.decode("latin-1"))


def needs(*programs):
    """Skips the test if one of these is not installed."""
    for program in programs:
        if not shutil.which(program):
            skip("there is no " + program)


def free_port():
    """A TCP port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unix_connect(path, timeout=60):
    """Connects to a Unix socket that may not be there yet."""
    limit = time.monotonic() + timeout
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def read_until(s, text, timeout=60):
    """What comes from a socket or file, until `text` is in it."""
    limit, output = time.monotonic() + timeout, b""
    while text not in output and time.monotonic() < limit:
        if select.select([s], [], [], 1)[0]:
            try:
                data = os.read(s.fileno(), 65536)
            except OSError:             # closed by the other side
                data = b""
            if not data:
                break
            output += data
    return output


def type_until_echoed(s, text, timeout=60):
    """Types into a socket or file until that comes back; False if in vain.

    Who is to echo may not listen yet, and what is typed then is lost.
    """
    limit = time.monotonic() + timeout
    while time.monotonic() < limit:
        os.write(s.fileno(), text)
        if text in read_until(s, text, 1):
            return True
    return False


def scratch():
    """A folder for `with` that is removed at the end."""
    return tempfile.TemporaryDirectory(prefix="anole-test-")


def end(number, frame):
    """A test that is ended ends its guests: `with` sees to it."""
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, end)


# ----------------------------------------------------------------------- TAP

results = []


def note(text):
    """Says something beside the results."""
    for line in text.splitlines():
        print("# " + line)
    sys.stdout.flush()


def check(good, what):
    """One result."""
    results.append(bool(good))
    print("%s %d - %s" % ("ok" if good else "not ok", len(results), what),
          flush=True)
    return bool(good)


def done():
    """Ends the test."""
    print("1..%d" % len(results), flush=True)
    sys.exit(0 if results and all(results) else 1)


def skip(why):
    """Leaves: this test cannot be run here."""
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(77)
