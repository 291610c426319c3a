/* SPDX-License-Identifier: MIT */
/* Monitor commands that show memory: x and xp. */
#include <stdlib.h>
#include <capstone/capstone.h>
#include "monitor/hmp.h"
#include "target/target.h"

/* "/10xw": count, format, size. */
typedef struct Format {
    u64  count;
    char format;                /* x d u o c i */
    u32  size;
} Format;

static bool parse_format(const char **args, Format *f)
{
    const char *p = *args;
    char *end;

    *f = (Format) { 1, 'x', 4 };
    if (*p == '/') {
        f->count = strtoull(p + 1, &end, 10);
        f->count = end == p + 1 ? 1 : f->count;
        for (p = end; *p && *p != ' '; p++) {
            static const char sizes[] = "b\1h\2w\4g\10";
            const char *s = strchr("bhwg", *p);
            if (s) {
                f->size = (u32)sizes[2 * (s - "bhwg") + 1];
            } else if (strchr("xduoci", *p)) {
                f->format = *p;
            } else {
                return false;
            }
        }
    }
    while (*p == ' ') {
        p++;
    }
    *args = p;
    return f->count <= 65536;
}

static void print_value(FILE *out, const Format *f, u64 v)
{
    i64 s = sext(v, (int)f->size * 8);

    switch (f->format) {
    case 'd': fprintf(out, " %lld", (long long)s); break;
    case 'u': fprintf(out, " %llu", (unsigned long long)v); break;
    case 'o': fprintf(out, " 0%llo", (unsigned long long)v); break;
    case 'c':
        fprintf(out, " '%c'", g_ascii_isprint((char)v) ? (char)v : '.');
        break;
    default:
        fprintf(out, " 0x%0*llx", (int)f->size * 2, (unsigned long long)v);
    }
}

static bool peek(Hmp *h, bool physical, u64 at, void *buf, u64 len)
{
    return physical ? mem_read(h->m->mem, at, buf, len)
                    : cpu_debug_read(*h->cpu, at, buf, len);
}

static void disassemble(Hmp *h, bool physical, u64 at, u64 count)
{
    const Target *t = (*h->cpu)->target;
    csh cs;
    cs_insn *insn;

    if (cs_open((cs_arch)t->capstone_arch, (cs_mode)disassembly_mode(*h->cpu),
                &cs)) {
        fprintf(h->out, "no disassembler for %s\n", t->name);
        return;
    }
    for (u64 i = 0; i < count; i++) {
        u8 code[16] = { 0 };
        u64 size = 4;
        if (!peek(h, physical, at, code, sizeof code)
            && !peek(h, physical, at, code, 4)) {
            fprintf(h->out, "cannot access memory at 0x%llx\n",
                    (unsigned long long)at);
            break;
        }
        if (cs_disasm(cs, code, sizeof code, at, 1, &insn)) {
            fprintf(h->out, "0x%08llx:  %-8s %s\n", (unsigned long long)at,
                    insn->mnemonic, insn->op_str);
            size = insn->size;
            cs_free(insn, 1);
        } else {
            fprintf(h->out, "0x%08llx:  .word 0x%08llx\n",
                    (unsigned long long)at,
                    (unsigned long long)load_le(code, 4));
        }
        at += size;
    }
    cs_close(&cs);
}

/* What debuggers see, or one number that is saved: $x0, $TTBR0_EL1. */
static bool register_value(Cpu *c, const char *name, u64 *v)
{
    u8 buf[8] = { 0 };

    for (const GuestReg *r = c->target->regs; r->name; r++) {
        if (strcmp(r->name, name) == 0 && r->size <= 8) {
            if (r->read) {
                r->read(c, buf);
            } else {
                memcpy(buf, (u8 *)c + r->offset, r->size);
            }
            *v = load_le(buf, 8);
            return true;
        }
    }
    for (const Field *f = c->target->state; f && f->name; f++) {
        if (strcmp(f->name, name) == 0 && !f->of && f->size == f->unit) {
            *v = load_le((u8 *)c + f->at, f->size);
            return true;
        }
    }
    return false;
}

static bool parse_address(Hmp *h, const char *text, u64 *at)
{
    char *end;

    if (*text == '$') {
        return register_value(*h->cpu, text + 1, at);
    }
    *at = strtoull(text, &end, 0);
    return end != text && *end == '\0';
}

static void examine(Hmp *h, const char *args, bool physical)
{
    Format f;
    u64 at;

    if (!parse_format(&args, &f) || !parse_address(h, args, &at)) {
        fprintf(h->out, "%s/FMT ADDRESS: e.g. %s/8xw 0x40000000, %s/4i $pc\n",
                physical ? "xp" : "x", physical ? "xp" : "x",
                physical ? "xp" : "x");
        return;
    }
    if (f.format == 'i') {
        disassemble(h, physical, at, f.count);
        return;
    }
    u32 per_line = 16 / f.size;
    for (u64 i = 0; i < f.count; i++, at += f.size) {
        u8 buf[8];
        if (i % per_line == 0) {
            fprintf(h->out, "%s%016llx:", i ? "\n" : "",
                    (unsigned long long)at);
        }
        if (!peek(h, physical, at, buf, f.size)) {
            fprintf(h->out, " cannot access memory");
            break;
        }
        print_value(h->out, &f, load_le(buf, f.size));
    }
    fprintf(h->out, "\n");
}

void hmp_x(Hmp *h, const char *args)
{
    examine(h, args, false);
}

void hmp_xp(Hmp *h, const char *args)
{
    examine(h, args, true);
}
