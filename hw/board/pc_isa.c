/* SPDX-License-Identifier: MIT */
/* Devices of the PC AT, at the ports and interrupts that it gave them. */
#include "hw/block/fdc.h"
#include "hw/board/pc.h"
#include "hw/dma/i8257.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/misc/pcspk.h"
#include "hw/rtc/mc146818rtc.h"
#include "target/target.h"

enum { EQUIPMENT = 0x06 };              /* FPU, PS/2 mouse */
/* Where the timer's interrupt is at the I/O APIC; ISA's others keep theirs. */
enum { TIMER_PIN = 2 };

typedef struct IsaPort { u16 port; u8 irq; } IsaPort;

static const IsaPort uarts[SERIALS] = {
    { 0x3f8, IRQ_COM1 }, { 0x2f8, IRQ_COM2 },
    { 0x3e8, IRQ_COM1 }, { 0x2e8, IRQ_COM2 },
};
static const IsaPort printers[PARALLELS] = {
    { 0x378, IRQ_LPT1 }, { 0x278, IRQ_LPT1 }, { 0x3bc, IRQ_LPT1 },
};

/* ---- interrupts --------------------------------------------------------- */

void pc_irq(void *machine, int n, bool level)
{
    Pc *s = pc(machine);
    u32 irq = n & 0xff, source = 1u << (n >> 8);
    bool was = s->driven[irq] != 0;

    s->driven[irq] = level ? s->driven[irq] | source
                           : s->driven[irq] & ~source;
    if (was == (s->driven[irq] != 0)) {
        return;
    }
    device_input(s->pic[irq >> 3], irq & 7, level);
    if (s->ioapic && irq != IRQ_CASCADE) {
        device_input(s->ioapic, irq == IRQ_TIMER ? TIMER_PIN : (int)irq,
                     level);
    }
}

void pc_hpet_irq(void *machine, int n, bool level)
{
    Pc *s = pc(machine);

    if (n < ISA_IRQS) {
        pc_irq(machine, n | FROM_HPET << 8, level);
    } else {
        device_input(s->ioapic, n, level);
    }
}

static void wire_irq(Machine *m, Device *d, const char *wire, u32 i, int irq)
{
    line_connect(device_line(d, wire, i), pc_irq, m, irq | FROM_ISA << 8);
}

static bool make_apics(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->apics = apics_new(m, s->pic[0], err);
    s->ioapic = s->apics ? machine_device(m, "ioapic", "ioapic0", NULL,
                                          IOAPIC_BASE, err) : NULL;
    if (s->ioapic) {
        apic_add_ioapic(s->apics, s->ioapic);
        ioapic_connect(s->ioapic, apic_msi, s->apics);
    }
    return s->ioapic != NULL;
}

/* The monitor's: to all CPUs, past the APICs. */
void pc_nmi(Machine *m)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        if (!m->cpu[i]->absent) {
            cpu_line(m->cpu[i], PC_LINE_NMI, true);
            cpu_line(m->cpu[i], PC_LINE_NMI, false);
        }
    }
}

bool pc_make_pics(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->pic[0] = machine_device(m, "isa-pic", "pic0", "master=on", ~0ull, err);
    s->pic[1] = s->pic[0] ? machine_device(m, "isa-pic", "pic1", NULL, ~0ull,
                                           err) : NULL;
    if (!s->pic[1]) {
        return false;
    }
    i8259_map(s->pic[0], m->io, 0x20, 0x4d0);
    i8259_map(s->pic[1], m->io, 0xa0, 0x4d1);
    i8259_cascade(s->pic[0], s->pic[1]);
    if (s->kind->apic) {
        return make_apics(m, err);
    }
    line_connect(device_line(s->pic[0], "intr", 0), cpu_line, m->cpu[0],
                 PC_LINE_INTR);
    m->cpu[0]->intc = &i8259_intc;
    m->cpu[0]->intc_state = s->pic[0];
    return true;
}

/* ---- devices at ports --------------------------------------------------- */

Device *pc_at_port(Machine *m, const char *type, const char *id,
                   const char *props, u64 port, Err *err)
{
    Device *d = machine_device(m, type, id, props, ~0ull, err);

    if (d) {
        device_map(d, m->io, port);
    }
    return d;
}

/* -boot order= as SeaBIOS reads it: 4 bits each, from the lowest on. */
static u32 boot_order(const Options *o)
{
    static const char letters[] = "acdn";       /* 1, 2, 3, 4 */
    const char *text = o->boot_order[0] ? o->boot_order : "cad";
    u32 v = 0;

    for (u32 i = 0; text[i]; i++) {
        v |= (u32)(strchr(letters, text[i]) - letters + 1) << 4 * i;
    }
    return v;
}

/*
 * What firmware reads of the machine in CMOS memory; the places are those of
 * the PC AT, of IBM's PS/2 (30) and of QEMU's firmware interface (34, 5b, 5f).
 */
static void fill_cmos(Machine *m, Device *rtc)
{
    u32 order = boot_order(m->opts);
    enum { KIB = 10, MIB = 20, UNIT = 16 };
    const Pc *s = pc(m);
    u64 extended = MIN((s->low - HIGH_RAM) >> KIB, 0xffffull);
    u64 above_16m = s->low > 16 << MIB ? (s->low - (16 << MIB)) >> UNIT : 0;
    const struct { u8 at, bytes; u64 v; } rows[] = {
        { 0x15, 2, LOW_RAM_END >> KIB },
        { 0x17, 2, extended }, { 0x30, 2, extended },
        { 0x34, 2, MIN(above_16m, 0xffffull) },
        { 0x38, 1, order >> 8 << 4 }, { 0x3d, 1, order & 0xff },
        { 0x5b, 3, s->high >> UNIT },
    };

    for (u32 i = 0; i < countof(rows); i++) {
        for (u32 k = 0; k < rows[i].bytes; k++) {
            mc146818_set(rtc, rows[i].at + k, (u8)(rows[i].v >> 8 * k));
        }
    }
}

bool pc_make_timers(Machine *m, Err *err)
{
    Pc *s = pc(m);
    g_autofree char *time = g_strdup_printf(
        "ahead=%llu", (unsigned long long)m->opts->rtc_ahead);
    Device *speaker;

    s->pit = pc_at_port(m, "isa-pit", "pit", NULL, 0x40, err);
    s->rtc = s->pit ? pc_at_port(m, "mc146818rtc", "rtc", time, 0x70, err)
                    : NULL;
    speaker = s->rtc ? pc_at_port(m, "isa-pcspk", "pcspk", NULL, 0x61, err)
                     : NULL;
    if (!speaker) {
        return false;
    }
    fill_cmos(m, s->rtc);
    pcspk_attach(speaker, s->pit);
    wire_irq(m, s->pit, "irq", 0, IRQ_TIMER);
    line_connect(device_line(s->rtc, "irq", 0), pc_rtc_irq, m,
                 IRQ_RTC | FROM_ISA << 8);
    return true;
}

/* Those of serial and parallel ports that have a chardev; kind is "serial". */
static bool make_ports(Machine *m, const char *kind, const IsaPort *at,
                       const char *const *chardev, u32 n, Err *err)
{
    g_autofree char *type = g_strdup_printf("isa-%s", kind);

    for (u32 i = 0; i < n; i++) {
        if (!chardev[i]) {
            continue;
        }
        g_autofree char *id = g_strdup_printf("%s%u", kind, i);
        g_autofree char *props = g_strdup_printf("chardev=%s", chardev[i]);
        Device *d = pc_at_port(m, type, id, props, at[i].port, err);

        if (!d) {
            return false;
        }
        wire_irq(m, d, "irq", 0, at[i].irq);
    }
    return true;
}

static void reset_line(void *machine, int n, bool level)
{
    (void)n;
    if (level) {
        machine_reset_request(machine);
    }
}

/* The address line is on while either of its gates is open. */
static void a20_line(void *machine, int gate, bool level)
{
    Machine *m = machine;
    Pc *s = pc(m);

    s->a20 = level ? s->a20 | 1u << gate : s->a20 & ~(1u << gate);
    for (u32 i = 0; i < m->ncpus; i++) {
        cpu_line(m->cpu[i], PC_LINE_A20, s->a20 != 0);
    }
}

/* The keyboard controller and port 92, which both gate A20 and can reset. */
static bool make_keyboard(Machine *m, Err *err)
{
    Device *d[2];

    d[0] = machine_device(m, "i8042", "i8042", NULL, ~0ull, err);
    d[1] = d[0] ? pc_at_port(m, "port92", "port92", NULL, 0x92, err) : NULL;
    if (!d[1]) {
        return false;
    }
    i8042_map(d[0], m->io, 0x60);
    wire_irq(m, d[0], "irq", 0, IRQ_KEYBOARD);
    wire_irq(m, d[0], "irq", 1, IRQ_MOUSE);
    for (int i = 0; i < 2; i++) {
        line_connect(device_line(d[i], "a20", 0), a20_line, m, i);
        line_connect(device_line(d[i], "reset", 0), reset_line, m, 0);
    }
    return true;
}

/* Two channels, where there is no PCI function with them. */
static bool make_ide(Machine *m, Err *err)
{
    static const struct { const char *id, *props; } channel[] = {
        { "isa-ide0", "iobase=0x1f0,iobase2=0x3f6" },
        { "isa-ide1", "iobase=0x170,iobase2=0x376" },
    };

    for (u32 i = 0; i < countof(channel); i++) {
        Device *d = machine_device(m, "isa-ide", channel[i].id,
                                   channel[i].props, ~0ull, err);
        if (!d) {
            return false;
        }
        wire_irq(m, d, "irq", 0, IRQ_IDE + (int)i);
    }
    return true;
}

static bool make_floppy(Machine *m, Err *err)
{
    Pc *s = pc(m);
    Device *dma = machine_device(m, "isa-dma", "dma", NULL, ~0ull, err);

    s->fdc = dma ? machine_device(m, "isa-fdc", "fdc", NULL, ~0ull, err)
                 : NULL;
    if (!s->fdc) {
        return false;
    }
    i8257_map(dma, m->io);
    fdc_map(s->fdc, m->io, 0x3f0, dma);
    wire_irq(m, s->fdc, "irq", 0, IRQ_FLOPPY);
    return true;
}

void pc_note_floppies(Machine *m)
{
    enum { CMOS_FLOPPY = 0x10, CMOS_EQUIPMENT = 0x14, FLOPPIES = 1 };
    Pc *s = pc(m);
    u32 drives = s->fdc ? fdc_drives(s->fdc) : 0;
    u8 equipment = EQUIPMENT;

    if (drives) {
        equipment |= (u8)(FLOPPIES | (drives - 1) << 6);
        mc146818_set(s->rtc, CMOS_FLOPPY, fdc_cmos_type(s->fdc));
    }
    mc146818_set(s->rtc, CMOS_EQUIPMENT, equipment);
}

void pc_note_cpus(Machine *m)
{
    enum { CMOS_CPUS = 0x5f };
    Pc *s = pc(m);
    u32 n = 0;

    for (u32 i = 0; i < m->ncpus; i++) {
        n += !m->cpu[i]->absent;
    }
    mc146818_set(s->rtc, CMOS_CPUS, (u8)(n - 1));
    fw_cfg_set_number(s->fw_cfg, FW_CFG_NB_CPUS, 2, n);
}

bool pc_make_ports(Machine *m, Err *err)
{
    const PcKind *k = pc(m)->kind;

    return make_ports(m, "serial", uarts, m->serial, SERIALS, err)
        && make_ports(m, "parallel", printers, m->parallel, PARALLELS, err)
        && (!k->legacy || make_keyboard(m, err))
        && (!k->isa_ide || make_ide(m, err))
        && (!k->floppy || make_floppy(m, err));
}
