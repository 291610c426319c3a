/* SPDX-License-Identifier: MIT */
/*
 * A64 loads and stores but for structures (a64_vldst.c).  Reference: Arm ARM
 * (DDI 0487) C6.2 and C7.2 for each instruction, B2.9 for the exclusive
 * monitors.  The table is a64_ldst.decode.
 *
 * The local exclusive monitor is the slots S_EXCL_*: an address and what was
 * read there.  A store-exclusive stores if that is still there.
 *
 * Prefetches do nothing.  Where a writeback's register is also transferred
 * (constrained unpredictable), loads win and stores store the old value.
 */
#include "target/arm/translate.h"
#include "util/host-atomic.h"
#include "a64_ldst.forms.h"

/* ---- one register ------------------------------------------------------- */

/*
 * Moves register rt from or to memory at addr.  False if an exception was
 * raised instead: nothing may follow.
 */
typedef bool Transfer(Ctx *c, unsigned rt, Val addr, u32 memop);

static bool ld(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    return set_x(c, true, rt, guest_load(c, I64, addr, memop));
}

/* LDRSB, LDRSH into a W register. */
static bool ld_w(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    return set_x(c, false, rt, guest_load(c, I32, addr, memop));
}

static bool st(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    bool sf = (memop & M_SIZE) == M_64;

    guest_store(c, addr, get_x(c, sf, rt), memop);
    return true;
}

static bool prefetch(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    (void)c, (void)rt, (void)addr, (void)memop;
    return true;
}

static bool vld(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    if (!fp_enabled(c)) {
        return false;
    }
    switch (memop & M_SIZE) {
    case M_128:
        return set_v(c, rt, guest_load(c, V128T, addr, memop));
    case M_64:
        return set_f(c, rt, guest_load(c, F64, addr, memop));
    case M_32:
        return set_f(c, rt, guest_load(c, F32, addr, memop));
    }
    Val v = guest_load(c, I64, addr, memop);
    return set_v(c, rt, ir_vpair(c->b, v, imm(c, true, 0)));
}

/* The low bytes of register rt, as ir_store() takes them. */
static Val v_part(Ctx *c, unsigned rt, u32 size)
{
    switch (size) {
    case M_128:
        return get_v(c, rt);
    case M_64:
        return get_f(c, F64, rt);
    case M_32:
        return get_f(c, F32, rt);
    }
    return ir_vget(c->b, (Lane)size, get_v(c, rt), 0);
}

static bool vst(Ctx *c, unsigned rt, Val addr, u32 memop)
{
    if (!fp_enabled(c)) {
        return false;
    }
    guest_store(c, addr, v_part(c, rt, memop & M_SIZE), memop);
    return true;
}

/* ---- addresses ---------------------------------------------------------- */

/* A prefetch does not mind where SP is. */
static Val base_of(Ctx *c, unsigned rn, Transfer *t)
{
    return t == prefetch ? get_sp(c, true, rn) : base_address(c, rn);
}

static Val offset(Ctx *c, Val base, i64 by)
{
    return ir_add(c->b, base, imm(c, true, (u64)by));
}

static bool literal(Ctx *c, form_lit a, Transfer *t, u32 memop)
{
    t(c, a.rt, ir_pc(c->b, c->at + a.offset), memop | data_access(c));
    return true;
}

static bool scaled(Ctx *c, form_ui a, Transfer *t, u32 memop)
{
    Val base = base_of(c, a.rn, t);

    t(c, a.rt, offset(c, base, (i64)a.imm << (memop & M_SIZE)),
      memop | data_access(c));
    return true;
}

static bool unscaled(Ctx *c, form_si a, Transfer *t, u32 memop)
{
    Val base = base_of(c, a.rn, t);

    t(c, a.rt, offset(c, base, a.imm), memop | data_access(c));
    return true;
}

/* The base is written after the access, which may fault. */
static bool post(Ctx *c, form_si a, Transfer *t, u32 memop)
{
    Val base = base_address(c, a.rn);

    if (t(c, a.rt, base, memop | data_access(c))) {
        set_sp(c, true, a.rn, offset(c, base, a.imm));
    }
    return true;
}

static bool pre(Ctx *c, form_si a, Transfer *t, u32 memop)
{
    Val addr = offset(c, base_address(c, a.rn), a.imm);

    if (t(c, a.rt, addr, memop | data_access(c))) {
        set_sp(c, true, a.rn, addr);
    }
    return true;
}

static bool indexed(Ctx *c, form_reg a, Transfer *t, u32 memop)
{
    if (!(a.option & 2)) {
        return false;
    }
    Val index = get_x(c, true, a.rm);
    if (!(a.option & 1)) {                      /* UXTW, SXTW */
        index = a.option & 4 ? ir_sextract(c->b, index, 0, 32)
                             : ir_extract(c->b, index, 0, 32);
    }
    unsigned by = a.scale ? memop & M_SIZE : 0;
    index = ir_shl(c->b, index, imm(c, true, by));
    Val addr = ir_add(c->b, base_of(c, a.rn, t), index);
    t(c, a.rt, addr, memop | data_access(c));
    return true;
}

/* ---- pairs -------------------------------------------------------------- */

/* As Transfer, of two registers. */
typedef bool TransferPair(Ctx *c, form_pair a, Val addr, u32 memop);

static bool ldp(Ctx *c, form_pair a, Val addr, u32 memop)
{
    Val second, first = guest_load2(c, I64, addr, memop, &second);

    set_x(c, true, a.rt, first);
    return set_x(c, true, a.rt2, second);
}

static bool stp(Ctx *c, form_pair a, Val addr, u32 memop)
{
    bool sf = (memop & M_SIZE) == M_64;

    guest_store2(c, addr, get_x(c, sf, a.rt), get_x(c, sf, a.rt2), memop);
    return true;
}

static bool vldp(Ctx *c, form_pair a, Val addr, u32 memop)
{
    static const Type types[] = { [M_32] = F32, [M_64] = F64 };
    Val second;

    if (!fp_enabled(c)) {
        return false;
    }
    if ((memop & M_SIZE) == M_128) {
        set_v(c, a.rt, guest_load2(c, V128T, addr, memop, &second));
        return set_v(c, a.rt2, second);
    }
    Type t = types[memop & M_SIZE];
    set_f(c, a.rt, guest_load2(c, t, addr, memop, &second));
    return set_f(c, a.rt2, second);
}

static bool vstp(Ctx *c, form_pair a, Val addr, u32 memop)
{
    u32 size = memop & M_SIZE;

    if (!fp_enabled(c)) {
        return false;
    }
    guest_store2(c, addr, v_part(c, a.rt, size), v_part(c, a.rt2, size),
              memop);
    return true;
}

static i64 pair_bytes(form_pair a, u32 memop)
{
    return (i64)a.imm * (1 << (memop & M_SIZE));
}

static bool pair_offset(Ctx *c, form_pair a, TransferPair *t, u32 memop)
{
    Val addr = offset(c, base_address(c, a.rn), pair_bytes(a, memop));

    t(c, a, addr, memop | data_access(c));
    return true;
}

static bool pair_post(Ctx *c, form_pair a, TransferPair *t, u32 memop)
{
    Val base = base_address(c, a.rn);

    if (t(c, a, base, memop | data_access(c))) {
        set_sp(c, true, a.rn, offset(c, base, pair_bytes(a, memop)));
    }
    return true;
}

static bool pair_pre(Ctx *c, form_pair a, TransferPair *t, u32 memop)
{
    Val addr = offset(c, base_address(c, a.rn), pair_bytes(a, memop));

    if (t(c, a, addr, memop | data_access(c))) {
        set_sp(c, true, a.rn, addr);
    }
    return true;
}

/* ---- ordered and exclusive ---------------------------------------------- */

/* LDAR, STLR and their limited-ordering kin, which this makes as strong. */
static bool ordered(Ctx *c, form_excl a, Transfer *t, u32 memop)
{
    return t(c, a.rt, base_address(c, a.rn),
             memop | M_ALIGN | data_order(c));
}

static void set_monitor(Ctx *c, Val addr, Val low, Val high)
{
    ir_put(c->b, S_EXCL_ADDR, addr);
    ir_put(c->b, S_EXCL_VAL, low);
    ir_put(c->b, S_EXCL_HI, high);
}

static bool load_exclusive(Ctx *c, form_excl a, u32 memop)
{
    Val addr = base_address(c, a.rn);
    Val v = guest_load(c, I64, addr, memop | M_ALIGN | data_order(c));

    set_monitor(c, addr, v, imm(c, true, 0));
    return set_x(c, true, a.rt, v);
}

/* Clears the monitor; the status is 0 if the store was done. */
static bool end_exclusive(Ctx *c, unsigned rs, Val status)
{
    ir_put(c->b, S_EXCL_ADDR, imm(c, true, ~0ull));
    return set_x(c, false, rs, status);
}

static Val store_if_monitored(Ctx *c, Val addr, Val v, u32 memop)
{
    Val expect = ir_get(c->b, S_EXCL_VAL);

    if (ir_type(c->b, v) == I32) {
        expect = ir_trunc(c->b, expect);
    }
    watch_store(c, addr, 1u << (memop & M_SIZE));
    return ir_casif(c->b, addr, v, expect, ir_get(c->b, S_EXCL_ADDR),
                    memop | M_ALIGN);
}

static bool store_exclusive(Ctx *c, form_excl a, u32 memop)
{
    bool sf = (memop & M_SIZE) == M_64;
    Val status = store_if_monitored(c, base_address(c, a.rn),
                                    get_x(c, sf, a.rt),
                                    memop | data_order(c));

    return end_exclusive(c, a.rs, status);
}

/*
 * Pairs are moved as one value that is the image of memory: the register at
 * the lower address in the low half, its bytes swapped if data are big-endian.
 */
static Val image(Ctx *c, Val v)
{
    return data_order(c) ? ir_bswap(c->b, v) : v;
}

/* Registers r and s: an I64, or a V128 if sf. */
static Val get_pair(Ctx *c, bool sf, unsigned r, unsigned s)
{
    Val low = image(c, get_x(c, sf, r)), high = image(c, get_x(c, sf, s));

    if (sf) {
        return ir_vpair(c->b, low, high);
    }
    return ir_deposit(c->b, ir_zext(c->b, low), ir_zext(c->b, high), 32, 32);
}

static bool set_pair(Ctx *c, bool sf, unsigned r, unsigned s, Val v)
{
    Val low, high;

    if (sf) {
        low = ir_vget(c->b, L64, v, 0);
        high = ir_vget(c->b, L64, v, 1);
    } else {
        low = ir_trunc(c->b, v);
        high = ir_trunc(c->b, ir_shr(c->b, v, imm(c, true, 32)));
    }
    set_x(c, sf, r, image(c, low));
    return set_x(c, sf, s, image(c, high));
}

static bool load_exclusive_pair(Ctx *c, form_excl a, u32 memop)
{
    bool sf = (memop & M_SIZE) == M_64;
    u32 flags = (memop & ~(u32)M_SIZE) | M_ALIGN;
    Val addr = base_address(c, a.rn), v, low, high;

    if (sf) {
        v = guest_load(c, V128T, addr, flags | M_128 | M_ATOMIC16);
        low = ir_vget(c->b, L64, v, 0);
        high = ir_vget(c->b, L64, v, 1);
    } else {
        low = v = guest_load(c, I64, addr, flags | M_64);
        high = imm(c, true, 0);
    }
    set_monitor(c, addr, low, high);
    return set_pair(c, sf, a.rt, a.rt2, v);
}

/* ---- 16 bytes at once --------------------------------------------------- */

/*
 * Compares and swaps 16 bytes of guest memory, aligned, in its own order.
 * Returns what was there.  RAM that the slow path must see written (code,
 * dirty tracking) and devices are done in halves.
 */
static u128 cas16(Cpu *c, u64 va, u128 expect, u128 v)
{
    u8 *host = tlb_host(c, va, ACCESS_WRITE, 16);

    if (host) {
        return host_cas16((u128 *)(void *)host, expect, v);
    }
    u128 old = cpu_load(c, va, M_64) | (u128)cpu_load(c, va + 8, M_64) << 64;
    if (old == expect) {
        cpu_store(c, va, (u64)v, M_64);
        cpu_store(c, va + 8, (u64)(v >> 64), M_64);
    }
    return old;
}

static void check_aligned16(Cpu *c, u64 va)
{
    Fault f;

    if (va & 15) {
        c->target->misaligned(c, va, ACCESS_WRITE, &f);
        cpu_fault(c, &f);
    }
}

/* STXP of X registers: 0 if it stored, else 1. */
static u32 stxp(void *env, u64 va, V128 v)
{
    ArmCpu *arm = env;
    u128 expect = arm->excl_val | (u128)arm->excl_hi << 64;

    if (va != arm->excl_addr) {
        return 1;
    }
    check_aligned16(&arm->cpu, va);
    return cas16(&arm->cpu, va, expect, (u128)v) != expect;
}
HELPER(stxp, H_READ | H_RAISE, i32, ptr, i64, v128);

static V128 casp(void *env, u64 va, V128 expect, V128 v)
{
    Cpu *c = env;

    check_aligned16(c, va);
    return (V128)cas16(c, va, (u128)expect, (u128)v);
}
HELPER(casp, H_RAISE, v128, ptr, i64, v128, v128);

static bool store_exclusive_pair(Ctx *c, form_excl a, u32 memop)
{
    bool sf = (memop & M_SIZE) == M_64;
    Val addr = base_address(c, a.rn), v = get_pair(c, sf, a.rt, a.rt2);
    Val status;

    if (sf) {
        watch_store(c, addr, 16);
        status = IR_CALL(c->b, &helper_stxp, addr, v);
    } else {
        u32 flags = memop & ~(u32)M_SIZE;
        status = store_if_monitored(c, addr, v, flags | M_64);
    }
    return end_exclusive(c, a.rs, status);
}

/* ---- large system extensions -------------------------------------------- */

static u32 atomic_flags(Ctx *c, bool acquire, bool release)
{
    return M_ALIGN | data_order(c) | (acquire ? M_ACQ : 0)
        | (release ? M_REL : 0);
}

static Val atomic_address(Ctx *c, unsigned rn, u32 bytes)
{
    Val addr = base_address(c, rn);

    watch_atomic(c, addr, bytes);
    return addr;
}

static bool cas(Ctx *c, form_cas a, u32 size)
{
    bool sf = size == M_64;
    Val expect = get_x(c, sf, a.rs);

    if (size < M_32) {
        expect = ir_extract(c->b, expect, 0, 8u << size);
    }
    Val addr = atomic_address(c, a.rn, 1u << size);
    Val old = ir_cas(c->b, sf ? I64 : I32, addr, expect, get_x(c, sf, a.rt),
                     size | atomic_flags(c, a.acquire, a.release));
    return set_x(c, sf, a.rs, old);
}

static bool cas_pair(Ctx *c, form_cas a, u32 size)
{
    bool sf = size == M_64;

    if (a.rs & 1 || a.rt & 1) {
        return false;
    }
    Val addr = atomic_address(c, a.rn, 2u << size), old;
    Val expect = get_pair(c, sf, a.rs, a.rs + 1u);
    Val v = get_pair(c, sf, a.rt, a.rt + 1u);
    if (sf) {
        old = IR_CALL(c->b, &helper_casp, addr, expect, v);
    } else {
        u32 flags = atomic_flags(c, a.acquire, a.release) & ~(u32)M_BE;
        old = ir_cas(c->b, I64, addr, expect, v, M_64 | flags);
    }
    return set_pair(c, sf, a.rs, a.rs + 1u, old);
}

static bool rmw(Ctx *c, form_atomic a, RmwKind kind, u32 size)
{
    bool sf = size == M_64;
    Val v = get_x(c, sf, a.rs);

    if (kind == RMW_AND) {                      /* LDCLR */
        v = ir_not(c->b, v);
    }
    v = ir_rmw(c->b, kind, sf ? I64 : I32,
               atomic_address(c, a.rn, 1u << size), v,
               size | atomic_flags(c, a.acquire, a.release));
    return set_x(c, sf, a.rt, v);
}

#include "a64_ldst.decode.h"

bool a64_ldst(Ctx *c, u32 w)
{
    return a64_ldst_decode(c, w);
}
