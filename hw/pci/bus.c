/* SPDX-License-Identifier: MIT */
/*
 * PCI buses: who sits where, which way interrupts go, what bridges pass.
 * References: PCI Local Bus Specification 3.0, 2.2.6 and 3.2.2.3; PCI-to-PCI
 * Bridge Architecture Specification 1.2, 3.2.5, 4 and 9.1.
 *
 * Left out: the VGA and ISA enable bits of bridges, subtractive decoding.
 */
#include <glib.h>
#include <stdlib.h>
#include "hw/pci/pci.h"
#include "softmmu/hotplug.h"
#include "softmmu/run.h"

enum { PINS = 4, FUNCTIONS = 8 };

struct PciBus {
    char      *name;
    PciBus    *top;             /* the root of the tree */
    PciDevice *bridge;          /* above it; NULL: a host bridge */
    bool       express;
    u32        slots;
    PciDevice *fn[PCI_FUNCTIONS];
    /* Of a root. */
    PciRoot    root;
    PciHotPlug hot_plug;        /* plugged NULL: nothing comes or goes */
    u32        asserted[PCI_ROOT_LINES];    /* functions that hold the line */
};

static u32 slot_of(u32 devfn)     { return devfn / FUNCTIONS; }
static u32 function_of(u32 devfn) { return devfn % FUNCTIONS; }

PciBus *pci_root_new(const PciRoot *root)
{
    PciBus *b = g_new0(PciBus, 1);

    b->name = g_strdup(root->name);
    b->top = b;
    b->express = root->express;
    b->slots = PCI_SLOTS;
    b->root = *root;
    b->root.name = b->name;
    return b;
}

PciBus *pci_secondary_new(PciDevice *bridge, const char *name, bool express,
                          u32 slots)
{
    PciBus *b = g_new0(PciBus, 1);

    b->name = g_strdup(name);
    b->top = bridge->bus ? bridge->bus->top : b;
    b->bridge = bridge;
    b->express = express;
    b->slots = slots;
    bridge->secondary = b;
    return b;
}

/* Takes d off its bus; nothing of it is mapped or asserted any more. */
static void detach(PciDevice *d)
{
    d->intx = 0;
    pci_update_intx(d);
    pci_bus_remove(d);
    pci_remap(d);
    d->dev.bus = NULL;
}

void pci_bus_free(PciBus *b)
{
    if (b) {
        for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
            if (b->fn[i]) {
                detach(b->fn[i]);
            }
        }
        g_free(b->name);
        g_free(b);
    }
}

const PciRoot *pci_root(const PciBus *b)
{
    return &b->top->root;
}

PciDevice *pci_bus_bridge(const PciBus *b)
{
    return b->bridge;
}

bool pci_on_express(const PciDevice *d)
{
    return d->bus && d->bus->express;
}

bool pci_on_root(const PciDevice *d)
{
    return d->bus && !d->bus->bridge;
}

u32 pci_bus_number(const PciBus *b)
{
    return b->bridge ? (u32)pci_get(b->bridge, PCI_SECONDARY, 1) : 0;
}

/* ---- places ------------------------------------------------------------- */

void pci_plug(PciBus *root, Device *d)
{
    d->bus = root;
}

Device *pci_device(Machine *m, PciBus *b, const char *type, const char *id,
                   const char *props, Err *err)
{
    KeyVal *kv = keyval_parse(props ? props : "", NULL, err);
    Device *d = kv ? machine_new_device(m, type, id, kv, err) : NULL;

    keyval_free(kv);
    if (d) {
        pci_plug(b, d);
    }
    return d && machine_adopt(m, d, err) ? d : NULL;
}

/* The bus of that name, or behind the bridge of that id. */
static PciBus *find_bus(PciBus *b, const char *name)
{
    if (strcmp(b->name, name) == 0
        || (b->bridge && strcmp(b->bridge->dev.id, name) == 0)) {
        return b;
    }
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        PciBus *below = b->fn[i] ? b->fn[i]->secondary : NULL;
        PciBus *found = below ? find_bus(below, name) : NULL;
        if (found) {
            return found;
        }
    }
    return NULL;
}

/* "slot" or "slot.function", hexadecimal with or without 0x. */
static bool parse_addr(const char *text, u32 *slot, u32 *function)
{
    char *end;
    u64 s = strtoul(text, &end, 16), f = 0;

    if (end != text && *end == '.') {
        const char *from = end + 1;
        f = strtoul(from, &end, 16);
        end = end == from ? (char *)text : end;
    }
    *slot = (u32)MIN(s, 0xffull);
    *function = (u32)MIN(f, 0xffull);
    return end != text && !*end && s < PCI_SLOTS && f < FUNCTIONS;
}

static bool slot_is_free(const PciBus *b, u32 slot)
{
    for (u32 f = 0; f < FUNCTIONS; f++) {
        if (b->fn[slot * FUNCTIONS + f]) {
            return false;
        }
    }
    return true;
}

static bool any_slot(const PciBus *b, u32 *slot, Err *err)
{
    for (*slot = b->root.first_slot; *slot < b->slots; ++*slot) {
        if (slot_is_free(b, *slot)) {
            return true;
        }
    }
    return b->slots == 1
        ? fail(err, "%s has a device already; a port of PCI Express takes "
               "one", b->name)
        : fail(err, "all %u slots of %s are taken; -device pci-bridge,id=b1 "
               "and bus=b1 make more", b->slots, b->name);
}

/* Function 0 says if there are others. */
static bool check_functions(const PciBus *b, const PciDevice *d, u32 slot,
                            u32 function, Err *err)
{
    const PciDevice *first = b->fn[slot * FUNCTIONS];
    const PciDevice *there = b->fn[slot * FUNCTIONS + function];

    if (there) {
        return fail(err, "slot %x function %x of %s is taken by %s", slot,
                    function, b->name, there->dev.id);
    }
    if (function && first && !first->multifunction) {
        return fail(err, "%s in slot %x of %s has one function; give it "
                    "multifunction=on", first->dev.id, slot, b->name);
    }
    if (!function && !d->multifunction && !slot_is_free(b, slot)) {
        return fail(err, "slot %x of %s has other functions; function 0 needs "
                    "multifunction=on", slot, b->name);
    }
    return true;
}

static bool choose(const PciBus *b, PciDevice *d, Err *err)
{
    u32 slot = d->info->slot, function = d->info->function;

    if (d->addr && !parse_addr(d->addr, &slot, &function)) {
        return fail(err, "addr=%s is no slot (0 to 1f) or slot.function "
                    "(0 to 7)", d->addr);
    }
    if (!d->addr && !slot && !d->info->fixed && !any_slot(b, &slot, err)) {
        return false;
    }
    if (slot >= b->slots) {
        return fail(err, "addr=%s: %s has slot 0 only", d->addr, b->name);
    }
    d->devfn = (u8)(slot * FUNCTIONS + function);
    return check_functions(b, d, slot, function, err);
}

static bool takes(const PciBus *b)
{
    return b->bridge ? pcie_slot_takes(b->bridge) : b->hot_plug.plugged != NULL;
}

/* Says what takes devices while the machine runs. */
static bool check_running(const PciBus *b, Err *err)
{
    return takes(b)
        || fail(err, "%s takes and gives no devices while the machine runs; "
                "%s", b->name, b->top->express
                ? "start it with -device pcie-root-port,id=rp1,slot=1, and "
                  "say bus=rp1" : "pci.0 does");
}

bool pci_bus_place(PciDevice *d, Err *err)
{
    PciBus *b = d->dev.bus;

    if (d->bus_name) {
        b = find_bus(b->top, d->bus_name);
        if (!b) {
            return fail(err, "bus=%s: there is no such bus; `info pci` shows "
                        "them, and bridges come before what is behind them",
                        d->bus_name);
        }
    }
    bool running = d->dev.machine && machine_made(d->dev.machine);
    if ((running && !check_running(b, err)) || !choose(b, d, err)) {
        return err_prefix(err, "%s", d->dev.type->name);
    }
    d->bus = b;
    d->dev.bus = b;
    b->fn[d->devfn] = d;
    if (b->bridge) {
        d->dev.parent = &b->bridge->dev;
    }
    if (b->bridge && !running) {
        pcie_port_present(b->bridge);
    }
    return true;
}

void pci_bus_remove(PciDevice *d)
{
    if (d->bus) {
        d->bus->fn[d->devfn] = NULL;
        d->bus = NULL;
    }
}

/* ---- while the machine runs --------------------------------------------- */

void pci_hot_plug(PciBus *root, const PciHotPlug *h)
{
    root->hot_plug = *h;
}

/* The guest looks at a slot when function 0 is there, which comes last. */
void pci_plugged(PciDevice *d)
{
    PciBus *b = d->bus;

    if (function_of(d->devfn) == 0) {
        if (b->bridge) {
            pcie_slot_plugged(b->bridge);
        } else {
            b->hot_plug.plugged(b->hot_plug.opaque, slot_of(d->devfn));
        }
    }
}

bool pci_unplug(PciDevice *d, Err *err)
{
    PciBus *b = d->bus;

    if (!b || !d->dev.added) {
        return fail(err, "it is part of the board");
    }
    if (!check_running(b, err)) {
        return false;
    }
    if (b->bridge && !pcie_slot_ask(b->bridge, err)) {
        return false;
    }
    d->leaving = true;
    if (!b->bridge) {
        b->hot_plug.ask(b->hot_plug.opaque, slot_of(d->devfn));
    }
    return true;
}

bool pci_bus_leaving(const PciBus *b, u32 slot)
{
    for (u32 f = 0; f < FUNCTIONS; f++) {
        const PciDevice *d = b->fn[slot * FUNCTIONS + f];
        if (d && d->leaving) {
            return true;
        }
    }
    return false;
}

bool pci_bus_removable(const PciBus *b, u32 slot)
{
    for (u32 f = 0; f < FUNCTIONS; f++) {
        const PciDevice *d = b->fn[slot * FUNCTIONS + f];
        if (d && !d->dev.added) {
            return false;
        }
    }
    return true;
}

/* What they map goes at once, the devices when no vCPU can be in them. */
void pci_bus_eject(PciBus *b, u32 slot)
{
    for (u32 f = 0; f < FUNCTIONS; f++) {
        PciDevice *d = b->fn[slot * FUNCTIONS + f];
        if (d) {
            detach(d);
            hotplug_ejected(&d->dev);
        }
    }
}

void pci_let_go(PciBus *b)
{
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        PciDevice *d = b->fn[i];
        if (d && d->leaving) {
            if (b->bridge) {
                pcie_slot_let_go(b->bridge);
            } else {
                pci_bus_eject(b, slot_of(i));
            }
        } else if (d && d->secondary) {
            pci_let_go(d->secondary);
        }
    }
}

PciDevice *pci_find(PciBus *b, u32 number, u32 devfn)
{
    if (number == pci_bus_number(b)) {
        return b->fn[devfn & (PCI_FUNCTIONS - 1)];
    }
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        const PciDevice *d = b->fn[i];
        if (d && d->secondary && number >= pci_get(d, PCI_SECONDARY, 1)
            && number <= pci_get(d, PCI_SUBORDINATE, 1)
            && pci_get(d, PCI_SECONDARY, 1)) {
            return pci_find(d->secondary, number, devfn);
        }
    }
    return NULL;
}

void pci_bus_reset(PciBus *b)
{
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        if (b->fn[i]) {
            device_reset(&b->fn[i]->dev);
            if (b->fn[i]->secondary) {
                pci_bus_reset(b->fn[i]->secondary);
            }
        }
    }
}

/* ---- windows of bridges ------------------------------------------------- */

typedef struct Window {
    u64 base, last;             /* base > last: closed */
} Window;

static Window io_window(const PciDevice *d)
{
    return (Window) {
        (pci_get(d, PCI_IO_BASE, 1) & 0xf0) << 8
        | pci_get(d, PCI_IO_BASE_HIGH, 2) << 16,
        (pci_get(d, PCI_IO_LIMIT, 1) & 0xf0) << 8 | 0xfff
        | pci_get(d, PCI_IO_LIMIT_HIGH, 2) << 16,
    };
}

static Window memory_window(const PciDevice *d)
{
    return (Window) {
        (pci_get(d, PCI_MEM_BASE, 2) & 0xfff0) << 16,
        (pci_get(d, PCI_MEM_LIMIT, 2) & 0xfff0) << 16 | 0xfffff,
    };
}

static Window prefetch_window(const PciDevice *d)
{
    return (Window) {
        (pci_get(d, PCI_PREF_BASE, 2) & 0xfff0) << 16
        | pci_get(d, PCI_PREF_BASE_HIGH, 4) << 32,
        (pci_get(d, PCI_PREF_LIMIT, 2) & 0xfff0) << 16 | 0xfffff
        | pci_get(d, PCI_PREF_LIMIT_HIGH, 4) << 32,
    };
}

static bool inside(Window w, u64 base, u64 last)
{
    return base >= w.base && last <= w.last;
}

static bool passes(const PciDevice *d, u32 kind, u64 base, u64 last)
{
    bool io = kind & PCI_BAR_IO;
    u64 on = pci_get(d, PCI_COMMAND, 2);

    if (!(on & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))) {
        return false;
    }
    return io ? inside(io_window(d), base, last)
              : inside(memory_window(d), base, last)
                || inside(prefetch_window(d), base, last);
}

/* The registers of a bridge that say what is behind it end at the root. */
bool pci_bus_passes(const PciBus *b, u32 kind, u64 base, u64 last)
{
    while (b->bridge) {
        if (!passes(b->bridge, kind, base, last) || !b->bridge->bus) {
            return false;
        }
        b = b->bridge->bus;
    }
    return true;
}

static void remap(PciBus *b)
{
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        if (b->fn[i]) {
            pci_remap(b->fn[i]);
            if (b->fn[i]->secondary) {
                remap(b->fn[i]->secondary);
            }
        }
    }
}

void pci_bus_remap(PciBus *b)
{
    const PciRoot *root = pci_root(b);
    MemSpace *space[] = { root->mem, root->io };

    for (u32 i = 0; i < countof(space); i++) {
        if (space[i]) {
            mem_begin(space[i]);
        }
    }
    remap(b);
    for (u32 i = 0; i < countof(space); i++) {
        if (space[i]) {
            mem_commit(space[i]);
        }
    }
}

/*
 * The bits of bridges above are not asked for: SeaBIOS does not set them, and
 * boots from what is behind root ports.
 */
bool pci_master(const PciDevice *d)
{
    return pci_get(d, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

/* ---- interrupts --------------------------------------------------------- */

/* The root's line of d's pin: each bridge turns the pins by the slot. */
static u32 line_of(const PciDevice *d)
{
    const PciRoot *root = pci_root(d->bus);
    u32 pin = (u32)(pci_get(d, PCI_INTERRUPT_PIN, 1) - 1) % PINS;

    while (d->bus->bridge && d->bus->bridge->bus) {
        pin = (pin + slot_of(d->devfn)) % PINS;
        d = d->bus->bridge;
    }
    return root->route
        ? root->route(root->opaque, slot_of(d->devfn), pin) % PCI_ROOT_LINES
        : pin;
}

static void drive(PciBus *top, u32 line, bool level)
{
    if (top->root.irq) {
        top->root.irq(top->root.opaque, (int)line, level);
    }
}

void pci_bus_intx(PciDevice *d, bool level)
{
    PciBus *top = d->bus->top;
    u32 line = line_of(d), was = top->asserted[line];

    top->asserted[line] = level ? was + 1 : was ? was - 1 : 0;
    if ((was != 0) != (top->asserted[line] != 0)) {
        drive(top, line, level);
    }
}

static void count_asserted(const PciBus *b, u32 *n)
{
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        const PciDevice *d = b->fn[i];
        if (d && d->asserted) {
            n[line_of(d)]++;
        }
        if (d && d->secondary) {
            count_asserted(d->secondary, n);
        }
    }
}

void pci_reroute(PciBus *root)
{
    u32 n[PCI_ROOT_LINES] = { 0 };

    count_asserted(root, n);
    for (u32 i = 0; i < PCI_ROOT_LINES; i++) {
        bool was = root->asserted[i] != 0;
        root->asserted[i] = n[i];
        if (was != (n[i] != 0)) {
            drive(root, i, n[i] != 0);
        }
    }
}

/* ---- `info pci` --------------------------------------------------------- */

/* By base and sub class; PCI appendix D. */
static const struct { u16 class; const char *name; } classes[] = {
    { 0x0001, "VGA controller" },
    { 0x0100, "SCSI controller" },
    { 0x0101, "IDE controller" },
    { 0x0102, "Floppy controller" },
    { 0x0103, "IPI controller" },
    { 0x0104, "RAID controller" },
    { 0x0106, "SATA controller" },
    { 0x0107, "SAS controller" },
    { 0x0180, "Storage controller" },
    { 0x0200, "Ethernet controller" },
    { 0x0201, "Token Ring controller" },
    { 0x0202, "FDDI controller" },
    { 0x0203, "ATM controller" },
    { 0x0280, "Network controller" },
    { 0x0300, "VGA controller" },
    { 0x0301, "XGA controller" },
    { 0x0302, "3D controller" },
    { 0x0380, "Display controller" },
    { 0x0400, "Video controller" },
    { 0x0401, "Audio controller" },
    { 0x0403, "Audio controller" },
    { 0x0500, "RAM controller" },
    { 0x0501, "Flash controller" },
    { 0x0580, "Memory controller" },
    { 0x0600, "Host bridge" },
    { 0x0601, "ISA bridge" },
    { 0x0602, "EISA bridge" },
    { 0x0603, "MC bridge" },
    { 0x0604, "PCI bridge" },
    { 0x0605, "PCMCIA bridge" },
    { 0x0606, "NUBUS bridge" },
    { 0x0607, "CARDBUS bridge" },
    { 0x0680, "Bridge" },
    { 0x0700, "Serial port" },
    { 0x0c03, "USB controller" },
    { 0x0c05, "SMBus" },
};

static void print_class(const PciDevice *d, FILE *f)
{
    u16 class = (u16)pci_get(d, PCI_CLASS, 2);

    for (u32 i = 0; i < countof(classes); i++) {
        if (classes[i].class == class) {
            fprintf(f, "    %s", classes[i].name);
            return;
        }
    }
    fprintf(f, "    Class %04d", class);
}

static void print_window(FILE *f, const char *what, Window w, int digits)
{
    fprintf(f, "      %s range [0x%0*llx, 0x%0*llx]\n", what, digits,
            (unsigned long long)w.base, digits, (unsigned long long)w.last);
}

static void print_bridge(const PciDevice *d, FILE *f)
{
    static const struct { u32 at; const char *what; } numbers[] = {
        { PCI_PRIMARY, "BUS" }, { PCI_SECONDARY, "secondary bus" },
        { PCI_SUBORDINATE, "subordinate bus" },
    };

    for (u32 i = 0; i < countof(numbers); i++) {
        fprintf(f, "      %s %u.\n", numbers[i].what,
                (u32)pci_get(d, numbers[i].at, 1));
    }
    print_window(f, "IO", io_window(d), 4);
    print_window(f, "memory", memory_window(d), 8);
    print_window(f, "prefetchable memory", prefetch_window(d), 8);
}

static void print_bar(const PciMapped *m, u32 n, FILE *f)
{
    const PciBar *b = &m->bar;
    unsigned long long base = m->at, last = m->at + b->size - 1;

    if (!b->size) {
        return;
    }
    if (b->kind & PCI_BAR_IO) {
        fprintf(f, "      BAR%u: I/O at 0x%04llx [0x%04llx].\n", n, base,
                last);
    } else {
        fprintf(f, "      BAR%u: %s bit %smemory at 0x%08llx [0x%08llx].\n", n,
                b->kind & PCI_BAR_64 ? "64" : "32",
                b->kind & PCI_BAR_PREFETCH ? "prefetchable " : "", base, last);
    }
}

static void print_function(const PciDevice *d, FILE *f)
{
    fprintf(f, "  Bus %2u, device %3u, function %u:\n",
            pci_bus_number(d->bus), slot_of(d->devfn), function_of(d->devfn));
    print_class(d, f);
    fprintf(f, ": PCI device %04x:%04x\n", (u32)pci_get(d, PCI_VENDOR, 2),
            (u32)pci_get(d, PCI_DEVICE, 2));
    if (!d->info->bridge) {
        fprintf(f, "      PCI subsystem %04x:%04x\n",
                (u32)pci_get(d, PCI_SUBSYSTEM_VENDOR, 2),
                (u32)pci_get(d, PCI_SUBSYSTEM, 2));
    }
    if (pci_get(d, PCI_INTERRUPT_PIN, 1)) {
        fprintf(f, "      IRQ %u, pin %c\n",
                (u32)pci_get(d, PCI_INTERRUPT_LINE, 1),
                (char)('A' + pci_get(d, PCI_INTERRUPT_PIN, 1) - 1));
    }
    if (d->info->bridge) {
        print_bridge(d, f);
    }
    for (u32 n = 0; n <= PCI_ROM_BAR; n++) {
        print_bar(&d->mapped[n], n, f);
    }
    fprintf(f, "      id \"%s\"\n", d->dev.id);
}

void pci_info(PciBus *b, FILE *f)
{
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        if (b->fn[i]) {
            print_function(b->fn[i], f);
        }
    }
    for (u32 i = 0; i < PCI_FUNCTIONS; i++) {
        PciBus *below = b->fn[i] ? b->fn[i]->secondary : NULL;
        if (below && pci_bus_number(below)) {
            pci_info(below, f);
        }
    }
}
