/* SPDX-License-Identifier: MIT */
/* Private to the x86 boards: starting a kernel. */
#pragma once
#include "hw/board/x86_image.h"
#include "hw/core/loader.h"
#include "hw/misc/fw_cfg.h"

/* The memory map that firmware would tell (INT 15H, E820H): types. */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_ROWS = 32 };

typedef struct X86Boot {
    Blob kernel, initrd;
    X86Image image;             /* where the kernel is no bzImage */
    FwCfgE820 map[E820_ROWS];
    u32  nmap;
    u64  low_ram;               /* end of the RAM below 4 GiB that is free */
    u64  rsdp;                  /* address of the ACPI root pointer, or 0 */
    u64  entry, initrd_at;
} X86Boot;

/* A reset ROM of this size ends at 4 GiB and is seen below 1 MiB too. */
enum { X86_BOOT_ROM = 0x10000 };

/* Is it a bzImage without a 32-bit entry, such as iPXE's?  It needs a BIOS. */
bool x86_boot_needs_bios(const char *path);
/* Reads -kernel and -initrd and checks that they fit. */
bool x86_boot_read(Machine *m, X86Boot *b, Err *err);
/*
 * Code that enters a kernel in flat 32-bit protected mode, and what it needs
 * besides: a GDT of four descriptors, code 10H and data 18H.
 */
enum { X86_ENTRY_CODE_MAX = 48 };
u32  x86_entry_code(u8 *p, const X86Entry *e);
extern const u8 x86_boot_gdt[32];
/* Bytes of the kernel's file that are its real-mode part. */
u32  x86_boot_setup_size(const X86Boot *b);
/*
 * Gives fw_cfg all that SeaBIOS needs to start the kernel; false: it cannot.
 */
bool x86_boot_by_firmware(Machine *m, X86Boot *b, Device *fw_cfg, Err *err);
/*
 * Puts kernel, RAM disk, command line and boot parameters into memory, as
 * after each reset, and writes into `rom` what runs first: it enters the
 * kernel by the 32-bit boot protocol, or as its format says.  False: the files
 * have changed.
 */
bool x86_boot_load(Machine *m, X86Boot *b, u8 *rom, Err *err);
/* The ROM goes where ACPI's FACS says, in real mode: firmware_waking_vector. */
void x86_boot_resume(Machine *m, u32 vector);
