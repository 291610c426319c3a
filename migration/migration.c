/* SPDX-License-Identifier: MIT */
/*
 * The course of a migration, out and in; see include/migration/migration.h.
 *
 * A thread of its own moves bytes.  What touches the machine (stopping it,
 * its devices' state) the thread has done by the main thread and waits for.
 * While the machine runs, memory is sent in passes, each of what was written
 * during the one before, until what is left takes less than the downtime
 * limit; then the machine stops and the rest goes.
 */
#include <errno.h>
#include <stdio.h>
#include "accel/accel.h"
#include "block/block.h"
#include "migration/state.h"
#include "softmmu/clock.h"
#include "softmmu/run.h"

struct Migration {
    MigrationSettings settings;
    Machine *machine;
    Channel  channel;
    Stream   stream;
    RamOut   out;
    char    *uri;
    Err      err;               /* of the thread */
    char    *error;             /* of the last that failed */
    GPtrArray *rams;            /* RamSend */
    GByteArray *description;    /* of the machine, to be sent */
    GPtrArray *kept;            /* Kept: to be sent, or received */
    bool     incoming, live, autostart;
    RunState was;               /* before it was stopped */
    bool     stopped;           /* by us */
    MigrationStatus status;     /* atomic */
    u32      cancel;            /* atomic */
    /* Times in monotonic microseconds; 0: not yet. */
    i64      began, set_up, stopped_at, ended;
    u64      total, left, passes, dirty_rate, bandwidth, pass_bytes;
    i64      pass_began;
    /* What the main thread does for this one. */
    GMutex   lock;
    GCond    done_cond;
};

static Migration *migration(const Machine *machine)
{
    Machine *m = (Machine *)machine;

    if (!m->migration) {
        Migration *g = m->migration = g_new0(Migration, 1);
        g->machine = m;
        g->settings = (MigrationSettings) {
            .downtime_limit = 300, .compress_level = 1,
        };
        g->channel = (Channel) { .fd = -1, .listener = -1 };
        g_mutex_init(&g->lock);
        g_cond_init(&g->done_cond);
    }
    return m->migration;
}

MigrationSettings *migration_settings(Machine *m)
{
    return &migration(m)->settings;
}

const char *migration_status_name(MigrationStatus status)
{
    static const char *const names[] = {
        [MIGRATION_NONE] = "none", [MIGRATION_SETUP] = "setup",
        [MIGRATION_ACTIVE] = "active", [MIGRATION_DEVICE] = "device",
        [MIGRATION_COMPLETED] = "completed", [MIGRATION_FAILED] = "failed",
        [MIGRATION_CANCELLING] = "cancelling",
        [MIGRATION_CANCELLED] = "cancelled",
    };

    return names[status];
}

static MigrationStatus status_of(const Migration *g)
{
    return __atomic_load_n(&g->status, __ATOMIC_SEQ_CST);
}

bool migration_running(const Machine *m)
{
    MigrationStatus s = m->migration ? status_of(m->migration)
                                     : MIGRATION_NONE;

    return s == MIGRATION_SETUP || s == MIGRATION_ACTIVE
        || s == MIGRATION_DEVICE || s == MIGRATION_CANCELLING;
}

/* With the machine lock. */
static void set_status(Migration *g, MigrationStatus status)
{
    __atomic_store_n(&g->status, status, __ATOMIC_SEQ_CST);
    if (g->settings.events) {
        Json *data = json_object();
        json_add_str(data, "status", migration_status_name(status));
        machine_event(g->machine, "MIGRATION", data);
    }
}

/* The thread goes on to the next status, unless it is cancelled. */
static void advance(Migration *g, MigrationStatus status)
{
    machine_lock();
    if (status_of(g) != MIGRATION_CANCELLING) {
        set_status(g, status);
    }
    machine_unlock();
}

static u64 ms_between(i64 from, i64 to)
{
    to = to ? to : g_get_monotonic_time();
    return from ? (u64)(to - from) / 1000 : 0;
}

void migration_info(Machine *m, MigrationInfo *out)
{
    const Migration *g = migration(m);
    MigrationStatus status = status_of(g);

    *out = (MigrationInfo) {
        .status = status, .incoming = g->incoming, .error = g->error,
        .total_ms = ms_between(g->began, g->ended),
        .setup_ms = g->set_up ? ms_between(g->began, g->set_up) : 0,
        .downtime_ms = g->stopped_at ? ms_between(g->stopped_at, g->ended) : 0,
        .transferred = g->stream.bytes, .total = g->total,
        .remaining = status == MIGRATION_COMPLETED ? 0 : g->left,
        .pages = g->out.stats.pages, .zero_pages = g->out.stats.zero_pages,
        .passes = g->passes, .dirty_rate = g->dirty_rate,
        .bandwidth = g->bandwidth,
    };
    out->expected_downtime_ms = g->bandwidth
        ? out->remaining * 1000 / g->bandwidth : g->settings.downtime_limit;
}

/* ---- what the main thread does for the other ---------------------------- */

typedef struct Job {
    Migration *g;
    void     (*fn)(Migration *g);
    bool       done;            /* under g->lock */
} Job;

static gboolean do_job(void *opaque)
{
    Job *j = opaque;
    Migration *g = j->g;

    j->fn(g);
    g_mutex_lock(&g->lock);
    j->done = true;
    g_cond_broadcast(&g->done_cond);
    g_mutex_unlock(&g->lock);
    return G_SOURCE_REMOVE;
}

/* The thread of one that ended may still wait while that of the next does. */
static void on_main_thread(Migration *g, void (*fn)(Migration *g))
{
    Job j = { g, fn, false };

    g_idle_add_full(G_PRIORITY_DEFAULT, do_job, &j, NULL);
    g_mutex_lock(&g->lock);
    while (!j.done) {
        g_cond_wait(&g->done_cond, &g->lock);
    }
    g_mutex_unlock(&g->lock);
}

/* ---- out ---------------------------------------------------------------- */

static bool each_ram(Migration *g, bool (*send)(RamOut *, RamSend *, Err *))
{
    for (u32 i = 0; i < g->rams->len; i++) {
        if (!send(&g->out, g->rams->pdata[i], &g->err)) {
            return false;
        }
    }
    return true;
}

static void track(Migration *g, bool on)
{
    const Accel *a = g->machine->accel;

    for (u32 i = 0; g->live && i < g->rams->len; i++) {
        ram_track(((RamSend *)g->rams->pdata[i])->ram, on);
    }
    if (g->live) {
        a->track(g->machine, on ? TRACK_ON : TRACK_OFF);
    }
}

/* What was written since the last time is due; how many bytes. */
static u64 collect(Migration *g)
{
    const Accel *a = g->machine->accel;
    u64 pages = 0;

    a->track(g->machine, TRACK_COLLECT);
    for (u32 i = 0; i < g->rams->len; i++) {
        pages += ram_collect(g->rams->pdata[i]);
    }
    a->track(g->machine, TRACK_CLEARED);
    return pages * GUEST_PAGE;
}

/* Sleeps as long as we are faster than is wanted. */
static bool throttle(void *opaque, Err *err)
{
    Migration *g = opaque;
    u64 limit = g->settings.max_bandwidth;
    u64 sent = g->stream.bytes - g->pass_bytes;

    while (limit && !g->stopped
           && (double)sent * G_USEC_PER_SEC
              > (double)limit * (double)(g_get_monotonic_time()
                                         - g->pass_began)) {
        if (__atomic_load_n(&g->cancel, __ATOMIC_SEQ_CST)) {
            return fail(err, "it was cancelled");
        }
        g_usleep(1000);
    }
    return true;
}

static void begin_pass(Migration *g)
{
    g->pass_began = g_get_monotonic_time();
    g->pass_bytes = g->stream.bytes;
    g->passes++;
}

static void end_pass(Migration *g)
{
    u64 us = (u64)MAX(g_get_monotonic_time() - g->pass_began, 1);
    u64 sent = g->stream.bytes - g->pass_bytes;

    g->bandwidth = MAX((u64)((double)sent * G_USEC_PER_SEC / (double)us), 1);
    g->left = collect(g);
    g->dirty_rate = g->left / GUEST_PAGE * G_USEC_PER_SEC / us;
}

static bool may_stop(const Migration *g)
{
    return (double)g->left * 1000
        <= (double)g->bandwidth * (double)g->settings.downtime_limit;
}

/* Memory, while the machine runs. */
static bool send_live(Migration *g)
{
    track(g, true);
    begin_pass(g);
    if (!each_ram(g, ram_send_all)) {
        return false;
    }
    end_pass(g);
    while (!may_stop(g)) {
        begin_pass(g);
        if (!each_ram(g, ram_send_due) || !stream_flush(&g->stream, &g->err)) {
            return false;
        }
        end_pass(g);
    }
    return true;
}

/* Main thread. */
static void stop_and_save(Migration *g)
{
    Machine *m = g->machine;

    if (status_of(g) == MIGRATION_CANCELLING) {
        fail(&g->err, "it was cancelled");
        return;
    }
    machine_settle(m);
    g->was = m->state;
    g->stopped_at = g_get_monotonic_time();
    machine_pause(m, RUN_FINISH_MIGRATE);
    machine_settle(m);
    m->state = RUN_FINISH_MIGRATE;
    g->stopped = true;
    clock_step(0);              /* what is due is not left for the other */
    block_drain_all();
    block_flush_all();
    block_leave();
    g->kept = state_save(m, g->was);
    set_status(g, MIGRATION_DEVICE);
}

static bool send_kept(Migration *g)
{
    for (u32 i = 0; i < g->kept->len; i++) {
        const Kept *k = g->kept->pdata[i];
        if (!stream_put(&g->stream, k->kind, k->name, k->data->data,
                        k->data->len, &g->err)) {
            return false;
        }
    }
    return stream_put(&g->stream, SECTION_END, "end", NULL, 0, &g->err)
        && stream_flush(&g->stream, &g->err);
}

static bool send_all(Migration *g)
{
    if (!channel_connect(&g->channel, g->uri, &g->err)
        || !stream_begin(&g->stream, &g->err)
        || !stream_put(&g->stream, SECTION_MACHINE, g->machine->board->name,
                       g->description->data, g->description->len, &g->err)) {
        return false;
    }
    g->set_up = g_get_monotonic_time();
    advance(g, MIGRATION_ACTIVE);
    if (g->live && !send_live(g)) {
        return false;
    }
    on_main_thread(g, stop_and_save);
    if (g->err.text[0]) {
        return false;
    }
    if (g->live) {
        collect(g);
    }
    begin_pass(g);
    return each_ram(g, g->live ? ram_send_due : ram_send_all) && send_kept(g);
}

static bool ran(RunState s) { return s == RUN_RUNNING || s == RUN_SUSPENDED; }

static void let_go(Migration *g)
{
    g_clear_pointer(&g->rams, g_ptr_array_unref);
    g_clear_pointer(&g->kept, g_ptr_array_unref);
    g_clear_pointer(&g->description, g_byte_array_unref);
    stream_free(&g->stream);
}

/* Main thread. */
static void finish_sending(Migration *g)
{
    Machine *m = g->machine;
    bool cancelled = status_of(g) == MIGRATION_CANCELLING;
    bool ok = !g->err.text[0];

    g->ended = g_get_monotonic_time();
    if (g->stopped && !ok && !block_take(&g->err)) {
        fprintf(stderr, "anole: migration: %s\n", g->err.text);
        g->was = RUN_PAUSED;
    }
    if (g->stopped) {
        m->state = ok ? RUN_POSTMIGRATE : ran(g->was) ? RUN_PAUSED : g->was;
        if (!ok && ran(g->was)) {
            machine_start(m);
        }
    }
    if (!ok && !cancelled) {
        g->error = g_strdup(g->err.text);
    }
    let_go(g);
    set_status(g, ok ? MIGRATION_COMPLETED : cancelled ? MIGRATION_CANCELLED
                                                       : MIGRATION_FAILED);
}

static void *send_thread(void *opaque)
{
    Migration *g = opaque;
    bool ok = send_all(g);

    track(g, false);
    channel_close(&g->channel, ok ? &g->err : &(Err) { 0 });
    on_main_thread(g, finish_sending);
    return NULL;
}

static void begin(Migration *g, const char *uri)
{
    g_free(g->uri);
    g->uri = g_strdup(uri);
    g->err = (Err) { 0 };
    g_clear_pointer(&g->error, g_free);
    g->cancel = 0;
    g->channel = (Channel) { .fd = -1, .listener = -1, .cancel = &g->cancel };
    g->stream = (Stream) { .channel = &g->channel };
    g->out = (RamOut) {
        .stream = &g->stream, .progress = throttle, .opaque = g,
        .level = g->settings.compress ? (u32)g->settings.compress_level : 0,
    };
    g->began = g_get_monotonic_time();
    g->set_up = g->stopped_at = g->ended = 0;
    g->total = g->left = g->passes = g->dirty_rate = g->bandwidth = 0;
    g->stopped = false;
    g->rams = rams_list();
    for (u32 i = 0; i < g->rams->len; i++) {
        g->total += ((RamSend *)g->rams->pdata[i])->ram->size;
    }
    g->left = g->total;
}

/* The temporary file ends with this process; what is in it would be lost. */
static void find_overlay(void *opaque, Block *b)
{
    const Block **found = opaque;

    if (block_claimed(b) && block_temporary(b)) {
        *found = b;
    }
}

bool migration_start(Machine *m, const char *uri, int fd, Err *err)
{
    Migration *g = migration(m);
    const Block *overlay = NULL;

    block_each(find_overlay, &overlay);
    if (migration_running(m)) {
        return fail(err, "There's a migration process in progress");
    }
    if (m->state == RUN_INMIGRATE) {
        return fail(err, "Guest is waiting for an incoming migration");
    }
    if (overlay) {
        return fail(err, "disk \"%s\" has snapshot=on: what the guest wrote to "
                    "it goes with this process", block_id(overlay));
    }
    begin(g, uri);
    g->incoming = false;
    g->live = m->state == RUN_RUNNING && m->accel->track;
    if (!channel_open(&g->channel, uri, fd, true, err)) {
        let_go(g);
        return false;
    }
    g->description = state_describe(m);
    set_status(g, MIGRATION_SETUP);
    g_thread_unref(g_thread_new("migration", send_thread, g));
    return true;
}

void migration_cancel(Machine *m)
{
    Migration *g = migration(m);

    if (migration_running(m) && !g->incoming) {
        set_status(g, MIGRATION_CANCELLING);
        __atomic_store_n(&g->cancel, 1, __ATOMIC_SEQ_CST);
    }
}

/* ---- in ----------------------------------------------------------------- */

static bool check_machine(Migration *g, const Section *x)
{
    bool ok;

    machine_lock();
    ok = state_fits(g->machine, x, &g->err);
    for (u32 i = 0; ok && i < g->rams->len; i++) {
        ram_clear(((RamSend *)g->rams->pdata[i])->ram);
    }
    machine_unlock();
    return ok;
}

static bool receive_sections(Migration *g)
{
    Section x;

    if (!stream_get(&g->stream, &x, &g->err)) {
        return false;
    }
    if (x.kind != SECTION_MACHINE) {
        return fail(&g->err, "it does not begin with the machine");
    }
    return check_machine(g, &x)
        && state_receive(&g->stream, g->rams, g->kept, &g->err);
}

/* Main thread. */
static void lose(Migration *g)
{
    Machine *m = g->machine;

    g->error = g_strdup(g->err.text);
    g->ended = g_get_monotonic_time();
    set_status(g, MIGRATION_FAILED);
    fprintf(stderr, "anole: -incoming %s: %s\n", g->uri, g->err.text);
    m->exit_code = 1;
    m->no_shutdown = false;
    machine_shutdown(m, SHUTDOWN_ERROR);
}

/* Main thread. */
static void finish_receiving(Migration *g)
{
    Machine *m = g->machine;
    RunState was = RUN_PAUSED;

    if (g->err.text[0] || !block_take(&g->err)
        || !state_load(m, g->kept, &was, &g->err)) {
        let_go(g);
        lose(g);
        return;
    }
    let_go(g);
    g->ended = g_get_monotonic_time();
    set_status(g, MIGRATION_COMPLETED);
    m->state = ran(was) || was == RUN_INMIGRATE
            || was == RUN_FINISH_MIGRATE || was == RUN_POSTMIGRATE
        ? RUN_PAUSED : was;
    if (ran(was) && g->autostart) {
        machine_start(m);
    }
}

static void *receive_thread(void *opaque)
{
    Migration *g = opaque;
    Err ignored = { 0 };

    if (channel_connect(&g->channel, g->uri, &g->err)) {
        advance(g, MIGRATION_ACTIVE);
        if (stream_check(&g->stream, &g->err)) {
            receive_sections(g);
        }
    }
    channel_close(&g->channel, g->err.text[0] ? &ignored : &g->err);
    on_main_thread(g, finish_receiving);
    return NULL;
}

bool migration_receive(Machine *m, const char *uri, int fd, Err *err)
{
    Migration *g = migration(m);

    if (m->state != RUN_INMIGRATE || migration_running(m)) {
        return fail(err, "start with -incoming defer to receive later");
    }
    if (strcmp(uri, "defer") == 0) {
        return true;
    }
    begin(g, uri);
    g->incoming = true;
    g->kept = kept_new();
    if (!channel_open(&g->channel, uri, fd, false, err)) {
        let_go(g);
        return false;
    }
    set_status(g, MIGRATION_SETUP);
    g_thread_unref(g_thread_new("migration", receive_thread, g));
    return true;
}

void migration_autostart(Machine *m, bool yes)
{
    migration(m)->autostart = yes;
}
