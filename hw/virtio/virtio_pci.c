/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI: devices "virtio-blk-pci" and its like, each a function with
 * the device itself ("virtio-blk-device") behind it.
 * Reference: VIRTIO 1.1, section 4.1; 4.1.4.8 for the legacy interface.
 *
 * A function is transitional (1000 to 103f, the legacy interface in BAR 0)
 * unless it sits behind a port of PCI Express, or with disable-legacy=on.  The
 * driver that first writes the legacy status chooses the legacy interface,
 * until the next reset.
 *
 * Left out: shared memory, big-endian guests of the legacy interface,
 * notifications by I/O.
 */
#include <glib.h>
#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"
#include "softmmu/run.h"
#include "util/log.h"

enum { LEGACY_BAR = 0, MSIX_BAR = 1, MODERN_BAR = 4 };
enum {                                  /* of the modern BAR */
    ISR_AT = 0x1000, CONFIG_AT = 0x2000, NOTIFY_AT = 0x3000, MODERN = 0x4000,
    AREA = 0x1000, COMMON_BYTES = 0x38, NOTIFY_STEP = 4,
};
enum {                                  /* types of capabilities */
    CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5,
    CAP_BYTES = 16, CAP_MORE_BYTES = 20,
};
enum { VENDOR = 0x1af4, FIRST_MODERN = 0x1040 };
enum { NO_VECTOR = 0xffff, TEXTS = 12 };

typedef struct VirtioPci {
    PciDevice pci;
    PciInfo   info;
    VirtioDevice *v;            /* the device behind */
    bool      owned;            /* by this, not by the machine's list */
    char     *disable_legacy, *romfile;         /* properties */
    bool      disable_modern;
    u32       vectors;
    char     *text[TEXTS];      /* properties of the device behind */

    u32       features_sel, driver_sel;
    u16       queue_sel, config_vector;
    u16       vector[VQ_MAX];
    u32       access_at;        /* the capability that gives access to BARs */
} VirtioPci;

/* What a function is, by its name. */
typedef struct Kind {
    const char *name, *backend;
    u16  legacy_id;
    u32  class;
    u32  vectors;               /* by default; 0: one more than queues */
    const char *per_cpu;        /* a number of the device's: that of CPUs */
} Kind;

static const Kind kinds[] = {
    { "virtio-blk-pci", "virtio-blk-device", 0x1001, 0x010000, 0,
      "num-queues" },
    { "virtio-net-pci", "virtio-net-device", 0x1000, 0x020000, 4, NULL },
    { "virtio-rng-pci", "virtio-rng-device", 0x1005, 0x00ff00, 2, NULL },
    { "virtio-serial-pci", "virtio-serial-device", 0x1003, 0x078000, 2,
      NULL },
    { "virtio-scsi-pci", "virtio-scsi-device", 0x1004, 0x010000, 0,
      "num_queues" },
    { "virtio-balloon-pci", "virtio-balloon-device", 0x1002, 0x00ff00, 0,
      NULL },
};

static VirtQueue *queue(VirtioPci *s)
{
    return s->queue_sel < s->v->queues ? &s->v->vq[s->queue_sel] : NULL;
}

/* ---- interrupts --------------------------------------------------------- */

static void interrupt(void *opaque)
{
    VirtioPci *s = opaque;

    pci_irq(&s->pci, s->v->isr && !pci_msix_on(&s->pci));
}

static bool message(void *opaque, int source)
{
    VirtioPci *s = opaque;
    u16 vector = source < 0 ? s->config_vector : s->vector[source];

    if (!pci_msix_on(&s->pci)) {
        return false;
    }
    if (vector != NO_VECTOR) {
        pci_msix(&s->pci, vector);
    }
    return true;
}

static u16 checked_vector(const VirtioPci *s, u64 val)
{
    return val < s->pci.msix_vectors ? (u16)val : NO_VECTOR;
}

static u64 take_isr(VirtioPci *s)
{
    u8 isr = s->v->isr;

    s->v->isr = 0;
    interrupt(s);
    return isr;
}

/* ---- both interfaces ---------------------------------------------------- */

static void reset_transport(VirtioPci *s)
{
    s->features_sel = s->driver_sel = 0;
    s->queue_sel = 0;
    s->config_vector = NO_VECTOR;
    memset(s->vector, 0xff, sizeof s->vector);
    s->v->legacy = false;
}

static void write_status(VirtioPci *s, u8 status)
{
    if (status) {
        virtio_set_status(s->v, status);
    } else {
        virtio_reset(s->v);
        reset_transport(s);
    }
    interrupt(s);
}

static u64 config_read(VirtioPci *s, u64 at, unsigned size)
{
    return at + size <= s->v->kind->config_size
        ? load_le(s->v->config + at, size) : 0;
}

static void config_write(VirtioPci *s, u64 at, unsigned size, u64 val)
{
    if (at + size <= s->v->kind->config_size && s->v->kind->config_write) {
        s->v->kind->config_write(s->v, (u32)at, size, val);
    }
}

/* ---- the common configuration, section 4.1.4.3 -------------------------- */

static u64 features(void *opaque, u32 i)
{
    const VirtioPci *s = opaque;

    (void)i;
    return s->features_sel < 2
        ? (u32)(virtio_offered(s->v) >> 32 * s->features_sel) : 0;
}

static u64 driver_features(void *opaque, u32 i)
{
    const VirtioPci *s = opaque;

    (void)i;
    return s->driver_sel < 2 ? (u32)(s->v->accepted >> 32 * s->driver_sel) : 0;
}

static void set_driver_features(void *opaque, u32 i, u64 val)
{
    VirtioPci *s = opaque;

    (void)i;
    virtio_accept(s->v, s->driver_sel, (u32)val);
}

static u64 config_vector(void *opaque, u32 i)
{
    (void)i;
    return ((VirtioPci *)opaque)->config_vector;
}

static void set_config_vector(void *opaque, u32 i, u64 val)
{
    VirtioPci *s = opaque;

    (void)i;
    s->config_vector = checked_vector(s, val);
}

static u64 num_queues(void *opaque, u32 i)
{
    (void)i;
    return ((VirtioPci *)opaque)->v->queues;
}

static u64 status(void *opaque, u32 i)
{
    (void)i;
    return ((VirtioPci *)opaque)->v->status;
}

static void set_status(void *opaque, u32 i, u64 val)
{
    (void)i;
    write_status(opaque, (u8)val);
}

static u64 generation(void *opaque, u32 i)
{
    (void)i;
    return ((VirtioPci *)opaque)->v->generation & 0xff;
}

static u64 queue_size(void *opaque, u32 i)
{
    const VirtQueue *q = queue(opaque);

    (void)i;
    return q ? q->size : 0;
}

static void set_queue_size(void *opaque, u32 i, u64 val)
{
    VirtioPci *s = opaque;
    VirtQueue *q = queue(s);

    (void)i;
    if (q && !q->ready && is_pow2(val) && val <= s->v->vq_max[s->queue_sel]) {
        q->size = (u32)val;
    } else if (q) {
        log_line(LOG_GUEST, "%s: queue_size %llu", s->pci.dev.id,
                 (unsigned long long)val);
    }
}

static u64 queue_vector(void *opaque, u32 i)
{
    VirtioPci *s = opaque;

    (void)i;
    return queue(s) ? s->vector[s->queue_sel] : NO_VECTOR;
}

static void set_queue_vector(void *opaque, u32 i, u64 val)
{
    VirtioPci *s = opaque;

    (void)i;
    if (queue(s)) {
        s->vector[s->queue_sel] = checked_vector(s, val);
    }
}

static u64 queue_enable(void *opaque, u32 i)
{
    const VirtQueue *q = queue(opaque);

    (void)i;
    return q && q->ready;
}

/* A driver must not write 0; only a reset ends the use of a queue. */
static void set_queue_enable(void *opaque, u32 i, u64 val)
{
    VirtioPci *s = opaque;

    (void)i;
    if (queue(s) && val == 1 && !queue(s)->ready) {
        virtio_queue_ready(s->v, s->queue_sel, true);
    }
}

static u64 notify_off(void *opaque, u32 i)
{
    VirtioPci *s = opaque;

    (void)i;
    return queue(s) ? s->queue_sel : 0;
}

/* Members of VirtQueue in the order of the registers: desc, avail, used. */
static u64 *ring_of(VirtQueue *q, u32 i)
{
    return i < 2 ? &q->desc : i < 4 ? &q->avail : &q->used;
}

static u64 ring(void *opaque, u32 i)
{
    VirtQueue *q = queue(opaque);

    return q ? (u32)(*ring_of(q, i) >> 32 * (i & 1)) : 0;
}

static void set_ring(void *opaque, u32 i, u64 val)
{
    VirtQueue *q = queue(opaque);

    if (q && !q->ready) {
        u64 *at = ring_of(q, i);
        *at = deposit(*at, (int)(32 * (i & 1)), 32, val);
    }
}

#define FIELD(a, w, n, ...)                                                 \
    { .at = (a), .width = (w), .name = (n), __VA_ARGS__ }

static const Reg regs[] = {
    RW   (0x00, "device_feature_select", VirtioPci, features_sel, ~0u),
    FN   (0x04, "device_feature", .read = features),
    RW   (0x08, "driver_feature_select", VirtioPci, driver_sel, ~0u),
    FN   (0x0c, "driver_feature", .read = driver_features, .write = set_driver_features),
    FIELD(0x10, 2, "config_msix_vector", .read = config_vector, .write = set_config_vector),
    FIELD(0x12, 2, "num_queues", .read = num_queues),
    FIELD(0x14, 1, "device_status", .read = status, .write = set_status),
    FIELD(0x15, 1, "config_generation", .read = generation),
    FIELD(0x16, 2, "queue_select", MEMBER(VirtioPci, queue_sel), .rw = 0xffff),
    FIELD(0x18, 2, "queue_size", .read = queue_size, .write = set_queue_size),
    FIELD(0x1a, 2, "queue_msix_vector", .read = queue_vector, .write = set_queue_vector),
    FIELD(0x1c, 2, "queue_enable", .read = queue_enable, .write = set_queue_enable),
    FIELD(0x1e, 2, "queue_notify_off", .read = notify_off),
    FN   (0x20, "queue_desc", .read = ring, .write = set_ring, .count = 6),
    { 0 }
};

/* ---- the rest of the modern BAR ----------------------------------------- */

static u64 area_read(void *opaque, u64 at, unsigned size)
{
    VirtioPci *s = opaque;

    if (at == ISR_AT && size == 1) {
        return take_isr(s);
    }
    return at >= CONFIG_AT && at < NOTIFY_AT
        ? config_read(s, at - CONFIG_AT, size) : 0;
}

static void area_write(void *opaque, u64 at, unsigned size, u64 val)
{
    VirtioPci *s = opaque;

    if (at >= NOTIFY_AT) {
        virtio_notify(s->v, (u32)(at - NOTIFY_AT) / NOTIFY_STEP);
    } else if (at >= CONFIG_AT) {
        config_write(s, at - CONFIG_AT, size, val);
    }
}

/* ---- the legacy interface, section 4.1.4.8 ------------------------------ */

enum {
    L_FEATURES = 0x00, L_DRIVER = 0x04, L_PFN = 0x08, L_SIZE = 0x0c,
    L_SELECT = 0x0e, L_NOTIFY = 0x10, L_STATUS = 0x12, L_ISR = 0x13,
    L_MSIX = 0x14, L_QUEUE_MSIX = 0x16, L_CONFIG = 0x14, L_CONFIG_MSIX = 0x18,
};

static u64 pfn(VirtioPci *s)
{
    const VirtQueue *q = queue(s);

    return q && q->ready ? q->desc / GUEST_PAGE : 0;
}

/* Section 2.6.2: one stretch of memory for all three parts. */
static void set_pfn(VirtioPci *s, u32 val)
{
    VirtQueue *q = queue(s);

    if (q) {
        q->desc = (u64)val * GUEST_PAGE;
        q->avail = q->desc + 16ull * q->size;
        q->used = align_up(q->avail + 2ull * (3 + q->size), GUEST_PAGE);
        virtio_queue_ready(s->v, s->queue_sel, val != 0);
    }
}

/* Where the device's configuration is depends on whether MSI-X is on. */
static u64 legacy_config_at(const VirtioPci *s)
{
    return pci_msix_on(&s->pci) ? L_CONFIG_MSIX : L_CONFIG;
}

static u64 legacy_read(void *opaque, u64 at, unsigned size)
{
    VirtioPci *s = opaque;

    if (at >= legacy_config_at(s)) {
        return config_read(s, at - legacy_config_at(s), size);
    }
    switch (at) {
    case L_FEATURES:
        return (u32)s->v->features | BIT(VIRTIO_F_ANY_LAYOUT);
    case L_DRIVER:
        return (u32)s->v->accepted;
    case L_PFN:
        return pfn(s);
    case L_SIZE:
        return queue(s) ? s->v->vq_max[s->queue_sel] : 0;
    case L_SELECT:
        return s->queue_sel;
    case L_STATUS:
        return s->v->status;
    case L_ISR:
        return take_isr(s);
    case L_MSIX:
        return s->config_vector;
    case L_QUEUE_MSIX:
        return queue_vector(s, 0);
    default:
        return 0;
    }
}

static void legacy_status(VirtioPci *s, u8 val)
{
    write_status(s, val);
    s->v->legacy = val != 0;
}

static void legacy_write(void *opaque, u64 at, unsigned size, u64 val)
{
    VirtioPci *s = opaque;

    if (at >= legacy_config_at(s)) {
        config_write(s, at - legacy_config_at(s), size, val);
        return;
    }
    switch (at) {
    case L_DRIVER:
        virtio_accept(s->v, 0, (u32)val);
        break;
    case L_PFN:
        set_pfn(s, (u32)val);
        break;
    case L_SELECT:
        s->queue_sel = (u16)val;
        break;
    case L_NOTIFY:
        virtio_notify(s->v, (u16)val);
        break;
    case L_STATUS:
        legacy_status(s, (u8)val);
        break;
    case L_MSIX:
        set_config_vector(s, 0, val);
        break;
    case L_QUEUE_MSIX:
        set_queue_vector(s, 0, val);
        break;
    default:
        break;
    }
}

/*
 * The modern BAR without the machine lock: notifications of a device that has
 * a thread of its own need none.
 */
static u64 modern_read(void *opaque, u64 at, unsigned size)
{
    machine_lock();
    u64 v = device_read(opaque, at, size);
    machine_unlock();
    return v;
}

static void modern_write(void *opaque, u64 at, unsigned size, u64 val)
{
    VirtioPci *s = opaque;

    if (at >= NOTIFY_AT && s->v->io) {
        virtio_kick(s->v, (u32)(at - NOTIFY_AT) / NOTIFY_STEP);
        return;
    }
    machine_lock();
    device_write(opaque, at, size, val);
    machine_unlock();
}

/* ---- capabilities ------------------------------------------------------- */

static u32 add_area(VirtioPci *s, u8 type, u32 at, u32 bytes)
{
    bool more = type == CAP_NOTIFY || type == CAP_PCI;
    u32 size = more ? CAP_MORE_BYTES : CAP_BYTES;
    u32 cap = pci_capability(&s->pci, PCI_CAP_VENDOR, size);

    pci_set(&s->pci, cap + 2, 1, size);
    pci_set(&s->pci, cap + 3, 1, type);
    pci_set(&s->pci, cap + 4, 1, type == CAP_PCI ? 0 : MODERN_BAR);
    pci_set(&s->pci, cap + 8, 4, at);
    pci_set(&s->pci, cap + 12, 4, bytes);
    return cap;
}

static void add_modern(VirtioPci *s)
{
    PciDevice *d = &s->pci;
    u32 cap;

    pci_bar(d, MODERN_BAR, (PciBar) {
        .size = MODERN, .kind = PCI_BAR_64 | PCI_BAR_PREFETCH,
        .read = modern_read, .write = modern_write, .opaque = s,
        .lockless = true,
    });
    cap = add_area(s, CAP_PCI, 0, 0);
    s->access_at = cap;
    pci_writable(d, cap + 4, 1, 0xff);
    pci_writable(d, cap + 8, 8, ~0ull);
    pci_writable(d, cap + 16, 4, ~0u);
    cap = add_area(s, CAP_NOTIFY, NOTIFY_AT, AREA);
    pci_set(d, cap + 16, 4, NOTIFY_STEP);
    add_area(s, CAP_DEVICE, CONFIG_AT, AREA);
    add_area(s, CAP_ISR, ISR_AT, AREA);
    add_area(s, CAP_COMMON, 0, AREA);
}

/* Section 4.1.4.7: the data field is a window to a BAR. */
static bool window(VirtioPci *s, u32 at, unsigned size, u32 *to, u32 *bytes)
{
    const PciDevice *d = &s->pci;
    u32 cap = s->access_at, data = cap + 16;

    if (!cap || at >= data + 4 || at + size <= data) {
        return false;
    }
    *to = (u32)pci_get(d, cap + 8, 4);
    *bytes = (u32)pci_get(d, cap + 12, 4);
    return (*bytes == 1 || *bytes == 2 || *bytes == 4) && *to % *bytes == 0
        && pci_get(d, cap + 4, 1) == MODERN_BAR && *to <= MODERN - *bytes;
}

static void config_reading(PciDevice *d, u32 at, unsigned size)
{
    VirtioPci *s = (VirtioPci *)d;
    u32 to, bytes;

    if (window(s, at, size, &to, &bytes)) {
        pci_put(d, s->access_at + 16, bytes, device_read(s, to, bytes));
    }
}

static void config_wrote(PciDevice *d, u32 at, unsigned size)
{
    VirtioPci *s = (VirtioPci *)d;
    u32 to, bytes;

    if (window(s, at, size, &to, &bytes)) {
        device_write(s, to, bytes, pci_get(d, s->access_at + 16, bytes));
    }
    if (s->v) {
        interrupt(s);           /* MSI-X may be on or off now */
    }
}

/* ---- making it ---------------------------------------------------------- */

static const Kind *kind_of(const VirtioPci *s)
{
    const Kind *k = kinds;

    while (strcmp(k->name, s->pci.dev.type->name) != 0) {
        k++;
    }
    return k;
}

/* Hands the properties on: those that have a text of their own here. */
static bool set_backend(VirtioPci *s, Device *d, Err *err)
{
    const char *const first = (const char *)s->text;
    const char *const end = (const char *)(s->text + TEXTS);

    for (const Prop *p = s->pci.dev.type->props; p->name; p++) {
        const char *at = (const char *)s + p->at;
        if (at >= first && at < end && *(char *const *)at
            && !device_set(d, p->name, *(char *const *)at, err)) {
            return false;
        }
    }
    return true;
}

/* The device behind is the machine's too: it is saved, and reset, alone. */
static bool start_backend(VirtioPci *s, Device *d, Err *err)
{
    Machine *m = s->pci.dev.machine;
    bool ok;

    d->machine = m;
    d->mem = s->pci.dev.mem;
    d->bus = s;
    d->parent = &s->pci.dev;
    ok = set_backend(s, d, err)
        && (m ? machine_adopt(m, d, err) : device_start(d, err));
    if (!ok) {
        device_free(d);
        return false;
    }
    s->v = (VirtioDevice *)d;
    s->owned = !m;
    s->v->interrupt = interrupt;
    s->v->message = message;
    return true;
}

static bool make_backend(VirtioPci *s, Err *err)
{
    g_autofree char *id = g_strdup_printf("%s.backend", s->pci.dev.id);
    Device *d = device_new(kind_of(s)->backend, id, err);
    const Machine *m = s->pci.dev.machine;
    const char *per_cpu = kind_of(s)->per_cpu;

    if (d && per_cpu && m && m->opts) {
        g_autofree char *n = g_strdup_printf("%u", m->opts->smp);
        device_set(d, per_cpu, n, err);
    }
    return d && start_backend(s, d, err);
}

/* Does it have the legacy interface?  "auto": not behind a port. */
static bool wants_legacy(const VirtioPci *s, bool *yes, Err *err)
{
    bool off = pci_on_express(&s->pci) && !pci_on_root(&s->pci);

    if (strcmp(s->disable_legacy, "auto") != 0
        && !parse_bool(s->disable_legacy, &off)) {
        return fail(err, "disable-legacy=%s: write on, off or auto",
                    s->disable_legacy);
    }
    *yes = !off;
    return *yes || !s->disable_modern
        || fail(err, "disable-legacy and disable-modern together leave "
                "nothing");
}

static void add_legacy(VirtioPci *s)
{
    u64 size = 32;

    while (size < L_CONFIG_MSIX + s->v->kind->config_size) {
        size *= 2;
    }
    pci_bar(&s->pci, LEGACY_BAR, (PciBar) {
        .size = size, .kind = PCI_BAR_IO, .read = legacy_read,
        .write = legacy_write, .opaque = s,
    });
    pci_set(&s->pci, PCI_SUBSYSTEM, 2, s->v->kind->id);
    s->v->transitional = true;
}

static void identify(VirtioPci *s, bool legacy)
{
    u32 id = legacy ? kind_of(s)->legacy_id : FIRST_MODERN + s->v->kind->id;

    pci_set(&s->pci, PCI_DEVICE, 2, id);
    pci_set(&s->pci, PCI_REVISION, 1, legacy ? 0 : 1);
}

static bool add_all(VirtioPci *s, Err *err)
{
    u32 dflt = kind_of(s)->vectors ? kind_of(s)->vectors : s->v->queues + 1;
    u32 vectors = s->vectors == ~0u ? dflt : s->vectors;
    bool legacy;

    if (!wants_legacy(s, &legacy, err)) {
        return false;
    }
    if (vectors > PCI_MSIX_MAX) {
        return fail(err, "vectors=%u: %d are the most", vectors, PCI_MSIX_MAX);
    }
    identify(s, legacy);
    if (legacy) {
        add_legacy(s);
    }
    if (!s->disable_modern) {
        add_modern(s);
    }
    if (vectors) {
        pci_add_msix_bar(&s->pci, vectors, MSIX_BAR);
    }
    if (pci_on_express(&s->pci)) {
        pci_add_pm(&s->pci);
        pci_add_express(&s->pci, PCIE_ENDPOINT, 0, false);
    }
    return true;
}

static bool start(void *opaque, Err *err)
{
    VirtioPci *s = opaque;

    s->info = (PciInfo) {
        .vendor = VENDOR, .class = kind_of(s)->class, .pin = 1,
        .reading = config_reading, .wrote = config_wrote,
    };
    return pci_init(&s->pci, &s->info, err) && make_backend(s, err)
        && add_all(s, err);
}

static void reset(void *opaque)
{
    VirtioPci *s = opaque;

    if (s->v) {
        device_reset(&s->v->dev);
        reset_transport(s);
    }
    pci_reset(&s->pci);
}

static bool loaded(void *opaque)
{
    VirtioPci *s = opaque;

    if (!pci_loaded(&s->pci)) {
        return false;
    }
    for (u32 i = 0; i < VQ_MAX; i++) {
        s->vector[i] = checked_vector(s, s->vector[i]);
    }
    s->config_vector = checked_vector(s, s->config_vector);
    interrupt(s);
    return true;
}

static void stop(void *opaque)
{
    VirtioPci *s = opaque;

    pci_stop(&s->pci);
    if (s->v && s->owned) {
        device_free(&s->v->dev);
    }
    s->v = NULL;
}

/* ---- the functions ------------------------------------------------------ */

#define PASS(n, i, help_text) \
    PROP(n, PROP_STR, VirtioPci, text[i], NULL, help_text)

#define TRANSPORT_PROPS                                                     \
    PCI_PROPS(VirtioPci, pci),                                              \
    PROP("vectors", PROP_U32, VirtioPci, vectors, "0xffffffff", "messages of MSI-X; 0: none"), \
    PROP("disable-legacy", PROP_STR, VirtioPci, disable_legacy, "auto", "on, off or auto"), \
    PROP("disable-modern", PROP_BOOL, VirtioPci, disable_modern, "off", "the legacy interface only")

#define FUNCTION                                                            \
    .size   = sizeof(VirtioPci),                                            \
    .window = MODERN,                                                       \
    .bus    = BUS_PCI,                                                      \
    .user   = true,                                                         \
    .regs   = regs,                                                         \
    .any_offset = true,     /* iPXE reads features by halves */             \
    .tail   = ISR_AT,                                                       \
    .mmio_read = area_read, .mmio_write = area_write,                       \
    .state  = (const Field[]) {                                             \
        PCI_FIELDS(VirtioPci, pci), SAVE(VirtioPci, config_vector),         \
        SAVE(VirtioPci, vector), { 0 }                                      \
    },                                                                      \
    .start = start, .reset = reset, .loaded = loaded, .stop = stop

DEVICE(virtio_blk_pci) {
    .name  = "virtio-blk-pci",
    .about = "virtio disk on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PASS("drive", 0, "id of the disk image"),
        PASS("serial", 1, "serial number, 20 letters"),
        PASS("logical_block_size", 2, "bytes"),
        PASS("physical_block_size", 3, "bytes"),
        PASS("write-cache", 4, "until the guest says else"),
        PASS("num-queues", 5, "queues; one for each CPU"),
        PASS("queue-size", 6, "requests"),
        PASS("iothread", 7, "the -object iothread that serves it"),
        { 0 }
    },
    FUNCTION,
};

DEVICE(virtio_net_pci) {
    .name  = "virtio-net-pci",
    .about = "virtio network card on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PROP("romfile", PROP_STR, VirtioPci, romfile, NULL, "accepted: it has no ROM"),
        PASS("netdev", 0, "id of the network"),
        PASS("mac", 1, "hardware address"),
        PASS("csum", 2, "it computes checksums"),
        PASS("guest_csum", 3, "the guest need not check them"),
        PASS("host_tso4", 4, "takes large TCP segments"),
        PASS("host_tso6", 5, "the same of IPv6"),
        PASS("mrg_rxbuf", 6, "frames in several buffers"),
        { 0 }
    },
    FUNCTION,
};

DEVICE(virtio_rng_pci) {
    .name  = "virtio-rng-pci",
    .about = "virtio entropy source on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PASS("rng", 0, "accepted: the host's random numbers"),
        PASS("max-bytes", 1, "in a period"),
        PASS("period", 2, "milliseconds"),
        { 0 }
    },
    FUNCTION,
};

DEVICE(virtio_serial_pci) {
    .name  = "virtio-serial-pci",
    .about = "virtio console card on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PASS("max_ports", 0, "ports it can have"),
        { 0 }
    },
    FUNCTION,
};

DEVICE(virtio_balloon_pci) {
    .name  = "virtio-balloon-pci",
    .about = "virtio memory balloon on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PASS("deflate-on-oom", 0, "the guest may take it back"),
        PASS("free-page-reporting", 1, "free pages go back"),
        PASS("page-poison", 2, "free pages have contents"),
        { 0 }
    },
    FUNCTION,
};

DEVICE(virtio_scsi_pci) {
    .name  = "virtio-scsi-pci",
    .about = "virtio SCSI host adapter on PCI",
    .props = (const Prop[]) {
        TRANSPORT_PROPS,
        PASS("num_queues", 0, "queues of commands; one for each CPU"),
        PASS("virtqueue_size", 1, "entries of a queue"),
        { 0 }
    },
    FUNCTION,
};
