/* SPDX-License-Identifier: MIT */
/*
 * 8042 keyboard controller of a PS/2-style PC, with a keyboard and a mouse.
 * Reference: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * auxiliary device controller"; the scan code translation is its table.
 *
 * Commands and bytes take no time.  Left out: the password, multiplexing of
 * several mice, the P1 poll commands' effect on status.
 */
#include "hw/core/bytewise.h"
#include "hw/input/i8042.h"
#include "hw/input/ps2.h"

enum {                                  /* status register */
    ST_OBF = 0x01, ST_SYS = 0x04, ST_COMMAND = 0x08, ST_UNLOCKED = 0x10,
    ST_AUX = 0x20,
};
enum {                                  /* command byte, ram[0] */
    CCB_KBD_IRQ = 0x01, CCB_AUX_IRQ = 0x02, CCB_SYS = 0x04,
    CCB_KBD_OFF = 0x10, CCB_AUX_OFF = 0x20, CCB_TRANSLATE = 0x40,
};
enum {                                  /* output port, P2 */
    P2_RUN = 0x01, P2_A20 = 0x02, P2_KBD_FULL = 0x10, P2_AUX_FULL = 0x20,
    P2_IDLE = 0xc0,
};
enum {
    CMD_READ_RAM = 0x20, CMD_READ_RAM_LAST = 0x3f,
    CMD_WRITE_RAM = 0x60, CMD_WRITE_RAM_LAST = 0x7f,
    CMD_PASSWORD = 0xa4, CMD_AUX_OFF = 0xa7, CMD_AUX_ON = 0xa8,
    CMD_AUX_TEST = 0xa9, CMD_SELF_TEST = 0xaa, CMD_KBD_TEST = 0xab,
    CMD_KBD_OFF = 0xad, CMD_KBD_ON = 0xae, CMD_READ_P1 = 0xc0,
    CMD_READ_P2 = 0xd0, CMD_WRITE_P2 = 0xd1, CMD_WRITE_KBD_OUT = 0xd2,
    CMD_WRITE_AUX_OUT = 0xd3, CMD_WRITE_AUX = 0xd4, CMD_A20_OFF = 0xdd,
    CMD_A20_ON = 0xdf, CMD_READ_TEST = 0xe0, CMD_PULSE = 0xf0,
};
enum { RAM = 32, P1_VALUE = 0xb0, NO_PASSWORD = 0xf1, TEST_GOOD = 0x55 };
enum { DATA_PORT = 0, COMMAND_PORT = 4 };

/* Where a byte in the output buffer came from. */
typedef enum Source { FROM_NONE, FROM_KBD, FROM_AUX, SOURCES } Source;

typedef struct I8042 {
    Device      dev;
    Line        irq[2], a20, reset;
    InputSink   sink;

    u8          ram[RAM];               /* ram[0] is the command byte */
    u8          p2;                     /* bits P2_RUN and P2_A20 */
    u8          argument_of;            /* the command it belongs to, or 0 */
    u8          was_command;            /* the last write was to that port */
    u8          data, full;             /* output buffer; its Source */
    u8          reply, reply_from;      /* waits for it; its Source */
    u8          breaking;               /* a 0xf0 is being translated */
    Ps2Keyboard kbd;
    Ps2Mouse    mouse;
} I8042;

/* ---- the output buffer -------------------------------------------------- */

/* Scan code set 2 to set 1, as the controller translates it. */
static const u8 translation[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58,
    0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a,
    0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c,
    0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e,
    0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60,
    0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e,
    0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b,
    0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
    0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

static u8 translate(I8042 *s, u8 v)
{
    u8 up = s->breaking ? 0x80 : 0;

    s->breaking = false;
    if (v < 0x80) {
        return translation[v] | up;
    }
    return v == 0x83 ? 0x41 | up : v == 0x84 ? 0x54 | up : v;
}

static void drive(I8042 *s)
{
    line_set(&s->irq[0], s->full == FROM_KBD && s->ram[0] & CCB_KBD_IRQ);
    line_set(&s->irq[1], s->full == FROM_AUX && s->ram[0] & CCB_AUX_IRQ);
}

static void fill(I8042 *s, u8 v, Source from)
{
    s->data = v;
    s->full = (u8)from;
}

/* A prefix 0xf0 is swallowed by translation; another byte may follow it. */
static void fill_from_keyboard(I8042 *s)
{
    while (!s->full && ps2_ready(&s->kbd.out)) {
        u8 v = ps2_take(&s->kbd.out);
        if (!(s->ram[0] & CCB_TRANSLATE)) {
            fill(s, v, FROM_KBD);
        } else if (v == 0xf0) {
            s->breaking = true;
        } else {
            fill(s, translate(s, v), FROM_KBD);
        }
    }
}

/* Moves the next byte into the output buffer if that is empty. */
static void update(I8042 *s)
{
    if (!s->full && s->reply_from) {
        fill(s, s->reply, s->reply_from);
        s->reply_from = FROM_NONE;
    }
    if (!s->full && !(s->ram[0] & CCB_KBD_OFF)) {
        fill_from_keyboard(s);
    }
    if (!s->full && !(s->ram[0] & CCB_AUX_OFF)) {
        ps2_mouse_report(&s->mouse);
        if (ps2_ready(&s->mouse.out)) {
            fill(s, ps2_take(&s->mouse.out), FROM_AUX);
        }
    }
    drive(s);
}

static void answer(I8042 *s, u8 v, Source from)
{
    s->reply = v;
    s->reply_from = (u8)from;
}

/* The line falls between two bytes: controllers look at its rise. */
static u8 read_data(I8042 *s)
{
    s->full = FROM_NONE;
    drive(s);
    u8 v = s->data;
    update(s);
    return v;
}

/* ---- commands ----------------------------------------------------------- */

static void set_p2(I8042 *s, u8 v)
{
    s->p2 = v & (P2_A20 | P2_RUN);
    line_set(&s->a20, v & P2_A20);
    if (!(v & P2_RUN)) {
        s->p2 |= P2_RUN;                /* the reset ends it */
        line_set(&s->reset, true);
        line_set(&s->reset, false);
    }
}

static u8 read_p2(const I8042 *s)
{
    return s->p2 | P2_IDLE | (s->full == FROM_KBD ? P2_KBD_FULL : 0)
        | (s->full == FROM_AUX ? P2_AUX_FULL : 0);
}

/* Commands on the command byte; false if it is another. */
static bool command_switch(I8042 *s, u8 v)
{
    u8 *ccb = &s->ram[0];

    switch (v) {
    case CMD_AUX_OFF: *ccb |= CCB_AUX_OFF; return true;
    case CMD_AUX_ON:  *ccb &= (u8)~CCB_AUX_OFF; return true;
    case CMD_KBD_OFF: *ccb |= CCB_KBD_OFF; return true;
    case CMD_KBD_ON:  *ccb &= (u8)~CCB_KBD_OFF; return true;
    default:          return false;
    }
}

static void write_command(I8042 *s, u8 v)
{
    s->argument_of = 0;
    if (command_switch(s, v)) {
        return;
    }
    switch (v) {
    case CMD_READ_RAM ... CMD_READ_RAM_LAST:
        answer(s, s->ram[v % RAM], FROM_KBD);
        break;
    case CMD_WRITE_RAM ... CMD_WRITE_RAM_LAST:
    case CMD_WRITE_P2: case CMD_WRITE_KBD_OUT: case CMD_WRITE_AUX_OUT:
    case CMD_WRITE_AUX:
        s->argument_of = v;
        break;
    case CMD_PASSWORD:
        answer(s, NO_PASSWORD, FROM_KBD);
        break;
    case CMD_SELF_TEST:
        s->ram[0] |= CCB_SYS;
        answer(s, TEST_GOOD, FROM_KBD);
        break;
    case CMD_AUX_TEST: case CMD_KBD_TEST: case CMD_READ_TEST:
        answer(s, 0, FROM_KBD);
        break;
    case CMD_READ_P1:
        answer(s, P1_VALUE, FROM_KBD);
        break;
    case CMD_READ_P2:
        answer(s, read_p2(s), FROM_KBD);
        break;
    case CMD_A20_OFF: case CMD_A20_ON:
        set_p2(s, v == CMD_A20_ON ? s->p2 | P2_A20 : s->p2 & (u8)~P2_A20);
        break;
    case CMD_PULSE ... 0xff:            /* bits that are 0 pulse low */
        set_p2(s, v & P2_RUN ? s->p2 : s->p2 & (u8)~P2_RUN);
        break;
    }
}

static void write_argument(I8042 *s, u8 v)
{
    u8 command = s->argument_of;

    s->argument_of = 0;
    switch (command) {
    case CMD_WRITE_RAM ... CMD_WRITE_RAM_LAST:
        s->ram[command % RAM] = v;
        break;
    case CMD_WRITE_P2:
        set_p2(s, v);
        break;
    case CMD_WRITE_KBD_OUT:
        answer(s, v, FROM_KBD);
        break;
    case CMD_WRITE_AUX_OUT:
        answer(s, v, FROM_AUX);
        break;
    case CMD_WRITE_AUX:
        s->ram[0] &= (u8)~CCB_AUX_OFF;
        ps2_mouse_command(&s->mouse, v);
        break;
    }
}

/* To the keyboard, whose clock is let go for it. */
static void write_data(I8042 *s, u8 v)
{
    if (s->argument_of) {
        write_argument(s, v);
    } else {
        s->ram[0] &= (u8)~CCB_KBD_OFF;
        ps2_keyboard_command(&s->kbd, v);
    }
}

static u8 read_status(const I8042 *s)
{
    return (u8)(ST_UNLOCKED | (s->full ? ST_OBF : 0)
                | (s->full == FROM_AUX ? ST_AUX : 0)
                | (s->ram[0] & CCB_SYS ? ST_SYS : 0)
                | (s->was_command ? ST_COMMAND : 0));
}

/* ---- ports -------------------------------------------------------------- */

static u64 data_read(void *opaque, u64 at, unsigned size)
{
    (void)at, (void)size;
    return read_data(opaque);
}

static void data_write(void *opaque, u64 at, unsigned size, u64 v)
{
    I8042 *s = opaque;

    (void)at, (void)size;
    s->was_command = false;
    write_data(s, (u8)v);
    update(s);
}

static u64 status_read(void *opaque, u64 at, unsigned size)
{
    (void)at, (void)size;
    return read_status(opaque);
}

static void command_write(void *opaque, u64 at, unsigned size, u64 v)
{
    I8042 *s = opaque;

    (void)at, (void)size;
    s->was_command = true;
    write_command(s, (u8)v);
    update(s);
}

/* The window holds both ports, as they are apart. */
static u8 read_port(void *opaque, u64 at)
{
    switch (at) {
    case DATA_PORT:    return (u8)data_read(opaque, 0, 1);
    case COMMAND_PORT: return (u8)status_read(opaque, 0, 1);
    default:           return 0xff;
    }
}

static void write_port(void *opaque, u64 at, u8 v)
{
    if (at == DATA_PORT) {
        data_write(opaque, 0, 1, v);
    } else if (at == COMMAND_PORT) {
        command_write(opaque, 0, 1, v);
    }
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

void i8042_map(Device *d, MemSpace *io, u64 base)
{
    MemRegion r = {
        .name = d->id, .base = base + DATA_PORT, .size = 1,
        .read = data_read, .write = data_write, .opaque = d,
    };

    d->base = base;
    mem_begin(io);
    mem_add(io, &r);
    r.base = base + COMMAND_PORT;
    r.read = status_read;
    r.write = command_write;
    mem_add(io, &r);
    mem_commit(io);
}

/* ---- input -------------------------------------------------------------- */

static void key(void *opaque, u32 code, bool down)
{
    I8042 *s = opaque;

    ps2_keyboard_key(&s->kbd, code, down);
    update(s);
}

static void rel(void *opaque, i32 dx, i32 dy)
{
    ps2_mouse_move(&((I8042 *)opaque)->mouse, dx, dy, 0);
}

static void wheel(void *opaque, i32 dz)
{
    ps2_mouse_move(&((I8042 *)opaque)->mouse, 0, 0, dz);
}

static void button(void *opaque, PointerButton b, bool down)
{
    ps2_mouse_button(&((I8042 *)opaque)->mouse, b, down);
}

static void synchronize(void *opaque)
{
    update(opaque);
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    I8042 *s = opaque;

    (void)err;
    s->sink = (InputSink) {
        .mouse = "PS/2 mouse", .opaque = s, .key = key, .rel = rel,
        .wheel = wheel, .button = button, .sync = synchronize,
    };
    input_add(&s->sink);
    return true;
}

/* Translation and interrupts are on, as power-on tests leave them. */
static void reset(void *opaque)
{
    I8042 *s = opaque;

    s->ram[0] = CCB_TRANSLATE | CCB_KBD_IRQ | CCB_AUX_IRQ;
    s->p2 = P2_RUN | P2_A20;
    ps2_keyboard_reset(&s->kbd);
    ps2_mouse_reset(&s->mouse);
    line_set(&s->a20, true);
    drive(s);
}

static bool loaded(void *opaque)
{
    I8042 *s = opaque;

    if (s->full >= SOURCES || s->reply_from >= SOURCES
        || !ps2_keyboard_good(&s->kbd) || !ps2_mouse_good(&s->mouse)) {
        return false;
    }
    line_set(&s->a20, s->p2 & P2_A20);
    drive(s);
    return true;
}

static void stop(void *opaque)
{
    input_remove(&((I8042 *)opaque)->sink);
}

DEVICE(i8042) {
    .name   = "i8042",
    .about  = "keyboard controller with PS/2 keyboard and mouse",
    .size   = sizeof(I8042),
    .window = 8,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        SAVE(I8042, ram), SAVE(I8042, p2), SAVE(I8042, argument_of),
        SAVE(I8042, was_command), SAVE(I8042, data), SAVE(I8042, full),
        SAVE(I8042, reply), SAVE(I8042, reply_from), SAVE(I8042, breaking),

        SAVE_STRUCT(I8042, kbd, Ps2Keyboard, PS2_KEYBOARD_FIELDS),
        SAVE_STRUCT(I8042, mouse, Ps2Mouse, PS2_MOUSE_FIELDS), { 0 }
    },
    .wires  = (const Wire[]) {
        WIRES("irq", I8042, irq), WIRE("a20", I8042, a20),
        WIRE("reset", I8042, reset), { 0 }
    },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
