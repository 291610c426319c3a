/* SPDX-License-Identifier: MIT */
/*
 * Intel 82078 floppy disk controller in its AT mode, with the commands of the
 * 8272A.  References: 82078 data sheet (290468); 8272A data sheet.
 *
 * Seeks and the search for a sector take a moment, the rest no time.  If the
 * DMA channel is shut the transfer waits; it never overruns.  Left out: the
 * scan, format-and-write, save, restore and drive specification commands
 * (they are invalid), deleted data marks (such data is written as normal
 * data), sectors of other sizes than 512 bytes, power states.
 */
#include <glib.h>
#include "hw/block/floppy.h"
#include "hw/core/bytewise.h"
#include "hw/dma/i8257.h"
#include "softmmu/clock.h"
#include "util/log.h"

enum {                                  /* ports, from the base */
    PORT_DOR = 2, PORT_TDR, PORT_MSR, PORT_FIFO, PORT_DISK, PORT_DIR,
    PORT_DSR = PORT_MSR, PORT_CCR = PORT_DIR, PORTS = 8,
};
enum {
    DOR_RUN = 0x04, DOR_GATE = 0x08, DSR_RESET = 0x80, RATE = 0x03,
    MSR_RQM = 0x80, MSR_DIO = 0x40, MSR_NDM = 0x20, MSR_BUSY = 0x10,
    DIR_CHANGED = 0x80,
};
enum {                                  /* status bytes of results */
    ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_POLLED = 0xc0, ST0_SEEK = 0x20,
    ST0_CHECK = 0x10,
    ST1_END = 0x80, ST1_DATA = 0x20, ST1_NO_DATA = 0x04, ST1_PROTECTED = 0x02,
    ST1_NO_MARK = 0x01,
    ST2_DELETED = 0x40, ST2_DATA = 0x20, ST2_WRONG_TRACK = 0x10,
    ST3_PROTECTED = 0x40, ST3_ONES = 0x28, ST3_TRACK0 = 0x10,
};
enum {                                  /* commands; the low five bits */
    OP_READ_TRACK = 0x02, OP_WRITE = 0x05, OP_READ = 0x06,
    OP_WRITE_DELETED = 0x09, OP_READ_ID = 0x0a, OP_READ_DELETED = 0x0c,
    OP_FORMAT = 0x0d, OP_VERIFY = 0x16, OP_BITS = 0x1f, MULTI_TRACK = 0x80,
};
/* Bytes of the commands that move data, of FORMAT, and of their results. */
enum { UNIT = 1, C, H, R, N, EOT, DTL = 8, COMMAND_BYTES = 9,
       FORMAT_N = 2, FORMAT_SECTORS = 3, FORMAT_FILL = 5, FORMAT_ID = 4,
       RESULT_BYTES = 10 };
enum { HEAD_BIT = 2, VERIFY_COUNTS = 0x80, SIZE_512 = 2, SEEK_IN = 0x40 };
enum { CONFIG_IMPLIED = 0x40, CONFIG_NO_FIFO = 0x20, CONFIG_LOCKED = 0x2f };
enum { VERSION_82078 = 0x90, PART_82078 = 0x41, LOCK_BIT = 0x80 };
enum { PERP_OVERWRITE = 0x80, PERP_DRIVES = 0x3c, PERP_MODE = 0x03 };
enum { CHANNEL = 2, SEEK_NS = 500000, SEARCH_NS = 50000 };

typedef enum Phase {
    PHASE_COMMAND,
    PHASE_SEARCH,                       /* the timer runs */
    PHASE_MOVE,                         /* of buf */
    PHASE_RESULT, PHASES,
} Phase;

typedef struct Fdc {
    Device  dev;
    Line    irq;
    Device *dma;                        /* NULL: none; drivers then poll */
    Timer  *timer;                      /* ends seeks and searches */
    Floppy *drive[FLOPPY_DRIVES];

    u8  dor, tdr, rate;
    u8  phase;
    u8  interrupt;                      /* wanted; DOR lets it out */
    u8  command[COMMAND_BYTES], fill;   /* C to N move on with the transfer */
    u8  result[RESULT_BYTES], results, taken;
    u8  buf[FLOPPY_SECTOR];
    u32 pos, want;                      /* in buf; want is its use */
    u32 count;                          /* of sectors in this command */
    u8  next_id;                        /* the sector READ ID comes across */
    u8  seeking, sensed;                /* a bit a drive; what SENSE tells */
    u8  pcn[FLOPPY_DRIVES], st0[FLOPPY_DRIVES];
    u8  specify[2], config, pretrack, eot, perpendicular;
    u8  locked;
} Fdc;

/* ---- lines -------------------------------------------------------------- */

static void drive_irq(Fdc *s)
{
    line_set(&s->irq, s->interrupt && s->dor & DOR_GATE && s->dor & DOR_RUN);
}

static void interrupt(Fdc *s, bool level)
{
    s->interrupt = level;
    drive_irq(s);
}

static bool uses_dma(const Fdc *s)
{
    return s->dma && !(s->specify[1] & 1);
}

static void request_dma(Fdc *s, bool level)
{
    if (s->dma) {
        i8257_request(s->dma, CHANNEL, level);
    }
}

static void wait_for_drive(Fdc *s, i64 ns)
{
    timer_set(s->timer, clock_now(CLOCK_VIRTUAL_NS) + ns);
}

/* ---- the drive that a command names ------------------------------------- */

static u32 unit_of(const Fdc *s)
{
    return s->command[UNIT] & 3;
}

static Floppy *floppy_of(const Fdc *s)
{
    return s->drive[unit_of(s)];
}

static u32 head_of(const Fdc *s)
{
    return s->command[UNIT] >> HEAD_BIT & 1;
}

static u8 op_of(const Fdc *s)
{
    return s->command[0] & OP_BITS;
}

static bool writes(const Fdc *s)
{
    u8 op = op_of(s);

    return op == OP_WRITE || op == OP_WRITE_DELETED || op == OP_FORMAT;
}

/* ---- results ------------------------------------------------------------ */

static void give(Fdc *s, const u8 *p, u32 n)
{
    memcpy(s->result, p, n);
    s->results = (u8)n;
    s->taken = 0;
    s->fill = 0;
    s->phase = PHASE_RESULT;
}

static void give_one(Fdc *s, u8 v)
{
    give(s, &v, 1);
}

static void done(Fdc *s)
{
    s->fill = 0;
    s->phase = PHASE_COMMAND;
}

/* Ends a command on sectors, with an interrupt. */
static void finish(Fdc *s, u8 st0, u8 st1, u8 st2)
{
    const u8 b[] = {
        st0 | (s->command[UNIT] & 7), st1, st2, s->command[C],
        s->command[H], s->command[R], s->command[N],
    };

    give(s, b, sizeof b);
    request_dma(s, false);
    interrupt(s, true);
}

static void fail_with(Fdc *s, u8 st1, u8 st2)
{
    finish(s, ST0_ABNORMAL, st1, st2);
}

/* ---- sectors ------------------------------------------------------------ */

/* Without a disk, or at another data rate, no mark is ever seen. */
static bool sees_marks(const Fdc *s)
{
    const Floppy *f = floppy_of(s);

    return f && f->medium.disk && f->format->rates >> (s->rate & RATE) & 1
        && f->track < f->format->tracks && head_of(s) < f->format->heads;
}

/* READ TRACK takes sectors as they come. */
static u32 sector_of(const Fdc *s)
{
    return op_of(s) == OP_READ_TRACK ? s->count + 1 : s->command[R];
}

/* Looks for the sector; false if the command has ended without it. */
static bool search(Fdc *s)
{
    const Floppy *f = floppy_of(s);
    u32 sector = sector_of(s);

    if (!sees_marks(s)) {
        fail_with(s, ST1_NO_MARK, 0);
    } else if (s->command[C] != f->track) {
        fail_with(s, ST1_NO_DATA, ST2_WRONG_TRACK);
    } else if (s->command[H] != head_of(s) || s->command[N] != SIZE_512
               || sector < 1 || sector > f->format->sectors) {
        fail_with(s, ST1_NO_DATA, 0);
    } else if (writes(s) && floppy_protected(f)) {
        fail_with(s, ST1_PROTECTED, 0);
    } else {
        return true;
    }
    return false;
}

/*
 * Goes to the next sector as the data sheet's table of results has it; false
 * if the last one was the command's.
 */
static bool advance(Fdc *s)
{
    bool multi = s->command[0] & MULTI_TRACK;

    s->count++;
    if (op_of(s) == OP_READ_TRACK) {
        return s->count < s->command[EOT];
    }
    if (s->command[R] != s->command[EOT]) {
        s->command[R]++;
        return true;
    }
    s->command[R] = 1;
    s->command[H] ^= multi;
    if (multi && head_of(s) == 0) {
        s->command[UNIT] |= 1 << HEAD_BIT;
        return true;
    }
    s->command[C]++;
    return false;
}

static void next_sector(Fdc *s)
{
    if (!search(s)) {
        return;
    }
    if (!writes(s) && !floppy_read(floppy_of(s), head_of(s), sector_of(s),
                                   s->buf)) {
        fail_with(s, ST1_DATA, ST2_DATA);
        return;
    }
    s->pos = 0;
    s->want = FLOPPY_SECTOR;
    s->phase = PHASE_MOVE;
}

/* Writes what came, zeros behind it; false if the command has ended. */
static bool store(Fdc *s)
{
    memset(s->buf + s->pos, 0, FLOPPY_SECTOR - s->pos);
    if (!search(s)) {                   /* the disk may have been changed */
        return false;
    }
    if (!floppy_write(floppy_of(s), head_of(s), sector_of(s), s->buf)) {
        fail_with(s, ST1_DATA, ST2_DATA);
        return false;
    }
    return true;
}

/* At the end of a sector's data, or at the terminal count. */
static void sector_moved(Fdc *s, bool last)
{
    u8 op = op_of(s);

    if (writes(s) && !store(s)) {
        return;
    }
    if (op == OP_READ_DELETED) {        /* a normal mark ends it */
        finish(s, 0, 0, ST2_DELETED);
        return;
    }
    bool more = advance(s);
    if (last || (!more && op == OP_READ_TRACK)) {
        finish(s, 0, 0, 0);
    } else if (!more) {
        fail_with(s, ST1_END, 0);
    } else {
        next_sector(s);
    }
}

/* EC: as many sectors as DTL says; else all to the end of the track. */
static void verify(Fdc *s)
{
    bool counts = s->command[UNIT] & VERIFY_COUNTS, more = true;

    while (more && !(counts && s->count >= s->command[DTL])) {
        if (!search(s)) {
            return;
        }
        if (!floppy_read(floppy_of(s), head_of(s), s->command[R], s->buf)) {
            fail_with(s, ST1_DATA, ST2_DATA);
            return;
        }
        more = advance(s);
    }
    if (counts && s->count < s->command[DTL]) {
        fail_with(s, ST1_END, 0);
    } else {
        finish(s, 0, 0, 0);
    }
}

/* ---- formatting --------------------------------------------------------- */

/* The command's bytes 2 to 5 make room for the IDs as a result has them. */
static void format_track(Fdc *s)
{
    if (!sees_marks(s)) {
        fail_with(s, ST1_NO_MARK, 0);
    } else if (floppy_protected(floppy_of(s))) {
        fail_with(s, ST1_PROTECTED, 0);
    } else if (s->command[FORMAT_SECTORS] == 0) {
        finish(s, 0, 0, 0);
    } else {
        s->pos = 0;
        s->want = FORMAT_ID;
        s->phase = PHASE_MOVE;
    }
}

/* The ID of a sector came: C, H, R, N.  An image holds no others than its. */
static void format_sector(Fdc *s, bool last)
{
    Floppy *f = floppy_of(s);
    const u8 *id = s->buf;
    u8 data[FLOPPY_SECTOR];
    bool fits = sees_marks(s) && id[0] == f->track && id[1] == head_of(s)
             && id[2] >= 1 && id[2] <= f->format->sectors
             && id[3] == SIZE_512;

    memset(data, s->command[FORMAT_FILL], sizeof data);
    if (!fits) {
        log_line(LOG_GUEST, "%s: the image cannot be formatted with sector "
                 "%u of track %u, size %u", s->dev.id, id[2], id[0], id[3]);
        finish(s, ST0_ABNORMAL | ST0_CHECK, 0, 0);
    } else if (!floppy_write(f, id[1], id[2], data)) {
        fail_with(s, ST1_DATA, ST2_DATA);
    } else if (last || ++s->count >= s->command[FORMAT_SECTORS]) {
        finish(s, 0, 0, 0);
    } else {
        s->pos = 0;
    }
}

/* ---- moving data -------------------------------------------------------- */

static void moved(Fdc *s, bool last)
{
    if (op_of(s) == OP_FORMAT && (s->pos == s->want)) {
        format_sector(s, last);
    } else if (op_of(s) == OP_FORMAT) {
        finish(s, 0, 0, 0);             /* in the middle of an ID */
    } else {
        sector_moved(s, last);
    }
}

/* Called by the DMA controller, and again whenever the channel opens. */
static void run_dma(void *opaque)
{
    Fdc *s = opaque;

    while (s->phase == PHASE_MOVE && uses_dma(s) && s->dor & DOR_GATE) {
        bool last;
        u32 n = i8257_move(s->dma, CHANNEL,
                           writes(s) ? DMA_FROM_MEMORY : DMA_TO_MEMORY,
                           s->buf + s->pos, s->want - s->pos, &last);
        s->pos += n;
        if (!n) {
            return;
        }
        if (last || s->pos == s->want) {
            moved(s, last);
        }
    }
}

/* The request of data: by DMA, or by interrupts and the FIFO's port. */
static void ask(Fdc *s)
{
    if (s->phase == PHASE_MOVE && uses_dma(s)) {
        request_dma(s, true);
    } else if (s->phase == PHASE_MOVE) {
        interrupt(s, false);
        interrupt(s, true);
    }
}

static void data_passed(Fdc *s)
{
    interrupt(s, false);
    if (++s->pos == s->want) {
        moved(s, false);
    }
    ask(s);
}

static u8 read_data(Fdc *s)
{
    if (writes(s)) {
        return 0;
    }
    u8 v = s->buf[s->pos];
    data_passed(s);
    return v;
}

static void write_data(Fdc *s, u8 v)
{
    if (writes(s)) {
        s->buf[s->pos] = v;
        data_passed(s);
    }
}

/* ---- the timer ---------------------------------------------------------- */

static void read_id(Fdc *s)
{
    const Floppy *f = floppy_of(s);

    memset(s->command + C, 0, 4);
    if (!sees_marks(s)) {
        fail_with(s, ST1_NO_MARK, 0);
        return;
    }
    s->next_id = (u8)(s->next_id % f->format->sectors + 1);
    s->command[C] = f->track;
    s->command[H] = (u8)head_of(s);
    s->command[R] = s->next_id;
    s->command[N] = SIZE_512;
    finish(s, 0, 0, 0);
}

static void implied_seek(Fdc *s)
{
    if (s->config & CONFIG_IMPLIED && floppy_of(s)) {
        s->pcn[unit_of(s)] = s->command[C];
        floppy_seek(floppy_of(s), s->command[C]);
    }
}

static void execute(Fdc *s)
{
    s->count = 0;
    switch (op_of(s)) {
    case OP_READ_ID:
        read_id(s);
        break;
    case OP_FORMAT:
        format_track(s);
        break;
    case OP_VERIFY:
        implied_seek(s);
        verify(s);
        break;
    default:
        implied_seek(s);
        next_sector(s);
        break;
    }
    ask(s);
}

static void time_came(void *opaque)
{
    Fdc *s = opaque;

    if (s->seeking) {
        s->sensed |= s->seeking;
        s->seeking = 0;
        interrupt(s, true);
    }
    if (s->phase == PHASE_SEARCH) {
        execute(s);
    }
}

/* ---- commands ----------------------------------------------------------- */

static void run_later(Fdc *s)
{
    if (op_of(s) != OP_FORMAT && op_of(s) != OP_READ_ID) {
        s->eot = s->command[EOT];
    } else if (op_of(s) == OP_FORMAT) {
        s->eot = s->command[FORMAT_SECTORS];
    }
    s->phase = PHASE_SEARCH;
    wait_for_drive(s, SEARCH_NS);
}

/* Moves a drive's heads to a track; the end is told by SENSE INTERRUPT. */
static void seek(Fdc *s, u8 track, u8 pcn, u8 st0)
{
    u32 n = unit_of(s);

    if (floppy_of(s)) {
        floppy_seek(floppy_of(s), track);
    }
    s->pcn[n] = pcn;
    s->st0[n] = (u8)(st0 | ST0_SEEK | (s->command[UNIT] & 7));
    s->seeking |= (u8)(1u << n);
    s->sensed &= (u8)~(1u << n);
    done(s);
    wait_for_drive(s, SEEK_NS);
}

static void run_seek(Fdc *s)
{
    seek(s, s->command[2], s->command[2], 0);
}

/* A drive that is not there never says that its heads are at track 0. */
static void run_recalibrate(Fdc *s)
{
    s->command[UNIT] &= 3;
    seek(s, 0, 0, floppy_of(s) ? 0 : ST0_ABNORMAL | ST0_CHECK);
}

static void run_relative_seek(Fdc *s)
{
    int by = s->command[0] & SEEK_IN ? s->command[2] : -s->command[2];
    int at = floppy_of(s) ? floppy_of(s)->track + by : 0;

    seek(s, (u8)MIN(MAX(at, 0), 255), (u8)(s->pcn[unit_of(s)] + by), 0);
}

static void run_sense_interrupt(Fdc *s)
{
    u32 n = 0;

    interrupt(s, false);
    while (n < FLOPPY_DRIVES && !(s->sensed >> n & 1)) {
        n++;
    }
    if (n == FLOPPY_DRIVES) {
        give_one(s, ST0_INVALID);
        return;
    }
    s->sensed &= (u8)~(1u << n);
    give(s, (const u8[]) { s->st0[n], s->pcn[n] }, 2);
}

static void run_sense_drive(Fdc *s)
{
    const Floppy *f = floppy_of(s);

    give_one(s, (u8)(ST3_ONES | (s->command[UNIT] & 7)
                     | (f && floppy_protected(f) ? ST3_PROTECTED : 0)
                     | (f && f->track == 0 ? ST3_TRACK0 : 0)));
}

static void run_specify(Fdc *s)
{
    memcpy(s->specify, s->command + 1, sizeof s->specify);
    done(s);
}

static void run_configure(Fdc *s)
{
    s->config = s->command[2];
    s->pretrack = s->command[3];
    done(s);
}

static void run_perpendicular(Fdc *s)
{
    u8 v = s->command[1], kept = s->perpendicular & PERP_DRIVES;

    s->perpendicular = (v & PERP_MODE)
        | (v & PERP_OVERWRITE ? v & PERP_DRIVES : kept);
    done(s);
}

static void run_lock(Fdc *s)
{
    s->locked = s->command[0] & LOCK_BIT;
    give_one(s, s->locked >> 3);
}

static void run_dumpreg(Fdc *s)
{
    give(s, (const u8[]) {
        s->pcn[0], s->pcn[1], s->pcn[2], s->pcn[3], s->specify[0],
        s->specify[1], s->eot, s->locked | s->perpendicular, s->config,
        s->pretrack,
    }, RESULT_BYTES);
}

static void run_version(Fdc *s)
{
    give_one(s, VERSION_82078);
}

static void run_part_id(Fdc *s)
{
    give_one(s, PART_82078);
}

/* The mode is told back; there is no power to save. */
static void run_powerdown(Fdc *s)
{
    give_one(s, s->command[1]);
}

static void run_option(Fdc *s)
{
    give_one(s, s->command[1]);
}

/* Bits that tell a command, its length with them, and what it does. */
static const struct Command {
    u8 mask, code, bytes;
    void (*run)(Fdc *s);
} commands[] = {
    { 0x1f, OP_READ,          9, run_later },
    { 0x1f, OP_READ_DELETED,  9, run_later },
    { 0x9f, OP_READ_TRACK,    9, run_later },
    { 0x1f, OP_VERIFY,        9, run_later },
    { 0x3f, OP_WRITE,         9, run_later },
    { 0x3f, OP_WRITE_DELETED, 9, run_later },
    { 0xbf, OP_FORMAT,        6, run_later },
    { 0xbf, OP_READ_ID,       2, run_later },
    { 0xff, 0x03,             3, run_specify },
    { 0xff, 0x04,             2, run_sense_drive },
    { 0xff, 0x07,             2, run_recalibrate },
    { 0xff, 0x08,             1, run_sense_interrupt },
    { 0xff, 0x0e,             1, run_dumpreg },
    { 0xff, 0x0f,             3, run_seek },
    { 0xbf, 0x8f,             3, run_relative_seek },
    { 0xff, 0x10,             1, run_version },
    { 0xff, 0x12,             2, run_perpendicular },
    { 0xff, 0x13,             4, run_configure },
    { 0x7f, 0x14,             1, run_lock },
    { 0xff, 0x17,             2, run_powerdown },
    { 0xff, 0x18,             1, run_part_id },
    { 0xff, 0x33,             2, run_option },
};

static const struct Command *command_of(u8 v)
{
    for (u32 i = 0; i < countof(commands); i++) {
        if ((v & commands[i].mask) == commands[i].code) {
            return &commands[i];
        }
    }
    return NULL;
}

static void write_command(Fdc *s, u8 v)
{
    s->command[s->fill++] = v;
    const struct Command *c = command_of(s->command[0]);

    if (!c) {
        log_line(LOG_GUEST, "%s: no command %#x", s->dev.id, v);
        give_one(s, ST0_INVALID);
    } else if (s->fill == c->bytes) {
        c->run(s);
    }
}

static u8 read_result(Fdc *s)
{
    u8 v = s->result[s->taken++];

    interrupt(s, false);
    if (s->taken == s->results) {
        done(s);
    }
    return v;
}

/* ---- registers ---------------------------------------------------------- */

/* What a reset by DOR or DSR does; LOCK keeps the settings of the FIFO only. */
static void soft_reset(Fdc *s)
{
    done(s);
    request_dma(s, false);
    timer_stop(s->timer);
    s->seeking = s->sensed = 0;
    s->perpendicular &= PERP_DRIVES;
    memset(s->pcn, 0, sizeof s->pcn);
    s->config &= CONFIG_LOCKED;
    if (!s->locked) {
        s->config = CONFIG_NO_FIFO;
        s->pretrack = 0;
    }
    interrupt(s, false);
}

/* Out of reset the drives are polled, and all have changed. */
static void leave_reset(Fdc *s)
{
    for (u8 i = 0; i < FLOPPY_DRIVES; i++) {
        s->st0[i] = ST0_POLLED | i;
    }
    s->sensed = MASK(FLOPPY_DRIVES);
    interrupt(s, true);
}

static void write_dor(Fdc *s, u8 v)
{
    u8 old = s->dor;

    s->dor = v;
    if (!(v & DOR_RUN)) {
        soft_reset(s);
    } else if (!(old & DOR_RUN)) {
        leave_reset(s);
    }
    drive_irq(s);
    run_dma(s);
}

static void write_dsr(Fdc *s, u8 v)
{
    s->rate = v & RATE;
    if (v & DSR_RESET && s->dor & DOR_RUN) {
        soft_reset(s);
        leave_reset(s);
    }
}

static u8 read_msr(const Fdc *s)
{
    u8 moving = writes(s) ? 0 : MSR_DIO;

    if (!(s->dor & DOR_RUN)) {
        return 0;
    }
    switch ((Phase)s->phase) {
    case PHASE_SEARCH: return MSR_BUSY;
    case PHASE_MOVE:   return uses_dma(s) ? MSR_BUSY
                            : MSR_RQM | MSR_NDM | MSR_BUSY | moving;
    case PHASE_RESULT: return MSR_RQM | MSR_DIO | MSR_BUSY;
    default:           return MSR_RQM | (s->fill ? MSR_BUSY : 0) | s->seeking;
    }
}

static u8 read_fifo(Fdc *s)
{
    if (s->phase == PHASE_RESULT) {
        return read_result(s);
    }
    return s->phase == PHASE_MOVE && !uses_dma(s) ? read_data(s) : 0;
}

static void write_fifo(Fdc *s, u8 v)
{
    if (!(s->dor & DOR_RUN)) {
        return;
    }
    if (s->phase == PHASE_COMMAND) {
        write_command(s, v);
    } else if (s->phase == PHASE_MOVE && !uses_dma(s)) {
        write_data(s, v);
    }
}

/* The selected drive's, if its motor runs. */
static u8 read_dir(const Fdc *s)
{
    u32 n = s->dor & 3;
    const Floppy *f = s->drive[n];

    return f && s->dor >> (4 + n) & 1 && f->changed ? DIR_CHANGED : 0;
}

static u8 read_port(void *opaque, u64 at)
{
    Fdc *s = opaque;

    switch (at) {
    case PORT_DOR:  return s->dor;
    case PORT_TDR:  return s->tdr;
    case PORT_MSR:  return read_msr(s);
    case PORT_FIFO: return read_fifo(s);
    case PORT_DIR:  return read_dir(s);
    default:        return 0xff;        /* not there in the AT mode */
    }
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Fdc *s = opaque;

    switch (at) {
    case PORT_DOR:  write_dor(s, v); break;
    case PORT_TDR:  s->tdr = v & 3; break;
    case PORT_DSR:  write_dsr(s, v); break;
    case PORT_FIFO: write_fifo(s, v); break;
    case PORT_CCR:  s->rate = v & RATE; break;
    }
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

static u64 last_read(void *opaque, u64 at, unsigned size)
{
    return port_read(opaque, PORT_DIR + at, size);
}

static void last_write(void *opaque, u64 at, unsigned size, u64 v)
{
    port_write(opaque, PORT_CCR + at, size, v);
}

void fdc_map(Device *fdc, MemSpace *io, u64 base, Device *dma)
{
    Fdc *s = (Fdc *)fdc;
    MemRegion first = {
        .name = fdc->id, .base = base, .size = PORT_DISK,
        .read = port_read, .write = port_write, .opaque = s,
    };
    MemRegion last = {
        .name = fdc->id, .base = base + PORT_DIR, .size = 1,
        .read = last_read, .write = last_write, .opaque = s,
    };

    fdc->base = base;
    mem_begin(io);
    mem_add(io, &first);
    mem_add(io, &last);
    mem_commit(io);
    s->dma = dma;
    i8257_connect(dma, CHANNEL, run_dma, s);
}

/* ---- drives ------------------------------------------------------------- */

bool fdc_attach(Device *fdc, Floppy *f, u32 unit, Err *err)
{
    Fdc *s = (Fdc *)fdc;
    bool any = unit == ~0u;

    for (unit = any ? 0 : unit; any && unit < FLOPPY_DRIVES; unit++) {
        if (!s->drive[unit]) {
            break;
        }
    }
    if (unit >= FLOPPY_DRIVES) {
        return fail(err, "a floppy controller has drives 0 to 3 only");
    }
    if (s->drive[unit]) {
        return fail(err, "there is another floppy drive with unit=%u", unit);
    }
    s->drive[unit] = f;
    return true;
}

static u8 cmos_type(const Floppy *f)
{
    switch (f ? f->type : 0) {
    case 360: return 1;
    case 120: return 2;
    case 144: return 4;
    case 288: return 5;
    default:  return 0;
    }
}

u8 fdc_cmos_type(const Device *fdc)
{
    const Fdc *s = (const Fdc *)fdc;

    return (u8)(cmos_type(s->drive[0]) << 4 | cmos_type(s->drive[1]));
}

u32 fdc_drives(const Device *fdc)
{
    const Fdc *s = (const Fdc *)fdc;
    u32 n = 0;

    for (u32 i = 0; i < FLOPPY_DRIVES; i++) {
        n += s->drive[i] != NULL;
    }
    return n;
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    Fdc *s = opaque;

    (void)err;
    s->timer = timer_new(CLOCK_VIRTUAL_NS, time_came, s);
    return true;
}

static void reset(void *opaque)
{
    soft_reset(opaque);
}

static bool sound(const Fdc *s)
{
    return s->phase < PHASES && s->fill < COMMAND_BYTES
        && (s->want == FLOPPY_SECTOR || s->want == FORMAT_ID || !s->want)
        && (s->phase != PHASE_MOVE || s->pos < s->want)
        && s->results <= RESULT_BYTES
        && (s->phase != PHASE_RESULT || s->taken < s->results)
        && (!s->fill || (command_of(s->command[0])
                         && s->fill < command_of(s->command[0])->bytes));
}

static bool loaded(void *opaque)
{
    Fdc *s = opaque;

    if (!sound(s)) {
        return false;
    }
    if (s->phase == PHASE_SEARCH || s->seeking) {
        wait_for_drive(s, SEARCH_NS);
    }
    drive_irq(s);
    request_dma(s, s->phase == PHASE_MOVE && uses_dma(s));
    return true;
}

static void stop(void *opaque)
{
    timer_free(((Fdc *)opaque)->timer);
}

DEVICE(fdc) {
    .name   = "isa-fdc",
    .about  = "82078 floppy disk controller",
    .size   = sizeof(Fdc),
    .window = PORTS,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        SAVE(Fdc, dor), SAVE(Fdc, tdr), SAVE(Fdc, rate), SAVE(Fdc, phase),
        SAVE(Fdc, interrupt), SAVE(Fdc, command), SAVE(Fdc, fill),
        SAVE(Fdc, result), SAVE(Fdc, results), SAVE(Fdc, taken),
        SAVE(Fdc, buf), SAVE(Fdc, pos), SAVE(Fdc, want), SAVE(Fdc, count),
        SAVE(Fdc, next_id), SAVE(Fdc, seeking), SAVE(Fdc, sensed),
        SAVE(Fdc, pcn), SAVE(Fdc, st0), SAVE(Fdc, specify), SAVE(Fdc, config),
        SAVE(Fdc, pretrack), SAVE(Fdc, eot), SAVE(Fdc, perpendicular),
        SAVE(Fdc, locked), { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Fdc, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
