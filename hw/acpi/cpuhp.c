/* SPDX-License-Identifier: MIT */
/*
 * The registers by which firmware and ACPI's methods learn what CPUs there
 * are, device "acpi-cpu-hotplug".
 * Reference: QEMU's specification "ACPI CPU hotplug interface": a bitmap of
 * CPUs; after a 0 written to its first word, the modern register block.
 *
 * Every CPU is there and stays, so that no event is ever pending; what is
 * written to acknowledge one, or to eject, changes nothing.
 */
#include "hw/acpi/pm.h"

enum {
    SELECTOR = 0, DATA2 = 0, STATUS = 4, COMMAND = 5, DATA = 8,
    BITMAP_BYTES = 32,
};
enum { ENABLED = 1 << 0 };
enum { CMD_PENDING = 0, CMD_ARCH_ID = 3 };

typedef struct CpuHotplug {
    Device dev;
    u32    cpus;                /* property */
    bool   modern;
    u8     command;
    u32    selector;
} CpuHotplug;

static u64 read_bitmap(const CpuHotplug *s, u64 at, unsigned size)
{
    u64 v = 0;

    for (u32 i = 0; i < size * 8; i++) {
        v |= at * 8 + i < s->cpus ? BIT(i) : 0;
    }
    return v;
}

static u64 cpuhp_read(void *opaque, u64 at, unsigned size)
{
    const CpuHotplug *s = opaque;

    if (!s->modern) {
        return read_bitmap(s, at, size);
    }
    if (s->selector >= s->cpus) {
        return 0;
    }
    if (at == STATUS && size == 1) {
        return ENABLED;
    }
    /* APIC ids count up from 0 with the CPUs. */
    return at == DATA && size == 4
        && (s->command == CMD_PENDING || s->command == CMD_ARCH_ID)
        ? s->selector : 0;
}

static void cpuhp_write(void *opaque, u64 at, unsigned size, u64 v)
{
    CpuHotplug *s = opaque;

    if (at == SELECTOR && size == 4 && !s->modern) {
        s->modern = v == 0;
    } else if (at == SELECTOR && size == 4) {
        s->selector = (u32)v;
    } else if (at == COMMAND && size == 1 && s->modern
               && s->selector < s->cpus) {
        s->command = (u8)v;
    }
}

DEVICE(cpuhp) {
    .name   = "acpi-cpu-hotplug",
    .about  = "what CPUs there are, for firmware and ACPI",
    .size   = sizeof(CpuHotplug),
    .window = BITMAP_BYTES,
    .mmio_read  = cpuhp_read,
    .mmio_write = cpuhp_write,
    .state  = (const Field[]) {
        SAVE(CpuHotplug, modern), SAVE(CpuHotplug, command),
        SAVE(CpuHotplug, selector), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("cpus", PROP_U32, CpuHotplug, cpus, "1", "how many there are"),
        { 0 }
    },
};
