/* SPDX-License-Identifier: MIT */
/*
 * Ethernet controller AMD PCnet-PCI II: "pcnet", 1022:2000.
 * Reference: Am79C970A data sheet (publication 19436).
 *
 * This file has the registers: CSRs and BCRs behind an address port, in 16- or
 * 32-bit mode (DWIO).  Left out: the EEPROM's wires, magic packets, test
 * registers, byte swapping (CSR3.BSWP); transmit descriptors are looked at
 * when the driver says so (TDMD), not by time.
 */
#include "hw/net/pcnet.h"

enum { WINDOW = 32, PORTS = 0x10, BCR_MC = 2, BCR_LINK = 4, BCR_BSBC = 18,
       BCR_SWS = 20 };
enum { RDP, RAP, RESET, BDP };
enum { APROMWE = 1 << 8, DWIO = 1 << 7, LEDOUT = 1 << 15 };
enum { CSR0_W1C = 0x7f00, CSR0_ERRORS = CSR0_BABL | CSR0_CERR | CSR0_MISS
       | CSR0_MERR, CSR0_MASKED = 0x5f00 };
enum { CSR4_CAUSES = CSR4_JAB | CSR4_TXSTRT | CSR4_RCVCCO | CSR4_MFCO,
       CSR4_RW = 0xfd15, CSR5_W1C = 0x0898, CSR5_RW = 0xc465 };

/* A register that holds something: its value after H_RESET, and bits that a
   driver changes. */
typedef struct Word { u8 n; u16 reset, rw; } Word;

static const Word csrs[] = {
    { CSR_STATUS, CSR0_STOP, 0 },
    { 1, 0, 0xffff }, { 2, 0, 0xffff }, { CSR_MASK, 0, 0x5f7c },
    { CSR_FEATURES, 0x0115, CSR4_RW }, { CSR_EXTENDED, 0, CSR5_RW },
    { 8, 0, 0xffff }, { 9, 0, 0xffff }, { 10, 0, 0xffff }, { 11, 0, 0xffff },
    { 12, 0, 0xffff }, { 13, 0, 0xffff }, { 14, 0, 0xffff },
    { CSR_MODE, 0, 0xffff },
    { 24, 0, 0xffff }, { 25, 0, 0xffff }, { 30, 0, 0xffff },
    { 31, 0, 0xffff }, { 46, 0, 0xffff }, { 47, 0, 0xffff },
    { 72, 0, 0xffff }, { 74, 0, 0xffff }, { 76, 0, 0xffff },
    { 78, 0, 0xffff }, { 80, 0x1410, 0xffff }, { 82, 0, 0xffff },
    { CSR_CHIP, 0x1003, 0 }, { CSR_CHIP + 1, 0x0262, 0 },
    { 100, 0x0200, 0xffff }, { CSR_MISSED, 0, 0 }, { 114, 0, 0 },
    { 122, 0, 0x0001 }, { 124, 0, 0x0010 },
};

static const Word bcrs[] = {
    { 0, 0x0005, 0 }, { 1, 0x0005, 0 }, { BCR_MC, 0x0002, 0xf7ff },
    { BCR_LINK, 0x00c0, 0x7fff }, { 5, 0x0084, 0x7fff },
    { 6, 0x0088, 0x7fff }, { 7, 0x0090, 0x7fff }, { 9, 0, 0x0003 },
    { 16, 0, 0xffe0 }, { 17, 0, 0xffff }, { BCR_BSBC, 0x9001, 0xff67 },
    { 19, 0x0002, 0x0017 }, { BCR_SWS, 0x0200, 0x04ff }, { 21, 0, 0xffff },
    { 22, 0xff06, 0xffff },
};

static u32 mask_of(const Word *w, u32 n, u32 reg)
{
    for (u32 i = 0; i < n; i++) {
        if (w[i].n == reg) {
            return w[i].rw;
        }
    }
    return 0;
}

u32 pcnet_style(const Pcnet *s)
{
    return s->bcr[BCR_SWS] & 3;
}

/* ---- interrupts --------------------------------------------------------- */

static bool is_due(const Pcnet *s)
{
    u32 csr4 = s->csr[CSR_FEATURES];
    u32 masked = csr4 & CSR4_CAUSES & ~(csr4 << 1);

    return (s->csr[CSR_STATUS] & CSR0_MASKED & ~s->csr[CSR_MASK])
        || masked || csr4 & CSR4_UINT;
}

static u32 status(const Pcnet *s)
{
    u32 v = s->csr[CSR_STATUS];

    return v | (v & CSR0_ERRORS ? CSR0_ERR : 0)
        | (is_due(s) ? CSR0_INTR : 0);
}

static void update(Pcnet *s)
{
    u32 v = status(s);

    pci_irq(&s->pci, v & CSR0_INTR && v & CSR0_IENA);
}

void pcnet_cause(Pcnet *s, u32 what)
{
    s->csr[CSR_STATUS] |= (u16)what;
    update(s);
}

/* ---- states ------------------------------------------------------------- */

static void stop_chip(Pcnet *s)
{
    s->csr[CSR_STATUS] = CSR0_STOP;
    s->csr[CSR_FEATURES] &= (u16)~(CSR4_CAUSES | CSR4_UINT);
    s->csr[CSR_EXTENDED] &= (u16)~(CSR5_W1C | CSR5_SPND);
}

static void start_chip(Pcnet *s)
{
    u32 mode = s->csr[CSR_MODE];

    s->csr[CSR_STATUS] &= (u16)~CSR0_STOP;
    s->csr[CSR_STATUS] |= (u16)(CSR0_STRT
                                | (mode & MODE_DRX ? 0 : CSR0_RXON)
                                | (mode & MODE_DTX ? 0 : CSR0_TXON));
}

/* S_RESET, by reading the port: BCRs and the address mode stay. */
static void soft_reset(Pcnet *s)
{
    stop_chip(s);
    s->csr[CSR_MASK] = s->csr[CSR_EXTENDED] = 0;
    s->csr[CSR_FEATURES] = 0x0115;
    s->csr[CSR_MODE] = 0;
    s->rap = 0;
    update(s);
}

static void write_csr0(Pcnet *s, u32 v)
{
    u16 *csr0 = &s->csr[CSR_STATUS];

    *csr0 &= (u16)~(v & CSR0_W1C);
    if (v & CSR0_STOP) {
        stop_chip(s);
        return;
    }
    *csr0 = (u16)((*csr0 & ~CSR0_IENA) | (v & CSR0_IENA));
    if (v & CSR0_INIT && !(*csr0 & CSR0_INIT)) {
        pcnet_init_block(s);
        *csr0 = (u16)((*csr0 & ~CSR0_STOP) | CSR0_INIT | CSR0_IDON);
    }
    if (v & CSR0_STRT && !(*csr0 & CSR0_STRT)) {
        start_chip(s);
    }
    pcnet_transmit(s);
}

static void write_csr4(Pcnet *s, u32 v)
{
    u16 *csr4 = &s->csr[CSR_FEATURES];

    *csr4 &= (u16)~(v & (CSR4_CAUSES | CSR4_UINT));
    *csr4 = (u16)((v & CSR4_RW) | (*csr4 & ~CSR4_RW)
                  | (v & CSR4_UINTCMD ? CSR4_UINT : 0));
}

/* ---- register accesses -------------------------------------------------- */

/* BCR20, SSIZE32 and CSRPCNET follow from the style. */
static u32 read_style(const Pcnet *s)
{
    static const u16 what[] = {
        [STYLE_LANCE] = 0x200, [STYLE_ILACC] = 0x100, [STYLE_PCI] = 0x300,
        [STYLE_BURST] = 0x300,
    };

    return (s->bcr[BCR_SWS] & 0x04ffu) | what[pcnet_style(s)];
}

static u32 read_csr(const Pcnet *s, u32 n)
{
    switch (n) {
    case CSR_STATUS:
        return status(s);
    case 16: case 17:
        return s->csr[n - 16 + CSR_IADR];
    case CSR_STYLE:
        return read_style(s);
    }
    return s->csr[n];
}

static void write_style(Pcnet *s, u32 v)
{
    s->bcr[BCR_SWS] = v & 0x04ff;
}

static void write_csr(Pcnet *s, u32 n, u32 v)
{
    u32 mask = mask_of(csrs, countof(csrs), n);

    switch (n) {
    case CSR_STATUS:
        write_csr0(s, v);
        break;
    case CSR_FEATURES:
        write_csr4(s, v);
        break;
    case 16: case 17:
        s->csr[n - 16 + CSR_IADR] = (u16)v;
        break;
    case CSR_STYLE:
        write_style(s, v);
        break;
    default:
        s->csr[n] = (u16)((s->csr[n] & ~mask) | (v & mask));
    }
    update(s);
    nic_accept(&s->nic);        /* the driver may have given buffers */
}

static u32 read_bcr(const Pcnet *s, u32 n)
{
    if (n >= PCNET_BCRS) {
        return 0;
    }
    return n == BCR_SWS ? read_style(s)
        : n == BCR_LINK && s->nic.net ? s->bcr[n] | LEDOUT : s->bcr[n];
}

static void write_bcr(Pcnet *s, u32 n, u32 v)
{
    u32 mask = mask_of(bcrs, countof(bcrs), n);

    if (n == BCR_SWS) {
        write_style(s, v);
    } else if (mask) {
        s->bcr[n] = (u16)((s->bcr[n] & ~mask) | (v & mask));
    }
}

static u32 port_of(const Pcnet *s, u64 at)
{
    return (at - PORTS) >> (s->bcr[BCR_BSBC] & DWIO ? 2 : 1) & 3;
}

static u64 ports_read(void *opaque, u64 at, unsigned size)
{
    Pcnet *s = opaque;

    if (at < PORTS) {
        return at + size <= PORTS ? load_le(s->aprom + at, size) : 0;
    }
    switch (port_of(s, at)) {
    case RDP: return read_csr(s, s->rap);
    case RAP: return s->rap;
    case BDP: return read_bcr(s, s->rap);
    }
    soft_reset(s);
    return 0;
}

static void ports_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Pcnet *s = opaque;

    if (at < PORTS) {
        if (s->bcr[BCR_MC] & APROMWE && at + size <= PORTS) {
            store_le(s->aprom + at, size, v);
        }
        return;
    }
    if (at == PORTS && size == 4) {
        s->bcr[BCR_BSBC] |= DWIO;
    }
    switch (port_of(s, at)) {
    case RDP: write_csr(s, s->rap, v & 0xffff); break;
    case RAP: s->rap = v & (PCNET_CSRS - 1); break;
    case BDP: write_bcr(s, s->rap, v & 0xffff); break;
    }
}

/* ---- the device --------------------------------------------------------- */

/* The address PROM: the address, "WW", and a sum. */
static void fill_aprom(Pcnet *s)
{
    u32 sum = 0;

    memset(s->aprom, 0, sizeof s->aprom);
    memcpy(s->aprom, s->nic.mac, MAC_BYTES);
    s->aprom[14] = s->aprom[15] = 'W';
    for (u32 i = 0; i < PCNET_APROM; i++) {
        sum += s->aprom[i];
    }
    store_le(s->aprom + 12, 2, sum);
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1022, .device = 0x2000, .class = 0x020000,
        .revision = 0x10, .pin = 1,
    };
    Pcnet *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    for (u32 i = 0; i < 2; i++) {
        pci_bar(&s->pci, i, (PciBar) {
            .size = WINDOW, .kind = i ? PCI_BAR_MEM : PCI_BAR_IO,
            .read = ports_read, .write = ports_write, .opaque = s });
    }
    const NetFront front = { s, pcnet_can_receive, pcnet_receive, NULL };
    return nic_start(&s->nic, &s->pci.dev, front, err);
}

static void reset(void *opaque)
{
    Pcnet *s = opaque;

    pci_reset(&s->pci);
    memset(s->csr, 0, sizeof s->csr);
    memset(s->bcr, 0, sizeof s->bcr);
    for (u32 i = 0; i < countof(csrs); i++) {
        s->csr[csrs[i].n] = csrs[i].reset;
    }
    for (u32 i = 0; i < countof(bcrs); i++) {
        s->bcr[bcrs[i].n] = bcrs[i].reset;
    }
    fill_aprom(s);
    for (u32 i = 0; i < 3; i++) {
        s->csr[CSR_PADR + i] = (u16)load_le(s->nic.mac + 2 * i, 2);
    }
    s->rap = 0;
    update(s);
}

static bool loaded(void *opaque)
{
    Pcnet *s = opaque;

    if (!pci_loaded(&s->pci) || s->rap >= PCNET_CSRS) {
        return false;
    }
    update(s);
    return true;
}

static void stop(void *opaque)
{
    Pcnet *s = opaque;

    nic_stop(&s->nic);
    pci_stop(&s->pci);
}

DEVICE(pcnet) {
    .name   = "pcnet",
    .about  = "Ethernet card AMD PCnet-PCI II (Am79C970A)",
    .size   = sizeof(Pcnet),
    .window = WINDOW,
    .bus    = BUS_PCI,
    .user   = true,
    .mmio_read = ports_read, .mmio_write = ports_write,
    .props  = (const Prop[]) {
        PCI_PROPS(Pcnet, pci), NIC_PROPS(Pcnet, nic), { 0 }
    },
    .state  = (const Field[]) {
        PCI_FIELDS(Pcnet, pci), SAVE(Pcnet, csr), SAVE(Pcnet, bcr),
        SAVE(Pcnet, rap), SAVE(Pcnet, aprom), { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
