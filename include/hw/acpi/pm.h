/* SPDX-License-Identifier: MIT */
/*
 * ACPI's fixed hardware, device "acpi-pm": PM1 event and control registers,
 * PM timer, GPE0, the SMI command port, the power button; and the reset
 * register, device "reset-control".
 *
 * Wires of acpi-pm: "sci", a level; "smi", a pulse for each SMI.
 * Properties: ich9=on: ICH9's block of 128 bytes with GPE0 and SMI_EN in it,
 * else PIIX4's of 64 with GPE0 elsewhere; enable, disable: what the SMI
 * command port takes for turning ACPI on and off.
 */
#pragma once
#include "hw/core/device.h"

/* Ports that firmware and tables agree on; PM_BASE is what firmware sets. */
enum {
    PM_BASE = 0x600, PM_PIIX4_GPE0 = 0xafe0, PM_PIIX4_GPE0_BYTES = 4,
    PM_ICH9_GPE0 = 0x20, PM_ICH9_GPE0_BYTES = 16,   /* from the base */
    PM_PIIX4_CPUS = 0xaf00, PM_ICH9_CPUS = 0xcd8,   /* CPU hotplug */
    PM_SMI_CMD = 0xb2, RESET_PORT = 0xcf9, RESET_VALUE = 0x0f,
    PM_ENABLE_PIIX4 = 0xf1, PM_DISABLE_PIIX4 = 0xf0,
    PM_SLP_S5 = 0, PM_SLP_S3 = 1, PM_SLP_S4 = 2,    /* SLP_TYP */
    PM_ENABLE_ICH9 = 2, PM_DISABLE_ICH9 = 3,
};

/*
 * Moves the block of registers: PMBASE of the PCI function that holds it
 * changed.  base 0: nowhere.
 */
void acpi_pm_map(Device *d, MemSpace *io, u64 base);
/* The SMI command and status ports, at B2H and B3H. */
void acpi_pm_map_smi(Device *d, MemSpace *io);
/* PIIX4's GPE0 registers. */
void acpi_pm_map_gpe(Device *d, MemSpace *io, u64 base);
/* PIIX4: does a write to the SMI command port raise an SMI (APMC_EN)? */
void acpi_pm_apm_smi(Device *d, bool on);
/* ICH9: GBL_SMI_EN stays on once it is (SMI_LOCK). */
void acpi_pm_lock_smi(Device *d, bool locked);
/* Presses the power button; for Machine.power_button. */
void acpi_pm_power_button(Device *d);
/*
 * Sleep states that the guest may enter, as ACPI's _S3 and _S4 tell: S3 keeps
 * RAM, S4 is a kind of off.
 */
void acpi_pm_allow(Device *d, bool s3, bool s4);
bool acpi_pm_has_s3(const Device *d);
bool acpi_pm_has_s4(const Device *d);
/* Wakes the machine, if it sleeps; main thread. */
void acpi_pm_wake(Device *d);
/* The RTC's interrupt began: it wakes too, if RTC_EN says so. */
void acpi_pm_rtc(Device *d);
/* ICH9: the TCO watchdog's registers are in the block too: hw/acpi/tco.h. */
void acpi_pm_attach_tco(Device *d, Device *tco);
/* Its "smi", for line_connect() with the acpi-pm: an SMI, if TCO_EN. */
void acpi_pm_tco_smi(void *pm, int n, bool level);
/* Raises general-purpose event n (0 .. 15 of PIIX4, 63 of ICH9). */
void acpi_pm_gpe(Device *d, u32 n);
/* Where the guest put the block; 0: nowhere. */
u64  acpi_pm_base(const Device *d);
