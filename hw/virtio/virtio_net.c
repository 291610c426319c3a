/* SPDX-License-Identifier: MIT */
/*
 * Virtio network card.  Reference: VIRTIO 1.1, section 5.1.
 *
 * Left out: checksum and segmentation offload, multiqueue, VLAN filtering.
 */
#include <glib.h>
#include <stdio.h>
#include "hw/virtio/virtio.h"
#include "net/net.h"
#include "softmmu/machine.h"

enum { F_MAC = 5, F_MRG_RXBUF = 15, F_STATUS = 16, F_CTRL_VQ = 17,
       F_CTRL_RX = 18, F_CTRL_MAC_ADDR = 23 };
enum { RX, TX, CTRL };
enum { HEADER = 12, FRAME_MAX = 65536, MACS = 64, CONFIG_BYTES = 8,
       C_STATUS = 6, LINK_UP = 1 };
enum { CLASS_RX = 0, CLASS_MAC = 1, MAC_TABLE = 0, MAC_SET = 1, ACK_OK = 0,
       ACK_ERR = 1 };

typedef struct VirtioNet {
    VirtioDevice v;
    Netdev  *net;
    NetFront front;
    char    *mac_text;
    u8       rx_mode[6];        /* by command: promisc, allmulti, alluni,
                                   nomulti, nouni, nobcast */
    u8       table[MACS][6];    /* addresses to receive */
    u32      ntable;
} VirtioNet;

/* ---- receiving ---------------------------------------------------------- */

static bool wanted(const VirtioNet *s, const u8 *to)
{
    static const u8 broadcast[6] = { 255, 255, 255, 255, 255, 255 };

    if (s->rx_mode[0]) {
        return true;
    }
    if (memcmp(to, broadcast, 6) == 0) {
        return !s->rx_mode[5];
    }
    if (to[0] & 1 ? s->rx_mode[1] : s->rx_mode[2]) {
        return true;
    }
    if (to[0] & 1 ? s->rx_mode[3] : s->rx_mode[4]) {
        return false;
    }
    for (u32 i = 0; i < s->ntable; i++) {
        if (memcmp(to, s->table[i], 6) == 0) {
            return true;
        }
    }
    return memcmp(to, s->v.config, 6) == 0;
}

static bool can_receive(void *opaque)
{
    VirtioNet *s = opaque;

    return virtio_has_request(&s->v, RX);
}

/* One buffer holds all, or the frame is dropped: buffers are of that size. */
static void receive(void *opaque, const u8 *frame, size_t len)
{
    VirtioNet *s = opaque;
    u8 header[HEADER] = { 0 };
    VirtRequest r;

    if (len < 14 || !wanted(s, frame) || !virtio_pop(&s->v, RX, &r)) {
        return;
    }
    store_le(header + 10, 2, 1);        /* num_buffers */
    if (r.in_len < HEADER + len) {
        virtio_push(&s->v, RX, &r, 0);
        return;
    }
    iov_copy_in(&r.iov[r.nout], r.nin, 0, header, HEADER);
    iov_copy_in(&r.iov[r.nout], r.nin, HEADER, frame, len);
    virtio_push(&s->v, RX, &r, (u32)(HEADER + len));
}

/* ---- sending ------------------------------------------------------------ */

static void transmit(VirtioNet *s)
{
    g_autofree u8 *frame = g_malloc(FRAME_MAX);
    VirtRequest r;

    while (virtio_pop(&s->v, TX, &r)) {
        size_t len = iov_copy_out(frame, FRAME_MAX, r.iov, r.nout, HEADER);
        if (r.out_len < HEADER || r.out_len > HEADER + FRAME_MAX) {
            virtio_broken(&s->v, "a frame of a wrong size");
            return;
        }
        if (s->net && len >= 14) {
            netdev_send(s->net, frame, len);
        }
        virtio_push(&s->v, TX, &r, 0);
    }
}

/* ---- control ------------------------------------------------------------ */

static u8 set_rx(VirtioNet *s, u8 command, const u8 *data, size_t len)
{
    if (command >= sizeof s->rx_mode || len != 1) {
        return ACK_ERR;
    }
    s->rx_mode[command] = data[0] != 0;
    return ACK_OK;
}

/* Two lists, unicast and multicast: u32 count, then the addresses. */
static u8 set_table(VirtioNet *s, const u8 *data, size_t len)
{
    s->ntable = 0;
    for (u32 list = 0; list < 2; list++) {
        u64 n = len >= 4 ? load_le(data, 4) : ~0ull;
        if (n > (len - 4) / 6) {
            return ACK_ERR;
        }
        if (n > MACS - s->ntable) {
            s->rx_mode[list ? 1 : 2] = 1;       /* too many: take all */
        } else {
            memcpy(s->table[s->ntable], data + 4, n * 6);
            s->ntable += (u32)n;
        }
        data += 4 + n * 6;
        len -= 4 + n * 6;
    }
    return ACK_OK;
}

static u8 command(VirtioNet *s, const u8 *c, size_t len)
{
    if (c[0] == CLASS_RX) {
        return set_rx(s, c[1], c + 2, len - 2);
    }
    if (c[0] == CLASS_MAC && c[1] == MAC_TABLE) {
        return set_table(s, c + 2, len - 2);
    }
    if (c[0] == CLASS_MAC && c[1] == MAC_SET && len == 8) {
        memcpy(s->v.config, c + 2, 6);
        return ACK_OK;
    }
    return ACK_ERR;
}

static void control(VirtioNet *s)
{
    VirtRequest r;
    u8 buf[2048];

    while (virtio_pop(&s->v, CTRL, &r)) {
        size_t len = iov_copy_out(buf, sizeof buf, r.iov, r.nout, 0);
        if (len < 2 || r.in_len < 1) {
            virtio_broken(&s->v, "a control command without room");
            return;
        }
        u8 ack = r.out_len > sizeof buf ? ACK_ERR : command(s, buf, len);
        iov_copy_in(&r.iov[r.nout], r.nin, 0, &ack, 1);
        virtio_push(&s->v, CTRL, &r, 1);
    }
}

static void notify(void *opaque, u32 q)
{
    VirtioNet *s = opaque;

    switch (q) {
    case RX:
        if (s->net) {
            netdev_accept(s->net);
        }
        break;
    case TX:   transmit(s); break;
    case CTRL: control(s);  break;
    }
}

static void driver_ok(void *opaque)
{
    VirtioNet *s = opaque;

    memset(s->rx_mode, 0, sizeof s->rx_mode);
    s->ntable = 0;
    if (!virtio_has(&s->v, F_CTRL_RX)) {
        s->rx_mode[0] = 1;              /* no way to ask: all of it */
    }
}

static const VirtioKind kind = {
    .id = 1, .queues = 3, .queue_size = { 256, 256, 64 },
    .config_size = CONFIG_BYTES,
    .features = BIT(F_MAC) | BIT(F_MRG_RXBUF) | BIT(F_STATUS) | BIT(F_CTRL_VQ)
              | BIT(F_CTRL_RX) | BIT(F_CTRL_MAC_ADDR),
    .notify = notify, .driver_ok = driver_ok,
};

static bool parse_mac(const char *text, u8 *mac)
{
    unsigned v[6];
    char rest;

    if (sscanf(text, "%x:%x:%x:%x:%x:%x%c", &v[0], &v[1], &v[2], &v[3], &v[4],
               &v[5], &rest) != 6) {
        return false;
    }
    for (u32 i = 0; i < 6; i++) {
        if (v[i] > 255) {
            return false;
        }
        mac[i] = (u8)v[i];
    }
    return !(mac[0] & 1);
}

static void set_config(VirtioNet *s)
{
    parse_mac(s->mac_text, s->v.config);
    store_le(s->v.config + C_STATUS, 2, LINK_UP);
}

/* How many cards the machine has: the last byte of a default address. */
static u32 cards_before(const VirtioNet *s)
{
    const Machine *m = s->v.dev.machine;
    u32 n = 0;

    for (u32 i = 0; m && i < m->devices->len; i++) {
        n += ((const Device *)m->devices->pdata[i])->type == s->v.dev.type;
    }
    return n;
}

static bool start(void *opaque, Err *err)
{
    VirtioNet *s = opaque;
    u8 mac[6];

    if (!s->mac_text) {
        s->mac_text = g_strdup_printf("52:54:00:12:34:%02x",
                                      (0x56 + cards_before(s)) & 255);
    }
    if (!parse_mac(s->mac_text, mac)) {
        return fail(err, "mac=%s is no unicast address; write e.g. "
                    "52:54:00:12:34:56", s->mac_text);
    }
    virtio_init(&s->v, &kind);
    s->front = (NetFront) { s, can_receive, receive };
    return !s->net || netdev_attach(s->net, &s->front, err);
}

static void reset(void *opaque)
{
    VirtioNet *s = opaque;

    virtio_reset(&s->v);
    if (s->mac_text) {
        set_config(s);
    }
}

static bool loaded(void *opaque)
{
    VirtioNet *s = opaque;

    return s->ntable <= MACS && virtio_loaded(&s->v);
}

DEVICE(virtio_net) {
    .name  = "virtio-net-device",
    .about = "virtio network card",
    .size  = sizeof(VirtioNet),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(VirtioNet, v), SAVE(VirtioNet, rx_mode),
        SAVE(VirtioNet, table), SAVE(VirtioNet, ntable), { 0 }
    },
    .props = (const Prop[]) {
        PROP("netdev", PROP_NETDEV, VirtioNet, net, NULL, "id of the network"),
        PROP("mac", PROP_STR, VirtioNet, mac_text, NULL, "hardware address"),
        { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded,
};
