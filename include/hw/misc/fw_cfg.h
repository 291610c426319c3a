/* SPDX-License-Identifier: MIT */
/*
 * Firmware configuration: what a board tells its firmware.  Devices
 * "fw_cfg_mem", and "fw_cfg_io" for x86, placed at port FW_CFG_PORT.
 */
#pragma once
#include "hw/core/device.h"

/* Items with a fixed number; files get theirs from FW_CFG_FILE_FIRST on. */
enum {
    FW_CFG_SIGNATURE = 0x00, FW_CFG_ID = 0x01, FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03, FW_CFG_NOGRAPHIC = 0x04, FW_CFG_NB_CPUS = 0x05,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_KERNEL_ADDR = 0x07, FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a, FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e, FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_DATA = 0x11, FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13, FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16, FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19, FW_CFG_FILE_FIRST = 0x20,
    /* Of one architecture; these are x86's. */
    FW_CFG_ARCH = 0x8000, FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_PORT = 0x510,
};

/* Sets an item's bytes, which are copied; replaces it if it was there. */
void fw_cfg_set(Device *d, u16 key, const void *data, u32 size);
/* The same as a little-endian number of `size` bytes. */
void fw_cfg_set_number(Device *d, u16 key, unsigned size, u64 v);
/* Adds or replaces a named file; the name has up to 55 bytes. */
void fw_cfg_file(Device *d, const char *name, const void *data, u32 size);

/*
 * The same with bytes that stay where they are: what the guest writes into
 * them by DMA, if it may, is found there, and `selected`, unless it is NULL,
 * brings them up to date when the guest selects the file.
 */
typedef struct FwCfgLive {
    void *data;
    u32   size;
    bool  writable;
    void (*selected)(void *opaque);
    void *opaque;
} FwCfgLive;
void fw_cfg_live_file(Device *d, const char *name, const FwCfgLive *live);

/* A row of x86's memory map, etc/e820; type 1: RAM, 2: reserved. */
typedef struct FwCfgE820 {
    u64 base, size;
    u32 type;
} FwCfgE820;
void fw_cfg_e820(Device *d, const FwCfgE820 *row, u32 rows);

/* What firmware for PCs wants to know; copied. */
typedef struct FwCfgX86 {
    u64  ram;                   /* all of it, bytes */
    u32  cpus, max_cpus;        /* max_cpus: APIC ids are below it */
    bool nographic, boot_menu;
    const FwCfgE820 *e820;
    u32  rows;
} FwCfgX86;
/* Sets the items for it, the map and etc/system-states among them. */
void fw_cfg_x86(Device *d, const FwCfgX86 *x);
