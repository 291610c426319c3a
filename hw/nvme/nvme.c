/* SPDX-License-Identifier: MIT */
/*
 * NVM Express controller "nvme" (1b36:0010): registers, queues, interrupts.
 * Reference: NVM Express Base Specification 1.4, chapters 3, 4 and 7.
 *
 * Left out: controller memory buffers, persistent memory regions, subsystem
 * reset, weighted arbitration, metadata and protection information.
 */
#include <glib.h>
#include "hw/nvme/nvme.h"
#include "util/log.h"

enum {                                  /* registers: 3.1 */
    AT_CAP = 0x00, AT_VS = 0x08, AT_INTMS = 0x0c, AT_INTMC = 0x10,
    AT_CC = 0x14, AT_CSTS = 0x1c, AT_NSSR = 0x20, AT_AQA = 0x24, AT_ASQ = 0x28,
    AT_ACQ = 0x30, AT_CMBLOC = 0x38, AT_CMBSZ = 0x3c, DOORBELLS = 0x1000,
    WINDOW = 0x2000, BAR_BYTES = 0x4000, MSIX_AT = 0x2000, PBA_AT = 0x3000,
};
enum { CC_EN = 1 << 0, CC_BITS = 0xfffff1, CC_SHN = 3 << 14, VS_1_4 = 0x10400 };
enum { CSTS_RDY = 1 << 0, CSTS_CFS = 1 << 1, SHST_BUSY = 1 << 2,
       SHST_DONE = 2 << 2, SHST = 3 << 2 };
/* The largest queue, contiguous queues, 7.5 s, NVM commands, 4 to 64 KiB. */
#define CAP ((NVME_MQES - 1ull) | 1ull << 16 | 15ull << 24 | 1ull << 37 \
             | 4ull << 52)
enum { MPS_MAX = 4 };
enum { BAD_DOORBELL = 0, BAD_VALUE = 1, ERROR_LOG = 1 };    /* of events */
enum { STATUS_DNR = 0x4000 };

/* ---- interrupts --------------------------------------------------------- */

void nvme_update_irq(Nvme *s)
{
    bool level = false;

    for (u32 i = 0; i < NVME_QUEUES; i++) {
        const NvmeCq *q = &s->cq[i];
        level |= q->size && q->irq_on && q->head != q->tail
              && !(s->mask >> (q->vector & 31) & 1);
    }
    pci_irq(&s->pci, level && !pci_msix_on(&s->pci));
}

static void notify(Nvme *s, const NvmeCq *q)
{
    if (!q->irq_on) {
        return;
    }
    if (pci_msix_on(&s->pci)) {
        pci_msix(&s->pci, q->vector);
    } else {
        nvme_update_irq(s);
    }
}

/* ---- completions -------------------------------------------------------- */

static u32 next(u32 at, u32 size)
{
    return at + 1 == size ? 0 : at + 1;
}

static u32 used(u32 head, u32 tail, u32 size)
{
    return tail >= head ? tail - head : tail + size - head;
}

bool nvme_room(const Nvme *s, u32 cqid)
{
    const NvmeCq *q = &s->cq[cqid];

    return q->size && used(q->head, q->tail, q->size) + s->reserved[cqid]
                      < q->size - 1;
}

/*
 * Dword 3, which has the phase, is written last: the guest may look at any
 * moment.
 */
void nvme_post(Nvme *s, u32 sq, u32 cid, u16 status, u32 result)
{
    NvmeCq *q = &s->cq[s->sq[sq].cqid];
    u64 at = q->base + (u64)q->tail * NVME_COMPLETION;
    u8 e[NVME_COMPLETION] = { 0 };
    bool final = status >> 8 != 2 && status != NVME_ABORTED;

    store_le(e, 4, result);
    store_le(e + 8, 4, s->sq[sq].head | sq << 16);
    store_le(e + 12, 4, cid | (u32)(status | (status && final ? STATUS_DNR : 0))
                                << 17 | q->phase << 16);
    if (!pci_dma_write(&s->pci, at, e, 12)
        || !pci_dma_write(&s->pci, at + 12, e + 12, 4)) {
        s->csts |= CSTS_CFS;
    }
    q->tail = next(q->tail, q->size);
    q->phase ^= q->tail == 0;
    notify(s, q);
}

static void free_request(NvmeRequest *r)
{
    if (r->piece) {
        g_array_unref(r->piece);
    }
    g_free(r->buffer);
    g_free(r);
}

void nvme_complete(NvmeRequest *r, u16 status)
{
    Nvme *s = r->s;

    if (r->epoch == s->epoch) {
        s->reserved[s->sq[r->sq].cqid]--;
        if (status) {
            nvme_note_error(r, status);
        }
        nvme_post(s, r->sq, (u32)load_le(r->cmd + 2, 2), status, r->result);
    }
    free_request(r);
}

/* ---- commands ----------------------------------------------------------- */

static void serve(Nvme *s, u32 sq, const u8 *cmd)
{
    enum { FUSED = 3 };
    NvmeRequest *r = g_new0(NvmeRequest, 1);
    u32 kind = cmd[1] >> 6;             /* PRPs or SGLs */
    u16 status;

    r->s = s;
    r->sq = sq;
    r->epoch = s->epoch;
    memcpy(r->cmd, cmd, NVME_COMMAND);
    s->reserved[s->sq[sq].cqid]++;
    status = cmd[1] & FUSED || kind == 3 || (kind && !sq) ? NVME_FIELD
           : sq ? nvme_io(r) : nvme_admin(r);
    if (status != NVME_LATER) {
        nvme_complete(r, status);
    }
}

static void run_queue(Nvme *s, u32 n)
{
    NvmeSq *q = &s->sq[n];
    u8 cmd[NVME_COMMAND];

    while (s->csts & CSTS_RDY && !(s->csts & CSTS_CFS) && q->size
           && q->head != q->tail && nvme_room(s, q->cqid)) {
        u64 at = q->base + (u64)q->head * NVME_COMMAND;
        if (!pci_dma_read(&s->pci, at, cmd, sizeof cmd)) {
            log_line(LOG_GUEST, "%s: queue %u is not in memory",
                     s->pci.dev.id, n);
            s->csts |= CSTS_CFS;
            return;
        }
        q->head = next(q->head, q->size);
        serve(s, n, cmd);
    }
}

void nvme_run_waiting(Nvme *s)
{
    block_plug(NULL);
    for (u32 i = 0; i < NVME_QUEUES; i++) {
        run_queue(s, i);
    }
    block_unplug(NULL);
}

/* ---- doorbells: 3.1.24, 3.1.25 ------------------------------------------ */

static void ring_sq(Nvme *s, u32 n, u32 tail)
{
    NvmeSq *q = &s->sq[n];

    if (!q->size || tail >= q->size) {
        nvme_event(s, NVME_EVENT_ERROR, q->size ? BAD_VALUE : BAD_DOORBELL,
                   ERROR_LOG);
        return;
    }
    q->tail = tail;
    block_plug(NULL);
    run_queue(s, n);
    block_unplug(NULL);
}

static void ring_cq(Nvme *s, u32 n, u32 head)
{
    NvmeCq *q = &s->cq[n];

    if (!q->size || head >= q->size
        || used(q->head, head, q->size) > used(q->head, q->tail, q->size)) {
        nvme_event(s, NVME_EVENT_ERROR, q->size ? BAD_VALUE : BAD_DOORBELL,
                   ERROR_LOG);
        return;
    }
    bool full = used(q->head, q->tail, q->size) + s->reserved[n]
                >= q->size - 1;
    q->head = head;
    nvme_update_irq(s);
    if (n == 0) {
        nvme_send_events(s);
    }
    if (full) {
        nvme_run_waiting(s);
    }
}

static u64 doorbell_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque;
    (void)at;
    (void)size;
    return 0;
}

static void doorbell_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Nvme *s = opaque;
    u64 n = (at - DOORBELLS) / 4;

    if (at & 3 || size != 4 || n >= 2 * NVME_QUEUES || !(s->csts & CSTS_RDY)) {
        log_line(LOG_GUEST, "%s: %u bytes to doorbell %#llx", s->pci.dev.id,
                 size, (unsigned long long)at);
    } else if (n & 1) {
        ring_cq(s, (u32)n / 2, (u32)v & 0xffff);
    } else {
        ring_sq(s, (u32)n / 2, (u32)v & 0xffff);
    }
}

/* ---- enabling, resetting, shutting down: 3.1.5, 7.3, 7.6 ---------------- */

void nvme_drain(Nvme *s)
{
    for (u32 i = 0; i < NVME_NAMESPACES; i++) {
        if (s->ns[i]) {
            block_drain(s->ns[i]->disk);
        }
    }
}

/* What is on its way changes nothing any more once this returns. */
static void stop_controller(Nvme *s)
{
    s->epoch++;
    nvme_drain(s);
    memset(s->sq, 0, sizeof s->sq);
    memset(s->cq, 0, sizeof s->cq);
    memset(s->reserved, 0, sizeof s->reserved);
    memset(s->event, 0, sizeof s->event);
    s->waits = s->masked = s->csts = s->mask = s->flushing = 0;
    nvme_reset_features(s);
    nvme_update_irq(s);
}

static void start_controller(Nvme *s)
{
    u32 sq = (s->aqa & 0xfff) + 1, cq = (s->aqa >> 16 & 0xfff) + 1;
    u32 css = (u32)bits(s->cc, 6, 4), mps = (u32)bits(s->cc, 10, 7);
    u64 page = (u64)NVME_PAGE << mps;

    if (mps > MPS_MAX || (css != 0 && css != 7) || bits(s->cc, 13, 11)
        || sq < 2 || cq < 2 || s->asq & (page - 1) || s->acq & (page - 1)) {
        log_line(LOG_GUEST, "%s: CC %x AQA %x ASQ %llx ACQ %llx cannot be",
                 s->pci.dev.id, s->cc, s->aqa, (unsigned long long)s->asq,
                 (unsigned long long)s->acq);
        s->csts |= CSTS_CFS;
        return;
    }
    s->sq[0] = (NvmeSq) { .base = s->asq, .size = sq };
    s->cq[0] = (NvmeCq) { .base = s->acq, .size = cq, .phase = 1,
                          .irq_on = 1 };
    s->csts |= CSTS_RDY;
}

typedef struct Shutdown {
    Nvme *s;
    u32   epoch;
} Shutdown;

static void flushed(void *opaque, int ret)
{
    Shutdown *d = opaque;
    Nvme *s = d->s;

    (void)ret;
    if (d->epoch == s->epoch && --s->flushing == 0) {
        s->csts = (s->csts & ~(u32)SHST) | SHST_DONE;
    }
    g_free(d);
}

static void shut_down(Nvme *s)
{
    s->csts = (s->csts & ~(u32)SHST) | SHST_BUSY;
    s->flushing = 1;
    for (u32 i = 0; i < NVME_NAMESPACES; i++) {
        if (s->ns[i]) {
            Shutdown *d = g_new(Shutdown, 1);
            *d = (Shutdown) { s, s->epoch };
            s->flushing++;
            block_submit(s->ns[i]->disk, &(BlockRequest) {
                .op = BLOCK_FLUSH, .done = flushed, .opaque = d });
        }
    }
    Shutdown *d = g_new(Shutdown, 1);   /* for there may be none */
    *d = (Shutdown) { s, s->epoch };
    flushed(d, 0);
}

static void write_cc(void *opaque, u32 i, u64 v)
{
    Nvme *s = opaque;
    u32 was = s->cc;

    (void)i;
    s->cc = (u32)v & CC_BITS;
    if (s->cc & ~was & CC_EN) {
        start_controller(s);
    } else if (was & ~s->cc & CC_EN) {
        stop_controller(s);
    }
    if (s->cc & CC_SHN && !(was & CC_SHN)) {
        shut_down(s);
    } else if (!(s->cc & CC_SHN)) {
        s->csts &= ~(u32)SHST;
    }
}

static void mask_set(void *opaque, u32 i, u64 v)
{
    Nvme *s = opaque;

    (void)i;
    s->mask |= (u32)v;
    nvme_update_irq(s);
}

static void mask_clear(void *opaque, u32 i, u64 v)
{
    Nvme *s = opaque;

    (void)i;
    s->mask &= ~(u32)v;
    nvme_update_irq(s);
}

static u64 mask_read(void *opaque, u32 i)
{
    (void)i;
    return ((const Nvme *)opaque)->mask;
}

static const Reg regs[] = {
    { .at = AT_CAP, .width = 8, .name = "CAP", .reset = CAP },
    CONST(AT_VS, "VS", VS_1_4),
    FN(AT_INTMS, "INTMS", .read = mask_read, .write = mask_set),
    FN(AT_INTMC, "INTMC", .read = mask_read, .write = mask_clear),
    RO(AT_CC, "CC", Nvme, cc, .write = write_cc),
    CONST(0x18, "Reserved", 0),
    RO(AT_CSTS, "CSTS", Nvme, csts),
    CONST(AT_NSSR, "NSSR", 0),
    RW(AT_AQA, "AQA", Nvme, aqa, 0x0fff0fff),
    { .at = AT_ASQ, .width = 8, .name = "ASQ", MEMBER(Nvme, asq), .rw = ~0xfffull },
    { .at = AT_ACQ, .width = 8, .name = "ACQ", MEMBER(Nvme, acq), .rw = ~0xfffull },
    CONST(AT_CMBLOC, "CMBLOC", 0),
    CONST(AT_CMBSZ, "CMBSZ", 0),
    { 0 }
};

/* ---- the device --------------------------------------------------------- */

static void config_wrote(PciDevice *d, u32 at, unsigned size)
{
    (void)at;
    (void)size;
    nvme_update_irq((Nvme *)d);         /* MSI-X may be on or off now */
}

static bool check_props(const Nvme *s, Err *err)
{
    if (!s->serial || !*s->serial || strlen(s->serial) > 20) {
        return fail(err, "serial=%s: it needs a serial number of 1 to 20 "
                    "letters", s->serial ? s->serial : "");
    }
    if (!s->pairs || s->pairs >= NVME_QUEUES) {
        return fail(err, "max_ioqpairs=%u: it is 1 to %d", s->pairs,
                    NVME_QUEUES - 1);
    }
    if (!s->vectors || s->vectors > PCI_MSIX_MAX) {
        return fail(err, "msix_qsize=%u: it is 1 to %d", s->vectors,
                    PCI_MSIX_MAX);
    }
    return s->mdts <= 7
        || fail(err, "mdts=%u: 7 is the most, 512 KiB (0: no limit but "
                "that)", s->mdts);
}

static bool start(void *opaque, Err *err)
{
    static const PciInfo info = {
        .vendor = 0x1b36, .device = 0x0010, .class = 0x010802, .revision = 2,
        .pin = 1, .wrote = config_wrote,
    };
    Nvme *s = opaque;

    if (!check_props(s, err) || !pci_init(&s->pci, &info, err)) {
        return false;
    }
    pci_bar(&s->pci, 0, (PciBar) {
        .size = BAR_BYTES, .kind = PCI_BAR_MEM | PCI_BAR_64,
        .read = device_read, .write = device_write, .opaque = s,
    });
    pci_add_msix(&s->pci, s->vectors, 0, MSIX_AT, PBA_AT);
    pci_add_pm(&s->pci);
    if (pci_on_express(&s->pci)) {
        pci_add_express(&s->pci, PCIE_ENDPOINT, 0, false);
    }
    s->own = (NvmeNs) { .disk = s->disk, .nsid = 1 };
    return !s->disk || (block_claim(s->disk, s->pci.dev.id, err)
                        && nvme_attach(s, &s->own, s->block, err));
}

static void reset(void *opaque)
{
    Nvme *s = opaque;

    stop_controller(s);
    pci_reset(&s->pci);
}

static void stop(void *opaque)
{
    Nvme *s = opaque;

    s->epoch++;
    nvme_drain(s);
    for (u32 i = 0; i < NVME_NAMESPACES; i++) {
        if (s->ns[i]) {
            nvme_detach(s->ns[i]);
        }
    }
    pci_stop(&s->pci);
}

static bool queues_loaded(const Nvme *s)
{
    for (u32 i = 0; i < NVME_QUEUES; i++) {
        const NvmeSq *q = &s->sq[i];
        const NvmeCq *c = &s->cq[i];
        if (c->size > NVME_MQES + 2048 || c->phase > 1
            || (c->size && (c->head >= c->size || c->tail >= c->size))
            || c->vector >= s->vectors || q->size > NVME_MQES + 2048
            || q->cqid >= NVME_QUEUES
            || (q->size && (q->head >= q->size || q->tail >= q->size
                            || !s->cq[q->cqid].size))) {
            return false;
        }
    }
    return true;
}

static bool loaded(void *opaque)
{
    Nvme *s = opaque;

    if (!queues_loaded(s) || s->waits > NVME_EVENTS
        || !pci_loaded(&s->pci)) {
        return false;
    }
    nvme_update_irq(s);
    return true;
}

DEVICE(nvme) {
    .name   = "nvme",
    .about  = "NVM Express controller",
    .size   = sizeof(Nvme),
    .window = WINDOW,
    .bus    = BUS_PCI,
    .user   = true,
    .any_offset = true,
    .regs   = regs,
    .tail   = DOORBELLS,
    .mmio_read = doorbell_read, .mmio_write = doorbell_write,
    .state  = (const Field[]) {
        PCI_FIELDS(Nvme, pci), SAVE(Nvme, mask),
        SAVE_STRUCT(Nvme, sq, NvmeSq,
            SAVE(NvmeSq, base), SAVE(NvmeSq, size), SAVE(NvmeSq, head),
            SAVE(NvmeSq, tail), SAVE(NvmeSq, cqid)),
        SAVE_STRUCT(Nvme, cq, NvmeCq,
            SAVE(NvmeCq, base), SAVE(NvmeCq, size), SAVE(NvmeCq, head),
            SAVE(NvmeCq, tail), SAVE(NvmeCq, phase), SAVE(NvmeCq, irq_on),
            SAVE(NvmeCq, vector)),
        SAVE(Nvme, feature), SAVE(Nvme, coalesce_off),
        SAVE(Nvme, threshold_low), SAVE(Nvme, timestamp),
        SAVE(Nvme, timestamp_at), SAVE(Nvme, waiting), SAVE(Nvme, waits),
        SAVE(Nvme, event), SAVE(Nvme, masked),
        KEEP_STRUCT(Nvme, error, NvmeError,
            SAVE(NvmeError, count), SAVE(NvmeError, lba),
            SAVE(NvmeError, nsid), SAVE(NvmeError, sq), SAVE(NvmeError, cid),
            SAVE(NvmeError, status), SAVE(NvmeError, at)),
        KEEP_SAVE(Nvme, errors), KEEP_SAVE(Nvme, reads),
        KEEP_SAVE(Nvme, writes), KEEP_SAVE(Nvme, read_bytes),
        KEEP_SAVE(Nvme, written_bytes), { 0 }
    },
    .props  = (const Prop[]) {
        PCI_PROPS(Nvme, pci),
        PROP("drive", PROP_BLOCK, Nvme, disk, NULL, "id of the disk image of namespace 1"),
        PROP("serial", PROP_STR, Nvme, serial, NULL, "serial number, 20 letters"),
        PROP("max_ioqpairs", PROP_U32, Nvme, pairs, "64", "pairs of queues, to 64"),
        PROP("msix_qsize", PROP_U32, Nvme, vectors, "65", "messages of MSI-X"),
        PROP("logical_block_size", PROP_U32, Nvme, block, "512", "bytes of drive="),
        PROP("mdts", PROP_U32, Nvme, mdts, "7", "log2 of the pages of a transfer"),
        { 0 }
    },
    .start = start, .reset = reset, .loaded = loaded, .stop = stop,
};
