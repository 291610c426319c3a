/* SPDX-License-Identifier: MIT */
/*
 * The generic timers of one CPU: EL1 physical and virtual, on one counter.
 * Reference: Arm ARM (DDI 0487) D11 "The Generic Timer".
 *
 * A timer's output is high while it is enabled, not masked and its compare
 * value is reached.  Timers change under the machine lock: the callback has
 * it, a vCPU that writes a register takes it.
 *
 * Left out: the event stream (WFE returns by itself), EL2 and EL3 timers.
 */
#include "softmmu/machine.h"
#include "target/arm/cpu.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

u64 arm_counter(void)
{
    return (u64)clock_now(CLOCK_VIRTUAL_NS) / CNT_NS;
}

static bool reached(const ArmTimer *t)
{
    return arm_counter() >= t->cval;
}

u64 arm_timer_ctl(const ArmTimer *t)
{
    bool met = t->ctl & CTL_ENABLE && reached(t);

    return t->ctl | (met ? CTL_ISTATUS : 0);
}

/* The line follows; the host timer is armed for the moment it will rise. */
static void update(ArmTimer *t)
{
    bool wanted = (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
    bool met = wanted && reached(t);

    line_set(&arm_cpu(t->cpu)->out[t->out], met);
    if (wanted && !met && t->cval < (u64)INT64_MAX / CNT_NS) {
        timer_set(t->timer, (i64)(t->cval * CNT_NS));
    } else {
        timer_stop(t->timer);
    }
}

static void fire(void *opaque)
{
    update(opaque);
}

void arm_timer_set_ctl(ArmTimer *t, u64 v)
{
    machine_lock();
    t->ctl = v & (CTL_ENABLE | CTL_IMASK);
    update(t);
    machine_unlock();
}

void arm_timer_set_cval(ArmTimer *t, u64 v)
{
    machine_lock();
    t->cval = v;
    update(t);
    machine_unlock();
}

static bool timer_start(ArmCpu *c, ArmTimer *t, int out)
{
    *t = (ArmTimer) { .cpu = &c->cpu, .out = out };
    t->timer = timer_new(CLOCK_VIRTUAL_NS, fire, t);
    return t->timer != NULL;
}

bool arm_timers_new(ArmCpu *c, Err *err)
{
    return (timer_start(c, &c->timer_p, ARM_OUT_CNTP)
            && timer_start(c, &c->timer_v, ARM_OUT_CNTV))
        || fail(err, "no timers for CPU %d", c->cpu.index);
}

void arm_timers_reset(ArmCpu *c)
{
    arm_timer_set_ctl(&c->timer_p, 0);
    arm_timer_set_ctl(&c->timer_v, 0);
    c->timer_p.cval = c->timer_v.cval = 0;
    c->cntfrq = CNT_FREQ;
    c->cntkctl = 0;
}
