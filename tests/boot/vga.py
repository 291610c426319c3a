#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures of a VGA's modes, pixel by pixel.

A guest without an operating system (tests/guests/x86/puppet.c) sets registers
and fills video memory; what should be seen then is computed here from what
each mode is, and compared with a screen dump.  Register values are those of
IBM's VGA BIOS.  EMULATOR=qemu-system-i386 runs it there, where colours may
differ in the lowest bits and what QEMU's screen has not is left out.
"""

import os
import time

from guest import (TOP, Guest, cached, check, done, emulator, is_anole, needs,
                   note, read_until, scratch, unix_connect)
from rom import BITS32, link, rom

SECONDS = 60
WINDOW, TEXT, MONO, FRAME_BUFFER = 0xa0000, 0xb8000, 0xb0000, 0xe0000000
SEQ, GR, AT, MISC = 0x3c4, 0x3ce, 0x3c0, 0x3c2


def hexes(text):
    return [int(w, 16) for w in text.split()]


# What makes a mode: miscellaneous output, sequencer 1 to 4, CRT controller,
# graphics controller 0 to 8, attribute controller 10 to 14.
MODES = {
    "text": ("67 00 03 00 02",
             "5f 4f 50 82 55 81 bf 1f 00 4f 2d 0e 00 00 00 00 9c 8e 8f 28 1f "
             "96 b9 a3 ff", "00 00 00 00 00 10 0e 00 ff", "04 00 0f 08 00"),
    "text40": ("67 08 03 00 02",
               "2d 27 28 90 2b a0 bf 1f 00 4f 2d 0e 00 00 00 00 9c 8e 8f 14 "
               "1f 96 b9 a3 ff", "00 00 00 00 00 10 0e 00 ff",
               "04 00 0f 08 00"),
    "mono": ("66 00 03 00 02",
             "5f 4f 50 82 55 81 bf 1f 00 4d 2b 0c 00 00 00 00 83 85 5d 28 0d "
             "63 ba a3 ff", "00 00 00 00 00 10 0a 00 ff", "06 00 0f 08 00"),
    "4": ("63 09 03 00 02",
          "2d 27 28 90 2b 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 14 00 96 "
          "b9 a2 ff", "00 00 00 00 00 30 0f 00 ff", "01 00 03 00 00"),
    "6": ("63 01 01 00 06",
          "5f 4f 50 82 54 80 bf 1f 00 c1 00 00 00 00 00 00 9c 8e 8f 28 00 96 "
          "b9 c2 ff", "00 00 00 00 00 00 0d 00 ff", "01 00 01 00 00"),
    "d": ("63 09 0f 00 06",
          "2d 27 28 90 2b 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 14 00 96 "
          "b9 e3 ff", "00 00 00 00 00 00 05 0f ff", "01 00 0f 00 00"),
    "e": ("63 01 0f 00 06",
          "5f 4f 50 82 54 80 bf 1f 00 c0 00 00 00 00 00 00 9c 8e 8f 28 00 96 "
          "b9 e3 ff", "00 00 00 00 00 00 05 0f ff", "01 00 0f 00 00"),
    "10": ("a3 01 0f 00 06",
           "5f 4f 50 82 54 80 bf 1f 00 40 00 00 00 00 00 00 83 85 5d 28 0f 63 "
           "ba e3 ff", "00 00 00 00 00 00 05 0f ff", "01 00 0f 00 00"),
    "12": ("e3 01 0f 00 06",
           "5f 4f 50 82 54 80 0b 3e 00 40 00 00 00 00 00 00 ea 8c df 28 00 e7 "
           "04 e3 ff", "00 00 00 00 00 00 05 0f ff", "01 00 0f 00 00"),
    "13": ("63 01 0f 00 0e",
           "5f 4f 50 82 54 80 bf 1f 00 41 00 00 00 00 00 00 9c 8e 8f 28 40 96 "
           "b9 a3 ff", "00 00 00 00 00 40 05 0f ff", "41 00 0f 00 00"),
    "x": ("e3 01 0f 00 06",
          "5f 4f 50 82 54 80 0d 3e 00 41 00 00 00 00 00 00 ea ac df 28 00 e7 "
          "06 e3 ff", "00 00 00 00 00 40 05 0f ff", "41 00 0f 00 00"),
}


def pattern(count, seed):
    """The bytes that the puppet's `f` writes."""
    return bytes((7 * n + 13 * (n >> 8) + seed) & 0xff for n in range(count))


def dac(i):
    """The test's palette: six bits each of red, green and blue."""
    return (5 * i + 1) & 63, (3 * i + 7) & 63, (11 * i + 20) & 63


def pixel(i):
    """A colour of the palette as three bytes."""
    return bytes(v << 2 | v >> 4 for v in dac(i))


PIXEL = [pixel(i) for i in range(256)]


# ------------------------------------------------------------------- the guest

class Puppet:
    def __init__(self, folder, image):
        path = os.path.join(folder, "monitor")
        self.dump = os.path.join(folder, "dump.ppm")
        self.guest = Guest([emulator(), "-M", "isapc", "-m", "16", "-vga",
                            "std", "-L", cached("firmware"), "-nodefaults",
                            "-display", "none", "-serial", "stdio", "-bios",
                            image, "-monitor",
                            "unix:%s,server=on,wait=off" % path],
                           timeout=SECONDS)
        self.monitor = unix_connect(path)
        read_until(self.monitor, b") ")
        self.pings = 0

    def close(self):
        self.monitor.close()
        self.guest.close()

    def say(self, letter, *numbers):
        for i in range(1, len(numbers), 64):
            self.guest.write(letter + "".join(
                " %x" % n for n in (numbers[0], *numbers[i:i + 64])) + "\n")

    def ready(self):
        self.pings += 1
        self.guest.write("p done%d.\n" % self.pings)
        return self.guest.expect(r"done%d\.\n" % self.pings)

    def index(self, port, first, values):
        for i, v in enumerate(values):
            self.say("o", port, first + i)
            self.say("o", port + 1, v)

    def attribute(self, first, values):
        self.crtc_port = getattr(self, "crtc_port", 0x3d4)
        for i, v in enumerate(values):
            self.guest.write("i %x\n" % (self.crtc_port + 6))
            self.say("o", AT, first + i, v)
        self.guest.write("i %x\n" % (self.crtc_port + 6))
        self.say("o", AT, 0x20)

    def crtc(self, first, *values):
        self.index(self.crtc_port, first, values)

    def mode(self, name):
        misc, *seq = hexes(MODES[name][0])
        crtc, gr, at = (hexes(t) for t in MODES[name][1:])
        self.crtc_port = 0x3d4 if misc & 1 else 0x3b4
        self.say("h", 0x1ce, 4)
        self.say("h", 0x1cf, 0)
        self.say("o", MISC, misc)
        self.index(SEQ, 1, seq)
        self.crtc(0x11, 0)
        self.crtc(0, *crtc)
        self.index(GR, 0, gr)
        self.attribute(0, range(16))
        self.attribute(16, at)

    def palette(self):
        self.say("o", 0x3c6, 0xff)
        self.say("o", 0x3c8, 0)
        self.say("o", 0x3c9, *(v for i in range(256) for v in dac(i)))

    def fill(self, at, count, seed):
        self.guest.write("f %x %x %x\n" % (at, count, seed))

    def fill_planes(self, count=0x10000):
        """Each plane with a pattern of its own, in a planar mode."""
        for plane in range(4):
            self.index(SEQ, 2, [1 << plane])
            self.fill(WINDOW, count, 50 * plane)
        self.index(SEQ, 2, [15])
        return [pattern(0x10000, 50 * plane) for plane in range(4)]

    def font(self):
        """A font in plane 2, as the BIOS would load it, and a second one."""
        self.index(SEQ, 2, [4, 0, 6])
        self.index(GR, 5, [0, 4])
        self.fill(WINDOW, 0x4000, 3)

    def picture(self):
        """(width, height, pixels) of a screen dump."""
        self.ready()
        if os.path.exists(self.dump):
            os.unlink(self.dump)
        self.monitor.sendall(b"screendump %s\n" % self.dump.encode())
        read_until(self.monitor, b") ")
        with open(self.dump, "rb") as f:
            kind, size, most, data = f.read().split(b"\n", 3)
        width, height = map(int, size.split())
        return width, height, data


# What QEMU makes of six bits differs from eight by up to:
SLACK = 0 if is_anole() else 3


def near(a, b):
    """Is it the same picture?"""
    if not SLACK or len(a) != len(b):
        return a == b
    return all(abs(x - y) <= SLACK for x, y in zip(a, b))


def look(puppet, width, height, lines, what):
    """Compares a picture with the lines that it should have."""
    want = b"".join(lines)
    seen = puppet.picture()
    good = seen[:2] == (width, height) and near(seen[2], want)
    if not check(good, what):
        note("%d x %d, wanted %d x %d" % (*seen[:2], width, height))
        bad = [i for i, (a, b) in enumerate(zip(seen[2], want))
               if abs(a - b) > SLACK]
        for i in bad[:3]:
            note("at %d, %d: %s, wanted %s" % (
                i // 3 % width, i // 3 // width,
                seen[2][i - i % 3:i - i % 3 + 3].hex(),
                want[i - i % 3:i - i % 3 + 3].hex()))
        note("%d bytes differ" % len(bad))
    return good


def look_until(puppet, width, height, choices, what):
    """Something blinks: each of the pictures is seen at some time."""
    wanted = [b"".join(lines) for lines in choices]
    limit, found = time.monotonic() + SECONDS, set()
    while len(found) < len(wanted) and time.monotonic() < limit:
        seen = puppet.picture()
        found |= {i for i, w in enumerate(wanted)
                  if seen[:2] == (width, height) and near(seen[2], w)}
    check(len(found) == len(wanted), what)


# ----------------------------------------------------------------------- text

FONT = pattern(0x4000, 3)


class TextPage:
    """80 columns of text in a pattern, and how it looks."""

    def __init__(self, columns, height, dots=9, blink=None, cells=None):
        self.columns, self.height, self.dots = columns, height, dots
        self.blink = blink              # None: bright backgrounds; or the phase
        self.cells = cells or pattern(0x8000, 0)
        self.line_graphics, self.underline = True, None
        self.second = 0                 # offset of the font of bit 3

    def dots_of(self, cell, scan):
        ch, attr = self.cells[2 * cell], self.cells[2 * cell + 1]
        base = self.second if attr & 8 else 0
        bits = FONT[base + 32 * ch + scan]
        fg, bg = attr & 15, attr >> 4
        if self.blink is not None:
            fg, bg = (bg & 7 if attr & 0x80 and self.blink else fg), bg & 7
        if self.underline == scan and attr & 0x77 == 1:
            return PIXEL[fg] * self.dots
        out = [PIXEL[fg if bits >> (7 - i) & 1 else bg] for i in range(8)]
        if self.dots == 9:
            # QEMU begins at B0 and heeds no register.
            wide = (self.line_graphics and 0xc0 <= ch < 0xe0 if is_anole()
                    else 0xb0 <= ch < 0xe0)
            out.append(out[7] if wide else PIXEL[bg])
        return b"".join(out)

    def line(self, first, scan, skip=0):
        """A line of pixels from a cell on, without the first ones."""
        row = b"".join(self.dots_of(first + i, scan)
                       for i in range(self.columns + 1))
        return row[3 * skip:][:3 * self.columns * self.dots]

    def lines(self, count, first=0, skip=0, preset=0):
        return [self.line(first + (y + preset) // self.height * self.columns,
                          (y + preset) % self.height, skip)
                for y in range(count)]


def set_text(puppet, name, at=TEXT):
    puppet.mode(name)
    puppet.font()
    puppet.mode(name)
    puppet.fill(at, 0x4000, 0)


def text(p):
    set_text(p, "text")
    look(p, 720, 400, TextPage(80, 16).lines(400), "text: 80 x 25, nine dots")
    page = TextPage(80, 16)
    page.line_graphics = False
    p.attribute(16, [0])
    look(p, 720, 400, page.lines(400), "a ninth dot of the background")
    p.index(SEQ, 1, [1])
    look(p, 640, 400, TextPage(80, 16, 8).lines(400), "eight dots")
    p.mode("text")
    p.attribute(16, [0x0c])
    if is_anole():                      # in QEMU they do not blink
        look_until(p, 720, 400, [TextPage(80, 16, 9, phase).lines(400)
                                 for phase in (0, 1)], "blinking characters")
    p.mode("text")
    p.crtc(9, 0x47)
    look(p, 720, 400, TextPage(80, 8).lines(400), "80 x 50")
    set_text(p, "text40")
    if is_anole():                      # QEMU has eight dots there
        look(p, 720, 400, [twice(line) for line in TextPage(40, 16).lines(400)],
             "40 x 25")
    p.index(SEQ, 1, [9])
    look(p, 640, 400, [twice(line) for line in TextPage(40, 16, 8).lines(400)],
         "40 x 25, eight dots")
    page = TextPage(80, 16)
    page.second = 0x2000
    p.mode("text")
    p.index(SEQ, 3, [0x20 | 0x00])
    look(p, 720, 400, page.lines(400), "a second font by bit 3")


def text_cursor(p):
    set_text(p, "text")
    p.crtc(0x0a, 3, 5)
    p.crtc(0x0e, 0, 85)
    plain = TextPage(80, 16).lines(400)
    fg = TextPage(80, 16).cells[2 * 85 + 1] & 15
    shown = list(plain)
    for y in range(16 + 3, 16 + 6):
        shown[y] = (plain[y][:3 * 45] + PIXEL[fg] * 9 + plain[y][3 * 54:])
    look_until(p, 720, 400, [plain, shown], "text: a cursor that blinks")


def text_moved(p):
    """What QEMU does not do: smooth scrolling, splits inside a row."""
    set_text(p, "text")
    page = TextPage(80, 16)
    p.crtc(0x0c, 0, 160)
    look(p, 720, 400, page.lines(400, 160), "text: begins at another row")
    if not is_anole():
        return
    p.crtc(8, 5)
    look(p, 720, 400, page.lines(400, 160, 0, 5), "text: five lines up")
    p.attribute(19, [2])
    look(p, 720, 400, page.lines(400, 160, 3, 5), "text: three dots left")
    p.crtc(0x18, 200 & 0xff)            # the split is behind line 200
    p.crtc(7, 0x0f)
    p.crtc(9, 0x0f)
    look(p, 720, 400, page.lines(201, 160, 3, 5) + page.lines(199, 0, 3),
         "text: split, both parts moved")
    p.attribute(16, [0x24])
    # There the register counts as 0, which is one of nine dots.
    look(p, 720, 400, page.lines(201, 160, 3, 5) + page.lines(199, 0, 1),
         "text: split, the lower part is not")


def text_mono(p):
    set_text(p, "mono", MONO)
    page = TextPage(80, 14)
    page.underline = 13 if is_anole() else None
    look(p, 720, 350, page.lines(350), "text: monochrome, underlined")


# ------------------------------------------------------------------- graphics

def double(lines):
    """Each pixel of each line twice, and the lines too."""
    return [twice(line) for line in lines for _ in range(2)]


def twice(line):
    """Each pixel of a line twice."""
    return b"".join(line[i:i + 3] * 2 for i in range(0, len(line), 3))


def planar(planes, at, width, skip=0):
    """A line of 16 colours from byte `at` of the planes."""
    out = []
    for a in range(at, at + width // 8 + 1):
        bits = [p[a & 0xffff] for p in planes]
        out += [PIXEL[sum((b >> i & 1) << n for n, b in enumerate(bits))]
                for i in range(7, -1, -1)]
    return b"".join(out[skip:skip + width])


def sixteen_colours(p):
    for name, width, height in (("d", 320, 200), ("e", 640, 200),
                                ("10", 640, 350), ("12", 640, 480)):
        p.mode(name)
        planes = p.fill_planes(0xa000)
        lines = [planar(planes, y * width // 8, width) for y in range(height)]
        if width == 320:
            lines = [twice(line) for line in lines]
        if height == 200:
            lines = [line for line in lines for _ in range(2)]
        look(p, 640, len(lines), lines,
             "mode %s: %d x %d, 16 colours" % (name, width, height))


def moved(p):
    p.mode("d")
    planes = p.fill_planes()
    p.crtc(0x0c, 1, 0x23)
    p.crtc(0x13, 22)
    look(p, 640, 400, double(planar(planes, 0x123 + 44 * y, 320)
                             for y in range(200)),
         "mode d: another start and pitch")
    p.crtc(0x18, 0x77)                  # behind line 77h of 400
    p.crtc(7, 0x0f)
    p.crtc(9, 0x80)
    split = [planar(planes, 0x123 + 44 * y, 320) for y in range(0x78 // 2)]
    split += [planar(planes, 44 * y, 320) for y in range(200 - len(split))]
    look(p, 640, 400, double(split), "mode d: split screen")
    if is_anole():
        p.attribute(19, [3])
        split = [planar(planes, 0x123 + 44 * y, 320, 3)
                 for y in range(0x78 // 2)]
        split += [planar(planes, 44 * y, 320, 3)
                  for y in range(200 - len(split))]
        look(p, 640, 400, double(split), "mode d: three pixels left")


def cga(p):
    p.mode("4")
    p.fill(TEXT, 0x4000, 9)
    data = pattern(0x4000, 9)
    lines = []
    for y in range(200):
        row = data[(y & 1) * 0x2000 + y // 2 * 80:][:80]
        lines.append(b"".join(PIXEL[b >> s & 3] for b in row
                              for s in (6, 4, 2, 0)))
    look(p, 640, 400, double(lines), "mode 4: 320 x 200, 4 colours")
    p.mode("6")
    p.fill(TEXT, 0x4000, 9)
    lines = []
    for y in range(200):
        row = data[(y & 1) * 0x2000 + y // 2 * 80:][:80]
        lines.append(b"".join(PIXEL[b >> s & 1] for b in row
                              for s in range(7, -1, -1)))
    look(p, 640, 400, [line for line in lines for _ in range(2)], "mode 6: 640 x 200, 2 colours")


def many_colours(p):
    p.mode("13")
    p.fill(WINDOW, 65000, 4)
    data = pattern(65000, 4)
    for skip in (0, 2) if is_anole() else (0,):
        p.attribute(19, [2 * skip])
        look(p, 640, 400,
             double(b"".join(PIXEL[b] for b in data[320 * y + skip:][:320])
                    for y in range(200)),
             "mode 13: 320 x 200, 256 colours, from pixel %d" % skip)
    p.mode("x")
    planes = p.fill_planes()
    look(p, 640, 480, double(b"".join(PIXEL[planes[x & 3][80 * y + x // 4]]
                                      for x in range(320))
                             for y in range(240)),
         "mode X: 320 x 240 in planes")
    p.crtc(0x0c, 0x12, 0x34)
    look(p, 640, 480, double(b"".join(
        PIXEL[planes[x & 3][0x1234 + 80 * y + x // 4]] for x in range(320))
                             for y in range(240)),
         "mode X: its second page")


# ---------------------------------------------------------------------- DISPI

def dispi(p, index, value):
    p.say("h", 0x1ce, index)
    p.say("h", 0x1cf, value)


def set_dispi(p, width, height, bpp):
    dispi(p, 4, 0)
    for index, value in enumerate((width, height, bpp), 1):
        dispi(p, index, value)
    dispi(p, 4, 0x41)


def grow(value, bits, full=True):
    """A colour of few bits as eight, so that most is most if `full`."""
    return value << (8 - bits) | (value >> (2 * bits - 8) if full else 0)


def colour(word, bpp):
    if bpp == 8:
        return PIXEL[word]
    if bpp >= 24:
        return bytes((word >> 16 & 255, word >> 8 & 255, word & 255))
    green, full = bpp - 10, is_anole() or bpp == 16
    return bytes((grow(word >> (5 + green) & 31, 5, full),
                  grow(word >> 5 & ((1 << green) - 1), green, full),
                  grow(word & 31, 5, full)))


def direct(data, width, height, bpp, pitch=None, start=0):
    size = (bpp + 7) // 8
    pitch = pitch or width
    lines = []
    for y in range(height):
        at = (start + y * pitch) * size
        row = data[at:at + width * size]
        lines.append(b"".join(
            colour(int.from_bytes(row[x:x + size], "little"), bpp)
            for x in range(0, width * size, size)))
    return lines


def bochs(p):
    width, height = 320, 200
    for bpp in (8, 15, 16, 24, 32):
        count = width * height * ((bpp + 7) // 8)
        set_dispi(p, width, height, bpp)
        p.fill(FRAME_BUFFER, 400 * 220 * 4, bpp)
        data = pattern(count, bpp)
        look(p, width, height, direct(data, width, height, bpp),
             "DISPI: %d bits a pixel" % bpp)
    data = pattern(400 * 220 * 4, 32)
    dispi(p, 6, 400)
    dispi(p, 8, 24)
    dispi(p, 9, 10)
    look(p, width, height, direct(data, width, height, 32, 400, 10 * 400 + 24),
         "DISPI: a part of a wider screen")


def main():
    needs("gcc", "ld", "objcopy")
    with scratch() as folder:
        source = os.path.join(TOP, "tests", "guests", "x86", "puppet.c")
        puppet = Puppet(folder, rom(folder, link(folder, "puppet", [source],
                                                 BITS32)))
        try:
            check(puppet.ready(), "the guest does what it is told")
            puppet.palette()
            for part in (text, text_cursor, text_moved, text_mono,
                         sixteen_colours, moved, cga, many_colours, bochs):
                part(puppet)
        finally:
            puppet.close()
    done()


main()
