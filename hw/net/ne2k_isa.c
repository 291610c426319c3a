/* SPDX-License-Identifier: MIT */
/* NE2000 for ISA: "ne2k_isa".  Reference: that of ne2k.h. */
#include "hw/core/ports.h"
#include "hw/net/ne2k.h"

typedef struct Ne2kIsa {
    Device dev;
    Line   irq;
    Ne2k   ne;
    u64    iobase;
    u32    number;              /* of the interrupt */
} Ne2kIsa;

static u64 ports_read(void *opaque, u64 at, unsigned size)
{
    Ne2kIsa *s = opaque;

    return ne2k_read(&s->ne, at, size);
}

static void ports_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Ne2kIsa *s = opaque;

    ne2k_write(&s->ne, at, size, v);
}

static void irq(void *dev, bool level)
{
    Ne2kIsa *s = dev;

    line_set(&s->irq, level);
}

static bool start(void *opaque, Err *err)
{
    Ne2kIsa *s = opaque;
    Machine *m = s->dev.machine;

    if (s->number > 15) {
        return fail(err, "%s.irq=%u: ISA has 0 to 15", s->dev.type->name,
                    s->number);
    }
    if (m && m->isa_irq) {
        line_connect(&s->irq, m->isa_irq, m, (int)s->number);
    }
    return ne2k_start(&s->ne, &s->dev, irq, err)
        && ports_map(&s->dev, s->iobase, NE2K_PORTS, err);
}

static void reset(void *opaque)
{
    Ne2kIsa *s = opaque;

    ne2k_reset(&s->ne);
}

static bool loaded(void *opaque)
{
    Ne2kIsa *s = opaque;

    ne2k_loaded(&s->ne);
    return true;
}

static void stop(void *opaque)
{
    Ne2kIsa *s = opaque;

    nic_stop(&s->ne.nic);
}

DEVICE(ne2k_isa) {
    .name   = "ne2k_isa",
    .about  = "Ethernet card NE2000 for ISA",
    .size   = sizeof(Ne2kIsa),
    .window = NE2K_PORTS,
    .user   = true,
    .mmio_read = ports_read, .mmio_write = ports_write,
    .props  = (const Prop[]) {
        NIC_PROPS(Ne2kIsa, ne.nic),
        PROP("iobase", PROP_U64, Ne2kIsa, iobase, "0x300", "its first port"),
        PROP("irq", PROP_U32, Ne2kIsa, number, "9", "its interrupt"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Ne2kIsa, irq), { 0 } },
    .state  = (const Field[]) { NE2K_FIELDS(Ne2kIsa, ne), { 0 } },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
