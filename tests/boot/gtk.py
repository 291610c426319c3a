#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's graphical installer comes to its first question, as a picture.

The picture is known by what is on it whatever the fonts do: the coloured
banner, a list on white with a line of text for each language, and one of them
selected.  With tesseract at hand its words are read too.
"""

import os
import shutil
import subprocess
import time

from guest import Guest, cached, check, done, emulator, note, scratch, skip

SECONDS = 300
GUESTS = [["pc", "amd64"], ["q35", "i386"]]


class Picture:
    """A PPM file (P6)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            kind, size, most, self.data = f.read().split(b"\n", 3)
        self.width, self.height = map(int, size.split())
        self.good = (kind == b"P6" and most == b"255" and
                     len(self.data) == 3 * self.width * self.height)

    def row(self, y, x1=0, x2=None):
        """The bytes of the pixels from x1 to x2 of row y."""
        x2 = self.width if x2 is None else x2
        return self.data[3 * (y * self.width + x1):3 * (y * self.width + x2)]

    def runs(self, wanted, y1, y2):
        """How many stretches of rows there are for which wanted(y)."""
        rows = [wanted(y) for y in range(y1, y2)]
        return sum(a and not b for a, b in zip(rows, [False] + rows))


def is_teal(pixel):
    red, green, blue = pixel
    return red < 80 and green > 100 and 80 < blue < 160


def first_question(picture):
    """Is it the choice of a language?"""
    width, height = picture.width, picture.height
    if not picture.good or width < 640 or height < 480:
        return False
    banner = picture.row(height // 100)
    middle = width // 2
    # The list, left of its scroll bar: white, but where text or the selection
    # is; the text is at the left.
    text = picture.runs(
        lambda y: min(picture.row(y, 24, 150)) < 0x50 and
        picture.row(y, width - 60, width - 40) == b"\xff" * 60,
        height // 5, height * 9 // 10)
    selected = picture.runs(
        lambda y: is_teal(picture.row(y, middle, middle + 1)) and
        is_teal(picture.row(y, width - 60, width - 59)),
        height // 5, height * 9 // 10)
    return max(banner[0::3]) < 0x90 and text >= 10 and selected == 1


def ask(g, command):
    g.send(command)
    g.expect(r"\(anole\) $")


def words(path):
    """What tesseract reads in the picture."""
    return subprocess.run(["tesseract", path, "-"], capture_output=True,
                          check=False).stdout.decode()


def installer(machine, arch, folder):
    path = os.path.join(folder, "screen.ppm")
    with Guest([emulator(), "-M", machine, "-cpu", "max", "-m", "1024",
                "-vga", "std", "-L", cached("firmware"), "-display", "none",
                "-serial", "null", "-monitor", "stdio",
                "-kernel", cached(arch, "installer", "linux"),
                "-initrd", cached(arch, "installer", "gtk.gz"),
                "-append", "vga=788 quiet"], timeout=SECONDS) as g:
        g.expect(r"\(anole\) $")
        good = False
        while not good and g.seconds() < SECONDS:
            time.sleep(0.5)
            ask(g, "screendump " + path)
            good = first_question(Picture(path))
        check(good, "%s, %s: the picture is the choice of a language"
              % (machine, arch))
        if good and shutil.which("tesseract"):
            text = words(path)
            check("Select a language" in text and "Dutch" in text,
                  "and its words can be read") or note(text)
        ask(g, "sendkey down")
        before = Picture(path)
        moved = False
        while good and not moved and g.seconds() < SECONDS + 60:
            ask(g, "screendump " + path)
            now = Picture(path)
            moved = first_question(now) and now.data != before.data
        check(moved, "and a key moves the selection")


for name in ("amd64", "i386"):
    if not os.path.exists(cached(name, "installer", "gtk.gz")):
        skip("no %s; scripts/fetch.sh installer makes it"
             % cached(name, "installer", "gtk.gz"))
with scratch() as directory:
    for row in GUESTS:
        installer(*row, directory)
done()
