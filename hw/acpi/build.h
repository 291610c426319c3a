/* SPDX-License-Identifier: MIT */
/* Private to hw/acpi: the parts that acpi_build() puts together. */
#pragma once
#include "hw/acpi/tables.h"

/* The definition block of the DSDT, without its header. */
void acpi_write_dsdt(GByteArray *out, const AcpiBoard *b);
