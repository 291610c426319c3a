/* SPDX-License-Identifier: MIT */
/*
 * Private to hw/display: a VGA with the Bochs display interface (DISPI).
 *
 * Video memory holds the four planes byte by byte: byte `a` of plane p is at
 * 4 * a + p, as long as DISPI is off.  With DISPI on it is a plain frame
 * buffer.
 */
#pragma once
#include "hw/core/device.h"
#include "ui/screen.h"

enum {                          /* registers by their index, VGA manual */
    SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_FONT, SEQ_MEMORY,
    SEQ_COUNT = 8,
    GR_SET_RESET = 0, GR_ENABLE_SET_RESET, GR_COMPARE, GR_ROTATE,
    GR_READ_MAP, GR_MODE, GR_MISC, GR_CARE, GR_BIT_MASK, GR_COUNT = 16,
    CR_H_DISPLAY_END = 1, CR_OVERFLOW = 7, CR_PRESET_ROW = 8, CR_MAX_SCAN = 9,
    CR_CURSOR_START = 10, CR_CURSOR_END = 11, CR_START_HIGH = 12,
    CR_START_LOW = 13, CR_CURSOR_HIGH = 14, CR_CURSOR_LOW = 15,
    CR_V_RETRACE_END = 17, CR_V_DISPLAY_END = 18, CR_OFFSET = 19,
    CR_UNDERLINE = 20, CR_MODE = 23, CR_LINE_COMPARE = 24, CR_COUNT = 32,
    AT_MODE = 16, AT_OVERSCAN = 17, AT_PLANES = 18, AT_PAN = 19,
    AT_COLOUR = 20, AT_COUNT = 32,
};
enum {                          /* DISPI registers */
    VBE_ID, VBE_XRES, VBE_YRES, VBE_BPP, VBE_ENABLE, VBE_BANK, VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT, VBE_X_OFFSET, VBE_Y_OFFSET, VBE_MEMORY, VBE_COUNT,
};
enum { VBE_ON = 1, VBE_CAPS = 2, VBE_DAC8 = 0x20, VBE_LFB = 0x40,
       VBE_KEEP = 0x80 };
enum { VGA_DEFAULT_MIB = 16, VGA_WINDOW = 0xa0000, VGA_WINDOW_SIZE = 0x20000 };

typedef struct Vga {
    Device *dev;
    Ram    *vram;
    Screen *screen;
    u32     size;               /* of vram in bytes */
    u8      misc, feature, seq_index, gr_index, cr_index, at_index;
    u8      seq[SEQ_COUNT], gr[GR_COUNT], cr[CR_COUNT], at[AT_COUNT];
    u8      at_data;            /* the next write to 3C0 is data */
    u8      dac[768], dac_mask, dac_read, dac_write, dac_part, dac_reading;
    u32     latch;              /* a byte of each plane */
    u16     vbe_index, vbe[VBE_COUNT];
} Vga;

#define VGA_FIELDS(T, m)                                                    \
    SAVE(T, m.misc), SAVE(T, m.feature), SAVE(T, m.seq_index),              \
    SAVE(T, m.gr_index), SAVE(T, m.cr_index), SAVE(T, m.at_index),          \
    SAVE(T, m.seq), SAVE(T, m.gr), SAVE(T, m.cr), SAVE(T, m.at),            \
    SAVE(T, m.at_data), SAVE(T, m.dac), SAVE(T, m.dac_mask),                \
    SAVE(T, m.dac_read), SAVE(T, m.dac_write), SAVE(T, m.dac_part),         \
    SAVE(T, m.dac_reading), SAVE(T, m.latch), SAVE(T, m.vbe_index),         \
    SAVE(T, m.vbe)

/* ---- vga.c: registers and the window ------------------------------------ */

/* Makes `mib` MiB of video memory and the screen. */
bool vga_start(Vga *s, Device *d, u32 mib, Err *err);
void vga_reset(Vga *s);
bool vga_loaded(Vga *s);        /* false: a register is out of range */
void vga_stop(Vga *s);
/* Ports 3B0 to 3DF, `at` from 3B0. */
u64  vga_port_read(void *s, u64 at, unsigned size);
void vga_port_write(void *s, u64 at, unsigned size, u64 v);
/* DISPI as ports: 1CE index, 1CF and 1D0 data. */
u64  vga_vbe_port_read(void *s, u64 at, unsigned size);
void vga_vbe_port_write(void *s, u64 at, unsigned size, u64 v);
u16  vga_vbe_read(Vga *s, u32 index);
void vga_vbe_write(Vga *s, u32 index, u16 v);
/* The window at A0000. */
u64  vga_mem_read(void *s, u64 at, unsigned size);
void vga_mem_write(void *s, u64 at, unsigned size, u64 v);
/* Both in the PC's places. */
void vga_map(Vga *s, MemSpace *mem, MemSpace *io);
static inline bool vga_vbe_on(const Vga *s)
{
    return s->vbe[VBE_ENABLE] & VBE_ON;
}

/* ---- vga_draw.c: what the guest sees ------------------------------------ */
extern const ScreenHooks vga_screen;
