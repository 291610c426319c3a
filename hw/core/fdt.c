/* SPDX-License-Identifier: MIT */
/* Device tree properties; see include/hw/core/fdt.h. */
#include <glib.h>
#include "hw/core/fdt.h"

enum { CELLS_MAX = 64 };

int fdt_node_at(void *fdt, int parent, const char *name, u64 at)
{
    g_autofree char *full = g_strdup_printf("%s@%llx", name,
                                            (unsigned long long)at);

    return fdt_add_subnode(fdt, parent, full);
}

void fdt_cells(void *fdt, int node, const char *name, const u32 *v, u32 n)
{
    u8 be[4 * CELLS_MAX];

    n = MIN(n, CELLS_MAX);
    for (u32 i = 0; i < n; i++) {
        store_be(be + 4 * i, 4, v[i]);
    }
    fdt_setprop(fdt, node, name, be, (int)(4 * n));
}

void fdt_reg(void *fdt, int node, u64 at, u64 size)
{
    FDT_CELLS(fdt, node, "reg", (u32)(at >> 32), (u32)at, (u32)(size >> 32),
              (u32)size);
}

void fdt_strings(void *fdt, int node, const char *name, const char *list,
                 size_t size)
{
    fdt_setprop(fdt, node, name, list, (int)size);
}

void fdt_compatible(void *fdt, int node, const char *list)
{
    g_autofree char *strings = g_strdup(list);
    size_t size = strlen(list) + 1;

    g_strdelimit(strings, ";", '\0');
    fdt_strings(fdt, node, "compatible", strings, size);
}

void fdt_flag(void *fdt, int node, const char *name)
{
    fdt_setprop(fdt, node, name, NULL, 0);
}
