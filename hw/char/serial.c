/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART, device "isa-serial".
 * Reference: National Semiconductor PC16550D data sheet (TL/C/8652).
 *
 * A character takes no time: the transmitter is always empty, and the
 * receiver's time-out comes with the character.  Left out: parity and framing
 * errors, which the host's side never makes; DMA signalling; the gate that ISA
 * cards put between OUT2 and the interrupt.
 */
#include "chardev/chardev.h"
#include "hw/core/bytewise.h"
#include "hw/core/ports.h"

enum { FIFO = 16 };
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, FCR = IIR };

enum { IER_RDA = 1, IER_THRE = 2, IER_LINE = 4, IER_MODEM = 8, IER_ALL = 15 };
enum {
    IIR_MODEM = 0, IIR_NONE = 1, IIR_THRE = 2, IIR_RDA = 4, IIR_LINE = 6,
    IIR_TIMEOUT = 12, IIR_FIFOS = 0xc0,
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_KEPT = 0xc9 };
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum {
    MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16,
    MCR_ALL = 31,
};
enum { WINDOW = 8 };
enum {
    LSR_DR = 1, LSR_OE = 2, LSR_PE = 4, LSR_FE = 8, LSR_BI = 16,
    LSR_THRE = 32, LSR_TEMT = 64, LSR_FIFO = 128,
    LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI,
};
enum {
    MSR_TERI = 4, MSR_DELTA = 15,
    MSR_CTS = 16, MSR_DSR = 32, MSR_RI = 64, MSR_DCD = 128,
    MSR_CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD,
};

typedef struct Serial {
    Device    dev;
    Chardev  *chr;
    CharFront front;
    Line      irq;
    u8        ier, fcr, lcr, mcr, msr, scr;
    u8        errors;                   /* LSR_ERRORS, until LSR is read */
    u8        thre;                     /* its interrupt is pending */
    u16       divisor;
    u8        fifo[FIFO], flaw[FIFO];   /* characters; LSR bits of each */
    u32       head, fill;
    PortChoice place;
} Serial;

/* ---- interrupts --------------------------------------------------------- */

static u32 trigger(const Serial *s)
{
    static const u8 level[4] = { 1, 4, 8, 14 };

    return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}

/* The interrupt of highest priority, as IIR names it. */
static u8 pending(const Serial *s)
{
    if (s->ier & IER_LINE && s->errors) {
        return IIR_LINE;
    }
    if (s->ier & IER_RDA && s->fill) {
        return s->fill >= trigger(s) ? IIR_RDA : IIR_TIMEOUT;
    }
    if (s->ier & IER_THRE && s->thre) {
        return IIR_THRE;
    }
    return s->ier & IER_MODEM && s->msr & MSR_DELTA ? IIR_MODEM : IIR_NONE;
}

static void update(Serial *s)
{
    line_set(&s->irq, pending(s) != IIR_NONE);
}

/* ---- receiver ----------------------------------------------------------- */

static u32 depth(const Serial *s)
{
    return s->fcr & FCR_ENABLE ? FIFO : 1;
}

/* An error shows when its character is the next to be read. */
static void show_flaw(Serial *s)
{
    if (s->fill) {
        s->errors |= s->flaw[s->head];
        s->flaw[s->head] = 0;
    }
}

/* Without FIFO an overrun loses the older character, with it the newer. */
static void receive(Serial *s, u8 c, u8 flaw)
{
    if (s->fill >= depth(s)) {
        s->errors |= LSR_OE;
        if (s->fcr & FCR_ENABLE) {
            return;
        }
        s->fill = 0;
    }
    u32 at = (s->head + s->fill++) % FIFO;
    s->fifo[at] = c;
    s->flaw[at] = flaw;
    show_flaw(s);
}

static size_t room(void *opaque)
{
    Serial *s = opaque;

    return s->mcr & MCR_LOOP ? 0 : depth(s) - MIN(s->fill, depth(s));
}

static void take_input(void *opaque, const u8 *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        receive(opaque, buf[i], 0);
    }
    update(opaque);
}

static void event(void *opaque, CharEvent e)
{
    Serial *s = opaque;

    if (e == CHAR_BREAK && !(s->mcr & MCR_LOOP)) {
        receive(s, 0, LSR_BI);
        update(s);
    }
}

static void accept_more(Serial *s)
{
    if (s->chr) {
        chardev_accept(s->chr);
    }
}

static u8 read_rbr(Serial *s)
{
    u8 c = s->fifo[s->head];

    if (s->fill) {
        s->fill--;
        s->head = (s->head + 1) % FIFO;
        show_flaw(s);
        update(s);
        accept_more(s);
    }
    return c;
}

static void clear_fifo(Serial *s)
{
    s->head = s->fill = 0;
    memset(s->flaw, 0, sizeof s->flaw);
}

/* ---- the other registers ------------------------------------------------ */

/* The line falls at the write: interrupt controllers look at its rise. */
static void write_thr(Serial *s, u8 v)
{
    s->thre = false;
    update(s);
    if (s->mcr & MCR_LOOP) {
        receive(s, v, 0);
    } else if (s->chr) {
        chardev_write(s->chr, &v, 1);
    }
    s->thre = true;
}

static u8 read_iir(Serial *s)
{
    u8 v = pending(s);

    if (v == IIR_THRE) {
        s->thre = false;
        update(s);
    }
    return v | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static void write_fcr(Serial *s, u8 v)
{
    if ((s->fcr ^ v) & FCR_ENABLE || v & FCR_CLEAR_RX) {
        clear_fifo(s);
    }
    s->fcr = v & FCR_ENABLE ? v & FCR_KEPT : 0;
    if (v & FCR_CLEAR_TX) {
        s->thre = true;
    }
    accept_more(s);
}

static void write_ier(Serial *s, u8 v)
{
    if (v & ~s->ier & IER_THRE) {
        s->thre = true;
    }
    s->ier = v & IER_ALL;
}

static void write_lcr(Serial *s, u8 v)
{
    if (v & ~s->lcr & LCR_BREAK && s->mcr & MCR_LOOP) {
        receive(s, 0, LSR_BI);
    }
    s->lcr = v;
}

/* The modem inputs; in loopback the modem outputs drive them. */
static u8 modem_inputs(const Serial *s)
{
    if (!(s->mcr & MCR_LOOP)) {
        return MSR_CONNECTED;
    }
    return (u8)((s->mcr & MCR_RTS ? MSR_CTS : 0)
                | (s->mcr & MCR_DTR ? MSR_DSR : 0)
                | (s->mcr & MCR_OUT1 ? MSR_RI : 0)
                | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void write_mcr(Serial *s, u8 v)
{
    s->mcr = v & MCR_ALL;
    u8 now = modem_inputs(s), changed = now ^ (s->msr & 0xf0);

    if (now & MSR_RI) {                 /* TERI is of the trailing edge */
        changed &= (u8)~MSR_RI;
    }
    s->msr = now | (s->msr & MSR_DELTA) | changed >> 4;
    accept_more(s);
}

static u8 read_lsr(Serial *s)
{
    bool flawed = false;

    for (u32 i = 0; i < s->fill; i++) {
        flawed |= s->flaw[(s->head + i) % FIFO];
    }
    u8 v = (u8)(LSR_THRE | LSR_TEMT | s->errors | (s->fill ? LSR_DR : 0));
    if (s->fcr & FCR_ENABLE && (flawed || s->errors & ~LSR_OE)) {
        v |= LSR_FIFO;
    }
    s->errors = 0;
    update(s);
    return v;
}

static u8 read_msr(Serial *s)
{
    u8 v = s->msr;

    s->msr &= (u8)~MSR_DELTA;
    update(s);
    return v;
}

static u8 read_port(void *opaque, u64 at)
{
    Serial *s = opaque;
    bool dlab = s->lcr & LCR_DLAB;

    switch (at & 7) {
    case RBR: return dlab ? (u8)s->divisor : read_rbr(s);
    case IER: return dlab ? (u8)(s->divisor >> 8) : s->ier;
    case IIR: return read_iir(s);
    case LCR: return s->lcr;
    case MCR: return s->mcr;
    case LSR: return read_lsr(s);
    case MSR: return read_msr(s);
    default:  return s->scr;
    }
}

static void write_port(void *opaque, u64 at, u8 v)
{
    Serial *s = opaque;

    if (s->lcr & LCR_DLAB && (at & 7) <= IER) {
        s->divisor = (u16)deposit(s->divisor, at & 1 ? 8 : 0, 8, v);
        return;
    }
    switch (at & 7) {
    case THR: write_thr(s, v); break;
    case IER: write_ier(s, v); break;
    case FCR: write_fcr(s, v); break;
    case LCR: write_lcr(s, v); break;
    case MCR: write_mcr(s, v); break;
    case SCR: s->scr = v; break;
    default:  break;                    /* LSR and MSR: read only here */
    }
    update(s);
}

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, read_port);
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, write_port);
}

/* ---- the device --------------------------------------------------------- */

static const PortPlaces places = {
    "COM1 to COM4", 4,
    { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } }
};

static bool start(void *opaque, Err *err)
{
    Serial *s = opaque;

    s->front = (CharFront) { s, room, take_input, event };
    if (s->dev.added && s->dev.machine
        && !ports_place(&s->dev, &s->place, &places, err)) {
        return false;
    }
    return !s->chr || chardev_attach(s->chr, &s->front, err);
}

static void reset(void *opaque)
{
    Serial *s = opaque;

    s->divisor = 12;                    /* 9600 baud */
    s->msr = MSR_CONNECTED;
    s->thre = true;
    update(s);
    accept_more(s);
}

static bool loaded(void *opaque)
{
    Serial *s = opaque;

    if (s->head >= FIFO || s->fill > FIFO) {
        return false;
    }
    update(s);
    return true;
}

DEVICE(serial) {
    .name   = "isa-serial",
    .about  = "16550A UART",
    .size   = sizeof(Serial),
    .window = WINDOW,
    .user   = true,
    .mmio_read  = port_read,
    .mmio_write = port_write,
    .state  = (const Field[]) {
        SAVE(Serial, ier), SAVE(Serial, fcr), SAVE(Serial, lcr),
        SAVE(Serial, mcr), SAVE(Serial, msr), SAVE(Serial, scr),
        SAVE(Serial, errors), SAVE(Serial, thre), SAVE(Serial, divisor),
        SAVE(Serial, fifo), SAVE(Serial, flaw), SAVE(Serial, head),
        SAVE(Serial, fill), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, Serial, chr, NULL, "where the line goes"),
        PORT_PROPS(Serial, place, "COM1"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("irq", Serial, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
};
