/* SPDX-License-Identifier: MIT */
/*
 * The core of NE2000 cards; see ne2k.h.
 *
 * Frames wait in the network while the ring is full.  Left out: loopback
 * (nothing is sent then), the FIFO, collisions, the send-packet command of
 * remote DMA, page 3 (configuration of the RTL8029).
 */
#include "hw/net/ne2k.h"

enum { DATA_PORT = 0x10, RESET_PORT = 0x18, PAGE = 256 };
enum { CR_STP = 1 << 0, CR_STA = 1 << 1, CR_TXP = 1 << 2, CR_READ = 1 << 3,
       CR_WRITE = 2 << 3, CR_DMA = 7 << 3, CR_PAGE = 3 << 6,
       CR_ABORT = 4 << 3 };
enum { ISR_PRX = 1 << 0, ISR_PTX = 1 << 1, ISR_OVW = 1 << 4,
       ISR_RDC = 1 << 6, ISR_RST = 1 << 7 };
enum { RCR_AB = 1 << 2, RCR_AM = 1 << 3, RCR_PRO = 1 << 4, RCR_MON = 1 << 5 };
enum { TCR_LB = 3 << 1, DCR_WTS = 1 << 0 };
enum { RSR_PRX = 1 << 0, RSR_PHY = 1 << 5, TSR_PTX = 1 << 0 };
enum { RX_HEADER = 4 };
/* Registers, 16 to a page, pages 0 to 2. */
enum { PAGES = 3, PER_PAGE = 16 };

/* ---- interrupts --------------------------------------------------------- */

static void update(Ne2k *s)
{
    s->irq(s->dev, s->isr & s->imr & (u8)~ISR_RST);
}

static void cause(Ne2k *s, u8 what)
{
    s->isr |= what;
    update(s);
}

/* ---- memory ------------------------------------------------------------- */

/* The address twice, then "W" twice, as a card on a 16-bit bus has it. */
static u8 prom(const Ne2k *s, u32 at)
{
    u32 i = at / 2;

    return i < MAC_BYTES ? s->nic.mac[i] : i >= 14 ? 'W' : 0;
}

static u8 peek(const Ne2k *s, u32 at)
{
    return at < NE2K_PROM ? prom(s, at)
         : at - NE2K_RAM_AT < NE2K_RAM ? s->ram[at - NE2K_RAM_AT] : 0xff;
}

static void poke(Ne2k *s, u32 at, u8 v)
{
    if (at - NE2K_RAM_AT < NE2K_RAM) {
        s->ram[at - NE2K_RAM_AT] = v;
    }
}

/* Moves remote DMA by n bytes; it goes round in the ring. */
static void advance(Ne2k *s, u32 n)
{
    s->rsar = (u16)(s->rsar + n);
    if (s->rsar == s->pstop * PAGE) {
        s->rsar = (u16)(s->pstart * PAGE);
    }
    s->rbcr = (u16)(s->rbcr > n ? s->rbcr - n : 0);
    if (!s->rbcr) {
        cause(s, ISR_RDC);
    }
}

/*
 * The data port moves a word at a time or, without DCR.WTS, a byte; a wider
 * access is several of these, of a narrower one the rest is lost.
 */
static u64 data_read(Ne2k *s, unsigned size)
{
    u32 unit = s->dcr & DCR_WTS ? 2 : 1;
    u64 v = 0;

    for (u32 i = 0; i < size; i += unit) {
        if ((s->cr & CR_DMA) != CR_READ || !s->rbcr) {
            return v;
        }
        for (u32 j = 0; j < unit; j++) {
            v |= (u64)peek(s, (u16)(s->rsar + j)) << 8 * (i + j);
        }
        advance(s, unit);
    }
    return v;
}

static void data_write(Ne2k *s, unsigned size, u64 v)
{
    u32 unit = s->dcr & DCR_WTS ? 2 : 1;

    for (u32 i = 0; i < size; i += unit) {
        if ((s->cr & CR_DMA) != CR_WRITE || !s->rbcr) {
            return;
        }
        for (u32 j = 0; j < unit; j++) {
            poke(s, (u16)(s->rsar + j), (u8)(v >> 8 * (i + j)));
        }
        advance(s, unit);
    }
}

/* ---- receiving ---------------------------------------------------------- */

static bool listens(const Ne2k *s)
{
    return !(s->cr & CR_STP) && s->cr & CR_STA && !(s->rcr & RCR_MON)
        && s->pstop > s->pstart && s->curr >= s->pstart
        && s->curr < s->pstop;
}

/* Pages that may be filled: CURR must not come to BNRY. */
static u32 room(const Ne2k *s)
{
    u32 n = (u32)s->pstop - s->pstart;
    u32 k = ((u32)s->bnry + n * PAGE - s->curr) % n;

    return (k ? k : n) - 1;
}

static u32 pages_of(size_t len)
{
    return (u32)(len + RX_HEADER + CRC_BYTES + PAGE - 1) / PAGE;
}

/*
 * Drivers take some frames of an interrupt and wait for the next frame's to
 * go on.  While that finds no room, they are told of what is there again.
 */
static bool can_receive(void *opaque)
{
    Ne2k *s = opaque;
    bool ok = !listens(s) || room(s) >= pages_of(FRAME_MAX)
           || room(s) + 2u > (u32)s->pstop - s->pstart;

    if (!ok && !(s->isr & ISR_PRX)) {
        cause(s, ISR_PRX);
    }
    return ok;
}

static bool wanted(const Ne2k *s, const u8 *to)
{
    u32 hash;

    if (mac_is_broadcast(to)) {
        return s->rcr & RCR_AB;
    }
    if (to[0] & 1) {
        hash = mac_hash(to);
        return s->rcr & RCR_AM && s->mar[hash >> 3] >> (hash & 7) & 1;
    }
    return s->rcr & RCR_PRO || memcmp(to, s->par, MAC_BYTES) == 0;
}

static void store(Ne2k *s, u32 *at, const u8 *p, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        poke(s, (*at)++, p[i]);
        if (*at == s->pstop * (u32)PAGE) {
            *at = s->pstart * (u32)PAGE;
        }
    }
}

static void take(Ne2k *s, const u8 *frame, u32 len)
{
    u8 head[RX_HEADER], whole[FRAME_MAX + VLAN_TAG + CRC_BYTES] = { 0 };
    u32 at = s->curr * (u32)PAGE, n = (u32)s->pstop - s->pstart;

    memcpy(whole, frame, len);
    len = MAX(len, FRAME_MIN);
    if (pages_of(len) > room(s)) {
        s->missed++;
        cause(s, ISR_OVW);
        return;
    }
    store_le(whole + len, CRC_BYTES, frame_crc(whole, len));
    s->rsr = RSR_PRX | (frame[0] & 1 ? RSR_PHY : 0);
    s->curr = (u8)(s->pstart + (s->curr - s->pstart + pages_of(len)) % n);
    head[0] = s->rsr;
    head[1] = s->curr;
    store_le(head + 2, 2, len + CRC_BYTES);
    store(s, &at, head, sizeof head);
    store(s, &at, whole, len + CRC_BYTES);
    cause(s, ISR_PRX);
}

static void receive(void *opaque, const u8 *frame, size_t len)
{
    Ne2k *s = opaque;

    if (listens(s) && len >= ETHERNET && len <= FRAME_MAX + VLAN_TAG
        && wanted(s, frame)) {
        take(s, frame, (u32)len);
    }
}

/* ---- sending and commands ----------------------------------------------- */

static void transmit(Ne2k *s)
{
    u8 frame[2048];
    u32 n = MIN(s->tbcr, (u32)sizeof frame);

    for (u32 i = 0; i < n; i++) {
        frame[i] = peek(s, (s->tpsr * (u32)PAGE + i) & 0xffff);
    }
    if (!(s->tcr & TCR_LB)) {
        nic_send(&s->nic, frame, n);
    }
    s->tsr = TSR_PTX;
    cause(s, ISR_PTX);
}

static void command(Ne2k *s, u8 v)
{
    bool starts = (v & CR_DMA) == CR_READ || (v & CR_DMA) == CR_WRITE;

    /* With neither of the two, it goes on as it was. */
    s->cr = v & (CR_STP | CR_STA) ? v : v | (s->cr & (CR_STP | CR_STA));
    if (s->cr & CR_STP) {
        s->isr |= ISR_RST;
    } else {
        s->isr &= (u8)~ISR_RST;
    }
    if (starts && !s->rbcr) {
        s->isr |= ISR_RDC;
    }
    update(s);
    if (v & CR_TXP && !(s->cr & CR_STP)) {
        transmit(s);
    }
    s->cr &= (u8)~CR_TXP;
    nic_accept(&s->nic);
}

/* ---- registers ---------------------------------------------------------- */

static void set_low(u16 *r, u8 v)  { *r = (u16)((*r & 0xff00) | v); }
static void set_high(u16 *r, u8 v) { *r = (u16)((*r & 0xff) | v << 8); }

static u8 page0_read(Ne2k *s, u32 reg)
{
    u8 v;

    switch (reg) {
    case 0x3: return s->bnry;
    case 0x4: return s->tsr;
    case 0x7: return s->isr;
    case 0x1: case 0x8: return (u8)s->rsar;
    case 0x2: case 0x9: return (u8)(s->rsar >> 8);
    case 0xa: return 0x50;              /* an RTL8029 */
    case 0xb: return 0x43;
    case 0xc: return s->rsr;
    case 0xf:                           /* cleared by that */
        v = s->missed;
        s->missed = 0;
        return v;
    default:  return 0;
    }
}

static void page0_write(Ne2k *s, u32 reg, u8 v)
{
    switch (reg) {
    case 0x1: s->pstart = v; break;
    case 0x2: s->pstop = v; break;
    case 0x3:
        s->bnry = v;
        nic_accept(&s->nic);
        break;
    case 0x4: s->tpsr = v; break;
    case 0x5: set_low(&s->tbcr, v); break;
    case 0x6: set_high(&s->tbcr, v); break;
    case 0x7:
        s->isr &= (u8)(~v | ISR_RST);
        update(s);
        nic_accept(&s->nic);
        break;
    case 0x8: set_low(&s->rsar, v); break;
    case 0x9: set_high(&s->rsar, v); break;
    case 0xa: set_low(&s->rbcr, v); break;
    case 0xb: set_high(&s->rbcr, v); break;
    case 0xc: s->rcr = v & 0x3f; break;
    case 0xd: s->tcr = v & 0x1f; break;
    case 0xe: s->dcr = v & 0x7f; break;
    case 0xf:
        s->imr = v & 0x7f;
        update(s);
        break;
    }
}

static u8 *page1(Ne2k *s, u32 reg)
{
    return reg < 7 ? &s->par[reg - 1] : reg == 7 ? &s->curr : &s->mar[reg - 8];
}

static u8 page2_read(const Ne2k *s, u32 reg)
{
    switch (reg) {
    case 0x1: return s->pstart;
    case 0x2: return s->pstop;
    case 0x4: return s->tpsr;
    case 0xc: return s->rcr | 0xc0;
    case 0xd: return s->tcr | 0xe0;
    case 0xe: return s->dcr | 0x80;
    case 0xf: return s->imr | 0x80;
    default:  return 0;
    }
}

static u8 register_read(Ne2k *s, u32 reg)
{
    if (reg == 0) {
        return s->cr;
    }
    switch (s->cr >> 6) {
    case 0:  return page0_read(s, reg);
    case 1:  return *page1(s, reg);
    case 2:  return page2_read(s, reg);
    default: return 0;
    }
}

static void register_write(Ne2k *s, u32 reg, u8 v)
{
    if (reg == 0) {
        command(s, v);
    } else if (s->cr >> 6 == 0) {
        page0_write(s, reg, v);
    } else if (s->cr >> 6 == 1) {
        *page1(s, reg) = v;
    }
}

u64 ne2k_read(Ne2k *s, u64 at, unsigned size)
{
    u64 v = 0;

    if (at >= RESET_PORT) {
        ne2k_reset(s);
        return 0;
    }
    if (at >= DATA_PORT) {
        return data_read(s, size);
    }
    for (u32 i = 0; i < size && at + i < DATA_PORT; i++) {
        v |= (u64)register_read(s, (u32)at + i) << 8 * i;
    }
    return v;
}

void ne2k_write(Ne2k *s, u64 at, unsigned size, u64 v)
{
    if (at >= RESET_PORT) {
        return;                         /* ends the reset that reading began */
    }
    if (at >= DATA_PORT) {
        data_write(s, size, v);
        return;
    }
    for (u32 i = 0; i < size && at + i < DATA_PORT; i++) {
        register_write(s, (u32)at + i, (u8)(v >> 8 * i));
    }
}

/* ---- the card ----------------------------------------------------------- */

bool ne2k_start(Ne2k *s, Device *dev, void (*irq)(void *dev, bool level),
                Err *err)
{
    const NetFront front = { s, can_receive, receive, NULL };

    s->dev = dev;
    s->irq = irq;
    return nic_start(&s->nic, dev, front, err);
}

/* What the reset pin does: the data sheet's section 7.0. */
void ne2k_reset(Ne2k *s)
{
    s->cr = CR_STP | CR_ABORT;
    s->isr = ISR_RST;
    s->imr = 0;
    s->dcr &= (u8)~DCR_WTS;
    s->tcr &= (u8)~TCR_LB;
    update(s);
}

void ne2k_loaded(Ne2k *s)
{
    update(s);
}
