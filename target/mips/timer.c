/* SPDX-License-Identifier: MIT */
/*
 * Count and Compare.  Reference: PRA, "Count Register", "Compare Register".
 *
 * Count follows the virtual clock.  Cause.TI, the interrupt, is set when it
 * reaches Compare and stays until that is written.  The host's timer has the
 * machine lock, a vCPU that writes a register takes it.  That timer is late by
 * some microseconds, so a vCPU that reads a Count behind Compare does not wait
 * for it: Cause, which is read at every exception, need not ask for the time.
 */
#include "softmmu/machine.h"
#include "target/mips/cpu.h"

enum { NS = 1000 * 1000 * 1000 };

static i64 ticks_now(const MipsCpu *c)
{
    return (i64)((i128)clock_now(CLOCK_VIRTUAL_NS) * c->count_hz / NS);
}

static void match_at(MipsCpu *c, i64 ticks)
{
    __atomic_store_n(&c->match, ticks, __ATOMIC_RELAXED);
}

static bool has_matched(const MipsCpu *c, i64 now)
{
    return now >= __atomic_load_n(&c->match, __ATOMIC_RELAXED);
}

/* The host's timer is for when Count will be Compare, next time round. */
static void arm(MipsCpu *c)
{
    i64 now = ticks_now(c);
    u32 left = (u32)c->compare - (u32)(now + c->count_base);

    if (c->cause & CAUSE_DC) {
        match_at(c, INT64_MAX);
        timer_stop(c->timer);
        return;
    }
    match_at(c, now + (left ? left : (i64)1 << 32));
    timer_set(c->timer, (i64)(((i128)c->match * NS + c->count_hz - 1)
                              / c->count_hz));
}

/* A timer that was set anew while it waited for the lock is too early. */
static void fire(void *opaque)
{
    MipsCpu *c = opaque;

    if (has_matched(c, ticks_now(c))) {
        __atomic_fetch_or(&c->timer_due, 1, __ATOMIC_SEQ_CST);
        cpu_request(&c->cpu, REQ_INTERRUPT);
        arm(c);
    }
}

u32 mips_count(MipsCpu *c)
{
    i64 now = ticks_now(c);

    if (c->cause & CAUSE_DC) {
        return (u32)c->count;
    }
    if (has_matched(c, now)) {
        machine_lock();
        fire(c);
        machine_unlock();
    }
    return (u32)(now + c->count_base);
}

void mips_set_count(MipsCpu *c, u32 v)
{
    machine_lock();
    c->count = v;
    c->count_base = (i64)v - ticks_now(c);
    arm(c);
    machine_unlock();
}

void mips_set_compare(MipsCpu *c, u32 v)
{
    machine_lock();
    c->compare = v;
    __atomic_store_n(&c->timer_due, 0, __ATOMIC_SEQ_CST);
    arm(c);
    machine_unlock();
}

void mips_stop_count(MipsCpu *c, bool stop)
{
    machine_lock();
    if (stop) {
        c->count = (u32)(ticks_now(c) + c->count_base);
    } else {
        c->count_base = (i64)c->count - ticks_now(c);
    }
    arm(c);
    machine_unlock();
}

bool mips_timer_new(MipsCpu *c, Err *err)
{
    c->timer = timer_new(CLOCK_VIRTUAL_NS, fire, c);
    return c->timer || fail(err, "no timer for CPU %d", c->cpu.index);
}
