/* SPDX-License-Identifier: MIT */
/*
 * What all devices have in common: guest accesses by the register table,
 * reset, properties, wires, saved state; see include/hw/core/device.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <glib.h>
#include "block/block.h"
#include "chardev/chardev.h"
#include "hw/core/device.h"
#include "net/net.h"
#include "util/keyval.h"
#include "util/log.h"

/* ---- types -------------------------------------------------------------- */

const DeviceType *device_type(const char *name)
{
    SET_EACH(devices, DeviceType, t) {
        if (strcmp((*t)->name, name) == 0) {
            return *t;
        }
    }
    return NULL;
}

static bool no_type(const char *name, Err *err)
{
    const char *names[128];
    size_t n = 0;

    SET_EACH(devices, DeviceType, t) {
        if ((*t)->user && n < countof(names)) {
            names[n++] = (*t)->name;
        }
    }
    const char *near = nearest_word(name, names, n);
    return fail(err, "there is no device \"%s\"%s%s%s; `-device help` lists "
                "them", name, near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "");
}

/*
 * What the core keeps of a device: which register is at an offset, and which
 * wrong accesses were logged.
 */
struct DeviceCore {
    u16        *index;          /* by unit of the window: row + 1; 0: none */
    u32         units, shift;   /* how many; log2 of a unit's bytes */
    GHashTable *told;           /* of offset * 2 + write */
};

static u32 count_of(const Reg *r)
{
    return MAX(r->count, 1);
}

static struct DeviceCore *make_core(const DeviceType *t)
{
    struct DeviceCore *k = g_new0(struct DeviceCore, 1);
    u64 end = 0;
    u32 unit = 8;

    for (const Reg *r = t->regs; r && r->name; r++) {
        end = MAX(end, r->at + (u64)count_of(r) * r->width);
        unit = MIN(unit, r->width);
    }
    k->shift = (u32)__builtin_ctz(unit);
    k->units = (u32)(end >> k->shift);
    k->index = g_new0(u16, k->units);
    for (const Reg *r = t->regs; r && r->name; r++) {
        u32 first = r->at >> k->shift;
        for (u32 i = 0; i < count_of(r) * r->width >> k->shift; i++) {
            k->index[first + i] = (u16)(r - t->regs + 1);
        }
    }
    return k;
}

static void free_core(struct DeviceCore *k)
{
    g_free(k->index);
    if (k->told) {
        g_hash_table_destroy(k->told);
    }
    g_free(k);
}

Device *device_new(const char *type, const char *id, Err *err)
{
    const DeviceType *t = device_type(type);

    if (!t) {
        no_type(type, err);
        return NULL;
    }
    Device *d = g_malloc0(t->size);
    d->type = t;
    d->id = g_strdup(id ? id : type);
    d->core = make_core(t);
    for (const Prop *p = t->props; p && p->name; p++) {
        if (p->initial && !device_set(d, p->name, p->initial, err)) {
            device_free(d);
            return NULL;
        }
    }
    return d;
}

void device_free(Device *d)
{
    if (d) {
        if (d->type->stop) {
            d->type->stop(d);
        }
        for (const Prop *p = d->type->props; p && p->name; p++) {
            if (p->kind == PROP_STR) {
                g_free(*(char **)((u8 *)d + p->at));
            }
        }
        free_core(d->core);
        g_free(d->id);
        g_free(d);
    }
}

/* ---- in the tree of objects --------------------------------------------- */

const char *device_folder(const Device *d)
{
    return !d->added ? "unattached"
         : strcmp(d->id, d->type->name) == 0 ? "peripheral-anon"
         : "peripheral";
}

const Device *device_owner(const Device *d)
{
    return g_str_has_suffix(d->id, ".backend") ? d->parent : NULL;
}

char *device_path(const Device *d)
{
    const Device *owner = device_owner(d);

    return owner
        ? g_strdup_printf("/machine/%s/%s/virtio-backend",
                          device_folder(owner), owner->id)
        : g_strdup_printf("/machine/%s/%s", device_folder(d), d->id);
}

char *device_qdev(const Device *d)
{
    return strcmp(device_folder(d), "peripheral") == 0 ? g_strdup(d->id)
                                                       : device_path(d);
}

/* ---- properties --------------------------------------------------------- */

static bool set_backend(Device *d, const Prop *p, const char *value, Err *err)
{
    void *found = p->kind == PROP_CHARDEV ? (void *)chardev_find(value)
                : p->kind == PROP_BLOCK ? (void *)block_find(value)
                : (void *)netdev_find(value);
    static const char *const option[] = {
        [PROP_CHARDEV] = "-chardev ...,id=",
        [PROP_BLOCK] = "-drive if=none,id=",
        [PROP_NETDEV] = "-netdev user,id=",
    };

    if (!found) {
        return fail(err, "%s.%s: there is no \"%s\"; add %s%s", d->type->name,
                    p->name, value, option[p->kind], value);
    }
    *(void **)((u8 *)d + p->at) = found;
    return true;
}

static bool set_value(Device *d, const Prop *p, const char *value, Err *err)
{
    void *at = (u8 *)d + p->at;
    u64 v;

    switch (p->kind) {
    case PROP_BOOL:
        return parse_bool(value, at)
            || fail(err, "%s.%s=%s: write on or off", d->type->name, p->name,
                    value);
    case PROP_U32: case PROP_U64:
        if (!parse_u64(value, &v) || (p->kind == PROP_U32 && v >> 32)) {
            return fail(err, "%s.%s=%s is not a %s-bit number", d->type->name,
                        p->name, value, p->kind == PROP_U32 ? "32" : "64");
        }
        if (p->kind == PROP_U32) {
            *(u32 *)at = (u32)v;
        } else {
            *(u64 *)at = v;
        }
        return true;
    case PROP_STR:
        g_free(*(char **)at);
        *(char **)at = g_strdup(value);
        return true;
    default:
        return set_backend(d, p, value, err);
    }
}

bool device_set(Device *d, const char *prop, const char *value, Err *err)
{
    const char *names[64];
    size_t n = 0;

    for (const Prop *p = d->type->props; p && p->name; p++) {
        if (strcmp(p->name, prop) == 0) {
            return set_value(d, p, value, err);
        }
        if (n < countof(names)) {
            names[n++] = p->name;
        }
    }
    const char *near = nearest_word(prop, names, n);
    return fail(err, "device %s has no property \"%s\"%s%s%s; "
                "`-device %s,help` lists them", d->type->name, prop,
                near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "", d->type->name);
}

/* Drives alone can be empty, and see to it themselves. */
static bool disks_there(const Device *d, Err *err)
{
    for (const Prop *p = d->type->props; p && p->name; p++) {
        const Block *b = p->kind == PROP_BLOCK
            ? *(Block **)((u8 *)d + p->at) : NULL;
        if (b && block_empty(b) && !d->type->medium) {
            return fail(err, "%s.%s: the drive %s has no image: file= is "
                        "missing", d->type->name, p->name, block_id(b));
        }
    }
    return true;
}

bool device_start(Device *d, Err *err)
{
    if (!disks_there(d, err)) {
        return false;
    }
    if (d->type->start && !d->type->start(d, err)) {
        return false;
    }
    device_reset(d);
    return true;
}

/* ---- registers ---------------------------------------------------------- */

static u64 peek(const Device *d, const Reg *r, u32 index)
{
    const u8 *p = (const u8 *)d + r->store + (size_t)index * r->size;

    return r->size ? load_le(p, r->size) : r->reset;
}

static void poke(Device *d, const Reg *r, u32 index, u64 v)
{
    if (r->size) {
        store_le((u8 *)d + r->store + (size_t)index * r->size, r->size, v);
    }
}

/* The register that byte `at` is in, and which of an array. */
static const Reg *reg_at(const Device *d, u64 at, u32 *index)
{
    const struct DeviceCore *k = d->core;
    u64 unit = at >> k->shift;

    if (unit >= k->units || !k->index[unit]) {
        return NULL;
    }
    const Reg *r = &d->type->regs[k->index[unit] - 1];
    *index = (u32)((at - r->at) / r->width);
    return r;
}

/* Is this access one that the register takes? */
static bool fits(const Device *d, const Reg *r, u64 at, unsigned size)
{
    u64 inside = (at - r->at) % r->width;

    return (inside == 0 && size == r->width)
        || (d->type->any_offset && inside + size <= r->width)
        || (inside == 0 && size > r->width);
}

static u64 read_reg(Device *d, const Reg *r, u32 index)
{
    return r->read ? r->read(d, index) : peek(d, r, index);
}

static void write_reg(Device *d, const Reg *r, u32 index, u64 v)
{
    if (r->write) {
        r->write(d, index, v);
        return;
    }
    u64 old = peek(d, r, index);
    poke(d, r, index, (old & ~r->rw & ~(v & r->w1c)) | (v & r->rw));
    if (r->wrote) {
        r->wrote(d, index, old);
    }
}

/* Logs a wrong access, once for each offset and direction. */
static void complain(Device *d, u64 at, unsigned size, bool write, u64 v)
{
    enum { TOLD_MAX = 4096 };
    struct DeviceCore *k = d->core;
    u64 key = at * 2 + write;

    if (!log_on(LOG_GUEST)) {
        return;
    }
    if (!k->told) {
        k->told = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                        NULL);
    }
    if (g_hash_table_size(k->told) < TOLD_MAX
        && g_hash_table_add(k->told, g_memdup2(&key, sizeof key))) {
        if (write) {
            log_line(LOG_GUEST, "%s: bad %u-byte write of %#llx at %#llx",
                     d->id, size, (unsigned long long)v,
                     (unsigned long long)at);
        } else {
            log_line(LOG_GUEST, "%s: bad %u-byte read at %#llx", d->id, size,
                     (unsigned long long)at);
        }
    }
}

static bool takes_size(const DeviceType *t, unsigned size)
{
    return size >= t->min_access && (!t->max_access || size <= t->max_access);
}

u64 device_read(void *opaque, u64 at, unsigned size)
{
    Device *d = opaque;
    u32 index;
    const Reg *r;

    if (d->type->mmio_read && at >= d->type->tail
        && takes_size(d->type, size)) {
        return d->type->mmio_read(d, at, size) & MASK(size * 8);
    }
    r = reg_at(d, at, &index);
    if (!r || !takes_size(d->type, size) || !fits(d, r, at, size)) {
        complain(d, at, size, false, 0);
        return 0;
    }
    u64 shift = (at - r->at) % r->width * 8;
    return read_reg(d, r, index) >> shift & MASK(size * 8);
}

void device_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Device *d = opaque;
    u32 index;
    const Reg *r;

    if (d->type->mmio_write && at >= d->type->tail
        && takes_size(d->type, size)) {
        d->type->mmio_write(d, at, size, v & MASK(size * 8));
        return;
    }
    r = reg_at(d, at, &index);
    if (!r || !takes_size(d->type, size) || !fits(d, r, at, size)) {
        complain(d, at, size, true, v);
        return;
    }
    u64 shift = (at - r->at) % r->width * 8;
    if (shift || size < r->width) {
        v = deposit(peek(d, r, index), (int)shift, (int)size * 8, v);
    }
    write_reg(d, r, index, v & MASK(r->width * 8));
}

void device_map(Device *d, MemSpace *m, u64 base)
{
    MemRegion r = {
        .name = d->id, .base = base, .size = d->type->window,
        .read = device_read, .write = device_write, .opaque = d,
    };

    d->base = base;
    mem_add(m, &r);
}

/* ---- reset -------------------------------------------------------------- */

static void clear_field(Device *d, const Field *f)
{
    if (!f->kept) {
        memset((u8 *)d + f->at, 0, f->size);
    }
}

void device_reset(Device *d)
{
    for (const Field *f = d->type->state; f && f->name; f++) {
        clear_field(d, f);
    }
    for (const Reg *r = d->type->regs; r && r->name; r++) {
        for (u32 i = 0; i < count_of(r); i++) {
            poke(d, r, i, r->reset);
        }
    }
    if (d->type->reset) {
        d->type->reset(d);
    }
}

/* ---- wires -------------------------------------------------------------- */

Line *device_line(Device *d, const char *wire, u32 n)
{
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        if (strcmp(w->name, wire) == 0) {
            assert(n < MAX(w->count, 1));
            return (Line *)((u8 *)d + w->at) + n;
        }
    }
    assert(!"a wire of the device");
    return NULL;
}

void device_input(void *opaque, int n, bool level)
{
    Device *d = opaque;

    if (d->type->input
        && !(d->taken && d->taken(d->taker, d, n, level))) {
        d->type->input(d, n, level);
    }
}

/* ---- saved state -------------------------------------------------------- */

/* The levels it is driven to, and where a saved state's wait. */
static const Field wire_now[] = { SAVE(Line, level), { 0 } };
static const Field wire_then[] = { SAVE_NAMED("level", Line, saved), { 0 } };

/* A row for a wire; what it is named is to be freed. */
static Field wire_row(const Wire *w, const Field *level)
{
    return (Field) {
        .name = g_strdup_printf("wire %s", w->name), .at = w->at,
        .size = MAX(w->count, 1) * (u32)sizeof(Line), .unit = sizeof(Line),
        .of = level,
    };
}

static void put_wire(const Device *d, const Wire *w, GByteArray *to)
{
    Field row[] = { wire_row(w, wire_now), { 0 } };

    record_put_fields(to, row, d);
    g_free((char *)row[0].name);
}

void device_save(const Device *d, GByteArray *to)
{
    for (const Reg *r = d->type->regs; r && r->name; r++) {
        if (r->size) {
            record_put(to, r->name, (const u8 *)d + r->store, r->size,
                       count_of(r));
        }
    }
    record_put_fields(to, d->type->state, d);
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        put_wire(d, w, to);
    }
}

/* Its registers as rows of numbers, of which all but one are skipped. */
static bool fill_register(Device *d, const Record *rec, bool *known, Err *err)
{
    *known = false;
    for (const Reg *r = d->type->regs; r && r->name && !*known; r++) {
        Field row[] = {
            { .name = r->name, .at = r->store, .unit = r->size,
              .size = r->size * count_of(r) }, { 0 },
        };
        if (r->size && !record_store(rec, row, d, known, err)) {
            return false;
        }
    }
    return true;
}

static bool fill_wire(Device *d, const Record *rec, bool *known, Err *err)
{
    bool ok = true;

    for (const Wire *w = d->type->wires; w && w->name && ok && !*known; w++) {
        Field row[] = { wire_row(w, wire_then), { 0 } };
        ok = record_store(rec, row, d, known, err);
        g_free((char *)row[0].name);
    }
    return ok;
}

static bool fill_one(Device *d, const Record *r, GHashTable *seen, Err *err)
{
    bool known;

    if (!g_hash_table_add(seen, g_strdup(r->name))) {
        return fail(err, "\"%s\" is there twice", r->name);
    }
    if (!fill_register(d, r, &known, err)
        || (!known && !record_store(r, d->type->state, d, &known, err))
        || (!known && !fill_wire(d, r, &known, err))) {
        return false;
    }
    return known || fail(err, "%s has no \"%s\" here", d->type->name,
                         r->name);
}

static char *missing(const Device *d, GHashTable *seen)
{
    for (const Reg *r = d->type->regs; r && r->name; r++) {
        if (r->size && !g_hash_table_contains(seen, r->name)) {
            return g_strdup(r->name);
        }
    }
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        g_autofree char *name = g_strdup_printf("wire %s.level", w->name);
        if (!g_hash_table_contains(seen, name)) {
            return g_steal_pointer(&name);
        }
    }
    return record_missing(d->type->state, seen);
}

bool device_fill(Device *d, const u8 *buf, size_t len, Err *err)
{
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                             NULL);
    const u8 *p = buf, *end = buf + len;
    bool ok = true;
    Record r;

    while (ok && p < end) {
        ok = record_get(&r, &p, end, err) && fill_one(d, &r, seen, err);
    }
    g_autofree char *lacks = ok ? missing(d, seen) : NULL;
    g_hash_table_destroy(seen);
    if (lacks) {
        ok = fail(err, "\"%s\" is not there", lacks);
    }
    return ok || err_prefix(err, "device %s", d->id);
}

void device_drive(Device *d)
{
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        Line *l = (Line *)((u8 *)d + w->at);
        for (u32 i = 0; i < MAX(w->count, 1); i++) {
            line_set(&l[i], l[i].saved);
        }
    }
}

bool device_loaded(Device *d, Err *err)
{
    return !d->type->loaded || d->type->loaded(d)
        || fail(err, "device %s: its registers hold what cannot be", d->id);
}

bool device_load(Device *d, const u8 *buf, size_t len, Err *err)
{
    device_reset(d);
    if (!device_fill(d, buf, len, err)) {
        return false;
    }
    device_drive(d);
    return device_loaded(d, err);
}

void device_dump(Device *d, FILE *f)
{
    for (const Reg *r = d->type->regs; r && r->name; r++) {
        /* An array without members is a view of something else. */
        for (u32 i = 0; i < (r->size ? count_of(r) : 1); i++) {
            fprintf(f, "%03x %-12s %0*llx\n", r->at + i * r->width, r->name,
                    (int)r->width * 2, (unsigned long long)peek(d, r, i));
        }
    }
}
