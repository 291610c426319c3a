/* SPDX-License-Identifier: MIT */
/* The human monitor's commands of snapshots. */
#include "migration/migration.h"
#include "monitor/hmp.h"

typedef bool Doing(Machine *m, const SnapshotWant *w, Err *err);

static void run(Hmp *h, Doing *what, const char *name)
{
    g_autoptr(GPtrArray) disks = snapshot_disks();
    SnapshotWant w = { .name = name, .disks = disks, .replace = true };
    Err err = { 0 };

    if (!what(h->m, &w, &err)) {
        fprintf(h->out, "Error: %s\n", err.text);
    }
}

void hmp_savevm(Hmp *h, const char *args)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *name = *args ? g_strdup(args)
        : g_date_time_format(now, "vm-%Y%m%d%H%M%S");

    run(h, snapshot_save, name);
}

static void run_named(Hmp *h, Doing *what, const char *name)
{
    if (*name) {
        run(h, what, name);
    } else {
        fprintf(h->out, "Error: which one? `info snapshots` lists them\n");
    }
}

void hmp_loadvm(Hmp *h, const char *args)
{
    run_named(h, snapshot_load, args);
}

void hmp_delvm(Hmp *h, const char *args)
{
    run_named(h, snapshot_delete, args);
}

/* ---- info snapshots ----------------------------------------------------- */

/* Of 1024: "1.09 MiB". */
static char *size_text(u64 bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double v = (double)bytes;
    u32 i = 0;

    while (v >= 1000 && i + 1 < countof(units)) {
        v /= 1024;
        i++;
    }
    return g_strdup_printf("%.3g %s", v, units[i]);
}

static void print_one(FILE *f, const BlockSnapshot *s, const char *id)
{
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_local((i64)s->seconds);
    g_autofree char *date = g_date_time_format(t, "%Y-%m-%d %H:%M:%S");
    g_autofree char *size = size_text(s->state_bytes);
    u64 seconds = s->vm_clock / 1000000000;

    fprintf(f, "%-9s %-16s %8s %20s %02u:%02u:%02u.%03u\n", id, s->name, size,
            date, (u32)(seconds / 3600), (u32)(seconds / 60 % 60),
            (u32)(seconds % 60), (u32)(s->vm_clock / 1000000 % 1000));
}

static bool everywhere(const GPtrArray *disks, const char *name)
{
    BlockSnapshot s;
    bool state = false;

    for (u32 i = 0; i < disks->len; i++) {
        if (!block_snapshot_find(disks->pdata[i], name, &s)) {
            return false;
        }
        state |= s.state_bytes != 0;
    }
    return state;
}

/* Those of disk b that loadvm takes, or those that it does not. */
static bool print_list(Hmp *h, const GPtrArray *disks, const Block *b,
                       bool whole)
{
    g_autofree char *head = whole
        ? g_strdup("List of snapshots present on all disks:")
        : g_strdup_printf("List of partial (non-loadable) snapshots on '%s':",
                          block_id(b));
    bool any = false;
    BlockSnapshot s;

    for (u32 i = 0; block_snapshot(b, i, &s); i++) {
        if (everywhere(disks, s.name) != whole) {
            continue;
        }
        if (!any) {
            fprintf(h->out, "%s\nID        TAG               VM SIZE          "
                    "      DATE     VM CLOCK\n", head);
        }
        print_one(h->out, &s, whole ? "--" : s.id);
        any = true;
    }
    return any;
}

void hmp_info_snapshots(Hmp *h, const char *args)
{
    g_autoptr(GPtrArray) disks = snapshot_disks();
    bool any = false;

    (void)args;
    for (u32 i = 0; i < disks->len; i++) {
        any |= i == 0 && print_list(h, disks, disks->pdata[i], true);
        any |= print_list(h, disks, disks->pdata[i], false);
    }
    if (!any) {
        fprintf(h->out, "There is no snapshot available.\n");
    }
}
