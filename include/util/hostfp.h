/* SPDX-License-Identifier: MIT */
/*
 * The host's floating-point control: sticky flags and rounding of the calling
 * thread, in softfloat's words (util/softfloat.h).
 *
 * Translated code runs with the guest's rounding mode and gathers the guest's
 * flags in the host's control register.  Its image while C runs (TcgEnv.mxcsr)
 * is here called a word.  Sources: Intel SDM volume 1, 10.2.3; ISO C 7.6.
 */
#pragma once
#include "util/types.h"

/* All exceptions masked, no flags; round is FP_NEAREST .. FP_DOWNWARD. */
u32  host_fp_word(unsigned round);
/* The flags in a word: FP_INVALID .. FP_INEXACT, no FP_INPUT_DENORMAL. */
u32  host_fp_word_flags(u32 word);
/* A word without its flags. */
u32  host_fp_word_clear(u32 word);

/* The calling thread's live ones, as host_fp_word_flags() gives them. */
u32  host_fp_flags(void);
void host_fp_clear(void);
void host_fp_set_round(unsigned round);

/*
 * The same for a guest with SSE.  The word that does what a value of MXCSR
 * says, exceptions masked; where host_fp_has_sse is false, without DAZ and
 * FTZ.  Its flags, with FP_INPUT_DENORMAL if the host has it.
 */
extern const bool host_fp_has_sse;
u32  host_fp_word_sse(u32 mxcsr);
u32  host_fp_word_sse_flags(u32 word);
/* The calling thread's live word. */
u32  host_fp_live(void);
void host_fp_set_live(u32 word);
