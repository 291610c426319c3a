/* SPDX-License-Identifier: MIT */
/* What ACPI has on the PC boards: power management, HPET, the tables. */
#include "hw/acpi/hotplug.h"
#include "hw/acpi/pm.h"
#include "hw/acpi/tables.h"
#include "hw/board/pc.h"
#include "hw/rtc/mc146818rtc.h"
#include "hw/timer/hpet.h"

enum { LEGACY_PARTS = 1 << ACPI_ISA_KEYBOARD | 1 << ACPI_ISA_MOUSE };

static void press_button(Machine *m)
{
    acpi_pm_power_button(pc(m)->pm);
}

/*
 * To the CPU that wrote to the SMI command port, or as firmware has chosen to
 * all of them; PIIX4's to the first, the only one whose SMM SeaBIOS sets up.
 */
static void raise_smi(void *machine, int n, bool level)
{
    Machine *m = machine;
    const Pc *s = pc(m);
    bool ich9 = s->kind->ich9_pm;
    bool all = ich9 && ich9_smi_features(s->router) & SMI_BROADCAST;
    Cpu *by = ich9 && cpu_current() ? cpu_current() : m->cpu[0];

    (void)n;
    for (u32 i = 0; i < m->ncpus; i++) {
        if (m->cpu[i]->absent) {
            continue;
        }
        if (all || m->cpu[i] == by) {
            cpu_line(m->cpu[i], PC_LINE_SMI, level);
        }
    }
}

/* Who looks for PCI writes 4 bytes at CF8, among which is the reset port. */
static u64 reset_read(void *reset, u64 at, unsigned size)
{
    return at == 1 && size == 1 ? device_read(reset, 0, 1) : MASK(size * 8);
}

static void reset_write(void *reset, u64 at, unsigned size, u64 v)
{
    if (at == 1 && size == 1) {
        device_write(reset, 0, 1, v);
    }
}

/* ---- sleep -------------------------------------------------------------- */

enum { CMOS_RESET_CODE = 0x0f, RESUME = 0xfe };     /* SeaBIOS's number */

static void suspended(Machine *m)
{
    mc146818_set(pc(m)->rtc, CMOS_RESET_CODE, RESUME);
}

/*
 * Without firmware the board does what that would: puts registers in place and
 * goes on at FACS's vector.
 */
static void wake_up(Machine *m)
{
    enum { WAKING_VECTOR = 12 };        /* in the FACS, which is first */
    Pc *s = pc(m);

    pc_wake_parts(m);
    if (!s->firmware) {
        mc146818_set(s->rtc, CMOS_RESET_CODE, 0);
        pc_place_pci(m);
        x86_boot_resume(m, (u32)mem_get(
            m->mem, pc_tables_at(s) + WAKING_VECTOR, 4));
    }
}

static void wake(Machine *m)
{
    acpi_pm_wake(pc(m)->pm);
}

/* Firmware's list of SLP_TYPs, from S0 on: bit 7 says that it is there. */
void pc_offer_sleep(Machine *m)
{
    enum { THERE = 0x80 };
    Pc *s = pc(m);
    bool s3 = acpi_pm_has_s3(s->pm), s4 = acpi_pm_has_s4(s->pm);
    const u8 states[] = {
        THERE, 0, 0, PM_SLP_S3 | (s3 ? THERE : 0),
        PM_SLP_S4 | (s4 ? THERE : 0), THERE | PM_SLP_S5,
    };

    fw_cfg_file(s->fw_cfg, "etc/system-states", states, sizeof states);
    if (s3) {
        m->on_suspend = suspended;
        m->on_wake = wake_up;
        m->wake = wake;
    }
}

void pc_rtc_irq(void *machine, int n, bool level)
{
    const Pc *s = pc(machine);

    if (s->hpet) {
        device_input(s->hpet, 0, level);
    } else {
        pc_irq(machine, n, level);
    }
    if (level && s->pm) {
        acpi_pm_rtc(s->pm);
    }
}

/* ---- reset -------------------------------------------------------------- */

static void map_reset(Machine *m)
{
    const MemRegion ports = {
        .name = "reset", .base = RESET_PORT - 1, .size = 4,
        .read = reset_read, .write = reset_write, .opaque = pc(m)->reset,
    };

    mem_add(m->io, &ports);
}

/* ---- CPUs that come and go ---------------------------------------------- */

static u32 cpu_port(const Pc *s)
{
    return s->kind->ich9_pm ? PM_ICH9_CPUS : PM_PIIX4_CPUS;
}

static void cpu_plugged(Machine *m, Cpu *c)
{
    acpi_cpuhp_plugged(pc(m)->cpu_hot_plug, (u32)c->index);
}

static void cpu_unplug(Machine *m, Cpu *c)
{
    acpi_cpuhp_ask(pc(m)->cpu_hot_plug, (u32)c->index);
}

static void cpu_left(Machine *m, Cpu *c)
{
    device_reset(apic_of(pc(m)->apics, (u32)c->index));
}

static bool make_cpu_hot_plug(Machine *m, Err *err)
{
    Pc *s = pc(m);
    g_autofree char *cpus = g_strdup_printf("cpus=%u", m->ncpus);

    s->cpu_hot_plug = pc_at_port(m, "acpi-cpu-hotplug", "cpu-hotplug", cpus,
                                 cpu_port(s), err);
    if (!s->cpu_hot_plug) {
        return false;
    }
    acpi_cpuhp_attach(s->cpu_hot_plug, s->pm);
    m->cpu_plugged = cpu_plugged;
    m->cpu_unplug = cpu_unplug;
    m->cpu_left = cpu_left;
    return true;
}

static bool make_pm(Machine *m, Err *err)
{
    Pc *s = pc(m);
    bool ich9 = s->kind->ich9_pm;
    const char *smm = pc_has_smm(s) ? "on" : "off";
    g_autofree char *props = ich9
        ? g_strdup_printf("smm=%s,ich9=on,enable=%d,disable=%d", smm,
                          PM_ENABLE_ICH9, PM_DISABLE_ICH9)
        : g_strdup_printf("smm=%s", smm);

    s->pm = machine_device(m, "acpi-pm", "pm", props, ~0ull, err);
    if (!s->pm) {
        return false;
    }
    acpi_pm_map_smi(s->pm, m->io);
    if (!ich9) {
        acpi_pm_map_gpe(s->pm, m->io, PM_PIIX4_GPE0);
    }
    line_connect(device_line(s->pm, "sci", 0), pc_irq, m,
                 IRQ_ACPI | FROM_ACPI << 8);
    if (pc_has_smm(s)) {
        line_connect(device_line(s->pm, "smi", 0), raise_smi, m, 0);
    }
    m->power_button = press_button;
    return s->kind->chipset == PC_NO_PCI || make_cpu_hot_plug(m, err);
}

static bool make_reset(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->reset = machine_device(m, "reset-control", "reset", NULL, ~0ull, err);
    if (s->reset && s->kind->chipset == PC_NO_PCI) {
        map_reset(m);                   /* else the port is PCI's */
    }
    return s->reset != NULL;
}

static bool make_hpet(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->hpet = machine_device(m, "hpet", "hpet", NULL, HPET_BASE, err);
    if (!s->hpet) {
        return false;
    }
    for (u32 i = 0; i < IOAPIC_PINS; i++) {
        line_connect(device_line(s->hpet, "irq", i), pc_hpet_irq, m, (int)i);
    }
    line_connect(device_line(s->hpet, "legacy", 0), device_input, s->pit, 0);
    return true;
}

/* ---- tables ------------------------------------------------------------- */

/* One of a type, of the board or of -device; at a port, if that is not 0. */
static const Device *find(const Machine *m, const char *type, u64 port)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        if ((!port || d->base == port) && strcmp(d->type->name, type) == 0) {
            return d;
        }
    }
    return NULL;
}

static u32 isa_parts(const Machine *m)
{
    const Pc *s = pc(m);
    u32 parts = 1 << ACPI_ISA_RTC | 1 << ACPI_ISA_PIT | 1 << ACPI_ISA_PIC
        | 1 << ACPI_ISA_SPEAKER | 1 << ACPI_ISA_FW_CFG;

    parts |= s->kind->legacy ? LEGACY_PARTS : 0;
    parts |= s->fdc ? 1 << ACPI_ISA_FLOPPY : 0;
    parts |= find(m, "isa-serial", 0x3f8) ? 1 << ACPI_ISA_COM1 : 0;
    parts |= find(m, "isa-serial", 0x2f8) ? 1 << ACPI_ISA_COM2 : 0;
    parts |= find(m, "isa-parallel", 0x378) ? 1 << ACPI_ISA_LPT1 : 0;
    return parts;
}

/* Virtio transports are devices of ACPI: LNRO0005. */
static void describe_transports(const Pc *s, AcpiBoard *b, AcpiDevice *row,
                                char name[][8])
{
    const PcTransports *t = &s->kind->transports;

    for (u32 i = 0; i < t->count; i++) {
        snprintf(name[i], sizeof name[i], "VR%02u", i % 100);
        row[i] = (AcpiDevice) {
            .name = name[i], .hid = "LNRO0005", .uid = i,
            .mem = t->base + i * t->step, .mem_size = t->step,
            .gsi = t->gsi + i, .level = true,
        };
    }
    b->extra = row;
    b->extras = t->count;
}

static AcpiTables *describe(Machine *m)
{
    const Pc *s = pc(m);
    const Device *panic = find(m, "pvpanic", 0);
    AcpiDevice row[PC_TRANSPORTS];
    char name[PC_TRANSPORTS][8];
    AcpiBoard b = {
        .cpus = m->ncpus, .ioapic = IOAPIC_BASE, .ioapic_id = 0,
        .sci = IRQ_ACPI, .level_irqs = 1u << IRQ_ACPI, .pm_base = PM_BASE,
        .ich9 = s->kind->ich9_pm, .reset_port = true,
        .hpet = s->hpet ? HPET_BASE : 0, .isa = isa_parts(m),
        .s3 = acpi_pm_has_s3(s->pm), .s4 = acpi_pm_has_s4(s->pm),
    };

    for (u32 i = 0; i < m->ncpus; i++) {
        b.apic_id[i] = m->cpu[i]->arch_id;
        b.absent |= (u32)m->cpu[i]->absent << i;
    }
    b.pvpanic = panic ? (u16)panic->base : 0;
    b.cpu_hot_plug = s->cpu_hot_plug ? cpu_port(s) : 0;
    describe_transports(s, &b, row, name);
    if (s->pci) {
        pc_describe_pci(m, &b);
    }
    return acpi_build(&b);
}

bool pc_make_pm(Machine *m, Err *err)
{
    const PcKind *k = pc(m)->kind;

    return (!k->acpi || make_reset(m, err))
        && (!pc_has_pm(pc(m)) || make_pm(m, err))
        && (!k->hpet || make_hpet(m, err));
}

void pc_make_tables(Machine *m)
{
    Pc *s = pc(m);

    const Device *panic = find(m, "pvpanic", 0);
    u8 port[2];

    acpi_free(s->tables);
    s->tables = describe(m);
    if (panic) {
        store_le(port, sizeof port, panic->base);
        fw_cfg_file(s->fw_cfg, "etc/pvpanic-port", port, sizeof port);
    }
    acpi_to_fw_cfg(s->tables, s->fw_cfg);
}

/* What firmware would do: place the tables, and the registers they name. */
void pc_place_acpi(Machine *m)
{
    Pc *s = pc(m);

    if (s->pci) {
        pc_place_pci(m);
    } else {
        acpi_pm_map(s->pm, m->io, PM_BASE);
    }
    acpi_load(s->tables, m->mem, PC_RSDP, pc_tables_at(s));
    s->boot.rsdp = PC_RSDP;
}
