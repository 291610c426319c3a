/* SPDX-License-Identifier: MIT */
/* Says hello through the UART and switches the machine off. */
#include "bare.h"

    .global _start
_start:
    print   hello
    power_off

    routines
hello:
    .asciz  "Hello from the bare machine\n"
