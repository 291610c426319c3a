/* SPDX-License-Identifier: MIT */
/*
 * The Power State Coordination Interface, answered by the emulator in the
 * place of firmware.  Reference: Arm DEN 0022 (PSCI 1.1), DEN 0028 (SMCCC).
 *
 * Left out: the optional functions (CPU_FREEZE, CPU_DEFAULT_SUSPEND,
 * NODE_HW_STATE, STAT_*, MEM_PROTECT, SYSTEM_RESET2, SYSTEM_SUSPEND).
 */
#include "softmmu/machine.h"
#include "target/arm/cpu.h"
#include "util/log.h"

enum {
    PSCI_NOT_SUPPORTED = -1, PSCI_INVALID_PARAMETERS = -2, PSCI_ALREADY_ON = -4,
    PSCI_INVALID_ADDRESS = -9,
};
enum { AFFINITY_ON = 0, AFFINITY_OFF = 1, MIGRATE_NOT_NEEDED = 2 };

/* Affinity fields of MPIDR_EL1. */
#define MPIDR_AFFINITY 0xff00ffffffull

typedef i64 PsciCall(ArmCpu *c, u64 a1, u64 a2, u64 a3);

typedef struct PsciFn {
    u32       id;                       /* of SMC32 */
    bool      wide;                     /* also as SMC64: bit 30 */
    PsciCall *call;
} PsciFn;

static Cpu *find_cpu(ArmCpu *c, u64 mpidr)
{
    Machine *m = c->cpu.machine;

    for (u32 i = 0; i < m->ncpus; i++) {
        if ((((ArmCpu *)m->cpu[i])->mpidr & MPIDR_AFFINITY) == mpidr) {
            return m->cpu[i];
        }
    }
    return NULL;
}

static i64 version(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)c, (void)a1, (void)a2, (void)a3;
    return 1 << 16 | 1;
}

static i64 smccc_version(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)c, (void)a1, (void)a2, (void)a3;
    return 1 << 16;
}

/* SMCCC 1.0 asks for nothing more; no workarounds are needed here. */
static i64 smccc_features(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)c, (void)a1, (void)a2, (void)a3;
    return PSCI_NOT_SUPPORTED;
}

/* Nothing is powered down: as WFI, which is allowed for any state. */
static i64 cpu_suspend(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)a1, (void)a2, (void)a3;
    c->x[0] = 0;
    if (!arm_wakes(&c->cpu)) {
        cpu_halt(&c->cpu);
    }
    return 0;
}

static i64 cpu_off(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)a1, (void)a2, (void)a3;
    cpu_power_off(&c->cpu);
    cpu_resume(&c->cpu);
}

static i64 cpu_on(ArmCpu *c, u64 mpidr, u64 entry, u64 context)
{
    Cpu *to = find_cpu(c, mpidr);
    bool was_off;

    if (!to) {
        return PSCI_INVALID_PARAMETERS;
    }
    if (entry & 3) {
        return PSCI_INVALID_ADDRESS;
    }
    machine_lock();
    was_off = to->stop == CPU_OFF;
    if (was_off) {
        arm_cpu(to)->psci_entry = entry;
        cpu_power_on(to, entry, context);
    }
    machine_unlock();
    return was_off ? 0 : PSCI_ALREADY_ON;
}

static i64 affinity_info(ArmCpu *c, u64 mpidr, u64 level, u64 a3)
{
    Cpu *of = find_cpu(c, mpidr);
    i64 state;

    (void)a3;
    if (!of || level != 0) {
        return PSCI_INVALID_PARAMETERS;
    }
    machine_lock();
    state = of->stop == CPU_OFF ? AFFINITY_OFF : AFFINITY_ON;
    machine_unlock();
    return state;
}

static i64 migrate_info_type(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    (void)c, (void)a1, (void)a2, (void)a3;
    return MIGRATE_NOT_NEEDED;
}

static i64 system_off(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    machine_shutdown(c->cpu.machine, SHUTDOWN_GUEST);
    return cpu_off(c, a1, a2, a3);
}

static i64 system_reset(ArmCpu *c, u64 a1, u64 a2, u64 a3)
{
    machine_reset_request(c->cpu.machine);
    return cpu_off(c, a1, a2, a3);
}

static i64 features(ArmCpu *c, u64 id, u64 a2, u64 a3);

static const PsciFn functions[] = {
    { 0x80000000, false, smccc_version },
    { 0x80000001, false, smccc_features },
    { 0x84000000, false, version },
    { 0x84000001, true,  cpu_suspend },
    { 0x84000002, false, cpu_off },
    { 0x84000003, true,  cpu_on },
    { 0x84000004, true,  affinity_info },
    { 0x84000006, false, migrate_info_type },
    { 0x84000008, false, system_off },
    { 0x84000009, false, system_reset },
    { 0x8400000a, false, features },
};

enum { SMC64 = 1 << 30 };

static const PsciFn *find_function(u32 id)
{
    for (u32 i = 0; i < countof(functions); i++) {
        const PsciFn *f = &functions[i];
        if (f->id == id || (f->wide && (f->id | SMC64) == id)) {
            return f;
        }
    }
    return NULL;
}

/* Of CPU_SUSPEND it tells flags; 0 is the original format of its states. */
static i64 features(ArmCpu *c, u64 id, u64 a2, u64 a3)
{
    (void)c, (void)a2, (void)a3;
    return find_function((u32)id) ? 0 : PSCI_NOT_SUPPORTED;
}

void arm_psci(ArmCpu *c)
{
    u32 id = (u32)c->x[0];
    const PsciFn *f = find_function(id);
    u64 mask = id & SMC64 ? ~0ull : 0xffffffff;

    if (!f) {
        log_line(LOG_UNIMP, "CPU %d: no PSCI or SMCCC function %#x",
                 c->cpu.index, id);
        c->x[0] = (u64)(i64)PSCI_NOT_SUPPORTED;
        return;
    }
    c->x[0] = (u64)f->call(c, c->x[1] & mask, c->x[2] & mask, c->x[3] & mask);
}
