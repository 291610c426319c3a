/* SPDX-License-Identifier: MIT */
/*
 * Virtio network card.  Reference: VIRTIO 1.1, section 5.1.
 *
 * Where the network is inside this process nobody need sum up what both ends
 * of it know to be right: then the guest leaves checksums to us, does not
 * check ours, and sends TCP segments as long as it likes.
 *
 * Left out: multiqueue, large segments to the guest, cutting large segments
 * for networks that do not take them (so they are not offered there).
 */
#include <glib.h>
#include <stdio.h>
#include "hw/virtio/net.h"
#include "hw/virtio/virtio.h"
#include "net/net.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum {                                  /* features */
    F_CSUM = 0, F_GUEST_CSUM = 1, F_MAC = 5, F_HOST_TSO4 = 11,
    F_HOST_TSO6 = 12, F_MRG_RXBUF = 15, F_STATUS = 16, F_CTRL_VQ = 17,
    F_CTRL_RX = 18, F_CTRL_VLAN = 19, F_CTRL_RX_EXTRA = 20,
    F_CTRL_MAC_ADDR = 23,
};
enum { RX, TX, CTRL };
enum {                                  /* the header before each frame */
    H_FLAGS = 0, H_CSUM_START = 6, H_CSUM_OFFSET = 8, H_BUFFERS = 10,
    HEADER_MAX = 12, HEADER_SHORT = 10,
    NEEDS_CSUM = 1, DATA_VALID = 2,
};
enum { ETHERNET = 14, FRAME_MAX = 65536 + ETHERNET + 4, MACS = 64,
       CONFIG_BYTES = 8, C_STATUS = 6, LINK_UP = 1, VLANS = 4096 };
enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_VLAN = 2, MAC_TABLE = 0,
       MAC_SET = 1, VLAN_ADD = 0, VLAN_DEL = 1, ACK_OK = 0, ACK_ERR = 1 };
enum { PROMISC, ALL_MULTI, ALL_UNI, NO_MULTI, NO_UNI, NO_BROADCAST,
       RX_MODES };                      /* commands of CLASS_RX */

typedef struct VirtioNet {
    VirtioDevice v;
    Netdev  *net;
    NetFront front;
    char    *mac_text;
    bool     csum, guest_csum, host_tso4, host_tso6, mrg_rxbuf;
    u8       rx_mode[RX_MODES];
    u8       table[MACS][6];            /* addresses to receive */
    u32      ntable, unicast;           /* of them the first `unicast` */
    u8       overflow[2];               /* too many: unicast, multicast */
    bool     told;                      /* that a filter changed */
    u8       vlan[VLANS / 8];           /* a bit for each to receive */
    u8      *frame;                     /* being sent */
} VirtioNet;

static u32 header_size(const VirtioNet *s)
{
    return virtio_has(&s->v, VIRTIO_F_VERSION_1)
        || virtio_has(&s->v, F_MRG_RXBUF) ? HEADER_MAX : HEADER_SHORT;
}

/* ---- receiving ---------------------------------------------------------- */

static bool vlan_wanted(const VirtioNet *s, const u8 *frame, size_t len)
{
    if (!virtio_has(&s->v, F_CTRL_VLAN) || len < ETHERNET + 4
        || frame[12] != 0x81 || frame[13] != 0) {
        return true;
    }
    u32 id = (u32)load_be(frame + ETHERNET, 2) & (VLANS - 1);
    return s->vlan[id / 8] >> id % 8 & 1;
}

static bool in_table(const VirtioNet *s, const u8 *to)
{
    for (u32 i = 0; i < s->ntable; i++) {
        if (memcmp(to, s->table[i], 6) == 0) {
            return true;
        }
    }
    return false;
}

static bool wanted(const VirtioNet *s, const u8 *to)
{
    static const u8 broadcast[6] = { 255, 255, 255, 255, 255, 255 };
    bool multi = to[0] & 1;

    if (s->rx_mode[PROMISC]) {
        return true;
    }
    if (memcmp(to, broadcast, 6) == 0) {
        return !s->rx_mode[NO_BROADCAST];
    }
    if (s->rx_mode[multi ? ALL_MULTI : ALL_UNI] || s->overflow[multi]) {
        return true;
    }
    if (s->rx_mode[multi ? NO_MULTI : NO_UNI]) {
        return false;
    }
    return in_table(s, to) || memcmp(to, s->v.config, 6) == 0;
}

static bool can_receive(void *opaque)
{
    VirtioNet *s = opaque;

    return virtio_has_request(&s->v, RX);
}

/* Lays the frame into further buffers; how many, or 0 if they do not do. */
static u32 spread(VirtioNet *s, const u8 *frame, size_t len)
{
    VirtRequest r;
    u32 n = 1;

    while (len) {
        if (!virtio_pop(&s->v, RX, &r)) {
            virtio_unpop(&s->v, RX, n - 1);
            return 0;
        }
        size_t k = iov_copy_in(&r.iov[r.nout], r.nin, 0, frame, len);
        virtio_fill(&s->v, RX, &r, (u32)k, n++);
        frame += k;
        len -= k;
    }
    return n;
}

static void receive(void *opaque, const u8 *frame, size_t len)
{
    VirtioNet *s = opaque;
    u32 size = header_size(s), n;
    u8 header[HEADER_MAX] = { 0 };
    VirtRequest r;

    if (len < ETHERNET || !wanted(s, frame) || !vlan_wanted(s, frame, len)
        || !virtio_pop(&s->v, RX, &r)) {
        return;
    }
    if (r.in_len < size) {
        virtio_broken(&s->v, "a buffer without room for the header");
        return;
    }
    const struct iovec *in = &r.iov[r.nout];
    size_t k = iov_copy_in(in, r.nin, size, frame, len);
    n = k == len ? 1 : virtio_has(&s->v, F_MRG_RXBUF)
        ? spread(s, frame + k, len - k) : 0;
    if (!n) {                           /* the frame does not fit: dropped */
        virtio_unpop(&s->v, RX, 1);
        return;
    }
    header[H_FLAGS] = virtio_has(&s->v, F_GUEST_CSUM) ? DATA_VALID : 0;
    store_le(header + H_BUFFERS, 2, n);
    iov_copy_in(in, r.nin, 0, header, size);
    virtio_fill(&s->v, RX, &r, (u32)(size + k), 0);
    virtio_publish(&s->v, RX, n);
}

/* ---- sending ------------------------------------------------------------ */

/*
 * Section 5.1.6.2: the sum over all from csum_start on goes to csum_offset
 * behind it, where that of the pseudo header is already (RFC 1071).
 */
static void put_checksum(u8 *frame, size_t len, size_t start, size_t offset)
{
    u64 sum = 0;
    size_t i;

    if (start + offset + 2 > len) {
        return;                         /* nonsense: sent as it is */
    }
    for (i = start; i + 4 <= len; i += 4) {
        sum += (u32)load_be(frame + i, 4);
    }
    for (; i < len; i++) {
        sum += (u64)frame[i] << ((i - start) & 1 ? 0 : 8);
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum = ~sum & 0xffff;
    store_be(frame + start + offset, 2, sum ? sum : 0xffff);
}

static void send_frame(VirtioNet *s, const VirtRequest *r)
{
    u8 header[HEADER_MAX];
    u32 size = header_size(s);
    size_t len = iov_copy_out(s->frame, FRAME_MAX, r->iov, r->nout, size);

    iov_copy_out(header, size, r->iov, r->nout, 0);
    if (!s->net || len < ETHERNET) {
        return;
    }
    if (header[H_FLAGS] & NEEDS_CSUM) {
        put_checksum(s->frame, len, load_le(header + H_CSUM_START, 2),
                     load_le(header + H_CSUM_OFFSET, 2));
    }
    netdev_send(s->net, s->frame, len);
}

static void transmit(VirtioNet *s)
{
    VirtRequest r;

    for (u32 n = 0; n < s->v.vq[TX].size; n++) {
        if (!virtio_pop(&s->v, TX, &r)) {
            return;
        }
        if (r.out_len < header_size(s)
            || r.out_len > header_size(s) + FRAME_MAX) {
            virtio_broken(&s->v, "a frame of a wrong size");
            return;
        }
        send_frame(s, &r);
        virtio_push(&s->v, TX, &r, 0);
    }
    virtio_later(&s->v, TX);
}

/* ---- control ------------------------------------------------------------ */

static u8 set_rx(VirtioNet *s, u8 command, const u8 *data, size_t len)
{
    if (command >= RX_MODES || len != 1) {
        return ACK_ERR;
    }
    s->rx_mode[command] = data[0] != 0;
    return ACK_OK;
}

/* Two lists, unicast and multicast: u32 count, then the addresses. */
static u8 set_table(VirtioNet *s, const u8 *data, size_t len)
{
    s->ntable = s->unicast = 0;
    for (u32 list = 0; list < 2; list++) {
        u64 n = len >= 4 ? load_le(data, 4) : ~0ull;
        if (len < 4 || n > (len - 4) / 6) {
            return ACK_ERR;
        }
        s->overflow[list] = n > MACS - s->ntable;   /* then all are taken */
        if (!s->overflow[list]) {
            memcpy(s->table[s->ntable], data + 4, n * 6);
            s->ntable += (u32)n;
        }
        s->unicast = list ? s->unicast : s->ntable;
        data += 4 + n * 6;
        len -= 4 + n * 6;
    }
    return ACK_OK;
}

static u8 set_vlan(VirtioNet *s, u8 command, const u8 *data, size_t len)
{
    u32 id = len == 2 ? (u32)load_le(data, 2) : VLANS;

    if (id >= VLANS || command > VLAN_DEL) {
        return ACK_ERR;
    }
    s->vlan[id / 8] = (u8)deposit(s->vlan[id / 8], (int)id % 8, 1,
                                  command == VLAN_ADD);
    return ACK_OK;
}

/* The card, as QMP names it: the function on PCI, or the device alone. */
static const Device *card(const VirtioNet *s)
{
    const Device *owner = device_owner(&s->v.dev);

    return owner ? owner : &s->v.dev;
}

/* Once, until somebody looks. */
static void tell_filter(VirtioNet *s)
{
    if (s->v.dev.machine && !s->told) {
        g_autofree char *path = device_path(card(s));
        Json *data = json_object();
        json_add_str(data, "name", card(s)->id);
        json_add_str(data, "path", path);
        machine_event(s->v.dev.machine, "NIC_RX_FILTER_CHANGED", data);
        s->told = true;
    }
}

static u8 command(VirtioNet *s, const u8 *c, size_t len)
{
    const u8 *data = c + 2;

    len -= 2;
    switch (c[0]) {
    case CLASS_RX:
        return set_rx(s, c[1], data, len);
    case CLASS_VLAN:
        return set_vlan(s, c[1], data, len);
    case CLASS_MAC:
        if (c[1] == MAC_TABLE) {
            return set_table(s, data, len);
        }
        if (c[1] == MAC_SET && len == 6) {
            memcpy(s->v.config, data, 6);
            return ACK_OK;
        }
        return ACK_ERR;
    default:
        return ACK_ERR;
    }
}

static void control(VirtioNet *s)
{
    VirtRequest r;
    u8 buf[2048];

    for (u32 n = 0; n < s->v.vq[CTRL].size; n++) {
        if (!virtio_pop(&s->v, CTRL, &r)) {
            return;
        }
        size_t len = iov_copy_out(buf, sizeof buf, r.iov, r.nout, 0);
        if (len < 2 || r.in_len < 1) {
            virtio_broken(&s->v, "a control command without room");
            return;
        }
        u8 ack = r.out_len > sizeof buf ? ACK_ERR : command(s, buf, len);
        if (ack == ACK_OK) {
            tell_filter(s);
        }
        iov_copy_in(&r.iov[r.nout], r.nin, 0, &ack, 1);
        virtio_push(&s->v, CTRL, &r, 1);
    }
    virtio_later(&s->v, CTRL);
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

/* ---- configuration ------------------------------------------------------ */

/* A driver of the legacy interface sets the address here. */
static void config_write(void *opaque, u32 at, unsigned size, u64 val)
{
    VirtioNet *s = opaque;

    if (!virtio_has(&s->v, VIRTIO_F_VERSION_1) && at + size <= 6) {
        store_le(s->v.config + at, size, val);
    }
}

static void driver_ok(void *opaque)
{
    VirtioNet *s = opaque;

    if (!virtio_has(&s->v, F_CTRL_RX)) {
        s->rx_mode[PROMISC] = 1;        /* no way to ask: all of it */
    }
}

static bool parse_mac(const char *text, u8 *mac)
{
    unsigned v[6];
    char rest;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &rest) != 6) {
        return false;
    }
    for (u32 i = 0; i < 6; i++) {
        mac[i] = (u8)v[i];
    }
    return !(mac[0] & 1);
}

static void show_link(VirtioNet *s)
{
    store_le(s->v.config + C_STATUS, 2,
             s->net && !netdev_link(s->net) ? 0 : LINK_UP);
}

static void let_go(void *opaque)
{
    VirtioNet *s = opaque;

    memset(s->rx_mode, 0, sizeof s->rx_mode);
    memset(s->vlan, 0, sizeof s->vlan);
    memset(s->table, 0, sizeof s->table);
    s->ntable = s->unicast = 0;
    memset(s->overflow, 0, sizeof s->overflow);
    parse_mac(s->mac_text, s->v.config);
    show_link(s);
}

static void link_changed(void *opaque, bool up)
{
    VirtioNet *s = opaque;

    (void)up;
    show_link(s);
    virtio_config_changed(&s->v);
}

static const VirtioKind kind = {
    .id = 1, .queues = 3, .queue_size = { 256, 256, 64 },
    .config_size = CONFIG_BYTES,
    .features = BIT(F_MAC) | BIT(F_STATUS) | BIT(F_CTRL_VQ) | BIT(F_CTRL_RX)
              | BIT(F_CTRL_VLAN) | BIT(F_CTRL_RX_EXTRA) | BIT(F_CTRL_MAC_ADDR),
    .notify = notify, .config_write = config_write, .driver_ok = driver_ok,
    .reset = let_go,
};

/* ---- for monitors ------------------------------------------------------- */

static const char *mode_of(const VirtioNet *s, u32 all, u32 none)
{
    return s->rx_mode[all] ? "all" : s->rx_mode[none] ? "none" : "normal";
}

static void add_mac(Json *j, const char *name, const u8 *mac)
{
    g_autofree char *text = g_strdup_printf(
        "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
        mac[4], mac[5]);

    json_add_str(j, name, text);
}

static void add_tables(Json *j, const VirtioNet *s)
{
    Json *vlans = json_add(j, "vlan-table", json_array());
    Json *uni = json_add(j, "unicast-table", json_array());
    Json *multi = json_add(j, "multicast-table", json_array());

    for (u32 id = 0; id < VLANS; id++) {
        if (s->vlan[id / 8] >> id % 8 & 1) {
            json_add(vlans, NULL, json_new_int(id));
        }
    }
    for (u32 i = 0; i < s->ntable; i++) {
        add_mac(i < s->unicast ? uni : multi, NULL, s->table[i]);
    }
}

static const char *vlan_mode(const VirtioNet *s)
{
    static const u8 none[VLANS / 8];

    return !virtio_has(&s->v, F_CTRL_VLAN) ? "all"
         : memcmp(s->vlan, none, sizeof none) ? "normal" : "none";
}

Json *virtio_net_rx_filter(Device *d)
{
    VirtioNet *s = (VirtioNet *)d;
    Json *j;

    if (strcmp(d->type->name, "virtio-net-device") != 0) {
        return NULL;
    }
    j = json_object();
    json_add_str(j, "name", card(s)->id);
    json_add_bool(j, "promiscuous", s->rx_mode[PROMISC]);
    json_add_str(j, "multicast", mode_of(s, ALL_MULTI, NO_MULTI));
    json_add_str(j, "unicast", mode_of(s, ALL_UNI, NO_UNI));
    json_add_str(j, "vlan", vlan_mode(s));
    json_add_bool(j, "broadcast-allowed", !s->rx_mode[NO_BROADCAST]);
    json_add_bool(j, "multicast-overflow", s->overflow[1]);
    json_add_bool(j, "unicast-overflow", s->overflow[0]);
    add_mac(j, "main-mac", s->v.config);
    add_tables(j, s);
    s->told = false;
    return j;
}

/* ---- the device --------------------------------------------------------- */

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

static void offer(VirtioNet *s)
{
    bool inside = s->net && netdev_offloads(s->net);
    const struct { bool on; u32 bit; } more[] = {
        { s->csum, F_CSUM },
        { s->mrg_rxbuf, F_MRG_RXBUF },
        { s->guest_csum && inside, F_GUEST_CSUM },
        { s->csum && s->host_tso4 && inside, F_HOST_TSO4 },
        { s->csum && s->host_tso6 && inside, F_HOST_TSO6 },
    };

    for (u32 i = 0; i < countof(more); i++) {
        s->v.features |= more[i].on ? BIT(more[i].bit) : 0;
    }
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
    offer(s);
    s->frame = g_malloc(FRAME_MAX);
    s->front = (NetFront) { s, can_receive, receive, link_changed };
    return !s->net || netdev_attach(s->net, &s->front, err);
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
}

static void stop(void *opaque)
{
    VirtioNet *s = opaque;

    if (s->net && s->front.opaque) {
        netdev_detach(s->net, &s->front);
    }
    g_clear_pointer(&s->frame, g_free);
    virtio_stop(&s->v);
}

static bool loaded(void *opaque)
{
    VirtioNet *s = opaque;

    return s->ntable <= MACS && s->unicast <= s->ntable && virtio_loaded(&s->v);
}

DEVICE(virtio_net) {
    .name  = "virtio-net-device",
    .about = "virtio network card",
    .size  = sizeof(VirtioNet),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(VirtioNet, v), SAVE(VirtioNet, rx_mode),
        SAVE_AS(VirtioNet, table, 1), SAVE(VirtioNet, ntable),
        SAVE(VirtioNet, unicast), SAVE(VirtioNet, overflow),
        SAVE(VirtioNet, vlan), { 0 }
    },
    .props = (const Prop[]) {
        PROP("netdev", PROP_NETDEV, VirtioNet, net, NULL, "id of the network"),
        PROP("mac", PROP_STR, VirtioNet, mac_text, NULL, "hardware address"),
        PROP("csum", PROP_BOOL, VirtioNet, csum, "on", "it computes checksums"),
        PROP("guest_csum", PROP_BOOL, VirtioNet, guest_csum, "on", "the guest need not check them"),
        PROP("host_tso4", PROP_BOOL, VirtioNet, host_tso4, "on", "takes large TCP segments"),
        PROP("host_tso6", PROP_BOOL, VirtioNet, host_tso6, "on", "the same of IPv6"),
        PROP("mrg_rxbuf", PROP_BOOL, VirtioNet, mrg_rxbuf, "on", "frames in several buffers"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};
