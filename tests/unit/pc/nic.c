/* SPDX-License-Identifier: MIT */
/*
 * Network cards from the driver's side: registers and EEPROMs, frames that
 * loop back through the rings of e1000, rtl8139 and pcnet, segmentation,
 * checksums, and rings that a hostile driver made.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/net/nic.h"
#include "hw/pci/host.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"

enum { RAM_BYTES = 0x100000, BAR_AT = 0xfe000000u, IO_AT = 0xc000 };
enum { TX_RING = 0x1000, RX_RING = 0x2000, TX_BUFFER = 0x10000,
       RX_BUFFER = 0x40000, RX_SIZE = 2048, RING = 16 };
static const u8 mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Fix {
    Machine  m;
    Ram     *ram;
    PciBus  *root;
    PciDevice *card;
    bool     irq;
    int      tests, failed;
    bool     wrong;             /* in the running test */
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

/* ---- the machine -------------------------------------------------------- */

static void on_line(void *opaque, int line, bool level)
{
    (void)line;
    ((Fix *)opaque)->irq = level;
}

static void begin(Fix *x, const char *type)
{
    const MemRegion ram = { .name = "ram", .size = RAM_BYTES, .ram = x->ram };
    Err err = { "" };

    x->m.mem = mem_new();
    x->m.io = mem_new();
    x->m.devices = g_ptr_array_new();
    memset(x->ram->host, 0, RAM_BYTES);
    mem_add(x->m.mem, &ram);
    const PciRoot root = { .name = "pci.0", .mem = x->m.mem, .io = x->m.io,
                           .irq = on_line, .opaque = x };
    x->root = pci_root_new(&root);
    x->card = (PciDevice *)pci_device(&x->m, x->root, type, NULL, "addr=3",
                                      &err);
    if (!x->card) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    bool placed = false;                /* the memory BAR: the first is it */
    for (u32 i = 0; i < 2; i++) {
        bool io = pci_get(x->card, PCI_BAR0 + 4 * i, 1) & 1;
        if (io || !placed) {
            pci_config_write(x->card, PCI_BAR0 + 4 * i, 4,
                             io ? IO_AT : BAR_AT);
        }
        placed |= !io;
    }
    pci_config_write(x->card, PCI_COMMAND, 2, 7);
}

static void end(Fix *x)
{
    device_free(&x->card->dev);
    g_ptr_array_free(x->m.devices, true);
    pci_bus_free(x->root);
    mem_free(x->m.mem);
    mem_free(x->m.io);
}

static u32 get(Fix *x, u32 at, unsigned size)
{
    return (u32)mem_get(x->m.mem, BAR_AT + at, size);
}

static void put(Fix *x, u32 at, unsigned size, u32 v)
{
    mem_put(x->m.mem, BAR_AT + at, size, v);
}

static u8 *ram(Fix *x, u32 at)
{
    return x->ram->host + at;
}

/* A frame to the card itself: IPv4, protocol, headers without sums. */
static void make_frame(u8 *f, u32 len, u8 protocol)
{
    for (u32 i = 0; i < len; i++) {
        f[i] = (u8)(i * 7);
    }
    memcpy(f, mac, 6);
    store_be(f + 12, 2, 0x0800);
    f[14] = 0x45;
    store_be(f + 16, 2, len - 14);
    store_be(f + 20, 2, 0);
    store_be(f + 24, 2, 0);
    f[23] = protocol;
    f[46] = 0x50;
    store_be(f + 50, 2, 0);
}

static bool sums_good(const u8 *f, u32 len)
{
    u64 pseudo = (u64)f[23] + (len - 34) + load_be(f + 26, 4)
               + load_be(f + 30, 4);

    return inet_sum(0, f + 14, 20) == 0xffff
        && inet_sum(pseudo, f + 34, len - 34) == 0xffff;
}

/* ---- e1000 -------------------------------------------------------------- */

enum { CTRL = 0, STATUS = 8, EECD = 0x10, EERD = 0x14, MDIC = 0x20,
       ICR = 0xc0, IMS = 0xd0, IMC = 0xd8, RCTL = 0x100, TCTL = 0x400,
       RDBAL = 0x2800, RDLEN = 0x2808, RDH = 0x2810, RDT = 0x2818,
       TDBAL = 0x3800, TDLEN = 0x3808, TDH = 0x3810, TDT = 0x3818,
       RXCSUM = 0x5000 };

static void e1000_rings(Fix *x)
{
    for (u32 i = 0; i < RING; i++) {
        memset(ram(x, RX_RING + i * 16), 0, 16);
        store_le(ram(x, RX_RING + i * 16), 8, RX_BUFFER + i * RX_SIZE);
    }
    put(x, RDBAL, 4, RX_RING);
    put(x, RDLEN, 4, RING * 16);
    put(x, RDH, 4, 0);
    put(x, TDBAL, 4, TX_RING);
    put(x, TDLEN, 4, RING * 16);
    put(x, TDH, 4, 0);
    put(x, TDT, 4, 0);
    put(x, RCTL, 4, 1 << 1 | 1 << 6 | 1 << 15 | 1 << 26);  /* loops */
    put(x, RDT, 4, RING - 1);
    put(x, TCTL, 4, 1 << 1 | 1 << 3);
    put(x, RXCSUM, 4, 3 << 8);
}

static void descriptor(Fix *x, u32 i, u64 address, u64 rest)
{
    store_le(ram(x, TX_RING + i * 16), 8, address);
    store_le(ram(x, TX_RING + i * 16 + 8), 8, rest);
}

static void test_e1000_registers(Fix *x)
{
    u16 sum = 0;

    begin(x, "e1000");
    expect(x, "link up", get(x, STATUS, 4) & 2, 2);
    for (u32 i = 0; i < 64; i++) {
        put(x, EERD, 4, i << 8 | 1);
        expect(x, "done", get(x, EERD, 4) >> 4 & 1, 1);
        sum = (u16)(sum + (get(x, EERD, 4) >> 16));
    }
    expect(x, "the EEPROM's sum", sum, 0xbaba);
    put(x, MDIC, 4, 2 << 26 | 1 << 21 | 2 << 16);
    expect(x, "PHY identifier", get(x, MDIC, 4) & 0xffff, 0x0141);
    put(x, MDIC, 4, 2 << 26 | 3 << 21 | 2 << 16);
    expect(x, "no other PHY", get(x, MDIC, 4) >> 30 & 1, 1);
    expect(x, "RAL", get(x, 0x5400, 4), (u32)load_le(mac, 4));
    mem_put(x->m.io, IO_AT, 4, 0x5404);
    expect(x, "RAH by ports", mem_get(x->m.io, IO_AT + 4, 4), 0x80005634);
    report(x, "e1000: registers, EEPROM, PHY");
    put(x, IMS, 4, 4);
    expect(x, "quiet", x->irq, 0);
    put(x, 0xc8, 4, 4);
    expect(x, "ICS raises", x->irq, 1);
    expect(x, "ICR", get(x, ICR, 4), 4);
    expect(x, "and reading it ends that", x->irq, 0);
    report(x, "e1000: interrupts");
    end(x);
}

static u32 clock_in(Fix *x, u32 v, u32 n)
{
    u32 got = 0;

    for (u32 i = n; i-- > 0; ) {
        u32 di = (v >> i & 1) << 2;
        put(x, EECD, 4, 1 << 6 | 2 | di);
        put(x, EECD, 4, 1 << 6 | 2 | di | 1);
        got = got << 1 | (get(x, EECD, 4) >> 3 & 1);
    }
    return got;
}

static void test_microwire(Fix *x)
{
    begin(x, "e1000");
    put(x, EECD, 4, 1 << 6);
    put(x, EECD, 4, 1 << 6 | 2);
    clock_in(x, 6 << 6 | 1, 9);         /* start, read, word 1 */
    expect(x, "word 1", clock_in(x, 0, 16), load_le(mac + 2, 2));
    report(x, "e1000: the EEPROM by its pins");
    end(x);
}

static void test_e1000_loop(Fix *x)
{
    u8 *d = ram(x, RX_RING);

    begin(x, "e1000");
    e1000_rings(x);
    make_frame(ram(x, TX_BUFFER), 500, 17);
    descriptor(x, 0, TX_BUFFER, 200 | 0x08ull << 24);
    descriptor(x, 1, TX_BUFFER + 200, 300 | 0x09ull << 24);
    put(x, TDT, 4, 2);
    expect(x, "TDH", get(x, TDH, 4), 2);
    expect(x, "written back", *ram(x, TX_RING + 28) & 1, 1);
    expect(x, "RDH", get(x, RDH, 4), 1);
    expect(x, "length", load_le(d + 8, 2), 500);
    expect(x, "status", d[12] & 3, 3);
    expect(x, "the same", memcmp(ram(x, TX_BUFFER), ram(x, RX_BUFFER), 500),
           0);
    report(x, "e1000: a frame loops back");

    *ram(x, TX_BUFFER) = 2;             /* to somebody else */
    descriptor(x, 2, TX_BUFFER, 500 | 0x09ull << 24);
    put(x, TDT, 4, 3);
    expect(x, "RDH", get(x, RDH, 4), 1);
    report(x, "e1000: the address filter");
    end(x);
}

static void test_e1000_segments(Fix *x)
{
    enum { PAYLOAD = 3000, MSS = 1400, ALL = 54 };
    u8 *f = ram(x, TX_BUFFER);

    begin(x, "e1000");
    e1000_rings(x);
    make_frame(f, ALL + PAYLOAD, 6);
    f[47] = 9;                          /* FIN, PSH */
    store_be(f + 38, 4, 1000);
    store_be(f + 50, 2, inet_sum(6 + load_be(f + 26, 4) + load_be(f + 30, 4),
                                 f, 0));
    u8 *c = ram(x, TX_RING);
    store_le(c, 8, 14 | 24 << 8 | 33 << 16 | 34ull << 32 | 50ull << 40);
    store_le(c + 8, 8, PAYLOAD | 0x27ull << 24 | (u64)ALL << 40
             | (u64)MSS << 48);
    descriptor(x, 1, TX_BUFFER, (ALL + PAYLOAD) | 1 << 20 | 0x2dull << 24
               | 3ull << 40);
    put(x, TDT, 4, 2);
    expect(x, "segments", get(x, RDH, 4), 3);
    for (u32 i = 0; i < 3; i++) {
        u8 *d = ram(x, RX_RING + i * 16), *s = ram(x, RX_BUFFER + i * RX_SIZE);
        u32 n = i < 2 ? MSS : PAYLOAD - 2 * MSS;
        expect(x, "length", load_le(d + 8, 2), ALL + n);
        expect(x, "sums", sums_good(s, ALL + n), 1);
        expect(x, "seen to be right", d[12] << 8 | d[13], 0x6300);
        expect(x, "sequence", load_be(s + 38, 4), 1000 + i * MSS);
        expect(x, "flags", s[47], i < 2 ? 0 : 9);
        expect(x, "payload", memcmp(s + ALL, f + ALL + i * MSS, n), 0);
    }
    report(x, "e1000: TCP segmentation and checksums");
    end(x);
}

/* A frame goes round by extended descriptors, or those of packet split. */
static void round_trip(Fix *x, bool split)
{
    enum { RFCTL = 0x5008, PSRCTL = 0x2170, LEN = 500, FIRST = 128 };
    u8 *d = ram(x, RX_RING);

    e1000_rings(x);
    put(x, RFCTL, 4, 1 << 15);
    put(x, PSRCTL, 4, 0x00000401);
    put(x, RCTL, 4, get(x, RCTL, 4) | (split ? 1 << 10 : 0));
    store_le(d, 8, RX_BUFFER);
    store_le(d + 8, 8, split ? RX_BUFFER + FIRST : 0);
    make_frame(ram(x, TX_BUFFER), LEN, 17);
    descriptor(x, 0, TX_BUFFER, LEN | 0x09ull << 24);
    put(x, TDT, 4, 1);
    expect(x, "RDH", get(x, RDH, 4), split ? 2 : 1);
    expect(x, "status", load_le(d + 8, 4) & 3, 3);
    expect(x, "length", load_le(d + 12, 2), split ? FIRST : LEN);
    expect(x, "the rest", split ? load_le(d + 18, 2) : LEN - FIRST,
           LEN - FIRST);
    expect(x, "the same", memcmp(ram(x, TX_BUFFER), ram(x, RX_BUFFER), LEN),
           0);
}

static void test_e1000e(Fix *x)
{
    enum { SWSM = 0x5b50, EIAC = 0xdc, IAM = 0xe0, CTRL_EXT = 0x18 };
    u16 sum = 0;

    begin(x, "e1000e");
    for (u32 i = 0; i < 64; i++) {
        put(x, EERD, 4, i << 2 | 1);
        expect(x, "done", get(x, EERD, 4) >> 1 & 1, 1);
        sum = (u16)(sum + (get(x, EERD, 4) >> 16));
    }
    expect(x, "the EEPROM's sum", sum, 0xbaba);
    put(x, MDIC, 4, 2 << 26 | 1 << 21 | 3 << 16);
    expect(x, "PHY identifier", get(x, MDIC, 4) & 0xffff, 0x0cb1);
    expect(x, "the semaphore", get(x, SWSM, 4) & 1, 0);
    expect(x, "is taken by reading", get(x, SWSM, 4) & 1, 1);
    put(x, IMS, 4, 4);
    put(x, IAM, 4, ~0u);
    put(x, 0xc8, 4, 4 | 0x80);
    expect(x, "raised", x->irq, 1);
    expect(x, "ICR", get(x, ICR, 4), 0x80000084);
    expect(x, "gone", x->irq, 0);
    put(x, 0xc8, 4, 0x80);
    expect(x, "not asserted", get(x, ICR, 4), 0x80);
    expect(x, "stays", get(x, ICR, 4), 0x80);
    put(x, CTRL_EXT, 4, 1 << 27);
    put(x, IMS, 4, 0x80);
    get(x, ICR, 4);
    expect(x, "masks itself", get(x, IMS, 4), 0);
    report(x, "e1000e: EEPROM, PHY, interrupts");
    round_trip(x, false);
    report(x, "e1000e: extended descriptors");
    end(x);
    begin(x, "e1000e");
    round_trip(x, true);
    report(x, "e1000e: packet split");
    end(x);
}

static void test_e1000_hostile(Fix *x)
{
    begin(x, "e1000");
    e1000_rings(x);
    put(x, TDT, 4, 0xffff);
    put(x, RDT, 4, 0xffff);
    put(x, TDH, 4, 0xffff);
    put(x, TDT, 4, 3);
    put(x, TDBAL, 4, BAR_AT + TDT - 8 - 0x10);
    put(x, TDH, 4, 0);
    put(x, TDT, 4, 15);
    e1000_rings(x);
    for (u32 i = 0; i < RING; i++) {    /* into its own registers */
        store_le(ram(x, RX_RING + i * 16), 8, BAR_AT + TDT);
        descriptor(x, i, TX_BUFFER, 0xfffff | 0x2dull << 24 | 1 << 20);
    }
    put(x, RCTL, 4, get(x, RCTL, 4) | 3 << 3);
    put(x, TDT, 4, RING - 1);
    put(x, RDLEN, 4, 0);
    put(x, TDLEN, 4, 0);
    put(x, CTRL, 4, 1 << 26);
    expect(x, "TDH after reset", get(x, TDH, 4), 0);
    report(x, "e1000: hostile rings");
    end(x);
}

/* ---- rtl8139 ------------------------------------------------------------ */

enum { TSD = 0x10, TSAD = 0x20, RBSTART = 0x30, CR = 0x37, CAPR = 0x38,
       CBR = 0x3a, R_IMR = 0x3c, R_ISR = 0x3e, TCR = 0x40, RCR = 0x44,
       BMSR = 0x64 };

static void test_rtl8139(Fix *x)
{
    begin(x, "rtl8139");
    expect(x, "IDR0", get(x, 0, 4), (u32)load_le(mac, 4));
    expect(x, "link up", get(x, BMSR, 2) & 4, 4);
    put(x, CR, 1, 0x10);
    put(x, CR, 1, 0x0c);
    put(x, RBSTART, 4, RX_BUFFER);
    put(x, RCR, 4, 0x0a);
    put(x, TCR, 4, 3 << 17);            /* loops */
    put(x, R_IMR, 2, 5);
    expect(x, "empty", get(x, CR, 1) & 1, 1);
    report(x, "rtl8139: registers");

    make_frame(ram(x, TX_BUFFER), 1000, 17);
    u32 at = 0;
    for (u32 i = 0; i < 40; i++) {      /* more than once around */
        put(x, TSAD + i % 4 * 4, 4, TX_BUFFER);
        put(x, TSD + i % 4 * 4, 4, 1000);
        expect(x, "sent", get(x, TSD + i % 4 * 4, 4) >> 13 & 5, 5);
        expect(x, "interrupt", x->irq, 1);
        expect(x, "header", load_le(ram(x, RX_BUFFER + at), 4),
               1004 << 16 | 0x4001);
        u32 part = MIN(1000u, 8192 - (at + 4) % 8192);
        expect(x, "the same", memcmp(ram(x, TX_BUFFER),
                                     ram(x, RX_BUFFER + (at + 4) % 8192),
                                     part), 0);
        at = (at + 1008) % 8192;
        expect(x, "CBR", get(x, CBR, 2), at);
        put(x, CAPR, 2, (at - 16) & 0xffff);
        put(x, R_ISR, 2, 0xffff);
        expect(x, "quiet", x->irq, 0);
    }
    report(x, "rtl8139: frames loop back through the ring buffer");
    for (u32 i = 0; i < 9; i++) {
        put(x, TSD, 4, 1000);
    }
    expect(x, "overflow", get(x, R_ISR, 2) & 0x10, 0x10);
    report(x, "rtl8139: a full ring buffer");
    end(x);
}

static void test_rtl8139_plus(Fix *x)
{
    u8 *f = ram(x, TX_BUFFER), *d = ram(x, RX_RING);

    begin(x, "rtl8139");
    put(x, 0xe0, 2, 3);
    put(x, CR, 1, 0x0c);
    put(x, RCR, 4, 0x0a);
    put(x, TCR, 4, 3 << 17);
    put(x, 0x20, 4, TX_RING);
    put(x, 0xe4, 4, RX_RING);
    for (u32 i = 0; i < 4; i++) {
        store_le(d + i * 16, 4, 1u << 31 | (i == 3 ? 1 << 30 : 0) | 0x700);
        store_le(d + i * 16 + 8, 8, RX_BUFFER + i * RX_SIZE);
    }
    make_frame(f, 54 + 2500, 6);
    store_le(ram(x, TX_RING), 4, 15ull << 28 | 1 << 27 | 1400 << 16 | 2554);
    store_le(ram(x, TX_RING + 8), 8, TX_BUFFER);
    put(x, 0xd9, 1, 0x40);
    expect(x, "given back", load_le(ram(x, TX_RING), 4) >> 31, 0);
    expect(x, "first", load_le(d, 4), 3 << 28 | 1 << 26 | 1458);
    expect(x, "second", load_le(d + 16, 4), 3 << 28 | 1 << 26 | 1158);
    expect(x, "sums", sums_good(ram(x, RX_BUFFER), 1454), 1);
    expect(x, "sums", sums_good(ram(x, RX_BUFFER + RX_SIZE), 1154), 1);
    report(x, "rtl8139: C+ descriptors, TCP segmentation");
    end(x);
}

/* ---- ne2k_pci ----------------------------------------------------------- */

static void outb(Fix *x, u32 at, u8 v)
{
    mem_put(x->m.io, IO_AT + at, 1, v);
}

static u8 inb(Fix *x, u32 at)
{
    return (u8)mem_get(x->m.io, IO_AT + at, 1);
}

static void remote(Fix *x, u8 command, u32 at, u32 n)
{
    outb(x, 8, (u8)at);
    outb(x, 9, (u8)(at >> 8));
    outb(x, 10, (u8)n);
    outb(x, 11, (u8)(n >> 8));
    outb(x, 0, command);
}

static void test_ne2k(Fix *x)
{
    begin(x, "ne2k_pci");
    inb(x, 0x1f);
    expect(x, "reset", inb(x, 7) & 0x80, 0x80);
    outb(x, 14, 0x48);
    remote(x, 0x0a, 0, 32);
    for (u32 i = 0; i < 12; i++) {
        expect(x, "PROM", inb(x, 16), mac[i / 2]);
    }
    outb(x, 14, 0x49);
    remote(x, 0x12, 0x4000, 64);
    for (u32 i = 0; i < 32; i++) {
        mem_put(x->m.io, IO_AT + 16, 2, 0x1000 + i);
    }
    expect(x, "remote DMA done", inb(x, 7) & 0x40, 0x40);
    outb(x, 1, 0x40);
    outb(x, 2, 0x41);
    remote(x, 0x0a, 0x40fe, 4);
    mem_get(x->m.io, IO_AT + 16, 2);
    expect(x, "it goes round", mem_get(x->m.io, IO_AT + 16, 2), 0x1000);
    report(x, "ne2k_pci: remote DMA");

    outb(x, 4, 0x40);
    outb(x, 5, 64);
    outb(x, 6, 0);
    outb(x, 7, 0xff);
    outb(x, 15, 2);
    outb(x, 0, 0x26);
    expect(x, "sent", inb(x, 4) & 1, 1);
    expect(x, "interrupt", x->irq, 1);
    outb(x, 7, 2);
    expect(x, "quiet", x->irq, 0);
    report(x, "ne2k_pci: sending");
    end(x);
}

/* ---- pcnet -------------------------------------------------------------- */

enum { P_RDP = 0x10, P_RAP = 0x12, P_RESET = 0x14, P_BDP = 0x16 };
enum { P_BLOCK = 0x3000, P_LOG = 2, P_RING = 1 << P_LOG, P_FRAME = 1000,
       P_PART = 400, P_STYLES = 4 };

static u32 get_csr(Fix *x, u32 n)
{
    put(x, P_RAP, 2, n);
    return get(x, P_RDP, 2);
}

static void put_csr(Fix *x, u32 n, u32 v)
{
    put(x, P_RAP, 2, n);
    put(x, P_RDP, 2, v);
}

/* The block: promiscuous, what is sent comes back. */
static void pcnet_begin(Fix *x, u32 style)
{
    u8 *b = ram(x, P_BLOCK);

    get(x, P_RESET, 2);
    put(x, P_RAP, 2, 20);
    put(x, P_BDP, 2, style);
    memset(b, 0, 28);
    store_le(b, 2, 0x8004);
    if (style) {
        b[2] = b[3] = P_LOG << 4;
        store_le(b + 20, 4, RX_RING);
        store_le(b + 24, 4, TX_RING);
    } else {
        store_le(b + 16, 4, RX_RING | (u32)P_LOG << 29);
        store_le(b + 20, 4, TX_RING | (u32)P_LOG << 29);
    }
    put_csr(x, 1, P_BLOCK);
    put_csr(x, 2, 0);
    put_csr(x, 0, 1);
    expect(x, "IDON", get_csr(x, 0), 0x181);
    put_csr(x, 0, 0x142);
    expect(x, "on", get_csr(x, 0), 0x73);
}

/* Where words of a descriptor are: buffer, flags, the rest. */
static u32 pcnet_word(u32 style, u32 n)
{
    return 4 * (style == 3 && n != 1 ? 2 - n : n);
}

static void pcnet_put(Fix *x, u32 style, u32 at, u32 buffer, u32 flags, u32 len)
{
    u8 *d = ram(x, at);

    if (style) {
        store_le(d + pcnet_word(style, 0), 4, buffer);
        store_le(d + pcnet_word(style, 2), 4, 0);
        store_le(d + pcnet_word(style, 1), 4, flags | (-len & 0xffff));
    } else {
        store_le(d, 4, buffer | (flags & 0xff000000));
        store_le(d + 4, 4, -len & 0xffff);
    }
}

static u32 pcnet_flags(Fix *x, u32 style, u32 at)
{
    return style ? (u32)load_le(ram(x, at + pcnet_word(style, 1)), 4) >> 24
                 : *ram(x, at + 3);
}

static u32 pcnet_count(Fix *x, u32 style, u32 at)
{
    return (u32)load_le(ram(x, at) + (style ? pcnet_word(style, 2) : 6), 2);
}

/* Frames in two parts come back in three, with their CRC. */
static void pcnet_loop(Fix *x, u32 style)
{
    u32 bytes = style ? 16 : 8;

    pcnet_begin(x, style);
    make_frame(ram(x, TX_BUFFER), P_FRAME, 17);
    for (u32 i = 0, t = 0, r = 0; i < 10; i++) {
        for (u32 n = 0; n < 3; n++) {
            pcnet_put(x, style, RX_RING + (r + n) % P_RING * bytes,
                      RX_BUFFER + n * P_PART, 1u << 31, P_PART);
        }
        for (u32 n = 0; n < 2; n++) {
            pcnet_put(x, style, TX_RING + (t + n) % P_RING * bytes,
                      TX_BUFFER + n * P_FRAME / 2,
                      1u << 31 | (n ? 1u << 24 : 1u << 25), P_FRAME / 2);
        }
        put_csr(x, 0, 0x48);
        expect(x, "interrupt", x->irq, 1);
        expect(x, "CSR0", get_csr(x, 0), 0x6f3);
        expect(x, "sent", pcnet_flags(x, style, TX_RING + t * bytes), 2);
        u32 last = RX_RING + (r + 2) % P_RING * bytes;
        expect(x, "first", pcnet_flags(x, style, RX_RING + r * bytes), 2);
        expect(x, "last", pcnet_flags(x, style, last), 1);
        expect(x, "count", pcnet_count(x, style, last), P_FRAME + 4);
        expect(x, "the same", memcmp(ram(x, TX_BUFFER), ram(x, RX_BUFFER),
                                     P_FRAME), 0);
        expect(x, "CRC", load_le(ram(x, RX_BUFFER + P_FRAME), 4),
               frame_crc(ram(x, TX_BUFFER), P_FRAME));
        put_csr(x, 0, 0x640);
        expect(x, "quiet", x->irq, 0);
        t = (t + 2) % P_RING;
        r = (r + 3) % P_RING;
    }
}

static void pcnet_errors(Fix *x)
{
    pcnet_begin(x, 2);
    pcnet_put(x, 2, TX_RING, TX_BUFFER, 1u << 31 | 3 << 24, 100);
    put_csr(x, 0, 8);
    expect(x, "missed", get_csr(x, 0) & 0x9400, 0x9000);
    expect(x, "counted", get_csr(x, 112), 1);
    pcnet_begin(x, 2);
    memset(ram(x, TX_RING), 0, 64);
    pcnet_put(x, 2, TX_RING, TX_BUFFER, 1u << 31 | 1 << 25, 100);
    put_csr(x, 0, 8);
    expect(x, "no next buffer", pcnet_flags(x, 2, TX_RING), 0x42);
    expect(x, "transmitter off", get_csr(x, 0) & 0x210, 0x200);
    put_csr(x, 0, 4);
    expect(x, "stopped", get_csr(x, 0), 4);
    report(x, "pcnet: errors");
}

/* Rings that are not there, and that lie over the card's own registers. */
static void pcnet_hostile(Fix *x)
{
    static const u32 places[] = { BAR_AT, 0xfffffff8, RAM_BYTES - 4 };

    for (u32 i = 0; i < 2 * countof(places); i++) {
        u32 at = places[i / 2];
        pcnet_begin(x, i % 2 ? 2 : 3);
        put_csr(x, 0, 4);
        put_csr(x, 24, at & 0xffff);
        put_csr(x, 25, at >> 16);
        put_csr(x, 30, at & 0xffff);
        put_csr(x, 31, at >> 16);
        put_csr(x, 76, i);
        put_csr(x, 78, i);
        put_csr(x, 72, 12345);
        put_csr(x, 74, 54321);
        put_csr(x, 0, 0x42);
        put_csr(x, 0, 0x48);
    }
    report(x, "pcnet: hostile rings");
}

static void test_pcnet(Fix *x)
{
    begin(x, "pcnet");
    expect(x, "address", get(x, 0, 4), (u32)load_le(mac, 4));
    expect(x, "CSR0", get_csr(x, 0), 4);
    expect(x, "chip", get_csr(x, 88) | get_csr(x, 89) << 16, 0x02621003);
    expect(x, "PADR", get_csr(x, 14), load_le(mac + 4, 2));
    report(x, "pcnet: registers");
    for (u32 style = 0; style < P_STYLES; style++) {
        pcnet_loop(x, style);
    }
    report(x, "pcnet: frames loop back, in all styles of descriptors");
    pcnet_errors(x);
    pcnet_hostile(x);
    put(x, 0x10, 4, 4);
    put(x, 0x14, 4, 89);
    expect(x, "32-bit mode", get(x, 0x10, 4), 0x0262);
    report(x, "pcnet: DWIO");
    end(x);
}

int main(void)
{
    Fix x = { 0 };
    Err err = { "" };

    clock_pause(true);
    x.ram = ram_new("ram", RAM_BYTES, &err);
    test_e1000_registers(&x);
    test_microwire(&x);
    test_e1000_loop(&x);
    test_e1000_segments(&x);
    test_e1000_hostile(&x);
    test_e1000e(&x);
    test_rtl8139(&x);
    test_rtl8139_plus(&x);
    test_ne2k(&x);
    test_pcnet(&x);
    ram_free(x.ram);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
