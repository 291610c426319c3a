/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE and AVX state in memory: FSTENV and FSAVE, FXSAVE, the XSAVE
 * family and what loads them.  SDM volume 1, 8.1.10, 10.5 and chapter 13.
 *
 * An image is made in a buffer; all of its addresses are checked before the
 * first byte is written.  The init optimisation is made (components in their
 * initial state are left out where that is allowed), the modified one is not.
 */
#include "target/i386/x87.h"

enum {
    FX_SIZE = 512, XS_HEADER = 64, XS_LEGACY = FX_SIZE + XS_HEADER,
    XS_AVX = XS_LEGACY, XS_SIZE = XS_LEGACY + 256,
    FX_MXCSR = 24, FX_ST = 32, FX_XMM = 160, FX_USED = 416,
    XCOMP_COMPACT = 63,
};
enum { XC_X87 = 1 << 0, XC_SSE = 1 << 1, XC_AVX = 1 << 2,
       XC_ALL = XC_X87 | XC_SSE | XC_AVX };
enum { MXCSR_BITS = 0xffff, MXCSR_RESET = 0x1f80 };

/* ---- guest memory in bulk ----------------------------------------------- */

u64 x87_address(const X86Cpu *c, u64 va)
{
    bool is_long = (c->cpu.key & KEY_CODE) == KEY_CODE64;
    return is_long ? va : (u32)va;
}

static void probe_byte(X86Cpu *c, u64 va)
{
    TlbHit hit;
    Fault f;
    if (!tlb_host(&c->cpu, va, ACCESS_WRITE, 1) &&
        !tlb_resolve(&c->cpu, va, ACCESS_WRITE, false, &hit, &f)) {
        cpu_fault(&c->cpu, &f);
    }
}

void x87_probe_write(X86Cpu *c, u64 va, unsigned size)
{
    probe_byte(c, va);
    if ((va ^ (va + size - 1)) >> 12) {
        probe_byte(c, x87_address(c, va + size - 1));
    }
}

/*
 * The host's memory for as much of `size` bytes, a multiple of 2, as there is
 * in one piece; or NULL, and *n is 2: a word for the slow path.
 */
static u8 *piece(X86Cpu *c, u64 va, Access a, unsigned size, unsigned *n)
{
    unsigned room = PAGE_SIZE - (unsigned)(va & (PAGE_SIZE - 1));
    u8 *host;

    *n = MIN(size, room & ~1u);
    host = *n ? tlb_host(&c->cpu, va, a, *n) : NULL;
    if (!host) {
        *n = 2;
    }
    return host;
}

static void read_guest(X86Cpu *c, u64 va, u8 *buf, unsigned size)
{
    for (unsigned i = 0, n; i < size; i += n) {
        u64 at = x87_address(c, va + i);
        const u8 *host = piece(c, at, ACCESS_READ, size - i, &n);
        if (host) {
            memcpy(buf + i, host, n);
        } else {
            store_le(buf + i, 2, cpu_load(&c->cpu, at, M_16));
        }
    }
}

static void write_guest(X86Cpu *c, u64 va, const u8 *buf, unsigned size)
{
    for (unsigned i = 0, n; i < size; i += n) {
        u64 at = x87_address(c, va + i);
        u8 *host = piece(c, at, ACCESS_WRITE, size - i, &n);
        if (host) {
            memcpy(host, buf + i, n);
        } else {
            cpu_store(&c->cpu, at, load_le(buf + i, 2), M_16);
        }
    }
}

/* ---- environment: SDM figures 8-9 to 8-12 ------------------------------- */

/* The upper halves of 32-bit images' words are ones. */
static void put_word(u8 *buf, unsigned n, bool wide, u32 v)
{
    if (wide) {
        store_le(buf + 4 * n, 4, v);
    } else {
        store_le(buf + 2 * n, 2, v);
    }
}

static u32 get_word(const u8 *buf, unsigned n, bool wide)
{
    return (u32)(wide ? load_le(buf + 4 * n, 4) : load_le(buf + 2 * n, 2));
}

static unsigned pack_env(const X86Cpu *c, u8 *buf, bool wide, bool real)
{
    u32 ones = wide ? 0xffff0000 : 0;
    u32 ip = (u32)c->fip, dp = (u32)c->fdp;
    u32 cs = x87_fcs(c), ds = x87_fds(c), fop = c->fop & FOP_BITS;
    if (real) {
        ip += (u32)x87_fcs(c) << 4;
        dp += (u32)x87_fds(c) << 4;
        cs = (wide ? ip >> 16 << 12 : (ip >> 16 & 15) << 12) | fop;
        ds = wide ? dp >> 16 << 12 : (dp >> 16 & 15) << 12;
        ip &= 0xffff;
        dp &= 0xffff;
    } else if (wide) {
        cs |= fop << 16;
    }
    u32 words[7] = { c->cpu.tcg.fcw | ones, x87_fsw(c) | ones,
                     x87_tags(c) | ones, ip, cs, dp,
                     wide && !real ? ds | ones : ds };
    for (unsigned i = 0; i < 7; i++) {
        put_word(buf, i, wide, words[i]);
    }
    return wide ? 28 : 14;
}

static void set_control(X86Cpu *c, u16 fcw, u16 fsw)
{
    c->cpu.tcg.fcw = (fcw & FCW_BITS) | FCW_ONES;
    x87_set_fsw(c, fsw);
    x87_summary(c);
}

static void unpack_env(X86Cpu *c, const u8 *buf, bool wide, bool real)
{
    u32 ip = get_word(buf, 3, wide), cs = get_word(buf, 4, wide);
    u32 dp = get_word(buf, 5, wide), ds = get_word(buf, 6, wide);
    set_control(c, (u16)get_word(buf, 0, wide), (u16)get_word(buf, 1, wide));
    x87_set_tags(c, (u16)get_word(buf, 2, wide));
    c->fip = ip;
    c->fdp = dp;
    c->fdseg = 0;
    c->fcs = (u16)cs;
    c->fds = (u16)ds;
    c->fop = wide ? cs >> 16 & 0x7ff : 0;
    if (real) {
        c->fip = (ip & 0xffff) | (cs >> 12 & 0xffff) << 16;
        c->fdp = (dp & 0xffff) | (ds >> 12 & 0xffff) << 16;
        c->fcs = c->fds = 0;
        c->fop = cs & 0x7ff;
    }
}

static void save_stack(const X86Cpu *c, u8 *buf, unsigned step)
{
    for (unsigned i = 0; i < 8; i++) {
        F80 v = x87_get(c, i);
        store_le(buf + step * i, 8, v.frac);
        store_le(buf + step * i + 8, 2, v.se);
    }
}

/* Tags are left as they are. */
static void load_stack(X86Cpu *c, const u8 *buf, unsigned step)
{
    for (unsigned i = 0; i < 8; i++) {
        c->st[x87_phys(c, i)] = (X87Reg){
            .mant = load_le(buf + step * i, 8),
            .exp = (u16)load_le(buf + step * i + 8, 2),
        };
    }
}

unsigned x87_pack(const X86Cpu *c, u8 *buf, X87Image what, bool wide,
                  bool real)
{
    unsigned size = pack_env(c, buf, wide, real);
    if (what == X87_SAVE) {
        save_stack(c, buf + size, 10);
        size += 80;
    }
    return size;
}

void x87_unpack(X86Cpu *c, const u8 *buf, X87Image what, bool wide, bool real)
{
    unpack_env(c, buf, wide, real);
    if (what == X87_RSTOR) {
        load_stack(c, buf + (wide ? 28 : 14), 10);
    }
}

void x87_packed(X86Cpu *c, X87Image what)
{
    if (what == X87_SAVE) {
        x87_reset(c);
    } else {
        c->cpu.tcg.fcw |= FSW_EXCEPTIONS;
        x87_summary(c);
    }
}

void x87_image(X86Cpu *c, X87Image what, u64 va, bool wide, bool real)
{
    u8 buf[28 + 80];
    if (what == X87_LDENV || what == X87_RSTOR) {
        unsigned size = (wide ? 28 : 14) + (what == X87_RSTOR ? 80 : 0);
        read_guest(c, va, buf, size);
        x87_unpack(c, buf, what, wide, real);
        return;
    }

    unsigned size = x87_pack(c, buf, what, wide, real);
    x87_probe_write(c, va, size);
    write_guest(c, va, buf, size);
    x87_packed(c, what);
}

/* ---- the image of FXSAVE ------------------------------------------------ */

static unsigned xmms(const X86Cpu *c)
{
    return (c->cpu.key & KEY_CODE) == KEY_CODE64 ? 16 : 8;
}

void x87_pack_fx(const X86Cpu *c, u8 *buf, bool rexw)
{
    store_le(buf, 2, c->cpu.tcg.fcw);
    store_le(buf + 2, 2, x87_fsw(c));
    store_le(buf + 4, 2, (u8)~x87_empty_regs(c));
    store_le(buf + 6, 2, c->fop & FOP_BITS);
    if (rexw) {
        store_le(buf + 8, 8, c->fip);
        store_le(buf + 16, 8, c->fdp);
    } else {
        store_le(buf + 8, 8, (u32)c->fip | (u64)x87_fcs(c) << 32);
        store_le(buf + 16, 8, (u32)c->fdp | (u64)x87_fds(c) << 32);
    }
    save_stack(c, buf + FX_ST, 16);
}

void x87_unpack_fx(X86Cpu *c, const u8 *buf, bool rexw)
{
    u64 ip = load_le(buf + 8, 8), dp = load_le(buf + 16, 8);
    set_control(c, (u16)load_le(buf, 2), (u16)load_le(buf + 2, 2));
    x87_set_empty_regs(c, (u8)~buf[4]);
    c->fdseg = 0;
    c->fop = load_le(buf + 6, 2) & 0x7ff;
    c->fip = rexw ? ip : (u32)ip;
    c->fdp = rexw ? dp : (u32)dp;
    c->fcs = rexw ? 0 : (u16)(ip >> 32);
    c->fds = rexw ? 0 : (u16)(dp >> 32);
    load_stack(c, buf + FX_ST, 16);
}

static void fx_put_xmm(const X86Cpu *c, u8 *buf)
{
    memcpy(buf + FX_XMM, c->xmm, 16 * xmms(c));
}

static void fx_get_xmm(X86Cpu *c, const u8 *buf)
{
    memcpy(c->xmm, buf + FX_XMM, 16 * xmms(c));
}

static void fx_put_mxcsr(const X86Cpu *c, u8 *buf)
{
    store_le(buf + FX_MXCSR, 4, x86_mxcsr(c));
    store_le(buf + FX_MXCSR + 4, 4, MXCSR_BITS);
}

static void check_mxcsr(X86Cpu *c, const u8 *buf)
{
    if (load_le(buf + FX_MXCSR, 4) & ~(u64)MXCSR_BITS) {
        x86_raise(c, X_GP, 0);
    }
}

static void get_mxcsr(X86Cpu *c, u32 v)
{
    x86_set_mxcsr(c, v);
    x87_changed(c);
}

static void check_aligned(X86Cpu *c, u64 va, unsigned size)
{
    if (va & (size - 1)) {
        x86_raise(c, X_GP, 0);
    }
}

enum { H_ALL = H_READ | H_WRITE | H_RAISE };

/* What the image does not hold stays in memory. */
static void fxsave(void *env, u64 va, u32 rexw)
{
    X86Cpu *c = env;
    u8 buf[FX_SIZE] = { 0 };
    bool sse = c->cr4 & CR4_OSFXSR;
    check_aligned(c, va, 16);
    x87_pack_fx(c, buf, rexw);
    fx_put_mxcsr(c, buf);
    fx_put_xmm(c, buf);
    x87_probe_write(c, va, FX_SIZE);
    write_guest(c, va, buf, sse ? FX_XMM + 16 * xmms(c) : FX_XMM);
}
HELPER(fxsave, H_ALL, void, ptr, i64, i32);

static void fxrstor(void *env, u64 va, u32 rexw)
{
    X86Cpu *c = env;
    u8 buf[FX_SIZE];
    check_aligned(c, va, 16);
    read_guest(c, va, buf, FX_SIZE);
    check_mxcsr(c, buf);
    x87_unpack_fx(c, buf, rexw);
    if (c->cr4 & CR4_OSFXSR) {
        fx_get_xmm(c, buf);
    }
    get_mxcsr(c, (u32)load_le(buf + FX_MXCSR, 4));
}
HELPER(fxrstor, H_ALL, void, ptr, i64, i32);

/* ---- the XSAVE family --------------------------------------------------- */

static bool any_bits(const Vec *v, unsigned n)
{
    u64 any = 0;
    for (unsigned i = 0; i < n; i++) {
        any |= v[i].d[0] | v[i].d[1];
    }
    return any != 0;
}

static bool x87_in_use(const X86Cpu *c)
{
    u64 any = 0;
    for (unsigned i = 0; i < 8; i++) {
        any |= c->st[i].mant | c->st[i].exp;
    }
    return any || c->cpu.tcg.fcw != FCW_RESET || x87_fsw(c) ||
           c->fempty != 0xff || (c->fop & FOP_BITS) || c->fip || c->fdp ||
           x87_fcs(c) || x87_fds(c);
}

/* Components that are not in their initial state; SDM 13.6. */
static u64 in_use(const X86Cpu *c)
{
    unsigned n = xmms(c);
    return (x87_in_use(c) ? XC_X87 : 0) | (any_bits(c->xmm, n) ? XC_SSE : 0) |
           (any_bits(c->ymmh, n) ? XC_AVX : 0);
}

static void check_xsave(X86Cpu *c, u64 va)
{
    if (!(c->cr4 & CR4_OSXSAVE)) {
        x86_raise(c, X_UD, 0);
    }
    if (c->cr0 & CR0_TS) {
        x86_raise(c, X_NM, 0);
    }
    check_aligned(c, va, 64);
}

/* Writes the header and, of the rest, the components in `what`. */
static void put_components(X86Cpu *c, u64 va, u8 *buf, u64 what, bool mxcsr)
{
    if (what & XC_X87) {
        write_guest(c, va, buf, FX_MXCSR);
        write_guest(c, va + FX_ST, buf + FX_ST, FX_XMM - FX_ST);
    }
    if (mxcsr) {
        write_guest(c, va + FX_MXCSR, buf + FX_MXCSR, 8);
    }
    if (what & XC_SSE) {
        write_guest(c, va + FX_XMM, buf + FX_XMM, 16 * xmms(c));
    }
    write_guest(c, va + FX_SIZE, buf + FX_SIZE, XS_HEADER);
    if (what & XC_AVX) {
        write_guest(c, va + XS_AVX, (const u8 *)c->ymmh, 16 * xmms(c));
    }
}

static void make_image(const X86Cpu *c, u8 *buf, bool rexw)
{
    memset(buf, 0, XS_LEGACY);
    x87_pack_fx(c, buf, rexw);
    fx_put_mxcsr(c, buf);
    fx_put_xmm(c, buf);
}

void x86_pack_xsave(const X86Cpu *c, u8 *buf)
{
    memset(buf, 0, XS_LEGACY);
    x87_pack_fx(c, buf, true);
    fx_put_mxcsr(c, buf);
    memcpy(buf + FX_XMM, c->xmm, sizeof c->xmm);
    memcpy(buf + XS_AVX, c->ymmh, sizeof c->ymmh);
    store_le(buf + FX_SIZE, 8,
             XC_X87 | XC_SSE | (x86_has(c, F_AVX) ? XC_AVX : 0));
}

/* kind: XSAVE_PLAIN ..., bit 8: REX.W. */
static void xsave(void *env, u64 va, u64 mask, u32 kind)
{
    X86Cpu *c = env;
    u8 buf[XS_LEGACY];
    bool compact = (kind & 0xff) >= XSAVE_COMPACT;
    u64 used = in_use(c);
    check_xsave(c, va);
    mask &= c->xcr0 & XC_ALL;
    make_image(c, buf, kind >> 8);
    x87_probe_write(c, va, mask & XC_AVX ? XS_SIZE : XS_LEGACY);
    if (compact) {
        /* MXCSR is part of SSE here. */
        used |= x86_mxcsr(c) != MXCSR_RESET ? XC_SSE : 0;
        store_le(buf + FX_SIZE, 8, used & mask);
        store_le(buf + FX_SIZE + 8, 8, mask | BIT(XCOMP_COMPACT));
        put_components(c, va, buf, used & mask, used & mask & XC_SSE);
        return;
    }
    read_guest(c, va + FX_SIZE, buf + FX_SIZE, XS_HEADER);
    u64 old = load_le(buf + FX_SIZE, 8);
    store_le(buf + FX_SIZE, 8, (old & ~mask) | (used & mask));
    put_components(c, va, buf, (kind & 0xff) == XSAVE_OPT ? used & mask : mask,
                   mask & (XC_SSE | XC_AVX));
}
HELPER(xsave, H_ALL, void, ptr, i64, i64, i32);

static bool header_ok(const X86Cpu *c, const u8 *header, bool super)
{
    u64 bv = load_le(header, 8), comp = load_le(header + 8, 8), rest = 0;
    bool compact = comp >> XCOMP_COMPACT;
    for (unsigned i = 16; i < XS_HEADER; i += 8) {
        rest |= load_le(header + i, 8);
    }
    if (!compact) {
        /* Bytes 63:24 are not looked at. */
        return !super && !comp && !load_le(header + 16, 8) &&
               !(bv & ~c->xcr0);
    }
    comp &= ~BIT(XCOMP_COMPACT);
    return !rest && !(comp & ~c->xcr0) && !(bv & ~comp) &&
           (super || x86_has(c, F_XSAVEC));
}

static void init_x87(X86Cpu *c)
{
    x87_reset(c);
    memset(c->st, 0, sizeof c->st);
}

/* from: the components in the image; the others of mask are initialised. */
static void get_components(X86Cpu *c, const u8 *buf, u64 mask, u64 from,
                           bool rexw)
{
    if (mask & from & XC_X87) {
        x87_unpack_fx(c, buf, rexw);
    } else if (mask & XC_X87) {
        init_x87(c);
    }
    if (mask & from & XC_SSE) {
        fx_get_xmm(c, buf);
    } else if (mask & XC_SSE) {
        memset(c->xmm, 0, 16 * xmms(c));
    }
    if (mask & from & XC_AVX) {
        memcpy(c->ymmh, buf + XS_AVX, 16 * xmms(c));
    } else if (mask & XC_AVX) {
        memset(c->ymmh, 0, 16 * xmms(c));
    }
}

void x86_unpack_xsave(X86Cpu *c, const u8 *buf)
{
    u64 from = load_le(buf + FX_SIZE, 8);

    if (from & XC_X87) {
        x87_unpack_fx(c, buf, true);
    } else {
        init_x87(c);
    }
    memset(c->xmm, 0, sizeof c->xmm);
    memset(c->ymmh, 0, sizeof c->ymmh);
    if (from & XC_SSE) {
        memcpy(c->xmm, buf + FX_XMM, sizeof c->xmm);
    }
    if (from & XC_AVX) {
        memcpy(c->ymmh, buf + XS_AVX, sizeof c->ymmh);
    }
    get_mxcsr(c, (u32)load_le(buf + FX_MXCSR, 4));
}

static void xrstor(void *env, u64 va, u64 mask, u32 kind)
{
    X86Cpu *c = env;
    u8 buf[XS_SIZE];
    check_xsave(c, va);
    mask &= c->xcr0 & XC_ALL;
    read_guest(c, va, buf, XS_LEGACY);
    if (!header_ok(c, buf + FX_SIZE, (kind & 0xff) == XSAVE_SUPER)) {
        x86_raise(c, X_GP, 0);
    }
    u64 from = load_le(buf + FX_SIZE, 8);
    bool compact = buf[FX_SIZE + 15] >> 7;
    if (mask & from & XC_AVX) {
        read_guest(c, va + XS_AVX, buf + XS_AVX, XS_SIZE - XS_AVX);
    }

    u64 needs = compact ? mask & from & XC_SSE : mask & (XC_SSE | XC_AVX);
    if (needs) {
        check_mxcsr(c, buf);
    }
    get_components(c, buf, mask, from, kind >> 8);
    if (needs) {
        get_mxcsr(c, (u32)load_le(buf + FX_MXCSR, 4));
    } else if (compact && mask & XC_SSE) {
        get_mxcsr(c, MXCSR_RESET);
    } else {
        x87_changed(c);
    }
}
HELPER(xrstor, H_ALL, void, ptr, i64, i64, i32);

/* ---- translation -------------------------------------------------------- */

bool x86_fxsave(X86Ctx *c)
{
    IR_CALL(c->b, &helper_fxsave, x86_mem(c, FX_SIZE, true),
            ir_i32(c->b, c->rexw));
    return true;
}

/* MXCSR may change the key. */
bool x86_fxrstor(X86Ctx *c)
{
    IR_CALL(c->b, &helper_fxrstor, x86_mem(c, FX_SIZE, false),
            ir_i32(c->b, c->rexw));
    x86_stop(c);
    return true;
}

/* EDX:EAX. */
static Val requested(X86Ctx *c)
{
    Val lo = ir_zext(c->b, x86_get(c, 4, RAX));
    Val hi = ir_zext(c->b, x86_get(c, 4, RDX));
    return ir_deposit(c->b, lo, hi, 32, 32);
}

static Val kind_of(X86Ctx *c)
{
    return ir_i32(c->b, c->row->arg | (u32)c->rexw << 8);
}

bool x86_xsave(X86Ctx *c)
{
    IR_CALL(c->b, &helper_xsave, x86_mem(c, XS_LEGACY, true), requested(c),
            kind_of(c));
    return true;
}

bool x86_xrstor(X86Ctx *c)
{
    IR_CALL(c->b, &helper_xrstor, x86_mem(c, XS_LEGACY, false), requested(c),
            kind_of(c));
    x86_stop(c);
    return true;
}
