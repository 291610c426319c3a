/* SPDX-License-Identifier: MIT */
/*
 * The VGA adapter on ISA, device "isa-vga": its frame buffer is at E0000000,
 * where ISA's own 24 address bits do not reach and Bochs's BIOS expects it.
 */
#include "hw/display/vga.h"
#include "softmmu/machine.h"

enum { FRAME_BUFFER = 0xe0000000u };

typedef struct VgaIsa {
    Device dev;
    Vga    vga;
    u32    mib;
} VgaIsa;

static bool start(void *opaque, Err *err)
{
    VgaIsa *s = opaque;
    Machine *m = s->dev.machine;

    if (!vga_start(&s->vga, &s->dev, s->mib, err)) {
        return false;
    }
    if (m && m->io) {
        MemRegion frame = {
            .name = "vga.vram", .base = FRAME_BUFFER, .size = s->vga.size,
            .ram = s->vga.vram,
        };
        vga_map(&s->vga, m->mem, m->io);
        mem_add(m->mem, &frame);
    }
    return true;
}

static void reset(void *opaque)
{
    VgaIsa *s = opaque;

    vga_reset(&s->vga);
}

static bool loaded(void *opaque)
{
    VgaIsa *s = opaque;

    return vga_loaded(&s->vga);
}

static void stop(void *opaque)
{
    VgaIsa *s = opaque;

    vga_stop(&s->vga);
}

DEVICE(vga_isa) {
    .name  = "isa-vga",
    .about = "VGA with Bochs extensions, ISA",
    .size  = sizeof(VgaIsa),
    .props = (const Prop[]) {
        PROP("vgamem_mb", PROP_U32, VgaIsa, mib, "16", "video memory, MiB"),
        { 0 }
    },
    .state  = (const Field[]) { VGA_FIELDS(VgaIsa, vga), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
