/* SPDX-License-Identifier: MIT */
/* The list of break- and watchpoints, the same on every CPU of a machine. */
#include "accel/accel.h"

/* The machine is paused: no CPU looks at the lists meanwhile. */
static void changed(Machine *m)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        m->accel->debug_changed(m->cpu[i]);
    }
}

bool debug_insert(Machine *m, const Break *b)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        Cpu *c = m->cpu[i];
        if (!c->debug) {
            c->debug = g_new0(CpuDebug, 1);
            c->debug->breaks = g_array_new(false, false, sizeof(Break));
        }
        g_array_append_val(c->debug->breaks, *b);
    }
    if (m->accel->debug_fits && m->ncpus && !m->accel->debug_fits(m->cpu[0])) {
        debug_remove(m, b);
        return false;
    }
    changed(m);
    return true;
}

static bool same(const Break *a, const Break *b)
{
    return a->kind == b->kind && a->addr == b->addr && a->len == b->len;
}

bool debug_remove(Machine *m, const Break *b)
{
    bool found = false;

    for (u32 i = 0; i < m->ncpus; i++) {
        GArray *all = m->cpu[i]->debug ? m->cpu[i]->debug->breaks : NULL;
        for (u32 k = 0; all && k < all->len; k++) {
            if (same(&g_array_index(all, Break, k), b)) {
                g_array_remove_index(all, k);
                found = true;
                break;
            }
        }
    }
    changed(m);
    return found;
}
