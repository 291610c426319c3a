/* SPDX-License-Identifier: MIT */
/*
 * x86-64: leaving a block: snapshots to env, direct and indirect exits.
 *
 * A direct exit is a jump whose displacement tcg_link() writes; it first goes
 * to its stub.  One that leaves the page compares the target's exec entry in
 * the TLB with a guard, which no entry matches until the exit is linked.
 */
#include "tcg/x86_64.h"

/* ---- snapshots to env --------------------------------------------------- */

/* Values that got a place only while a snapshot is written. */
typedef struct Parked {
    Cc  *c;
    u32  n;
    u16  v[IR_SLOTS];
} Parked;

static bool is_touched(const Cc *c, unsigned slot)
{
    return c->a.touched[slot / 64] >> (slot % 64) & 1;
}

/* A value that env alone has, in a slot about to be written, moves away. */
static void park(void *ctx, u16 v, unsigned use)
{
    Parked *p = ctx;
    Cc *c = p->c;
    const Ins *i = ins_of(c, v);
    (void)use;
    if (c->a.reg[v] >= 0 || c->a.place[v] >= 0) {
        return;
    }
    if (c->a.fate[v] == SUNK || c->a.fate[v] == FOLD) {
        ir_operands(c->b, i, park, p);
        return;
    }
    if (c->a.fate[v] != HOME || !is_touched(c, (unsigned)i->imm) ||
        c->a.cur[i->imm] == v) {
        return;
    }
    unsigned scratch = class_of(i->type) == CLASS_VEC ? 0 : RAX;
    x64_fetch(c, v, scratch);
    c->a.place[v] = (i16)alloc_place(&c->a);
    x64_store(c, i->type, scratch, place_opd(c->a.place[v]));
    p->v[p->n++] = v;
}

void x64_store_slot(Cc *c, unsigned slot, u16 v)
{
    Type t = ins_of(c, v)->type;
    Opd to = env_opd(c->b->slots[slot].offset);
    i32 imm;
    if (c->a.reg[v] >= 0) {
        x64_store(c, t, (unsigned)c->a.reg[v], to);
    } else if (x64_imm(c, v, &imm)) {
        as_op(c->s, OP_STI | wide(t), 0, to);
        as_32(c->s, (u32)imm);
    } else {
        unsigned scratch = class_of(t) == CLASS_VEC ? 0 : RAX;
        x64_fetch(c, v, scratch);
        x64_store(c, t, scratch, to);
    }
}

/* Calls f for each slot of the snapshot that env does not hold. */
static void each_slot(Cc *c, void (*f)(Cc *, Parked *, unsigned, u16),
                      Parked *p)
{
    for (unsigned n = 0; n < countof(c->a.touched); n++) {
        for (u64 left = c->a.touched[n]; left; left &= left - 1) {
            unsigned slot = n * 64 + (unsigned)__builtin_ctzll(left);
            u16 v = c->a.cur[slot];
            if (!x64_unchanged(c, slot, v)) {
                f(c, p, slot, v);
            }
        }
    }
}

static void park_slot(Cc *c, Parked *p, unsigned slot, u16 v)
{
    (void)c;
    (void)slot;
    park(p, v, 0);
}

static void write_slot(Cc *c, Parked *p, unsigned slot, u16 v)
{
    (void)p;
    x64_store_slot(c, slot, v);
}

/* Writes the current snapshot to env; uses scratch registers only. */
static void store_slots(Cc *c)
{
    Parked p = { .c = c };
    each_slot(c, park_slot, &p);
    each_slot(c, write_slot, &p);
    while (p.n--) {
        u16 v = p.v[p.n];
        alloc_free_place(&c->a, c->a.place[v]);
        c->a.place[v] = NO_PLACE;
    }
}

/* ---- to other code ------------------------------------------------------ */

static void store_pc(As *s, unsigned reg)
{
    as_op(s, OP_ST | X_W, reg, env_opd(offsetof(TcgEnv, pc)));
}

static void test_poll(As *s)
{
    as_alu_imm(s, 0, G_CMP, env_opd(offsetof(TcgEnv, poll)), 0);
}

/* Values are in env: all registers are free. */
void x64_go(As *s, const u32 *thunk)
{
    as_mov(s, X_W, RCX, RAX);
    as_alu_imm(s, X_W, G_AND, reg_opd(RCX), -PAGE_SIZE);
    as_op(s, OP_ST | X_W, RCX, env_opd(offsetof(TcgEnv, pc_page)));
    test_poll(s);
    as_jcc(s, CC_NE, S_COMMON, thunk[T_POLL]);
    as_mov(s, 0, RCX, RAX);
    as_alu_imm(s, 0, G_AND, reg_opd(RCX), ((1 << JCACHE_BITS) - 1) << 2);
    as_op(s, OP_LD | X_W, RDX, env_opd(offsetof(TcgEnv, jcache)));
    as_op(s, OP_CMP | X_W, RAX,
          sib_opd(RDX, RCX, 2, offsetof(JumpEntry, key)));
    as_jcc(s, CC_NE, S_COMMON, thunk[T_LOOKUP]);
    as_op(s, OP_GRP5, 4, sib_opd(RDX, RCX, 2, offsetof(JumpEntry, host)));
}

static void go_indirect(Cc *c, u16 target)
{
    x64_fetch(c, target, RAX);
    if (!c->wp) {
        as_op(c->s, OP_LD, RAX, reg_opd(RAX));
    }
    x64_go(c->s, c->thunk);
    x64_counted(c);
}

/* Stops at pc_page + offset if C wants something. */
static void poll_direct(Cc *c, i64 offset)
{
    As *s = c->s;
    bool hot = s == &c->hot;
    u32 skip = 0;
    test_poll(s);
    if (hot) {
        as_jcc(s, CC_NE, S_COLD, as_here(&c->cold));
        c->s = &c->cold;
    } else {
        skip = as_jcc_open(s, CC_E);
    }
    x64_load_pc(c, RAX, offset);
    as_jmp(c->s, S_COMMON, c->thunk[T_POLL]);
    c->s = s;
    if (!hot) {
        as_close(s, skip);
    }
}

/* ---- links -------------------------------------------------------------- */

/* Unlinked: tells C which exit it was; the pc is in rax. */
static void link_stub(Cc *c, const TcgJump *j)
{
    store_pc(&c->cold, RAX);
    as_mov_imm(&c->cold, RAX, (u64)(uintptr_t)j, true);
    as_op(&c->cold, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, exit)));
    as_jmp(&c->cold, S_COMMON, c->thunk[T_LINK]);
}

/* The jump that tcg_link() patches, to the stub at cold offset `stub`. */
static void link_site(Cc *c, Link *l, int cc, u32 stub)
{
    as_align_disp(c->s, cc < 0 ? 1 : 2);
    l->section = c->s->section;
    l->site = as_here(c->s) + (cc < 0 ? 1 : 2);
    l->stub = stub;
    if (cc < 0) {
        as_jmp(c->s, S_COLD, stub);
    } else {
        as_jcc(c->s, (unsigned)cc, S_COLD, stub);
    }
    x64_counted(c);
}

/* Cold code for a hot site, or code that follows a cold one. */
static u32 next_stub(const Cc *c, unsigned padding)
{
    return as_here(&c->cold) + (c->s == &c->cold ? padding + 5 : 0);
}

static unsigned disp_padding(const As *s)
{
    return -(as_here(s) + 1) & 3;
}

static void go_same_page(Cc *c, Link *l, const TcgJump *j, int cc)
{
    As *s = c->s;
    link_site(c, l, cc, next_stub(c, disp_padding(s)));
    c->s = &c->cold;
    x64_load_pc(c, RAX, j->target);
    link_stub(c, j);
    c->s = s;
}

/* rax = the page; on to it if the guard allows, else to cold `stub`. */
static void check_guard(Cc *c, const TcgJump *j, u32 stub)
{
    As *s = c->s;
    x64_tlb_index(c);
    as_op(s, OP_CMP | X_W, RAX, idx_opd(R15, RCX, TLB_EXEC));
    as_jcc(s, CC_NE, S_COLD, stub);
    as_op(s, OP_LD | X_W, RCX,
          idx_opd(R15, RCX, TLB_EXEC + (i32)offsetof(TlbEntry, host)));
    as_op(s, OP_CMP | X_W, RCX,
          rip_opd(S_DATA, (u32)(j - c->out->jump) * 8));
    as_jcc(s, CC_NE, S_COLD, stub);
    as_op(s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, pc_page)));
}

/*
 * Both ways to the stub have the new page in rax: a guard that fails, and the
 * jump while (or again) unlinked.  In hot code the stub is at the start of
 * the cold piece; in cold code the jumps to it are forward, so it goes first.
 */
static void go_cross_page(Cc *c, Link *l, const TcgJump *j)
{
    As *s = c->s;
    u32 over = 0;
    if (s == &c->cold) {
        over = as_jmp_open(s);
    }
    u32 stub = as_here(&c->cold);
    if (j->target & (PAGE_SIZE - 1)) {
        as_alu_imm(&c->cold, c->wp, G_ADD, reg_opd(RAX),
                   (i32)(j->target & (PAGE_SIZE - 1)));
    }
    link_stub(c, j);
    if (over) {
        as_close(s, over);
    }
    x64_load_pc(c, RAX, j->target & -(i64)PAGE_SIZE);
    check_guard(c, j, stub);
    l->guarded = true;
    link_site(c, l, -1, stub);
}

static bool is_direct(const Cc *c, u16 target, i64 *offset)
{
    const Ins *i = ins_of(c, target);
    *offset = (i64)i->imm;
    return i->op == IR_pc;
}

static bool same_page(i64 offset)
{
    return offset >= 0 && offset < PAGE_SIZE;
}

static TcgJump *new_jump(Cc *c, i64 offset)
{
    TcgJump *j = &c->out->jump[c->out->njumps++];
    *j = (TcgJump) { .code = c->out, .target = offset };
    return j;
}

static bool may_link(const Cc *c, i64 offset)
{
    return c->out->njumps < c->max_jumps && fits32(offset);
}

/* Goes on as v says at value `target`, which is a pc or in a register. */
static void go(Cc *c, u16 v)
{
    const Ins *i = ins_of(c, v);
    u16 target = i->a.id;
    bool poll = i->sub & EXIT_POLL;
    i64 offset;
    x64_count_exit(c, v);
    if (!is_direct(c, target, &offset)) {
        go_indirect(c, target);
        return;
    }
    if (poll) {
        poll_direct(c, offset);
    }
    if (!may_link(c, offset)) {
        x64_load_pc(c, RAX, offset);
        store_pc(c->s, RAX);
        as_jmp(c->s, S_COMMON, c->thunk[T_LEAVE]);
        x64_counted(c);
        return;
    }
    Link *l = &c->link[c->out->njumps];
    TcgJump *j = new_jump(c, offset);
    if (same_page(offset)) {
        go_same_page(c, l, j, -1);
    } else {
        go_cross_page(c, l, j);
    }
}

/* ---- exits -------------------------------------------------------------- */

/* A computed address must be out of env before env is written. */
static void hold_target(Cc *c, u16 target)
{
    if (ins_of(c, target)->op != IR_pc) {
        alloc_use(&c->a, target);
    }
}

/* The final exit if it follows exit_if v and needs the same snapshot. */
static u16 final_exit(const Cc *c, u16 v)
{
    u16 n = v + 1;
    while (n < c->b->n && (c->a.fate[n] != EMIT ||
                           ins_of(c, n)->op == IR_none)) {
        n++;
    }
    if (n >= c->b->n || ins_of(c, n)->op != IR_exit ||
        ins_of(c, n)->snap != ins_of(c, v)->snap) {
        return 0;
    }
    return n;
}

/* Both ways out of the block: state first, then compare and branch. */
static void exit_pair(Cc *c, u16 v, u16 last)
{
    const Ins *i = ins_of(c, v);
    i64 offset;
    hold_target(c, i->a.id);
    hold_target(c, ins_of(c, last)->a.id);
    x64_cond_operands(c, i->b.id);
    store_slots(c);
    unsigned cc = x64_cond(c, i->b.id);
    if (is_direct(c, i->a.id, &offset) && same_page(offset) &&
        !(i->sub & EXIT_POLL) && may_link(c, offset) && !c->t->counts) {
        Link *l = &c->link[c->out->njumps];
        go_same_page(c, l, new_jump(c, offset), (int)cc);
    } else {
        u32 skip = as_jcc_open(c->s, cc ^ 1);
        x64_split(c);
        go(c, v);
        as_close(c->s, skip);
        c->from = as_here(c->s);
    }
    go(c, last);
}

void x64_exit_if(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    u16 last = final_exit(c, v);
    (void)row;
    if (last) {
        exit_pair(c, v, last);
        c->written = last;
        return;
    }
    hold_target(c, i->a.id);
    unsigned cc = x64_cond(c, i->b.id);
    as_jcc(c->s, cc, S_COLD, as_here(&c->cold));
    c->s = &c->cold;
    x64_split(c);
    store_slots(c);
    go(c, v);
    c->s = &c->hot;
}

void x64_trap_if(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    unsigned cc = x64_cond(c, i->a.id);
    as_jcc(c->s, cc, S_COLD, as_here(&c->cold));
    c->s = &c->cold;
    store_slots(c);
    x64_load_pc(c, RAX, i->at);
    store_pc(c->s, RAX);
    as_mov_imm(c->s, RAX, i->imm, true);
    as_op(c->s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, trap)));
    as_jmp(c->s, S_COMMON, c->thunk[T_TRAP]);
    c->s = &c->hot;
}

void x64_exit(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    if (c->written == v) {
        return;
    }
    hold_target(c, i->a.id);
    store_slots(c);
    x64_split(c);
    go(c, v);
}

void x64_leave(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    store_slots(c);
    x64_split(c);
    x64_count_exit(c, v);
    as_jmp(c->s, S_COMMON, c->thunk[T_LEAVE]);
    x64_counted(c);
}

void x64_poll(Cc *c, u16 v, const HostOp *row)
{
    const Ins *i = ins_of(c, v);
    (void)row;
    hold_target(c, i->a.id);
    test_poll(c->s);
    as_jcc(c->s, CC_NE, S_COLD, as_here(&c->cold));
    c->s = &c->cold;
    store_slots(c);
    x64_fetch(c, i->a.id, RAX);
    if (!c->wp) {
        as_op(c->s, OP_LD, RAX, reg_opd(RAX));
    }
    as_jmp(c->s, S_COMMON, c->thunk[T_POLL]);
    c->s = &c->hot;
}

void x64_sync(Cc *c, u16 v, const HostOp *row)
{
    (void)row;
    store_slots(c);
    x64_load_pc(c, RAX, ins_of(c, v)->at);
    store_pc(c->s, RAX);
    alloc_synced(&c->a);
}

void x64_count_entry(Cc *c)
{
    as_alu_imm(c->s, 0, G_SUB, rip_opd(S_HEAT, 0), 1);
    as_jcc(c->s, CC_S, S_COLD, as_here(&c->cold));
    c->s = &c->cold;
    x64_load_pc(c, RAX, c->b->start);
    store_pc(c->s, RAX);
    as_mov_imm(c->s, RAX, (u64)(uintptr_t)c->out, true);
    as_op(c->s, OP_ST | X_W, RAX, env_opd(offsetof(TcgEnv, exit)));
    as_jmp(c->s, S_COMMON, c->thunk[T_HOT]);
    c->s = &c->hot;
}

/* ---- patching ----------------------------------------------------------- */

void tcg_link(TcgBuffer *t, TcgJump *j, const TcgCode *to, u64 guard_phys)
{
    const u8 *site = j->code->exec + j->site;
    const u8 *target = to ? to->exec : j->code->exec + j->stub;
    ptrdiff_t writable = t->rw - t->rx;
    u32 *disp = (u32 *)(site + writable);
    if (j->guard) {
        u64 *guard = (u64 *)(j->code->exec + j->guard + writable);
        __atomic_store_n(guard, to ? guard_phys : ~0ull, __ATOMIC_RELEASE);
    }
    __atomic_store_n(disp, (u32)(target - site - 4), __ATOMIC_RELEASE);
}
