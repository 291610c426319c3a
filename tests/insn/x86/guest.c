/* SPDX-License-Identifier: MIT */
/*
 * Cases on a guest CPU: a machine without a board, in long mode, whose kernel
 * is 32 gates that lead to a HLT each.  A case runs at CPL 3 until one of
 * them is reached; what it left is in the registers and in the frame.
 */
#include <glib.h>
#include <stdio.h>
#include "accel/accel.h"
#include "native.h"
#include "target/i386/x87.h"

enum {
    RAM_SIZE = 32 << 20,
    /* Physical: the kernel's 2 MiB. */
    PML4 = 0x1000, LOW_PDPT = 0x2000, LOW_PD = 0x3000, WINDOW_PT = 0x4000,
    HIGH_PDPT = 0x5000, HIGH_PD = 0x6000, GDT = 0x7000, IDT = 0x8000,
    TSS = 0x9000, HANDLERS = 0xa000, STACK = 0x10000,
    HANDLER_SIZE = 16, GATES = 32,
    /* Entries of page tables. */
    PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_AD = 0x60, PTE_PS = 0x80,
    TABLE = PTE_P | PTE_W | PTE_U | PTE_AD,
    KERNEL_CS = 8, TSS_SEL = 0x40,
};
#define KERNEL  0xffffffff80000000ull
#define PTE_NX  BIT(63)

static struct {
    Machine *machine;
    X86Cpu  *c;
    Ram     *ram;
} guest;                                /* the one of the program */

static const u64 buffers[BUFFERS] = { BUFFER_A, BUFFER_B };

static void poke(u64 pa, u64 v)
{
    store_le(guest.ram->host + pa, 8, v);
}

/* ---- the kernel --------------------------------------------------------- */

static void map_pages(u64 first, u64 size, u64 flags)
{
    for (u64 a = first; a < first + size; a += GUEST_PAGE) {
        poke(WINDOW_PT + (a >> 12 & 511) * 8, a | TABLE | flags);
    }
}

static void make_tables(void)
{
    poke(PML4, LOW_PDPT | TABLE);
    poke(LOW_PDPT, LOW_PD | TABLE);
    poke(LOW_PD + (WINDOW >> 21) * 8, WINDOW_PT | TABLE);
    map_pages(CODE, CODE_SIZE, 0);
    for (unsigned i = 0; i < BUFFERS; i++) {
        map_pages(buffers[i], BUFFER_SIZE, PTE_NX);
    }
    poke(PML4 + 511 * 8, HIGH_PDPT | TABLE);
    poke(HIGH_PDPT + 510 * 8, HIGH_PD | TABLE);
    poke(HIGH_PD, PTE_P | PTE_W | PTE_AD | PTE_PS);
}

static void make_gates(void)
{
    enum { GATE = 0x8e00, DPL3 = 0x6000 };
    static const u8 hlt = 0xf4;

    for (u64 v = 0; v < GATES; v++) {
        u64 to = KERNEL + HANDLERS + v * HANDLER_SIZE;
        u64 type = GATE | (v == X_BP || v == X_OF ? DPL3 : 0);
        poke(IDT + v * 16, (to & 0xffff) | KERNEL_CS << 16 | type << 32
             | bits(to, 31, 16) << 48);
        poke(IDT + v * 16 + 8, to >> 32);
        memcpy(guest.ram->host + HANDLERS + v * HANDLER_SIZE, &hlt, 1);
    }
    poke(GDT + KERNEL_CS, 0x00af9b000000ffff);
    poke(GDT + (CODE32_SEL & ~7), 0x00cffb000000ffff);
    poke(GDT + (DATA_SEL & ~7), 0x00cff3000000ffff);
    poke(GDT + (CODE64_SEL & ~7), 0x00affb000000ffff);
    poke(TSS + 4, KERNEL + STACK);
    store_le(guest.ram->host + TSS + 0x66, 2, 0x68);
}

static void make_cpu(X86Cpu *c)
{
    enum { TSS_ATTR = SEG_P | 11, LIMIT = 0x67 };

    c->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    c->cr3 = PML4;
    c->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    c->xcr0 = 3;
    if (x86_has(c, F_AVX)) {
        c->cr4 |= CR4_OSXSAVE;
        c->xcr0 = 7;
    }
    c->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    c->gdtr = (X86Table) { KERNEL + GDT, 0xfff };
    c->idtr = (X86Table) { KERNEL + IDT, GATES * 16 - 1 };
    c->tr = (X86Seg) { TSS_SEL, LIMIT, TSS_ATTR };
    c->tr_base = KERNEL + TSS;
    x86_new_space(c);
}

static const Accel *translator(void)
{
    SET_EACH(accels, Accel, a) {
        if (strcmp((*a)->name, "tcg") == 0) {
            return *a;
        }
    }
    return NULL;
}

static bool make_machine(bool interp, const char *model, Err *err)
{
    Machine *m = guest.machine = g_new0(Machine, 1);
    const Target *t = target_find("x86_64");
    X86Cpu *c = guest.c = g_malloc0(t->cpu_size);

    m->mem = mem_new();
    m->target = t;
    m->accel = translator();
    m->cpu[0] = &c->cpu;
    m->ncpus = 1;
    c->cpu.machine = m;
    c->cpu.target = t;
    c->cpu.mem = m->mem;
    guest.ram = m->ram = ram_new("ram", RAM_SIZE, err);
    if (!m->ram || !t->init(&c->cpu, model, "", err)) {
        return false;
    }
    mem_add(m->mem, &(MemRegion) { .name = "ram", .size = RAM_SIZE,
                                   .ram = m->ram });
    c->a20 = true;
    t->reset(&c->cpu);
    return m->accel->machine_start(m, interp ? "backend=interp" : "tb-size=16",
                                   err)
        && vcpus_start(m, err);
}

bool guest_setup(bool interp, const char *model)
{
    Err err = { "" };

    if (!make_machine(interp, model, &err)) {
        printf("# %s\n", err.text);
        return false;
    }
    make_tables();
    make_gates();
    make_cpu(guest.c);
    memset(guest.ram->host + CODE, 0xcc, CODE_SIZE);
    return true;
}

bool guest_has(int feature)
{
    return x86_has(guest.c, feature);
}

/* ---- one case ----------------------------------------------------------- */

enum {
    ATTR = SEG_P | SEG_DPL | SEG_S | SEG_RW | SEG_A,
    FLAT_ATTR = ATTR | SEG_B | SEG_G,
};

static void set_flat(X86Cpu *c, bool wide)
{
    static const u8 data[] = { ES, SS, DS };

    for (u32 i = 0; i < countof(data); i++) {
        x86_set_seg(c, data[i], DATA_SEL, 0, 0xffffffff, FLAT_ATTR);
    }
    x86_set_seg(c, CS, wide ? CODE64_SEL : CODE32_SEL, 0, 0xffffffff,
                ATTR | SEG_CODE | SEG_G | (wide ? SEG_L : SEG_B));
}

static void set_segments(X86Cpu *c, u8 bits)
{
    c->cpl = 3;
    x86_set_seg(c, FS, 0, 0, 0, 0);
    x86_set_seg(c, GS, 0, 0, 0, 0);
    if (bits != 16) {
        set_flat(c, bits == 64);
        return;
    }
    x86_set_seg(c, ES, DATA16_SEL, DATA16, DATA16_LIMIT, ATTR);
    x86_set_seg(c, DS, DATA16_SEL, DATA16, DATA16_LIMIT, ATTR);
    x86_set_seg(c, SS, STACK16_SEL, STACK16, STACK16_LIMIT, ATTR);
    x86_set_seg(c, CS, CODE16_SEL, CODE, 0xffff, ATTR | SEG_CODE);
}

static void put_state(X86Cpu *c, const State *s)
{
    memcpy(c->r, s->r, sizeof c->r);
    memcpy(c->xmm, s->xmm, sizeof c->xmm);
    memcpy(c->ymmh, s->ymmh, sizeof c->ymmh);
    c->cpu.tcg.fcw = s->fcw;
    x87_set_fsw(c, s->fsw);
    x87_set_empty_regs(c, (u8)~s->tags);
    for (unsigned i = 0; i < 8; i++) {
        c->st[(c->ftop + i) & 7] = s->st[i];
    }
    x86_set_mxcsr(c, s->mxcsr);
    x86_put_eflags(c, s->eflags | FL_IF);
    x86_set_ip(c, s->ip);
    c->shadow = false;
    c->debug_due = 0;
    c->cr2 = 0;
    x86_mode_changed(c);
}

static bool has_error_code(i32 vector)
{
    return vector == X_DF || (vector >= X_TS && vector <= X_PF)
        || vector == X_AC;
}

/* The frame that the gate pushed: SDM volume 3, 7.14.2. */
static void get_frame(State *s)
{
    bool err = has_error_code(s->vector);
    const u8 *top = guest.ram->host + STACK;

    s->r[RSP] = load_le(top - 16, 8);
    s->eflags = (u32)load_le(top - 24, 8);
    s->ip = load_le(top - 40, 8) - (s->vector == X_BP);
    s->err = err ? (u32)load_le(top - 48, 8) : 0;
}

static void get_state(const X86Cpu *c, State *s)
{
    u64 at = c->cpu.tcg.pc - 1 - KERNEL - HANDLERS;

    s->vector = at / HANDLER_SIZE < GATES && at % HANDLER_SIZE == 0
        ? (i32)(at / HANDLER_SIZE) : -1;
    memcpy(s->r, c->r, sizeof c->r);
    memcpy(s->xmm, c->xmm, sizeof c->xmm);
    memcpy(s->ymmh, c->ymmh, sizeof c->ymmh);
    s->fcw = c->cpu.tcg.fcw;
    s->fsw = x87_fsw(c);
    s->tags = (u8)~x87_empty_regs(c);
    for (unsigned i = 0; i < 8; i++) {
        s->st[i] = c->st[(c->ftop + i) & 7];
    }
    s->mxcsr = x86_mxcsr(c);
    s->cr2 = c->cr2;
    get_frame(s);
    for (unsigned i = 0; i < BUFFERS; i++) {
        memcpy(s->buffer[i], guest.ram->host + buffers[i], BUFFER_SIZE);
    }
}

void guest_run(Case *k)
{
    enum { TRIES = 1000 };
    static const u8 fill[16] = { [0 ... 15] = 0xcc };
    X86Cpu *c = guest.c;

    mem_write(guest.machine->mem, CODE + k->at, k->code, k->len);
    for (unsigned i = 0; i < BUFFERS; i++) {
        mem_write(guest.machine->mem, buffers[i], k->in.buffer[i],
                  BUFFER_SIZE);
    }
    set_segments(c, k->bits);
    put_state(c, &k->in);
    c->cpu.halted = false;
    for (int i = 0; i < TRIES && !c->cpu.halted; i++) {
        guest.machine->accel->run(&c->cpu);
    }
    get_state(c, &k->ours);
    if (k->bits == 16) {
        k->ours.r[RSP] &= 0xffff;
    }
    mem_write(guest.machine->mem, CODE + k->at, fill, k->len);
}
