/* SPDX-License-Identifier: MIT */
/*
 * GICv2 and GICv3: what guests' writes and inputs make of the lines of two
 * CPUs, and that one's registers, put into another, make it the same.
 */
#include <stdio.h>
#include "hw/intc/gic.h"
#include "softmmu/machine.h"

enum { CPUS = 2, SPI = 40, PPI = 27, INPUT_PPI = 256 + 27 };
enum { ISENABLER = 0x100, ICENABLER = 0x180, ISPENDR = 0x200,
       ISACTIVER = 0x300, IPRIORITYR = 0x400, ICFGR = 0xc00 };
#define ICC(crn, crm, op2)  (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))

typedef struct Fix {
    u32     version;
    Device *gic;
    bool    irq[CPUS], fiq[CPUS];
    int     tests, failed;
    bool    wrong;
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - GICv%u: %s\n", x->wrong ? "not ok" : "ok", ++x->tests,
           x->version, what);
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

static void note_irq(void *opaque, int n, bool level)
{
    ((Fix *)opaque)->irq[n] = level;
}

static void note_fiq(void *opaque, int n, bool level)
{
    ((Fix *)opaque)->fiq[n] = level;
}

/* Registers of interrupt n, for the frame that has them. */
static GicFrame frame(const Fix *x, u32 n)
{
    return x->version == 3 && n < 32 ? GIC_REDISTRIBUTOR : GIC_DISTRIBUTOR;
}

static u32 place(const Fix *x, u32 at, u32 n, u32 bits)
{
    return at + (x->version == 3 && n < 32 ? 0x10000 : 0) + n * bits / 32 * 4;
}

static void set(Fix *x, u32 cpu, u32 at, u32 n)
{
    gic_put(x->gic, cpu, frame(x, n), place(x, at, n, 1), 1u << n % 32);
}

static u32 get(Fix *x, u32 cpu, u32 at, u32 n)
{
    return gic_get(x->gic, cpu, frame(x, n), place(x, at, n, 1)) >> n % 32 & 1;
}

static void priority(Fix *x, u32 cpu, u32 n, u32 p)
{
    u32 at = place(x, IPRIORITYR, n, 8), shift = n % 4 * 8;
    u32 old = (u32)gic_get(x->gic, cpu, frame(x, n), at);

    gic_put(x->gic, cpu, frame(x, n), at,
            (old & ~(0xffu << shift)) | p << shift);
}

/* The CPU interface: its GICC offset, or the register of group 1. */
static void icc_put(Fix *x, u32 cpu, u32 v2, u32 v3, u64 v)
{
    gic_put(x->gic, cpu, GIC_CPU_INTERFACE, x->version == 3 ? v3 : v2, v);
}

static u64 icc_get(Fix *x, u32 cpu, u32 v2, u32 v3)
{
    return gic_get(x->gic, cpu, GIC_CPU_INTERFACE, x->version == 3 ? v3 : v2);
}

static u64 acknowledge(Fix *x, u32 cpu)
{
    return icc_get(x, cpu, 0x0c, ICC(12, 12, 0)) & 0x3ff;
}

static void end(Fix *x, u32 cpu, u64 n)
{
    icc_put(x, cpu, 0x10, ICC(12, 12, 1), n);
}

static void send(Fix *x, u32 cpu, u32 n, u32 to)
{
    if (x->version == 3) {
        gic_put(x->gic, cpu, GIC_CPU_INTERFACE, ICC(12, 11, 5),
                (u64)n << 24 | to);
    } else {
        gic_put(x->gic, cpu, GIC_DISTRIBUTOR, 0xf00, n | to << 16);
    }
}

static void route(Fix *x, u32 n, u32 cpu)
{
    if (x->version == 3) {
        gic_put(x->gic, 0, GIC_DISTRIBUTOR, 0x6000 + n * 8, cpu);
    } else {
        u32 at = 0x800 + n / 4 * 4;
        gic_put(x->gic, 0, GIC_DISTRIBUTOR, at, 1u << cpu << n % 4 * 8);
    }
}

/* As an operating system leaves it: all in group 1 of GICv3, priority a0. */
static void set_up(Fix *x)
{
    device_reset(x->gic);
    gic_put(x->gic, 0, GIC_DISTRIBUTOR, 0, 3);
    for (u32 c = 0; c < CPUS; c++) {
        for (u32 n = 0; n < 64 && x->version == 3; n += 32) {
            gic_put(x->gic, c, frame(x, n), place(x, 0x80, n, 1), ~0u);
        }
        for (u32 n = 0; n < 64; n++) {
            priority(x, c, n, 0xa0);
        }
        icc_put(x, c, 0x04, ICC(4, 6, 0), 0xf0);
        icc_put(x, c, 0x00, ICC(12, 12, 7), 1);
        set(x, c, ISENABLER, 3);
        set(x, c, ISENABLER, PPI);
    }
    set(x, 0, ISENABLER, SPI);
    route(x, SPI, 1);
}

static void levels(Fix *x)
{
    set_up(x);
    device_input(x->gic, SPI - 32, true);
    expect(x, "its CPU's line", x->irq[1], 1);
    expect(x, "the other's", x->irq[0], 0);
    expect(x, "it is pending", get(x, 0, ISPENDR, SPI), 1);
    expect(x, "number", acknowledge(x, 1), SPI);
    expect(x, "it is active", get(x, 0, ISACTIVER, SPI), 1);
    expect(x, "while active", x->irq[1], 0);
    end(x, 1, SPI);
    expect(x, "the level is still up", x->irq[1], 1);
    device_input(x->gic, SPI - 32, false);
    expect(x, "and goes", x->irq[1], 0);
    expect(x, "none", acknowledge(x, 1), GIC_SPURIOUS);
    report(x, "an SPI by level");
}

static void edges(Fix *x)
{
    set_up(x);
    gic_put(x->gic, 0, GIC_DISTRIBUTOR, ICFGR + SPI / 16 * 4,
            2u << SPI % 16 * 2);
    device_input(x->gic, SPI - 32, true);
    device_input(x->gic, SPI - 32, false);
    expect(x, "it stays", x->irq[1], 1);
    expect(x, "number", acknowledge(x, 1), SPI);
    end(x, 1, SPI);
    expect(x, "once", x->irq[1], 0);
    set(x, 0, ICENABLER, SPI);
    device_input(x->gic, SPI - 32, true);
    expect(x, "not enabled", x->irq[1], 0);
    report(x, "an SPI by edge");
}

static void preemption(Fix *x)
{
    set_up(x);
    priority(x, 1, PPI, 0x80);
    device_input(x->gic, SPI - 32, true);
    expect(x, "the SPI", acknowledge(x, 1), SPI);
    send(x, 0, 3, 2);
    expect(x, "equal priority waits", x->irq[1], 0);
    device_input(x->gic, INPUT_PPI + 32, true);
    expect(x, "more urgent preempts", x->irq[1], 1);
    expect(x, "the PPI", acknowledge(x, 1), PPI);
    expect(x, "running priority", icc_get(x, 1, 0x14, ICC(12, 11, 3)), 0x80);
    expect(x, "active priorities", icc_get(x, 1, 0xd0, ICC(12, 9, 0)),
           BIT(0x80 / 8) | BIT(0xa0 / 8));
    device_input(x->gic, INPUT_PPI + 32, false);
    end(x, 1, PPI);
    expect(x, "back", icc_get(x, 1, 0x14, ICC(12, 11, 3)), 0xa0);
    device_input(x->gic, SPI - 32, false);
    end(x, 1, SPI);
    expect(x, "idle", icc_get(x, 1, 0x14, ICC(12, 11, 3)), 0xff);
    expect(x, "then the SGI", acknowledge(x, 1), 3);
    end(x, 1, 3);
    icc_put(x, 1, 0x04, ICC(4, 6, 0), 0xa0);
    send(x, 0, 3, 2);
    expect(x, "masked by priority", x->irq[1], 0);
    report(x, "priorities");
}

static void sgis(Fix *x)
{
    set_up(x);
    send(x, 0, 3, 3);
    expect(x, "to both", x->irq[0] && x->irq[1], 1);
    expect(x, "here", acknowledge(x, 0), 3);
    end(x, 0, 3);
    expect(x, "done here", x->irq[0], 0);
    expect(x, "not there", x->irq[1], 1);
    expect(x, "there", acknowledge(x, 1), 3);
    end(x, 1, 3);
    report(x, "SGIs");
}

/* Group 0 of a GICv3 is signalled as FIQ, and read by its own registers. */
static void groups(Fix *x)
{
    set_up(x);
    gic_put(x->gic, 0, GIC_REDISTRIBUTOR, 0x10080, 0);
    gic_put(x->gic, 0, GIC_CPU_INTERFACE, ICC(12, 12, 6), 1);
    device_input(x->gic, INPUT_PPI, true);
    expect(x, "FIQ", x->fiq[0], 1);
    expect(x, "not IRQ", x->irq[0], 0);
    expect(x, "not of group 1", acknowledge(x, 0), GIC_SPURIOUS);
    expect(x, "ICC_HPPIR0", gic_get(x->gic, 0, GIC_CPU_INTERFACE,
                                    ICC(12, 8, 2)), PPI);
    expect(x, "ICC_IAR0", gic_get(x->gic, 0, GIC_CPU_INTERFACE,
                                  ICC(12, 8, 0)), PPI);
    device_input(x->gic, INPUT_PPI, false);
    gic_put(x->gic, 0, GIC_CPU_INTERFACE, ICC(12, 8, 1), PPI);
    expect(x, "done", x->fiq[0], 0);
    report(x, "group 0");
}

static int test(u32 version, int tests)
{
    Fix x = { .version = version, .tests = tests };
    Err err = { 0 };

    x.gic = device_new(version == 3 ? "gicv3" : "gicv2", "gic", &err);
    device_set(x.gic, "num-cpu", "2", &err);
    for (u32 c = 0; c < CPUS; c++) {
        line_connect(device_line(x.gic, "irq", c), note_irq, &x, (int)c);
        line_connect(device_line(x.gic, "fiq", c), note_fiq, &x, (int)c);
    }
    if (!device_start(x.gic, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    levels(&x);
    edges(&x);
    preemption(&x);
    sgis(&x);
    if (version == 3) {
        groups(&x);
    }
    device_free(x.gic);
    if (x.failed) {
        exit(1);
    }
    return x.tests;
}

int main(void)
{
    machine_lock();
    printf("1..%d\n", test(3, test(2, 0)));
    return 0;
}
