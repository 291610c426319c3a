/* SPDX-License-Identifier: MIT */
/*
 * PCI on the boards: `pc` has the 440FX with PIIX3 and PIIX4's power
 * management, `q35` the Q35 with ICH9.  Slots are those that QEMU documents.
 */
#include "hw/acpi/hotplug.h"
#include "hw/acpi/pm.h"
#include "hw/board/pc.h"
#include "hw/pci/host.h"

enum { ECAM_BASE = 0xb0000000u, ECAM_BUSES = 256, PCI_GSI = 16 };
enum { FIRST_ROUTED = 25 };             /* slots whose pins are PIRQA to D */

/* ---- interrupts --------------------------------------------------------- */

/* The chipset's lines go to ISA interrupts, each a driver of its own. */
static void isa_irq(void *machine, u32 isa, u32 line, bool level)
{
    pc_irq(machine, (int)(isa | (FROM_PCI + line) << 8), level);
}

static u32 i440fx_route(void *machine, u32 slot, u32 pin)
{
    (void)machine;
    return (slot - 1 + pin) & 3;
}

static u32 q35_route(void *machine, u32 slot, u32 pin)
{
    (void)machine;
    return slot < FIRST_ROUTED ? 4 + ((slot + pin) & 3) : pin;
}

static void i440fx_irq(void *machine, int line, bool level)
{
    piix3_line(pc(machine)->router, (u32)line, level);
}

/* Q35: to the I/O APIC's pins 16 to 23, and to what the router says. */
static void q35_irq(void *machine, int line, bool level)
{
    Pc *s = pc(machine);

    device_input(s->ioapic, PCI_GSI + line, level);
    ich9_line(s->router, (u32)line, level);
}

static void send_message(void *machine, u64 address, u32 data)
{
    apic_msi(pc(machine)->apics, address, data);
}

/* ---- without firmware --------------------------------------------------- */

/* The ISA interrupts of lines 0 to 3, as SeaBIOS chooses them too. */
static const u8 isa_of_line[4] = { 10, 10, 11, 11 };

static void set_config(Device *d, u32 at, unsigned size, u32 v)
{
    pci_config_write((PciDevice *)d, at, size, v);
}

/* Routes, edge or level, and the power management's ports. */
void pc_place_pci(Machine *m)
{
    enum { PIRQ = 0x60, PMBASE = 0x40, PIIX4_PMREGMISC = 0x80,
           ICH9_RCBA = 0xf0, RCRB_BASE = 0xfed1c000,
           PIIX4_SMBBA = 0x90, PIIX4_SMBHSTCFG = 0xd2, SMBUS_BASE = 0x700,
           ICH9_ACPI_CNTL = 0x44, ELCR = 0x4d0, PCIEXBAR = 0x60 };
    Pc *s = pc(m);

    for (u32 i = 0; i < 4; i++) {
        set_config(s->router, PIRQ + i, 1, isa_of_line[i]);
    }
    mem_put(m->io, ELCR + 1, 1, 1 << (10 - 8) | 1 << (11 - 8));
    if (s->kind->chipset == PC_440FX) {
        set_config(s->pm_function, PMBASE, 4, PM_BASE);
        set_config(s->pm_function, PIIX4_PMREGMISC, 1, 1);
        set_config(s->pm_function, PIIX4_SMBBA, 4, SMBUS_BASE);
        set_config(s->pm_function, PIIX4_SMBHSTCFG, 1, 1);
    } else {
        set_config(s->router, PMBASE, 4, PM_BASE);
        set_config(s->router, ICH9_ACPI_CNTL, 1, 0x80);
        set_config(s->router, ICH9_RCBA, 4, RCRB_BASE | 1);
        set_config(s->host_bridge, PCIEXBAR + 4, 4, 0);
        set_config(s->host_bridge, PCIEXBAR, 4, ECAM_BASE | 1);
    }
}

/* SeaBIOS finds its shadow in RAM again only if PAM outlives S3. */
void pc_wake_parts(Machine *m)
{
    enum { PAMS = 7 };
    Pc *s = pc(m);
    u32 pam0 = s->kind->chipset == PC_Q35 ? 0x90 : 0x59, was[PAMS];

    for (u32 i = 0; i < PAMS; i++) {
        was[i] = pci_config_read((PciDevice *)s->host_bridge, pam0 + i, 1);
    }
    machine_reset_parts(m);
    for (u32 i = 0; i < PAMS; i++) {
        set_config(s->host_bridge, pam0 + i, 1, was[i]);
    }
}

/* ---- making it ---------------------------------------------------------- */

static bool make_ide(Machine *m, Err *err)
{
    Device *d = pci_device(m, pc(m)->pci, "piix3-ide", NULL, "addr=1.1", err);

    for (u32 i = 0; d && i < 2; i++) {
        line_connect(device_line(d, "irq", i), pc_irq, m,
                     (int)(IRQ_IDE + i) | FROM_ISA << 8);
    }
    return d != NULL;
}

static Smram *make_smram(Machine *m)
{
    return smram_new(m->mem, m->smm, m->smm_code, m->ram, pc(m)->low);
}

static bool make_hot_plug(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->pci_hot_plug = pc_at_port(m, "acpi-pci-hotplug", "pci-hotplug", NULL,
                                 ACPI_PCIHP, err);
    if (s->pci_hot_plug) {
        acpi_pcihp_attach(s->pci_hot_plug, s->pm, s->pci);
    }
    return s->pci_hot_plug != NULL;
}

static bool make_piix4_pm(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->pm_function = pci_device(m, s->pci, "PIIX4_PM", "piix4-pm", NULL, err);
    if (!s->pm_function) {
        return false;
    }
    piix4_pm_attach(s->pm_function, s->pm, m->io, pc_has_smm(s));
    pc_offer_sleep(m);
    return make_hot_plug(m, err);
}

static bool make_440fx(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->host_bridge = pci_device(m, s->pci, "i440FX", "i440fx", NULL, err);
    s->router = s->host_bridge ? pci_device(m, s->pci, "PIIX3", "piix3", NULL,
                                            err) : NULL;
    if (!s->router) {
        return false;
    }
    i440fx_attach(s->host_bridge, pam_new(m->mem, m->ram), make_smram(m));
    piix3_attach(s->router, isa_irq, m);
    return (!pc_has_pm(s) || make_piix4_pm(m, err)) && make_ide(m, err);
}

static bool make_tco(Machine *m, Err *err)
{
    Pc *s = pc(m);
    Device *tco = machine_device(m, "ich9-tco", "tco", NULL, ~0ull, err);

    if (tco) {
        acpi_pm_attach_tco(s->pm, tco);
        line_connect(device_line(tco, "smi", 0), acpi_pm_tco_smi, s->pm, 0);
        ich9_attach_tco(s->router, tco);
    }
    return tco != NULL;
}

static bool make_q35(Machine *m, Err *err)
{
    Pc *s = pc(m);

    s->host_bridge = pci_device(m, s->pci, "mch", "mch", NULL, err);
    s->router = s->host_bridge ? pci_device(m, s->pci, "ICH9-LPC", "ich9-lpc",
                                            NULL, err) : NULL;
    if (!s->router) {
        return false;
    }
    mch_attach(s->host_bridge, pam_new(m->mem, m->ram), make_smram(m),
               s->pci_host);
    ich9_attach(s->router, isa_irq, m);
    ich9_attach_pm(s->router, s->pm, m->io);
    pc_offer_sleep(m);
    if (pc_has_smm(s)) {
        ich9_offer_smi(s->router, s->fw_cfg, SMI_BROADCAST);
    }
    return pci_device(m, s->pci, "ich9-ahci", NULL, "addr=1f.2", err)
        && pci_device(m, s->pci, "ICH9-SMB", "smbus", NULL, err)
        && make_tco(m, err);
}

/* ---- devices that come and go ------------------------------------------- */

static void hot_plugged(Machine *m, Device *d)
{
    (void)m;
    pci_plugged((PciDevice *)d);
}

static bool hot_unplug(Machine *m, Device *d, Err *err)
{
    if (d->type->bus != BUS_PCI) {
        return fail(err, "%s cannot leave while %s runs", d->type->name,
                    m->board->name);
    }
    return pci_unplug((PciDevice *)d, err);
}

static void hot_reset(Machine *m)
{
    pci_let_go(pc(m)->pci);
}

bool pc_make_pci(Machine *m, Err *err)
{
    Pc *s = pc(m);
    bool q35 = s->kind->chipset == PC_Q35;
    const PciRoot root = {
        .name = q35 ? "pcie.0" : "pci.0", .express = q35, .mem = m->mem,
        .io = m->io, .route = q35 ? q35_route : i440fx_route,
        .irq = q35 ? q35_irq : i440fx_irq, .msi = send_message, .opaque = m,
    };

    m->pci = s->pci = pci_root_new(&root);
    s->pci_host = pci_host_new(s->pci);
    pci_host_map_ports(s->pci_host, m->io, s->reset);
    m->hot_plugged = hot_plugged;
    m->hot_unplug = hot_unplug;
    m->hot_reset = hot_reset;
    return q35 ? make_q35(m, err) : make_440fx(m, err);
}

/* ---- for ACPI ----------------------------------------------------------- */

static u32 i440fx_gsi(u32 slot, u32 pin, bool apic)
{
    (void)apic;
    return isa_of_line[i440fx_route(NULL, slot, pin)];
}

static u32 q35_gsi(u32 slot, u32 pin, bool apic)
{
    u32 line = q35_route(NULL, slot, pin);

    return apic ? PCI_GSI + line : isa_of_line[line & 3];
}

/* Slots that the board has no device in. */
static u32 free_slots(const PciBus *b)
{
    u32 slots = 0;

    for (u32 i = 0; i < PCI_SLOTS; i++) {
        slots |= (u32)pci_bus_removable(b, i) << i;
    }
    return slots;
}

void pc_describe_pci(Machine *m, AcpiBoard *b)
{
    const Pc *s = pc(m);
    bool q35 = s->kind->chipset == PC_Q35;
    u64 hole = MAX(s->low, q35 ? (u64)ECAM_BASE + (ECAM_BUSES << 20)
                               : (u64)s->low);

    b->pci = true;
    b->low = (AcpiWindow) { hole, IOAPIC_BASE - hole };
    b->high = (AcpiWindow) { align_up((1ull << 32) + s->high, 1ull << 30),
                             1ull << 35 };
    b->route = q35 ? q35_gsi : i440fx_gsi;
    b->isa_devfn = q35 ? 0x1f * 8 : 1 * 8;
    b->ecam = q35 ? ECAM_BASE : 0;
    b->ecam_buses = q35 ? ECAM_BUSES : 0;
    b->level_irqs |= 1u << 10 | 1u << 11;
    b->hot_slots = s->pci_hot_plug ? free_slots(s->pci) : 0;
}
