/* SPDX-License-Identifier: MIT */
/* Kernels, initial RAM disks and firmware from files into guest memory. */
#pragma once
#include "softmmu/machine.h"

/* A file's contents. */
typedef struct Blob {
    u8    *data;                /* g_malloc'ed; NULL: none */
    size_t size;
    char  *name;                /* "-kernel PATH", for errors */
} Blob;

typedef struct Loaded {
    u64  entry;                 /* where to start */
    u64  low, high;             /* guest physical bytes taken: [low, high) */
    bool linux_image;           /* wants the Linux boot protocol */
    u8   word;                  /* of an ELF file: 32 or 64 bits, */
    bool big_endian;            /*   and its byte order */
} Loaded;

/* Reads a whole file.  what: "-kernel", for errors. */
bool blob_read(const char *path, const char *what, Blob *b, Err *err);
void blob_free(Blob *b);
/* Lets go of the contents; size and name stay. */
void blob_drop(Blob *b);
/* A firmware file: a path, or a name in a folder of -L or the system's. */
bool firmware_read(const Machine *m, const char *name, Blob *b, Err *err);
/*
 * Puts a kernel into m->mem: an arm64 Image, which goes to ram + its text
 * offset, or an ELF file for `machine` (EM_*); either may be gzipped.
 */
bool load_kernel(Machine *m, const Blob *b, u64 ram, u16 machine, Loaded *out,
                 Err *err);
