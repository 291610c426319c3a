/* SPDX-License-Identifier: MIT */
/*
 * The FPGA of the Malta board, device "malta-fpga": status, jumpers, a bar of
 * LEDs, eight characters of text and the reset register.
 * Reference: MALTA User's Manual (MD00048), 4.2.
 *
 * The UART is the board's.  Left out: the I2C bus.
 */
#include "hw/core/device.h"
#include "softmmu/run.h"

enum { TEXT = 8 };
enum { GORESET = 0x42, BIGEND = 1 << 1, MONITOR_LOCKED = 1 << 4 };

typedef struct MaltaFpga {
    Device dev;
    bool   big_endian;          /* property */
    u32    ledbar, asciiword, brkres;
    u32    ascii[2 * TEXT];     /* every second is a character */
} MaltaFpga;

static u64 status(void *opaque, u32 index)
{
    (void)index;
    return MONITOR_LOCKED | (((MaltaFpga *)opaque)->big_endian ? BIGEND : 0);
}

static void soft_reset(void *opaque, u32 index, u64 v)
{
    MaltaFpga *s = opaque;

    (void)index;
    if (v == GORESET && s->dev.machine) {
        machine_reset_request(s->dev.machine);
    }
}

DEVICE(malta_fpga) {
    .name  = "malta-fpga",
    .about = "board registers of the Malta board",
    .size  = sizeof(MaltaFpga),
    .window = 0x1000,
    .any_offset = true,
    .regs  = (const Reg[]) {
        CONST(0x200, "SWITCH", 0),
        FN   (0x208, "STATUS", .read = status),
        CONST(0x210, "JMPRS", 0),
        RW   (0x408, "LEDBAR", MaltaFpga, ledbar, 0xff),
        RW   (0x410, "ASCIIWORD", MaltaFpga, asciiword, ~0u),
        RWN  (0x418, "ASCIIPOS", MaltaFpga, ascii, 0xff),
        FN   (0x500, "SOFTRES", .write = soft_reset),
        RW   (0x508, "BRKRES", MaltaFpga, brkres, 0xff, .reset = 0x0a),
        { 0 }
    },
    .props = (const Prop[]) {
        PROP("big-endian", PROP_BOOL, MaltaFpga, big_endian, "off",
             "byte order of the CPU"),
        { 0 }
    },
};
