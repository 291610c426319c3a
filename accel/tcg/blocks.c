/* SPDX-License-Identifier: MIT */
/*
 * The block cache: finding, making, linking and dropping translated blocks.
 *
 * A block is known by the guest physical address of its code and the key bits
 * it was made for; it holds no virtual address.  Pages of RAM that code was
 * made of are flagged RAM_CODE; writes to them come to code_written(), which
 * drops the blocks they overlap.  Dropped blocks keep their memory until the
 * region of code memory they lie in is reused; its blocks are dropped one
 * region ahead, so that a grace period lies between and nobody is stopped.
 */
#include <capstone/capstone.h>
#include <stdlib.h>
#include "accel/tcg/jit.h"
#include "tcg/helper.h"
#include "util/log.h"

/* INSN_MAX: no instruction has more bytes. */
enum { GRANULE_BITS = 6, INTERP_MAX = 20000, INSN_MAX = 16 };

static u32 hash_of(u64 phys, u32 key)
{
    u64 h = phys * 0x9e3779b97f4a7c15ull ^ key * 0xc2b2ae3d27d4eb4full;

    return (u32)(h >> (64 - HASH_BITS));
}

Block *jit_block(Jit *j, u64 phys, u32 key)
{
    Block *b = __atomic_load_n(&j->hash[hash_of(phys, key)], __ATOMIC_ACQUIRE);

    while (b && (b->phys != phys || b->key != key)) {
        b = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    }
    return b;
}

/* ---- links -------------------------------------------------------------- */

static void unlink_jump(Jit *j, Link *l)
{
    if (l->to) {
        *l->prev = l->next;
        if (l->next) {
            l->next->prev = l->prev;
        }
        l->to = NULL;
        tcg_link(j->buffer, l->jump, NULL, 0);
    }
}

void jit_link(Jit *j, TcgJump *jump, Block *to)
{
    Block *from = container_of(jump->code, Block, code);
    Link *l = &from->out[jump - from->code.jump];

    g_mutex_lock(&j->lock);
    if (!from->dead && !to->dead && l->to != to) {
        unlink_jump(j, l);
        *l = (Link) { to, to->in, &to->in, jump };
        if (to->in) {
            to->in->prev = &l->next;
        }
        to->in = l;
        tcg_link(j->buffer, jump, &to->code, align_down(to->phys, PAGE_SIZE));
        j->stats.links++;
    }
    g_mutex_unlock(&j->lock);
}

/* ---- dropping ----------------------------------------------------------- */

static void unhash(Jit *j, Block *b)
{
    Block **p = &j->hash[hash_of(b->phys, b->key)];

    while (*p != b) {
        p = &(*p)->hash_next;
    }
    __atomic_store_n(p, b->hash_next, __ATOMIC_RELEASE);
}

/* Takes b out of everything that leads to it, but its page's list. */
static void drop(Jit *j, Block *b)
{
    Machine *m = j->machine;

    b->dead = true;
    unhash(j, b);
    while (b->in) {
        unlink_jump(j, b->in);
    }
    for (u32 i = 0; i < b->code.njumps; i++) {
        unlink_jump(j, &b->out[i]);
    }
    for (u32 i = 0; b->jumped && i < m->ncpus; i++) {
        tlb_jump_drop(m->cpu[i], b->phys & (PAGE_SIZE - 1), b->code.exec);
    }
    j->stats.invalidated++;
}

static u64 granules(u64 offset, u64 len)
{
    u64 first = offset >> GRANULE_BITS;
    u64 last = (offset + len - 1) >> GRANULE_BITS;

    return MASK(last - first + 1) << first;
}

static void forget_empty(Jit *j, CodePage *p)
{
    if (p->blocks || p->tails || p->held) {
        return;
    }
    __atomic_fetch_and(&p->ram->flags[p->offset >> GUEST_PAGE_BITS],
                       (u8)~RAM_CODE, __ATOMIC_SEQ_CST);
    g_hash_table_remove(j->pages, p->host);
    g_free(p);
}

static void leave_tails(Block *b)
{
    Block **link = &b->tail_page->tails;

    while (*link != b) {
        link = &(*link)->tail_next;
    }
    *link = b->tail_next;
}

/* Drops b, which its page's list does not have any more. */
static void drop_listed(Jit *j, Block *b)
{
    drop(j, b);
    if (b->tail) {
        leave_tails(b);
        forget_empty(j, b->tail_page);
    }
}

void jit_drop(Jit *j, Block *b)
{
    Block **link = &b->page->blocks;

    while (*link != b) {
        link = &(*link)->page_next;
    }
    *link = b->page_next;
    forget_empty(j, b->page);
    drop_listed(j, b);
}

/* The same for those that end in p. */
static void drop_tails(Jit *j, CodePage *p, u64 at)
{
    for (Block *b = p->tails, *next; b; b = next) {
        next = b->tail_next;
        if (at < b->tail) {
            jit_drop(j, b);
        } else {
            p->granules |= granules(0, b->tail);
        }
    }
}

/* Drops the blocks of p that cover any of [at, at + len). */
static void drop_range(Jit *j, CodePage *p, u64 at, u64 len)
{
    Block **link = &p->blocks;

    if (!(p->granules & granules(at, len))) {
        return;
    }
    p->granules = 0;
    p->held = true;
    while (*link) {
        Block *b = *link;
        u64 start = b->first;
        if (start < at + len && start + b->size > at) {
            *link = b->page_next;
            drop_listed(j, b);
        } else {
            p->granules |= granules(start, b->size - b->tail);
            link = &b->page_next;
        }
    }
    drop_tails(j, p, at);
    p->held = false;
    forget_empty(j, p);
}

/* Ram.code_written: any thread. */
static void code_written(void *opaque, Ram *r, u64 offset, u64 len)
{
    Jit *j = opaque;
    u64 end = offset + len;

    g_mutex_lock(&j->lock);
    j->stats.page_writes++;
    while (offset < end) {
        u64 at = offset & (PAGE_SIZE - 1);
        u64 n = MIN(end - offset, PAGE_SIZE - at);
        CodePage *p = g_hash_table_lookup(j->pages, r->host + (offset - at));
        if (p) {
            drop_range(j, p, at, n);
        }
        offset += n;
    }
    g_mutex_unlock(&j->lock);
}

static bool is_at(const Machine *m, const CodePage *p, u64 phys)
{
    const MemRange *r = mem_find(m->mem, phys);

    return r && r->ram == p->ram && r->offset + (phys - r->base) == p->offset;
}

/* Code that only CPUs in SMM see goes too, and is made again. */
static bool is_moved(const Machine *m, const Block *b)
{
    return !is_at(m, b->page, align_down(b->phys, PAGE_SIZE))
        || (b->tail && !is_at(m, b->tail_page, b->next_phys));
}

void jit_map_changed(Machine *m)
{
    Jit *j = m->accel_data;
    g_autoptr(GPtrArray) moved = g_ptr_array_new();
    GHashTableIter pages;
    gpointer page;

    g_mutex_lock(&j->lock);
    g_hash_table_iter_init(&pages, j->pages);
    while (g_hash_table_iter_next(&pages, NULL, &page)) {
        for (Block *b = ((CodePage *)page)->blocks; b; b = b->page_next) {
            if (is_moved(m, b)) {
                g_ptr_array_add(moved, b);
            }
        }
    }
    for (u32 i = 0; i < moved->len; i++) {
        jit_drop(j, moved->pdata[i]);
    }
    g_mutex_unlock(&j->lock);
}

/* ---- code memory -------------------------------------------------------- */

static void free_block(Block *b)
{
    free(b->ir);
    g_free(b->out);
    tcg_free_code(&b->code);
    g_free(b);
}

/* Drops the live blocks of region r; their memory stays. */
static void drop_region(Jit *j, u32 r)
{
    GPtrArray *blocks = j->region[r];

    for (u32 i = 0; i < blocks->len; i++) {
        Block *b = blocks->pdata[i];
        if (!b->dead) {
            jit_drop(j, b);
        }
    }
}

static void free_region(Jit *j, u32 r)
{
    GPtrArray *blocks = j->region[r];

    for (u32 i = 0; i < blocks->len; i++) {
        free_block(blocks->pdata[i]);
    }
    g_ptr_array_set_size(blocks, 0);
}

/*
 * Goes on to the region after `full`, whose blocks were dropped when the one
 * before it began to fill: by now, nearly always, every vCPU has been out of
 * the guest since.  Then drops those of the region after that.
 */
static void make_room(Jit *j, u32 full)
{
    u32 next = (full + 1) % TCG_REGIONS;
    VcpuGrace grace;

    g_mutex_lock(&j->lock);
    grace = j->grace;
    g_mutex_unlock(&j->lock);
    vcpus_grace_wait(j->machine, &grace);
    g_mutex_lock(&j->lock);
    if (j->region_now == full) {        /* no other vCPU did it meanwhile */
        if (!j->interp) {
            tcg_next_region(j->buffer);
        }
        j->region_now = next;
        free_region(j, next);
        drop_region(j, (next + 1) % TCG_REGIONS);
        __atomic_add_fetch(&j->resets, 1, __ATOMIC_SEQ_CST);
        vcpus_grace_begin(j->machine, &j->grace);
    }
    g_mutex_unlock(&j->lock);
}

void jit_drop_all(Machine *m)
{
    Jit *j = m->accel_data;

    vcpus_exclusive_begin(m);
    g_mutex_lock(&j->lock);
    for (u32 r = 0; r < TCG_REGIONS; r++) {
        drop_region(j, r);
    }
    g_mutex_unlock(&j->lock);
    vcpus_exclusive_end(m);
}

/* ---- making ------------------------------------------------------------- */

static void log_guest(const Cpu *c, u64 pc, const u8 *code, u32 len)
{
    csh cs;
    cs_insn *insn;
    const Target *t = c->target;
    FILE *f = log_lock();

    fprintf(f, "----------------\nIN:\n");
    if (cs_open((cs_arch)t->capstone_arch, (cs_mode)disassembly_mode(c), &cs)
        == CS_ERR_OK) {
        cs_option(cs, CS_OPT_SKIPDATA, CS_OPT_ON);
        size_t n = cs_disasm(cs, code, len, pc, 0, &insn);
        for (size_t i = 0; i < n; i++) {
            fprintf(f, "0x%08llx:  %-10s %s\n",
                    (unsigned long long)insn[i].address, insn[i].mnemonic,
                    insn[i].op_str);
        }
        cs_free(insn, n);
        cs_close(&cs);
    }
    log_unlock();
}

static void log_ir(const char *title, const Ir *b, const IrLive *l)
{
    FILE *f = log_lock();

    fprintf(f, "%s:\n", title);
    ir_print(b, l, f);
    log_unlock();
}

/*
 * An instruction that goes on in the next page is right as long as that page
 * is where it was: checked each time.
 */
static void check_next_page(void *env, u64 phys)
{
    Cpu *c = env;
    Jit *j = jit_of(c);
    u64 va = c->tcg.pc_page + PAGE_SIZE;
    const TlbSlot *tlb = (const TlbSlot *)c->tcg.tlb;
    const TlbEntry *e = &tlb->exec[va >> PAGE_BITS & (TLB_SIZE - 1)];
    TlbHit hit;

    if (e->tag == va && e->host == phys) {
        return;
    }
    if (!jit_fetch(c, va, &hit)) {
        cpu_resume(c);
    }
    tlb_fill_exec(c, va, align_down(hit.pa, PAGE_SIZE));
    if (align_down(hit.pa, PAGE_SIZE) != phys) {
        if (jit_fetch(c, c->tcg.pc, &hit)) {
            g_mutex_lock(&j->lock);
            Block *b = jit_block(j, hit.pa, c->key);
            if (b) {
                jit_drop(j, b);
            }
            g_mutex_unlock(&j->lock);
        }
        cpu_resume(c);          /* and translate it again */
    }
}
HELPER(check_next_page, H_READ | H_RAISE, void, ptr, i64);

/* The one instruction whose bytes are in two pages; its size. */
static u32 front_across(Ir *b, Cpu *c, const JitSource *from, u32 room, u8 *buf)
{
    memcpy(buf, from->first.host, room);
    memcpy(buf + room, from->next.host, INSN_MAX);
    IR_CALL(b, &helper_check_next_page,
            ir_i64(b, align_down(from->next.pa, PAGE_SIZE)));
    return c->target->translate(b, c, c->key, buf, room + INSN_MAX);
}

void jit_ir_begin(Jit *j, const Cpu *c, u64 pc)
{
    const Target *t = c->target;

    ir_start(j->ir, t->slots, t->nslots, t->word == 64 ? I64 : I32,
             (u16)(pc & (PAGE_SIZE - 1)));
    j->ir->soft = t->soft;
    j->ir->one_cpu = c->machine->ncpus == 1;
    j->ir->spans = true;
}

void jit_ir_end(Jit *j, const Cpu *c, u64 pc, const u8 *host, u32 size)
{
    ir_spans(j->ir);
    if (likely(!log_items) || !log_wants(pc)) {
        return;
    }
    if (log_on(LOG_IN_ASM)) {
        log_guest(c, pc, host, size);
    }
    if (log_on(LOG_IR)) {
        log_ir("IR", j->ir, NULL);
    }
    if (log_on(LOG_IR_OPT)) {
        IrLive *l = g_new(IrLive, 1);
        ir_live(j->ir, l);
        log_ir("IR after optimization and liveness", j->ir, l);
        g_free(l);
    }
}

u32 jit_front(Jit *j, Cpu *c, u64 pc, const JitSource *from, u32 max,
              u32 *count)
{
    Ir *b = j->ir;
    const Target *t = c->target;
    u32 at = pc & (PAGE_SIZE - 1), start = at, n = 1;
    const u8 *host = from->first.host;
    u8 across[2 * INSN_MAX];

    jit_ir_begin(j, c, pc);
    b->alone = max == 1 || from->next.host;
    *count = 0;
    if (from->next.host) {
        ir_insn(b, (u16)at);
        at += front_across(b, c, from, PAGE_SIZE - at, across);
        host = across;
        *count = 1;
    }
    while (!from->next.host && !b->ended && !b->full
           && (*count < max || b->bound) && at < PAGE_SIZE && n) {
        if (*count && c->debug && jit_has_breakpoint(c, pc + (at - start))) {
            break;
        }
        ir_insn(b, (u16)at);
        n = t->translate(b, c, c->key, host + (at - start), PAGE_SIZE - at);
        at += n;
        *count += n != 0;
    }
    if (!*count) {
        return 0;
    }
    if (!b->ended) {
        ir_exit(b, ir_pc(b, at), EXIT_JUMP);
    }
    jit_ir_end(j, c, pc, host, at - start);
    return at - start;
}

static CodePage *page_of(Jit *j, Ram *r, u64 offset)
{
    u64 first = align_down(offset, PAGE_SIZE);
    CodePage *p = g_hash_table_lookup(j->pages, r->host + first);

    if (!p) {
        p = g_new0(CodePage, 1);
        *p = (CodePage) { .host = r->host + first, .ram = r, .offset = first };
        g_hash_table_insert(j->pages, p->host, p);
    }
    return p;
}

/* Where in RAM a hit is. */
static u64 offset_of(const TlbHit *h)
{
    return h->range->offset + (h->pa - h->range->base);
}

static void enter_tail(Jit *j, Block *b, const TlbHit *next)
{
    CodePage *p = page_of(j, next->range->ram, offset_of(next));

    b->tail = (u16)((b->phys & (PAGE_SIZE - 1)) + b->size - PAGE_SIZE);
    b->next_phys = align_down(next->pa, PAGE_SIZE);
    b->tail_page = p;
    b->tail_next = p->tails;
    p->tails = b;
    p->granules |= granules(0, b->tail);
}

static void enter_block(Jit *j, Block *b, CodePage *page)
{
    Block **bucket = &j->hash[hash_of(b->phys, b->key)];

    b->page = page;
    b->page_next = b->page->blocks;
    b->page->blocks = b;
    b->page->granules |= granules(b->first, b->size - b->tail);
    b->hash_next = *bucket;
    __atomic_store_n(bucket, b, __ATOMIC_RELEASE);
    j->stats.blocks++;
    j->stats.insns += b->count;
    j->stats.guest_bytes += b->size;
    j->stats.host_bytes += b->code.size + b->code.cold_size;
    j->stats.traces += b->trace;
    j->stats.trace_insns += b->trace ? b->count : 0;
    j->stats.loops += j->ir->label != 0;
}

static bool compile(Jit *j, Block *b)
{
    if (!j->interp) {
        if (!tcg_compile(j->buffer, j->ir, &b->code)) {
            return false;
        }
        b->out = g_new0(Link, b->code.njumps);
        return true;
    }
    if (j->region[j->region_now]->len >= INTERP_MAX / TCG_REGIONS) {
        return false;
    }
    b->ir = ir_copy(j->ir);
    b->heat = (i32)j->ir->heat;
    b->code.heat = b->heat ? &b->heat : NULL;
    return true;
}

static void log_block(u64 pc, const Block *b)
{
    if (log_on(LOG_OUT_ASM) && log_wants(pc) && b->code.exec) {
        FILE *f = log_lock();
        fprintf(f, "OUT: [size=%u+%u]\n", b->code.size, b->code.cold_size);
        tcg_print_host(&b->code, f);
        log_unlock();
    }
}

/*
 * From now on writes to this page are seen.  Whoever may write to it without
 * a check gives that up first.
 */
static void watch_page(Jit *j, Ram *r, u64 offset)
{
    Machine *m = j->machine;
    u8 *flags = &r->flags[offset >> GUEST_PAGE_BITS];

    if (__atomic_load_n(flags, __ATOMIC_SEQ_CST) & RAM_CODE) {
        return;
    }
    r->opaque = j;
    r->code_written = code_written;
    if (!(__atomic_fetch_or(flags, RAM_CODE, __ATOMIC_SEQ_CST) & RAM_MAPPED)) {
        return;
    }
    if (m->ncpus > 1) {
        vcpus_exclusive_begin(m);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        tlb_protect(m->cpu[i], r, offset);
    }
    __atomic_fetch_and(flags, (u8)~RAM_MAPPED, __ATOMIC_SEQ_CST);
    if (m->ncpus > 1) {
        vcpus_exclusive_end(m);
    }
}

static bool is_watched(const TlbHit *h)
{
    return h->range->ram->flags[offset_of(h) >> GUEST_PAGE_BITS] & RAM_CODE;
}

bool jit_add(Jit *j, Block *b, CodePage *page, const TlbHit *next, u64 pc)
{
    if (!compile(j, b)) {
        return false;
    }
    g_ptr_array_add(j->region[j->region_now], b);
    if (next) {
        enter_tail(j, b, next);
    }
    enter_block(j, b, page);
    log_block(pc, b);
    return true;
}

/* How a block is made. */
typedef enum Made { MADE, FULL, CROSSES, AGAIN } Made;

/* With the lock. */
static Made make(Jit *j, Cpu *c, const JitSource *from)
{
    u32 count;

    if (jit_block(j, from->first.pa, c->key)) {
        return MADE;            /* by another vCPU, meanwhile */
    }
    u32 size = jit_front(j, c, c->tcg.pc, from, j->max_insns, &count);
    if (!size) {
        return CROSSES;
    }
    Block *b = g_new0(Block, 1);
    b->phys = from->first.pa;
    b->key = c->key;
    b->first = (u16)(b->phys & (PAGE_SIZE - 1));
    b->size = (u16)size;
    b->count = (u16)count;
    j->ir->heat = c->debug || j->max_insns == 1 ? 0 : j->heat;
    CodePage *page = page_of(j, from->first.range->ram,
                             offset_of(&from->first));
    bool crosses = b->first + b->size > PAGE_SIZE;
    if (!jit_add(j, b, page, crosses ? &from->next : NULL, c->tcg.pc)) {
        g_free(b);
        forget_empty(j, page);
        return FULL;
    }
    return MADE;
}

bool jit_make(Cpu *c)
{
    Jit *j = jit_of(c);
    JitSource from = { .next.host = NULL };
    u64 next = align_down(c->tcg.pc, PAGE_SIZE) + PAGE_SIZE;

    if (!jit_fetch(c, c->tcg.pc, &from.first)) {
        return false;
    }
    for (;;) {
        watch_page(j, from.first.range->ram, offset_of(&from.first));
        if (from.next.host) {
            watch_page(j, from.next.range->ram, offset_of(&from.next));
        }
        g_mutex_lock(&j->lock);
        u32 region = j->region_now;
        Made how = AGAIN;       /* another dropped all code of the page */
        if (is_watched(&from.first)
            && (!from.next.host || is_watched(&from.next))) {
            how = make(j, c, &from);
        }
        g_mutex_unlock(&j->lock);
        if (how == MADE) {
            return true;
        }
        if (how == FULL) {
            make_room(j, region);
        } else if (how == CROSSES && !jit_fetch(c, next, &from.next)) {
            return false;
        }
    }
}

bool jit_covers(const Block *b, u64 pa, u64 len)
{
    u64 size = b->size - b->tail;
    u64 first = align_down(b->phys, PAGE_SIZE) + b->first;

    return (pa < first + size && pa + len > first)
        || (b->tail && pa < b->next_phys + b->tail && pa + len > b->next_phys);
}

bool jit_fetch(Cpu *c, u64 pc, TlbHit *hit)
{
    Fault f = { 0 };

    if (!tlb_resolve(c, pc, ACCESS_FETCH, false, hit, &f)) {
        c->target->fault(c, &f);
        return false;
    }
    if (!hit->host) {
        /* Code is run from RAM and ROM only. */
        log_line(LOG_GUEST, "guest runs code at %#llx, which is not memory",
                 (unsigned long long)hit->pa);
        f = (Fault) { .va = pc, .access = ACCESS_FETCH, .pa = hit->pa };
        c->target->bus_error(c, pc, hit->pa, ACCESS_FETCH, &f);
        c->target->fault(c, &f);
        return false;
    }
    return true;
}

/* Where c's code is in physical memory; false: not known, or it faults. */
static bool code_at(Cpu *c, u64 *phys)
{
    u64 pc = c->tcg.pc, page = align_down(pc, PAGE_SIZE);
    const TlbSlot *tlb = (const TlbSlot *)c->tcg.tlb;
    const TlbEntry *e = &tlb->exec[pc >> PAGE_BITS & (TLB_SIZE - 1)];
    TlbHit hit;
    Fault f;

    if (e->tag == page) {
        *phys = e->host | (pc - page);
        return true;
    }
    if (!tlb_resolve(c, pc, ACCESS_FETCH, false, &hit, &f) || !hit.host) {
        return false;
    }
    tlb_fill_exec(c, pc, align_down(hit.pa, PAGE_SIZE));
    *phys = hit.pa;
    return true;
}

Block *jit_find(Cpu *c)
{
    Jit *j = jit_of(c);
    u64 phys;

    j->stats.lookups++;
    if (!code_at(c, &phys)) {
        return NULL;
    }
    Block *b = jit_block(j, phys, c->key);
    if (b && b->code.exec && !log_on(LOG_BLOCKS)) {
        g_mutex_lock(&j->lock);
        if (!b->dead) {
            b->jumped = true;
            tlb_jump_add(c, c->tcg.pc, b->code.exec);
        }
        g_mutex_unlock(&j->lock);
    }
    return b;
}

const void *jit_go_on(void *env, TcgJump *from)
{
    Cpu *c = env;
    bool stays = !c->debug && !c->halted && !log_on(LOG_BLOCKS);
    Block *b = stays ? jit_find(c) : NULL;

    if (!b) {
        return NULL;
    }
    if (from) {
        jit_link(jit_of(c), from, b);
    }
    c->tcg.pc_page = align_down(c->tcg.pc, PAGE_SIZE);
    return b->code.exec;
}

bool jit_new(Machine *m, const JitOptions *o, Err *err)
{
    Jit *j = g_new0(Jit, 1);

    *j = (Jit) { .machine = m, .interp = o->interp, .heat = o->heat };
    g_mutex_init(&j->lock);
    j->pages = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (u32 r = 0; r < TCG_REGIONS; r++) {
        j->region[r] = g_ptr_array_new();
    }
    j->ir = g_new0(Ir, 1);
#ifdef STRESS
    j->max_insns = 2;
    j->heat = MIN(j->heat, 8u);
#else
    j->max_insns = o->interp && m->target->precise_code ? 1 : 64;
#endif
    m->accel_data = j;
    if (o->interp) {
        return true;
    }
    j->buffer = tcg_new(o->size, jit_slow, jit_go_on, err);
    if (j->buffer && o->count) {
        tcg_count(j->buffer);
    }
    return j->buffer != NULL;
}
