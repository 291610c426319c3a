/* SPDX-License-Identifier: MIT */
/* What network cards share; see nic.h. */
#include <glib.h>
#include <stdio.h>
#include <zlib.h>
#include "hw/net/nic.h"
#include "softmmu/machine.h"

static bool has_mac(const DeviceType *t)
{
    for (const Prop *p = t->props; p && p->name; p++) {
        if (strcmp(p->name, "mac") == 0) {
            return true;
        }
    }
    return false;
}

/* How many cards the machine has: the last byte of a default address. */
static u32 cards_before(const Device *d)
{
    const Machine *m = d->machine;
    u32 n = 0;

    for (u32 i = 0; m && m->devices && i < m->devices->len; i++) {
        const Device *other = m->devices->pdata[i];
        n += other != d && has_mac(other->type);
    }
    return n;
}

static bool parse_mac(const char *text, u8 *mac)
{
    unsigned v[MAC_BYTES];
    char rest;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &rest) != MAC_BYTES) {
        return false;
    }
    for (u32 i = 0; i < MAC_BYTES; i++) {
        mac[i] = (u8)v[i];
    }
    return !(mac[0] & 1);
}

bool nic_start(Nic *n, Device *d, NetFront front, Err *err)
{
    if (!n->mac_text) {
        n->mac_text = g_strdup_printf("52:54:00:12:34:%02x",
                                      (0x56 + cards_before(d)) & 255);
    }
    if (!parse_mac(n->mac_text, n->mac)) {
        return fail(err, "mac=%s is no unicast address; write e.g. "
                    "52:54:00:12:34:56", n->mac_text);
    }
    n->front = front;
    return !n->net || netdev_attach(n->net, &n->front, err);
}

void nic_stop(Nic *n)
{
    if (n->net && n->front.opaque) {
        netdev_detach(n->net, &n->front);
    }
}

void nic_send(Nic *n, const u8 *frame, size_t len)
{
    if (n->net && len >= ETHERNET && len <= FRAME_LARGE) {
        netdev_send(n->net, frame, len);
    }
}

void nic_accept(Nic *n)
{
    if (n->net) {
        netdev_accept(n->net);
    }
}

bool nic_offloads(const Nic *n)
{
    return n->net && netdev_offloads(n->net);
}

/* ---- sums --------------------------------------------------------------- */

bool mac_is_broadcast(const u8 *mac)
{
    return load_le(mac, 4) == 0xffffffff && load_le(mac + 4, 2) == 0xffff;
}

u32 frame_crc(const u8 *p, size_t n)
{
    return (u32)crc32(0, p, (uInt)n);
}

u32 mac_hash(const u8 *mac)
{
    u32 crc = ~frame_crc(mac, MAC_BYTES), v = 0;

    for (u32 i = 0; i < 6; i++) {
        v = v << 1 | (crc >> i & 1);
    }
    return v;
}

u32 inet_sum(u64 sum, const u8 *p, size_t n)
{
    size_t i;

    for (i = 0; i + 4 <= n; i += 4) {
        sum += (u32)load_be(p + i, 4);
    }
    for (; i < n; i++) {
        sum += (u64)p[i] << (i & 1 ? 0 : 8);
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (u32)sum;
}

/* ---- IPv4 --------------------------------------------------------------- */

enum { IP_HEADER = 20, IP_TCP = 6, IP_UDP = 17, TCP_HEADER = 20,
       UDP_HEADER = 8, FRAGMENT = 0x3fff, TCP_FIN_PSH = 9 };

/* Bytes of its header and of all of it; false: it is not whole. */
static bool ip_lengths(const u8 *ip, size_t len, u32 *head, u32 *total)
{
    if (len < IP_HEADER || ip[0] >> 4 != 4) {
        return false;
    }
    *head = (ip[0] & 15u) * 4;
    *total = (u32)load_be(ip + 2, 2);
    return *head >= IP_HEADER && *total >= *head && *total <= len;
}

static void put_sum(u8 *sum, u64 pseudo, const u8 *p, size_t n)
{
    store_be(sum, 2, 0);
    u32 v = ~inet_sum(pseudo, p, n) & 0xffff;
    store_be(sum, 2, v || !pseudo ? v : 0xffff);
}

void inet_put_sums(u8 *ip, size_t len, bool head, bool tcp, bool udp)
{
    u32 h, total;

    if (!ip_lengths(ip, len, &h, &total)) {
        return;
    }
    u8 *data = ip + h;
    u32 n = total - h;
    u64 pseudo = (u64)ip[9] + n + load_be(ip + 12, 4) + load_be(ip + 16, 4);
    if (head) {
        put_sum(ip + 10, 0, ip, h);
    }
    if (load_be(ip + 6, 2) & FRAGMENT) {
        return;
    }
    if (tcp && ip[9] == IP_TCP && n >= TCP_HEADER) {
        put_sum(data + 16, pseudo, data, n);
    } else if (udp && ip[9] == IP_UDP && n >= UDP_HEADER) {
        put_sum(data + 6, pseudo, data, n);
    }
}

/* Bytes of all headers; 0: it is no TCP segment. */
static u32 headers_of(const Cut *c)
{
    const u8 *ip = c->frame + c->ip;
    u32 head, total;

    if (c->len < c->ip || !ip_lengths(ip, c->len - c->ip, &head, &total)
        || ip[9] != IP_TCP || total - head < TCP_HEADER) {
        return 0;
    }
    u32 tcp = (ip[head + 12] >> 4) * 4u;
    return tcp >= TCP_HEADER && tcp <= total - head ? c->ip + head + tcp : 0;
}

bool inet_cut(const Cut *c)
{
    enum { MSS_MIN = 16 };
    u32 all = headers_of(c), mss = MAX(c->mss, (u32)MSS_MIN), n;
    u32 tcp = c->ip + (c->frame[c->ip] & 15u) * 4, cut = 0;
    u8 *ip = c->room + c->ip, *t = c->room + tcp;

    if (!all) {
        return false;
    }
    for (u32 at = all; at < c->len || !cut; at += n, cut++) {
        n = MIN(mss, c->len - at);
        memcpy(c->room, c->frame, all);
        memcpy(c->room + all, c->frame + at, n);
        store_be(ip + 2, 2, all + n - c->ip);
        store_be(ip + 4, 2, load_be(ip + 4, 2) + cut);
        store_be(t + 4, 4, load_be(t + 4, 4) + (at - all));
        t[13] &= at + n < c->len ? (u8)~TCP_FIN_PSH : 0xff;
        inet_put_sums(ip, all + n - c->ip, true, true, false);
        c->send(c->opaque, c->room, all + n);
    }
    return true;
}
