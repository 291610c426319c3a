/* SPDX-License-Identifier: MIT */
/*
 * PCnet-PCI II: the initialization block, descriptors and frames.
 * Reference: Am79C970A data sheet, "Initialization Block", "Receive
 * Descriptors", "Transmit Descriptors".
 */
#include <glib.h>
#include "hw/net/pcnet.h"

enum { BLOCK16 = 24, BLOCK32 = 28, BUFFER_MAX = 4096 };
/* Of a descriptor's flags. */
#define D_OWN   (1u << 31)
#define D_ERR   (1u << 30)
enum {
    D_STP = 1 << 25, D_ENP = 1 << 24, D_COUNT = 0xfff,
    RMD_OFLO = 1 << 28, RMD_BUFF = 1 << 26, RMD_PAM = 1 << 22,
    RMD_LAFM = 1 << 21, RMD_BAM = 1 << 20, RMD_KEPT = 0x0000f000,
    TMD_ADD_FCS = 1 << 29, TMD_LTINT = 1 << 28,
};
#define TMD_BUFF (1u << 31)
#define TMD_UFLO (1u << 30)

/* As 32-bit structures have it: TMD0 to TMD2, RMD0 to RMD2. */
typedef struct Descriptor {
    u32 at, buffer, flags, more;
} Descriptor;

typedef enum Side { RX, TX } Side;

/* ---- the initialization block ------------------------------------------- */

static bool is_wide(const Pcnet *s)
{
    return pcnet_style(s) != STYLE_LANCE;
}

static void put_pair(Pcnet *s, u32 csr, u32 v)
{
    s->csr[csr] = (u16)v;
    s->csr[csr + 1] = (u16)(v >> 16);
}

/* A ring of 2^log entries; lengths are kept as two's complements. */
static void set_ring(Pcnet *s, u32 length, u32 counter, u32 log)
{
    s->csr[length] = s->csr[counter] = (u16)-(1u << MIN(log, 9u));
}

/* 24-bit addresses are in the 16 MiB of the block. */
static u32 extend(const Pcnet *s, u32 address)
{
    return (address & 0xffffff) | (u32)(s->csr[CSR_IADR + 1] & 0xff00) << 16;
}

static void set_rings(Pcnet *s, u32 rdra, u32 rlen, u32 tdra, u32 tlen)
{
    put_pair(s, CSR_BADR, rdra);
    put_pair(s, CSR_BADX, tdra);
    set_ring(s, CSR_RCVRL, CSR_RCVRC, rlen);
    set_ring(s, CSR_XMTRL, CSR_XMTRC, tlen);
}

static void take_words(Pcnet *s, u32 first, u32 n, const u8 *from)
{
    for (u32 i = 0; i < n; i++) {
        s->csr[first + i] = (u16)load_le(from + 2 * i, 2);
    }
}

void pcnet_init_block(Pcnet *s)
{
    u8 b[BLOCK32];
    bool wide = is_wide(s);

    if (!pci_dma_read(&s->pci, pcnet_pair(s, CSR_IADR), b,
                      wide ? BLOCK32 : BLOCK16)) {
        pcnet_cause(s, CSR0_MERR);
        return;
    }
    s->csr[CSR_MODE] = (u16)load_le(b, 2);
    take_words(s, CSR_PADR, 3, b + (wide ? 4 : 2));
    take_words(s, CSR_LADRF, 4, b + (wide ? 12 : 8));
    if (wide) {
        set_rings(s, (u32)load_le(b + 20, 4), b[2] >> 4,
                  (u32)load_le(b + 24, 4), b[3] >> 4);
    } else {
        set_rings(s, extend(s, (u32)load_le(b + 16, 4)), b[19] >> 5,
                  extend(s, (u32)load_le(b + 20, 4)), b[23] >> 5);
    }
}

/* ---- descriptors -------------------------------------------------------- */

static const u8 counter_of[] = { [RX] = CSR_RCVRC, [TX] = CSR_XMTRC };
static const u8 length_of[] = { [RX] = CSR_RCVRL, [TX] = CSR_XMTRL };
static const u8 base_of[] = { [RX] = CSR_BADR, [TX] = CSR_BADX };

static u32 entries(const Pcnet *s, Side side)
{
    return 0x10000u - s->csr[length_of[side]];
}

/* The counter goes up from the two's complement of the length. */
static u32 index_of(const Pcnet *s, Side side)
{
    u32 i = (u16)(s->csr[counter_of[side]] - s->csr[length_of[side]]);

    return i < entries(s, side) ? i : 0;
}

static void step(Pcnet *s, Side side)
{
    u32 next = (index_of(s, side) + 1) % entries(s, side);

    s->csr[counter_of[side]] = (u16)(s->csr[length_of[side]] + next);
}

/* Where the words of 32-bit structures are. */
static u32 word_at(const Pcnet *s, u32 n)
{
    return 4 * (pcnet_style(s) == STYLE_BURST && n != 1 ? 2 - n : n);
}

static void unpack(const Pcnet *s, Side side, const u8 *b, Descriptor *d)
{
    if (is_wide(s)) {
        d->buffer = (u32)load_le(b + word_at(s, 0), 4);
        d->flags = (u32)load_le(b + word_at(s, 1), 4);
        d->more = (u32)load_le(b + word_at(s, 2), 4);
        return;
    }
    d->buffer = extend(s, (u32)load_le(b, 4));
    d->flags = (u32)b[3] << 24 | (u32)load_le(b + 4, 2);
    d->more = (u32)load_le(b + 6, 2) << (side == TX ? 16 : 0);
}

/* Descriptor `ahead` of the current one; false: not ours. */
static bool read_descriptor(Pcnet *s, Side side, u32 ahead, Descriptor *d)
{
    u32 bytes = is_wide(s) ? 16 : 8;
    u32 i = (index_of(s, side) + ahead) % entries(s, side);
    u8 b[16];

    d->at = pcnet_pair(s, base_of[side]) + i * bytes;
    if (!pci_dma_read(&s->pci, d->at, b, bytes)) {
        pcnet_cause(s, CSR0_MERR);
        return false;
    }
    unpack(s, side, b, d);
    return d->flags & D_OWN;
}

/* Gives it back: what says so is written last. */
static void give_back(Pcnet *s, Side side, const Descriptor *d)
{
    u8 flags[4], more[4];

    store_le(flags, 4, d->flags & ~D_OWN);
    store_le(more, 4, d->more >> (side == TX && !is_wide(s) ? 16 : 0));
    if (is_wide(s)) {
        pci_dma_write(&s->pci, d->at + word_at(s, 2), more, 4);
        pci_dma_write(&s->pci, d->at + word_at(s, 1), flags, 4);
    } else {
        pci_dma_write(&s->pci, d->at + 6, more, 2);
        pci_dma_write(&s->pci, d->at + 3, flags + 3, 1);
    }
    step(s, side);
}

static u32 size_of(const Descriptor *d)
{
    return BUFFER_MAX - (d->flags & D_COUNT);
}

/* ---- receiving ---------------------------------------------------------- */

static bool hears(const Pcnet *s)
{
    return s->csr[CSR_STATUS] & CSR0_RXON
        && !(s->csr[CSR_EXTENDED] & CSR5_SPND);
}

bool pcnet_can_receive(void *opaque)
{
    Pcnet *s = opaque;
    Descriptor d;

    return !hears(s) || read_descriptor(s, RX, 0, &d);
}

static bool is_mine(const Pcnet *s, const u8 *mac)
{
    for (u32 i = 0; i < 3; i++) {
        if (load_le(mac + 2 * i, 2) != s->csr[CSR_PADR + i]) {
            return false;
        }
    }
    return true;
}

/* The bit of LADRF is the CRC's first 6 bits, as numbers are written. */
static bool is_filtered(const Pcnet *s, const u8 *mac)
{
    u32 n = ~frame_crc(mac, MAC_BYTES) >> 26;

    return s->csr[CSR_LADRF + n / 16] >> n % 16 & 1;
}

/* How the address matches, as RMD1 says; false: not at all. */
static bool match(const Pcnet *s, const u8 *mac, u32 *how)
{
    u32 mode = s->csr[CSR_MODE];

    *how = 0;
    if (mac_is_broadcast(mac)) {
        *how = mode & MODE_DRCVBC ? 0 : RMD_BAM;
    } else if (mac[0] & 1) {
        *how = is_filtered(s, mac) ? RMD_LAFM : 0;
    } else if (!(mode & MODE_DRCVPA) && is_mine(s, mac)) {
        *how = RMD_PAM;
    }
    return *how || mode & MODE_PROM;
}

/* Pads the frame and ends it with its CRC, or strips what it can. */
static u32 finish(Pcnet *s, const u8 *frame, u32 len)
{
    u32 type = (u32)load_be(frame + 12, 2), n = MAX(len, (u32)FRAME_MIN);

    memcpy(s->frame, frame, len);
    memset(s->frame + len, 0, n - len);
    store_le(s->frame + n, CRC_BYTES, frame_crc(s->frame, n));
    if (s->csr[CSR_FEATURES] & CSR4_ASTRP_RCV && type < FRAME_MIN - ETHERNET) {
        return ETHERNET + type;
    }
    return n + CRC_BYTES;
}

static void miss(Pcnet *s)
{
    if (!++s->csr[CSR_MISSED]) {
        s->csr[CSR_FEATURES] |= CSR4_MFCO;
    }
    pcnet_cause(s, CSR0_MISS);
}

/* Fills buffers in turn; the first is there. */
static void scatter(Pcnet *s, u32 len, u32 how, Descriptor *d)
{
    u32 at = 0, start = D_STP;

    for (;;) {
        Descriptor next;
        u32 k = MIN(size_of(d), len - at);
        if (!pci_dma_write(&s->pci, d->buffer, s->frame + at, k)) {
            pcnet_cause(s, CSR0_MERR);
        }
        at += k;
        d->flags = D_OWN | start | (d->flags & (RMD_KEPT | D_COUNT));
        d->more = 0;
        bool last = at == len;
        if (last) {
            d->flags |= D_ENP | how;
            d->more = len;
        } else if (!read_descriptor(s, RX, 1, &next)) {
            d->flags |= D_ERR | RMD_BUFF | RMD_OFLO;
            last = true;
        }
        give_back(s, RX, d);
        if (last) {
            return;
        }
        *d = next;
        start = 0;
    }
}

static void take(Pcnet *s, const u8 *frame, u32 len)
{
    Descriptor d;
    u32 how;

    if (!hears(s) || len < ETHERNET || len > BUFFER_MAX
        || !match(s, frame, &how)) {
        return;
    }
    if (!read_descriptor(s, RX, 0, &d)) {
        miss(s);
        return;
    }
    scatter(s, finish(s, frame, len), is_wide(s) ? how : 0, &d);
    pcnet_cause(s, CSR0_RINT);
}

void pcnet_receive(void *opaque, const u8 *frame, size_t len)
{
    Pcnet *s = opaque;

    if (!s->receiving && len <= BUFFER_MAX) {
        s->receiving = true;
        take(s, frame, (u32)len);
        s->receiving = false;
    }
}

/* ---- sending ------------------------------------------------------------ */

/* A frame that descriptors are gathered to. */
typedef struct Packet {
    u8   bytes[BUFFER_MAX + 2 * FRAME_MIN];
    u32  len;
    bool begun, add_fcs;
} Packet;

static void send_packet(Pcnet *s, Packet *p)
{
    u32 mode = s->csr[CSR_MODE];

    if (mode & MODE_DXMTFCS && !p->add_fcs) {   /* the driver made the CRC */
        p->len -= MIN(p->len, (u32)CRC_BYTES);
    }
    if (s->csr[CSR_FEATURES] & CSR4_APAD_XMT && p->len < FRAME_MIN) {
        memset(p->bytes + p->len, 0, FRAME_MIN - p->len);
        p->len = FRAME_MIN;
    }
    if (p->len > FRAME_MAX + VLAN_TAG) {
        pcnet_cause(s, CSR0_BABL);
    }
    if (mode & MODE_LOOP) {
        pcnet_receive(s, p->bytes, p->len);
    } else {
        nic_send(&s->nic, p->bytes, p->len);
    }
}

static void gather(Pcnet *s, Packet *p, const Descriptor *d)
{
    if (d->flags & D_STP) {
        p->len = 0;
        p->begun = true;
        p->add_fcs = d->flags & TMD_ADD_FCS;
    }
    u32 k = MIN(size_of(d), BUFFER_MAX - p->len);
    if (!pci_dma_read(&s->pci, d->buffer, p->bytes + p->len, k)) {
        pcnet_cause(s, CSR0_MERR);
    }
    p->len += k;
}

/* A chain whose next buffer is not there: the transmitter stops. */
static void underflow(Pcnet *s, Packet *p, Descriptor *d)
{
    d->flags |= D_ERR;
    d->more |= TMD_BUFF | TMD_UFLO;
    p->begun = false;
    if (!(s->csr[CSR_MASK] & CSR3_DXSUFLO)) {
        s->csr[CSR_STATUS] &= (u16)~CSR0_TXON;
    }
}

/* Does the end of a frame, or an error, interrupt? */
static bool tells(const Pcnet *s, const Descriptor *d)
{
    u32 csr5 = s->csr[CSR_EXTENDED];

    if (d->flags & D_ERR) {
        return true;
    }
    return d->flags & D_ENP && !(csr5 & CSR5_TOKINTD)
        && (!(csr5 & CSR5_LTINTEN) || d->flags & TMD_LTINT);
}

/* False: there is no descriptor to send. */
static bool send_next(Pcnet *s, Packet *p)
{
    Descriptor d, next;

    if (!(s->csr[CSR_STATUS] & CSR0_TXON) || !read_descriptor(s, TX, 0, &d)) {
        return false;
    }
    d.flags &= ~D_ERR;
    d.more = 0;
    gather(s, p, &d);
    if (!(d.flags & D_ENP)) {
        if (!read_descriptor(s, TX, 1, &next)) {
            underflow(s, p, &d);
        }
    } else if (p->begun) {
        s->csr[CSR_FEATURES] |= CSR4_TXSTRT;
        send_packet(s, p);
        p->begun = false;
    }
    bool tell = tells(s, &d);
    if (is_wide(s)) {
        d.flags &= ~(u32)TMD_LTINT;     /* read, it is MORE: retries */
    }
    give_back(s, TX, &d);
    if (tell) {
        pcnet_cause(s, CSR0_TINT);
    }
    return true;
}

/* Once around: a ring that is given back to us meanwhile has to wait. */
void pcnet_transmit(Pcnet *s)
{
    g_autofree Packet *p = NULL;
    u32 n = entries(s, TX);
    Descriptor d;

    if (s->sending || !(s->csr[CSR_STATUS] & CSR0_TXON)
        || s->csr[CSR_EXTENDED] & CSR5_SPND || !read_descriptor(s, TX, 0, &d)) {
        return;
    }
    p = g_new0(Packet, 1);
    s->sending = true;
    while (n-- && send_next(s, p)) {
    }
    s->sending = false;
}
