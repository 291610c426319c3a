/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: the memory map as the kernel wants it.
 * Reference: the API, KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG,
 * KVM_CLEAR_DIRTY_LOG, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
 *
 * RAM and ROM become slots; what is not there, and what a device answers, is
 * an exit.  A slot cannot change, so one that does goes and comes back; other
 * vCPUs that use it just then exit, and find in the map what they want.  They
 * could not fetch instructions so; hence low memory, where firmware switches
 * ROM and RAM, has slots of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "accel/kvm/kvm.h"

#define LOW_MEMORY  (1ull << 20)

/* The wanted slots of one space. */
typedef struct Wanted {
    GArray *slots;
    u32     space;
} Wanted;

static void add(Wanted *w, const MemRange *r, u64 base, u64 end)
{
    KvmSlot s = {
        .number = w->space << 16, .base = base, .size = end - base,
        .ram = r->ram, .offset = r->offset + (base - r->base),
        .readonly = r->readonly,
    };

    if (base < end) {
        g_array_append_val(w->slots, s);
    }
}

/* Whole pages of what is memory. */
static void want(void *opaque, const MemRange *r)
{
    Wanted *w = opaque;
    u64 base = align_up(r->base, GUEST_PAGE);
    u64 end = align_down(r->base + r->size, GUEST_PAGE);

    if (!r->ram || r->read || (r->offset - r->base) % GUEST_PAGE
        || end <= base) {
        return;
    }
    if (base < LOW_MEMORY && end > LOW_MEMORY) {
        add(w, r, base, LOW_MEMORY);
        base = LOW_MEMORY;
    }
    add(w, r, base, end);
}

static bool same(const KvmSlot *a, const KvmSlot *b)
{
    return a->base == b->base && a->size == b->size && a->ram == b->ram
        && a->offset == b->offset && a->readonly == b->readonly;
}

static const KvmSlot *find(const GArray *slots, const KvmSlot *s)
{
    for (u32 i = 0; i < slots->len; i++) {
        const KvmSlot *other = &g_array_index(slots, KvmSlot, i);
        if (same(other, s)) {
            return other;
        }
    }
    return NULL;
}

static u32 flags_of(const Kvm *k, const KvmSlot *s)
{
    return s->readonly ? KVM_MEM_READONLY
         : k->tracking ? KVM_MEM_LOG_DIRTY_PAGES : 0;
}

/* size 0 takes it away. */
static bool set(Kvm *k, const KvmSlot *s, u64 size, Err *err)
{
    struct kvm_userspace_memory_region r = {
        .slot = s->number, .guest_phys_addr = s->base, .memory_size = size,
        .userspace_addr = (u64)(uintptr_t)(s->ram->host + s->offset),
        .flags = size ? flags_of(k, s) : 0,
    };

    return ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &r) == 0
        || fail(err, "-accel kvm: the kernel takes no memory at %#llx of %llu "
                "KiB: %s", (unsigned long long)s->base,
                (unsigned long long)size >> 10, g_strerror(errno));
}

/* ---- which pages were written ------------------------------------------- */

void kvm_track_prepare(Kvm *k)
{
    struct kvm_enable_cap manual = {
        .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
        .args = { KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE },
    };

    k->clears = kvm_has(k, (int)manual.cap) & (int)manual.args[0]
        && ioctl(k->vm, KVM_ENABLE_CAP, &manual) == 0;
}

/*
 * From now on writes to the pages that a bitmap names are logged again: a
 * stretch at a time, so that vCPUs which fault meanwhile need not wait long.
 * Kernels that cannot do it have done so when the log was read.
 */
static void clear(Kvm *k, const KvmSlot *s, u64 *bitmap)
{
    enum { STRETCH = 1 << 14 };         /* pages; a multiple of 64 */
    u64 pages = s->size / GUEST_PAGE;

    for (u64 first = 0; k->clears && first < pages; first += STRETCH) {
        struct kvm_clear_dirty_log c = {
            .slot = s->number, .first_page = first,
            .num_pages = (u32)MIN(pages - first, STRETCH),
            .dirty_bitmap = bitmap + first / 64,
        };
        if (ioctl(k->vm, KVM_CLEAR_DIRTY_LOG, &c) < 0) {
            fprintf(stderr, "anole: KVM_CLEAR_DIRTY_LOG: %s\n",
                    g_strerror(errno));
        }
    }
}

/* The kernel's log of a slot becomes RAM_DIRTY; it begins anew. */
static void collect(Kvm *k, const KvmSlot *s)
{
    u64 pages = s->size / GUEST_PAGE;
    g_autofree u64 *bitmap = g_new0(u64, pages / 64 + 1);
    struct kvm_dirty_log log = { .slot = s->number, .dirty_bitmap = bitmap };

    if (!k->tracking || s->readonly
        || ioctl(k->vm, KVM_GET_DIRTY_LOG, &log) < 0) {
        return;
    }
    clear(k, s, bitmap);
    for (u64 p = 0; p < pages; p++) {
        if (bitmap[p / 64] >> p % 64 & 1) {
            ram_wrote(s->ram, s->offset + p * GUEST_PAGE, 1);
        }
    }
}

static void set_logging(Kvm *k, bool on)
{
    Err err = { 0 };

    k->tracking = on;
    for (u32 space = 0; space < KVM_SPACES; space++) {
        for (u32 i = 0; i < k->slots[space]->len; i++) {
            const KvmSlot *s = &g_array_index(k->slots[space], KvmSlot, i);
            if (!s->readonly && !set(k, s, s->size, &err)) {
                fprintf(stderr, "anole: %s\n", err.text);
            }
        }
    }
}

void kvm_track(Machine *m, Track what)
{
    Kvm *k = kvm_of(m);

    machine_lock();
    for (u32 space = 0; what == TRACK_COLLECT && space < KVM_SPACES; space++) {
        for (u32 i = 0; i < k->slots[space]->len; i++) {
            collect(k, &g_array_index(k->slots[space], KvmSlot, i));
        }
    }
    if (what == TRACK_ON || what == TRACK_OFF) {
        set_logging(k, what == TRACK_ON);
    }
    machine_unlock();
}

/* ---- following the map -------------------------------------------------- */

/* A number that no slot of `slots` has. */
static u32 unused(const GArray *slots, u32 space)
{
    u32 number = space << 16;

    for (u32 i = 0; i < slots->len; i++) {
        if (g_array_index(slots, KvmSlot, i).number == number) {
            number++;
            i = ~0u;                    /* from the first again */
        }
    }
    return number;
}

/* `from` becomes what is wanted: what is not goes before anything comes. */
static bool change(Kvm *k, u32 space, const GArray *wanted, Err *err)
{
    GArray *have = k->slots[space];

    for (u32 i = have->len; i-- > 0;) {
        KvmSlot *s = &g_array_index(have, KvmSlot, i);
        if (!find(wanted, s)) {
            collect(k, s);
            if (!set(k, s, 0, err)) {
                return false;
            }
            g_array_remove_index(have, i);
        }
    }
    for (u32 i = 0; i < wanted->len; i++) {
        KvmSlot s = g_array_index(wanted, KvmSlot, i);
        if (find(have, &s)) {
            continue;
        }
        if (have->len == k->slot_limit) {
            return fail(err, "-accel kvm: the memory map needs more than the "
                        "kernel's %u slots", k->slot_limit);
        }
        s.number = unused(have, space);
        if (!set(k, &s, s.size, err)) {
            return false;
        }
        g_array_append_val(have, s);
    }
    return true;
}

static bool map_space(Kvm *k, u32 space, MemSpace *mem, Err *err)
{
    Wanted w = { g_array_new(false, false, sizeof(KvmSlot)), space };
    bool ok;

    mem_each(mem, want, &w);
    ok = change(k, space, w.slots, err);
    g_array_free(w.slots, true);
    return ok;
}

bool kvm_map(Kvm *k, Err *err)
{
    Machine *m = k->m;

    return map_space(k, 0, m->mem, err)
        && (!k->smm || map_space(k, 1, m->smm_code, err));
}
