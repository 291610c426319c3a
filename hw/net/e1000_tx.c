/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM and 82574L: sending, with checksums and segmentation of TCP.
 * Reference: the manual of e1000.c, 3.3 to 3.5.
 *
 * A network inside this process takes segments as long as IP allows, so for
 * it they are not cut to the MSS.
 */
#include "hw/net/e1000.h"
#include "util/log.h"

enum {                          /* of descriptors */
    D_LENGTH = 8, D_CSO = 10, D_TYPE = 10, D_CMD = 11, D_STATUS = 12,
    D_CSS = 13, D_POPTS = 13, D_SPECIAL = 14,
    C_IPCSS = 0, C_IPCSO = 1, C_IPCSE = 2, C_TUCSS = 4, C_TUCSO = 5,
    C_TUCSE = 6, C_HDRLEN = 13, C_MSS = 14,
    CMD_EOP = 1 << 0, CMD_IC = 1 << 2, CMD_TSE = 1 << 2, CMD_RS = 1 << 3,
    CMD_RPS = 1 << 4, CMD_DEXT = 1 << 5, CMD_VLE = 1 << 6, CMD_IDE = 1 << 7,
    TYPE_CONTEXT = 0, TYPE_DATA = 1, STA_DD = 1 << 0,
    POPTS_IXSM = 1 << 0, POPTS_TXSM = 1 << 1,
    TUCMD_TCP = 1 << 0, TUCMD_IP = 1 << 1, TUCMD_TSE = 1 << 2,
};
enum { IP_MAX = 65535, IPV6_HEADER = 40, TCP_FIN_PSH = 9, MSS_MIN = 16,
       TYPE_AT = 12, NO_ZERO = 0xffff };      /* of UDP, 0 means: no sum */
/* Of one packet, and of one run: the rest waits for the timer. */
enum { PAYLOAD_MAX = 256 << 10, RUN_BYTES = 4 << 20, RUN_DESCRIPTOR = 1024 };

static u8 *frame_of(E1000 *s)
{
    return s->gathered + VLAN_TAG;
}

/* ---- a frame ------------------------------------------------------------ */

/* Puts the sum from css to cse (0: the end) at cso; `zero`: if it is 0. */
static void put_sum(u8 *f, u32 len, u32 css, u32 cso, u32 cse, u32 zero)
{
    u32 end = cse && cse < len ? cse + 1 : len;

    if (css < end && cso + 2 <= len) {
        u32 sum = ~inet_sum(0, f + css, end - css) & 0xffff;
        store_be(f + cso, 2, sum ? sum : zero);
    }
}

static void add_to(u8 *p, unsigned size, u32 n)
{
    store_be(p, size, load_be(p, size) + n);
}

/* Makes the header of all that of one segment: 3.5.7. */
static void edit_header(E1000 *s, u8 *f, u32 len, bool last)
{
    const Context *c = &s->segments;
    u32 ip = c->ipcss, tu = c->tucss;

    if (ip + IPV6_HEADER / 2 > len || tu + 14u > len || c->tucso + 2u > len) {
        return;
    }
    if (c->tucmd & TUCMD_IP) {
        store_be(f + ip + 2, 2, len - ip);
        add_to(f + ip + 4, 2, s->cut);
    } else {
        store_be(f + ip + 4, 2, len - ip - IPV6_HEADER);
    }
    if (c->tucmd & TUCMD_TCP) {
        add_to(f + tu + 4, 4, s->passed);
        f[tu + 13] &= last ? 0xff : (u8)~TCP_FIN_PSH;
    } else {
        store_be(f + tu + 4, 2, len - tu);
    }
    if (s->popts & POPTS_TXSM && len > tu) {    /* the pseudo header's length */
        u8 *sum = f + c->tucso, n[2];
        store_be(n, 2, len - tu);
        store_be(sum, 2, inet_sum(load_be(sum, 2), n, 2));
    }
}

static void count(E1000 *s, const u8 *f, u32 len)
{
    u32 n = len + CRC_BYTES;

    e1000_count(s, ST_TPT, 1);
    e1000_count(s, ST_GPTC, 1);
    e1000_count64(s, ST_GOTC, n);
    e1000_count64(s, ST_TOT, n);
    e1000_count_sizes(s, ST_PTC, n);
    if (f[0] & 1) {
        e1000_count(s, mac_is_broadcast(f) ? ST_BPTC : ST_MPTC, 1);
    }
}

/* `tag`: of the VLAN, or negative. */
static void pass(E1000 *s, u8 *f, u32 len, i32 tag)
{
    if (tag >= 0 && len >= ETHERNET) {
        memmove(f - VLAN_TAG, f, TYPE_AT);
        f -= VLAN_TAG;
        len += VLAN_TAG;
        store_be(f + TYPE_AT, 2, s->vet);
        store_be(f + ETHERNET, 2, (u32)tag);
    }
    if (len < FRAME_MIN && s->tctl & TCTL_PSP) {
        memset(f + len, 0, FRAME_MIN - len);
        len = FRAME_MIN;
    }
    if (len < ETHERNET) {
        return;
    }
    count(s, f, len);
    if (e1000_loops(s)) {
        e1000_receive(s, f, len);
    } else {
        nic_send(&s->nic, f, len);
    }
}

/* Sends what was gathered: a packet, or with TSE a segment of one. */
static void emit(E1000 *s, i32 tag, bool last)
{
    const Context *c = s->tse ? &s->segments : &s->checks;
    u8 *f = frame_of(s);
    u32 len = s->held, head = c->hdrlen;
    bool segment = s->tse && len > head;

    if (segment) {
        if (!s->cut) {
            memcpy(s->header, f, head);
        }
        edit_header(s, f, len, last);
    }
    if (s->popts & POPTS_IXSM) {
        put_sum(f, len, c->ipcss, c->ipcso, c->ipcse, 0);
    }
    if (s->popts & POPTS_TXSM) {
        put_sum(f, len, c->tucss, c->tucso, c->tucse,
                c->tucmd & TUCMD_TCP ? 0 : NO_ZERO);
    }
    pass(s, f, len, tag);
    if (segment) {
        s->cut++;
        s->passed += len - head;
        memcpy(f, s->header, head);
        s->held = head;
    }
}

/* ---- descriptors -------------------------------------------------------- */

/* The longest frame that is to be made of the packet. */
static u32 frame_max(const E1000 *s)
{
    const Context *c = &s->segments;
    u32 mss = MAX(c->mss, (u32)MSS_MIN), most = IP_MAX + c->ipcss;

    if (!s->tse) {
        return FRAME_LARGE - VLAN_TAG;
    }
    if (nic_offloads(&s->nic) && !e1000_loops(s) && c->hdrlen + mss < most) {
        mss = (most - c->hdrlen) / mss * mss;
    }
    return c->hdrlen + mss;
}

/* Gathers n bytes.  What is too much of one packet is dropped. */
static void gather(E1000 *s, u64 at, u32 n, i32 tag)
{
    u32 max = frame_max(s);

    while (n && s->passed < PAYLOAD_MAX) {
        if (s->held >= max) {
            if (!s->tse) {
                return;
            }
            emit(s, tag, false);
        }
        u32 k = MIN(n, max - s->held);
        pci_dma_read(&s->pci, at, frame_of(s) + s->held, k);
        s->held += k;
        at += k;
        n -= k;
    }
}

static void end_packet(E1000 *s, i32 tag)
{
    if (s->tse) {
        e1000_count(s, ST_TSCTC, 1);
    }
    if (s->held && s->passed < PAYLOAD_MAX) {
        emit(s, tag, true);
    }
    s->held = s->cut = s->passed = 0;
}

static void set_context(E1000 *s, const u8 *d)
{
    Context *c = d[D_CMD] & TUCMD_TSE ? &s->segments : &s->checks;

    *c = (Context) {
        .ipcss = d[C_IPCSS], .ipcso = d[C_IPCSO],
        .ipcse = (u16)load_le(d + C_IPCSE, 2),
        .tucss = d[C_TUCSS], .tucso = d[C_TUCSO],
        .tucse = (u16)load_le(d + C_TUCSE, 2),
        .tucmd = d[D_CMD], .hdrlen = d[C_HDRLEN],
        .mss = (u16)load_le(d + C_MSS, 2),
    };
}

/* Does what a descriptor says; the bytes it had. */
static u32 obey(E1000 *s, const u8 *d)
{
    u8 cmd = d[D_CMD];
    bool extended = cmd & CMD_DEXT, first = !s->held && !s->cut;
    u32 n = (u32)load_le(d + D_LENGTH, extended ? 4 : 2) & 0xfffff;
    i32 tag = cmd & CMD_VLE && s->ctrl & CTRL_VME
        ? (i32)load_le(d + D_SPECIAL, 2) : -1;

    if (extended && d[D_TYPE] >> 4 != TYPE_DATA) {
        if (d[D_TYPE] >> 4 == TYPE_CONTEXT) {
            set_context(s, d);
        }
        return 0;
    }
    if (first) {
        s->popts = extended ? d[D_POPTS] : 0;
        s->tse = extended && cmd & CMD_TSE;
    }
    gather(s, load_le(d, 8), n, tag);
    if (cmd & CMD_EOP) {
        if (!extended && cmd & CMD_IC) {
            put_sum(frame_of(s), s->held, d[D_CSS], d[D_CSO], 0,
                    0);
        }
        end_packet(s, tag);
    }
    return n;
}

/* Takes a descriptor; what it cost of RUN_BYTES, 0: it is not in memory. */
static u32 step(E1000 *s, u64 at, u32 *causes, bool *later)
{
    u8 d[DESCRIPTOR];

    if (!pci_dma_read(&s->pci, at, d, sizeof d)) {
        log_line(LOG_GUEST, "%s: transmit descriptors are not in memory",
                 s->pci.dev.id);
        return 0;
    }
    u32 n = obey(s, d);
    if (d[D_CMD] & (CMD_RS | CMD_RPS)) {
        d[D_STATUS] |= STA_DD;
        pci_dma_write(&s->pci, at + D_STATUS, d + D_STATUS, 1);
        if (d[D_CMD] & CMD_IDE) {
            *later = true;
        } else {
            *causes |= INT_TXDW;
        }
    }
    return n + RUN_DESCRIPTOR;
}

static bool has_work(const E1000 *s, u64 *at)
{
    return s->tctl & TCTL_EN && s->tx.h != s->tx.t
        && s->tx.t < e1000_ring_size(&s->tx)
        && e1000_ring_at(&s->tx, s->tx.h, at);
}

void e1000_transmit(E1000 *s)
{
    u32 causes = 0, cost, total = 0;
    bool later = false;
    u64 at;

    if (s->sending || !has_work(s, &at)) {
        return;
    }
    s->sending = true;
    while (has_work(s, &at) && total < RUN_BYTES) {
        cost = step(s, at, &causes, &later);
        if (!cost) {
            break;
        }
        u32 n = e1000_ring_size(&s->tx);
        s->tx.h = n ? (s->tx.h + 1) % n : 0;
        total += cost;
    }
    s->sending = false;
    s->more = total >= RUN_BYTES && has_work(s, &at);
    causes |= s->tx.h == s->tx.t ? INT_TXQE : 0;
    if (later) {
        e1000_later(s, INT_TXDW, s->tidv, s->tadv);
    }
    e1000_cause(s, causes);
}
