/* SPDX-License-Identifier: MIT */
/*
 * The shortest guest: it asks the firmware to switch the machine off.
 * PSCI SYSTEM_OFF is function 0x84000008 (Arm DEN 0022, 5.1.9), called by HVC.
 */
    .global _start
_start:
    mov     w0, #0x0008
    movk    w0, #0x8400, lsl #16
    hvc     #0
1:  wfi
    b       1b
