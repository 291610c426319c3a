/* SPDX-License-Identifier: MIT */
/*
 * Floppy disk drives, device "floppy", with raw images.
 * References: ECMA-125 (1.44M), ECMA-147 (2.88M), ECMA-100 (720K) and
 * ISO 7487 (360K) for the formats; the extended ones are DOS's and Linux's.
 *
 * The image's size tells the format: the smallest that holds it.  What an
 * image lacks of its format reads as zeros.  Left out: sectors of other sizes
 * than 512 bytes, and 40-track disks in 80-track drives.
 */
#include <glib.h>
#include "hw/block/floppy.h"
#include "softmmu/machine.h"

enum { RATE_500K = 1 << 0, RATE_300K = 1 << 1, RATE_250K = 1 << 2,
       RATE_1M = 1 << 3, RATE_LOW = RATE_250K | RATE_300K };
enum { TRACK_MAX = 83, EMPTY_DRIVE = 144 };

/* By size. */
static const FloppyFormat formats[] = {
    {  160, 40, 1,  8, RATE_LOW,  360 },
    {  180, 40, 1,  9, RATE_LOW,  360 },
    {  320, 40, 2,  8, RATE_LOW,  360 },
    {  360, 40, 2,  9, RATE_LOW,  360 },
    {  720, 80, 2,  9, RATE_250K, 144 },
    { 1200, 80, 2, 15, RATE_500K, 120 },
    { 1440, 80, 2, 18, RATE_500K, 144 },
    { 1680, 80, 2, 21, RATE_500K, 144 },
    { 1722, 82, 2, 21, RATE_500K, 144 },
    { 2880, 80, 2, 36, RATE_1M,   288 },
};

static const FloppyFormat *format_for(u64 bytes)
{
    for (u32 i = 0; i < countof(formats); i++) {
        if (bytes <= (u64)formats[i].kib * 1024) {
            return &formats[i];
        }
    }
    return NULL;
}

/* ---- the disk ----------------------------------------------------------- */

static bool fits(void *opaque, const Block *b, Err *err)
{
    (void)opaque;
    return format_for(block_size(b))
        || fail(err, "%llu bytes are too many for a floppy disk; the largest "
                "is of 2880 KiB", (unsigned long long)block_size(b));
}

static void changed(void *opaque)
{
    Floppy *f = opaque;
    const Block *b = f->medium.disk;

    f->format = b ? format_for(block_size(b)) : NULL;
    f->changed = true;
}

static const struct MediumType medium_type = {
    .at = offsetof(Floppy, medium), .fits = fits, .changed = changed,
};

void floppy_seek(Floppy *f, u8 track)
{
    track = MIN(track, TRACK_MAX);
    if (track != f->track && f->medium.disk) {
        f->changed = false;
    }
    f->track = track;
}

bool floppy_protected(const Floppy *f)
{
    return f->medium.disk && block_readonly(f->medium.disk);
}

static u64 offset_of(const Floppy *f, u32 head, u32 sector)
{
    return ((f->track * f->format->heads + head) * (u64)f->format->sectors
            + sector - 1) * FLOPPY_SECTOR;
}

bool floppy_read(Floppy *f, u32 head, u32 sector, u8 *buf)
{
    u64 at = offset_of(f, head, sector);

    if (at + FLOPPY_SECTOR > block_size(f->medium.disk)) {
        memset(buf, 0, FLOPPY_SECTOR);
        return true;
    }
    return block_pread(f->medium.disk, at, buf, FLOPPY_SECTOR) == 0;
}

bool floppy_write(Floppy *f, u32 head, u32 sector, const u8 *buf)
{
    u64 at = offset_of(f, head, sector);

    return at + FLOPPY_SECTOR <= block_size(f->medium.disk)
        && block_pwrite(f->medium.disk, at, buf, FLOPPY_SECTOR) == 0;
}

/* ---- the device --------------------------------------------------------- */

static bool choose_type(Floppy *f, Err *err)
{
    static const u16 types[] = { 360, 120, 144, 288 };

    if (strcmp(f->type_wanted, "auto") == 0) {
        f->type = f->format ? f->format->drive : EMPTY_DRIVE;
        return true;
    }
    for (u32 i = 0; i < countof(types); i++) {
        if (g_ascii_strtoull(f->type_wanted, NULL, 10) == types[i]) {
            f->type = types[i];
            return true;
        }
    }
    return fail(err, "drive-type=%s: write auto, 360, 120, 144 or 288",
                f->type_wanted);
}

static Device *find_controller(const Machine *m)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (strcmp(d->type->name, "isa-fdc") == 0) {
            return d;
        }
    }
    return NULL;
}

static bool start(void *opaque, Err *err)
{
    Floppy *f = opaque;
    Device *fdc = f->dev.machine ? find_controller(f->dev.machine) : NULL;

    if (!medium_start(&f->dev, &f->medium, err)) {
        return false;
    }
    changed(f);
    if (!choose_type(f, err)) {
        return false;
    }
    if (f->dev.machine && !fdc) {
        return fail(err, "this board has no floppy controller");
    }
    return !fdc || fdc_attach(fdc, f, f->unit_wanted, err);
}

static void stop(void *opaque)
{
    medium_stop(&((Floppy *)opaque)->medium);
}

static bool loaded(void *opaque)
{
    return ((Floppy *)opaque)->track <= TRACK_MAX;
}

DEVICE(floppy) {
    .name   = "floppy",
    .about  = "floppy disk drive",
    .size   = sizeof(Floppy),
    .user   = true,
    .medium = &medium_type,
    .state  = (const Field[]) {
        KEEP_SAVE(Floppy, track), KEEP_SAVE(Floppy, changed), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("drive", PROP_BLOCK, Floppy, medium.disk, NULL, "the disk in it"),
        PROP("unit", PROP_U32, Floppy, unit_wanted, "0xffffffff",
             "0 is drive A; if not given, the next"),
        PROP("drive-type", PROP_STR, Floppy, type_wanted, "auto",
             "auto (by the disk), 360, 120, 144 or 288"),
        { 0 }
    },
    .start  = start,
    .loaded = loaded,
    .stop   = stop,
};
