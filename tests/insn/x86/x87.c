/* SPDX-License-Identifier: MIT */
/*
 * Every x87 instruction against the host's own unit: random states, operands
 * of all classes, all rounding and precision controls, exceptions masked and
 * not.  Compared are registers, tags, control and status word, what was stored
 * and EFLAGS.
 *
 * usage: x87 [ROUNDS [SEED]]       exits with 77 where there is no x87
 */
#include "target/i386/x87.h"
#include <stdio.h>
#include <stdlib.h>

#ifndef __x86_64__

int main(void)
{
    return 77;
}

#else
#include <sys/mman.h>

enum { FLAGS = FL_CF | FL_PF | FL_ZF | FL_AF | FL_SF | FL_OF };

typedef struct Fx {             /* SDM volume 1, table 10-2 */
    u16 fcw, fsw;
    u8  tags, zero;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mask;
    struct { u64 mant; u16 exp, pad[3]; } st[8];
    u8  rest[512 - 160];
} __attribute__((aligned(16))) Fx;

typedef struct Case {
    Fx  in, host, ours;
    u8  memory[16], host_memory[16], our_memory[16];
    u64 flags, host_flags, our_flags;
    u32 host_ax, our_ax;
    u8  insn[2];
    unsigned i;
} Case;

static u64 seed = 88172645463325252;

static u64 rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* ---- operands ----------------------------------------------------------- */

static u64 random_mantissa(void)
{
    u64 v = rnd();
    switch (rnd() % 8) {
    case 0:
        return BIT(63);
    case 1:
        return ~0ull;
    case 2:
        return BIT(63) | rnd() % 8;
    case 3:
        return BIT(63) | v << (rnd() % 63);
    case 4:
        return ~0ull << (rnd() % 64);
    default:
        return v | BIT(63);
    }
}

static u16 random_exponent(void)
{
    static const u16 edges[] = {
        0x3fff, 0x3ffe, 0x4000, 1, 2, 0x7ffe, 0x7ffd, 0x403e, 0x403f, 0x3fc0,
        0x3f81, 0x3f80, 0x3f6a, 0x3c01, 0x3c00, 0x43fe, 0x43ff, 0x407e,
        0x407f, 0x3bcd, 0x400e, 0x401e, 0x403d, 0x6000, 0x5fff, 0x2001, 64,
    };
    switch (rnd() % 6) {
    case 0:
        return (u16)(rnd() & 0x7fff);
    case 1:
        return edges[rnd() % countof(edges)];
    case 2:
        return (u16)(0x3fff - 70 + rnd() % 140);
    default:
        return (u16)(0x3fff - 4 + rnd() % 10);
    }
}

static F80 random_value(void)
{
    u16 sign = (u16)(rnd() << 15);
    u64 m = random_mantissa();
    switch (rnd() % 24) {
    case 0:
        return (F80){ 0, sign };
    case 1:
        return (F80){ m >> 1, sign };                   /* denormal */
    case 2:
        return (F80){ rnd() % 16, sign };
    case 3:
        return (F80){ m, sign };                        /* pseudo-denormal */
    case 4:
        return (F80){ BIT(63), sign | 0x7fff };         /* infinity */
    case 5:
        return (F80){ m | 3ull << 62, sign | 0x7fff };  /* quiet NaN */
    case 6:
        return (F80){ (rnd() >> 2 | BIT(63) | 1), sign | 0x7fff };
    case 7:
        return (F80){ 0, sign | 0x7fff };               /* pseudo-infinity */
    case 8:
        return (F80){ m >> 1, sign | 0x7fff };          /* pseudo-NaN */
    case 9:
        return (F80){ m >> 1, sign | random_exponent() };   /* unnormal */
    case 10:
        return (F80){ BIT(63), sign | random_exponent() };
    default:
        return (F80){ m, sign | random_exponent() };
    }
}

/* A memory operand of a format, now and then of a special class. */
static void random_memory(u8 *p, X87Format f)
{
    u64 v = rnd();
    F80 x = random_value();
    FpEnv e = fpenv_x87();
    unsigned how = rnd() % 4;
    e.round = rnd() % 4;
    memset(p, 0, 16);
    switch (f) {
    case X87_F32:
        store_le(p, 4, how == 0 ? v : how == 1 ? (v & 0x807fffff) |
                 (rnd() & 1 ? 0 : 0x7f800000) : f80_to_f32(x, &e));
        break;
    case X87_F64:
        store_le(p, 8, how == 0 ? v : how == 1
                 ? (v & ~(0x7ffull << 52)) | (rnd() & 1 ? 0 : 0x7ffull << 52)
                 : f80_to_f64(x, &e));
        break;
    case X87_F80:
        store_le(p, 8, x.frac);
        store_le(p + 8, 2, x.se);
        break;
    case X87_BCD:
        for (unsigned i = 0; i < 9; i++) {
            p[i] = (u8)(how ? (rnd() % 10) << 4 | rnd() % 10 : 0);
        }
        p[9] = (u8)(rnd() & 0x80);
        break;
    case X87_WORD:
        store_le(p, 2, v);
        break;
    default:
        store_le(p, 8, how == 0 ? rnd() % 3 - 1 : how == 1 ? BIT(63) >>
                 (rnd() % 64) : (u64)((i64)v >> rnd() % 64));
    }
}

static void random_state(Case *t, bool waits)
{
    t->in.fcw = 0x40 | 0x3f;
    if (rnd() % 4 == 0) {
        t->in.fcw = 0x40 | (rnd() & 0x3f);
    }
    t->in.fcw |= (u16)((rnd() & 3) << 10);
    t->in.fcw |= (u16)(rnd() & 1 ? 0x300 : (rnd() & 3) << 8);
    t->in.fsw = (u16)(rnd() & 0x7f7f);
    if (waits) {
        t->in.fsw &= (u16)~(0x3f & ~t->in.fcw);
    }
    if (t->in.fsw & 0x3f & ~t->in.fcw) {
        t->in.fsw |= FSW_ES | FSW_B;
    }
    unsigned top = t->in.fsw >> 11 & 7;
    t->in.tags = (u8)rnd();
    if (rnd() % 8) {            /* mostly: there is what is wanted */
        t->in.tags |= (u8)(0xffu << top | 0xffu << top >> 8);
        t->in.tags |= (u8)(1u << ((top + t->i) & 7) | 1u << ((top + 1) & 7));
        t->in.tags &= (u8)~(1u << ((top - 1) & 7));
        t->in.tags |= (u8)(t->i == 7 ? 1u << ((top - 1) & 7) : 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        F80 v = random_value();
        t->in.st[i].mant = v.frac;
        t->in.st[i].exp = v.se;
    }
    if (rnd() % 8 == 0) {       /* the same magnitude: ties, cancellation */
        t->in.st[1] = t->in.st[0];
        t->in.st[1].exp ^= (u16)(rnd() << 15);
        t->in.st[1].mant ^= rnd() & 1;
    }
    t->flags = rnd() & FLAGS;
}

/* ---- both executions ---------------------------------------------------- */

static void __attribute__((noinline)) run_host(Case *t, u8 *code)
{
    u64 flags = t->flags | 2, ax = 0;
    memcpy(t->host_memory, t->memory, 16);
    code[0] = t->insn[0];
    code[1] = t->insn[1];
    code[2] = 0xc3;
    __asm__ volatile(
        "sub $256, %%rsp\n\t"
        "fxrstor64 %[in]\n\t"
        "push %[flags]\n\t"
        "popfq\n\t"
        "call *%[code]\n\t"
        "pushfq\n\t"
        "pop %[flags]\n\t"
        "fxsave64 %[out]\n\t"
        "fninit\n\t"
        "add $256, %%rsp\n\t"
        : [flags] "+r"(flags), [out] "=m"(t->host), "+a"(ax)
        : [in] "m"(t->in), [code] "r"(code), "D"(t->host_memory)
        : "memory", "cc");
    t->host_flags = flags & FLAGS;
    t->host_ax = ax & 0xffff;
}

static void to_cpu(X86Cpu *c, const Fx *x)
{
    memset(c, 0, sizeof *c);
    c->cpu.tcg.fcw = x->fcw;
    x87_set_fsw(c, x->fsw);
    x87_set_empty_regs(c, (u8)~x->tags);
    for (unsigned i = 0; i < 8; i++) {
        c->st[(c->ftop + i) & 7] = (X87Reg){ x->st[i].mant, x->st[i].exp };
    }
}

static void from_cpu(const X86Cpu *c, Fx *x)
{
    x->fcw = c->cpu.tcg.fcw;
    x->fsw = x87_fsw(c);
    x->tags = (u8)~x87_empty_regs(c);
    for (unsigned i = 0; i < 8; i++) {
        const X87Reg *r = &c->st[(c->ftop + i) & 7];
        x->st[i].mant = r->mant;
        x->st[i].exp = r->exp;
    }
}

static bool condition(unsigned cc, u64 flags)
{
    bool v = (cc >> 1) == 1 ? flags & FL_CF : (cc >> 1) == 2 ? flags & FL_ZF
           : (cc >> 1) == 3 ? flags & (FL_CF | FL_ZF) : flags & FL_PF;
    return v ^ (cc & 1);
}

static void run_ours(Case *t, const X87Row *r)
{
    static const u8 sizes[] = {
        [X87_F32] = 4, [X87_F64] = 8, [X87_F80] = 10, [X87_I16] = 2,
        [X87_I32] = 4, [X87_I64] = 8, [X87_BCD] = 10, [X87_WORD] = 2,
    };
    static X86Cpu cpu;
    X86Cpu *c = &cpu;
    X87Op o = { .i = (u8)t->i, .out = (u32)t->flags,
                .cond = r->kind == X87K_COND && condition(r->arg, t->flags) };
    bool store = true;

    to_cpu(c, &t->in);
    t->ours = t->in;
    t->our_flags = t->flags;
    t->our_ax = 0;
    memcpy(t->our_memory, t->memory, 16);
    if (r->kind == X87K_LOAD) {
        x87_operand(&o, (X87Format)r->format, load_le(t->memory, 8),
                    (u16)load_le(t->memory + 8, 2));
    }
    if (r->kind == X87K_STORE && !r->fn) {
        store = x87_store_value(c, r, &o);
        x87_store_done(c, r, &o);
    } else {
        r->fn(c, r, &o);
    }
    if (r->kind == X87K_STORE && store) {
        u8 v[16];
        store_le(v, 8, o.m.frac);
        store_le(v + 8, 8, o.m.se);
        memcpy(t->our_memory, v, sizes[r->format]);
    } else if (r->kind == X87K_FLAGS) {
        t->our_flags = o.out;
    } else if (r->kind == X87K_AX) {
        t->our_ax = o.out;
    }
    from_cpu(c, &t->ours);
}

/* ---- comparison --------------------------------------------------------- */

/* A tiny number left as it is, UM clear: some hosts call that underflow. */
static bool is_left_open(const Case *t, const X87Row *r)
{
    return r && !(t->in.fcw & FSW_UE) && (t->in.st[0].exp & 0x7fff) == 0
        && (!strncmp(r->name, "FPREM", 5) || !strcmp(r->name, "FSCALE"));
}

static bool same(const Case *t, const X87Row *r)
{
    bool ok = t->ours.fcw == t->host.fcw && t->ours.fsw == t->host.fsw &&
              t->ours.tags == t->host.tags &&
              t->our_flags == t->host_flags && t->our_ax == t->host_ax &&
              !memcmp(t->our_memory, t->host_memory, 16);
    for (unsigned i = 0; i < 8; i++) {
        ok &= t->ours.st[i].mant == t->host.st[i].mant &&
              t->ours.st[i].exp == t->host.st[i].exp;
    }
    return ok || is_left_open(t, r);
}

static void show(const char *what, const Fx *x, const u8 *memory, u64 flags)
{
    printf("  %-5s cw %04x sw %04x tags %02x flags %03x mem %016llx %04x\n",
           what, x->fcw, x->fsw, x->tags, (unsigned)flags,
           (unsigned long long)load_le(memory, 8),
           (unsigned)load_le(memory + 8, 2));
    printf("       ");
    for (unsigned i = 0; i < 8; i++) {
        printf(" %04x:%016llx", x->st[i].exp,
               (unsigned long long)x->st[i].mant);
    }
    printf("\n");
}

static void complain(const Case *t, const X87Row *r)
{
    printf("%s  %02x %02x\n", r->name, t->insn[0], t->insn[1]);
    show("in", &t->in, t->memory, t->flags);
    show("host", &t->host, t->host_memory, t->host_flags);
    show("ours", &t->ours, t->our_memory, t->our_flags);
}

static unsigned test_row(const X87Row *r, u8 *code, unsigned rounds)
{
    unsigned wrong = 0;
    for (unsigned n = 0; n < rounds; n++) {
        static Case t;
        bool memory = r->rm == X87_MEM;
        t.i = memory ? 0 : r->rm == X87_ANY ? rnd() & 7 : (unsigned)r->rm;
        t.insn[0] = r->op;
        t.insn[1] = (u8)(r->reg << 3 | (memory ? 7 : 0xc0 | t.i));
        __asm__ volatile("fxsave64 %0" : "=m"(t.in));
        random_state(&t, !r->nowait);
        random_memory(t.memory, (X87Format)r->format);
        run_host(&t, code);
        run_ours(&t, r);
        if (!same(&t, r) && wrong++ < 3) {
            complain(&t, r);
        }
    }
    if (wrong) {
        printf("%s: %u of %u differ\n", r->name, wrong, rounds);
    }
    return wrong;
}

/* ---- images -------------------------------------------------------------- */

/* Does not look at the pointers: not every host keeps them. */
static bool same_image(const u8 *a, const u8 *b, unsigned env)
{
    unsigned word = env / 7;
    return !memcmp(a, b, 3 * word) && !memcmp(a + env, b + env, 108 - env);
}

/* FNSTENV and FNSAVE, in the 32- and 16-bit formats of protected mode. */
static unsigned test_save(Case *t, bool wide, bool all)
{
    static X86Cpu cpu;
    u8 host[108] = { 0 }, ours[108] = { 0 };
    random_state(t, false);
    to_cpu(&cpu, &t->in);
    t->ours = t->in;
    __asm__ volatile("fxrstor64 %0" : : "m"(t->in));
    if (all && wide) {
        __asm__ volatile("fnsave %0" : "=m"(host));
    } else if (all) {
        __asm__ volatile(".byte 0x66; fnsave %0" : "=m"(host));
    } else if (wide) {
        __asm__ volatile("fnstenv %0" : "=m"(host));
    } else {
        __asm__ volatile(".byte 0x66; fnstenv %0" : "=m"(host));
    }
    __asm__ volatile("fxsave64 %0\n\tfninit" : "=m"(t->host));
    x87_pack(&cpu, ours, all ? X87_SAVE : X87_STENV, wide, false);
    x87_packed(&cpu, all ? X87_SAVE : X87_STENV);
    from_cpu(&cpu, &t->ours);
    if (same_image(host, ours, wide ? 28 : 14) && same(t, NULL)) {
        return 0;
    }
    for (unsigned i = 0; i < 108; i++) {
        printf("%02x/%02x ", host[i], ours[i]);
    }
    printf("\nenvironment differs: %s, %d bits\n", all ? "FNSAVE" : "FNSTENV",
           wide ? 32 : 16);
    show("in", &t->in, t->memory, 0);
    show("host", &t->host, t->memory, 0);
    show("ours", &t->ours, t->memory, 0);
    return 1;
}

static unsigned test_load(Case *t, bool wide, bool all)
{
    static X86Cpu cpu;
    static Case image;
    u8 buf[108];
    random_state(t, false);
    random_state(&image, false);
    to_cpu(&cpu, &image.in);
    x87_pack(&cpu, buf, X87_SAVE, wide, false);
    buf[0] = (u8)rnd();
    buf[wide ? 4 : 2] = (u8)rnd();
    to_cpu(&cpu, &t->in);
    t->ours = t->in;
    __asm__ volatile("fxrstor64 %0\n\tfnclex" : : "m"(t->in));
    if (all && wide) {
        __asm__ volatile("frstor %0" : : "m"(buf));
    } else if (all) {
        __asm__ volatile(".byte 0x66; frstor %0" : : "m"(buf));
    } else if (wide) {
        __asm__ volatile("fldenv %0" : : "m"(buf));
    } else {
        __asm__ volatile(".byte 0x66; fldenv %0" : : "m"(buf));
    }
    __asm__ volatile("fxsave64 %0\n\tfninit" : "=m"(t->host));
    x87_unpack(&cpu, buf, all ? X87_RSTOR : X87_LDENV, wide, false);
    from_cpu(&cpu, &t->ours);
    if (same(t, NULL)) {
        return 0;
    }
    printf("%s, %d bits differs\n", all ? "FRSTOR" : "FLDENV",
           wide ? 32 : 16);
    show("in", &t->in, t->memory, 0);
    show("host", &t->host, t->memory, 0);
    show("ours", &t->ours, t->memory, 0);
    return 1;
}

/* FXRSTOR of any control and status word, then FXSAVE. */
static unsigned test_fx(Case *t)
{
    static X86Cpu cpu;
    u8 ours[512];
    __asm__ volatile("fxsave64 %0" : "=m"(t->in));
    random_state(t, false);
    t->in.fcw = (u16)rnd();
    t->in.fsw = (u16)rnd();
    t->in.fop = 0;
    __asm__ volatile("fxrstor64 %1\n\tfxsave64 %0\n\tfninit"
                     : "=m"(t->host) : "m"(t->in));
    memset(&cpu, 0, sizeof cpu);
    memcpy(ours, &t->host, 512);
    x87_unpack_fx(&cpu, (const u8 *)&t->in, true);
    x87_pack_fx(&cpu, ours, true);
    if (!memcmp(ours, &t->host, 6) && !memcmp(ours + 32, &t->host.st, 128)) {
        return 0;
    }
    memcpy(&t->ours, ours, 512);
    printf("FXRSTOR differs\n");
    show("in", &t->in, t->memory, 0);
    show("host", &t->host, t->memory, 0);
    show("ours", &t->ours, t->memory, 0);
    return 1;
}

static unsigned test_images(unsigned rounds)
{
    static Case t;
    unsigned wrong = 0;
    __asm__ volatile("fxsave64 %0" : "=m"(t.in));
    for (unsigned n = 0; n < rounds && wrong < 8; n++) {
        wrong += test_save(&t, n & 1, n & 2);
        wrong += test_load(&t, n & 1, n & 2);
        wrong += test_fx(&t);
    }
    return wrong;
}

/* ---- the portable transcendentals ---------------------------------------- */

/* How far apart, in units of the last place; 2^20 if not comparable. */
static u64 distance(F80 a, F80 b)
{
    u128 x = (u128)(a.se & 0x7fff) << 63 | (a.frac & MASK(63));
    u128 y = (u128)(b.se & 0x7fff) << 63 | (b.frac & MASK(63));
    u128 d = x > y ? x - y : y - x;
    return (a.se ^ b.se) & 0x8000 || d >> 20 ? 1 << 20 : (u64)d;
}

/* FSIN and so on of what hardware itself does well. */
static bool wild(X87Math op, F80 a)
{
    int exp = (a.se & 0x7fff) - 0x3fff;
    if (op == X87_F2XM1) {
        return exp >= 0;                /* undefined beyond [-1, 1] */
    }
    if (op == X87_FYL2XP1) {
        return exp >= -2;
    }
    return false;
}

static unsigned test_portable(unsigned rounds)
{
    enum { ALLOWED = 2, BITS = FSW_IE | FSW_ZE | FSW_C2 };
    static const char *const names[] = {
        "F2XM1", "FYL2X", "FPTAN", "FPATAN", "FYL2XP1", "FSINCOS", "FSIN",
        "FCOS"
    };
    unsigned wrong = 0;
    for (unsigned n = 0; n < rounds; n++) {
        X87Math op = (X87Math)(rnd() % X87_MATHS);
        F80 x = random_value(), y = random_value();
        u16 fcw = (u16)(0x37f | (rnd() & 3) << 10), sw;
        F80 a = x, b = y, c = x, d = y;
        if (!host_x87_math(op, fcw, &a, &b, &sw)) {
            return 0;
        }
        u16 ours = x87_math_portable(op, fcw, &c, &d);
        bool two = op != X87_F2XM1 && op != X87_FSIN && op != X87_FCOS;
        bool bad = (distance(a, c) > ALLOWED && !(op == X87_FYL2X ||
                    op == X87_FYL2XP1 || op == X87_FPATAN)) ||
                   (two && !(sw & FSW_C2) && distance(b, d) > ALLOWED);
        if (wild(op, x) || (!bad && !((sw ^ ours) & BITS))) {
            continue;
        }
        if (wrong++ < 20) {
            printf("%s rc %u of %04x:%016llx %04x:%016llx: host %04x:%016llx "
                   "%04x:%016llx %04x, ours %04x:%016llx %04x:%016llx %04x\n",
                   names[op], fcw >> 10, x.se, (unsigned long long)x.frac,
                   y.se, (unsigned long long)y.frac,
                   a.se, (unsigned long long)a.frac,
                   b.se, (unsigned long long)b.frac, sw,
                   c.se, (unsigned long long)c.frac,
                   d.se, (unsigned long long)d.frac, ours);
        }
    }
    printf("portable transcendentals: %u of %u differ\n", wrong, rounds);
    return wrong;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20000, wrong = 0;
    u8 *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        return 77;
    }
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) | 1 : seed;
    for (unsigned i = 0; i < x87_nrows; i++) {
        if (x87_rows[i].kind != X87K_IMAGE) {
            wrong += test_row(&x87_rows[i], code, rounds);
        }
    }
    wrong += test_images(rounds);
    wrong += test_portable(rounds);
    printf("%u instructions, %u rounds each: %u differences\n", x87_nrows,
           rounds, wrong);
    return wrong != 0;
}

#endif
