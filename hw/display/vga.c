/* SPDX-License-Identifier: MIT */
/*
 * VGA: registers and the window into video memory.
 * References: IBM Personal System/2 Hardware Interface Technical Reference,
 * "Video Subsystem"; the Bochs "VBE DISPI" interface (its vgabios's
 * documentation).
 *
 * Left out: light pen, the monitor's sense lines, timing but for the retrace
 * bits, which follow a frame of 60 Hz.
 */
#include "hw/display/vga.h"
#include "softmmu/clock.h"

enum { PORTS = 0x3b0, PLANE = 0x10000, BANK = 0x10000 };
enum { MISC_COLOUR = 1 << 0, MISC_RAM = 1 << 1 };
enum { SEQ_CHAIN4 = 1 << 3, SEQ_SEQUENTIAL = 1 << 2 };
enum { GR_READ_COMPARE = 1 << 3 };
enum { CR_PROTECT = 1 << 7 };
enum { AT_PALETTE_ON = 1 << 5 };
enum { VBE_ID_LATEST = 0xb0c5, VBE_ID_OLDEST = 0xb0c0, VBE_MAX_X = 2560,
       VBE_MAX_Y = 1600 };

/* ---- status: where the beam is ------------------------------------------ */

enum { ST1_BLANKED = 1 << 0, ST1_RETRACE = 1 << 3 };

static u8 beam(void)
{
    enum { FRAME = 16666667, RETRACE = 500000, LINE = 31778, H_BLANK = 5000 };
    u64 t = clock_now(CLOCK_VIRTUAL_NS) % FRAME;

    if (t < RETRACE) {
        return ST1_BLANKED | ST1_RETRACE;
    }
    return t % LINE < H_BLANK ? ST1_BLANKED : 0;
}

/* ---- the palette -------------------------------------------------------- */

static u8 dac_bits(const Vga *s)
{
    return s->vbe[VBE_ENABLE] & VBE_DAC8 ? 0xff : 0x3f;
}

static u8 dac_data_read(Vga *s)
{
    u8 v = s->dac[s->dac_read * 3 + s->dac_part];

    s->dac_part = (u8)((s->dac_part + 1) % 3);
    s->dac_read = (u8)(s->dac_read + (s->dac_part == 0));
    return v;
}

static void dac_data_write(Vga *s, u8 v)
{
    s->dac[s->dac_write * 3 + s->dac_part] = v & dac_bits(s);
    s->dac_part = (u8)((s->dac_part + 1) % 3);
    s->dac_write = (u8)(s->dac_write + (s->dac_part == 0));
}

static void dac_start(Vga *s, u8 index, bool reading)
{
    s->dac_reading = reading ? 3 : 0;   /* as 3C7 reads it */
    s->dac_part = 0;
    *(reading ? &s->dac_read : &s->dac_write) = index;
}

/* ---- ports -------------------------------------------------------------- */

static void attribute_write(Vga *s, u8 v)
{
    static const u8 mask[AT_COUNT] = {
        [0 ... 15] = 0x3f, [AT_MODE] = 0xef, [AT_OVERSCAN] = 0xff,
        [AT_PLANES] = 0x3f, [AT_PAN] = 0x0f, [AT_COLOUR] = 0x0f,
    };
    u32 i = s->at_index & 31;

    if (!s->at_data) {
        s->at_index = v & 0x3f;
    } else if (i > 15 || !(s->at_index & AT_PALETTE_ON)) {
        s->at[i] = v & mask[i];
    }
    s->at_data ^= 1;
}

static void crtc_write(Vga *s, u8 v)
{
    u32 i = s->cr_index & 31;
    bool protect = s->cr[CR_V_RETRACE_END] & CR_PROTECT;

    if (protect && i < CR_OVERFLOW) {
        return;
    }
    if (protect && i == CR_OVERFLOW) {          /* but line compare's bit */
        v = (u8)((s->cr[i] & ~0x10) | (v & 0x10));
    }
    s->cr[i] = v;
}

/* CRTC and status are at 3Bx or 3Dx, as MISC says. */
static bool crtc_there(const Vga *s, u64 port)
{
    return (port >= 0x3d0) == (bool)(s->misc & MISC_COLOUR);
}

static u8 read_port(Vga *s, u64 port)
{
    switch (port) {
    case 0x3c0: return s->at_index;
    case 0x3c1: return s->at[s->at_index & 31];
    case 0x3c2: return 0;                       /* input status 0 */
    case 0x3c4: return s->seq_index;
    case 0x3c5: return s->seq[s->seq_index & (SEQ_COUNT - 1)];
    case 0x3c6: return s->dac_mask;
    case 0x3c7: return s->dac_reading;
    case 0x3c8: return s->dac_write;
    case 0x3c9: return dac_data_read(s);
    case 0x3ca: return s->feature;
    case 0x3cc: return s->misc;
    case 0x3ce: return s->gr_index;
    case 0x3cf: return s->gr[s->gr_index & (GR_COUNT - 1)];
    }
    if (!crtc_there(s, port)) {
        return 0xff;
    }
    switch (port & 0xf) {
    case 4: return s->cr_index;
    case 5: return s->cr[s->cr_index & 31];
    case 10:
        s->at_data = 0;
        return beam();
    }
    return 0xff;
}

static void write_port(Vga *s, u64 port, u8 v)
{
    static const u8 seq_mask[SEQ_COUNT] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
    static const u8 gr_mask[GR_COUNT] = {
        0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
    };

    switch (port) {
    case 0x3c0: attribute_write(s, v); return;
    case 0x3c2: s->misc = v & 0xef; return;
    case 0x3c4: s->seq_index = v & (SEQ_COUNT - 1); return;
    case 0x3c5: s->seq[s->seq_index] = v & seq_mask[s->seq_index]; return;
    case 0x3c6: s->dac_mask = v; return;
    case 0x3c7: dac_start(s, v, true); return;
    case 0x3c8: dac_start(s, v, false); return;
    case 0x3c9: dac_data_write(s, v); return;
    case 0x3ce: s->gr_index = v & (GR_COUNT - 1); return;
    case 0x3cf: s->gr[s->gr_index] = v & gr_mask[s->gr_index]; return;
    }
    if (!crtc_there(s, port)) {
        return;
    }
    switch (port & 0xf) {
    case 4: s->cr_index = v & 31; return;
    case 5: crtc_write(s, v); return;
    case 10: s->feature = v & 0x10; return;
    }
}

u64 vga_port_read(void *opaque, u64 at, unsigned size)
{
    u64 v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (u64)read_port(opaque, PORTS + at + i) << 8 * i;
    }
    return v;
}

void vga_port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    for (unsigned i = 0; i < size; i++) {
        write_port(opaque, PORTS + at + i, (u8)(v >> 8 * i));
    }
}

/* ---- DISPI -------------------------------------------------------------- */

/* Bytes of a row of the virtual screen. */
static u32 vbe_pitch(const Vga *s, u32 width)
{
    u32 bpp = s->vbe[VBE_BPP];

    return bpp == 4 ? width / 8 : width * ((bpp + 7) / 8);
}

static bool vbe_fits(const Vga *s)
{
    u64 planes = s->vbe[VBE_BPP] == 4 ? 4 : 1;

    return (u64)vbe_pitch(s, s->vbe[VBE_XRES]) * s->vbe[VBE_YRES] * planes
        <= s->size;
}

/* Virtual height, and offsets that leave the screen inside memory. */
static void vbe_settle(Vga *s)
{
    u32 pitch;

    s->vbe[VBE_VIRT_WIDTH] = MAX(s->vbe[VBE_VIRT_WIDTH], s->vbe[VBE_XRES]);
    pitch = vbe_pitch(s, s->vbe[VBE_VIRT_WIDTH]);
    if (!pitch || (u64)pitch * s->vbe[VBE_YRES] > s->size) {
        s->vbe[VBE_VIRT_WIDTH] = s->vbe[VBE_XRES];
        pitch = MAX(vbe_pitch(s, s->vbe[VBE_XRES]), 1u);
    }
    s->vbe[VBE_VIRT_HEIGHT] = (u16)MIN(s->size / pitch, 0xffffu);
    s->vbe[VBE_X_OFFSET] = (u16)MIN((u32)s->vbe[VBE_X_OFFSET],
        (u32)(s->vbe[VBE_VIRT_WIDTH] - s->vbe[VBE_XRES]));
    s->vbe[VBE_Y_OFFSET] = s->vbe[VBE_YRES] > s->vbe[VBE_VIRT_HEIGHT] ? 0
        : (u16)MIN((u32)s->vbe[VBE_Y_OFFSET],
                   (u32)(s->vbe[VBE_VIRT_HEIGHT] - s->vbe[VBE_YRES]));
}

static void vbe_enable(Vga *s, u16 v)
{
    bool was = vga_vbe_on(s);

    s->vbe[VBE_ENABLE] = v & (VBE_ON | VBE_CAPS | VBE_DAC8 | VBE_LFB
                              | VBE_KEEP);
    if (!vga_vbe_on(s)) {
        s->vbe[VBE_BANK] = 0;
        return;
    }
    if (!vbe_fits(s)) {
        s->vbe[VBE_ENABLE] &= (u16)~VBE_ON;
        return;
    }
    if (!was) {
        s->vbe[VBE_VIRT_WIDTH] = s->vbe[VBE_XRES];
        s->vbe[VBE_X_OFFSET] = s->vbe[VBE_Y_OFFSET] = 0;
        if (!(v & VBE_KEEP)) {
            memset(s->vram->host, 0, s->size);
            ram_wrote(s->vram, 0, s->size);
        }
    }
    vbe_settle(s);
}

u16 vga_vbe_read(Vga *s, u32 index)
{
    const u16 most[] = { [VBE_XRES] = VBE_MAX_X, [VBE_YRES] = VBE_MAX_Y,
                         [VBE_BPP] = 32 };

    if (index == VBE_MEMORY) {
        return (u16)(s->size / BANK);
    }
    if (s->vbe[VBE_ENABLE] & VBE_CAPS && index >= VBE_XRES
        && index <= VBE_BPP) {
        return most[index];
    }
    return index < VBE_COUNT ? s->vbe[index] : 0;
}

void vga_vbe_write(Vga *s, u32 index, u16 v)
{
    bool on = vga_vbe_on(s);

    switch (index) {
    case VBE_ID:
        s->vbe[VBE_ID] = v >= VBE_ID_OLDEST && v <= VBE_ID_LATEST ? v
                                                        : s->vbe[VBE_ID];
        break;
    case VBE_XRES:
        s->vbe[index] = on ? s->vbe[index] : (u16)MIN(v & ~7, VBE_MAX_X);
        break;
    case VBE_YRES:
        s->vbe[index] = on ? s->vbe[index] : (u16)MIN(v, VBE_MAX_Y);
        break;
    case VBE_BPP:
        if (!on && (v == 4 || v == 8 || v == 15 || v == 16 || v == 24
                    || v == 32)) {
            s->vbe[index] = v;
        }
        break;
    case VBE_ENABLE: vbe_enable(s, v); break;
    case VBE_BANK: s->vbe[index] = (u16)MIN(v, s->size / BANK - 1); break;
    case VBE_VIRT_WIDTH: case VBE_X_OFFSET: case VBE_Y_OFFSET:
        s->vbe[index] = v;
        vbe_settle(s);
        break;
    }
}

u64 vga_vbe_port_read(void *opaque, u64 at, unsigned size)
{
    Vga *s = opaque;

    (void)size;
    return at == 0 ? s->vbe_index : vga_vbe_read(s, s->vbe_index);
}

void vga_vbe_port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Vga *s = opaque;

    (void)size;
    if (at == 0) {
        s->vbe_index = (u16)v;
    } else {
        vga_vbe_write(s, s->vbe_index, (u16)v);
    }
}

/* ---- the window at A0000 ------------------------------------------------ */

/* Where byte `at` of the window is in a plane's address space; ~0: nowhere. */
static u32 window_address(const Vga *s, u64 at)
{
    switch (s->gr[GR_MISC] >> 2 & 3) {
    case 0: return (u32)at;
    case 1: return at < 0x10000 ? (u32)at : ~0u;
    case 2: return at >= 0x10000 && at < 0x18000 ? (u32)at - 0x10000 : ~0u;
    default: return at >= 0x18000 ? (u32)at - 0x18000 : ~0u;
    }
}

/* Bits of a 4-bit mask to whole bytes. */
static u32 spread(u32 mask)
{
    return (mask & 1 ? 0xffu : 0) | (mask & 2 ? 0xff00u : 0)
        | (mask & 4 ? 0xff0000u : 0) | (mask & 8 ? 0xff000000u : 0);
}

static u32 planes_at(const Vga *s, u32 address)
{
    return (u32)load_le(s->vram->host + (address & (PLANE - 1)) * 4, 4);
}

static void set_planes(Vga *s, u32 address, u32 v)
{
    u32 at = (address & (PLANE - 1)) * 4;

    store_le(s->vram->host + at, 4, v);
    ram_wrote(s->vram, at, 4);
}

/* Chained: the low bits of the address choose the plane. */
static bool chained(const Vga *s, u32 *address, u32 *plane)
{
    if (s->seq[SEQ_MEMORY] & SEQ_CHAIN4) {
        *plane = *address & 3;
        *address &= ~3u;
        return true;
    }
    if (!(s->seq[SEQ_MEMORY] & SEQ_SEQUENTIAL)) {       /* odd/even */
        *plane = *address & 1;
        *address &= ~1u;
        return true;
    }
    return false;
}

static u8 read_byte(Vga *s, u64 at)
{
    u32 a = window_address(s, at), plane = s->gr[GR_READ_MAP], differ;

    if (a == ~0u) {
        return 0xff;
    }
    if (vga_vbe_on(s) && s->vbe[VBE_BPP] != 4) {
        return s->vram->host[((u64)s->vbe[VBE_BANK] * BANK + a) % s->size];
    }
    if (chained(s, &a, &plane) && !(s->seq[SEQ_MEMORY] & SEQ_CHAIN4)) {
        plane |= s->gr[GR_READ_MAP] & 2;
    }
    s->latch = planes_at(s, a);
    if (!(s->gr[GR_MODE] & GR_READ_COMPARE)) {
        return (u8)(s->latch >> 8 * plane);
    }
    differ = (s->latch ^ spread(s->gr[GR_COMPARE])) & spread(s->gr[GR_CARE]);
    return (u8)~(differ | differ >> 8 | differ >> 16 | differ >> 24);
}

static u32 logic(const Vga *s, u32 v)
{
    switch (s->gr[GR_ROTATE] >> 3) {
    case 1: return v & s->latch;
    case 2: return v | s->latch;
    case 3: return v ^ s->latch;
    default: return v;
    }
}

static u8 rotated(const Vga *s, u8 v)
{
    unsigned n = s->gr[GR_ROTATE] & 7;

    return (u8)(v >> n | v << (8 - n));
}

/* What a write of v stores in the four planes: the four write modes. */
static u32 write_value(const Vga *s, u8 v)
{
    u32 enable = spread(s->gr[GR_ENABLE_SET_RESET]);
    u32 set = spread(s->gr[GR_SET_RESET]);
    u32 mask = s->gr[GR_BIT_MASK] * 0x01010101u, data;

    switch (s->gr[GR_MODE] & 3) {
    case 0:
        data = rotated(s, v) * 0x01010101u;
        data = logic(s, (data & ~enable) | (set & enable));
        break;
    case 1:
        return s->latch;
    case 2:
        data = logic(s, spread(v & 15));
        break;
    default:
        mask &= rotated(s, v) * 0x01010101u;
        data = logic(s, set);
        break;
    }
    return (data & mask) | (s->latch & ~mask);
}

static void write_byte(Vga *s, u64 at, u8 v)
{
    u32 a = window_address(s, at), plane = 0, planes, old;

    if (a == ~0u) {
        return;
    }
    if (vga_vbe_on(s) && s->vbe[VBE_BPP] != 4) {
        u64 to = ((u64)s->vbe[VBE_BANK] * BANK + a) % s->size;
        s->vram->host[to] = v;
        ram_wrote(s->vram, to, 1);
        return;
    }
    planes = s->seq[SEQ_MAP_MASK];
    if (chained(s, &a, &plane)) {
        planes &= s->seq[SEQ_MEMORY] & SEQ_CHAIN4 ? 1u << plane
                                                  : 5u << plane;
    }
    old = planes_at(s, a);
    planes = spread(planes);
    set_planes(s, a, (write_value(s, v) & planes) | (old & ~planes));
}

u64 vga_mem_read(void *opaque, u64 at, unsigned size)
{
    u64 v = 0;

    for (unsigned i = 0; i < size; i++) {
        v |= (u64)read_byte(opaque, at + i) << 8 * i;
    }
    return v;
}

void vga_mem_write(void *opaque, u64 at, unsigned size, u64 v)
{
    for (unsigned i = 0; i < size; i++) {
        write_byte(opaque, at + i, (u8)(v >> 8 * i));
    }
}

/* ---- life --------------------------------------------------------------- */

bool vga_start(Vga *s, Device *d, u32 mib, Err *err)
{
    s->dev = d;
    if (mib < 1 || mib > 256 || mib & (mib - 1)) {
        return fail(err, "vgamem_mb=%u: write a power of two up to 256", mib);
    }
    s->size = mib << 20;
    s->vram = ram_new("vga.vram", s->size, err);
    if (!s->vram) {
        return false;
    }
    s->screen = screen_new(d->id ? d->id : "vga", &vga_screen, s);
    return true;
}

void vga_reset(Vga *s)
{
    Device *d = s->dev;
    Ram *vram = s->vram;
    Screen *screen = s->screen;
    u32 size = s->size;

    memset(s, 0, sizeof *s);
    s->dev = d;
    s->vram = vram;
    s->screen = screen;
    s->size = size;
    s->vbe[VBE_ID] = VBE_ID_LATEST;
    s->dac_mask = 0xff;
    s->misc = MISC_COLOUR | MISC_RAM;
}

bool vga_loaded(Vga *s)
{
    return s->seq_index < SEQ_COUNT && s->gr_index < GR_COUNT
        && s->cr_index < CR_COUNT && s->dac_part < 3
        && s->vbe[VBE_XRES] <= VBE_MAX_X && s->vbe[VBE_YRES] <= VBE_MAX_Y
        && (!vga_vbe_on(s) || vbe_fits(s));
}

void vga_stop(Vga *s)
{
    screen_free(s->screen);
    if (s->vram) {
        ram_free(s->vram);
    }
}

void vga_map(Vga *s, MemSpace *mem, MemSpace *io)
{
    const MemRegion window = {
        .name = "vga.window", .base = VGA_WINDOW, .size = VGA_WINDOW_SIZE,
        .priority = 1, .read = vga_mem_read, .write = vga_mem_write,
        .opaque = s,
    };
    const MemRegion ports = {
        .name = "vga.ports", .base = PORTS, .size = 0x30,
        .read = vga_port_read, .write = vga_port_write, .opaque = s,
    };
    const MemRegion dispi = {
        .name = "vga.dispi", .base = 0x1ce, .size = 3,
        .read = vga_vbe_port_read, .write = vga_vbe_port_write, .opaque = s,
    };

    mem_add(mem, &window);
    mem_add(io, &ports);
    mem_add(io, &dispi);
}
