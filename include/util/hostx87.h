/* SPDX-License-Identifier: MIT */
/*
 * The host's x87 unit, for what only it computes as hardware does.
 */
#pragma once
#include "util/softfloat.h"

/* Transcendental instructions. */
typedef enum X87Math {
    X87_F2XM1, X87_FYL2X, X87_FPTAN, X87_FPATAN, X87_FYL2XP1, X87_FSINCOS,
    X87_FSIN, X87_FCOS, X87_MATHS
} X87Math;

/*
 * Carries one out with control word fcw; a is ST(0) and b ST(1).  After FYL2X,
 * FYL2XP1 and FPATAN the result is *b, after FPTAN and FSINCOS *a is the value
 * pushed and *b the other, else it is *a.  *sw is the status word: flags, C1,
 * C2 (the argument is out of range: nothing changed).  False: there is no such
 * unit.
 */
bool host_x87_math(X87Math op, u16 fcw, F80 *a, F80 *b, u16 *sw);

/*
 * Makes control and status word of the calling thread's unit those given, if
 * all exceptions are masked; else nothing.  The stack is and stays empty.
 */
void host_x87_set(u16 fcw, u16 fsw);
