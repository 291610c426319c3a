/* SPDX-License-Identifier: MIT */
/* Firmware configuration: what a board tells its firmware. */
#pragma once
#include "hw/core/device.h"

/* Items with a fixed number; files get theirs from FW_CFG_FILE_FIRST on. */
enum {
    FW_CFG_SIGNATURE = 0x00, FW_CFG_ID = 0x01, FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03, FW_CFG_NOGRAPHIC = 0x04, FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07, FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a, FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e, FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_DATA = 0x11, FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_SIZE = 0x14, FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_FILE_DIR = 0x19, FW_CFG_FILE_FIRST = 0x20,
};

/* Sets an item's bytes, which are copied; replaces it if it was there. */
void fw_cfg_set(Device *d, u16 key, const void *data, u32 size);
/* The same as a little-endian number of `size` bytes. */
void fw_cfg_set_number(Device *d, u16 key, unsigned size, u64 v);
/* Adds or replaces a named file; the name has up to 55 bytes. */
void fw_cfg_file(Device *d, const char *name, const void *data, u32 size);
