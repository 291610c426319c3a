/* SPDX-License-Identifier: MIT */
/*
 * Watchdog of Intel's 6300ESB I/O controller hub, device "i6300esb".
 * Reference: 6300ESB ICH data sheet (300641), "Watchdog timer".
 *
 * Two timers run one after the other; the guest acts when the first ends, the
 * machine when the second does.  Left out: the interrupt and SMI of the first
 * stage (its status bit is there).
 */
#include "hw/pci/pci.h"
#include "hw/watchdog/watchdog.h"
#include "softmmu/clock.h"

enum { CONFIG = 0x60, LOCK = 0x68 };            /* configuration space */
enum { CONFIG_1MHZ = 1 << 2, CONFIG_NO_OUTPUT = 1 << 5, CONFIG_BITS = 0x27 };
enum { LOCK_LOCKED = 1 << 0, LOCK_ENABLE = 1 << 1, LOCK_FREE_RUN = 1 << 2,
       LOCK_BITS = 7 };
enum { PRELOAD = 0, STATUS = 8, RELOAD = 12, BAR_BYTES = 16 };
enum { PRELOAD_BITS = 0xfffff, RELOAD_NOW = 1 << 8, RELOAD_TIMED_OUT = 1 << 9 };
enum { KEY1 = 0x80, KEY2 = 0x86 };
enum { CLOCK_NS = 30, SHIFT_1KHZ = 15, SHIFT_1MHZ = 5 };    /* PCI's 33 MHz */

typedef struct Esb {
    PciDevice pci;
    Timer *timer;
    i64    deadline;                    /* virtual ns; 0: it does not run */
    u32    preload[2];
    u8     stage, keys;                 /* 0 or 1; unlocking writes so far */
    u8     lock;                        /* LOCK as it was accepted */
    u8     status, timed_out;
} Esb;

static void arm(Esb *s)
{
    if (s->deadline) {
        timer_set(s->timer, s->deadline);
    } else {
        timer_stop(s->timer);
    }
}

static void start_stage(Esb *s, u8 stage)
{
    u64 config = pci_get(&s->pci, CONFIG, 2);
    int shift = config & CONFIG_1MHZ ? SHIFT_1MHZ : SHIFT_1KHZ;

    s->stage = stage;
    s->deadline = clock_now(CLOCK_VIRTUAL_NS)
                + (((i64)s->preload[stage] + 1) << shift) * CLOCK_NS;
    arm(s);
}

static void halt(Esb *s)
{
    s->deadline = 0;
    arm(s);
}

static void ran_out(void *opaque)
{
    Esb *s = opaque;
    bool free_run = s->lock & LOCK_FREE_RUN;

    if (s->stage == 0) {
        s->status = 1;
        start_stage(s, !free_run);
        return;
    }
    s->timed_out = true;
    halt(s);
    if (!(pci_get(&s->pci, CONFIG, 2) & CONFIG_NO_OUTPUT)) {
        watchdog_expired(&s->pci.dev);
    }
}

/* ---- registers ---------------------------------------------------------- */

/* Once locked it stays as it is until a reset. */
static void config_wrote(PciDevice *d, u32 at, unsigned size)
{
    Esb *s = (Esb *)d;
    u8 now = (u8)pci_get(d, LOCK, 1), old = s->lock;

    if (at > LOCK || at + size <= LOCK) {
        return;
    }
    if (old & LOCK_LOCKED) {
        pci_put(d, LOCK, 1, old);
        return;
    }
    s->lock = now;
    if (now & ~old & LOCK_ENABLE) {
        start_stage(s, 0);
    } else if (!(now & LOCK_ENABLE)) {
        halt(s);
    }
}

static u64 bar_read(void *opaque, u64 at, unsigned size)
{
    const Esb *s = opaque;
    u64 v = 0;

    switch (at & 12) {
    case STATUS: v = s->status; break;
    case RELOAD: v = s->timed_out ? RELOAD_TIMED_OUT : 0; break;
    }
    return v >> (at & 3) * 8 & MASK(size * 8);
}

static void write_reload(Esb *s, u32 v)
{
    if (v & RELOAD_TIMED_OUT) {
        s->timed_out = false;
    }
    if (v & RELOAD_NOW && s->lock & LOCK_ENABLE) {
        start_stage(s, 0);
    }
}

/* 0x80, then 0x86 at the reload register unlock one write. */
static bool unlocks(Esb *s, u64 at, u64 v)
{
    if (at == RELOAD && v == KEY1) {
        s->keys = 1;
        return true;
    }
    if (at == RELOAD && v == KEY2 && s->keys == 1) {
        s->keys = 2;
        return true;
    }
    return false;
}

static void bar_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Esb *s = opaque;
    bool unlocked;

    (void)size;
    if (at == STATUS) {                 /* this one needs no key */
        s->status &= (u8)~v;
        return;
    }
    if (unlocks(s, at, v)) {
        return;
    }
    unlocked = s->keys == 2;
    s->keys = 0;
    if (unlocked && at == RELOAD) {
        write_reload(s, (u32)v);
    } else if (unlocked && (at == PRELOAD || at == PRELOAD + 4)) {
        s->preload[at / 4] = v & PRELOAD_BITS;
    }
}

/* ---- the device --------------------------------------------------------- */

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x8086, .device = 0x25ab, .class = 0x088000, .revision = 2,
        .wrote = config_wrote,
    };
    Esb *s = opaque;

    s->timer = timer_new(CLOCK_VIRTUAL_NS, ran_out, s);
    if (!pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_writable(&s->pci, CONFIG, 2, CONFIG_BITS);
    pci_writable(&s->pci, LOCK, 1, LOCK_BITS);
    pci_bar(&s->pci, 0, (PciBar) {
        .size = BAR_BYTES, .kind = PCI_BAR_MEM,
        .read = bar_read, .write = bar_write, .opaque = s,
    });
    return true;
}

/* That it timed out is told after the reset that it made. */
static void reset(void *opaque)
{
    Esb *s = opaque;

    pci_reset(&s->pci);
    s->preload[0] = s->preload[1] = PRELOAD_BITS;
    halt(s);
}

static bool loaded(void *opaque)
{
    Esb *s = opaque;

    if (!pci_loaded(&s->pci) || s->stage > 1 || s->keys > 2
        || s->preload[0] > PRELOAD_BITS || s->preload[1] > PRELOAD_BITS) {
        return false;
    }
    arm(s);
    return true;
}

static void stop(void *opaque)
{
    Esb *s = opaque;

    timer_free(s->timer);
    pci_stop(&s->pci);
}

DEVICE(i6300esb) {
    .name   = "i6300esb",
    .about  = "Intel 6300ESB watchdog",
    .size   = sizeof(Esb),
    .bus    = BUS_PCI,
    .user   = true,
    .state  = (const Field[]) {
        PCI_FIELDS(Esb, pci), SAVE(Esb, deadline), SAVE(Esb, preload),
        SAVE(Esb, stage), SAVE(Esb, keys), SAVE(Esb, lock), SAVE(Esb, status),
        KEEP_SAVE(Esb, timed_out), { 0 }
    },
    .props  = (const Prop[]) { PCI_PROPS(Esb, pci), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
