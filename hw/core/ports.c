/* SPDX-License-Identifier: MIT */
/* Devices that find their place among a PC's ports; see hw/core/ports.h. */
#include "hw/core/ports.h"

enum { ISA_LAST = 15, ANY = ~0u };

static bool is_free(const Device *own, u64 port)
{
    const Machine *m = own->machine;

    for (u32 i = 0; i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        if (d->type == own->type && d->base == port) {
            return false;
        }
    }
    return true;
}

/* The customary place: the one asked for, or the first free. */
static u32 choose(const Device *d, const PortChoice *c, const PortPlaces *p)
{
    u32 i = 0;

    if (c->index != (u32)ANY || c->iobase) {
        return c->index != (u32)ANY ? c->index : 0;
    }
    while (i < p->count && !is_free(d, p->at[i].port)) {
        i++;
    }
    return i;
}

bool ports_place(Device *d, PortChoice *c, const PortPlaces *places, Err *err)
{
    Machine *m = d->machine;
    u32 i = choose(d, c, places);

    if (!c->iobase && i >= places->count) {
        return fail(err, "there are %s, index 0 to %u; for others say iobase= "
                    "and irq=", places->names, places->count - 1);
    }
    c->iobase = c->iobase ? c->iobase : places->at[i].port;
    c->irq = c->irq ? c->irq : places->at[i % places->count].irq;
    if (c->irq > ISA_LAST) {
        return fail(err, "irq=%u: ISA has 0 to %d", c->irq, ISA_LAST);
    }
    if (!is_free(d, c->iobase)) {
        return fail(err, "iobase=0x%x: there is an %s already", c->iobase,
                    d->type->name);
    }
    if (m->isa_irq) {
        line_connect(device_line(d, "irq", 0), m->isa_irq, m, (int)c->irq);
    }
    return ports_map(d, c->iobase, d->type->window, err);
}
