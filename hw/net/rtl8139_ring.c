/* SPDX-License-Identifier: MIT */
/*
 * Realtek RTL8139C+: sending and receiving.  References: those of rtl8139.c.
 *
 * C mode has one ring buffer to receive into and four slots to send from; C+
 * mode has rings of descriptors.  Frames wait in the network while there is
 * no room.  In C+ mode a frame may span descriptors.
 */
#include "hw/net/rtl8139.h"
#include "util/log.h"

enum { TYPE_AT = 12, TYPE_VLAN = 0x8100, TYPE_IP = 0x0800, SEND_MAX = 1792 };
enum {                          /* the header of a frame in the ring buffer */
    RX_ROK = 1 << 0, RX_BAR = 1 << 13, RX_PAM = 1 << 14, RX_MAR = 1 << 15,
    RX_HEADER = 4,
};
#define D_OWN (1u << 31)
enum {                          /* descriptors of both directions */
    D_EOR = 1 << 30, D_FS = 1 << 29, D_LS = 1 << 28,
    TD_LGSEN = 1 << 27, TD_IPCS = 1 << 18, TD_UDPCS = 1 << 17,
    TD_TCPCS = 1 << 16, TD_TAGC = 1 << 17, TD_MSS = 0x7ff,
    RD_MAR = 1 << 27, RD_PAM = 1 << 26, RD_BAR = 1 << 25, RD_SIZE = 0x1fff,
    RD_TCP = 1 << 17, RD_UDP = 2 << 17, RD_IP = 3 << 17, RD_TAVA = 1 << 16,
};

/* ---- what is received --------------------------------------------------- */

typedef enum Match { NOT_WANTED, OTHERS, OURS, MULTICAST, BROADCAST } Match;

static Match match(const Rtl8139 *s, const u8 *to)
{
    u32 hash;

    if (mac_is_broadcast(to)) {
        return s->rcr & (RCR_AB | RCR_AAP) ? BROADCAST : NOT_WANTED;
    }
    if (to[0] & 1) {
        hash = mac_hash(to);
        return s->rcr & RCR_AAP
            || (s->rcr & RCR_AM && s->mar[hash >> 5] >> (hash & 31) & 1)
            ? MULTICAST : NOT_WANTED;
    }
    if (s->rcr & RCR_APM && memcmp(to, s->idr, MAC_BYTES) == 0) {
        return OURS;
    }
    return s->rcr & RCR_AAP ? OTHERS : NOT_WANTED;
}

static void count(Rtl8139 *s, Match m)
{
    s->rx_ok++;
    s->rx_broadcasts += m == BROADCAST;
    s->rx_multicasts += m == MULTICAST;
}

/* Copies the frame to `taken`, padded and with its CRC; the length. */
static u32 take(Rtl8139 *s, const u8 *frame, u32 len)
{
    memcpy(s->taken, frame, len);
    if (len < FRAME_MIN) {
        memset(s->taken + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    store_le(s->taken + len, CRC_BYTES, frame_crc(s->taken, len));
    return len + CRC_BYTES;
}

/* ---- receiving in C mode ------------------------------------------------ */

static u32 buffer_size(const Rtl8139 *s)
{
    return 8192u << bits(s->rcr, 12, 11);
}

/* Bytes that the driver has not taken yet. */
static u32 unread(const Rtl8139 *s)
{
    enum { AHEAD = 16 };                /* CAPR is that much behind */

    return (u32)(s->cbr - s->capr - AHEAD) & (buffer_size(s) - 1);
}

bool rtl8139_empty(const Rtl8139 *s)
{
    return !unread(s);
}

/* Writes at CBR and moves it. */
static void put(Rtl8139 *s, const u8 *p, u32 n)
{
    u32 size = buffer_size(s), at = s->cbr & (size - 1);
    bool beyond = s->rcr & RCR_WRAP && size < 65536;
    u32 first = beyond ? n : MIN(n, size - at);

    pci_dma_write(&s->pci, (u64)s->rbstart + at, p, first);
    if (first < n) {
        pci_dma_write(&s->pci, s->rbstart, p + first, n - first);
    }
    s->cbr = (u16)((at + n) & (size - 1));
}

static void receive_c(Rtl8139 *s, const u8 *frame, u32 len, Match m)
{
    static const u16 of[] = { [OURS] = RX_PAM, [MULTICAST] = RX_MAR,
                              [BROADCAST] = RX_BAR };
    u8 whole[RX_HEADER + FRAME_MAX + VLAN_TAG + CRC_BYTES + 3] = { 0 };

    len = take(s, frame, len);
    u32 total = (u32)align_up(RX_HEADER + len, 4);
    if (total >= buffer_size(s) - unread(s)) {
        s->mpc = (s->mpc + 1) & 0xffffff;
        s->missed++;
        rtl8139_cause(s, INT_RXOVW);
        return;
    }
    store_le(whole, 2, RX_ROK | of[m]);
    store_le(whole + 2, 2, len);
    memcpy(whole + RX_HEADER, s->taken, len);
    put(s, whole, total);
    count(s, m);
    rtl8139_cause(s, INT_ROK);
}

/* ---- receiving in C+ mode ----------------------------------------------- */

typedef struct Descriptor {
    u64 at, buffer;
    u32 command, vlan;
} Descriptor;

static bool read_descriptor(Rtl8139 *s, u64 ring, u32 n, Descriptor *d)
{
    u8 raw[DESCRIPTOR];

    d->at = align_down(ring, 256) + n * DESCRIPTOR;
    if (!pci_dma_read(&s->pci, d->at, raw, sizeof raw)) {
        return false;
    }
    d->command = (u32)load_le(raw, 4);
    d->vlan = (u32)load_le(raw + 4, 4);
    d->buffer = load_le(raw + 8, 8);
    return d->command & D_OWN;
}

/* Gives it back to the driver. */
static void write_descriptor(Rtl8139 *s, const Descriptor *d)
{
    u8 raw[8];

    store_le(raw + 4, 4, d->vlan);
    store_le(raw, 4, d->command);
    pci_dma_write(&s->pci, d->at + 4, raw + 4, 4);
    pci_dma_write(&s->pci, d->at, raw, 4);
}

static u32 after(u32 n, u32 command)
{
    return command & D_EOR ? 0 : (n + 1) % RING_MAX;
}

static bool next_buffer(Rtl8139 *s, Descriptor *d)
{
    return read_descriptor(s, load_le(s->rdsar, 8), s->next_rx % RING_MAX, d);
}

/* What the card found out about a frame; its TCP and UDP sums are right. */
static u32 kind_of(const Rtl8139 *s, const u8 *frame, u32 len)
{
    if (!(s->cpcr & CP_RX_SUMS) || len < ETHERNET + 20
        || load_be(frame + TYPE_AT, 2) != TYPE_IP) {
        return 0;
    }
    const u8 *ip = frame + ETHERNET;
    return load_be(ip + 6, 2) & 0x3fff ? RD_IP
         : ip[9] == 6 ? RD_TCP : ip[9] == 17 ? RD_UDP : RD_IP;
}

/* Networks that do not say so may have brought a wrong sum: no word of it. */
static u32 status_of(const Rtl8139 *s, const u8 *frame, u32 len, Match m)
{
    static const u32 of[] = { [OURS] = RD_PAM, [MULTICAST] = RD_MAR,
                              [BROADCAST] = RD_BAR };

    return of[m] | (nic_offloads(&s->nic) ? kind_of(s, frame, len) : 0);
}

/* Fills descriptors; false: they do not suffice. */
static bool spread(Rtl8139 *s, u32 len, u32 status, u32 vlan)
{
    Descriptor d;
    u32 n;

    for (u32 at = 0; at < len; at += n) {
        if (!next_buffer(s, &d) || !(d.command & RD_SIZE)) {
            return false;
        }
        n = MIN(d.command & RD_SIZE, len - at);
        pci_dma_write(&s->pci, d.buffer, s->taken + at, n);
        s->next_rx = after(s->next_rx, d.command);
        d.command = (d.command & D_EOR) | status | len
            | (at ? 0 : D_FS) | (at + n == len ? D_LS : 0);
        d.vlan = vlan;
        write_descriptor(s, &d);
    }
    return true;
}

static void receive_plus(Rtl8139 *s, const u8 *frame, u32 len, Match m)
{
    u32 status, vlan = 0;

    len = take(s, frame, len);
    status = status_of(s, s->taken, len, m);
    if (s->cpcr & CP_RX_VLAN
        && load_be(s->taken + TYPE_AT, 2) == TYPE_VLAN) {
        vlan = RD_TAVA | (u32)load_le(s->taken + ETHERNET, 2);
        len -= VLAN_TAG;
        memmove(s->taken + TYPE_AT, s->taken + TYPE_AT + VLAN_TAG,
                len - TYPE_AT);
    }
    if (!spread(s, len, status, vlan)) {
        s->missed++;
        rtl8139_cause(s, INT_RXOVW);
        return;
    }
    count(s, m);
    rtl8139_cause(s, INT_ROK);
}

/* ---- receiving ---------------------------------------------------------- */

bool rtl8139_can_receive(void *opaque)
{
    enum { ROOM = RX_HEADER + FRAME_MAX + VLAN_TAG + CRC_BYTES + 4 };
    Rtl8139 *s = opaque;
    Descriptor d;

    if (s->receiving) {
        return false;
    }
    if (!(s->cr & CR_RE) || !pci_master(&s->pci)) {
        return true;                    /* it is dropped */
    }
    return s->cpcr & CP_RX ? next_buffer(s, &d)
                           : buffer_size(s) - unread(s) > ROOM;
}

void rtl8139_receive(void *opaque, const u8 *frame, size_t len)
{
    Rtl8139 *s = opaque;

    if (s->receiving || !(s->cr & CR_RE) || len < ETHERNET
        || len > FRAME_MAX + VLAN_TAG) {
        return;
    }
    Match m = match(s, frame);
    if (m == NOT_WANTED) {
        return;
    }
    s->receiving = true;
    if (s->cpcr & CP_RX) {
        receive_plus(s, frame, (u32)len, m);
    } else {
        receive_c(s, frame, (u32)len, m);
    }
    s->receiving = false;
}

/* ---- sending ------------------------------------------------------------ */

static void pass(void *opaque, u8 *frame, u32 len)
{
    Rtl8139 *s = opaque;

    if ((s->tcr & TCR_LBK) == TCR_LBK) {
        rtl8139_receive(s, frame, len);
    } else {
        nic_send(&s->nic, frame, len);
    }
}

void rtl8139_send_slot(Rtl8139 *s, u32 n)
{
    u32 len = s->tsd[n] & TSD_SIZE;

    if (!(s->cr & CR_TE) || s->sending) {
        return;
    }
    if (len > SEND_MAX) {
        log_line(LOG_GUEST, "%s: a frame of %u bytes is sent",
                 s->pci.dev.id, len);
    }
    s->sending = true;
    pci_dma_read(&s->pci, s->tsad[n], s->gathered, len);
    pass(s, s->gathered, len);
    s->sending = false;
    s->tx_ok++;
    s->tsd[n] |= TSD_OWN | TSD_TOK;
    rtl8139_cause(s, INT_TOK);
}

static void insert_tag(u8 *frame, u32 *len, u32 vlan)
{
    memmove(frame + TYPE_AT + VLAN_TAG, frame + TYPE_AT, *len - TYPE_AT);
    store_be(frame + TYPE_AT, 2, TYPE_VLAN);
    store_le(frame + ETHERNET, 2, vlan);
    *len += VLAN_TAG;
}

/* Sends what was gathered of descriptors, as the first of them says. */
static void send_packet(Rtl8139 *s, u32 len, const Descriptor *d)
{
    u8 *f = s->gathered;
    u32 ip = ETHERNET;

    if (len < ETHERNET) {
        return;
    }
    if (d->vlan & TD_TAGC) {
        insert_tag(f, &len, d->vlan);
    }
    if (load_be(f + TYPE_AT, 2) == TYPE_VLAN) {
        ip += VLAN_TAG;
    }
    bool is_ip = len > ip && load_be(f + ip - 2, 2) == TYPE_IP;
    if (d->command & TD_LGSEN) {
        u32 mss = nic_offloads(&s->nic) ? FRAME_LARGE
                                        : d->command >> 16 & TD_MSS;
        const Cut c = { f, len, ip, mss, s->segment, pass, s };
        if (is_ip && inet_cut(&c)) {
            return;
        }
    } else if (is_ip) {
        inet_put_sums(f + ip, len - ip, d->command & TD_IPCS,
                      d->command & TD_TCPCS, d->command & TD_UDPCS);
    }
    pass(s, f, len);
}

/*
 * Gathers a packet from descriptor *n on and sends it; false: there is none.
 * A ring that holds no whole packet is read once only.
 */
static bool send_next(Rtl8139 *s, u64 ring, u32 *n)
{
    Descriptor first = { 0 }, d;
    u32 len = 0;

    for (u32 i = 0; i < RING_MAX; i++) {
        if (!read_descriptor(s, ring, *n % RING_MAX, &d)) {
            return false;
        }
        if (d.command & D_FS || !i) {
            first = d;
            len = 0;
        }
        u32 k = MIN(d.command & 0xffff, FRAME_LARGE - VLAN_TAG - len);
        pci_dma_read(&s->pci, d.buffer, s->gathered + len, k);
        len += k;
        u32 was = d.command;
        d.command &= ~D_OWN;
        write_descriptor(s, &d);
        *n = after(*n, was);
        if (was & D_LS) {
            send_packet(s, len, &first);
            s->tx_ok++;
            return true;
        }
    }
    return false;
}

void rtl8139_send_ring(Rtl8139 *s, bool high)
{
    u32 sent = 0;

    if (!(s->cr & CR_TE) || !(s->cpcr & CP_TX) || s->sending) {
        return;
    }
    s->sending = true;
    u64 ring = load_le(s->tsad + 2 * high, 8);
    while (sent < RING_MAX && send_next(s, ring, &s->next_tx[high])) {
        sent++;
    }
    s->sending = false;
    rtl8139_cause(s, (sent ? INT_TOK : 0) | INT_TDU);
}
