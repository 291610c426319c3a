/* SPDX-License-Identifier: MIT */
/*
 * Private to hw/nvme: the controller "nvme" and namespaces "nvme-ns".
 * Reference: NVM Express Base Specification 1.4; numbers of sections and
 * figures are its.
 *
 * A command is taken from a submission queue only if its completion queue has
 * a free entry, which is then reserved for it; so a completion always fits.
 * Asynchronous event requests give theirs back while they wait.
 */
#pragma once
#include <glib.h>
#include "block/block.h"
#include "hw/pci/pci.h"

enum {
    NVME_QUEUES = 65,           /* pairs, the admin queue's included */
    NVME_NAMESPACES = 256, NVME_EVENTS = 4, NVME_ERRORS = 4,
    NVME_COMMAND = 64, NVME_COMPLETION = 16, NVME_PAGE = 4096,
    NVME_MQES = 2048,           /* most entries of a queue */
    NVME_FEATURES = 16,
};

/* Status: code type << 8 | code; figures 126 to 130. */
enum {
    NVME_OK = 0x000, NVME_OPCODE = 0x001, NVME_FIELD = 0x002,
    NVME_TRANSFER = 0x004, NVME_ABORTED = 0x007, NVME_NSID = 0x00b,
    NVME_SEQUENCE = 0x00c, NVME_SGL_SEGMENT = 0x00d, NVME_SGL_COUNT = 0x00e,
    NVME_SGL_LENGTH = 0x00f, NVME_SGL_TYPE = 0x011, NVME_PRP_OFFSET = 0x013,
    NVME_PROTECTED = 0x020, NVME_LBA_RANGE = 0x080,
    NVME_CQ_INVALID = 0x100, NVME_QID = 0x101, NVME_QUEUE_SIZE = 0x102,
    NVME_EVENT_LIMIT = 0x105, NVME_VECTOR = 0x108, NVME_LOG_PAGE = 0x109,
    NVME_QUEUE_DELETION = 0x10c, NVME_NOT_SAVEABLE = 0x10d,
    NVME_NOT_CHANGEABLE = 0x10e,
    NVME_WRITE_FAULT = 0x280, NVME_READ_ERROR = 0x281, NVME_COMPARE = 0x285,
    NVME_LATER = 0xffff,        /* none yet: nvme_complete() follows */
};

/* The namespace that stands for all. */
#define NVME_ALL 0xffffffffu

typedef struct Nvme Nvme;

typedef struct NvmeSq {
    u64 base;
    u32 size, head, tail, cqid; /* size 0: it is not there */
} NvmeSq;

typedef struct NvmeCq {
    u64 base;
    u32 size, head, tail;       /* size 0: it is not there */
    u32 phase, irq_on, vector;
} NvmeCq;

typedef struct NvmeNs {
    Nvme  *ctrl;
    Block *disk;
    u32    nsid;                /* from 1 */
    u32    shift;               /* log2 of a block's bytes */
    u8     eui64[8], nguid[16], uuid[16];   /* zeros: none */
} NvmeNs;

/* A stretch of guest memory, or of a bit bucket (pa ~0). */
typedef struct NvmePiece {
    u64 pa, len;
    u8 *host;
} NvmePiece;

typedef struct NvmeRequest {
    Nvme   *s;
    NvmeNs *ns;                 /* NULL: of the controller */
    u32     sq, epoch;
    u8      cmd[NVME_COMMAND];
    u32     result;             /* dword 0 of the completion */
    u32     left;               /* parts in flight */
    u16     status;             /* the first error of them */
    GArray *piece;              /* NvmePiece; NULL: no data */
    u8     *buffer;             /* what the command needs, or bit buckets */
    u64     len;                /* bytes of data */
} NvmeRequest;

/* What went wrong, for the log of errors: figure 193. */
typedef struct NvmeError {
    u64 count, lba;
    u32 nsid;
    u16 sq, cid, status, at;
} NvmeError;

struct Nvme {
    PciDevice pci;
    /* Properties. */
    Block *disk;
    char  *serial;
    u32    pairs, vectors, mdts, block;

    NvmeNs  own;                /* of drive= */
    NvmeNs *ns[NVME_NAMESPACES];    /* by nsid - 1; NULL: none */
    /* Registers. */
    u32     mask, cc, csts, aqa;
    u64     asq, acq;
    /* State. */
    NvmeSq  sq[NVME_QUEUES];
    NvmeCq  cq[NVME_QUEUES];
    u32     feature[NVME_FEATURES];
    u32     coalesce_off[NVME_QUEUES];  /* of interrupt vectors */
    u32     threshold_low;
    u64     timestamp, timestamp_at;    /* ms as set, ns when */
    u32     waiting[NVME_EVENTS];       /* ids of waiting event requests */
    u32     waits;
    u32     event[8], masked;   /* by type: due; bits: until a log is read */
    NvmeError error[NVME_ERRORS];       /* the newest at errors, modulo */
    u64     errors, reads, writes, read_bytes, written_bytes;
    /* Not saved: nothing is in flight then. */
    u32     reserved[NVME_QUEUES];      /* entries of completion queues */
    u32     epoch;              /* of the last controller reset */
    u32     flushing;           /* disks, for a shutdown */
};

static inline u32 nvme_dword(const NvmeRequest *r, u32 n)
{
    return (u32)load_le(r->cmd + 4 * n, 4);
}

/* ---- nvme.c ------------------------------------------------------------- */
/* Ends a command: posts its completion and frees it. */
void nvme_complete(NvmeRequest *r, u16 status);
/* Posts a completion of admin queue's command `cid`; needs a free entry. */
void nvme_post(Nvme *s, u32 sq, u32 cid, u16 status, u32 result);
bool nvme_room(const Nvme *s, u32 cqid);
/* Waits until no disk of it is at work. */
void nvme_drain(Nvme *s);
/* The level of the pin follows. */
void nvme_update_irq(Nvme *s);
/* Takes up work that waited for room in completion queues. */
void nvme_run_waiting(Nvme *s);

/* ---- namespace.c -------------------------------------------------------- */
/* Adds ns, which has its disk, at its nsid (0: the first free one). */
bool nvme_attach(Nvme *s, NvmeNs *ns, u32 block, Err *err);
void nvme_detach(NvmeNs *ns);
u64  nvme_blocks(const NvmeNs *ns);
/* The namespace of a command; else its status tells what is wrong. */
u16  nvme_find(Nvme *s, u32 nsid, NvmeNs **ns);

/* ---- data.c ------------------------------------------------------------- */
/* Finds the command's data of len bytes; in: it goes to the guest. */
u16  nvme_map(NvmeRequest *r, u64 len, bool in);
void nvme_wrote(NvmeRequest *r);        /* the data in guest memory changed */
/* Copies to and from the command's data; they map it. */
u16  nvme_give(NvmeRequest *r, const void *p, u64 len);
u16  nvme_take(NvmeRequest *r, void *p, u64 len);

/* ---- the commands ------------------------------------------------------- */
u16  nvme_io(NvmeRequest *r);
u16  nvme_admin(NvmeRequest *r);
u16  nvme_identify(NvmeRequest *r);
u16  nvme_get_feature(NvmeRequest *r);
u16  nvme_set_feature(NvmeRequest *r);
void nvme_reset_features(Nvme *s);
bool nvme_write_cache(const Nvme *s);
/* Commands that a log page tells of, with their effects. */
void nvme_admin_effects(u8 *page);
void nvme_io_effects(u8 *page);

/* ---- events.c ----------------------------------------------------------- */
enum { NVME_EVENT_ERROR = 0, NVME_EVENT_SMART = 1, NVME_EVENT_NOTICE = 2 };
enum { NVME_TEMPERATURE = 303, NVME_WARM = 343, NVME_HOT = 373 };   /* kelvin */
/* Says that something happened: figure 145 and on. */
void nvme_event(Nvme *s, u32 type, u32 info, u32 log);
void nvme_send_events(Nvme *s);
u16  nvme_await_event(NvmeRequest *r);
/* Ends the waiting request with this id as aborted; false: there is none. */
bool nvme_abort_event(Nvme *s, u32 cid);
void nvme_note_error(NvmeRequest *r, u16 status);
u16  nvme_get_log(NvmeRequest *r);
/* Compares the temperature with its thresholds. */
void nvme_check_temperature(Nvme *s);
