/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of a machine: its state goes to the snapshot of one disk, and all
 * disks that it may write to make one with the same name.
 */
#include <stdio.h>
#include "accel/accel.h"
#include "migration/state.h"
#include "softmmu/clock.h"
#include "softmmu/run.h"

/* ---- which disks -------------------------------------------------------- */

static void list_disk(void *opaque, Block *b)
{
    if (!block_readonly(b) && (block_claimed(b) || block_can_snapshot(b))) {
        g_ptr_array_add(opaque, b);
    }
}

GPtrArray *snapshot_disks(void)
{
    GPtrArray *list = g_ptr_array_new();

    block_each(list_disk, list);
    return list;
}

static bool can_snapshot(const GPtrArray *disks, Err *err)
{
    for (u32 i = 0; i < disks->len; i++) {
        const Block *b = disks->pdata[i];
        const char *path = block_path(b), *format = block_format(b);
        if (!block_can_snapshot(b)) {
            return fail(err, "Device '%s' is writable but does not support "
                        "snapshots: %s is %s. Make it qcow2 (qemu-img convert "
                        "-O qcow2 %s %s.qcow2), or open it with readonly=on or "
                        "snapshot=on", block_id(b), path, format, path, path);
        }
    }
    return disks->len
        || fail(err, "No block device can accept snapshots: a disk that is "
                "qcow2 can, also one that no device has");
}

/* All of them have it. */
static bool all_have(const GPtrArray *disks, const char *name, Err *err)
{
    BlockSnapshot s;

    for (u32 i = 0; i < disks->len; i++) {
        if (!block_snapshot_find(disks->pdata[i], name, &s)) {
            return fail(err, "Snapshot '%s' does not exist in one or more "
                        "devices: disk \"%s\" (%s) lacks it", name,
                        block_id(disks->pdata[i]),
                        block_path(disks->pdata[i]));
        }
    }
    return true;
}

static bool may_begin(Machine *m, Err *err)
{
    return !(migration_running(m) || m->state == RUN_INMIGRATE)
        || fail(err, "There's a migration process in progress");
}

/* ---- a machine that stands still ---------------------------------------- */

static RunState stand_still(Machine *m)
{
    RunState was;

    machine_settle(m);
    was = m->state;
    machine_pause(m, RUN_FINISH_MIGRATE);
    machine_settle(m);
    m->state = RUN_FINISH_MIGRATE;
    clock_step(0);
    block_drain_all();
    block_flush_all();
    return was;
}

static void go_on(Machine *m, RunState was)
{
    bool ran = was == RUN_RUNNING || was == RUN_SUSPENDED;

    m->state = ran ? RUN_PAUSED : was;
    if (ran) {
        machine_start(m);
    }
}

/* ---- saving ------------------------------------------------------------- */

static bool no_limit(void *opaque, Err *err)
{
    (void)opaque, (void)err;
    return true;
}

static bool send_kept(Stream *s, const GPtrArray *kept, Err *err)
{
    for (u32 i = 0; i < kept->len; i++) {
        const Kept *k = kept->pdata[i];
        if (!stream_put(s, k->kind, k->name, k->data->data, k->data->len,
                        err)) {
            return false;
        }
    }
    return stream_put(s, SECTION_END, "end", NULL, 0, err)
        && stream_flush(s, err);
}

static bool send_state(Machine *m, RunState was, Stream *s, Err *err)
{
    RamOut out = { .stream = s, .progress = no_limit };
    g_autoptr(GPtrArray) rams = rams_list(), kept = state_save(m, was);
    g_autoptr(GByteArray) what = state_describe(m);

    if (!stream_begin(s, err)
        || !stream_put(s, SECTION_MACHINE, m->board->name, what->data,
                       what->len, err)) {
        return false;
    }
    for (u32 i = 0; i < rams->len; i++) {
        if (!ram_send_all(&out, rams->pdata[i], err)) {
            return false;
        }
    }
    return send_kept(s, kept, err);
}

/* How many bytes of state were written to the disk; 0 with *err. */
static u64 save_state(Machine *m, RunState was, Block *to, Err *err)
{
    u32 never = 0;
    Channel c = { .fd = -1, .listener = -1, .disk = to, .cancel = &never };
    Stream s = { .channel = &c };
    bool ok = send_state(m, was, &s, err);

    stream_free(&s);
    return ok ? c.at : 0;
}

static bool create_all(const SnapshotWant *w, const GPtrArray *disks, u64 bytes,
                       Err *err)
{
    i64 now = clock_now(CLOCK_HOST_NS);
    BlockSnapshot s = {
        .name = w->name, .seconds = (u64)now / 1000000000,
        .ns = (u32)(now % 1000000000),
        .vm_clock = (u64)clock_now(CLOCK_VIRTUAL_NS),
    };

    for (u32 i = 0; i < disks->len; i++) {
        s.state_bytes = disks->pdata[i] == w->state ? bytes : 0;
        if (!block_snapshot_create(disks->pdata[i], &s, err)) {
            return false;
        }
    }
    return true;
}

static bool remove_all(const GPtrArray *disks, const char *name, Err *err)
{
    BlockSnapshot s;

    for (u32 i = 0; i < disks->len; i++) {
        while (block_snapshot_find(disks->pdata[i], name, &s)) {
            if (!block_snapshot_remove(disks->pdata[i], s.id, err)) {
                return false;
            }
        }
    }
    return true;
}

bool snapshot_save(Machine *m, const SnapshotWant *w, Err *err)
{
    SnapshotWant want = *w;
    BlockSnapshot s;
    RunState was;
    u64 bytes;

    if (!may_begin(m, err) || !can_snapshot(w->disks, err)) {
        return false;
    }
    want.state = w->state ? w->state : w->disks->pdata[0];
    for (u32 i = 0; !w->replace && i < w->disks->len; i++) {
        if (block_snapshot_find(w->disks->pdata[i], w->name, &s)) {
            return fail(err, "Snapshot '%s' already exists in one or more "
                        "devices", w->name);
        }
    }
    was = stand_still(m);
    bytes = remove_all(w->disks, w->name, err)
        ? save_state(m, was, want.state, err) : 0;
    if (bytes) {
        create_all(&want, w->disks, bytes, err);
    }
    go_on(m, was);
    return !err->text[0];
}

/* ---- loading ------------------------------------------------------------ */

/* The disk whose snapshot of that name has a machine's state. */
static Block *state_disk(const SnapshotWant *w, BlockSnapshot *s, Err *err)
{
    for (u32 i = 0; i < w->disks->len; i++) {
        Block *b = w->disks->pdata[i];
        if ((!w->state || b == w->state)
            && block_snapshot_find(b, w->name, s) && s->state_bytes) {
            return b;
        }
    }
    fail(err, "Snapshot '%s' is of disks only; with the machine off, qemu-img "
         "snapshot -a %s goes back to it", w->name, w->name);
    return NULL;
}

static bool go_all(const SnapshotWant *w, Err *err)
{
    BlockSnapshot s;

    for (u32 i = 0; i < w->disks->len; i++) {
        if (!block_snapshot_find(w->disks->pdata[i], w->name, &s)
            || !block_snapshot_go(w->disks->pdata[i], s.id, err)) {
            return false;
        }
    }
    return true;
}

/* Disks, memory and devices become what they were then; or all is lost. */
static bool fill_machine(Machine *m, const SnapshotWant *w, Stream *from,
                         Err *err)
{
    g_autoptr(GPtrArray) rams = rams_list(), kept = kept_new();
    RunState then;

    if (!go_all(w, err)) {
        return false;
    }
    machine_reset(m);
    for (u32 i = 0; i < rams->len; i++) {
        ram_clear(((RamSend *)rams->pdata[i])->ram);
    }
    return state_receive(from, rams, kept, err)
        && state_load(m, kept, &then, err);
}

/* Only what fits this machine may change it. */
static bool load_from(Machine *m, const SnapshotWant *w, Stream *from,
                      Err *err)
{
    Section x;
    RunState was;
    bool ok;

    if (!stream_check(from, err) || !stream_get(from, &x, err)) {
        return false;
    }
    if (x.kind != SECTION_MACHINE) {
        return fail(err, "it does not begin with the machine");
    }
    if (!state_fits(m, &x, err)) {
        return false;
    }
    was = stand_still(m);
    ok = fill_machine(m, w, from, err);
    if (!ok) {
        machine_reset(m);
    }
    go_on(m, ok ? was : RUN_PRELAUNCH);
    return ok;
}

bool snapshot_load(Machine *m, const SnapshotWant *w, Err *err)
{
    u32 never = 0;
    BlockSnapshot s;
    Channel c = { .fd = -1, .listener = -1, .cancel = &never };
    Stream from = { .channel = &c };
    bool ok;

    if (!may_begin(m, err) || !can_snapshot(w->disks, err)
        || !all_have(w->disks, w->name, err)) {
        return false;
    }
    c.disk = state_disk(w, &s, err);
    if (!c.disk) {
        return false;
    }
    c.snapshot = g_strdup(s.id);
    c.end = s.state_bytes;
    ok = load_from(m, w, &from, err)
        || err_prefix(err, "Snapshot '%s'", w->name);
    stream_free(&from);
    g_free(c.snapshot);
    return ok;
}

bool snapshot_delete(Machine *m, const SnapshotWant *w, Err *err)
{
    RunState was;

    if (!may_begin(m, err) || !can_snapshot(w->disks, err)) {
        return false;
    }
    was = stand_still(m);
    remove_all(w->disks, w->name, err);
    go_on(m, was);
    return !err->text[0];
}
