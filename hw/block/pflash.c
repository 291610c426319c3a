/* SPDX-License-Identifier: MIT */
/*
 * Parallel NOR flash with the Intel command set: two 16-bit chips side by
 * side as a bank of 32 bits, or one chip of 32 or 8 bits.
 * References: JEDEC JESD68.01 (CFI), JEP137; Intel "Common Flash Interface
 * and Command Sets" (AP-646), StrataFlash 28F256 data sheet for commands and
 * status bits.
 *
 * Two chips get the same commands, hence one state serves both; what is read
 * of one is repeated in the upper half.  Programming and erasing take no time.
 * With secure=on only CPUs in SMM have the chips; the others see a ROM.
 * Left out: block locks (always unlocked), suspend (nothing to suspend),
 * protection registers.
 */
#include <glib.h>
#include "block/block.h"
#include "hw/block/pflash.h"
#include "util/log.h"

enum {
    CHIP_BUFFER = 2048, BUFFER_MAX = 2 * CHIP_BUFFER,
    WINDOW = 64 << 20,                  /* with the default properties */
};

enum {                                  /* commands */
    CMD_PROGRAM_ALT = 0x10, CMD_ERASE = 0x20, CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50, CMD_LOCK = 0x60, CMD_STATUS = 0x70,
    CMD_ID = 0x90, CMD_CFI = 0x98, CMD_SUSPEND = 0xb0, CMD_CONFIRM = 0xd0,
    CMD_BUFFER = 0xe8, CMD_ARRAY = 0xff,
};

enum {                                  /* status register */
    SR_LOCKED = 1 << 1, SR_PROGRAM = 1 << 4, SR_ERASE = 1 << 5,
    SR_READY = 1 << 7,
};

/* What reads give, and what the next write means. */
typedef enum Mode { MODE_ARRAY, MODE_STATUS, MODE_ID, MODE_CFI, MODES } Mode;
typedef enum Expect {
    EXPECT_COMMAND, EXPECT_WORD, EXPECT_ERASE, EXPECT_LOCK,
    EXPECT_COUNT, EXPECT_DATA, EXPECT_CONFIRM, EXPECTS
} Expect;

typedef struct Pflash {
    Device    dev;
    Block    *drive;
    u64       sector;                   /* bytes of an erase block of both */
    u32       blocks;
    u32       width;                    /* bytes of a bus word: 4 or 1 */
    u32       chips;                    /* side by side in four bytes */
    Ram      *ram;
    bool      secure, swap;
    MemSpace *space;                    /* where it is mapped, or NULL */
    u32       handle;
    bool      mapped_as_rom;
    MemSpace *rom_space;                /* of what others see, or NULL */
    u32       rom_handle;

    u32       mode, expect, status;
    u64       first;                    /* of a buffered write: its block */
    u32       left;                     /* bytes of it still to come */
    u8        buffer[BUFFER_MAX];
} Pflash;

static u64 size_of(const Pflash *s)
{
    return s->sector * s->blocks;
}

static u32 chips(const Pflash *s) { return s->width == 1 ? 1 : s->chips; }
static u32 buffer_size(const Pflash *s) { return chips(s) * CHIP_BUFFER; }

/* ---- mapping ------------------------------------------------------------ */

static u64 flash_read(void *opaque, u64 at, unsigned size);
static void flash_write(void *opaque, u64 at, unsigned size, u64 v);

static void map(Pflash *s)
{
    bool rom = s->mode == MODE_ARRAY;
    MemRegion r = {
        .name = s->dev.id, .base = s->dev.base, .size = size_of(s),
        .ram = rom ? s->ram : NULL, .readonly = rom,
        .read = rom ? NULL : flash_read, .write = flash_write, .opaque = s,
    };

    mem_begin(s->space);
    if (s->handle) {
        mem_remove(s->space, s->handle);
    }
    s->handle = mem_add(s->space, &r);
    s->mapped_as_rom = rom;
    mem_commit(s->space);
}

/* Reads go to memory directly in array mode only. */
static void set_mode(Pflash *s, Mode mode)
{
    s->mode = mode;
    if (s->space && s->mapped_as_rom != (mode == MODE_ARRAY)) {
        map(s);
    }
}

/* What who may not write sees. */
static void map_rom(Pflash *s, MemSpace *m)
{
    MemRegion r = {
        .name = s->dev.id, .base = s->dev.base, .size = size_of(s),
        .ram = s->ram, .readonly = true,
    };

    s->rom_space = m;
    s->rom_handle = mem_add(m, &r);
}

void pflash_map(Device *d, MemSpace *m, MemSpace *smm, u64 base)
{
    Pflash *s = (Pflash *)d;

    d->base = base;
    s->space = s->secure ? smm : m;
    if (s->secure) {
        map_rom(s, m);
    }
    if (s->space) {
        map(s);
    }
}

Ram *pflash_ram(Device *d)
{
    return ((Pflash *)d)->ram;
}

/* ---- identification ----------------------------------------------------- */

static u8 log2_of(u64 v)
{
    return (u8)(63 - __builtin_clzll(v));
}

/* Byte `i` of a chip's CFI query structure; 0x10 is its first. */
static u32 cfi(const Pflash *s, u32 i)
{
    static const u8 fixed[] = {
        'Q', 'R', 'Y', 1, 0, 0x31, 0, 0, 0, 0, 0,   /* 10: Intel, table at 31 */
        0x45, 0x55, 0, 0,               /* 1b: 4.5 to 5.5 V, no Vpp */
        7, 7, 10, 0, 4, 4, 4, 0,        /* 1f: times, as powers of two */
        0, 2, 0,                        /* 27: size; 8 or 16 bits wide */
        11, 0, 1,                       /* 2a: buffer 2^11; one region */
        0, 0, 0, 0,                     /* 2d: blocks - 1; bytes / 256 */
        'P', 'R', 'I', '1', '0',        /* 31: version 1.0, no options */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1,   /* 3f: one protection field */
    };
    u64 chip = size_of(s) / chips(s), block = s->sector / chips(s) / 256;

    switch (i) {
    case 0x27: return log2_of(chip);
    case 0x2d: return (s->blocks - 1) & 0xff;
    case 0x2e: return (s->blocks - 1) >> 8;
    case 0x2f: return block & 0xff;
    case 0x30: return block >> 8 & 0xff;
    }
    return i >= 0x10 && i - 0x10 < sizeof fixed ? fixed[i - 0x10] : 0;
}

static u32 identity(u32 i)
{
    static const u8 id[] = { 0x89, 0x18 };  /* Intel, 28F128J3 family */

    return i < sizeof id ? id[i] : 0;       /* 2: not locked */
}

/* One chip's bits at bus word i. */
static u32 chip_word(const Pflash *s, u64 i)
{
    switch (s->mode) {
    case MODE_ID:  return identity((u32)(i % (s->sector / s->width)));
    case MODE_CFI: return cfi(s, (u32)MIN(i, UINT32_MAX));
    default:       return s->status;
    }
}

static u64 flash_read(void *opaque, u64 at, unsigned size)
{
    Pflash *s = opaque;
    u64 v = 0;

    if (at + size > size_of(s)) {
        return 0;
    }
    if (s->mode == MODE_ARRAY) {
        return load_le(s->ram->host + at, size);
    }
    for (unsigned i = 0; i < size; i++) {
        u32 word = chip_word(s, (at + i) / s->width);
        u32 byte = (at + i) & (s->width / chips(s) - 1);
        v |= (u64)(word >> 8 * byte & 0xff) << 8 * i;
    }
    return v;
}

/* ---- programming -------------------------------------------------------- */

/* Words as the image has them, or from there; len is a multiple of 4. */
static void copy_words(const Pflash *s, u8 *to, const u8 *from, u64 len)
{
    for (u64 i = 0; i < len; i += 4) {
        u64 v = load_le(from + i, 4);
        if (s->swap) {
            store_be(to + i, 4, v);
        } else {
            store_le(to + i, 4, v);
        }
    }
}

/* Contents changed: translated code and the image follow. */
static void store(Pflash *s, u64 at, u64 len)
{
    u64 first = align_down(at, 4), end = align_up(at + len, 4);

    ram_wrote(s->ram, at, len);
    if (s->drive) {
        g_autofree u8 *words = g_malloc(end - first);
        copy_words(s, words, s->ram->host + first, end - first);
        if (block_pwrite(s->drive, first, words, end - first)) {
            s->status |= SR_PROGRAM;
        }
    }
}

static bool writable(Pflash *s, u32 error)
{
    if (s->drive && block_readonly(s->drive)) {
        s->status |= error | SR_LOCKED;
        return false;
    }
    return true;
}

/* Programming can only clear bits. */
static void program(Pflash *s, u64 at, const u8 *data, u64 len)
{
    if (at + len <= size_of(s) && writable(s, SR_PROGRAM)) {
        for (u64 i = 0; i < len; i++) {
            s->ram->host[at + i] &= data[i];
        }
        store(s, at, len);
    }
}

static void erase(Pflash *s, u64 at)
{
    u64 first = align_down(at, s->sector);

    if (writable(s, SR_ERASE)) {
        memset(s->ram->host + first, 0xff, s->sector);
        store(s, first, s->sector);
    }
}

/* ---- commands ----------------------------------------------------------- */

typedef struct Command {
    u8     code;
    Mode   mode;                        /* what reads give then */
    Expect expect;
} Command;

static const Command commands[] = {
    { CMD_PROGRAM,      MODE_STATUS, EXPECT_WORD },
    { CMD_PROGRAM_ALT,  MODE_STATUS, EXPECT_WORD },
    { CMD_ERASE,        MODE_STATUS, EXPECT_ERASE },
    { CMD_LOCK,         MODE_STATUS, EXPECT_LOCK },
    { CMD_BUFFER,       MODE_STATUS, EXPECT_COUNT },
    { CMD_STATUS,       MODE_STATUS, EXPECT_COMMAND },
    { CMD_SUSPEND,      MODE_STATUS, EXPECT_COMMAND },
    { CMD_CONFIRM,      MODE_STATUS, EXPECT_COMMAND },
    { CMD_CLEAR_STATUS, MODE_ARRAY,  EXPECT_COMMAND },
    { CMD_ID,           MODE_ID,     EXPECT_COMMAND },
    { CMD_CFI,          MODE_CFI,    EXPECT_COMMAND },
    { CMD_ARRAY,        MODE_ARRAY,  EXPECT_COMMAND },
};

static void command(Pflash *s, u64 at, u8 code)
{
    for (u32 i = 0; i < countof(commands); i++) {
        const Command *c = &commands[i];
        if (c->code == code) {
            /* OVMF knows flash by a status of 0 after it was cleared. */
            if (code == CMD_CLEAR_STATUS) {
                s->status = 0;
            } else if (c->expect != EXPECT_COMMAND) {
                s->status |= SR_READY;
            }
            s->expect = c->expect;
            set_mode(s, c->mode);
            return;
        }
    }
    if (code != 0) {                    /* 0: drivers' harmless probes */
        log_line(LOG_GUEST, "%s: no flash command %#x (at %#llx)", s->dev.id,
                 code, (unsigned long long)at);
    }
    set_mode(s, MODE_ARRAY);
}

/* A sequence that is not as it must be: both error bits. */
static void bad_sequence(Pflash *s, const char *what, u64 at)
{
    log_line(LOG_GUEST, "%s: %s expected at %#llx", s->dev.id, what,
             (unsigned long long)at);
    s->status |= SR_PROGRAM | SR_ERASE;
    s->expect = EXPECT_COMMAND;
}

/* The number of words a chip gets, less one; of as many bytes as this is. */
static void start_buffer(Pflash *s, u64 at, unsigned size, u32 count)
{
    u64 bytes = ((u64)count + 1) * MIN(size, s->width);

    if (bytes > buffer_size(s)) {
        bad_sequence(s, "a count of words that fit the buffer", at);
        return;
    }
    memset(s->buffer, 0xff, sizeof s->buffer);
    s->left = (u32)bytes;
    s->first = ~0ull;
    s->expect = EXPECT_DATA;
}

static void fill_buffer(Pflash *s, u64 at, unsigned size, u64 v)
{
    if (s->first == ~0ull) {
        s->first = align_down(at, buffer_size(s));
    }
    if (at < s->first || at + size > s->first + buffer_size(s)) {
        bad_sequence(s, "data for the write buffer", at);
        return;
    }
    store_le(s->buffer + (at - s->first), size, v);
    s->left -= MIN(size, s->left);
    if (!s->left) {
        s->expect = EXPECT_CONFIRM;
    }
}

static void flash_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Pflash *s = opaque;
    u8 bytes[8], code = (u8)v;

    if (at + size > size_of(s)) {
        return;
    }
    switch ((Expect)s->expect) {
    case EXPECT_WORD:
        store_le(bytes, size, v);
        program(s, at, bytes, size);
        s->expect = EXPECT_COMMAND;
        break;
    case EXPECT_ERASE:
        if (code == CMD_CONFIRM) {
            erase(s, at);
            s->expect = EXPECT_COMMAND;
        } else {
            bad_sequence(s, "confirmation of the erase", at);
        }
        break;
    case EXPECT_LOCK:                   /* 01 lock, d0 unlock, 2f lock down */
        s->expect = EXPECT_COMMAND;
        break;
    case EXPECT_COUNT:
        start_buffer(s, at, size, (u32)v & 0xffff);
        break;
    case EXPECT_DATA:
        fill_buffer(s, at, size, v);
        break;
    case EXPECT_CONFIRM:
        if (code == CMD_CONFIRM) {
            program(s, s->first, s->buffer, buffer_size(s));
            s->expect = EXPECT_COMMAND;
        } else {
            bad_sequence(s, "confirmation of the buffer", at);
        }
        break;
    default:
        command(s, at, code);
    }
}

/* ---- life --------------------------------------------------------------- */

static bool load_image(Pflash *s, Err *err)
{
    u64 have = block_size(s->drive);

    if (have != size_of(s)) {
        return fail(err, "the flash bank is of %llu bytes, its image \"%s\" "
                    "of %llu; `truncate -s %llu IMAGE` makes it fit",
                    (unsigned long long)size_of(s), block_id(s->drive),
                    (unsigned long long)have,
                    (unsigned long long)size_of(s));
    }
    int r = block_pread(s->drive, 0, s->ram->host, have);
    copy_words(s, s->ram->host, s->ram->host, s->swap ? have : 0);
    return r == 0 || fail(err, "cannot read the flash image \"%s\": %s",
                          block_id(s->drive), g_strerror(-r));
}

static bool start(void *opaque, Err *err)
{
    Pflash *s = opaque;

    if (s->width != 4 && s->width != 1) {
        return fail(err, "width %u: write 4 or 1", s->width);
    }
    if (s->chips != 1 && s->chips != 2) {
        return fail(err, "chips %u: write 1 or 2", s->chips);
    }
    if (!is_pow2(s->sector) || s->sector < BUFFER_MAX
        || s->sector > 1 << 25) {
        return fail(err, "sector-length %llu is not a power of two from %u to "
                    "32M", (unsigned long long)s->sector, BUFFER_MAX);
    }
    if (s->blocks < 1 || s->blocks > 65536 || size_of(s) > 1ull << 32) {
        return fail(err, "num-blocks %u: there are 1 to 65536 blocks, 4 GiB",
                    s->blocks);
    }
    s->ram = ram_new(s->dev.id, size_of(s), err);
    if (!s->ram) {
        return false;
    }
    s->ram->readonly = true;
    return !s->drive || (block_claim(s->drive, s->dev.id, err)
                         && load_image(s, err));
}

static void reset(void *opaque)
{
    Pflash *s = opaque;

    s->status = SR_READY;
    set_mode(s, MODE_ARRAY);
}

static bool loaded(void *opaque)
{
    Pflash *s = opaque;
    bool ok = s->mode < MODES && s->expect < EXPECTS
        && s->left <= buffer_size(s)
        && (s->first == ~0ull || (s->first % buffer_size(s) == 0
                                  && s->first < size_of(s)))
        && (s->expect != EXPECT_CONFIRM || s->first != ~0ull);

    if (!ok) {
        s->mode = s->expect = 0;
        s->first = 0;
    }
    set_mode(s, (Mode)s->mode);
    return ok;
}

static void stop(void *opaque)
{
    Pflash *s = opaque;

    if (s->space) {
        mem_remove(s->space, s->handle);
    }
    if (s->rom_space) {
        mem_remove(s->rom_space, s->rom_handle);
    }
    ram_free(s->ram);
}

DEVICE(pflash) {
    .name   = "cfi.pflash01",
    .about  = "parallel flash, Intel command set, two chips of 16 bits",
    .size   = sizeof(Pflash),
    .window = WINDOW,
    .compatible = "cfi-flash",
    .mmio_read = flash_read,
    .mmio_write = flash_write,
    .state  = (const Field[]) {
        SAVE(Pflash, mode), SAVE(Pflash, expect), SAVE(Pflash, status),
        SAVE(Pflash, first), SAVE(Pflash, left), SAVE(Pflash, buffer), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("drive", PROP_BLOCK, Pflash, drive, NULL, "image; else empty"),
        PROP("sector-length", PROP_U64, Pflash, sector, "256K", "erase block"),
        PROP("num-blocks", PROP_U32, Pflash, blocks, "256", "erase blocks"),
        PROP("width", PROP_U32, Pflash, width, "4", "bytes of a bus word, 4 or 1"),
        PROP("chips", PROP_U32, Pflash, chips, "2", "side by side, 1 or 2, if width is 4"),
        PROP("swap", PROP_BOOL, Pflash, swap, "off",
             "the image has the bytes of words the other way round"),
        PROP("secure", PROP_BOOL, Pflash, secure, "off", "only CPUs in SMM write it"),
        { 0 }
    },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
