/* SPDX-License-Identifier: MIT */
/*
 * The serial EEPROM 93C46 of network cards: 64 words behind four pins.
 * Reference: Microchip 93AA46/93LC46/93C46 data sheet (DS21749), 2.0.
 * Writing takes no time here, and what is written lasts until the end.
 */
#pragma once
#include "hw/core/device.h"

enum { EEPROM_WORDS = 64 };

typedef struct Microwire {
    u16 word[EEPROM_WORDS];
    u8  select, clock;          /* the pins as they are */
    u8  out;                    /* DO */
    u8  writable;
    u16 data;                   /* shifted in or out */
    u8  command;                /* opcode and address, once nbits is 9 */
    u8  nbits;                  /* of it, the start bit included */
    u8  left;                   /* bits of data still to come or to go */
} Microwire;

#define MICROWIRE_FIELDS(T, m)                                              \
    KEEP_SAVE(T, m.word), SAVE(T, m.select), SAVE(T, m.clock),              \
    SAVE(T, m.out), SAVE(T, m.writable), SAVE(T, m.data),                   \
    SAVE(T, m.command), SAVE(T, m.nbits), SAVE(T, m.left)

/* New levels of the pins CS, SK and DI; the answer is in `out`. */
void microwire_pins(Microwire *m, bool select, bool clock, bool in);
