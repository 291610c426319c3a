/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables of a PC, made from a description of the board.
 *
 * They exist as firmware wants them, files of fw_cfg with a list of what to
 * fix up where it places them (acpi_to_fw_cfg), and can be placed by the board
 * itself (acpi_load), for kernels started without firmware.
 */
#pragma once
#include <glib.h>
#include "hw/acpi/aml.h"
#include "hw/core/device.h"

/* Devices of the PC AT that a board may have; bits of AcpiBoard.isa. */
enum {
    ACPI_ISA_RTC, ACPI_ISA_KEYBOARD, ACPI_ISA_MOUSE, ACPI_ISA_COM1,
    ACPI_ISA_COM2, ACPI_ISA_LPT1, ACPI_ISA_FLOPPY, ACPI_ISA_PIT,
    ACPI_ISA_PIC, ACPI_ISA_DMA, ACPI_ISA_SPEAKER, ACPI_ISA_FW_CFG, ACPI_ISAS
};

enum { ACPI_CPUS = 8 };

typedef struct AcpiPorts {
    u16 base;
    u8  len;                    /* 0: none */
} AcpiPorts;

/* A device that is only named, with its resources. */
typedef struct AcpiDevice {
    const char *name, *hid;     /* "COM1", "PNP0501" */
    u32  uid;
    AcpiPorts port[3];
    u32  mem, mem_size;         /* size 0: none */
    u32  irq;                   /* ISA's; 0: none, or the timer's */
    u32  gsi;                   /* or one of an I/O APIC; 0: none */
    bool level;                 /* of gsi */
    u32  dma;                   /* 0: none */
} AcpiDevice;

/* A node of NUMA. */
typedef struct AcpiNode {
    u64 cpus;                   /* bit n: CPU n */
    struct { u64 base, size; } mem[3];
} AcpiNode;

typedef struct AcpiWindow {
    u64 base, size;             /* size 0: none */
} AcpiWindow;

typedef struct AcpiBoard {
    u32  cpus;                  /* that there can be, up to ACPI_CPUS */
    u32  apic_id[ACPI_CPUS];
    u32  absent;                /* those that are not there yet, a bit each */
    u32  cpu_hot_plug;          /* port of "acpi-cpu-hotplug"; 0: none */
    u64  ioapic;                /* address; its id is ioapic_id, first GSI 0 */
    u32  ioapic_id;
    u32  sci;                   /* ISA interrupt */
    u32  level_irqs;            /* ISA interrupts that are levels, a bit each */
    /* The fixed hardware; 0: none, "hardware-reduced" ACPI. */
    u32  pm_base;
    bool ich9;                  /* as of acpi-pm */
    bool s3, s4;                /* sleep states */
    bool reset_port;            /* CF9 resets */
    u64  sleep_control, sleep_status;   /* hardware-reduced: addresses */
    u64  hpet;                  /* address, 0: none */
    u16  pvpanic;               /* its port, 0: none */

    bool pci;
    u64  ecam;                  /* PCI Express: address, 0: plain PCI */
    u32  ecam_buses;
    AcpiWindow low, high;       /* host bridge's windows, below and above 4G */
    /* The GSI of pin 0 .. 3 of a slot; apic: of the I/O APIC, else the PIC. */
    u32 (*route)(u32 slot, u32 pin, bool apic);
    u32  isa_devfn;             /* of the ISA bridge; 0: none */
    u32  isa;                   /* 1 << ACPI_ISA_* */
    u32  hot_slots;             /* whose devices come and go; a bit each */
    const AcpiDevice *extra;    /* on the system bus */
    u32  extras;
    const AcpiNode *node;
    u32  nodes;                 /* 0: no NUMA */
    /* Adds terms to \_SB of the DSDT; or NULL. */
    void (*more)(Aml *a, void *opaque);
    void *opaque;
} AcpiBoard;

typedef struct AcpiTables {
    GByteArray *rsdp, *tables, *loader;
} AcpiTables;

AcpiTables *acpi_build(const AcpiBoard *b);
void acpi_free(AcpiTables *t);          /* NULL is fine */
/* Files etc/acpi/rsdp, etc/acpi/tables and etc/table-loader. */
void acpi_to_fw_cfg(const AcpiTables *t, Device *fw_cfg);
/*
 * Writes them to memory with all addresses in place; rsdp_at (16-byte
 * aligned) goes to the kernel's boot parameters, tables_at is page-aligned.
 */
void acpi_load(const AcpiTables *t, MemSpace *mem, u64 rsdp_at, u64 tables_at);
/* What a loader does with the tables, in place: for the above and tests. */
void acpi_link(const AcpiTables *t, u8 *rsdp, u8 *tables, u64 tables_at);
