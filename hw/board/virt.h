/* SPDX-License-Identifier: MIT */
/* Private to the board `virt`: where things are, and its device tree. */
#pragma once
#include "hw/board/flash.h"
#include "hw/core/device.h"
#include "hw/core/loader.h"
#include "softmmu/clock.h"
#include "softmmu/run.h"

/*
 * The memory map and shared peripheral interrupts (SPI n is interrupt 32 + n)
 * that QEMU documents for its machine of this name.
 */
enum {
    FLASH_BASE = 0x00000000, FLASH_BANK = 0x04000000,
    GIC_BASE = 0x08000000, GIC_PART = 0x10000,
    GICR_BASE = 0x080a0000, GICR_SIZE = 0xf60000,
    FW_CFG_BASE = 0x09020000,
    VIRTIO_BASE = 0x0a000000, VIRTIO_STEP = 0x200, VIRTIO_COUNT = 32,
    VIRTIO_SPI = 16,
    RAM_BASE = 0x40000000,
    SPIS = 256,
    POWER_PIN = 3,                      /* of gpio0 */
    FDT_SIZE = 1 << 20,
};

/* PrimeCells: all with one window, one interrupt and the 24 MHz clock. */
typedef struct PrimeCell {
    const char *type, *id;              /* the device; also its node's name */
    u32         base, spi;
    const char *clocks;                 /* their names, "a\0b" */
    u32         nclocks;
} PrimeCell;

enum { UART, RTC, GPIO, PRIMECELLS };
extern const PrimeCell virt_cells[PRIMECELLS];

typedef struct Virt {
    const char *pflash[FLASH_BANKS];    /* of -M pflash0=, pflash1= */
    const char *dump;                   /* of -M dumpdtb=FILE */
    const char *gic_version;            /* of -M gic-version=, or NULL */
    Device  *gic, *fw_cfg;
    Device  *flash[FLASH_BANKS];
    Device  *cell[PRIMECELLS];
    Device  *transport[VIRTIO_COUNT];
    u32      plugged;                   /* transports in use, from the last */
    bool     firmware;                  /* CPU 0 starts in the flash */
    Timer   *release;                   /* of the power button */
    Blob     kernel, initrd, dtb;       /* without contents once loaded */
    bool     fresh;                     /* they are in memory as loaded */
    Loaded   loaded;
    u64      initrd_at, dtb_at;
    u8      *fdt;                       /* FDT_SIZE bytes */
} Virt;

static inline Virt *virt(const Machine *m) { return m->board_data; }

/* Makes the board's tree in virt(m)->fdt. */
void virt_make_tree(Machine *m);
/* Takes the user's instead. */
bool virt_read_tree(Machine *m, const char *path, Err *err);
/* Puts what this start tells the kernel in /chosen: command line, seeds ... */
void virt_choose(Machine *m);
