/* SPDX-License-Identifier: MIT */
/*
 * An NVM Express controller from the driver's side: what commands answer,
 * what is wrong with bad ones, PRP lists and SGLs, events, and that random
 * commands do no harm.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "block/block.h"
#include "hw/nvme/ns.h"
#include "hw/pci/host.h"

enum { RAM_BYTES = 0x200000, BLOCKS = 4096, BLOCK = 512, PAGE = 4096 };
enum { ASQ = 0x1000, ACQ = 0x2000, SQ = 0x3000, CQ = 0x4000, LIST = 0x5000,
       DATA = 0x10000, ENTRIES = 16, CQ_ENTRIES = 8 };
enum { CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ_AT = 0x28, ACQ_AT = 0x30,
       DOORBELLS = 0x1000, BAR = 0xfe000000u };
enum { DNR = 0x4000, NONE = 0xdead };

typedef struct Fix {
    Machine m;
    Ram    *ram;
    PciBus *root;
    PciDevice *d;
    char   *folder;
    u32     tail[2], head[2], phase[2], irq;
    u32     result;             /* of the last command */
    u16     cid;
    u64     random;
    int     tests, failed;
    bool    wrong;              /* in the running test */
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

/* ---- the machine -------------------------------------------------------- */

static void on_line(void *opaque, int line, bool level)
{
    (void)line;
    ((Fix *)opaque)->irq = level;
}

static void open_image(Fix *x, const char *id, const char *more)
{
    g_autofree char *path = g_strdup_printf("%s/%s", x->folder, id);
    g_autofree char *text = g_strdup_printf(
        "file=%s,if=none,id=%s,format=raw%s", path, id, more);
    g_autofree char *data = g_malloc0(BLOCKS * BLOCK);
    Err err = { "" };

    for (u32 i = 0; i < BLOCKS; i++) {
        store_le(data + i * BLOCK, 4, i);
    }
    g_file_set_contents(path, data, BLOCKS * BLOCK, NULL);
    if (!block_open(text, &err)) {
        bail(&err);
    }
}

static void put(Fix *x, u32 at, unsigned size, u64 v)
{
    mem_put(x->m.mem, BAR + at, size, v);
}

static u64 get(Fix *x, u32 at, unsigned size)
{
    return mem_get(x->m.mem, BAR + at, size);
}

static void enable(Fix *x)
{
    put(x, CC, 4, 0);
    memset(x->ram->host, 0, DATA);
    put(x, AQA, 4, (ENTRIES - 1) | (CQ_ENTRIES - 1) << 16);
    put(x, ASQ_AT, 8, ASQ);
    put(x, ACQ_AT, 8, ACQ);
    put(x, CC, 4, 4 << 20 | 6 << 16 | 1);
    for (u32 q = 0; q < 2; q++) {
        x->tail[q] = x->head[q] = 0;
        x->phase[q] = 1;
    }
}

static void add_namespace(Fix *x, const char *disk)
{
    Err err = { "" };
    Device *d = device_new("nvme-ns", disk, &err);

    if (!device_set(d, "drive", disk, &err) || !nvme_plug(&x->m, d, &err)
        || !device_start(d, &err)) {
        bail(&err);
    }
    g_ptr_array_add(x->m.devices, d);
}

static void begin(Fix *x)
{
    const MemRegion ram = { .name = "ram", .size = RAM_BYTES, .ram = x->ram };
    Err err = { "" };

    x->m.mem = mem_new();
    x->m.devices = g_ptr_array_new();
    mem_add(x->m.mem, &ram);
    const PciRoot root = { .name = "pci.0", .mem = x->m.mem, .irq = on_line,
                           .opaque = x };
    x->root = pci_root_new(&root);
    open_image(x, "one", "");
    open_image(x, "two", ",readonly=on");
    Device *d = pci_device(&x->m, x->root, "nvme", "nvme0",
                           "addr=2,drive=one,serial=SN1,max_ioqpairs=4", &err);
    if (!d) {
        bail(&err);
    }
    x->d = (PciDevice *)d;
    add_namespace(x, "two");
    pci_config_write(x->d, PCI_BAR0, 4, BAR);
    pci_config_write(x->d, PCI_COMMAND, 2, 6);
}

static void end(Fix *x)
{
    for (u32 i = x->m.devices->len; i-- > 0; ) {
        device_free(x->m.devices->pdata[i]);
    }
    g_ptr_array_free(x->m.devices, true);
    pci_bus_free(x->root);
    block_close_all();
    mem_free(x->m.mem);
}

/* ---- commands ----------------------------------------------------------- */

typedef struct Command {
    u8  opcode, flags;
    u32 nsid;
    u64 prp1, prp2;
    u32 d10, d11, d12, d13;
} Command;

static void submit(Fix *x, u32 q, const u8 *bytes)
{
    memcpy(x->ram->host + (q ? SQ : ASQ) + x->tail[q] * 64, bytes, 64);
    x->tail[q] = (x->tail[q] + 1) % ENTRIES;
    put(x, DOORBELLS + 8 * q, 4, x->tail[q]);
    block_drain_all();
}

static void send(Fix *x, u32 q, Command c)
{
    u8 e[64] = { c.opcode, c.flags };

    store_le(e + 2, 2, ++x->cid);
    store_le(e + 4, 4, c.nsid);
    store_le(e + 24, 8, c.prp1);
    store_le(e + 32, 8, c.prp2);
    store_le(e + 40, 4, c.d10);
    store_le(e + 44, 4, c.d11);
    store_le(e + 48, 4, c.d12);
    store_le(e + 52, 4, c.d13);
    submit(x, q, e);
}

/* The next completion's status without DNR; NONE: there is none. */
static u16 completion(Fix *x, u32 q)
{
    const u8 *e = x->ram->host + (q ? CQ : ACQ) + x->head[q] * 16;
    u32 v = (u32)load_le(e + 12, 4);

    if ((v >> 16 & 1) != x->phase[q]) {
        return NONE;
    }
    x->result = (u32)load_le(e, 4);
    x->head[q] = (x->head[q] + 1) % CQ_ENTRIES;
    x->phase[q] ^= x->head[q] == 0;
    put(x, DOORBELLS + 8 * q + 4, 4, x->head[q]);
    return (u16)(v >> 17 & ~(u32)DNR);
}

static u16 run(Fix *x, u32 q, Command c)
{
    send(x, q, c);
    return completion(x, q);
}

static void make_queues(Fix *x)
{
    expect(x, "a completion queue", run(x, 0, (Command) {
        .opcode = 5, .prp1 = CQ, .d10 = (CQ_ENTRIES - 1) << 16 | 1,
        .d11 = 3 }), 0);
    expect(x, "a submission queue", run(x, 0, (Command) {
        .opcode = 1, .prp1 = SQ, .d10 = (ENTRIES - 1) << 16 | 1,
        .d11 = 1 << 16 | 1 }), 0);
}

/* ---- tests -------------------------------------------------------------- */

static void test_start(Fix *x)
{
    expect(x, "CAP.MQES", get(x, 0, 8) & 0xffff, 2047);
    expect(x, "VS", get(x, 8, 4), 0x10400);
    enable(x);
    expect(x, "ready", get(x, CSTS, 4), 1);
    put(x, CC, 4, 4 << 20 | 6 << 16 | 1 << 14 | 1);
    block_drain_all();
    expect(x, "shut down", get(x, CSTS, 4), 9);
    put(x, CC, 4, 0);
    expect(x, "off", get(x, CSTS, 4), 0);
    put(x, ASQ_AT, 8, ASQ);
    put(x, CC, 4, 9 << 7 | 1);
    expect(x, "a page size that is not there", get(x, CSTS, 4), 2);
    enable(x);
    make_queues(x);
    report(x, "starting, shutting down, queues");
}

static void test_identify(Fix *x)
{
    const u8 *p = x->ram->host + DATA;

    expect(x, "controller", run(x, 0, (Command) {
        .opcode = 6, .prp1 = DATA, .d10 = 1 }), 0);
    expect(x, "vendor", load_le(p, 2), 0x1b36);
    expect(x, "serial", memcmp(p + 4, "SN1     ", 8), 0);
    expect(x, "namespaces", load_le(p + 516, 4), 256);
    expect(x, "namespace", run(x, 0, (Command) {
        .opcode = 6, .nsid = 1, .prp1 = DATA }), 0);
    expect(x, "blocks", load_le(p, 8), BLOCKS);
    expect(x, "of 512 bytes", p[130], 9);
    expect(x, "list", run(x, 0, (Command) {
        .opcode = 6, .prp1 = DATA, .d10 = 2 }), 0);
    expect(x, "1 and 2", load_le(p, 8), 0x200000001);
    expect(x, "and no more", load_le(p + 8, 4), 0);
    expect(x, "interrupt taken", x->irq, 0);
    report(x, "identifying");
}

/* What is wrong with each: figures 126 to 130. */
static const struct {
    const char *what;
    u32 q;
    u16 status;
    Command c;
} bad[] = {
    { "admin opcode", 0, 0x001, { .opcode = 0xc0 } },
    { "I/O opcode", 1, 0x001, { .opcode = 0x7f, .nsid = 1 } },
    { "fused", 1, 0x002, { .opcode = 2, .flags = 1, .nsid = 1 } },
    { "SGL to admin", 0, 0x002, { .opcode = 6, .flags = 0x40, .d10 = 1 } },
    { "namespace 0", 1, 0x00b, { .opcode = 2 } },
    { "namespace 257", 1, 0x00b, { .opcode = 2, .nsid = 257 } },
    { "namespace 9", 1, 0x002, { .opcode = 2, .nsid = 9 } },
    { "past the end", 1, 0x080, { 2, 0, 1, DATA, 0, BLOCKS, 0, 0, 0 } },
    { "across the end", 1, 0x080, { 2, 0, 1, DATA, 0, BLOCKS - 1, 0, 1, 0 } },
    { "far away", 1, 0x080, { 2, 0, 1, DATA, 0, 0, 0x80000000, 0, 0 } },
    { "too long", 1, 0x002, { 2, 0, 1, DATA, LIST, 0, 0, 0x7ff, 0 } },
    { "data nowhere", 1, 0x004, { 2, 0, 1, 1ull << 50, 0, 0, 0, 0, 0 } },
    { "PRP1 odd", 1, 0x013, { 2, 0, 1, DATA + 1, 0, 0, 0, 0, 0 } },
    { "PRP2 with offset", 1, 0x013, { 2, 0, 1, DATA, DATA + 8, 0, 0, 15, 0 } },
    { "SGL of no kind", 1, 0x011, { 2, 0x40, 1, DATA, 0xf0ull << 56 | 512, 0, 0, 0, 0 } },
    { "SGL too short", 1, 0x00f, { 2, 0x40, 1, DATA, 256, 0, 0, 0, 0 } },
    { "SGL too long", 1, 0x00f, { 2, 0x40, 1, DATA, 1024, 0, 0, 0, 0 } },
    { "SGL segment of 8", 1, 0x00d, { 2, 0x40, 1, LIST, 0x30ull << 56 | 8, 0, 0, 0, 0 } },
    { "read-only", 1, 0x020, { 1, 0, 2, DATA, 0, 0, 0, 0, 0 } },
    { "zeroes to it", 1, 0x020, { 8, 0, 2, 0, 0, 0, 0, 0, 0 } },
    { "comparing others", 1, 0x285, { 5, 0, 1, DATA, 0, 7, 0, 0, 0 } },
    { "CQ of one entry", 0, 0x102, { 5, 0, 0, CQ, 0, 2, 1, 0, 0 } },
    { "CQ too large", 0, 0x102, { 5, 0, 0, CQ, 0, 2048 << 16 | 2, 1, 0, 0 } },
    { "CQ that is", 0, 0x101, { 5, 0, 0, CQ, 0, 7 << 16 | 1, 1, 0, 0 } },
    { "CQ 5", 0, 0x101, { 5, 0, 0, CQ, 0, 7 << 16 | 5, 1, 0, 0 } },
    { "CQ in pieces", 0, 0x002, { 5, 0, 0, CQ, 0, 7 << 16 | 2, 0, 0, 0 } },
    { "CQ not at a page", 0, 0x013, { 5, 0, 0, CQ + 16, 0, 7 << 16 | 2, 1, 0, 0 } },
    { "vector", 0, 0x108, { 5, 0, 0, CQ, 0, 7 << 16 | 2, 99 << 16 | 3, 0, 0 } },
    { "SQ of no CQ", 0, 0x100, { 1, 0, 0, SQ, 0, 7 << 16 | 2, 3 << 16 | 1, 0, 0 } },
    { "deleting CQ in use", 0, 0x10c, { 4, 0, 0, 0, 0, 1, 0, 0, 0 } },
    { "deleting SQ 4", 0, 0x101, { 0, 0, 0, 0, 0, 4, 0, 0, 0 } },
    { "log page", 0, 0x109, { 2, 0, 0, DATA, 0, 0x77, 0, 0, 0 } },
    { "behind a log", 0, 0x002, { 2, 0, 0, DATA, 0, 2, 0, 512, 0 } },
    { "feature", 0, 0x002, { 10, 0, 0, DATA, 0, 0x7f, 0, 0, 0 } },
    { "saving one", 0, 0x10d, { 9, 0, 0, DATA, 0, 1u << 31 | 6, 0, 0, 0 } },
    { "queues after some", 0, 0x00c, { 9, 0, 0, 0, 0, 7, 0, 0, 0 } },
    { "identify what", 0, 0x002, { 6, 0, 0, DATA, 0, 0x55, 0, 0, 0 } },
    { "trimming past the end", 1, 0x080, { 9, 0, 1, LIST + 64, 0, 0, 4, 0, 0 } },
};

static void test_bad(Fix *x)
{
    memset(x->ram->host + DATA, 0xee, BLOCK);
    store_le(x->ram->host + LIST + 64 + 4, 4, BLOCKS + 1);
    for (u32 i = 0; i < countof(bad); i++) {
        expect(x, bad[i].what, run(x, bad[i].q, bad[i].c), bad[i].status);
    }
    expect(x, "the log of errors", run(x, 0, (Command) {
        .opcode = 2, .prp1 = DATA, .d10 = 15 << 16 | 1 }), 0);
    expect(x, "has the last one", load_le(x->ram->host + DATA + 12, 2),
           0x080 << 1);
    report(x, "errors");
}

static u32 block_at(const Fix *x, u32 at)
{
    return (u32)load_le(x->ram->host + at, 4);
}

static void test_data(Fix *x)
{
    u8 *ram = x->ram->host;

    expect(x, "one block", run(x, 1, (Command) { 2, 0, 1, DATA + 512, 0, 77,
                                                 0, 0, 0 }), 0);
    expect(x, "is 77", block_at(x, DATA + 512), 77);
    for (u32 i = 0; i < 4; i++) {       /* in reverse, across a list's end */
        store_le(ram + (i < 1 ? LIST + PAGE - 16 : LIST + 64 - 8) + 8 * i, 8,
                 DATA + (u64)PAGE * (8 - i));
    }
    store_le(ram + LIST + PAGE - 8, 8, LIST + 64);
    expect(x, "40 blocks by a list", run(x, 1, (Command) {
        2, 0, 1, DATA, LIST + PAGE - 16, 0, 0, 39, 0 }), 0);
    expect(x, "the first", block_at(x, DATA), 0);
    expect(x, "of the second page", block_at(x, DATA + PAGE * 8), 8);
    expect(x, "of the last", block_at(x, DATA + PAGE * 5), 32);
    store_le(ram + LIST + PAGE - 8, 8, LIST + PAGE - 8);
    expect(x, "a list that is its own end", run(x, 1, (Command) {
        2, 0, 1, DATA, LIST + PAGE - 8, 0, 0, 39, 0 }), 0x013);

    store_le(ram + LIST, 8, DATA + 100);        /* 256, drop 512, 256 */
    store_le(ram + LIST + 8, 8, 256);
    store_le(ram + LIST + 24, 8, 0x10ull << 56 | 512);
    store_le(ram + LIST + 32, 8, DATA + 1000);
    store_le(ram + LIST + 40, 8, 256);
    memset(ram + DATA, 0xee, PAGE);
    expect(x, "two blocks by an SGL", run(x, 1, (Command) {
        2, 0x40, 1, LIST, 0x30ull << 56 | 48, 3, 0, 1, 0 }), 0);
    expect(x, "its beginning", block_at(x, DATA + 100), 3);
    expect(x, "no more than asked", ram[DATA + 356], 0xee);
    expect(x, "its end", ram[DATA + 1000 + 255], 0);

    store_le(ram + DATA, 4, 0x1234);
    expect(x, "writing", run(x, 1, (Command) { 1, 0, 1, DATA, 0, 9, 0,
                                               0, 0 }), 0);
    expect(x, "it compares", run(x, 1, (Command) { 5, 0, 1, DATA, 0, 9, 0,
                                                   0, 0 }), 0);
    expect(x, "zeroes", run(x, 1, (Command) { 8, 0, 1, 0, 0, 9, 0, 0, 0 }), 0);
    expect(x, "it differs", run(x, 1, (Command) { 5, 0, 1, DATA, 0, 9, 0,
                                                  0, 0 }), 0x285);
    expect(x, "flush of all", run(x, 1, (Command) { .nsid = ~0u }), 0);
    report(x, "PRP lists, SGLs, writing, comparing, zeroes");
}

/* A full completion queue holds commands back and loses none. */
static void test_full(Fix *x)
{
    for (u32 i = 0; i < ENTRIES - 1; i++) {
        send(x, 1, (Command) { .nsid = 1 });
    }
    for (u32 i = 0; i < ENTRIES - 1; i++) {
        block_drain_all();
        expect(x, "one of many", completion(x, 1), 0);
    }
    expect(x, "no more", completion(x, 1), NONE);
    report(x, "a full completion queue");
}

static void test_events(Fix *x)
{
    for (u32 i = 0; i < 4; i++) {
        send(x, 0, (Command) { .opcode = 12 });
    }
    expect(x, "they wait", completion(x, 0), NONE);
    expect(x, "a fifth", run(x, 0, (Command) { .opcode = 12 }), 0x105);
    put(x, DOORBELLS + 8 * 3, 4, 1);
    expect(x, "a doorbell of no queue", completion(x, 0), 0);
    expect(x, "an error, its log", x->result, 0x10000);
    put(x, DOORBELLS + 8 * 3, 4, 1);
    expect(x, "once until the log is read", completion(x, 0), NONE);
    expect(x, "reading it", run(x, 0, (Command) {
        .opcode = 2, .prp1 = DATA, .d10 = 15 << 16 | 1 }), 0);
    expect(x, "the other comes", completion(x, 0), 0);
    expect(x, "cool", run(x, 0, (Command) { .opcode = 9, .d10 = 11,
                                            .d11 = 2 }), 0);
    send(x, 0, (Command) { .opcode = 9, .d10 = 4, .d11 = 250 });
    u16 first = completion(x, 0);
    expect(x, "too warm", first | completion(x, 0), 0);
    u16 cid = x->cid;
    expect(x, "aborting nothing", run(x, 0, (Command) {
        .opcode = 8, .d10 = (u32)cid << 16 }), 0);
    expect(x, "is not done", x->result, 1);
    report(x, "events, aborting");
}

/* Steele and Vigna's splitmix64: the same every run. */
static u64 draw(Fix *x)
{
    u64 z = x->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void random_command(Fix *x, u8 *e)
{
    static const u8 opcodes[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12 };

    for (u32 i = 0; i < 64; i += 8) {
        store_le(e + i, 8, draw(x) >> (draw(x) & 63));
    }
    e[0] = draw(x) & 7 ? opcodes[draw(x) % countof(opcodes)] : (u8)draw(x);
    e[1] = draw(x) & 1 ? 0 : (u8)draw(x) & 0xc3;
    store_le(e + 4, 4, draw(x) & 3);
    store_le(e + 24, 8,
             draw(x) % RAM_BYTES & (draw(x) & 1 ? ~0xfffull : ~0ull));
    store_le(e + 32, 8, draw(x) & 1 ? draw(x) % RAM_BYTES & ~7ull
             : (draw(x) & 0x30) << 56 | (draw(x) & 0x3ff0));
}

/* Random commands in random memory, which is what lists are read from. */
static void test_random(Fix *x)
{
    u8 e[64];

    for (u32 round = 0; round < 3000; round++) {
        if (round % 50 == 0) {
            enable(x);
            make_queues(x);
            x->wrong = false;           /* judged elsewhere */
            for (u32 i = LIST; i < LIST + 0x4000; i += 8) {
                store_le(x->ram->host + i, 8, draw(x) % RAM_BYTES
                         & (draw(x) & 1 ? ~0xfffull : ~0ull));
            }
        }
        random_command(x, e);
        submit(x, draw(x) & 1, e);
        while (completion(x, 0) != NONE || completion(x, 1) != NONE) {
        }
    }
    enable(x);
    expect(x, "it starts again", get(x, CSTS, 4), 1);
    expect(x, "and answers", run(x, 0, (Command) {
        .opcode = 6, .prp1 = DATA, .d10 = 1 }), 0);
    report(x, "random commands");
}

int main(void)
{
    Fix x = { .random = 1 };
    Err err = { "" };

    x.ram = ram_new("ram", RAM_BYTES, &err);
    x.folder = g_dir_make_tmp("anole-test-XXXXXX", NULL);
    begin(&x);
    test_start(&x);
    test_identify(&x);
    test_bad(&x);
    test_data(&x);
    test_full(&x);
    test_events(&x);
    test_random(&x);
    end(&x);
    ram_free(x.ram);
    g_autofree char *rm = g_strdup_printf("rm -r %s", x.folder);
    if (system(rm) != 0) {
        return EXIT_FAILURE;
    }
    g_free(x.folder);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
