/* SPDX-License-Identifier: MIT */
/*
 * The GIC in the kernel.  Reference: the kernel's
 * Documentation/virt/kvm/devices/arm-vgic.rst and arm-vgic-v3.rst; ARM IHI
 * 0048B (GICv2), IHI 0069 (GICv3).
 *
 * The machine's own device stays: while it runs the kernel gets its inputs;
 * while it is paused it has the state and does the work.  Both are a GIC's
 * registers to who moves the state.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "accel/kvm/arm64.h"
#include "hw/intc/gic_access.h"
#include "util/log.h"

enum { IRQS = 288, SPIS = IRQS - 32 };

/* ---- registers to move -------------------------------------------------- */

/*
 * `words` registers of 32 bits; the first `own` are each CPU's own, but for
 * GICv3's, whose are in other frames: `first` is where they begin.
 */
typedef struct GicRow {
    GicFrame frame;
    u32 at, first, words, own;
    u32 clear;                  /* where to clear it before; 0: nowhere */
    u32 shift;                  /* the kernel has it shifted right by that */
    u32 rw;                     /* bits that are not the kernel's; 0: all */
    bool pending;               /* without what levels make so */
} GicRow;

#define ROW(f, a, from, n, each, ...)                                       \
    { .frame = f, .at = (a), .first = (from), .words = (n), .own = (each), __VA_ARGS__ }
/* `bits` of each interrupt: GICv2's; GICv3's SPIs; its SGIs and PPIs. */
#define ALL(a, bits, ...)                                                   \
    ROW(GIC_DISTRIBUTOR, a, 0, IRQS * (bits) / 32, bits, __VA_ARGS__)
#define SPI(a, bits, ...)                                                   \
    ROW(GIC_DISTRIBUTOR, a, bits, IRQS * (bits) / 32, 0, __VA_ARGS__)
#define PPI(a, bits, ...)                                                   \
    ROW(GIC_REDISTRIBUTOR, 0x10000 + (a), 0, bits, bits, __VA_ARGS__)
#define GICC(a, ...)                                                        \
    ROW(GIC_CPU_INTERFACE, a, 0, 1, 1, __VA_ARGS__)
#define ICC(crn, crm, op2, ...)                                             \
    GICC(3 << 14 | (crn) << 7 | (crm) << 3 | (op2), __VA_ARGS__)

static const GicRow v2_rows[] = {
    ROW(GIC_DISTRIBUTOR, 0x000, 0, 1, 0),               /* GICD_CTLR */
    ALL(0x080, 1), ALL(0x400, 8), ALL(0xc00, 2),        /* group, priority, configuration */
    ROW(GIC_DISTRIBUTOR, 0x800, 8, IRQS / 4, 0),        /* GICD_ITARGETSR of SPIs */
    ALL(0x100, 1, .clear = 0x180),                      /* enabled */
    ALL(0x200, 1, .clear = 0x280, .pending = true),
    ALL(0x300, 1, .clear = 0x380),                      /* active */
    ROW(GIC_DISTRIBUTOR, 0xf20, 0, 4, 4, .clear = 0xf10),   /* GICD_SPENDSGIR */
    GICC(0x00, .rw = 0x201), GICC(0x04, .shift = 3),    /* GICC_CTLR, PMR */
    GICC(0x08), GICC(0x1c), GICC(0xd0),                 /* BPR, ABPR, APR0 */
    { 0 }
};

static const GicRow v3_rows[] = {
    ROW(GIC_DISTRIBUTOR, 0x000, 0, 1, 0),
    SPI(0x080, 1), SPI(0x400, 8), SPI(0xc00, 2),
    SPI(0x100, 1, .clear = 0x180),
    SPI(0x200, 1, .clear = 0x280, .pending = true),
    SPI(0x300, 1, .clear = 0x380),
    ROW(GIC_DISTRIBUTOR, 0x6000, 64, IRQS * 2, 0),      /* GICD_IROUTER */
    ROW(GIC_REDISTRIBUTOR, 0x14, 0, 1, 1),              /* GICR_WAKER */
    PPI(0x080, 1), PPI(0x400, 8), PPI(0xc00, 2),
    PPI(0x100, 1, .clear = 0x10180), PPI(0x200, 1, .clear = 0x10280),
    PPI(0x300, 1, .clear = 0x10380),
    ICC(12, 12, 4, .rw = 3), ICC(4, 6, 0),              /* CTLR, PMR */
    ICC(12, 8, 3), ICC(12, 12, 3),                      /* BPR0, BPR1 */
    ICC(12, 8, 4), ICC(12, 9, 0),                       /* AP0R0, AP1R0 */
    ICC(12, 12, 6), ICC(12, 12, 7),                     /* IGRPEN0, IGRPEN1 */
    { 0 }
};

static bool is_v3(const Kvm *k)
{
    return gic_version(k->arch->gic_device) == 3;
}

/* ---- the kernel's side -------------------------------------------------- */

static bool attr(int fd, u32 group, u64 which, void *value, bool set)
{
    struct kvm_device_attr a = {
        .group = group, .attr = which, .addr = (u64)(uintptr_t)value,
    };

    return ioctl(fd, set ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &a) == 0;
}

static u32 group_of(const Kvm *k, GicFrame frame)
{
    return frame == GIC_REDISTRIBUTOR ? KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
         : frame == GIC_DISTRIBUTOR ? KVM_DEV_ARM_VGIC_GRP_DIST_REGS
         : is_v3(k) ? KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS
         : KVM_DEV_ARM_VGIC_GRP_CPU_REGS;
}

/* CPUs' numbers are their affinity too: there are 8 at most. */
static u64 kernel_get(const Kvm *k, u32 cpu, GicFrame frame, u32 at)
{
    u64 v = 0;

    if (!attr(k->arch->gic, group_of(k, frame), (u64)cpu << 32 | at, &v,
              false)) {
        log_line(LOG_UNIMP, "KVM's GIC has no register %#x: %s", at,
                 g_strerror(errno));
    }
    return v;
}

static void kernel_put(const Kvm *k, u32 cpu, GicFrame frame, u32 at, u64 v)
{
    if (!attr(k->arch->gic, group_of(k, frame), (u64)cpu << 32 | at, &v,
              true)) {
        log_line(LOG_UNIMP, "KVM's GIC refuses %#llx for register %#x: %s",
                 (unsigned long long)v, at, g_strerror(errno));
    }
}

/* ---- moving ------------------------------------------------------------- */

/* Levels that are up, of the interrupts in a word of pending ones. */
static u64 levels(const Kvm *k, const GicRow *r, u32 cpu, u32 word)
{
    return r->pending ? gic_levels(k->arch->gic_device, cpu, word) : 0;
}

static void to_kernel(const Kvm *k, const GicRow *r, u32 cpu, u32 word)
{
    u32 at = r->at + word * 4;
    u64 v = gic_get(k->arch->gic_device, cpu, r->frame, at);

    v = (v & ~levels(k, r, cpu, word)) >> r->shift;
    if (r->rw) {
        v = (v & r->rw) | (kernel_get(k, cpu, r->frame, at) & ~(u64)r->rw);
    }
    if (r->clear) {
        kernel_put(k, cpu, r->frame, r->clear + word * 4, 0xffffffff);
    }
    kernel_put(k, cpu, r->frame, at, v);
}

static void from_kernel(const Kvm *k, const GicRow *r, u32 cpu, u32 word)
{
    Device *d = k->arch->gic_device;
    u32 at = r->at + word * 4;
    u64 v = kernel_get(k, cpu, r->frame, at) << r->shift;

    v &= ~levels(k, r, cpu, word);
    if (r->clear) {
        gic_put(d, cpu, r->frame, r->clear + word * 4, 0xffffffff);
    }
    gic_put(d, cpu, r->frame, at, v);
}

static void move(const Kvm *k, void (*one)(const Kvm *k, const GicRow *r,
                                           u32 cpu, u32 word))
{
    const GicRow *rows = is_v3(k) ? v3_rows : v2_rows;

    for (const GicRow *r = rows; r->words; r++) {
        for (u32 word = r->first; word < r->words; word++) {
            u32 cpus = word < r->own ? k->m->ncpus : 1;
            for (u32 cpu = 0; cpu < cpus; cpu++) {
                one(k, r, cpu, word);
            }
        }
    }
}

/* ---- inputs ------------------------------------------------------------- */

static void drive(Kvm *k, u32 spi, bool level)
{
    struct kvm_irq_level l = {
        .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (spi + 32),
        .level = level,
    };

    if (ioctl(k->vm, KVM_IRQ_LINE, &l) < 0) {
        log_line(LOG_UNIMP, "KVM_IRQ_LINE: %s", g_strerror(errno));
    }
}

/* PPIs are the timers' and the performance monitor's, in the kernel too. */
static bool take_input(void *taker, Device *d, int n, bool level)
{
    Kvm *k = taker;

    if (n >= SPIS) {
        return true;
    }
    if (k->arch->gic_ours) {
        return false;
    }
    gic_note(d, n, level);
    drive(k, (u32)n, level);
    return true;
}

/* Levels; an edge would be one more. */
static void put_levels(Kvm *k)
{
    Device *d = k->arch->gic_device;

    for (u32 n = 0; n < SPIS; n++) {
        u32 config = (u32)gic_get(d, 0, GIC_DISTRIBUTOR,
                                  0xc00 + (n + 32) / 16 * 4);
        if (!(config >> n % 16 * 2 & 2)) {
            drive(k, n, gic_levels(d, 0, (n + 32) / 32) >> n % 32 & 1);
        }
    }
}

/* ---- making it ---------------------------------------------------------- */

u32 kvm_gics(int vm)
{
    struct kvm_create_device v2 = { .type = KVM_DEV_TYPE_ARM_VGIC_V2,
                                    .flags = KVM_CREATE_DEVICE_TEST };
    struct kvm_create_device v3 = { .type = KVM_DEV_TYPE_ARM_VGIC_V3,
                                    .flags = KVM_CREATE_DEVICE_TEST };

    return (ioctl(vm, KVM_CREATE_DEVICE, &v2) == 0 ? 1 << 2 : 0)
        | (ioctl(vm, KVM_CREATE_DEVICE, &v3) == 0 ? 1 << 3 : 0);
}

static Device *find_gic(const Machine *m)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (g_str_has_prefix(d->type->name, "gicv")) {
            return d;
        }
    }
    return NULL;
}

/* Where the board has it. */
static bool place(Kvm *k)
{
    enum { CPU_INTERFACE = 0x10000, REDISTRIBUTORS = 0xa0000 };
    bool v3 = is_v3(k);
    u64 dist = k->arch->gic_device->base;
    u64 rest = dist + (v3 ? REDISTRIBUTORS : CPU_INTERFACE);
    u32 irqs = IRQS;

    return attr(k->arch->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, true)
        && attr(k->arch->gic, KVM_DEV_ARM_VGIC_GRP_ADDR,
                v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST : KVM_VGIC_V2_ADDR_TYPE_DIST,
                &dist, true)
        && attr(k->arch->gic, KVM_DEV_ARM_VGIC_GRP_ADDR,
                v3 ? KVM_VGIC_V3_ADDR_TYPE_REDIST : KVM_VGIC_V2_ADDR_TYPE_CPU,
                &rest, true);
}

bool kvm_gic_start(Kvm *k, Err *err)
{
    KvmArch *a = k->arch;
    struct kvm_create_device make = { 0 };

    a->gic_device = find_gic(k->m);
    if (!a->gic_device) {
        k->irqchip = IRQCHIP_OFF;
        return true;
    }
    make.type = is_v3(k) ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2;
    if (ioctl(k->vm, KVM_CREATE_DEVICE, &make) < 0) {
        return fail(err, "-accel kvm: the kernel makes no GICv%u: %s",
                    gic_version(a->gic_device), g_strerror(errno));
    }
    a->gic = (int)make.fd;
    a->gic_ours = true;
    a->gic_device->taken = take_input;
    a->gic_device->taker = k;
    return place(k)
        || fail(err, "-accel kvm: the kernel does not take its GIC at %#llx: "
                "%s", (unsigned long long)a->gic_device->base,
                g_strerror(errno));
}

bool kvm_gic_finish(Kvm *k, Err *err)
{
    return k->arch->gic < 0
        || attr(k->arch->gic, KVM_DEV_ARM_VGIC_GRP_CTRL,
                KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, true)
        || fail(err, "-accel kvm: KVM_DEV_ARM_VGIC_CTRL_INIT: %s",
                g_strerror(errno));
}

/* ---- from one to the other ---------------------------------------------- */

void kvm_paused(Machine *m)
{
    Kvm *k = kvm_of(m);

    if (k->arch->gic >= 0 && !k->arch->gic_ours) {
        k->arch->gic_ours = true;
        move(k, from_kernel);
    }
}

/* The vCPUs' registers go first: the GIC's are among them. */
void kvm_resuming(Machine *m)
{
    Kvm *k = kvm_of(m);
    KvmArch *a = k->arch;

    for (u32 i = 0; i < m->ncpus; i++) {
        KvmCpu *c = kvm_cpu(m->cpu[i]);
        if (c->fetched) {
            kvm_arch_put(c);
            c->fetched = false;
            kvm_set_debug(m->cpu[i]);
        }
    }
    kvm_counter_put(kvm_cpu(m->cpu[0]));
    if (a->gic >= 0 && a->gic_ours) {
        move(k, to_kernel);
        a->gic_ours = false;
        put_levels(k);
    }
}
