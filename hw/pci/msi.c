/* SPDX-License-Identifier: MIT */
/*
 * Message signalled interrupts of PCI functions.
 * Reference: PCI Local Bus Specification 3.0, 6.8.
 */
#include <assert.h>
#include "hw/pci/pci.h"

enum { MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_DATA = 12, MSI_BYTES = 14,
       MSI_ON = 1, MSI_64 = 1 << 7 };
enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_PBA = 8, MSIX_BYTES = 12,
       MSIX_ON = 1 << 15, MSIX_MASK = 1 << 14 };
enum { ENTRY = 16, ENTRY_DATA = 8, ENTRY_CONTROL = 12, ENTRY_MASK = 1,
       MSIX_BAR = 4096 };

static void send(PciDevice *d, u64 address, u32 data)
{
    if (d->bus && pci_master(d)) {
        const PciRoot *root = pci_root(d->bus);
        if (root->msi) {
            root->msi(root->opaque, address, data);
        } else if (root->mem) {
            mem_put(root->mem, address, 4, data);
        }
    }
}

/* ---- MSI ---------------------------------------------------------------- */

void pci_add_msi(PciDevice *d, u32 vectors)
{
    u32 at = pci_capability(d, PCI_CAP_MSI, MSI_BYTES);

    assert(is_pow2(vectors) && vectors <= 32);
    d->msi_at = at;
    pci_set(d, at + MSI_CONTROL, 2,
            MSI_64 | (u32)__builtin_ctz(vectors) << 1);
    pci_writable(d, at + MSI_CONTROL, 2, MSI_ON | 7 << 4);
    pci_writable(d, at + MSI_ADDRESS, 8, ~3ull);
    pci_writable(d, at + MSI_DATA, 2, 0xffff);
}

bool pci_msi_on(const PciDevice *d)
{
    return d->msi_at && pci_get(d, d->msi_at + MSI_CONTROL, 2) & MSI_ON;
}

void pci_msi(PciDevice *d, u32 vector)
{
    if (pci_msi_on(d)) {
        u64 control = pci_get(d, d->msi_at + MSI_CONTROL, 2);
        u32 can = (u32)bits(control, 3, 1), may = (u32)bits(control, 6, 4);
        u32 mask = (1u << MIN(can, may)) - 1;
        u32 data = (u32)pci_get(d, d->msi_at + MSI_DATA, 2);
        send(d, pci_get(d, d->msi_at + MSI_ADDRESS, 8),
             (data & ~mask) | (vector & mask));
    }
}

/* ---- MSI-X -------------------------------------------------------------- */

void pci_add_msix(PciDevice *d, u32 vectors, u32 bar, u32 table_at,
                  u32 pba_at)
{
    u32 at = pci_capability(d, PCI_CAP_MSIX, MSIX_BYTES);

    assert(vectors && vectors <= PCI_MSIX_MAX && !d->mapped[bar].bar.ram);
    d->msix_at = at;
    d->msix_vectors = vectors;
    d->msix_bar = bar;
    d->msix_table_at = table_at;
    d->msix_pba_at = pba_at;
    pci_set(d, at + MSIX_CONTROL, 2, vectors - 1);
    pci_writable(d, at + MSIX_CONTROL, 2, MSIX_ON | MSIX_MASK);
    pci_set(d, at + MSIX_TABLE, 4, table_at | bar);
    pci_set(d, at + MSIX_PBA, 4, pba_at | bar);
    pci_msix_reset(d);
}

void pci_add_msix_bar(PciDevice *d, u32 vectors, u32 bar)
{
    pci_bar(d, bar, (PciBar) { .size = MSIX_BAR });
    pci_add_msix(d, vectors, bar, 0, MSIX_BAR / 2);
}

void pci_msix_reset(PciDevice *d)
{
    memset(d->msix_table, 0, sizeof d->msix_table);
    memset(d->msix_pba, 0, sizeof d->msix_pba);
    for (u32 i = 0; i < d->msix_vectors; i++) {
        d->msix_table[i * ENTRY + ENTRY_CONTROL] = ENTRY_MASK;
    }
}

static u64 control(const PciDevice *d)
{
    return d->msix_at ? pci_get(d, d->msix_at + MSIX_CONTROL, 2) : 0;
}

bool pci_msix_on(const PciDevice *d)
{
    return control(d) & MSIX_ON;
}

static bool masked(const PciDevice *d, u32 vector)
{
    return control(d) & MSIX_MASK
        || d->msix_table[vector * ENTRY + ENTRY_CONTROL] & ENTRY_MASK;
}

static void send_vector(PciDevice *d, u32 vector)
{
    const u8 *e = d->msix_table + vector * ENTRY;

    send(d, load_le(e, 8), (u32)load_le(e + ENTRY_DATA, 4));
}

void pci_msix(PciDevice *d, u32 vector)
{
    if (!pci_msix_on(d) || vector >= d->msix_vectors) {
        return;
    }
    if (masked(d, vector)) {
        d->msix_pba[vector / 8] |= (u8)(1 << vector % 8);
    } else {
        send_vector(d, vector);
    }
}

void pci_msix_changed(PciDevice *d)
{
    for (u32 i = 0; pci_msix_on(d) && i < d->msix_vectors; i++) {
        if (d->msix_pba[i / 8] >> i % 8 & 1 && !masked(d, i)) {
            d->msix_pba[i / 8] &= (u8)~(1 << i % 8);
            send_vector(d, i);
        }
    }
}

static u32 pba_bytes(const PciDevice *d)
{
    return (u32)align_up(d->msix_vectors, 64) / 8;
}

static bool in_pba(const PciDevice *d, u64 at)
{
    return at - d->msix_pba_at < pba_bytes(d);
}

bool pci_msix_covers(const PciMapped *m, u64 at)
{
    const PciDevice *d = m->owner;

    return d->msix_vectors && m == &d->mapped[d->msix_bar]
        && (at - d->msix_table_at < (u64)d->msix_vectors * ENTRY
            || in_pba(d, at));
}

/* Accesses of 4 and 8 aligned bytes only are defined. */
u64 pci_msix_read(PciDevice *d, u64 at, unsigned size)
{
    if (size < 4 || at % size) {
        return 0;
    }
    return in_pba(d, at) ? load_le(d->msix_pba + (at - d->msix_pba_at), size)
                         : load_le(d->msix_table + (at - d->msix_table_at),
                                   size);
}

void pci_msix_write(PciDevice *d, u64 at, unsigned size, u64 v)
{
    if (size < 4 || at % size || in_pba(d, at)) {
        return;
    }
    u8 *e = d->msix_table + align_down(at - d->msix_table_at, ENTRY);
    store_le(d->msix_table + (at - d->msix_table_at), size, v);
    e[0] &= (u8)~3;
    store_le(e + ENTRY_CONTROL, 4, e[ENTRY_CONTROL] & ENTRY_MASK);
    pci_msix_changed(d);
}
