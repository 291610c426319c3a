/* SPDX-License-Identifier: MIT */
/*
 * The PC AT's chips from the driver's side, by their data sheets: 8259A, 8254,
 * MC146818, 16550A, 8042 with keyboard and mouse, the parallel port, and the
 * ports that only hold a bit or two.
 *
 * The virtual clock stands but in run_for(), so what the 8254 shows is exact.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include "chardev/chardev.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/misc/pcspk.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/timer/i8254.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"
#include "ui/input.h"

typedef struct Fix {
    u32  levels;                /* of the lines connected here */
    u32  rises[32];
    char *folder;
    int  tests, failed;
    bool wrong;                 /* in the running test */
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

static void sink(void *opaque, int n, bool level)
{
    Fix *x = opaque;

    x->levels = (u32)deposit(x->levels, n, 1, level);
    x->rises[n] += level;
}

static Device *make(const char *type, const char *prop, const char *value)
{
    Err err = { "" };
    Device *d = device_new(type, NULL, &err);

    if (!d || (prop && !device_set(d, prop, value, &err))
        || !device_start(d, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return d;
}

/* Wires the nth line to bit n here, from a clean slate. */
static void watch(Fix *x, Device *d, const char *wire, u32 n)
{
    line_connect(device_line(d, wire, n), sink, x, (int)n);
    x->levels = 0;
    memset(x->rises, 0, sizeof x->rises);
}

static u8 in(Device *d, u64 at)
{
    return (u8)device_read(d, at, 1);
}

/* Two bytes at one register, the low one first. */
static u32 in_word(Device *d, u64 at)
{
    u32 v = in(d, at);

    return v | (u32)in(d, at) << 8;
}

static void out(Device *d, u64 at, u8 v)
{
    device_write(d, at, 1, v);
}

/* Writes at one register: the bytes up to the end. */
static void out_all(Device *d, u64 at, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out(d, at, p[i]);
    }
}

#define OUT(d, at, ...) \
    out_all(d, at, (const u8[]) { __VA_ARGS__ }, \
            sizeof((const u8[]) { __VA_ARGS__ }))

static void run_for(u32 us) { clock_step((i64)us * 1000); }

/* ---- interrupt controllers ---------------------------------------------- */

enum { OCW2_EOI = 0x20, OCW3_IRR = 0x0a, OCW3_ISR = 0x0b };

typedef struct Pics {
    Device *master, *slave;
} Pics;

static Pics make_pics(Fix *x)
{
    Pics p = { make("isa-pic", "master", "on"), make("isa-pic", NULL, NULL) };
    MemSpace *io = mem_new();

    i8259_map(p.master, io, 0x20, 0x4d0);
    i8259_map(p.slave, io, 0xa0, 0x4d1);
    i8259_cascade(p.master, p.slave);
    mem_put(io, 0x4d0, 1, 0xff);
    mem_put(io, 0x4d1, 1, 0xff);
    expect(x, "ELCR1's fixed bits", mem_get(io, 0x4d0, 1), 0xf8);
    expect(x, "ELCR2's fixed bits", mem_get(io, 0x4d1, 1), 0xde);
    mem_put(io, 0x4d0, 1, 0);
    mem_put(io, 0x4d1, 1, 0x08);        /* 11 is level-triggered */
    mem_free(io);
    out(p.master, 0, 0x11);
    OUT(p.master, 1, 0x20, 0x04, 0x01, 0x00);
    out(p.slave, 0, 0x11);
    OUT(p.slave, 1, 0x28, 0x02, 0x01, 0x00);
    watch(x, p.master, "intr", 0);
    return p;
}

static void free_pics(Pics p)
{
    device_free(p.slave);
    device_free(p.master);
}

static void pulse(Device *d, int n)
{
    device_input(d, n, true);
    device_input(d, n, false);
}

static void test_pic(Fix *x)
{
    Pics p = make_pics(x);

    pulse(p.master, 4);
    pulse(p.master, 1);
    expect(x, "requested", x->levels, 1);
    expect(x, "the higher of two", (u64)i8259_ack(p.master), 0x21);
    expect(x, "the lower waits", x->levels, 0);
    out(p.master, 0, OCW3_IRR);
    expect(x, "IRR", in(p.master, 0), 1 << 4);
    out(p.master, 0, OCW3_ISR);
    expect(x, "ISR", in(p.master, 0), 1 << 1);
    pulse(p.master, 0);
    expect(x, "a higher one nests", (u64)i8259_ack(p.master), 0x20);
    out(p.master, 0, OCW2_EOI);
    expect(x, "EOI ends the highest", in(p.master, 0), 1 << 1);
    out(p.master, 0, OCW2_EOI);
    expect(x, "then the lower's turn", (u64)i8259_ack(p.master), 0x24);
    out(p.master, 0, 0x60 | 4);
    expect(x, "specific EOI", in(p.master, 0), 0);
    out(p.master, 1, 1 << 3);
    pulse(p.master, 3);
    expect(x, "masked", x->levels, 0);
    out(p.master, 1, 0);
    expect(x, "unmasked", (u64)i8259_ack(p.master), 0x23);
    out(p.master, 0, OCW2_EOI);
    expect(x, "spurious", (u64)i8259_ack(p.master), 0x27);
    expect(x, "and not in service", in(p.master, 0), 0);
    free_pics(p);
    report(x, "8259A: priorities, masks, end of interrupt");
}

static void test_pic_cascade(Fix *x)
{
    Pics p = make_pics(x);

    device_input(p.slave, 3, true);
    expect(x, "11 asks through 2", x->levels, 1);
    expect(x, "its vector is the slave's", (u64)i8259_ack(p.master), 0x2b);
    out(p.slave, 0, OCW2_EOI);
    out(p.master, 0, OCW2_EOI);
    expect(x, "a level asks again", x->levels, 1);
    device_input(p.slave, 3, false);
    expect(x, "until it falls", x->levels, 1);  /* 2 is edge-triggered */
    expect(x, "then it is spurious", (u64)i8259_ack(p.master), 0x2f);
    out(p.master, 0, OCW2_EOI);
    pulse(p.slave, 0);
    i8259_ack(p.master);
    pulse(p.slave, 1);
    expect(x, "lower ones of the slave wait", x->levels, 0);
    out(p.slave, 0, OCW2_EOI);
    out(p.master, 0, OCW2_EOI);
    expect(x, "for both EOIs", (u64)i8259_ack(p.master), 0x29);
    free_pics(p);
    report(x, "8259A: cascade, levels");
}

static void test_pic_modes(Fix *x)
{
    Pics p = make_pics(x);

    out(p.master, 0, 0xc0 | 3);                 /* 3 is the lowest */
    pulse(p.master, 3);
    pulse(p.master, 4);
    expect(x, "rotated", (u64)i8259_ack(p.master), 0x24);
    out(p.master, 0, 0xa0);                     /* rotate on EOI */
    pulse(p.master, 4);
    expect(x, "the served is the lowest now", (u64)i8259_ack(p.master), 0x23);
    out(p.master, 0, OCW2_EOI);
    out(p.master, 0, 0x60 | 3);
    i8259_ack(p.master);
    out(p.master, 0, OCW2_EOI);
    out(p.master, 0, 0xc0 | 7);
    pulse(p.master, 1);
    i8259_ack(p.master);
    out(p.master, 1, 1 << 1);
    out(p.master, 0, 0x68);                     /* special mask */
    pulse(p.master, 5);
    expect(x, "special mask lets lower ones in", (u64)i8259_ack(p.master),
           0x25);
    out(p.master, 0, OCW2_EOI);
    out(p.master, 0, OCW3_ISR);
    expect(x, "EOI passes by the masked", in(p.master, 0), 1 << 1);
    out(p.master, 0, 0x48);
    out(p.master, 0, 0x60 | 1);
    pulse(p.master, 6);
    out(p.master, 0, 0x0c);                     /* poll */
    expect(x, "polled", in(p.master, 0), 0x86);
    out(p.master, 0, OCW2_EOI);
    out(p.master, 0, 0x0c);
    expect(x, "nothing to poll", in(p.master, 0), 0);
    out(p.master, 0, 0x11);
    OUT(p.master, 1, 0x40, 0x04, 0x03, 0x00);   /* automatic EOI */
    pulse(p.master, 2);
    pulse(p.master, 7);
    i8259_ack(p.master);
    out(p.master, 0, OCW3_ISR);
    expect(x, "automatic EOI", in(p.master, 0), 0);
    expect(x, "so the next comes", (u64)i8259_ack(p.master), 0x47);
    free_pics(p);
    report(x, "8259A: rotation, special mask, poll, automatic EOI");
}

/* ---- timer -------------------------------------------------------------- */

static u64 tick(void)
{
    return (u64)((u128)(u64)clock_now(CLOCK_VIRTUAL_NS) * 1193182
                 / 1000000000);
}

static u32 latched(Device *d, u32 channel)
{
    out(d, 3, (u8)(channel << 6));
    return in_word(d, channel);
}

static void program(Device *d, u32 channel, u8 mode, u32 count)
{
    out(d, 3, (u8)(channel << 6 | 0x30 | mode << 1));
    OUT(d, channel, (u8)count, (u8)(count >> 8));
}

static bool level(Device *d, u32 channel)
{
    out(d, 3, (u8)(0xe0 | 2 << channel));
    return in(d, channel) & 0x80;
}

/* Modes 2 and 3 show exactly what the time since says. */
static void test_pit_periodic(Fix *x)
{
    Device *d = make("isa-pit", NULL, NULL);

    watch(x, d, "irq", 0);
    for (u32 n = 1000; n <= 1001; n++) {
        program(d, 0, 3, n);
        u64 then = tick();
        for (u32 i = 0; i < 4; i++) {
            u32 half = (n + 1) / 2, at = (u32)((tick() - then) % n);
            expect(x, "mode 3 out", level(d, 0), at < half);
            expect(x, "mode 3 count", latched(d, 0),
                   (n & ~1u) - 2 * (at < half ? at : at - half));
            run_for(137);
        }
        program(d, 0, 2, n);
        then = tick();
        for (u32 i = 0; i < 4; i++) {
            u32 at = (u32)((tick() - then) % n);
            expect(x, "mode 2 out", level(d, 0), at != n - 1);
            expect(x, "mode 2 count", latched(d, 0), n - at);
            run_for(333);
        }
    }
    x->rises[0] = 0;
    u64 then = tick();
    run_for(20000);
    u64 periods = (tick() - then) / 1001;
    /* A busy host runs timers late, and then several periods are one. */
    expect(x, "interrupts", x->rises[0] >= 1 && x->rises[0] <= periods + 1,
           1);
    device_free(d);
    report(x, "8254: modes 2 and 3");
}

/* A new count waits for the end of the period, or of mode 3's half. */
static void test_pit_reload(Fix *x)
{
    Device *d = make("isa-pit", NULL, NULL);

    program(d, 0, 2, 60000);
    u64 start = tick();
    run_for(1000);
    OUT(d, 0, 0x10, 0x27);                      /* 10000 */
    out(d, 3, 0xe2);
    expect(x, "the new count is not loaded", in(d, 0), 0xf4);
    expect(x, "the old one goes on", latched(d, 0), 60000 - (tick() - start));
    while (tick() < start + 61000) {
        run_for(5000);
    }
    expect(x, "then the new one", latched(d, 0),
           10000 - (tick() - start - 60000) % 10000);
    out(d, 3, 0xe2);
    expect(x, "which is told", in(d, 0) & 0x7f, 0x34);
    program(d, 0, 3, 60000);
    start = tick();
    OUT(d, 0, 0x10, 0x27);
    while (tick() < start + 31000) {
        run_for(5000);
    }
    u64 at = (tick() - start - 30000 + 5000) % 10000;
    expect(x, "mode 3 loads at the half", latched(d, 0),
           10000 - 2 * (at % 5000));
    expect(x, "and is low first", level(d, 0), at < 5000);
    device_free(d);
    report(x, "8254: a new count while counting");
}

static void test_pit_once(Fix *x)
{
    Device *d = make("isa-pit", NULL, NULL);

    watch(x, d, "irq", 0);
    program(d, 0, 0, 600);
    u64 then = tick();
    expect(x, "mode 0 is low", level(d, 0), 0);
    run_for(200);
    expect(x, "mode 0 counts", latched(d, 0), (600 - (tick() - then)) & 0xffff);
    run_for(1000);
    expect(x, "mode 0 is high", level(d, 0), 1);
    expect(x, "one interrupt", x->rises[0], 1);
    expect(x, "it counts on", latched(d, 0), (600 - (tick() - then)) & 0xffff);
    out(d, 0, 0x58);
    expect(x, "a first byte stops it, low", level(d, 0), 0);
    program(d, 0, 4, 600);
    then = tick();
    expect(x, "mode 4 is high", level(d, 0), 1);
    run_for(1000);
    expect(x, "mode 4 counts on", latched(d, 0),
           (600 - (tick() - then)) & 0xffff);
    expect(x, "its strobe's interrupt", x->rises[0], 3);
    device_free(d);
    report(x, "8254: modes 0 and 4");
}

static void test_pit_gate(Fix *x)
{
    Device *d = make("isa-pit", NULL, NULL), *port = make("isa-pcspk", NULL,
                                                          NULL);

    pcspk_attach(port, d);
    program(d, 2, 1, 600);
    expect(x, "mode 1 is high", level(d, 2), 1);
    run_for(1000);
    expect(x, "until the gate", in(port, 0) & 0x20, 0x20);
    out(port, 0, 1);
    expect(x, "then low", in(port, 0) & 0x21, 0x01);
    run_for(1000);
    expect(x, "for its count", in(port, 0) & 0x20, 0x20);
    out(port, 0, 0);
    program(d, 2, 0, 600);
    run_for(1000);
    expect(x, "mode 0 waits", latched(d, 2), 600);
    out(port, 0, 1);
    u64 then = tick();
    run_for(100);
    out(port, 0, 0);
    u32 left = (u32)(600 - (tick() - then)) & 0xffff;
    run_for(100);
    expect(x, "and stops with the gate", latched(d, 2), left);
    program(d, 2, 5, 600);
    out(port, 0, 1);
    expect(x, "mode 5 is high", level(d, 2), 1);
    then = tick();
    run_for(100);
    expect(x, "mode 5 counts by the trigger", latched(d, 2),
           (600 - (tick() - then)) & 0xffff);
    program(d, 2, 3, 600);
    out(port, 0, 0);
    expect(x, "mode 3 without gate is high", in(port, 0) & 0x20, 0x20);
    bool seen[2] = { false, false };
    for (u32 i = 0; i < 100; i++) {
        seen[in(port, 0) >> 4 & 1] = true;
        run_for(5);
    }
    expect(x, "refresh toggles", seen[0] && seen[1], 1);
    device_free(port);
    device_free(d);
    report(x, "8254: gates, modes 1 and 5; port 61");
}

static void test_pit_formats(Fix *x)
{
    Device *d = make("isa-pit", NULL, NULL);

    out(d, 3, 0x35);                            /* mode 2, BCD */
    OUT(d, 0, 0x00, 0x50);
    u64 then = tick();
    run_for(300);
    u32 v = 5000 - (u32)(tick() - then) % 5000;
    expect(x, "BCD", latched(d, 0), v % 10 | v / 10 % 10 << 4
           | v / 100 % 10 << 8 | v / 1000 << 12);
    out(d, 3, 0x14);                            /* the low byte only */
    out(d, 0, 200);
    out(d, 3, 0xc2);                            /* both of channel 0 */
    u8 first = in(d, 0), second = in(d, 0);
    expect(x, "status comes first", first, 0x94);
    expect(x, "then the count", second, 200);
    out(d, 3, 0x64);                            /* the high byte only */
    out(d, 1, 0x12);
    u64 set = tick();
    out(d, 3, 0x40);
    expect(x, "high byte", in(d, 1), 0x12);
    program(d, 0, 2, 50000);
    out(d, 3, 0x00);
    run_for(500);
    out(d, 3, 0x00);                            /* a second latch is ignored */
    expect(x, "a latch holds", in_word(d, 0), 50000);
    out(d, 3, 0xde);                            /* counts of all channels */
    expect(x, "one of them", in(d, 1),
           (0x1200 - (tick() - set) % 0x1200) >> 8);
    expect(x, "the control port reads as nothing", in(d, 3), 0xff);
    device_free(d);
    report(x, "8254: BCD, bytes, latches, read-back");
}

/* ---- clock -------------------------------------------------------------- */

static u8 cmos(Device *d, u8 at)
{
    out(d, 0, at);
    return in(d, 1);
}

static void set_cmos(Device *d, u8 at, u8 v)
{
    out(d, 0, at);
    out(d, 1, v);
}

/* Stops the clock at a time of hours, minutes and seconds, all as stored. */
static void set_time(Device *d, u8 b, u8 hour, u8 minute, u8 second)
{
    set_cmos(d, 0xb, b | 0x80);
    set_cmos(d, 4, hour);
    set_cmos(d, 2, minute);
    set_cmos(d, 0, second);
}

static void test_rtc_formats(Fix *x)
{
    Device *d = make("mc146818rtc", NULL, NULL);

    set_time(d, 0x02, 0x23, 0x59, 0x58);
    set_cmos(d, 9, 0x99);
    set_cmos(d, 0x32, 0x19);
    set_cmos(d, 8, 0x12);
    set_cmos(d, 7, 0x31);
    set_cmos(d, 6, 6);                          /* a Friday */
    expect(x, "what was written", cmos(d, 4), 0x23);
    set_cmos(d, 0xb, 0x02);
    expect(x, "BCD", cmos(d, 4), 0x23);
    set_cmos(d, 0xb, 0x06);
    expect(x, "binary", cmos(d, 4), 23);
    expect(x, "year", cmos(d, 9), 99);
    set_cmos(d, 0xb, 0x00);
    expect(x, "12 hours", cmos(d, 4), 0x91);
    set_cmos(d, 0xb, 0x02);
    for (u32 i = 0; i < 40 && cmos(d, 9) != 0; i++) {
        g_usleep(100000);
    }
    expect(x, "the next year", cmos(d, 9), 0x00);
    expect(x, "the next century", cmos(d, 0x32), 0x20);
    expect(x, "January", cmos(d, 8), 0x01);
    expect(x, "the first", cmos(d, 7), 0x01);
    expect(x, "Saturday", cmos(d, 6), 7);
    expect(x, "D", cmos(d, 0xd), 0x80);
    set_cmos(d, 0x7f, 0x5a);
    set_cmos(d, 0x0e, 0xa5);
    device_reset(d);
    expect(x, "memory outlives a reset", cmos(d, 0x7f), 0x5a);
    expect(x, "all of it", cmos(d, 0x0e), 0xa5);
    expect(x, "and the date", cmos(d, 0x32), 0x20);
    device_free(d);
    report(x, "MC146818: formats, the turn of a century, memory");
}

static void wait_irq(Fix *x)
{
    while (!x->levels) {
        g_main_context_iteration(NULL, true);
    }
}

static void test_rtc_interrupts(Fix *x)
{
    Device *d = make("mc146818rtc", NULL, NULL);

    watch(x, d, "irq", 0);
    set_time(d, 0x02, 0x12, 0x34, 0x55);
    set_cmos(d, 5, 0xc0);                       /* any hour */
    set_cmos(d, 3, 0x34);
    set_cmos(d, 1, 0x56);
    set_cmos(d, 0xb, 0x22);
    wait_irq(x);
    expect(x, "alarm's time", cmos(d, 0), 0x56);
    expect(x, "alarm", cmos(d, 0xc) & 0xb0, 0xb0);
    expect(x, "reading ends it", x->levels, 0);
    expect(x, "and clears it", cmos(d, 0xc), 0);
    set_cmos(d, 0xb, 0x12);
    wait_irq(x);
    expect(x, "update ended", cmos(d, 0xc) & 0x90, 0x90);
    expect(x, "by now", cmos(d, 0), 0x57);
    expect(x, "no update is near", cmos(d, 0xa) & 0x80, 0);
    set_cmos(d, 0xb, 0x42);
    set_cmos(d, 0xa, 0x26);                     /* 1024 a second */
    cmos(d, 0xc);
    for (u32 i = 0; i < 64; i++) {
        wait_irq(x);
        expect(x, "periodic", cmos(d, 0xc) & 0xc0, 0xc0);
    }
    set_cmos(d, 0xb, 0x92);
    expect(x, "SET takes UIE away", cmos(d, 0xb), 0x82);
    device_free(d);
    report(x, "MC146818: alarm, update, periodic interrupt");
}

/* ---- serial and parallel ports ------------------------------------------ */

static char *open_file(Fix *x, const char *id)
{
    char *path = g_strdup_printf("%s/%s", x->folder, id);
    g_autofree char *text = g_strdup_printf("file,id=%s,path=%s", id, path);
    Err err = { "" };

    if (!chardev_open(text, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return path;
}

static void expect_file(Fix *x, char *path, const char *want)
{
    g_autofree char *got = NULL;

    g_file_get_contents(path, &got, NULL, NULL);
    expect(x, "what was sent", got && strcmp(got, want) == 0, 1);
    g_unlink(path);
    g_free(path);
}

static void test_serial(Fix *x)
{
    char *path = open_file(x, "com");
    Device *d = make("isa-serial", "chardev", "com");

    watch(x, d, "irq", 0);
    out(d, 3, 0x83);
    OUT(d, 0, 0x01);
    OUT(d, 1, 0x02);
    expect(x, "divisor", in(d, 0) | in(d, 1) << 8, 0x201);
    out(d, 3, 0x03);
    expect(x, "no FIFO, nothing pending", in(d, 2), 0x01);
    out(d, 1, 0x02);
    expect(x, "the transmitter is empty", x->levels, 1);
    expect(x, "says IIR", in(d, 2), 0x02);
    expect(x, "once", in(d, 2), 0x01);
    out(d, 0, 'A');
    expect(x, "and again after a character", x->levels, 1);
    out(d, 0, 'B');
    expect(x, "with an edge", x->rises[0], 3);
    expect(x, "LSR", in(d, 5), 0x60);
    expect(x, "MSR", in(d, 6), 0xb0);
    out(d, 7, 0x77);
    expect(x, "scratch", in(d, 7), 0x77);
    device_free(d);
    expect_file(x, path, "AB");
    report(x, "16550A: transmitter");
}

static void test_serial_fifo(Fix *x)
{
    Device *d = make("isa-serial", NULL, NULL);

    watch(x, d, "irq", 0);
    out(d, 4, 0x10);                            /* loopback */
    OUT(d, 0, 'a', 'b');
    expect(x, "overrun, data", in(d, 5), 0x63);
    expect(x, "the newer is kept", in(d, 0), 'b');
    expect(x, "read", in(d, 5), 0x60);
    out(d, 2, 0x41);                            /* FIFOs, trigger at 4 */
    out(d, 1, 0x05);
    for (u8 i = 0; i < 17; i++) {
        out(d, 0, i);
        if (i == 2) {
            expect(x, "time-out below the trigger", in(d, 2), 0xcc);
        } else if (i == 3) {
            expect(x, "data at it", in(d, 2), 0xc4);
        }
    }
    expect(x, "overrun is more urgent", in(d, 2), 0xc6);
    expect(x, "and of the newest", in(d, 5), 0x63);
    expect(x, "then data", in(d, 2), 0xc4);
    for (u8 i = 0; i < 16; i++) {
        expect(x, "in order", in(d, 0), i);
    }
    expect(x, "empty", x->levels, 0);
    OUT(d, 0, 1, 2, 3);
    out(d, 2, 0x43);
    expect(x, "cleared", in(d, 5), 0x60);
    out(d, 0, 'x');
    out(d, 3, 0x43);                            /* a break behind it */
    expect(x, "an error is in the FIFO", in(d, 5), 0xe1);
    in(d, 0);
    expect(x, "and comes with its character", in(d, 5), 0xf1);
    expect(x, "a break is a zero", in(d, 0), 0);
    device_free(d);
    report(x, "16550A: FIFO, overrun, break, interrupts");
}

static void test_serial_modem(Fix *x)
{
    Device *d = make("isa-serial", NULL, NULL);

    watch(x, d, "irq", 0);
    out(d, 4, 0x10);
    in(d, 6);
    out(d, 1, 0x08);
    static const u8 outs[] = { 1, 2, 4, 8 }, ins[] = { 0x22, 0x11, 0x40, 0x88 };
    for (u32 i = 0; i < 4; i++) {
        out(d, 4, 0x10 | outs[i]);
        expect(x, "its interrupt", x->levels, ins[i] != 0x40);
        expect(x, "a modem line", in(d, 6), ins[i]);
        out(d, 4, 0x10);
        expect(x, "falls", in(d, 6), ins[i] == 0x40 ? 0x04 : ins[i] & 0x0f);
    }
    out(d, 4, 0x0b);
    expect(x, "out of loopback", in(d, 6) & 0xf0, 0xb0);
    device_free(d);
    report(x, "16550A: modem lines");
}

static void test_parallel(Fix *x)
{
    char *path = open_file(x, "lpt");
    Device *d = make("isa-parallel", "chardev", "lpt");

    watch(x, d, "irq", 0);
    expect(x, "control", in(d, 2), 0xcc);
    expect(x, "ready", in(d, 1) & 0xf8, 0xd8);
    for (const char *p = "hi"; *p; p++) {
        out(d, 0, (u8)*p);
        OUT(d, 2, 0x1d, 0x1c);                  /* strobe */
    }
    expect(x, "acknowledged", x->rises[0], 2);
    expect(x, "data reads back", in(d, 0), 'i');
    device_free(d);
    expect_file(x, path, "hi");
    path = open_file(x, "e9");
    d = make("isa-debugcon", "chardev", "e9");
    expect(x, "debug port", in(d, 0), 0xe9);
    OUT(d, 0, 'o', 'k');
    device_free(d);
    expect_file(x, path, "ok");
    report(x, "parallel port, debug console");
}

/* ---- keyboard controller ------------------------------------------------ */

enum { DATA = 0, COMMAND = 4, STATUS = 4 };

static Device *make_i8042(Fix *x)
{
    Device *d = make("i8042", NULL, NULL);

    watch(x, d, "irq", 0);
    watch(x, d, "irq", 1);
    line_connect(device_line(d, "a20", 0), sink, x, 2);
    line_connect(device_line(d, "reset", 0), sink, x, 3);
    return d;
}

/* Checks the bytes that wait, and that no more do. */
static void expect_bytes(Fix *x, const char *what, Device *d, u8 from,
                         const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        expect(x, what, in(d, STATUS) & 0x21, from);
        expect(x, what, in(d, DATA), p[i]);
    }
    expect(x, what, in(d, STATUS) & 0x01, 0);
}

#define BYTES(x, what, d, from, ...) \
    expect_bytes(x, what, d, from, (const u8[]) { __VA_ARGS__ }, \
                 sizeof((const u8[]) { __VA_ARGS__ }))
#define KBD(x, what, d, ...)   BYTES(x, what, d, 0x01, __VA_ARGS__)
#define MOUSE(x, what, d, ...) BYTES(x, what, d, 0x21, __VA_ARGS__)

static void test_i8042(Fix *x)
{
    Device *d = make_i8042(x);

    out(d, COMMAND, 0xaa);
    KBD(x, "self test", d, 0x55);
    expect(x, "system flag", in(d, STATUS) & 0x0c, 0x0c);
    out(d, COMMAND, 0xab);
    KBD(x, "keyboard's lines", d, 0x00);
    out(d, COMMAND, 0xa9);
    KBD(x, "mouse's lines", d, 0x00);
    out(d, COMMAND, 0x60);
    out(d, DATA, 0x65);
    out(d, COMMAND, 0x20);
    KBD(x, "command byte", d, 0x65);
    out(d, COMMAND, 0xa8);
    out(d, COMMAND, 0x20);
    KBD(x, "mouse on", d, 0x45);
    out(d, COMMAND, 0xd1);
    out(d, DATA, 0x01);
    out(d, COMMAND, 0xd0);
    KBD(x, "output port", d, 0xc1);
    out(d, COMMAND, 0xd1);
    out(d, DATA, 0x03);
    expect(x, "A20", x->levels >> 2 & 1, 1);
    out(d, COMMAND, 0xdd);
    expect(x, "A20 off", x->levels >> 2 & 1, 0);
    out(d, COMMAND, 0xfe);
    expect(x, "the CPU is reset", x->rises[3], 1);
    out(d, COMMAND, 0xd3);
    out(d, DATA, 0x99);
    MOUSE(x, "as of the mouse", d, 0x99);
    device_free(d);
    d = make("port92", NULL, NULL);
    watch(x, d, "a20", 0);
    out(d, 0, 2);
    expect(x, "port 92's A20", x->levels, 1);
    line_connect(device_line(d, "reset", 0), sink, x, 1);
    OUT(d, 0, 3, 3);
    expect(x, "port 92's reset", x->rises[1], 1);
    device_free(d);
    report(x, "8042: commands, output port; port 92");
}

static void tap(const char *name)
{
    const Key *k = key_by_name(name);

    input_key(k->code, true);
    input_key(k->code, false);
}

static void test_keyboard(Fix *x)
{
    Device *d = make_i8042(x);

    tap("a");
    expect(x, "interrupts", x->levels & 1, 1);
    KBD(x, "translated", d, 0x1e, 0x9e);
    expect(x, "one a byte", x->rises[0], 2);
    tap("up");
    KBD(x, "extended", d, 0xe0, 0x48, 0xe0, 0xc8);
    tap("pause");
    KBD(x, "Pause", d, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    tap("print");
    KBD(x, "Print", d, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    out(d, COMMAND, 0x60);
    out(d, DATA, 0x05);                         /* no translation */
    tap("a");
    KBD(x, "set 2", d, 0x1c, 0xf0, 0x1c);
    tap("f7");
    KBD(x, "F7", d, 0x83, 0xf0, 0x83);
    OUT(d, DATA, 0xf0);
    KBD(x, "set command", d, 0xfa);
    OUT(d, DATA, 0x03);
    KBD(x, "set 3", d, 0xfa);
    tap("up");
    KBD(x, "its code", d, 0x63, 0xf0, 0x63);
    OUT(d, DATA, 0xf0);
    in(d, DATA);
    OUT(d, DATA, 0x00);
    KBD(x, "which set", d, 0xfa, 0x03);
    OUT(d, DATA, 0xed);
    KBD(x, "LEDs", d, 0xfa);
    OUT(d, DATA, 0x02);
    KBD(x, "which", d, 0xfa);
    OUT(d, DATA, 0xf3);
    KBD(x, "typematic", d, 0xfa);
    OUT(d, DATA, 0x00);
    KBD(x, "rate", d, 0xfa);
    OUT(d, DATA, 0xf2);
    KBD(x, "identity", d, 0xfa, 0xab, 0x83);
    OUT(d, DATA, 0xee);
    KBD(x, "echo", d, 0xee);
    OUT(d, DATA, 0xfe);
    KBD(x, "resend", d, 0xee);
    OUT(d, DATA, 0xf5);
    tap("a");
    KBD(x, "silent when disabled", d, 0xfa);
    OUT(d, DATA, 0xff);
    KBD(x, "reset", d, 0xfa, 0xaa);
    OUT(d, DATA, 0x01);
    KBD(x, "no command", d, 0xfe);
    device_free(d);
    report(x, "keyboard: codes of sets 1 to 3, commands");
}

static void to_mouse(Device *d, u8 v)
{
    out(d, COMMAND, 0xd4);
    out(d, DATA, v);
}

static void set_rates(Device *d, u8 a, u8 b, u8 c)
{
    const u8 rate[] = { a, b, c };

    for (u32 i = 0; i < 3; i++) {
        to_mouse(d, 0xf3);
        in(d, DATA);
        to_mouse(d, rate[i]);
        in(d, DATA);
    }
}

static void move(i32 dx, i32 dy)
{
    input_rel(dx, dy);
    input_sync();
}

static void test_mouse(Fix *x)
{
    Device *d = make_i8042(x);

    to_mouse(d, 0xff);
    MOUSE(x, "reset", d, 0xfa, 0xaa, 0x00);
    move(5, 5);
    expect(x, "silent until enabled", in(d, STATUS) & 1, 0);
    to_mouse(d, 0xf4);
    MOUSE(x, "enable", d, 0xfa);
    move(5, -3);
    expect(x, "interrupts", x->levels & 2, 2);
    MOUSE(x, "right, up", d, 0x08, 5, 3);
    move(-5, 300);
    MOUSE(x, "left, down: two packets", d, 0x38, 0xfb, 0x01, 0x28, 0, 0xd3);
    input_button(BUTTON_LEFT, true);
    input_sync();
    MOUSE(x, "button", d, 0x09, 0, 0);
    input_button(BUTTON_LEFT, false);
    input_sync();
    MOUSE(x, "button up", d, 0x08, 0, 0);
    to_mouse(d, 0xe9);
    MOUSE(x, "status", d, 0xfa, 0x20, 0x02, 100);
    to_mouse(d, 0xe7);
    MOUSE(x, "scaling", d, 0xfa);
    move(3, 10);
    MOUSE(x, "scaled", d, 0x28, 3, 0xec);
    to_mouse(d, 0xf0);
    MOUSE(x, "remote", d, 0xfa);
    move(1, 0);
    to_mouse(d, 0xeb);
    MOUSE(x, "read", d, 0xfa, 0x08, 1, 0);
    to_mouse(d, 0xee);
    MOUSE(x, "wrap", d, 0xfa);
    to_mouse(d, 0x42);
    MOUSE(x, "wrapped", d, 0x42);
    to_mouse(d, 0xec);
    MOUSE(x, "unwrap", d, 0xfa);
    device_free(d);
    report(x, "mouse: packets, modes");
}

static void test_wheel(Fix *x)
{
    Device *d = make_i8042(x);

    set_rates(d, 200, 100, 80);
    to_mouse(d, 0xf2);
    MOUSE(x, "a wheel", d, 0xfa, 0x03);
    to_mouse(d, 0xf4);
    in(d, DATA);
    input_wheel(1);
    input_sync();
    MOUSE(x, "up", d, 0x08, 0, 0, 0xff);
    set_rates(d, 200, 200, 80);
    to_mouse(d, 0xf2);
    MOUSE(x, "five buttons", d, 0xfa, 0x04);
    input_button(BUTTON_EXTRA, true);
    input_sync();
    MOUSE(x, "the fifth", d, 0x08, 0, 0, 0x20);
    input_wheel(-1);
    input_sync();
    MOUSE(x, "down", d, 0x08, 0, 0, 0x21);
    device_free(d);
    report(x, "mouse: wheel and five buttons");
}

int main(void)
{
    Fix x = { .folder = g_dir_make_tmp("anole-XXXXXX", NULL) };

    clock_pause(true);
    test_pic(&x);
    test_pic_cascade(&x);
    test_pic_modes(&x);
    test_pit_periodic(&x);
    test_pit_reload(&x);
    test_pit_once(&x);
    test_pit_gate(&x);
    test_pit_formats(&x);
    test_rtc_formats(&x);
    test_rtc_interrupts(&x);
    test_serial(&x);
    test_serial_fifo(&x);
    test_serial_modem(&x);
    test_parallel(&x);
    test_i8042(&x);
    test_keyboard(&x);
    test_mouse(&x);
    test_wheel(&x);
    g_rmdir(x.folder);
    g_free(x.folder);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
