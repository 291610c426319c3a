/* SPDX-License-Identifier: MIT */
/* Kernels, initial RAM disks and firmware from files into guest memory. */
#pragma once
#include "softmmu/machine.h"

typedef struct Blob {
    u8    *data;                /* g_malloc'ed */
    size_t size;
} Blob;

typedef struct Loaded {
    u64  entry;                 /* where to start */
    u64  low, high;             /* guest physical bytes taken: [low, high) */
    bool linux_image;           /* wants the Linux boot protocol */
} Loaded;

/* Reads a whole file; gzip is unpacked.  what: "-kernel" for the error. */
bool blob_read(const char *path, const char *what, Blob *b, Err *err);
void blob_free(Blob *b);
/* A firmware file: a path, or a name in a folder of -L or the system's. */
bool firmware_read(const Machine *m, const char *name, Blob *b, Err *err);
/*
 * An arm64 Image, or a 64-bit little-endian ELF for `machine` (EM_*), put
 * into m->mem; an Image goes to ram + its text offset.
 */
bool load_kernel(Machine *m, const Blob *b, const char *path, u64 ram,
                 u16 machine, Loaded *out, Err *err);
