/* SPDX-License-Identifier: MIT */
/* AMD Am79C970A: what its files share.  Names are those of the data sheet. */
#pragma once
#include "hw/net/nic.h"
#include "hw/pci/pci.h"

enum { PCNET_CSRS = 128, PCNET_BCRS = 32, PCNET_APROM = 16 };
/* Registers that the files of the card name; pairs hold an address. */
enum {
    CSR_STATUS = 0, CSR_IADR = 1, CSR_MASK = 3, CSR_FEATURES = 4,
    CSR_EXTENDED = 5, CSR_LADRF = 8, CSR_PADR = 12, CSR_MODE = 15,
    CSR_BADR = 24, CSR_BADX = 30, CSR_STYLE = 58, CSR_RCVRC = 72,
    CSR_XMTRC = 74, CSR_RCVRL = 76, CSR_XMTRL = 78, CSR_CHIP = 88,
    CSR_MISSED = 112,
};
enum {                          /* CSR0 */
    CSR0_INIT = 1 << 0, CSR0_STRT = 1 << 1, CSR0_STOP = 1 << 2,
    CSR0_TDMD = 1 << 3, CSR0_TXON = 1 << 4, CSR0_RXON = 1 << 5,
    CSR0_IENA = 1 << 6, CSR0_INTR = 1 << 7, CSR0_IDON = 1 << 8,
    CSR0_TINT = 1 << 9, CSR0_RINT = 1 << 10, CSR0_MERR = 1 << 11,
    CSR0_MISS = 1 << 12, CSR0_CERR = 1 << 13, CSR0_BABL = 1 << 14,
    CSR0_ERR = 1 << 15,
};
enum { CSR3_DXSUFLO = 1 << 6 };
enum {                          /* CSR4: causes, each masked by the bit below */
    CSR4_JAB = 1 << 1, CSR4_TXSTRT = 1 << 3, CSR4_RCVCCO = 1 << 5,
    CSR4_UINT = 1 << 6, CSR4_UINTCMD = 1 << 7, CSR4_MFCO = 1 << 9,
    CSR4_ASTRP_RCV = 1 << 10, CSR4_APAD_XMT = 1 << 11,
};
enum { CSR5_SPND = 1 << 0, CSR5_LTINTEN = 1 << 14, CSR5_TOKINTD = 1 << 15 };
enum {                          /* CSR15 */
    MODE_DRX = 1 << 0, MODE_DTX = 1 << 1, MODE_LOOP = 1 << 2,
    MODE_DXMTFCS = 1 << 3, MODE_DRCVPA = 1 << 13, MODE_DRCVBC = 1 << 14,
    MODE_PROM = 1 << 15,
};
enum { STYLE_LANCE, STYLE_ILACC, STYLE_PCI, STYLE_BURST };     /* BCR20 */

typedef struct Pcnet {
    PciDevice pci;
    Nic       nic;
    u16       csr[PCNET_CSRS], bcr[PCNET_BCRS];
    u8        rap;
    u8        aprom[PCNET_APROM];
    bool      sending, receiving;   /* DMA reached our own registers */
    u8        frame[4096 + CRC_BYTES];
} Pcnet;

/* The structures in memory that BCR20 chooses. */
u32  pcnet_style(const Pcnet *s);
static inline u32 pcnet_pair(const Pcnet *s, u32 csr)
{
    return s->csr[csr] | (u32)s->csr[csr + 1] << 16;
}

/* Sets CSR0's causes; the interrupt follows. */
void pcnet_cause(Pcnet *s, u32 what);
/* Takes the initialization block. */
void pcnet_init_block(Pcnet *s);
/* Sends what descriptors hold. */
void pcnet_transmit(Pcnet *s);
bool pcnet_can_receive(void *opaque);
void pcnet_receive(void *opaque, const u8 *frame, size_t len);
