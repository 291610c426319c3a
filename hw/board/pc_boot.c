/* SPDX-License-Identifier: MIT */
/*
 * bootindex=: the order in which firmware tries devices, as paths of Open
 * Firmware in fw_cfg's file "bootorder".
 * Reference: SeaBIOS's documentation, Runtime_config; PCI Bus Binding to Open
 * Firmware 2.1, 2.2.1.
 */
#include "hw/board/pc.h"
#include "hw/ide/ide.h"
#include "hw/scsi/bus.h"

/* By base and sub class; others are named by their identity. */
static const struct { u16 class; const char *name, *unit; } kinds[] = {
    { 0x0100, "scsi", "/disk@0,0" }, { 0x0101, "ide", "" },
    { 0x0106, NULL, "" }, { 0x0108, NULL, "/namespace@1,0" },
    { 0x0200, "ethernet", "/ethernet-phy@0" }, { 0x0604, "pci-bridge", "" },
};

static void add_function(GString *path, const PciDevice *d, bool whole)
{
    const PciDevice *bridge = d->bus ? pci_bus_bridge(d->bus) : NULL;
    u32 i = 0, function = d->devfn % 8;

    if (bridge) {
        add_function(path, bridge, false);
    } else {
        g_string_append(path, "/pci@i0cf8");
    }
    while (i < countof(kinds) - 1
           && kinds[i].class != pci_get(d, PCI_CLASS, 2)) {
        i++;
    }
    if (kinds[i].class == pci_get(d, PCI_CLASS, 2) && kinds[i].name) {
        g_string_append_printf(path, "/%s@%x", kinds[i].name, d->devfn / 8);
    } else {
        g_string_append_printf(path, "/pci%x,%x@%x", d->info->vendor,
                               (u32)pci_get(d, PCI_DEVICE, 2), d->devfn / 8);
    }
    if (function) {
        g_string_append_printf(path, ",%x", function);
    }
    if (whole && kinds[i].class == pci_get(d, PCI_CLASS, 2)) {
        g_string_append(path, kinds[i].unit);
    }
}

/* A drive by its bus, the controller's nth, and its place there. */
static void add_drive(GString *path, const Device *d)
{
    const Device *bus = d->parent, *controller = bus ? bus->parent : NULL;
    const char *dot = bus ? strrchr(bus->id, '.') : NULL;

    if (controller && controller->type->bus == BUS_PCI && dot) {
        add_function(path, (const PciDevice *)controller, false);
        g_string_append_printf(path, "/drive@%s/disk@%u", dot + 1,
                               ide_unit(d));
    }
}

/* A SCSI unit: the adapter's function is behind the virtio device. */
static void add_unit(GString *path, const Device *d)
{
    const ScsiDevice *s = (const ScsiDevice *)d;
    const Device *adapter = d->parent ? d->parent->parent : NULL;
    const Device *owner = adapter ? device_owner(adapter) : NULL;

    if (owner && owner->type->bus == BUS_PCI) {
        add_function(path, (const PciDevice *)owner, false);
        g_string_append_printf(path, "/channel@0/disk@%x,%x", s->target,
                               s->lun);
    }
}

static gint by_order(gconstpointer a, gconstpointer b)
{
    const Device *x = *(Device *const *)a, *y = *(Device *const *)b;

    return (x->boot_order > y->boot_order) - (x->boot_order < y->boot_order);
}

void pc_tell_boot_order(Machine *m)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(GString) text = g_string_new(NULL);

    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (d->boot_order) {
            g_ptr_array_add(all, d);
        }
    }
    g_ptr_array_sort(all, by_order);
    for (u32 i = 0; i < all->len; i++) {
        const Device *d = all->pdata[i];
        g_string_append(text, text->len ? "\n" : "");
        if (d->type->bus == BUS_PCI) {
            add_function(text, (const PciDevice *)d, true);
        } else if (d->type->bus == BUS_IDE) {
            add_drive(text, d);
        } else if (d->type->bus == BUS_SCSI) {
            add_unit(text, d);
        }
    }
    if (text->len) {                    /* with the zero that ends it */
        fw_cfg_file(pc(m)->fw_cfg, "bootorder", text->str,
                    (u32)text->len + 1);
    }
}
