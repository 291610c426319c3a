/* SPDX-License-Identifier: MIT */
/*
 * Private to target/mips: what translators of MSA share.  Vector registers
 * are the FPU's slots, all of them; `df` is log2 of the bytes of a lane.
 */
#pragma once
#include "target/mips/translate.h"

/* What the fields "df/m" and "df/n" say: a lane's size, and a number. */
typedef struct MsaField {
    bool     ok;
    Lane     df;
    unsigned n;
} MsaField;

MsaField msa_bit(unsigned m);           /* a bit of a lane */
MsaField msa_element(unsigned n);       /* a lane */

Val  msa_get(Ctx *c, unsigned r);
bool msa_set(Ctx *c, unsigned r, Val v);        /* true */
/* A constant with v in every lane. */
Val  msa_splat(Ctx *c, Lane df, u64 v);

/* MSA's control registers, MSAIR and MSACSR. */
enum { MSAIR = 0, MSACSR = 1 };
/* False: an exception that is enabled is set. */
bool mips_set_msacsr(MipsCpu *c, u32 v);
