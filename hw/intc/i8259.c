/* SPDX-License-Identifier: MIT */
/*
 * Intel 8259A programmable interrupt controller.
 * References: Intel 8259A data sheet (231468); for the edge/level control
 * registers the 82371 (PIIX) data sheet, "ELCR1, ELCR2".
 *
 * A rising edge is remembered until it is acknowledged, even if the input
 * falls before.  Left out: MCS-80 mode (vectors are always 8086's) and
 * buffered mode, which no PC uses.
 */
#include "hw/core/bytewise.h"
#include "hw/intc/i8259.h"

enum { INPUTS = 8, CASCADE = 2, SPURIOUS = 7 };

enum {
    ICW1_IC4 = 1 << 0, ICW1_SNGL = 1 << 1, ICW1_LTIM = 1 << 3,
    ICW1 = 1 << 4,                      /* tells it from OCW2 and OCW3 */
    ICW4_AEOI = 1 << 1, ICW4_SFNM = 1 << 4,
    OCW3 = 1 << 3,                      /* tells it from OCW2 */
    OCW3_RIS = 1 << 0, OCW3_RR = 1 << 1, OCW3_POLL = 1 << 2,
    OCW3_SMM = 1 << 5, OCW3_ESMM = 1 << 6,
};
enum { POLL_PENDING = 1 << 7 };

/* Which initialization word the next write to the odd port is. */
typedef enum Step { STEP_READY, STEP_ICW2, STEP_ICW3, STEP_ICW4, STEPS } Step;

typedef struct Pic {
    Device  dev;
    Line    intr;
    bool    master;                     /* property */
    bool    has_elcr;                   /* the board mapped it */
    Device *slave;                      /* behind input 2, or NULL */

    I8259Regs r;
} Pic;

I8259Regs *i8259_regs(Device *d)
{
    return &((Pic *)d)->r;
}

/* ---- requests and priorities -------------------------------------------- */

/* Inputs that are level-triggered; with an ELCR it replaces ICW1's LTIM. */
static u8 levels(const Pic *s)
{
    return s->has_elcr ? s->r.elcr : s->r.icw1 & ICW1_LTIM ? 0xff : 0;
}

/* The input of highest priority in `set`, as a rank; INPUTS if empty. */
static u32 best(const Pic *s, u8 set)
{
    u32 rank = 0;

    while (rank < INPUTS && !(set >> ((s->r.lowest + 1 + rank) % INPUTS) & 1)) {
        rank++;
    }
    return rank;
}

static u32 input_of(const Pic *s, u32 rank)
{
    return (s->r.lowest + 1 + rank) % INPUTS;
}

/* The input to be served now, or -1. */
static int due(const Pic *s)
{
    u8 serving = s->r.special_mask ? s->r.isr & ~s->r.imr : s->r.isr;
    u32 asks = best(s, s->r.irr & ~s->r.imr);

    if (asks == INPUTS) {
        return -1;
    }
    /* Special fully nested: the slave may ask above its own request. */
    if (s->master && s->r.icw4 & ICW4_SFNM && input_of(s, asks) == CASCADE) {
        serving &= (u8)~(1u << CASCADE);
    }
    return asks < best(s, serving) ? (int)input_of(s, asks) : -1;
}

static void update(Pic *s)
{
    line_set(&s->intr, due(s) >= 0);
}

static void input(void *opaque, int n, bool level)
{
    Pic *s = opaque;
    u8 bit = (u8)(1u << (n & 7));
    bool rose = level && !(s->r.level & bit);

    s->r.level = level ? s->r.level | bit : s->r.level & ~bit;
    if (levels(s) & bit) {
        s->r.irr = level ? s->r.irr | bit : s->r.irr & ~bit;
    } else if (rose) {
        s->r.irr |= bit;
    }
    update(s);
}

/* Level-triggered requests are what their inputs are. */
static void follow_levels(Pic *s)
{
    s->r.irr = (s->r.irr & ~levels(s)) | (s->r.level & levels(s));
}

/*
 * Takes the request that is due.  The output falls for a moment even if
 * another one is: a cascaded master needs the edge.
 */
static int take(Pic *s)
{
    int n = due(s);

    if (n < 0) {
        return -1;
    }
    u8 bit = (u8)(1u << n);
    if (!(levels(s) & bit)) {
        s->r.irr &= ~bit;
    }
    if (!(s->r.icw4 & ICW4_AEOI)) {
        s->r.isr |= bit;
    } else if (s->r.rotate_aeoi) {
        s->r.lowest = (u8)n;
    }
    line_set(&s->intr, false);
    return n;
}

static int vector(Pic *s, int n)
{
    return (s->r.icw2 & 0xf8) | (n < 0 ? SPURIOUS : n);
}

int i8259_ack(Device *master)
{
    Pic *s = (Pic *)master, *slave = (Pic *)s->slave;
    int n = take(s), v = vector(s, n);

    if (n == CASCADE && slave) {
        v = vector(slave, take(slave));
        update(slave);
    }
    update(s);
    return v;
}

static int ack_due(void *opaque)
{
    return due(opaque) < 0 ? -1 : i8259_ack(opaque);
}

const CpuIntc i8259_intc = { .ack = ack_due };

/* ---- command words ------------------------------------------------------ */

/* The data sheet's list under "Initialization command word 1". */
static void write_icw1(Pic *s, u8 v)
{
    s->r.icw1 = v;
    s->r.irr = s->r.isr = s->r.imr = 0;
    s->r.lowest = INPUTS - 1;
    s->r.special_mask = s->r.read_isr = s->r.poll = s->r.rotate_aeoi = false;
    if (!(v & ICW1_IC4)) {
        s->r.icw4 = 0;
    }
    s->r.step = STEP_ICW2;
    follow_levels(s);
}

static void write_ocw2(Pic *s, u8 v)
{
    u32 n = v & 7;
    bool rotate = v & 0x80, specific = v & 0x40, eoi = v & 0x20;

    if (!eoi) {
        if (rotate && specific) {
            s->r.lowest = (u8)n;
        } else if (!specific) {
            s->r.rotate_aeoi = rotate;
        }
        return;
    }
    if (!specific) {
        u32 rank = best(s, s->r.special_mask ? s->r.isr & ~s->r.imr : s->r.isr);
        if (rank == INPUTS) {
            return;
        }
        n = input_of(s, rank);
    }
    s->r.isr &= (u8)~(1u << n);
    if (rotate) {
        s->r.lowest = (u8)n;
    }
}

static void write_ocw3(Pic *s, u8 v)
{
    if (v & OCW3_ESMM) {
        s->r.special_mask = v & OCW3_SMM;
    }
    if (v & OCW3_POLL) {
        s->r.poll = true;
    } else if (v & OCW3_RR) {
        s->r.read_isr = v & OCW3_RIS;
    }
}

static void write_odd(Pic *s, u8 v)
{
    bool icw4 = s->r.icw1 & ICW1_IC4;

    switch (s->r.step) {
    case STEP_ICW2:
        s->r.icw2 = v;
        s->r.step = !(s->r.icw1 & ICW1_SNGL) ? STEP_ICW3
                : icw4 ? STEP_ICW4 : STEP_READY;
        break;
    case STEP_ICW3:
        s->r.icw3 = v;
        s->r.step = icw4 ? STEP_ICW4 : STEP_READY;
        break;
    case STEP_ICW4:
        s->r.icw4 = v;
        s->r.step = STEP_READY;
        break;
    default:
        s->r.imr = v;
    }
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Pic *s = opaque;

    if (at & 1) {
        write_odd(s, v);
    } else if (v & ICW1) {
        write_icw1(s, v);
    } else if (v & OCW3) {
        write_ocw3(s, v);
    } else {
        write_ocw2(s, v);
    }
    update(s);
}

static u8 read_port(void *opaque, u64 at)
{
    Pic *s = opaque;

    if (s->r.poll) {                      /* this read is an acknowledge */
        int n = take(s);
        s->r.poll = false;
        update(s);
        return n < 0 ? 0 : (u8)(POLL_PENDING | n);
    }
    return at & 1 ? s->r.imr : s->r.read_isr ? s->r.isr : s->r.irr;
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

/* ---- edge/level control ------------------------------------------------- */

static u64 elcr_read(void *opaque, u64 at, unsigned size)
{
    (void)at, (void)size;
    return ((Pic *)opaque)->r.elcr;
}

static void elcr_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Pic *s = opaque;

    (void)at, (void)size;
    /* Not those of timer, keyboard and cascade; of clock and FPU. */
    s->r.elcr = (u8)(v & (s->master ? 0xf8 : 0xde));
    follow_levels(s);
    update(s);
}

void i8259_map(Device *d, MemSpace *io, u64 base, u64 elcr_base)
{
    MemRegion elcr = {
        .name = d->id, .base = elcr_base, .size = 1,
        .read = elcr_read, .write = elcr_write, .opaque = d,
    };

    device_map(d, io, base);
    if (elcr_base) {
        ((Pic *)d)->has_elcr = true;
        mem_add(io, &elcr);
    }
}

void i8259_cascade(Device *master, Device *slave)
{
    ((Pic *)master)->slave = slave;
    line_connect(device_line(slave, "intr", 0), device_input, master, CASCADE);
}

/* ---- the device --------------------------------------------------------- */

/* What the inputs are does not change by a reset of the chip. */
static void reset(void *opaque)
{
    Pic *s = opaque;

    s->r.lowest = INPUTS - 1;
    update(s);
}

static bool loaded(void *opaque)
{
    Pic *s = opaque;

    if (s->r.lowest >= INPUTS || s->r.step >= STEPS) {
        return false;
    }
    update(s);
    return true;
}

DEVICE(pic) {
    .name   = "isa-pic",
    .about  = "8259A interrupt controller",
    .size   = sizeof(Pic),
    .window = 2,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        KEEP_SAVE(Pic, r.level),
        SAVE(Pic, r.irr), SAVE(Pic, r.isr), SAVE(Pic, r.imr), SAVE(Pic, r.elcr),
        SAVE(Pic, r.lowest), SAVE(Pic, r.icw1), SAVE(Pic, r.icw2), SAVE(Pic, r.icw3),
        SAVE(Pic, r.icw4), SAVE(Pic, r.step), SAVE(Pic, r.read_isr), SAVE(Pic, r.poll),
        SAVE(Pic, r.special_mask), SAVE(Pic, r.rotate_aeoi), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("master", PROP_BOOL, Pic, master, "off", "not behind another"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("intr", Pic, intr), { 0 } },
    .reset  = reset,
    .input  = input,
    .loaded = loaded,
};
