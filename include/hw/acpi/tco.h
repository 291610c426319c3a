/* SPDX-License-Identifier: MIT */
/*
 * ICH9's TCO watchdog, device "ich9-tco": the block of 32 ports that "acpi-pm"
 * has at its base plus 60H (acpi_pm_attach_tco()).  Wire "smi": a pulse when
 * the timer has run out once.
 */
#pragma once
#include "hw/core/device.h"

enum { TCO_AT = 0x60, TCO_PORTS = 0x20 };

/* GCS.NO_REBOOT: it does nothing when the timer runs out a second time. */
void tco_no_reboot(Device *d, bool on);
