/* SPDX-License-Identifier: MIT */
/* QMP's commands for disks: the drives and the images in them. */
#include <errno.h>
#include <stdio.h>
#include "hw/core/medium.h"
#include "monitor/qmp.h"
#include "monitor/qom.h"

/* The device that has b, by its properties; NULL: none. */
static Device *drive_of(const Machine *m, const Block *b)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        for (const Prop *p = d->type->props; p && p->name; p++) {
            if (p->kind == PROP_BLOCK
                && *(Block **)((u8 *)d + p->at) == b) {
                return d;
            }
        }
    }
    return NULL;
}

/* ---- query-block, query-named-block-nodes ------------------------------- */

static void add_snapshots(Json *j, const Block *b)
{
    Json *list = json_array();
    BlockSnapshot s;
    u32 n;

    for (n = 0; block_snapshot(b, n, &s); n++) {
        Json *k = json_add(list, NULL, json_object());
        json_add_str(k, "id", s.id);
        json_add_str(k, "name", s.name);
        json_add_u64(k, "vm-state-size", s.state_bytes);
        json_add_u64(k, "date-sec", s.seconds);
        json_add_u64(k, "date-nsec", s.ns);
        json_add_u64(k, "vm-clock-sec", s.vm_clock / 1000000000);
        json_add_u64(k, "vm-clock-nsec", s.vm_clock % 1000000000);
    }
    if (n) {
        json_add(j, "snapshots", list);
    } else {
        json_free(list);
    }
}

static void add_file(Json *j, const Block *b)
{
    const char *below = block_backing(b, 1);

    json_add_str(j, "filename", block_path(b));
    json_add_str(j, "format", block_format(b));
    json_add_u64(j, "virtual-size", block_size(b));
    json_add_u64(j, "actual-size", block_host_bytes(b));
    if (below) {
        json_add_str(j, "backing-filename", below);
    }
    add_snapshots(j, b);
}

static void add_image(Json *j, const Block *b)
{
    static const char *const limits[] = {
        "bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr",
        "write_threshold",
    };
    const char *zeroes = block_option(b, "detect-zeroes");
    const char *below = block_backing(b, 1);
    u32 depth = 0;
    Json *k;

    json_add_str(j, "file", block_path(b));
    json_add_str(j, "node-name", block_id(b));
    json_add_bool(j, "ro", block_readonly(b));
    json_add_str(j, "drv", block_format(b));
    while (block_backing(b, depth + 1)) {
        depth++;
    }
    json_add_u64(j, "backing_file_depth", depth);
    if (below) {
        json_add_str(j, "backing_file", below);
    }
    json_add_bool(j, "active", true);
    json_add_bool(j, "encrypted", false);
    json_add_str(j, "detect_zeroes", zeroes ? zeroes : "off");
    for (u32 i = 0; i < countof(limits); i++) {
        json_add_int(j, limits[i], 0);          /* there are none */
    }
    add_file(json_add(j, "image", json_object()), b);
    k = json_add(j, "cache", json_object());
    json_add_bool(k, "writeback", true);
    json_add_bool(k, "direct", block_direct(b));
    json_add_bool(k, "no-flush", block_unsafe(b));
}

typedef struct Listing {
    Machine *m;
    Json    *list;
} Listing;

/* What -drive called it; "" for -blockdev, of which the drive is the name. */
static const char *drive_name(const Block *b)
{
    return block_option(b, "node-name") ? "" : block_id(b);
}

static void add_names(Json *j, const char *name, const Device *drive)
{
    json_add_str(j, "device", name);
    if (drive) {
        g_autofree char *qdev = device_qdev(drive);
        json_add_str(j, "qdev", qdev);
    }
}

/* A drive; disk: what is in it, or NULL; medium: NULL if that stays. */
static void add_drive(Json *list, const Device *d, const Block *disk,
                      const Medium *medium)
{
    Json *j = json_add(list, NULL, json_object());
    bool tray = medium && d && d->type->medium->tray;

    add_names(j, medium ? medium->name : drive_name(disk), d);
    if (!medium || tray) {
        json_add_str(j, "io-status", "ok");
    }
    json_add_str(j, "type", "unknown");
    json_add_bool(j, "removable", medium);
    json_add_bool(j, "locked", medium && medium->locked);
    if (disk) {
        add_image(json_add(j, "inserted", json_object()), disk);
    }
    if (tray) {
        json_add_bool(j, "tray_open", medium->open);
    }
}

/* Disks that stay where they are, and drives without a device. */
static void add_disk(void *opaque, Block *b)
{
    Listing *l = opaque;
    Device *d = drive_of(l->m, b);
    const char *user = block_user(b);
    const Medium none = { .name = (char *)block_id(b) };

    if (block_empty(b) && !user) {
        add_drive(l->list, NULL, NULL, &none);
    } else if (!block_empty(b) && !(d && device_medium(d))
               && (user || *drive_name(b))) {
        add_drive(l->list, d, b, NULL);
    }
}

void qmp_query_block(QmpCall *c)
{
    Listing l = { c->m, c->ret = json_array() };

    for (u32 i = 0; i < c->m->devices->len; i++) {
        Device *d = c->m->devices->pdata[i];
        const Medium *medium = device_medium(d);
        if (medium) {
            add_drive(c->ret, d, medium->disk, medium);
        }
    }
    block_each(add_disk, &l);
}

static void add_node(void *opaque, Block *b)
{
    if (block_empty(b)) {
        return;
    }
    add_image(json_add(opaque, NULL, json_object()), b);
}

void qmp_query_named_block_nodes(QmpCall *c)
{
    c->ret = json_array();
    block_each(add_node, c->ret);
}

/* ---- query-blockstats --------------------------------------------------- */

/* QMP's name of a kind of request, and those that count as it. */
typedef struct StatName {
    const char *name;
    u32         op[2];          /* BLOCK_OPS: none */
} StatName;

static const StatName stat_names[] = {
    { "rd", { BLOCK_READ, BLOCK_OPS } },
    { "wr", { BLOCK_WRITE, BLOCK_WRITE_FLUSH } },
    { "flush", { BLOCK_FLUSH, BLOCK_OPS } },
    { "unmap", { BLOCK_DISCARD, BLOCK_ZEROES } },
};

static u64 sum_of(const StatName *n, const u64 *counts)
{
    return counts[n->op[0]] + (n->op[1] != BLOCK_OPS ? counts[n->op[1]] : 0);
}

/* A member: what, of the requests of n. */
static void add_stat(Json *j, const StatName *n, const char *before,
                     const char *behind, u64 v)
{
    g_autofree char *name = g_strconcat(before, n->name, behind, NULL);

    json_add_u64(j, name, v);
}

static void add_stats(Json *j, const Block *b)
{
    const BlockCounts *k = block_counts(b);

    for (u32 i = 0; i < countof(stat_names); i++) {
        const StatName *n = &stat_names[i];
        add_stat(j, n, "", "_operations", sum_of(n, k->requests));
        add_stat(j, n, "", "_total_time_ns", sum_of(n, k->ns));
        add_stat(j, n, "failed_", "_operations", sum_of(n, k->failed));
        add_stat(j, n, "invalid_", "_operations", 0);
        if (n->op[0] != BLOCK_FLUSH) {
            add_stat(j, n, "", "_bytes", sum_of(n, k->bytes));
            add_stat(j, n, "", "_merged", 0);
        }
    }
    json_add_u64(j, "wr_highest_offset", k->highest);
    json_add_bool(j, "account_invalid", true);
    json_add_bool(j, "account_failed", true);
    json_add(j, "timed_stats", json_array());
}

static void add_drive_stats(void *opaque, Block *b)
{
    Listing *l = opaque;
    Device *d = drive_of(l->m, b);
    const Medium *medium = d ? device_medium(d) : NULL;

    if (block_empty(b)) {
        return;
    }
    Json *j = json_add(l->list, NULL, json_object());
    add_names(j, medium ? medium->name : drive_name(b), d);
    json_add_str(j, "node-name", block_id(b));
    add_stats(json_add(j, "stats", json_object()), b);
}

static void add_node_stats(void *opaque, Block *b)
{
    Listing *l = opaque;

    if (block_empty(b)) {
        return;
    }
    Json *j = json_add(l->list, NULL, json_object());
    json_add_str(j, "node-name", block_id(b));
    add_stats(json_add(j, "stats", json_object()), b);
}

void qmp_query_blockstats(QmpCall *c)
{
    Listing l = { c->m, c->ret = json_array() };

    block_each(json_bool(c->args, "query-nodes", false) ? add_node_stats
                                                        : add_drive_stats,
               &l);
}

/* ---- errors ------------------------------------------------------------- */

static void failed(void *opaque, Block *b, BlockOp op, int error)
{
    Machine *m = opaque;
    const Device *drive = drive_of(m, b);
    g_autofree char *path = drive ? device_path(drive) : g_strdup("");
    Json *j = json_object();

    json_add_str(j, "device", drive_name(b));
    json_add_str(j, "qom-path", path);
    json_add_str(j, "node-name", block_id(b));
    json_add_str(j, "operation", op == BLOCK_READ ? "read" : "write");
    json_add_str(j, "action", "report");
    json_add_bool(j, "nospace", error == -ENOSPC);
    json_add_str(j, "reason", g_strerror(-error));
    machine_event(m, "BLOCK_IO_ERROR", j);
}

void qmp_watch_disks(Machine *m)
{
    block_on_error(failed, m);
}
