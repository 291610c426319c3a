/* SPDX-License-Identifier: MIT */
/*
 * Private to hw/ide: a drive, what it is attached to, and how data moves.
 *
 * A drive has the registers of ATA's command block.  A host, a parallel bus or
 * a SATA port, gives it commands and moves its data: phases of PIO through
 * ide_data(), DMA by handing over a list of guest memory.
 */
#pragma once
#include <glib.h>
#include "hw/scsi/scsi.h"

enum { IDE_SECTOR = 512, IDE_CD_SECTOR = 2048, IDE_DATA = 65536,
       IDE_PACKET = 12, IDE_TAGS = 32 };
enum {                          /* status */
    ST_ERR = 1 << 0, ST_DRQ = 1 << 3, ST_SEEK = 1 << 4, ST_FAULT = 1 << 5,
    ST_READY = 1 << 6, ST_BUSY = 1 << 7, ST_IDLE = ST_READY | ST_SEEK,
};
enum {                          /* error */
    ER_ABORT = 1 << 2, ER_NOT_FOUND = 1 << 4, ER_DATA = 1 << 6,
};
enum { DEV_UNIT = 1 << 4, DEV_LBA = 1 << 6 };
/* Registers of the command block, by offset. */
enum {
    REG_DATA, REG_FEATURE, REG_COUNT, REG_LOW, REG_MID, REG_HIGH, REG_DEVICE,
    REG_COMMAND, IDE_REGS, REG_ERROR = REG_FEATURE, REG_STATUS = REG_COMMAND,
};

typedef struct IdeDrive IdeDrive;
typedef struct IdeBus   IdeBus;

/* A piece of guest memory. */
typedef struct IdeSg {
    u64 pa, len;
} IdeSg;

/* What a drive tells its host. */
typedef struct IdeHost {
    /* It is there, and what it says of itself may be new; or NULL. */
    void (*attached)(IdeBus *b);
    /* INTRQ: a command ended, or data is wanted. */
    void (*interrupt)(IdeBus *b, IdeDrive *d);
    /* A phase of PIO begins; NULL: the guest moves the data itself. */
    void (*pio)(IdeBus *b, IdeDrive *d);
    /* It waits for ide_dma(), now or when the guest starts the engine. */
    void (*dma_ready)(IdeBus *b, IdeDrive *d);
    void (*dma_done)(IdeBus *b, IdeDrive *d, bool ok);
} IdeHost;

/* What drives sit on; the beginning of "ide-bus" and "ahci-port". */
struct IdeBus {
    Device    dev;
    const IdeHost *host;
    IdeDrive *drive[2];
    u32       units;            /* places: 1 or 2 */
};

/* What comes when the guest has moved the data of a phase, or DMA ended. */
typedef enum IdeFlow {
    FLOW_IDLE,
    FLOW_READ, FLOW_WRITE,      /* sectors by PIO */
    FLOW_IN, FLOW_OUT,          /* the buffer; then the command is done */
    FLOW_PACKET,                /* a packet comes */
    FLOW_REPLY,                 /* parts of a packet command's answer */
    FLOW_DMA, FLOWS
} IdeFlow;

/* What DMA moves. */
typedef enum IdeDma {
    DMA_READ, DMA_WRITE,        /* the disk */
    DMA_IN, DMA_OUT,            /* the buffer */
    DMAS
} IdeDma;

struct IdeDrive {
    Device  dev;
    IdeBus *bus;
    u32     unit;
    Medium  medium;             /* properties */
    ScsiUnit scsi;              /* of a CD drive */
    char   *bus_name, *serial, *model;
    u32     unit_wanted, rotation;
    bool    cd;

    /* Index 1: what was in the register before (the high order byte). */
    u8      feature[2], count[2], low[2], mid[2], high[2];
    u8      device, status, error, command;
    u8      irq_off;            /* nIEN of the host */
    u8      flow, dma_kind, dma_mode, pio_mode, multiple, write_cache,
            look_ahead, smart;
    u8      heads, sectors;     /* CHS translation */
    u8      is_write;           /* of the packet command: data comes out */
    u32     pos, end;           /* of the phase in data */
    u32     reply_end;          /* FLOW_REPLY: bytes in data */
    u64     at;                 /* next sector */
    u32     left, block;        /* sectors; at most so many in a phase */
    u64     dma_at, dma_len;    /* bytes */
    u8      packet[IDE_PACKET];
    u8      data[IDE_DATA];

    u32     epoch;              /* grows with a reset: old requests die */
    u32     in_flight;
};

/* ---- drive.c: commands -------------------------------------------------- */
/* The command block; `hob` reads the high order bytes. */
u8   ide_read(IdeDrive *d, u32 reg, bool hob);
void ide_write(IdeDrive *d, u32 reg, u8 v);
void ide_command(IdeDrive *d, u8 command);
/* After a reset of the bus: its registers say what it is. */
void ide_signature(IdeDrive *d);
void ide_reset(IdeDrive *d);            /* and lets go of all requests */
/* The guest (or host) moved n bytes of the phase, to or from d->data. */
void ide_moved(IdeDrive *d, u32 n);
static inline bool ide_is_out(const IdeDrive *d)
{
    return d->flow == FLOW_WRITE || d->flow == FLOW_OUT
        || d->flow == FLOW_PACKET;
}
/* Runs the DMA that it waits for, over the pieces of memory (IdeSg). */
void ide_dma(IdeDrive *d, const GArray *sg);
u64  ide_sectors(const IdeDrive *d);

/* For atapi.c and drive.c: how commands end and go on. */
void ide_ok(IdeDrive *d);
void ide_fail(IdeDrive *d, u8 error);
void ide_begin(IdeDrive *d, IdeFlow flow, u32 n, bool tell);
void ide_begin_dma(IdeDrive *d, IdeDma kind, u64 at, u64 len);

/* ---- atapi.c: packet commands ------------------------------------------- */
void atapi_packet(IdeDrive *d);         /* d->packet came */
void atapi_go_on(IdeDrive *d);          /* a part of the reply was taken */
void atapi_dma_done(IdeDrive *d, bool ok);
void atapi_changed(IdeDrive *d);        /* the medium */

/* ---- identify.c --------------------------------------------------------- */
/* Fills in 512 bytes: IDENTIFY DEVICE or IDENTIFY PACKET DEVICE. */
void ide_identify(const IdeDrive *d, u8 *out);
void ide_smart_data(u8 *out);           /* SMART READ DATA */
void ide_smart_thresholds(u8 *out);

/* ---- dma.c -------------------------------------------------------------- */
typedef void IdeDone(IdeDrive *d, u32 tag, bool ok);
typedef struct IdeMove {
    bool     write;             /* the disk */
    u64      at, len;           /* bytes of it */
    IdeDone *done;
    u32      tag;
} IdeMove;
/* Moves bytes of the disk to or from guest memory, pieces of IdeSg. */
void ide_transfer(IdeDrive *d, const IdeMove *m, const GArray *sg);
/* The same to or from memory of ours that lives on. */
void ide_transfer_data(IdeDrive *d, bool write, u64 at, void *data, u64 len,
                       IdeDone *done);
void ide_flush(IdeDrive *d, IdeDone *done);
/* Copies between the buffer and guest memory; false: there is not enough. */
bool ide_copy(IdeDrive *d, bool in, const GArray *sg, void *data, u64 len);
u64  ide_sg_bytes(const GArray *sg);

/* ---- bus.c -------------------------------------------------------------- */
/*
 * Makes the nth bus of a controller, "ide.0" and on if that has no id of its
 * own; the machine's list owns it, if there is one, else the controller, which
 * drops it when it stops.
 */
Device *ide_bus_new(Device *controller, const char *type, u32 n, Err *err);
void ide_bus_drop(Device *controller, Device *bus);     /* NULL is fine */
void ide_bus_connect(Device *bus, void (*irq)(void *opaque, int n, bool level),
                     void *opaque, int n);
/* Ports: the command block at base, the control register. */
void ide_bus_map(Device *bus, MemSpace *io, u64 base, u64 control);
/* The bus-master engine of a parallel bus, or NULL. */
typedef struct IdeEngine {
    void (*ready)(void *opaque, IdeDrive *d);
    void (*done)(void *opaque, bool ok);
    void *opaque;
} IdeEngine;
void ide_bus_set_engine(Device *bus, const IdeEngine *e);
/* The drive that the bus's engine serves and that waits for it, or NULL. */
IdeDrive *ide_bus_waiting(Device *bus);
