/* SPDX-License-Identifier: MIT */
/*
 * SMBus host controller; see hw/i2c/smbus.h.
 * References: Intel 82371AB (PIIX4) data sheet (290562), 7.3.2 "SMBus I/O
 * Space Registers"; Intel ICH9 data sheet (316972), 19.2 "SMBus I/O
 * Registers"; SMBus Specification 2.0, 5.5; for EEPROMs JEDEC 21-C, 4.1.3.
 *
 * A transfer takes no time.  Left out: the slave side, alerts, packet error
 * codes (the bit is stored), process calls, interrupts of PIIX4.
 */
#include "hw/i2c/smbus.h"

enum {
    HST_STS = 0, SLV_STS = 1, HST_CNT = 2, HST_CMD = 3, XMIT_SLVA = 4,
    HST_D0 = 5, HST_D1 = 6, BLOCK_DB = 7, PEC = 8, AUX_STS = 12, AUX_CTL = 13,
};
enum {
    HOST_BUSY = 1 << 0, INTR = 1 << 1, DEV_ERR = 1 << 2, BUS_ERR = 1 << 3,
    FAILED = 1 << 4, INUSE = 1 << 6, BYTE_DONE = 1 << 7,
    CAUSES = INTR | DEV_ERR | BUS_ERR | FAILED | BYTE_DONE,
};
enum {
    INTREN = 1 << 0, KILL = 1 << 1, PROTOCOL = 7 << 2, LAST_BYTE = 1 << 5,
    START = 1 << 6,
};
enum { QUICK, BYTE, BYTE_DATA, WORD_DATA, PROCESS_CALL, BLOCK, I2C_READ };
enum { AUX_CRC = 1 << 0, AUX_E32B = 1 << 1 };
enum { EEPROM_FIRST = 0x50, READ = 1 };

/* ---- the EEPROMs -------------------------------------------------------- */

/* The one that is addressed; -1: nobody answers. */
static int addressed(const Smbus *s)
{
    u32 n = (u32)(s->addr >> 1) - EEPROM_FIRST;

    return n < EEPROMS ? (int)n : -1;
}

static u8 *at_offset(Smbus *s, int n)
{
    return &s->eeprom[n * EEPROM_BYTES + s->offset[n]++];
}

static u8 next_byte(Smbus *s, int n)
{
    return *at_offset(s, n);
}

static void store_byte(Smbus *s, int n, u8 v)
{
    *at_offset(s, n) = v;
}

/* ---- transfers ---------------------------------------------------------- */

static u32 protocol(const Smbus *s)
{
    return (s->cnt & PROTOCOL) >> 2;
}

/* A block goes through the buffer, or by single bytes. */
static bool buffered(const Smbus *s)
{
    return !s->ich9 || s->aux_ctl & AUX_E32B;
}

static void end(Smbus *s, u8 why)
{
    s->sts = (u8)((s->sts & ~HOST_BUSY) | why);
}

/* One byte of a block that goes by single bytes. */
static void move_byte(Smbus *s, int n)
{
    if (s->addr & READ) {
        s->block[0] = next_byte(s, n);
    } else {
        store_byte(s, n, s->block[0]);
    }
    s->sent++;
    s->sts |= BYTE_DONE;
}

/* The guest has seen to a byte: that was the last, or the next one goes. */
static void byte_seen(Smbus *s)
{
    int n = addressed(s);
    bool last = protocol(s) == I2C_READ ? s->cnt & LAST_BYTE
                                        : s->sent >= s->d0;

    if (n < 0 || last || s->sent == UINT8_MAX) {
        end(s, INTR);
    } else {
        move_byte(s, n);
    }
}

static void run_block(Smbus *s, int n)
{
    bool read = s->addr & READ, i2c = protocol(s) == I2C_READ;

    s->offset[n] = i2c ? s->d1 : s->cmd;
    if (read && !i2c) {
        s->d0 = next_byte(s, n);
    }
    if (!i2c && (s->d0 < 1 || s->d0 > SMBUS_BLOCK)) {
        end(s, DEV_ERR);
        return;
    }
    if (!read && !i2c) {
        store_byte(s, n, s->d0);        /* to an EEPROM the count is data */
    }
    if (!buffered(s) || i2c) {
        s->addr |= i2c ? READ : 0;
        s->sent = 0;
        s->sts |= HOST_BUSY;
        move_byte(s, n);
        return;
    }
    for (u32 i = 0; i < s->d0; i++) {
        if (read) {
            s->block[i] = next_byte(s, n);
        } else {
            store_byte(s, n, s->block[i]);
        }
    }
    s->at = 0;
    end(s, INTR);
}

static void run_byte(Smbus *s, int n)
{
    if (s->addr & READ) {
        s->d0 = next_byte(s, n);
    } else {
        s->offset[n] = s->cmd;
    }
    end(s, INTR);
}

/* One or two bytes at an offset. */
static void run_data(Smbus *s, int n, bool word)
{
    u8 *data[] = { &s->d0, &s->d1 };

    s->offset[n] = s->cmd;
    for (u32 i = 0; i <= word; i++) {
        if (s->addr & READ) {
            *data[i] = next_byte(s, n);
        } else {
            store_byte(s, n, *data[i]);
        }
    }
    end(s, INTR);
}

static void transfer(Smbus *s)
{
    int n = addressed(s);

    if (n < 0) {
        end(s, DEV_ERR);
        return;
    }
    switch (protocol(s)) {
    case QUICK:     end(s, INTR); break;
    case BYTE:      run_byte(s, n); break;
    case BYTE_DATA: run_data(s, n, false); break;
    case WORD_DATA: run_data(s, n, true); break;
    case BLOCK:     run_block(s, n); break;
    case I2C_READ:
        if (s->ich9) {
            run_block(s, n);
            break;
        }
        /* fallthrough */
    default:        end(s, DEV_ERR); break;
    }
}

/* ---- registers ---------------------------------------------------------- */

static void write_cnt(Smbus *s, u8 v)
{
    s->cnt = (u8)(v & ~START);
    if (v & KILL) {
        end(s, FAILED);
    } else if (v & START && !(s->sts & HOST_BUSY)) {
        transfer(s);
    }
}

static void write_sts(Smbus *s, u8 v)
{
    bool seen = v & s->sts & BYTE_DONE;

    s->sts &= (u8)~(v & (CAUSES | INUSE));
    if (seen && s->sts & HOST_BUSY) {
        byte_seen(s);
    }
}

static u8 *block_byte(Smbus *s)
{
    return buffered(s) ? &s->block[s->at++ % SMBUS_BLOCK] : &s->block[0];
}

u8 smbus_read(void *smbus, u64 at)
{
    Smbus *s = smbus;
    u8 sts = s->sts;

    switch (at) {
    case HST_STS:
        s->sts |= s->ich9 ? INUSE : 0;  /* who reads it first has the bus */
        return sts;
    case HST_CNT:
        s->at = 0;
        return s->cnt;
    case HST_CMD:   return s->cmd;
    case XMIT_SLVA: return s->addr;
    case HST_D0:    return s->d0;
    case HST_D1:    return s->d1;
    case BLOCK_DB:  return *block_byte(s);
    case PEC:       return s->pec;
    case AUX_STS:   return s->aux_sts;
    case AUX_CTL:   return s->aux_ctl;
    default:        return 0;
    }
}

void smbus_write(void *smbus, u64 at, u8 v)
{
    Smbus *s = smbus;

    switch (at) {
    case HST_STS:   write_sts(s, v); break;
    case HST_CNT:   write_cnt(s, v); break;
    case HST_CMD:   s->cmd = v; break;
    case XMIT_SLVA: s->addr = v; break;
    case HST_D0:    s->d0 = v; break;
    case HST_D1:    s->d1 = v; break;
    case BLOCK_DB:  *block_byte(s) = v; break;
    case PEC:       s->pec = s->ich9 ? v : 0; break;
    case AUX_CTL:   s->aux_ctl = s->ich9 ? v & (AUX_CRC | AUX_E32B) : 0; break;
    default:        break;
    }
}

bool smbus_due(const Smbus *s)
{
    return s->cnt & INTREN && s->sts & CAUSES;
}

bool smbus_loaded(const Smbus *s)
{
    return !(s->aux_ctl & ~(AUX_CRC | AUX_E32B));
}
