/* SPDX-License-Identifier: MIT */
/*
 * x86-64: guest memory.
 *
 * Fast path: the TLB entry's tag xored with the address is the offset in the
 * page if the page is there, and too large otherwise, also for an access that
 * leaves the page.  Slow path: a stub in cold code hands the access over in
 * env and calls C through a thunk that keeps every register.
 */
#include "tcg/x86_64.h"

static unsigned size_log2(u32 memop)
{
    return memop & M_SIZE;
}

/* ---- the check ---------------------------------------------------------- */

/* The block's way to the slow path: env.exit tells C which code calls. */
static void slow_trampoline(Cc *c)
{
    As *s = &c->cold;
    c->slow = as_here(s);
    as_mov_imm(s, RAX, (u64)(uintptr_t)c->out, true);
    as_op(s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, exit)));
    as_jmp(s, S_COMMON, c->thunk[T_SLOW]);
}

/* Takes a folded address apart. */
static void split_address(const Cc *c, u16 v, Access *m)
{
    const Ins *i = ins_of(c, v);
    m->base = v;
    if (c->a.fate[v] == FOLD && i->op == IR_add &&
        x64_imm(c, i->b.id, &m->disp)) {
        m->base = i->a.id;
        i = ins_of(c, m->base);
    }
    if (c->a.fate[m->base] != FOLD || i->op != IR_add) {
        return;
    }
    bool swap = ins_of(c, i->a.id)->op == IR_shl &&
                c->a.fate[i->a.id] == FOLD;
    m->base = swap ? i->b.id : i->a.id;
    m->index = swap ? i->a.id : i->b.id;
    i = ins_of(c, m->index);
    if (c->a.fate[m->index] == FOLD && i->op == IR_shl) {
        m->scale = (u8)ins_of(c, i->b.id)->imm;
        m->index = i->a.id;
    }
}

/* A summand gets a register, unless it is computed from some. */
static void hold(void *ctx, u16 v, unsigned use)
{
    Cc *c = ctx;
    (void)use;
    if (c->a.fate[v] == FOLD) {
        ir_operands(c->b, ins_of(c, v), hold, c);
    } else if (c->a.fate[v] != REMAT) {
        alloc_use(&c->a, v);
    }
}

/* What an access has beside its address. */
static void begin_access(Cc *c, u16 v, u32 kind, Access *m)
{
    if (c->slow == UINT32_MAX) {
        slow_trampoline(c);
    }
    *m = (Access) {
        .kind = kind, .width = c->wp, .span_reg = -1,
        .first = c->pages.first[v],
        .kept = c->pages.group[v] ? c->pages.group[v] - 1 : NO_PLACE,
        .stub = as_here(&c->cold),
    };
}

static void hold_address(Cc *c, Access *m)
{
    m->base_reg = -1;
    if (c->a.fate[m->base] == FOLD) {
        hold(c, m->base, 0);
    } else {
        m->base_reg = alloc_use(&c->a, m->base);
    }
    if (m->index) {
        m->index_reg = alloc_use(&c->a, m->index);
    }
}

void x64_access(Cc *c, u16 v, u32 kind, Access *m)
{
    const Ins *i = ins_of(c, v);
    begin_access(c, v, kind, m);
    m->memop = (u32)i->imm;
    m->bytes = 1u << size_log2(m->memop) << (m->memop & M_PAIR ? 1 : 0);
    m->direct = !(i->imm & M_ATOMIC16);
    if (i->d.id && i->op != IR_casif) {
        m->base = i->a.id;
        m->disp = access_offset(i);
        m->width = m->memop & M_NARROW ? 0 : c->wp;
        m->span_reg = alloc_use(&c->a, i->d.id);
    } else {
        split_address(c, i->a.id, m);
    }
    hold_address(c, m);
}

void x64_access_snapshot(Cc *c, u16 v, Access *m)
{
    m->record = c->side.n;
    snap_encode(c, ins_of(c, v)->at);
}

void x64_address(Cc *c, const Access *m)
{
    unsigned base = m->base_reg < 0 ? RAX : (unsigned)m->base_reg;
    if (m->base_reg < 0) {
        x64_fetch(c, m->base, RAX);
    }
    if (m->index) {
        as_op(c->s, OP_LEA | m->width, RAX,
              sib_opd(base, (unsigned)m->index_reg, m->scale, m->disp));
    } else if (m->disp) {
        as_op(c->s, OP_LEA | m->width, RAX, mem_opd(base, m->disp));
    } else if (base != RAX) {
        as_op(c->s, OP_LD | m->width, RAX, reg_opd(base));
    }
}

/* rax = offset in the page of the entry's tag, compared. */
static void compare_tag(Cc *c, const Access *m, Opd tag)
{
    as_op(c->s, OP_XOR | X_W, RAX, tag);
    as_alu_imm(c->s, X_W, G_CMP, reg_opd(RAX), (i32)(PAGE_SIZE - m->bytes));
}

static Opd host_of(Opd tag)
{
    tag.disp += (i32)offsetof(TlbEntry, host);
    return tag;
}

void x64_tlb_index(Cc *c)
{
    if (c->has.bmi2) {
        as_vex(c->s, OP_RORX, RCX, 0, reg_opd(RAX));
    } else {
        as_op(c->s, OP_LD, RCX, reg_opd(RAX));
        as_op(c->s, OP_SHI, G_SHR, reg_opd(RCX));
    }
    as_8(c->s, PAGE_BITS - 4);
    as_alu_imm(c->s, 0, G_AND, reg_opd(RCX), (TLB_SIZE - 1) << 4);
}

/* The TLB entry for the address in rax, by rcx. */
static Opd look_up(Cc *c, const Access *m, bool write)
{
    i32 table = m->memop & M_USER ? (write ? TLB_USER_WRITE : TLB_USER_READ)
                                  : (write ? TLB_WRITE : TLB_READ);
    x64_tlb_index(c);
    return idx_opd(R15, RCX, table);
}

/* Any entry is right to be kept: it is of some page that may be accessed. */
static void keep_entry(Cc *c, const Access *m, Opd entry)
{
    if (m->kept != NO_PLACE) {
        as_op(c->s, OP_MOVUPS, 0, entry);
        as_op(c->s, OP_MOVUPS_ST, 0, place_opd(m->kept));
    }
}

/* The kept entry first; its cold way out takes and keeps another. */
static void check_kept(Cc *c, Access *m, bool write)
{
    As *s = c->s;
    compare_tag(c, m, place_opd(m->kept));
    as_jcc(s, CC_A, S_COLD, as_here(&c->cold));
    as_op(s, OP_LD | X_W, RCX, host_of(place_opd(m->kept)));
    u32 back = as_here(s);
    c->s = &c->cold;
    x64_address(c, m);
    Opd entry = look_up(c, m, write);
    keep_entry(c, m, entry);
    compare_tag(c, m, entry);
    u32 slow = as_jcc_open(c->s, CC_A);
    as_op(c->s, OP_LD | X_W, RCX, host_of(entry));
    as_jmp(c->s, S_HOT, back);
    as_close(c->s, slow);
    m->stub = as_here(&c->cold);
    c->s = s;
}

void x64_check(Cc *c, Access *m, bool write, bool aligned)
{
    u32 size = 1u << size_log2(m->memop);
    x64_address(c, m);
    if (m->kept != NO_PLACE && !m->first) {
        check_kept(c, m, write);
        return;
    }
    if (aligned && size > 1) {
        as_op(c->s, OP_TESTI8, 0, reg_opd(RAX));
        as_8(c->s, (u8)(size - 1));
        as_jcc(c->s, CC_NE, S_COLD, m->stub);
    }
    Opd entry = look_up(c, m, write);
    keep_entry(c, m, entry);
    compare_tag(c, m, entry);
    as_jcc(c->s, CC_A, S_COLD, m->stub);
    as_op(c->s, OP_LD | X_W, RCX, host_of(entry));
}

void x64_forget_pages(Cc *c)
{
    for (u32 g = 1; g <= c->pages.n; g++) {
        if (c->pages.in_loop[g]) {
            as_op(c->s, OP_STI | X_W, 0, place_opd((int)g - 1));
            as_32(c->s, ~0u);
        }
    }
}

/* In a stub: address and what is wanted to env, and the call. */
static void call_slow(Cc *c, const Access *m, u32 what)
{
    x64_address(c, m);
    as_op(c->s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, mem_addr)));
    as_op(c->s, OP_STI | X_W, 0, env_opd(offsetof(TcgEnv, mem_memop)));
    as_32(c->s, what | m->kind);
    as_call(c->s, S_COLD, c->slow);
}

void x64_slow_call(Cc *c, const Access *m)
{
    call_slow(c, m, (u16)m->memop);
    snap_returns(c, m->record, as_here(c->s));
}

void x64_full_fence(Cc *c)
{
    as_8(c->s, 0xf0);                               /* lock */
    as_alu_imm(c->s, 0, G_OR, mem_opd(RSP, -64), 0);
}

void x64_fence(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    if (ins_of(c, v)->imm & FENCE_SL) {     /* the only one x86 lacks */
        x64_full_fence(c);
    }
}

void x64_nothing(Cc *c, u16 v, const HostOp *row)
{
    (void)c;
    (void)v;
    (void)row;
}

/* ---- moves -------------------------------------------------------------- */

void x64_load_int(Cc *c, Type t, u32 memop, unsigned reg, Opd from)
{
    static const u32 op[2][4] = {
        { OP_MOVZX8, OP_MOVZX16, OP_LD, OP_LD | X_W },
        { OP_MOVSX8, OP_MOVSX16, OP_MOVSXD, OP_LD | X_W },
    };
    bool sign = memop & M_SIGN;
    unsigned size = size_log2(memop);
    u32 w = sign ? wide(t) : 0;
    if (sign && size == M_32 && !w) {
        sign = false;
    }
    as_op(c->s, op[sign][size] | w, reg, from);
}

static void swap_bytes(Cc *c, unsigned size, unsigned reg)
{
    if (size == M_16) {
        as_op(c->s, OP_SHI | X_OS, G_ROL, reg_opd(reg));
        as_8(c->s, 8);
        return;
    }
    if (size == M_64 || reg >= 8) {
        as_8(c->s, (u8)(0x40 | (size == M_64 ? 8 : 0) | reg >> 3));
    }
    as_8(c->s, 0x0f);
    as_8(c->s, (u8)(0xc8 | (reg & 7)));
}

static u32 size_w(unsigned size)
{
    return size == M_64 ? X_W : 0;
}

/* An integer, most significant byte first. */
static void load_int_be(Cc *c, Type t, u32 memop, unsigned reg, Opd from)
{
    unsigned size = size_log2(memop);
    if (size == M_8) {
        x64_load_int(c, t, memop, reg, from);
        return;
    }
    if (c->has.movbe && size >= M_32) {
        as_op(c->s, OP_MOVBE_LD | size_w(size), reg, from);
    } else {
        x64_load_int(c, t, size, reg, from);
        swap_bytes(c, size, reg);
    }
    if (memop & M_SIGN && (size == M_16 || (size == M_32 && t == I64))) {
        u32 op = size == M_16 ? OP_MOVSX16 : OP_MOVSXD;
        as_op(c->s, op | wide(t), reg, reg_opd(reg));
    }
}

static void load(Cc *c, Type t, u32 memop, unsigned reg, Opd from)
{
    if (class_of(t) == CLASS_INT) {
        if (memop & M_BE) {
            load_int_be(c, t, memop, reg, from);
        } else {
            x64_load_int(c, t, memop, reg, from);
        }
    } else if (t == V128T || !(memop & M_BE)) {
        x64_load(c, t, reg, from);
        if (memop & M_BE) {
            x64_v3(c, OP_PSHUFB, reg, reg, konst(K_REVERSE));
        }
    } else {
        load_int_be(c, I64, size_log2(memop), RAX, from);
        x64_v2(c, OP_MOVD | size_w(size_log2(memop)), reg, reg_opd(RAX));
    }
}

static void store_imm(Cc *c, unsigned size, i32 imm, Opd to)
{
    static const u32 op[] = { OP_STI8, OP_STI16, OP_STI, OP_STI | X_W };
    as_op(c->s, op[size], 0, to);
    for (unsigned n = 0; n < MIN(1u << size, 4u); n++) {
        as_8(c->s, (u8)(imm >> (8 * n)));
    }
}

static void store_int(Cc *c, unsigned size, unsigned reg, Opd to)
{
    static const u32 op[] = { OP_ST8, OP_ST | X_OS, OP_ST, OP_ST | X_W };
    as_op(c->s, op[size], reg, to);
}

/* May use rax, so `to` does not. */
static void store_swapped(Cc *c, Type t, unsigned size, unsigned reg, Opd to)
{
    if (t == V128T) {
        x64_move(c, t, 0, reg);
        x64_v3(c, OP_PSHUFB, 0, 0, konst(K_REVERSE));
        x64_store(c, t, 0, to);
        return;
    }
    if (class_of(t) == CLASS_VEC) {
        x64_v2(c, OP_MOVD_ST | size_w(size), reg, reg_opd(RAX));
    } else {
        as_op(c->s, OP_LD | X_W, RAX, reg_opd(reg));
    }
    if (size != M_8) {
        swap_bytes(c, size, RAX);
    }
    store_int(c, size, RAX, to);
}

static void store(Cc *c, u16 v, int reg, u32 memop, Opd to)
{
    Type t = ins_of(c, v)->type;
    unsigned size = size_log2(memop);
    i32 imm;
    if (reg < 0) {
        x64_imm(c, v, &imm);
        store_imm(c, size, imm, to);
    } else if (memop & M_BE) {
        store_swapped(c, t, size, (unsigned)reg, to);
    } else if (class_of(t) == CLASS_INT) {
        store_int(c, size, (unsigned)reg, to);
    } else {
        x64_store(c, t, (unsigned)reg, to);
    }
}

/* rcx + rax as an operand; as rcx alone where rax is wanted for bytes. */
static Opd host_address(Cc *c, u32 memop)
{
    if (!(memop & M_BE)) {
        return idx_opd(RCX, RAX, 0);
    }
    as_op(c->s, OP_ADD | X_W, RCX, reg_opd(RAX));
    return mem_opd(RCX, 0);
}

static Opd next_to(Opd m, u32 memop)
{
    m.disp += 1 << size_log2(memop);
    return m;
}

/* ---- load and store ----------------------------------------------------- */

static bool is_needed(const Cc *c, u16 v)
{
    return c->a.end[v] > v;
}

/* What an access with a span does; elsewhere the stub looks. */
static Opd use_span(Cc *c, const Access *m)
{
    as_op(c->s, OP_TEST | X_W, (unsigned)m->span_reg,
          reg_opd((unsigned)m->span_reg));
    as_jcc(c->s, CC_E, S_COLD, m->stub);
    return mem_opd((unsigned)m->span_reg, m->disp);
}

/* In its stub: host_address() is right if the TLB has it; else to the end. */
static u32 look_alone(Cc *c, const Access *m, bool write)
{
    x64_address(c, m);
    Opd entry = look_up(c, m, write);
    compare_tag(c, m, entry);
    u32 slow = as_jcc_open(c->s, CC_A);
    as_op(c->s, OP_LD | X_W, RCX, host_of(entry));
    return slow;
}

static Opd host_opd(Cc *c, Access *m, bool write)
{
    if (m->span_reg >= 0) {
        return use_span(c, m);
    }
    x64_check(c, m, write, m->memop & M_ALIGN);
    return host_address(c, m->memop);
}

static void load_both(Cc *c, Type t, const Access *m, const int *reg, Opd from)
{
    if (reg[1] >= 0) {
        load(c, t, m->memop, (unsigned)reg[1], next_to(from, m->memop));
    }
    if (reg[0] >= 0) {
        load(c, t, m->memop, (unsigned)reg[0], from);
    }
}

static void load_stub(Cc *c, Type t, const Access *m, const int *reg)
{
    u32 back = as_here(&c->hot), memop = m->memop & ~(u32)M_BE;
    c->s = &c->cold;
    if (m->span_reg >= 0) {
        u32 slow = look_alone(c, m, false);
        load_both(c, t, m, reg, host_address(c, m->memop));
        as_jmp(c->s, S_HOT, back);
        as_close(c->s, slow);
    }
    x64_slow_call(c, m);
    for (unsigned n = 0; n < 2; n++) {
        if (reg[n] < 0) {
            continue;
        }
        Opd from = mem_val(t == V128T ? 2 * n : n);
        load(c, t, memop, (unsigned)reg[n], from);
    }
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

void x64_loads(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    Type t = i->type;
    int reg[2] = { -1, -1 };
    Access m;
    (void)row;
    x64_access(c, v, MEM_LOAD << MEM_KIND_SHIFT, &m);
    x64_access_snapshot(c, v, &m);
    if (i->op == IR_load2 && c->a.fate[v + 1] != DEAD) {
        reg[1] = alloc_def_new(&c->a, v + 1);
    }
    if (is_needed(c, v)) {
        reg[0] = alloc_def(&c->a, v);
    }
    if (m.direct) {
        load_both(c, t, &m, reg, host_opd(c, &m, false));
    } else {
        as_jmp(c->s, S_COLD, m.stub);
    }
    load_stub(c, t, &m, reg);
}

static void store_both(Cc *c, const Ins *i, const Access *m, const int *reg,
                       Opd to)
{
    store(c, i->b.id, reg[0], m->memop, to);
    if (i->c.id) {
        store(c, i->c.id, reg[1], m->memop, next_to(to, m->memop));
    }
}

static void store_stub(Cc *c, const Ins *i, const Access *m, const int *reg)
{
    u32 back = as_here(&c->hot);
    const u16 value[2] = { i->b.id, i->c.id };
    c->s = &c->cold;
    if (m->span_reg >= 0) {
        u32 slow = look_alone(c, m, true);
        store_both(c, i, m, reg, host_address(c, m->memop));
        as_jmp(c->s, S_HOT, back);
        as_close(c->s, slow);
    }
    for (unsigned n = 0; n < 2 && value[n]; n++) {
        Type t = ins_of(c, value[n])->type;
        unsigned at = t == V128T ? 2 * n : n;
        i32 imm;
        if (reg[n] >= 0) {
            x64_store(c, t, (unsigned)reg[n], mem_val(at));
        } else {
            x64_imm(c, value[n], &imm);
            store_imm(c, M_64, imm, mem_val(at));
        }
    }
    x64_slow_call(c, m);
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

void x64_stores(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    const u16 value[2] = { i->b.id, i->c.id };
    int reg[2] = { -1, -1 };
    Access m;
    i32 imm;
    (void)row;
    for (unsigned n = 0; n < 2 && value[n]; n++) {
        if (i->imm & M_BE || !x64_imm(c, value[n], &imm)) {
            reg[n] = alloc_use(&c->a, value[n]);
        }
    }
    x64_access(c, v, MEM_STORE << MEM_KIND_SHIFT, &m);
    x64_access_snapshot(c, v, &m);
    if (m.direct) {
        store_both(c, i, &m, reg, host_opd(c, &m, true));
    } else {
        as_jmp(c->s, S_COLD, m.stub);
    }
    store_stub(c, i, &m, reg);
    if (m.memop & M_REL) {
        x64_full_fence(c);
    }
}

/* ---- spans -------------------------------------------------------------- */

/* Not found in the TLB: C may know, or not; then accesses look alone. */
static void span_stub(Cc *c, const Access *m, unsigned reg, i32 low)
{
    u32 back = as_here(&c->hot);
    c->s = &c->cold;
    as_op(c->s, OP_STI | X_W, 0, mem_val(0));
    as_32(c->s, (u32)low);
    call_slow(c, m, m->bytes);
    as_op(c->s, OP_LD | X_W, reg, mem_val(0));
    as_jmp(c->s, S_HOT, back);
    c->s = &c->hot;
}

void x64_span(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    i32 low = (i32)i->imm;
    Access m;
    (void)row;
    begin_access(c, v, MEM_SPAN << MEM_KIND_SHIFT
                       | (u32)i->sub << MEM_RMW_SHIFT, &m);
    m.bytes = (u32)(i->imm >> 32);
    m.base = i->a.id;
    m.disp = low;
    m.width = i->sub & SPAN_NARROW ? 0 : c->wp;
    hold_address(c, &m);
    unsigned reg = (unsigned)alloc_def_new(&c->a, v);
    x64_check(c, &m, i->sub & SPAN_WRITE, false);
    as_op(c->s, OP_LEA | X_W, reg, idx_opd(RCX, RAX, -low));
    span_stub(c, &m, reg, low);
    c->out->keeps_pages = true;
}
