/* SPDX-License-Identifier: MIT */
/*
 * The VGA adapter on PCI, device "VGA": 1234:1111, class VGA.
 * Reference: QEMU's documentation, "QEMU Standard VGA".
 *
 * BAR 0 is the frame buffer; BAR 2 has VGA's ports 3C0 to 3DF at 400 and the
 * DISPI registers at 500.  The expansion ROM is SeaBIOS's, where that is
 * installed.  Left out: EDID.
 */
#include "hw/core/loader.h"
#include "hw/display/vga.h"
#include "hw/pci/pci.h"
#include "softmmu/machine.h"

typedef struct VgaPci {
    PciDevice pci;
    Vga       vga;
    u32       mib;
    char     *romfile;
    Ram      *rom;
} VgaPci;

enum { PORTS_AT = 0x400, PORTS_END = 0x420, DISPI_AT = 0x500,
       DISPI_END = DISPI_AT + 2 * VBE_COUNT, EXT_SIZE = 0x600,
       EXT_ORDER = 0x604 };
enum { FIRST_PORT = 0x10 };             /* 3C0, from 3B0 */
static const u32 little_endian = 0x1e1e1e1e;

static u64 mmio_read(void *opaque, u64 at, unsigned size)
{
    VgaPci *s = opaque;

    if (at >= PORTS_AT && at + size <= PORTS_END) {
        return vga_port_read(&s->vga, at - PORTS_AT + FIRST_PORT, size);
    }
    if (at >= DISPI_AT && at < DISPI_END) {
        return vga_vbe_read(&s->vga, (u32)(at - DISPI_AT) / 2);
    }
    if (at == EXT_SIZE) {
        return 8;                       /* bytes of the registers here */
    }
    return at == EXT_ORDER ? little_endian : MASK(size * 8);
}

static void mmio_write(void *opaque, u64 at, unsigned size, u64 v)
{
    VgaPci *s = opaque;

    if (at >= PORTS_AT && at + size <= PORTS_END) {
        vga_port_write(&s->vga, at - PORTS_AT + FIRST_PORT, size, v);
    } else if (at >= DISPI_AT && at < DISPI_END) {
        vga_vbe_write(&s->vga, (u32)(at - DISPI_AT) / 2, (u16)v);
    }
}

/* Without the file there is no ROM: a guest's own driver needs none. */
static bool add_rom(VgaPci *s, Err *err)
{
    Machine *m = s->pci.dev.machine;
    Blob b = { 0 };
    Err why = { 0 };
    u64 size = 4096;

    if (!m || !s->romfile[0] || !firmware_read(m, s->romfile, &b, &why)) {
        return true;
    }
    while (size < b.size) {
        size *= 2;
    }
    s->rom = ram_new("vga.rom", size, err);
    if (s->rom) {
        memcpy(s->rom->host, b.data, b.size);
        pci_bar(&s->pci, PCI_ROM_BAR, (PciBar) { .size = size,
                                                 .ram = s->rom });
    }
    blob_free(&b);
    return s->rom != NULL;
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1234, .device = 0x1111, .class = 0x030000, .revision = 2,
    };
    VgaPci *s = opaque;
    Machine *m = s->pci.dev.machine;

    if (!vga_start(&s->vga, &s->pci.dev, s->mib, err)
        || !pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_bar(&s->pci, 0, (PciBar) { .size = s->vga.size,
                                   .kind = PCI_BAR_PREFETCH,
                                   .ram = s->vga.vram });
    pci_bar(&s->pci, 2, (PciBar) { .size = 4096, .read = mmio_read,
                                   .write = mmio_write, .opaque = s });
    if (m && m->io) {
        vga_map(&s->vga, m->mem, m->io);
    }
    return add_rom(s, err);
}

static void reset(void *opaque)
{
    VgaPci *s = opaque;

    pci_reset(&s->pci);
    vga_reset(&s->vga);
}

static bool loaded(void *opaque)
{
    VgaPci *s = opaque;

    return pci_loaded(&s->pci) && vga_loaded(&s->vga);
}

static void stop(void *opaque)
{
    VgaPci *s = opaque;

    pci_stop(&s->pci);
    vga_stop(&s->vga);
    if (s->rom) {
        ram_free(s->rom);
    }
}

DEVICE(vga_pci) {
    .name  = "VGA",
    .about = "VGA with Bochs extensions",
    .user  = true,
    .bus   = BUS_PCI,
    .size  = sizeof(VgaPci),
    .props = (const Prop[]) {
        PCI_PROPS(VgaPci, pci),
        PROP("vgamem_mb", PROP_U32, VgaPci, mib, "16", "video memory, MiB"),
        PROP("romfile", PROP_STR, VgaPci, romfile, "vgabios-stdvga.bin",
             "its BIOS; \"\": none"),
        { 0 }
    },
    .state = (const Field[]) {
        PCI_FIELDS(VgaPci, pci), VGA_FIELDS(VgaPci, vga), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
