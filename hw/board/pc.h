/* SPDX-License-Identifier: MIT */
/*
 * Private to the PC boards: what they have in common.
 *
 * pc.c makes a board out of the parts that its PcKind asks for: pc_isa.c the
 * devices of the PC AT, pc_memory.c RAM and firmware.
 */
#pragma once
#include "hw/acpi/tables.h"
#include "hw/board/flash.h"
#include "hw/board/x86_boot.h"
#include "hw/intc/apic.h"
#include "hw/intc/ioapic.h"
#include "hw/pci/host.h"
#include "hw/smbios/smbios.h"
#include "softmmu/run.h"

/* ISA interrupts. */
enum {
    IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_CASCADE = 2, IRQ_COM2 = 3,
    IRQ_COM1 = 4, IRQ_FLOPPY = 6, IRQ_LPT1 = 7, IRQ_RTC = 8, IRQ_ACPI = 9,
    IRQ_MOUSE = 12, IRQ_FPU = 13, IRQ_IDE = 14, ISA_IRQS = 16,
};
/* Lines of a CPU; they are target/i386's. */
enum { PC_LINE_INTR, PC_LINE_NMI, PC_LINE_SMI, PC_LINE_A20 };
enum { LOW_RAM_END = 0xa0000, HIGH_RAM = 0x100000 };
/* Where a board without firmware puts ACPI's tables; they end low RAM. */
enum { PC_RSDP = 0xe0000, PC_TABLES = 0x20000 };
/* And SMBIOS's entry point and tables. */
enum { PC_SMBIOS = 0xf8000, PC_SMBIOS_TABLES = 0xe1000 };

enum { PC_TRANSPORTS = 8 };

/* virtio-mmio transports of a board without PCI. */
typedef struct PcTransports {
    u32 count, base, step, gsi;
} PcTransports;

typedef enum PcChipset { PC_NO_PCI, PC_440FX, PC_Q35 } PcChipset;

/* A board of this family. */
typedef struct PcKind {
    const char *board;          /* its name */
    u64  ram_below_4g;          /* most RAM below 4 GiB */
    const char *seabios;        /* the firmware without -bios */
    bool ram_firmware;          /* what is seen of it below 1 MiB is RAM */
    PcChipset chipset;
    bool apic;                  /* local and I/O APICs */
    bool acpi;                  /* power management and tables */
    bool ich9_pm;               /* ICH9's registers for it, not PIIX4's */
    bool hpet;
    bool legacy;                /* keyboard controller, port 92 */
    bool isa_ide, floppy;
    const char *vga;            /* what -vga std is; NULL: no screen */
    const char *vga_bios;       /* its BIOS in fw_cfg, or NULL */
    PcTransports transports;
} PcKind;

/* Who drives an ISA interrupt; they are ORed. */
typedef enum PcSource {
    FROM_ISA, FROM_ACPI, FROM_HPET, FROM_PCI    /* one for each line on */
} PcSource;

/* What -M may say of a part; auto is on. */
typedef enum PcChoice { PC_AUTO, PC_ON, PC_OFF } PcChoice;

typedef struct Pc {
    const PcKind *kind;
    PcChoice smm;               /* -M smm=: SMRAM can be had, and SMIs */
    PcChoice acpi;              /* -M acpi= */
    const char *pflash[FLASH_BANKS];    /* of -M pflash0=, pflash1= */
    u64     low, high;          /* bytes of RAM below and above 4 GiB */
    Ram    *bios;               /* its end is at 4 GiB */
    bool    firmware;           /* the user's or SeaBIOS: else our own ROM */
    Device *pic[2], *pit, *rtc, *fdc;
    ApicBus *apics;             /* NULL: no APICs */
    Device *ioapic, *fw_cfg, *pm, *hpet, *reset;
    Device *cpu_hot_plug;       /* "acpi-cpu-hotplug"; NULL: none */
    PciBus *pci;                /* NULL: none */
    PciHost *pci_host;
    Device *host_bridge, *router, *pm_function;
    Device *pci_hot_plug;       /* "acpi-pci-hotplug"; NULL: none */
    Device *transport[PC_TRANSPORTS];
    u32     plugged;            /* transports in use, from the first */
    AcpiTables *tables;         /* NULL: no ACPI */
    SmbiosTables *smbios;
    u32     a20;                /* gates that are open */
    u32     driven[ISA_IRQS];   /* PcSource bits */
    X86Boot boot;
} Pc;

/* Is there SMM?  Where there is a chipset that has memory for it. */
static inline bool pc_has_smm(const Pc *s)
{
    return s->kind->chipset != PC_NO_PCI && s->smm != PC_OFF;
}
/* Are there ACPI's tables? */
static inline bool pc_has_acpi(const Pc *s)
{
    return s->kind->acpi && s->acpi != PC_OFF;
}
/* And its hardware?  On `pc` that is a function of its own. */
static inline bool pc_has_pm(const Pc *s)
{
    return s->kind->acpi && (pc_has_acpi(s) || s->kind->chipset != PC_440FX);
}
static inline Pc *pc(const Machine *m) { return m->board_data; }
static inline u64 pc_tables_at(const Pc *s) { return s->low - PC_TABLES; }

/* ---- pc.c --------------------------------------------------------------- */
bool pc_has_screen(const Machine *m);

/* ---- pc_memory.c -------------------------------------------------------- */
bool pc_make_memory(Machine *m, Err *err);
/* Puts the firmware's end where RAM stands for it; after each reset. */
void pc_place_firmware(Machine *m);
/* The memory map for kernels and firmware; the number of rows. */
u32  pc_memory_rows(const Machine *m, FwCfgE820 *row);

/* ---- pc_isa.c ----------------------------------------------------------- */
bool pc_make_pics(Machine *m, Err *err);
void pc_nmi(Machine *m);
bool pc_make_timers(Machine *m, Err *err);
bool pc_make_ports(Machine *m, Err *err);
/* What CMOS says of the floppy drives, which come after the board. */
void pc_note_floppies(Machine *m);
/* The same, and fw_cfg, of how many CPUs there are now. */
void pc_note_cpus(Machine *m);
/* A line for line_connect(), of Machine; n is irq | source << 8. */
void pc_irq(void *machine, int n, bool level);
/* The same for the HPET's wires: n is a pin of the I/O APIC. */
void pc_hpet_irq(void *machine, int n, bool level);
/* Makes a device whose window is at a port. */
Device *pc_at_port(Machine *m, const char *type, const char *id,
                   const char *props, u64 port, Err *err);

/* ---- pc_pci.c ----------------------------------------------------------- */
bool pc_make_pci(Machine *m, Err *err);
void pc_describe_pci(Machine *m, AcpiBoard *b);
/* The reset that waking from S3 is. */
void pc_wake_parts(Machine *m);
/* What firmware sets up, after a reset without it. */
void pc_place_pci(Machine *m);

/* ---- pc_boot.c ---------------------------------------------------------- */
/* fw_cfg's "bootorder", of bootindex=; at a reset. */
void pc_tell_boot_order(Machine *m);

/* ---- pc_acpi.c ---------------------------------------------------------- */
bool pc_make_pm(Machine *m, Err *err);      /* power management, HPET */
/* Tells firmware of the sleep states, once the chipset is there. */
void pc_offer_sleep(Machine *m);
/* The RTC's interrupt: a line as pc_irq(). */
void pc_rtc_irq(void *machine, int n, bool level);
void pc_make_tables(Machine *m);
/* Tables and registers in place, after a reset without firmware. */
void pc_place_acpi(Machine *m);

/* ---- pc_smbios.c -------------------------------------------------------- */
bool pc_make_smbios(Machine *m, Err *err);  /* after memory, CPUs, fw_cfg */
/* In place, after a reset without firmware. */
void pc_place_smbios(Machine *m);
