/* SPDX-License-Identifier: MIT */
/*
 * Admin commands: queues and aborting.  Reference: NVM Express 1.4, chapter 5.
 */
#include "hw/nvme/nvme.h"

enum {                                  /* opcodes: figure 139 */
    DELETE_SQ = 0x00, CREATE_SQ = 0x01, GET_LOG = 0x02, DELETE_CQ = 0x04,
    CREATE_CQ = 0x05, IDENTIFY = 0x06, ABORT = 0x08, SET_FEATURES = 0x09,
    GET_FEATURES = 0x0a, AWAIT_EVENT = 0x0c,
};
enum { CONTIGUOUS = 1 << 0, INTERRUPTS = 1 << 1 };
enum { SQES = 6, CQES = 4 };

static bool valid_qid(const Nvme *s, u32 id)
{
    return id && id <= s->pairs;
}

/* ---- creating and deleting queues: 5.3 to 5.6 --------------------------- */

static u16 check_queue(const NvmeRequest *r, u32 size)
{
    u64 base = load_le(r->cmd + 24, 8);
    u64 page = (u64)NVME_PAGE << bits(r->s->cc, 10, 7);

    if (size < 2 || size > NVME_MQES) {
        return NVME_QUEUE_SIZE;
    }
    if (!(nvme_dword(r, 11) & CONTIGUOUS)) {
        return NVME_FIELD;
    }
    return base & (page - 1) ? NVME_PRP_OFFSET : NVME_OK;
}

static u16 create_cq(NvmeRequest *r)
{
    Nvme *s = r->s;
    u32 id = nvme_dword(r, 10) & 0xffff, size = (nvme_dword(r, 10) >> 16) + 1;
    u32 vector = nvme_dword(r, 11) >> 16;
    u16 status = check_queue(r, size);

    if (!valid_qid(s, id) || s->cq[id].size) {
        return NVME_QID;
    }
    if (status) {
        return status;
    }
    if (bits(s->cc, 23, 20) != CQES) {
        return NVME_QUEUE_SIZE;
    }
    if (vector >= s->vectors || (!pci_msix_on(&s->pci) && vector)) {
        return NVME_VECTOR;
    }
    s->cq[id] = (NvmeCq) {
        .base = load_le(r->cmd + 24, 8), .size = size, .phase = 1,
        .irq_on = (nvme_dword(r, 11) & INTERRUPTS) != 0, .vector = vector,
    };
    return NVME_OK;
}

static u16 create_sq(NvmeRequest *r)
{
    Nvme *s = r->s;
    u32 id = nvme_dword(r, 10) & 0xffff, size = (nvme_dword(r, 10) >> 16) + 1;
    u32 cqid = nvme_dword(r, 11) >> 16;
    u16 status = check_queue(r, size);

    if (!valid_qid(s, cqid)) {
        return NVME_QID;
    }
    if (!s->cq[cqid].size) {
        return NVME_CQ_INVALID;
    }
    if (!valid_qid(s, id) || s->sq[id].size) {
        return NVME_QID;
    }
    if (status) {
        return status;
    }
    if (bits(s->cc, 19, 16) != SQES) {
        return NVME_QUEUE_SIZE;
    }
    s->sq[id] = (NvmeSq) {
        .base = load_le(r->cmd + 24, 8), .size = size, .cqid = cqid,
    };
    return NVME_OK;
}

/* Its commands are done when the disks are idle; others do not come. */
static u16 delete_sq(NvmeRequest *r)
{
    Nvme *s = r->s;
    u32 id = nvme_dword(r, 10) & 0xffff;

    if (!valid_qid(s, id) || !s->sq[id].size) {
        return NVME_QID;
    }
    s->sq[id].tail = s->sq[id].head;
    nvme_drain(s);
    s->sq[id] = (NvmeSq) { 0 };
    return NVME_OK;
}

static u16 delete_cq(NvmeRequest *r)
{
    Nvme *s = r->s;
    u32 id = nvme_dword(r, 10) & 0xffff;

    if (!valid_qid(s, id) || !s->cq[id].size) {
        return NVME_QID;
    }
    for (u32 i = 1; i < NVME_QUEUES; i++) {
        if (s->sq[i].size && s->sq[i].cqid == id) {
            return NVME_QUEUE_DELETION;
        }
    }
    s->cq[id] = (NvmeCq) { 0 };
    nvme_update_irq(s);
    return NVME_OK;
}

/*
 * 5.1.  Only event requests wait long enough to be aborted: the completion of
 * one comes before this command's, and needs an entry of its own.
 */
static u16 abort_command(NvmeRequest *r)
{
    u32 sq = nvme_dword(r, 10) & 0xffff, cid = nvme_dword(r, 10) >> 16;

    r->result = sq != 0 || !nvme_abort_event(r->s, cid);
    return NVME_OK;
}

/* ---- all of them -------------------------------------------------------- */

static const struct {
    u8 opcode;
    u16 (*run)(NvmeRequest *r);
} commands[] = {
    { DELETE_SQ,    delete_sq },
    { CREATE_SQ,    create_sq },
    { GET_LOG,      nvme_get_log },
    { DELETE_CQ,    delete_cq },
    { CREATE_CQ,    create_cq },
    { IDENTIFY,     nvme_identify },
    { ABORT,        abort_command },
    { SET_FEATURES, nvme_set_feature },
    { GET_FEATURES, nvme_get_feature },
    { AWAIT_EVENT,  nvme_await_event },
};

u16 nvme_admin(NvmeRequest *r)
{
    for (u32 i = 0; i < countof(commands); i++) {
        if (commands[i].opcode == r->cmd[0]) {
            return commands[i].run(r);
        }
    }
    return NVME_OPCODE;
}

void nvme_admin_effects(u8 *page)
{
    for (u32 i = 0; i < countof(commands); i++) {
        page[4 * commands[i].opcode] = 1;       /* supported */
    }
}
