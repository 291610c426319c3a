/* SPDX-License-Identifier: MIT */
/*
 * x86-64: counting the instructions that run, if the buffer is made for it.
 *
 * Each way out of a block, and each round of a loop, adds to two counters in
 * env: the guest instructions up to there, and the host instructions, which
 * are known when the block is done and has been disassembled.  A way out is
 * hot code from the start to `split` and what follows `from`, in its section.
 * What C does is not counted, nor are the counting instructions.
 */
#include "tcg/x86_64.h"
#include <capstone/capstone.h>
#include <stdlib.h>

static void add_imm(Cc *c, size_t field, u32 n)
{
    as_op(c->s, OP_GRP1_32 | X_W, G_ADD, env_opd(field));
    as_32(c->s, n);
}

void x64_split(Cc *c)
{
    c->split = as_here(&c->hot);
    c->from = as_here(c->s);
}

/* n guest instructions; hot code counts from offset `start`. */
static void count(Cc *c, u32 start, u32 n)
{
    add_imm(c, offsetof(TcgEnv, guest_insns), n);
    add_imm(c, offsetof(TcgEnv, host_insns), 0);
    c->counted[c->ncounted++] = (Counted) {
        c->s->section, as_here(c->s) - 4, start, c->split, c->from, 0,
    };
}

void x64_count_exit(Cc *c, u16 v)
{
    if (c->t->counts && c->ncounted < COUNTED_MAX) {
        count(c, 0, c->b->nth[v]);
    }
}

void x64_count_round(Cc *c, u16 v)
{
    if (c->t->counts && c->ncounted < COUNTED_MAX) {
        x64_split(c);
        count(c, c->loop, (u32)c->b->nth[v] - c->b->nth[c->b->label]);
    }
}

void x64_counted(Cc *c)
{
    Counted *x = c->counted + c->ncounted;
    if (c->t->counts && c->ncounted && !x[-1].to) {
        x[-1].to = as_here(c->s);
    }
}

/* How many instructions begin before each offset, and at the end; malloc'ed. */
static u32 *number(csh cs, const u8 *code, size_t size)
{
    u32 *nth = calloc(size + 1, sizeof(*nth));
    u64 at = 0;
    const u8 *p = code;
    size_t left = size;
    cs_insn *i = cs_malloc(cs);
    if (!nth || !i) {
        abort();
    }
    while (left && cs_disasm_iter(cs, &p, &left, &at, i)) {
        nth[at] = 1;
    }
    for (size_t k = 1; k <= size; k++) {
        nth[k] += nth[k - 1];
    }
    cs_free(i, 1);
    return nth;
}

void x64_count_done(Cc *c)
{
    enum { OWN = 2 };           /* instructions that count */
    csh cs;
    if (!c->ncounted || cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK) {
        return;
    }
    u32 *hot = number(cs, c->hot.buf, as_here(&c->hot));
    u32 *cold = number(cs, c->cold.buf, as_here(&c->cold));
    for (u32 n = 0; n < c->ncounted; n++) {
        const Counted *x = &c->counted[n];
        bool is_hot = x->section == S_HOT;
        const u32 *nth = is_hot ? hot : cold;
        u32 sum = hot[x->split] - hot[x->start] + nth[x->to] - nth[x->from];
        u8 *at = (is_hot ? c->hot.buf : c->cold.buf) + x->imm;
        store_le(at, 4, sum - OWN);
    }
    free(hot);
    free(cold);
    cs_close(&cs);
}
