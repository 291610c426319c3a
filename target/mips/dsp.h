/* SPDX-License-Identifier: MIT */
/*
 * Private to target/mips: what translators of the DSP module share.
 * DSPControl is the slot S_DSP.  Whether rows of a table work on bytes (QB),
 * halves (PH) or words is a *form*: bits of a lane, and if they are signed.
 */
#pragma once
#include "target/mips/translate.h"

enum { DSP_SIGNED = 64, QB = 8, SQB = 8 | DSP_SIGNED, UPH = 16,
       PH = 16 | DSP_SIGNED, W = 32 | DSP_SIGNED, DSP_BITS = 63 };

/* DSPControl.  The flags OU of accumulators are bits 16 to 19. */
enum { DSP_POS = 0, DSP_SCOUNT = 7, DSP_C = 13, DSP_EFI = 14, DSP_OU_AC = 16,
       DSP_OU_ADD = 20, DSP_OU_MUL = 21, DSP_OU_SHIFT = 22, DSP_OU_EXTR = 23,
       DSP_CCOND = 24 };
enum { DSP_POS_BITS = 6, DSP_SCOUNT_BITS = 6 };

/* Ors an I32 that is 0 or 1 into that bit of DSPControl. */
void dsp_flag(Ctx *c, Val cond, unsigned bit);
/* Lane i of an I32, extended to an I64. */
Val  dsp_lane(Ctx *c, Val w, unsigned i, unsigned form);
/* An I64 held to the range of that form; the flag tells if it was not in. */
Val  dsp_clamp(Ctx *c, Val v, unsigned form, unsigned flag);
/* Twice the product of two fractions; of the least ones, the greatest. */
Val  dsp_fraction(Ctx *c, Val x, Val y, unsigned flag);
