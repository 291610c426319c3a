/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers in the kernel: the PICs, the I/O APIC, local APICs.
 * Reference: the API, KVM_CREATE_IRQCHIP, KVM_SET_GSI_ROUTING, KVM_IRQ_LINE,
 * KVM_SIGNAL_MSI, KVM_GET_IRQCHIP, KVM_GET_LAPIC.
 *
 * The machine's own devices stay: while it runs the kernel gets their inputs
 * and messages; while it is paused they have the state and do the work.  So
 * boards, monitors and saved state know nothing of it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "accel/kvm/x86.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "softmmu/clock.h"
#include "util/log.h"

enum { PICS = 2, PIC_PINS = 8, CASCADE = 2 };
/* Where each controller's inputs are among the kernel's interrupts. */
enum { GSI_PIC = 0, GSI_IOAPIC = PICS * PIC_PINS,
       GSIS = GSI_IOAPIC + IOAPIC_PINS };
enum { MSR_DEADLINE = 0x6e0 };

struct KvmRoutes {
    struct kvm_irq_routing head;
    struct kvm_irq_routing_entry at[GSIS];
};

struct KvmChip {
    Device  *pic[PICS], *ioapic;
    struct KvmRoutes routes;    /* split: the I/O APIC's messages */
    bool     ours;              /* the devices have the state */
    u64      lines;             /* levels that the kernel knows, by GSI */
};

/* ---- finding them ------------------------------------------------------- */

static Device *nth_of(const Machine *m, const char *type, u32 n)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (strcmp(d->type->name, type) == 0 && n-- == 0) {
            return d;
        }
    }
    return NULL;
}

static Device *apic_device(Cpu *c)
{
    return c->intc_state;
}

bool kvm_chip_fits(const Machine *m)
{
    return nth_of(m, "apic", 0) && nth_of(m, "ioapic", 0);
}

/* ---- inputs and messages ------------------------------------------------ */

static void drive(Kvm *k, u32 gsi, bool level)
{
    struct kvm_irq_level l = { .irq = gsi, .level = level };
    u64 *lines = &k->arch->chip->lines;

    *lines = level ? *lines | BIT(gsi) : *lines & ~BIT(gsi);
    if (ioctl(k->vm, KVM_IRQ_LINE, &l) < 0) {
        log_line(LOG_UNIMP, "KVM_IRQ_LINE %u: %s", gsi, g_strerror(errno));
    }
}

/*
 * With our own PICs and I/O APIC of the local APICs' inputs only LINT0 is
 * anybody's: the PIC's, which kvm_arch_before() looks at.
 */
static void take_lint(Kvm *k, const Device *d, int n, bool level)
{
    for (u32 i = 0; level && n == 0 && i < k->m->ncpus; i++) {
        if (apic_device(k->m->cpu[i]) == d) {
            cpu_request(k->m->cpu[i], REQ_INTERRUPT);
        }
    }
}

/* The interrupt of an input; -1: the kernel wires it itself. */
static int gsi_of(const KvmChip *c, const Device *d, int n)
{
    if (d == c->ioapic) {
        return n >= 0 && n < IOAPIC_PINS ? GSI_IOAPIC + n : -1;
    }
    for (int i = 0; i < PICS; i++) {
        if (d == c->pic[i] && n >= 0 && n < PIC_PINS
            && !(i == 0 && n == CASCADE)) {
            return GSI_PIC + i * PIC_PINS + n;
        }
    }
    return -1;
}

static bool take_input(void *taker, Device *d, int n, bool level)
{
    Kvm *k = taker;
    int gsi = gsi_of(k->arch->chip, d, n);

    if (k->arch->chip->ours) {
        return false;
    }
    if (k->irqchip == IRQCHIP_SPLIT) {
        take_lint(k, d, n, level);
    } else if (gsi >= 0) {
        drive(k, (u32)gsi, level);
    }
    return true;
}

/* ---- the local APICs alone ---------------------------------------------- */

bool kvm_pic_asks(const Kvm *k)
{
    const Device *pic = k->arch->chip->pic[0];

    return __atomic_load_n(&device_line((Device *)pic, "intr", 0)->level,
                           __ATOMIC_SEQ_CST);
}

int kvm_pic_ack(Kvm *k)
{
    return i8259_ack(k->arch->chip->pic[0]);
}

void kvm_ioapic_eoi(KvmCpu *k)
{
    machine_lock();
    ioapic_eoi(k->kvm->arch->chip->ioapic, k->run->eoi.vector);
    machine_unlock();
}

/* A redirection entry as the message that it makes. */
static struct kvm_irq_routing_entry message_of(u32 pin, u64 entry)
{
    enum { MODE = 1 << 11, DATA = 0x87ff };     /* vector to trigger mode */

    return (struct kvm_irq_routing_entry) {
        .gsi = pin, .type = KVM_IRQ_ROUTING_MSI,
        .u.msi.address_lo = APIC_BASE | (u32)(entry >> 56) << 12
            | (entry & MODE ? 1 << 2 : 0),
        .u.msi.data = entry & DATA,
    };
}

/*
 * The kernel tells of EOIs for the vectors of level-triggered messages that it
 * has a route for, so one is made before the first is sent.
 */
static void route_messages(Kvm *k)
{
    KvmChip *c = k->arch->chip;
    struct KvmRoutes r = { .head.nr = IOAPIC_PINS };
    IoApicRegs regs;

    ioapic_get(c->ioapic, &regs);
    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        r.at[i] = message_of(i, regs.table[i]);
    }
    if (memcmp(&r, &c->routes, sizeof r)) {
        c->routes = r;
        if (ioctl(k->vm, KVM_SET_GSI_ROUTING, &r) < 0) {
            log_line(LOG_UNIMP, "KVM_SET_GSI_ROUTING: %s", g_strerror(errno));
        }
    }
}

static bool take_message(void *taker, u64 address, u32 data)
{
    Kvm *k = taker;
    struct kvm_msi msi = {
        .address_lo = (u32)address, .address_hi = (u32)(address >> 32),
        .data = data,
    };

    if (k->arch->chip->ours) {
        return false;
    }
    if (k->irqchip == IRQCHIP_SPLIT && data & 1 << 15) {
        route_messages(k);
    }
    if (ioctl(k->vm, KVM_SIGNAL_MSI, &msi) < 0) {
        log_line(LOG_GUEST, "a message that nobody gets: %#llx, %#x",
                 (unsigned long long)address, data);
    }
    return true;
}

static void take(Kvm *k, Device *d)
{
    d->taken = take_input;
    d->taker = k;
}

/* ---- making them -------------------------------------------------------- */

static bool route(Kvm *k)
{
    struct KvmRoutes r = { .head.nr = GSIS };

    for (u32 i = 0; i < GSIS; i++) {
        bool pic = i < GSI_IOAPIC;
        r.at[i] = (struct kvm_irq_routing_entry) {
            .gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP,
            .u.irqchip = {
                .irqchip = !pic ? KVM_IRQCHIP_IOAPIC
                    : i < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER
                    : KVM_IRQCHIP_PIC_SLAVE,
                .pin = pic ? i % PIC_PINS : i - GSI_IOAPIC,
            },
        };
    }
    return ioctl(k->vm, KVM_SET_GSI_ROUTING, &r) == 0;
}

static bool create(Kvm *k)
{
    struct kvm_enable_cap split = {
        .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { IOAPIC_PINS },
    };

    return kvm_has(k, KVM_CAP_SIGNAL_MSI)
        && (k->irqchip == IRQCHIP_SPLIT
            ? ioctl(k->vm, KVM_ENABLE_CAP, &split) == 0
            : ioctl(k->vm, KVM_CREATE_IRQCHIP, 0) == 0 && route(k));
}

bool kvm_chip_start(Kvm *k, Err *err)
{
    KvmChip *c = g_new0(KvmChip, 1);
    Machine *m = k->m;

    k->arch->chip = c;
    c->ours = true;
    if (!create(k)) {
        return fail(err, "-accel kvm: the kernel has no %s (%s); add "
                    "kernel-irqchip=off", k->irqchip == IRQCHIP_SPLIT
                    ? "local APICs alone" : "interrupt controllers",
                    g_strerror(errno));
    }
    c->ioapic = nth_of(m, "ioapic", 0);
    for (u32 i = 0; i < PICS; i++) {
        c->pic[i] = nth_of(m, "isa-pic", i);
    }
    for (u32 i = 0; i < PICS && k->irqchip == IRQCHIP_ON; i++) {
        take(k, c->pic[i]);
    }
    if (k->irqchip == IRQCHIP_ON) {
        take(k, c->ioapic);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        take(k, apic_device(m->cpu[i]));
    }
    apic_bus_taken(apic_bus_of(apic_device(m->cpu[0])), take_message, k);
    return true;
}

/* ---- PICs and I/O APIC -------------------------------------------------- */

enum { ICW1_IC4 = 1, ICW4_AEOI = 2, ICW4_SFNM = 16, ELCR_MASKS = 0xdef8 };

static void pic_to_kernel(const I8259Regs *r, struct kvm_pic_state *s, u32 n)
{
    *s = (struct kvm_pic_state) {
        .last_irr = r->level, .irr = r->irr, .imr = r->imr, .isr = r->isr,
        .priority_add = (r->lowest + 1) % PIC_PINS,
        .irq_base = r->icw2 & 0xf8, .read_reg_select = r->read_isr,
        .poll = r->poll, .special_mask = r->special_mask,
        .init_state = r->step, .auto_eoi = !!(r->icw4 & ICW4_AEOI),
        .rotate_on_auto_eoi = r->rotate_aeoi,
        .special_fully_nested_mode = !!(r->icw4 & ICW4_SFNM),
        .init4 = r->icw1 & ICW1_IC4, .elcr = r->elcr,
        .elcr_mask = (u8)(ELCR_MASKS >> 8 * n),
    };
}

/* ICW3 and the rest of ICW1 and 4 the kernel does not keep. */
static void pic_from_kernel(I8259Regs *r, const struct kvm_pic_state *s)
{
    r->level = s->last_irr;
    r->irr = s->irr;
    r->imr = s->imr;
    r->isr = s->isr;
    r->lowest = (s->priority_add + PIC_PINS - 1) % PIC_PINS;
    r->icw1 = (u8)((r->icw1 & ~ICW1_IC4) | (s->init4 ? ICW1_IC4 : 0));
    r->icw2 = s->irq_base;
    r->icw4 = (u8)((r->icw4 & ~(ICW4_AEOI | ICW4_SFNM))
                   | (s->auto_eoi ? ICW4_AEOI : 0)
                   | (s->special_fully_nested_mode ? ICW4_SFNM : 0));
    r->step = s->init_state;
    r->read_isr = s->read_reg_select;
    r->poll = s->poll;
    r->special_mask = s->special_mask;
    r->rotate_aeoi = s->rotate_on_auto_eoi;
    r->elcr = s->elcr;
}

static bool vm_do(Kvm *k, unsigned long request, const char *name, void *arg)
{
    if (ioctl(k->vm, request, arg) < 0) {
        fprintf(stderr, "anole: %s: %s\n", name, g_strerror(errno));
        return false;
    }
    return true;
}
#define VM_DO(k, request, arg)  vm_do(k, request, #request, arg)

static void put_pics(Kvm *k)
{
    for (u32 i = 0; i < PICS; i++) {
        struct kvm_irqchip s = { .chip_id = i };
        pic_to_kernel(i8259_regs(k->arch->chip->pic[i]), &s.chip.pic, i);
        VM_DO(k, KVM_SET_IRQCHIP, &s);
    }
}

static void get_pics(Kvm *k)
{
    for (u32 i = 0; i < PICS; i++) {
        struct kvm_irqchip s = { .chip_id = i };
        if (VM_DO(k, KVM_GET_IRQCHIP, &s)) {
            pic_from_kernel(i8259_regs(k->arch->chip->pic[i]), &s.chip.pic);
        }
    }
}

/* Of what is asserted only levels are requests still. */
static void put_ioapic(Kvm *k)
{
    enum { LEVEL = 1 << 15 };
    struct kvm_irqchip s = { .chip_id = KVM_IRQCHIP_IOAPIC };
    struct kvm_ioapic_state *to = &s.chip.ioapic;
    IoApicRegs r;

    ioapic_get(k->arch->chip->ioapic, &r);
    to->base_address = IOAPIC_BASE;
    to->ioregsel = r.select;
    to->id = r.id;
    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        to->redirtbl[i].bits = r.table[i];
        to->irr |= r.table[i] & LEVEL ? r.inputs & 1u << i : 0;
    }
    VM_DO(k, KVM_SET_IRQCHIP, &s);
}

static void get_ioapic(Kvm *k)
{
    struct kvm_irqchip s = { .chip_id = KVM_IRQCHIP_IOAPIC };
    IoApicRegs r = { .inputs = (u32)(k->arch->chip->lines >> GSI_IOAPIC) };

    if (VM_DO(k, KVM_GET_IRQCHIP, &s)) {
        r.select = s.chip.ioapic.ioregsel;
        r.id = s.chip.ioapic.id;
        for (u32 i = 0; i < IOAPIC_PINS; i++) {
            r.table[i] = s.chip.ioapic.redirtbl[i].bits;
        }
        ioapic_set(k->arch->chip->ioapic, &r);
    }
}

/* Lines that changed while the devices had them. */
static void put_lines(Kvm *k)
{
    KvmChip *c = k->arch->chip;
    IoApicRegs r;
    u64 now;

    ioapic_get(c->ioapic, &r);
    now = (u64)r.inputs << GSI_IOAPIC;
    for (u32 i = 0; i < PICS; i++) {
        now |= (u64)i8259_regs(c->pic[i])->level << (GSI_PIC + i * PIC_PINS);
    }
    now &= ~BIT(GSI_PIC + CASCADE);
    for (u32 i = 0; i < GSIS; i++) {
        if ((now ^ c->lines) >> i & 1) {
            drive(k, i, now >> i & 1);
        }
    }
}

/* ---- local APICs -------------------------------------------------------- */

/* The kernel's TSC runs at a rate of its own. */
static i64 scale(i64 v, u64 by, u64 of)
{
    return of ? (i64)((__int128)v * (__int128)by / (__int128)of) : 0;
}

static u64 tsc_khz(KvmCpu *k)
{
    int khz = ioctl(k->fd, KVM_GET_TSC_KHZ, 0);

    return khz > 0 ? (u64)khz : 1000000;
}

static void put_deadline(KvmCpu *k, Device *apic)
{
    X86Cpu *c = x86_cpu(k->cpu);
    u64 when = apic_deadline(apic);
    i64 ns = (i64)(when - (u64)clock_now(CLOCK_VIRTUAL_NS));
    KvmMsrs m = { .head.nmsrs = 1, .at[0].index = MSR_DEADLINE };

    if (x86_has(c, F_TSC_DEADLINE)) {
        m.at[0].data = when ? x86_tsc(c) + (u64)scale(ns, tsc_khz(k), 1000000)
                            : 0;
        KVM_DO(k, KVM_SET_MSRS, &m);
    }
}

static void get_deadline(KvmCpu *k, Device *apic)
{
    X86Cpu *c = x86_cpu(k->cpu);
    KvmMsrs m = { .head.nmsrs = 1, .at[0].index = MSR_DEADLINE };
    u64 v = 0;

    if (x86_has(c, F_TSC_DEADLINE) && KVM_DO(k, KVM_GET_MSRS, &m)
        && m.at[0].data) {
        i64 left = (i64)(m.at[0].data - x86_tsc(c));
        v = (u64)(clock_now(CLOCK_VIRTUAL_NS)
                  + scale(left, 1000000, tsc_khz(k)));
    }
    apic_set_deadline(apic, v);
}

static void put_apic(KvmCpu *k)
{
    struct kvm_lapic_state s = { 0 };
    Device *d = apic_device(k->cpu);

    _Static_assert(sizeof s.regs == APIC_PAGE_BYTES, "a page");
    k->arch->apic_base = apic_get(d, (u8 *)s.regs);
    kvm_arch_put(k);
    k->fetched = false;
    KVM_DO(k, KVM_SET_LAPIC, &s);
    put_deadline(k, d);
    kvm_set_debug(k->cpu);
}

static void get_apic(KvmCpu *k)
{
    struct kvm_lapic_state s = { 0 };
    Device *d = apic_device(k->cpu);

    if (KVM_DO(k, KVM_GET_LAPIC, &s)) {
        apic_set(d, (const u8 *)s.regs, k->arch->apic_base);
        get_deadline(k, d);
    }
}

/* ---- from one to the other ---------------------------------------------- */

void kvm_paused(Machine *m)
{
    Kvm *k = kvm_of(m);
    KvmChip *c = k->arch->chip;

    kvm_clock_fetch(k);
    if (!c || c->ours) {
        return;
    }
    c->ours = true;
    if (k->irqchip == IRQCHIP_ON) {
        get_pics(k);
        get_ioapic(k);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        get_apic(kvm_cpu(m->cpu[i]));
        if (k->irqchip == IRQCHIP_SPLIT) {
            device_input(apic_device(m->cpu[i]), 0, kvm_pic_asks(k));
        }
    }
}

void kvm_resuming(Machine *m)
{
    Kvm *k = kvm_of(m);
    KvmChip *c = k->arch->chip;

    kvm_clock_put(k);
    if (!c || !c->ours) {
        return;
    }
    if (k->irqchip == IRQCHIP_ON) {
        put_lines(k);
        put_pics(k);
        put_ioapic(k);
    } else {
        route_messages(k);
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        put_apic(kvm_cpu(m->cpu[i]));
    }
    c->ours = false;
}
