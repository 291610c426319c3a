/* SPDX-License-Identifier: MIT */
/* Realtek RTL8139C+: what its files share.  Names are those of the manual. */
#pragma once
#include "hw/net/microwire.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"
#include "softmmu/clock.h"

enum { CR_BUFE = 1 << 0, CR_TE = 1 << 2, CR_RE = 1 << 3, CR_RST = 1 << 4 };
enum {                          /* ISR, IMR */
    INT_ROK = 1 << 0, INT_RER = 1 << 1, INT_TOK = 1 << 2, INT_TER = 1 << 3,
    INT_RXOVW = 1 << 4, INT_LINK = 1 << 5, INT_FOVW = 1 << 6,
    INT_TDU = 1 << 7, INT_SW = 1 << 8, INT_TIMEOUT = 1 << 14,
};
enum {                          /* TSD */
    TSD_SIZE = 0x1fff, TSD_OWN = 1 << 13, TSD_TOK = 1 << 15,
    TSD_GUEST = 0x3f1fff,
};
enum { TCR_LBK = 3 << 17 };
enum { RCR_AAP = 1 << 0, RCR_APM = 1 << 1, RCR_AM = 1 << 2, RCR_AB = 1 << 3,
       RCR_WRAP = 1 << 7 };
enum { CP_TX = 1 << 0, CP_RX = 1 << 1, CP_RX_SUMS = 1 << 5,
       CP_RX_VLAN = 1 << 6 };
enum { TX_SLOTS = 4, DESCRIPTOR = 16, RING_MAX = 64 };

typedef struct Rtl8139 {
    PciDevice pci;
    Nic       nic;
    Microwire eeprom;
    Timer    *timer;
    bool      sending, receiving;   /* DMA reached our own registers */
    u8        width[256];           /* of the register at an offset */

    u32 idr[2], mar[2], tsd[TX_SLOTS], rbstart, tcr, rcr, timer_int, mpc;
    u32 tsad[TX_SLOTS];         /* C+: addresses of two transmit rings */
    u32 dtccr[2], rdsar[2];
    u16 capr, cbr, imr, isr, mulint, bmcr, anar, nwaytr, cpcr;
    u8  cr, cr9346, config[5], msr, etthr;

    i64 timer_start;            /* when TCTR was 0 */
    u32 next_tx[2], next_rx;    /* descriptors; [1]: of high priority */
    u64 tx_ok, rx_ok, rx_broadcasts;
    u32 rx_multicasts;
    u16 missed;

    u8  gathered[VLAN_TAG + FRAME_LARGE];       /* a packet being sent */
    u8  segment[VLAN_TAG + FRAME_LARGE];
    u8  taken[FRAME_LARGE + CRC_BYTES];         /* one being received */
} Rtl8139;

void rtl8139_cause(Rtl8139 *s, u32 what);
bool rtl8139_can_receive(void *opaque);
void rtl8139_receive(void *opaque, const u8 *frame, size_t len);
/* Is there nothing in the receive buffer of C mode? */
bool rtl8139_empty(const Rtl8139 *s);
/* Sends what slot n of C mode describes, or a ring of C+ mode. */
void rtl8139_send_slot(Rtl8139 *s, u32 n);
void rtl8139_send_ring(Rtl8139 *s, bool high);
