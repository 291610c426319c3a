/* SPDX-License-Identifier: MIT */
/*
 * Writing device trees: libfdt with the forms that boards need.
 *
 * A node is libfdt's offset; adding a node or property moves later ones.  A
 * new node comes before its elder siblings.  The blob must have room.
 */
#pragma once
#include <libfdt.h>
#include "util/types.h"

/* "name@at" below parent. */
int  fdt_node_at(void *fdt, int parent, const char *name, u64 at);
/* A property of n 32-bit cells, at most 64. */
void fdt_cells(void *fdt, int node, const char *name, const u32 *v, u32 n);
#define FDT_CELLS(fdt, node, name, ...)                                     \
    fdt_cells(fdt, node, name, (const u32[]) { __VA_ARGS__ },               \
              sizeof((const u32[]) { __VA_ARGS__ }) / 4)
/* "reg" of one range, two cells each for address and size. */
void fdt_reg(void *fdt, int node, u64 at, u64 size);
/* A list of strings, "a\0b": `size` is that of the literal. */
void fdt_strings(void *fdt, int node, const char *name, const char *list,
                 size_t size);
/* "compatible" as DeviceType.compatible has it: "a;b" is two strings. */
void fdt_compatible(void *fdt, int node, const char *list);
/* A property without a value. */
void fdt_flag(void *fdt, int node, const char *name);
