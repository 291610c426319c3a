/* SPDX-License-Identifier: MIT */
/* What the tests' SMI handler notes, and is asked to do; at 1FE000H. */
#pragma once

enum { NOTES = 0x1fe000 };
typedef struct Notes {
    unsigned count;             /* SMIs so far */
    unsigned cr0, eflags, cs, ds, cr4, dr7, ip;     /* as it was entered */
    unsigned base;              /* SMBASE, for it to know; 0: no SMM */
    unsigned change_at, change_to;  /* of the saved state, from SMBASE */
    unsigned poke_at, poke;     /* a byte of flash to program */
    unsigned ipi;               /* for the APIC's ICR, once */
    unsigned unused[2];
    unsigned char saved[512];   /* from SMBASE + FE00H */
} Notes;
