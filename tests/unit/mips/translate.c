/* SPDX-License-Identifier: MIT */
/*
 * Any words at all, in any mode of any model, become a block: what is no
 * instruction an exception.  And each row of the tables is one.
 */
#include <glib.h>
#include <stdio.h>
#include "target/mips/translate.h"

enum { ROUNDS = 400000 };

static Ir ir;
static IrLive live;
static u64 seed = 88172645463325252ull;
static u32 tests, wrong;

static u64 draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void check(bool ok, const char *what)
{
    printf("%sok %u - %s\n", ok ? "" : "not ", ++tests, what);
    wrong += !ok;
}

static Cpu *make_cpu(const Target *t, const char *model)
{
    Cpu *c = aligned_alloc(64, align_up(t->cpu_size, 64));
    Err err = { 0 };

    memset(c, 0, align_up(t->cpu_size, 64));
    c->target = t;
    if (!t->init(c, model, NULL, &err)) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return c;
}

/* A word of a row, or of none. */
static u32 draw_word(void)
{
    static const Insn *const tables[] = {
        mips_int_insns, mips_ldst_insns, mips_cp0_insns, mips_branch_insns,
        mips_fpu_insns, mips_r6_insns, mips_fpu6_insns,
        mips_ps_insns, mips_dsp_insns, mips_dspac_insns,
        mips_msa_insns, mips_msax_insns, mips_msaf_insns,
        mips16_insns,
    };
    const Insn *t = tables[draw() % countof(tables)];
    u32 n = 0, w = (u32)draw();

    while (t[n].name) {
        n++;
    }
    t += draw() % n;
    return draw() % 4 ? (w & ~t->mask) | t->want : w;
}

/* Does it end where it says? */
static bool translate(const Cpu *c)
{
    u8 insn[8];
    u32 avail = draw() % 8 ? 8 : 4, key = (u32)draw() & (u32)MASK(KEY_BITS);
    u16 at = (u16)(draw() % 1024 * 4);

    store_le(insn, 4, draw_word());
    store_le(insn + 4, 4, draw_word());
    ir_start(&ir, c->target->slots, c->target->nslots,
             c->target->word == 64 ? I64 : I32, at);
    ir.soft = c->target->soft;
    ir_insn(&ir, at);
    u32 size = c->target->translate(&ir, c, key & ~(u32)KEY_BE, insn, avail);
    if (!ir.ended) {
        ir_exit(&ir, ir_pc(&ir, at + size), EXIT_JUMP);
    }
    ir_live(&ir, &live);
    u32 unit = key & KEY_ISA ? 1 : 3;
    return size <= avail && !(size & unit) && (size || avail == 4);
}

static void any_words(const Target *t)
{
    for (const char *const *m = t->models; *m; m++) {
        g_autofree char *what = g_strdup_printf("%s %s", t->name, *m);
        const Cpu *c = make_cpu(t, *m);
        bool ok = true;
        for (u32 i = 0; i < ROUNDS / 32 && ok; i++) {
            ok = translate(c);
        }
        check(ok, what);
    }
}

int main(void)
{
    any_words(target_find("mips"));
    any_words(target_find("mipsel"));
    any_words(target_find("mips64"));
    any_words(target_find("mips64el"));
    printf("1..%u\n", tests);
    return wrong != 0;
}
