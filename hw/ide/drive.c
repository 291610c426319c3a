/* SPDX-License-Identifier: MIT */
/*
 * ATA disks "ide-hd" and CD drives "ide-cd": the command block, PIO and DMA.
 * References: ATA/ATAPI-6 (T13/1410D), chapters 7 to 9; ACS-3 (T13/2161-D),
 * chapter 7.  Packet commands are in atapi.c.
 *
 * Left out: security, host protected area, device configuration overlay,
 * streaming, power states that take time, logs.
 */
#include "hw/ide/drive.h"

enum { HEADS = 16, SECTORS = 63, MULTIPLE_MAX = 16, TRIM_MAX = 8,
       UDMA5 = 0x45 };
enum { LBA28_LIMIT = 1 << 28 };

u64 ide_sectors(const IdeDrive *d)
{
    const Block *b = medium_disk(&d->medium);

    return b ? block_size(b) / IDE_SECTOR : 0;
}

/* ---- how commands go on and end ----------------------------------------- */

static const IdeHost *host(const IdeDrive *d)
{
    return d->bus ? d->bus->host : NULL;
}

static void interrupt(IdeDrive *d)
{
    if (host(d)) {
        host(d)->interrupt(d->bus, d);
    }
}

void ide_ok(IdeDrive *d)
{
    d->status = ST_IDLE;
    d->error = 0;
    d->flow = FLOW_IDLE;
    interrupt(d);
}

void ide_fail(IdeDrive *d, u8 error)
{
    d->status = ST_IDLE | ST_ERR;
    d->error = error;
    d->flow = FLOW_IDLE;
    interrupt(d);
}

void ide_begin(IdeDrive *d, IdeFlow flow, u32 n, bool tell)
{
    d->flow = (u8)flow;
    d->pos = 0;
    d->end = n;
    d->status = ST_IDLE | ST_DRQ;
    d->error = 0;
    if (host(d) && host(d)->pio) {
        host(d)->pio(d->bus, d);
    } else if (tell) {
        interrupt(d);
    }
}

void ide_begin_dma(IdeDrive *d, IdeDma kind, u64 at, u64 len)
{
    d->flow = FLOW_DMA;
    d->dma_kind = (u8)kind;
    d->dma_at = at;
    d->dma_len = len;
    d->status = ST_IDLE | ST_DRQ;
    d->error = 0;
    if (host(d)) {
        host(d)->dma_ready(d->bus, d);
    }
}

static void busy(IdeDrive *d)
{
    d->status = ST_BUSY;
    d->flow = FLOW_IDLE;
}

/* ---- sectors by PIO ----------------------------------------------------- */

static u32 phase_sectors(const IdeDrive *d)
{
    return MIN(d->left, d->block);
}

static void read_done(IdeDrive *d, u32 tag, bool ok)
{
    u32 n = phase_sectors(d);

    (void)tag;
    if (!ok) {
        ide_fail(d, ER_DATA);
        return;
    }
    d->at += n;
    d->left -= n;
    ide_begin(d, FLOW_READ, n * IDE_SECTOR, true);
}

static void read_next(IdeDrive *d)
{
    busy(d);
    ide_transfer_data(d, false, d->at * IDE_SECTOR, d->data,
                      phase_sectors(d) * IDE_SECTOR, read_done);
}

static void write_done(IdeDrive *d, u32 tag, bool ok)
{
    u32 n = phase_sectors(d);

    (void)tag;
    if (!ok) {
        ide_fail(d, ER_DATA);
        return;
    }
    d->at += n;
    d->left -= n;
    if (d->left) {
        ide_begin(d, FLOW_WRITE, phase_sectors(d) * IDE_SECTOR, true);
    } else {
        ide_ok(d);
    }
}

static void write_block(IdeDrive *d)
{
    busy(d);
    ide_transfer_data(d, true, d->at * IDE_SECTOR, d->data,
                      phase_sectors(d) * IDE_SECTOR, write_done);
}

void ide_moved(IdeDrive *d, u32 n)
{
    d->pos += n;
    if (d->pos < d->end) {
        return;
    }
    switch ((IdeFlow)d->flow) {
    case FLOW_READ:
        if (d->left) {
            read_next(d);
            break;
        }
        /* fallthrough */
    case FLOW_IN:
        d->status = ST_IDLE;
        d->flow = FLOW_IDLE;
        break;
    case FLOW_WRITE:
        write_block(d);
        break;
    case FLOW_OUT:
        ide_ok(d);
        break;
    case FLOW_PACKET:
        memcpy(d->packet, d->data, IDE_PACKET);
        atapi_packet(d);
        break;
    case FLOW_REPLY:
        atapi_go_on(d);
        break;
    default:
        break;
    }
}

/* ---- DMA ---------------------------------------------------------------- */

enum { TRIM_ENTRY = 8 };

static void trim_next(IdeDrive *d);

static void trim_done(void *opaque, int ret)
{
    IdeDrive *d = opaque;

    (void)ret;                  /* a hint that was not taken is no error */
    d->in_flight--;
    if (d->status & ST_BUSY && d->command == 0x06) {
        trim_next(d);
    }
}

/* Goes on with the ranges in the buffer: 48 bits of address, 16 of length. */
static void trim_next(IdeDrive *d)
{
    while (d->pos + TRIM_ENTRY <= d->end) {
        u64 v = load_le(d->data + d->pos, 8), at = v & MASK(48), n = v >> 48;
        d->pos += TRIM_ENTRY;
        if (n && at < ide_sectors(d) && n <= ide_sectors(d) - at) {
            const BlockRequest q = {
                .op = BLOCK_DISCARD, .offset = at * IDE_SECTOR,
                .len = n * IDE_SECTOR, .done = trim_done, .opaque = d,
            };
            d->in_flight++;
            block_submit(d->medium.disk, &q);
            return;
        }
    }
    ide_ok(d);
}

static void dma_ended(IdeDrive *d, u32 tag, bool ok)
{
    (void)tag;
    if (host(d) && host(d)->dma_done) {
        host(d)->dma_done(d->bus, d, ok);
    }
    if (d->command == 0xa0) {
        atapi_dma_done(d, ok);
    } else if (!ok) {
        ide_fail(d, ER_ABORT);
    } else if (d->dma_kind == DMA_OUT) {
        d->pos = 0;
        d->end = (u32)d->dma_len;
        trim_next(d);
    } else {
        ide_ok(d);
    }
}

void ide_dma(IdeDrive *d, const GArray *sg)
{
    const IdeMove m = {
        .write = d->dma_kind == DMA_WRITE, .at = d->dma_at, .len = d->dma_len,
        .done = dma_ended,
    };

    if (d->flow != FLOW_DMA) {
        return;
    }
    busy(d);
    if (ide_sg_bytes(sg) < d->dma_len) {
        dma_ended(d, 0, false);
    } else if (d->dma_kind == DMA_READ || d->dma_kind == DMA_WRITE) {
        ide_transfer(d, &m, sg);
    } else {
        dma_ended(d, 0, ide_copy(d, d->dma_kind == DMA_IN, sg, d->data,
                                 d->dma_len));
    }
}

/* ---- addresses ---------------------------------------------------------- */

static u64 lba28(const IdeDrive *d)
{
    return d->low[0] | (u32)d->mid[0] << 8 | (u32)d->high[0] << 16
         | (u32)(d->device & 0xf) << 24;
}

static u64 lba48(const IdeDrive *d)
{
    return d->low[0] | (u32)d->mid[0] << 8 | (u32)d->high[0] << 16
         | (u64)d->low[1] << 24 | (u64)d->mid[1] << 32
         | (u64)d->high[1] << 40;
}

/* Sector 0 does not exist: it is beyond the end of any disk. */
static u64 chs(const IdeDrive *d)
{
    u32 cylinder = d->mid[0] | (u32)d->high[0] << 8, head = d->device & 0xf;

    if (!d->low[0] || d->low[0] > d->sectors || head >= d->heads) {
        return ~0ull;
    }
    return ((u64)cylinder * d->heads + head) * d->sectors + d->low[0] - 1;
}

static void set_address(IdeDrive *d, u64 at, bool ext)
{
    d->low[0] = (u8)at;
    d->mid[0] = (u8)(at >> 8);
    d->high[0] = (u8)(at >> 16);
    if (ext) {
        d->low[1] = (u8)(at >> 24);
        d->mid[1] = (u8)(at >> 32);
        d->high[1] = (u8)(at >> 40);
    } else {
        d->device = (u8)((d->device & 0xf0) | (at >> 24 & 0xf));
    }
}

/* The range that the registers name, into d->at and d->left. */
static bool take_range(IdeDrive *d, bool ext)
{
    u32 n = ext ? d->count[0] | (u32)d->count[1] << 8 : d->count[0];

    d->left = n ? n : ext ? 65536 : 256;
    d->at = ext ? lba48(d) : d->device & DEV_LBA ? lba28(d) : chs(d);
    if (d->at < ide_sectors(d) && d->left <= ide_sectors(d) - d->at) {
        return true;
    }
    ide_fail(d, ER_NOT_FOUND);
    return false;
}

static bool may_write(IdeDrive *d)
{
    if (block_readonly(d->medium.disk)) {
        ide_fail(d, ER_ABORT);
        return false;
    }
    return true;
}

/* ---- commands that move sectors ----------------------------------------- */

/* Rows of the command table with `ext` have 48-bit addresses. */
typedef struct Command {
    u8   first, last;
    bool disk, cd, ext;
    void (*run)(IdeDrive *d, const struct Command *c);
    u32  argument;
} Command;

enum { ONE, MULTIPLE };         /* argument: sectors in a phase */

static bool choose_block(IdeDrive *d, const Command *c)
{
    d->block = c->argument == ONE ? 1 : d->multiple;
    if (!d->block) {
        ide_fail(d, ER_ABORT);
    }
    return d->block != 0;
}

static void read_pio(IdeDrive *d, const Command *c)
{
    if (choose_block(d, c) && take_range(d, c->ext)) {
        read_next(d);
    }
}

/* The first block is not asked for by an interrupt: ATA/ATAPI-6, 9.6. */
static void write_pio(IdeDrive *d, const Command *c)
{
    if (may_write(d) && choose_block(d, c) && take_range(d, c->ext)) {
        ide_begin(d, FLOW_WRITE, phase_sectors(d) * IDE_SECTOR, false);
    }
}

static void read_dma(IdeDrive *d, const Command *c)
{
    if (take_range(d, c->ext)) {
        ide_begin_dma(d, DMA_READ, d->at * IDE_SECTOR,
                      (u64)d->left * IDE_SECTOR);
    }
}

static void write_dma(IdeDrive *d, const Command *c)
{
    if (may_write(d) && take_range(d, c->ext)) {
        ide_begin_dma(d, DMA_WRITE, d->at * IDE_SECTOR,
                      (u64)d->left * IDE_SECTOR);
    }
}

static void verify(IdeDrive *d, const Command *c)
{
    if (take_range(d, c->ext)) {
        ide_ok(d);
    }
}

static void trim(IdeDrive *d, const Command *c)
{
    u32 blocks = d->count[0] | (u32)d->count[1] << 8;

    (void)c;
    if (!(d->feature[0] & 1) || !blocks || blocks > TRIM_MAX) {
        ide_fail(d, ER_ABORT);
    } else if (may_write(d)) {
        ide_begin_dma(d, DMA_OUT, 0, (u64)blocks * IDE_SECTOR);
    }
}

static void flushed(IdeDrive *d, u32 tag, bool ok)
{
    (void)tag;
    if (ok) {
        ide_ok(d);
    } else {
        ide_fail(d, ER_ABORT);
    }
}

static void flush(IdeDrive *d, const Command *c)
{
    (void)c;
    if (d->medium.disk) {
        busy(d);
        ide_flush(d, flushed);
    } else {
        ide_ok(d);
    }
}

/* ---- other commands ----------------------------------------------------- */

static void refuse(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_fail(d, ER_ABORT);
}

static void nothing(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_ok(d);
}

static void identify(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_identify(d, d->data);
    ide_begin(d, FLOW_IN, IDE_SECTOR, true);
}

/* A packet device says so, instead of answering as a disk: 8.15. */
static void identify_refused(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_signature(d);
    ide_fail(d, ER_ABORT);
}

static void diagnose(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_signature(d);
    interrupt(d);
}

static void device_reset_command(IdeDrive *d, const Command *c)
{
    (void)c;
    ide_signature(d);
}

static void set_geometry(IdeDrive *d, const Command *c)
{
    (void)c;
    if (d->count[0] && d->count[0] <= SECTORS) {
        d->heads = (u8)((d->device & 0xf) + 1);
        d->sectors = d->count[0];
        ide_ok(d);
    } else {
        ide_fail(d, ER_ABORT);
    }
}

static void set_multiple(IdeDrive *d, const Command *c)
{
    u8 n = d->count[0];

    (void)c;
    if (n && (!is_pow2(n) || n > MULTIPLE_MAX)) {
        ide_fail(d, ER_ABORT);
    } else {
        d->multiple = n;
        ide_ok(d);
    }
}

/* 255: active or idle. */
static void check_power(IdeDrive *d, const Command *c)
{
    (void)c;
    d->count[0] = 0xff;
    ide_ok(d);
}

static void native_max(IdeDrive *d, const Command *c)
{
    u64 last = ide_sectors(d) - 1;

    set_address(d, c->ext ? last : MIN(last, (u64)LBA28_LIMIT - 1), c->ext);
    ide_ok(d);
}

static void packet(IdeDrive *d, const Command *c)
{
    enum { OVERLAP = 2, IS_COMMAND = 1 };

    (void)c;
    if (d->feature[0] & OVERLAP) {
        ide_fail(d, ER_ABORT);
    } else {
        d->count[0] = IS_COMMAND;
        ide_begin(d, FLOW_PACKET, IDE_PACKET, false);
    }
}

/* SET FEATURES, transfer mode: ATA/ATAPI-6, 8.46.10. */
static bool set_mode(IdeDrive *d, u8 v)
{
    u8 kind = v >> 3, n = v & 7;

    if (kind > 1 && !(kind == 4 && n <= 2) && !(kind == 8 && n <= 5)) {
        return false;
    }
    *(kind > 1 ? &d->dma_mode : &d->pio_mode) = v;
    return true;
}

static bool set_feature(IdeDrive *d)
{
    switch (d->feature[0]) {
    case 0x02: case 0x82:
        d->write_cache = d->feature[0] == 0x02;
        return !d->cd;
    case 0xaa: case 0x55:
        d->look_ahead = d->feature[0] == 0xaa;
        return true;
    case 0x03:
        return set_mode(d, d->count[0]);
    case 0x05: case 0x85: case 0x42: case 0xc2:         /* power, noise */
    case 0x10: case 0x90: case 0x66: case 0xcc: case 0x5d: case 0xdd:
        return true;
    default:
        return false;
    }
}

static void set_features(IdeDrive *d, const Command *c)
{
    bool flush_it = d->feature[0] == 0x82 && !d->cd;

    if (!set_feature(d)) {
        ide_fail(d, ER_ABORT);
    } else if (flush_it) {
        flush(d, c);
    } else {
        ide_ok(d);
    }
}

static void smart_log(IdeDrive *d)
{
    memset(d->data, 0, IDE_SECTOR);
    d->data[0] = 1;
    d->data[511] = 0xff;
    ide_begin(d, FLOW_IN, IDE_SECTOR, true);
}

static void smart(IdeDrive *d, const Command *c)
{
    enum { KEY_MID = 0x4f, KEY_HIGH = 0xc2 };
    u8 what = d->feature[0];

    (void)c;
    if (d->mid[0] != KEY_MID || d->high[0] != KEY_HIGH
        || (!d->smart && what != 0xd8)) {
        ide_fail(d, ER_ABORT);
        return;
    }
    switch (what) {
    case 0xd0: case 0xd1:
        (what == 0xd0 ? ide_smart_data : ide_smart_thresholds)(d->data);
        ide_begin(d, FLOW_IN, IDE_SECTOR, true);
        break;
    case 0xd5:
        smart_log(d);
        break;
    case 0xd8: case 0xd9:
        d->smart = what == 0xd8;
        ide_ok(d);
        break;
    case 0xd2: case 0xd4: case 0xda:    /* da: the registers say "healthy" */
        ide_ok(d);
        break;
    default:
        ide_fail(d, ER_ABORT);
    }
}

/* ---- dispatch ----------------------------------------------------------- */

#define DISK(from, to, ...) { from, to, true, false, __VA_ARGS__ }
#define CD(from, to, ...)   { from, to, false, true, __VA_ARGS__ }
#define BOTH(from, to, ...) { from, to, true, true, __VA_ARGS__ }

static const Command commands[] = {
    BOTH(0x00, 0x00, false, refuse, 0),
    DISK(0x06, 0x06, true,  trim, 0),
    CD  (0x08, 0x08, false, device_reset_command, 0),
    DISK(0x10, 0x1f, false, nothing, 0),                /* recalibrate */
    DISK(0x20, 0x21, false, read_pio, ONE),
    DISK(0x24, 0x24, true,  read_pio, ONE),
    DISK(0x25, 0x25, true,  read_dma, 0),
    DISK(0x27, 0x27, true,  native_max, 0),
    DISK(0x29, 0x29, true,  read_pio, MULTIPLE),
    DISK(0x30, 0x31, false, write_pio, ONE),
    DISK(0x34, 0x34, true,  write_pio, ONE),
    DISK(0x35, 0x35, true,  write_dma, 0),
    DISK(0x39, 0x39, true,  write_pio, MULTIPLE),
    DISK(0x3d, 0x3d, true,  write_dma, 0),              /* FUA */
    DISK(0x40, 0x41, false, verify, 0),
    DISK(0x42, 0x42, true,  verify, 0),
    DISK(0x70, 0x7f, false, nothing, 0),                /* seek */
    BOTH(0x90, 0x90, false, diagnose, 0),
    DISK(0x91, 0x91, false, set_geometry, 0),
    BOTH(0x94, 0x97, false, nothing, 0),                /* power states */
    BOTH(0x98, 0x98, false, check_power, 0),
    BOTH(0x99, 0x99, false, nothing, 0),
    CD  (0xa0, 0xa0, false, packet, 0),
    CD  (0xa1, 0xa1, false, identify, 0),
    DISK(0xb0, 0xb0, false, smart, 0),
    DISK(0xc4, 0xc4, false, read_pio, MULTIPLE),
    DISK(0xc5, 0xc5, false, write_pio, MULTIPLE),
    DISK(0xc6, 0xc6, false, set_multiple, 0),
    DISK(0xc8, 0xc9, false, read_dma, 0),
    DISK(0xca, 0xcb, false, write_dma, 0),
    BOTH(0xe0, 0xe3, false, nothing, 0),                /* power states */
    BOTH(0xe5, 0xe5, false, check_power, 0),
    BOTH(0xe6, 0xe6, false, nothing, 0),
    DISK(0xe7, 0xe7, false, flush, 0),
    DISK(0xea, 0xea, true,  flush, 0),
    DISK(0xec, 0xec, false, identify, 0),
    CD  (0xec, 0xec, false, identify_refused, 0),
    BOTH(0xef, 0xef, false, set_features, 0),
    DISK(0xf8, 0xf8, false, native_max, 0),
};

void ide_command(IdeDrive *d, u8 code)
{
    enum { DEVICE_RESET = 0x08 };

    if (d->status & ST_BUSY && code != DEVICE_RESET) {
        return;
    }
    d->command = code;
    d->error = 0;
    for (u32 i = 0; i < countof(commands); i++) {
        const Command *c = &commands[i];
        if (code >= c->first && code <= c->last
            && (d->cd ? c->cd : c->disk && d->medium.disk)) {
            c->run(d, c);
            return;
        }
    }
    ide_fail(d, ER_ABORT);
}

/* ---- the command block -------------------------------------------------- */

u8 ide_read(IdeDrive *d, u32 reg, bool hob)
{
    switch (reg) {
    case REG_ERROR:
        return d->error;
    case REG_COUNT:
        return d->count[hob];
    case REG_LOW:
        return d->low[hob];
    case REG_MID:
        return d->mid[hob];
    case REG_HIGH:
        return d->high[hob];
    case REG_DEVICE:
        return d->device;
    default:
        return d->status;
    }
}

static void shift(u8 pair[2], u8 v)
{
    pair[1] = pair[0];
    pair[0] = v;
}

void ide_write(IdeDrive *d, u32 reg, u8 v)
{
    u8 *const pairs[IDE_REGS] = {
        [REG_FEATURE] = d->feature, [REG_COUNT] = d->count, [REG_LOW] = d->low,
        [REG_MID] = d->mid, [REG_HIGH] = d->high,
    };

    if (d->status & ST_BUSY) {
        return;
    }
    if (reg == REG_DEVICE) {
        d->device = v;
    } else if (reg < IDE_REGS && pairs[reg]) {
        shift(pairs[reg], v);
    }
}

/* ATA/ATAPI-6, 9.12: signature and persistence. */
void ide_signature(IdeDrive *d)
{
    static const u8 no_error = 1;

    if (d->in_flight) {
        d->epoch++;
        d->command = 0;
        block_drain(d->medium.disk);
    }
    d->flow = FLOW_IDLE;
    d->count[0] = d->low[0] = 1;
    d->mid[0] = d->cd ? 0x14 : 0;
    d->high[0] = d->cd ? 0xeb : 0;
    d->device = 0;
    d->error = no_error;
    d->status = d->cd ? 0 : ST_IDLE;
}

void ide_reset(IdeDrive *d)
{
    ide_signature(d);
    d->multiple = MULTIPLE_MAX;
    d->heads = HEADS;
    d->sectors = SECTORS;
    d->medium.locked = 0;
}

/* ---- the device --------------------------------------------------------- */

static bool attach(IdeDrive *d, Err *err)
{
    IdeBus *b = d->dev.bus;

    d->unit = d->unit_wanted == ~0u ? 0 : d->unit_wanted;
    if (!b) {
        return true;
    }
    if (d->unit >= b->units || b->drive[d->unit]) {
        return fail(err, "unit %u of %s is %s", d->unit, b->dev.id,
                    d->unit >= b->units ? "none that it has" : "taken");
    }
    d->bus = b;
    b->drive[d->unit] = d;
    return true;
}

static bool start(void *opaque, Err *err)
{
    IdeDrive *d = opaque;

    d->cd = strcmp(d->dev.type->name, "ide-cd") == 0;
    if (strcmp(d->dev.type->name, "ide-drive") == 0 && d->medium.disk) {
        const char *media = block_option(d->medium.disk, "media");
        d->cd = media && strcmp(media, "cdrom") == 0;
    }
    d->medium.fixed = !d->cd;
    d->scsi = (ScsiUnit) {
        .dev = &d->dev, .medium = &d->medium, .cd = true, .atapi = true,
        .vendor = "ANOLE", .product = "DVD-ROM", .block = IDE_CD_SECTOR,
    };
    if (!d->medium.disk && !d->cd) {
        return fail(err, "drive= is missing: -drive file=IMAGE,if=none,id=d0 "
                    "-device %s,drive=d0", d->dev.type->name);
    }
    return attach(d, err)
        && medium_start(&d->dev, &d->medium, err);
}

static void changed(void *opaque)
{
    atapi_changed(opaque);
}

static void asked(void *opaque)
{
    scsi_asked(&((IdeDrive *)opaque)->scsi);
}

static const struct MediumType medium_type = {
    .at = offsetof(IdeDrive, medium), .tray = true, .changed = changed,
    .asked = asked,
};

static void reset(void *opaque)
{
    IdeDrive *d = opaque;

    ide_reset(d);
    d->medium.open = 0;
    scsi_reset(&d->scsi);
    d->write_cache = d->look_ahead = d->smart = 1;
    d->dma_mode = UDMA5;
    if (host(d) && host(d)->attached) {
        host(d)->attached(d->bus);
    }
}

static bool in_disk(const IdeDrive *d)
{
    u64 n = ide_sectors(d), bytes = n * IDE_SECTOR;

    if (d->flow == FLOW_DMA && d->dma_kind <= DMA_WRITE) {
        return d->dma_at <= bytes && d->dma_len <= bytes - d->dma_at;
    }
    return d->flow != FLOW_DMA || d->dma_len <= IDE_DATA;
}

static bool loaded(void *opaque)
{
    IdeDrive *d = opaque;
    u64 n = ide_sectors(d) / (d->cd ? IDE_CD_SECTOR / IDE_SECTOR : 1);

    return d->flow < FLOWS && d->dma_kind < DMAS && !(d->status & ST_BUSY)
        && d->pos <= d->end && d->end <= IDE_DATA
        && (d->pos < d->end || d->flow == FLOW_IDLE || d->flow == FLOW_DMA)
        && d->reply_end <= IDE_DATA && d->multiple <= MULTIPLE_MAX
        && d->block <= MULTIPLE_MAX
        && (d->block || !d->left || d->flow == FLOW_IDLE
            || d->flow == FLOW_DMA)
        && d->heads && d->heads <= HEADS && d->sectors
        && d->sectors <= SECTORS && d->at <= n
        && d->left <= n - d->at && in_disk(d) && d->medium.open <= 1;
}

static void stop(void *opaque)
{
    IdeDrive *d = opaque;

    if (d->in_flight) {
        d->epoch++;
        d->command = 0;
        block_drain(d->medium.disk);
    }
    if (d->bus) {
        d->bus->drive[d->unit] = NULL;
    }
    medium_stop(&d->medium);
}

#define STATE (const Field[]) {                                             \
        SAVE(IdeDrive, feature), SAVE(IdeDrive, count), SAVE(IdeDrive, low), \
        SAVE(IdeDrive, mid), SAVE(IdeDrive, high), SAVE(IdeDrive, device),  \
        SAVE(IdeDrive, status), SAVE(IdeDrive, error),                      \
        SAVE(IdeDrive, command), SAVE(IdeDrive, irq_off),                   \
        SAVE(IdeDrive, flow), SAVE(IdeDrive, dma_kind),                     \
        SAVE(IdeDrive, dma_mode), SAVE(IdeDrive, pio_mode),                 \
        SAVE(IdeDrive, multiple), SAVE(IdeDrive, write_cache),              \
        SAVE(IdeDrive, look_ahead), SAVE(IdeDrive, smart),                  \
        MEDIUM_STATE(IdeDrive), SCSI_STATE(IdeDrive),                       \
        SAVE(IdeDrive, heads), SAVE(IdeDrive, sectors),                     \
        SAVE(IdeDrive, is_write), SAVE(IdeDrive, pos), SAVE(IdeDrive, end), \
        SAVE(IdeDrive, reply_end), SAVE(IdeDrive, at), SAVE(IdeDrive, left), \
        SAVE(IdeDrive, block), SAVE(IdeDrive, dma_at),                      \
        SAVE(IdeDrive, dma_len), SAVE(IdeDrive, packet),                    \
        SAVE(IdeDrive, data), { 0 }                                         \
    }

#define DRIVE                                                               \
    .size  = sizeof(IdeDrive),                                              \
    .bus   = BUS_IDE,                                                       \
    .user  = true,                                                          \
    .medium = &medium_type,                                                 \
    .state = STATE,                                                         \
    .props = (const Prop[]) {                                               \
        PROP("drive", PROP_BLOCK, IdeDrive, medium.disk, NULL, "id of the disk image"), \
        PROP("bus", PROP_STR, IdeDrive, bus_name, NULL, "id of its bus"),   \
        PROP("unit", PROP_U32, IdeDrive, unit_wanted, "0xffffffff", "0 or 1 on its bus"), \
        PROP("serial", PROP_STR, IdeDrive, serial, NULL, "serial number, 20 letters"), \
        PROP("model", PROP_STR, IdeDrive, model, NULL, "model, 40 letters"), \
        PROP("rotation_rate", PROP_U32, IdeDrive, rotation, "0", "turns a minute; 1: none"), \
        { 0 }                                                               \
    },                                                                      \
    .start = start, .reset = reset, .loaded = loaded, .stop = stop

DEVICE(ide_hd) {
    .name  = "ide-hd",
    .about = "ATA disk",
    DRIVE,
};

DEVICE(ide_cd) {
    .name  = "ide-cd",
    .about = "ATAPI CD drive",
    DRIVE,
};

DEVICE(ide_drive) {
    .name  = "ide-drive",
    .about = "ATA disk or CD drive, as media= of its -drive says",
    DRIVE,
};
