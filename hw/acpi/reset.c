/* SPDX-License-Identifier: MIT */
/*
 * The reset control register, port CF9H, device "reset-control".
 * Reference: Intel ICH9 data sheet (316972), 13.7.4 "RST_CNT".
 *
 * The port lies within the PCI address register's, which forwards its byte
 * accesses there: device_read() and device_write() at 0.
 */
#include "hw/core/device.h"
#include "softmmu/machine.h"

enum { SYS_RST = 1 << 1, RST_CPU = 1 << 2, FULL_RST = 1 << 3 };

typedef struct ResetControl {
    Device dev;
    u8     control;
} ResetControl;

static void wrote(void *opaque, u32 index, u64 old)
{
    ResetControl *s = opaque;

    (void)index;
    if (s->control & ~old & RST_CPU && s->dev.machine) {
        machine_reset_request(s->dev.machine);
    }
}

DEVICE(reset_control) {
    .name   = "reset-control",
    .about  = "reset control register",
    .size   = sizeof(ResetControl),
    .window = 1,
    .regs   = (const Reg[]) {
        { .at = 0, .width = 1, .name = "RST_CNT",
          MEMBER(ResetControl, control), .rw = SYS_RST | RST_CPU | FULL_RST,
          .wrote = wrote },
        { 0 }
    },
};
