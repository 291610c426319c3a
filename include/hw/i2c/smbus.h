/* SPDX-License-Identifier: MIT */
/*
 * The SMBus host controller that PIIX4 and ICH9 have, and on its bus the
 * serial EEPROMs of memory modules, at addresses 50H to 57H.  The PCI function
 * that it is part of places its ports.
 */
#pragma once
#include "hw/core/device.h"

enum { SMBUS_PORTS = 16, SMBUS_BLOCK = 32, EEPROMS = 8, EEPROM_BYTES = 256 };

typedef struct Smbus {
    bool ich9;                  /* with what ICH9 has in addition */
    u8   sts, cnt, cmd, addr, d0, d1, pec, aux_sts, aux_ctl;
    u8   block[SMBUS_BLOCK], at;/* the block, where the guest is in it */
    u8   sent;                  /* bytes of it that went byte by byte */
    u8   eeprom[EEPROMS * EEPROM_BYTES];
    u8   offset[EEPROMS];       /* where each reads on */
} Smbus;

#define SMBUS_FIELDS(T, f)                                                  \
    SAVE(T, f.sts), SAVE(T, f.cnt), SAVE(T, f.cmd), SAVE(T, f.addr),        \
    SAVE(T, f.d0), SAVE(T, f.d1), SAVE(T, f.pec), SAVE(T, f.aux_sts),       \
    SAVE(T, f.aux_ctl), SAVE(T, f.block), SAVE(T, f.at), SAVE(T, f.sent),   \
    SAVE(T, f.offset), KEEP_SAVE(T, f.eeprom)

/* Bytes of the controller's ports, 0 to 15: for bytewise_read(), _write(). */
u8   smbus_read(void *smbus, u64 at);
void smbus_write(void *smbus, u64 at, u8 v);
/* Does it want its interrupt? */
bool smbus_due(const Smbus *s);
/* Is what was loaded within bounds? */
bool smbus_loaded(const Smbus *s);
