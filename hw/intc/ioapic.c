/* SPDX-License-Identifier: MIT */
/*
 * Intel 82093AA I/O APIC, with the EOI register of later ones (version 20H).
 * References: 82093AA data sheet (290566); Intel I/O Controller Hub 9 data
 * sheet (316972), "APIC Registers".
 *
 * Edges at a masked input are lost, as the data sheet says.  Left out:
 * polarity (see the header), delivery status, which is never seen pending.
 */
#include "hw/intc/ioapic.h"

enum { AT_SELECT = 0x00, AT_DATA = 0x10, AT_EOI = 0x40 };
enum { REG_ID = 0, REG_VERSION = 1, REG_ARBITRATION = 2, REG_TABLE = 0x10 };
#define REMOTE_IRR  (1ull << 14)
#define LEVEL       (1ull << 15)
#define MASKED      (1ull << 16)
#define WRITABLE    0xff0000000001afffull
enum { LOGICAL = 1 << 11, MODE_LOWEST = 1 };
enum { MSI_BASE = 0xfee00000u, MSI_LOGICAL = 1 << 2, MSI_ASSERT = 1 << 14 };

typedef struct IoApic {
    Device dev;
    void (*msi)(void *opaque, u64 address, u32 data);
    void  *opaque;
    u32    version;             /* property */

    u32    inputs;              /* levels */
    u32    select, id;
    u64    table[IOAPIC_PINS];
} IoApic;

void ioapic_get(const Device *d, IoApicRegs *r)
{
    const IoApic *s = (const IoApic *)d;

    *r = (IoApicRegs) { .inputs = s->inputs, .select = s->select,
                        .id = s->id };
    memcpy(r->table, s->table, sizeof r->table);
}

void ioapic_set(Device *d, const IoApicRegs *r)
{
    IoApic *s = (IoApic *)d;

    s->inputs = r->inputs;
    s->select = r->select;
    s->id = r->id;
    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        s->table[i] = r->table[i] & (WRITABLE | REMOTE_IRR);
    }
}

static void send(IoApic *s, u64 entry)
{
    u32 dest = (u32)(entry >> 56);
    u64 address = MSI_BASE | (u64)dest << 12
        | (entry & LOGICAL ? MSI_LOGICAL : 0);

    if (s->msi) {
        s->msi(s->opaque, address, (u32)(entry & 0x7ff)
               | (u32)(entry & LEVEL) | MSI_ASSERT);
    }
}

/* Level-triggered: asks while asserted, but not again before its EOI. */
static void follow(IoApic *s, u32 pin)
{
    u64 *e = &s->table[pin];

    if (!(s->inputs >> pin & 1) || !(*e & LEVEL)
        || *e & (MASKED | REMOTE_IRR)) {
        return;
    }
    if ((*e >> 8 & 7) <= MODE_LOWEST) { /* SMI, NMI ... get no EOI */
        *e |= REMOTE_IRR;
    }
    send(s, *e);
}

static void input(void *opaque, int n, bool level)
{
    IoApic *s = opaque;

    if (n < 0 || n >= IOAPIC_PINS) {
        return;
    }
    u32 bit = 1u << n;
    bool rose = level && !(s->inputs & bit);
    s->inputs = level ? s->inputs | bit : s->inputs & ~bit;
    if (rose && s->table[n] & LEVEL) {
        follow(s, (u32)n);
    } else if (rose && !(s->table[n] & MASKED)) {
        send(s, s->table[n]);
    }
}

void ioapic_eoi(Device *d, u8 vector)
{
    IoApic *s = (IoApic *)d;

    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        if ((s->table[i] & (LEVEL | REMOTE_IRR)) == (LEVEL | REMOTE_IRR)
            && (u8)s->table[i] == vector) {
            s->table[i] &= ~REMOTE_IRR;
            follow(s, i);
        }
    }
}

void ioapic_connect(Device *d, void (*msi)(void *opaque, u64 address, u32 data),
                    void *opaque)
{
    IoApic *s = (IoApic *)d;

    s->msi = msi;
    s->opaque = opaque;
}

/* ---- registers ---------------------------------------------------------- */

static u32 read_reg(const IoApic *s)
{
    u32 n = s->select - REG_TABLE;

    switch (s->select) {
    case REG_ID: case REG_ARBITRATION:
        return s->id << 24;
    case REG_VERSION:
        return (IOAPIC_PINS - 1) << 16 | s->version;
    default:
        return n < 2 * IOAPIC_PINS ? (u32)(s->table[n / 2] >> n % 2 * 32) : 0;
    }
}

static void write_entry(IoApic *s, u32 n, u32 v)
{
    u64 *e = &s->table[n / 2];
    u64 wanted = deposit(*e, (int)(n % 2) * 32, 32, v);

    *e = (*e & ~WRITABLE) | (wanted & WRITABLE);
    if (!(*e & LEVEL)) {
        *e &= ~REMOTE_IRR;
    }
    follow(s, n / 2);
}

static void write_reg(IoApic *s, u32 v)
{
    if (s->select == REG_ID) {
        s->id = v >> 24 & 15;
    } else if (s->select - REG_TABLE < 2 * IOAPIC_PINS) {
        write_entry(s, s->select - REG_TABLE, v);
    }
}

static u64 mmio_read(void *opaque, u64 at, unsigned size)
{
    const IoApic *s = opaque;

    (void)size;
    return at == AT_SELECT ? s->select : at == AT_DATA ? read_reg(s) : 0;
}

static void mmio_write(void *opaque, u64 at, unsigned size, u64 v)
{
    IoApic *s = opaque;

    (void)size;
    if (at == AT_SELECT) {
        s->select = (u8)v;
    } else if (at == AT_DATA) {
        write_reg(s, (u32)v);
    } else if (at == AT_EOI && s->version >= 0x20) {
        ioapic_eoi(&s->dev, (u8)v);
    }
}

static void reset(void *opaque)
{
    IoApic *s = opaque;

    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        s->table[i] = MASKED;
    }
}

static bool loaded(void *opaque)
{
    IoApic *s = opaque;

    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        if (s->table[i] & ~(WRITABLE | REMOTE_IRR)) {
            return false;
        }
    }
    return s->select <= 0xff && s->id <= 15;
}

DEVICE(ioapic) {
    .name   = "ioapic",
    .about  = "I/O APIC",
    .size   = sizeof(IoApic),
    .window = 0x1000,
    .min_access = 1, .max_access = 4,
    .mmio_read  = mmio_read,
    .mmio_write = mmio_write,
    .state  = (const Field[]) {
        KEEP_SAVE(IoApic, inputs), SAVE(IoApic, select), SAVE(IoApic, id),
        SAVE(IoApic, table), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("version", PROP_U32, IoApic, version, "0x20", "0x11: without EOI register"),
        { 0 }
    },
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
};
