/* SPDX-License-Identifier: MIT */
/* Register allocation; see alloc.h. */
#include "tcg/alloc.h"
#include <assert.h>

/* A sunk value may hang below this many others. */
enum { SINK_DEPTH = 4 };

/* ---- operands ----------------------------------------------------------- */

static bool is_const(const Ir *b, u16 v)
{
    return b->ins[v].op == IR_const;
}

bool ir_const_of(const Ir *b, u16 v, u64 w[2])
{
    const Ins *i = &b->ins[v];
    w[0] = w[1] = 0;
    if (i->op == IR_const) {
        w[0] = i->imm;
        return true;
    }
    if (i->op != IR_vpair || !is_const(b, i->a.id) || !is_const(b, i->b.id)) {
        return false;
    }
    w[0] = b->ins[i->a.id].imm;
    w[1] = b->ins[i->b.id].imm;
    return true;
}

static unsigned use_of_a(const Ir *b, const Ins *i)
{
    switch (i->op) {
    case IR_load: case IR_load2: case IR_store: case IR_store2:
        return i->d.id ? USE_PLAIN : USE_ADDR;
    case IR_cas: case IR_casif: case IR_rmw:
        return USE_ADDR;
    case IR_fcond:
        return USE_FLAGS;
    case IR_notc:
        return USE_FLAGS | USE_PLAIN;
    case IR_select:
        return i->sub <= NE && is_const(b, i->b.id) &&
               !b->ins[i->b.id].imm ? USE_BRANCH : USE_PLAIN;
    default:
        return USE_PLAIN;
    }
}

void ir_operands(const Ir *b, const Ins *i, OperandVisit *f, void *ctx)
{
    switch (ir_ops[i->op].shape[0]) {
    case 'N': case 'K': case 'G':
        return;
    case 'H':
        for (unsigned n = 0; n < i->b.id; n++) {
            f(ctx, b->args[i->a.id + n].id, USE_PLAIN);
        }
        return;
    case 'E':
        f(ctx, i->a.id, i->op == IR_trap_if ? USE_BRANCH : USE_PLAIN);
        if (i->op == IR_exit_if) {
            f(ctx, i->b.id, USE_BRANCH);
        }
        return;
    default:
        break;
    }
    const u16 v[4] = { i->a.id, i->op == IR_phi ? 0 : i->b.id, i->c.id,
                       i->d.id };
    for (unsigned n = 0; n < 4; n++) {
        if (v[n]) {
            f(ctx, v[n], n ? USE_PLAIN : use_of_a(b, i));
        }
    }
}

/* ---- analysis ----------------------------------------------------------- */

/* FPOPs raise flags. */
static bool must_stay(const Ins *i)
{
    if (i->op == IR_call) {
        return !(((const Helper *)(uintptr_t)i->imm)->flags & H_PURE);
    }
    return ir_ops[i->op].flags & (KEEP | FPOP);
}

static bool writes_env(const Ins *i)
{
    return i->op == IR_sync ||
           (i->op == IR_call &&
            ((const Helper *)(uintptr_t)i->imm)->flags & H_WRITE);
}

static void end_at(Alloc *a, u16 v, u16 pos)
{
    if (a->end[v] < pos) {
        a->end[v] = pos;
    }
}

/*
 * Finds up to where snapshots need each value: forward, since a put ends the
 * reign of the one before it.
 */
static void snapshot_ends(Alloc *a)
{
    const Ir *b = a->b;
    u16 cur[IR_SLOTS] = { 0 };
    u16 last = 0;
    u32 put = 0;
    for (u16 n = 1; n < b->n; n++) {
        const Ins *i = &b->ins[n];
        if (!(ir_ops[i->op].flags & SNAP)) {
            continue;
        }
        for (; put < i->snap; put++) {
            const Put *p = &b->puts[put];
            u16 old = cur[p->slot];
            if (old && old < last) {
                end_at(a, old, last);
            }
            cur[p->slot] = p->v.id;
            a->snapped[p->v.id] = true;
        }
        last = n;
        if (i->op != IR_sync && !(ir_ops[i->op].flags & ENDS)) {
            continue;
        }
        for (unsigned s = 0; s < b->nslots; s++) {
            if (cur[s]) {
                end_at(a, cur[s], n);
                cur[s] = 0;
            }
        }
    }
}

static void add_use(Alloc *a, u16 v, u16 pos)
{
    u16 *at = &a->use[v];
    while (*at && a->pool[*at].pos < pos) {
        at = &a->pool[*at].next;
    }
    assert(a->nuses < countof(a->pool));
    a->pool[a->nuses] = (Use) { pos, *at };
    *at = (u16)a->nuses++;
    end_at(a, v, pos);
}

/* Passes what is known of instruction n on to its operands. */
typedef struct Spread {
    Alloc *a;
    u16    n;
} Spread;

static void use_here(void *ctx, u16 v, unsigned use)
{
    Spread *s = ctx;
    if (use == (USE_FLAGS | USE_PLAIN)) {       /* notc, emitted */
        use = USE_PLAIN;
    }
    s->a->used[v] |= (u8)use;
    add_use(s->a, v, s->n);
}

static void use_at_users(void *ctx, u16 v, unsigned use)
{
    Spread *s = ctx;
    Alloc *a = s->a;
    if (use == (USE_FLAGS | USE_PLAIN)) {
        use = USE_FLAGS;
    } else if (a->b->ins[s->n].op == IR_add) {
        use = USE_INDEX;
    }
    a->used[v] |= (u8)use;
    for (u16 u = a->use[s->n]; u; u = a->pool[u].next) {
        add_use(a, v, a->pool[u].pos);
    }
    end_at(a, v, a->end[s->n]);
}

static void keep_for_sunk(void *ctx, u16 v, unsigned use)
{
    Spread *s = ctx;
    (void)use;
    end_at(s->a, v, s->a->end[s->n]);
    s->a->depth[v] = MAX(s->a->depth[v], (u8)(s->a->depth[s->n] + 1));
}

static bool sinkable(const Ir *b, const Ins *i)
{
    switch (i->op) {
    case IR_addf: case IR_subf: case IR_adcf: case IR_sbcf:
    case IR_logicf: case IR_notc:
    case IR_trunc: case IR_zext: case IR_sext: case IR_set:
    case IR_add: case IR_sub: case IR_and: case IR_or: case IR_xor:
    case IR_extract: case IR_sextract:
        return true;
    case IR_shl: case IR_shr: case IR_sar:
        return is_const(b, i->b.id);
    case IR_deposit:
        return i->type == I32 || !(i->imm & 255) || (i->imm >> 8) < 32;
    default:
        return false;
    }
}

static unsigned count_uses(const Alloc *a, u16 v)
{
    unsigned n = 0;
    for (u16 u = a->use[v]; u; u = a->pool[u].next) {
        n++;
    }
    return n;
}

/* Until when env has what slot `slot` held at the entry of the block. */
static bool is_home(const Alloc *a, u16 n, u16 clobber)
{
    u16 phi = a->home_phi[a->b->ins[n].imm];
    return a->end[n] <= clobber && (!phi || a->end[n] <= phi);
}

/* A loop has no syncs. */
static Fate fate_of_phi(Alloc *a, u16 n)
{
    if (a->use[n]) {
        return EMIT;
    }
    a->home_phi[a->b->ins[n].imm] = n;
    return HOME;
}

/*
 * Will v be written to env when the block ends as it most likely does?  Then
 * it is computed once, where it stands, and not by each exit.  Not flags, nor
 * what takes no instruction more there.
 */
static bool is_written(const Alloc *a, u16 v)
{
    const Ir *b = a->b;
    switch (b->ins[v].op) {
    case IR_add: case IR_sub: case IR_xor: case IR_or: case IR_shl:
    case IR_shr: case IR_sar: case IR_extract: case IR_sextract:
    case IR_deposit:
        return !a->loop && a->end[v] == b->n - 1;
    default:
        return false;
    }
}

static Fate fate_of(Alloc *a, u16 n, u16 clobber)
{
    const Ins *i = &a->b->ins[n];
    u32 flags = ir_ops[i->op].flags;
    if (!a->end[n] && !must_stay(i)) {
        return DEAD;
    }
    u64 w[2];
    if (ir_const_of(a->b, n, w) || i->op == IR_pc) {
        return REMAT;
    }
    if (i->op == IR_get) {
        return is_home(a, n, clobber) ? HOME : EMIT;
    }
    if (i->op == IR_phi) {
        return fate_of_phi(a, n);
    }
    if (!(flags & PURE)) {
        return EMIT;
    }
    if (!a->use[n]) {
        return sinkable(a->b, i) && a->depth[n] < SINK_DEPTH
               && !is_written(a, n) ? SUNK : EMIT;
    }
    unsigned uses = count_uses(a, n);
    bool snapped = a->snapped[n] || a->depth[n];
    bool fold = (!snapped || (sinkable(a->b, i) && !is_written(a, n))) &&
                a->depth[n] < SINK_DEPTH &&
                a->host->fold(a->b, i, a->used[n], uses);
    return fold ? FOLD : EMIT;
}

/* ---- loops: analysis ---------------------------------------------------- */

static void mark_used(void *ctx, u16 v, unsigned use)
{
    Alloc *a = ctx;
    (void)use;
    a->used[v] = 1;
}

static u16 first_phi(const Ir *b)
{
    u16 k = b->label;
    while (b->ins[k - 1].op == IR_phi) {
        k--;
    }
    return k;
}

/* IR_loop uses what those phis hold next that anything in the loop needs. */
static void use_next(Alloc *a)
{
    const Ir *b = a->b;
    bool wanted[IR_SLOTS];
    u16 first = first_phi(b);
    Spread s = { a, a->loop };
    for (u16 n = b->label; n < b->n; n++) {
        ir_operands(b, &b->ins[n], mark_used, a);
    }
    for (u16 n = first; n < b->label; n++) {
        mark_used(a, b->ins[n].b.id, 0);
    }
    for (u16 n = first; n < b->label; n++) {
        wanted[n - first] = a->used[n] || a->end[n];
    }
    memset(a->used, 0, b->n);
    for (u16 n = first; n < b->label; n++) {
        if (wanted[n - first]) {
            use_here(&s, b->ins[n].b.id, USE_PLAIN);
        }
    }
}

static u16 last_use(const Alloc *a, u16 v)
{
    u16 pos = 0;
    for (u16 u = a->use[v]; u; u = a->pool[u].next) {
        pos = a->pool[u].pos;
    }
    return pos;
}

/* A value from before the label that the loop needs is needed again. */
static void keep_in_loop(Alloc *a, u16 n)
{
    u16 label = a->b->label;
    if (n >= label || a->end[n] <= label || a->b->ins[n].op == IR_phi) {
        return;
    }
    u16 last = last_use(a, n);
    if (last > label && last < a->loop) {
        add_use(a, n, a->loop);
    }
    end_at(a, n, a->loop);
}

static void analyse(Alloc *a)
{
    u16 clobber = UINT16_MAX;
    for (u16 n = (u16)(a->b->n - 1); n; n--) {
        const Ins *i = &a->b->ins[n];
        Spread s = { a, n };
        keep_in_loop(a, n);
        a->fate[n] = (u8)fate_of(a, n, clobber);
        switch (a->fate[n]) {
        case EMIT:
            ir_operands(a->b, i, use_here, &s);
            end_at(a, n, n);
            break;
        case FOLD:
            ir_operands(a->b, i, use_at_users, &s);
            break;
        case SUNK:
            ir_operands(a->b, i, keep_for_sunk, &s);
            break;
        default:
            if (i->op == IR_phi && a->fate[n] == HOME) {
                use_here(&s, i->a.id, USE_PLAIN);
            }
            break;
        }
        if (writes_env(i)) {
            clobber = n;
        }
        u16 end = a->end[n];
        a->next_dead[n] = a->dies[end];
        a->dies[end] = n;
    }
}

void alloc_start(Alloc *a, const Ir *b, const AllocHost *host, void *ctx)
{
    u32 n = b->n;
    a->b = b;
    a->host = host;
    a->ctx = ctx;
    memset(a->used, 0, n);
    memset(a->depth, 0, n);
    memset(a->snapped, 0, n);
    memset(a->end, 0, n * sizeof(a->end[0]));
    memset(a->use, 0, n * sizeof(a->use[0]));
    memset(a->dies, 0, n * sizeof(a->dies[0]));
    memset(a->reg, NO_REG, n);
    memset(a->place, NO_PLACE, n * sizeof(a->place[0]));
    memset(a->owner, 0, sizeof(a->owner));
    memset(a->cur, 0, sizeof(a->cur));
    memset(a->touched, 0, sizeof(a->touched));
    a->nuses = 1;
    a->put = 0;
    a->nfree = 0;
    a->places_out = 0;
    a->loop = b->label ? (u16)(n - 1) : 0;
    memset(a->home_phi, 0, sizeof(a->home_phi));
    snapshot_ends(a);
    if (a->loop) {
        use_next(a);
    }
    analyse(a);
}

/* ---- the walk ----------------------------------------------------------- */

void alloc_step(Alloc *a, u16 pos)
{
    const Ins *i = &a->b->ins[pos];
    a->pos = pos;
    a->locked[CLASS_INT] = a->locked[CLASS_VEC] = 0;
    if (!(ir_ops[i->op].flags & SNAP)) {
        return;
    }
    for (; a->put < i->snap; a->put++) {
        const Put *p = &a->b->puts[a->put];
        a->cur[p->slot] = p->v.id;
        a->touched[p->slot / 64] |= BIT(p->slot % 64);
    }
}

void alloc_synced(Alloc *a)
{
    memset(a->touched, 0, sizeof(a->touched));
}

static unsigned class_val(const Alloc *a, u16 v)
{
    return class_of(a->b->ins[v].type);
}

static void release(Alloc *a, u16 v)
{
    if (a->reg[v] >= 0) {
        a->owner[class_val(a, v)][(int)a->reg[v]] = 0;
        a->reg[v] = NO_REG;
    }
    if (a->place[v] >= 0) {
        alloc_free_place(a, a->place[v]);
        a->place[v] = NO_PLACE;
    }
}

void alloc_done(Alloc *a)
{
    for (u16 v = a->dies[a->pos]; v; v = a->next_dead[v]) {
        release(a, v);
    }
}

int alloc_place(Alloc *a)
{
    if (a->nfree) {
        return a->free_place[--a->nfree];
    }
    assert(a->places_out < PLACES);
    return a->places_out++;
}

void alloc_free_place(Alloc *a, int place)
{
    a->free_place[a->nfree++] = (i16)place;
}

/* Position of the next use of v after the current instruction. */
static unsigned next_use(Alloc *a, u16 v)
{
    u16 u = a->use[v];
    while (u && a->pool[u].pos <= a->pos) {
        u = a->pool[u].next;
    }
    a->use[v] = u;
    return u ? a->pool[u].pos : UINT16_MAX;
}

bool alloc_wanted(Alloc *a, u16 v)
{
    return next_use(a, v) != UINT16_MAX;
}

bool alloc_dying(const Alloc *a, u16 v)
{
    return a->end[v] <= a->pos;
}

/* Is there no need to store v when it leaves its register? */
static bool is_clean(const Alloc *a, u16 v)
{
    return a->fate[v] == REMAT || a->fate[v] == HOME || a->place[v] >= 0;
}

static void save(Alloc *a, u16 v)
{
    if (!is_clean(a, v)) {
        a->place[v] = (i16)alloc_place(a);
        a->host->store(a->ctx, v, a->reg[v], a->place[v]);
    }
}

/* The register of the class to be given out next, emptied. */
static int take(Alloc *a, unsigned class)
{
    unsigned pool = a->host->pool[class] & ~a->locked[class];
    unsigned best_score = 0;
    int best = NO_REG;
    assert(pool);
    for (unsigned left = pool; left; left &= left - 1) {
        int r = __builtin_ctz(left);
        u16 v = a->owner[class][r];
        if (!v) {
            return r;
        }
        unsigned score = next_use(a, v) * 2u + is_clean(a, v);
        if (best == NO_REG || score > best_score) {
            best = r;
            best_score = score;
        }
    }
    u16 v = a->owner[class][best];
    save(a, v);
    a->reg[v] = NO_REG;
    a->owner[class][best] = 0;
    return best;
}

static void bind(Alloc *a, u16 v, int reg)
{
    unsigned class = class_val(a, v);
    a->owner[class][reg] = v;
    a->reg[v] = (i8)reg;
    a->locked[class] |= (u16)(1 << reg);
}

int alloc_use(Alloc *a, u16 v)
{
    if (a->reg[v] >= 0) {
        a->locked[class_val(a, v)] |= (u16)(1 << a->reg[v]);
    } else {
        int reg = take(a, class_val(a, v));
        a->host->load(a->ctx, v, reg);
        bind(a, v, reg);
    }
    return a->reg[v];
}

int alloc_def_new(Alloc *a, u16 v)
{
    bind(a, v, take(a, class_val(a, v)));
    return a->reg[v];
}

static void take_over(Alloc *a, u16 v, u16 x)
{
    int reg = a->reg[x];
    a->reg[x] = NO_REG;
    bind(a, v, reg);
}

typedef struct Search {
    Alloc *a;
    unsigned class;
    u16 found;
} Search;

static void find_dying(void *ctx, u16 v, unsigned use)
{
    Search *s = ctx;
    (void)use;
    if (s->a->reg[v] >= 0 && class_val(s->a, v) == s->class &&
        alloc_dying(s->a, v)) {
        s->found = v;
    }
}

int alloc_def(Alloc *a, u16 v)
{
    Search s = { a, class_val(a, v), 0 };
    ir_operands(a->b, &a->b->ins[a->pos], find_dying, &s);
    if (s.found) {
        take_over(a, v, s.found);
        return a->reg[v];
    }
    return alloc_def_new(a, v);
}

int alloc_def_over(Alloc *a, u16 v, u16 x)
{
    if (a->reg[x] >= 0 && class_val(a, x) == class_val(a, v)) {
        if (alloc_dying(a, x)) {
            take_over(a, v, x);
            return a->reg[v];
        }
        int from = alloc_use(a, x);
        int to = alloc_def_new(a, v);
        a->host->move(a->ctx, x, to, from);
        return to;
    }
    int to = take(a, class_val(a, v));
    a->host->load(a->ctx, x, to);
    bind(a, v, to);
    return to;
}

void alloc_save_all(Alloc *a)
{
    for (unsigned class = 0; class < NCLASSES; class++) {
        unsigned lost = a->host->pool[class] & ~a->host->saved[class];
        for (; lost; lost &= lost - 1) {
            u16 v = a->owner[class][__builtin_ctz(lost)];
            if (v && !alloc_dying(a, v)) {
                save(a, v);
            }
        }
    }
}

void alloc_drop_unsaved(Alloc *a)
{
    for (unsigned class = 0; class < NCLASSES; class++) {
        unsigned lost = a->host->pool[class] & ~a->host->saved[class];
        for (; lost; lost &= lost - 1) {
            int r = __builtin_ctz(lost);
            u16 v = a->owner[class][r];
            if (v) {
                a->reg[v] = NO_REG;
                a->owner[class][r] = 0;
            }
        }
    }
}

/* ---- loops: the walk ---------------------------------------------------- */

static bool is_phi(const Alloc *a, u16 v)
{
    return a->b->ins[v].op == IR_phi;
}

void alloc_label(Alloc *a)
{
    for (u16 n = first_phi(a->b); n < a->b->label; n++) {
        if (a->reg[n] >= 0 && a->place[n] >= 0) {
            alloc_free_place(a, a->place[n]);
            a->place[n] = NO_PLACE;
        }
    }
    for (unsigned class = 0; class < NCLASSES; class++) {
        for (unsigned r = 0; r < 16; r++) {
            u16 v = a->owner[class][r];
            a->at_label[class][r] = a->end[v] > a->b->label ? v : 0;
        }
    }
    for (u16 n = first_phi(a->b); n < a->b->label; n++) {
        a->label_place[n - first_phi(a->b)] = a->place[n];
    }
}

static AllocMove move_to(const Alloc *a, u16 v, int reg, int place)
{
    return (AllocMove) { is_phi(a, v) ? a->b->ins[v].b.id : v, (i16)reg,
                         (i16)place, (Type)a->b->ins[v].type };
}

u32 alloc_again(const Alloc *a, AllocMove *moves)
{
    u32 n = 0;
    u16 first = first_phi(a->b);
    for (u16 v = first; v < a->b->label; v++) {
        if (a->label_place[v - first] >= 0) {
            moves[n++] = move_to(a, v, NO_REG, a->label_place[v - first]);
        }
    }
    for (unsigned class = 0; class < NCLASSES; class++) {
        for (unsigned r = 0; r < 16; r++) {
            u16 v = a->at_label[class][r];
            if (v) {
                moves[n++] = move_to(a, v, (int)r, NO_PLACE);
            }
        }
    }
    return n;
}
