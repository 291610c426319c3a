/* SPDX-License-Identifier: MIT */
/*
 * What network cards share: the network they are plugged into, the address,
 * and sums over frames.
 */
#pragma once
#include "hw/core/device.h"
#include "net/net.h"

enum {
    MAC_BYTES = 6, ETHERNET = 14, VLAN_TAG = 4, CRC_BYTES = 4,
    FRAME_MIN = 60,             /* without the CRC: what is shorter is padded */
    FRAME_MAX = 1514,           /* the same, without a VLAN tag */
    FRAME_LARGE = 65536 + ETHERNET + VLAN_TAG,  /* what networks may give */
};

typedef struct Nic {
    Netdev  *net;               /* NULL: no cable */
    NetFront front;
    char    *mac_text;
    u8       mac[MAC_BYTES];
} Nic;

#define NIC_PROPS(T, m)                                                     \
    PROP("netdev", PROP_NETDEV, T, m.net, NULL, "id of the network"),       \
    PROP("mac", PROP_STR, T, m.mac_text, NULL, "hardware address")

/* Settles the address and plugs the card in; the hooks are those of front. */
bool nic_start(Nic *n, Device *d, NetFront front, Err *err);
void nic_stop(Nic *n);                  /* also if it was not started */
void nic_send(Nic *n, const u8 *frame, size_t len);
void nic_accept(Nic *n);                /* there is room to receive again */
bool nic_offloads(const Nic *n);        /* see netdev_offloads() */

bool mac_is_broadcast(const u8 *mac);
/* The CRC that ends a frame: IEEE 802.3, 3.2.9; lowest byte first. */
u32  frame_crc(const u8 *p, size_t n);
/* The first 6 bits of an address's CRC as it is sent: a bit of a filter. */
u32  mac_hash(const u8 *mac);
/* RFC 1071: the 16-bit one's complement sum of n bytes, added to `sum`. */
u32  inet_sum(u64 sum, const u8 *p, size_t n);
/*
 * Puts the sums that IPv4 at `ip` needs: of its header, and of the TCP or UDP
 * datagram in it; len bytes are there.  What is no such packet stays as it is.
 */
void inet_put_sums(u8 *ip, size_t len, bool head, bool tcp, bool udp);
/*
 * Cuts a frame that has one large TCP segment (IPv4 at `ip`, maybe behind a
 * VLAN tag) into such of mss bytes, with all sums, and gives them to send();
 * `room` holds a frame.  False: it is no such frame.
 */
typedef struct Cut {
    const u8 *frame;
    u32  len, ip, mss;
    u8  *room;
    void (*send)(void *opaque, u8 *frame, u32 len);
    void *opaque;
} Cut;
bool inet_cut(const Cut *c);
