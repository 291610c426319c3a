/* SPDX-License-Identifier: MIT */
/*
 * The PC AT's DMA: two Intel 8237A controllers and the page registers.
 * References: Intel 8237A data sheet (231466); IBM PC/AT Technical Reference,
 * "System board: DMA"; Intel 82371AB (PIIX4) data sheet, "DMA registers".
 *
 * A block moves at once when a device asks for it.  Left out: transfers from
 * memory to memory and requests by software, which no PC wires up, and
 * priorities, as nothing is ever in each other's way.
 */
#include "hw/core/bytewise.h"
#include "hw/dma/i8257.h"

enum { CHIPS = 2, CHANNELS = 4, ALL = CHIPS * CHANNELS, CASCADE = 4 };

/* Registers of a chip; the first eight are address and count of channels. */
enum {
    COMMAND = 8, REQUEST, MASK_ONE, MODE, CLEAR_FLIP_FLOP, MASTER_CLEAR,
    CLEAR_MASKS, MASK_ALL, STATUS = COMMAND, TEMPORARY = MASTER_CLEAR,
    REGISTERS = 16,
};
enum { COMMAND_OFF = 1 << 2 };
enum { MODE_AUTO = 1 << 4, MODE_DOWN = 1 << 5, CASCADED = 3, MODE_SHIFT = 6 };
enum { WINDOW_PAGES = 0x10, WINDOW_WIDE = 0x20, WINDOW = 0x40 };
enum { PAGES = 16, PAGES_PORT = 0x80, WIDE_PORT = 0xc0 };

/* The page register of a channel; 4 shows in refresh cycles only. */
static const u8 page_of[ALL] = { 7, 3, 1, 2, 15, 11, 9, 10 };

typedef struct Channel {
    u16 base, base_count;       /* as written */
    u16 at, count;              /* now; counts are less one */
    u8  mode;
} Channel;

typedef struct Chip {
    Channel ch[CHANNELS];
    u8 command, mask, requests; /* requests: by software; they do nothing */
    u8 done;                    /* channels at their end; STATUS clears it */
    u8 high;                    /* flip-flop: the high byte is next */
} Chip;

typedef struct User {
    void (*run)(void *opaque);
    void *opaque;
} User;

typedef struct Dma {
    Device dev;
    Chip   chip[CHIPS];
    u8     page[PAGES];
    u8     dreq;                /* a bit a channel; users drive it anew */
    User   user[ALL];
} Dma;

/* ---- channels ----------------------------------------------------------- */

static bool chip_open(const Chip *c, u32 n)
{
    return !(c->command & COMMAND_OFF) && !(c->mask >> n & 1);
}

/* The second chip passes the first one's requests on by its channel 0. */
static bool channel_open(const Dma *s, u32 n)
{
    const Chip *c = &s->chip[n / CHANNELS];

    return chip_open(c, n % CHANNELS)
        && c->ch[n % CHANNELS].mode >> MODE_SHIFT != CASCADED
        && (n >= CASCADE || chip_open(&s->chip[1], 0));
}

/* Calls those whose request can be served now. */
static void serve(Dma *s)
{
    for (u32 n = 0; n < ALL; n++) {
        if (s->dreq >> n & 1 && channel_open(s, n) && s->user[n].run) {
            s->user[n].run(s->user[n].opaque);
        }
    }
}

void i8257_connect(Device *d, u32 channel, void (*run)(void *opaque),
                   void *opaque)
{
    ((Dma *)d)->user[channel] = (User) { run, opaque };
}

void i8257_request(Device *d, u32 channel, bool level)
{
    Dma *s = (Dma *)d;
    const User *u = &s->user[channel];

    s->dreq = (u8)deposit(s->dreq, (int)channel, 1, level);
    if (level && channel_open(s, channel) && u->run) {
        u->run(u->opaque);
    }
}

/* A word's address is shifted, and its page's bit 0 left out. */
static u64 address(const Dma *s, u32 n)
{
    const Channel *c = &s->chip[n / CHANNELS].ch[n % CHANNELS];
    u64 page = s->page[page_of[n]];

    return n < CASCADE ? page << 16 | c->at
                       : (page & 0xfe) << 16 | (u64)c->at << 1;
}

/* True at the terminal count: the channel begins anew or is masked. */
static bool step(Chip *chip, u32 n)
{
    Channel *c = &chip->ch[n];

    c->at = (u16)(c->mode & MODE_DOWN ? c->at - 1 : c->at + 1);
    if (c->count--) {
        return false;
    }
    chip->done |= (u8)(1u << n);
    if (c->mode & MODE_AUTO) {
        c->at = c->base;
        c->count = c->base_count;
    } else {
        chip->mask |= (u8)(1u << n);
    }
    return true;
}

u32 i8257_move(Device *d, u32 channel, DmaKind kind, void *buf, u32 len,
               bool *tc)
{
    Dma *s = (Dma *)d;
    Chip *chip = &s->chip[channel / CHANNELS];
    u32 set = chip->ch[channel % CHANNELS].mode >> 2 & 3, moved = 0;
    u32 unit = channel < CASCADE ? 1 : 2;

    *tc = false;
    if (set != (u32)kind && set != DMA_VERIFY) {
        return 0;
    }
    while (moved + unit <= len && !*tc && channel_open(s, channel)) {
        u8 *p = (u8 *)buf + moved;
        if (s->dev.mem && set == DMA_TO_MEMORY) {
            mem_write(s->dev.mem, address(s, channel), p, unit);
        } else if (s->dev.mem && set == DMA_FROM_MEMORY) {
            mem_read(s->dev.mem, address(s, channel), p, unit);
        }
        *tc = step(chip, channel % CHANNELS);
        moved += unit;
    }
    return moved;
}

/* ---- registers ---------------------------------------------------------- */

static void master_clear(Chip *c)
{
    c->command = c->requests = c->done = c->high = 0;
    c->mask = MASK(CHANNELS);
}

/* Address or count, a byte at a time. */
static u8 read_half(Chip *c, u32 reg)
{
    const Channel *ch = &c->ch[reg >> 1];
    u16 v = reg & 1 ? ch->count : ch->at;

    c->high = !c->high;
    return (u8)(c->high ? v : v >> 8);
}

static void write_half(Chip *c, u32 reg, u8 v)
{
    Channel *ch = &c->ch[reg >> 1];
    u16 *base = reg & 1 ? &ch->base_count : &ch->base;

    *base = (u16)deposit(*base, c->high ? 8 : 0, 8, v);
    *(reg & 1 ? &ch->count : &ch->at) = *base;
    c->high = !c->high;
}

static u8 read_chip(Dma *s, u32 n, u32 reg)
{
    Chip *c = &s->chip[n];
    u8 v;

    if (reg < COMMAND) {
        return read_half(c, reg);
    }
    switch (reg) {
    case STATUS:
        v = c->done | (u8)((s->dreq >> n * CHANNELS & MASK(CHANNELS)) << 4);
        c->done = 0;
        return v;
    case MASK_ALL:
        return c->mask | 0xf0;
    default:
        return 0;                       /* the temporary register, and others */
    }
}

static void write_chip(Chip *c, u32 reg, u8 v)
{
    if (reg < COMMAND) {
        write_half(c, reg, v);
        return;
    }
    switch (reg) {
    case COMMAND:         c->command = v; break;
    case REQUEST:         c->requests = (u8)deposit(c->requests, v & 3, 1,
                                                    v >> 2 & 1); break;
    case MASK_ONE:        c->mask = (u8)deposit(c->mask, v & 3, 1,
                                                v >> 2 & 1); break;
    case MODE:            c->ch[v & 3].mode = v; break;
    case CLEAR_FLIP_FLOP: c->high = 0; break;
    case MASTER_CLEAR:    master_clear(c); break;
    case CLEAR_MASKS:     c->mask = 0; break;
    case MASK_ALL:        c->mask = v & MASK(CHANNELS); break;
    }
}

/* The window: the first chip, pages, the second chip at every other byte. */
static u8 read_port(void *opaque, u64 at)
{
    Dma *s = opaque;

    if (at >= WINDOW_WIDE) {
        return read_chip(s, 1, at >> 1 & (REGISTERS - 1));
    }
    return at < WINDOW_PAGES ? read_chip(s, 0, (u32)at) : s->page[at % PAGES];
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Dma *s = opaque;

    if (at >= WINDOW_WIDE) {
        write_chip(&s->chip[1], at >> 1 & (REGISTERS - 1), v);
    } else if (at >= WINDOW_PAGES) {
        s->page[at % PAGES] = v;
        return;
    } else {
        write_chip(&s->chip[0], (u32)at, v);
    }
    serve(s);
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at % WINDOW, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at % WINDOW, size, v, write_port);
}

static u64 page_read(void *opaque, u64 at, unsigned size)
{
    return port_read(opaque, WINDOW_PAGES + at, size);
}

static void page_write(void *opaque, u64 at, unsigned size, u64 v)
{
    port_write(opaque, WINDOW_PAGES + at, size, v);
}

static u64 wide_read(void *opaque, u64 at, unsigned size)
{
    return port_read(opaque, WINDOW_WIDE + at, size);
}

static void wide_write(void *opaque, u64 at, unsigned size, u64 v)
{
    port_write(opaque, WINDOW_WIDE + at, size, v);
}

void i8257_map(Device *d, MemSpace *io)
{
    const MemRegion part[] = {
        { .name = d->id, .base = 0, .size = REGISTERS,
          .read = port_read, .write = port_write, .opaque = d },
        { .name = d->id, .base = PAGES_PORT, .size = PAGES,
          .read = page_read, .write = page_write, .opaque = d },
        { .name = d->id, .base = WIDE_PORT, .size = 2 * REGISTERS,
          .read = wide_read, .write = wide_write, .opaque = d },
    };

    mem_begin(io);
    for (u32 i = 0; i < countof(part); i++) {
        mem_add(io, &part[i]);
    }
    mem_commit(io);
}

/* ---- the device --------------------------------------------------------- */

/* The cascade is open, as firmware leaves it: a kernel may start without. */
static void reset(void *opaque)
{
    Dma *s = opaque;

    for (u32 i = 0; i < CHIPS; i++) {
        master_clear(&s->chip[i]);
    }
    s->chip[1].ch[0].mode = CASCADED << MODE_SHIFT;
    s->chip[1].mask &= (u8)~1u;
}

static bool loaded(void *opaque)
{
    serve(opaque);
    return true;
}

DEVICE(i8257) {
    .name   = "isa-dma",
    .about  = "pair of 8237A DMA controllers",
    .size   = sizeof(Dma),
    .window = WINDOW,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        SAVE_STRUCT(Dma, chip, Chip,
            SAVE_STRUCT(Chip, ch, Channel,
                SAVE(Channel, base), SAVE(Channel, base_count),
                SAVE(Channel, at), SAVE(Channel, count), SAVE(Channel, mode)),
            SAVE(Chip, command), SAVE(Chip, mask), SAVE(Chip, requests),
            SAVE(Chip, done), SAVE(Chip, high)),
        SAVE(Dma, page), { 0 }
    },
    .reset  = reset,
    .loaded = loaded,
};
