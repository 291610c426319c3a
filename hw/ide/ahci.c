/* SPDX-License-Identifier: MIT */
/*
 * SATA: the controller "ich9-ahci" (8086:2922) and its six ports "ahci-port".
 * References: Serial ATA AHCI 1.3.1; Intel ICH9 data sheet (316972), chapter
 * 14; Serial ATA 2.6, 10.3 (frames) and 13.6 (native command queuing).
 *
 * Commands that are not queued run one at a time, in the order of their slots.
 * Left out: port multipliers, power states of links, enclosure management,
 * command completion coalescing, the parallel interface (MAP 0).
 */
#include "hw/ide/drive.h"
#include "hw/pci/pci.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum { PORTS = 6, SLOTS = 32, PORT_AT = 0x100, PORT_BYTES = 0x80,
       HBA_BYTES = 0x1000, HBA_BAR = 5, INDEX_BAR = 4 };
enum { GHC_RESET = 1 << 0, GHC_IE = 1 << 1 };
#define GHC_AE 0x80000000u
/* 64-bit, NCQ, AHCI only, 1.5 Gb/s and 3 Gb/s, 32 slots, 6 ports. */
#define CAP_BITS (1u << 31 | 1u << 30 | 1u << 18 | 2u << 20 | 1u << 24 \
                  | (SLOTS - 1) << 8 | (PORTS - 1))
enum {                          /* PxCMD */
    CMD_ST = 1 << 0, CMD_SUD = 1 << 1, CMD_POD = 1 << 2, CMD_CLO = 1 << 3,
    CMD_FRE = 1 << 4, CMD_FR = 1 << 14, CMD_CR = 1 << 15,
    CMD_ATAPI = 1 << 24, CMD_BITS = CMD_ST | CMD_SUD | CMD_POD | CMD_FRE
                                  | CMD_ATAPI,
    CMD_START = CMD_SUD | CMD_POD,      /* after reset */
};
enum {                          /* PxIS */
    IS_D2H = 1 << 0, IS_PIO = 1 << 1, IS_DMA = 1 << 2, IS_SDB = 1 << 3,
    IS_CONNECT = 1 << 6, IS_FATAL = 1 << 29, IS_TASK = 1 << 30,
};
#define IS_BITS 0xfdc000afu
enum { SIG_DISK = 0x00000101, SIG_LINK_DOWN = -1 };
#define SIG_CD 0xeb140101u
enum { SSTS_UP = 0x123, SERR_INIT = 1 << 26, DET_RESET = 1, DET_OFF = 4 };
/* Where frames go in the received FIS area: AHCI 4.2.1. */
enum { FIS_DMA = 0x00, FIS_PIO = 0x20, FIS_D2H = 0x40, FIS_SDB = 0x58 };
enum { FIS_H2D_TYPE = 0x27, FIS_D2H_TYPE = 0x34, FIS_PIO_TYPE = 0x5f,
       FIS_SDB_TYPE = 0xa1, FIS_INTERRUPT = 1 << 6, FIS_TO_HOST = 1 << 5,
       FIS_COMMAND = 1 << 7, FIS_BYTES = 20 };
/* The command header and table: 4.2.2, 4.2.3. */
enum { HEADER = 32, CFIS_BYTES = 64, ACMD_AT = 0x40, PRDT_AT = 0x80,
       PRD_BYTES = 16, HDR_ATAPI = 1 << 5, HDR_WRITE = 1 << 6,
       HDR_CLEAR_BUSY = 1 << 10 };
enum { NO_SLOT = 0xff };

typedef struct Ahci Ahci;

typedef struct Port {
    IdeBus b;
    Ahci  *s;
    u32    n;
    u32    clb, clbu, fb, fbu, is, ie, cmd, tfd, sig, ssts, sctl, serr, sact,
           ci;
    u8     slot;                /* that the drive works on, or NO_SLOT */
    u32    moved;               /* bytes of its data by PIO, or PRDBC */
    u32    queued;              /* NCQ: tags that the drive works on */
    u64    queued_len[IDE_TAGS];
} Port;

struct Ahci {
    PciDevice pci;
    Port   *port[PORTS];
    u32     ghc, is, index;
};

static u64 pair(u32 low, u32 high)
{
    return low | (u64)high << 32;
}

static IdeDrive *drive(const Port *p)
{
    return p->b.drive[0];
}

/* ---- interrupts and frames ---------------------------------------------- */

static void update(Ahci *s)
{
    bool due = s->is && s->ghc & GHC_IE;

    pci_interrupt(&s->pci, 0, due);
}

/* PxIS.PCS is no bit of its own: it shows that of PxSERR. */
static u32 status_of(const Port *p)
{
    return p->is | (p->serr & SERR_INIT ? IS_CONNECT : 0);
}

static void port_update(Port *p)
{
    if (p->s && status_of(p) & p->ie) {
        p->s->is |= 1u << p->n;
        update(p->s);
    }
}

static void notice(Port *p, u32 what)
{
    p->is |= what;
    port_update(p);
}

static void receive(Port *p, u32 at, const void *fis, u32 len)
{
    if (p->s && p->cmd & CMD_FRE) {
        pci_dma_write(&p->s->pci, pair(p->fb, p->fbu) + at, fis, len);
    }
}

/* The registers as a frame from the device has them. */
static void fill(const IdeDrive *d, u8 *fis, u8 type, u8 flags)
{
    memset(fis, 0, FIS_BYTES);
    fis[0] = type;
    fis[1] = flags;
    fis[2] = d->status;
    fis[3] = d->error;
    fis[4] = d->low[0];
    fis[5] = d->mid[0];
    fis[6] = d->high[0];
    fis[7] = d->device;
    fis[8] = d->low[1];
    fis[9] = d->mid[1];
    fis[10] = d->high[1];
    fis[12] = d->count[0];
    fis[13] = d->count[1];
}

static void take_status(Port *p)
{
    const IdeDrive *d = drive(p);

    p->tfd = d ? d->status | (u32)d->error << 8 : 0x7f;
}

static void send_d2h(Port *p, bool interrupt)
{
    IdeDrive *d = drive(p);
    u8 fis[FIS_BYTES];

    fill(d, fis, FIS_D2H_TYPE, interrupt ? FIS_INTERRUPT : 0);
    receive(p, FIS_D2H, fis, sizeof fis);
    take_status(p);
    if (d->status & ST_ERR) {
        notice(p, IS_TASK | (interrupt ? IS_D2H : 0));
    } else if (interrupt) {
        notice(p, IS_D2H);
    }
}

static void send_pio_setup(Port *p, bool to_host, u32 n)
{
    IdeDrive *d = drive(p);
    u8 fis[FIS_BYTES];

    fill(d, fis, FIS_PIO_TYPE, FIS_INTERRUPT | (to_host ? FIS_TO_HOST : 0));
    fis[15] = ST_IDLE;
    store_le(fis + 16, 2, n);
    receive(p, FIS_PIO, fis, sizeof fis);
}

/* NCQ: the tags that ended, and how. */
static void send_bits(Port *p, u32 done, bool ok)
{
    u8 fis[8] = { FIS_SDB_TYPE, FIS_INTERRUPT,
                  ok ? ST_IDLE : ST_IDLE | ST_ERR, ok ? 0 : ER_ABORT };

    store_le(fis + 4, 4, done);
    receive(p, FIS_SDB, fis, sizeof fis);
    p->tfd = fis[2] | (u32)fis[3] << 8;
    if (ok) {
        p->sact &= ~done;
    }
    notice(p, IS_SDB | (ok ? 0 : IS_TASK));
}

/* ---- command headers ---------------------------------------------------- */

static u64 header_at(const Port *p, u32 slot)
{
    return pair(p->clb & ~0x3ffu, p->clbu) + slot * HEADER;
}

/* The memory of a command, `skip` bytes into it. */
static void read_prdt(Port *p, u32 slot, GArray *sg, u64 skip)
{
    u8 head[HEADER], raw[PRD_BYTES];

    pci_dma_read(&p->s->pci, header_at(p, slot), head, sizeof head);
    u64 at = (load_le(head + 8, 8) & ~0x7full) + PRDT_AT;
    u32 n = (u32)load_le(head + 2, 2);
    for (u32 i = 0; i < n; i++, at += PRD_BYTES) {
        if (!pci_dma_read(&p->s->pci, at, raw, sizeof raw)) {
            return;
        }
        u64 len = (load_le(raw + 12, 4) & 0x3fffff) + 1;
        u64 gone = MIN(skip, len);
        IdeSg piece = { load_le(raw, 8) + gone, len - gone };
        skip -= gone;
        if (piece.len) {
            g_array_append_val(sg, piece);
        }
    }
}

static void set_moved(Port *p, u32 slot, u64 bytes)
{
    u8 le[4];

    store_le(le, 4, bytes);
    pci_dma_write(&p->s->pci, header_at(p, slot) + 4, le, sizeof le);
}

/* ---- what drives say ---------------------------------------------------- */

static void next_command(Port *p);

/* A command ended. */
static void ended(IdeBus *b, IdeDrive *d)
{
    Port *p = (Port *)b;

    if (p->slot == NO_SLOT || d->status & (ST_BUSY | ST_DRQ)) {
        return;
    }
    set_moved(p, p->slot, p->moved);
    if (!(d->status & ST_ERR)) {
        p->ci &= ~(1u << p->slot);
    }
    p->slot = NO_SLOT;
    send_d2h(p, true);
    next_command(p);
}

static void pio(IdeBus *b, IdeDrive *d)
{
    Port *p = (Port *)b;
    u32 n = d->end;
    bool out = ide_is_out(d), in = !out, packet = d->flow == FLOW_PACKET;

    if (p->slot == NO_SLOT) {
        return;
    }
    send_pio_setup(p, in, n);
    if (packet) {
        u8 head[HEADER];
        pci_dma_read(&p->s->pci, header_at(p, p->slot), head, sizeof head);
        pci_dma_read(&p->s->pci, (load_le(head + 8, 8) & ~0x7full) + ACMD_AT,
                     d->data, IDE_PACKET);
    } else {
        g_autoptr(GArray) sg = g_array_new(false, false, sizeof(IdeSg));
        read_prdt(p, p->slot, sg, p->moved);
        ide_copy(d, in, sg, d->data, n);
        p->moved += n;
    }
    ide_moved(d, n);
    if (d->flow == FLOW_IDLE && !(d->status & ST_BUSY) && in
        && p->slot != NO_SLOT) {
        set_moved(p, p->slot, p->moved);    /* the last frame was the setup */
        p->ci &= ~(1u << p->slot);
        p->slot = NO_SLOT;
        take_status(p);
        notice(p, IS_PIO);
        next_command(p);
    }
}

static void dma_ready(IdeBus *b, IdeDrive *d)
{
    Port *p = (Port *)b;
    g_autoptr(GArray) sg = g_array_new(false, false, sizeof(IdeSg));

    if (p->slot != NO_SLOT) {
        read_prdt(p, p->slot, sg, 0);
        p->moved = (u32)d->dma_len;
        ide_dma(d, sg);
    }
}

static void dma_done(IdeBus *b, IdeDrive *d, bool ok)
{
    (void)d;
    if (!ok) {
        ((Port *)b)->moved = 0;
    }
}

static void port_signature(Port *p);

static void attached(IdeBus *b)
{
    port_signature((Port *)b);
}

static const IdeHost sata = {
    .attached = attached, .interrupt = ended, .pio = pio, .dma_ready = dma_ready,
    .dma_done = dma_done,
};

/* ---- native command queuing --------------------------------------------- */

static void queued_done(IdeDrive *d, u32 tag, bool ok)
{
    Port *p = (Port *)d->bus;

    p->queued &= ~(1u << tag);
    if (ok) {
        set_moved(p, tag, p->queued_len[tag]);
    }
    send_bits(p, 1u << tag, ok);
}

/* READ and WRITE FPDMA QUEUED: the count is in the features. */
static void start_queued(Port *p, u32 slot, const u8 *fis)
{
    IdeDrive *d = drive(p);
    bool write = fis[2] == 0x61;
    u64 at = load_le(fis + 4, 3) | load_le(fis + 8, 3) << 24;
    u32 n = fis[3] | (u32)fis[11] << 8, tag = fis[12] >> 3;
    u64 all = ide_sectors(d);
    IdeMove m = { write, at * IDE_SECTOR, 0, queued_done, tag };
    g_autoptr(GArray) sg = g_array_new(false, false, sizeof(IdeSg));

    n = n ? n : 65536;
    m.len = (u64)n * IDE_SECTOR;
    read_prdt(p, slot, sg, 0);
    p->ci &= ~(1u << slot);
    if (tag != slot || p->queued >> tag & 1 || at >= all || n > all - at
        || (write && block_readonly(d->medium.disk))
        || ide_sg_bytes(sg) < m.len) {
        send_bits(p, 0, false);
        return;
    }
    p->queued |= 1u << tag;
    p->queued_len[tag] = m.len;
    ide_transfer(d, &m, sg);
}

/* ---- commands ----------------------------------------------------------- */

static void set_registers(IdeDrive *d, const u8 *fis)
{
    static const struct { u8 at, reg; } order[] = {     /* high order first */
        { 11, REG_FEATURE }, { 3, REG_FEATURE }, { 13, REG_COUNT },
        { 12, REG_COUNT }, { 8, REG_LOW }, { 4, REG_LOW }, { 9, REG_MID },
        { 5, REG_MID }, { 10, REG_HIGH }, { 6, REG_HIGH }, { 7, REG_DEVICE },
    };

    for (u32 i = 0; i < countof(order); i++) {
        ide_write(d, order[i].reg, fis[order[i].at]);
    }
}

/* The control register: a software reset ends with a frame. */
static void control_frame(Port *p, u32 slot, const u8 *fis, u32 flags)
{
    enum { SRST = 1 << 2 };
    IdeDrive *d = drive(p);

    p->ci &= ~(1u << slot);
    if (fis[15] & SRST) {
        d->irq_off = 1;         /* remembers that it is held in reset */
    } else if (d->irq_off) {
        d->irq_off = 0;
        ide_reset(d);
        send_d2h(p, false);
    }
    if (flags & HDR_CLEAR_BUSY) {
        p->tfd &= ~(u32)(ST_BUSY | ST_DRQ);
    }
}

static bool start_slot(Port *p, u32 slot)
{
    IdeDrive *d = drive(p);
    u8 head[HEADER], fis[CFIS_BYTES];
    u32 flags;

    if (!pci_dma_read(&p->s->pci, header_at(p, slot), head, sizeof head)
        || !pci_dma_read(&p->s->pci, load_le(head + 8, 8) & ~0x7full, fis,
                         sizeof fis)) {
        notice(p, IS_FATAL);
        p->cmd &= ~(u32)CMD_CR;
        return false;
    }
    flags = (u32)load_le(head, 4);
    p->moved = 0;
    set_moved(p, slot, 0);
    if (fis[0] != FIS_H2D_TYPE) {
        p->ci &= ~(1u << slot);
    } else if (!(fis[1] & FIS_COMMAND)) {
        control_frame(p, slot, fis, flags);
    } else if ((fis[2] == 0x60 || fis[2] == 0x61) && !d->cd && d->medium.disk) {
        start_queued(p, slot, fis);
    } else {
        set_registers(d, fis);
        p->slot = (u8)slot;
        p->tfd |= ST_BUSY;
        ide_command(d, fis[2]);
    }
    return true;
}

/* Runs what was issued, until one command takes its time. */
static void next_command(Port *p)
{
    while (p->s && drive(p) && p->cmd & CMD_CR && p->ci && p->slot == NO_SLOT
           && !(p->tfd & ST_ERR)) {
        if (!start_slot(p, (u32)__builtin_ctz(p->ci))) {
            return;
        }
    }
}

/* ---- registers of a port ------------------------------------------------ */

static void port_signature(Port *p)
{
    const IdeDrive *d = drive(p);

    p->ssts = d ? SSTS_UP : 0;
    p->sig = !d ? (u32)SIG_LINK_DOWN : d->cd ? SIG_CD : (u32)SIG_DISK;
    take_status(p);
}

static void link_reset(Port *p)
{
    if (drive(p)) {
        ide_reset(drive(p));
        p->serr |= SERR_INIT;
    }
    p->slot = NO_SLOT;
    p->queued = 0;
    p->ci = p->sact = 0;
    port_signature(p);
    if (drive(p)) {
        send_d2h(p, false);
    }
}

static void sctl_wrote(void *opaque, u32 i, u64 old)
{
    Port *p = opaque;
    u32 was = old & 0xf, now = p->sctl & 0xf;

    (void)i;
    if (was == DET_RESET && now == 0) {
        link_reset(p);
        port_update(p);
    } else if (now == DET_RESET || now == DET_OFF) {
        p->ssts = now == DET_OFF ? DET_OFF : 0;
        p->tfd = 0x7f;
    } else if (was == DET_OFF) {
        port_signature(p);
    }
}

static void port_is(void *opaque, u32 i, u64 v)
{
    Port *p = opaque;

    (void)i;
    p->is &= ~(u32)(v & IS_BITS);
    port_update(p);
}

static u64 read_is(void *opaque, u32 i)
{
    (void)i;
    return status_of(opaque);
}

static void ie_wrote(void *opaque, u32 i, u64 old)
{
    (void)i;
    (void)old;
    port_update(opaque);
}

/* Requests that are on their way end before the engine says it stopped. */
static void stop_engine(Port *p)
{
    IdeDrive *d = drive(p);

    if (d && d->in_flight) {
        d->epoch++;
        d->command = 0;
        block_drain(d->medium.disk);
    }
    if (d && (p->slot != NO_SLOT || p->queued)) {
        d->status = ST_IDLE;
        d->flow = FLOW_IDLE;
        take_status(p);
    }
    p->slot = NO_SLOT;
    p->queued = 0;
    p->ci = p->sact = 0;
}

static void cmd_wrote(void *opaque, u32 i, u64 old)
{
    Port *p = opaque;

    (void)i;
    p->cmd &= ~(u32)(CMD_FR | CMD_CR);
    p->cmd |= (p->cmd & CMD_FRE ? CMD_FR : 0) | (p->cmd & CMD_ST ? CMD_CR : 0);
    if (p->cmd & CMD_CLO) {
        p->tfd &= ~(u32)(ST_BUSY | ST_DRQ);
        p->cmd &= ~(u32)CMD_CLO;
    }
    if (old & CMD_ST && !(p->cmd & CMD_ST)) {
        stop_engine(p);
    } else if (!(old & CMD_ST) && p->cmd & CMD_ST) {
        p->tfd &= ~(u32)ST_ERR;
        next_command(p);
    }
    if (p->cmd & ~old & CMD_FRE && drive(p)) {
        send_d2h(p, false);     /* the first frame, of the signature */
    }
}

static u64 read_sact(void *opaque, u32 i)
{
    (void)i;
    return ((Port *)opaque)->sact;
}

static void set_sact(void *opaque, u32 i, u64 v)
{
    Port *p = opaque;

    (void)i;
    if (p->cmd & CMD_ST) {
        p->sact |= (u32)v;
    }
}

static u64 read_ci(void *opaque, u32 i)
{
    (void)i;
    return ((Port *)opaque)->ci;
}

static void set_ci(void *opaque, u32 i, u64 v)
{
    Port *p = opaque;

    (void)i;
    if (p->cmd & CMD_ST) {
        p->ci |= (u32)v;
        block_plug(NULL);
        next_command(p);
        block_unplug(NULL);
    }
}

static const Reg port_regs[] = {
    RW(0x00, "PxCLB",  Port, clb, 0xfffffc00),
    RW(0x04, "PxCLBU", Port, clbu, ~0u),
    RW(0x08, "PxFB",   Port, fb, 0xffffff00),
    RW(0x0c, "PxFBU",  Port, fbu, ~0u),
    RO(0x10, "PxIS",   Port, is, .read = read_is, .write = port_is),
    RW(0x14, "PxIE",   Port, ie, IS_BITS, .wrote = ie_wrote),
    RW(0x18, "PxCMD",  Port, cmd, CMD_BITS | CMD_CLO, .reset = CMD_START, .wrote = cmd_wrote),
    RO(0x20, "PxTFD",  Port, tfd),
    RO(0x24, "PxSIG",  Port, sig),
    RO(0x28, "PxSSTS", Port, ssts),
    RW(0x2c, "PxSCTL", Port, sctl, 0xfff, .wrote = sctl_wrote),
    { .at = 0x30, .width = 4, .name = "PxSERR", MEMBER(Port, serr), .w1c = 0x07ff0f03 },
    RO(0x34, "PxSACT", Port, sact, .read = read_sact, .write = set_sact),
    RO(0x38, "PxCI",   Port, ci, .read = read_ci, .write = set_ci),
    CONST(0x3c, "PxSNTF", 0),
    { 0 }
};

/* ---- ports -------------------------------------------------------------- */

static bool port_start(void *opaque, Err *err)
{
    Port *p = opaque;

    (void)err;
    p->b.host = &sata;
    p->b.units = 1;
    p->slot = NO_SLOT;
    return true;
}

static void port_reset(void *opaque)
{
    Port *p = opaque;

    p->slot = NO_SLOT;
    port_signature(p);
}

static bool port_loaded(void *opaque)
{
    Port *p = opaque;

    p->queued = 0;              /* nothing is on its way when state is saved */
    p->cmd &= CMD_BITS | CMD_FR | CMD_CR;
    return p->slot == NO_SLOT || p->slot < SLOTS;
}

static void port_stop(void *opaque)
{
    Port *p = opaque;

    if (drive(p)) {
        drive(p)->bus = NULL;
    }
    p->b.drive[0] = NULL;
}

DEVICE(ahci_port) {
    .name   = "ahci-port",
    .about  = "port of a SATA controller",
    .size   = sizeof(Port),
    .window = PORT_BYTES,
    .regs   = port_regs,
    .max_access = 4,
    .any_offset = true,
    .state  = (const Field[]) {
        SAVE(Port, slot), SAVE(Port, moved), { 0 }
    },
    .start = port_start, .reset = port_reset, .loaded = port_loaded,
    .stop = port_stop,
};

/* ---- the controller ----------------------------------------------------- */

static u64 port_area_read(void *opaque, u64 at, unsigned size)
{
    const Ahci *s = opaque;
    u64 n = (at - PORT_AT) / PORT_BYTES;

    return n < PORTS && s->port[n]
        ? device_read(s->port[n], at % PORT_BYTES, size) : 0;
}

static void port_area_write(void *opaque, u64 at, unsigned size, u64 v)
{
    const Ahci *s = opaque;
    u64 n = (at - PORT_AT) / PORT_BYTES;

    if (n < PORTS && s->port[n]) {
        device_write(s->port[n], at % PORT_BYTES, size, v);
    }
}

static void reset_ports(Ahci *s)
{
    for (u32 i = 0; i < PORTS; i++) {
        if (s->port[i]) {
            stop_engine(s->port[i]);
            device_reset(&s->port[i]->b.dev);
        }
    }
}

/* GHC.AE reads as one: there is no other mode. */
static void ghc_wrote(void *opaque, u32 i, u64 old)
{
    Ahci *s = opaque;

    (void)i;
    (void)old;
    s->ghc |= GHC_AE;
    if (s->ghc & GHC_RESET) {
        reset_ports(s);
        s->ghc = GHC_AE;
        s->is = 0;
    }
    update(s);
}

/* Ports that still have something to say say it again. */
static void is_wrote(void *opaque, u32 i, u64 old)
{
    Ahci *s = opaque;

    (void)i;
    (void)old;
    for (u32 n = 0; n < PORTS; n++) {
        if (s->port[n] && status_of(s->port[n]) & s->port[n]->ie) {
            s->is |= 1u << n;
        }
    }
    update(s);
}

static const Reg regs[] = {
    CONST(0x00, "CAP", CAP_BITS),
    RW   (0x04, "GHC", Ahci, ghc, GHC_RESET | GHC_IE, .wrote = ghc_wrote, .reset = GHC_AE),
    { .at = 0x08, .width = 4, .name = "IS", MEMBER(Ahci, is), .w1c = ~0u, .wrote = is_wrote },
    CONST(0x0c, "PI", (1 << PORTS) - 1),
    CONST(0x10, "VS", 0x00010000),
    CONST(0x14, "CCC_CTL", 0), CONST(0x18, "CCC_PORTS", 0),
    CONST(0x1c, "EM_LOC", 0), CONST(0x20, "EM_CTL", 0),
    CONST(0x24, "CAP2", 0), CONST(0x28, "BOHC", 0),
    { 0 }
};

/* Index and data, through which BIOSes reach the registers: ICH9, 14.4. */
enum { INDEX = 0x10, DATA = 0x14, INDEX_BITS = HBA_BYTES - 4 };

static u64 index_read(void *opaque, u64 at, unsigned size)
{
    Ahci *s = opaque;

    return size != 4 ? 0 : at == INDEX ? s->index
         : at == DATA ? device_read(s, s->index & INDEX_BITS, 4) : 0;
}

static void index_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Ahci *s = opaque;

    if (size == 4 && at == INDEX) {
        s->index = v & INDEX_BITS;
    } else if (size == 4 && at == DATA) {
        device_write(s, s->index & INDEX_BITS, 4, v);
    }
}

static bool start(void *opaque, Err *err)
{
    enum { CAPS_AT = 0x80, SATA_CAP = 0x12, MAP = 0x90, SATA_MODE = 0x40 };
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x2922, .class = 0x010601, .revision = 2,
        .pin = 1,
    };
    Ahci *s = opaque;
    u32 at;

    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    s->pci.cap_end = CAPS_AT;
    pci_add_msi(&s->pci, 1);
    pci_set(&s->pci, MAP, 1, SATA_MODE);
    s->pci.cap_end = 0xa8;
    at = pci_capability(&s->pci, SATA_CAP, 8);
    pci_set(&s->pci, at + 2, 4, 0x00480010);    /* 1.0; BAR 4, offset 10h */
    pci_bar(&s->pci, INDEX_BAR, (PciBar) {
        .size = 32, .kind = PCI_BAR_IO, .read = index_read,
        .write = index_write,
        .opaque = s,
    });
    pci_bar(&s->pci, HBA_BAR, (PciBar) {
        .size = HBA_BYTES, .read = device_read, .write = device_write,
        .opaque = s,
    });
    for (u32 i = 0; i < PORTS; i++) {
        Device *d = ide_bus_new(&s->pci.dev, "ahci-port", i, err);
        if (!d) {
            return false;
        }
        s->port[i] = (Port *)d;
        s->port[i]->s = s;
        s->port[i]->n = i;
    }
    return true;
}

static void reset(void *opaque)
{
    Ahci *s = opaque;

    pci_reset(&s->pci);
    reset_ports(s);
    update(s);
}

static bool loaded(void *opaque)
{
    Ahci *s = opaque;
    bool ok = pci_loaded(&s->pci);

    s->ghc = (s->ghc & GHC_IE) | GHC_AE;
    return ok;
}

static void stop(void *opaque)
{
    Ahci *s = opaque;

    pci_stop(&s->pci);
    for (u32 i = 0; i < PORTS; i++) {
        if (s->port[i]) {
            s->port[i]->s = NULL;
            ide_bus_drop(&s->pci.dev, &s->port[i]->b.dev);
        }
    }
}

DEVICE(ich9_ahci) {
    .name   = "ich9-ahci",
    .about  = "SATA controller of the ICH9, six ports",
    .size   = sizeof(Ahci),
    .window = HBA_BYTES,
    .bus    = BUS_PCI,
    .user   = true,
    .regs   = regs,
    .max_access = 4,
    .any_offset = true,
    .tail   = PORT_AT,
    .mmio_read = port_area_read, .mmio_write = port_area_write,
    .props  = (const Prop[]) { PCI_PROPS(Ahci, pci), { 0 } },
    .state  = (const Field[]) {
        PCI_FIELDS(Ahci, pci), SAVE(Ahci, index), { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
