/* SPDX-License-Identifier: MIT */
/*
 * A function for tests of low-level I/O, "pci-testdev" (1b36:0005).
 * Reference: QEMU's documentation, specs/pci-testdev.
 *
 * BAR 0 (memory) and BAR 1 (ports) begin with a header; writing a number to it
 * chooses a test, which the header then describes: how wide writes are to be,
 * where, of what, and how many came.  BAR 2 is as large as membar= says, and
 * has nothing in it.
 */
#include <glib.h>
#include "hw/pci/pci.h"

enum { MEMORY_BYTES = 4096, IO_BYTES = 256, SPACES = 2 };
enum { H_TEST = 0, H_WIDTH = 1, H_OFFSET = 4, H_DATA = 8, H_COUNT = 12,
       H_NAME = 16, HEADER = 64, TARGET = HEADER };
enum { NO_TEST = 0xff, WIDTH = 1, DATA = 0xfa };

static const char *const tests[] = {
    "no-eventfd", "wildcard-eventfd", "datamatch-eventfd",
};

/* Of a BAR. */
typedef struct Space {
    const char *kind;
    u8          test;           /* NO_TEST: none was chosen */
    u32         count;
} Space;

typedef struct TestDev {
    PciDevice pci;
    u64       membar;           /* property; bytes */
    Space     space[SPACES];
} TestDev;

static void fill_header(const Space *p, u8 *h)
{
    bool there = p->test < countof(tests);

    memset(h, 0, HEADER);
    h[H_TEST] = p->test;
    h[H_WIDTH] = there ? WIDTH : 0;
    store_le(h + H_OFFSET, 4, there ? TARGET + p->test * 4u : 0);
    store_le(h + H_DATA, 4, there ? DATA : 0);
    store_le(h + H_COUNT, 4, p->count);
    if (there) {
        g_snprintf((char *)h + H_NAME, HEADER - H_NAME, "%s-%s", p->kind,
                   tests[p->test]);
    }
}

static u64 read_space(void *opaque, u64 at, unsigned size)
{
    u8 h[HEADER];

    if (at + size > HEADER) {
        return 0;
    }
    fill_header(opaque, h);
    return load_le(h + at, size);
}

static void write_space(void *opaque, u64 at, unsigned size, u64 v)
{
    enum { DATAMATCH = 2 };
    Space *p = opaque;

    if (at == H_TEST && size == 1) {
        p->test = v < countof(tests) ? (u8)v : NO_TEST;
        p->count = 0;
    } else if (p->test < countof(tests) && at == TARGET + p->test * 4u
               && size == WIDTH && (p->test != DATAMATCH || v == DATA)) {
        p->count++;
    }
}

static u64 read_nothing(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    (void)size;
    return 0;
}

static void write_nothing(void *opaque, u64 at, unsigned size, u64 v)
{
    (void)opaque;
    (void)at;
    (void)size;
    (void)v;
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1b36, .device = 0x0005, .class = 0x00ff00,
    };
    static const struct { const char *kind; u64 size; u32 bar; } spaces[] = {
        { "mmio", MEMORY_BYTES, PCI_BAR_MEM },
        { "portio", IO_BYTES, PCI_BAR_IO },
    };
    TestDev *s = opaque;

    if (s->membar && (!is_pow2(s->membar) || s->membar < MEMORY_BYTES)) {
        return fail(err, "membar=%#llx is not a power of two from 4096 on",
                    (unsigned long long)s->membar);
    }
    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    for (u32 i = 0; i < countof(spaces); i++) {
        s->space[i].kind = spaces[i].kind;
        pci_bar(&s->pci, i, (PciBar) {
            .size = spaces[i].size, .kind = spaces[i].bar, .read = read_space,
            .write = write_space, .opaque = &s->space[i],
        });
    }
    if (s->membar) {
        pci_bar(&s->pci, 2, (PciBar) {
            .size = s->membar, .kind = PCI_BAR_64 | PCI_BAR_PREFETCH,
            .read = read_nothing, .write = write_nothing, .opaque = s,
        });
    }
    return true;
}

static void reset(void *opaque)
{
    TestDev *s = opaque;

    pci_reset(&s->pci);
    for (u32 i = 0; i < SPACES; i++) {
        s->space[i].test = NO_TEST;
    }
}

DEVICE(pci_testdev) {
    .name  = "pci-testdev",
    .about = "function for tests of low-level I/O",
    .size  = sizeof(TestDev),
    .bus   = BUS_PCI,
    .user  = true,
    .props = (const Prop[]) {
        PCI_PROPS(TestDev, pci),
        PROP("membar", PROP_U64, TestDev, membar, "0", "bytes of BAR 2; 0: there is none"),
        { 0 }
    },
    .state = (const Field[]) {
        PCI_FIELDS(TestDev, pci),
        SAVE_NAMED("mmio.test", TestDev, space[0].test),
        SAVE_NAMED("mmio.count", TestDev, space[0].count),
        SAVE_NAMED("portio.test", TestDev, space[1].test),
        SAVE_NAMED("portio.count", TestDev, space[1].count), { 0 }
    },
    .start = start, .reset = reset, .loaded = pci_device_loaded,
    .stop  = pci_device_stop,
};
