/* SPDX-License-Identifier: MIT */
/*
 * One conformance test for every device in the set.
 *
 * Devices are made alone: no machine, no memory, no back ends.  What is
 * checked follows from include/hw/core/device.h: the register table is sane,
 * only bits it allows move, no access at any offset and of any size does harm
 * (run it with sanitizers), state survives save and load, a stream that is
 * short, foreign or random is refused or harmless, and reset is complete.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/core/device.h"
#include "softmmu/clock.h"

enum { ROUNDS = 20000, LOADS = 400 };

typedef struct Suite {
    int tests, failed;
    const char *wrong;          /* in the running test */
    u64 random;
} Suite;

/* Steele and Vigna's splitmix64: the same every run. */
static u64 draw(Suite *x)
{
    u64 z = x->random += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void expect(Suite *x, bool good, const char *what)
{
    if (!good && !x->wrong) {
        x->wrong = what;
    }
}

static void report(Suite *x, const char *name)
{
    printf("%s %d - %s%s%s\n", x->wrong ? "not ok" : "ok", ++x->tests, name,
           x->wrong ? ": " : "", x->wrong ? x->wrong : "");
    x->failed += x->wrong != NULL;
    x->wrong = NULL;
}

/* What types do not start without. */
static const struct { const char *type, *prop, *value; } needs[] = {
    { "nvme", "serial", "S1" },
};

static Device *make(Suite *x, const DeviceType *t)
{
    Err err = { 0 };
    Device *d = device_new(t->name, t->name, &err);

    for (u32 i = 0; d && i < countof(needs); i++) {
        if (strcmp(needs[i].type, t->name) == 0) {
            device_set(d, needs[i].prop, needs[i].value, &err);
        }
    }

    if (!d) {
        printf("# %s: %s\n", t->name, err.text);
        expect(x, false, "it cannot be made with its default properties");
        return NULL;
    }
    if (!device_start(d, &err)) {
        printf("# %s does not start alone: %s\n", t->name, err.text);
        device_free(d);
        return NULL;
    }
    return d;
}

static GByteArray *save(const Device *d)
{
    GByteArray *a = g_byte_array_new();

    device_save(d, a);
    return a;
}

static bool same(const GByteArray *a, const GByteArray *b)
{
    return a->len == b->len
        && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

/* ---- the tables --------------------------------------------------------- */

static u64 end_of(const Reg *r)
{
    return r->at + (u64)MAX(r->count, 1) * r->width;
}

static void check_register(Suite *x, const DeviceType *t, const Reg *r)
{
    u32 w = r->width;

    expect(x, w == 1 || w == 2 || w == 4 || w == 8, "a width is not 1 2 4 8");
    expect(x, w && r->at % w == 0, "a register is not aligned to its width");
    expect(x, end_of(r) <= t->window, "a register is outside of the window");
    expect(x, r->size <= w, "a member is wider than its register");
    expect(x, !(r->rw & r->w1c), "a bit is both rw and w1c");
    expect(x, !(r->reset & ~MASK(8 * w)), "a reset value is too wide");
    expect(x, r->store + (u64)r->size * MAX(r->count, 1) <= t->size,
           "a member is outside of the struct");
    for (const Reg *q = r + 1; q->name; q++) {
        expect(x, end_of(r) <= q->at || end_of(q) <= r->at,
               "two registers overlap");
        expect(x, !r->size || !q->size || strcmp(r->name, q->name),
               "two registers have one name");
    }
}

static void check_tables(Suite *x, const DeviceType *t)
{
    expect(x, t->name && t->about, "no name or description");
    expect(x, t->size >= sizeof(Device), "size is not that of the struct");
    for (const Reg *r = t->regs; r && r->name; r++) {
        check_register(x, t, r);
    }
    for (const Field *f = t->state; f && f->name; f++) {
        expect(x, f->size && f->at + (u64)f->size <= t->size,
               "a field is outside of the struct");
    }
    for (const Prop *p = t->props; p && p->name; p++) {
        expect(x, p->at < t->size && p->help, "a property without help");
    }
    for (const Wire *w = t->wires; w && w->name; w++) {
        expect(x, w->at + sizeof(Line) * MAX(w->count, 1) <= t->size,
               "a wire is outside of the struct");
    }
}

/* ---- registers ---------------------------------------------------------- */

/* Without hooks a register moves in its rw bits only. */
static void check_bits(Suite *x, Device *d)
{
    for (const Reg *r = d->type->regs; r && r->name; r++) {
        if (!r->size || r->write || r->read || r->wrote) {
            continue;
        }
        u64 before = device_read(d, r->at, r->width);
        device_write(d, r->at, r->width, ~0ull);
        u64 after = device_read(d, r->at, r->width);
        expect(x, !((before ^ after) & ~r->rw & ~r->w1c), "a fixed bit moved");
        expect(x, (after & r->rw) == (r->rw & MASK(8 * r->size)),
               "a writable bit did not move");
    }
}

/* An offset: often of a register or next to it, else anywhere. */
static u64 some_offset(Suite *x, const DeviceType *t)
{
    u64 v = draw(x), n = 0;

    for (const Reg *r = t->regs; r && r->name; r++) {
        n++;
    }
    if (n && v & 7) {
        const Reg *r = &t->regs[(v >> 3) % n];
        return (r->at + (v >> 40) % (MAX(r->count, 1) * r->width))
            % t->window;
    }
    return v & 8 ? (v >> 4) % t->window : (v >> 4) % MIN(t->window, 0x400);
}

static u64 some_value(Suite *x)
{
    u64 v = draw(x);

    return v & 3 ? v >> (v >> 2 & 63) : v & 4 ? ~0ull : v >> 3 & 0xff;
}

static void batter(Suite *x, Device *d, u32 rounds)
{
    if (!d->type->window) {
        return;
    }
    for (u32 i = 0; i < rounds; i++) {
        unsigned size = 1u << (draw(x) & 3);
        u64 at = align_down(some_offset(x, d->type), size);
        if (at + size > d->type->window) {
            continue;
        }
        if (draw(x) & 1) {
            device_write(d, at, size, some_value(x) & MASK(8 * size));
        } else {
            u64 v = device_read(d, at, size);
            expect(x, !(v & ~MASK(8 * size)), "a read gives more than asked");
        }
    }
}

/* ---- state -------------------------------------------------------------- */

/* What reset leaves: everything but fields that are kept. */
static void check_reset(Suite *x, Device *d, const DeviceType *t)
{
    Device *fresh = make(x, t);
    if (!fresh) {
        return;
    }
    for (const Field *f = t->state; f && f->name; f++) {
        if (f->kept) {
            memcpy((u8 *)fresh + f->at, (u8 *)d + f->at, f->size);
        }
    }
    device_reset(d);
    g_autoptr(GByteArray) once = save(d);
    device_reset(d);
    g_autoptr(GByteArray) twice = save(d);
    g_autoptr(GByteArray) new = save(fresh);
    expect(x, same(once, twice), "a second reset changes something");
    expect(x, same(once, new), "reset leaves something of before");
    device_free(fresh);
}

static void check_round_trip(Suite *x, const Device *d, const DeviceType *t)
{
    Err err = { 0 };
    Device *copy = make(x, t);
    g_autoptr(GByteArray) a = save(d);

    if (!copy) {
        return;
    }
    bool ok = device_load(copy, a->data, a->len, &err);
    expect(x, ok, "it does not load what it saved");
    g_autoptr(GByteArray) b = save(copy);
    expect(x, same(a, b), "save, load, save is not the same");
    for (u32 cut = 1; cut <= MIN(a->len, 64); cut++) {
        err.text[0] = '\0';
        ok = device_load(copy, a->data, a->len - cut, &err);
        expect(x, !ok && err.text[0], "a short stream is not refused");
    }
    device_free(copy);
}

/* Hostile streams: refused or not, the device must stay harmless. */
static void check_hostile(Suite *x, const Device *d, const DeviceType *t)
{
    Device *victim = make(x, t);
    g_autoptr(GByteArray) good = save(d);

    if (!victim) {
        return;
    }
    for (u32 i = 0; i < LOADS && good->len; i++) {
        Err err = { 0 };
        g_autofree u8 *bad = g_memdup2(good->data, good->len);
        for (u64 n = draw(x) % 4 + 1; n; n--) {
            bad[draw(x) % good->len] = (u8)draw(x);
        }
        size_t len = draw(x) & 7 ? good->len : draw(x) % good->len;
        if (!device_load(victim, bad, len, &err)) {
            expect(x, err.text[0], "a stream is refused without a word");
            device_reset(victim);
        }
        batter(x, victim, 50);
    }
    device_free(victim);
}

static void conform(Suite *x, const DeviceType *t)
{
    check_tables(x, t);
    report(x, t->name);
    Device *d = make(x, t);
    if (!d) {
        report(x, "  alone");
        return;
    }
    check_bits(x, d);
    check_reset(x, d, t);
    batter(x, d, ROUNDS);
    report(x, "  accesses");
    check_round_trip(x, d, t);
    check_hostile(x, d, t);
    report(x, "  saved state");
    check_reset(x, d, t);
    report(x, "  reset");
    device_free(d);
}

int main(void)
{
    Suite x = { .random = 1 };

    clock_pause(true);
    SET_EACH(devices, DeviceType, t) {
        conform(&x, *t);
    }
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
