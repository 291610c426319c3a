/* SPDX-License-Identifier: MIT */
/*
 * Local APICs, their bus and I/O APICs: what a guest's writes make of the
 * lines of its CPUs.  Four CPUs that only remember what was done to them.
 */
#include <glib.h>
#include <stdio.h>
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"
#include "target/target.h"

enum { CPUS = 4, INTR = 0, NMI = 1, SMI = 2 };
enum {                                  /* registers */
    ID = 0x20, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0,
    SVR = 0xf0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280,
    ICR = 0x300, ICR_HIGH = 0x310, LVT_TIMER = 0x320, LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360, LVT_ERROR = 0x370, INITIAL = 0x380, CURRENT = 0x390,
    DIVIDE = 0x3e0,
};
enum { MSR_BASE = 0x1b, MSR_DEADLINE = 0x6e0, MSR_X2 = 0x800 };

typedef struct FakeCpu {
    Cpu cpu;
    u32 resets;
    u64 started;
} FakeCpu;

typedef struct Fix {
    ApicBus *bus;
    FakeCpu  cpu[CPUS];
    Device  *apic[CPUS];
    Device  *ioapic, *pic;
    int      tests, failed;
    bool     wrong;             /* in the running test */
} Fix;

static void fake_reset(Cpu *c)
{
    ((FakeCpu *)c)->resets++;
}

static void fake_start(Cpu *c, u64 pc, u64 arg)
{
    (void)arg;
    ((FakeCpu *)c)->started = pc;
}

static const Target fake = {
    .name = "fake", .reset = fake_reset, .start_at = fake_start
};

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

static void set(Fix *x, u32 cpu, u32 at, u32 v)
{
    device_write(x->apic[cpu], at, 4, v);
}

static u32 get(Fix *x, u32 cpu, u32 at)
{
    return (u32)device_read(x->apic[cpu], at, 4);
}

static bool line(const Fix *x, u32 cpu, u32 n)
{
    return x->cpu[cpu].cpu.lines >> n & 1;
}

static int ack(Fix *x, u32 cpu)
{
    Cpu *c = &x->cpu[cpu].cpu;

    return c->intc->ack(c->intc_state);
}

static bool rdmsr(Fix *x, u32 cpu, u32 n, u64 *v)
{
    Cpu *c = &x->cpu[cpu].cpu;

    return c->intc->sysreg_read(c->intc_state, n, v);
}

static bool wrmsr(Fix *x, u32 cpu, u32 n, u64 v)
{
    Cpu *c = &x->cpu[cpu].cpu;

    return c->intc->sysreg_write(c->intc_state, n, v);
}

static Device *make(const char *type, const char *prop, const char *value)
{
    Err err = { "" };
    Device *d = device_new(type, NULL, &err);

    if (!d || (prop && !device_set(d, prop, value, &err))
        || !device_start(d, &err)) {
        printf("Bail out! %s\n", err.text);
        return NULL;
    }
    return d;
}

static bool setup(Fix *x)
{
    *x = (Fix) { .bus = apic_bus_new() };
    for (u32 i = 0; i < CPUS; i++) {
        x->cpu[i].cpu.target = &fake;
        x->cpu[i].cpu.index = (int)i;
        x->apic[i] = make("apic", NULL, NULL);
        if (!x->apic[i]) {
            return false;
        }
        apic_attach(x->bus, x->apic[i], &x->cpu[i].cpu);
    }
    x->pic = make("isa-pic", NULL, NULL);
    x->ioapic = make("ioapic", NULL, NULL);
    if (!x->pic || !x->ioapic) {
        return false;
    }
    apic_set_pic(x->bus, x->pic);
    apic_add_ioapic(x->bus, x->ioapic);
    ioapic_connect(x->ioapic, apic_msi, x->bus);
    return true;
}

/* All reset, and enabled by software. */
static void restart(Fix *x)
{
    for (u32 i = 0; i < CPUS; i++) {
        device_reset(x->apic[i]);
        x->cpu[i].cpu.lines = 0;
        set(x, i, SVR, 0x1ff);
        set(x, i, LDR, 1u << (24 + i));
    }
    device_reset(x->ioapic);
    device_reset(x->pic);
}

static void ipi(Fix *x, u32 from, u32 dest, u32 v)
{
    set(x, from, ICR_HIGH, dest << 24);
    set(x, from, ICR, v);
}

/* Which CPUs have a vector pending. */
static u32 who(Fix *x, u32 vector)
{
    u32 mask = 0;

    for (u32 i = 0; i < CPUS; i++) {
        if (get(x, i, IRR + (vector >> 5) * 16) >> (vector & 31) & 1) {
            mask |= 1u << i;
        }
    }
    return mask;
}

/* ---- tests -------------------------------------------------------------- */

static void test_reset(Fix *x)
{
    device_reset(x->apic[0]);
    device_reset(x->apic[1]);
    expect(x, "SVR", get(x, 1, SVR), 0xff);
    expect(x, "DFR", get(x, 1, DFR), 0xffffffff);
    expect(x, "id of 1", get(x, 1, ID), 1u << 24);
    expect(x, "LINT0 of the boot CPU", get(x, 0, LVT_LINT0), 0x700);
    expect(x, "LINT0 of another", get(x, 1, LVT_LINT0), 0x10000);
    set(x, 1, LVT_LINT0, 0x31);
    expect(x, "an entry stays masked", get(x, 1, LVT_LINT0), 0x10031);
    set(x, 1, SVR, 0x1ff);
    set(x, 1, LVT_LINT0, 0x31);
    expect(x, "now it does not", get(x, 1, LVT_LINT0), 0x31);
    set(x, 1, SVR, 0xff);
    expect(x, "disabling masks it", get(x, 1, LVT_LINT0), 0x10031);
    ipi(x, 0, 1, 0x40);
    expect(x, "a disabled one takes nothing", who(x, 0x40), 0);
    report(x, "reset and software enable");
}

static void test_destinations(Fix *x)
{
    static const struct { u32 dest, v, want; const char *what; } row[] = {
        { 2, 0x40, 4, "physical" },
        { 0xff, 0x41, 15, "physical broadcast" },
        { 5, 0x842, 5, "logical flat" },
        { 0xff, 0x843, 15, "logical broadcast" },
        { 0, 0x40044, 2, "self" },
        { 0, 0x80045, 15, "all" },
        { 0, 0xc0046, 13, "all but self" },
        { 9, 0x47, 0, "nobody" },
    };

    restart(x);
    for (u32 i = 0; i < countof(row); i++) {
        ipi(x, 1, row[i].dest, row[i].v);
        expect(x, row[i].what, who(x, row[i].v & 0xff), row[i].want);
    }
    for (u32 i = 0; i < CPUS; i++) {
        set(x, i, DFR, 0);
        set(x, i, LDR, (i / 2 << 4 | 1u << i % 2) << 24);
    }
    ipi(x, 0, 0x12, 0x850);
    expect(x, "cluster", who(x, 0x50), 8);
    ipi(x, 0, 0x03, 0x851);
    expect(x, "two of a cluster", who(x, 0x51), 3);
    report(x, "destinations");
}

static void test_priority(Fix *x)
{
    u64 v = 0;

    restart(x);
    set(x, 0, TPR, 0x60);
    ipi(x, 1, 0, 0x65);
    expect(x, "of the class of TPR", line(x, 0, INTR), 0);
    ipi(x, 1, 0, 0x71);
    expect(x, "above it", line(x, 0, INTR), 1);
    expect(x, "acknowledged", (u64)ack(x, 0), 0x71);
    expect(x, "PPR", get(x, 0, PPR), 0x70);
    expect(x, "line after it", line(x, 0, INTR), 0);
    expect(x, "nothing due", (u64)ack(x, 0), (u64)-1);
    ipi(x, 1, 0, 0x75);
    expect(x, "same class waits", line(x, 0, INTR), 0);
    ipi(x, 1, 0, 0x82);
    expect(x, "higher nests", (u64)ack(x, 0), 0x82);
    set(x, 0, EOI, 0);
    expect(x, "PPR after EOI", get(x, 0, PPR), 0x70);
    set(x, 0, EOI, 0);
    expect(x, "the one that waited", (u64)ack(x, 0), 0x75);
    set(x, 0, EOI, 0);
    expect(x, "CR8", rdmsr(x, 0, SYSREG_CR8, &v) && v == 6, 1);
    expect(x, "CR8 lets it in", wrmsr(x, 0, SYSREG_CR8, 5)
           && line(x, 0, INTR), 1);
    expect(x, "it comes", (u64)ack(x, 0), 0x65);
    report(x, "priorities");
}

static void test_lowest(Fix *x)
{
    u32 all = 0;

    restart(x);
    set(x, 0, TPR, 0x20);
    set(x, 1, TPR, 0x30);
    set(x, 3, TPR, 0x20);
    ipi(x, 0, 0xff, 0x960);
    expect(x, "the lowest", who(x, 0x60), 4);
    restart(x);
    for (u32 i = 0; i < CPUS; i++) {
        ipi(x, 0, 0xff, 0x970 + i);
        expect(x, "one", (u64)__builtin_popcount(who(x, 0x70 + i)), 1);
        all |= who(x, 0x70 + i);
    }
    expect(x, "equals take turns", all, 15);
    report(x, "lowest priority");
}

static void test_other_modes(Fix *x)
{
    restart(x);
    x->cpu[1].resets = 0;
    ipi(x, 0, 1, 0x4500);               /* INIT */
    expect(x, "INIT resets", x->cpu[1].resets, 1);
    expect(x, "and stops", x->cpu[1].cpu.stop, CPU_OFF);
    expect(x, "and resets the APIC", get(x, 1, SVR), 0xff);
    ipi(x, 0, 1, 0x8500);               /* INIT level de-assert */
    expect(x, "de-assert does not", x->cpu[1].resets, 1);
    ipi(x, 0, 1, 0x4612);
    expect(x, "SIPI starts", x->cpu[1].started, 0x12000);
    expect(x, "and runs", x->cpu[1].cpu.stop, CPU_RUNNING);
    ipi(x, 0, 1, 0x4613);
    expect(x, "the second is not heard", x->cpu[1].started, 0x12000);
    x->cpu[2].cpu.request = 0;
    ipi(x, 0, 2, 0x4400);
    expect(x, "NMI", x->cpu[2].cpu.request & REQ_INTERRUPT, REQ_INTERRUPT);
    ipi(x, 0, 2, 0x05);
    set(x, 0, ESR, 0);
    expect(x, "illegal vector", get(x, 0, ESR), 1 << 5);
    set(x, 0, ESR, 0);
    expect(x, "told once", get(x, 0, ESR), 0);
    set(x, 0, LVT_ERROR, 0xfe);
    ipi(x, 0, 2, 0x05);
    expect(x, "error interrupt", (u64)ack(x, 0), 0xfe);
    report(x, "INIT, SIPI, NMI, errors");
}

static void test_timer(Fix *x)
{
    u64 v = 0;

    restart(x);
    set(x, 0, DIVIDE, 0xb);
    set(x, 0, LVT_TIMER, 0x40);
    set(x, 0, INITIAL, 4000000000u);    /* 4 s: what no busy host takes */
    g_usleep(300);
    u32 now = get(x, 0, CURRENT);
    expect(x, "it counts down", now && now < 4000000000u - 200000, 1);
    set(x, 0, DIVIDE, 0x3);             /* 16 */
    expect(x, "and goes on when divided", get(x, 0, CURRENT) <= now, 1);
    set(x, 0, DIVIDE, 0xb);
    set(x, 0, INITIAL, 100000);
    while (!line(x, 0, INTR)) {
        g_main_context_iteration(NULL, true);
    }
    expect(x, "it interrupts", (u64)ack(x, 0), 0x40);
    expect(x, "and is over", get(x, 0, CURRENT), 0);
    set(x, 0, EOI, 0);
    set(x, 0, LVT_TIMER, 0x20041);
    set(x, 0, INITIAL, 100000);
    for (u32 i = 0; i < 3; i++) {
        while (!line(x, 0, INTR)) {
            g_main_context_iteration(NULL, true);
        }
        expect(x, "periodic", (u64)ack(x, 0), 0x41);
        set(x, 0, EOI, 0);
    }
    set(x, 0, INITIAL, 0);
    expect(x, "deadline without its mode", wrmsr(x, 0, MSR_DEADLINE, 5)
           && rdmsr(x, 0, MSR_DEADLINE, &v) && v == 0, 1);
    set(x, 0, LVT_TIMER, 0x40042);
    u64 when = (u64)clock_now(CLOCK_VIRTUAL_NS) + 200000;
    expect(x, "deadline", wrmsr(x, 0, MSR_DEADLINE, when)
           && rdmsr(x, 0, MSR_DEADLINE, &v) && v == when, 1);
    while (!line(x, 0, INTR)) {
        g_main_context_iteration(NULL, true);
    }
    expect(x, "not early", (u64)clock_now(CLOCK_VIRTUAL_NS) >= when, 1);
    expect(x, "its vector", (u64)ack(x, 0), 0x42);
    expect(x, "it is zero then", rdmsr(x, 0, MSR_DEADLINE, &v) && v == 0, 1);
    set(x, 0, EOI, 0);
    wrmsr(x, 0, MSR_DEADLINE, 1);
    expect(x, "a passed one fires at once", (u64)ack(x, 0), 0x42);
    report(x, "timer");
}

static void test_x2apic(Fix *x)
{
    u64 v = 0;

    restart(x);
    expect(x, "not in xAPIC mode", rdmsr(x, 2, MSR_X2 + 2, &v), 0);
    expect(x, "base", rdmsr(x, 2, MSR_BASE, &v) && v == 0xfee00800, 1);
    expect(x, "extended alone", wrmsr(x, 2, MSR_BASE, 0xfee00400), 0);
    expect(x, "x2APIC", wrmsr(x, 2, MSR_BASE, 0xfee00c00), 1);
    expect(x, "back to xAPIC", wrmsr(x, 2, MSR_BASE, 0xfee00800), 0);
    expect(x, "id", rdmsr(x, 2, MSR_X2 + 2, &v) && v == 2, 1);
    expect(x, "LDR", rdmsr(x, 2, MSR_X2 + 0xd, &v) && v == 4, 1);
    expect(x, "DFR is gone", rdmsr(x, 2, MSR_X2 + 0xe, &v), 0);
    expect(x, "EOI is written", rdmsr(x, 2, MSR_X2 + 0xb, &v), 0);
    expect(x, "with zero", wrmsr(x, 2, MSR_X2 + 0xb, 1), 0);
    expect(x, "reserved bits", wrmsr(x, 2, MSR_X2 + 8, 0x100), 0);
    expect(x, "IPI", wrmsr(x, 2, MSR_X2 + 0x30, 1ull << 32 | 0x55)
           && who(x, 0x55) == 2, 1);
    expect(x, "self IPI", wrmsr(x, 2, MSR_X2 + 0x3f, 0x56)
           && ack(x, 2) == 0x56, 1);
    ipi(x, 0, 4, 0x857);
    expect(x, "logical from an xAPIC", who(x, 0x57), 4);
    expect(x, "off", wrmsr(x, 2, MSR_BASE, 0xfee00000), 1);
    expect(x, "no MSRs then", rdmsr(x, 2, MSR_X2 + 2, &v), 0);
    report(x, "x2APIC mode and its faults");
}

static void test_ioapic(Fix *x)
{
    Device *io = x->ioapic;
    u32 pin = 5, at = 0x10 + 2 * 5;

    restart(x);
    device_write(io, 0, 4, 1);
    expect(x, "version", device_read(io, 0x10, 4), 0x170020);
    device_write(io, 0, 4, at + 1);
    device_write(io, 0x10, 4, 1u << 24);
    device_write(io, 0, 4, at);
    device_input(io, (int)pin, true);
    expect(x, "masked", who(x, 0x33), 0);
    device_input(io, (int)pin, false);
    device_write(io, 0x10, 4, 0x33);
    expect(x, "a masked edge is lost", who(x, 0x33), 0);
    device_input(io, (int)pin, true);
    expect(x, "edge", who(x, 0x33), 2);
    ack(x, 1);
    set(x, 1, EOI, 0);
    expect(x, "once", who(x, 0x33), 0);
    device_write(io, 0x10, 4, 0x8034);  /* level, still asserted */
    expect(x, "level", who(x, 0x34), 2);
    expect(x, "remote IRR", device_read(io, 0x10, 4), 0xc034);
    ack(x, 1);
    expect(x, "TMR", get(x, 1, TMR + 16) >> 20 & 1, 1);
    set(x, 1, EOI, 0);
    expect(x, "again while asserted", who(x, 0x34), 2);
    ack(x, 1);
    device_input(io, (int)pin, false);
    set(x, 1, EOI, 0);
    expect(x, "no more", who(x, 0x34), 0);
    expect(x, "remote IRR is clear", device_read(io, 0x10, 4), 0x8034);
    device_input(io, (int)pin, true);
    ack(x, 1);
    device_write(io, 0x40, 4, 0x34);    /* its own EOI register */
    expect(x, "EOI register", who(x, 0x34), 2);
    device_input(io, (int)pin, false);
    report(x, "I/O APIC");
}

static void test_pic(Fix *x)
{
    Device *p = x->pic;

    restart(x);
    device_write(p, 0, 1, 0x13);        /* single, ICW4 */
    device_write(p, 1, 1, 0x20);
    device_write(p, 1, 1, 0x01);
    set(x, 0, LVT_LINT0, 0x700);
    set(x, 0, TPR, 0xff);
    device_input(p, 3, true);
    expect(x, "ExtINT does not ask TPR", line(x, 0, INTR), 1);
    expect(x, "only where LINT0 is open", line(x, 1, INTR), 0);
    expect(x, "the PIC's vector", (u64)ack(x, 0), 0x23);
    expect(x, "not in ISR", get(x, 0, ISR + 16), 0);
    device_input(p, 3, false);
    device_write(p, 0, 1, 0x20);
    set(x, 0, LVT_LINT0, 0x10700);
    device_input(p, 4, true);
    expect(x, "masked", line(x, 0, INTR), 0);
    wrmsr(x, 0, MSR_BASE, 0xfee00000);
    expect(x, "LINT0 of one turned off", line(x, 0, INTR), 1);
    expect(x, "its vector", (u64)ack(x, 0), 0x24);
    device_input(p, 4, false);
    report(x, "the PIC through LINT0");
}

static void test_msi(Fix *x)
{
    restart(x);
    apic_msi(x->bus, 0xfee03000, 0x4061);
    expect(x, "physical", who(x, 0x61), 8);
    apic_msi(x->bus, 0xfee0300c, 0x62);
    expect(x, "redirected to one of two",
           (u64)__builtin_popcount(who(x, 0x62) & 3), 1);
    expect(x, "and to no other", who(x, 0x62) & 12, 0);
    apic_msi(x->bus, 0xfee0f004, 0x63);
    expect(x, "logical", who(x, 0x63), 15);
    MemSpace *m = mem_new();
    apic_map(x->bus, m);
    mem_put(m, 0xfee02000, 4, 0x64);
    expect(x, "through memory", who(x, 0x64), 4);
    mem_free(m);
    report(x, "messages of devices");
}

int main(void)
{
    static void (*const tests[])(Fix *) = {
        test_reset, test_destinations, test_priority, test_lowest,
        test_other_modes, test_timer, test_x2apic, test_ioapic, test_pic,
        test_msi,
    };
    Fix x;

    if (!setup(&x)) {
        return 1;
    }
    clock_pause(false);
    machine_lock();
    for (u32 i = 0; i < countof(tests); i++) {
        tests[i](&x);
    }
    printf("1..%d\n", x.tests);
    return x.failed != 0;
}
