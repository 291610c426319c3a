#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a .decode table into C.  usage: decodegen.py TABLE PREFIX forms|decoder

`forms` are the field structs, included as "PREFIX.forms.h" before the
translate functions; `decoder`, included as "PREFIX.decode.h" after them, is
`static bool PREFIX_decode(Ctx *c, u32 w)`, so that a wrong argument or a
missing function is an ordinary compile error.  It is false for a word that
no row matches, else what the row's function returns.  The decoder also has
the rows as `const Insn PREFIX_insns[]`, ended by a NULL name, for tests.

A table has one line per instruction, drawn as the manual draws it:

    # a comment, to the end of the line
    form NAME field=hi:lo[,hi:lo...][s][<<n] ...
    NAME bits...  FORM  function[(arguments)]  [if FEATURE]

    form  ri   sf=31 imm=21:10 rn=9:5 rd=4:0
    form  b    offset=25:0s<<2
    add   . 00 100010 0 ............ ..... .....   ri  add_imm(false, ir_add)
    crc32x 1 00 11010110 ..... 010011 ..... .....  rrr crc32(M_64)  if FEAT_CRC32

A form's field is made of the given bits, the first part highest; `s` means
signed, `<<n` that the value is multiplied by 2^n (the result must fit 32
bits).  Fields are u8, or i32 if signed or wider than 8 bits.  Any number of
rows may use a form.  The function is called as

    function(c, form_FORM fields[, arguments])

The arguments are copied as they stand and may hold any C, without blanks
outside brackets: `alu(ir_add,.scale=2)`, `load(M_32 | M_SIGN)`.  A row with
`if FEATURE` counts only where has(c, FEATURE); otherwise the next row that
matches does, or none.

In `bits`, 0 and 1 must match and . is free; spaces are for the eye.  Where
two patterns can match one word, the one that fixes more bits is tried first;
if neither contains the other the table is wrong, and the build stops.  Two
rows with different FEATUREs may overlap: the one above wins.
"""
import re
import sys

ALL = 0xffffffff
LINEAR = 4                  # so many patterns are tried one after the other


class Field:
    def __init__(self, text):
        m = re.fullmatch(r'(\w+)=([\d:,]+)(s?)(?:<<(\d+))?', text)
        if not m:
            raise ValueError(f'bad field "{text}"')
        self.name, self.signed, self.shift = m[1], bool(m[3]), int(m[4] or 0)
        self.parts = []
        for part in m[2].split(','):
            hi, _, lo = part.partition(':')
            lo = lo or hi
            if not 31 >= int(hi) >= int(lo):
                raise ValueError(f'bad bits in "{text}"')
            self.parts.append((int(hi), int(lo)))
        self.width = sum(hi - lo + 1 for hi, lo in self.parts)
        if self.width + self.shift > 32:
            raise ValueError(f'"{text}" does not fit 32 bits')

    def ctype(self):
        return 'i32' if self.signed or self.width + self.shift > 8 else 'u8'

    def value(self):
        """C expression for the field of word w."""
        terms, at = [], self.width
        for hi, lo in self.parts:
            at -= hi - lo + 1
            part = f'bits(w, {hi}, {lo})'
            terms.append(f'{part} << {at}' if at else part)
        v = ' | '.join(terms)
        if self.signed:
            v = f'sext({v}, {self.width})'
        return f'({v}) * {1 << self.shift}' if self.shift else v


class Pattern:
    def __init__(self, line, name, bits, form, call, guard):
        self.line, self.name, self.form, self.guard = line, name, form, guard
        if len(bits) != 32 or set(bits) - set('01.'):
            raise ValueError(f'{name}: {len(bits)} bits, need 32 of 0, 1, .')
        self.mask = int(''.join('0' if b == '.' else '1' for b in bits), 2)
        self.want = int(bits.replace('.', '0'), 2)
        m = re.fullmatch(r'(\w+)(?:\((.*)\))?', call)
        if not m:
            raise ValueError(f'{name}: bad call "{call}"')
        self.func, self.arg = m[1], m[2]

    def overlaps(self, other):
        return (self.want ^ other.want) & self.mask & other.mask == 0

    def call(self):
        arg = f', {self.arg}' if self.arg else ''
        return f'return {self.func}(c, form_{self.form}_of(w){arg});'


def parse_row(n, text, forms):
    head, _, guard = text.partition(' if ')
    m = re.fullmatch(r'(\S+)\s+([01.\s]+?)\s+(\w+)\s+(\w+(?:\(.*\))?)',
                     head.strip())
    if not m:
        raise ValueError('not "NAME bits FORM function(arguments)"')
    if m[3] not in forms:
        raise ValueError(f'no form "{m[3]}"')
    return Pattern(n, m[1], re.sub(r'\s', '', m[2]), m[3], m[4],
                   guard.strip() or None)


def check_overlaps(path, patterns):
    for i, p in enumerate(patterns):
        for q in patterns[:i]:
            nested = p.mask & q.mask in (p.mask, q.mask) and p.mask != q.mask
            if p.overlaps(q) and not nested and p.guard == q.guard:
                sys.exit(f'{path}:{p.line}: {p.name} overlaps {q.name}, '
                         f'line {q.line}')


def parse(path):
    forms, patterns = {}, []
    for n, text in enumerate(open(path), 1):
        text = text.split('#')[0].strip()
        try:
            if text.startswith('form '):
                _, name, *fields = text.split()
                forms[name] = [Field(w) for w in fields]
            elif text:
                patterns.append(parse_row(n, text, forms))
        except ValueError as e:
            sys.exit(f'{path}:{n}: {e}')
    check_overlaps(path, patterns)
    patterns.sort(key=lambda p: -bin(p.mask).count('1'))
    return forms, patterns


def emit_switch(patterns, common, tested, depth, out):
    pad = '    ' * depth
    groups = {}
    for p in patterns:
        groups.setdefault(p.want & common, []).append(p)
    out(f'{pad}switch (w & {common:#010x}) {{')
    for value in sorted(groups):
        out(f'{pad}case {value:#010x}:')
        if emit_tree(groups[value], tested | common, depth + 1, out):
            out(f'{pad}    break;')
    out(f'{pad}}}')
    return True


def emit_split(patterns, bit, tested, depth, out):
    """Two ways on one bit; who does not care is in both."""
    pad = '    ' * depth
    falls = False
    for value, head in ((bit, f'if (w & {bit:#010x}) {{'), (0, '} else {')):
        out(f'{pad}{head}')
        some = [p for p in patterns
                if not p.mask & bit or p.want & bit == value]
        falls |= emit_tree(some, tested | bit, depth + 1, out)
    out(f'{pad}}}')
    return falls


def emit_list(patterns, tested, depth, out):
    pad = '    ' * depth
    for p in patterns:
        tests = []
        rest = p.mask & ~tested
        if rest:
            tests.append(f'(w & {rest:#010x}) == {p.want & rest:#010x}')
        if p.guard:
            tests.append(f'has(c, {p.guard})')
        if not tests:
            out(f'{pad}{p.call()}')
            return False
        out(f'{pad}if ({" && ".join(tests)}) {{')
        out(f'{pad}    {p.call()}')
        out(f'{pad}}}')
    return True


def emit_tree(patterns, tested, depth, out):
    """Tests bits that no test above has seen.

    Returns whether control can fall out of the emitted code.
    """
    common = ALL & ~tested
    for p in patterns:
        common &= p.mask
    if common and len(patterns) > 1:
        return emit_switch(patterns, common, tested, depth, out)
    if len(patterns) > LINEAR:
        users = {bit: sum(1 for p in patterns if p.mask & bit)
                 for bit in (1 << i for i in range(32)) if not tested & bit}
        bit = max(users, key=lambda b: users[b])
        if users[bit] > len(patterns) // 2:
            return emit_split(patterns, bit, tested, depth, out)
    return emit_list(patterns, tested, depth, out)


def emit_forms(forms, out):
    for name, fields in forms.items():
        out('typedef struct {')
        for f in fields:
            out(f'    {f.ctype()} {f.name};')
        out(f'}} form_{name};\n')
        out(f'static inline form_{name} form_{name}_of(u32 w)\n{{')
        out(f'    return (form_{name}) {{')
        for f in fields:
            out(f'        .{f.name} = ({f.ctype()})({f.value()}),')
        out('    };\n}\n')


def emit_decoder(patterns, prefix, out):
    out(f'const Insn {prefix}_insns[] = {{')
    for p in sorted(patterns, key=lambda p: p.line):
        out(f'    {{ "{p.name}", {p.mask:#010x}, {p.want:#010x} }},')
    out('    { 0 }\n};\n')
    out(f'static bool {prefix}_decode(Ctx *c, u32 w)\n{{')
    emit_tree(patterns, 0, 1, out)
    out('    return false;\n}')


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in ('forms', 'decoder'):
        sys.exit(__doc__.splitlines()[0])
    table, prefix, part = sys.argv[1:]
    forms, patterns = parse(table)
    print(f'/* Made by scripts/decodegen.py for {prefix}. */')
    if part == 'forms':
        emit_forms(forms, print)
    else:
        emit_decoder(patterns, prefix, print)


main()
