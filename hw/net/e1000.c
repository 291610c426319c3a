/* SPDX-License-Identifier: MIT */
/*
 * Gigabit Ethernet controllers Intel 82540EM, "e1000" (8086:100e), and 82574L,
 * "e1000e" (8086:10d3).
 * References: PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual (317453), chapters 5, 8, 10 and 13; Intel 82574 GbE
 * Controller Family Datasheet (317694), chapters 7 and 10, for e1000e.c.
 *
 * This file has registers, EEPROM, PHY and interrupts.  Left out: flow
 * control, wake-up, flexible filters, the packet buffer's window, the TBI.
 */
#include "hw/net/e1000.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum { WINDOW = 0x20000, IO_BYTES = 64, UNIT_NS = 1024, ITR_NS = 256 };
enum { CTRL_NO_MASTER = 1 << 2, STATUS_MASTER = 1 << 19, STATUS_LU = 1 << 1,
       STATUS_SPEED = 2 << 6 | 2 << 8 };
enum { EECD_SK = 1 << 0, EECD_CS = 1 << 1, EECD_DI = 1 << 2, EECD_DO = 1 << 3,
       EECD_REQ = 1 << 6, EECD_GNT = 1 << 7, EECD_PRES = 1 << 8,
       EECD_AUTO_READ = 1 << 9,
       EECD_PINS = EECD_SK | EECD_CS | EECD_DI, EECD_FWE = 3 << 4 };
enum { EERD_START = 1 << 0, EERD_DONE = 1 << 4 };
enum { MDI_WRITE = 1, MDI_READ = 2, MDI_READY = 1 << 28, MDI_INT = 1 << 29,
       MDI_ERROR = 1 << 30, PHY_ADDRESS = 1 };
enum { PHY_CONTROL = 0, PHY_STATUS = 1, PHY_RESET = 1 << 15,
       PHY_LOOPBACK = 1 << 14, PHY_RESTART = 1 << 9, PHY_SPECIFIC = 17 };
enum { SPEED_BITS = 3 << 14 };

/* ---- interrupts --------------------------------------------------------- */

static i64 earlier(i64 a, i64 b)
{
    return !a ? b : !b ? a : MIN(a, b);
}

static void assert_it(E1000 *s, bool level)
{
    if (s->asserted != level) {
        s->asserted = level;
        pci_interrupt(&s->pci, 0, level);
    }
}

/* The pin follows the causes; it rises again ITR after it last rose. */
static void drive_pin(E1000 *s, i64 *next)
{
    i64 now;

    if (!(s->icr & s->ims)) {
        assert_it(s, false);
    } else if (!s->asserted) {
        now = clock_now(CLOCK_VIRTUAL_NS);
        if (s->itr && now < s->quiet) {
            *next = earlier(*next, s->quiet);
        } else {
            s->quiet = s->itr ? now + (i64)s->itr * ITR_NS : 0;
            assert_it(s, true);
        }
    }
}

static void update(E1000 *s)
{
    i64 next = earlier(s->rx_due, s->tx_due);

    if (s->gen2 && pci_msix_on(&s->pci)) {
        e1000e_messages(s);
    } else {
        drive_pin(s, &next);
    }
    if (s->more) {
        next = clock_now(CLOCK_VIRTUAL_NS);
    }
    if (next) {
        timer_set(s->timer, next);
    }
}

static void add_causes(E1000 *s, u32 what)
{
    s->icr |= what | (s->gen2 ? e1000e_causes(what) : 0);
}

void e1000_cause(E1000 *s, u32 what)
{
    add_causes(s, what);
    update(s);
}

void e1000_later(E1000 *s, u32 what, u32 delay, u32 limit)
{
    bool rx = what & INT_RXT0;
    i64 *due = rx ? &s->rx_due : &s->tx_due;
    i64 *last = rx ? &s->rx_limit : &s->tx_limit;

    if (!delay) {
        e1000_cause(s, what);
        return;
    }
    i64 now = clock_now(CLOCK_VIRTUAL_NS);
    if (!*due) {
        *last = limit ? now + (i64)limit * UNIT_NS : 0;
    }
    *due = earlier(now + (i64)delay * UNIT_NS, *last);
    update(s);
}

void e1000_tick(void *opaque)
{
    E1000 *s = opaque;
    i64 now = clock_now(CLOCK_VIRTUAL_NS);

    if (s->rx_due && now >= s->rx_due) {
        s->rx_due = s->rx_limit = 0;
        add_causes(s, INT_RXT0);
    }
    if (s->tx_due && now >= s->tx_due) {
        s->tx_due = s->tx_limit = 0;
        add_causes(s, INT_TXDW);
    }
    if (s->more) {
        s->more = false;
        e1000_transmit(s);
    }
    update(s);
}

static u64 read_icr(void *opaque, u32 index)
{
    E1000 *s = opaque;
    u64 v = s->icr;

    (void)index;
    if (s->gen2) {
        v = e1000e_read_icr(s);
    } else {
        s->icr = 0;
    }
    update(s);
    return v;
}

static void write_icr(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    s->icr &= ~(u32)v;
    update(s);
}

static u32 all_causes(const E1000 *s)
{
    return s->gen2 ? INT_ALL_82574 : INT_ALL;
}

/* As they are: those that come with others are named by the guest too. */
static void write_ics(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    s->icr |= (u32)v & all_causes(s);
    update(s);
}

static void write_ims(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    s->ims |= (u32)v & all_causes(s);
    update(s);
}

static void write_imc(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    s->ims &= ~(u32)v;
    update(s);
}

static void itr_wrote(void *opaque, u32 index, u64 old)
{
    E1000 *s = opaque;

    (void)index;
    (void)old;
    s->quiet = 0;
    update(s);
}

/* A 1 in bit 31 of RDTR or TIDV: what is delayed comes now. */
static void write_delay(E1000 *s, u32 *delay, i64 *due, u32 what, u64 v)
{
    *delay = (u32)v & 0xffff;
    if (v >> 31 & 1 && *due) {
        *due = 0;
        e1000_cause(s, what);
    }
}

static void write_rdtr(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    write_delay(s, &s->rdtr, &s->rx_due, INT_RXT0, v);
}

static void write_tidv(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    write_delay(s, &s->tidv, &s->tx_due, INT_TXDW, v);
}

/* ---- statistics --------------------------------------------------------- */

void e1000_count(E1000 *s, u32 stat, u64 n)
{
    s->stats[stat] = (u32)MIN(s->stats[stat] + n, ~0u);
}

void e1000_count64(E1000 *s, u32 stat, u64 n)
{
    u64 v = load_le(&s->stats[stat], 8);

    v = v + n < v ? ~0ull : v + n;
    store_le(&s->stats[stat], 8, v);
}

void e1000_count_sizes(E1000 *s, u32 first, u64 n)
{
    static const u16 above[] = { 64, 127, 255, 511, 1023 };
    u32 i = 0;

    while (i < countof(above) && n > above[i]) {
        i++;
    }
    e1000_count(s, first + i, 1);
}

/* They are cleared by being read. */
static u64 read_stat(void *opaque, u32 index)
{
    E1000 *s = opaque;
    u32 v = s->stats[index];

    s->stats[index] = 0;
    return v;
}

/* ---- EEPROM: 5.3 and 5.6 ------------------------------------------------ */

static void fill_eeprom(E1000 *s)
{
    enum { COMPATIBILITY = 3, PBA_NUMBER = 8, INIT1 = 0xa, SUBSYSTEM = 0xb,
           VENDOR = 0xc, DEVICE_ID = 0xd, VENDOR_ID = 0xe, INIT2 = 0xf,
           INIT3 = 0x24, CHECKSUM = 0x3f, CHECKSUM_ALL = 0xbaba,
           INIT1_SIGNATURE = 1 << 14, INIT1_LOAD = 3, INIT2_FLASH_OFF = 0x80 };
    u16 *w = s->eeprom.word, sum = 0;

    memset(w, 0xff, sizeof s->eeprom.word);
    for (u32 i = 0; i < 3; i++) {
        w[i] = (u16)load_le(s->nic.mac + 2 * i, 2);
    }
    w[COMPATIBILITY] = 0;
    w[PBA_NUMBER] = w[PBA_NUMBER + 1] = 0;
    w[INIT1] = INIT1_SIGNATURE | INIT1_LOAD;
    w[SUBSYSTEM] = (u16)pci_get(&s->pci, PCI_SUBSYSTEM, 2);
    w[VENDOR] = (u16)pci_get(&s->pci, PCI_SUBSYSTEM_VENDOR, 2);
    w[DEVICE_ID] = (u16)pci_get(&s->pci, PCI_DEVICE, 2);
    w[VENDOR_ID] = (u16)pci_get(&s->pci, PCI_VENDOR, 2);
    w[INIT2] = INIT2_FLASH_OFF;
    w[INIT3] = 0;
    for (u32 i = 0; i < CHECKSUM; i++) {
        sum = (u16)(sum + w[i]);
    }
    w[CHECKSUM] = (u16)(CHECKSUM_ALL - sum);
}

static u64 read_eecd(void *opaque, u32 index)
{
    E1000 *s = opaque;

    (void)index;
    return s->eecd | EECD_PRES | (s->gen2 ? EECD_AUTO_READ : 0)
        | (s->eecd & EECD_REQ ? EECD_GNT : 0)
        | (s->eeprom.out ? EECD_DO : 0);
}

static void write_eecd(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;

    (void)index;
    s->eecd = (u32)v & (EECD_PINS | EECD_REQ | EECD_FWE);
    if (!s->gen2) {                     /* which has another kind of it */
        microwire_pins(&s->eeprom, v & EECD_CS, v & EECD_SK, v & EECD_DI);
    }
}

static void write_eerd(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;
    u32 at = (u32)bits(v, 15, 8);

    (void)index;
    s->eerd = (u32)v & 0xff00;
    if (v & EERD_START) {
        u32 word = s->eeprom.word[at % EEPROM_WORDS];
        s->eerd |= EERD_DONE | word << 16;
    }
}

/* ---- PHY: an 88E1011, or the 82574's own -------------------------------- */

static void reset_phy(E1000 *s)
{
    static const struct { u8 reg; u16 v; } initial[] = {
        { PHY_CONTROL, 0x1140 },        /* negotiates, 1000 Mb/s, full */
        { PHY_STATUS, 0x796d },         /* it did, and the link is up */
        { 2, 0x0141 }, { 3, 0x0c20 },   /* identifier */
        { 4, 0x0de1 }, { 5, 0x4de1 },   /* abilities, the partner's */
        { 6, 0x0001 },
        { 9, 0x0e00 }, { 10, 0x3c00 },  /* the same of 1000BASE-T */
        { 15, 0x3000 },
        { 16, 0x0068 }, { PHY_SPECIFIC, 0xac00 },
        { 20, 0x0d60 },
    };

    memset(s->phy, 0, sizeof s->phy);
    for (u32 i = 0; i < countof(initial); i++) {
        s->phy[initial[i].reg] = initial[i].v;
    }
    if (s->gen2) {
        s->phy[3] = 0x0cb1;
    }
}

/* The 82574's has more pages, which are empty. */
static bool on_empty_page(const E1000 *s, u32 reg)
{
    return s->gen2 && s->phy[PHY_PAGE] && reg != PHY_PAGE;
}

/* Speed and duplex as negotiated or as the control register says. */
static u16 phy_specific(const E1000 *s)
{
    u16 c = s->phy[PHY_CONTROL], v = s->phy[PHY_SPECIFIC];
    u32 speed = (c >> 13 & 1) | (c >> 5 & 2);

    if (!(c & 1 << 12)) {
        v = (u16)((v & ~(SPEED_BITS | 1 << 13)) | (speed & 3) << 14
                  | (c >> 8 & 1) << 13);
    }
    return v;
}

static void write_phy(E1000 *s, u32 reg, u16 v)
{
    static const u64 writable = BIT(0) | BIT(4) | BIT(7) | BIT(9) | BIT(16)
                              | BIT(18) | BIT(20) | BIT(PHY_PAGE)
                              | 0xffull << 24;

    if (on_empty_page(s, reg)) {
        return;
    }
    if (reg == PHY_CONTROL && v & PHY_RESET) {
        reset_phy(s);
        e1000_cause(s, INT_LSC);
        return;
    }
    if (writable >> reg & 1) {
        s->phy[reg] = v;
    }
    if (reg == PHY_CONTROL) {
        s->phy[PHY_CONTROL] &= (u16)~(PHY_RESTART | 0x3f);
        if (v & PHY_RESTART) {          /* that takes no time */
            e1000_cause(s, INT_LSC);
        }
    }
}

static void write_mdic(void *opaque, u32 index, u64 v)
{
    E1000 *s = opaque;
    u32 reg = (u32)bits(v, 20, 16), op = (u32)bits(v, 27, 26);

    (void)index;
    s->mdic = ((u32)v & ~(u32)MDI_ERROR) | MDI_READY;
    if (bits(v, 25, 21) != PHY_ADDRESS || (op != MDI_READ && op != MDI_WRITE)) {
        s->mdic |= MDI_ERROR;
    } else if (op == MDI_WRITE) {
        write_phy(s, reg, (u16)v);
    } else {
        u16 got = on_empty_page(s, reg) ? 0
                : reg == PHY_SPECIFIC ? phy_specific(s) : s->phy[reg];
        s->mdic = (u32)deposit(s->mdic, 0, 16, got);
    }
    if (v & MDI_INT) {
        e1000_cause(s, INT_MDAC);
    }
}

bool e1000_loops(const E1000 *s)
{
    return s->rctl & RCTL_LBM || s->phy[PHY_CONTROL] & PHY_LOOPBACK;
}

/* ---- control ------------------------------------------------------------ */

/* What CTRL.RST does: registers only, of those the PHY's not. */
static void reset_registers(E1000 *s)
{
    for (const Reg *r = s->pci.dev.type->regs; r->name; r++) {
        for (u32 i = 0; i < MAX(r->count, 1) && r->size; i++) {
            store_le((u8 *)s + r->store + i * r->size, r->size, r->reset);
        }
    }
    s->rx_due = s->rx_limit = s->tx_due = s->tx_limit = s->quiet = 0;
    s->more = false;
    s->held = s->cut = s->passed = 0;
    timer_stop(s->timer);
    for (u32 i = 0; i < 3; i++) {
        store_le((u8 *)s->ra + 2 * i, 2, s->eeprom.word[i]);
    }
    s->ra[1] = (s->ra[1] & 0xffff) | RAH_AV;
    e1000e_reset(s);
    update(s);
}

static void ctrl_wrote(void *opaque, u32 index, u64 old)
{
    E1000 *s = opaque;

    (void)index;
    if (s->ctrl & CTRL_PHY_RST && !(old & CTRL_PHY_RST)) {
        reset_phy(s);
        e1000_cause(s, INT_LSC);
    }
    if (s->ctrl & CTRL_RST) {
        reset_registers(s);
    }
}

static u64 read_status(void *opaque, u32 index)
{
    const E1000 *s = opaque;
    bool master = s->gen2 && !(s->ctrl & CTRL_NO_MASTER);

    (void)index;
    return STATUS_LU | STATUS_SPEED | (s->ctrl & CTRL_FD)
        | (master ? STATUS_MASTER : 0);
}

static void receiver_wrote(void *opaque, u32 index, u64 old)
{
    E1000 *s = opaque;

    (void)index;
    (void)old;
    if (!s->receiving) {
        nic_accept(&s->nic);
    }
}

static void sender_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    e1000_transmit(opaque);
}

/* ---- the ports: 4.4 and 13.2.2 ------------------------------------------ */

u64 e1000_io_read(void *opaque, u64 at, unsigned size)
{
    E1000 *s = opaque;

    if (at == 0) {
        return s->io_address;
    }
    return at == 4 && s->io_address < WINDOW
        ? device_read(s, s->io_address, size) : 0;
}

void e1000_io_write(void *opaque, u64 at, unsigned size, u64 v)
{
    E1000 *s = opaque;

    if (at == 0) {
        s->io_address = (u32)v;
    } else if (at == 4 && s->io_address < WINDOW) {
        device_write(s, s->io_address, size, v);
    }
}

/* ---- the device --------------------------------------------------------- */

static void add_82540(E1000 *s)
{
    pci_bar(&s->pci, 1, (PciBar) { .size = IO_BYTES, .kind = PCI_BAR_IO,
                                   .read = e1000_io_read,
                                   .write = e1000_io_write, .opaque = s });
}

static bool start_as(E1000 *s, const PciInfo *info, void (*add)(E1000 *s),
                     Err *err)
{
    if (!pci_init(&s->pci, info, err)) {
        return false;
    }
    pci_bar(&s->pci, 0, (PciBar) { .size = WINDOW, .read = device_read,
                                   .write = device_write, .opaque = s });
    add(s);
    s->timer = timer_new(CLOCK_VIRTUAL_NS, e1000_tick, s);
    const NetFront front = { s, e1000_can_receive, e1000_receive, NULL };
    if (!nic_start(&s->nic, &s->pci.dev, front, err)) {
        return false;
    }
    fill_eeprom(s);
    return true;
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x100e, .class = 0x020000, .revision = 3,
        .pin = 1,
    };

    return start_as(opaque, &info, add_82540, err);
}

static bool start_82574(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x10d3, .class = 0x020000, .pin = 1,
        .subsystem_vendor = 0x8086, .subsystem = 0,
    };
    E1000 *s = opaque;

    s->gen2 = true;
    return start_as(s, &info, e1000e_add, err);
}

static void reset(void *opaque)
{
    E1000 *s = opaque;

    pci_reset(&s->pci);
    reset_phy(s);
    memset(s->gathered, 0, sizeof s->gathered);
    reset_registers(s);
}

static bool loaded(void *opaque)
{
    E1000 *s = opaque;
    i64 now = clock_now(CLOCK_VIRTUAL_NS), *due[] = {
        &s->rx_due, &s->rx_limit, &s->tx_due, &s->tx_limit, &s->quiet
    };

    for (u32 i = 0; i < countof(due); i++) {
        *due[i] = MAX(0, MIN(*due[i], now + 0xffff * UNIT_NS));
    }
    if (!pci_loaded(&s->pci) || s->held > sizeof s->gathered - VLAN_TAG
        || s->tse > 1) {
        return false;
    }
    s->more = true;                     /* perhaps */
    update(s);
    return true;
}

static void stop(void *opaque)
{
    E1000 *s = opaque;

    nic_stop(&s->nic);
    timer_free(s->timer);
    pci_stop(&s->pci);
}

#define RING(at, n, f, hook)                                                \
    RW((at) + 0x00, n "BAL", E1000, f.bal, ~0xfu),                          \
    RW((at) + 0x04, n "BAH", E1000, f.bah, ~0u),                            \
    RW((at) + 0x08, n "LEN", E1000, f.len, 0xfff80),                        \
    RW((at) + 0x10, n "H", E1000, f.h, 0xffff),                             \
    RW((at) + 0x18, n "T", E1000, f.t, 0xffff, .wrote = hook)

/* Both have them. */
#define COMMON_REGS                                                                              \
    RW (0x0000, "CTRL", E1000, ctrl, ~0u, .reset = CTRL_FD | 2 << 8, .wrote = ctrl_wrote),       \
    FN (0x0008, "STATUS", .read = read_status),                                                  \
    FN (0x0010, "EECD", .read = read_eecd, .write = write_eecd, MEMBER(E1000, eecd)),            \
    RW (0x0018, "CTRL_EXT", E1000, ctrl_ext, ~0u),                                               \
    RO (0x0020, "MDIC", E1000, mdic, .reset = MDI_READY, .write = write_mdic),                   \
    RW (0x0028, "FCAL", E1000, fcal, ~0u),                                                       \
    RW (0x002c, "FCAH", E1000, fcah, 0xffff),                                                    \
    RW (0x0030, "FCT", E1000, fct, 0xffff),                                                      \
    RW (0x0038, "VET", E1000, vet, 0xffff, .reset = 0x8100),                                     \
    RO (0x00c0, "ICR", E1000, icr, .read = read_icr, .write = write_icr),                        \
    RW (0x00c4, "ITR", E1000, itr, 0xffff, .wrote = itr_wrote),                                  \
    FN (0x00c8, "ICS", .write = write_ics),                                                      \
    RO (0x00d0, "IMS", E1000, ims, .write = write_ims),                                          \
    FN (0x00d8, "IMC", .write = write_imc),                                                      \
    RW (0x0100, "RCTL", E1000, rctl, 0x07f6fffe, .wrote = receiver_wrote),                       \
    RW (0x0170, "FCTTV", E1000, fcttv, 0xffff),                                                  \
    RW (0x0178, "TXCW", E1000, txcw, ~0u),                                                       \
    RO (0x0180, "RXCW", E1000, rxcw),                                                            \
    RW (0x0400, "TCTL", E1000, tctl, 0x03fffffa, .wrote = sender_wrote),                         \
    RW (0x0410, "TIPG", E1000, tipg, 0x3fffffff),                                                \
    RW (0x0458, "AIT", E1000, ait, 0xffff),                                                      \
    RW (0x0e00, "LEDCTL", E1000, ledctl, 0xcfcfcfcf, .reset = 0x07068302),                       \
    RW (0x1000, "PBA", E1000, pba, 0xffff, .reset = 0x00100030),                                 \
    RW (0x2160, "FCRTL", E1000, fcrtl, 0x8000fff8),                                              \
    RW (0x2168, "FCRTH", E1000, fcrth, 0xfff8),                                                  \
    RWN(0x2410, "RDF", E1000, fifo_rx, 0x1fff),                                                  \
    RING(0x2800, "RD", rx, receiver_wrote),                                                      \
    RO (0x2820, "RDTR", E1000, rdtr, .write = write_rdtr),                                       \
    RW (0x2828, "RXDCTL", E1000, rxdctl, 0x013f3f3f, .reset = 0x00010000),                       \
    RW (0x282c, "RADV", E1000, radv, 0xffff),                                                    \
    RWN(0x3410, "TDF", E1000, fifo_tx, 0x1fff),                                                  \
    RING(0x3800, "TD", tx, sender_wrote),                                                        \
    RO (0x3820, "TIDV", E1000, tidv, .write = write_tidv),                                       \
    RW (0x3828, "TXDCTL", E1000, txdctl, 0xff3f3f3f),                                            \
    RW (0x382c, "TADV", E1000, tadv, 0xffff),                                                    \
    RW (0x3830, "TSPMT", E1000, tspmt, ~0u, .reset = 0x01000400),                                \
    RWN(0x4000, "STATS", E1000, stats, 0, .read = read_stat),                                    \
    RW (0x5000, "RXCSUM", E1000, rxcsum, 0x7ff),                                                 \
    RWN(0x5200, "MTA", E1000, mta, ~0u),                                                         \
    RWN(0x5400, "RA", E1000, ra, ~0u),                                                           \
    RWN(0x5600, "VFTA", E1000, vfta, ~0u),                                                       \
    RW (0x5800, "WUC", E1000, wuc, 0xf),                                                         \
    RW (0x5808, "WUFC", E1000, wufc, 0xf80ff),                                                   \
    RW (0x5810, "WUS", E1000, wus, 0, .w1c = ~0u),                                               \
    RW (0x5820, "MANC", E1000, manc, ~0u),                                                       \
    RW (0x5838, "IPAV", E1000, ipav, 0x1000f)

static const Reg regs[] = {
    COMMON_REGS,
    RO (0x0014, "EERD", E1000, eerd, .write = write_eerd),
    CONST(0x2c00, "RSRPD", 0),
    { 0 }
};

/* Those of the 82574. */
enum { CFG_DONE = 3 << 18 };

static const Reg regs_82574[] = {
    COMMON_REGS,
    RO (0x0014, "EERD", E1000, eerd, .write = e1000e_write_eerd),
    RW (0x00dc, "EIAC", E1000, eiac, 0x01f00000),
    RW (0x00e0, "IAM", E1000, iam, ~0u),
    RW (0x00e4, "IVAR", E1000, ivar, 0x800fffff),
    RWN(0x00e8, "EITR", E1000, eitr, 0xffff),
    RW (0x0f00, "EXTCNF_CTRL", E1000, extcnf, ~0u),
    CONST(0x1010, "EEMNGCTL", CFG_DONE),
    RW (0x2170, "PSRCTL", E1000, psrctl, 0x3f3f3f7f, .reset = 0x00040402),
    RW (0x3840, "TARC0", E1000, tarc, ~0u, .reset = 0x403),
    RW (0x5008, "RFCTL", E1000, rfctl, ~0u),
    RW (0x5818, "MRQC", E1000, mrqc, ~0u),
    RW (0x5860, "MANC2H", E1000, manc2h, ~0u),
    RW (0x5b00, "GCR", E1000, gcr, ~0u),
    RW (0x5b50, "SWSM", E1000, swsm, 0xf, .read = e1000e_read_swsm),
    CONST(0x5b54, "FWSM", 0),
    RW (0x5b64, "GCR2", E1000, gcr2, ~0u),
    RW (0x5b68, "PBACLR", E1000, pbaclr, 0x1f),
    FN (0xb600, "SYSTIML", .read = e1000e_read_systim, .write = e1000e_write_systim),
    RO (0xb604, "SYSTIMH", E1000, systimh, .read = e1000e_read_systimh,
        .write = e1000e_write_systimh),
    RO (0xb608, "TIMINCA", E1000, timinca, .write = e1000e_write_timinca),
    { 0 }
};

#define CONTEXT                                                             \
    SAVE(Context, ipcss), SAVE(Context, ipcso), SAVE(Context, tucss),       \
    SAVE(Context, tucso), SAVE(Context, tucmd), SAVE(Context, hdrlen),      \
    SAVE(Context, ipcse), SAVE(Context, tucse), SAVE(Context, mss)

#define CARD                                                                \
    .size   = sizeof(E1000),                                                \
    .window = WINDOW,                                                       \
    .bus    = BUS_PCI,                                                      \
    .user   = true,                                                         \
    .any_offset = true,                                                     \
    .props  = (const Prop[]) {                                              \
        PCI_PROPS(E1000, pci), NIC_PROPS(E1000, nic), { 0 }                 \
    },                                                                      \
    .state  = (const Field[]) {                                             \
        PCI_FIELDS(E1000, pci), MICROWIRE_FIELDS(E1000, eeprom),            \
        SAVE(E1000, phy), SAVE(E1000, io_address), SAVE(E1000, rx_due),     \
        SAVE(E1000, rx_limit), SAVE(E1000, tx_due), SAVE(E1000, tx_limit),  \
        SAVE(E1000, quiet), SAVE(E1000, asserted), SAVE(E1000, sent),       \
        SAVE(E1000, systim), SAVE(E1000, systim_at),                        \
        SAVE_STRUCT(E1000, checks, Context, CONTEXT),                       \
        SAVE_STRUCT(E1000, segments, Context, CONTEXT),                     \
        SAVE(E1000, gathered), SAVE(E1000, header), SAVE(E1000, held),      \
        SAVE(E1000, popts), SAVE(E1000, tse), SAVE(E1000, cut),             \
        SAVE(E1000, passed), { 0 }                                          \
    },                                                                      \
    .reset = reset, .loaded = loaded, .stop = stop

DEVICE(e1000) {
    .name   = "e1000",
    .about  = "Gigabit Ethernet card Intel 82540EM",
    .regs   = regs,
    .start  = start,
    CARD,
};

DEVICE(e1000e) {
    .name   = "e1000e",
    .about  = "Gigabit Ethernet card Intel 82574L",
    .regs   = regs_82574,
    .start  = start_82574,
    CARD,
};
