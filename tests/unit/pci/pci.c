/* SPDX-License-Identifier: MIT */
/*
 * PCI from the guest's side: configuration cycles, where base addresses are
 * mapped, interrupts by wire and by message, and what bridges pass.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/pci/host.h"

enum { RAM_BYTES = 0x10000, BAR_AT = 0xc0000000u, IO_AT = 0xc000 };

typedef struct Fix {
    MemSpace *mem, *io;
    Ram      *ram;
    PciBus   *root;
    PciHost  *host;
    u32       lines, changes;   /* levels of the root's lines */
    u64       address;          /* the last message */
    u32       data, messages;
    u32       turn;             /* added by route() */
    int       tests, failed;
    bool      wrong;            /* in the running test */
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

/* ---- a function of the test's own --------------------------------------- */

typedef struct Func {
    PciDevice pci;
    u64 wrote_at, wrote;        /* to its BAR */
    u32 resets;
} Func;

enum { MEM_BAR = 0, IO_BAR = 1, WIDE_BAR = 2, MSIX_BAR = 4, VECTORS = 4 };

static u64 func_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    return (0x1100 + at) & MASK(8 * size);
}

static void func_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Func *f = opaque;

    (void)size;
    f->wrote_at = at;
    f->wrote = v;
}

static bool func_start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0xabcd, .device = 0x1234, .class = 0x020000, .pin = 1,
    };
    Func *f = opaque;
    PciBar bar = { .size = 0x1000, .read = func_read, .write = func_write,
                   .opaque = f };

    if (!pci_init(&f->pci, &info, err)) {
        return false;
    }
    pci_bar(&f->pci, MEM_BAR, bar);
    bar.size = 0x20;
    bar.kind = PCI_BAR_IO;
    pci_bar(&f->pci, IO_BAR, bar);
    bar.size = 0x4000;
    bar.kind = PCI_BAR_64 | PCI_BAR_PREFETCH;
    pci_bar(&f->pci, WIDE_BAR, bar);
    pci_add_msix_bar(&f->pci, VECTORS, MSIX_BAR);
    pci_add_msi(&f->pci, 4);
    pci_add_pm(&f->pci);
    return true;
}

static void func_reset(void *opaque)
{
    Func *f = opaque;

    f->resets++;
    pci_reset(&f->pci);
}

DEVICE(func) {
    .name  = "test-function",
    .about = "a function of the test",
    .bus   = BUS_PCI,
    .size  = sizeof(Func),
    .props = (const Prop[]) { PCI_PROPS(Func, pci), { 0 } },
    .state = (const Field[]) { PCI_FIELDS(Func, pci), { 0 } },
    .start = func_start, .reset = func_reset, .loaded = pci_device_loaded,
    .stop = pci_device_stop,
};

/* ---- the bench ---------------------------------------------------------- */

static u32 route(void *opaque, u32 slot, u32 pin)
{
    return (slot + pin + ((Fix *)opaque)->turn) & 3;
}

static void on_line(void *opaque, int line, bool level)
{
    Fix *x = opaque;

    x->changes++;
    x->lines = (u32)deposit(x->lines, line, 1, level);
}

static void on_message(void *opaque, u64 address, u32 data)
{
    Fix *x = opaque;

    x->messages++;
    x->address = address;
    x->data = data;
}

static void begin(Fix *x, bool express)
{
    const PciRoot root = {
        .name = express ? "pcie.0" : "pci.0", .express = express,
        .mem = x->mem = mem_new(), .io = x->io = mem_new(), .route = route,
        .irq = on_line, .msi = on_message, .opaque = x,
    };
    const MemRegion ram = { .name = "ram", .size = RAM_BYTES, .ram = x->ram };

    mem_add(x->mem, &ram);
    x->root = pci_root_new(&root);
    x->host = pci_host_new(x->root);
    pci_host_map_ports(x->host, x->io, NULL);
    x->lines = x->changes = x->messages = x->turn = 0;
}

static void end(Fix *x)
{
    pci_bus_free(x->root);
    g_free(x->host);
    mem_free(x->mem);
    mem_free(x->io);
}

static Device *try(Fix *x, const char *type, const char *id, const char *bus,
                   const char *addr, Err *err)
{
    Device *d = device_new(type, id, err);

    pci_plug(x->root, d);
    d->mem = x->mem;
    if ((bus && !device_set(d, "bus", bus, err))
        || (addr && !device_set(d, "addr", addr, err))
        || !device_start(d, err)) {
        device_free(d);
        return NULL;
    }
    return d;
}

static Device *make(Fix *x, const char *type, const char *id, const char *bus,
                    const char *addr)
{
    Err err = { "" };
    Device *d = try(x, type, id, bus, addr, &err);

    if (!d) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return d;
}

static void select_config(Fix *x, u32 bus, u32 devfn, u32 at)
{
    mem_put(x->io, 0xcf8, 4, 1u << 31 | bus << 16 | devfn << 8 | (at & 0xfc));
}

static u32 in(Fix *x, u32 bus, u32 devfn, u32 at, unsigned size)
{
    select_config(x, bus, devfn, at);
    return (u32)mem_get(x->io, 0xcfc + (at & 3), size);
}

static void out(Fix *x, u32 devfn, u32 at, unsigned size, u32 v)
{
    select_config(x, devfn >> 8, devfn & 0xff, at);
    mem_put(x->io, 0xcfc + (at & 3), size, v);
}

/* ---- configuration ------------------------------------------------------ */

static void test_cycles(Fix *x)
{
    begin(x, false);
    Device *d = make(x, "test-function", "f", NULL, "3");

    expect(x, "identity", in(x, 0, 3 << 3, 0, 4), 0x1234abcd);
    expect(x, "upper word", in(x, 0, 3 << 3, 2, 2), 0x1234);
    expect(x, "a byte", in(x, 0, 3 << 3, 1, 1), 0xab);
    expect(x, "nobody", in(x, 0, 4 << 3, 0, 4), ~0u);
    expect(x, "another bus", in(x, 1, 3 << 3, 0, 4), ~0u);
    expect(x, "subsystem", in(x, 0, 3 << 3, 0x2c, 4), 0x11001af4);
    out(x, 3 << 3, 0, 4, 0);
    expect(x, "identity is fixed", in(x, 0, 3 << 3, 0, 4), 0x1234abcd);
    mem_put(x->io, 0xcf8, 4, 3 << 11);
    expect(x, "the enable bit is off", mem_get(x->io, 0xcfc, 4), ~0u);
    out(x, 3 << 3, PCI_INTERRUPT_LINE, 1, 0x5a);
    expect(x, "line register", in(x, 0, 3 << 3, 0x3c, 2), 0x015a);
    report(x, "configuration cycles through CF8 and CFC");
    device_free(d);
    end(x);
}

static void test_ecam(Fix *x)
{
    enum { ECAM = 0xe0000000u };

    begin(x, true);
    Device *port = make(x, "pcie-root-port", "rp", NULL, "2");

    pci_host_map_ecam(x->host, x->mem, ECAM, 16);
    expect(x, "identity", mem_get(x->mem, ECAM + (2 << 15), 4), 0x000c1b36);
    expect(x, "nobody", mem_get(x->mem, ECAM + (3 << 15), 4), ~0u);
    expect(x, "extended space", mem_get(x->mem, ECAM + (2 << 15) + 0x100, 4),
           0);
    mem_put(x->mem, ECAM + (2 << 15) + PCI_PRIMARY, 4, 0x00050500);
    expect(x, "bus numbers", in(x, 0, 2 << 3, PCI_PRIMARY, 4), 0x00050500);
    Device *d = make(x, "virtio-rng-pci", "f", "rp", NULL);
    expect(x, "modern behind a port",
           mem_get(x->mem, ECAM + (5 << 20), 4), 0x10441af4);
    report(x, "the memory-mapped mechanism, a root port");
    device_free(d);
    device_free(port);
    end(x);
}

/* iPXE reads the 32 bits of features by halves. */
static void test_virtio_halves(Fix *x)
{
    begin(x, false);
    Device *d = make(x, "virtio-rng-pci", "f", NULL, "3");

    out(x, 3 << 3, PCI_BAR0 + 16, 4, BAR_AT);
    out(x, 3 << 3, PCI_BAR0 + 20, 4, 0);
    out(x, 3 << 3, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    mem_put(x->mem, BAR_AT, 4, 1);
    expect(x, "version 1", mem_get(x->mem, BAR_AT + 4, 2) & 1, 1);
    expect(x, "the same", mem_get(x->mem, BAR_AT + 4, 4) & 0xffff,
           mem_get(x->mem, BAR_AT + 4, 2));
    report(x, "virtio's common configuration by halves of registers");
    device_free(d);
    end(x);
}

/* ---- base addresses ----------------------------------------------------- */

static void test_bars(Fix *x)
{
    begin(x, false);
    Func *f = (Func *)make(x, "test-function", "f", NULL, "3");
    u32 devfn = 3 << 3;

    out(x, devfn, PCI_BAR0, 4, ~0u);
    expect(x, "size", in(x, 0, devfn, PCI_BAR0, 4), 0xfffff000);
    out(x, devfn, PCI_BAR0 + 4, 4, ~0u);
    expect(x, "I/O size", in(x, 0, devfn, PCI_BAR0 + 4, 4), 0xffffffe1);
    out(x, devfn, PCI_BAR0 + 8, 4, ~0u);
    out(x, devfn, PCI_BAR0 + 12, 4, ~0u);
    expect(x, "64-bit size", in(x, 0, devfn, PCI_BAR0 + 8, 4), 0xffffc00c);
    expect(x, "upper half", in(x, 0, devfn, PCI_BAR0 + 12, 4), ~0u);
    out(x, devfn, PCI_BAR0, 4, BAR_AT);
    out(x, devfn, PCI_BAR0 + 4, 4, IO_AT);
    out(x, devfn, PCI_BAR0 + 8, 4, 0x10000);
    out(x, devfn, PCI_BAR0 + 12, 4, 8);
    expect(x, "not before COMMAND", mem_find(x->mem, BAR_AT) != NULL, false);
    out(x, devfn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    expect(x, "memory", mem_get(x->mem, BAR_AT + 0x10, 4), 0x1110);
    expect(x, "above 4 GiB", mem_get(x->mem, 0x800010020ull, 4), 0x1120);
    expect(x, "no I/O yet", mem_find(x->io, IO_AT) != NULL, false);
    out(x, devfn, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    mem_put(x->io, IO_AT + 4, 2, 0x55aa);
    expect(x, "I/O", f->wrote_at << 16 | f->wrote, 0x455aa);
    out(x, devfn, PCI_BAR0, 4, BAR_AT + 0x100000);
    expect(x, "moved away", mem_find(x->mem, BAR_AT) != NULL, false);
    expect(x, "moved to", mem_get(x->mem, BAR_AT + 0x100000, 2), 0x1100);
    out(x, devfn, f->pci.pm_at + 4, 2, 3);
    expect(x, "asleep", mem_find(x->mem, BAR_AT + 0x100000) != NULL, false);
    out(x, devfn, f->pci.pm_at + 4, 2, 0);
    expect(x, "awake", mem_get(x->mem, BAR_AT + 0x100000, 2), 0x1100);
    device_reset(&f->pci.dev);
    expect(x, "gone after reset",
           mem_find(x->mem, BAR_AT + 0x100000) != NULL, false);
    report(x, "base addresses: sizes, places, COMMAND, power, reset");
    device_free(&f->pci.dev);
    end(x);
}

/* ---- interrupts --------------------------------------------------------- */

static void test_intx(Fix *x)
{
    begin(x, false);
    Func *f = (Func *)make(x, "test-function", "f", NULL, "1");
    Func *g = (Func *)make(x, "test-function", "g", NULL, "5");

    pci_irq(&f->pci, true);
    expect(x, "slot 1 pin A", x->lines, 1 << 1);
    expect(x, "status", in(x, 0, 1 << 3, PCI_STATUS, 2) & 8, 8);
    pci_irq(&g->pci, true);
    pci_irq(&f->pci, false);
    expect(x, "the other holds it", x->lines, 1 << 1);
    expect(x, "it changed once", x->changes, 1);
    out(x, 5 << 3, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
    expect(x, "turned off", x->lines, 0);
    out(x, 5 << 3, PCI_COMMAND, 2, 0);
    expect(x, "and on", x->lines, 1 << 1);
    x->turn = 1;
    pci_reroute(x->root);
    expect(x, "routed elsewhere", x->lines, 1 << 2);
    device_free(&g->pci.dev);
    expect(x, "unplugged", x->lines, 0);
    report(x, "the pin: routing, sharing, COMMAND");
    device_free(&f->pci.dev);
    end(x);
}

static void test_msi(Fix *x)
{
    begin(x, false);
    Func *f = (Func *)make(x, "test-function", "f", NULL, "1");
    u32 at = f->pci.msi_at;

    out(x, 8, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    out(x, 8, at + 4, 4, 0xfee01000);
    out(x, 8, at + 12, 2, 0x4040);
    pci_msi(&f->pci, 0);
    expect(x, "off", x->messages, 0);
    out(x, 8, at + 2, 2, 1 | 1 << 4);
    pci_msi(&f->pci, 3);
    expect(x, "address", x->address, 0xfee01000);
    expect(x, "data, of two messages", x->data, 0x4041);
    pci_interrupt(&f->pci, 0, true);
    expect(x, "instead of the pin", x->messages << 8 | x->lines, 0x200);
    out(x, 8, PCI_COMMAND, 2, 0);
    pci_msi(&f->pci, 0);
    expect(x, "no master", x->messages, 2);
    report(x, "MSI");
    device_free(&f->pci.dev);
    end(x);
}

static void test_msix(Fix *x)
{
    begin(x, false);
    Func *f = (Func *)make(x, "test-function", "f", NULL, "1");
    u32 at = f->pci.msix_at, entry = BAR_AT + 16, pba = BAR_AT + 0x800;

    out(x, 8, PCI_BAR0 + 16, 4, BAR_AT);
    out(x, 8, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    expect(x, "vectors", in(x, 0, 8, at + 2, 2), VECTORS - 1);
    expect(x, "masked at first", mem_get(x->mem, entry + 12, 4), 1);
    mem_put(x->mem, entry, 8, 0xfee02000);
    mem_put(x->mem, entry + 8, 4, 0x51);
    pci_msix(&f->pci, 1);
    expect(x, "off", x->messages << 8 | mem_get(x->mem, pba, 8), 0);
    out(x, 8, at + 2, 2, 1 << 15);
    pci_msix(&f->pci, 1);
    expect(x, "pending", x->messages << 8 | mem_get(x->mem, pba, 8), 2);
    mem_put(x->mem, entry + 12, 4, 0);
    expect(x, "sent", x->messages, 1);
    expect(x, "where", x->address, 0xfee02000);
    expect(x, "what", x->data, 0x51);
    expect(x, "nothing pending", mem_get(x->mem, pba, 8), 0);
    out(x, 8, at + 2, 2, 1 << 15 | 1 << 14);
    pci_msix(&f->pci, 1);
    out(x, 8, at + 2, 2, 1 << 15);
    expect(x, "the function's mask", x->messages, 2);
    pci_msix(&f->pci, VECTORS);
    expect(x, "no such vector", x->messages, 2);
    report(x, "MSI-X: table, masks, pending bits");
    device_free(&f->pci.dev);
    end(x);
}

/* ---- bridges ------------------------------------------------------------ */

static void test_bridge(Fix *x)
{
    enum { BRIDGE = 4 << 3, BEHIND = 1 << 8 | 2 << 3 };

    begin(x, false);
    Device *b = make(x, "pci-bridge", "b1", NULL, "4");
    Func *f = (Func *)make(x, "test-function", "f", "b1", "2");

    expect(x, "no number yet", in(x, 1, 2 << 3, 0, 4), ~0u);
    out(x, BRIDGE, PCI_PRIMARY, 4, 0x00010100);
    expect(x, "behind", in(x, 1, 2 << 3, 0, 4), 0x1234abcd);
    out(x, BEHIND, PCI_BAR0, 4, BAR_AT);
    out(x, BEHIND, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    out(x, BRIDGE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    expect(x, "closed", mem_find(x->mem, BAR_AT) != NULL, false);
    out(x, BRIDGE, PCI_MEM_BASE, 4, 0xc000c000);
    expect(x, "in the window", mem_get(x->mem, BAR_AT, 2), 0x1100);
    out(x, BRIDGE, PCI_MEM_BASE, 4, 0xd000d000);
    expect(x, "outside", mem_find(x->mem, BAR_AT) != NULL, false);
    expect(x, "master", pci_master(&f->pci), true);
    out(x, BRIDGE, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    pci_irq(&f->pci, true);
    expect(x, "pin turned by the slot, twice", x->lines,
           1u << ((4 + 2) & 3));
    out(x, BRIDGE, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_RESET);
    expect(x, "reset behind", f->resets << 4 | x->lines, 2 << 4);
    report(x, "a bridge: numbers, windows, pins, reset");
    device_free(&f->pci.dev);
    device_free(b);
    end(x);
}

/* ---- memory, mistakes --------------------------------------------------- */

/* PCI behind PCI Express, with the function that counts what comes. */
static void test_down(Fix *x)
{
    enum { PORTS_AT = 0xc000 };

    begin(x, true);
    Device *port = make(x, "pcie-root-port", "rp", NULL, "2");
    Device *bridge = make(x, "pcie-pci-bridge", "pb", "rp", NULL);
    Device *d = make(x, "pci-testdev", "t", "pb", "9");

    out(x, 2 << 3, PCI_PRIMARY, 4, 0x00020100);
    out(x, 2 << 3, PCI_IO_BASE, 2, 0xc0c0);
    out(x, 2 << 3, PCI_COMMAND, 2, 7);
    pci_config_write((PciDevice *)bridge, PCI_PRIMARY, 4, 0x00020201);
    pci_config_write((PciDevice *)bridge, PCI_IO_BASE, 2, 0xc0c0);
    pci_config_write((PciDevice *)bridge, PCI_COMMAND, 2, 7);
    expect(x, "the bridge", in(x, 1, 0, 0, 4), 0x000e1b36);
    expect(x, "a slot of PCI's", in(x, 2, 9 << 3, 0, 4), 0x00051b36);
    pci_config_write((PciDevice *)d, PCI_BAR0 + 4, 4, PORTS_AT);
    pci_config_write((PciDevice *)d, PCI_COMMAND, 2, 3);
    mem_put(x->io, PORTS_AT, 1, 2);
    u64 at = mem_get(x->io, PORTS_AT + 4, 4);
    mem_put(x->io, PORTS_AT + at, 1, mem_get(x->io, PORTS_AT + 8, 4));
    mem_put(x->io, PORTS_AT + at, 1, 0);
    expect(x, "the right one is counted", mem_get(x->io, PORTS_AT + 12, 4), 1);
    expect(x, "its name", mem_get(x->io, PORTS_AT + 16, 4), 0x74726f70);
    mem_put(x->io, PORTS_AT, 1, 3);
    expect(x, "no more tests", mem_get(x->io, PORTS_AT + 1, 1), 0);
    report(x, "a bridge from PCI Express to PCI, pci-testdev");
    device_free(d);
    device_free(bridge);
    device_free(port);
    end(x);
}

static void test_dma(Fix *x)
{
    u32 v = 0x12345678;

    begin(x, false);
    Func *f = (Func *)make(x, "test-function", "f", NULL, "1");

    expect(x, "may not", pci_dma_write(&f->pci, 0x100, &v, 4), false);
    out(x, 8, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    expect(x, "may", pci_dma_write(&f->pci, 0x100, &v, 4), true);
    expect(x, "there", load_le(x->ram->host + 0x100, 4), v);
    expect(x, "no memory", pci_dma_read(&f->pci, 0x900000, &v, 4), false);
    expect(x, "zeros", v, 0);
    report(x, "bus mastering");
    device_free(&f->pci.dev);
    end(x);
}

static void refuse(Fix *x, const char *bus, const char *addr, const char *word)
{
    Err err = { "" };
    Device *d = try(x, "test-function", "h", bus, addr, &err);

    expect(x, word, !d && strstr(err.text, word), true);
    if (!d && !strstr(err.text, word)) {
        printf("# it says: %s\n", err.text);
    }
    device_free(d);
}

static void test_mistakes(Fix *x)
{
    begin(x, true);
    Device *f = make(x, "test-function", "f", NULL, "3");
    Device *p = make(x, "pcie-root-port", "rp", NULL, NULL);
    Device *g = make(x, "test-function", "g", "rp", NULL);

    expect(x, "the first free slot", ((PciDevice *)p)->devfn, 0);
    refuse(x, NULL, "3", "taken by f");
    refuse(x, NULL, "3.1", "multifunction=on");
    refuse(x, NULL, "20", "no slot");
    refuse(x, NULL, "1.8", "no slot");
    refuse(x, NULL, "x", "no slot");
    refuse(x, "b7", NULL, "no such bus");
    refuse(x, "rp", NULL, "takes one");
    refuse(x, "rp", "1", "slot 0 only");
    report(x, "mistakes of users are told");
    device_free(g);
    device_free(p);
    device_free(f);
    end(x);
}

int main(void)
{
    Err err = { "" };
    Fix x = { .ram = ram_new("ram", RAM_BYTES, &err) };

    test_cycles(&x);
    test_ecam(&x);
    test_virtio_halves(&x);
    test_bars(&x);
    test_intx(&x);
    test_msi(&x);
    test_msix(&x);
    test_bridge(&x);
    test_down(&x);
    test_dma(&x);
    test_mistakes(&x);
    ram_free(x.ram);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
