/* SPDX-License-Identifier: MIT */
/*
 * What joins local APICs, I/O APICs and message-signalled interrupts.
 * Reference: Intel SDM, volume 3, "Determining IPI Destination", "Lowest
 * Priority Delivery Mode", "Message Signalled Interrupts".
 *
 * Left out: interrupt remapping, hence 32-bit ids in messages of devices.
 */
#include <glib.h>
#include "hw/intc/apic_state.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "softmmu/machine.h"
#include "util/log.h"

struct ApicBus {
    GPtrArray *apics, *ioapics;     /* Apic *, Device * */
    Device    *pic;                 /* or NULL */
    bool     (*taken)(void *taker, u64 address, u32 data);  /* or NULL */
    void      *taker;
    u32        last;                /* who took the last lowest-priority one */
};

static Apic *nth(const ApicBus *b, u32 n)
{
    return b->apics->pdata[n];
}

/* ---- destinations ------------------------------------------------------- */

/* "Logical Destination Mode" of xAPIC, flat and cluster. */
static bool logical_xapic(const Apic *a, u32 dest)
{
    u32 ldr = a->ldr >> 24;

    if (dest == 0xff) {
        return true;
    }
    if (a->dfr >> 28 == 0xf) {
        return ldr & dest;
    }
    return ldr >> 4 == dest >> 4 && ldr & dest & 15;
}

static bool logical_x2(const Apic *a, u32 dest)
{
    u32 ldr = apic_x2_ldr(a);

    return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
}

static bool is_broadcast(const ApicMessage *m)
{
    return m->dest == (m->wide ? ~0u : 0xffu);
}

static bool addressed(const Apic *a, const ApicMessage *m)
{
    if (is_broadcast(m)) {
        return true;
    }
    if (!m->logical) {
        return m->dest == (apic_is_x2(a) ? a->id : a->id & 0xff);
    }
    return apic_is_x2(a) ? logical_x2(a, m->dest)
                         : !(m->dest >> 8) && logical_xapic(a, m->dest);
}

static bool gets(const Apic *a, const ApicMessage *m, ApicWhom whom,
                 const Apic *me)
{
    if (!apic_enabled(a) || (a->cpu && a->cpu->absent)) {
        return false;
    }
    return whom == WHOM_DEST ? addressed(a, m)
         : whom == WHOM_SELF ? a == me
         : whom == WHOM_ALL || a != me;
}

/* The one of lowest priority; of equals the next in turn. */
static Apic *arbitrate(ApicBus *b, const ApicMessage *m, ApicWhom whom,
                       const Apic *me)
{
    Apic *won = NULL;
    u32 n = b->apics->len, at = b->last;

    for (u32 i = 1; i <= n; i++) {
        Apic *a = nth(b, (b->last + i) % n);
        if (gets(a, m, whom, me) && apic_accepts(a)
            && (!won || apic_ppr(a) < apic_ppr(won))) {
            won = a;
            at = (b->last + i) % n;
        }
    }
    b->last = at;
    return won;
}

void apic_bus_send(ApicBus *b, const ApicMessage *m, ApicWhom whom, Apic *me)
{
    if (!b) {
        return;
    }
    if (m->mode == APIC_LOWEST) {
        Apic *a = arbitrate(b, m, whom, me);
        if (a) {
            apic_receive(a, m);
        }
        return;
    }
    for (u32 i = 0; i < b->apics->len; i++) {
        if (gets(nth(b, i), m, whom, me)) {
            apic_receive(nth(b, i), m);
        }
    }
}

/* ---- messages ----------------------------------------------------------- */

void apic_msi(void *bus, u64 address, u32 data)
{
    enum { REDIRECT = 1 << 3, LOGICAL = 1 << 2, LEVEL = 1 << 15 };
    ApicBus *b = bus;
    ApicMessage m = {
        .dest = address >> 12 & 0xff, .logical = address & LOGICAL,
        .mode = data >> 8 & 7, .vector = (u8)data, .level = data & LEVEL,
    };

    if (b->taken && b->taken(b->taker, address, data)) {
        return;
    }
    /* A redirection hint lets the chipset choose one of several. */
    if (address & REDIRECT && m.mode == APIC_FIXED && m.logical) {
        m.mode = APIC_LOWEST;
    }
    apic_bus_send(bus, &m, WHOM_DEST, NULL);
}

void apic_bus_eoi(ApicBus *b, u8 vector)
{
    for (u32 i = 0; b && i < b->ioapics->len; i++) {
        ioapic_eoi(b->ioapics->pdata[i], vector);
    }
}

int apic_bus_ack_pic(ApicBus *b)
{
    return b && b->pic ? i8259_ack(b->pic) : -1;
}

void apic_lint(void *bus, int n, bool level)
{
    ApicBus *b = bus;

    for (u32 i = 0; i < b->apics->len; i++) {
        device_input(nth(b, i), n, level);
    }
}

/* ---- the window --------------------------------------------------------- */

/* The APIC that the access is for; NULL: it is none of the running CPU's. */
static Apic *accessed(ApicBus *b, u64 at)
{
    const Cpu *c = cpu_current();

    return c && at < 0x1000 && c->intc == &apic_intc
        && c->intc_state && ((Apic *)c->intc_state)->bus == b
        ? c->intc_state : NULL;
}

static u64 window_read(void *opaque, u64 at, unsigned size)
{
    Apic *a = accessed(opaque, at);

    return a && apic_enabled(a) && !apic_is_x2(a) ? device_read(a, at, size)
                                                  : MASK(size * 8);
}

static void window_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Apic *a = accessed(opaque, at);

    if (!a) {
        apic_msi(opaque, APIC_BASE + at, (u32)v);
    } else if (apic_enabled(a) && !apic_is_x2(a)) {
        device_write(a, at, size, v);
    }
}

void apic_map(ApicBus *b, MemSpace *mem)
{
    MemRegion r = {
        .name = "apic", .base = APIC_BASE, .size = APIC_WINDOW, .priority = 1,
        .read = window_read, .write = window_write, .opaque = b,
    };

    mem_add(mem, &r);
}

/* ---- putting it together ------------------------------------------------ */

ApicBus *apic_bus_new(void)
{
    ApicBus *b = g_new0(ApicBus, 1);

    b->apics = g_ptr_array_new();
    b->ioapics = g_ptr_array_new();
    return b;
}

void apic_bus_free(ApicBus *b)
{
    if (b) {
        g_ptr_array_free(b->apics, true);
        g_ptr_array_free(b->ioapics, true);
        g_free(b);
    }
}

void apic_attach(ApicBus *b, Device *apic, Cpu *c)
{
    static const char *const wires[] = { "intr", "nmi", "smi" };
    Apic *a = (Apic *)apic;

    a->bus = b;
    a->cpu = c;
    a->id = c && c->arch_id ? c->arch_id : b->apics->len;
    g_ptr_array_add(b->apics, a);
    for (u32 i = 0; c && i < countof(wires); i++) {
        line_connect(device_line(apic, wires[i], 0), cpu_line, c, (int)i);
    }
    if (c) {
        c->intc = &apic_intc;
        c->intc_state = a;
    }
    device_reset(apic);             /* now it knows whether it is the first */
}

void apic_bus_taken(ApicBus *b, bool (*msi)(void *taker, u64 address,
                                            u32 data), void *taker)
{
    b->taken = msi;
    b->taker = taker;
}

ApicBus *apic_bus_of(const Device *apic)
{
    return ((const Apic *)apic)->bus;
}

void apic_set_pic(ApicBus *b, Device *pic)
{
    b->pic = pic;
    line_connect(device_line(pic, "intr", 0), apic_lint, b, 0);
}

void apic_add_ioapic(ApicBus *b, Device *ioapic)
{
    g_ptr_array_add(b->ioapics, ioapic);
}

Device *apic_of(ApicBus *b, u32 n)
{
    return n < b->apics->len ? &nth(b, n)->dev : NULL;
}

ApicBus *apics_new(Machine *m, Device *pic, Err *err)
{
    ApicBus *b = apic_bus_new();

    for (u32 i = 0; i < m->ncpus; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "apic%u", i);
        Device *d = machine_device(m, "apic", id, NULL, ~0ull, err);
        if (!d) {
            apic_bus_free(b);
            return NULL;
        }
        apic_attach(b, d, m->cpu[i]);
    }
    if (pic) {
        apic_set_pic(b, pic);
    }
    apic_map(b, m->mem);
    return b;
}
