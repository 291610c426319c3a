/* SPDX-License-Identifier: MIT */
/*
 * Disks and CD drives from the driver's side: by PIO and bus-master DMA on
 * piix3-ide, and through a port of ich9-ahci with queued commands.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "block/block.h"
#include "hw/core/medium.h"
#include "hw/ide/ide.h"
#include "hw/pci/host.h"

enum { RAM_BYTES = 0x100000, SECTOR = 512, CD_SECTOR = 2048,
       DISK_SECTORS = 4096, CD_BLOCKS = 64 };
enum { CMD = 0x1f0, CTL = 0x3f6, BM = 0xc000, ABAR = 0xfe000000u };
enum { ERR = 1, DRQ = 8, READY = 0x50 };

typedef struct Fix {
    Machine  m;
    Ram     *ram;
    PciBus  *root;
    PciDevice *controller;
    u32      irqs;              /* level of each */
    char    *folder;
    u8       buf[65536];
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

static u8 pattern(u64 at)
{
    return (u8)(at / SECTOR * 7 + at);
}

/* ---- the machine -------------------------------------------------------- */

static void on_irq(void *opaque, int n, bool level)
{
    Fix *x = opaque;

    x->irqs = (u32)deposit(x->irqs, n, 1, level);
}

static void on_line(void *opaque, int line, bool level)
{
    (void)line;
    on_irq(opaque, 0, level);
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
}

static void add_drive(Fix *x, const char *type, const char *disk)
{
    Err err = { "" };
    Device *d = device_new(type, disk, &err);

    d->machine = &x->m;
    d->mem = x->m.mem;
    if ((disk && !device_set(d, "drive", disk, &err))
        || !ide_plug(&x->m, d, &err) || !device_start(d, &err)) {
        bail(&err);
    }
    g_ptr_array_add(x->m.devices, d);
}

static void begin(Fix *x, const char *controller)
{
    const MemRegion ram = { .name = "ram", .size = RAM_BYTES, .ram = x->ram };
    Err err = { "" };

    x->m.mem = mem_new();
    x->m.io = mem_new();
    x->m.devices = g_ptr_array_new();
    mem_add(x->m.mem, &ram);
    const PciRoot root = { .name = "pci.0", .mem = x->m.mem, .io = x->m.io,
                           .irq = on_line, .opaque = x };
    x->root = pci_root_new(&root);
    x->irqs = 0;
    Device *d = pci_device(&x->m, x->root, controller, NULL, "addr=1.1", &err);
    if (!d) {
        bail(&err);
    }
    x->controller = (PciDevice *)d;
    open_image(x, "hd", DISK_SECTORS * SECTOR, "");
    open_image(x, "cd", CD_BLOCKS * CD_SECTOR, ",media=cdrom");
    add_drive(x, "ide-hd", "hd");
    add_drive(x, "ide-drive", "cd");
    pci_config_write(x->controller, PCI_COMMAND, 2, 7);
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
    mem_free(x->m.io);
}

/* ---- the parallel bus --------------------------------------------------- */

static u8 inb(Fix *x, u32 port)
{
    return (u8)mem_get(x->m.io, port, 1);
}

static void outb(Fix *x, u32 port, u8 v)
{
    mem_put(x->m.io, port, 1, v);
}

/* Lets the disk work; then the status. */
static u8 settle(Fix *x)
{
    block_drain_all();
    return inb(x, CTL);
}

static u8 command(Fix *x, u8 device, u64 lba, u8 n, u8 code)
{
    outb(x, CMD + 6, device);
    outb(x, CMD + 2, n);
    for (u32 i = 0; i < 3; i++) {
        outb(x, CMD + 3 + i, (u8)(lba >> 8 * i));
    }
    outb(x, CMD + 7, code);
    return settle(x);
}

static void read_words(Fix *x, u32 bytes)
{
    for (u32 i = 0; i < bytes; i += 2) {
        store_le(x->buf + i, 2, mem_get(x->m.io, CMD, 2));
    }
}

static void write_words(Fix *x, u32 bytes)
{
    for (u32 i = 0; i < bytes; i += 2) {
        mem_put(x->m.io, CMD, 2, load_le(x->buf + i, 2));
    }
}

/* Does buf hold n bytes of an image from `at` on? */
static bool holds(const u8 *p, u64 at, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        if (p[i] != pattern(at + i)) {
            return false;
        }
    }
    return true;
}

static void test_identify(Fix *x)
{
    outb(x, CMD + 6, 0xb0);
    expect(x, "the CD drive's signature", inb(x, CMD + 5) << 8
           | inb(x, CMD + 4), 0xeb14);
    expect(x, "status", command(x, 0xa0, 0, 0, 0xec), READY | DRQ);
    expect(x, "interrupt", x->irqs, 1);
    expect(x, "taken by reading", inb(x, CMD + 7), READY | DRQ);
    expect(x, "gone", x->irqs, 0);
    read_words(x, SECTOR);
    u8 sum = 0;
    for (u32 i = 0; i < SECTOR; i++) {
        sum += x->buf[i];
    }
    expect(x, "checksum", sum, 0);
    expect(x, "sectors", load_le(x->buf + 120, 4), DISK_SECTORS);
    expect(x, "sectors by 48 bits", load_le(x->buf + 200, 8), DISK_SECTORS);
    expect(x, "model", memcmp(x->buf + 54, "NALO EAHDRIDKS", 10), 0);
    expect(x, "done", inb(x, CTL), READY);
    expect(x, "nothing more", mem_get(x->m.io, CMD, 2), 0);
    expect(x, "a CD drive refuses", command(x, 0xb0, 0, 0, 0xec) & ERR, ERR);
    report(x, "IDENTIFY DEVICE, signatures");
}

static void test_pio(Fix *x)
{
    expect(x, "reading", command(x, 0xe0, 5, 2, 0x20), READY | DRQ);
    read_words(x, SECTOR);
    expect(x, "the second", settle(x), READY | DRQ);
    expect(x, "sector 5", holds(x->buf, 5 * SECTOR, SECTOR), true);
    read_words(x, SECTOR);
    expect(x, "sector 6", holds(x->buf, 6 * SECTOR, SECTOR), true);
    expect(x, "done", settle(x), READY);
    expect(x, "CHS", command(x, 0xa0, 0x000102, 1, 0x20), READY | DRQ);
    read_words(x, SECTOR);
    expect(x, "cylinder 1", holds(x->buf, (16 * 63 + 1) * SECTOR, SECTOR),
           true);
    expect(x, "past the end", command(x, 0xe0, DISK_SECTORS, 1, 0x20) & ERR,
           ERR);
    expect(x, "not found", inb(x, CMD + 1), 0x10);
    memset(x->buf, 0x5a, 2 * SECTOR);
    expect(x, "writing", command(x, 0xe0, 9, 2, 0xc5), READY | DRQ);
    write_words(x, 2 * SECTOR);
    expect(x, "written", settle(x), READY);
    expect(x, "back", command(x, 0xe0, 10, 1, 0x20), READY | DRQ);
    read_words(x, SECTOR);
    expect(x, "as it was", x->buf[0] << 8 | x->buf[511], 0x5a5a);
    expect(x, "flush", command(x, 0xe0, 0, 0, 0xe7), READY);
    expect(x, "no command", command(x, 0xe0, 0, 0, 0xfe) & ERR, ERR);
    report(x, "sectors by PIO, errors");
}

/* Two pieces of memory, one across a page. */
static void test_dma(Fix *x)
{
    enum { TABLE = 0x1000, FIRST = 0x2f00, SECOND = 0x8000 };

    pci_config_write(x->controller, 0x20, 4, BM);
    mem_put(x->m.mem, TABLE, 8, (u64)SECTOR << 32 | FIRST);
    mem_put(x->m.mem, TABLE + 8, 8, 1ull << 63 | (u64)SECTOR << 32 | SECOND);
    mem_put(x->m.io, BM + 4, 4, TABLE);
    outb(x, BM + 2, 6);
    expect(x, "waits", command(x, 0xe0, 20, 2, 0xc8) & 0x81, 0);
    outb(x, BM, 9);
    expect(x, "done", settle(x), READY);
    expect(x, "engine", inb(x, BM + 2) & 7, 4);
    outb(x, BM, 0);
    expect(x, "first", holds(x->ram->host + FIRST, 20 * SECTOR, SECTOR), true);
    expect(x, "second", holds(x->ram->host + SECOND, 21 * SECTOR, SECTOR),
           true);
    outb(x, BM + 2, 6);
    outb(x, CMD + 2, 0);
    outb(x, BM, 1);
    memset(x->ram->host + FIRST, 0x33, SECTOR);
    command(x, 0xe0, 30, 2, 0xca);
    outb(x, BM, 0);
    expect(x, "written", command(x, 0xe0, 30, 1, 0x20), READY | DRQ);
    read_words(x, SECTOR);
    expect(x, "as it was", x->buf[0] << 8 | x->buf[511], 0x3333);
    mem_put(x->m.mem, TABLE, 8, 1ull << 63 | (u64)SECTOR << 32 | FIRST);
    outb(x, BM, 9);
    expect(x, "a table too short", command(x, 0xe0, 20, 2, 0xc8) & ERR, ERR);
    expect(x, "is an error", inb(x, BM + 2) & 2, 2);
    outb(x, BM, 0);
    report(x, "bus-master DMA");
}

static u8 packet(Fix *x, u64 high, u32 low, u32 limit)
{
    u8 p[12];

    store_be(p, 8, high);
    store_be(p + 8, 4, low);
    outb(x, CMD + 1, 0);
    command(x, 0xb0, limit << 8, 0, 0xa0);
    for (u32 i = 0; i < 12; i += 2) {
        mem_put(x->m.io, CMD, 2, load_le(p + i, 2));
    }
    return settle(x);
}

static u32 part(Fix *x)
{
    return inb(x, CMD + 4) | (u32)inb(x, CMD + 5) << 8;
}

static void test_packets(Fix *x)
{
    expect(x, "INQUIRY", packet(x, 0x1200000024000000, 0, 0x800),
           READY | DRQ);
    expect(x, "bytes", part(x), 36);
    read_words(x, 36);
    expect(x, "a CD drive, removable", load_le(x->buf, 2), 0x8005);
    expect(x, "done", settle(x), READY);
    expect(x, "why", inb(x, CMD + 2) & 3, 3);
    expect(x, "capacity", packet(x, 0x2500000000000000, 0, 0x800),
           READY | DRQ);
    read_words(x, 8);
    expect(x, "last", load_be(x->buf, 8), (u64)(CD_BLOCKS - 1) << 32 | 2048);
    expect(x, "READ(10)", packet(x, 0x2800000000050000, 0x02000000, 0x800),
           READY | DRQ);
    expect(x, "a part", part(x), CD_SECTOR);
    read_words(x, CD_SECTOR);
    expect(x, "block 5", holds(x->buf, 5 * CD_SECTOR, CD_SECTOR), true);
    expect(x, "the rest", settle(x), READY | DRQ);
    read_words(x, CD_SECTOR);
    expect(x, "block 6", holds(x->buf, 6 * CD_SECTOR, CD_SECTOR), true);
    expect(x, "all", settle(x), READY);
    expect(x, "beyond", packet(x, 0x2800000000400000, 0x01000000, 0x800) & ERR,
           ERR);
    expect(x, "sense key", inb(x, CMD + 1) >> 4, 5);
    packet(x, 0x0300000012000000, 0, 0x800);
    read_words(x, 18);
    expect(x, "sense code", x->buf[2] << 8 | x->buf[12], 0x0521);
    expect(x, "no such packet", packet(x, 0xff00000000000000, 0, 8) & ERR,
           ERR);
    report(x, "packet commands");
}

/* The sense that REQUEST SENSE takes: key, code, qualifier. */
static u32 sense(Fix *x)
{
    packet(x, 0x0300000012000000, 0, 0x800);
    read_words(x, 18);
    return (u32)x->buf[2] << 16 | (u32)x->buf[12] << 8 | x->buf[13];
}

/* GET EVENT STATUS NOTIFICATION: the medium's event and state. */
static u32 event(Fix *x)
{
    packet(x, 0x4a01000010000000, 0x08000000, 0x800);
    read_words(x, 8);
    return (u32)x->buf[4] << 8 | x->buf[5];
}

static const u64 READY_UNIT = 0, EJECT = 0x1b00000002000000,
    LOAD = 0x1b00000003000000, LOCK = 0x1e00000001000000,
    UNLOCK = 0x1e00000000000000;

static void test_medium(Fix *x)
{
    Device *d = x->m.devices->pdata[x->m.devices->len - 1];
    Medium *m = device_medium(d);
    Err err = { "" };

    expect(x, "no event", event(x), 0x0002);
    expect(x, "locked", packet(x, LOCK, 0, 8), READY);
    expect(x, "stays closed", packet(x, EJECT, 0, 8) & ERR, ERR);
    expect(x, "removal prevented", sense(x), 0x055302);
    d->type->medium->asked(d);
    expect(x, "the button was pressed", event(x), 0x0102);
    expect(x, "once", event(x), 0x0002);
    packet(x, UNLOCK, 0, 8);
    expect(x, "opens", packet(x, EJECT, 0, 8), READY);
    expect(x, "it is open", m->open, 1);
    expect(x, "removed", event(x), 0x0301);
    expect(x, "not ready", packet(x, READY_UNIT, 0, 8) & ERR, ERR);
    expect(x, "tray open", sense(x), 0x023a02);
    expect(x, "closes", packet(x, LOAD, 0, 8), READY);
    expect(x, "attention", packet(x, READY_UNIT, 0, 8) & ERR, ERR);
    expect(x, "the medium may have changed", sense(x), 0x062800);
    expect(x, "once", packet(x, READY_UNIT, 0, 8), READY);
    expect(x, "new medium", event(x), 0x0202);
    expect(x, "some of it", packet(x, 0x2800000000050000, 0x28000000, 0x800),
           READY | DRQ);
    medium_remove(d);
    expect(x, "is gone", inb(x, CTL) & (ERR | DRQ), ERR);
    expect(x, "which is said", sense(x), 0x023a02);
    expect(x, "nothing there", packet(x, 0x2500000000000000, 0, 8) & ERR,
           ERR);
    expect(x, "tray closed", sense(x), 0x023a01);
    open_image(x, "cd2", 8 * CD_SECTOR, ",media=cdrom");
    expect(x, "another", medium_insert(d, block_find("cd2"), &err), true);
    expect(x, "attention again", packet(x, READY_UNIT, 0, 8) & ERR, ERR);
    packet(x, 0x2500000000000000, 0, 0x800);
    read_words(x, 8);
    expect(x, "its size", load_be(x->buf, 4), 7);
    report(x, "CDs that come and go");
}

static void test_reset(Fix *x)
{
    command(x, 0xe0, 5, 2, 0x20);
    outb(x, CTL, 4);
    outb(x, CTL, 0);
    expect(x, "status", settle(x), READY);
    expect(x, "signature", inb(x, CMD + 3) << 8 | inb(x, CMD + 2), 0x0101);
    expect(x, "diagnosis", inb(x, CMD + 1), 1);
    outb(x, CTL, 2);
    command(x, 0xe0, 5, 1, 0x20);
    expect(x, "nIEN", x->irqs, 0);
    outb(x, CTL, 0);
    expect(x, "and off", x->irqs, 1);
    expect(x, "the other bus is empty", inb(x, 0x177), 0);
    report(x, "reset by software, interrupts off");
}

/* ---- SATA --------------------------------------------------------------- */

enum { LIST = 0x10000, FIS = 0x11000, TABLES = 0x12000, DATA = 0x20000 };
enum { PX = 0x100, P_IS = PX + 0x10, P_CMD = PX + 0x18, P_TFD = PX + 0x20,
       P_SIG = PX + 0x24, P_SSTS = PX + 0x28, P_SACT = PX + 0x34,
       P_CI = PX + 0x38, CD = 0x80 };

static u32 hba(Fix *x, u32 at)
{
    return (u32)mem_get(x->m.mem, ABAR + at, 4);
}

static void set_hba(Fix *x, u32 at, u32 v)
{
    mem_put(x->m.mem, ABAR + at, 4, v);
}

/* A command in a slot: its frame, and one piece of memory. */
static u8 *fill_slot(Fix *x, u32 slot, u8 code, u64 lba, u32 n, u32 bytes)
{
    u8 *head = x->ram->host + LIST + 32 * slot;
    u8 *table = x->ram->host + TABLES + 0x100 * slot;
    const u8 fis[16] = { 0x27, 0x80, code, 0, (u8)lba, (u8)(lba >> 8),
                         (u8)(lba >> 16), 0x40, 0, 0, 0, 0, (u8)n };

    memset(table, 0, 0x100);
    memcpy(table, fis, sizeof fis);
    store_le(head, 4, 5 | (bytes ? 1 : 0) << 16);
    store_le(head + 8, 8, TABLES + 0x100 * slot);
    store_le(table + 0x80, 8, DATA + 0x2000ull * slot);
    store_le(table + 0x8c, 4, bytes - 1);
    return table;
}

static void start_port(Fix *x, u32 port)
{
    set_hba(x, port + 0x100, LIST);
    set_hba(x, port + 0x108, FIS);
    set_hba(x, port + 0x114, ~0u);
    set_hba(x, port + P_CMD, 0x17);
}

static void issue(Fix *x, u32 port, u32 slots)
{
    set_hba(x, port + P_CI, slots);
    block_drain_all();
}

static void test_ahci(Fix *x)
{
    u8 *data = x->ram->host + DATA;

    pci_config_write(x->controller, 0x24, 4, ABAR);
    set_hba(x, 4, 2);
    expect(x, "six ports", hba(x, 0xc), 0x3f);
    expect(x, "a disk", hba(x, P_SIG), 0x101);
    expect(x, "a CD drive", hba(x, P_SIG + CD), 0xeb140101);
    expect(x, "nothing", hba(x, P_SSTS + 2 * CD), 0);
    start_port(x, 0);
    fill_slot(x, 0, 0xec, 0, 0, SECTOR);
    issue(x, 0, 1);
    expect(x, "IDENTIFY", hba(x, P_CI) << 8 | (hba(x, P_TFD) & 0xff), READY);
    expect(x, "its sectors", load_le(data + 120, 4), DISK_SECTORS);
    expect(x, "it came by a PIO setup", x->ram->host[FIS + 0x20], 0x5f);
    expect(x, "interrupt", hba(x, 8) << 8 | x->irqs, 0x101);
    set_hba(x, P_IS, ~0u);
    set_hba(x, 8, ~0u);
    expect(x, "taken", x->irqs, 0);
    fill_slot(x, 3, 0x25, 40, 8, 8 * SECTOR);
    issue(x, 0, 1 << 3);
    expect(x, "READ DMA EXT", holds(data + 3 * 0x2000, 40 * SECTOR,
                                    8 * SECTOR), true);
    expect(x, "bytes", load_le(x->ram->host + LIST + 3 * 32 + 4, 4),
           8 * SECTOR);
    fill_slot(x, 1, 0x25, DISK_SECTORS, 8, 8 * SECTOR);
    issue(x, 0, 2);
    expect(x, "past the end", hba(x, P_TFD) & 0xffff, 0x1000 | READY | ERR);
    expect(x, "stays issued", hba(x, P_CI), 2);
    set_hba(x, P_CMD, 0x16);
    expect(x, "stopped", hba(x, P_CI), 0);
    report(x, "SATA: IDENTIFY, DMA, errors");
}

static void test_queued(Fix *x)
{
    start_port(x, 0);
    for (u32 tag = 4; tag < 8; tag++) {
        u8 *fis = fill_slot(x, tag, 0x60, 100 + 2 * tag, 0, 2 * SECTOR);
        fis[3] = 2;
        fis[12] = (u8)(tag << 3);
    }
    set_hba(x, P_SACT, 0xf0);
    issue(x, 0, 0xf0);
    expect(x, "all done", hba(x, P_SACT) << 8 | hba(x, P_CI), 0);
    for (u32 tag = 4; tag < 8; tag++) {
        expect(x, "data of a tag",
               holds(x->ram->host + DATA + 0x2000 * tag,
                     (100 + 2 * tag) * SECTOR, 2 * SECTOR), true);
    }
    expect(x, "told by device bits", hba(x, P_IS) & 8, 8);
    report(x, "SATA: native command queuing");
}

static void test_sata_cd(Fix *x)
{
    start_port(x, CD);
    u8 *table = fill_slot(x, 0, 0xa0, 0, 0, CD_SECTOR);
    const u8 read_10[12] = { 0x28, 0, 0, 0, 0, 7, 0, 0, 1 };

    table[3] = 1;                       /* by DMA */
    memcpy(table + 0x40, read_10, sizeof read_10);
    issue(x, CD, 1);
    expect(x, "done", hba(x, P_CI + CD) << 8 | (hba(x, P_TFD + CD) & 0xff),
           READY);
    expect(x, "block 7", holds(x->ram->host + DATA, 7 * CD_SECTOR, CD_SECTOR),
           true);
    report(x, "SATA: a packet command");
}

int main(void)
{
    Err err = { "" };
    static Fix x;

    x.ram = ram_new("ram", RAM_BYTES, &err);
    x.folder = g_dir_make_tmp("anole-XXXXXX", NULL);
    begin(&x, "piix3-ide");
    line_connect(device_line(&x.controller->dev, "irq", 0), on_irq, &x, 0);
    test_identify(&x);
    test_pio(&x);
    test_dma(&x);
    test_packets(&x);
    test_medium(&x);
    test_reset(&x);
    end(&x);
    begin(&x, "ich9-ahci");
    test_ahci(&x);
    test_queued(&x);
    test_sata_cd(&x);
    end(&x);
    g_autofree char *clear = g_strdup_printf("rm -r '%s'", x.folder);
    if (system(clear) != 0) {
        printf("# %s is left\n", x.folder);
    }
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
