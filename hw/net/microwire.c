/* SPDX-License-Identifier: MIT */
/* The serial EEPROM 93C46; see microwire.h. */
#include "hw/net/microwire.h"

enum { OP_OTHER = 0, OP_WRITE = 1, OP_READ = 2, OP_ERASE = 3 };
/* Of OP_OTHER, in the high bits of the address. */
enum { DISABLE = 0, WRITE_ALL = 1, ERASE_ALL = 2, ENABLE = 3 };
enum { NEEDED = 9 };    /* the start bit, 2 of the opcode, 6 of the address */

static void fill(Microwire *m, u32 at, u32 n, u16 v)
{
    for (u32 i = 0; m->writable && i < n; i++) {
        m->word[(at + i) % EEPROM_WORDS] = v;
    }
}

static void other(Microwire *m, u32 what)
{
    switch (what) {
    case DISABLE:   m->writable = 0; break;
    case ENABLE:    m->writable = 1; break;
    case ERASE_ALL: fill(m, 0, EEPROM_WORDS, 0xffff); break;
    case WRITE_ALL: m->left = 16; break;
    }
}

/* All bits of a command are there. */
static void begin(Microwire *m)
{
    u32 at = m->command & (EEPROM_WORDS - 1);

    switch (m->command >> 6) {
    case OP_READ:
        m->data = m->word[at];
        m->left = 16;
        m->out = 0;                     /* a dummy bit comes first */
        break;
    case OP_WRITE: m->left = 16; break;
    case OP_ERASE: fill(m, at, 1, 0xffff); break;
    case OP_OTHER: other(m, at >> 4); break;
    }
}

static void store(Microwire *m)
{
    if (m->command >> 6 == OP_WRITE) {
        fill(m, m->command, 1, m->data);
    } else {
        fill(m, 0, EEPROM_WORDS, m->data);
    }
    m->out = 1;                         /* ready */
}

/* A bit comes in, and one goes out, at each rise of the clock. */
static void shift(Microwire *m, bool in)
{
    if (m->nbits < NEEDED) {
        if (m->nbits || in) {
            m->command = (u8)(m->command << 1 | in);
            m->nbits++;
        }
        if (m->nbits == NEEDED) {
            begin(m);
        }
    } else if (m->command >> 6 == OP_READ) {
        m->out = m->data >> 15;
        m->data = (u16)(m->data << 1);
        m->left--;
        if (!m->left) {                 /* the next word follows */
            m->command = (u8)(OP_READ << 6
                              | ((m->command + 1) & (EEPROM_WORDS - 1)));
            m->data = m->word[m->command & (EEPROM_WORDS - 1)];
            m->left = 16;
        }
    } else if (m->left) {
        m->data = (u16)(m->data << 1 | in);
        m->left--;
        if (!m->left) {
            store(m);
        }
    }
}

void microwire_pins(Microwire *m, bool select, bool clock, bool in)
{
    if (select && !m->select) {
        m->nbits = 0;
        m->left = 0;
        m->command = 0;
        m->out = 1;
    }
    if (select && clock && !m->clock) {
        shift(m, in);
    }
    m->select = select;
    m->clock = clock;
}
