/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 back end: what the processor can do, the common code, the table
 * of operations, and the compilation of a block.
 *
 * AMD64 System V ABI; Intel 64 SDM volumes 1 (MXCSR, 10.2.3) and 2.
 */
#include "tcg/x86_64.h"
#include "util/hostx87.h"
#include <cpuid.h>
#include <stdlib.h>

const bool tcg_native = true;

/* ---- the processor ------------------------------------------------------ */

static X86Has detect(void)
{
    X86Has has = { 0 };
    u32 a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return has;
    }
    __builtin_cpu_init();
    has.sse42 = c & bit_SSE4_2;
    has.movbe = c & bit_MOVBE;
    has.avx = __builtin_cpu_supports("avx");    /* asks the OS too */
    has.fma = has.avx && __builtin_cpu_supports("fma");
    has.bmi2 = has.avx && __builtin_cpu_supports("bmi2");
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        has.tzcnt = b & bit_BMI;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        has.lzcnt = c & bit_LZCNT;
    }
    return has;
}

/* ---- allocation --------------------------------------------------------- */

static void store_place(void *ctx, u16 v, int reg, int place)
{
    Cc *c = ctx;
    x64_store(c, ins_of(c, v)->type, (unsigned)reg, place_opd(place));
}

static void load_value(void *ctx, u16 v, int reg)
{
    x64_fetch(ctx, v, (unsigned)reg);
}

static void move_value(void *ctx, u16 v, int to, int from)
{
    Cc *c = ctx;
    x64_move(c, ins_of(c, v)->type, (unsigned)to, (unsigned)from);
}

static const AllocHost alloc_host = {
    .pool = { 1 << RBX | 1 << RDX | 1 << RSI | 1 << RDI | 0x7f00, 0xfffc },
    .saved = { 1 << RBX | 1 << R12 | 1 << R13 | 1 << R14, 0 },
    .fold = x64_fold,
    .store = store_place, .load = load_value, .move = move_value,
};

/* ---- common code -------------------------------------------------------- */

static const u64 konsts[K_COUNT][2] = {
    [K_ABS32] = { 0x7fffffff7fffffff, 0x7fffffff7fffffff },
    [K_ABS64] = { INT64_MAX, INT64_MAX },
    [K_MIN32] = { 0x0080000000800000, 0x0080000000800000 },
    [K_MIN64] = { 0x0010000000000000, 0x0010000000000000 },
    [K_SIGN64] = { 1ull << 63, 1ull << 63 },
    [K_2P63_32] = { 0x5f000000 },
    [K_2P63_64] = { 0x43e0000000000000 },
    [K_REVERSE] = { 0x08090a0b0c0d0e0f, 0x0001020304050607 },
    [K_MXCSR] = { 0x1f80 },
};

enum { COMMON_CODE = 256, MXCSR_DEFAULT = 0x1f80 };
_Static_assert(K_COUNT * 16 <= COMMON_CODE, "constants overlap code");

static const u8 saved_regs[] = { RBX, RBP, R12, R13, R14, R15 };

static void push(As *s, unsigned reg, u8 opcode)
{
    if (reg >= 8) {
        as_8(s, 0x41);
    }
    as_8(s, (u8)(opcode | (reg & 7)));
}

static void load_mxcsr(As *s, Opd from)
{
    as_op(s, X_0F | 0xae, 2, from);
}

/* tcg_enter(): env in rdi, code in rsi. */
static void emit_enter(As *s)
{
    for (unsigned n = 0; n < countof(saved_regs); n++) {
        push(s, saved_regs[n], 0x50);
    }
    as_alu_imm(s, X_W, G_SUB, reg_opd(RSP), FRAME_SIZE + 8);
    as_mov(s, X_W, RBP, RDI);
    as_op(s, OP_LD | X_W, R15, env_opd(offsetof(TcgEnv, tlb)));
    as_op(s, OP_ST | X_W, RSP, env_opd(offsetof(TcgEnv, host_sp)));
    as_op(s, OP_LD | X_W, RAX, env_opd(offsetof(TcgEnv, pc)));
    as_alu_imm(s, X_W, G_AND, reg_opd(RAX), -PAGE_SIZE);
    as_op(s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, pc_page)));
    load_mxcsr(s, env_opd(offsetof(TcgEnv, mxcsr)));
    as_op(s, OP_GRP5, 4, reg_opd(RSI));
}

/* Back to the caller of tcg_enter(); the result is in eax. */
static void emit_return(As *s)
{
    as_op(s, X_0F | 0xae, 3, env_opd(offsetof(TcgEnv, mxcsr)));
    load_mxcsr(s, konst(K_MXCSR));
    as_op(s, OP_LD | X_W, RSP, env_opd(offsetof(TcgEnv, host_sp)));
    as_mov_imm(s, RCX, 0, true);
    as_op(s, OP_ST | X_W, RCX, env_opd(offsetof(TcgEnv, host_sp)));
    as_alu_imm(s, X_W, G_ADD, reg_opd(RSP), FRAME_SIZE + 8);
    for (unsigned n = countof(saved_regs); n--;) {
        push(s, saved_regs[n], 0x58);
    }
    as_8(s, 0xc3);
}

/* All registers that code may hold values in, to env or back. */
static void emit_keep(As *s, bool back)
{
    for (unsigned r = 0; r < TCG_REGS; r++) {
        if (alloc_host.pool[CLASS_INT] >> r & 1) {
            as_op(s, (back ? OP_LD : OP_ST) | X_W, r,
                  env_opd(offsetof(TcgEnv, reg) + r * sizeof(u64)));
        }
        if (alloc_host.pool[CLASS_VEC] >> r & 1) {
            as_op(s, back ? OP_MOVUPS : OP_MOVUPS_ST, r,
                  env_opd(offsetof(TcgEnv, vreg) + r * sizeof(V128)));
        }
    }
}

/* Calls C with the stack aligned: one return address is on it. */
static void emit_call_c(As *s, const void *fn)
{
    as_alu_imm(s, X_W, G_SUB, reg_opd(RSP), 8);
    as_mov_imm(s, RAX, (u64)(uintptr_t)fn, true);
    as_op(s, OP_GRP5, 2, reg_opd(RAX));
    as_alu_imm(s, X_W, G_ADD, reg_opd(RSP), 8);
}

static void emit_slow(As *s, TcgSlow *slow, u32 leave)
{
    emit_keep(s, false);
    as_mov(s, X_W, RDI, RBP);
    as_op(s, OP_LD | X_W, RSI, mem_opd(RSP, 0));
    emit_call_c(s, (const void *)(uintptr_t)slow);
    as_8(s, 0x84);                              /* test al, al */
    as_8(s, 0xc0);
    u32 fault = as_jcc_open(s, CC_NE);
    as_op(s, OP_LD | X_W, RSP, env_opd(offsetof(TcgEnv, host_sp)));
    as_jmp(s, S_COMMON, leave);
    as_close(s, fault);
    emit_keep(s, true);
    as_8(s, 0xc3);
}

/* On to what C finds; falls through if that is nothing. */
static void emit_find(As *s, TcgFind *find, bool link)
{
    as_mov(s, X_W, RDI, RBP);
    if (link) {
        as_op(s, OP_LD | X_W, RSI, env_opd(offsetof(TcgEnv, exit)));
    } else {
        as_mov_imm(s, RSI, 0, true);
    }
    as_mov_imm(s, RAX, (u64)(uintptr_t)find, true);
    as_op(s, OP_GRP5, 2, reg_opd(RAX));
    as_op(s, OP_TEST | X_W, RAX, reg_opd(RAX));
    u32 nothing = as_jcc_open(s, CC_E);
    as_op(s, OP_GRP5, 4, reg_opd(RAX));
    as_close(s, nothing);
}

static u64 low_part(Type t, u64 v)
{
    return t == I32 || t == F32 ? (u32)v : v;
}

/* One FPOP instruction in C. */
static void float_op(void *env, const OpCall *o, Vec *v)
{
    const Ins *i = &o->ins;
    Type t = (Type)o->operand;
    if (i->type == V128T && t == V128T) {
        v[0] = fp_vec(o->soft, env, i, v[0], v[1], v[2]);
        return;
    }
    FpKind kind = fp_kind(i, t);
    bool from_int = kind == FP_FROM_I32 || kind == FP_FROM_I64;
    bool wide_float = (from_int ? i->type : o->operand) == F64;
    v[0].d[0] = o->soft->fn[kind][wide_float](env, low_part(t, v[0].d[0]),
                                              low_part(t, v[1].d[0]),
                                              low_part(t, v[2].d[0]), i->sub);
}

/* The C end of x64_op_by_call(): operands in v[], the result to v[0]. */
static void op_by_call(void *env, const OpCall *o, Vec *v)
{
    const Ins *i = &o->ins;
    Type t = (Type)o->operand;
    if (ir_ops[i->op].flags & FPOP) {
        float_op(env, o, v);
    } else if (t == V128T || i->type == V128T) {
        v[0] = ir_compute_vec(i, v[0], v[1], v[2]);
    } else {
        v[0].d[0] = ir_compute(i, t, low_part(t, v[0].d[0]),
                               low_part(t, v[1].d[0]),
                               low_part(t, v[2].d[0]), v[3].d[0]);
    }
}

/* rax: OpCall; the operands are in the caller's frame. */
static void emit_op(As *s)
{
    emit_keep(s, false);
    as_mov(s, X_W, RDI, RBP);
    as_mov(s, X_W, RSI, RAX);
    as_op(s, OP_LEA | X_W, RDX, mem_opd(RSP, FRAME_OPND + 8));
    emit_call_c(s, (const void *)(uintptr_t)op_by_call);
    emit_keep(s, true);
    as_8(s, 0xc3);
}

/* Jumps and constants of the common area, among themselves. */
static void resolve_common(TcgBuffer *t, Relocs *r)
{
    for (u32 n = 0; n < r->n; n++) {
        Reloc *x = &r->r[n];
        store_le(t->rw + x->at, 4, x->target - x->at - 4 - x->tail);
    }
    free(r->r);
}

static void emit_common(TcgBuffer *t, X86 *x)
{
    Relocs relocs = { 0 };
    As s = { t->rw, t->rw + COMMON_CODE, S_COMMON, &relocs };
    memcpy(t->rw, konsts, sizeof(konsts));
    u32 back = as_here(&s);
    emit_return(&s);
    for (u32 e = TCG_LOOKUP; e <= TCG_HOT; e++) {
        x->thunk[T_LOOKUP + e] = as_here(&s);
        if (e == TCG_LOOKUP || e == TCG_POLL) {
            as_op(&s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, pc)));
        }
        if (e == TCG_LOOKUP || e == TCG_LINK) {
            emit_find(&s, t->find, e == TCG_LINK);
        }
        as_mov_imm(&s, RAX, e, true);
        as_jmp(&s, S_COMMON, back);
    }
    x->thunk[T_LEAVE] = as_here(&s);
    as_op(&s, OP_LD | X_W, R15, env_opd(offsetof(TcgEnv, tlb)));
    as_op(&s, OP_LD | X_W, RAX, env_opd(offsetof(TcgEnv, pc)));
    x64_go(&s, x->thunk);
    x->thunk[T_SLOW] = as_here(&s);
    emit_slow(&s, t->slow, x->thunk[T_LEAVE]);
    x->thunk[T_OP] = as_here(&s);
    emit_op(&s);
    x->thunk[T_ENTER] = as_here(&s);
    emit_enter(&s);
    resolve_common(t, &relocs);
    memcpy(&t->enter, &(u8 *) { t->rx + x->thunk[T_ENTER] }, sizeof(t->enter));
}

_Static_assert(T_LINK - T_LOOKUP == TCG_LINK - TCG_LOOKUP &&
               T_POLL - T_LOOKUP == TCG_POLL - TCG_LOOKUP &&
               T_TRAP - T_LOOKUP == TCG_TRAP - TCG_LOOKUP &&
               T_HOT - T_LOOKUP == TCG_HOT - TCG_LOOKUP,
               "thunks and exits are in the same order");

TcgExit tcg_enter(TcgBuffer *t, void *env, const void *exec)
{
    const TcgEnv *e = env;
    host_x87_set(e->fcw, e->fsw);
    return t->enter(env, exec);
}

void tcg_abandon(void *env)
{
    TcgEnv *e = env;

    if (e->host_sp) {           /* else the evaluator ran */
        e->mxcsr = __builtin_ia32_stmxcsr();
        e->host_sp = NULL;
        __builtin_ia32_ldmxcsr(MXCSR_DEFAULT);
    }
}

/* ---- start -------------------------------------------------------------- */

enum { HOT_ROOM = 4 << 20, COLD_ROOM = 16 << 20, DATA_ROOM = 1 << 20 };

static bool open_section(As *s, Section section, size_t room, Relocs *relocs)
{
    s->buf = s->p = malloc(room);
    s->section = (u8)section;
    s->relocs = relocs;
    return s->buf != NULL;
}

bool host_start(TcgBuffer *t, Err *err)
{
    X86 *x = calloc(1, sizeof(*x));
    t->host = x;
    if (!x) {
        return fail(err, "out of memory");
    }
    Cc *c = &x->cc;
    if (!__builtin_cpu_supports("sse4.1")) {
        return fail(err, "the processor lacks SSE4.1, which translated code "
                    "needs");
    }
    x->has = detect();
    if (!open_section(&c->hot, S_HOT, HOT_ROOM, &c->relocs) ||
        !open_section(&c->cold, S_COLD, COLD_ROOM, &c->relocs) ||
        !open_section(&c->data, S_DATA, DATA_ROOM, &c->relocs)) {
        return fail(err, "out of memory");
    }
    emit_common(t, x);
    return true;
}

void host_stop(TcgBuffer *t)
{
    X86 *x = t->host;
    if (x) {
        free(x->cc.hot.buf);
        free(x->cc.cold.buf);
        free(x->cc.data.buf);
        free(x->cc.relocs.r);
        free(x->cc.side.p);
        free(x);
    }
}

/* ---- compilation -------------------------------------------------------- */

/* How many direct exits b may have. */
static u32 count_jumps(const Ir *b)
{
    u32 count = 0;
    for (u32 n = 1; n < b->n; n++) {
        count += b->ins[n].op == IR_exit || b->ins[n].op == IR_exit_if;
    }
    return MIN(count, (u32)TCG_JUMPS);
}

/* The data begins with a guard for each link. */
static void open_jumps(Cc *c)
{
    c->max_jumps = count_jumps(c->b);
    c->out->jump = calloc(MAX(c->max_jumps, 1u), sizeof(TcgJump));
    if (!c->out->jump) {
        abort();
    }
    c->data_start = align_up(c->max_jumps * 8, 16);
    for (u32 n = 0; n < c->data_start; n += 8) {
        as_64(&c->data, ~0ull);
    }
}

static void begin(Cc *c, TcgBuffer *t, const Ir *b, TcgCode *out)
{
    X86 *x = t->host;
    c->b = b;
    c->t = t;
    c->out = out;
    c->has = x->has;
    c->thunk = x->thunk;
    c->hot.p = c->hot.buf;
    c->cold.p = c->cold.buf;
    c->data.p = c->data.buf;
    c->s = &c->hot;
    c->relocs.n = 0;
    c->side.n = 0;
    c->nsites = 0;
    c->slow = UINT32_MAX;
    c->wp = wide(b->word);
    c->written = c->tested = 0;
    c->keep_flags = false;
    c->temps = c->ncounted = 0;
    *out = (TcgCode) { .region = t->region };
    open_jumps(c);
    out->heat = buffer_heat(t, b->heat);
}

static void emit_all(Cc *c)
{
    if (c->out->heat) {
        x64_count_entry(c);
    }
    for (u16 n = 1; n < c->b->n; n++) {
        const HostOp *row = &x64_ops[ins_of(c, n)->op];
        alloc_step(&c->a, n);
        if (c->a.fate[n] == EMIT ||
            (c->a.fate[n] == HOME && ins_of(c, n)->op == IR_phi)) {
            row->emit(c, n, row);
        }
        alloc_done(&c->a);
    }
}

/* Where sections of the block go: offsets in the buffer. */
typedef struct Layout {
    size_t at[S_COUNT];
    size_t side, hot_end, low;      /* low: the new end of free space */
} Layout;

static bool lay_out(const Cc *c, Layout *l)
{
    const TcgBuffer *t = c->t;
    size_t cold = align_up(as_here(&c->cold), CODE_ALIGN);
    size_t data = align_up(as_here(&c->data), CODE_ALIGN);
    size_t side = align_up(snap_size(c), CODE_ALIGN);
    l->at[S_COMMON] = 0;
    l->at[S_HEAT] = (size_t)((u8 *)c->out->heat - t->rx);
    l->at[S_HOT] = align_up(t->hot, CODE_ALIGN);
    l->hot_end = l->at[S_HOT] + as_here(&c->hot);
    if (l->hot_end + cold + data + side + CODE_ALIGN > t->cold) {
        return false;
    }
    l->low = align_down(t->cold - cold - data - side, CODE_ALIGN);
    l->at[S_COLD] = l->low;
    l->at[S_DATA] = l->low + cold;
    l->side = l->at[S_DATA] + data;
    return true;
}

static void resolve(const Cc *c, const Layout *l)
{
    for (u32 n = 0; n < c->relocs.n; n++) {
        const Reloc *x = &c->relocs.r[n];
        size_t from = l->at[x->in] + x->at;
        size_t to = l->at[x->to] + x->target;
        store_le(c->t->rw + from, 4, to - from - 4 - x->tail);
    }
}

static void copy(const Cc *c, const As *s, const Layout *l)
{
    memcpy(c->t->rw + l->at[s->section], s->buf, as_here(s));
}

static void finish(Cc *c, const Layout *l)
{
    TcgBuffer *t = c->t;
    TcgCode *out = c->out;
    size_t entry = l->at[S_HOT];
    copy(c, &c->hot, l);
    copy(c, &c->cold, l);
    copy(c, &c->data, l);
    resolve(c, l);
    snap_write(c, t->rw + l->side);
    out->exec = t->rx + entry;
    out->size = (u32)(l->hot_end - entry);
    out->cold = t->rx + l->low;
    out->cold_size = (u32)(t->cold - l->low);
    out->side = t->rx + l->side;
    out->side_size = (u32)snap_size(c);
    for (u32 n = 0; n < out->njumps; n++) {
        const Link *k = &c->link[n];
        TcgJump *j = &out->jump[n];
        j->site = (u32)(l->at[k->section] - entry) + k->site;
        j->stub = (u32)(l->at[S_COLD] - entry) + k->stub;
        j->guard = k->guarded ? (u32)(l->at[S_DATA] - entry) + n * 8 : 0;
    }
    buffer_wrote(t, out->size + out->cold_size + out->side_size);
    t->hot = l->hot_end;
    t->cold = l->low;
}

void tcg_free_code(TcgCode *c)
{
    free(c->jump);
    c->jump = NULL;
}

bool tcg_compile(TcgBuffer *t, const Ir *b, TcgCode *out)
{
    Cc *c = &((X86 *)t->host)->cc;
    Layout l;
    begin(c, t, b, out);
    alloc_start(&c->a, b, &alloc_host, c);
    ir_pages(b, &c->pages);
    for (u32 n = 0; n < c->pages.n; n++) {
        alloc_place(&c->a);
    }
    out->keeps_pages = c->pages.n != 0;
    emit_all(c);
    x64_count_done(c);
    if (!lay_out(c, &l)) {
        tcg_free_code(out);
        return false;
    }
    finish(c, &l);
    return true;
}

/* ---- the operations ----------------------------------------------------- */

const HostOp x64_ops[IR_NOPS] = {
#define P(op) (X_0F | X_66 | (op))
#define W(op) (X_38 | X_66 | (op))
#define A(op) (X_3A | X_66 | X_I8 | (op))
#define F(op) (X_0F | (op))
#define SAME(op) { op, op, op, op }
    [IR_none] = { x64_nothing, { 0 } },
    [IR_const] = { x64_nothing, { 0 } },
    [IR_pc] = { x64_nothing, { 0 } },
    [IR_get] = { x64_get, { 0 } },
    [IR_add] = { x64_alu, { OP_ADD } },
    [IR_sub] = { x64_alu, { OP_SUB } },
    [IR_mul] = { x64_mul, { 0 } },
    [IR_mulhu] = { x64_mulh, { G_MUL } },
    [IR_mulhs] = { x64_mulh, { G_IMUL } },
    [IR_udiv] = { x64_div, { G_DIV } },
    [IR_sdiv] = { x64_div, { G_IDIV } },
    [IR_and] = { x64_alu, { OP_AND } },
    [IR_or] = { x64_alu, { OP_OR } },
    [IR_xor] = { x64_alu, { OP_XOR } },
    [IR_shl] = { x64_shift, { G_SHL, OP_SHLX } },
    [IR_shr] = { x64_shift, { G_SHR, OP_SHRX } },
    [IR_sar] = { x64_shift, { G_SAR, OP_SARX } },
    [IR_ror] = { x64_shift, { G_ROR } },
    [IR_clz] = { x64_count, { OP_LZCNT } },
    [IR_ctz] = { x64_count, { OP_TZCNT } },
    [IR_bswap] = { x64_bswap, { 0 } },
    [IR_trunc] = { x64_trunc, { 0 } },
    [IR_zext] = { x64_zext, { 0 } },
    [IR_sext] = { x64_sext, { 0 } },
    [IR_extract] = { x64_extract, { 0 } },
    [IR_sextract] = { x64_sextract, { 0 } },
    [IR_deposit] = { x64_deposit, { 0 } },
    [IR_set] = { x64_set, { 0 } },
    [IR_select] = { x64_select, { 0 } },
    [IR_addf] = { x64_flags, { 0 } },
    [IR_subf] = { x64_flags, { 0 } },
    [IR_adcf] = { x64_flags, { 0 } },
    [IR_sbcf] = { x64_flags, { 0 } },
    [IR_logicf] = { x64_flags, { 0 } },
    [IR_notc] = { x64_notc, { 0 } },
    [IR_packf] = { x64_packf, { 0 } },
    [IR_unpackf] = { x64_unpackf, { 0 } },
    [IR_fcond] = { x64_fcond, { 0 } },
    [IR_bitsof] = { x64_bitsof, { 0 } },
    [IR_fadd] = { x64_farith, { F(0x58) } },
    [IR_fsub] = { x64_farith, { F(0x5c) } },
    [IR_fmul] = { x64_farith, { F(0x59) } },
    [IR_fdiv] = { x64_farith, { F(0x5e) } },
    [IR_fsqrt] = { x64_farith, { F(0x51) } },
    [IR_ffma] = { x64_ffma, { 0xa9 } },
    [IR_fmin] = { x64_fminmax, { F(0x5d) } },
    [IR_fmax] = { x64_fminmax, { F(0x5f) } },
    [IR_fminnm] = { x64_fminmax, { F(0x5d) } },
    [IR_fmaxnm] = { x64_fminmax, { F(0x5f) } },
    [IR_fcmpf] = { x64_fcmpf, { 0 } },
    [IR_f2f] = { x64_f2f, { 0 } },
    [IR_f2i] = { x64_f2i, { 0 } },
    [IR_i2f] = { x64_i2f, { 0 } },
    [IR_fround] = { x64_fround, { 0 } },
    [IR_vlow] = { x64_vlow, { 0 } },
    [IR_vzext] = { x64_vzext, { A(0x21) } },
    [IR_vpair] = { x64_vpair, { A(0x22) | X_W } },
    [IR_vget] = { x64_vget, { A(0x14), A(0x15), A(0x16), A(0x16) | X_W } },
    [IR_vins] = { x64_vins, { A(0x20), P(0xc4) | X_I8, A(0x22), A(0x22) | X_W } },
    [IR_vdup] = { x64_vdup, { 0, X_0F | X_F2 | X_I8 | 0x70, P(0x70) | X_I8 } },
    [IR_vand] = { x64_vec, SAME(P(0xdb)) },
    [IR_vandn] = { x64_vec_rev, SAME(P(0xdf)) },
    [IR_vor] = { x64_vec, SAME(P(0xeb)) },
    [IR_vxor] = { x64_vec, SAME(P(0xef)) },
    [IR_vadd] = { x64_vec, { P(0xfc), P(0xfd), P(0xfe), P(0xd4) } },
    [IR_vsub] = { x64_vec, { P(0xf8), P(0xf9), P(0xfa), P(0xfb) } },
    [IR_vmul] = { x64_vec, { 0, P(0xd5), W(0x40), 0 } },
    [IR_vsmull] = { x64_vec_widen, { W(0x20), W(0x23), W(0x25) } },
    [IR_vumull] = { x64_vec_widen, { W(0x30), W(0x33), W(0x35) } },
    [IR_vsmin] = { x64_vec, { W(0x38), P(0xea), W(0x39), 0 } },
    [IR_vsmax] = { x64_vec, { W(0x3c), P(0xee), W(0x3d), 0 } },
    [IR_vumin] = { x64_vec, { P(0xda), W(0x3a), W(0x3b), 0 } },
    [IR_vumax] = { x64_vec, { P(0xde), W(0x3e), W(0x3f), 0 } },
    [IR_vsqadd] = { x64_vec, { P(0xec), P(0xed), 0, 0 } },
    [IR_vuqadd] = { x64_vec, { P(0xdc), P(0xdd), 0, 0 } },
    [IR_vsqsub] = { x64_vec, { P(0xe8), P(0xe9), 0, 0 } },
    [IR_vuqsub] = { x64_vec, { P(0xd8), P(0xd9), 0, 0 } },
    [IR_vceq] = { x64_vec, { P(0x74), P(0x75), P(0x76), W(0x29) } },
    [IR_vcgt] = { x64_vec, { P(0x64), P(0x65), P(0x66), W(0x37) } },
    [IR_vcgtu] = { x64_vcgtu, { P(0xda), W(0x3a), W(0x3b), W(0x37) } },
    [IR_vabs] = { x64_vec1, { W(0x1c), W(0x1d), W(0x1e), 0 } },
    [IR_vshl] = { x64_vshift, { 6 } },
    [IR_vshr] = { x64_vshift, { 2 } },
    [IR_vsar] = { x64_vshift, { 4 } },
    [IR_vsxl] = { x64_vec1, { W(0x20), W(0x23), W(0x25) } },
    [IR_vzxl] = { x64_vec1, { W(0x30), W(0x33), W(0x35) } },
    [IR_vshuf] = { x64_vshuf, { 0 } },
    [IR_vfadd] = { x64_vfarith, { F(0x58) } },
    [IR_vfsub] = { x64_vfarith, { F(0x5c) } },
    [IR_vfmul] = { x64_vfarith, { F(0x59) } },
    [IR_vfdiv] = { x64_vfarith, { F(0x5e) } },
    [IR_vfsqrt] = { x64_vfarith, { F(0x51) } },
    [IR_vffma] = { x64_ffma, { 0xa8 } },
    [IR_vfceq] = { x64_vfcmp, { 0, 0 } },           /* predicates: SSE, AVX */
    [IR_vfcge] = { x64_vfcmp, { 2, 0x0d } },
    [IR_vfcgt] = { x64_vfcmp, { 1, 0x0e } },
    [IR_span] = { x64_span, { 0 } },
    [IR_load] = { x64_loads, { 0 } },
    [IR_load2] = { x64_loads, { 0 } },
    [IR_second] = { x64_nothing, { 0 } },
    [IR_store] = { x64_stores, { 0 } },
    [IR_store2] = { x64_stores, { 0 } },
    [IR_cas] = { x64_cas, { 0 } },
    [IR_casif] = { x64_casif, { 0 } },
    [IR_rmw] = { x64_rmw, { 0 } },
    [IR_fence] = { x64_fence, { 0 } },
    [IR_sync] = { x64_sync, { 0 } },
    [IR_poll] = { x64_poll, { 0 } },
    [IR_exit_if] = { x64_exit_if, { 0 } },
    [IR_trap_if] = { x64_trap_if, { 0 } },
    [IR_exit] = { x64_exit, { 0 } },
    [IR_leave] = { x64_leave, { 0 } },
    [IR_phi] = { x64_phi, { 0 } },
    [IR_label] = { x64_label, { 0 } },
    [IR_loop] = { x64_loop, { 0 } },
    [IR_call] = { x64_call, { 0 } },
};
