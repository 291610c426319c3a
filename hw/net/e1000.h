/* SPDX-License-Identifier: MIT */
/*
 * Intel 82540EM and 82574L: what their files share.  Names are those of the
 * manuals.
 */
#pragma once
#include "hw/net/microwire.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"
#include "softmmu/clock.h"

enum { CTRL_FD = 1 << 0, CTRL_SLU = 1 << 6, CTRL_SPEED = 3 << 8,
       CTRL_RST = 1 << 26, CTRL_VME = 1 << 30 };
#define CTRL_PHY_RST (1u << 31)
enum {                          /* ICR, ICS, IMS, IMC: 13.4.17 */
    INT_TXDW = 1 << 0, INT_TXQE = 1 << 1, INT_LSC = 1 << 2,
    INT_RXDMT0 = 1 << 4, INT_RXO = 1 << 6, INT_RXT0 = 1 << 7,
    INT_MDAC = 1 << 9, INT_ALL = 0x1ffff,
    /* Of the 82574, by which a message is chosen: 10.2.4.1. */
    INT_RXQ0 = 1 << 20, INT_RXQ1 = 1 << 21, INT_TXQ0 = 1 << 22,
    INT_TXQ1 = 1 << 23, INT_OTHER = 1 << 24, INT_ALL_82574 = 0x1ffffff,
};
enum { CTRL_EXT_EIAME = 1 << 24, CTRL_EXT_IAME = 1 << 27 };
enum { RFCTL_EXTEN = 1 << 15, EITRS = 5, PHY_PAGE = 22 };
enum {                          /* RCTL: 13.4.22 */
    RCTL_EN = 1 << 1, RCTL_SBP = 1 << 2, RCTL_UPE = 1 << 3,
    RCTL_MPE = 1 << 4, RCTL_LPE = 1 << 5, RCTL_LBM = 3 << 6,
    RCTL_BAM = 1 << 15, RCTL_VFE = 1 << 18, RCTL_BSEX = 1 << 25,
    RCTL_SECRC = 1 << 26,
};
enum { TCTL_EN = 1 << 1, TCTL_PSP = 1 << 3 };
enum { RXCSUM_IPOFLD = 1 << 8, RXCSUM_TUOFLD = 1 << 9 };
#define RAH_AV (1u << 31)
/* Statistics: offsets from 4000, divided by 4; 13.7. */
enum {
    ST_MPC = 0x10 / 4, ST_PRC = 0x5c / 4, ST_GPRC = 0x74 / 4,
    ST_BPRC = 0x78 / 4, ST_MPRC = 0x7c / 4, ST_GPTC = 0x80 / 4,
    ST_GORC = 0x88 / 4, ST_GOTC = 0x90 / 4, ST_RNBC = 0xa0 / 4,
    ST_RUC = 0xa4 / 4, ST_ROC = 0xac / 4, ST_TOR = 0xc0 / 4,
    ST_TOT = 0xc8 / 4, ST_TPR = 0xd0 / 4, ST_TPT = 0xd4 / 4,
    ST_PTC = 0xd8 / 4, ST_MPTC = 0xf0 / 4, ST_BPTC = 0xf4 / 4,
    ST_TSCTC = 0xf8 / 4, STATS = 64,
};
enum { PHY_REGS = 32, DESCRIPTOR = 16, HEADER_MAX = 255 };

typedef struct Ring {
    u32 bal, bah, len, h, t;
} Ring;

/* What a context descriptor sets: 3.3.6. */
typedef struct Context {
    u8  ipcss, ipcso, tucss, tucso, tucmd, hdrlen;
    u16 ipcse, tucse, mss;
} Context;

typedef struct E1000 {
    PciDevice pci;
    Nic       nic;
    Microwire eeprom;
    Timer    *timer;
    bool      sending, receiving;   /* DMA reached our own registers */

    u32 ctrl, eecd, eerd, ctrl_ext, mdic, fcal, fcah, fct, vet;
    u32 icr, itr, ims, rctl, fcttv, txcw, rxcw, tctl, tipg, ait, ledctl, pba;
    u32 fcrtl, fcrth, rdtr, rxdctl, radv, tidv, txdctl, tadv, tspmt, rxcsum;
    u32 fifo_rx[5], fifo_tx[5];
    u32 wuc, wufc, wus, ipav, manc;
    u32 stats[STATS], mta[128], ra[32], vfta[128];
    Ring rx, tx;

    /* Of the 82574 alone. */
    bool gen2;                  /* it is one */
    u32 eiac, iam, ivar, eitr[EITRS], rfctl, psrctl, mrqc, extcnf, swsm, gcr,
        gcr2, tarc, manc2h, pbaclr, sent, timinca, systimh;
    u64 systim;                 /* what the clock showed at ... */
    i64 systim_at;              /* ... this virtual time; ns */

    u16 phy[PHY_REGS];
    u32 io_address;

    /* When delayed causes are due, and the next interrupt may come; ns. */
    i64 rx_due, rx_limit, tx_due, tx_limit, quiet;
    bool more;                  /* of the transmit ring, from the timer */
    bool asserted;              /* the interrupt */

    Context checks, segments;   /* of descriptors without and with TSE */
    /* The packet that descriptors were taken of so far. */
    u8  gathered[VLAN_TAG + HEADER_MAX + FRAME_LARGE];
    u8  header[HEADER_MAX];     /* of all its segments, as it came */
    u32 held;                   /* bytes of it, behind room for a VLAN tag */
    u8  popts, tse;             /* of its first data descriptor */
    u32 cut;                    /* segments that were sent of it */
    u32 passed;                 /* payload bytes in them */
    u8  taken[FRAME_LARGE + CRC_BYTES];         /* a frame being received */
} E1000;

/* A cause of interrupts; delayed ones come by e1000_later(). */
void e1000_cause(E1000 *s, u32 what);
/* RXT0 or TXDW in `delay` units of 1.024 us, at most `limit` (0: none). */
void e1000_later(E1000 *s, u32 what, u32 delay, u32 limit);
/* Runs what the timer is for, and sets it again. */
void e1000_tick(void *opaque);
void e1000_count(E1000 *s, u32 stat, u64 n);        /* a 32-bit counter */
void e1000_count64(E1000 *s, u32 stat, u64 n);      /* a pair of them */
/* Counters of packets by size, and how many of all, good, broad-, multicast. */
void e1000_count_sizes(E1000 *s, u32 first, u64 n);
bool e1000_loops(const E1000 *s);       /* what is sent comes back */

/* The registers by two ports. */
u64  e1000_io_read(void *opaque, u64 at, unsigned size);
void e1000_io_write(void *opaque, u64 at, unsigned size, u64 v);

/* ---- e1000e.c: what the 82574 has besides ------------------------------- */
/* The causes of queues and of "other" that come with a cause. */
u32  e1000e_causes(u32 what);
/* Sends the messages of MSI-X that are due. */
void e1000e_messages(E1000 *s);
void e1000e_reset(E1000 *s);
u64  e1000e_read_icr(E1000 *s);
u64  e1000e_read_swsm(void *opaque, u32 index);
void e1000e_write_eerd(void *opaque, u32 index, u64 v);
u64  e1000e_read_systim(void *opaque, u32 index);
u64  e1000e_read_systimh(void *opaque, u32 index);
void e1000e_write_systim(void *opaque, u32 index, u64 v);
void e1000e_write_systimh(void *opaque, u32 index, u64 v);
void e1000e_write_timinca(void *opaque, u32 index, u64 v);
void e1000e_add(E1000 *s);              /* BARs and capabilities */

/* A descriptor's place; false: the ring is not usable. */
bool e1000_ring_at(const Ring *r, u32 index, u64 *at);
u32  e1000_ring_size(const Ring *r);    /* in descriptors */

bool e1000_can_receive(void *opaque);
void e1000_receive(void *opaque, const u8 *frame, size_t len);
/* Sends what is in the ring; goes on from the timer if that is very much. */
void e1000_transmit(E1000 *s);
