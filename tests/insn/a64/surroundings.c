/* SPDX-License-Identifier: MIT */
/*
 * Stand-ins for the rest of the emulator: guest memory that is one page seen
 * all over an area (see oracle.h), and exceptions that are only noted.  A
 * helper that raises goes back by longjmp to whoever runs the block.
 */
#include "surroundings.h"
#include <setjmp.h>
#include <stdarg.h>
#include "compare.h"
#include "oracle.h"
#include "target/arm/debug.h"
#include "util/log.h"

Seen seen;
jmp_buf helper_left;
u32 log_items;

void log_line(LogItem item, const char *fmt, ...)
{
    (void)item, (void)fmt;
}

bool a64_system(Ctx *c, u32 w)
{
    (void)c, (void)w;
    return false;
}

bool a64_before(Ctx *c)
{
    (void)c;
    return false;
}

/* No watchpoints: the key never asks. */
bool arm_watch_matches(const ArmCpu *c, ArmWatch *w)
{
    (void)c, (void)w;
    return false;
}

void arm_watchpoint(ArmCpu *c, const ArmWatch *w)
{
    (void)c, (void)w;
}

bool tlb_resolve(Cpu *c, u64 va, Access a, bool user, TlbHit *hit, Fault *f)
{
    (void)c, (void)va, (void)a, (void)user, (void)hit, (void)f;
    return false;
}

void arm_mode_changed(ArmCpu *c)
{
    (void)c;
}

u32 flags_unpack(u64 nzcv)
{
    return (nzcv >> 31 & 1 ? FLAG_N : 0) | (nzcv >> 30 & 1 ? FLAG_Z : 0)
        | (nzcv >> 29 & 1 ? FLAG_C : 0) | (nzcv >> 28 & 1 ? FLAG_V : 0);
}

void arm_exception(ArmCpu *c, u64 esr, u64 ret)
{
    seen.exception = true;
    seen.esr = esr;
    c->cpu.tcg.pc = ret;
}

_Noreturn void cpu_fault(Cpu *c, const Fault *f)
{
    (void)c, (void)f;
    longjmp(helper_left, 1);
}

_Noreturn void cpu_resume(Cpu *c)
{
    (void)c;
    longjmp(helper_left, 1);
}

Cpu *cpu_current(void)
{
    return NULL;
}

static void misaligned(Cpu *c, u64 va, Access a, Fault *f)
{
    (void)c, (void)va, (void)a, (void)f;
    seen.misaligned = true;
}

const Target test_target = { .misaligned = misaligned };

static u64 top_byte_ignored(u64 va)
{
    return va & MASK(56);
}

/* The byte at va, or NULL. */
static u8 *byte_at(u64 va, bool write)
{
    va = top_byte_ignored(va);
    if (va - ORACLE_AREA < ORACLE_AREA_SIZE) {
        return &seen.page[va % ORACLE_PAGE];
    }
    if (!write && va - seen.pool_at < seen.pool_len) {
        return (u8 *)seen.pool + (va - seen.pool_at);
    }
    return NULL;
}

u8 *tlb_host(Cpu *c, u64 va, Access access, unsigned size)
{
    (void)c, (void)size;
    return byte_at(va, access == ACCESS_WRITE);
}

static bool read_bytes(u64 va, u8 *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const u8 *p = byte_at(va + i, false);
        if (!p) {
            return false;
        }
        to[i] = *p;
    }
    return true;
}

static bool write_bytes(u64 va, const u8 *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!byte_at(va + i, true)) {
            return false;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        *byte_at(va + i, true) = from[i];
    }
    return true;
}

u64 cpu_load(Cpu *c, u64 va, u32 memop)
{
    u64 v = 0;

    if (!read_bytes(va, (u8 *)&v, 1u << (memop & M_SIZE))) {
        seen.fault = true;
        cpu_fault(c, NULL);
    }
    return v;
}

void cpu_store(Cpu *c, u64 va, u64 v, u32 memop)
{
    if (!write_bytes(va, (u8 *)&v, 1u << (memop & M_SIZE))) {
        seen.fault = true;
        cpu_fault(c, NULL);
    }
}

/* ---- the evaluator's accesses ------------------------------------------- */

static i64 as_signed(u64 v, unsigned size)
{
    return sext(v, (int)(8 * size));
}

static u64 rmw_result(RmwKind kind, u64 old, u64 v, unsigned size)
{
    u64 m = MASK(8 * size);
    bool less = as_signed(old, size) < as_signed(v, size);
    bool below = (old & m) < (v & m);

    switch (kind) {
    case RMW_XCHG: return v;
    case RMW_ADD:  return old + v;
    case RMW_AND:  return old & v;
    case RMW_OR:   return old | v;
    case RMW_XOR:  return old ^ v;
    case RMW_SMIN: return less ? old : v;
    case RMW_SMAX: return less ? v : old;
    case RMW_UMIN: return below ? old : v;
    case RMW_UMAX: return below ? v : old;
    }
    return 0;
}

/* CAS or RMW; the old value, zero-extended, in mem_val[0]. */
static bool atomic(TcgEnv *e, unsigned kind, u64 va, unsigned size)
{
    u64 old = 0, v = e->mem_val[0];

    if (!read_bytes(va, (u8 *)&old, size) || !byte_at(va, true)) {
        return false;
    }
    if (kind == MEM_RMW) {
        v = rmw_result((RmwKind)(e->mem_memop >> MEM_RMW_SHIFT), old, v, size);
    } else if (old != (e->mem_expect[0] & MASK(8 * size))) {
        v = old;
    }
    e->mem_val[0] = old;
    return write_bytes(va, (u8 *)&v, size);
}

static u64 extended(u64 v, u32 memop, unsigned size)
{
    return memop & M_SIGN ? (u64)as_signed(v, size) : v;
}

/* Reads or writes the values of one access, one after the other. */
static bool plain(TcgEnv *e, bool store, u64 va, unsigned size)
{
    u32 memop = (u32)e->mem_memop;
    unsigned n = memop & M_PAIR ? 2 : 1, step = size == 16 ? 2 : 1;

    for (unsigned i = 0; i < n; i++) {
        u64 v[2] = { 0, 0 };
        if (store) {
            memcpy(v, &e->mem_val[i * step], MIN(size, 8u) * step);
            if (!write_bytes(va + i * size, (u8 *)v, size)) {
                return false;
            }
            continue;
        }
        if (!read_bytes(va + i * size, (u8 *)v, size)) {
            return false;
        }
        e->mem_val[i * step] = size < 8 ? extended(v[0], memop, size) : v[0];
        if (size == 16) {
            e->mem_val[i * 2 + 1] = v[1];
        }
    }
    return true;
}

bool test_access(void *env, const void *ret)
{
    TcgEnv *e = env;
    unsigned size = 1u << (e->mem_memop & M_SIZE);
    unsigned kind = e->mem_memop >> MEM_KIND_SHIFT & 15;
    bool good;

    (void)ret;
    if (e->mem_memop & M_ALIGN && e->mem_addr & (size - 1)) {
        seen.misaligned = true;
        return false;
    }
    if (kind == MEM_CAS || kind == MEM_RMW) {
        good = atomic(e, kind, e->mem_addr, size);
    } else {
        good = plain(e, kind == MEM_STORE, e->mem_addr, size);
    }
    seen.fault |= !good;
    return good;
}
