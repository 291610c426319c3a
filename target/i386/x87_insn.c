/* SPDX-License-Identifier: MIT */
/*
 * x87's instructions: their table and their translation to calls.
 * SDM volume 2, appendix A, tables.
 *
 * Left out: FERR# and IRQ 13 of CR0.NE = 0; exceptions are then ignored as
 * with IGNNE# asserted.
 */
#include "target/i386/x87.h"

/* Register forms, and those of memory by kind. */
#define ST(o, r, m, n, f, ...)                                              \
    { .op = (o), .reg = (r), .rm = (m), .name = (n), .fn = (f),             \
      ##__VA_ARGS__ }
#define LD(o, r, n, fmt, f, ...)                                            \
    { .op = (o), .reg = (r), .rm = X87_MEM, .name = (n), .fn = (f),         \
      .kind = X87K_LOAD, .format = (fmt), ##__VA_ARGS__ }
#define TO(o, r, n, fmt, ...)                                               \
    { .op = (o), .reg = (r), .rm = X87_MEM, .name = (n),                    \
      .kind = X87K_STORE, .format = (fmt), ##__VA_ARGS__ }
#define IMAGE(o, r, n, what, ...)                                           \
    { .op = (o), .reg = (r), .rm = X87_MEM, .name = (n),                    \
      .kind = X87K_IMAGE, .arg = (what), .control = true, ##__VA_ARGS__ }
#define CMOV(o, r, n, cc)                                                   \
    { .op = (o), .reg = (r), .rm = X87_ANY, .name = (n), .fn = x87_cmov,    \
      .kind = X87K_COND, .arg = (cc), .feature = F_CMOV }
/* The eight of ModRM.reg on memory. */
#define ARITH_MEM(o, fmt)                                                   \
    LD(o, 0, "FADD", fmt, x87_arith, .arg = X87_ADD),                       \
    LD(o, 1, "FMUL", fmt, x87_arith, .arg = X87_MUL),                       \
    LD(o, 2, "FCOM", fmt, x87_com),                                         \
    LD(o, 3, "FCOMP", fmt, x87_com, .pops = 1),                             \
    LD(o, 4, "FSUB", fmt, x87_arith, .arg = X87_SUB),                       \
    LD(o, 5, "FSUBR", fmt, x87_arith, .arg = X87_SUBR),                     \
    LD(o, 6, "FDIV", fmt, x87_arith, .arg = X87_DIV),                       \
    LD(o, 7, "FDIVR", fmt, x87_arith, .arg = X87_DIVR)
/* To ST(i) the names of SUB and SUBR, DIV and DIVR change places. */
#define ARITH_ST(o, r, n, what, ...)                                        \
    ST(o, r, X87_ANY, n, x87_arith, .arg = (what), ##__VA_ARGS__)
#define CONST(m, n)                                                         \
    ST(0xd9, 5, m, n, x87_const, .arg = (m))
#define MATH(r, m, n, what)                                                 \
    ST(0xd9, r, m, n, x87_trans, .arg = (what))
#define ANY X87_ANY

const X87Row x87_rows[] = {
    ARITH_MEM(0xd8, X87_F32),
    ARITH_ST(0xd8, 0, "FADD ST(0),ST(i)", X87_ADD),
    ARITH_ST(0xd8, 1, "FMUL ST(0),ST(i)", X87_MUL),
    ST(0xd8, 2, ANY, "FCOM ST(i)", x87_com),
    ST(0xd8, 3, ANY, "FCOMP ST(i)", x87_com, .pops = 1),
    ARITH_ST(0xd8, 4, "FSUB ST(0),ST(i)", X87_SUB),
    ARITH_ST(0xd8, 5, "FSUBR ST(0),ST(i)", X87_SUBR),
    ARITH_ST(0xd8, 6, "FDIV ST(0),ST(i)", X87_DIV),
    ARITH_ST(0xd8, 7, "FDIVR ST(0),ST(i)", X87_DIVR),

    LD(0xd9, 0, "FLD m32fp", X87_F32, x87_ld),
    TO(0xd9, 2, "FST m32fp", X87_F32),
    TO(0xd9, 3, "FSTP m32fp", X87_F32, .pops = 1),
    IMAGE(0xd9, 4, "FLDENV", X87_LDENV),
    LD(0xd9, 5, "FLDCW", X87_WORD, x87_ldcw, .control = true),
    IMAGE(0xd9, 6, "FNSTENV", X87_STENV, .nowait = true),
    TO(0xd9, 7, "FNSTCW", X87_WORD, .fn = x87_stcw, .control = true, .nowait = true),
    ST(0xd9, 0, ANY, "FLD ST(i)", x87_ld_st),
    ST(0xd9, 1, ANY, "FXCH", x87_xch),
    ST(0xd9, 2, 0, "FNOP", x87_nop),
    ST(0xd9, 3, ANY, "FSTP1 ST(i)", x87_st_st, .arg = 1, .pops = 1),
    ST(0xd9, 4, 0, "FCHS", x87_sign, .arg = 1),
    ST(0xd9, 4, 1, "FABS", x87_sign),
    ST(0xd9, 4, 4, "FTST", x87_tst),
    ST(0xd9, 4, 5, "FXAM", x87_xam),
    CONST(0, "FLD1"), CONST(1, "FLDL2T"), CONST(2, "FLDL2E"), CONST(3, "FLDPI"),
    CONST(4, "FLDLG2"), CONST(5, "FLDLN2"), CONST(6, "FLDZ"),
    MATH(6, 0, "F2XM1", X87_F2XM1),
    MATH(6, 1, "FYL2X", X87_FYL2X),
    MATH(6, 2, "FPTAN", X87_FPTAN),
    MATH(6, 3, "FPATAN", X87_FPATAN),
    ST(0xd9, 6, 4, "FXTRACT", x87_xtract),
    ST(0xd9, 6, 5, "FPREM1", x87_prem, .arg = 1),
    ST(0xd9, 6, 6, "FDECSTP", x87_step_top, .arg = 7),
    ST(0xd9, 6, 7, "FINCSTP", x87_step_top, .arg = 1),
    ST(0xd9, 7, 0, "FPREM", x87_prem),
    MATH(7, 1, "FYL2XP1", X87_FYL2XP1),
    ST(0xd9, 7, 2, "FSQRT", x87_sqrt),
    MATH(7, 3, "FSINCOS", X87_FSINCOS),
    ST(0xd9, 7, 4, "FRNDINT", x87_rndint),
    ST(0xd9, 7, 5, "FSCALE", x87_scale),
    MATH(7, 6, "FSIN", X87_FSIN),
    MATH(7, 7, "FCOS", X87_FCOS),

    ARITH_MEM(0xda, X87_I32),
    CMOV(0xda, 0, "FCMOVB", 0x2),
    CMOV(0xda, 1, "FCMOVE", 0x4),
    CMOV(0xda, 2, "FCMOVBE", 0x6),
    CMOV(0xda, 3, "FCMOVU", 0xa),
    ST(0xda, 5, 1, "FUCOMPP", x87_com, .arg = X87_QUIET, .pops = 2),

    LD(0xdb, 0, "FILD m32int", X87_I32, x87_ld),
    TO(0xdb, 1, "FISTTP m32int", X87_I32, .arg = 1, .pops = 1, .feature = F_SSE3),
    TO(0xdb, 2, "FIST m32int", X87_I32),
    TO(0xdb, 3, "FISTP m32int", X87_I32, .pops = 1),
    LD(0xdb, 5, "FLD m80fp", X87_F80, x87_ld),
    TO(0xdb, 7, "FSTP m80fp", X87_F80, .pops = 1),
    CMOV(0xdb, 0, "FCMOVNB", 0x3),
    CMOV(0xdb, 1, "FCMOVNE", 0x5),
    CMOV(0xdb, 2, "FCMOVNBE", 0x7),
    CMOV(0xdb, 3, "FCMOVNU", 0xb),
    ST(0xdb, 4, 0, "FENI", x87_nop, .control = true, .nowait = true),
    ST(0xdb, 4, 1, "FDISI", x87_nop, .control = true, .nowait = true),
    ST(0xdb, 4, 2, "FNCLEX", x87_clex, .control = true, .nowait = true),
    ST(0xdb, 4, 3, "FNINIT", x87_init, .control = true, .nowait = true),
    ST(0xdb, 4, 4, "FSETPM", x87_nop, .control = true, .nowait = true),
    ST(0xdb, 5, ANY, "FUCOMI", x87_com, .arg = X87_QUIET | X87_EFLAGS, .kind = X87K_FLAGS,
       .feature = F_CMOV),
    ST(0xdb, 6, ANY, "FCOMI", x87_com, .arg = X87_EFLAGS, .kind = X87K_FLAGS, .feature = F_CMOV),

    ARITH_MEM(0xdc, X87_F64),
    ARITH_ST(0xdc, 0, "FADD ST(i),ST(0)", X87_ADD, .to_i = true),
    ARITH_ST(0xdc, 1, "FMUL ST(i),ST(0)", X87_MUL, .to_i = true),
    ST(0xdc, 2, ANY, "FCOM2 ST(i)", x87_com),
    ST(0xdc, 3, ANY, "FCOMP3 ST(i)", x87_com, .pops = 1),
    ARITH_ST(0xdc, 4, "FSUBR ST(i),ST(0)", X87_SUB, .to_i = true),
    ARITH_ST(0xdc, 5, "FSUB ST(i),ST(0)", X87_SUBR, .to_i = true),
    ARITH_ST(0xdc, 6, "FDIVR ST(i),ST(0)", X87_DIV, .to_i = true),
    ARITH_ST(0xdc, 7, "FDIV ST(i),ST(0)", X87_DIVR, .to_i = true),

    LD(0xdd, 0, "FLD m64fp", X87_F64, x87_ld),
    TO(0xdd, 1, "FISTTP m64int", X87_I64, .arg = 1, .pops = 1, .feature = F_SSE3),
    TO(0xdd, 2, "FST m64fp", X87_F64),
    TO(0xdd, 3, "FSTP m64fp", X87_F64, .pops = 1),
    IMAGE(0xdd, 4, "FRSTOR", X87_RSTOR),
    IMAGE(0xdd, 6, "FNSAVE", X87_SAVE, .nowait = true),
    TO(0xdd, 7, "FNSTSW", X87_WORD, .fn = x87_stsw, .control = true, .nowait = true),
    ST(0xdd, 0, ANY, "FFREE", x87_free),
    ST(0xdd, 1, ANY, "FXCH4", x87_xch),
    ST(0xdd, 2, ANY, "FST ST(i)", x87_st_st),
    ST(0xdd, 3, ANY, "FSTP ST(i)", x87_st_st, .pops = 1),
    ST(0xdd, 4, ANY, "FUCOM", x87_com, .arg = X87_QUIET),
    ST(0xdd, 5, ANY, "FUCOMP", x87_com, .arg = X87_QUIET, .pops = 1),

    ARITH_MEM(0xde, X87_I16),
    ARITH_ST(0xde, 0, "FADDP ST(i),ST(0)", X87_ADD, .to_i = true, .pops = 1),
    ARITH_ST(0xde, 1, "FMULP ST(i),ST(0)", X87_MUL, .to_i = true, .pops = 1),
    ST(0xde, 2, ANY, "FCOMP5 ST(i)", x87_com, .pops = 1),
    ST(0xde, 3, 1, "FCOMPP", x87_com, .pops = 2),
    ARITH_ST(0xde, 4, "FSUBRP ST(i),ST(0)", X87_SUB, .to_i = true, .pops = 1),
    ARITH_ST(0xde, 5, "FSUBP ST(i),ST(0)", X87_SUBR, .to_i = true, .pops = 1),
    ARITH_ST(0xde, 6, "FDIVRP ST(i),ST(0)", X87_DIV, .to_i = true, .pops = 1),
    ARITH_ST(0xde, 7, "FDIVP ST(i),ST(0)", X87_DIVR, .to_i = true, .pops = 1),

    LD(0xdf, 0, "FILD m16int", X87_I16, x87_ld),
    TO(0xdf, 1, "FISTTP m16int", X87_I16, .arg = 1, .pops = 1, .feature = F_SSE3),
    TO(0xdf, 2, "FIST m16int", X87_I16),
    TO(0xdf, 3, "FISTP m16int", X87_I16, .pops = 1),
    LD(0xdf, 4, "FBLD", X87_BCD, x87_ld),
    LD(0xdf, 5, "FILD m64int", X87_I64, x87_ld),
    TO(0xdf, 6, "FBSTP", X87_BCD, .pops = 1),
    TO(0xdf, 7, "FISTP m64int", X87_I64, .pops = 1),
    ST(0xdf, 0, ANY, "FFREEP", x87_free, .pops = 1),
    ST(0xdf, 1, ANY, "FXCH7", x87_xch),
    ST(0xdf, 2, ANY, "FSTP8 ST(i)", x87_st_st, .pops = 1),
    ST(0xdf, 3, ANY, "FSTP9 ST(i)", x87_st_st, .pops = 1),
    ST(0xdf, 4, 0, "FNSTSW AX", x87_stsw, .kind = X87K_AX, .control = true, .nowait = true),
    ST(0xdf, 5, ANY, "FUCOMIP", x87_com, .arg = X87_QUIET | X87_EFLAGS, .pops = 1,
       .kind = X87K_FLAGS, .feature = F_CMOV),
    ST(0xdf, 6, ANY, "FCOMIP", x87_com, .arg = X87_EFLAGS, .pops = 1, .kind = X87K_FLAGS,
       .feature = F_CMOV),
};
const unsigned x87_nrows = countof(x87_rows);

/* ---- helpers ------------------------------------------------------------ */

unsigned x87_size(X87Format f)
{
    static const u8 sizes[] = {
        [X87_F32] = 4, [X87_F64] = 8, [X87_F80] = 10, [X87_I16] = 2,
        [X87_I32] = 4, [X87_I64] = 8, [X87_BCD] = 10, [X87_WORD] = 2,
    };
    return sizes[f];
}

/* What a call is told about its instruction. */
enum { INFO_ROW = 0, INFO_FOP = 8, INFO_SEG = 20, INFO_WIDE = 24 };
_Static_assert(countof(x87_rows) <= 256, "INFO_ROW has eight bits");

enum { H_ALL = H_READ | H_WRITE | H_RAISE };

static const X87Row *row_of(u32 info)
{
    return &x87_rows[bits(info, INFO_ROW + 7, INFO_ROW)];
}

static void check_pending(X86Cpu *c)
{
    if (unlikely(x87_pending(c)) && c->cr0 & CR0_NE) {
        x86_raise(c, X_MF, 0);
    }
}

static const X87Row *begin(X86Cpu *c, u32 info, u64 ip)
{
    const X87Row *r = row_of(info);
    if (!r->nowait) {
        check_pending(c);
    }
    if (!r->control) {
        c->fip = ip;
        c->fop = bits(info, INFO_FOP + 10, INFO_FOP) | FOP_CS;
    }
    return r;
}

/* Back to code that works inline, if masks and flags are what it expects. */
static void finish(X86Cpu *c)
{
    bool soft = ~c->cpu.tcg.fcw & FSW_EXCEPTIONS;
    if (c->x87_once || soft != !!(c->cpu.key & KEY_X87_SOFT)) {
        c->x87_once = false;
        x86_mode_changed(c);
    }
    host_x87_set(c->cpu.tcg.fcw, c->cpu.tcg.fsw);
}

static void set_pointer(X86Cpu *c, const X87Row *r, u32 info, u64 dp)
{
    if (!r->control) {
        c->fdp = dp;
        c->fdseg = bits(info, INFO_SEG + 2, INFO_SEG) + 1;
    }
}

/* Returns AX or EFLAGS for those that set them. */
static u32 x87_on_st(void *env, u32 info, u64 ip, u32 cond)
{
    X86Cpu *c = env;
    const X87Row *r = begin(c, info, ip);
    X87Op o = { .i = bits(info, INFO_FOP + 2, INFO_FOP), .cond = cond };
    if (r->kind == X87K_FLAGS) {
        o.out = x86_eflags(c) & FL_STATUS;
    }
    r->fn(c, r, &o);
    finish(c);
    return o.out;
}
HELPER(x87_on_st, H_ALL, i32, ptr, i32, i64, i32);

static void x87_on_load(void *env, u32 info, u64 ip, u64 dp, u64 lo, u32 hi)
{
    X86Cpu *c = env;
    const X87Row *r = begin(c, info, ip);
    X87Op o = { 0 };
    set_pointer(c, r, info, dp);
    x87_operand(&o, (X87Format)r->format, lo, (u16)hi);
    r->fn(c, r, &o);
    finish(c);
}
HELPER(x87_on_load, H_ALL, void, ptr, i32, i64, i64, i64, i32);

static void put_operand(X86Cpu *c, X87Format f, u64 va, F80 v)
{
    static const u8 memop[] = { [2] = M_16, [4] = M_32, [8] = M_64 };
    if (x87_size(f) == 10) {
        x87_probe_write(c, va, 10);
        cpu_store(&c->cpu, va, v.frac, M_64);
        cpu_store(&c->cpu, x87_address(c, va + 8), v.se, M_16);
    } else {
        cpu_store(&c->cpu, va, v.frac, memop[x87_size(f)]);
    }
}

static void x87_on_store(void *env, u32 info, u64 ip, u64 dp, u64 va)
{
    X86Cpu *c = env;
    const X87Row *r = row_of(info);
    X87Op o = { 0 };
    if (!r->nowait) {
        check_pending(c);
    }
    if (r->fn) {
        r->fn(c, r, &o);
        put_operand(c, (X87Format)r->format, va, o.m);
        finish(c);
        return;
    }
    if (x87_store_value(c, r, &o)) {
        put_operand(c, (X87Format)r->format, va, o.m);
    }
    begin(c, info, ip);
    set_pointer(c, r, info, dp);
    x87_store_done(c, r, &o);
    finish(c);
}
HELPER(x87_on_store, H_ALL, void, ptr, i32, i64, i64, i64);

static void x87_on_image(void *env, u32 info, u64 va)
{
    X86Cpu *c = env;
    const X87Row *r = row_of(info);
    if (!r->nowait) {
        check_pending(c);
    }
    x87_image(c, (X87Image)r->arg, va, info >> INFO_WIDE & 1,
              (c->cpu.key & (KEY_PE | KEY_VM)) != KEY_PE);
    finish(c);
}
HELPER(x87_on_image, H_ALL, void, ptr, i32, i64);

static void x87_wait(void *env)
{
    check_pending(env);
}
HELPER(x87_wait, H_ALL, void, ptr);

/* ---- translation -------------------------------------------------------- */

static const X87Row *find(const X86Ctx *c)
{
    for (unsigned i = 0; i < x87_nrows; i++) {
        const X87Row *r = &x87_rows[i];
        int rm = is_mem(c) ? X87_MEM : (c->modrm & 7);
        if (r->op == c->opcode && r->reg == (c->modrm >> 3 & 7) &&
            (r->rm == rm || (r->rm == X87_ANY && rm >= 0))) {
            return x86_has(c->cpu, r->feature) ? r : NULL;
        }
    }
    return NULL;
}

static u32 info_of(const X86Ctx *c, const X87Row *r)
{
    u32 fop = (u32)(c->opcode & 7) << 8 | c->modrm;
    return (u32)(r - x87_rows) << INFO_ROW | fop << INFO_FOP |
           (u32)c->seg << INFO_SEG | (u32)(c->osize != 2) << INFO_WIDE;
}

static void load(X86Ctx *c, const X87Row *r, Val info)
{
    unsigned size = x87_size((X87Format)r->format);
    Val va = x86_mem(c, size, false), lo, hi = ir_i32(c->b, 0);
    if (size == 10) {
        Val above = ir_add(c->b, va, ir_i64(c->b, 8));
        if (!is64(c)) {
            above = ir_extract(c->b, above, 0, 32);
        }
        lo = x86_load(c, va, 8);
        hi = x86_load(c, above, 2);
    } else {
        lo = x86_to(c, size, 8, x86_load(c, va, size), false);
    }
    IR_CALL(c->b, &helper_x87_on_load, info, x86_here(c), x86_offset(c), lo,
            hi);
}

static void image(X86Ctx *c, const X87Row *r, Val info)
{
    unsigned size = c->osize == 2 ? 14 : 28;
    bool all = r->arg == X87_SAVE || r->arg == X87_RSTOR;
    bool write = r->arg == X87_SAVE || r->arg == X87_STENV;
    IR_CALL(c->b, &helper_x87_on_image, info,
            x86_mem(c, size + (all ? 80 : 0), write));
}

static void on_st(X86Ctx *c, const X87Row *r, Val info)
{
    Val cond = r->kind == X87K_COND ? x86_cond(c, r->arg) : ir_i32(c->b, 0);
    Val v = IR_CALL(c->b, &helper_x87_on_st, info, x86_here(c), cond);
    if (r->kind == X87K_AX) {
        x86_set(c, 2, RAX, v);
    } else if (r->kind == X87K_FLAGS) {
        x86_flags_all(c, v);
    }
}

/* May the key be another after it? */
static bool may_end(const X86Ctx *c, const X87Row *r)
{
    return c->key & KEY_X87_ONCE || r->kind == X87K_IMAGE ||
           r->fn == x87_ldcw || r->fn == x87_init;
}

static bool x87(X86Ctx *c)
{
    const X87Row *r = find(c);
    if (!r) {
        return false;
    }
    if (x87_inline(c, r)) {
        return true;
    }
    Val info = ir_i32(c->b, info_of(c, r));
    switch (r->kind) {
    case X87K_LOAD:
        load(c, r, info);
        break;
    case X87K_STORE:
        IR_CALL(c->b, &helper_x87_on_store, info, x86_here(c), x86_offset(c),
                x86_mem(c, x87_size((X87Format)r->format), true));
        break;
    case X87K_IMAGE:
        image(c, r, info);
        break;
    default:
        on_st(c, r, info);
    }
    if (may_end(c, r)) {
        x86_stop(c);
    }
    return true;
}

static bool wait(X86Ctx *c)
{
    if ((c->key & (KEY_MP | KEY_TS)) == (KEY_MP | KEY_TS)) {
        return x86_raise_at(c, X_NM, 0);
    }
    if (c->key & KEY_X87_SOFT) {        /* else none can be pending */
        IR_CALL(c->b, &helper_x87_wait);
    }
    return true;
}

#define X87(o)                                                              \
    { .op = (o), .pfx = PANY, .reg = -1, .name = "x87", .operands = "Ev",   \
      .fn = x87, .flags = X_FPU, .feature = F_FPU }

const X86Row x86_x87_1[] = {
    OP(0x9b, "WAIT", "", wait),
    X87(0xd8), X87(0xd9), X87(0xda), X87(0xdb),
    X87(0xdc), X87(0xdd), X87(0xde), X87(0xdf),
    { 0 }
};

#define STATE(o, r, n, f, ft, ...)                                          \
    { .op = (o), .pfx = NP, .reg = (r), .name = (n), .operands = "Mb",      \
      .fn = (f), .feature = (ft), ##__VA_ARGS__ }

const X86Row x86_x87_0f[] = {
    STATE(0xae, 0, "FXSAVE", x86_fxsave, F_FXSR, .flags = X_MEM | X_FPU),
    STATE(0xae, 1, "FXRSTOR", x86_fxrstor, F_FXSR, .flags = X_MEM | X_FPU),
    STATE(0xae, 4, "XSAVE", x86_xsave, F_XSAVE, .arg = XSAVE_PLAIN, .flags = X_MEM),
    STATE(0xae, 5, "XRSTOR", x86_xrstor, F_XSAVE, .arg = XSAVE_PLAIN, .flags = X_MEM),
    STATE(0xae, 6, "XSAVEOPT", x86_xsave, F_XSAVEOPT, .arg = XSAVE_OPT, .flags = X_MEM),
    STATE(0xc7, 3, "XRSTORS", x86_xrstor, F_XSAVES, .arg = XSAVE_SUPER,
          .flags = X_MEM | X_CPL0),
    STATE(0xc7, 4, "XSAVEC", x86_xsave, F_XSAVEC, .arg = XSAVE_COMPACT, .flags = X_MEM),
    STATE(0xc7, 5, "XSAVES", x86_xsave, F_XSAVES, .arg = XSAVE_SUPER,
          .flags = X_MEM | X_CPL0),
    { 0 }
};
