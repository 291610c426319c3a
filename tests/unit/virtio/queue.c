/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues from the driver's side: what is right works, in both layouts of
 * the transport; what is wrong stops the device and touches nothing else.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/virtio/virtio.h"
#include "softmmu/clock.h"

enum { RAM_AT = 0x10000, RAM_BYTES = 0x10000, ROM_AT = 0x40000,
       MMIO_AT = 0x80000, WINDOW = 0x1000 };
enum { SIZE = 8, DESC = RAM_AT, AVAIL = RAM_AT + 0x400, USED = RAM_AT + 0x600,
       DATA = RAM_AT + 0x1000, TABLE = RAM_AT + 0x2000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8,
       NEEDS_RESET = 0x40 };

/* A device of the test's own in memory of the test's own. */
typedef struct Bench {
    VirtioDevice v;
    MemSpace *mem;
    Ram  *ram, *rom;
    u32   touched;              /* accesses to the MMIO window */
    u32   interrupts, notified;
    u16   avail;                /* the driver's index */
    VirtRequest r;
    int   tests, failed;
} Bench;

static void check(Bench *x, bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++x->tests, what);
    x->failed += !good;
}

static u64 touch_read(void *opaque, u64 at, unsigned size)
{
    (void)at, (void)size;
    ((Bench *)opaque)->touched++;
    return 0;
}

static void touch_write(void *opaque, u64 at, unsigned size, u64 val)
{
    (void)at, (void)size, (void)val;
    ((Bench *)opaque)->touched++;
}

static void on_notify(void *opaque, u32 q)
{
    (void)q;
    ((Bench *)opaque)->notified++;
}

static void on_interrupt(void *opaque)
{
    ((Bench *)opaque)->interrupts++;
}

static const VirtioKind kind = {
    .id = 99, .queues = 1, .queue_size = { SIZE }, .notify = on_notify,
};

/* ---- the driver --------------------------------------------------------- */

static void put(Bench *x, u64 pa, unsigned size, u64 val)
{
    mem_put(x->mem, pa, size, val);
}

static u64 get(Bench *x, u64 pa, unsigned size)
{
    return mem_get(x->mem, pa, size);
}

static void set_desc(Bench *x, u64 at, u64 addr, u32 len, u32 flags_next)
{
    put(x, at, 8, addr);
    put(x, at + 8, 4, len);
    put(x, at + 12, 4, flags_next);
}

static u64 desc_at(u32 n)
{
    return DESC + 16ull * n;
}

static u32 next(u32 flags, u32 n)
{
    return flags | NEXT | n << 16;
}

static void offer(Bench *x, u16 head)
{
    put(x, AVAIL + 4 + 2ull * (x->avail % SIZE), 2, head);
    put(x, AVAIL + 2, 2, ++x->avail);
}

/* A queue as a driver sets it up, empty. */
static void fresh(Bench *x, u64 features)
{
    memset(x->ram->host, 0, RAM_BYTES);
    virtio_reset(&x->v);
    x->avail = 0;
    x->interrupts = x->touched = x->notified = 0;
    virtio_set_status(&x->v, ACKNOWLEDGE | DRIVER);
    features |= BIT(VIRTIO_F_VERSION_1);
    virtio_accept(&x->v, 0, (u32)features);
    virtio_accept(&x->v, 1, (u32)(features >> 32));
    virtio_set_status(&x->v, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    x->v.vq[0].size = SIZE;
    x->v.vq[0].desc = DESC;
    x->v.vq[0].avail = AVAIL;
    x->v.vq[0].used = USED;
    virtio_queue_ready(&x->v, 0, true);
    virtio_set_status(&x->v, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

static const u64 all = BIT(VIRTIO_F_RING_INDIRECT_DESC)
                     | BIT(VIRTIO_F_RING_EVENT_IDX);

/* The device refused, needs a reset, and touched nothing. */
static void refused(Bench *x, const char *what)
{
    bool popped = virtio_pop(&x->v, 0, &x->r);

    check(x, !popped && x->v.status & NEEDS_RESET && !x->touched, what);
    fresh(x, all);
}

/* ---- what is right ------------------------------------------------------ */

static void direct(Bench *x)
{
    fresh(x, 0);
    check(x, !virtio_pop(&x->v, 0, &x->r), "an empty queue gives nothing");
    set_desc(x, desc_at(3), DATA, 16, next(0, 5));
    set_desc(x, desc_at(5), DATA + 16, 32, next(0, 1));
    set_desc(x, desc_at(1), DATA + 0x100, 64, WRITE);
    offer(x, 3);
    check(x, virtio_pop(&x->v, 0, &x->r) && x->r.nout == 2 && x->r.nin == 1
          && x->r.out_len == 48 && x->r.in_len == 64 && x->r.head == 3,
          "a chain of three");
    iov_copy_in(&x->r.iov[2], 1, 0, "abc", 3);
    virtio_push(&x->v, 0, &x->r, 3);
    check(x, get(x, USED + 2, 2) == 1 && get(x, USED + 4, 4) == 3
          && get(x, USED + 8, 4) == 3 && get(x, DATA + 0x100, 3) == 0x636261,
          "given back with what it wrote");
    check(x, x->interrupts == 1 && x->v.isr == 1, "and an interrupt");
    put(x, AVAIL, 2, 1);                /* NO_INTERRUPT */
    offer(x, 3);
    virtio_pop(&x->v, 0, &x->r);
    virtio_push(&x->v, 0, &x->r, 0);
    check(x, x->interrupts == 1, "none if the driver says so");
    virtio_notify(&x->v, 0);
    virtio_notify(&x->v, 7);
    check(x, x->notified == 1, "a notification of a queue that is there");
}

static void around(Bench *x)
{
    bool good = true;

    fresh(x, all);
    set_desc(x, desc_at(0), DATA, 1, 0);
    for (u32 i = 0; i < 70000 && good; i++) {
        offer(x, 0);
        good = virtio_pop(&x->v, 0, &x->r);
        virtio_push(&x->v, 0, &x->r, 0);
        good = good && get(x, USED + 2, 2) == x->avail;
    }
    check(x, good && virtio_running(&x->v), "indices that go around");
}

static void indirect(Bench *x)
{
    fresh(x, all);
    for (u32 i = 0; i < 20; i++) {
        set_desc(x, TABLE + 16ull * i, DATA + 64ull * i, 64,
                 i == 19 ? WRITE : next(i >= 10 ? WRITE : 0, i + 1));
    }
    set_desc(x, desc_at(2), TABLE, 20 * 16, INDIRECT);
    offer(x, 2);
    check(x, virtio_pop(&x->v, 0, &x->r) && x->r.nout == 10 && x->r.nin == 10
          && x->r.head == 2, "an indirect table longer than the queue");
    virtio_unpop(&x->v, 0, 1);
    check(x, virtio_has_request(&x->v, 0) && virtio_pop(&x->v, 0, &x->r),
          "put back and taken again");
}

static void event_index(Bench *x)
{
    fresh(x, all);
    set_desc(x, desc_at(0), DATA, 1, 0);
    put(x, AVAIL + 4 + 2 * SIZE, 2, 2);         /* used_event */
    for (u32 i = 0; i < 4; i++) {
        offer(x, 0);
        virtio_pop(&x->v, 0, &x->r);
        virtio_push(&x->v, 0, &x->r, 0);
    }
    /* The first always, since nothing was signalled before; then index 3. */
    check(x, x->interrupts == 2, "interrupts at the driver's index");
    check(x, !virtio_has_request(&x->v, 0)
          && get(x, USED + 4 + 8 * SIZE, 2) == 4,
          "an empty queue asks for a notification");
}

static void several(Bench *x)
{
    VirtRequest other;

    fresh(x, all);
    set_desc(x, desc_at(0), DATA, 8, WRITE);
    set_desc(x, desc_at(1), DATA + 8, 8, WRITE);
    offer(x, 0);
    offer(x, 1);
    virtio_pop(&x->v, 0, &x->r);
    virtio_pop(&x->v, 0, &other);
    virtio_fill(&x->v, 0, &other, 5, 1);
    virtio_fill(&x->v, 0, &x->r, 8, 0);
    check(x, get(x, USED + 2, 2) == 0, "what is filled is not given back yet");
    virtio_publish(&x->v, 0, 2);
    check(x, get(x, USED + 2, 2) == 2 && get(x, USED + 8, 4) == 8
          && get(x, USED + 12, 4) == 1 && get(x, USED + 16, 4) == 5,
          "until it is published");
}

static void after_reset(Bench *x)
{
    fresh(x, all);
    set_desc(x, desc_at(0), DATA, 8, WRITE);
    offer(x, 0);
    virtio_pop(&x->v, 0, &x->r);
    VirtRequest old = x->r;
    fresh(x, all);
    virtio_push(&x->v, 0, &old, 8);
    check(x, get(x, USED + 2, 2) == 0 && !x->interrupts,
          "a request of before a reset is not given back");
}

static void features(Bench *x)
{
    fresh(x, 0);
    virtio_reset(&x->v);
    virtio_accept(&x->v, 0, 1 << 5);
    virtio_accept(&x->v, 1, 1);
    virtio_set_status(&x->v, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    check(x, !(x->v.status & FEATURES_OK), "features not offered: refused");
    virtio_reset(&x->v);
    virtio_set_status(&x->v, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    check(x, !(x->v.status & FEATURES_OK), "no VERSION_1: refused");
}

/* ---- what is wrong ------------------------------------------------------ */

static void wrong_chains(Bench *x)
{
    fresh(x, all);
    offer(x, SIZE);
    refused(x, "a head outside of the table");
    set_desc(x, desc_at(0), DATA, 4, next(0, SIZE));
    offer(x, 0);
    refused(x, "a next outside of the table");
    set_desc(x, desc_at(0), DATA, 4, next(0, 0));
    offer(x, 0);
    refused(x, "a chain of one that loops");
    set_desc(x, desc_at(0), DATA, 4, next(0, 1));
    set_desc(x, desc_at(1), DATA, 0, next(0, 0));
    offer(x, 0);
    refused(x, "a chain of two that loops");
    set_desc(x, desc_at(0), DATA, 4, next(WRITE, 1));
    set_desc(x, desc_at(1), DATA, 4, 0);
    offer(x, 0);
    refused(x, "a buffer to read behind one to write");
}

static void wrong_buffers(Bench *x)
{
    static const struct { u64 at; u32 len, flags; const char *what; } row[] = {
        { MMIO_AT, 4, 0, "a buffer in a device, to read" },
        { MMIO_AT, 4, WRITE, "a buffer in a device, to write" },
        { 0, 4, 0, "a buffer where nothing is" },
        { ~0ull - 3, 16, WRITE, "a buffer around the end of the world" },
        { RAM_AT + RAM_BYTES - 4, 8, WRITE, "a buffer over the end of RAM" },
        { DATA, 0xffffffff, WRITE, "a buffer of 4 GiB" },
        { ROM_AT, 4, WRITE, "a buffer in ROM, to write" },
    };

    for (u32 i = 0; i < countof(row); i++) {
        set_desc(x, desc_at(0), row[i].at, row[i].len, row[i].flags);
        offer(x, 0);
        refused(x, row[i].what);
    }
}

static void wrong_indirect(Bench *x)
{
    static const struct { u64 at; u32 len, flags; const char *what; } row[] = {
        { TABLE, 0, INDIRECT, "an indirect table of nothing" },
        { TABLE, 17, INDIRECT, "an indirect table of a length not of 16" },
        { TABLE, 16 * (VQ_SIZE_MAX + 1), INDIRECT, "one too long" },
        { TABLE, 16, INDIRECT | NEXT, "one with something behind it" },
        { MMIO_AT, 16, INDIRECT, "one in a device" },
        { RAM_AT + RAM_BYTES - 16, 32, INDIRECT, "one over the end of RAM" },
    };

    for (u32 i = 0; i < countof(row); i++) {
        set_desc(x, desc_at(0), row[i].at, row[i].len, row[i].flags);
        offer(x, 0);
        refused(x, row[i].what);
    }
    set_desc(x, desc_at(0), TABLE, 32, INDIRECT);
    set_desc(x, TABLE, TABLE, 32, INDIRECT);
    offer(x, 0);
    refused(x, "an indirect table in itself");
    set_desc(x, desc_at(0), TABLE, 32, INDIRECT);
    set_desc(x, TABLE, DATA, 1, next(0, 0));
    offer(x, 0);
    refused(x, "an indirect chain that loops");
    fresh(x, 0);
    set_desc(x, desc_at(0), TABLE, 16, INDIRECT);
    offer(x, 0);
    refused(x, "an indirect table that was not negotiated");
}

static void wrong_rings(Bench *x)
{
    put(x, AVAIL + 2, 2, SIZE + 1);
    refused(x, "more requests than the ring holds");
    static const u64 bad[] = { MMIO_AT, 0, ~0ull - 8, RAM_AT + RAM_BYTES - 2,
                               ROM_AT };
    for (u32 i = 0; i < countof(bad); i++) {
        set_desc(x, desc_at(0), DATA, 4, 0);
        offer(x, 0);
        x->v.vq[0].desc = bad[i] == ROM_AT ? MMIO_AT : bad[i];
        refused(x, "a descriptor table that is not in memory");
        x->v.vq[0].avail = bad[i] == ROM_AT ? MMIO_AT : bad[i];
        virtio_has_request(&x->v, 0);
        refused(x, "an avail ring that is not in memory");
        x->v.vq[0].used = bad[i];
        refused(x, "a used ring that is not in memory");
    }
}

/* A driver that offers one buffer for ever while nothing is given back. */
static void flood(Bench *x)
{
    u32 n = 0;

    set_desc(x, desc_at(0), DATA, 4, 0);
    do {
        offer(x, 0);
    } while (virtio_pop(&x->v, 0, &x->r) && ++n < 100);
    check(x, n == SIZE && x->v.status & NEEDS_RESET,
          "no more in flight than the queue is long");
}

/* ---- nonsense ----------------------------------------------------------- */

static bool in_ram(const Bench *x, const VirtRequest *r)
{
    for (u32 i = 0; i < r->nout + r->nin; i++) {
        const u8 *p = r->iov[i].iov_base;
        bool ram = p >= x->ram->host
            && p + r->iov[i].iov_len <= x->ram->host + RAM_BYTES;
        bool rom = p >= x->rom->host
            && p + r->iov[i].iov_len <= x->rom->host + WINDOW;
        if (!ram && !(rom && i < r->nout)) {
            return false;
        }
    }
    return r->nout + r->nin <= VQ_SEGMENTS;
}

static u64 some_address(void)
{
    static const u64 base[] = { RAM_AT, RAM_AT, RAM_AT, RAM_AT + RAM_BYTES - 64,
                                ROM_AT, MMIO_AT, 0, ~0ull - 64 };

    return base[rand() % 8] + (u64)(rand() % 0x1000);
}

static void random_rings(Bench *x)
{
    bool good = true;

    srand(1);
    for (u32 i = 0; i < 100000 && good; i++) {
        if (!virtio_running(&x->v) || i % 64 == 0) {
            fresh(x, rand() & 1 ? all : 0);
        }
        u64 table = rand() & 3 ? DESC : TABLE;
        set_desc(x, table + 16ull * (rand() % 10), some_address(),
                 rand() & 1 ? (u32)rand() % 0x200 : (u32)rand() & ~15u,
                 (u32)(rand() & 7) | (u32)(rand() % 10) << 16);
        if (rand() % 4 == 0) {
            set_desc(x, desc_at((u32)rand() % SIZE), TABLE,
                     16 * (u32)(rand() % 12), INDIRECT);
        }
        offer(x, (u16)(rand() % (SIZE + 1)));
        if (virtio_pop(&x->v, 0, &x->r)) {
            good = in_ram(x, &x->r);
            virtio_push(&x->v, 0, &x->r, (u32)x->r.in_len);
        }
        good = good && !x->touched;
    }
    check(x, good, "100000 random descriptors, all of them in memory");
}

/* ---- the transport ------------------------------------------------------ */

enum { R_MAGIC = 0, R_VERSION = 4, R_DEVICE = 8, R_FEATURES = 0x10,
       R_FEATURES_SEL = 0x14, R_DRIVER = 0x20, R_DRIVER_SEL = 0x24,
       R_PAGE = 0x28, R_SEL = 0x30, R_MAX = 0x34, R_NUM = 0x38,
       R_ALIGN = 0x3c, R_PFN = 0x40, R_READY = 0x44, R_NOTIFY = 0x50,
       R_ISR = 0x60, R_ACK = 0x64, R_STATUS = 0x70, R_DESC = 0x80,
       R_AVAIL = 0x90, R_USED = 0xa0 };

static void wr(Device *t, u64 at, u64 val)
{
    device_write(t, at, 4, val);
}

/* A transport; *rng: the entropy source in it. */
static Device *transport(Bench *x, const char *legacy, Device **rng)
{
    Err err = { 0 };
    Device *t = device_new("virtio-mmio", "t", &err);
    Device *d = device_new("virtio-rng-device", "rng", &err);

    check(x, t && d && device_set(t, "force-legacy", legacy, &err)
          && device_start(t, &err) && virtio_mmio_free(t), "a transport");
    check(x, device_read(t, R_DEVICE, 4) == 0, "is device 0 while it is free");
    d->mem = x->mem;
    check(x, virtio_plug(t, d, &err) && device_start(d, &err)
          && !virtio_mmio_free(t), "an entropy source in it");
    check(x, !virtio_plug(t, d, &err), "there is room for one");
    check(x, device_read(t, R_MAGIC, 4) == 0x74726976
          && device_read(t, R_DEVICE, 4) == 4, "is known by its number");
    memset(x->ram->host, 0, RAM_BYTES);
    x->avail = 0;
    *rng = d;
    return t;
}

static void remove_transport(Device *t, Device *d)
{
    device_free(d);
    device_free(t);
}

/* One request for 32 random bytes through a queue of 8 that is set up. */
static void ask(Bench *x, Device *t)
{
    wr(t, R_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    set_desc(x, desc_at(0), DATA, 32, WRITE);
    offer(x, 0);
    wr(t, R_NOTIFY, 0);
    check(x, get(x, DATA, 8) && get(x, DATA + 24, 8) && !get(x, DATA + 32, 8),
          "gives the bytes that were asked for");
    check(x, device_read(t, R_ISR, 4) == 1, "and an interrupt");
    wr(t, R_ACK, 1);
    check(x, device_read(t, R_ISR, 4) == 0, "until it is acknowledged");
    wr(t, R_STATUS, 0);
    check(x, device_read(t, R_STATUS, 4) == 0, "and is reset");
}

static void modern(Bench *x)
{
    Device *rng, *t = transport(x, "off", &rng);

    check(x, device_read(t, R_VERSION, 4) == 2, "version 2");
    wr(t, R_STATUS, ACKNOWLEDGE | DRIVER);
    wr(t, R_FEATURES_SEL, 1);
    check(x, device_read(t, R_FEATURES, 4) & 1, "offers VERSION_1");
    wr(t, R_DRIVER_SEL, 1);
    wr(t, R_DRIVER, 1);
    wr(t, R_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    check(x, device_read(t, R_STATUS, 4) & FEATURES_OK, "takes it");
    wr(t, R_SEL, 1);
    check(x, device_read(t, R_MAX, 4) == 0, "has no second queue");
    wr(t, R_SEL, 0);
    check(x, device_read(t, R_MAX, 4) == SIZE, "has a first one");
    wr(t, R_NUM, SIZE);
    wr(t, R_DESC, DESC);
    wr(t, R_AVAIL, AVAIL);
    wr(t, R_USED, USED);
    wr(t, R_READY, 1);
    check(x, device_read(t, R_READY, 4) == 1, "that is ready");
    ask(x, t);
    check(x, get(x, USED + 2, 2) == 1, "in its used ring");
    remove_transport(t, rng);
}

static void legacy(Bench *x)
{
    enum { PAGE = 1 << 10 };
    Device *rng, *t = transport(x, "on", &rng);

    check(x, device_read(t, R_VERSION, 4) == 1, "version 1");
    wr(t, R_PAGE, PAGE);
    wr(t, R_STATUS, ACKNOWLEDGE | DRIVER);
    wr(t, R_FEATURES_SEL, 1);
    check(x, device_read(t, R_FEATURES, 4) == 0, "offers no VERSION_1");
    wr(t, R_DRIVER_SEL, 0);
    wr(t, R_DRIVER, 0);
    wr(t, R_SEL, 0);
    wr(t, R_NUM, SIZE);
    wr(t, R_ALIGN, 0x100);
    wr(t, R_READY, 1);
    wr(t, R_PFN, DESC / PAGE);
    check(x, device_read(t, R_PFN, 4) == DESC / PAGE, "a queue at a page");
    /* The driver's avail ring of this test is at AVAIL; here it is fixed. */
    u64 avail = DESC + 16 * SIZE, used = DESC + 0x100;
    wr(t, R_STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    set_desc(x, desc_at(0), DATA, 32, WRITE);
    put(x, avail + 2, 2, 1);
    wr(t, R_NOTIFY, 0);
    check(x, get(x, used + 2, 2) == 1 && get(x, used + 8, 4) == 32
          && get(x, DATA, 8), "gives bytes in the legacy layout");
    check(x, device_read(t, R_ISR, 4) == 1, "and an interrupt");
    wr(t, R_PFN, 0);
    check(x, device_read(t, R_PFN, 4) == 0, "the queue is taken away");
    remove_transport(t, rng);
}

/* ---- */

static void set_up(Bench *x)
{
    Err err = { 0 };

    x->mem = mem_new();
    x->ram = ram_new("ram", RAM_BYTES, &err);
    x->rom = ram_new("rom", WINDOW, &err);
    MemRegion ram = { .name = "ram", .base = RAM_AT, .size = RAM_BYTES,
                      .ram = x->ram };
    MemRegion rom = { .name = "rom", .base = ROM_AT, .size = WINDOW,
                      .ram = x->rom, .readonly = true };
    MemRegion trap = { .name = "trap", .base = MMIO_AT, .size = WINDOW,
                       .read = touch_read, .write = touch_write, .opaque = x };
    mem_add(x->mem, &ram);
    mem_add(x->mem, &rom);
    mem_add(x->mem, &trap);
    x->v.dev.id = (char *)"bench";
    x->v.dev.mem = x->mem;
    x->v.dev.bus = x;
    x->v.interrupt = on_interrupt;
    virtio_init(&x->v, &kind);
    virtio_reset(&x->v);
}

int main(void)
{
    static Bench bench;         /* lives as long as the process */
    Bench *x = &bench;

    clock_pause(false);
    set_up(x);
    direct(x);
    around(x);
    indirect(x);
    event_index(x);
    several(x);
    after_reset(x);
    features(x);
    fresh(x, all);
    wrong_chains(x);
    wrong_buffers(x);
    wrong_indirect(x);
    wrong_rings(x);
    flood(x);
    random_rings(x);
    modern(x);
    legacy(x);
    printf("1..%d\n", x->tests);
    return x->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
