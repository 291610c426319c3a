/* SPDX-License-Identifier: MIT */
/*
 * Intel 82574L: what it has that the 82540EM has not: messages (MSI-X), its
 * way to the EEPROM, its clock, its place on PCI Express.
 * Reference: Intel 82574 GbE Controller Family Datasheet (317694), chapters 6,
 * 7.4, 7.10 and 10.
 *
 * Left out: the second queues, the hash of received frames, time stamps of
 * frames, the EEPROM by its pins, flash, EITR, management.
 */
#include "hw/net/e1000.h"

enum { EERD_START = 1 << 0, EERD_DONE = 1 << 1 };
enum { SWSM_SMBI = 1 << 0 };
enum { VECTORS = 5, IVAR_VALID = 8, CLOCK_NS = 40 };
enum { FLASH_BAR = 1, IO_BAR = 2, MSIX_BAR = 3, FLASH_BYTES = 128 << 10,
       IO_BYTES = 32, MSIX_BYTES = 16 << 10, MSIX_PBA = 0x2000 };
#define INT_ASSERTED (1u << 31)

/* ---- interrupts --------------------------------------------------------- */

u32 e1000e_causes(u32 what)
{
    return (what & (INT_RXT0 | INT_RXDMT0) ? INT_RXQ0 : 0)
        | (what & INT_TXDW ? INT_TXQ0 : 0)
        | (what & (INT_LSC | INT_RXO | INT_MDAC) ? INT_OTHER : 0);
}

/* IVAR has four bits for each cause: the vector, and whether it has one. */
void e1000e_messages(E1000 *s)
{
    static const u32 cause[] = {
        INT_RXQ0, INT_RXQ1, INT_TXQ0, INT_TXQ1, INT_OTHER,
    };
    u32 due = s->icr & s->ims;

    s->sent &= due;
    for (u32 i = 0; i < countof(cause); i++) {
        u32 entry = s->ivar >> 4 * i & 15;
        if (!(due & ~s->sent & cause[i]) || !(entry & IVAR_VALID)) {
            continue;
        }
        s->sent |= cause[i];
        if (s->eiac & cause[i]) {
            s->icr &= ~cause[i];
            s->sent &= ~cause[i];
        }
        if (s->ctrl_ext & CTRL_EXT_EIAME) {
            s->ims &= ~(s->iam & cause[i]);
        }
        pci_msix(&s->pci, entry & 7);
    }
}

/* What is asserted, or cannot be, is cleared by being read: 10.2.4.1. */
u64 e1000e_read_icr(E1000 *s)
{
    bool asserted = s->icr & s->ims;
    u32 v = s->icr | (asserted ? INT_ASSERTED : 0);

    if (asserted && s->ctrl_ext & CTRL_EXT_IAME) {
        s->ims &= ~s->iam;
    }
    if (asserted || !s->ims) {
        s->icr = 0;
    }
    return v;
}

/* ---- EEPROM, semaphores ------------------------------------------------- */

void e1000e_write_eerd(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;
    u32 at = (u32)bits(v, 15, 2);

    (void)index;
    s->eerd = (u32)v & 0xfffc;
    if (v & EERD_START) {
        u32 word = at < EEPROM_WORDS ? s->eeprom.word[at] : 0xffff;
        s->eerd |= EERD_DONE | word << 16;
    }
}

/* Who reads that it is free has it. */
u64 e1000e_read_swsm(void *opaque, u32 index)
{
    E1000 *s = opaque;
    u32 v = s->swsm;

    (void)index;
    s->swsm |= SWSM_SMBI;
    return v;
}

/* ---- the clock: 7.10 ---------------------------------------------------- */

/* TIMINCA: so much is added each so many ticks of 25 MHz. */
static u64 systim(const E1000 *s)
{
    u64 step = s->timinca & 0xffffff, ticks = s->timinca >> 24;
    i64 now = clock_now(CLOCK_VIRTUAL_NS);

    return !ticks || now < s->systim_at ? s->systim
         : s->systim + (u64)(now - s->systim_at) / CLOCK_NS / ticks * step;
}

static void set_systim(E1000 *s, u64 v)
{
    s->systim = v;
    s->systim_at = clock_now(CLOCK_VIRTUAL_NS);
}

/* The high half is kept from when the low one was read. */
u64 e1000e_read_systim(void *opaque, u32 index)
{
    E1000 *s = opaque;
    u64 v = systim(s);

    (void)index;
    s->systimh = (u32)(v >> 32);
    return v & MASK(32);
}

u64 e1000e_read_systimh(void *opaque, u32 index)
{
    (void)index;
    return ((E1000 *)opaque)->systimh;
}

static void write_half(E1000 *s, int at, u64 v)
{
    set_systim(s, deposit(systim(s), at, 32, v));
}

void e1000e_write_systim(void *opaque, u32 index, u64 v)
{
    (void)index;
    write_half(opaque, 0, v);
}

void e1000e_write_systimh(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    write_half(s, 32, v);
    s->systimh = (u32)v;
}

void e1000e_write_timinca(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    set_systim(s, systim(s));
    s->timinca = (u32)v;
}

void e1000e_reset(E1000 *s)
{
    s->sent = 0;
    set_systim(s, 0);
}

/* ---- BARs and capabilities ---------------------------------------------- */

/* There is no flash: what is read is what an erased one has. */
static u64 flash_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    (void)size;
    return ~0ull;
}

static void flash_write(void *opaque, u64 at, unsigned size, u64 v)
{
    (void)opaque;
    (void)at;
    (void)size;
    (void)v;
}

static u64 no_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    (void)size;
    return 0;
}

void e1000e_add(E1000 *s)
{
    PciDevice *d = &s->pci;

    pci_bar(d, FLASH_BAR, (PciBar) { .size = FLASH_BYTES, .read = flash_read,
                                     .write = flash_write, .opaque = s });
    pci_bar(d, IO_BAR, (PciBar) { .size = IO_BYTES, .kind = PCI_BAR_IO,
                                  .read = e1000_io_read,
                                  .write = e1000_io_write, .opaque = s });
    pci_bar(d, MSIX_BAR, (PciBar) { .size = MSIX_BYTES, .read = no_read,
                                    .write = flash_write, .opaque = s });
    pci_add_pm(d);
    pci_add_msi(d, 1);
    if (pci_on_express(d)) {
        pci_add_express(d, PCIE_ENDPOINT, 0, false);
    }
    pci_add_msix(d, VECTORS, MSIX_BAR, 0, MSIX_PBA);
}
