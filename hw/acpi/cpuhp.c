/* SPDX-License-Identifier: MIT */
/*
 * The registers by which firmware and methods of the DSDT (cpuhp_aml.c) learn
 * what CPUs there are and which have changed, device "acpi-cpu-hotplug".
 * Reference: QEMU's specification "ACPI CPU hotplug interface": a bitmap of
 * CPUs; after a 0 written to its first word, the modern register block.
 *
 * Left out: ejecting by firmware.
 */
#include "hw/acpi/hotplug.h"
#include "hw/acpi/pm.h"
#include "softmmu/hotplug.h"

enum { AT_SELECTOR = 0, AT_FLAGS = 4, AT_COMMAND = 5, AT_DATA = 8,
       BITMAP_BYTES = 32 };
enum { ENABLED = 1 << 0, INSERTING = 1 << 1, REMOVING = 1 << 2,
       EJECT = 1 << 3 };
enum { NEXT_EVENT = 0, OST_EVENT = 1, OST_STATUS = 2, ARCH_ID = 3 };

typedef struct CpuHp {
    Device  dev;
    Device *pm;
    u32     cpus;               /* property */
    u32     selector, command;
    u32     inserting, removing;        /* a bit for each CPU */
    u32     ost_event;
    bool    modern;
} CpuHp;

/* Alone, in tests, all its CPUs are there. */
static Cpu *cpu_of(const CpuHp *s, u32 n)
{
    return s->dev.machine ? machine_cpu(s->dev.machine, (int)n) : NULL;
}

static bool is_there(const CpuHp *s, u32 n)
{
    const Cpu *c = cpu_of(s, n);

    return n < s->cpus && !(c && c->absent);
}

static u32 bit_of(const CpuHp *s)
{
    return s->selector < 32 ? 1u << s->selector : 0;
}

/* The next CPU that has an event; else the selection stays. */
static void find_event(CpuHp *s)
{
    u32 any = s->inserting | s->removing;
    u32 from = s->selector < 31 ? s->selector : 0;
    u32 later = any & ~(u32)MASK(from);

    if (any) {
        s->selector = (u32)__builtin_ctz(later ? later : any);
    }
}

static u64 read_bitmap(const CpuHp *s, u64 at, unsigned size)
{
    u64 v = 0;

    for (u32 i = 0; i < size * 8; i++) {
        v |= is_there(s, (u32)at * 8 + i) ? BIT(i) : 0;
    }
    return v;
}

static u64 read_flags(const CpuHp *s)
{
    u32 bit = bit_of(s);

    return (is_there(s, s->selector) ? ENABLED : 0)
        | (s->inserting & bit ? INSERTING : 0)
        | (s->removing & bit ? REMOVING : 0);
}

static u64 read_data(const CpuHp *s)
{
    const Cpu *c = cpu_of(s, s->selector);

    return s->command == NEXT_EVENT ? s->selector
         : s->command == ARCH_ID ? c ? c->arch_id : s->selector : 0;
}

static u64 cpuhp_read(void *opaque, u64 at, unsigned size)
{
    const CpuHp *s = opaque;

    if (!s->modern) {
        return read_bitmap(s, at, size);
    }
    if (s->selector >= s->cpus) {
        return 0;
    }
    return at == AT_FLAGS && size == 1 ? read_flags(s)
         : at == AT_DATA && size == 4 ? read_data(s) : 0;
}

static void write_flags(CpuHp *s, u8 v)
{
    Cpu *c = cpu_of(s, s->selector);
    u32 bit = bit_of(s);

    s->inserting &= v & INSERTING ? ~bit : ~0u;
    s->removing &= v & REMOVING ? ~bit : ~0u;
    if (v & EJECT && c && c->index && !c->absent) {
        hotplug_cpu_ejected(c);
    }
}

static void write_data(CpuHp *s, u32 v)
{
    Cpu *c = cpu_of(s, s->selector);

    if (s->command == OST_EVENT) {
        s->ost_event = v;
    } else if (s->command == OST_STATUS && c) {
        hotplug_cpu_status(c, s->ost_event, v);
    }
}

static void cpuhp_write(void *opaque, u64 at, unsigned size, u64 v)
{
    CpuHp *s = opaque;

    if (at == AT_SELECTOR && size == 4) {
        s->selector = s->modern ? (u32)v : 0;
        s->modern |= v == 0;
    } else if (!s->modern || s->selector >= s->cpus) {
        return;
    } else if (at == AT_FLAGS && size == 1) {
        write_flags(s, (u8)v);
    } else if (at == AT_COMMAND && size == 1) {
        s->command = (u8)v;
        if (v == NEXT_EVENT) {
            find_event(s);
        }
    } else if (at == AT_DATA && size == 4) {
        write_data(s, (u32)v);
    }
}

void acpi_cpuhp_attach(Device *d, Device *pm)
{
    ((CpuHp *)d)->pm = pm;
}

void acpi_cpuhp_plugged(Device *d, u32 n)
{
    CpuHp *s = (CpuHp *)d;

    s->inserting |= 1u << n;
    acpi_pm_gpe(s->pm, ACPI_GPE_CPU);
}

void acpi_cpuhp_ask(Device *d, u32 n)
{
    CpuHp *s = (CpuHp *)d;

    s->removing |= 1u << n;
    acpi_pm_gpe(s->pm, ACPI_GPE_CPU);
}

DEVICE(cpuhp) {
    .name   = "acpi-cpu-hotplug",
    .about  = "what CPUs there are, for firmware and ACPI",
    .size   = sizeof(CpuHp),
    .window = BITMAP_BYTES,
    .mmio_read  = cpuhp_read,
    .mmio_write = cpuhp_write,
    .state  = (const Field[]) {
        SAVE(CpuHp, modern), SAVE(CpuHp, selector), SAVE(CpuHp, command),
        SAVE(CpuHp, inserting), SAVE(CpuHp, removing), SAVE(CpuHp, ost_event),
        { 0 }
    },
    .props  = (const Prop[]) {
        PROP("cpus", PROP_U32, CpuHp, cpus, "1", "how many there can be"),
        { 0 }
    },
};
