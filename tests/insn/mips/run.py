#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare MIPS instructions here with another implementation.

usage: run.py SETUP [-n CASES] [-s SEED] [-r ROW] [-v] [-traps] [-system]

Draws words of every row of the decode tables of target/mips, builds guest.c
with them for SETUP (32, 32be, 64, 64be, r6, ...), and runs it on the board
mipssim of $ANOLE and of qemu-system-mips*. The outputs must agree. Exits with
77 where the tools are not there.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
CODE = 0xa0200000
AREA_POINTERS, CODE_POINTER = (4, 5, 6, 7), 8
FREE = [r for r in range(32) if r not in (26, 27)]

DSP = {"R2", "PRE6", "FP64", "FP64X", "DSP", "DSP2"}

# name: compiler, system, CPU, flags, features of its rows, Status
SETUPS = {
    "32": ("mipsel-linux-gnu", "mipsel", "24Kf", "-mips32r2",
           {"R2", "PRE6", "FP64", "FP64X"}, 0x20000000),
    "32be": ("mips-linux-gnu", "mips", "24Kf", "-mips32r2",
             {"R2", "PRE6", "FP64", "FP64X"}, 0x20000000),
    "64": ("mips64el-linux-gnuabi64", "mips64el", "MIPS64R2-generic",
           "-mips64r2 -mabi=64 -msym32",
           {"R2", "PRE6", "64", "64R2", "64PRE6", "FP64",
              "FP64X", "PS"}, 0x240000e0),
    "64be": ("mips64-linux-gnuabi64", "mips64", "MIPS64R2-generic",
             "-mips64r2 -mabi=64 -msym32",
             {"R2", "PRE6", "64", "64R2", "64PRE6", "FP64",
              "FP64X", "PS"}, 0x240000e0),
    "16": ("mipsel-linux-gnu", "mipsel", "24Kc", "-mips32r2", {"16"}, 0),
    "16be": ("mips-linux-gnu", "mips", "24Kc", "-mips32r2", {"16"}, 0),
    "dsp": ("mipsel-linux-gnu", "mipsel", "74Kf", "-mips32r2", DSP,
            0x21000000),
    "dspbe": ("mips-linux-gnu", "mips", "74Kf", "-mips32r2", DSP,
              0x21000000),
    "msa": ("mipsel-linux-gnu", "mipsel", "P5600", "-mips32r5 -mfp64",
            {"R2", "R5", "PRE6", "FP64", "FP64X", "MSA", "LSA"}, 0x24000000),
    "msabe": ("mips-linux-gnu", "mips", "P5600", "-mips32r5 -mfp64",
              {"R2", "R5", "PRE6", "FP64", "FP64X", "MSA", "LSA"},
              0x24000000),
    "msaoff": ("mipsel-linux-gnu", "mipsel", "P5600", "-mips32r5 -mfp64",
               {"R2", "R5", "PRE6", "FP64", "FP64X", "MSA", "LSA", "OFF"},
               0x24000000),
    "msa64": ("mipsisa64r6el-linux-gnuabi64", "mips64el", "I6400",
              "-mips64r6 -mabi=64 -msym32",
              {"R2", "R5", "R6", "64", "64R2", "FP64", "MSA", "LSA",
               "LSA64"}, 0x240000e0),
    "dspoff": ("mipsel-linux-gnu", "mipsel", "74Kf", "-mips32r2", DSP,
               0x20000000),
    "r6": ("mipsisa32r6el-linux-gnu", "mipsel", "mips32r6-generic",
           "-mips32r6", {"R2", "R5", "R6", "FP64", "LSA"}, 0x24000000),
    "64r6": ("mipsisa64r6el-linux-gnuabi64", "mips64el", "I6400",
             "-mips64r6 -mabi=64 -msym32",
             {"R2", "R5", "R6", "64", "64R2", "FP64", "LSA", "LSA64"}, 0x240000e0),
}
# FCSR's bits that are drawn: rounding; with -traps Enables too.  Not FS: the
# peer then raises nothing where a result is flushed.
FCSR_MASK, FCSR_TRAPS = 3, 0xf83
MSACSR_MASK, MSACSR_TRAPS = 0x1000003, 0x1040f83
# The FPU's leave upper halves of vectors unpredictable.
# Tables, and what a setup has to have for them.
TABLES = {"mips_int": None, "mips_ldst": None, "mips_branch": None,
          "mips_fpu": None, "mips_r6": "R6", "mips_fpu6": "R6",
          "mips_ps": "PS", "mips_dsp": "DSP", "mips_dspac": "DSP",
          "mips_msa": "MSA", "mips_msax": "MSA", "mips_msaf": "MSA"}
LEFT_OUT = {"synci", "cache", "pref", "sync", "luxc1", "suxc1", "prefx"}
# Take words: operands that are no sign-extended words are unpredictable.
WORD = {"sll", "srl", "sra", "rotr", "sllv", "srlv", "srav", "rotrv", "add",
        "addu", "sub", "subu", "addi", "addiu", "mul", "mult", "multu", "madd",
        "maddu", "msub", "msubu", "div", "divu", "clz", "clo", "ext", "ins",
        "seb", "seh", "wsbh", "muh", "mulu", "muhu", "mod", "modu", "lsa",
        "align", "bitswap", "aui"}
WORDS = 0x40                    # SSNOP as the last word: all registers are
# A NOP before it: upper halves of FPU registers are unpredictable.
LOW_HALVES = 0x80


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


class Row:
    def __init__(self, name, bits, form, guard, folds):
        self.name, self.bits, self.form, self.guard = name, bits, form, guard
        self.folds = folds              # the peer leaves out what sets r0


def read_table(name):
    forms, rows = {}, []
    for line in open(os.path.join(TOP, "target/mips", name + ".decode")):
        line = line.split("#")[0].strip()
        if line.startswith("form "):
            _, form, *fields = line.split()
            forms[form] = dict(re.match(r"(\w+)=(\d+:\d+|\d+)", f).groups()
                               for f in fields)
        elif line:
            m = re.match(r"(\S+)\s+([01.\s]+?)\s+([a-z]\w*)\s+(.*)", line)
            guard = re.search(r" if FEAT_(\w+)", line)
            rows.append(Row(m[1], re.sub(r"\s", "", m[2]), forms[m[3]],
                            guard and guard[1], name[:8] == "mips_dsp"))
    return rows


def set_field(word, place, value):
    hi, _, lo = place.partition(":")
    lo = int(lo or hi)
    width = int(hi) - lo + 1
    mask = (1 << width) - 1
    return word & ~(mask << lo) | (value & mask) << lo


def fix_registers(rnd, row, word, full):
    """No k0, k1; bases point into the area."""
    for name, place in row.form.items():
        if name in ("rs", "rt", "rd", "ft", "fs", "fd"):
            hi, _, lo = place.partition(":")
            if not set(row.bits[31 - int(hi):32 - int(lo)]) - {"."}:
                word = set_field(word, place, rnd.choice(FREE))
                if row.folds:
                    word = set_field(word, place, rnd.choice(FREE[1:]))
    if "base" in row.form:
        word = set_field(word, row.form["base"], rnd.choice(AREA_POINTERS))
        if row.form.get("offset") == "15:7":
            return set_field(word, "15:7", rnd.randrange(-128, 128))
        if "offset" not in row.form:                    # indexed by r0
            return set_field(word, row.form["rt"], 0)
        word = set_field(word, row.form["offset"], rnd.randrange(-128, 128))
    if row.name in ("cfc1", "ctc1"):
        return set_field(word, "15:11", rnd.choice(
            (31,) if row.name == "ctc1" else (25, 26, 28, 31)))
    if row.name in ("lwpc", "lwupc", "ldpc"):
        return set_field(word, row.form["offset"], rnd.randrange(-4, 8))
    for name in ("fs", "ft", "fd", "fr"):               # pairs, with FR = 0
        if name in row.form and row.name not in ("lwc1", "swc1", "mtc1"):
            hi, _, lo = row.form[name].partition(":")
            word &= ~(1 << int(lo)) if not full else ~0
    if is_division(row):                                # by zero: unpredictable
        word = set_field(word, row.form["rt"], rnd.choice(AREA_POINTERS))
    return word


def is_division(row):
    return ("div" in row.name or "mod" in row.name) and "rt" in row.form


def is_compact(row):
    return row.name in ("bc", "balc", "beqzc", "bnezc", "jic", "jialc") \
        or row.name[:3] == "pop"


def fix_compact(row, word):
    if row.name in ("jic", "jialc"):
        return set_field(set_field(word, "20:16", CODE_POINTER), "15:0", 0)
    return set_field(word, row.form["offset"], 2)


def fix_branch(row, word):
    if row.name in ("j", "jal"):
        return set_field(word, "25:0", (CODE + 16 >> 2) & 0x3ffffff)
    if row.name in ("jr", "jalr"):
        word = set_field(word, "25:21", CODE_POINTER)
        return set_field(word, "10:6", word & 16)       # other hints: reserved
    if "rs" in row.form and row.bits[6:11] == "....." \
            and word >> 21 & 31 in (0, word >> 16 & 31):    # peer folds these
        word = set_field(word, "25:21", 9)
    return set_field(word, "15:0", 3)


def draw_word(rnd, row, full):
    word = 0
    for bit in row.bits:
        word = word << 1 | (rnd.getrandbits(1) if bit == "." else int(bit))
    return fix_registers(rnd, row, word, full)


def has_low_result(row, word):
    """Is it a 32-bit one of the FPU?"""
    if row.name[-3:] == ".ps" or row.name[:7] == "cvt.s.p" \
            or row.name == "cvt.ps.s":
        return row.name[:7] == "cvt.s.p"
    if row.name == "cmp":
        return not word & 1 << 21
    if row.name[-2:] == ".l" and row.name != "cvt.s.l":
        return False
    return row.name[-2:] == ".w" or row.name in (
        "mtc1", "lwc1", "lwxc1", "cvt.s.d", "cvt.s.w", "cvt.s.l") or (
        "fd" in row.form and row.name[:3] != "cvt" and row.name != "ldxc1"
        and not word & (1 if word >> 26 == 19 else 1 << 21))


def fix_vector(rnd, row, word, wide):
    """A size of lanes that there is: the peer does not look at it."""
    df = rnd.randrange(4)
    if not wide and row.name in ("fill", "copy_s", "insert"):
        df = rnd.randrange(3)
    if row.name == "copy_u":
        df = rnd.randrange(2 + wide)
    if row.name[:4] in ("dotp", "dpad", "dpsu", "hadd", "hsub"):
        df = rnd.randrange(1, 4)
    if "m" in row.form:
        word = set_field(word, "22:16", (0x70, 0x60, 0x40, 0)[df]
                         | rnd.randrange(8 << df))
    elif "n" in row.form and row.name != "move":
        word = set_field(word, "21:16", (0, 0x20, 0x30, 0x38)[df]
                         | rnd.randrange(16 >> df))
    elif row.form.get("df") in ("22:21", "17:16"):
        word = set_field(word, row.form["df"], df)
    return word


def store_conditional(rnd, row, word, features):
    """After an LL of that place, or of none; a store may be between.

    Not of what LL read: the peer lets a second one store, if memory is the
    same after the first.
    """
    word = set_field(word, "20:16", rnd.choice((10, 11, 12)))
    offset = rnd.randrange(-15, 16) * (8 if row.name == "scd" else 4)
    place = "15:7" if "R6" in features else "15:0"
    word = set_field(word, place, offset)
    wide = row.name == "scd"
    load = ((0x37 if wide else 0x36) | 0x7c000000 if "R6" in features
            else (0x34 if wide else 0x30) << 26)
    load = set_field(set_field(load, place, offset), "25:16", word >> 16)
    load = set_field(load, "20:16", 9)
    between = set_field(0xac000000 | word & 0x03e00000, "15:0", offset) \
        | rnd.choice((8, 9, 10)) << 16
    return [rnd.choice((load, load, 0)), rnd.choice((0, 0, between)), word,
            word, 0, 0, 0, 0]


def make_case(rnd, table, row, plain, full, features):
    """Eight words: a branch skips the third or third and fourth."""
    word = draw_word(rnd, row, full)
    if row.name == "alnv.ps":
        return [set_field(word, "25:21", rnd.choice(AREA_POINTERS)), 0, 0, 0,
                0, 0, 0, 0]
    if row.name in ("c.ps", "movf.ps", "movt.ps"):      # codes come in pairs
        word &= ~(1 << (8 if row.name == "c.ps" else 18))
    if table[:8] == "mips_msa":
        word = fix_vector(rnd, row, word, "64" in features)
    if row.name in ("sc", "scd"):
        return store_conditional(rnd, row, word, features)
    if row.name == "insv":                  # what goes beyond: unpredictable
        size = rnd.randrange(1, 33)
        return [0x24010000 | rnd.randrange(33 - size) | size << 7,
                0x7c201cf8, set_field(word, "20:16", 9), 0, 0, 0, 0, 0]
    if table in ("mips_fpu", "mips_fpu6", "mips_ps"):
        return [word, 0, 0, 0, 0, 0,
                LOW_HALVES if has_low_result(row, word) else 0, 0]
    if is_compact(row):
        # The rows with rt 0 are other instructions, which have slots.
        # A link register that is compared is unpredictable.
        if row.name[:3] == "pop" and word >> 16 & 31 in (0, 31):
            word = set_field(word, "20:16", 9)
        return [fix_compact(row, word), 0x27390001, 0x27390010, 0x27390100, 0,
                0, 0, WORDS]
    if table != "mips_branch":
        return [word, 0, 0, 0, 0, 0, 0, WORDS if row.name in WORD else 0]
    word = fix_branch(row, word)
    slot = draw_word(rnd, rnd.choice(plain), full) if rnd.random() < 0.8 else 0
    return [word, slot, 0x27390001, 0x27390010, 0x27390100, 0, 0, WORDS]


# MIPS16e: extendable forms; a BREAK ends a case.
LONG_FORMS = {"rx imm", "imm", "rx ry imm", "rx ry sa", "ra s0 s1 size"}
BREAK16 = 0xe805
REGION = (CODE & 0xfffffff) >> 2


def draw_half(rnd, row):
    """An instruction of MIPS16e in the upper half, an EXTEND's bits below."""
    word = 0
    for bit in row.bits:
        word = word << 1 | (rnd.getrandbits(1) if bit == "." else int(bit))
    if row.name in ("lb", "lh", "lw", "lbu", "lhu", "sb", "sh", "sw"):
        word = set_field(word, "26:24", rnd.choice(AREA_POINTERS))
    if row.name in ("div", "divu"):
        word = set_field(word, "23:21", rnd.choice(AREA_POINTERS))
    if row.name == "jr":
        word = set_field(word, "23:21", rnd.choice((0, 1, 2, 4, 5, 6)))
        word = set_field(word, "26:24",
                         0 if word >> 21 & 1 else rnd.choice((2, 3)))
    if row.name[0] == "b" and row.name != "break":      # a few halves on
        word = set_field(word, "23:16", rnd.randrange(2, 8)) & 0xffff0000
    if row.name == "b":
        word = set_field(word, "26:24", 0) & 0xffff0000
    if row.name[:2] == "ja":
        to = REGION + (8 if row.name == "jalx" else 4)
        return word & 0xfc000000 | (to >> 16 & 31) << 21 | (
            to >> 21) << 16 | to & 0xffff
    return word


def near(rnd, word):
    """An EXTEND's bits that make no great number."""
    if word >> 30 == 2 or word >> 30 == 3 or word >> 27 == 12:
        return word & ~0x7ff | rnd.choice((0, 0x20, 0x7ff, 0x7df))
    return word


def make_case16(rnd, row, rows):
    word = draw_half(rnd, row)
    halves = [word >> 16]
    if " ".join(row.form) in LONG_FORMS and rnd.random() < 0.5:
        if row.name in ("save", "restore"):
            word = word & ~15 | rnd.randrange(15)
        elif word & 0x7ff and word >> 27 != 2:
            word = near(rnd, word)
        halves = [0xf000 | word & 0x7ff, word >> 16]
    if row.name[:2] == "ja":
        halves.append(word & 0xffff)
    if row.name in ("jal", "jalx", "jr"):
        plain = rnd.choice([r for r in rows if r.name in SLOTS16])
        halves.append(draw_half(rnd, plain) >> 16)
    return halves + [BREAK16] * (12 - len(halves))


SLOTS16 = {"addu", "subu", "addiu8", "addiupc", "lw", "lwpc", "sb", "neg",
           "slt", "cmp", "break", "li", "mult"}


def make_cases16(options, big):
    rnd = random.Random(options.seed)
    rows = [r for r in read_table("mips16") if r.name != "sdbbp"]
    cases = []
    for row in rows * options.n:
        if not options.row or row.name == options.row:
            h = make_case16(rnd, row, rows)
            pairs = [(h[i + (not big)], h[i + big]) for i in range(0, 12, 2)]
            cases.append((row, [a << 16 | b for a, b in pairs] + [0, 0]))
    return cases


def make_cases(options, features, status):
    rnd = random.Random(options.seed)
    tables = {t: [r for r in read_table(t)
                  if r.name not in LEFT_OUT
                  and (not r.guard or r.guard in features)]
              for t, needs in TABLES.items()
              if (not needs or needs in features)
              and not ("MSA" in features and t[:8] == "mips_fpu")}
    plain = [r for t in ("mips_int", "mips_ldst") if t in tables
             for r in tables[t]]
    cases = []
    for table, rows in tables.items():
        for row in rows:
            if options.row and row.name != options.row:
                continue
            for _ in range(options.n):
                cases.append((row, make_case(rnd, table, row, plain,
                                             status & 0x04000000,
                                             features)))
    return cases


def write_words(path, cases, setup, fcsr, shown):
    with open(path, "w") as f:
        f.write("#define CODE %#x\n#define STATUS %#x\n#define SHOWN %d\n"
                "#define FCSR_MASK %#x\n#define R6_JR %d\n"
                "#define MSACSR_MASK %#x\n#define COMPACT %d\n"
                % (CODE, setup[5], shown, fcsr, "R6" in setup[4],
                   MSACSR_TRAPS if fcsr == FCSR_TRAPS else MSACSR_MASK,
                   "16" in setup[4]))
        f.write("static const u32 words[][8] = {\n")
        for _, words in cases:
            f.write("{ %s },\n" % ", ".join("%#x" % w for w in words))
        f.write("};\n")


def link(folder, setup, defines, *sources):
    out = os.path.join(folder, "guest.elf")
    subprocess.run(
        [setup[0] + "-gcc", *setup[3].split(), *defines,
         "-msoft-float", "-mno-abicalls", "-fno-pic", "-G0", "-O1",
         "-ffreestanding", "-nostdlib", "-static", "-Wl,--build-id=none",
         "-Wl,-T," + os.path.join(HERE, "guest.ld"), "-I", folder, "-o", out,
         *(os.path.join(HERE, s) for s in sources)],
        check=True)
    return out


def build(folder, cases, setup, fcsr, shown=-1):
    write_words(os.path.join(folder, "words.h"), cases, setup, fcsr, shown)
    defines = []
    if setup[5] & 0x20000000:
        defines.append("-DHAS_FPU")
        if not setup[5] & 0x04000000:
            defines.append("-DFR0")
    if "MSA" in setup[4] and "OFF" not in setup[4]:
        defines.append("-DHAS_MSA")
    if setup[5] & 0x01000000:
        defines.append("-DHAS_DSP")
    if "R5" in setup[4]:
        defines.append("-DHAS_BADINSTR")
    if "16" in setup[4]:
        defines.append("-DHAS_MIPS16")
    if "PRE6" in setup[4] or "16" in setup[4]:
        defines.append("-DHAS_HILO")
    return link(folder, setup, defines, "start.S", "guest.c")


def run(command):
    """What a machine says until it has come to the end."""
    p = subprocess.Popen(command, stdout=subprocess.PIPE,
                         stdin=subprocess.DEVNULL)
    lines = []
    for line in p.stdout:
        lines.append(line.decode(errors="replace").strip())
        if lines[-1][:3] == "end":
            break
    p.kill()
    p.wait()
    return lines


def both(elf, setup):
    ours = os.path.join(os.path.dirname(os.environ["ANOLE"]),
                        "anole-system-" + setup[1])
    common = ["-M", "mipssim", "-cpu", setup[2], "-kernel", elf, "-display",
              "none", "-monitor", "none", "-serial", "stdio"]
    return (run([ours, *common]), run(["qemu-system-" + setup[1], *common]))


def show_case(folder, cases, setup, fcsr, n):
    ours, theirs = both(build(folder, cases, setup, fcsr, n), setup)
    start = next(i for i, s in enumerate(ours) if s.startswith("%06x" % (n-1))
                 ) if n else 0
    for a, b in zip(ours[start:], theirs[start:]):
        if a != b:
            print("  ours   %s\n  theirs %s" % (a, b))


def compare_system(setup):
    """system.c says the same on both."""
    status = "-DSTATUS=%#x" % (setup[5] & 0xe0)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = both(link(folder, setup, [status], "vectors.S",
                                 "system.c"), setup)
    for a, b in zip(ours, theirs):
        if a != b:
            print("  ours   %s\n  theirs %s" % (a, b))
    print("%d lines here, %d there" % (len(ours), len(theirs)))
    return 0 if ours == theirs and ours[-1:] == ["end"] else 1


# What anole leaves out of registers, of what chips and the peer have.
LEFT_OUT_BITS = {"Config1": 0x18, "Config3": 0x2300c084, "FIR": 1 << 19}


def models_of(system):
    """Names in the table, in which 64-bit ones say so in their Config."""
    text = open(os.path.join(TOP, "target/mips/models.c")).read()
    for name, config in re.findall(r'\{ "([\w-]+)", 0x\w+,\s*\{ 0x(\w+)', text):
        if system == "mips64el" or not int(config, 16) >> 13 & 3:
            yield name, int(config, 16) >> 10 & 7 == 2


def what_it_is(lines):
    """Registers and values, less what is left out."""
    pairs = [line.split() for line in lines if line.count(" ") == 1]
    return {name: int(v, 16) & ~LEFT_OUT_BITS.get(name, 0)
            for name, v in pairs}


def compare_models(system):
    """model.c says the same of every model on both."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, is_r6 in models_of(system):
            setup = list(SETUPS["r6" if is_r6 else "32"])
            elf = link(folder, setup, [], "vectors.S", "model.c")
            setup[1:3] = system, name
            ours, theirs = map(what_it_is, both(elf, setup))
            for reg in {*ours, *theirs}:
                if ours.get(reg) != theirs.get(reg):
                    wrong += 1
                    print("%s: %s is %s here, %s there" % (
                        name, reg, *("%08x" % s[reg] if reg in s else "not"
                                     for s in (ours, theirs))))
            wrong += "end" not in ours
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("setup")
    parser.add_argument("-n", type=int, default=12)
    parser.add_argument("-s", "--seed", type=int, default=1)
    parser.add_argument("-r", "--row")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("-traps", action="store_true",
                        help="with exceptions of the FPU enabled")
    parser.add_argument("-system", action="store_true",
                        help="not instructions, but CP0: system.c")
    parser.add_argument("-models", action="store_true",
                        help="Config registers of all models: model.c")
    options = parser.parse_args()
    fcsr = FCSR_TRAPS if options.traps else FCSR_MASK
    setup = SETUPS[options.setup]
    if not shutil.which(setup[0] + "-gcc"):
        skip("no " + setup[0] + "-gcc")
    if not shutil.which("qemu-system-" + setup[1]):
        skip("no qemu-system-" + setup[1])
    if options.models:
        return compare_models(setup[1])
    if options.system:
        return compare_system(setup)
    if "16" in setup[4]:
        cases = make_cases16(options, setup[1] == "mips")
    else:
        cases = make_cases(options, setup[4], setup[5])
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = both(build(folder, cases, setup, fcsr), setup)
        wrong = {}
        for n, (a, b) in enumerate(zip(ours, theirs)):
            if a != b and n < len(cases):
                wrong.setdefault(cases[n][0].name, []).append(n)
        for name, list_ in wrong.items():
            n = list_[0]
            print("%s: %d of %d differ; %s" % (
                name, len(list_), options.n,
                " ".join("%08x" % w for w in cases[n][1])))
            if options.v:
                show_case(folder, cases, setup, fcsr, n)
    print("%s: %d cases, %d lines here, %d there" % (
        options.setup, len(cases), len(ours), len(theirs)))
    return 1 if wrong or len(ours) != len(theirs) or len(ours) <= len(cases) \
        else 0


if __name__ == "__main__":
    sys.exit(main())
