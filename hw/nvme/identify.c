/* SPDX-License-Identifier: MIT */
/*
 * What the controller and its namespaces say of themselves.
 * Reference: NVM Express 1.4, 5.15.
 */
#include <glib.h>
#include <stdio.h>
#include "hw/nvme/nvme.h"

enum {                                  /* CNS: figure 244 */
    CNS_NAMESPACE = 0x00, CNS_CONTROLLER = 0x01, CNS_ACTIVE = 0x02,
    CNS_DESCRIPTORS = 0x03,
};
enum { ID_EUI64 = 1, ID_NGUID = 2, ID_UUID = 3 };
#define MODEL "anole NVMe Ctrl"
#define FIRMWARE "1.0"

/* Text padded with spaces. */
static void put_text(u8 *p, u32 n, const char *text)
{
    memset(p, ' ', n);
    memcpy(p, text, MIN(strlen(text), n));
}

/* ---- the namespace: figure 245 ------------------------------------------ */

static u16 identify_namespace(NvmeRequest *r, u8 *p)
{
    enum { READ_ONLY = 1 };
    NvmeNs *ns = NULL;
    u32 nsid = nvme_dword(r, 1);

    if (!nsid || nsid > NVME_NAMESPACES) {
        return NVME_NSID;
    }
    if (nvme_find(r->s, nsid, &ns)) {
        return NVME_OK;                 /* one that is not there is zeros */
    }
    for (u32 at = 0; at < 24; at += 8) {
        store_le(p + at, 8, nvme_blocks(ns));   /* size, capacity, in use */
    }
    p[99] = block_readonly(ns->disk) ? READ_ONLY : 0;
    memcpy(p + 104, ns->nguid, 16);
    memcpy(p + 120, ns->eui64, 8);
    p[130] = (u8)ns->shift;             /* format 0 */
    return NVME_OK;
}

/* ---- the controller: figure 247 ----------------------------------------- */

static void identify_limits(const Nvme *s, u8 *p)
{
    enum { LOG_EFFECTS = 1 << 1, LOG_OFFSETS = 1 << 2, RO_SLOT = 3 };

    p[77] = (u8)(s->mdts ? s->mdts : 7);
    store_le(p + 80, 4, 0x10400);       /* version */
    p[111] = 1;                         /* an I/O controller */
    p[258] = 3;                         /* aborts at once, less 1 */
    p[259] = NVME_EVENTS - 1;
    p[260] = RO_SLOT;                   /* one slot of firmware, read-only */
    p[261] = LOG_EFFECTS | LOG_OFFSETS;
    p[262] = NVME_ERRORS - 1;
    store_le(p + 266, 2, NVME_WARM);
    store_le(p + 268, 2, NVME_HOT);
    p[512] = 0x66;                      /* queue entries: 64 bytes */
    p[513] = 0x44;                      /* 16 bytes */
    store_le(p + 516, 4, NVME_NAMESPACES);
}

static void identify_commands(u8 *p)
{
    enum { COMPARE = 1 << 0, DATASET = 1 << 2, ZEROES = 1 << 3,
           FEATURES = 1 << 4, TIMESTAMP = 1 << 6 };
    enum { CACHE = 1, FLUSH_ALL = 3 << 1, SGL = 1, SGL_BUCKET = 1 << 16 };

    store_le(p + 520, 2, COMPARE | DATASET | ZEROES | FEATURES | TIMESTAMP);
    p[525] = CACHE | FLUSH_ALL;
    store_le(p + 536, 4, SGL | SGL_BUCKET);
}

static void identify_controller(const Nvme *s, u8 *p)
{
    store_le(p, 2, s->pci.info->vendor);
    store_le(p + 2, 2, pci_get(&s->pci, PCI_SUBSYSTEM_VENDOR, 2));
    put_text(p + 4, 20, s->serial);
    put_text(p + 24, 40, MODEL);
    put_text(p + 64, 8, FIRMWARE);
    p[72] = 6;                          /* commands to arbitrate: 64 */
    store_le(p + 73, 3, 0x525400);      /* IEEE: locally administered */
    identify_limits(s, p);
    identify_commands(p);
    /* 7.9: the qualified name that hosts make up of the same things. */
    snprintf((char *)p + 768, 256,
             "nqn.2014.08.org.nvmexpress:%04x%04x%-20s%-40s",
             (u32)load_le(p, 2), (u32)load_le(p + 2, 2), s->serial, MODEL);
    store_le(p + 2048, 2, 2500);        /* its power state: 25 W */
    store_le(p + 2052, 4, 16);          /* us to enter and to leave it */
    store_le(p + 2056, 4, 4);
}

/* ---- lists -------------------------------------------------------------- */

/* Numbers above the one given. */
static u16 list_active(const NvmeRequest *r, u8 *p)
{
    u32 nsid = nvme_dword(r, 1);

    if (nsid >= NVME_ALL - 1) {
        return NVME_NSID;
    }
    for (u32 i = nsid; i < NVME_NAMESPACES; i++) {
        if (r->s->ns[i]) {
            store_le(p, 4, i + 1);
            p += 4;
        }
    }
    return NVME_OK;
}

static u8 *put_id(u8 *p, u8 kind, const u8 *id, u8 len)
{
    static const u8 none[16];

    if (memcmp(id, none, len) == 0) {
        return p;
    }
    p[0] = kind;
    p[1] = len;
    memcpy(p + 4, id, len);
    return p + 4 + len;
}

static u16 list_descriptors(NvmeRequest *r, u8 *p)
{
    NvmeNs *ns;
    u16 status = nvme_find(r->s, nvme_dword(r, 1), &ns);

    if (!status) {
        p = put_id(p, ID_EUI64, ns->eui64, sizeof ns->eui64);
        p = put_id(p, ID_NGUID, ns->nguid, sizeof ns->nguid);
        put_id(p, ID_UUID, ns->uuid, sizeof ns->uuid);
    }
    return status;
}

u16 nvme_identify(NvmeRequest *r)
{
    u8 page[NVME_PAGE] = { 0 };
    u16 status = NVME_OK;

    switch (nvme_dword(r, 10) & 0xff) {
    case CNS_NAMESPACE:
        status = identify_namespace(r, page);
        break;
    case CNS_CONTROLLER:
        identify_controller(r->s, page);
        break;
    case CNS_ACTIVE:
        status = list_active(r, page);
        break;
    case CNS_DESCRIPTORS:
        status = list_descriptors(r, page);
        break;
    default:
        status = NVME_FIELD;
    }
    return status ? status : nvme_give(r, page, sizeof page);
}
