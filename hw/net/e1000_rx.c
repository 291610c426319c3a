/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM and 82574L: receiving.  References: the manuals of e1000.c, 3.2
 * and 9; 7.1 for the extended descriptors and those of packet split.
 *
 * Frames wait in the network while there are no descriptors.  The packet
 * checksum (PCSS) is there if that of TCP and UDP is not asked for; sums of
 * IPv6 are not looked at.
 */
#include "hw/net/e1000.h"
#include "util/log.h"

enum {                          /* of descriptors */
    D_LENGTH = 8, D_CHECKSUM = 10, D_STATUS = 12, D_ERRORS = 13,
    D_SPECIAL = 14,
    RS_DD = 1 << 0, RS_EOP = 1 << 1, RS_IXSM = 1 << 2, RS_VP = 1 << 3,
    RS_TCPCS = 1 << 5, RS_IPCS = 1 << 6, RS_PIF = 1 << 7,
    RE_TCPE = 1 << 5, RE_IPE = 1 << 6,
};
enum { IP_TCP = 6, IP_UDP = 17, IP_HEADER = 20, LONGEST = 16384,
       TYPE_AT = 12, TYPE_IP = 0x0800 };

enum {                          /* of the extended ones, as written back */
    X_MRQ = 0, X_IP_ID = 4, X_CHECKSUM = 6, X_STATUS = 8, X_LENGTH = 12,
    X_VLAN = 14, X_LENGTHS = 18, X_ERROR_SHIFT = 24, SPLIT_BYTES = 32,
    SPLIT_BUFFERS = 4, RXCSUM_PCSD = 1 << 13,
};

/* What the last descriptor of a frame says. */
typedef struct Verdict {
    u8  status, errors;
    u16 checksum, special;
} Verdict;

/* ---- the ring ----------------------------------------------------------- */

u32 e1000_ring_size(const Ring *r)
{
    return r->len / DESCRIPTOR;
}

bool e1000_ring_at(const Ring *r, u32 index, u64 *at)
{
    *at = (r->bal | (u64)r->bah << 32) + (u64)index * DESCRIPTOR;
    return index < e1000_ring_size(r);
}

static bool is_extended(const E1000 *s)
{
    return s->gen2 && s->rfctl & RFCTL_EXTEN;
}

/*
 * Descriptors of packet split have four buffers; they are twice as long, and
 * the ring's head and tail count them as two.
 */
static bool is_split(const E1000 *s)
{
    return is_extended(s) && bits(s->rctl, 11, 10) == 1;
}

static u32 step(const E1000 *s)
{
    return is_split(s) ? 2 : 1;
}

static bool usable(const E1000 *s)
{
    u32 n = e1000_ring_size(&s->rx);

    return s->rctl & RCTL_EN && s->rx.h < n && s->rx.t < n;
}

/* Descriptors that are the card's. */
static u32 ours(const E1000 *s)
{
    u32 n = e1000_ring_size(&s->rx);

    return (s->rx.t + n - s->rx.h) % n / step(s);
}

/* Of the nth buffer of packet split. */
static u32 part_size(const E1000 *s, u32 n)
{
    return n ? (s->psrctl >> 8 * n & 0x3f) * 1024 : (s->psrctl & 0x7f) * 128;
}

static u32 buffer_size(const E1000 *s)
{
    u32 shift = (u32)bits(s->rctl, 17, 16), all = 0;
    bool large = s->rctl & RCTL_BSEX && shift;

    for (u32 i = 0; is_split(s) && i < SPLIT_BUFFERS; i++) {
        all += part_size(s, i);
    }
    return is_split(s) ? MAX(all, 128u) : (large ? 32768u : 2048u) >> shift;
}

bool e1000_can_receive(void *opaque)
{
    E1000 *s = opaque;

    if (s->receiving) {
        return false;
    }
    return !usable(s)
        || ours(s) * buffer_size(s) >= FRAME_MAX + VLAN_TAG + CRC_BYTES;
}

/* ---- filters: 3.2.1 ----------------------------------------------------- */

static bool has_address(const E1000 *s, const u8 *to)
{
    u32 low = (u32)load_le(to, 4), high = (u32)load_le(to + 4, 2);

    for (u32 i = 0; i < countof(s->ra); i += 2) {
        if (s->ra[i + 1] & RAH_AV && s->ra[i] == low
            && (s->ra[i + 1] & 0xffff) == high
            && !bits(s->ra[i + 1], 17, 16)) {
            return true;
        }
    }
    return false;
}

static bool in_multicast_table(const E1000 *s, const u8 *to)
{
    static const u8 first[] = { 4, 3, 2, 0 };   /* bit, from 32 on, by MO */
    u32 hash = (u32)load_le(to + 4, 2) >> first[bits(s->rctl, 13, 12)] & 0xfff;

    return s->mta[hash >> 5] >> (hash & 31) & 1;
}

static bool wanted(const E1000 *s, const u8 *to)
{
    bool multi = to[0] & 1;

    if (s->rctl & (multi ? RCTL_MPE : RCTL_UPE)
        || (s->rctl & RCTL_BAM && mac_is_broadcast(to))) {
        return true;
    }
    return has_address(s, to) || (multi && in_multicast_table(s, to));
}

static bool is_tagged(const E1000 *s, const u8 *frame, size_t len)
{
    return len >= ETHERNET + VLAN_TAG && load_be(frame + TYPE_AT, 2) == s->vet;
}

static bool vlan_wanted(const E1000 *s, const u8 *frame, size_t len)
{
    if (!(s->rctl & RCTL_VFE) || !is_tagged(s, frame, len)) {
        return true;
    }
    u32 id = (u32)load_be(frame + ETHERNET, 2) & 0xfff;
    return s->vfta[id >> 5] >> (id & 31) & 1;
}

static bool fits(E1000 *s, size_t len)
{
    u32 most = s->rctl & RCTL_LPE ? LONGEST - CRC_BYTES : FRAME_MAX + VLAN_TAG;

    if (len > most) {
        e1000_count(s, ST_ROC, 1);
    }
    return len <= most;
}

/* ---- sums: 3.2.9 -------------------------------------------------------- */

/* Is the sum of a TCP or UDP datagram of n bytes right? */
static bool datagram_good(const u8 *ip, const u8 *data, u32 n)
{
    u64 pseudo = (u64)ip[9] + n + load_be(ip + 12, 4) + load_be(ip + 16, 4);

    return inet_sum(pseudo, data, n) == 0xffff;
}

static void check_datagram(const E1000 *s, const u8 *ip, u32 head, u32 total,
                           Verdict *v)
{
    enum { FRAGMENT = 0x3fff };
    const u8 *data = ip + head;
    u32 n = total - head;
    bool tcp = ip[9] == IP_TCP && n >= 20, udp = ip[9] == IP_UDP && n >= 8;

    if ((!tcp && !udp) || load_be(ip + 6, 2) & FRAGMENT
        || (udp && load_be(data + 6, 2) == 0)) {
        return;
    }
    v->status |= RS_TCPCS;
    if (!nic_offloads(&s->nic) && !datagram_good(ip, data, n)) {
        v->errors |= RE_TCPE;
    }
}

static void check_sums(const E1000 *s, const u8 *frame, u32 len, Verdict *v)
{
    bool tagged = is_tagged(s, frame, len);
    u32 at = ETHERNET + (tagged ? VLAN_TAG : 0);
    const u8 *ip = frame + at;
    u32 pcss = s->rxcsum & 0xff;

    if (!(s->rxcsum & RXCSUM_TUOFLD) && pcss < len) {
        v->checksum = (u16)inet_sum(0, frame + pcss, len - pcss);
    }
    if (len < at + IP_HEADER || load_be(ip - 2, 2) != TYPE_IP) {
        v->status |= RS_IXSM;
        return;
    }
    u32 head = (ip[0] & 15u) * 4, total = (u32)load_be(ip + 2, 2);
    if (ip[0] >> 4 != 4 || head < IP_HEADER || total < head
        || total > len - at
        || !(s->rxcsum & (RXCSUM_IPOFLD | RXCSUM_TUOFLD))) {
        v->status |= RS_IXSM;
        return;
    }
    if (s->rxcsum & RXCSUM_IPOFLD) {
        v->status |= RS_IPCS;
        v->errors |= inet_sum(0, ip, head) == 0xffff ? 0 : RE_IPE;
    }
    if (s->rxcsum & RXCSUM_TUOFLD) {
        check_datagram(s, ip, head, total, v);
    }
}

/* ---- frames ------------------------------------------------------------- */

static void count(E1000 *s, const u8 *frame, u32 len)
{
    u32 n = len + CRC_BYTES;

    e1000_count(s, ST_TPR, 1);
    e1000_count(s, ST_GPRC, 1);
    e1000_count64(s, ST_GORC, n);
    e1000_count64(s, ST_TOR, n);
    e1000_count_sizes(s, ST_PRC, n);
    if (frame[0] & 1) {
        e1000_count(s, mac_is_broadcast(frame) ? ST_BPRC : ST_MPRC, 1);
    }
}

/* Copies the frame, as the guest is to see it, to `taken`; its length. */
static u32 take(E1000 *s, const u8 *frame, u32 len, Verdict *v)
{
    u8 *to = s->taken;

    if (s->ctrl & CTRL_VME && is_tagged(s, frame, len)) {
        v->status |= RS_VP;
        v->special = (u16)load_be(frame + ETHERNET, 2);
        memcpy(to, frame, TYPE_AT);
        memcpy(to + TYPE_AT, frame + TYPE_AT + VLAN_TAG,
               len - TYPE_AT - VLAN_TAG);
        len -= VLAN_TAG;
    } else {
        memcpy(to, frame, len);
    }
    if (len < FRAME_MIN) {
        memset(to + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    check_sums(s, to, len, v);
    if (!(s->rctl & RCTL_SECRC)) {
        store_le(to + len, CRC_BYTES, frame_crc(to, len));
        len += CRC_BYTES;
    }
    return len;
}

static void put_legacy(u8 *d, u32 n, const Verdict *v, bool last)
{
    store_le(d + D_LENGTH, 2, n);
    store_le(d + D_CHECKSUM, 2, v->checksum);
    d[D_STATUS] = last ? RS_DD | RS_EOP | v->status : RS_DD;
    d[D_ERRORS] = last ? v->errors : 0;
    store_le(d + D_SPECIAL, 2, v->special);
}

/* The checksum's place is that of a hash, if the guest wants that. */
static void put_extended(const E1000 *s, u8 *d, const Verdict *v, bool last)
{
    u32 status = last ? RS_DD | RS_EOP | v->status
                        | (u32)v->errors << X_ERROR_SHIFT : RS_DD;

    memset(d, 0, is_split(s) ? SPLIT_BYTES : DESCRIPTOR);
    store_le(d + X_CHECKSUM, 2, s->rxcsum & RXCSUM_PCSD ? 0 : v->checksum);
    store_le(d + X_STATUS, 4, status);
    store_le(d + X_VLAN, 2, v->special);
}

/* Buffers are filled one after the other; 0: there is none. */
static void put_split(E1000 *s, u8 *d, const u8 *data, u32 n, const Verdict *v,
                      bool last)
{
    u64 buffer[SPLIT_BUFFERS];

    memcpy(buffer, d, sizeof buffer);
    put_extended(s, d, v, last);
    for (u32 i = 0; i < SPLIT_BUFFERS; i++) {
        u32 k = MIN(n, part_size(s, i));
        if (k) {
            pci_dma_write(&s->pci, load_le(&buffer[i], 8), data, k);
        }
        store_le(d + (i ? X_LENGTHS + 2 * (i - 1) : X_LENGTH), 2, k);
        data += k;
        n -= k;
    }
}

/* Fills the next descriptor with n bytes; false: it is not there. */
static bool fill(E1000 *s, const u8 *data, u32 n, const Verdict *v, bool last)
{
    u8 d[SPLIT_BYTES];
    bool split = is_split(s), extended = is_extended(s);
    u32 bytes = split ? SPLIT_BYTES : DESCRIPTOR, from = extended ? 0 : 8;
    u32 ring = e1000_ring_size(&s->rx);
    u64 at;

    if (!e1000_ring_at(&s->rx, s->rx.h, &at)
        || !pci_dma_read(&s->pci, at, d, bytes)) {
        return false;
    }
    u64 buffer = load_le(d, 8);
    if (buffer && !split) {             /* 0: a descriptor without one */
        pci_dma_write(&s->pci, buffer, data, n);
    }
    if (split) {
        put_split(s, d, data, n, v, last);
    } else if (extended) {
        put_extended(s, d, v, last);
        store_le(d + X_LENGTH, 2, n);
    } else {
        put_legacy(d, n, v, last);
    }
    pci_dma_write(&s->pci, at + from, d + from, bytes - from);
    s->rx.h = ring ? (s->rx.h + step(s)) % ring : 0;
    return true;
}

/* RXDMT0: only a half, a quarter, an eighth of the ring is left. */
static bool runs_low(const E1000 *s)
{
    u32 part = MIN((u32)bits(s->rctl, 9, 8), 2u) + 1;

    return usable(s) && ours(s) <= e1000_ring_size(&s->rx) / step(s) >> part;
}

static void store(E1000 *s, u32 len, const Verdict *v)
{
    u32 size = buffer_size(s);

    for (u32 at = 0; at < len; at += size) {
        u32 n = MIN(size, len - at);
        if (!fill(s, s->taken + at, n, v, at + n == len)) {
            log_line(LOG_GUEST, "%s: receive descriptors are not in memory",
                     s->pci.dev.id);
            return;
        }
    }
    if (runs_low(s)) {
        e1000_cause(s, INT_RXDMT0);
    }
    e1000_later(s, INT_RXT0, s->rdtr, s->radv);
}

void e1000_receive(void *opaque, const u8 *frame, size_t len)
{
    E1000 *s = opaque;
    Verdict v = { 0 };

    if (s->receiving || !usable(s) || len < ETHERNET || !fits(s, len)
        || !wanted(s, frame) || !vlan_wanted(s, frame, len)) {
        return;
    }
    u32 n = (u32)len;
    count(s, frame, n);
    n = take(s, frame, n, &v);
    if (ours(s) * buffer_size(s) < n) {
        e1000_count(s, ST_MPC, 1);
        e1000_count(s, ST_RNBC, 1);
        e1000_cause(s, INT_RXO);
        return;
    }
    s->receiving = true;
    store(s, n, &v);
    s->receiving = false;
}
