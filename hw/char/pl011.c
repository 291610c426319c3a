/* SPDX-License-Identifier: MIT */
/*
 * ARM PrimeCell PL011 UART.  Reference: ARM DDI 0183.
 *
 * Baud rates are stored but have no effect: a character takes no time, so the
 * transmitter is always empty.  Not modelled: DMA, IrDA, line errors other
 * than break.
 */
#include "chardev/chardev.h"
#include "hw/core/device.h"

enum { FIFO = 16 };

enum {                                  /* UARTFR */
    FR_CTS = 1 << 0, FR_DSR = 1 << 1, FR_DCD = 1 << 2,
    FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7,
    FR_RI = 1 << 8,
};
enum { LCR_BRK = 1 << 0, LCR_FEN = 1 << 4 };
enum {                                  /* UARTCR */
    CR_UARTEN = 1 << 0, CR_LBE = 1 << 7, CR_TXE = 1 << 8, CR_RXE = 1 << 9,
    CR_DTR = 1 << 10, CR_RTS = 1 << 11, CR_OUT1 = 1 << 12, CR_OUT2 = 1 << 13,
};
enum {                                  /* UARTRIS and friends */
    INT_RI = 1 << 0, INT_CTS = 1 << 1, INT_DCD = 1 << 2, INT_DSR = 1 << 3,
    INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6,
    INT_MODEM = 0xf, INT_ERR = 0x780, INT_ALL = 0x7ff,
};
enum { DR_BREAK = 1 << 10 };

typedef struct Pl011 {
    Device    dev;
    Chardev  *chr;
    CharFront front;
    Line      irq[6];                   /* combined, RX, TX, RT, modem, error */
    u32       rsr, fr, ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr;
    u32       fifo[FIFO], head, fill;
} Pl011;

static const u32 line_bits[6] = {
    INT_ALL, INT_RX, INT_TX, INT_RT, INT_MODEM, INT_ERR,
};

static void update(Pl011 *s)
{
    for (size_t i = 0; i < countof(line_bits); i++) {
        line_set(&s->irq[i], s->ris & s->imsc & line_bits[i]);
    }
}

static u32 depth(const Pl011 *s)
{
    return s->lcr & LCR_FEN ? FIFO : 1;
}

/* Characters in the FIFO at which INT_RX rises: UARTIFLS.RXIFLSEL. */
static u32 rx_level(const Pl011 *s)
{
    static const u8 eighths[8] = { 1, 2, 4, 6, 7, 7, 7, 7 };

    return s->lcr & LCR_FEN ? FIFO * eighths[s->ifls >> 3 & 7] / 8 : 1;
}

static void set_flags(Pl011 *s)
{
    s->fr &= ~(u32)(FR_RXFE | FR_RXFF);
    s->fr |= FR_TXFE | (s->fill == 0 ? FR_RXFE : 0)
                     | (s->fill >= depth(s) ? FR_RXFF : 0);
}

/*
 * The receive timeout comes 32 bit times after the last character; here it
 * comes with it, as no time passes between characters.
 */
static void receive(Pl011 *s, u32 c)
{
    if (s->fill < depth(s)) {
        s->fifo[(s->head + s->fill++) % FIFO] = c;
    }
    if (s->fill >= rx_level(s)) {
        s->ris |= INT_RX;
    }
    if (s->lcr & LCR_FEN) {
        s->ris |= INT_RT;
    }
    set_flags(s);
    update(s);
}

static size_t room(void *opaque)
{
    Pl011 *s = opaque;

    return depth(s) - MIN(s->fill, depth(s));
}

static void input(void *opaque, const u8 *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        receive(opaque, buf[i]);
    }
}

static void event(void *opaque, CharEvent e)
{
    if (e == CHAR_BREAK) {
        receive(opaque, DR_BREAK);
    }
}

/* Input that found no room may come now. */
static void accept_more(Pl011 *s)
{
    if (s->chr) {
        chardev_accept(s->chr);
    }
}

static u64 dr_read(void *opaque, u32 index)
{
    Pl011 *s = opaque;
    u32 c = s->fifo[s->head];

    (void)index;
    if (s->fill) {
        s->head = (s->head + 1) % FIFO;
        s->fill--;
    }
    if (s->fill < rx_level(s)) {
        s->ris &= ~(u32)INT_RX;
    }
    if (!s->fill) {
        s->ris &= ~(u32)INT_RT;
    }
    s->rsr = c >> 8;
    set_flags(s);
    update(s);
    accept_more(s);
    return c;
}

static void dr_write(void *opaque, u32 index, u64 v)
{
    Pl011 *s = opaque;
    u8 c = (u8)v;

    (void)index;
    if (s->cr & CR_LBE) {
        receive(s, c);
    } else if (s->chr) {
        chardev_write(s->chr, &c, 1);
    }
    s->ris |= INT_TX;
    update(s);
}

static void rsr_write(void *opaque, u32 index, u64 v)
{
    Pl011 *s = opaque;

    (void)index;
    (void)v;
    s->rsr = 0;
}

static void lcr_wrote(void *opaque, u32 index, u64 old)
{
    Pl011 *s = opaque;

    (void)index;
    if ((s->lcr ^ old) & LCR_FEN) {     /* either way empties the FIFO */
        s->head = s->fill = 0;
        s->ris &= ~(u32)(INT_RX | INT_RT);
        set_flags(s);
        update(s);
        accept_more(s);
    }
    if (s->lcr & ~old & LCR_BRK && s->cr & CR_LBE) {
        receive(s, DR_BREAK);
    }
}

/* In loopback the modem outputs drive the modem inputs. */
static void cr_wrote(void *opaque, u32 index, u64 old)
{
    static const struct { u32 cr, fr, irq; } loop[] = {
        { CR_OUT2, FR_RI,  INT_RI  }, { CR_OUT1, FR_DCD, INT_DCD },
        { CR_RTS,  FR_CTS, INT_CTS }, { CR_DTR,  FR_DSR, INT_DSR },
    };
    Pl011 *s = opaque;

    (void)index;
    (void)old;
    if (!(s->cr & CR_LBE)) {
        return;
    }
    for (size_t i = 0; i < countof(loop); i++) {
        bool on = s->cr & loop[i].cr;
        s->fr  = on ? s->fr | loop[i].fr   : s->fr & ~loop[i].fr;
        s->ris = on ? s->ris | loop[i].irq : s->ris & ~loop[i].irq;
    }
    update(s);
}

static void imsc_wrote(void *opaque, u32 index, u64 old)
{
    (void)index;
    (void)old;
    update(opaque);
}

static u64 mis_read(void *opaque, u32 index)
{
    Pl011 *s = opaque;

    (void)index;
    return s->ris & s->imsc;
}

static void icr_write(void *opaque, u32 index, u64 v)
{
    Pl011 *s = opaque;

    (void)index;
    s->ris &= ~(u32)v;
    update(s);
}

static bool start(void *opaque, Err *err)
{
    Pl011 *s = opaque;

    s->front = (CharFront) { s, room, input, event };
    return !s->chr || chardev_attach(s->chr, &s->front, err);
}

static void reset(void *opaque)
{
    Pl011 *s = opaque;

    set_flags(s);
    update(s);
    accept_more(s);
}

static bool loaded(void *opaque)
{
    Pl011 *s = opaque;

    if (s->head >= FIFO || s->fill > FIFO) {
        return false;
    }
    update(s);
    return true;
}

DEVICE(pl011) {
    .name   = "pl011",
    .about  = "ARM PrimeCell UART",
    .size   = sizeof(Pl011),
    .window = 0x1000,
    .any_offset = true,
    .compatible = "arm,pl011;arm,primecell",
    .regs   = (const Reg[]) {
        FN   (0x000, "UARTDR",    .read = dr_read, .write = dr_write),
        RO   (0x004, "UARTRSR",   Pl011, rsr, .write = rsr_write),
        RO   (0x018, "UARTFR",    Pl011, fr, .reset = FR_TXFE | FR_RXFE),
        RW   (0x020, "UARTILPR",  Pl011, ilpr,  0xff),
        RW   (0x024, "UARTIBRD",  Pl011, ibrd,  0xffff),
        RW   (0x028, "UARTFBRD",  Pl011, fbrd,  0x3f),
        RW   (0x02c, "UARTLCR_H", Pl011, lcr,   0xff, .wrote = lcr_wrote),
        RW   (0x030, "UARTCR",    Pl011, cr,    0xff87,
              .reset = CR_TXE | CR_RXE, .wrote = cr_wrote),
        RW   (0x034, "UARTIFLS",  Pl011, ifls,  0x3f, .reset = 0x12),
        RW   (0x038, "UARTIMSC",  Pl011, imsc,  INT_ALL, .wrote = imsc_wrote),
        RO   (0x03c, "UARTRIS",   Pl011, ris),
        FN   (0x040, "UARTMIS",   .read = mis_read),
        FN   (0x044, "UARTICR",   .write = icr_write),
        RW   (0x048, "UARTDMACR", Pl011, dmacr, 7),
        CONST(0xfe0, "PID0", 0x11), CONST(0xfe4, "PID1", 0x10),
        CONST(0xfe8, "PID2", 0x14), CONST(0xfec, "PID3", 0x00),
        CONST(0xff0, "CID0", 0x0d), CONST(0xff4, "CID1", 0xf0),
        CONST(0xff8, "CID2", 0x05), CONST(0xffc, "CID3", 0xb1),
        { 0 }
    },
    .state  = (const Field[]) {
        SAVE(Pl011, fifo), SAVE(Pl011, head), SAVE(Pl011, fill), { 0 }
    },
    .props  = (const Prop[]) {
        PROP("chardev", PROP_CHARDEV, Pl011, chr, NULL, "where the line goes"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRES("irq", Pl011, irq), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
};
