/* SPDX-License-Identifier: MIT */
/*
 * Floppy disks from the driver's side: the 82078's commands, data by DMA and
 * by the FIFO; the 8237A alone.  And the watchdogs.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/block/fdc.h"
#include "hw/core/medium.h"
#include "hw/dma/i8257.h"
#include "hw/pci/pci.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"
#include "softmmu/options.h"

enum { RAM_BYTES = 0x100000, SECTOR = 512 };
enum { BUFFER = 0x12000 };              /* for DMA, at page 1 */
enum { FDC = 0x3f0, DOR = FDC + 2, MSR = FDC + 4, FIFO = FDC + 5,
       CHANGE = FDC + 7, CCR = FDC + 7 };
enum { RATE_500K = 0, RATE_250K = 2, RATE_1M = 3 };

typedef struct Fix {
    Machine  m;
    Ram     *ram;
    Device  *dma, *fdc;
    u32      irq, irqs;         /* its level; how often it rose */
    u32      ran, nmis;         /* calls of a DMA user; of the machine's NMI */
    u8       result[10];
    u32      results;
    char    *folder;
    int      tests, failed;
    bool     wrong;             /* in the running test */
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

static void bail(const Err *err)
{
    printf("Bail out! %s\n", err->text);
    exit(1);
}

static void on_irq(void *opaque, int n, bool level)
{
    Fix *x = opaque;

    (void)n;
    x->irq = level;
    x->irqs += level;
}

/* ---- the machine -------------------------------------------------------- */

static u8 in(Fix *x, u64 port)
{
    return (u8)mem_get(x->m.io, port, 1);
}

/* Two bytes at one register, the low one first. */
static u32 in_word(Fix *x, u64 port)
{
    u32 v = in(x, port);

    return v | (u32)in(x, port) << 8;
}

static void out(Fix *x, u64 port, u8 v)
{
    mem_put(x->m.io, port, 1, v);
}

static u8 *ram(Fix *x, u64 at)
{
    return x->ram->host + at;
}

static u8 pattern(u64 at)
{
    return (u8)(at / SECTOR * 7 + at);
}

static void open_image(Fix *x, const char *id, size_t bytes, const char *more)
{
    g_autofree char *path = g_strdup_printf("%s/%s", x->folder, id);
    g_autofree char *text = g_strdup_printf(
        "file=%s,if=none,id=%s,format=raw%s", path, id, more);
    g_autofree char *data = g_malloc(bytes);
    Err err = { "" };

    for (size_t i = 0; i < bytes; i++) {
        data[i] = (char)pattern(i);
    }
    g_file_set_contents(path, data, (gssize)bytes, NULL);
    if (!block_open(text, &err)) {
        bail(&err);
    }
    g_unlink(path);
}

static Device *add(Fix *x, const char *type, const char *prop,
                   const char *value)
{
    Err err = { "" };
    Device *d = device_new(type, type, &err);

    d->machine = &x->m;
    d->mem = x->m.mem;
    if ((prop && !device_set(d, prop, value, &err))
        || !device_start(d, &err)) {
        bail(&err);
    }
    g_ptr_array_add(x->m.devices, d);
    return d;
}

static void begin(Fix *x)
{
    const MemRegion r = { .name = "ram", .size = RAM_BYTES, .ram = x->ram };

    x->m.mem = mem_new();
    x->m.io = mem_new();
    x->m.devices = g_ptr_array_new();
    mem_add(x->m.mem, &r);
    x->dma = add(x, "isa-dma", NULL, NULL);
    i8257_map(x->dma, x->m.io);
    x->fdc = add(x, "isa-fdc", NULL, NULL);
    fdc_map(x->fdc, x->m.io, FDC, x->dma);
    line_connect(device_line(x->fdc, "irq", 0), on_irq, x, 0);
    x->irq = x->irqs = 0;
}

static void end(Fix *x)
{
    for (u32 i = x->m.devices->len; i-- > 0;) {
        device_free(x->m.devices->pdata[i]);
    }
    g_ptr_array_free(x->m.devices, true);
    mem_free(x->m.mem);
    mem_free(x->m.io);
}

static void wait_irq(Fix *x)
{
    gint64 end = g_get_monotonic_time() + 5000000;

    while (!x->irq && g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, false);
    }
    expect(x, "an interrupt", x->irq, 1);
}

static void on_nmi(Machine *m)
{
    container_of(m, Fix, m)->nmis++;
}

static void wait_nmi(Fix *x)
{
    gint64 end = g_get_monotonic_time() + 5000000;

    while (!x->nmis && g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, false);
    }
    expect(x, "it ran out", x->nmis, 1);
}

/* ---- the controller's protocol ------------------------------------------ */

static void send(Fix *x, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expect(x, "it takes a byte", in(x, MSR) & 0xc0, 0x80);
        out(x, FIFO, p[i]);
    }
}

#define SEND(x, ...) \
    send(x, (const u8[]) { __VA_ARGS__ }, sizeof((const u8[]) { __VA_ARGS__ }))

static void fetch(Fix *x)
{
    x->results = 0;
    while ((in(x, MSR) & 0xd0) == 0xd0 && x->results < sizeof x->result) {
        x->result[x->results++] = in(x, FIFO);
    }
}

static void expect_result(Fix *x, const char *what, const u8 *p, u32 n)
{
    fetch(x);
    expect(x, what, x->results, n);
    for (u32 i = 0; i < MIN(n, x->results); i++) {
        expect(x, what, x->result[i], p[i]);
    }
}

#define RESULT(x, what, ...) \
    expect_result(x, what, (const u8[]) { __VA_ARGS__ }, \
                  sizeof((const u8[]) { __VA_ARGS__ }))

static void enable(Fix *x, u8 rate)
{
    out(x, DOR, 0x08);
    expect(x, "in reset", in(x, MSR), 0);
    out(x, DOR, 0x1c);
    wait_irq(x);
    for (u8 i = 0; i < 4; i++) {
        SEND(x, 0x08);
        RESULT(x, "polled", 0xc0 | i, 0);
    }
    out(x, CCR, rate);
    SEND(x, 0x03, 0xdf, 0x02);
}

static void seek(Fix *x, u8 track)
{
    SEND(x, 0x0f, 0x00, track);
    expect(x, "drive 0 is busy", in(x, MSR), 0x81);
    wait_irq(x);
    SEND(x, 0x08);
    RESULT(x, "seek", 0x20, track);
    expect(x, "and the line is low", x->irq, 0);
}

/* Sets channel 2 up for len bytes at BUFFER. */
static void set_dma(Fix *x, u8 mode, u32 len)
{
    out(x, 0x0a, 0x06);
    out(x, 0x0c, 0);
    out(x, 0x04, (u8)BUFFER);
    out(x, 0x04, (u8)(BUFFER >> 8));
    out(x, 0x81, BUFFER >> 16);
    out(x, 0x05, (u8)(len - 1));
    out(x, 0x05, (u8)((len - 1) >> 8));
    out(x, 0x0b, mode | 2);
    out(x, 0x0a, 0x02);
}

static u64 place(u32 track, u32 head, u32 sector, u32 per_track)
{
    return ((track * 2ull + head) * per_track + sector - 1) * SECTOR;
}

/* Does memory at BUFFER hold the image's bytes from `at` on? */
static void expect_data(Fix *x, const char *what, u64 at, u32 len)
{
    u32 same = 0;

    while (same < len && *ram(x, BUFFER + same) == pattern(at + same)) {
        same++;
    }
    expect(x, what, same, len);
}

/* ---- tests -------------------------------------------------------------- */

static void ran(void *opaque)
{
    ((Fix *)opaque)->ran++;
}

static void test_dma(Fix *x)
{
    u8 buf[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    bool tc;

    begin(x);
    i8257_connect(x->dma, 1, ran, x);
    i8257_request(x->dma, 1, true);
    expect(x, "masked after reset", x->ran, 0);
    expect(x, "DREQ shows", in(x, 0x08), 0x20);
    out(x, 0x0d, 0);
    out(x, 0x02, 0xfe);
    out(x, 0x02, 0xff);
    out(x, 0x03, 3);
    out(x, 0x03, 0);
    out(x, 0x83, 0x05);
    out(x, 0x0b, 0x55);                         /* to memory, automatic */
    out(x, 0x0a, 1);
    expect(x, "run when it opens", x->ran, 1);
    expect(x, "it moves", i8257_move(x->dma, 1, DMA_TO_MEMORY, buf, 3, &tc),
           3);
    expect(x, "not at its end", tc, 0);
    expect(x, "memory", *ram(x, 0x5ffff), 2);
    expect(x, "the page stays", *ram(x, 0x50000), 3);
    out(x, 0x0c, 0);
    expect(x, "address", in_word(x, 0x02), 1);
    expect(x, "count", in_word(x, 0x03), 0);
    expect(x, "up to the end",
           i8257_move(x->dma, 1, DMA_TO_MEMORY, buf, 8, &tc), 1);
    expect(x, "terminal count", tc, 1);
    expect(x, "in the status", in(x, 0x08), 0x22);
    expect(x, "once", in(x, 0x08), 0x20);
    expect(x, "it began anew", in_word(x, 0x02), 0xfffe);
    expect(x, "the wrong way", i8257_move(x->dma, 1, DMA_FROM_MEMORY, buf, 1,
                                          &tc), 0);
    out(x, 0xd6, 0xc0);                         /* the cascade */
    out(x, 0xd4, 0);
    out(x, 0xd8, 0);
    out(x, 0xc4, 0x00);                         /* channel 5 */
    out(x, 0xc4, 0x10);
    out(x, 0xc6, 1);
    out(x, 0xc6, 0);
    out(x, 0x8b, 0x07);
    out(x, 0xd6, 0x49);                         /* from memory */
    out(x, 0xd4, 1);
    memcpy(ram(x, 0x62000), "word", 4);
    expect(x, "words", i8257_move(x->dma, 5, DMA_FROM_MEMORY, buf, 8, &tc), 4);
    expect(x, "of them", memcmp(buf, "word", 4), 0);
    out(x, 0xd8, 0);
    expect(x, "masked at the end", in(x, 0xde) & 0x0f, 0x0e);
    expect(x, "a page is memory", in(x, 0x8b), 0x07);
    end(x);
    report(x, "8237A: channels, pages, automatic start");
}

static void test_commands(Fix *x)
{
    begin(x);
    open_image(x, "c", 1440 << 10, "");
    add(x, "floppy", "drive", "c");
    expect(x, "CMOS", fdc_cmos_type(x->fdc), 0x40);
    enable(x, RATE_500K);
    SEND(x, 0x10);
    RESULT(x, "VERSION", 0x90);
    SEND(x, 0x13, 0x00, 0x57, 0x11);
    SEND(x, 0x12, 0x80 | 0x04);
    SEND(x, 0x94);
    RESULT(x, "LOCK", 0x10);
    seek(x, 7);
    SEND(x, 0x0e);
    RESULT(x, "DUMPREG", 7, 0, 0, 0, 0xdf, 0x02, 0, 0x84, 0x57, 0x11);
    SEND(x, 0x04, 0x04);
    RESULT(x, "SENSE DRIVE", 0x2c);
    SEND(x, 0x8f | 0x40, 0x00, 0x03);
    wait_irq(x);
    SEND(x, 0x08);
    RESULT(x, "relative seek", 0x20, 10);
    SEND(x, 0x07, 0x00);
    wait_irq(x);
    SEND(x, 0x08);
    RESULT(x, "recalibrated", 0x20, 0);
    SEND(x, 0x04, 0x00);
    RESULT(x, "at track 0", 0x38);
    SEND(x, 0x07, 0x01);
    wait_irq(x);
    SEND(x, 0x08);
    RESULT(x, "there is no drive B", 0x71, 0);
    SEND(x, 0x08);
    RESULT(x, "nothing to sense", 0x80);
    SEND(x, 0x1f);
    RESULT(x, "no command", 0x80);
    SEND(x, 0x4a, 0x04);
    wait_irq(x);
    fetch(x);
    expect(x, "READ ID", x->result[0] | x->result[6] << 8, 0x0204);
    out(x, FDC + 4, 0x80);
    wait_irq(x);
    SEND(x, 0x08);
    RESULT(x, "reset by DSR", 0xc0, 0);
    SEND(x, 0x0e);
    fetch(x);
    expect(x, "LOCK kept the FIFO's part", x->result[8], 0x07);
    end(x);
    report(x, "82078: commands without data");
}

static void test_read(Fix *x)
{
    begin(x);
    open_image(x, "r", 1440 << 10, ",readonly=on");
    add(x, "floppy", "drive", "r");
    enable(x, RATE_500K);
    seek(x, 3);
    set_dma(x, 0x44, 2 * SECTOR);
    SEND(x, 0xe6, 0x00, 3, 0, 17, 2, 18, 0x1b, 0xff);
    expect(x, "busy", in(x, MSR), 0x10);
    wait_irq(x);
    RESULT(x, "two sectors", 0x04, 0, 0, 3, 1, 1, 2);
    expect(x, "served", x->irq, 0);
    expect_data(x, "their data", place(3, 0, 17, 18), 2 * SECTOR);
    set_dma(x, 0x44, 19 * SECTOR);
    SEND(x, 0xe6, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "over both heads", 0x04, 0, 0, 3, 1, 2, 2);
    expect_data(x, "data of both", place(3, 0, 1, 18), 19 * SECTOR);
    set_dma(x, 0x44, 4 * SECTOR);
    SEND(x, 0x46, 0x04, 3, 1, 18, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "beyond the track", 0x44, 0x80, 0, 4, 1, 1, 2);
    SEND(x, 0x46, 0x00, 5, 0, 1, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "another track", 0x40, 0x04, 0x10, 5, 0, 1, 2);
    SEND(x, 0x46, 0x00, 3, 0, 19, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "no such sector", 0x40, 0x04, 0, 3, 0, 19, 2);
    SEND(x, 0x45, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "protected", 0x40, 0x02, 0, 3, 0, 1, 2);
    out(x, CCR, RATE_250K);
    SEND(x, 0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "at another rate", 0x40, 0x01, 0, 3, 0, 1, 2);
    out(x, CCR, RATE_500K);
    SEND(x, 0x13, 0x00, 0x50, 0x00);            /* implied seeks */
    out(x, 0x0a, 0x06);
    SEND(x, 0x46, 0x00, 79, 0, 2, 2, 18, 0x1b, 0xff);
    for (u32 i = 0; i < 20; i++) {
        g_usleep(1000);
        g_main_context_iteration(NULL, false);
    }
    expect(x, "it waits for the channel", x->irq, 0);
    set_dma(x, 0x44, SECTOR);
    wait_irq(x);
    RESULT(x, "then goes on", 0x00, 0, 0, 79, 0, 3, 2);
    expect_data(x, "and seeks itself", place(79, 0, 2, 18), SECTOR);
    SEND(x, 0xd6, 0x80, 79, 0, 1, 2, 18, 0x1b, 20);
    wait_irq(x);
    RESULT(x, "verified", 0x04, 0, 0, 79, 1, 3, 2);
    end(x);
    report(x, "82078: reading by DMA, errors");
}

static void test_write(Fix *x)
{
    u8 got[SECTOR];

    begin(x);
    open_image(x, "w", 720 << 10, "");
    add(x, "floppy", "drive", "w");
    enable(x, RATE_250K);
    seek(x, 1);
    for (u32 i = 0; i < 0x300; i++) {
        *ram(x, BUFFER + i) = (u8)(i ^ 0x5a);
    }
    set_dma(x, 0x48, 0x300);
    SEND(x, 0x45, 0x04, 1, 1, 4, 2, 9, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "a sector and a half", 0x04, 0, 0, 1, 1, 6, 2);
    Block *b = block_find("w");
    block_pread(b, place(1, 1, 4, 9), got, SECTOR);
    expect(x, "the first", memcmp(got, ram(x, BUFFER), SECTOR), 0);
    block_pread(b, place(1, 1, 5, 9), got, SECTOR);
    expect(x, "the half", memcmp(got, ram(x, BUFFER + SECTOR), 0x100), 0);
    expect(x, "zeros behind it", got[0x100] | got[SECTOR - 1], 0);
    for (u8 i = 0; i < 9; i++) {
        memcpy(ram(x, BUFFER + 4 * i), (u8[]) { 1, 0, i + 1, 2 }, 4);
    }
    set_dma(x, 0x48, 36);
    SEND(x, 0x4d, 0x00, 2, 9, 0x50, 0xf6);
    wait_irq(x);
    fetch(x);
    expect(x, "formatted", x->result[0] | x->result[1] << 8, 0);
    block_pread(b, place(1, 0, 9, 9), got, SECTOR);
    expect(x, "with the filler", got[0] == 0xf6 && got[SECTOR - 1] == 0xf6, 1);
    block_pread(b, place(1, 1, 1, 9), got, SECTOR);
    expect(x, "of one side", got[0], pattern(place(1, 1, 1, 9)));
    end(x);
    report(x, "82078: writing and formatting");
}

static void test_pio(Fix *x)
{
    u32 bad = 0;

    begin(x);
    open_image(x, "p", 2880 << 10, "");
    add(x, "floppy", "drive", "p");
    expect(x, "CMOS", fdc_cmos_type(x->fdc), 0x50);
    enable(x, RATE_1M);
    SEND(x, 0x03, 0xdf, 0x03);                  /* no DMA */
    SEND(x, 0x46, 0x00, 0, 0, 36, 2, 36, 0x1b, 0xff);
    wait_irq(x);
    for (u32 i = 0; i < SECTOR; i++) {
        bad += in(x, MSR) != 0xf0;
        bad += in(x, FIFO) != pattern(place(0, 0, 36, 36) + i);
    }
    expect(x, "the sector", bad, 0);
    RESULT(x, "ends at EOT", 0x40, 0x80, 0, 1, 0, 1, 2);
    SEND(x, 0x45, 0x00, 0, 0, 1, 2, 1, 0x1b, 0xff);
    wait_irq(x);
    for (u32 i = 0; i < SECTOR; i++) {
        bad += in(x, MSR) != 0xb0;
        out(x, FIFO, (u8)~i);
    }
    RESULT(x, "written", 0x40, 0x80, 0, 1, 0, 1, 2);
    u8 got[SECTOR];
    block_pread(block_find("p"), 0, got, SECTOR);
    expect(x, "there", bad || got[0] != 0xff || got[1] != 0xfe, 0);
    end(x);
    report(x, "82078: data through the FIFO");
}

static void test_change(Fix *x)
{
    Err err = { "" };

    begin(x);
    open_image(x, "old", 360 << 10, "");
    open_image(x, "new", 360 << 10, "");
    open_image(x, "big", 3 << 20, "");
    Device *f = add(x, "floppy", "drive", "old");
    add(x, "floppy", NULL, NULL);
    expect(x, "CMOS", fdc_cmos_type(x->fdc), 0x14);
    expect(x, "drives", fdc_drives(x->fdc), 2);
    enable(x, RATE_250K);
    expect(x, "changed at first", in(x, CHANGE) & 0x80, 0x80);
    seek(x, 1);
    expect(x, "a step tells that it is known", in(x, CHANGE) & 0x80, 0);
    medium_remove(f);
    expect(x, "out", block_find("old") == NULL, 1);
    expect(x, "changed", in(x, CHANGE) & 0x80, 0x80);
    seek(x, 0);
    expect(x, "an empty drive stays so", in(x, CHANGE) & 0x80, 0x80);
    SEND(x, 0x46, 0x00, 0, 0, 1, 2, 9, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "nothing to read", 0x40, 0x01, 0, 0, 0, 1, 2);
    expect(x, "too large", medium_insert(f, block_find("big"), &err), 0);
    expect(x, "in", medium_insert(f, block_find("new"), &err), 1);
    expect(x, "changed again", in(x, CHANGE) & 0x80, 0x80);
    seek(x, 1);
    expect(x, "until a step", in(x, CHANGE) & 0x80, 0);
    out(x, DOR, 0x0c);
    seek(x, 2);
    set_dma(x, 0x44, SECTOR);
    SEND(x, 0x46, 0x04, 2, 1, 1, 2, 9, 0x1b, 0xff);
    wait_irq(x);
    RESULT(x, "and reads", 0x04, 0, 0, 2, 1, 2, 2);
    expect_data(x, "its data", place(2, 1, 1, 9), SECTOR);
    end(x);
    report(x, "floppy drives: change of disks, types");
}

static void test_ib700(Fix *x)
{
    Options options = { .watchdog = WATCHDOG_INJECT_NMI };

    begin(x);
    x->m.opts = &options;
    x->m.nmi = on_nmi;
    x->nmis = 0;
    add(x, "ib700", NULL, NULL);
    out(x, 0x443, 0x0e);                        /* two seconds */
    out(x, 0x441, 0);
    out(x, 0x443, 0x0f);                        /* none at all */
    wait_nmi(x);
    out(x, 0x443, 0);
    g_usleep(10000);
    g_main_context_iteration(NULL, false);
    expect(x, "30 seconds are long", x->nmis, 1);
    end(x);
    report(x, "ib700");
}

static void unlocked(Device *d, u64 at, u32 v)
{
    PciDevice *p = (PciDevice *)d;
    const PciBar *bar = &p->mapped[0].bar;

    bar->write(bar->opaque, 12, 2, 0x80);
    bar->write(bar->opaque, 12, 2, 0x86);
    bar->write(bar->opaque, at, 4, v);
}

static void test_esb(Fix *x)
{
    Options options = { .watchdog = WATCHDOG_INJECT_NMI };

    begin(x);
    x->m.opts = &options;
    x->m.nmi = on_nmi;
    x->nmis = 0;
    Device *d = add(x, "i6300esb", NULL, NULL);
    PciDevice *p = (PciDevice *)d;
    const PciBar *bar = &p->mapped[0].bar;
    expect(x, "identity", pci_config_read(p, 0, 4), 0x25ab8086);
    bar->write(bar->opaque, 0, 4, 5);           /* locked: no effect */
    unlocked(d, 0, 20);
    unlocked(d, 4, 20);
    pci_config_write(p, 0x68, 1, 3);            /* enabled, then locked */
    pci_config_write(p, 0x68, 1, 0);
    expect(x, "locked", pci_config_read(p, 0x68, 1), 3);
    gint64 then = g_get_monotonic_time();
    wait_nmi(x);
    expect(x, "after both stages", g_get_monotonic_time() - then >= 30000, 1);
    expect(x, "the first is told", bar->read(bar->opaque, 8, 4), 1);
    expect(x, "and the end", bar->read(bar->opaque, 12, 4), 0x200);
    device_reset(d);
    expect(x, "over a reset too", bar->read(bar->opaque, 12, 4), 0x200);
    unlocked(d, 12, 0x200);
    expect(x, "until it is cleared", bar->read(bar->opaque, 12, 4), 0);
    end(x);
    report(x, "i6300esb");
}

int main(void)
{
    Err err = { "" };
    Fix x = { .folder = g_dir_make_tmp("anole-XXXXXX", NULL) };

    x.ram = ram_new("ram", RAM_BYTES, &err);
    if (!x.ram) {
        bail(&err);
    }
    clock_pause(false);
    test_dma(&x);
    test_commands(&x);
    test_read(&x);
    test_write(&x);
    test_pio(&x);
    test_change(&x);
    test_ib700(&x);
    test_esb(&x);
    block_close_all();
    ram_free(x.ram);
    g_rmdir(x.folder);
    g_free(x.folder);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
