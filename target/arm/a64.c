/* SPDX-License-Identifier: MIT */
/*
 * A64: the words its translators share, and the first step of decoding.
 * Reference: Arm ARM (DDI 0487) C4.1 "A64 instruction set encoding".
 */
#include "target/arm/debug.h"
#include "target/arm/translate.h"
#include "util/log.h"

/* ---- operands ----------------------------------------------------------- */

Val imm(Ctx *c, bool sf, u64 v)
{
    return sf ? ir_i64(c->b, v) : ir_i32(c->b, (u32)v);
}

static Val narrow(Ctx *c, bool sf, Val v)
{
    return sf ? v : ir_trunc(c->b, v);
}

static void put_reg(Ctx *c, bool sf, unsigned slot, Val v)
{
    ir_put(c->b, slot, sf ? v : ir_zext(c->b, v));
}

Val get_x(Ctx *c, bool sf, unsigned r)
{
    return r == 31 ? imm(c, sf, 0) : narrow(c, sf, ir_get(c->b, S_X0 + r));
}

bool set_x(Ctx *c, bool sf, unsigned r, Val v)
{
    if (r != 31) {
        put_reg(c, sf, S_X0 + r, v);
    }
    return true;
}

Val get_sp(Ctx *c, bool sf, unsigned r)
{
    return r == 31 ? narrow(c, sf, ir_get(c->b, S_SP)) : get_x(c, sf, r);
}

bool set_sp(Ctx *c, bool sf, unsigned r, Val v)
{
    put_reg(c, sf, r == 31 ? S_SP : S_X0 + r, v);
    return true;
}

static bool trapped_before(const Ir *b, Val cond)
{
    for (u32 i = b->n; i-- > 1; ) {
        if (b->ins[i].op == IR_trap_if && b->ins[i].a.id == cond.id) {
            return true;
        }
    }
    return false;
}

/*
 * D1.3.10: SP is a multiple of 16.  What is checked is the value that SP was
 * made of by adding constants in this block, so that it is once in most.
 */
static void check_sp(Ctx *c, Val sp)
{
    const Ins *i;
    u64 k, offset = 0;

    while (i = &c->b->ins[sp.id], i->op == IR_add
           && ir_is_const(c->b, i->b, &k)) {
        offset += k;
        sp = i->a;
    }
    sp = ir_add(c->b, ir_trunc(c->b, sp), ir_i32(c->b, offset & 15));
    Val cond = ir_and(c->b, sp, ir_i32(c->b, 15));
    if (!trapped_before(c->b, cond)) {
        ir_trap_if(c->b, cond, ARM_TRAP_SP);
    }
}

/* A load or store of V registers, bit 26, first traps where those do. */
Val base_address(Ctx *c, unsigned rn)
{
    Val base = get_sp(c, true, rn);

    if (rn == 31 && c->key & KEY_SA
        && (c->key & KEY_FP || !(c->insn & BIT(26)))) {
        check_sp(c, base);
    }
    return base;
}

u32 data_order(const Ctx *c)
{
    return c->key & KEY_BE ? M_BE : 0;
}

u32 data_access(const Ctx *c)
{
    return data_order(c) | (c->key & KEY_A ? M_ALIGN : 0);
}

/* ---- memory ------------------------------------------------------------- */

/* Both ends of it translate, and it is aligned if it must be. */
static bool access_is_good(Cpu *c, const ArmWatch *w, u32 memop)
{
    Access a = w->kinds & WATCH_STORE ? ACCESS_WRITE : ACCESS_READ;
    u64 last = w->va + w->size - 1;
    TlbHit hit;
    Fault f;

    if (memop & M_ALIGN && w->va & ((1u << (memop & M_SIZE)) - 1)) {
        return false;
    }
    return tlb_resolve(c, w->va, a, w->user, &hit, &f)
        && tlb_resolve(c, last, a, w->user, &hit, &f);
}

/* What faults anyway does so before it hits a watchpoint. */
static void check_watch(void *env, u64 va, u32 memop, u32 bytes, u32 kinds)
{
    ArmCpu *c = env;
    ArmWatch w = { .va = va, .size = bytes, .kinds = (u8)kinds,
                   .user = memop & M_USER };

    if (unlikely(arm_watch_matches(c, &w))
        && access_is_good(&c->cpu, &w, memop)) {
        arm_watchpoint(c, &w);
        cpu_resume(&c->cpu);
    }
}
HELPER(check_watch, H_READ | H_RAISE, void, ptr, i64, i32, i32, i32);

static void watch(Ctx *c, Val addr, u32 memop, u32 bytes, u32 kinds)
{
    if (unlikely(c->key & KEY_WATCH)) {
        IR_CALL(c->b, &helper_check_watch, addr, ir_i32(c->b, memop),
                ir_i32(c->b, bytes), ir_i32(c->b, kinds));
    }
}

static u32 bytes_of(u32 memop)
{
    return 1u << (memop & M_SIZE);
}

Val guest_load(Ctx *c, Type t, Val addr, u32 memop)
{
    watch(c, addr, memop, bytes_of(memop), WATCH_LOAD);
    return ir_load(c->b, t, addr, memop);
}

Val guest_load2(Ctx *c, Type t, Val addr, u32 memop, Val *second)
{
    watch(c, addr, memop, 2 * bytes_of(memop), WATCH_LOAD);
    return ir_load2(c->b, t, addr, memop, second);
}

void guest_store(Ctx *c, Val addr, Val v, u32 memop)
{
    watch(c, addr, memop, bytes_of(memop), WATCH_STORE);
    ir_store(c->b, addr, v, memop);
}

void guest_store2(Ctx *c, Val addr, Val v, Val second, u32 memop)
{
    watch(c, addr, memop, 2 * bytes_of(memop), WATCH_STORE);
    ir_store2(c->b, addr, v, second, memop);
}

void watch_store(Ctx *c, Val addr, u32 bytes)
{
    watch(c, addr, 0, bytes, WATCH_STORE);
}

void watch_atomic(Ctx *c, Val addr, u32 bytes)
{
    watch(c, addr, 0, bytes, WATCH_LOAD | WATCH_STORE);
}

/* ---- V registers -------------------------------------------------------- */

Val get_v(Ctx *c, unsigned r)
{
    return ir_get(c->b, S_V0 + r);
}

bool set_v(Ctx *c, unsigned r, Val v)
{
    ir_put(c->b, S_V0 + r, v);
    return true;
}

bool set_v64(Ctx *c, unsigned r, Val v)
{
    return set_f(c, r, ir_vlow(c->b, F64, v));
}

Val get_f(Ctx *c, Type t, unsigned r)
{
    return ir_vlow(c->b, t, get_v(c, r));
}

bool set_f(Ctx *c, unsigned r, Val v)
{
    return set_v(c, r, ir_vzext(c->b, v));
}

/* ---- conditions and exceptions ------------------------------------------ */

Val cond_holds(Ctx *c, unsigned cond)
{
    static const u8 flag_cond[] = {
        FC_Z, FC_NZ, FC_C, FC_NC, FC_N, FC_NN, FC_V, FC_NV,
        FC_HI, FC_LS, FC_GE, FC_LT, FC_GT, FC_LE,
    };

    if (cond >= countof(flag_cond)) {           /* AL, NV */
        return ir_i32(c->b, 1);
    }
    return ir_fcond(c->b, (FlagCond)flag_cond[cond], ir_get(c->b, S_NZCV));
}

static void raise_exception(void *env, u64 esr)
{
    ArmCpu *c = env;

    arm_exception(c, esr, c->cpu.tcg.pc);
}
HELPER(raise_exception, H_READ | H_WRITE | H_RAISE, void, ptr, i64);

bool raise_at(Ctx *c, u64 esr)
{
    IR_CALL(c->b, &helper_raise_exception, ir_i64(c->b, esr));
    ir_leave(c->b);
    return true;
}

bool fp_enabled(Ctx *c)
{
    if (c->key & KEY_FP) {
        return true;
    }
    raise_at(c, ESR(EC_FP, 0x1e << 20));        /* CV, COND = AL */
    return false;
}

/* ---- decoding ----------------------------------------------------------- */

static bool is_structure(u32 w)
{
    return (w & 0xbe000000) == 0x0c000000;
}

bool a64_decode(Ctx *c, u32 w)
{
    switch (bits(w, 28, 25)) {
    case 8: case 9:                             /* 100x: immediate */
    case 5: case 13:                            /* x101: register */
        return a64_dp(c, w);
    case 10: case 11:                           /* 101x */
        return a64_branch(c, w) || a64_system(c, w);
    case 4: case 6: case 12: case 14:           /* x1x0 */
        return is_structure(w) ? a64_vldst(c, w) : a64_ldst(c, w);
    case 7: case 15:                            /* x111 */
        return a64_fp(c, w) || a64_simd(c, w);
    }
    return false;
}

/* The row's `translate`: one instruction, always four bytes long. */
u32 arm_translate(Ir *b, const Cpu *cpu, u32 key, const u8 *insn, u32 avail)
{
    const ArmCpu *arm = (const ArmCpu *)cpu;
    Ctx c = {
        .b = b, .key = key, .features = arm->features, .at = b->at,
        .insn = (u32)load_le(insn, MIN(avail, 4u)), .cpu = arm,
    };

    b->fp_inline = !(key & KEY_FP_SOFT);
    if (a64_before(&c)) {
        return 4;
    }
    if (!a64_decode(&c, c.insn)) {
        log_line(LOG_GUEST, "undefined instruction %08x", c.insn);
        raise_at(&c, ESR(EC_UNKNOWN, 0));
    }
    return 4;
}
