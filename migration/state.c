/* SPDX-License-Identifier: MIT */
/* A machine's CPUs, devices and clock as sections; see migration/state.h. */
#include "accel/accel.h"
#include "hw/core/medium.h"
#include "migration/state.h"
#include "softmmu/clock.h"
#include "softmmu/options.h"
#include "target/target.h"

/* ---- what the machine is made of ---------------------------------------- */

/* A device's name in the stream: its id, numbered if others have it too. */
static char *device_name(const Machine *m, u32 n)
{
    const Device *d = m->devices->pdata[n];
    u32 same = 0;

    for (u32 i = 0; i < n; i++) {
        const Device *other = m->devices->pdata[i];
        same += strcmp(other->id, d->id) == 0;
    }
    return same ? g_strdup_printf("%.200s#%u", d->id, same)
                : g_strdup_printf("%.200s", d->id);
}

static char *cpu_name(u32 n)
{
    return g_strdup_printf("CPU %u", n);
}

static void put_u64(GByteArray *to, const char *name, u64 v)
{
    record_put(to, name, &v, 8, 1);
}

/* Disks that can be changed are described with their drives. */
typedef struct DiskList {
    const Machine *m;
    GByteArray    *to;
} DiskList;

static void describe_disk(void *opaque, Block *b)
{
    const DiskList *l = opaque;
    g_autofree char *name = g_strdup_printf("disk \"%.200s\"", block_id(b));
    const char *user = block_user(b);
    Device *d = user ? machine_find_device((Machine *)l->m, user) : NULL;

    if (user && !(d && device_medium(d))) {
        put_u64(l->to, name, block_size(b));
    }
}

static void describe_medium(Device *d, const char *name, GByteArray *to)
{
    const Medium *medium = device_medium(d);
    g_autofree char *row = g_strdup_printf("disk in device \"%s\"", name);

    if (medium) {
        put_u64(to, row, medium->disk ? block_size(medium->disk) : 0);
    }
}

static void describe_cpus(const Machine *m, GByteArray *to)
{
    const char *name;
    bool on;

    put_u64(to, "number of CPUs", m->ncpus);
    for (u32 n = 0; m->ncpus && m->target->feature
         && m->target->feature(m->cpu[0], n, &name, &on); n++) {
        g_autofree char *row = g_strdup_printf("CPU feature \"%s\"", name);
        put_u64(to, row, on);
    }
}

GByteArray *state_describe(Machine *m)
{
    GByteArray *to = g_byte_array_new();
    g_autoptr(GPtrArray) rams = rams_list();

    record_put_text(to, "machine", m->board->name);
    describe_cpus(m, to);
    for (u32 i = 0; i < rams->len; i++) {
        const RamSend *r = rams->pdata[i];
        g_autofree char *row = g_strdup_printf("memory \"%s\"", r->name);
        put_u64(to, row, r->ram->size);
    }
    for (u32 i = 0; i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        g_autofree char *name = device_name(m, i);
        g_autofree char *row = g_strdup_printf("device \"%s\"", name);
        record_put_text(to, row, d->type->name);
        describe_medium(m->devices->pdata[i], name, to);
    }
    block_each(describe_disk, &(DiskList) { m, to });
    return to;
}

/* A record's value for people. */
static char *value_of(const Record *r)
{
    return r->unit == 1 ? g_strndup((const char *)r->data, r->count)
         : r->count == 1 ? g_strdup_printf("%llu",
               (unsigned long long)record_number(r, 0)) : g_strdup("a list");
}

/* The record of that name; false: there is none, or no good one before it. */
static bool find_record(const u8 *p, const u8 *end, const char *name,
                        Record *r)
{
    Err err = { 0 };

    while (p < end && record_get(r, &p, end, &err)) {
        if (strcmp(r->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Is everything of `a` in `b`, and the same?  words: what is wrong if not. */
static bool within(const u8 *a, const u8 *a_end, const u8 *b, const u8 *b_end,
                   const char *words, Err *err)
{
    Record x, y;

    while (a < a_end) {
        if (!record_get(&x, &a, a_end, err)) {
            return false;
        }
        g_autofree char *v = value_of(&x);
        if (!find_record(b, b_end, x.name, &y)) {
            return fail(err, "%s (%s) %s", x.name, v, words);
        }
        g_autofree char *w = value_of(&y);
        if (strcmp(v, w) != 0) {
            return fail(err, "%s is %s in the stream and %s here; give the "
                        "options that the machine had which was saved",
                        x.name, v, w);
        }
    }
    return true;
}

bool state_fits(Machine *m, const Section *x, Err *err)
{
    g_autoptr(GByteArray) ours = state_describe(m);

    return within(x->data, x->data + x->len, ours->data,
                  ours->data + ours->len, "is in the stream and not in this "
                  "machine; give the options that the machine had which was "
                  "saved", err)
        && within(ours->data, ours->data + ours->len, x->data,
                  x->data + x->len, "is in this machine and not in the "
                  "stream; leave it out", err);
}

/* ---- saving ------------------------------------------------------------- */

static void free_kept(void *opaque)
{
    Kept *k = opaque;

    g_byte_array_unref(k->data);
    g_free(k);
}

GPtrArray *kept_new(void)
{
    return g_ptr_array_new_with_free_func(free_kept);
}

void kept_add(GPtrArray *to, SectionKind kind, const char *name,
              GByteArray *data)
{
    Kept *k = g_new0(Kept, 1);

    k->kind = kind;
    g_strlcpy(k->name, name, sizeof k->name);
    k->data = data;
    g_ptr_array_add(to, k);
}

/* Of all targets. */
static const Field cpu_fields[] = {
    SAVE(Cpu, halted), SAVE(Cpu, stop), SAVE(Cpu, lines), SAVE(Cpu, absent),
    { 0 }
};

static void save_cpu(Cpu *c, void *data)
{
    if (c->target->saving) {
        c->target->saving(c);
    }
    record_put_fields(data, cpu_fields, c);
    record_put_fields(data, c->target->state, c);
}

typedef struct MachineState {
    i64 clock;                  /* virtual ns */
    u32 was;                    /* RunState */
    bool suspended;
} MachineState;

static const Field machine_fields[] = {
    SAVE(MachineState, clock), SAVE(MachineState, was),
    SAVE(MachineState, suspended), { 0 }
};

GPtrArray *state_save(Machine *m, RunState was)
{
    MachineState s = { clock_now(CLOCK_VIRTUAL_NS), was, m->suspended };
    GByteArray *data = g_byte_array_new();
    GPtrArray *to = kept_new();

    record_put_fields(data, machine_fields, &s);
    kept_add(to, SECTION_STATE, "machine", data);
    for (u32 i = 0; i < m->ncpus; i++) {
        g_autofree char *name = cpu_name(i);
        data = g_byte_array_new();
        cpu_run_on(m->cpu[i], save_cpu, data, true);
        kept_add(to, SECTION_CPU, name, data);
    }
    for (u32 i = 0; i < m->devices->len; i++) {
        g_autofree char *name = device_name(m, i);
        data = g_byte_array_new();
        device_save(m->devices->pdata[i], data);
        kept_add(to, SECTION_DEVICE, name, data);
    }
    return to;
}

/* ---- loading ------------------------------------------------------------ */

/* Takes the section out; NULL with *err: there is none. */
static GByteArray *take(GPtrArray *from, SectionKind kind, const char *name,
                        Err *err)
{
    for (u32 i = 0; i < from->len; i++) {
        const Kept *k = from->pdata[i];
        if (k->kind == kind && strcmp(k->name, name) == 0) {
            GByteArray *data = g_byte_array_ref(k->data);
            g_ptr_array_remove_index(from, i);
            return data;
        }
    }
    fail(err, "the state of %s is not there", name);
    return NULL;
}

/* Fills the struct at base; each record of the tables has to be there once. */
static bool fill(const Field *const *tables, void *base, GByteArray *data,
                 Err *err)
{
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                             NULL);
    const u8 *p = data->data, *end = p + data->len;
    bool ok = true;
    Record r;

    while (ok && p < end) {
        bool known = false;
        ok = record_get(&r, &p, end, err);
        if (ok && !g_hash_table_add(seen, g_strdup(r.name))) {
            ok = fail(err, "\"%s\" is there twice", r.name);
        }
        for (u32 i = 0; ok && !known && tables[i]; i++) {
            ok = record_store(&r, tables[i], base, &known, err);
        }
        ok = ok && (known || fail(err, "there is no \"%s\" here", r.name));
    }
    for (u32 i = 0; ok && tables[i]; i++) {
        g_autofree char *lacks = record_missing(tables[i], seen);
        ok = !lacks || fail(err, "\"%s\" is not there", lacks);
    }
    g_hash_table_destroy(seen);
    return ok;
}

typedef struct LoadCpu {
    GByteArray *data;
    Err        *err;
    bool        ok;
} LoadCpu;

static void load_cpu(Cpu *c, void *opaque)
{
    LoadCpu *l = opaque;
    const Field *const tables[] = { cpu_fields, c->target->state, NULL };

    l->ok = fill(tables, c, l->data, l->err)
        && (c->stop <= CPU_OFF
            || fail(l->err, "\"stop\" is %u", (unsigned)c->stop))
        && (!c->target->loaded || c->target->loaded(c)
            || fail(l->err, "its registers hold what cannot be"));
}

static bool load_cpus(Machine *m, GPtrArray *from, Err *err)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        g_autofree char *name = cpu_name(i);
        LoadCpu l = { take(from, SECTION_CPU, name, err), err, false };
        if (l.data) {
            cpu_run_on(m->cpu[i], load_cpu, &l, true);
            g_byte_array_unref(l.data);
        }
        if (!l.ok) {
            return err_prefix(err, "%s", name);
        }
    }
    return true;
}

static bool fill_devices(Machine *m, GPtrArray *from, Err *err)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        g_autofree char *name = device_name(m, i);
        GByteArray *data = take(from, SECTION_DEVICE, name, err);
        bool ok = data && device_fill(m->devices->pdata[i], data->data,
                                      data->len, err);
        if (data) {
            g_byte_array_unref(data);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool load_machine(GPtrArray *from, MachineState *s, Err *err)
{
    const Field *const tables[] = { machine_fields, NULL };
    GByteArray *data = take(from, SECTION_STATE, "machine", err);
    bool ok = data && fill(tables, s, data, err);

    if (data) {
        g_byte_array_unref(data);
    }
    ok = ok && (s->was <= RUN_POSTMIGRATE
                || fail(err, "\"was\" is %u", s->was))
        && (s->clock >= 0 || fail(err, "\"clock\" is negative"));
    return ok || err_prefix(err, "machine");
}

/*
 * All are filled before any looks at what came in: then lines that are driven
 * anew find whoever they lead to as it was, and change nothing.
 */
bool state_load(Machine *m, GPtrArray *from, RunState *was, Err *err)
{
    MachineState s = { 0 };

    if (!load_machine(from, &s, err) || !fill_devices(m, from, err)) {
        return false;
    }
    clock_set(s.clock);
    if (!load_cpus(m, from, err)) {
        return false;
    }
    for (u32 i = 0; i < m->devices->len; i++) {
        device_drive(m->devices->pdata[i]);
    }
    for (u32 i = 0; i < m->devices->len; i++) {
        if (!device_loaded(m->devices->pdata[i], err)) {
            return false;
        }
    }
    for (u32 i = 0; i < m->ncpus; i++) {
        cpu_request(m->cpu[i], REQ_INTERRUPT);
    }
    if (from->len) {
        const Kept *k = from->pdata[0];
        return fail(err, "%s is in the stream and not here", k->name);
    }
    m->suspended = s.suspended;
    *was = (RunState)s.was;
    return true;
}

/* ---- from a stream ------------------------------------------------------ */

enum { KEPT_BYTES = 256 << 20 };        /* of all sections but memory */

static bool keep_section(GPtrArray *kept, const Section *x, u64 *bytes,
                         Err *err)
{
    GByteArray *data = g_byte_array_new();

    *bytes += x->len;
    g_byte_array_append(data, x->data, x->len);
    kept_add(kept, x->kind, x->name, data);
    return *bytes <= KEPT_BYTES
        || fail(err, "it has too much state of devices");
}

bool state_receive(Stream *s, GPtrArray *rams, GPtrArray *kept, Err *err)
{
    u64 bytes = 0;
    Section x;

    while (stream_get(s, &x, err)) {
        if (x.kind == SECTION_END) {
            return true;
        }
        if (!(x.kind == SECTION_RAM ? ram_receive(rams, &x, err)
                                    : keep_section(kept, &x, &bytes, err))) {
            return false;
        }
    }
    return false;
}
