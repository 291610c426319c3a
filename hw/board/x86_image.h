/* SPDX-License-Identifier: MIT */
/*
 * Kernels for x86 that are no Linux bzImage, as what goes into memory: by the
 * Multiboot specifications 0.6.96 and 2.0, and by PVH.
 */
#pragma once
#include "hw/core/loader.h"
#include "hw/misc/fw_cfg.h"

typedef enum X86ImageKind {
    IMAGE_NONE, IMAGE_MULTIBOOT, IMAGE_MULTIBOOT2, IMAGE_PVH
} X86ImageKind;

enum { X86_IMAGE_SEGMENTS = 32, X86_IMAGE_MODULES = 32 };

/* A stretch of the file, and zeros behind it. */
typedef struct X86Segment {
    u64 at, size;               /* in guest memory */
    u64 offset, in_file;
} X86Segment;

typedef struct X86Image {
    X86ImageKind kind;
    X86Segment seg[X86_IMAGE_SEGMENTS];
    u32  segs;
    u32  entry;
    Blob module[X86_IMAGE_MODULES];
    char *text[X86_IMAGE_MODULES];      /* what -initrd says of each */
    u32  modules;
} X86Image;

/* How the CPU enters: 32-bit flat protected mode, paging off. */
typedef struct X86Entry {
    u32 eip, eax, ebx, esi;
} X86Entry;

/* Everything that goes into memory, in one piece. */
typedef struct X86Loaded {
    u8  *data;                  /* g_malloc'ed */
    u64  at, size;
    X86Entry entry;
} X86Loaded;

/*
 * Finds out what the file is: kind IMAGE_NONE with true: none of these.
 * False: it is one, with something wrong.  initrd: of -initrd, "FILE
 * ARGUMENTS,FILE ..." but for PVH, which has one file; or NULL.
 */
bool x86_image_read(const Blob *b, const char *initrd, X86Image *image,
                    Err *err);
/* What x86_image_build() needs to know of the machine. */
typedef struct X86ImageBoard {
    const char *append;         /* or NULL */
    const FwCfgE820 *map;
    u32  rows;
    u64  end;                   /* of RAM that may be used */
    u64  rsdp;                  /* 0: unknown */
} X86ImageBoard;
bool x86_image_build(const Blob *b, const X86Image *image,
                     const X86ImageBoard *on, X86Loaded *out, Err *err);
void x86_image_free(X86Image *image);
