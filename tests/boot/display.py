#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest seen and typed at in a window (SDL under Xvfb) and a terminal."""

import os
import re
import subprocess
import time

from guest import (Guest, cached, check, done, emulator, needs, note, scratch,
                   skip)

SECONDS = 60
CD = cached("firmware", "grub-rescue-cdrom.iso")
PC = [emulator(), "-M", "pc", "-m", "64", "-L", cached("firmware"),
      "-cdrom", CD, "-name", "box"]


def until(what, test):
    """Waits for test() to be true; its value, or None."""
    limit = time.monotonic() + SECONDS
    while time.monotonic() < limit:
        value = test()
        if value:
            return value
        time.sleep(0.1)
    note("waited in vain for " + what)
    return None


# ------------------------------------------------------------------- a window

class Window:
    """An X server without a screen, and anole's window on it."""

    def __init__(self, folder):
        ready, told = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(told), "-screen", "0", "1024x768x24",
             "-nolisten", "tcp"], pass_fds=[told], stderr=subprocess.DEVNULL)
        os.close(told)
        with os.fdopen(ready) as f:
            os.environ["DISPLAY"] = ":" + f.readline().strip()
        os.environ["SDL_VIDEODRIVER"] = "x11"
        # SDL's libraries leave memory, and are unloaded before it is looked for.
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
        self.folder = folder
        self.guest = Guest([*PC, "-display", "sdl", "-monitor", "stdio",
                            "-serial", "vc"], timeout=SECONDS)
        self.guest.expect(r"\(anole\) $")

    def close(self):
        self.guest.close()
        self.server.terminate()
        self.server.wait()
        del os.environ["ASAN_OPTIONS"]

    def ask(self, command):
        begin = self.guest.at
        self.guest.send(command)
        self.guest.expect(r"\(anole\) $")
        return self.guest.output[begin:self.guest.at]

    def shows(self, pattern):
        return until(pattern, lambda: re.search(pattern,
                                                self.ask("info screen")))

    def x(self, *words):
        """What xdotool says."""
        return subprocess.run(["xdotool", *words], capture_output=True,
                              check=False).stdout.decode().strip()

    def window(self):
        return self.x("search", "--name", "anole").split("\n")[0]

    def titled(self, pattern):
        return until("title " + pattern, lambda: re.search(
            pattern, self.x("getwindowname", self.window())))

    def same_picture(self):
        """Is in the window what a screen dump has?  The cursor may blink."""
        path = os.path.join(self.folder, "dump.ppm")
        self.ask("screendump " + path)
        with open(path, "rb") as f:
            dump = f.read()
        seen = subprocess.run(
            ["import", "-silent", "-window", self.window(), "-depth", "8",
             "ppm:-"], capture_output=True, check=False).stdout
        return dump.split(b"\n", 3)[3] == seen.split(b"\n", 3)[-1]


def window(folder):
    w = Window(folder)
    try:
        check(w.shows(r"GNU GRUB +version"), "GRUB starts")
        check(w.titled(r"^anole \(box\)$"), "a window has the guest's name")
        w.x("key", "c")
        check(w.shows("grub>"), "a key in the window is the guest's")
        w.x("type", "--delay", "60", 'echo "A | b"')
        check(w.shows(r'grub> echo "A \| b"'), "and so is Shift")
        check(until("the same picture", w.same_picture),
              "the window has what a screen dump has")
        w.x("key", "ctrl+alt+2")
        check(w.titled("serial0"), "Ctrl-Alt-2 shows the serial port")
        w.x("key", "ctrl+alt+1")
        check(w.titled(r"^anole \(box\)$"), "Ctrl-Alt-1 the screen again")
        w.x("mousemove", "--window", w.window(), "200", "200", "click", "1")
        check(w.titled("Ctrl-Alt-G"), "a click grabs the mouse")
        w.x("key", "ctrl+alt+g")
        check(w.titled(r"^anole \(box\)$"), "Ctrl-Alt-G lets it go")
        w.ask("stop")
        check(w.titled(r"\[paused\]"), "the title says that it is paused")
        w.x("key", "ctrl+alt+q")
        check(w.guest.wait() == 0, "Ctrl-Alt-Q ends anole")
    finally:
        w.close()


def no_window():
    """Without a window system the terminal has the machine, and is told."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        os.environ.pop(name, None)
    with Guest([*PC, "-S"], timeout=SECONDS) as g:
        check(g.expect(r"anole: no window: .* -display curses"),
              "where there is no window, a sentence says so")
        g.write("\x01c")
        check(g.expect(r"\(anole\) "), "and the monitor is in the terminal")


# ----------------------------------------------------------------- a terminal

class Terminal:
    """anole in a terminal of tmux's."""

    def __init__(self, folder):
        self.tmux_command = ["tmux", "-S", os.path.join(folder, "tmux"),
                             "-f", "/dev/null"]
        line = "LC_ALL=C.UTF-8 %s; echo ended $?; read x" % " ".join(
            "'%s'" % w for w in [*PC, "-display", "curses"])
        self.tmux("new-session", "-d", "-x", "90", "-y", "30", line)

    def tmux(self, *words):
        return subprocess.run([*self.tmux_command, *words], check=False,
                              capture_output=True).stdout.decode()

    def keys(self, *words):
        self.tmux("send-keys", *words)

    def shows(self, text):
        good = until(text, lambda: text in self.tmux("capture-pane", "-p"))
        if not good:
            note(self.tmux("capture-pane", "-p"))
        return good

    def close(self):
        self.tmux("kill-server")


def terminal(folder):
    t = Terminal(folder)
    try:
        check(t.shows("GNU GRUB"), "the terminal shows a text screen")
        check(t.shows("\u250c\u2500\u2500"), "with its lines")
        t.keys("c")
        t.shows("grub>")
        t.keys("-l", 'echo "A | b~"')
        check(t.shows('grub> echo "A | b~"'), "what is typed is the guest's")
        t.keys("M-2")
        check(t.shows("(anole)"), "Alt-2 shows the monitor")
        t.keys("-l", "info status")
        t.keys("Enter")
        check(t.shows("VM status: running"), "which takes commands")
        t.keys("-l", "oops")
        for _ in "oops":
            t.keys("BSpace")
        t.keys("-l", "quit")
        t.keys("Enter")
        check(t.shows("ended 0"), "and quit gives the terminal back")
    finally:
        t.close()


def main():
    if not os.path.exists(CD):
        skip("no %s; scripts/fetch.sh firmware makes it" % CD)
    needs("Xvfb", "xdotool", "import", "tmux")
    no_window()
    with scratch() as folder:
        for name, run in ("sdl", window), ("curses", terminal):
            said = subprocess.run(
                [emulator(), "-display", "help"], capture_output=True,
                check=True, env={**os.environ, "DISPLAY": ":0"})
            if re.search(r"^%s .*built without" % name,
                         said.stdout.decode(), re.M):
                skip("this anole was built without " + name)
            run(folder)
    done()


main()
