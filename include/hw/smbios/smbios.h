/* SPDX-License-Identifier: MIT */
/* SMBIOS tables of a PC: what dmidecode shows, for firmware and kernels. */
#pragma once
#include <glib.h>
#include "hw/core/device.h"

/* Texts may be NULL: a default, or not specified. */
typedef struct SmbiosBoard {
    bool v3;                    /* 3.0's entry point, else 2.8's */
    bool firmware;              /* there is one, and it tells of itself */
    const char *vendor, *product, *version, *serial;    /* of the system */
    const char *sku, *family;   /* and these */
    const u8 *uuid;             /* 16 bytes as written, big-endian; NULL */
    const char *cpu;            /* its model */
    u32  cpu_signature;         /* CPUID.1: EAX and EDX */
    u32  cpu_features;
    u32  sockets, cores, threads;       /* cores a socket, threads a core */
    u64  low, high;             /* bytes of RAM below and from 4 GiB on */
} SmbiosBoard;

typedef struct SmbiosTables {
    GByteArray *anchor, *tables;
} SmbiosTables;

SmbiosTables *smbios_build(const SmbiosBoard *b);
void smbios_free(SmbiosTables *t);      /* NULL is fine */
/* Files etc/smbios/smbios-anchor and etc/smbios/smbios-tables. */
void smbios_to_fw_cfg(const SmbiosTables *t, Device *fw_cfg);
/*
 * Writes them to memory, for boards without firmware: the anchor to the
 * segment F0000H, at a multiple of 16.
 */
void smbios_load(const SmbiosTables *t, MemSpace *mem, u64 anchor_at,
                 u64 tables_at);
