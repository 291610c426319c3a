/* SPDX-License-Identifier: MIT */
/*
 * The performance monitor: PMUv3 with the cycle counter alone (PMCR_EL0.N is
 * 0).  Reference: Arm ARM (DDI 0487) D13.
 *
 * A cycle is a nanosecond of virtual time.  While the counter runs,
 * pmccntr_base is what to add to the time, else it is the count itself.
 *
 * Left out: event counters, filtering by exception level, the overflow
 * interrupt (the counter is 64 bits wide and takes centuries).
 */
#include "target/arm/cpu.h"

enum { PMCR_WRITABLE = PMCR_E | PMCR_D | 1 << 4 | 1 << 5 | PMCR_LC };

static bool running(const ArmCpu *c)
{
    return c->pmcr & PMCR_E && c->pmcnten & BIT(PMU_CYCLES);
}

static u64 cycles_now(const ArmCpu *c)
{
    u64 ns = (u64)clock_now(CLOCK_VIRTUAL_NS);

    /* With PMCR_EL0.LC the divider is ignored. */
    return (c->pmcr & (PMCR_D | PMCR_LC)) == PMCR_D ? ns / 64 : ns;
}

u64 arm_pmu_cycles(const ArmCpu *c)
{
    return c->pmccntr_base + (running(c) ? cycles_now(c) : 0);
}

void arm_pmu_set_cycles(ArmCpu *c, u64 v)
{
    c->pmccntr_base = v - (running(c) ? cycles_now(c) : 0);
}

void arm_pmu_set_control(ArmCpu *c, u64 pmcr)
{
    u64 count = pmcr & PMCR_C ? 0 : arm_pmu_cycles(c);

    c->pmcr = (c->pmcr & ~(u64)PMCR_WRITABLE) | (pmcr & PMCR_WRITABLE);
    arm_pmu_set_cycles(c, count);
}

void arm_pmu_enable(ArmCpu *c, u64 pmcnten)
{
    u64 count = arm_pmu_cycles(c);

    c->pmcnten = pmcnten;
    arm_pmu_set_cycles(c, count);
}
