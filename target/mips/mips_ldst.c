/* SPDX-License-Identifier: MIT */
/*
 * MIPS loads and stores of general registers.  Reference: MIPS volume II-A.
 * The table is mips_ldst.decode.
 *
 * LL remembers address and value in slots; SC stores if the value is still
 * there.  There are no caches: instruction fetch sees every store.
 */
#include "target/mips/translate.h"
#include "mips_ldst.forms.h"

static u32 bytes_of(u32 memop)
{
    return 1u << (memop & M_SIZE);
}

/* What a store of that size takes of a register. */
static Val stored(Ctx *c, unsigned r, u32 memop)
{
    return (memop & M_SIZE) == M_64 ? get_r(c, r) : get_w(c, r);
}

static bool load(Ctx *c, form_m a, u32 memop)
{
    return set_r(c, a.rt, ir_load(c->b, c->reg, address(c, a.base, a.offset),
                                  memop | mips_access(c)));
}

static bool store(Ctx *c, form_m a, u32 memop)
{
    ir_store(c->b, address(c, a.base, a.offset), stored(c, a.rt, memop),
             memop | mips_access(c));
    return true;
}

/* ---- parts of words ----------------------------------------------------- */

/* The address of the word that va is in, and the bits before va in it. */
static Val word_of(Ctx *c, Val va, u32 memop, Val *before)
{
    i64 inside = bytes_of(memop) - 1;
    Type t = (memop & M_SIZE) == M_64 ? I64 : I32;
    Val at = ir_and(c->b, va, imm_r(c, inside));

    if (c->key & KEY_BE) {
        at = ir_xor(c->b, at, imm_r(c, inside));
    }
    at = ir_shl(c->b, at, imm_r(c, 3));
    *before = t == I64 || c->reg == I32 ? at : ir_trunc(c->b, at);
    return ir_and(c->b, va, imm_r(c, ~inside));
}

static bool set_part(Ctx *c, unsigned r, Val v, u32 memop)
{
    return (memop & M_SIZE) == M_64 ? set_r(c, r, v) : set_w(c, r, v);
}

/* Up to the byte at va, which is the least significant of them: moved up. */
static bool load_left(Ctx *c, form_m a, u32 memop)
{
    Type t = (memop & M_SIZE) == M_64 ? I64 : I32;
    Val before, va = address(c, a.base, a.offset);
    Val word = word_of(c, va, memop, &before);
    Val v = ir_load(c->b, t, word, memop | mips_access(c));
    Val up = ir_sub(c->b, ir_const(c->b, t, 8 * bytes_of(memop) - 8), before);
    Val mask = ir_shl(c->b, ir_const(c->b, t, ~0ull), up);
    Val kept = ir_and(c->b, stored(c, a.rt, memop), ir_not(c->b, mask));

    return set_part(c, a.rt, ir_or(c->b, ir_shl(c->b, v, up), kept), memop);
}

/* From the byte at va, which is the least significant of the word. */
static bool load_right(Ctx *c, form_m a, u32 memop)
{
    Type t = (memop & M_SIZE) == M_64 ? I64 : I32;
    Val before, va = address(c, a.base, a.offset);
    Val word = word_of(c, va, memop, &before);
    Val v = ir_load(c->b, t, word, memop | mips_access(c));
    Val mask = ir_shr(c->b, ir_const(c->b, t, ~0ull), before);
    Val kept = ir_and(c->b, stored(c, a.rt, memop), ir_not(c->b, mask));

    return set_part(c, a.rt, ir_or(c->b, ir_shr(c->b, v, before), kept),
                    memop);
}

/* What a partial store stores of v, whose byte 0 is the least significant. */
typedef struct Part {
    u64 v;
    u32 first, last;            /* bytes of the word, from the least */
    u32 flip;                   /* xored with a byte makes its offset */
} Part;

static Part part_of(const MipsCpu *c, u64 va, u64 v, u32 bytes, bool left)
{
    u32 flip = c->cpu.key & KEY_BE ? bytes - 1 : 0;
    u32 at = ((u32)va & (bytes - 1)) ^ flip;    /* less significant bytes */

    if (left) {
        return (Part) { v >> 8 * (bytes - 1 - at), 0, at, flip };
    }
    return (Part) { v << 8 * at, at, bytes - 1, flip };
}

/* They are in one page, so all or none is stored. */
static void store_part(MipsCpu *c, u64 va, u64 v, u32 bytes, bool left)
{
    Part p = part_of(c, va, v, bytes, left);
    u64 word = va & ~(u64)(bytes - 1);
    u8 *host = tlb_host(&c->cpu, word, ACCESS_WRITE, bytes);

    for (u32 i = p.first; i <= p.last; i++) {
        if (likely(host)) {
            host[i ^ p.flip] = (u8)(p.v >> 8 * i);
        } else {
            cpu_store(&c->cpu, word + (i ^ p.flip), p.v >> 8 * i & 0xff, M_8);
        }
    }
}

static void insn_store_part_left(void *env, u64 va, u64 v, u32 bytes)
{
    store_part(env, va, v, bytes, true);
}
HELPER(insn_store_part_left, H_READ | H_RAISE, void, ptr, i64, i64, i32);

static void insn_store_part_right(void *env, u64 va, u64 v, u32 bytes)
{
    store_part(env, va, v, bytes, false);
}
HELPER(insn_store_part_right, H_READ | H_RAISE, void, ptr, i64, i64, i32);

static Val as_i64(Ctx *c, Val v)
{
    return ir_type(c->b, v) == I64 ? v : ir_zext(c->b, v);
}

static bool part(Ctx *c, form_m a, u32 memop, const Helper *h)
{
    IR_CALL(c->b, h, as_i64(c, address(c, a.base, a.offset)),
            as_i64(c, stored(c, a.rt, memop)),
            ir_i32(c->b, bytes_of(memop)));
    return true;
}

static bool store_left(Ctx *c, form_m a, u32 memop)
{
    return part(c, a, memop, &helper_insn_store_part_left);
}

static bool store_right(Ctx *c, form_m a, u32 memop)
{
    return part(c, a, memop, &helper_insn_store_part_right);
}

/* ---- synchronization ---------------------------------------------------- */

bool mips_load_linked(Ctx *c, unsigned r, Val va, u32 memop)
{
    Val v = ir_load(c->b, c->reg, va, memop | mips_access(c) | M_ALIGN);

    ir_put(c->b, S_LL_ADDR, va);
    ir_put(c->b, S_LL_VAL, v);
    return set_r(c, r, v);
}

bool mips_store_conditional(Ctx *c, unsigned r, Val va, u32 memop)
{
    Val expect = ir_get(c->b, S_LL_VAL), failed;

    if ((memop & M_SIZE) == M_32) {
        expect = narrow(c, expect);
    }
    failed = ir_casif(c->b, va, stored(c, r, memop), expect,
                      ir_get(c->b, S_LL_ADDR),
                      memop | mips_access(c) | M_ALIGN);
    ir_put(c->b, S_LL_ADDR, imm_r(c, -1));
    return set_w(c, r, ir_xor(c->b, failed, ir_i32(c->b, 1)));
}

static bool load_linked(Ctx *c, form_m a, u32 memop)
{
    return mips_load_linked(c, a.rt, address(c, a.base, a.offset), memop);
}

static bool store_conditional(Ctx *c, form_m a, u32 memop)
{
    return mips_store_conditional(c, a.rt, address(c, a.base, a.offset),
                                  memop);
}

/* ---- caches ------------------------------------------------------------- */

static bool prefetch(Ctx *c, form_m a)
{
    (void)c, (void)a;
    return true;
}

/* Code that was written is run from the next instruction on. */
static bool synci(Ctx *c, form_m a)
{
    (void)a;
    return c->stop = true;
}

static bool cache(Ctx *c, form_m a)
{
    if (!(c->key & KEY_CP0)) {
        return raise_cpu(c, 0);
    }
    return synci(c, a);
}

#include "mips_ldst.decode.h"

bool mips_ldst(Ctx *c, u32 w)
{
    return mips_ldst_decode(c, w);
}
