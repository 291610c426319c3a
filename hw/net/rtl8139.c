/* SPDX-License-Identifier: MIT */
/*
 * Fast Ethernet controller Realtek RTL8139C+: "rtl8139", 10ec:8139.
 * References: RTL8139C(L)+ data sheet 1.5, RTL8139(A/B) programming guide 0.1.
 *
 * This file has the registers.  Left out: wake-up, early interrupts (MULINT
 * and ERTH hold what is written), the serial flash, CardBus.
 */
#include "hw/net/rtl8139.h"

enum { WINDOW = 256, TIMER_NS = 30 };   /* at 33 MHz */
enum { AT_ISR = 0x3e };
enum { EE_DO = 1 << 0, EE_DI = 1 << 1, EE_SK = 1 << 2, EE_CS = 1 << 3,
       EE_MODE = 3 << 6, EE_RELOAD = 1 << 6, EE_PROGRAM = 2 << 6,
       EE_CONFIG = 3 << 6, EE_MAC_WORD = 7 };
enum { DUMP = 1 << 3, POLL_HIGH = 1 << 7, POLL_NORMAL = 1 << 6,
       POLL_SOFTWARE = 1 << 0 };
enum { BMCR_RESET = 1 << 15, BMCR_RESTART = 1 << 9, BMCR_INIT = 0x3100 };
/* TCR's HWVERID: an RTL8139C+. */
enum { TCR_VERSION = 0x74800000, TCR_GUEST = 0x030707f1 };

/* ---- interrupts and the timer ------------------------------------------- */

static void update(Rtl8139 *s)
{
    pci_irq(&s->pci, s->isr & s->imr);
}

void rtl8139_cause(Rtl8139 *s, u32 what)
{
    s->isr |= (u16)what;
    update(s);
}

/* C+ mode has no register by which a driver gives buffers: it polls then. */
static void look_again(Rtl8139 *s)
{
    if (!s->receiving) {
        nic_accept(&s->nic);
    }
}

static void write_isr(Rtl8139 *s, u32 v)
{
    s->isr &= (u16)~v;
    update(s);
    look_again(s);
}

static void isr_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    write_isr(opaque, 0);
}

static void imr_wrote(void *opaque, u32 index, u64 old)
{
    isr_wrote(opaque, index, old);
}

static u64 read_tctr(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;

    (void)index;
    return (u32)((clock_now(CLOCK_VIRTUAL_NS) - s->timer_start) / TIMER_NS);
}

/* When TCTR is TIMERINT; TCTR has 32 bits and goes round. */
static void arm(Rtl8139 *s)
{
    i64 now = clock_now(CLOCK_VIRTUAL_NS), round = (i64)TIMER_NS << 32;
    i64 due = s->timer_start + (i64)s->timer_int * TIMER_NS;

    if (!s->timer_int) {
        timer_stop(s->timer);
        return;
    }
    due += due <= now ? ((now - due) / round + 1) * round : 0;
    timer_set(s->timer, due);
}

static void on_timer(void *opaque)
{
    Rtl8139 *s = opaque;

    if (s->timer_int) {
        rtl8139_cause(s, INT_TIMEOUT);
        arm(s);
    }
}

static void write_tctr(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;

    (void)index;
    (void)v;
    s->timer_start = clock_now(CLOCK_VIRTUAL_NS);
    arm(s);
}

static void timer_int_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    arm(opaque);
}

/* ---- EEPROM ------------------------------------------------------------- */

static void fill_eeprom(Rtl8139 *s)
{
    const u16 head[EE_MAC_WORD] = {
        0x8129, 0x10ec, 0x8139, (u16)pci_get(&s->pci, PCI_SUBSYSTEM_VENDOR, 2),
        (u16)pci_get(&s->pci, PCI_SUBSYSTEM, 2), 0x4020, 0xe512
    };

    memcpy(s->eeprom.word, head, sizeof head);
    for (u32 i = 0; i < 3; i++) {
        s->eeprom.word[EE_MAC_WORD + i] =
            (u16)load_le(s->nic.mac + 2 * i, 2);
    }
}

static void load_eeprom(Rtl8139 *s)
{
    for (u32 i = 0; i < 3; i++) {
        store_le((u8 *)s->idr + 2 * i, 2, s->eeprom.word[EE_MAC_WORD + i]);
    }
}

static u64 read_9346(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;

    (void)index;
    return s->cr9346 | (s->eeprom.out ? EE_DO : 0);
}

static void write_9346(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;
    u32 mode = v & EE_MODE;

    (void)index;
    s->cr9346 = (u8)v & (EE_MODE | EE_CS | EE_SK | EE_DI);
    if (mode == EE_PROGRAM) {
        microwire_pins(&s->eeprom, v & EE_CS, v & EE_SK, v & EE_DI);
    } else if (mode == EE_RELOAD) {
        load_eeprom(s);
        s->cr9346 = 0;
    }
}

/* ---- commands ----------------------------------------------------------- */

static void soft_reset(Rtl8139 *s)
{
    for (u32 i = 0; i < TX_SLOTS; i++) {
        s->tsd[i] = TSD_OWN;
        s->tsad[i] = 0;
    }
    s->cr = 0;
    s->capr = 0xfff0;
    s->cbr = 0;
    s->imr = s->isr = 0;
    s->tcr = s->rcr = s->cpcr = 0;
    s->timer_int = 0;
    s->next_tx[0] = s->next_tx[1] = s->next_rx = 0;
    arm(s);
    update(s);
}

static u64 read_cr(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;

    (void)index;
    return s->cr | (rtl8139_empty(s) ? CR_BUFE : 0);
}

static void write_cr(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;

    (void)index;
    if (v & CR_RST) {
        soft_reset(s);
        return;
    }
    s->cr = (u8)v & (CR_TE | CR_RE);
    look_again(s);
}

static u64 read_tcr(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;

    (void)index;
    return (u32)TCR_VERSION | s->tcr;
}

/* The tally counters: 6.9 of the data sheet. */
static void dump(Rtl8139 *s)
{
    u8 t[64] = { 0 };

    store_le(t, 8, s->tx_ok);
    store_le(t + 8, 8, s->rx_ok);
    store_le(t + 28, 2, s->missed);
    store_le(t + 40, 8, s->rx_ok - s->rx_broadcasts - s->rx_multicasts);
    store_le(t + 48, 8, s->rx_broadcasts);
    store_le(t + 56, 4, s->rx_multicasts);
    pci_dma_write(&s->pci, load_le(s->dtccr, 8) & ~63ull, t, sizeof t);
    s->dtccr[0] &= ~(u32)DUMP;
}

/* In C+ mode the address for the counters is where TSD0 and TSD1 are. */
static bool plus(const Rtl8139 *s)
{
    return s->cpcr & (CP_TX | CP_RX);
}

static u64 read_tsd(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;

    return index < 2 && plus(s) ? s->dtccr[index] : s->tsd[index];
}

static void write_tsd(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;

    if (plus(s)) {
        if (index < 2) {
            s->dtccr[index] = (u32)v;
        }
        if (index == 0 && v & DUMP) {
            dump(s);
        }
        return;
    }
    s->tsd[index] = ((u32)v & TSD_GUEST) | (v & TSD_OWN);
    if (!(v & TSD_OWN)) {
        rtl8139_send_slot(s, index);
    }
}

/* TSAD: a bit of each kind for each slot. */
static u64 read_tsad(void *opaque, u32 index)
{
    const Rtl8139 *s = opaque;
    u64 v = 0;

    (void)index;
    for (u32 i = 0; i < TX_SLOTS; i++) {
        v |= (s->tsd[i] & TSD_OWN ? BIT(i) : 0)
           | (s->tsd[i] & TSD_TOK ? BIT(12 + i) : 0);
    }
    return v;
}

static void address_wrote(void *opaque, u32 index, u64 old)
{
    Rtl8139 *s = opaque;

    (void)old;
    s->next_tx[index / 2] = 0;
}

static void rdsar_wrote(void *opaque, u32 index, u64 old)
{
    Rtl8139 *s = opaque;

    (void)index;
    (void)old;
    s->next_rx = 0;
}

static void write_poll(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;

    (void)index;
    if (v & POLL_HIGH) {
        rtl8139_send_ring(s, true);
    }
    if (v & POLL_NORMAL) {
        rtl8139_send_ring(s, false);
    }
    if (v & POLL_SOFTWARE) {
        rtl8139_cause(s, INT_SW);
    }
}

static void capr_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    look_again(opaque);
}

static void rbstart_wrote(void *opaque, u32 index, u64 old)
{
    Rtl8139 *s = opaque;

    (void)index;
    (void)old;
    s->capr = 0xfff0;
    s->cbr = 0;
}

static void write_mpc(void *opaque, u32 index, u64 v)
{
    Rtl8139 *s = opaque;

    (void)index;
    (void)v;
    s->mpc = 0;
}

static void bmcr_wrote(void *opaque, u32 index, u64 old)
{
    Rtl8139 *s = opaque;

    (void)index;
    (void)old;
    if (s->bmcr & BMCR_RESET) {
        s->bmcr = BMCR_INIT;
    }
    s->bmcr &= (u16)~BMCR_RESTART;      /* that takes no time */
}

/* ---- accesses ----------------------------------------------------------- */

/* A wider access than the register is one of each half. */
static u64 window_read(void *opaque, u64 at, unsigned size)
{
    Rtl8139 *s = opaque;

    if (size > 1 && s->width[at] < size) {
        return window_read(s, at, size / 2)
            | window_read(s, at + size / 2, size / 2) << size * 4;
    }
    return device_read(s, at, size);
}

/* CONFIG0, 1, 3, 4 and 5 change only in a mode of 9346CR. */
static bool is_locked(const Rtl8139 *s, u64 at)
{
    static const u8 config[] = { 0x51, 0x52, 0x59, 0x5a, 0xd8 };

    return (s->cr9346 & EE_MODE) != EE_CONFIG
        && memchr(config, (int)at, sizeof config);
}

static void window_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Rtl8139 *s = opaque;

    if (size > 1 && s->width[at] < size) {
        window_write(s, at, size / 2, v & MASK(size * 4));
        window_write(s, at + size / 2, size / 2, v >> size * 4);
    } else if (at == AT_ISR || at == AT_ISR + 1) {
        write_isr(s, (u32)v << 8 * (at - AT_ISR));
    } else if (!is_locked(s, at)) {
        device_write(s, at, size, v);
    }
}

static void note_widths(Rtl8139 *s)
{
    memset(s->width, 1, sizeof s->width);
    for (const Reg *r = s->pci.dev.type->regs; r->name; r++) {
        memset(s->width + r->at, (int)r->width,
               r->width * MAX(r->count, 1));
    }
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x10ec, .device = 0x8139, .class = 0x020000,
        .revision = 0x20, .pin = 1,
    };
    Rtl8139 *s = opaque;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    for (u32 i = 0; i < 2; i++) {
        pci_bar(&s->pci, i, (PciBar) {
            .size = WINDOW, .kind = i ? PCI_BAR_MEM : PCI_BAR_IO,
            .read = window_read, .write = window_write, .opaque = s,
        });
    }
    note_widths(s);
    s->timer = timer_new(CLOCK_VIRTUAL_NS, on_timer, s);
    const NetFront front = { s, rtl8139_can_receive, rtl8139_receive, NULL };
    if (!nic_start(&s->nic, &s->pci.dev, front, err)) {
        return false;
    }
    fill_eeprom(s);
    return true;
}

static void reset(void *opaque)
{
    Rtl8139 *s = opaque;

    pci_reset(&s->pci);
    load_eeprom(s);
    soft_reset(s);
}

static bool loaded(void *opaque)
{
    Rtl8139 *s = opaque;
    i64 now = clock_now(CLOCK_VIRTUAL_NS);

    if (!pci_loaded(&s->pci) || s->next_rx >= RING_MAX
        || s->next_tx[0] >= RING_MAX || s->next_tx[1] >= RING_MAX
        || s->timer_start < 0 || s->timer_start > now) {
        return false;
    }
    arm(s);
    update(s);
    return true;
}

static void stop(void *opaque)
{
    Rtl8139 *s = opaque;

    nic_stop(&s->nic);
    timer_free(s->timer);
    pci_stop(&s->pci);
}

/* Rows for registers of one and two bytes, and their constants. */
#define R1(a, n, f, bits, ...)                                             \
    { .at = (a), .width = 1, .name = (n), MEMBER(Rtl8139, f), .rw = (bits), __VA_ARGS__ }
#define R2(a, n, f, bits, ...)                                             \
    { .at = (a), .width = 2, .name = (n), MEMBER(Rtl8139, f), .rw = (bits), __VA_ARGS__ }
#define C1(a, n, v)    { .at = (a), .width = 1, .name = (n), .reset = (v) }
#define C2(a, n, v)    { .at = (a), .width = 2, .name = (n), .reset = (v) }

static const Reg regs[] = {
    RWN(0x00, "IDR", Rtl8139, idr, ~0u),
    RWN(0x08, "MAR", Rtl8139, mar, ~0u),
    RWN(0x10, "TSD", Rtl8139, tsd, 0, .read = read_tsd, .write = write_tsd),
    RWN(0x20, "TSADDR", Rtl8139, tsad, ~0u, .wrote = address_wrote),
    RW (0x30, "RBSTART", Rtl8139, rbstart, ~0u, .wrote = rbstart_wrote),
    C2 (0x34, "ERBCR", 0),
    C1 (0x36, "ERSR", 0),
    R1 (0x37, "CR", cr, 0, .read = read_cr, .write = write_cr),
    R2 (0x38, "CAPR", capr, 0xffff, .wrote = capr_wrote),
    R2 (0x3a, "CBR", cbr, 0),
    R2 (0x3c, "IMR", imr, 0xe1ff, .wrote = imr_wrote),
    R2 (0x3e, "ISR", isr, 0, .w1c = 0xe1ff, .wrote = isr_wrote),
    RW (0x40, "TCR", Rtl8139, tcr, TCR_GUEST, .read = read_tcr),
    RW (0x44, "RCR", Rtl8139, rcr, 0x0f03ffbf),
    FN (0x48, "TCTR", .read = read_tctr, .write = write_tctr),
    RO (0x4c, "MPC", Rtl8139, mpc, .write = write_mpc),
    R1 (0x50, "9346CR", cr9346, 0, .read = read_9346, .write = write_9346),
    R1 (0x51, "CONFIG0", config[0], 0),
    R1 (0x52, "CONFIG1", config[1], 0xf3, .reset = 0x0c),
    RW (0x54, "TIMERINT", Rtl8139, timer_int, ~0u, .wrote = timer_int_wrote),
    R1 (0x58, "MSR", msr, 0xc0, .reset = 0x10),
    R1 (0x59, "CONFIG3", config[2], 0xf7),
    R1 (0x5a, "CONFIG4", config[3], 0xff),
    R2 (0x5c, "MULINT", mulint, 0xffff),
    C1 (0x5e, "RERID", 0x10),
    { .at = 0x60, .width = 2, .name = "TSAD", .read = read_tsad },
    R2 (0x62, "BMCR", bmcr, 0xb300, .reset = BMCR_INIT, .wrote = bmcr_wrote),
    C2 (0x64, "BMSR", 0x782d),
    R2 (0x66, "ANAR", anar, 0x2fff, .reset = 0x01e1),
    C2 (0x68, "ANLPAR", 0x45e1),
    C2 (0x6a, "ANER", 0x0001),
    C2 (0x6c, "DIS", 0),
    C2 (0x6e, "FCSC", 0),
    R2 (0x70, "NWAYTR", nwaytr, 0x00ff),
    C2 (0x72, "REC", 0),
    C2 (0x74, "CSCR", 0x03c8),          /* the cable is connected */
    R1 (0xd8, "CONFIG5", config[4], 0x7f),
    { .at = 0xd9, .width = 1, .name = "TPPOLL", .write = write_poll },
    R2 (0xe0, "CPCR", cpcr, 0x007f),
    RWN(0xe4, "RDSAR", Rtl8139, rdsar, ~0u, .wrote = rdsar_wrote),
    R1 (0xec, "ETTHR", etthr, 0x3f),
    { 0 }
};

DEVICE(rtl8139) {
    .name   = "rtl8139",
    .about  = "Fast Ethernet card Realtek RTL8139C+",
    .size   = sizeof(Rtl8139),
    .window = WINDOW,
    .bus    = BUS_PCI,
    .user   = true,
    .regs   = regs,
    .any_offset = true,
    .props  = (const Prop[]) {
        PCI_PROPS(Rtl8139, pci), NIC_PROPS(Rtl8139, nic), { 0 }
    },
    .state  = (const Field[]) {
        PCI_FIELDS(Rtl8139, pci), MICROWIRE_FIELDS(Rtl8139, eeprom),
        SAVE(Rtl8139, dtccr), SAVE(Rtl8139, timer_start),
        SAVE(Rtl8139, next_tx), SAVE(Rtl8139, next_rx), SAVE(Rtl8139, tx_ok),
        SAVE(Rtl8139, rx_ok), SAVE(Rtl8139, rx_broadcasts),
        SAVE(Rtl8139, rx_multicasts), SAVE(Rtl8139, missed), { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
